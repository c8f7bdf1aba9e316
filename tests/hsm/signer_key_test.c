/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/signer/logkey.h>

#include "faulty.h"
#include "rig_fixture.h"

/* The life of a key: made, found again after a crash, adopted, destroyed; and its
 * charter. */

static void
template_json(const char *name, struct buf *out)
{
	auto_charter struct charter *c = charter_template(name);

	assert_non_null(c);
	charter_to_json(c, out);
}

/* ---- making ------------------------------------------------------------ */

static void
test_generate(unused_arg void **state)
{
	struct sha256 key;
	uint64_t from = size();

	must_generate(&key);
	/* A sacrificial key first, once. */
	expect_records(from,
	    "CUSTODY KEYGEN-INTENT KEYGEN-DONE CUSTODY CHARTER ");
	from = size();
	must_generate(&key);
	expect_records(from, "KEYGEN-INTENT KEYGEN-DONE CUSTODY CHARTER ");
	must_certify(&key);
	rig_verify(&rig);
}

static bool
generate_with(size_t token, const char *label, struct bytes charter,
    struct error *e)
{
	const struct signer_keygen gen = { .token = token,
		.type = { KEY_EC_P256, 0 },
		.label = label,
		.charter_json = charter,
		.destroyable = true,
		.claim = rig_claim() };
	struct sha256 key;

	*e = (struct error){ 0 };
	return signer_key_generate(rig.s, &gen, &key, NULL, e);
}

static void
open_with(const char *charter, bool online)
{
	rig_close(&rig);
	rig.charter = charter;
	rig.online = online;
	rig_open(&rig, false, 2, false);
}

static void
test_generate_refused(unused_arg void **state)
{
	static const uint8_t garbage[] = { '{' };
	struct bytes none = { 0 };
	unsigned long made = faulty_calls("C_GenerateKeyPair");
	uint64_t from;
	struct error e;

	open_with(NULL, false);
	from = size();
	assert_false(generate_with(0, "a", none, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	assert_false(generate_with(7, "a", none, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_false(
	    generate_with(0, "a", bytes_of(garbage, sizeof(garbage)), &e));
	assert_int_equal(from, size());
	open_with("no such template", false);
	from = size();
	assert_false(generate_with(0, "a", none, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_int_equal(from, size());
	assert_int_equal(faulty_calls("C_GenerateKeyPair"), made);
}

/* What the token would not begin with is settled at once. */
static void
test_generate_failed(unused_arg void **state)
{
	struct bytes none = { 0 };
	uint64_t from;
	struct error e;

	assert_true(generate_with(0, "taken", none, &e));
	from = size();
	assert_false(generate_with(0, "taken", none, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	expect_records(from, "KEYGEN-INTENT KEYGEN-FAILED ");
	assert_int_equal(reg_state_open_count(
			     reg_get_state(signer_register(rig.s))),
	    0);
	rig_verify(&rig);
}

/* ---- charters ---------------------------------------------------------- */

static bool
set_charter(const struct sha256 *key, const char *template, struct error *e)
{
	const struct signer_claim claim = rig_claim();
	auto_buf struct buf json = { 0 };

	*e = (struct error){ 0 };
	template_json(template, &json);
	return signer_charter(rig.s, key, buf_bytes(&json), &claim, e);
}

static void
test_charter(unused_arg void **state)
{
	const struct signer_claim claim = rig_claim();
	struct sha256 key, unknown = { { 0 } };
	struct error e;

	must_generate(&key);
	assert_true(set_charter(&key, "kafka-issuer", &e));
	assert_false(set_charter(&key, "open", &e));
	assert_int_equal(e.why, FAIL_QUORUM);
	assert_false(set_charter(&key, "root", &e));
	assert_int_equal(e.why, FAIL_QUORUM);
	assert_false(set_charter(&unknown, "root", &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(signer_charter(rig.s, &key, bytes_str("{}x"), &claim, &e));
	rig_reopen(&rig);
	assert_false(set_charter(&key, "open", &e));
	assert_int_equal(e.why, FAIL_QUORUM);
	must_certify(&key);
}

/* A daemon's callers get less than the token's template, never more. */
static void
test_charter_online(unused_arg void **state)
{
	auto_buf struct buf open = { 0 }, issuer = { 0 };
	struct error e;

	template_json("open", &open);
	template_json("kafka-issuer", &issuer);
	open_with("intermediate", true);
	assert_false(generate_with(0, "wide", buf_bytes(&open), &e));
	assert_int_equal(e.why, FAIL_QUORUM);
	assert_true(generate_with(0, "narrow", buf_bytes(&issuer), &e));
	open_with(NULL, true);
	assert_false(generate_with(0, "none", buf_bytes(&issuer), &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	open_with(NULL, false);
	assert_true(generate_with(0, "operator", buf_bytes(&open), &e));
}

/* ---- adoption ---------------------------------------------------------- */

static bool
adopt(const char *uri, struct sha256 *key, struct error *e)
{
	const struct signer_claim claim = rig_claim();

	*e = (struct error){ 0 };
	return signer_key_adopt(rig.s, 0, uri, (struct bytes){ 0 }, &claim, key,
	    e);
}

static void
test_adopt(unused_arg void **state)
{
	struct hsm_key *k = softtoken_key(&rig.soft, "ec-p384", "foreign");
	auto_mem char *elsewhere = mem_printf("pkcs11:serial=%s;object=foreign",
	    hsm_token_get_info(rig.other)->serial);
	uint64_t from = size();
	struct sha256 key;
	struct error e;

	hsm_key_close(k);
	assert_false(adopt("pkcs11:object=nobody", &key, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(adopt(elsewhere, &key, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(adopt("not a URI", &key, &e));
	assert_int_equal(from, size());
	must(adopt("pkcs11:object=foreign", &key, &e), &e, "adopt");
	expect_records(from, "ADOPT CUSTODY CHARTER ");
	must_certify(&key);
	/* Not twice. */
	from = size();
	assert_false(adopt("pkcs11:object=foreign", &key, &e));
	assert_int_equal(from, size());
	rig_reopen(&rig);
	must_certify(&key);
	rig_verify(&rig);
}

/* The key that signs checkpoints cannot become a CA's. */
static void
test_adopt_log_key(unused_arg void **state)
{
	struct hsm_key *k = softtoken_key(&rig.soft, "ed25519", "log");
	struct note_signer log;
	struct sha256 key;
	struct error e = { 0 };
	uint64_t from;

	must(log_key_signer(k, "test.example/log", &log, &e), &e, "log key");
	signer_free(take(rig.s));
	mem_free(rig.reg_dir);
	rig.reg_dir = path_join(rig.soft.dir, "register-with-log-key");
	rig.log = &log;
	rig_open(&rig, true, 2, false);
	from = size();
	assert_false(adopt("pkcs11:object=log", &key, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	assert_int_equal(from, size());
	rig_close(&rig);
	hsm_key_close(k);
	rig.log = NULL;
}

static void
test_adopt_without_template(unused_arg void **state)
{
	struct hsm_key *k = softtoken_key(&rig.soft, "ec-p256", "no-template");
	struct sha256 key;
	struct error e;

	hsm_key_close(k);
	open_with(NULL, false);
	assert_false(adopt("pkcs11:object=no-template", &key, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
}

/* ---- destruction ------------------------------------------------------- */

static bool
destroy(const struct sha256 *key, struct error *e)
{
	const struct signer_claim claim = rig_claim();

	*e = (struct error){ 0 };
	return signer_key_destroy(rig.s, key, &claim, e);
}

static void
expect_gone(const struct sha256 *key)
{
	const struct state_key *k =
	    reg_state_key(reg_get_state(signer_register(rig.s)), key);
	struct hsm_key_list l = { 0 };
	struct signer_reply reply;
	struct error e = { 0 };

	assert_true(k->destroyed);
	assert_null(signer_key_handle(rig.s, key));
	assert_false(rig_certify(&rig, key, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(destroy(key, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	must(hsm_keys(rig.soft.t, &l, &e), &e, "keys");
	for (size_t i = 0; i < l.n; i++)
		assert_false(bytes_eq(bytes_of(l.v[i].id, l.v[i].id_len),
		    bytes_of(k->id, k->id_len)));
	hsm_key_list_free(&l);
}

static void
test_destroy(unused_arg void **state)
{
	struct sha256 key, other;
	struct error e;

	must_generate(&key);
	must_generate(&other);
	must_certify(&key);
	must(destroy(&key, &e), &e, "destroy");
	expect_gone(&key);
	rig_reopen(&rig);
	expect_gone(&key);
	must_certify(&other);
	rig_verify(&rig);
}

static void
count_reply(void *arg, const struct signer_reply *a)
{
	unsigned *n = arg;

	*n += a->ok;
}

/* What the token keeps goes on signing; and nothing is destroyed under requests. */
static void
test_destroy_refused(unused_arg void **state)
{
	struct sha256 key, unknown = { { 0 } };
	struct signer_revoke rev = { .cert = UINT64_MAX,
		.cert_der = bytes_str("x"),
		.claim = rig_claim() };
	unsigned n = 0;
	struct error e = { 0 };

	must(rig_generate(&rig, "ec-p256", false, &key, &e), &e, "key");
	assert_false(destroy(&key, &e));
	must_certify(&key);
	faulty_rules("C_DestroyObject:rv=0x05");
	assert_false(destroy(&key, &e));
	faulty_rules("");
	must_certify(&key);
	assert_int_equal(rig_count(&rig, REC_DESTROY), 0);
	assert_false(destroy(&unknown, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	rev.key = key;
	assert_true(signer_revoke(rig.s, &rev, count_reply, &n, &e));
	assert_false(destroy(&key, &e));
	assert_int_equal(e.why, FAIL_BUSY);
	must(signer_drain(rig.s, &e), &e, "drain");
	rig_verify(&rig);
}

static struct sha256 the_key;

static void
die_destroying(unused_arg struct rig *r)
{
	struct error e;

	faulty_rules("C_DestroyObject:kill=after:nth=1");
	(void)!destroy(&the_key, &e);
}

/* Killed between the private half and its record: done again, then recorded. */
static void
test_destroy_killed(unused_arg void **state)
{
	struct signer_reply reply;
	struct error e;

	must_generate(&the_key);
	rig_killed(&rig, die_destroying);
	assert_int_equal(rig_count(&rig, REC_DESTROY), 0);
	assert_false(rig_certify(&rig, &the_key, NULL, &reply, &e));
	must(destroy(&the_key, &e), &e, "destroy again");
	assert_int_equal(rig_count(&rig, REC_DESTROY), 1);
	expect_gone(&the_key);
	rig_verify(&rig);
}

/* ---- orphans ----------------------------------------------------------- */

/* The first key makes the sacrifice; the rule meets the second. */
static void
die_generating(struct rig *r, const char *rules)
{
	struct sha256 key;
	struct error e;

	if (!rig_generate(r, "ec-p256", true, &key, &e))
		fatal("first key: %s", e.msg);
	faulty_rules(rules);
	(void)!rig_generate(r, "ec-p256", true, &key, &e);
}

static void
die_before_generation(struct rig *r)
{
	die_generating(r, "C_GenerateKeyPair:kill=before");
}

static void
die_after_generation(struct rig *r)
{
	die_generating(r, "C_GenerateKeyPair:kill=after");
}

static void
die_in_examination(struct rig *r)
{
	die_generating(r, "C_WrapKey:kill=before");
}

/* The open KEYGEN-INTENT and the CKA_ID in it. */
static uint64_t
open_keygen(struct buf *id)
{
	const struct reg_state *s = reg_get_state(signer_register(rig.s));
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct record rec;
	struct error e = { 0 };
	uint64_t n;

	assert_int_equal(reg_state_open_count(s), 1);
	n = reg_state_open_at(s, 0)->n;
	must(reg_read(signer_register(rig.s), n, &line, &rec, &store, &e), &e,
	    "read");
	assert_int_equal(rec.type, REC_KEYGEN_INTENT);
	buf_add_bytes(id, record_get(&rec, "id"));
	return n;
}

static void
remove_half(const struct buf *id, const char *type)
{
	char hex[2 * HSM_ID_MAX + 1];
	int status;
	pid_t pid;

	hex_encode(buf_bytes(id), hex);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl(PKCS11_TOOL, PKCS11_TOOL, "--module",
		    SOFTHSM_MODULE, "--token-label", "ca", "--login", "--pin",
		    SOFTTOKEN_PIN, "--delete-object", "--type", type, "--id",
		    hex, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool
settle(uint64_t intent, bool take, enum signer_orphan *out, struct sha256 *key,
    struct error *e)
{
	const struct signer_claim claim = rig_claim();

	*e = (struct error){ 0 };
	return signer_keygen_settle(rig.s, intent, take, (struct bytes){ 0 },
	    &claim, out, key, e);
}

enum half {
	WHOLE,
	NO_PRIVATE,
	NO_PUBLIC
};

static void
test_settle(unused_arg void **state)
{
	static const struct {
		void (*die)(struct rig *r);
		enum half half;
		bool adopt;
		enum signer_orphan want;
		const char *records;
	} rows[] = {
		{ die_before_generation, WHOLE, true, ORPHAN_NONE,
		    "KEYGEN-FAILED " },
		{ die_before_generation, WHOLE, false, ORPHAN_NONE,
		    "KEYGEN-FAILED " },
		{ die_after_generation, WHOLE, true, ORPHAN_ADOPTED,
		    "KEYGEN-DONE CUSTODY CHARTER " },
		{ die_after_generation, WHOLE, false, ORPHAN_DESTROYED,
		    "KEYGEN-FAILED " },
		{ die_after_generation, NO_PRIVATE, true, ORPHAN_DESTROYED,
		    "KEYGEN-FAILED " },
		{ die_after_generation, NO_PRIVATE, false, ORPHAN_DESTROYED,
		    "KEYGEN-FAILED " },
		{ die_after_generation, NO_PUBLIC, true, ORPHAN_DESTROYED,
		    "KEYGEN-FAILED " },
		{ die_after_generation, NO_PUBLIC, false, ORPHAN_DESTROYED,
		    "KEYGEN-FAILED " },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		auto_buf struct buf id = { 0 };
		enum signer_orphan got;
		struct sha256 key;
		struct error e;
		uint64_t intent, from;

		print_message("row %zu\n", i);
		rig_killed(&rig, rows[i].die);
		intent = open_keygen(&id);
		if (rows[i].half != WHOLE)
			remove_half(&id,
			    rows[i].half == NO_PUBLIC ? "pubkey" : "privkey");
		/* Reopening leaves it to people. */
		rig_reopen(&rig);
		from = size();
		must(settle(intent, rows[i].adopt, &got, &key, &e), &e,
		    "settle");
		assert_int_equal(got, rows[i].want);
		expect_records(from, rows[i].records);
		if (got == ORPHAN_ADOPTED)
			must_certify(&key);
		assert_false(settle(intent, false, &got, &key, &e));
		assert_int_equal(e.why, FAIL_NOT_FOUND);
	}
	rig_verify(&rig);
}

/* A token that cannot be asked is no proof that there is nothing to adopt. */
static void
test_settle_without_answer(unused_arg void **state)
{
	auto_buf struct buf id = { 0 };
	enum signer_orphan got;
	struct sha256 key;
	uint64_t intent;
	struct error e;

	rig_killed(&rig, die_after_generation);
	intent = open_keygen(&id);
	faulty_rules("C_FindObjectsInit:rv=0x05");
	assert_false(settle(intent, true, &got, &key, &e));
	faulty_rules("");
	assert_int_not_equal(e.why, FAIL_NOT_FOUND);
	/* Its token is not here. */
	rig_close(&rig);
	rig_open(&rig, false, 0, false);
	assert_false(settle(intent, true, &got, &key, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	rig_close(&rig);
	rig_open(&rig, false, 1, true);
	assert_false(settle(intent, false, &got, &key, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	rig_close(&rig);
	rig_open(&rig, false, 2, false);
	must(settle(intent, true, &got, &key, &e), &e, "settle");
	assert_int_equal(got, ORPHAN_ADOPTED);
	must_certify(&key);
	rig_verify(&rig);
}

static void
test_settle_other_records(unused_arg void **state)
{
	enum signer_orphan got;
	struct sha256 key;
	struct error e;

	assert_false(settle(0, true, &got, &key, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(settle(UINT64_MAX, true, &got, &key, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
}

/* The answer to C_GenerateKeyPair is lost: whatever lies on the token afterwards is
 * known to the register, as a key or as an open intent. */
static void
test_generation_answer_lost(unused_arg void **state)
{
	const struct reg_state *s;
	struct hsm_key_list l = { 0 };
	enum signer_orphan got;
	struct sha256 key;
	struct error e = { 0 };
	size_t before;

	must_generate(&key);
	must(hsm_keys(rig.soft.t, &l, &e), &e, "keys");
	before = l.n;
	hsm_key_list_free(&l);
	faulty_rules("C_GenerateKeyPair:rv=0x30:real:nth=1");
	if (rig_generate(&rig, "ec-p256", true, &key, &e)) {
		faulty_rules("");
		must_certify(&key);
		before++;
	} else {
		faulty_rules("");
		s = reg_get_state(signer_register(rig.s));
		assert_int_equal(reg_state_open_count(s), 1);
		must(settle(reg_state_open_at(s, 0)->n, false, &got, &key, &e),
		    &e, "settle");
		assert_int_equal(got, ORPHAN_DESTROYED);
	}
	must(hsm_keys(rig.soft.t, &l, &e), &e, "keys");
	assert_int_equal(l.n, before);
	hsm_key_list_free(&l);
	rig_verify(&rig);
}

/* Killed behind KEYGEN-DONE: the key is there, and signs nothing until it has a
 * charter. */
static void
test_killed_before_charter(unused_arg void **state)
{
	const struct reg_state *s;
	struct signer_reply reply;
	struct sha256 key;
	struct error e;

	rig_killed(&rig, die_in_examination);
	s = reg_get_state(signer_register(rig.s));
	assert_int_equal(reg_state_open_count(s), 0);
	key = reg_state_key_at(s, reg_state_keys(s) - 1)->key;
	assert_false(rig_certify(&rig, &key, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	assert_string_equal(reply.verdict.rule, "charter-none");
	open_with("intermediate", true);
	assert_false(set_charter(&key, "open", &e));
	assert_int_equal(e.why, FAIL_QUORUM);
	must(set_charter(&key, "kafka-issuer", &e), &e, "charter");
	must_certify(&key);
	rig_verify(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_generate),
		RIG_TEST(test_generate_refused),
		RIG_TEST(test_generate_failed),
		RIG_TEST(test_charter),
		RIG_TEST(test_charter_online),
		RIG_TEST(test_adopt),
		RIG_TEST(test_adopt_log_key),
		RIG_TEST(test_adopt_without_template),
		RIG_TEST(test_destroy),
		RIG_TEST(test_destroy_refused),
		RIG_TEST(test_destroy_killed),
		RIG_TEST(test_settle),
		RIG_TEST(test_settle_without_answer),
		RIG_TEST(test_settle_other_records),
		RIG_TEST(test_generation_answer_lost),
		RIG_TEST(test_killed_before_charter),
	};

	return cmocka_run_group_tests(tests, rig_group_setup,
	    rig_group_teardown);
}
