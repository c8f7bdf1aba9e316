/* SPDX-License-Identifier: Apache-2.0 */

/* OCSPRequests from anybody: what is taken can be answered, and the signer takes the answer. */
#include <chancery/base/cleanup.h>
#include <chancery/pki/ocsp.h>

static void
answer(const struct ocsp_request *r)
{
	static const uint8_t responder[20] = { 7 };
	struct ocsp_answer v[LIMIT_OCSP_REQUESTS] = { 0 };
	const struct ocsp_answers all = { .responder = responder,
		.v = v,
		.n = r->n,
		.nonce = r->nonce };
	auto_buf struct buf data = { 0 };
	struct ocsp_single one;
	struct ocsp_data d;
	struct error e;
	bool bad;

	for (size_t i = 0; i < r->n; i++)
		v[i] = (struct ocsp_answer){ .id = r->id[i].der,
			.status = (enum ocsp_status)(i % 3),
			.reason = CRL_HOLD,
			.next_s = 60 };
	ocsp_data_write(&all, &data);
	if (!ocsp_data_parse(buf_bytes(&data), &d, &e))
		fatal("the answer is malformed: %s", e.msg);
	for (size_t i = 0; i < r->n; i++) {
		if (!ocsp_data_next(&d, &one, &bad))
			fatal("an answer is not read");
		if (!bytes_eq(one.serial, r->id[i].serial) ||
		    !bytes_eq(one.key_hash, r->id[i].key_hash))
			fatal("an answer about another certificate");
	}
	if (ocsp_data_next(&d, &one, &bad) || bad)
		fatal("more than was asked");
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ocsp_request r;
	struct error e;

	if (!ocsp_request_parse(bytes_of(p, n), &r, &e))
		return 0;
	if (r.n < 1 || r.n > LIMIT_OCSP_REQUESTS ||
	    r.nonce.n > LIMIT_OCSP_NONCE_BYTES)
		fatal("more than is allowed");
	/* Others are not answered: the signer could not hold them against its revocations. */
	if (ocsp_request_hashes_known(&r))
		answer(&r);
	return 0;
}
