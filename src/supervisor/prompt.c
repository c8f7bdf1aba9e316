/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal reader: a process of its own, so that what is typed was never in the
 * memory of the supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>

#include "supervisor.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Canonical mode: one read is one line. */
static bool
copy_line(int tty, int to)
{
	char line[LIMIT_PIN_BYTES + 2];
	ssize_t n;
	bool ok;

	do
		n = read(tty, line, sizeof(line));
	while (n < 0 && errno == EINTR);
	if (n > 0 && line[n - 1] == '\n')
		n--;
	ok = n > 0 && n <= LIMIT_PIN_BYTES && write(to, line, (size_t)n) == n;
	explicit_bzero(line, sizeof(line));
	return ok;
}

static bool
ask(int tty, const char *text, int to)
{
	struct termios old, quiet;
	bool ok;

	if (tcgetattr(tty, &old) != 0)
		return false;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
		return false;
	ok = write(tty, text, strlen(text)) >= 0 && copy_line(tty, to) &&
	    write(tty, "\n", 1) == 1;
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	return ok;
}

int
prompt_pin(const char *text, struct error *e)
{
	auto_fd int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	auto_fd int to = memfd_create("pin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int status = 0;
	pid_t pid;

	if (tty < 0 || to < 0) {
		error_set(e, FAIL_NOT_FOUND, "there is no terminal");
		return -1;
	}
	pid = fork();
	if (pid == 0)
		_exit(ask(tty, text, to) ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		error_set(e, FAIL_ABORTED, "no PIN was entered");
		return -1;
	}
	if (fcntl(to, F_ADD_SEALS, SEALS) != 0) {
		error_errno(e, FAIL_IO, "memfd: seals");
		return -1;
	}
	return take_fd(&to);
}
