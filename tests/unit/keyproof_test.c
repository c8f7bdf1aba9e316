/* SPDX-License-Identifier: Apache-2.0 */
/* Proof of possession of a certificate's key: pki_key_proves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <chancery/server/pki_cert.h>

struct pair {
	EVP_PKEY *key;
	struct buf der;
	struct spki spki;
};

static void
pair_make(struct pair *p, const char *type, int64_t bits)
{
	struct key_type t;
	struct error e;

	*p = (struct pair){ 0 };
	assert_true(pki_key_type(type, bits, &t, &e));
	p->key = pki_leafkey_make(t, &e);
	if (p->key == NULL || !pki_leafkey_spki(p->key, &p->der, &e) ||
	    !spki_parse(buf_bytes(&p->der), &p->spki, &e))
		fail_msg("%s: %s", type, e.msg);
}

static void
pair_free(struct pair *p)
{
	EVP_PKEY_free(p->key);
	buf_free(&p->der);
}

static const struct {
	const char *type;
	int64_t bits;
} types[] = { { "rsa", 2048 }, { "ec", 256 }, { "ec", 384 }, { "ec", 521 },
	{ "ed25519", 0 } };

static void
test_own_and_another(void **state)
{
	struct pair own, other;
	struct error e;

	(void)state;
	for (size_t i = 0; i < countof(types); i++) {
		pair_make(&own, types[i].type, types[i].bits);
		pair_make(&other, types[i].type, types[i].bits);
		for (int form = 0; form < 2; form++) {
			json_t *pem = pki_leafkey_json(own.key,
			    (enum pki_key_form)form, false, &e);

			if (!pki_key_proves(json_string_value(pem), &own.spki,
				&e))
				fail_msg("%s: %s", types[i].type, e.msg);
			assert_false(pki_key_proves(json_string_value(pem),
			    &other.spki, &e));
			assert_int_equal(e.why, FAIL_REFUSED);
			json_decref(pem);
		}
		pair_free(&own);
		pair_free(&other);
	}
}

static BIGNUM *
number_of(const EVP_PKEY *k, const char *name)
{
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(k, name, &n), 1);
	return n;
}

/* The public half of one with the private number of another: comparing would be content. */
static void
test_public_half_of_another(void **state)
{
	struct pair own, other;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIO *out = BIO_new(BIO_s_mem());
	EVP_PKEY *mixed = NULL;
	OSSL_PARAM *params;
	struct error e;
	BIGNUM *d;
	char *pem;
	long n;

	(void)state;
	pair_make(&own, "ec", 256);
	pair_make(&other, "ec", 256);
	d = number_of(other.key, OSSL_PKEY_PARAM_PRIV_KEY);
	assert_true(OSSL_PARAM_BLD_push_utf8_string(b,
	    OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0));
	assert_true(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d));
	assert_true(OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY,
	    own.spki.point.p, own.spki.point.n));
	params = OSSL_PARAM_BLD_to_param(b);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &mixed, EVP_PKEY_KEYPAIR,
			     params),
	    1);
	assert_int_equal(PEM_write_bio_PrivateKey(out, mixed, NULL, NULL, 0,
			     NULL, NULL),
	    1);
	(void)BIO_write(out, "", 1);
	n = BIO_get_mem_data(out, &pem);
	assert_true(n > 0);
	assert_false(pki_key_proves(pem, &own.spki, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	BIO_free(out);
	EVP_PKEY_free(mixed);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	BN_free(d);
	pair_free(&own);
	pair_free(&other);
}

static void
pem_of(const EVP_PKEY *k, bool encrypted, struct buf *out)
{
	static char word[] = "passphrase";
	BIO *bio = BIO_new(BIO_s_mem());
	char *at = NULL;
	long n;

	if (encrypted)
		assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, k,
				     EVP_aes_128_cbc(), word, (int)strlen(word),
				     NULL, NULL),
		    1);
	else
		assert_int_equal(PEM_write_bio_PUBKEY(bio, k), 1);
	n = BIO_get_mem_data(bio, &at);
	buf_add(out, at, (size_t)n);
	BIO_free(bio);
}

static void
test_no_key(void **state)
{
	static const char empty[] = "-----BEGIN PRIVATE KEY-----\nMA==\n"
				    "-----END PRIVATE KEY-----\n"
				    "and more text so that it is long enough";
	auto_buf struct buf locked = { 0 }, public = { 0 };
	struct pair own;
	struct error e;

	(void)state;
	pair_make(&own, "ec", 256);
	pem_of(own.key, true, &locked);
	pem_of(own.key, false, &public);

	const struct {
		const char *pem, *text;
	} rows[] = {
		{ "key.pem", "too short" },
		{ empty, "no private key in PEM" },
		{ buf_cstr(&locked), "without a passphrase" },
		{ buf_cstr(&public), "no private key in PEM" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		assert_false(pki_key_proves(rows[i].pem, &own.spki, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_non_null(strstr(e.msg, rows[i].text));
	}
	pair_free(&own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_and_another),
		cmocka_unit_test(test_public_half_of_another),
		cmocka_unit_test(test_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
