/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* Columns of the statements that begin with SECRET (sql.c). */
static bool
secret_row(sqlite3_stmt *st, struct store_secret *r, struct error *e)
{
	bool parent = sqlite3_column_type(st, 3) != SQLITE_NULL;

	*r = (struct store_secret){ .kind = db_col_text(st, 0),
		.alias = sqlite3_column_type(st, 2) == SQLITE_NULL
		    ? NULL
		    : db_col_text(st, 2),
		.scope = db_col_text(st, 4),
		.expires_s = sqlite3_column_int64(st, 5),
		.version = (uint64_t)sqlite3_column_int64(st, 6),
		.value = db_col_blob(st, 7) };
	if (db_col_sha256(st, 1, &r->key) &&
	    (!parent || db_col_sha256(st, 3, &r->parent)))
		return true;
	return error_set(e, FAIL_CORRUPT, "store: a secret's row is damaged");
}

static void
give(const struct store_secret *r, struct store_secret *out, struct buf *mem)
{
	size_t kind = strlen(r->kind) + 1, scope = strlen(r->scope) + 1;
	size_t alias = r->alias == NULL ? 0 : strlen(r->alias) + 1;
	const char *p;

	buf_reset(mem);
	(void)buf_reserve(mem, kind + scope + alias + r->value.n);
	buf_add(mem, r->kind, kind);
	buf_add(mem, r->scope, scope);
	if (alias > 0)
		buf_add(mem, r->alias, alias);
	buf_add_bytes(mem, r->value);
	p = (const char *)mem->p;
	*out = *r;
	out->kind = p;
	out->scope = p + kind;
	out->alias = alias == 0 ? NULL : p + kind + scope;
	out->value = bytes_of(p + kind + scope + alias, r->value.n);
}

static bool
first(struct db *d, sqlite3_stmt *st, const char *kind,
    struct store_secret *out, struct buf *mem, struct error *e)
{
	struct store_secret r;
	bool row;

	if (!db_step(d, st, &row, e))
		return false;
	if (!row)
		return error_set(e, FAIL_NOT_FOUND, "no such %s", kind);
	if (!secret_row(st, &r, e))
		return false;
	give(&r, out, mem);
	return true;
}

static bool
get(struct store *s, enum stmt which, const char *kind, struct bytes key,
    bool text, int64_t now_s, struct store_secret *out, struct buf *mem,
    struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = d == NULL ? NULL : db_stmt(d, which, e);

	if (st == NULL)
		return false;
	db_text(st, 1, kind);
	if (text)
		db_text(st, 2, (const char *)key.p);
	else
		db_blob(st, 2, key);
	db_int(st, 3, now_s);
	return first(d, st, kind, out, mem, e);
}

bool
store_secret_get(struct store *s, const char *kind, const struct sha256 *key,
    int64_t now_s, struct store_secret *out, struct buf *mem, struct error *e)
{
	return get(s, STMT_SECRET_GET, kind, sha256_bytes(key), false, now_s,
	    out, mem, e);
}

bool
store_secret_by_alias(struct store *s, const char *kind, const char *alias,
    int64_t now_s, struct store_secret *out, struct buf *mem, struct error *e)
{
	return get(s, STMT_SECRET_ALIAS, kind, bytes_str(alias), true, now_s,
	    out, mem, e);
}

bool
store_secret_next(struct store *s, const char *kind, const char *after,
    const char *below, int64_t now_s, struct store_secret *out, struct buf *mem,
    struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st =
	    d == NULL ? NULL : db_stmt(d, STMT_SECRET_NEXT, e);

	if (st == NULL)
		return false;
	db_text(st, 1, kind);
	db_text(st, 2, after);
	db_int(st, 3, now_s);
	db_text(st, 4, below);
	return first(d, st, kind, out, mem, e);
}

bool
store_secret_list(struct store *s, const char *kind, const char *scope,
    int64_t now_s, store_secret_each_fn *each, void *arg, struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = NULL;
	struct store_secret r;
	bool row;

	if (d == NULL ||
	    (st = db_stmt(d,
		 scope == NULL ? STMT_SECRET_LIST_KIND : STMT_SECRET_LIST,
		 e)) == NULL)
		return false;
	db_text(st, 1, kind);
	if (scope != NULL)
		db_text(st, 2, scope);
	db_int(st, 3, now_s);
	for (;;) {
		if (!db_step(d, st, &row, e) || (row && !secret_row(st, &r, e)))
			return false;
		if (!row || !each(arg, &r))
			return true;
	}
}
