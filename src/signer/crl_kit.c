/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emergency kits: lists that are signed in a ceremony for the day on which the root cannot be
 * reached, and sealed. Which certificates they call revoked stands in their scope, so that they
 * follow from the records as every list does. Nobody but an offline signer makes one.
 */
#include <stdlib.h>

#include "crl_text.h"

static bool
bad(uint64_t n, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT,
	    "kit: record %llu is not the INTENT of an authority's certificate "
	    "by this key",
	    (unsigned long long)n);
}

static bool
one_entry(struct reg *r, const struct crl_text *t, uint64_t n,
    struct crl_entry *out, struct error *e)
{
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct bytes serial;
	struct record rec;
	struct sha256 key;

	if (n >= t->position)
		return bad(n, e);
	if (!reg_read(r, n, &line, &rec, &store, e))
		return false;
	/* Any record may be named, and only an INTENT has these fields. */
	if (rec.type != REC_INTENT)
		return bad(n, e);
	serial = record_get(&rec, "serial");
	if (!bytes_eq(record_get(&rec, "kind"), bytes_str("ca")) ||
	    !record_get_hash(&rec, "key", &key) ||
	    memcmp(key.b, t->key.b, SHA256_LEN) != 0 || serial.n == 0 ||
	    serial.n > sizeof(out->serial))
		return bad(n, e);
	*out = (struct crl_entry){ .revoked_s = t->p.this_update_s,
		.reason = CRL_CA_COMPROMISE };
	memcpy(out->serial + sizeof(out->serial) - serial.n, serial.p,
	    serial.n);
	return true;
}

static int
by_serial(const void *a, const void *b)
{
	const struct crl_entry *x = a, *y = b;

	return memcmp(x->serial, y->serial, sizeof(x->serial));
}

bool
crl_kit_entries(struct reg *r, struct crl_text *t, struct error *e)
{
	t->extra_n = 0;
	if (t->scope.kind != CRL_KIT)
		return true;
	for (size_t i = 0; i < t->scope.certs; i++)
		if (!one_entry(r, t, t->scope.cert[i], &t->extra[i], e))
			return false;
	t->extra_n = t->scope.certs;
	qsort(t->extra, t->extra_n, sizeof(t->extra[0]), by_serial);
	for (size_t i = 1; i < t->extra_n; i++)
		if (by_serial(&t->extra[i - 1], &t->extra[i]) == 0)
			return bad(t->scope.cert[i], e);
	return true;
}
