/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Public keys as SubjectPublicKeyInfo bytes, without OpenSSL's decoder (113 us
 * against 5): what the decoder checked is checked here, first.
 */
#include <chancery/base/alg.h>
#include <chancery/base/error.h>

struct spki {
	struct bytes der; /* whole SubjectPublicKeyInfo, borrowed     */
	struct key_type type;
	struct bytes point; /* EC: 0x04‖x‖y; Ed25519: 32 octets; RSA:
	                          RSAPublicKey                        */
	struct bytes modulus, exponent; /* RSA, without leading zero  */
};

/* Parse and check form: known algorithm with exact parameters (named curves
 * only), no unused bits, uncompressed point on the curve and not infinity, RSA
 * modulus LIMIT_RSA_BITS_MIN..MAX, odd, exponent odd and ≥ 65537. Borrows. */
bool spki_parse(struct bytes der, struct spki *out, struct error *e) must_check;

/* As above, then the weak-key rules (weak.h). */
bool spki_check_strong(const struct spki *k, struct error *e) must_check;

/* Verify with a fresh context each time (a reused EVP_MD_CTX keeps the old key:
 * feasibility.md section 6). FAIL_CRYPTO when it does not verify. */
bool spki_verify(const struct spki *k, enum sig_alg alg, struct bytes message,
    struct bytes sig, struct error *e) must_check;
/* The same from the digest (prehash algorithms only). */
bool spki_verify_digest(const struct spki *k, enum sig_alg alg,
    struct bytes digest, struct bytes sig, struct error *e) must_check;

/* RFC 5280 4.2.1.2 method 1: SHA-1 of the
 * subjectPublicKey bits, because that is what every peer computes. */
void spki_key_id(const struct spki *k, uint8_t out[20]);
