/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates of the PKI engine: subject, life, extensions, requests, keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/pki/lint.h>
#include <chancery/server/pki_cert.h>

#include "pki_sample.h"
#include "pki_util.h"

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

/* ---- subject ---- */

static void
test_subject(void **state)
{
	static const struct {
		const char *role, *cn, *serial, *want;
	} rows[] = {
		{ "", "a.example", "", "CN=a.example" },
		{ "country=DE organization=Acme ou=Kafka locality=Bonn "
		  "province=NRW street_address=Weg postal_code=53111",
		    "a", "7",
		    "serialNumber=7,CN=a,OU=Kafka,O=Acme,postalCode=53111,"
		    "STREET=Weg,L=Bonn,ST=NRW,C=DE" },
		{ "ou=b,a,a", "x", "", "CN=x,OU=a+OU=b" },
		{ "organization=M\xc3\xbcller", "x", "",
		    "CN=x,O=M\xc3\xbcller" },
		{ "", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct pki_role *r = util_role(rows[i].role);
		struct pki_names n = { .common_name = rows[i].cn,
			.serial_number = rows[i].serial };
		auto_buf struct buf der = { 0 }, text = { 0 };
		struct pki_subject s;
		struct error e;

		pki_subject_of_role(r, &n, &s);
		if (!pki_subject_encode(&s, &der, &e) ||
		    !name_format(buf_bytes(&der), &text, &e))
			fail_msg("%s: %s", rows[i].role, e.msg);
		assert_string_equal(buf_cstr(&text), rows[i].want);
		pki_role_free(r);
	}
}

/* Go writes a PrintableString wherever one can hold the value. */
static void
test_string_types(void **state)
{
	static const struct {
		const char *cn;
		uint8_t tag;
	} rows[] = { { "a.example", 0x13 }, { "a_b", 0x0c }, { "a*b", 0x0c },
		{ "a@b", 0x0c }, { "\xc3\xbc", 0x0c }, { "a 'b'", 0x13 } };

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct pki_subject s = { .common_name = rows[i].cn };
		auto_buf struct buf der = { 0 };
		struct error e;

		assert_true(pki_subject_encode(&s, &der, &e));
		assert_int_equal(der.p[11], rows[i].tag);
	}
}

static void
test_subject_refused(void **state)
{
	struct pki_subject s = { .common_name = "a\xff" };
	auto_buf struct buf der = { 0 };
	struct error e;

	(void)state;
	assert_false(pki_subject_encode(&s, &der, &e));
	assert_non_null(strstr(e.msg, "not UTF-8"));
}

/* ---- validity ---- */

#define NOW SAMPLE_NOW_S
#define H 3600
static const struct {
	const char *what, *role;
	int64_t ttl;
	const char *not_after, *not_before;
	int64_t issuer_to; /* from now; 0: self-signed */
	enum pki_beyond beyond;
	bool ca;
	int64_t from, to; /* from now; to 0: refused */
	const char *text; /* of the error or of the warning; NULL: none */
} lives[] = {
	{ "mount's default", "", 0, "", "", 9000 * H, 0, false, -30, 768 * H,
	    NULL },
	{ "role's ttl", "ttl=7200", 0, "", "", 9000 * H, 0, false, -30, 2 * H,
	    NULL },
	{ "asked", "ttl=7200", H, "", "", 9000 * H, 0, false, -30, H, NULL },
	{ "capped by the role", "max_ttl=3600", 2 * H, "", "", 9000 * H, 0,
	    false, -30, H,
	    "TTL \"2h0m0s\" is longer than permitted maxTTL \"1h0m0s\", so "
	    "maxTTL is being used" },
	{ "capped by the mount", "", 1000 * H, "", "", 9000 * H, 0, false, -30,
	    800 * H, "TTL \"1000h0m0s\" is longer" },
	{ "a role's own cap counts alone", "max_ttl=3600000", 900 * H, "", "",
	    9000 * H, 0, false, -30, 900 * H, NULL },
	{ "capped without having asked: silently", "max_ttl=60", 0, "", "",
	    9000 * H, 0, false, -30, 60, NULL },
	{ "beyond the issuer", "", 2 * H, "", "", H, PKI_BEYOND_ERR, false, 0,
	    0, "cannot satisfy request, as TTL would result in notAfter of" },
	{ "truncated", "", 2 * H, "", "", H, PKI_BEYOND_TRUNCATE, false, -30, H,
	    NULL },
	{ "permitted", "", 2 * H, "", "", H, PKI_BEYOND_PERMIT, false, -30,
	    2 * H, NULL },
	{ "a CA is cut", "", 2 * H, "", "", H, PKI_BEYOND_ERR, true, -30, H,
	    "is after that of the issuer" },
	{ "a CA as asked", "", 2 * H, "", "", H, PKI_BEYOND_PERMIT, true, -30,
	    2 * H, "after its issuer" },
	{ "a CA refused", "", 2 * H, "", "", H, PKI_BEYOND_ALWAYS_ERR, true, 0,
	    0, "cannot satisfy request" },
	{ "self-signed", "", 2 * H, "", "", 0, 0, true, -30, 2 * H, NULL },
	{ "not_after", "max_ttl=36000", 0, "2026-11-22T02:00:00Z", "", 9000 * H,
	    0, false, -30, 2 * H, NULL },
	{ "not_after with an offset", "", 0, "2026-11-22T02:00:00+01:00", "",
	    9000 * H, 0, false, -30, H, NULL },
	{ "not_after capped (D10)", "max_ttl=3600", 0, "2026-11-22T02:00:00Z",
	    "", 9000 * H, 0, false, -30, H, "not_after is later than max_ttl" },
	{ "not_after permitted", "max_ttl=3600 not_after_bound=permit", 0,
	    "2026-11-22T02:00:00Z", "", 9000 * H, 0, false, -30, 2 * H, NULL },
	{ "not_after forbidden", "not_after_bound=forbid", 0,
	    "2026-11-22T02:00:00Z", "", 9000 * H, 0, false, 0, 0,
	    "not_after is not allowed" },
	{ "not_after bounded", "not_after_bound=2026-11-22T01:00:00Z", 0,
	    "2026-11-22T02:00:00Z", "", 9000 * H, 0, false, 0, 0,
	    "later than this role allows" },
	{ "a CA's not_after is not capped", "", 0, "2036-11-22T00:00:00Z", "",
	    0, 0, true, -30, INT64_C(315619200), NULL },
	{ "ttl and not_after", "", 60, "2026-11-22T02:00:00Z", "", 9000 * H, 0,
	    false, 0, 0, "Both should not be provided" },
	{ "ttl and the role's not_after", "not_after=2026-11-22T02:00:00Z", 60,
	    "", "", 9000 * H, 0, false, 0, 0, "Both should not be provided" },
	{ "the role's not_after", "not_after=2026-11-22T02:00:00Z", 0, "", "",
	    9000 * H, 0, false, -30, 2 * H, NULL },
	{ "no time", "", 0, "tomorrow", "", 9000 * H, 0, false, 0, 0,
	    "not a time" },
	{ "in the past", "", 0, "2026-11-21T23:59:59Z", "", 9000 * H, 0, false,
	    0, 0, "lies in the past" },
	{ "backdated", "not_before_duration=300", H, "", "", 9000 * H, 0, false,
	    -300, H, NULL },
	{ "not before the issuer", "not_before_duration=7200000", H, "", "",
	    9000 * H, 0, false, -1000 * H, H, NULL },
	{ "not_before", "", H, "", "2026-11-21T23:00:00Z", 9000 * H, 0, false,
	    -H, H, NULL },
	{ "not_before forbidden", "not_before_bound=forbid", H, "",
	    "2026-11-21T23:00:00Z", 9000 * H, 0, false, 0, 0,
	    "not_before is not allowed" },
	{ "not_before bounded", "not_before_bound=duration", H, "",
	    "2026-11-21T23:00:00Z", 9000 * H, 0, false, 0, 0,
	    "earlier than this role allows" },
	{ "no time to begin", "", H, "", "x", 9000 * H, 0, false, 0, 0,
	    "not_before: \"x\"" },
};

static void
check_life(size_t i)
{
	struct pki_role *r = util_role(lives[i].role);
	struct pki_validity_in in = { .role = r,
		.now_s = NOW,
		.ttl_s = lives[i].ttl,
		.not_after = lives[i].not_after,
		.not_before = lives[i].not_before,
		.mount_default_s = 768 * H,
		.mount_max_s = 800 * H,
		.beyond = lives[i].beyond,
		.ca = lives[i].ca };
	struct pki_validity v;
	struct error e;
	bool ok;

	if (lives[i].issuer_to != 0) {
		in.issuer_from_s = NOW - 1000 * H;
		in.issuer_to_s = NOW + lives[i].issuer_to;
	}
	ok = pki_validity(&in, &v, &e);
	if (ok != (lives[i].to != 0))
		fail_msg("%s: %s", lives[i].what, e.msg);
	if (!ok && strstr(e.msg, lives[i].text) == NULL)
		fail_msg("%s: %s", lives[i].what, e.msg);
	if (ok &&
	    (v.from_s - NOW != lives[i].from || v.to_s - NOW != lives[i].to))
		fail_msg("%s: %jd %jd", lives[i].what,
		    (intmax_t)(v.from_s - NOW), (intmax_t)(v.to_s - NOW));
	if (ok && (v.warnings.n > 0) != (lives[i].text != NULL))
		fail_msg("%s: %zu warnings", lives[i].what, v.warnings.n);
	if (ok && v.warnings.n > 0 &&
	    strstr(v.warnings.v[0], lives[i].text) == NULL)
		fail_msg("%s: %s", lives[i].what, v.warnings.v[0]);
	pki_texts_free(&v.warnings);
	pki_role_free(r);
}

static void
test_validity(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(lives); i++)
		check_life(i);
}

/* ---- extensions ---- */

static struct pki_texts
texts(const char *list)
{
	json_t *l = util_list(list);
	struct pki_texts t = { 0 };

	pki_texts_set(&t, l);
	json_decref(l);
	return t;
}

static struct pki_issuer_part
issuer_part(void)
{
	struct pki_issuer_part p = { .name = buf_bytes(&issuer.name),
		.spki = buf_bytes(&issuer.key->der),
		.alg = issuer.key->alg,
		.from_s = issuer.tbs.not_before_s,
		.to_s = issuer.tbs.not_after_s };

	memcpy(p.key_id, issuer.key->id, 20);
	return p;
}

static struct pki_cert_request
request(struct buf *name, const struct sample_key *key,
    const struct general_name *san, size_t n)
{
	static const uint8_t serial[20] = { 0x11, 0x22 };

	return (struct pki_cert_request){ .serial = bytes_of(serial, 20),
		.from_s = NOW - 30,
		.to_s = NOW + 3600,
		.subject = buf_bytes(name),
		.key = &key->spki,
		.san = san,
		.san_n = n,
		.now_s = NOW };
}

/* "2.5.29.15! 2.5.29.37 …": OIDs in order, '!' critical. */
static void
show_extensions(struct bytes tbs, struct buf *out)
{
	struct tbs_view v;
	struct error e;
	char oid[64];

	if (!tbs_parse(tbs, &v, &e))
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < v.exts.n; i++) {
		assert_true(der_oid_text(v.exts.v[i].oid, oid, sizeof(oid)));
		buf_addf(out, "%s%s%s", i > 0 ? " " : "", oid,
		    v.exts.v[i].critical ? "!" : "");
	}
}

static void
assert_openssl_reads(struct bytes tbs)
{
	auto_buf struct buf der = { 0 };
	const uint8_t *p;
	X509 *x;

	sample_certificate(tbs, issuer.key, &der);
	p = der.p;
	x = d2i_X509(NULL, &p, (long)der.n);
	assert_non_null(x);
	assert_int_equal(X509_verify(x, issuer.key->pkey), 1);
	X509_free(x);
}

static const struct general_name dns[] = {
	{ GN_DNS, { (const uint8_t *)"a.example", 9 } },
	{ GN_URI, { (const uint8_t *)"urn:x", 5 } },
};

#define ALL_LEAF                                                               \
	"2.5.29.15! 2.5.29.37 2.5.29.19! 2.5.29.14 2.5.29.35 "                 \
	"1.3.6.1.5.5.7.1.1 2.5.29.17 2.5.29.32 2.5.29.31"

static void
test_order(void **state)
{
	static const char *const eku[] = { "1.3.6.1.5.5.7.3.1", "1.2.3" };
	struct pki_texts ocsp = texts("http://o"),
			 crl = texts("http://a,https://b"),
			 policies = texts("1.2.3");
	struct pki_issuer_part part = issuer_part();
	struct pki_extensions x = { .path_len = -1,
		.basic_constraints = true,
		.key_usage = KU_DIGITAL_SIGNATURE,
		.eku = eku,
		.eku_n = 2,
		.policies = &policies,
		.ocsp = &ocsp,
		.ca_urls = &crl,
		.crl_urls = &crl };
	auto_buf struct buf name = sample_name("CN=a.example"), tbs = { 0 },
			    shown = { 0 }, empty = sample_name("");
	struct pki_cert_request r =
	    request(&name, sample_key("ec-p256"), dns, 2);
	struct error e;
	auto_pki_template struct pki_template *t =
	    pki_template_new(&part, &x, &e);

	(void)state;
	assert_non_null(t);
	if (!pki_template_write(t, &r, &tbs, &e))
		fail_msg("%s", e.msg);
	show_extensions(buf_bytes(&tbs), &shown);
	assert_string_equal(buf_cstr(&shown), ALL_LEAF);
	assert_openssl_reads(buf_bytes(&tbs));
	/* SAN critical if and only if the subject is empty. */
	r.subject = buf_bytes(&empty);
	buf_reset(&tbs);
	buf_reset(&shown);
	assert_true(pki_template_write(t, &r, &tbs, &e));
	show_extensions(buf_bytes(&tbs), &shown);
	assert_non_null(strstr(buf_cstr(&shown), "2.5.29.17!"));
	pki_texts_free(&ocsp);
	pki_texts_free(&crl);
	pki_texts_free(&policies);
}

static void
test_ca(void **state)
{
	static const struct general_name permitted[] = {
		{ GN_DNS, { (const uint8_t *)"example", 7 } },
		{ GN_EMAIL, { (const uint8_t *)"example", 7 } },
	};
	struct pki_issuer_part part = issuer_part();
	struct pki_extensions x = { .ca = true,
		.path_len = 0,
		.key_usage = KU_CERT_SIGN | KU_CRL_SIGN,
		.permitted = permitted,
		.permitted_n = 2 };
	auto_buf struct buf name = sample_name("CN=Sub"), tbs = { 0 },
			    shown = { 0 };
	struct pki_cert_request r =
	    request(&name, sample_key("rsa-2048"), NULL, 0);
	struct tbs_view v;
	struct error e;
	auto_pki_template struct pki_template *t =
	    pki_template_new(&part, &x, &e);

	(void)state;
	if (!pki_template_write(t, &r, &tbs, &e))
		fail_msg("%s", e.msg);
	show_extensions(buf_bytes(&tbs), &shown);
	assert_string_equal(buf_cstr(&shown),
	    "2.5.29.15! 2.5.29.19! 2.5.29.14 2.5.29.35 2.5.29.30!");
	assert_true(tbs_parse(buf_bytes(&tbs), &v, &e));
	assert_true(v.is_ca);
	assert_int_equal(v.path_len, 0);
	assert_openssl_reads(buf_bytes(&tbs));
}

/* What a request brings replaces ours, but not whether it is a CA, nor whose key signs. */
static void
test_copy(void **state)
{
	auto_buf struct buf bc = sample_hex("30030101ff"),
			    ku = sample_hex("03020780"),
			    own = sample_hex("0c0178"),
			    aki =
				sample_hex("30168014"
					   "0000000000000000000000000000000000"
					   "000000"),
			    o_bc = sample_hex("551d13"),
			    o_ku = sample_hex("551d0f"),
			    o_own = sample_hex("2a0304"),
			    o_aki = sample_hex("551d23");
	struct exts copy = { .n = 4,
		.v = { { EXT_BASIC_CONSTRAINTS, true, buf_bytes(&o_bc),
			   buf_bytes(&bc) },
		    { EXT_KEY_USAGE, true, buf_bytes(&o_ku), buf_bytes(&ku) },
		    { EXT_OTHER, false, buf_bytes(&o_own), buf_bytes(&own) },
		    { EXT_AKI, false, buf_bytes(&o_aki), buf_bytes(&aki) } } };
	struct pki_issuer_part part = issuer_part();
	struct pki_extensions x = { .path_len = -1,
		.key_usage = KU_KEY_AGREEMENT };
	auto_buf struct buf name = sample_name("CN=a"), tbs = { 0 },
			    shown = { 0 };
	struct pki_cert_request r =
	    request(&name, sample_key("ec-p256"), NULL, 0);
	struct tbs_view v;
	struct error e;

	(void)state;
	for (int ca = 0; ca <= 1; ca++) {
		auto_pki_template struct pki_template *t = NULL;

		x.ca = ca;
		t = pki_template_new(&part, &x, &e);
		r.copy = &copy;
		buf_reset(&tbs);
		buf_reset(&shown);
		if (!pki_template_write(t, &r, &tbs, &e))
			fail_msg("%s", e.msg);
		show_extensions(buf_bytes(&tbs), &shown);
		assert_string_equal(buf_cstr(&shown),
		    ca ? "2.5.29.19! 2.5.29.14 2.5.29.35 2.5.29.15! 1.2.3.4"
		       : "2.5.29.14 2.5.29.35 2.5.29.15! 1.2.3.4");
		assert_true(tbs_parse(buf_bytes(&tbs), &v, &e));
		assert_int_equal(v.is_ca, ca);
		assert_int_equal(v.key_usage,
		    ca ? KU_DIGITAL_SIGNATURE | KU_CERT_SIGN | KU_CRL_SIGN
		       : KU_DIGITAL_SIGNATURE);
	}
}

static void
test_self_signed(void **state)
{
	const struct sample_key *key = sample_key("ec-p256");
	auto_buf struct buf name = sample_name("CN=Root"), tbs = { 0 };
	struct pki_issuer_part part = { .name = buf_bytes(&name),
		.spki = buf_bytes(&key->der),
		.alg = key->alg };
	struct pki_extensions x = { .ca = true,
		.path_len = -1,
		.key_usage = KU_CERT_SIGN | KU_CRL_SIGN };
	struct pki_cert_request r = request(&name, key, NULL, 0);
	struct error e;
	auto_pki_template struct pki_template *t = NULL;

	(void)state;
	memcpy(part.key_id, key->id, 20);
	t = pki_template_new(&part, &x, &e);
	if (!pki_template_write(t, &r, &tbs, &e))
		fail_msg("%s", e.msg);
}

/* Structure rules of lint stop what is wrong, whoever asked. */
static void
test_refused(void **state)
{
	struct pki_issuer_part part = issuer_part();
	struct pki_extensions x = { .path_len = -1 };
	auto_buf struct buf name = sample_name("CN=a"), tbs = { 0 },
			    control = sample_name("CN=a\\0Ab");
	struct pki_cert_request good = request(&name, sample_key("ec-p256"),
				    dns, 1),
				r;
	struct error e;
	auto_pki_template struct pki_template *t =
	    pki_template_new(&part, &x, &e);

	(void)state;
	r = good;
	r.key = &issuer.key->spki;
	assert_false(pki_template_write(t, &r, &tbs, &e));
	assert_non_null(strstr(e.msg, "structure-subject-key"));
	r = good;
	r.to_s = issuer.tbs.not_after_s + 1;
	assert_false(pki_template_write(t, &r, &tbs, &e));
	assert_non_null(strstr(e.msg, "structure-validity-nested"));
	r.beyond = true;
	assert_true(pki_template_write(t, &r, &tbs, &e));
	r = good;
	r.subject = buf_bytes(&control);
	assert_false(pki_template_write(t, &r, &tbs, &e));
	assert_non_null(strstr(e.msg, "control character"));
	r = good;
	r.to_s = r.from_s;
	assert_false(pki_template_write(t, &r, &tbs, &e));
	assert_non_null(strstr(e.msg, "validity"));
}

/* ---- requests ---- */

static void
test_csr_read(void **state)
{
	static const struct {
		const char *file, *role, *text; /* NULL: fine */
	} rows[] = {
		{ "openssl-p256.pem", "key_type=ec", NULL },
		{ "openssl-p384.pem", "key_type=ec", NULL },
		{ "openssl-rsa2048.pem", "key_type=any", NULL },
		{ "openssl-ed25519.pem", "key_type=ed25519", NULL },
		{ "openssl-p256.pem", "key_type=ec key_bits=384",
		    "role requires a minimum of a 384-bit key, but CSR's key "
		    "is 256 bits" },
		{ "openssl-p256.pem", "", "role requires keys of type rsa" },
		{ "openssl-rsa2048.pem", "key_type=ec",
		    "role requires keys of type ec" },
		{ "openssl-rsa2048.pem", "key_bits=4096",
		    "minimum of a 4096-bit key" },
		{ "openssl-rsa1024.pem", "key_type=any", "1024 bits" },
		{ "keytool-broker-dsa.pem", "key_type=any",
		    "certificate request could not be parsed" },
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		auto_mem char *path =
		    mem_printf(TEST_DATA_DIR "/csr/%s", rows[i].file);
		struct pki_role *r = util_role(rows[i].role);
		auto_buf struct buf pem = { 0 };
		auto_csr struct csr c = { 0 };
		struct error e = { 0 };
		bool ok;

		assert_true(file_read(path, 65536, &pem, &e));
		ok = pki_csr_read(buf_cstr(&pem), &c, &e) &&
		    pki_csr_fits(&c, r, &e);
		if (ok != (rows[i].text == NULL) ||
		    (!ok && strstr(e.msg, rows[i].text) == NULL))
			fail_msg("%s: %s", rows[i].file, e.msg);
		pki_role_free(r);
	}
}

static void
test_csr_texts(void **state)
{
	static const struct {
		const char *pem, *text;
	} rows[] = {
		{ "", "\"csr\" is empty" },
		{ "hello", "csr contains no data" },
		{ "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
		  "-----END CERTIFICATE REQUEST-----\n",
		    "certificate request could not be parsed: " },
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct error e;
		struct csr c;

		assert_false(pki_csr_read(rows[i].pem, &c, &e));
		assert_int_equal(strncmp(e.msg, rows[i].text,
				     strlen(rows[i].text)),
		    0);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
}

/* What we write, our own strict reader takes. */
static void
test_csr_info(void **state)
{
	const struct sample_key *key = sample_key("ec-p256");
	auto_buf struct buf name = sample_name("CN=Sub,O=Acme");

	(void)state;
	for (int full = 0; full <= 1; full++) {
		struct pki_csr_info in = { .subject = buf_bytes(&name),
			.spki = buf_bytes(&key->der),
			.san = full ? dns : NULL,
			.san_n = full ? 2 : 0,
			.basic_constraints = full,
			.key_usage = full ? KU_CERT_SIGN : 0 };
		auto_buf struct buf info = { 0 }, der = { 0 }, sig = { 0 };
		auto_csr struct csr c = { 0 };
		struct error e;

		pki_csr_info_write(&in, &info);
		sample_sign(key, key->alg, buf_bytes(&info), &sig);
		cert_assemble(buf_bytes(&info), key->alg, buf_bytes(&sig),
		    &der);
		if (!csr_parse(buf_bytes(&der), "made", &c, &e) ||
		    !csr_verify(&c, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(c.exts.n, full ? 3 : 0);
	}
}

/* ---- keys ---- */

static void
check_key(const char *type, int64_t bits, const char *traditional)
{
	struct key_type t;
	struct error e;
	EVP_PKEY *k, *again;
	json_t *v;
	BIO *in;
	auto_buf struct buf spki = { 0 };
	struct spki parsed;

	assert_true(pki_key_type(type, bits, &t, &e));
	k = pki_leafkey_make(t, &e);
	if (k == NULL || !pki_leafkey_spki(k, &spki, &e) ||
	    !spki_parse(buf_bytes(&spki), &parsed, &e))
		fail_msg("%s: %s", type, e.msg);
	assert_string_equal(pki_key_type_word(parsed.type), type);
	for (int form = 0; form < 2; form++) {
		v = pki_leafkey_json(k, (enum pki_key_form)form, false, &e);
		assert_non_null(v);
		assert_non_null(strstr(json_string_value(v),
		    form == PKI_KEY_PKCS8 ? "-----BEGIN PRIVATE KEY-----"
					  : traditional));
		assert_int_equal(json_string_value(
				     v)[json_string_length(v) - 1],
		    '-');
		in = BIO_new_mem_buf(json_string_value(v), -1);
		again = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
		assert_int_equal(EVP_PKEY_eq(k, again), 1);
		EVP_PKEY_free(again);
		BIO_free(in);
		json_decref(v);
		v = pki_leafkey_json(k, (enum pki_key_form)form, true, &e);
		assert_null(strpbrk(json_string_value(v), "-\n"));
		json_decref(v);
	}
	EVP_PKEY_free(k);
}

static void
test_keys(void **state)
{
	(void)state;
	check_key("rsa", 2048, "-----BEGIN RSA PRIVATE KEY-----");
	check_key("ec", 0, "-----BEGIN EC PRIVATE KEY-----");
	check_key("ec", 384, "-----BEGIN EC PRIVATE KEY-----");
	check_key("ec", 521, "-----BEGIN EC PRIVATE KEY-----");
	check_key("ed25519", 0, "-----BEGIN PRIVATE KEY-----");
}

static void
test_sig_alg(void **state)
{
	static const struct key_type rsa = { KEY_RSA, 2048 },
				     p384 = { KEY_EC_P384, 0 };

	(void)state;
	assert_int_equal(pki_sig_alg(rsa, 0, false), SIG_RSA_SHA256);
	assert_int_equal(pki_sig_alg(rsa, 512, false), SIG_RSA_SHA512);
	assert_int_equal(pki_sig_alg(rsa, 384, true), SIG_PSS_SHA384);
	assert_int_equal(pki_sig_alg(p384, 256, true), SIG_ECDSA_SHA384);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_string_types),
		cmocka_unit_test(test_subject_refused),
		cmocka_unit_test(test_validity),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_ca),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_csr_read),
		cmocka_unit_test(test_csr_texts),
		cmocka_unit_test(test_csr_info),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_sig_alg),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
