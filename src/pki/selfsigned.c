/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/pki/selfsigned.h>

/* CA/Browser Forum's longest, which clients of some systems hold even private ones to. */
#define LIFE_S (397L * 86400)
#define RENEW_S (30L * 86400)
/* Clocks of clients that are behind. */
#define BACKDATE_S 3600

DEFINE_AUTO(evp_pkey, EVP_PKEY *, EVP_PKEY_free)
DEFINE_AUTO(x509, X509 *, X509_free)
DEFINE_AUTO(bio, BIO *, BIO_free_all)

static bool
add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext != NULL && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static bool
set_serial(X509 *x)
{
	uint8_t serial[16];
	BIGNUM *n;
	bool ok;

	random_bytes(serial, sizeof(serial));
	serial[0] &= 0x7f;
	n = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = n != NULL &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool
set_name(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		   (const unsigned char *)"chancery (self-signed)", -1, -1,
		   0) == 1 &&
	    X509_set_issuer_name(x, name) == 1;
}

/* Its own trust anchor: RFC 5280 4.2.1.9 has no place for one that is not a CA, but OpenSSL
 * and Go take a leaf that is in the pool. */
static bool
add_extensions(X509 *x, const char *sans)
{
	return add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(x, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(x, NID_ext_key_usage, "serverAuth") &&
	    add_extension(x, NID_subject_key_identifier, "hash") &&
	    add_extension(x, NID_subject_alt_name, sans);
}

static X509 *
build(const char *sans, EVP_PKEY *key, int64_t now_s)
{
	auto_cleanup(x509_cleanup) X509 *x = X509_new();

	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    !set_serial(x) || !set_name(x) ||
	    ASN1_TIME_set(X509_getm_notBefore(x), now_s - BACKDATE_S) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(x), now_s + LIFE_S) == NULL ||
	    X509_set_pubkey(x, key) != 1 || !add_extensions(x, sans) ||
	    X509_sign(x, key, EVP_sha256()) == 0)
		return NULL;
	return take(x);
}

static void
take_pem(BIO *from, struct buf *out)
{
	char *p;
	long n = BIO_get_mem_data(from, &p);

	buf_add(out, p, (size_t)n);
}

bool
selfsigned_make(const char *sans, int64_t now_s, struct buf *certificate,
    struct buf *key, struct error *e)
{
	auto_cleanup(evp_pkey_cleanup) EVP_PKEY *pkey = EVP_EC_gen("P-256");
	auto_cleanup(bio_cleanup) BIO *cert_pem = BIO_new(BIO_s_mem()),
				      *key_pem = BIO_new(BIO_s_secmem());
	auto_cleanup(x509_cleanup) X509 *x =
	    pkey != NULL ? build(sans, pkey, now_s) : NULL;

	if (x == NULL || cert_pem == NULL || key_pem == NULL ||
	    PEM_write_bio_X509(cert_pem, x) != 1 ||
	    PEM_write_bio_PrivateKey(key_pem, pkey, NULL, NULL, 0, NULL,
		NULL) != 1)
		return error_ossl(e, "self-signed certificate");
	take_pem(cert_pem, certificate);
	take_pem(key_pem, key);
	return true;
}

static const ASN1_OCTET_STRING *
names_of(const X509 *x)
{
	int i = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);

	return i < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, i));
}

bool
selfsigned_is_good(struct bytes certificate, const char *sans, int64_t now_s)
{
	auto_cleanup(bio_cleanup) BIO *in =
	    BIO_new_mem_buf(certificate.p, (int)certificate.n);
	auto_cleanup(x509_cleanup) X509 *x =
	    PEM_read_bio_X509(in, NULL, NULL, NULL);
	auto_cleanup(x509_cleanup) X509 *like = X509_new();
	time_t soon = now_s + RENEW_S;
	struct error e;
	bool good = x != NULL && like != NULL &&
	    add_extension(like, NID_subject_alt_name, sans) &&
	    names_of(x) != NULL &&
	    ASN1_OCTET_STRING_cmp(names_of(x), names_of(like)) == 0 &&
	    X509_cmp_time(X509_get0_notAfter(x), &soon) > 0;

	/* What OpenSSL says of it is nobody else's. */
	if (!good)
		(void)error_ossl(&e, "not a certificate that can be kept");
	return good;
}
