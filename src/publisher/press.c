/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presses: one thread a target, which does one publication after the other and may wait for it.
 * So one that is slow keeps neither the others nor questions about tokens waiting. What is done
 * comes back to the loop, which answers.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/log.h>

#include "press.h"
#include "target.h"

struct publication {
	STAILQ_ENTRY(publication) link;
	struct errand *errand;
	struct job_request request; /* what it points to lies below */
	char *name;
	struct buf issuer;
	int fd;
	struct job_answer answer;
	struct error why;
};
STAILQ_HEAD(publications, publication);

struct press {
	struct presses *all;
	const struct service_target *target;
	pthread_t thread;
	pthread_cond_t wake;
	struct publications queue;
	size_t waiting;
};

struct presses {
	pthread_mutex_t mutex;
	struct press *v;
	size_t n;
	struct publications done;
	int ready; /* eventfd */
	_Atomic bool stop;
};

static void
publication_free(struct publication *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	buf_free(&p->issuer);
	mem_free(p->name);
	mem_free(p);
}

/* ---- in the thread of a target ----------------------------------------------------- */

static bool
press_one(const struct press *press, struct publication *k, struct error *e)
{
	const struct service_target *t = press->target;
	auto_object struct object object = { .fd = -1 };
	auto_web struct web *web = NULL;
	struct passage p = { .target = t,
		.object = &object,
		.stop = &press->all->stop,
		.deadline_ns =
		    clock_mono_ns() + t->timeout_s * INT64_C(1000000000) };

	if (!object_open(&object, &k->request, k->fd, p.stop, e))
		return false;
	if ((t->kind != SERVICE_TARGET_FILES || t->public_url != NULL) &&
	    (p.web = web = web_new(&p, e)) == NULL)
		return false;
	return publish(&p, &k->answer, e);
}

static struct publication *
next_publication(struct press *press)
{
	struct publication *k;

	(void)pthread_mutex_lock(&press->all->mutex);
	while ((k = STAILQ_FIRST(&press->queue)) == NULL &&
	    !atomic_load(&press->all->stop))
		(void)pthread_cond_wait(&press->wake, &press->all->mutex);
	if (k != NULL && !atomic_load(&press->all->stop)) {
		STAILQ_REMOVE_HEAD(&press->queue, link);
		press->waiting--;
	} else {
		k = NULL;
	}
	(void)pthread_mutex_unlock(&press->all->mutex);
	return k;
}

static void
put_done(struct presses *all, struct publication *k)
{
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&all->mutex);
	STAILQ_INSERT_TAIL(&all->done, k, link);
	(void)pthread_mutex_unlock(&all->mutex);
	(void)!write(all->ready, &one, sizeof(one));
}

static void *
press_main(void *arg)
{
	struct press *press = arg;
	struct publication *k;

	while ((k = next_publication(press)) != NULL) {
		if (!press_one(press, k, &k->why))
			k->answer = (struct job_answer){ .why = k->why.why,
				.msg = k->why.msg };
		put_done(press->all, k);
	}
	return NULL;
}

/* ---- in the loop ------------------------------------------------------------------------ */

static bool
press_start(struct presses *all, struct press *p,
    const struct service_target *t, struct error *e)
{
	p->all = all;
	p->target = t;
	STAILQ_INIT(&p->queue);
	(void)pthread_cond_init(&p->wake, NULL);
	return pthread_create(&p->thread, NULL, press_main, p) == 0 ||
	    error_set(e, FAIL_IO, "target %s: no thread", t->name);
}

struct presses *
presses_new(const struct service_config *cfg, struct error *e)
{
	const struct service_target *t = cfg->publish.v;
	struct presses *all = mem_calloc(1, sizeof(*all));

	(void)pthread_mutex_init(&all->mutex, NULL);
	STAILQ_INIT(&all->done);
	all->v = mem_calloc(cfg->publish.n, sizeof(*all->v));
	all->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (all->ready < 0)
		fatal("eventfd");
	for (; all->n < cfg->publish.n; all->n++)
		if (!press_start(all, &all->v[all->n], &t[all->n], e)) {
			presses_free(all);
			return NULL;
		}
	return all;
}

int
presses_fd(const struct presses *all)
{
	return all->ready;
}

static void
drop(struct publications *list)
{
	struct publication *k;

	while ((k = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, link);
		errand_fail(k->errand, FAIL_ABORTED, "the publisher ends");
		publication_free(k);
	}
}

void
presses_free(struct presses *all)
{
	(void)pthread_mutex_lock(&all->mutex);
	atomic_store(&all->stop, true);
	for (size_t i = 0; i < all->n; i++)
		(void)pthread_cond_broadcast(&all->v[i].wake);
	(void)pthread_mutex_unlock(&all->mutex);
	for (size_t i = 0; i < all->n; i++) {
		(void)pthread_join(all->v[i].thread, NULL);
		(void)pthread_cond_destroy(&all->v[i].wake);
		drop(&all->v[i].queue);
	}
	drop(&all->done);
	(void)pthread_mutex_destroy(&all->mutex);
	(void)close(all->ready);
	mem_free(all->v);
	mem_free(all);
}

static struct publication *
take_done(struct presses *all)
{
	struct publication *k;

	(void)pthread_mutex_lock(&all->mutex);
	k = STAILQ_FIRST(&all->done);
	if (k != NULL)
		STAILQ_REMOVE_HEAD(&all->done, link);
	(void)pthread_mutex_unlock(&all->mutex);
	return k;
}

static void
log_outcome(const struct publication *k)
{
	const struct job_answer *a = &k->answer;

	if (a->why != FAIL_NONE)
		log_line(LOG_LEVEL_WARNING, "publisher: %s: %s", k->name,
		    a->msg);
	else if (a->changed)
		log_line(LOG_LEVEL_INFO, "publisher: %s: published%s%.0ju",
		    k->name, a->number > 0 ? ", list " : "",
		    (uintmax_t)a->number);
}

void
presses_collect(struct presses *all)
{
	struct publication *k;
	uint64_t n;

	(void)!read(all->ready, &n, sizeof(n));
	while ((k = take_done(all)) != NULL) {
		log_outcome(k);
		errand_answer(k->errand, &k->answer);
		publication_free(k);
	}
}

static struct publication *
publication_new(struct errand *e, const struct job_request *q, int fd)
{
	struct publication *k = mem_calloc(1, sizeof(*k));

	k->errand = e;
	k->request = *q;
	k->name = mem_strdup(q->name != NULL ? q->name : "");
	k->request.name = k->name;
	buf_add_bytes(&k->issuer, q->issuer);
	k->request.issuer = buf_bytes(&k->issuer);
	k->fd = fd;
	return k;
}

void
publish_object(struct errand *e, const struct job_request *q, int *fd)
{
	struct presses *all = e->room->presses;
	struct press *p = q->service < all->n ? &all->v[q->service] : NULL;
	struct publication *k;
	bool full;

	if (p == NULL) {
		errand_fail(e, FAIL_NOT_FOUND, "there is no such target");
		return;
	}
	(void)pthread_mutex_lock(&all->mutex);
	full = p->waiting >= LIMIT_PUBLISH_QUEUE;
	if (!full) {
		k = publication_new(e, q, take_fd(fd));
		STAILQ_INSERT_TAIL(&p->queue, k, link);
		p->waiting++;
		(void)pthread_cond_signal(&p->wake);
	}
	(void)pthread_mutex_unlock(&all->mutex);
	if (full)
		errand_fail(e, FAIL_BUSY, "too many objects wait for it");
}
