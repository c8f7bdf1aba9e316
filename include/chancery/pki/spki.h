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
 * modulus LIMIT_RSA_BITS_MIN..MAX, odd, exponent odd, ≥ 65537 and at most
 * LIMIT_RSA_EXPONENT_BITS. Borrows. FAIL_BAD_INPUT malformed, FAIL_UNSUPPORTED
 * an algorithm or curve we do not take, FAIL_REFUSED well-formed and bad. */
bool spki_parse(struct bytes der, struct spki *out, struct error *e) must_check;

/* As above, then the weak-key rules (weak.h). */
bool spki_check_strong(const struct spki *k, struct error *e) must_check;

/* Verify with a fresh context each time (a reused EVP_MD_CTX keeps the old key:
 * feasibility.md section 6). FAIL_CRYPTO when it does not verify, FAIL_BAD_INPUT
 * when the signature is not in its only form (RSA: as long as the modulus;
 * ECDSA: strict DER), FAIL_UNSUPPORTED when the algorithm is not the key's (RSA, ECDSA,
 * Ed25519). Any of our hashes goes with any curve, because `openssl req` signs
 * with SHA-256 whatever the curve; the pairs that we make are sig_alg_fits.
 * Thread-safe. */
bool spki_verify(const struct spki *k, enum sig_alg alg, struct bytes message,
    struct bytes sig, struct error *e) must_check;
/* The same from the digest (prehash algorithms only). */
bool spki_verify_digest(const struct spki *k, enum sig_alg alg,
    struct bytes digest, struct bytes sig, struct error *e) must_check;

/* A key that verifies often (an issuer's own): libcrypto's object is built once.
 * It owns what it needs, so `k` and its bytes may go. May be used by any number
 * of threads at once; each check has a context of its own. Checks and reasons as
 * spki_verify. */
struct spki_verifier;
void spki_verifier_free(struct spki_verifier *v);
struct spki_verifier *spki_verifier_new(const struct spki *k,
    struct error *e) must_check released_by(spki_verifier_free);
bool spki_verifier_check(const struct spki_verifier *v, enum sig_alg alg,
    struct bytes message, struct bytes sig, struct error *e) must_check;
bool spki_verifier_check_digest(const struct spki_verifier *v, enum sig_alg alg,
    struct bytes digest, struct bytes sig, struct error *e) must_check;

/* RFC 5280 4.2.1.2 method 1: SHA-1 of the
 * subjectPublicKey bits, because that is what every peer computes. */
void spki_key_id(const struct spki *k, uint8_t out[20]);
