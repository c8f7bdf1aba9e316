/* SPDX-License-Identifier: Apache-2.0 */

/* Hash tiles after the lines. */
#include "read.h"

static bool
add_leaf(void *arg, struct bytes line, unused_arg uint64_t segment, uint64_t n,
    struct error *e)
{
	struct reg *r = arg;
	struct sha256 leaf;

	(void)e;
	/* Not what a concurrent writer has added since. */
	if (n >= r->durable.size)
		return true;
	leaf = record_leaf(line);
	tile_store_append(r->tiles, &leaf);
	return true;
}

static bool
tiles_agree(struct reg *r, bool *same, struct error *e)
{
	struct sha256 want = tree_root(&r->durable), is;
	struct tree_frontier t;

	if (!tile_store_frontier(r->tiles, &t, e))
		return false;
	is = tree_root(&t);
	*same =
	    t.size == r->durable.size && memcmp(&want, &is, sizeof(is)) == 0;
	return true;
}

bool
tiles_catch_up(struct reg *r, struct error *e)
{
	bool same = false;

	if (tile_store_size(r->tiles) > r->durable.size &&
	    !tile_store_truncate(r->tiles, r->durable.size, e))
		return false;
	for (int round = 0; round < 2; round++) {
		if (!lines_walk(r->dir, tile_store_size(r->tiles), add_leaf, r,
			e) ||
		    !tiles_agree(r, &same, e))
			return false;
		if (same)
			return true;
		if (!tile_store_truncate(r->tiles, 0, e))
			return false;
	}
	return error_set(e, FAIL_CORRUPT,
	    "the lines of the register do not give the root of its state");
}
