/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate for the time before there is an authority: self-signed, kept beside the
 * store so that clients that were given it (VAULT_CACERT) still know the server after a
 * restart. chancery's own writer is not used: it writes what an HSM key signs.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>

#include "certfile.h"

#define LIFE_S (398L * 86400)
#define RENEW_S (30L * 86400)

static bool
add_extension(X509 *x, int nid, const char *value, struct error *e)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext != NULL && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok ? true : error_ossl(e, "X509V3_EXT_conf_nid");
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

static X509 *
build(const char *sans, EVP_PKEY *key, int64_t now_s, struct error *e)
{
	auto_x509 X509 *x = X509_new();
	X509_NAME *name = x != NULL ? X509_get_subject_name(x) : NULL;

	if (name == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    !set_serial(x) ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"chancery (self-signed)", -1, -1,
		0) != 1 ||
	    X509_set_issuer_name(x, name) != 1 ||
	    ASN1_TIME_set(X509_getm_notBefore(x), now_s - 60) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(x), now_s + LIFE_S) == NULL ||
	    X509_set_pubkey(x, key) != 1) {
		(void)error_ossl(e, "self-signed certificate");
		return NULL;
	}
	/* Its own trust anchor: RFC 5280 4.2.1.9 has no place for one that is not
	 * a CA, but OpenSSL and Go take a leaf that is in the pool. */
	if (!add_extension(x, NID_basic_constraints, "critical,CA:FALSE", e) ||
	    !add_extension(x, NID_key_usage, "critical,digitalSignature", e) ||
	    !add_extension(x, NID_ext_key_usage, "serverAuth", e) ||
	    !add_extension(x, NID_subject_alt_name, sans, e))
		return NULL;
	if (X509_sign(x, key, EVP_sha256()) == 0) {
		(void)error_ossl(e, "X509_sign");
		return NULL;
	}
	return take(x);
}

static bool
make(const char *sans, int64_t now_s, struct buf *certificate, struct buf *key,
    struct error *e)
{
	auto_pkey EVP_PKEY *pkey = EVP_EC_gen("P-256");
	auto_x509 X509 *x = NULL;
	auto_bio BIO *cert_pem = BIO_new(BIO_s_mem());
	auto_bio BIO *key_pem = BIO_new(BIO_s_secmem());

	if (pkey == NULL || cert_pem == NULL || key_pem == NULL)
		return error_ossl(e, "key of the self-signed certificate");
	x = build(sans, pkey, now_s, e);
	if (x == NULL)
		return false;
	if (PEM_write_bio_X509(cert_pem, x) != 1 ||
	    PEM_write_bio_PrivateKey(key_pem, pkey, NULL, NULL, 0, NULL,
		NULL) != 1)
		return error_ossl(e, "PEM");
	cert_bio_take(cert_pem, certificate);
	cert_bio_take(key_pem, key);
	return true;
}

/* Whether one that was kept still serves: the same names, and time left. */
static bool
still_good(struct bytes pem, const char *sans, int64_t now_s)
{
	auto_bio BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	auto_x509 X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	auto_x509 X509 *like = X509_new();
	struct error e = { 0 };
	const ASN1_OCTET_STRING *is, *wanted;
	time_t soon = now_s + RENEW_S;
	int i, j;

	if (x == NULL) {
		(void)error_ossl(&e, "PEM");
		return false;
	}
	if (X509_cmp_time(X509_get0_notAfter(x), &soon) <= 0 ||
	    !add_extension(like, NID_subject_alt_name, sans, &e))
		return false;
	i = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	j = X509_get_ext_by_NID(like, NID_subject_alt_name, -1);
	if (i < 0 || j < 0)
		return false;
	is = X509_EXTENSION_get_data(X509_get_ext(x, i));
	wanted = X509_EXTENSION_get_data(X509_get_ext(like, j));
	return ASN1_OCTET_STRING_cmp(is, wanted) == 0;
}

bool
selfsigned_get(const struct service_config *cfg, int64_t now_s,
    struct buf *certificate, struct buf *key, struct error *e)
{
	auto_mem char *cert_at = cert_path(cfg, "tls-self-signed.crt");
	auto_mem char *key_at = cert_path(cfg, "tls-self-signed.key");
	auto_buf struct buf sans = { 0 };
	struct error absent = { 0 };

	cert_sans(cfg, &sans);
	if (file_read(cert_at, LIMIT_CERT_BYTES, certificate, &absent) &&
	    file_read(key_at, LIMIT_CERT_BYTES, key, &absent) &&
	    still_good(buf_bytes(certificate), buf_cstr(&sans), now_s))
		return true;
	buf_reset(certificate);
	buf_reset(key);
	return make(buf_cstr(&sans), now_s, certificate, key, e) &&
	    file_replace(key_at, buf_bytes(key), 0600, e) &&
	    file_replace(cert_at, buf_bytes(certificate), 0644, e);
}
