/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at any moment: runs crash_worker again and again on the same prepared
 * state, killed at the n-th write, fsync, rename, link or C_Sign, before it, after
 * it or in the middle of it, and has it check its promises afterwards. Disks that
 * fill up or fail are rows of the same table.
 *
 * crash_matrix WORKER PRELOAD FAULT_MODULE. A sample of the points unless
 * CHANCERY_FULL is set.
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
#include <chancery/base/file.h>

struct rigging {
	const char *worker, *preload, *module;
	char dir[64];
	char *live, *saved, *out;
	unsigned runs, killed, failed, wrong, stride;
};

/* How the n-th call goes wrong: the rule, ended by n. */
static const struct {
	const char *name, *variable, *rule;
	bool kills;
	bool slow; /* recovery takes its time: one point in a sample */
} kinds[] = {
	{ "killed before a file operation", "FAULT_FS_RULES",
	    "*:kill=before:nth=", true, false },
	{ "killed after a file operation", "FAULT_FS_RULES",
	    "*:kill=after:nth=", true, false },
	{ "killed inside a write", "FAULT_FS_RULES",
	    "write:kill=torn:nth=", true, false },
	{ "killed before C_Sign", "FAULT_PKCS11_RULES",
	    "C_Sign:kill=before:nth=", true, false },
	{ "killed after C_Sign", "FAULT_PKCS11_RULES",
	    "C_Sign:kill=after:nth=", true, false },
	{ "disk full", "FAULT_FS_RULES", "write:errno=ENOSPC:from=", false,
	    false },
	{ "fdatasync fails", "FAULT_FS_RULES",
	    "fdatasync:errno=EIO:from=", false, false },
	{ "C_Sign fails", "FAULT_PKCS11_RULES", "C_Sign:rv=0x30:from=", false,
	    true },
	{ "C_Sign's answer is lost", "FAULT_PKCS11_RULES",
	    "C_Sign:rv=0x30:real:from=", false, true },
};

static int
remove_one(const char *path, unused_arg const struct stat *st,
    unused_arg int type, unused_arg struct FTW *at)
{
	return remove(path);
}

static void
remove_tree(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Run argv with NAME=VALUE pairs added; the wait status. Output only when asked
 * for. */
static int
run(char *const argv[], char *const env[], bool quiet)
{
	int status;
	pid_t pid = fork();
	size_t i;

	if (pid == 0) {
		for (i = 0; env != NULL && env[i] != NULL; i++)
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
run_worker(struct rigging *r, const char *mode, bool out, char *const env[],
    bool quiet)
{
	char *argv[] = { mem_strdup(r->worker), mem_strdup(mode),
		mem_strdup(r->live), out ? mem_strdup(r->out) : NULL, NULL };
	int status = run(argv, env, quiet);
	size_t i;

	for (i = 0; argv[i] != NULL; i++)
		mem_free(argv[i]);
	return status;
}

static void
restore(struct rigging *r)
{
	char *argv[] = { mem_strdup("cp"), mem_strdup("-a"),
		mem_strdup(r->saved), mem_strdup(r->live), NULL };
	size_t i;

	remove_tree(r->live);
	(void)unlink(r->out);
	if (run(argv, NULL, false) != 0)
		fatal("cp");
	for (i = 0; argv[i] != NULL; i++)
		mem_free(argv[i]);
}

/* One point; false when the worker ran through untouched: there are no more. */
static bool
one(struct rigging *r, size_t kind, unsigned n)
{
	auto_mem char *rule = mem_printf("%s%u", kinds[kind].rule, n);
	auto_mem char *rules = mem_printf("%s=%s", kinds[kind].variable, rule);
	auto_mem char *prefix = mem_printf("FAULT_FS_PREFIX=%s", r->live);
	auto_mem char *preload = mem_printf("LD_PRELOAD=%s", r->preload);
	auto_mem char *module = mem_printf("CRASH_MODULE=%s", r->module);
	char *real =
	    mem_strdup("FAULT_PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so");
	char *env[] = { rules, prefix, preload, module, real, NULL };
	int status;
	bool killed;

	restore(r);
	status = run_worker(r, "work", true, env, true);
	mem_free(real);
	killed = WIFSIGNALED(status);
	if (killed ? !kinds[kind].kills || WTERMSIG(status) != 9
		   : WEXITSTATUS(status) > 2)
		fatal("%s, %u: unexpected end of the worker, status %d",
		    kinds[kind].name, n, status);
	if (!killed && WEXITSTATUS(status) == 0)
		return false;
	r->runs++;
	r->killed += killed;
	r->failed += !killed;
	status = run_worker(r, "check", true, NULL, false);
	if (status != 0) {
		(void)printf("%s, call %u: broken promise (status %d)\n",
		    kinds[kind].name, n, status);
		r->wrong++;
	}
	return true;
}

static void
prepare(struct rigging *r)
{
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/chancery-crash-XXXXXX");
	if (mkdtemp(r->dir) == NULL)
		fatal("mkdtemp");
	r->live = path_join(r->dir, "live");
	r->saved = path_join(r->dir, "saved");
	r->out = path_join(r->dir, "out");
	if (mkdir(r->live, 0700) != 0 ||
	    run_worker(r, "prepare", false, NULL, false) != 0)
		fatal("prepare");
	/* The copy that a first start makes of the token. */
	if (run_worker(r, "work", true, NULL, false) != 0)
		fatal("the worker fails untouched");
	if (rename(r->live, r->saved) != 0)
		fatal("rename");
}

int
main(int argc, char **argv)
{
	const char *full = getenv("CHANCERY_FULL");
	struct rigging r = { .stride = full != NULL ? 1 : 5 };
	unsigned n, before;
	size_t k;

	if (argc != 4)
		return 64;
	r.worker = argv[1];
	r.preload = argv[2];
	r.module = argv[3];
	prepare(&r);
	for (k = 0; k < countof(kinds); k++) {
		before = r.runs;
		/* The sample's points differ from kind to kind. */
		n = 1 + (unsigned)k % r.stride;
		while (one(&r, k, n) && !(kinds[k].slow && full == NULL))
			n += r.stride;
		(void)printf("%-32s %4u runs\n", kinds[k].name,
		    r.runs - before);
		(void)fflush(stdout);
		if (r.runs == before)
			fatal("%s: nothing was hit", kinds[k].name);
	}
	remove_tree(r.dir);
	(void)printf("%u runs, %u killed, %u failed, %u broken promises\n",
	    r.runs, r.killed, r.failed, r.wrong);
	mem_free(r.live);
	mem_free(r.saved);
	mem_free(r.out);
	return r.wrong == 0 ? 0 : 1;
}
