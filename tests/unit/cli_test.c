/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/json.h>

#include "../../src/cli/cli.h"
#include "../../src/cli/man.h"

typedef void each_fn(const struct command *c);

static void
each_command(each_fn *fn)
{
	for (size_t g = 0; g < command_groups_n; g++)
		for (size_t i = 0; i < *command_groups[g].n; i++)
			fn(&command_groups[g].v[i]);
}

static void
check_flags(const struct command *c)
{
	for (const struct flag *f = c->flags; f != NULL && f->name != NULL;
	     f++) {
		assert_int_equal(strspn(f->name, "abcdefghijklmnopqrstuvwxyz-"),
		    strlen(f->name));
		assert_non_null(f->about);
		/* A switch can neither be required nor be repeated. */
		assert_true(f->arg != NULL || (!f->required && !f->repeat));
		for (const struct flag *g = global_flags; g->name != NULL; g++)
			assert_string_not_equal(f->name, g->name);
		for (const struct flag *g = f + 1; g->name != NULL; g++)
			assert_string_not_equal(f->name, g->name);
	}
}

static void
check_row(const struct command *c)
{
	assert_non_null(c->run);
	assert_true(c->min <= c->max);
	assert_true(c->max <= CLI_ARGS_MAX);
	assert_int_equal(c->max == 0, *c->usage == '\0');
	assert_true(islower((unsigned char)c->about[0]));
	assert_int_not_equal(c->about[strlen(c->about) - 1], '.');
	assert_true(c->more == NULL || c->more[strlen(c->more) - 1] == '.');
	check_flags(c);
}

static void
test_rows_are_sound(unused_arg void **state)
{
	each_command(check_row);
}

/* Each command is found by its own words, so no row hides another. */
static void
check_found(const struct command *c)
{
	char words[64], *argv[8];
	int n = 0, taken;

	assert_true(strlen(c->words) < sizeof(words));
	memcpy(words, c->words, strlen(c->words) + 1);
	for (char *p = words; p != NULL; n++) {
		argv[n] = p;
		p = strchr(p, ' ');
		if (p != NULL)
			*p++ = '\0';
	}
	assert_ptr_equal(command_find(n, argv, &taken), c);
	assert_int_equal(taken, n);
}

static void
test_rows_are_found(unused_arg void **state)
{
	each_command(check_found);
}

static void
check_help(const struct command *c)
{
	auto_buf struct buf help = { 0 }, man = { 0 };

	help_command(c, &help);
	man_chancery(&man);
	assert_non_null(strstr(buf_cstr(&help), c->words));
	assert_non_null(strstr(buf_cstr(&man), c->words));
	for (const struct flag *f = c->flags; f != NULL && f->name != NULL;
	     f++) {
		assert_non_null(strstr(buf_cstr(&help), f->name));
		assert_non_null(strstr(buf_cstr(&help), f->about));
	}
}

static void
test_help_tells_everything(unused_arg void **state)
{
	each_command(check_help);
}

static void
test_manual_has_every_exit(unused_arg void **state)
{
	auto_buf struct buf man = { 0 };

	man_chancery(&man);
	for (int w = FAIL_NONE + 1; w < FAIL__COUNT; w++) {
		auto_mem char *row = mem_printf(".It %d Pq %s\n",
		    fail_exit((enum fail)w), fail_name((enum fail)w));

		assert_non_null(strstr(buf_cstr(&man), row));
	}
}

/* ---- arguments --------------------------------------------------------------- */

static const struct command *
named(const char *a, const char *b)
{
	char *argv[2] = { mem_strdup(a), b != NULL ? mem_strdup(b) : NULL };
	int n;
	const struct command *c = command_find(b != NULL ? 2 : 1, argv, &n);

	mem_free(argv[0]);
	mem_free(argv[1]);
	assert_non_null(c);
	return c;
}

#define ARGV_MAX 12

static bool
parse(struct cli *c, const struct command *cmd, const char *const *argv,
    struct error *e)
{
	static char store[ARGV_MAX][64];
	char *v[ARGV_MAX];
	int n = 0;

	for (; argv[n] != NULL; n++) {
		memcpy(store[n], argv[n], strlen(argv[n]) + 1);
		v[n] = store[n];
	}
	return cli_parse(c, cmd, n, v, e);
}

static void
test_usage_mistakes(unused_arg void **state)
{
	static const struct {
		const char *a, *b, *argv[ARGV_MAX], *says;
	} cases[] = {
		{ "register", "prove", { NULL }, "N is missing" },
		{ "register", "prove", { "1", "2", NULL },
		    "too many arguments: \"2\"" },
		{ "register", "prove", { "1", "--nope", NULL },
		    "no flag --nope" },
		{ "register", "prove", { "-x", NULL },
		    "flags have two dashes" },
		{ "crl", "issue", { "--out", "f", NULL },
		    "--issuer KEY is missing" },
		{ "crl", "issue", { "--issuer", NULL }, "--issuer needs KEY" },
		{ "crl", "issue",
		    { "--issuer", "a", "--issuer=b", "--out", "f", NULL },
		    "--issuer given twice" },
		{ "ceremony", "run", { "--yes=1", "p", NULL }, NULL },
		{ "register", "verify", { "--no-signatures=x", NULL },
		    "takes no value" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct cli c = { 0 };
		struct error e = { 0 };

		assert_false(parse(&c, named(cases[i].a, cases[i].b),
		    cases[i].argv, &e));
		assert_int_equal(e.why, FAIL_USAGE);
		if (cases[i].says != NULL)
			assert_non_null(strstr(e.msg, cases[i].says));
	}
}

static void
test_flags_and_arguments(unused_arg void **state)
{
	static const char *const argv[] = { "--reason", "superseded", "--json",
		"--", "--not-a-flag", NULL };
	static const char *const many[] = { "--profile=generic", "--issuer",
		"k", "--csr=-", "--out=x", "--dns", "a", "--dns=b", NULL };
	struct cli c = { 0 }, d = { 0 };
	struct error e = { 0 };

	assert_true(parse(&c, named("revoke", NULL), argv, &e));
	assert_string_equal(cli_flag(&c, "reason"), "superseded");
	assert_true(cli_json(&c));
	assert_int_equal(c.args, 1);
	assert_string_equal(c.arg[0], "--not-a-flag");
	assert_null(cli_flag(&c, "cert"));

	assert_true(parse(&d, named("sign", "csr"), many, &e));
	assert_string_equal(cli_flag_at(&d, "dns", 0), "a");
	assert_string_equal(cli_flag_at(&d, "dns", 1), "b");
	assert_null(cli_flag_at(&d, "dns", 2));
	assert_string_equal(cli_flag(&d, "csr"), "-");
}

static void
test_help_needs_nothing_else(unused_arg void **state)
{
	static const char *const argv[] = { "--help", NULL };
	struct cli c = { 0 };
	struct error e = { 0 };

	assert_true(parse(&c, named("crl", "issue"), argv, &e));
}

/* ---- output --------------------------------------------------------------------- */

static void
test_answer_as_json_and_text(unused_arg void **state)
{
	struct doc *d = doc_new(), *row;
	auto_buf struct buf json = { 0 }, text = { 0 };

	doc_text(d, "z", "last", "evil\x1b[31m");
	doc_int(d, "a", "first", -5);
	doc_list(d, "none", "nothing");
	row = doc_row(d, "rows", "rows");
	doc_bool(row, "ok", "good", true);
	doc_say(d, "a sentence");
	doc_print_json(d, &json);
	assert_string_equal(buf_cstr(&json),
	    "{\"a\":-5,\"none\":[],\"rows\":[{\"ok\":true}],\"z\":\"evil"
	    "\\u001b[31m\"}\n");
	assert_true(json_valid(bytes_of(json.p, json.n - 1)));
	doc_print_text(d, &text);
	assert_string_equal(buf_cstr(&text),
	    "last:  evil\\x1b[31m\nfirst: -5\n\nnothing: none\n\ngood\nyes\n"
	    "a sentence\n");
	doc_free(d);
}

static void
test_bytes_that_are_no_text(unused_arg void **state)
{
	struct doc *d = doc_new();
	auto_buf struct buf json = { 0 };

	doc_textn(d, "a", "a", bytes_of("\xff\xfe", 2));
	doc_print_json(d, &json);
	assert_string_equal(buf_cstr(&json), "{\"a\":\"\\\\xff\\\\xfe\"}\n");
	doc_free(d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_sound),
		cmocka_unit_test(test_rows_are_found),
		cmocka_unit_test(test_help_tells_everything),
		cmocka_unit_test(test_manual_has_every_exit),
		cmocka_unit_test(test_usage_mistakes),
		cmocka_unit_test(test_flags_and_arguments),
		cmocka_unit_test(test_help_needs_nothing_else),
		cmocka_unit_test(test_answer_as_json_and_text),
		cmocka_unit_test(test_bytes_that_are_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
