/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Key types and signature algorithms: the one vocabulary that hsm/, pki,
 * charter and register share. Names are the ones of configuration files,
 * plans and records.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/crypto.h>

enum key_alg {
	KEY_RSA,
	KEY_EC_P256,
	KEY_EC_P384,
	KEY_EC_P521, /* accepted in requests, never generated */
	KEY_ED25519,
	KEY_ALG__COUNT
};

/* What a key is: algorithm, and the modulus size for RSA (0 otherwise). */
struct key_type {
	enum key_alg alg;
	unsigned bits;
};

enum sig_alg {
	SIG_RSA_SHA256, /* RFC 8017 8.2, PKCS#1 v1.5 */
	SIG_RSA_SHA384,
	SIG_RSA_SHA512,
	SIG_PSS_SHA256, /* RFC 8017 8.1, MGF1 with the same hash, salt = hash */
	SIG_PSS_SHA384,
	SIG_PSS_SHA512,
	SIG_ECDSA_SHA256, /* RFC 5758 3.2 */
	SIG_ECDSA_SHA384,
	SIG_ECDSA_SHA512,
	SIG_ED25519, /* RFC 8410; signs the message itself */
	SIG_ALG__COUNT
};

struct sig_alg_info {
	const char *name; /* "ecdsa-sha256" */
	bool rsa, pss, ec, ed25519;
	bool prehash;           /* false: the message is signed (Ed25519)  */
	enum digest_alg digest; /* when prehash                           */
	struct bytes der;       /* the whole AlgorithmIdentifier, DER      */
};

const struct sig_alg_info *sig_alg_info(enum sig_alg alg);
bool sig_alg_by_name(const char *name, enum sig_alg *out) must_check;
/* From the exact AlgorithmIdentifier bytes (RFC 5280 4.1.1.2: parameters
 * count); false for anything that is not in the table. */
bool sig_alg_by_der(struct bytes der, enum sig_alg *out) must_check;
/* Whether a key of this type can make such a signature, and the hash suits
 * the curve (P-256 with SHA-256, P-384 with SHA-384, P-521 with SHA-512). */
bool sig_alg_fits(enum sig_alg alg, struct key_type type);
/* The default of a key type: rsa-sha256, ecdsa-sha256, ecdsa-sha384, … */
enum sig_alg sig_alg_default(struct key_type type);
/* The longest signature of a key; of ECDSA as DER (RFC 3279 2.2.3, two INTEGERs). */
size_t key_signature_max(struct key_type type);

/* "rsa-3072", "ec-p256", "ec-p384", "ed25519"; static or thread-local text. */
const char *key_type_name(struct key_type type);
bool key_type_by_name(const char *name, struct key_type *out) must_check;
/* RSA 2048/3072/4096, P-256, P-384, Ed25519. */
bool key_type_can_generate(struct key_type type);
