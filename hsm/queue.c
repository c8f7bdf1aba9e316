/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/hsm/queue.h>

#include "internal.h"

/*
 * A job belongs to the queue's lists until a worker takes it, to that worker
 * while it runs, and to the queue again when done. A job past its deadline is
 * answered at once: a waiting one is freed, a running one is marked abandoned
 * and freed by its worker, should it ever return. Because of the latter a job
 * owns a copy of its input, and the queue lives until its last thread is gone.
 */
struct job {
	struct job *next;
	struct key_job j;
	uint8_t small[DIGEST_MAX]; /* input, unless it is longer              */
	int64_t deadline_ns;
	bool abandoned;
	struct key_done done;
};

struct job_list {
	struct job *head, **tail;
	size_t n;
};

struct key_queue {
	struct key_queue_config cfg;
	pthread_mutex_t lock;
	pthread_cond_t work;     /* something waits, or the end has come      */
	pthread_cond_t finished; /* something is done                         */
	struct job_list waiting, done;
	struct job **running; /* one slot a worker                         */
	size_t in_flight;
	int fd;
	bool stop, closed; /* closed: the owner has left                */
	unsigned threads;  /* not yet gone                              */
};

static void
list_init(struct job_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
	l->n = 0;
}

static void
list_add(struct job_list *l, struct job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
	l->n++;
}

static struct job *
list_take(struct job_list *l)
{
	struct job *j = l->head;

	if (j == NULL)
		return NULL;
	l->head = j->next;
	if (l->head == NULL)
		l->tail = &l->head;
	l->n--;
	return j;
}

static void
job_free(struct job *j)
{
	if (j->j.in.p != j->small)
		mem_free(unconst(j->j.in.p));
	mem_free(j);
}

/* ---- running a job ----------------------------------------------------- */

static void
job_run(const struct key_queue_config *cfg, struct job *j)
{
	key_sign_fn *sign = cfg->sign;
	int64_t cpu = clock_thread_cpu_ns();
	auto_buf struct buf sig = { 0 };
	struct key_done *d = &j->done;

	if (sign != NULL)
		d->ok = sign(cfg->arg, j->j.key, j->j.alg, j->j.in, &sig,
		    &d->attempts, &d->err);
	else
		d->ok = hsm_sign(j->j.key, j->j.alg, j->j.in, &sig,
		    &d->attempts, &d->err);
	if (d->ok && sig.n > sizeof(d->sig))
		d->ok = error_set(&d->err, FAIL_INTERNAL,
		    "signature of %zu bytes", sig.n);
	if (d->ok) {
		memcpy(d->sig, sig.p, sig.n);
		d->sig_len = sig.n;
	}
	d->worker_cpu_ns = clock_thread_cpu_ns() - cpu;
}

/*
 * Whoever takes completions pays a commit for them (100 us of CPU): while jobs still
 * wait for a worker, some company is on its way and is waited for. No timer: with
 * nothing waiting each completion counts, and what waits ends by its deadline.
 */
#define COMPANY 8

static bool
enough_done(const struct key_queue *q)
{
	size_t want = q->waiting.n < COMPANY ? q->waiting.n : COMPANY;

	return q->done.n > 0 && q->done.n >= want;
}

/* The descriptor is readable from the time that enough are done until all are
 * taken. */
static void
put_done(struct key_queue *q, struct job *j)
{
	const uint64_t one = 1;

	list_add(&q->done, j);
	if (!enough_done(q))
		return;
	if (q->fd >= 0 && write(q->fd, &one, sizeof(one)) < 0)
		fatal("eventfd: %d", errno);
	(void)pthread_cond_signal(&q->finished);
}

static struct job *
take_done(struct key_queue *q)
{
	struct job *j = list_take(&q->done);
	uint64_t n;

	if (j != NULL && q->done.head == NULL && q->fd >= 0 &&
	    read(q->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		fatal("eventfd: %d", errno);
	return j;
}

/* ---- workers ----------------------------------------------------------- */

static void
queue_destroy(struct key_queue *q)
{
	struct job *j;

	while ((j = list_take(&q->waiting)) != NULL)
		job_free(j);
	while ((j = list_take(&q->done)) != NULL)
		job_free(j);
	if (q->fd >= 0)
		(void)close(q->fd);
	(void)pthread_cond_destroy(&q->work);
	(void)pthread_cond_destroy(&q->finished);
	(void)pthread_mutex_destroy(&q->lock);
	mem_free(q->running);
	mem_free(q);
}

/* With the lock held. */
static void
worker_loop(struct key_queue *q, struct job **slot)
{
	for (;;) {
		struct job *j;

		while (q->waiting.head == NULL && !q->stop)
			(void)pthread_cond_wait(&q->work, &q->lock);
		if (q->stop)
			return;
		j = list_take(&q->waiting);
		*slot = j;
		(void)pthread_mutex_unlock(&q->lock);
		job_run(&q->cfg, j);
		(void)pthread_mutex_lock(&q->lock);
		*slot = NULL;
		if (j->abandoned)
			job_free(j);
		else
			put_done(q, j);
	}
}

struct worker {
	struct key_queue *q;
	struct job **slot;
};

static void *
worker_main(void *arg)
{
	struct worker w = *(struct worker *)arg;
	bool last;

	mem_free(arg);
	(void)pthread_mutex_lock(&w.q->lock);
	worker_loop(w.q, w.slot);
	w.q->threads--;
	last = w.q->closed && w.q->threads == 0;
	(void)pthread_cond_signal(&w.q->finished);
	(void)pthread_mutex_unlock(&w.q->lock);
	if (last)
		queue_destroy(w.q);
	return NULL;
}

/* Signals are the main thread's business. */
static void
start_worker(struct key_queue *q, unsigned i)
{
	struct worker *w = mem_alloc(sizeof(*w));
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;

	*w = (struct worker){ q, &q->running[i] };
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0 ||
	    pthread_create(&thread, &attr, worker_main, w) != 0)
		fatal("cannot start key worker %u", i);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct key_queue *
key_queue_new(const struct key_queue_config *cfg)
{
	struct key_queue *q = mem_calloc(1, sizeof(*q));

	q->cfg = *cfg;
	if (q->cfg.workers > LIMIT_KEY_WORKERS)
		q->cfg.workers = LIMIT_KEY_WORKERS;
	wait_init(&q->lock, &q->finished);
	if (pthread_cond_init(&q->work, NULL) != 0)
		fatal("no memory for a lock");
	list_init(&q->waiting);
	list_init(&q->done);
	q->fd = -1;
	if (q->cfg.workers == 0)
		return q;
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0)
		fatal("eventfd: %d", errno);
	q->running = mem_calloc(q->cfg.workers, sizeof(struct job *));
	q->threads = q->cfg.workers;
	for (unsigned i = 0; i < q->cfg.workers; i++)
		start_worker(q, i);
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
	(void)pthread_cond_broadcast(&q->work);
	while (q->threads > 0 && in_time)
		in_time = wait_until(&q->finished, &q->lock, until);
	q->closed = true;
	last = q->threads == 0;
	(void)pthread_mutex_unlock(&q->lock);
	if (last)
		queue_destroy(q);
}

/* ---- the producer's side ----------------------------------------------- */

bool
key_queue_submit(struct key_queue *q, const struct key_job *job,
    struct error *e)
{
	struct job *j;

	if (q->in_flight >= LIMIT_IN_FLIGHT)
		return error_set(e, FAIL_BUSY, "key queue: %d jobs in flight",
		    LIMIT_IN_FLIGHT);
	j = mem_calloc(1, sizeof(*j));
	j->j = *job;
	j->done.id = job->id;
	if (job->in.n <= sizeof(j->small)) {
		if (job->in.n > 0)
			memcpy(j->small, job->in.p, job->in.n);
		j->j.in.p = j->small;
	} else {
		j->j.in.p = mem_dup(job->in.p, job->in.n);
	}
	j->deadline_ns = q->cfg.deadline_ms == 0
	    ? INT64_MAX
	    : deadline_after(q->cfg.deadline_ms);
	(void)pthread_mutex_lock(&q->lock);
	q->in_flight++;
	list_add(&q->waiting, j);
	(void)pthread_cond_signal(&q->work);
	(void)pthread_mutex_unlock(&q->lock);
	return true;
}

static void
time_out(struct key_done *d, uint64_t id, unsigned attempts, const char *what)
{
	*d = (struct key_done){ .id = id, .attempts = attempts };
	(void)error_set(&d->err, FAIL_TIMEOUT,
	    "the signature took longer than its deadline (%s)", what);
}

/* Waiting jobs are in the order of their deadlines. */
static size_t
expire(struct key_queue *q, struct key_done *out, size_t max)
{
	int64_t now = clock_mono_ns();
	size_t n = 0;

	for (unsigned i = 0; i < q->cfg.workers && n < max; i++) {
		struct job *j = q->running[i];

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

static size_t
drain(struct key_queue *q, struct key_done *out, size_t max)
{
	size_t n = 0;

	while (n < max) {
		struct job *j = take_done(q);

		if (j == NULL)
			break;
		out[n++] = j->done;
		job_free(j);
	}
	if (q->cfg.deadline_ms != 0 && n < max)
		n += expire(q, out + n, max - n);
	q->in_flight -= n;
	return n;
}

static int64_t
next_deadline(const struct key_queue *q, int64_t until)
{
	if (q->waiting.head != NULL && q->waiting.head->deadline_ns < until)
		until = q->waiting.head->deadline_ns;
	for (unsigned i = 0; i < q->cfg.workers; i++)
		if (q->running[i] != NULL && !q->running[i]->abandoned &&
		    q->running[i]->deadline_ns < until)
			until = q->running[i]->deadline_ns;
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
	n = timeout_ms == 0 || enough_done(q) ? drain(q, out, max) : 0;
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
		struct job *j = list_take(&q->waiting);

		if (j == NULL)
			break;
		job_run(&q->cfg, j);
		out[n++] = j->done;
		job_free(j);
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
