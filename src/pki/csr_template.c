/* SPDX-License-Identifier: Apache-2.0 */

/*
 * CertificationRequest for libcrypto's template engine. Name and key are opaque
 * SEQUENCEs: no key decoder is built (113 us a request with d2i_X509_REQ, 5 us
 * so; pkcs11.md section 4). Templates take BER, so the value is encoded again
 * and has to give the input.
 */
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <chancery/base/cleanup.h>

#include "csr_template.h"

/* The macros of asn1t.h need type names of one word. */
typedef struct {
	ASN1_ENCODING enc; /* the bytes that were signed */
	ASN1_INTEGER *version;
	ASN1_STRING *subject, *key;
	STACK_OF(X509_ATTRIBUTE) *attrs;
} REQ_INFO;
typedef struct {
	REQ_INFO *info;
	ASN1_STRING *alg;
	ASN1_BIT_STRING *sig;
} REQ;

/* clang-format off */
ASN1_SEQUENCE_enc(REQ_INFO, enc, NULL) = {
	ASN1_SIMPLE(REQ_INFO, version, ASN1_INTEGER),
	ASN1_SIMPLE(REQ_INFO, subject, ASN1_SEQUENCE),
	ASN1_SIMPLE(REQ_INFO, key, ASN1_SEQUENCE),
	ASN1_IMP_SET_OF_OPT(REQ_INFO, attrs, X509_ATTRIBUTE, 0),
} static_ASN1_SEQUENCE_END_ref(REQ_INFO, REQ_INFO)

ASN1_SEQUENCE(REQ) = {
	ASN1_SIMPLE(REQ, info, REQ_INFO),
	ASN1_SIMPLE(REQ, alg, ASN1_SEQUENCE),
	ASN1_SIMPLE(REQ, sig, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END(REQ)
/* clang-format on */

static void
req_cleanup(REQ **r)
{
	ASN1_item_free((ASN1_VALUE *)*r, ASN1_ITEM_rptr(REQ));
}

static void
ossl_cleanup(unsigned char **p)
{
	OPENSSL_free(*p);
}

/* Encoded from the fields, not from the copy that the decoder kept. */
static bool
same_again(REQ *r, struct bytes der)
{
	auto_cleanup(ossl_cleanup) unsigned char *again = NULL;
	int n;

	r->info->enc.modified = 1;
	n = ASN1_item_i2d((ASN1_VALUE *)r, &again, ASN1_ITEM_rptr(REQ));
	return n > 0 && bytes_eq(der, bytes_of(again, (size_t)n));
}

bool
csr_template_check(struct bytes der, struct error *e)
{
	const unsigned char *p = der.p;
	auto_cleanup(req_cleanup) REQ *r =
	    (REQ *)ASN1_item_d2i(NULL, &p, (long)der.n, ASN1_ITEM_rptr(REQ));

	if (r == NULL)
		ERR_clear_error();
	if (r == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "not a CertificationRequest");
	if (p != der.p + der.n)
		return error_set(e, FAIL_BAD_INPUT,
		    "%zu bytes after the CertificationRequest",
		    der.n - (size_t)(p - der.p));
	if (!same_again(r, der))
		return error_set(e, FAIL_BAD_INPUT,
		    "CertificationRequest: not in DER");
	return true;
}
