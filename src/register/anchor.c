/* SPDX-License-Identifier: Apache-2.0 */

/* Checkpoints and the places that remember them. */
#include <errno.h>
#include <stdio.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "internal.h"

#define NOTE_MAX 65536

char *
anchor_path(const char *anchor_dir, const char *origin)
{
	struct sha256 h = sha256(bytes_str(origin));
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(&h), hex);
	return mem_printf("%s/%s.anchor", anchor_dir, hex);
}

bool
anchor_open_note(const struct reg_state *s, struct bytes note,
    struct checkpoint *out, struct error *e)
{
	struct note_key key;
	struct checkpoint c;

	(void)error_set(e, FAIL_CRYPTO, "the log has no key");
	for (size_t i = s->vkeys_n; i-- > 0;) {
		if (s->vkeys[i].vkey[0] == '\0' ||
		    !note_vkey_parse(s->vkeys[i].vkey, &key, e) ||
		    !checkpoint_open(note, &key, &c, e))
			continue;
		if (strcmp(c.origin, reg_state_origin(s)) != 0)
			return error_set(e, FAIL_CRYPTO,
			    "checkpoint of another log, \"%s\"", c.origin);
		*out = c;
		return true;
	}
	return false;
}

/* The root that the log had at `size` follows from the root it has now only if the
 * proof holds: tiles are derived data and trusted for nothing. */
static bool
consistent(struct reg *r, const struct checkpoint *c, struct error *e)
{
	struct sha256 root = tree_root(&r->play.at.tree);
	uint64_t size = r->play.at.tree.size;
	struct tree_proof proof;

	return tree_prove_consistency(c->size, size, tile_store_read, r->tiles,
		   &proof, e) &&
	    tree_check_consistency(c->size, size, &c->root, &root, &proof);
}

static bool
check_checkpoint(struct reg *r, const char *name, const struct checkpoint *c,
    struct error *e)
{
	uint64_t size = r->play.at.tree.size;

	if (c->size > size)
		return error_set(e, FAIL_ROLLBACK,
		    "anchor %s remembers %llu records, the register has %llu",
		    name, (unsigned long long)c->size,
		    (unsigned long long)size);
	if (consistent(r, c, e))
		return true;
	/* The tiles may be at fault: make them anew from the lines, once. */
	if (!tile_store_truncate(r->tiles, 0, e) || !tiles_catch_up(r, e))
		return false;
	if (consistent(r, c, e))
		return true;
	return error_set(e, FAIL_ROLLBACK,
	    "anchor %s: the register's first %llu records are not the ones "
	    "that it remembers",
	    name, (unsigned long long)c->size);
}

static bool
note_anchor(struct reg *r, const char *name, const struct checkpoint *c,
    const char *why, struct error *e)
{
	struct record rec;
	struct bytes none = { 0 };

	record_init(&rec, REC_ANCHOR);
	record_text(&rec, "anchor", name);
	if (c != NULL)
		record_hash(&rec, "root", &c->root);
	record_int(&rec, "size", c == NULL ? 0 : (int64_t)c->size);
	record_text(&rec, "who", r->cfg.who == NULL ? "" : r->cfg.who);
	record_text(&rec, "why", why);
	rec.t_ms = r->play.state->floor_ms;
	return log_put(r, &rec, none, NULL, e);
}

/* One anchor. `own`: the register's newest checkpoint is there, so that an empty
 * anchor is worth a record. */
static bool
check_anchor(struct reg *r, const struct reg_anchor *a, bool own,
    struct error *e)
{
	auto_buf struct buf note = { 0 };
	struct checkpoint c = { 0 };

	if (!a->load(a->arg, &note, e)) {
		if (e->why != FAIL_NOT_FOUND)
			return error_context(e, "anchor %s", a->name);
		r->anchor_empty |= own;
		return true;
	}
	if (!anchor_open_note(r->play.state, buf_bytes(&note), &c, e)) {
		e->why = FAIL_ROLLBACK;
		return error_context(e, "anchor %s", a->name);
	}
	if (check_checkpoint(r, a->name, &c, e))
		return true;
	if (e->why != FAIL_ROLLBACK || r->cfg.accept_anchor == NULL)
		return false;
	r->overruled = mem_grow(r->overruled, r->overruled_n, &r->overruled_cap,
	    sizeof(*r->overruled));
	r->overruled[r->overruled_n++] = (struct overruled){ a->name, c };
	return true;
}

static bool
file_load(void *arg, struct buf *note, struct error *e)
{
	return file_read(arg, NOTE_MAX, note, e);
}

static bool
file_store(void *arg, struct bytes note, struct error *e)
{
	return file_replace(arg, note, 0644, e);
}

/* The register's own newest checkpoint serves as an anchor too: it notices what
 * was cut from the log alone. */
static bool
check_own(struct reg *r, bool *there, struct error *e)
{
	auto_mem char *path = path_join(r->dir, "checkpoint");
	struct reg_anchor a = { .name = "checkpoint",
		.load = file_load,
		.arg = path };
	struct error none;

	*there =
	    file_check_absent(path, &none) ? false : none.why == FAIL_EXISTS;
	return check_anchor(r, &a, false, e);
}

bool
anchor_check_all(struct reg *r, struct error *e)
{
	bool own;

	if (!check_own(r, &own, e))
		return false;
	for (size_t i = 0; i < r->cfg.anchors; i++)
		if (!check_anchor(r, &r->cfg.anchor[i], own, e))
			return false;
	return true;
}

bool
anchor_record(struct reg *r, struct error *e)
{
	for (size_t i = 0; i < r->overruled_n; i++)
		if (!note_anchor(r, r->overruled[i].name, &r->overruled[i].was,
			r->cfg.accept_anchor, e))
			return false;
	if (r->anchor_empty)
		return note_anchor(r, "", NULL,
		    "an anchor was empty while there is a checkpoint", e);
	return true;
}

bool
anchor_store_all(struct reg *r, struct bytes note, struct error *e)
{
	struct error one;
	bool ok = true;

	/* All are tried: each one that is up to date helps. */
	for (size_t i = 0; i < r->cfg.anchors; i++) {
		const struct reg_anchor *a = &r->cfg.anchor[i];

		if (a->read_only || a->store(a->arg, note, &one))
			continue;
		if (ok) {
			*e = one;
			(void)error_context(e, "anchor %s", a->name);
		}
		ok = false;
	}
	return ok;
}

bool
anchor_add_file(struct reg *r, const char *anchor_dir, const char *origin,
    struct error *e)
{
	struct reg_anchor *a;

	if (r->cfg.anchors >= REG_ANCHORS_MAX)
		return error_set(e, FAIL_BAD_INPUT, "more than %d anchors",
		    REG_ANCHORS_MAX);
	r->anchor_file = anchor_path(anchor_dir, origin);
	r->anchor_name = mem_printf("file:%s", r->anchor_file);
	a = &r->cfg.anchor[r->cfg.anchors++];
	*a = (struct reg_anchor){ .name = r->anchor_name,
		.load = file_load,
		.store = file_store,
		.arg = r->anchor_file };
	return true;
}

static bool
keep_earlier(const struct reg *r, uint64_t size, struct bytes note,
    struct error *e)
{
	auto_mem char *path = mem_printf("%s/checkpoints/%020llu", r->dir,
	    (unsigned long long)size);

	if (file_create(path, note, 0644, e) || e->why == FAIL_EXISTS)
		return true;
	return error_context(e, "checkpoint");
}

bool
reg_checkpoint(struct reg *r, struct error *e)
{
	auto_mem char *path = path_join(r->dir, "checkpoint");
	auto_buf struct buf note = { 0 };
	struct checkpoint c = { .size = r->durable.size };

	if (r->dead)
		return reg_dead(r, e);
	if (r->read_only || r->cfg.log_key == NULL)
		return error_set(e, FAIL_UNSUPPORTED,
		    "no log key: no checkpoint can be made");
	(void)snprintf(c.origin, sizeof(c.origin), "%s",
	    reg_state_origin(r->play.state));
	c.root = tree_root(&r->durable);
	if (!checkpoint_sign(&c, r->cfg.log_key, &note, e) ||
	    !tile_store_flush(r->tiles, e) ||
	    !keep_earlier(r, c.size, buf_bytes(&note), e) ||
	    !file_replace(path, buf_bytes(&note), 0644, e))
		return false;
	return anchor_store_all(r, buf_bytes(&note), e);
}
