/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, PEM or DER: what parses can be used, and is its own encoding. */
#include <assert.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/name.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_csr struct csr c = { 0 }, again = { 0 };
	auto_buf struct buf subject = { 0 };
	struct error e;

	if (!csr_parse(bytes_of(p, n), "fuzz", &c, &e)) {
		assert(e.why != FAIL_NONE && c.der.p == NULL);
		return 0;
	}
	assert(name_format(c.subject, &subject, &e));
	assert(c.info.p > c.der.p && c.info.p + c.info.n < c.der.p + c.der.n);
	assert(csr_parse(buf_bytes(&c.der), "again", &again, &e));
	(void)!csr_verify(&c, &e);
	(void)!spki_check_strong(&c.key, &e);
	return 0;
}
