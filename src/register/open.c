/* SPDX-License-Identifier: Apache-2.0 */

/* Birth, start and end of a writer; readers. */
#include <errno.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>

#include "load.h"

static char *
dup_or_null(const char *s)
{
	return s == NULL ? NULL : mem_strdup(s);
}

static struct reg *
reg_new(const struct reg_config *cfg)
{
	struct reg *r = mem_calloc(1, sizeof(*r));

	r->dir = mem_strdup(cfg->dir);
	r->cfg = *cfg;
	r->cfg.dir = r->dir;
	r->cfg.origin = dup_or_null(cfg->origin);
	r->cfg.anchor_dir = dup_or_null(cfg->anchor_dir);
	r->cfg.software =
	    mem_strdup(cfg->software == NULL ? "" : cfg->software);
	r->cfg.who = mem_strdup(cfg->who == NULL ? "" : cfg->who);
	r->cfg.clear_clock = dup_or_null(cfg->clear_clock);
	r->cfg.accept_anchor = dup_or_null(cfg->accept_anchor);
	if (r->cfg.clock == NULL)
		r->cfg.clock = &clock_system;
	r->lock_fd = r->fd = r->priv_fd = -1;
	replay_init(&r->play);
	r->play.observe = cfg->observe;
	r->play.observe_arg = cfg->observe_arg;
	r->wall0 = clock_wall_ms(r->cfg.clock);
	r->boot0 = clock_boot_ms(r->cfg.clock);
	return r;
}

static void
free_text(const char *s)
{
	void *p;

	memcpy(&p, &s, sizeof(p));
	mem_free(p);
}

void
reg_close(struct reg *r)
{
	struct error ignored;

	if (r == NULL)
		return;
	/* Derived: what is not on disk is made again at the next start. */
	if (r->tiles != NULL && !r->read_only && !r->dead)
		(void)!tile_store_flush(r->tiles, &ignored);
	tile_store_close(r->tiles);
	if (r->fd >= 0 && !r->dead)
		(void)!ftruncate(r->fd, (off_t)r->seg_len);
	for (size_t i = 0; i < 3; i++) {
		int fd = i == 0 ? r->fd : i == 1 ? r->priv_fd : r->lock_fd;

		if (fd >= 0)
			(void)close(fd);
	}
	replay_clear(&r->play);
	read_index_free(r->index);
	buf_free(&r->batch);
	buf_free(&r->priv);
	buf_free(&r->leaves);
	free_text(r->cfg.origin);
	free_text(r->cfg.anchor_dir);
	free_text(r->cfg.software);
	free_text(r->cfg.who);
	free_text(r->cfg.clear_clock);
	free_text(r->cfg.accept_anchor);
	mem_free(r->anchor_file);
	mem_free(r->anchor_name);
	mem_free(r->overruled);
	mem_free(r->dir);
	mem_free(r);
}

static bool
lock(struct reg *r, struct error *e)
{
	auto_mem char *path = path_join(r->dir, "lock");

	r->lock_fd = file_lock(path, e);
	return r->lock_fd >= 0;
}

static bool
put(struct reg *r, struct record *rec, struct error *e)
{
	struct bytes none = { 0 };

	return reg_now(r, &rec->t_ms, e) && log_put(r, rec, none, NULL, e);
}

static void
boot_id(char out[64])
{
	auto_buf struct buf b = { 0 };
	struct error ignored;
	size_t n;

	out[0] = '\0';
	if (!file_read("/proc/sys/kernel/random/boot_id", 256, &b, &ignored))
		return;
	n = b.n < 36 ? b.n : 36;
	memcpy(out, b.p, n);
	out[n] = '\0';
}

static bool
put_start(struct reg *r, struct error *e)
{
	struct record rec;
	char boot[64];

	boot_id(boot);
	record_init(&rec, REC_START);
	record_text(&rec, "boot", boot);
	record_int(&rec, "pid", getpid());
	record_text(&rec, "software", r->cfg.software);
	record_bool(&rec, "offline", r->cfg.offline);
	record_text(&rec, "who", r->cfg.who);
	return put(r, &rec, e);
}

static bool
make_directories(const char *dir, struct error *e)
{
	static const char *const subs[] = { "log", "private", "snapshot",
		"checkpoints" };

	/* The top one keeps everybody out. What lies below may be read by a group
	 * that its owner lets in: that of a server which is another user. */
	if (!dir_create(dir, 0700, e))
		return false;
	for (size_t i = 0; i < countof(subs); i++) {
		auto_mem char *path = path_join(dir, subs[i]);

		if (!dir_create(path, 0750, e))
			return false;
	}
	return dir_sync(dir, e);
}

static bool
put_log_open(struct reg *r, struct error *e)
{
	auto_buf struct buf vkey = { 0 };
	struct record rec;

	if (r->cfg.log_key != NULL)
		note_vkey_format(&r->cfg.log_key->key, &vkey);
	record_init(&rec, REC_LOG_OPEN);
	record_text(&rec, "origin", r->cfg.origin);
	record_text(&rec, "software", r->cfg.software);
	record_text(&rec, "vkey", buf_cstr(&vkey));
	return put(r, &rec, e);
}

/* The origin stands as a line in every checkpoint. */
static bool
origin_ok(const char *origin, struct error *e)
{
	size_t n = origin == NULL ? 0 : strlen(origin);

	if (n == 0 || n >= NOTE_NAME_MAX || strpbrk(origin, " \t\n+") != NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "origin: 1 to %d octets without spaces or plus",
		    NOTE_NAME_MAX - 1);
	return true;
}

static bool
create(struct reg *r, struct error *e)
{
	struct bytes none = { 0 };
	uint64_t first, last;

	if (!origin_ok(r->cfg.origin, e) || !make_directories(r->dir, e) ||
	    !lock(r, e))
		return false;
	if (segment_range(r->dir, &first, &last, e))
		return error_set(e, FAIL_EXISTS, "%s: holds a register",
		    r->dir);
	if (e->why != FAIL_NOT_FOUND)
		return false;
	if (r->cfg.anchor_dir != NULL &&
	    !anchor_add_file(r, r->cfg.anchor_dir, r->cfg.origin, e))
		return false;
	r->tiles = tile_store_open(r->dir, true, e);
	if (r->tiles == NULL || !tile_store_truncate(r->tiles, 0, e))
		return false;
	return put_log_open(r, e) && put_start(r, e) &&
	    roll_write(r, 1, none, none, e);
}

struct reg *
reg_create(const struct reg_config *cfg, struct error *e)
{
	auto_reg struct reg *r = reg_new(cfg);

	return create(r, e) ? take(r) : NULL;
}

/* ---- start ------------------------------------------------------------ */

static bool
log_key_fits(const struct reg *r, struct error *e)
{
	auto_buf struct buf vkey = { 0 };

	if (r->cfg.log_key == NULL)
		return true;
	note_vkey_format(&r->cfg.log_key->key, &vkey);
	if (strcmp(buf_cstr(&vkey), reg_state_vkey(r->play.state)) == 0)
		return true;
	return error_set(e, FAIL_CRYPTO,
	    "the log key is \"%s\", the register names \"%s\"", buf_cstr(&vkey),
	    reg_state_vkey(r->play.state));
}

static bool
origin_fits(const struct reg *r, struct error *e)
{
	const char *is = reg_state_origin(r->play.state);

	if (r->cfg.origin == NULL || strcmp(r->cfg.origin, is) == 0)
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "origin \"%s\" was asked for, %s holds \"%s\"", r->cfg.origin,
	    r->dir, is);
}

/* Size of the newest checkpoint, 0 when there is none; only to judge a torn tail,
 * its signature is checked with the anchors. */
static uint64_t
checkpoint_size(const struct reg *r)
{
	auto_mem char *path = path_join(r->dir, "checkpoint");
	auto_buf struct buf note = { 0 };
	struct checkpoint c;
	struct error e;

	if (!file_read(path, 65536, &note, &e) ||
	    !checkpoint_parse(buf_bytes(&note), &c, &e))
		return 0;
	return c.size;
}

/* Behind by more than allowed: only an operator may go back, by a record. */
static bool
put_clock(struct reg *r, struct error *e)
{
	int64_t floor = r->play.state->floor_ms, wall = r->wall0;
	struct bytes none = { 0 };
	struct record rec;

	if (wall >= floor - LIMIT_CLOCK_BEHIND_MS || r->cfg.clear_clock == NULL)
		return true;
	record_init(&rec, REC_CLOCK);
	record_time(&rec, "from", floor / 1000);
	record_time(&rec, "to", wall / 1000);
	record_text(&rec, "who", r->cfg.who);
	record_text(&rec, "why", r->cfg.clear_clock);
	rec.t_ms = floor;
	return log_put(r, &rec, none, NULL, e);
}

static bool
put_cut(struct reg *r, struct bytes cut, struct error *e)
{
	struct bytes none = { 0 };
	struct record rec;
	struct sha256 hash = sha256(cut);

	if (cut.n == 0)
		return true;
	record_init(&rec, REC_CUT);
	record_int(&rec, "bytes", (int64_t)cut.n);
	record_hash(&rec, "sha256", &hash);
	rec.t_ms = r->play.state->floor_ms;
	return log_put(r, &rec, none, NULL, e);
}

/* A crash took even the first line of the last segment: it is made again. */
static bool
put_lost_snapshot(struct reg *r, const struct tail *t, struct error *e)
{
	struct bytes none = { 0 };
	struct record rec;
	struct sha256 hash;

	if (t->prefix.n > 0)
		return true;
	if (!snapshot_make(r->play.state, &r->play.at, r->dir, t->segment - 1,
		&hash, e))
		return false;
	record_init(&rec, REC_SNAPSHOT);
	record_int(&rec, "segment", (int64_t)t->segment - 1);
	record_hash(&rec, "sha256", &hash);
	rec.t_ms = r->play.state->floor_ms;
	return log_put(r, &rec, none, NULL, e);
}

/* Everything that may refuse the start, before anything is written. */
static bool
start_checks(struct reg *r, struct error *e)
{
	int64_t now;

	if (r->cfg.clear_clock == NULL && !reg_now(r, &now, e))
		return false;
	if (!origin_fits(r, e) || !log_key_fits(r, e))
		return false;
	if (r->cfg.anchor_dir != NULL &&
	    !anchor_add_file(r, r->cfg.anchor_dir,
		reg_state_origin(r->play.state), e))
		return false;
	r->durable = r->play.at.tree;
	r->tiles = tile_store_open(r->dir, true, e);
	return r->tiles != NULL && tiles_catch_up(r, e) &&
	    anchor_check_all(r, e);
}

static bool
start(struct reg *r, struct error *e)
{
	auto_tail struct tail t = { 0 };
	uint64_t first, last;

	/* Asked first: a lock file should not appear where no register is. */
	if (!segment_range(r->dir, &first, &last, e) || !lock(r, e) ||
	    !make_directories(r->dir, e) ||
	    !load(&r->play, r->dir, checkpoint_size(r), &t, e) ||
	    !load_private(r->dir, t.segment, r->play.state->n, &t, e) ||
	    !start_checks(r, e))
		return false;
	return put_lost_snapshot(r, &t, e) && put_cut(r, t.cut, e) &&
	    put_clock(r, e) && anchor_record(r, e) && put_start(r, e) &&
	    roll_write(r, t.segment, t.prefix, t.private_prefix, e);
}

struct reg *
reg_open(const struct reg_config *cfg, struct error *e)
{
	auto_reg struct reg *r = reg_new(cfg);

	return start(r, e) ? take(r) : NULL;
}

static bool
start_reading(struct reg *r, struct error *e)
{
	auto_tail struct tail t = { 0 };

	r->read_only = true;
	/* The writer may be in the middle of a line: no tail is damage here. */
	if (!load(&r->play, r->dir, 0, &t, e) || !origin_fits(r, e))
		return false;
	r->segment = t.segment;
	r->seg_len = t.prefix.n;
	r->durable = r->play.at.tree;
	r->tiles = tile_store_open(r->dir, false, e);
	return r->tiles != NULL && tiles_catch_up(r, e);
}

struct reg *
reg_open_read(const struct reg_config *cfg, struct error *e)
{
	auto_reg struct reg *r = reg_new(cfg);

	return start_reading(r, e) ? take(r) : NULL;
}
