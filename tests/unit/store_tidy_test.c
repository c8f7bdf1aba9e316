/* SPDX-License-Identifier: Apache-2.0 */

/* Forgetting certificates: what a page does to each row, and that it comes to the same in
 * whatever order rows and page arrive. */
#include <chancery/base/text.h>

#include "store_util.h"

/* Rows of sample_cert: record 2 n + 1, notAfter T0 + 1000 n; revoked by 1000000 + n. */
#define T0 1790000000

static struct store *
store_of(void **state)
{
	const struct store_fixture *f = *state;

	return f->s;
}

static void
hex_of(const uint8_t serial[LIMIT_SERIAL_BYTES], char out[41])
{
	hex_encode(bytes_of(serial, LIMIT_SERIAL_BYTES), out);
}

static void
apply_page(struct store *s, const struct store_tidy *t, uint64_t index)
{
	char after[41], to[41];
	auto_mem char *json = NULL;

	hex_of(t->after, after);
	hex_of(t->to, to);
	json = mem_printf("[{\"kind\":\"pki-tidy\",\"name\":\"state\","
			  "\"op\":\"put\",\"scope\":\"pki\",\"value\":{"
			  "\"page\":{\"after\":\"%s\",\"below\":%llu,"
			  "\"certs_before\":%lld,\"revoked_before\":%lld,"
			  "\"to\":\"%s\"},\"state\":\"Running\"}}]",
	    after, (unsigned long long)t->below, (long long)t->certs_before_s,
	    (long long)t->revoked_before_s, to);
	apply_docs(s, index, json);
}

static struct store_tidy
whole(uint64_t below, int64_t certs_before_s, int64_t revoked_before_s)
{
	struct store_tidy t = { .mount = "pki",
		.origin = ORIGIN,
		.below = below,
		.certs_before_s = certs_before_s,
		.revoked_before_s = revoked_before_s };

	memset(t.to, 0xff, sizeof(t.to));
	return t;
}

static void
counts_are(struct store *s, const char *mount, uint64_t certs, uint64_t revoked)
{
	uint64_t c = 77, r = 77;

	ok(store_cert_count(s, mount, &c, &r, &e));
	assert_int_equal(c, certs);
	assert_int_equal(r, revoked);
}

/* ---- one row --------------------------------------------------------------------- */

enum expected {
	KEPT,
	STRIPPED,
	FORGOTTEN
};

static enum expected
what_became_of(struct store *s, uint32_t n)
{
	auto_buf struct buf der = { 0 }, mem = { 0 };
	struct store_cert c = sample_cert("pki", n, &der), got;
	struct error e;

	if (!store_cert_get(s, "pki", c.serial, &got, &mem, &e))
		return FORGOTTEN;
	return got.der.n == 0 ? STRIPPED : KEPT;
}

static void
test_rows(void **state)
{
	struct store *s = store_of(state);
	static const struct {
		const char *name;
		bool revoked;
		uint64_t below;
		int64_t certs, revoked_before;
		enum expected want;
	} rows[] = {
		{ "not expired", false, 2000000, 0, 0, KEPT },
		{ "expired", false, 2000000, 1, 0, FORGOTTEN },
		{ "expired, revoked", true, 2000000, 1, 0, STRIPPED },
		{ "revoked ones only", true, 2000000, 0, 1, FORGOTTEN },
		{ "revoked ones only, not revoked", false, 2000000, 0, 1,
		    KEPT },
		{ "both, revoked", true, 2000000, 1, 1, FORGOTTEN },
		{ "both, not revoked", false, 2000000, 1, 1, FORGOTTEN },
		{ "signed after", false, 1, 1, 1, KEPT },
		{ "revoked after", true, 1000, 1, 1, FORGOTTEN },
		{ "revoked after, revoked ones only", true, 1000, 0, 1, KEPT },
	};

	for (uint32_t i = 0; i < countof(rows); i++) {
		uint32_t n = 10 + i;
		int64_t end = T0 + 1000 * (int64_t)n;
		struct store_tidy t = whole(rows[i].below, end + rows[i].certs,
		    end + rows[i].revoked_before);

		put_sample(s, "pki", n);
		if (rows[i].revoked)
			revoke_sample(s, n, T0 + 1);
		apply_page(s, &t, 3000000 + i);
		if (what_became_of(s, n) != rows[i].want)
			fail_msg("%s", rows[i].name);
		/* For the next row there is only its own. */
		t = whole(UINT32_MAX, INT64_C(1) << 40, INT64_C(1) << 40);
		apply_page(s, &t, 4000000 + i);
		counts_are(s, "pki", 0, 0);
	}
}

static void
test_foreign(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf der = { 0 };
	struct store_cert c = sample_cert("pki", 1, &der);
	struct store_tidy t = whole(1000, T0 + 100000, T0 + 100000);

	/* Of another program: it came with its revocation, by record 500. */
	c.index = UINT64_MAX;
	c.origin = "";
	ok(store_cert_put(s, &c, &e));
	ok(store_cert_revoke(s, &c.issuer_key, c.serial, T0 + 5, 1, 500, &e));
	t.below = 500;
	apply_page(s, &t, 600);
	assert_int_equal(what_became_of(s, 1), KEPT);
	t.below = 501;
	apply_page(s, &t, 601);
	assert_int_equal(what_became_of(s, 1), FORGOTTEN);
	/* Signed by another log: its records are no measure. */
	c = sample_cert("pki", 2, &der);
	c.origin = "other.example/log";
	ok(store_cert_put(s, &c, &e));
	t.below = 100000;
	apply_page(s, &t, 602);
	assert_int_equal(what_became_of(s, 2), KEPT);
}

/* ---- pages ---------------------------------------------------------------------- */

static void
fill(struct store *s)
{
	for (uint32_t n = 0; n < 3000; n++)
		put_sample(s, "pki", n);
	put_sample(s, "other", 5000);
	for (uint32_t n = 0; n < 3000; n += 3)
		revoke_sample(s, n, T0 + 1);
}

/* As the service does it; returns how many pages there were. */
static unsigned
sweep(struct store *s, size_t page, struct store_tidy t, uint64_t index,
    struct store_tidy_count *sum)
{
	struct store_tidy_count n = { 0 };
	unsigned pages = 0;

	*sum = (struct store_tidy_count){ 0 };
	while (!n.end) {
		ok(store_tidy_look(s, page, &t, &n, &e));
		assert_true(n.rows <= page);
		if (n.rows > 0) {
			apply_page(s, &t, index++);
			pages++;
		}
		memcpy(t.after, t.to, sizeof(t.after));
		sum->looked += n.looked;
		sum->rows += n.rows;
		sum->certs += n.certs;
		sum->revoked += n.revoked;
	}
	return pages;
}

static void
test_pages(void **state)
{
	struct store *s = store_of(state);
	struct store_tidy t = whole(2000000, T0 + 1000 * 1500, T0 + 1000 * 300);
	struct store_tidy_count n;

	fill(s);
	assert_true(sweep(s, 100, t, 3000000, &n) >= 15);
	assert_int_equal(n.looked, 3000);
	assert_int_equal(n.rows, 1500);
	assert_int_equal(n.certs, 1500);
	assert_int_equal(n.revoked, 100);
	/* 1500 stay, 500 of them revoked; of 400 only the revocation. */
	counts_are(s, "pki", 1500, 900);
	counts_are(s, "other", 1, 0);
	assert_int_equal(what_became_of(s, 303), STRIPPED);
	assert_int_equal(what_became_of(s, 297), FORGOTTEN);
	assert_int_equal(what_became_of(s, 1501), KEPT);
	/* Nothing is left to do. */
	assert_int_equal(sweep(s, 100, t, 3000100, &n), 0);
	t.mount = "nowhere";
	ok(store_tidy_look(s, 100, &t, &n, &e));
	assert_true(n.end && n.looked == 0);
}

static bool
add_row(void *arg, const struct store_cert *c)
{
	buf_add(arg, c->serial, sizeof(c->serial));
	return true;
}

static struct sha256
what_is_left(struct store *s)
{
	auto_buf struct buf serials = { 0 };
	struct store_cert_query q = { .mount = "pki", .limit = 10000 };

	for (int i = 0; i < 2; i++) {
		q.revoked_only = i == 1;
		ok(store_cert_list(s, &q, add_row, &serials, &e));
	}
	return sha256(buf_bytes(&serials));
}

/* Pages large and small, and one over everything, come to the same. */
static void
test_page_size_is_no_matter(void **state)
{
	struct store *s = store_of(state);
	static const size_t sizes[] = { 7, 1000, 0 };
	struct sha256 left[countof(sizes)];
	struct store_tidy_count n;

	for (size_t i = 0; i < countof(sizes); i++) {
		struct store_tidy t =
		    whole(2000000, T0 + 1000 * 1500, T0 + 1000 * 300);
		uint64_t index = 3000000 + 100000 * i;

		fill(s);
		if (sizes[i] == 0)
			apply_page(s, &t, index);
		else
			(void)sweep(s, sizes[i], t, index, &n);
		left[i] = what_is_left(s);
		t = whole(UINT32_MAX, INT64_C(1) << 40, INT64_C(1) << 40);
		apply_page(s, &t, index + 50000);
		counts_are(s, "pki", 0, 0);
	}
	assert_memory_equal(&left[0], &left[1], sizeof(left[0]));
	assert_memory_equal(&left[0], &left[2], sizeof(left[0]));
}

/* ---- a catch-up ------------------------------------------------------------------- */

static void
test_replayed_behind_rows_that_came_back(void **state)
{
	struct store_fixture *f = *state;
	struct store_tidy t = whole(2000000, T0 + 1000 * 1500, T0 + 1000 * 300);
	struct sha256 before, after;

	fill(f->s);
	apply_page(f->s, &t, 3000000);
	before = store_sum(f->s);
	/* After a crash the store's position may be before all of it. */
	store_reopen(f);
	fill(f->s);
	apply_page(f->s, &t, 3000000);
	after = store_sum(f->s);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void
test_a_mount_made_anew_keeps_its_own(void **state)
{
	struct store *s = store_of(state);
	struct store_tidy t = whole(2000000, T0 + 100000, T0 + 100000);
	auto_buf struct buf der = { 0 };
	struct store_cert c = sample_cert("pki", 1, &der);

	put_sample(s, "pki", 2);
	apply_page(s, &t, 3000000);
	c.index = 3000005;
	ok(store_cert_put(s, &c, &e));
	apply_page(s, &t, 3000000);
	assert_int_equal(what_became_of(s, 1), KEPT);
	assert_int_equal(what_became_of(s, 2), FORGOTTEN);
}

static void
test_malformed(void **state)
{
	struct store *s = store_of(state);
	static const char *const pages[] = { "{}x", "{\"after\":\"00\"}",
		"{\"after\":1}", "{\"what\":1}", "[]",
		"{\"after\":\"zz00000000000000000000000000000000000000\"}" };

	put_sample(s, "pki", 1);
	for (size_t i = 0; i < countof(pages); i++) {
		auto_mem char *json =
		    mem_printf("[{\"kind\":\"pki-tidy\",\"name\":\"state\","
			       "\"op\":\"put\","
			       "\"scope\":\"pki\",\"value\":{\"page\":%s}}]",
			pages[i]);

		fails(FAIL_BAD_INPUT,
		    store_docs_apply(s, bytes_str(json), ORIGIN, 100, &e));
	}
	assert_int_equal(what_became_of(s, 1), KEPT);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, store_setup, store_teardown)
	const struct CMUnitTest tests[] = {
		T(test_rows),
		T(test_foreign),
		T(test_pages),
		T(test_page_size_is_no_matter),
		T(test_replayed_behind_rows_that_came_back),
		T(test_a_mount_made_anew_keeps_its_own),
		T(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
