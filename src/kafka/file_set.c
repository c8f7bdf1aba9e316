/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/kafka/file_set.h>

#include "file_claim.h"

struct one {
	char *path, *tmp;
	char *old; /* the replaced file's second name, until all is done */
	bool replace, placed;
};
struct claim {
	char *dir;
	int fd;
};
struct file_set {
	struct one *v;
	size_t n, cap;
	struct claim *claims; /* one a directory */
	size_t claims_n, claims_cap;
};

struct file_set *
file_set_new(void)
{
	return mem_calloc(1, sizeof(struct file_set));
}

static void
unlink_if(const char *path)
{
	if (path != NULL)
		(void)unlink(path);
}

void
file_set_free(struct file_set *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		unlink_if(s->v[i].tmp);
		unlink_if(s->v[i].old);
		mem_free(s->v[i].path);
		mem_free(s->v[i].tmp);
		mem_free(s->v[i].old);
	}
	for (size_t i = 0; i < s->claims_n; i++) {
		mem_free(s->claims[i].dir);
		if (s->claims[i].fd >= 0)
			(void)close(s->claims[i].fd);
	}
	mem_free(s->claims);
	mem_free(s->v);
	mem_free(s);
}

static bool
is_there(const struct file_set *s, const char *path)
{
	struct stat st;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].path, path) == 0)
			return true;
	return lstat(path, &st) == 0;
}

/* Before the first file of each directory. */
static void
claim(struct file_set *s, const char *path)
{
	auto_mem char *dir = path_dir(path);
	struct claim c;

	for (size_t i = 0; i < s->claims_n; i++)
		if (strcmp(s->claims[i].dir, dir) == 0)
			return;
	c.fd = file_claim(dir);
	c.dir = take(dir);
	s->claims = mem_grow(s->claims, s->claims_n, &s->claims_cap,
	    sizeof(*s->claims));
	s->claims[s->claims_n++] = c;
}

bool
file_set_add(struct file_set *s, const char *path, struct bytes data,
    unsigned mode, bool replace, struct error *e)
{
	auto_mem char *tmp = file_claim_name(path);
	struct one o = { .replace = replace };
	struct stat st;
	bool here = is_there(s, path);

	if (here && !replace)
		return error_set(e, FAIL_EXISTS,
		    "%s: exists (--replace replaces it)", path);
	if (here && (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)))
		return error_set(e, FAIL_EXISTS,
		    "%s: is not a regular file, and stays", path);
	claim(s, path);
	if (!file_write_as(tmp, path, data, mode, e))
		return false;
	o.tmp = take(tmp);
	o.path = mem_strdup(path);
	s->v = mem_grow(s->v, s->n, &s->cap, sizeof(*s->v));
	s->v[s->n++] = o;
	return true;
}

/* The file that is to be replaced keeps a second name, for the way back. */
static bool
keep_old(struct one *o, struct error *e)
{
	auto_mem char *old = file_claim_name(o->path);

	if (link(o->path, old) != 0)
		return error_errno(e, FAIL_IO, "%s", o->path);
	o->old = take(old);
	return true;
}

static bool
place(struct one *o, struct error *e)
{
	struct stat st;

	if (lstat(o->path, &st) == 0 && o->replace && !keep_old(o, e))
		return false;
	if (o->replace ? rename(o->tmp, o->path) != 0
		       : link(o->tmp, o->path) != 0)
		return error_errno(e, FAIL_IO, "%s", o->path);
	o->placed = true;
	return true;
}

static void
back(struct one *o)
{
	if (!o->placed)
		return;
	if (o->old == NULL)
		(void)unlink(o->path);
	else
		(void)rename(o->old, o->path);
	o->placed = false;
}

bool
file_set_commit(struct file_set *s, struct error *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < s->n; i++)
		ok = place(&s->v[i], e);
	for (size_t i = 0; ok && i < s->n; i++) {
		auto_mem char *dir = path_dir(s->v[i].path);

		ok = dir_sync(dir, e);
	}
	for (size_t i = s->n; !ok && i-- > 0;)
		back(&s->v[i]);
	return ok;
}
