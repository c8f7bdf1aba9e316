/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * OCSP (RFC 6960, RFC 9919), in parts:
 *
 *   ocsp.c            a request, from its octets to its answer
 *   ocsp_ask.c        an answer that has to be signed
 *   ocsp_index.c      who answers for whom: what the documents of a mount say, per worker
 *   ocsp_status.c     good, revoked, unknown: what the store says
 *   ocsp_cache.c      answers that were signed, of all workers
 *   ocsp_sign.c       what waits for a responder's key, many under one INTENT, per worker
 *   ocsp_responder.c  a responder's key and certificate: the call that makes them
 *   ocsp_memory.c     responders of which the keys lie here, of all workers
 *   ocsp_key.c        such a key
 *   ocsp_keeper.c     the timer that asks for it
 *
 * An answer is signed by a responder of the issuer's own (RFC 6960 2.6): a key that may
 * sign nothing else, with a certificate of that issuer.
 */
#include <stdatomic.h>

#include <chancery/pki/ocsp.h>

#include "engine.h"

/* ---- responders: documents of this kind in the scope of a mount ---- */
#define OCSP_KIND "pki-ocsp"
/* Their name: of the issuer's key under the issuer's name, which reissued certificates of
 * an authority share. */
#define OCSP_NAME_SIZE (2 * SHA256_LEN + 1)
void ocsp_responder_name(const struct issuer *i, char out[OCSP_NAME_SIZE]);
struct ocsp_responder {
	struct buf spki; /* DER */
	struct sha256 key;
	uint8_t key_id[20];
	enum sig_alg alg;
	bool has_cert;
	struct cert cert;
	struct ocsp_key *key_here; /* NULL: in the HSM */
	atomic_uint refs;          /* of ocsp_memory.c */
};
/* From DER; cert empty: none yet. ocsp_responder_free. */
struct ocsp_responder *ocsp_responder_new(struct bytes spki, struct bytes cert,
    struct error *e) must_check;
void *ocsp_responder_parse(const char *scope, const char *name,
    const json_t *json, struct error *e);
void ocsp_responder_free(void *parsed);

/* ---- ocsp_key.c ---- */
struct ocsp_key;
/* SubjectPublicKeyInfo, appended. NULL: FAIL_CRYPTO. */
struct ocsp_key *ocsp_key_make(struct buf *spki, struct error *e) must_check;
void ocsp_key_free(struct ocsp_key *k); /* NULL is fine */
/* ECDSA with SHA-256. Any thread. */
bool ocsp_key_sign(struct ocsp_key *k, struct bytes data,
    uint8_t sig[LIMIT_SIG_BYTES], size_t *n, struct error *e) must_check;

/* ---- ocsp_memory.c: any thread ---- */
/* Held until ocsp_memory_release; NULL: none yet. */
const struct ocsp_responder *ocsp_memory_get(const char *mount,
    const char *name) must_check;
void ocsp_memory_release(const struct ocsp_responder *r); /* NULL is fine */
/* In the place of the one before; takes the key, unless it fails. */
bool ocsp_memory_add(const char *mount, const char *name, struct bytes spki,
    struct bytes cert, struct ocsp_key **key, struct error *e) must_check;
uint64_t ocsp_memory_changes(void) must_check;
/* Between two sweeps: its issuer is still there. */
void ocsp_memory_keep(const char *mount, const char *name);
/* Those of which nobody said so since the last one go; who signs with one holds it. */
void ocsp_memory_sweep(void);
void ocsp_memory_free(void); /* after all workers */

/* ---- ocsp_index.c ---- */
struct ocsp_issuer {
	const struct doc *doc,
	    *responder_doc; /* held; the second may be NULL */
	const struct ocsp_responder *in_memory; /* held; likewise */
	const struct issuer *issuer;
	/* With a certificate; NULL: there is none yet. */
	const struct ocsp_responder *responder;
	uint8_t name[OCSP_HASH__COUNT][DIGEST_MAX],
	    key[OCSP_HASH__COUNT][DIGEST_MAX];
};
struct ocsp_index {
	struct ocsp_index *next;
	unsigned refs;
	char *mount;
	uint64_t changes, in_memory; /* docs_changes, ocsp_memory_changes */
	bool disabled, unknown_is_revoked;
	int64_t expiry_s;
	struct ocsp_issuer *v; /* those that may have a responder */
	size_t n;
};
/* Held; this thread's. */
struct ocsp_index *ocsp_index_get(struct docs *d, const char *mount) must_check;
void ocsp_index_put(struct ocsp_index *x); /* NULL is fine */
void ocsp_index_worker_end(void);
/* NULL: nobody's here. */
const struct ocsp_issuer *ocsp_issuer_of(const struct ocsp_index *x,
    const struct ocsp_cert_id *id) must_check;

/* ---- ocsp_status.c ---- */
struct ocsp_status_of {
	enum ocsp_status status;
	bool never_issued;
	int64_t revoked_s;
	enum crl_reason reason;
};
/* issuer NULL: unknown. Failures are the store's. */
bool ocsp_status_get(struct store *s, const char *mount,
    const struct ocsp_issuer *issuer, const struct ocsp_cert_id *id,
    struct ocsp_status_of *out, struct error *e) must_check;

/* ---- ocsp_cache.c ---- */
struct ocsp_cached {
	struct sha256 key; /* responder, CertID, how it is answered */
	struct ocsp_status_of status;
	int64_t this_s, next_s;
	struct bytes der; /* OCSPResponse */
};
/* Of one certificate, without a nonce. */
void ocsp_cache_key(const struct ocsp_index *x, const struct ocsp_issuer *i,
    const struct ocsp_cert_id *id, struct sha256 *out);
/* What is there and holds at now_s, held until ocsp_cached_put; NULL: nothing. `seen` is
 * store_revocations: an answer that was checked at another number is not current before
 * ocsp_cache_checked. *renew: half of its time is over, and nobody was told so in the last
 * seconds. */
const struct ocsp_cached *ocsp_cache_get(const struct sha256 *key,
    int64_t now_s, uint64_t seen, bool *current, bool *renew) must_check;
void ocsp_cached_put(const struct ocsp_cached *c);
/* Its status was read after `seen` was, and is still so. */
void ocsp_cache_checked(const struct ocsp_cached *c, uint64_t seen);
void ocsp_cache_drop(const struct sha256 *key);
/* Copies the octets. Nothing is kept of what holds for no time. */
void ocsp_cache_add(const struct ocsp_cached *c, uint64_t seen);
void ocsp_cache_free(void);
struct ocsp_counts {
	_Atomic uint64_t cached, signed_, later, refused;
	_Atomic uint64_t entries, bytes;
};
extern struct ocsp_counts ocsp_counts;

/* ---- ocsp_sign.c ---- */
enum ocsp_rank {          /* who goes first */
	OCSP_FOR_KNOWN,   /* certificates there are */
	OCSP_FOR_ANYBODY, /* as many as anybody likes to ask for: with nonces,
	                     never issued, of several certificates */
	OCSP_RANKS
};
/* The signature is borrowed. Within a few seconds, in this thread, never from within the
 * submitting call. FAIL_BUSY: too many wait. `why` NULL: the worker has ended, its calls are
 * answered no more; what only `arg` holds goes. */
typedef void ocsp_signed_fn(void *arg, const struct error *why,
    struct bytes sig);
void ocsp_sign(struct http_worker *w, struct lane *l,
    const struct ocsp_responder *r, const char *mount, struct bytes data,
    enum ocsp_rank rank, ocsp_signed_fn *done, void *arg);
void ocsp_sign_worker_end(void);

/* ---- ocsp.c: each ends the call ---- */
void ocsp_refuse(struct call *c, enum ocsp_refusal r);
/* cacheable: of one certificate, without a nonce. */
void ocsp_send(struct call *c, const struct ocsp_cached *a, bool cacheable);

/* ---- ocsp_ask.c ---- */
/* Ends the call when the signature is there, or why it is not. The request was parsed. */
void ocsp_ask(struct call *c, struct ocsp_index *x, const struct ocsp_issuer *i,
    struct bytes request);
/* The same for the cache alone; the call goes on. */
void ocsp_renew(struct call *c, struct ocsp_index *x,
    const struct ocsp_issuer *i, struct bytes request);

/* ---- ocsp_rate.c ---- */
/* Before any worker runs. */
void ocsp_rate_set(unsigned answers_per_s);
bool ocsp_rate_take(void) must_check; /* any thread */

/* ---- ocsp_responder.c, ocsp_keeper.c ---- */
/* Any thread: somebody asks about certificates of that issuer, which has no responder. */
void ocsp_responder_wanted(const char *mount, const char *issuer_id);
/* Whether the last attempt was refused for good (the issuer's charter …). */
bool ocsp_responder_refused(const char *mount, const char *issuer_id);
/* Half of the certificate's life is over, or there is none. */
bool ocsp_responder_due(const struct ocsp_responder *r, const struct issuer *i,
    int64_t now_s);
/* Whether that issuer may have one at all. */
bool ocsp_may(const struct issuer *i);
void ocsp_keeper_start(struct event_base *base, struct lane *lane,
    struct api *api);
void ocsp_keeper_stop(void);
call_fn ocsp_post, ocsp_get, ocsp_responder_make;
