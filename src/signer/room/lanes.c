/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/epoll.h>

#include <chancery/base/log.h>

#include "room.h"

/* Of one lane; what comes in the packet that goes beyond it is taken, too. */
#define LANE_REQUESTS_MAX 1024

bool
room_lane_add(struct room *r, uint32_t index, int fd, struct error *e)
{
	struct room_lane *l = mem_calloc(1, sizeof(*l));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	size_t share = LIMIT_SERIALS_OUTSTANDING / (r->lanes_max + 1);

	l->room = r;
	l->index = index;
	l->peer = peer_new(fd);
	l->events = EPOLLIN;
	l->ring = share < LIMIT_LANE_SERIALS ? share : LIMIT_LANE_SERIALS;
	l->serial = mem_calloc(l->ring, sizeof(*l->serial));
	LIST_INSERT_HEAD(&r->lanes, l, link);
	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ||
	    error_errno(e, FAIL_IO, "epoll_ctl");
}

/* ---- serials ----------------------------------------------------------- */

/* The newest `ring` of a lane are good: what a server drew and never used does not stay
 * outstanding for ever. */
static void
ring_put(struct room_lane *l, const uint8_t *serial)
{
	uint8_t *slot = l->serial[l->given % l->ring];

	if (l->given >= l->ring)
		signer_serial_forget(l->room->signer, slot);
	memcpy(slot, serial, LIMIT_SERIAL_BYTES);
	l->given++;
}

static void
ring_forget(struct room_lane *l)
{
	const size_t held = l->given < l->ring ? l->given : l->ring;

	for (size_t i = 0; i < held; i++)
		signer_serial_forget(l->room->signer, l->serial[i]);
	l->given = 0;
}

bool
room_lane_serials(struct room_lane *l, size_t n, struct buf *out,
    struct error *e)
{
	uint8_t fresh[LIMIT_SERIAL_BATCH][LIMIT_SERIAL_BYTES];

	if (n == 0 || n > LIMIT_SERIAL_BATCH)
		return error_set(e, FAIL_BAD_INPUT,
		    "%zu serials, allowed 1 to %d", n, LIMIT_SERIAL_BATCH);
	if (!signer_serials(l->room->signer, n, fresh, e))
		return false;
	for (size_t i = 0; i < n; i++)
		ring_put(l, fresh[i]);
	buf_add(out, fresh, n * LIMIT_SERIAL_BYTES);
	return true;
}

/* ---- coming and going -------------------------------------------------- */

static void
lane_free(struct room_lane *l)
{
	LIST_REMOVE(l, link);
	peer_free(l->peer);
	mem_free(l->serial);
	mem_free(l);
}

/* Its server has gone: what is in flight is signed and recorded all the same. */
static void
lane_close(struct room_lane *l, const struct error *e)
{
	log_line(LOG_LEVEL_INFO, "signer: lane %u: %s", l->index, e->msg);
	ring_forget(l);
	peer_free(take(l->peer));
	if (l->in_flight == 0)
		lane_free(l);
}

void
room_lanes_free(struct room *r)
{
	while (!LIST_EMPTY(&r->lanes))
		lane_free(LIST_FIRST(&r->lanes));
}

/* ---- answers ----------------------------------------------------------- */

/* An answer that is too long is an answer all the same: somebody waits. */
static bool
encode(const struct frame *f, const struct wire_answer *a, struct buf *out,
    struct error *e)
{
	const enum wire_message m = (enum wire_message)f->type;
	struct wire_answer failure = { .intent = WIRE_NO_INDEX,
		.index = WIRE_NO_INDEX };

	if (wire_answer_encode(m, a, out, e))
		return true;
	buf_reset(out);
	failure.why = FAIL_INTERNAL;
	failure.msg = e->msg;
	return wire_answer_encode(m, &failure, out, e);
}

void
room_answer(struct room_request *q, const struct wire_answer *a)
{
	struct room_lane *l = q->lane;
	const struct frame f = { .type = (uint16_t)q->m,
		.flags = FRAME_ANSWER,
		.id = q->frame };
	auto_buf struct buf body = { 0 };
	struct error e;

	l->in_flight--;
	l->room->answered++;
	mem_free(q);
	if (l->peer == NULL)
		return;
	if (!encode(&f, a, &body, &e) ||
	    !peer_send(l->peer, &f, buf_bytes(&body), &e))
		log_line(LOG_LEVEL_ERROR, "signer: answer to %s: %s",
		    wire_message_name((enum wire_message)f.type), e.msg);
}

void
room_fail(struct room_request *q, const struct error *e)
{
	const struct wire_answer a = { .why = e->why,
		.msg = e->msg,
		.intent = WIRE_NO_INDEX,
		.index = WIRE_NO_INDEX };

	room_answer(q, &a);
}

/* ---- requests ---------------------------------------------------------- */

static bool
on_frame(void *arg, const struct frame *f, struct bytes body, struct error *e)
{
	struct room_lane *l = arg;
	struct wire_request in;
	struct room_request *q;

	if ((f->flags & FRAME_ANSWER) != 0)
		return error_set(e, FAIL_BAD_INPUT, "an answer");
	/* A server that cannot write a message is broken or taken over. */
	if (!wire_request_decode(f->type, body, &in, e))
		return false;
	q = mem_calloc(1, sizeof(*q));
	q->lane = l;
	q->frame = f->id;
	q->m = (enum wire_message)f->type;
	q->again = (f->flags & FRAME_AGAIN) != 0;
	l->in_flight++;
	l->room->count[q->m]++;
	room_message(q, &in);
	return true;
}

static bool
may_read(const struct room_lane *l)
{
	return l->peer != NULL && !l->room->stopping &&
	    l->in_flight < LANE_REQUESTS_MAX &&
	    signer_in_flight(l->room->signer) + LANE_REQUESTS_MAX <
	    LIMIT_IN_FLIGHT;
}

static void
drain(struct room_lane *l)
{
	enum peer_got got = PEER_GOT;
	struct error e;

	while (l->ready && may_read(l) && got == PEER_GOT)
		got = peer_receive(l->peer, on_frame, l, &e);
	if (got == PEER_EMPTY)
		l->ready = false;
	if (got == PEER_BAD)
		log_line(LOG_LEVEL_ERROR, "signer: lane %u: %s", l->index,
		    e.msg);
	if (got == PEER_GONE || got == PEER_BAD)
		lane_close(l, &e);
}

void
room_lanes_drain(struct room *r)
{
	struct room_lane *l, *next;

	for (l = LIST_FIRST(&r->lanes); l != NULL; l = next) {
		next = LIST_NEXT(l, link);
		drain(l);
	}
}

/* A lane that may not be read is not asked for: it would never be quiet. */
static void
interest(struct room_lane *l)
{
	struct epoll_event ev = { .data.ptr = l };

	ev.events = (may_read(l) ? (uint32_t)EPOLLIN : 0) |
	    (peer_is_full(l->peer) ? (uint32_t)EPOLLOUT : 0);
	if (ev.events == l->events)
		return;
	l->events = ev.events;
	(void)epoll_ctl(l->room->epoll, EPOLL_CTL_MOD, peer_fd(l->peer), &ev);
}

void
room_lanes_flush(struct room *r)
{
	struct room_lane *l, *next;
	struct error e;

	for (l = LIST_FIRST(&r->lanes); l != NULL; l = next) {
		next = LIST_NEXT(l, link);
		if (l->peer == NULL) {
			if (l->in_flight == 0)
				lane_free(l);
			continue;
		}
		if (peer_flush(l->peer, &e))
			interest(l);
		else
			lane_close(l, &e);
	}
}

bool
room_lanes_empty(const struct room *r)
{
	const struct room_lane *l;

	LIST_FOREACH(l, &r->lanes, link)
	if (l->peer != NULL && peer_is_full(l->peer))
		return false;
	return true;
}
