/* SPDX-License-Identifier: Apache-2.0 */
/* Where secrets are read from: the forms of a source, and what is refused. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/secret_source.h>

static char dir[] = "/tmp/chancery-secret-XXXXXX";

static void
test_source_parse(unused_arg void **state)
{
	static const struct {
		const char *text;
		bool ok;
		enum secret_source_kind kind;
		const char *arg;
	} rows[] = {
		{ "fd:3", true, SECRET_FD, "3" },
		{ "fd:", false, SECRET_FD, NULL },
		{ "fd:x", false, SECRET_FD, NULL },
		{ "fd:-1", false, SECRET_FD, NULL },
		{ "file:/run/pin", true, SECRET_FILE, "/run/pin" },
		{ "file:", false, SECRET_FILE, NULL },
		{ "credential:hsm-pin", true, SECRET_CREDENTIAL, "hsm-pin" },
		{ "credential:../x", false, SECRET_FD, NULL },
		{ "credential:a/b", false, SECRET_FD, NULL },
		{ "prompt", true, SECRET_PROMPT, NULL },
		{ "prompt:PIN of ca: ", true, SECRET_PROMPT, "PIN of ca: " },
		{ "promptx", false, SECRET_FD, NULL },
		{ "1234", false, SECRET_FD, NULL },
		{ "", false, SECRET_FD, NULL },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct secret_source s = { SECRET_FD, "untouched" };
		struct error e = { 0 };

		assert_int_equal(secret_source_parse(rows[i].text, "PIN", &s,
				     &e),
		    rows[i].ok);
		if (rows[i].ok) {
			assert_int_equal(s.kind, rows[i].kind);
			assert_string_equal(s.arg != NULL ? s.arg : "none",
			    rows[i].arg != NULL ? rows[i].arg : "none");
			continue;
		}
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_string_equal(s.arg, "untouched");
		assert_null(strstr(e.msg, "1234"));
	}
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void
expect(enum secret_source_kind kind, const char *arg, const char *want,
    enum fail why)
{
	const struct secret_source src = { kind, arg };
	struct error e = { 0 };
	struct secret *s = secret_source_read(&src, "PIN", LIMIT_PIN_BYTES, &e);

	if (want == NULL) {
		assert_null(s);
		assert_int_equal(e.why, why);
		return;
	}
	if (s == NULL)
		fail_msg("%s", e.msg);
	assert_int_equal(secret_len(s), strlen(want));
	assert_memory_equal(secret_data(s), want, strlen(want));
	secret_free(s);
}

static void
test_source_read(unused_arg void **state)
{
	auto_mem char *path = path_join(dir, "pin");
	char fd_text[16];
	char longer[LIMIT_PIN_BYTES + 2];
	int p[2];

	write_file(path, "4321\n", 0600);
	expect(SECRET_FILE, path, "4321", FAIL_NONE);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	expect(SECRET_CREDENTIAL, "pin", "4321", FAIL_NONE);
	expect(SECRET_CREDENTIAL, "none", NULL, FAIL_NOT_FOUND);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	expect(SECRET_CREDENTIAL, "pin", NULL, FAIL_NOT_FOUND);
	write_file(path, "4321\n", 0640);
	expect(SECRET_FILE, path, NULL, FAIL_PERMISSION);
	write_file(path, "4321\n", 0604);
	expect(SECRET_FILE, path, NULL, FAIL_PERMISSION);
	write_file(path, "\n", 0600);
	expect(SECRET_FILE, path, NULL, FAIL_BAD_INPUT);
	memset(longer, '1', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	write_file(path, longer, 0600);
	expect(SECRET_FILE, path, NULL, FAIL_BAD_INPUT);
	expect(SECRET_FILE, dir, NULL, FAIL_BAD_INPUT);
	expect(SECRET_FILE, "/nonexistent/pin", NULL, FAIL_NOT_FOUND);

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "99\r\n", 4), 4);
	assert_int_equal(close(p[1]), 0);
	(void)snprintf(fd_text, sizeof(fd_text), "%d", p[0]);
	expect(SECRET_FD, fd_text, "99", FAIL_NONE);
	assert_int_equal(close(p[0]), 0);
	expect(SECRET_FD, fd_text, NULL, FAIL_IO);
	/* What it is for is said, and the end of what another secret may have. */
	write_file(path, longer, 0600);
	{
		auto_secret struct secret *s = NULL;
		struct error e = { 0 };
		const struct secret_source src = { SECRET_FILE, path };

		s = secret_source_read(&src, "token", sizeof(longer), &e);
		assert_int_equal(secret_len(s), sizeof(longer) - 1);
		assert_int_equal(chmod(path, 0644), 0);
		assert_null(secret_from("file:/nowhere", "token", 9, &e));
		assert_string_equal(e.msg,
		    "token: file /nowhere: No such file or directory");
	}
	/* ctest has no terminal; a developer's shell may have. */
	if (setsid() >= 0)
		expect(SECRET_PROMPT, "PIN: ", NULL, FAIL_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_source_parse),
		cmocka_unit_test(test_source_read),
	};
	auto_mem char *path = NULL;
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	path = path_join(dir, "pin");
	(void)unlink(path);
	(void)rmdir(dir);
	return failed;
}
