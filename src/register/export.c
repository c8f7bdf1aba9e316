/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/register/receipt.h>

#include "export.h"
#include "internal.h"

bool
reg_newest_checkpoint(struct reg *r, struct buf *note, struct checkpoint *out,
    struct error *e)
{
	auto_mem char *path = path_join(r->dir, "checkpoint");

	if (!file_read(path, LIMIT_NOTE_BYTES, note, e)) {
		if (e->why == FAIL_NOT_FOUND)
			(void)error_set(e, FAIL_NOT_FOUND,
			    "register %s has no checkpoint yet", r->dir);
		return false;
	}
	return anchor_open_note(reg_get_state(r), buf_bytes(note), out, e) ||
	    error_context(e, "%s", path);
}

struct export_walk {
	struct exporter *x;
	uint64_t left;
	bool done; /* the walk was ended, it did not fail */
};

static bool
export_each(void *arg, struct bytes line, const struct record *rec,
    struct error *e)
{
	struct export_walk *w = arg;

	(void)rec;
	if (w->left == 0) {
		w->done = true;
		return error_set(e, FAIL_NOT_FOUND, "end of the export");
	}
	w->left--;
	return export_line(w->x, line, e);
}

bool
reg_export(struct reg *r, const char *out, struct error *e)
{
	auto_buf struct buf note = { 0 };
	auto_exporter struct exporter *x = NULL;
	struct export_walk w = { 0 };
	struct checkpoint c;

	if (!reg_newest_checkpoint(r, &note, &c, e))
		return false;
	x = export_begin(out, e);
	if (x == NULL)
		return false;
	w = (struct export_walk){ x, c.size, false };
	if (c.size > 0 && !reg_walk(r->dir, 0, export_each, &w, e) && !w.done)
		return false;
	return export_finish(x, buf_bytes(&note), e);
}

bool
reg_receipt(struct reg *r, uint64_t n, struct buf *out, struct error *e)
{
	auto_buf struct buf note = { 0 }, line = { 0 }, store = { 0 };
	struct bytes extra = { 0 };
	struct tree_proof proof;
	struct checkpoint c;
	struct record rec;
	struct sha256 leaf;

	if (!reg_newest_checkpoint(r, &note, &c, e))
		return false;
	if (n >= c.size)
		return error_set(e, FAIL_NOT_FOUND,
		    "record %" PRIu64 " is not under the newest checkpoint, "
		    "of size %" PRIu64,
		    n, c.size);
	if (!reg_read(r, n, &line, &rec, &store, e) ||
	    !reg_prove(r, n, c.size, &proof, e))
		return false;
	leaf = record_leaf(buf_bytes(&line));
	if (!tree_check_inclusion(n, c.size, &leaf, &proof, &c.root))
		return error_set(e, FAIL_CORRUPT,
		    "record %" PRIu64 " or the hash tiles do not lead to the "
		    "root of the newest checkpoint",
		    n);
	if (line.n <= RECEIPT_EXTRA_MAX)
		extra = buf_bytes(&line);
	receipt_format(n, &proof, extra, buf_bytes(&note), out);
	return true;
}
