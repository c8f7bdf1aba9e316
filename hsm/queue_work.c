/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <chancery/base/clock.h>

#include "queue.h"

/* ---- how many, how long ------------------------------------------------ */

/* Jobs that are measured before the number of workers follows them. */
#define WINDOW 16
/* One in so many is measured: reading a thread's CPU clock is a system call. */
#define SAMPLE 8

static unsigned
processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1                 ? 1
	    : n > LIMIT_HSM_SESSIONS ? LIMIT_HSM_SESSIONS
				     : (unsigned)n;
}

/* Two at least, or one key's call would hold up another's. */
static unsigned
fewest(void)
{
	return processors() < 2 ? 2 : processors();
}

void
queue_size(struct key_queue *q)
{
	q->max = q->limit = q->cfg.workers;
	if (q->cfg.workers != KEY_WORKERS_AUTO)
		return;
	q->max = LIMIT_HSM_SESSIONS;
	q->limit = fewest();
}

/* Below this ratio a call is one that computes: on a busy machine even the shortest of a
 * window has waited for a processor. */
#define WAITS_16 (2 * 16)

/* Rate times latency (Little's law), the rate being what the processors can do: each
 * keeps as many calls going as one takes longer than it computes. */
static void
follow_pace(struct key_queue *q)
{
	int64_t want = ((int64_t)processors() * q->pace.wait_16 + 8) / 16;

	q->limit = want > q->max ? q->max : (unsigned)want;
	if (q->pace.wait_16 < WAITS_16 || q->limit < fewest())
		q->limit = fewest();
}

/* The shortest of a window counts for the ratio: longer ones may have waited for a
 * processor, or for each other. */
static void
note_pace(struct key_queue *q, int64_t ns, int64_t cpu_ns)
{
	struct pace *p = &q->pace;
	int64_t ratio;

	p->job_ns += p->job_ns == 0 ? ns : (ns - p->job_ns) / WINDOW;
	if (q->cfg.workers != KEY_WORKERS_AUTO)
		return;
	ratio = 16 * ns / (cpu_ns > 0 ? cpu_ns : 1);
	if (p->seen++ == 0 || ratio < p->wait_16)
		p->wait_16 = ratio;
	if (p->seen == 1 || ns < p->next_ns)
		p->next_ns = ns;
	if (p->seen < WINDOW)
		return;
	follow_pace(q);
	p->short_ns = p->next_ns;
	p->seen = 0;
}

/*
 * Whoever takes completions pays a commit for them (100 us of CPU): while jobs still
 * wait for a worker, some company is on its way and is waited for: as many as still wait,
 * but no more than end in this time. No timer: with nothing waiting each completion
 * counts, and what waits ends by its deadline.
 */
#define GATHER_NS (4 * INT64_C(1000000))
#define COMPANY_MAX 32

int64_t
queue_interval_ns(const struct key_queue *q)
{
	return q->pace.job_ns / (q->busy > 0 ? q->busy : 1);
}

static size_t
company(const struct key_queue *q)
{
	const int64_t each = queue_interval_ns(q);

	if (each * COMPANY_MAX <= GATHER_NS)
		return COMPANY_MAX;
	return each >= GATHER_NS ? 1 : (size_t)(GATHER_NS / each);
}

bool
queue_enough_done(const struct key_queue *q)
{
	const size_t most = company(q);
	const size_t want = q->waiting.n < most ? q->waiting.n : most;

	return q->done.n > 0 && q->done.n >= want;
}

/* ---- one worker -------------------------------------------------------- */

/* NULL: nothing to do for this one. */
static struct job *
begin(struct worker *w)
{
	struct key_queue *q = w->q;

	w->job = q->busy < q->limit + q->late ? list_take(&q->waiting) : NULL;
	if (w->job == NULL)
		return NULL;
	w->since_ns = clock_mono_ns();
	q->busy++;
	return w->job;
}

static void
end(struct worker *w, struct job *j)
{
	w->q->busy--;
	w->job = NULL;
	if (j->abandoned)
		job_free(j);
	else
		list_add(&w->q->done, j);
}

/* Without the lock. */
static void
run(struct worker *w, struct job *j, int64_t *ns, int64_t *cpu_ns)
{
	const bool measured = w->runs < WINDOW || w->runs % SAMPLE == 0;

	w->runs++;
	*ns = measured ? w->since_ns : 0;
	*cpu_ns = measured ? clock_thread_cpu_ns() : 0;
	job_run(&w->q->cfg, j);
	if (!measured)
		return;
	*cpu_ns = clock_thread_cpu_ns() - *cpu_ns;
	*ns = clock_mono_ns() - *ns;
}

/* Whether this worker is the one that tells the owner. */
static bool
must_tell(struct key_queue *q)
{
	if (q->told || !queue_enough_done(q))
		return false;
	q->told = true;
	q->unread++;
	return true;
}

/* Without the lock: who is woken wants it at once. */
static void
tell(struct key_queue *q)
{
	const uint64_t one = 1;

	if (write(q->fd, &one, sizeof(one)) < 0)
		fatal("eventfd: %d", errno);
	(void)pthread_cond_signal(&q->finished);
}

static void
be_idle(struct worker *w)
{
	struct key_queue *q = w->q;

	w->next_idle = q->idle;
	q->idle = w;
	q->idle_n++;
	w->idle = true;
	while (w->idle && !q->stop)
		(void)pthread_cond_wait(&w->wake, &q->lock);
}

static void
work(struct worker *w)
{
	struct key_queue *q = w->q;

	while (!q->stop) {
		struct job *j = begin(w);
		bool news = must_tell(q);
		int64_t ns = 0, cpu_ns = 0;

		if (j == NULL && !news) {
			be_idle(w);
			continue;
		}
		(void)pthread_mutex_unlock(&q->lock);
		if (news)
			tell(q);
		if (j != NULL)
			run(w, j, &ns, &cpu_ns);
		(void)pthread_mutex_lock(&q->lock);
		if (j == NULL)
			continue;
		end(w, j);
		if (ns > 0)
			note_pace(q, ns, cpu_ns);
	}
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct key_queue *q = w->q;
	bool last;

	(void)pthread_mutex_lock(&q->lock);
	work(w);
	q->threads--;
	last = q->closed && q->threads == 0;
	(void)pthread_cond_signal(&q->finished);
	(void)pthread_mutex_unlock(&q->lock);
	if (last)
		queue_destroy(q);
	return NULL;
}

/* ---- starting them ----------------------------------------------------- */

/* Signals are the main thread's business. */
static void
start_worker(struct key_queue *q)
{
	struct worker *w = &q->worker[q->started];
	sigset_t all, old;

	w->q = q;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_cond_init(&w->wake, NULL) != 0 ||
	    pthread_create(&w->thread, NULL, worker_main, w) != 0)
		fatal("cannot start key worker %u", q->started);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	q->started++;
	q->threads++;
}

/* A worker more is worth its switches when what waits lasts this long for those at work. */
#define BACKLOG_NS (2 * INT64_C(1000000))

static size_t
lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many should be at work. A call that waits for a device takes no processor from
 * others; those that compute do. */
static size_t
wanted(const struct key_queue *q)
{
	const size_t most = q->limit;

	if (q->cfg.workers != KEY_WORKERS_AUTO || q->limit > fewest() ||
	    q->pace.short_ns == 0)
		return most;
	return lesser(most,
	    1 +
		(size_t)((int64_t)q->waiting.n * q->pace.short_ns /
		    BACKLOG_NS));
}

void
queue_wake(struct key_queue *q)
{
	const size_t awake = q->started - q->idle_n;
	const size_t want = wanted(q) + q->late;
	size_t n = awake < want ? want - awake : 0;

	for (n = lesser(n, q->waiting.n); n > 0; n--) {
		struct worker *w = q->idle;

		if (w == NULL) {
			if (q->started < q->max)
				start_worker(q);
			continue;
		}
		q->idle = w->next_idle;
		q->idle_n--;
		w->idle = false;
		(void)pthread_cond_signal(&w->wake);
	}
}
