/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "softtoken.h"

/* Attributes read back and attacks refused, on SoftHSM, for each key type. */

static struct softtoken soft;
static const char *const types[] = { "rsa-2048", "ec-p256", "ec-p384",
	"ed25519" };

static const struct hsm_attr *
attr(const struct hsm_custody *c, const char *name, bool private)
{
	for (size_t i = 0; i < c->attrs; i++)
		if (c->attr[i].private_half == private &&
		    strcmp(c->attr[i].name, name) == 0)
			return &c->attr[i];
	fail_msg("no attribute %s", name);
	return NULL;
}

static void
check_attributes(const struct hsm_custody *c)
{
	static const struct {
		const char *name;
		bool private;
		enum hsm_tri value;
	} want[] = {
		{ "CKA_TOKEN", true, HSM_TRUE },
		{ "CKA_SENSITIVE", true, HSM_TRUE },
		{ "CKA_ALWAYS_SENSITIVE", true, HSM_TRUE },
		{ "CKA_EXTRACTABLE", true, HSM_FALSE },
		{ "CKA_NEVER_EXTRACTABLE", true, HSM_TRUE },
		{ "CKA_LOCAL", true, HSM_TRUE },
		{ "CKA_SIGN", true, HSM_TRUE },
		{ "CKA_DECRYPT", true, HSM_FALSE },
		{ "CKA_UNWRAP", true, HSM_FALSE },
		{ "CKA_DERIVE", true, HSM_FALSE },
		{ "CKA_MODIFIABLE", true, HSM_FALSE },
		{ "CKA_COPYABLE", true, HSM_FALSE },
		{ "CKA_MODIFIABLE", false, HSM_FALSE },
		{ "CKA_PRIVATE", false, HSM_FALSE },
		{ "CKA_VERIFY", false, HSM_TRUE },
	};

	for (size_t i = 0; i < countof(want); i++) {
		print_message("%s\n", want[i].name);
		assert_int_equal(attr(c, want[i].name, want[i].private)->value,
		    want[i].value);
	}
	assert_true(c->attrs_ok);
}

static void
check_attacks(const struct hsm_custody *c)
{
	size_t tried = 0;

	for (size_t i = 0; i < c->attacks; i++) {
		const struct hsm_attack *a = &c->attack[i];

		print_message("%-40s %s %s%s\n", a->name, a->call, a->rv_name,
		    a->tried ? "" : " (not tried)");
		if (!a->tried)
			continue;
		tried++;
		assert_true(a->refused);
		assert_int_not_equal(a->rv, 0);
	}
	assert_true(tried >= 12);
	assert_true(c->attacks_ok);
}

static void
sign_once(struct hsm_key *k)
{
	enum sig_alg alg = sig_alg_default(hsm_key_get_info(k)->type);
	const struct sig_alg_info *a = sig_alg_info(alg);
	uint8_t in[DIGEST_MAX] = { 9 };
	auto_buf struct buf sig = { 0 };
	struct error e = { 0 };
	unsigned attempts;

	must(hsm_sign(k, alg,
		 bytes_of(in, a->prehash ? digest_len(a->digest) : 17), &sig,
		 &attempts, &e),
	    &e, "sign");
}

static void
test_production_key(unused_arg void **state)
{
	for (size_t i = 0; i < countof(types); i++) {
		struct hsm_key *k = softtoken_key(&soft, types[i], types[i]);
		struct hsm_custody c = { 0 };
		struct error e = { 0 };

		must(hsm_key_attributes(k, &c, &e), &e, "attributes");
		must(hsm_key_attack(k, &c, &e), &e, "attack");
		check_attributes(&c);
		check_attacks(&c);
		/* The key has survived, with its name and both halves. */
		sign_once(k);
		hsm_key_close(k);
	}
}

static void
test_sacrificial(unused_arg void **state)
{
	struct hsm_key_list before, after;
	struct error e = { 0 };

	must(hsm_keys(soft.t, &before, &e), &e, "keys");
	for (size_t i = 0; i < countof(types); i++) {
		struct hsm_custody c = { 0 };
		struct key_type type;

		assert_true(key_type_by_name(types[i], &type));
		must(hsm_sacrificial_test(soft.t, type, &c, &e), &e, "test");
		assert_true(c.attrs_ok && c.attacks_ok);
		assert_true(c.attacks > 10);
	}
	must(hsm_keys(soft.t, &after, &e), &e, "keys");
	assert_int_equal(before.n, after.n);
	hsm_key_list_free(&before);
	hsm_key_list_free(&after);
}

static int
group_setup(unused_arg void **state)
{
	softtoken_make(&soft);
	softtoken_open(&soft, SOFTHSM_MODULE, true);
	return 0;
}

static int
group_teardown(unused_arg void **state)
{
	softtoken_remove(&soft);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_production_key),
		cmocka_unit_test(test_sacrificial),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
