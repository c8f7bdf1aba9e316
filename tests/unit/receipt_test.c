/* SPDX-License-Identifier: Apache-2.0 */

/* What leaves a register: reg_export and reg_receipt over a real one. */
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/limits.h>
#include <chancery/register/receipt.h>

#include "register_util.h"

#define SECRET "the private body of an event"

static int
setup(void **state)
{
	struct fixture *f = mem_calloc(1, sizeof(*f));

	fixture_open(f);
	f->cfg.segment_bytes = 40000; /* so that the walk crosses segments */
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
make_register(struct fixture *f, unsigned events)
{
	struct error e = { 0 };
	struct reg *r = reg_create(&f->cfg, &e);

	if (r == NULL)
		fail_msg("%s", e.msg);
	while (events-- > 0) {
		(void)put_event(r, "plan", "{\"x\":\"" SECRET "\"}");
		if (events % 50 == 0)
			commit(r);
	}
	return r;
}

static unsigned files;

static int
no_secret(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	auto_buf struct buf data = { 0 };
	struct error e;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	assert_true(file_read(path, 1 << 28, &data, &e));
	assert_null(memmem(data.p, data.n, SECRET, strlen(SECRET)));
	files++;
	return 0;
}

static void
test_export(void **state)
{
	struct fixture *f = *state;
	auto_reg struct reg *r = make_register(f, 400);
	auto_mem char *out = path_join(f->dir, "export");
	auto_mem char *again = path_join(f->dir, "again");
	auto_mem char *mine = path_join(f->reg_dir, "checkpoint");
	auto_mem char *theirs = path_join(out, "checkpoint");
	auto_mem char *partial = NULL;
	auto_buf struct buf a = { 0 }, b = { 0 };
	struct checkpoint c;
	struct error e = { 0 };
	struct stat st;

	assert_false(reg_export(r, out, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_true(reg_checkpoint(r, &e));
	/* What comes after the checkpoint is not in the export. */
	(void)put_event(r, "later", "{}");
	commit(r);
	assert_true(reg_export(r, out, &e));
	assert_true(file_read(mine, LIMIT_NOTE_BYTES, &a, &e));
	assert_true(file_read(theirs, LIMIT_NOTE_BYTES, &b, &e));
	assert_true(bytes_eq(buf_bytes(&a), buf_bytes(&b)));
	assert_true(checkpoint_open(buf_bytes(&b), &f->signer.key, &c, &e));
	assert_true(c.size < reg_size(r) && c.size > 400);
	partial =
	    mem_printf("%s/tile/0/001.p/%u", out, (unsigned)(c.size - 256));
	assert_int_equal(stat(partial, &st), 0);
	files = 0;
	assert_int_equal(nftw(out, no_secret, 16, FTW_PHYS), 0);
	assert_int_equal(files, 1 + 2 + 2 + 1);

	assert_false(reg_export(r, out, &e));
	assert_int_equal(e.why, FAIL_EXISTS);

	/* A reader beside the writer exports the same. */
	struct reg_config read_cfg = f->cfg;
	auto_reg struct reg *reader = NULL;

	read_cfg.log_key = NULL;
	reader = reg_open_read(&read_cfg, &e);
	assert_non_null(reader);
	assert_true(reg_export(reader, again, &e));
}

static void
test_receipts(void **state)
{
	struct fixture *f = *state;
	auto_reg struct reg *r = make_register(f, 300);
	auto_buf struct buf none = { 0 };
	struct error e = { 0 };
	uint64_t n;

	assert_false(reg_receipt(r, 0, &none, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_true(reg_checkpoint(r, &e));
	n = put_event(r, "later", "{}");
	commit(r);
	assert_false(reg_receipt(r, n, &none, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_int_equal(none.n, 0);
	while (n-- > 0) {
		auto_buf struct buf out = { 0 }, extra = { 0 }, line = { 0 },
				    store = { 0 };
		struct receipt receipt;
		struct checkpoint c;
		struct record rec;
		struct sha256 leaf;

		assert_true(reg_receipt(r, n, &out, &e));
		assert_true(
		    receipt_parse(buf_bytes(&out), &receipt, &extra, &e));
		assert_int_equal(receipt.index, n);
		assert_true(reg_read(r, n, &line, &rec, &store, &e));
		assert_true(bytes_eq(buf_bytes(&line), buf_bytes(&extra)));
		leaf = record_leaf(buf_bytes(&extra));
		assert_true(
		    receipt_check(&receipt, &leaf, &f->signer.key, &c, &e));
		assert_null(memmem(out.p, out.n, SECRET, strlen(SECRET)));
	}
}

/* A line too long for other readers stays out; the proof holds for it. */
static void
test_long_record(void **state)
{
	struct fixture *f = *state;
	auto_reg struct reg *r = make_register(f, 1);
	auto_mem char *body = mem_calloc(1, RECEIPT_EXTRA_MAX + 1);
	auto_buf struct buf out = { 0 }, extra = { 0 }, line = { 0 },
			    store = { 0 };
	struct receipt receipt;
	struct checkpoint c;
	struct record rec;
	struct sha256 leaf;
	struct error e = { 0 };
	uint64_t n;

	memset(body, 'x', RECEIPT_EXTRA_MAX);
	record_init(&rec, REC_EVENT);
	record_text(&rec, "what", body);
	n = put(r, &rec);
	commit(r);
	assert_true(reg_checkpoint(r, &e));
	assert_true(reg_receipt(r, n, &out, &e));
	assert_true(receipt_parse(buf_bytes(&out), &receipt, &extra, &e));
	assert_int_equal(extra.n, 0);
	assert_true(reg_read(r, n, &line, &rec, &store, &e));
	leaf = record_leaf(buf_bytes(&line));
	assert_true(receipt_check(&receipt, &leaf, &f->signer.key, &c, &e));
}

/* Checkpoints that are in the register's place but are not the register's. */
static void
test_foreign_checkpoint(void **state)
{
	static const struct {
		const char *name;
		int grow;     /* of the size                         */
		uint8_t flip; /* of the root                         */
		bool altered; /* after signing                       */
		enum fail why;
	} rows[] = {
		{ "good", 0, 0, false, FAIL_NONE },
		{ "other root", 0, 1, false, FAIL_CORRUPT },
		{ "smaller", -1, 0, false, FAIL_CORRUPT },
		{ "larger", 1, 0, false, FAIL_CORRUPT },
		{ "altered", 0, 0, true, FAIL_CRYPTO },
	};
	struct fixture *f = *state;
	auto_reg struct reg *r = make_register(f, 20);
	auto_mem char *path = path_join(f->reg_dir, "checkpoint");
	struct error e = { 0 };
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		auto_mem char *out = path_join(f->dir, rows[i].name);
		auto_buf struct buf note = { 0 }, receipt = { 0 };
		struct checkpoint c = { .origin = "test.example/log",
			.size = reg_durable_size(r) + (uint64_t)rows[i].grow,
			.root = reg_root(r) };
		struct stat st;

		c.root.b[3] ^= rows[i].flip;
		assert_true(checkpoint_sign(&c, &f->signer, &note, &e));
		if (rows[i].altered)
			/* Base64 still, or it would be no note at all. */
			note.p[note.n - 10] =
			    note.p[note.n - 10] == 'A' ? 'B' : 'A';
		assert_true(file_replace(path, buf_bytes(&note), 0600, &e));
		error_clear(&e);
		if (reg_export(r, out, &e) != (rows[i].why == FAIL_NONE))
			fail_msg("%s: %s", rows[i].name, e.msg);
		if (rows[i].why != FAIL_NONE)
			assert_int_equal(e.why, rows[i].why);
		assert_int_equal(stat(out, &st) == 0, rows[i].why == FAIL_NONE);
		assert_int_equal(reg_receipt(r, 1, &receipt, &e),
		    rows[i].why == FAIL_NONE);
	}
}

#define WITH_REGISTER(test)                                                    \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REGISTER(test_export),
		WITH_REGISTER(test_receipts),
		WITH_REGISTER(test_long_record),
		WITH_REGISTER(test_foreign_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
