/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/crypto.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/words.h>

static void
test_published_examples(unused_arg void **state)
{
	static const struct {
		const char *hex, *words;
	} cases[] = {
		{ "0000", "aardvark adroitness" },
		{ "ffff", "Zulu Yucatan" },
		{ "dc0d33", "sweatband asteroid chisel" },
		/* The example fingerprint of the PGP documentation. */
		{ "e58294f2e9a22748",
		    "topmost Istanbul Pluto vagabond treadmill Pacific "
		    "brackish "
		    "dictator" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf raw = { 0 }, text = { 0 }, back = { 0 };
		struct error e = { 0 };

		assert_true(
		    hex_decode(cases[i].hex, strlen(cases[i].hex), &raw));
		words_add(&text, buf_bytes(&raw));
		assert_string_equal(buf_cstr(&text), cases[i].words);
		assert_true(words_decode(cases[i].words, &back, &e));
		assert_true(bytes_eq(buf_bytes(&back), buf_bytes(&raw)));
	}
}

static void
test_every_word_is_its_own(unused_arg void **state)
{
	for (unsigned pos = 0; pos < 2; pos++)
		for (unsigned i = 0; i < 256; i++)
			for (unsigned k = 0; k < 512; k++) {
				if (k == i + 256 * pos)
					continue;
				assert_string_not_equal(words_of((uint8_t)i,
							    pos),
				    words_of((uint8_t)k, k / 256));
			}
}

/* Words and hex groups of a hash both stand for the same octets. */
static void
test_hash_both_ways(unused_arg void **state)
{
	for (unsigned i = 0; i < 64; i++) {
		struct sha256 h = sha256(bytes_of(&i, sizeof(i)));
		auto_buf struct buf words = { 0 }, groups = { 0 },
				    squeezed = { 0 }, a = { 0 }, b = { 0 };
		struct error e = { 0 };

		words_add(&words, sha256_bytes(&h));
		buf_add_hex_groups(&groups, sha256_bytes(&h));
		for (size_t k = 0; k < groups.n; k++)
			if (groups.p[k] != ' ')
				buf_add_byte(&squeezed, groups.p[k]);
		assert_true(words_decode(buf_cstr(&words), &a, &e));
		assert_true(hex_decode((char *)squeezed.p, squeezed.n, &b));
		assert_true(bytes_eq(buf_bytes(&a), buf_bytes(&b)));
		assert_int_equal(a.n, SHA256_LEN);
	}
}

static void
test_one_byte_changes_the_words(unused_arg void **state)
{
	auto_buf struct buf a = { 0 }, b = { 0 };
	uint8_t h[SHA256_LEN] = { 0 };

	words_add(&a, bytes_of(h, sizeof(h)));
	h[31] ^= 1;
	words_add(&b, bytes_of(h, sizeof(h)));
	assert_string_not_equal(buf_cstr(&a), buf_cstr(&b));
}

static void
test_mistakes_are_named(unused_arg void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "aardvark elephant",
		    "word 2, \"elephant\": not in the word "
		    "list" },
		/* A dropped word puts a two-syllable one where three belong. */
		{ "aardvark absurd", "dropped, doubled or swapped" },
		{ "adroitness aardvark", "dropped, doubled or swapped" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf out = { 0 };
		struct error e = { 0 };

		assert_false(words_decode(cases[i].text, &out, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_non_null(strstr(e.msg, cases[i].says));
		assert_int_equal(out.n, 0);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_examples),
		cmocka_unit_test(test_every_word_is_its_own),
		cmocka_unit_test(test_hash_both_ways),
		cmocka_unit_test(test_one_byte_changes_the_words),
		cmocka_unit_test(test_mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
