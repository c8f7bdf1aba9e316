/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms that are units of their own: what the supervisor holds of their processes. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>

#include "../../src/supervisor/supervisor.h"

static struct supervisor s;

static size_t
open_fds(void)
{
	auto_dir DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	return n;
}

static int
visit(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(a.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Each of several costs two descriptors, and nothing is left of them, nor of those that find
 * no place. */
static void
test_visitors_leave_no_descriptors(void **state)
{
	char dir[] = "/tmp/chancery-units-XXXXXX";
	int fd[UNITS_NEW_MAX + 2];
	size_t before = open_fds();
	auto_mem char *path = NULL;
	struct error e;

	(void)state;
	memset(&s, 0, sizeof(s));
	assert_non_null(mkdtemp(dir));
	s.cfg.run_dir = dir;
	s.units.on = true;
	assert_true(units_open(&s, &e));
	path = path_join(dir, ROOM_UNITS_SOCKET);
	for (size_t i = 0; i < countof(fd); i++) {
		fd[i] = visit(path);
		units_accept(&s);
	}
	for (size_t i = 0; i < countof(fd); i++)
		(void)close(fd[i]);
	units_close(&s);
	assert_int_equal(open_fds(), before);
	(void)unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

/* In a process group of its own: a signal to process 0 reaches the whole group. */
static void
tick_on_an_end(void)
{
	struct child *c = &s.child[CHILD_SERVER];
	int pair[2];

	(void)setpgid(0, 0);
	memset(&s, 0, sizeof(s));
	s.units.on = true;
	for (size_t i = 0; i < CHILD__COUNT; i++)
		s.child[i] = (struct child){ .name = "room",
			.state = CHILD_HALTED,
			.control = -1,
			.pidfd = -1,
			.ended = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		_exit(2);
	(void)close(pair[1]);
	c->state = CHILD_STARTING;
	c->control = pair[0];
	c->pid = getpid();
	c->pidfd = pidfd_open(getpid(), 0);
	c->heard_ms = now_ms() - 2 * SUPER_SILENCE_MS;
	for (size_t i = 0; i < UNITS__COUNT; i++)
		s.units.waiting[i].fd = -1;
	child_tick(&s);
	_exit(c->state == CHILD_DOWN && c->pid == 0 ? 0 : 1);
}

/* Silent, and the end of its socket is what is heard then: nobody is left to be killed. */
static void
test_an_end_heard_late_kills_nobody(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0)
		tick_on_an_end();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visitors_leave_no_descriptors),
		cmocka_unit_test(test_an_end_heard_late_kills_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
