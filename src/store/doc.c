/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include <chancery/base/json.h>

#include "internal.h"

/* Documents: lists of changes as canonical JSON, applied once, in one transaction. */

void
store_docs_encode(const struct store_doc_op *ops, size_t n, struct buf *json)
{
	struct json_writer w;

	json_begin(&w, json);
	json_array_begin(&w);
	for (size_t i = 0; i < n; i++) {
		bool put = ops[i].value.n > 0;

		json_object_begin(&w);
		json_kv_str(&w, "kind", ops[i].kind);
		json_kv_str(&w, "name", ops[i].name);
		json_kv_str(&w, "op", put ? "put" : "delete");
		json_kv_str(&w, "scope", ops[i].scope);
		if (put) {
			json_key(&w, "value");
			json_raw(&w, ops[i].value);
		}
		json_object_end(&w);
	}
	json_array_end(&w);
}

/* ---- reading a list ---------------------------------------------------- */

struct reading {
	struct buf kind, scope, name, op;
	struct bytes value; /* empty: delete */
};

static const struct {
	const char *key;
	size_t at;
} texts[] = {
	{ "kind", offsetof(struct reading, kind) },
	{ "name", offsetof(struct reading, name) },
	{ "op", offsetof(struct reading, op) },
	{ "scope", offsetof(struct reading, scope) },
};

static struct buf *
text_of(struct reading *c, struct bytes key)
{
	for (size_t i = 0; i < countof(texts); i++)
		if (bytes_eq(key, bytes_str(texts[i].key)))
			return (
			    struct buf *)(void *)((uint8_t *)c + texts[i].at);
	return NULL;
}

static void
reading_free(struct reading *c)
{
	buf_free(&c->kind);
	buf_free(&c->name);
	buf_free(&c->op);
	buf_free(&c->scope);
}

static bool
name_ok(struct buf *b)
{
	/* A NUL inside would end the text early. */
	return b->n <= STORE_NAME_MAX && memchr(buf_cstr(b), 0, b->n) == NULL;
}

static bool
read_change(struct json_reader *r, struct reading *c)
{
	struct bytes key;
	struct buf *text;
	bool put;

	buf_reset(&c->kind);
	buf_reset(&c->name);
	buf_reset(&c->op);
	buf_reset(&c->scope);
	c->value = (struct bytes){ 0 };
	json_enter_object(r);
	while (json_next_key(r, &key)) {
		text = text_of(c, key);
		if (text != NULL)
			(void)json_get_str(r, text);
		else if (bytes_eq(key, bytes_str("value")))
			c->value = json_get_value(r);
		else
			return false;
	}
	put = strcmp(buf_cstr(&c->op), "put") == 0;
	return !r->failed && (put || strcmp(buf_cstr(&c->op), "delete") == 0) &&
	    put == (c->value.n > 0) && c->kind.n > 0 && name_ok(&c->kind) &&
	    name_ok(&c->name) && name_ok(&c->scope);
}

bool
store_changes_each(struct bytes json, store_change_fn *each, void *arg,
    struct error *e)
{
	struct reading c = { 0 };
	struct store_doc_op op;
	struct json_reader r;
	bool ok = true, mine = false;

	json_read(&r, json);
	json_enter_array(&r);
	while (ok && json_next_element(&r)) {
		mine = !read_change(&r, &c);
		op = (struct store_doc_op){ (const char *)c.kind.p,
			(const char *)c.scope.p, (const char *)c.name.p,
			c.value };
		ok = !mine && each(arg, &op, e);
	}
	reading_free(&c);
	if (mine || (ok && !json_done(&r)))
		return error_set(e, FAIL_BAD_INPUT,
		    "not a list of changes of configuration (at octet %zu)",
		    r.at);
	return ok;
}

static bool
accept_change(void *arg, const struct store_doc_op *c,
    unused_arg struct error *e)
{
	bool *tidies = arg;

	*tidies = *tidies || tidy_has_page(c);
	return true;
}

/* ---- applying it ------------------------------------------------------- */

struct applying {
	struct writer *w;
	struct bytes json;
	const char *origin;
	uint64_t index;
};

static bool
doc_exists(struct writer *w, const struct store_doc_op *c, bool *there,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_DOC_GET, e);

	if (st == NULL)
		return false;
	db_text(st, 1, c->kind);
	db_text(st, 2, c->scope);
	db_text(st, 3, c->name);
	return db_step(&w->db, st, there, e);
}

/* A mount that is removed takes its certificates along; one that is made has none,
 * whatever a request that was under way left under its name. */
static bool
apply_mount(struct applying *a, const struct store_doc_op *c, struct error *e)
{
	bool there;

	if (strcmp(c->kind, STORE_KIND_MOUNT) != 0 || c->scope[0] != '\0')
		return true;
	if (!doc_exists(a->w, c, &there, e))
		return false;
	if (there == (c->value.n > 0))
		return true;
	return writer_mount_retire(a->w, c->name, a->origin, a->index, e);
}

/* Kinds whose past is kept: where a certificate belongs is decided by what was there
 * when it was asked for, also when its records are read again later. */
static bool
keep_past(struct applying *a, const struct store_doc_op *c, struct error *e)
{
	static const char *const kinds[] = { STORE_KIND_MOUNT, STORE_KIND_KEY };
	auto_stmt sqlite3_stmt *st = NULL;
	size_t i = 0;

	while (i < countof(kinds) && strcmp(kinds[i], c->kind) != 0)
		i++;
	if (i == countof(kinds))
		return true;
	if ((st = db_stmt(&a->w->db, STMT_DOC_KEEP, e)) == NULL)
		return false;
	db_text(st, 1, c->kind);
	db_text(st, 2, c->scope);
	db_text(st, 3, c->name);
	db_int(st, 4, (int64_t)a->index);
	return db_run(&a->w->db, st, e);
}

static bool
apply_change(void *arg, const struct store_doc_op *c, struct error *e)
{
	struct applying *a = arg;
	struct db *d = &a->w->db;
	bool put = c->value.n > 0;
	auto_stmt sqlite3_stmt *st = NULL;

	if (!apply_mount(a, c, e) || !keep_past(a, c, e) ||
	    (st = db_stmt(d, put ? STMT_DOC_PUT : STMT_DOC_DELETE, e)) == NULL)
		return false;
	db_text(st, 1, c->kind);
	db_text(st, 2, c->scope);
	db_text(st, 3, c->name);
	if (put) {
		db_int(st, 4, (int64_t)a->index + 1);
		db_blob(st, 5, c->value);
	}
	return db_run(d, st, e) && tidy_apply(a->w, a->origin, c, e);
}

/* The document may be another by now; what its page took may be back. */
static bool
apply_again(void *arg, const struct store_doc_op *c, struct error *e)
{
	struct applying *a = arg;

	return tidy_apply(a->w, a->origin, c, e);
}

/* *newest: one more than the index of the last one applied. */
static bool
newest_config(struct writer *w, const char *origin, int64_t *newest,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_LOG_GET, e);
	bool row;

	if (st == NULL)
		return false;
	db_text(st, 1, origin);
	if (!db_step(&w->db, st, &row, e))
		return false;
	*newest = row ? sqlite3_column_int64(st, 1) : 0;
	return true;
}

static bool
set_newest(struct writer *w, const char *origin, int64_t newest,
    struct error *e)
{
	auto_stmt sqlite3_stmt *st = db_stmt(&w->db, STMT_LOG_CONFIG, e);
	int64_t log;

	if (st == NULL || !writer_log(w, origin, &log, e))
		return false;
	db_int(st, 1, log);
	db_int(st, 2, newest);
	return db_run(&w->db, st, e);
}

static bool
apply_docs(struct writer *w, void *arg, struct error *e)
{
	struct applying *a = arg;
	int64_t newest;

	a->w = w;
	if (!newest_config(w, a->origin, &newest, e))
		return false;
	if ((int64_t)a->index < newest)
		return store_changes_each(a->json, apply_again, a, e);
	return store_changes_each(a->json, apply_change, a, e) &&
	    set_newest(w, a->origin, (int64_t)a->index + 1, e);
}

/* Under the lock. */
static bool
in_order(struct store *s, uint64_t index, struct error *e)
{
	if (!s->owes_docs || index <= s->docs_owed)
		return true;
	store_gap(s);
	return error_set(e, FAIL_BUSY,
	    "store: the change of record %llu has to be applied first",
	    (unsigned long long)s->docs_owed);
}

static void
note_outcome(struct store *s, uint64_t index, bool ok)
{
	if (ok) {
		if (s->owes_docs && index == s->docs_owed)
			s->owes_docs = false;
		return;
	}
	store_gap(s);
	if (!s->owes_docs || index < s->docs_owed)
		s->docs_owed = index;
	s->owes_docs = true;
}

bool
store_docs_apply(struct store *s, struct bytes json, const char *origin,
    uint64_t index, struct error *e)
{
	struct applying a = { .json = json, .origin = origin, .index = index };
	bool ok, tidies = false;

	/* Looked at here, so that a wrong one costs the writer nothing. */
	if (!store_changes_each(json, accept_change, &tidies, e))
		return false;
	/* A transaction does not take every row that waits. */
	if (tidies && !store_sync(s, e))
		return false;
	(void)pthread_mutex_lock(&s->lock);
	ok = in_order(s, index, e);
	(void)pthread_mutex_unlock(&s->lock);
	if (!ok)
		return false;
	ok = job_wait(s, apply_docs, &a, true, e);
	(void)pthread_mutex_lock(&s->lock);
	note_outcome(s, index, ok);
	(void)pthread_mutex_unlock(&s->lock);
	return ok;
}

/* ---- reading ----------------------------------------------------------- */

bool
store_doc_get(struct store *s, const char *kind, const char *scope,
    const char *name, struct buf *value, uint64_t *version, struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = NULL;
	bool row;

	if (d == NULL || (st = db_stmt(d, STMT_DOC_GET, e)) == NULL)
		return false;
	db_text(st, 1, kind);
	db_text(st, 2, scope);
	db_text(st, 3, name);
	if (!db_step(d, st, &row, e))
		return false;
	if (!row)
		return error_set(e, FAIL_NOT_FOUND, "no %s \"%s\" in \"%s\"",
		    kind, name, scope);
	buf_add_bytes(value, db_col_blob(st, 0));
	if (version != NULL)
		*version = (uint64_t)sqlite3_column_int64(st, 1);
	return true;
}

bool
store_doc_list(struct store *s, const char *kind, const char *scope,
    store_doc_each_fn *each, void *arg, struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = NULL;
	bool row;

	if (d == NULL ||
	    (st = db_stmt(d,
		 kind == NULL        ? STMT_DOC_LIST
		     : scope == NULL ? STMT_DOC_LIST_KIND
				     : STMT_DOC_LIST_SCOPE,
		 e)) == NULL)
		return false;
	if (kind != NULL)
		db_text(st, 1, kind);
	if (kind != NULL && scope != NULL)
		db_text(st, 2, scope);
	for (;;) {
		if (!db_step(d, st, &row, e))
			return false;
		if (!row ||
		    !each(arg, db_col_text(st, 0), db_col_text(st, 1),
			db_col_text(st, 2), db_col_blob(st, 3),
			(uint64_t)sqlite3_column_int64(st, 4)))
			return true;
	}
}

bool
store_doc_eras(struct store *s, const char *kind, store_doc_era_fn *each,
    void *arg, struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st =
	    d == NULL ? NULL : db_stmt(d, STMT_DOC_ERAS, e);
	bool row;

	if (st == NULL)
		return false;
	db_text(st, 1, kind);
	for (;;) {
		if (!db_step(d, st, &row, e))
			return false;
		if (!row ||
		    !each(arg, db_col_text(st, 0), db_col_text(st, 1),
			db_col_blob(st, 2),
			(uint64_t)sqlite3_column_int64(st, 3),
			(uint64_t)sqlite3_column_int64(st, 4)))
			return true;
	}
}
