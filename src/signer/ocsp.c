/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/pki/ocsp.h>

#include "internal.h"

/*
 * SIGN_OCSP: many ResponseData under one INTENT, because the answer to a status
 * question is small and asked for often. That they are answers and nothing else, how
 * long they hold, and that no revocation of this register is denied is checked
 * here; what else they say of a serial is the caller's.
 */

bool
signer_sign_ocsp(struct signer *s, const struct signer_ocsp *req,
    signer_done_fn *done, void *arg, struct error *e)
{
	auto_der_writer struct der_writer w = { 0 };
	struct request *r;
	size_t i, mark;

	if (req->n == 0 || req->n > LIMIT_OCSP_BATCH)
		return error_set(e, FAIL_BAD_INPUT,
		    "%zu ResponseData, allowed 1 to %d", req->n,
		    LIMIT_OCSP_BATCH);
	if (s->in_flight + req->n > LIMIT_IN_FLIGHT)
		return error_set(e, FAIL_BUSY,
		    "%zu signatures are in flight already", s->in_flight);
	der_w_init(&w, LIMIT_TBS_BYTES);
	mark = der_w_mark(&w);
	for (i = req->n; i-- > 0 && der_w_bytes(&w).n <= LIMIT_TBS_BYTES;)
		der_w_raw(&w, req->data[i]);
	der_w_wrap(&w, DER_SEQUENCE, mark);
	if (der_w_bytes(&w).n > LIMIT_TBS_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "ResponseData: %zu bytes together, at most %d",
		    der_w_bytes(&w).n, LIMIT_TBS_BYTES);
	r = request_new(s, &request_ocsp, &req->key, &req->claim, done, arg, e);
	if (r == NULL)
		return false;
	buf_add_bytes(&r->data, der_w_bytes(&w));
	request_parts(r, req->n);
	request_queue(s, r);
	return true;
}

struct batch {
	struct signer *s;
	struct request *r;
	struct charter_usage u;
};

/* A serial that this register revoked is answered revoked, since no later than it
 * was: whoever brings the answer cannot take a revocation back. */
static bool
status_ok(const struct batch *b, const struct ocsp_single *one, struct error *e)
{
	const struct reg_state *state = reg_get_state(b->s->reg);
	struct revoked_entry v;
	uint8_t serial[20];
	bool known;
	size_t i;

	/* One that no certificate of ours has: asked about, never revoked. */
	if (!serial_magnitude(one->serial, serial, e))
		return true;
	for (i = 0; i < b->s->keys_n; i++) {
		const struct signer_key *k = b->s->keys[i];

		if (!k->spki_ok)
			continue;
		if (ocsp_is_issuer(one, &k->spki, &known) &&
		    reg_state_revoked(state, &k->id, serial, &v) &&
		    (one->status != OCSP_REVOKED || one->revoked_s > v.date_s))
			return request_refuse(b->r, "ocsp-revoked",
			    "responses.certStatus", e);
		if (!known)
			return request_refuse(b->r, "ocsp-hash",
			    "responses.certID.hashAlgorithm", e);
	}
	return true;
}

static bool
time_ok(const struct batch *b, int64_t from_s, int64_t to_s, struct error *e)
{
	return charter_allows_list(b->r->key->charter, KIND_OCSP, from_s, to_s,
	    &b->u, &b->r->verdict, e);
}

/* One ResponseData: each of its answers is held against the charter by itself. */
static bool
response_ok(const struct batch *b, struct bytes der, struct error *e)
{
	struct ocsp_data d;
	struct ocsp_single one;
	struct error ignored;
	bool bad = true;

	if (!ocsp_data_parse(der, &d, e)) {
		(void)request_refuse(b->r, "structure-der", "responseData",
		    &ignored);
		return false;
	}
	while (ocsp_data_next(&d, &one, &bad))
		if (!time_ok(b, d.produced_s, one.next_s, e) ||
		    !time_ok(b, one.this_s, one.next_s, e) ||
		    !status_ok(b, &one, e))
			return false;
	return !bad || request_refuse(b->r, "structure-der", "responses", e);
}

static bool
prepare_all(struct signer *s, struct request *r, int64_t now_s, struct error *e)
{
	struct batch b = { .s = s, .r = r };
	struct der_reader top, all;
	struct bytes der;
	uint8_t tag;
	size_t i;

	signer_usage(s, r->key, &b.u, now_s);
	der_r_init(&top, buf_bytes(&r->data));
	der_r_init(&all, der_r_get(&top, DER_SEQUENCE));
	for (i = 0; i < r->parts; i++) {
		der = der_r_any(&all, &tag);
		if (!response_ok(&b, der, e))
			return error_context(e, "ResponseData %zu", i);
		b.u.signatures++;
		b.u.in_hour++;
		part_prepare(&r->part[i], r->alg, der);
	}
	return der_r_done(&all) ||
	    request_refuse(r, "structure-der", "responseData", e);
}

/* Their signatures stand in one record: none may be made that has no room there. */
static bool
outcome_fits(const struct request *r, struct error *e)
{
	size_t each = key_signature_max(r->key->spki.type) + DER_HEADER_MAX;

	if (r->parts * each * 4 / 3 + LIMIT_OUTCOME_BYTES <= LIMIT_RECORD_BYTES)
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "%zu signatures of up to %zu bytes do not fit into one record",
	    r->parts, each);
}

static bool
admit(struct signer *s, struct request *r, struct error *e)
{
	struct sha256 h = sha256(buf_bytes(&r->data));
	struct record rec;
	int64_t now_ms;

	r->kind = "ocsp";
	r->alg = sig_alg_default(r->key->spki.type);
	if (!outcome_fits(r, e) || !reg_now(s->reg, &now_ms, e) ||
	    !prepare_all(s, r, now_ms / 1000, e))
		return false;
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", sig_alg_info(r->alg)->name);
	record_int(&rec, "entries", (int64_t)r->parts);
	record_hash(&rec, "key", &r->key->id);
	record_text(&rec, "kind", r->kind);
	record_bytes(&rec, "req", bytes_of(r->id, r->id_len));
	record_hash(&rec, "sha256", &h);
	record_bytes(&rec, "tbs", buf_bytes(&r->data));
	request_claim(r, &rec);
	return reg_append(s->reg, &rec, (struct bytes){ 0 }, &r->intent, e);
}

/* SEQUENCE OF OCTET STRING, in the order of the ResponseData. */
static bool
complete(unused_arg struct signer *s, struct request *r,
    unused_arg struct error *e)
{
	auto_der_writer struct der_writer w = { 0 };
	size_t i, mark;

	der_w_init(&w, r->parts * 80);
	mark = der_w_mark(&w);
	for (i = r->parts; i-- > 0;)
		der_w_tlv(&w, DER_OCTET_STRING, buf_bytes(&r->part[i].sig));
	der_w_wrap(&w, DER_SEQUENCE, mark);
	buf_add_bytes(&r->sig, der_w_bytes(&w));
	return true;
}

const struct request_type request_ocsp = {
	.name = "ocsp",
	.admit = admit,
	.complete = complete,
};
