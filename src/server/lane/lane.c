/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/event.h>

#include <chancery/base/clock.h>
#include <chancery/base/log.h>

#include "internal.h"

/* How often deadlines are looked at while anything waits. */
static const struct timeval tick_every = { 0, 250000 };

/* Packets read in one go: other sockets of the worker want their turn. */
#define PACKETS_MAX 16

/* ---- packing: once, when every event of this loop pass has run --------- */

void
lane_schedule(struct lane *l)
{
	if (!l->flush_due) {
		l->flush_due = true;
		event_active(l->flush, EV_TIMEOUT, 0);
	}
	if (!l->tick_due && (l->waiting > 0 || !TAILQ_EMPTY(&l->waiters))) {
		l->tick_due = true;
		(void)event_add(l->tick, &tick_every);
	}
}

/* The other end is not there: what was sent stays in `sent` until a new one is. */
static void
detach(struct lane *l)
{
	if (l->peer == NULL)
		return;
	(void)event_del(l->readable);
	(void)event_del(l->writable);
	event_free(take(l->readable));
	event_free(take(l->writable));
	peer_free(take(l->peer));
	if (l->state == LANE_UP)
		l->state = LANE_WAITING;
	lane_serials_forget(l);
}

static void
lost(struct lane *l, const struct error *e)
{
	log_line(LOG_LEVEL_WARNING, "lane to the signer: %s", e->msg);
	detach(l);
	lane_schedule(l);
}

static void
push(struct lane *l)
{
	struct error e;

	if (l->peer == NULL)
		return;
	if (!peer_flush(l->peer, &e)) {
		lost(l, &e);
		return;
	}
	if (peer_is_full(l->peer))
		(void)event_add(l->writable, NULL);
}

static void
on_flush(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct lane *l = arg;

	l->flush_due = false;
	lane_answer_failed(l);
	lane_send_queued(l);
	lane_serials_ask(l);
	push(l);
}

static void
on_writable(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct lane *l = arg;

	lane_send_queued(l);
	push(l);
}

static bool
receive(struct lane *l, int packets)
{
	enum peer_got got = PEER_GOT;
	struct error e;

	while (packets-- > 0 && got == PEER_GOT)
		got = peer_receive(l->peer, lane_frame, l, &e);
	if (got == PEER_GONE || got == PEER_BAD)
		lost(l, &e);
	return got == PEER_GOT;
}

static void
on_readable(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct lane *l = arg;

	(void)receive(l, PACKETS_MAX);
	lane_schedule(l);
}

static void
on_tick(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct lane *l = arg;
	const int64_t now = clock_mono_ns();
	struct error e;

	l->tick_due = false;
	lane_expire(l, now);
	error_set(&e, FAIL_TIMEOUT, "no serial came from the signer in time");
	lane_waiters_fail(l, &e, now);
	lane_schedule(l);
}

/* ---- coming and going -------------------------------------------------- */

struct lane *
lane_new(struct event_base *base, int fd)
{
	struct lane *l = mem_calloc(1, sizeof(*l));

	l->base = base;
	l->state = LANE_WAITING;
	TAILQ_INIT(&l->queued);
	TAILQ_INIT(&l->sent);
	TAILQ_INIT(&l->failed);
	TAILQ_INIT(&l->waiters);
	for (size_t i = 0; i < LIMIT_LANE_QUEUE; i++)
		l->free_slot[l->free_slots++] = (uint16_t)i;
	l->flush = event_new(base, -1, 0, on_flush, l);
	l->tick = event_new(base, -1, 0, on_tick, l);
	if (l->flush == NULL || l->tick == NULL)
		fatal("event_new");
	if (fd >= 0)
		lane_attach(l, fd);
	return l;
}

static void
drop_all(struct lane *l, struct lane_list *list)
{
	while (!TAILQ_EMPTY(list))
		lane_drop(l, list, TAILQ_FIRST(list));
}

void
lane_free(struct lane *l)
{
	struct lane_waiter *w;

	if (l == NULL)
		return;
	detach(l);
	drop_all(l, &l->queued);
	drop_all(l, &l->sent);
	drop_all(l, &l->failed);
	while ((w = TAILQ_FIRST(&l->waiters)) != NULL) {
		TAILQ_REMOVE(&l->waiters, w, link);
		mem_free(w);
	}
	event_free(l->flush);
	event_free(l->tick);
	mem_free(l->origin);
	mem_free(l->vkey);
	mem_free(l);
}

static void
say_hello(struct lane *l)
{
	const struct wire_request q = { .version = WIRE_VERSION };
	const struct frame f = { .type = WIRE_HELLO, .id = LANE_FRAME_HELLO };
	auto_buf struct buf body = { 0 };
	struct error e;

	if (!wire_request_encode(WIRE_HELLO, &q, &body, &e) ||
	    !peer_send(l->peer, &f, buf_bytes(&body), &e))
		fatal("HELLO: %s", e.msg);
}

/* What an old signer answered before it went stands: read it first. */
static void
read_rest(struct lane *l)
{
	while (l->peer != NULL && receive(l, PACKETS_MAX))
		continue;
	detach(l);
}

void
lane_attach(struct lane *l, int fd)
{
	read_rest(l);
	l->state = LANE_WAITING;
	l->generation++;
	l->peer = peer_new(fd);
	l->readable =
	    event_new(l->base, fd, EV_READ | EV_PERSIST, on_readable, l);
	l->writable = event_new(l->base, fd, EV_WRITE, on_writable, l);
	if (l->readable == NULL || l->writable == NULL)
		fatal("event_new");
	(void)event_add(l->readable, NULL);
	say_hello(l);
	lane_schedule(l);
}

void
lane_gone(struct lane *l, enum room_gone why)
{
	static const enum lane_state states[] = {
		[ROOM_GONE_RESTARTING] = LANE_WAITING,
		[ROOM_GONE_SEALED] = LANE_SEALED,
		[ROOM_GONE_STOPPED] = LANE_DOWN,
	};
	struct error e;

	read_rest(l);
	l->state = (unsigned)why < countof(states) ? states[why] : LANE_WAITING;
	lane_why(l, &e);
	if (e.why != FAIL_NONE) {
		lane_fail_all(l, &l->sent, &e);
		lane_fail_all(l, &l->queued, &e);
		lane_waiters_fail(l, &e, INT64_MAX);
	}
	lane_schedule(l);
}

enum lane_state
lane_get_state(const struct lane *l)
{
	return l->state;
}

const struct lane_hello *
lane_hello(const struct lane *l)
{
	return &l->hello;
}

void
lane_why(const struct lane *l, struct error *e)
{
	error_clear(e);
	if (l->state == LANE_SEALED)
		error_set(e, FAIL_PIN,
		    "sealed: the token refused the PIN; \"chancery unseal\"");
	else if (l->state == LANE_DOWN)
		error_set(e, FAIL_HSM_GONE,
		    "the signer is stopped: an operator has to act");
}
