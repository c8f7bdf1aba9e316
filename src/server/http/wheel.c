/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of a worker's connections. Moving one later costs an assignment: the
 * connection is looked at where it lies and laid further then. Only moving one earlier
 * moves it in the wheel.
 */
#include <chancery/base/clock.h>

#include "internal.h"

int64_t
http_now_ms(void)
{
	return clock_mono_ns() / 1000000;
}

static void
lay(struct http_conn *c, int64_t tick)
{
	int64_t now = c->w->wheel_tick;

	if (tick <= now)
		tick = now + 1;
	if (tick > now + HTTP_WHEEL_SLOTS - 1)
		tick = now + HTTP_WHEEL_SLOTS - 1;
	c->due_tick = tick;
	LIST_INSERT_HEAD(&c->w->wheel[tick % HTTP_WHEEL_SLOTS], c, slot);
}

static int64_t
tick_of(int64_t ms)
{
	return ms == HTTP_NO_DEADLINE ? INT64_MAX : ms / LIMIT_HTTP_TICK_MS + 1;
}

void
http_wheel_init(struct http_worker *w)
{
	for (size_t i = 0; i < HTTP_WHEEL_SLOTS; i++)
		LIST_INIT(&w->wheel[i]);
	w->wheel_tick = http_now_ms() / LIMIT_HTTP_TICK_MS;
}

void
http_wheel_set(struct http_conn *c, int64_t deadline_ms)
{
	int64_t tick = tick_of(deadline_ms);

	c->deadline_ms = deadline_ms;
	if (c->due_tick != 0 && tick >= c->due_tick)
		return;
	http_wheel_drop(c);
	lay(c, tick);
}

void
http_wheel_drop(struct http_conn *c)
{
	if (c->due_tick != 0)
		LIST_REMOVE(c, slot);
	c->due_tick = 0;
}

/* One slot: the late ones end, the others are laid where their deadline is now. */
static void
turn_slot(struct http_worker *w, int64_t now_ms)
{
	struct http_conns *slot = &w->wheel[w->wheel_tick % HTTP_WHEEL_SLOTS];
	struct http_conn *c;

	/* Whatever ends a connection takes it out of the list; what is laid again goes
	 * to another slot. */
	while ((c = LIST_FIRST(slot)) != NULL) {
		http_wheel_drop(c);
		lay(c, tick_of(c->deadline_ms));
		if (c->deadline_ms <= now_ms)
			http_conn_expire(c);
	}
}

void
http_wheel_turn(struct http_worker *w)
{
	int64_t now_ms = http_now_ms();
	int64_t tick = now_ms / LIMIT_HTTP_TICK_MS;

	/* After a long pause (suspend) once round is enough. */
	if (tick - w->wheel_tick > HTTP_WHEEL_SLOTS)
		w->wheel_tick = tick - HTTP_WHEEL_SLOTS;
	while (w->wheel_tick < tick) {
		w->wheel_tick++;
		turn_slot(w, now_ms);
	}
}
