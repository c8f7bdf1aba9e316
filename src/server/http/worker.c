/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: its loop, what other threads hand it, its end. */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* Requests and answers in the clear pass through it. */
static uint8_t *
scratch_new(void)
{
	void *p = mmap(NULL, 2 * HTTP_SCRATCH_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fatal("no memory for a worker");
	/* Refused with a small RLIMIT_MEMLOCK, which is tolerated as in secret.h. */
	(void)mlock(p, 2 * HTTP_SCRATCH_BYTES);
	(void)madvise(p, 2 * HTTP_SCRATCH_BYTES, MADV_DONTDUMP);
	return p;
}

static struct event_base *
base_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base;

	/* Everything in it belongs to one thread; others come through the eventfd. */
	(void)event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(cfg);
	if (base == NULL)
		fatal("no event loop can be made");
	event_config_free(cfg);
	return base;
}

static void
posts_run(struct http_worker *w)
{
	struct http_posts todo = STAILQ_HEAD_INITIALIZER(todo);
	struct http_post *p;

	(void)pthread_mutex_lock(&w->lock);
	STAILQ_CONCAT(&todo, &w->posts);
	(void)pthread_mutex_unlock(&w->lock);
	while ((p = STAILQ_FIRST(&todo)) != NULL) {
		STAILQ_REMOVE_HEAD(&todo, next);
		p->fn(p->arg);
		mem_free(p);
	}
}

static void
stop_begin(struct http_worker *w)
{
	struct http_conn *c, *next;

	w->stopping = true;
	w->stop_ms = http_now_ms() + LIMIT_STOP_MS;
	http_accept_stop(w);
	for (c = LIST_FIRST(&w->conns); c != NULL; c = next) {
		next = LIST_NEXT(c, all);
		if (c->state == CONN_IDLE || c->state == CONN_HANDSHAKE)
			http_conn_close(c);
	}
	http_worker_left(w);
}

static void
on_wake(evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct http_worker *w = arg;
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
	/* First, so that an answer posted after it says that the connection ends. */
	if (atomic_load(&w->stop) && !w->stopping)
		stop_begin(w);
	posts_run(w);
}

static void
on_tick(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct http_worker *w = arg;

	http_wheel_turn(w);
	if (w->stopping && http_now_ms() >= w->stop_ms)
		(void)event_base_loopbreak(w->base);
}

void
http_worker_left(struct http_worker *w)
{
	if (w->stopping && w->n_conns == 0 && w->n_exchanges == 0)
		(void)event_base_loopbreak(w->base);
}

struct http_worker *
http_worker_new(struct http_shared *s, unsigned index)
{
	static const struct timeval every = { .tv_usec =
						  LIMIT_HTTP_TICK_MS * 1000 };
	struct http_worker *w = mem_calloc(1, sizeof(*w));

	w->shared = s;
	w->index = index;
	w->base = base_new();
	w->in = scratch_new();
	w->out = w->in + HTTP_SCRATCH_BYTES;
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake_fd < 0)
		fatal("no eventfd can be made");
	LIST_INIT(&w->acceptors);
	LIST_INIT(&w->conns);
	STAILQ_INIT(&w->posts);
	(void)pthread_mutex_init(&w->lock, NULL);
	http_wheel_init(w);
	(void)event_assign(&w->tick, w->base, -1, EV_PERSIST, on_tick, w);
	(void)event_add(&w->tick, &every);
	(void)event_assign(&w->wake, w->base, w->wake_fd, EV_READ | EV_PERSIST,
	    on_wake, w);
	(void)event_add(&w->wake, NULL);
	http_shared_join(s, w);
	return w;
}

struct event_base *
http_worker_base(struct http_worker *w)
{
	return w->base;
}

unsigned
http_worker_index(const struct http_worker *w)
{
	return w->index;
}

void
http_worker_run(struct http_worker *w)
{
	(void)event_base_dispatch(w->base);
}

static void
wake(struct http_worker *w)
{
	const uint64_t one = 1;

	(void)!write(w->wake_fd, &one, sizeof(one));
}

void
http_worker_stop(struct http_worker *w)
{
	atomic_store(&w->stop, true);
	wake(w);
}

void
http_worker_post(struct http_worker *w, void (*fn)(void *arg), void *arg)
{
	struct http_post *p = mem_calloc(1, sizeof(*p));
	bool first;

	p->fn = fn;
	p->arg = arg;
	(void)pthread_mutex_lock(&w->lock);
	first = STAILQ_EMPTY(&w->posts);
	STAILQ_INSERT_TAIL(&w->posts, p, next);
	(void)pthread_mutex_unlock(&w->lock);
	if (first)
		wake(w);
}

void
http_worker_free(struct http_worker *w)
{
	struct http_conn *c;

	if (w == NULL)
		return;
	http_shared_part(w->shared, w);
	w->stopping = true;
	http_accept_stop(w);
	while (!STAILQ_EMPTY(&w->posts))
		posts_run(w);
	while ((c = LIST_FIRST(&w->conns)) != NULL)
		http_conn_close(c);
	(void)event_del(&w->tick);
	(void)event_del(&w->wake);
	event_base_free(w->base);
	(void)close(w->wake_fd);
	explicit_bzero(w->in, 2 * HTTP_SCRATCH_BYTES);
	(void)munmap(w->in, 2 * HTTP_SCRATCH_BYTES);
	(void)pthread_mutex_destroy(&w->lock);
	mem_free(w);
}
