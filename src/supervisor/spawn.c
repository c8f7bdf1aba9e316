/* SPDX-License-Identifier: Apache-2.0 */
/* fork, descriptors to their places, everything else closed, another user, exec. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/wire/peer.h>

#include "supervisor.h"

/* Above every place that a room knows: what is moved there meets nothing. */
#define ASIDE 256
#define EXIT_EXEC 127

bool
identity_find(const char *user, struct identity *out, struct error *e)
{
	const struct passwd *pw;

	*out = (struct identity){ 0 };
	if (user == NULL || geteuid() != 0)
		return true;
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return error_set(e, FAIL_NOT_FOUND, "no user \"%s\"", user);
	if (pw->pw_uid == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "user \"%s\" is root by another name", user);
	*out = (struct identity){ true, pw->pw_uid, pw->pw_gid };
	return true;
}

bool
identity_uid(const char *user, uid_t *out, struct error *e)
{
	const struct passwd *pw = user != NULL ? getpwnam(user) : NULL;

	*out = pw != NULL ? pw->pw_uid : geteuid();
	return user == NULL || pw != NULL ||
	    error_set(e, FAIL_NOT_FOUND, "no user \"%s\"", user);
}

bool
identities_find(const struct service_config *cfg, struct identity *out,
    struct error *e)
{
	const char *const users[] = { [CHILD_SIGNER] = cfg->user_signer,
		[CHILD_SERVER] = cfg->user_server,
		[CHILD_PUBLISHER] = cfg->user_publisher };

	for (size_t i = 0; i < CHILD__COUNT; i++)
		if (!identity_find(users[i], &out[i], e))
			return false;
	return true;
}

void
spawn_add(struct spawn *s, enum room_fd_kind kind, uint32_t index, int fd)
{
	if (s->n == SUPER_FDS_MAX)
		fatal("more than %d descriptors for a room", SUPER_FDS_MAX);
	s->table[s->n] = (struct room_fd){ (uint32_t)kind, index };
	s->fd[s->n++] = fd;
}

/* ---- in the child: no way back, so a failure ends it ----------------------- */

_Noreturn static void
give_up(const char *what)
{
	log_line(LOG_LEVEL_ERROR, "starting a room: %s: %s", what,
	    strerrordesc_np(errno));
	_exit(EXIT_EXEC);
}

static void
place_fds(const struct spawn *s, int control, int table)
{
	int aside[ROOM_FD_FIRST + SUPER_FDS_MAX], null;
	size_t n = 0, total = ROOM_FD_FIRST + s->n;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < total; i++) {
		int from = null;

		if (i == STDERR_FILENO)
			from = STDERR_FILENO;
		else if (i == ROOM_FD_CONTROL)
			from = control;
		else if (i == ROOM_FD_SETTINGS)
			from = s->settings;
		else if (i == ROOM_FD_TABLE)
			from = table;
		else if (i >= ROOM_FD_FIRST)
			from = s->fd[i - ROOM_FD_FIRST];
		aside[n] = fcntl(from, F_DUPFD_CLOEXEC, ASIDE);
		if (aside[n++] < 0)
			give_up("F_DUPFD");
	}
	for (size_t i = 0; i < total; i++)
		if (dup2(aside[i], (int)i) < 0)
			give_up("dup2");
	if (close_range((unsigned)total, ~0U, 0) != 0)
		give_up("close_range");
}

static void
change_user(const struct identity *id)
{
	if (!id->change)
		return;
	/* The server reads the register as a member of its files' group. */
	(void)umask(027);
	if (setgroups(0, NULL) != 0 ||
	    setresgid(id->gid, id->gid, id->gid) != 0 ||
	    setresuid(id->uid, id->uid, id->uid) != 0)
		give_up("changing the user");
	/* A kernel that said yes and did nothing would be the end of it all. */
	if (setuid(0) == 0)
		give_up("root came back");
}

/* A terminal's Ctrl-C and systemd's SIGTERM reach the whole group; rooms are stopped by
 * message, in order, or by the end of their control socket (room.h). */
static void
reset_signals(bool unit)
{
	static const int ignored[] = { SIGPIPE, SIGTERM, SIGINT, SIGHUP };
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGCHLD, SIG_DFL);
	for (size_t i = 0; i < countof(ignored); i++)
		if (!unit || ignored[i] != SIGTERM)
			(void)signal(ignored[i], SIG_IGN);
}

static void
limits(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit files;

	(void)setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* systemd speaks to us, not to our rooms. */
static void
environment(bool unit)
{
	static const char *const ours[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC",
		"WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
		"CREDENTIALS_DIRECTORY" };

	for (size_t i = 0; i < countof(ours) - (unit ? 1 : 0); i++)
		(void)unsetenv(ours[i]);
}

void
spawn_become(const struct spawn *s, int control, int table, bool unit)
{
	const char *name = strrchr(s->path, '/');
	char *argv[3] = { NULL, NULL, NULL };

	place_fds(s, control, table);
	if (!unit)
		change_user(s->identity);
	reset_signals(unit);
	limits();
	environment(unit);
	argv[0] = mem_strdup(name != NULL ? name + 1 : s->path);
	if (s->argument != NULL)
		argv[1] = mem_strdup(s->argument);
	(void)execv(s->path, argv);
	give_up(s->path);
}

bool
spawn_room(const struct spawn *s, pid_t *pid, int *control, struct error *e)
{
	auto_fd int table =
	    peer_memfd(bytes_of(s->table, s->n * sizeof(s->table[0])), e);
	auto_fd int ours = -1, theirs = -1;
	int pair[2];
	pid_t child;

	if (table < 0)
		return false;
	/* A room waits in its end as it likes; ours is never waited in
	 * (MSG_DONTWAIT). */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_errno(e, FAIL_IO, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	child = fork();
	if (child < 0)
		return error_errno(e, FAIL_IO, "fork");
	if (child == 0)
		spawn_become(s, theirs, table, false);
	*pid = child;
	*control = take_fd(&ours);
	return true;
}
