/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "http_certs.h"

static void
add_ext(X509 *crt, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, crt, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(ext != NULL && X509_add_ext(crt, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

struct test_cert
test_cert_new(const char *cn, const struct test_cert *by)
{
	struct test_cert c = { .key = EVP_EC_gen("P-256"), .crt = X509_new() };
	X509_NAME *name = X509_get_subject_name(c.crt);
	static long serial = 1;

	assert(X509_set_version(c.crt, X509_VERSION_3) == 1);
	assert(ASN1_INTEGER_set(X509_get_serialNumber(c.crt), serial++) == 1);
	assert(X509_gmtime_adj(X509_getm_notBefore(c.crt), -60) != NULL);
	assert(X509_gmtime_adj(X509_getm_notAfter(c.crt), 86400) != NULL);
	assert(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		   (const unsigned char *)cn, -1, -1, 0) == 1);
	assert(X509_set_issuer_name(c.crt,
		   by != NULL ? X509_get_subject_name(by->crt) : name) == 1);
	assert(X509_set_pubkey(c.crt, c.key) == 1);
	if (by == NULL)
		add_ext(c.crt, c.crt, NID_basic_constraints,
		    "critical,CA:TRUE");
	else
		add_ext(c.crt, by->crt, NID_subject_alt_name,
		    "DNS:localhost,IP:127.0.0.1");
	assert(
	    X509_sign(c.crt, by != NULL ? by->key : c.key, EVP_sha256()) > 0);
	return c;
}

void
test_cert_free(struct test_cert *c)
{
	X509_free(c->crt);
	EVP_PKEY_free(c->key);
}

static void
add_bio(struct buf *out, BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	buf_add(out, p, (size_t)n);
	BIO_free(bio);
}

void
test_cert_pem(const struct test_cert *c, struct buf *crt, struct buf *key)
{
	BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());

	assert(PEM_write_bio_X509(a, c->crt) == 1);
	assert(PEM_write_bio_PrivateKey(b, c->key, NULL, NULL, 0, NULL, NULL) ==
	    1);
	add_bio(crt, a);
	add_bio(key, b);
}
