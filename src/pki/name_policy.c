/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Subject policy: match, supplied, optional, as the policy sections of OpenSSL's
 * ca(1). Differences, both on purpose: a match compares as RFC 5280 7.1 says (ca(1)
 * wants equal octets in an equal string type) and puts the issuer's encoding
 * into the subject, as ca(1) does; and what no row names can be refused.
 */
#include <chancery/base/cleanup.h>

#include "name_attr.h"

struct policy {
	struct bytes issuer, subject;
	struct buf rdns; /* of the new subject, in order */
	struct error *e;
};

static void
add_rdn(struct policy *p, const struct ava *a)
{
	auto_der_writer struct der_writer w = { 0 };

	der_w_init(&w, a->der.n + 8);
	der_w_tlv(&w, DER_SET, a->der);
	buf_add_bytes(&p->rdns, der_w_bytes(&w));
}

/* The next attribute of this type; *w goes on behind it. */
static bool
next_of(struct name_walk *w, const struct name_attr *attr, struct ava *out)
{
	while (name_walk_next(w, out))
		if (bytes_eq(out->oid, attr->oid))
			return true;
	return false;
}

/* The issuer's attribute that is equal to this one of the subject. */
static bool
matching(struct policy *p, const struct name_attr *attr,
    const struct ava *wanted, struct ava *out)
{
	auto_buf struct buf theirs = { 0 };
	struct name_walk w;
	bool any = false;

	name_walk_init(&w, p->issuer);
	while (next_of(&w, attr, out)) {
		if (name_value_eq(wanted, out))
			return true;
		any = true;
	}
	if (!any)
		return error_set(p->e, FAIL_REFUSED,
		    "subject: %s must match the issuer's, which has none",
		    attr->names[0]);
	if (!name_value_utf8(wanted->tag, wanted->value, &theirs))
		buf_reset(&theirs);
	return error_set(p->e, FAIL_REFUSED,
	    "subject: %s \"%.128s\" does not match the issuer's",
	    attr->names[0], buf_cstr(&theirs));
}

static bool
apply_row(struct policy *p, const struct name_policy_row *row,
    const struct name_attr *attr)
{
	struct name_walk w;
	struct ava theirs, ours;
	bool any = false;

	name_walk_init(&w, p->subject);
	for (; next_of(&w, attr, &theirs); any = true) {
		if (row->rule != NAME_MATCH) {
			add_rdn(p, &theirs);
			continue;
		}
		if (!matching(p, attr, &theirs, &ours))
			return false;
		add_rdn(p, &ours);
	}
	if (!any && row->rule != NAME_OPTIONAL)
		return error_set(p->e, FAIL_REFUSED,
		    "subject: %s is missing, the policy wants it %s",
		    attr->names[0],
		    row->rule == NAME_MATCH ? "to match the issuer's"
					    : "supplied");
	return true;
}

static const struct name_attr *
row_attr(const struct name_policy_row *row, struct error *e)
{
	const struct name_attr *attr = name_attr_by_name(bytes_str(row->type));

	if (attr == NULL)
		error_set(e, FAIL_BAD_INPUT,
		    "subject policy: unknown attribute type \"%.64s\"",
		    row->type);
	return attr;
}

static bool
named(const struct name_policy_row *rows, size_t n, struct bytes oid)
{
	for (size_t i = 0; i < n; i++) {
		const struct name_attr *attr =
		    name_attr_by_name(bytes_str(rows[i].type));

		if (attr != NULL && bytes_eq(attr->oid, oid))
			return true;
	}
	return false;
}

/* Nothing may be dropped or split silently. */
static bool
check_strict(const struct policy *p, const struct name_policy_row *rows,
    size_t n)
{
	struct name_walk w;
	struct ava a;
	unsigned last = 0;

	name_walk_init(&w, p->subject);
	for (; name_walk_next(&w, &a); last = a.rdn) {
		auto_buf struct buf type = { 0 };

		name_type_text(a.oid, &type);
		if (!named(rows, n, a.oid))
			return error_set(p->e, FAIL_REFUSED,
			    "subject: %s is not in the policy",
			    buf_cstr(&type));
		if (a.rdn == last)
			return error_set(p->e, FAIL_REFUSED,
			    "subject: %s stands in an RDN of several values",
			    buf_cstr(&type));
	}
	return true;
}

static bool
apply(struct policy *p, const struct name_policy_row *rows, size_t n,
    bool strict, struct buf *out)
{
	auto_der_writer struct der_writer w = { 0 };

	if (!name_check(p->issuer, p->e))
		return error_context(p->e, "issuer");
	if (!name_check(p->subject, p->e))
		return error_context(p->e, "subject");
	for (size_t i = 0; i < n; i++) {
		const struct name_attr *attr = row_attr(&rows[i], p->e);

		if (attr == NULL || !apply_row(p, &rows[i], attr))
			return false;
	}
	if (strict && !check_strict(p, rows, n))
		return false;
	der_w_init(&w, p->rdns.n + 8);
	der_w_tlv(&w, DER_SEQUENCE, buf_bytes(&p->rdns));
	buf_add_bytes(out, der_w_bytes(&w));
	return true;
}

bool
name_policy_apply(const struct name_policy_row *rows, size_t n, bool strict,
    struct bytes issuer, struct bytes subject, struct buf *out, struct error *e)
{
	struct policy p = { .issuer = issuer, .subject = subject, .e = e };
	bool ok = apply(&p, rows, n, strict, out);

	buf_free(&p.rdns);
	return ok;
}
