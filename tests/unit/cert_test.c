/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates and extensions: what the strict parser refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/limits.h>
#include <chancery/pki/der.h>

#include "pki_sample.h"

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

static void
leaf(struct buf *tbs, struct buf *der)
{
	sample_tbs_good(profile_builtin("kafka-broker"), &issuer.tbs,
	    sample_key("ec-p256"), tbs);
	sample_certificate(buf_bytes(tbs), issuer.key, der);
}

static void
test_view(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 };
	auto_buf struct buf subject = sample_name("CN=sample-1,O=Acme,C=DE");
	auto_cert struct cert c = { 0 };
	struct error e;
	struct bytes id;
	bool other;

	(void)state;
	leaf(&tbs, &der);
	assert_true(cert_parse(buf_bytes(&der), "leaf", &c, &e));
	assert_true(bytes_eq(c.tbs.der, buf_bytes(&tbs)));
	assert_int_equal(c.tbs.version, 3);
	assert_int_equal(c.tbs.serial.n, 16);
	assert_true(c.tbs.alg_known);
	assert_int_equal(c.tbs.alg, SIG_ECDSA_SHA256);
	assert_true(bytes_eq(c.tbs.issuer, issuer.tbs.name));
	assert_true(bytes_eq(c.tbs.subject, buf_bytes(&subject)));
	assert_true(c.tbs.key_ok);
	assert_int_equal(c.tbs.key.type.alg, KEY_EC_P256);
	assert_false(c.tbs.is_ca);
	assert_int_equal(c.tbs.path_len, -1);
	assert_int_equal(c.tbs.key_usage, KU_DIGITAL_SIGNATURE);
	assert_false(c.tbs.has_unique_id);
	assert_true(ext_aki(exts_find(&c.tbs.exts, EXT_AKI), &id, &other, &e));
	assert_true(bytes_eq(id, bytes_of(issuer.key->id, 20)));
	assert_false(other);
	assert_ptr_equal(exts_find_oid(&c.tbs.exts, "2.5.29.17"),
	    exts_find(&c.tbs.exts, EXT_SAN));
	assert_null(exts_find_oid(&c.tbs.exts, "2.5.29.54"));
	assert_null(exts_find(&c.tbs.exts, EXT_CRL_DP));
}

static void
test_san_count_beyond_array(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 };
	auto_cert struct cert c = { 0 };
	struct general_name san[2];
	struct error e;
	size_t n;

	(void)state;
	leaf(&tbs, &der);
	assert_true(cert_parse(buf_bytes(&der), "leaf", &c, &e));
	assert_true(ext_san(exts_find(&c.tbs.exts, EXT_SAN), san, 2, &n, &e));
	assert_int_equal(n, 3);
	assert_true(bytes_eq(san[1].value, bytes_str("kafka.example")));
}

static void
test_ca_view(void **state)
{
	auto_buf struct buf tbs = { 0 };
	struct tbs_view v;
	struct error e;

	(void)state;
	sample_tbs_good(profile_builtin("intermediate"), &issuer.tbs,
	    sample_key("ec-p384"), &tbs);
	assert_true(tbs_parse(buf_bytes(&tbs), &v, &e));
	assert_true(v.is_ca);
	assert_int_equal(v.path_len, 0);
	assert_int_equal(v.key_usage, KU_CERT_SIGN | KU_CRL_SIGN);
}

/* Cut anywhere, one octet more, or any length octet changed: refused. */
static void
test_cut_everywhere(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 };
	auto_cert struct cert c = { 0 };
	struct tbs_view v;
	struct error e;

	(void)state;
	leaf(&tbs, &der);
	for (size_t n = 0; n < tbs.n; n++)
		assert_false(tbs_parse(bytes_of(tbs.p, n), &v, &e));
	for (size_t n = 0; n < der.n; n++)
		assert_false(cert_parse(bytes_of(der.p, n), "x", &c, &e));
	buf_add_byte(&tbs, 0);
	assert_false(tbs_parse(buf_bytes(&tbs), &v, &e));
	buf_add_byte(&der, 0);
	assert_false(cert_parse(buf_bytes(&der), "x", &c, &e));
}

static void
test_too_large(void **state)
{
	auto_mem uint8_t *big = mem_calloc(LIMIT_CERT_BYTES + 16, 1);
	auto_cert struct cert c = { 0 };
	struct tbs_view v;
	struct error e;

	(void)state;
	big[0] = DER_SEQUENCE;
	big[1] = 0x82;
	assert_false(tbs_parse(bytes_of(big, LIMIT_TBS_BYTES + 1), &v, &e));
	assert_non_null(strstr(e.msg, "limit"));
	assert_false(
	    cert_parse(bytes_of(big, LIMIT_CERT_BYTES + 1), "x", &c, &e));
	assert_non_null(strstr(e.msg, "limit"));
}

/* Whole TBS fields in hex, in order; NULL keeps the good one. */
enum {
	VERSION,
	SERIAL,
	ALG,
	ISSUER,
	VALIDITY,
	SUBJECT,
	KEY,
	EXTS,
	FIELDS
};
static const struct {
	const char *name;
	int field;
	const char *hex, *says;
} bad_fields[] = {
	{ "v1 written out", VERSION, "a003 020100", "version" },
	{ "version 4", VERSION, "a003 020103", "version" },
	{ "version twice", VERSION, "a006 020102 020102", "version" },
	{ "v2 with extensions", VERSION, "a003 020101", "version" },
	{ "no version, but extensions", VERSION, "", "version" },
	{ "serial padded", SERIAL, "0202 0001", "serialNumber" },
	{ "serial empty", SERIAL, "0200", "serialNumber" },
	{ "serial absent", SERIAL, "", "serialNumber" },
	{ "algorithm a SET", ALG, "3100", "signature" },
	{ "issuer a SET", ISSUER, "3100", "issuer" },
	{ "RDN a SEQUENCE", ISSUER, "300d 300b 3009 0603550406 1302 4445",
	    "issuer" },
	{ "RDN empty", SUBJECT, "3002 3100", "subject" },
	{ "subject cut", SUBJECT, "300d 310b 3009 0603550406 1302 44", NULL },
	{ "one time", VALIDITY, "300f 170d3236313132323030303030305a",
	    "validity" },
	{ "three times", VALIDITY,
	    "302d 170d3236313132323030303030305a"
	    "170d3236313132323030303030305a170d3236313132323030303030305a",
	    "validity" },
	{ "time with offset", VALIDITY,
	    "3022 17113236313132323030303030302b30303030"
	    "170d3236313132323030303030305a",
	    "validity" },
	{ "time without seconds", VALIDITY,
	    "301c 170b323631313232303030305a"
	    "170d3236313132323030303030305a",
	    "validity" },
	{ "key a SET", KEY, "3100", "subjectPublicKeyInfo" },
	{ "extensions empty", EXTS, "a302 3000", "at least one" },
	{ "extensions behind others", EXTS, "a400", "extensions" },
	{ "critical FALSE", EXTS, "a30f 300d 300b 06022a03 010100 0402 0500",
	    "critical FALSE" },
	{ "critical 1", EXTS, "a30f 300d 300b 06022a03 010101 0402 0500",
	    "malformed Extension" },
	{ "value not OCTET STRING", EXTS, "a30a 3008 3006 06022a03 0500",
	    "malformed Extension" },
	{ "extension with more", EXTS, "a30e 300c 300a 06022a03 0402 0500 0500",
	    "malformed Extension" },
	{ "OID empty", EXTS, "a30a 3008 3006 0600 0402 0500",
	    "malformed Extension" },
	{ "twice", EXTS,
	    "a318 3016 3009 06022a03 0403 020100 3009 06022a03 0403 020100",
	    "twice" },
	{ "bytes after extensions", EXTS,
	    "a30c 300a 3008 06022a03 0402 0500 0500", "after the last" },
	{ "two lists", EXTS,
	    "a316 300a 3008 06022a03 0402 0500 3008 06022a03 0402 0500",
	    "at least one" },
	{ "cA FALSE written out", EXTS,
	    "a310 300e 300c 0603551d13 0405 3003 010100", "cA FALSE" },
	{ "cA 1", EXTS, "a310 300e 300c 0603551d13 0405 3003 010101",
	    "basicConstraints" },
	{ "path length negative", EXTS,
	    "a310 300e 300c 0603551d13 0405 3003 0201ff", "basicConstraints" },
	{ "path length 256", EXTS,
	    "a311 300f 300d 0603551d13 0406 3004 02020100",
	    "basicConstraints" },
	{ "basic constraints with more", EXTS,
	    "a312 3010 300e 0603551d13 0407 3005 0101ff 0500",
	    "basicConstraints" },
	{ "key usage without bits", EXTS,
	    "a30e 300c 300a 0603551d0f 0403 030100", "keyUsage" },
	{ "key usage not minimal", EXTS,
	    "a30f 300d 300b 0603551d0f 0404 03020080", "minimal" },
	{ "key usage unused bits set", EXTS,
	    "a30f 300d 300b 0603551d0f 0404 03020781", "minimal" },
	{ "key usage bit 9", EXTS, "a310 300e 300c 0603551d0f 0405 0303068040",
	    "decipherOnly" },
};

static void
join(const struct bytes f[FIELDS], struct buf *out)
{
	auto_der_writer struct der_writer w = { 0 };

	for (size_t i = FIELDS; i-- > 0;)
		der_w_raw(&w, f[i]);
	der_w_wrap(&w, DER_SEQUENCE, 0);
	buf_add_bytes(out, der_w_bytes(&w));
}

static void
test_bad_fields(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 };
	struct bytes field[FIELDS], keep;
	struct tbs_view v;
	struct der_reader r;
	struct error e;
	uint8_t tag;

	(void)state;
	leaf(&tbs, &der);
	der_r_init(&r, buf_bytes(&tbs));
	der_r_init(&r, der_r_get(&r, DER_SEQUENCE));
	for (size_t i = 0; i < FIELDS; i++)
		field[i] = der_r_any(&r, &tag);
	assert_true(der_r_done(&r));
	for (size_t i = 0; i < countof(bad_fields); i++) {
		auto_buf struct buf bad = sample_hex(bad_fields[i].hex);
		auto_buf struct buf all = { 0 };

		keep = field[bad_fields[i].field];
		field[bad_fields[i].field] = buf_bytes(&bad);
		join(field, &all);
		field[bad_fields[i].field] = keep;
		if (tbs_parse(buf_bytes(&all), &v, &e))
			fail_msg("%s: accepted", bad_fields[i].name);
		if (bad_fields[i].says != NULL &&
		    strstr(e.msg, bad_fields[i].says) == NULL)
			fail_msg("%s: %s", bad_fields[i].name, e.msg);
	}
}

/* v1 without extensions, as kafka-generate-ssl makes them, is readable. */
static void
test_version_1(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 }, all = { 0 };
	struct sample_tbs s;
	struct tbs_view v;
	struct error e;

	(void)state;
	leaf(&tbs, &der);
	assert_true(tbs_parse(buf_bytes(&tbs), &v, &e));
	sample_tbs_split(&v, &s);
	s.version = 1;
	s.n = 0;
	sample_tbs_join(&s, &all);
	assert_true(tbs_parse(buf_bytes(&all), &v, &e));
	assert_int_equal(v.version, 1);
	assert_int_equal(v.exts.n, 0);
	assert_int_equal(v.key_usage, 0);
	assert_int_equal(v.path_len, -1);
}

static void
test_unknown_key(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 }, all = { 0 };
	auto_buf struct buf key = sample_hex("300b 3004 06022a03 030300 0102");
	struct sample_tbs s;
	struct tbs_view v;
	struct error e;

	(void)state;
	leaf(&tbs, &der);
	assert_true(tbs_parse(buf_bytes(&tbs), &v, &e));
	sample_tbs_split(&v, &s);
	s.spki = buf_bytes(&key);
	sample_tbs_join(&s, &all);
	assert_true(tbs_parse(buf_bytes(&all), &v, &e));
	assert_false(v.key_ok);
	assert_true(bytes_eq(v.spki_der, buf_bytes(&key)));
}

static void
test_outer(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 }, bad = { 0 }, sig = { 0 };
	auto_cert struct cert c = { 0 };
	struct error e;

	(void)state;
	leaf(&tbs, &der);
	sample_sign(issuer.key, issuer.key->alg, buf_bytes(&tbs), &sig);
	/* The outer algorithm is not the inner. */
	cert_assemble(buf_bytes(&tbs), SIG_ECDSA_SHA384, buf_bytes(&sig), &bad);
	assert_false(cert_parse(buf_bytes(&bad), "f.pem", &c, &e));
	assert_non_null(strstr(e.msg, "signatureAlgorithm"));
	assert_non_null(strstr(e.msg, "f.pem"));
	/* Unused bits in the signature. */
	buf_reset(&bad);
	cert_assemble(buf_bytes(&tbs), issuer.key->alg, buf_bytes(&sig), &bad);
	assert_int_equal(bad.p[bad.n - sig.n - 1], 0);
	bad.p[bad.n - sig.n - 1] = 1;
	assert_false(cert_parse(buf_bytes(&bad), "f.pem", &c, &e));
	assert_null(c.der.p);
}

static void
test_verify(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 };
	auto_cert struct cert c = { 0 };
	struct error e;

	(void)state;
	leaf(&tbs, &der);
	assert_true(cert_parse(buf_bytes(&der), "x", &c, &e));
	assert_true(cert_verify_signature(&c, &issuer.key->spki, &e));
	assert_false(
	    cert_verify_signature(&c, &sample_key("ec-p256")->spki, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
}

static void
test_verify_unknown_algorithm(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 }, all = { 0 };
	auto_buf struct buf alg = sample_hex("3009 06072a8648ce3d0401");
	auto_der_writer struct der_writer w = { 0 };
	auto_cert struct cert c = { 0 };
	struct sample_tbs s;
	struct tbs_view v;
	struct error e;

	(void)state;
	leaf(&tbs, &der);
	assert_true(tbs_parse(buf_bytes(&tbs), &v, &e));
	sample_tbs_split(&v, &s);
	s.alg_der = buf_bytes(&alg);
	sample_tbs_join(&s, &all);
	der_w_bit_string(&w, bytes_of("sig", 3));
	der_w_raw(&w, buf_bytes(&alg));
	der_w_raw(&w, buf_bytes(&all));
	der_w_wrap(&w, DER_SEQUENCE, 0);
	assert_true(cert_parse(der_w_bytes(&w), "x", &c, &e));
	assert_false(c.tbs.alg_known);
	assert_false(cert_verify_signature(&c, &issuer.key->spki, &e));
	assert_int_equal(e.why, FAIL_UNSUPPORTED);
}

static void
test_bundle(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 }, pem = { 0 };
	auto_cert struct cert one = { 0 };
	struct cert *list = NULL;
	struct error e;
	size_t n = 0;

	(void)state;
	leaf(&tbs, &der);
	for (int i = 0; i < 3; i++) {
		buf_add_str(&pem, "subject=something\n");
		pem_encode("CERTIFICATE", buf_bytes(&der), &pem);
	}
	assert_true(cert_parse(buf_bytes(&pem), "b.pem", &one, &e));
	assert_true(bytes_eq(buf_bytes(&one.der), buf_bytes(&der)));
	assert_true(cert_parse_bundle(buf_bytes(&pem), "b.pem", &list, &n, &e));
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_true(bytes_eq(list[i].tbs.der, buf_bytes(&tbs)));
		cert_free(&list[i]);
	}
	mem_free(list);
}

static void
test_bundle_refused(void **state)
{
	auto_buf struct buf tbs = { 0 }, der = { 0 }, pem = { 0 };
	struct cert *list = NULL;
	auto_cert struct cert one = { 0 };
	struct error e;
	size_t n = 99;

	(void)state;
	assert_false(
	    cert_parse_bundle(bytes_str("nothing\n"), "b.pem", &list, &n, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(cert_parse(bytes_str("nothing\n"), "b.pem", &one, &e));
	leaf(&tbs, &der);
	pem_encode("CERTIFICATE", buf_bytes(&der), &pem);
	pem_encode("CERTIFICATE", bytes_of("\x30\x00", 2), &pem);
	assert_false(
	    cert_parse_bundle(buf_bytes(&pem), "b.pem", &list, &n, &e));
	assert_non_null(strstr(e.msg, "certificate 2"));
	assert_null(list);
	assert_int_equal(n, 99);
}

/* Extension values that do not decode, beyond those of lint_test.c. */
static const struct {
	enum ext_kind kind;
	const char *hex;
	bool ok;
} values[] = {
	{ EXT_EKU, "3004 06022a03", true },
	{ EXT_EKU, "3003 020101", false },
	{ EXT_EKU, "3002 0600", false },
	{ EXT_EKU, "3004 06022a83", false },
	{ EXT_SAN, "3005 8203 612e62", true },
	{ EXT_SAN, "3002 8200", false },
	{ EXT_SAN, "3003 020101", false },
	{ EXT_SAN, "3006 8704 01020304 00", false },
	{ EXT_SKI, "0400", false },
	{ EXT_SKI, "0401 01 00", false },
	{ EXT_AKI, "3000", true },
	{ EXT_AKI, "3003 800101", true },
	{ EXT_AKI, "3006 820101 800101", false },
	{ EXT_CRL_DP, "3000", false },
	{ EXT_CRL_DP, "3002 3000", false },
	{ EXT_CRL_DP, "3006 3004 a002 a000", false },
	{ EXT_CRL_DP, "3006 3004 a002 a100", true },
	{ EXT_CRL_DP, "3006 3004 a002 a200", false },
	{ EXT_AIA, "3000", false },
	{ EXT_AIA, "300a 3008 06022a03 8602 613a", true },
	{ EXT_POLICIES, "3008 3006 06022a03 3000", true },
	{ EXT_POLICIES, "3008 3006 06022a03 0500", false },
	{ EXT_NAME_CONSTRAINTS, "3002 a000", false },
	{ EXT_NAME_CONSTRAINTS, "3008 a106 3004 8202 2e61", true },
	{ EXT_NAME_CONSTRAINTS, "300b a009 3007 8202 2e61 800101", false },
	{ EXT_NAME_CONSTRAINTS, "300a a008 3006 8704 0a000000", false },
	{ EXT_OCSP_NOCHECK, "0500", true },
	{ EXT_OCSP_NOCHECK, "0500 0500", false },
	{ EXT_TLS_FEATURE, "3003 020105", true },
	{ EXT_TLS_FEATURE, "3003 0201ff", false },
	{ EXT_OTHER, "ff", true },
};

static void
test_extension_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(values); i++) {
		auto_buf struct buf v = sample_hex(values[i].hex);
		struct ext x = { .kind = values[i].kind,
			.value = buf_bytes(&v) };
		struct error e;

		if (ext_check(&x, &e) != values[i].ok)
			fail_msg("%s %s", ext_kind_name(values[i].kind),
			    values[i].hex);
		if (!values[i].ok &&
		    strstr(e.msg, ext_kind_name(values[i].kind)) == NULL)
			fail_msg("%s: %s", values[i].hex, e.msg);
	}
}

static void
test_general_names(void **state)
{
	auto_buf struct buf v = sample_hex("3017 8101 61 8201 62 a402 3000"
					   "8601 63 8704 7f000001 8802 2a03");
	struct ext x = { .kind = EXT_SAN, .value = buf_bytes(&v) };
	static const enum general_name_kind want[] = { GN_EMAIL, GN_DNS,
		GN_DIRNAME, GN_URI, GN_IP, GN_OTHER };
	struct general_name got[countof(want)];
	struct error e;
	size_t n;

	(void)state;
	assert_true(ext_san(&x, got, countof(got), &n, &e));
	assert_int_equal(n, countof(want));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i].kind, want[i]);
	/* A directory name is the whole Name, another the whole element. */
	assert_true(bytes_eq(got[2].value, bytes_of("\x30\x00", 2)));
	assert_true(bytes_eq(got[5].value, bytes_of("\x88\x02\x2a\x03", 4)));
}

static void
test_eku_names(void **state)
{
	(void)state;
	assert_string_equal(eku_oid_by_name("clientAuth"), "1.3.6.1.5.5.7.3.2");
	assert_string_equal(eku_name_by_oid("2.5.29.37.0"),
	    "anyExtendedKeyUsage");
	assert_null(eku_oid_by_name("ClientAuth"));
	assert_null(eku_name_by_oid("1.2.3"));
}

static void
test_too_many_extensions(void **state)
{
	auto_der_writer struct der_writer w = { 0 };
	struct exts x;
	struct error e;

	(void)state;
	for (unsigned i = 0; i <= EXTS_MAX; i++) {
		size_t mark = der_w_mark(&w);
		uint8_t oid[] = { 0x2a, (uint8_t)i };

		der_w_tlv(&w, DER_OCTET_STRING, bytes_of("\x05\x00", 2));
		der_w_tlv(&w, DER_OID, bytes_of(oid, sizeof(oid)));
		der_w_wrap(&w, DER_SEQUENCE, mark);
	}
	der_w_wrap(&w, DER_SEQUENCE, 0);
	assert_false(exts_parse(der_w_bytes(&w), &x, &e));
	assert_non_null(strstr(e.msg, "more than 32"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_san_count_beyond_array),
		cmocka_unit_test(test_ca_view),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_unknown_key),
		cmocka_unit_test(test_outer),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_verify_unknown_algorithm),
		cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_bundle_refused),
		cmocka_unit_test(test_extension_values),
		cmocka_unit_test(test_general_names),
		cmocka_unit_test(test_eku_names),
		cmocka_unit_test(test_too_many_extensions),
	};

	return cmocka_run_group_tests_name("cert", tests, setup, teardown);
}
