/* SPDX-License-Identifier: Apache-2.0 */

/* Files: earlier schemas, those of others, damaged and newer ones; locks; reports. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include <chancery/base/file.h>

#include "store_util.h"

static void
sql(const char *path, const char *text)
{
	sqlite3 *h = NULL;
	char *err = NULL;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	if (sqlite3_exec(h, text, NULL, NULL, &err) != SQLITE_OK)
		fail_msg("%s", err);
	assert_int_equal(sqlite3_close(h), SQLITE_OK);
}

static int
close_setup(void **state)
{
	struct store_fixture *f;

	(void)store_setup(state);
	f = *state;
	store_free(take(f->s));
	return 0;
}

#define opens(path_, why)                                                      \
	fails(why,                                                             \
	    store_open(&(struct store_config){ .path = path_ }, &e) != NULL)

static struct store *
open_again(struct store_fixture *f, bool read_only)
{
	struct store_config cfg = { .path = f->path, .read_only = read_only };

	ok((f->s = store_open(&cfg, &e)) != NULL);
	return f->s;
}

static void
test_create_and_open(void **state)
{
	struct store_fixture *f = *state;
	struct store_config again = { .path = f->path, .create = true };
	auto_mem char *other = mem_printf("%s/none.sqlite", f->dir);
	auto_mem char *nowhere = mem_printf("%s/no/dir/x.sqlite", f->dir);
	struct stat st;

	fails(FAIL_EXISTS, store_open(&again, &e) != NULL);
	opens(other, FAIL_NOT_FOUND);
	fails(FAIL_NOT_FOUND,
	    store_open(&(struct store_config){ .path = other,
			   .read_only = true },
		&e) != NULL);
	again.path = nowhere;
	fails(FAIL_NOT_FOUND, store_open(&again, &e) != NULL);
	/* What a crash left of an earlier creation. */
	again.path = other;
	{
		auto_mem char *tmp = mem_printf("%s.new", other);

		ok(file_create(tmp, bytes_str("rubbish"), 0600, &e));
		ok((f->s = store_open(&again, &e)) != NULL);
		assert_int_equal(stat(tmp, &st), -1);
	}
}

static void
test_foreign_files(void **state)
{
	struct store_fixture *f = *state;
	auto_mem char *path = mem_printf("%s/x", f->dir);

	sql(path, "CREATE TABLE t(a)");
	opens(path, FAIL_BAD_INPUT);
	assert_int_equal(unlink(path), 0);
	ok(file_create(path,
	    bytes_str("no database, but more than a header's "
		      "hundred octets of text so that nobody "
		      "takes it for an empty one"),
	    0600, &e));
	opens(path, FAIL_CORRUPT);
	ok(file_replace(path, (struct bytes){ 0 }, 0600, &e));
	opens(path, FAIL_BAD_INPUT);
	opens(f->dir, FAIL_IO);
}

static void
test_newer_schema(void **state)
{
	struct store_fixture *f = *state;

	sql(f->path, "PRAGMA user_version=99");
	opens(f->path, FAIL_UNSUPPORTED);
	fails(FAIL_UNSUPPORTED,
	    store_open(&(struct store_config){ .path = f->path,
			   .read_only = true },
		&e) != NULL);
}

/* A page in the middle overwritten: reading it says so, and what to do. */
static void
test_damaged_file(void **state)
{
	struct store_fixture *f = *state;
	struct store_report r;
	struct sha256 sum;
	struct stat st;
	uint8_t rubbish[4096];

	(void)open_again(f, false);
	for (uint32_t n = 0; n < 2000; n++)
		put_sample(f->s, "pki", n);
	store_free(take(f->s));
	assert_int_equal(stat(f->path, &st), 0);
	memset(rubbish, 0xa5, sizeof(rubbish));
	for (off_t page = 10; page < st.st_size / 4096; page++) {
		auto_fd int fd = open(f->path, O_WRONLY | O_CLOEXEC);

		assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish),
				     page * 4096),
		    4096);
	}
	(void)open_again(f, true);
	fails(FAIL_CORRUPT, store_check(f->s, &r, &e));
	fails(FAIL_CORRUPT, store_digest(f->s, &sum, &e));
}

/* Counts are kept, not counted: the check counts. */
static void
test_check_counts(void **state)
{
	struct store_fixture *f = *state;
	struct store_report r;

	(void)open_again(f, false);
	for (uint32_t n = 0; n < 20; n++)
		put_sample(f->s, "pki", n);
	revoke_sample(f->s, 5, 1790000001);
	apply_docs(f->s, 0,
	    "[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"put\",\"scope\":\"\","
	    "\"value\":1}]");
	ok(store_check(f->s, &r, &e));
	assert_int_equal(r.certs, 20);
	assert_int_equal(r.revoked, 1);
	assert_int_equal(r.docs, 1);
	assert_int_equal(r.not_stored, 0);
	assert_true(r.bytes > 20 * 640);
	store_free(take(f->s));
	sql(f->path, "UPDATE mount SET certs = certs + 1");
	(void)open_again(f, true);
	fails(FAIL_CORRUPT, store_check(f->s, &r, &e));
	store_free(take(f->s));
	sql(f->path,
	    "UPDATE mount SET certs = certs - 1;"
	    "DELETE FROM der WHERE id = 3");
	(void)open_again(f, true);
	fails(FAIL_CORRUPT, store_check(f->s, &r, &e));
}

static void
test_one_writer(void **state)
{
	struct store_fixture *f = *state;
	pid_t pid;
	int status;

	(void)open_again(f, false);
	pid = fork();
	if (pid == 0) {
		struct store_config cfg = { .path = f->path };
		struct error e;

		_exit(
		    store_open(&cfg, &e) == NULL && e.why == FAIL_BUSY ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_read_only(void **state)
{
	struct store_fixture *f = *state;
	struct store *reader;
	auto_buf struct buf mem = { 0 };
	struct store_config cfg = { .path = f->path, .read_only = true };
	struct store_cert c;
	uint64_t n, m;
	struct sha256 a, b;

	(void)open_again(f, false);
	put_sample(f->s, "pki", 1);
	ok(store_sync(f->s, &e));
	/* Beside the writer, and it sees what is committed later. */
	ok((reader = store_open(&cfg, &e)) != NULL);
	assert_true(has_sample(reader, "pki", 1, &c, &mem));
	put_sample(f->s, "pki", 2);
	ok(store_sync(f->s, &e));
	assert_true(has_sample(reader, "pki", 2, &c, &mem));
	ok(store_cert_count(reader, "pki", &n, &m, &e));
	assert_int_equal(n, 2);
	a = store_sum(f->s);
	b = store_sum(reader);
	assert_memory_equal(&a, &b, sizeof(a));
	fails(FAIL_PERMISSION, store_cert_put(reader, &c, &e));
	fails(FAIL_PERMISSION,
	    store_docs_apply(reader, bytes_str("[]"), ORIGIN, 1, &e));
	fails(FAIL_PERMISSION, store_secret_expire(reader, 1, 1, &e));
	ok(store_close(reader, &e));
}

/* ---- earlier schemas --------------------------------------------------- */

/* As each release left them, with rows: tests/data/store. */
static void
open_recorded(struct store_fixture *f, const char *file)
{
	auto_mem char *from = path_join(TEST_DATA_DIR "/store", file);
	auto_buf struct buf text = { 0 };

	ok(file_read(from, 1 << 20, &text, &e));
	assert_int_equal(unlink(f->path), 0);
	sql(f->path, buf_cstr(&text));
}

static void
test_earlier_schemas(void **state)
{
	struct store_fixture *f = *state;
	auto_buf struct buf mem = { 0 };
	auto_buf struct buf value = { 0 };
	static const char *const files[] = { "v1.sql" };
	struct store_cert c;
	struct store_report r;
	struct store_secret secret;
	struct sha256 key = sha256(bytes_str("a token"));

	for (size_t i = 0; i < countof(files); i++) {
		open_recorded(f, files[i]);
		fails(FAIL_UNSUPPORTED,
		    store_open(&(struct store_config){ .path = f->path,
				   .read_only = true },
			&e) != NULL);
		(void)open_again(f, false);
		ok(store_check(f->s, &r, &e));
		assert_int_equal(r.certs, 3);
		assert_int_equal(r.revoked, 1);
		assert_int_equal(r.secrets, 1);
		assert_true(has_sample(f->s, "pki", 1, &c, &mem));
		assert_true(has_sample(f->s, "pki", 2, &c, &mem));
		assert_int_equal(c.revoked_s, 1790000001);
		assert_true(has_sample(f->s, "other", 3, &c, &mem));
		ok(store_doc_get(f->s, "mount", "", "pki", &value, NULL, &e));
		ok(store_secret_by_alias(f->s, "token", "accessor", 1, &secret,
		    &mem, &e));
		assert_memory_equal(&secret.key, &key, sizeof(key));
		put_sample(f->s, "pki", 4);
		store_reopen(f);
		assert_true(has_sample(f->s, "pki", 4, &c, &mem));
		store_free(take(f->s));
	}
}

/* ---- two stores compared ----------------------------------------------- */

static void
test_compare(void **state)
{
	struct store_fixture *f = *state, *g;
	struct store_difference d;
	void *other = NULL;

	(void)store_setup(&other);
	g = other;
	(void)open_again(f, false);
	for (uint32_t n = 0; n < 100; n++) {
		put_sample(f->s, n < 50 ? "a" : "b", n);
		put_sample(g->s, 99 - n < 50 ? "a" : "b", 99 - n);
	}
	ok(store_compare(f->s, g->s, &d, &e));
	assert_int_equal(d.certs_missing, 0);
	assert_int_equal(d.certs_added, 0);
	assert_string_equal(d.first, "");
	put_sample(f->s, "a", 200);
	put_sample(f->s, "c", 201);
	put_sample(g->s, "b", 202);
	revoke_sample(g->s, 7, 1790000001);
	apply_docs(f->s, 0,
	    "[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"put\",\"scope\":\"\","
	    "\"value\":1}]");
	ok(store_compare(f->s, g->s, &d, &e));
	assert_int_equal(d.certs_missing, 2);
	assert_int_equal(d.certs_added, 1);
	assert_int_equal(d.certs_changed, 1);
	assert_int_equal(d.docs_missing, 1);
	assert_int_equal(d.docs_added + d.docs_changed, 0);
	assert_non_null(strstr(d.first, "of mount"));
	(void)store_teardown(&other);
}

/* The same contents by other ways: order, restarts, batches, a bulk load. */
static void
test_digest_is_of_contents(void **state)
{
	struct store_fixture *f = *state, *g;
	struct store_config bulk = { .bulk = true };
	void *other = NULL;
	struct sha256 a, b;

	(void)store_setup(&other);
	g = other;
	store_free(take(g->s));
	bulk.path = g->path;
	ok((g->s = store_open(&bulk, &e)) != NULL);
	(void)open_again(f, false);
	for (uint32_t n = 0; n < 300; n++) {
		put_sample(f->s, "a", n);
		if (n % 50 == 0)
			ok(store_sync(f->s, &e));
		put_sample(g->s, "a", 299 - n);
	}
	revoke_sample(f->s, 5, 1790000001);
	a = store_sum(f->s);
	b = store_sum(g->s);
	assert_memory_not_equal(&a, &b, sizeof(a));
	revoke_sample(g->s, 5, 1790000001);
	ok(store_position_put(g->s, ORIGIN, 17, &e));
	store_reopen(g);
	b = store_sum(g->s);
	assert_memory_equal(&a, &b, sizeof(a));
	(void)store_teardown(&other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, close_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_and_open),
		TEST(test_foreign_files),
		TEST(test_newer_schema),
		TEST(test_damaged_file),
		TEST(test_check_counts),
		TEST(test_one_writer),
		TEST(test_read_only),
		TEST(test_earlier_schemas),
		TEST(test_compare),
		TEST(test_digest_is_of_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
