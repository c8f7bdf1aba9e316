/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "load.h"
#include "serial_set.h"

/* A checkpoint to be met on the way, or an anchor. */
struct expected {
	char *name;
	struct buf note;
	struct checkpoint c;
};

/* One tile level: its file, and the range of the tile being filled. */
#define VERIFY_LEVELS 8
struct verify_level {
	struct mapped file;
	struct tree_frontier part; /* up to 256 entries of this level */
	uint64_t done;             /* entries of this level so far    */
};

/* An INTENT without outcome. */
struct kept_intent {
	uint64_t n;
	struct sha256 key;
	bool has_serial;
	uint8_t serial[20];
	struct buf line; /* for check_sig only */
};

struct verify {
	const char *dir;
	const struct reg_verify_options *opt;
	struct reg_verify_report out;
	struct replay play;
	/* (key, serial) of every INTENT; the same with the index of its SIGNED
	 * or ASSUMED, which is what a REVOKE may name. */
	struct serial_set serials, certs;
	struct verify_level level[VERIFY_LEVELS];
	struct expected *expected; /* ascending size */
	size_t expected_n, expected_cap, expected_at;
	struct kept_intent *kept; /* ascending n */
	size_t kept_n, kept_cap;
	struct mapped private;
	size_t private_at;
	struct sha256
	    snapshot; /* of the state at the end of the last segment */
};

/* verify_side.c: what lies beside the lines. */
bool side_load_checkpoints(struct verify *v, struct error *e) must_check;
bool side_map_tiles(struct verify *v, struct error *e) must_check;
bool side_private(struct verify *v, const struct record *r,
    struct error *e) must_check;
bool side_private_segment(struct verify *v, uint64_t segment,
    struct error *e) must_check;
bool side_private_end(struct verify *v, struct error *e) must_check;
/* After each leaf. */
bool side_leaf(struct verify *v, struct error *e) must_check;
bool side_end(struct verify *v, struct error *e) must_check;
bool side_snapshot(struct verify *v, uint64_t segment,
    const struct sha256 *recorded, struct error *e) must_check;
struct sha256 side_root(const struct verify *v);
void side_clear(struct verify *v);
