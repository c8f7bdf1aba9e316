/* SPDX-License-Identifier: Apache-2.0 */

/* Reading records back: by index, or all in order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>

#include "load.h"
#include "read.h"

/* Number of the first record of a segment, from its first line. */
static bool
segment_first(const char *dir, uint64_t segment, uint64_t *n, struct error *e)
{
	auto_mem char *path = segment_path(dir, "log", segment, "jsonl");
	auto_map struct mapped m = { 0 };
	auto_buf struct buf store = { 0 };
	struct record rec;
	struct bytes line;
	size_t at = 0;

	if (!map_open(path, &m, e))
		return false;
	if (!line_next(bytes_of(m.p, m.n), &at, &line)) {
		/* A crash left nothing whole in it. */
		*n = UINT64_MAX;
		return true;
	}
	if (!record_decode(line, &rec, &store, e))
		return error_context(e, "%s: first line", path);
	*n = rec.n;
	return true;
}

/* The segment that holds record n, if any does, and the record it begins with. */
static bool
segment_of(const char *dir, uint64_t n, uint64_t *segment, uint64_t *begins,
    uint64_t *last, struct error *e)
{
	uint64_t lo, hi, mid, at = 0;

	if (!segment_range(dir, &lo, last, e))
		return false;
	hi = *last;
	*begins = 0;
	while (lo < hi) {
		mid = hi - (hi - lo) / 2;
		if (!segment_first(dir, mid, &at, e))
			return false;
		if (at > n) {
			hi = mid - 1;
		} else {
			lo = mid;
			*begins = at;
		}
	}
	*segment = lo;
	return true;
}

bool
lines_walk(const char *dir, uint64_t from, line_fn *each, void *arg,
    struct error *e)
{
	uint64_t segment, last, n;
	struct bytes line;

	if (!segment_of(dir, from, &segment, &n, &last, e))
		return false;
	for (; segment <= last; segment++) {
		auto_mem char *path =
		    segment_path(dir, "log", segment, "jsonl");
		auto_map struct mapped m = { 0 };
		size_t at = 0;

		if (!map_open(path, &m, e))
			return false;
		for (; line_next(bytes_of(m.p, m.n), &at, &line); n++)
			if (n >= from && !each(arg, line, segment, n, e))
				return false;
	}
	return true;
}

struct decoding {
	reg_each_fn *each;
	void *arg;
	struct buf store;
};

static bool
decode_each(void *arg, struct bytes line, unused_arg uint64_t segment,
    uint64_t n, struct error *e)
{
	struct decoding *d = arg;
	struct record rec;

	if (!record_decode(line, &rec, &d->store, e))
		return error_context(e, "record %llu", (unsigned long long)n);
	return d->each(d->arg, line, &rec, e);
}

bool
reg_walk(const char *dir, uint64_t from, reg_each_fn *each, void *arg,
    struct error *e)
{
	struct decoding d = { each, arg, { 0 } };
	bool ok = lines_walk(dir, from, decode_each, &d, e);

	buf_free(&d.store);
	return ok;
}

/* ---- by index --------------------------------------------------------- */

/* The lines of the segment that was read last. Complete ones do not change; the
 * last one is read again when a record lies behind what was known. */
struct read_index {
	struct mapped map;
	uint64_t segment, begins;
	size_t *offset; /* of each line, and of the end */
	size_t n, cap;
};

void
read_index_free(struct read_index *x)
{
	if (x == NULL)
		return;
	map_close(&x->map);
	mem_free(x->offset);
	mem_free(x);
}

static bool
index_load(struct reg *r, uint64_t n, struct error *e)
{
	struct read_index *x = mem_calloc(1, sizeof(*x));
	auto_mem char *path = NULL;
	struct bytes line;
	uint64_t last;
	size_t at = 0;

	read_index_free(r->index);
	r->index = x;
	if (!segment_of(r->dir, n, &x->segment, &x->begins, &last, e))
		return false;
	path = segment_path(r->dir, "log", x->segment, "jsonl");
	if (!map_open(path, &x->map, e))
		return false;
	do {
		x->offset =
		    mem_grow(x->offset, x->n, &x->cap, sizeof(*x->offset));
		x->offset[x->n++] = at;
	} while (line_next(bytes_of(x->map.p, x->map.n), &at, &line));
	return true;
}

static bool
index_holds(const struct read_index *x, uint64_t n)
{
	return x != NULL && x->n > 0 && n >= x->begins &&
	    n - x->begins < x->n - 1;
}

bool
reg_read(struct reg *r, uint64_t n, struct buf *line, struct record *out,
    struct buf *store, struct error *e)
{
	const struct read_index *x;
	size_t from, to, i;

	if (n >= r->durable.size)
		return error_set(e, FAIL_NOT_FOUND,
		    "record %llu: the register has %llu", (unsigned long long)n,
		    (unsigned long long)r->durable.size);
	if (!index_holds(r->index, n) && !index_load(r, n, e))
		return false;
	x = r->index;
	if (!index_holds(x, n))
		return error_set(e, FAIL_CORRUPT, "record %llu is missing",
		    (unsigned long long)n);
	i = (size_t)(n - x->begins);
	from = x->offset[i];
	to = x->offset[i + 1] - 1;
	buf_reset(line);
	buf_add(line, x->map.p + from, to - from);
	if (!record_decode(buf_bytes(line), out, store, e))
		return error_context(e, "record %llu", (unsigned long long)n);
	return true;
}

bool
reg_read_private(struct reg *r, uint64_t n, struct buf *body, struct error *e)
{
	auto_mem char *path = NULL;
	auto_buf struct buf line = { 0 }, store = { 0 };
	auto_map struct mapped m = { 0 };
	struct private_body b;
	struct sha256 hash;
	struct record rec = { .n = n };
	struct bytes text;
	size_t at = 0;

	if (!reg_read(r, n, &line, &rec, &store, e))
		return false;
	path = segment_path(r->dir, "private", r->index->segment, "jsonl");
	if (!rec.has_priv || !map_open(path, &m, e))
		return error_set(e, FAIL_NOT_FOUND,
		    "record %llu has no private body here",
		    (unsigned long long)n);
	while (line_next(bytes_of(m.p, m.n), &at, &text)) {
		if (!private_parse(text, &b) || b.n != n)
			continue;
		hash = private_hash(&b);
		if (memcmp(&hash, &rec.priv, sizeof(hash)) != 0)
			return error_set(e, FAIL_CORRUPT,
			    "record %llu: its private body is not the one "
			    "recorded",
			    (unsigned long long)n);
		buf_add_bytes(body, b.body);
		return true;
	}
	return error_set(e, FAIL_NOT_FOUND,
	    "record %llu: its private body was left out",
	    (unsigned long long)n);
}

bool
reg_prove(struct reg *r, uint64_t n, uint64_t size, struct tree_proof *p,
    struct error *e)
{
	if (size > r->durable.size)
		return error_set(e, FAIL_NOT_FOUND,
		    "the register has %llu records",
		    (unsigned long long)r->durable.size);
	return tree_prove_inclusion(n, size, tile_store_read, r->tiles, p, e);
}

bool
reg_prove_consistency(struct reg *r, uint64_t old_size, uint64_t new_size,
    struct tree_proof *p, struct error *e)
{
	if (new_size > r->durable.size)
		return error_set(e, FAIL_NOT_FOUND,
		    "the register has %llu records",
		    (unsigned long long)r->durable.size);
	return tree_prove_consistency(old_size, new_size, tile_store_read,
	    r->tiles, p, e);
}
