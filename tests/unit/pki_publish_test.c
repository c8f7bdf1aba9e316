/* SPDX-License-Identifier: Apache-2.0 */
/* When the table of what is to be published is filled again. */
#include <sys/stat.h>

#include <chancery/base/text.h>

#include "list_util.h"
#include "store_util.h"

#include "../../src/server/api/pki/process.h"
#include "../../src/server/api/pki/publish.h"

#define NOW INT64_C(1700000000)

static void *
parse_issuer(unused_arg const char *scope, const char *name,
    unused_arg const json_t *json, unused_arg struct error *e)
{
	struct issuer *i = mem_calloc(1, sizeof(*i));

	i->id = mem_strdup(name);
	i->name = "";
	i->key = sha256(bytes_str(name));
	return i;
}

static void
free_issuer(void *parsed)
{
	struct issuer *i = parsed;

	mem_free(i->id);
	mem_free(i);
}

static const struct doc_kind kinds[] = {
	{ "pki-issuer", parse_issuer, free_issuer },
	{ 0 },
};

/* One issuer with list 7, one target. */
struct rig {
	struct store_fixture *f;
	struct docs *d;
	struct service_target target;
	char *dir, *full;
};

static const char one_issuer[] =
    "[{\"kind\":\"pki-issuer\",\"name\":\"i\",\"op\":\"put\","
    "\"scope\":\"m\",\"value\":{}}]";
static const char no_issuer[] =
    "[{\"kind\":\"pki-issuer\",\"name\":\"i\",\"op\":\"delete\","
    "\"scope\":\"m\"}]";

static void
rig_open(struct rig *r, void **state)
{
	static char lists[] = "{issuer}.crl";
	char hex[2 * SHA256_LEN + 1];
	struct sha256 key = sha256(bytes_str("i"));
	auto_mem char *of_key = NULL;

	*r = (struct rig){ .f = *state, .target = { .lists = lists } };
	hex_encode(sha256_bytes(&key), hex);
	r->dir = mem_printf("%s/crl", r->f->dir);
	of_key = mem_printf("%s/%s", r->dir, hex);
	r->full = mem_printf("%s/full", of_key);
	assert_int_equal(mkdir(r->dir, 0700), 0);
	assert_int_equal(mkdir(of_key, 0700), 0);
	assert_int_equal(mkdir(r->full, 0700), 0);
	pki_process.crl_dir = r->dir;
	apply_docs(r->f->s, 1, one_issuer);
	ok((r->d = docs_open(r->f->s, kinds, &e)) != NULL);
	make_list(r->full, 7, NOW, NOW + 1000);
	publish_table.target[0] = (struct publish_target){ .cfg = &r->target };
	TAILQ_INIT(&publish_table.target[0].objects);
	publish_table.n = 1;
}

static void
rig_close(struct rig *r)
{
	publish_table_clear();
	docs_free(r->d);
	crl_forget();
	pki_process.crl_dir = NULL;
	mem_free(r->full);
	mem_free(r->dir);
}

static struct publish_object *
object(void)
{
	return TAILQ_FIRST(&publish_table.target[0].objects);
}

static void
change_docs(struct rig *r, const char *json, uint64_t n)
{
	apply_docs(r->f->s, n, json);
	docs_apply(r->d, bytes_str(json));
}

static void
test_only_after_a_change_or_some_time(void **state)
{
	struct rig r;
	unsigned calls = 0;

	rig_open(&r, state);
	assert_true(publish_table_refresh(r.d, NOW));
	assert_int_equal(object()->number, 7);
	assert_false(publish_table_refresh(r.d, NOW));
	/* By an answer. */
	make_list(r.full, 8, NOW + 1, NOW + 1000);
	publish_table.lists_seen--;
	assert_true(publish_table_refresh(r.d, NOW));
	assert_int_equal(object()->number, 8);
	assert_false(publish_table_refresh(r.d, NOW));
	/* By nobody who told of it. */
	make_list(r.full, 9, NOW + 2, NOW + 1000);
	while (!publish_table_refresh(r.d, NOW))
		assert_in_range(++calls, 1, 60);
	assert_true(calls > 5);
	assert_int_equal(object()->number, 9);
	change_docs(&r, no_issuer, 2);
	assert_true(publish_table_refresh(r.d, NOW));
	assert_null(object());
	assert_false(publish_table_refresh(r.d, NOW));
	rig_close(&r);
}

/* An object on its way stays until it has arrived, and then no longer. */
static void
test_what_was_put_off_is_done_next(void **state)
{
	struct rig r;

	rig_open(&r, state);
	assert_true(publish_table_refresh(r.d, NOW));
	object()->flying = true;
	change_docs(&r, no_issuer, 2);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(publish_table_refresh(r.d, NOW));
		assert_non_null(object());
	}
	object()->flying = false;
	assert_true(publish_table_refresh(r.d, NOW));
	assert_null(object());
	assert_false(publish_table_refresh(r.d, NOW));
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_only_after_a_change_or_some_time, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(
		    test_what_was_put_off_is_done_next, store_setup,
		    store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
