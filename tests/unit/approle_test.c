/* SPDX-License-Identifier: Apache-2.0 */
/* Secret-ids of AppRole, and the seal of wrapped answers. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "../../src/server/auth/secret_id.h"
#include "store_util.h"

/* Rows leave out what they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define NOW 1000000
#define SYSTEM_MAX 2764800

static const struct {
	const char *name, *role, *metadata, *cidrs, *token_cidrs;
	bool uses_given, ttl_given;
	int64_t uses, ttl_s;
	const char *error;
	int64_t gets_uses, gets_ttl_s;
} rows[] = {
	{ "nothing limited", "{}" },
	{ "the role's numbers",
	    "{\"secret_id_num_uses\":3,\"secret_id_ttl\":60}", .gets_uses = 3,
	    .gets_ttl_s = 60 },
	{ "fewer uses", "{\"secret_id_num_uses\":3}", .uses_given = true,
	    .uses = 1, .gets_uses = 1 },
	{ "more uses", "{\"secret_id_num_uses\":3}", .uses_given = true,
	    .uses = 4,
	    .error = "num_uses cannot be higher than the role's "
		     "secret_id_num_uses" },
	{ "endless uses", "{\"secret_id_num_uses\":3}", .uses_given = true,
	    .uses = 0,
	    .error = "num_uses cannot be higher than the role's "
		     "secret_id_num_uses" },
	{ "negative uses", "{}", .uses_given = true, .uses = -1,
	    .error = "num_uses cannot be negative" },
	{ "shorter", "{\"secret_id_ttl\":60}", .ttl_given = true, .ttl_s = 30,
	    .gets_ttl_s = 30 },
	{ "longer", "{\"secret_id_ttl\":60}", .ttl_given = true, .ttl_s = 61,
	    .error = "ttl cannot be longer than the role's secret_id_ttl" },
	{ "for ever", "{\"secret_id_ttl\":60}", .ttl_given = true, .ttl_s = 0,
	    .error = "ttl cannot be longer than the role's secret_id_ttl" },
	{ "longer than the system's maximum", "{}", .ttl_given = true,
	    .ttl_s = SYSTEM_MAX + 1, .gets_ttl_s = SYSTEM_MAX },
	{ "metadata", "{}", .metadata = "{\"host\":\"b1\"}" },
	{ "metadata no JSON", "{}", .metadata = "host=b1",
	    .error = "metadata: a JSON object as text" },
	{ "metadata no object", "{}", .metadata = "[1]",
	    .error = "metadata: a JSON object as text" },
	{ "metadata number", "{}", .metadata = "{\"a\":1}",
	    .error = "metadata \"a\": a text" },
	{ "block", "{}", .cidrs = "10.0.0.0/8" },
	{ "bad block", "{}", .cidrs = "10.0.0.0/99",
	    .error = "cidr_list: invalid CIDR \"10.0.0.0/99\"" },
	{ "block within the role's",
	    "{\"secret_id_bound_cidrs\":[\"10.0.0.0/8\"]}",
	    .cidrs = "10.1.0.0/16" },
	{ "block beyond the role's",
	    "{\"secret_id_bound_cidrs\":[\"10.0.0.0/8\"]}",
	    .cidrs = "11.1.0.0/16",
	    .error = "cidr_list must be a subset of the role's" },
	{ "token's block beyond the role's",
	    "{\"token_bound_cidrs\":[\"10.0.0.0/8\"]}",
	    .token_cidrs = "0.0.0.0/0",
	    .error = "token_bound_cidrs must be a subset of the role's" },
};

static void
run_row(size_t i)
{
	auto_json json_t *role = json_loads(rows[i].role, 0, NULL);
	auto_json json_t *cidrs = rows[i].cidrs == NULL
	    ? json_array()
	    : json_pack("[s]", rows[i].cidrs);
	auto_json json_t *token_cidrs = rows[i].token_cidrs == NULL
	    ? json_array()
	    : json_pack("[s]", rows[i].token_cidrs);
	struct secret_id_ask ask = { .role = role,
		.metadata = rows[i].metadata == NULL ? "" : rows[i].metadata,
		.cidr_list = cidrs,
		.token_cidrs = token_cidrs,
		.uses_given = rows[i].uses_given,
		.ttl_given = rows[i].ttl_given,
		.uses = rows[i].uses,
		.ttl_s = rows[i].ttl_s,
		.now_s = NOW,
		.system_max_s = SYSTEM_MAX };
	auto_secret_id struct secret_id s = { .uses_left = 0 };
	struct error e = { 0 };

	(void)json_object_set_new(role, "uuid", json_string("u-1"));
	if (!secret_id_make(&ask, &s, &e)) {
		if (rows[i].error == NULL || strcmp(e.msg, rows[i].error) != 0)
			fail_msg("%s: %s", rows[i].name, e.msg);
		return;
	}
	if (rows[i].error != NULL)
		fail_msg("%s: made", rows[i].name);
	assert_int_equal(s.uses_left, rows[i].gets_uses);
	assert_int_equal(s.ttl_s, rows[i].gets_ttl_s);
	assert_int_equal(s.expires_s, s.ttl_s == 0 ? 0 : NOW + s.ttl_s);
	assert_string_equal(s.scope, "u-1");
}

static void
test_make(unused_arg void **state)
{
	size_t i;

	for (i = 0; i < countof(rows); i++)
		run_row(i);
}

/* ---- uses, over a store ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
struct written {
	bool done, ok;
};

static void
write_done(void *arg, bool good, unused_arg const struct error *e)
{
	struct written *w = arg;

	(void)pthread_mutex_lock(&lock);
	w->done = true;
	w->ok = good;
	(void)pthread_cond_broadcast(&wake);
	(void)pthread_mutex_unlock(&lock);
}

static bool
written(struct store *s, const struct store_secret_change *ch, size_t n)
{
	struct written w = { 0 };

	store_secrets_write(s, ch, n, write_done, &w);
	(void)pthread_mutex_lock(&lock);
	while (!w.done)
		(void)pthread_cond_wait(&wake, &lock);
	(void)pthread_mutex_unlock(&lock);
	return w.ok;
}

static void
put(struct store *s, const char *uuid, const char *text, int64_t uses)
{
	auto_buf struct buf mem = { 0 };
	struct secret_id id = { .key = secret_id_key(uuid, bytes_str(text)),
		.uses_left = uses,
		.created_s = NOW };
	struct store_secret_change ch = { .op = STORE_SECRET_PUT };

	uuid_random(id.accessor);
	(void)snprintf(id.scope, sizeof(id.scope), "%s", uuid);
	ch.row = secret_id_row(&id, &mem);
	assert_true(written(s, &ch, 1));
}

static bool
get(struct store *s, const char *uuid, const char *text, struct secret_id *out)
{
	auto_buf struct buf mem = { 0 };
	struct sha256 key = secret_id_key(uuid, bytes_str(text));
	struct store_secret row;
	struct error e = { 0 };

	return store_secret_get(s, SECRET_ID_KIND, &key, NOW, &row, &mem, &e) &&
	    secret_id_decode(&row, out, &e);
}

static bool
spend(struct store *s, const struct secret_id *id)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch[2];
	size_t n = secret_id_spend(id, NOW + 1, ch, &mem);

	return n == 0 || written(s, ch, n);
}

static void
test_spend(void **state)
{
	struct store_fixture *f = *state;
	auto_secret_id struct secret_id a = { 0 }, b = { 0 }, c = { 0 };

	put(f->s, "role", "sid", 2);
	assert_true(get(f->s, "role", "sid", &a));
	assert_true(spend(f->s, &a));
	/* Who read it before is late. */
	assert_false(spend(f->s, &a));
	assert_true(get(f->s, "role", "sid", &b));
	assert_int_equal(b.uses_left, 1);
	assert_int_equal(b.updated_s, NOW + 1);
	assert_string_equal(b.accessor, a.accessor);
	assert_true(spend(f->s, &b));
	assert_false(get(f->s, "role", "sid", &c));
	assert_false(spend(f->s, &b));
}

static void
test_uncounted(void **state)
{
	struct store_fixture *f = *state;
	auto_secret_id struct secret_id a = { 0 };
	unsigned i;

	put(f->s, "role", "sid", 0);
	for (i = 0; i < 3; i++) {
		secret_id_clear(&a);
		assert_true(get(f->s, "role", "sid", &a));
		assert_true(spend(f->s, &a));
	}
}

/* A role that is made again is another one. */
static void
test_other_role(void **state)
{
	struct store_fixture *f = *state;
	struct secret_id a = { 0 };

	put(f->s, "role-1", "sid", 0);
	assert_false(get(f->s, "role-2", "sid", &a));
	assert_false(get(f->s, "role-1", "sid ", &a));
	assert_false(get(f->s, "role-1", "", &a));
	assert_false(get(f->s, "role-1sid", "", &a));
}

/* ---- wrapped answers ---- */

static void
test_seal(unused_arg void **state)
{
	auto_buf struct buf sealed = { 0 }, again = { 0 };
	struct bytes plain = bytes_str("{\"data\":1}");
	struct secret *out = secret_new(1024);
	size_t i;

	wrap_seal(bytes_str("hvs.x"), plain, &sealed);
	wrap_seal(bytes_str("hvs.x"), plain, &again);
	assert_false(bytes_eq(buf_bytes(&sealed), buf_bytes(&again)));
	ok(wrap_open(bytes_str("hvs.x"), buf_bytes(&sealed), out, &e));
	assert_int_equal(secret_len(out), plain.n);
	assert_memory_equal(secret_data(out), plain.p, plain.n);
	fails(FAIL_CORRUPT,
	    wrap_open(bytes_str("hvs.y"), buf_bytes(&sealed), out, &e));
	for (i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		fails(FAIL_CORRUPT,
		    wrap_open(bytes_str("hvs.x"), buf_bytes(&sealed), out, &e));
		sealed.p[i] ^= 1;
		fails(FAIL_CORRUPT,
		    wrap_open(bytes_str("hvs.x"), bytes_of(sealed.p, i), out,
			&e));
	}
	secret_free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test_setup_teardown(test_spend, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_uncounted, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_other_role, store_setup,
		    store_teardown),
		cmocka_unit_test(test_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
