/* SPDX-License-Identifier: Apache-2.0 */

/* Everything at once, from many threads that come and go; for ThreadSanitizer above all. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "store_util.h"

#define WRITERS 3
#define EACH 1500

struct crowd {
	struct store *s;
	atomic_bool stop;
	atomic_uint next_doc, answers;
};

struct member {
	struct crowd *c;
	uint32_t n;
};

/* Puts, reads back at once, revokes every fifth. */
static void *
writer(void *arg)
{
	struct member *m = arg;
	struct store *s = m->c->s;
	auto_buf struct buf mem = { 0 };
	struct store_cert c;

	for (uint32_t i = 0; i < EACH; i++) {
		uint32_t n = m->n * EACH + i;

		put_sample(s, n % 2 == 0 ? "a" : "b", n);
		if (n % 5 == 0)
			revoke_sample(s, n, 1790000001);
		assert_true(has_sample(s, n % 2 == 0 ? "a" : "b", n, &c, &mem));
		assert_int_equal(c.revoked_s, n % 5 == 0 ? 1790000001 : 0);
		if (i % 50 == 0) {
			ok(store_sync(s, &e));
			ok(store_position_put(s, ORIGIN, i, &e));
		}
	}
	return NULL;
}

struct page {
	uint8_t last[LIMIT_SERIAL_BYTES];
	size_t n;
};

static bool
take_row(void *arg, const struct store_cert *c)
{
	struct page *p = arg;

	if (p->n > 0)
		assert_true(memcmp(c->serial, p->last, LIMIT_SERIAL_BYTES) > 0);
	memcpy(p->last, c->serial, LIMIT_SERIAL_BYTES);
	p->n++;
	return true;
}

/* One pass over all pages, in a thread that ends then. */
static void *
one_list(void *arg)
{
	struct member *m = arg;
	struct store_cert_query q = { .mount = m->n % 2 == 0 ? "a" : "b",
		.limit = 200,
		.revoked_only = m->n % 3 == 0,
		.with_der = m->n % 5 == 0 };
	struct page p = { 0 };
	uint64_t certs, revoked;
	size_t before;

	do {
		before = p.n;
		q.after = p.n == 0 ? NULL : p.last;
		ok(store_cert_list(m->c->s, &q, take_row, &p, &e));
	} while (p.n > before);
	ok(store_cert_count(m->c->s, NULL, &certs, &revoked, &e));
	assert_true(certs <= 2 * WRITERS * EACH);
	return NULL;
}

static void *
lister(void *arg)
{
	struct member *m = arg;
	struct member one = { .c = m->c };
	pthread_t thread;

	for (; !atomic_load(&m->c->stop); one.n++) {
		assert_int_equal(pthread_create(&thread, NULL, one_list, &one),
		    0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	return NULL;
}

static void
answered(void *arg, bool done, unused_arg const struct error *e)
{
	struct crowd *c = arg;

	assert_true(done);
	(void)atomic_fetch_add(&c->answers, 1);
}

static void *
keeper(void *arg)
{
	struct member *m = arg;
	auto_buf struct buf mem = { 0 };
	struct store_secret_change c = { .op = STORE_SECRET_PUT,
		.row = { .kind = "token", .scope = "", .alias = "one" } };
	struct store_secret r;
	unsigned asked = 0;
	char text[16];

	while (!atomic_load(&m->c->stop) || asked == 0) {
		(void)snprintf(text, sizeof(text), "%u", asked);
		c.row.value = bytes_str(text);
		store_secrets_write(m->c->s, &c, 1, answered, m->c);
		asked++;
		while (atomic_load(&m->c->answers) < asked)
			;
		ok(store_secret_by_alias(m->c->s, "token", "one", 1, &r, &mem,
		    &e));
		assert_true(bytes_eq(r.value, c.row.value));
		ok(store_secret_expire(m->c->s, 1, 10, &e));
	}
	return NULL;
}

static void *
configurer(void *arg)
{
	struct member *m = arg;
	uint64_t version, last = 0, n = 0;

	while (!atomic_load(&m->c->stop) || n == 0) {
		auto_buf struct buf value = { 0 };

		apply_docs(m->c->s, n++,
		    "[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"put\","
		    "\"scope\":\"\",\"value\":1}]");
		ok(store_doc_get(m->c->s, "k", "", "n", &value, &version, &e));
		assert_true(version > last);
		last = version;
	}
	return NULL;
}

static void
test_crowd(void **state)
{
	const struct store_fixture *f = *state;
	static void *(*const others[])(
	    void *) = { lister, lister, keeper, configurer };
	struct crowd c = { .s = f->s };
	struct member member[WRITERS + countof(others)];
	pthread_t thread[WRITERS + countof(others)];
	struct store_report r;
	uint64_t certs, revoked;

	for (uint32_t i = 0; i < countof(member); i++) {
		member[i] = (struct member){ .c = &c, .n = i };
		assert_int_equal(pthread_create(&thread[i], NULL,
				     i < WRITERS ? writer : others[i - WRITERS],
				     &member[i]),
		    0);
	}
	for (size_t i = 0; i < countof(member); i++) {
		if (i == WRITERS)
			atomic_store(&c.stop, true);
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	}
	ok(store_sync(f->s, &e));
	ok(store_cert_count(f->s, NULL, &certs, &revoked, &e));
	assert_int_equal(certs, WRITERS * EACH);
	assert_int_equal(revoked, WRITERS * EACH / 5);
	ok(store_check(f->s, &r, &e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crowd, store_setup,
		    store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
