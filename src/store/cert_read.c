/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* One certificate, and how many there are. */

static int64_t
opt_int(sqlite3_stmt *st, int at, int64_t dflt)
{
	return sqlite3_column_type(st, at) == SQLITE_NULL
	    ? dflt
	    : sqlite3_column_int64(st, at);
}

bool
cert_row(sqlite3_stmt *st, struct store_cert *c, bool *has_der, struct error *e)
{
	struct bytes serial = db_col_blob(st, 1);

	*c = (struct store_cert){ .mount = db_col_text(st, 0),
		.not_before_s = sqlite3_column_int64(st, 3),
		.not_after_s = sqlite3_column_int64(st, 4),
		.origin = db_col_text(st, 5),
		.index = (uint64_t)opt_int(st, 6, -1),
		.ca = sqlite3_column_int(st, 7) != 0,
		.revoked_s = opt_int(st, 8, 0),
		.reason = sqlite3_column_int(st, 9),
		.revoke_index = (uint64_t)sqlite3_column_int64(st, 10),
		.der = db_col_blob(st, 11) };
	*has_der = sqlite3_column_type(st, 12) != SQLITE_NULL;
	if (serial.n != LIMIT_SERIAL_BYTES ||
	    !db_col_sha256(st, 2, &c->issuer_key))
		return error_set(e, FAIL_CORRUPT,
		    "store: a certificate's row is damaged; \"chancery store "
		    "rebuild\" makes it again");
	memcpy(c->serial, serial.p, LIMIT_SERIAL_BYTES);
	return true;
}

/* *out with texts and DER in mem. */
static void
give(const struct store_cert *c, struct store_cert *out, struct buf *mem)
{
	size_t mount = strlen(c->mount) + 1, origin = strlen(c->origin) + 1;

	buf_reset(mem);
	(void)buf_reserve(mem, mount + origin + c->der.n);
	buf_add(mem, c->mount, mount);
	buf_add(mem, c->origin, origin);
	buf_add_bytes(mem, c->der);
	*out = *c;
	out->mount = (const char *)mem->p;
	out->origin = (const char *)mem->p + mount;
	out->der = bytes_of(mem->p + mount + origin, c->der.n);
}

static bool
not_found(struct error *e)
{
	return error_set(e, FAIL_NOT_FOUND, "no certificate of that serial");
}

/* What waits is looked at first: what is committed meanwhile is in the file then. A
 * row of the file goes before a second put of it. */
bool
store_cert_get(struct store *s, const char *mount,
    const uint8_t serial[LIMIT_SERIAL_BYTES], struct store_cert *out,
    struct buf *mem, struct error *e)
{
	auto_pending_copy struct pending_copy p = { 0 };
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = NULL;
	struct store_cert c;
	bool row, has_der;

	if (d == NULL)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	pending_find(&s->pending, mount, serial, &p);
	(void)pthread_mutex_unlock(&s->lock);
	st = db_stmt(d, mount == NULL ? STMT_CERT_GET_ANY : STMT_CERT_GET, e);
	if (st == NULL)
		return false;
	if (mount != NULL)
		db_text(st, 1, mount);
	db_blob(st, 2, bytes_of(serial, LIMIT_SERIAL_BYTES));
	if (!db_step(d, st, &row, e) || (row && !cert_row(st, &c, &has_der, e)))
		return false;
	if (!row && p.puts == 0)
		return not_found(e);
	if (!row)
		c = p.put[0]->cert;
	overlay_apply(&p, &c);
	give(&c, out, mem);
	return true;
}

bool
store_cert_count(struct store *s, const char *mount, uint64_t *certs,
    uint64_t *revoked, struct error *e)
{
	auto_pending_copy struct pending_copy p = { 0 };
	struct db *d = reader_get(s, e);
	auto_stmt sqlite3_stmt *st = NULL;
	uint64_t waiting = 0;
	bool row;

	if (d == NULL || (st = db_stmt(d, STMT_MOUNT_COUNT, e)) == NULL)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	pending_collect(&s->pending, mount, NULL, false, &p);
	(void)pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < p.puts; i++)
		waiting += p.put[i]->has_der;
	db_text(st, 1, mount);
	if (!db_step(d, st, &row, e))
		return false;
	*certs = (uint64_t)sqlite3_column_int64(st, 0) + waiting;
	*revoked = (uint64_t)sqlite3_column_int64(st, 1);
	return true;
}
