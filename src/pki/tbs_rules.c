/* SPDX-License-Identifier: Apache-2.0 */

#include "tbs_rules.h"

#include <strings.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

#include "internal.h"
#include "name_attr.h"

bool
tbs_check_serial(struct bytes serial, struct error *e)
{
	size_t zeros = 0;

	while (zeros < serial.n && serial.p[zeros] == 0)
		zeros++;
	/* RFC 5280 4.1.2.2: positive, at most 20 octets, sign included. */
	if (zeros == serial.n)
		return error_set(e, FAIL_BAD_INPUT, "serial: zero or empty");
	if (serial.n - zeros + (serial.p[zeros] >> 7) > LIMIT_SERIAL_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "serial: more than %d octets", LIMIT_SERIAL_BYTES);
	return true;
}

bool
tbs_check_times(int64_t not_before_s, int64_t not_after_s, struct error *e)
{
	if (not_before_s < 0 || not_after_s > TIME_MAX_S)
		return error_set(e, FAIL_BAD_INPUT,
		    "validity: outside 1970 to 9999");
	if (not_after_s <= not_before_s)
		return error_set(e, FAIL_BAD_INPUT,
		    "validity: notAfter is not after notBefore");
	return true;
}

static bool
check_validity(const struct profile *p, const struct tbs_request *r,
    struct error *e)
{
	if (!tbs_check_times(r->not_before_s, r->not_after_s, e))
		return false;
	if (r->not_after_s - r->not_before_s > p->life_max_s + p->backdate_s)
		return error_set(e, FAIL_REFUSED,
		    "validity: %jd s, at most %jd s",
		    (intmax_t)(r->not_after_s - r->not_before_s),
		    (intmax_t)p->life_max_s);
	return true;
}

static bool
is_self_signed(const struct tbs_issuer *issuer)
{
	return issuer->not_before_s == 0 && issuer->not_after_s == 0;
}

static bool
check_issuer(const struct tbs_issuer *issuer, const struct tbs_request *r,
    struct bytes subject, const uint8_t key_id[20], struct error *e)
{
	if (is_self_signed(issuer)) {
		if (!bytes_eq(issuer->name, subject) ||
		    memcmp(issuer->key_id, key_id, 20) != 0)
			return error_set(e, FAIL_BAD_INPUT,
			    "issuer: self-signed, but name or key is not the "
			    "subject's");
		return true;
	}
	if (r->not_before_s < issuer->not_before_s)
		return error_set(e, FAIL_REFUSED,
		    "validity: notBefore is before the issuer's");
	if (r->not_after_s > issuer->not_after_s)
		return error_set(e, FAIL_REFUSED,
		    "validity: notAfter is beyond the issuer's");
	return true;
}

static bool
email_valid(struct bytes v)
{
	const uint8_t *at = v.n > 0 ? memchr(v.p, '@', v.n) : NULL;
	size_t host;

	if (at == NULL || at == v.p)
		return false;
	for (const uint8_t *c = v.p; c < at; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return false;
	host = v.n - (size_t)(at - v.p) - 1;
	return dns_valid(bytes_of(at + 1, host), false);
}

/* RFC 5280 4.2.1.6: absolute, with a scheme. */
static bool
uri_valid(struct bytes v)
{
	size_t scheme = 0;

	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f)
			return false;
	while (scheme < v.n && v.p[scheme] != ':') {
		uint8_t c = v.p[scheme], low = c | 0x20;

		if (!(low >= 'a' && low <= 'z') &&
		    (scheme == 0 ||
			!((c >= '0' && c <= '9') || c == '+' || c == '-' ||
			    c == '.')))
			return false;
		scheme++;
	}
	return scheme > 0 && scheme + 1 < v.n;
}

static bool
other_valid(struct bytes v)
{
	/* otherName, x400Address, ediPartyName, registeredID. */
	static const uint8_t tags[] = { 0xa0, 0xa3, 0xa5, 0x88 };
	struct der_reader r;
	struct error ignored;
	uint8_t tag = 0;

	der_r_init(&r, v);
	(void)der_r_any(&r, &tag);
	return der_r_done(&r) && memchr(tags, tag, sizeof(tags)) != NULL &&
	    der_check(v, &ignored);
}

bool
general_name_valid(const struct general_name *g)
{
	struct error ignored;

	switch (g->kind) {
	case GN_EMAIL:
		return email_valid(g->value);
	case GN_DNS:
		return dns_valid(g->value, true);
	case GN_DIRNAME:
		return name_check(g->value, &ignored) && g->value.n > 2;
	case GN_URI:
		return uri_valid(g->value);
	case GN_IP:
		return g->value.n == 4 || g->value.n == 16;
	case GN_OTHER:
		return other_valid(g->value);
	}
	fatal("corrupt general_name_kind %d", (int)g->kind);
}

const char *
general_name_kind_name(enum general_name_kind kind)
{
	static const char *const names[] = {
		[GN_EMAIL] = "rfc822Name",
		[GN_DNS] = "dNSName",
		[GN_DIRNAME] = "directoryName",
		[GN_URI] = "uniformResourceIdentifier",
		[GN_IP] = "iPAddress",
		[GN_OTHER] = "other name",
	};

	return names[kind];
}

static bool
bad_name(const struct general_name *g, size_t i, struct error *e)
{
	auto_buf struct buf shown = { 0 };

	if (g->kind == GN_DNS || g->kind == GN_EMAIL || g->kind == GN_URI)
		buf_add_escaped(&shown,
		    bytes_of(g->value.p, g->value.n < 64 ? g->value.n : 64));
	return error_set(e, FAIL_BAD_INPUT,
	    "subjectAltName[%zu]: \"%s%s\" is not a valid %s", i,
	    buf_cstr(&shown), g->value.n > 64 ? "…" : "",
	    general_name_kind_name(g->kind));
}

static bool
check_san(const struct profile *p, const struct tbs_request *r, struct error *e)
{
	if (p->san_required && r->san_count == 0)
		return error_set(e, FAIL_REFUSED, "subjectAltName: required");
	if (!p->san_allowed && r->san_count > 0)
		return error_set(e, FAIL_REFUSED,
		    "subjectAltName: not allowed");
	if (r->san_count > LIMIT_SANS)
		return error_set(e, FAIL_REFUSED,
		    "subjectAltName: %zu names, limit %d", r->san_count,
		    LIMIT_SANS);
	for (size_t i = 0; i < r->san_count; i++)
		if (!general_name_valid(&r->san[i]))
			return bad_name(&r->san[i], i, e);
	return true;
}

static bool
san_has_dns(const struct tbs_request *r, struct bytes name)
{
	for (size_t i = 0; i < r->san_count; i++) {
		struct bytes v = r->san[i].value;

		if (r->san[i].kind == GN_DNS && v.n == name.n &&
		    strncasecmp((const char *)v.p, (const char *)name.p, v.n) ==
			0)
			return true;
	}
	return false;
}

static bool
check_cn(const struct profile *p, const struct tbs_request *r,
    struct bytes subject, struct error *e)
{
	auto_buf struct buf cn = { 0 };

	if (!p->cn_in_san)
		return true;
	for (unsigned i = 0; name_get(subject, "CN", i, &cn); i++) {
		if (!san_has_dns(r, buf_bytes(&cn)))
			return error_set(e, FAIL_REFUSED,
			    "subject: CN %u is not a dNSName of the SAN", i);
		buf_reset(&cn);
	}
	return true;
}

/* A line end or an escape sequence in a name forges log lines and principals of
 * whatever reads the certificate. */
static bool
has_control(struct bytes utf8)
{
	for (size_t i = 0; i < utf8.n; i++)
		if (utf8.p[i] < 0x20 || utf8.p[i] == 0x7f ||
		    (utf8.p[i] == 0xc2 && i + 1 < utf8.n &&
			utf8.p[i + 1] < 0xa0))
			return true;
	return false;
}

bool
tbs_check_characters(struct bytes subject, struct error *e)
{
	struct name_walk w;
	struct ava a;

	name_walk_init(&w, subject);
	while (name_walk_next(&w, &a)) {
		auto_buf struct buf utf8 = { 0 }, type = { 0 };

		if (!name_value_utf8(a.tag, a.value, &utf8) ||
		    !has_control(buf_bytes(&utf8)))
			continue;
		name_type_text(a.oid, &type);
		return error_set(e, FAIL_REFUSED,
		    "subject: %s holds a control character", buf_cstr(&type));
	}
	return true;
}

static bool
check_subject(const struct profile *p, const struct tbs_request *r,
    struct bytes subject, struct error *e)
{
	bool empty = subject.n <= 2;

	/* RFC 5280 4.1.2.6 */
	if (empty && p->ca)
		return error_set(e, FAIL_REFUSED, "subject: empty in a CA");
	if (empty && r->san_count == 0)
		return error_set(e, FAIL_REFUSED,
		    "subject: empty without a subjectAltName");
	return tbs_check_characters(subject, e) && check_cn(p, r, subject, e);
}

/* RFC 8410 5: an Ed25519 key only signs. */
static bool
check_key(const struct profile *p, const struct tbs_request *r, struct error *e)
{
	unsigned not_for_ed25519 = KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT |
	    KU_KEY_AGREEMENT | KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY;

	if (r->key->type.alg == KEY_ED25519 &&
	    (p->key_usage_ec & not_for_ed25519) != 0)
		return error_set(e, FAIL_REFUSED,
		    "key: Ed25519 cannot do what the key usage says");
	return true;
}

bool
tbs_rules(const struct profile *p, const struct tbs_issuer *issuer,
    const struct tbs_request *r, struct bytes subject, const uint8_t key_id[20],
    struct error *e)
{
	return tbs_check_serial(r->serial, e) && check_validity(p, r, e) &&
	    check_issuer(issuer, r, subject, key_id, e) && check_key(p, r, e) &&
	    check_san(p, r, e) && check_subject(p, r, subject, e);
}
