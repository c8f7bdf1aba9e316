/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store through kills, failing disks and power cuts: store_worker runs again and again
 * on the same prepared state and has to hold its promises afterwards.
 *
 * store_matrix WORKER PRELOAD. A sample of the points unless CHANCERY_FULL is set.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

#include "power.h"

#define POINTS 15 /* of each kind, in a sample */
#define CUTS 100

struct rigging {
	const char *worker, *preload;
	char dir[64];
	char *live, *saved, *journal;
	unsigned runs, killed, failed, wrong;
	bool full;
};

static const struct {
	const char *name, *rule;
	bool kills;
} kinds[] = {
	{ "killed before a file operation", "*:kill=before:nth=", true },
	{ "killed after a file operation", "*:kill=after:nth=", true },
	{ "killed inside a write", "pwrite:kill=torn:nth=", true },
	{ "disk full for good", "pwrite:errno=ENOSPC:from=", false },
	{ "a write fails", "pwrite:errno=EIO:nth=", false },
	{ "fdatasync fails", "fdatasync:errno=EIO:nth=", false },
};

static int
remove_one(const char *path, unused_arg const struct stat *st,
    unused_arg int type, unused_arg struct FTW *at)
{
	return remove(path);
}

static int
run(char *const argv[], char *const env[], bool quiet)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (size_t i = 0; env != NULL && env[i] != NULL; i++)
			(void)putenv(env[i]);
		if (quiet && freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fatal("cannot run %s", argv[0]);
	return status;
}

static int
worker(struct rigging *r, const char *mode, const char *more, char *const env[],
    bool quiet)
{
	char *argv[] = { mem_strdup(r->worker), mem_strdup(mode),
		mem_strdup(r->dir), more == NULL ? NULL : mem_strdup(more),
		NULL };
	int status = run(argv, env, quiet);

	for (size_t i = 0; argv[i] != NULL; i++)
		mem_free(argv[i]);
	return status;
}

static void
copy(const char *from, const char *to)
{
	char *argv[] = { mem_strdup("cp"), mem_strdup("-a"), mem_strdup(from),
		mem_strdup(to), NULL };

	(void)nftw(to, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (run(argv, NULL, false) != 0)
		fatal("cp");
	for (size_t i = 0; argv[i] != NULL; i++)
		mem_free(argv[i]);
}

static void
free_all(char **v)
{
	for (size_t i = 0; v[i] != NULL; i++)
		mem_free(v[i]);
}

static void
complain(struct rigging *r, const char *kind, size_t n, const char *what)
{
	r->wrong++;
	(void)fprintf(stderr, "%s, %zu: %s\n", kind, n, what);
}

/* False: it ran through untouched, there are no more points. */
static bool
point(struct rigging *r, size_t kind, unsigned n)
{
	char *env[] = { mem_printf("LD_PRELOAD=%s", r->preload),
		mem_printf("FAULT_FS_PREFIX=%s", r->live),
		mem_printf("FAULT_FS_RULES=%s%u", kinds[kind].rule, n), NULL };
	int status;

	copy(r->saved, r->live);
	status = worker(r, "run", NULL, env, true);
	free_all(env);
	r->runs++;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && kinds[kind].kills)
		return false;
	if (WIFSIGNALED(status) && kinds[kind].kills)
		r->killed++;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		r->failed++;
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		complain(r, kinds[kind].name, n, "neither killed nor failed");
	if (worker(r, "check", NULL, NULL, false) != 0)
		complain(r, kinds[kind].name, n, "a promise was broken");
	return true;
}

/* How many calls a run makes of what the rule counts. */
static unsigned
calls_of(struct rigging *r, const char *name)
{
	auto_mem char *file = mem_printf("%s/counts", r->dir);
	char *env[] = { mem_printf("LD_PRELOAD=%s", r->preload),
		mem_printf("FAULT_FS_PREFIX=%s", r->live),
		mem_printf("FAULT_FS_COUNTS=%s", file), NULL };
	char line[128];
	unsigned sum = 0;
	size_t len = strcspn(name, ":");
	FILE *f;

	(void)unlink(file);
	copy(r->saved, r->live);
	if (worker(r, "run", NULL, env, false) != 0)
		fatal("a run without faults fails");
	free_all(env);
	f = fopen(file, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (name[0] == '*' || strncmp(line, name, len) == 0)
			sum += (unsigned)strtoul(line + strcspn(line, " "),
			    NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	return sum;
}

static void
points_of(struct rigging *r, size_t kind)
{
	unsigned calls = calls_of(r, kinds[kind].rule);
	unsigned stride = r->full ? 1 : calls / POINTS + 1;

	for (unsigned n = 1; n <= calls; n += stride)
		if (!point(r, kind, n))
			break;
	(void)printf("%s: %u calls, every %u\n", kinds[kind].name, calls,
	    stride);
	(void)fflush(stdout);
}

static void
power_cuts(struct rigging *r)
{
	char *env[] = { mem_printf("LD_PRELOAD=%s", r->preload),
		mem_printf("FAULT_FS_PREFIX=%s", r->live),
		mem_printf("FAULT_FS_JOURNAL=%s", r->journal), NULL };
	struct power *p;
	size_t calls, cuts = r->full ? 10 * CUTS : CUTS;

	copy(r->saved, r->live);
	if (worker(r, "run", NULL, env, false) != 0)
		fatal("a run without faults fails");
	free_all(env);
	p = power_open(r->journal, r->live);
	calls = power_count(p);
	for (size_t i = 0; i < cuts; i++) {
		copy(r->saved, r->live);
		power_cut(p, (i * 7919 + 13) % (calls + 1), i, r->live);
		r->runs++;
		if (worker(r, "check", "power", NULL, false) != 0)
			complain(r, "power cut", i, "a promise was broken");
	}
	(void)printf("power cut: %zu of %zu calls\n", cuts, calls);
	power_free(p);
}

int
main(int argc, char **argv)
{
	struct rigging r = { .full = getenv("CHANCERY_FULL") != NULL };

	if (argc < 3)
		return 64;
	r.worker = argv[1];
	r.preload = argv[2];
	(void)snprintf(r.dir, sizeof(r.dir), "%s/chancery-store-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(r.dir) == NULL)
		fatal("mkdtemp");
	r.live = mem_printf("%s/live", r.dir);
	r.saved = mem_printf("%s/saved", r.dir);
	r.journal = mem_printf("%s/journal", r.dir);
	if (worker(&r, "make", NULL, NULL, false) != 0)
		fatal("store_worker make");
	copy(r.live, r.saved);
	for (size_t i = 0; i < countof(kinds); i++)
		points_of(&r, i);
	power_cuts(&r);
	(void)printf("%u runs: %u killed, %u failed, %u promises broken\n",
	    r.runs, r.killed, r.failed, r.wrong);
	(void)nftw(r.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return r.wrong == 0 && r.killed > 0 && r.failed > 0 ? 0 : 1;
}
