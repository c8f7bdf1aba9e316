/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/pki/der.h>

#include "internal.h"

/*
 * SIGN_OCSP: many ResponseData under one INTENT, because the answer to a status
 * question is small and asked for often. What they say of a serial is the
 * caller's; that they are answers and nothing else, and how long they hold, is
 * checked here.
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
	for (i = req->n; i-- > 0;)
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

struct times {
	int64_t this_s, next_s;
};

/* SingleResponse ::= { CertID, CertStatus, thisUpdate, [0] nextUpdate?, [1] exts? }.
 * An answer without nextUpdate never ends: refused. */
static bool
single(struct der_reader *all, struct times *t)
{
	struct der_reader in, next;
	uint8_t tag;

	der_r_init(&in, der_r_get(all, DER_SEQUENCE));
	(void)der_r_get(&in, DER_SEQUENCE);
	(void)der_r_any(&in, &tag);
	t->this_s = der_r_time(&in);
	der_r_init(&next, der_r_get(&in, DER_CONTEXT_CONSTRUCTED(0)));
	t->next_s = der_r_time(&next);
	if (der_r_peek(&in) == DER_CONTEXT_CONSTRUCTED(1))
		(void)der_r_get(&in, DER_CONTEXT_CONSTRUCTED(1));
	return der_r_done(&in) && der_r_done(&next) && tag >= 0x80 &&
	    tag != DER_CONTEXT_CONSTRUCTED(0);
}

/* Earliest thisUpdate and latest nextUpdate of one ResponseData. */
static bool
response_data(struct bytes der, struct times *t)
{
	struct der_reader top, in, list;
	struct times one;
	uint8_t tag = 0;
	bool first = true;

	der_r_init(&top, der);
	der_r_init(&in, der_r_get(&top, DER_SEQUENCE));
	(void)der_r_any(&in, &tag); /* responderID: byName [1], byKey [2] */
	(void)der_r_time(&in);      /* producedAt */
	der_r_init(&list, der_r_get(&in, DER_SEQUENCE));
	while (der_r_peek(&list) >= 0) {
		if (!single(&list, &one))
			return false;
		if (first || one.this_s < t->this_s)
			t->this_s = one.this_s;
		if (first || one.next_s > t->next_s)
			t->next_s = one.next_s;
		first = false;
	}
	if (der_r_peek(&in) == DER_CONTEXT_CONSTRUCTED(1))
		(void)der_r_get(&in, DER_CONTEXT_CONSTRUCTED(1));
	return !first && der_r_done(&list) && der_r_done(&in) &&
	    der_r_done(&top) &&
	    (tag == DER_CONTEXT_CONSTRUCTED(1) ||
		tag == DER_CONTEXT_CONSTRUCTED(2));
}

static bool
prepare_all(struct signer *s, struct request *r, int64_t now_s, struct error *e)
{
	struct charter_usage u = { 0 };
	struct der_reader top, all;
	struct bytes der;
	struct times t;
	uint8_t tag;
	size_t i;

	signer_usage(s, r->key, &u, now_s);
	der_r_init(&top, buf_bytes(&r->data));
	der_r_init(&all, der_r_get(&top, DER_SEQUENCE));
	for (i = 0; i < r->parts; i++) {
		der = der_r_any(&all, &tag);
		if (all.failed || !response_data(der, &t))
			return error_set(e, FAIL_BAD_INPUT,
			    "ResponseData %zu: malformed, or without "
			    "nextUpdate",
			    i);
		if (!charter_allows_list(r->key->charter, KIND_OCSP, t.this_s,
			t.next_s, &u, &r->verdict, e))
			return false;
		u.signatures++;
		u.in_hour++;
		part_prepare(&r->part[i], r->alg, der);
	}
	return der_r_done(&all) ||
	    error_set(e, FAIL_BAD_INPUT, "ResponseData: one element is two");
}

static bool
admit(struct signer *s, struct request *r, struct error *e)
{
	struct sha256 h = sha256(buf_bytes(&r->data));
	struct record rec;
	int64_t now_ms;

	r->kind = "ocsp";
	r->alg = sig_alg_default(r->key->spki.type);
	if (!reg_now(s->reg, &now_ms, e) ||
	    !prepare_all(s, r, now_ms / 1000, e))
		return false;
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", sig_alg_info(r->alg)->name);
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
