/* SPDX-License-Identifier: Apache-2.0 */

/* Tokens and their kin, and documents: what is on the disk before it is answered. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "store_util.h"

static struct store *
store_of(void **state)
{
	const struct store_fixture *f = *state;

	return f->s;
}

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool there, ok;
	enum fail why;
};

static void
answered(void *arg, bool done, const struct error *e)
{
	struct answer *a = arg;

	(void)pthread_mutex_lock(&a->lock);
	a->ok = done;
	a->why = done ? FAIL_NONE : e->why;
	a->there = true;
	(void)pthread_cond_signal(&a->cond);
	(void)pthread_mutex_unlock(&a->lock);
}

static struct sha256
key_of(const char *name)
{
	return name == NULL ? (struct sha256){ 0 } : sha256(bytes_str(name));
}

static struct store_secret_change
secret(enum store_secret_op op, const char *name, const char *parent,
    const char *value)
{
	return (struct store_secret_change){ .op = op,
		.row = { .kind = "token",
		    .key = key_of(name),
		    .parent = key_of(parent),
		    .scope = "",
		    .value = bytes_str(value) } };
}

static enum fail
write_one(struct store *s, struct store_secret_change c)
{
	return store_write(s, &c, 1);
}

/* Version, 0 when it is not there. */
static uint64_t
version_of(struct store *s, const char *kind, const char *name, int64_t now_s)
{
	auto_buf struct buf mem = { 0 };
	struct sha256 key = key_of(name);
	struct store_secret r;
	struct error err;

	if (store_secret_get(s, kind, &key, now_s, &r, &mem, &err))
		return r.version;
	assert_int_equal(err.why, FAIL_NOT_FOUND);
	return 0;
}

static bool
there(struct store *s, const char *name)
{
	return version_of(s, "token", name, 1) != 0;
}

/* ---- rows -------------------------------------------------------------- */

static void
test_row_comes_back(void **state)
{
	struct store_fixture *f = *state;
	auto_buf struct buf mem = { 0 };
	struct store_secret_change c =
	    secret(STORE_SECRET_PUT, "a", "parent", "{\"x\":1}");
	struct store_secret r;

	c.row.alias = "accessor-1";
	c.row.scope = "approle/kafka";
	c.row.expires_s = 100;
	assert_int_equal(write_one(f->s, c), FAIL_NONE);
	for (int i = 0; i < 2; i++) {
		ok(store_secret_get(f->s, "token", &c.row.key, 99, &r, &mem,
		    &e));
		assert_string_equal(r.kind, "token");
		assert_string_equal(r.alias, "accessor-1");
		assert_string_equal(r.scope, "approle/kafka");
		assert_int_equal(r.expires_s, 100);
		assert_memory_equal(&r.parent, &c.row.parent, SHA256_LEN);
		assert_memory_equal(&r.key, &c.row.key, SHA256_LEN);
		assert_true(bytes_eq(r.value, c.row.value));
		ok(store_secret_by_alias(f->s, "token", "accessor-1", 99, &r,
		    &mem, &e));
		assert_memory_equal(&r.key, &c.row.key, SHA256_LEN);
		fails(FAIL_NOT_FOUND,
		    store_secret_get(f->s, "token", &c.row.key, 100, &r, &mem,
			&e));
		fails(FAIL_NOT_FOUND,
		    store_secret_by_alias(f->s, "token", "accessor-1", 100, &r,
			&mem, &e));
		fails(FAIL_NOT_FOUND,
		    store_secret_get(f->s, "wrap", &c.row.key, 99, &r, &mem,
			&e));
		store_reopen(f);
	}
}

static void
test_versions_rise(void **state)
{
	struct store_fixture *f = *state;
	struct store_secret_change put =
	    secret(STORE_SECRET_PUT, "a", NULL, "1");
	struct store_secret_change gone =
	    secret(STORE_SECRET_DELETE, "a", NULL, "");
	uint64_t last = 0, v;

	for (int i = 0; i < 4; i++) {
		assert_int_equal(write_one(f->s, put), FAIL_NONE);
		v = version_of(f->s, "token", "a", 1);
		assert_true(v > last);
		last = v;
		/* Not even for one that was gone meanwhile. */
		if (i == 1)
			assert_int_equal(write_one(f->s, gone), FAIL_NONE);
		store_reopen(f);
	}
}

static void
test_swap(void **state)
{
	struct store *s = store_of(state);
	struct store_secret_change c = secret(STORE_SECRET_PUT, "a", NULL, "1");
	uint64_t v;

	assert_int_equal(write_one(s, c), FAIL_NONE);
	v = version_of(s, "token", "a", 1);
	c.op = STORE_SECRET_SWAP;
	c.row.version = v;
	assert_int_equal(write_one(s, c), FAIL_NONE);
	assert_int_equal(write_one(s, c), FAIL_BUSY);
	c.row.version = version_of(s, "token", "a", 1);
	assert_true(c.row.version > v);
	assert_int_equal(write_one(s, c), FAIL_NONE);
	c = secret(STORE_SECRET_SWAP, "nobody", NULL, "1");
	assert_int_equal(write_one(s, c), FAIL_BUSY);
	assert_false(there(s, "nobody"));
}

/* One that fails takes those of its list along, not those of its neighbours. */
static void
test_all_or_nothing(void **state)
{
	struct store *s = store_of(state);
	struct store_secret_change list[] = {
		secret(STORE_SECRET_PUT, "a", NULL, "1"),
		secret(STORE_SECRET_SWAP, "nobody", NULL, "1"),
		secret(STORE_SECRET_PUT, "b", NULL, "1"),
	};
	struct answer a[3];
	bool done = false;

	for (size_t i = 0; i < countof(a); i++)
		a[i] = (struct answer){ .lock = PTHREAD_MUTEX_INITIALIZER,
			.cond = PTHREAD_COND_INITIALIZER };
	store_secrets_write(s, &list[0], 1, answered, &a[0]);
	list[0].row.key = key_of("c");
	store_secrets_write(s, list, countof(list), answered, &a[1]);
	list[0].row.key = key_of("d");
	store_secrets_write(s, &list[0], 1, answered, &a[2]);
	put_sample(s, "pki", 1);
	ok(store_sync(s, &e));
	while (!done) {
		done = true;
		for (size_t i = 0; i < countof(a); i++) {
			(void)pthread_mutex_lock(&a[i].lock);
			done = done && a[i].there;
			(void)pthread_mutex_unlock(&a[i].lock);
		}
	}
	assert_int_equal(a[0].why, FAIL_NONE);
	assert_int_equal(a[1].why, FAIL_BUSY);
	assert_int_equal(a[2].why, FAIL_NONE);
	assert_true(there(s, "a"));
	assert_false(there(s, "b"));
	assert_false(there(s, "c"));
	assert_true(there(s, "d"));
}

static void
test_alias_is_one_rows(void **state)
{
	struct store *s = store_of(state);
	struct store_secret_change a = secret(STORE_SECRET_PUT, "a", NULL, "1");
	struct store_secret_change b = secret(STORE_SECRET_PUT, "b", NULL, "1");

	a.row.alias = b.row.alias = "accessor";
	assert_int_equal(write_one(s, a), FAIL_NONE);
	assert_int_equal(write_one(s, b), FAIL_EXISTS);
	assert_false(there(s, "b"));
	assert_int_equal(write_one(s, a), FAIL_NONE);
	b.row.kind = "secret-id";
	assert_int_equal(write_one(s, b), FAIL_NONE);
	a.op = STORE_SECRET_DELETE;
	assert_int_equal(write_one(s, a), FAIL_NONE);
	b.row.kind = "token";
	assert_int_equal(write_one(s, b), FAIL_NONE);
}

/* ---- deleting ---------------------------------------------------------- */

static void
test_delete(void **state)
{
	struct store *s = store_of(state);

	assert_int_equal(write_one(s, secret(STORE_SECRET_PUT, "a", NULL, "1")),
	    FAIL_NONE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write_one(s,
				     secret(STORE_SECRET_DELETE, "a", NULL,
					 "")),
		    FAIL_NONE);
		assert_false(there(s, "a"));
	}
}

/*      root
 *      /  \
 *     a    b        x (a wrapped answer, of b)
 *    / \
 *   c   d - e                              orphan
 */
static void
plant(struct store *s)
{
	static const char *const rows[][2] = { { "root", NULL },
		{ "a", "root" }, { "b", "root" }, { "c", "a" }, { "d", "a" },
		{ "e", "d" }, { "orphan", NULL } };
	struct store_secret_change x = secret(STORE_SECRET_PUT, "x", "b", "1");

	for (size_t i = 0; i < countof(rows); i++)
		assert_int_equal(write_one(s,
				     secret(STORE_SECRET_PUT, rows[i][0],
					 rows[i][1], "1")),
		    FAIL_NONE);
	x.row.kind = "wrap";
	assert_int_equal(write_one(s, x), FAIL_NONE);
}

static void
left(struct store *s, const char *names)
{
	static const char *const all[] = { "root", "a", "b", "c", "d", "e",
		"orphan" };
	auto_buf struct buf b = { 0 };

	for (size_t i = 0; i < countof(all); i++)
		if (there(s, all[i]))
			buf_addf(&b, "%s ", all[i]);
	if (version_of(s, "wrap", "x", 1) != 0)
		buf_add_str(&b, "x ");
	assert_string_equal(buf_cstr(&b), names);
}

static void
test_delete_tree(void **state)
{
	struct store *s = store_of(state);

	plant(s);
	left(s, "root a b c d e orphan x ");
	(void)write_one(s, secret(STORE_SECRET_DELETE_TREE, "a", NULL, ""));
	left(s, "root b orphan x ");
	(void)write_one(s, secret(STORE_SECRET_DELETE_TREE, "root", NULL, ""));
	left(s, "orphan ");
	plant(s);
	/* Its own row is gone already. */
	(void)write_one(s, secret(STORE_SECRET_DELETE, "d", NULL, ""));
	(void)write_one(s, secret(STORE_SECRET_DELETE_TREE, "d", NULL, ""));
	left(s, "root a b c orphan x ");
	/* Parents in a circle, as no writer of ours makes them. */
	(void)write_one(s, secret(STORE_SECRET_PUT, "root", "c", "1"));
	(void)write_one(s, secret(STORE_SECRET_DELETE_TREE, "a", NULL, ""));
	left(s, "orphan ");
}

static size_t count_list(struct store *s, const char *kind, const char *scope,
    int64_t now_s);

static void
test_delete_scope(void **state)
{
	struct store *s = store_of(state);
	static const char *const scopes[] = { "approle/a", "approle/a",
		"approle/ab", "" };
	char name[8];
	struct store_secret_change c;

	for (size_t i = 0; i < countof(scopes); i++) {
		(void)snprintf(name, sizeof(name), "%zu", i);
		c = secret(STORE_SECRET_PUT, name, NULL, "1");
		c.row.scope = scopes[i];
		c.row.kind = "secret-id";
		assert_int_equal(write_one(s, c), FAIL_NONE);
	}
	c.op = STORE_SECRET_DELETE_SCOPE;
	c.row.scope = "approle/a";
	c.row.kind = "token";
	assert_int_equal(write_one(s, c), FAIL_NONE);
	assert_int_equal(count_list(s, "secret-id", "approle/a", 1), 2);
	c.row.kind = "secret-id";
	assert_int_equal(write_one(s, c), FAIL_NONE);
	assert_int_equal(count_list(s, "secret-id", "approle/a", 1), 0);
	assert_int_equal(count_list(s, "secret-id", "approle/ab", 1), 1);
	assert_int_equal(count_list(s, "secret-id", NULL, 1), 2);
}

static void
test_expire(void **state)
{
	struct store *s = store_of(state);
	struct store_secret_change c;
	char name[8];

	plant(s);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		c = secret(STORE_SECRET_PUT, name, NULL, "1");
		c.row.kind = "wrap";
		c.row.expires_s = 100 + i;
		assert_int_equal(write_one(s, c), FAIL_NONE);
	}
	ok(store_secret_expire(s, 105, 3, &e));
	assert_int_equal(count_list(s, "wrap", NULL, 1), 8);
	ok(store_secret_expire(s, 105, 100, &e));
	assert_int_equal(count_list(s, "wrap", NULL, 1), 6);
	assert_int_equal(count_list(s, "wrap", NULL, 107), 3);
	/* What hangs on an expired row goes with it. */
	c = secret(STORE_SECRET_PUT, "a", "root", "1");
	c.row.expires_s = 50;
	assert_int_equal(write_one(s, c), FAIL_NONE);
	ok(store_secret_expire(s, 51, 100, &e));
	left(s, "root b orphan x ");
	ok(store_secret_expire(s, INT64_MAX, 0, &e));
	assert_int_equal(count_list(s, "wrap", NULL, 1), 6);
}

static bool
count_secret(void *arg, const struct store_secret *r)
{
	size_t *n = arg;

	assert_true(r->version > 0);
	(*n)++;
	return true;
}

static size_t
count_list(struct store *s, const char *kind, const char *scope, int64_t now_s)
{
	size_t n = 0;

	ok(store_secret_list(s, kind, scope, now_s, count_secret, &n, &e));
	return n;
}

/* ---- use counts from many threads -------------------------------------- */

#define USES 200
#define USERS 4

struct user {
	struct store *s;
	size_t got;
};

/* Take one of what is left, as a token with a use count is charged. */
static void *
use(void *arg)
{
	struct user *u = arg;
	struct sha256 key = key_of("counted");
	struct store_secret r;
	struct error err;
	char text[16];
	int left_now;

	for (;;) {
		auto_buf struct buf mem = { 0 };
		struct store_secret_change c =
		    secret(STORE_SECRET_SWAP, "counted", NULL, "");

		if (!store_secret_get(u->s, "token", &key, 1, &r, &mem, &err))
			return NULL;
		left_now = 0;
		for (size_t i = 0; i < r.value.n; i++)
			left_now = left_now * 10 + (r.value.p[i] - '0');
		(void)snprintf(text, sizeof(text), "%d", left_now - 1);
		c.row.value = bytes_str(text);
		c.row.version = r.version;
		if (left_now == 1)
			c.op = STORE_SECRET_SWAP;
		if (left_now == 0)
			return NULL;
		if (write_one(u->s, c) == FAIL_NONE)
			u->got++;
	}
}

static void
test_uses_are_counted(void **state)
{
	struct store *s = store_of(state);
	struct user user[USERS];
	pthread_t thread[USERS];
	size_t all = 0;

	assert_int_equal(write_one(s,
			     secret(STORE_SECRET_PUT, "counted", NULL, "200")),
	    FAIL_NONE);
	for (size_t i = 0; i < USERS; i++) {
		user[i] = (struct user){ .s = s };
		assert_int_equal(pthread_create(&thread[i], NULL, use,
				     &user[i]),
		    0);
	}
	for (size_t i = 0; i < USERS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		all += user[i].got;
	}
	assert_int_equal(all, USES);
}

/* ---- documents --------------------------------------------------------- */

static bool
join(void *arg, const char *kind, const char *scope, const char *name,
    struct bytes value, unused_arg uint64_t version)
{
	struct buf *b = arg;

	buf_addf(b, "%s/%s/%s=%.*s ", kind, scope, name, (int)value.n, value.p);
	return true;
}

static void
docs_are(struct store *s, const char *kind, const char *scope, const char *text)
{
	auto_buf struct buf b = { 0 };

	ok(store_doc_list(s, kind, scope, join, &b, &e));
	assert_string_equal(buf_cstr(&b), text);
}

static void
test_documents(void **state)
{
	struct store_fixture *f = *state;
	auto_buf struct buf json = { 0 };
	auto_buf struct buf value = { 0 };
	struct store_doc_op ops[] = {
		{ "role", "pki", "a", bytes_str("{\"ttl\":1}") },
		{ "role", "pki", "b\"\n", bytes_str("[]") },
		{ "policy", "", "p", bytes_str("7") },
	};
	uint64_t v1 = 0, v2 = 0;

	store_docs_encode(ops, countof(ops), &json);
	ok(store_docs_apply(f->s, buf_bytes(&json), ORIGIN, 5, &e));
	docs_are(f->s, NULL, NULL,
	    "policy//p=7 role/pki/a={\"ttl\":1} role/pki/b\"\n=[] ");
	docs_are(f->s, "role", "pki",
	    "role/pki/a={\"ttl\":1} role/pki/b\"\n=[] ");
	docs_are(f->s, "role", "", "");
	docs_are(f->s, "policy", NULL, "policy//p=7 ");
	ok(store_doc_get(f->s, "role", "pki", "a", &value, &v1, &e));
	assert_string_equal(buf_cstr(&value), "{\"ttl\":1}");
	fails(FAIL_NOT_FOUND,
	    store_doc_get(f->s, "role", "pki", "c", &value, NULL, &e));
	/* Applied already: the register is read again. */
	ops[0].value = bytes_str("2");
	buf_reset(&json);
	store_docs_encode(ops, 1, &json);
	ok(store_docs_apply(f->s, buf_bytes(&json), ORIGIN, 5, &e));
	ok(store_docs_apply(f->s, buf_bytes(&json), ORIGIN, 4, &e));
	docs_are(f->s, "role", "pki",
	    "role/pki/a={\"ttl\":1} role/pki/b\"\n=[] ");
	ok(store_docs_apply(f->s, buf_bytes(&json), ORIGIN, 6, &e));
	store_reopen(f);
	docs_are(f->s, "role", "pki", "role/pki/a=2 role/pki/b\"\n=[] ");
	buf_reset(&value);
	ok(store_doc_get(f->s, "role", "pki", "a", &value, &v2, &e));
	assert_true(v2 > v1);
	ops[1].value = ops[0].value = (struct bytes){ 0 };
	buf_reset(&json);
	store_docs_encode(ops, 2, &json);
	ok(store_docs_apply(f->s, buf_bytes(&json), ORIGIN, 7, &e));
	docs_are(f->s, NULL, NULL, "policy//p=7 ");
}

static void
test_bad_lists_of_changes(void **state)
{
	struct store *s = store_of(state);
	static const char *const bad[] = { "", "{}", "[", "[1]", "[{}]", "[] ",
		"null",
		/* wrong op, value with delete, none with put */
		"[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"add\",\"scope\":\"\","
		"\"value\":1}]",
		"[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"delete\",\"scope\":"
		"\"\","
		"\"value\":1}]",
		"[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"put\",\"scope\":\"\"}"
		"]",
		/* no kind, an unknown field, a NUL, not canonical */
		"[{\"kind\":\"\",\"name\":\"n\",\"op\":\"delete\",\"scope\":"
		"\"\"}]",
		"[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"delete\",\"scope\":"
		"\"\","
		"\"x\":1}]",
		"[{\"kind\":\"k\",\"name\":\"n\\u0000m\",\"op\":\"delete\","
		"\"scope\":\"\"}]",
		"[{\"name\":\"n\",\"kind\":\"k\",\"op\":\"delete\",\"scope\":"
		"\"\"}]",
		"[{\"kind\": \"k\",\"name\":\"n\",\"op\":\"delete\","
		"\"scope\":\"\"}]",
		/* the first is good */
		"[{\"kind\":\"k\",\"name\":\"n\",\"op\":\"put\",\"scope\":\"\","
		"\"value\":1},{}]" };
	auto_buf struct buf b = { 0 };

	for (size_t i = 0; i < countof(bad); i++)
		fails(FAIL_BAD_INPUT,
		    store_docs_apply(s, bytes_str(bad[i]), ORIGIN, 1, &e));
	buf_add_str(&b, "[{\"kind\":\"k\",\"name\":\"");
	for (int i = 0; i < STORE_NAME_MAX + 1; i++)
		buf_add_byte(&b, 'n');
	buf_add_str(&b, "\",\"op\":\"delete\",\"scope\":\"\"}]");
	fails(FAIL_BAD_INPUT,
	    store_docs_apply(s, buf_bytes(&b), ORIGIN, 1, &e));
	docs_are(s, NULL, NULL, "");
	ok(store_docs_apply(s, bytes_str("[]"), ORIGIN, 1, &e));
}

static bool
join_era(void *arg, const char *scope, const char *name, struct bytes value,
    uint64_t since, uint64_t until)
{
	struct buf *b = arg;

	buf_addf(b, "%s/%s=%.*s:%lld-%lld ", scope, name, (int)value.n, value.p,
	    (long long)since, (long long)until);
	return true;
}

/* What mounts were is known at any record, also when old records are read again. */
static void
test_past_of_mounts(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf b = { 0 };
	static const struct {
		uint64_t index;
		const char *name, *value;
	} rows[] = { { 10, "a", "1" }, { 20, "b", "1" }, { 30, "a", "2" },
		{ 40, "a", "" }, { 50, "a", "3" } };

	for (size_t i = 0; i < countof(rows); i++) {
		auto_buf struct buf json = { 0 };
		struct store_doc_op op = { "mount", "", rows[i].name,
			bytes_str(rows[i].value) };

		store_docs_encode(&op, 1, &json);
		ok(store_docs_apply(s, buf_bytes(&json), ORIGIN, rows[i].index,
		    &e));
	}
	ok(store_doc_eras(s, "mount", join_era, &b, &e));
	assert_string_equal(buf_cstr(&b),
	    "/a=1:10-30 /a=2:30-40 /a=3:50--1 /b=1:20--1 ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_row_comes_back),
		TEST(test_versions_rise),
		TEST(test_swap),
		TEST(test_all_or_nothing),
		TEST(test_alias_is_one_rows),
		TEST(test_delete),
		TEST(test_delete_tree),
		TEST(test_delete_scope),
		TEST(test_expire),
		TEST(test_uses_are_counted),
		TEST(test_documents),
		TEST(test_bad_lists_of_changes),
		TEST(test_past_of_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
