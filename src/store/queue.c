/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* Derived rows on their way to the writer. */

static bool
refused(const struct store *s, struct error *e)
{
	if (s->read_only)
		return !error_set(e, FAIL_PERMISSION,
		    "store %s is open for reading only", s->path);
	if (s->dead) {
		*e = s->err;
		return true;
	}
	if (s->pending.n < LIMIT_STORE_PENDING)
		return false;
	if (s->failing)
		*e = s->err;
	else
		(void)error_set(e, FAIL_BUSY, "store: %d rows wait already",
		    LIMIT_STORE_PENDING);
	return true;
}

void
store_gap(struct store *s)
{
	s->gaps = ++s->gap_last;
}

uint64_t
store_gaps(struct store *s)
{
	uint64_t gaps;

	(void)pthread_mutex_lock(&s->lock);
	gaps = s->gaps;
	(void)pthread_mutex_unlock(&s->lock);
	return gaps;
}

void
store_gaps_closed(struct store *s, uint64_t gaps)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->gaps == gaps)
		s->gaps = 0;
	(void)pthread_mutex_unlock(&s->lock);
}

bool
store_alive(struct store *s, struct error *e)
{
	bool dead;

	(void)pthread_mutex_lock(&s->lock);
	dead = s->dead;
	if (dead)
		*e = s->err;
	(void)pthread_mutex_unlock(&s->lock);
	return !dead;
}

/* Half empty again: the writer is the slower one, and takes it in large batches. */
bool
store_room(struct store *s, struct error *e)
{
	bool ok;

	(void)pthread_mutex_lock(&s->lock);
	if (s->pending.n >= LIMIT_STORE_PENDING - BATCH_ROWS)
		while (s->pending.n > LIMIT_STORE_PENDING / 2 && !s->failing &&
		    !s->dead)
			(void)pthread_cond_wait(&s->progress, &s->lock);
	ok = !s->failing && !s->dead;
	if (!ok)
		*e = s->err;
	(void)pthread_mutex_unlock(&s->lock);
	return ok;
}

static bool
enqueue(struct store *s, enum op_kind kind, const struct store_cert *c,
    struct error *e)
{
	struct op *op = op_new(kind, c);
	bool no;

	(void)pthread_mutex_lock(&s->lock);
	if (kind == OP_POSITION && s->gaps != 0) {
		(void)pthread_mutex_unlock(&s->lock);
		mem_free(op);
		return true;
	}
	no = refused(s, e);
	if (no && kind != OP_POSITION)
		store_gap(s);
	if (!no) {
		pending_add(&s->pending, op);
		/* The first starts the clock of the batch. */
		if (s->pending.n == 1 || s->pending.n == BATCH_ROWS)
			(void)pthread_cond_signal(&s->work);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (no)
		mem_free(op);
	return !no;
}

bool
store_cert_put(struct store *s, const struct store_cert *c, struct error *e)
{
	struct store_cert row = *c;

	row.revoked_s = 0;
	row.reason = 0;
	row.revoke_index = 0;
	if (strlen(c->mount) > STORE_NAME_MAX ||
	    strlen(c->origin) > STORE_NAME_MAX || c->der.n > LIMIT_CERT_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "store: a certificate's mount, origin or DER is too long");
	return enqueue(s, OP_PUT, &row, e) &&
	    (c->revoked_s == 0 ||
		store_cert_revoke(s, &c->issuer_key, c->serial, c->revoked_s,
		    c->reason, c->revoke_index, e));
}

bool
store_cert_revoke(struct store *s, const struct sha256 *issuer_key,
    const uint8_t serial[LIMIT_SERIAL_BYTES], int64_t revoked_s, int reason,
    uint64_t index, struct error *e)
{
	struct store_cert c = { .issuer_key = *issuer_key,
		.revoked_s = revoked_s,
		.reason = reason,
		.revoke_index = index };

	memcpy(c.serial, serial, LIMIT_SERIAL_BYTES);
	if (!enqueue(s, OP_REVOKE, &c, e))
		return false;
	(void)atomic_fetch_add(&s->revocations, 1);
	return true;
}

uint64_t
store_revocations(const struct store *s)
{
	return atomic_load(&s->revocations);
}

bool
store_position_put(struct store *s, const char *origin, uint64_t index,
    struct error *e)
{
	struct store_cert c = { .origin = origin, .index = index };

	return enqueue(s, OP_POSITION, &c, e);
}

bool
store_position(struct store *s, const char *origin, uint64_t *index,
    struct error *e)
{
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = NULL;
	bool row;

	if (d == NULL || (st = db_stmt(d, STMT_LOG_GET, e)) == NULL)
		return false;
	db_text(st, 1, origin);
	if (!db_step(d, st, &row, e))
		return false;
	*index = row ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	return true;
}
