/* SPDX-License-Identifier: Apache-2.0 */

/* House rules of every certificate and of CAs. */
#include <inttypes.h>

#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

#include "internal.h"
#include "lint_checks.h"

#define DAY ((int64_t)86400)
#define HOUSE_URIS 8

static const char *const http_only[] = { "http://", NULL };

bool
lint_house_serial(const struct lint_context *c, struct error *e)
{
	/* 64 random bits in eight octets could not be told from fewer. */
	return c->tbs->serial.n > 8 ||
	    lint_bad(e, "serial number of %zu octets", c->tbs->serial.n);
}

bool
lint_house_ski(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_SKI);
	uint8_t want[20];
	struct bytes id;

	if (x == NULL || !c->tbs->key_ok)
		return true;
	if (!ext_ski(x, &id, e))
		return false;
	spki_key_id(&c->tbs->key, want);
	return bytes_eq(id, bytes_of(want, sizeof(want))) ||
	    lint_bad(e, "subject key identifier is not the SHA-1 of the key");
}

bool
lint_house_crl_dp(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_CRL_DP);
	struct bytes uri[HOUSE_URIS];
	struct crl_dp_shape s;
	size_t n;

	if (x == NULL)
		return true;
	if (!ext_crl_dp_shape(x, &s, e) ||
	    !ext_crl_dp(x, uri, countof(uri), &n, e))
		return false;
	if (s.points != 1 || s.reasons || s.crl_issuer || s.relative_name)
		return lint_bad(e, "more than one plain distribution point");
	if (n == 0 || n > countof(uri))
		return lint_bad(e, "distribution point with %zu URIs", n);
	for (size_t i = 0; i < n; i++)
		if (!url_valid(uri[i], http_only))
			return lint_bad(e, "CRL URI %zu is not http", i);
	return true;
}

static bool
aia_http(const struct ext *x, const char *method, struct error *e)
{
	struct bytes uri[HOUSE_URIS];
	size_t n;

	if (!ext_aia(x, method, uri, countof(uri), &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (i == countof(uri) || !url_valid(uri[i], http_only))
			return lint_bad(e,
			    "authority information URI %zu is "
			    "not http",
			    i);
	return true;
}

bool
lint_house_aia(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_AIA);

	return x == NULL ||
	    (aia_http(x, "1.3.6.1.5.5.7.48.1", e) &&
		aia_http(x, "1.3.6.1.5.5.7.48.2", e));
}

bool
lint_house_ca_key(const struct lint_context *c, struct error *e)
{
	const struct key_type *t = &c->tbs->key.type;

	return !c->tbs->is_ca || !c->tbs->key_ok || t->alg != KEY_RSA ||
	    t->bits >= 3072 || lint_bad(e, "RSA CA key of %u bits", t->bits);
}

/* Life as asked: without what lies in the past because of slow clocks. */
int64_t
lint_life_s(const struct lint_context *c)
{
	int64_t backdate_s = c->profile != NULL ? c->profile->backdate_s : 0;

	return c->tbs->not_after_s - c->tbs->not_before_s - backdate_s;
}

bool
lint_life_at_most(const struct lint_context *c, int64_t days, struct error *e)
{
	return lint_life_s(c) <= days * DAY ||
	    lint_bad(e, "life of %" PRId64 " days, at most %" PRId64,
		lint_life_s(c) / DAY, days);
}

bool
lint_absent(const struct lint_context *c, const enum ext_kind *kinds, size_t n,
    struct error *e)
{
	for (size_t i = 0; i < n; i++)
		if (lint_ext(c, kinds[i]) != NULL)
			return lint_bad(e, "%s does not belong there",
			    ext_kind_name(kinds[i]));
	return true;
}

bool
lint_house_root_extensions(const struct lint_context *c, struct error *e)
{
	static const enum ext_kind none[] = { EXT_EKU, EXT_POLICIES, EXT_CRL_DP,
		EXT_AIA, EXT_SAN, EXT_NAME_CONSTRAINTS };

	if (lint_ext(c, EXT_SKI) == NULL)
		return lint_bad(e, "subject key identifier is missing");
	return lint_absent(c, none, countof(none), e);
}

bool
lint_house_root_key_usage(const struct lint_context *c, struct error *e)
{
	unsigned want = KU_CERT_SIGN | KU_CRL_SIGN;

	return (c->tbs->key_usage & ~(unsigned)KU_DIGITAL_SIGNATURE) == want ||
	    lint_bad(e, "key usage is not keyCertSign and cRLSign");
}

bool
lint_house_root_life(const struct lint_context *c, struct error *e)
{
	if (lint_life_s(c) < 2922 * DAY)
		return lint_bad(e, "life below 2922 days");
	if (c->tbs->not_before_s < c->now_s - DAY)
		return lint_bad(e, "notBefore more than a day ago");
	return lint_life_at_most(c, 9132, e);
}

bool
lint_house_root_path_len(const struct lint_context *c, struct error *e)
{
	return c->tbs->path_len < 0 || lint_bad(e, "path length in a root");
}

bool
lint_house_ca_path_len(const struct lint_context *c, struct error *e)
{
	return c->tbs->path_len >= 0 || lint_bad(e, "no path length");
}

bool
lint_house_ca_key_usage(const struct lint_context *c, struct error *e)
{
	return c->tbs->key_usage == (KU_CERT_SIGN | KU_CRL_SIGN) ||
	    lint_bad(e, "key usage is not exactly keyCertSign and cRLSign");
}

static bool
has_purpose(const struct ext *x, size_t n, const char *want)
{
	char oid[128];

	for (size_t i = 0; i < n; i++)
		if (ext_eku_at(x, i, oid, sizeof(oid)) &&
		    strcmp(oid, want) == 0)
			return true;
	return false;
}

bool
lint_eku_exactly(const struct lint_context *c, const char *const *names,
    size_t want, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_EKU);
	size_t n = 0, found = 0;

	if (x != NULL && !ext_eku_count(x, &n, e))
		return false;
	for (size_t j = 0; j < want; j++)
		found += has_purpose(x, n, eku_oid_by_name(names[j]));
	return (n == want && found == want) ||
	    lint_bad(e, "purposes are not exactly %s%s%s", names[0],
		want > 1 ? " and " : "", want > 1 ? names[1] : "");
}

bool
lint_house_ca_eku(const struct lint_context *c, struct error *e)
{
	static const char *const both[] = { "serverAuth", "clientAuth" };

	return lint_eku_exactly(c, both, countof(both), e);
}

bool
lint_house_ca_life(const struct lint_context *c, struct error *e)
{
	return lint_life_at_most(c, 1826, e);
}

bool
lint_house_ca_name_constraints(const struct lint_context *c, struct error *e)
{
	const struct ext *x = lint_ext(c, EXT_NAME_CONSTRAINTS);
	struct general_name v[PROFILE_CONSTRAINTS_MAX];
	size_t n;

	if (x == NULL)
		return lint_bad(e, "no name constraints");
	if (!ext_name_constraints(x, false, v, countof(v), &n, e))
		return false;
	for (size_t i = 0; i < n && i < countof(v); i++)
		if (v[i].kind == GN_DNS)
			return true;
	return lint_bad(e, "no permitted DNS name");
}

bool
lint_house_ca_subject(const struct lint_context *c, struct error *e)
{
	static const char *const needed[] = { "C", "O", "CN" };

	for (size_t i = 0; i < countof(needed); i++)
		if (name_count(c->tbs->subject, needed[i]) != 1)
			return lint_bad(e, "subject without one %s", needed[i]);
	return name_count(c->tbs->subject, "OU") == 0 ||
	    lint_bad(e, "subject with OU");
}

bool
lint_house_ca_pointers(const struct lint_context *c, struct error *e)
{
	const struct ext *aia = lint_ext(c, EXT_AIA);
	size_t n = 0;

	if (lint_ext(c, EXT_CRL_DP) == NULL)
		return lint_bad(e, "no CRL distribution point");
	if (aia != NULL && !ext_aia(aia, "1.3.6.1.5.5.7.48.2", NULL, 0, &n, e))
		return false;
	return n > 0 || lint_bad(e, "no caIssuers URI");
}
