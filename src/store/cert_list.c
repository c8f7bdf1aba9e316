/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "internal.h"

/*
 * A page of certificates in the order of serials: rows of the file merged with what
 * waits for the writer.
 */

static int
by_serial(const void *a, const void *b)
{
	const struct op *const *x = a, *const *y = b;
	int d =
	    memcmp((*x)->cert.serial, (*y)->cert.serial, LIMIT_SERIAL_BYTES);

	return d != 0 ? d
		      : memcmp(&(*x)->cert.issuer_key, &(*y)->cert.issuer_key,
			    SHA256_LEN);
}

static bool
same_cert(const struct store_cert *a, const struct store_cert *b)
{
	return memcmp(a->serial, b->serial, LIMIT_SERIAL_BYTES) == 0 &&
	    memcmp(&a->issuer_key, &b->issuer_key, SHA256_LEN) == 0;
}

struct listing {
	const struct store_cert_query *q;
	struct pending_copy p;
	size_t next; /* of p.put */
	store_cert_each_fn *each;
	void *arg;
	size_t given;
	bool stopped;
	uint8_t last[LIMIT_SERIAL_BYTES];
};

/* A page ends between two serials: the next one begins behind the last. */
static void
give(struct listing *l, const struct store_cert *row)
{
	struct store_cert c = *row;

	overlay_apply(&l->p, &c);
	if (l->q->revoked_only && c.revoked_s == 0)
		return;
	if (l->given >= l->q->limit &&
	    memcmp(l->last, c.serial, LIMIT_SERIAL_BYTES) != 0) {
		l->stopped = true;
		return;
	}
	if (!l->q->with_der)
		c.der = (struct bytes){ 0 };
	l->stopped = !l->each(l->arg, &c);
	l->given++;
	memcpy(l->last, c.serial, LIMIT_SERIAL_BYTES);
}

static void
give_waiting(struct listing *l, const struct store_cert *before)
{
	const struct op *op;

	for (; !l->stopped && l->next < l->p.puts; l->next++) {
		op = l->p.put[l->next];
		if (before != NULL && same_cert(&op->cert, before))
			continue;
		if (before != NULL &&
		    memcmp(op->cert.serial, before->serial,
			LIMIT_SERIAL_BYTES) > 0)
			return;
		if (op->has_der || l->q->revoked_only)
			give(l, &op->cert);
	}
}

/* A row of the file whose revocation waits is in no list of revoked ones yet. */
static bool
add_revoked(struct store *s, struct listing *l, struct error *e)
{
	size_t waiting = l->p.puts;

	for (size_t i = 0; i < l->p.overlays; i++) {
		const struct overlay *o = &l->p.overlay[i];
		auto_buf struct buf mem = { 0 };
		struct store_cert c;

		if (l->q->after != NULL &&
		    memcmp(o->serial, l->q->after, LIMIT_SERIAL_BYTES) <= 0)
			continue;
		if (!store_cert_get(s, l->q->mount, o->serial, &c, &mem, e)) {
			if (e->why == FAIL_NOT_FOUND)
				continue;
			return false;
		}
		for (size_t k = 0; k < waiting; k++)
			if (same_cert(&l->p.put[k]->cert, &c))
				c.der.n = SIZE_MAX;
		if (c.der.n == SIZE_MAX)
			continue;
		l->p.put = mem_grow(l->p.put, l->p.puts, &l->p.puts_cap,
		    sizeof(struct op *));
		l->p.put[l->p.puts++] = op_new(OP_PUT, &c);
	}
	return true;
}

static sqlite3_stmt *
rows(struct db *d, const struct store_cert_query *q, struct error *e)
{
	static const enum stmt which[2][2] = { { STMT_CERT_LIST,
						   STMT_CERT_LIST_DER },
		{ STMT_CERT_LIST_REVOKED, STMT_CERT_LIST_REVOKED_DER } };
	sqlite3_stmt *st = db_stmt(d, which[q->revoked_only][q->with_der], e);

	if (st == NULL)
		return NULL;
	db_text(st, 1, q->mount);
	db_blob(st, 2,
	    q->after == NULL ? (struct bytes){ 0 }
			     : bytes_of(q->after, LIMIT_SERIAL_BYTES));
	return st;
}

static bool
merge(struct store *s, struct listing *l, struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = d == NULL ? NULL : rows(d, l->q, e);
	struct store_cert c;
	bool row, has_der;

	if (st == NULL)
		return false;
	while (!l->stopped) {
		if (!db_step(d, st, &row, e) ||
		    (row && !cert_row(st, &c, &has_der, e)))
			return false;
		give_waiting(l, row ? &c : NULL);
		if (!row)
			return true;
		if (!l->stopped)
			give(l, &c);
	}
	return true;
}

bool
store_cert_list(struct store *s, const struct store_cert_query *q,
    store_cert_each_fn *each, void *arg, struct error *e)
{
	struct listing l = { .q = q, .each = each, .arg = arg };
	bool ok;

	if (q->limit == 0)
		return true;
	(void)pthread_mutex_lock(&s->lock);
	pending_collect(&s->pending, q->mount, q->after, q->with_der, &l.p);
	(void)pthread_mutex_unlock(&s->lock);
	ok = !q->revoked_only || add_revoked(s, &l, e);
	if (ok && l.p.puts > 1)
		qsort(l.p.put, l.p.puts, sizeof(struct op *), by_serial);
	ok = ok && merge(s, &l, e);
	pending_copy_free(&l.p);
	return ok;
}
