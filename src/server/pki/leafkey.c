/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keys of leaves, made in software and given away. Their octets pass through libcrypto's
 * and jansson's memory only, whose allocators wipe in the server.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <chancery/base/text.h>
#include <chancery/server/pki_cert.h>

EVP_PKEY *
pki_leafkey_make(struct key_type type, struct error *e)
{
	static const char *const curves[KEY_ALG__COUNT] = {
		[KEY_EC_P256] = "P-256",
		[KEY_EC_P384] = "P-384",
		[KEY_EC_P521] = "P-521",
	};
	EVP_PKEY *k;

	if (type.alg == KEY_RSA)
		k = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)type.bits);
	else if (type.alg == KEY_ED25519)
		k = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		k = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[type.alg]);
	if (k == NULL)
		(void)error_ossl(e, "EVP_PKEY_Q_keygen");
	return k;
}

bool
pki_leafkey_spki(const EVP_PKEY *k, struct buf *spki, struct error *e)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(k, &der);

	if (n <= 0)
		return error_ossl(e, "i2d_PUBKEY");
	buf_add(spki, der, (size_t)n);
	OPENSSL_free(der);
	return true;
}

static void
bio_cleanup(BIO **b)
{
	(void)BIO_free(*b);
}
#define auto_bio auto_cleanup(bio_cleanup)

/* RFC 8410 knows no other form for Ed25519 than PKCS#8. */
static bool
write_key(BIO *out, const EVP_PKEY *k, enum pki_key_form form, bool der)
{
	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_ED25519)
		form = PKI_KEY_PKCS8;
	if (form == PKI_KEY_PKCS8)
		return (der ? i2d_PKCS8PrivateKey_bio(out, k, NULL, NULL, 0,
				  NULL, NULL)
			    : PEM_write_bio_PKCS8PrivateKey(out, k, NULL, NULL,
				  0, NULL, NULL)) == 1;
	return (der ? i2d_PrivateKey_bio(out, k)
		    : PEM_write_bio_PrivateKey_traditional(out, k, NULL, NULL,
			  0, NULL, NULL)) == 1;
}

/* EVP_EncodeBlock writes a NUL behind. */
static json_t *
base64_json(const char *der, size_t n)
{
	size_t cap = (n + 2) / 3 * 4 + 1;
	unsigned char *text = OPENSSL_malloc(cap);
	json_t *v;

	if (text == NULL)
		fatal("out of memory");
	(void)EVP_EncodeBlock(text, (const unsigned char *)der, (int)n);
	v = json_stringn((const char *)text, cap - 1);
	OPENSSL_clear_free(text, cap);
	return v;
}

json_t *
pki_leafkey_json(const EVP_PKEY *k, enum pki_key_form form, bool der,
    struct error *e)
{
	/* Its memory is wiped when it grows and when it is freed. */
	auto_bio BIO *out = BIO_new(BIO_s_secmem());
	char *data;
	long n;

	if (out == NULL || !write_key(out, k, form, der)) {
		(void)error_ossl(e, "writing a private key");
		return NULL;
	}
	n = BIO_get_mem_data(out, &data);
	if (der)
		return base64_json(data, (size_t)n);
	while (n > 0 && data[n - 1] == '\n')
		n--;
	return json_stringn(data, (size_t)n);
}
