/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The open log and the files it lies in: what open.c, log.c, roll.c, anchor.c,
 * read.c and verify.c share.
 */
#include <chancery/base/cleanup.h>
#include <chancery/register/register.h>

#include "state_internal.h"

/* ---- segments (segment.c) ---- */

/* "<dir>/<sub>/<NNNNNN>.<ext>" */
char *segment_path(const char *dir, const char *sub, uint64_t n,
    const char *ext) must_check;
/* Numbers of the first and last segment; FAIL_NOT_FOUND: no register;
 * FAIL_CORRUPT: one in between is missing. */
bool segment_range(const char *dir, uint64_t *first, uint64_t *last,
    struct error *e) must_check;

/* A file mapped for reading, at the length it had when it was opened. */
struct mapped {
	const uint8_t *p;
	size_t n;
};
/* FAIL_NOT_FOUND when missing. */
bool map_open(const char *path, struct mapped *out, struct error *e) must_check;
void map_close(struct mapped *m);
#define auto_map auto_cleanup(map_close)

/* The line at *at without its newline, *at behind it; false when no whole line is
 * left. */
bool line_next(struct bytes text, size_t *at, struct bytes *line);

/* ---- replay (replay.c) ---- */

struct replay {
	struct reg_state *state;
	struct log_position at;
	struct buf store;
	struct record rec;  /* the last one                              */
	struct sha256 leaf; /* of the last line                         */
	bool (*observe)(void *arg, const struct record *r, struct error *e);
	void *observe_arg;
};
void replay_init(struct replay *p);
void replay_clear(struct replay *p); /* state included */

enum line_fault {
	LINE_OK,
	LINE_BROKEN, /* does not parse or chain: may be a torn tail   */
	LINE_RULE    /* well written, but breaks a rule               */
};
/* One line: decode, number, chain, rules, tree. `first` with the number of the
 * segment when it is the first line there. Messages begin with "record N". */
enum line_fault replay_line(struct replay *p, struct bytes line,
    uint64_t segment, bool first, struct error *e) must_check;

/* Lines of a segment from offset *at until the end, or a fault. *at is left behind
 * the last good line. */
enum line_fault replay_segment(struct replay *p, struct bytes text,
    uint64_t segment, size_t *at, struct error *e) must_check;

/* ---- the open log ---- */

/* An anchor that an operator overruled at open. */
struct overruled {
	const char *name;
	struct checkpoint was;
};

struct reg {
	char *dir;
	struct reg_config cfg; /* its texts are copies */
	int lock_fd, fd, priv_fd;
	bool read_only, dead;
	struct error why; /* of its death */
	uint64_t segment;
	uint64_t seg_len, priv_len; /* durable octets in the two files     */
	uint64_t reserved_to;       /* octets of the segment with space    */
	bool no_fallocate;
	bool floor_checked, floor_ok; /* free space, asked once a batch    */
	struct replay play;           /* state and position, batch included   */
	struct tree_frontier durable;
	struct buf batch, priv, leaves;
	size_t pending, unflushed; /* leaves that tiles have not on disk */
	uint64_t roll_at;          /* octets that end the segment        */
	int64_t wall0, boot0;
	struct tile_store *tiles;
	char *anchor_file, *anchor_name; /* of the built-in file anchor      */
	bool anchor_empty;
	struct overruled *overruled;
	size_t overruled_n, overruled_cap;
	/* First record of each segment, filled when reading (read.c). */
	struct read_index *index;
};

/* Errors of every call after the log died. */
bool reg_dead(const struct reg *r, struct error *e);
/* Kill the log; returns false with the reason in e. */
bool reg_kill(struct reg *r, struct error *e);

/* Settles an INTENT or KEYGEN-INTENT. */
bool log_is_outcome(enum record_type type);
/* log.c: as reg_append, without the checks that only concern callers. */
bool log_put(struct reg *r, const struct record *rec, struct bytes priv,
    uint64_t *n, struct error *e) must_check;
/* The batch is on disk: move it to the durable side. */
bool log_settled(struct reg *r, struct error *e) must_check;
/* One line of the private file; its hash. */
void private_line(struct buf *out, uint64_t n, struct bytes body,
    struct sha256 *hash);

/* space.c */
uint64_t space_for_outcomes(const struct reg *r);
bool space_for_intent(struct reg *r, size_t more, struct error *e) must_check;
bool space_for_event(struct reg *r, struct error *e) must_check;

/* roll.c: end the segment when it is full. */
bool roll_segment(struct reg *r, struct error *e) must_check;
/* The new last segment: `prefix`, then the batch; made under a temporary name and
 * renamed. Leaves r->fd and r->priv_fd on it. */
bool roll_write(struct reg *r, uint64_t segment, struct bytes prefix,
    struct bytes priv_prefix, struct error *e) must_check;

/* anchor.c */
bool anchor_check_all(struct reg *r, struct error *e) must_check;
/* Into the batch: what anchor_check_all found that is worth a record. */
bool anchor_record(struct reg *r, struct error *e) must_check;
bool anchor_add_file(struct reg *r, const char *anchor_dir, const char *origin,
    struct error *e) must_check;
bool anchor_store_all(struct reg *r, struct bytes note,
    struct error *e) must_check;
char *anchor_path(const char *anchor_dir, const char *origin) must_check;
/* Open a note with any key that ever was the log's. */
bool anchor_open_note(const struct reg_state *s, struct bytes note,
    struct checkpoint *out, struct error *e) must_check;

/* tiles: bring the tile store to the durable size (derive.c). */
bool tiles_catch_up(struct reg *r, struct error *e) must_check;
/* read.c */
void read_index_free(struct read_index *x);
