/* SPDX-License-Identifier: Apache-2.0 */

/* The TBS writer and profiles: what is written, OpenSSL reads the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include <chancery/base/clock.h>
#include <chancery/pki/der.h>
#include <chancery/pki/lint.h>

#include "pki_sample.h"

static const char *const key_types[] = { "rsa-3072", "ec-p256", "ec-p384",
	"ec-p521", "ed25519" };

#define LIMIT_SANS_TEST 700
static struct sample_issuer issuer;

static int
setup(void **state)
{
	(void)state;
	sample_issuer_make(&issuer, "CN=Issuing CA,O=Acme,C=DE",
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

/* The TBS encoded afresh from OpenSSL's fields is ours. */
static void
assert_re_encodes(X509 *x, struct bytes der)
{
	uint8_t *tbs = NULL;
	int n = i2d_re_X509_tbs(x, &tbs);
	struct der_reader r;
	struct bytes want;
	uint8_t tag;

	der_r_init(&r, der);
	der_r_init(&r, der_r_get(&r, DER_SEQUENCE));
	want = der_r_any(&r, &tag);
	assert_int_equal(n, want.n);
	assert_memory_equal(tbs, want.p, want.n);
	OPENSSL_free(tbs);
}

static void
assert_printable(X509 *x)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text;
	long n;

	/* X509V3_EXT_ERROR_UNKNOWN (openssl/x509v3.h, whose KU_ names are not
	 * ours): says so where an extension does not parse. */
	assert_int_equal(X509_print_ex(out, x, 0, 1L << 16), 1);
	n = BIO_get_mem_data(out, &text);
	assert_true(n > 0);
	assert_null(memmem(text, (size_t)n, "<Not Supported>", 15));
	assert_null(memmem(text, (size_t)n, "<Parse Error>", 13));
	BIO_free(out);
}

/* OpenSSL reads exactly these bytes and verifies them. */
static void
assert_openssl_agrees(struct bytes der, EVP_PKEY *key)
{
	const uint8_t *p = der.p;
	uint8_t *again = NULL;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	int n;

	assert_non_null(x);
	assert_ptr_equal(p, der.p + der.n);
	n = i2d_X509(x, &again);
	assert_int_equal(n, der.n);
	assert_memory_equal(again, der.p, der.n);
	OPENSSL_free(again);
	assert_re_encodes(x, der);
	assert_int_equal(X509_verify(x, key), 1);
	/* Prints every extension, each of which it must know. */
	assert_printable(x);
	X509_free(x);
}

static void
assert_parses(struct bytes der, const struct sample_key *signer)
{
	auto_cert struct cert c = { 0 };
	struct error e;

	if (!cert_parse(der, "sample", &c, &e) ||
	    !cert_verify_signature(&c, &signer->spki, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(c.alg, signer->alg);
}

/* All sets, house rules of the profile included. */
static void
assert_lint_clean(const struct profile *p, struct bytes tbs,
    const struct tbs_issuer *from)
{
	struct tbs_view view;
	struct lint_report report;
	struct error e;
	struct lint_context c = {
		.tbs = &view,
		.issuer = from,
		.issuer_spki = from != NULL ? buf_bytes(&issuer.key->der)
					    : bytes_of(NULL, 0),
		.now_s = SAMPLE_NOW_S,
		.profile = p,
	};

	if (!tbs_parse(tbs, &view, &e))
		fail_msg("%s: %s", p->name, e.msg);
	lint_run(&c, &report);
	if (report.n > 0)
		fail_msg("%s: %s: %s", p->name, report.v[0].rule->name,
		    report.v[0].text);
}

static void
check_sample(const struct profile *p, const struct sample_key *key)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 };

	sample_tbs_good(p, &issuer.tbs, key, &tbs);
	sample_certificate(buf_bytes(&tbs), issuer.key, &der);
	assert_openssl_agrees(buf_bytes(&der), issuer.key->pkey);
	assert_parses(buf_bytes(&der), issuer.key);
	assert_lint_clean(p, buf_bytes(&tbs), &issuer.tbs);
}

static void
test_profiles_by_key_type(void **state)
{
	(void)state;
	for (size_t p = 0; p < profiles_count; p++) {
		if (strcmp(profiles[p].name, "root") == 0)
			continue;
		for (size_t k = 0; k < countof(key_types); k++)
			check_sample(&profiles[p], sample_key(key_types[k]));
	}
}

static struct tbs_issuer
self_issuer(const struct sample_key *key, const struct buf *name)
{
	struct tbs_issuer self = { .name = buf_bytes(name), .alg = key->alg };

	memcpy(self.key_id, key->id, sizeof(key->id));
	return self;
}

static void
test_root_by_key_type(void **state)
{
	const struct profile *p = profile_builtin("root");

	(void)state;
	for (size_t k = 0; k < countof(key_types); k++) {
		const struct sample_key *key = sample_key(key_types[k]);
		auto_buf struct buf tbs = { 0 }, der = { 0 };
		auto_buf struct buf name = sample_name("CN=Root,O=Acme,C=DE");
		struct tbs_issuer self = self_issuer(key, &name);

		sample_tbs_good(p, &self, key, &tbs);
		sample_certificate(buf_bytes(&tbs), key, &der);
		assert_openssl_agrees(buf_bytes(&der), key->pkey);
		assert_parses(buf_bytes(&der), key);
		assert_lint_clean(p, buf_bytes(&tbs), NULL);
	}
}

/* Every signature algorithm of the table in a certificate. */
static void
test_signature_algorithms(void **state)
{
	static const struct {
		enum sig_alg alg;
		const char *key;
	} cases[] = {
		{ SIG_RSA_SHA256, "rsa-3072" },
		{ SIG_RSA_SHA384, "rsa-3072" },
		{ SIG_RSA_SHA512, "rsa-3072" },
		{ SIG_PSS_SHA256, "rsa-3072" },
		{ SIG_PSS_SHA384, "rsa-3072" },
		{ SIG_PSS_SHA512, "rsa-3072" },
		{ SIG_ECDSA_SHA256, "ec-p256" },
		{ SIG_ECDSA_SHA384, "ec-p384" },
		{ SIG_ECDSA_SHA512, "ec-p521" },
		{ SIG_ED25519, "ed25519" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const struct sample_key *key = sample_key(cases[i].key);
		auto_buf struct buf tbs = { 0 }, sig = { 0 }, der = { 0 };
		struct tbs_issuer from = issuer.tbs;

		from.alg = cases[i].alg;
		memcpy(from.key_id, key->id, sizeof(key->id));
		sample_tbs_good(profile_builtin("generic"), &from,
		    sample_key("ec-p256"), &tbs);
		sample_sign(key, cases[i].alg, buf_bytes(&tbs), &sig);
		cert_assemble(buf_bytes(&tbs), cases[i].alg, buf_bytes(&sig),
		    &der);
		assert_openssl_agrees(buf_bytes(&der), key->pkey);
	}
}

/* Everything a profile can say at once. */
static const struct profile *
full_ca(void)
{
	static struct profile p;

	p = *profile_builtin("intermediate");
	p.name = "full";
	p.crl_url[0] = "http://crl.example/{partition}.crl";
	p.crl_url[1] = "http://crl2.example/ca.crl";
	p.ca_url[0] = "http://ca.example/ca.cer";
	p.ocsp_url[0] = "http://ocsp.example";
	p.policy_oid[0] = "1.3.6.1.4.1.99999.1";
	p.policy_oid[1] = "2.23.140.1.2.1";
	p.permitted_dns[0] = "kafka.example";
	p.permitted_dns[1] = "example.org";
	p.excluded_dns[0] = "bad.kafka.example";
	p.permitted_ip[0] = "10.0.0.0/8";
	p.permitted_ip[1] = "2001:db8::/32";
	p.excluded_ip[0] = "10.9.0.0/16";
	p.permitted_dn[0] = "O=Acme,C=DE";
	return &p;
}

static void
write_one(const struct profile *p, unsigned partition, struct buf *der)
{
	auto_buf struct buf tbs = { 0 };
	auto_buf struct buf subject = sample_name("CN=Full,O=Acme,C=DE");
	auto_tbs_template struct tbs_template *t = NULL;
	struct tbs_request r = {
		.serial = bytes_of("\x7f", 1),
		.not_before_s = SAMPLE_NOW_S,
		.not_after_s = SAMPLE_NOW_S + p->life_s,
		.subject = buf_bytes(&subject),
		.key = &sample_key("ec-p256")->spki,
		.crl_partition = partition,
	};
	struct error e;

	t = tbs_template_new(p, &issuer.tbs, &e);
	if (t == NULL || !tbs_write(t, &r, &tbs, &e))
		fail_msg("%s", e.msg);
	sample_certificate(buf_bytes(&tbs), issuer.key, der);
}

static void
test_all_extensions(void **state)
{
	auto_buf struct buf der = { 0 };
	auto_cert struct cert c = { 0 };
	struct general_name tree[4];
	struct bytes uri[4];
	const struct exts *x = &c.tbs.exts;
	char oid[64];
	struct error e;
	size_t n;

	(void)state;
	write_one(full_ca(), 17, &der);
	assert_openssl_agrees(buf_bytes(&der), issuer.key->pkey);
	assert_true(cert_parse(buf_bytes(&der), "full", &c, &e));
	assert_true(ext_crl_dp(exts_find(x, EXT_CRL_DP), uri, 4, &n, &e));
	assert_int_equal(n, 2);
	assert_true(bytes_eq(uri[0], bytes_str("http://crl.example/17.crl")));
	assert_true(bytes_eq(uri[1], bytes_str("http://crl2.example/ca.crl")));
	assert_true(ext_aia(exts_find(x, EXT_AIA), "1.3.6.1.5.5.7.48.1", uri, 4,
	    &n, &e));
	assert_int_equal(n, 1);
	assert_true(bytes_eq(uri[0], bytes_str("http://ocsp.example")));
	assert_true(ext_aia(exts_find(x, EXT_AIA), "1.3.6.1.5.5.7.48.2", uri, 4,
	    &n, &e));
	assert_int_equal(n, 1);
	assert_true(
	    ext_policy_at(exts_find(x, EXT_POLICIES), 1, oid, sizeof(oid)));
	assert_string_equal(oid, "2.23.140.1.2.1");
	assert_false(
	    ext_policy_at(exts_find(x, EXT_POLICIES), 2, oid, sizeof(oid)));
	assert_true(exts_find(x, EXT_NAME_CONSTRAINTS)->critical);
	assert_true(ext_name_constraints(exts_find(x, EXT_NAME_CONSTRAINTS),
	    false, tree, 4, &n, &e));
	assert_int_equal(n, 5);
	assert_int_equal(tree[0].kind, GN_DNS);
	assert_true(bytes_eq(tree[0].value, bytes_str("kafka.example")));
	assert_int_equal(tree[2].kind, GN_IP);
	assert_true(bytes_eq(tree[2].value,
	    bytes_of("\x0a\x00\x00\x00\xff\x00\x00\x00", 8)));
	assert_true(ext_name_constraints(exts_find(x, EXT_NAME_CONSTRAINTS),
	    true, tree, 4, &n, &e));
	assert_int_equal(n, 2);
}

static void
test_staple_and_nocheck(void **state)
{
	auto_buf struct buf der = { 0 };
	auto_cert struct cert c = { 0 };
	struct profile p = *profile_builtin("generic");
	struct error e;

	(void)state;
	p.must_staple = true;
	p.ocsp_nocheck = true;
	write_one(&p, 0, &der);
	assert_openssl_agrees(buf_bytes(&der), issuer.key->pkey);
	assert_true(cert_parse(buf_bytes(&der), "both", &c, &e));
	assert_true(bytes_eq(exts_find(&c.tbs.exts, EXT_TLS_FEATURE)->value,
	    bytes_of("\x30\x03\x02\x01\x05", 5)));
	assert_true(bytes_eq(exts_find(&c.tbs.exts, EXT_OCSP_NOCHECK)->value,
	    bytes_of("\x05\x00", 2)));
}

static void
test_time_boundaries(void **state)
{
	static const struct {
		const char *from, *to;
		uint8_t from_tag, to_tag;
	} cases[] = {
		{ "2049-12-31T23:59:58Z", "2049-12-31T23:59:59Z", 0x17, 0x17 },
		{ "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", 0x17, 0x18 },
		{ "2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 0x18, 0x18 },
	};
	struct profile p = *profile_builtin("generic");

	(void)state;
	p.life_max_s = INT64_C(8000) * 366 * SAMPLE_DAY;
	for (size_t i = 0; i < countof(cases); i++) {
		struct tbs_issuer from = issuer.tbs;
		auto_tbs_template struct tbs_template *t = NULL;
		auto_buf struct buf tbs = { 0 };
		auto_buf struct buf subject = sample_name("CN=x");
		struct tbs_request r = { .serial = bytes_of("\x01", 1),
			.subject = buf_bytes(&subject),
			.key = &sample_key("ec-p256")->spki };
		struct der_reader rd;
		struct tbs_view v;
		struct error e;
		uint8_t tag;

		assert_true(time_parse_s(cases[i].from, strlen(cases[i].from),
		    &r.not_before_s));
		assert_true(time_parse_s(cases[i].to, strlen(cases[i].to),
		    &r.not_after_s));
		from.not_after_s = r.not_after_s;
		t = tbs_template_new(&p, &from, &e);
		if (t == NULL || !tbs_write(t, &r, &tbs, &e) ||
		    !tbs_parse(buf_bytes(&tbs), &v, &e))
			fail_msg("%s", e.msg);
		assert_true(v.not_before_s == r.not_before_s);
		assert_true(v.not_after_s == r.not_after_s);
		der_r_init(&rd, buf_bytes(&tbs));
		der_r_init(&rd, der_r_get(&rd, DER_SEQUENCE));
		for (int skip = 0; skip < 4; skip++)
			(void)der_r_any(&rd, &tag);
		der_r_init(&rd, der_r_get(&rd, DER_SEQUENCE));
		assert_int_equal(der_r_peek(&rd), cases[i].from_tag);
		(void)der_r_any(&rd, &tag);
		assert_int_equal(der_r_peek(&rd), cases[i].to_tag);
	}
}

static void
test_san_critical_iff_subject_empty(void **state)
{
	const struct general_name san = { GN_DNS, bytes_str("a.example") };
	auto_buf struct buf full = sample_name("CN=x");
	auto_buf struct buf empty = sample_hex("3000");
	const struct buf *subjects[] = { &full, &empty };

	(void)state;
	for (size_t i = 0; i < countof(subjects); i++) {
		auto_tbs_template struct tbs_template *t = NULL;
		auto_buf struct buf tbs = { 0 };
		struct tbs_request r = { .serial = bytes_of("\x01", 1),
			.subject = buf_bytes(subjects[i]),
			.not_before_s = SAMPLE_NOW_S,
			.not_after_s = SAMPLE_NOW_S + 1,
			.key = &sample_key("ec-p256")->spki,
			.san = &san,
			.san_count = 1 };
		struct tbs_view v;
		struct error e;

		t = tbs_template_new(profile_builtin("generic"), &issuer.tbs,
		    &e);
		assert_non_null(t);
		assert_true(tbs_write(t, &r, &tbs, &e));
		assert_true(tbs_parse(buf_bytes(&tbs), &v, &e));
		assert_int_equal(exts_find(&v.exts, EXT_SAN)->critical, i == 1);
	}
}

/* One template, many certificates, the second not touched by the first. */
static void
test_template_reuse(void **state)
{
	auto_tbs_template struct tbs_template *t = NULL;
	auto_buf struct buf first = { 0 }, second = { 0 }, big = { 0 };
	auto_buf struct buf subject = sample_name("CN=x");
	struct general_name san[LIMIT_SANS_TEST];
	struct tbs_request r = { .serial = bytes_of("\x01", 1),
		.subject = buf_bytes(&subject),
		.not_before_s = SAMPLE_NOW_S,
		.not_after_s = SAMPLE_NOW_S + 1,
		.key = &sample_key("rsa-3072")->spki };
	struct error e;

	(void)state;
	t = tbs_template_new(profile_builtin("generic"), &issuer.tbs, &e);
	assert_non_null(t);
	assert_true(tbs_write(t, &r, &first, &e));
	for (size_t i = 0; i < countof(san); i++)
		san[i] = (struct general_name){ GN_DNS,
			bytes_str("broker-number-something.kafka.example") };
	r.san = san;
	r.san_count = countof(san);
	assert_true(tbs_write(t, &r, &big, &e));
	assert_true(big.n > 20000);
	r.san_count = 0;
	assert_true(tbs_write(t, &r, &second, &e));
	assert_true(bytes_eq(buf_bytes(&first), buf_bytes(&second)));
}

/* What a request must not say: one change each. */
struct bad_request {
	const char *name, *profile, *says;
	enum fail why;
	void (*change)(struct tbs_request *r);
};

static struct general_name bad_san;

static void
serial_zero(struct tbs_request *r)
{
	r->serial = bytes_of("\0\0", 2);
}

static void
serial_long(struct tbs_request *r)
{
	r->serial = bytes_of("\x80"
			     "2345678901234567890",
	    20);
}

static void
times_reversed(struct tbs_request *r)
{
	r->not_after_s = r->not_before_s;
}

static void
times_before_1970(struct tbs_request *r)
{
	r->not_before_s = -1;
}

static void
times_after_9999(struct tbs_request *r)
{
	r->not_after_s = INT64_C(253402300800);
}

static void
life_too_long(struct tbs_request *r)
{
	r->not_after_s = r->not_before_s + 91 * SAMPLE_DAY;
}

static void
after_issuer(struct tbs_request *r)
{
	r->not_after_s = issuer.tbs.not_after_s + 1;
	r->not_before_s = r->not_after_s - 60;
}

static void
before_issuer(struct tbs_request *r)
{
	r->not_before_s = issuer.tbs.not_before_s - 1;
	r->not_after_s = r->not_before_s + 60;
}

static void
no_san(struct tbs_request *r)
{
	r->san_count = 0;
}

static void
keep_san(struct tbs_request *r)
{
	(void)r;
}

static void
many_sans(struct tbs_request *r)
{
	r->san_count = 801;
}

static void
empty_subject(struct tbs_request *r)
{
	r->subject = bytes_of("\x30\x00", 2);
	r->san_count = 0;
}

static void
malformed_subject(struct tbs_request *r)
{
	r->subject = bytes_of("\x30\x01\x00", 3);
}

static void
no_cn(struct tbs_request *r)
{
	/* O=Acme */
	r->subject = bytes_of("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x0a"
			      "\x0c\x04"
			      "Acme",
	    17);
}

/* CN=a, one octet, a control character after it. */
static void
control_in_cn(struct tbs_request *r)
{
	r->subject = bytes_of("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03"
			      "\x0c\x02"
			      "a\n",
	    15);
}

static void
c1_in_cn(struct tbs_request *r)
{
	r->subject = bytes_of("\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03"
			      "\x0c\x03"
			      "a\xc2\x9b",
	    16);
}

static void
bell_in_bmp_cn(struct tbs_request *r)
{
	r->subject = bytes_of("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03"
			      "\x1e\x02\x00\x07",
	    15);
}

#define SAN_CASE(fn, gn_kind, octets, count)                                   \
	static void fn(struct tbs_request *r)                                  \
	{                                                                      \
		bad_san =                                                      \
		    (struct general_name){ gn_kind, bytes_of(octets, count) }; \
		r->san = &bad_san;                                             \
		r->san_count = 1;                                              \
	}

SAN_CASE(dns_underscore, GN_DNS, "a_b.example", 11)
SAN_CASE(dns_dot, GN_DNS, "a.example.", 10)
SAN_CASE(dns_ip, GN_DNS, "192.0.2.1", 9)
SAN_CASE(dns_wild_inner, GN_DNS, "a.*.example", 11)
SAN_CASE(dns_wild_part, GN_DNS, "kafka-*.example.org", 19)
SAN_CASE(dns_wild_tld, GN_DNS, "*.example", 9)
SAN_CASE(dns_bare_wild, GN_DNS, "*", 1)
SAN_CASE(dns_nul, GN_DNS, "a\0.example", 10)
SAN_CASE(dns_empty, GN_DNS, "", 0)
SAN_CASE(ip_five, GN_IP, "12345", 5)
SAN_CASE(email_bare, GN_EMAIL, "nobody", 6)
SAN_CASE(email_empty, GN_EMAIL, "", 0)
SAN_CASE(uri_relative, GN_URI, "/path", 5)
SAN_CASE(uri_space, GN_URI, "http://a b", 10)
SAN_CASE(dn_empty, GN_DIRNAME, "\x30\x00", 2)
SAN_CASE(other_dns_tag, GN_OTHER, "\x82\x01z", 3)
SAN_CASE(other_cut, GN_OTHER, "\xa0\x05z", 3)

static const struct bad_request bad_requests[] = {
	{ "serial 0", "generic", "serial", FAIL_BAD_INPUT, serial_zero },
	{ "serial of 21", "generic", "serial", FAIL_BAD_INPUT, serial_long },
	{ "no life", "generic", "validity", FAIL_BAD_INPUT, times_reversed },
	{ "1969", "generic", "validity", FAIL_BAD_INPUT, times_before_1970 },
	{ "10000", "generic", "validity", FAIL_BAD_INPUT, times_after_9999 },
	{ "91 days", "kafka-broker", "validity", FAIL_REFUSED, life_too_long },
	{ "past issuer", "generic", "issuer's", FAIL_REFUSED, after_issuer },
	{ "before issuer", "generic", "issuer's", FAIL_REFUSED, before_issuer },
	{ "broker no SAN", "kafka-broker", "subjectAltName", FAIL_REFUSED,
	    no_san },
	{ "OCSP with SAN", "ocsp-responder", "subjectAltName", FAIL_REFUSED,
	    keep_san },
	{ "801 SANs", "generic", "limit 800", FAIL_REFUSED, many_sans },
	{ "empty subject", "generic", "subject", FAIL_REFUSED, empty_subject },
	{ "CA empty subject", "intermediate", "subject", FAIL_REFUSED,
	    empty_subject },
	{ "subject not DER", "generic", "subject", FAIL_BAD_INPUT,
	    malformed_subject },
	{ "line end in CN", "generic", "control character", FAIL_REFUSED,
	    control_in_cn },
	{ "C1 control in CN", "kafka-client", "control character", FAIL_REFUSED,
	    c1_in_cn },
	{ "bell as BMPString", "generic", "control character", FAIL_REFUSED,
	    bell_in_bmp_cn },
	{ "client no CN", "kafka-client", "kafka-client", FAIL_REFUSED, no_cn },
	{ "underscore", "generic", "dNSName", FAIL_BAD_INPUT, dns_underscore },
	{ "trailing dot", "generic", "dNSName", FAIL_BAD_INPUT, dns_dot },
	{ "IP as name", "generic", "dNSName", FAIL_BAD_INPUT, dns_ip },
	{ "inner *", "generic", "dNSName", FAIL_BAD_INPUT, dns_wild_inner },
	{ "partial *", "generic", "dNSName", FAIL_BAD_INPUT, dns_wild_part },
	{ "* of a TLD", "generic", "dNSName", FAIL_BAD_INPUT, dns_wild_tld },
	{ "bare *", "generic", "dNSName", FAIL_BAD_INPUT, dns_bare_wild },
	{ "NUL", "generic", "dNSName", FAIL_BAD_INPUT, dns_nul },
	{ "empty", "generic", "dNSName", FAIL_BAD_INPUT, dns_empty },
	{ "IP of 5", "generic", "iPAddress", FAIL_BAD_INPUT, ip_five },
	{ "no @", "generic", "rfc822Name", FAIL_BAD_INPUT, email_bare },
	{ "no mail", "generic", "rfc822Name", FAIL_BAD_INPUT, email_empty },
	{ "relative", "generic", "uniformResource", FAIL_BAD_INPUT,
	    uri_relative },
	{ "space", "generic", "uniformResource", FAIL_BAD_INPUT, uri_space },
	{ "empty DN", "generic", "directoryName", FAIL_BAD_INPUT, dn_empty },
	{ "DNS as other", "generic", "other", FAIL_BAD_INPUT, other_dns_tag },
	{ "cut other", "generic", "other", FAIL_BAD_INPUT, other_cut },
};

static void
test_refusals(void **state)
{
	static struct general_name many[801];
	auto_buf struct buf subject = sample_name("CN=x,O=Acme,C=DE");

	(void)state;
	for (size_t i = 0; i < countof(many); i++)
		many[i] =
		    (struct general_name){ GN_DNS, bytes_str("a.example") };
	for (size_t i = 0; i < countof(bad_requests); i++) {
		const struct bad_request *b = &bad_requests[i];
		const struct profile *p = profile_builtin(b->profile);
		auto_tbs_template struct tbs_template *t = NULL;
		auto_buf struct buf tbs = { 0 };
		struct tbs_request r = { .serial = bytes_of("\x01", 1),
			.subject = buf_bytes(&subject),
			.not_before_s = SAMPLE_NOW_S,
			.not_after_s = SAMPLE_NOW_S + 60,
			.key = &sample_key("ec-p256")->spki,
			.san = many,
			.san_count = p->ca ? 0 : 1 };
		struct error e;

		t = tbs_template_new(p, &issuer.tbs, &e);
		assert_non_null(t);
		b->change(&r);
		if (tbs_write(t, &r, &tbs, &e))
			fail_msg("%s: accepted", b->name);
		if (e.why != b->why || strstr(e.msg, b->says) == NULL)
			fail_msg("%s: %s: %s", b->name, fail_name(e.why),
			    e.msg);
		assert_int_equal(tbs.n, 0);
	}
}

static void
test_good_names(void **state)
{
	static const struct general_name good[] = {
		{ GN_DNS, { (const uint8_t *)"localhost", 9 } },
		{ GN_DNS, { (const uint8_t *)"*.kafka.example", 15 } },
		{ GN_DNS, { (const uint8_t *)"xn--bcher-kva.example", 21 } },
		{ GN_IP, { (const uint8_t *)"0123456789abcdef", 16 } },
		{ GN_EMAIL, { (const uint8_t *)"a+b@example.org", 15 } },
		{ GN_URI, { (const uint8_t *)"spiffe://td/ns/a", 16 } },
		{ GN_URI, { (const uint8_t *)"urn:x:y", 7 } },
		{ GN_OTHER, { (const uint8_t *)"\x88\x02\x2a\x03", 4 } },
	};
	auto_tbs_template struct tbs_template *t = NULL;
	auto_buf struct buf tbs = { 0 }, der = { 0 };
	auto_buf struct buf subject = sample_name("CN=x");
	struct tbs_request r = { .serial = bytes_of("\x01", 1),
		.subject = buf_bytes(&subject),
		.not_before_s = SAMPLE_NOW_S,
		.not_after_s = SAMPLE_NOW_S + 60,
		.key = &sample_key("ec-p256")->spki,
		.san = good,
		.san_count = countof(good) };
	struct error e;

	(void)state;
	t = tbs_template_new(profile_builtin("generic"), &issuer.tbs, &e);
	assert_non_null(t);
	if (!tbs_write(t, &r, &tbs, &e))
		fail_msg("%s", e.msg);
	sample_certificate(buf_bytes(&tbs), issuer.key, &der);
	assert_openssl_agrees(buf_bytes(&der), issuer.key->pkey);
}

static void
test_cn_in_san(void **state)
{
	static const struct {
		const char *subject;
		bool ok;
	} cases[] = {
		{ "CN=a.example", true },
		{ "CN=A.Example", true },
		{ "O=Acme", true },
		{ "CN=b.example", false },
		{ "CN=a.example,CN=b.example", false },
	};
	const struct general_name san = { GN_DNS, bytes_str("a.example") };
	struct profile p = *profile_builtin("generic");

	(void)state;
	p.cn_in_san = true;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_tbs_template struct tbs_template *t = NULL;
		auto_buf struct buf tbs = { 0 };
		auto_buf struct buf subject = sample_name(cases[i].subject);
		struct tbs_request r = { .serial = bytes_of("\x01", 1),
			.subject = buf_bytes(&subject),
			.not_before_s = SAMPLE_NOW_S,
			.not_after_s = SAMPLE_NOW_S + 60,
			.key = &sample_key("ec-p256")->spki,
			.san = &san,
			.san_count = 1 };
		struct error e;

		t = tbs_template_new(&p, &issuer.tbs, &e);
		assert_non_null(t);
		if (tbs_write(t, &r, &tbs, &e) != cases[i].ok)
			fail_msg("%s", cases[i].subject);
	}
}

static void
test_ed25519_key_usage(void **state)
{
	struct profile p = *profile_builtin("generic");
	auto_tbs_template struct tbs_template *t = NULL;
	auto_buf struct buf tbs = { 0 };
	auto_buf struct buf subject = sample_name("CN=x");
	struct tbs_request r = { .serial = bytes_of("\x01", 1),
		.subject = buf_bytes(&subject),
		.not_before_s = SAMPLE_NOW_S,
		.not_after_s = SAMPLE_NOW_S + 60,
		.key = &sample_key("ed25519")->spki };
	struct error e;

	(void)state;
	p.key_usage_ec = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT;
	t = tbs_template_new(&p, &issuer.tbs, &e);
	assert_non_null(t);
	assert_false(tbs_write(t, &r, &tbs, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	r.key = &sample_key("ec-p256")->spki;
	assert_true(tbs_write(t, &r, &tbs, &e));
}

/* Self-signed: the subject's own name and key, or not at all. */
static void
test_self_signed_mismatch(void **state)
{
	const struct sample_key *key = sample_key("ec-p256");
	auto_buf struct buf name = sample_name("CN=Root");
	auto_buf struct buf other = sample_name("CN=Other");
	struct tbs_issuer self = self_issuer(key, &name);
	auto_tbs_template struct tbs_template *t = NULL;
	auto_buf struct buf tbs = { 0 };
	struct tbs_request r = { .serial = bytes_of("\x01", 1),
		.subject = buf_bytes(&other),
		.not_before_s = SAMPLE_NOW_S,
		.not_after_s = SAMPLE_NOW_S + 3000 * SAMPLE_DAY,
		.key = &key->spki };
	struct error e;

	(void)state;
	t = tbs_template_new(profile_builtin("root"), &self, &e);
	assert_non_null(t);
	assert_false(tbs_write(t, &r, &tbs, &e));
	r.subject = buf_bytes(&name);
	r.key = &sample_key("ec-p384")->spki;
	assert_false(tbs_write(t, &r, &tbs, &e));
	r.key = &key->spki;
	assert_true(tbs_write(t, &r, &tbs, &e));
}

/* Fields of a profile that contradict each other or do not parse. */
#define CHANGE(fn, statement)                                                  \
	static void fn(struct profile *p)                                      \
	{                                                                      \
		statement;                                                     \
	}

CHANGE(p_leaf_path_len, p->path_len = 0)
CHANGE(p_leaf_cert_sign, p->key_usage_ec |= KU_CERT_SIGN)
CHANGE(p_unknown_bits, p->key_usage_rsa |= 1u << 9)
CHANGE(p_ca_without_sign, p->ca = true)
CHANGE(p_ca_path_len, p->ca = true; p->key_usage_rsa = KU_CERT_SIGN;
       p->key_usage_ec = KU_CERT_SIGN; p->path_len = 256)
CHANGE(p_ca_staple, p->ca = true; p->key_usage_rsa = KU_CERT_SIGN;
       p->key_usage_ec = KU_CERT_SIGN; p->must_staple = true)
CHANGE(p_life, p->life_s = p->life_max_s + 1)
CHANGE(p_life_zero, p->life_s = 0)
CHANGE(p_backdate, p->backdate_s = -1)
CHANGE(p_san, p->san_required = true; p->san_allowed = false)
CHANGE(p_cn_in_san, p->cn_in_san = true; p->san_allowed = false)
CHANGE(p_eku, p->eku[0] = "tlsServer")
CHANGE(p_policy, p->policy_oid[0] = "3.1")
CHANGE(p_policy_arc, p->policy_oid[0] = "1.40")
CHANGE(p_policy_dots, p->policy_oid[0] = "1.2..3")
CHANGE(p_policy_one, p->policy_oid[0] = "1")
CHANGE(p_crl_https, p->crl_url[0] = "https://x/a.crl")
CHANGE(p_crl_space, p->crl_url[0] = "http://x/a b")
CHANGE(p_ca_partition, p->ca_url[0] = "http://x/{partition}")
CHANGE(p_ocsp_empty, p->ocsp_url[0] = "http://")
CHANGE(p_leaf_constraint, p->permitted_dns[0] = "example")
CHANGE(p_house, p->house_rules[0] = "rfc5280-aia")

static void
as_ca(struct profile *p)
{
	p->ca = true;
	p->key_usage_rsa = p->key_usage_ec = KU_CERT_SIGN;
}

CHANGE(p_dns, as_ca(p); p->permitted_dns[0] = "*.example")
CHANGE(p_dns_excluded, as_ca(p); p->excluded_dns[0] = "")
CHANGE(p_cidr, as_ca(p); p->permitted_ip[0] = "10.0.0.1/8")
CHANGE(p_cidr_bits, as_ca(p); p->permitted_ip[0] = "10.0.0.0/33")
CHANGE(p_cidr_slash, as_ca(p); p->excluded_ip[0] = "10.0.0.0")
CHANGE(p_cidr_text, as_ca(p); p->excluded_ip[0] = "ten/8")
CHANGE(p_dn, as_ca(p); p->permitted_dn[0] = "nonsense")

static const struct {
	const char *field;
	void (*change)(struct profile *p);
} bad_profiles[] = {
	{ "path_len", p_leaf_path_len },
	{ "key_usage", p_leaf_cert_sign },
	{ "key_usage", p_unknown_bits },
	{ "key_usage", p_ca_without_sign },
	{ "path_len", p_ca_path_len },
	{ "ca", p_ca_staple },
	{ "life", p_life },
	{ "life", p_life_zero },
	{ "backdate", p_backdate },
	{ "san_required", p_san },
	{ "cn_in_san", p_cn_in_san },
	{ "eku[0]", p_eku },
	{ "policy_oid[0]", p_policy },
	{ "policy_oid[0]", p_policy_arc },
	{ "policy_oid[0]", p_policy_dots },
	{ "policy_oid[0]", p_policy_one },
	{ "crl_url[0]", p_crl_https },
	{ "crl_url[0]", p_crl_space },
	{ "ca_url[0]", p_ca_partition },
	{ "ocsp_url[0]", p_ocsp_empty },
	{ "permitted_dns", p_leaf_constraint },
	{ "house_rules[0]", p_house },
	{ "permitted_dns[0]", p_dns },
	{ "excluded_dns[0]", p_dns_excluded },
	{ "permitted_ip[0]", p_cidr },
	{ "permitted_ip[0]", p_cidr_bits },
	{ "excluded_ip[0]", p_cidr_slash },
	{ "excluded_ip[0]", p_cidr_text },
	{ "permitted_dn[0]", p_dn },
};

static void
test_profile_check(void **state)
{
	struct error e;

	(void)state;
	for (size_t i = 0; i < profiles_count; i++)
		if (!profile_check(&profiles[i], &e))
			fail_msg("%s", e.msg);
	for (size_t i = 0; i < countof(bad_profiles); i++) {
		struct profile p = *profile_builtin("generic");

		bad_profiles[i].change(&p);
		if (profile_check(&p, &e))
			fail_msg("%s %zu: accepted", bad_profiles[i].field, i);
		if (strstr(e.msg, bad_profiles[i].field) == NULL)
			fail_msg("%s: %s", bad_profiles[i].field, e.msg);
		assert_null(tbs_template_new(&p, &issuer.tbs, &e));
	}
	assert_null(profile_builtin("kafka"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profiles_by_key_type),
		cmocka_unit_test(test_root_by_key_type),
		cmocka_unit_test(test_signature_algorithms),
		cmocka_unit_test(test_all_extensions),
		cmocka_unit_test(test_staple_and_nocheck),
		cmocka_unit_test(test_time_boundaries),
		cmocka_unit_test(test_san_critical_iff_subject_empty),
		cmocka_unit_test(test_template_reuse),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_good_names),
		cmocka_unit_test(test_cn_in_san),
		cmocka_unit_test(test_ed25519_key_usage),
		cmocka_unit_test(test_self_signed_mismatch),
		cmocka_unit_test(test_profile_check),
	};

	return cmocka_run_group_tests_name("tbs", tests, setup, teardown);
}
