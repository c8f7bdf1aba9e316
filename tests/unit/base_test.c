/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chancery/base/alg.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/secret.h>
#include <chancery/base/text.h>

static void
test_base64(unused_arg void **state)
{
	static const struct {
		const char *plain, *text;
	} good[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" } };
	static const char *const bad[] = { "Z",
		"Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "Zm 9", "Zm9v\n",
		"====", "Zm8*" };
	size_t i;

	for (i = 0; i < countof(good); i++) {
		auto_buf struct buf b = { 0 };
		auto_buf struct buf d = { 0 };

		buf_add_base64(&b, bytes_str(good[i].plain));
		assert_string_equal(buf_cstr(&b), good[i].text);
		assert_true(
		    base64_decode(good[i].text, strlen(good[i].text), &d));
		assert_string_equal(buf_cstr(&d), good[i].plain);
	}
	for (i = 0; i < countof(bad); i++) {
		auto_buf struct buf d = { 0 };

		assert_false(base64_decode(bad[i], strlen(bad[i]), &d));
		assert_int_equal(d.n, 0);
	}
}

static void
test_time(unused_arg void **state)
{
	static const struct {
		const char *text;
		int64_t t_s;
	} good[] = { { "1970-01-01T00:00:00Z", 0 },
		{ "2000-02-29T23:59:59Z", 951868799 },
		{ "2026-11-22T02:44:25Z", 1795315465 },
		{ "9999-12-31T23:59:59Z", 253402300799 } };
	static const char *const bad[] = { "2025-02-29T00:00:00Z",
		"2025-13-01T00:00:00Z", "2025-01-01T24:00:00Z",
		"2025-01-01t00:00:00Z", "2025-01-01T00:00:00+00:00",
		"2025-01-01T00:00:60Z", "2025-1-01T00:00:00Z", "" };
	char out[TIME_TEXT_SIZE];
	int64_t t, t_ms;
	size_t i;

	for (i = 0; i < countof(good); i++) {
		assert_true(
		    time_parse_s(good[i].text, strlen(good[i].text), &t));
		assert_true(t == good[i].t_s);
		time_format_s(t, out);
		assert_string_equal(out, good[i].text);
	}
	for (i = 0; i < countof(bad); i++)
		assert_false(time_parse_s(bad[i], strlen(bad[i]), &t));
	time_format_ms(1795315465123, out);
	assert_string_equal(out, "2026-11-22T02:44:25.123Z");
	assert_true(time_parse_ms(out, strlen(out), &t_ms));
	assert_true(t_ms == 1795315465123);
	for (t = 0; t < 253402300799; t += 86400L * 29 + 12345) {
		int64_t back;

		time_format_s(t, out);
		assert_true(time_parse_s(out, strlen(out), &back));
		assert_true(back == t);
	}
}

static void
test_durations(unused_arg void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} good[] = { { "90d", 90L * 86400 }, { "1h30m", 5400 }, { "45", 45 },
		{ "0s", 0 }, { "1y", 31536000 } };
	static const char *const bad[] = { "", "d", "30m1h", "1h1h", "1.5h",
		"-1h", "1h30", "99999999999999d", "1w", " 1h" };
	int64_t s;
	size_t i;

	for (i = 0; i < countof(good); i++) {
		assert_true(parse_duration(good[i].text, &s));
		assert_true(s == good[i].s);
	}
	for (i = 0; i < countof(bad); i++)
		assert_false(parse_duration(bad[i], &s));
}

static void
test_json_round_trip(unused_arg void **state)
{
	auto_buf struct buf b = { 0 };
	auto_buf struct buf s = { 0 };
	struct json_writer w;
	struct json_reader r;
	struct bytes key;

	json_begin(&w, &b);
	json_object_begin(&w);
	json_key(&w, "a");
	json_array_begin(&w);
	json_int(&w, -7);
	json_bool(&w, true);
	json_object_begin(&w);
	json_object_end(&w);
	json_array_end(&w);
	json_kv_str(&w, "b", "q\"\\\n\x01 \xc3\xa4");
	json_kv_int(&w, "c", 0);
	json_object_end(&w);
	assert_string_equal(buf_cstr(&b),
	    "{\"a\":[-7,true,{}],\"b\":\"q\\\"\\\\\\n\\u0001 "
	    "\xc3\xa4\",\"c\":0}");
	assert_true(json_valid(buf_bytes(&b)));

	json_read(&r, buf_bytes(&b));
	json_enter_object(&r);
	assert_true(json_next_key(&r, &key) && bytes_eq(key, bytes_str("a")));
	assert_int_equal(json_get_value(&r).n, strlen("[-7,true,{}]"));
	assert_true(json_next_key(&r, &key));
	assert_true(json_get_str(&r, &s));
	assert_string_equal(buf_cstr(&s), "q\"\\\n\x01 \xc3\xa4");
	assert_true(json_next_key(&r, &key));
	assert_int_equal(json_get_int(&r), 0);
	assert_false(json_next_key(&r, &key));
	assert_true(json_done(&r));
}

static void
test_json_refuses(unused_arg void **state)
{
	static const char *const bad[] = { "", "{", "{}x", " {}", "{ }",
		"{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", "{\"a\":01}", "[1,]",
		"[-0]", "[9007199254740993]", "[1.0]", "[1e3]", "\"\\/\"",
		"\"\\u0041\"", "\"\\u000a\"", "\"\\u001F\"", "\"\\u0000\"",
		"\"\x80\"", "\"\xc0\xaf\"", "\"\n\"", "\"a", "tru", "null",
		"NaN", "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
		"{\"\\u0061\":1}", "{\"a\"}", "[1 ,2]", "\"\\\"" };
	size_t i;

	for (i = 0; i < countof(bad); i++)
		if (json_valid(bytes_str(bad[i])))
			fail_msg("accepted %s", bad[i]);
	assert_true(json_valid(bytes_str("[[1],{\"a\":{\"b\":[]}},\"x\"]")));
	assert_true(json_valid(bytes_str("9007199254740992")));
}

static void
test_escaped(unused_arg void **state)
{
	auto_buf struct buf b = { 0 };

	buf_add_escaped(&b, bytes_of("a\x1b[0m\\\xc2\x9b\xff\xc3\xa4", 11));
	assert_string_equal(buf_cstr(&b),
	    "a\\x1b[0m\\x5c\\xc2\\x9b\\xff\xc3\xa4");
}

static void
test_visible(unused_arg void **state)
{
	auto_buf struct buf b = { 0 };

	buf_add_visible(&b, bytes_of("a\x1b[0m\\\xc2\x9b\xff\xc3\xa4", 11));
	assert_string_equal(buf_cstr(&b), "a\\x1b[0m\\\\xc2\\x9b\\xff\xc3\xa4");
}

/* What is no file, or where none can be made. */
static void
test_no_files(unused_arg void **state)
{
	char dir[] = "/tmp/chancery-base-XXXXXX", name[256];
	auto_mem char *fifo = NULL, *gone = NULL, *longest = NULL;
	auto_buf struct buf b = { 0 };
	struct error e;

	assert_non_null(mkdtemp(dir));
	fifo = path_join(dir, "fifo");
	gone = path_join(dir, "gone/f");
	memset(name, 'a', 255);
	name[255] = '\0';
	longest = path_join(dir, name);
	assert_false(file_read(dir, 10, &b, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	/* Not waited for, when nobody writes to it. */
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_true(file_read(fifo, 10, &b, &e));
	assert_int_equal(b.n, 0);
	assert_false(file_check_creatable(gone, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(file_check_creatable(fifo, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	/* The temporary name is not longer than what a name may be. */
	assert_true(file_check_creatable(longest, &e));
	assert_true(file_create(longest, bytes_str("x"), 0600, &e));
	assert_int_equal(unlink(longest), 0);
	assert_int_equal(unlink(fifo), 0);
	/* Nothing was left. */
	assert_int_equal(rmdir(dir), 0);
}

static void
test_files(unused_arg void **state)
{
	char dir[] = "/tmp/chancery-base-XXXXXX";
	auto_mem char *path = NULL, *lock = NULL;
	auto_buf struct buf b = { 0 };
	auto_fd int fd = -1;
	struct error e;

	assert_non_null(mkdtemp(dir));
	path = path_join(dir, "f");
	lock = path_join(dir, "lock");
	assert_true(file_create(path, bytes_str("one"), 0600, &e));
	assert_false(file_create(path, bytes_str("two"), 0600, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	assert_true(file_read(path, 3, &b, &e));
	assert_string_equal(buf_cstr(&b), "one");
	assert_false(file_read(path, 2, &b, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_true(file_replace(path, bytes_str("two"), 0600, &e));
	fd = file_lock(lock, &e);
	assert_true(fd >= 0);
	assert_int_equal(file_lock(lock, &e), -1);
	assert_int_equal(e.why, FAIL_BUSY);
	assert_false(file_read("/nonexistent/x", 1, &b, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	(void)unlink(path);
	(void)unlink(lock);
	/* Nothing else was left behind. */
	assert_int_equal(rmdir(dir), 0);
}

static void
test_secret(unused_arg void **state)
{
	struct secret *s = secret_new(8);
	struct error e;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "1234\r\n", 6), 6);
	(void)close(p[1]);
	assert_true(secret_read_fd(s, p[0], &e));
	assert_int_equal(secret_len(s), 4);
	assert_memory_equal(secret_data(s), "1234", 4);
	assert_false(secret_set(s, "123456789", 9));
	(void)close(p[0]);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "123456789", 9), 9);
	(void)close(p[1]);
	assert_false(secret_read_fd(s, p[0], &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_null(strstr(e.msg, "1234"));
	(void)close(p[0]);
	secret_free(s);
}

/* Bug: a child drew the serials that its parent drew next. */
static void
test_random_after_fork(unused_arg void **state)
{
	uint8_t ours[20], theirs[20];
	int p[2];
	pid_t pid;

	random_bytes(ours, sizeof(ours));
	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		random_bytes(theirs, sizeof(theirs));
		_exit(write(p[1], theirs, sizeof(theirs)) !=
		    (ssize_t)sizeof(theirs));
	}
	random_bytes(ours, sizeof(ours));
	assert_int_equal(read(p[0], theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_memory_not_equal(ours, theirs, sizeof(ours));
	(void)close(p[0]);
	(void)close(p[1]);
}

/* Our AlgorithmIdentifier bytes are the ones that OpenSSL writes and reads. */
static void
test_algorithms(unused_arg void **state)
{
	unsigned i;

	for (i = 0; i < SIG_ALG__COUNT; i++) {
		const struct sig_alg_info *info = sig_alg_info((enum sig_alg)i);
		const uint8_t *p = info->der.p;
		X509_ALGOR *a = d2i_X509_ALGOR(NULL, &p, (long)info->der.n);
		unsigned char *out = NULL;
		enum sig_alg back;
		int n;

		assert_non_null(a);
		assert_ptr_equal(p, info->der.p + info->der.n);
		n = i2d_X509_ALGOR(a, &out);
		assert_int_equal(n, info->der.n);
		assert_memory_equal(out, info->der.p, n);
		assert_true(sig_alg_by_der(info->der, &back) && back == i);
		assert_true(sig_alg_by_name(info->name, &back) && back == i);
		OPENSSL_free(out);
		X509_ALGOR_free(a);
	}
	assert_false(sig_alg_fits(SIG_ECDSA_SHA256,
	    (struct key_type){ KEY_EC_P384, 0 }));
}

static void
test_errors(unused_arg void **state)
{
	struct error e;
	int i, j;

	assert_false(error_set(&e, FAIL_BAD_INPUT, "a\nb"));
	assert_string_equal(e.msg, "a b");
	assert_false(error_context(&e, "file %d", 3));
	assert_string_equal(e.msg, "file 3: a b");
	/* Exit codes tell reasons apart. */
	for (i = 0; i < FAIL__COUNT; i++)
		for (j = i + 1; j < FAIL__COUNT; j++)
			assert_int_not_equal(fail_exit((enum fail)i),
			    fail_exit((enum fail)j));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_json_round_trip),
		cmocka_unit_test(test_json_refuses),
		cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_random_after_fork),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
