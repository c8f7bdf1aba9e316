/* SPDX-License-Identifier: Apache-2.0 */

/* RSA moduli by what they leave modulo small primes: form, small factors, ROCA. */
#include <pthread.h>

#include "weak.h"

__extension__ typedef unsigned __int128 u128;

/* Baseline Requirements 6.1.6 name 752; the sieve goes to the next round
 * number. */
#define PRIMES_BELOW 1024
#define PRIMES_MAX 171
/* Largest prime of the published ROCA fingerprint. */
#define ROCA_PRIME_MAX 167

static struct {
	uint16_t odd[PRIMES_MAX]; /* primes, without 2 */
	size_t n;
	/* Neighbours with a product below 2^64: one pass over the modulus
	 * serves six of them or more. */
	struct group {
		uint64_t product;
		size_t from, to;
	} groups[32];
	size_t groups_n;
	/* in_group[i][r]: r is a power of 65537 modulo odd[i]. */
	bool roca[39][ROCA_PRIME_MAX];
} tables;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

uint64_t
weak_mod(struct bytes n, uint64_t m)
{
	size_t head = n.n % 8, i;
	uint64_t r = 0;

	for (i = 0; i < head; i++)
		r = (r << 8 | n.p[i]) % m;
	for (; i < n.n; i += 8) {
		uint64_t limb = 0;

		for (size_t j = 0; j < 8; j++)
			limb = limb << 8 | n.p[i + j];
		r = (uint64_t)(((u128)r << 64 | limb) % m);
	}
	return r;
}

static void
add_prime(uint16_t p)
{
	struct group *g = &tables.groups[tables.groups_n];
	size_t i = tables.n++;
	uint64_t product;

	tables.odd[i] = p;
	if (g->to != 0 && __builtin_mul_overflow(g->product, p, &product)) {
		tables.groups_n++;
		g++;
	}
	if (g->to == 0)
		*g = (struct group){ .product = 1, .from = i };
	g->product *= p;
	g->to = i + 1;
	if (p > ROCA_PRIME_MAX)
		return;
	for (unsigned v = 1; !tables.roca[i][v % p]; v = v * 65537 % p)
		tables.roca[i][v % p] = true;
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
		add_prime((uint16_t)p);
	}
	tables.groups_n++;
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
		uint64_t r = weak_mod(k->modulus, g->product);

		for (size_t j = g->from; j < g->to; j++)
			if (r % tables.odd[j] == 0)
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

		if (tables.odd[g->from] > ROCA_PRIME_MAX)
			return true;
		r = weak_mod(k->modulus, g->product);
		for (size_t j = g->from; j < g->to; j++)
			if (tables.odd[j] <= ROCA_PRIME_MAX &&
			    !tables.roca[j][r % tables.odd[j]])
				return false;
	}
	return true;
}
