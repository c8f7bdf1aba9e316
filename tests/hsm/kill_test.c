/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>

#include "softtoken.h"

/* kill -9 around C_Sign, through the environment as a crash matrix does it: the
 * right number of signatures came out, and the token is fine afterwards. */

static struct softtoken soft;
static char *key_uri;

#define SIGNATURES 10

static bool
sign(struct error *e)
{
	static const uint8_t digest[32] = { 3 };
	auto_buf struct buf sig = { 0 };
	auto_hsm_key struct hsm_key *k =
	    hsm_key_open(soft.t, key_uri, (struct bytes){ 0 }, e);
	unsigned attempts;

	return k != NULL &&
	    hsm_sign(k, SIG_ECDSA_SHA256, bytes_of(digest, sizeof(digest)),
		&sig, &attempts, e);
}

_Noreturn static void
child(const char *rules, const char *counts, int out)
{
	struct error e = { 0 };

	if (setenv("FAULT_PKCS11_MODULE", SOFTHSM_MODULE, 1) != 0 ||
	    setenv("FAULT_PKCS11_RULES", rules, 1) != 0 ||
	    setenv("FAULT_PKCS11_COUNTS", counts, 1) != 0)
		_exit(99);
	softtoken_open(&soft, FAULT_MODULE, false);
	for (int i = 0; i < SIGNATURES; i++)
		if (!sign(&e) || write(out, "x", 1) != 1)
			_exit(98);
	hsm_exit(0);
}

static unsigned
count_bytes(int fd)
{
	char c;
	unsigned n = 0;

	while (read(fd, &c, 1) == 1)
		n++;
	return n;
}

static void
check_count(const char *path, const char *function, unsigned want)
{
	auto_buf struct buf text = { 0 };
	auto_mem char *line = mem_printf("\n%-28s %010u\n", function, want);
	struct error e = { 0 };

	must(file_read(path, 1 << 16, &text, &e), &e, "counts");
	assert_non_null(strstr(buf_cstr(&text), line));
}

static void
test_kill(unused_arg void **state)
{
	static const struct {
		const char *rules;
		int signal;
		unsigned signatures, calls;
	} rows[] = {
		{ "", 0, SIGNATURES, SIGNATURES },
		{ "C_Sign:kill=before:nth=5", SIGKILL, 4, 5 },
		{ "C_Sign:kill=after:nth=5", SIGKILL, 4, 5 },
		{ "C_Sign:kill=after:nth=1", SIGKILL, 0, 1 },
		{ "C_Login:kill=before", SIGKILL, 0, 0 },
		{ "C_Sign:sleep_ms=2", 0, SIGNATURES, SIGNATURES },
	};
	auto_mem char *counts = path_join(soft.dir, "counts");

	for (size_t i = 0; i < countof(rows); i++) {
		struct error e = { 0 };
		int out[2], status;
		pid_t pid;

		print_message("%s\n", rows[i].rules);
		assert_int_equal(pipe(out), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			child(rows[i].rules, counts, out[1]);
		assert_int_equal(close(out[1]), 0);
		assert_int_equal(count_bytes(out[0]), rows[i].signatures);
		assert_int_equal(close(out[0]), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		    rows[i].signal);
		check_count(counts, "C_Sign", rows[i].calls);
		softtoken_open(&soft, SOFTHSM_MODULE, false);
		must(sign(&e), &e, "sign afterwards");
		softtoken_close(&soft);
	}
}

static int
group_setup(unused_arg void **state)
{
	struct hsm_key *k;

	softtoken_make(&soft);
	softtoken_open(&soft, SOFTHSM_MODULE, true);
	k = softtoken_key(&soft, "ec-p256", "kill");
	key_uri = mem_strdup(hsm_key_uri(k));
	hsm_key_close(k);
	softtoken_close(&soft);
	return 0;
}

static int
group_teardown(unused_arg void **state)
{
	mem_free(key_uri);
	softtoken_remove(&soft);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
