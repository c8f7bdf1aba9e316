/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include <chancery/base/clock.h>
#include <chancery/hsm/queue.h>

#include "softtoken.h"

/* The queue alone, with a fake worker; then with a token behind it. */

/* Input byte 0 tells the fake what to do. */
enum {
	DO_SIGN,
	DO_FAIL,
	DO_HANG,
	DO_WAIT,   /* for a device */
	DO_COMPUTE /* about as long */
};

struct fake {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open; /* hanging calls may return                        */
	unsigned hanging, returned;
};

static struct fake fake = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
	false, 0, 0 };

static void
fake_hang(struct fake *f)
{
	(void)pthread_mutex_lock(&f->lock);
	f->hanging++;
	(void)pthread_cond_broadcast(&f->changed);
	while (!f->open)
		(void)pthread_cond_wait(&f->changed, &f->lock);
	f->returned++;
	(void)pthread_cond_broadcast(&f->changed);
	(void)pthread_mutex_unlock(&f->lock);
}

static void
fake_wait(void)
{
	const struct timespec ts = { 0, 3000000 };

	(void)nanosleep(&ts, NULL);
}

static void
fake_compute(void)
{
	const int64_t until = clock_thread_cpu_ns() + 300000;

	while (clock_thread_cpu_ns() < until)
		continue;
}

static bool
fake_sign(void *arg, unused_arg struct hsm_key *key,
    unused_arg enum sig_alg alg, struct bytes in, struct buf *sig,
    unsigned *attempts, struct error *e)
{
	*attempts = 1;
	if (in.p[0] == DO_HANG)
		fake_hang(arg);
	if (in.p[0] == DO_WAIT)
		fake_wait();
	if (in.p[0] == DO_COMPUTE)
		fake_compute();
	if (in.p[0] == DO_FAIL)
		return error_set(e, FAIL_HSM_GONE, "fake: gone");
	/* Reads the input after any hang: asan sees a borrowed one. */
	buf_add_bytes(sig, in);
	return true;
}

static struct key_queue *
fake_queue(unsigned workers, unsigned deadline_ms)
{
	const struct key_queue_config cfg = { workers, deadline_ms, fake_sign,
		&fake };

	fake.open = false;
	fake.hanging = fake.returned = 0;
	return key_queue_new(&cfg);
}

static void
submit(struct key_queue *q, uint64_t id, uint8_t what, size_t n)
{
	uint8_t *in = mem_calloc(1, n);
	const struct key_job job = { .id = id,
		.alg = SIG_ED25519,
		.in = { in, n } };
	struct error e = { 0 };

	in[0] = what;
	must(key_queue_submit(q, &job, &e), &e, "submit");
	key_queue_start(q);
	mem_free(in);
}

static void
wait_hanging(unsigned n)
{
	(void)pthread_mutex_lock(&fake.lock);
	while (fake.hanging < n)
		(void)pthread_cond_wait(&fake.changed, &fake.lock);
	(void)pthread_mutex_unlock(&fake.lock);
}

static void
let_go(unsigned until_returned)
{
	(void)pthread_mutex_lock(&fake.lock);
	fake.open = true;
	(void)pthread_cond_broadcast(&fake.changed);
	while (fake.returned < until_returned)
		(void)pthread_cond_wait(&fake.changed, &fake.lock);
	(void)pthread_mutex_unlock(&fake.lock);
}

static bool
readable(const struct key_queue *q)
{
	struct pollfd p = { key_queue_fd(q), POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

static void
run_many(unsigned workers)
{
	struct key_queue *q = fake_queue(workers, 0);
	struct key_done done[64];
	bool seen[500] = { false };
	size_t got = 0;

	for (size_t i = 0; i < countof(seen); i++)
		submit(q, i, i % 5 == 0 ? DO_FAIL : DO_SIGN, 1 + i);
	assert_int_equal(key_queue_in_flight(q), countof(seen));
	while (got < countof(seen)) {
		size_t n = key_queue_collect(q, done, countof(done), -1);

		assert_true(n > 0);
		for (size_t i = 0; i < n; i++) {
			const struct key_done *d = &done[i];

			assert_false(seen[d->id]);
			seen[d->id] = true;
			assert_int_equal(d->ok, d->id % 5 != 0);
			assert_int_equal(d->attempts, 1);
			if (d->ok)
				assert_int_equal(d->sig_len, 1 + d->id);
			else
				assert_int_equal(d->err.why, FAIL_HSM_GONE);
		}
		got += n;
	}
	assert_int_equal(key_queue_in_flight(q), 0);
	assert_int_equal(key_queue_collect(q, done, 1, -1), 0);
	key_queue_free(q);
}

static void
test_many(unused_arg void **state)
{
	run_many(1);
	run_many(4);
	run_many(KEY_WORKERS_AUTO);
}

static void
test_inline(unused_arg void **state)
{
	struct key_queue *q = fake_queue(0, 0);
	struct key_done done[2];

	run_many(0);
	assert_int_equal(key_queue_fd(q), -1);
	submit(q, 1, DO_SIGN, 1);
	submit(q, 2, DO_SIGN, 1);
	submit(q, 3, DO_SIGN, 1);
	assert_int_equal(key_queue_collect(q, done, 0, 0), 0);
	assert_int_equal(key_queue_collect(q, done, 2, 0), 2);
	assert_int_equal(done[0].id, 1);
	assert_int_equal(done[1].id, 2);
	assert_int_equal(key_queue_in_flight(q), 1);
	key_queue_free(q);
}

static void
test_fd(unused_arg void **state)
{
	struct key_queue *q = fake_queue(1, 0);
	struct pollfd p = { key_queue_fd(q), POLLIN, 0 };
	struct key_done done[2];

	assert_false(readable(q));
	assert_int_equal(key_queue_collect(q, done, 2, 0), 0);
	for (uint64_t id = 0; id < 3; id++)
		submit(q, id, DO_SIGN, 1);
	assert_int_equal(poll(&p, 1, -1), 1);
	/* Two at most of three: one is left, so it stays readable. */
	for (size_t left = 3; left > 0;) {
		assert_int_equal(poll(&p, 1, -1), 1);
		left -= key_queue_collect(q, done, 2, 0);
	}
	assert_false(readable(q));
	key_queue_free(q);
}

static void
test_full(unused_arg void **state)
{
	struct key_queue *q = fake_queue(0, 0);
	const uint8_t in = DO_SIGN;
	const struct key_job job = { .in = { &in, 1 } };
	struct error e = { 0 };

	for (size_t i = 0; i < LIMIT_IN_FLIGHT; i++)
		assert_true(key_queue_submit(q, &job, &e));
	assert_false(key_queue_submit(q, &job, &e));
	assert_int_equal(e.why, FAIL_BUSY);
	key_queue_free(q);
}

/* A hung call costs its job and its worker, not the queue; what comes of it in
 * the end is dropped. */
static void
test_hang(unused_arg void **state)
{
	struct key_queue *q = fake_queue(2, 50);
	struct key_done done[4];

	submit(q, 1, DO_HANG, 200);
	wait_hanging(1);
	submit(q, 2, DO_SIGN, 1);
	assert_int_equal(key_queue_collect(q, done, 4, -1), 1);
	assert_int_equal(done[0].id, 2);
	assert_true(done[0].ok);
	assert_int_equal(key_queue_collect(q, done, 4, -1), 1);
	assert_int_equal(done[0].id, 1);
	assert_false(done[0].ok);
	assert_int_equal(done[0].err.why, FAIL_TIMEOUT);
	assert_int_equal(done[0].attempts, 1);
	assert_int_equal(key_queue_in_flight(q), 0);
	let_go(1);
	/* The freed worker, or the other one, still works. */
	submit(q, 3, DO_SIGN, 1);
	assert_int_equal(key_queue_collect(q, done, 4, -1), 1);
	assert_int_equal(done[0].id, 3);
	key_queue_free(q);
}

/* All workers hang: what waits behind them provably was not signed. */
static void
test_hang_all(unused_arg void **state)
{
	struct key_queue *q = fake_queue(1, 50);
	struct key_done done[4];
	size_t n = 0;

	submit(q, 1, DO_HANG, 1);
	wait_hanging(1);
	submit(q, 2, DO_SIGN, 1);
	while (n < 2)
		n += key_queue_collect(q, done + n, 4 - n, -1);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(done[i].err.why, FAIL_TIMEOUT);
		assert_int_equal(done[i].attempts, done[i].id == 1 ? 1 : 0);
	}
	/* Gone before its worker: that one cleans up. */
	key_queue_free(q);
	let_go(1);
}

static void
test_collect_waits(unused_arg void **state)
{
	struct key_queue *q = fake_queue(1, 0);
	struct key_done done[1];

	submit(q, 1, DO_HANG, 1);
	wait_hanging(1);
	assert_int_equal(key_queue_collect(q, done, 1, 20), 0);
	assert_int_equal(key_queue_in_flight(q), 1);
	let_go(1);
	assert_int_equal(key_queue_collect(q, done, 1, -1), 1);
	key_queue_free(q);
}

/* What arrives while workers have enough to do can wait: there is a wake-up coming. */
static void
test_gathering(unused_arg void **state)
{
	struct key_queue *q = fake_queue(1, 0);
	struct key_done done[4];
	size_t n = 0;

	assert_false(key_queue_is_gathering(q));
	submit(q, 1, DO_HANG, 1);
	wait_hanging(1);
	/* Nothing waits: who comes now is next. */
	assert_false(key_queue_is_gathering(q));
	submit(q, 2, DO_SIGN, 1);
	submit(q, 3, DO_SIGN, 1);
	assert_true(key_queue_is_gathering(q));
	assert_false(readable(q));
	let_go(1);
	while (n < 3)
		n += key_queue_collect(q, done, countof(done), -1);
	assert_false(key_queue_is_gathering(q));
	assert_false(readable(q));
	key_queue_free(q);
}

/* Completions that were told of and not taken are there at once, however much was
 * submitted since. */
static void
test_told_then_more(unused_arg void **state)
{
	struct key_queue *q = fake_queue(1, 0);
	struct pollfd p = { key_queue_fd(q), POLLIN, 0 };
	struct key_done done[4];
	size_t n = 0;

	submit(q, 1, DO_SIGN, 1);
	assert_int_equal(poll(&p, 1, -1), 1);
	submit(q, 2, DO_HANG, 1);
	wait_hanging(1);
	submit(q, 3, DO_SIGN, 1);
	submit(q, 4, DO_SIGN, 1);
	assert_int_equal(key_queue_collect(q, done, countof(done), -1), 1);
	assert_int_equal(done[0].id, 1);
	assert_false(readable(q));
	let_go(1);
	while (n < 3)
		n += key_queue_collect(q, done, countof(done), -1);
	key_queue_free(q);
}

/* All of `n` jobs that do this; how many workers it came to. */
static unsigned
workers_for(uint8_t what, size_t n)
{
	struct key_queue *q = fake_queue(KEY_WORKERS_AUTO, 0);
	struct key_done done[64];
	unsigned workers;
	size_t got = 0;

	for (size_t i = 0; i < n; i++)
		submit(q, i, what, 1);
	while (got < n)
		got += key_queue_collect(q, done, countof(done), -1);
	workers = key_queue_workers(q);
	key_queue_free(q);
	return workers;
}

/* One a processor while they compute, many while they wait for a device. */
static void
test_auto_follows_the_calls(unused_arg void **state)
{
	const unsigned computing = workers_for(DO_COMPUTE, 200);
	const unsigned waiting = workers_for(DO_WAIT, 200);

	assert_true(computing >= 2);
	assert_true(waiting > 2 * computing || waiting == LIMIT_HSM_SESSIONS);
}

/* Calls that hang take the places of all that compute; others get theirs all the same,
 * long before a deadline. */
static void
test_auto_late_calls_hold_up_nobody(unused_arg void **state)
{
	struct key_queue *q = fake_queue(KEY_WORKERS_AUTO, 0);
	const unsigned places = key_queue_workers(q);
	struct key_done done[4];

	for (unsigned i = 0; i < places; i++)
		submit(q, i, DO_HANG, 1);
	wait_hanging(places);
	submit(q, places, DO_SIGN, 1);
	assert_int_equal(key_queue_collect(q, done, countof(done), -1), 1);
	assert_int_equal(done[0].id, places);
	assert_true(done[0].ok);
	let_go(places);
	key_queue_free(q);
}

static void
sign_through(struct hsm_key *k, unsigned workers)
{
	const struct key_queue_config cfg = { .workers = workers };
	struct key_queue *q = key_queue_new(&cfg);
	struct key_done done[16];
	uint8_t digest[32] = { 7 };
	size_t got = 0;

	for (uint64_t id = 0; id < 40; id++) {
		const struct key_job job = { .id = id,
			.key = k,
			.alg = SIG_ECDSA_SHA256,
			.in = { digest, sizeof(digest) } };
		struct error e = { 0 };

		must(key_queue_submit(q, &job, &e), &e, "submit");
	}
	while (got < 40) {
		size_t n = key_queue_collect(q, done, countof(done), -1);

		for (size_t i = 0; i < n; i++)
			must(done[i].ok, &done[i].err, "sign");
		got += n;
	}
	key_queue_free(q);
}

static void
test_token(unused_arg void **state)
{
	struct softtoken soft;
	struct hsm_key *k;

	softtoken_make(&soft);
	softtoken_open(&soft, SOFTHSM_MODULE, true);
	k = softtoken_key(&soft, "ec-p256", "queue");
	sign_through(k, 0);
	sign_through(k, 3);
	sign_through(k, KEY_WORKERS_AUTO);
	hsm_key_close(k);
	softtoken_remove(&soft);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_fd),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_hang_all),
		cmocka_unit_test(test_collect_waits),
		cmocka_unit_test(test_gathering),
		cmocka_unit_test(test_told_then_more),
		cmocka_unit_test(test_auto_follows_the_calls),
		cmocka_unit_test(test_auto_late_calls_hold_up_nobody),
		cmocka_unit_test(test_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
