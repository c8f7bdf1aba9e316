/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A register full of certificates that parse, without a token: what the store is made
 * from in measurements and fault tests. */
#include <chancery/base/error.h>
#include <chancery/base/limits.h>
#include <chancery/pki/cert.h>

#define CERTS_ORIGIN "bench.example/log"

/* Ends the program with the reason. */
void certs_must(bool ok, const struct error *e);
/* Of certificate n: random-looking. */
void certs_serial(uint64_t n, uint8_t out[LIMIT_SERIAL_BYTES]);
/* n certificates (rounded up to rounds of the signer) of mount "pki", every tenth revoked,
 * a changed document after every `doc_every` of them (0: none). */
void certs_register(const char *dir, uint64_t n, uint64_t doc_every);
/* Into a register that is there: n certificates (rounded up to a round) of that issuer, an
 * authority with a P-256 key, all revoked. `why` is that of their INTENTs: "MOUNT/sign/ROLE". */
void certs_revoked(const char *dir, const char *origin,
    const struct cert *issuer, const char *why, uint64_t n);
