/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside a lane. A request is in exactly one of three lists:
 *
 *   queued → (peer_send) → sent → (answer) → callback
 *      └────────── failed ──────────────────→ callback, from flush
 *
 * and goes back from sent to queued when the signer changes (settle.c).
 */
#include <sys/queue.h>

#include <chancery/base/cleanup.h>
#include <chancery/server/lane.h>
#include <chancery/wire/peer.h>
#include <chancery/wire/signer.h>

struct event;

struct lane_request {
	TAILQ_ENTRY(lane_request) link;
	enum wire_message m;
	uint64_t frame;      /* its number in the low bits is its slot      */
	uint64_t generation; /* of the lane when it was submitted           */
	int64_t deadline_ns;
	unsigned deaths; /* signers that went away while they had it        */
	bool settling;   /* what is sent now is SETTLE                      */
	bool again;
	bool follow; /* what came of it is told after a timeout too          */
	bool told;   /* that it timed out                                    */
	/* The caller's id, and the frame's number: one HTTP request may make several
	 * signatures, and SETTLE must mean one. */
	uint8_t id[24];
	struct buf body;
	struct secret *secret; /* the end of the body; NULL: none           */
	lane_done_fn *done; /* NULL: answered already (timeout)             */
	void *arg;
	struct error err; /* in `failed` */
	bool stale;
};
TAILQ_HEAD(lane_list, lane_request);

struct lane_waiter {
	TAILQ_ENTRY(lane_waiter) link;
	lane_serial_fn *fn;
	void *arg;
	int64_t deadline_ns;
};
TAILQ_HEAD(lane_waiters, lane_waiter);

/* Requests that outlived a signer: one that kills every signer is not tried for
 * ever, although its caller builds it anew each time. */
#define LANE_SURVIVORS 256

struct lane {
	struct event_base *base;
	struct peer *peer; /* NULL: none */
	struct event *readable, *writable, *flush, *tick;
	bool flush_due, tick_due;
	enum lane_state state;
	uint64_t generation;
	struct lane_hello hello;
	char *origin, *vkey;

	struct lane_list queued, sent, failed;
	size_t waiting, in_flight;
	struct lane_request *slot[LIMIT_LANE_QUEUE];
	uint16_t free_slot[LIMIT_LANE_QUEUE];
	size_t free_slots;
	uint64_t next_frame, requests;

	uint8_t serial[LIMIT_SERIAL_BATCH * 2][LIMIT_SERIAL_BYTES];
	size_t serial_at, serials;
	bool serials_asked;
	struct lane_waiters waiters;

	uint8_t survivor[LANE_SURVIVORS][16];
	size_t survivors;
};

/* Frames of the lane's own. */
#define LANE_FRAME_HELLO (UINT64_MAX - 1)
#define LANE_FRAME_SERIALS (UINT64_MAX - 2)

/* request.c */
struct lane_request *lane_find(struct lane *l, uint64_t frame);
/* Out of its list and slot, freed. */
void lane_drop(struct lane *l, struct lane_list *from, struct lane_request *r);
/* From a list to `failed`, with that reason. */
void lane_fail(struct lane *l, struct lane_list *from, struct lane_request *r,
    const struct error *why);
/* All of a list. */
void lane_fail_all(struct lane *l, struct lane_list *from,
    const struct error *why);
void lane_answer_failed(struct lane *l);
void lane_send_queued(struct lane *l);
void lane_expire(struct lane *l, int64_t now_ns);

/* answer.c: a peer_frame_fn */
bool lane_frame(void *arg, const struct frame *f, struct bytes body,
    struct error *e) must_check;
/* Take a request out and give its caller the answer. */
void lane_reply(struct lane *l, struct lane_request *r,
    const struct wire_answer *a);

/* settle.c: a new signer is there, what of the old one's? */
void lane_recover(struct lane *l);
void lane_settled(struct lane *l, struct lane_request *r,
    const struct wire_answer *a);

/* serial.c */
void lane_serials_ask(struct lane *l);
void lane_serials_take(struct lane *l, const struct wire_answer *a);
void lane_serials_forget(struct lane *l);
void lane_waiters_fail(struct lane *l, const struct error *why, int64_t before);

/* lane.c */
void lane_schedule(struct lane *l);
