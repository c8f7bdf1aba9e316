/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

/* Each value with its length before it: nothing can be read in two ways. */

static void
add_int(struct digest *d, uint64_t v)
{
	uint8_t b[8];

	for (int i = 7; i >= 0; i--, v >>= 8)
		b[i] = (uint8_t)v;
	digest_add(d, bytes_of(b, sizeof(b)));
}

static void
add_bytes(struct digest *d, struct bytes v)
{
	add_int(d, v.n);
	digest_add(d, v);
}

static void
add_cert(struct digest *d, const struct store_cert *c)
{
	add_bytes(d, bytes_str("cert"));
	add_bytes(d, bytes_str(c->mount));
	add_bytes(d, bytes_of(c->serial, LIMIT_SERIAL_BYTES));
	add_bytes(d, sha256_bytes(&c->issuer_key));
	add_bytes(d, c->der);
	add_int(d, (uint64_t)c->not_before_s);
	add_int(d, (uint64_t)c->not_after_s);
	add_bytes(d, bytes_str(c->origin));
	add_int(d, c->index);
	add_int(d, c->ca);
	add_int(d, (uint64_t)c->revoked_s);
	add_int(d, (uint64_t)c->reason);
	add_int(d, c->revoke_index);
}

static void
add_doc(struct digest *d, const struct walk_doc *x)
{
	add_bytes(d, bytes_str("doc"));
	add_bytes(d, bytes_str(x->kind));
	add_bytes(d, bytes_str(x->scope));
	add_bytes(d, bytes_str(x->name));
	add_bytes(d, x->value);
	add_int(d, x->version);
}

/* A mount that never had a certificate may have a row or none. */
static void
add_counts(struct digest *d, const struct walk *w)
{
	for (size_t i = 0; i < w->mounts; i++) {
		const struct walk_mount *m = &w->mount[i];

		if (m->certs == 0 && m->revoked == 0)
			continue;
		add_bytes(d, bytes_str("counts"));
		add_bytes(d, bytes_str(m->name));
		add_int(d, m->certs);
		add_int(d, m->revoked);
	}
}

static bool
add_all(struct digest *d, struct walk *w, struct error *e)
{
	struct store_cert c;
	struct walk_doc x;
	bool row;

	do {
		if (!walk_cert(w, &row, &c, e))
			return false;
		if (row)
			add_cert(d, &c);
	} while (row);
	do {
		if (!walk_doc(w, &row, &x, e))
			return false;
		if (row)
			add_doc(d, &x);
	} while (row);
	add_counts(d, w);
	return true;
}

bool
store_digest(struct store *s, struct sha256 *out, struct error *e)
{
	auto_walk struct walk w = { 0 };
	uint8_t sum[DIGEST_MAX];
	struct digest *d;

	if (!walk_open(&w, s, e))
		return false;
	d = digest_new(DIGEST_SHA256);
	if (!add_all(d, &w, e)) {
		digest_free(d);
		return false;
	}
	(void)digest_finish(d, sum);
	memcpy(out->b, sum, SHA256_LEN);
	return true;
}
