/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>

#include "softtoken.h"

/* Modules, tokens, PINs, keys and data objects that are or are not there. */

static struct softtoken soft;

#define assert_says(e, text) assert_non_null(strstr((e).msg, text))

/* ---- module ------------------------------------------------------------ */

static void
test_module_load(unused_arg void **state)
{
	static const struct {
		const char *path;
		enum fail why;
		const char *says;
	} rows[] = {
		{ "libsofthsm2.so", FAIL_BAD_INPUT, "absolute" },
		{ "", FAIL_BAD_INPUT, "absolute" },
		{ "/nonexistent/module.so", FAIL_NOT_FOUND,
		    "/nonexistent/module.so" },
		{ "/etc/passwd", FAIL_BAD_INPUT, "/etc/passwd" },
		/* A library, but no module. */
		{ LIBC_PATH, FAIL_BAD_INPUT, "C_GetFunctionList" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		const struct hsm_module_config cfg = { .path = rows[i].path };
		struct error e = { 0 };

		assert_null(hsm_module_load(&cfg, &e));
		assert_int_equal(e.why, rows[i].why);
		assert_says(e, rows[i].says);
	}
}

static void
test_module_twice(unused_arg void **state)
{
	const struct hsm_module_config cfg = { .path = SOFTHSM_MODULE };
	struct error e = { 0 };

	assert_null(hsm_module_load(&cfg, &e));
	assert_int_equal(e.why, FAIL_BUSY);
	assert_says(e, "CKR_CRYPTOKI_ALREADY_INITIALIZED");
}

static void
test_module_info(unused_arg void **state)
{
	struct hsm_module_info i;
	struct error e = { 0 };
	auto_buf struct buf file = { 0 };
	struct sha256 hash;

	must(hsm_module_info(soft.m, &i, &e), &e, "info");
	assert_string_equal(i.manufacturer, "SoftHSM");
	assert_int_equal(i.cryptoki_major, 2);
	assert_string_equal(i.path, SOFTHSM_MODULE);
	must(file_read(SOFTHSM_MODULE, 64 << 20, &file, &e), &e, "file");
	hash = sha256(buf_bytes(&file));
	assert_memory_equal(hash.b, i.file_hash.b, sizeof(hash.b));
}

static void
test_tokens(unused_arg void **state)
{
	struct hsm_token_info *v;
	struct error e = { 0 };
	size_t n, found = 0;

	must(hsm_tokens(soft.m, &v, &n, &e), &e, "tokens");
	for (size_t i = 0; i < n; i++)
		if (v[i].initialised && strcmp(v[i].label, "ca") == 0) {
			found++;
			assert_true(v[i].login_required);
			assert_true(v[i].pin_initialised);
			assert_int_equal(strlen(v[i].serial), 16);
		}
	assert_int_equal(found, 1);
	mem_free(v);
}

/* ---- token ------------------------------------------------------------- */

static void
test_token_open(unused_arg void **state)
{
	static const struct {
		const char *uri;
		enum fail why;
		const char *says;
	} rows[] = {
		{ "pkcs11:token=other", FAIL_NOT_FOUND, "'ca'" },
		{ "pkcs11:token=ca;serial=0", FAIL_NOT_FOUND, "serial" },
		/* The empty spare slot matches this too. */
		{ "pkcs11:manufacturer=SoftHSM%20project", FAIL_EXISTS,
		    "names 2" },
		{ "pkcs11:", FAIL_BAD_INPUT, "no token" },
		{ "token=ca", FAIL_BAD_INPUT, "URI" },
		{ "pkcs11:token=ca;token=ca", FAIL_BAD_INPUT, "twice" },
		{ "pkcs11:token=ca;to ken=ca", FAIL_BAD_INPUT, "blank" },
		{ "pkcs11:token=ca;x-unknown=1", FAIL_BAD_INPUT, "unknown" },
		{ "pkcs11:token=ca;object=key", FAIL_BAD_INPUT, "object" },
		{ "pkcs11:token=ca?pin-value=1234", FAIL_BAD_INPUT,
		    "pin-value" },
		{ "pkcs11:token=ca?pin-source=/x", FAIL_BAD_INPUT,
		    "pin-source" },
		{ "pkcs11:token=ca?module-path=/x", FAIL_BAD_INPUT,
		    "module-path" },
		{ "pkcs11:token=%zz", FAIL_BAD_INPUT, "URI" },
	};
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);

	for (size_t i = 0; i < countof(rows); i++) {
		const struct hsm_token_config cfg = { .uri = rows[i].uri };
		struct error e = { 0 };

		assert_null(hsm_token_open(soft.m, &cfg, pin, &e));
		print_message("%s: %s\n", rows[i].uri, e.msg);
		assert_int_equal(e.why, rows[i].why);
		assert_says(e, rows[i].says);
		/* A PIN in a URI is not repeated. */
		assert_null(strstr(e.msg, "1234"));
	}
	secret_free(pin);
}

static void
test_no_pin(unused_arg void **state)
{
	const struct hsm_token_config cfg = { .uri = "pkcs11:token=ca" };
	struct error e = { 0 };

	assert_null(hsm_token_open(soft.m, &cfg, NULL, &e));
	assert_int_equal(e.why, FAIL_USAGE);
}

static void
test_random(unused_arg void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };
	struct error e = { 0 };

	must(hsm_token_random(soft.t, a, sizeof(a), &e), &e, "random");
	must(hsm_token_random(soft.t, b, sizeof(b), &e), &e, "random");
	assert_memory_not_equal(a, b, sizeof(a));
	assert_false(hsm_token_random(soft.t, a, 65, &e));
	assert_int_equal(e.why, FAIL_INTERNAL);
}

/* ---- keys -------------------------------------------------------------- */

static void
test_key_missing(unused_arg void **state)
{
	static const struct {
		const char *uri;
		enum fail why;
		const char *says;
	} rows[] = {
		{ "pkcs11:object=nothing", FAIL_NOT_FOUND, "'present' (id" },
		{ "pkcs11:id=%99", FAIL_NOT_FOUND, "'present'" },
		{ "pkcs11:token=other;object=present", FAIL_NOT_FOUND,
		    "another token" },
		{ "pkcs11:serial=00;object=present", FAIL_NOT_FOUND,
		    "another token" },
		{ "pkcs11:object=present;type=public", FAIL_BAD_INPUT,
		    "private" },
		{ "pkcs11:token=ca", FAIL_BAD_INPUT, "object=" },
		{ "garbage", FAIL_BAD_INPUT, "URI" },
	};
	struct hsm_key *k = softtoken_key(&soft, "ec-p256", "present");
	struct error e = { 0 };

	for (size_t i = 0; i < countof(rows); i++) {
		e = (struct error){ 0 };
		assert_null(
		    hsm_key_open(soft.t, rows[i].uri, (struct bytes){ 0 }, &e));
		print_message("%s: %s\n", rows[i].uri, e.msg);
		assert_int_equal(e.why, rows[i].why);
		assert_says(e, rows[i].says);
	}
	must(hsm_key_destroy(k, &e), &e, "destroy");
}

static void
test_key_wrong_spki(unused_arg void **state)
{
	struct hsm_key *a = softtoken_key(&soft, "ec-p256", "one");
	struct hsm_key *b = softtoken_key(&soft, "ec-p256", "two");
	struct error e = { 0 };

	assert_null(hsm_key_open(soft.t, hsm_key_uri(a),
	    hsm_key_get_info(b)->spki, &e));
	assert_int_equal(e.why, FAIL_HSM_KEY);
	must(hsm_key_destroy(a, &e), &e, "destroy");
	must(hsm_key_destroy(b, &e), &e, "destroy");
}

static struct hsm_key *
generate(const char *label, const char *id, enum key_alg alg, unsigned bits,
    struct error *e)
{
	const struct hsm_keygen spec = { { alg, bits }, label, bytes_str(id),
		true };

	return hsm_key_generate(soft.t, &spec, NULL, e);
}

static size_t
count_keys(void)
{
	struct hsm_key_list l;
	struct error e = { 0 };
	size_t n;

	must(hsm_keys(soft.t, &l, &e), &e, "keys");
	n = l.n;
	hsm_key_list_free(&l);
	return n;
}

static void
test_keygen_refused(unused_arg void **state)
{
	static const struct {
		const char *label, *id;
		enum key_alg alg;
		unsigned bits;
		enum fail why;
	} rows[] = {
		{ "first", "other-id", KEY_EC_P256, 0, FAIL_EXISTS },
		{ "other", "first-id", KEY_EC_P256, 0, FAIL_EXISTS },
		{ "other", "", KEY_EC_P256, 0, FAIL_BAD_INPUT },
		{ "other",
		    "0123456789012345678901234567890123456789012345678901234"
		    "5678901234",
		    KEY_EC_P256, 0, FAIL_BAD_INPUT },
		{ "", "id", KEY_EC_P256, 0, FAIL_BAD_INPUT },
		{ "other", "id", KEY_RSA, 1024, FAIL_UNSUPPORTED },
		{ "other", "id", KEY_EC_P521, 0, FAIL_UNSUPPORTED },
	};
	struct error e = { 0 };
	struct hsm_key *k = generate("first", "first-id", KEY_EC_P256, 0, &e);

	must(k != NULL, &e, "generate");
	for (size_t i = 0; i < countof(rows); i++) {
		e = (struct error){ 0 };
		assert_null(generate(rows[i].label, rows[i].id, rows[i].alg,
		    rows[i].bits, &e));
		assert_int_equal(e.why, rows[i].why);
		assert_int_equal(count_keys(), 1);
	}
	must(hsm_key_destroy(k, &e), &e, "destroy");
	assert_int_equal(count_keys(), 0);
}

static void
test_list_and_destroy(unused_arg void **state)
{
	struct error e = { 0 };
	struct hsm_key *b = generate("b", "\x02", KEY_RSA, 2048, &e);
	struct hsm_key *a = generate("a", "\x01", KEY_ED25519, 0, &e);
	struct hsm_key_list l;
	unsigned n;

	assert_non_null(a);
	assert_non_null(b);
	must(hsm_keys(soft.t, &l, &e), &e, "keys");
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0].label, "a");
	assert_string_equal(key_type_name(l.v[0].type), "ed25519");
	assert_true(bytes_eq(l.v[0].spki, hsm_key_get_info(a)->spki));
	assert_string_equal(l.v[1].label, "b");
	assert_string_equal(key_type_name(l.v[1].type), "rsa-2048");
	assert_true(l.v[1].has_private && l.v[1].has_public);
	hsm_key_list_free(&l);

	must(hsm_object_destroy(soft.t, bytes_str("\x02"), &n, &e), &e, "b");
	assert_int_equal(n, 2);
	hsm_key_close(b);
	must(hsm_object_destroy(soft.t, bytes_str("\x02"), &n, &e), &e, "b");
	assert_int_equal(n, 0);
	/* An empty id would match everything. */
	assert_false(hsm_object_destroy(soft.t, (struct bytes){ 0 }, &n, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_int_equal(count_keys(), 1);
	must(hsm_key_destroy(a, &e), &e, "a");
	assert_int_equal(count_keys(), 0);
}

static void
test_not_destroyable(unused_arg void **state)
{
	const struct hsm_keygen spec = { { KEY_EC_P256, 0 }, "stays",
		bytes_str("stays"), false };
	struct error e = { 0 };
	const char *dropped[HSM_DROPPED_MAX + 1] = { "untouched" };
	struct hsm_key *k = hsm_key_generate(soft.t, &spec, dropped, &e);

	must(k != NULL, &e, "generate");
	assert_null(dropped[0]);
	assert_false(hsm_key_destroy(k, &e));
	assert_int_equal(e.why, FAIL_PERMISSION);
	hsm_key_close(k);
}

/* ---- data objects ------------------------------------------------------ */

static void
expect_data(const char *label, const char *want)
{
	auto_buf struct buf v = { 0 };
	struct error e = { 0 };

	must(hsm_data_read(soft.t, label, &v, &e), &e, "read");
	assert_string_equal(buf_cstr(&v), want);
}

static void
test_data(unused_arg void **state)
{
	uint8_t big[LIMIT_HSM_DATA_BYTES + 1] = { 0 };
	auto_buf struct buf v = { 0 };
	struct error e = { 0 };

	assert_false(hsm_data_read(soft.t, "anchor", &v, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	must(hsm_data_write(soft.t, "anchor", bytes_str("one"), &e), &e, "w");
	expect_data("anchor", "one");
	must(hsm_data_write(soft.t, "other", bytes_str("x"), &e), &e, "w");
	for (int i = 0; i < 12; i++) {
		auto_mem char *text = mem_printf("value %d", i);

		must(hsm_data_write(soft.t, "anchor", bytes_str(text), &e), &e,
		    "w");
		expect_data("anchor", text);
	}
	expect_data("other", "x");
	must(hsm_data_write(soft.t, "big", bytes_of(big, 4096), &e), &e, "w");
	assert_false(hsm_data_write(soft.t, "big", bytes_of(big, 4097), &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_false(hsm_data_write(soft.t, "", bytes_str("x"), &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

/* ---- read-only --------------------------------------------------------- */

static void
test_read_only(unused_arg void **state)
{
	struct error e = { 0 };
	unsigned n;

	softtoken_close(&soft);
	softtoken_open(&soft, SOFTHSM_MODULE, false);
	assert_null(generate("x", "x", KEY_EC_P256, 0, &e));
	assert_int_equal(e.why, FAIL_PERMISSION);
	e.why = FAIL_NONE;
	assert_false(hsm_object_destroy(soft.t, bytes_str("x"), &n, &e));
	assert_int_equal(e.why, FAIL_PERMISSION);
	e.why = FAIL_NONE;
	assert_false(hsm_data_write(soft.t, "x", bytes_str("x"), &e));
	assert_int_equal(e.why, FAIL_PERMISSION);
	expect_data("other", "x");
}

static void
test_softtoken_again(unused_arg void **state)
{
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	struct error e = { 0 };

	softtoken_close(&soft);
	assert_false(
	    hsm_softtoken_create(SOFTHSM_MODULE, soft.dir, "ca", pin, pin, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	assert_false(
	    hsm_softtoken_create(SOFTHSM_MODULE, soft.dir, "", pin, pin, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	must(hsm_softtoken_create(SOFTHSM_MODULE, soft.dir, "log", pin, pin,
		 &e),
	    &e, "second token");
	secret_free(pin);
	softtoken_open(&soft, SOFTHSM_MODULE, false);
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
		cmocka_unit_test(test_module_load),
		cmocka_unit_test(test_module_twice),
		cmocka_unit_test(test_module_info),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_token_open),
		cmocka_unit_test(test_no_pin),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_key_missing),
		cmocka_unit_test(test_key_wrong_spki),
		cmocka_unit_test(test_keygen_refused),
		cmocka_unit_test(test_list_and_destroy),
		cmocka_unit_test(test_not_destroyable),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_softtoken_again),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
