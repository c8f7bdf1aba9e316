/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <string.h>

#include <chancery/kafka/bundle.h>

#include "key.h"

static bool
add_x509(struct kafka_bundle *b, X509 *x, const char *file, struct error *e)
{
	auto_buf struct buf pem = { 0 };
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	if (n <= 0)
		return error_ossl(e, file);
	pem_encode("CERTIFICATE", bytes_of(der, (size_t)n), &pem);
	OPENSSL_free(der);
	return kafka_bundle_add_certs(b, buf_bytes(&pem), file, e);
}

static bool
take_parts(struct kafka_bundle *b, EVP_PKEY *key, X509 *leaf,
    const STACK_OF(X509) *others, const char *file, struct error *e)
{
	if (key == NULL || leaf == NULL) {
		EVP_PKEY_free(key);
		return error_set(e, FAIL_NOT_FOUND,
		    "%s: no key with its certificate", file);
	}
	if (!bundle_take_key(b, key, e) || !add_x509(b, leaf, file, e))
		return false;
	for (int i = 0; i < sk_X509_num(others); i++)
		if (!add_x509(b, sk_X509_value(others, i), file, e))
			return false;
	return true;
}

static bool
unsupported(const char *file, struct error *e)
{
	struct error why;

	(void)error_ossl_cause(&why, "libcrypto");
	return error_set(e, FAIL_UNSUPPORTED,
	    "%s: does not read with OpenSSL 3 (%.200s): write it again with "
	    "keytool -importkeystore -srckeystore OLD -destkeystore NEW "
	    "-deststoretype pkcs12, of a Java from 8u301, 11.0.12 or 17 on",
	    file, why.msg);
}

/* A MAC that differs leaves nothing in libcrypto's queue; one that it cannot compute does.
 * Without one there is no telling a wrong password from another failure, and OpenSSL 3.0 opens
 * no such file. */
static bool
check_password(PKCS12 *p12, const char *password, const char *file,
    struct error *e)
{
	if (PKCS12_mac_present(p12) != 1)
		return error_set(e, FAIL_UNSUPPORTED,
		    "%s: has no MAC to check its password by", file);
	ERR_clear_error();
	if (PKCS12_verify_mac(p12, password, (int)strlen(password)) == 1)
		return true;
	return error_ossl_reason() != 0
	    ? unsupported(file, e)
	    : error_set(e, FAIL_PIN, "%s: the password does not open it", file);
}

bool
kafka_bundle_open_p12(struct kafka_bundle *b, struct bytes der,
    const struct secret *password, const char *file, struct error *e)
{
	const unsigned char *p = der.p;
	auto_pkcs12 PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)der.n);
	auto_secret struct secret *terminated = password_terminated(password);
	const char *text = (const char *)secret_data(terminated);
	STACK_OF(X509) *others = NULL;
	EVP_PKEY *key = NULL;
	X509 *leaf = NULL;
	bool ok;

	if (p12 == NULL) {
		ERR_clear_error();
		return error_set(e, FAIL_BAD_INPUT, "%s: is no PKCS#12 file",
		    file);
	}
	if (!check_password(p12, text, file, e))
		return false;
	ok = PKCS12_parse(p12, text, &key, &leaf, &others) == 1
	    ? take_parts(b, key, leaf, others, file, e)
	    : unsupported(file, e);
	X509_free(leaf);
	sk_X509_pop_free(others, X509_free);
	return ok;
}
