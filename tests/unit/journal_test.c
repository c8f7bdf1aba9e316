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
#include <chancery/ceremony/journal.h>

struct fixture {
	char dir[64];
	char *path, *lock;
};

static int64_t
fixed_ms(unused_arg void *arg)
{
	return 1795315465123;
}
static const struct clock still = { fixed_ms, fixed_ms, NULL };

static int
setup(void **state)
{
	struct fixture *f = mem_calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/chancery-journal-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->path = path_join(f->dir, "journal");
	f->lock = path_join(f->dir, "journal.lock");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	(void)unlink(f->lock);
	(void)rmdir(f->dir);
	mem_free(f->path);
	mem_free(f->lock);
	mem_free(f);
	return 0;
}

/* Three entries, closed. */
static void
write_three(const struct fixture *f)
{
	struct error e = { 0 };
	auto_journal struct journal *j = journal_create(f->path, &still, &e);

	assert_non_null(j);
	assert_true(
	    journal_add(j, "open", "", bytes_str("{\"id\":\"x\"}"), &e));
	assert_true(journal_add(j, "begin", "root-key", bytes_of(NULL, 0), &e));
	assert_true(journal_add(j, "show", "root-key",
	    bytes_str("{\"label\":\"key\",\"value\":\"a\\\"b\"}"), &e));
}

static void
test_written_lines_read_back(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_journal struct journal *j = NULL;
	auto_buf struct buf v = { 0 };

	write_three(f);
	j = journal_read(f->path, &e);
	assert_non_null(j);
	assert_int_equal(journal_size(j), 3);
	assert_string_equal(journal_at(j, 0)->what, "open");
	assert_string_equal(journal_at(j, 1)->step, "root-key");
	assert_int_equal(journal_at(j, 2)->t_ms, 1795315465123);
	assert_true(journal_get_text(journal_at(j, 2), "value", &v));
	assert_string_equal(buf_cstr(&v), "a\"b");
	assert_false(journal_get_text(journal_at(j, 2), "absent", &v));
	assert_null(journal_find(j, "done", "root-key"));
	assert_ptr_equal(journal_find(j, "begin", NULL), journal_at(j, 1));
}

static void
test_the_line_is_as_documented(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_buf struct buf text = { 0 };

	write_three(f);
	assert_true(file_read(f->path, 4096, &text, &e));
	assert_non_null(strstr(buf_cstr(&text),
	    "{\"data\":{\"id\":\"x\"},\"n\":0,\"prev\":\"00000000000000000000"
	    "00000000000000000000000000000000000000000000\",\"step\":\"\","
	    "\"t\":\"2026-11-22T02:44:25.123Z\",\"what\":\"open\"}\n"));
}

static void
test_appended_after_reopening(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_journal struct journal *j = NULL;
	auto_journal struct journal *again = NULL;

	write_three(f);
	j = journal_open(f->path, &still, &e);
	assert_non_null(j);
	assert_true(journal_add(j, "done", "root-key", bytes_of(NULL, 0), &e));
	again = journal_read(f->path, &e);
	assert_non_null(again);
	assert_int_equal(journal_size(again), 4);
	assert_non_null(journal_find(again, "done", "root-key"));
}

static void
test_second_writer_refused(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_journal struct journal *j = NULL;

	write_three(f);
	j = journal_open(f->path, &still, &e);
	assert_non_null(j);
	assert_null(journal_open(f->path, &still, &e));
	assert_int_equal(e.why, FAIL_BUSY);
}

static void
test_create_never_overwrites(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_buf struct buf before = { 0 }, after = { 0 };

	write_three(f);
	assert_true(file_read(f->path, 4096, &before, &e));
	assert_null(journal_create(f->path, &still, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	assert_true(file_read(f->path, 4096, &after, &e));
	assert_true(bytes_eq(buf_bytes(&before), buf_bytes(&after)));
}

static void
test_open_of_nothing(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };

	assert_null(journal_open(f->path, &still, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
}

/* A torn last line is cut off and noted, at every length. */
static void
test_torn_tail(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_buf struct buf text = { 0 };
	size_t second;

	write_three(f);
	assert_true(file_read(f->path, 4096, &text, &e));
	second = (size_t)((uint8_t *)memchr(text.p, '\n', text.n) - text.p) + 1;
	for (size_t cut = second + 1; cut < second + 90; cut += 7) {
		auto_journal struct journal *j = NULL;

		assert_true(
		    file_replace(f->path, bytes_of(text.p, cut), 0600, &e));
		j = journal_open(f->path, &still, &e);
		assert_non_null(j);
		assert_int_equal(journal_size(j), 2);
		assert_string_equal(journal_at(j, 1)->what, "cut");
	}
}

/* Any other change is found, and the line is named. */
static void
test_changes_are_found(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	auto_buf struct buf text = { 0 };
	size_t last;

	write_three(f);
	assert_true(file_read(f->path, 4096, &text, &e));
	last = text.n;
	while (text.p[last - 2] != '\n')
		last--;
	/* The last line has no successor that would hold its hash. */
	for (size_t i = 0; i < last - 1; i++) {
		struct journal *j;

		if (text.p[i] == '\n')
			continue;
		text.p[i] ^= 1;
		j = journal_parse(buf_bytes(&text), &e);
		assert_null(j);
		assert_int_equal(e.why, FAIL_CORRUPT);
		assert_non_null(strstr(e.msg, "journal line "));
		text.p[i] ^= 1;
	}
}

static void
test_not_a_journal(unused_arg void **state)
{
	static const char *const bad[] = {
		"\n",
		"{}\n",
		"[]\n",
		"{\"data\":1,\"n\":0}\n",
		"{\"data\":{},\"n\":0,\"prev\":\"00\",\"step\":\"\",\"t\":"
		"\"2026-11-22T02:44:25.123Z\",\"what\":\"open\"}\n",
		"{\"data\":{},\"n\":1,\"prev\":\"0000000000000000000000000000"
		"000000000000000000000000000000000000\",\"step\":\"\",\"t\":"
		"\"2026-11-22T02:44:25.123Z\",\"what\":\"open\"}\n",
		"{\"data\":{},\"n\":0,\"prev\":\"0000000000000000000000000000"
		"000000000000000000000000000000000000\",\"step\":\"\",\"t\":"
		"\"yesterday\",\"what\":\"open\"}\n",
	};

	for (size_t i = 0; i < countof(bad); i++) {
		struct error e = { 0 };

		assert_null(journal_parse(bytes_str(bad[i]), &e));
		assert_int_equal(e.why, FAIL_CORRUPT);
		assert_non_null(strstr(e.msg, "journal line 1"));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_written_lines_read_back,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_line_is_as_documented,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_appended_after_reopening,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_writer_refused,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_never_overwrites,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_of_nothing, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_torn_tail, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_changes_are_found, setup,
		    teardown),
		cmocka_unit_test(test_not_a_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
