/* SPDX-License-Identifier: Apache-2.0 */

/* Tampering with any record is found and named; a torn tail is cut and told. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "register_util.h"

struct lines {
	struct buf text; /* of the segment */
	struct bytes line[200];
	size_t n;
	uint64_t first; /* index of line[0] */
};

static char *
segment(const char *dir, unsigned n)
{
	return mem_printf("%s/log/%06u.jsonl", dir, n);
}

static void
split(struct lines *l, const char *path)
{
	struct error e;
	size_t at = 0;

	buf_reset(&l->text);
	l->n = 0;
	assert_true(file_read(path, 1 << 20, &l->text, &e));
	while (at < l->text.n) {
		const uint8_t *end =
		    memchr(l->text.p + at, '\n', l->text.n - at);

		assert_non_null(end);
		assert_true(l->n < countof(l->line));
		l->line[l->n++] = bytes_of(l->text.p + at,
		    (size_t)(end - l->text.p) - at + 1);
		at = (size_t)(end - l->text.p) + 1;
	}
}

/* Three segments, private bodies, revocations, every kind of outcome; a checkpoint
 * over all of it. */
static unsigned
small_register(struct fixture *f, bool checkpoint)
{
	auto_mem char *path = NULL;
	struct record rec;
	struct error e;
	struct sha256 key;
	struct reg *r;
	uint8_t serial[20] = { 3 };
	unsigned last = 1;

	f->cfg.segment_bytes = 5000;
	r = reg_create(&f->cfg, &e);
	assert_non_null(r);
	key = put_key(r, "one");
	for (unsigned i = 0; i < 6; i++) {
		uint64_t n = put_intent(r, &key);

		(void)put_event(r, "x", "{\"secret\":1}");
		commit(r);
		if (i == 1) {
			record_init(&rec, REC_FAILED);
			record_int(&rec, "attempts", 1);
			record_int(&rec, "intent", (int64_t)n);
			record_text(&rec, "reason", "x");
			(void)put(r, &rec);
		} else if (i == 2) {
			record_init(&rec, REC_ASSUMED);
			record_int(&rec, "intent", (int64_t)n);
			record_text(&rec, "reason", "x");
			(void)put(r, &rec);
		} else {
			(void)put_signed(r, n);
		}
		serial[19] = (uint8_t)i;
		(void)put_revoke(r, &key, serial);
		commit(r);
		f->wall += 1000;
		f->boot += 1000;
	}
	if (checkpoint)
		assert_true(reg_checkpoint(r, &e));
	reg_close(r);
	for (;; last++) {
		path = segment(f->reg_dir, last + 1);
		if (access(path, F_OK) != 0)
			break;
		mem_free(take(path));
	}
	assert_true(last >= 2);
	return last;
}

/* Verify must fail, and name record n, the one behind it (whose "prev" is wrong
 * then), or the checkpoint when there is none behind. */
static void
must_find(const char *dir, uint64_t n, const char *what)
{
	auto_mem char *a = mem_printf("record %llu", (unsigned long long)n);
	auto_mem char *b = mem_printf("record %llu", (unsigned long long)n + 1);
	struct reg_verify_report v;
	struct error e;

	if (reg_verify(dir, NULL, &v, &e))
		fail_msg("record %llu %s: not found", (unsigned long long)n,
		    what);
	if (strncmp(e.msg, a, strlen(a)) != 0 &&
	    strncmp(e.msg, b, strlen(b)) != 0 &&
	    strncmp(e.msg, "checkpoint", 10) != 0)
		fail_msg("record %llu %s: %s", (unsigned long long)n, what,
		    e.msg);
}

enum change {
	DELETE,
	DUPLICATE,
	SWAP,
	INSERT,
	CHANGE__COUNT
};
static const char *const change_name[] = { "deleted", "doubled",
	"swapped with the next", "copied to the front" };

static void
write_changed(const struct lines *l, const char *path, size_t at,
    enum change change)
{
	auto_buf struct buf out = { 0 };
	struct error e;

	for (size_t i = 0; i < l->n; i++) {
		if (change == INSERT && i == 1)
			buf_add_bytes(&out, l->line[at]);
		if (i == at && change == DELETE)
			continue;
		if (i == at && change == SWAP && i + 1 < l->n) {
			buf_add_bytes(&out, l->line[i + 1]);
			buf_add_bytes(&out, l->line[i++]);
			continue;
		}
		buf_add_bytes(&out, l->line[i]);
		if (i == at && change == DUPLICATE)
			buf_add_bytes(&out, l->line[i]);
	}
	assert_true(file_replace(path, buf_bytes(&out), 0600, &e));
}

static void
test_records_moved(void **state)
{
	struct fixture *f = *state;
	unsigned last = small_register(f, true);
	struct lines l = { .n = 0 };
	struct error e;

	for (unsigned s = 1; s <= last; s++) {
		auto_mem char *path = segment(f->reg_dir, s);

		split(&l, path);
		for (size_t i = 0; i < l.n; i++)
			for (unsigned c = 0; c < CHANGE__COUNT; c++) {
				/* The last line has no next one. */
				if (c == SWAP && i + 1 == l.n)
					continue;
				write_changed(&l, path, i, (enum change)c);
				must_find(f->reg_dir,
				    l.first + (c == INSERT ? 1 : i),
				    change_name[c]);
			}
		assert_true(file_replace(path, buf_bytes(&l.text), 0600, &e));
		l.first += l.n;
	}
	buf_free(&l.text);
}

static void
test_bits_flipped(void **state)
{
	struct fixture *f = *state;
	unsigned last = small_register(f, true);
	struct reg_verify_report v;
	struct lines l = { .n = 0 };
	struct error e;
	uint64_t n = 0;

	assert_true(reg_verify(f->reg_dir, NULL, &v, &e));
	for (unsigned s = 1; s <= last; s++) {
		auto_mem char *path = segment(f->reg_dir, s);
		size_t at = 0;

		split(&l, path);
		for (size_t i = 0; i < l.n; at += l.line[i].n, i++, n++)
			for (size_t j = n % 5; j < l.line[i].n; j += 5) {
				uint8_t bit = (uint8_t)(1 << ((at + j) % 8));

				l.text.p[at + j] ^= bit;
				assert_true(file_replace(path,
				    buf_bytes(&l.text), 0600, &e));
				must_find(f->reg_dir, n, "flipped");
				l.text.p[at + j] ^= bit;
			}
		assert_true(file_replace(path, buf_bytes(&l.text), 0600, &e));
	}
	assert_int_equal(n, v.records);
	buf_free(&l.text);
}

/* One octet of each file beside the lines. */
static void
test_side_files(void **state)
{
	static const struct {
		const char *file, *msg;
		size_t at;
	} rows[] = {
		{ "tree/0", "hash tile of level 0, entry 2", 70 },
		{ "checkpoint", "checkpoint", 30 },
		{ "private/000001.jsonl", "private body", 20 },
		{ "snapshot/000001.json", "(SNAPSHOT)", 50 },
	};
	struct fixture *f = *state;
	struct reg_verify_report v;
	struct error e;

	(void)small_register(f, true);
	for (size_t i = 0; i < countof(rows); i++) {
		auto_mem char *path = path_join(f->reg_dir, rows[i].file);
		auto_buf struct buf data = { 0 };

		assert_true(file_read(path, 1 << 20, &data, &e));
		assert_true(data.n > rows[i].at);
		data.p[rows[i].at] ^= 1;
		assert_true(file_replace(path, buf_bytes(&data), 0600, &e));
		if (reg_verify(f->reg_dir, NULL, &v, &e))
			fail_msg("%s: not found", rows[i].file);
		if (strstr(e.msg, rows[i].msg) == NULL)
			fail_msg("%s: %s", rows[i].file, e.msg);
		data.p[rows[i].at] ^= 1;
		assert_true(file_replace(path, buf_bytes(&data), 0600, &e));
	}
	assert_true(reg_verify(f->reg_dir, NULL, &v, &e));
	assert_int_equal(v.private_bodies, 6);
	assert_int_equal(v.failed, 1);
	assert_int_equal(v.assumed, 1);
	assert_int_equal(v.revoked, 6);
	/* An export leaves the bodies out. */
	{
		auto_mem char *path =
		    path_join(f->reg_dir, "private/000001.jsonl");

		assert_int_equal(unlink(path), 0);
	}
	assert_true(reg_verify(f->reg_dir, NULL, &v, &e));
	assert_true(v.private_missing > 0);
	assert_int_equal(v.private_bodies + v.private_missing, 6);
}

static void
test_segment_missing(void **state)
{
	struct fixture *f = *state;
	auto_mem char *path = segment(f->reg_dir, 1);
	struct reg_verify_report v;
	struct error e;

	(void)small_register(f, true);
	assert_int_equal(unlink(path), 0);
	assert_false(reg_verify(f->reg_dir, NULL, &v, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
	assert_null(reg_open(&f->cfg, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
}

/* ---- serials and signatures ------------------------------------------- */

static void
test_serial_twice(void **state)
{
	struct fixture *f = *state;
	struct reg_verify_report v;
	struct record rec;
	struct sha256 key, other, hash;
	struct error e;
	uint8_t tbs[64] = { 5 };
	struct reg *r = reg_create(&f->cfg, &e);
	uint64_t first, second;

	key = put_key(r, "one");
	other = put_key(r, "two");
	make_intent(&rec, &key, bytes_of(tbs, sizeof(tbs)), &hash);
	first = put(r, &rec);
	/* Another issuer may use it. */
	make_intent(&rec, &other, bytes_of(tbs, sizeof(tbs)), &hash);
	(void)put(r, &rec);
	commit(r);
	assert_true(reg_verify(f->reg_dir, NULL, &v, &e));
	make_intent(&rec, &key, bytes_of(tbs, sizeof(tbs)), &hash);
	second = put(r, &rec);
	commit(r);
	reg_close(r);
	{
		auto_mem char *want = mem_printf("record %llu (INTENT): rule "
						 "serial-twice: INTENT %llu",
		    (unsigned long long)second, (unsigned long long)first);

		assert_false(reg_verify(f->reg_dir, NULL, &v, &e));
		assert_non_null(strstr(e.msg, want));
	}
}

/* A revocation names the outcome of its own certificate. */
static void
test_revoke_other(void **state)
{
	struct fixture *f = *state;
	uint8_t tbs[64] = { 5 }, serial[20] = { 0, 5 };
	struct reg_verify_report v;
	struct record rec;
	struct sha256 key, hash;
	struct error e;
	struct reg *r = reg_create(&f->cfg, &e);
	uint64_t n;

	/* make_intent takes the first 19 octets as the serial. */
	key = put_key(r, "one");
	make_intent(&rec, &key, bytes_of(tbs, sizeof(tbs)), &hash);
	n = put_signed(r, put(r, &rec));
	make_revoke(&rec, &key, serial);
	record_int(&rec, "cert", (int64_t)n);
	(void)put(r, &rec);
	commit(r);
	if (!reg_verify(f->reg_dir, NULL, &v, &e))
		fail_msg("%s", e.msg);
	serial[19] = 1;
	make_revoke(&rec, &key, serial);
	record_int(&rec, "cert", (int64_t)n);
	(void)put(r, &rec);
	commit(r);
	reg_close(r);
	assert_false(reg_verify(f->reg_dir, NULL, &v, &e));
	assert_non_null(strstr(e.msg, "rule revoke-other-certificate"));
}

struct checked {
	unsigned n;
	uint64_t refuse;
};

static bool
check_sig(void *arg, const struct record *intent, const struct record *signed_,
    struct bytes spki, struct error *e)
{
	struct checked *c = arg;

	assert_int_equal(intent->type, REC_INTENT);
	assert_int_equal(record_get_int(signed_, "intent"), intent->n);
	assert_int_equal(spki.n, 91);
	c->n++;
	return signed_->n != c->refuse ||
	    error_set(e, FAIL_CRYPTO, "does not verify");
}

static void
progress(void *arg, uint64_t records)
{
	*(uint64_t *)arg = records;
}

static void
test_signatures(void **state)
{
	struct fixture *f = *state;
	struct checked c = { 0, UINT64_MAX };
	uint64_t seen = 0;
	struct reg_verify_options opt = { .check_sig = check_sig,
		.arg = &c,
		.progress = progress,
		.progress_arg = &seen };
	struct reg_verify_report v;
	struct error e;

	(void)small_register(f, true);
	assert_true(reg_verify(f->reg_dir, &opt, &v, &e));
	assert_int_equal(v.signatures_checked, 4);
	assert_int_equal(c.n, 4);
	assert_int_equal(v.signed_, 4);
	assert_int_equal(seen, 0); /* too short for a report */
	c.refuse = 7;
	assert_false(reg_verify(f->reg_dir, &opt, &v, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
	assert_non_null(strstr(e.msg, "record 7 (SIGNED): does not verify"));
}

/* ---- torn tails ------------------------------------------------------- */

static uint64_t
count_lines(struct bytes text, size_t *whole)
{
	uint64_t n = 0;

	*whole = 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n') {
			n++;
			*whole = i + 1;
		}
	return n;
}

/* Opens after a crash that left `tail` as the last segment. */
static void
open_torn(struct fixture *f, struct bytes tail, uint64_t before, bool first)
{
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct reg_verify_report v;
	struct record rec;
	struct sha256 hash;
	struct error e;
	size_t whole;
	uint64_t n = before + count_lines(tail, &whole);
	struct reg *r = reg_open(&f->cfg, &e);

	if (r == NULL)
		fail_msg("at %zu: %s", tail.n, e.msg);
	if (whole == 0 && !first) {
		assert_true(reg_read(r, n++, &line, &rec, &store, &e));
		assert_int_equal(rec.type, REC_SNAPSHOT);
	}
	if (tail.n > whole) {
		assert_true(reg_read(r, n++, &line, &rec, &store, &e));
		assert_int_equal(rec.type, REC_CUT);
		assert_int_equal(record_get_int(&rec, "bytes"), tail.n - whole);
		hash = sha256(bytes_of(tail.p + whole, tail.n - whole));
		assert_true(
		    bytes_eq(record_get(&rec, "sha256"), sha256_bytes(&hash)));
	}
	assert_true(reg_read(r, n++, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_START);
	assert_int_equal(reg_size(r), n);
	reg_close(r);
	if (!reg_verify(f->reg_dir, NULL, &v, &e))
		fail_msg("at %zu: %s", tail.n, e.msg);
	assert_int_equal(v.records, n);
	assert_int_equal(v.torn_bytes, 0);
}

static void
test_truncated_anywhere(void **state)
{
	struct fixture *f = *state;
	unsigned last = small_register(f, false);
	auto_mem char *kept = mem_printf("%s/kept", f->dir);
	auto_mem char *path = segment(f->reg_dir, last);
	struct lines l = { .n = 0 };
	struct reg_verify_report v;
	struct error e;
	uint64_t before;

	assert_true(reg_verify(f->reg_dir, NULL, &v, &e));
	split(&l, path);
	before = v.records - l.n;
	copy_tree(f->reg_dir, kept);
	for (size_t n = 0; n < l.text.n; n++) {
		remove_tree(f->reg_dir);
		copy_tree(kept, f->reg_dir);
		assert_int_equal(truncate(path, (off_t)n), 0);
		open_torn(f, bytes_of(l.text.p, n), before, false);
	}
	buf_free(&l.text);
}

/* What a power cut may leave behind the last fsync: anything. */
static void
test_garbage_tail(void **state)
{
	static const struct {
		const char *tail;
		size_t n;
	} rows[] = {
		{ "\0\0\0\0\0\0\0", 7 },
		{ "garbage\n", 8 },
		{ "{\"body\":\n\0\0\0\n\n", 14 },
	};
	struct fixture *f = *state;
	unsigned last = small_register(f, false);
	auto_mem char *path = segment(f->reg_dir, last);
	auto_buf struct buf good = { 0 }, line = { 0 }, store = { 0 };
	struct record rec;
	struct error e;
	uint64_t n;

	for (size_t i = 0; i < countof(rows); i++) {
		struct reg *r;

		buf_reset(&good);
		assert_true(file_read(path, 1 << 20, &good, &e));
		buf_add(&good, rows[i].tail, rows[i].n);
		assert_true(file_replace(path, buf_bytes(&good), 0600, &e));
		r = reg_open(&f->cfg, &e);
		if (r == NULL)
			fail_msg("%s", e.msg);
		n = reg_size(r) - 2;
		assert_true(reg_read(r, n, &line, &rec, &store, &e));
		assert_int_equal(rec.type, REC_CUT);
		assert_int_equal(record_get_int(&rec, "bytes"), rows[i].n);
		reg_close(r);
	}
}

/* Damage that cannot come from a crash is not cut away. */
static void
test_damage_is_no_tail(void **state)
{
	struct fixture *f = *state;
	unsigned last = small_register(f, false);
	auto_mem char *path = segment(f->reg_dir, last);
	struct lines l = { .n = 0 };
	struct error e;
	size_t at = 0;

	reg_close(reg_open(&f->cfg, &e)); /* a START at the end */
	split(&l, path);
	for (size_t i = 0; i + 1 < l.n; at += l.line[i].n, i++) {
		l.text.p[at + l.line[i].n / 2] ^= 1;
		assert_true(file_replace(path, buf_bytes(&l.text), 0600, &e));
		assert_null(reg_open(&f->cfg, &e));
		assert_int_equal(e.why, FAIL_CORRUPT);
		assert_non_null(strstr(e.msg, "record "));
		l.text.p[at + l.line[i].n / 2] ^= 1;
	}
	assert_true(file_replace(path, buf_bytes(&l.text), 0600, &e));
	/* In an earlier segment it is never a tail. */
	{
		auto_mem char *first = segment(f->reg_dir, last - 1);
		auto_mem char *snapshots = path_join(f->reg_dir, "snapshot");

		split(&l, first);
		assert_int_equal(truncate(first, (off_t)l.text.n - 3), 0);
		remove_tree(snapshots);
		assert_null(reg_open(&f->cfg, &e));
		assert_int_equal(e.why, FAIL_CORRUPT);
		assert_non_null(strstr(e.msg, "middle of a record"));
	}
	buf_free(&l.text);
}

/* The birth is one rename: a register without its first line is no torn one. */
static void
test_no_first_line(void **state)
{
	struct fixture *f = *state;
	auto_mem char *path = segment(f->reg_dir, 1);
	struct error e;

	reg_close(reg_create(&f->cfg, &e));
	assert_int_equal(truncate(path, 10), 0);
	assert_null(reg_open(&f->cfg, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
	assert_non_null(strstr(e.msg, "LOG-OPEN"));
}

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

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_records_moved),
		T(test_bits_flipped),
		T(test_side_files),
		T(test_segment_missing),
		T(test_serial_twice),
		T(test_revoke_other),
		T(test_signatures),
		T(test_truncated_anywhere),
		T(test_garbage_tail),
		T(test_damage_is_no_tail),
		T(test_no_first_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
