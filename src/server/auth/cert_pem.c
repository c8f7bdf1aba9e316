/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from its caller: our names of key usages are also OpenSSL's, in openssl/x509v3.h. */
#include <chancery/pki/cert.h>

#include "cert_client.h"

bool
cert_pem_next(struct bytes pem, size_t *at, struct buf *der, struct error *e)
{
	static const char *const labels[] = { "CERTIFICATE", NULL };
	const char *label;

	buf_reset(der);
	return pem_next(pem, at, labels, der, &label, e);
}
