/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>

static enum fail
errno_fail(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return FAIL_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return FAIL_PERMISSION;
	case EEXIST:
		return FAIL_EXISTS;
	case EISDIR:
		return FAIL_BAD_INPUT;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return FAIL_DISK_FULL;
	default:
		return FAIL_IO;
	}
}

static bool
read_fd(int fd, const char *name, size_t max, struct buf *out, struct error *e)
{
	auto_buf struct buf b = { 0 };
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	ssize_t r;

	for (;;) {
		r = read(fd, buf_reserve(&b, 65536), 65536);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN) {
			(void)poll(&readable, 1, -1);
			continue;
		}
		if (r < 0)
			return error_errno(e, errno_fail(), "%s", name);
		if (r == 0)
			break;
		buf_commit(&b, (size_t)r);
		if (b.n > max)
			return error_set(e, FAIL_BAD_INPUT,
			    "%s: larger than %zu bytes", name, max);
	}
	buf_add_bytes(out, buf_bytes(&b));
	return true;
}

bool
file_read(const char *path, size_t max, struct buf *out, struct error *e)
{
	/* A FIFO that nobody writes to ends at once instead of never. */
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return error_errno(e, errno_fail(), "%s", path);
	return read_fd(fd, path, max, out, e);
}

bool
file_read_arg(const char *path, size_t max, struct buf *out, struct error *e)
{
	if (strcmp(path, "-") == 0)
		return read_fd(STDIN_FILENO, "standard input", max, out, e);
	return file_read(path, max, out, e);
}

bool
fd_write_all(int fd, struct bytes data, struct error *e)
{
	size_t done = 0;
	ssize_t w;

	while (done < data.n) {
		w = write(fd, data.p + done, data.n - done);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return error_errno(e,
			    errno_fail() == FAIL_DISK_FULL ? FAIL_DISK_FULL
							   : FAIL_IO,
			    "write");
		done += (size_t)w;
	}
	return true;
}

char *
path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	if (slash == path)
		return mem_strdup("/");
	return mem_printf("%.*s", (int)(slash - path), path);
}

bool
dir_sync(const char *path, struct error *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(e, errno_fail(), "%s", path);
	if (fsync(fd) != 0)
		return error_errno(e, FAIL_IO, "%s: fsync", path);
	return true;
}

char *
path_beside(const char *path)
{
	auto_mem char *dir = path_dir(path);
	char random[17];
	uint8_t r[8];

	random_bytes(r, sizeof(r));
	hex_encode(bytes_of(r, sizeof(r)), random);
	return mem_printf("%s/.%s.tmp", dir, random);
}

bool
file_write_as(const char *tmp, const char *path, struct bytes data,
    unsigned mode, struct error *e)
{
	auto_fd int fd =
	    open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return error_errno(e, errno_fail(), "%s", path);
	if (!fd_write_all(fd, data, e)) {
		(void)unlink(tmp);
		return error_context(e, "%s", path);
	}
	if (fsync(fd) != 0) {
		(void)error_errno(e, FAIL_IO, "%s: fsync", path);
		(void)unlink(tmp);
		return false;
	}
	return true;
}

char *
file_write_beside(const char *path, struct bytes data, unsigned mode,
    struct error *e)
{
	auto_mem char *tmp = path_beside(path);

	return file_write_as(tmp, path, data, mode, e) ? take(tmp) : NULL;
}

/* Unlike rename, link never replaces; file systems without links (FAT, on the
 * sticks that leave a ceremony) have a rename that does not either. */
static bool
name_exclusively(const char *tmp, const char *path)
{
	return link(tmp, path) == 0 ||
	    ((errno == EPERM || errno == EOPNOTSUPP) &&
		renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) ==
		    0);
}

bool
file_create(const char *path, struct bytes data, unsigned mode, struct error *e)
{
	auto_mem char *tmp = NULL, *dir = path_dir(path);
	bool ok;

	if (!file_check_absent(path, e))
		return false;
	tmp = file_write_beside(path, data, mode, e);
	if (tmp == NULL)
		return false;
	ok = name_exclusively(tmp, path);
	if (!ok)
		(void)error_errno(e, errno_fail(), "%s", path);
	(void)unlink(tmp);
	return ok && dir_sync(dir, e);
}

bool
file_replace(const char *path, struct bytes data, unsigned mode,
    struct error *e)
{
	auto_mem char *tmp = NULL, *dir = path_dir(path);

	tmp = file_write_beside(path, data, mode, e);
	if (tmp == NULL)
		return false;
	if (rename(tmp, path) != 0) {
		(void)error_errno(e, errno_fail(), "%s", path);
		(void)unlink(tmp);
		return false;
	}
	return dir_sync(dir, e);
}

bool
file_check_absent(const char *path, struct error *e)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return error_set(e, FAIL_EXISTS,
		    "%s: exists and is never overwritten", path);
	if (errno != ENOENT)
		return error_errno(e, errno_fail(), "%s", path);
	return true;
}

bool
file_check_creatable(const char *path, struct error *e)
{
	auto_mem char *tmp = path_beside(path);
	auto_fd int fd = -1;

	if (!file_check_absent(path, e))
		return false;
	/* access(2) would say yes where a file system says no. */
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(e, errno_fail(), "%s: no file can be made",
		    path);
	(void)unlink(tmp);
	return true;
}

bool
dir_create(const char *path, unsigned mode, struct error *e)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return true;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	return error_errno(e, errno_fail(), "%s", path);
}

bool
dir_create_durable(const char *path, unsigned mode, struct error *e)
{
	auto_mem char *parent = path_dir(path);

	if (mkdir(path, mode) == 0)
		return dir_sync(parent, e);
	return dir_create(path, mode, e);
}

int
file_lock(const char *path, struct error *e)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char pid[32] = { 0 };
	ssize_t n;

	if (fd < 0) {
		(void)error_errno(e, errno_fail(), "%s", path);
		return -1;
	}
	if (fcntl(fd, F_OFD_SETLK, &fl) != 0) {
		n = pread(fd, pid, sizeof(pid) - 1, 0);
		(void)error_set(e, FAIL_BUSY,
		    "%s: locked by another process (pid %s)", path,
		    n > 0 ? pid : "unknown");
		return -1;
	}
	n = snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	/* The pid is only for the other's message: without it there is one too. */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, pid, (size_t)n, 0);
	return take_fd(&fd);
}

char *
path_join(const char *dir, const char *name)
{
	return mem_printf("%s/%s", dir, name);
}
