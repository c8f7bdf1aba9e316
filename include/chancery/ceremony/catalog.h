/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Certificates out of the register: the TBS of an INTENT and the signature of its
 * SIGNED are the certificate. One walk in constant memory.
 */
#include <chancery/pki/cert.h>
#include <chancery/register/register.h>

struct catalog_entry {
	uint64_t intent, outcome; /* record indexes                          */
	struct sha256 key;        /* that signed                             */
	struct bytes tbs, sig;    /* sig empty when assumed; borrowed        */
	enum sig_alg alg;
	bool ca;      /* kind "ca"                               */
	bool assumed; /* nobody knows whether it was signed      */
	const char *profile, *who, *why; /* escaped when printed              */
	int64_t t_ms;
};
/* False stops the walk; e is then its error. */
typedef bool catalog_fn(void *arg, const struct catalog_entry *c,
    struct error *e);
bool catalog_walk(const char *dir, catalog_fn *each, void *arg,
    struct error *e) must_check;

/* The whole certificate. */
void catalog_certificate(const struct catalog_entry *c, struct buf *der);

/* The newest CA certificate over this key (any issuer of this register).
 * FAIL_NOT_FOUND when there is none. *signer is the key that signed it; may be
 * NULL. */
bool catalog_issuer(const char *dir, const struct sha256 *key, struct cert *out,
    struct sha256 *signer, struct error *e) must_check;
/* A certificate file over this key instead, for an authority that somebody else
 * signed. FAIL_BAD_INPUT when it is over another key. */
bool issuer_file(const char *path, const struct sha256 *key, struct cert *out,
    struct error *e) must_check;
/* As catalog_issuer, then its issuer, up to a self-signed one or the last that this register
 * knows. Freed by catalog_chain_free. */
#define CHAIN_MAX 8
struct catalog_chain {
	struct cert v[CHAIN_MAX];
	size_t n;
};
bool catalog_chain(const char *dir, const struct sha256 *key,
    struct catalog_chain *out, struct error *e) must_check;
void catalog_chain_free(struct catalog_chain *c);
#define auto_catalog_chain auto_cleanup(catalog_chain_free)
/* By serial (hex, colons allowed). *key is the issuer key, *outcome the SIGNED. */
struct catalog_match {
	struct sha256 key;
	uint64_t intent, outcome;
	bool assumed;
	struct buf der; /* owned; TBS only when assumed */
};
bool catalog_find_serial(const char *dir, const char *serial,
    struct catalog_match *out, struct error *e) must_check;
void catalog_match_free(struct catalog_match *m);
#define auto_catalog_match auto_cleanup(catalog_match_free)

/* Serial octets without the sign octet, right-aligned in 20. False: longer. */
bool serial_align(struct bytes integer, uint8_t out[20]) must_check;
/* From text; FAIL_BAD_INPUT. */
bool serial_parse(const char *text, uint8_t out[20],
    struct error *e) must_check;
