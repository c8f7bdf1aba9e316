/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The one thread that writes. It takes what waits: derived rows after a short while or
 * when there are many, jobs at once; all of it becomes one transaction, synced to the
 * disk when a durable job is among it. A failed attempt loses nothing: rows stay in the
 * queue and are tried again, jobs are answered with the error. After a failed fsync
 * nobody knows what is on the disk: the store is dead then, readers go on.
 */
#include <time.h>

#include <chancery/base/clock.h>

#include "internal.h"
#include "schema.h"

/* Rows that make a batch full before its time… */
/* …and the most that one takes when more wait: random pages are shared better. */
#define BATCH_MAX 4096
#define BATCH_MAX_JOBS 256
/* Pages of the write-ahead log (4 KiB each) that make a checkpoint worth its two
 * syncs: index pages that changed several times are written once. */
#define CHECKPOINT_PAGES 8192
/* Pages at which readers are waited for, and how long. */
#define CHECKPOINT_LATE (4 * CHECKPOINT_PAGES)
#define RESTART_MS 50
/* A failed attempt is repeated after this. */
#define RETRY_MS 250
/* A log that grew while it could not be checkpointed is cut back to this. */
#define LOG_KEPT "67108864"

#define NS_PER_MS INT64_C(1000000)

struct batch {
	const struct op *op;
	size_t ops;
	struct job *job[BATCH_MAX_JOBS];
	size_t jobs;
	bool durable, reclaim;
};

/* ---- the file ---------------------------------------------------------- */

static int
after_commit(void *arg, unused_arg sqlite3 *h, unused_arg const char *name,
    int pages)
{
	struct writer *w = arg;

	/* It began anew: all of it was in the file, and nobody read it. */
	if (pages < w->wal_pages)
		w->checkpoint_at = CHECKPOINT_PAGES;
	w->wal_pages = pages;
	return SQLITE_OK;
}

/* *busy: a reader still looks at old pages after `wait_ms`. */
static bool
run_checkpoint(struct writer *w, int mode, int wait_ms, bool *busy,
    struct error *e)
{
	int rc;

	(void)sqlite3_busy_timeout(w->db.h, wait_ms);
	rc = sqlite3_wal_checkpoint_v2(w->db.h, NULL, mode, NULL, NULL);
	(void)sqlite3_busy_timeout(w->db.h, BUSY_MS);
	*busy = rc == SQLITE_BUSY;
	return rc == SQLITE_OK || rc == SQLITE_BUSY || db_error(&w->db, rc, e);
}

bool
writer_checkpoint(struct writer *w, struct error *e)
{
	bool busy;

	return run_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE, 0, &busy, e);
}

static bool
set_full(struct writer *w, bool full, struct error *e)
{
	if (w->store->bulk || w->full == full)
		return true;
	if (!db_exec(&w->db,
		full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
		e))
		return false;
	w->full = full;
	return true;
}

static bool
any_retired(struct writer *w, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_MOUNT_RETIRED, e);

	return st != NULL && db_step(&w->db, st, &w->retired, e);
}

/* After an fsync that failed in an earlier process, the log may be whole in memory
 * only: brought into the file before anything is promised on top of it, but not while the
 * caller waits for its store. */
static bool
recover(struct writer *w, struct error *e)
{
	bool busy = false;

	if (w->recovered)
		return true;
	if (!run_checkpoint(w, SQLITE_CHECKPOINT_FULL, 0, &busy, e))
		return false;
	w->recovered = !busy;
	return true;
}

bool
writer_open(struct store *s, struct error *e)
{
	struct writer *w = &s->writer;
	int version;

	if (!db_open(&w->db, s->path, DB_WRITE, e))
		return false;
	(void)sqlite3_wal_hook(w->db.h, after_commit, w);
	if (!schema_check(&w->db, &version, e) ||
	    !db_exec(&w->db,
		s->bulk ? "PRAGMA synchronous=OFF"
			: "PRAGMA synchronous=NORMAL",
		e) ||
	    !db_exec(&w->db, "PRAGMA journal_size_limit=" LOG_KEPT, e) ||
	    !schema_migrate(&w->db, version, e))
		return false;
	w->checkpoint_at = CHECKPOINT_PAGES;
	return any_retired(w, e);
}

void
writer_close(struct writer *w)
{
	writer_forget(w);
	mem_free(w->mount);
	mem_free(w->issuer);
	mem_free(w->log);
	if (w->db.h != NULL)
		db_close(&w->db);
}

static bool
run_stmt(struct writer *w, enum stmt which, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, which, e);

	return st != NULL && db_run(&w->db, st, e);
}

/* ---- one transaction --------------------------------------------------- */

static bool
apply_ops(struct writer *w, const struct batch *b, struct error *e)
{
	const struct op *op = b->op;

	for (size_t i = 0; i < b->ops; i++) {
		if (!writer_apply(w, op, e))
			return false;
		/* The last one's is the queue's: others append to it. */
		if (i + 1 < b->ops)
			op = op->next;
	}
	return true;
}

/* A job that fails for its own reason undoes what it did; false when the whole
 * transaction is gone with it. */
static bool
run_job(struct writer *w, struct job *j, struct error *e)
{
	if (!writer_flush_counts(w, e) || !run_stmt(w, STMT_SAVEPOINT, e))
		return false;
	j->ok = j->run(w, j->arg, &j->err) && writer_flush_counts(w, &j->err);
	if (!j->ok) {
		writer_forget(w);
		if (sqlite3_get_autocommit(w->db.h) != 0) {
			*e = j->err;
			return false;
		}
		if (!run_stmt(w, STMT_ROLLBACK_TO, e))
			return false;
	}
	return run_stmt(w, STMT_RELEASE, e);
}

static bool
transaction(struct writer *w, struct batch *b, struct error *e)
{
	if (!set_full(w, b->durable, e) || !run_stmt(w, STMT_BEGIN, e) ||
	    !apply_ops(w, b, e))
		return false;
	for (size_t i = 0; i < b->jobs; i++)
		if (!run_job(w, b->job[i], e))
			return false;
	if (b->reclaim && !writer_reclaim(w, e))
		return false;
	return writer_flush_counts(w, e) && run_stmt(w, STMT_COMMIT, e);
}

static void
roll_back(struct writer *w)
{
	struct error ignored;

	writer_forget(w);
	if (sqlite3_get_autocommit(w->db.h) == 0)
		(void)!db_exec(&w->db, "ROLLBACK", &ignored);
}

/* A log that readers kept from beginning anew: they are waited for a little. A full disk
 * stops a checkpoint, not the writer. Either way it is tried again when as much was written
 * once more. */
static bool
checkpoint(struct writer *w, bool *dead, struct error *e)
{
	bool late = w->wal_pages >= CHECKPOINT_LATE, ok, busy;

	if (w->wal_pages < w->checkpoint_at)
		return true;
	ok = run_checkpoint(w,
	    late ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
	    late ? RESTART_MS : 0, &busy, e);
	*dead = !ok && db_fsync_failed(&w->db);
	w->checkpoint_at = w->wal_pages + CHECKPOINT_PAGES;
	return !*dead;
}

static bool
write_batch(struct writer *w, struct batch *b, bool *dead, struct error *e)
{
	if (recover(w, e) && transaction(w, b, e))
		return true;
	*dead = db_fsync_failed(&w->db);
	roll_back(w);
	for (size_t i = 0; i < b->jobs; i++) {
		b->job[i]->ok = false;
		b->job[i]->err = *e;
	}
	return false;
}

/* ---- what waits -------------------------------------------------------- */

static void
wait_until(struct store *s, int64_t ns)
{
	struct timespec t = { .tv_sec = ns / (1000 * NS_PER_MS),
		.tv_nsec = ns % (1000 * NS_PER_MS) };

	(void)pthread_cond_timedwait(&s->work, &s->lock, &t);
}

/* Whether rows are to be written now; otherwise *until tells when. */
static bool
rows_due(const struct store *s, int64_t since, int64_t failed, int64_t *until)
{
	int64_t now = clock_mono_ns();

	if (s->failing) {
		*until = failed + RETRY_MS * NS_PER_MS;
		return now >= *until || s->stop ||
		    s->flush_to > s->pending.done;
	}
	*until = since + s->batch_ms * NS_PER_MS;
	return s->stop || s->pending.n >= BATCH_ROWS || now >= *until ||
	    s->flush_to > s->pending.done;
}

enum next {
	NEXT_WRITE,
	NEXT_SLEEP,
	NEXT_SLEEP_UNTIL,
	NEXT_END
};

/* *since: when the oldest row that waits was seen first; 0: none waits. */
static enum next
what_next(const struct store *s, int64_t failed, int64_t *since, int64_t *until)
{
	enum next idle = s->stop ? NEXT_END : NEXT_SLEEP;

	if (s->jobs != NULL)
		return NEXT_WRITE;
	if (s->dead)
		return idle;
	if (s->pending.n == 0) {
		*since = 0;
		return s->writer.retired && !s->failing && !s->stop ? NEXT_WRITE
								    : idle;
	}
	if (*since == 0)
		*since = clock_mono_ns();
	return rows_due(s, *since, failed, until) ? NEXT_WRITE
						  : NEXT_SLEEP_UNTIL;
}

/* Sleep until there is something to write; false: the end, nothing is left. Called
 * with the lock. */
static bool
wait_for_work(struct store *s, int64_t failed)
{
	int64_t since = 0, until = 0;
	enum next next;

	while ((next = what_next(s, failed, &since, &until)) != NEXT_WRITE) {
		if (next == NEXT_END)
			return false;
		if (next == NEXT_SLEEP)
			(void)pthread_cond_wait(&s->work, &s->lock);
		else
			wait_until(s, until);
	}
	return true;
}

static void
take_batch(struct store *s, struct batch *b)
{
	*b = (struct batch){ .op = s->pending.first };
	b->ops = s->pending.n > BATCH_MAX ? BATCH_MAX : s->pending.n;
	while (s->jobs != NULL && b->jobs < BATCH_MAX_JOBS) {
		struct job *j = s->jobs;

		s->jobs = j->next;
		b->durable = b->durable || j->durable;
		b->job[b->jobs++] = j;
	}
	if (s->jobs == NULL)
		s->jobs_tail = &s->jobs;
	b->reclaim = b->ops == 0 && b->jobs == 0;
}

static void
settle(struct store *s, const struct batch *b, bool ok, bool dead,
    const struct error *e)
{
	if (ok)
		pending_committed(&s->pending, b->ops);
	else
		s->attempts++;
	s->failing = !ok;
	s->dead = s->dead || dead;
	if (!ok)
		s->err = *e;
	(void)pthread_cond_broadcast(&s->progress);
}

static void
answer(struct batch *b)
{
	for (size_t i = 0; i < b->jobs; i++)
		b->job[i]->done(b->job[i], b->job[i]->ok, &b->job[i]->err);
}

/* Of a dead store. */
static void
refuse(struct store *s, struct batch *b)
{
	for (size_t i = 0; i < b->jobs; i++) {
		b->job[i]->ok = false;
		b->job[i]->err = s->err;
	}
}

static void
die(struct store *s, const struct error *e)
{
	(void)pthread_mutex_lock(&s->lock);
	s->dead = true;
	s->err = *e;
	(void)pthread_cond_broadcast(&s->progress);
	(void)pthread_mutex_unlock(&s->lock);
}

/* One batch, taken already. */
static void
do_batch(struct store *s, struct batch *b)
{
	struct error e = { 0 };
	bool dead = false, ok = write_batch(&s->writer, b, &dead, &e);

	(void)pthread_mutex_lock(&s->lock);
	settle(s, b, ok, dead, &e);
	(void)pthread_mutex_unlock(&s->lock);
	answer(b);
	if (ok && !checkpoint(&s->writer, &dead, &e))
		die(s, &e);
}

void *
writer_main(void *arg)
{
	struct store *s = arg;
	struct batch b;
	struct error ignored;
	int64_t failed = 0;
	bool dead;

	/* When it fails now, the first write tells. */
	(void)!recover(&s->writer, &ignored);
	(void)pthread_mutex_lock(&s->lock);
	while (wait_for_work(s, failed)) {
		take_batch(s, &b);
		dead = s->dead;
		if (dead)
			refuse(s, &b);
		(void)pthread_mutex_unlock(&s->lock);
		if (dead)
			answer(&b);
		else
			do_batch(s, &b);
		failed = clock_mono_ns();
		(void)pthread_mutex_lock(&s->lock);
		/* The last try at the end: what is left is in the register. */
		if (s->stop && s->failing && s->jobs == NULL)
			break;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}
