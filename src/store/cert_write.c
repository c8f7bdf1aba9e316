/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates and revocations into the file, on the writer's thread. */
#include "internal.h"

/* Rows of a removed mount that one transaction takes away. */
#define RECLAIM_ROWS 512

/* ---- certificates ------------------------------------------------------ */

static bool
next_der(struct writer *w, struct error *e)
{
	auto_stmt sqlite3_stmt *st = NULL;
	bool row;

	if (w->der_next != 0)
		return true;
	st = db_stmt(&w->db, STMT_DER_LAST, e);
	if (st == NULL || !db_step(&w->db, st, &row, e))
		return false;
	w->der_next = sqlite3_column_int64(st, 0) + 1;
	return true;
}

static void
bind_id(sqlite3_stmt *st, int64_t mount, struct bytes serial, int64_t issuer)
{
	db_int(st, 1, mount);
	db_blob(st, 2, serial);
	db_int(st, 3, issuer);
}

static struct bytes
serial_bytes(const struct store_cert *c)
{
	return bytes_of(c->serial, LIMIT_SERIAL_BYTES);
}

static bool
put_row(struct writer *w, const struct known_mount *m,
    const struct store_cert *c, bool *added, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_CERT_ADD, e);
	int64_t issuer, log;

	if (st == NULL || !next_der(w, e) ||
	    !writer_issuer(w, &c->issuer_key, &issuer, e) ||
	    !writer_log(w, c->origin, &log, e))
		return false;
	bind_id(st, m->id, serial_bytes(c), issuer);
	db_int(st, 4, c->not_before_s);
	db_int(st, 5, c->not_after_s);
	db_int(st, 6, log);
	if (c->index == UINT64_MAX)
		db_null(st, 7);
	else
		db_int(st, 7, (int64_t)c->index);
	db_int(st, 8, c->ca);
	if (c->der.n == 0)
		db_null(st, 9);
	else
		db_int(st, 9, w->der_next);
	if (!db_run(&w->db, st, e))
		return false;
	*added = sqlite3_changes(w->db.h) > 0;
	return true;
}

static bool
put_der(struct writer *w, struct bytes der, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_DER_ADD, e);

	if (st == NULL)
		return false;
	db_int(st, 1, w->der_next);
	db_blob(st, 2, der);
	if (!db_run(&w->db, st, e))
		return false;
	w->der_next++;
	return true;
}

/* One that was signed before the mount of its name was removed went with it. */
static bool
gone_with_mount(const struct known_mount *m, const struct store_cert *c)
{
	return m->since_log != NULL && c->index < m->since &&
	    strcmp(m->since_log, c->origin) == 0;
}

static bool
put_cert(struct writer *w, const struct store_cert *c, struct error *e)
{
	struct known_mount *m;
	bool added;

	if (!writer_mount(w, c->mount, &m, e))
		return false;
	if (gone_with_mount(m, c))
		return true;
	if (!put_row(w, m, c, &added, e))
		return false;
	if (!added || c->der.n == 0)
		return true;
	m->certs++;
	return put_der(w, c->der, e);
}

/* ---- revocations ------------------------------------------------------- */

static bool
revoke_in(struct writer *w, int64_t mount, const struct store_cert *c,
    int64_t issuer, bool *changed, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_CERT_REVOKE, e);

	if (st == NULL)
		return false;
	bind_id(st, mount, serial_bytes(c), issuer);
	db_int(st, 4, c->revoked_s);
	db_int(st, 5, c->reason);
	db_int(st, 6, (int64_t)c->revoke_index);
	if (!db_run(&w->db, st, e))
		return false;
	*changed = sqlite3_changes(w->db.h) > 0;
	return true;
}

/* Names of all mounts: a revocation does not tell where its certificate lies. */
static bool
mount_names(struct writer *w, char ***names, size_t *n, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_MOUNT_LIST, e);
	size_t cap = 0;
	bool row;

	if (st == NULL)
		return false;
	for (;;) {
		if (!db_step(&w->db, st, &row, e))
			return false;
		if (!row)
			return true;
		*names = mem_grow(*names, *n, &cap, sizeof(char *));
		(*names)[(*n)++] = mem_strdup(db_col_text(st, 1));
	}
}

static bool
revoke_cert(struct writer *w, const struct store_cert *c, struct error *e)
{
	char **names = NULL;
	struct known_mount *m;
	bool changed = false, ok;
	int64_t issuer;
	size_t n = 0;

	ok = writer_issuer(w, &c->issuer_key, &issuer, e) &&
	    mount_names(w, &names, &n, e);
	for (size_t i = 0; ok && !changed && i < n; i++) {
		ok = writer_mount(w, names[i], &m, e) &&
		    revoke_in(w, m->id, c, issuer, &changed, e);
		if (ok && changed)
			m->revoked++;
	}
	for (size_t i = 0; i < n; i++)
		mem_free(names[i]);
	mem_free(names);
	return ok;
}

static bool
put_position(struct writer *w, const struct store_cert *c, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_LOG_POSITION, e);
	int64_t log;

	if (st == NULL || !writer_log(w, c->origin, &log, e))
		return false;
	db_int(st, 1, log);
	db_int(st, 2, (int64_t)c->index);
	return db_run(&w->db, st, e);
}

bool
writer_apply(struct writer *w, const struct op *op, struct error *e)
{
	static bool (*const apply[])(struct writer *, const struct store_cert *,
	    struct error *) = {
		[OP_PUT] = put_cert,
		[OP_REVOKE] = revoke_cert,
		[OP_POSITION] = put_position,
	};

	return apply[op->kind](w, &op->cert, e);
}

/* ---- away -------------------------------------------------------------- */

static bool
delete_row(struct writer *w, enum stmt which, int64_t id, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, which, e);

	if (st == NULL)
		return false;
	db_int(st, 1, id);
	return db_run(&w->db, st, e);
}

struct found {
	bool there, revoked;
	int64_t der; /* 0: none */
};

static bool
find_cert(struct writer *w, int64_t mount, struct bytes serial, int64_t issuer,
    struct found *f, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_CERT_FIND, e);

	if (st == NULL)
		return false;
	bind_id(st, mount, serial, issuer);
	if (!db_step(&w->db, st, &f->there, e))
		return false;
	if (!f->there)
		return true;
	f->der = sqlite3_column_int64(st, 0);
	f->revoked = sqlite3_column_type(st, 1) != SQLITE_NULL;
	return true;
}

bool
writer_cert_delete(struct writer *w, struct known_mount *m, struct bytes serial,
    int64_t issuer, bool *was_there, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_CERT_DELETE, e);
	struct found f = { 0 };

	if (st == NULL || !find_cert(w, m->id, serial, issuer, &f, e))
		return false;
	if (was_there != NULL)
		*was_there = f.there;
	if (!f.there)
		return true;
	bind_id(st, m->id, serial, issuer);
	if (!db_run(&w->db, st, e))
		return false;
	m->revoked -= f.revoked;
	m->certs -= f.der != 0;
	return f.der == 0 || delete_row(w, STMT_DER_DELETE, f.der, e);
}

bool
writer_cert_strip(struct writer *w, struct known_mount *m, struct bytes serial,
    int64_t issuer, int64_t der, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_CERT_STRIP, e);

	if (st == NULL)
		return false;
	bind_id(st, m->id, serial, issuer);
	if (!db_run(&w->db, st, e))
		return false;
	m->certs--;
	return delete_row(w, STMT_DER_DELETE, der, e);
}

bool
writer_mount_retire(struct writer *w, const char *name, const char *origin,
    uint64_t index, struct error *e)
{
	auto_stmt sqlite3_stmt *st = NULL, *since = NULL;
	int64_t log;

	if (!writer_flush_counts(w, e) || !writer_log(w, origin, &log, e) ||
	    (st = db_stmt(&w->db, STMT_MOUNT_RETIRE, e)) == NULL ||
	    (since = db_stmt(&w->db, STMT_MOUNT_SINCE, e)) == NULL)
		return false;
	db_text(st, 1, name);
	if (!db_run(&w->db, st, e))
		return false;
	w->retired = w->retired || sqlite3_changes(w->db.h) > 0;
	db_text(since, 1, name);
	db_int(since, 2, log);
	db_int(since, 3, (int64_t)index);
	if (!db_run(&w->db, since, e))
		return false;
	writer_forget(w);
	return true;
}

struct cert_id {
	uint8_t serial[LIMIT_SERIAL_BYTES];
	int64_t issuer;
};

static bool
some_of(struct writer *w, int64_t mount, struct cert_id *v, size_t *n,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_CERT_OF_MOUNT, e);
	bool row;

	*n = 0;
	if (st == NULL)
		return false;
	db_int(st, 1, mount);
	db_int(st, 2, RECLAIM_ROWS);
	for (;;) {
		if (!db_step(&w->db, st, &row, e))
			return false;
		if (!row)
			return true;
		memcpy(v[*n].serial, db_col_blob(st, 0).p, LIMIT_SERIAL_BYTES);
		v[(*n)++].issuer = sqlite3_column_int64(st, 1);
	}
}

static bool
retired_mount(struct writer *w, int64_t *id, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_MOUNT_RETIRED, e);

	if (st == NULL || !db_step(&w->db, st, &w->retired, e))
		return false;
	*id = w->retired ? sqlite3_column_int64(st, 0) : 0;
	return true;
}

bool
writer_reclaim(struct writer *w, struct error *e)
{
	struct known_mount m = { 0 };
	struct cert_id v[RECLAIM_ROWS];
	size_t n;

	if (!retired_mount(w, &m.id, e))
		return false;
	if (!w->retired)
		return true;
	if (!some_of(w, m.id, v, &n, e))
		return false;
	if (n == 0)
		return delete_row(w, STMT_MOUNT_DELETE, m.id, e);
	for (size_t i = 0; i < n; i++)
		if (!writer_cert_delete(w, &m,
			bytes_of(v[i].serial, LIMIT_SERIAL_BYTES), v[i].issuer,
			NULL, e))
			return false;
	return true;
}
