/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keys, certificates and malformed TBSs for the pki tests. Everything asserts. */
#include <openssl/evp.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/tbs.h>

#define SAMPLE_NOW_S INT64_C(1795305600) /* 2026-11-22T00:00:00Z */
/* What the makers below take for now. */
extern int64_t sample_now_s;
#define SAMPLE_DAY INT64_C(86400)

/* From bytes in hexadecimal; spaces are skipped. */
struct buf sample_hex(const char *hex);
struct buf sample_name(const char *rfc4514);

struct sample_key {
	EVP_PKEY *pkey;
	struct buf der;
	struct spki spki;
	uint8_t id[20];
	enum sig_alg alg; /* its default */
};
/* Made once a process and kept; "rsa-2048", "ec-p256" … */
const struct sample_key *sample_key(const char *type);
/* A second key of the type. */
const struct sample_key *sample_other_key(const char *type);
void sample_keys_free(void);
void sample_sign(const struct sample_key *k, enum sig_alg alg,
    struct bytes message, struct buf *sig);

/* An issuer to sign with: name, key, ten years around SAMPLE_NOW_S. */
struct sample_issuer {
	const struct sample_key *key;
	struct buf name;
	struct tbs_issuer tbs;
};
void sample_issuer_make(struct sample_issuer *out, const char *name,
    const struct sample_key *key);
void sample_issuer_free(struct sample_issuer *i);

/* A good TBS of a profile, with a CN and (where the profile takes them) SANs;
 * each has a serial of its own. */
void sample_tbs_good(const struct profile *p, const struct tbs_issuer *issuer,
    const struct sample_key *key, struct buf *tbs);
/* TBS, signature, certificate. */
void sample_certificate(struct bytes tbs, const struct sample_key *issuer,
    struct buf *der);

/* A TBS in pieces, to be made wrong. Borrows. */
struct sample_ext {
	char oid[64];
	bool critical;
	struct bytes value;
};
struct sample_tbs {
	unsigned version;
	struct bytes serial; /* contents, as they are */
	struct bytes alg_der, issuer, subject, spki;
	int64_t not_before_s, not_after_s;
	bool generalized; /* both times, whatever the year */
	bool unique_id;
	struct sample_ext ext[16];
	size_t n;
};
void sample_tbs_split(const struct tbs_view *v, struct sample_tbs *out);
void sample_tbs_join(const struct sample_tbs *s, struct buf *out);
/* Replace or add. */
void sample_ext_set(struct sample_tbs *s, const char *oid, bool critical,
    struct bytes value);
void sample_ext_drop(struct sample_tbs *s, const char *oid);
