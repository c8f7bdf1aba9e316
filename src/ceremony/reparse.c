/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509.h>

#include <chancery/base/cleanup.h>
#include <chancery/ceremony/issue.h>

/* An independent reader: OpenSSL takes the bytes apart and puts them together.
 * i2d_re_* drops the cached encoding, which would only give the input back. */
static bool
same_bytes(struct bytes der, const uint8_t *end, unsigned char *inner, int n,
    const char *what, struct error *e)
{
	bool same = n > 0 && end == der.p + der.n;

	/* The inner structure stands right behind the outer header. */
	if (same)
		same = memmem(der.p, der.n, inner, (size_t)n) != NULL;
	OPENSSL_free(inner);
	return same ||
	    error_set(e, FAIL_CRYPTO, "%s: OpenSSL encodes it to other bytes",
		what);
}

bool
reparse_certificate(struct bytes der, struct error *e)
{
	const uint8_t *p = der.p;
	unsigned char *inner = NULL;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	int n;

	if (x == NULL)
		return error_ossl(e, "certificate: d2i_X509");
	n = i2d_re_X509_tbs(x, &inner);
	X509_free(x);
	return same_bytes(der, p, inner, n, "certificate", e);
}

bool
reparse_crl(struct bytes der, struct error *e)
{
	const uint8_t *p = der.p;
	unsigned char *inner = NULL;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)der.n);
	int n;

	if (x == NULL)
		return error_ossl(e, "CRL: d2i_X509_CRL");
	n = i2d_re_X509_CRL_tbs(x, &inner);
	X509_CRL_free(x);
	return same_bytes(der, p, inner, n, "CRL", e);
}
