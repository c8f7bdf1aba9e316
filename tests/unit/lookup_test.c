/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of auth/token/lookup-self; the many that are none come from a server in
 * tests/system/service_vault_tokens.py too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/publisher/lookup.h"

#define TOKEN "s.abc"
#define REST                                                                   \
	"\"display_name\":\"d\",\"num_uses\":0,\"ttl\":60,"                    \
	"\"expire_time\":\"2026-01-01T00:00:00Z\""
#define DATA(more) "{\"data\":{\"id\":\"" TOKEN "\"," more "}}"

static void
test_taken(unused_arg void **state)
{
	static const struct {
		const char *name, *body;
		size_t policies;
		bool expires;
		int64_t ttl_s;
	} rows[] = {
		{ "plain", DATA("\"policies\":[\"a\",\"b\"]," REST), 2, true,
		    60 },
		{ "with an entity's",
		    DATA("\"policies\":[\"a\"],\"identity_policies\":[\"b\"],"
			 "\"accessor\":\"\"," REST),
		    2, true, 60 },
		{ "null for none",
		    DATA("\"policies\":[],\"identity_policies\":null,"
			 "\"bound_cidrs\":null,\"accessor\":null," REST),
		    0, true, 60 },
		{ "for ever",
		    DATA("\"policies\":[\"root\"],\"display_name\":\"root\","
			 "\"num_uses\":0,\"ttl\":0,\"expire_time\":null"),
		    1, false, 0 },
		{ "at its end",
		    DATA("\"policies\":[\"a\"],\"display_name\":\"d\","
			 "\"num_uses\":0,\"ttl\":0,\"expire_time\":\"x\""),
		    1, true, 0 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct lookup l = { 0 };
		struct error e = { 0 };

		if (!lookup_read(bytes_str(rows[i].body), bytes_str(TOKEN), &l,
			&e))
			fail_msg("%s: %s", rows[i].name, e.msg);
		assert_int_equal(l.answer.policies.n, rows[i].policies);
		assert_int_equal(l.answer.expires, rows[i].expires);
		assert_int_equal(l.answer.ttl_s, rows[i].ttl_s);
		lookup_free(&l);
	}
}

static void
test_refused(unused_arg void **state)
{
	static const struct {
		const char *body, *says;
	} rows[] = {
		{ "", "not a JSON object" },
		{ "null", "not a JSON object" },
		{ "{}", "data" },
		{ "{\"data\":[]}", "data" },
		{ "{\"data\":{}}", "id" },
		{ "{\"data\":{\"id\":\"s.abd\",\"policies\":[]," REST "}}",
		    "about another token" },
		{ "{\"data\":{\"id\":\"s.ab\",\"policies\":[]," REST "}}",
		    "about another token" },
		{ "{\"data\":{\"id\":\"\",\"policies\":[]," REST "}}",
		    "about another token" },
		{ DATA(REST), "policies" },
		{ DATA("\"policies\":null," REST), "policies" },
		{ DATA("\"policies\":[[]]," REST), "policies" },
		{ DATA("\"policies\":[],\"policies\":[\"root\"]," REST),
		    "not a JSON object" },
		{ DATA("\"policies\":[],\"identity_policies\":\"x\"," REST),
		    "identity_policies" },
		{ DATA("\"policies\":[],\"accessor\":1," REST), "accessor" },
		{ DATA("\"policies\":[],\"namespace_path\":1," REST),
		    "namespace_path" },
		{ DATA("\"policies\":[],\"display_name\":\"d\",\"num_uses\":0,"
		       "\"ttl\":1.5"),
		    "ttl" },
		{ DATA("\"policies\":[],\"display_name\":\"d\","
		       "\"num_uses\":-1,\"ttl\":1"),
		    "num_uses" },
		{ DATA("\"policies\":[],\"display_name\":\"d\",\"ttl\":1"),
		    "num_uses" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct lookup l = { 0 };
		struct error e = { 0 };

		if (lookup_read(bytes_str(rows[i].body), bytes_str(TOKEN), &l,
			&e))
			fail_msg("%s was taken", rows[i].body);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		if (strstr(e.msg, rows[i].says) == NULL)
			fail_msg("%s: says %s", rows[i].body, e.msg);
		assert_null(l.doc);
	}
}

static void
test_refusals(unused_arg void **state)
{
	assert_true(lookup_is_refusal(bytes_str("{\"errors\":[\"no\"]}")));
	assert_true(lookup_is_refusal(bytes_str("{\"errors\":[]}")));
	assert_false(lookup_is_refusal(bytes_str("<html>no</html>")));
	assert_false(lookup_is_refusal(bytes_str("{\"errors\":1}")));
	assert_false(lookup_is_refusal(bytes_str("")));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
