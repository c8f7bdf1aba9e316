/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <chancery/hsm/queue.h>

#include "faulty.h"
#include "softtoken.h"

/* The ladder: whatever happens to sessions, login and module, callers get their
 * signature, and no PIN is tried that was refused. */

static struct softtoken soft;
static struct hsm_key *key;
static const uint8_t digest[32] = { 1, 2, 3 };

static bool
sign(unsigned *attempts, struct error *e)
{
	auto_buf struct buf sig = { 0 };

	return hsm_sign(key, SIG_ECDSA_SHA256, bytes_of(digest, sizeof(digest)),
	    &sig, attempts, e);
}

static void
must_sign(unsigned want_attempts)
{
	struct error e = { 0 };
	unsigned attempts;

	must(sign(&attempts, &e), &e, "hsm_sign");
	assert_int_equal(attempts, want_attempts);
}

/* Each once: the call after it is fine again. */
static void
test_one_fault(unused_arg void **state)
{
	static const struct {
		const char *rules;
		unsigned attempts; /* C_Sign calls                            */
		unsigned logins, inits;
	} rows[] = {
		{ "C_SignInit:call=C_CloseAllSessions:nth=1", 1, 1, 0 },
		{ "C_SignInit:call=C_Logout:nth=1", 1, 1, 0 },
		{ "C_SignInit:call=C_Finalize:nth=1", 1, 1, 1 },
		{ "C_Sign:call=C_CloseAllSessions:nth=1", 2, 1, 0 },
		{ "C_Sign:call=C_Finalize:nth=1", 2, 1, 1 },
		{ "C_SignInit:rv=0xb3:nth=1", 1, 1, 0 },
		{ "C_SignInit:rv=0x101:nth=1", 1, 1, 0 },
		{ "C_SignInit:rv=0x82:nth=1", 1, 1, 0 },
		{ "C_SignInit:rv=0x60:nth=1", 1, 1, 0 },
		{ "C_SignInit:rv=0x90:nth=1", 1, 1, 0 },
		{ "C_SignInit:rv=0x30:nth=1", 1, 1, 1 },
		{ "C_SignInit:rv=0x32:nth=1", 1, 1, 1 },
		{ "C_SignInit:rv=0xe0:nth=1", 1, 1, 1 },
		{ "C_SignInit:rv=0x190:nth=1", 1, 1, 1 },
		{ "C_SignInit:rv=0x05:nth=1", 1, 1, 1 },
		{ "C_SignInit:rv=0x06:nth=1", 1, 1, 1 },
		{ "C_Sign:rv=0x30:real:nth=1", 2, 1, 1 },
		{ "C_Sign:rv=0x50:nth=1", 2, 0, 0 },
		/* Level 2 is not enough, level 3 is. */
		{ "C_SignInit:rv=0xb3:to=2", 1, 2, 1 },
		{ "C_SignInit:rv=0xb3:nth=1;C_OpenSession:rv=0x30:nth=1", 1, 1,
		    1 },
		/* The device stays away for some rounds. */
		{ "C_SignInit:rv=0x30:nth=1;C_Initialize:rv=0x30:to=3", 1, 1,
		    4 },
		{ "C_Sign:rv=0x32:nth=1;C_GetSlotList:rv=0xe0:to=2", 2, 1, 3 },
		{ "C_Sign:rv=0x32:nth=1;C_OpenSession:rv=0xe0:to=3", 2, 1, 4 },
		/* The token file is being rewritten: no try is counted. */
		{ "C_SignInit:rv=0xb3:nth=1;C_Login:rv=0x102:to=3", 1, 4, 0 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		unsigned long logins = faulty_calls("C_Login");
		unsigned long inits = faulty_calls("C_Initialize");

		faulty_rules(rows[i].rules);
		print_message("%s\n", rows[i].rules);
		must_sign(rows[i].attempts);
		assert_int_equal(faulty_calls("C_Login") - logins,
		    rows[i].logins);
		assert_int_equal(faulty_calls("C_Initialize") - inits,
		    rows[i].inits);
		faulty_rules("");
		must_sign(1);
	}
}

/* Other calls than C_Sign climb the same ladder. */
static void
test_other_calls(unused_arg void **state)
{
	struct hsm_key_list l;
	struct error e = { 0 };
	uint8_t r[20];

	faulty_rules("C_FindObjects:call=C_Finalize:nth=1");
	must(hsm_keys(soft.t, &l, &e), &e, "keys");
	assert_int_equal(l.n, 1);
	hsm_key_list_free(&l);
	faulty_rules("C_GenerateRandom:call=C_CloseAllSessions:nth=1");
	must(hsm_token_random(soft.t, r, sizeof(r), &e), &e, "random");
	faulty_rules("");
}

/* ---- many threads ------------------------------------------------------ */

#ifdef __SANITIZE_THREAD__
/* Sessions, login and module are taken away here while other threads are inside
 * C_SignInit and C_Sign, as another application may do it. What SoftHSM 2.6.1 then races
 * about with itself is not ours; races of ours are told all the same. */
const char *__tsan_default_suppressions(void);

__attribute__((visibility("default"))) const char *
__tsan_default_suppressions(void)
{
	return "race:libsofthsm2.so\n";
}
#endif

#define THREADS 4
#define SIGNATURES 150

static void *
signer_main(void *arg)
{
	unsigned *failed = arg;

	for (int i = 0; i < SIGNATURES; i++) {
		struct error e = { 0 };
		unsigned attempts;

		if (!sign(&attempts, &e)) {
			(void)fprintf(stderr, "thread: %s\n", e.msg);
			(*failed)++;
		}
	}
	return NULL;
}

static void
test_threads(unused_arg void **state)
{
	static const char *const rules[] = {
		"C_Sign:call=C_CloseAllSessions:nth=50",
		"C_SignInit:call=C_Logout:nth=50",
		"C_Sign:call=C_Finalize:nth=50;C_Sign:call=C_Finalize:nth=200",
		("C_Sign:rv=0x30:nth=20;C_Sign:rv=0xb3:nth=21;"
		 "C_Sign:rv=0x30:nth=100;C_SignInit:rv=0x82:nth=150"),
		"C_SignInit:rv=0x30:from=50:to=60;C_Initialize:rv=0x30:nth=2",
	};

	for (size_t i = 0; i < countof(rules); i++) {
		pthread_t thread[THREADS];
		unsigned failed[THREADS] = { 0 };

		faulty_rules(rules[i]);
		for (size_t j = 0; j < THREADS; j++)
			assert_int_equal(pthread_create(&thread[j], NULL,
					     signer_main, &failed[j]),
			    0);
		for (size_t j = 0; j < THREADS; j++) {
			assert_int_equal(pthread_join(thread[j], NULL), 0);
			assert_int_equal(failed[j], 0);
		}
		faulty_rules("");
	}
}

/* Fewer sessions than threads: they share. */
static void
test_few_sessions(unused_arg void **state)
{
	pthread_t thread[THREADS];
	unsigned failed[THREADS] = { 0 };

	/* A fresh pool: login session and two more, then the token says no. */
	faulty_rules("C_SignInit:rv=0xb3:nth=1;C_OpenSession:rv=0xb1:from=4");
	for (size_t j = 0; j < THREADS; j++)
		assert_int_equal(pthread_create(&thread[j], NULL, signer_main,
				     &failed[j]),
		    0);
	for (size_t j = 0; j < THREADS; j++) {
		assert_int_equal(pthread_join(thread[j], NULL), 0);
		assert_int_equal(failed[j], 0);
	}
	faulty_rules("");
}

/* ---- two tokens, one module -------------------------------------------- */

/* What finalises the module under one token does so under the other: a log key
 * on a token of its own comes back as well. */
static void
test_two_tokens(unused_arg void **state)
{
	const struct hsm_token_config cfg = { .uri = "pkcs11:token=log",
		.read_write = true };
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	struct softtoken log = soft;
	struct error e = { 0 };
	struct hsm_key *k;

	log.t = hsm_token_open(soft.m, &cfg, pin, &e);
	must(log.t != NULL, &e, "token");
	secret_free(pin);
	k = softtoken_key(&log, "ed25519", "log");
	for (int i = 0; i < 3; i++) {
		auto_buf struct buf sig = { 0 };
		unsigned attempts;

		faulty_rules("C_SignInit:call=C_Finalize:nth=1");
		must_sign(1);
		faulty_rules("");
		must(hsm_sign(k, SIG_ED25519, bytes_str("note"), &sig,
			 &attempts, &e),
		    &e, "log key");
		faulty_rules("C_SignInit:rv=0x30:nth=1");
		must(hsm_sign(k, SIG_ED25519, bytes_str("note"), &sig,
			 &attempts, &e),
		    &e, "log key");
		faulty_rules("");
		must_sign(1);
	}
	hsm_key_close(k);
	hsm_token_close(log.t);
	must_sign(1);
}

/* ---- a call that does not come back ------------------------------------ */

static void
test_hang(unused_arg void **state)
{
	const struct key_queue_config cfg = { .workers = 2,
		.deadline_ms = 1500 };
	const struct key_job job = { .key = key,
		.alg = SIG_ECDSA_SHA256,
		.in = { digest, sizeof(digest) } };
	struct key_queue *q = key_queue_new(&cfg);
	struct key_done done[1];
	struct error e = { 0 };

	faulty_rules("C_Sign:hang:nth=1");
	must(key_queue_submit(q, &job, &e), &e, "submit");
	assert_int_equal(key_queue_collect(q, done, 1, -1), 1);
	assert_false(done[0].ok);
	assert_int_equal(done[0].err.why, FAIL_TIMEOUT);
	/* The other worker has a session of its own and goes on. */
	must(key_queue_submit(q, &job, &e), &e, "submit");
	assert_int_equal(key_queue_collect(q, done, 1, -1), 1);
	must(done[0].ok, &done[0].err, "second job");
	faulty_rules("");
	key_queue_free(q);
	must_sign(1);
}

/* ---- the end of the ladder --------------------------------------------- */

/* From here on the end of the deadline is waited for. */
static void
shorten_deadline(void)
{
	struct error e = { 0 };

	hsm_key_close(key);
	softtoken_close(&soft);
	soft.deadline_ms = 3000;
	softtoken_open(&soft, FAULT_MODULE, true);
	key = hsm_key_open(soft.t, "pkcs11:object=recovery",
	    (struct bytes){ 0 }, &e);
	must(key != NULL, &e, "key");
}

static void
test_gives_up(unused_arg void **state)
{
	static const struct {
		const char *rules;
		enum fail why;
		unsigned max_attempts;
	} rows[] = {
		{ "C_SignInit:rv=0x30", FAIL_HSM_GONE, 0 },
		{ "C_SignInit:rv=0x30;C_Initialize:rv=0x30", FAIL_HSM_GONE, 0 },
		{ "C_Sign:rv=0x05", FAIL_HSM_KEY, 2 },
		{ "C_SignInit:rv=0x06", FAIL_HSM_KEY, 0 },
		{ "C_SignInit:rv=0x82", FAIL_HSM_KEY, 0 },
		{ "C_SignInit:rv=0x101", FAIL_HSM_GONE, 0 },
		{ "C_SignInit:rv=0x70", FAIL_UNSUPPORTED, 0 },
		{ "C_SignInit:rv=0x63", FAIL_HSM_KEY, 0 },
		{ "C_Sign:rv=0x21", FAIL_HSM_KEY, 1 },
		{ "C_Sign:rv=0x150", FAIL_HSM_KEY, 1 },
		{ "C_Sign:corrupt", FAIL_CRYPTO, 1 },
	};

	shorten_deadline();
	for (size_t i = 0; i < countof(rows); i++) {
		struct error e = { 0 };
		unsigned attempts = 0;

		faulty_rules(rows[i].rules);
		print_message("%s\n", rows[i].rules);
		assert_false(sign(&attempts, &e));
		assert_int_equal(e.why, rows[i].why);
		assert_in_range(attempts, 0, rows[i].max_attempts);
		faulty_rules("");
		/* And it comes back by itself. */
		must_sign(1);
	}
}

/* The PIN was changed elsewhere: one login is refused, and never another. Last
 * of the tests, because it ends the token. */
static void
test_pin_refused_later(unused_arg void **state)
{
	unsigned long before;
	struct error e = { 0 };
	unsigned attempts;

	faulty_rules("C_SignInit:rv=0xb3:nth=1;C_Login:rv=0xa0");
	before = faulty_calls("C_Login");
	assert_false(sign(&attempts, &e));
	assert_int_equal(e.why, FAIL_PIN);
	assert_int_equal(faulty_calls("C_Login") - before, 1);
	faulty_rules("");
	for (int i = 0; i < 3; i++) {
		assert_false(sign(&attempts, &e));
		assert_int_equal(e.why, FAIL_PIN);
	}
	assert_int_equal(faulty_calls("C_Login") - before, 1);
}

static int
group_setup(unused_arg void **state)
{
	softtoken_make(&soft);
	softtoken_add(&soft, "log");
	faulty_start();
	softtoken_open(&soft, FAULT_MODULE, true);
	key = softtoken_key(&soft, "ec-p256", "recovery");
	return 0;
}

static int
group_teardown(unused_arg void **state)
{
	hsm_key_close(key);
	softtoken_remove(&soft);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_fault),
		cmocka_unit_test(test_other_calls),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_few_sessions),
		cmocka_unit_test(test_two_tokens),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_pin_refused_later),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
