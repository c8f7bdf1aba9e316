/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ed25519 keys in memory for tests of notes: the seed is one octet repeated. */
#include <openssl/evp.h>

#include <chancery/register/note.h>

static inline EVP_PKEY *
test_note_pkey(uint8_t seed)
{
	uint8_t raw[32];

	memset(raw, seed, sizeof(raw));
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw,
	    sizeof(raw));
}

static inline bool
test_note_sign(void *arg, struct bytes message, uint8_t sig[64],
    struct error *e)
{
	EVP_PKEY *key = test_note_pkey(*(const uint8_t *)arg);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 64;
	bool ok;

	ok = key != NULL && ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, &n, message.p, message.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok || error_ossl(e, "EVP_DigestSign");
}

/* `seed` must live as long as the signer. */
static inline struct note_signer
test_note_signer(const char *name, uint8_t type, uint8_t *seed)
{
	EVP_PKEY *key = test_note_pkey(*seed);
	struct note_signer s = { .sign = test_note_sign, .arg = seed };
	uint8_t pub[32] = { 0 };
	size_t n = sizeof(pub);

	if (key == NULL || EVP_PKEY_get_raw_public_key(key, pub, &n) != 1)
		fatal("Ed25519 key");
	EVP_PKEY_free(key);
	note_key_init(&s.key, name, type, pub);
	return s;
}
