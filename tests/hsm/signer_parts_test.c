/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>

#include <chancery/signer/keygen.h>

#include "rig_fixture.h"

/* Key generation in parts: beside signing, and what of it a later signer finds. */

static const char *last_label;

static struct keygen_job *
begin_as(const char *label, bool ocsp)
{
	const struct signer_keygen req = { .type = { KEY_EC_P256, 0 },
		.label = label,
		.ocsp = ocsp,
		.destroyable = true,
		.claim = rig_claim() };
	struct keygen_job *j;
	struct error e = { 0 };

	j = signer_keygen_begin(rig.s, &req, &e);
	must(j != NULL, &e, "begin");
	last_label = label;
	return j;
}

static struct keygen_job *
begin(const char *label)
{
	return begin_as(label, false);
}

struct making {
	struct keygen_job *job;
	struct buf made;
};

static void *
make(void *arg)
{
	struct making *m = arg;

	keygen_make(rig.soft.t, keygen_job_spec(m->job), &m->made);
	return NULL;
}

static void
test_signing_goes_on_meanwhile(unused_arg void **state)
{
	auto_keygen_job struct keygen_job *j = NULL;
	struct making m = { 0 };
	struct sha256 old, key;
	struct error e = { 0 };
	uint64_t from;
	pthread_t thread;

	must_generate(&old);
	from = size();
	m.job = j = begin("beside");
	assert_int_equal(pthread_create(&thread, NULL, make, &m), 0);
	for (int i = 0; i < 20; i++)
		must_certify(&old);
	assert_int_equal(pthread_join(thread, NULL), 0);
	must(signer_keygen_finish(rig.s, j, buf_bytes(&m.made), &key, &e), &e,
	    "finish");
	must_certify(&key);
	rig_verify(&rig);
	from += 1 + 2 * 20; /* behind the certificates */
	expect_records(from, "KEYGEN-DONE CUSTODY CHARTER INTENT SIGNED ");
	buf_free(&m.made);
}

/* The first of a process shows the template on a throw-away key. */
static void
test_the_first_sacrifices_a_key(unused_arg void **state)
{
	auto_keygen_job struct keygen_job *j = NULL;
	struct making m = { 0 };
	struct sha256 key;
	struct error e = { 0 };
	uint64_t from = size();

	m.job = j = begin("first");
	assert_true(keygen_job_spec(j)->sacrifice);
	(void)make(&m);
	must(signer_keygen_finish(rig.s, j, buf_bytes(&m.made), &key, &e), &e,
	    "finish");
	expect_records(from,
	    "KEYGEN-INTENT CUSTODY KEYGEN-DONE CUSTODY CHARTER ");
	buf_free(&m.made);
}

static void
test_nothing_made_is_recorded(unused_arg void **state)
{
	auto_keygen_job struct keygen_job *a = begin("twice"), *b = NULL;
	struct making m = { .job = a };
	struct sha256 key;
	struct error e = { 0 };
	uint64_t from;

	(void)make(&m);
	must(signer_keygen_finish(rig.s, a, buf_bytes(&m.made), &key, &e), &e,
	    "finish");
	from = size();
	m.job = b = begin("twice");
	buf_reset(&m.made);
	(void)make(&m);
	assert_false(
	    signer_keygen_finish(rig.s, b, buf_bytes(&m.made), &key, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	expect_records(from, "KEYGEN-INTENT KEYGEN-FAILED ");
	buf_free(&m.made);
}

static void
test_what_is_not_ours_is_refused(unused_arg void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "nothing", "" },
		{ "not canonical", "{ }" },
		{ "no key and no reason",
		    "{\"dropped\":[],\"msg\":\"\",\"nothing\":false,"
		    "\"spki\":\"\",\"why\":0}" },
		{ "an unknown member", "{\"a\":1,\"why\":3}" },
		{ "an unknown reason", "{\"why\":9999}" },
		{ "a key that is none",
		    "{\"dropped\":[],\"msg\":\"\",\"nothing\":false,"
		    "\"spki\":\"AAAA\",\"why\":0}" },
	};
	auto_keygen_job struct keygen_job *j = begin("foreign");
	struct sha256 key;
	struct error e;
	uint64_t from = size();

	for (size_t i = 0; i < countof(rows); i++)
		if (signer_keygen_finish(rig.s, j, bytes_str(rows[i].text),
			&key, &e))
			fail_msg("%s was taken", rows[i].name);
	expect_records(from, "");
}

/* ---- a later signer ---------------------------------------------------- */

static void
resume(enum fail want, struct sha256 *key)
{
	auto_keygen_job struct keygen_job *j = NULL;
	struct making m = { 0 };
	struct error e = { 0 };
	uint64_t n = signer_keygen_left(rig.s, 0);

	assert_true(n != UINT64_MAX);
	assert_true(signer_keygen_left(rig.s, n + 1) == UINT64_MAX);
	m.job = j = signer_keygen_resume(rig.s, n, &e);
	must(j != NULL, &e, "resume");
	assert_string_equal(keygen_job_spec(j)->label, last_label);
	(void)make(&m);
	if (!signer_keygen_finish(rig.s, j, buf_bytes(&m.made), key, &e))
		assert_int_equal(e.why, want);
	else
		assert_int_equal(want, FAIL_NONE);
	assert_true(signer_keygen_left(rig.s, 0) == UINT64_MAX);
	buf_free(&m.made);
}

static void
test_a_key_whose_answer_was_lost(unused_arg void **state)
{
	struct keygen_job *j = begin("lost");
	struct making m = { .job = j };
	struct sha256 key;
	uint64_t from;

	(void)make(&m);
	keygen_job_free(j);
	rig_reopen(&rig);
	from = size();
	resume(FAIL_NONE, &key);
	expect_records(from, "KEYGEN-DONE CUSTODY CHARTER ");
	must_certify(&key);
	buf_free(&m.made);
}

static void
test_a_key_that_was_never_made(unused_arg void **state)
{
	struct sha256 key;
	uint64_t from;

	keygen_job_free(begin("never"));
	rig_reopen(&rig);
	from = size();
	resume(FAIL_NOT_FOUND, &key);
	expect_records(from, "KEYGEN-FAILED ");
}

/* ---- keys of OCSP responders ------------------------------------------- */

/* The token's template is wider; such a key signs OCSP answers and nothing else. */
static void
expect_responder_charter(const struct sha256 *key)
{
	const struct state_key *st =
	    reg_state_key(reg_get_state(signer_register(rig.s)), key);
	auto_charter struct charter *want = charter_template("ocsp-responder");
	auto_buf struct buf json = { 0 };

	assert_non_null(st);
	charter_to_json(want, &json);
	assert_true(bytes_eq(st->charter, buf_bytes(&json)));
}

static void
test_a_responders_key_signs_ocsp_alone(unused_arg void **state)
{
	auto_keygen_job struct keygen_job *j = NULL;
	struct making m = { 0 };
	struct sha256 key;
	struct error e = { 0 };

	m.job = j = begin_as("responder", true);
	(void)make(&m);
	must(signer_keygen_finish(rig.s, j, buf_bytes(&m.made), &key, &e), &e,
	    "finish");
	expect_responder_charter(&key);
	buf_free(&m.made);
}

static void
test_a_responders_key_whose_answer_was_lost(unused_arg void **state)
{
	struct keygen_job *j = begin_as("lost responder", true);
	struct making m = { .job = j };
	struct sha256 key;

	(void)make(&m);
	keygen_job_free(j);
	rig_reopen(&rig);
	resume(FAIL_NONE, &key);
	expect_responder_charter(&key);
	buf_free(&m.made);
}

/* Those of commands and ceremonies are people's to settle. */
static void
test_others_are_left_alone(unused_arg void **state)
{
	struct record rec;
	struct error e = { 0 };
	uint8_t id[20] = { 1 };

	record_init(&rec, REC_KEYGEN_INTENT);
	record_bytes(&rec, "id", bytes_of(id, sizeof(id)));
	record_text(&rec, "label", "of a ceremony");
	record_text(&rec, "token", hsm_token_get_info(rig.soft.t)->serial);
	record_text(&rec, "type", "ec-p256");
	record_text(&rec, "who", "somebody");
	record_text(&rec, "why", "a ceremony");
	must(reg_append(signer_register(rig.s), &rec, (struct bytes){ 0 }, NULL,
		 &e) &&
		reg_commit(signer_register(rig.s), &e),
	    &e, "KEYGEN-INTENT");
	assert_true(signer_keygen_left(rig.s, 0) == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_the_first_sacrifices_a_key),
		RIG_TEST(test_signing_goes_on_meanwhile),
		RIG_TEST(test_nothing_made_is_recorded),
		RIG_TEST(test_what_is_not_ours_is_refused),
		RIG_TEST(test_a_key_whose_answer_was_lost),
		RIG_TEST(test_a_key_that_was_never_made),
		RIG_TEST(test_others_are_left_alone),
		RIG_TEST(test_a_responders_key_signs_ocsp_alone),
		RIG_TEST(test_a_responders_key_whose_answer_was_lost),
	};

	return cmocka_run_group_tests(tests, rig_group_setup,
	    rig_group_teardown);
}
