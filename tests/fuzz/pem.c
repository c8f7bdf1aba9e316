/* SPDX-License-Identifier: Apache-2.0 */
/* PEM: every block that is found, written again, is found again. */
#include <assert.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/cert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const labels[] = { "CERTIFICATE", "X509 CRL",
		"NEW CERTIFICATE REQUEST", NULL };
	struct bytes in = bytes_of(p, n);
	const char *label, *label2;
	struct error e;
	size_t at = 0;

	for (;;) {
		auto_buf struct buf der = { 0 }, pem = { 0 }, der2 = { 0 };
		size_t before = at, at2 = 0;

		if (!pem_next(in, &at, labels, &der, &label, &e)) {
			assert(at == before);
			break;
		}
		assert(at > before && at <= n);
		pem_encode(label, buf_bytes(&der), &pem);
		assert(pem_next(buf_bytes(&pem), &at2, labels, &der2, &label2,
		    &e));
		assert(label == label2 && at2 == pem.n);
		assert(bytes_eq(buf_bytes(&der), buf_bytes(&der2)));
	}
	return 0;
}
