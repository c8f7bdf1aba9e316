/* SPDX-License-Identifier: Apache-2.0 */

/* What der_check takes, the reader walks to the end, and the writer writes. */
#include <stdlib.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/der.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
typed_reads(struct bytes in)
{
	struct der_reader r;
	char text[64];

	der_r_init(&r, in);
	(void)der_r_uint(&r);
	der_r_init(&r, in);
	(void)der_r_time(&r);
	der_r_init(&r, in);
	(void)der_r_bit_string(&r);
	der_r_init(&r, in);
	(void)der_r_bool(&r);
	(void)!der_oid_text(in, text, sizeof(text));
	(void)!der_oid_text(in, text, 7);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_der_writer struct der_writer w = { 0 };
	struct bytes in = bytes_of(p, n), el;
	struct der_reader r;
	struct error e;
	uint8_t tag = 0;

	typed_reads(in);
	if (!der_check(in, &e))
		return 0;
	der_r_init(&r, in);
	while (der_r_peek(&r) >= 0) {
		struct der_reader one;

		el = der_r_any(&r, &tag);
		der_r_init(&one, el);
		der_w_reset(&w);
		der_w_tlv(&w, tag, der_r_get(&one, tag));
		if (!bytes_eq(der_w_bytes(&w), el))
			abort();
	}
	if (!der_r_done(&r))
		abort();
	return 0;
}
