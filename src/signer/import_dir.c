/* SPDX-License-Identifier: Apache-2.0 */

/* The folders of imports: removed, synced, lists put where they are served. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "import.h"

char *
import_dir(const char *register_dir, const char *origin)
{
	struct sha256 h = sha256(bytes_str(origin));
	char hex[17];

	hex_encode(bytes_of(h.b, 8), hex);
	return mem_printf("%s/imports/%s", register_dir, hex);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Folders of ours lie five levels deep. The checkpoint goes first: a half is never taken for the
 * whole. */
void
import_remove(const char *dir)
{
	auto_mem char *checkpoint = path_join(dir, "checkpoint");
	auto_dir DIR *d = opendir(dir);
	const struct dirent *entry;

	(void)unlink(checkpoint);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		auto_mem char *path = path_join(dir, entry->d_name);

		if (!is_dots(entry->d_name) && unlink(path) != 0)
			import_remove(path);
	}
	(void)rmdir(dir);
}

static bool
sync_file(const char *path, struct error *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	return (fd >= 0 && fsync(fd) == 0) ||
	    error_errno(e, FAIL_IO, "%s: fsync", path);
}

bool
import_sync(const char *dir, struct error *e)
{
	auto_dir DIR *d = opendir(dir);
	const struct dirent *entry;
	struct stat st;

	if (d == NULL)
		return error_errno(e, FAIL_IO, "%s", dir);
	while ((entry = readdir(d)) != NULL) {
		auto_mem char *path = path_join(dir, entry->d_name);

		if (is_dots(entry->d_name))
			continue;
		if (stat(path, &st) != 0)
			return error_errno(e, FAIL_IO, "%s", path);
		if (!(S_ISDIR(st.st_mode) ? import_sync(path, e)
					  : sync_file(path, e)))
			return false;
	}
	return dir_sync(dir, e);
}

static bool
place_file(const char *from, const char *to, struct error *e)
{
	auto_buf struct buf file = { 0 };

	if (access(to, F_OK) == 0)
		return true;
	return file_read(from, LIMIT_BUNDLE_BYTES, &file, e) &&
	    (file_create(to, buf_bytes(&file), 0644, e) ||
		e->why == FAIL_EXISTS);
}

/* Level 0: keys, 1: scopes, 2: lists. */
static bool
place(const char *from, const char *to, unsigned level, struct error *e)
{
	auto_dir DIR *d = opendir(from);
	const struct dirent *entry;

	if (d == NULL)
		return errno == ENOENT || error_errno(e, FAIL_IO, "%s", from);
	if (!dir_create_durable(to, 0755, e))
		return false;
	while ((entry = readdir(d)) != NULL) {
		auto_mem char *a = path_join(from, entry->d_name);
		auto_mem char *b = path_join(to, entry->d_name);

		if (is_dots(entry->d_name))
			continue;
		if (!(level < 2 ? place(a, b, level + 1, e)
				: place_file(a, b, e)))
			return false;
	}
	return true;
}

bool
import_place_lists(const char *dir, const char *crl_dir, struct error *e)
{
	auto_mem char *crl = path_join(dir, "crl");

	return crl_dir == NULL || place(crl, crl_dir, 0, e);
}
