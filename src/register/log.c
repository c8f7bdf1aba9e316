/* SPDX-License-Identifier: Apache-2.0 */

/* Appending and committing. */
#include <errno.h>
#include <fcntl.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/limits.h>

#include "internal.h"

/* Tiles are derived: written now and then, not per commit. */
#define TILE_FLUSH_LEAVES 4096

bool
reg_dead(const struct reg *r, struct error *e)
{
	return error_set(e, FAIL_IO, "the register stopped: %s", r->why.msg);
}

bool
reg_kill(struct reg *r, struct error *e)
{
	if (!r->dead) {
		r->dead = true;
		r->why = *e;
	}
	return false;
}

const char *
reg_dir(const struct reg *r)
{
	return r->cfg.dir;
}

bool
reg_is_dead(const struct reg *r)
{
	return r->dead;
}

size_t
reg_pending(const struct reg *r)
{
	return r->pending;
}

uint64_t
reg_size(const struct reg *r)
{
	return r->play.state->n;
}

uint64_t
reg_durable_size(const struct reg *r)
{
	return r->durable.size;
}

struct sha256
reg_root(const struct reg *r)
{
	return tree_root(&r->durable);
}

const struct reg_state *
reg_get_state(const struct reg *r)
{
	return r->play.state;
}

bool
reg_now(struct reg *r, int64_t *t_ms, struct error *e)
{
	int64_t wall = clock_wall_ms(r->cfg.clock);
	int64_t boot = clock_boot_ms(r->cfg.clock);
	int64_t drift = (wall - r->wall0) - (boot - r->boot0);
	int64_t last = r->play.state->floor_ms;

	if (wall < last - LIMIT_CLOCK_BEHIND_MS)
		return error_set(e, FAIL_CLOCK,
		    "the clock is %lld s behind the last record",
		    (long long)(last - wall) / 1000);
	if (drift > LIMIT_CLOCK_DRIFT_MS || drift < -LIMIT_CLOCK_DRIFT_MS)
		return error_set(e, FAIL_CLOCK,
		    "the clock moved by %lld s against the machine's running "
		    "time since the register was opened",
		    (long long)drift / 1000);
	*t_ms = wall > last ? wall : last;
	return true;
}

void
private_line(struct buf *out, uint64_t n, struct bytes body,
    struct sha256 *hash)
{
	uint8_t salt[SHA256_LEN];
	struct json_writer w;

	random_bytes(salt, sizeof(salt));
	*hash =
	    sha256_cat(bytes_of(salt, sizeof(salt)), body, (struct bytes){ 0 });
	json_begin(&w, out);
	json_object_begin(&w);
	json_key(&w, "body");
	json_raw(&w, body);
	json_kv_int(&w, "n", (int64_t)n);
	json_kv_hex(&w, "salt", bytes_of(salt, sizeof(salt)));
	json_object_end(&w);
	buf_add_byte(out, '\n');
}

static bool
priv_ok(const struct record *rec, struct bytes priv, struct error *e)
{
	if (!record_spec(rec->type)->private_body)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s record: has no private body",
		    record_spec(rec->type)->name);
	if (priv.n > LIMIT_PRIVATE_BYTES || !json_valid(priv))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s record: private body is not canonical JSON of at most "
		    "%d octets",
		    record_spec(rec->type)->name, LIMIT_PRIVATE_BYTES);
	return true;
}

bool
log_put(struct reg *r, const struct record *rec, struct bytes priv, uint64_t *n,
    struct error *e)
{
	struct record *c = &r->play.rec;
	size_t line_at = r->batch.n, priv_at = r->priv.n;
	struct sha256 leaf;

	*c = *rec;
	c->n = r->play.state->n;
	c->prev = r->play.at.prev;
	c->has_priv = priv.n > 0;
	if (c->has_priv) {
		if (!priv_ok(rec, priv, e))
			return false;
		private_line(&r->priv, c->n, priv, &c->priv);
	}
	if (!record_encode(c, &r->batch, e) ||
	    !reg_state_apply(r->play.state, c, e)) {
		r->batch.n = line_at;
		r->priv.n = priv_at;
		return false;
	}
	leaf =
	    record_leaf(bytes_of(r->batch.p + line_at, r->batch.n - line_at));
	buf_add_byte(&r->batch, '\n');
	buf_add(&r->leaves, leaf.b, SHA256_LEN);
	r->play.at.prev = leaf;
	tree_append(&r->play.at.tree, &leaf);
	r->pending++;
	if (r->cfg.observe != NULL && !r->cfg.observe(r->cfg.observe_arg, c, e))
		return reg_kill(r, e);
	if (n != NULL)
		*n = c->n;
	return true;
}

/* Made by the log itself, at their places only. */
static bool
is_own(enum record_type type)
{
	return type == REC_LOG_OPEN || type == REC_START || type == REC_CUT ||
	    type == REC_SNAPSHOT || type == REC_CLOCK;
}

bool
log_is_outcome(enum record_type type)
{
	return type == REC_SIGNED || type == REC_FAILED ||
	    type == REC_ASSUMED || type == REC_KEYGEN_DONE ||
	    type == REC_KEYGEN_FAILED;
}

static bool
is_event(enum record_type type)
{
	return type == REC_REFUSED || type == REC_EVENT || type == REC_CONFIG;
}

/* What was begun gets its outcome whatever the clock says meanwhile: without it nobody would
 * know what became of a signature that exists. */
static bool
time_of(struct reg *r, enum record_type type, int64_t *t_ms, struct error *e)
{
	if (reg_now(r, t_ms, e))
		return true;
	*t_ms = r->play.state->floor_ms;
	return log_is_outcome(type);
}

bool
reg_append(struct reg *r, const struct record *rec, struct bytes priv,
    uint64_t *n, struct error *e)
{
	struct record c;

	if (r->dead)
		return reg_dead(r, e);
	if (r->read_only || is_own(rec->type))
		return error_set(e, FAIL_INTERNAL,
		    "%s record: not for the caller to append",
		    record_spec(rec->type)->name);
	if (r->batch.n > LIMIT_BATCH_BYTES && !reg_commit(r, e))
		return false;
	if (is_event(rec->type) && !space_for_event(r, e))
		return false;
	if (!log_is_outcome(rec->type) &&
	    !space_for_intent(r, LIMIT_RECORD_BYTES + 1, e))
		return false;
	c = *rec;
	return time_of(r, rec->type, &c.t_ms, e) && log_put(r, &c, priv, n, e);
}

/* ---- commit ----------------------------------------------------------- */

static bool
private_open(struct reg *r, struct error *e)
{
	auto_mem char *path =
	    segment_path(r->dir, "private", r->segment, "jsonl");
	auto_mem char *dir = path_join(r->dir, "private");

	if (r->priv_fd >= 0)
		return true;
	r->priv_fd =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (r->priv_fd < 0)
		return error_errno(e, FAIL_IO, "%s", path);
	return dir_sync(dir, e);
}

static bool
write_and_sync(int fd, struct bytes data, const char *what, struct error *e)
{
	if (!fd_write_all(fd, data, e))
		return error_context(e, "register: %s", what);
	if (fdatasync(fd) != 0)
		return error_errno(e, FAIL_IO, "register: fdatasync of %s",
		    what);
	return true;
}

bool
log_settled(struct reg *r, struct error *e)
{
	struct sha256 leaf;

	r->seg_len += r->batch.n;
	r->priv_len += r->priv.n;
	r->durable = r->play.at.tree;
	for (size_t i = 0; i < r->leaves.n; i += SHA256_LEN) {
		memcpy(leaf.b, r->leaves.p + i, SHA256_LEN);
		if (r->tiles != NULL)
			tile_store_append(r->tiles, &leaf);
	}
	r->unflushed += r->pending;
	r->pending = 0;
	r->floor_checked = false;
	buf_reset(&r->batch);
	buf_reset(&r->priv);
	buf_reset(&r->leaves);
	if (r->tiles == NULL || r->unflushed < TILE_FLUSH_LEAVES)
		return true;
	/* Derived and still buffered: a full disk is not its failure. */
	r->unflushed = 0;
	return tile_store_flush(r->tiles, e) || e->why == FAIL_DISK_FULL;
}

bool
reg_commit(struct reg *r, struct error *e)
{
	struct error later;

	if (r->dead)
		return reg_dead(r, e);
	if (r->pending == 0)
		return true;
	if (r->priv.n > 0 &&
	    (!private_open(r, e) ||
		!write_and_sync(r->priv_fd, buf_bytes(&r->priv),
		    "private bodies", e)))
		return reg_kill(r, e);
	if (!write_and_sync(r->fd, buf_bytes(&r->batch), "records", e))
		return reg_kill(r, e);
	/* The batch is durable. What fails from here stops the log, but not
	 * the release of what this commit made durable. */
	if (!log_settled(r, &later) ||
	    (r->seg_len >= r->roll_at && !roll_segment(r, &later)))
		(void)reg_kill(r, &later);
	return true;
}
