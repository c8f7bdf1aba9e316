/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <chancery/base/alloc.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/register/record.h>

#include "../../src/register/export.h"
#include "note_key.h"

#define ORIGIN "acme.example/chancery/root"

static uint8_t seed = 5;
static char dir[64];
static unsigned files; /* seen by count_one */

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/chancery-export.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
remove_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int
count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)ftw;
	files += type == FTW_F;
	return 0;
}

static unsigned
count_files(const char *path)
{
	files = 0;
	assert_int_equal(nftw(path, count_one, 16, FTW_PHYS), 0);
	return files;
}

/* Names directly in the test's directory. */
static unsigned
count_names(void)
{
	auto_dir DIR *d = opendir(dir);
	struct dirent *entry;
	unsigned n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		n += entry->d_name[0] != '.';
	return n;
}

static off_t
size_of(const char *out, const char *name)
{
	auto_mem char *path = path_join(out, name);
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void
line_of(uint64_t i, struct buf *line)
{
	buf_reset(line);
	buf_addf(line, "record %" PRIu64, i);
}

static void
add_lines(struct exporter *x, uint64_t n, struct tree_frontier *t)
{
	auto_buf struct buf line = { 0 };
	struct error e = { 0 };
	struct sha256 leaf;
	uint64_t i;

	tree_init(t);
	for (i = 0; i < n; i++) {
		line_of(i, &line);
		leaf = record_leaf(buf_bytes(&line));
		tree_append(t, &leaf);
		assert_true(export_line(x, buf_bytes(&line), &e));
	}
}

static void
sign(uint64_t size, struct sha256 root, struct buf *note)
{
	struct note_signer s = test_note_signer(ORIGIN, NOTE_ED25519, &seed);
	struct checkpoint c = { .origin = ORIGIN, .size = size, .root = root };
	struct error e = { 0 };

	assert_true(checkpoint_sign(&c, &s, note, &e));
}

static void
make_export(const char *out, uint64_t size)
{
	struct error e = { 0 };
	auto_exporter struct exporter *x = export_begin(out, &e);
	auto_buf struct buf note = { 0 };
	struct tree_frontier t;

	assert_non_null(x);
	add_lines(x, size, &t);
	sign(size, tree_root(&t), &note);
	assert_true(export_finish(x, buf_bytes(&note), &e));
}

static void
test_paths(void **state)
{
	static const struct {
		const char *level;
		uint64_t index;
		size_t width;
		const char *path;
	} rows[] = {
		{ "0", 0, 256, "tile/0/000" },
		{ "0", 999, 256, "tile/0/999" },
		{ "1", 1000, 256, "tile/1/x001/000" },
		{ "3", 1234067, 256, "tile/3/x001/x234/067" },
		{ "entries", 1234067, 7, "tile/entries/x001/x234/067.p/7" },
		{ "0", UINT64_C(72057594037927935), 255,
		    "tile/0/x072/x057/x594/x037/x927/935.p/255" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		auto_mem char *path = export_tile_path(rows[i].level,
		    rows[i].index, rows[i].width);

		assert_string_equal(path, rows[i].path);
	}
}

/* Sizes and the number of files that they make. 70,000 is the specification's
 * example. */
static void
test_files(void **state)
{
	static const struct {
		uint64_t size;
		unsigned files;
		const char *name;
		off_t octets;
	} rows[] = {
		{ 0, 1, "tile", -1 },
		{ 1, 3, "tile/0/000.p/1", 32 },
		{ 255, 3, "tile/0/000.p/255", 255 * 32 },
		{ 256, 4, "tile/1/000.p/1", 32 },
		{ 257, 6, "tile/0/001.p/1", 32 },
		{ 65536, 2 * 256 + 1 + 1 + 1, "tile/2/000.p/1", 32 },
		{ 70000, 2 * 274 + 2 + 1 + 1, "tile/0/273.p/112", 112 * 32 },
		{ 70000, 2 * 274 + 2 + 1 + 1, "tile/1/001.p/17", 17 * 32 },
		{ 70000, 2 * 274 + 2 + 1 + 1, "tile/1/000", 256 * 32 },
		{ 70000, 2 * 274 + 2 + 1 + 1, "tile/2/000.p/1", 32 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		auto_mem char *out = mem_printf("%s/%zu", dir, i);

		make_export(out, rows[i].size);
		assert_int_equal(count_files(out), rows[i].files);
		assert_int_equal(size_of(out, rows[i].name), rows[i].octets);
		assert_int_equal(count_names(), i + 1);
	}
}

static void
test_entries(void **state)
{
	auto_mem char *out = path_join(dir, "e");
	auto_mem char *path = path_join(out, "tile/entries/000.p/3");
	auto_buf struct buf got = { 0 };
	struct error e = { 0 };

	(void)state;
	make_export(out, 3);
	assert_true(file_read(path, 4096, &got, &e));
	assert_int_equal(got.n, 3 * (2 + 8));
	assert_memory_equal(got.p,
	    "\0\10record 0"
	    "\0\10record 1"
	    "\0\10record 2",
	    got.n);
}

/* The longest record has a length of 0xffff. */
static void
test_long_line(void **state)
{
	auto_mem char *out = path_join(dir, "l");
	auto_mem uint8_t *line = mem_calloc(1, LIMIT_RECORD_BYTES + 1);
	struct error e = { 0 };
	auto_exporter struct exporter *x = export_begin(out, &e);
	auto_buf struct buf note = { 0 };

	(void)state;
	assert_non_null(x);
	assert_false(
	    export_line(x, bytes_of(line, LIMIT_RECORD_BYTES + 1), &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
	assert_true(export_line(x, bytes_of(line, LIMIT_RECORD_BYTES), &e));
	sign(1, record_leaf(bytes_of(line, LIMIT_RECORD_BYTES)), &note);
	assert_true(export_finish(x, buf_bytes(&note), &e));
	assert_int_equal(size_of(out, "tile/entries/000.p/1"),
	    LIMIT_RECORD_BYTES + 2);
}

static void
test_exclusive(void **state)
{
	auto_mem char *out = path_join(dir, "x");
	auto_mem char *slash = mem_printf("%s/y//", dir);
	auto_mem char *nowhere = mem_printf("%s/none/x", dir);
	struct error e = { 0 };
	auto_buf struct buf note = { 0 };
	struct tree_frontier t;

	(void)state;
	assert_int_equal(mkdir(out, 0700), 0);
	assert_null(export_begin(out, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	assert_null(export_begin(nowhere, &e));
	assert_int_not_equal(e.why, FAIL_NONE);
	assert_int_equal(count_names(), 1);
	make_export(slash, 2);
	assert_int_equal(count_names(), 2);

	/* Somebody takes the name meanwhile, with an empty directory. */
	assert_int_equal(rmdir(out), 0);
	struct exporter *x = export_begin(out, &e);

	assert_non_null(x);
	add_lines(x, 3, &t);
	sign(3, tree_root(&t), &note);
	assert_int_equal(mkdir(out, 0700), 0);
	assert_false(export_finish(x, buf_bytes(&note), &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	assert_int_equal(count_names(), 3);
	export_free(x);
	assert_int_equal(count_names(), 2);
	assert_int_equal(count_files(out), 0);
}

/* Lines that are not the tree of the checkpoint leave nothing behind. */
static void
test_refused(void **state)
{
	static const struct {
		const char *name;
		uint64_t size; /* in the checkpoint; there are 300 lines */
		uint8_t flip;  /* of its root                            */
		bool signed_;
		enum fail why;
	} rows[] = {
		{ "good", 300, 0, true, FAIL_NONE },
		{ "fewer lines", 301, 0, true, FAIL_CORRUPT },
		{ "more lines", 299, 0, true, FAIL_CORRUPT },
		{ "other root", 300, 1, true, FAIL_CORRUPT },
		{ "no note", 300, 0, false, FAIL_BAD_INPUT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		auto_mem char *out = path_join(dir, rows[i].name);
		struct error e = { 0 };
		struct exporter *x = export_begin(out, &e);
		auto_buf struct buf note = { 0 };
		struct tree_frontier t;
		struct sha256 root;

		assert_non_null(x);
		add_lines(x, 300, &t);
		root = tree_root(&t);
		root.b[9] ^= rows[i].flip;
		sign(rows[i].size, root, &note);
		if (!rows[i].signed_)
			buf_reset(&note);
		assert_int_equal(export_finish(x, buf_bytes(&note), &e),
		    rows[i].why == FAIL_NONE);
		assert_int_equal(e.why, rows[i].why);
		export_free(x);
		assert_int_equal(count_names(), 1); /* the good one */
	}
}

static void
test_disk_full(void **state)
{
	auto_mem char *out = path_join(dir, "full");
	struct rlimit room, full;
	struct error e = { 0 };
	struct exporter *x = export_begin(out, &e);
	auto_buf struct buf note = { 0 };
	struct tree_frontier t;

	(void)state;
	assert_non_null(x);
	add_lines(x, 20, &t);
	sign(20, tree_root(&t), &note);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &room), 0);
	full = room;
	full.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	assert_false(export_finish(x, buf_bytes(&note), &e));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &room), 0);
	assert_int_equal(e.why, FAIL_DISK_FULL);
	export_free(x);
	assert_int_equal(count_names(), 0);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		IN_DIR(test_files),
		IN_DIR(test_entries),
		IN_DIR(test_long_line),
		IN_DIR(test_exclusive),
		IN_DIR(test_refused),
		IN_DIR(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
