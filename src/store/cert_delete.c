/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/*
 * Forgetting certificates. Which ones is found out by the calling thread, page by
 * page; the writer only ever has a page to delete between its batches.
 */
#define PAGE_ROWS 1024

struct victim {
	uint8_t serial[LIMIT_SERIAL_BYTES];
	int64_t issuer;
};
struct sweep {
	const char *mount;
	int64_t expired_before_s;
	bool revoked_too;
	uint8_t
	    serial[LIMIT_SERIAL_BYTES]; /* behind which the next page begins */
	int64_t issuer;
	bool end;
	struct victim v[PAGE_ROWS];
	size_t n;
	uint64_t deleted;
};

static void
look(struct sweep *w, sqlite3_stmt *st)
{
	int64_t not_after = sqlite3_column_int64(st, 2);
	bool revoked = sqlite3_column_type(st, 3) != SQLITE_NULL;

	memcpy(w->serial, db_col_blob(st, 0).p, LIMIT_SERIAL_BYTES);
	w->issuer = sqlite3_column_int64(st, 1);
	if (not_after >= w->expired_before_s || (revoked && !w->revoked_too))
		return;
	memcpy(w->v[w->n].serial, w->serial, LIMIT_SERIAL_BYTES);
	w->v[w->n++].issuer = w->issuer;
}

static bool
next_page(struct store *s, struct sweep *w, bool first, struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st =
	    d == NULL ? NULL : db_stmt(d, STMT_CERT_PAGE, e);
	size_t rows = 0;
	bool row;

	w->n = 0;
	if (st == NULL)
		return false;
	db_text(st, 1, w->mount);
	db_blob(st, 2,
	    first ? (struct bytes){ 0 }
		  : bytes_of(w->serial, LIMIT_SERIAL_BYTES));
	db_int(st, 3, w->issuer);
	db_int(st, 4, PAGE_ROWS);
	for (;; rows++) {
		if (!db_step(d, st, &row, e))
			return false;
		if (!row)
			break;
		look(w, st);
	}
	w->end = rows < PAGE_ROWS;
	return true;
}

static bool
delete_page(struct writer *w, void *arg, struct error *e)
{
	struct sweep *sweep = arg;
	struct known_mount *m;
	bool there;

	if (!writer_mount(w, sweep->mount, &m, e))
		return false;
	for (size_t i = 0; i < sweep->n; i++) {
		if (!writer_cert_delete(w, m,
			bytes_of(sweep->v[i].serial, LIMIT_SERIAL_BYTES),
			sweep->v[i].issuer, &there, e))
			return false;
		sweep->deleted += there;
	}
	return true;
}

bool
store_cert_delete(struct store *s, const char *mount, int64_t expired_before_s,
    bool revoked_too, uint64_t *deleted, struct error *e)
{
	auto_mem struct sweep *w = mem_calloc(1, sizeof(*w));

	w->mount = mount;
	w->expired_before_s = expired_before_s;
	w->revoked_too = revoked_too;
	if (!store_sync(s, e))
		return false;
	for (bool first = true; !w->end; first = false)
		if (!next_page(s, w, first, e) ||
		    (w->n > 0 && !job_wait(s, delete_page, w, false, e)))
			return false;
	*deleted = w->deleted;
	return true;
}
