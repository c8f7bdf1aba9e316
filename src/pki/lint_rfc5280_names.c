/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 5280: names, purposes, policies. */
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

#include "internal.h"
#include "lint_checks.h"

/* RFC 5280 A.1, upper bounds in characters. */
static const struct {
	const char *type;
	size_t max;
} bounds[] = {
	{ "CN", 64 }, { "O", 64 }, { "OU", 64 }, { "L", 128 }, { "ST", 128 },
	{ "C", 2 }, { "2.5.4.5", 64 },   /* serialNumber */
	{ "1.2.840.113549.1.9.1", 255 }, /* emailAddress */
};

static size_t
utf8_length(struct bytes v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += (v.p[i] & 0xc0) != 0x80;
	return n;
}

static bool
country_valid(struct bytes v)
{
	return v.n == 2 && v.p[0] >= 'A' && v.p[0] <= 'Z' && v.p[1] >= 'A' &&
	    v.p[1] <= 'Z';
}

static bool
check_bound(struct bytes subject, size_t row, struct error *e)
{
	auto_buf struct buf v = { 0 };
	bool country = strcmp(bounds[row].type, "C") == 0;

	for (unsigned i = 0; name_get(subject, bounds[row].type, i, &v); i++) {
		if (v.n == 0)
			return lint_bad(e, "subject: %s is empty",
			    bounds[row].type);
		if (utf8_length(buf_bytes(&v)) > bounds[row].max)
			return lint_bad(e, "subject: %s is longer than %zu",
			    bounds[row].type, bounds[row].max);
		if (country && !country_valid(buf_bytes(&v)))
			return lint_bad(e,
			    "subject: C is not two capital letters");
		buf_reset(&v);
	}
	return true;
}

bool
lint_subject_strings(const struct lint_context *c, struct error *e)
{
	for (size_t i = 0; i < countof(bounds); i++)
		if (!check_bound(c->tbs->subject, i, e))
			return false;
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
