/* SPDX-License-Identifier: Apache-2.0 */
/* What the clock does to a room: silence, deadlines, retries. */
#include "supervisor.h"

static bool
is_late(const struct child *c, int64_t now)
{
	int64_t allowed =
	    c->state == CHILD_STARTING && c->heard_ms == c->started_ms
	    ? SUPER_START_MS
	    : SUPER_SILENCE_MS;

	return c->state == CHILD_STOPPING ? now >= c->stop_by_ms
					  : now - c->heard_ms > allowed;
}

static void
check_silence(struct supervisor *s, enum child_which which)
{
	struct child *c = &s->child[which];

	/* What it said may still lie in the socket: also its end, and then there is no process
	 * of it any more. */
	if (is_late(c, now_ms()))
		child_heard(s, which);
	if (!child_is_up(c) || !is_late(c, now_ms()) || c->killed)
		return;
	log_line(LOG_LEVEL_ERROR, "%s: hangs; killed", c->name);
	c->killed = c->state != CHILD_STOPPING;
	c->stop_by_ms = INT64_MAX;
	room_kill(c->pid, c->pidfd);
}

/* Time in which the supervisor did not run is not held against a room: it may not have run
 * either. */
static void
excuse(struct child *c, int64_t missed, int64_t now)
{
	bool silent_since_start = c->heard_ms == c->started_ms;

	c->heard_ms = c->heard_ms + missed < now ? c->heard_ms + missed : now;
	if (silent_since_start)
		c->started_ms = c->heard_ms;
	if (c->state == CHILD_STOPPING && c->stop_by_ms != INT64_MAX)
		c->stop_by_ms += missed;
}

/* Stopped, suspended with its machine, or busy: what is more than the loop's own pace. */
static int64_t
time_missed(struct supervisor *s, int64_t now)
{
	int64_t passed = s->ticked_ms != 0 ? now - s->ticked_ms : 0;

	s->ticked_ms = now;
	return passed > 2 * SUPER_TICK_MS ? passed - SUPER_TICK_MS : 0;
}

void
child_tick(struct supervisor *s)
{
	int64_t now = now_ms();
	int64_t missed = time_missed(s, now);

	for (size_t i = 0; i < CHILD__COUNT; i++) {
		struct child *c = &s->child[i];

		if (child_is_up(c)) {
			excuse(c, missed, now);
			check_silence(s, (enum child_which)i);
		} else if (!s->stopping && (!s->units.on || units_has(s, i)) &&
		    ((c->state == CHILD_DOWN && now >= c->retry_ms) ||
			(c->state == CHILD_SEALED && pins_ready(&s->pins)))) {
			child_start(s, (enum child_which)i);
		}
	}
	if (s->keygen.pid != 0 && s->keygen.by_ms != INT64_MAX)
		s->keygen.by_ms += missed;
	s->keygens.by_ms += missed;
}
