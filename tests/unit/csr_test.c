/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

#define B(s) bytes_of((s), sizeof(s) - 1)

static void
read_data(const char *name, struct buf *out)
{
	auto_mem char *path = path_join(TEST_DATA_DIR "/csr", name);
	struct error e;

	if (!file_read(path, 1 << 20, out, &e))
		fail_msg("%s", e.msg);
}

static void
parse_data(const char *name, struct csr *out)
{
	auto_buf struct buf in = { 0 };
	struct error e;

	read_data(name, &in);
	if (!csr_parse(buf_bytes(&in), name, out, &e))
		fail_msg("%s", e.msg);
}

/* Requests of real programs: what is in them, and that they prove possession. */
static void
test_real(void **state)
{
	static const struct {
		const char *file, *key, *sig, *subject;
		size_t exts;
		bool challenge;
	} cases[] = {
		{ "openbao-int-rsa2048.pem", "rsa-2048", "rsa-sha256",
		    "CN=Acme Kafka Intermediate CA", 0, false },
		{ "openbao-int-p256.pem", "ec-p256", "ecdsa-sha256",
		    "CN=Acme Kafka Intermediate CA", 0, false },
		{ "openbao-int-p384.pem", "ec-p384", "ecdsa-sha384",
		    "CN=Acme Kafka Intermediate CA", 0, false },
		{ "openbao-int-ed25519.pem", "ed25519", "ed25519",
		    "CN=Acme Kafka Intermediate CA", 0, false },
		{ "openbao-int-full-name.pem", "rsa-2048", "rsa-sha256",
		    "CN=Acme Kafka Intermediate CA,OU=Kafka,O=Acme Corp,"
		    "L=San Jose,ST=CA,C=US",
		    0, false },
		{ "openbao-int-basic-constraints.pem", "rsa-2048", "rsa-sha256",
		    "CN=Acme Kafka Intermediate CA", 1, false },
		{ "keytool-broker-rsa2048.pem", "rsa-2048", "rsa-sha256", "", 1,
		    false },
		{ "keytool-broker-p256.pem", "ec-p256", "ecdsa-sha256", "", 1,
		    false },
		{ "keytool-localhost-default.pem", "rsa-2048", "rsa-sha256",
		    "CN=localhost,OU=Unknown,O=Unknown,L=Unknown,ST=Unknown,"
		    "C=Unknown",
		    1, false },
		{ "keytool-statefulset-san.pem", "rsa-2048", "rsa-sha256", "",
		    2, false },
		{ "keytool-statefulset-lost-san.pem", "rsa-2048", "rsa-sha256",
		    "", 1, false },
		{ "openssl-rsa2048.pem", "rsa-2048", "rsa-sha256",
		    "CN=broker-1.example.test,O=주식회사 예제,ST=Seoul,C=KR", 0,
		    false },
		{ "openssl-rsa2048-pss.pem", "rsa-2048", "rsa-pss-sha256", "",
		    0, false },
		{ "openssl-p256.pem", "ec-p256", "ecdsa-sha256", "", 0, false },
		{ "openssl-p384.pem", "ec-p384", "ecdsa-sha384", "", 0, false },
		{ "openssl-p384-sha256.pem", "ec-p384", "ecdsa-sha256", "", 0,
		    false },
		{ "openssl-p521.pem", "ec-p521", "ecdsa-sha512", "", 0, false },
		{ "openssl-ed25519.pem", "ed25519", "ed25519", "", 0, false },
		{ "openssl-challenge-san-text.pem", "ec-p256", "ecdsa-sha256",
		    "", 1, true },
		{ "openssl-multivalued.pem", "ec-p256", "ecdsa-sha256",
		    "CN=app+UID=7,O=Acme", 0, false },
		{ "openssl-p256.der", "ec-p256", "ecdsa-sha256", "", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_csr struct csr c = { 0 };
		auto_buf struct buf subject = { 0 };
		struct error e;

		print_message("%s\n", cases[i].file);
		parse_data(cases[i].file, &c);
		assert_string_equal(key_type_name(c.key.type), cases[i].key);
		assert_string_equal(sig_alg_info(c.alg)->name, cases[i].sig);
		assert_true(name_format(c.subject, &subject, &e));
		if (cases[i].subject[0] != '\0')
			assert_string_equal(buf_cstr(&subject),
			    cases[i].subject);
		assert_int_equal(c.exts.n, cases[i].exts);
		assert_int_equal(c.has_challenge, cases[i].challenge);
		if (!csr_verify(&c, &e))
			fail_msg("%s", e.msg);
		if (!spki_check_strong(&c.key, &e))
			fail_msg("%s", e.msg);
	}
}

static void
test_refused_files(void **state)
{
	static const struct {
		const char *file;
		enum fail why;
		const char *msg;
	} cases[] = {
		{ "keytool-broker-dsa.pem", FAIL_UNSUPPORTED,
		    "keytool-broker-dsa.pem: subjectPublicKeyInfo: algorithm: "
		    "DSA keys are not accepted" },
		{ "openssl-secp256k1.pem", FAIL_UNSUPPORTED,
		    "openssl-secp256k1.pem: subjectPublicKeyInfo: algorithm: "
		    "EC parameters are not one of the named curves P-256, "
		    "P-384, P-521" },
		{ "openssl-p256-explicit.pem", FAIL_UNSUPPORTED,
		    "openssl-p256-explicit.pem: subjectPublicKeyInfo: "
		    "algorithm: EC parameters are not one of the named curves "
		    "P-256, P-384, P-521" },
		{ "openssl-rsa1024.pem", FAIL_REFUSED,
		    "openssl-rsa1024.pem: subjectPublicKeyInfo: RSA modulus: "
		    "1024 bits, 2048 to 8192 are accepted" },
		{ "openssl-rsa2048-sha1.pem", FAIL_UNSUPPORTED,
		    "openssl-rsa2048-sha1.pem: signatureAlgorithm: not one "
		    "that is accepted" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf in = { 0 };
		struct csr c = { .has_challenge = true };
		struct error e;

		read_data(cases[i].file, &in);
		assert_false(csr_parse(buf_bytes(&in), cases[i].file, &c, &e));
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(e.why, cases[i].why);
		/* Outputs are written on success only. */
		assert_true(c.has_challenge && c.der.p == NULL);
	}
}

static void
assert_refused(struct bytes in, enum fail why, const char *msg)
{
	struct csr c = { 0 };
	struct error e;

	assert_false(csr_parse(in, "in", &c, &e));
	assert_string_equal(e.msg, msg);
	assert_int_equal(e.why, why);
}

static void
test_pem_frame(void **state)
{
	auto_buf struct buf pem = { 0 }, two = { 0 }, big = { 0 };
	struct csr c = { 0 };
	struct error e;

	(void)state;
	read_data("openssl-p256.pem", &pem);
	buf_add_str(&two, "0 text before\r\n");
	buf_add_bytes(&two, buf_bytes(&pem));
	buf_add_str(&two, "text after\n-----BEGIN CERTIFICATE-----\nx\n");
	assert_true(csr_parse(buf_bytes(&two), "in", &c, &e));
	csr_free(&c);
	buf_add_bytes(&two, buf_bytes(&pem));
	assert_refused(buf_bytes(&two), FAIL_BAD_INPUT,
	    "in: more than one PEM block \"CERTIFICATE REQUEST\"");
	assert_refused(B(""), FAIL_BAD_INPUT,
	    "in: neither DER nor a PEM block \"CERTIFICATE REQUEST\"");
	assert_refused(B("garbage\xff\x00"), FAIL_BAD_INPUT,
	    "in: neither DER nor a PEM block \"CERTIFICATE REQUEST\"");
	while (big.n <= LIMIT_CSR_BYTES)
		buf_add_bytes(&big, buf_bytes(&pem));
	assert_false(csr_parse(buf_bytes(&big), "in", &c, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_non_null(strstr(e.msg, "limit 65536"));
}

/* A request from parts, so that one of them can be wrong. */
struct parts {
	struct bytes version, subject, key, attrs, alg, sig, tail;
};

static void
assemble(const struct parts *p, struct der_writer *w)
{
	size_t info;

	der_w_init(w, 1024);
	der_w_raw(w, p->sig);
	der_w_raw(w, p->alg);
	info = der_w_mark(w);
	der_w_raw(w, p->tail);
	der_w_raw(w, p->attrs);
	der_w_raw(w, p->key);
	der_w_raw(w, p->subject);
	der_w_raw(w, p->version);
	der_w_wrap(w, DER_SEQUENCE, info);
	der_w_wrap(w, DER_SEQUENCE, 0);
}

#define EXT_REQ "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define CHALLENGE "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07"
/* Extensions with keyUsage digitalSignature. */
#define EXTS "\x30\x0d\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x80"

static const uint8_t key_p256[] =
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48"
    "\xce\x3d\x03\x01\x07\x03\x42\x00\x04\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8"
    "\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39"
    "\x45\xd8\x98\xc2\x96\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c"
    "\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51"
    "\xf5";

#define RDN                                                                    \
	"\x31\x19\x30\x17\x06\x03\x55\x04\x03\x0c\x10"                         \
	"abcdefghijklmnop"

static const struct parts good = {
	{ (const uint8_t *)"\x02\x01\x00", 3 },
	{ (const uint8_t *)"\x30\x1b" RDN, 29 },
	{ key_p256, sizeof(key_p256) - 1 },
	{ (const uint8_t *)"\xa0\x00", 2 },
	{ (const uint8_t *)"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
	    12 },
	{ (const uint8_t *)"\x03\x09\x00\x30\x06\x02\x01\x01\x02\x01\x01", 11 },
	{ NULL, 0 },
};

static void
test_parts(void **state)
{
	auto_csr struct csr c = { 0 };
	auto_der_writer struct der_writer w, no_attrs;
	struct parts p = good;
	struct error e;

	(void)state;
	assemble(&p, &w);
	if (!csr_parse(der_w_bytes(&w), "in", &c, &e))
		fail_msg("%s", e.msg);
	assert_false(csr_verify(&c, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
	assert_string_equal(e.msg,
	    "proof of possession: signature: does not verify");
	csr_free(&c);
	p.attrs = bytes_of(NULL, 0);
	assemble(&p, &no_attrs);
	assert_true(csr_parse(der_w_bytes(&no_attrs), "in", &c, &e));
}

static void
assert_part_refused(const struct parts *p, enum fail why, const char *msg)
{
	auto_der_writer struct der_writer w;
	struct csr c = { 0 };
	struct error e;

	assemble(p, &w);
	if (csr_parse(der_w_bytes(&w), "in", &c, &e))
		fail_msg("accepted, not: %s", msg);
	if (strstr(e.msg, msg) == NULL || e.why != why)
		fail_msg("\"%s\" (%s), not \"%s\"", e.msg, fail_name(e.why),
		    msg);
}

#define PART(field, bytes_, why_, msg_)                                        \
	do {                                                                   \
		struct parts p_ = good;                                        \
		p_.field = B(bytes_);                                          \
		assert_part_refused(&p_, why_, msg_);                          \
	} while (0)

static void
test_bad_parts(void **state)
{
	(void)state;
	PART(version, "\x02\x01\x01", FAIL_BAD_INPUT, "version: not 0");
	PART(version, "\x02\x01\xff", FAIL_BAD_INPUT, "version: not 0");
	PART(version, "\x02\x02\x00\x00", FAIL_BAD_INPUT,
	    "not a CertificationRequest");
	PART(version, "", FAIL_BAD_INPUT, "not a CertificationRequest");
	PART(subject, "\x31\x1b" RDN, FAIL_BAD_INPUT,
	    "not a CertificationRequest");
	PART(subject, "\x30\x1d\x31\x00" RDN, FAIL_BAD_INPUT,
	    "subject: name: ");
	PART(subject,
	    "\x30\x28\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02x\0" RDN,
	    FAIL_BAD_INPUT, "subject: name: CN: ");
	PART(subject, "\x30\x80" RDN "\x00\x00", FAIL_BAD_INPUT,
	    "not DER at offset 8");
	PART(key,
	    "\x30\x62\x06\x60"
	    "0123456789abcdef"
	    "0123456789abcdef"
	    "0123456789abcdef"
	    "0123456789abcdef"
	    "0123456789abcdef"
	    "0123456789abcdef",
	    FAIL_BAD_INPUT, "subjectPublicKeyInfo: not a SubjectPublicKeyInfo");
	PART(key, "\x04\x00", FAIL_BAD_INPUT, "neither DER nor a PEM");
	PART(alg, "\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00",
	    FAIL_UNSUPPORTED, "signatureAlgorithm: ");
	PART(alg, "\x30\x00", FAIL_UNSUPPORTED, "signatureAlgorithm: ");
	PART(alg, "", FAIL_BAD_INPUT, "not a CertificationRequest");
	PART(sig, "\x03\x02\x01\x00", FAIL_BAD_INPUT,
	    "signature: not whole octets");
	PART(sig, "\x03\x02\x01\x01", FAIL_BAD_INPUT, "not in DER");
	PART(sig, "\x04\x01\x00", FAIL_BAD_INPUT, "not a CertificationRequest");
	PART(tail, "\x05\x00", FAIL_BAD_INPUT, "not a CertificationRequest");
}

static void
test_bad_attributes(void **state)
{
	(void)state;
	/* The challenge of two values, of none, of a number. */
	PART(attrs, "\xa0\x15\x30\x13" CHALLENGE "\x31\x06\x0c\x01x\x0c\x01y",
	    FAIL_BAD_INPUT, "challengePassword: not exactly one string");
	PART(attrs, "\xa0\x0f\x30\x0d" CHALLENGE "\x31\x00", FAIL_BAD_INPUT,
	    "not an Attribute");
	PART(attrs, "\xa0\x12\x30\x10" CHALLENGE "\x31\x03\x02\x01\x01",
	    FAIL_BAD_INPUT, "challengePassword: not exactly one string");
	/* extensionRequest: empty list, two values, twice, not Extensions. */
	PART(attrs, "\xa0\x11\x30\x0f" EXT_REQ "\x31\x02\x30\x00",
	    FAIL_BAD_INPUT, "extensionRequest: ");
	PART(attrs, "\xa0\x2d\x30\x2b" EXT_REQ "\x31\x1e" EXTS EXTS,
	    FAIL_BAD_INPUT, "extensionRequest: not exactly one value");
	PART(attrs,
	    "\xa0\x3c\x30\x1c" EXT_REQ "\x31\x0f" EXTS "\x30\x1c" EXT_REQ
	    "\x31\x0f" EXTS,
	    FAIL_BAD_INPUT, "attributes: extensionRequest stands twice");
	PART(attrs, "\xa0\x12\x30\x10" EXT_REQ "\x31\x03\x02\x01\x01",
	    FAIL_BAD_INPUT, "extensionRequest: ");
	/* Neither a SET OF attributes nor sorted. */
	PART(attrs, "\xa0\x02\x05\x00", FAIL_BAD_INPUT,
	    "not a CertificationRequest");
	PART(attrs, "\xa1\x00", FAIL_BAD_INPUT, "not a CertificationRequest");
	PART(attrs,
	    "\xa0\x12\x30\x07\x06\x01\x2b\x31\x02\x0c\x00"
	    "\x30\x07\x06\x01\x2a\x31\x02\x0c\x00",
	    FAIL_BAD_INPUT, "not in DER");
	/* An unknown attribute with an OID that no 64 bits hold. */
	PART(attrs,
	    "\xa0\x12\x30\x10\x06\x0a\x8f\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
	    "\x31\x02\x05\x00",
	    FAIL_BAD_INPUT, "not DER at offset");
}

static void
test_good_attributes(void **state)
{
	static const struct {
		struct bytes attrs;
		size_t exts;
		bool challenge;
	} cases[] = {
		{ { (const uint8_t *)"\xa0\x1e\x30\x1c" EXT_REQ "\x31\x0f" EXTS,
		      32 },
		    1, false },
		/* One that nobody knows, and the challenge. */
		{ { (const uint8_t *)"\xa0\x1b\x30\x07\x06\x01\x2a\x31\x02\x05"
				     "\x00\x30\x10" CHALLENGE
				     "\x31\x03\x13\x01x",
		      29 },
		    0, true },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_csr struct csr c = { 0 };
		auto_der_writer struct der_writer w;
		struct parts p = good;
		struct error e;

		p.attrs = cases[i].attrs;
		assemble(&p, &w);
		if (!csr_parse(der_w_bytes(&w), "in", &c, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(c.exts.n, cases[i].exts);
		assert_int_equal(c.has_challenge, cases[i].challenge);
	}
}

/* Every truncation and every byte behind: refused, in bounds (asan). */
static void
test_truncated(void **state)
{
	auto_buf struct buf in = { 0 };
	struct csr c = { 0 };
	struct error e;

	(void)state;
	read_data("openssl-p256.der", &in);
	for (size_t n = 0; n < in.n; n++) {
		auto_mem uint8_t *cut = mem_dup(in.p, n + 1);

		assert_false(csr_parse(bytes_of(cut, n), "in", &c, &e));
	}
	buf_add_byte(&in, 0);
	assert_refused(buf_bytes(&in), FAIL_BAD_INPUT,
	    "in: 1 bytes after the CertificationRequest");
}

/* A changed bit anywhere: refused, or the signature no longer verifies. */
static void
test_flipped(void **state)
{
	auto_buf struct buf in = { 0 };

	(void)state;
	read_data("openssl-ed25519.pem", &in);

	auto_csr struct csr orig = { 0 };
	struct error e;

	assert_true(csr_parse(buf_bytes(&in), "in", &orig, &e));
	for (size_t bit = 0; bit < orig.der.n * 8; bit += 3) {
		auto_csr struct csr c = { 0 };
		auto_mem uint8_t *p = mem_dup(orig.der.p, orig.der.n);

		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (csr_parse(bytes_of(p, orig.der.n), "in", &c, &e))
			assert_false(csr_verify(&c, &e));
	}
}

/* An Ed25519 key and no name: the shortest there is. Once taken for text. */
static void
test_shortest_info(void **state)
{
	static const uint8_t info[] = { 0x30, 0x31, 0x02, 0x01, 0x00, 0x30,
		0x00, 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
		0x03, 0x21, 0x00, 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a,
		0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
		0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a,
		0x68, 0xf7, 0x07, 0x51, 0x1a };
	struct bytes whole = bytes_of(info, sizeof(info));
	auto_csr struct csr c = { 0 }, none = { 0 };
	struct error e;

	(void)state;
	assert_true(csr_parse_info(whole, SIG_ED25519, &c, &e));
	assert_true(bytes_eq(c.info, whole));
	whole.n--;
	assert_false(csr_parse_info(whole, SIG_ED25519, &none, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_pem_frame),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_bad_parts),
		cmocka_unit_test(test_bad_attributes),
		cmocka_unit_test(test_good_attributes),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_shortest_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
