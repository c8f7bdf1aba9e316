/* SPDX-License-Identifier: Apache-2.0 */
/* A list is written in parts, a turn each: what happens between two of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/signer/rebuild.h>

#include "signer_fixture.h"

#define PART 3
#define REVOKED 20

static struct fixture f;

static int
setup(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .list_part = PART });
}

/* Segments end while it is written. */
static int
setup_segments(unused_arg void **state)
{
	return fixture_setup(&f,
	    (struct fixture){ .list_part = PART, .segment_bytes = 4096 });
}

static int
teardown(unused_arg void **state)
{
	fixture_free(&f);
	return 0;
}

/* A certificate; its record. */
static uint64_t
leaf(void)
{
	struct signer_reply reply;
	struct error e;

	if (!fixture_certify(&f, "kafka-broker", &reply, &e))
		fail_msg("%s", e.msg);
	return reply.signed_;
}

static void
revoke_one(uint64_t cert)
{
	struct signer_revoke rev = { .key = f.key,
		.cert = cert,
		.reason = CRL_SUPERSEDED,
		.claim = { .who = "me", .why = "x" } };
	struct signer_reply reply;
	struct error e;

	if (!signer_revoke_wait(f.s, &rev, &reply, &e))
		fail_msg("%s", e.msg);
}

struct answer {
	bool there;
	struct signer_reply r;
	char path[256];
};

static void
take_answer(void *arg, const struct signer_reply *r)
{
	struct answer *a = arg;

	a->there = true;
	a->r = *r;
	if (r->ok)
		(void)snprintf(a->path, sizeof(a->path), "%s", r->path);
}

static void
ask(const char *scope, struct answer *a)
{
	struct signer_crl req = fixture_crl(&f);
	struct error e;

	req.scope = scope;
	*a = (struct answer){ 0 };
	if (!signer_sign_crl(f.s, &req, take_answer, a, &e))
		fail_msg("%s", e.msg);
}

static void
turn(void)
{
	struct error e;

	if (!signer_turn(f.s, false, &e))
		fail_msg("%s", e.msg);
}

static void
begin(struct answer *a)
{
	ask("full", a);
	turn();
	assert_true(signer_builds(f.s));
	assert_false(a->there);
}

static void
wait_for(const struct answer *a)
{
	struct error e;

	while (!a->there)
		if (!signer_turn(f.s, true, &e))
			fail_msg("%s", e.msg);
}

static bool
to_buf(void *arg, struct bytes piece, unused_arg struct error *e)
{
	buf_add_bytes(arg, piece);
	return true;
}

/* It is signed, has so many entries, and follows from the records. */
static void
check(const struct answer *a, uint64_t number, uint64_t entries)
{
	auto_buf struct buf file = { 0 }, again = { 0 }, owned = { 0 };
	struct crl_view v;
	struct error e;

	assert_true(a->there);
	if (!a->r.ok)
		fail_msg("%s", a->r.err.msg);
	assert_int_equal(a->r.crl_number, number);
	assert_int_equal(a->r.entries, entries);
	assert_true(file_read(a->path, 1 << 20, &file, &e));
	assert_true(crl_parse(buf_bytes(&file), "list", &owned, &v, &e));
	assert_true(crl_verify(&v, &f.ca_key, &e));
	if (!rebuild_crl(signer_register(f.s), a->r.signed_, to_buf, &again,
		&e))
		fail_msg("%s", e.msg);
	assert_true(bytes_eq(buf_bytes(&file), buf_bytes(&again)));
}

static void
verify(void)
{
	struct reg_verify_report report;

	fixture_verify(&f, &report);
}

/* Certificates and revocations have their turn; what was revoked then is on the next list. */
static void
test_others_are_served_meanwhile(unused_arg void **state)
{
	struct answer a;

	for (int i = 0; i < REVOKED; i++)
		revoke_one(leaf());
	begin(&a);
	for (int i = 0; i < 4; i++)
		revoke_one(leaf());
	assert_false(a.there);
	wait_for(&a);
	check(&a, 1, REVOKED);
	ask("full", &a);
	wait_for(&a);
	check(&a, 2, REVOKED + 4);
	verify();
}

static void
test_one_after_the_other_in_a_series(unused_arg void **state)
{
	const char *const scopes[] = { "full", "delta", "full" };
	struct answer a[3];

	for (int i = 0; i < REVOKED; i++)
		revoke_one(leaf());
	for (size_t i = 0; i < 3; i++)
		ask(scopes[i], &a[i]);
	turn();
	revoke_one(leaf());
	for (size_t i = 0; i < 3; i++)
		wait_for(&a[i]);
	check(&a[0], 1, REVOKED);
	check(&a[1], 2, 1);
	check(&a[2], 3, REVOKED + 1);
	verify();
}

static void
test_lists_of_other_series_have_their_turn(unused_arg void **state)
{
	static const char url[] = "http://a.example/partition-1";
	struct signer_crl req = fixture_crl(&f);
	struct answer full, part = { 0 };
	struct error e;

	for (int i = 0; i < REVOKED; i++)
		revoke_one(leaf());
	begin(&full);
	req.scope = "partition:1";
	req.idp_url = url;
	assert_true(signer_sign_crl(f.s, &req, take_answer, &part, &e));
	wait_for(&full);
	wait_for(&part);
	check(&full, 1, REVOKED);
	check(&part, 1, 0);
	assert_false(signer_builds(f.s));
	verify();
}

static void
later(int64_t days)
{
	f.now_ms = clock_wall_ms(&clock_system) + days * INT64_C(86400000);
}

/* RFC 5280 3.3: the entry of an expired certificate may go when a list had it. This one came
 * between the position of the last list and its INTENT: it was on none yet. */
static void
test_an_expired_one_revoked_meanwhile_is_on_the_next(unused_arg void **state)
{
	uint64_t late = leaf();
	struct answer a;

	for (int i = 0; i < REVOKED; i++)
		revoke_one(leaf());
	later(2);
	begin(&a);
	revoke_one(late);
	assert_false(a.there);
	wait_for(&a);
	check(&a, 1, REVOKED);
	for (uint64_t number = 2; number < 4; number++) {
		ask("full", &a);
		wait_for(&a);
		check(&a, number, number == 2 ? 1 : 0);
	}
	verify();
}

/* The charter is asked again before the INTENT: it may be another one by then. */
static void
test_a_charter_that_changed_meanwhile_counts(unused_arg void **state)
{
	const struct signer_claim claim = { .who = "me", .why = "test" };
	auto_charter struct charter *tight = charter_template("kafka-issuer");
	auto_buf struct buf json = { 0 };
	struct signer_crl req = fixture_crl(&f);
	struct answer a = { 0 };
	size_t intents;
	struct error e;

	for (int i = 0; i < REVOKED; i++)
		revoke_one(leaf());
	req.period_s = INT64_C(20) * 365 * 86400;
	assert_true(signer_sign_crl(f.s, &req, take_answer, &a, &e));
	turn();
	assert_true(signer_builds(f.s));
	intents = fixture_count(&f, REC_INTENT, NULL);
	charter_to_json(tight, &json);
	assert_true(signer_charter(f.s, &f.key, buf_bytes(&json), &claim, &e));
	wait_for(&a);
	assert_false(a.r.ok);
	assert_int_equal(a.r.err.why, FAIL_REFUSED);
	assert_int_equal(fixture_count(&f, REC_INTENT, NULL), intents);
	ask("full", &a);
	wait_for(&a);
	check(&a, 1, REVOKED);
	verify();
}

/* Nothing was recorded of it: the next signer knows nothing, and gives its number again. */
static void
test_a_list_that_was_not_finished_leaves_nothing(unused_arg void **state)
{
	struct answer a;

	for (int i = 0; i < REVOKED; i++)
		revoke_one(leaf());
	begin(&a);
	signer_free(f.s);
	f.s = NULL;
	fixture_open(&f);
	ask("full", &a);
	wait_for(&a);
	check(&a, 1, REVOKED);
	verify();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_others_are_served_meanwhile),
		cmocka_unit_test_setup_teardown(
		    test_others_are_served_meanwhile, setup_segments, teardown),
		TEST(test_one_after_the_other_in_a_series),
		TEST(test_lists_of_other_series_have_their_turn),
		TEST(test_an_expired_one_revoked_meanwhile_is_on_the_next),
		TEST(test_a_charter_that_changed_meanwhile_counts),
		TEST(test_a_list_that_was_not_finished_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
