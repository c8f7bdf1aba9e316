/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/pki/der.h>

#define B(s) bytes_of((s), sizeof(s) - 1)

static void
assert_written(const struct der_writer *w, struct bytes want)
{
	struct bytes got = der_w_bytes(w);

	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

static void
test_write_nested(void **state)
{
	auto_der_writer struct der_writer w;
	size_t mark;

	(void)state;
	der_w_init(&w, 0);
	mark = der_w_mark(&w);
	der_w_bool(&w, true);
	der_w_uint(&w, 128);
	der_w_tlv(&w, DER_OCTET_STRING, B("ab"));
	der_w_wrap(&w, DER_SEQUENCE, mark);
	assert_written(&w,
	    B("\x30\x0b\x04\x02"
	      "ab\x02\x02\x00\x80\x01\x01\xff"));
	der_w_reset(&w);
	assert_written(&w, B(""));
}

/* The first buffer is 64 octets: every length form makes it grow. */
static void
test_write_lengths(void **state)
{
	static const struct {
		size_t n;
		struct bytes header;
	} cases[] = {
		{ 0, { (const uint8_t *)"\x04\x00", 2 } },
		{ 127, { (const uint8_t *)"\x04\x7f", 2 } },
		{ 128, { (const uint8_t *)"\x04\x81\x80", 3 } },
		{ 255, { (const uint8_t *)"\x04\x81\xff", 3 } },
		{ 256, { (const uint8_t *)"\x04\x82\x01\x00", 4 } },
		{ 65536, { (const uint8_t *)"\x04\x83\x01\x00\x00", 5 } },
	};
	auto_mem uint8_t *zeros = mem_calloc(65536, 1);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_der_writer struct der_writer w = { 0 };
		struct der_reader r;
		struct bytes got;

		der_w_tlv(&w, DER_OCTET_STRING, bytes_of(zeros, cases[i].n));
		got = der_w_bytes(&w);
		assert_int_equal(got.n, cases[i].header.n + cases[i].n);
		assert_memory_equal(got.p, cases[i].header.p,
		    cases[i].header.n);
		der_r_init(&r, got);
		assert_int_equal(der_r_get(&r, DER_OCTET_STRING).n, cases[i].n);
		assert_true(der_r_done(&r));
	}
}

static void
test_header_64_bits(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	der_add_header(&b, DER_SEQUENCE, UINT64_C(0x100000000));
	assert_int_equal(b.n, 7);
	assert_memory_equal(b.p, "\x30\x85\x01\x00\x00\x00\x00", 7);
}

static void
test_write_integers(void **state)
{
	static const struct {
		struct bytes in, want;
	} cases[] = {
		{ { NULL, 0 }, { (const uint8_t *)"\x02\x01\x00", 3 } },
		{ { (const uint8_t *)"\x00\x00", 2 },
		    { (const uint8_t *)"\x02\x01\x00", 3 } },
		{ { (const uint8_t *)"\x00\x7f", 2 },
		    { (const uint8_t *)"\x02\x01\x7f", 3 } },
		{ { (const uint8_t *)"\x80", 1 },
		    { (const uint8_t *)"\x02\x02\x00\x80", 4 } },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_der_writer struct der_writer w = { 0 };

		der_w_integer(&w, cases[i].in);
		assert_written(&w, cases[i].want);
	}
}

static void
test_uint_round_trip(void **state)
{
	static const uint64_t cases[] = { 0, 1, 127, 128, 255, 256, INT64_MAX,
		UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_der_writer struct der_writer w = { 0 };
		struct der_reader r;

		der_w_uint(&w, cases[i]);
		der_r_init(&r, der_w_bytes(&w));
		assert_true(der_r_uint(&r) == cases[i]);
		assert_true(der_r_done(&r));
	}
}

static void
test_oid_round_trip(void **state)
{
	static const char *const cases[] = { "2.5.29.15", "0.9.2342.19200300",
		"1.2.840.113549.1.1.11", "2.999.3", "1.39.0",
		"2.16.840.1.113894.746875.1.1", "2.5.18446744073709551615" };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_der_writer struct der_writer w = { 0 };
		struct der_reader r;
		char text[64];

		der_w_oid(&w, cases[i]);
		der_r_init(&r, der_w_bytes(&w));
		assert_true(
		    der_oid_text(der_r_get(&r, DER_OID), text, sizeof(text)));
		assert_string_equal(text, cases[i]);
	}
}

static void
test_oid_refused(void **state)
{
	static const struct {
		const char *name;
		struct bytes in;
		size_t size;
	} cases[] = {
		{ "empty", { NULL, 0 }, 64 },
		{ "cut arc", { (const uint8_t *)"\x55\x9d", 2 }, 64 },
		{ "padded arc", { (const uint8_t *)"\x55\x80\x01", 3 }, 64 },
		{ "arc above 64 bits",
		    { (const uint8_t *)"\x55\xff\xff\xff\xff\xff\xff\xff\xff"
				       "\xff\xff\x7f",
			12 },
		    64 },
		{ "no room", { (const uint8_t *)"\x55\x1d\x0f", 3 }, 9 },
		{ "no room at all", { (const uint8_t *)"\x55", 1 }, 0 },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		if (der_oid_text(cases[i].in, text, cases[i].size))
			fail_msg("%s", cases[i].name);
}

static void
test_time_round_trip(void **state)
{
	static const struct {
		const char *text;
		uint8_t tag;
		struct bytes content;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", DER_UTC_TIME,
		    { (const uint8_t *)"700101000000Z", 13 } },
		{ "2000-02-29T12:34:56Z", DER_UTC_TIME,
		    { (const uint8_t *)"000229123456Z", 13 } },
		{ "2049-12-31T23:59:59Z", DER_UTC_TIME,
		    { (const uint8_t *)"491231235959Z", 13 } },
		{ "2050-01-01T00:00:00Z", DER_GENERALIZED_TIME,
		    { (const uint8_t *)"20500101000000Z", 15 } },
		{ "9999-12-31T23:59:59Z", DER_GENERALIZED_TIME,
		    { (const uint8_t *)"99991231235959Z", 15 } },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_der_writer struct der_writer w = { 0 };
		struct der_reader r;
		struct bytes got;
		int64_t t_s;

		assert_true(
		    time_parse_s(cases[i].text, strlen(cases[i].text), &t_s));
		der_w_time(&w, t_s);
		der_r_init(&r, der_w_bytes(&w));
		got = der_r_get(&r, cases[i].tag);
		assert_true(bytes_eq(got, cases[i].content));
		der_r_init(&r, der_w_bytes(&w));
		assert_true(der_r_time(&r) == t_s);
		assert_true(der_r_done(&r));
	}
}

static void
test_generalized_before_2050(void **state)
{
	auto_der_writer struct der_writer w = { 0 };
	struct der_reader r;

	(void)state;
	der_w_generalized_time(&w, 86400);
	assert_written(&w,
	    B("\x18\x0f"
	      "19700102000000Z"));
	der_r_init(&r, der_w_bytes(&w));
	assert_int_equal(der_r_time(&r), 86400);
}

static void
test_time_refused(void **state)
{
	static const char *const cases[] = {
		"\x17\x0b"
		"2001010000Z", /* no seconds */
		"\x17\x0d"
		"200101000000z",
		"\x17\x11"
		"200101000000+0000",
		"\x17\x0d"
		"200230000000Z", /* 30 February */
		"\x17\x0d"
		"201301000000Z",
		"\x17\x0d"
		"200101240000Z",
		"\x17\x0d"
		"200101006000Z",
		"\x17\x0d"
		"690101000000Z", /* 1969 */
		"\x17\x0d"
		"2 0101000000Z",
		"\x18\x11"
		"20200101000000.5Z",
		"\x18\x0d"
		"200101000000Z",
		"\x16\x0d"
		"200101000000Z",
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct der_reader r;

		der_r_init(&r, bytes_str(cases[i]));
		assert_int_equal(der_r_time(&r), 0);
		if (!r.failed)
			fail_msg("accepted %s", cases[i] + 2);
	}
}

static void
test_reader_refuses(void **state)
{
	static const struct {
		const char *name;
		struct bytes in;
	} cases[] = {
		{ "empty", { NULL, 0 } },
		{ "tag only", { (const uint8_t *)"\x04", 1 } },
		{ "past the end",
		    { (const uint8_t *)"\x04\x02"
				       "a",
			3 } },
		{ "indefinite", { (const uint8_t *)"\x24\x80\x00\x00", 4 } },
		{ "long form of a short length",
		    { (const uint8_t *)"\x04\x81\x01"
				       "a",
			4 } },
		{ "leading zero length octet",
		    { (const uint8_t *)"\x04\x82\x00\x01"
				       "a",
			5 } },
		{ "nine length octets",
		    { (const uint8_t *)"\x04\x89\x01\x00\x00\x00\x00\x00\x00"
				       "\x00\x00",
			11 } },
		{ "huge length",
		    { (const uint8_t *)"\x04\x88\xff\xff\xff\xff\xff\xff\xff"
				       "\xff",
			10 } },
		{ "high tag number",
		    { (const uint8_t *)"\x1f\x81\x01\x00", 4 } },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct der_reader r;
		uint8_t tag = 0x77;

		der_r_init(&r, cases[i].in);
		assert_int_equal(der_r_any(&r, &tag).n, 0);
		if (!r.failed || tag != 0x77)
			fail_msg("%s", cases[i].name);
	}
}

static void
test_typed_reads_refuse(void **state)
{
	static const struct {
		const char *name;
		char type;
		struct bytes in;
	} cases[] = {
		{ "BOOLEAN 1", 'b', { (const uint8_t *)"\x01\x01\x01", 3 } },
		{ "BOOLEAN of two", 'b',
		    { (const uint8_t *)"\x01\x02\xff\xff", 4 } },
		{ "INTEGER empty", 'i', { (const uint8_t *)"\x02\x00", 2 } },
		{ "INTEGER padded", 'i',
		    { (const uint8_t *)"\x02\x02\x00\x01", 4 } },
		{ "INTEGER padded negative", 'i',
		    { (const uint8_t *)"\x02\x02\xff\x80", 4 } },
		{ "uint negative", 'u',
		    { (const uint8_t *)"\x02\x01\xff", 3 } },
		{ "uint of 65 bits", 'u',
		    { (const uint8_t *)"\x02\x09\x01\x00\x00\x00\x00\x00\x00"
				       "\x00\x00",
			11 } },
		{ "BIT STRING empty", 's', { (const uint8_t *)"\x03\x00", 2 } },
		{ "BIT STRING unused", 's',
		    { (const uint8_t *)"\x03\x02\x01\x80", 4 } },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct der_reader r;

		der_r_init(&r, cases[i].in);
		if (cases[i].type == 'b')
			assert_false(der_r_bool(&r));
		else if (cases[i].type == 'i')
			assert_int_equal(der_r_integer(&r).n, 0);
		else if (cases[i].type == 'u')
			assert_true(der_r_uint(&r) == 0);
		else
			assert_int_equal(der_r_bit_string(&r).n, 0);
		if (!r.failed)
			fail_msg("%s", cases[i].name);
	}
}

/* After one mistake nothing more is given out. */
static void
test_reader_stays_failed(void **state)
{
	struct der_reader r;
	uint8_t tag = 0;

	(void)state;
	der_r_init(&r, B("\x02\x01\x05\x04\x01x"));
	assert_int_equal(der_r_get(&r, DER_OCTET_STRING).n, 0);
	assert_int_equal(der_r_peek(&r), -1);
	assert_true(der_r_uint(&r) == 0);
	assert_int_equal(der_r_any(&r, &tag).n, 0);
	assert_false(der_r_done(&r));
}

static void
test_check(void **state)
{
	static const struct {
		const char *name;
		struct bytes in;
		bool ok;
	} cases[] = {
		{ "empty", { NULL, 0 }, true },
		{ "empty SEQUENCE", { (const uint8_t *)"\x30\x00", 2 }, true },
		{ "nested", { (const uint8_t *)"\x30\x04\x30\x02\x05\x00", 6 },
		    true },
		{ "context primitive", { (const uint8_t *)"\x80\x01\x7f", 3 },
		    true },
		{ "sorted SET",
		    { (const uint8_t *)"\x31\x06\x02\x01\x01\x02\x01\x02", 8 },
		    true },
		{ "unsorted SET",
		    { (const uint8_t *)"\x31\x06\x02\x01\x02\x02\x01\x01", 8 },
		    false },
		{ "inner length past the outer",
		    { (const uint8_t *)"\x30\x03\x04\x02xy", 6 }, false },
		{ "trailing byte", { (const uint8_t *)"\x30\x00\x00", 3 },
		    false },
		{ "long length", { (const uint8_t *)"\x30\x81\x00", 3 },
		    false },
		{ "indefinite", { (const uint8_t *)"\x30\x80\x00\x00", 4 },
		    false },
		{ "end of contents", { (const uint8_t *)"\x00\x00", 2 },
		    false },
		{ "BOOLEAN 1", { (const uint8_t *)"\x30\x03\x01\x01\x01", 5 },
		    false },
		{ "INTEGER padded", { (const uint8_t *)"\x02\x02\x00\x01", 4 },
		    false },
		{ "ENUMERATED padded",
		    { (const uint8_t *)"\x0a\x02\x00\x01", 4 }, false },
		{ "NULL with contents", { (const uint8_t *)"\x05\x01\x00", 3 },
		    false },
		{ "BIT STRING unused 8",
		    { (const uint8_t *)"\x03\x02\x08\x00", 4 }, false },
		{ "BIT STRING unused set",
		    { (const uint8_t *)"\x03\x02\x01\x01", 4 }, false },
		{ "BIT STRING of nothing",
		    { (const uint8_t *)"\x03\x01\x01", 3 }, false },
		{ "OID empty", { (const uint8_t *)"\x06\x00", 2 }, false },
		{ "OID cut", { (const uint8_t *)"\x06\x01\x80", 3 }, false },
		{ "constructed OCTET STRING",
		    { (const uint8_t *)"\x24\x03\x04\x01x", 5 }, false },
		{ "primitive SEQUENCE", { (const uint8_t *)"\x10\x00", 2 },
		    false },
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		if (der_check(cases[i].in, &e) != cases[i].ok)
			fail_msg("%s: %s", cases[i].name, e.msg);
}

static void
test_check_depth(void **state)
{
	uint8_t deep[80];
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(deep); i += 2) {
		deep[i] = DER_SEQUENCE;
		deep[i + 1] = (uint8_t)(sizeof(deep) - i - 2);
	}
	assert_false(der_check(bytes_of(deep, sizeof(deep)), &e));
	assert_non_null(strstr(e.msg, "too deep"));
	assert_true(der_check(bytes_of(deep + 20, sizeof(deep) - 20), &e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_nested),
		cmocka_unit_test(test_write_lengths),
		cmocka_unit_test(test_header_64_bits),
		cmocka_unit_test(test_write_integers),
		cmocka_unit_test(test_uint_round_trip),
		cmocka_unit_test(test_oid_round_trip),
		cmocka_unit_test(test_oid_refused),
		cmocka_unit_test(test_time_round_trip),
		cmocka_unit_test(test_generalized_before_2050),
		cmocka_unit_test(test_time_refused),
		cmocka_unit_test(test_reader_refuses),
		cmocka_unit_test(test_typed_reads_refuse),
		cmocka_unit_test(test_reader_stays_failed),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_depth),
	};

	return cmocka_run_group_tests_name("der", tests, NULL, NULL);
}
