/* SPDX-License-Identifier: Apache-2.0 */
/* What is done from time to time: the store's position, expired tokens, a catch-up after
 * replies were lost. */
#include <chancery/base/alloc.h>
#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/server/catchup.h>

#include "room.h"

#define POSITION_EVERY_MS 1000
/* Leases of a token that ended are revoked behind it. */
#define TIDY_EVERY_MS 10000
#define CATCH_UP_EVERY_MS 10000
/* While changes of configuration wait for it. */
#define CATCH_UP_SOON_MS 500

/* Documents that only the register had: the cache follows. */
static void
take_config(void *arg, struct bytes changes)
{
	struct room *r = arg;

	if (r->docs != NULL)
		docs_apply(r->docs, changes);
}

bool
room_catch_up(struct room *r, struct error *e)
{
	struct catchup_options opt = { .config = take_config,
		.arg = r,
		.stop = &r->catch_stop };
	struct catchup_report report;

	r->catch_began_ns = clock_mono_ns();
	if (!catchup_run(r->store, r->cfg.register_dir, &opt, &report, e))
		return false;
	r->caught_up = report.position;
	if (report.certs + report.revocations + report.configs > 0)
		log_line(LOG_LEVEL_INFO,
		    "store: caught up from record %ju to %ju: %ju "
		    "certificates, %ju revocations, %ju changes",
		    (uintmax_t)report.from, (uintmax_t)report.next,
		    (uintmax_t)report.certs, (uintmax_t)report.revocations,
		    (uintmax_t)report.configs);
	return true;
}

static void *
catch_up(void *arg)
{
	struct room *r = arg;
	struct error e = { 0 };

	/* The signer writes meanwhile: a torn end is whole the next time. */
	if (room_catch_up(r, &e))
		api_caught_up(r->api, r->caught_up, r->catch_began_ns);
	else if (e.why != FAIL_ABORTED)
		log_line(LOG_LEVEL_WARNING, "store: catching up: %s", e.msg);
	atomic_store(&r->catching, 2);
	return NULL;
}

/* Whenever the signer is there anew, and while something may have got lost. */
static bool
wants_catch_up(struct room *r, int64_t now)
{
	bool up = api_lanes_up(r->api) > 0, anew = up && !r->was_up;
	bool lost = api_has_lost(r->api) || store_gaps(r->store) != 0;
	bool awaited = api_awaits_catch_up(r->api);
	int64_t every_ms = awaited ? CATCH_UP_SOON_MS : CATCH_UP_EVERY_MS;

	r->was_up = up;
	if (anew ||
	    (up && (lost || awaited) && now - r->catch_at_ms >= every_ms)) {
		r->catch_at_ms = now;
		return true;
	}
	return false;
}

static void
tick_catch_up(struct room *r, int64_t now)
{
	if (atomic_load(&r->catching) == 2) {
		(void)pthread_join(r->catcher, NULL);
		atomic_store(&r->catching, 0);
	}
	if (atomic_load(&r->catching) != 0 || !wants_catch_up(r, now))
		return;
	atomic_store(&r->catching, 1);
	if (pthread_create(&r->catcher, NULL, catch_up, r) != 0)
		atomic_store(&r->catching, 0);
}

static void
tick_position(struct room *r)
{
	uint64_t at = api_position(r->api);
	struct error e = { 0 };

	if (at == r->position)
		return;
	if (store_position_put(r->store, r->cfg.origin, at, &e))
		r->position = at;
	else
		log_line(LOG_LEVEL_WARNING, "position of the store: %s", e.msg);
}

/* ---- signs of life of the workers ---- */

static void
here(void *arg)
{
	struct room_worker *w = arg;

	atomic_store(&w->asked, false);
}

static bool
worker_alive(struct room_worker *w, int64_t now_ms)
{
	if (atomic_load(&w->ended))
		return true;
	if (atomic_load(&w->asked))
		return now_ms - w->asked_ms <= ROOM_ALIVE_MS;
	w->asked_ms = now_ms;
	atomic_store(&w->asked, true);
	http_worker_post(w->http, here, w);
	return true;
}

bool
room_workers_alive(struct room *r, int64_t now_ms)
{
	bool all = true;

	for (unsigned i = 0; i < r->workers; i++)
		all = worker_alive(&r->worker[i], now_ms) && all;
	return all;
}

void
room_tick(struct room *r)
{
	int64_t now = clock_boot_ms(&clock_system);
	struct error e = { 0 };

	tick_catch_up(r, now);
	authority_tick(r, now);
	if (now - r->position_at_ms >= POSITION_EVERY_MS) {
		r->position_at_ms = now;
		api_look(r->api);
		mem_decay();
		tick_position(r);
	}
	if (now - r->tidy_at_ms >= TIDY_EVERY_MS) {
		r->tidy_at_ms = now;
		if (!auth_tidy(r->tokens, clock_wall_ms(&clock_system) / 1000,
			&e))
			log_line(LOG_LEVEL_WARNING, "expired tokens: %s",
			    e.msg);
	}
}
