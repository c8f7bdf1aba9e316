/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <openssl/pem.h>

#include <chancery/kafka/request.h>

#include "ossl.h"

#include <openssl/x509v3.h>

DEFINE_AUTO(x509_req, X509_REQ *, X509_REQ_free)
DEFINE_AUTO(general_names, GENERAL_NAMES *, GENERAL_NAMES_free)
#define auto_req auto_cleanup(x509_req_cleanup)
#define auto_names auto_cleanup(general_names_cleanup)

static bool
set_subject(X509_REQ *req, const char *cn, struct error *e)
{
	X509_NAME *name = X509_REQ_get_subject_name(req);

	if (cn == NULL)
		return true;
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		   (const unsigned char *)cn, -1, -1, 0) == 1 ||
	    (!error_ossl(e, "common_name") &&
		error_set(e, FAIL_BAD_INPUT,
		    "common name \"%s\": at most 64 characters of UTF-8", cn));
}

static bool
add_name(GENERAL_NAMES *to, int type, const uint8_t *p, size_t n)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s = ASN1_STRING_type_new(
	    type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

	if (g == NULL || s == NULL || ASN1_STRING_set(s, p, (int)n) != 1)
		fatal("out of memory");
	GENERAL_NAME_set0_value(g, type, s);
	if (sk_GENERAL_NAME_push(to, g) <= 0)
		fatal("out of memory");
	return true;
}

static bool
add_address(GENERAL_NAMES *to, const char *text, struct error *e)
{
	uint8_t bin[16];

	if (inet_pton(AF_INET, text, bin) == 1)
		return add_name(to, GEN_IPADD, bin, 4);
	if (inet_pton(AF_INET6, text, bin) == 1)
		return add_name(to, GEN_IPADD, bin, 16);
	return error_set(e, FAIL_BAD_INPUT, "\"%s\" is no address", text);
}

static bool
add_names(X509_REQ *req, const struct kafka_request *r, struct error *e)
{
	auto_names GENERAL_NAMES *names = GENERAL_NAMES_new();
	STACK_OF(X509_EXTENSION) *exts = NULL;
	bool ok;

	if (r->dns_n + r->ip_n == 0)
		return true;
	if (names == NULL)
		fatal("out of memory");
	for (size_t i = 0; i < r->dns_n; i++)
		(void)add_name(names, GEN_DNS, (const uint8_t *)r->dns[i],
		    strlen(r->dns[i]));
	for (size_t i = 0; i < r->ip_n; i++)
		if (!add_address(names, r->ip[i], e))
			return false;
	ok = X509V3_add1_i2d(&exts, NID_subject_alt_name, names, 0,
		 X509V3_ADD_APPEND) == 1 &&
	    X509_REQ_add_extensions(req, exts) == 1;
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return ok || error_ossl(e, "request");
}

/* The hash that suits the curve. */
static const EVP_MD *
digest_for(const EVP_PKEY *key)
{
	if (EVP_PKEY_get_id(key) == EVP_PKEY_ED25519)
		return NULL;
	return EVP_PKEY_get_id(key) == EVP_PKEY_EC &&
		EVP_PKEY_get_bits(key) > 256
	    ? EVP_sha384()
	    : EVP_sha256();
}

bool
kafka_request_pem(const struct kafka_bundle *b, const struct kafka_request *r,
    struct buf *out, struct error *e)
{
	auto_req X509_REQ *req = X509_REQ_new();
	auto_bio BIO *pem = BIO_new(BIO_s_mem());
	EVP_PKEY *key = kafka_bundle_key(b);
	char *p;
	long n;

	if (req == NULL || pem == NULL)
		fatal("out of memory");
	if (!set_subject(req, r->common_name, e) || !add_names(req, r, e))
		return false;
	if (X509_REQ_set_pubkey(req, key) != 1 ||
	    X509_REQ_sign(req, key, digest_for(key)) == 0 ||
	    PEM_write_bio_X509_REQ(pem, req) != 1)
		return error_ossl(e, "request");
	n = BIO_get_mem_data(pem, &p);
	buf_add(out, p, (size_t)n);
	return true;
}
