/* SPDX-License-Identifier: Apache-2.0 */

/* What lies beside the lines: checkpoints, anchors, tiles, private bodies and
 * snapshots, each held against what the lines give. */
#include <stdio.h>
#include <stdlib.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "verify.h"

/* ---- checkpoints and anchors ------------------------------------------ */

static bool
expect_file(struct verify *v, const char *path, const char *name,
    struct error *e)
{
	struct expected x = { 0 };

	if (!file_read(path, 65536, &x.note, e) ||
	    !checkpoint_parse(buf_bytes(&x.note), &x.c, e)) {
		buf_free(&x.note);
		return error_context(e, "%s", name);
	}
	x.name = mem_strdup(name);
	v->expected = mem_grow(v->expected, v->expected_n, &v->expected_cap,
	    sizeof(*v->expected));
	v->expected[v->expected_n++] = x;
	return true;
}

static int
by_size(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	return (x->c.size > y->c.size) - (x->c.size < y->c.size);
}

static bool
expect_optional(struct verify *v, const char *path, const char *name,
    struct error *e)
{
	if (expect_file(v, path, name, e))
		return true;
	return e->why == FAIL_NOT_FOUND;
}

static bool
expect_earlier(struct verify *v, struct error *e)
{
	auto_mem char *path = path_join(v->dir, "checkpoints");
	auto_dir DIR *d = opendir(path);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		auto_mem char *file = NULL, *name = NULL;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
		    strchr(entry->d_name, '.') != NULL)
			continue;
		file = path_join(path, entry->d_name);
		name = path_join("checkpoints", entry->d_name);
		if (!expect_file(v, file, name, e))
			return false;
		v->out.checkpoints++;
	}
	return true;
}

bool
side_load_checkpoints(struct verify *v, struct error *e)
{
	auto_mem char *newest = path_join(v->dir, "checkpoint");

	if (!expect_optional(v, newest, "checkpoint", e) ||
	    !expect_earlier(v, e))
		return false;
	if (v->expected_n > 1)
		qsort(v->expected, v->expected_n, sizeof(*v->expected),
		    by_size);
	return true;
}

struct sha256
side_root(const struct verify *v)
{
	return tree_root(&v->play.at.tree);
}

static bool
check_expected(struct verify *v, const struct expected *x, struct error *e)
{
	struct sha256 root = side_root(v);
	struct checkpoint c;

	if (!anchor_open_note(v->play.state, buf_bytes(&x->note), &c, e))
		return error_context(e, "%s", x->name);
	if (memcmp(&root, &c.root, sizeof(root)) != 0)
		return error_set(e, FAIL_ROLLBACK,
		    "%s: its root is not that of the first %llu records",
		    x->name, (unsigned long long)c.size);
	return true;
}

/* ---- tiles ------------------------------------------------------------ */

bool
side_map_tiles(struct verify *v, struct error *e)
{
	for (unsigned l = 0; l < VERIFY_LEVELS; l++) {
		auto_mem char *path = mem_printf("%s/tree/%u", v->dir, l);

		if (!map_open(path, &v->level[l].file, e) &&
		    e->why != FAIL_NOT_FOUND)
			return false;
	}
	return true;
}

/* Entry `done` of the level; the file may be shorter: it is derived later. */
static bool
check_tile(const struct verify_level *l, unsigned level,
    const struct sha256 *want, struct error *e)
{
	uint64_t at = l->done * SHA256_LEN;

	if (at + SHA256_LEN > l->file.n ||
	    memcmp(l->file.p + at, want, SHA256_LEN) == 0)
		return true;
	return error_set(e, FAIL_CORRUPT,
	    "record %llu: hash tile of level %u, entry %llu is not the hash "
	    "of the lines",
	    (unsigned long long)l->done << (8 * level), level,
	    (unsigned long long)l->done);
}

static bool
fill_tiles(struct verify *v, struct error *e)
{
	struct sha256 h = v->play.leaf;

	for (unsigned i = 0; i < VERIFY_LEVELS; i++) {
		struct verify_level *l = &v->level[i];

		if (!check_tile(l, i, &h, e))
			return false;
		l->done++;
		tree_append(&l->part, &h);
		if (l->part.size < 256)
			return true;
		h = tree_root(&l->part);
		tree_init(&l->part);
	}
	return true;
}

bool
side_leaf(struct verify *v, struct error *e)
{
	if (!fill_tiles(v, e))
		return false;
	for (; v->expected_at < v->expected_n &&
	     v->expected[v->expected_at].c.size <= v->play.state->n;
	     v->expected_at++)
		if (!check_expected(v, &v->expected[v->expected_at], e))
			return false;
	return true;
}

static bool
ahead(const struct verify *v, const struct expected *x, struct error *e)
{
	return error_set(e, FAIL_ROLLBACK,
	    "%s remembers %llu records, the register has %llu", x->name,
	    (unsigned long long)x->c.size,
	    (unsigned long long)v->play.state->n);
}

/* The anchor's name follows from the origin, so it is looked at last; what it
 * holds must be the newest checkpoint or one that was met on the way. */
static bool
check_anchor_file(struct verify *v, struct error *e)
{
	auto_mem char *path =
	    anchor_path(v->opt->anchor_dir, reg_state_origin(v->play.state));
	auto_mem char *name = mem_printf("anchor file:%s", path);
	size_t before = v->expected_n;
	const struct expected *x;
	struct checkpoint c;

	if (!expect_optional(v, path, name, e))
		return false;
	if (v->expected_n == before)
		return true;
	x = &v->expected[before];
	if (!anchor_open_note(v->play.state, buf_bytes(&x->note), &c, e))
		return error_context(e, "%s", name);
	if (c.size > v->play.state->n)
		return ahead(v, x, e);
	if (c.size == v->play.state->n)
		return check_expected(v, x, e);
	for (size_t i = 0; i + 1 < v->expected_n; i++)
		if (v->expected[i].c.size == c.size &&
		    memcmp(&v->expected[i].c.root, &c.root, SHA256_LEN) == 0)
			return true;
	return error_set(e, FAIL_ROLLBACK,
	    "%s: the register has no checkpoint of %llu records like it", name,
	    (unsigned long long)c.size);
}

bool
side_end(struct verify *v, struct error *e)
{
	if (v->expected_at < v->expected_n)
		return ahead(v, &v->expected[v->expected_at], e);
	if (v->level[0].file.n / SHA256_LEN > v->level[0].done &&
	    v->out.torn_bytes == 0)
		return error_set(e, FAIL_CORRUPT,
		    "hash tiles hold more leaves than there are records");
	return v->opt->anchor_dir == NULL || check_anchor_file(v, e);
}

/* ---- private bodies --------------------------------------------------- */

bool
side_private_segment(struct verify *v, uint64_t segment, struct error *e)
{
	auto_mem char *path = segment_path(v->dir, "private", segment, "jsonl");

	map_close(&v->private);
	v->private_at = 0;
	return map_open(path, &v->private, e) || e->why == FAIL_NOT_FOUND;
}

/* Bodies stand in the order of their records; one may have been left out. */
bool
side_private(struct verify *v, const struct record *r, struct error *e)
{
	struct bytes text = bytes_of(v->private.p, v->private.n), line;
	struct private_body b;
	struct sha256 hash;
	size_t at = v->private_at;

	if (!line_next(text, &at, &line)) {
		v->out.private_missing++;
		return true;
	}
	if (!private_parse(line, &b) || b.n < r->n)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: a private body before it is malformed or "
		    "belongs to no record",
		    (unsigned long long)r->n);
	if (b.n > r->n) {
		v->out.private_missing++;
		return true;
	}
	hash = private_hash(&b);
	if (memcmp(&hash, &r->priv, sizeof(hash)) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: its private body is not the one recorded",
		    (unsigned long long)r->n);
	v->private_at = at;
	v->out.private_bodies++;
	return true;
}

/* Left over: only what a crash left in front of records that never came. */
bool
side_private_end(struct verify *v, struct error *e)
{
	struct bytes text = bytes_of(v->private.p, v->private.n), line;
	struct private_body b;

	if (!line_next(text, &v->private_at, &line))
		return true;
	if (private_parse(line, &b) && b.n >= v->play.state->n)
		return true;
	return error_set(e, FAIL_CORRUPT,
	    "record %llu: a private body before it is malformed or belongs to "
	    "no record",
	    (unsigned long long)v->play.state->n);
}

/* ---- snapshots -------------------------------------------------------- */

bool
side_snapshot(struct verify *v, uint64_t segment, const struct sha256 *recorded,
    struct error *e)
{
	struct reg_state *s;
	struct log_position at;

	if (memcmp(recorded, &v->snapshot, sizeof(*recorded)) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu (SNAPSHOT): rule snapshot-hash: the records "
		    "give another state",
		    (unsigned long long)v->play.rec.n);
	v->out.snapshots++;
	s = snapshot_load(v->dir, segment, recorded, &at, e);
	if (s == NULL && e->why != FAIL_NOT_FOUND)
		return error_context(e, "record %llu (SNAPSHOT)",
		    (unsigned long long)v->play.rec.n);
	reg_state_free(s);
	return true;
}

void
side_clear(struct verify *v)
{
	for (unsigned l = 0; l < VERIFY_LEVELS; l++)
		map_close(&v->level[l].file);
	for (size_t i = 0; i < v->expected_n; i++) {
		buf_free(&v->expected[i].note);
		mem_free(v->expected[i].name);
	}
	mem_free(v->expected);
	map_close(&v->private);
}
