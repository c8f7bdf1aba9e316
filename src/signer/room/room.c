/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/sandbox/sandbox.h>

#include "room.h"

#define MS INT64_C(1000000)
/* Signs of life come twice as often as they are missed. */
#define ALIVE_EVERY_MS (ROOM_ALIVE_MS / 2)
/* Deadlines of the key half do not make its descriptor readable (hsm/queue.h). */
#define DEADLINE_EVERY_MS 100
/* At the end answers that nobody reads are not waited for longer. */
#define LAST_WORDS_MS 2000
/* Failures of the token that are borne before the process ends. */
#define GONE_MS 10000
#define EVENTS_MAX 64

/* Also from within a turn, while a long list is written. */
static void
say_alive(void *arg)
{
	struct room *r = arg;
	const int64_t now = clock_mono_ns();

	if (now - r->alive_ns < ALIVE_EVERY_MS * MS)
		return;
	r->alive_ns = now;
	room_say(ROOM_ALIVE, (struct bytes){ 0 });
}

static bool
open_signer(struct room *r, int *status, struct error *e)
{
	struct signer_config cfg;

	if (!host_signer(r->host, 0, &cfg, e)) {
		*status = EXIT_FAILURE;
		return false;
	}
	cfg.reg.who = "chancery-signer";
	cfg.busy = say_alive;
	cfg.busy_arg = r;
	cfg.foreign_responders =
	    r->settings->config.ocsp_key == SERVICE_OCSP_MEMORY;
	r->signer = signer_open(&cfg, e);
	if (r->signer != NULL)
		return true;
	host_explain(e);
	/* A register that is not there is not made here. */
	*status =
	    e->why == FAIL_NOT_FOUND ? ROOM_EXIT_REGISTER : room_exit_status(e);
	return false;
}

static bool
watch(struct room *r, int fd, struct error *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

	return fd < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ||
	    error_errno(e, FAIL_IO, "epoll_ctl");
}

static bool
open_sockets(struct room *r, struct error *e)
{
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0)
		return error_errno(e, FAIL_IO, "epoll_create1");
	r->keygen = room_keygen_new(r);
	r->takein = room_takein_new(r);
	if (!watch(r, ROOM_FD_CONTROL, e) ||
	    !watch(r, signer_fd(r->signer), e) ||
	    !watch(r, room_keygen_fd(r->keygen), e) ||
	    !watch(r, room_takein_fd(r->takein), e))
		return false;
	r->lanes_max = r->settings->lanes;
	for (size_t i = 0; i < r->settings->lanes; i++)
		if (r->settings->lane[i] >= 0 &&
		    !room_lane_add(r, (uint32_t)i, r->settings->lane[i], e))
			return false;
	return true;
}

/* What waited for one of those just answered (a list for the same scope) may begin. */
static bool
next_may_begin(const struct room *r)
{
	return r->answered > 0 && signer_has_queued(r->signer);
}

/* Without key workers the signatures are made in signer_turn: it is called as long as
 * any is due. */
static int
patience_ms(const struct room *r)
{
	if (signer_in_flight(r->signer) == 0)
		return ALIVE_EVERY_MS;
	return signer_fd(r->signer) < 0 || next_may_begin(r) ||
		signer_builds(r->signer)
	    ? 0
	    : DEADLINE_EVERY_MS;
}

/* While the key half has enough to do, what arrives gathers: its INTENTs share a commit
 * with what is done next. Requests that need no signature wait no longer than this. */
#define GATHER_MS 3

static bool
gather(struct room *r)
{
	struct pollfd p[] = { { signer_fd(r->signer), POLLIN, 0 },
		{ r->alone ? -1 : ROOM_FD_CONTROL, POLLIN, 0 },
		{ room_keygen_fd(r->keygen), POLLIN, 0 },
		{ room_takein_fd(r->takein), POLLIN, 0 } };

	if (next_may_begin(r) || signer_builds(r->signer) ||
	    !signer_is_gathering(r->signer))
		return false;
	(void)poll(p, countof(p), GATHER_MS);
	return true;
}

static void
wait_for_events(struct room *r)
{
	struct epoll_event ev[EVENTS_MAX];
	int n = epoll_wait(r->epoll, ev, EVENTS_MAX,
	    gather(r) ? 0 : patience_ms(r));

	for (int i = 0; i < n; i++)
		if (ev[i].data.ptr != NULL)
			((struct room_lane *)ev[i].data.ptr)->ready = true;
}

/* What proves the records is made while it is quiet, or late at last. */
static void
checkpoint(struct room *r, int64_t now_ns)
{
	struct reg *reg = signer_register(r->signer);
	const int64_t age_ms = (now_ns - r->checkpoint_ns) / MS;
	struct error e;

	if (reg_durable_size(reg) == r->checkpoint_size ||
	    age_ms < LIMIT_CHECKPOINT_MS ||
	    (signer_in_flight(r->signer) > 0 &&
		age_ms < 3 * LIMIT_CHECKPOINT_MS))
		return;
	r->checkpoint_ns = now_ns;
	if (reg_checkpoint(reg, &e))
		r->checkpoint_size = reg_durable_size(reg);
	else
		log_line(LOG_LEVEL_ERROR, "signer: checkpoint: %s", e.msg);
}

static void
housekeeping(struct room *r)
{
	const int64_t now = clock_mono_ns();

	say_alive(r);
	checkpoint(r, now);
}

/* One pass. False: the register is dead, everything was answered with that. */
static bool
pass(struct room *r, struct error *e)
{
	bool ok;

	wait_for_events(r);
	r->answered = 0;
	room_control(r);
	room_lanes_drain(r);
	room_keygen_poll(r);
	room_takein_poll(r);
	ok = signer_turn(r->signer, false, e);
	room_lanes_flush(r);
	/* A checkpoint would wait for the call that hangs. */
	if (r->end == 0)
		housekeeping(r);
	return ok;
}

void
room_end(struct room *r, int status, const struct error *why)
{
	if (r->end != 0)
		return;
	r->end = status;
	log_line(LOG_LEVEL_ERROR, "signer: %s: it ends", why->msg);
	if (status == ROOM_EXIT_PIN)
		room_say_refused(UINT32_MAX);
}

/* A refused PIN is never tried again; a call that hangs keeps its thread for ever, and a
 * token that recovery could not bring back may like a new process better. */
void
room_judge(struct room *r, const struct signer_reply *a)
{
	const int64_t now = clock_mono_ns();
	const bool hangs = a->err.why == FAIL_TIMEOUT && a->attempts > 0;
	const bool gone = a->err.why == FAIL_HSM_GONE;

	if (a->ok)
		r->gone_ns = 0;
	else if (a->err.why == FAIL_PIN)
		room_end(r, ROOM_EXIT_PIN, &a->err);
	else if (gone && r->gone_ns == 0)
		r->gone_ns = now;
	else if (hangs || (gone && now - r->gone_ns > GONE_MS * MS))
		room_end(r, EXIT_FAILURE, &a->err);
}

static bool
finished(const struct room *r)
{
	if (r->end != 0)
		return true;
	return r->stopping && signer_in_flight(r->signer) == 0 &&
	    room_keygen_idle(r->keygen) && room_takein_idle(r->takein);
}

static void
last_words(struct room *r)
{
	const int64_t until = clock_mono_ns() + LAST_WORDS_MS * MS;
	struct epoll_event ev[EVENTS_MAX];

	room_lanes_flush(r);
	while (!room_lanes_empty(r) && clock_mono_ns() < until) {
		(void)epoll_wait(r->epoll, ev, EVENTS_MAX, DEADLINE_EVERY_MS);
		room_lanes_flush(r);
	}
}

static int
serve(struct room *r)
{
	struct error e;
	bool ok = true;

	room_say(ROOM_READY, bytes_str(sandbox_text()));
	room_keygen_settle(r);
	log_line(LOG_LEVEL_INFO, "signer: %llu records, %zu lanes",
	    (unsigned long long)reg_durable_size(signer_register(r->signer)),
	    r->settings->lanes);
	while (ok && !finished(r))
		ok = pass(r, &e);
	last_words(r);
	/* Nothing is freed: a call that hangs may use it. */
	if (r->end != 0)
		hsm_exit(room_ended(r->end));
	if (!ok) {
		log_line(LOG_LEVEL_ERROR, "signer: %s", e.msg);
		/* Started again by itself it would take a clock that jumped for right. */
		return e.why == FAIL_CLOCK ? ROOM_EXIT_REGISTER : EXIT_FAILURE;
	}
	if (!signer_close(take(r->signer), &e)) {
		log_line(LOG_LEVEL_ERROR, "signer: closing: %s", e.msg);
		return EXIT_FAILURE;
	}
	return ROOM_EXIT_OK;
}

int
room_run(struct room *r)
{
	int status = ROOM_EXIT_OK;
	struct error e;

	LIST_INIT(&r->lanes);
	r->epoll = -1;
	r->started_ns = r->checkpoint_ns = clock_mono_ns();
	if (!hsm_module_info(r->host->module, &r->module, &e) ||
	    !open_signer(r, &status, &e)) {
		log_line(LOG_LEVEL_ERROR, "signer: %s", e.msg);
		return status != ROOM_EXIT_OK ? status : EXIT_FAILURE;
	}
	if (!open_sockets(r, &e)) {
		log_line(LOG_LEVEL_ERROR, "signer: %s", e.msg);
		status = EXIT_FAILURE;
	} else {
		status = serve(r);
	}
	room_lanes_free(r);
	if (r->keygen != NULL)
		room_keygen_free(r->keygen);
	if (r->takein != NULL)
		room_takein_free(r->takein);
	signer_free(r->signer);
	if (r->epoll >= 0)
		(void)close(r->epoll);
	return status;
}
