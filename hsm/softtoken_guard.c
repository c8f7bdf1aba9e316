/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>

#include "internal.h"

/*
 * SoftHSM 2.6 rewrites token.object at every C_Login by truncating it and writing
 * it again: a process killed in between leaves it empty, and the token, with all
 * keys still in their own files, is not found any more (pkcs11.md section 5, 27 of
 * 60 tries). A copy beside it, made while it was whole, heals that.
 */
#define TOKEN_OBJECT_MAX 65536
static const char object_name[] = "token.object",
		  kept_name[] = "token.object.kept";

static bool
read_if_there(const char *path, struct buf *out, struct error *e)
{
	if (file_read(path, TOKEN_OBJECT_MAX, out, e))
		return true;
	if (e->why != FAIL_NOT_FOUND)
		return false;
	buf_reset(out);
	return true;
}

/* A whole token.object is longer than the copy's minus nothing: torn ones are
 * shorter. Label changes and PIN changes keep the length or are longer. */
static bool
is_torn(const struct buf *object, const struct buf *kept)
{
	return kept->n > 0 && object->n < kept->n;
}

static bool
guard_token(const char *dir, unsigned *healed, struct error *e)
{
	auto_mem char *object = path_join(dir, object_name);
	auto_mem char *kept = path_join(dir, kept_name);
	auto_buf struct buf now = { 0 };
	auto_buf struct buf copy = { 0 };

	if (!read_if_there(object, &now, e) || !read_if_there(kept, &copy, e))
		return false;
	if (is_torn(&now, &copy)) {
		(*healed)++;
		return file_replace(object, buf_bytes(&copy), 0600, e);
	}
	if (now.n == 0 || bytes_eq(buf_bytes(&now), buf_bytes(&copy)))
		return true;
	return file_replace(kept, buf_bytes(&now), 0600, e);
}

/* One at a time: two processes that start together must not take the other's
 * half-written file for a whole one. */
bool
hsm_softtoken_guard(const char *dir, unsigned *healed, struct error *e)
{
	auto_mem char *tokens = path_join(dir, "tokens");
	auto_mem char *lock_path = path_join(dir, "guard.lock");
	auto_dir DIR *d = opendir(tokens);
	auto_fd int lock = -1;
	struct dirent *entry;
	unsigned n = 0;

	if (d == NULL)
		return error_errno(e, FAIL_NOT_FOUND, "%s", tokens);
	/* Somebody else is at it just now: then it is done. */
	lock = file_lock(lock_path, e);
	if (lock < 0)
		return e->why == FAIL_BUSY;
	while ((entry = readdir(d)) != NULL) {
		auto_mem char *path = path_join(tokens, entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		if (!guard_token(path, &n, e))
			return false;
	}
	*healed = n;
	return true;
}
