/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "internal.h"

DEFINE_AUTO(pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_AUTO(md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)

static bool
set_padding(EVP_PKEY_CTX *ctx, const struct sig_alg_info *a)
{
	/* ECDSA takes the digest as it is; its length was checked, and naming
	 * the hash would cost a search for it. */
	if (!a->rsa)
		return true;
	if (EVP_PKEY_CTX_set_signature_md(ctx, digest_evp(a->digest)) != 1)
		return false;
	if (!a->pss)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) ==
		    1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool
verify_digest(EVP_PKEY *key, const struct sig_alg_info *a, struct bytes in,
    struct bytes sig)
{
	/* A context of its own each time: a used one keeps the old key. */
	auto_cleanup(pkey_ctx_cleanup) EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new(key, NULL);

	return ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    set_padding(ctx, a) &&
	    EVP_PKEY_verify(ctx, sig.p, sig.n, in.p, in.n) == 1;
}

static bool
verify_message(EVP_PKEY *key, struct bytes in, struct bytes sig)
{
	auto_cleanup(md_ctx_cleanup) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, sig.p, sig.n, in.p, in.n) == 1;
}

bool
signature_verify(EVP_PKEY *key, enum sig_alg alg, struct bytes in,
    struct bytes sig, struct error *e)
{
	const struct sig_alg_info *a = sig_alg_info(alg);
	bool ok = a->prehash ? verify_digest(key, a, in, sig)
			     : verify_message(key, in, sig);

	if (ok)
		return true;
	/* Empties OpenSSL's queue, which says no more than this. */
	(void)error_ossl(e, "EVP_PKEY_verify");
	return error_set(e, FAIL_CRYPTO,
	    "the token's %s signature does not verify with the public key",
	    a->name);
}
