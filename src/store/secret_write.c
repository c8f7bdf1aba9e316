/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* Tokens and their kin: all or nothing, on the disk before anyone hears of it. */

#define VERSIONS "secret-version"

struct writing {
	struct job job; /* first: the writer knows only this */
	struct store_secret_change *change;
	size_t n;
	store_done_fn *done;
	void *arg;
	struct buf mem; /* texts and values */
};

/* ---- statements -------------------------------------------------------- */

static void
bind_parent(sqlite3_stmt *st, int at, const struct sha256 *parent)
{
	static const struct sha256 none;

	if (memcmp(parent, &none, sizeof(none)) == 0)
		db_null(st, at);
	else
		db_blob(st, at, sha256_bytes(parent));
}

static void
bind_row(sqlite3_stmt *st, const struct store_secret *r, int64_t version)
{
	db_text(st, 1, r->kind);
	db_blob(st, 2, sha256_bytes(&r->key));
	db_text(st, 3, r->alias);
	bind_parent(st, 4, &r->parent);
	db_text(st, 5, r->scope);
	if (r->expires_s == 0)
		db_null(st, 6);
	else
		db_int(st, 6, r->expires_s);
	db_int(st, 7, version);
	db_blob(st, 8, r->value);
}

/* Never one that was there before, even for a row deleted and made again. */
static bool
next_version(struct writer *w, int64_t *v, struct error *e)
{
	auto_stmt sqlite3_stmt *get = NULL, *put = NULL;
	bool row;

	if ((get = db_stmt(&w->db, STMT_COUNTER_GET, e)) == NULL ||
	    (put = db_stmt(&w->db, STMT_COUNTER_PUT, e)) == NULL)
		return false;
	db_text(get, 1, VERSIONS);
	if (!db_step(&w->db, get, &row, e))
		return false;
	*v = (row ? sqlite3_column_int64(get, 0) : 0) + 1;
	db_text(put, 1, VERSIONS);
	db_int(put, 2, *v);
	return db_run(&w->db, put, e);
}

static bool
put_row(struct writer *w, const struct store_secret *r, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_SECRET_PUT, e);
	int64_t version;

	if (st == NULL || !next_version(w, &version, e))
		return false;
	bind_row(st, r, version);
	return db_run(&w->db, st, e) ||
	    (e->why == FAIL_EXISTS &&
		error_set(e, FAIL_EXISTS, "%s: its alias is another one's",
		    r->kind));
}

static bool
swap_row(struct writer *w, const struct store_secret *r, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_SECRET_SWAP, e);
	int64_t version;

	if (st == NULL || !next_version(w, &version, e))
		return false;
	bind_row(st, r, version);
	db_int(st, 9, (int64_t)r->version);
	if (!db_run(&w->db, st, e))
		return false;
	return sqlite3_changes(w->db.h) > 0 ||
	    error_set(e, FAIL_BUSY, "%s: somebody else changed it", r->kind);
}

/* Statements about a kind and a key, or a kind and a scope. */
static bool
keyed(struct writer *w, enum stmt which, const struct store_secret *r,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, which, e);

	if (st == NULL)
		return false;
	db_text(st, 1, r->kind);
	db_blob(st, 2, sha256_bytes(&r->key));
	return db_run(&w->db, st, e);
}

static bool
scoped(struct writer *w, enum stmt which, const struct store_secret *r,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, which, e);

	if (st == NULL)
		return false;
	db_text(st, 1, r->kind);
	db_text(st, 2, r->scope);
	return db_run(&w->db, st, e);
}

/* Only tokens have anything below them. */
static bool
is_token(const struct store_secret *r)
{
	return strcmp(r->kind, STORE_KIND_TOKEN) == 0;
}

static bool
delete_row(struct writer *w, const struct store_secret *r, struct error *e)
{
	return (!is_token(r) || keyed(w, STMT_LEASE_DUE_TREE, r, e)) &&
	    keyed(w, STMT_SECRET_DELETE, r, e);
}

static bool
delete_tree(struct writer *w, const struct store_secret *r, struct error *e)
{
	return keyed(w, STMT_LEASE_DUE_TREE, r, e) &&
	    keyed(w, STMT_SECRET_DELETE_TREE, r, e);
}

static bool
delete_scope(struct writer *w, const struct store_secret *r, struct error *e)
{
	return (!is_token(r) || scoped(w, STMT_LEASE_DUE_SCOPE, r, e)) &&
	    scoped(w, STMT_SECRET_DELETE_SCOPE, r, e);
}

static bool
delete_under(struct writer *w, const struct store_secret *r, struct error *e)
{
	return (!is_token(r) || scoped(w, STMT_LEASE_DUE_UNDER, r, e)) &&
	    scoped(w, STMT_SECRET_DELETE_UNDER, r, e);
}

static bool
put_below(struct writer *w, const struct store_secret *r, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_SECRET_GET, e);
	bool there;

	if (st == NULL)
		return false;
	db_text(st, 1, STORE_KIND_TOKEN);
	db_blob(st, 2, sha256_bytes(&r->parent));
	/* One that has ended and is still there makes the lease due when it goes. */
	db_int(st, 3, 0);
	if (!db_step(&w->db, st, &there, e))
		return false;
	return there ? put_row(w, r, e)
		     : error_set(e, FAIL_NOT_FOUND, "the token is gone");
}

static bool
leases_due(struct writer *w, const struct store_secret *r, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_LEASE_DUE_PREFIX, e);

	if (st == NULL)
		return false;
	db_text(st, 1, r->alias);
	db_int(st, 2, LIMIT_TIDY_ROWS);
	return db_run(&w->db, st, e);
}

static bool
apply(struct writer *w, void *arg, struct error *e)
{
	static bool (*const ops[])(struct writer *, const struct store_secret *,
	    struct error *) = {
		[STORE_SECRET_PUT] = put_row,
		[STORE_SECRET_SWAP] = swap_row,
		[STORE_SECRET_DELETE] = delete_row,
		[STORE_SECRET_DELETE_TREE] = delete_tree,
		[STORE_SECRET_DELETE_SCOPE] = delete_scope,
		[STORE_SECRET_DELETE_UNDER] = delete_under,
		[STORE_SECRET_PUT_BELOW] = put_below,
		[STORE_SECRET_LEASES_DUE] = leases_due,
	};
	struct writing *x = arg;

	for (size_t i = 0; i < x->n; i++)
		if (!ops[x->change[i].op](w, &x->change[i].row, e))
			return false;
	return true;
}

/* ---- the caller's side ------------------------------------------------- */

static void
writing_done(struct job *j, bool ok, const struct error *e)
{
	struct writing *x = (struct writing *)j;

	x->done(x->arg, ok, e);
	mem_free(x->change);
	buf_free(&x->mem);
	mem_free(x);
}

static const char *
keep(uint8_t **at, const char *text)
{
	size_t n;
	uint8_t *to = *at;

	if (text == NULL)
		return NULL;
	n = strlen(text) + 1;
	memcpy(to, text, n);
	*at += n;
	return (const char *)to;
}

static size_t
size_of(const struct store_secret *r)
{
	return strlen(r->kind) + 1 + strlen(r->scope) + 1 +
	    (r->alias == NULL ? 0 : strlen(r->alias) + 1) + r->value.n;
}

static void
copy_rows(struct writing *x, const struct store_secret_change *c)
{
	size_t total = 0;
	uint8_t *at;

	for (size_t i = 0; i < x->n; i++)
		total += size_of(&c[i].row);
	at = buf_reserve(&x->mem, total + 1);
	for (size_t i = 0; i < x->n; i++) {
		struct store_secret *r = &x->change[i].row;

		x->change[i] = c[i];
		r->kind = keep(&at, c[i].row.kind);
		r->scope = keep(&at, c[i].row.scope);
		r->alias = keep(&at, c[i].row.alias);
		if (r->value.n > 0)
			memcpy(at, c[i].row.value.p, r->value.n);
		r->value.p = at;
		at += r->value.n;
	}
}

void
store_secrets_write(struct store *s, const struct store_secret_change *c,
    size_t n, store_done_fn *done, void *arg)
{
	struct writing *x = mem_calloc(1, sizeof(*x));

	x->job = (struct job){ .run = apply,
		.arg = x,
		.durable = true,
		.done = writing_done };
	x->done = done;
	x->arg = arg;
	x->n = n;
	x->change = mem_calloc(n + 1, sizeof(*x->change));
	copy_rows(x, c);
	job_submit(s, &x->job);
}

struct expiry {
	int64_t before_s;
	size_t limit;
};

static bool
expire_by(struct writer *w, enum stmt which, const struct expiry *x,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, which, e);

	if (st == NULL)
		return false;
	db_int(st, 1, x->before_s);
	db_int(st, 2, (int64_t)x->limit);
	return db_run(&w->db, st, e);
}

static bool
expire(struct writer *w, void *arg, struct error *e)
{
	return expire_by(w, STMT_LEASE_DUE_EXPIRE, arg, e) &&
	    expire_by(w, STMT_SECRET_EXPIRE, arg, e);
}

/* Expired rows that come back after a power cut are still expired: no sync. */
bool
store_secret_expire(struct store *s, int64_t before_s, size_t limit,
    struct error *e)
{
	struct expiry x = { .before_s = before_s, .limit = limit };

	return job_wait(s, expire, &x, false, e);
}
