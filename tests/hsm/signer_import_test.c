/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/signer/custody.h>
#include <chancery/signer/keygen.h>

#include "faulty.h"
#include "rig_fixture.h"

/* Keys that were made elsewhere. */

struct outside {
	EVP_PKEY *key;
	struct hsm_outside *read;
	struct key_type type;
};

static void
outside_free(struct outside *o)
{
	EVP_PKEY_free(o->key);
	hsm_outside_free(o->read);
	*o = (struct outside){ 0 };
}
#define auto_outside auto_cleanup(outside_free)

static void
pkcs8(EVP_PKEY *key, struct buf *out)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	uint8_t *der = NULL;
	int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

	assert_true(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
}

static struct hsm_outside *
read_key(EVP_PKEY *key)
{
	auto_buf struct buf der = { 0 };
	struct error e = { 0 };
	struct hsm_outside *o;

	pkcs8(key, &der);
	o = hsm_outside_read(buf_bytes(&der), &e);
	must(o != NULL, &e, "read");
	return o;
}

static void
outside(struct outside *o, EVP_PKEY *key)
{
	assert_non_null(key);
	o->key = key;
	o->read = read_key(key);
	o->type = hsm_outside_type(o->read);
}

static struct signer_keygen
request(const struct outside *o, const char *label)
{
	return (struct signer_keygen){ .type = o->type,
		.label = label,
		.from = o->read,
		.claim = rig_claim() };
}

static struct keygen_job *
begin(const struct outside *o, const char *label)
{
	const struct signer_keygen req = request(o, label);
	struct error e = { 0 };
	struct keygen_job *j = signer_keygen_begin(rig.s, &req, &e);

	must(j != NULL, &e, "begin");
	return j;
}

static void
make(const struct keygen_job *j, const struct hsm_outside *from,
    struct buf *made)
{
	struct keygen_spec spec = *keygen_job_spec(j);

	spec.from = from;
	keygen_make(rig.soft.t, &spec, made);
}

static const struct state_key *
state_of(const struct sha256 *key)
{
	const struct state_key *st =
	    reg_state_key(reg_get_state(signer_register(rig.s)), key);

	assert_non_null(st);
	return st;
}

static void
expect_imported(const struct sha256 *key, bool want)
{
	assert_int_equal(state_of(key)->imported, want);
}

static void
import(EVP_PKEY *key, const char *label)
{
	auto_outside struct outside o = { 0 };
	auto_keygen_job struct keygen_job *j = NULL;
	auto_buf struct buf made = { 0 };
	struct sha256 id, want;
	struct error e = { 0 };

	outside(&o, key);
	j = begin(&o, label);
	make(j, o.read, &made);
	must(signer_keygen_finish(rig.s, j, buf_bytes(&made), &id, &e), &e,
	    label);
	want = sha256(hsm_outside_spki(o.read));
	assert_memory_equal(&id, &want, sizeof(id));
	expect_imported(&id, true);
	must_certify(&id);
	rig_verify(&rig);
}

/* Readers have newer lists of it than we would make. */
static void
test_a_key_whose_log_was_taken_in(unused_arg void **state)
{
	auto_outside struct outside o = { 0 };
	struct error e = { 0 };
	char hex[2 * SHA256_LEN + 1];
	struct sha256 key;
	struct signer_keygen req;

	outside(&o, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	key = sha256(hsm_outside_spki(o.read));
	hex_encode(sha256_bytes(&key), hex);
	{
		auto_mem char *of_key = mem_printf("%s/%s", rig.crl_dir, hex);
		auto_mem char *full = mem_printf("%s/full", of_key);

		must(dir_create(rig.crl_dir, 0755, &e) &&
			dir_create(of_key, 0755, &e) &&
			dir_create(full, 0755, &e),
		    &e, "lists");
	}
	req = request(&o, "of another log");
	assert_null(signer_keygen_begin(rig.s, &req, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	assert_non_null(strstr(e.msg, "taken in"));
}

static void
test_every_kind_signs_afterwards(unused_arg void **state)
{
	import(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), "outside p256");
	import(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"), "outside p384");
	import(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "outside ed25519");
	import(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048),
	    "outside rsa");
	import(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)3072),
	    "outside rsa 3072");
	import(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)4096),
	    "outside rsa 4096");
}

static void
expect_but_imported(const struct hsm_custody *c, bool want)
{
	auto_buf struct buf json = { 0 };

	custody_to_json(c, &json);
	assert_int_equal(custody_is_but_imported(buf_bytes(&json)), want);
}

/* Neither a snapshot nor a later signer forgets it; a generated key is none. */
static void
test_a_later_signer_knows_it(unused_arg void **state)
{
	auto_outside struct outside o = { 0 };
	struct sha256 key, own;
	struct error e = { 0 };
	struct hsm_custody custody = { 0 };
	struct signer_keygen req;

	outside(&o, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	req = request(&o, "kept in mind");
	must(signer_key_generate(rig.s, &req, &key, &custody, &e), &e,
	    "import");
	assert_true(custody.attacks_ok);
	assert_false(custody.attrs_ok);
	expect_but_imported(&custody, true);
	custody.attacks_ok = false;
	expect_but_imported(&custody, false);
	custody.attacks_ok = true;
	for (size_t i = 0; i < custody.attrs; i++)
		if (strcmp(custody.attr[i].name, "CKA_SENSITIVE") == 0)
			custody.attr[i].value = HSM_FALSE;
	expect_but_imported(&custody, false);
	assert_false(custody_is_but_imported(bytes_str("{}")));
	assert_false(custody_is_but_imported(bytes_str("[")));
	must_generate(&own);
	rig_reopen(&rig);
	expect_imported(&key, true);
	expect_imported(&own, false);
	must_certify(&key);
}

static void
test_refused_by_the_template(unused_arg void **state)
{
	auto_outside struct outside o = { 0 };
	struct signer_keygen req;
	struct error e = { 0 };
	struct sha256 key;
	uint64_t from;

	rig_close(&rig);
	rig.charter = "intermediate";
	rig_open(&rig, false, 2, false);
	from = size();
	outside(&o, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	req = request(&o, "refused");
	assert_null(signer_keygen_begin(rig.s, &req, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	assert_false(signer_key_generate(rig.s, &req, &key, NULL, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	expect_records(from, "");
}

/* What comes back from another process has to be the key that went there. */
static void
test_another_key_is_not_recorded(unused_arg void **state)
{
	auto_outside struct outside one = { 0 }, two = { 0 };
	auto_keygen_job struct keygen_job *j = NULL;
	auto_buf struct buf made = { 0 };
	struct error e = { 0 };
	struct sha256 key;

	outside(&one, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	outside(&two, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	j = begin(&one, "changed");
	make(j, two.read, &made);
	assert_false(
	    signer_keygen_finish(rig.s, j, buf_bytes(&made), &key, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
	assert_int_equal(rig_count(&rig, REC_KEYGEN_DONE), 0);
}

/* ---- interrupted --------------------------------------------------------------- */

static void
resume(enum fail want, struct sha256 *key)
{
	auto_keygen_job struct keygen_job *j = NULL;
	auto_buf struct buf made = { 0 };
	struct error e = { 0 };
	uint64_t n = signer_keygen_left(rig.s, 0);

	assert_true(n != UINT64_MAX);
	j = signer_keygen_resume(rig.s, n, &e);
	must(j != NULL, &e, "resume");
	assert_true(keygen_job_spec(j)->imported);
	make(j, NULL, &made);
	if (!signer_keygen_finish(rig.s, j, buf_bytes(&made), key, &e))
		assert_int_equal(e.why, want);
	else
		assert_int_equal(want, FAIL_NONE);
	assert_true(signer_keygen_left(rig.s, 0) == UINT64_MAX);
}

static void
test_a_whole_key_is_adopted(unused_arg void **state)
{
	auto_outside struct outside o = { 0 };
	auto_buf struct buf made = { 0 };
	struct keygen_job *j;
	struct sha256 key;

	outside(&o, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	j = begin(&o, "whole");
	make(j, o.read, &made);
	keygen_job_free(j);
	rig_reopen(&rig);
	resume(FAIL_NONE, &key);
	expect_imported(&key, true);
	must_certify(&key);
}

static void
test_a_key_that_never_came(unused_arg void **state)
{
	auto_outside struct outside o = { 0 };
	struct sha256 key;
	uint64_t from;

	outside(&o, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	keygen_job_free(begin(&o, "never came"));
	rig_reopen(&rig);
	from = size();
	resume(FAIL_NOT_FOUND, &key);
	expect_records(from, "KEYGEN-FAILED ");
}

/* C_CreateObject twice is no single step; what may not be destroyed comes last. */
static void
die_with_half(struct rig *r)
{
	auto_outside struct outside o = { 0 };
	auto_buf struct buf made = { 0 };
	struct keygen_spec spec;

	outside(&o, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	spec = *keygen_job_spec(begin(&o, "half"));
	spec.from = o.read;
	spec.sacrifice = false;
	faulty_rules("C_CreateObject:kill=after:nth=1");
	keygen_make(r->soft.t, &spec, &made);
}

static size_t
labelled(const char *label)
{
	struct hsm_key_list l = { 0 };
	struct error e = { 0 };
	size_t n = 0;

	must(hsm_keys(rig.soft.t, &l, &e), &e, "keys");
	for (size_t i = 0; i < l.n; i++)
		n += strcmp(l.v[i].label, label) == 0;
	hsm_key_list_free(&l);
	return n;
}

static void
test_half_a_key_is_destroyed(unused_arg void **state)
{
	struct sha256 key;
	uint64_t from;

	rig_killed(&rig, die_with_half);
	assert_int_equal(labelled("half"), 1);
	from = size();
	resume(FAIL_NOT_FOUND, &key);
	expect_records(from, "KEYGEN-FAILED ");
	assert_int_equal(labelled("half"), 0);
}

/* ---- a token that does not take it ---------------------------------------------- */

static const struct {
	const char *name, *rules;
	bool whole; /* after all */
} refusals[] = {
	{ "no public half", "C_CreateObject:rv=0x30:nth=1", false },
	{ "no private half", "C_CreateObject:rv=0x30:nth=2", false },
	{ "public half, answer lost", "C_CreateObject:rv=0x30:real:nth=1",
	    false },
	{ "private half, answer lost", "C_CreateObject:rv=0x30:real:nth=2",
	    true },
	{ "sessions lost for good", "C_CreateObject:rv=0xb3:from=2", false },
	{ "device gone on the way", "C_CreateObject:rv=0x32:nth=2", false },
	{ "not under any template", "C_CreateObject:rv=0xd1", false },
	{ "private halves never", "C_CreateObject:rv=0xd1:from=2", false },
	{ "no imports at all", "C_CreateObject:rv=0x54", false },
	{ "cannot be taken back",
	    "C_CreateObject:rv=0xd1:nth=2;C_DestroyObject:rv=0x30:nth=1",
	    false },
};

static void
refused_once(const struct outside *o, size_t row)
{
	auto_keygen_job struct keygen_job *j = begin(o, refusals[row].name);
	auto_buf struct buf made = { 0 };
	struct keygen_spec spec = *keygen_job_spec(j);
	struct error e = { 0 };
	struct sha256 key;

	spec.from = o->read;
	spec.sacrifice = false;
	faulty_rules(refusals[row].rules);
	keygen_make(rig.soft.t, &spec, &made);
	faulty_rules("");
	if (signer_keygen_finish(rig.s, j, buf_bytes(&made), &key, &e))
		fail_msg("%s: succeeded", refusals[row].name);
	if (strstr(e.msg, "importing ec-p256 key") == NULL ||
	    strstr(e.msg, "CKR_") == NULL)
		fail_msg("%s: %s", refusals[row].name, e.msg);
}

/* The session goes between the halves, or with the answer to the second: no half twice. */
static void
test_a_session_lost_on_the_way(unused_arg void **state)
{
	static const char *const rules[] = { "C_CreateObject:rv=0xb3:nth=2",
		"C_CreateObject:rv=0xb3:real:nth=2" };
	struct sha256 key, want;

	for (size_t i = 0; i < countof(rules); i++) {
		auto_outside struct outside o = { 0 };
		auto_keygen_job struct keygen_job *j = NULL;
		auto_buf struct buf made = { 0 };
		struct error e = { 0 };

		outside(&o, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
		j = begin(&o, rules[i]);
		faulty_rules(rules[i]);
		make(j, o.read, &made);
		faulty_rules("");
		must(signer_keygen_finish(rig.s, j, buf_bytes(&made), &key, &e),
		    &e, rules[i]);
		want = sha256(hsm_outside_spki(o.read));
		assert_memory_equal(&key, &want, sizeof(key));
		must_certify(&key);
	}
}

/* Not twice: before it is known what came of the first, and of a key that is there. */
static void
not_again(const struct outside *o, enum fail want)
{
	const struct signer_keygen req = request(o, "again");
	struct error e = { 0 };

	assert_null(signer_keygen_begin(rig.s, &req, &e));
	assert_int_equal(e.why, want);
}

static void
test_a_token_that_does_not_take_it(unused_arg void **state)
{
	struct sha256 key;

	for (size_t i = 0; i < countof(refusals); i++) {
		const char *name = refusals[i].name;
		EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		auto_outside struct outside o = { 0 };

		outside(&o, pkey);
		refused_once(&o, i);
		not_again(&o, FAIL_BUSY);
		resume(refusals[i].whole ? FAIL_NONE : FAIL_NOT_FOUND, &key);
		if (labelled(name) != refusals[i].whole)
			fail_msg("%s: what is left", name);
		if (!refusals[i].whole) {
			assert_int_equal(EVP_PKEY_up_ref(pkey), 1);
			import(pkey, name);
		}
		not_again(&o, FAIL_EXISTS);
	}
	rig_verify(&rig);
}

/* ---- what is no key -------------------------------------------------------------- */

static void
expect_unread(struct bytes der, enum fail want)
{
	struct error e = { 0 };

	assert_null(hsm_outside_read(der, &e));
	assert_int_equal(e.why, want);
}

static void
test_other_kinds_are_refused(unused_arg void **state)
{
	static const struct {
		const char *type, *curve;
		size_t bits;
	} rows[] = {
		{ "EC", "P-521", 0 },
		{ "X25519", NULL, 0 },
		{ "RSA", NULL, 1024 },
	};
	auto_buf struct buf der = { 0 };
	EVP_PKEY *k;

	for (size_t i = 0; i < countof(rows); i++) {
		k = rows[i].curve != NULL
		    ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", rows[i].curve)
		    : rows[i].bits > 0
		    ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", rows[i].bits)
		    : EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type);
		buf_reset(&der);
		pkcs8(k, &der);
		expect_unread(buf_bytes(&der), FAIL_UNSUPPORTED);
		EVP_PKEY_free(k);
	}
	expect_unread(bytes_str("no key"), FAIL_BAD_INPUT);
	expect_unread((struct bytes){ 0 }, FAIL_BAD_INPUT);
}

static void
test_halves_that_do_not_belong_together(unused_arg void **state)
{
	auto_buf struct buf der = { 0 };
	EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

	pkcs8(k, &der);
	/* The scalar stands 36 octets in; the public point ends it. */
	der.p[40] ^= 1;
	expect_unread(buf_bytes(&der), FAIL_BAD_INPUT);
	EVP_PKEY_free(k);
	/* The last octet of RSA's coefficient. */
	k = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	buf_reset(&der);
	pkcs8(k, &der);
	der.p[der.n - 1] ^= 1;
	expect_unread(buf_bytes(&der), FAIL_BAD_INPUT);
	EVP_PKEY_free(k);
}

/* Refused by the signer, whoever read it. */
static void
test_a_weak_key(unused_arg void **state)
{
	auto_outside struct outside o = { 0 };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *three = BN_new();
	EVP_PKEY *k = NULL;
	struct signer_keygen req;
	struct error e = { 0 };
	uint64_t from = size();

	assert_int_equal(BN_set_word(three, 3), 1);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &k), 1);
	BN_free(three);
	EVP_PKEY_CTX_free(ctx);
	outside(&o, k);
	req = request(&o, "weak");
	assert_null(signer_keygen_begin(rig.s, &req, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	if (strstr(e.msg, "imported key: RSA exponent: below 65537") == NULL)
		fail_msg("%s", e.msg);
	expect_records(from, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_every_kind_signs_afterwards),
		RIG_TEST(test_a_key_whose_log_was_taken_in),
		RIG_TEST(test_a_later_signer_knows_it),
		RIG_TEST(test_refused_by_the_template),
		RIG_TEST(test_another_key_is_not_recorded),
		RIG_TEST(test_a_whole_key_is_adopted),
		RIG_TEST(test_a_key_that_never_came),
		RIG_TEST(test_half_a_key_is_destroyed),
		RIG_TEST(test_a_token_that_does_not_take_it),
		RIG_TEST(test_a_session_lost_on_the_way),
		RIG_TEST(test_a_weak_key),
		RIG_TEST(test_other_kinds_are_refused),
		RIG_TEST(test_halves_that_do_not_belong_together),
	};

	return cmocka_run_group_tests(tests, rig_group_setup,
	    rig_group_teardown);
}
