/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/crypto.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/kafka/set_dir.h>

#define SETS ".sets"
#define CURRENT ".current"
/* Beside .current, the set before it: a link too. */
#define PREVIOUS ".previous"
#define NEW_LINK ".link"
#define TRIAL ".trial"
/* Ends the name of a directory that is not whole. */
#define PART ".part"
#define PENDING ".pending"

struct set_dir {
	char *path;
	int lock;
	char *id;      /* of the set that is being made, or NULL         */
	char *staging; /* its directory's path until the switch          */
};

static char *
at(const struct set_dir *d, const char *name)
{
	return path_join(d->path, name);
}

/* "…/.sets/ID" of a link, or NULL. */
static char *
target_of(const struct set_dir *d, const char *link_name)
{
	auto_mem char *path = at(d, link_name);
	char to[256];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	if (n <= 0)
		return NULL;
	to[n] = '\0';
	return mem_strdup(to);
}

static bool
remove_tree(const char *path)
{
	auto_dir DIR *dir = opendir(path);
	const struct dirent *en;

	if (dir == NULL)
		return errno == ENOENT;
	while ((en = readdir(dir)) != NULL)
		if (strcmp(en->d_name, ".") != 0 &&
		    strcmp(en->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), en->d_name, 0);
	return rmdir(path) == 0;
}

/* Sets that no link names: of runs that were cut short, and old ones. */
static void
clear(const struct set_dir *d)
{
	auto_mem char *sets = at(d, SETS), *link = at(d, NEW_LINK),
		      *trial = at(d, TRIAL);
	auto_mem char *current = target_of(d, CURRENT),
		      *previous = target_of(d, PREVIOUS);
	auto_dir DIR *dir = opendir(sets);
	const struct dirent *en;

	(void)unlink(link);
	(void)unlink(trial);
	while (dir != NULL && (en = readdir(dir)) != NULL) {
		auto_mem char *rel = path_join(SETS, en->d_name);
		auto_mem char *path = at(d, rel);

		if (en->d_name[0] == '.' ||
		    (current != NULL && strcmp(rel, current) == 0) ||
		    (previous != NULL && strcmp(rel, previous) == 0))
			continue;
		(void)remove_tree(path);
	}
}

/* Whoever may write here chooses what root's links point to. */
static bool
check_owner(const char *path, struct error *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return error_errno(e, FAIL_NOT_FOUND, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(e, FAIL_BAD_INPUT, "%s: not a directory",
		    path);
	return (st.st_uid == geteuid() && (st.st_mode & 022) == 0) ||
	    error_set(e, FAIL_PERMISSION,
		"%s: has to belong to who runs this, and nobody else may write "
		"there",
		path);
}

struct set_dir *
set_dir_open(const char *path, struct error *e)
{
	auto_set_dir struct set_dir *d = mem_calloc(1, sizeof(*d));
	auto_mem char *lock = path_join(path, ".lock"),
		      *sets = path_join(path, SETS);

	d->lock = -1;
	d->path = mem_strdup(path);
	if (!check_owner(path, e))
		return NULL;
	d->lock = file_lock(lock, e);
	if (d->lock < 0)
		return NULL;
	/* Others follow the links; what they may read, the files' modes say. */
	if (!dir_create(sets, 0755, e))
		return NULL;
	if (chmod(sets, 0755) != 0) {
		(void)error_errno(e, FAIL_PERMISSION, "%s", sets);
		return NULL;
	}
	clear(d);
	return take(d);
}

void
set_dir_close(struct set_dir *d)
{
	if (d == NULL)
		return;
	if (d->staging != NULL)
		(void)remove_tree(d->staging);
	if (d->lock >= 0)
		(void)close(d->lock);
	mem_free(d->staging);
	mem_free(d->id);
	mem_free(d->path);
	mem_free(d);
}

bool
set_dir_has_current(const struct set_dir *d)
{
	auto_mem char *path = at(d, CURRENT);
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *
set_dir_file(const struct set_dir *d, const char *name)
{
	return mem_printf("%s/" CURRENT "/%s", d->path, name);
}

bool
set_dir_is_pending(const struct set_dir *d)
{
	auto_mem char *path = set_dir_file(d, PENDING);

	return access(path, F_OK) == 0;
}

/* ---- names ------------------------------------------------------------------ */

bool
set_dir_name_check(const char *name, struct error *e)
{
	return (name[0] != '\0' && name[0] != '.' && strlen(name) < 200 &&
		   strchr(name, '/') == NULL) ||
	    error_set(e, FAIL_BAD_INPUT,
		"\"%s\": want the name of a file, without directory and not "
		"beginning with a dot",
		name);
}

bool
set_dir_name_free(const struct set_dir *d, const char *name, struct error *e)
{
	auto_mem char *path = at(d, name), *want = path_join(CURRENT, name),
		      *have = target_of(d, name);
	struct stat st;

	if (lstat(path, &st) != 0 || (have != NULL && strcmp(have, want) == 0))
		return true;
	return error_set(e, FAIL_EXISTS,
	    "%s: is there and is no link of ours; move it away first", path);
}

bool
set_dir_try_owner(const struct set_dir *d, uid_t uid, gid_t gid,
    struct error *e)
{
	auto_mem char *path = at(d, TRIAL);
	auto_fd int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(e, FAIL_IO, "%s", path);
	(void)unlink(path);
	return fchown(fd, uid, gid) == 0 ||
	    error_errno(e, FAIL_PERMISSION,
		"its owner and group cannot be set");
}

/* ---- a new set ---------------------------------------------------------------- */

bool
set_dir_begin(struct set_dir *d, int64_t now_s, struct error *e)
{
	int y, mon, day, h, min, s;
	uint8_t r[4];
	char hex[2 * sizeof(r) + 1];

	time_to_civil(now_s, &y, &mon, &day, &h, &min, &s);
	random_bytes(r, sizeof(r));
	hex_encode(bytes_of(r, sizeof(r)), hex);
	mem_free(d->id);
	mem_free(d->staging);
	d->id = mem_printf("%04d%02d%02dT%02d%02d%02dZ-%s", y, mon, day, h, min,
	    s, hex);
	d->staging = mem_printf("%s/" SETS "/%s" PART, d->path, d->id);
	if (mkdir(d->staging, 0755) != 0 || chmod(d->staging, 0755) != 0)
		return error_errno(e,
		    errno == ENOSPC ? FAIL_DISK_FULL : FAIL_PERMISSION, "%s",
		    d->staging);
	return set_dir_add(d, PENDING, bytes_str(""), 0600, (uid_t)-1,
	    (gid_t)-1, e);
}

bool
set_dir_add(struct set_dir *d, const char *name, struct bytes data,
    unsigned mode, uid_t uid, gid_t gid, struct error *e)
{
	auto_mem char *path = path_join(d->staging, name);
	auto_fd int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(e, FAIL_IO, "%s", path);
	if (!fd_write_all(fd, data, e))
		return error_context(e, "%s", path);
	if (((uid != (uid_t)-1 || gid != (gid_t)-1) &&
		fchown(fd, uid, gid) != 0) ||
	    fchmod(fd, mode) != 0)
		return error_errno(e, FAIL_PERMISSION, "%s: owner and mode",
		    path);
	return fsync(fd) == 0 || error_errno(e, FAIL_IO, "%s: fsync", path);
}

/* One rename, over a link that is there. */
static bool
point(const struct set_dir *d, const char *name, const char *to,
    struct error *e)
{
	auto_mem char *link = at(d, NEW_LINK), *path = at(d, name);

	(void)unlink(link);
	if (symlink(to, link) != 0 || rename(link, path) != 0)
		return error_errno(e, FAIL_IO, "%s", path);
	return true;
}

/* What readers open; before the switch they end nowhere, or in the old set. */
static bool
link_names(const struct set_dir *d, struct error *e)
{
	auto_dir DIR *dir = opendir(d->staging);
	const struct dirent *en;

	if (dir == NULL)
		return error_errno(e, FAIL_IO, "%s", d->staging);
	while ((en = readdir(dir)) != NULL) {
		auto_mem char *to = path_join(CURRENT, en->d_name);
		auto_mem char *have = target_of(d, en->d_name);

		if (en->d_name[0] == '.' ||
		    (have != NULL && strcmp(have, to) == 0))
			continue;
		if (!set_dir_name_free(d, en->d_name, e) ||
		    !point(d, en->d_name, to, e))
			return false;
	}
	return true;
}

bool
set_dir_switch(struct set_dir *d, struct error *e)
{
	auto_mem char *rel = path_join(SETS, d->id), *whole = at(d, rel),
		      *sets = at(d, SETS), *old = target_of(d, CURRENT);

	if (!dir_sync(d->staging, e) || !link_names(d, e))
		return false;
	if (rename(d->staging, whole) != 0)
		return error_errno(e, FAIL_IO, "%s", whole);
	mem_free(take(d->staging));
	return dir_sync(sets, e) &&
	    (old == NULL || point(d, PREVIOUS, old, e)) &&
	    point(d, CURRENT, rel, e) && dir_sync(d->path, e);
}

/* Links to files that were of an older set and are not wanted any more. */
static void
unlink_gone(const struct set_dir *d)
{
	auto_dir DIR *dir = opendir(d->path);
	const struct dirent *en;

	while (dir != NULL && (en = readdir(dir)) != NULL) {
		auto_mem char *to = path_join(CURRENT, en->d_name),
			      *have = target_of(d, en->d_name);

		if (en->d_name[0] != '.' && have != NULL &&
		    strcmp(have, to) == 0 &&
		    faccessat(dirfd(dir), to, F_OK, 0) != 0 && errno == ENOENT)
			(void)unlinkat(dirfd(dir), en->d_name, 0);
	}
}

bool
set_dir_settle(struct set_dir *d, struct error *e)
{
	auto_mem char *path = set_dir_file(d, PENDING), *dir = at(d, CURRENT);

	if (unlink(path) != 0 && errno != ENOENT)
		return error_errno(e, FAIL_IO, "%s", path);
	unlink_gone(d);
	clear(d);
	return dir_sync(dir, e);
}

bool
set_dir_back(struct set_dir *d, struct error *e)
{
	auto_mem char *previous = target_of(d, PREVIOUS),
		      *current = target_of(d, CURRENT), *link = at(d, PREVIOUS);
	auto_mem char *pending = NULL;
	auto_fd int fd = -1;

	if (previous == NULL || current == NULL ||
	    strcmp(previous, current) == 0)
		return error_set(e, FAIL_NOT_FOUND,
		    "%s: there is no set before the current one", d->path);
	/* Whoever has been told of the other set has to be told again. */
	pending = mem_printf("%s/%s/" PENDING, d->path, previous);
	fd = open(pending, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(e, FAIL_IO, "%s", pending);
	if (!point(d, CURRENT, previous, e) || !dir_sync(d->path, e))
		return false;
	(void)unlink(link);
	clear(d);
	return true;
}
