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

/* base^exp mod m for m < 2^16. */
static uint32_t
pow_mod(uint32_t base, uint32_t exp, uint32_t m)
{
	uint32_t r = 1;

	for (; exp != 0; exp >>= 1, base = base * base % m)
		if ((exp & 1) != 0)
			r = r * base % m;
	return r;
}

/* n = m^k, and m has no factor below 1024 (its own rule): k is at most a tenth
 * of the bits. */
#define EXPONENT_MAX (LIMIT_RSA_BITS_MAX / 10)

/*
 * For a prime q = j * k + 1, one number in k is a k-th power modulo q; those are
 * the numbers with x^j = 1. As many q as fit one divisor: for k = 2 one number in
 * 2^13 passes them, for larger k fewer. They are below 2^16.
 */
static struct power_test {
	uint32_t k, q[16];
	size_t n;
	struct weak_divisor product;
} power_tests[EXPONENT_MAX / 4];
static size_t power_tests_n;
/* Most moduli fail at the first q: those of neighbours share a divisor. */
static struct power_group {
	size_t from, to;
	struct weak_divisor product;
} power_groups[EXPONENT_MAX / 16];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

static void
power_test_init(struct power_test *t, uint32_t k)
{
	uint64_t product = 1;

	t->k = k;
	for (uint32_t q = k + 1; product <= WEAK_DIVISOR_MAX / q; q += k)
		if (is_prime(q)) {
			product *= q;
			t->q[t->n++] = q;
		}
	weak_divisor_init(&t->product, product);
}

static void
powers_init(void)
{
	struct power_group *g = power_groups;

	for (uint32_t k = 2; k <= EXPONENT_MAX; k++)
		if (is_prime(k))
			power_test_init(&power_tests[power_tests_n++], k);
	for (size_t i = 0; i < power_tests_n; g++) {
		uint64_t product = 1;

		g->from = i;
		while (i < power_tests_n &&
		    product <= WEAK_DIVISOR_MAX / power_tests[i].q[0])
			product *= power_tests[i++].q[0];
		g->to = i;
		weak_divisor_init(&g->product, product);
	}
}

/* Whether r is a power modulo q[from], …, q[to - 1]. */
static bool
may_be_power(uint64_t r, const struct power_test *t, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		uint32_t q = t->q[i], x = (uint32_t)(r % q);

		if (x != 0 && pow_mod(x, (q - 1) / t->k, q) != 1)
			return false;
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

/* Exactly, where no remainder speaks against it. */
static bool
is_tested_power(const struct spki *key, const struct power_test *t)
{
	auto_bn BIGNUM *n = NULL;

	if (!may_be_power(weak_mod(key->modulus, &t->product), t, 1, t->n))
		return false;
	n = spki_modulus_bn(key);
	return is_power(n, t->k);
}

/* n = m^k for any k > 1; prime k are enough. */
bool
weak_rsa_perfect_power(const struct spki *k)
{
	if (k->type.alg != KEY_RSA)
		return false;
	pthread_once(&powers_once, powers_init);
	for (const struct power_group *g = power_groups; g->to != 0; g++) {
		uint64_t r = weak_mod(k->modulus, &g->product);

		for (size_t i = g->from; i < g->to; i++) {
			const struct power_test *t = &power_tests[i];

			if (t->k > k->type.bits / 10)
				return false;
			if (may_be_power(r, t, 0, 1) && is_tested_power(k, t))
				return true;
		}
	}
	return false;
}

/* ---- Fermat's method ---- */

/* At least 100 are asked for (Baseline Requirements 6.1.1.3). */
#define FERMAT_ROUNDS 110

static const uint64_t square_moduli[] = { 64, 9, 5, 7, 11, 13, 17, 19, 23, 29,
	31, 37, 41 };
#define SQUARE_PRODUCT                                                         \
	(UINT64_C(64) * 9 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29 * 31 * 37 * 41)
static struct weak_divisor square_product;

/* Bit r of [i]: r is a square modulo square_moduli[i]. */
static uint64_t squares[countof(square_moduli)];
static pthread_once_t squares_once = PTHREAD_ONCE_INIT;

static void
squares_init(void)
{
	for (size_t i = 0; i < countof(square_moduli); i++)
		for (uint64_t x = 0; x < square_moduli[i]; x++)
			squares[i] |= UINT64_C(1) << x * x % square_moduli[i];
	weak_divisor_init(&square_product, SQUARE_PRODUCT);
}

/* Whether r modulo each of them is a square: one number in 12,000; modulo 64
 * alone, which costs no division, one in five. */
static bool
may_be_square(uint64_t r)
{
	if ((squares[0] >> r % 64 & 1) == 0)
		return false;
	for (size_t i = 1; i < countof(square_moduli); i++)
		if ((squares[i] >> r % square_moduli[i] & 1) == 0)
			return false;
	return true;
}

/* n without its last bits, in a word. */
static uint64_t
leading(const BIGNUM *n, int shift)
{
	auto_bn BIGNUM *top = bn();

	must(BN_rshift(top, n, shift));
	return BN_get_word(top);
}

static uint64_t
square_root_word(uint64_t n)
{
	uint64_t root = 0;

	for (int bit = 31; bit >= 0; bit--) {
		uint64_t more = root | UINT64_C(1) << bit;

		if (more * more <= n)
			root = more;
	}
	return root;
}

/*
 * floor(sqrt(n)) by Newton's method, with the precision that a step has: the root
 * of the leading bits, off by less than one, gives that of twice as many. All
 * divisions together cost little more than the last. Says whether n is a square.
 */
static bool
square_root(const BIGNUM *n, BIGNUM *root, BN_CTX *ctx)
{
	auto_bn BIGNUM *part = bn();
	int bits = (BN_num_bits(n) - 1) / 2, doublings = 0, has;
	int order;

	while (bits >> doublings > 31)
		doublings++;
	has = bits >> doublings;
	must(BN_set_word(root, square_root_word(leading(n, 2 * (bits - has)))));
	while (doublings-- > 0) {
		int want = bits >> doublings;

		must(BN_rshift(part, n, 2 * bits - has - want + 1));
		must(BN_div(part, NULL, part, root, ctx));
		must(BN_lshift(root, root, want - has - 1));
		must(BN_add(root, root, part));
		has = want;
	}
	must(BN_sqr(part, root, ctx));
	order = BN_cmp(part, n);
	if (order > 0)
		must(BN_sub_word(root, 1));
	return order == 0;
}

/* (a + step)^2 - n is a square, exactly. */
static bool
factors_at(const BIGNUM *n, const BIGNUM *a, unsigned step, BN_CTX *ctx)
{
	auto_bn BIGNUM *sum = BN_dup(a), *rest = bn();

	must(sum != NULL && BN_add_word(sum, step) == 1);
	must(BN_sqr(rest, sum, ctx));
	must(BN_sub(rest, rest, n));
	return square_root(rest, sum, ctx);
}

/* n modulo SQUARE_PRODUCT for a sum of two remainders: a division would be most
 * of a round. */
static uint64_t
below_product(uint64_t n)
{
	return n >= SQUARE_PRODUCT ? n - SQUARE_PRODUCT : n;
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
	auto_bn BIGNUM *n = spki_modulus_bn(k), *a = bn();
	uint64_t a_small, rest_small, step;

	must(ctx != NULL);
	pthread_once(&squares_once, squares_init);
	if (square_root(n, a, ctx))
		return true;
	must(BN_add_word(a, 1));
	a_small = BN_mod_word(a, SQUARE_PRODUCT);
	rest_small = (uint64_t)(((u128)a_small * a_small + SQUARE_PRODUCT -
				    weak_mod(k->modulus, &square_product)) %
	    SQUARE_PRODUCT);
	step = below_product(2 * a_small + 1);
	for (unsigned i = 0; i < FERMAT_ROUNDS; i++) {
		if (may_be_square(rest_small) && factors_at(n, a, i, ctx))
			return true;
		/* (a + 1)^2 - n = a^2 - n + 2 a + 1. */
		rest_small = below_product(rest_small + step);
		step = below_product(step + 2);
	}
	return false;
}
