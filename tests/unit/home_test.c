/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/ceremony/catalog.h>
#include <chancery/ceremony/home.h>
#include <chancery/config/service.h>

static const char good[] =
    "origin: acme.example/log\n"
    "module: /usr/lib/module.so\n"
    "soft_token_dir: soft\n"
    "crl_dir: /srv/crl\n"
    "tokens:\n"
    "  one: { uri: \"pkcs11:token=a\", pin: \"file:pin\", role: ca,\n"
    "         charter: intermediate }\n"
    "  two: { uri: \"pkcs11:token=b\", pin: \"file:/etc/pin\", role: log }\n";

struct fixture {
	char dir[64];
	char *path;
};

static int
setup(void **state)
{
	struct fixture *f = mem_calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/chancery-home-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->path = path_join(f->dir, "chancery.yaml");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	(void)rmdir(f->dir);
	mem_free(f->path);
	mem_free(f);
	return 0;
}

static void
write_config(const struct fixture *f, const char *text)
{
	struct error e = { 0 };

	assert_true(file_replace(f->path, bytes_str(text), 0600, &e));
}

static void
test_paths_start_at_the_home(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_mem char *reg = path_join(f->dir, "register"),
		      *soft = path_join(f->dir, "soft"),
		      *pin = mem_printf("file:%s/pin", f->dir);
	auto_home struct home *h = NULL;

	write_config(f, good);
	h = home_open(f->dir, &e);
	assert_non_null(h);
	assert_string_equal(h->register_dir, reg);
	assert_string_equal(h->soft_token_dir, soft);
	assert_string_equal(h->crl_dir, "/srv/crl");
	assert_null(h->anchor_dir);
	assert_string_equal(h->log_key, "log-key");
	assert_int_equal(h->tokens, 2);
	assert_string_equal(h->token[0].name, "one");
	assert_string_equal(h->token[0].pin, pin);
	assert_string_equal(h->token[1].pin, "file:/etc/pin");
	assert_ptr_equal(home_find_token(h, "two"), &h->token[1]);
	assert_null(home_find_token(h, "three"));
	assert_ptr_equal(home_role_token(h, HOME_ROLE_LOG, &e), &h->token[1]);
}

static void
test_mistakes(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "origin: acme.example/log\n", "", "origin" },
		{ "module: /usr", "module: usr", "chancery.yaml:2:9" },
		{ "crl_dir", "crl_folder", "chancery.yaml:4:1" },
		{ "role: log", "role: vault", "chancery.yaml:8" },
		{ "charter: intermediate", "charter: nothing",
		    "no charter template" },
		{ "charter: intermediate",
		    "charter: intermediate, charter_file: x", "not both" },
		{ "charter: intermediate", "charter_file: absent.yaml",
		    "absent.yaml" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct fixture *f = *state;
		auto_buf struct buf text = { 0 };
		const char *at = strstr(good, cases[i].from);
		struct error e = { 0 };

		assert_non_null(at);
		buf_add(&text, good, (size_t)(at - good));
		buf_add_str(&text, cases[i].to);
		buf_add_str(&text, at + strlen(cases[i].from));
		write_config(f, buf_cstr(&text));
		assert_null(home_open(f->dir, &e));
		if (strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%s: says %s", cases[i].to, e.msg);
	}
}

static void
test_nothing_there(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };

	assert_null(home_open("/nonexistent/home", &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_null(home_open(f->dir, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
}

static void
test_roles_must_be_clear(void **state)
{
	static const char two_logs[] =
	    "origin: x\nmodule: /m.so\ntokens:\n"
	    "  a: { uri: \"pkcs11:token=a\", pin: prompt, role: log }\n"
	    "  b: { uri: \"pkcs11:token=b\", pin: prompt, role: log }\n";
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_home struct home *h = NULL;

	write_config(f, two_logs);
	h = home_open(f->dir, &e);
	assert_non_null(h);
	assert_null(home_role_token(h, HOME_ROLE_LOG, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	assert_null(home_role_token(h, HOME_ROLE_CA, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
}

/* Each key of the file is in the documentation. */
static void
documented(const struct yaml_field *f, const char *text)
{
	for (; f->key != NULL; f++) {
		auto_mem char *quoted = mem_printf("`%s`", f->key);

		if (*f->key != '\0' && strstr(text, quoted) == NULL)
			fail_msg("docs/configuration.md does not tell of %s",
			    f->key);
		if (f->fields != NULL)
			documented(f->fields, text);
	}
}

static void
test_documentation_is_complete(unused_arg void **state)
{
	auto_buf struct buf text = { 0 };
	struct error e = { 0 };

	assert_true(file_read(TEST_DATA_DIR "/../../docs/configuration.md",
	    1 << 20, &text, &e));
	documented(service_schema, buf_cstr(&text));
}

static void
test_serials(unused_arg void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint8_t last, first;
	} cases[] = {
		{ "01", true, 1, 0 },
		{ "1", true, 1, 0 },
		{ "0A:0b", true, 0x0b, 0 },
		{ "ffffffffffffffffffffffffffffffffffffffff", true, 0xff,
		    0xff },
		{ "00ffffffffffffffffffffffffffffffffffffffff", true, 0xff,
		    0xff },
		{ "01ffffffffffffffffffffffffffffffffffffffff", false, 0, 0 },
		{ "", false, 0, 0 },
		{ ":", false, 0, 0 },
		{ "0x01", false, 0, 0 },
		{ "-1", false, 0, 0 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct error e = { 0 };
		uint8_t got[20];

		assert_int_equal(serial_parse(cases[i].text, got, &e),
		    cases[i].ok);
		if (!cases[i].ok) {
			assert_int_equal(e.why, FAIL_BAD_INPUT);
			continue;
		}
		assert_int_equal(got[19], cases[i].last);
		assert_int_equal(got[0], cases[i].first);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_paths_start_at_the_home,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_there, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_roles_must_be_clear, setup,
		    teardown),
		cmocka_unit_test(test_documentation_is_complete),
		cmocka_unit_test(test_serials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
