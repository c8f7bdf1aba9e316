/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* A connection for each thread that reads, opened at its first read, closed when the
 * thread or the store ends. */
struct reader {
	struct db db;
	struct store *store;
	struct reader *next;
};

/* The thread ends: called by libc. The store is there: it takes its key away first. */
void
reader_thread_ends(void *arg)
{
	struct reader *r = arg, **at;
	struct store *s = r->store;

	(void)pthread_mutex_lock(&s->lock);
	for (at = &s->readers; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	(void)pthread_mutex_unlock(&s->lock);
	db_close(&r->db);
	mem_free(r);
}

struct db *
reader_get(struct store *s, struct error *e)
{
	struct reader *r = pthread_getspecific(s->reader_key);

	if (r != NULL)
		return &r->db;
	r = mem_calloc(1, sizeof(*r));
	r->store = s;
	if (!db_open(&r->db, s->path, s->read_only ? DB_READ_ONLY : DB_READ,
		e)) {
		mem_free(r);
		return NULL;
	}
	if (pthread_setspecific(s->reader_key, r) != 0)
		fatal("pthread_setspecific");
	(void)pthread_mutex_lock(&s->lock);
	r->next = s->readers;
	s->readers = r;
	(void)pthread_mutex_unlock(&s->lock);
	return &r->db;
}

void
readers_close(struct store *s)
{
	struct reader *r;

	(void)pthread_key_delete(s->reader_key);
	while ((r = s->readers) != NULL) {
		s->readers = r->next;
		db_close(&r->db);
		mem_free(r);
	}
}
