/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "faulty.h"
#include "softtoken.h"

/*
 * Every Cryptoki function that hsm/ calls, failing: what the caller is told,
 * that nothing is returned, and (under asan) that nothing leaks. The faults are
 * persistent; what heals by itself is in recovery_test.c.
 */

static struct softtoken soft;
static struct hsm_key *key;
static struct hsm_token *made; /* the one that key is on                      */

/* ---- operations -------------------------------------------------------- */

static bool
do_load(struct error *e)
{
	const struct hsm_module_config cfg = { .path = FAULT_MODULE };
	struct hsm_module *m;

	softtoken_close(&soft);
	m = hsm_module_load(&cfg, e);
	hsm_module_unload(m);
	return m != NULL;
}

static bool
do_tokens(struct error *e)
{
	struct hsm_token_info *v = NULL;
	size_t n;
	bool ok = hsm_tokens(soft.m, &v, &n, e);

	mem_free(v);
	return ok;
}

static bool
do_open(struct error *e)
{
	const struct hsm_token_config cfg = { .uri = "pkcs11:token=ca" };
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	struct hsm_token *t;

	hsm_token_close(take(soft.t));
	t = hsm_token_open(soft.m, &cfg, pin, e);
	secret_free(pin);
	hsm_token_close(t);
	return t != NULL;
}

static bool
do_random(struct error *e)
{
	uint8_t r[20];

	return hsm_token_random(soft.t, r, sizeof(r), e);
}

/* With an empty pool: the first session is the one that holds the login. */
static bool
do_cold(struct error *e)
{
	const struct hsm_token_config cfg = { .uri = "pkcs11:token=ca",
		.sign_deadline_ms = 60 };
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);

	hsm_token_close(take(soft.t));
	soft.t = hsm_token_open(soft.m, &cfg, pin, e);
	must(soft.t != NULL, e, "token");
	secret_free(pin);
	return do_random(e);
}

static bool
do_keys(struct error *e)
{
	struct hsm_key_list l = { 0 };
	bool ok = hsm_keys(soft.t, &l, e);

	if (!ok)
		assert_null(l.v);
	hsm_key_list_free(&l);
	return ok;
}

static bool
do_key_open(struct error *e)
{
	struct hsm_key *k =
	    hsm_key_open(soft.t, "pkcs11:object=fault", (struct bytes){ 0 }, e);

	hsm_key_close(k);
	return k != NULL;
}

static bool
do_generate(struct error *e)
{
	static unsigned n;
	auto_mem char *label = mem_printf("made-%u", n++);
	const struct hsm_keygen spec = { { KEY_EC_P256, 0 }, label,
		bytes_str(label), true };
	struct hsm_key *k;

	k = hsm_key_generate(soft.t, &spec, NULL, e);
	hsm_key_close(k);
	return k != NULL;
}

static bool
do_destroy(struct error *e)
{
	const struct hsm_key_info *i = hsm_key_get_info(key);
	unsigned n = 77;
	bool ok = hsm_object_destroy(soft.t, bytes_of(i->id, i->id_len), &n, e);

	if (!ok)
		assert_int_equal(n, 77);
	return ok;
}

static bool
do_sign(struct error *e)
{
	static const uint8_t digest[32] = { 5 };
	auto_buf struct buf sig = { 0 };
	unsigned attempts;
	bool ok = hsm_sign(key, SIG_ECDSA_SHA256,
	    bytes_of(digest, sizeof(digest)), &sig, &attempts, e);

	if (!ok)
		assert_int_equal(sig.n, 0);
	return ok;
}

static bool
do_attributes(struct error *e)
{
	struct hsm_custody c = { .attrs = 77 };
	bool ok = hsm_key_attributes(key, &c, e);

	if (!ok)
		assert_int_equal(c.attrs, 77);
	return ok;
}

static bool
do_attack(struct error *e)
{
	struct hsm_custody c = { .attacks_ok = false };
	bool ok = hsm_key_attack(key, &c, e);

	if (!ok)
		assert_int_equal(c.attacks, 0);
	return ok;
}

static bool
sacrifice(enum key_alg alg, struct error *e)
{
	const struct key_type type = { alg, alg == KEY_RSA ? 2048 : 0 };
	struct hsm_custody c = { .attacks = 77 };
	bool ok = hsm_sacrificial_test(soft.t, type, &c, e);

	if (!ok)
		assert_int_equal(c.attacks, 77);
	return ok;
}

static bool
do_sacrifice(struct error *e)
{
	return sacrifice(KEY_EC_P256, e);
}

/* Keys of RSA can be put to more uses. */
static bool
do_sacrifice_rsa(struct error *e)
{
	return sacrifice(KEY_RSA, e);
}

static bool
do_data_read(struct error *e)
{
	auto_buf struct buf v = { 0 };
	bool ok = hsm_data_read(soft.t, "fault", &v, e);

	if (!ok)
		assert_int_equal(v.n, 0);
	return ok;
}

static bool
do_data_write(struct error *e)
{
	return hsm_data_write(soft.t, "fault", bytes_str("value"), e);
}

static bool
do_softtoken(struct error *e)
{
	static unsigned n;
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	char label[32];
	bool ok;

	(void)snprintf(label, sizeof(label), "soft-%u", n++);
	softtoken_close(&soft);
	ok = hsm_softtoken_create(FAULT_MODULE, soft.dir, label, pin, pin, e);
	secret_free(pin);
	return ok;
}

/* ---- the table --------------------------------------------------------- */

/* One more slot than there was room for, whenever it is asked. */
#define SLOTS_GROW                                                             \
	"C_GetSlotList:add=20;C_GetSlotList:add=20:from=2;"                    \
	"C_GetSlotList:add=20:from=3;C_GetSlotList:add=20:from=4"

typedef bool op_fn(struct error *e);

static const struct {
	op_fn *op;
	const char *rules;
	enum fail why;
} rows[] = {
	/* The module itself. */
	{ do_load, "C_Initialize:rv=0x02", FAIL_HSM },
	{ do_load, "C_Initialize:rv=0x07", FAIL_HSM },
	{ do_load, "C_Initialize:rv=0x0a", FAIL_HSM },
	{ do_load, "C_Initialize:rv=0x30", FAIL_HSM_GONE },
	{ do_load, "C_Initialize:rv=0x191", FAIL_BUSY },
	{ do_load, "C_Initialize:rv=0x80000001", FAIL_HSM },
	{ do_load, "C_Initialize:rv=0x7777", FAIL_HSM },
	{ do_load, "C_GetInfo:rv=0x05", FAIL_HSM },
	{ do_load, "C_GetInfo:rv=0x30", FAIL_HSM_GONE },
	{ do_tokens, "C_GetSlotList:rv=0x05", FAIL_HSM },
	{ do_tokens, "C_GetSlotList:rv=0x150:from=2", FAIL_HSM },
	{ do_tokens, "C_GetSlotList:rv=0x190", FAIL_HSM_GONE },
	{ do_tokens, SLOTS_GROW, FAIL_HSM },
	{ do_tokens, "C_GetSlotList:add=100000", FAIL_HSM },
	/* Slots that are none. */
	{ do_tokens, "C_GetSlotList:add=20", FAIL_HSM_GONE },
	{ do_tokens, "C_GetTokenInfo:rv=0x30", FAIL_HSM_GONE },
	{ do_tokens, "C_GetTokenInfo:rv=0xe1", FAIL_HSM_GONE },
	/* Opening a token: nothing is retried, the caller sees it at once. */
	{ do_open, "C_GetSlotList:rv=0x30", FAIL_HSM_GONE },
	{ do_open, SLOTS_GROW, FAIL_HSM },
	{ do_open, "C_GetTokenInfo:rv=0x05", FAIL_HSM },
	{ do_open, "C_GetTokenInfo:rv=0xe0", FAIL_NOT_FOUND },
	{ do_open, "C_OpenSession:rv=0xb1", FAIL_BUSY },
	{ do_open, "C_OpenSession:rv=0xe0", FAIL_HSM_GONE },
	{ do_open, "C_OpenSession:rv=0xe1", FAIL_HSM_GONE },
	{ do_open, "C_OpenSession:rv=0x32", FAIL_HSM_GONE },
	{ do_open, "C_Login:rv=0xa0", FAIL_PIN },
	{ do_open, "C_Login:rv=0xa2", FAIL_PIN },
	{ do_open, "C_Login:rv=0xa3", FAIL_PIN },
	{ do_open, "C_Login:rv=0xa4", FAIL_PIN },
	{ do_open, "C_Login:rv=0x102", FAIL_PIN },
	{ do_open, "C_Login:rv=0x30", FAIL_HSM_GONE },
	{ do_open, "C_Login:rv=0x104", FAIL_BUSY },
	{ do_open, "C_Login:rv=0x05", FAIL_HSM },
	{ do_open, "C_Login:rv=0xa0;C_GetTokenInfo:rv=0x30:from=5", FAIL_PIN },
	/* Sessions of the pool. */
	{ do_cold, "C_OpenSession:rv=0xb1:from=2", FAIL_BUSY },
	{ do_cold, "C_OpenSession:rv=0x30:from=2", FAIL_HSM_GONE },
	{ do_cold, "C_OpenSession:rv=0x05:from=2", FAIL_HSM_GONE },
	{ do_cold, "C_OpenSession:rv=0xb7:from=2", FAIL_HSM },
	{ do_random, "C_GenerateRandom:rv=0x121", FAIL_UNSUPPORTED },
	{ do_random, "C_GenerateRandom:rv=0x30", FAIL_HSM_GONE },
	{ do_random, "C_GenerateRandom:rv=0x05", FAIL_HSM },
	{ do_random, "C_GenerateRandom:rv=0xb3", FAIL_HSM_GONE },
	{ do_random,
	    "C_GenerateRandom:rv=0xb3;C_Login:rv=0x30;C_Initialize:rv=0x30",
	    FAIL_HSM_GONE },
	/* Searches and attributes. */
	{ do_keys, "C_FindObjectsInit:rv=0x30", FAIL_HSM_GONE },
	{ do_keys, "C_FindObjectsInit:rv=0x90", FAIL_HSM },
	{ do_keys, "C_FindObjectsInit:rv=0x12", FAIL_HSM },
	{ do_keys, "C_FindObjects:rv=0x91", FAIL_HSM },
	{ do_keys, "C_FindObjects:rv=0x32:from=2", FAIL_HSM_GONE },
	{ do_keys, "C_FindObjectsFinal:rv=0x05", FAIL_HSM },
	/* More than fit, and a search that never ends. */
	{ do_keys, "C_FindObjects:add=100", FAIL_HSM },
	{ do_keys, "C_FindObjects:add=1", FAIL_HSM },
	{ do_keys, "C_GetAttributeValue:rv=0x30", FAIL_HSM_GONE },
	{ do_keys, "C_GetAttributeValue:rv=0x82", FAIL_HSM_KEY },
	{ do_keys, "C_GetAttributeValue:rv=0x05:from=5", FAIL_HSM },
	{ do_key_open, "C_FindObjectsInit:rv=0x05", FAIL_HSM },
	{ do_key_open, "C_FindObjects:rv=0x30", FAIL_HSM_GONE },
	{ do_key_open, "C_GetAttributeValue:rv=0x101", FAIL_HSM_GONE },
	{ do_key_open, "C_GetAttributeValue:rv=0x07", FAIL_HSM },
	{ do_key_open, "C_GetAttributeValue:add=1", FAIL_HSM },
	{ do_key_open, "C_GetAttributeValue:add=100000", FAIL_HSM },
	{ do_key_open, "C_GetAttributeValue:add=100000:from=2", FAIL_HSM },
	{ do_key_open, "C_GetMechanismInfo:rv=0x30", FAIL_HSM_GONE },
	{ do_key_open, "C_GetMechanismInfo:rv=0x03", FAIL_HSM_GONE },
	/* Generation: nothing is made twice. */
	{ do_generate, "C_GenerateKeyPair:rv=0x30", FAIL_HSM_GONE },
	{ do_generate, "C_GenerateKeyPair:rv=0x30:real", FAIL_HSM_GONE },
	{ do_generate, "C_GenerateKeyPair:rv=0x05", FAIL_HSM },
	{ do_generate, "C_GenerateKeyPair:rv=0x06", FAIL_HSM },
	{ do_generate, "C_GenerateKeyPair:rv=0x12", FAIL_HSM },
	{ do_generate, "C_GenerateKeyPair:rv=0x31", FAIL_HSM },
	{ do_generate, "C_GenerateKeyPair:rv=0x70", FAIL_UNSUPPORTED },
	{ do_generate, "C_GenerateKeyPair:rv=0xb3", FAIL_HSM_GONE },
	{ do_generate, "C_GenerateKeyPair:rv=0xb5", FAIL_PERMISSION },
	{ do_generate, "C_GenerateKeyPair:rv=0xe2", FAIL_PERMISSION },
	{ do_generate, "C_GenerateKeyPair:rv=0x140", FAIL_UNSUPPORTED },
	{ do_destroy, "C_DestroyObject:rv=0x1b", FAIL_PERMISSION },
	{ do_destroy, "C_DestroyObject:rv=0x30", FAIL_HSM_GONE },
	{ do_destroy, "C_DestroyObject:rv=0x06", FAIL_HSM },
	/* It says yes and does nothing. */
	{ do_destroy, "C_DestroyObject:rv=0", FAIL_HSM },
	/* Signing. */
	{ do_sign, "C_SignInit:rv=0x30", FAIL_HSM_GONE },
	{ do_sign, "C_SignInit:rv=0x68", FAIL_HSM_KEY },
	{ do_sign, "C_SignInit:rv=0x63", FAIL_HSM_KEY },
	{ do_sign, "C_SignInit:rv=0x71", FAIL_UNSUPPORTED },
	{ do_sign, "C_SignInit:rv=0x60", FAIL_HSM_KEY },
	{ do_sign, "C_SignInit:rv=0x90", FAIL_HSM_KEY },
	{ do_sign, "C_SignInit:rv=0x50", FAIL_HSM_KEY },
	{ do_sign, "C_Sign:rv=0x20", FAIL_HSM_KEY },
	{ do_sign, "C_Sign:rv=0x31", FAIL_HSM_KEY },
	{ do_sign, "C_Sign:rv=0x32:real", FAIL_HSM_GONE },
	{ do_sign, "C_Sign:rv=0x200", FAIL_PERMISSION },
	{ do_sign, "C_Sign:corrupt", FAIL_CRYPTO },
	{ do_sign, "C_Sign:add=1", FAIL_CRYPTO },
	{ do_sign, "C_Sign:add=100000", FAIL_HSM_KEY },
	/* A C_Sign that returns OK and writes nothing. */
	{ do_sign, "C_Sign:rv=0", FAIL_CRYPTO },
	/* Custody. */
	{ do_attributes, "C_GetAttributeValue:rv=0x30", FAIL_HSM_GONE },
	{ do_attributes, "C_FindObjectsInit:rv=0x32", FAIL_HSM_GONE },
	{ do_attack, "C_OpenSession:rv=0x30:from=3", FAIL_HSM_GONE },
	{ do_attack, "C_WrapKey:rv=0x30", FAIL_HSM_GONE },
	{ do_attack, "C_CopyObject:rv=0x32", FAIL_HSM_GONE },
	{ do_attack, "C_SetAttributeValue:rv=0xe0", FAIL_HSM_GONE },
	{ do_attack, "C_DeriveKey:rv=0x190", FAIL_HSM_GONE },
	{ do_attack, "C_GenerateKey:rv=0x30", FAIL_HSM_GONE },
	{ do_attack, "C_GetMechanismInfo:rv=0x30", FAIL_HSM_GONE },
	{ do_attack, "C_Login:rv=0xa0", FAIL_PIN },
	/* A lost device is no refusal to sign without login. */
	{ do_attack, "C_GetSessionInfo:rv=0x30", FAIL_HSM_GONE },
	{ do_attack, "C_SignInit:rv=0x32", FAIL_HSM_GONE },
	{ do_sacrifice_rsa, "C_DecryptInit:rv=0x30", FAIL_HSM_GONE },
	{ do_sacrifice_rsa, "C_DecryptInit:rv=0;C_Decrypt:rv=0x32",
	    FAIL_HSM_GONE },
	{ do_sacrifice_rsa, "C_UnwrapKey:rv=0x30", FAIL_HSM_GONE },
	{ do_sacrifice_rsa, "C_SignRecoverInit:rv=0xe0", FAIL_HSM_GONE },
	{ do_sacrifice_rsa, "C_SignRecoverInit:rv=0;C_SignRecover:rv=0x30",
	    FAIL_HSM_GONE },
	{ do_sacrifice, "C_WrapKey:rv=0x30", FAIL_HSM_GONE },
	{ do_sacrifice, "C_DestroyObject:rv=0x1b", FAIL_PERMISSION },
	/* Data objects. */
	{ do_data_write, "C_CreateObject:rv=0x31", FAIL_HSM },
	{ do_data_write, "C_CreateObject:rv=0x06", FAIL_HSM },
	{ do_data_write, "C_CreateObject:rv=0xe2", FAIL_PERMISSION },
	/* The one that is replaced. */
	{ do_data_write, "C_DestroyObject:rv=0x1b", FAIL_PERMISSION },
	{ do_data_read, "C_FindObjects:rv=0x30", FAIL_HSM_GONE },
	{ do_data_read, "C_GetAttributeValue:rv=0x05", FAIL_HSM },
	/* The helper. */
	{ do_softtoken, "C_InitToken:rv=0xa2", FAIL_PIN },
	{ do_softtoken, "C_InitToken:rv=0x06", FAIL_HSM },
	{ do_softtoken, "C_InitPIN:rv=0xa1", FAIL_PIN },
	{ do_softtoken, "C_OpenSession:rv=0x30", FAIL_HSM_GONE },
	{ do_softtoken, "C_Login:rv=0x05", FAIL_HSM },
	{ do_softtoken, "C_GetSlotList:rv=0x06", FAIL_HSM },
	{ do_softtoken, SLOTS_GROW, FAIL_HSM },
	{ do_softtoken, "C_GetTokenInfo:rv=0x05", FAIL_HSM },
};

/* ---- one row ----------------------------------------------------------- */

static void
stand_up(void)
{
	struct hsm_token_config tc = { .uri = "pkcs11:token=ca",
		.read_write = true,
		.sign_deadline_ms = 60 };
	const struct hsm_module_config mc = { .path = FAULT_MODULE };
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	struct error e = { 0 };

	soft.m = hsm_module_load(&mc, &e);
	must(soft.m != NULL, &e, "module");
	soft.t = hsm_token_open(soft.m, &tc, pin, &e);
	must(soft.t != NULL, &e, "token");
	secret_free(pin);
	made = soft.t;
	key = softtoken_key(&soft, "ec-p256", "fault");
	must(hsm_data_write(soft.t, "fault", bytes_str("x"), &e), &e, "data");
}

static void
tear_down(void)
{
	struct error e = { 0 };
	unsigned n;

	if (soft.t != NULL && soft.t == made) {
		const struct hsm_key_info *i = hsm_key_get_info(key);

		if (!hsm_object_destroy(soft.t, bytes_of(i->id, i->id_len), &n,
			&e))
			print_message("    left behind: %s\n", e.msg);
	}
	softtoken_close(&soft);
	hsm_key_close(take(key));
}

static void
test_rows(unused_arg void **state)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct error e = { 0 };
		bool ok;

		softtoken_make(&soft);
		stand_up();
		print_message("%s\n", rows[i].rules);
		faulty_rules(rows[i].rules);
		ok = rows[i].op(&e);
		faulty_rules("");
		if (!ok)
			print_message("    %s\n", e.msg);
		assert_false(ok);
		assert_int_equal(e.why, rows[i].why);
		assert_null(strstr(e.msg, SOFTTOKEN_PIN));
		tear_down();
		softtoken_remove(&soft);
	}
}

/* The same operations without a fault: the rows above fail for their reason. */
static void
test_no_fault(unused_arg void **state)
{
	static op_fn *const ops[] = { do_tokens, do_random, do_keys,
		do_key_open, do_generate, do_sign, do_attributes, do_attack,
		do_sacrifice, do_sacrifice_rsa, do_data_read, do_data_write,
		do_destroy, do_open, do_load };

	softtoken_make(&soft);
	stand_up();
	for (size_t i = 0; i < countof(ops); i++) {
		struct error e = { 0 };

		must(ops[i](&e), &e, "operation");
	}
	hsm_key_close(take(key));
	softtoken_remove(&soft);
}

/* Calls whose answer changes nothing: what is closed is not used again. */
static void
test_closing_fails(unused_arg void **state)
{
	static const struct {
		op_fn *op;
		const char *rules;
	} closings[] = {
		{ do_load, "C_Finalize:rv=0x05:real" },
		{ do_open, "C_CloseSession:rv=0xb3" },
		{ do_attack, "C_CloseSession:rv=0x30:real" },
		{ do_softtoken, "C_Logout:rv=0x101" },
		{ do_softtoken, "C_CloseSession:rv=0x05;C_Logout:rv=0x05" },
	};

	for (size_t i = 0; i < countof(closings); i++) {
		struct error e = { 0 };

		softtoken_make(&soft);
		stand_up();
		print_message("%s\n", closings[i].rules);
		faulty_rules(closings[i].rules);
		must(closings[i].op(&e), &e, "operation");
		faulty_rules("");
		tear_down();
		softtoken_remove(&soft);
	}
}

/* A wrong PIN: one C_Login, at open and ever after. */
static void
test_wrong_pin(unused_arg void **state)
{
	const struct hsm_token_config cfg = { .uri = "pkcs11:token=ca" };
	const struct hsm_module_config mc = { .path = FAULT_MODULE };
	struct secret *pin = softtoken_pin("9999");
	struct error e = { 0 };
	unsigned long before;

	softtoken_make(&soft);
	soft.m = hsm_module_load(&mc, &e);
	must(soft.m != NULL, &e, "module");
	before = faulty_calls("C_Login");
	assert_null(hsm_token_open(soft.m, &cfg, pin, &e));
	assert_int_equal(e.why, FAIL_PIN);
	assert_int_equal(faulty_calls("C_Login") - before, 1);
	print_message("%s\n", e.msg);
	assert_non_null(strstr(e.msg, "few tries left"));
	assert_non_null(strstr(e.msg, "CKR_PIN_INCORRECT"));
	assert_null(strstr(e.msg, "9999"));
	secret_free(pin);
	softtoken_remove(&soft);
}

/* What a module would not take is dropped step by step, and told. */
static void
test_dropped(unused_arg void **state)
{
	static const struct {
		const char *rules;
		const char *dropped[8];
	} drops[] = {
		{ "", { NULL } },
		{ "C_GenerateKeyPair:rv=0x12:nth=1",
		    { "CKA_DESTROYABLE", NULL } },
		{ "C_GenerateKeyPair:rv=0x05:to=2", { "CKA_DECRYPT", NULL } },
		{ "C_GenerateKeyPair:rv=0x13:to=3",
		    { "CKA_DESTROYABLE", "CKA_COPYABLE", NULL } },
		{ "C_GenerateKeyPair:rv=0xd1:to=4",
		    { "CKA_DESTROYABLE", "CKA_COPYABLE", "CKA_DECRYPT",
			NULL } },
		{ "C_GenerateKeyPair:rv=0x10:to=5",
		    { "CKA_DESTROYABLE", "CKA_COPYABLE", "CKA_DECRYPT",
			"CKA_UNWRAP", "CKA_DERIVE", "CKA_SIGN_RECOVER",
			NULL } },
	};

	softtoken_make(&soft);
	stand_up();
	for (size_t i = 0; i < countof(drops); i++) {
		const char *dropped[HSM_DROPPED_MAX + 1];
		auto_mem char *label = mem_printf("drop-%zu", i);
		const struct hsm_keygen spec = { { KEY_EC_P256, 0 }, label,
			bytes_str(label), true };
		struct error e = { 0 };
		struct hsm_key *k;

		faulty_rules(drops[i].rules);
		k = hsm_key_generate(soft.t, &spec, dropped, &e);
		must(k != NULL, &e, "generate");
		for (size_t j = 0; drops[i].dropped[j] != NULL; j++) {
			assert_non_null(dropped[j]);
			assert_string_equal(dropped[j], drops[i].dropped[j]);
		}
		hsm_key_close(k);
	}
	faulty_rules("");
	tear_down();
	softtoken_remove(&soft);
}

/* A module that gives in to an attack is found out. */
static void
test_attack_succeeds(unused_arg void **state)
{
	static const char *const rules[] = { "C_WrapKey:rv=0",
		"C_CopyObject:rv=0", "C_SetAttributeValue:rv=0:nth=1",
		"C_SetAttributeValue:rv=0:nth=2", "C_DeriveKey:rv=0" };

	softtoken_make(&soft);
	stand_up();
	for (size_t i = 0; i < countof(rules); i++) {
		struct hsm_custody c = { 0 };
		struct error e = { 0 };
		size_t given_in = 0;

		faulty_rules(rules[i]);
		must(hsm_key_attack(key, &c, &e), &e, "attack");
		faulty_rules("");
		assert_false(c.attacks_ok);
		for (size_t j = 0; j < c.attacks; j++)
			given_in += !c.attack[j].refused && c.attack[j].tried;
		assert_true(given_in > 0);
	}
	tear_down();
	softtoken_remove(&soft);
}

/* A token that tells nothing: not reported, which is not good enough. */
static void
test_not_reported(unused_arg void **state)
{
	struct hsm_custody c = { 0 };
	struct error e = { 0 };

	softtoken_make(&soft);
	stand_up();
	faulty_rules("C_GetAttributeValue:rv=0x12");
	must(hsm_key_attributes(key, &c, &e), &e, "attributes");
	faulty_rules("");
	assert_false(c.attrs_ok);
	assert_true(c.attrs > 20);
	for (size_t i = 0; i < c.attrs; i++)
		assert_int_equal(c.attr[i].value, HSM_NOT_REPORTED);
	assert_true(c.keygen_mechanism == ~0UL);
	tear_down();
	softtoken_remove(&soft);
}

static int
group_setup(unused_arg void **state)
{
	faulty_start();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_fault),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_closing_fails),
		cmocka_unit_test(test_wrong_pin),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_attack_succeeds),
		cmocka_unit_test(test_not_reported),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
