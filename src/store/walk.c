/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#define CACHE_WALK "-32768"

static bool
read_mounts(struct walk *w, struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(w->d, STMT_MOUNT_LIST, e);
	bool row;

	if (st == NULL)
		return false;
	for (;;) {
		if (!db_step(w->d, st, &row, e))
			return false;
		if (!row)
			return true;
		w->mount =
		    mem_grow(w->mount, w->mounts, &w->cap, sizeof(*w->mount));
		w->mount[w->mounts++] = (struct walk_mount){
			.id = sqlite3_column_int64(st, 0),
			.name = mem_strdup(db_col_text(st, 1)),
			.certs = (uint64_t)sqlite3_column_int64(st, 2),
			.revoked = (uint64_t)sqlite3_column_int64(st, 3),
		};
	}
}

bool
walk_open(struct walk *w, struct store *s, struct error *e)
{
	*w = (struct walk){ 0 };
	if ((!s->read_only && !store_sync(s, e)) ||
	    (w->d = reader_get(s, e)) == NULL || !db_exec(w->d, "BEGIN", e))
		return false;
	w->reading = true;
	/* Certificates are visited in another order than they lie in the file. */
	if (!db_exec(w->d, "PRAGMA cache_size=" CACHE_WALK, e) ||
	    (w->certs = db_stmt(w->d, STMT_CERT_ALL, e)) == NULL ||
	    (w->docs = db_stmt(w->d, STMT_DOC_LIST, e)) == NULL ||
	    !read_mounts(w, e))
		return false;
	if (w->mounts > 0)
		db_int(w->certs, 1, w->mount[0].id);
	return true;
}

void
walk_close(struct walk *w)
{
	struct error ignored;

	db_stmt_cleanup(&w->certs);
	db_stmt_cleanup(&w->docs);
	if (w->reading)
		(void)!db_exec(w->d, "COMMIT;PRAGMA cache_size=" CACHE_READ,
		    &ignored);
	for (size_t i = 0; i < w->mounts; i++)
		mem_free(w->mount[i].name);
	mem_free(w->mount);
	*w = (struct walk){ 0 };
}

bool
walk_cert(struct walk *w, bool *row, struct store_cert *c, struct error *e)
{
	bool has_der;

	for (*row = false; w->at < w->mounts;) {
		if (!db_step(w->d, w->certs, row, e))
			return false;
		if (*row)
			break;
		(void)sqlite3_reset(w->certs);
		if (++w->at < w->mounts)
			db_int(w->certs, 1, w->mount[w->at].id);
	}
	if (!*row)
		return true;
	if (!cert_row(w->certs, c, &has_der, e))
		return false;
	return has_der == (c->der.n > 0) ||
	    error_set(e, FAIL_CORRUPT,
		"store: a certificate of mount \"%s\" is missing; \"chancery "
		"store rebuild\" makes it again",
		c->mount);
}

bool
walk_doc(struct walk *w, bool *row, struct walk_doc *out, struct error *e)
{
	if (!db_step(w->d, w->docs, row, e))
		return false;
	if (*row)
		*out = (struct walk_doc){ .kind = db_col_text(w->docs, 0),
			.scope = db_col_text(w->docs, 1),
			.name = db_col_text(w->docs, 2),
			.value = db_col_blob(w->docs, 3),
			.version = (uint64_t)sqlite3_column_int64(w->docs, 4) };
	return true;
}
