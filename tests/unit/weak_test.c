/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/pki/csr.h>

#include "../../src/pki/weak.h"

static const uint8_t f4[] = { 1, 0, 1 };

static void
read_data(const char *name, struct buf *out)
{
	auto_mem char *path = path_join(TEST_DATA_DIR "/weak", name);
	struct error e;

	if (!file_read(path, 1 << 20, out, &e))
		fail_msg("%s", e.msg);
}

/* The next line of hex from *at; false at the end. */
static bool
next_number(const struct buf *text, size_t *at, struct buf *out)
{
	const char *p = (const char *)text->p + *at;
	size_t n = strcspn(p, "\n");
	auto_mem char *hex =
	    mem_printf("%s%.*s", n % 2 == 0 ? "" : "0", (int)n, p);

	buf_reset(out);
	if (n == 0)
		return false;
	*at += n + 1;
	assert_true(hex_decode(hex, strlen(hex), out));
	return true;
}

static struct spki
rsa_key(struct bytes n)
{
	unsigned top = 8;

	while ((n.p[0] >> (top - 1)) == 0)
		top--;
	return (
	    struct spki){ .type = { KEY_RSA, (unsigned)(n.n - 1) * 8 + top },
		.modulus = n,
		.exponent = { f4, sizeof(f4) } };
}

static const char *
rule_of(const struct spki *k)
{
	const struct weak_rule *w = weak_find(k);

	return w == NULL ? "none" : w->name;
}

static const struct weak_rule *
rule_named(const char *name)
{
	for (size_t i = 0; i < weak_rules_count; i++)
		if (strcmp(weak_rules[i].name, name) == 0)
			return &weak_rules[i];
	fail_msg("no rule %s", name);
	return NULL;
}

/* Each vector by the rule that fires first, and by the one it was made for. */
static void
test_rsa_vectors(void **state)
{
	static const struct {
		const char *file, *first, *rule;
	} cases[] = {
		{ "size-2049", "rsa-size", "rsa-size" },
		{ "factor-3-2048", "rsa-small-factor", "rsa-small-factor" },
		{ "factor-751-2048", "rsa-small-factor", "rsa-small-factor" },
		{ "factor-1021-2048", "rsa-small-factor", "rsa-small-factor" },
		{ "factor-1031-2048", "none", NULL },
		{ "roca-2048", "rsa-roca", "rsa-roca" },
		{ "roca-3072", "rsa-roca", "rsa-roca" },
		{ "close-primes-2048", "rsa-close-primes", "rsa-close-primes" },
		{ "close-primes-round-100-2048", "rsa-close-primes",
		    "rsa-close-primes" },
		{ "not-close-primes-2048", "none", NULL },
		{ "square-2048", "rsa-close-primes", "rsa-prime-power" },
		{ "cube-2048", "rsa-prime-power", "rsa-prime-power" },
		{ "power-5-2048", "rsa-prime-power", "rsa-prime-power" },
		{ "power-11-2048", "rsa-prime-power", "rsa-prime-power" },
		{ "power-103-2048", "rsa-prime-power", "rsa-prime-power" },
		{ "power-199-2048", "rsa-prime-power", "rsa-prime-power" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf text = { 0 }, n = { 0 };
		struct spki k;
		size_t at = 0;

		read_data(cases[i].file, &text);
		(void)buf_cstr(&text);
		assert_true(next_number(&text, &at, &n));
		k = rsa_key(buf_bytes(&n));
		print_message("%s\n", cases[i].file);
		assert_string_equal(rule_of(&k), cases[i].first);
		if (cases[i].rule != NULL)
			assert_true(rule_named(cases[i].rule)->is_weak(&k));
	}
}

static struct spki
key_of(const BIGNUM *n, uint8_t out[LIMIT_RSA_BITS_MAX / 8])
{
	return rsa_key(bytes_of(out, (size_t)BN_bn2bin(n, out)));
}

/* Against libcrypto's remainder: every length, divisors of every size. */
static void
test_remainder(void **state)
{
	uint8_t n[LIMIT_RSA_BITS_MAX / 8];
	auto_bn BIGNUM *bn = BN_new();

	(void)state;
	for (size_t len = 0; len <= sizeof(n); len++) {
		struct weak_divisor d;
		uint64_t m;

		random_bytes(n, sizeof(n));
		random_bytes(&m, sizeof(m));
		m = m >> (7 + len % 57) | 1;
		if (len % 8 == 0) {
			/* The largest sum there can be. */
			memset(n, 0xff, sizeof(n));
			m = WEAK_DIVISOR_MAX;
		}
		weak_divisor_init(&d, m);
		BN_bin2bn(n, (int)len, bn);
		assert_int_equal(weak_mod(bytes_of(n, len), &d),
		    BN_mod_word(bn, m));
	}
}

static bool
has_small_factor(const BIGNUM *n)
{
	for (BN_ULONG p = 3; p < 1024; p += 2)
		if (BN_mod_word(n, p) == 0)
			return true;
	return false;
}

/* Every sixth random number has no small factor, so both answers are seen. */
static void
test_small_factors(void **state)
{
	uint8_t octets[LIMIT_RSA_BITS_MAX / 8];
	auto_bn BIGNUM *n = BN_new();
	bool seen[2] = { false };

	(void)state;
	for (int i = 0; i < 600; i++) {
		struct spki k;
		bool want;

		assert_true(BN_rand(n, 2048 + 8 * i, BN_RAND_TOP_ONE,
		    BN_RAND_BOTTOM_ODD));
		k = key_of(n, octets);
		want = has_small_factor(n);
		seen[want] = true;
		assert_int_equal(rule_named("rsa-small-factor")->is_weak(&k),
		    want);
	}
	assert_true(seen[false] && seen[true]);
}

/* A random number to each power that 2,048 bits have room for, and its
 * neighbour. */
static void
test_powers(void **state)
{
	const struct weak_rule *rule = rule_named("rsa-prime-power");
	uint8_t octets[LIMIT_RSA_BITS_MAX / 8];
	auto_bn BIGNUM *n = BN_new(), *root = BN_new(), *exp = BN_new();
	auto_bn_ctx BN_CTX *ctx = BN_CTX_new();

	(void)state;
	for (int e = 2; e <= 186; e++) {
		struct spki k;

		assert_true(BN_rand(root, 2048 / e, BN_RAND_TOP_ONE,
		    BN_RAND_BOTTOM_ODD));
		assert_true(BN_set_word(exp, (BN_ULONG)e));
		assert_true(BN_exp(n, root, exp, ctx));
		k = key_of(n, octets);
		assert_true(rule->is_weak(&k));
		assert_true(BN_add_word(n, 2));
		k = key_of(n, octets);
		assert_false(rule->is_weak(&k));
	}
}

/* (a - d)(a + d): found when a is one of the 110 numbers above the root. */
static void
test_close_primes(void **state)
{
	const struct weak_rule *rule = rule_named("rsa-close-primes");
	uint8_t octets[LIMIT_RSA_BITS_MAX / 8];
	auto_bn BIGNUM *a = BN_new(), *d = BN_new(), *n = BN_new(),
		       *low = BN_new();
	auto_bn_ctx BN_CTX *ctx = BN_CTX_new();
	bool seen[2] = { false };

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct spki k;
		bool want;

		assert_true(
		    BN_rand(a, 1024, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD));
		assert_true(BN_rand(d, 514 + i % 4, BN_RAND_TOP_ANY,
		    BN_RAND_BOTTOM_ANY));
		assert_true(BN_clear_bit(d, 0));
		assert_true(BN_sqr(n, a, ctx) && BN_sqr(low, d, ctx));
		assert_true(BN_sub(n, n, low));
		k = key_of(n, octets);
		assert_true(BN_sub_word(a, 110) && BN_sqr(low, a, ctx));
		want = BN_cmp(low, n) <= 0;
		seen[want] = true;
		assert_int_equal(rule->is_weak(&k), want);
	}
	assert_true(seen[false] && seen[true]);
}

static void
test_exponent(void **state)
{
	static const struct {
		uint8_t e[4];
		size_t n;
		bool weak;
	} cases[] = { { { 1, 0, 1 }, 3, false }, { { 3 }, 1, true },
		{ { 1, 0, 3 }, 3, true }, { { 1, 0, 0, 1 }, 4, true } };
	auto_buf struct buf text = { 0 }, n = { 0 };
	size_t at = 0;

	(void)state;
	read_data("factor-1031-2048", &text);
	(void)buf_cstr(&text);
	assert_true(next_number(&text, &at, &n));
	for (size_t i = 0; i < countof(cases); i++) {
		struct spki k = rsa_key(buf_bytes(&n));

		k.exponent = bytes_of(cases[i].e, cases[i].n);
		assert_string_equal(rule_of(&k),
		    cases[i].weak ? "rsa-exponent" : "none");
	}
}

static void
test_ec_point(void **state)
{
	uint8_t point[133] = { 4, 1 };
	static const struct {
		enum key_alg alg;
		size_t n;
	} cases[] = { { KEY_EC_P256, 65 }, { KEY_EC_P384, 97 },
		{ KEY_EC_P521, 133 }, { KEY_EC_P256, 1 } };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct spki k = { .type = { cases[i].alg, 0 },
			.point = bytes_of(point, cases[i].n) };

		/* Off the curve; the last is infinity in one octet. */
		point[0] = cases[i].n == 1 ? 0 : 4;
		assert_string_equal(rule_of(&k), "ec-point");
	}
}

static void
test_ed25519(void **state)
{
	auto_buf struct buf text = { 0 }, point = { 0 };
	size_t at = 0, n = 0;

	(void)state;
	read_data("ed25519-small-order", &text);
	(void)buf_cstr(&text);
	for (; next_number(&text, &at, &point); n++) {
		struct spki k = { .type = { KEY_ED25519, 0 },
			.point = buf_bytes(&point) };

		assert_int_equal(point.n, 32);
		assert_string_equal(rule_of(&k), "ed25519-point");
		/* One bit off is another point. */
		point.p[7] ^= 0x10;
		assert_string_equal(rule_of(&k), "none");
	}
	assert_int_equal(n, 14);
	{
		/* 2^255 - 1: above the field, no small point behind it. */
		uint8_t high[32];
		struct spki k = { .type = { KEY_ED25519, 0 },
			.point = bytes_of(high, sizeof(high)) };

		memset(high, 0xff, sizeof(high));
		assert_string_equal(rule_of(&k), "ed25519-point");
	}
}

static void
pass(const struct spki *k, size_t i)
{
	if (weak_find(k) != NULL)
		fail_msg("good key %zu: %s", i, rule_of(k));
}

/* 2,016 RSA moduli from 64 primes. */
static size_t
good_rsa(void)
{
	auto_buf struct buf text = { 0 }, octets = { 0 };
	BIGNUM *primes[64], *n = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	size_t at = 0, count = 0, done = 0;
	uint8_t modulus[256];

	read_data("good-primes-1024", &text);
	(void)buf_cstr(&text);
	while (next_number(&text, &at, &octets))
		primes[count++] = BN_bin2bn(octets.p, (int)octets.n, NULL);
	assert_int_equal(count, countof(primes));
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++) {
			struct spki k;

			assert_true(BN_mul(n, primes[i], primes[j], ctx));
			assert_int_equal(BN_bn2bin(n, modulus), 256);
			k = rsa_key(bytes_of(modulus, 256));
			pass(&k, done++);
		}
	for (size_t i = 0; i < count; i++)
		BN_free(primes[i]);
	BN_free(n);
	BN_CTX_free(ctx);
	return done;
}

static void
good_generated(const char *type, const char *curve, size_t want)
{
	for (size_t i = 0; i < want; i++) {
		EVP_PKEY *key = curve == NULL
		    ? EVP_PKEY_Q_keygen(NULL, NULL, type)
		    : EVP_PKEY_Q_keygen(NULL, NULL, type, curve);
		unsigned char *der = NULL;
		int n = i2d_PUBKEY(key, &der);
		struct spki k;
		struct error e;

		if (!spki_parse(bytes_of(der, (size_t)n), &k, &e))
			fail_msg("%s", e.msg);
		pass(&k, i);
		OPENSSL_free(der);
		EVP_PKEY_free(key);
	}
}

/* ceremony-audit.md, check 75: 10,000 good keys pass. */
static void
test_good_keys(void **state)
{
	size_t rsa = good_rsa();

	(void)state;
	assert_int_equal(rsa, 2016);
	good_generated("EC", "P-256", 4000);
	good_generated("EC", "P-384", 40);
	good_generated("ED25519", NULL, 10000 - rsa - 4040);
}

static void
test_table(void **state)
{
	(void)state;
	assert_int_equal(weak_rules_count, 8);
	for (size_t i = 0; i < weak_rules_count; i++) {
		assert_true(strlen(weak_rules[i].name) > 0);
		assert_true(strlen(weak_rules[i].source) > 0);
		assert_ptr_equal(rule_named(weak_rules[i].name),
		    &weak_rules[i]);
	}
}

static bool
listed(const struct weak_list *l, const char *csr)
{
	auto_mem char *path = path_join(TEST_DATA_DIR "/csr", csr);
	auto_buf struct buf in = { 0 };
	auto_csr struct csr c = { 0 };
	struct error e;

	if (!file_read(path, 1 << 16, &in, &e) ||
	    !csr_parse(buf_bytes(&in), csr, &c, &e))
		fail_msg("%s", e.msg);
	return weak_list_has(l, &c.key);
}

static void
test_list(void **state)
{
	struct error e;
	struct weak_list *l =
	    weak_list_open(TEST_DATA_DIR "/weak/blocklist", &e);

	(void)state;
	if (l == NULL)
		fail_msg("%s", e.msg);
	assert_int_equal(weak_list_count(l), 3);
	assert_true(listed(l, "openbao-int-rsa2048.pem"));
	assert_false(listed(l, "openssl-rsa2048.pem"));
	assert_false(listed(l, "openssl-p256.pem"));
	weak_list_free(l);
	assert_null(weak_list_open(TEST_DATA_DIR "/weak/absent", &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_null(weak_list_open(TEST_DATA_DIR "/weak/size-2049", &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_non_null(strstr(e.msg, "size-2049:1: not 20 hex digits"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa_vectors),
		cmocka_unit_test(test_remainder),
		cmocka_unit_test(test_small_factors),
		cmocka_unit_test(test_powers),
		cmocka_unit_test(test_close_primes),
		cmocka_unit_test(test_exponent),
		cmocka_unit_test(test_ec_point),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_good_keys),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
