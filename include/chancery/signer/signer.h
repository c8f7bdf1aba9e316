/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The signer as a library: the decision half around the register, the charters and
 * the key half. The CLI runs it in its own process; the daemon wraps it.
 *
 * One thread calls everything here. Requests are submitted and complete later,
 * many in flight; signer_turn does one round: collect what the key half finished,
 * check what is new, one durable commit, then answer and dispatch. No timers, no
 * waiting inside. Each message of design.md is one function.
 *
 * Order that nothing here may break: charter → INTENT durable → C_Sign → verify →
 * SIGNED durable → reply.
 */
#include <chancery/base/alg.h>
#include <chancery/base/limits.h>
#include <chancery/charter/charter.h>
#include <chancery/hsm/hsm.h>
#include <chancery/hsm/queue.h>
#include <chancery/pki/crl.h>
#include <chancery/register/register.h>

struct signer;

struct signer_token {
	struct hsm_token *token;      /* borrowed; must outlive the signer    */
	const char *charter_template; /* for KEY_GENERATE; NULL: refused     */
	struct bytes charter_json;    /* instead of a built-in template       */
};
#define SIGNER_TOKENS_MAX 8

struct signer_config {
	struct reg_config reg; /* log key, anchors, clock inside       */
	struct signer_token token[SIGNER_TOKENS_MAX];
	size_t tokens;
	unsigned workers; /* key half; 0: inline; or KEY_WORKERS_AUTO */
	unsigned sign_deadline_ms;
	key_sign_fn *sign; /* NULL: hsm_sign; tests: a fake        */
	void *sign_arg;
	const char *module_name; /* for KEYGEN-DONE                      */
	const char *crl_dir; /* where written CRLs go: <key>/<scope>/N.crl */
	bool create;         /* log birth instead of open            */
	/* ocsp_key: memory. Keys that are not this register's may be certified as OCSP
	 * responders, for LIMIT_OCSP_RESPONDER_S; what those answer is in no record. */
	bool foreign_responders;
	/* Called now and then while a long list is written: a process that is waited for can
	 * say that it lives. May be NULL. */
	void (*busy)(void *arg);
	void *busy_arg;
	uint64_t
	    list_part; /* records of a list in one turn; 0: the usual; tests: few */
};

/* Open the register, settle what the last writer left open (ASSUMED, with
 * revocation of leaf and CA certificates; a CRL number is burned; the rest is only
 * recorded), open the keys of the register on the given tokens (a key whose token
 * is not given stays known but cannot sign). */
struct signer *signer_open(const struct signer_config *cfg,
    struct error *e) must_check;
/* Waits for what is in flight, makes a checkpoint when there is a log key. */
bool signer_close(struct signer *s, struct error *e) must_check;
void signer_free(struct signer *s); /* without waiting; NULL is fine */
DEFINE_AUTO(signer, struct signer *, signer_free)
#define auto_signer auto_cleanup(signer_cleanup)

struct reg *signer_register(struct signer *s);

/* Who asks and why: the caller's claim, marked so in the record. */
struct signer_claim {
	const char *who, *why;
	struct bytes request_id; /* ≤ 32 octets, may be empty            */
};

struct signer_reply {
	bool ok;
	struct error err; /* when !ok                             */
	struct charter_verdict
	    verdict;              /* when err.why is FAIL_REFUSED/QUORUM */
	uint64_t intent, signed_; /* record indexes; UINT64_MAX: none     */
	/* SIGNED or REVOKE (of FAIL_EXISTS: the first), and its time; UINT64_MAX: none. */
	uint64_t record;
	int64_t record_s;
	unsigned attempts; /* C_Sign calls that may have signed            */
	struct bytes sig;  /* borrowed for the call                        */
	/* CRL: where it lies, its number and size. */
	const char *path;
	uint64_t crl_number, entries, bytes;
};
/* Called from signer_turn (never from within the submitting call). */
typedef void signer_done_fn(void *arg, const struct signer_reply *r);

/* HELLO: serials for later CERTIFYs: 159 random bits each, top bit of the 20
 * octets clear, first octet non-zero; only these are accepted, once, and only by
 * this signer object. */
bool signer_serials(struct signer *s, size_t n,
    uint8_t (*out)[LIMIT_SERIAL_BYTES], struct error *e) must_check;
/* It will not be used any more, if it has not been. */
void signer_serial_forget(struct signer *s,
    const uint8_t serial[LIMIT_SERIAL_BYTES]);

/* CERTIFY: the exact TBSCertificate. Parsed, held against structure rules and
 * the key's charter, serial taken from the outstanding set. The issuer must be a
 * subject of a CA certificate over the key that the register has, unless it has
 * none (structure-issuer); a signer that is not offline certifies as OCSP responders
 * only keys of its register (structure-ocsp-key), unless foreign_responders lets others
 * through for a while (structure-ocsp-life); its distribution points may name one partition
 * (structure-crl-partition). */
struct signer_certify {
	struct sha256 key;
	struct bytes tbs;    /* copied                               */
	const char *profile; /* recorded; may be NULL                */
	struct signer_claim claim;
	uint64_t retry_of; /* an earlier INTENT, or UINT64_MAX     */
};
bool signer_certify(struct signer *s, const struct signer_certify *req,
    signer_done_fn *done, void *arg, struct error *e) must_check;

/* SIGN_CSR: a CertificationRequestInfo for one of our own keys. */
struct signer_csr {
	struct sha256 key;
	struct bytes info; /* copied */
	struct signer_claim claim;
};
bool signer_sign_csr(struct signer *s, const struct signer_csr *req,
    signer_done_fn *done, void *arg, struct error *e) must_check;

/* SIGN_OCSP: up to LIMIT_OCSP_BATCH ResponseData (RFC 6960 4.2.1) under one INTENT
 * whose TBS is the SEQUENCE OF them; together at most LIMIT_TBS_BYTES. The reply's
 * `sig` is a SEQUENCE OF OCTET STRING, one a ResponseData, in their order. Times
 * and counts are held against the charter's kind `ocsp`; every answer needs a
 * nextUpdate. A serial that this register revoked can only be answered revoked, and
 * since no later than it was (rule ocsp-revoked). */
struct signer_ocsp {
	struct sha256 key;
	const struct bytes *data; /* copied */
	size_t n;
	struct signer_claim claim;
};
bool signer_sign_ocsp(struct signer *s, const struct signer_ocsp *req,
    signer_done_fn *done, void *arg, struct error *e) must_check;

/* SIGN_CRL: the signer writes the list from its own revocation records. One at a
 * time per key and scope (full and delta are one); a second request waits, and is made
 * from what was revoked meanwhile. The issuer is held as CERTIFY's is.
 *   full         every revocation of the key
 *   partition:K  those of certificates whose distribution points name partition K
 *   delta        what was revoked since the last full list, which is its base
 *                (RFC 5280 5.2.4): same URLs, numbers of one series. FAIL_NOT_FOUND
 *                when there is no full list yet
 *   caller       `tbs`, somebody else's TBSCertList, signed as it is, under the
 *                charter's kind `caller-crl`: version 2, with this key's name, key
 *                identifier and algorithm (structure-*), a number above the last
 *                and, without a distribution point, above the full
 *                lists' (caller-crl-number), entries that are well-formed, each serial once
 *                (caller-crl-entries), among them each unexpired revocation of this
 *                key, dated no later (caller-crl-revoked; a delta may leave out, but
 *                not take back, those before its base: the last full
 *                list, or the last caller's when that is complete; of
 *                another base nothing is known). At most LIMIT_TBS_BYTES. Only key, scope,
 *                tbs, path and claim are looked at.
 */
struct signer_crl {
	struct sha256 key;
	struct bytes issuer; /* DER subject of the issuer certificate */
	uint8_t issuer_key_id[20];
	enum sig_alg alg;
	/* "full", "partition:N", "delta", "caller"; of an offline signer that is told a path
	 * also "kit" and "kit:I+J": the full list and, as revoked, the authorities whose
	 * certificates' INTENTs are records I, J. */
	const char *scope;
	int64_t period_s; /* nextUpdate - thisUpdate              */
	/* What the certificates name, a space between two; of partitioned lists, which
	 * need it, all "partition-K". NULL: without. At most LIMIT_CRL_URLS_BYTES. */
	const char *idp_url;
	struct bytes tbs; /* copied */
	/* Exclusive create; of an offline signer only. NULL: crl_dir. */
	const char *path;
	struct signer_claim claim;
};
bool signer_sign_crl(struct signer *s, const struct signer_crl *req,
    signer_done_fn *done, void *arg, struct error *e) must_check;

/* REVOKE: by the index of its SIGNED, or a whole foreign certificate that verifies
 * under the key. notAfter and partition come from the TBS, not from the caller.
 * Revoking again is FAIL_EXISTS (the first record stands). FAIL_UNSUPPORTED for a
 * serial that no list can carry (not positive, above 20 octets). */
struct signer_revoke {
	struct sha256 key;     /* issuer key                           */
	uint64_t cert;         /* record index of SIGNED, or UINT64_MAX */
	struct bytes cert_der; /* instead                              */
	enum crl_reason reason;
	int64_t invalidity_s; /* 0: none; not in the future            */
	struct signer_claim claim;
};
bool signer_revoke(struct signer *s, const struct signer_revoke *req,
    signer_done_fn *done, void *arg, struct error *e) must_check;

/* KEY_GENERATE: KEYGEN-INTENT (durable) → generate → KEYGEN-DONE → attributes →
 * attacks → CUSTODY → CHARTER. Synchronous: key generation is not a hot path. */
struct signer_keygen {
	size_t token; /* index into the configuration         */
	struct key_type type;
	const char *label;
	/* Empty: the token's template. Of a signer that is not offline it must be
	 * no wider than that (FAIL_QUORUM). */
	struct bytes charter_json;
	/*
	 * Of a delegated OCSP responder: its charter is the built-in template
	 * ocsp-responder, whatever the token's is (which has to be there). That is never
	 * a way to more: such a key signs OCSP answers alone, and those count for
	 * nothing before an issuer's charter has let that issuer certify it.
	 */
	bool ocsp;
	bool destroyable;
	/* Instead of a new key one from outside, of the same type; borrowed for the call. The
	 * token's charter has to allow it (`imported_keys`), else FAIL_REFUSED, and the
	 * register says for ever where it comes from. One that it knows already, be it
	 * destroyed, is FAIL_EXISTS; one whose
	 * import was interrupted and is not settled yet is FAIL_BUSY. */
	const struct hsm_outside *from;
	struct signer_claim claim;
};
bool signer_key_generate(struct signer *s, const struct signer_keygen *req,
    struct sha256 *key, struct hsm_custody *custody,
    struct error *e) must_check;
/* An open KEYGEN-INTENT of an earlier run: what is on the token under its CKA_ID. */
enum signer_orphan {
	ORPHAN_NONE, /* nothing was made: KEYGEN-FAILED is recorded          */
	ORPHAN_ADOPTED,
	ORPHAN_DESTROYED
};
/* adopt: a whole key becomes one of the register's; half a one is destroyed. When the
 * token cannot be asked, or has two, that is the error and nothing is touched. */
bool signer_keygen_settle(struct signer *s, uint64_t intent, bool adopt,
    struct bytes charter_json, const struct signer_claim *claim,
    enum signer_orphan *out, struct sha256 *key, struct error *e) must_check;
/* FAIL_REFUSED: the log's own key. */
bool signer_key_adopt(struct signer *s, size_t token, const char *uri,
    struct bytes charter_json, const struct signer_claim *claim,
    struct sha256 *key, struct error *e) must_check;
/* Both halves, then DESTROY. One that an interrupted call took already is recorded.
 * FAIL_BUSY while anything is in flight. */
bool signer_key_destroy(struct signer *s, const struct sha256 *key,
    const struct signer_claim *claim, struct error *e) must_check;
/* CHARTER: set at the ceremony; afterwards only tightened (widening needs the
 * quorum of a later issue: FAIL_QUORUM). */
bool signer_charter(struct signer *s, const struct sha256 *key,
    struct bytes charter_json, const struct signer_claim *claim,
    struct error *e) must_check;
/* RECORD: CONFIG, EVENT and LOGIN; of an offline signer also CUSTODY and ANCHOR.
 * Anything else is FAIL_REFUSED. Synchronous and durable on return. */
bool signer_record(struct signer *s, const struct record *rec,
    struct bytes priv, uint64_t *n, struct error *e) must_check;

/* SETTLE: what became of the INTENT with this request id. */
enum signer_outcome {
	OUTCOME_UNKNOWN, /* no such request: nothing was signed */
	OUTCOME_OPEN,
	OUTCOME_SIGNED,
	OUTCOME_FAILED,
	OUTCOME_ASSUMED
};
bool signer_settle(struct signer *s, struct bytes request_id,
    enum signer_outcome *out, uint64_t *intent, uint64_t *signed_,
    struct error *e) must_check;

/* One round. Returns false only when the signer can sign no more (the register is
 * dead): e says why; everything in flight was answered with that error. `wait`: block
 * for a completion when there is nothing else to do. */
bool signer_turn(struct signer *s, bool wait, struct error *e) must_check;
/* Rounds until nothing is queued or in flight. */
bool signer_drain(struct signer *s, struct error *e) must_check;
size_t signer_in_flight(const struct signer *s);
/* Of these, some have not been admitted yet: new, or waiting for another one. */
bool signer_has_queued(const struct signer *s);
/* A list is being written, a part of it in each turn: the next one is to come at once. */
bool signer_builds(const struct signer *s);
/* Readable when enough signatures are done for a round; -1 without key workers. */
int signer_fd(const struct signer *s);
/* The key half has work for longer than a round takes: what arrives may wait for
 * signer_fd, and share its round with what is done then. */
bool signer_is_gathering(const struct signer *s);

/* Keys the signer knows: state of the register plus whether it can sign here. */
struct hsm_key *signer_key_handle(struct signer *s, const struct sha256 *key);

/* Synchronous shape of the above for the CLI: submit, drain, copy of the reply's
 * signature into *sig (may be NULL). */
bool signer_certify_wait(struct signer *s, const struct signer_certify *req,
    struct buf *sig, struct signer_reply *out, struct error *e) must_check;
bool signer_sign_crl_wait(struct signer *s, const struct signer_crl *req,
    struct signer_reply *out, struct error *e) must_check;
bool signer_revoke_wait(struct signer *s, const struct signer_revoke *req,
    struct signer_reply *out, struct error *e) must_check;
bool signer_sign_ocsp_wait(struct signer *s, const struct signer_ocsp *req,
    struct buf *sigs, struct signer_reply *out, struct error *e) must_check;
bool signer_sign_csr_wait(struct signer *s, const struct signer_csr *req,
    struct buf *sig, struct signer_reply *out, struct error *e) must_check;
