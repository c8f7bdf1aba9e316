/* SPDX-License-Identifier: Apache-2.0 */
/* One pair of sockets for each worker of the server. We keep neither end: a room sees the
 * other one's death as the end of the lane. */
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor.h"

void
lanes_drop(struct supervisor *s)
{
	for (size_t i = 0; i < SERVICE_WORKERS_MAX; i++) {
		if (s->lane[i] >= 0)
			(void)close(s->lane[i]);
		s->lane[i] = -1;
	}
}

static enum child_which
other(enum child_which which)
{
	return which == CHILD_SIGNER ? CHILD_SERVER : CHILD_SIGNER;
}

/* The signer is new and the server runs, or the other way round; or the signer is the
 * first of the two, then the server's ends wait here. */
static void
hand_over(struct supervisor *s, enum child_which to, uint32_t i, int fd)
{
	struct child *c = &s->child[to];

	if (to == CHILD_SERVER && !child_is_up(c)) {
		s->lane[i] = fd;
		return;
	}
	if (!control_send_u32(c->control, ROOM_NEW_LANE, i, fd))
		log_line(LOG_LEVEL_WARNING, "%s: takes no lane", c->name);
	(void)close(fd);
}

/* The signer came first: its server's ends are there. */
static bool
use_waiting(struct supervisor *s, struct spawn *sp)
{
	if (s->lane[0] < 0)
		return false;
	for (uint32_t i = 0; i < s->workers; i++) {
		spawn_add(sp, ROOM_FD_LANE, i, s->lane[i]);
		s->lane[i] = -1;
	}
	return true;
}

bool
lanes_make(struct supervisor *s, enum child_which which, struct spawn *sp,
    struct error *e)
{
	enum child_which to = other(which);

	if (which == CHILD_SERVER && use_waiting(s, sp))
		return true;
	/* Without a signer the server starts without lanes: what is public is
	 * served. */
	if (which == CHILD_SERVER && !child_is_up(&s->child[CHILD_SIGNER]))
		return true;
	for (uint32_t i = 0; i < s->workers; i++) {
		int pair[2];

		if (socketpair(AF_UNIX,
			SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			pair) != 0)
			return error_errno(e, FAIL_IO, "socketpair");
		spawn_add(sp, ROOM_FD_LANE, i, pair[0]);
		hand_over(s, to, i, pair[1]);
	}
	return true;
}

/* Neither end waits for a room that is not there: whichever starts second gets them made, so
 * there is nothing to keep. */
bool
outlanes_make(struct supervisor *s, enum child_which which, struct spawn *sp,
    struct error *e)
{
	const struct child *to =
	    &s->child[which == CHILD_SERVER ? CHILD_PUBLISHER : CHILD_SERVER];

	if (which == CHILD_SIGNER || !child_is_up(to))
		return true;
	for (uint32_t i = 0; i < s->workers; i++) {
		int pair[2];

		if (socketpair(AF_UNIX,
			SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			pair) != 0)
			return error_errno(e, FAIL_IO, "socketpair");
		spawn_add(sp, ROOM_FD_OUTLANE, i, pair[0]);
		if (!control_send_u32(to->control, ROOM_NEW_OUTLANE, i,
			pair[1]))
			log_line(LOG_LEVEL_WARNING, "%s: takes no lane",
			    to->name);
		(void)close(pair[1]);
	}
	return true;
}
