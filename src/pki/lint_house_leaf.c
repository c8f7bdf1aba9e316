/* SPDX-License-Identifier: Apache-2.0 */

/* House rules of leaves: Kafka brokers and clients, OCSP responders. */
#include <strings.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/pki/name.h>

#include "internal.h"
#include "lint_checks.h"

#define DAY ((int64_t)86400)

/* JSSE refuses to match an underscore, a trailing dot matches nothing, and an
 * address in a dNSName is refused by everybody. */
bool
lint_house_san(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_SAN);
	struct general_name v[LIMIT_SANS];
	size_t n;

	if (x == NULL)
		return true;
	if (!ext_san(x, v, countof(v), &n, e))
		return false;
	for (size_t i = 0; i < n && i < countof(v); i++)
		if (v[i].kind == GN_DNS && !dns_valid(v[i].value, true))
			return lint_bad(e,
			    "dNSName %zu is not a host name "
			    "that clients match",
			    i);
	return true;
}

bool
lint_house_leaf_key_usage(const struct lint_context *c, struct error *e)
{
	unsigned rest = c->tbs->key_usage & ~(unsigned)KU_DIGITAL_SIGNATURE;
	bool rsa = c->tbs->key_ok && c->tbs->key.type.alg == KEY_RSA;

	if ((c->tbs->key_usage & KU_DIGITAL_SIGNATURE) == 0)
		return lint_bad(e, "key usage without digitalSignature");
	return rest == 0 || (rsa && rest == KU_KEY_ENCIPHERMENT) ||
	    lint_bad(e, "key usage with more than digitalSignature");
}

bool
lint_house_leaf_life(const struct lint_context *c, struct error *e)
{
	return lint_life_at_most(c, 90, e);
}

bool
lint_house_leaf_not_before(const struct lint_context *c, struct error *e)
{
	int64_t ago_s = c->now_s - c->tbs->not_before_s;

	return (ago_s <= 2 * DAY && ago_s >= -2 * DAY) ||
	    lint_bad(e, "notBefore is not within 48 hours of now");
}

bool
lint_house_leaf_revocation(const struct lint_context *c, struct error *e)
{
	const struct ext *aia = lint_ext(c, EXT_AIA);
	size_t n = 0;

	if (aia != NULL && !ext_aia(aia, "1.3.6.1.5.5.7.48.1", NULL, 0, &n, e))
		return false;
	return n > 0 || lint_ext(c, EXT_CRL_DP) != NULL ||
	    lint_bad(e, "neither CRL nor OCSP pointer");
}

static bool
san_has_dns(const struct general_name *v, size_t n, struct bytes name)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == GN_DNS && v[i].value.n == name.n &&
		    strncasecmp((const char *)v[i].value.p,
			(const char *)name.p, name.n) == 0)
			return true;
	return false;
}

bool
lint_house_cn_in_san(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_SAN);
	auto_buf struct buf cn = { 0 };
	struct general_name v[LIMIT_SANS];
	size_t n = 0;

	if (x != NULL && !ext_san(x, v, countof(v), &n, e))
		return false;
	n = n < countof(v) ? n : countof(v);
	for (unsigned i = 0; name_get(c->tbs->subject, "CN", i, &cn); i++) {
		if (!san_has_dns(v, n, buf_bytes(&cn)))
			return lint_bad(e, "CN %u is not in subjectAltName", i);
		buf_reset(&cn);
	}
	return true;
}

bool
lint_house_broker_eku(const struct lint_context *c, struct error *e)
{
	static const char *const both[] = { "serverAuth", "clientAuth" };

	return lint_eku_exactly(c, both, countof(both), e);
}

bool
lint_house_broker_san(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_SAN);
	struct general_name v[LIMIT_SANS];
	size_t n, hosts = 0;

	if (x == NULL)
		return lint_bad(e, "no subjectAltName");
	if (!ext_san(x, v, countof(v), &n, e))
		return false;
	for (size_t i = 0; i < n && i < countof(v); i++) {
		hosts += v[i].kind == GN_DNS || v[i].kind == GN_IP;
		if (v[i].kind == GN_DNS &&
		    memchr(v[i].value.p, '*', v[i].value.n) != NULL)
			return lint_bad(e, "dNSName %zu is a wildcard", i);
	}
	return hosts > 0 || lint_bad(e, "no host name or address");
}

bool
lint_house_client_eku(const struct lint_context *c, struct error *e)
{
	static const char *const one[] = { "clientAuth" };

	return lint_eku_exactly(c, one, countof(one), e);
}

bool
lint_house_client_cn(const struct lint_context *c, struct error *e)
{
	auto_buf struct buf cn = { 0 };

	if (!name_get(c->tbs->subject, "CN", 0, &cn))
		return lint_bad(e, "no CN");
	for (size_t i = 0; i < cn.n; i++) {
		uint8_t low = cn.p[i] | 0x20;

		if (!(low >= 'a' && low <= 'z') &&
		    !(cn.p[i] >= '0' && cn.p[i] <= '9') &&
		    (cn.p[i] == '\0' || strchr("._-", cn.p[i]) == NULL))
			return lint_bad(e,
			    "CN with a character outside "
			    "A-Z a-z 0-9 . _ -");
	}
	return true;
}

bool
lint_house_kafka_subject(const struct lint_context *c, struct error *e)
{
	if (name_count(c->tbs->subject, "CN") != 1)
		return lint_bad(e, "not exactly one CN");
	return !name_has_multivalued(c->tbs->subject) ||
	    lint_bad(e, "multi-valued RDN, or an attribute type twice");
}

bool
lint_house_ocsp_eku(const struct lint_context *c, struct error *e)
{
	static const char *const one[] = { "OCSPSigning" };

	return lint_eku_exactly(c, one, countof(one), e);
}

bool
lint_house_ocsp_extensions(const struct lint_context *c, struct error *e)
{
	static const enum ext_kind none[] = { EXT_SAN, EXT_POLICIES, EXT_CRL_DP,
		EXT_NAME_CONSTRAINTS };

	if (lint_ext(c, EXT_OCSP_NOCHECK) == NULL)
		return lint_bad(e, "ocsp-nocheck is missing");
	return lint_absent(c, none, countof(none), e);
}

bool
lint_house_ocsp_life(const struct lint_context *c, struct error *e)
{
	return lint_life_at_most(c, 35, e);
}
