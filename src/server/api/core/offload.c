/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

static struct offload_job *
next_job(struct offload *o)
{
	struct offload_job *job;

	(void)pthread_mutex_lock(&o->mutex);
	while ((job = STAILQ_FIRST(&o->queue)) == NULL && !o->stop)
		(void)pthread_cond_wait(&o->wake, &o->mutex);
	if (job != NULL)
		STAILQ_REMOVE_HEAD(&o->queue, link);
	(void)pthread_mutex_unlock(&o->mutex);
	return job;
}

static void *
offload_main(void *arg)
{
	struct offload *o = arg;
	struct offload_job *job;

	while ((job = next_job(o)) != NULL) {
		job->work(job->arg);
		http_worker_post(job->worker, job->done, job->arg);
	}
	return NULL;
}

void
offload_start(struct offload *o)
{
	(void)pthread_mutex_init(&o->mutex, NULL);
	(void)pthread_cond_init(&o->wake, NULL);
	STAILQ_INIT(&o->queue);
	o->stop = false;
	for (size_t i = 0; i < countof(o->threads); i++)
		if (pthread_create(&o->threads[i], NULL, offload_main, o) != 0)
			fatal("no helper thread");
}

/* What waits is done first. */
void
offload_stop(struct offload *o)
{
	(void)pthread_mutex_lock(&o->mutex);
	o->stop = true;
	(void)pthread_cond_broadcast(&o->wake);
	(void)pthread_mutex_unlock(&o->mutex);
	for (size_t i = 0; i < countof(o->threads); i++)
		(void)pthread_join(o->threads[i], NULL);
	(void)pthread_cond_destroy(&o->wake);
	(void)pthread_mutex_destroy(&o->mutex);
}

void
offload_run(struct offload *o, struct offload_job *job)
{
	(void)pthread_mutex_lock(&o->mutex);
	STAILQ_INSERT_TAIL(&o->queue, job, link);
	(void)pthread_cond_signal(&o->wake);
	(void)pthread_mutex_unlock(&o->mutex);
}
