/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory. The new object is written beside the old one under a name that no object has
 * (".NAME.new"), made durable, and renamed over it: readers see one or the other, also after a
 * power failure. What a killed publisher left is removed by the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>

#include "target.h"

#define PIECE (256 * 1024)

static char *
path_of(const struct passage *p)
{
	return mem_printf("%s/%s", p->target->directory, p->object->name);
}

/* "dir/.name.new" of "dir/name" */
static char *
temporary_of(const char *path)
{
	const char *base = strrchr(path, '/') + 1;

	return mem_printf("%.*s.%s.new", (int)(base - path), path, base);
}

static bool
fail_path(const char *path, struct error *e)
{
	return error_errno(e,
	    errno == ENOSPC || errno == EDQUOT ? FAIL_DISK_FULL
		: errno == EACCES || errno == EPERM || errno == EROFS
		? FAIL_PERMISSION
		: FAIL_IO,
	    "%s", path);
}

/* ---- what is there -------------------------------------------------------------- */

static bool
read_into(struct passage *p, int fd, const char *path, struct look *l,
    struct error *e)
{
	auto_mem uint8_t *piece = mem_alloc(PIECE);
	ssize_t n;

	while ((n = read(fd, piece, PIECE)) > 0) {
		if (!look_add(l, bytes_of(piece, (size_t)n)))
			return true;
		if (!passage_rest(p, 0))
			return error_set(e, FAIL_TIMEOUT, "%s: out of time",
			    path);
	}
	return n == 0 || fail_path(path, e);
}

bool
files_look(struct passage *p, enum there *there, struct facts *facts,
    struct error *e)
{
	auto_mem char *path = path_of(p);
	/* A FIFO would wait for somebody who writes. */
	auto_fd int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	auto_look struct look *l = NULL;
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*there = THERE_NOTHING;
		return true;
	}
	if (fd < 0 || fstat(fd, &st) != 0)
		return fail_path(path, e);
	if (!S_ISREG(st.st_mode))
		return error_set(e, FAIL_EXISTS, "%s is no file", path);
	l = look_new(p->object);
	return read_into(p, fd, path, l, e) && look_end(l, there, facts, e);
}

/* ---- putting ---------------------------------------------------------------------- */

/* That which it lies in. */
static bool
sync_directory(const char *path, struct error *e)
{
	auto_mem char *dir = mem_strdup(path);

	*strrchr(dir, '/') = '\0';
	return dir_sync(dir, e);
}

/* The directories of the name; those above are the administrator's. */
static bool
make_directories(const struct passage *p, const char *path, struct error *e)
{
	auto_mem char *dir = mem_strdup(path);
	char *slash = dir + strlen(p->target->directory);

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(dir, 0755) == 0) {
			if (!sync_directory(dir, e))
				return false;
		} else if (errno != EEXIST) {
			return fail_path(dir, e);
		}
		*slash = '/';
	}
	return true;
}

static bool
write_object(struct passage *p, int fd, const char *path, struct error *e)
{
	auto_mem uint8_t *piece = mem_alloc(PIECE);
	bool ok = true;
	size_t n;

	object_rewind(p->object);
	while ((n = object_read(p->object, piece, PIECE, &ok)) > 0) {
		if (!passage_rest(p, 0))
			return error_set(e, FAIL_TIMEOUT, "%s: out of time",
			    path);
		if (!fd_write_all(fd, bytes_of(piece, n), e))
			return error_context(e, "%s", path);
	}
	return ok || error_errno(e, FAIL_IO, "the list");
}

static bool
write_durable(struct passage *p, const char *path, struct error *e)
{
	auto_fd int fd = -1;

	if (unlink(path) != 0 && errno != ENOENT)
		return fail_path(path, e);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0644);
	if (fd < 0)
		return fail_path(path, e);
	if (!write_object(p, fd, path, e))
		return false;
	return fsync(fd) == 0 || fail_path(path, e);
}

bool
files_put(struct passage *p, unused_arg enum there there, struct error *e)
{
	auto_mem char *path = path_of(p), *temporary = temporary_of(path);

	if (!make_directories(p, path, e))
		return false;
	if (!write_durable(p, temporary, e)) {
		(void)unlink(temporary);
		return false;
	}
	if (rename(temporary, path) != 0) {
		(void)fail_path(path, e);
		(void)unlink(temporary);
		return false;
	}
	return sync_directory(path, e);
}
