/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates in the store: reading what waits, idempotence, pages, counts, mounts. */
#include "store_util.h"

static struct store *
store_of(void **state)
{
	const struct store_fixture *f = *state;

	return f->s;
}

static void
test_put_is_read_at_once(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf mem = { 0 };
	struct store_cert c;

	for (uint32_t n = 0; n < 600; n++) {
		put_sample(s, "pki", n);
		assert_true(has_sample(s, "pki", n, &c, &mem));
		assert_string_equal(c.mount, "pki");
		assert_true(has_sample(s, "pki", n / 2, &c, &mem));
		assert_false(has_sample(s, "other", n, &c, &mem));
	}
	ok(store_sync(s, &e));
	for (uint32_t n = 0; n < 600; n++)
		assert_true(has_sample(s, "pki", n, &c, &mem));
	assert_false(has_sample(s, "pki", 600, &c, &mem));
}

static void
test_any_mount(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf der = { 0 };
	auto_buf struct buf mem = { 0 };
	struct store_cert c = sample_cert("pki", 1, &der), got;

	for (int i = 0; i < 2; i++) {
		put_sample(s, i == 0 ? "a" : "b", 1 + (uint32_t)i);
		ok(store_cert_get(s, NULL, c.serial, &got, &mem, &e));
		assert_string_equal(got.mount, "a");
		ok(store_sync(s, &e));
	}
	ok(store_cert_get(s, NULL, c.serial, &got, &mem, &e));
	assert_string_equal(got.mount, "a");
}

static void
counts_are(struct store *s, const char *mount, uint64_t certs, uint64_t revoked)
{
	uint64_t c = 77, r = 77;

	ok(store_cert_count(s, mount, &c, &r, &e));
	assert_int_equal(c, certs);
	assert_int_equal(r, revoked);
}

static void
test_put_again_changes_nothing(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf mem = { 0 };
	struct store_cert c;
	struct sha256 before, after;

	put_sample(s, "pki", 1);
	put_sample(s, "pki", 1);
	revoke_sample(s, 1, 1790000500);
	ok(store_sync(s, &e));
	before = store_sum(s);
	put_sample(s, "pki", 1);
	/* Revoked, although a put of it waits. */
	assert_true(has_sample(s, "pki", 1, &c, &mem));
	assert_int_equal(c.revoked_s, 1790000500);
	revoke_sample(s, 1, 1790000900);
	after = store_sum(s);
	assert_memory_equal(&before, &after, sizeof(before));
	counts_are(s, "pki", 1, 1);
}

static void
test_revocation_is_read_at_once(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf mem = { 0 };
	struct store_cert c;

	put_sample(s, "pki", 1);
	put_sample(s, "pki", 2);
	revoke_sample(s, 1, 1790000500);
	for (int i = 0; i < 2; i++) {
		assert_true(has_sample(s, "pki", 1, &c, &mem));
		assert_int_equal(c.revoked_s, 1790000500);
		assert_int_equal(c.reason, 4);
		assert_int_equal(c.revoke_index, 1000001);
		assert_true(has_sample(s, "pki", 2, &c, &mem));
		assert_int_equal(c.revoked_s, 0);
		ok(store_sync(s, &e));
	}
	/* A certificate that the store does not have: only on lists of the signer. */
	revoke_sample(s, 99, 1790000500);
	ok(store_sync(s, &e));
	counts_are(s, NULL, 2, 1);
	put_sample(s, "pki", 99);
	assert_true(has_sample(s, "pki", 99, &c, &mem));
	ok(store_sync(s, &e));
	assert_true(has_sample(s, "pki", 99, &c, &mem));
	assert_int_equal(c.revoked_s, 0);
}

static void
test_put_with_revocation(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf der = { 0 };
	auto_buf struct buf mem = { 0 };
	struct store_cert c = sample_cert("", 5, &der), got;

	c.index = UINT64_MAX;
	c.revoked_s = 1790000001;
	c.reason = 1;
	c.revoke_index = 44;
	ok(store_cert_put(s, &c, &e));
	for (int i = 0; i < 2; i++) {
		ok(store_cert_get(s, "", c.serial, &got, &mem, &e));
		assert_true(got.index == UINT64_MAX);
		assert_int_equal(got.revoked_s, 1790000001);
		assert_int_equal(got.revoke_index, 44);
		ok(store_sync(s, &e));
	}
	counts_are(s, "", 1, 1);
}

/* ---- lists ------------------------------------------------------------- */

struct seen {
	size_t n, stop_after;
	uint8_t last[LIMIT_SERIAL_BYTES];
	size_t ders, revoked;
};

static bool
see(void *arg, const struct store_cert *c)
{
	struct seen *s = arg;

	if (s->n > 0)
		assert_true(memcmp(c->serial, s->last, LIMIT_SERIAL_BYTES) > 0);
	memcpy(s->last, c->serial, LIMIT_SERIAL_BYTES);
	s->ders += c->der.n > 0;
	s->revoked += c->revoked_s != 0;
	return ++s->n != s->stop_after;
}

/* All pages; how many rows, ascending over all of them. */
static struct seen
list_all(struct store *s, struct store_cert_query q)
{
	struct seen all = { 0 };
	size_t before;

	do {
		before = all.n;
		q.after = all.n == 0 ? NULL : all.last;
		ok(store_cert_list(s, &q, see, &all, &e));
		assert_true(all.n - before <= q.limit);
	} while (all.n > before);
	return all;
}

static void
test_pages_merge_what_waits(void **state)
{
	struct store *s = store_of(state);
	static const size_t limits[] = { 1, 7, 100, 100000 };
	struct store_cert_query q = { .mount = "pki" };
	struct seen all;

	for (uint32_t n = 0; n < 200; n++)
		put_sample(s, n % 4 == 3 ? "other" : "pki", n);
	ok(store_sync(s, &e));
	for (uint32_t n = 200; n < 300; n++)
		put_sample(s, n % 4 == 3 ? "other" : "pki", n);
	for (uint32_t n = 0; n < 10; n++)
		put_sample(s, n % 4 == 3 ? "other" : "pki", n);
	for (size_t i = 0; i < countof(limits); i++) {
		q.limit = limits[i];
		all = list_all(s, q);
		assert_int_equal(all.n, 225);
		assert_int_equal(all.ders, 0);
	}
	q.with_der = true;
	all = list_all(s, q);
	assert_int_equal(all.ders, 225);
	q.limit = 0;
	assert_int_equal(list_all(s, q).n, 0);
	q.limit = 10;
	q.mount = "nowhere";
	assert_int_equal(list_all(s, q).n, 0);
}

static void
test_list_stops(void **state)
{
	struct store *s = store_of(state);
	struct store_cert_query q = { .mount = "pki", .limit = 100 };
	struct seen seen = { .stop_after = 5 };

	for (uint32_t n = 0; n < 20; n++) {
		put_sample(s, "pki", n);
		if (n == 10)
			ok(store_sync(s, &e));
	}
	ok(store_cert_list(s, &q, see, &seen, &e));
	assert_int_equal(seen.n, 5);
}

static void
test_list_of_revoked(void **state)
{
	struct store *s = store_of(state);
	struct store_cert_query q = { .mount = "pki",
		.limit = 3,
		.revoked_only = true };
	struct seen all;

	for (uint32_t n = 0; n < 40; n++)
		put_sample(s, n < 30 ? "pki" : "other", n);
	for (uint32_t n = 0; n < 10; n++)
		revoke_sample(s, n, 1790000001);
	ok(store_sync(s, &e));
	/* In the file, waiting for it in whole, and with a revocation that waits. */
	for (uint32_t n = 40; n < 50; n++)
		put_sample(s, "pki", n);
	for (uint32_t n = 5; n < 15; n++)
		revoke_sample(s, n, 1790000002);
	for (uint32_t n = 28; n < 45; n++)
		revoke_sample(s, n, 1790000002);
	for (int i = 0; i < 2; i++) {
		all = list_all(s, q);
		assert_int_equal(all.n, 15 + 2 + 5);
		assert_int_equal(all.revoked, all.n);
		ok(store_sync(s, &e));
	}
	q.with_der = true;
	assert_int_equal(list_all(s, q).ders, 22);
	counts_are(s, "pki", 40, 22);
	counts_are(s, "other", 10, 10);
	counts_are(s, NULL, 50, 32);
}

static bool
count_row(void *arg, unused_arg const struct store_cert *c)
{
	size_t *n = arg;

	(*n)++;
	return true;
}

/* Foreign certificates: small serials that several issuers have. */
static void
test_equal_serials(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf der = { 0 };
	struct store_cert c = sample_cert("", 1, &der);
	struct store_cert_query q = { .mount = "", .limit = 2 };
	size_t n = 0;

	memset(c.serial, 0, sizeof(c.serial));
	for (uint8_t serial = 1; serial < 4; serial++)
		for (uint8_t issuer = 0; issuer < 3; issuer++) {
			c.serial[LIMIT_SERIAL_BYTES - 1] = serial;
			c.issuer_key.b[5] = issuer;
			ok(store_cert_put(s, &c, &e));
			if (serial == 2)
				ok(store_sync(s, &e));
		}
	ok(store_cert_list(s, &q, count_row, &n, &e));
	assert_int_equal(n, 3);
	c.serial[LIMIT_SERIAL_BYTES - 1] = 1;
	q.after = c.serial;
	q.limit = 4;
	n = 0;
	ok(store_cert_list(s, &q, count_row, &n, &e));
	assert_int_equal(n, 6);
}

static void
test_not_stored(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf der = { 0 };
	auto_buf struct buf mem = { 0 };
	struct store_cert c = sample_cert("pki", 1, &der), got;
	struct store_cert_query q = { .mount = "pki", .limit = 10 };

	c.der = (struct bytes){ 0 };
	ok(store_cert_put(s, &c, &e));
	put_sample(s, "pki", 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(list_all(s, q).n, 1);
		ok(store_cert_get(s, "pki", c.serial, &got, &mem, &e));
		assert_int_equal(got.der.n, 0);
		assert_int_equal(got.index, c.index);
		counts_are(s, "pki", 1, 0);
		ok(store_sync(s, &e));
	}
	revoke_sample(s, 1, 1790000001);
	q.revoked_only = true;
	assert_int_equal(list_all(s, q).n, 1);
	ok(store_sync(s, &e));
	assert_int_equal(list_all(s, q).n, 1);
	counts_are(s, "pki", 1, 1);
}

/* ---- away -------------------------------------------------------------- */

#define MOUNT(op, value)                                                       \
	"[{\"kind\":\"mount\",\"name\":\"pki\",\"op\":\"" op                   \
	"\",\"scope\":\"\"" value "}]"
#define MADE MOUNT("put", ",\"value\":{\"type\":\"pki\"}")
#define TUNED MOUNT("put", ",\"value\":{\"type\":\"pki\",\"v\":2}")
#define REMOVED MOUNT("delete", "")

static void
test_mount_takes_its_certificates_along(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf mem = { 0 };
	struct store_cert_query q = { .mount = "pki", .limit = 10 };
	struct store_cert c;
	struct store_report r;

	apply_docs(s, 0, MADE);
	for (uint32_t n = 1; n < 1500; n++)
		put_sample(s, "pki", n);
	put_sample(s, "other", 2000);
	apply_docs(s, 3500, TUNED);
	counts_are(s, "pki", 1499, 0);
	apply_docs(s, 4000, REMOVED);
	counts_are(s, "pki", 0, 0);
	assert_false(has_sample(s, "pki", 7, &c, &mem));
	assert_int_equal(list_all(s, q).n, 0);
	/* Signed before it was removed (record 3401), late in the store. */
	put_sample(s, "pki", 1700);
	/* Under way when it was removed (record 4401): gone when a new one is made. */
	put_sample(s, "pki", 2200);
	ok(store_sync(s, &e));
	assert_false(has_sample(s, "pki", 1700, &c, &mem));
	assert_true(has_sample(s, "pki", 2200, &c, &mem));
	apply_docs(s, 5000, MADE);
	assert_false(has_sample(s, "pki", 2200, &c, &mem));
	put_sample(s, "pki", 2600);
	assert_true(has_sample(s, "pki", 2600, &c, &mem));
	ok(store_sync(s, &e));
	ok(store_check(s, &r, &e));
	assert_int_equal(r.certs, 2);
}

/* The rows of a removed mount go in the background, and after a restart. */
static void
test_removed_mount_is_reclaimed(void **state)
{
	struct store_fixture *f = *state;
	struct sha256 a, b;
	struct store_report r;

	apply_docs(f->s, 0, MADE);
	for (uint32_t n = 1; n < 3000; n++)
		put_sample(f->s, "pki", n);
	apply_docs(f->s, 7000, REMOVED);
	store_reopen(f);
	for (uint32_t n = 3000; n < 3100; n++)
		put_sample(f->s, "other", n);
	ok(store_sync(f->s, &e));
	a = store_sum(f->s);
	store_reopen(f);
	b = store_sum(f->s);
	assert_memory_equal(&a, &b, sizeof(a));
	ok(store_check(f->s, &r, &e));
	assert_int_equal(r.certs, 100);
}

/* ---- positions, bounds ------------------------------------------------- */

static void
position_is(struct store *s, const char *origin, uint64_t expected)
{
	uint64_t at = 77;

	ok(store_position(s, origin, &at, &e));
	assert_int_equal(at, expected);
}

static void
test_positions(void **state)
{
	struct store_fixture *f = *state;

	position_is(f->s, ORIGIN, 0);
	ok(store_position_put(f->s, ORIGIN, 10, &e));
	ok(store_position_put(f->s, "b.example/log", 3, &e));
	ok(store_position_put(f->s, ORIGIN, 7, &e));
	ok(store_sync(f->s, &e));
	position_is(f->s, ORIGIN, 10);
	position_is(f->s, "b.example/log", 3);
	ok(store_position_put(f->s, ORIGIN, 12, &e));
	store_reopen(f);
	position_is(f->s, ORIGIN, 12);
}

static void
test_bounds(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf der = { 0 };
	struct store_cert c = sample_cert("pki", 1, &der);
	char long_name[STORE_NAME_MAX + 2];

	memset(long_name, 'a', sizeof(long_name));
	long_name[STORE_NAME_MAX + 1] = '\0';
	c.mount = long_name;
	fails(FAIL_BAD_INPUT, store_cert_put(s, &c, &e));
	long_name[STORE_NAME_MAX] = '\0';
	ok(store_cert_put(s, &c, &e));
	(void)buf_reserve(&der, LIMIT_CERT_BYTES + 1);
	c.der = bytes_of(der.p, LIMIT_CERT_BYTES + 1);
	fails(FAIL_BAD_INPUT, store_cert_put(s, &c, &e));
}

/* Rows come faster than the writer takes them: an answer, not memory without end. */
static void
test_busy(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf der = { 0 };
	uint32_t n = 0;
	struct error err = { 0 };
	struct store_cert c = sample_cert("pki", 0, &der);

	do {
		memcpy(c.serial, &n, sizeof(n));
		if (n++ > 10000000)
			fail_msg("never busy");
	} while (store_cert_put(s, &c, &err));
	assert_int_equal(err.why, FAIL_BUSY);
	ok(store_sync(s, &e));
	ok(store_cert_put(s, &c, &e));
	counts_are(s, "pki", n, 0);
}

static void
test_close_commits(void **state)
{
	struct store_fixture *f = *state;
	auto_buf struct buf mem = { 0 };
	struct store_cert c;
	struct sha256 a, b;

	for (uint32_t n = 0; n < 500; n++)
		put_sample(f->s, "pki", n);
	revoke_sample(f->s, 3, 1790000001);
	store_reopen(f);
	for (uint32_t n = 0; n < 500; n++)
		assert_true(has_sample(f->s, "pki", n, &c, &mem));
	a = store_sum(f->s);
	put_sample(f->s, "pki", 500);
	b = store_sum(f->s);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_put_is_read_at_once),
		TEST(test_any_mount),
		TEST(test_put_again_changes_nothing),
		TEST(test_revocation_is_read_at_once),
		TEST(test_put_with_revocation),
		TEST(test_pages_merge_what_waits),
		TEST(test_list_stops),
		TEST(test_list_of_revoked),
		TEST(test_equal_serials),
		TEST(test_not_stored),
		TEST(test_mount_takes_its_certificates_along),
		TEST(test_removed_mount_is_reclaimed),
		TEST(test_positions),
		TEST(test_bounds),
		TEST(test_busy),
		TEST(test_close_commits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
