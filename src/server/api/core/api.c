/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

static struct route_table **
tables_new(const struct backend *const *b)
{
	struct route_table **v;
	size_t n = 0;

	while (b[n] != NULL)
		n++;
	v = mem_calloc(n + 1, sizeof(v[0]));
	for (size_t i = 0; i < n; i++)
		v[i] = route_table_new(b[i]);
	return v;
}

static void
tables_free(struct route_table **v)
{
	for (size_t i = 0; v[i] != NULL; i++)
		route_table_free(v[i]);
	mem_free(v);
}

struct api *
api_new(const struct api_config *cfg)
{
	struct api *a = mem_calloc(1, sizeof(*a));

	a->cfg = *cfg;
	a->tables = tables_new(cfg->backends);
	a->workers = mem_calloc(cfg->workers, sizeof(*a->workers));
	STAILQ_INIT(&a->changes.queue);
	(void)pthread_mutex_init(&a->changes.mutex, NULL);
	positions_init(&a->positions);
	offload_start(&a->offload);
	atomic_init(&a->access_fd, cfg->access_fd);
	a->started_s = clock_wall_ms(cfg->clock) / 1000;
	return a;
}

void
api_free(struct api *a)
{
	if (a == NULL)
		return;
	offload_stop(&a->offload);
	api_access_reopen(a, -1);
	(void)pthread_mutex_destroy(&a->changes.mutex);
	(void)pthread_mutex_destroy(&a->positions.mutex);
	tables_free(a->tables);
	mem_free(a->workers);
	mem_free(a);
}

void
api_worker(struct api *a, unsigned index, struct http_worker *w,
    struct lane *lane)
{
	a->workers[index] = (struct worker){ .api = a,
		.index = index,
		.http = w,
		.lane = lane,
		.lane_state = LANE_WAITING };
}

void
api_outlane(struct api *a, unsigned index, struct outlane *o)
{
	a->workers[index].outlane = o;
}

void
api_http(struct api *a, struct http_shared *http)
{
	a->http = http;
}

/* A line that is just being written goes to the old file: its descriptor number lives on
 * in the new one (dup2), so no writer ever sees a closed one. */
void
api_access_reopen(struct api *a, int fd)
{
	int old = atomic_load(&a->access_fd);

	if (fd >= 0 && old >= 0 && dup2(fd, old) >= 0) {
		(void)close(fd);
		return;
	}
	atomic_store(&a->access_fd, fd);
	if (old >= 0)
		(void)close(old);
}

void
api_handle(void *arg, struct http_exchange *x)
{
	struct api *a = arg;
	struct worker *w = &a->workers[http_worker_index(http_get_worker(x))];
	size_t before = w->in_flight;
	struct flight *f = flight_new(w, x);

	f->spare = before >= LIMIT_CALLS_IN_FLIGHT;
	f->access = access_new(f);
	http_on_sent(x, access_sent, f->access);
	flight_run(f,
	    before < LIMIT_CALLS_IN_FLIGHT + LIMIT_CALLS_SPARE
		? serve
		: serve_overloaded);
}

static void
look(void *arg)
{
	struct worker *w = arg;

	atomic_store_explicit(&w->lane_state, (int)lane_get_state(w->lane),
	    memory_order_relaxed);
}

void
api_look(struct api *a)
{
	for (unsigned i = 0; i < a->cfg.workers; i++)
		http_worker_post(a->workers[i].http, look, &a->workers[i]);
	changes_expire(&a->changes);
}

unsigned
api_lanes_up(struct api *a)
{
	unsigned up = 0;

	for (unsigned i = 0; i < a->cfg.workers; i++)
		up += atomic_load_explicit(&a->workers[i].lane_state,
			  memory_order_relaxed) == LANE_UP;
	return up;
}
