/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SHA-256/384/512 and randomness, through libcrypto; fatal when libcrypto
 * fails at these (it can only be a broken installation). */
#include <openssl/types.h>

#include <chancery/base/bytes.h>

#define SHA256_LEN 32
#define DIGEST_MAX 64

struct sha256 {
	uint8_t b[SHA256_LEN];
};

/* Whatever libcrypto gives back is wiped. First of all that a process does: fatal when
 * libcrypto has taken memory before. */
void crypto_wipe_memory(void);

struct sha256 sha256(struct bytes in);
/* Hash of the concatenation: tree nodes, salted bodies. */
struct sha256 sha256_cat(struct bytes a, struct bytes b, struct bytes c);
static inline struct bytes
sha256_bytes(const struct sha256 *h)
{
	return bytes_of(h->b, SHA256_LEN);
}

/* Streaming, for what does not fit in memory. */
struct digest;
enum digest_alg {
	DIGEST_SHA256,
	DIGEST_SHA384,
	DIGEST_SHA512
};
struct digest *digest_new(enum digest_alg alg) must_check;
void digest_add(struct digest *d, struct bytes in);
/* `out` holds DIGEST_MAX; returns the length. Frees d. */
size_t digest_finish(struct digest *d, uint8_t *out);
void digest_free(struct digest *d);
size_t digest_len(enum digest_alg alg);
/* For libcrypto calls that take one; fetched once, never freed. */
const EVP_MD *digest_evp(enum digest_alg alg);
/* One shot. */
size_t digest_of(enum digest_alg alg, struct bytes in, uint8_t *out);

/* From libcrypto's generator; cheap for small sizes (per-thread pool). */
void random_bytes(void *p, size_t n);
/* Constant time. */
bool crypto_equal(const void *a, const void *b, size_t n);
