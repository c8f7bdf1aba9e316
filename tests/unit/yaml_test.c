/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/limits.h>
#include <chancery/config/yaml.h>

enum store_type {
	STORE_SQLITE,
	STORE_POSTGRES
};
static const char *const store_types[] = { "sqlite", "postgres", NULL };

struct listener {
	char *address;
	uint64_t threads;
};
struct token {
	char *label; /* the row's key */
	char *module;
};
struct storage {
	int type;
	uint64_t group_commit_max;
	struct yaml_texts paths;
};
struct tls {
	char *file;
	char *passphrase;
};
struct log {
	bool color;
	int64_t every_s;
};
struct settings {
	struct storage storage;
	struct yaml_list listen; /* struct listener */
	struct yaml_list tokens; /* struct token    */
	struct tls tls;
	struct log log;
	char *name;
	int64_t life_s, until_s;
	uint64_t cache;
};

static bool
check_absolute(const char *text, struct error *e)
{
	if (*text == '/')
		return true;
	return error_set(e, FAIL_BAD_INPUT, "\"%s\" is not an absolute path",
	    text);
}

#define AT(struct_, member) .offset = offsetof(struct_, member)

static const struct yaml_field storage_fields[] = {
	{ .key = "type",
	    .type = YAML_ENUM,
	    AT(struct storage, type),
	    .required = true,
	    .names = store_types,
	    .about = "What the index is kept in." },
	{ .key = "group_commit_max",
	    .type = YAML_UINT,
	    AT(struct storage, group_commit_max),
	    .min = 1,
	    .max = 64,
	    .dflt = "16",
	    .about = "Requests in one transaction." },
	{ .key = "paths",
	    .type = YAML_TEXT_LIST,
	    AT(struct storage, paths),
	    .max = 2,
	    .dflt = "/var/a,/var/b",
	    .check = check_absolute },
	{ 0 },
};
static const struct yaml_field listen_fields[] = {
	{ .key = "address",
	    .type = YAML_TEXT,
	    AT(struct listener, address),
	    .required = true,
	    .min = 1,
	    .max = 20,
	    .dflt = "127.0.0.1:8200" },
	{ .key = "threads",
	    .type = YAML_UINT,
	    AT(struct listener, threads),
	    .min = 1,
	    .max = 64,
	    .dflt = "2" },
	{ 0 },
};
static const struct yaml_field token_fields[] = {
	{ .key = "",
	    .type = YAML_TEXT,
	    AT(struct token, label),
	    .min = 1,
	    .max = 8 },
	{ .key = "module",
	    .type = YAML_TEXT,
	    AT(struct token, module),
	    .required = true,
	    .dflt = "/usr/lib/m.so",
	    .check = check_absolute },
	{ 0 },
};
static const struct yaml_field tls_fields[] = {
	{ .key = "file",
	    .type = YAML_TEXT,
	    AT(struct tls, file),
	    .required = true },
	{ .key = "passphrase", .type = YAML_TEXT, AT(struct tls, passphrase) },
	{ 0 },
};
static const struct yaml_field log_fields[] = {
	{ .key = "color",
	    .type = YAML_BOOL,
	    AT(struct log, color),
	    .dflt = "true" },
	{ .key = "every",
	    .type = YAML_DURATION,
	    AT(struct log, every_s),
	    .min = 60,
	    .max = 5400,
	    .dflt = "5m" },
	{ 0 },
};
static const struct yaml_field schema[] = {
	{ .key = "name",
	    .type = YAML_TEXT,
	    AT(struct settings, name),
	    .about = "A long sentence about the name of this instance, long "
		     "enough that it has to be broken into two lines." },
	{ .key = "storage",
	    .type = YAML_SECTION,
	    AT(struct settings, storage),
	    .required = true,
	    .fields = storage_fields },
	{ .key = "listen",
	    .type = YAML_SECTION_LIST,
	    AT(struct settings, listen),
	    .min = 1,
	    .max = 3,
	    .required = true,
	    .fields = listen_fields,
	    .size = sizeof(struct listener) },
	{ .key = "tokens",
	    .type = YAML_SECTION_MAP,
	    AT(struct settings, tokens),
	    .fields = token_fields,
	    .size = sizeof(struct token) },
	{ .key = "tls",
	    .type = YAML_SECTION,
	    AT(struct settings, tls),
	    .fields = tls_fields },
	{ .key = "log",
	    .type = YAML_SECTION,
	    AT(struct settings, log),
	    .fields = log_fields },
	{ .key = "life", .type = YAML_DURATION, AT(struct settings, life_s) },
	{ .key = "until", .type = YAML_TIME, AT(struct settings, until_s) },
	{ .key = "cache",
	    .type = YAML_SIZE,
	    AT(struct settings, cache),
	    .min = 4096,
	    .max = 1 << 30 },
	{ 0 },
};

static struct yaml_doc *
bind(const char *text, size_t n, struct settings *out, struct buf *report,
    struct error *e)
{
	return yaml_bind(bytes_of(text, n), "f", schema, out, sizeof(*out),
	    report, e);
}

#define GOOD "storage:\n  type: sqlite\nlisten:\n  - address: \"[::1]:8200\"\n"

static void
test_values(void **state unused_arg)
{
	static const char text[] =
	    "name: no\n"
	    "storage: { type: postgres, group_commit_max: 64, paths: [] }\n"
	    "listen:\n"
	    "- address: 'a'\n"
	    "- threads: 7\n"
	    "  address: b\n"
	    "tokens:\n"
	    "  zeta: { module: /z }\n"
	    "  alpha: { module: /a }\n"
	    "tls:\n"
	    "  file: |\n"
	    "    two\n"
	    "    lines\n"
	    "life: 1d1h1m1s\n"
	    "until: 2026-11-22T02:44:25Z\n"
	    "cache: 16MiB\n";
	struct settings s;
	struct error e;
	auto_yaml_doc struct yaml_doc *d =
	    bind(text, sizeof(text) - 1, &s, NULL, &e);
	const struct listener *l;
	const struct token *t;

	assert_non_null(d);
	l = s.listen.v;
	t = s.tokens.v;
	/* A text is what is written, whatever YAML 1.1 would read into it. */
	assert_string_equal(s.name, "no");
	assert_int_equal(s.storage.type, STORE_POSTGRES);
	assert_int_equal(s.storage.group_commit_max, 64);
	assert_int_equal(s.storage.paths.n, 0);
	assert_int_equal(s.listen.n, 2);
	assert_string_equal(l[0].address, "a");
	assert_int_equal(l[0].threads, 2);
	assert_string_equal(l[1].address, "b");
	assert_int_equal(l[1].threads, 7);
	assert_int_equal(s.tokens.n, 2);
	assert_string_equal(t[0].label, "zeta");
	assert_string_equal(t[0].module, "/z");
	assert_string_equal(t[1].label, "alpha");
	assert_string_equal(s.tls.file, "two\nlines\n");
	assert_null(s.tls.passphrase);
	assert_true(s.log.color);
	assert_int_equal(s.log.every_s, 300);
	assert_int_equal(s.life_s, 86400 + 3600 + 60 + 1);
	assert_int_equal(s.until_s, 1795315465);
	assert_int_equal(s.cache, 16 << 20);
}

static void
test_defaults(void **state unused_arg)
{
	struct settings s;
	struct error e;
	auto_yaml_doc struct yaml_doc *d =
	    bind(GOOD, strlen(GOOD), &s, NULL, &e);

	assert_non_null(d);
	assert_null(s.name);
	assert_int_equal(s.storage.group_commit_max, 16);
	assert_int_equal(s.storage.paths.n, 2);
	assert_string_equal(s.storage.paths.v[0], "/var/a");
	assert_string_equal(s.storage.paths.v[1], "/var/b");
	assert_null(s.tls.file);
	assert_true(s.log.color);
	assert_int_equal(s.life_s, 0);
}

static void
test_where(void **state unused_arg)
{
	static const char text[] = GOOD "tls:\n  file: x\nname: n\n";
	struct settings s;
	struct error e;
	auto_yaml_doc struct yaml_doc *d =
	    bind(text, sizeof(text) - 1, &s, NULL, &e);
	const struct listener *l;

	assert_non_null(d);
	l = s.listen.v;
	assert_string_equal(yaml_where(d, &s.storage.type), "f:2:9");
	assert_string_equal(yaml_where(d, &l[0].address), "f:4:14");
	assert_string_equal(yaml_where(d, &l[0].threads), "f:4:5");
	assert_string_equal(yaml_where(d, &s.name), "f:7:7");
	/* A default stands where its section does. */
	assert_string_equal(yaml_where(d, &s.tls.passphrase), "f:6:3");
	assert_string_equal(yaml_where(d, &s.log.every_s), "f:1:1");
	assert_string_equal(yaml_where(d, &s.storage.paths), "f:2:3");
	assert_string_equal(yaml_where(d, &e), "?");
	assert_true(yaml_given(d, &s.name));
	assert_false(yaml_given(d, &s.life_s));
	assert_false(yaml_given(d, &s.tls.passphrase));
}

/* Each row: what stands in the file, and all that is told. Rows that begin with
 * '+' come after GOOD, which has four lines. */
static const struct {
	const char *name, *text, *told;
} mistakes[] = {
	{ "not a section", "[a]\n",
	    "f:1:1: expected a section, found a list\n" },
	{ "empty file", "# nothing\n",
	    "f:1:1: missing key \"storage\"\n"
	    "f:1:1: missing key \"listen\"\n" },
	{ "syntax", "+name: [a\nlife: 1d\n",
	    "f:6:5: did not find expected ',' or ']' (while parsing a flow "
	    "sequence)\n" },
	{ "tab", "storage:\n\ttype: sqlite\n",
	    "f:2:1: a tab; YAML is indented with spaces\n" },
	{ "wrong type", "+  - address: x\n    threads: two\n",
	    "f:6:14: listen[1].threads: \"two\" is not a whole number\n" },
	{ "unknown key, close",
	    "storage:\n  type: sqlite\n  group_comit_max: 2\n"
	    "listen: [{ address: x }]\n",
	    "f:3:3: storage: unknown key \"group_comit_max\"; did you mean "
	    "\"group_commit_max\"?\n" },
	{ "unknown key, far", "+tls: { file: a, purpose: b }\n",
	    "f:5:17: tls: unknown key \"purpose\"; known here: file, "
	    "passphrase\n" },
	{ "unknown key at the top", "+nmae: x\n",
	    "f:5:1: unknown key \"nmae\"; known here: name, storage, listen, "
	    "tokens, tls, log, life, until, cache\n" },
	{ "missing key", "storage:\n  paths: []\nlisten: [{ address: x }]\n",
	    "f:2:3: storage: missing key \"type\"\n" },
	{ "missing in an optional section", "+tls: { passphrase: x }\n",
	    "f:5:6: tls: missing key \"file\"\n" },
	{ "bad enum value",
	    "storage: { type: mysql }\nlisten: [{ address: x }]\n",
	    "f:1:18: storage.type: \"mysql\" is not one of sqlite, "
	    "postgres\n" },
	{ "number out of range", "+  - { address: x, threads: 2000 }\n",
	    "f:5:28: listen[1].threads: 2000 is out of range, allowed 1 to "
	    "64\n" },
	{ "number too small", "+  - { address: x, threads: 0 }\n",
	    "f:5:28: listen[1].threads: 0 is out of range, allowed 1 to "
	    "64\n" },
	{ "duplicate key", "+name: a\nlife: 1d\nname: b\n",
	    "f:7:1: key \"name\" twice, first in line 5\n" },
	{ "duplicate key in a map", "+tokens: { a: { module: /x }, a: 1 }\n",
	    "f:5:30: tokens: key \"a\" twice, first in line 5\n" },
	{ "duration as a number", "+  - { address: x, threads: 30d }\n",
	    "f:5:28: listen[1].threads: \"30d\" is not a whole number\n" },
	{ "fraction", "+  - { address: x, threads: 2.5 }\n",
	    "f:5:28: listen[1].threads: \"2.5\" is not a whole number\n" },
	{ "underscore", "+  - { address: x, threads: 1_000 }\n",
	    "f:5:28: listen[1].threads: \"1_000\" is not a whole number\n" },
	{ "sign", "+  - { address: x, threads: +1 }\n",
	    "f:5:28: listen[1].threads: \"+1\" is not a whole number\n" },
	{ "hexadecimal", "+  - { address: x, threads: 0x10 }\n",
	    "f:5:28: listen[1].threads: \"0x10\" is not a whole number\n" },
	{ "octal", "+  - { address: x, threads: 010 }\n",
	    "f:5:28: listen[1].threads: \"010\" is not a whole number: no "
	    "leading zeros\n" },
	{ "number past 64 bits",
	    "+  - { address: x, threads: 18446744073709551616 }\n",
	    "f:5:28: listen[1].threads: \"18446744073709551616\" is not a "
	    "whole number below 2^64\n" },
	{ "quoted number", "+  - { address: x, threads: \"7\" }\n",
	    "f:5:28: listen[1].threads: \"7\" is not a whole number: write it "
	    "without quotes\n" },
	{ "yes is not true", "+log: { color: yes }\n",
	    "f:5:15: log.color: \"yes\" is not true or false\n" },
	{ "quoted true", "+log: { color: \"true\" }\n",
	    "f:5:15: log.color: \"true\" is not true or false\n" },
	{ "duration without unit", "+life: 90\n",
	    "f:5:7: life: \"90\" is not a duration: the unit is missing (s, "
	    "m, h, d or y)\n" },
	{ "duration, unknown unit", "+life: 2w\n",
	    "f:5:7: life: \"2w\" is not a duration (90d, 12h, 1h30m; units "
	    "s, m, h, d, y)\n" },
	{ "duration, small unit first", "+life: 30m1h\n",
	    "f:5:7: life: \"30m1h\" is not a duration (90d, 12h, 1h30m; "
	    "units s, m, h, d, y)\n" },
	{ "duration, negative", "+life: -1d\n",
	    "f:5:7: life: \"-1d\" is not a duration (90d, 12h, 1h30m; units "
	    "s, m, h, d, y)\n" },
	{ "duration out of range", "+log: { every: 2h }\n",
	    "f:5:15: log.every: 2h is out of range, allowed 1m to 1h30m\n" },
	{ "size, unknown unit", "+cache: 16MB\n",
	    "f:5:8: cache: \"16MB\" is not a size (4096, 64KiB, 16MiB, "
	    "1GiB)\n" },
	{ "size past 64 bits", "+cache: 18446744073709551615KiB\n",
	    "f:5:8: cache: \"18446744073709551615KiB\" is not a size (4096, "
	    "64KiB, 16MiB, 1GiB)\n" },
	{ "size out of range", "+cache: 3KiB\n",
	    "f:5:8: cache: 3KiB is out of range, allowed 4KiB to 1GiB\n" },
	{ "time without zone", "+until: 2026-11-22T02:44:25\n",
	    "f:5:8: until: \"2026-11-22T02:44:25\" is not a time "
	    "(2026-11-22T02:44:25Z)\n" },
	{ "time, no such day", "+until: 2026-02-30T02:44:25Z\n",
	    "f:5:8: until: \"2026-02-30T02:44:25Z\" is not a time "
	    "(2026-11-22T02:44:25Z)\n" },
	{ "no value", "+name:\nlife: 1d\n",
	    "f:5:6: name: no value; expected text\n" },
	{ "null", "+name: ~\nlife: null\n",
	    "f:5:7: name: no value; expected text\n"
	    "f:6:7: life: no value; expected a duration\n" },
	{ "empty section", "+tls:\n",
	    "f:5:5: tls: expected a section, found nothing\n" },
	{ "text for a section", "+tls: cert.pem\n",
	    "f:5:6: tls: expected a section, found text\n" },
	{ "list for a text", "+name: [a]\n",
	    "f:5:7: name: expected text, found a list\n" },
	{ "text for a list",
	    "storage: { type: sqlite, paths: /x }\nlisten: [{ address: x }]\n",
	    "f:1:33: storage.paths: expected a list of texts, found text\n" },
	{ "section in a text list",
	    "storage: { type: sqlite, paths: [/x, { a: b }] }\n"
	    "listen: [{ address: x }]\n",
	    "f:1:38: storage.paths[1]: expected text, found a section\n" },
	{ "check of a list entry",
	    "storage: { type: sqlite, paths: [/x, y] }\n"
	    "listen: [{ address: x }]\n",
	    "f:1:38: storage.paths[1]: \"y\" is not an absolute path\n" },
	{ "too many entries",
	    "storage: { type: sqlite, paths: [/x, /y, /z] }\n"
	    "listen: [{ address: x }]\n",
	    "f:1:33: storage.paths: 3 entries, allowed 0 to 2\n" },
	{ "too few entries", "storage: { type: sqlite }\nlisten: []\n",
	    "f:2:9: listen: 0 entries, allowed 1 to 3\n" },
	{ "text too long", "+  - address: 123456789012345678901\n",
	    "f:5:14: listen[1].address: 21 octets of text, allowed 1 to "
	    "20\n" },
	{ "text too short", "+  - address: \"\"\n",
	    "f:5:14: listen[1].address: 0 octets of text, allowed 1 to 20\n" },
	{ "row key too long", "+tokens:\n  123456789: { module: /x }\n",
	    "f:6:3: tokens.123456789: 9 octets of text, allowed 1 to 8\n" },
	{ "row is not a section", "+tokens:\n  a: /x\n",
	    "f:6:6: tokens.a: expected a section, found text\n" },
	{ "control character", "+name: \"a\\eb\"\n",
	    "f:5:7: name: control character 0x1b in a text\n" },
	{ "escaped NUL", "+name: \"a\\0b\"\n",
	    "f:5:7: name: control character 0x00 in a text\n" },
	{ "anchor", "+name: &n x\n",
	    "f:5:7: anchors (&name) are not allowed\n" },
	{ "anchor and alias", "+name: &n x\ntls: *n\n",
	    "f:5:7: anchors (&name) are not allowed\n"
	    "f:6:6: aliases (*name) are not allowed\n" },
	{ "tag", "+life: !!str 1d\n", "f:5:7: tags (!name) are not allowed\n" },
	{ "tag on a section", "+tls: !x { file: a }\n",
	    "f:5:6: tags (!name) are not allowed\n" },
	{ "merge key", "+tls: { file: a, <<: { passphrase: b } }\n",
	    "f:5:17: tls: merge keys (<<) are not allowed\n" },
	{ "list as a key", "+? [a]\n: b\n", "f:5:3: a list is not a key\n" },
	{ "directive", "%YAML 1.1\n---\n" GOOD,
	    "f:1:1: directives (%YAML, %TAG) are not allowed\n" },
	{ "two documents", GOOD "---\n" GOOD,
	    "f:5:1: a second document begins here; a file holds one\n" },
	{ "wrong value is cut and escaped",
	    "+life: \"\\u009b2J4567890123456789012345678901234567890123456789"
	    "\"\n",
	    "f:5:7: life: \"\\xc2\\x9b2J45678901234567890123456789012345678901"
	    "234567…\" is not a duration (90d, 12h, 1h30m; units s, m, h, d, "
	    "y)\n" },
	{ "all in one run, in the order of the file",
	    "nane: x\n"
	    "storage: { typ: sqlite, group_commit_max: 0 }\n"
	    "listen: 1\n"
	    "life: 90\n",
	    "f:1:1: unknown key \"nane\"; did you mean \"name\"?\n"
	    "f:2:10: storage: missing key \"type\"\n"
	    "f:2:12: storage: unknown key \"typ\"; did you mean \"type\"?\n"
	    "f:2:43: storage.group_commit_max: 0 is out of range, allowed 1 "
	    "to 64\n"
	    "f:3:9: listen: expected a list of sections, found text\n"
	    "f:4:7: life: \"90\" is not a duration: the unit is missing (s, "
	    "m, h, d or y)\n" },
};

static void
test_mistakes(void **state unused_arg)
{
	int failed = 0;

	for (size_t i = 0; i < countof(mistakes); i++) {
		auto_buf struct buf text = { 0 };
		auto_buf struct buf told = { 0 };
		struct settings s = { .name = (char *)1 };
		struct error e;
		bool more = *mistakes[i].text == '+';
		struct yaml_doc *d;

		if (more)
			buf_add_str(&text, GOOD);
		buf_add_str(&text, mistakes[i].text + more);
		d = bind((const char *)text.p, text.n, &s, &told, &e);
		if (d != NULL) {
			print_error("%s: accepted\n", mistakes[i].name);
			yaml_doc_free(d);
			failed++;
			continue;
		}
		if (strcmp(buf_cstr(&told), mistakes[i].told) != 0) {
			print_error("%s:\n%s  instead of\n%s", mistakes[i].name,
			    buf_cstr(&told), mistakes[i].told);
			failed++;
			continue;
		}
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		/* The first one, without the newline; nothing was written. */
		assert_memory_equal(e.msg, mistakes[i].told, strlen(e.msg));
		assert_int_equal(mistakes[i].told[strlen(e.msg)], '\n');
		assert_ptr_equal(s.name, (char *)1);
	}
	assert_int_equal(failed, 0);
}

static void
refused(const char *text, size_t n, const char *told)
{
	struct settings s;
	struct error e;

	assert_null(bind(text, n, &s, NULL, &e));
	assert_string_equal(e.msg, told);
}

static void
test_octets(void **state unused_arg)
{
	auto_buf struct buf big = { 0 };

	refused("name: a\nx: \"\xc3\x28\"", 14,
	    "f:2:5: octet 0xc3 is not allowed: not UTF-8, or NUL");
	refused("name: a\0b", 9,
	    "f:1:8: octet 0x00 is not allowed: not UTF-8, or NUL");
	refused("\xef\xbb\xbfname: a", 10,
	    "f:1:1: a byte order mark; UTF-8 needs none");
	refused("name: \"\xc3\xa4\" \x01", 12,
	    "f:1:11: control characters are not allowed");
	while (big.n <= LIMIT_CONFIG_BYTES)
		buf_add_str(&big, "# comment\n");
	refused((const char *)big.p, big.n,
	    "f:1:1: 1048580 octets, at most 1048576 allowed");
}

/* Nine lists, each nine times the one before: nothing is ever expanded. */
static void
test_alias_bomb(void **state unused_arg)
{
	auto_buf struct buf text = { 0 };
	auto_buf struct buf told = { 0 };
	struct settings s;
	struct error e;

	buf_add_str(&text, "a: &a [x, x, x, x, x, x, x, x, x]\n");
	for (char c = 'b'; c <= 'i'; c++) {
		buf_addf(&text, "%c: &%c [", c, c);
		for (int i = 0; i < 9; i++)
			buf_addf(&text, "*%c%s", c - 1, i < 8 ? "," : "]\n");
	}
	assert_null(bind((const char *)text.p, text.n, &s, &told, &e));
	assert_string_equal(e.msg, "f:1:1: missing key \"storage\"");
	assert_non_null(
	    strstr(buf_cstr(&told), "f:1:4: anchors (&name) are not allowed"));
	assert_non_null(
	    strstr(buf_cstr(&told), "f:2:8: aliases (*name) are not allowed"));
}

static void
test_limits(void **state unused_arg)
{
	auto_buf struct buf deep = { 0 };
	auto_buf struct buf wide = { 0 };
	auto_buf struct buf many = { 0 };
	auto_buf struct buf told = { 0 };
	struct settings s;
	struct error e;
	size_t lines = 0;

	for (int i = 0; i < 100000; i++)
		buf_add_byte(&deep, '[');
	refused((const char *)deep.p, deep.n,
	    "f:1:17: nested deeper than 16 levels");
	buf_add_str(&wide, "name: [");
	for (int i = 0; i < 70000; i++)
		buf_add_str(&wide, "1,");
	buf_add_str(&wide, "]\n");
	refused((const char *)wide.p, wide.n,
	    "f:1:131074: more than 65536 values in a file");
	for (int i = 0; i < 30000; i++)
		buf_addf(&many, "k%d: 1\n", i);
	assert_null(bind((const char *)many.p, many.n, &s, &told, &e));
	for (size_t i = 0; i < told.n; i++)
		lines += told.p[i] == '\n';
	assert_int_equal(lines, 101);
	assert_non_null(strstr(buf_cstr(&told), "\nf: 29902 more mistakes\n"));
}

static const char documented[] =
    "# A long sentence about the name of this instance, long enough that it "
    "has to\n"
    "# be broken into two lines. (text)\n"
    "# name: text\n"
    "# (section; required)\n"
    "storage:\n"
    "  # What the index is kept in. (one of sqlite, postgres; required)\n"
    "  type: sqlite\n"
    "  # Requests in one transaction. (whole number, allowed 1 to 64)\n"
    "  group_commit_max: 16\n"
    "  # (list of texts, allowed 0 to 2)\n"
    "  paths: [\"/var/a\", \"/var/b\"]\n"
    "# (list of sections, allowed 1 to 3; required)\n"
    "listen:\n"
    "  -\n"
    "    # (text, length: allowed 1 to 20; required)\n"
    "    address: \"127.0.0.1:8200\"\n"
    "    # (whole number, allowed 1 to 64)\n"
    "    threads: 2\n"
    "# (section of named sections)\n"
    "# tokens:\n"
    "  # name:\n"
    "    # (text; required)\n"
    "    # module: \"/usr/lib/m.so\"\n"
    "# (section)\n"
    "# tls:\n"
    "  # (text; required)\n"
    "  # file: text\n"
    "  # (text)\n"
    "  # passphrase: text\n"
    "# (section)\n"
    "log:\n"
    "  # (true or false)\n"
    "  color: true\n"
    "  # (duration, allowed 1m to 1h30m)\n"
    "  every: 5m\n"
    "# (duration)\n"
    "# life: 0s\n"
    "# (time)\n"
    "# until: 2030-01-01T00:00:00Z\n"
    "# (size, allowed 4KiB to 1GiB)\n"
    "# cache: 4096\n";

static void
test_document(void **state unused_arg)
{
	auto_buf struct buf text = { 0 };
	struct settings s;
	struct error e = { 0 };
	struct yaml_doc *d;
	const struct listener *l;

	yaml_document(schema, &text);
	assert_string_equal(buf_cstr(&text), documented);
	d = bind((const char *)text.p, text.n, &s, NULL, &e);
	assert_string_equal(e.msg, "");
	assert_non_null(d);
	l = s.listen.v;
	assert_int_equal(s.listen.n, 1);
	assert_string_equal(l[0].address, "127.0.0.1:8200");
	assert_int_equal(s.log.every_s, 300);
	assert_int_equal(s.storage.paths.n, 2);
	assert_int_equal(s.tokens.n, 0);
	yaml_doc_free(d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
