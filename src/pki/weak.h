/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The rules' arithmetic, by file: weak.c has the table, weak_rsa.c and
 * weak_factor.c RSA, weak_point.c the curves. */
#include <chancery/pki/weak.h>

#include "ossl.h"

/* Big-endian number modulo m. */
uint64_t weak_mod(struct bytes n, uint64_t m);

bool weak_rsa_size(const struct spki *k);
bool weak_rsa_exponent(const struct spki *k);
bool weak_rsa_small_factor(const struct spki *k);
bool weak_rsa_roca(const struct spki *k);
bool weak_rsa_perfect_power(const struct spki *k);
bool weak_rsa_close_primes(const struct spki *k);
bool weak_ec_point(const struct spki *k);
bool weak_ed25519_point(const struct spki *k);
