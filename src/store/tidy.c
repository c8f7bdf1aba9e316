/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Forgetting certificates, page by page, each the effect of a document that is recorded before.
 * What a page does follows from the rows and the record alone (fate_of): the service, a catch-up
 * after a crash and a rebuild come to the same, however often and when they do it.
 */
#include "internal.h"
#include "tidy_page.h"

/* Rows that one page looks through: some 10 ms of the writer's time. */
#define LOOK_ROWS 20000

struct tidy_row {
	uint8_t serial[LIMIT_SERIAL_BYTES];
	int64_t issuer, not_after, der; /* der 0: none */
	bool ours;            /* of the log whose records `below` counts */
	int64_t n, revoked_n; /* records; -1: none */
};

enum fate {
	FATE_KEEP,
	FATE_STRIP, /* the certificate goes, its revocation stays */
	FATE_FORGET
};

/* Revoked by a record that the page does not know: as good as not revoked. */
static enum fate
fate_of(const struct tidy_row *r, const struct store_tidy *t)
{
	int64_t below = (int64_t)t->below;
	bool revoked = r->revoked_n >= 0 && r->revoked_n < below;
	/* A foreign one came with its revocation. */
	int64_t brought = r->n >= 0 ? r->n : r->revoked_n;

	if (!r->ours || brought < 0 || brought >= below)
		return FATE_KEEP;
	if (revoked && r->not_after < t->revoked_before_s)
		return FATE_FORGET;
	if (r->not_after >= t->certs_before_s)
		return FATE_KEEP;
	if (!revoked)
		return FATE_FORGET;
	return r->der != 0 ? FATE_STRIP : FATE_KEEP;
}

/* ---- rows of a range ------------------------------------------------------------ */

static int64_t
opt_int(sqlite3_stmt *st, int at, int64_t dflt)
{
	return sqlite3_column_type(st, at) == SQLITE_NULL
	    ? dflt
	    : sqlite3_column_int64(st, at);
}

static void
read_row(sqlite3_stmt *st, int64_t log, struct tidy_row *r)
{
	memcpy(r->serial, db_col_blob(st, 0).p, LIMIT_SERIAL_BYTES);
	r->issuer = sqlite3_column_int64(st, 1);
	r->not_after = sqlite3_column_int64(st, 2);
	r->n = opt_int(st, 4, -1);
	r->ours = r->n < 0 || sqlite3_column_int64(st, 3) == log;
	r->revoked_n = opt_int(st, 5, -1);
	r->der = opt_int(st, 6, 0);
}

static sqlite3_stmt *
range(struct db *d, int64_t mount, const uint8_t *after, const uint8_t *to,
    struct error *e)
{
	sqlite3_stmt *st = db_stmt(d, STMT_CERT_RANGE, e);

	if (st == NULL)
		return NULL;
	db_int(st, 1, mount);
	db_blob(st, 2, bytes_of(after, LIMIT_SERIAL_BYTES));
	db_blob(st, 3, bytes_of(to, LIMIT_SERIAL_BYTES));
	return st;
}

/* Id of a name; 0: there is none. */
static bool
id_of(struct db *d, enum stmt which, const char *name, int64_t *id,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(d, which, e);
	bool row;

	if (st == NULL)
		return false;
	db_text(st, 1, name);
	if (!db_step(d, st, &row, e))
		return false;
	*id = row ? sqlite3_column_int64(st, 0) : 0;
	return true;
}

/* ---- looking ------------------------------------------------------------------- */

static void
count(struct store_tidy_count *n, const struct tidy_row *r, enum fate f)
{
	if (f == FATE_KEEP)
		return;
	n->rows++;
	n->certs += r->der != 0;
	n->revoked += r->revoked_n >= 0 && f == FATE_FORGET;
}

struct looking {
	int64_t log;
	size_t page;
	struct store_tidy *t;
	struct store_tidy_count *n;
};

/* Equal serials of two issuers are not parted. */
static bool
is_full(const struct looking *l, const struct tidy_row *r)
{
	return (l->n->rows >= l->page || l->n->looked >= LOOK_ROWS) &&
	    memcmp(r->serial, l->t->to, LIMIT_SERIAL_BYTES) != 0;
}

static bool
look(struct db *d, sqlite3_stmt *st, struct looking *l, struct error *e)
{
	struct tidy_row r;
	bool row;

	for (;;) {
		if (!db_step(d, st, &row, e))
			return false;
		l->n->end = !row;
		if (!row)
			return true;
		read_row(st, l->log, &r);
		if (is_full(l, &r))
			return true;
		memcpy(l->t->to, r.serial, LIMIT_SERIAL_BYTES);
		l->n->looked++;
		count(l->n, &r, fate_of(&r, l->t));
	}
}

bool
store_tidy_look(struct store *s, size_t page, struct store_tidy *t,
    struct store_tidy_count *n, struct error *e)
{
	struct looking l = { .page = page, .t = t, .n = n };
	uint8_t last[LIMIT_SERIAL_BYTES];
	auto_stmt sqlite3_stmt *st = NULL;
	struct db *d;
	int64_t id;

	*n = (struct store_tidy_count){ .end = true };
	memset(last, 0xff, sizeof(last));
	memcpy(t->to, t->after, sizeof(t->to));
	if (!store_sync(s, e) || (d = reader_get(s, e)) == NULL ||
	    !id_of(d, STMT_MOUNT_ID, t->mount, &id, e) ||
	    !id_of(d, STMT_LOG_ID, t->origin, &l.log, e))
		return false;
	if (id == 0)
		return true;
	st = range(d, id, t->after, last, e);
	return st != NULL && look(d, st, &l, e);
}

bool
tidy_has_page(const struct store_doc_op *op)
{
	struct store_tidy t;
	bool there = false;

	return strcmp(op->kind, STORE_KIND_TIDY) == 0 && op->value.n > 0 &&
	    tidy_page_read(op->value, &t, &there) && there;
}

/* ---- doing it ------------------------------------------------------------------- */

struct victims {
	struct tidy_row *v;
	size_t n, cap;
};

static void
victims_free(struct victims *v)
{
	mem_free(v->v);
}

static bool
collect(struct writer *w, int64_t mount, int64_t log,
    const struct store_tidy *t, struct victims *out, struct error *e)
{
	auto_stmt sqlite3_stmt *st = range(&w->db, mount, t->after, t->to, e);
	struct tidy_row r;
	bool row;

	if (st == NULL)
		return false;
	for (;;) {
		if (!db_step(&w->db, st, &row, e))
			return false;
		if (!row)
			return true;
		read_row(st, log, &r);
		if (fate_of(&r, t) == FATE_KEEP)
			continue;
		out->v = mem_grow(out->v, out->n, &out->cap, sizeof(r));
		out->v[out->n++] = r;
	}
}

static bool
remove_all(struct writer *w, struct known_mount *m, const struct store_tidy *t,
    const struct victims *v, struct error *e)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct tidy_row *r = &v->v[i];
		struct bytes serial = bytes_of(r->serial, LIMIT_SERIAL_BYTES);

		if (!(fate_of(r, t) == FATE_STRIP
			    ? writer_cert_strip(w, m, serial, r->issuer, r->der,
				  e)
			    : writer_cert_delete(w, m, serial, r->issuer, NULL,
				  e)))
			return false;
	}
	return true;
}

bool
tidy_apply(struct writer *w, const char *origin, const struct store_doc_op *op,
    struct error *e)
{
	auto_cleanup(victims_free) struct victims v = { 0 };
	struct known_mount *m;
	struct store_tidy t;
	int64_t id, log;
	bool there;

	if (strcmp(op->kind, STORE_KIND_TIDY) != 0 || op->value.n == 0)
		return true;
	if (!tidy_page_read(op->value, &t, &there))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s of \"%s\": its page is malformed", op->kind, op->scope);
	if (!there)
		return true;
	/* Not made by asking, as writer_mount does. */
	if (!id_of(&w->db, STMT_MOUNT_ID, op->scope, &id, e) ||
	    !writer_log(w, origin, &log, e))
		return false;
	return id == 0 ||
	    (writer_mount(w, op->scope, &m, e) &&
		collect(w, m->id, log, &t, &v, e) &&
		remove_all(w, m, &t, &v, e));
}
