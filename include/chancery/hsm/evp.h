/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HSM key as an OpenSSL EVP_PKEY, through libp11 and the engine "pkcs11": the
 * door for what OpenSSL itself must drive. libp11 closes all sessions of the
 * application and finalises the module, so this must run in a process of its own
 * that has no module loaded through hsm.h (FAIL_INTERNAL), and one key a process.
 * Tokens with Ed25519 keys cannot be enumerated by libp11 0.4.12:
 * FAIL_UNSUPPORTED. Token, PIN and key are first tried with our own code, so that
 * a wrong PIN costs one try and errors are those of hsm.h. RSA-PSS goes to the
 * token as CKM_RSA_PKCS_PSS. End the process with hsm_exit().
 */
#include <openssl/types.h>

#include <chancery/base/error.h>
#include <chancery/base/secret.h>

EVP_PKEY *hsm_key_evp(const char *module_path, const char *key_uri,
    const struct secret *pin, struct error *e) must_check;
