/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "crl_work.h"

/*
 * Scope "caller": a TBSCertList that somebody else wrote. That it is this key's, what its
 * number is, and that it takes back no revocation of this register is checked here; what
 * else it says of serials is the caller's.
 */

/* Numbers stand in records, whose integers end there. */
#define NUMBER_MAX (UINT64_C(1) << 53)

bool
crl_caller_read(struct request *r, struct crl_view *v, struct error *e)
{
	struct crl_work *w = r->crl;
	struct error ignored;

	if (!crl_tbs_parse(buf_bytes(&r->data), v, e)) {
		(void)request_refuse(r, "structure-der", "tbsCertList",
		    &ignored);
		return false;
	}
	if (v->version != 2)
		return request_refuse(r, "structure-version", "version", e);
	if (v->next_update_s <= v->this_update_s)
		return request_refuse(r, "structure-validity", "nextUpdate", e);
	if (!v->has_aki || v->aki.n != sizeof(w->aki))
		return request_refuse(r, "structure-aki",
		    "extensions.authorityKeyIdentifier", e);
	memcpy(w->aki, v->aki.p, sizeof(w->aki));
	buf_reset(&w->issuer);
	buf_add_bytes(&w->issuer, v->issuer);
	r->alg = v->alg;
	w->this_s = v->this_update_s;
	w->next_s = v->next_update_s;
	w->number = v->number;
	return true;
}

/* ---- entries ----------------------------------------------------------- */

struct listed {
	struct crl_entry *v; /* ascending */
	size_t n, cap;
};

static int
by_serial(const void *a, const void *b)
{
	const struct crl_entry *x = a, *y = b;

	return memcmp(x->serial, y->serial, sizeof(x->serial));
}

static bool
refuse_entries(struct request *r, struct error *e)
{
	return request_refuse(r, "caller-crl-entries", "revokedCertificates",
	    e);
}

/* removeFromCRL belongs to deltas (RFC 5280 5.3.1). */
static bool
collect(struct request *r, const struct crl_view *v, struct listed *out,
    struct error *e)
{
	struct crl_entry one;
	struct error ignored;
	size_t at = 0;

	while (crl_next_entry(v, &at, &one, e)) {
		if (one.reason == CRL_REMOVE && !v->has_delta)
			return refuse_entries(r, e);
		out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
		out->v[out->n++] = one;
	}
	if (e->why != FAIL_NONE) {
		(void)refuse_entries(r, &ignored);
		return false;
	}
	if (v->empty_list)
		return refuse_entries(r, e);
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), by_serial);
	for (size_t i = 1; i < out->n; i++)
		if (by_serial(&out->v[i - 1], &out->v[i]) == 0)
			return refuse_entries(r, e);
	return true;
}

/* How far the last complete list of a scope tells, when a delta is told against number `base`:
 * whoever has a list of that number or a later one may put the delta upon it (RFC 5280 5.2.4). Of
 * those before the last one nothing is known. */
static bool
base_tells(struct signer *s, const struct sha256 *key, const char *scope,
    uint64_t base, uint64_t *since, struct error *e)
{
	const struct state_crl *last =
	    reg_state_crl(reg_get_state(s->reg), key, scope);
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct error ignored;
	struct crl_view v;
	struct record rec;
	uint64_t number;

	if (last == NULL || last->next_s == 0)
		return true;
	if (!reg_read(s->reg, last->intent, &line, &rec, &store, e))
		return false;
	number = (uint64_t)record_get_int(&rec, "crl");
	if (number < base)
		return true;
	if (number > base ||
	    (record_has(&rec, "tbs") &&
		(!crl_tbs_parse(record_get(&rec, "tbs"), &v, &ignored) ||
		    v.has_delta)))
		*since = 0;
	else if ((uint64_t)record_get_int(&rec, "position") < *since)
		*since = (uint64_t)record_get_int(&rec, "position");
	return true;
}

/* Revocations of records before that may be left out: by a delta, those that its base tells. */
static bool
may_leave_out(struct signer *s, const struct request *r,
    const struct crl_view *v, uint64_t *before, struct error *e)
{
	uint64_t since = UINT64_MAX;

	*before = 0;
	if (!v->has_delta)
		return true;
	if (!base_tells(s, &r->key->id, "full", v->delta_base, &since, e) ||
	    !base_tells(s, &r->key->id, "caller", v->delta_base, &since, e))
		return false;
	*before = since == UINT64_MAX ? 0 : since;
	return true;
}

/* Whether the list says no less of one of our revocations than its record does. */
static bool
told(const struct listed *l, const struct revoked_entry *v, uint64_t before)
{
	struct crl_entry key = { .reason = CRL_UNSPECIFIED };
	const struct crl_entry *one;

	memcpy(key.serial, v->serial, sizeof(key.serial));
	one = l->n == 0 ? NULL
			: bsearch(&key, l->v, l->n, sizeof(key), by_serial);
	if (one == NULL)
		return v->index < before;
	return one->reason != CRL_REMOVE && one->revoked_s <= v->date_s;
}

static bool
revocations_told(struct signer *s, struct request *r, const struct crl_view *v,
    const struct listed *l, struct error *e)
{
	struct revoked_cursor c;
	struct revoked_entry own;
	uint64_t before;

	if (!may_leave_out(s, r, v, &before, e))
		return false;
	revoked_cursor_start(&c, reg_get_state(s->reg), &r->key->id,
	    UINT64_MAX);
	while (revoked_cursor_next(&c, &own))
		if (own.not_after_s >= v->this_update_s &&
		    !told(l, &own, before)) {
			(void)request_refuse(r, "caller-crl-revoked",
			    "revokedCertificates", e);
			return error_set(e, FAIL_REFUSED,
			    "caller-crl-revoked: the list leaves out, takes "
			    "back "
			    "or dates later the revocation of record %llu",
			    (unsigned long long)own.index);
		}
	return true;
}

/* A list for some certificates only would be taken for one of all by whoever ignores its
 * scope; another's entries are not ours to sign. */
static bool
scope_ok(const struct crl_view *v)
{
	return !v->has_idp || (v->idp_critical && !v->idp_other);
}

static bool
is_above(struct signer *s, const struct request *r, const char *scope,
    uint64_t number)
{
	uint64_t last;

	return !reg_state_crl_number(reg_get_state(s->reg), &r->key->id, scope,
		   &last) ||
	    number > last;
}

/* Without a distribution point its scope is that of the full lists, and so is the series of its
 * numbers (RFC 5280 5.2.3). */
static bool
number_ok(struct signer *s, const struct request *r, const struct crl_view *v)
{
	return v->has_number && v->number <= NUMBER_MAX &&
	    is_above(s, r, "caller", v->number) &&
	    (v->has_idp || is_above(s, r, "full", v->number));
}

bool
crl_caller_check(struct signer *s, struct request *r, const struct crl_view *v,
    struct error *e)
{
	struct listed l = { 0 };
	bool ok;

	if (!number_ok(s, r, v))
		return request_refuse(r, "caller-crl-number",
		    "extensions.cRLNumber", e);
	if (!scope_ok(v))
		return request_refuse(r, "caller-crl-scope",
		    "extensions.issuingDistributionPoint", e);
	if (v->has_delta && (!v->delta_critical || v->delta_base >= v->number))
		return request_refuse(r, "caller-crl-delta",
		    "extensions.deltaCRLIndicator", e);
	ok = collect(r, v, &l, e) && revocations_told(s, r, v, &l, e);
	r->crl->entries = l.n;
	mem_free(l.v);
	return ok;
}
