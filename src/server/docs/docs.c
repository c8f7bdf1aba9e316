/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All documents as one sorted array that is never changed: a change makes a new array
 * beside it, which shares the documents that stay, and swaps. Readers hold the lock for
 * a binary search, the writer for one assignment.
 */
#include <pthread.h>

#include <chancery/base/log.h>

#include "internal.h"

struct snapshot {
	atomic_uint refs;
	size_t n, cap;
	struct doc_node **v;
};

struct docs {
	struct store *store;
	const struct doc_kind *kinds;
	pthread_rwlock_t lock; /* of `now` */
	struct snapshot *now;
	pthread_mutex_t changing; /* one change at a time */
	_Atomic uint64_t changes;
};

/* ---- snapshots --------------------------------------------------------- */

static struct snapshot *
snapshot_new(size_t cap)
{
	struct snapshot *s = mem_calloc(1, sizeof(*s));

	atomic_init(&s->refs, 1);
	s->cap = cap;
	s->v = mem_calloc(cap + 1, sizeof(struct doc_node *));
	return s;
}

static void
snapshot_put(struct snapshot *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->n; i++)
		docs_put(&s->v[i]->pub);
	mem_free(s->v);
	mem_free(s);
}

static struct snapshot *
snapshot_get(struct docs *d)
{
	struct snapshot *s;

	(void)pthread_rwlock_rdlock(&d->lock);
	s = d->now;
	(void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	(void)pthread_rwlock_unlock(&d->lock);
	return s;
}

/* Where it stands or would stand. */
static bool
locate(const struct snapshot *s, const char *kind, const char *scope,
    const char *name, size_t *at)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (doc_node_order(s->v[mid], kind, scope, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
	return lo < s->n && doc_node_order(s->v[lo], kind, scope, name) == 0;
}

static void
insert(struct snapshot *s, size_t at, struct doc_node *n)
{
	s->v = mem_grow(s->v, s->n, &s->cap, sizeof(struct doc_node *));
	memmove(s->v + at + 1, s->v + at,
	    (s->n - at) * sizeof(struct doc_node *));
	s->v[at] = n;
	s->n++;
}

static void
drop(struct snapshot *s, size_t at)
{
	docs_put(&s->v[at]->pub);
	s->n--;
	memmove(s->v + at, s->v + at + 1,
	    (s->n - at) * sizeof(struct doc_node *));
}

/* ---- loading ----------------------------------------------------------- */

struct loading {
	struct docs *d;
	struct snapshot *s;
};

static struct doc_node *
node_or_log(struct docs *d, const struct store_doc_op *op, uint64_t version)
{
	struct error e = { 0 };
	struct doc_node *n = doc_node_new(d->kinds, op, version, &e);

	if (n == NULL)
		log_line(LOG_LEVEL_ERROR,
		    "configuration: %s \"%s\" in \"%s\" is left out: %s",
		    op->kind, op->name, op->scope, e.msg);
	return n;
}

static bool
load_one(void *arg, const char *kind, const char *scope, const char *name,
    struct bytes value, uint64_t version)
{
	struct loading *l = arg;
	struct store_doc_op op = { kind, scope, name, value };
	struct doc_node *n = node_or_log(l->d, &op, version);

	if (n != NULL)
		insert(l->s, l->s->n, n);
	return true;
}

struct docs *
docs_open(struct store *s, const struct doc_kind *kinds, struct error *e)
{
	struct docs *d = mem_calloc(1, sizeof(*d));
	struct loading l = { .d = d, .s = snapshot_new(64) };

	/* Seeded by the first object otherwise, in whatever thread. */
	json_object_seed(0);
	d->store = s;
	d->kinds = kinds;
	d->now = l.s;
	(void)pthread_rwlock_init(&d->lock, NULL);
	(void)pthread_mutex_init(&d->changing, NULL);
	if (store_doc_list(s, NULL, NULL, load_one, &l, e))
		return d;
	docs_free(d);
	return NULL;
}

void
docs_free(struct docs *d)
{
	if (d == NULL)
		return;
	snapshot_put(d->now);
	(void)pthread_mutex_destroy(&d->changing);
	(void)pthread_rwlock_destroy(&d->lock);
	mem_free(d);
}

/* ---- reading ----------------------------------------------------------- */

static const struct doc *
find(const struct snapshot *s, const char *kind, const char *scope,
    const char *name)
{
	size_t at;

	return locate(s, kind, scope, name, &at) ? docs_ref(&s->v[at]->pub)
						 : NULL;
}

const struct doc *
docs_get(struct docs *d, const char *kind, const char *scope, const char *name)
{
	const struct doc *doc;

	(void)pthread_rwlock_rdlock(&d->lock);
	doc = find(d->now, kind, scope, name);
	(void)pthread_rwlock_unlock(&d->lock);
	return doc;
}

const struct doc *
docs_longest(struct docs *d, const char *kind, const char *path)
{
	char name[STORE_NAME_MAX + 1];
	size_t n = strlen(path);
	const struct doc *doc = NULL;

	/* A longer one is no document's name: cut to whole segments below. */
	while (n > STORE_NAME_MAX)
		n--;
	memcpy(name, path, n);
	while (n > 0 && path[n] != '\0' && path[n] != '/')
		n--;
	(void)pthread_rwlock_rdlock(&d->lock);
	while (n > 0 && doc == NULL) {
		name[n] = '\0';
		doc = find(d->now, kind, "", name);
		while (--n > 0 && path[n] != '/')
			;
	}
	(void)pthread_rwlock_unlock(&d->lock);
	return doc;
}

void
docs_each(struct docs *d, const char *kind, const char *scope,
    docs_each_fn *each, void *arg)
{
	struct snapshot *s = snapshot_get(d);
	size_t i;

	(void)locate(s, kind, scope == NULL ? "" : scope, "", &i);
	for (; i < s->n && strcmp(s->v[i]->pub.kind, kind) == 0 &&
	     (scope == NULL || strcmp(s->v[i]->pub.scope, scope) == 0);
	     i++)
		if (!each(arg, &s->v[i]->pub))
			break;
	snapshot_put(s);
}

/* ---- changing ---------------------------------------------------------- */

/* The store has it already, with its version. */
static bool
take_change(void *arg, const struct store_doc_op *op, struct error *e)
{
	struct loading *l = arg;
	auto_buf struct buf value = { 0 };
	struct store_doc_op now = *op;
	struct doc_node *n = NULL;
	uint64_t version = 0;
	size_t at;

	if (store_doc_get(l->d->store, op->kind, op->scope, op->name, &value,
		&version, e)) {
		now.value = buf_bytes(&value);
		n = node_or_log(l->d, &now, version);
	} else if (e->why != FAIL_NOT_FOUND) {
		return false;
	}
	if (locate(l->s, op->kind, op->scope, op->name, &at))
		drop(l->s, at);
	if (n != NULL)
		insert(l->s, at, n);
	return true;
}

static struct snapshot *
copy(const struct snapshot *from)
{
	struct snapshot *s = snapshot_new(from->n + 16);

	for (; s->n < from->n; s->n++) {
		s->v[s->n] = from->v[s->n];
		(void)!docs_ref(&s->v[s->n]->pub);
	}
	return s;
}

void
docs_apply(struct docs *d, struct bytes changes_json)
{
	struct loading l = { .d = d };
	struct snapshot *old;
	struct error e;

	(void)pthread_mutex_lock(&d->changing);
	l.s = copy(d->now);
	/* The store took them; a process that cannot read them any more must not go
	 * on with what they replaced. */
	if (!store_changes_each(changes_json, take_change, &l, &e))
		fatal("configuration cannot be read back: %s", e.msg);
	(void)pthread_rwlock_wrlock(&d->lock);
	old = d->now;
	d->now = l.s;
	(void)pthread_rwlock_unlock(&d->lock);
	(void)atomic_fetch_add(&d->changes, 1);
	(void)pthread_mutex_unlock(&d->changing);
	snapshot_put(old);
}

uint64_t
docs_changes(const struct docs *d)
{
	return atomic_load(&d->changes);
}
