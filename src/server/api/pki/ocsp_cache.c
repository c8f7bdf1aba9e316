/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that were signed, for all workers: in parts, each with a lock of its own, what was
 * asked for last in front. What was never issued has parts of its own and little room, so that
 * who asks for random numbers pushes out nobody's certificate.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <chancery/base/clock.h>

#include "ocsp.h"

#define PARTS 64
#define BUCKETS 4096
/* After a renewal that was begun: the signer may be away. */
#define RENEW_AGAIN_NS (INT64_C(5) * 1000000000)

struct entry {
	struct ocsp_cached pub; /* first: readers know only this */
	TAILQ_ENTRY(entry) by_use;
	struct entry *chain;
	atomic_uint refs;
	_Atomic uint64_t seen;
	int64_t renew_ns; /* told then, by CLOCK_MONOTONIC */
	uint8_t der[];
};
static struct part {
	pthread_mutex_t mutex;
	TAILQ_HEAD(entry_list, entry) by_use;
	struct entry **bucket;
	size_t bytes;
} parts[2][PARTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic bool begun;

struct ocsp_counts ocsp_counts;

static void
begin(void)
{
	for (size_t i = 0; i < 2 * PARTS; i++) {
		struct part *p = &parts[i / PARTS][i % PARTS];

		(void)pthread_mutex_init(&p->mutex, NULL);
		TAILQ_INIT(&p->by_use);
		p->bucket = mem_calloc(BUCKETS, sizeof(p->bucket[0]));
	}
	atomic_store(&begun, true);
}

static struct part *
part_of(const struct sha256 *key, bool never_issued)
{
	(void)pthread_once(&once, begin);
	return &parts[never_issued][key->b[0] % PARTS];
}

static struct entry **
chain_of(const struct part *p, const struct sha256 *key)
{
	return &p->bucket[(key->b[1] | (size_t)key->b[2] << 8) % BUCKETS];
}

static size_t
size_of(const struct entry *n)
{
	return sizeof(*n) + n->pub.der.n;
}

static struct entry *
entry_of(const struct ocsp_cached *c)
{
	return (struct entry *)(uintptr_t)c;
}

void
ocsp_cached_put(const struct ocsp_cached *c)
{
	struct entry *n = entry_of(c);

	if (n != NULL &&
	    atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) == 1)
		mem_free(n);
}

static struct entry *
find(struct part *p, const struct sha256 *key)
{
	struct entry *n = *chain_of(p, key);

	while (n != NULL && memcmp(n->pub.key.b, key->b, SHA256_LEN) != 0)
		n = n->chain;
	return n;
}

static void
unlink_entry(struct part *p, struct entry *n)
{
	struct entry **at = chain_of(p, &n->pub.key);

	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
	TAILQ_REMOVE(&p->by_use, n, by_use);
	p->bytes -= size_of(n);
	(void)atomic_fetch_sub(&ocsp_counts.bytes, size_of(n));
	(void)atomic_fetch_sub(&ocsp_counts.entries, 1);
	ocsp_cached_put(&n->pub);
}

/* A third part of the input says how: another life, another word for the unknown. */
void
ocsp_cache_key(const struct ocsp_index *x, const struct ocsp_issuer *i,
    const struct ocsp_cert_id *id, struct sha256 *out)
{
	struct {
		int64_t expiry_s, revoked;
	} how = { x->expiry_s, x->unknown_is_revoked };

	*out = sha256_cat(sha256_bytes(&i->responder->key),
	    bytes_of(&how, sizeof(how)), id->der);
}

static struct entry *
take_from(struct part *p, const struct sha256 *key, int64_t now_s, bool *renew)
{
	struct entry *n;

	(void)pthread_mutex_lock(&p->mutex);
	n = find(p, key);
	if (n != NULL && now_s >= n->pub.next_s) {
		unlink_entry(p, n);
		n = NULL;
	}
	if (n != NULL) {
		TAILQ_REMOVE(&p->by_use, n, by_use);
		TAILQ_INSERT_HEAD(&p->by_use, n, by_use);
		*renew = now_s - n->pub.this_s > n->pub.next_s - now_s &&
		    (n->renew_ns == 0 ||
			clock_mono_ns() >= n->renew_ns + RENEW_AGAIN_NS);
		if (*renew)
			n->renew_ns = clock_mono_ns();
		(void)atomic_fetch_add_explicit(&n->refs, 1,
		    memory_order_relaxed);
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return n;
}

const struct ocsp_cached *
ocsp_cache_get(const struct sha256 *key, int64_t now_s, uint64_t seen,
    bool *current, bool *renew)
{
	struct entry *n;

	*renew = false;
	n = take_from(part_of(key, false), key, now_s, renew);
	if (n == NULL)
		n = take_from(part_of(key, true), key, now_s, renew);
	if (n == NULL)
		return NULL;
	*current = atomic_load_explicit(&n->seen, memory_order_relaxed) == seen;
	return &n->pub;
}

void
ocsp_cache_checked(const struct ocsp_cached *c, uint64_t seen)
{
	atomic_store_explicit(&entry_of(c)->seen, seen, memory_order_relaxed);
}

static void
drop_from(struct part *p, const struct sha256 *key)
{
	struct entry *n;

	(void)pthread_mutex_lock(&p->mutex);
	n = find(p, key);
	if (n != NULL)
		unlink_entry(p, n);
	(void)pthread_mutex_unlock(&p->mutex);
}

void
ocsp_cache_drop(const struct sha256 *key)
{
	drop_from(part_of(key, false), key);
	drop_from(part_of(key, true), key);
}

static struct entry *
entry_new(const struct ocsp_cached *c, uint64_t seen)
{
	struct entry *n = mem_calloc(1, sizeof(*n) + c->der.n);

	n->pub = *c;
	memcpy(n->der, c->der.p, c->der.n);
	n->pub.der.p = n->der;
	atomic_init(&n->refs, 1);
	atomic_init(&n->seen, seen);
	return n;
}

void
ocsp_cache_add(const struct ocsp_cached *c, uint64_t seen)
{
	bool never = c->status.never_issued;
	struct part *p = part_of(&c->key, never);
	size_t room =
	    (never ? LIMIT_OCSP_UNKNOWN_BYTES : LIMIT_OCSP_CACHE_BYTES) / PARTS;
	struct entry *n, *old;

	if (c->next_s <= c->this_s)
		return;
	/* What was never issued may have been by now, and the other way round. */
	drop_from(part_of(&c->key, !never), &c->key);
	n = entry_new(c, seen);
	(void)pthread_mutex_lock(&p->mutex);
	old = find(p, &c->key);
	if (old != NULL)
		unlink_entry(p, old);
	n->chain = *chain_of(p, &c->key);
	*chain_of(p, &c->key) = n;
	TAILQ_INSERT_HEAD(&p->by_use, n, by_use);
	p->bytes += size_of(n);
	(void)atomic_fetch_add(&ocsp_counts.bytes, size_of(n));
	(void)atomic_fetch_add(&ocsp_counts.entries, 1);
	while (p->bytes > room && !TAILQ_EMPTY(&p->by_use))
		unlink_entry(p, TAILQ_LAST(&p->by_use, entry_list));
	(void)pthread_mutex_unlock(&p->mutex);
}

void
ocsp_cache_free(void)
{
	if (!atomic_load(&begun))
		return;
	for (size_t i = 0; i < 2 * PARTS; i++) {
		struct part *p = &parts[i / PARTS][i % PARTS];

		while (!TAILQ_EMPTY(&p->by_use))
			unlink_entry(p, TAILQ_FIRST(&p->by_use));
	}
}
