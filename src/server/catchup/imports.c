/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates and revocations of other logs, from the folders that the signer keeps of them. */
#include <dirent.h>
#include <errno.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/limits.h>
#include <chancery/base/log.h>

#include "internal.h"

struct import {
	struct buf mount, origin;
	uint64_t n, size;
};

static void
import_clear(struct import *i)
{
	buf_free(&i->mount);
	buf_free(&i->origin);
}
#define auto_import auto_cleanup(import_clear)

static bool
read_import(const char *dir, struct import *i, struct error *e)
{
	auto_mem char *path = path_join(dir, "import.json");
	auto_buf struct buf file = { 0 };
	struct json_reader r;
	struct bytes key;

	if (!file_read(path, LIMIT_RECORD_BYTES, &file, e))
		return false;
	json_read(&r, buf_bytes(&file));
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		if (bytes_eq(key, bytes_str("mount")))
			(void)json_get_str(&r, &i->mount);
		else if (bytes_eq(key, bytes_str("origin")))
			(void)json_get_str(&r, &i->origin);
		else if (bytes_eq(key, bytes_str("n")))
			i->n = (uint64_t)json_get_int(&r);
		else if (bytes_eq(key, bytes_str("size")))
			i->size = (uint64_t)json_get_int(&r);
		else
			(void)json_get_value(&r);
	}
	return (json_done(&r) && i->mount.n <= STORE_NAME_MAX &&
		   i->origin.n <= STORE_NAME_MAX && i->origin.n > 0) ||
	    error_set(e, FAIL_CORRUPT, "%s: malformed", path);
}

struct applying {
	struct catchup *c;
	uint64_t size;
	bool ours; /* it is the store that fails, not what was taken in */
};

static bool
each_record(void *arg, const struct record *r, struct bytes body,
    struct error *e)
{
	struct applying *a = arg;

	if (r->n >= a->size)
		return error_set(e, FAIL_NONE, "enough");
	if (catchup_record(a->c, r, body, e))
		return true;
	a->ours = e->why != FAIL_CORRUPT && e->why != FAIL_BAD_INPUT;
	return false;
}

static bool
apply(struct store *s, const char *dir, struct import *i, bool *ours,
    struct error *e)
{
	static const struct catchup_options none;
	struct catchup *c = mem_calloc(1, sizeof(*c));
	struct applying a = { .c = c, .size = i->size };
	bool ok;

	c->store = s;
	c->opt = &none;
	c->import = buf_cstr(&i->mount);
	memcpy(c->r.origin, buf_cstr(&i->origin), i->origin.n + 1);
	ok =
	    reg_walk_private(dir, 0, each_record, &a, e) || e->why == FAIL_NONE;
	*ours = ok || a.ours;
	ok = ok && store_room(s, e) &&
	    store_position_put(s, c->r.origin, i->size, e);
	catchup_clear(c);
	mem_free(c);
	return ok || error_context(e, "%s", dir);
}

/* What an operator has to look at is no reason to serve nothing. */
static bool
apply_one(struct store *s, const char *dir, const struct mounts *m,
    uint64_t until, struct error *e)
{
	auto_import struct import i = { 0 };
	bool ours;

	if (!read_import(dir, &i, e)) {
		if (e->why != FAIL_NOT_FOUND)
			log_line(LOG_LEVEL_ERROR, "import: %s", e->msg);
		return true;
	}
	if (i.n >= until || !mounts_stands_since(m, buf_cstr(&i.mount), i.n))
		return true;
	if (apply(s, dir, &i, &ours, e))
		return true;
	if (!ours)
		log_line(LOG_LEVEL_ERROR, "import: left out: %s", e->msg);
	return !ours;
}

bool
imports_apply(struct store *s, const char *register_dir, const struct mounts *m,
    uint64_t until, struct error *e)
{
	auto_mem char *parent = path_join(register_dir, "imports");
	auto_dir DIR *d = opendir(parent);
	const struct dirent *entry;

	if (d == NULL && errno != ENOENT)
		log_line(LOG_LEVEL_ERROR, "import: left out: %s: %s", parent,
		    strerror(errno));
	if (d == NULL)
		return true;
	while ((entry = readdir(d)) != NULL) {
		auto_mem char *dir = path_join(parent, entry->d_name);

		/* One that is being made has a dot. */
		if (strchr(entry->d_name, '.') == NULL &&
		    !apply_one(s, dir, m, until, e))
			return false;
	}
	return true;
}

bool
catchup_imports(struct store *s, const char *register_dir, struct error *e)
{
	struct mounts m = { 0 };
	bool ok = mounts_load(&m, s, e) &&
	    imports_apply(s, register_dir, &m, UINT64_MAX, e) &&
	    store_sync(s, e);

	mounts_clear(&m);
	return ok;
}
