/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>

#include "store_swap.h"

static bool
drop(const char *path, const char *suffix, struct error *e)
{
	auto_mem char *name = mem_printf("%s%s", path, suffix);

	return unlink(name) == 0 || errno == ENOENT ||
	    error_errno(e, FAIL_IO, "%s", name);
}

bool
store_swap_discard(const char *path, struct error *e)
{
	return drop(path, "", e) && drop(path, "-wal", e) &&
	    drop(path, "-shm", e) && drop(path, ".lock", e);
}

/* As root, for the user whose store it is: that of the file there, or of the directory. */
static bool
dress(const char *path, const char *made, struct error *e)
{
	auto_mem char *dir = path_dir(path);
	struct stat st, now;

	if (stat(path, &st) != 0) {
		if (stat(dir, &st) != 0)
			return error_errno(e, FAIL_IO, "%s", dir);
		st.st_mode = 0600;
	}
	if (stat(made, &now) != 0)
		return error_errno(e, FAIL_IO, "%s", made);
	if ((now.st_uid != st.st_uid || now.st_gid != st.st_gid) &&
	    chown(made, st.st_uid, st.st_gid) != 0)
		return error_errno(e, FAIL_PERMISSION, "%s", made);
	return chmod(made, st.st_mode & 07777) == 0 ||
	    error_errno(e, FAIL_PERMISSION, "%s", made);
}

/* A log that belongs to the old file must not lie beside the new one: the database
 * would take it for its own. */
static bool
set_aside(const char *path, const char *suffix, struct error *e)
{
	auto_mem char *from = mem_printf("%s%s", path, suffix);
	auto_mem char *to = mem_printf("%s.replaced%s", path, suffix);

	if (access(from, F_OK) != 0)
		return drop(to, "", e);
	return rename(from, to) == 0 || error_errno(e, FAIL_IO, "%s", from);
}

bool
store_swap(const char *path, const char *made, struct error *e)
{
	auto_mem char *lock = mem_printf("%s.lock", path);
	auto_mem char *dir = path_dir(path);
	auto_fd int fd = file_lock(lock, e);

	if (fd < 0)
		return error_context(e, "the service has to be stopped first");
	if (!dress(path, made, e) || !drop(path, "-shm", e) ||
	    !set_aside(path, "-wal", e) || !set_aside(path, "", e))
		return false;
	if (rename(made, path) != 0)
		return error_errno(e, FAIL_IO, "%s", path);
	return drop(made, ".lock", e) && drop(made, "-shm", e) &&
	    drop(made, "-wal", e) && dir_sync(dir, e);
}
