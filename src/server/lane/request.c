/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/clock.h>
#include <chancery/base/secret.h>

#include "internal.h"

/* ---- lists ------------------------------------------------------------- */

/* A frame's number is its slot and a count: an answer that comes after its request
 * has gone finds nothing. */
static void
slot_take(struct lane *l, struct lane_request *r)
{
	uint16_t at = l->free_slot[--l->free_slots];

	l->slot[at] = r;
	r->frame = ++l->next_frame * LIMIT_LANE_QUEUE + at;
}

struct lane_request *
lane_find(struct lane *l, uint64_t frame)
{
	struct lane_request *r = l->slot[frame % LIMIT_LANE_QUEUE];

	return r != NULL && r->frame == frame ? r : NULL;
}

static void
leave(struct lane *l, struct lane_list *from, struct lane_request *r)
{
	const size_t at = r->frame % LIMIT_LANE_QUEUE;

	TAILQ_REMOVE(from, r, link);
	if (from == &l->sent)
		l->in_flight--;
	if (r->frame == 0)
		return;
	l->slot[at] = NULL;
	l->free_slot[l->free_slots++] = (uint16_t)at;
	l->waiting--;
	r->frame = 0;
}

static void
request_free(struct lane_request *r)
{
	buf_free(&r->body);
	secret_free(r->secret);
	mem_free(r);
}

void
lane_drop(struct lane *l, struct lane_list *from, struct lane_request *r)
{
	leave(l, from, r);
	request_free(r);
}

void
lane_fail(struct lane *l, struct lane_list *from, struct lane_request *r,
    const struct error *why)
{
	leave(l, from, r);
	r->err = *why;
	TAILQ_INSERT_TAIL(&l->failed, r, link);
	lane_schedule(l);
}

void
lane_fail_all(struct lane *l, struct lane_list *from, const struct error *why)
{
	while (!TAILQ_EMPTY(from))
		lane_fail(l, from, TAILQ_FIRST(from), why);
}

void
lane_answer_failed(struct lane *l)
{
	struct lane_list now = TAILQ_HEAD_INITIALIZER(now);
	struct lane_request *r;

	/* A callback may submit more; those wait for the next pass. */
	TAILQ_CONCAT(&now, &l->failed, link);
	while ((r = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, r, link);
		if (r->done != NULL)
			r->done(r->arg,
			    &(struct lane_reply){ .err = r->err,
				.intent = WIRE_NO_INDEX,
				.index = WIRE_NO_INDEX,
				.stale_serial = r->stale });
		request_free(r);
	}
}

/* Whose request was sent: it keeps its place until its answer or the signer's end. */
static void
tell_late(struct lane_request *r, const struct error *e)
{
	lane_done_fn *done = r->done;

	r->told = true;
	if (!r->follow)
		r->done = NULL;
	done(r->arg,
	    &(struct lane_reply){ .err = *e,
		.intent = WIRE_NO_INDEX,
		.index = WIRE_NO_INDEX,
		.pending = r->follow });
}

void
lane_expire(struct lane *l, int64_t now_ns)
{
	struct lane_request *r, *next;
	struct error e;

	error_set(&e, FAIL_TIMEOUT,
	    "the signer did not answer in time; what came of the request "
	    "stands in the register");
	for (r = TAILQ_FIRST(&l->queued); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->deadline_ns <= now_ns)
			lane_fail(l, &l->queued, r, &e);
	}
	TAILQ_FOREACH(r, &l->sent, link)
	{
		if (r->deadline_ns <= now_ns && !r->told && r->done != NULL)
			tell_late(r, &e);
	}
}

/* ---- sending ----------------------------------------------------------- */

static bool
send_one(struct lane *l, struct lane_request *r, struct error *e)
{
	const struct wire_request q = { .id = bytes_of(r->id, sizeof(r->id)) };
	const struct frame f = {
		.type = (uint16_t)(r->settling ? WIRE_SETTLE : r->m),
		.flags = r->again ? FRAME_AGAIN : 0,
		.id = r->frame,
	};
	auto_buf struct buf body = { 0 };

	if (!r->settling && r->secret != NULL)
		return peer_send_secret(l->peer, &f, buf_bytes(&r->body),
		    bytes_of(secret_data(r->secret), secret_len(r->secret)), e);
	if (!r->settling)
		return peer_send(l->peer, &f, buf_bytes(&r->body), e);
	return wire_request_encode(WIRE_SETTLE, &q, &body, e) &&
	    peer_send(l->peer, &f, buf_bytes(&body), e);
}

void
lane_send_queued(struct lane *l)
{
	struct lane_request *r;
	struct error e;

	while (l->state == LANE_UP && l->in_flight < LIMIT_LANE_IN_FLIGHT &&
	    (r = TAILQ_FIRST(&l->queued)) != NULL) {
		if (!send_one(l, r, &e)) {
			if (e.why == FAIL_BUSY)
				return;
			lane_fail(l, &l->queued, r, &e);
			continue;
		}
		TAILQ_REMOVE(&l->queued, r, link);
		TAILQ_INSERT_TAIL(&l->sent, r, link);
		l->in_flight++;
	}
}

/* ---- submitting -------------------------------------------------------- */

static bool
acceptable(const struct lane *l, enum wire_message m,
    const struct wire_request *q, struct buf *body, struct error *e)
{
	lane_why(l, e);
	if (e->why != FAIL_NONE)
		return false;
	if (l->waiting >= LIMIT_LANE_QUEUE)
		return error_set(e, FAIL_BUSY,
		    "%zu requests wait for the signer", l->waiting);
	return wire_request_encode(m, q, body, e);
}

static void
frame_id(uint8_t out[8], struct lane *l)
{
	const uint64_t n = ++l->requests;

	memcpy(out, &n, sizeof(n));
}

static struct lane_request *
submit(struct lane *l, enum wire_message m, struct wire_request *q,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct lane_request *r = mem_calloc(1, sizeof(*r));
	const int64_t wait_ms = m == WIRE_KEY_GENERATE ? LIMIT_KEYGEN_WAIT_MS
	    : m == WIRE_IMPORT                         ? LIMIT_IMPORT_WAIT_MS
						       : LIMIT_WAIT_MS;

	r->m = m;
	r->generation = l->generation;
	r->done = done;
	r->arg = arg;
	if (claim != NULL) {
		q->who = claim->who;
		q->why = claim->why;
		memcpy(r->id, claim->id, sizeof(claim->id));
		frame_id(r->id + sizeof(claim->id), l);
		q->id = bytes_of(r->id, sizeof(r->id));
	}
	if (!acceptable(l, m, q, &r->body, &r->err)) {
		TAILQ_INSERT_TAIL(&l->failed, r, link);
	} else {
		slot_take(l, r);
		l->waiting++;
		r->deadline_ns = clock_mono_ns() + wait_ms * 1000000;
		TAILQ_INSERT_TAIL(&l->queued, r, link);
	}
	lane_schedule(l);
	return r;
}

void
lane_certify(struct lane *l, const struct sha256 *key, struct bytes tbs,
    const char *profile, const struct lane_claim *claim, lane_done_fn *done,
    void *arg)
{
	struct wire_request q = { .key = *key,
		.data = tbs,
		.profile = profile };

	(void)submit(l, WIRE_CERTIFY, &q, claim, done, arg);
}

void
lane_sign_csr(struct lane *l, const struct sha256 *key, struct bytes info,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct wire_request q = { .key = *key, .data = info };

	(void)submit(l, WIRE_SIGN_CSR, &q, claim, done, arg);
}

void
lane_sign_crl(struct lane *l, const struct lane_crl *req,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct wire_request q = { .key = req->key,
		.issuer = req->issuer,
		.alg = (uint32_t)req->alg,
		.scope = req->scope,
		.period_s = req->period_s,
		.url = req->idp_url,
		.data = req->tbs };

	memcpy(q.key_id, req->issuer_key_id, sizeof(q.key_id));
	(void)submit(l, WIRE_SIGN_CRL, &q, claim, done, arg);
}

void
lane_sign_ocsp(struct lane *l, const struct sha256 *key, struct bytes data,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct wire_request q = { .key = *key, .data = data };

	(void)submit(l, WIRE_SIGN_OCSP, &q, claim, done, arg);
}

void
lane_revoke(struct lane *l, const struct lane_revoke *req,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct wire_request q = { .key = req->key,
		.cert = req->cert,
		.data = req->cert == WIRE_NO_INDEX ? req->cert_der
						   : (struct bytes){ 0 },
		.reason = (uint32_t)req->reason,
		.invalidity_s = req->invalidity_s };

	(void)submit(l, WIRE_REVOKE, &q, claim, done, arg);
}

/* Instead of the empty field that ends the body (WIRE_SECRET_IN). */
static void
add_secret(struct lane_request *r, struct bytes secret)
{
	auto_buf struct buf len = { 0 };

	wire_u32(&len, (uint32_t)secret.n);
	if (secret.n == 0 || r->body.n < len.n)
		return;
	r->body.n -= len.n;
	r->secret = secret_new(len.n + secret.n);
	if (!secret_add(r->secret, len.p, len.n) ||
	    !secret_add(r->secret, secret.p, secret.n))
		fatal("no room for a secret");
}

void
lane_key_generate(struct lane *l, const struct lane_keygen *req,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct wire_request q = { .token = req->token,
		.alg = (uint32_t)req->type.alg,
		.bits = req->type.bits,
		.label = req->label,
		.profile = req->ocsp ? WIRE_KEY_OCSP : "",
		.flag = req->destroyable };

	/* Nothing is sent before the end of this pass of the loop. */
	add_secret(submit(l, WIRE_KEY_GENERATE, &q, claim, done, arg),
	    req->pkcs8);
}

void
lane_record_config(struct lane *l, const char *what, struct bytes body,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct wire_request q = { .kind = WIRE_RECORD_CONFIG,
		.what = what,
		.data = body };

	submit(l, WIRE_RECORD, &q, claim, done, arg)->follow = true;
}

void
lane_record_event(struct lane *l, const char *what, struct bytes body,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct wire_request q = { .kind = WIRE_RECORD_EVENT,
		.what = what,
		.data = body };

	(void)submit(l, WIRE_RECORD, &q, claim, done, arg);
}

void
lane_import(struct lane *l, const struct lane_import *req,
    const struct lane_claim *claim, lane_done_fn *done, void *arg)
{
	struct wire_request q = { .data = req->bundle,
		.what = req->mount,
		.vkey = req->vkey };

	(void)submit(l, WIRE_IMPORT, &q, claim, done, arg);
}

void
lane_status(struct lane *l, lane_done_fn *done, void *arg)
{
	struct wire_request q = { 0 };

	(void)submit(l, WIRE_STATUS, &q, NULL, done, arg);
}
