/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chancery/ceremony/issue.h>

#define PROGRAM_OUTPUT_MAX 65536
#define PROGRAM_ARGS_MAX 32

/* Only what a program needs to find its way; no PIN source, no proxy. */
static char env_path[] = "PATH=/usr/bin:/bin";
static char env_lang[] = "LC_ALL=C";
static char *const program_env[] = { env_path, env_lang, NULL };

static bool
spawn(const char *program, char *const *args, int write_end, pid_t *pid,
    struct error *e)
{
	posix_spawn_file_actions_t fa;
	int rc = posix_spawn_file_actions_init(&fa);

	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(&fa, 0, "/dev/null",
		    O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&fa, write_end, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&fa, write_end, 2);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	if (rc == 0)
		rc = posix_spawn(pid, program, &fa, NULL, args, program_env);
	(void)posix_spawn_file_actions_destroy(&fa);
	errno = rc;
	return rc == 0 || error_errno(e, FAIL_NOT_FOUND, "%s", program);
}

static void
drain(int fd, struct buf *out)
{
	for (;;) {
		uint8_t piece[4096];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		if (out->n + (size_t)n <= PROGRAM_OUTPUT_MAX)
			buf_add(out, piece, (size_t)n);
	}
}

bool
run_program(const char *program, const char *const *argv, struct buf *out,
    int *status, struct error *e)
{
	auto_fd int r = -1;
	int fd[2], st;
	char *args[PROGRAM_ARGS_MAX] = { 0 };
	pid_t pid = 0;
	size_t n = 0;
	bool ok;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return error_errno(e, FAIL_IO, "pipe");
	r = fd[0];
	for (; n < PROGRAM_ARGS_MAX - 1 && argv[n] != NULL; n++)
		args[n] = mem_strdup(argv[n]);
	ok = spawn(program, args, fd[1], &pid, e);
	(void)close(fd[1]);
	for (size_t i = 0; i < n; i++)
		mem_free(args[i]);
	if (!ok)
		return false;
	drain(r, out);
	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return error_errno(e, FAIL_IO, "waitpid");
	*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return true;
}
