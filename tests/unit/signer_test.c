/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include <chancery/base/file.h>
#include <chancery/signer/rebuild.h>

#include "signer_fixture.h"

static struct fixture f;

static int
setup(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ 0 });
}

static int
setup_strict(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .charter = "kafka-issuer" });
}

static int
setup_root(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .charter = "root" });
}

static int
teardown(unused_arg void **state)
{
	fixture_free(&f);
	return 0;
}

static void
test_certify(unused_arg void **state)
{
	auto_buf struct buf tbs = { 0 };
	auto_buf struct buf sig = { 0 };
	auto_buf struct buf der = { 0 };
	struct reg_verify_report report;
	struct signer_certify req;
	struct signer_reply reply;
	const uint8_t *p;
	struct error e;
	X509 *x;

	fixture_tbs(&f, "kafka-broker", NULL, &tbs);
	req = fixture_request(&f, &tbs);
	assert_true(signer_certify_wait(f.s, &req, &sig, &reply, &e));
	assert_true(reply.intent < reply.signed_);
	assert_int_equal(f.signs, 1);
	cert_assemble(buf_bytes(&tbs), SIG_ECDSA_SHA256, buf_bytes(&sig), &der);
	p = der.p;
	x = d2i_X509(NULL, &p, (long)der.n);
	assert_non_null(x);
	assert_int_equal(X509_verify(x, f.ca), 1);
	X509_free(x);
	fixture_close(&f);
	fixture_verify(&f, &report);
	assert_int_equal(report.intents, 1);
	assert_int_equal(report.signed_, 1);
	assert_int_equal(report.signatures_checked, 1);
}

static void
test_serials(unused_arg void **state)
{
	auto_buf struct buf tbs = { 0 };
	struct signer_certify req;
	struct signer_reply reply;
	uint8_t other[LIMIT_SERIAL_BYTES] = { 5, 5 };
	struct error e;

	/* Once. */
	fixture_tbs(&f, "kafka-broker", NULL, &tbs);
	req = fixture_request(&f, &tbs);
	assert_true(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	assert_string_equal(reply.verdict.rule, "serial-not-outstanding");
	assert_string_equal(reply.verdict.field, "serialNumber");
	/* Never one that was made up. */
	buf_reset(&tbs);
	fixture_tbs(&f, "kafka-broker", other, &tbs);
	req = fixture_request(&f, &tbs);
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	/* The set is dropped on restart. */
	buf_reset(&tbs);
	fixture_tbs(&f, "kafka-broker", NULL, &tbs);
	fixture_close(&f);
	fixture_open(&f);
	req = fixture_request(&f, &tbs);
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	assert_int_equal(f.signs, 1);
	assert_int_equal(fixture_count(&f, REC_REFUSED, NULL), 3);
}

static void
test_serial_limit(unused_arg void **state)
{
	static uint8_t out[LIMIT_SERIALS_OUTSTANDING][LIMIT_SERIAL_BYTES];
	struct error e;
	size_t i;

	assert_true(signer_serials(f.s, countof(out), out, &e));
	for (i = 0; i < countof(out); i++) {
		assert_true(out[i][0] != 0);
		assert_true((out[i][0] & 0x80) == 0);
	}
	assert_false(signer_serials(f.s, 1, out, &e));
	assert_int_equal(e.why, FAIL_BUSY);
}

/* Change one byte range of a good TBS and expect a named refusal. */
static void
refused(struct buf *tbs, const char *rule)
{
	struct signer_certify req = fixture_request(&f, tbs);
	struct signer_reply reply;
	unsigned signs = f.signs;
	struct error e;

	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	assert_non_null(reply.verdict.rule);
	assert_string_equal(reply.verdict.rule, rule);
	assert_int_equal(reply.intent, UINT64_MAX);
	assert_int_equal(f.signs, signs);
}

static void
test_structure(unused_arg void **state)
{
	auto_buf struct buf tbs = { 0 };
	auto_buf struct buf bad = { 0 };
	uint8_t *at;

	fixture_tbs(&f, "kafka-broker", NULL, &tbs);
	/* Another key's identifier in the AKI. */
	buf_add_bytes(&bad, buf_bytes(&tbs));
	at = memmem(bad.p, bad.n, "\x55\x1d\x23", 3);
	assert_non_null(at);
	at[12] ^= 1;
	refused(&bad, "structure-aki");
	/* Truncated. */
	buf_reset(&bad);
	buf_add(&bad, tbs.p, tbs.n - 1);
	refused(&bad, "structure-der");
	/* Trailing octet. */
	buf_reset(&bad);
	buf_add_bytes(&bad, buf_bytes(&tbs));
	buf_add_byte(&bad, 0);
	refused(&bad, "structure-der");
	/* ecdsa-with-SHA384 under a P-256 key. */
	buf_reset(&bad);
	buf_add_bytes(&bad, buf_bytes(&tbs));
	at = memmem(bad.p, bad.n, "\x2a\x86\x48\xce\x3d\x04\x03\x02", 8);
	assert_non_null(at);
	at[7] = 3;
	refused(&bad, "structure-algorithm");
	/* The untouched one still passes: nothing of it was used up. */
	{
		struct signer_certify req = fixture_request(&f, &tbs);
		struct signer_reply reply;
		struct error e;

		assert_true(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	}
}

static void
test_charter(unused_arg void **state)
{
	struct reg_verify_report report;
	struct signer_reply reply;
	struct error e;

	assert_false(fixture_certify(&f, "intermediate", &reply, &e));
	assert_true(e.why == FAIL_REFUSED || e.why == FAIL_QUORUM);
	assert_non_null(reply.verdict.rule);
	assert_string_equal(reply.verdict.rule, "charter-kind");
	assert_int_equal(f.signs, 0);
	assert_int_equal(fixture_count(&f, REC_REFUSED, NULL), 1);
	assert_int_equal(fixture_count(&f, REC_INTENT, NULL), 0);
	fixture_close(&f);
	fixture_verify(&f, &report);
	assert_int_equal(report.refused, 1);
	assert_int_equal(report.private_bodies, 1);
}

static void
test_charter_changes(unused_arg void **state)
{
	const struct signer_claim claim = { .who = "me", .why = "test" };
	auto_charter struct charter *open = charter_template("open");
	auto_charter struct charter *tight = charter_template("kafka-issuer");
	auto_buf struct buf open_json = { 0 };
	auto_buf struct buf tight_json = { 0 };
	struct signer_reply reply;
	struct error e;

	charter_to_json(open, &open_json);
	charter_to_json(tight, &tight_json);
	assert_true(fixture_certify(&f, "intermediate", &reply, &e));
	assert_true(
	    signer_charter(f.s, &f.key, buf_bytes(&tight_json), &claim, &e));
	assert_false(fixture_certify(&f, "intermediate", &reply, &e));
	assert_false(
	    signer_charter(f.s, &f.key, buf_bytes(&open_json), &claim, &e));
	assert_int_equal(e.why, FAIL_QUORUM);
	/* And after a restart. */
	fixture_close(&f);
	fixture_open(&f);
	assert_false(fixture_certify(&f, "intermediate", &reply, &e));
}

/* A root signs itself once, and not again after a restart. */
static void
test_self_signed_once(unused_arg void **state)
{
	struct signer_reply reply;
	struct error e;

	f.self = true;
	f.mode = FAKE_FAIL_UNSIGNED;
	assert_false(fixture_certify(&f, "root", &reply, &e));
	f.mode = FAKE_GOOD;
	if (!fixture_certify(&f, "root", &reply, &e))
		fail_msg("%s", e.msg);
	assert_false(fixture_certify(&f, "root", &reply, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	assert_string_equal(reply.verdict.rule, "charter-self-signed");
	fixture_close(&f);
	fixture_open(&f);
	assert_false(fixture_certify(&f, "root", &reply, &e));
}

struct tally {
	unsigned ok, failed;
};

static void
count_reply(void *arg, const struct signer_reply *r)
{
	struct tally *t = arg;

	if (r->ok) {
		assert_true(r->sig.n > 60);
		t->ok++;
	} else {
		t->failed++;
	}
}

static void
many(unsigned n, struct tally *t)
{
	struct signer_certify req;
	struct error e;
	unsigned i;

	for (i = 0; i < n; i++) {
		auto_buf struct buf tbs = { 0 };

		fixture_tbs(&f, "kafka-client", NULL, &tbs);
		req = fixture_request(&f, &tbs);
		req.claim.request_id = bytes_of(&i, sizeof(i));
		assert_true(signer_certify(f.s, &req, count_reply, t, &e));
	}
	assert_int_equal(signer_in_flight(f.s), n);
}

static void
test_many(unused_arg void **state)
{
	struct reg_verify_report report;
	struct tally t = { 0 };
	struct error e;

	many(300, &t);
	assert_true(signer_drain(f.s, &e));
	assert_int_equal(t.ok, 300);
	fixture_close(&f);
	fixture_verify(&f, &report);
	assert_int_equal(report.signed_, 300);
}

static void
test_settle(unused_arg void **state)
{
	enum signer_outcome what;
	uint64_t intent, signed_;
	struct tally t = { 0 };
	unsigned id = 7;
	struct error e;

	many(10, &t);
	assert_true(signer_drain(f.s, &e));
	assert_true(signer_settle(f.s, bytes_of(&id, sizeof(id)), &what,
	    &intent, &signed_, &e));
	assert_int_equal(what, OUTCOME_SIGNED);
	fixture_close(&f);
	fixture_open(&f);
	assert_true(signer_settle(f.s, bytes_of(&id, sizeof(id)), &what,
	    &intent, &signed_, &e));
	assert_int_equal(what, OUTCOME_SIGNED);
	assert_true(intent < signed_);
	id = 99;
	assert_true(signer_settle(f.s, bytes_of(&id, sizeof(id)), &what,
	    &intent, &signed_, &e));
	assert_int_equal(what, OUTCOME_UNKNOWN);
	assert_false(signer_settle(f.s, (struct bytes){ 0 }, &what, &intent,
	    &signed_, &e));
}

/* Over segments, so that a new start replays from a snapshot and has to read what lies
 * before it; ids that came twice mean their last INTENT. */
static void
test_settle_many(unused_arg void **state)
{
	enum signer_outcome what;
	uint64_t intent, signed_, first = 0;
	struct tally t = { 0 };
	struct error e;

	f.segment_bytes = 30000;
	fixture_close(&f);
	fixture_open(&f);
	for (int round = 0; round < 2; round++) {
		many(300, &t);
		assert_true(signer_drain(f.s, &e));
		if (round == 0)
			first = reg_size(signer_register(f.s));
	}
	fixture_close(&f);
	fixture_open(&f);
	for (unsigned id = 0; id < 310; id++) {
		assert_true(signer_settle(f.s, bytes_of(&id, sizeof(id)), &what,
		    &intent, &signed_, &e));
		assert_int_equal(what,
		    id < 300 ? OUTCOME_SIGNED : OUTCOME_UNKNOWN);
		if (id < 300)
			assert_true(intent >= first && signed_ > intent);
	}
}

static void
test_key_failures(unused_arg void **state)
{
	struct reg_verify_report report;
	struct signer_reply reply;
	struct error e;

	f.mode = FAKE_FAIL_UNSIGNED;
	assert_false(fixture_certify(&f, "kafka-broker", &reply, &e));
	assert_int_equal(e.why, FAIL_HSM_GONE);
	f.mode = FAKE_FAIL_SIGNED;
	assert_false(fixture_certify(&f, "kafka-broker", &reply, &e));
	assert_int_equal(e.why, FAIL_HSM_GONE);
	assert_int_equal(fixture_count(&f, REC_FAILED, NULL), 1);
	assert_int_equal(fixture_count(&f, REC_ASSUMED, NULL), 1);
	/* What may exist is revoked. */
	assert_int_equal(fixture_count(&f, REC_REVOKE, NULL), 1);
	f.mode = FAKE_GOOD;
	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	fixture_close(&f);
	fixture_verify(&f, &report);
	assert_int_equal(report.open_intents, 0);
}

/* kill -9 inside C_Sign: the INTENT is settled at the next start. */
static void
test_killed_in_sign(unused_arg void **state)
{
	struct reg_verify_report report;
	struct signer_reply reply;
	struct error e;
	int status;
	pid_t pid;

	fixture_close(&f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fixture_open(&f);
		f.mode = FAKE_DIE;
		(void)fixture_certify(&f, "kafka-broker", &reply, &e);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	fixture_open(&f);
	assert_int_equal(fixture_count(&f, REC_ASSUMED, NULL), 1);
	assert_int_equal(fixture_count(&f, REC_REVOKE, NULL), 1);
	assert_int_equal(fixture_count(&f, REC_SIGNED, NULL), 0);
	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	fixture_close(&f);
	fixture_verify(&f, &report);
	assert_int_equal(report.open_intents, 0);
}

static struct signer_crl
crl_req(const char *path)
{
	struct signer_crl c = fixture_crl(&f);

	c.path = path;
	return c;
}

static X509_CRL *
load_crl(const char *path)
{
	auto_buf struct buf der = { 0 };
	auto_buf struct buf again = { 0 };
	struct error e;
	const uint8_t *p;
	X509_CRL *crl;
	uint8_t *out;
	int n;

	assert_true(file_read(path, 1 << 20, &der, &e));
	p = der.p;
	crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	assert_non_null(crl);
	assert_int_equal(X509_CRL_verify(crl, f.ca), 1);
	n = i2d_X509_CRL(crl, NULL);
	assert_int_equal(n, der.n);
	out = buf_reserve(&again, (size_t)n);
	assert_int_equal(i2d_X509_CRL(crl, &out), n);
	assert_memory_equal(again.p, der.p, n);
	return crl;
}

static void
test_revoke_and_crl(unused_arg void **state)
{
	auto_mem char *first = path_join(f.dir, "1.crl");
	auto_mem char *second = path_join(f.dir, "2.crl");
	struct signer_crl crl = crl_req(first);
	struct signer_revoke rev = { .key = f.key,
		.reason = CRL_KEY_COMPROMISE,
		.claim = { .who = "me", .why = "lost" } };
	struct reg_verify_report report;
	struct signer_reply reply;
	struct error e;
	X509_CRL *x;

	assert_true(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	assert_int_equal(reply.crl_number, 1);
	x = load_crl(first);
	assert_null(X509_CRL_get_REVOKED(x));
	X509_CRL_free(x);

	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	rev.cert = reply.signed_;
	assert_true(signer_revoke_wait(f.s, &rev, &reply, &e));
	assert_false(signer_revoke_wait(f.s, &rev, &reply, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	rev.cert = 0;
	assert_false(signer_revoke_wait(f.s, &rev, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);

	/* Never over another file. */
	assert_false(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	crl = crl_req(second);
	assert_true(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	assert_int_equal(reply.crl_number, 2);
	assert_int_equal(reply.entries, 1);
	x = load_crl(second);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(x)), 1);
	X509_CRL_free(x);
	/* After a restart the list is the same but for number and time. */
	fixture_close(&f);
	fixture_open(&f);
	crl = crl_req(NULL);
	assert_true(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	assert_int_equal(reply.crl_number, 3);
	assert_int_equal(reply.entries, 1);
	fixture_close(&f);
	fixture_verify(&f, &report);
	assert_int_equal(report.revoked, 1);
}

static bool
to_buf(void *arg, struct bytes piece, unused_arg struct error *e)
{
	buf_add_bytes(arg, piece);
	return true;
}

/* Any past list, byte for byte, also when revocations came after it. */
static void
test_crl_rebuild(unused_arg void **state)
{
	struct signer_revoke rev = { .key = f.key,
		.claim = { .who = "me", .why = "x" } };
	char *path[4];
	uint64_t signed_[4];
	struct signer_reply reply;
	struct signer_crl crl;
	struct error e;
	int i;

	for (i = 0; i < 4; i++) {
		path[i] = mem_printf("%s/%d.crl", f.dir, i);
		crl = crl_req(path[i]);
		if (i == 2)
			f.now_ms =
			    clock_wall_ms(&clock_system) + INT64_C(172800000);
		assert_true(signer_sign_crl_wait(f.s, &crl, &reply, &e));
		signed_[i] = reply.signed_;
		assert_true(fixture_certify(&f, "kafka-client", &reply, &e));
		rev.cert = reply.signed_;
		assert_true(signer_revoke_wait(f.s, &rev, &reply, &e));
	}
	for (i = 0; i < 4; i++) {
		auto_buf struct buf file = { 0 };
		auto_buf struct buf again = { 0 };

		assert_true(file_read(path[i], 1 << 20, &file, &e));
		if (!rebuild_crl(signer_register(f.s), signed_[i], to_buf,
			&again, &e))
			fail_msg("rebuild %d: %s", i, e.msg);
		assert_true(bytes_eq(buf_bytes(&file), buf_bytes(&again)));
	}
	for (i = 0; i < 4; i++)
		mem_free(path[i]);
}

static void
path_reply(void *arg, const struct signer_reply *r)
{
	uint64_t *numbers = arg;

	assert_true(r->ok);
	assert_true(r->crl_number >= 1 && r->crl_number <= 3);
	numbers[r->crl_number]++;
}

/* Three requests at once: one builder for each scope, numbers rise. */
static void
test_crl_queue(unused_arg void **state)
{
	struct signer_crl crl = crl_req(NULL);
	uint64_t numbers[4] = { 0 };
	struct error e;
	int i;

	for (i = 0; i < 3; i++)
		assert_true(
		    signer_sign_crl(f.s, &crl, path_reply, numbers, &e));
	assert_true(signer_drain(f.s, &e));
	assert_int_equal(numbers[1], 1);
	assert_int_equal(numbers[2], 1);
	assert_int_equal(numbers[3], 1);
}

static void
test_crl_bad_requests(unused_arg void **state)
{
	struct signer_reply reply;
	struct signer_crl crl = crl_req(NULL);
	struct error e;

	crl.scope = "partition:0";
	assert_false(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	crl.scope = "partition:1";
	assert_false(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	crl.idp_url = "http://crl.example/partition-1.crl";
	assert_true(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	crl = crl_req(NULL);
	crl.period_s = 0;
	assert_false(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	crl = crl_req(NULL);
	crl.issuer_key_id[0] ^= 1;
	assert_false(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	crl = crl_req("/nonexistent/dir/x.crl");
	assert_false(signer_sign_crl_wait(f.s, &crl, &reply, &e));
	assert_int_equal(fixture_count(&f, REC_INTENT, NULL), 1);
}

/* RFC 5280 3.3: gone only after a list past its expiry. */
static void
test_crl_expiry(unused_arg void **state)
{
	struct signer_revoke rev = { .key = f.key,
		.claim = { .who = "me", .why = "x" } };
	struct signer_crl crl = crl_req(NULL);
	struct signer_reply reply;
	struct error e;
	int i;
	static const uint64_t entries[] = { 1, 1, 0 };

	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	rev.cert = reply.signed_;
	assert_true(signer_revoke_wait(f.s, &rev, &reply, &e));
	for (i = 0; i < 3; i++) {
		assert_true(signer_sign_crl_wait(f.s, &crl, &reply, &e));
		assert_int_equal(reply.entries, entries[i]);
		/* The certificate lives one day. */
		f.now_ms =
		    clock_wall_ms(&clock_system) + (2 + i) * INT64_C(86400000);
	}
}

static void
test_foreign_revocation(unused_arg void **state)
{
	auto_buf struct buf tbs = { 0 };
	auto_buf struct buf sig = { 0 };
	auto_buf struct buf der = { 0 };
	struct signer_revoke rev = { .key = f.key,
		.cert = UINT64_MAX,
		.claim = { .who = "me", .why = "x" } };
	struct signer_certify req;
	struct signer_reply reply;
	struct error e;

	fixture_tbs(&f, "kafka-broker", NULL, &tbs);
	req = fixture_request(&f, &tbs);
	assert_true(signer_certify_wait(f.s, &req, &sig, &reply, &e));
	cert_assemble(buf_bytes(&tbs), SIG_ECDSA_SHA256, buf_bytes(&sig), &der);
	der.p[der.n - 1] ^= 1;
	rev.cert_der = buf_bytes(&der);
	assert_false(signer_revoke_wait(f.s, &rev, &reply, &e));
	der.p[der.n - 1] ^= 1;
	assert_true(signer_revoke_wait(f.s, &rev, &reply, &e));
	rev.cert_der = (struct bytes){ 0 };
	assert_false(signer_revoke_wait(f.s, &rev, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

/* The disk fails under the register: no signature leaves, the signer is dead, the
 * next start finds a register that verifies. */
static void
test_dead_register(unused_arg void **state)
{
	uint8_t serial[1][LIMIT_SERIAL_BYTES];
	struct rlimit old, tight;
	struct reg_verify_report report;
	struct signer_reply reply;
	struct tally t = { 0 };
	struct error e;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, was;

	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	many(50, &t);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	(void)sigaction(SIGXFSZ, &ignore, &was);
	tight = old;
	tight.rlim_cur = 20000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_false(signer_drain(f.s, &e));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(t.ok, 0);
	assert_int_equal(t.failed, 50);
	assert_false(signer_serials(f.s, 1, serial, &e));
	assert_int_equal(f.signs, 1);
	(void)sigaction(SIGXFSZ, &was, NULL);
	signer_free(f.s);
	fixture_open(&f);
	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	fixture_close(&f);
	fixture_verify(&f, &report);
}

static void
test_second_signer(unused_arg void **state)
{
	struct signer_config cfg = fixture_config(&f);
	struct error e;

	assert_null(signer_open(&cfg, &e));
	assert_int_equal(e.why, FAIL_BUSY);
}

static void
test_claims(unused_arg void **state)
{
	auto_buf struct buf tbs = { 0 };
	char long_who[LIMIT_WHO_BYTES + 2];
	struct signer_certify req;
	struct signer_reply reply;
	struct error e;

	memset(long_who, 'a', sizeof(long_who) - 1);
	long_who[sizeof(long_who) - 1] = '\0';
	fixture_tbs(&f, "kafka-broker", NULL, &tbs);
	req = fixture_request(&f, &tbs);
	req.claim.who = long_who;
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	req.claim.who = "\xff";
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	req = fixture_request(&f, &tbs);
	req.key.b[0] ^= 1;
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	req = fixture_request(&f, &tbs);
	req.tbs = (struct bytes){ 0 };
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
}

static void
test_records_on_request(unused_arg void **state)
{
	struct record rec;
	struct error e;
	uint64_t n;

	record_init(&rec, REC_EVENT);
	record_text(&rec, "what", "a step");
	assert_true(signer_record(f.s, &rec, (struct bytes){ 0 }, &n, &e));
	record_init(&rec, REC_SIGNED);
	record_int(&rec, "attempts", 1);
	record_int(&rec, "intent", 0);
	record_bytes(&rec, "sig", bytes_str("x"));
	assert_false(signer_record(f.s, &rec, (struct bytes){ 0 }, &n, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_certify),
		TEST(test_serials),
		TEST(test_serial_limit),
		TEST(test_structure),
		cmocka_unit_test_setup_teardown(test_charter, setup_strict,
		    teardown),
		TEST(test_charter_changes),
		cmocka_unit_test_setup_teardown(test_self_signed_once,
		    setup_root, teardown),
		TEST(test_many),
		TEST(test_settle),
		TEST(test_settle_many),
		TEST(test_key_failures),
		TEST(test_killed_in_sign),
		TEST(test_revoke_and_crl),
		TEST(test_crl_rebuild),
		TEST(test_crl_queue),
		TEST(test_crl_bad_requests),
		TEST(test_crl_expiry),
		TEST(test_foreign_revocation),
		TEST(test_dead_register),
		TEST(test_second_signer),
		TEST(test_claims),
		TEST(test_records_on_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
