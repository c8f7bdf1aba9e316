/* SPDX-License-Identifier: Apache-2.0 */

/* Records with their private bodies: both files of a segment in one pass. */
#include "load.h"
#include "read.h"

struct walker {
	const char *dir;
	reg_private_fn *each;
	void *arg;
	struct buf store;
	/* Private bodies of this segment, read up to `at`. */
	uint64_t segment;
	struct mapped map;
	size_t at;
	uint64_t broken; /* segment of a line that does not decode; 0: none */
};

static bool
open_bodies(struct walker *w, uint64_t segment, struct error *e)
{
	auto_mem char *path = segment_path(w->dir, "private", segment, "jsonl");
	struct mapped m = { 0 };

	if (!map_open(path, &m, e) && e->why != FAIL_NOT_FOUND)
		return false;
	map_close(&w->map);
	w->map = m;
	w->segment = segment;
	w->at = 0;
	return true;
}

/* Bodies stand in the order of their records; some may have been left out. */
static bool
next_body(struct walker *w, uint64_t n, struct private_body *b)
{
	size_t before = w->at;
	struct bytes text;

	while (line_next(bytes_of(w->map.p, w->map.n), &w->at, &text)) {
		if (!private_parse(text, b) || b->n < n) {
			before = w->at;
			continue;
		}
		if (b->n == n)
			return true;
		break;
	}
	w->at = before;
	return false;
}

static bool
find_body(struct walker *w, const struct record *r, uint64_t segment,
    struct bytes *body, struct error *e)
{
	struct private_body b;
	struct sha256 hash;

	*body = (struct bytes){ 0 };
	if (!r->has_priv)
		return true;
	if (w->segment != segment && !open_bodies(w, segment, e))
		return false;
	if (!next_body(w, r->n, &b)) {
		/* Written since it was mapped? A body is there before its line. */
		if (!open_bodies(w, segment, e))
			return false;
		if (!next_body(w, r->n, &b))
			return true;
	}
	hash = private_hash(&b);
	if (memcmp(&hash, &r->priv, sizeof(hash)) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: its private body is not the one recorded",
		    (unsigned long long)r->n);
	*body = b.body;
	return true;
}

static bool
walk_line(void *arg, struct bytes line, uint64_t segment, uint64_t n,
    struct error *e)
{
	struct walker *w = arg;
	struct record rec;
	struct bytes body;

	if (!record_decode(line, &rec, &w->store, e)) {
		w->broken = segment;
		return error_context(e, "record %llu", (unsigned long long)n);
	}
	return find_body(w, &rec, segment, &body, e) &&
	    w->each(w->arg, &rec, body, e);
}

bool
reg_walk_private(const char *dir, uint64_t from, reg_private_fn *each,
    void *arg, struct error *e)
{
	struct walker w = { .dir = dir, .each = each, .arg = arg };
	bool ok = lines_walk(dir, from, walk_line, &w, e);
	uint64_t first, last;

	map_close(&w.map);
	buf_free(&w.store);
	/* A torn tail, which the writer cuts when it starts; or damage, with which it
	 * does not start. Either way the log is good up to there. */
	return ok ||
	    (w.broken != 0 && segment_range(dir, &first, &last, e) &&
		w.broken == last);
}
