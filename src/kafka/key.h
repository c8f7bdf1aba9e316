/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private keys: read, made, written. */
#include <chancery/base/secret.h>
#include <chancery/kafka/bundle.h>
#include <chancery/pki/spki.h>

#include "ossl.h"

/* The bundle's key from now on; freed also on failure. NULL: e says already why there is none. */
bool bundle_take_key(struct kafka_bundle *b, EVP_PKEY *key,
    struct error *e) must_check;
EVP_PKEY *private_read(struct bytes pem, const struct secret *password,
    struct error *e) must_check;
EVP_PKEY *private_make(const char *type, struct error *e) must_check;
/* Its SubjectPublicKeyInfo, appended. */
bool private_public(EVP_PKEY *key, struct buf *der, struct error *e) must_check;
/* A password for libcrypto, which wants a NUL behind it. Free with secret_free. */
struct secret *password_terminated(const struct secret *password) must_check;
/* Append the unencrypted PKCS#8 as PEM: Java reads no other without PBES2. */
bool private_write_pem(EVP_PKEY *key, struct secret *out,
    struct error *e) must_check;
