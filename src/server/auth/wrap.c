/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "secret_id.h"

#define NONCE 12
#define TAG 16

DEFINE_AUTO(cipher, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)
#define auto_cipher auto_cleanup(cipher_cleanup)

/* Not the hash by which the store knows the token. */
static struct sha256
wrap_key(struct bytes token)
{
	return sha256_cat(bytes_str("chancery wrapped answer"), bytes_of("", 1),
	    token);
}

void
wrap_seal(struct bytes token, struct bytes plain, struct buf *out)
{
	auto_cipher EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct sha256 key = wrap_key(token);
	uint8_t nonce[NONCE], *p;
	int n = 0, tail = 0;

	random_bytes(nonce, sizeof(nonce));
	buf_add(out, nonce, sizeof(nonce));
	p = buf_reserve(out, plain.n + TAG);
	if (ctx == NULL ||
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key.b, nonce) !=
		1 ||
	    EVP_EncryptUpdate(ctx, p, &n, plain.p, (int)plain.n) != 1 ||
	    EVP_EncryptFinal_ex(ctx, p + n, &tail) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, p + plain.n) !=
		1)
		fatal("AES-256-GCM");
	buf_commit(out, plain.n + TAG);
	OPENSSL_cleanse(&key, sizeof(key));
}

/* In place: the room of `plain` is written once. */
static bool
open_into(struct bytes token, struct bytes sealed, uint8_t *p)
{
	auto_cipher EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct sha256 key = wrap_key(token);
	size_t text = sealed.n - NONCE - TAG;
	uint8_t tag[TAG];
	int n = 0, tail = 0;
	bool ok;

	memcpy(tag, sealed.p + NONCE + text, TAG);
	ok = ctx != NULL &&
	    EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key.b, sealed.p) ==
		1 &&
	    EVP_DecryptUpdate(ctx, p, &n, sealed.p + NONCE, (int)text) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
	    EVP_DecryptFinal_ex(ctx, p + n, &tail) == 1;
	OPENSSL_cleanse(&key, sizeof(key));
	return ok;
}

bool
wrap_open(struct bytes token, struct bytes sealed, struct secret *plain,
    struct error *e)
{
	uint8_t *p;
	bool ok;

	if (sealed.n < NONCE + TAG)
		return error_set(e, FAIL_CORRUPT, "a wrapped answer is cut");
	p = OPENSSL_malloc(sealed.n);
	if (p == NULL)
		fatal("out of memory");
	ok = open_into(token, sealed, p) &&
	    secret_set(plain, p, sealed.n - NONCE - TAG);
	OPENSSL_clear_free(p, sealed.n);
	return ok ||
	    error_set(e, FAIL_CORRUPT, "a wrapped answer is not what it was");
}
