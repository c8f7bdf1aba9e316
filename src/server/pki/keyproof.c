/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether somebody has the private key of a certificate: the key's public half must be the
 * certificate's, and a signature that it makes now must verify with the certificate's. The
 * key passes through libcrypto's memory only, whose allocator wipes in the server.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <chancery/base/crypto.h>
#include <chancery/server/pki_cert.h>

/* A path instead of a file's contents is shorter than any key. */
#define SHORTEST 75

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

static EVP_PKEY *
read_key(const char *pem, struct error *e)
{
	BIO *in;
	EVP_PKEY *k;

	if (strlen(pem) < SHORTEST) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "Provided data for private_key was too short; perhaps a "
		    "path was passed to the API rather than the contents of a "
		    "PEM file?");
		return NULL;
	}
	in = BIO_new_mem_buf(pem, -1);
	k = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL)
		       : NULL;
	BIO_free(in);
	ERR_clear_error();
	if (k == NULL)
		(void)error_set(e, FAIL_BAD_INPUT,
		    "private_key: no private key in PEM that can be read "
		    "without a passphrase");
	return k;
}

/* Octets are compared: one key has one SubjectPublicKeyInfo here (spki.h). */
static bool
same_public(EVP_PKEY *k, const struct spki *of)
{
	auto_buf struct buf spki = { 0 };
	struct error ignored;

	return pki_leafkey_spki(k, &spki, &ignored) &&
	    bytes_eq(buf_bytes(&spki), of->der);
}

static bool
sign(EVP_PKEY *k, enum sig_alg alg, struct bytes message, struct buf *sig)
{
	const struct sig_alg_info *info = sig_alg_info(alg);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = (size_t)EVP_PKEY_get_size(k);
	bool ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL,
		info->prehash ? digest_evp(info->digest) : NULL, NULL,
		k) == 1 &&
	    EVP_DigestSign(ctx, buf_reserve(sig, n), &n, message.p,
		message.n) == 1;

	if (ok)
		buf_commit(sig, n);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* Text and fresh octets: nothing that could be taken for a certificate. */
static bool
signs_for(EVP_PKEY *k, const struct spki *of)
{
	static const char text[] = "Chancery: proof of possession\n";
	enum sig_alg alg = sig_alg_default(of->type);
	auto_buf struct buf message = { 0 }, sig = { 0 };
	uint8_t fresh[32];
	struct error ignored;

	random_bytes(fresh, sizeof(fresh));
	buf_add_str(&message, text);
	buf_add(&message, fresh, sizeof(fresh));
	return sign(k, alg, buf_bytes(&message), &sig) &&
	    spki_verify(of, alg, buf_bytes(&message), buf_bytes(&sig),
		&ignored);
}

bool
pki_key_proves(const char *pem, const struct spki *of, struct error *e)
{
	EVP_PKEY *k = read_key(pem, e);
	bool ok;

	if (k == NULL)
		return false;
	ok = same_public(k, of) && signs_for(k, of);
	EVP_PKEY_free(k);
	return ok ||
	    error_set(e, FAIL_REFUSED,
		"provided private key does not match certificate's public key");
}
