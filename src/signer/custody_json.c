/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/json.h>
#include <chancery/signer/custody.h>

const char *
custody_tri_name(enum hsm_tri v)
{
	switch (v) {
	case HSM_FALSE:
		return "false";
	case HSM_TRUE:
		return "true";
	case HSM_NOT_REPORTED:
		break;
	}
	return "not reported";
}

static void
attack(struct json_writer *w, const struct hsm_attack *a)
{
	json_object_begin(w);
	json_kv_str(w, "call", a->call);
	json_kv_str(w, "name", a->name);
	json_kv_bool(w, "refused", a->refused);
	json_kv_str(w, "rv", a->rv_name);
	json_kv_bool(w, "tried", a->tried);
	json_object_end(w);
}

static void
attribute(struct json_writer *w, const struct hsm_attr *a)
{
	json_object_begin(w);
	json_kv_str(w, "half", a->private_half ? "private" : "public");
	json_kv_str(w, "name", a->name);
	json_kv_str(w, "required",
	    a->required == HSM_NOT_REPORTED ? "any"
					    : custody_tri_name(a->required));
	json_kv_str(w, "value", custody_tri_name(a->value));
	json_object_end(w);
}

void
custody_to_json(const struct hsm_custody *c, struct buf *out)
{
	struct json_writer w;
	size_t i;

	json_begin(&w, out);
	json_object_begin(&w);
	json_key(&w, "attacks");
	json_array_begin(&w);
	for (i = 0; i < c->attacks; i++)
		attack(&w, &c->attack[i]);
	json_array_end(&w);
	/* What was not tried was not withstood. */
	if (c->attacks > 0)
		json_kv_bool(&w, "attacks_ok", c->attacks_ok);
	json_key(&w, "attributes");
	json_array_begin(&w);
	for (i = 0; i < c->attrs; i++)
		attribute(&w, &c->attr[i]);
	json_array_end(&w);
	json_kv_bool(&w, "attributes_ok", c->attrs_ok);
	json_kv_int(&w, "keygen_mechanism",
	    c->keygen_mechanism <= UINT32_MAX ? (int64_t)c->keygen_mechanism
					      : -1);
	json_object_end(&w);
}

/* ---- of an imported key --------------------------------------------------- */

static bool
is_history(struct bytes name)
{
	static const char *const names[] = { "CKA_ALWAYS_SENSITIVE",
		"CKA_LOCAL", "CKA_NEVER_EXTRACTABLE" };

	for (size_t i = 0; i < countof(names); i++)
		if (bytes_eq(name, bytes_str(names[i])))
			return true;
	return false;
}

static bool
attribute_ok(struct json_reader *r)
{
	struct bytes key, v, name = { 0 }, required = { 0 }, value = { 0 };

	json_enter_object(r);
	while (json_next_key(r, &key)) {
		v = json_get_raw_str(r);
		if (bytes_eq(key, bytes_str("name")))
			name = v;
		else if (bytes_eq(key, bytes_str("required")))
			required = v;
		else if (bytes_eq(key, bytes_str("value")))
			value = v;
	}
	return bytes_eq(required, bytes_str("any")) ||
	    bytes_eq(required, value) || is_history(name);
}

bool
custody_is_but_imported(struct bytes json)
{
	struct json_reader r;
	struct bytes key;
	bool ok = true, some = false;

	json_read(&r, json);
	json_enter_object(&r);
	while (json_next_key(&r, &key))
		if (bytes_eq(key, bytes_str("attacks_ok"))) {
			ok &= json_get_bool(&r);
		} else if (bytes_eq(key, bytes_str("attributes"))) {
			json_enter_array(&r);
			while (json_next_element(&r)) {
				some = true;
				ok &= attribute_ok(&r);
			}
		} else {
			(void)json_get_value(&r);
		}
	return json_done(&r) && ok && some;
}
