/* SPDX-License-Identifier: Apache-2.0 */

/* ResponseData before it is signed: whatever is taken has answers that end. */
#include <chancery/base/cleanup.h>
#include <chancery/pki/ocsp.h>

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t key[] = { 1, 2, 3 };
	const struct spki issuer = { .point = { key, sizeof(key) } };
	struct ocsp_single one;
	struct ocsp_data d;
	bool bad = false, known;
	struct error e;

	if (!ocsp_data_parse(bytes_of(p, n), &d, &e))
		return 0;
	while (ocsp_data_next(&d, &one, &bad)) {
		if (one.next_s < one.this_s)
			fatal("an answer that never holds");
		if (ocsp_is_issuer(&one, &issuer, &known) && !known)
			fatal("an issuer by an unknown hash");
	}
	return 0;
}
