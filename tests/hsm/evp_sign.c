/* SPDX-License-Identifier: Apache-2.0 */

/* evp_sign MODULE URI pkcs1|pss|ecdsa FILE OUT: sign with hsm_key_evp; the PIN
 * comes on descriptor 0. Ends with fail_exit() of what failed. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/hsm/evp.h>
#include <chancery/hsm/hsm.h>

static bool
sign(EVP_PKEY *k, const char *scheme, struct bytes in, struct buf *out,
    struct error *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	size_t n = LIMIT_SIG_BYTES;
	bool ok = EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, k) == 1 &&
	    (strcmp(scheme, "pss") != 0 ||
		(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) ==
			1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
			RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestSign(ctx, buf_reserve(out, n), &n, in.p, in.n) == 1;

	if (ok)
		buf_commit(out, n);
	EVP_MD_CTX_free(ctx);
	return ok ? true : error_ossl(e, "EVP_DigestSign");
}

static bool
run(char **argv, struct secret *pin, struct error *e)
{
	auto_buf struct buf in = { 0 }, out = { 0 };
	EVP_PKEY *k;

	if (!secret_read_fd(pin, 0, e) || !file_read(argv[4], 1 << 20, &in, e))
		return false;
	k = hsm_key_evp(argv[1], argv[2], pin, e);
	return k != NULL && sign(k, argv[3], buf_bytes(&in), &out, e) &&
	    file_create(argv[5], buf_bytes(&out), 0600, e);
}

int
main(int argc, char **argv)
{
	struct secret *pin;
	struct error e = { 0 };
	bool ok;

	if (argc != 6)
		hsm_exit(fail_exit(FAIL_USAGE));
	pin = secret_new(LIMIT_PIN_BYTES);
	ok = run(argv, pin, &e);
	secret_free(pin);
	if (ok)
		hsm_exit(EXIT_SUCCESS);
	(void)fprintf(stderr, "evp_sign: %s\n", e.msg);
	hsm_exit(fail_exit(e.why));
}
