/* SPDX-License-Identifier: Apache-2.0 */

/* OCSP: requests that OpenSSL writes are read, answers that we write are read and verified by
 * OpenSSL, and every malformed shape is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/pki/ocsp.h>

#include "pki_sample.h"

/* Last: its macros have the names of our constants. */
#include <openssl/ocsp.h>

static struct sample_issuer issuer;
static X509 *ca, *leaf, *responder;
static struct buf ca_der, leaf_der, responder_der;

static X509 *
x509_of(const struct buf *der)
{
	const unsigned char *p = der->p;
	X509 *x = d2i_X509(NULL, &p, (long)der->n);

	assert_non_null(x);
	return x;
}

static X509 *
certificate(const char *profile, const struct tbs_issuer *by,
    const struct sample_key *key, const struct sample_key *signs,
    struct buf *der)
{
	auto_buf struct buf tbs = { 0 };

	sample_tbs_good(profile_builtin(profile), by, key, &tbs);
	sample_certificate(buf_bytes(&tbs), signs, der);
	return x509_of(der);
}

static int
setup(unused_arg void **state)
{
	const struct sample_key *key = sample_key("ec-p256");
	struct tbs_issuer self;

	sample_issuer_make(&issuer, "CN=OCSP CA,O=Acme", key);
	self = issuer.tbs;
	self.not_before_s = self.not_after_s = 0;
	ca = certificate("root", &self, key, key, &ca_der);
	leaf = certificate("kafka-broker", &issuer.tbs,
	    sample_other_key("ec-p256"), key, &leaf_der);
	responder = certificate("ocsp-responder", &issuer.tbs,
	    sample_other_key("ec-p256"), key, &responder_der);
	return 0;
}

static int
teardown(unused_arg void **state)
{
	X509_free(ca);
	X509_free(leaf);
	X509_free(responder);
	buf_free(&ca_der);
	buf_free(&leaf_der);
	buf_free(&responder_der);
	sample_issuer_free(&issuer);
	sample_keys_free();
	return 0;
}

/* ---- requests that OpenSSL makes ------------------------------------------------- */

static void
der_of(OCSP_REQUEST *q, struct buf *out)
{
	unsigned char *p = NULL;
	int n = i2d_OCSP_REQUEST(q, &p);

	assert_true(n > 0);
	buf_add(out, p, (size_t)n);
	OPENSSL_free(p);
}

static OCSP_REQUEST *
request_for(const EVP_MD *md, size_t n)
{
	OCSP_REQUEST *q = OCSP_REQUEST_new();

	for (size_t i = 0; i < n; i++)
		assert_non_null(
		    OCSP_request_add0_id(q, OCSP_cert_to_id(md, leaf, ca)));
	return q;
}

static void
test_hashes(unused_arg void **state)
{
	const struct {
		const EVP_MD *md;
		enum ocsp_hash hash;
	} rows[] = { { EVP_sha1(), OCSP_SHA1 }, { EVP_sha256(), OCSP_SHA256 },
		{ EVP_sha384(), OCSP_SHA384 }, { EVP_sha512(), OCSP_SHA512 } };
	struct bytes subject = buf_bytes(&issuer.name);

	for (size_t i = 0; i < countof(rows); i++) {
		OCSP_REQUEST *q = request_for(rows[i].md, 1);
		auto_buf struct buf der = { 0 };
		uint8_t own[DIGEST_MAX];
		struct ocsp_request r;
		struct error e;
		size_t n;

		der_of(q, &der);
		if (!ocsp_request_parse(buf_bytes(&der), &r, &e))
			fail_msg("%zu: %s", i, e.msg);
		assert_int_equal(r.n, 1);
		assert_true(r.id[0].hash_known);
		assert_true(ocsp_request_hashes_known(&r));
		assert_int_equal(r.id[0].hash, rows[i].hash);
		n = ocsp_hash_of(rows[i].hash, subject, own);
		assert_true(bytes_eq(r.id[0].name_hash, bytes_of(own, n)));
		n = ocsp_hash_of(rows[i].hash, issuer.key->spki.point, own);
		assert_true(bytes_eq(r.id[0].key_hash, bytes_of(own, n)));
		assert_int_equal(r.nonce.n, 0);
		assert_false(r.is_signed);
		OCSP_REQUEST_free(q);
	}
}

/* SHA-224: nobody's certificate is meant, and that is no malformed request. */
static void
test_unknown_hash(unused_arg void **state)
{
	OCSP_REQUEST *q = request_for(EVP_sha224(), 1);
	auto_buf struct buf der = { 0 };
	struct ocsp_request r;
	struct error e;

	der_of(q, &der);
	assert_true(ocsp_request_parse(buf_bytes(&der), &r, &e));
	assert_false(r.id[0].hash_known);
	assert_false(ocsp_request_hashes_known(&r));
	OCSP_REQUEST_free(q);
}

static void
test_many(unused_arg void **state)
{
	for (size_t n = 1; n <= LIMIT_OCSP_REQUESTS + 1; n++) {
		OCSP_REQUEST *q = request_for(EVP_sha1(), n);
		auto_buf struct buf der = { 0 };
		struct ocsp_request r;
		struct error e;
		bool ok;

		der_of(q, &der);
		ok = ocsp_request_parse(buf_bytes(&der), &r, &e);
		assert_int_equal(ok, n <= LIMIT_OCSP_REQUESTS);
		if (ok)
			assert_int_equal(r.n, n);
		OCSP_REQUEST_free(q);
	}
}

/* RFC 9654 2.1. */
static void
test_nonce(unused_arg void **state)
{
	static uint8_t nonce[LIMIT_OCSP_NONCE_BYTES + 1] = { 1, 2, 3 };
	static const int sizes[] = { 1, 16, 32, 128, 129 };

	for (size_t i = 0; i < countof(sizes); i++) {
		OCSP_REQUEST *q = request_for(EVP_sha1(), 1);
		auto_buf struct buf der = { 0 };
		struct ocsp_request r;
		struct error e;

		assert_int_equal(OCSP_request_add1_nonce(q, nonce, sizes[i]),
		    1);
		der_of(q, &der);
		if (sizes[i] > LIMIT_OCSP_NONCE_BYTES) {
			assert_false(
			    ocsp_request_parse(buf_bytes(&der), &r, &e));
			assert_non_null(strstr(e.msg, "nonce"));
		} else {
			assert_true(
			    ocsp_request_parse(buf_bytes(&der), &r, &e));
			assert_true(bytes_eq(r.nonce,
			    bytes_of(nonce, (size_t)sizes[i])));
		}
		OCSP_REQUEST_free(q);
	}
}

/* By whom is not looked at: answers are for everybody. */
static void
test_signed(unused_arg void **state)
{
	OCSP_REQUEST *q = request_for(EVP_sha1(), 1);
	auto_buf struct buf der = { 0 };
	struct ocsp_request r;
	struct error e;

	assert_int_equal(OCSP_request_sign(q, leaf,
			     sample_other_key("ec-p256")->pkey, EVP_sha256(),
			     NULL, 0),
	    1);
	der_of(q, &der);
	assert_true(ocsp_request_parse(buf_bytes(&der), &r, &e));
	assert_true(r.is_signed);
	/* And cut. */
	der.n--;
	assert_false(ocsp_request_parse(buf_bytes(&der), &r, &e));
	OCSP_REQUEST_free(q);
}

/* ---- requests that nobody may make -------------------------------------------------- */

/* Pieces in hexadecimal; lengths are put around them. */
#define NAME20                                                                 \
	"0414"                                                                 \
	"0102030405060708090a0b0c0d0e0f1011121314"
#define SHA1 "300906052b0e03021a0500"
#define CERT_ID SHA1 NAME20 NAME20 "020101"
#define NONCE_OID "06092b0601050507300102"

static void
wrap(struct buf *b, const char *const *tags)
{
	for (; *tags != NULL; tags++) {
		struct buf tag = sample_hex(*tags), whole = { 0 };

		der_add_header(&whole, tag.p[0], b->n);
		buf_add_bytes(&whole, buf_bytes(b));
		buf_free(&tag);
		buf_free(b);
		*b = whole;
	}
}

/* TBSRequest's contents: before the list, of one CertID, behind it in its Request, behind
 * the list; behind the TBSRequest. */
struct bad {
	const char *what, *before, *id, *single, *after, *outer, *says;
};

static void
build(const struct bad *b, struct buf *out)
{
	struct buf id = sample_hex(b->id), list = { 0 }, tbs = { 0 },
		   before = sample_hex(b->before),
		   single = sample_hex(b->single), after = sample_hex(b->after),
		   outer = sample_hex(b->outer);

	if (id.n > 0) {
		wrap(&id, (const char *const[]){ "30", NULL });
		buf_add_bytes(&list, buf_bytes(&id));
		buf_add_bytes(&list, buf_bytes(&single));
		wrap(&list, (const char *const[]){ "30", NULL });
	}
	wrap(&list, (const char *const[]){ "30", NULL });
	buf_add_bytes(&tbs, buf_bytes(&before));
	buf_add_bytes(&tbs, buf_bytes(&list));
	buf_add_bytes(&tbs, buf_bytes(&after));
	wrap(&tbs, (const char *const[]){ "30", NULL });
	buf_add_bytes(out, buf_bytes(&tbs));
	buf_add_bytes(out, buf_bytes(&outer));
	wrap(out, (const char *const[]){ "30", NULL });
	buf_free(&id);
	buf_free(&list);
	buf_free(&tbs);
	buf_free(&before);
	buf_free(&single);
	buf_free(&after);
	buf_free(&outer);
}

static void
test_malformed(unused_arg void **state)
{
	/* says NULL: good, so that each row beside it is wrong by one thing. */
	static const struct bad rows[] = {
		{ "plain", "", CERT_ID, "", "", "", NULL },
		{ "version 1, said", "a003020100", CERT_ID, "", "", "", NULL },
		{ "version 2", "a003020101", CERT_ID, "", "", "", "version" },
		{ "no certificate", "", "", "", "", "", "requestList" },
		{ "requestor's name", "a1028600", CERT_ID, "", "", "", NULL },
		{ "parameters left out", "",
		    "300706052b0e03021a" NAME20 NAME20 "020101", "", "", "",
		    NULL },
		{ "odd parameters", "",
		    "300a06052b0e03021a020105" NAME20 NAME20 "020101", "", "",
		    "", "reqCert" },
		{ "short hash", "", SHA1 "0401aa" NAME20 "020101", "", "", "",
		    "reqCert" },
		{ "long key hash", "",
		    SHA1 NAME20 "0415000102030405060708090a0b0c0d0e0f1011121314"
				"020101",
		    "", "", "", "reqCert" },
		{ "no serial", "", SHA1 NAME20 NAME20, "", "", "", "reqCert" },
		{ "two serials", "", CERT_ID "020102", "", "", "", "reqCert" },
		{ "negative serial", "", SHA1 NAME20 NAME20 "0201ff", "", "",
		    "", NULL },
		{ "serial not minimal", "", SHA1 NAME20 NAME20 "02020001", "",
		    "", "", "OCSPRequest" },
		{ "single extension", "", CERT_ID,
		    "a011300f300d06092b06010505073001070400", "", "", NULL },
		{ "empty single extensions", "", CERT_ID, "a0023000", "", "",
		    "extensions" },
		{ "behind the single ones", "", CERT_ID, "020100", "", "",
		    "requestList" },
		{ "empty extensions", "", CERT_ID, "", "a2023000", "",
		    "extensions" },
		{ "nonce of nothing", "", CERT_ID, "",
		    "a2133011300f" NONCE_OID "04020400", "", "nonce" },
		{ "nonce of one octet", "", CERT_ID, "",
		    "a21430123010" NONCE_OID "0403040107", "", NULL },
		{ "bare nonce", "", CERT_ID, "",
		    "a2123010300e" NONCE_OID "040107", "", "nonce" },
		{ "two nonces", "", CERT_ID, "",
		    "a22630243010" NONCE_OID "0403040107"
		    "3010" NONCE_OID "0403040108",
		    "", "twice" },
		{ "critical nonce", "", CERT_ID, "",
		    "a21730153013" NONCE_OID "0101ff"
		    "0403040107",
		    "", NULL },
		{ "critical, unknown", "", CERT_ID, "",
		    "a20e300c300a06032a03040101ff0400", "", "critical" },
		{ "not critical, unknown", "", CERT_ID, "",
		    "a20b3009300706032a03040400", "", NULL },
		{ "critical FALSE", "", CERT_ID, "",
		    "a20e300c300a06032a0304010100"
		    "0400",
		    "", "extensions" },
		{ "critical, in a single one", "", CERT_ID,
		    "a00e300c300a06032a03040101ff0400", "", "", "critical" },
		{ "behind the extensions", "", CERT_ID, "", "020100", "",
		    "tbsRequest" },
		{ "signature of nothing", "", CERT_ID, "", "", "a0023000",
		    "optionalSignature" },
		{ "behind everything", "", CERT_ID, "", "", "020100",
		    "optionalSignature" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		auto_buf struct buf der = { 0 };
		struct ocsp_request r;
		struct error e = { 0 };
		bool ok;

		build(&rows[i], &der);
		ok = ocsp_request_parse(buf_bytes(&der), &r, &e);
		if (ok != (rows[i].says == NULL))
			fail_msg("%s: %s", rows[i].what, e.msg);
		if (!ok && strstr(e.msg, rows[i].says) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].what,
			    e.msg, rows[i].says);
	}
}

/* Every prefix, and more than there may be. */
static void
test_sizes(unused_arg void **state)
{
	static uint8_t big[LIMIT_OCSP_REQUEST_BYTES + 1] = { 0x30 };
	OCSP_REQUEST *q = request_for(EVP_sha256(), 2);
	auto_buf struct buf der = { 0 };
	struct ocsp_request r;
	struct error e;

	der_of(q, &der);
	for (size_t n = 0; n < der.n; n++)
		assert_false(ocsp_request_parse(bytes_of(der.p, n), &r, &e));
	assert_false(ocsp_request_parse(bytes_of(big, sizeof(big)), &r, &e));
	assert_non_null(strstr(e.msg, "at most"));
	OCSP_REQUEST_free(q);
}

/* A serial of 200 octets would only be there to be sent back. */
static void
test_long_id(unused_arg void **state)
{
	OCSP_REQUEST *q = request_for(EVP_sha1(), 1);
	auto_buf struct buf der = { 0 };
	struct ocsp_request r;
	struct error e;
	ASN1_INTEGER *number;
	uint8_t digits[200];

	memset(digits, 0x11, sizeof(digits));
	assert_int_equal(OCSP_id_get0_info(NULL, NULL, NULL, &number,
			     OCSP_onereq_get0_id(
				 OCSP_request_onereq_get0(q, 0))),
	    1);
	assert_int_equal(ASN1_STRING_set(number, digits, sizeof(digits)), 1);
	der_of(q, &der);
	assert_false(ocsp_request_parse(buf_bytes(&der), &r, &e));
	assert_non_null(strstr(e.msg, "too long"));
	OCSP_REQUEST_free(q);
}

/* ---- answers ------------------------------------------------------------------------- */

struct one {
	enum ocsp_status status;
	enum crl_reason reason;
	bool nonce, extended;
};

static void
write_answer(const struct one *row, struct bytes id, const uint8_t key_id[20],
    struct buf *data, struct buf *out)
{
	const struct ocsp_answer v[2] = {
		{ id, row->status, SAMPLE_NOW_S - 60, row->reason, SAMPLE_NOW_S,
		    SAMPLE_NOW_S + 3600 },
		{ id, OCSP_GOOD, 0, CRL_UNSPECIFIED, SAMPLE_NOW_S,
		    SAMPLE_NOW_S + 3600 },
	};
	const struct ocsp_answers all = { .responder = key_id,
		.produced_s = SAMPLE_NOW_S,
		.v = v,
		.n = 2,
		.nonce = bytes_of("nonce", row->nonce ? 5 : 0),
		.extended_revoke = row->extended };
	const struct sample_key *key = sample_other_key("ec-p256");
	auto_buf struct buf sig = { 0 };

	ocsp_data_write(&all, data);
	sample_sign(key, key->alg, buf_bytes(data), &sig);
	ocsp_response_write(buf_bytes(data), key->alg, buf_bytes(&sig),
	    buf_bytes(&responder_der), out);
}

static void
check_single(OCSP_BASICRESP *b, const struct one *row)
{
	int status, reason;
	ASN1_GENERALIZEDTIME *revoked, *this, *next;
	OCSP_SINGLERESP *s = OCSP_resp_get0(b, 0);

	status = OCSP_single_get0_status(s, &reason, &revoked, &this, &next);
	assert_int_equal(status, row->status);
	assert_non_null(next);
	if (row->status == OCSP_REVOKED)
		assert_int_equal(reason,
		    row->reason == CRL_UNSPECIFIED ? -1 : (int)row->reason);
	/* An empty list of extensions is what some clients trip over. */
	assert_int_equal(OCSP_SINGLERESP_get_ext_count(s), 0);
	assert_int_equal(ASN1_STRING_cmp(OCSP_resp_get0_produced_at(b), this),
	    0);
}

static void
check_verified(OCSP_BASICRESP *b)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *p = X509_STORE_get0_param(store);

	X509_VERIFY_PARAM_set_time(p, SAMPLE_NOW_S);
	assert_int_equal(X509_STORE_add_cert(store, ca), 1);
	assert_int_equal(OCSP_basic_verify(b, NULL, store, 0), 1);
	X509_STORE_free(store);
}

static void
test_answers(unused_arg void **state)
{
	static const struct one rows[] = {
		{ OCSP_GOOD, CRL_UNSPECIFIED, false, false },
		{ OCSP_GOOD, CRL_UNSPECIFIED, true, false },
		{ OCSP_REVOKED, CRL_UNSPECIFIED, false, false },
		{ OCSP_REVOKED, CRL_KEY_COMPROMISE, true, false },
		{ OCSP_REVOKED, CRL_HOLD, true, true },
		{ OCSP_UNKNOWN, CRL_UNSPECIFIED, false, false },
	};
	OCSP_REQUEST *q = request_for(EVP_sha256(), 1);
	auto_buf struct buf request = { 0 };
	struct ocsp_request r;
	struct error e;

	der_of(q, &request);
	assert_true(ocsp_request_parse(buf_bytes(&request), &r, &e));
	for (size_t i = 0; i < countof(rows); i++) {
		auto_buf struct buf data = { 0 }, der = { 0 };
		const unsigned char *p;
		struct ocsp_single one;
		struct ocsp_data d;
		OCSP_RESPONSE *resp;
		OCSP_BASICRESP *b;
		bool bad;

		write_answer(&rows[i], r.id[0].der,
		    sample_other_key("ec-p256")->id, &data, &der);
		/* The signer reads the same in it. */
		if (!ocsp_data_parse(buf_bytes(&data), &d, &e))
			fail_msg("row %zu: %s", i, e.msg);
		assert_true(ocsp_data_next(&d, &one, &bad));
		assert_int_equal(one.status, rows[i].status);
		assert_true(bytes_eq(one.serial, r.id[0].serial));
		assert_true(ocsp_data_next(&d, &one, &bad));
		assert_false(ocsp_data_next(&d, &one, &bad));
		assert_false(bad);
		p = der.p;
		resp = d2i_OCSP_RESPONSE(NULL, &p, (long)der.n);
		assert_non_null(resp);
		assert_ptr_equal(p, der.p + der.n);
		assert_int_equal(OCSP_response_status(resp),
		    OCSP_RESPONSE_STATUS_SUCCESSFUL);
		b = OCSP_response_get1_basic(resp);
		assert_non_null(b);
		check_single(b, &rows[i]);
		check_verified(b);
		assert_int_equal(OCSP_BASICRESP_get_ext_by_NID(b,
				     NID_id_pkix_OCSP_Nonce, -1) >= 0,
		    rows[i].nonce);
		assert_int_equal(OCSP_BASICRESP_get_ext_count(b),
		    rows[i].nonce + rows[i].extended);
		OCSP_BASICRESP_free(b);
		OCSP_RESPONSE_free(resp);
	}
	OCSP_REQUEST_free(q);
}

static void
test_refusals(unused_arg void **state)
{
	static const struct {
		enum ocsp_refusal refusal;
		int status;
	} rows[] = { { OCSP_MALFORMED, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST },
		{ OCSP_INTERNAL_ERROR, OCSP_RESPONSE_STATUS_INTERNALERROR },
		{ OCSP_TRY_LATER, OCSP_RESPONSE_STATUS_TRYLATER },
		{ OCSP_UNAUTHORIZED, OCSP_RESPONSE_STATUS_UNAUTHORIZED } };

	for (size_t i = 0; i < countof(rows); i++) {
		uint8_t der[OCSP_REFUSAL_BYTES];
		const unsigned char *p = der;
		OCSP_RESPONSE *r;

		ocsp_refusal_write(rows[i].refusal, der);
		r = d2i_OCSP_RESPONSE(NULL, &p, sizeof(der));
		assert_non_null(r);
		assert_int_equal(OCSP_response_status(r), rows[i].status);
		assert_null(OCSP_response_get1_basic(r));
		OCSP_RESPONSE_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_unknown_hash),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_long_id),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
