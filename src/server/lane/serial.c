/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/clock.h>

#include "internal.h"

/* Half a batch lasts longer than asking takes. */
#define LOW (LIMIT_SERIAL_BATCH / 2)

static bool
send_ask(struct lane *l, struct error *e)
{
	const struct wire_request q = { .count = LIMIT_SERIAL_BATCH };
	const struct frame f = { .type = WIRE_SERIALS,
		.id = LANE_FRAME_SERIALS };
	auto_buf struct buf body = { 0 };

	return wire_request_encode(WIRE_SERIALS, &q, &body, e) &&
	    peer_send(l->peer, &f, buf_bytes(&body), e);
}

void
lane_serials_ask(struct lane *l)
{
	struct error e;

	if (l->state == LANE_UP && !l->serials_asked && l->serials < LOW)
		l->serials_asked = send_ask(l, &e);
}

void
lane_serials_forget(struct lane *l)
{
	l->serials = 0;
	l->serials_asked = false;
}

bool
lane_serial(struct lane *l, uint8_t out[LIMIT_SERIAL_BYTES])
{
	if (l->state != LANE_UP || l->serials == 0)
		return false;
	memcpy(out, l->serial[l->serial_at], LIMIT_SERIAL_BYTES);
	l->serial_at = (l->serial_at + 1) % countof(l->serial);
	l->serials--;
	if (l->serials < LOW && !l->serials_asked)
		lane_schedule(l);
	return true;
}

void
lane_when_serial(struct lane *l, lane_serial_fn *fn, void *arg)
{
	struct lane_waiter *w = mem_calloc(1, sizeof(*w));
	struct error e;

	lane_why(l, &e);
	w->fn = fn;
	w->arg = arg;
	/* One that can never be served is told at the next look. */
	w->deadline_ns = clock_mono_ns() +
	    (e.why == FAIL_NONE ? LIMIT_WAIT_MS * INT64_C(1000000) : 0);
	TAILQ_INSERT_TAIL(&l->waiters, w, link);
	lane_schedule(l);
}

static void
call_waiter(struct lane *l, struct lane_waiter *w, const struct error *why)
{
	lane_serial_fn *fn = w->fn;
	void *arg = w->arg;

	TAILQ_REMOVE(&l->waiters, w, link);
	mem_free(w);
	fn(arg, why);
}

void
lane_waiters_fail(struct lane *l, const struct error *why, int64_t before)
{
	struct lane_waiters now = TAILQ_HEAD_INITIALIZER(now);
	struct lane_waiter *w, *next;
	struct error e;

	/* A callback may wait again. */
	for (w = TAILQ_FIRST(&l->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->deadline_ns > before)
			continue;
		TAILQ_REMOVE(&l->waiters, w, link);
		TAILQ_INSERT_TAIL(&now, w, link);
	}
	lane_why(l, &e);
	if (e.why == FAIL_NONE)
		e = *why;
	while ((w = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, w, link);
		w->fn(w->arg, &e);
		mem_free(w);
	}
}

static void
add(struct lane *l, struct bytes v)
{
	size_t to;

	for (; v.n >= LIMIT_SERIAL_BYTES && l->serials < countof(l->serial);
	     v = bytes_of(v.p + LIMIT_SERIAL_BYTES, v.n - LIMIT_SERIAL_BYTES)) {
		to = (l->serial_at + l->serials++) % countof(l->serial);
		memcpy(l->serial[to], v.p, LIMIT_SERIAL_BYTES);
	}
}

void
lane_serials_take(struct lane *l, const struct wire_answer *a)
{
	static const struct error none;
	struct error e;

	l->serials_asked = false;
	add(l, a->sig);
	while (l->serials > 0 && !TAILQ_EMPTY(&l->waiters))
		call_waiter(l, TAILQ_FIRST(&l->waiters), &none);
	if (a->why != FAIL_NONE) {
		error_set(&e, a->why, "%s", a->msg != NULL ? a->msg : "");
		lane_waiters_fail(l, &e, INT64_MAX);
		return; /* asked again with the next request */
	}
	lane_schedule(l);
}
