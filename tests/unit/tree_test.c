/* SPDX-License-Identifier: Apache-2.0 */
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

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/register/tree.h>

#define SIZES 300

/* The other opinion: RFC 6962 2.1 written down as it stands there, recursive,
 * over a table of what was computed already. */
static struct sha256 leaf[SIZES];
static struct sha256 memo[SIZES][SIZES + 1];
static bool known[SIZES][SIZES + 1];

static unsigned
naive_split(unsigned n)
{
	unsigned k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

/* NOLINTNEXTLINE(misc-no-recursion) the definition is recursive */
static struct sha256
naive_mth(unsigned start, unsigned n)
{
	uint8_t in[1 + 2 * SHA256_LEN] = { 0x01 };
	struct sha256 l, r;
	unsigned k;

	if (n == 0)
		return sha256(bytes_of(NULL, 0));
	if (n == 1)
		return leaf[start];
	if (known[start][n])
		return memo[start][n];
	k = naive_split(n);
	l = naive_mth(start, k);
	r = naive_mth(start + k, n - k);
	memcpy(in + 1, l.b, SHA256_LEN);
	memcpy(in + 1 + SHA256_LEN, r.b, SHA256_LEN);
	known[start][n] = true;
	return memo[start][n] = sha256(bytes_of(in, sizeof(in)));
}

/* NOLINTNEXTLINE(misc-no-recursion) RFC 6962 2.1.1 */
static void
naive_path(unsigned m, unsigned start, unsigned n, struct tree_proof *p)
{
	unsigned k;

	if (n == 1)
		return;
	k = naive_split(n);
	if (m < k) {
		naive_path(m, start, k, p);
		p->node[p->n++] = naive_mth(start + k, n - k);
	} else {
		naive_path(m - k, start + k, n - k, p);
		p->node[p->n++] = naive_mth(start, k);
	}
}

/* NOLINTNEXTLINE(misc-no-recursion) RFC 6962 2.1.2 */
static void
naive_subproof(unsigned m, unsigned start, unsigned n, bool b,
    struct tree_proof *p)
{
	unsigned k;

	if (m == n) {
		if (!b)
			p->node[p->n++] = naive_mth(start, n);
		return;
	}
	k = naive_split(n);
	if (m <= k) {
		naive_subproof(m, start, k, b, p);
		p->node[p->n++] = naive_mth(start + k, n - k);
	} else {
		naive_subproof(m - k, start + k, n - k, false, p);
		p->node[p->n++] = naive_mth(start, k);
	}
}

static bool
read_naive(void *arg, unsigned level, uint64_t index, struct sha256 *out,
    struct error *e)
{
	unsigned *fail_in = arg;

	if (fail_in != NULL && (*fail_in)-- == 0)
		return error_set(e, FAIL_IO, "asked to fail");
	assert_true((index + 1) << level <= SIZES);
	*out = naive_mth((unsigned)(index << level), 1U << level);
	return true;
}

static int
make_leaves(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < SIZES; i++) {
		uint8_t in[3] = { 0x00, (uint8_t)(i >> 8), (uint8_t)i };

		leaf[i] = sha256(bytes_of(in, sizeof(in)));
	}
	return 0;
}

static bool
same(const struct sha256 *a, const struct sha256 *b)
{
	return bytes_eq(sha256_bytes(a), sha256_bytes(b));
}

static void
assert_same_proof(const struct tree_proof *a, const struct tree_proof *b)
{
	unsigned i;

	assert_int_equal(a->n, b->n);
	for (i = 0; i < a->n; i++)
		assert_true(same(&a->node[i], &b->node[i]));
}

static void
test_roots(void **state)
{
	struct tree_frontier t;
	struct sha256 root, at;
	struct error e = { 0 };
	unsigned n;

	(void)state;
	tree_init(&t);
	for (n = 0; n <= SIZES; n++) {
		struct sha256 want = naive_mth(0, n);

		root = tree_root(&t);
		assert_true(same(&root, &want));
		assert_true(tree_root_at(n, read_naive, NULL, &at, &e));
		assert_true(same(&at, &want));
		assert_int_equal(t.size, n);
		assert_int_equal(t.n, __builtin_popcount(n));
		if (n < SIZES)
			tree_append(&t, &leaf[n]);
	}
}

/* The eight leaves that Certificate Transparency's implementations share. */
static void
test_known_roots(void **state)
{
	static const struct {
		const char *leaf, *root;
	} rows[] = {
		{ "",
		    "6e340b9cffb37a989ca544e6bb780a2c"
		    "78901d3fb33738768511a30617afa01d" },
		{ "00",
		    "fac54203e7cc696cf0dfcb42c92a1d9d"
		    "baf70ad9e621f4bd8d98662f00e3c125" },
		{ "10",
		    "aeb6bcfe274b70a14fb067a5e5578264"
		    "db0fa9b51af5e0ba159158f329e06e77" },
		{ "2021",
		    "d37ee418976dd95753c1c73862b9398f"
		    "a2a2cf9b4ff0fdfe8b30cd95209614b7" },
		{ "3031",
		    "4e3bbb1f7b478dcfe71fb631631519a3"
		    "bca12c9aefca1612bfce4c13a86264d4" },
		{ "40414243",
		    "76e67dadbcdf1e10e1b74ddc608abd2f"
		    "98dfb16fbce75277b5232a127f2087ef" },
		{ "5051525354555657",
		    "ddb89be403809e325750d3d263cd7892"
		    "9c2942b7942a34b77e122c9594a74c8c" },
		{ "606162636465666768696a6b6c6d6e6f",
		    "5dc9da79a70659a9ad559cb701ded9a2"
		    "ab9d823aad2f4960cfe370eff4604328" },
	};
	struct tree_frontier t;
	struct sha256 h, want;
	unsigned i;

	(void)state;
	tree_init(&t);
	for (i = 0; i < countof(rows); i++) {
		uint8_t in[1 + 16] = { 0x00 };
		size_t n = strlen(rows[i].leaf) / 2;

		if (n > 0)
			assert_true(hex_decode_fixed(rows[i].leaf, in + 1, n));
		h = sha256(bytes_of(in, 1 + n));
		tree_append(&t, &h);
		h = tree_root(&t);
		assert_true(hex_decode_fixed(rows[i].root, want.b, SHA256_LEN));
		assert_true(same(&h, &want));
	}
}

/* Whatever is altered in a good inclusion proof, it no longer holds. */
static void
refuse_inclusion(unsigned index, unsigned size, const struct tree_proof *good)
{
	struct sha256 root = naive_mth(0, size), bad = root;
	struct tree_proof p = *good;
	unsigned i;

	bad.b[i = (index + size) % SHA256_LEN] ^= 1;
	assert_false(tree_check_inclusion(index, size, &leaf[index], &p, &bad));
	bad = leaf[index];
	bad.b[i] ^= 0x80;
	assert_false(tree_check_inclusion(index, size, &bad, &p, &root));
	for (i = 0; i < size; i += 1 + size / 16)
		assert_int_equal(tree_check_inclusion(i, size, &leaf[index], &p,
				     &root),
		    i == index);
	assert_false(tree_check_inclusion(size, size, &leaf[index], &p, &root));
	assert_false(
	    tree_check_inclusion(index, index, &leaf[index], &p, &root));
	assert_false(tree_check_inclusion(index, (uint64_t)size << 1,
	    &leaf[index], &p, &root));
	for (i = 0; i < p.n; i++) {
		p.node[i].b[i] ^= 1;
		assert_false(
		    tree_check_inclusion(index, size, &leaf[index], &p, &root));
		p.node[i].b[i] ^= 1;
	}
	p.node[p.n++] = root;
	assert_false(
	    tree_check_inclusion(index, size, &leaf[index], &p, &root));
	p.n -= 2;
	if (good->n > 0)
		assert_false(
		    tree_check_inclusion(index, size, &leaf[index], &p, &root));
}

static void
test_inclusion(void **state)
{
	struct tree_proof want, got;
	struct error e = { 0 };
	struct sha256 root;
	unsigned size, i;

	(void)state;
	for (size = 1; size <= SIZES; size++) {
		root = naive_mth(0, size);
		for (i = 0; i < size; i++) {
			want.n = 0;
			naive_path(i, 0, size, &want);
			assert_true(tree_prove_inclusion(i, size, read_naive,
			    NULL, &got, &e));
			assert_same_proof(&got, &want);
			assert_true(tree_check_inclusion(i, size, &leaf[i],
			    &got, &root));
			if (size < 40 || (i + size) % 7 == 0)
				refuse_inclusion(i, size, &got);
		}
	}
}

static void
refuse_consistency(unsigned old, unsigned new, const struct tree_proof *good)
{
	struct sha256 a = naive_mth(0, old), b = naive_mth(0, new), bad;
	struct tree_proof p = *good, other;
	unsigned i;

	bad = a;
	bad.b[old % SHA256_LEN] ^= 1;
	assert_false(tree_check_consistency(old, new, &bad, &b, &p));
	bad = b;
	bad.b[new % SHA256_LEN] ^= 0x10;
	assert_false(tree_check_consistency(old, new, &a, &bad, &p));
	for (i = 0; i < p.n; i++) {
		p.node[i].b[31] ^= 1;
		assert_false(tree_check_consistency(old, new, &a, &b, &p));
		p.node[i].b[31] ^= 1;
	}
	p.node[p.n++] = b;
	assert_false(tree_check_consistency(old, new, &a, &b, &p));
	p.n -= 2;
	if (good->n > 0)
		assert_false(tree_check_consistency(old, new, &a, &b, &p));
	p = *good;
	/* Sizes with a path of another length; the same length can be the
	 * same path, which only the signed size tells apart. */
	for (i = 1; i <= SIZES; i += 11) {
		other.n = 0;
		if (i >= old)
			naive_subproof(old, 0, i, true, &other);
		if (i < old || other.n != p.n)
			assert_false(
			    tree_check_consistency(old, i, &a, &b, &p));
	}
}

static void
test_consistency(void **state)
{
	struct tree_proof want, got;
	struct error e = { 0 };
	struct sha256 a, b;
	unsigned old, new;

	(void)state;
	for (new = 1; new <= SIZES; new ++) {
		b = naive_mth(0, new);
		for (old = 1; old <= new; old++) {
			a = naive_mth(0, old);
			want.n = 0;
			naive_subproof(old, 0, new, true, &want);
			assert_true(tree_prove_consistency(old, new, read_naive,
			    NULL, &got, &e));
			assert_same_proof(&got, &want);
			assert_true(
			    tree_check_consistency(old, new, &a, &b, &got));
			if (new < 40 || (old + new) % 7 == 0)
				refuse_consistency(old, new, &got);
		}
	}
}

static void
test_empty_tree(void **state)
{
	struct sha256 zero = naive_mth(0, 0), five = naive_mth(0, 5);
	struct tree_proof p = { .n = 7 };
	struct error e = { 0 };

	(void)state;
	assert_true(tree_prove_consistency(0, 5, read_naive, NULL, &p, &e));
	assert_int_equal(p.n, 0);
	assert_true(tree_check_consistency(0, 5, &zero, &five, &p));
	assert_true(tree_check_consistency(0, 0, &zero, &zero, &p));
	assert_false(tree_check_consistency(0, 5, &five, &five, &p));
	assert_false(tree_check_inclusion(0, 0, &leaf[0], &p, &zero));
	p.node[p.n++] = five;
	assert_false(tree_check_consistency(0, 5, &zero, &five, &p));
}

static void
test_outside(void **state)
{
	struct tree_proof p = { .n = 99 };
	struct error e = { 0 };
	struct sha256 root = { { 1 } }, before = root;
	unsigned i;

	(void)state;
	assert_false(tree_prove_inclusion(5, 5, read_naive, NULL, &p, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(tree_prove_consistency(6, 5, read_naive, NULL, &p, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(tree_check_consistency(6, 5, &root, &root, &p));
	assert_int_equal(p.n, 99);
	/* 6 of 7 takes two reads, 3 to 7 five, the root of 7 three. */
	for (i = 0; i < 2; i++) {
		unsigned a = i, b = i + 3, c = i + 1;

		assert_false(
		    tree_prove_inclusion(6, 7, read_naive, &a, &p, &e));
		assert_int_equal(e.why, FAIL_IO);
		assert_false(
		    tree_prove_consistency(3, 7, read_naive, &b, &p, &e));
		assert_false(tree_root_at(7, read_naive, &c, &root, &e));
		assert_int_equal(e.why, FAIL_IO);
	}
	assert_int_equal(p.n, 99);
	assert_true(same(&root, &before));
}

/* ---- tiles ------------------------------------------------------------ */

struct disk {
	char dir[64];
};

static int
disk_setup(void **state)
{
	struct disk *d = test_malloc(sizeof(*d));

	(void)snprintf(d->dir, sizeof(d->dir), "/tmp/chancery-tree.XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	*state = d;
	return 0;
}

static int
disk_teardown(void **state)
{
	struct disk *d = *state;
	unsigned i;

	for (i = 0; i < 8; i++) {
		auto_mem char *p = mem_printf("%s/tree/%u", d->dir, i);

		(void)unlink(p);
	}
	auto_mem char *tree = path_join(d->dir, "tree");

	(void)rmdir(tree);
	assert_int_equal(rmdir(d->dir), 0);
	test_free(d);
	return 0;
}

static struct sha256
big_leaf(uint64_t i)
{
	return sha256(bytes_of(&i, sizeof(i)));
}

static off_t
level_bytes(const struct disk *d, unsigned level)
{
	auto_mem char *p = mem_printf("%s/tree/%u", d->dir, level);
	struct stat st;

	return stat(p, &st) == 0 ? st.st_size : -1;
}

static void
resize(const struct disk *d, unsigned level, off_t size)
{
	auto_mem char *p = mem_printf("%s/tree/%u", d->dir, level);

	assert_int_equal(truncate(p, size), 0);
}

static void
assert_holds(struct tile_store *s, const struct tree_frontier *want)
{
	struct sha256 root = tree_root(want), got, h;
	uint64_t i, size = want->size, step = 1 + size / 50;
	struct tree_frontier front;
	struct tree_proof p;
	struct error e = { 0 };

	assert_int_equal(tile_store_size(s), size);
	assert_true(tile_store_frontier(s, &front, &e));
	assert_int_equal(front.size, size);
	assert_int_equal(front.n, want->n);
	assert_memory_equal(front.node, want->node,
	    want->n * sizeof(struct sha256));
	assert_true(tree_root_at(size, tile_store_read, s, &got, &e));
	assert_true(same(&got, &root));
	for (i = 0; i < size; i += step) {
		h = big_leaf(i);
		assert_true(
		    tree_prove_inclusion(i, size, tile_store_read, s, &p, &e));
		assert_true(tree_check_inclusion(i, size, &h, &p, &root));
	}
}

static void
frontier_of(uint64_t size, struct tree_frontier *t)
{
	struct sha256 h;
	uint64_t i;

	tree_init(t);
	for (i = 0; i < size; i++) {
		h = big_leaf(i);
		tree_append(t, &h);
	}
}

static void
append(struct tile_store *s, uint64_t from, uint64_t to)
{
	struct sha256 h;

	for (; from < to; from++) {
		h = big_leaf(from);
		tile_store_append(s, &h);
	}
}

/* A store of `size` leaves, flushed now and then, closed. */
static void
fill(const struct disk *d, uint64_t size)
{
	struct error e = { 0 };
	auto_tile_store struct tile_store *s =
	    tile_store_open(d->dir, true, &e);
	struct sha256 h;
	uint64_t i;

	assert_non_null(s);
	for (i = tile_store_size(s); i < size; i++) {
		h = big_leaf(i);
		tile_store_append(s, &h);
		if (i % 1000 == 17)
			assert_true(tile_store_flush(s, &e));
	}
	assert_true(tile_store_flush(s, &e));
}

static void
test_tiles(void **state)
{
	const struct disk *d = *state;
	struct tree_frontier t;
	struct error e = { 0 };
	struct sha256 h;
	static const uint64_t sizes[] = { 1, 255, 256, 257, 512, 1000, 65535,
		65536, 70000 };
	unsigned i;

	for (i = 0; i < countof(sizes); i++) {
		fill(d, sizes[i]);
		frontier_of(sizes[i], &t);
		auto_tile_store struct tile_store *s =
		    tile_store_open(d->dir, false, &e);

		assert_non_null(s);
		assert_holds(s, &t);
		assert_int_equal(level_bytes(d, 0), sizes[i] * SHA256_LEN);
		assert_int_equal(level_bytes(d, 1),
		    sizes[i] < 256 ? -1 : (off_t)(sizes[i] / 256 * SHA256_LEN));
		assert_int_equal(level_bytes(d, 2),
		    sizes[i] < 65536 ? -1 : SHA256_LEN);
		assert_false(tile_store_read(s, 0, sizes[i], &h, &e));
		assert_int_equal(e.why, FAIL_NOT_FOUND);
		assert_false(tile_store_read(s, 17, 0, &h, &e));
		assert_false(tile_store_read(s, 63, 0, &h, &e));
		assert_false(tile_store_read(s, 64, 0, &h, &e));
		assert_int_equal(e.why, FAIL_NOT_FOUND);
	}
}

/* Entries that wait for a flush are read like the others. */
static void
test_tiles_unflushed(void **state)
{
	const struct disk *d = *state;
	struct error e = { 0 };
	struct tree_frontier t;

	fill(d, 300);
	auto_tile_store struct tile_store *s =
	    tile_store_open(d->dir, true, &e);

	assert_non_null(s);
	append(s, 300, 700);
	frontier_of(700, &t);
	assert_holds(s, &t);
	auto_tile_store struct tile_store *reader =
	    tile_store_open(d->dir, false, &e);

	assert_int_equal(tile_store_size(reader), 300);
	assert_false(tile_store_flush(reader, &e));
	assert_int_equal(e.why, FAIL_INTERNAL);
	assert_true(tile_store_flush(s, &e));
	assert_holds(s, &t);
}

static void
test_tiles_truncate(void **state)
{
	const struct disk *d = *state;
	static const uint64_t sizes[] = { 1500, 1400, 1280, 1279, 256, 255, 3,
		0 };
	struct error e = { 0 };
	struct tree_frontier t;
	unsigned i;

	fill(d, 1400);
	auto_tile_store struct tile_store *s =
	    tile_store_open(d->dir, true, &e);

	assert_non_null(s);
	append(s, 1400, 1600);
	assert_false(tile_store_truncate(s, 1601, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	for (i = 0; i < countof(sizes); i++) {
		assert_true(tile_store_truncate(s, sizes[i], &e));
		frontier_of(sizes[i], &t);
		assert_holds(s, &t);
	}
	/* What is appended afterwards goes where it belongs. */
	append(s, 0, 295);
	assert_true(tile_store_flush(s, &e));
	append(s, 295, 301);
	assert_true(tile_store_truncate(s, 298, &e));
	append(s, 298, 300);
	assert_true(tile_store_truncate(s, 290, &e));
	append(s, 290, 300);
	assert_true(tile_store_flush(s, &e));
	frontier_of(300, &t);
	assert_holds(s, &t);
}

static void
test_tiles_repair(void **state)
{
	const struct disk *d = *state;
	static const struct {
		const char *name;
		unsigned level;
		off_t cut;      /* bytes to add or take away               */
		uint64_t holds; /* leaves afterwards                       */
	} rows[] = {
		{ "torn last entry", 0, -5, 69999 },
		{ "torn entry too many", 0, 7, 69999 },
		{ "level 1 short", 1, -40 * SHA256_LEN, 69999 },
		{ "level 1 torn", 1, -1, 69999 },
		{ "level 1 long", 1, 3 * SHA256_LEN, 69999 },
		{ "level 2 gone", 2, -SHA256_LEN, 69999 },
		{ "level 0 short", 0, -69000 * SHA256_LEN, 999 },
	};
	struct error e = { 0 };
	struct tree_frontier t;
	unsigned i, writable;

	fill(d, 70000);
	for (i = 0; i < countof(rows); i++) {
		resize(d, rows[i].level,
		    level_bytes(d, rows[i].level) + rows[i].cut);
		frontier_of(rows[i].holds, &t);
		for (writable = 0; writable < 2; writable++) {
			auto_tile_store struct tile_store *s =
			    tile_store_open(d->dir, writable != 0, &e);

			assert_non_null(s);
			assert_holds(s, &t);
			if (writable != 0)
				assert_true(tile_store_flush(s, &e));
		}
		assert_int_equal(level_bytes(d, 1),
		    rows[i].holds / 256 * SHA256_LEN);
	}
}

static void
test_tiles_errors(void **state)
{
	const struct disk *d = *state;
	struct error e = { 0 };
	struct sha256 h;

	assert_null(tile_store_open("/nonexistent/register", true, &e));
	assert_int_not_equal(e.why, FAIL_NONE);
	fill(d, 10);
	auto_tile_store struct tile_store *s =
	    tile_store_open(d->dir, false, &e);

	assert_non_null(s);
	resize(d, 0, 32);
	assert_false(tile_store_read(s, 0, 5, &h, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
}

/* A flush that fails in the middle loses nothing. */
static void
test_tiles_disk_full(void **state)
{
	const struct disk *d = *state;
	struct error e = { 0 };
	auto_tile_store struct tile_store *s =
	    tile_store_open(d->dir, true, &e);
	struct rlimit room, full;
	struct tree_frontier t;

	assert_non_null(s);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &room), 0);
	full = room;
	full.rlim_cur = 300 * SHA256_LEN + 7;
	append(s, 0, 200);
	assert_true(tile_store_flush(s, &e));
	append(s, 200, 1000);
	frontier_of(1000, &t);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	assert_false(tile_store_flush(s, &e));
	assert_int_equal(e.why, FAIL_DISK_FULL);
	assert_holds(s, &t);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &room), 0);
	assert_true(tile_store_flush(s, &e));
	assert_holds(s, &t);
	auto_tile_store struct tile_store *reader =
	    tile_store_open(d->dir, false, &e);

	assert_non_null(reader);
	assert_holds(reader, &t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_known_roots),
		cmocka_unit_test(test_inclusion),
		cmocka_unit_test(test_consistency),
		cmocka_unit_test(test_empty_tree),
		cmocka_unit_test(test_outside),
		cmocka_unit_test_setup_teardown(test_tiles, disk_setup,
		    disk_teardown),
		cmocka_unit_test_setup_teardown(test_tiles_unflushed,
		    disk_setup, disk_teardown),
		cmocka_unit_test_setup_teardown(test_tiles_truncate, disk_setup,
		    disk_teardown),
		cmocka_unit_test_setup_teardown(test_tiles_repair, disk_setup,
		    disk_teardown),
		cmocka_unit_test_setup_teardown(test_tiles_errors, disk_setup,
		    disk_teardown),
		cmocka_unit_test_setup_teardown(test_tiles_disk_full,
		    disk_setup, disk_teardown),
	};

	return cmocka_run_group_tests(tests, make_leaves, NULL);
}
