/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/json.h>

#include "room.h"

/* What each message asks of the signer library. */

static struct signer_claim
claim_of(const struct wire_request *in)
{
	return (struct signer_claim){ .who = in->who,
		.why = in->why,
		.request_id = in->id };
}

/* ---- answers of the library -------------------------------------------- */

static void
on_done(void *arg, const struct signer_reply *r)
{
	struct room_request *q = arg;
	struct wire_answer a = { .why = r->ok ? FAIL_NONE : r->err.why,
		.msg = r->ok ? NULL : r->err.msg,
		.rule = r->verdict.rule,
		.intent = r->intent,
		.index = r->record,
		.t_s = r->record_s,
		.sig = r->ok ? r->sig : (struct bytes){ 0 },
		.path = r->path,
		.crl_number = r->crl_number,
		.entries = r->entries,
		.bytes = r->bytes };

	room_judge(q->lane->room, r);
	if (r->verdict.rule != NULL)
		a.field = r->verdict.field;
	room_answer(q, &a);
}

/* ---- signing ----------------------------------------------------------- */

static bool
on_certify(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	const struct signer_certify req = { .key = in->key,
		.tbs = in->data,
		.profile = in->profile,
		.claim = claim_of(in),
		.retry_of = UINT64_MAX };

	return signer_certify(q->lane->room->signer, &req, on_done, q, e);
}

static bool
on_sign_csr(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	const struct signer_csr req = { .key = in->key,
		.info = in->data,
		.claim = claim_of(in) };

	return signer_sign_csr(q->lane->room->signer, &req, on_done, q, e);
}

static bool
on_sign_ocsp(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	static struct bytes data[LIMIT_OCSP_BATCH];
	struct signer_ocsp req = { .key = in->key,
		.data = data,
		.claim = claim_of(in) };
	struct wire_reader r;

	wire_read(&r, in->data);
	while (!r.failed && r.at < r.in.n && req.n < countof(data))
		data[req.n++] = wire_get_bytes(&r, LIMIT_TBS_BYTES);
	if (!wire_done(&r))
		return error_set(e, FAIL_BAD_INPUT,
		    "ResponseData: malformed, or more than %d",
		    LIMIT_OCSP_BATCH);
	return signer_sign_ocsp(q->lane->room->signer, &req, on_done, q, e);
}

static bool
on_sign_crl(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	struct signer_crl req = { .key = in->key,
		.issuer = in->issuer,
		.alg = (enum sig_alg)in->alg,
		.scope = in->scope,
		.period_s = in->period_s,
		.idp_url = in->url,
		.tbs = in->data,
		.claim = claim_of(in) };

	if (in->scope == NULL)
		return error_set(e, FAIL_BAD_INPUT, "scope: missing");
	memcpy(req.issuer_key_id, in->key_id, sizeof(req.issuer_key_id));
	return signer_sign_crl(q->lane->room->signer, &req, on_done, q, e);
}

static bool
on_revoke(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	const struct signer_revoke req = { .key = in->key,
		.cert = in->cert,
		.cert_der = in->data,
		.reason = (enum crl_reason)in->reason,
		.invalidity_s = in->invalidity_s,
		.claim = claim_of(in) };

	if (!crl_reason_valid(in->reason))
		return error_set(e, FAIL_BAD_INPUT, "reason: %u", in->reason);
	return signer_revoke(q->lane->room->signer, &req, on_done, q, e);
}

/* ---- records ----------------------------------------------------------- */

static void
answer_record(struct room_request *q, uint64_t n)
{
	struct signer *s = q->lane->room->signer;
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct wire_answer a = { .index = n };
	struct record rec;
	struct error ignored;

	if (reg_read(signer_register(s), n, &line, &rec, &store, &ignored))
		a.t_s = rec.t_ms / 1000;
	room_answer(q, &a);
}

/* {"changes":[…],"who":…,"why":…}, or "data" for what is no list: who asked is personal,
 * so it stands in the private body as well. */
static void
record_body(const struct wire_request *in, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_begin(&w);
	json_key(&w, in->data.p[0] == '[' ? "changes" : "data");
	json_raw(&w, in->data);
	json_kv_str(&w, "who", in->who);
	json_kv_str(&w, "why", in->why);
	json_object_end(&w);
}

static bool
on_record(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	auto_buf struct buf body = { 0 };
	struct record rec;
	uint64_t n;

	if (in->kind > WIRE_RECORD_EVENT || in->what == NULL ||
	    in->who == NULL || in->why == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "record: kind, what, who or why");
	if (!json_valid(in->data))
		return error_set(e, FAIL_BAD_INPUT,
		    "record: its body is not canonical JSON");
	record_init(&rec,
	    in->kind == WIRE_RECORD_CONFIG ? REC_CONFIG : REC_EVENT);
	record_text(&rec, "what", in->what);
	record_body(in, &body);
	if (!signer_record(q->lane->room->signer, &rec, buf_bytes(&body), &n,
		e))
		return false;
	answer_record(q, n);
	return true;
}

static bool
on_charter(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	struct signer *s = q->lane->room->signer;
	const struct signer_claim claim = claim_of(in);

	if (!signer_charter(s, &in->key, in->data, &claim, e))
		return false;
	answer_record(q, reg_durable_size(signer_register(s)) - 1);
	return true;
}

/* ---- the lane itself --------------------------------------------------- */

static bool
on_hello(struct room_request *q, const struct wire_request *in, struct error *e)
{
	struct reg *reg = signer_register(q->lane->room->signer);
	const struct wire_answer a = { .version = WIRE_VERSION,
		.size = reg_durable_size(reg),
		.origin = reg_state_origin(reg_get_state(reg)),
		.vkey = reg_state_vkey(reg_get_state(reg)) };

	if (in->version != WIRE_VERSION)
		return error_set(e, FAIL_UNSUPPORTED,
		    "protocol version %llu, this signer speaks %d",
		    (unsigned long long)in->version, WIRE_VERSION);
	room_answer(q, &a);
	return true;
}

static bool
on_serials(struct room_request *q, const struct wire_request *in,
    struct error *e)
{
	auto_buf struct buf out = { 0 };
	struct wire_answer a = { 0 };

	if (!room_lane_serials(q->lane, in->count, &out, e))
		return false;
	a.sig = buf_bytes(&out);
	room_answer(q, &a);
	return true;
}

/* These end by themselves, whatever comes of them. */
#define ENDS(name)                                                             \
	static bool on_##name(struct room_request *q,                          \
	    const struct wire_request *in, unused_arg struct error *e)         \
	{                                                                      \
		room_##name(q, in);                                            \
		return true;                                                   \
	}
ENDS(settle)
ENDS(keys)
ENDS(proof)
ENDS(status)
ENDS(generate)

typedef bool message_fn(struct room_request *q, const struct wire_request *in,
    struct error *e);
static message_fn *const acts[WIRE__COUNT] = {
	[WIRE_HELLO] = on_hello,
	[WIRE_SERIALS] = on_serials,
	[WIRE_KEYS] = on_keys,
	[WIRE_KEY_GENERATE] = on_generate,
	[WIRE_CERTIFY] = on_certify,
	[WIRE_SIGN_CSR] = on_sign_csr,
	[WIRE_SIGN_OCSP] = on_sign_ocsp,
	[WIRE_SIGN_CRL] = on_sign_crl,
	[WIRE_REVOKE] = on_revoke,
	[WIRE_SETTLE] = on_settle,
	[WIRE_RECORD] = on_record,
	[WIRE_CHARTER] = on_charter,
	[WIRE_PROOF] = on_proof,
	[WIRE_STATUS] = on_status,
	[WIRE_IMPORT] = room_import,
};

void
room_message(struct room_request *q, const struct wire_request *in)
{
	struct error e = { 0 };

	if (!acts[q->m](q, in, &e))
		room_fail(q, &e);
}
