/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <chancery/base/limits.h>
#include <chancery/ceremony/issue.h>

static EVP_PKEY *
throwaway_key(struct key_type type)
{
	switch (type.alg) {
	case KEY_RSA:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)type.bits);
	case KEY_EC_P256:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	case KEY_EC_P384:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	case KEY_EC_P521:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
	case KEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case KEY_ALG__COUNT:
		break;
	}
	return NULL;
}

static const EVP_MD *
throwaway_md(const struct sig_alg_info *info)
{
	if (!info->prehash)
		return NULL;
	switch (info->digest) {
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA384:
		return EVP_sha384();
	case DIGEST_SHA512:
		return EVP_sha512();
	}
	return NULL;
}

/* True with the signature in sig[0 .. *n). */
static bool
throwaway_sign(EVP_MD_CTX *ctx, EVP_PKEY *key, const struct sig_alg_info *info,
    struct bytes tbs, uint8_t *sig, size_t *n)
{
	EVP_PKEY_CTX *pctx = NULL;

	if (EVP_DigestSignInit(ctx, &pctx, throwaway_md(info), NULL, key) != 1)
		return false;
	if (info->pss &&
	    (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
		    RSA_PSS_SALTLEN_DIGEST) <= 0))
		return false;
	return EVP_DigestSign(ctx, sig, n, tbs.p, tbs.n) == 1;
}

/* Our parser and OpenSSL's read it, and what it wraps is what came in. */
static bool
read_back(struct bytes tbs, struct bytes der, const struct cert *issuer,
    struct error *e)
{
	auto_cert struct cert c = { 0 };

	if (!cert_parse(der, "rehearsed certificate", &c, e) ||
	    !reparse_certificate(der, e))
		return false;
	if (!bytes_eq(c.tbs.der, tbs))
		return error_set(e, FAIL_INTERNAL,
		    "the rehearsed certificate holds other bytes");
	return issuer == NULL || issuer_permits(issuer, &c, e);
}

bool
throwaway_check(struct bytes tbs, struct key_type type, enum sig_alg alg,
    const struct cert *issuer, struct error *e)
{
	const struct sig_alg_info *info = sig_alg_info(alg);
	EVP_PKEY *key = throwaway_key(type);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[LIMIT_SIG_BYTES];
	size_t n = sizeof(sig);
	auto_buf struct buf der = { 0 };
	bool ok = key != NULL && ctx != NULL &&
	    throwaway_sign(ctx, key, info, tbs, sig, &n);

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (!ok)
		return error_ossl(e, "throw-away key");
	cert_assemble(tbs, alg, bytes_of(sig, n), &der);
	return read_back(tbs, buf_bytes(&der), issuer, e);
}
