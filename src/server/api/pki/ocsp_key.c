/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A responder's P-256 key in this process (ocsp_key: memory). Its scalar lies in a page of its
 * own, locked and wiped at its end; libcrypto, whose heap is not locked, has it for the time of
 * one signature and wipes what it frees.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <chancery/base/alloc.h>
#include <chancery/base/log.h>
#include <chancery/base/secret.h>
#include <chancery/pki/spki.h>

#include "ocsp.h"

#define SCALAR_BYTES 32
#define POINT_BYTES 65

struct ocsp_key {
	struct secret *scalar; /* in the order of this machine's octets */
	uint8_t point[POINT_BYTES];
};

void
ocsp_key_free(struct ocsp_key *k)
{
	if (k == NULL)
		return;
	secret_free(k->scalar);
	mem_free(k);
}

static OSSL_PARAM
scalar_param(const struct ocsp_key *k)
{
	size_t cap;

	return OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY,
	    secret_room(k->scalar, &cap), SCALAR_BYTES);
}

static struct ocsp_key *
taken_from(EVP_PKEY *made, struct bytes spki, struct error *e)
{
	struct ocsp_key *k = mem_calloc(1, sizeof(*k));
	OSSL_PARAM param[2] = { { 0 }, OSSL_PARAM_construct_end() };
	struct spki parsed;

	k->scalar = secret_new(SCALAR_BYTES);
	param[0] = scalar_param(k);
	if (!spki_parse(spki, &parsed, e) || parsed.point.n != POINT_BYTES ||
	    EVP_PKEY_get_params(made, param) != 1) {
		(void)error_ossl(e, "EVP_PKEY_get_params");
		ocsp_key_free(k);
		return NULL;
	}
	memcpy(k->point, parsed.point.p, POINT_BYTES);
	if (!secret_is_locked(k->scalar))
		log_line(LOG_LEVEL_WARNING,
		    "OCSP: the system does not lock the page of a responder's "
		    "key (RLIMIT_MEMLOCK)");
	return k;
}

struct ocsp_key *
ocsp_key_make(struct buf *spki, struct error *e)
{
	const struct key_type type = { KEY_EC_P256, 0 };
	EVP_PKEY *made = pki_leafkey_make(type, e);
	struct ocsp_key *k = NULL;

	if (made != NULL && pki_leafkey_spki(made, spki, e))
		k = taken_from(made, buf_bytes(spki), e);
	EVP_PKEY_free(made);
	return k;
}

/* Without libcrypto's decoder, which takes longer than the signature. */
static EVP_PKEY *
open_key(struct ocsp_key *k)
{
	static char curve[] = "P-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    curve, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    k->point, POINT_BYTES),
		scalar_param(k), OSSL_PARAM_construct_end()
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

bool
ocsp_key_sign(struct ocsp_key *k, struct bytes data,
    uint8_t sig[LIMIT_SIG_BYTES], size_t *n, struct error *e)
{
	EVP_PKEY *key = open_key(k);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	*n = LIMIT_SIG_BYTES;
	ok = key != NULL && ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, n, data.p, data.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok || error_ossl(e, "EVP_DigestSign");
}
