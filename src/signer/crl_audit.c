/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/cleanup.h>
#include <chancery/signer/rebuild.h>

#include "crl_audit.h"

/* The walk over all INTENTs of lists, their numbers, and lists made again. */

const struct crl_audit_rule crl_audit_rules[] = {
	[RULE_LIST_MISSING] = { "list-missing",
	    "the newest signed list of a scope lies in its folder" },
	[RULE_LIST_FORM] = { "list-form", "it is a CertificateList in DER" },
	[RULE_LIST_SIGNATURE] = { "list-signature",
	    "its signature is the key's" },
	[RULE_LIST_RECORD] = { "list-record",
	    "its bytes, number and times are those of its INTENT" },
	[RULE_LIST_STALE] = { "list-stale", "its nextUpdate has not passed" },
	[RULE_ENTRY_UNKNOWN] = { "entry-unknown", "every entry has a record" },
	[RULE_ENTRY_DIFFERS] = { "entry-differs",
	    "date, reason and invalidity date are the record's" },
	[RULE_ENTRY_SCOPE] = { "entry-scope",
	    "every entry belongs to the list's scope" },
	[RULE_ENTRY_MISSING] = { "entry-missing",
	    "every unexpired revocation of its time is on it" },
	[RULE_SCOPE_MISSING] = { "scope-missing",
	    "a partition with unexpired revocations has a list, others are on "
	    "a full one" },
	[RULE_NUMBER] = { "number",
	    "each number is the next of its series (full and delta share one); "
	    "a caller's rise" },
	[RULE_TIME_ORDER] = { "time-order",
	    "thisUpdate is not before that of the list before" },
	[RULE_REBUILD] = { "rebuild",
	    "the list follows from the records, byte for byte" },
};
const size_t crl_audit_rules_n = countof(crl_audit_rules);
_Static_assert(countof(crl_audit_rules) == RULE__COUNT, "one row each");

void
audit_found(struct auditing *x, enum audit_rule rule,
    const struct audit_series *s, uint64_t number, const char *fmt, ...)
{
	char text[ERROR_MSG_SIZE];
	struct crl_audit_finding f = { .rule = crl_audit_rules[rule].name,
		.key = s->key,
		.scope = s->text,
		.number = number,
		.text = text };
	va_list ap;

	x->n->findings++;
	if (++x->told[rule] > CRL_AUDIT_TOLD)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->a->finding(x->a->arg, &f);
}

/* ---- the walk ---------------------------------------------------------- */

struct audit_series *
audit_series_find(struct auditing *x, const struct sha256 *key,
    const char *scope)
{
	for (size_t i = 0; i < x->series_n; i++)
		if (memcmp(&x->series[i].key->key, key, sizeof(*key)) == 0 &&
		    strcmp(x->series[i].text, scope) == 0)
			return &x->series[i];
	return NULL;
}

/* NULL: not a list that is looked at. */
static struct audit_series *
series_of(struct auditing *x, const struct record *rec)
{
	struct bytes scope = record_get(rec, "scope");
	const struct state_key *k;
	struct audit_series *s;
	struct sha256 key;
	struct error ignored;
	char text[64] = "";

	if (!record_get_hash(rec, "key", &key) || scope.n >= sizeof(text) ||
	    (x->a->key != NULL && memcmp(x->a->key, &key, sizeof(key)) != 0) ||
	    (k = reg_state_key(reg_get_state(x->a->reg), &key)) == NULL)
		return NULL;
	if (scope.n > 0)
		memcpy(text, scope.p, scope.n);
	s = audit_series_find(x, &key, text);
	if (s != NULL)
		return s;
	x->series = mem_grow(x->series, x->series_n, &x->series_cap,
	    sizeof(*x->series));
	s = &x->series[x->series_n];
	*s = (struct audit_series){ .key = k, .newest = SIZE_MAX };
	memcpy(s->text, text, sizeof(text));
	if (!crl_scope_parse(text, &s->scope, &ignored))
		return NULL;
	x->series_n++;
	return s;
}

/* Highest number so far in the scope's series. */
static uint64_t
number_before(const struct auditing *x, const struct audit_series *s)
{
	uint64_t n = s->number;

	for (size_t i = 0; i < x->series_n; i++) {
		const struct audit_series *o = &x->series[i];

		if (o->key == s->key && o->number > n &&
		    crl_scope_is_full_series(s->scope.kind) &&
		    crl_scope_is_full_series(o->scope.kind))
			n = o->number;
	}
	return n;
}

static void
order_check(struct auditing *x, const struct audit_series *s,
    const struct audit_one *o)
{
	uint64_t before = number_before(x, s);
	bool ok = s->scope.kind == CRL_CALLER ? o->number > before
					      : o->number == before + 1;

	if (!ok)
		audit_found(x, RULE_NUMBER, s, o->number,
		    "INTENT %llu: the number before it is %llu",
		    (unsigned long long)o->intent, (unsigned long long)before);
	if (s->scope.kind != CRL_CALLER && o->this_s < s->this_s)
		audit_found(x, RULE_TIME_ORDER, s, o->number,
		    "INTENT %llu: its thisUpdate is before that of the list "
		    "before",
		    (unsigned long long)o->intent);
}

static void
note_intent(struct auditing *x, const struct record *rec)
{
	struct audit_series *s = series_of(x, rec);
	struct audit_one o = { .intent = rec->n,
		.number = (uint64_t)record_get_int(rec, "crl"),
		.position = (uint64_t)record_get_int(rec, "position"),
		.base = (uint64_t)record_get_int(rec, "base"),
		.this_s = record_get_int(rec, "this"),
		.next_s = record_get_int(rec, "next") };
	const struct audit_series *full;
	const struct audit_one *last;

	if (s == NULL || !record_get_hash(rec, "sha256", &o.hash))
		return;
	o.series = (size_t)(s - x->series);
	full = s->scope.kind == CRL_KIT
	    ? audit_series_find(x, &s->key->key, "full")
	    : s;
	if (full != NULL && full->newest != SIZE_MAX) {
		last = &x->one[full->newest];
		o.before.intent = last->intent;
		o.before.this_s = last->this_s;
	}
	order_check(x, s, &o);
	s->number = o.number;
	s->this_s = o.this_s;
	x->one = mem_grow(x->one, x->one_n, &x->one_cap, sizeof(*x->one));
	x->one[x->one_n++] = o;
}

static void
note_signed(struct auditing *x, const struct record *rec)
{
	uint64_t intent = (uint64_t)record_get_int(rec, "intent");
	struct audit_series *s;

	/* INTENTs ascend, and few stand behind one that has no outcome yet. */
	for (size_t i = x->one_n; i-- > 0 && x->one[i].intent >= intent;) {
		if (x->one[i].intent != intent)
			continue;
		x->one[i].signed_ = rec->n;
		s = &x->series[x->one[i].series];
		if (s->newest == SIZE_MAX || i > s->newest)
			s->newest = i;
		x->n->signed_++;
	}
}

static bool
each(void *arg, unused_arg struct bytes line, const struct record *rec,
    struct error *e)
{
	struct auditing *x = arg;

	/* Enough: what came after the state was read. */
	if (rec->n >= x->size) {
		error_clear(e);
		return false;
	}
	if (rec->type == REC_INTENT && record_has(rec, "crl"))
		note_intent(x, rec);
	else if (rec->type == REC_SIGNED)
		note_signed(x, rec);
	return true;
}

/* ---- again ------------------------------------------------------------- */

/* What comes, against the file, where that is still there. */
struct again {
	struct audit_map file;
	size_t at;
	bool same;
};

static bool
again_sink(void *arg, struct bytes piece, unused_arg struct error *e)
{
	struct again *g = arg;
	const uint8_t *at = g->file.at;

	if (at == NULL)
		return true;
	g->same = g->same && piece.n <= g->file.n - g->at &&
	    memcmp(at + g->at, piece.p, piece.n) == 0;
	g->at += g->same ? piece.n : 0;
	return true;
}

static void
rebuild(struct auditing *x, const struct audit_one *o)
{
	const struct audit_series *s = &x->series[o->series];
	struct again g = { .same = true };
	struct error e;

	memset(x->told, 0, sizeof(x->told));
	if (!audit_map_open(x, o, &g.file, &e) && e.why != FAIL_NOT_FOUND)
		audit_found(x, RULE_REBUILD, s, o->number, "%s", e.msg);
	else if (!rebuild_crl_after(x->a->reg, o->signed_,
		     o->before.intent == 0 ? NULL : &o->before, again_sink, &g,
		     &e))
		audit_found(x, RULE_REBUILD, s, o->number, "%s", e.msg);
	else if (g.file.at != NULL && (!g.same || g.at != g.file.n))
		audit_found(x, RULE_REBUILD, s, o->number,
		    "%s is not what the records give", g.file.path);
	else
		x->n->rebuilt++;
	audit_map_free(&g.file);
}

static bool
rebuild_all(struct auditing *x, struct error *e)
{
	bool found = false;

	for (size_t i = 0; x->a->rebuild != CRL_REBUILD_NONE && i < x->one_n;
	     i++) {
		if (x->one[i].signed_ == 0 ||
		    (x->a->rebuild == CRL_REBUILD_NUMBER &&
			x->one[i].number != x->a->number))
			continue;
		found = true;
		rebuild(x, &x->one[i]);
	}
	return found || x->a->rebuild != CRL_REBUILD_NUMBER ||
	    error_set(e, FAIL_NOT_FOUND,
		"no list of number %llu was ever signed",
		(unsigned long long)x->a->number);
}

static bool
files_check(struct auditing *x, struct error *e)
{
	for (size_t i = 0; i < x->series_n; i++) {
		if (!audit_is_current(x, &x->series[i]))
			continue;
		x->n->current++;
		if (!audit_file(x, &x->series[i], e))
			return false;
	}
	return true;
}

bool
crl_audit(const struct crl_audit *a, struct crl_audit_counts *out,
    struct error *e)
{
	struct auditing x = { .a = a, .n = out, .size = reg_size(a->reg) };
	bool ok;

	*out = (struct crl_audit_counts){ 0 };
	error_clear(e);
	ok = reg_walk(reg_dir(a->reg), 0, each, &x, e) || e->why == FAIL_NONE;
	if (ok) {
		audit_state(&x);
		ok = files_check(&x, e) && rebuild_all(&x, e);
	}
	mem_free(x.series);
	mem_free(x.one);
	return ok;
}
