/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"
#include "walk.h"

/* Whether a store is whole, and what is in it. */

static bool
integrity(struct db *d, struct error *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(d->h, "PRAGMA integrity_check(1)", -1, &st,
	    NULL);
	bool ok = false;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		(void)db_error(d, rc, e);
	else if (strcmp(db_col_text(st, 0), "ok") == 0)
		ok = true;
	else
		(void)error_set(e, FAIL_CORRUPT, "store %s: %.300s", d->path,
		    db_col_text(st, 0));
	(void)sqlite3_finalize(st);
	return ok;
}

static bool
count_certs(struct walk *w, struct store_report *r, struct error *e)
{
	uint64_t *certs = mem_calloc(w->mounts + 1, sizeof(*certs));
	uint64_t *revoked = mem_calloc(w->mounts + 1, sizeof(*revoked));
	struct store_cert c;
	bool row = true, ok = true;

	while (ok && row && (ok = walk_cert(w, &row, &c, e)) && row) {
		certs[w->at] += c.der.n > 0;
		revoked[w->at] += c.revoked_s != 0;
		r->certs += c.der.n > 0;
		r->revoked += c.revoked_s != 0;
		r->not_stored += c.der.n == 0;
	}
	for (size_t i = 0; ok && i < w->mounts; i++)
		if (w->mount[i].certs != certs[i] ||
		    w->mount[i].revoked != revoked[i])
			ok = error_set(e, FAIL_CORRUPT,
			    "store: mount \"%s\" is said to have %llu "
			    "certificates, %llu revoked; there are %llu and "
			    "%llu",
			    w->mount[i].name,
			    (unsigned long long)w->mount[i].certs,
			    (unsigned long long)w->mount[i].revoked,
			    (unsigned long long)certs[i],
			    (unsigned long long)revoked[i]);
	mem_free(certs);
	mem_free(revoked);
	return ok;
}

static bool
count(struct db *d, const char *sql, uint64_t *out, struct error *e)
{
	int64_t v;

	if (!db_value(d, sql, &v, e))
		return false;
	*out = (uint64_t)v;
	return true;
}

bool
store_check(struct store *s, struct store_report *out, struct error *e)
{
	auto_walk struct walk w = { 0 };
	struct store_report r = { 0 };
	uint64_t pages, size;

	if (!walk_open(&w, s, e) || !schema_check(w.d, &r.schema, e) ||
	    !integrity(w.d, e) || !count_certs(&w, &r, e) ||
	    !count(w.d, "SELECT count(*) FROM doc", &r.docs, e) ||
	    !count(w.d, "SELECT count(*) FROM secret", &r.secrets, e) ||
	    !count(w.d, "PRAGMA page_count", &pages, e) ||
	    !count(w.d, "PRAGMA page_size", &size, e))
		return false;
	r.bytes = pages * size;
	*out = r;
	return true;
}

/* Rows of a name and a number, until `each` has seen enough. */
static bool
each_pair(struct store *s, enum stmt which,
    bool (*each)(void *arg, const char *name, uint64_t n), void *arg,
    struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = d == NULL ? NULL : db_stmt(d, which, e);
	bool row;

	if (st == NULL)
		return false;
	for (;;) {
		if (!db_step(d, st, &row, e))
			return false;
		if (!row ||
		    !each(arg, db_col_text(st, 0),
			(uint64_t)sqlite3_column_int64(st, 1)))
			return true;
	}
}

bool
store_log_each(struct store *s, store_log_each_fn *each, void *arg,
    struct error *e)
{
	return each_pair(s, STMT_LOG_LIST, each, arg, e);
}

bool
store_secret_counts(struct store *s, store_secret_count_fn *each, void *arg,
    struct error *e)
{
	return each_pair(s, STMT_SECRET_COUNTS, each, arg, e);
}
