/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --room NAME: the process of a unit. It waits until chanceryd gives it what a room needs, puts the
 * descriptors to their places and becomes the room: from then on there is no difference.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/wire/peer.h>

#include "supervisor.h"

static bool
is_chanceryd(int fd, const char *user, struct error *e)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	uid_t want = 0;

	if (user != NULL && !identity_uid(user, &want, e))
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return error_errno(e, FAIL_IO, "SO_PEERCRED");
	return peer.uid == want ||
	    error_set(e, FAIL_PERMISSION,
		"who listens is uid %d, and has to be %d", (int)peer.uid,
		(int)want);
}

static int
reach(const struct unit *u, struct error *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	size_t n = strlen(u->socket);

	if (fd < 0 || n >= sizeof(a.sun_path)) {
		error_errno(e, FAIL_IO, "%s", u->socket);
		return -1;
	}
	memcpy(a.sun_path, u->socket, n);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		error_errno(e, FAIL_NOT_FOUND, "chanceryd does not listen: %s",
		    u->socket);
		return -1;
	}
	return is_chanceryd(fd, u->peer, e) ? take_fd(&fd) : -1;
}

union rights {
	struct cmsghdr align;
	char room[CMSG_SPACE(ROOM_UNITS_FDS_MAX * sizeof(int))];
};

/* As long as it takes. The number of descriptors; 0: chanceryd is gone. */
static size_t
wait_for_turn(int from, int fd[ROOM_UNITS_FDS_MAX])
{
	union rights c = { 0 };
	uint32_t told = 0;
	struct iovec v = { &told, sizeof(told) };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c.room) };
	ssize_t n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (n != sizeof(told) || h == NULL || h->cmsg_type != SCM_RIGHTS ||
	    (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || told < 3 ||
	    told > ROOM_UNITS_FDS_MAX ||
	    h->cmsg_len != CMSG_LEN(told * sizeof(int)))
		return 0;
	memcpy(fd, CMSG_DATA(h), told * sizeof(int));
	return told;
}

/* What the table names, and the listening sockets that the unit itself was given. */
static bool
take_table(struct spawn *sp, const int *fd, size_t n,
    const struct listeners *own, struct error *e)
{
	auto_buf struct buf table = { 0 };
	uint32_t index[ROOM_FD__COUNT] = { 0 };

	if (!peer_memfd_read(fd[2], sizeof(sp->table), &table, e))
		return error_context(e, "table of descriptors");
	if (table.n != (n - 3) * sizeof(sp->table[0]))
		return error_set(e, FAIL_BAD_INPUT,
		    "table of descriptors: %zu octets", table.n);
	if (table.n > 0)
		memcpy(sp->table, table.p, table.n);
	for (sp->n = 0; sp->n < n - 3; sp->n++)
		sp->fd[sp->n] = fd[3 + sp->n];
	for (size_t i = 0; i < own->n; i++) {
		const struct listener *l = &own->v[i];

		spawn_add(sp, (enum room_fd_kind)l->kind, index[l->kind]++,
		    l->fd);
	}
	return true;
}

static bool
become(const struct unit *u, size_t which, const struct listeners *own,
    struct error *e)
{
	static struct spawn sp;
	const struct room_visit visit = { ROOM_UNITS_VERSION, (uint32_t)which };
	auto_mem char *name = mem_printf("chancery-%s",
	    which == UNIT_KEYGEN ? "signer" : u->room);
	auto_mem char *path = program_find(u->rooms_dir, name, e);
	int fd[ROOM_UNITS_FDS_MAX], table;
	auto_fd int to = path != NULL ? reach(u, e) : -1;
	size_t n;

	if (to < 0)
		return false;
	if (send(to, &visit, sizeof(visit), MSG_NOSIGNAL) != sizeof(visit) ||
	    (n = wait_for_turn(to, fd)) == 0)
		return error_set(e, FAIL_IO, "chanceryd is gone");
	sp.path = path;
	sp.argument = which == UNIT_KEYGEN ? "--keygen" : NULL;
	sp.settings = fd[1];
	if (!take_table(&sp, fd, n, own, e) ||
	    (table = peer_memfd(bytes_of(sp.table, sp.n * sizeof(sp.table[0])),
		 e)) < 0)
		return false;
	spawn_become(&sp, fd[0], table, true);
}

int
unit_run(const struct unit *u)
{
	static struct listeners own;
	size_t which = unit_by_name(u->room);
	struct error e = { 0 };

	if (which == CHILD_SERVER)
		listeners_inherit(&own);
	if (which == CHILD_SERVER && own.n == 0)
		error_set(&e, FAIL_NOT_FOUND,
		    "no listening socket was passed (chancery-server.socket)");
	else if (become(u, which, &own, &e))
		return ROOM_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "%s: %s", u->room, e.msg);
	return fail_exit(e.why);
}
