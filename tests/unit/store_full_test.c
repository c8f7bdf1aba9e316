/* SPDX-License-Identifier: Apache-2.0 */

/* A disk without room, as a limit on the size of files makes it: nothing that was taken is
 * lost, what is refused leaves a gap that a catch-up closes. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_util.h"

static void
limit_files(rlim_t octets)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = octets;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void
disk_full(void)
{
	limit_files(4096);
}

static void
disk_free(void)
{
	limit_files(RLIM_INFINITY);
}

static int
setup(void **state)
{
	(void)signal(SIGXFSZ, SIG_IGN);
	return store_setup(state);
}

static int
teardown(void **state)
{
	disk_free();
	return store_teardown(state);
}

#define DOC(v)                                                                 \
	"[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"put\",\"scope\":\"\","       \
	"\"value\":" #v "}]"

/* Until the writer has succeeded once more. */
static void
recovered(struct store *s)
{
	struct error err;

	for (int i = 0; i < 1000; i++) {
		if (store_sync(s, &err))
			return;
		(void)usleep(10000);
	}
	fail_msg("%s", err.msg);
}

static void
test_rows_stay(void **state)
{
	struct store_fixture *f = *state;
	auto_buf struct buf mem = { 0 };
	struct store_cert c;

	put_sample(f->s, "pki", 1);
	ok(store_sync(f->s, &e));
	disk_full();
	for (uint32_t n = 2; n < 300; n++)
		put_sample(f->s, "pki", n);
	revoke_sample(f->s, 1, 1790000001);
	fails(FAIL_IO, store_sync(f->s, &e));
	for (uint32_t n = 1; n < 300; n++)
		assert_true(has_sample(f->s, "pki", n, &c, &mem));
	assert_int_equal(store_gaps(f->s), 0);
	disk_free();
	recovered(f->s);
	store_reopen(f);
	for (uint32_t n = 1; n < 300; n++)
		assert_true(has_sample(f->s, "pki", n, &c, &mem));
}

/* Full in memory as well: the reason is told, the position waits for a catch-up. */
static void
test_gap(void **state)
{
	const struct store_fixture *f = *state;
	auto_buf struct buf der = { 0 };
	struct store_cert c;
	struct error err = { 0 };
	uint64_t gaps, at;
	uint32_t n = 0;

	ok(store_position_put(f->s, ORIGIN, 5, &e));
	ok(store_sync(f->s, &e));
	disk_full();
	put_sample(f->s, "pki", n++);
	fails(FAIL_IO, store_sync(f->s, &e));
	do
		c = sample_cert("pki", n++, &der);
	while (store_cert_put(f->s, &c, &err));
	assert_int_equal(err.why, FAIL_IO);
	gaps = store_gaps(f->s);
	assert_int_not_equal(gaps, 0);
	fails(FAIL_IO, store_room(f->s, &e));
	disk_free();
	recovered(f->s);
	ok(store_position_put(f->s, ORIGIN, 99, &e));
	ok(store_sync(f->s, &e));
	ok(store_position(f->s, ORIGIN, &at, &e));
	assert_int_equal(at, 5);
	store_gaps_closed(f->s, gaps - 1);
	assert_int_equal(store_gaps(f->s), gaps);
	store_gaps_closed(f->s, gaps);
	assert_int_equal(store_gaps(f->s), 0);
	ok(store_position_put(f->s, ORIGIN, 99, &e));
	ok(store_sync(f->s, &e));
	ok(store_position(f->s, ORIGIN, &at, &e));
	assert_int_equal(at, 99);
}

/* A change that failed is not passed over by the next one. */
static void
test_changes_stand_in_order(void **state)
{
	const struct store_fixture *f = *state;
	auto_buf struct buf value = { 0 };

	apply_docs(f->s, 1, DOC(1));
	disk_full();
	fails(FAIL_IO,
	    store_docs_apply(f->s, bytes_str(DOC(2)), ORIGIN, 2, &e));
	disk_free();
	assert_int_not_equal(store_gaps(f->s), 0);
	fails(FAIL_BUSY,
	    store_docs_apply(f->s, bytes_str(DOC(3)), ORIGIN, 3, &e));
	ok(store_doc_get(f->s, "k", "", "n", &value, NULL, &e));
	assert_string_equal(buf_cstr(&value), "1");
	apply_docs(f->s, 2, DOC(2));
	apply_docs(f->s, 3, DOC(3));
	buf_reset(&value);
	ok(store_doc_get(f->s, "k", "", "n", &value, NULL, &e));
	assert_string_equal(buf_cstr(&value), "3");
}

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool there;
	enum fail why;
};

static void
answered(void *arg, bool done, const struct error *e)
{
	struct answer *a = arg;

	(void)pthread_mutex_lock(&a->lock);
	a->there = true;
	a->why = done ? FAIL_NONE : e->why;
	(void)pthread_cond_signal(&a->cond);
	(void)pthread_mutex_unlock(&a->lock);
}

static enum fail
write_secret(struct store *s)
{
	struct answer a = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER };
	struct store_secret_change c = { .op = STORE_SECRET_PUT,
		.row = { .kind = "token",
		    .scope = "",
		    .value = bytes_str("{}") } };

	store_secrets_write(s, &c, 1, answered, &a);
	(void)pthread_mutex_lock(&a.lock);
	while (!a.there)
		(void)pthread_cond_wait(&a.cond, &a.lock);
	(void)pthread_mutex_unlock(&a.lock);
	return a.why;
}

static void
test_secrets_are_refused(void **state)
{
	const struct store_fixture *f = *state;
	auto_buf struct buf mem = { 0 };
	struct sha256 key = { 0 };
	struct store_secret r;

	disk_full();
	assert_int_equal(write_secret(f->s), FAIL_IO);
	fails(FAIL_NOT_FOUND,
	    store_secret_get(f->s, "token", &key, 1, &r, &mem, &e));
	disk_free();
	assert_int_equal(write_secret(f->s), FAIL_NONE);
	ok(store_secret_get(f->s, "token", &key, 1, &r, &mem, &e));
	ok(store_alive(f->s, &e));
}

/* Closing tells that something is not written. */
static void
test_close_tells(void **state)
{
	struct store_fixture *f = *state;

	disk_full();
	put_sample(f->s, "pki", 1);
	fails(FAIL_IO, store_close(take(f->s), &e));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rows_stay),
		TEST(test_gap),
		TEST(test_changes_stand_in_order),
		TEST(test_secrets_are_refused),
		TEST(test_close_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
