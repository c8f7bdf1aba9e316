/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What src/kafka shares about libcrypto: scopes. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <chancery/base/cleanup.h>

DEFINE_AUTO(evp_pkey, EVP_PKEY *, EVP_PKEY_free)
DEFINE_AUTO(x509, X509 *, X509_free)
DEFINE_AUTO(bio, BIO *, BIO_free_all)
DEFINE_AUTO(pkcs12, PKCS12 *, PKCS12_free)
#define auto_pkey auto_cleanup(evp_pkey_cleanup)
#define auto_x509 auto_cleanup(x509_cleanup)
#define auto_bio auto_cleanup(bio_cleanup)
#define auto_pkcs12 auto_cleanup(pkcs12_cleanup)
