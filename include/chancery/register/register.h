/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The register: append-only log, one writer (design.md, "The register").
 *
 *   <dir>/lock                 OFD lock of the one writer
 *   <dir>/log/NNNNNN.jsonl     segments; the last one is never appended to again
 *                              after a restart: its valid prefix becomes a new file
 *   <dir>/private/NNNNNN.jsonl {"body":…,"n":…,"salt":…}, written before its line
 *   <dir>/snapshot/NNNNNN.*    state at the end of segment N; its hash is a record
 *   <dir>/tree/                hash tiles (tree.h)
 *   <dir>/checkpoint           newest signed checkpoint
 *   <dir>/checkpoints/         earlier ones, by size
 *   <dir>/imports/             other logs (signer/import.h)
 *   <anchor>/<origin hash>.anchor  newest checkpoint, on another disk
 *
 * One thread. Nothing here waits for anything but the disk.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/register/note.h>
#include <chancery/register/record.h>
#include <chancery/register/state.h>
#include <chancery/register/tree.h>

struct reg;

/* A place outside the register's disk that remembers its newest checkpoint. File
 * anchors are built in; an HSM data object or a store gives its own. */
struct reg_anchor {
	const char *name; /* for messages: "file:/mnt/…", "hsm:log-token" */
	/* Note text; FAIL_NOT_FOUND when it holds none yet. */
	bool (*load)(void *arg, struct buf *note, struct error *e);
	bool (*store)(void *arg, struct bytes note, struct error *e);
	void *arg;
	bool read_only; /* checked at start, not written                  */
};
#define REG_ANCHORS_MAX 8

struct reg_config {
	const char *dir;
	const char *origin; /* C2SP origin: "acme.example/chancery/root" */
	const struct clock *clock; /* NULL: clock_system                  */
	const struct note_signer
	    *log_key;           /* NULL: no checkpoints can be made */
	const char *anchor_dir; /* file anchor; NULL: none             */
	struct reg_anchor anchor[REG_ANCHORS_MAX];
	size_t anchors;
	const char *software; /* for START                           */
	const char *who;      /* operator, for START                 */
	bool offline;
	/* An operator's acts at open, each with its reason (recorded); NULL: none.
	 * clear_clock: the last record lies in the future because the clock was
	 * wrong then; CLOCK {from: its time, to: now} is recorded and record times
	 * go on from now. Without a reason such a register is FAIL_CLOCK.
	 * accept_anchor: an anchor is ahead or forked after a restore; ANCHOR with
	 * what it held is recorded, the next checkpoint replaces it. */
	const char *clear_clock, *accept_anchor;
	uint64_t segment_bytes; /* 0: LIMIT_SEGMENT_BYTES; tests: small */
	/* Called for every record replayed or appended, after the state took it;
	 * rebuilds what a caller derives for itself. Replay begins behind the
	 * newest valid snapshot: what must reach further back, reg_walk tells.
	 * When it fails in reg_append, the log is dead. May be NULL. */
	bool (*observe)(void *arg, const struct record *r, struct error *e);
	void *observe_arg;
};

/* Log birth: makes the directories and n = 0 (LOG-OPEN). FAIL_EXISTS when there is
 * a register. Leaves it open as reg_open does. */
struct reg *reg_create(const struct reg_config *cfg,
    struct error *e) must_check;
/* Take the lock, check the clock and every anchor, replay from the newest valid
 * snapshot, copy the last segment's valid prefix, record START (and CUT). By name:
 * FAIL_BUSY (second writer), FAIL_ROLLBACK (anchor ahead or forked), FAIL_CLOCK,
 * FAIL_CORRUPT (record n, rule). Open intents are left for the caller to settle.
 *
 * A torn tail is what a crash can leave behind the last fsync: one incomplete
 * line, or lines that do not parse, at the very end, no longer than a batch, not
 * covered by a checkpoint and with nothing behind them that only a later commit
 * can have written. Whole lines with a wrong number or hash are damage
 * (FAIL_CORRUPT), wherever they stand. Prefix, CUT and START come into being by
 * one rename: what was cut is never lost without its record.
 *
 * Anchors: each one must hold a prefix of the log (consistency proof), signed by a
 * key that ever was the log's; so must <dir>/checkpoint. One that is empty while
 * there is a checkpoint is told by an ANCHOR record. Nothing on disk but hash
 * tiles is touched before every check has passed. */
struct reg *reg_open(const struct reg_config *cfg, struct error *e) must_check;
/* Read-only: no lock, no writes, no START; the state as of the last whole line. */
struct reg *reg_open_read(const struct reg_config *cfg,
    struct error *e) must_check;
void reg_close(struct reg *r);
DEFINE_AUTO(reg, struct reg *, reg_close)
#define auto_reg auto_cleanup(reg_cleanup)

/* Put a record into the batch: checked against the state, numbered, hashed, not
 * yet durable. *n is its index (may be NULL). `priv` is its private body (canonical
 * JSON) or empty. Every record but an outcome first reserves disk space for itself
 * and for the outcome of every open INTENT and KEYGEN-INTENT: FAIL_DISK_FULL
 * refuses it while outcomes still fit. EVENT, CONFIG and REFUSED are refused so
 * when less than LIMIT_RECORD_FREE_BYTES are left. FAIL_CLOCK when the clock is
 * behind or has drifted; outcomes then get the time of the record before. FAIL_CORRUPT names the rule that the record breaks,
 * FAIL_BAD_INPUT a wrong field or body; the batch is as before then. LOG-OPEN,
 * START, CUT, SNAPSHOT and CLOCK are the log's own: FAIL_INTERNAL. A batch above
 * LIMIT_BATCH_BYTES is committed first. FAIL_IO for ever after a failed commit. */
bool reg_append(struct reg *r, const struct record *rec, struct bytes priv,
    uint64_t *n, struct error *e) must_check;
/* One write and one fdatasync for the batch (private bodies before, when there are
 * any). On failure the log is dead: every later call fails, nothing of the batch
 * may be released. Rolls segments; when that fails for another reason than a full
 * disk (then it is tried again later), this batch is durable and the call succeeds,
 * but the log is dead. */
bool reg_commit(struct reg *r, struct error *e) must_check;
bool reg_is_dead(const struct reg *r);
/* As configured; borrowed. */
const char *reg_dir(const struct reg *r);
/* Records in the batch that are not durable yet. */
size_t reg_pending(const struct reg *r);

uint64_t reg_size(const struct reg *r); /* including the batch */
uint64_t reg_durable_size(const struct reg *r);
struct sha256 reg_root(const struct reg *r); /* of the durable records */
const struct reg_state *reg_get_state(const struct reg *r);
/* The time that records would get now: never decreasing. FAIL_CLOCK. */
bool reg_now(struct reg *r, int64_t *t_ms, struct error *e) must_check;

/* Sign the durable size and root, write checkpoint, copy to every anchor. */
bool reg_checkpoint(struct reg *r, struct error *e) must_check;

/* One durable record by index, decoded. `line` gets its bytes. */
bool reg_read(struct reg *r, uint64_t n, struct buf *line, struct record *out,
    struct buf *store, struct error *e) must_check;
/* Its private body; FAIL_NOT_FOUND when it has none or it was left out. */
bool reg_read_private(struct reg *r, uint64_t n, struct buf *body,
    struct error *e) must_check;
bool reg_prove(struct reg *r, uint64_t n, uint64_t size, struct tree_proof *p,
    struct error *e) must_check;
bool reg_prove_consistency(struct reg *r, uint64_t old_size, uint64_t new_size,
    struct tree_proof *p, struct error *e) must_check;

/* Walk lines in order from `from` without holding them: calls `each` with index,
 * line and decoded record until it returns false (then e is its error). */
typedef bool reg_each_fn(void *arg, struct bytes line, const struct record *r,
    struct error *e);
bool reg_walk(const char *dir, uint64_t from, reg_each_fn *each, void *arg,
    struct error *e) must_check;

/* The same with private bodies, each held against its hash: for who derives something
 * from them while another process writes, or before it starts: what does not decode in the
 * last segment may be a torn tail and ends the walk. `body` is empty for a record that has none, or
 * whose body was left out (r->has_priv tells). */
typedef bool reg_private_fn(void *arg, const struct record *r,
    struct bytes body, struct error *e);
bool reg_walk_private(const char *dir, uint64_t from, reg_private_fn *each,
    void *arg, struct error *e) must_check;

/* Needs memory for 16 octets a certificate (serials twice, 8/5 full tables: 256 MiB
 * at 10 million) and 64 a revocation; time is about 5 us a record.
 * Everything from nothing: chain, canonical lines, times, rules between records,
 * private hashes, snapshots, tiles, every checkpoint's root and signature. Names
 * the first wrong record. `signatures`: also every SIGNED against the key's public
 * half, through `check_sig` (register knows no keys). */
struct reg_verify_report {
	uint64_t records, intents, signed_, failed, assumed, refused, revoked;
	uint64_t open_intents, checkpoints, snapshots, private_bodies,
	    private_missing, signatures_checked, torn_bytes;
	uint64_t imported; /* keys that have lived outside an HSM */
	struct sha256 root;
	int64_t first_ms, last_ms;
};
struct reg_verify_options {
	const char *anchor_dir;
	bool (*check_sig)(void *arg, const struct record *intent,
	    const struct record *signed_, struct bytes spki, struct error *e);
	void *arg;
	/* NULL or called now and then: records so far. */
	void (*progress)(void *arg, uint64_t records);
	void *progress_arg;
};
bool reg_verify(const char *dir, const struct reg_verify_options *opt,
    struct reg_verify_report *out, struct error *e) must_check;

/* The newest checkpoint that was made, its note appended, its signature by a log key
 * verified: what leaves the register is proved against it. FAIL_NOT_FOUND: none yet;
 * FAIL_BAD_INPUT, FAIL_CRYPTO: it is not this log's. */
bool reg_newest_checkpoint(struct reg *r, struct buf *note,
    struct checkpoint *out, struct error *e) must_check;

/* The public tree of the newest checkpoint: <out>/checkpoint, tile/<L>/…,
 * tile/entries/… (C2SP tlog-tiles), with partial tiles, without private bodies. Made
 * under a temporary name beside <out>, recomputed from the lines and compared with
 * the checkpoint's root, then renamed. FAIL_EXISTS: <out> is there. FAIL_NOT_FOUND: no
 * checkpoint was made yet. FAIL_CORRUPT: the lines are not the checkpoint's. */
bool reg_export(struct reg *r, const char *out, struct error *e) must_check;
/* Append the C2SP tlog-proof receipt (receipt.h) of one record under the newest
 * checkpoint, proof checked. FAIL_NOT_FOUND: no checkpoint covers it yet. */
bool reg_receipt(struct reg *r, uint64_t n, struct buf *out,
    struct error *e) must_check;
