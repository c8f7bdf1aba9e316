/* SPDX-License-Identifier: Apache-2.0 */

/* Distinguished names in DER (RFC 5280 4.1.2.4): check and look up. */
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>

#include "name_attr.h"

void
name_walk_init(struct name_walk *w, struct bytes der)
{
	struct der_reader r;

	*w = (struct name_walk){ 0 };
	der_r_init(&r, der);
	der_r_init(&w->rdns, der_r_get(&r, DER_SEQUENCE));
	w->rdns.failed = !der_r_done(&r);
	der_r_init(&w->set, bytes_of(NULL, 0));
}

static void
walk_set(struct name_walk *w)
{
	der_r_init(&w->set, der_r_get(&w->rdns, DER_SET));
	/* RFC 5280 4.1.2.4: SET SIZE (1..MAX). */
	w->rdns.failed |= der_r_peek(&w->set) < 0;
	w->rdn++;
}

bool
name_walk_next(struct name_walk *w, struct ava *out)
{
	struct der_reader pair, value;
	uint8_t tag = 0;

	if (name_walk_ok(w) && der_r_peek(&w->set) < 0) {
		if (der_r_peek(&w->rdns) < 0)
			return false;
		walk_set(w);
	}
	/* What walks a name twice stays cheap. */
	w->set.failed |= w->n++ == LIMIT_NAME_ATTRIBUTES;
	if (!name_walk_ok(w))
		return false;
	out->rdn = w->rdn;
	out->der = der_r_any(&w->set, &tag);
	der_r_init(&pair, out->der);
	der_r_init(&pair, der_r_get(&pair, DER_SEQUENCE));
	out->oid = der_r_get(&pair, DER_OID);
	out->whole = der_r_any(&pair, &out->tag);
	w->set.failed |= !der_r_done(&pair);
	if (!name_walk_ok(w))
		return false;
	der_r_init(&value, out->whole);
	out->value = der_r_get(&value, out->tag);
	return true;
}

bool
name_walk_ok(const struct name_walk *w)
{
	return !w->rdns.failed && !w->set.failed;
}

static bool
check_ava(const struct ava *a, struct error *e)
{
	auto_buf struct buf type = { 0 }, utf8 = { 0 };
	char text[512];

	if (!der_oid_text(a->oid, text, sizeof(text)))
		return error_set(e, FAIL_BAD_INPUT,
		    "name: attribute type in RDN %u: malformed", a->rdn);
	name_type_text(a->oid, &type);
	if (!name_tag_is_string(a->tag))
		return error_set(e, FAIL_BAD_INPUT,
		    "name: %s: tag 0x%02x is not a string", buf_cstr(&type),
		    a->tag);
	if (!name_value_utf8(a->tag, a->value, &utf8))
		return error_set(e, FAIL_BAD_INPUT,
		    "name: %s: empty, or not what a string with tag 0x%02x "
		    "may hold",
		    buf_cstr(&type), a->tag);
	return true;
}

/* The attributes of the RDN being walked. */
struct rdn {
	struct bytes last;
	unsigned n, number;
};

static bool
check_rdn(struct rdn *r, const struct ava *a, struct error *e)
{
	if (a->rdn != r->number)
		*r = (struct rdn){ .number = a->rdn };
	/* X.690 11.6. */
	if (r->n != 0 && bytes_cmp(r->last, a->der) >= 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "name: RDN %u: the SET is not in DER order", a->rdn);
	if (r->n++ == RDN_TYPES_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "name: RDN %u: over %d attributes", a->rdn, RDN_TYPES_MAX);
	r->last = a->der;
	return true;
}

bool
name_check(struct bytes der, struct error *e)
{
	struct name_walk w;
	struct rdn r = { 0 };
	struct ava a;

	name_walk_init(&w, der);
	while (name_walk_next(&w, &a))
		if (!check_ava(&a, e) || !check_rdn(&r, &a, e))
			return false;
	if (w.n > LIMIT_NAME_ATTRIBUTES)
		return error_set(e, FAIL_BAD_INPUT, "name: over %d attributes",
		    LIMIT_NAME_ATTRIBUTES);
	if (!name_walk_ok(&w))
		return error_set(e, FAIL_BAD_INPUT,
		    "name: not a sequence of RDNs in DER");
	return true;
}

/* The n-th attribute of this type. */
static bool
find(struct bytes der, const char *type, unsigned nth, struct ava *out)
{
	const struct name_attr *attr = name_attr_by_name(bytes_str(type));
	struct name_walk w;
	char oid[512];

	name_walk_init(&w, der);
	while (name_walk_next(&w, out)) {
		bool same = attr != NULL
		    ? bytes_eq(attr->oid, out->oid)
		    : der_oid_text(out->oid, oid, sizeof(oid)) &&
			strcmp(oid, type) == 0;

		if (same && nth-- == 0)
			return true;
	}
	return false;
}

bool
name_get(struct bytes der, const char *type, unsigned nth, struct buf *utf8)
{
	struct ava a;

	return find(der, type, nth, &a) &&
	    name_value_utf8(a.tag, a.value, utf8);
}

unsigned
name_count(struct bytes der, const char *type)
{
	struct ava a;
	unsigned n = 0;

	while (find(der, type, n, &a))
		n++;
	return n;
}

bool
name_has_multivalued(struct bytes der)
{
	struct name_walk w, again;
	struct ava a, b;

	name_walk_init(&w, der);
	while (name_walk_next(&w, &a)) {
		again = w;
		while (name_walk_next(&again, &b))
			if (a.rdn == b.rdn || bytes_eq(a.oid, b.oid))
				return true;
	}
	return false;
}
