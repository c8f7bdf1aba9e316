/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Public keys as EVP_PKEY. libcrypto's decoder builds a chain of decoders for
 * each key (100 us); these three calls do not. What the decoder checked is checked in
 * spki_parse.
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
 * For keys that are used once there is one object a thread and curve, whose point is set
 * anew (3 us, the curve equation; a copy of the curve costs 9 more). It says which octets
 * it has: a certificate meets its key several times in a row.
 */
struct once {
	EVP_PKEY *pkey;
	size_t n; /* 0: no point */
	uint8_t point[EC_POINT_MAX];
};
static pthread_key_t once_key;
static pthread_once_t once_key_once = PTHREAD_ONCE_INIT;

static void
once_free(void *p)
{
	struct once *v = p;

	for (size_t i = 0; i < KEY_ALG__COUNT; i++)
		EVP_PKEY_free(v[i].pkey);
	mem_free(v);
}

static void
once_init(void)
{
	if (pthread_key_create(&once_key, once_free) != 0)
		fatal("no thread-specific data");
}

static struct once *
once_of(enum key_alg alg)
{
	struct once *v;

	(void)pthread_once(&once_key_once, once_init);
	v = pthread_getspecific(once_key);
	if (v == NULL) {
		v = mem_calloc(KEY_ALG__COUNT, sizeof(*v));
		if (pthread_setspecific(once_key, v) != 0)
			fatal("no thread-specific data");
	}
	return &v[alg];
}

static bool
is_ec(enum key_alg alg)
{
	return curve_names[alg] != NULL;
}

/* Infinity is one octet, and EVP_PKEY_set1_encoded_public_key takes it: so the form is
 * checked here too, whoever calls. */
static bool
check_form(const struct spki *k, struct error *e)
{
	return (k->point.n >= 65 && k->point.n <= EC_POINT_MAX &&
		   k->point.p[0] == 0x04) ||
	    error_set(e, FAIL_BAD_INPUT, "EC point: not in uncompressed form");
}

static EVP_PKEY *
curve_copy(enum key_alg alg, struct error *e)
{
	EVP_PKEY *pkey;

	(void)pthread_once(&curves_once, curves_init);
	pkey = EVP_PKEY_dup(curves[alg]);
	if (pkey == NULL)
		(void)error_ossl(e, "EVP_PKEY_dup");
	return pkey;
}

static bool
set_point(EVP_PKEY *pkey, const struct spki *k, struct error *e)
{
	if (EVP_PKEY_set1_encoded_public_key(pkey, k->point.p, k->point.n) > 0)
		return true;
	ERR_clear_error();
	return error_set(e, FAIL_REFUSED, "EC point: not on curve %s",
	    curve_names[k->type.alg]);
}

/* After a point that is none the object is in no known state: away with it. */
static bool
once_set(struct once *o, const struct spki *k, struct error *e)
{
	if (o->n == k->point.n && memcmp(o->point, k->point.p, o->n) == 0)
		return true;
	o->n = 0;
	if (o->pkey == NULL)
		o->pkey = curve_copy(k->type.alg, e);
	if (o->pkey == NULL)
		return false;
	if (!set_point(o->pkey, k, e)) {
		EVP_PKEY_free(o->pkey);
		o->pkey = NULL;
		return false;
	}
	o->n = k->point.n;
	memcpy(o->point, k->point.p, o->n);
	return true;
}

EVP_PKEY *
spki_pkey_once(const struct spki *k, struct error *e)
{
	struct once *o;

	if (!is_ec(k->type.alg))
		return spki_pkey(k, e);
	if (!check_form(k, e))
		return NULL;
	o = once_of(k->type.alg);
	if (!once_set(o, k, e))
		return NULL;
	if (EVP_PKEY_up_ref(o->pkey) != 1)
		fatal("a public key has too many users");
	return o->pkey;
}

static EVP_PKEY *
ec_pkey(const struct spki *k, struct error *e)
{
	auto_pkey EVP_PKEY *pkey = NULL;

	if (!check_form(k, e))
		return NULL;
	pkey = curve_copy(k->type.alg, e);
	return pkey != NULL && set_point(pkey, k, e) ? take(pkey) : NULL;
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
