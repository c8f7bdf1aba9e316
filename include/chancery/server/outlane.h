/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An outlane: one server worker's way to the publisher (a port, wire/port.h). All calls from
 * the worker's thread. Nothing waits here: what is asked is answered by a callback in that
 * thread, perhaps from within the call.
 *
 * While there is no publisher, and when one goes away, what was asked waits for the next one
 * (it is asked again: jobs are harmless when done twice) until its deadline. Several who ask
 * the same wait for one answer.
 */
#include <chancery/base/crypto.h>
#include <chancery/wire/jobs.h>

struct event_base;
struct outlane;

/* fd -1: there is no publisher yet. */
struct outlane *outlane_new(struct event_base *base, int fd) must_check;
/* Without answers: what waits is dropped and wiped. */
void outlane_free(struct outlane *o);
void outlane_attach(struct outlane *o, int fd); /* ROOM_NEW_OUTLANE */

/* `a` is borrowed for the call. */
typedef void outlane_done_fn(void *arg, const struct job_answer *a);
struct outlane_ask {
	enum job job;
	/* Copied, its secret into locked memory. */
	struct job_request request;
	const int *file;   /* of jobs that have one (jobs.h): duplicated */
	struct sha256 key; /* of what is asked: the same key, the same answer */
	int64_t timeout_ms; /* FAIL_TIMEOUT then */
};
/* FAIL_BUSY in the answer when LIMIT_OUTLANE_WAITERS wait already. */
void outlane_ask(struct outlane *o, const struct outlane_ask *ask,
    outlane_done_fn *done, void *arg);
