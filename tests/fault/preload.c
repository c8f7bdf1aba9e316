/* SPDX-License-Identifier: Apache-2.0 */

/*
 * LD_PRELOAD library: file system calls on paths below FAULT_FS_PREFIX suffer
 * what FAULT_FS_RULES says: README.md.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "journal.h"
#include "rules.h"

#define EXPORT __attribute__((visibility("default")))

enum op {
	OP_WRITE,
	OP_PWRITE,
	OP_FSYNC,
	OP_FDATASYNC,
	OP_RENAME,
	OP_LINK,
	OP_FTRUNCATE,
	OP__COUNT
};

static const char *const op_names[] = { "write", "pwrite", "fsync", "fdatasync",
	"rename", "link", "ftruncate" };

static struct {
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	int (*fsync)(int);
	int (*fdatasync)(int);
	int (*renameat2)(int, const char *, int, const char *, unsigned);
	int (*linkat)(int, const char *, int, const char *, int);
	int (*ftruncate)(int, off_t);
	int (*unlink)(const char *);
} real;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *prefix;
static struct rules rules;
static unsigned long calls[OP__COUNT];
static struct counts counts;
static int journal = -1;

static void
find(const char *name, void *fn, size_t size)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	memcpy(fn, &p, size);
}

static void
start(void)
{
	find("write", &real.write, sizeof(real.write));
	find("pwrite", &real.pwrite, sizeof(real.pwrite));
	find("fsync", &real.fsync, sizeof(real.fsync));
	find("fdatasync", &real.fdatasync, sizeof(real.fdatasync));
	find("renameat2", &real.renameat2, sizeof(real.renameat2));
	find("linkat", &real.linkat, sizeof(real.linkat));
	find("ftruncate", &real.ftruncate, sizeof(real.ftruncate));
	find("unlink", &real.unlink, sizeof(real.unlink));
	counts_open(&counts, getenv("FAULT_FS_COUNTS"), op_names, OP__COUNT);
	rules_parse(getenv("FAULT_FS_RULES"), &rules);
	prefix = getenv("FAULT_FS_PREFIX");
	if (getenv("FAULT_FS_JOURNAL") != NULL)
		journal = open(getenv("FAULT_FS_JOURNAL"),
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* ---- whose call is it? ------------------------------------------------- */

static bool
below(const char *path)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0' || prefix[n - 1] == '/');
}

static bool
fd_below(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (prefix == NULL || *prefix == '\0')
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return below(path);
}

static bool
path_below(int dir, const char *path)
{
	char full[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);
	char parent[PATH_MAX];

	if (prefix == NULL || *prefix == '\0' || n >= sizeof(parent))
		return false;
	if (path[0] != '/' && dir != AT_FDCWD)
		return fd_below(dir);
	if (n == 0)
		return realpath(slash == NULL ? "." : "/", full) != NULL &&
		    below(full);
	memcpy(parent, path, n);
	parent[n] = '\0';
	return realpath(parent, full) != NULL && below(full);
}

/* ---- the journal ------------------------------------------------------- */

static void
journal_put(const void *p, size_t n)
{
	if (n > 0 && real.write(journal, p, n) != (ssize_t)n)
		abort();
}

/* Under `lock`, together with the call itself: entries stand in the order of calls. */
static void
journal_note(enum journal_kind kind, const char *path, off_t at,
    const void *data, size_t n)
{
	struct journal_entry entry = { .kind = kind,
		.path = (uint32_t)strlen(path),
		.offset = (uint64_t)at,
		.size = n };

	journal_put(&entry, sizeof(entry));
	journal_put(path, entry.path);
	journal_put(data, n);
}

static void
journal_fd(enum journal_kind kind, int fd, off_t at, const void *data, size_t n)
{
	char link[64], path[PATH_MAX];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0)
		abort();
	path[len] = '\0';
	journal_note(kind, path, at, data, n);
}

/* Of paths as they are given: tests give absolute ones. */
#define JOURNALLED(type, call, note)                                           \
	do {                                                                   \
		type r_;                                                       \
                                                                               \
		(void)pthread_mutex_lock(&lock);                               \
		r_ = call;                                                     \
		if (r_ >= 0)                                                   \
			note;                                                  \
		(void)pthread_mutex_unlock(&lock);                             \
		return r_;                                                     \
	} while (0)

/* ---- what happens to it ------------------------------------------------ */

struct plan {
	unsigned sleep_ms;
	enum rule_kill kill;
	bool fail, real;
	int error;
};

static void
plan_start(enum op op, struct plan *p)
{
	(void)pthread_mutex_lock(&lock);
	calls[op]++;
	counts_set(&counts, op, calls[op]);
	for (size_t i = 0; i < rules.n; i++) {
		const struct rule *r = &rules.v[i];

		if (!rule_hits(&rules.v[i], op_names[op]))
			continue;
		p->sleep_ms += r->sleep_ms;
		if (r->kill != KILL_NONE)
			p->kill = r->kill;
		if (r->has_value) {
			p->fail = true;
			p->real = r->real;
			p->error = (int)r->value;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	if (p->kill == KILL_BEFORE)
		fault_kill();
	if (p->sleep_ms != 0)
		fault_sleep(p->sleep_ms);
}

static bool
plan_end(const struct plan *p)
{
	if (p->kill != KILL_NONE)
		fault_kill();
	if (p->fail)
		errno = p->error;
	return !p->fail;
}

/* Run `call`, a ssize_t or int expression, under the plan of `op`. */
#define SUFFER(type, op, mine, call)                                           \
	do {                                                                   \
		struct plan p = { 0 };                                         \
		type r = 0;                                                    \
                                                                               \
		(void)pthread_once(&once, start);                              \
		if (!(mine))                                                   \
			return call;                                           \
		plan_start(op, &p);                                            \
		if (!p.fail || p.real)                                         \
			r = call;                                              \
		return plan_end(&p) ? r : -1;                                  \
	} while (0)

static size_t
torn(const struct plan *p, size_t n)
{
	return p->kill == KILL_TORN ? n / 2 : n;
}

EXPORT ssize_t
write(int fd, const void *b, size_t n)
{
	(void)pthread_once(&once, start);
	if (journal >= 0 && fd_below(fd))
		JOURNALLED(ssize_t, real.write(fd, b, n),
		    journal_fd(JOURNAL_WRITE, fd,
			lseek(fd, 0, SEEK_CUR) - (off_t)r_, b, (size_t)r_));
	SUFFER(ssize_t, OP_WRITE, fd_below(fd), real.write(fd, b, torn(&p, n)));
}

EXPORT ssize_t
pwrite(int fd, const void *b, size_t n, off_t at)
{
	(void)pthread_once(&once, start);
	if (journal >= 0 && fd_below(fd))
		JOURNALLED(ssize_t, real.pwrite(fd, b, n, at),
		    journal_fd(JOURNAL_WRITE, fd, at, b, (size_t)r_));
	SUFFER(ssize_t, OP_PWRITE, fd_below(fd),
	    real.pwrite(fd, b, torn(&p, n), at));
}

EXPORT ssize_t
pwrite64(int fd, const void *b, size_t n, off64_t at)
{
	return pwrite(fd, b, n, at);
}

EXPORT int
fsync(int fd)
{
	(void)pthread_once(&once, start);
	if (journal >= 0 && fd_below(fd))
		JOURNALLED(int, real.fsync(fd),
		    journal_fd(JOURNAL_SYNC, fd, 0, NULL, 0));
	SUFFER(int, OP_FSYNC, fd_below(fd), real.fsync(fd));
}

EXPORT int
fdatasync(int fd)
{
	(void)pthread_once(&once, start);
	if (journal >= 0 && fd_below(fd))
		JOURNALLED(int, real.fdatasync(fd),
		    journal_fd(JOURNAL_SYNC, fd, 0, NULL, 0));
	SUFFER(int, OP_FDATASYNC, fd_below(fd), real.fdatasync(fd));
}

EXPORT int
renameat2(int from_dir, const char *from, int to_dir, const char *to,
    unsigned flags)
{
	(void)pthread_once(&once, start);
	if (journal >= 0 && path_below(to_dir, to))
		JOURNALLED(int,
		    real.renameat2(from_dir, from, to_dir, to, flags),
		    journal_note(JOURNAL_RENAME, from, 0, to, strlen(to)));
	SUFFER(int, OP_RENAME, path_below(to_dir, to),
	    real.renameat2(from_dir, from, to_dir, to, flags));
}

EXPORT int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

EXPORT int
rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	(void)pthread_once(&once, start);
	if (journal >= 0 && path_below(to_dir, to))
		JOURNALLED(int, real.linkat(from_dir, from, to_dir, to, flags),
		    journal_note(JOURNAL_LINK, from, 0, to, strlen(to)));
	SUFFER(int, OP_LINK, path_below(to_dir, to),
	    real.linkat(from_dir, from, to_dir, to, flags));
}

EXPORT int
link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int
ftruncate(int fd, off_t n)
{
	(void)pthread_once(&once, start);
	if (journal >= 0 && fd_below(fd))
		JOURNALLED(int, real.ftruncate(fd, n),
		    journal_fd(JOURNAL_TRUNCATE, fd, n, NULL, 0));
	SUFFER(int, OP_FTRUNCATE, fd_below(fd), real.ftruncate(fd, n));
}

EXPORT int
ftruncate64(int fd, off64_t n)
{
	return ftruncate(fd, n);
}

/* No fault of its own: only the journal wants it. */
EXPORT int
unlink(const char *path)
{
	(void)pthread_once(&once, start);
	if (journal >= 0 && path_below(AT_FDCWD, path))
		JOURNALLED(int, real.unlink(path),
		    journal_note(JOURNAL_UNLINK, path, 0, NULL, 0));
	return real.unlink(path);
}
