/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --units: systemd starts the rooms, we connect them. Each unit is a process that waits here until
 * it is its turn (unit.c): who is sealed, halted or backing off is given nothing, so the ladder of
 * restarts is the one of child.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/wire/peer.h>

#include "supervisor.h"

#define LISTEN_FDS_START 3

static const char *const names[UNITS__COUNT] = { [CHILD_SIGNER] = "signer",
	[CHILD_SERVER] = "server",
	[CHILD_PUBLISHER] = "publisher",
	[UNIT_KEYGEN] = "keygen" };

size_t
unit_by_name(const char *name)
{
	size_t i = 0;

	while (i < UNITS__COUNT && strcmp(names[i], name) != 0)
		i++;
	return i;
}

void
room_kill(pid_t pid, int pidfd)
{
	/* A process that is not our child may be gone, and its number another's. */
	if (pidfd >= 0)
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	else
		(void)kill(pid, SIGKILL);
}

static void
visitor_close(struct visitor *v)
{
	if (v->fd >= 0)
		(void)close(v->fd);
	if (v->pidfd >= 0)
		(void)close(v->pidfd);
	*v = (struct visitor){ .fd = -1, .pidfd = -1 };
}

/* ---- open --------------------------------------------------------------- */

/* The one socket of a chancery-rooms.socket. */
static int
inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n, count;
	int type = 0;
	socklen_t len = sizeof(type);

	if (pid == NULL || fds == NULL || !parse_u64(pid, 1, INT32_MAX, &n) ||
	    (pid_t)n != getpid() || !parse_u64(fds, 1, 1, &count) ||
	    getsockopt(LISTEN_FDS_START, SOL_SOCKET, SO_TYPE, &type, &len) !=
		0 ||
	    type != SOCK_SEQPACKET)
		return -1;
	(void)fcntl(LISTEN_FDS_START, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LISTEN_FDS_START, F_SETFL,
	    fcntl(LISTEN_FDS_START, F_GETFL) | O_NONBLOCK);
	return LISTEN_FDS_START;
}

static bool
find_users(struct supervisor *s, struct error *e)
{
	const char *const users[UNITS__COUNT] = { [CHILD_SIGNER] =
						      s->cfg.user_signer,
		[CHILD_SERVER] = s->cfg.user_server,
		[CHILD_PUBLISHER] = s->cfg.user_publisher,
		[UNIT_KEYGEN] = s->cfg.user_signer };

	for (size_t i = 0; i < UNITS__COUNT; i++)
		if (!identity_uid(users[i], &s->units.uid[i], e))
			return false;
	return true;
}

bool
units_open(struct supervisor *s, struct error *e)
{
	auto_mem char *path = path_join(s->cfg.run_dir, ROOM_UNITS_SOCKET);
	struct units *u = &s->units;

	u->fd = -1;
	for (size_t i = 0; i < UNITS_NEW_MAX; i++)
		u->fresh[i] = (struct visitor){ .fd = -1, .pidfd = -1 };
	for (size_t i = 0; i < UNITS__COUNT; i++)
		u->waiting[i] = (struct visitor){ .fd = -1, .pidfd = -1 };
	if (!u->on)
		return true;
	if (!find_users(s, e))
		return false;
	u->fd = inherited();
	/* Who may be which room is decided by the uid of the peer. */
	if (u->fd < 0)
		u->fd = listen_unix(path, SOCK_SEQPACKET, 0666, e);
	return u->fd >= 0;
}

void
units_close(struct supervisor *s)
{
	struct units *u = &s->units;

	for (size_t i = 0; u->on && i < UNITS_NEW_MAX; i++)
		visitor_close(&u->fresh[i]);
	for (size_t i = 0; u->on && i < UNITS__COUNT; i++)
		visitor_close(&u->waiting[i]);
	if (u->on && u->fd >= 0)
		(void)close(u->fd);
}

/* ---- who comes ----------------------------------------------------------- */

static bool
is_somebody(const struct units *u, struct visitor *v)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(v->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return false;
	v->pid = peer.pid;
	v->uid = peer.uid;
	v->pidfd = pidfd_open(peer.pid, 0);
	for (size_t i = 0; i < UNITS__COUNT; i++)
		if (u->uid[i] == peer.uid)
			return v->pidfd >= 0;
	log_line(LOG_LEVEL_WARNING, "uid %d wants to be a room, and is none's",
	    (int)peer.uid);
	return false;
}

void
units_accept(struct supervisor *s)
{
	struct visitor v = { .pidfd = -1 };
	size_t i = 0;

	v.fd = accept4(s->units.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (v.fd < 0)
		return;
	while (i < UNITS_NEW_MAX && s->units.fresh[i].fd >= 0)
		i++;
	if (i < UNITS_NEW_MAX && is_somebody(&s->units, &v))
		s->units.fresh[i] = v;
	else
		visitor_close(&v);
}

static void
arrived(struct supervisor *s, size_t which, struct visitor *v)
{
	/* Of two, the later one: the unit was started anew. */
	visitor_close(&s->units.waiting[which]);
	s->units.waiting[which] = *v;
	*v = (struct visitor){ .fd = -1, .pidfd = -1 };
	if (which == UNIT_KEYGEN)
		keygen_next(s);
}

void
units_heard(struct supervisor *s, size_t fresh)
{
	struct visitor *v = &s->units.fresh[fresh];
	struct room_visit visit;
	ssize_t n;

	if (v->fd < 0)
		return;
	n = recv(v->fd, &visit, sizeof(visit), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n != sizeof(visit) || visit.version != ROOM_UNITS_VERSION ||
	    visit.which >= UNITS__COUNT ||
	    s->units.uid[visit.which] != v->uid) {
		log_line(LOG_LEVEL_WARNING,
		    "pid %d, uid %d: not a room of this release and its user",
		    (int)v->pid, (int)v->uid);
		visitor_close(v);
		return;
	}
	arrived(s, visit.which, v);
}

/* One that has ended while it waited is noticed here. */
bool
units_has(const struct supervisor *s, size_t which)
{
	int fd = s->units.waiting[which].fd;
	char octet;

	return fd >= 0 &&
	    recv(fd, &octet, sizeof(octet), MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    errno == EAGAIN;
}

/* ---- its turn ------------------------------------------------------------- */

static bool
send_all(const struct visitor *v, const struct spawn *sp, int control,
    int table)
{
	int fd[ROOM_FD_FIRST + SUPER_FDS_MAX] = { control, sp->settings,
		table };
	const size_t n = 3 + sp->n;

	memcpy(fd + 3, sp->fd, sp->n * sizeof(fd[0]));
	return control_send_fds(v->fd, (uint32_t)n, fd, n);
}

bool
units_hand(struct supervisor *s, size_t which, const struct spawn *sp,
    pid_t *pid, int *pidfd, int *control, struct error *e)
{
	struct visitor *v = &s->units.waiting[which];
	auto_fd int table =
	    peer_memfd(bytes_of(sp->table, sp->n * sizeof(sp->table[0])), e);
	auto_fd int ours = -1, theirs = -1;
	int pair[2];
	bool sent;

	if (table < 0)
		return false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_errno(e, FAIL_IO, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	sent = v->fd >= 0 && send_all(v, sp, theirs, table);
	if (!sent) {
		visitor_close(v);
		return error_set(e, FAIL_BUSY, "the unit chancery-%s is gone",
		    names[which]);
	}
	*pid = v->pid;
	*pidfd = v->pidfd;
	*control = take_fd(&ours);
	v->pidfd = -1;
	visitor_close(v);
	return true;
}
