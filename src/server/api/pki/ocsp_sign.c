/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for responders' keys in one worker. Everything that came in one pass of its loop
 * leaves as one message, under one INTENT; while LEFT_AT_ONCE of them are with the signer,
 * what comes gathers for the next. Each waits for a few seconds at most: who asks here has a
 * time-out of his own, and is better told to try later.
 */
#include <sys/queue.h>

#include <event2/event.h>

#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/pki/der.h>
#include <chancery/wire/frame.h>

#include "ocsp.h"

#define LEFT_AT_ONCE 2
#define TICK_MS 250

struct job {
	TAILQ_ENTRY(job) link;
	struct buf data;
	ocsp_signed_fn *done; /* NULL: was told already */
	void *arg;
	int64_t deadline_ns;
	bool alone; /* one of a batch that was refused */
};
TAILQ_HEAD(job_list, job);

struct queue { /* of one responder */
	struct queue *next;
	struct sha256 key;
	char *mount;
	unsigned left;
	struct job_list waiting[OCSP_RANKS];
};
struct batch {
	LIST_ENTRY(batch) link;
	struct signing *of;
	struct queue *q;
	struct job_list jobs;
	size_t n;
};
static __thread struct signing {
	struct lane *lane;
	struct event *flush, *tick;
	bool flush_due, tick_due;
	struct queue *queues;
	LIST_HEAD(, batch) batches; /* with the signer */
	size_t waiting;             /* callers */
	struct job_list over;       /* to be told why not, in the next pass */
} * mine;

static void schedule(struct signing *s);

static void
job_free(struct job *j)
{
	buf_free(&j->data);
	mem_free(j);
}

static void
tell(struct signing *s, struct job *j, const struct error *why,
    struct bytes sig)
{
	ocsp_signed_fn *done = take(j->done);

	if (done == NULL)
		return;
	s->waiting--;
	done(j->arg, why, sig);
}

/* ---- what came back ---- */

static void
fail_all(struct batch *b, const struct error *why)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&b->jobs)) != NULL) {
		TAILQ_REMOVE(&b->jobs, j, link);
		tell(b->of, j, why, bytes_of(NULL, 0));
		job_free(j);
	}
}

static void
tell_all(struct batch *b, struct bytes sigs)
{
	struct error why = { 0 };
	struct der_reader top, in;
	struct job *j;

	der_r_init(&top, sigs);
	der_r_init(&in, der_r_get(&top, DER_SEQUENCE));
	while ((j = TAILQ_FIRST(&b->jobs)) != NULL) {
		struct bytes sig = der_r_get(&in, DER_OCTET_STRING);

		if (in.failed) {
			(void)error_set(&why, FAIL_CORRUPT,
			    "the signer's answer has too few signatures");
			fail_all(b, &why);
			return;
		}
		TAILQ_REMOVE(&b->jobs, j, link);
		tell(b->of, j, &why, sig);
		job_free(j);
	}
}

/* One that the signer refuses (it knows of a revocation that the store has not seen yet) is
 * not to cost the others theirs. */
static void
try_alone(struct batch *b)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&b->jobs)) != NULL) {
		TAILQ_REMOVE(&b->jobs, j, link);
		if (j->done == NULL) {
			job_free(j);
			continue;
		}
		j->alone = true;
		TAILQ_INSERT_TAIL(&b->q->waiting[OCSP_FOR_KNOWN], j, link);
	}
}

static void
came_back(void *arg, const struct lane_reply *r)
{
	struct batch *b = arg;
	struct signing *s = b->of;

	b->q->left--;
	LIST_REMOVE(b, link);
	if (r->ok)
		tell_all(b, r->sig);
	else if (r->err.why == FAIL_REFUSED && b->n > 1)
		try_alone(b);
	else
		fail_all(b, &r->err);
	mem_free(b);
	schedule(s);
}

/* ---- sending ---- */

/* The tags around it. */
#define DATA_MAX (LIMIT_TBS_BYTES - DER_HEADER_MAX)

static bool
take_some(struct queue *q, struct batch *b, struct buf *data)
{
	size_t octets = 0;

	for (size_t rank = 0; rank < OCSP_RANKS; rank++) {
		struct job *j;

		while ((j = TAILQ_FIRST(&q->waiting[rank])) != NULL) {
			if (b->n == LIMIT_OCSP_BATCH ||
			    octets + j->data.n > DATA_MAX ||
			    (j->alone && b->n > 0))
				return true;
			TAILQ_REMOVE(&q->waiting[rank], j, link);
			if (j->done == NULL) {
				job_free(j);
				continue;
			}
			TAILQ_INSERT_TAIL(&b->jobs, j, link);
			b->n++;
			octets += j->data.n;
			wire_bytes(data, buf_bytes(&j->data));
			if (j->alone)
				return true;
		}
	}
	return b->n > 0;
}

static bool
send_one(struct signing *s, struct queue *q)
{
	auto_mem char *why = mem_printf("%s/ocsp", q->mount);
	struct lane_claim claim = { .who = "server", .why = why };
	auto_buf struct buf data = { 0 };
	struct batch *b = mem_calloc(1, sizeof(*b));

	b->of = s;
	b->q = q;
	TAILQ_INIT(&b->jobs);
	if (!take_some(q, b, &data)) {
		mem_free(b);
		return false;
	}
	random_bytes(claim.id, sizeof(claim.id));
	q->left++;
	LIST_INSERT_HEAD(&s->batches, b, link);
	lane_sign_ocsp(s->lane, &q->key, buf_bytes(&data), &claim, came_back,
	    b);
	return true;
}

static void
tell_over(struct signing *s)
{
	struct error why;
	struct job *j;

	(void)error_set(&why, FAIL_BUSY,
	    "too many OCSP answers wait for their signature");
	while ((j = TAILQ_FIRST(&s->over)) != NULL) {
		TAILQ_REMOVE(&s->over, j, link);
		tell(s, j, &why, bytes_of(NULL, 0));
		job_free(j);
	}
}

static void
on_flush(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct signing *s = arg;

	s->flush_due = false;
	tell_over(s);
	for (struct queue *q = s->queues; q != NULL; q = q->next)
		while (q->left < LEFT_AT_ONCE && send_one(s, q))
			continue;
	schedule(s);
}

/* ---- waiting ---- */

static struct error
late(void)
{
	struct error why;

	(void)error_set(&why, FAIL_TIMEOUT,
	    "no signature came for an OCSP answer in time");
	return why;
}

/* The answers' order is the jobs', so those that gave up keep their places. */
static void
tell_late(struct batch *b, int64_t now_ns)
{
	struct error why = late();
	struct job *j;

	TAILQ_FOREACH(j, &b->jobs, link)
	{
		if (j->deadline_ns <= now_ns)
			tell(b->of, j, &why, bytes_of(NULL, 0));
	}
}

static void
expire(struct signing *s, struct job_list *list, int64_t now_ns)
{
	struct job *j, *next;
	struct error why = late();

	for (j = TAILQ_FIRST(list); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->deadline_ns > now_ns)
			continue;
		TAILQ_REMOVE(list, j, link);
		tell(s, j, &why, bytes_of(NULL, 0));
		job_free(j);
	}
}

static void
on_tick(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct signing *s = arg;
	int64_t now_ns = clock_mono_ns();
	struct batch *b;

	s->tick_due = false;
	LIST_FOREACH(b, &s->batches, link)
	{
		tell_late(b, now_ns);
	}
	for (struct queue *q = s->queues; q != NULL; q = q->next)
		for (size_t rank = 0; rank < OCSP_RANKS; rank++)
			expire(s, &q->waiting[rank], now_ns);
	schedule(s);
}

static void
schedule(struct signing *s)
{
	static const struct timeval soon = { 0, TICK_MS * 1000 };
	bool any = !TAILQ_EMPTY(&s->over);

	for (const struct queue *q = s->queues; q != NULL && !any; q = q->next)
		for (size_t rank = 0; rank < OCSP_RANKS; rank++)
			any |= q->left < LEFT_AT_ONCE &&
			    !TAILQ_EMPTY(&q->waiting[rank]);
	if (any && !s->flush_due) {
		s->flush_due = true;
		event_active(s->flush, EV_TIMEOUT, 0);
	}
	if (s->waiting > 0 && !s->tick_due) {
		s->tick_due = true;
		(void)event_add(s->tick, &soon);
	}
}

static struct signing *
signing_get(struct http_worker *w, struct lane *l)
{
	struct event_base *base;

	if (mine != NULL)
		return mine;
	base = http_worker_base(w);
	mine = mem_calloc(1, sizeof(*mine));
	mine->lane = l;
	TAILQ_INIT(&mine->over);
	mine->flush = event_new(base, -1, 0, on_flush, mine);
	mine->tick = event_new(base, -1, 0, on_tick, mine);
	if (mine->flush == NULL || mine->tick == NULL)
		fatal("event_new");
	return mine;
}

static struct queue *
queue_get(struct signing *s, const struct sha256 *key, const char *mount)
{
	struct queue *q;

	for (q = s->queues; q != NULL; q = q->next)
		if (memcmp(q->key.b, key->b, SHA256_LEN) == 0)
			return q;
	q = mem_calloc(1, sizeof(*q));
	q->key = *key;
	q->mount = mem_strdup(mount);
	for (size_t rank = 0; rank < OCSP_RANKS; rank++)
		TAILQ_INIT(&q->waiting[rank]);
	q->next = s->queues;
	return s->queues = q;
}

void
ocsp_sign(struct http_worker *w, struct lane *l, const struct ocsp_responder *r,
    const char *mount, struct bytes data, enum ocsp_rank rank,
    ocsp_signed_fn *done, void *arg)
{
	struct signing *s = signing_get(w, l);
	struct queue *q = queue_get(s, &r->key, mount);
	struct job *j = mem_calloc(1, sizeof(*j));
	/* Half of the places are for certificates that there are. */
	size_t room = rank == OCSP_FOR_KNOWN ? LIMIT_OCSP_WAITING
					     : LIMIT_OCSP_WAITING / 2;

	j->done = done;
	j->arg = arg;
	j->deadline_ns = clock_mono_ns() + LIMIT_OCSP_WAIT_MS * 1000000LL;
	if (s->waiting++ >= room) {
		TAILQ_INSERT_TAIL(&s->over, j, link);
	} else {
		buf_add_bytes(&j->data, data);
		TAILQ_INSERT_TAIL(&q->waiting[rank], j, link);
	}
	schedule(s);
}

static void
drop_jobs(struct job_list *list)
{
	struct job *j;

	while ((j = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, j, link);
		if (j->done != NULL)
			j->done(j->arg, NULL, bytes_of(NULL, 0));
		job_free(j);
	}
}

/* What the lane has of them it drops without a word. */
static void
drop_batches(struct signing *s)
{
	struct batch *b;

	while ((b = LIST_FIRST(&s->batches)) != NULL) {
		LIST_REMOVE(b, link);
		drop_jobs(&b->jobs);
		mem_free(b);
	}
}

void
ocsp_sign_worker_end(void)
{
	struct queue *q;

	if (mine == NULL)
		return;
	drop_batches(mine);
	while ((q = mine->queues) != NULL) {
		mine->queues = q->next;
		for (size_t rank = 0; rank < OCSP_RANKS; rank++)
			drop_jobs(&q->waiting[rank]);
		mem_free(q->mount);
		mem_free(q);
	}
	drop_jobs(&mine->over);
	event_free(mine->flush);
	event_free(mine->tick);
	mem_free(take(mine));
}
