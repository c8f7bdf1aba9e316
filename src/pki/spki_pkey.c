/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Public keys as EVP_PKEY. libcrypto's decoder builds a chain of decoders for
 * each key (100 us); these three calls do not (0.5 to 4 us). What the decoder
 * checked is checked in spki_parse.
 */
#include <pthread.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include <chancery/base/alloc.h>

#include "ossl.h"

static const char *const curve_names[KEY_ALG__COUNT] = {
	[KEY_EC_P256] = "P-256",
	[KEY_EC_P384] = "P-384",
	[KEY_EC_P521] = "P-521",
};

/* Keys with a curve and no point, made once and only read afterwards. */
static EVP_PKEY *curves[KEY_ALG__COUNT];
static pthread_once_t curves_once = PTHREAD_ONCE_INIT;

static void
curves_init(void)
{
	for (size_t i = 0; i < KEY_ALG__COUNT; i++) {
		if (curve_names[i] == NULL)
			continue;

		auto_pkey_ctx EVP_PKEY_CTX *ctx =
		    EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

		if (ctx == NULL || EVP_PKEY_paramgen_init(ctx) <= 0 ||
		    EVP_PKEY_CTX_set_group_name(ctx, curve_names[i]) <= 0 ||
		    EVP_PKEY_paramgen(ctx, &curves[i]) <= 0)
			fatal("libcrypto has no curve %s", curve_names[i]);
	}
}

/*
 * One certificate meets its key four times (request, proof of possession, lint,
 * signer); building it costs 7 us each time, most of it the curve equation. So the
 * last ones are kept, by their exact octets: immutable, and a thread's own.
 */
#define KEPT 128
struct kept {
	EVP_PKEY *pkey;
	enum key_alg alg;
	uint8_t point[133];
};
static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void
kept_free(void *p)
{
	struct kept *v = p;

	for (size_t i = 0; i < KEPT; i++)
		EVP_PKEY_free(v[i].pkey);
	mem_free(v);
}

static void
kept_init(void)
{
	if (pthread_key_create(&kept_key, kept_free) != 0)
		fatal("no thread-specific data");
}

static struct kept *
kept_slot(const struct spki *k)
{
	struct kept *v;

	(void)pthread_once(&kept_once, kept_init);
	v = pthread_getspecific(kept_key);
	if (v == NULL) {
		v = mem_calloc(KEPT, sizeof(*v));
		if (pthread_setspecific(kept_key, v) != 0)
			fatal("no thread-specific data");
	}
	/* Octets of x: as good as random. */
	return &v[k->point.p[8] % KEPT];
}

static EVP_PKEY *
kept_get(const struct kept *slot, const struct spki *k)
{
	if (slot->pkey == NULL || slot->alg != k->type.alg ||
	    memcmp(slot->point, k->point.p, k->point.n) != 0 ||
	    EVP_PKEY_up_ref(slot->pkey) != 1)
		return NULL;
	return slot->pkey;
}

static void
kept_put(struct kept *slot, const struct spki *k, EVP_PKEY *pkey)
{
	if (EVP_PKEY_up_ref(pkey) != 1)
		return;
	EVP_PKEY_free(slot->pkey);
	slot->pkey = pkey;
	slot->alg = k->type.alg;
	memcpy(slot->point, k->point.p, k->point.n);
}

static EVP_PKEY *
ec_pkey_build(const struct spki *k, struct error *e)
{
	pthread_once(&curves_once, curves_init);

	auto_pkey EVP_PKEY *pkey = EVP_PKEY_dup(curves[k->type.alg]);

	if (pkey == NULL) {
		error_ossl(e, "EVP_PKEY_dup");
		return NULL;
	}
	if (EVP_PKEY_set1_encoded_public_key(pkey, k->point.p, k->point.n) <=
	    0) {
		ERR_clear_error();
		error_set(e, FAIL_REFUSED, "EC point: not on curve %s",
		    curve_names[k->type.alg]);
		return NULL;
	}
	return take(pkey);
}

static EVP_PKEY *
ec_pkey(const struct spki *k, struct error *e)
{
	struct kept *slot;
	EVP_PKEY *pkey;

	/* Infinity is one octet, and EVP_PKEY_set1_encoded_public_key takes
	 * it: so the form is checked here too, whoever calls. */
	if (k->point.n < 65 || k->point.n > 133 || k->point.p[0] != 0x04) {
		error_set(e, FAIL_BAD_INPUT,
		    "EC point: not in uncompressed form");
		return NULL;
	}
	slot = kept_slot(k);
	pkey = kept_get(slot, k);
	if (pkey != NULL)
		return pkey;
	pkey = ec_pkey_build(k, e);
	if (pkey != NULL)
		kept_put(slot, k, pkey);
	return pkey;
}

static EVP_PKEY *
rsa_pkey(const struct spki *k, struct error *e)
{
	const unsigned char *p = k->point.p;
	EVP_PKEY *pkey =
	    d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)k->point.n);

	if (pkey == NULL)
		error_ossl(e, "RSA public key");
	return pkey;
}

static EVP_PKEY *
ed25519_pkey(const struct spki *k, struct error *e)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
	    k->point.p, k->point.n);

	if (pkey == NULL)
		error_ossl(e, "Ed25519 public key");
	return pkey;
}

EVP_PKEY *
spki_pkey(const struct spki *k, struct error *e)
{
	switch (k->type.alg) {
	case KEY_RSA:
		return rsa_pkey(k, e);
	case KEY_EC_P256:
	case KEY_EC_P384:
	case KEY_EC_P521:
		return ec_pkey(k, e);
	case KEY_ED25519:
		return ed25519_pkey(k, e);
	case KEY_ALG__COUNT:
		break;
	}
	fatal("corrupt key_alg %d", (int)k->type.alg);
}

BIGNUM *
spki_modulus_bn(const struct spki *k)
{
	BIGNUM *n = BN_bin2bn(k->modulus.p, (int)k->modulus.n, NULL);

	if (n == NULL)
		fatal("out of memory");
	return n;
}
