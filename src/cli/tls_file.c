/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_file.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/crypto.h>
#include <chancery/base/file.h>

/* CA/Browser Forum's longest, which clients of some systems hold even private ones to. */
#define LIFE_S (397L * 86400)
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

/* "[::1]:8200" → "::1". */
static void
add_address(struct buf *out, const char *listen)
{
	const char *colon = strrchr(listen, ':');
	size_t n = colon != NULL ? (size_t)(colon - listen) : strlen(listen);

	if (n > 2 && listen[0] == '[') {
		listen++;
		n -= 2;
	}
	buf_addf(out, ",IP:%.*s", (int)n, listen);
}

static bool
name_it(X509 *x, const char *listen)
{
	auto_buf struct buf names = { 0 };
	X509_NAME *subject = X509_get_subject_name(x);
	uint8_t serial[16];
	char host[64] = "";

	random_bytes(serial, sizeof(serial));
	serial[0] &= 0x7f;
	buf_add_str(&names, "DNS:localhost,IP:127.0.0.1,IP:::1");
	(void)gethostname(host, sizeof(host) - 1);
	if (host[0] != '\0' &&
	    strspn(host,
		"abcdefghijklmnopqrstuvwxyz0123456789.-"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(host))
		buf_addf(&names, ",DNS:%s", host);
	add_address(&names, listen);
	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		   (const unsigned char *)"Chancery", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, subject) == 1 &&
	    ASN1_STRING_set(X509_get_serialNumber(x), serial, sizeof(serial)) ==
	    1 &&
	    add_extension(x, NID_subject_alt_name, buf_cstr(&names));
}

static X509 *
make_certificate(EVP_PKEY *key, const char *listen, struct error *e)
{
	auto_cleanup(x509_cleanup) X509 *x = X509_new();
	time_t now = (time_t)(clock_wall_ms(&clock_system) / 1000);

	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    X509_set_pubkey(x, key) != 1 || !name_it(x, listen) ||
	    ASN1_TIME_set(X509_getm_notBefore(x), now - BACKDATE_S) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(x), now + LIFE_S) == NULL ||
	    !add_extension(x, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(x, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(x, NID_ext_key_usage, "serverAuth") ||
	    !add_extension(x, NID_subject_key_identifier, "hash") ||
	    X509_sign(x, key, EVP_sha256()) == 0) {
		error_ossl(e, "self-signed certificate");
		return NULL;
	}
	return take(x);
}

static bool
write_pem(const char *dir, const char *name, unsigned mode, BIO *pem,
    struct error *e)
{
	auto_mem char *path = path_join(dir, name);
	char *p;
	long n = BIO_get_mem_data(pem, &p);

	return n > 0 ? file_create(path, bytes_of(p, (size_t)n), mode, e)
		     : error_ossl(e, "PEM");
}

bool
tls_file_create(const char *dir, const char *listen, struct error *e)
{
	auto_mem char *path = path_join(dir, "certificate.pem"),
		      *key_path = path_join(dir, "key.pem");
	auto_cleanup(evp_pkey_cleanup) EVP_PKEY *key = NULL;
	auto_cleanup(x509_cleanup) X509 *x = NULL;
	auto_cleanup(bio_cleanup) BIO *key_pem = BIO_new(BIO_s_secmem()),
				      *pem = BIO_new(BIO_s_mem());

	if (access(path, F_OK) == 0 && access(key_path, F_OK) == 0)
		return true;
	/* One without the other is of an attempt that was cut short. */
	(void)unlink(path);
	(void)unlink(key_path);
	key = EVP_EC_gen("P-256");
	if (key == NULL || key_pem == NULL || pem == NULL)
		return error_ossl(e, "P-256 key");
	x = make_certificate(key, listen, e);
	if (x == NULL)
		return false;
	if (PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) !=
		1 ||
	    PEM_write_bio_X509(pem, x) != 1)
		return error_ossl(e, "PEM");
	return write_pem(dir, "key.pem", 0600, key_pem, e) &&
	    write_pem(dir, "certificate.pem", 0644, pem, e);
}
