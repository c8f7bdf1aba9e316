/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that has to be signed: for a call that waits, or in the place of a kept one. */
#include "ocsp.h"

/* The charter of a responder's key (ocsp-responder) has no more. */
#define LIFE_MAX_S (10 * INT64_C(86400))

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
	bool single, never_issued, retried, answered;
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
		ocsp_send(c, &a->answer, a->single);
	} else if (a->why.why == FAIL_REFUSED && !a->retried) {
		/* Revoked while it was on its way. */
		a->retried = true;
		a->why = (struct error){ 0 };
		sign(c);
	} else {
		ocsp_refuse(c, OCSP_TRY_LATER);
	}
}

static void
signature(void *arg, const struct error *why, struct bytes sig)
{
	struct asking *a = arg;
	const struct lane_reply r = { .ok = true };

	if (why == NULL) {
		if (a->call == NULL)
			asking_free(a);
		return;
	}
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

/* The register has no part in it (ocsp_key: memory). */
static bool
sign_here(struct asking *a, struct error *e)
{
	size_t n;

	if (!ocsp_key_sign(a->issuer->responder->key_here, buf_bytes(&a->data),
		a->sig_mem, &n, e))
		return false;
	a->sig = bytes_of(a->sig_mem, n);
	a->answered = true;
	return true;
}

/* a->answered, or signature() will be called. */
static bool
submit(struct asking *a, int64_t now_s, struct error *e)
{
	enum ocsp_rank rank;

	if (!write_data(a, now_s, e))
		return false;
	rank =
	    a->never_issued || !a->single ? OCSP_FOR_ANYBODY : OCSP_FOR_KNOWN;
	if (rank == OCSP_FOR_ANYBODY && !ocsp_rate_take())
		return error_set(e, FAIL_BUSY,
		    "too many OCSP answers that cannot be kept");
	if (a->issuer->responder->key_here != NULL)
		return sign_here(a, e);
	ocsp_sign(a->worker, a->lane, a->issuer->responder, a->index->mount,
	    buf_bytes(&a->data), rank, signature, a);
	return true;
}

static void
sign(struct call *c)
{
	struct asking *a = c->state;
	struct error e;

	if (!submit(a, c->now_s, &e))
		ocsp_refuse(c,
		    e.why == FAIL_BUSY ? OCSP_TRY_LATER : OCSP_INTERNAL_ERROR);
	else if (a->answered)
		signed_(c);
	else
		call_wait(c, signed_);
}

void
ocsp_ask(struct call *c, struct ocsp_index *x, const struct ocsp_issuer *i,
    struct bytes request)
{
	struct asking *a = asking_new(c, x, i, request);

	a->call = c;
	c->state = a;
	c->state_free = asking_free;
	sign(c);
}

void
ocsp_renew(struct call *c, struct ocsp_index *x, const struct ocsp_issuer *i,
    struct bytes request)
{
	struct asking *a = asking_new(c, x, i, request);
	struct error ignored;

	if (submit(a, c->now_s, &ignored) && !a->answered)
		return;
	if (a->answered)
		keep(a);
	asking_free(a);
}
