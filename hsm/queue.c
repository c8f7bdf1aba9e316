/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chancery/base/clock.h>

#include "queue.h"

/* The owner's side. */

/* ---- life ---------------------------------------------------------------- */

void
queue_destroy(struct key_queue *q)
{
	struct job *j;

	list_free(&q->fresh);
	list_free(&q->waiting);
	list_free(&q->done);
	while ((j = q->spare) != NULL) {
		q->spare = j->next;
		mem_free(j);
	}
	if (q->fd >= 0)
		(void)close(q->fd);
	for (unsigned i = 0; i < q->started; i++)
		(void)pthread_cond_destroy(&q->worker[i].wake);
	(void)pthread_cond_destroy(&q->finished);
	(void)pthread_mutex_destroy(&q->lock);
	mem_free(q->worker);
	mem_free(q);
}

struct key_queue *
key_queue_new(const struct key_queue_config *cfg)
{
	struct key_queue *q = mem_calloc(1, sizeof(*q));

	q->cfg = *cfg;
	if (q->cfg.workers != KEY_WORKERS_AUTO &&
	    q->cfg.workers > LIMIT_KEY_WORKERS)
		q->cfg.workers = LIMIT_KEY_WORKERS;
	wait_init(&q->lock, &q->finished);
	list_init(&q->fresh);
	list_init(&q->waiting);
	list_init(&q->done);
	q->fd = -1;
	if (q->cfg.workers == 0)
		return q;
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0)
		fatal("eventfd: %d", errno);
	queue_size(q);
	q->worker = mem_calloc(q->max, sizeof(*q->worker));
	return q;
}

void
key_queue_free(struct key_queue *q)
{
	int64_t until = deadline_after(q != NULL && q->cfg.deadline_ms != 0
		? q->cfg.deadline_ms
		: LIMIT_SIGN_DEADLINE_MS);
	bool in_time = true, last;

	if (q == NULL)
		return;
	(void)pthread_mutex_lock(&q->lock);
	q->stop = true;
	for (unsigned i = 0; i < q->started; i++)
		(void)pthread_cond_signal(&q->worker[i].wake);
	while (q->threads > 0 && in_time)
		in_time = wait_until(&q->finished, &q->lock, until);
	q->closed = true;
	last = q->threads == 0;
	for (unsigned i = 0; i < q->started && !last; i++)
		(void)pthread_detach(q->worker[i].thread);
	(void)pthread_mutex_unlock(&q->lock);
	if (!last)
		return;
	/* A thread's end is one in libcrypto, too, which may be closed after us. */
	for (unsigned i = 0; i < q->started; i++)
		(void)pthread_join(q->worker[i].thread, NULL);
	queue_destroy(q);
}

/* ---- submit, collect ------------------------------------------------------ */

bool
key_queue_submit(struct key_queue *q, const struct key_job *job,
    struct error *e)
{
	struct job *j;

	if (q->in_flight >= LIMIT_IN_FLIGHT)
		return error_set(e, FAIL_BUSY, "key queue: %d jobs in flight",
		    LIMIT_IN_FLIGHT);
	j = job_new(q, job);
	j->deadline_ns = q->cfg.deadline_ms == 0
	    ? INT64_MAX
	    : deadline_after(q->cfg.deadline_ms);
	q->in_flight++;
	list_add(&q->fresh, j);
	return true;
}

/* With the lock held. */
static void
hand_over(struct key_queue *q)
{
	list_append(&q->waiting, &q->fresh);
	if (q->waiting.head != NULL)
		queue_wake(q);
}

void
key_queue_start(struct key_queue *q)
{
	if (q->fresh.head == NULL || q->cfg.workers == 0)
		return;
	(void)pthread_mutex_lock(&q->lock);
	hand_over(q);
	(void)pthread_mutex_unlock(&q->lock);
}

static void
time_out(struct key_done *d, uint64_t id, unsigned attempts, const char *what)
{
	*d = (struct key_done){ .id = id, .attempts = attempts };
	(void)error_set(&d->err, FAIL_TIMEOUT,
	    "the signature took longer than its deadline (%s)", what);
}

/* A call that takes so long does not count among those at work: others have a worker in
 * its place. */
#define LATE_NS INT64_C(200000000)

static void
count_late(struct key_queue *q, int64_t now)
{
	q->late = 0;
	for (unsigned i = 0; i < q->started; i++)
		if (q->worker[i].job != NULL &&
		    now - q->worker[i].since_ns > LATE_NS)
			q->late++;
}

/* Waiting jobs are in the order of their deadlines. */
static size_t
expire(struct key_queue *q, int64_t now, struct key_done *out, size_t max)
{
	size_t n = 0;

	for (unsigned i = 0; i < q->started && n < max; i++) {
		struct job *j = q->worker[i].job;

		if (j == NULL || j->abandoned || j->deadline_ns > now)
			continue;
		j->abandoned = true;
		time_out(&out[n++], j->j.id, 1, "the module hangs");
	}
	while (n < max && q->waiting.head != NULL &&
	    q->waiting.head->deadline_ns <= now) {
		struct job *j = list_take(&q->waiting);

		time_out(&out[n++], j->j.id, 0, "never started");
		job_free(j);
	}
	return n;
}

/* The descriptor is readable from the time that enough are done until all are taken. A
 * write that is still on its way makes it so for one look too many. */
static void
all_taken(struct key_queue *q)
{
	uint64_t n = 0;

	q->told = false;
	if (q->unread > 0 && read(q->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		fatal("eventfd: %d", errno);
	q->unread -= n;
}

static size_t
drain(struct key_queue *q, struct key_done *out, size_t max)
{
	const int64_t now = clock_mono_ns();
	size_t n = 0;

	while (n < max && q->done.head != NULL)
		job_done(q, list_take(&q->done), &out[n++]);
	if (q->done.head == NULL)
		all_taken(q);
	if (q->cfg.deadline_ms != 0 && n < max)
		n += expire(q, now, out + n, max - n);
	count_late(q, now);
	hand_over(q);
	q->in_flight -= n;
	return n;
}

static int64_t
next_deadline(const struct key_queue *q, int64_t until)
{
	int64_t late = clock_mono_ns() + LATE_NS;

	if (q->waiting.head == NULL)
		late = until;
	else if (q->waiting.head->deadline_ns < late)
		late = q->waiting.head->deadline_ns;
	if (late < until)
		until = late;
	for (unsigned i = 0; i < q->started; i++) {
		const struct job *j = q->worker[i].job;

		if (j != NULL && !j->abandoned && j->deadline_ns < until)
			until = j->deadline_ns;
	}
	return until;
}

/* An end of waiting that is no end: pthread_cond_timedwait needs one. */
#define LONG_WAIT_MS 3600000U

static size_t
collect_threads(struct key_queue *q, struct key_done *out, size_t max,
    int timeout_ms)
{
	int64_t until = deadline_after(
	    timeout_ms < 0 ? LONG_WAIT_MS : (unsigned)timeout_ms);
	size_t n;

	(void)pthread_mutex_lock(&q->lock);
	hand_over(q);
	n = timeout_ms == 0 || q->told || queue_enough_done(q)
	    ? drain(q, out, max)
	    : 0;
	while (n == 0 && timeout_ms != 0 && q->in_flight > 0) {
		bool woken =
		    wait_until(&q->finished, &q->lock, next_deadline(q, until));

		n = drain(q, out, max);
		if (woken || n > 0 || clock_mono_ns() < until)
			continue;
		if (timeout_ms > 0)
			break;
		until = deadline_after(LONG_WAIT_MS);
	}
	(void)pthread_mutex_unlock(&q->lock);
	return n;
}

/* The owner is the only thread: no lock, no deadline. */
static size_t
collect_inline(struct key_queue *q, struct key_done *out, size_t max)
{
	size_t n = 0;

	while (n < max) {
		struct job *j = list_take(&q->fresh);

		if (j == NULL)
			break;
		job_run(&q->cfg, j);
		job_done(q, j, &out[n++]);
	}
	q->in_flight -= n;
	return n;
}

size_t
key_queue_collect(struct key_queue *q, struct key_done *out, size_t max,
    int timeout_ms)
{
	if (max == 0)
		return 0;
	if (q->cfg.workers == 0)
		return collect_inline(q, out, max);
	return collect_threads(q, out, max, timeout_ms);
}

int
key_queue_fd(const struct key_queue *q)
{
	return q->fd;
}

size_t
key_queue_in_flight(const struct key_queue *q)
{
	return q->in_flight;
}

bool
key_queue_is_gathering(struct key_queue *q)
{
	bool r;

	if (q->cfg.workers == 0 || q->fresh.head != NULL)
		return false;
	(void)pthread_mutex_lock(&q->lock);
	r = q->waiting.n > 0 && !q->told && !queue_enough_done(q);
	(void)pthread_mutex_unlock(&q->lock);
	return r;
}

unsigned
key_queue_workers(struct key_queue *q)
{
	unsigned n;

	(void)pthread_mutex_lock(&q->lock);
	n = q->limit;
	(void)pthread_mutex_unlock(&q->lock);
	return n;
}
