/* SPDX-License-Identifier: Apache-2.0 */

/* A CRL: parsed, walked and linted; what lint finds fine, our writer writes with the
 * same entries. */
#include <stdlib.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/crl_scan.h>
#include <chancery/pki/lint.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct walk {
	const struct crl_view *v;
	size_t at;
};

static bool
next(void *arg, struct crl_entry *out)
{
	struct walk *w = arg;
	struct error e;

	return crl_next_entry(w->v, &w->at, out, &e);
}

static void
rewind_walk(void *arg)
{
	struct walk *w = arg;

	w->at = 0;
}

static bool
drop(void *arg, struct bytes piece, struct error *e)
{
	size_t *total = arg;

	(void)e;
	*total += piece.n;
	return true;
}

static void
write_again(const struct crl_view *v)
{
	struct walk w = { .v = v };
	struct crl_source src = { next, rewind_walk, &w };
	struct crl_params p = { .issuer = v->issuer,
		.alg = v->alg,
		.this_update_s = v->this_update_s,
		.next_update_s = v->next_update_s,
		.number = v->number,
		.delta_base = -1 };
	uint8_t digest[DIGEST_MAX];
	uint64_t bytes, entries;
	size_t n, total = 0;
	struct error e;

	/* Zero is a serial for the reader, not for the writer. */
	if (!crl_write_tbs(&p, &src, drop, &total, digest, &n, &bytes, &entries,
		&e))
		return;
	if (total != bytes)
		abort();
}

/* What a list has inside is read alike without its signature. */
static void
tbs_alone(const struct crl_view *v)
{
	struct crl_view t;
	struct error e;

	if (!crl_tbs_parse(v->tbs, &t, &e) || t.alg != v->alg ||
	    t.number != v->number || t.has_delta != v->has_delta ||
	    !bytes_eq(t.entries, v->entries) || !bytes_eq(t.aki, v->aki))
		abort();
}

/* In pieces it is what it is in one; no seed is of this key. */
static void
pass_by(struct bytes in)
{
	static const uint8_t point[65] = { 4 };
	const struct spki key = { .type = { KEY_EC_P256, 0 },
		.point = { point, sizeof(point) } };
	auto_crl_scan struct crl_scan *a = crl_scan_new(&key);
	auto_crl_scan struct crl_scan *b = crl_scan_new(&key);
	struct error x = { 0 }, y = { 0 };
	struct crl_view v;

	(void)crl_scan_add(a, in);
	for (size_t i = 0; i < in.n; i += 37)
		if (!crl_scan_add(b,
			bytes_of(in.p + i, in.n - i < 37 ? in.n - i : 37)))
			break;
	if (crl_scan_end(a, &v, &x) || crl_scan_end(b, &v, &y) ||
	    x.why != y.why)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t key_id[20];
	auto_buf struct buf owned = { 0 };
	struct crl_entry entry;
	struct crl_view v;
	struct error e;
	size_t at = 0;

	pass_by(bytes_of(p, n));
	(void)!crl_tbs_parse(bytes_of(p, n), &v, &e);
	if (!crl_parse(bytes_of(p, n), "fuzz", &owned, &v, &e))
		return 0;
	tbs_alone(&v);
	while (crl_next_entry(&v, &at, &entry, &e))
		;
	if (e.why == FAIL_NONE)
		write_again(&v);
	(void)!lint_crl(&v, &v, v.issuer, key_id, v.this_update_s, &e);
	for (size_t i = 0; i < lint_crl_rules_count; i++) {
		struct lint_crl_context c = { .crl = &v,
			.issuer_name = v.issuer,
			.issuer_key_id = key_id,
			.now_s = v.this_update_s };

		(void)!lint_crl_rules[i].check(&c, &e);
	}
	return 0;
}
