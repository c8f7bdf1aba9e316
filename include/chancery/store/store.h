/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The store: an index of certificates that is derived from
 * registers, documents of configuration, and tokens. SQLite now (WAL, one writer);
 * the interface has nothing of SQLite in it.
 *
 * Three kinds of contents, with three promises:
 *   certs      derived: may lag behind, is caught up from the register at start; writes
 *              need no fsync; what was put can be read at once by every thread
 *              (store_cert_get looks at what is not yet committed too)
 *   documents  configuration (mounts, issuers, keys, roles, urls, policies, auth roles):
 *              written by store_docs_apply after their CONFIG record is durable in the
 *              register; (kind, scope, name) → canonical JSON, with a version that rises
 *   secrets    tokens, secret-ids, wrapped answers: exist only here; synchronous=FULL.
 *              Keys are hashes, values are JSON without the secret itself
 *
 * Threads: one writer thread inside; every other call may come from any thread.
 * Reads use a connection per calling thread (opened at its first read, closed when the
 * thread ends). Callbacks of a list must not read from the store.
 *
 * A commit that fails loses nothing that was acknowledged: rows that wait stay and are
 * tried again, other calls get the error (FAIL_DISK_FULL, FAIL_IO). After a failed
 * fsync every write is refused until the store is opened anew; reads go on.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>
#include <chancery/base/limits.h>

struct store;

/* Octets of a mount, an origin, a document's kind, scope and name. */
#define STORE_NAME_MAX 255
/* Documents of this kind, in scope "", are mounts: when one is made or removed by
 * store_docs_apply, the certificates of a mount of its name are gone. */
#define STORE_KIND_MOUNT "mount"
/* Keys of mounts, in the scope of their mount. */
#define STORE_KIND_KEY "pki-key"

struct store_config {
	const char *path; /* file; <path>.lock, -wal and -shm lie beside it */
	bool create;      /* FAIL_EXISTS when there is one                 */
	bool read_only;   /* CLI reports; beside a running service too     */
	bool bulk; /* rebuild: nothing is synced before store_close         */
	unsigned batch_ms; /* how long the writer gathers derived rows; 0: 20 */
};
/* Opens, migrates (schema versions are rows of one table; a newer one than ours is
 * FAIL_UNSUPPORTED), starts the writer. FAIL_BUSY: another process has it open for
 * writing. FAIL_BAD_INPUT: a database of another program. FAIL_CORRUPT. */
struct store *store_open(const struct store_config *cfg,
    struct error *e) must_check;
/* Commits what is pending, ends the writer. No other call may be under way. */
bool store_close(struct store *s, struct error *e) must_check;
void store_free(
    struct store *s); /* store_close without its answer; NULL is fine */
DEFINE_AUTO(store, struct store *, store_free)
#define auto_store auto_cleanup(store_cleanup)

/* ---- certificates ------------------------------------------------------ */

struct store_cert {
	struct sha256 issuer_key; /* of the signing key's SPKI            */
	uint8_t serial[LIMIT_SERIAL_BYTES]; /* right-aligned magnitude      */
	const char *mount; /* "kafka-int-ca"; "" for foreign ones */
	struct bytes der;  /* empty: no_store (only the row)       */
	int64_t not_before_s, not_after_s;
	const char *origin; /* of the log */
	uint64_t index;     /* of its SIGNED; UINT64_MAX: foreign   */
	bool ca;
	/* Filled by revocation. */
	int64_t revoked_s; /* 0: not                               */
	int reason;
	uint64_t revoke_index;
};
/* Queued for the writer; visible to readers at once. Idempotent by (issuer_key,
 * serial): a second put of the same certificate changes nothing. Copies. FAIL_BUSY
 * when LIMIT_STORE_PENDING rows wait (FAIL_DISK_FULL or FAIL_IO when that is why).
 * One that was signed before the mount of its name was removed is dropped. */
bool store_cert_put(struct store *s, const struct store_cert *c,
    struct error *e) must_check;
/* The first revocation stands. Nothing happens when there is no such certificate: a
 * foreign one is put first, with index UINT64_MAX. */
bool store_cert_revoke(struct store *s, const struct sha256 *issuer_key,
    const uint8_t serial[LIMIT_SERIAL_BYTES], int64_t revoked_s, int reason,
    uint64_t index, struct error *e) must_check;
/* Another number after each revocation that was put, when readers can see it: who read a
 * certificate after asking knows by it whether that is still so. Any thread. */
uint64_t store_revocations(const struct store *s);
/* FAIL_NOT_FOUND. `mem` (emptied first) holds what *out points to. Within one mount;
 * mount NULL: any. der is empty for one that was not to be stored. */
bool store_cert_get(struct store *s, const char *mount,
    const uint8_t serial[LIMIT_SERIAL_BYTES], struct store_cert *out,
    struct buf *mem, struct error *e) must_check;
/* Ascending serial, beginning behind `after` (NULL: the first), at most `limit` rows;
 * `each` returns false to stop. der is empty unless with_der. Paged: no snapshot is
 * held between calls. Rows without a certificate (no_store) are left out unless
 * revoked_only. Equal serials of two issuers are not parted by `limit`. */
typedef bool store_cert_each_fn(void *arg, const struct store_cert *c);
struct store_cert_query {
	const char *mount;
	const uint8_t *after; /* LIMIT_SERIAL_BYTES */
	size_t limit;
	bool revoked_only, with_der;
};
bool store_cert_list(struct store *s, const struct store_cert_query *q,
    store_cert_each_fn *each, void *arg, struct error *e) must_check;
/* Counted incrementally, not by a scan; rows without a certificate only among
 * `revoked`. mount NULL: all. */
bool store_cert_count(struct store *s, const char *mount, uint64_t *certs,
    uint64_t *revoked, struct error *e) must_check;
/* Wait until everything put so far is committed. */
bool store_sync(struct store *s, struct error *e) must_check;
/* Wait until there is room for more: who reads a register does not want FAIL_BUSY. */
bool store_room(struct store *s, struct error *e) must_check;
/* False, with the reason, after a failed fsync: the process has to open it anew. */
bool store_alive(struct store *s, struct error *e) must_check;

/* Derived up to, not including, this record of that log. */
bool store_position(struct store *s, const char *origin, uint64_t *index,
    struct error *e) must_check; /* 0 when there is none yet */
/* A put, a revocation or a change of documents that is refused leaves a gap: its record
 * is in the register, and the position does not move until a catch-up (server/catchup.h)
 * has closed it. 0: none; otherwise a number that changes with each gap. */
uint64_t store_gaps(struct store *s) must_check;
/* Everything up to the gaps of that number was put again. */
void store_gaps_closed(struct store *s, uint64_t gaps);
/* Queued behind the rows put before. Never goes back. While there is a gap it does
 * nothing. */
bool store_position_put(struct store *s, const char *origin, uint64_t index,
    struct error *e) must_check;

/* ---- tidy ---------------------------------------------------------------- */

/*
 * Certificates are forgotten by documents of this kind, in the scope of their mount: when
 * one is put whose value has "page" {"after":…,"below":…,"certs_before":…,"revoked_before":…,
 * "to":…}, the certificates of that page go in the same transaction, and again when the record
 * is replayed behind rows that a catch-up put back. Serials are 40 digits of hex.
 */
#define STORE_KIND_TIDY "pki-tidy"
struct store_tidy {
	const char *mount, *origin; /* to look; a page has its document's */
	uint8_t
	    after[LIMIT_SERIAL_BYTES]; /* behind it; zeros: from the first */
	uint8_t to[LIMIT_SERIAL_BYTES];
	/* Of the log: only what records before this one brought; what later ones revoked
	 * counts as not revoked. */
	uint64_t below;
	/* notAfter before it: the certificate goes, of a revoked one only the certificate.
	 * 0: none. */
	int64_t certs_before_s;
	int64_t revoked_before_s; /* … revoked ones go, as a whole */
};
struct store_tidy_count {
	uint64_t looked, rows; /* rows that go or lose their certificate */
	uint64_t certs, revoked;
	bool end; /* nothing is behind t->to */
};
/* What the next page would take: from t->after on until `page` rows would go, or enough were
 * looked at; fills t->to. Everything below t->below has to be put. Any thread. */
bool store_tidy_look(struct store *s, size_t page, struct store_tidy *t,
    struct store_tidy_count *n, struct error *e) must_check;

/* ---- documents --------------------------------------------------------- */

/* One change. The list of changes of a CONFIG record is canonical JSON
 * [{"kind":…,"name":…,"op":"put"|"delete","scope":…,"value":{…}},…]; the same text
 * is the record's private body and is what replay applies. */
struct store_doc_op {
	const char *kind, *scope, *name; /* each ≤ 255 octets               */
	struct bytes value;              /* canonical JSON; empty: delete    */
};
void store_docs_encode(const struct store_doc_op *ops, size_t n,
    struct buf *json);
/* Read such a list; false of `each` ends it with its error. FAIL_BAD_INPUT. */
typedef bool store_change_fn(void *arg, const struct store_doc_op *op,
    struct error *e);
bool store_changes_each(struct bytes json, store_change_fn *each, void *arg,
    struct error *e) must_check;
/* In one transaction, durable on return; `origin`, `index`: the CONFIG record. An
 * index at or below the newest one applied of that log does nothing (replay). After one
 * that failed, later ones are FAIL_BUSY until it is applied: they stand in order. */
bool store_docs_apply(struct store *s, struct bytes json, const char *origin,
    uint64_t index, struct error *e) must_check;
/* Value appended; version may be NULL. FAIL_NOT_FOUND. */
bool store_doc_get(struct store *s, const char *kind, const char *scope,
    const char *name, struct buf *value, uint64_t *version,
    struct error *e) must_check;
typedef bool store_doc_each_fn(void *arg, const char *kind, const char *scope,
    const char *name, struct bytes value, uint64_t version);
/* In order of (kind, scope, name). kind NULL: all; scope NULL: all of the kind. */
bool store_doc_list(struct store *s, const char *kind, const char *scope,
    store_doc_each_fn *each, void *arg, struct error *e) must_check;

/* Documents of kind "mount" or "pki-key" as they ever were: made by record `since`,
 * replaced or deleted by record `until` (UINT64_MAX: not yet). In order of (scope, name,
 * since). */
typedef bool store_doc_era_fn(void *arg, const char *scope, const char *name,
    struct bytes value, uint64_t since, uint64_t until);
bool store_doc_eras(struct store *s, const char *kind, store_doc_era_fn *each,
    void *arg, struct error *e) must_check;

/* ---- secrets: tokens and their kin ------------------------------------- */

/* Rows (kind, key) → value, with an expiry, a parent and an alias so that trees can
 * be revoked and accessors found. `key` is a hash of the secret; `alias` is unique in
 * its kind (accessor), may be NULL. */
#define STORE_KIND_TOKEN "token"
/*
 * A lease: its alias is its id ("pki/issue/web/…"), its scope the mount, its parent the token
 * that got it. Whatever takes rows above it away (a deletion, a tree, a scope, their end) makes
 * it STORE_KIND_LEASE_DUE in the same transaction, without a parent: an order to revoke what was
 * leased. Its own end takes it away alone: what was leased has ended too.
 */
#define STORE_KIND_LEASE "lease"
#define STORE_KIND_LEASE_DUE "lease-due"
struct store_secret {
	const char *kind; /* "token", "secret-id", "wrap" */
	struct sha256 key;
	const char *alias;
	struct sha256 parent; /* all zero: none */
	const char *scope;  /* "approle/kafka": of what it is one; may be "" */
	int64_t expires_s;  /* 0: never */
	struct bytes value; /* canonical JSON */
	uint64_t version;   /* read: rises with each write                   */
};
enum store_secret_op {
	STORE_SECRET_PUT,    /* insert or replace                            */
	STORE_SECRET_SWAP,   /* replace if version is still the given one,
	                        else FAIL_BUSY: for use counts               */
	STORE_SECRET_DELETE, /* key; no error when absent                    */
	STORE_SECRET_DELETE_TREE, /* key and all below it by parent, whatever their
	                             kind; also when it is gone itself       */
	STORE_SECRET_DELETE_SCOPE, /* kind and scope                         */
	/* … that end, of the scope or below it ("auth/approle", "auth/approle/login") */
	STORE_SECRET_DELETE_UNDER,
	/* Insert or replace if the parent, a token, is there, else FAIL_NOT_FOUND. */
	STORE_SECRET_PUT_BELOW,
	/* The lease of that alias and those whose ids begin with it and '/' become due; of
	 * the latter LIMIT_TIDY_ROWS at most. */
	STORE_SECRET_LEASES_DUE
};
struct store_secret_change {
	enum store_secret_op op;
	struct store_secret row;
};
/* Durable before `done` is called (on the writer thread: post it to your loop; from
 * within the call when the store is dead), all or nothing. Copies. FAIL_EXISTS: an
 * alias of another row. */
typedef void store_done_fn(void *arg, bool ok, const struct error *e);
void store_secrets_write(struct store *s, const struct store_secret_change *c,
    size_t n, store_done_fn *done, void *arg);
/* By key; committed rows only. FAIL_NOT_FOUND. An expired row is not found. */
bool store_secret_get(struct store *s, const char *kind,
    const struct sha256 *key, int64_t now_s, struct store_secret *out,
    struct buf *mem, struct error *e) must_check;
bool store_secret_by_alias(struct store *s, const char *kind, const char *alias,
    int64_t now_s, struct store_secret *out, struct buf *mem,
    struct error *e) must_check;
typedef bool store_secret_each_fn(void *arg, const struct store_secret *row);
/* The first one whose alias stands behind `after` and before `below`, by octets.
 * FAIL_NOT_FOUND. */
bool store_secret_next(struct store *s, const char *kind, const char *after,
    const char *below, int64_t now_s, struct store_secret *out, struct buf *mem,
    struct error *e) must_check;
/* In order of keys; scope NULL: all. */
bool store_secret_list(struct store *s, const char *kind, const char *scope,
    int64_t now_s, store_secret_each_fn *each, void *arg,
    struct error *e) must_check;
/* Remove what expired before then, at most `limit` rows a call, and all below them
 * by parent. */
bool store_secret_expire(struct store *s, int64_t before_s, size_t limit,
    struct error *e) must_check;

/* ---- rebuild and reports ----------------------------------------------- */

/* A digest over everything that is derived or recorded (certs, documents, counts), in
 * canonical order; secrets and positions left out. Two stores with the same digest are
 * the same. */
bool store_digest(struct store *s, struct sha256 *out,
    struct error *e) must_check;
/* What `is` has otherwise than `was`. */
struct store_difference {
	uint64_t certs_missing, certs_added, certs_changed;
	uint64_t docs_missing, docs_added, docs_changed;
	char first[1200]; /* of them, in words; "": none */
};
bool store_compare(struct store *was, struct store *is,
    struct store_difference *out, struct error *e) must_check;
/* Reads all of it. FAIL_CORRUPT says what is wrong. */
struct store_report {
	int schema;
	uint64_t certs, revoked, not_stored, docs, secrets, bytes;
};
bool store_check(struct store *s, struct store_report *out,
    struct error *e) must_check;
/* All of it as it is now, in a new file, which is not synced: for a backup, beside a running
 * service too. What the service commits meanwhile is not in it, and waits in its log. */
bool store_copy(struct store *s, const char *to, struct error *e) must_check;
typedef bool store_log_each_fn(void *arg, const char *origin,
    uint64_t position);
bool store_log_each(struct store *s, store_log_each_fn *each, void *arg,
    struct error *e) must_check;
typedef bool store_secret_count_fn(void *arg, const char *kind, uint64_t n);
bool store_secret_counts(struct store *s, store_secret_count_fn *each,
    void *arg, struct error *e) must_check;
