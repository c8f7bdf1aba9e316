/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The rules' arithmetic, by file: weak.c has the table, weak_rsa.c and
 * weak_factor.c RSA, weak_point.c the curves. */
#include <chancery/base/limits.h>
#include <chancery/pki/weak.h>

#include "ossl.h"

__extension__ typedef unsigned __int128 u128;

/* A product of small primes, with the powers that make a remainder a sum. Below
 * 2^57, so that the sum stays below 2^128 for the longest modulus. */
struct weak_divisor {
	uint64_t m;
	uint64_t power[LIMIT_RSA_BITS_MAX / 64]; /* 2^(64 i) mod m */
};
#define WEAK_DIVISOR_MAX ((UINT64_C(1) << 57) - 1)
void weak_divisor_init(struct weak_divisor *d, uint64_t m);
/* Big-endian number of at most LIMIT_RSA_BITS_MAX bits modulo d->m. */
uint64_t weak_mod(struct bytes n, const struct weak_divisor *d);

bool weak_rsa_size(const struct spki *k);
bool weak_rsa_exponent(const struct spki *k);
bool weak_rsa_small_factor(const struct spki *k);
bool weak_rsa_roca(const struct spki *k);
bool weak_rsa_perfect_power(const struct spki *k);
bool weak_rsa_close_primes(const struct spki *k);
bool weak_ec_point(const struct spki *k);
bool weak_ed25519_point(const struct spki *k);
