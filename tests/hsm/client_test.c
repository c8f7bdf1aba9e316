/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/hsm/evp.h>

#include "softtoken.h"

/*
 * The keys that we make, used by programs that are not ours: OpenSSL through
 * libp11 (hsm_key_evp and the engine on the command line), OpenSC's pkcs11-tool.
 * And keys that they make, judged by us.
 */

static struct softtoken soft;
static struct hsm_key *rsa, *ec;
static char *message_path, *pin_path;
static const char message[] = "signed by somebody else";

/* Exit status of a program, run with the PIN on its standard input. */
static int
run(const char *const *argv)
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int status;
	char *args[24] = { NULL };

	for (size_t i = 0; argv[i] != NULL; i++) {
		assert_true(i + 1 < countof(args));
		memcpy(&args[i], &argv[i], sizeof(argv[i]));
	}
	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&fa, 0, pin_path,
			     O_RDONLY, 0),
	    0);
	assert_int_equal(posix_spawn_file_actions_addopen(&fa, 1, "/dev/null",
			     O_WRONLY, 0),
	    0);
	assert_int_equal(posix_spawn(&pid, args[0], &fa, NULL, args, environ),
	    0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)posix_spawn_file_actions_destroy(&fa);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static char *
fresh_path(void)
{
	static unsigned n;

	return mem_printf("%s/out-%u", soft.dir, n++);
}

static void
check_signature(struct hsm_key *k, const char *path, bool pss)
{
	struct bytes spki = hsm_key_get_info(k)->spki;
	const unsigned char *p = spki.p;
	EVP_PKEY *pub = d2i_PUBKEY(NULL, &p, (long)spki.n);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	auto_buf struct buf sig = { 0 };
	struct error e = { 0 };

	must(file_read(path, 4096, &sig, &e), &e, "signature");
	assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL,
			     pub),
	    1);
	if (pss)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx,
				     RSA_PKCS1_PSS_PADDING),
		    1);
	assert_int_equal(EVP_DigestVerify(ctx, sig.p, sig.n,
			     (const uint8_t *)message, strlen(message)),
	    1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pub);
}

static int
evp_sign(const char *uri, const char *scheme, const char *out)
{
	const char *const argv[] = { EVP_SIGN, SOFTHSM_MODULE, uri, scheme,
		message_path, out, NULL };

	return run(argv);
}

static void
test_evp(unused_arg void **state)
{
	const struct {
		struct hsm_key *k;
		const char *scheme;
	} rows[] = { { ec, "ecdsa" }, { rsa, "pkcs1" }, { rsa, "pss" } };

	for (size_t i = 0; i < countof(rows); i++) {
		auto_mem char *out = fresh_path();

		assert_int_equal(evp_sign(hsm_key_uri(rows[i].k),
				     rows[i].scheme, out),
		    0);
		check_signature(rows[i].k, out,
		    strcmp(rows[i].scheme, "pss") == 0);
	}
}

static void
test_evp_refused(unused_arg void **state)
{
	auto_mem char *out = fresh_path();
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	struct error e = { 0 };
	struct hsm_key *ed;

	assert_int_equal(evp_sign("pkcs11:token=ca;object=none", "ecdsa", out),
	    fail_exit(FAIL_NOT_FOUND));
	assert_int_equal(evp_sign("pkcs11:token=x;object=ec", "ecdsa", out),
	    fail_exit(FAIL_NOT_FOUND));
	assert_int_equal(evp_sign("pkcs11:object=ec", "ecdsa", out),
	    fail_exit(FAIL_BAD_INPUT));
	/* In this process, which has the module itself. */
	assert_null(hsm_key_evp(SOFTHSM_MODULE, hsm_key_uri(ec), pin, &e));
	assert_int_equal(e.why, FAIL_INTERNAL);
	secret_free(pin);
	ed = softtoken_key(&soft, "ed25519", "ed");
	assert_int_equal(evp_sign(hsm_key_uri(ec), "ecdsa", out),
	    fail_exit(FAIL_UNSUPPORTED));
	must(hsm_key_destroy(ed, &e), &e, "destroy");
	must(file_check_absent(out, &e), &e, "nothing is written");
}

/* openssl dgst -engine pkcs11 */
static void
test_openssl(unused_arg void **state)
{
	struct hsm_key *const keys[] = { ec, rsa };

	assert_int_equal(setenv("PKCS11_MODULE_PATH", SOFTHSM_MODULE, 1), 0);
	for (size_t i = 0; i < countof(keys); i++) {
		auto_mem char *out = fresh_path();
		auto_mem char *uri = mem_printf("%s?pin-value=%s",
		    hsm_key_uri(keys[i]), SOFTTOKEN_PIN);
		const char *const argv[] = { OPENSSL_TOOL, "dgst", "-sha256",
			"-engine", "pkcs11", "-keyform", "engine", "-sign", uri,
			"-out", out, message_path, NULL };

		assert_int_equal(run(argv), 0);
		check_signature(keys[i], out, false);
	}
	assert_int_equal(unsetenv("PKCS11_MODULE_PATH"), 0);
}

static void
test_pkcs11_tool(unused_arg void **state)
{
	auto_mem char *out = fresh_path();
	const struct hsm_key_info *i = hsm_key_get_info(rsa);
	char id[2 * HSM_ID_MAX + 1];
	const char *const argv[] = { PKCS11_TOOL, "--module", SOFTHSM_MODULE,
		"--token-label", "ca", "--login", "--pin", SOFTTOKEN_PIN,
		"--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", id,
		"--input-file", message_path, "--output-file", out, NULL };

	hex_encode(bytes_of(i->id, i->id_len), id);
	assert_int_equal(run(argv), 0);
	check_signature(rsa, out, false);
}

/* A key made by another program, carelessly: custody says so. */
static void
test_weak_key(unused_arg void **state)
{
	const char *const argv[] = { PKCS11_TOOL, "--module", SOFTHSM_MODULE,
		"--token-label", "ca", "--login", "--pin", SOFTTOKEN_PIN,
		"--keypairgen", "--key-type", "EC:prime256v1", "--extractable",
		"--label", "weak", "--id", "77", NULL };
	struct hsm_custody c = { 0 };
	struct error e = { 0 };
	struct hsm_key *k;
	size_t given_in = 0;

	assert_int_equal(run(argv), 0);
	k = hsm_key_open(soft.t, "pkcs11:object=weak;id=%77",
	    (struct bytes){ 0 }, &e);
	must(k != NULL, &e, "open");
	must(hsm_key_attributes(k, &c, &e), &e, "attributes");
	assert_false(c.attrs_ok);
	must(hsm_key_attack(k, &c, &e), &e, "attack");
	assert_false(c.attacks_ok);
	for (size_t i = 0; i < c.attacks; i++) {
		if (!c.attack[i].tried || c.attack[i].refused)
			continue;
		print_message("gave in: %s\n", c.attack[i].name);
		given_in++;
	}
	/* Wrapped twice, copied or changed, derived. */
	assert_true(given_in >= 4);
	must(hsm_key_destroy(k, &e), &e, "destroy");
}

/* Public half only: an orphan that is listed, and destroyed by its id. */
static void
test_orphan(unused_arg void **state)
{
	const char *const make[] = { PKCS11_TOOL, "--module", SOFTHSM_MODULE,
		"--token-label", "ca", "--login", "--pin", SOFTTOKEN_PIN,
		"--keypairgen", "--key-type", "EC:prime256v1", "--label",
		"orphan", "--id", "78", NULL };
	const char *const lose[] = { PKCS11_TOOL, "--module", SOFTHSM_MODULE,
		"--token-label", "ca", "--login", "--pin", SOFTTOKEN_PIN,
		"--delete-object", "--type", "pubkey", "--id", "78", NULL };
	auto_buf struct buf spki = { 0 };
	struct hsm_key_list l;
	struct error e = { 0 };
	struct hsm_key *k;
	unsigned n;

	assert_int_equal(run(make), 0);
	k = hsm_key_open(soft.t, "pkcs11:id=%78", (struct bytes){ 0 }, &e);
	must(k != NULL, &e, "open");
	buf_add_bytes(&spki, hsm_key_get_info(k)->spki);
	hsm_key_close(k);
	assert_int_equal(run(lose), 0);
	/* Without its public half it opens only with the known one. */
	assert_null(
	    hsm_key_open(soft.t, "pkcs11:id=%78", (struct bytes){ 0 }, &e));
	assert_int_equal(e.why, FAIL_HSM_KEY);
	k = hsm_key_open(soft.t, "pkcs11:id=%78", buf_bytes(&spki), &e);
	must(k != NULL, &e, "open");
	assert_false(hsm_key_get_info(k)->has_public);
	hsm_key_close(k);
	must(hsm_keys(soft.t, &l, &e), &e, "keys");
	for (size_t i = 0; i < l.n; i++)
		if (strcmp(l.v[i].label, "orphan") == 0) {
			assert_true(l.v[i].has_private);
			assert_false(l.v[i].has_public);
			assert_int_equal(l.v[i].spki.n, 0);
		}
	assert_int_equal(l.n, 3);
	hsm_key_list_free(&l);
	must(hsm_object_destroy(soft.t, bytes_str("\x78"), &n, &e), &e, "x");
	assert_int_equal(n, 1);
}

static int
group_setup(unused_arg void **state)
{
	struct error e = { 0 };

	softtoken_make(&soft);
	softtoken_open(&soft, SOFTHSM_MODULE, true);
	rsa = softtoken_key(&soft, "rsa-2048", "rsa");
	ec = softtoken_key(&soft, "ec-p256", "ec");
	message_path = path_join(soft.dir, "message");
	pin_path = path_join(soft.dir, "pin");
	must(file_create(message_path, bytes_str(message), 0600, &e), &e, "f");
	must(file_create(pin_path, bytes_str(SOFTTOKEN_PIN), 0600, &e), &e,
	    "f");
	return 0;
}

static int
group_teardown(unused_arg void **state)
{
	hsm_key_close(rsa);
	hsm_key_close(ec);
	mem_free(message_path);
	mem_free(pin_path);
	softtoken_remove(&soft);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evp),
		cmocka_unit_test(test_evp_refused),
		cmocka_unit_test(test_openssl),
		cmocka_unit_test(test_pkcs11_tool),
		cmocka_unit_test(test_weak_key),
		cmocka_unit_test(test_orphan),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
