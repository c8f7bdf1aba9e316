/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The open store. Who touches what:
 *
 *   writer thread    db, its caches; everything in the file that changes (writer.c)
 *   any thread       the queue and the pending rows under `lock` (pending.c), a
 *                    connection of its own for reading (reader.c)
 */
#include <pthread.h>
#include <stdatomic.h>

#include <chancery/store/store.h>

#include "db.h"
#include "pending.h"

/* ---- jobs: what has to be committed before its caller goes on (job.c) ---- */

struct writer;
/* Within a transaction of the writer; on failure what it did is undone. */
typedef bool job_fn(struct writer *w, void *arg, struct error *e);
struct job {
	job_fn *run;
	void *arg;
	/* The file is synced before it is answered. */
	bool durable;
	/* Called by the writer thread; it may free the job. */
	void (*done)(struct job *j, bool ok, const struct error *e);
	struct job *next;
	/* Filled by the writer. */
	bool ok;
	struct error err;
};

/* ---- the writer's view of the file (cert_write.c) ---- */

struct known_mount {
	int64_t id;
	char *name;
	char *since_log; /* NULL: never removed */
	uint64_t since;
	int64_t certs, revoked; /* not yet written into its row */
};
struct known_issuer {
	int64_t id;
	struct sha256 key;
};
struct known_log {
	int64_t id;
	char *origin;
};
struct writer {
	struct db db;
	struct store *store;
	struct known_mount *mount;
	size_t mounts, mounts_cap;
	struct known_issuer *issuer;
	size_t issuers, issuers_cap;
	struct known_log *log;
	size_t logs, logs_cap;
	int64_t der_next;       /* 0: ask the file */
	int64_t secret_version; /* 0: ask the file */
	bool secret_version_used;
	bool
	    recovered; /* what an earlier process left in the log is in the file */
	bool full;     /* synchronous=FULL at the moment */
	bool retired;      /* there are rows of removed mounts */
	int wal_pages;     /* after the last commit */
	int checkpoint_at; /* pages at which the next one is tried */
};
/* Forget what was learned: a rollback may have taken it away. */
void writer_forget(struct writer *w);
/* Counts into their rows; before each savepoint and commit. */
bool writer_flush_counts(struct writer *w, struct error *e) must_check;
bool writer_apply(struct writer *w, const struct op *op,
    struct error *e) must_check;
bool writer_mount(struct writer *w, const char *name, struct known_mount **out,
    struct error *e) must_check;
bool writer_issuer(struct writer *w, const struct sha256 *key, int64_t *id,
    struct error *e) must_check;
bool writer_log(struct writer *w, const char *origin, int64_t *id,
    struct error *e) must_check;
/* One certificate of a mount, with its DER. *was_there may be NULL. */
bool writer_cert_delete(struct writer *w, struct known_mount *m,
    struct bytes serial, int64_t issuer, bool *was_there,
    struct error *e) must_check;
/* Its DER alone, row `der`. */
bool writer_cert_strip(struct writer *w, struct known_mount *m,
    struct bytes serial, int64_t issuer, int64_t der,
    struct error *e) must_check;
/* What the page of such a document takes away; nothing for other documents (tidy.c). */
bool tidy_apply(struct writer *w, const char *origin,
    const struct store_doc_op *op, struct error *e) must_check;
bool tidy_has_page(const struct store_doc_op *op);
/* The mount is removed, or made anew, by record `index` of `origin`: its
 * certificates are gone for readers at once. */
bool writer_mount_retire(struct writer *w, const char *name, const char *origin,
    uint64_t index, struct error *e) must_check;
/* Some rows of removed mounts; w->retired tells whether there are more. */
bool writer_reclaim(struct writer *w, struct error *e) must_check;

/* ---- the store ---- */

struct store {
	char *path;
	bool read_only, bulk;
	unsigned batch_ms;
	int lock_fd;
	struct writer writer;
	pthread_t thread;
	bool started;
	pthread_key_t reader_key;
	struct reader *readers; /* under `lock` */

	pthread_mutex_t lock;
	pthread_cond_t work; /* for the writer */
	pthread_cond_t
	    progress; /* rows committed, a job done, an attempt failed */
	_Atomic uint64_t revocations;
	/* Under `lock`: */
	struct pending pending;
	struct job *jobs, **jobs_tail;
	uint64_t flush_to; /* rows up to this number are wanted at once  */
	uint64_t attempts; /* failed ones                                */
	uint64_t gaps;     /* puts and changes that were refused; 0: none */
	uint64_t gap_last; /* never the same number twice                 */
	bool owes_docs;    /* the change of record docs_owed is not applied */
	uint64_t docs_owed;
	bool stop;
	bool failing; /* the last attempt failed for the reason in err */
	bool dead;    /* … and there will be none after it             */
	struct error err;
};

/* Rows that make a batch full before its time. */
#define BATCH_ROWS 256
/* Submit and return; done comes later. Answers at once when the store is dead. */
void job_submit(struct store *s, struct job *j);
/* Under `lock`: something that has a record did not get in. */
void store_gap(struct store *s);
/* Submit and wait. */
bool job_wait(struct store *s, job_fn *run, void *arg, bool durable,
    struct error *e) must_check;
void *writer_main(void *arg);
bool writer_open(struct store *s, struct error *e) must_check;
void writer_close(struct writer *w);
/* Everything of the log into the file, so that little is left to recover. */
bool writer_checkpoint(struct writer *w, struct error *e) must_check;

/* The calling thread's connection; NULL on failure. */
struct db *reader_get(struct store *s, struct error *e) must_check;
void reader_thread_ends(void *arg);
void readers_close(struct store *s);

/* Column order of every statement that begins with ROW (sql.c). Texts and blobs are
 * the statement's until its next step. *has_der: there is one, read or not. */
bool cert_row(sqlite3_stmt *st, struct store_cert *c, bool *has_der,
    struct error *e) must_check;
