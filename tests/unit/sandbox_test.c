/* SPDX-License-Identifier: Apache-2.0 */
/* Each room is tried in a process of its own that is confined by the room's row: what the
 * row forbids does not work, what the room lives on does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/sandbox/sandbox.h>

#define DIRS                                                                   \
	"store", "register", "crl", "anchor", "tokens", "tls", "logs", "pin"

struct place {
	char dir[64];
	struct sandbox_path path[12];
	size_t paths;
};
static struct place place;

static char *
below(const char *name)
{
	return path_join(place.dir, name);
}

static int
setup(unused_arg void **state)
{
	static const char *const dirs[] = { DIRS };
	struct error e = { 0 };

	(void)snprintf(place.dir, sizeof(place.dir),
	    "/tmp/chancery-sandbox-XXXXXX");
	if (mkdtemp(place.dir) == NULL)
		return -1;
	for (size_t i = 0; i < countof(dirs); i++) {
		auto_mem char *d = below(dirs[i]);
		auto_mem char *f = path_join(d, "file");

		if (!dir_create(d, 0700, &e) ||
		    !file_create(f, bytes_str("x"), 0600, &e))
			return -1;
	}
	return 0;
}

static int
teardown(unused_arg void **state)
{
	static const char *const dirs[] = { DIRS };

	for (size_t i = 0; i < countof(dirs); i++) {
		auto_mem char *d = below(dirs[i]);
		auto_mem char *f = path_join(d, "file"),
			      *n = path_join(d, "new");

		(void)unlink(f);
		(void)unlink(n);
		(void)rmdir(d);
	}
	return rmdir(place.dir);
}

/* ---- what is tried: 0, or the errno ---------------------------------------- */

static int
try_open(const char *name, int flags)
{
	auto_mem char *path = name[0] == '/' ? mem_strdup(name) : below(name);
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd < 0 ? errno : close(fd);
}

static int
try_read(const char *name)
{
	return try_open(name, O_RDONLY);
}

static int
try_write(const char *name)
{
	return try_open(name, O_WRONLY);
}

static int
try_create(const char *name)
{
	return try_open(name, O_WRONLY | O_CREAT);
}

static int
try_remove(const char *name)
{
	auto_mem char *path = below(name);

	return unlink(path) == 0 ? 0 : errno;
}

static int
try_list(const char *name)
{
	return try_open(name, O_RDONLY | O_DIRECTORY);
}

static int
try_socket(const char *family)
{
	int fd = socket(*family == 'u' ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : 0;
}

/* The descriptor is from before: 50, a TCP socket. */
#define OLD_SOCKET 50
static int
try_connect(unused_arg const char *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(1) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(OLD_SOCKET, (struct sockaddr *)&a, sizeof(a)) == 0
	    ? 0
	    : errno;
}

static int
try_bind(unused_arg const char *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	return bind(OLD_SOCKET, (struct sockaddr *)&a, sizeof(a)) == 0 ? 0
								       : errno;
}

static int
try_listen(unused_arg const char *arg)
{
	return listen(OLD_SOCKET, 1) == 0 ? 0 : errno;
}

static int
try_exec(const char *program)
{
	char *argv[] = { NULL, NULL };
	char *env[] = { NULL };

	argv[0] = mem_strdup(program);
	(void)execve(program, argv, env);
	return errno;
}

static int
try_fork(unused_arg const char *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int
try_dlopen(const char *library)
{
	return dlopen(library, RTLD_NOW | RTLD_LOCAL) != NULL ? 0 : EACCES;
}

static int
try_exec_memory(unused_arg const char *arg)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

static int
try_ptrace(unused_arg const char *arg)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0 ? 0 : errno;
}

static int
try_process_read(unused_arg const char *arg)
{
	char c = 0;
	struct iovec v = { &c, 1 };

	return process_vm_readv(getppid(), &v, 1, &v, 1, 0) >= 0 ? 0 : errno;
}

static int
try_kill(unused_arg const char *arg)
{
	return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int
try_setuid(unused_arg const char *arg)
{
	return setuid(getuid()) == 0 ? 0 : errno;
}

static int
try_io_uring(unused_arg const char *arg)
{
	return syscall(__NR_io_uring_setup, 1, NULL) >= 0 ? 0 : errno;
}

static int
try_mount(unused_arg const char *arg)
{
	return syscall(__NR_mount, "none", "/nonexistent", "tmpfs", 0, NULL) ==
		0
	    ? 0
	    : errno;
}

static void *
thread(void *arg)
{
	int *ran = arg;

	*ran = 1;
	return NULL;
}

static int
try_thread(unused_arg const char *arg)
{
	pthread_t t;
	int ran = 0, rc = pthread_create(&t, NULL, thread, &ran);

	if (rc != 0)
		return rc;
	(void)pthread_join(t, NULL);
	return ran == 1 ? 0 : EINVAL;
}

static int
try_abort(unused_arg const char *arg)
{
	abort();
}

static int
try_socketpair(unused_arg const char *arg)
{
	int fd[2];

	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) == 0 ? 0 : errno;
}

static int
try_memfd(unused_arg const char *arg)
{
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd >= 0 && ftruncate(fd, 10) == 0 ? 0 : errno;
}

/* ---- the cases --------------------------------------------------------------- */

#define KILLED (-SIGSYS)
/* Sanitizers make calls of their own: in their builds the filter logs and lets pass
 * (src/sandbox/seccomp.c), so that only what landlock forbids can be seen. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ONLY_LOGGED true
#else
#define ONLY_LOGGED false
#endif

struct attempt {
	const char *name;
	enum sandbox_room room;
	int (*attempt)(const char *arg);
	const char *arg;
	int want; /* 0, an errno, or minus a signal */
	bool network;
};

#define SRV SANDBOX_SERVER
#define SIG SANDBOX_SIGNER
#define GEN SANDBOX_KEYGEN
#define SUP SANDBOX_SUPERVISOR
#define PUB SANDBOX_PUBLISHER

static const struct attempt attempts[] = {
	/* the server */
	{ "reads its database", SRV, try_read, "store/file", 0, 0 },
	{ "writes its database", SRV, try_write, "store/file", 0, 0 },
	{ "makes a journal", SRV, try_create, "store/new", 0, 0 },
	{ "removes a journal", SRV, try_remove, "store/new", 0, 0 },
	{ "reads the register", SRV, try_read, "register/file", 0, 0 },
	{ "lists the register", SRV, try_list, "register", 0, 0 },
	{ "may not write the register", SRV, try_write, "register/file", EACCES,
	    0 },
	{ "may not add to the register", SRV, try_create, "register/new",
	    EACCES, 0 },
	{ "may not cut the register", SRV, try_remove, "register/file", EACCES,
	    0 },
	{ "reads lists", SRV, try_read, "crl/file", 0, 0 },
	{ "may not write lists", SRV, try_write, "crl/file", EACCES, 0 },
	{ "reads its certificate", SRV, try_read, "tls/file", 0, 0 },
	{ "may not write its certificate", SRV, try_write, "tls/file", EACCES,
	    0 },
	{ "writes its log", SRV, try_write, "logs/file", 0, 0 },
	{ "opens its log anew", SRV, try_create, "logs/new", 0, 0 },
	{ "may not see a soft token", SRV, try_read, "tokens/file", EACCES, 0 },
	{ "may not see a PIN", SRV, try_read, "pin/file", EACCES, 0 },
	{ "may not see an anchor", SRV, try_read, "anchor/file", EACCES, 0 },
	{ "may not see other files", SRV, try_read, "/etc/passwd", EACCES, 0 },
	{ "may not see other processes", SRV, try_list, "/proc",
	    ONLY_LOGGED ? 0 : EACCES, 0 },
	{ "may not open a TCP socket", SRV, try_socket, "tcp", KILLED, 0 },
	{ "may not open a unix socket", SRV, try_socket, "unix", KILLED, 0 },
	{ "may not connect", SRV, try_connect, NULL, KILLED, 0 },
	{ "may not bind", SRV, try_bind, NULL, KILLED, 0 },
	{ "may not execute", SRV, try_exec, "/bin/true", KILLED, 0 },
	{ "may not fork", SRV, try_fork, NULL, KILLED, 0 },
	{ "may not load a module", SRV, try_dlopen, "libc_malloc_debug.so.0",
	    EACCES, 0 },
	{ "may not make memory executable", SRV, try_exec_memory, NULL, EACCES,
	    0 },
	{ "may not trace", SRV, try_ptrace, NULL, KILLED, 0 },
	{ "may not read another's memory", SRV, try_process_read, NULL, KILLED,
	    0 },
	{ "may not signal others", SRV, try_kill, NULL, KILLED, 0 },
	{ "may not change its user", SRV, try_setuid, NULL, KILLED, 0 },
	{ "may not use io_uring", SRV, try_io_uring, NULL, KILLED, 0 },
	{ "may not mount", SRV, try_mount, NULL, KILLED, 0 },
	{ "starts threads", SRV, try_thread, NULL, 0, 0 },
	{ "may abort", SRV, try_abort, NULL, -SIGABRT, 0 },
	{ "pairs sockets", SRV, try_socketpair, NULL, 0, 0 },
	{ "makes memfds", SRV, try_memfd, NULL, 0, 0 },
	/* the signer */
	{ "writes the register", SIG, try_write, "register/file", 0, 0 },
	{ "makes a segment", SIG, try_create, "register/new", 0, 0 },
	{ "writes lists", SIG, try_create, "crl/new", 0, 0 },
	{ "writes its anchor", SIG, try_create, "anchor/new", 0, 0 },
	{ "reads a soft token", SIG, try_read, "tokens/file", 0, 0 },
	{ "may not write a soft token", SIG, try_write, "tokens/file", EACCES,
	    0 },
	{ "may not add to a soft token", SIG, try_create, "tokens/new", EACCES,
	    0 },
	{ "may not see the database", SIG, try_read, "store/file", EACCES, 0 },
	{ "may not see a PIN file", SIG, try_read, "pin/file", EACCES, 0 },
	{ "may not see other files", SIG, try_read, "/etc/passwd", EACCES, 0 },
	{ "may not open a TCP socket", SIG, try_socket, "tcp", KILLED, 0 },
	{ "may not connect", SIG, try_connect, NULL, KILLED, 0 },
	{ "may not execute", SIG, try_exec, "/bin/true", KILLED, 0 },
	{ "may not fork", SIG, try_fork, NULL, KILLED, 0 },
	{ "loads a library", SIG, try_dlopen, "libc_malloc_debug.so.0", 0, 0 },
	{ "may not trace", SIG, try_ptrace, NULL, KILLED, 0 },
	{ "may not read another's memory", SIG, try_process_read, NULL, KILLED,
	    0 },
	{ "may not signal others", SIG, try_kill, NULL, KILLED, 0 },
	{ "may not change its user", SIG, try_setuid, NULL, KILLED, 0 },
	{ "starts threads", SIG, try_thread, NULL, 0, 0 },
	{ "opens a socket for a network HSM", SIG, try_socket, "tcp", 0, true },
	{ "connects to a network HSM", SIG, try_connect, NULL, ECONNREFUSED,
	    true },
	{ "may not execute for a network HSM", SIG, try_exec, "/bin/true",
	    KILLED, true },
	/* the one-shot writer of soft tokens */
	{ "writes a soft token", GEN, try_write, "tokens/file", 0, 0 },
	{ "makes an object", GEN, try_create, "tokens/new", 0, 0 },
	{ "may not see the register", GEN, try_read, "register/file", EACCES,
	    0 },
	{ "may not write lists", GEN, try_write, "crl/file", EACCES, 0 },
	{ "may not open a TCP socket", GEN, try_socket, "tcp", KILLED, 0 },
	{ "may not connect", GEN, try_connect, NULL, KILLED, 0 },
	{ "may not execute", GEN, try_exec, "/bin/true", KILLED, 0 },
	{ "may not trace", GEN, try_ptrace, NULL, KILLED, 0 },
	/* the publisher */
	{ "connects to others", PUB, try_connect, NULL, ECONNREFUSED, 0 },
	{ "opens a TCP socket", PUB, try_socket, "tcp", 0, 0 },
	{ "may not open a unix socket", PUB, try_socket, "unix", EACCES, 0 },
	{ "may not bind", PUB, try_bind, NULL, EACCES, 0 },
	{ "may not listen", PUB, try_listen, NULL, KILLED, 0 },
	{ "reads its credentials", PUB, try_read, "tls/file", 0, 0 },
	{ "may not write them", PUB, try_write, "tls/file", EACCES, 0 },
	{ "may not see the register", PUB, try_read, "register/file", EACCES,
	    0 },
	{ "may not see the database", PUB, try_read, "store/file", EACCES, 0 },
	{ "may not see a soft token", PUB, try_read, "tokens/file", EACCES, 0 },
	{ "may not see a PIN", PUB, try_read, "pin/file", EACCES, 0 },
	{ "may not see lists", PUB, try_read, "crl/file", EACCES, 0 },
	{ "may not make files", PUB, try_create, "tls/new", EACCES, 0 },
	{ "resolves names", PUB, try_read, "/etc/hosts", 0, 0 },
	{ "may not see other files", PUB, try_read, "/etc/passwd", EACCES, 0 },
	{ "may not execute", PUB, try_exec, "/bin/true", KILLED, 0 },
	{ "may not fork", PUB, try_fork, NULL, KILLED, 0 },
	{ "may not load a module", PUB, try_dlopen, "libc_malloc_debug.so.0",
	    EACCES, 0 },
	{ "may not trace", PUB, try_ptrace, NULL, KILLED, 0 },
	{ "may not signal others", PUB, try_kill, NULL, KILLED, 0 },
	{ "starts threads", PUB, try_thread, NULL, 0, 0 },
	/* the supervisor */
	{ "may not execute what is no room", SUP, try_exec, "/bin/true", EACCES,
	    0 },
	{ "may not trace", SUP, try_ptrace, NULL, KILLED, 0 },
	{ "may not read another's memory", SUP, try_process_read, NULL, KILLED,
	    0 },
	{ "may not use io_uring", SUP, try_io_uring, NULL, KILLED, 0 },
	{ "may not mount", SUP, try_mount, NULL, KILLED, 0 },
	{ "forks", SUP, try_fork, NULL, 0, 0 },
	{ "reads its settings", SUP, try_read, "/etc/passwd", 0, 0 },
};

static const struct {
	enum sandbox_kind kind;
	const char *name;
	unsigned rooms; /* bits */
} grants[] = {
	{ SANDBOX_STORE, "store", 1U << SRV },
	{ SANDBOX_REGISTER, "register", 1U << SRV | 1U << SIG },
	{ SANDBOX_CRL, "crl", 1U << SRV | 1U << SIG },
	{ SANDBOX_ANCHOR, "anchor", 1U << SIG },
	{ SANDBOX_TOKENS, "tokens", 1U << SIG | 1U << GEN },
	{ SANDBOX_TLS, "tls/file", 1U << SRV | 1U << PUB },
	{ SANDBOX_LOG, "logs/file", 1U << SRV },
	{ SANDBOX_NEVER, "pin/file", 1U << SRV | 1U << PUB },
	{ SANDBOX_PROGRAM, "absent", 1U << SUP },
};

static bool
enter(enum sandbox_room room, bool network, struct sandbox_status *s)
{
	struct sandbox_path path[countof(grants)];
	struct sandbox_options opt = { path, 0, network };
	struct error e = { 0 };

	for (size_t i = 0; i < countof(grants); i++)
		if ((grants[i].rooms & 1U << room) != 0)
			path[opt.paths++] =
			    (struct sandbox_path){ grants[i].kind,
				    below(grants[i].name) };
	if (sandbox_enter(room, &opt, s, &e))
		return true;
	(void)fprintf(stderr, "%s\n", e.msg);
	return false;
}

#define FAILED_TO_ENTER 250
_Noreturn static void
run_confined(const struct attempt *a)
{
	struct sandbox_status s;
	int old = socket(AF_INET, SOCK_STREAM, 0);

	(void)dup2(old, OLD_SOCKET);
	if (!enter(a->room, a->network, &s))
		_exit(FAILED_TO_ENTER);
	_exit(a->attempt(a->arg));
}

static int
outcome(const struct attempt *a)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		run_confined(a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
test_rows(unused_arg void **state)
{
	static const char *const names[] = { "server", "signer", "keygen",
		"publisher", "supervisor" };

	for (size_t i = 0; i < countof(attempts); i++) {
		const struct attempt *a = &attempts[i];
		int got = outcome(a);

		if (ONLY_LOGGED && a->want == KILLED)
			continue;
		if (got != a->want)
			fail_msg("%s %s: %d, not %d", names[a->room], a->name,
			    got, a->want);
	}
}

/* A certificate beside PIN files: the directory is not opened for it. */
static void
test_hidden_neighbours(unused_arg void **state)
{
	static const struct {
		const char *hidden, *tried;
		int want;
	} cases[] = {
		{ "pin", "tls/new", 0 },
		{ "tls/new", "tls/new", EACCES },
		{ "tls/new", "tls/file", 0 },
		{ "tls", "tls/new", EACCES },
	};
	auto_mem char *cert = below("tls/file"), *other = below("tls/new");
	struct error e = { 0 };

	assert_true(file_create(other, bytes_str("1234"), 0600, &e));
	for (size_t i = 0; i < countof(cases); i++) {
		auto_mem char *hidden = below(cases[i].hidden);
		struct sandbox_path path[] = { { SANDBOX_TLS, cert },
			{ SANDBOX_NEVER, hidden } };
		struct sandbox_options opt = { path, countof(path), false };
		struct sandbox_status s;
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			_exit(sandbox_enter(SANDBOX_SERVER, &opt, &s, &e)
				? try_read(cases[i].tried)
				: FAILED_TO_ENTER);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), cases[i].want);
	}
}

/* A certificate in the home itself, beside everything: likewise. */
static void
test_certificate_in_the_home(unused_arg void **state)
{
	auto_mem char *cert = below("certificate"), *yaml = below("settings"),
		      *store = below("store");
	struct sandbox_path path[] = { { SANDBOX_TLS, cert },
		{ SANDBOX_STORE, store } };
	struct sandbox_options opt = { path, countof(path), false };
	struct error e = { 0 };
	struct sandbox_status s;
	int status = 0;
	pid_t pid;

	assert_true(file_create(cert, bytes_str("x"), 0600, &e));
	assert_true(file_create(yaml, bytes_str("x"), 0600, &e));
	pid = fork();
	if (pid == 0)
		_exit(!sandbox_enter(SANDBOX_SERVER, &opt, &s, &e)
			? FAILED_TO_ENTER
			: try_read("certificate") != 0 ||
			    try_read("settings") != EACCES);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)unlink(cert);
	(void)unlink(yaml);
	assert_int_equal(status, 0);
}

static void
test_foreign_kind(unused_arg void **state)
{
	struct sandbox_path path = { SANDBOX_TOKENS, place.dir };
	struct sandbox_options opt = { &path, 1, false };
	struct sandbox_status s;
	struct error e = { 0 };

	assert_false(sandbox_enter(SANDBOX_SERVER, &opt, &s, &e));
	assert_int_equal(e.why, FAIL_INTERNAL);
	assert_non_null(strstr(e.msg, "the server has nothing to do with"));
}

static void
test_status(unused_arg void **state)
{
	static const struct {
		struct sandbox_status s;
		const char *text;
	} cases[] = {
		{ { 7, true }, "seccomp, landlock 7" },
		{ { 0, true }, "seccomp, no landlock" },
		{ { 0, false }, "no seccomp, no landlock" },
	};
	char text[SANDBOX_TEXT_SIZE];

	for (size_t i = 0; i < countof(cases); i++) {
		sandbox_status_text(&cases[i].s, text);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_hidden_neighbours),
		cmocka_unit_test(test_certificate_in_the_home),
		cmocka_unit_test(test_foreign_kind),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
