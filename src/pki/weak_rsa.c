/* SPDX-License-Identifier: Apache-2.0 */

/* RSA moduli by what they leave modulo small primes: form, small factors, ROCA. */
#include <endian.h>
#include <pthread.h>

#include "weak.h"

/* Baseline Requirements 6.1.6 name 752; the sieve goes to the next round
 * number. */
#define PRIMES_BELOW 1024
#define PRIMES_MAX 171
/* Largest prime of the published ROCA fingerprint. */
#define ROCA_PRIME_MAX 167

static struct {
	/* Primes, without 2. p divides r when r times the inverse of p modulo
	 * 2^64 is no larger than a quotient can be: no division. */
	struct prime {
		uint64_t inverse, most;
		unsigned p;
	} odd[PRIMES_MAX];
	size_t n;
	/* Neighbours: one pass over the modulus serves five of them or more. */
	struct group {
		struct weak_divisor product;
		size_t from, to;
	} groups[40];
	size_t groups_n;
	/* roca[i][r]: r is a power of 65537 modulo odd[i]. */
	bool roca[39][ROCA_PRIME_MAX];
} tables;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

void
weak_divisor_init(struct weak_divisor *d, uint64_t m)
{
	if (m > WEAK_DIVISOR_MAX)
		fatal("weak_divisor_init: %llu", (unsigned long long)m);
	d->m = m;
	d->power[0] = 1 % m;
	for (size_t i = 1; i < countof(d->power); i++)
		d->power[i] = (uint64_t)(((u128)d->power[i - 1] << 64) % m);
}

uint64_t
weak_mod(struct bytes n, const struct weak_divisor *d)
{
	size_t left = n.n, i = 0;
	uint64_t limb = 0;
	u128 sum = 0;

	if (n.n > LIMIT_RSA_BITS_MAX / 8)
		fatal("weak_mod: %zu octets", n.n);
	for (; left >= 8; left -= 8) {
		memcpy(&limb, n.p + left - 8, 8);
		sum += (u128)be64toh(limb) * d->power[i++];
	}
	if (left > 0) {
		limb = 0;
		memcpy((uint8_t *)&limb + 8 - left, n.p, left);
		sum += (u128)be64toh(limb) * d->power[i];
	}
	return (uint64_t)(sum % d->m);
}

static uint64_t
inverse_of(uint64_t p)
{
	uint64_t x = p; /* right in three bits, then six, …, 96 */

	for (int i = 0; i < 5; i++)
		x *= 2 - p * x;
	return x;
}

static void
add_prime(unsigned p)
{
	size_t i = tables.n++;

	tables.odd[i] = (struct prime){ inverse_of(p), UINT64_MAX / p, p };
	if (p > ROCA_PRIME_MAX)
		return;
	for (unsigned v = 1; !tables.roca[i][v % p]; v = v * 65537 % p)
		tables.roca[i][v % p] = true;
}

static void
make_groups(void)
{
	for (size_t i = 0; i < tables.n; tables.groups_n++) {
		struct group *g = &tables.groups[tables.groups_n];
		uint64_t product = 1;

		g->from = i;
		while (i < tables.n &&
		    product <= WEAK_DIVISOR_MAX / tables.odd[i].p)
			product *= tables.odd[i++].p;
		g->to = i;
		weak_divisor_init(&g->product, product);
	}
}

static void
tables_init(void)
{
	bool composite[PRIMES_BELOW] = { false };

	for (unsigned p = 3; p < PRIMES_BELOW; p += 2) {
		if (composite[p])
			continue;
		for (unsigned m = p * p; m < PRIMES_BELOW; m += p)
			composite[m] = true;
		add_prime(p);
	}
	make_groups();
}

bool
weak_rsa_size(const struct spki *k)
{
	return k->type.alg == KEY_RSA && k->type.bits % 8 != 0;
}

bool
weak_rsa_exponent(const struct spki *k)
{
	static const uint8_t f4[] = { 0x01, 0x00, 0x01 };

	return k->type.alg == KEY_RSA &&
	    !bytes_eq(k->exponent, bytes_of(f4, sizeof(f4)));
}

bool
weak_rsa_small_factor(const struct spki *k)
{
	if (k->type.alg != KEY_RSA)
		return false;
	pthread_once(&tables_once, tables_init);
	for (size_t i = 0; i < tables.groups_n; i++) {
		const struct group *g = &tables.groups[i];
		uint64_t r = weak_mod(k->modulus, &g->product);

		for (size_t j = g->from; j < g->to; j++)
			if (r * tables.odd[j].inverse <= tables.odd[j].most)
				return true;
	}
	return false;
}

/*
 * Keys of the Infineon library: both primes are k * M + (65537^a mod M), M the
 * product of the first primes. So the modulus is a power of 65537 modulo each
 * of them; one modulus in about 2^27 is so by chance.
 */
bool
weak_rsa_roca(const struct spki *k)
{
	if (k->type.alg != KEY_RSA)
		return false;
	pthread_once(&tables_once, tables_init);
	for (size_t i = 0; i < tables.groups_n; i++) {
		const struct group *g = &tables.groups[i];
		uint64_t r;

		if (tables.odd[g->from].p > ROCA_PRIME_MAX)
			return true;
		r = weak_mod(k->modulus, &g->product);
		for (size_t j = g->from; j < g->to; j++)
			if (tables.odd[j].p <= ROCA_PRIME_MAX &&
			    !tables.roca[j][r % tables.odd[j].p])
				return false;
	}
	return true;
}
