/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 5280: names, purposes, policies. */
#include <chancery/base/limits.h>
#include <chancery/pki/der.h>

#include "internal.h"
#include "lint_checks.h"

/* RFC 5280 A.1, upper bounds in characters. */
static const struct bound {
	const char *name;
	struct bytes oid;
	size_t max;
} bounds[] = {
#define ID_AT(n)                                                               \
	{                                                                      \
		(const uint8_t *)"\x55\x04" n, 3                               \
	}
	{ "C", ID_AT("\x06"), 2 },
	{ "O", ID_AT("\x0a"), 64 },
	{ "OU", ID_AT("\x0b"), 64 },
	{ "CN", ID_AT("\x03"), 64 },
	{ "L", ID_AT("\x07"), 128 },
	{ "ST", ID_AT("\x08"), 128 },
	{ "serialNumber", ID_AT("\x05"), 64 },
	{ "emailAddress",
	    { (const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9 },
	    255 },
#undef ID_AT
};

static size_t
characters(uint8_t tag, struct bytes v)
{
	size_t n = 0;

	if (tag == DER_BMP_STRING)
		return v.n / 2;
	if (tag != DER_UTF8_STRING)
		return v.n;
	for (size_t i = 0; i < v.n; i++)
		n += (v.p[i] & 0xc0) != 0x80;
	return n;
}

static bool
country_valid(uint8_t tag, struct bytes v)
{
	return tag == DER_PRINTABLE_STRING && v.n == 2 && v.p[0] >= 'A' &&
	    v.p[0] <= 'Z' && v.p[1] >= 'A' && v.p[1] <= 'Z';
}

static bool
check_value(const struct bound *b, uint8_t tag, struct bytes v, struct error *e)
{
	if (b == &bounds[0] && !country_valid(tag, v))
		return lint_bad(e, "subject: C is not two capital letters");
	if (v.n == 0)
		return lint_bad(e, "subject: %s is empty", b->name);
	return characters(tag, v) <= b->max ||
	    lint_bad(e, "subject: %s is longer than %zu", b->name, b->max);
}

/* More types in one RDN than anybody uses; name_check stops there too. */
struct rdn {
	struct bytes oid[16];
	size_t n;
};

/* X.501 9.3. */
static bool
check_distinct(struct rdn *rdn, struct bytes oid, struct error *e)
{
	for (size_t i = 0; i < rdn->n; i++)
		if (bytes_eq(rdn->oid[i], oid))
			return lint_bad(e,
			    "subject: an attribute type stands twice in one "
			    "RDN");
	if (rdn->n < countof(rdn->oid))
		rdn->oid[rdn->n++] = oid;
	return true;
}

/* AttributeTypeAndValue; name_check has seen that it is one. */
static bool
check_attribute(struct rdn *rdn, struct bytes content, struct error *e)
{
	struct der_reader r, value;
	struct bytes oid, v;
	uint8_t tag = 0;

	der_r_init(&r, content);
	oid = der_r_get(&r, DER_OID);
	if (!check_distinct(rdn, oid, e))
		return false;
	v = der_r_any(&r, &tag);
	der_r_init(&value, v);
	v = der_r_get(&value, tag);
	for (size_t i = 0; i < countof(bounds); i++)
		if (bytes_eq(bounds[i].oid, oid))
			return check_value(&bounds[i], tag, v, e);
	return true;
}

/* In one walk: eight look-ups by name would cost a leaf more than the rest. */
bool
lint_subject_strings(const struct lint_context *c, struct error *e)
{
	struct der_reader name, rdn;

	if (!der_unwrap(c->tbs->subject, DER_SEQUENCE, &name))
		return lint_bad(e, "subject: not a Name");
	while (der_r_peek(&name) >= 0) {
		struct rdn types = { .n = 0 };

		der_r_init(&rdn, der_r_get(&name, DER_SET));
		while (der_r_peek(&rdn) >= 0)
			if (!check_attribute(&types,
				der_r_get(&rdn, DER_SEQUENCE), e))
				return false;
		if (name.failed || rdn.failed)
			return lint_bad(e, "subject: not a Name");
	}
	return true;
}

static bool
names_equal(const struct general_name *a, const struct general_name *b)
{
	return a->kind == b->kind && bytes_eq(a->value, b->value);
}

bool
lint_san_form(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_SAN);
	struct general_name v[LIMIT_SANS];
	size_t n;

	if (x == NULL)
		return true;
	if (!ext_san(x, v, countof(v), &n, e))
		return false;
	if (n > countof(v))
		return lint_bad(e, "subjectAltName of %zu names", n);
	for (size_t i = 0; i < n; i++) {
		if (!general_name_valid(&v[i]))
			return lint_bad(e,
			    "subjectAltName[%zu]: not a valid %s", i,
			    general_name_kind_name(v[i].kind));
		for (size_t j = 0; j < i; j++)
			if (names_equal(&v[i], &v[j]))
				return lint_bad(e,
				    "subjectAltName[%zu] is there twice", i);
	}
	return true;
}

bool
lint_eku(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_EKU);
	char a[128], b[128];

	if (x == NULL)
		return true;
	for (size_t i = 0; ext_eku_at(x, i, a, sizeof(a)); i++) {
		if (x->critical && strcmp(a, "2.5.29.37.0") == 0)
			return lint_bad(e, "any purpose, but critical");
		for (size_t j = 0; j < i; j++)
			if (ext_eku_at(x, j, b, sizeof(b)) && strcmp(a, b) == 0)
				return lint_bad(e, "purpose %s is there twice",
				    a);
	}
	return true;
}

bool
lint_eku_key_usage(const struct lint_context *c, struct error *e)
{
	static const struct {
		const char *oid;
		unsigned any_of;
	} rows[] = {
		{ "1.3.6.1.5.5.7.3.1",
		    KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT |
			KU_KEY_AGREEMENT },
		{ "1.3.6.1.5.5.7.3.2",
		    KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT },
		{ "1.3.6.1.5.5.7.3.3", KU_DIGITAL_SIGNATURE },
		{ "1.3.6.1.5.5.7.3.4",
		    KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION |
			KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT },
		{ "1.3.6.1.5.5.7.3.8",
		    KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION },
		{ "1.3.6.1.5.5.7.3.9",
		    KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION },
	};
	const struct ext *x = lint_ext(c, EXT_EKU);
	char oid[128];

	/* The purposes of a CA are those of its leaves. */
	if (x == NULL || c->tbs->is_ca || lint_ext(c, EXT_KEY_USAGE) == NULL)
		return true;
	for (size_t i = 0; ext_eku_at(x, i, oid, sizeof(oid)); i++)
		for (size_t r = 0; r < countof(rows); r++)
			if (strcmp(rows[r].oid, oid) == 0 &&
			    (c->tbs->key_usage & rows[r].any_of) == 0)
				return lint_bad(e,
				    "no key usage serves the purpose %s",
				    eku_name_by_oid(oid));
	return true;
}

bool
lint_policies(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_POLICIES);
	char a[128], b[128];

	if (x == NULL)
		return true;
	for (size_t i = 0; ext_policy_at(x, i, a, sizeof(a)); i++)
		for (size_t j = 0; j < i; j++)
			if (ext_policy_at(x, j, b, sizeof(b)) &&
			    strcmp(a, b) == 0)
				return lint_bad(e, "policy %s is there twice",
				    a);
	return true;
}
