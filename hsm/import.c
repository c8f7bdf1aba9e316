/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key that was made elsewhere: C_CreateObject with the template of a generated one. Its
 * octets lie in one locked page (base/secret.h) and in libcrypto's memory.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chancery/base/crypto.h>

#include "internal.h"

/* RSA-4096: 512 each of modulus and exponent, 256 each of five more. */
#define PARTS_BYTES 4096
#define PARTS_MAX 8

struct hsm_outside {
	EVP_PKEY *key; /* until its parts are on the page */
	struct key_type type;
	struct buf spki;
	/* What a template takes, in the order of `rsa_parts`, or scalar and point. */
	struct secret *page;
	struct bytes part[PARTS_MAX];
};

void
hsm_outside_free(struct hsm_outside *o)
{
	if (o == NULL)
		return;
	EVP_PKEY_free(o->key);
	buf_free(&o->spki);
	secret_free(o->page);
	mem_free(o);
}

struct key_type
hsm_outside_type(const struct hsm_outside *o)
{
	return o->type;
}

struct bytes
hsm_outside_spki(const struct hsm_outside *o)
{
	return buf_bytes(&o->spki);
}

/* ---- parts ----------------------------------------------------------------------- */

static const struct {
	const char *param;
	CK_ATTRIBUTE_TYPE type;
} rsa_parts[] = {
	{ OSSL_PKEY_PARAM_RSA_N, CKA_MODULUS },
	{ OSSL_PKEY_PARAM_RSA_E, CKA_PUBLIC_EXPONENT },
	{ OSSL_PKEY_PARAM_RSA_D, CKA_PRIVATE_EXPONENT },
	{ OSSL_PKEY_PARAM_RSA_FACTOR1, CKA_PRIME_1 },
	{ OSSL_PKEY_PARAM_RSA_FACTOR2, CKA_PRIME_2 },
	{ OSSL_PKEY_PARAM_RSA_EXPONENT1, CKA_EXPONENT_1 },
	{ OSSL_PKEY_PARAM_RSA_EXPONENT2, CKA_EXPONENT_2 },
	{ OSSL_PKEY_PARAM_RSA_COEFFICIENT1, CKA_COEFFICIENT },
};
enum {
	PART_SCALAR,
	PART_POINT
};

/* Room behind what is there; NULL: none. */
static uint8_t *
part_room(struct hsm_outside *o, size_t *used, size_t want)
{
	size_t cap;
	uint8_t *page = secret_room(o->page, &cap);

	return want <= cap - *used ? page + *used : NULL;
}

static bool
part_number(struct hsm_outside *o, size_t *used, size_t at, const char *param,
    size_t width)
{
	BIGNUM *n = NULL;
	size_t len;
	uint8_t *to;
	bool ok = EVP_PKEY_get_bn_param(o->key, param, &n) == 1;

	len = !ok ? 0 : width > 0 ? width : (size_t)BN_num_bytes(n);
	to = part_room(o, used, len);
	ok = ok && to != NULL && len > 0 &&
	    BN_bn2binpad(n, to, (int)len) == (int)len;
	BN_clear_free(n);
	if (!ok)
		return false;
	o->part[at] = bytes_of(to, len);
	*used += len;
	return true;
}

static bool
parts_rsa(struct hsm_outside *o, size_t *used)
{
	for (size_t i = 0; i < countof(rsa_parts); i++)
		if (!part_number(o, used, i, rsa_parts[i].param, 0))
			return false;
	return true;
}

static bool
parts_ed25519(struct hsm_outside *o, size_t *used)
{
	size_t n = 32;
	uint8_t *to = part_room(o, used, n);

	if (to == NULL || EVP_PKEY_get_raw_private_key(o->key, to, &n) != 1)
		return false;
	o->part[PART_SCALAR] = bytes_of(to, n);
	*used += n;
	return true;
}

/* CKA_EC_POINT is an OCTET STRING (2.40 2.3.3). The point ends the SPKI. */
static bool
part_point(struct hsm_outside *o, size_t *used, size_t n)
{
	const size_t head = n < 0x80 ? 2 : 3;
	uint8_t *to = part_room(o, used, head + n);

	if (to == NULL || o->spki.n < n)
		return false;
	to[0] = 0x04;
	to[1] = head == 2 ? (uint8_t)n : 0x81;
	to[head - 1] = (uint8_t)n;
	memcpy(to + head, o->spki.p + o->spki.n - n, n);
	o->part[PART_POINT] = bytes_of(to, head + n);
	*used += head + n;
	return true;
}

static bool
parts(struct hsm_outside *o)
{
	const size_t width = o->type.alg == KEY_EC_P384 ? 48 : 32;
	size_t used = 0;

	if (o->type.alg == KEY_RSA)
		return parts_rsa(o, &used);
	if (o->type.alg == KEY_ED25519)
		return parts_ed25519(o, &used) && part_point(o, &used, 32);
	return part_number(o, &used, PART_SCALAR, OSSL_PKEY_PARAM_PRIV_KEY,
		   width) &&
	    part_point(o, &used, 1 + 2 * width);
}

/* ---- reading ----------------------------------------------------------------------- */

/* Both halves belong together, and the private one is what it says. */
static bool
is_whole(EVP_PKEY *key, struct error *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok ||
	    error_set(e, FAIL_BAD_INPUT,
		"private key: its halves do not belong together");
}

static bool
read_public(struct hsm_outside *o, struct error *e)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(o->key, &der);
	EVP_PKEY *again;

	if (n <= 0)
		return error_ossl(e, "private key: its public half");
	buf_add(&o->spki, der, (size_t)n);
	OPENSSL_free(der);
	again = spki_decode(buf_bytes(&o->spki), &o->type, e);
	EVP_PKEY_free(again);
	if (again == NULL)
		return error_context(e, "private key");
	return key_type_can_generate(o->type) ||
	    error_set(e, FAIL_UNSUPPORTED,
		"private key: %s is not taken; RSA of 2048, 3072 or 4096, "
		"P-256, P-384 and Ed25519 are",
		key_type_name(o->type));
}

struct hsm_outside *
hsm_outside_read(struct bytes pkcs8, struct error *e)
{
	auto_hsm_outside struct hsm_outside *o = mem_calloc(1, sizeof(*o));
	const uint8_t *p = pkcs8.p;
	PKCS8_PRIV_KEY_INFO *info =
	    d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)pkcs8.n);

	if (info != NULL && p == pkcs8.p + pkcs8.n)
		o->key = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (o->key == NULL) {
		ERR_clear_error();
		(void)error_set(e, FAIL_BAD_INPUT,
		    "private key: not PKCS#8, or of an unknown kind");
		return NULL;
	}
	o->page = secret_new(PARTS_BYTES);
	if (!read_public(o, e) || !is_whole(o->key, e))
		return NULL;
	if (!parts(o)) {
		(void)error_ossl(e, "private key: its parts");
		return NULL;
	}
	EVP_PKEY_free(take(o->key));
	return take(o);
}

/* ---- creating ------------------------------------------------------------------------ */

void
outside_template(const struct hsm_outside *o, struct template *pub,
    struct template *priv)
{
	const struct bytes curve = curve_params(o->type.alg);
	const struct bytes *v = o->part;

	if (o->type.alg != KEY_RSA) {
		template_add(pub, CKA_EC_PARAMS, curve.p, curve.n);
		template_add(pub, CKA_EC_POINT, v[PART_POINT].p,
		    v[PART_POINT].n);
		template_add(priv, CKA_EC_PARAMS, curve.p, curve.n);
		template_add(priv, CKA_VALUE, v[PART_SCALAR].p,
		    v[PART_SCALAR].n);
		return;
	}
	for (size_t i = 0; i < countof(rsa_parts); i++) {
		template_add(priv, rsa_parts[i].type, v[i].p, v[i].n);
		if (i < 2)
			template_add(pub, rsa_parts[i].type, v[i].p, v[i].n);
	}
}
