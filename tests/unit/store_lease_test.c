/* SPDX-License-Identifier: Apache-2.0 */

/* Leases: whatever ends a token makes an order of what hangs on it. */
#include <stdio.h>

#include "store_util.h"

static struct store *
store_of(void **state)
{
	const struct store_fixture *f = *state;

	return f->s;
}

static struct store_secret_change
change(enum store_secret_op op, const char *kind, const char *name,
    const char *parent)
{
	struct store_secret_change c = { .op = op };

	c.row.kind = kind;
	c.row.key = sha256(bytes_str(name));
	c.row.alias = name;
	if (parent != NULL)
		c.row.parent = sha256(bytes_str(parent));
	c.row.scope = "pki";
	c.row.value = bytes_str("{}");
	return c;
}

static void
token(struct store *s, const char *name, const char *parent, const char *scope,
    int64_t expires_s)
{
	struct store_secret_change c =
	    change(STORE_SECRET_PUT, STORE_KIND_TOKEN, name, parent);

	c.row.scope = scope;
	c.row.expires_s = expires_s;
	assert_int_equal(store_write(s, &c, 1), FAIL_NONE);
}

static enum fail
lease(struct store *s, const char *id, const char *parent, int64_t expires_s)
{
	struct store_secret_change c =
	    change(STORE_SECRET_PUT_BELOW, STORE_KIND_LEASE, id, parent);

	c.row.expires_s = expires_s;
	return store_write(s, &c, 1);
}

static void
act(struct store *s, enum store_secret_op op, const char *name)
{
	struct store_secret_change c = change(op, STORE_KIND_TOKEN, name, NULL);

	if (op == STORE_SECRET_DELETE_SCOPE || op == STORE_SECRET_DELETE_UNDER)
		c.row.scope = name;
	assert_int_equal(store_write(s, &c, 1), FAIL_NONE);
}

/* Ids of a kind, in order. */
static void
stand(struct store *s, const char *kind, const char *ids)
{
	auto_buf struct buf mem = { 0 }, all = { 0 };
	char after[64] = "";
	static const struct sha256 none;
	struct store_secret r;
	struct error e;

	while (store_secret_next(s, kind, after, "~", 1, &r, &mem, &e)) {
		buf_addf(&all, "%s ", r.alias);
		(void)snprintf(after, sizeof(after), "%s", r.alias);
		assert_true(strcmp(kind, STORE_KIND_LEASE) == 0 ||
		    memcmp(&r.parent, &none, sizeof(none)) == 0);
	}
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_string_equal(buf_cstr(&all), ids);
}

/* a (logged in by approle) over b; c apart, by another login. */
static void
plant(struct store *s)
{
	token(s, "a", NULL, "auth/approle/login", 100);
	token(s, "b", "a", "auth/token/create", 200);
	token(s, "c", NULL, "auth/approle-2/login", 0);
	assert_int_equal(lease(s, "l/a", "a", 1000), FAIL_NONE);
	assert_int_equal(lease(s, "l/b", "b", 1000), FAIL_NONE);
	assert_int_equal(lease(s, "l/c", "c", 1000), FAIL_NONE);
}

static void
test_token_is_gone(void **state)
{
	struct store *s = store_of(state);

	plant(s);
	assert_int_equal(lease(s, "l/x", "nobody", 1000), FAIL_NOT_FOUND);
	stand(s, STORE_KIND_LEASE, "l/a l/b l/c ");
	stand(s, STORE_KIND_LEASE_DUE, "");
}

static const struct {
	const char *name;
	enum store_secret_op op;
	const char *what, *leases, *due;
} acts[] = {
	{ "one", STORE_SECRET_DELETE, "b", "l/a l/c ", "l/b " },
	{ "tree", STORE_SECRET_DELETE_TREE, "a", "l/c ", "l/a l/b " },
	{ "scope", STORE_SECRET_DELETE_SCOPE, "auth/approle/login", "l/c ",
	    "l/a l/b " },
	{ "under the mount", STORE_SECRET_DELETE_UNDER, "auth/approle", "l/c ",
	    "l/a l/b " },
	{ "under that path", STORE_SECRET_DELETE_UNDER, "auth/token/create",
	    "l/a l/c ", "l/b " },
	/* What never ends has no lease of its own: it stays. */
	{ "under all", STORE_SECRET_DELETE_UNDER, "auth", "l/c ", "l/a l/b " },
	{ "under a part of a name", STORE_SECRET_DELETE_UNDER, "auth/app",
	    "l/a l/b l/c ", "" },
	{ "one lease", STORE_SECRET_LEASES_DUE, "l/b", "l/a l/c ", "l/b " },
	{ "a prefix", STORE_SECRET_LEASES_DUE, "l", "", "l/a l/b l/c " },
	{ "a part of a name", STORE_SECRET_LEASES_DUE, "l/", "l/a l/b l/c ",
	    "" },
};

static void
test_what_ends_a_token(void **state)
{
	struct store_fixture *f = *state;

	for (size_t i = 0; i < countof(acts); i++) {
		struct store_secret_change gone[] = {
			change(STORE_SECRET_DELETE_SCOPE, STORE_KIND_LEASE, "-",
			    NULL),
			change(STORE_SECRET_DELETE_SCOPE, STORE_KIND_LEASE_DUE,
			    "-", NULL),
		};

		print_message("%s\n", acts[i].name);
		plant(f->s);
		act(f->s, acts[i].op, acts[i].what);
		store_reopen(f);
		stand(f->s, STORE_KIND_LEASE, acts[i].leases);
		stand(f->s, STORE_KIND_LEASE_DUE, acts[i].due);
		assert_int_equal(store_write(f->s, gone, countof(gone)),
		    FAIL_NONE);
	}
}

/* A page of what has ended: those whose token is not in it yet stay leases. */
static void
test_ends(void **state)
{
	struct store *s = store_of(state);

	plant(s);
	token(s, "d", NULL, "auth/approle/login", 100);
	assert_int_equal(lease(s, "l/d", "d", 1000), FAIL_NONE);
	assert_int_equal(lease(s, "l/e", "c", 50), FAIL_NONE);
	ok(store_secret_expire(s, 99, 10, &e));
	stand(s, STORE_KIND_LEASE, "l/a l/b l/c l/d ");
	for (size_t left = 3; left > 0; left--)
		ok(store_secret_expire(s, 101, 1, &e));
	stand(s, STORE_KIND_LEASE, "l/c ");
	stand(s, STORE_KIND_LEASE_DUE, "l/a l/b l/d ");
	/* Nothing is left to be revoked. */
	ok(store_secret_expire(s, 1001, 10, &e));
	stand(s, STORE_KIND_LEASE, "");
	stand(s, STORE_KIND_LEASE_DUE, "");
}

static void
test_next(void **state)
{
	struct store *s = store_of(state);
	auto_buf struct buf mem = { 0 };
	struct store_secret r;

	plant(s);
	ok(store_secret_next(s, STORE_KIND_LEASE, "l/a", "l/c", 1, &r, &mem,
	    &e));
	assert_string_equal(r.alias, "l/b");
	fails(FAIL_NOT_FOUND,
	    store_secret_next(s, STORE_KIND_LEASE, "l/b", "l/c", 1, &r, &mem,
		&e));
	fails(FAIL_NOT_FOUND,
	    store_secret_next(s, STORE_KIND_LEASE, "", "~", 1000, &r, &mem,
		&e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_token_is_gone, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_what_ends_a_token,
		    store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_ends, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_next, store_setup,
		    store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
