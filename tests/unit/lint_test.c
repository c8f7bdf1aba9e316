/* SPDX-License-Identifier: Apache-2.0 */

/* Each certificate lint rule has a bad sample: a good certificate of a profile with
 * one thing changed. Good samples are in tbs_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <chancery/pki/lint.h>

#include "pki_sample.h"

#define BC "2.5.29.19"
#define KU "2.5.29.15"
#define EKU "2.5.29.37"
#define SAN "2.5.29.17"
#define SKI "2.5.29.14"
#define AKI "2.5.29.35"
#define CDP "2.5.29.31"
#define NC "2.5.29.30"
#define POLICIES "2.5.29.32"
#define AIA "1.3.6.1.5.5.7.1.1"
#define NOCHECK "1.3.6.1.5.5.7.48.1.5"
#define CRITICAL true

#define HTTP_A "687474703a2f2f61"           /* http://a */
#define HTTPS_A "68747470733a2f2f61"        /* https://a */
#define NC_A "300a a008 3006 8204 2e612e62" /* permitted dNSName .a.b */
#define CDP_HTTP "3010 300e a00c a00a 8608" HTTP_A
#define AIA_OCSP "3016 3014 06082b06010505073001 8608" HTTP_A
#define EKU_SERVER "300a 06082b06010505070301"
#define EKU_SERVER_TWICE "3014 06082b06010505070301 06082b06010505070301"
#define SKI_ZERO "0414 0000000000000000000000000000000000000000"

enum key_choice {
	KEY_KEEP,
	KEY_RSA_2048,
	KEY_ISSUER
};

struct lint_case {
	const char *rule, *profile;
	/* One extension set (or, without hex, taken away). */
	const char *oid;
	bool critical;
	const char *hex;
	void (*change)(struct sample_tbs *s, struct lint_context *c);
	enum key_choice key;
};

static struct sample_issuer issuer;
/* Bytes that changed samples point to, freed after each. */
static struct buf scratch;

static int
setup(void **state)
{
	(void)state;
	sample_issuer_make(&issuer, "CN=Lint CA,O=Acme,C=DE",
	    sample_other_key("ec-p256"));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sample_issuer_free(&issuer);
	sample_keys_free();
	return 0;
}

static struct bytes
kept(struct buf b)
{
	buf_free(&scratch);
	scratch = b;
	return buf_bytes(&scratch);
}

static void
version_1(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->version = 1;
	s->n = 0;
}

static void
serial_zero(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->serial = bytes_of("\0", 1);
}

static void
serial_negative(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->serial = bytes_of("\x80\x01", 2);
}

static void
serial_21(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->serial = bytes_of("\x01"
			     "12345678901234567890",
	    21);
}

static void
serial_short(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->serial = bytes_of("12345678", 8);
}

static void
alg_sha1(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	/* ecdsa-with-SHA1 */
	s->alg_der = kept(sample_hex("3009 06072a8648ce3d0401"));
}

static void
alg_other(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->alg_der = sig_alg_info(SIG_ECDSA_SHA384)->der;
}

static void
self(struct sample_tbs *s, struct lint_context *c)
{
	s->issuer = s->subject;
	c->issuer = NULL;
	sample_ext_drop(s, AKI);
}

static void
self_alg_other(struct sample_tbs *s, struct lint_context *c)
{
	self(s, c);
	s->alg_der = sig_alg_info(SIG_ED25519)->der;
}

static void
self_other_name(struct sample_tbs *s, struct lint_context *c)
{
	c->issuer = NULL;
	s->issuer = buf_bytes(&issuer.name);
}

static void
self_aki(struct sample_tbs *s, struct lint_context *c)
{
	static uint8_t value[24] = { 0x30, 0x16, 0x80, 0x14 };

	self(s, c);
	sample_ext_set(s, AKI, false, bytes_of(value, sizeof(value)));
}

static void
key_unknown(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->spki = kept(sample_hex("300b 3004 06022a03 030300 0102"));
}

static void
times_generalized(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->generalized = true;
}

static void
times_equal(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->not_after_s = s->not_before_s;
}

static void
times_outside(struct sample_tbs *s, struct lint_context *c)
{
	s->not_after_s = c->issuer->not_after_s + 1;
}

static void
times_outside_before(struct sample_tbs *s, struct lint_context *c)
{
	s->not_before_s = c->issuer->not_before_s - 1;
}

static void
times_5_years(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->not_after_s = s->not_before_s + 1830 * SAMPLE_DAY;
}

static void
times_26_years(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->not_after_s = s->not_before_s + 9140 * SAMPLE_DAY;
}

static void
times_90_days(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->not_after_s = s->not_before_s + 91 * SAMPLE_DAY;
}

static void
times_old(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->not_before_s -= 3 * SAMPLE_DAY;
}

static void
times_early(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->not_before_s += 3 * SAMPLE_DAY;
}

static void
issuer_other(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->issuer = s->subject;
}

static void
unique_id(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->unique_id = true;
}

static void
subject_empty(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->subject = bytes_of("\x30\x00", 2);
}

static void
subject_empty_no_san(struct sample_tbs *s, struct lint_context *c)
{
	subject_empty(s, c);
	sample_ext_drop(s, SAN);
}

static void
country_lower(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->subject = kept(sample_hex("300d 310b 3009 0603550406 1302 6465"));
}

static void
cn_of_65(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->subject = kept(sample_hex("304c 314a 3048 0603550403 0c41"
				     "6161616161616161616161616161616161616161"
				     "6161616161616161616161616161616161616161"
				     "6161616161616161616161616161616161616161"
				     "6161616161"));
}

/* CN=x+CN=y, as Go's encoder writes two values. */
static void
cn_twice_in_rdn(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	s->subject = kept(sample_hex(
	    "3016 3114 3008 0603550403 0c0178 3008 0603550403 0c0179"));
}

#define SUBJECT(fn, text)                                                      \
	static void fn(struct sample_tbs *s, struct lint_context *c)           \
	{                                                                      \
		(void)c;                                                       \
		s->subject = kept(sample_name(text));                          \
	}
SUBJECT(two_cns, "CN=a,CN=b,O=Acme")
SUBJECT(no_cn, "O=Acme,C=DE")
SUBJECT(multi_rdn, "CN=a+OU=b,O=Acme")
SUBJECT(cn_spaces, "CN=two words,O=Acme")
SUBJECT(with_ou, "CN=CA,OU=x,O=Acme,C=DE")
SUBJECT(without_o, "CN=CA,C=DE")

static void
no_issuer_id(struct sample_tbs *s, struct lint_context *c)
{
	(void)c;
	sample_ext_drop(s, AKI);
}

static const struct lint_case cases[] = {
	{ "structure-der", "generic", "1.2.3.4", false, "010101", NULL, 0 },
	{ "structure-version", "generic", NULL, false, NULL, version_1, 0 },
	{ "structure-serial", "generic", NULL, false, NULL, serial_zero, 0 },
	{ "structure-serial", "generic", NULL, false, NULL, serial_negative,
	    0 },
	{ "structure-serial", "generic", NULL, false, NULL, serial_21, 0 },
	{ "structure-algorithm", "generic", NULL, false, NULL, alg_sha1, 0 },
	{ "structure-algorithm", "generic", NULL, false, NULL, alg_other, 0 },
	{ "structure-algorithm", "intermediate", NULL, false, NULL,
	    self_alg_other, 0 },
	{ "structure-key", "generic", NULL, false, NULL, key_unknown, 0 },
	{ "structure-time-form", "generic", NULL, false, NULL,
	    times_generalized, 0 },
	{ "structure-validity", "generic", NULL, false, NULL, times_equal, 0 },
	{ "structure-validity-nested", "generic", NULL, false, NULL,
	    times_outside, 0 },
	{ "structure-validity-nested", "generic", NULL, false, NULL,
	    times_outside_before, 0 },
	{ "structure-issuer-name", "generic", NULL, false, NULL, issuer_other,
	    0 },
	{ "structure-issuer-name", "intermediate", NULL, false, NULL,
	    self_other_name, 0 },
	{ "structure-aki", "generic", NULL, false, NULL, no_issuer_id, 0 },
	{ "structure-aki", "generic", AKI, false,
	    "3016 8014 0000000000000000000000000000000000000000", NULL, 0 },
	{ "structure-aki", "generic", AKI, false, "3003 820101", NULL, 0 },
	{ "structure-aki", "intermediate", NULL, false, NULL, self_aki, 0 },
	{ "structure-subject-key", "generic", NULL, false, NULL, NULL,
	    KEY_ISSUER },
	{ "structure-unique-ids", "generic", NULL, false, NULL, unique_id, 0 },
	{ "structure-extensions", "generic", SKI, false, "0500", NULL, 0 },
	{ "structure-extensions", "generic", EKU, false, "3000", NULL, 0 },
	{ "structure-extensions", "generic", SAN, false, "3000", NULL, 0 },
	{ "structure-extensions", "generic", SAN, false, "3005 8703 010203",
	    NULL, 0 },
	{ "structure-extensions", "generic", AKI, false, "3002 0500", NULL, 0 },
	{ "structure-extensions", "generic", CDP, false, "3005 3003 8101 80",
	    NULL, 0 },
	{ "structure-extensions", "generic", AIA, false, "3002 3000", NULL, 0 },
	{ "structure-extensions", "generic", POLICIES, false, "3000", NULL, 0 },
	{ "structure-extensions", "intermediate", NC, CRITICAL, "3000", NULL,
	    0 },
	{ "structure-extensions", "ocsp-responder", NOCHECK, false, "3000",
	    NULL, 0 },
	{ "structure-extensions", "generic", "1.3.6.1.5.5.7.1.24", false,
	    "3000", NULL, 0 },

	{ "rfc5280-self-signed-names", "generic", NULL, false, NULL, self, 0 },
	{ "rfc5280-ca-basic-constraints", "intermediate", BC, false,
	    "3006 0101ff 020100", NULL, 0 },
	{ "rfc5280-ca-key-usage", "intermediate", KU, CRITICAL, "03020780",
	    NULL, 0 },
	{ "rfc5280-ca-key-usage", "intermediate", KU, false, NULL, NULL, 0 },
	{ "rfc5280-ca-ski", "intermediate", SKI, false, NULL, NULL, 0 },
	{ "rfc5280-cert-sign", "generic", KU, CRITICAL, "03020284", NULL, 0 },
	{ "rfc5280-path-len", "generic", BC, CRITICAL, "3003 020100", NULL, 0 },
	{ "rfc5280-path-len", "intermediate", KU, CRITICAL, "03020102", NULL,
	    0 },
	{ "rfc5280-key-usage-critical", "generic", KU, false, "03020780", NULL,
	    0 },
	{ "rfc5280-key-usage-key-type", "generic", KU, CRITICAL, "030205a0",
	    NULL, 0 },
	{ "rfc5280-key-usage-key-type", "generic", KU, CRITICAL, "03020388",
	    NULL, KEY_RSA_2048 },
	{ "rfc5280-criticality", "generic", SKI, CRITICAL, SKI_ZERO, NULL, 0 },
	{ "rfc5280-criticality", "intermediate", NC, false, NC_A, NULL, 0 },
	{ "rfc5280-criticality", "generic", AIA, CRITICAL, AIA_OCSP, NULL, 0 },
	{ "rfc5280-criticality", "generic", CDP, CRITICAL, CDP_HTTP, NULL, 0 },
	{ "rfc5280-criticality", "generic", "1.2.3.4", CRITICAL, "0500", NULL,
	    0 },
	{ "rfc5280-name-constraints", "generic", NC, CRITICAL, NC_A, NULL, 0 },
	{ "rfc5280-subject", "intermediate", NULL, false, NULL, subject_empty,
	    0 },
	{ "rfc5280-subject", "generic", NULL, false, NULL, subject_empty_no_san,
	    0 },
	{ "rfc5280-subject-strings", "generic", NULL, false, NULL,
	    country_lower, 0 },
	{ "rfc5280-subject-strings", "generic", NULL, false, NULL, cn_of_65,
	    0 },
	{ "rfc5280-subject-strings", "generic", NULL, false, NULL,
	    cn_twice_in_rdn, 0 },
	{ "rfc5280-san-critical", "generic", SAN, CRITICAL, "3005 8203 612e62",
	    NULL, 0 },
	{ "rfc5280-san-critical", "generic", NULL, false, NULL, subject_empty,
	    0 },
	{ "rfc5280-san-form", "generic", SAN, false, "3004 8602 2f61", NULL,
	    0 },
	{ "rfc5280-san-form", "generic", SAN, false,
	    "300a 8203 612e62 8203 612e62", NULL, 0 },
	{ "rfc5280-eku", "generic", EKU, false, EKU_SERVER_TWICE, NULL, 0 },
	{ "rfc5280-eku", "generic", EKU, CRITICAL, "3006 0604551d2500", NULL,
	    0 },
	/* nonRepudiation serves no TLS purpose. */
	{ "rfc5280-eku-key-usage", "generic", KU, CRITICAL, "03020640", NULL,
	    0 },
	{ "rfc5280-policies", "generic", POLICIES, false,
	    "300c 3004 06022a03 3004 06022a03", NULL, 0 },
	{ "rfc5280-crl-dp", "generic", CDP, false,
	    "300a 3008 a206 8604 68747470", NULL, 0 },
	{ "rfc5280-aia", "generic", AIA, false, "300a 3008 06022a03 8602 613a",
	    NULL, 0 },

	{ "house-serial", "generic", NULL, false, NULL, serial_short, 0 },
	{ "house-ski", "generic", SKI, false, SKI_ZERO, NULL, 0 },
	{ "house-crl-dp", "generic", CDP, false,
	    "3011 300f a00d a00b 8609" HTTPS_A, NULL, 0 },
	{ "house-crl-dp", "generic", CDP, false,
	    "3013 3011 a00c a00a 8608" HTTP_A "8101 80", NULL, 0 },
	{ "house-crl-dp", "generic", CDP, false,
	    "3020 300e a00c a00a 8608" HTTP_A "300e a00c a00a 8608" HTTP_A,
	    NULL, 0 },
	{ "house-aia", "generic", AIA, false,
	    "3017 3015 06082b06010505073001 8609" HTTPS_A, NULL, 0 },
	{ "house-aia", "generic", AIA, false,
	    "3017 3015 06082b06010505073002 8609" HTTPS_A, NULL, 0 },
	{ "house-san", "generic", SAN, false, "3007 8205 615f622e63", NULL, 0 },
	{ "house-ca-key", "intermediate", NULL, false, NULL, NULL,
	    KEY_RSA_2048 },
	{ "house-root-extensions", "intermediate", NULL, false, NULL, NULL, 0 },
	{ "house-root-extensions", "root", SKI, false, NULL, NULL, 0 },
	{ "house-root-extensions", "root", CDP, false, CDP_HTTP, NULL, 0 },
	{ "house-root-key-usage", "generic", NULL, false, NULL, NULL, 0 },
	{ "house-root-life", "intermediate", NULL, false, NULL, NULL, 0 },
	{ "house-root-life", "root", NULL, false, NULL, times_26_years, 0 },
	{ "house-root-life", "root", NULL, false, NULL, times_old, 0 },
	{ "house-root-path-len", "intermediate", NULL, false, NULL, NULL, 0 },
	{ "house-ca-path-len", "root", NULL, false, NULL, NULL, 0 },
	{ "house-ca-key-usage", "intermediate", KU, CRITICAL, "03020186", NULL,
	    0 },
	{ "house-ca-eku", "intermediate", EKU, false, EKU_SERVER, NULL, 0 },
	{ "house-ca-eku", "intermediate", EKU, false, EKU_SERVER_TWICE, NULL,
	    0 },
	{ "house-ca-eku", "intermediate", EKU, false, NULL, NULL, 0 },
	{ "house-ca-life", "intermediate", NULL, false, NULL, times_5_years,
	    0 },
	{ "house-ca-name-constraints", "intermediate", NULL, false, NULL, NULL,
	    0 },
	{ "house-ca-name-constraints", "intermediate", NC, CRITICAL,
	    "300e a00c 300a 8708 0a000000ff000000", NULL, 0 },
	{ "house-ca-subject", "intermediate", NULL, false, NULL, with_ou, 0 },
	{ "house-ca-subject", "intermediate", NULL, false, NULL, without_o, 0 },
	{ "house-ca-pointers", "intermediate", NULL, false, NULL, NULL, 0 },
	{ "house-ca-pointers", "intermediate", CDP, false, CDP_HTTP, NULL, 0 },
	{ "house-leaf-key-usage", "generic", KU, CRITICAL, "030205a0", NULL,
	    0 },
	{ "house-leaf-key-usage", "generic", KU, CRITICAL, "03020520", NULL,
	    KEY_RSA_2048 },
	{ "house-leaf-life", "generic", NULL, false, NULL, times_90_days, 0 },
	{ "house-leaf-not-before", "generic", NULL, false, NULL, times_old, 0 },
	{ "house-leaf-not-before", "generic", NULL, false, NULL, times_early,
	    0 },
	{ "house-leaf-revocation", "generic", NULL, false, NULL, NULL, 0 },
	{ "house-cn-in-san", "generic", NULL, false, NULL, NULL, 0 },
	{ "house-kafka-broker-eku", "kafka-broker", EKU, false, EKU_SERVER,
	    NULL, 0 },
	{ "house-kafka-broker-eku", "kafka-client", NULL, false, NULL, NULL,
	    0 },
	{ "house-kafka-broker-san", "kafka-broker", SAN, false, NULL, NULL, 0 },
	{ "house-kafka-broker-san", "kafka-broker", SAN, false,
	    "3009 8207 2a2e612e622e63", NULL, 0 },
	{ "house-kafka-broker-san", "kafka-broker", SAN, false,
	    "3005 8603 613a62", NULL, 0 },
	{ "house-kafka-client-eku", "kafka-broker", NULL, false, NULL, NULL,
	    0 },
	{ "house-kafka-client-cn", "kafka-client", NULL, false, NULL, cn_spaces,
	    0 },
	{ "house-kafka-client-cn", "kafka-client", NULL, false, NULL, no_cn,
	    0 },
	{ "house-kafka-subject", "kafka-client", NULL, false, NULL, two_cns,
	    0 },
	{ "house-kafka-subject", "kafka-client", NULL, false, NULL, multi_rdn,
	    0 },
	{ "house-kafka-subject", "kafka-broker", NULL, false, NULL, no_cn, 0 },
	{ "house-ocsp-eku", "kafka-broker", NULL, false, NULL, NULL, 0 },
	{ "house-ocsp-extensions", "ocsp-responder", NOCHECK, false, NULL, NULL,
	    0 },
	{ "house-ocsp-extensions", "ocsp-responder", CDP, false, CDP_HTTP, NULL,
	    0 },
	{ "house-ocsp-life", "ocsp-responder", NULL, false, NULL, times_90_days,
	    0 },
};

static const struct sample_key *
choose_key(enum key_choice k)
{
	if (k == KEY_RSA_2048)
		return sample_key("rsa-2048");
	return k == KEY_ISSUER ? issuer.key : sample_key("ec-p256");
}

static const struct lint_finding *
finding(const struct lint_report *r, const char *rule)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].rule->name, rule) == 0)
			return &r->v[i];
	return NULL;
}

static const struct lint_rule *
rule_named(const char *name)
{
	for (size_t i = 0; i < lint_rules_count; i++)
		if (strcmp(lint_rules[i].name, name) == 0)
			return &lint_rules[i];
	fail_msg("no rule %s", name);
	return NULL;
}

/* The good certificate that is to be spoilt. */
static void
good(const struct lint_case *t, struct buf *tbs)
{
	const struct profile *p = profile_builtin(t->profile);
	const struct sample_key *key = choose_key(t->key);
	auto_buf struct buf name = sample_name("CN=Root,O=Acme,C=DE");
	struct tbs_issuer own = { .name = buf_bytes(&name), .alg = key->alg };

	memcpy(own.key_id, key->id, 20);
	sample_tbs_good(p, strcmp(p->name, "root") == 0 ? &own : &issuer.tbs,
	    key, tbs);
}

static void
spoil(const struct lint_case *t, struct sample_tbs *s, struct lint_context *c,
    struct buf *value)
{
	if (t->change != NULL)
		t->change(s, c);
	if (t->oid == NULL)
		return;
	if (t->hex == NULL) {
		sample_ext_drop(s, t->oid);
		return;
	}
	*value = sample_hex(t->hex);
	sample_ext_set(s, t->oid, t->critical, buf_bytes(value));
}

static void
check_stops(const struct lint_report *r, const struct lint_rule *rule,
    const struct profile *naming)
{
	struct lint_report one = { .n = 1 };

	one.v[0] = *finding(r, rule->name);
	assert_int_equal(lint_stopper(&one, NULL, false) != NULL,
	    rule->set == LINT_STRUCTURE);
	assert_int_equal(lint_stopper(&one, NULL, true) != NULL,
	    rule->set != LINT_HOUSE);
	assert_int_equal(lint_stopper(&one, naming, false) != NULL,
	    rule->set != LINT_RFC5280);
}

static void
run_case(const struct lint_case *t, size_t row)
{
	const struct lint_rule *rule = rule_named(t->rule);
	struct profile naming = *profile_builtin(t->profile);
	auto_buf struct buf before = { 0 }, after = { 0 }, value = { 0 };
	struct lint_report report;
	struct tbs_view view;
	struct sample_tbs s;
	struct error e;
	struct lint_context c = { .tbs = &view,
		.issuer = strcmp(t->profile, "root") == 0 ? NULL : &issuer.tbs,
		.issuer_spki = buf_bytes(&issuer.key->der),
		.now_s = SAMPLE_NOW_S,
		.profile = &naming };

	memset(naming.house_rules, 0, sizeof(naming.house_rules));
	if (rule->set == LINT_HOUSE)
		naming.house_rules[0] = t->rule;
	good(t, &before);
	if (!tbs_parse(buf_bytes(&before), &view, &e))
		fail_msg("%s %zu: %s", t->rule, row, e.msg);
	sample_tbs_split(&view, &s);
	spoil(t, &s, &c, &value);
	sample_tbs_join(&s, &after);
	if (!tbs_parse(buf_bytes(&after), &view, &e))
		fail_msg("%s %zu: %s", t->rule, row, e.msg);
	lint_run(&c, &report);
	if (finding(&report, t->rule) == NULL)
		fail_msg("%s: row %zu is fine", t->rule, row);
	assert_true(finding(&report, t->rule)->text[0] != '\0');
	check_stops(&report, rule, &naming);
}

static void
test_bad_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		run_case(&cases[i], i);
	buf_free(&scratch);
}

static void
test_every_rule_has_one(void **state)
{
	(void)state;
	for (size_t r = 0; r < lint_rules_count; r++) {
		size_t n = 0;

		for (size_t i = 0; i < countof(cases); i++)
			n += strcmp(cases[i].rule, lint_rules[r].name) == 0;
		if (n == 0)
			fail_msg("%s has no bad sample", lint_rules[r].name);
	}
}

/* Names are "set-…", unique, and carry a source and a sentence. */
static void
test_table(void **state)
{
	static const char *const prefixes[] = {
		[LINT_STRUCTURE] = "structure-",
		[LINT_RFC5280] = "rfc5280-",
		[LINT_HOUSE] = "house-",
	};

	(void)state;
	for (size_t i = 0; i < lint_rules_count; i++) {
		const struct lint_rule *r = &lint_rules[i];

		assert_int_equal(strncmp(r->name, prefixes[r->set],
				     strlen(prefixes[r->set])),
		    0);
		assert_true(r->source[0] != '\0' && r->about[0] != '\0');
		assert_true(!r->only_named || r->set == LINT_HOUSE);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(r->name, lint_rules[j].name);
	}
}

/* Rules of one kind of certificate are silent where nobody names them. */
static void
test_only_named(void **state)
{
	auto_buf struct buf tbs = { 0 };
	struct lint_report report;
	struct tbs_view view;
	struct error e;
	struct lint_context c = { .tbs = &view,
		.issuer = &issuer.tbs,
		.now_s = SAMPLE_NOW_S };

	(void)state;
	sample_tbs_good(profile_builtin("generic"), &issuer.tbs,
	    sample_key("ec-p256"), &tbs);
	assert_true(tbs_parse(buf_bytes(&tbs), &view, &e));
	lint_run(&c, &report);
	assert_int_equal(report.n, 0);
	assert_null(lint_stopper(&report, NULL, true));
	assert_false(lint_profile_names(NULL, "house-ski"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_samples),
		cmocka_unit_test(test_every_rule_has_one),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_only_named),
	};

	return cmocka_run_group_tests_name("lint", tests, setup, teardown);
}
