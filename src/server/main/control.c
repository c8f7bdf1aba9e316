/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's socket: this room's main thread. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <chancery/base/clock.h>
#include <chancery/base/limits.h>
#include <chancery/base/log.h>
#include <chancery/sandbox/sandbox.h>
#include <chancery/wire/packet.h>
#include <chancery/wire/peer.h>

#include "room.h"

#define TICK_MS 200

struct message {
	uint32_t type, value;
	int fd; /* -1: none came along */
};

static bool
tell(uint32_t type)
{
	return send(ROOM_FD_CONTROL, &type, sizeof(type),
		   MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(type);
}

static bool
tell_ready(void)
{
	const char *text = sandbox_text();
	char packet[sizeof(uint32_t) + SANDBOX_TEXT_SIZE];
	uint32_t type = ROOM_READY;
	size_t n = sizeof(type) + strlen(text);

	memcpy(packet, &type, sizeof(type));
	memcpy(packet + sizeof(type), text, strlen(text));
	return send(ROOM_FD_CONTROL, packet, n, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)n;
}

/* False: the supervisor is gone, e says so; type 0: nothing there. */
static bool
receive(struct message *out, struct error *e)
{
	uint32_t v[2] = { 0 };
	int fd = -1;
	ssize_t n = packet_receive(ROOM_FD_CONTROL, v, sizeof(v), &fd, NULL);

	*out = (struct message){ .fd = -1 };
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < (ssize_t)sizeof(uint32_t))
		return error_set(e, FAIL_IO, "the supervisor is gone");
	*out = (struct message){ v[0], v[1], fd };
	return true;
}

/* ---- lanes: in their worker's thread ---- */

struct lane_news {
	struct room_worker *w;
	int fd;
	enum room_gone why;
};

static void
lane_attach_here(void *arg)
{
	struct lane_news *n = arg;

	lane_attach(n->w->lane, n->fd);
	mem_free(n);
}

static void
lane_gone_here(void *arg)
{
	struct lane_news *n = arg;

	lane_gone(n->w->lane, n->why);
	mem_free(n);
}

static void
post_news(struct room_worker *w, void (*fn)(void *arg), int fd,
    enum room_gone why)
{
	struct lane_news *n = mem_alloc(sizeof(*n));

	*n = (struct lane_news){ w, fd, why };
	http_worker_post(w->http, fn, n);
}

static void
on_new_lane(struct room *r, struct message *m)
{
	if (m->fd < 0 || m->value >= r->workers)
		return;
	post_news(&r->worker[m->value], lane_attach_here, take_fd(&m->fd),
	    ROOM_GONE_RESTARTING);
}

static void
outlane_attach_here(void *arg)
{
	struct lane_news *n = arg;

	outlane_attach(n->w->outlane, n->fd);
	mem_free(n);
}

static void
on_new_outlane(struct room *r, struct message *m)
{
	if (m->fd < 0 || m->value >= r->workers ||
	    r->worker[m->value].outlane == NULL)
		return;
	post_news(&r->worker[m->value], outlane_attach_here, take_fd(&m->fd),
	    ROOM_GONE_RESTARTING);
}

static void
on_signer_gone(struct room *r, struct message *m)
{
	enum room_gone why = m->value == ROOM_GONE_SEALED ? ROOM_GONE_SEALED
	    : m->value == ROOM_GONE_STOPPED               ? ROOM_GONE_STOPPED
					    : ROOM_GONE_RESTARTING;

	for (unsigned i = 0; i < r->workers; i++)
		post_news(&r->worker[i], lane_gone_here, -1, why);
}

static void
on_stop(struct room *r, struct message *m)
{
	(void)m;
	if (r->stopping)
		return;
	r->stopping = true;
	for (unsigned i = 0; i < r->workers; i++)
		http_worker_stop(r->worker[i].http);
}

/* What can be taken over without a restart: certificate and key, the access log, the log
 * level. The rest was checked by the supervisor and holds from the next start. */
static void
on_reload(struct room *r, struct message *m)
{
	struct error e = { 0 };
	bool ok;
	int fd;

	(void)m;
	if (!room_tls(r, &e))
		log_line(LOG_LEVEL_ERROR, "reload: %s", e.msg);
	fd = access_open(r->cfg.server.access_log, &ok, &e);
	if (!ok) {
		log_line(LOG_LEVEL_ERROR, "reload: %s", e.msg);
		return;
	}
	api_access_reopen(r->api, fd);
	log_line(LOG_LEVEL_INFO, "server: certificate and access log reloaded");
}

static const struct {
	uint32_t type;
	void (*fn)(struct room *r, struct message *m);
} rows[] = {
	{ ROOM_STOP, on_stop },
	{ ROOM_RELOAD, on_reload },
	{ ROOM_NEW_LANE, on_new_lane },
	{ ROOM_NEW_OUTLANE, on_new_outlane },
	{ ROOM_SIGNER_GONE, on_signer_gone },
};

static bool
handle_one(struct room *r, bool *more, struct error *e)
{
	struct message m;

	if (!receive(&m, e))
		return false;
	*more = m.type != 0;
	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].type == m.type)
			rows[i].fn(r, &m);
	if (m.fd >= 0)
		(void)close(m.fd);
	return true;
}

/* False: it has to end at once. A unit that is stopped has a signer still. */
static bool
handle_all(struct room *r, int *fd, struct error *e)
{
	for (bool more = *fd >= 0; more;) {
		if (handle_one(r, &more, e))
			continue;
		if (!room_had_sigterm())
			return false;
		on_stop(r, NULL);
		*fd = -1;
		more = false;
	}
	return true;
}

bool
room_control(struct room *r, struct error *e)
{
	int64_t alive_ms = 0;
	int fd = ROOM_FD_CONTROL;

	if (!tell_ready())
		return error_errno(e, FAIL_IO, "control socket");
	while (atomic_load(&r->running) > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t now = clock_boot_ms(&clock_system);

		if (now - alive_ms >= ROOM_ALIVE_MS / 2) {
			if (room_workers_alive(r, now))
				(void)tell(ROOM_ALIVE);
			alive_ms = now;
		}
		(void)poll(&p, 1, TICK_MS);
		if (!handle_all(r, &fd, e))
			return false;
		room_tick(r);
		/* A new process finds out what is on the disk. */
		if (!store_alive(r->store, e))
			return false;
	}
	return true;
}
