/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HSM key as an OpenSSL EVP_PKEY, through libp11 and the engine "pkcs11": the
 * door for what OpenSSL itself must drive. libp11 closes all sessions of the
 * application and finalises the module, so this must run in a process of its own
 * that has not loaded the module through hsm.h (asserted). Tokens with Ed25519
 * keys cannot be enumerated by libp11 0.4.12: FAIL_UNSUPPORTED.
 */
#include <openssl/types.h>

#include <chancery/base/error.h>
#include <chancery/base/secret.h>

EVP_PKEY *hsm_key_evp(const char *module_path, const char *key_uri,
    const struct secret *pin, struct error *e) must_check;
