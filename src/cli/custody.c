/* SPDX-License-Identifier: Apache-2.0 */
#include "custody.h"

#include <chancery/signer/custody.h>

static const char *
attr_verdict(const struct hsm_attr *a)
{
	if (a->required == HSM_NOT_REPORTED)
		return "-";
	return a->value == a->required ? "good" : "WRONG";
}

static const char *
attack_verdict(const struct hsm_attack *a)
{
	if (!a->tried)
		return "not tried";
	return a->refused ? "refused" : "SUCCEEDED";
}

void
custody_doc(struct doc *d, const struct hsm_custody *c)
{
	doc_bool(d, "attributes_ok", "attributes as required", c->attrs_ok);
	if (c->attacks > 0)
		doc_bool(d, "attacks_ok", "attacks refused", c->attacks_ok);
	doc_list(d, "attributes", "attributes (asserted by the module)");
	for (size_t i = 0; i < c->attrs; i++) {
		const struct hsm_attr *a = &c->attr[i];
		struct doc *row = doc_row(d, "attributes", "attributes");

		doc_text(row, "name", "attribute", a->name);
		doc_text(row, "half", "half",
		    a->private_half ? "private" : "public");
		doc_text(row, "value", "value", custody_tri_name(a->value));
		doc_text(row, "required", "required",
		    a->required == HSM_NOT_REPORTED
			? "-"
			: custody_tri_name(a->required));
		doc_text(row, "verdict", "verdict", attr_verdict(a));
	}
	doc_list(d, "attacks",
	    c->attacks > 0 ? "attacks (tested by us)"
			   : "attacks (--attack mounts them now)");
	for (size_t i = 0; i < c->attacks; i++) {
		const struct hsm_attack *a = &c->attack[i];
		struct doc *row = doc_row(d, "attacks", "attacks");

		doc_text(row, "name", "attack", a->name);
		doc_text(row, "call", "call", a->call);
		doc_text(row, "result", "result", a->rv_name);
		doc_text(row, "verdict", "verdict", attack_verdict(a));
	}
}
