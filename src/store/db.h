/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One connection to SQLite, used by one thread: opened with our settings, statements
 * prepared once and kept, errors as ours. What SQL there is stands in sql.c.
 */
#include <sqlite3.h>

#include <chancery/base/bytes.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

#include "sql.h"

enum db_mode {
	DB_CREATE, /* a new file, no write-ahead log yet */
	DB_WRITE,
	DB_READ, /* of a process that also writes */
	DB_READ_ONLY
};
struct db {
	sqlite3 *h;
	sqlite3_stmt *stmt[STMT__COUNT];
	char *path;
};
/* A reader waits this long while another connection recovers or closes the log. */
#define BUSY_MS 5000
/* KiB of pages that a reader keeps. */
#define CACHE_READ "-1000"
bool db_open(struct db *d, const char *path, enum db_mode mode,
    struct error *e) must_check;
void db_close(struct db *d);

/* One statement or several of fixed text. */
bool db_exec(struct db *d, const char *sql, struct error *e) must_check;
/* The prepared statement, fresh; NULL on failure. Give it to auto_stmt. */
sqlite3_stmt *db_stmt(struct db *d, enum stmt which, struct error *e);
static inline void
db_stmt_cleanup(sqlite3_stmt *const *s)
{
	if (*s == NULL)
		return;
	(void)sqlite3_reset(*s);
	(void)sqlite3_clear_bindings(*s);
}
#define auto_stmt auto_cleanup(db_stmt_cleanup)
/* Bind what cannot fail but by a bug. Texts and blobs are borrowed: they have to
 * live until the statement is reset. NULL text binds NULL. */
void db_int(sqlite3_stmt *s, int at, int64_t v);
void db_text(sqlite3_stmt *s, int at, const char *v);
void db_blob(sqlite3_stmt *s, int at, struct bytes v);
void db_null(sqlite3_stmt *s, int at);
/* *row tells whether there is one. */
bool db_step(struct db *d, sqlite3_stmt *s, bool *row,
    struct error *e) must_check;
/* A statement without an answer. */
bool db_run(struct db *d, sqlite3_stmt *s, struct error *e) must_check;
/* One integer of a statement without parameters; 0 when there is no row. */
bool db_value(struct db *d, const char *sql, int64_t *v,
    struct error *e) must_check;

/* Columns; valid until the next step. */
struct bytes db_col_blob(sqlite3_stmt *s, int at);
const char *db_col_text(sqlite3_stmt *s, int at); /* "" for NULL */
bool db_col_sha256(sqlite3_stmt *s, int at, struct sha256 *out);

/* The connection's last error as ours. Returns false. */
bool db_error(const struct db *d, int rc, struct error *e);
/* Nobody knows what is on the disk: a failed fsync. */
bool db_fsync_failed(const struct db *d);
