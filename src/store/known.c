/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What repeats in rows is stored once (mounts, issuer keys, logs) and known to the
 * writer; and the counts of mounts that are not in their rows yet.
 */
#include "internal.h"

void
writer_forget(struct writer *w)
{
	for (size_t i = 0; i < w->mounts; i++) {
		mem_free(w->mount[i].name);
		mem_free(w->mount[i].since_log);
	}
	for (size_t i = 0; i < w->logs; i++)
		mem_free(w->log[i].origin);
	w->mounts = w->issuers = w->logs = 0;
	w->der_next = w->secret_version = 0;
	w->secret_version_used = false;
}

/* The id of a row by its only column, added when it is not there. */
static bool
intern(struct writer *w, enum stmt find, enum stmt add, struct bytes v,
    bool text, int64_t *id, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, find, e);
	auto_stmt sqlite3_stmt *in = db_stmt(&w->db, add, e);
	bool row;

	if (st == NULL || in == NULL)
		return false;
	for (int i = 0; i < 2; i++) {
		sqlite3_stmt *s = i == 0 ? st : in;

		if (text)
			db_text(s, 1, (const char *)v.p);
		else
			db_blob(s, 1, v);
	}
	if (!db_step(&w->db, st, &row, e))
		return false;
	if (row) {
		*id = sqlite3_column_int64(st, 0);
		return true;
	}
	if (!db_run(&w->db, in, e))
		return false;
	*id = sqlite3_last_insert_rowid(w->db.h);
	return true;
}

bool
writer_issuer(struct writer *w, const struct sha256 *key, int64_t *id,
    struct error *e)
{
	for (size_t i = 0; i < w->issuers; i++)
		if (memcmp(&w->issuer[i].key, key, sizeof(*key)) == 0) {
			*id = w->issuer[i].id;
			return true;
		}
	if (!intern(w, STMT_ISSUER_ID, STMT_ISSUER_ADD, sha256_bytes(key),
		false, id, e))
		return false;
	w->issuer = mem_grow(w->issuer, w->issuers, &w->issuers_cap,
	    sizeof(*w->issuer));
	w->issuer[w->issuers++] =
	    (struct known_issuer){ .id = *id, .key = *key };
	return true;
}

bool
writer_log(struct writer *w, const char *origin, int64_t *id, struct error *e)
{
	for (size_t i = 0; i < w->logs; i++)
		if (strcmp(w->log[i].origin, origin) == 0) {
			*id = w->log[i].id;
			return true;
		}
	if (!intern(w, STMT_LOG_ID, STMT_LOG_ADD, bytes_str(origin), true, id,
		e))
		return false;
	w->log = mem_grow(w->log, w->logs, &w->logs_cap, sizeof(*w->log));
	w->log[w->logs++] =
	    (struct known_log){ .id = *id, .origin = mem_strdup(origin) };
	return true;
}

static char *
log_name(struct writer *w, int64_t id, struct error *e)
{
	auto_mem char *sql =
	    mem_printf("SELECT origin FROM log WHERE id = %lld", (long long)id);
	sqlite3_stmt *st = NULL;
	char *name = NULL;
	int rc = sqlite3_prepare_v2(w->db.h, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
		name = mem_strdup(db_col_text(st, 0));
	else
		(void)db_error(&w->db, rc, e);
	(void)sqlite3_finalize(st);
	return name;
}

static bool
load_mount(struct writer *w, const char *name, struct known_mount *m,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_MOUNT_ID, e);
	bool row;

	if (st == NULL ||
	    !intern(w, STMT_MOUNT_ID, STMT_MOUNT_ADD, bytes_str(name), true,
		&m->id, e))
		return false;
	db_text(st, 1, name);
	if (!db_step(&w->db, st, &row, e))
		return false;
	if (!row)
		return error_set(e, FAIL_INTERNAL, "store: mount lost");
	if (sqlite3_column_type(st, 1) != SQLITE_NULL &&
	    (m->since_log = log_name(w, sqlite3_column_int64(st, 1), e)) ==
		NULL)
		return false;
	m->since = (uint64_t)sqlite3_column_int64(st, 2);
	return true;
}

bool
writer_mount(struct writer *w, const char *name, struct known_mount **out,
    struct error *e)
{
	struct known_mount m = { 0 };

	for (size_t i = 0; i < w->mounts; i++)
		if (strcmp(w->mount[i].name, name) == 0) {
			*out = &w->mount[i];
			return true;
		}
	if (!load_mount(w, name, &m, e)) {
		mem_free(m.since_log);
		return false;
	}
	m.name = mem_strdup(name);
	w->mount =
	    mem_grow(w->mount, w->mounts, &w->mounts_cap, sizeof(*w->mount));
	w->mount[w->mounts] = m;
	*out = &w->mount[w->mounts++];
	return true;
}

bool
writer_flush_counts(struct writer *w, struct error *e)
{
	for (size_t i = 0; i < w->mounts; i++) {
		struct known_mount *m = &w->mount[i];
		auto_stmt sqlite3_stmt *st = NULL;

		if (m->certs == 0 && m->revoked == 0)
			continue;
		st = db_stmt(&w->db, STMT_MOUNT_COUNTS, e);
		if (st == NULL)
			return false;
		db_int(st, 1, m->id);
		db_int(st, 2, m->certs);
		db_int(st, 3, m->revoked);
		if (!db_run(&w->db, st, e))
			return false;
		m->certs = m->revoked = 0;
	}
	return true;
}
