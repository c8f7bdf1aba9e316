/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Stores that Kafka, Java and librdkafka open, out of a joined bundle (bundle.h): PEM as KIP-651
 * has it, and PKCS#12 (RFC 7292). What Java 17 and 25 and OpenSSL 3.0 read was measured;
 * docs/kafka.md has what of it matters.
 */
#include <chancery/kafka/bundle.h>

/* keytool's own least. */
#define KAFKA_PASSWORD_MIN 6

struct kafka_p12 {
	const char
	    *alias; /* of the key entry, and what trust entries begin with */
	/* NULL: a trust store without password: bags unencrypted, no MAC. Java needs it so;
	 * a key store always has one. */
	const struct secret *password;
	/* 3DES and SHA-1 instead of AES-256, HMAC-SHA256, 10,000 iterations: Java 8 before
	 * 8u301 and 11 before 11.0.12. */
	bool legacy;
};
/* Letters, digits, '.', '_', '-', not empty: Java lower-cases aliases, and some tools split at
 * other characters. FAIL_USAGE. */
bool kafka_alias_check(const char *alias, struct error *e) must_check;
/* Printable ASCII of at least KAFKA_PASSWORD_MIN characters: other ones are encoded in several
 * ways. FAIL_BAD_INPUT. */
bool kafka_password_check(const struct secret *s, struct error *e) must_check;

/* Whether it is the one of a PKCS#12 file, by the MAC. A file that is none, or without a MAC:
 * false. */
bool kafka_p12_is_password(struct bytes der, const struct secret *password);

/* Key (unencrypted PKCS#8), leaf, intermediates. Owned; FAIL_CRYPTO. */
struct secret *kafka_key_pem(const struct kafka_bundle *b,
    struct error *e) must_check;
/* The key alone. */
struct secret *kafka_key_only_pem(const struct kafka_bundle *b,
    struct error *e) must_check;
/* Leaf and intermediates. */
void kafka_chain_pem(const struct kafka_bundle *b, struct buf *out);
void kafka_trust_pem(const struct kafka_bundle *b, struct buf *out);
/* Key and leaf with one localKeyID, intermediates. DER, appended. */
bool kafka_key_p12(const struct kafka_bundle *b, const struct kafka_p12 *opt,
    struct buf *out, struct error *e) must_check;
/* Every anchor as a trusted entry: alias, alias-2, …. */
bool kafka_trust_p12(const struct kafka_bundle *b, const struct kafka_p12 *opt,
    struct buf *out, struct error *e) must_check;
