/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

static bool
refused(const struct store *s, struct error *e)
{
	if (s->read_only)
		return !error_set(e, FAIL_PERMISSION,
		    "store %s is open for reading only", s->path);
	if (s->dead)
		*e = s->err;
	return s->dead;
}

void
job_submit(struct store *s, struct job *j)
{
	struct error e = { 0 };
	bool no;

	j->next = NULL;
	(void)pthread_mutex_lock(&s->lock);
	no = refused(s, &e);
	if (!no) {
		*s->jobs_tail = j;
		s->jobs_tail = &j->next;
		(void)pthread_cond_signal(&s->work);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (no)
		j->done(j, false, &e);
}

struct waiting {
	struct job job;
	struct store *store;
	bool finished;
};

static void
wake(struct job *j, bool ok, const struct error *e)
{
	struct waiting *w = (struct waiting *)j;

	(void)pthread_mutex_lock(&w->store->lock);
	w->job.ok = ok;
	if (!ok)
		w->job.err = *e;
	w->finished = true;
	(void)pthread_cond_broadcast(&w->store->progress);
	(void)pthread_mutex_unlock(&w->store->lock);
}

bool
job_wait(struct store *s, job_fn *run, void *arg, bool durable, struct error *e)
{
	struct waiting w = { .job = { .run = run,
				 .arg = arg,
				 .durable = durable,
				 .done = wake },
		.store = s };

	job_submit(s, &w.job);
	(void)pthread_mutex_lock(&s->lock);
	while (!w.finished)
		(void)pthread_cond_wait(&s->progress, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	if (!w.job.ok)
		*e = w.job.err;
	return w.job.ok;
}
