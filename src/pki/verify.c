/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Signature verification. A context lives for one signature only: on a used
 * EVP_MD_CTX, EVP_DigestVerifyInit returns 1 and keeps the key of before.
 */
#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <chancery/base/limits.h>
#include <chancery/pki/der.h>
#include <chancery/pki/spki.h>

#include "ossl.h"

struct spki_verifier {
	struct key_type type;
	EVP_PKEY *pkey;
};

/* Octets of r and s: the curve's order has as many bits as its field. */
static size_t
ec_scalar_len(enum key_alg alg)
{
	return alg == KEY_EC_P256 ? 32 : alg == KEY_EC_P384 ? 48 : 66;
}

/* RFC 5480 appendix A: ECDSA-Sig-Value in DER, both numbers positive. That
 * they lie below the order is checked by libcrypto. */
static bool
ecdsa_form(struct bytes sig, size_t scalar)
{
	struct der_reader r, in;

	der_r_init(&r, sig);
	der_r_init(&in, der_r_get(&r, DER_SEQUENCE));
	for (int i = 0; i < 2; i++) {
		struct bytes v = der_r_integer(&in);

		if (v.n == 0 || (v.p[0] & 0x80) != 0 || v.n > scalar + 1 ||
		    (v.n == scalar + 1 && v.p[0] != 0))
			return false;
	}
	return der_r_done(&in) && der_r_done(&r);
}

/* One signature has one encoding, or a register could hold two certificates
 * that differ in nothing. */
static bool
sig_form(struct key_type type, struct bytes sig, struct error *e)
{
	size_t len = type.alg == KEY_RSA ? (type.bits + 7) / 8 : 64;

	if (type.alg != KEY_RSA && type.alg != KEY_ED25519) {
		if (!ecdsa_form(sig, ec_scalar_len(type.alg)))
			return error_set(e, FAIL_BAD_INPUT,
			    "signature: not an ECDSA-Sig-Value in DER");
		return true;
	}
	if (sig.n != len)
		return error_set(e, FAIL_BAD_INPUT,
		    "signature: %zu octets, a %s key makes %zu", sig.n,
		    key_type_name(type), len);
	return true;
}

/* Any hash with any curve: `openssl req` signs with SHA-256 whatever the curve.
 * Which pairs we make ourselves is sig_alg_fits. */
static bool
same_family(enum sig_alg alg, enum key_alg key)
{
	const struct sig_alg_info *info = sig_alg_info(alg);

	switch (key) {
	case KEY_RSA:
		return info->rsa;
	case KEY_EC_P256:
	case KEY_EC_P384:
	case KEY_EC_P521:
		return info->ec;
	case KEY_ED25519:
		return info->ed25519;
	case KEY_ALG__COUNT:
		break;
	}
	fatal("corrupt key_alg %d", (int)key);
}

static bool
check_form(struct key_type type, enum sig_alg alg, struct bytes sig,
    struct error *e)
{
	if (!same_family(alg, type.alg))
		return error_set(e, FAIL_UNSUPPORTED,
		    "signature: %s does not go with a %s key",
		    sig_alg_info(alg)->name, key_type_name(type));
	return sig_form(type, sig, e);
}

/*
 * RFC 4055 3.1: salt as long as the hash, MGF1 with the same hash (libcrypto's default once
 * the hash is set). ECDSA takes the digest as a number; its length is checked before
 * (check_digest), and without a hash libcrypto fetches none. One call with all parameters:
 * each EVP_PKEY_CTX_set_… translates names (RSA: 3 us less).
 */
static bool
verify_init(EVP_PKEY_CTX *ctx, const struct sig_alg_info *info)
{
	OSSL_PARAM p[4] = { OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END,
		OSSL_PARAM_END };
	char pss[] = OSSL_PKEY_RSA_PAD_MODE_PSS;
	char pkcs1[] = OSSL_PKEY_RSA_PAD_MODE_PKCSV15;
	char digest[16], salt[] = OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST;

	if (!info->rsa)
		return EVP_PKEY_verify_init_ex(ctx, NULL) > 0;
	(void)snprintf(digest, sizeof(digest), "%s",
	    EVP_MD_get0_name(digest_evp(info->digest)));
	p[0] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
	    digest, 0);
	p[1] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE,
	    info->pss ? pss : pkcs1, 0);
	if (info->pss)
		p[2] = OSSL_PARAM_construct_utf8_string(
		    OSSL_SIGNATURE_PARAM_PSS_SALTLEN, salt, 0);
	return EVP_PKEY_verify_init_ex(ctx, p) > 0;
}

/* libcrypto answers 0 or a negative number for a bad signature, depending on
 * how bad it is. */
static bool
verdict(int rc, struct error *e)
{
	if (rc == 1)
		return true;
	ERR_clear_error();
	return error_set(e, FAIL_CRYPTO, "signature: does not verify");
}

static bool
verify_digest(EVP_PKEY *pkey, enum sig_alg alg, struct bytes digest,
    struct bytes sig, struct error *e)
{
	const struct sig_alg_info *info = sig_alg_info(alg);
	auto_pkey_ctx EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

	if (ctx == NULL || !verify_init(ctx, info))
		return error_ossl(e, "EVP_PKEY_verify_init");
	return verdict(EVP_PKEY_verify(ctx, sig.p, sig.n, digest.p, digest.n),
	    e);
}

static bool
verify_message(EVP_PKEY *pkey, enum sig_alg alg, struct bytes message,
    struct bytes sig, struct error *e)
{
	const struct sig_alg_info *info = sig_alg_info(alg);

	if (info->prehash) {
		uint8_t md[DIGEST_MAX];
		size_t n = digest_of(info->digest, message, md);

		return verify_digest(pkey, alg, bytes_of(md, n), sig, e);
	}

	auto_md_ctx EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL ||
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1)
		return error_ossl(e, "EVP_DigestVerifyInit");
	return verdict(EVP_DigestVerify(ctx, sig.p, sig.n, message.p,
			   message.n),
	    e);
}

static bool
check_digest(enum sig_alg alg, struct bytes digest, struct error *e)
{
	const struct sig_alg_info *info = sig_alg_info(alg);

	if (!info->prehash)
		return error_set(e, FAIL_UNSUPPORTED,
		    "signature: %s signs the message, not a digest",
		    info->name);
	/* libcrypto would verify a digest of another length against its
	 * truncation. */
	if (digest.n != digest_len(info->digest))
		return error_set(e, FAIL_BAD_INPUT,
		    "digest: %zu octets, %s takes %zu", digest.n, info->name,
		    digest_len(info->digest));
	return true;
}

bool
spki_verify(const struct spki *k, enum sig_alg alg, struct bytes message,
    struct bytes sig, struct error *e)
{
	if (!check_form(k->type, alg, sig, e))
		return false;

	auto_pkey EVP_PKEY *pkey = spki_pkey_once(k, e);

	return pkey != NULL && verify_message(pkey, alg, message, sig, e);
}

bool
spki_verify_digest(const struct spki *k, enum sig_alg alg, struct bytes digest,
    struct bytes sig, struct error *e)
{
	if (!check_digest(alg, digest, e) || !check_form(k->type, alg, sig, e))
		return false;

	auto_pkey EVP_PKEY *pkey = spki_pkey_once(k, e);

	return pkey != NULL && verify_digest(pkey, alg, digest, sig, e);
}

struct spki_verifier *
spki_verifier_new(const struct spki *k, struct error *e)
{
	EVP_PKEY *pkey = spki_pkey(k, e);
	struct spki_verifier *v;

	if (pkey == NULL)
		return NULL;
	v = mem_alloc(sizeof(*v));
	*v = (struct spki_verifier){ .type = k->type, .pkey = pkey };
	return v;
}

void
spki_verifier_free(struct spki_verifier *v)
{
	if (v == NULL)
		return;
	EVP_PKEY_free(v->pkey);
	mem_free(v);
}

bool
spki_verifier_check(const struct spki_verifier *v, enum sig_alg alg,
    struct bytes message, struct bytes sig, struct error *e)
{
	return check_form(v->type, alg, sig, e) &&
	    verify_message(v->pkey, alg, message, sig, e);
}

bool
spki_verifier_check_digest(const struct spki_verifier *v, enum sig_alg alg,
    struct bytes digest, struct bytes sig, struct error *e)
{
	return check_digest(alg, digest, e) &&
	    check_form(v->type, alg, sig, e) &&
	    verify_digest(v->pkey, alg, digest, sig, e);
}
