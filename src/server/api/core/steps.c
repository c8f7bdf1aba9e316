/* SPDX-License-Identifier: Apache-2.0 */
/* Steps through the signer's lane, the store's writer and the helper threads. */
#include "core.h"

struct lane_claim
claim_of(const struct call *c)
{
	const struct flight *f = (const struct flight *)(const void *)c;
	struct lane_claim claim = { .who = c->who, .why = c->why };

	memcpy(claim.id, f->id, sizeof(claim.id));
	return claim;
}

bool
outcome_is_known(const struct lane_reply *r)
{
	if (r->ok)
		return true;
	switch (r->err.why) {
	case FAIL_USAGE:
	case FAIL_BAD_INPUT:
	case FAIL_REFUSED:
	case FAIL_QUORUM:
	case FAIL_NOT_FOUND:
	case FAIL_EXISTS:
	case FAIL_PERMISSION:
	case FAIL_BUSY:
	case FAIL_PIN:
	case FAIL_UNSUPPORTED:
	case FAIL_ABORTED:
		return true;
	case FAIL_NONE:
	case FAIL_HSM_GONE:
	case FAIL_HSM_KEY:
	case FAIL_HSM:
	case FAIL_TIMEOUT:
	case FAIL_IO:
	case FAIL_DISK_FULL:
	case FAIL_CORRUPT:
	case FAIL_ROLLBACK:
	case FAIL_CLOCK:
	case FAIL_CRYPTO:
	case FAIL_INTERNAL:
	case FAIL__COUNT:
		break;
	}
	return r->stale_serial;
}

void
lane_step_end(struct flight *f, const struct lane_reply *r)
{
	struct positions *p = &f->c.api->positions;
	struct position *at = take(f->position);
	bool known = outcome_is_known(r);
	uint64_t next = r->ok ? r->index + 1 : 0;

	/* Rows are put by what runs now; the call may be gone afterwards. */
	step_end(f, r);
	if (known)
		position_end(p, at, next);
	else
		position_lost(p, at);
}

static void
lane_done(void *arg, const struct lane_reply *r)
{
	lane_step_end(arg, r);
}

struct flight *
lane_step_begin(struct call *c, call_fn *next)
{
	struct flight *f = flight_of(c);

	step_begin(f, next);
	f->position = position_begin(&c->api->positions);
	return f;
}

void
call_certify(struct call *c, const struct sha256 *key, struct bytes tbs,
    const char *profile, call_fn *next)
{
	struct flight *f = lane_step_begin(c, next);
	struct lane_claim claim = claim_of(c);

	lane_certify(c->lane, key, tbs, profile, &claim, lane_done, f);
}

void
call_sign_csr(struct call *c, const struct sha256 *key, struct bytes info,
    call_fn *next)
{
	struct flight *f = lane_step_begin(c, next);
	struct lane_claim claim = claim_of(c);

	lane_sign_csr(c->lane, key, info, &claim, lane_done, f);
}

void
call_sign_crl(struct call *c, const struct lane_crl *req, call_fn *next)
{
	struct flight *f = lane_step_begin(c, next);
	struct lane_claim claim = claim_of(c);

	lane_sign_crl(c->lane, req, &claim, lane_done, f);
}

void
call_revoke(struct call *c, const struct lane_revoke *req, call_fn *next)
{
	struct flight *f = lane_step_begin(c, next);
	struct lane_claim claim = claim_of(c);

	lane_revoke(c->lane, req, &claim, lane_done, f);
}

void
call_key_generate(struct call *c, const struct lane_keygen *req, call_fn *next)
{
	struct flight *f = lane_step_begin(c, next);
	struct lane_claim claim = claim_of(c);

	lane_key_generate(c->lane, req, &claim, lane_done, f);
}

void
call_import(struct call *c, const struct lane_import *req, call_fn *next)
{
	struct flight *f = lane_step_begin(c, next);
	struct lane_claim claim = claim_of(c);

	lane_import(c->lane, req, &claim, lane_done, f);
}

void
call_event(struct call *c, const char *what, json_t *body, call_fn *next)
{
	auto_json json_t *owned = body;
	auto_buf struct buf text = { 0 };
	struct flight *f = lane_step_begin(c, next);
	struct lane_claim claim = claim_of(c);
	struct lane_reply bad = { 0 };

	if (request_canonical(owned, &text, &bad.err))
		lane_record_event(c->lane, what, buf_bytes(&text), &claim,
		    lane_done, f);
	else
		lane_step_end(f, &bad);
}

/* ---- serials ---- */

static void serial_wait(struct flight *f);

static void
serial_ready(void *arg, const struct error *why)
{
	struct flight *f = arg;

	f->reply = (struct lane_reply){ .ok = true };
	if (why->why != FAIL_NONE)
		f->reply = (struct lane_reply){ .err = *why };
	/* Another call may have been quicker. */
	else if (!lane_serial(f->c.lane, f->serial)) {
		serial_wait(f);
		return;
	}
	step_end(f, &f->reply);
}

static void
serial_wait(struct flight *f)
{
	lane_when_serial(f->c.lane, serial_ready, f);
}

void
call_serial(struct call *c, uint8_t out[LIMIT_SERIAL_BYTES], call_fn *next)
{
	struct flight *f = flight_of(c);

	step_begin(f, next);
	f->serial = out;
	if (!lane_serial(c->lane, out)) {
		serial_wait(f);
		return;
	}
	f->reply = (struct lane_reply){ .ok = true };
	step_end(f, &f->reply);
}

/* ---- the last step of many ---- */

void
call_end_reply(struct call *c)
{
	if (c->reply->ok)
		call_no_content(c);
	else
		call_fail_reply(c);
}

/* ---- another call ---- */

void
call_wait(struct call *c, call_fn *next)
{
	step_begin(flight_of(c), next);
}

void
call_wake(struct call *c, const struct lane_reply *r)
{
	step_end(flight_of(c), r);
}

/* ---- the store's writer ---- */

static void
secrets_back(void *arg)
{
	struct flight *f = arg;

	step_end(f, &f->reply);
}

/* On the writer thread. */
static void
secrets_done(void *arg, bool ok, const struct error *e)
{
	struct flight *f = arg;

	f->reply = (struct lane_reply){ .ok = ok };
	if (!ok)
		f->reply.err = *e;
	http_worker_post(f->w->http, secrets_back, f);
}

void
call_secrets(struct call *c, const struct store_secret_change *ch, size_t n,
    call_fn *next)
{
	struct flight *f = flight_of(c);

	step_begin(f, next);
	store_secrets_write(c->store, ch, n, secrets_done, f);
}

/* ---- helper threads ---- */

static void
offload_work(void *arg)
{
	struct flight *f = arg;

	f->work(f->c.state);
}

static void
offload_done(void *arg)
{
	struct flight *f = arg;

	f->reply = (struct lane_reply){ .ok = true };
	step_end(f, &f->reply);
}

void
call_offload(struct call *c, void (*fn)(void *state), call_fn *next)
{
	struct flight *f = flight_of(c);

	step_begin(f, next);
	f->work = fn;
	f->job = (struct offload_job){ .work = offload_work,
		.done = offload_done,
		.arg = f,
		.worker = f->w->http };
	offload_run(&c->api->offload, &f->job);
}
