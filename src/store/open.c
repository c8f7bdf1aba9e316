/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include <chancery/base/file.h>

#include "internal.h"
#include "schema.h"

/* A certificate is on its way to the file this long at most; within it the writes of
 * a busy service share their pages. */
#define BATCH_MS 20

static void
init(struct store *s, const struct store_config *cfg)
{
	pthread_condattr_t mono;

	s->path = mem_strdup(cfg->path);
	s->read_only = cfg->read_only;
	s->bulk = cfg->bulk;
	s->batch_ms = cfg->batch_ms == 0 ? BATCH_MS : cfg->batch_ms;
	s->lock_fd = -1;
	s->jobs_tail = &s->jobs;
	pending_init(&s->pending);
	s->writer.store = s;
	(void)pthread_condattr_init(&mono);
	(void)pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->work, &mono);
	(void)pthread_cond_init(&s->progress, &mono);
	(void)pthread_condattr_destroy(&mono);
	if (pthread_key_create(&s->reader_key, reader_thread_ends) != 0)
		fatal("pthread_key_create");
}

/* Read-only: looked at, never changed. */
static bool
check_only(struct store *s, struct error *e)
{
	struct db *d = reader_get(s, e);
	int version;

	if (d == NULL || !schema_check(d, &version, e))
		return false;
	if (version == schema_newest())
		return true;
	return error_set(e, FAIL_UNSUPPORTED,
	    "store %s: schema %d; the service brings it to %d when it starts",
	    s->path, version, schema_newest());
}

/* Signals belong to the process's own threads. */
static bool
start_writer(struct store *s, struct error *e)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, writer_main, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->started = rc == 0;
	errno = rc;
	return s->started ||
	    error_errno(e, FAIL_INTERNAL, "store: thread of the writer");
}

/* One process writes: SQLite would let several. */
static bool
lock_file(struct store *s, struct error *e)
{
	auto_mem char *path = mem_printf("%s.lock", s->path);

	s->lock_fd = file_lock(path, e);
	return s->lock_fd >= 0 || error_context(e, "store");
}

static bool
open_writer(struct store *s, const struct store_config *cfg, struct error *e)
{
	if (!cfg->create && access(s->path, F_OK) != 0)
		return error_errno(e,
		    errno == ENOENT ? FAIL_NOT_FOUND : FAIL_IO, "store %s",
		    s->path);
	if (!lock_file(s, e) || (cfg->create && !schema_create(s->path, e)) ||
	    !writer_open(s, e))
		return false;
	return start_writer(s, e);
}

struct store *
store_open(const struct store_config *cfg, struct error *e)
{
	auto_store struct store *s = mem_calloc(1, sizeof(*s));

	init(s, cfg);
	if (cfg->read_only && access(s->path, F_OK) != 0) {
		error_errno(e, errno == ENOENT ? FAIL_NOT_FOUND : FAIL_IO,
		    "store %s", s->path);
		return NULL;
	}
	if (!(cfg->read_only ? check_only(s, e) : open_writer(s, cfg, e)))
		return NULL;
	return take(s);
}

/* By a descriptor of our own, hence after SQLite's: closing it would take SQLite's
 * locks away. */
static bool
sync_file(const char *path, struct error *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	return (fd >= 0 && fsync(fd) == 0) ||
	    error_errno(e, FAIL_IO, "store %s: fsync", path);
}

bool
store_close(struct store *s, struct error *e)
{
	bool ok = true;

	if (s == NULL)
		return true;
	if (s->started) {
		(void)pthread_mutex_lock(&s->lock);
		s->stop = true;
		(void)pthread_cond_signal(&s->work);
		(void)pthread_mutex_unlock(&s->lock);
		(void)pthread_join(s->thread, NULL);
		ok = !s->failing && !s->dead;
		if (!ok)
			*e = s->err;
	}
	readers_close(s);
	if (ok && s->started)
		ok = writer_checkpoint(&s->writer, e);
	writer_close(&s->writer);
	if (ok && s->started && s->bulk)
		ok = sync_file(s->path, e);
	pending_clear(&s->pending);
	fd_cleanup(&s->lock_fd);
	(void)pthread_cond_destroy(&s->progress);
	(void)pthread_cond_destroy(&s->work);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s->path);
	mem_free(s);
	return ok;
}

void
store_free(struct store *s)
{
	struct error ignored;

	(void)!store_close(s, &ignored);
}

bool
store_sync(struct store *s, struct error *e)
{
	uint64_t wanted, attempts;
	bool ok;

	(void)pthread_mutex_lock(&s->lock);
	wanted = s->pending.last;
	attempts = s->attempts;
	if (s->flush_to < wanted)
		s->flush_to = wanted;
	(void)pthread_cond_signal(&s->work);
	while (s->pending.done < wanted && s->attempts == attempts && !s->dead)
		(void)pthread_cond_wait(&s->progress, &s->lock);
	ok = s->pending.done >= wanted;
	if (!ok)
		*e = s->err;
	(void)pthread_mutex_unlock(&s->lock);
	return ok;
}
