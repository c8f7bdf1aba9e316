/* SPDX-License-Identifier: Apache-2.0 */
#include "renew.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>

/* The child, until it is another program: only what is safe after fork. */
_Noreturn static void
become(char *const *argv, char *const *env)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setpgid(0, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* Its words are no answer of this command. */
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		(void)execve(argv[0], argv, env);
	_exit(127);
}

static pid_t
start(const struct yaml_texts *texts)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		      "/sbin:/bin",
	     lang[] = "LC_ALL=C.UTF-8";
	char *env[] = { path, lang, NULL };
	char **argv = mem_calloc(texts->n + 1, sizeof(*argv));
	pid_t pid;

	memcpy(argv, texts->v, texts->n * sizeof(*argv));
	pid = fork();
	if (pid == 0)
		become(argv, env);
	if (pid > 0)
		(void)setpgid(pid, pid);
	mem_free(argv);
	return pid;
}

static bool
wait_for(pid_t pid, int64_t timeout_s)
{
	auto_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, (int)(timeout_s * 1000)) == 1;
}

bool
renew_exec(const struct yaml_texts *argv, const char *what, int64_t timeout_s,
    struct error *e)
{
	int status = 0;
	bool ended;
	pid_t pid;

	if (argv->n == 0)
		return true;
	pid = start(argv);
	if (pid < 0)
		return error_errno(e, FAIL_IO, "%s: fork", what);
	ended = wait_for(pid, timeout_s);
	/* What it began ends with it, when it is too late. */
	if (!ended)
		(void)kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!ended)
		return error_set(e, FAIL_TIMEOUT,
		    "%s: %s did not end within %lld s", what, argv->v[0],
		    (long long)timeout_s);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return error_set(e, FAIL_ABORTED, "%s: %s ended with %s %d%s", what,
	    argv->v[0], WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    WIFEXITED(status) && WEXITSTATUS(status) == 127
		? " (is it there, and executable?)"
		: "");
}

/* Long enough that a check which is a program of its own costs little. */
#define PAUSE_MS 500

bool
renew_check(const struct renew_config *cfg, struct error *e)
{
	int64_t until_ns = clock_mono_ns() + cfg->check_within_s * 1000000000;

	while (!renew_exec(&cfg->check, "check", cfg->timeout_s, e)) {
		if (clock_mono_ns() >= until_ns)
			return false;
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return true;
}
