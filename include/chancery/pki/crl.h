/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * CRLs (RFC 5280 5): a constant-memory TBSCertList writer and a strict reader.
 * Lengths come first in DER, so the entries are given twice: once to be counted,
 * once to be written (an iterator over the sorted, memory-mapped index).
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/error.h>
#include <chancery/pki/spki.h>

/* RFC 5280 5.3.1; 0 is written as absence. */
enum crl_reason {
	CRL_UNSPECIFIED = 0,
	CRL_KEY_COMPROMISE = 1,
	CRL_CA_COMPROMISE = 2,
	CRL_AFFILIATION_CHANGED = 3,
	CRL_SUPERSEDED = 4,
	CRL_CESSATION = 5,
	CRL_HOLD = 6,
	CRL_REMOVE = 8,
	CRL_PRIVILEGE_WITHDRAWN = 9,
	CRL_AA_COMPROMISE = 10,
};
const char *crl_reason_name(enum crl_reason r); /* "keyCompromise", RFC names */
bool crl_reason_by_name(const char *name, enum crl_reason *out) must_check;
/* Whether it is one of the above. */
bool crl_reason_valid(uint64_t value) must_check;

struct crl_entry {
	uint8_t serial[20]; /* big-endian, right-aligned unsigned magnitude   */
	int64_t revoked_s;
	int64_t invalidity_s; /* 0: none (RFC 5280 5.3.2)                     */
	enum crl_reason reason;
	/* For the writer: whole Extensions beside those two. The reader leaves it empty. */
	struct bytes more;
};
/* Next entry in ascending serial order; false at the end. `rewind` starts over. */
struct crl_source {
	bool (*next)(void *arg, struct crl_entry *out);
	void (*rewind)(void *arg);
	void *arg;
};

struct crl_params {
	struct bytes issuer; /* DER Name                               */
	uint8_t aki[20];
	enum sig_alg alg;
	int64_t this_update_s, next_update_s;
	uint64_t number;
	/* URLs, a space between two, as the certificates name them (RFC 5280 6.3.3 b:
	 * one has to match). NULL: complete CRL without IDP. */
	const char *idp_url;
	bool idp_only_user, idp_only_ca;
	int64_t delta_base; /* -1: not a delta                        */
	struct bytes more;  /* whole Extensions, behind the others    */
};

/* Where the bytes go: called with successive pieces. */
typedef bool crl_sink(void *arg, struct bytes piece, struct error *e);

/*
 * A TBSCertList that is written bit by bit: in two passes over the entries, as far as they come
 * before the source pauses: `next` has none, and *paused (NULL: it never does) says that there
 * may be more. What is given is borrowed until the end.
 */
struct crl_written {
	uint64_t tbs_bytes; /* set before the first piece comes */
	uint64_t entries;
	uint8_t digest[DIGEST_MAX]; /* at the end */
	size_t digest_n;            /* 0 for Ed25519 */
};
struct crl_writer;
struct crl_writer *crl_writer_new(const struct crl_params *p,
    const struct crl_source *src, const bool *paused, crl_sink *sink, void *arg,
    struct error *e) must_check;
void crl_writer_free(struct crl_writer *w); /* NULL is fine */
DEFINE_AUTO(crl_writer, struct crl_writer *, crl_writer_free)
#define auto_crl_writer auto_cleanup(crl_writer_cleanup)
/* *done: all of it is written. After a failure it can only be freed. */
bool crl_writer_go_on(struct crl_writer *w, bool *done,
    struct error *e) must_check;
const struct crl_written *crl_writer_written(const struct crl_writer *w);

/* The same at once. Write the TBSCertList to `sink` in pieces, hashing with the algorithm's digest
 * on the way (`digest` holds DIGEST_MAX; length 0 for Ed25519). Entries must come
 * in strictly ascending order (checked). Uses O(1) memory. */
bool crl_write_tbs(const struct crl_params *p, const struct crl_source *src,
    crl_sink *sink, void *arg, uint8_t *digest, size_t *digest_len,
    uint64_t *tbs_bytes, uint64_t *entries, struct error *e) must_check;

/* Header of CertificateList around a TBS of that many bytes, and what follows it:
 * written before and after the TBS bytes. */
void crl_outer(uint64_t tbs_bytes, enum sig_alg alg, struct bytes sig,
    struct buf *head, struct buf *tail);

/* A parsed CRL; entries are walked, never collected. Borrows the bytes. */
struct crl_view {
	struct bytes der, tbs, issuer, sig, entries;
	enum sig_alg alg;
	int64_t this_update_s, next_update_s;
	uint64_t number;
	unsigned version; /* 1 or 2 */
	bool has_number;
	bool has_aki, has_idp, has_delta;
	bool idp_critical, delta_critical, idp_only_user, idp_only_ca;
	bool idp_other;  /* indirect, onlySomeReasons or onlyAttributeCerts   */
	bool empty_list; /* revokedCertificates stands there without entries */
	struct bytes aki, idp_url; /* the first URL of the IDP */
	uint64_t delta_base;
};
/* DER, or the first "X509 CRL" of PEM, which is decoded into *owned. Strict DER of
 * everything but the entries, which crl_next_entry checks. number and delta_base
 * above 64 bits are FAIL_UNSUPPORTED, as are unknown critical extensions. */
bool crl_parse(struct bytes in, const char *file, struct buf *owned,
    struct crl_view *out, struct error *e) must_check;
/* The TBSCertList alone, as strict: der and sig are empty. */
bool crl_tbs_parse(struct bytes tbs, struct crl_view *out,
    struct error *e) must_check;
/* Next entry from offset *at (0 first). False at the end, with e->why FAIL_NONE, or
 * for a malformed entry (FAIL_BAD_INPUT). Critical entry extensions are refused:
 * certificateIssuer would make it an indirect CRL. */
bool crl_next_entry(const struct crl_view *v, size_t *at, struct crl_entry *out,
    struct error *e) must_check;
bool crl_verify(const struct crl_view *v, const struct spki *issuer,
    struct error *e) must_check;
