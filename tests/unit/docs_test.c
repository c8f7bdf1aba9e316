/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>

#include <chancery/server/docs.h>

#include "store_util.h"

/* A kind that counts what it holds and refuses documents without "v". */
static atomic_int parsed_now;

struct thing {
	int v;
	char name[32];
};

static void *
parse(unused_arg const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	const json_t *v = json_object_get(json, "v");
	struct thing *t;

	if (!json_is_integer(v)) {
		(void)error_set(e, FAIL_BAD_INPUT, "v: an integer is missing");
		return NULL;
	}
	t = mem_calloc(1, sizeof(*t));
	t->v = (int)json_integer_value(v);
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	(void)atomic_fetch_add(&parsed_now, 1);
	return t;
}

static void
free_thing(void *p)
{
	(void)atomic_fetch_sub(&parsed_now, 1);
	mem_free(p);
}

static const struct doc_kind kinds[] = { { "thing", parse, free_thing },
	{ 0 } };

static uint64_t next_index;

static void
change(struct store *s, struct docs *d, const struct store_doc_op *ops,
    size_t n)
{
	auto_buf struct buf json = { 0 };

	store_docs_encode(ops, n, &json);
	ok(store_docs_apply(s, buf_bytes(&json), ORIGIN, next_index++, &e));
	docs_apply(d, buf_bytes(&json));
}

static void
put_thing(struct store *s, struct docs *d, const char *scope, const char *name,
    int v)
{
	auto_buf struct buf value = { 0 };
	struct store_doc_op op = { "thing", scope, name, { 0 } };

	buf_addf(&value, "{\"v\":%d}", v);
	op.value = buf_bytes(&value);
	change(s, d, &op, 1);
}

static int
value_of(struct docs *d, const char *scope, const char *name)
{
	auto_doc const struct doc *doc = docs_get(d, "thing", scope, name);

	if (doc == NULL)
		return -1;
	assert_string_equal(((const struct thing *)doc->parsed)->name, name);
	assert_int_equal(((const struct thing *)doc->parsed)->v,
	    json_integer_value(json_object_get(doc->json, "v")));
	return ((const struct thing *)doc->parsed)->v;
}

static struct docs *
open_docs(struct store *s)
{
	struct docs *d = NULL;

	ok((d = docs_open(s, kinds, &e)) != NULL);
	return d;
}

static void
test_changes_are_seen(void **state)
{
	const struct store_fixture *f = *state;
	struct docs *d = open_docs(f->s);
	const struct doc *held;
	struct store_doc_op gone = { "thing", "a", "x", { 0 } };

	assert_int_equal(value_of(d, "a", "x"), -1);
	put_thing(f->s, d, "a", "x", 1);
	put_thing(f->s, d, "a", "y", 2);
	put_thing(f->s, d, "b", "x", 3);
	assert_int_equal(value_of(d, "a", "x"), 1);
	assert_int_equal(value_of(d, "a", "y"), 2);
	assert_int_equal(value_of(d, "b", "x"), 3);
	held = docs_get(d, "thing", "a", "x");
	put_thing(f->s, d, "a", "x", 4);
	assert_int_equal(value_of(d, "a", "x"), 4);
	/* Who looked earlier keeps what was there. */
	assert_int_equal(((const struct thing *)held->parsed)->v, 1);
	docs_put(held);
	change(f->s, d, &gone, 1);
	assert_int_equal(value_of(d, "a", "x"), -1);
	docs_free(d);
	assert_int_equal(atomic_load(&parsed_now), 0);
	/* The same from the file. */
	d = open_docs(f->s);
	assert_int_equal(value_of(d, "a", "x"), -1);
	assert_int_equal(value_of(d, "a", "y"), 2);
	docs_free(d);
}

static void
test_versions_are_the_stores(void **state)
{
	const struct store_fixture *f = *state;
	struct docs *d = open_docs(f->s);
	const struct doc *a, *b;

	put_thing(f->s, d, "a", "x", 1);
	a = docs_get(d, "thing", "a", "x");
	put_thing(f->s, d, "a", "x", 1);
	b = docs_get(d, "thing", "a", "x");
	assert_true(b->version > a->version);
	docs_put(a);
	docs_free(d);
	d = open_docs(f->s);
	a = docs_get(d, "thing", "a", "x");
	assert_int_equal(a->version, b->version);
	docs_put(a);
	docs_put(b);
	docs_free(d);
	assert_int_equal(atomic_load(&parsed_now), 0);
}

/* One that its kind refuses is not there; what it replaced is gone as well. */
static void
test_refused_documents(void **state)
{
	const struct store_fixture *f = *state;
	struct docs *d = open_docs(f->s);
	const struct doc *doc;
	struct store_doc_op ops[] = {
		{ "thing", "a", "bad", bytes_str("{\"w\":1}") },
		{ "thing", "a", "good", bytes_str("{\"v\":1}") },
		{ "unparsed", "a", "bad", bytes_str("{\"w\":1}") },
	};

	put_thing(f->s, d, "a", "bad", 7);
	change(f->s, d, ops, countof(ops));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(value_of(d, "a", "bad"), -1);
		assert_int_equal(value_of(d, "a", "good"), 1);
		doc = docs_get(d, "unparsed", "a", "bad");
		assert_non_null(doc);
		assert_null(doc->parsed);
		docs_put(doc);
		docs_free(d);
		d = open_docs(f->s);
	}
	docs_free(d);
}

static bool
join(void *arg, const struct doc *doc)
{
	struct buf *b = arg;

	buf_addf(b, "%s/%s ", doc->scope, doc->name);
	return b->n < 40;
}

static const char *
names(struct docs *d, const char *kind, const char *scope, struct buf *b)
{
	buf_reset(b);
	docs_each(d, kind, scope, join, b);
	return buf_cstr(b);
}

static void
test_each(void **state)
{
	const struct store_fixture *f = *state;
	struct docs *d = open_docs(f->s);
	auto_buf struct buf b = { 0 };
	static const char *const at[][2] = { { "b", "z" }, { "a", "y" },
		{ "", "top" }, { "a", "x" }, { "ab", "w" }, { "a", "z" } };

	for (size_t i = 0; i < countof(at); i++)
		put_thing(f->s, d, at[i][0], at[i][1], (int)i);
	assert_string_equal(names(d, "thing", "a", &b), "a/x a/y a/z ");
	assert_string_equal(names(d, "thing", "ab", &b), "ab/w ");
	assert_string_equal(names(d, "thing", "", &b), "/top ");
	assert_string_equal(names(d, "thing", "c", &b), "");
	assert_string_equal(names(d, "thin", "a", &b), "");
	assert_string_equal(names(d, "thing", NULL, &b),
	    "/top a/x a/y a/z ab/w b/z ");
	docs_free(d);
}

static void
test_longest(void **state)
{
	const struct store_fixture *f = *state;
	struct docs *d = open_docs(f->s);
	static const char *const mounts[] = { "pki", "pki/int", "auth/token",
		"a/b/c" };
	static const struct {
		const char *path, *mount;
	} rows[] = { { "pki/issue/x", "pki" }, { "pki", "pki" },
		{ "pki/", "pki" }, { "pki/int", "pki/int" },
		{ "pki/int/issue/x", "pki/int" }, { "pki/inter/x", "pki" },
		{ "pkix/issue", NULL }, { "auth", NULL }, { "auth/x", NULL },
		{ "auth/token/create", "auth/token" }, { "", NULL },
		{ "/pki", NULL }, { "a/b", NULL }, { "a/b/c/", "a/b/c" },
		{ "a//b/c", NULL } };
	char path[2 * STORE_NAME_MAX];

	for (size_t i = 0; i < countof(mounts); i++)
		put_thing(f->s, d, "", mounts[i], 1);
	for (size_t i = 0; i < countof(rows); i++) {
		auto_doc const struct doc *doc =
		    docs_longest(d, "thing", rows[i].path);

		if (rows[i].mount == NULL) {
			assert_null(doc);
			continue;
		}
		assert_non_null(doc);
		assert_string_equal(doc->name, rows[i].mount);
	}
	for (size_t n = STORE_NAME_MAX - 4; n < STORE_NAME_MAX + 4; n++) {
		auto_doc const struct doc *doc = NULL;

		memset(path, 'x', sizeof(path));
		memcpy(path, "pki/", 4);
		path[n] = '/';
		path[sizeof(path) - 1] = '\0';
		doc = docs_longest(d, "thing", path);
		assert_non_null(doc);
		assert_string_equal(doc->name, "pki");
	}
	docs_free(d);
}

#define MANY 5000

static void
test_thousands(void **state)
{
	const struct store_fixture *f = *state;
	struct docs *d = open_docs(f->s);
	struct store_doc_op *ops = mem_calloc(MANY, sizeof(*ops));
	auto_buf struct buf text = { 0 };
	char name[32];

	(void)buf_reserve(&text, (size_t)MANY * 64);
	for (int i = 0; i < MANY; i++) {
		size_t at = text.n, n = 0;

		buf_addf(&text, "role-%d", i);
		buf_add_byte(&text, 0);
		n = text.n;
		buf_addf(&text, "{\"v\":%d}", i);
		ops[i] = (struct store_doc_op){ "thing", "pki",
			(const char *)text.p + at,
			bytes_of(text.p + n, text.n - n) };
	}
	change(f->s, d, ops, MANY);
	for (int i = 0; i < MANY; i += 17) {
		(void)snprintf(name, sizeof(name), "role-%d", i);
		assert_int_equal(value_of(d, "pki", name), i);
	}
	put_thing(f->s, d, "pki", "role-4711", 1);
	assert_int_equal(value_of(d, "pki", "role-4711"), 1);
	mem_free(ops);
	docs_free(d);
	assert_int_equal(atomic_load(&parsed_now), 0);
}

/* ---- threads ----------------------------------------------------------- */

static atomic_bool stop;

static bool
look(void *arg, const struct doc *doc)
{
	int *v = arg;
	const struct thing *t = doc->parsed;

	/* Both documents change in one change: every reader sees them equal. */
	if (*v != -1)
		assert_int_equal(t->v, *v);
	*v = t->v;
	return true;
}

static void *
reader(void *arg)
{
	int v, last = 0;

	while (!atomic_load(&stop)) {
		v = -1;
		docs_each(arg, "thing", "pair", look, &v);
		assert_true(v >= last);
		last = v;
		v = value_of(arg, "pair", "a");
		assert_true(v >= last);
		last = v;
	}
	return NULL;
}

static void
test_readers_and_a_writer(void **state)
{
	const struct store_fixture *f = *state;
	struct docs *d = open_docs(f->s);
	pthread_t thread[3];
	char text[32];
	struct store_doc_op ops[] = { { "thing", "pair", "a", { 0 } },
		{ "thing", "pair", "b", { 0 } } };

	atomic_store(&stop, false);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(text, sizeof(text), "{\"v\":%d}", i);
		ops[0].value = ops[1].value = bytes_str(text);
		change(f->s, d, ops, 2);
		for (size_t t = 0; i == 0 && t < countof(thread); t++)
			assert_int_equal(pthread_create(&thread[t], NULL,
					     reader, d),
			    0);
	}
	atomic_store(&stop, true);
	for (size_t t = 0; t < countof(thread); t++)
		assert_int_equal(pthread_join(thread[t], NULL), 0);
	docs_free(d);
	assert_int_equal(atomic_load(&parsed_now), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_are_seen),
		TEST(test_versions_are_the_stores),
		TEST(test_refused_documents),
		TEST(test_each),
		TEST(test_longest),
		TEST(test_thousands),
		TEST(test_readers_and_a_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
