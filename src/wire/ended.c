/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <chancery/wire/room.h>

int
room_ended(int status)
{
	const uint32_t packet[2] = { ROOM_ENDED, (uint32_t)status };

	(void)!send(ROOM_FD_CONTROL, packet, sizeof(packet),
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	return status;
}

static volatile sig_atomic_t had;

bool
room_had_sigterm(void)
{
	return had != 0;
}

/* The loop of the room sees the end of its control socket. */
static void
on_sigterm(int sig)
{
	had = sig;
	(void)shutdown(ROOM_FD_CONTROL, SHUT_RD);
}

void
room_end_on_sigterm(void)
{
	struct sigaction was, now;

	memset(&now, 0, sizeof(now));
	now.sa_handler = on_sigterm;
	now.sa_flags = SA_RESTART;
	if (sigaction(SIGTERM, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		(void)sigaction(SIGTERM, &now, NULL);
}
