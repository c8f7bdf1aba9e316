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
