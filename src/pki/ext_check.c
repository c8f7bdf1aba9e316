/* SPDX-License-Identifier: Apache-2.0 */

/* Whether the value of each known extension decodes. */
#include <chancery/pki/ext.h>

#include <chancery/pki/der.h>

#include "internal.h"

bool
ext_malformed(const struct ext *x, const char *what, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT, "%s: %s", ext_kind_name(x->kind),
	    what);
}

static bool
check_basic_constraints(const struct ext *x, struct error *e)
{
	bool ca;
	int len;

	return ext_basic_constraints(x, &ca, &len, e);
}

static bool
check_key_usage(const struct ext *x, struct error *e)
{
	unsigned bits;

	return ext_key_usage(x, &bits, e);
}

static bool
check_eku(const struct ext *x, struct error *e)
{
	char oid[128];
	size_t n;

	if (!ext_eku_count(x, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!ext_eku_at(x, i, oid, sizeof(oid)))
			return ext_malformed(x, "malformed OID", e);
	return true;
}

static bool
check_san(const struct ext *x, struct error *e)
{
	struct general_name first;
	size_t n;

	return ext_san(x, &first, 1, &n, e);
}

static bool
check_ski(const struct ext *x, struct error *e)
{
	struct bytes id;

	return ext_ski(x, &id, e);
}

static bool
check_aki(const struct ext *x, struct error *e)
{
	struct bytes id;
	bool other;

	return ext_aki(x, &id, &other, e);
}

static bool
check_crl_dp(const struct ext *x, struct error *e)
{
	struct crl_dp_shape shape;

	return ext_crl_dp_shape(x, &shape, e);
}

static bool
check_aia(const struct ext *x, struct error *e)
{
	size_t n;

	return ext_aia(x, "", NULL, 0, &n, e);
}

static bool
check_policies(const struct ext *x, struct error *e)
{
	struct der_reader list, r;
	char oid[128];

	if (!der_unwrap(x->value, DER_SEQUENCE, &list) || der_r_done(&list))
		return ext_malformed(x, "not a SEQUENCE of policies", e);
	while (der_r_peek(&list) >= 0) {
		der_r_init(&r, der_r_get(&list, DER_SEQUENCE));
		if (!der_oid_text(der_r_get(&r, DER_OID), oid, sizeof(oid)))
			return ext_malformed(x, "malformed OID", e);
		if (der_r_peek(&r) == DER_SEQUENCE)
			(void)der_r_get(&r, DER_SEQUENCE);
		if (list.failed || !der_r_done(&r))
			return ext_malformed(x, "malformed", e);
	}
	return true;
}

static bool
check_name_constraints(const struct ext *x, struct error *e)
{
	size_t n;

	return ext_name_constraints(x, false, NULL, 0, &n, e);
}

/* RFC 6960 4.2.2.2.1: the value is NULL. */
static bool
check_nocheck(const struct ext *x, struct error *e)
{
	struct der_reader r;

	der_r_init(&r, x->value);
	if (der_r_peek(&r) != DER_NULL || der_r_get(&r, DER_NULL).n != 0 ||
	    !der_r_done(&r))
		return ext_malformed(x, "not NULL", e);
	return true;
}

static bool
check_tls_feature(const struct ext *x, struct error *e)
{
	struct der_reader r;

	if (!der_unwrap(x->value, DER_SEQUENCE, &r) || der_r_done(&r))
		return ext_malformed(x, "not a SEQUENCE of features", e);
	while (der_r_peek(&r) >= 0)
		(void)der_r_uint(&r);
	return der_r_done(&r) || ext_malformed(x, "malformed", e);
}

static bool
check_other(const struct ext *x, struct error *e)
{
	(void)x;
	(void)e;
	return true;
}

bool
ext_check(const struct ext *x, struct error *e)
{
	static bool (*const checks[])(const struct ext *, struct error *) = {
		[EXT_BASIC_CONSTRAINTS] = check_basic_constraints,
		[EXT_KEY_USAGE] = check_key_usage,
		[EXT_EKU] = check_eku,
		[EXT_SAN] = check_san,
		[EXT_SKI] = check_ski,
		[EXT_AKI] = check_aki,
		[EXT_CRL_DP] = check_crl_dp,
		[EXT_AIA] = check_aia,
		[EXT_POLICIES] = check_policies,
		[EXT_NAME_CONSTRAINTS] = check_name_constraints,
		[EXT_OCSP_NOCHECK] = check_nocheck,
		[EXT_TLS_FEATURE] = check_tls_feature,
		[EXT_OTHER] = check_other,
	};
	_Static_assert(countof(checks) == EXT_KIND__COUNT, "a check a kind");

	return checks[x->kind](x, e);
}
