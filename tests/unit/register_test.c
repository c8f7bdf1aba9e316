/* SPDX-License-Identifier: Apache-2.0 */

/* The log as its caller sees it: birth, appending, reading, start again. */
#include <stdio.h>
#include <unistd.h>

#include "register_util.h"

static int
setup(void **state)
{
	struct fixture *f = mem_calloc(1, sizeof(*f));

	fixture_open(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fixture_close(*state);
	mem_free(*state);
	return 0;
}

static struct reg *
must_open(const struct reg_config *cfg)
{
	struct error e;
	struct reg *r = reg_open(cfg, &e);

	if (r == NULL)
		fail_msg("%s", e.msg);
	return r;
}

static struct reg *
must_create(const struct reg_config *cfg)
{
	struct error e;
	struct reg *r = reg_create(cfg, &e);

	if (r == NULL)
		fail_msg("%s", e.msg);
	return r;
}

static void
test_create_append_reopen(void **state)
{
	struct fixture *f = *state;
	struct reg *r = must_create(&f->cfg);
	auto_buf struct buf line = { 0 }, store = { 0 }, body = { 0 };
	struct sha256 key, root;
	struct record rec;
	struct error e;
	uint64_t intent, event, n;

	assert_int_equal(reg_size(r), 2); /* LOG-OPEN, START */
	key = put_key(r, "one");
	intent = put_intent(r, &key);
	assert_int_equal(reg_durable_size(r), 2);
	assert_int_equal(reg_pending(r), 4);
	commit(r);
	assert_int_equal(reg_durable_size(r), 6);
	assert_int_equal(reg_state_open_count(reg_get_state(r)), 1);
	n = put_signed(r, intent);
	event = put_event(r, "plan", "{\"name\":\"x\"}");
	commit(r);
	assert_true(reg_read(r, n, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_SIGNED);
	assert_int_equal(record_get_int(&rec, "intent"), intent);
	assert_true(reg_read_private(r, event, &body, &e));
	assert_string_equal(buf_cstr(&body), "{\"name\":\"x\"}");
	assert_false(reg_read_private(r, n, &body, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(reg_read(r, event + 1, &line, &rec, &store, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_true(reg_checkpoint(r, &e));
	root = reg_root(r);
	n = reg_size(r);
	reg_close(r);

	r = must_open(&f->cfg);
	assert_int_equal(reg_size(r), n + 1);
	assert_true(reg_read(r, n, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_START);
	assert_int_equal(reg_state_open_count(reg_get_state(r)), 0);
	assert_non_null(reg_state_key(reg_get_state(r), &key));
	assert_memory_not_equal(&root, &(struct sha256){ 0 }, sizeof(root));
	reg_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create_append_reopen,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
