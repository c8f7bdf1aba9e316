/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A private key that somebody brings to have it taken into the HSM. It passes through
 * libcrypto's memory, whose allocator wipes in the server, onto a locked page.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <chancery/base/limits.h>
#include <chancery/pki/spki.h>
#include <chancery/server/pki_cert.h>

/* Nobody is asked for a passphrase. The type is OpenSSL's.
 * NOLINTBEGIN(readability-non-const-parameter) */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}
/* NOLINTEND(readability-non-const-parameter) */

#define BEGIN "-----BEGIN "
#define END "PRIVATE KEY-----"

/* The next block of a private key from `pem` on; *end: behind its head. NULL: none. */
static const char *
block(const char *pem, const char **end)
{
	const char *at = pem, *mark, *line;

	while ((at = strstr(at, BEGIN)) != NULL) {
		at += strlen(BEGIN);
		mark = strstr(at, END);
		line = strpbrk(at, "\r\n");
		if (mark == NULL)
			return NULL;
		if (line != NULL && mark > line)
			continue;
		*end = mark + strlen(END);
		return at - strlen(BEGIN);
	}
	return NULL;
}

size_t
pki_outside_count(const char *pem)
{
	const char *end = pem;
	size_t n = 0;

	while (block(end, &end) != NULL)
		n++;
	return n;
}

static EVP_PKEY *
read_key(const char *pem, struct error *e)
{
	const char *end, *at = block(pem, &end);
	BIO *in = at == NULL ? NULL : BIO_new_mem_buf(at, -1);
	EVP_PKEY *k = in == NULL
	    ? NULL
	    : PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);

	BIO_free(in);
	ERR_clear_error();
	if (k == NULL)
		(void)error_set(e, FAIL_BAD_INPUT,
		    "private key: not PKCS#1, SEC1 or PKCS#8 in PEM that can "
		    "be read without a passphrase");
	return k;
}

static bool
write_key(const EVP_PKEY *k, struct pki_outside *out, struct error *e)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k);
	uint8_t *der = NULL;
	int n = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	bool ok;

	PKCS8_PRIV_KEY_INFO_free(info);
	if (n <= 0)
		return error_ossl(e, "private key");
	out->pkcs8 = secret_new(LIMIT_PRIVATE_KEY_BYTES);
	ok = secret_set(out->pkcs8, der, (size_t)n);
	OPENSSL_clear_free(der, (size_t)n);
	return ok ||
	    error_set(e, FAIL_BAD_INPUT, "private key: %d octets, at most %d",
		n, LIMIT_PRIVATE_KEY_BYTES);
}

static bool
read_public(const EVP_PKEY *k, struct pki_outside *out, struct error *e)
{
	struct spki s;

	if (!pki_leafkey_spki(k, &out->spki, e) ||
	    !spki_parse(buf_bytes(&out->spki), &s, e))
		return error_context(e, "private key");
	out->type = s.type;
	return key_type_can_generate(s.type) ||
	    error_set(e, FAIL_BAD_INPUT,
		"private key: %s is not taken; rsa of 2048, 3072, 4096, ec of "
		"256, 384, and ed25519 are",
		key_type_name(s.type));
}

bool
pki_outside_read(const char *pem, struct pki_outside *out, struct error *e)
{
	EVP_PKEY *k;
	bool ok;

	if (pki_outside_count(pem) > 1)
		return error_set(e, FAIL_BAD_INPUT,
		    "more than one private key: import one after the other");
	k = read_key(pem, e);
	ok = k != NULL && read_public(k, out, e) && write_key(k, out, e);
	EVP_PKEY_free(k);
	if (!ok && e->why != FAIL_CRYPTO)
		e->why = FAIL_BAD_INPUT;
	return ok;
}

void
pki_outside_free(struct pki_outside *o)
{
	secret_free(take(o->pkcs8));
	buf_free(&o->spki);
}
