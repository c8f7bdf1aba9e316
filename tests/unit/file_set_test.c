/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of files: what a process that is gone left is removed, what one at work has is not. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/kafka/file_set.h>

static char dir[] = "/tmp/chancery-file-set-XXXXXX";

static char *
at(const char *name)
{
	return path_join(dir, name);
}

static void
make(const char *name)
{
	auto_mem char *path = at(name);
	struct error e;

	assert_true(file_create(path, bytes_str("key"), 0600, &e));
}

static bool
is_there(const char *name)
{
	auto_mem char *path = at(name);
	struct stat st;

	return lstat(path, &st) == 0;
}

static void
add(struct file_set *s, const char *name, const char *text)
{
	auto_mem char *path = at(name);
	struct error e;

	assert_true(file_set_add(s, path, bytes_str(text), 0600, true, &e));
}

static void
assert_has(const char *name, const char *text)
{
	auto_mem char *path = at(name);
	auto_buf struct buf b = { 0 };
	struct error e;

	assert_true(file_read(path, 100, &b, &e));
	assert_string_equal(buf_cstr(&b), text);
}

/* Names that only look like one of a set's stay. */
static void
test_leftovers(unused_arg void **state)
{
	static const char *const others[] = {
		".0123456789abcdef.tmp",
		".0123456789abcdeg.store.tmp",
		".0123456789abcde.store.tmp",
		".0123456789abcdef0.store.tmp",
		".0123456789abcdef.store.tmp2",
		"0123456789abcdef.store.tmp",
	};
	auto_file_set struct file_set *s = file_set_new();
	auto_mem char *d = at(".fedcba9876543210.store.tmp");
	struct error e;

	for (size_t i = 0; i < countof(others); i++)
		make(others[i]);
	assert_int_equal(mkdir(d, 0700), 0);
	make(".0123456789abcdef.store.tmp");
	make(".0000000000000000.store.tmp");
	add(s, "a.pem", "one");
	assert_false(is_there(".0123456789abcdef.store.tmp"));
	assert_false(is_there(".0000000000000000.store.tmp"));
	assert_true(is_there(".fedcba9876543210.store.tmp"));
	for (size_t i = 0; i < countof(others); i++)
		assert_true(is_there(others[i]));
	assert_true(file_set_commit(s, &e));
	assert_has("a.pem", "one");
}

/* The second one does not take the first one's files for leftovers; once both are gone, a third
 * sweeps again. */
static void
test_two_at_work(unused_arg void **state)
{
	struct file_set *first = file_set_new(), *second = file_set_new();
	auto_file_set struct file_set *third = file_set_new();
	struct error e;

	add(first, "b.pem", "first");
	make(".0123456789abcdef.store.tmp");
	add(second, "c.pem", "second");
	assert_true(is_there(".0123456789abcdef.store.tmp"));
	assert_true(file_set_commit(second, &e));
	assert_true(file_set_commit(first, &e));
	assert_has("b.pem", "first");
	assert_has("c.pem", "second");
	file_set_free(first);
	file_set_free(second);
	add(third, "d.pem", "third");
	assert_false(is_there(".0123456789abcdef.store.tmp"));
}

static int
set_up(unused_arg void **state)
{
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
remove_one(const char *path, unused_arg const struct stat *st,
    unused_arg int type, unused_arg struct FTW *ftw)
{
	return remove(path);
}

static int
tear_down(unused_arg void **state)
{
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_two_at_work),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
