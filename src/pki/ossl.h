/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What src/pki shares about libcrypto: scopes, and keys built from bytes. */
#include <openssl/bn.h>
#include <openssl/evp.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/spki.h>

DEFINE_AUTO(evp_pkey, EVP_PKEY *, EVP_PKEY_free)
DEFINE_AUTO(evp_pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_AUTO(evp_md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_AUTO(bignum, BIGNUM *, BN_free)
DEFINE_AUTO(bn_ctx, BN_CTX *, BN_CTX_free)
#define auto_pkey auto_cleanup(evp_pkey_cleanup)
#define auto_pkey_ctx auto_cleanup(evp_pkey_ctx_cleanup)
#define auto_md_ctx auto_cleanup(evp_md_ctx_cleanup)
#define auto_bn auto_cleanup(bignum_cleanup)
#define auto_bn_ctx auto_cleanup(bn_ctx_cleanup)

/* Octets of a point of P-521, the widest. */
#define EC_POINT_MAX 133

/* The key as libcrypto's object, built without its decoder (pkcs11.md section
 * 4). NULL when the bytes are no key: for EC that includes points off the
 * curve, coordinates out of range and infinity. */
EVP_PKEY *spki_pkey(const struct spki *k, struct error *e) must_check;
/* The same for one use at once: of EC keys it is the thread's own object, which gets
 * another point in the next call. EVP_PKEY_free as ever. */
EVP_PKEY *spki_pkey_once(const struct spki *k, struct error *e) must_check;

/* RSA moduli of spki_parse always convert; never NULL. */
BIGNUM *spki_modulus_bn(const struct spki *k) must_check;
