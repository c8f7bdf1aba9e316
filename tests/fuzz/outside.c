/* SPDX-License-Identifier: Apache-2.0 */
/* A private key that somebody brings, in PEM beside whatever else; then its PKCS#8 on its way into
 * the HSM. What the server's reader takes, the signer's takes, and it is the same key. */
#include <assert.h>
#include <string.h>

#include <chancery/hsm/hsm.h>
#include <chancery/server/pki_cert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
signer_reads(struct bytes pkcs8, const struct pki_outside *same)
{
	struct error e = { 0 };
	auto_hsm_outside struct hsm_outside *o = hsm_outside_read(pkcs8, &e);

	if (o == NULL) {
		assert(e.msg[0] != '\0');
		assert(e.why == FAIL_BAD_INPUT || e.why == FAIL_UNSUPPORTED ||
		    e.why == FAIL_CRYPTO);
		return;
	}
	if (same != NULL)
		assert(hsm_outside_type(o).alg == same->type.alg &&
		    bytes_eq(hsm_outside_spki(o), buf_bytes(&same->spki)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_mem char *text = mem_alloc(n + 1);
	struct pki_outside o = { 0 };
	struct error e = { 0 };

	memcpy(text, p, n);
	text[n] = '\0';
	if (pki_outside_read(text, &o, &e)) {
		assert(pki_outside_count(text) == 1);
		signer_reads(bytes_of(secret_data(o.pkcs8),
				 secret_len(o.pkcs8)),
		    &o);
	} else {
		assert(e.why == FAIL_BAD_INPUT || e.why == FAIL_CRYPTO);
		assert(e.msg[0] != '\0');
	}
	pki_outside_free(&o);
	signer_reads(bytes_of(p, n), NULL);
	return 0;
}
