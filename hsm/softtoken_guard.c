/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <chancery/base/file.h>

#include "internal.h"

/*
 * SoftHSM 2.6 rewrites token.object at every C_Login by truncating it and writing
 * it again: a process killed in between leaves it empty, and the token, with all
 * keys still in their own files, is not found any more (pkcs11.md section 5, 27 of
 * 60 tries). A copy that was good is kept, <dir>/keep/<token>, and put back when
 * the file is not whole.
 */

/* A few hundred bytes: label, serial, two PIN blobs. */
#define TOKEN_OBJECT_MAX 65536

typedef bool each_token(const char *object, const char *copy, struct error *e);

static bool
each(const char *dir, each_token *fn, struct error *e)
{
	auto_mem char *tokens = path_join(dir, "tokens"),
		      *keep = path_join(dir, "keep");
	auto_dir DIR *d = opendir(tokens);
	const struct dirent *en;

	if (d == NULL)
		return errno == ENOENT || error_errno(e, FAIL_IO, "%s", tokens);
	if (!dir_create(keep, 0700, e))
		return false;
	while ((en = readdir(d)) != NULL) {
		auto_mem char *object = mem_printf("%s/%s/token.object", tokens,
				  en->d_name),
			      *copy = path_join(keep, en->d_name);

		if (en->d_name[0] != '.' && !fn(object, copy, e))
			return false;
	}
	return true;
}

static bool
read_or_empty(const char *path, struct buf *out, struct error *e)
{
	return access(path, F_OK) != 0 ||
	    file_read(path, TOKEN_OBJECT_MAX, out, e);
}

static bool
mend(const char *object, const char *copy, struct error *e)
{
	auto_buf struct buf now = { 0 }, good = { 0 };

	if (!read_or_empty(object, &now, e) || !read_or_empty(copy, &good, e))
		return false;
	/* The very first login may be the one that is killed. */
	if (good.n == 0)
		return now.n == 0 ||
		    file_replace(copy, buf_bytes(&now), 0600, e);
	return now.n == good.n ||
	    file_replace(object, buf_bytes(&good), 0600, e);
}

static bool
keep(const char *object, const char *copy, struct error *e)
{
	auto_buf struct buf now = { 0 }, have = { 0 };

	if (!read_or_empty(object, &now, e) || !read_or_empty(copy, &have, e))
		return false;
	return now.n == 0 || bytes_eq(buf_bytes(&now), buf_bytes(&have)) ||
	    file_replace(copy, buf_bytes(&now), 0600, e);
}

bool
hsm_softtoken_mend(const char *dir, struct error *e)
{
	return each(dir, mend, e);
}

bool
hsm_softtoken_keep(const char *dir, struct error *e)
{
	return each(dir, keep, e);
}
