/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request for OCSP, from its octets to its answer. What can be answered from the cache needs
 * no signer; the rest waits for a signature. Errors are OCSPResponses too, under the statuses
 * that Vault gives them.
 */
#include <stdio.h>

#include <chancery/base/text.h>
#include <chancery/server/conditional.h>
#include <chancery/server/request.h>

#include "ocsp.h"

#define TYPE_OCSP "application/ocsp-response"

/* The charter of a responder's key (ocsp-responder) has no more. */
#define LIFE_MAX_S (10 * INT64_C(86400))

static const struct {
	enum ocsp_refusal refusal;
	int status;
} refusals[] = {
	{ OCSP_MALFORMED, 400 },
	{ OCSP_UNAUTHORIZED, 401 },
	{ OCSP_INTERNAL_ERROR, 500 },
	{ OCSP_TRY_LATER, 503 },
};

static void
refuse(struct call *c, enum ocsp_refusal r)
{
	uint8_t body[OCSP_REFUSAL_BYTES];
	int status = 500;

	for (size_t i = 0; i < countof(refusals); i++)
		if (refusals[i].refusal == r)
			status = refusals[i].status;
	(void)atomic_fetch_add_explicit(r == OCSP_TRY_LATER
		? &ocsp_counts.later
		: &ocsp_counts.refused,
	    1, memory_order_relaxed);
	if (status == 503)
		http_set_header(c->x, "Retry-After", "1");
	ocsp_refusal_write(r, body);
	call_raw(c, status, TYPE_OCSP, bytes_of(body, sizeof(body)));
}

/* ---- the answer as HTTP (RFC 9919 6.2) ---- */

static void
send_cacheable(struct call *c, const struct ocsp_cached *a)
{
	struct sha256 h = sha256(a->der);
	char etag[2 * 16 + 3], hex[2 * 16 + 1], date[HTTP_DATE_SIZE];
	int64_t left = a->next_s - c->now_s;
	const struct cached k = { .type = TYPE_OCSP,
		.etag = etag,
		.modified_s = a->this_s,
		.max_age_s =
		    left < LIMIT_OCSP_MAX_AGE_S ? left : LIMIT_OCSP_MAX_AGE_S,
		.more = ", no-transform, must-revalidate" };

	hex_encode(bytes_of(h.b, 16), hex);
	(void)snprintf(etag, sizeof(etag), "\"%s\"", hex);
	http_date_format(a->next_s, date);
	http_set_header(c->x, "Expires", date);
	cached_bytes(c, &k, a->der);
}

static void
send_answer(struct call *c, const struct ocsp_cached *a, bool cacheable)
{
	if (cacheable && c->op == OP_READ)
		send_cacheable(c, a);
	else
		call_raw(c, 200, TYPE_OCSP, a->der);
}

/* ---- an answer that has to be signed ---- */

struct asking {
	struct call *call; /* NULL: a cached answer is renewed */
	struct http_worker *worker;
	struct lane *lane;
	struct store *store;
	struct ocsp_index *index;         /* held */
	const struct ocsp_issuer *issuer; /* whose responder signs */
	struct buf request;
	struct ocsp_request r; /* borrows from it */
	struct buf data, der;
	struct ocsp_cached answer;
	uint64_t seen;
	bool single, never_issued, retried;
	struct error why;
	struct bytes sig; /* in sig_mem */
	uint8_t sig_mem[LIMIT_SIG_BYTES];
};

static void
asking_free(void *state)
{
	struct asking *a = state;

	ocsp_index_put(a->index);
	buf_free(&a->request);
	buf_free(&a->data);
	buf_free(&a->der);
	mem_free(a);
}

static struct asking *
asking_new(struct call *c, struct ocsp_index *x, const struct ocsp_issuer *i,
    struct bytes request)
{
	struct asking *a = mem_calloc(1, sizeof(*a));
	struct error ignored;

	a->worker = http_get_worker(c->x);
	a->lane = c->lane;
	a->store = c->store;
	a->index = x;
	a->index->refs++;
	a->issuer = i;
	buf_add_bytes(&a->request, request);
	if (!ocsp_request_parse(buf_bytes(&a->request), &a->r, &ignored))
		fatal("an OCSP request that was good is not any more");
	a->single = a->r.n == 1 && a->r.nonce.n == 0;
	return a;
}

static void
status_answer(const struct asking *a, const struct ocsp_status_of *s,
    struct ocsp_answer *out)
{
	out->status = s->status;
	out->revoked_s = s->revoked_s;
	out->reason = s->reason;
	/* RFC 6960 2.2: of what was never issued, so that nobody takes it for good. */
	if (s->never_issued && a->index->unknown_is_revoked) {
		out->status = OCSP_REVOKED;
		out->revoked_s = 0;
		out->reason = CRL_HOLD;
	}
}

static int64_t
end_of(const struct asking *a, int64_t now_s)
{
	int64_t life = a->index->expiry_s,
		end = a->issuer->responder->cert.tbs.not_after_s;

	if (life > LIFE_MAX_S)
		life = LIFE_MAX_S;
	if (a->never_issued && life > LIMIT_OCSP_UNKNOWN_S)
		life = LIMIT_OCSP_UNKNOWN_S;
	return now_s + life < end ? now_s + life : end;
}

/* ResponseData of what is so now. */
static bool
write_data(struct asking *a, int64_t now_s, struct error *e)
{
	struct ocsp_answer v[LIMIT_OCSP_REQUESTS];
	struct ocsp_answers all = { .responder = a->issuer->responder->key_id,
		.produced_s = now_s,
		.v = v,
		.n = a->r.n,
		.nonce = a->r.nonce };

	a->seen = store_revocations(a->store);
	a->never_issued = false;
	for (size_t i = 0; i < a->r.n; i++) {
		const struct ocsp_cert_id *id = &a->r.id[i];
		struct ocsp_status_of *s = &a->answer.status;

		if (!ocsp_status_get(a->store, a->index->mount,
			ocsp_issuer_of(a->index, id), id, s, e))
			return false;
		a->never_issued |= s->never_issued;
		v[i].id = id->der;
		status_answer(a, s, &v[i]);
	}
	a->answer.this_s = now_s;
	a->answer.next_s = end_of(a, now_s);
	for (size_t i = 0; i < a->r.n; i++) {
		v[i].this_s = a->answer.this_s;
		v[i].next_s = a->answer.next_s;
	}
	all.extended_revoke = a->never_issued && a->index->unknown_is_revoked;
	buf_reset(&a->data);
	ocsp_data_write(&all, &a->data);
	return true;
}

static void
keep(struct asking *a)
{
	const struct ocsp_responder *r = a->issuer->responder;

	ocsp_response_write(buf_bytes(&a->data), r->alg, a->sig,
	    buf_bytes(&r->cert.der), &a->der);
	a->answer.der = buf_bytes(&a->der);
	(void)atomic_fetch_add_explicit(&ocsp_counts.signed_, 1,
	    memory_order_relaxed);
	if (!a->single)
		return;
	ocsp_cache_key(a->index, a->issuer, &a->r.id[0], &a->answer.key);
	ocsp_cache_add(&a->answer, a->seen);
}

static void sign(struct call *c);

static void
signed_(struct call *c)
{
	struct asking *a = c->state;

	if (a->why.why == FAIL_NONE) {
		keep(a);
		send_answer(c, &a->answer, a->single);
	} else if (a->why.why == FAIL_REFUSED && !a->retried) {
		/* Revoked while it was on its way. */
		a->retried = true;
		a->why = (struct error){ 0 };
		sign(c);
	} else {
		refuse(c, OCSP_TRY_LATER);
	}
}

static void
signature(void *arg, const struct error *why, struct bytes sig)
{
	struct asking *a = arg;
	const struct lane_reply r = { .ok = true };

	a->why = *why;
	if (sig.n <= sizeof(a->sig_mem)) {
		memcpy(a->sig_mem, sig.n > 0 ? sig.p : a->sig_mem, sig.n);
		a->sig = bytes_of(a->sig_mem, sig.n);
	}
	if (a->call != NULL) {
		call_wake(a->call, &r);
		return;
	}
	if (why->why == FAIL_NONE)
		keep(a);
	asking_free(a);
}

static bool
submit(struct asking *a, int64_t now_s, struct error *e)
{
	enum ocsp_rank rank;

	if (!write_data(a, now_s, e))
		return false;
	rank = a->never_issued || a->r.nonce.n > 0 ? OCSP_FOR_ANYBODY
						   : OCSP_FOR_KNOWN;
	if (rank == OCSP_FOR_ANYBODY && !ocsp_rate_take())
		return error_set(e, FAIL_BUSY,
		    "too many OCSP answers that cannot be kept");
	ocsp_sign(a->worker, a->lane, a->issuer->responder, a->index->mount,
	    buf_bytes(&a->data), rank, signature, a);
	return true;
}

static void
sign(struct call *c)
{
	struct asking *a = c->state;
	struct error e;

	if (submit(a, c->now_s, &e))
		call_wait(c, signed_);
	else
		refuse(c,
		    e.why == FAIL_BUSY ? OCSP_TRY_LATER : OCSP_INTERNAL_ERROR);
}

/* ---- the cache ---- */

static bool
is_still_so(struct call *c, const struct ocsp_index *x,
    const struct ocsp_issuer *i, const struct ocsp_cert_id *id,
    const struct ocsp_cached *a, uint64_t seen)
{
	struct ocsp_status_of now;
	struct error ignored;

	if (!ocsp_status_get(c->store, x->mount, i, id, &now, &ignored) ||
	    now.status != a->status.status ||
	    now.revoked_s != a->status.revoked_s ||
	    now.reason != a->status.reason)
		return false;
	ocsp_cache_checked(a, seen);
	return true;
}

static void
renew(struct call *c, struct ocsp_index *x, const struct ocsp_issuer *i,
    struct bytes request)
{
	struct asking *a = asking_new(c, x, i, request);
	struct error ignored;

	if (!submit(a, c->now_s, &ignored))
		asking_free(a);
}

/* True: answered. */
static bool
from_cache(struct call *c, struct ocsp_index *x, const struct ocsp_issuer *i,
    const struct ocsp_request *r, struct bytes request)
{
	uint64_t seen = store_revocations(c->store);
	const struct ocsp_cached *a;
	struct sha256 key;
	bool current, old;

	ocsp_cache_key(x, i, &r->id[0], &key);
	a = ocsp_cache_get(&key, c->now_s, seen, &current, &old);
	if (a == NULL)
		return false;
	if (!current && !is_still_so(c, x, i, &r->id[0], a, seen)) {
		ocsp_cache_drop(&key);
		ocsp_cached_put(a);
		return false;
	}
	if (old)
		renew(c, x, i, request);
	(void)atomic_fetch_add_explicit(&ocsp_counts.cached, 1,
	    memory_order_relaxed);
	send_answer(c, a, true);
	ocsp_cached_put(a);
	return true;
}

/* ---- who answers ---- */

static const struct ocsp_issuer *
signer_for(const struct ocsp_index *x, const struct ocsp_request *r)
{
	const struct ocsp_issuer *i = NULL;

	for (size_t n = 0; n < r->n && i == NULL; n++)
		i = ocsp_issuer_of(x, &r->id[n]);
	return i;
}

static bool
has_responder(const struct ocsp_issuer *i, int64_t now_s)
{
	return i->responder != NULL &&
	    i->responder->cert.tbs.not_after_s > now_s;
}

static void
no_responder(struct call *c, const struct ocsp_issuer *i)
{
	ocsp_responder_wanted(c->mount->path, i->issuer->id);
	refuse(c,
	    ocsp_responder_refused(c->mount->path, i->issuer->id)
		? OCSP_UNAUTHORIZED
		: OCSP_TRY_LATER);
}

static void
answer_from(struct call *c, struct ocsp_index *x, const struct ocsp_request *r,
    struct bytes request)
{
	const struct ocsp_issuer *i = signer_for(x, r);

	if (x->disabled || i == NULL) {
		refuse(c, OCSP_UNAUTHORIZED);
		return;
	}
	if (!has_responder(i, c->now_s)) {
		no_responder(c, i);
		return;
	}
	if (ocsp_responder_due(i->responder, i->issuer, c->now_s))
		ocsp_responder_wanted(c->mount->path, i->issuer->id);
	if (r->n == 1 && r->nonce.n == 0 && from_cache(c, x, i, r, request))
		return;
	if (call_is_spare(c)) {
		refuse(c, OCSP_TRY_LATER);
		return;
	}
	c->state = asking_new(c, x, i, request);
	c->state_free = asking_free;
	((struct asking *)c->state)->call = c;
	sign(c);
}

static void
answer(struct call *c, struct bytes request)
{
	struct ocsp_index *x;
	struct ocsp_request r;
	struct error ignored;

	if (!ocsp_request_parse(request, &r, &ignored)) {
		refuse(c, OCSP_MALFORMED);
		return;
	}
	x = ocsp_index_get(c->docs, c->mount->path);
	answer_from(c, x, &r, request);
	ocsp_index_put(x);
}

/* ---- POST and GET ---- */

void
ocsp_post(struct call *c)
{
	answer(c, http_body(c->x));
}

/* Behind that many segments of the path as it was sent: doubled slashes are base64's. */
static struct bytes
behind(struct bytes path, size_t segments)
{
	size_t at = 0;

	while (segments-- > 0) {
		while (at < path.n && path.p[at] == '/')
			at++;
		while (at < path.n && path.p[at] != '/')
			at++;
	}
	while (at < path.n && path.p[at] == '/')
		at++;
	return bytes_of(path.p + at, path.n - at);
}

/* "v1", the mount's, "ocsp". */
static size_t
segments_before(const struct call *c)
{
	size_t n = 3;

	for (const char *s = c->mount->path; *s != '\0'; s++)
		n += *s == '/';
	return n;
}

/* Some leave out what base64 is padded with, and a "=" is easily lost in a URL. */
static bool
decode(struct bytes text, struct buf *out)
{
	auto_buf struct buf padded = { 0 };

	buf_add_bytes(&padded, text);
	while (padded.n % 4 != 0)
		buf_add_byte(&padded, '=');
	return base64_decode(buf_cstr(&padded), padded.n, out);
}

void
ocsp_get(struct call *c)
{
	auto_buf struct buf path = { 0 }, request = { 0 };

	if (request_unescape(http_path(c->x), &path) &&
	    decode(behind(buf_bytes(&path), segments_before(c)), &request))
		answer(c, buf_bytes(&request));
	else
		refuse(c, OCSP_MALFORMED);
}
