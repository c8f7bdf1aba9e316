/* SPDX-License-Identifier: Apache-2.0 */

/* Lines: what is written is read back, and nothing else is read. */
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "register_util.h"

/* A record of the type with every field set, or only the required ones. */
static void
fill(struct record *r, enum record_type type, bool all)
{
	static const struct sha256 hash = { { 0xab, 0xcd } };
	const struct record_field *f = record_spec(type)->field;

	record_init(r, type);
	r->n = 412;
	r->t_ms = 1790000000123;
	for (size_t i = 0; i < RECORD_FIELDS_MAX && f[i].name != NULL; i++) {
		if (!all && !f[i].required)
			continue;
		switch (f[i].kind) {
		case FIELD_INT:
			record_int(r, f[i].name, -(INT64_C(1) << 53));
			break;
		case FIELD_BOOL:
			record_bool(r, f[i].name, true);
			break;
		case FIELD_TEXT:
			record_text(r, f[i].name, "a\"\\\n\x01 \xe2\x82\xac");
			break;
		case FIELD_HEX:
		case FIELD_BASE64:
			record_bytes(r, f[i].name, bytes_of("\0\1\2\3", 4));
			break;
		case FIELD_HASH:
			record_hash(r, f[i].name, &hash);
			break;
		case FIELD_TIME:
			record_time(r, f[i].name, 1790000000);
			break;
		case FIELD_JSON:
			record_json(r, f[i].name,
			    bytes_str("{\"a\":[1,{\"b\":true}]}"));
			break;
		}
	}
	r->has_priv = all && record_spec(type)->private_body;
	if (r->has_priv)
		r->priv = hash;
}

static void
same(const struct record *a, const struct record *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->t_ms, b->t_ms);
	assert_int_equal(a->has_priv, b->has_priv);
	assert_memory_equal(&a->prev, &b->prev, SHA256_LEN);
	assert_memory_equal(&a->priv, &b->priv, SHA256_LEN);
	for (size_t i = 0; i < RECORD_FIELDS_MAX; i++) {
		assert_int_equal(a->value[i].present, b->value[i].present);
		assert_int_equal(a->value[i].i, b->value[i].i);
		assert_true(bytes_eq(a->value[i].v, b->value[i].v));
	}
}

static void
test_round(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * REC_TYPE__COUNT; i++) {
		auto_buf struct buf line = { 0 }, store = { 0 };
		struct record r, back;
		struct error e;

		fill(&r, (enum record_type)(i / 2), i % 2 == 0);
		if (!record_encode(&r, &line, &e) ||
		    !record_decode(buf_bytes(&line), &back, &store, &e))
			fail_msg("%s: %s",
			    record_spec((enum record_type)(i / 2))->name,
			    e.msg);
		same(&r, &back);
	}
}

static void
test_table(void **state)
{
	enum record_type type;

	(void)state;
	for (unsigned i = 0; i < REC_TYPE__COUNT; i++) {
		const struct record_spec *s = record_spec((enum record_type)i);
		const struct record_field *f = s->field;

		assert_true(record_type_by_name(bytes_str(s->name), &type));
		assert_int_equal(type, i);
		assert_true(strlen(s->about) > 10);
		for (size_t j = 1; j < RECORD_FIELDS_MAX && f[j].name != NULL;
		     j++)
			assert_true(strcmp(f[j - 1].name, f[j].name) < 0);
	}
	assert_false(record_type_by_name(bytes_str("NONE"), &type));
}

static void
test_literal(void **state)
{
	static const char want[] =
	    "{\"body\":{\"attempts\":1,\"intent\":7,\"sig\":\"AAEC\"},\"n\":8,"
	    "\"prev\":\"00000000000000000000000000000000"
	    "00000000000000000000000000000000\","
	    "\"t\":\"2026-11-22T02:44:25.123Z\",\"type\":\"SIGNED\",\"v\":1}";
	auto_buf struct buf line = { 0 };
	struct sha256 leaf, hash;
	struct record r;
	struct error e;

	(void)state;
	record_init(&r, REC_SIGNED);
	r.n = 8;
	assert_true(time_parse_ms("2026-11-22T02:44:25.123Z", 24, &r.t_ms));
	record_int(&r, "attempts", 1);
	record_int(&r, "intent", 7);
	record_bytes(&r, "sig", bytes_of("\0\1\2", 3));
	assert_true(record_encode(&r, &line, &e));
	assert_string_equal(buf_cstr(&line), want);
	leaf = record_leaf(bytes_str(want));
	hash =
	    sha256_cat(bytes_of("", 1), bytes_str(want), (struct bytes){ 0 });
	assert_memory_equal(&leaf, &hash, sizeof(leaf));
}

#define ZERO "00000000000000000000000000000000"
#define TAIL                                                                   \
	",\"n\":8,\"prev\":\"" ZERO ZERO                                       \
	"\",\"t\":\"2026-11-22T02:44:25.123Z\",\"type\":\"SIGNED\",\"v\":1}"
#define HEAD "{\"body\":{\"attempts\":1,\"intent\":7,\"sig\":\"AAEC\"}"

static const struct {
	const char *name, *line, *msg;
} bad_lines[] = {
	{ "empty", "", "type" },
	{ "no version", HEAD ",\"n\":8}", "type" },
	{ "version 2",
	    HEAD ",\"n\":8,\"prev\":\"" ZERO ZERO
		 "\",\"t\":\"2026-11-22T02:44:25.123Z\",\"type\":\"SIGNED\","
		 "\"v\":2}",
	    "\"v\"" },
	{ "unknown type",
	    HEAD ",\"n\":8,\"prev\":\"" ZERO ZERO
		 "\",\"t\":\"2026-11-22T02:44:25.123Z\",\"type\":\"SIGNET\","
		 "\"v\":1}",
	    "type" },
	{ "space", " " HEAD TAIL, "body" },
	{ "trailing", HEAD TAIL " ", "type" },
	{ "missing field", "{\"body\":{\"attempts\":1,\"sig\":\"AAEC\"}" TAIL,
	    "\"intent\"" },
	{ "missing last", "{\"body\":{\"attempts\":1,\"intent\":7}" TAIL,
	    "\"sig\"" },
	{ "unknown field",
	    "{\"body\":{\"attempts\":1,\"intent\":7,\"sig\":\"AAEC\","
	    "\"z\":1}" TAIL,
	    "unknown field \"z\"" },
	{ "order",
	    "{\"body\":{\"intent\":7,\"attempts\":1,\"sig\":\"AAEC\"}" TAIL,
	    "\"attempts\"" },
	{ "twice",
	    "{\"body\":{\"attempts\":1,\"attempts\":1,\"intent\":7,"
	    "\"sig\":\"AAEC\"}" TAIL,
	    "\"body\"" },
	{ "wrong kind",
	    "{\"body\":{\"attempts\":\"1\",\"intent\":7,\"sig\":\"AAEC\"}" TAIL,
	    "\"attempts\"" },
	{ "base64 bits",
	    "{\"body\":{\"attempts\":1,\"intent\":7,\"sig\":\"AB==\"}" TAIL,
	    "\"sig\"" },
	{ "hash length",
	    "{\"body\":{\"attempts\":1,\"intent\":7,\"sha256\":\"00\","
	    "\"sig\":\"AAEC\"}" TAIL,
	    "\"sha256\"" },
	{ "upper-case hash",
	    "{\"body\":{\"attempts\":1,\"intent\":7,\"sha256\":\"A" ZERO
	    "0000000000000000000000000000000\",\"sig\":\"AAEC\"}" TAIL,
	    "\"sha256\"" },
	{ "empty optional",
	    "{\"body\":{\"key\":\"\",\"ok\":true,\"result\":{},"
	    "\"what\":\"x\"},\"n\":8,\"prev\":\"" ZERO ZERO
	    "\",\"t\":\"2026-11-22T02:44:25.123Z\",\"type\":\"CUSTODY\","
	    "\"v\":1}",
	    "\"key\"" },
	{ "priv where none may be",
	    HEAD ",\"n\":8,\"prev\":\"" ZERO ZERO "\",\"priv\":\"" ZERO ZERO
		 "\",\"t\":\"2026-11-22T02:44:25.123Z\",\"type\":\"SIGNED\","
		 "\"v\":1}",
	    "\"priv\"" },
	{ "time without milliseconds",
	    HEAD ",\"n\":8,\"prev\":\"" ZERO ZERO
		 "\",\"t\":\"2026-11-22T02:44:25Z\",\"type\":\"SIGNED\","
		 "\"v\":1}",
	    "\"t\"" },
	{ "no such day",
	    HEAD ",\"n\":8,\"prev\":\"" ZERO ZERO
		 "\",\"t\":\"2026-02-30T02:44:25.123Z\",\"type\":\"SIGNED\","
		 "\"v\":1}",
	    "\"t\"" },
	{ "negative n",
	    HEAD ",\"n\":-1,\"prev\":\"" ZERO ZERO
		 "\",\"t\":\"2026-11-22T02:44:25.123Z\",\"type\":\"SIGNED\","
		 "\"v\":1}",
	    "\"n\"" },
};

static void
test_bad_lines(void **state)
{
	auto_buf struct buf store = { 0 };
	struct record r;
	struct error e;

	(void)state;
	for (size_t i = 0; i < countof(bad_lines); i++) {
		if (record_decode(bytes_str(bad_lines[i].line), &r, &store, &e))
			fail_msg("%s was taken", bad_lines[i].name);
		assert_int_equal(e.why, FAIL_CORRUPT);
		if (strstr(e.msg, bad_lines[i].msg) == NULL)
			fail_msg("%s: %s", bad_lines[i].name, e.msg);
	}
	assert_true(record_decode(bytes_str(HEAD TAIL), &r, &store, &e));
}

/* Every one-octet change is refused or gives a line that writes itself again. */
static void
test_mutations(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x20, 0x80 };
	auto_buf struct buf line = { 0 }, again = { 0 }, store = { 0 };
	struct record r;
	struct error e;

	(void)state;
	fill(&r, REC_INTENT, true);
	assert_true(record_encode(&r, &line, &e));
	for (size_t i = 0; i < line.n * countof(flips); i++) {
		line.p[i / countof(flips)] ^= flips[i % countof(flips)];
		if (record_decode(buf_bytes(&line), &r, &store, &e)) {
			buf_reset(&again);
			assert_true(record_encode(&r, &again, &e));
			assert_true(
			    bytes_eq(buf_bytes(&line), buf_bytes(&again)));
		}
		line.p[i / countof(flips)] ^= flips[i % countof(flips)];
	}
	for (size_t n = 0; n < line.n; n++)
		assert_false(
		    record_decode(bytes_of(line.p, n), &r, &store, &e));
}

static void
test_encode_refuses(void **state)
{
	auto_buf struct buf line = { 0 }, big = { 0 };
	struct record r;
	struct error e;

	(void)state;
	buf_add_str(&line, "kept");
	make_signed(&r, 1);
	record_bytes(&r, "sig", (struct bytes){ 0 });
	assert_false(record_encode(&r, &line, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_non_null(strstr(e.msg, "\"sig\" is missing"));
	make_signed(&r, UINT64_C(1) << 60);
	assert_false(record_encode(&r, &line, &e));
	assert_non_null(strstr(e.msg, "\"intent\""));
	fill(&r, REC_EVENT, true);
	record_text(&r, "what", "\xff");
	assert_false(record_encode(&r, &line, &e));
	fill(&r, REC_EVENT, true);
	record_json(&r, "data", bytes_str("{\"b\":1,\"a\":2}"));
	assert_false(record_encode(&r, &line, &e));
	assert_non_null(strstr(e.msg, "\"data\""));
	/* Deep enough that the line could not be read back. */
	record_json(&r, "data", bytes_str("[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]"));
	assert_false(record_encode(&r, &line, &e));
	fill(&r, REC_SIGNED, true);
	memset(buf_reserve(&big, 50000), 0, 50000);
	record_bytes(&r, "sig", bytes_of(big.p, 50000));
	assert_false(record_encode(&r, &line, &e));
	assert_non_null(strstr(e.msg, "65535"));
	fill(&r, REC_SIGNED, true);
	r.t_ms = -1;
	assert_false(record_encode(&r, &line, &e));
	fill(&r, REC_REVOKE, true);
	record_time(&r, "date", INT64_C(253402300800));
	assert_false(record_encode(&r, &line, &e));
	assert_string_equal(buf_cstr(&line), "kept");
}

static void
test_getters(void **state)
{
	struct sha256 hash = { { 1 } }, got;
	struct record r;

	(void)state;
	record_init(&r, REC_CUSTODY);
	assert_false(record_has(&r, "key"));
	assert_false(record_get_hash(&r, "key", &got));
	assert_int_equal(record_get(&r, "what").n, 0);
	assert_int_equal(record_get_int(&r, "ok"), 0);
	record_hash(&r, "key", &hash);
	record_bool(&r, "ok", true);
	assert_true(record_get_hash(&r, "key", &got));
	assert_memory_equal(&got, &hash, sizeof(got));
	assert_int_equal(record_get_int(&r, "ok"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_literal),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_encode_refuses),
		cmocka_unit_test(test_getters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
