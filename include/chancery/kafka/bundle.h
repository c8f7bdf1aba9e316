/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A private key, its certificate, the intermediates and the trust anchors, brought together
 * from PEM in any order and checked to belong together. Keys live in libcrypto's secure heap
 * (locked, left out of dumps, wiped) once kafka_lock_memory was called; input with keys comes
 * from a struct secret.
 */
#include <openssl/types.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/secret.h>
#include <chancery/pki/cert.h>

/* A key file or an answer with key and chain: RSA-8192 with a chain of four and their text
 * dumps stays below. */
#define KAFKA_INPUT_BYTES (256 << 10)
/* Certificates of one input: JDK 25 takes 8 from a client (jdk.tls.maxClientCertificateChainLength),
 * a file with every CA of a company has some dozens. */
#define KAFKA_CERTS_MAX 64

/* Once a process, before the first key. A system that locks no memory is tolerated. */
void kafka_lock_memory(void);

struct kafka_bundle;
struct kafka_bundle *kafka_bundle_new(void) must_check;
void kafka_bundle_free(struct kafka_bundle *b);
DEFINE_AUTO(kafka_bundle, struct kafka_bundle *, kafka_bundle_free)
#define auto_kafka_bundle auto_cleanup(kafka_bundle_cleanup)

/* First private key in the PEM: PKCS#8, PKCS#1 or SEC 1, encrypted only with a password.
 * FAIL_NOT_FOUND: no key there; FAIL_PIN: the password does not open it, or there is none;
 * FAIL_UNSUPPORTED: neither RSA, P-256, P-384, P-521 nor Ed25519. */
bool kafka_bundle_set_key(struct kafka_bundle *b, struct bytes pem,
    const struct secret *password, const char *file,
    struct error *e) must_check;
/* A fresh one: "rsa-2048", "ec-p256"… as key_type_by_name has them. */
bool kafka_bundle_make_key(struct kafka_bundle *b, const char *type,
    struct error *e) must_check;
/* NULL: none yet. Borrowed. */
EVP_PKEY *kafka_bundle_key(const struct kafka_bundle *b);
/* What key_type_name says of it; "" without a key. */
const char *kafka_bundle_key_type(const struct kafka_bundle *b);

/* Every CERTIFICATE block: leaf, intermediates, and roots, which are left out of the chain.
 * May be called several times; what is there twice counts once. */
bool kafka_bundle_add_certs(struct kafka_bundle *b, struct bytes pem,
    const char *file, struct error *e) must_check;
/* Trust anchors. */
bool kafka_bundle_add_anchors(struct kafka_bundle *b, struct bytes pem,
    const char *file, struct error *e) must_check;
/* A self-signed certificate at the end of the chain becomes an anchor, where no other was
 * added. After kafka_bundle_join. False: there is none. */
bool kafka_bundle_trust_root(struct kafka_bundle *b);

/* Key and certificates of a PKCS#12 file, in the place of the calls above. FAIL_PIN: the password;
 * FAIL_UNSUPPORTED: no MAC, or encrypted by what libcrypto's default provider does not have (RC2-40,
 * as old keytool and OpenSSL 1 wrote it); FAIL_BAD_INPUT: no PKCS#12; FAIL_NOT_FOUND: no key in it. */
bool kafka_bundle_open_p12(struct kafka_bundle *b, struct bytes der,
    const struct secret *password, const char *file,
    struct error *e) must_check;

/* Which certificate is the key's, and by whom each is signed, verified. FAIL_BAD_INPUT: none is
 * the key's, or one belongs to nobody (keytool refuses a file with such a one); FAIL_CRYPTO: a
 * signature; FAIL_REFUSED: anchors were added and the chain does not end at one of them. */
bool kafka_bundle_join(struct kafka_bundle *b, struct error *e) must_check;

/* The same for certificates whose key lies elsewhere: the first that was added is the leaf. */
bool kafka_bundle_join_public(struct kafka_bundle *b,
    struct error *e) must_check;

/* libcrypto's object of a certificate, for X509_free; NULL when it does not take it. */
X509 *kafka_x509(const struct cert *c) must_check;

/* The chain, leaf first, without root; after kafka_bundle_join. NULL past the end. */
const struct cert *kafka_bundle_chain(const struct kafka_bundle *b, size_t i);
/* All of it, borrowed until certificates are added. */
const struct cert *const *kafka_bundle_whole_chain(const struct kafka_bundle *b,
    size_t *n);
const struct cert *kafka_bundle_anchor(const struct kafka_bundle *b, size_t i);
/* Whether it is one of the anchors: by name and key. */
bool kafka_bundle_is_anchor(const struct kafka_bundle *b, const struct cert *c);
/* The anchor that signed it, or NULL. */
const struct cert *kafka_bundle_anchor_above(const struct kafka_bundle *b,
    const struct cert *c);
