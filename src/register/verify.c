/* SPDX-License-Identifier: Apache-2.0 */

/* Everything from nothing. The rules are the ones of writing (replay.c); here is
 * what only a whole pass can see. */
#include <stdio.h>

#include "verify.h"

static bool
wrong(const struct record *r, struct error *e, const char *rule,
    const char *text)
{
	return error_set(e, FAIL_CORRUPT, "record %llu (%s): rule %s: %s",
	    (unsigned long long)r->n, record_spec(r->type)->name, rule, text);
}

/* ---- serials ---------------------------------------------------------- */

static bool
magnitude(struct bytes serial, uint8_t out[20])
{
	while (serial.n > 20 && serial.p[0] == 0) {
		serial.p++;
		serial.n--;
	}
	if (serial.n > 20)
		return false;
	memset(out, 0, 20);
	if (serial.n > 0)
		memcpy(out + 20 - serial.n, serial.p, serial.n);
	return true;
}

struct twice {
	uint64_t before, found;
	struct sha256 key;
	uint8_t serial[20];
};

static bool
find_twice(void *arg, struct bytes line, const struct record *r,
    struct error *e)
{
	struct twice *t = arg;
	struct sha256 key;
	uint8_t serial[20];

	(void)line;
	if (r->n >= t->before)
		return error_set(e, FAIL_ABORTED, "far enough");
	if (r->type == REC_INTENT && record_has(r, "serial") &&
	    record_get_hash(r, "key", &key) &&
	    magnitude(record_get(r, "serial"), serial) &&
	    memcmp(&key, &t->key, sizeof(key)) == 0 &&
	    memcmp(serial, t->serial, 20) == 0)
		t->found = r->n;
	return true;
}

/* Every certificate has its own serial for ever. A fingerprint seen before is
 * confirmed by reading the lines again. */
static bool
check_serial(struct verify *v, struct error *e)
{
	const struct record *r = &v->play.rec;
	struct twice t = { .before = r->n, .found = UINT64_MAX };
	struct error stopped;
	char text[64];

	if (!record_has(r, "serial") || record_has(r, "crl"))
		return true;
	if (!record_get_hash(r, "key", &t.key) ||
	    !magnitude(record_get(r, "serial"), t.serial))
		return wrong(r, e, "serial-form", "longer than 20 octets");
	if (serial_set_add(&v->serials, &t.key, t.serial, 0))
		return true;
	if (!reg_walk(v->dir, 0, find_twice, &t, &stopped) &&
	    stopped.why != FAIL_ABORTED) {
		*e = stopped;
		return false;
	}
	if (t.found == UINT64_MAX)
		return true;
	(void)snprintf(text, sizeof(text), "INTENT %llu has the same serial",
	    (unsigned long long)t.found);
	return wrong(r, e, "serial-twice", text);
}

/* ---- INTENTs and their outcomes --------------------------------------- */

static void
keep(struct verify *v, const struct record *r, struct bytes line)
{
	struct kept_intent *k;

	v->kept = mem_grow(v->kept, v->kept_n, &v->kept_cap, sizeof(*v->kept));
	k = &v->kept[v->kept_n++];
	memset(k, 0, sizeof(*k));
	k->n = r->n;
	(void)record_get_hash(r, "key", &k->key);
	k->has_serial = record_has(r, "serial") &&
	    magnitude(record_get(r, "serial"), k->serial);
	if (v->opt->check_sig != NULL)
		buf_add_bytes(&k->line, line);
}

static bool
call_check_sig(struct verify *v, const struct kept_intent *kept,
    struct error *e)
{
	auto_buf struct buf store = { 0 };
	const struct record *r = &v->play.rec;
	const struct state_key *k;
	struct record intent;

	if (v->opt->check_sig == NULL)
		return true;
	if (!record_decode(buf_bytes(&kept->line), &intent, &store, e))
		return false;
	k = reg_state_key(v->play.state, &kept->key);
	if (k == NULL ||
	    !v->opt->check_sig(v->opt->arg, &intent, r, k->spki, e))
		return error_context(e, "record %llu (SIGNED)",
		    (unsigned long long)r->n);
	v->out.signatures_checked++;
	return true;
}

static struct kept_intent *
find_kept(struct verify *v, uint64_t n)
{
	size_t lo = 0, hi = v->kept_n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v->kept[mid].n < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->kept_n && v->kept[lo].n == n ? &v->kept[lo] : NULL;
}

static bool
check_outcome(struct verify *v, struct error *e)
{
	const struct record *r = &v->play.rec;
	struct kept_intent *k =
	    find_kept(v, (uint64_t)record_get_int(r, "intent"));

	/* The rules of the state have refused an outcome without INTENT. */
	if (k == NULL)
		return true;
	if (r->type == REC_SIGNED && !call_check_sig(v, k, e))
		return false;
	if (r->type != REC_FAILED && k->has_serial)
		(void)serial_set_add(&v->certs, &k->key, k->serial, r->n);
	buf_free(&k->line);
	v->kept_n--;
	memmove(k, k + 1, (size_t)(v->kept + v->kept_n - k) * sizeof(*k));
	return true;
}

/* The record that a revocation names must be of that certificate. */
static bool
check_revoke(struct verify *v, struct error *e)
{
	const struct record *r = &v->play.rec;
	uint64_t cert = (uint64_t)record_get_int(r, "cert");
	const struct kept_intent *open;
	struct sha256 key;
	uint8_t serial[20];

	if (!record_has(r, "cert"))
		return true;
	open = find_kept(v, cert);
	if (record_get_hash(r, "key", &key) &&
	    magnitude(record_get(r, "serial"), serial) &&
	    (serial_set_has(&v->certs, &key, serial, cert) ||
		(open != NULL && open->has_serial &&
		    memcmp(&open->key, &key, sizeof(key)) == 0 &&
		    memcmp(open->serial, serial, sizeof(serial)) == 0)))
		return true;
	return wrong(r, e, "revoke-other-certificate",
	    "\"cert\" is neither an open INTENT for that serial nor the "
	    "outcome of one");
}

static bool
check_kind(struct verify *v, struct bytes line, struct error *e)
{
	const struct record *r = &v->play.rec;

	if (r->type == REC_INTENT) {
		keep(v, r, line);
		return check_serial(v, e);
	}
	if (r->type == REC_SIGNED || r->type == REC_FAILED ||
	    r->type == REC_ASSUMED)
		return check_outcome(v, e);
	return r->type != REC_REVOKE || check_revoke(v, e);
}

/* ---- one line --------------------------------------------------------- */

static void
count(struct verify *v)
{
	struct reg_verify_report *o = &v->out;
	const struct record *r = &v->play.rec;

	if (o->records++ == 0)
		o->first_ms = r->t_ms;
	o->last_ms = r->t_ms;
	o->intents += r->type == REC_INTENT;
	o->signed_ += r->type == REC_SIGNED;
	o->failed += r->type == REC_FAILED;
	o->assumed += r->type == REC_ASSUMED;
	o->refused += r->type == REC_REFUSED;
	o->revoked += r->type == REC_REVOKE;
	if (v->opt->progress != NULL && o->records % 65536 == 0)
		v->opt->progress(v->opt->progress_arg, o->records);
}

static bool
one_line(struct verify *v, struct bytes line, uint64_t segment, bool first,
    struct error *e)
{
	struct sha256 snapshot;
	const struct record *r = &v->play.rec;

	if (replay_line(&v->play, line, segment, first, e) != LINE_OK)
		return false;
	if (r->type == REC_SNAPSHOT &&
	    (!record_get_hash(r, "sha256", &snapshot) ||
		!side_snapshot(v, segment - 1, &snapshot, e)))
		return false;
	if (!check_kind(v, line, e))
		return false;
	if (r->has_priv && !side_private(v, r, e))
		return false;
	count(v);
	return side_leaf(v, e);
}

static bool
one_segment(struct verify *v, uint64_t segment, bool last, struct error *e)
{
	auto_mem char *path = segment_path(v->dir, "log", segment, "jsonl");
	auto_map struct mapped m = { 0 };
	size_t at = 0, begin = 0;
	struct bytes line;

	if (!map_open(path, &m, e) || !side_private_segment(v, segment, e))
		return false;
	/* What the snapshot of the segment before must be: the state before
	 * this one's first line. */
	if (segment > 1 &&
	    !snapshot_make(v->play.state, &v->play.at, NULL, segment - 1,
		&v->snapshot, e))
		return false;
	while (line_next(bytes_of(m.p, m.n), &at, &line)) {
		if (!one_line(v, line, segment, begin == 0, e))
			return false;
		begin = at;
	}
	if (begin == m.n && m.n > 0)
		return side_private_end(v, e);
	if (!last)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: %s ends in the middle of a record",
		    (unsigned long long)v->play.state->n, path);
	v->out.torn_bytes = m.n - begin;
	return side_private_end(v, e);
}

static bool
walk_all(struct verify *v, struct error *e)
{
	uint64_t first, last;

	if (!segment_range(v->dir, &first, &last, e) ||
	    !side_load_checkpoints(v, e) || !side_map_tiles(v, e))
		return false;
	for (uint64_t k = first; k <= last; k++)
		if (!one_segment(v, k, k == last, e))
			return false;
	if (v->out.records == 0)
		return error_set(e, FAIL_CORRUPT,
		    "record 0: the register does not begin with a whole "
		    "LOG-OPEN");
	return side_end(v, e);
}

static uint64_t
imported_keys(const struct reg_state *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < reg_state_keys(s); i++)
		n += reg_state_key_at(s, i)->imported;
	return n;
}

bool
reg_verify(const char *dir, const struct reg_verify_options *opt,
    struct reg_verify_report *out, struct error *e)
{
	static const struct reg_verify_options none;
	struct verify v = { .dir = dir, .opt = opt == NULL ? &none : opt };
	bool ok;

	replay_init(&v.play);
	serial_set_init(&v.serials);
	serial_set_init(&v.certs);
	for (size_t i = 0; i < VERIFY_LEVELS; i++)
		tree_init(&v.level[i].part);
	ok = walk_all(&v, e);
	if (ok) {
		v.out.open_intents = reg_state_open_count(v.play.state);
		v.out.imported = imported_keys(v.play.state);
		v.out.root = side_root(&v);
		*out = v.out;
	}
	for (size_t i = 0; i < v.kept_n; i++)
		buf_free(&v.kept[i].line);
	mem_free(v.kept);
	side_clear(&v);
	serial_set_clear(&v.serials);
	serial_set_clear(&v.certs);
	replay_clear(&v.play);
	return ok;
}
