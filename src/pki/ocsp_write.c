/* SPDX-License-Identifier: Apache-2.0 */
/* ResponseData and what goes around it (RFC 6960 4.2.1), written backwards. */
#include <chancery/base/cleanup.h>
#include <chancery/pki/ext_write.h>
#include <chancery/pki/ocsp.h>

#include "internal.h"

#define OID_NONCE "1.3.6.1.5.5.7.48.1.2"
#define OID_EXTENDED_REVOKE "1.3.6.1.5.5.7.48.1.9"
#define OID_BASIC "1.3.6.1.5.5.7.48.1.1"

/* CertStatus: good [0] and unknown [2] IMPLICIT NULL, revoked [1] IMPLICIT { time,
 * [0] EXPLICIT reason OPTIONAL } */
static void
write_status(struct der_writer *w, const struct ocsp_answer *a)
{
	size_t mark = der_w_mark(w);
	uint8_t reason = (uint8_t)a->reason;

	if (a->status != OCSP_REVOKED) {
		der_w_tlv(w, DER_CONTEXT(a->status == OCSP_GOOD ? 0 : 2),
		    bytes_of(NULL, 0));
		return;
	}
	if (a->reason != CRL_UNSPECIFIED) {
		der_w_tlv(w, DER_ENUMERATED, bytes_of(&reason, 1));
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), mark);
	}
	der_w_generalized_time(w, a->revoked_s);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(1), mark);
}

static void
write_single(struct der_writer *w, const struct ocsp_answer *a)
{
	size_t mark = der_w_mark(w);

	der_w_generalized_time(w, a->next_s);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), mark);
	der_w_generalized_time(w, a->this_s);
	write_status(w, a);
	der_w_raw(w, a->id);
	der_w_wrap(w, DER_SEQUENCE, mark);
}

/* Nothing when there are none. */
static void
write_extensions(struct der_writer *w, const struct ocsp_answers *a)
{
	size_t whole = der_w_mark(w), mark;

	if (a->extended_revoke) {
		mark = der_w_mark(w);
		der_w_tlv(w, DER_NULL, bytes_of(NULL, 0));
		ext_w_wrap(w, OID_EXTENDED_REVOKE, false, mark);
	}
	if (a->nonce.n > 0) {
		mark = der_w_mark(w);
		der_w_tlv(w, DER_OCTET_STRING, a->nonce);
		ext_w_wrap(w, OID_NONCE, false, mark);
	}
	if (der_w_mark(w) == whole)
		return;
	der_w_wrap(w, DER_SEQUENCE, whole);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(1), whole);
}

void
ocsp_data_write(const struct ocsp_answers *a, struct buf *out)
{
	auto_der_writer struct der_writer w = { 0 };
	size_t whole, mark;

	der_w_init(&w, 256 + a->n * 128);
	whole = der_w_mark(&w);
	write_extensions(&w, a);
	mark = der_w_mark(&w);
	for (size_t i = a->n; i-- > 0;)
		write_single(&w, &a->v[i]);
	der_w_wrap(&w, DER_SEQUENCE, mark);
	der_w_generalized_time(&w, a->produced_s);
	mark = der_w_mark(&w);
	der_w_tlv(&w, DER_OCTET_STRING, bytes_of(a->responder, 20));
	der_w_wrap(&w, DER_CONTEXT_CONSTRUCTED(2), mark);
	der_w_wrap(&w, DER_SEQUENCE, whole);
	buf_add_bytes(out, der_w_bytes(&w));
}

void
ocsp_response_write(struct bytes data, enum sig_alg alg, struct bytes sig,
    struct bytes cert, struct buf *out)
{
	static const uint8_t successful = 0;
	auto_der_writer struct der_writer w = { 0 };
	size_t whole;

	der_w_init(&w, 128 + data.n + sig.n + cert.n);
	whole = der_w_mark(&w);
	if (cert.n > 0) {
		der_w_raw(&w, cert);
		der_w_wrap(&w, DER_SEQUENCE, whole);
		der_w_wrap(&w, DER_CONTEXT_CONSTRUCTED(0), whole);
	}
	der_w_bit_string(&w, sig);
	der_w_raw(&w, sig_alg_info(alg)->der);
	der_w_raw(&w, data);
	der_w_wrap(&w, DER_SEQUENCE, whole);
	der_w_wrap(&w, DER_OCTET_STRING, whole);
	der_w_oid(&w, OID_BASIC);
	der_w_wrap(&w, DER_SEQUENCE, whole);
	der_w_wrap(&w, DER_CONTEXT_CONSTRUCTED(0), whole);
	der_w_tlv(&w, DER_ENUMERATED, bytes_of(&successful, 1));
	der_w_wrap(&w, DER_SEQUENCE, whole);
	buf_add_bytes(out, der_w_bytes(&w));
}

void
ocsp_refusal_write(enum ocsp_refusal r, uint8_t out[OCSP_REFUSAL_BYTES])
{
	const uint8_t v[OCSP_REFUSAL_BYTES] = { DER_SEQUENCE, 3, DER_ENUMERATED,
		1, (uint8_t)r };

	memcpy(out, v, sizeof(v));
}
