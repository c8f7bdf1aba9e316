/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/limits.h>
#include <chancery/server/request.h>

/* ---- paths ---- */

static const struct {
	const char *name, *raw, *path; /* path NULL: refused */
	bool slash;
} paths[] = {
	{ "plain", "pki/issue/x", "pki/issue/x", false },
	{ "trailing slash", "sys/mounts/", "sys/mounts", true },
	{ "doubled", "pki//issue///x", "pki/issue/x", false },
	{ "leading", "//pki/issue/x", "pki/issue/x", false },
	{ "empty", "", "", false },
	{ "only slashes", "///", "", true },
	{ "dot", "pki/./x", NULL, false },
	{ "dot dot", "pki/../sys/mounts", NULL, false },
	{ "dot dot at the end", "pki/..", NULL, false },
	{ "encoded dot dot", "pki/%2e%2e/sys", NULL, false },
	{ "half encoded", "pki/.%2E/sys", NULL, false },
	{ "encoded slash separates", "pki%2fissue%2Fx", "pki/issue/x", false },
	{ "dots behind encoded slashes", "pki/a%2f..%2fsys", NULL, false },
	{ "decoded once only", "pki/%252e%252e/x", "pki/%2e%2e/x", false },
	{ "three dots are a name", "pki/.../x", "pki/.../x", false },
	{ "space", "pki/a%20b", "pki/a b", false },
	{ "plus is a plus", "pki/a+b", "pki/a+b", false },
	{ "UTF-8", "pki/%c3%a9", "pki/\xc3\xa9", false },
	{ "not UTF-8", "pki/%ff", NULL, false },
	{ "overlong slash", "pki/%c0%af", NULL, false },
	{ "NUL", "pki/a%00b", NULL, false },
	{ "line end", "pki/a%0ab", NULL, false },
	{ "DEL", "pki/a%7fb", NULL, false },
	{ "cut escape", "pki/a%2", NULL, false },
	{ "bare percent", "pki/a%", NULL, false },
	{ "not hex", "pki/a%zz", NULL, false },
	{ "case stays", "PKI/Issue/X", "PKI/Issue/X", false },
};

static void
path_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(paths); i++) {
		auto_buf struct buf out = { 0 };
		struct error e = { 0 };
		bool slash = false;
		bool ok =
		    request_path(bytes_str(paths[i].raw), &out, &slash, &e);

		if (ok != (paths[i].path != NULL))
			fail_msg("path %s: %s", paths[i].name, e.msg);
		if (!ok) {
			assert_int_equal(e.why, FAIL_BAD_INPUT);
			assert_int_equal(out.n, 0);
			continue;
		}
		assert_string_equal(buf_cstr(&out), paths[i].path);
		assert_int_equal(slash, paths[i].slash);
	}
}

/* ---- bodies and queries ---- */

#define FORM "application/x-www-form-urlencoded"
static const struct {
	const char *name, *type, *body, *json; /* json NULL: refused */
} bodies[] = {
	{ "empty", "", "", "{}" },
	{ "blank", "", " \r\n", "{}" },
	{ "null", "", " null ", "{}" },
	{ "object", "", "{\"a\":1}", "{\"a\":1}" },
	{ "object as a form", FORM, "{\"a\":1}", "{\"a\":1}" },
	{ "object as text", "text/plain", " {\"a\":\"b\"} ", "{\"a\":\"b\"}" },
	{ "form", FORM, "a=b+c&d=%26", "{\"a\":\"b c\",\"d\":\"&\"}" },
	{ "form with parameters", "Application/X-WWW-Form-Urlencoded; q=1",
	    "a=b", "{\"a\":\"b\"}" },
	{ "form, repeated", FORM, "a=1&a=2&a=3",
	    "{\"a\":[\"1\",\"2\",\"3\"]}" },
	{ "form without value", FORM, "a&b=", "{\"a\":\"\",\"b\":\"\"}" },
	{ "form, broken escape", FORM, "a=%2", NULL },
	{ "form, not UTF-8", FORM, "a=%ff", NULL },
	{ "form without its type", "", "a=b", NULL },
	{ "array", "", "[1]", NULL },
	{ "scalar", "", "7", NULL },
	{ "cut", "", "{\"a\":", NULL },
	{ "tail", "", "{} x", NULL },
	{ "duplicate key", "", "{\"a\":1,\"a\":2}", NULL },
	{ "NUL in a string", "", "{\"a\":\"\\u0000\"}", NULL },
	{ "lone surrogate", "", "{\"a\":\"\\ud800\"}", NULL },
	{ "not UTF-8", "", "{\"a\":\"\xff\"}", NULL },
	{ "control character", "", "{\"a\":\"\x01\"}", NULL },
	{ "too large a number", "", "{\"a\":9223372036854775808}", NULL },
	{ "comment", "", "{/**/}", NULL },
	{ "single quotes", "", "{'a':1}", NULL },
	{ "16 levels", "", "{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}",
	    "{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}" },
	{ "17 levels", "", "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", NULL },
	{ "brackets in a string", "", "{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[\"}",
	    "{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[\"}" },
};

static void
body_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bodies); i++) {
		auto_buf struct buf text = { 0 };
		auto_json json_t *v = NULL;
		struct error e = { 0 };

		v = request_body(bytes_str(bodies[i].body),
		    bytes_str(bodies[i].type), &e);
		if ((v != NULL) != (bodies[i].json != NULL))
			fail_msg("body %s: %s", bodies[i].name, e.msg);
		if (v == NULL) {
			assert_int_equal(e.why, FAIL_BAD_INPUT);
			continue;
		}
		request_dump(v, &text);
		assert_string_equal(buf_cstr(&text), bodies[i].json);
	}
}

/* The quick parser beside jansson: `taken` as the same value, the rest not at all. */
static const struct {
	const char *body;
	bool taken;
} quick_rows[] = {
	{ "{}", true },
	{ " { } ", true },
	{ "{\"a\":\"\"}", true },
	{ "{\"a\":\"b\\n\\r\\t\\b\\f\\\"\\\\\\/"
	  "c\",\"\":[1,-2,0,true,false,null,{}]}",
	    true },
	{ "{ \"a\" :\t{\"b\" : [ ] , \"c\":[ [ ] ] }\n}", true },
	{ "{\"a\":-0}", true },
	{ "{\"a\":999999999999999999}", true },
	{ "{\"a\":-999999999999999999}", true },
	/* jansson's to say */
	{ "{\"a\":1000000000000000000}", false },
	{ "{\"a\":1.5}", false },
	{ "{\"a\":1e2}", false },
	{ "{\"a\":\"\\u0041\"}", false },
	{ "{\"a\":\"\xc3\xa9\"}", false },
	/* no JSON */
	{ "", false },
	{ "[]", false },
	{ "{\"a\"}", false },
	{ "{\"a\":}", false },
	{ "{\"a\":1,}", false },
	{ "{\"a\":[1,]}", false },
	{ "{,}", false },
	{ "{\"a\":1 \"b\":2}", false },
	{ "{\"a\":1}}", false },
	{ "{\"a\":1} x", false },
	{ "{\"a\":1,\"a\":2}", false },
	{ "{\"a\":01}", false },
	{ "{\"a\":-}", false },
	{ "{\"a\":+1}", false },
	{ "{\"a\":- 1}", false },
	{ "{\"a\":tru}", false },
	{ "{\"a\":\"\\x\"}", false },
	{ "{\"a\":\"\\\"}", false },
	{ "{\"a\":\"b", false },
	{ "{\"a\":\"\x01\"}", false },
	{ "{a:1}", false },
};

static void
quick_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(quick_rows); i++) {
		struct bytes s = bytes_str(quick_rows[i].body);
		auto_json json_t *quick = request_json_quick(s), *v = NULL;

		if ((quick != NULL) != quick_rows[i].taken)
			fail_msg("quick: %s", quick_rows[i].body);
		if (quick == NULL)
			continue;
		v = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES,
		    NULL);
		assert_true(json_equal(quick, v) == 1);
		/* Every beginning of it is none. */
		for (s.n--; s.n > 0 && s.p[s.n] != '}'; s.n--)
			;
		for (; s.n > 0; s.n--) {
			auto_json json_t *cut = request_json_quick(s);

			assert_null(cut);
		}
	}
}

/* 32 MiB of them took gigabytes. */
static void
too_many_values(void **state)
{
	static const struct {
		const char *type, *start, *more, *end, *says;
	} cases[] = {
		{ "", "{\"a\":[0", ",0", "]}", "too many values" },
		{ "", "{\"a\":[[]", ",[]", "]}", "too many values" },
		{ "", "{\"a\":0", ",\"b\":0", "}", "too many values" },
		{ FORM, "a", "&a", "", "too many parameters" },
		{ FORM, "a", "&", "", "too many parameters" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf body = { 0 };
		struct error e = { 0 };

		buf_add_str(&body, cases[i].start);
		for (unsigned n = 0; n <= LIMIT_JSON_VALUES; n++)
			buf_add_str(&body, cases[i].more);
		buf_add_str(&body, cases[i].end);
		assert_null(request_body(buf_bytes(&body),
		    bytes_str(cases[i].type), &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_non_null(strstr(e.msg, cases[i].says));
	}
}

static void
query_parts(void **state)
{
	struct error e = { 0 };
	auto_json json_t *v =
	    request_query(bytes_str("list=true&&x=1&x=%2b&y"), &e);
	auto_buf struct buf text = { 0 };

	(void)state;
	assert_non_null(v);
	request_dump(v, &text);
	assert_string_equal(buf_cstr(&text),
	    "{\"list\":\"true\",\"x\":[\"1\",\"+\"],\"y\":\"\"}");
	assert_null(request_query(bytes_str("a=%x1"), &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

/* ---- typing: every row of vault-pki-api.md 1.1 ---- */

static const struct {
	enum field_type type;
	const char *in, *out; /* JSON; out NULL: refused */
} typing[] = {
	{ FT_BOOL, "true", "true" },
	{ FT_BOOL, "false", "false" },
	{ FT_BOOL, "\"1\"", "true" },
	{ FT_BOOL, "\"t\"", "true" },
	{ FT_BOOL, "\"T\"", "true" },
	{ FT_BOOL, "\"TRUE\"", "true" },
	{ FT_BOOL, "\"true\"", "true" },
	{ FT_BOOL, "\"True\"", "true" },
	{ FT_BOOL, "\"0\"", "false" },
	{ FT_BOOL, "\"f\"", "false" },
	{ FT_BOOL, "\"F\"", "false" },
	{ FT_BOOL, "\"FALSE\"", "false" },
	{ FT_BOOL, "\"false\"", "false" },
	{ FT_BOOL, "\"False\"", "false" },
	{ FT_BOOL, "\"\"", "false" },
	{ FT_BOOL, "0", "false" },
	{ FT_BOOL, "2", "true" },
	{ FT_BOOL, "null", "false" },
	{ FT_BOOL, "\"yes\"", NULL },
	{ FT_BOOL, "\"tRUE\"", NULL },
	{ FT_BOOL, "[]", NULL },
	{ FT_BOOL, "{}", NULL },
	{ FT_INT, "7", "7" },
	{ FT_INT, "-7", "-7" },
	{ FT_INT, "\"7\"", "7" },
	{ FT_INT, "\"-7\"", "-7" },
	{ FT_INT, "\"0x1f\"", "31" },
	{ FT_INT, "\"0\"", "0" },
	{ FT_INT, "\"\"", "0" },
	{ FT_INT, "true", "1" },
	{ FT_INT, "false", "0" },
	{ FT_INT, "null", "0" },
	{ FT_INT, "\"9223372036854775807\"", "9223372036854775807" },
	{ FT_INT, "\"9223372036854775808\"", NULL },
	{ FT_INT, "\"010\"", NULL },
	{ FT_INT, "\" 7\"", NULL },
	{ FT_INT, "\"7 \"", NULL },
	{ FT_INT, "\"7x\"", NULL },
	{ FT_INT, "\"0x\"", NULL },
	{ FT_INT, "\"-\"", NULL },
	{ FT_INT, "1.5", NULL },
	{ FT_INT, "\"seven\"", NULL },
	{ FT_INT, "[7]", NULL },
	{ FT_STRING, "\"a\"", "\"a\"" },
	{ FT_STRING, "7", "\"7\"" },
	{ FT_STRING, "1.5", "\"1.5\"" },
	{ FT_STRING, "true", "\"1\"" },
	{ FT_STRING, "false", "\"0\"" },
	{ FT_STRING, "null", "\"\"" },
	{ FT_STRING, "[]", NULL },
	{ FT_STRING, "{}", NULL },
	{ FT_DURATION, "3600", "3600" },
	{ FT_DURATION, "\"3600\"", "3600" },
	{ FT_DURATION, "\"2160h0m0s\"", "7776000" },
	{ FT_DURATION, "\"90m\"", "5400" },
	{ FT_DURATION, "\"1h30m\"", "5400" },
	{ FT_DURATION, "\"1.5h\"", "5400" },
	{ FT_DURATION, "\"30d\"", "2592000" },
	{ FT_DURATION, "\"1d12h\"", "129600" },
	{ FT_DURATION, "\"1500ms\"", "1" },
	{ FT_DURATION, "\"\"", "0" },
	{ FT_DURATION, "\"0\"", "0" },
	{ FT_DURATION, "1.9", "1" },
	{ FT_DURATION, "null", "0" },
	{ FT_DURATION, "-1", NULL },
	{ FT_DURATION, "\"-1\"", NULL },
	{ FT_DURATION, "\"-1h\"", NULL },
	{ FT_DURATION, "-1.5", NULL },
	{ FT_DURATION, "\"1x\"", NULL },
	{ FT_DURATION, "\"h\"", NULL },
	{ FT_DURATION, "\"1h \"", NULL },
	{ FT_DURATION, "\"1h30\"", NULL },
	{ FT_DURATION, "\".\"", NULL },
	{ FT_DURATION, "\"forever\"", NULL },
	{ FT_DURATION, "\"99999999999999999999h\"", NULL },
	{ FT_DURATION, "9223372036854775807", NULL },
	{ FT_DURATION, "true", NULL },
	{ FT_DURATION, "[]", NULL },
	{ FT_LIST, "[\"a\",\" b \"]", "[\"a\",\"b\"]" },
	{ FT_LIST, "\"a,b\"", "[\"a\",\"b\"]" },
	{ FT_LIST, "\"a, b ,c\"", "[\"a\",\"b\",\"c\"]" },
	{ FT_LIST, "\"a,,b\"", "[\"a\",\"\",\"b\"]" },
	{ FT_LIST, "\"a,\"", "[\"a\",\"\"]" },
	{ FT_LIST, "\"\"", "[]" },
	{ FT_LIST, "[]", "[]" },
	{ FT_LIST, "null", "[]" },
	{ FT_LIST, "7", "[\"7\"]" },
	{ FT_LIST, "[1,true]", "[\"1\",\"1\"]" },
	{ FT_LIST, "[\"a,b\"]", "[\"a,b\"]" },
	{ FT_LIST, "[[]]", NULL },
	{ FT_LIST, "{}", NULL },
	{ FT_LIST, "true", NULL },
	{ FT_MAP, "{\"a\":\"b\",\"n\":7}", "{\"a\":\"b\",\"n\":\"7\"}" },
	{ FT_MAP, "[\"a=b\",\"c=d=e\"]", "{\"a\":\"b\",\"c\":\"d=e\"}" },
	{ FT_MAP, "\"a=b, c=d\"", "{\"a\":\"b\",\"c\":\"d\"}" },
	{ FT_MAP, "\"eyJhIjoiYiJ9\"", "{\"a\":\"b\"}" },
	{ FT_MAP, "\"\"", "{}" },
	{ FT_MAP, "null", "{}" },
	{ FT_MAP, "\"a\"", NULL },
	{ FT_MAP, "\"=b\"", NULL },
	{ FT_MAP, "[\"a\"]", NULL },
	{ FT_MAP, "[7]", NULL },
	{ FT_MAP, "{\"a\":{}}", NULL },
	{ FT_MAP, "7", NULL },
	{ FT_TIME, "\"2026-11-27T04:00:00Z\"", "1795752000" },
	{ FT_TIME, "\"2026-11-27T06:00:00+02:00\"", "1795752000" },
	{ FT_TIME, "\"2026-11-27T04:00:00.123456Z\"", "1795752000" },
	{ FT_TIME, "\"1795752000\"", "1795752000" },
	{ FT_TIME, "1795752000", "1795752000" },
	{ FT_TIME, "\"\"", "0" },
	{ FT_TIME, "\"2026-11-27\"", NULL },
	{ FT_TIME, "\"2026-11-27T04:00:00\"", NULL },
	{ FT_TIME, "\"2026-13-27T04:00:00Z\"", NULL },
	{ FT_TIME, "\"2026-11-27T04:00:00+25:00\"", NULL },
	{ FT_TIME, "\"2026-11-27T04:00:00+0200\"", NULL },
	{ FT_TIME, "\"2026-11-27T04:00:00Zx\"", NULL },
	{ FT_TIME, "true", NULL },
	{ FT_JSON, "{\"a\":[1,null,1.5]}", "{\"a\":[1,null,1.5]}" },
	{ FT_JSON, "null", "null" },
};

static void
typing_rows(void **state)
{
	static const char refused[] = "Field validation failed: error "
				      "converting input for field \"x\": ";

	(void)state;
	for (size_t i = 0; i < countof(typing); i++) {
		struct field_spec f = { .name = "x", .type = typing[i].type };
		auto_json json_t *in =
		    json_loads(typing[i].in, JSON_DECODE_ANY, NULL);
		auto_json json_t *out = NULL;
		auto_buf struct buf text = { 0 };
		struct error e = { 0 };

		assert_non_null(in);
		out = field_convert(&f, in, &e);
		if ((out != NULL) != (typing[i].out != NULL))
			fail_msg("%s as %s: %s", typing[i].in,
			    field_type_name(f.type), e.msg);
		if (out == NULL) {
			assert_memory_equal(e.msg, refused,
			    sizeof(refused) - 1);
			continue;
		}
		request_dump(out, &text);
		assert_string_equal(buf_cstr(&text), typing[i].out);
	}
}

/* llabs() of the smallest number is that number: it was a duration of minus 292 billion years. */
static void
the_smallest_number_is_no_duration(void **state)
{
	int64_t v = 7;

	(void)state;
	assert_false(request_duration("-9223372036854775808", &v));
	assert_false(request_duration_ms("-9223372036854775808", &v));
	assert_false(request_duration("-100000000001", &v));
	assert_int_equal(v, 7);
	assert_true(request_duration("-100000000000", &v));
}

static const struct field_spec fields[] = {
	{ "role", FT_STRING, NULL, "", true, false },
	{ "ttl", FT_DURATION, "1h", "", false, false },
	{ "names", FT_LIST, NULL, "", false, false },
	{ 0 },
};

static void
fields_and_warnings(void **state)
{
	struct error e = { 0 };
	auto_json json_t *captures = json_pack("{s:s}", "role", "kafka");
	auto_json json_t *given = json_pack("{s:s,s:s,s:i,s:i}", "role",
	    "other", "names", "a,b", "zz", 1, "aa", 2);
	auto_json json_t *warnings = json_array();
	auto_json json_t *in =
	    fields_typed(fields, captures, given, warnings, &e);
	auto_json json_t *defaults = fields_defaults(fields);
	auto_buf struct buf text = { 0 };

	(void)state;
	assert_non_null(in);
	request_dump(in, &text);
	assert_string_equal(buf_cstr(&text),
	    "{\"role\":\"kafka\",\"names\":[\"a\",\"b\"]}");
	buf_reset(&text);
	request_dump(defaults, &text);
	assert_string_equal(buf_cstr(&text),
	    "{\"role\":\"\",\"ttl\":3600,\"names\":[]}");
	buf_reset(&text);
	request_dump(warnings, &text);
	assert_string_equal(buf_cstr(&text),
	    "[\"Endpoint ignored these unrecognized parameters: [aa zz]\","
	    "\"Endpoint replaced the value of these parameters with the values "
	    "captured from the endpoint's path: [role]\"]");
	(void)json_object_set_new(given, "ttl", json_string("soon"));
	assert_null(fields_typed(fields, captures, given, NULL, &e));
}

/* ---- rows ---- */

static const struct route routes[] = {
	{ .pattern = "issuer/:ref" },
	{ .pattern = "issuer/:ref/crl/pem" },
	{ .pattern = "issuer/:ref/:what" },
	{ .pattern = "issuers/import/cert" },
	{ .pattern = "cert/:serial" },
	{ .pattern = "cert/ca" },
	{ .pattern = "mounts/*path" },
	{ .pattern = "mounts/*path/tune" },
	{ .pattern = "mounts" },
	{ .pattern = "ocsp/*req" },
	{ .pattern = "ttl", .fields = fields },
	{ 0 },
};
/* Asked only where those have none, however well a row fits. */
static const struct route more_routes[] = {
	{ .pattern = "issuer/a" },
	{ .pattern = "late/:what" },
	{ 0 },
};
static const struct route *const more[] = { more_routes, NULL };
static const struct backend backend = { .routes = routes, .more_routes = more };

static const struct {
	const char *path, *pattern, *captures;
} matches[] = {
	{ "issuer/a", "issuer/:ref", "{\"ref\":\"a\"}" },
	{ "issuer/a/crl/pem", "issuer/:ref/crl/pem", "{\"ref\":\"a\"}" },
	{ "issuer/a/json", "issuer/:ref/:what",
	    "{\"ref\":\"a\",\"what\":\"json\"}" },
	{ "issuer", NULL, NULL },
	{ "issuer/a/crl/der", NULL, NULL },
	{ "cert/ca", "cert/ca", "{}" },
	{ "cert/CA", "cert/:serial", "{\"serial\":\"CA\"}" },
	{ "mounts", "mounts", "{}" },
	{ "mounts/pki", "mounts/*path", "{\"path\":\"pki\"}" },
	{ "mounts/pki/int/kafka", "mounts/*path",
	    "{\"path\":\"pki/int/kafka\"}" },
	{ "mounts/pki/int/tune", "mounts/*path/tune",
	    "{\"path\":\"pki/int\"}" },
	{ "mounts/tune", "mounts/*path", "{\"path\":\"tune\"}" },
	{ "mounts/tune/tune", "mounts/*path/tune", "{\"path\":\"tune\"}" },
	{ "ocsp/a/b/c=", "ocsp/*req", "{\"req\":\"a/b/c=\"}" },
	{ "late/a", "late/:what", "{\"what\":\"a\"}" },
	{ "late", NULL, NULL },
	{ "ttl", "ttl", "{}" },
	{ "tt", NULL, NULL },
	{ "ttls", NULL, NULL },
	{ "", NULL, NULL },
	{ "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3",
	    NULL, NULL },
};

static void
match_rows(void **state)
{
	struct route_table *t = route_table_new(&backend);

	(void)state;
	for (size_t i = 0; i < countof(matches); i++) {
		struct route_found found = { 0 };
		auto_json json_t *captures = NULL;
		auto_buf struct buf text = { 0 };
		bool there = route_match(t, matches[i].path, &found);

		if (there != (matches[i].pattern != NULL))
			fail_msg("path %s", matches[i].path);
		if (!there)
			continue;
		captures = found.captures;
		assert_string_equal(found.route->pattern, matches[i].pattern);
		request_dump(captures, &text);
		assert_string_equal(buf_cstr(&text), matches[i].captures);
		assert_int_equal(json_integer_value(
				     json_object_get(found.defaults, "ttl")),
		    found.route->fields != NULL ? 3600 : 0);
	}
	route_table_free(t);
}

/* ---- canonical and envelope ---- */

static void
canonical(void **state)
{
	auto_json json_t *v = json_loads("{\"b\":[1,true],\"a\":{\"z\":"
					 "\"\\u00e9\\n\",\"y\":null}}",
	    0, NULL);
	auto_json json_t *real = json_loads("{\"a\":1.5}", 0, NULL);
	auto_json json_t *key = json_loads("{\"\\u00e9\":1}", 0, NULL);
	auto_json json_t *large =
	    json_loads("{\"a\":9007199254740993}", 0, NULL);
	auto_json json_t *null = json_loads("[null]", 0, NULL);
	auto_buf struct buf text = { 0 };
	struct error e = { 0 };

	(void)state;
	assert_true(request_canonical(v, &text, &e));
	assert_string_equal(buf_cstr(&text),
	    "{\"a\":{\"z\":\"\xc3\xa9\\n\"},\"b\":[1,true]}");
	buf_reset(&text);
	assert_false(request_canonical(real, &text, &e));
	assert_false(request_canonical(key, &text, &e));
	assert_false(request_canonical(large, &text, &e));
	assert_false(request_canonical(null, &text, &e));
	assert_int_equal(text.n, 0);
}

/* As jansson writes it, whatever it is. */
static void
dump(void **state)
{
	static const char *const texts[] = { "{}", "[]", "null", "true",
		"false", "-9223372036854775808", "1.5", "-1e300", "\"\"",
		"{\"a\":{},\"b\":[[],{\"c\":[1,\"x\",null]}]}",
		"\"\\u0001\\b\\t\\n\\f\\r\\\"\\\\/\\u001f\\u007f\"",
		"\"\\u00e9\\ud83d\\ude00\"", "{\"\\n\\\"\":\"\\n\"}" };

	(void)state;
	for (size_t i = 0; i < countof(texts); i++) {
		auto_json json_t *v =
		    json_loads(texts[i], JSON_DECODE_ANY, NULL);
		char *expected = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		auto_buf struct buf text = { 0 };

		assert_non_null(expected);
		request_dump(v, &text);
		for (char *s = expected; *s != '\0'; s++)
			if (s[0] == '\\' && s[1] == 'u')
				for (size_t k = 2; k < 6; k++)
					s[k] |= 0x20 & (s[k] >= 'A' ? 0x20 : 0);
		assert_string_equal(buf_cstr(&text), expected);
		mem_free_wiped(expected);
	}
}

static void
envelope(void **state)
{
	auto_json json_t *data = json_pack("{s:i}", "a", 1);
	auto_json json_t *warnings = json_pack("[s]", "w");
	struct envelope v = { .id = "i", .data = data, .warnings = warnings };
	struct envelope empty = { .id = "i" };
	auto_buf struct buf text = { 0 }, parts = { 0 };
	auto_json json_t *as_json = NULL;

	(void)state;
	envelope_write(&v, &text);
	assert_string_equal(buf_cstr(&text),
	    "{\"request_id\":\"i\",\"lease_id\":\"\",\"renewable\":false,"
	    "\"lease_duration\":0,\"data\":{\"a\":1},\"wrap_info\":null,"
	    "\"warnings\":[\"w\"],\"auth\":null}\n");
	envelope_head(&v, &parts);
	request_dump(data, &parts);
	envelope_tail(&v, &parts);
	assert_true(bytes_eq(buf_bytes(&text), buf_bytes(&parts)));
	as_json = envelope_json(&v);
	buf_reset(&parts);
	request_dump(as_json, &parts);
	buf_add_byte(&parts, '\n');
	assert_true(bytes_eq(buf_bytes(&text), buf_bytes(&parts)));
	buf_reset(&text);
	envelope_write(&empty, &text);
	assert_string_equal(buf_cstr(&text),
	    "{\"request_id\":\"i\",\"lease_id\":\"\",\"renewable\":false,"
	    "\"lease_duration\":0,\"data\":null,\"wrap_info\":null,"
	    "\"warnings\":null,\"auth\":null}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_rows),
		cmocka_unit_test(body_rows),
		cmocka_unit_test(quick_bodies),
		cmocka_unit_test(too_many_values),
		cmocka_unit_test(query_parts),
		cmocka_unit_test(typing_rows),
		cmocka_unit_test(the_smallest_number_is_no_duration),
		cmocka_unit_test(fields_and_warnings),
		cmocka_unit_test(match_rows),
		cmocka_unit_test(canonical),
		cmocka_unit_test(dump),
		cmocka_unit_test(envelope),
	};

	request_json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
