/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/custody.h>

#include <chancery/signer/custody.h>

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
			    custody_tri_name(a->value),
			    custody_tri_name(a->required));
	}
	return c->attrs_ok ||
	    error_set(e, FAIL_REFUSED, "the attributes are not as required");
}
