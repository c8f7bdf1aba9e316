/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/alloc.h>

#include "db.h"

static enum fail
fail_of(int rc)
{
	static const struct {
		int rc; /* primary code */
		enum fail why;
	} rows[] = { { SQLITE_FULL, FAIL_DISK_FULL }, { SQLITE_IOERR, FAIL_IO },
		{ SQLITE_CORRUPT, FAIL_CORRUPT },
		{ SQLITE_NOTADB, FAIL_CORRUPT }, { SQLITE_BUSY, FAIL_BUSY },
		{ SQLITE_LOCKED, FAIL_BUSY }, { SQLITE_PERM, FAIL_PERMISSION },
		{ SQLITE_READONLY, FAIL_PERMISSION },
		{ SQLITE_CANTOPEN, FAIL_IO }, { SQLITE_AUTH, FAIL_PERMISSION },
		{ SQLITE_CONSTRAINT, FAIL_EXISTS },
		{ SQLITE_TOOBIG, FAIL_BAD_INPUT },
		{ SQLITE_PROTOCOL, FAIL_BUSY } };

	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].rc == (rc & 0xff))
			return rows[i].why;
	return FAIL_INTERNAL;
}

bool
db_error(const struct db *d, int rc, struct error *e)
{
	enum fail why = fail_of(rc);

	if ((rc & 0xff) == SQLITE_NOMEM)
		fatal("out of memory (SQLite)");
	if (why == FAIL_CORRUPT)
		return error_set(e, why,
		    "store %s: %s; \"chancery store rebuild\" makes it again "
		    "from the register",
		    d->path, sqlite3_errstr(rc));
	if (d->h == NULL || sqlite3_extended_errcode(d->h) == SQLITE_OK)
		return error_set(e, why, "store %s: %s", d->path,
		    sqlite3_errstr(rc));
	return error_set(e, why, "store %s: %s (SQLite %d)", d->path,
	    sqlite3_errmsg(d->h), sqlite3_extended_errcode(d->h));
}

bool
db_fsync_failed(const struct db *d)
{
	int rc = sqlite3_extended_errcode(d->h);

	return rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC;
}

static const struct {
	int flags;
	const char *pragmas;
} modes[] = {
	/* 4 KiB: a new certificate changes one random page of the index, and the
	 * log takes it whole. */
	[DB_CREATE] = { SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	    "PRAGMA page_size=4096;PRAGMA journal_mode=OFF;"
	    "PRAGMA synchronous=FULL" },
	/* Checkpoints are the writer's own decision (writer.c). */
	[DB_WRITE] = { SQLITE_OPEN_READWRITE,
	    "PRAGMA foreign_keys=OFF;PRAGMA wal_autocheckpoint=0;"
	    "PRAGMA cache_size=-8000;PRAGMA temp_store=MEMORY" },
	[DB_READ] = { SQLITE_OPEN_READWRITE,
	    "PRAGMA query_only=ON;PRAGMA wal_autocheckpoint=0;"
	    "PRAGMA cache_size=" CACHE_READ ";PRAGMA temp_store=MEMORY" },
	[DB_READ_ONLY] = { SQLITE_OPEN_READONLY,
	    "PRAGMA cache_size=" CACHE_READ ";PRAGMA temp_store=MEMORY" },
};

bool
db_open(struct db *d, const char *path, enum db_mode mode, struct error *e)
{
	int rc;

	*d = (struct db){ .path = mem_strdup(path) };
	rc = sqlite3_open_v2(path, &d->h,
	    modes[mode].flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(d->h, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(d->h, BUSY_MS);
	if (rc != SQLITE_OK) {
		(void)db_error(d, rc, e);
		db_close(d);
		return false;
	}
	/* A file of ours has no views, triggers or functions that could do harm; one
	 * that somebody altered may not get them. */
	(void)sqlite3_db_config(d->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (db_exec(d, modes[mode].pragmas, e))
		return true;
	db_close(d);
	return false;
}

void
db_close(struct db *d)
{
	for (size_t i = 0; i < STMT__COUNT; i++)
		(void)sqlite3_finalize(d->stmt[i]);
	(void)sqlite3_close(d->h);
	mem_free(d->path);
	*d = (struct db){ 0 };
}

bool
db_exec(struct db *d, const char *sql, struct error *e)
{
	int rc = sqlite3_exec(d->h, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK || db_error(d, rc, e);
}

sqlite3_stmt *
db_stmt(struct db *d, enum stmt which, struct error *e)
{
	int rc;

	if (d->stmt[which] != NULL)
		return d->stmt[which];
	rc = sqlite3_prepare_v3(d->h, stmt_sql(which), -1,
	    SQLITE_PREPARE_PERSISTENT, &d->stmt[which], NULL);
	if (rc != SQLITE_OK)
		(void)db_error(d, rc, e);
	return d->stmt[which];
}

/* Binding fails for a number that the text does not have, or without memory. */
static void
bound(int rc)
{
	if (rc != SQLITE_OK)
		fatal("SQLite: bind: %s", sqlite3_errstr(rc));
}

void
db_int(sqlite3_stmt *s, int at, int64_t v)
{
	bound(sqlite3_bind_int64(s, at, v));
}

void
db_null(sqlite3_stmt *s, int at)
{
	bound(sqlite3_bind_null(s, at));
}

void
db_text(sqlite3_stmt *s, int at, const char *v)
{
	bound(sqlite3_bind_text(s, at, v, -1, SQLITE_STATIC));
}

void
db_blob(sqlite3_stmt *s, int at, struct bytes v)
{
	/* A NULL pointer would bind NULL. */
	bound(sqlite3_bind_blob64(s, at, v.n == 0 ? (const void *)"" : v.p, v.n,
	    SQLITE_STATIC));
}

bool
db_step(struct db *d, sqlite3_stmt *s, bool *row, struct error *e)
{
	int rc = sqlite3_step(s);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_error(d, rc, e);
	*row = rc == SQLITE_ROW;
	return true;
}

bool
db_run(struct db *d, sqlite3_stmt *s, struct error *e)
{
	bool row;

	return db_step(d, s, &row, e);
}

bool
db_value(struct db *d, const char *sql, int64_t *v, struct error *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(d->h, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*v = sqlite3_column_int64(s, 0);
	else if (rc == SQLITE_DONE)
		*v = 0;
	else
		(void)db_error(d, rc, e);
	(void)sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

struct bytes
db_col_blob(sqlite3_stmt *s, int at)
{
	const void *p = sqlite3_column_blob(s, at);

	return bytes_of(p, (size_t)sqlite3_column_bytes(s, at));
}

const char *
db_col_text(sqlite3_stmt *s, int at)
{
	const unsigned char *t = sqlite3_column_text(s, at);

	return t == NULL ? "" : (const char *)t;
}

bool
db_col_sha256(sqlite3_stmt *s, int at, struct sha256 *out)
{
	struct bytes v = db_col_blob(s, at);

	if (v.n != SHA256_LEN)
		return false;
	memcpy(out->b, v.p, SHA256_LEN);
	return true;
}
