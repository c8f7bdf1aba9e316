/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "softtoken.h"

/* Key generation, opening, and signing by every algorithm; each signature is
 * checked again here by OpenSSL alone, from the message and the DER key. */

static struct softtoken soft;

static const struct {
	const char *type;
	size_t algs;
	enum sig_alg alg[6];
} rows[] = {
	{ "rsa-2048", 6,
	    { SIG_RSA_SHA256, SIG_RSA_SHA384, SIG_RSA_SHA512, SIG_PSS_SHA256,
		SIG_PSS_SHA384, SIG_PSS_SHA512 } },
	{ "rsa-3072", 2, { SIG_RSA_SHA256, SIG_PSS_SHA384 } },
	{ "rsa-4096", 2, { SIG_RSA_SHA512, SIG_PSS_SHA256 } },
	{ "ec-p256", 1, { SIG_ECDSA_SHA256 } },
	{ "ec-p384", 1, { SIG_ECDSA_SHA384 } },
	{ "ed25519", 1, { SIG_ED25519 } },
};
static struct hsm_key *keys[countof(rows)];

static const char message[] = "chancery test: not a certificate";

static struct bytes
sign_input(enum sig_alg alg, uint8_t digest[DIGEST_MAX])
{
	const struct sig_alg_info *a = sig_alg_info(alg);

	if (!a->prehash)
		return bytes_str(message);
	return bytes_of(digest,
	    digest_of(a->digest, bytes_str(message), digest));
}

static const char *const md_names[] = { "SHA256", "SHA384", "SHA512" };

/* A second opinion: DigestVerify over the message itself. */
static bool
openssl_verify(struct bytes spki, enum sig_alg alg, struct bytes sig)
{
	const struct sig_alg_info *a = sig_alg_info(alg);
	const unsigned char *p = spki.p;
	EVP_PKEY *k = d2i_PUBKEY(NULL, &p, (long)spki.n);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	const EVP_MD *md =
	    a->prehash ? EVP_get_digestbyname(md_names[a->digest]) : NULL;
	bool ok;

	assert_non_null(k);
	assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx, md, NULL, k), 1);
	if (a->pss) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx,
				     RSA_PKCS1_PSS_PADDING),
		    1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
				     EVP_MD_get_size(md)),
		    1);
	}
	ok = EVP_DigestVerify(ctx, sig.p, sig.n, (const uint8_t *)message,
		 strlen(message)) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(k);
	return ok;
}

static void
check_ecdsa_der(struct bytes sig)
{
	const unsigned char *p = sig.p;
	unsigned char *again = NULL;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)sig.n);
	int n;

	assert_non_null(s);
	assert_ptr_equal(p, sig.p + sig.n);
	n = i2d_ECDSA_SIG(s, &again);
	assert_int_equal(n, sig.n);
	assert_memory_equal(again, sig.p, sig.n);
	OPENSSL_free(again);
	ECDSA_SIG_free(s);
}

static void
sign_once(struct hsm_key *k, enum sig_alg alg)
{
	uint8_t digest[DIGEST_MAX];
	auto_buf struct buf sig = { 0 };
	struct error e = { 0 };
	unsigned attempts = 99;

	must(hsm_sign(k, alg, sign_input(alg, digest), &sig, &attempts, &e), &e,
	    "hsm_sign");
	assert_int_equal(attempts, 1);
	assert_true(
	    openssl_verify(hsm_key_get_info(k)->spki, alg, buf_bytes(&sig)));
	if (sig_alg_info(alg)->ec)
		check_ecdsa_der(buf_bytes(&sig));
	sig.p[sig.n - 1] ^= 1;
	assert_false(
	    openssl_verify(hsm_key_get_info(k)->spki, alg, buf_bytes(&sig)));
}

static void
test_all_algorithms(unused_arg void **state)
{
	for (size_t i = 0; i < countof(rows); i++)
		for (size_t j = 0; j < rows[i].algs; j++) {
			assert_true(hsm_key_can(keys[i], rows[i].alg[j]));
			sign_once(keys[i], rows[i].alg[j]);
		}
}

/* r or s below 2^248 and with the top bit set both come up in 600. */
static void
test_ecdsa_many(unused_arg void **state)
{
	for (int i = 0; i < 600; i++)
		sign_once(keys[3], SIG_ECDSA_SHA256);
}

static void
test_append(unused_arg void **state)
{
	uint8_t digest[DIGEST_MAX];
	auto_buf struct buf sig = { 0 };
	struct error e = { 0 };
	unsigned attempts;

	buf_add_str(&sig, "before");
	must(hsm_sign(keys[0], SIG_RSA_SHA256,
		 sign_input(SIG_RSA_SHA256, digest), &sig, &attempts, &e),
	    &e, "hsm_sign");
	assert_int_equal(sig.n, 6 + 256);
	assert_memory_equal(sig.p, "before", 6);
}

static void
test_wrong_requests(unused_arg void **state)
{
	static const struct {
		size_t key;
		enum sig_alg alg;
		size_t n;
		enum fail why;
	} bad[] = {
		{ 0, SIG_RSA_SHA256, 31, FAIL_BAD_INPUT },
		{ 0, SIG_RSA_SHA256, 0, FAIL_BAD_INPUT },
		{ 0, SIG_PSS_SHA512, 32, FAIL_BAD_INPUT },
		{ 3, SIG_ECDSA_SHA256, 20, FAIL_BAD_INPUT },
		{ 3, SIG_ECDSA_SHA256, 400, FAIL_BAD_INPUT },
		{ 0, SIG_ECDSA_SHA256, 32, FAIL_UNSUPPORTED },
		{ 3, SIG_RSA_SHA256, 32, FAIL_UNSUPPORTED },
		{ 3, SIG_ECDSA_SHA384, 48, FAIL_UNSUPPORTED },
		{ 4, SIG_ECDSA_SHA256, 32, FAIL_UNSUPPORTED },
		{ 5, SIG_RSA_SHA256, 32, FAIL_UNSUPPORTED },
	};
	uint8_t in[400] = { 1 };

	for (size_t i = 0; i < countof(bad); i++) {
		auto_buf struct buf sig = { 0 };
		struct error e = { 0 };
		unsigned attempts = 7;

		assert_false(hsm_sign(keys[bad[i].key], bad[i].alg,
		    bytes_of(in, bad[i].n), &sig, &attempts, &e));
		assert_int_equal(e.why, bad[i].why);
		assert_int_equal(attempts, 0);
		assert_int_equal(sig.n, 0);
	}
}

static void
test_open_again(unused_arg void **state)
{
	struct error e = { 0 };

	for (size_t i = 0; i < countof(rows); i++) {
		const struct hsm_key_info *a = hsm_key_get_info(keys[i]), *b;
		struct hsm_key *k =
		    hsm_key_open(soft.t, hsm_key_uri(keys[i]), a->spki, &e);

		must(k != NULL, &e, "open");
		b = hsm_key_get_info(k);
		assert_string_equal(b->label, rows[i].type);
		assert_true(b->has_private && b->has_public);
		assert_string_equal(key_type_name(b->type), rows[i].type);
		assert_true(bytes_eq(a->spki, b->spki));
		assert_string_equal(hsm_key_uri(k), hsm_key_uri(keys[i]));
		sign_once(k, sig_alg_default(b->type));
		hsm_key_close(k);
	}
}

static int
group_setup(unused_arg void **state)
{
	softtoken_make(&soft);
	softtoken_open(&soft, SOFTHSM_MODULE, true);
	for (size_t i = 0; i < countof(rows); i++)
		keys[i] = softtoken_key(&soft, rows[i].type, rows[i].type);
	return 0;
}

static int
group_teardown(unused_arg void **state)
{
	for (size_t i = 0; i < countof(rows); i++)
		hsm_key_close(keys[i]);
	softtoken_remove(&soft);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_algorithms),
		cmocka_unit_test(test_ecdsa_many),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_wrong_requests),
		cmocka_unit_test(test_open_again),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
