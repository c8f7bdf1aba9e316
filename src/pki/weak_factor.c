/* SPDX-License-Identifier: Apache-2.0 */

/* RSA moduli that factor at once: perfect powers, and primes close together. */
#include <pthread.h>

#include "weak.h"

/* libcrypto's big numbers fail only for want of memory here. */
static void
must(int ok)
{
	if (ok != 1)
		fatal("big number arithmetic failed");
}

static BIGNUM *
bn(void)
{
	BIGNUM *n = BN_new();

	must(n != NULL);
	return n;
}

static bool
is_prime(uint64_t n)
{
	for (uint64_t d = 2; d * d <= n; d++)
		if (n % d == 0)
			return false;
	return n > 1;
}

/* base^exp mod m for m < 2^32. */
static uint64_t
pow_mod(uint64_t base, uint64_t exp, uint64_t m)
{
	uint64_t r = 1;

	for (; exp != 0; exp >>= 1, base = base * base % m)
		if ((exp & 1) != 0)
			r = r * base % m;
	return r;
}

/*
 * For a prime q = j * k + 1, one number in k is a k-th power modulo q; those are
 * the numbers with x^j = 1. Most moduli fail at the first q; what passes all is
 * looked at exactly.
 */
static bool
may_be_power(struct bytes n, unsigned k)
{
	unsigned passed = 0;

	for (uint64_t j = 1; passed < 24; j++) {
		uint64_t q = j * k + 1, r;

		if (!is_prime(q))
			continue;
		r = weak_mod(n, q);
		if (r != 0 && pow_mod(r, j, q) != 1)
			return false;
		passed++;
	}
	return true;
}

/* The root bit by bit from the top. */
static bool
is_power(const BIGNUM *n, unsigned k)
{
	auto_bn_ctx BN_CTX *ctx = BN_CTX_new();
	auto_bn BIGNUM *root = bn(), *power = bn(), *exp = bn();

	must(ctx != NULL && BN_set_word(exp, k) == 1);
	for (int bit = BN_num_bits(n) / (int)k; bit >= 0; bit--) {
		int order;

		must(BN_set_bit(root, bit));
		must(BN_exp(power, root, exp, ctx));
		order = BN_cmp(power, n);
		if (order == 0)
			return true;
		if (order > 0)
			must(BN_clear_bit(root, bit));
	}
	return false;
}

/* n = m^k for any k > 1; prime k are enough. m has no factor below 1024 (its own
 * rule), hence k at most bits / 10. */
bool
weak_rsa_perfect_power(const struct spki *k)
{
	if (k->type.alg != KEY_RSA)
		return false;
	for (unsigned exp = 2; exp <= k->type.bits / 10; exp++) {
		if (!is_prime(exp) || !may_be_power(k->modulus, exp))
			continue;

		auto_bn BIGNUM *n = spki_modulus_bn(k);

		if (is_power(n, exp))
			return true;
	}
	return false;
}

/* ---- Fermat's method ---- */

/* At least 100 are asked for (Baseline Requirements 6.1.1.3). */
#define FERMAT_ROUNDS 110

static const uint64_t square_moduli[] = { 64, 9, 5, 7, 11, 13, 17, 19, 23, 29 };
/* Their product: fits with room for additions. */
#define SQUARE_PRODUCT (UINT64_C(64) * 9 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29)

/* Bit r of [i]: r is a square modulo square_moduli[i]. */
static uint64_t squares[countof(square_moduli)];
static pthread_once_t squares_once = PTHREAD_ONCE_INIT;

static void
squares_init(void)
{
	for (size_t i = 0; i < countof(square_moduli); i++)
		for (uint64_t x = 0; x < square_moduli[i]; x++)
			squares[i] |= UINT64_C(1) << x * x % square_moduli[i];
}

/* Whether r modulo each of them is a square: one number in 1,500. */
static bool
may_be_square(uint64_t r)
{
	for (size_t i = 0; i < countof(square_moduli); i++)
		if ((squares[i] >> r % square_moduli[i] & 1) == 0)
			return false;
	return true;
}

/* A number at or above the root of n, right in its first 31 bits, so that five
 * steps do for 2,048 bits. */
static BIGNUM *
above_root(const BIGNUM *n)
{
	int shift = BN_num_bits(n) > 62 ? (BN_num_bits(n) - 61) / 2 : 0;
	auto_bn BIGNUM *top = bn();
	uint64_t root = 0;

	must(BN_rshift(top, n, 2 * shift));
	for (int bit = 31; bit >= 0; bit--) {
		uint64_t more = root | UINT64_C(1) << bit;

		if (more * more <= BN_get_word(top))
			root = more;
	}
	must(BN_set_word(top, root + 1) && BN_lshift(top, top, shift) == 1);
	return take(top);
}

/* floor(sqrt(n)) by Newton's method from above. */
static BIGNUM *
square_root(const BIGNUM *n, BN_CTX *ctx)
{
	auto_bn BIGNUM *x = bn(), *y = above_root(n);

	do {
		BN_swap(x, y);
		must(BN_div(y, NULL, n, x, ctx));
		must(BN_add(y, y, x));
		must(BN_rshift1(y, y));
	} while (BN_cmp(y, x) < 0);
	return take(x);
}

static bool
is_square(const BIGNUM *n, BN_CTX *ctx)
{
	auto_bn BIGNUM *root = square_root(n, ctx), *square = bn();

	must(BN_sqr(square, root, ctx));
	return BN_cmp(square, n) == 0;
}

/* (a + step)^2 - n is a square, exactly. */
static bool
factors_at(const BIGNUM *n, const BIGNUM *a, unsigned step, BN_CTX *ctx)
{
	auto_bn BIGNUM *sum = BN_dup(a), *rest = bn();

	must(sum != NULL && BN_add_word(sum, step) == 1);
	must(BN_sqr(rest, sum, ctx));
	must(BN_sub(rest, rest, n));
	return is_square(rest, ctx);
}

/*
 * n = p * q = a^2 - b^2 with a = (p + q) / 2: when p and q are close, a lies just
 * above the root of n. The rounds are kept modulo SQUARE_PRODUCT; big numbers
 * come in only when the small ones see no reason against a square.
 */
bool
weak_rsa_close_primes(const struct spki *k)
{
	if (k->type.alg != KEY_RSA)
		return false;

	auto_bn_ctx BN_CTX *ctx = BN_CTX_new();
	auto_bn BIGNUM *n = spki_modulus_bn(k);
	auto_bn BIGNUM *a = NULL, *rest = bn();
	uint64_t a_small, rest_small;

	must(ctx != NULL);
	pthread_once(&squares_once, squares_init);
	a = square_root(n, ctx);
	must(BN_sqr(rest, a, ctx));
	if (BN_cmp(rest, n) == 0)
		return true;
	must(BN_add_word(a, 1));
	must(BN_sqr(rest, a, ctx));
	must(BN_sub(rest, rest, n));
	a_small = BN_mod_word(a, SQUARE_PRODUCT);
	rest_small = BN_mod_word(rest, SQUARE_PRODUCT);
	for (unsigned i = 0; i < FERMAT_ROUNDS; i++) {
		if (may_be_square(rest_small) && factors_at(n, a, i, ctx))
			return true;
		rest_small = (rest_small + 2 * a_small + 1) % SQUARE_PRODUCT;
		a_small = (a_small + 1) % SQUARE_PRODUCT;
	}
	return false;
}
