/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include <chancery/base/clock.h>
#include <chancery/base/log.h>

#include <chancery/server/pki.h>

#include "room.h"

/* Those of every part, NULL-kind ended; the caller frees the array. */
static struct doc_kind *
all_doc_kinds(void)
{
	const struct doc_kind *const parts[] = { auth_doc_kinds,
		pki_doc_kinds };
	struct doc_kind *all = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < countof(parts); i++)
		for (const struct doc_kind *k = parts[i]; k->kind != NULL;
		     k++) {
			all = mem_grow(all, n, &cap, sizeof(*all));
			all[n++] = *k;
		}
	all = mem_grow(all, n, &cap, sizeof(*all));
	all[n] = (struct doc_kind){ .kind = NULL };
	return all;
}

static bool
open_api(struct room *r, struct error *e)
{
	struct api_config cfg = { .settings = &r->cfg,
		.backends = api_backends,
		.workers = r->workers,
		.wrap = auth_call_wrap,
		.clock = &clock_system };
	bool ok;

	r->doc_kinds = all_doc_kinds();
	r->docs = docs_open(r->store, r->doc_kinds, e);
	if (r->docs == NULL)
		return false;
	r->tokens = auth_new(r->store, r->docs);
	cfg.store = r->store;
	cfg.docs = r->docs;
	cfg.tokens = r->tokens;
	cfg.access_fd = access_open(r->cfg.server.access_log, &ok, e);
	if (!ok)
		return false;
	r->api = api_new(&cfg);
	api_caught_up(r->api, r->caught_up, 0);
	return true;
}

static bool
open_http(struct room *r, struct error *e)
{
	const struct service_server *s = &r->cfg.server;
	struct http_config cfg = {
		.limits = { .connections = (unsigned)s->max_connections,
		    .connections_per_peer =
			(unsigned)s->max_connections_per_peer,
		    .handshakes_per_s = (unsigned)s->max_handshakes_per_s },
		.handler = api_handle,
		.refused = api_refused,
		.wants_cert = api_wants_cert,
		.arg = r->api
	};

	if (!room_tls(r, e))
		return false;
	cfg.tls = r->tls;
	r->http = http_shared_new(&cfg);
	api_http(r->api, r->http);
	return true;
}

/* The signer may be cutting the end of the log just now. */
static bool
catch_up_first(struct room *r, struct error *e)
{
	static const struct timespec rest = { 0, 100 * 1000 * 1000 };

	for (int tries = 0; tries < 10; tries++) {
		if (room_catch_up(r, e))
			return true;
		if (e->why == FAIL_NOT_FOUND || e->why == FAIL_ROLLBACK)
			return false;
		(void)nanosleep(&rest, NULL);
	}
	return false;
}

bool
room_open(struct room *r, struct error *e)
{
	struct store_config cfg = { .path = r->cfg.server.store };

	r->store = store_open(&cfg, e);
	return r->store != NULL && catch_up_first(r, e) && open_api(r, e) &&
	    open_http(r, e);
}

/* ---- workers ---- */

static const enum http_listener listeners[ROOM_FD__COUNT] = {
	[ROOM_FD_TLS] = HTTP_TLS,
	[ROOM_FD_UNIX] = HTTP_UNIX,
	[ROOM_FD_PLAIN] = HTTP_PLAIN,
};

static bool
is_listener(uint32_t kind)
{
	return kind == ROOM_FD_TLS || kind == ROOM_FD_UNIX ||
	    kind == ROOM_FD_PLAIN;
}

static void
make_worker(struct room *r, unsigned i)
{
	struct room_worker *w = &r->worker[i];

	*w = (struct room_worker){ .room = r,
		.index = i,
		.lane_fd = -1,
		.outlane_fd = -1 };
	w->http = http_worker_new(r->http, i);
	for (size_t k = 0; k < r->fds; k++) {
		int fd = ROOM_FD_FIRST + (int)k;

		if (is_listener(r->table[k].kind))
			http_worker_listen(w->http, listeners[r->table[k].kind],
			    fd);
		else if (r->table[k].kind == ROOM_FD_LANE &&
		    r->table[k].index == i)
			w->lane_fd = fd;
		else if (r->table[k].kind == ROOM_FD_OUTLANE &&
		    r->table[k].index == i)
			w->outlane_fd = fd;
	}
	w->lane = lane_new(http_worker_base(w->http), w->lane_fd);
	api_worker(r->api, i, w->http, w->lane);
	if (service_has_publisher(&r->cfg))
		w->outlane =
		    outlane_new(http_worker_base(w->http), w->outlane_fd);
	api_outlane(r->api, i, w->outlane);
}

static void *
worker_main(void *arg)
{
	struct room_worker *w = arg;

	http_worker_run(w->http);
	pki_worker_end();
	atomic_store(&w->ended, true);
	atomic_fetch_sub(&w->room->running, 1);
	return NULL;
}

/* Lists of revoked certificates are renewed by worker 0. */
static void
start_pki(struct room *r)
{
	struct pki_settings s = { .docs = r->docs,
		.store = r->store,
		.api = r->api,
		.clock = &clock_system,
		.crl_dir = r->cfg.crl_dir,
		.ocsp_responder_life_s = r->cfg.server.ocsp_responder_life_s,
		.ocsp_in_memory = r->cfg.ocsp_key == SERVICE_OCSP_MEMORY,
		.ocsp_uncached_per_s =
		    (unsigned)r->cfg.server.ocsp_uncached_per_s,
		.rsa_pool = (unsigned)r->cfg.server.rsa_pool,
		.outlane = r->worker[0].outlane,
		.targets = &r->cfg.publish };

	pki_start(&s, http_worker_base(r->worker[0].http), r->worker[0].lane);
}

bool
room_start(struct room *r, struct error *e)
{
	r->worker = mem_calloc(r->workers, sizeof(*r->worker));
	for (unsigned i = 0; i < r->workers; i++)
		make_worker(r, i);
	start_pki(r);
	for (unsigned i = 0; i < r->workers; i++) {
		atomic_fetch_add(&r->running, 1);
		if (pthread_create(&r->worker[i].thread, NULL, worker_main,
			&r->worker[i]) != 0)
			return error_errno(e, FAIL_IO, "worker thread");
	}
	return true;
}

bool
room_close(struct room *r, struct error *e)
{
	for (unsigned i = 0; i < r->workers; i++)
		(void)pthread_join(r->worker[i].thread, NULL);
	atomic_store(&r->catch_stop, true);
	if (atomic_load(&r->catching) != 0)
		(void)pthread_join(r->catcher, NULL);
	if (!store_position_put(r->store, r->cfg.origin, api_position(r->api),
		e))
		return false;
	pki_stop();
	/* What the calls hold goes before what they stand on. */
	for (unsigned i = 0; i < r->workers; i++) {
		outlane_free(r->worker[i].outlane);
		http_worker_free(r->worker[i].http);
		lane_free(r->worker[i].lane);
	}
	api_free(r->api);
	auth_free(r->tokens);
	docs_free(r->docs);
	http_shared_free(r->http);
	http_tls_free(r->tls);
	mem_free(r->worker);
	mem_free(r->doc_kinds);
	return store_close(r->store, e);
}
