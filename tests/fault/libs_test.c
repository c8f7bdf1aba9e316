/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>

/* The preload library does what README.md says, to the calls it says. */

/* Both ends of a run. */
struct outcome {
	int signal, status;
	unsigned done; /* steps of the writer that ended                      */
	off_t size;    /* of f, or of g after the rename; -1: neither         */
	bool renamed;
};

static char dir[64];

static unsigned
count_lines(int fd)
{
	char c;
	unsigned n = 0;

	while (read(fd, &c, 1) == 1)
		n += c == '\n';
	return n;
}

static void
spawn(const char *rules, const char *prefix, const char *counts,
    struct outcome *o)
{
	auto_mem char *r = mem_printf("FAULT_FS_RULES=%s", rules);
	auto_mem char *p = mem_printf("FAULT_FS_PREFIX=%s", prefix);
	auto_mem char *c = mem_printf("FAULT_FS_COUNTS=%s", counts);
	char preload[] = "LD_PRELOAD=" PRELOAD_LIB, program[] = WRITER;
	char *argv[] = { program, dir, NULL };
	char *env[] = { preload, r, p, counts[0] == '\0' ? NULL : c, NULL };
	posix_spawn_file_actions_t fa;
	int out[2], status;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, out[1], 1), 0);
	assert_int_equal(posix_spawn_file_actions_addclose(&fa, out[0]), 0);
	assert_int_equal(posix_spawn(&pid, WRITER, &fa, NULL, argv, env), 0);
	(void)posix_spawn_file_actions_destroy(&fa);
	assert_int_equal(close(out[1]), 0);
	o->done = count_lines(out[0]);
	assert_int_equal(close(out[0]), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	o->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	o->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
look(struct outcome *o)
{
	static const char *const names[] = { "f", "g", "h" };
	struct stat st;

	o->size = -1;
	o->renamed = false;
	for (size_t i = 0; i < 3; i++) {
		auto_mem char *path = mem_printf("%s/%s", dir, names[i]);

		if (stat(path, &st) != 0)
			continue;
		if (i < 2) {
			o->size = st.st_size;
			o->renamed = i == 1;
		}
		assert_int_equal(unlink(path), 0);
	}
}

static void
test_rules(unused_arg void **state)
{
	static const struct {
		const char *rules;
		struct outcome want;
	} rows[] = {
		{ "", { 0, 0, 7, 150, true } },
		{ "write:kill=before", { SIGKILL, -1, 0, 0, false } },
		{ "write:kill=after", { SIGKILL, -1, 0, 100, false } },
		{ "write:kill=torn", { SIGKILL, -1, 0, 50, false } },
		{ "pwrite:kill=torn", { SIGKILL, -1, 1, 205, false } },
		{ "fsync:kill=before", { SIGKILL, -1, 2, 210, false } },
		{ "fdatasync:kill=after", { SIGKILL, -1, 3, 210, false } },
		{ "ftruncate:kill=before", { SIGKILL, -1, 4, 210, false } },
		{ "ftruncate:kill=after", { SIGKILL, -1, 4, 150, false } },
		{ "link:kill=after", { SIGKILL, -1, 5, 150, false } },
		{ "rename:kill=before", { SIGKILL, -1, 6, 150, false } },
		{ "rename:kill=after", { SIGKILL, -1, 6, 150, true } },
		{ "*:kill=before:nth=7", { SIGKILL, -1, 6, 150, false } },
		{ "*:kill=before:nth=8", { 0, 0, 7, 150, true } },
		{ "write:errno=ENOSPC", { 0, ENOSPC, 0, 0, false } },
		{ "pwrite:errno=EIO:from=1", { 0, EIO, 1, 100, false } },
		{ "pwrite:errno=EIO:from=2", { 0, 0, 7, 150, true } },
		{ "fsync:errno=EIO:real", { 0, EIO, 2, 210, false } },
		{ "rename:errno=EROFS", { 0, EROFS, 6, 150, false } },
		{ "fdatasync:sleep_ms=5", { 0, 0, 7, 150, true } },
		{ "fsync:nonsense", { SIGABRT, -1, 0, 0, false } },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		const struct outcome *want = &rows[i].want;
		struct outcome o;

		print_message("%s\n", rows[i].rules);
		spawn(rows[i].rules, dir, "", &o);
		look(&o);
		assert_int_equal(o.signal, want->signal);
		assert_int_equal(o.status, want->status);
		assert_int_equal(o.done, want->done);
		assert_int_equal(o.size, want->size);
		assert_int_equal(o.renamed, want->renamed);
	}
}

/* Other places are left alone, also one whose name only begins alike. */
static void
test_prefix(unused_arg void **state)
{
	struct outcome o;
	auto_mem char *other = mem_printf("%.*s", (int)strlen(dir) - 1, dir);

	spawn("*:kill=before", other, "", &o);
	look(&o);
	assert_int_equal(o.status, 0);
	spawn("*:kill=before", "/nonexistent", "", &o);
	look(&o);
	assert_int_equal(o.status, 0);
}

static void
test_counts(unused_arg void **state)
{
	auto_mem char *path = mem_printf("%s.counts", dir);
	char text[512] = { 0 };
	struct outcome o;
	FILE *f;

	spawn("", dir, path, &o);
	look(&o);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), 7 * 40);
	assert_int_equal(fclose(f), 0);
	assert_non_null(strstr(text,
	    "\nfdatasync                    0000000001"
	    "\n"));
	assert_int_equal(unlink(path), 0);
}

static int
group_setup(unused_arg void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/chancery-fault-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
group_teardown(unused_arg void **state)
{
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
