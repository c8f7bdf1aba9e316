/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms that are units of their own: what the supervisor holds of their processes. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
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
	c->pid = fork();
	if (c->pid == 0)
		_exit(0);
	c->pidfd = pidfd_open(c->pid, 0);
	(void)waitpid(c->pid, NULL, 0);
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

static void
all_down(void)
{
	memset(&s, 0, sizeof(s));
	s.units.on = true;
	s.keygen.control = s.keygen.pidfd = s.keygen.file = -1;
	for (size_t i = 0; i < CHILD__COUNT; i++)
		s.child[i] = (struct child){ .name = "room",
			.state = CHILD_HALTED,
			.control = -1,
			.pidfd = -1,
			.ended = -1,
			.passed = -1 };
	for (size_t i = 0; i < UNITS__COUNT; i++)
		s.units.waiting[i].fd = -1;
}

static pid_t
paused(void)
{
	pid_t pid = fork();

	while (pid == 0)
		(void)pause();
	assert_true(pid > 0);
	return pid;
}

static void
was_killed(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* It lives and is heard no more: it would stand beside the next one. */
static void
test_a_room_that_closed_its_socket_is_killed(void **state)
{
	struct child *c = &s.child[CHILD_SERVER];
	pid_t pid = paused();
	int pair[2];

	(void)state;
	all_down();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			     pair),
	    0);
	(void)close(pair[1]);
	c->state = CHILD_READY;
	c->control = pair[0];
	c->pid = pid;
	c->pidfd = pidfd_open(pid, 0);
	c->heard_ms = now_ms();
	child_heard(&s, CHILD_SERVER);
	assert_int_equal(c->pid, 0);
	was_killed(pid);
}

static void
test_a_writer_that_closed_its_socket_is_killed(void **state)
{
	pid_t pid = paused();
	int pair[2];

	(void)state;
	all_down();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			     pair),
	    0);
	(void)close(pair[1]);
	s.keygen.control = pair[0];
	s.keygen.pid = pid;
	s.keygen.pidfd = pidfd_open(pid, 0);
	s.keygen.ended = -1;
	keygen_heard(&s);
	assert_int_equal(s.keygen.pid, 0);
	was_killed(pid);
}

/* No unit takes the order: the signer is told before it gives it up by itself. */
static void
test_an_order_that_no_unit_takes_fails(void **state)
{
	uint8_t order[4 + sizeof(struct room_keygen)] = { ROOM_KEYGEN };
	struct child *c = &s.child[CHILD_SIGNER];
	uint32_t told[2] = { 0 };
	int pair[2];

	(void)state;
	all_down();
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			     pair),
	    0);
	c->state = CHILD_READY;
	c->control = pair[0];
	keygen_ask(&s, bytes_of(order, sizeof(order)), -1);
	keygen_tick(&s);
	assert_int_equal(s.keygens.n, 1);
	assert_true(recv(pair[1], told, sizeof(told), 0) < 0);
	s.keygens.by_ms = now_ms();
	keygen_tick(&s);
	assert_int_equal(s.keygens.n, 0);
	assert_int_equal(recv(pair[1], told, sizeof(told), 0), sizeof(told));
	assert_int_equal(told[0], ROOM_KEYGEN_DONE);
	assert_int_not_equal(told[1], 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visitors_leave_no_descriptors),
		cmocka_unit_test(test_an_end_heard_late_kills_nobody),
		cmocka_unit_test(test_a_room_that_closed_its_socket_is_killed),
		cmocka_unit_test(
		    test_a_writer_that_closed_its_socket_is_killed),
		cmocka_unit_test(test_an_order_that_no_unit_takes_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
