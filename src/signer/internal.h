/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside the signer. A request walks through the lists of struct signer:
 *
 *   queued → (charter, INTENT) → admitted → (commit) → flying → (C_Sign,
 *   verify) → (SIGNED) → finished → (commit) → reply
 *
 * request.c makes and frees them, turn.c moves them, and one file per message
 * says what the message means: how it is admitted and what its signature
 * completes.
 */
#include <sys/queue.h>

#include <chancery/base/limits.h>
#include <chancery/signer/signer.h>

struct request;

/* What differs between messages; one row each, in the message's file. */
struct request_type {
	const char *name;  /* kind in INTENT and REFUSED              */
	bool no_signature; /* complete once its record is durable     */
	/* Decide and append the records; prepares the parts. False refuses (e is
	 * the caller's answer, r->verdict the rule when a charter said no)
	 * or, with r->waits, asks to be called again next round. */
	bool (*admit)(struct signer *s, struct request *r, struct error *e);
	/* After a verified signature, before SIGNED is appended. May be NULL. */
	bool (*complete)(struct signer *s, struct request *r, struct error *e);
	/* After SIGNED is durable, before the reply. May be NULL. */
	bool (*release)(struct signer *s, struct request *r, struct error *e);
	/* The INTENT's outcome is unknown: what is recorded before ASSUMED, so
	 * that a torn batch leaves nothing undone. */
	bool (*assumed)(struct signer *s, const struct record *intent,
	    struct error *e);
};
extern const struct request_type request_certify, request_csr, request_crl,
    request_ocsp, request_revoke;
/* By INTENT kind ("leaf", "ca", "crl", "csr"), for settling; NULL: none. */
const struct request_type *request_type_of(struct bytes kind);

/* A key of the register; `handle` is NULL when its token is not given here. */
struct signer_key {
	struct sha256 id;
	struct buf spki_der;
	struct spki spki;
	bool spki_ok;
	uint8_t key_id[20]; /* SHA-1 of the key bits: SKI of its certs */
	struct hsm_key *handle;
	bool can_sign;           /* has a handle, or tests gave a fake     */
	struct error open_error; /* why not, when !can_sign                 */
	struct charter *charter; /* NULL: none yet, signs nothing           */
	uint64_t charter_index;
};

struct crl_work;

/* One signature of a request: a job of the key half. Only SIGN_OCSP has several. */
struct part {
	struct request *request;
	uint8_t digest[DIGEST_MAX];
	struct bytes to_sign;
	struct buf sig;
};

struct request {
	TAILQ_ENTRY(request) link;
	const struct request_type *type;
	struct signer_key *key;
	signer_done_fn *done;
	void *arg;

	/* As asked; all owned. */
	struct buf data; /* TBS, CertificationRequestInfo, foreign cert */
	char *who, *why, *profile;
	uint8_t id[32];
	size_t id_len;
	uint64_t retry_of, cert;
	enum crl_reason reason;
	int64_t invalidity_s;
	struct crl_work *crl;

	/* On the way. */
	const char *kind; /* of the INTENT */
	enum sig_alg alg;
	struct part one, *part; /* `part` is &one, or an array of its own  */
	size_t parts, open_parts;
	bool waits;  /* for another one like it (crl.c)         */
	bool builds; /* its list, and waits for the next turn   */
	unsigned attempts;
	struct buf sig; /* as SIGNED carries it */

	/* The answer. */
	struct error err; /* FAIL_NONE: done */
	struct charter_verdict verdict;
	uint64_t intent, signed_, record;
	int64_t record_s;
};
TAILQ_HEAD(request_list, request);

/* Serials handed out and not used: open addressing over 20-octet entries. */
struct outstanding {
	uint8_t (*slot)[LIMIT_SERIAL_BYTES]; /* all zero: free */
	size_t n;
};
void outstanding_init(struct outstanding *s);
void outstanding_free(struct outstanding *s);
bool outstanding_full(const struct outstanding *s, size_t more);
void outstanding_add(struct outstanding *s, const uint8_t *serial);
/* True when it was there; it is gone then. */
bool outstanding_take(struct outstanding *s, const uint8_t *serial);

/* Request ids of the recent past, for SETTLE. */
struct settle_map;
struct settle_map *settle_map_new(void) must_check;
void settle_map_free(struct settle_map *m);
void settle_map_note(struct settle_map *m, const struct record *rec);

struct signer {
	struct signer_config cfg;
	struct reg *reg;
	struct key_queue *queue;
	struct signer_key **keys; /* stable addresses */
	size_t keys_n, keys_cap;
	struct request_list queued, admitted, flying, finished;
	size_t in_flight;
	uint64_t list_left; /* of LIST_PART in this turn            */
	bool builds;        /* a list goes on in the next turn      */
	struct outstanding serials;
	struct settle_map *settled;
	bool sacrificed[SIGNER_TOKENS_MAX]; /* template shown to hold */
	struct error dead;                  /* FAIL_NONE: alive */
	uint64_t refused_hour, refused_in_hour, refused_dropped;
	bool in_turn;
	/* The record that was appended last. */
	uint64_t last_n;
	int64_t last_s;
};

/* request.c */
bool signer_claim_check(const struct signer_claim *c,
    struct error *e) must_check;
struct request *request_new(struct signer *s, const struct request_type *type,
    const struct sha256 *key, const struct signer_claim *claim,
    signer_done_fn *done, void *arg, struct error *e) must_check;
void request_free(struct request *r);
void request_queue(struct signer *s, struct request *r);
/* Refuse under a rule, which the REFUSED record and the answer name. */
bool request_refuse(struct request *r, const char *rule, const char *field,
    struct error *e);
/* who, why, req of a record. */
void request_claim(const struct request *r, struct record *rec);
/* Hash (or not) and point to_sign at what C_Sign gets; `message` must live as
 * long as the request. */
void request_prepare(struct request *r, struct bytes message);
/* SHA-256 of what request_prepare was given: what is signed may be that already. */
struct sha256 request_sha256(const struct request *r, struct bytes message);
/* The same for one of several. */
void part_prepare(struct part *p, enum sig_alg alg, struct bytes message);
/* Make room for n parts. */
void request_parts(struct request *r, size_t n);

/* keys.c */
struct signer_key *signer_key_find(struct signer *s, const struct sha256 *id);
/* The private key of that CKA_ID; `spki` where the token keeps none, or empty. */
struct hsm_key *signer_open_by_id(struct hsm_token *t, struct bytes id,
    struct bytes spki, struct error *e) must_check;
/* Bring the key table up to what the register's state says. */
bool signer_keys_refresh(struct signer *s, struct error *e) must_check;
bool signer_key_usable(const struct signer_key *k, struct error *e) must_check;
void signer_keys_free(struct signer *s);
/* Whether `name` may stand as issuer of what the key signs: the subject of a CA
 * certificate over it that the register has, any while it has none. */
bool signer_issuer_ok(struct signer *s, const struct signer_key *k,
    struct bytes name);
void signer_usage(struct signer *s, const struct signer_key *k,
    struct charter_usage *u, int64_t now_s);

/* settle.c */
bool signer_settle_open(struct signer *s, struct error *e) must_check;
/* ASSUMED for one intent and what follows from it. */
bool signer_assume(struct signer *s, uint64_t intent, const char *reason,
    struct error *e) must_check;

/* revoke.c: the partition of the list that lies under this URL: the number of
 * "…partition-12.crl", 0 when the URL names none; -1: not one of our numbers. */
int64_t partition_of_url(struct bytes url);
/* An INTEGER's contents as a list's 20 octets; FAIL_UNSUPPORTED: not positive or
 * longer (RFC 5280 4.1.2.2). */
bool serial_magnitude(struct bytes v, uint8_t out[20],
    struct error *e) must_check;
/* The one that all distribution points of a certificate agree on; false when they
 * name several or cannot be read. */
bool partition_of_cert(const struct tbs_view *tbs, int64_t *out);
/* The REVOKE record of a certificate by its TBS. FAIL_EXISTS: it has one. Either is
 * told in *at (may be NULL). */
struct revoked_at {
	uint64_t index;
	int64_t date_s;
};
bool revoke_append(struct signer *s, const struct signer_key *issuer,
    const struct tbs_view *tbs, uint64_t cert, struct bytes foreign,
    enum crl_reason reason, int64_t invalidity_s, const char *who,
    const char *why, struct revoked_at *at, struct error *e) must_check;

/* crl.c */
void crl_work_free(struct crl_work *w);
/* Path, number and size into an answer; nothing when `w` is NULL. */
void crl_work_answer(const struct crl_work *w, struct signer_reply *a);

/* turn.c */
bool signer_alive(const struct signer *s, struct error *e) must_check;
/* One durable record outside of a turn. */
bool signer_append_commit(struct signer *s, const struct record *rec,
    struct bytes priv, uint64_t *n, struct error *e) must_check;
