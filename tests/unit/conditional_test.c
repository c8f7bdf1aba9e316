/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and ranges of requests (RFC 9110 13, 14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/server/conditional.h>

#define NOW 1800000000     /* 2027-01-15T08:00:00Z */
#define MODIFIED 784111777 /* RFC 9110's example */
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define DATE_BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define DATE_AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static void
dates(unused_arg void **state)
{
	static const struct {
		const char *text;
		int64_t t_s; /* -1: no date */
	} rows[] = {
		{ DATE, MODIFIED },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", MODIFIED },
		{ "Sun Nov  6 08:49:37 1994", MODIFIED },
		{ "Sun Nov 16 08:49:37 1994", MODIFIED + 10 * 86400 },
		{ "Wednesday, 01-Jan-70 00:00:00 GMT", 3155760000 },
		{ "Friday, 15-Jan-77 08:00:00 GMT", 3377923200 },
		/* 51 years ahead is the past */
		{ "Friday, 15-Jan-78 08:00:00 GMT", 253699200 },
		{ "", -1 },
		{ "Sun, 06 Nov 1994 08:49:37", -1 },
		{ "Sun, 06 Nov 1994 08:49:37 UTC", -1 },
		{ "Sun, 6 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 31 Feb 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 24:49:37 GMT", -1 },
		{ DATE " ", -1 },
		{ "784111777", -1 },
	};
	char text[HTTP_DATE_SIZE];
	int64_t t;

	for (size_t i = 0; i < countof(rows); i++) {
		t = -1;
		if (!http_date_parse(bytes_str(rows[i].text), NOW, &t))
			assert_int_equal(t, -1);
		if (t != rows[i].t_s)
			fail_msg("\"%s\": %lld", rows[i].text, (long long)t);
	}
	http_date_format(MODIFIED, text);
	assert_string_equal(text, DATE);
}

struct row {
	const char *name;
	int status;
	const char *if_match, *if_none_match, *since, *unmodified, *if_range,
	    *range;
	uint64_t from, n; /* of a 206 */
	bool head, exact, undated, empty;
};

static struct bytes
value(const char *v)
{
	return v != NULL ? bytes_str(v) : bytes_of(NULL, 0);
}

static void
check(const struct row *r)
{
	const struct http_representation rep = { .etag = "\"a-17\"",
		.modified_s = r->undated ? 0 : MODIFIED,
		.date_exact = r->exact,
		.length = r->empty ? 0 : 1000 };
	const struct http_asked q = { .if_match = value(r->if_match),
		.if_none_match = value(r->if_none_match),
		.if_modified_since = value(r->since),
		.if_unmodified_since = value(r->unmodified),
		.if_range = value(r->if_range),
		.range = value(r->range),
		.is_get = !r->head,
		.now_s = NOW };
	uint64_t from, n;
	int status = http_evaluate(&q, &rep, &from, &n);

	if (status != r->status)
		fail_msg("%s: %d", r->name, status);
	if (status == 206 && (from != r->from || n != r->n))
		fail_msg("%s: %llu, %llu", r->name, (unsigned long long)from,
		    (unsigned long long)n);
}

static void
conditions(unused_arg void **state)
{
	static const struct row rows[] = {
		{ "nothing asked", 200, .if_match = NULL },
		{ "the same tag", 304, .if_none_match = "\"a-17\"" },
		{ "weak is enough", 304, .if_none_match = "W/\"a-17\"" },
		{ "one of a list", 304,
		    .if_none_match = "\"x\", W/\"a,b\",\"a-17\"" },
		{ "any", 304, .if_none_match = "*" },
		{ "another one", 200, .if_none_match = "\"a-16\"" },
		/* The text is in it, the tag is not. */
		{ "inside of another tag", 200,
		    .if_none_match = "\"xx\"a-17\"" },
		{ "longer", 200, .if_none_match = "\"a-17\"-gzip\"" },
		{ "without quotes", 200, .if_none_match = "a-17" },
		{ "an open quote", 200, .if_none_match = "\"a-17" },
		{ "empty", 200, .if_none_match = "" },
		{ "a tag outweighs a date", 200, .if_none_match = "\"x\"",
		    .since = DATE },
		{ "since then", 304, .since = DATE },
		{ "since later", 304, .since = DATE_AFTER },
		{ "since before", 200, .since = DATE_BEFORE },
		{ "older form", 304,
		    .since = "Sunday, 06-Nov-94 08:49:37 GMT" },
		{ "no date", 200, .since = "yesterday" },
		{ "nothing to compare", 200, .since = DATE, .undated = true },
		{ "exact: the same", 304, .since = DATE, .exact = true },
		{ "exact: later", 200, .since = DATE_AFTER, .exact = true },
		{ "if-match", 200, .if_match = "\"x\", \"a-17\"" },
		{ "if-match: any", 200, .if_match = "*" },
		{ "if-match: weak is not", 412, .if_match = "W/\"a-17\"" },
		{ "if-match: another", 412, .if_match = "\"x\"" },
		{ "unmodified", 200, .unmodified = DATE },
		{ "modified", 412, .unmodified = DATE_BEFORE },
		{ "412 before 304", 412, .if_match = "\"x\"",
		    .if_none_match = "\"a-17\"" },
	};

	for (size_t i = 0; i < countof(rows); i++)
		check(&rows[i]);
}

static void
ranges(unused_arg void **state)
{
	static const struct row rows[] = {
		{ "first", 206, .range = "bytes=0-99", .from = 0, .n = 100 },
		{ "one octet", 206, .range = "bytes=999-999", .from = 999,
		    .n = 1 },
		{ "to the end", 206, .range = "bytes=900-", .from = 900,
		    .n = 100 },
		{ "beyond the end", 206, .range = "bytes=900-9999", .from = 900,
		    .n = 100 },
		{ "last", 206, .range = "bytes=-10", .from = 990, .n = 10 },
		{ "last of more", 206, .range = "bytes=-5000", .from = 0,
		    .n = 1000 },
		{ "upper case", 206, .range = "Bytes=0-0", .from = 0, .n = 1 },
		{ "none of the last", 416, .range = "bytes=-0" },
		{ "behind it", 416, .range = "bytes=1000-" },
		{ "of nothing", 416, .range = "bytes=0-", .empty = true },
		{ "last of nothing", 416, .range = "bytes=-1", .empty = true },
		{ "backwards", 200, .range = "bytes=9-3" },
		{ "neither end", 200, .range = "bytes=-" },
		{ "two of them", 200, .range = "bytes=0-1,3-4" },
		{ "other unit", 200, .range = "lines=0-1" },
		{ "no unit", 200, .range = "0-1" },
		{ "sign", 200, .range = "bytes=+1-2" },
		{ "too long a number", 200,
		    .range = "bytes=0-99999999999999999999" },
		{ "HEAD has none", 200, .range = "bytes=0-1", .head = true },
		{ "304 before 206", 304, .range = "bytes=0-1",
		    .if_none_match = "*" },
		{ "of this tag", 206, .range = "bytes=0-1",
		    .if_range = "\"a-17\"", .from = 0, .n = 2 },
		{ "weak tags do not hold octets together", 200,
		    .range = "bytes=0-1", .if_range = "W/\"a-17\"" },
		{ "of another tag", 200, .range = "bytes=0-1",
		    .if_range = "\"a-16\"" },
		{ "of this date", 206, .range = "bytes=0-1", .if_range = DATE,
		    .from = 0, .n = 2 },
		{ "of another date", 200, .range = "bytes=0-1",
		    .if_range = DATE_AFTER },
	};

	for (size_t i = 0; i < countof(rows); i++)
		check(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test(conditions),
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
