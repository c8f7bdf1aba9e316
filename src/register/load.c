/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From files to state: newest snapshot that its record confirms, then the lines
 * behind it; and what the end of the last segment is.
 */
#include <stdio.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "load.h"

/* The hash that the first line of `segment` gives for the snapshot before it. */
static bool
snapshot_hash(const char *dir, uint64_t segment, struct sha256 *hash)
{
	auto_mem char *path = segment_path(dir, "log", segment, "jsonl");
	auto_map struct mapped m = { 0 };
	auto_buf struct buf store = { 0 };
	struct record rec;
	struct bytes line;
	struct error e;
	size_t at = 0;

	return map_open(path, &m, &e) &&
	    line_next(bytes_of(m.p, m.n), &at, &line) &&
	    record_decode(line, &rec, &store, &e) && rec.type == REC_SNAPSHOT &&
	    record_get_hash(&rec, "sha256", hash);
}

/* Segment to replay from. A damaged snapshot only costs time: verify is who tells
 * of it. */
static uint64_t
start_from_snapshot(struct replay *p, const char *dir, uint64_t first,
    uint64_t last)
{
	struct reg_state *s;
	struct sha256 hash;
	struct error e;

	for (uint64_t k = last - 1; k >= first && k > 0; k--) {
		if (!snapshot_hash(dir, k + 1, &hash))
			continue;
		s = snapshot_load(dir, k, &hash, &p->at, &e);
		if (s == NULL)
			continue;
		reg_state_free(p->state);
		p->state = s;
		return k + 1;
	}
	return first;
}

static bool
load_whole(struct replay *p, const char *dir, uint64_t segment, struct error *e)
{
	auto_mem char *path = segment_path(dir, "log", segment, "jsonl");
	auto_map struct mapped m = { 0 };
	size_t at = 0;

	if (!map_open(path, &m, e) ||
	    replay_segment(p, bytes_of(m.p, m.n), segment, &at, e) != LINE_OK)
		return false;
	if (at != m.n || m.n == 0)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: %s ends in the middle of a record",
		    (unsigned long long)p->state->n, path);
	return true;
}

/* A line behind the broken one that can only have been written after a later
 * fsync: the broken one was durable, so this is no torn tail. */
static bool
proves_damage(struct bytes line, uint64_t broken, struct buf *store)
{
	struct record rec;
	struct error e;

	if (!record_decode(line, &rec, store, &e) || rec.n <= broken)
		return false;
	if (rec.type == REC_START || rec.type == REC_CUT ||
	    rec.type == REC_SNAPSHOT)
		return true;
	return log_is_outcome(rec.type) &&
	    record_get_int(&rec, "intent") >= (int64_t)broken;
}

/* Whether the octets from the first broken line on may be what a crash left of the
 * last batch; `why` says what is wrong with that line. */
static bool
may_be_torn(struct bytes tail, uint64_t broken, uint64_t checkpoint,
    struct error *why)
{
	auto_buf struct buf store = { 0 };
	struct record rec;
	struct bytes line;
	struct error none;
	size_t at = 0;

	if (!line_next(tail, &at, &line))
		return true; /* one incomplete line */
	/* A crash tears lines; it does not write whole ones with a wrong
	 * number or hash. */
	if (record_decode(line, &rec, &store, &none))
		return false;
	if (broken < checkpoint)
		return error_context(why, "damage before a checkpoint");
	if (tail.n > LIMIT_BATCH_BYTES + LIMIT_RECORD_BYTES + 1)
		return error_context(why, "damage before the last batch");
	while (line_next(tail, &at, &line))
		if (proves_damage(line, broken, &store))
			return error_context(why,
			    "damage before a later commit");
	return true;
}

static bool
load_last(struct replay *p, const char *dir, uint64_t segment,
    uint64_t checkpoint, struct tail *t, struct error *e)
{
	auto_mem char *path = segment_path(dir, "log", segment, "jsonl");
	enum line_fault fault;
	size_t at = 0;

	if (!map_open(path, &t->map, e))
		return false;
	fault =
	    replay_segment(p, bytes_of(t->map.p, t->map.n), segment, &at, e);
	t->segment = segment;
	t->prefix = bytes_of(t->map.p, at);
	t->cut = bytes_of(t->map.p + at, t->map.n - at);
	if (fault == LINE_RULE)
		return false;
	return fault == LINE_OK ||
	    may_be_torn(t->cut, p->state->n, checkpoint, e);
}

bool
load(struct replay *p, const char *dir, uint64_t checkpoint, struct tail *t,
    struct error *e)
{
	uint64_t first, last, from;

	if (!segment_range(dir, &first, &last, e))
		return false;
	from = start_from_snapshot(p, dir, first, last);
	for (uint64_t k = from; k < last; k++)
		if (!load_whole(p, dir, k, e))
			return false;
	if (!load_last(p, dir, last, checkpoint, t, e))
		return false;
	if (p->state->n == 0)
		return error_set(e, FAIL_CORRUPT,
		    "record 0: the register does not begin with a whole "
		    "LOG-OPEN");
	return true;
}

void
tail_clear(struct tail *t)
{
	map_close(&t->map);
	map_close(&t->private);
}

/* ---- private bodies --------------------------------------------------- */

bool
private_parse(struct bytes line, struct private_body *out)
{
	struct json_reader r;
	char text[2 * SHA256_LEN + 1];
	struct bytes key, salt;
	int64_t n;

	json_read(&r, line);
	json_enter_object(&r);
	if (!json_next_key(&r, &key) || !bytes_eq(key, bytes_str("body")))
		return false;
	out->body = json_get_value(&r);
	if (!json_next_key(&r, &key) || !bytes_eq(key, bytes_str("n")))
		return false;
	n = json_get_int(&r);
	out->n = (uint64_t)n;
	if (!json_next_key(&r, &key) || !bytes_eq(key, bytes_str("salt")))
		return false;
	salt = json_get_raw_str(&r);
	if (r.failed || n < 0 || salt.n != 2 * sizeof(out->salt) ||
	    json_next_key(&r, &key) || !json_done(&r))
		return false;
	memcpy(text, salt.p, salt.n);
	text[salt.n] = '\0';
	return hex_decode_fixed(text, out->salt, sizeof(out->salt));
}

struct sha256
private_hash(const struct private_body *b)
{
	return sha256_cat(bytes_of(b->salt, sizeof(b->salt)), b->body,
	    (struct bytes){ 0 });
}

bool
load_private(const char *dir, uint64_t segment, uint64_t size, struct tail *t,
    struct error *e)
{
	auto_mem char *path = segment_path(dir, "private", segment, "jsonl");
	struct private_body b;
	struct bytes text, line;
	size_t at = 0, good = 0;

	if (!map_open(path, &t->private, e))
		return e->why == FAIL_NOT_FOUND;
	text = bytes_of(t->private.p, t->private.n);
	while (line_next(text, &at, &line) && private_parse(line, &b) &&
	    b.n < size)
		good = at;
	t->private_prefix = bytes_of(t->private.p, good);
	return true;
}
