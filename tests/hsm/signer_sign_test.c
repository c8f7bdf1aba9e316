/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include "faulty.h"
#include "rig_fixture.h"

/* Certificates and lists by keys of every type, and what becomes of a request when
 * the token loses sessions, lies, or hangs. */

static void
check_cert(const struct buf *der, EVP_PKEY *ca)
{
	const unsigned char *p = der->p;
	X509 *x = d2i_X509(NULL, &p, (long)der->n);
	unsigned char *again = NULL;

	assert_non_null(x);
	assert_int_equal(X509_verify(x, ca), 1);
	assert_int_equal(i2d_X509(x, &again), der->n);
	assert_memory_equal(again, der->p, der->n);
	OPENSSL_free(again);
	X509_free(x);
}

static void
check_crl(const struct buf *der, EVP_PKEY *ca, int entries)
{
	const unsigned char *p = der->p;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)der->n);
	unsigned char *again = NULL;

	assert_non_null(x);
	assert_int_equal(X509_CRL_verify(x, ca), 1);
	assert_int_equal(i2d_X509_CRL(x, &again), der->n);
	assert_memory_equal(again, der->p, der->n);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(x)), entries);
	OPENSSL_free(again);
	X509_CRL_free(x);
}

static void
revoke_cert(const struct sha256 *key, uint64_t cert)
{
	const struct signer_revoke rev = { .key = *key,
		.cert = cert,
		.claim = rig_claim() };
	struct signer_reply reply;
	struct error e = { 0 };

	must(signer_revoke_wait(rig.s, &rev, &reply, &e), &e, "revoke");
}

static void
sign_with(const char *type)
{
	auto_buf struct buf cert = { 0 }, crl = { 0 };
	struct signer_reply reply;
	struct sha256 key;
	struct error e = { 0 };
	EVP_PKEY *ca;

	print_message("%s\n", type);
	must(rig_generate(&rig, type, true, &key, &e), &e, type);
	ca = rig_public(&rig, &key);
	must(rig_certify(&rig, &key, &cert, &reply, &e), &e, "certify");
	check_cert(&cert, ca);
	revoke_cert(&key, reply.signed_);
	must(rig_crl(&rig, &key, &reply, &crl, &e), &e, "crl");
	check_crl(&crl, ca, 1);
	rig_reopen(&rig);
	buf_reset(&cert);
	must(rig_certify(&rig, &key, &cert, &reply, &e), &e, "certify");
	check_cert(&cert, ca);
	EVP_PKEY_free(ca);
}

static void
test_key_types(unused_arg void **state)
{
	static const char *const types[] = { "rsa-2048", "ec-p256", "ec-p384",
		"ed25519" };

	for (size_t i = 0; i < countof(types); i++)
		sign_with(types[i]);
	rig_verify(&rig);
}

/* Nobody notices, but the register says how often C_Sign was called. */
static void
test_lost_sessions(unused_arg void **state)
{
	static const struct {
		const char *rules;
		int64_t attempts;
	} rows[] = {
		{ "C_SignInit:call=C_CloseAllSessions:nth=1", 1 },
		{ "C_SignInit:call=C_Logout:nth=1", 1 },
		{ "C_SignInit:call=C_Finalize:nth=1", 1 },
		{ "C_Sign:call=C_CloseAllSessions:nth=1", 2 },
		{ "C_Sign:rv=0x30:real:nth=1", 2 },
	};
	struct sha256 key;
	struct error e = { 0 };

	must_generate(&key);
	for (size_t i = 0; i < countof(rows); i++) {
		auto_buf struct buf line = { 0 }, store = { 0 }, cert = { 0 };
		EVP_PKEY *ca = rig_public(&rig, &key);
		struct signer_reply reply;
		struct record rec;

		print_message("%s\n", rows[i].rules);
		faulty_rules(rows[i].rules);
		must(rig_certify(&rig, &key, &cert, &reply, &e), &e, "certify");
		check_cert(&cert, ca);
		EVP_PKEY_free(ca);
		must(reg_read(signer_register(rig.s), reply.signed_, &line,
			 &rec, &store, &e),
		    &e, "read");
		assert_int_equal(record_get_int(&rec, "attempts"),
		    rows[i].attempts);
	}
	faulty_rules("");
	rig_verify(&rig);
}

/* One certificate fails: nothing is released, it is revoked, the next one works. */
static void
expect_assumed(const struct sha256 *key, enum fail why)
{
	size_t assumed = rig_count(&rig, REC_ASSUMED);
	size_t revoked = rig_count(&rig, REC_REVOKE);
	size_t signed_ = rig_count(&rig, REC_SIGNED);
	struct signer_reply reply;
	struct error e = { 0 };

	assert_false(rig_certify(&rig, key, NULL, &reply, &e));
	assert_int_equal(e.why, why);
	assert_int_not_equal(reply.intent, UINT64_MAX);
	assert_int_equal(reply.signed_, UINT64_MAX);
	assert_int_equal(rig_count(&rig, REC_ASSUMED), assumed + 1);
	assert_int_equal(rig_count(&rig, REC_REVOKE), revoked + 1);
	assert_int_equal(rig_count(&rig, REC_SIGNED), signed_);
	faulty_rules("");
	must(rig_certify(&rig, key, NULL, &reply, &e), &e, "afterwards");
}

static void
test_corrupt(unused_arg void **state)
{
	static const char *const types[] = { "rsa-2048", "ec-p256", "ed25519" };
	struct sha256 key;
	struct error e = { 0 };

	for (size_t i = 0; i < countof(types); i++) {
		must(rig_generate(&rig, types[i], true, &key, &e), &e, "key");
		faulty_rules("C_Sign:corrupt");
		expect_assumed(&key, FAIL_CRYPTO);
	}
	rig_verify(&rig);
}

/* A list by a lying token: its number is burned, no file appears. */
static void
test_corrupt_crl(unused_arg void **state)
{
	auto_buf struct buf crl = { 0 };
	struct signer_reply reply;
	struct sha256 key;
	struct error e = { 0 };

	must_generate(&key);
	faulty_rules("C_Sign:corrupt");
	assert_false(rig_crl(&rig, &key, &reply, &crl, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
	assert_int_equal(rig_count(&rig, REC_ASSUMED), 1);
	assert_int_equal(rig_count(&rig, REC_REVOKE), 0);
	faulty_rules("");
	must(rig_crl(&rig, &key, &reply, &crl, &e), &e, "crl");
	assert_int_equal(reply.crl_number, 2);
	rig_verify(&rig);
}

/* Issuers of one subject, as after a key rollover: each key's list has what that key
 * signed, under numbers of its own. */
static void
test_one_subject(unused_arg void **state)
{
	static const char *const types[] = { "ec-p256", "ec-p384", "ec-p256" };
	struct sha256 key[countof(types)];
	struct signer_reply reply;
	struct error e = { 0 };
	EVP_PKEY *ca;

	for (size_t i = 0; i < countof(types); i++) {
		must(rig_generate(&rig, types[i], true, &key[i], &e), &e,
		    types[i]);
		for (size_t n = 0; n <= i; n++) {
			must(rig_certify(&rig, &key[i], NULL, &reply, &e), &e,
			    "certify");
			revoke_cert(&key[i], reply.signed_);
		}
	}
	for (size_t i = 0; i < countof(types); i++) {
		auto_buf struct buf crl = { 0 };

		ca = rig_public(&rig, &key[i]);
		must(rig_crl(&rig, &key[i], &reply, &crl, &e), &e, "crl");
		check_crl(&crl, ca, (int)i + 1);
		assert_int_equal(reply.crl_number, 1);
		EVP_PKEY_free(ca);
	}
	rig_verify(&rig);
}

static void
test_hang(unused_arg void **state)
{
	struct sha256 key;

	must_generate(&key);
	rig_close(&rig);
	rig.deadline_ms = 300;
	rig_open(&rig, false, 2, false);
	faulty_rules("C_Sign:hang");
	expect_assumed(&key, FAIL_TIMEOUT);
	rig_verify(&rig);
}

/* The token is gone for good: nothing was signed, nothing is assumed of the first
 * kind; of the second it may have been. */
static void
test_gone(unused_arg void **state)
{
	struct signer_reply reply;
	struct sha256 key;
	struct error e = { 0 };

	must_generate(&key);
	faulty_rules("C_SignInit:rv=0x30");
	assert_false(rig_certify(&rig, &key, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_HSM_GONE);
	assert_int_equal(rig_count(&rig, REC_FAILED), 1);
	assert_int_equal(rig_count(&rig, REC_REVOKE), 0);
	faulty_rules("C_Sign:rv=0x30:real");
	expect_assumed(&key, FAIL_HSM_GONE);
	rig_verify(&rig);
}

static struct sha256 the_key;

static void
die_before(struct rig *r)
{
	struct signer_reply reply;
	struct error e;

	faulty_rules("C_Sign:kill=before:nth=1");
	(void)!rig_certify(r, &the_key, NULL, &reply, &e);
}

static void
die_after(struct rig *r)
{
	struct signer_reply reply;
	struct error e;

	faulty_rules("C_Sign:kill=after:nth=1");
	(void)!rig_certify(r, &the_key, NULL, &reply, &e);
}

/* Before and after cannot be told apart, so both are treated as signed. */
static void
test_killed(unused_arg void **state)
{
	struct signer_reply reply;
	struct error e = { 0 };

	must_generate(&the_key);
	rig_killed(&rig, die_before);
	assert_int_equal(rig_count(&rig, REC_ASSUMED), 1);
	rig_killed(&rig, die_after);
	assert_int_equal(rig_count(&rig, REC_ASSUMED), 2);
	assert_int_equal(rig_count(&rig, REC_REVOKE), 2);
	must(rig_certify(&rig, &the_key, NULL, &reply, &e), &e, "certify");
	rig_verify(&rig);
}

/* The key's token is not here, or another one stands in its place. */
static void
test_token_not_here(unused_arg void **state)
{
	struct signer_reply reply;
	struct sha256 key;
	struct error e = { 0 };
	uint64_t cert;

	must_generate(&key);
	must(rig_certify(&rig, &key, NULL, &reply, &e), &e, "certify");
	cert = reply.signed_;
	rig_close(&rig);
	rig_open(&rig, false, 0, false);
	assert_false(rig_certify(&rig, &key, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_non_null(strstr(e.msg, hsm_token_get_info(rig.soft.t)->serial));
	/* A revocation needs no token. */
	revoke_cert(&key, cert);
	rig_close(&rig);
	rig_open(&rig, false, 1, true);
	assert_false(rig_certify(&rig, &key, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	rig_close(&rig);
	/* Tokens are known by serial, whatever their order. */
	rig_open(&rig, false, 2, true);
	must(rig_certify(&rig, &key, NULL, &reply, &e), &e, "certify");
	rig_verify(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_key_types),
		RIG_TEST(test_lost_sessions),
		RIG_TEST(test_corrupt),
		RIG_TEST(test_corrupt_crl),
		RIG_TEST(test_one_subject),
		RIG_TEST(test_hang),
		RIG_TEST(test_gone),
		RIG_TEST(test_killed),
		RIG_TEST(test_token_not_here),
	};

	return cmocka_run_group_tests(tests, rig_group_setup,
	    rig_group_teardown);
}
