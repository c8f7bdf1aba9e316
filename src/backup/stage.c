/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>

#define NFTW_FDS 16

void
staging_init(struct staging *s, const struct places *p)
{
	*s = (struct staging){ .n = p->n, .lock = { -1, -1 } };
	s->v = mem_calloc(p->n, sizeof(*s->v));
	for (size_t i = 0; i < p->n; i++) {
		s->v[i].place = &p->v[i];
		s->v[i].path = mem_printf("%s" STAGE_SUFFIX, p->v[i].path);
	}
}

static int
remove_one(const char *path, unused_arg const struct stat *st,
    unused_arg int type, unused_arg struct FTW *ftw)
{
	return remove(path);
}

/* What reading the database laid beside it goes with it. */
static void
drop(const struct stage *st)
{
	static const char *const suffixes[] = { "-wal", "-shm", ".lock" };

	if (!st->made)
		return;
	(void)nftw(st->path, remove_one, NFTW_FDS, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; i < countof(suffixes); i++) {
		auto_mem char *name = mem_printf("%s%s", st->path, suffixes[i]);

		if (st->place->kind == PLACE_STORE)
			(void)unlink(name);
	}
}

void
staging_free(struct staging *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!s->done)
			drop(&s->v[i]);
		mem_free(s->v[i].path);
	}
	for (size_t i = s->dirs; i-- > 0;) {
		if (!s->done)
			(void)rmdir(s->dir[i]);
		mem_free(s->dir[i]);
	}
	for (size_t i = 0; i < countof(s->lock); i++)
		if (s->lock[i] >= 0)
			(void)close(s->lock[i]);
	mem_free(s->dir);
	mem_free(s->v);
	*s = (struct staging){ .lock = { -1, -1 } };
}

struct stage *
staging_of(struct staging *s, const struct place *p)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].place == p)
			return &s->v[i];
	return NULL;
}

/* ---- making ------------------------------------------------------------------------ */

static bool
make_one(struct staging *s, const char *path, struct error *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	if (mkdir(path, 0700) != 0)
		return error_errno(e, FAIL_IO, "%s", path);
	s->dir = mem_grow(s->dir, s->dirs, &s->dirs_cap, sizeof(*s->dir));
	s->dir[s->dirs++] = mem_strdup(path);
	return true;
}

bool
staging_mkdir(struct staging *s, const char *path, struct error *e)
{
	auto_mem char *part = mem_strdup(path);

	for (char *c = part + 1; *c != '\0'; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (!make_one(s, part, e))
			return false;
		*c = '/';
	}
	return make_one(s, part, e);
}

static bool
make_parent(struct staging *s, const char *path, struct error *e)
{
	auto_mem char *dir =
	    mem_printf("%.*s", (int)(strrchr(path, '/') - path), path);

	return *dir == '\0' || staging_mkdir(s, dir, e);
}

static bool
begin(struct staging *s, struct stage *st, struct error *e)
{
	if (st->made)
		return true;
	if (!make_parent(s, st->path, e))
		return false;
	if (access(st->path, F_OK) == 0)
		return error_set(e, FAIL_EXISTS,
		    "%s: left by a restore that was cut short; remove it",
		    st->path);
	st->made = true;
	return true;
}

int
staging_create(struct staging *s, struct stage *st, const char *rest,
    struct error *e)
{
	auto_mem char *path =
	    st->place->tree ? path_join(st->path, rest) : mem_strdup(st->path);
	int fd;

	if (!begin(s, st, e) || !make_parent(s, path, e))
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0 && errno == EEXIST)
		(void)error_set(e, FAIL_BAD_INPUT,
		    "the archive has a file twice: %s", path);
	else if (fd < 0)
		(void)error_errno(e, errno == ENOSPC ? FAIL_DISK_FULL : FAIL_IO,
		    "%s", path);
	return fd;
}

/* ---- what is there already ----------------------------------------------------------- */

bool
staging_is_free(const char *path)
{
	struct stat st;
	auto_dir DIR *d = NULL;
	const struct dirent *entry;

	if (lstat(path, &st) != 0)
		return errno == ENOENT;
	d = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
	if (d == NULL)
		return false;
	while ((entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			return false;
	return true;
}

bool
staging_check_place(const struct place *p, bool replace, struct error *e)
{
	auto_mem char *aside = mem_printf("%s" REPLACED_SUFFIX, p->path);

	if (staging_is_free(p->path))
		return true;
	if (!replace)
		return error_set(e, FAIL_EXISTS,
		    "%s: is there; a restore goes into an empty home, or over "
		    "one with --replace",
		    p->path);
	return staging_is_free(aside) ||
	    error_set(e, FAIL_EXISTS,
		"%s: what an earlier restore replaced is still there", aside);
}

static int
lock_where(const char *path, struct error *e)
{
	int fd;

	if (access(path, F_OK) != 0)
		return -1;
	fd = file_lock(path, e);
	if (fd < 0)
		(void)error_context(e, "the service has to be stopped first");
	return fd;
}

bool
staging_lock(struct staging *s, struct error *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct place *p = s->v[i].place;
		bool reg = p->kind == PLACE_REGISTER;
		auto_mem char *path =
		    mem_printf(reg ? "%s/lock" : "%s.lock", p->path);

		*e = (struct error){ 0 };
		if (reg || p->kind == PLACE_STORE)
			s->lock[reg] = lock_where(path, e);
		if (e->why != FAIL_NONE)
			return false;
	}
	return true;
}

/* ---- to their names -------------------------------------------------------------------- */

/* Many small files: the file system once instead of each of them. */
static bool
sync_one(const char *path, struct error *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	return (fd >= 0 && syncfs(fd) == 0) ||
	    error_errno(e, FAIL_IO, "%s: sync", path);
}

static bool
move_aside(const char *path, const char *suffix, struct error *e)
{
	auto_mem char *from = mem_printf("%s%s", path, suffix);
	auto_mem char *to = mem_printf("%s" REPLACED_SUFFIX "%s", path, suffix);
	struct stat st;

	if (lstat(from, &st) != 0)
		return errno == ENOENT || error_errno(e, FAIL_IO, "%s", from);
	/* An empty directory is no loss. */
	if (S_ISDIR(st.st_mode) && rmdir(from) == 0)
		return true;
	return rename(from, to) == 0 || error_errno(e, FAIL_IO, "%s", from);
}

/* Lists, register and store belong together: what is there goes, even where the archive has
 * nothing in its place. A database's log must not lie beside another database. */
static bool
clear_place(const struct stage *st, bool replace, struct error *e)
{
	bool together = st->place->kind == PLACE_DATA ||
	    st->place->kind == PLACE_STORE || st->place->kind == PLACE_REGISTER;

	if (!replace || st->keep || (!st->made && !together))
		return true;
	if (st->place->kind == PLACE_STORE &&
	    (!move_aside(st->place->path, "-shm", e) ||
		!move_aside(st->place->path, "-wal", e)))
		return false;
	return move_aside(st->place->path, "", e);
}

static bool
name_one(const struct stage *st, struct error *e)
{
	auto_mem char *dir = mem_printf("%.*s/",
	    (int)(strrchr(st->path, '/') - st->path), st->path);

	if (!st->made)
		return true;
	if (rename(st->path, st->place->path) != 0)
		return error_errno(e, FAIL_IO, "%s", st->place->path);
	return dir_sync(dir, e);
}

/* chancery.yaml is the first: gone first, there last. */
bool
staging_commit(struct staging *s, bool replace, struct error *e)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].made && !sync_one(s->v[i].path, e))
			return false;
	for (size_t i = 0; i < s->n; i++)
		if (!clear_place(&s->v[i], replace, e))
			return false;
	for (size_t i = s->n; i-- > 0;)
		if (!name_one(&s->v[i], e))
			return false;
	s->done = true;
	return true;
}
