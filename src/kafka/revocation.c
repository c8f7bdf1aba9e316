/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/clock.h>
#include <chancery/kafka/revocation.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/name.h>

/* Java's allowance for clocks, fixed. */
#define SKEW_S 900
/* com.sun.security.crl.maxSize, from 17.0.21 on: beyond it the list before is used, silently. */
#define JAVA_LIST_BYTES (20UL << 20)
/* A last fifth of its life, where the next one should be out. */
#define SOON_PART 5
/* [6] IMPLICIT IA5String, in GeneralName. */
#define TAG_URI 0x86

struct look {
	const struct cert *c, *issuer;
	const char *url;
	struct crl_view crl;
	int64_t now_s;
	struct kafka_findings *f;
};

static bool
wrong(const struct look *l, const char *code, const char *what)
{
	kafka_find(l->f, KAFKA_WRONG, code, "the list at %s %s", l->url, what);
	return false;
}

static bool
check_signature(const struct look *l)
{
	struct error e;

	if (!bytes_eq(l->crl.issuer, l->c->tbs.issuer))
		return wrong(l, "crl", "is of another issuer");
	if (l->issuer == NULL || !l->issuer->tbs.key_ok)
		return true;
	return crl_verify(&l->crl, &l->issuer->tbs.key, &e) ||
	    wrong(l, "crl", "is signed with another key than the issuer's");
}

static bool
check_times(const struct look *l)
{
	int64_t from = l->crl.this_update_s, to = l->crl.next_update_s;
	char when[TIME_TEXT_SIZE];

	time_format_s(to, when);
	if (l->now_s > to + SKEW_S)
		return wrong(l, "crl-expired",
		    "has expired: every peer that checks refuses the "
		    "certificate");
	if (from > l->now_s + SKEW_S)
		return wrong(l, "crl", "is of the future");
	if (l->now_s > to)
		kafka_find(l->f, KAFKA_WARNING, "crl-expired",
		    "the list at %s expired on %s: Java allows 15 minutes, "
		    "OpenSSL none",
		    l->url, when);
	else if (to - l->now_s < (to - from) / SOON_PART)
		kafka_find(l->f, KAFKA_WARNING, "crl-soon",
		    "the list at %s expires on %s, and there is no newer one",
		    l->url, when);
	return true;
}

/* The IDP has to name what the certificate names. It stands behind the entries. */
static bool
idp_names(const struct look *l, struct bytes uri)
{
	const struct bytes all = l->crl.tbs;
	const uint8_t *from =
	    l->crl.entries.n > 0 ? l->crl.entries.p + l->crl.entries.n : all.p;
	uint8_t want[2 + 127];

	if (uri.n > 127)
		return bytes_eq(l->crl.idp_url, uri);
	want[0] = TAG_URI;
	want[1] = (uint8_t)uri.n;
	memcpy(want + 2, uri.p, uri.n);
	return memmem(from, (size_t)(all.p + all.n - from), want, uri.n + 2) !=
	    NULL;
}

#define URLS_MAX 16

static bool
idp_matches(const struct look *l)
{
	const struct ext *x = exts_find(&l->c->tbs.exts, EXT_CRL_DP);
	struct bytes uri[URLS_MAX];
	struct error e;
	size_t n = 0;

	if (x == NULL || !ext_crl_dp(x, uri, URLS_MAX, &n, &e))
		return false;
	for (size_t i = 0; i < n && i < URLS_MAX; i++)
		if (idp_names(l, uri[i]))
			return true;
	return false;
}

static bool
check_scope(const struct look *l)
{
	if (l->crl.has_delta)
		return wrong(l, "crl", "is a delta list, which Java refuses");
	if (l->crl.idp_other)
		return wrong(l, "crl",
		    "is indirect or split by reasons, which Java refuses");
	if ((l->crl.idp_only_ca && !l->c->tbs.is_ca) ||
	    (l->crl.idp_only_user && l->c->tbs.is_ca))
		return wrong(l, "crl",
		    "is for certificates of the other kind (CA or not)");
	return l->crl.idp_url.n == 0 || idp_matches(l) ||
	    wrong(l, "crl",
		"says that it is another one (issuing distribution point)");
}

static enum kafka_standing
look_up(const struct look *l)
{
	struct bytes serial = l->c->tbs.serial;
	uint8_t want[20] = { 0 };
	struct crl_entry en;
	struct error e = { 0 };
	char when[TIME_TEXT_SIZE];
	size_t at = 0;

	while (serial.n > 0 && serial.p[0] == 0)
		serial = bytes_of(serial.p + 1, serial.n - 1);
	if (serial.n > sizeof(want))
		return KAFKA_GOOD;
	memcpy(want + sizeof(want) - serial.n, serial.p, serial.n);
	while (crl_next_entry(&l->crl, &at, &en, &e)) {
		if (memcmp(en.serial, want, sizeof(want)) != 0)
			continue;
		time_format_s(en.revoked_s, when);
		kafka_find(l->f, KAFKA_WRONG, "revoked",
		    "it is revoked since %s (%s)%s", when,
		    crl_reason_name(en.reason),
		    en.revoked_s > l->now_s
			? ": Java takes it until then, OpenSSL does not"
			: "");
		return KAFKA_REVOKED;
	}
	if (e.why == FAIL_NONE)
		return KAFKA_GOOD;
	(void)wrong(l, "crl", "has an entry that does not parse");
	return KAFKA_NO_LIST;
}

enum kafka_standing
kafka_judge_list(const struct cert *c, const struct cert *issuer,
    const char *url, struct bytes body, int64_t now_s, struct kafka_findings *f)
{
	struct look l = { c, issuer, url, .now_s = now_s, .f = f };
	auto_buf struct buf owned = { 0 };
	struct error e;

	if (!crl_parse(body, url, &owned, &l.crl, &e)) {
		kafka_find(f, KAFKA_WRONG, "crl", "%s", e.msg);
		return KAFKA_NO_LIST;
	}
	if (body.n > JAVA_LIST_BYTES)
		kafka_find(f, KAFKA_WARNING, "crl-size",
		    "the list at %s has %zu MiB: newer releases of Java 17 "
		    "silently go on with the one before; partitions keep it "
		    "small",
		    url, body.n >> 20);
	if (!check_signature(&l) || !check_times(&l) || !check_scope(&l))
		return KAFKA_NO_LIST;
	return look_up(&l);
}
