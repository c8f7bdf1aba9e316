/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include <chancery/kafka/bundle.h>

/* A key of RSA-8192 with its PEM and copies: 40 KiB; making one takes more. */
#define SECURE_HEAP_BYTES (512U << 10)
#define SECURE_HEAP_MIN 32

void
kafka_lock_memory(void)
{
	if (CRYPTO_secure_malloc_initialized() != 1)
		(void)CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES,
		    SECURE_HEAP_MIN);
}

struct secret *
password_terminated(const struct secret *password)
{
	struct secret *s = secret_new(secret_len(password) + 1);

	if (!secret_set(s, secret_data(password), secret_len(password)) ||
	    !secret_add(s, "", 1))
		fatal("no room for a password");
	return s;
}

struct asked {
	const struct secret *password;
	bool asked;
};

/* pem_password_cb. */
static int
give_password(char *to, int size, int rwflag, void *arg)
{
	struct asked *a = arg;
	size_t n = a->password != NULL ? secret_len(a->password) : 0;

	(void)rwflag;
	a->asked = true;
	if (n == 0 || n > (size_t)size)
		return -1;
	memcpy(to, secret_data(a->password), n);
	return (int)n;
}

static bool
no_key(const struct asked *a, struct bytes pem, struct error *e)
{
	static const char mark[] = "PRIVATE KEY-----";
	bool none = memmem(pem.p, pem.n, mark, sizeof(mark) - 1) == NULL;

	ERR_clear_error();
	if (a->asked)
		return error_set(e, FAIL_PIN,
		    a->password != NULL
			? "the password does not open the private key"
			: "the private key is encrypted, and no password is "
			  "given");
	return error_set(e, none ? FAIL_NOT_FOUND : FAIL_BAD_INPUT,
	    none ? "no private key in PEM"
		 : "the private key in it does not decode");
}

EVP_PKEY *
private_read(struct bytes pem, const struct secret *password, struct error *e)
{
	struct asked a = { .password = password };
	auto_bio BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key;

	if (in == NULL)
		fatal("out of memory");
	key = PEM_read_bio_PrivateKey(in, NULL, give_password, &a);
	if (key == NULL)
		(void)no_key(&a, pem, e);
	return key;
}

EVP_PKEY *
private_make(const char *type, struct error *e)
{
	static const char *const curves[KEY_ALG__COUNT] = {
		[KEY_EC_P256] = "P-256",
		[KEY_EC_P384] = "P-384",
		[KEY_EC_P521] = "P-521",
	};
	struct key_type t;
	EVP_PKEY *key;

	if (!key_type_by_name(type, &t) || !key_type_can_generate(t)) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "key type \"%s\": must be rsa-2048, rsa-3072, rsa-4096, "
		    "ec-p256, ec-p384 or ed25519",
		    type);
		return NULL;
	}
	if (t.alg == KEY_RSA)
		key = EVP_RSA_gen(t.bits);
	else if (t.alg == KEY_ED25519)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_EC_gen(curves[t.alg]);
	if (key == NULL)
		(void)error_ossl(e, "key generation");
	return key;
}

bool
private_public(EVP_PKEY *key, struct buf *der, struct error *e)
{
	unsigned char *p = NULL;
	int n = i2d_PUBKEY(key, &p);

	if (n <= 0)
		return error_ossl(e, "i2d_PUBKEY");
	buf_add(der, p, (size_t)n);
	OPENSSL_free(p);
	return true;
}

bool
private_write_pem(EVP_PKEY *key, struct secret *out, struct error *e)
{
	auto_bio BIO *to = BIO_new(BIO_s_secmem());
	char *p;
	long n;

	if (to == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(to, key, NULL, NULL, 0, NULL, NULL) !=
		1)
		return error_ossl(e, "private key");
	n = BIO_get_mem_data(to, &p);
	return secret_add(out, p, (size_t)n) ||
	    error_set(e, FAIL_INTERNAL, "private key: no room");
}
