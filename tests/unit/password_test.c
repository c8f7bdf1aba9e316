/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords and their rows; who is locked out, and when not any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "../../src/server/auth/password.h"

static void
hash(const struct password *p, const char *text, char hex[65])
{
	struct secret *s = secret_new(64);
	uint8_t out[PASSWORD_LEN];

	assert_true(secret_set(s, text, strlen(text)));
	password_hash(p, s, out);
	hex_encode(bytes_of(out, sizeof(out)), hex);
	secret_free(s);
}

static void
test_hash(void **state)
{
	struct password p, q;
	char a[65], b[65];

	(void)state;
	password_fresh(&p);
	password_fresh(&q);
	assert_memory_not_equal(p.salt, q.salt, sizeof(p.salt));
	for (size_t i = 0; i < sizeof(p.salt); i++)
		p.salt[i] = (uint8_t)i;
	hash(&p, "correct horse", a);
	/* hashlib.scrypt(n=32768, r=8, p=1) */
	assert_string_equal(a,
	    "5c662628ac4eb1068a287e2aa2a202ae248e98db04d61d3327e7342db6ec7097");
	hash(&q, "correct horse", b);
	assert_string_not_equal(a, b);
	hash(&p, "correct hors", b);
	assert_string_not_equal(a, b);
}

static void
test_rows(void **state)
{
	static const char *const bad[] = { "", "{}", "x",
		"{\"hash\":\"00\",\"salt\":\"00\",\"n\":2,\"r\":8,\"p\":1}" };
	auto_buf struct buf mem = { 0 };
	struct password p, q;
	struct store_secret row;
	struct error e = { 0 };
	struct sha256 one = password_key("auth/a", "b"),
		      other = password_key("auth/", "ab");

	(void)state;
	assert_memory_not_equal(&one, &other, sizeof(one));
	password_fresh(&p);
	memset(p.hash, 7, sizeof(p.hash));
	row = password_row(&p, "auth/a", "b", &mem);
	assert_true(password_decode(&row, &q, &e));
	assert_memory_equal(&p, &q, sizeof(p));
	for (size_t i = 0; i < countof(bad); i++) {
		row.value = bytes_str(bad[i]);
		assert_false(password_decode(&row, &q, &e));
		assert_int_equal(e.why, FAIL_CORRUPT);
	}
	/* Parameters that would take all memory. */
	p.n = 1U << 30;
	buf_reset(&mem);
	row = password_row(&p, "auth/a", "b", &mem);
	assert_false(password_decode(&row, &q, &e));
}

static void
wrong(struct lockout *l, const struct sha256 *u, int64_t now)
{
	assert_int_equal(lockout_begin(l, u, now), LOCKOUT_GO);
	lockout_end(l, u, false, now);
}

static void
right(struct lockout *l, const struct sha256 *u, int64_t now)
{
	assert_int_equal(lockout_begin(l, u, now), LOCKOUT_GO);
	lockout_end(l, u, true, now);
}

static void
test_lockout(void **state)
{
	struct lockout *l = lockout_new();
	struct sha256 u = password_key("m", "u"), v = password_key("m", "v");
	int64_t t = 1000000;

	(void)state;
	/* A right one in between begins anew. */
	for (int i = 1; i < LIMIT_LOCKOUT_FAILURES; i++)
		wrong(l, &u, t);
	right(l, &u, t);
	for (int i = 0; i < LIMIT_LOCKOUT_FAILURES; i++)
		wrong(l, &u, t + i);
	t += LIMIT_LOCKOUT_FAILURES - 1;
	assert_int_equal(lockout_begin(l, &u, t), LOCKOUT_LOCKED);
	right(l, &v, t);
	assert_int_equal(lockout_begin(l, &u, t + LIMIT_LOCKOUT_S - 1),
	    LOCKOUT_LOCKED);
	right(l, &u, t + LIMIT_LOCKOUT_S);
	/* Wrong ones far apart never lock. */
	for (int i = 0; i < 3 * LIMIT_LOCKOUT_FAILURES; i++)
		wrong(l, &u, t + (int64_t)(i + 2) * LIMIT_LOCKOUT_S);
	lockout_free(l);
}

static void
test_lockout_cleared(void **state)
{
	struct lockout *l = lockout_new();
	struct sha256 u = password_key("m", "u");

	(void)state;
	assert_false(lockout_clear(l, &u));
	for (int i = 0; i < LIMIT_LOCKOUT_FAILURES; i++)
		wrong(l, &u, 1);
	assert_true(lockout_clear(l, &u));
	assert_false(lockout_clear(l, &u));
	right(l, &u, 1);
	lockout_free(l);
}

/* Guesses that are being looked at count like wrong ones. */
static void
test_guesses_at_once(void **state)
{
	struct lockout *l = lockout_new();
	struct sha256 u = password_key("m", "u");

	(void)state;
	wrong(l, &u, 1);
	for (int i = 1; i < LIMIT_LOCKOUT_FAILURES; i++)
		assert_int_equal(lockout_begin(l, &u, 1), LOCKOUT_GO);
	assert_int_equal(lockout_begin(l, &u, 1), LOCKOUT_BUSY);
	lockout_end(l, &u, true, 1);
	assert_int_equal(lockout_begin(l, &u, 1), LOCKOUT_GO);
	lockout_free(l);
}

static void
test_all_at_once(void **state)
{
	struct lockout *l = lockout_new();
	struct sha256 u[LIMIT_PASSWORDS_AT_ONCE + 1];
	char name[16];

	(void)state;
	for (size_t i = 0; i < countof(u); i++) {
		(void)snprintf(name, sizeof(name), "%zu", i);
		u[i] = password_key("m", name);
		assert_int_equal(lockout_begin(l, &u[i], 1),
		    i < LIMIT_PASSWORDS_AT_ONCE ? LOCKOUT_GO : LOCKOUT_BUSY);
	}
	lockout_end(l, &u[0], false, 1);
	right(l, &u[LIMIT_PASSWORDS_AT_ONCE], 1);
	lockout_free(l);
}

/* Far more users than there is room for: the latest are remembered. */
static void
test_many_users(void **state)
{
	struct lockout *l = lockout_new();
	struct sha256 u;
	char name[16];

	(void)state;
	for (int i = 0; i < 3 * LIMIT_LOCKOUT_USERS; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		u = password_key("m", name);
		wrong(l, &u, 1 + i / 1000);
	}
	for (int i = 1; i < LIMIT_LOCKOUT_FAILURES; i++)
		wrong(l, &u, 200);
	assert_int_equal(lockout_begin(l, &u, 200), LOCKOUT_LOCKED);
	lockout_free(l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lockout),
		cmocka_unit_test(test_lockout_cleared),
		cmocka_unit_test(test_guesses_at_once),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_many_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
