/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>

#include "collect.h"

/* Nobody but the owner writes what is put back. */
#define MODE_MASK 0755U
#define DEPTH_MAX 8

static bool
has_changed(const struct stat *a, const struct stat *b)
{
	return a->st_size != b->st_size ||
	    a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	    a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

bool
collect_file(struct archive_writer *w, const char *member, const char *path,
    struct error *e)
{
	/* A FIFO must not hold us up. */
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct archive_source from = { .fd = fd };
	struct stat st, after;

	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e,
		    errno == ENOENT ? FAIL_NOT_FOUND : FAIL_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, FAIL_UNSUPPORTED,
		    "%s: not a plain file, and so not for a backup", path);
	from.size = (uint64_t)st.st_size;
	if (!archive_add_file(w, member, st.st_mode & MODE_MASK, &from, e))
		return false;
	if (fstat(fd, &after) != 0 || has_changed(&st, &after))
		return error_set(e, FAIL_BUSY,
		    "%s: changed while it was read; begin again", path);
	return true;
}

/* ---- trees ---------------------------------------------------------------------- */

struct walk {
	struct archive_writer *w;
	const char *without;
};

static bool tree(const struct walk *k, const char *member, const char *dir,
    unsigned depth, struct error *e);

static bool
entry(const struct walk *k, const char *member, const char *dir,
    const char *name, unsigned depth, struct error *e)
{
	auto_mem char *path = path_join(dir, name);
	auto_mem char *inside = path_join(member, name);
	struct stat st;

	if (k->without != NULL && strcmp(name, k->without) == 0)
		return true;
	if (lstat(path, &st) != 0)
		return errno == ENOENT || error_errno(e, FAIL_IO, "%s", path);
	if (S_ISDIR(st.st_mode))
		return tree(k, inside, path, depth + 1, e);
	if (!S_ISREG(st.st_mode))
		return error_set(e, FAIL_UNSUPPORTED,
		    "%s: not a plain file, and so not for a backup", path);
	return collect_file(k->w, inside, path, e) || e->why == FAIL_NOT_FOUND;
}

static int
is_shown(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool
tree(const struct walk *k, const char *member, const char *dir, unsigned depth,
    struct error *e)
{
	struct dirent **v = NULL;
	int n = scandir(dir, &v, is_shown, alphasort);
	bool ok = true;

	if (n < 0)
		return errno == ENOENT || error_errno(e, FAIL_IO, "%s", dir);
	if (depth > DEPTH_MAX)
		ok = error_set(e, FAIL_UNSUPPORTED, "%s: too deep", dir);
	for (int i = 0; i < n; i++) {
		ok = ok && entry(k, member, dir, v[i]->d_name, depth, e);
		free(v[i]);
	}
	free(v);
	return ok;
}

bool
collect_tree(struct archive_writer *w, const char *member, const char *dir,
    const char *without, struct error *e)
{
	const struct walk k = { w, without };

	return tree(&k, member, dir, 0, e);
}
