/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/custody.h>

#include <chancery/base/json.h>

const char *
custody_tri(enum hsm_tri v)
{
	switch (v) {
	case HSM_FALSE:
		return "false";
	case HSM_TRUE:
		return "true";
	case HSM_NOT_REPORTED:
		return "not-reported";
	}
	return "?";
}

void
custody_json(const struct hsm_custody *c, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object(&w);
	json_key(&w, "attacks");
	json_array(&w);
	for (size_t i = 0; i < c->attacks; i++) {
		const struct hsm_attack *a = &c->attack[i];

		json_object(&w);
		json_kv_str(&w, "call", a->call);
		json_kv_str(&w, "name", a->name);
		json_kv_bool(&w, "refused", a->refused);
		json_kv_str(&w, "result", a->rv_name);
		json_kv_bool(&w, "tried", a->tried);
		json_object_end(&w);
	}
	json_array_end(&w);
	json_key(&w, "attributes");
	json_array(&w);
	for (size_t i = 0; i < c->attrs; i++) {
		const struct hsm_attr *a = &c->attr[i];

		json_object(&w);
		json_kv_str(&w, "half", a->private_half ? "private" : "public");
		json_kv_str(&w, "name", a->name);
		json_kv_str(&w, "required", custody_tri(a->required));
		json_kv_str(&w, "value", custody_tri(a->value));
		json_object_end(&w);
	}
	json_array_end(&w);
	json_object_end(&w);
}

bool
custody_check(const struct hsm_custody *c, struct error *e)
{
	for (size_t i = 0; i < c->attacks; i++)
		if (c->attack[i].tried && !c->attack[i].refused)
			return error_set(e, FAIL_REFUSED,
			    "attack \"%s\" succeeded: the key is not "
			    "protected",
			    c->attack[i].name);
	for (size_t i = 0; i < c->attrs; i++) {
		const struct hsm_attr *a = &c->attr[i];

		if (a->required != HSM_NOT_REPORTED && a->value != a->required)
			return error_set(e, FAIL_REFUSED,
			    "%s is %s, must be %s", a->name,
			    custody_tri(a->value), custody_tri(a->required));
	}
	return c->attrs_ok || error_set(e, FAIL_REFUSED,
				  "the attributes are not as required");
}
