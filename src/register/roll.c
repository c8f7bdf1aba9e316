/* SPDX-License-Identifier: Apache-2.0 */

/*
 * New files for the log: the next segment behind a snapshot, or the copy of the
 * last one at start. Both come into being complete, by rename.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>

#include "internal.h"

/* When the disk is too full for a new segment, try again after this much. */
#define ROLL_RETRY_BYTES (1UL << 20)

static int
create_temporary(const char *path, struct error *e)
{
	auto_mem char *tmp = mem_printf("%s.tmp", path);
	int fd;

	(void)unlink(tmp);
	fd =
	    open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		(void)error_errno(e, errno == ENOSPC ? FAIL_DISK_FULL : FAIL_IO,
		    "%s", tmp);
	return fd;
}

static bool
into_place(int fd, const char *path, struct error *e)
{
	auto_mem char *tmp = mem_printf("%s.tmp", path);

	if (fsync(fd) != 0)
		return error_errno(e, FAIL_IO, "%s: fsync", tmp);
	if (rename(tmp, path) != 0)
		return error_errno(e, FAIL_IO, "%s", path);
	return true;
}

static bool
write_two(int fd, const char *path, struct bytes a, struct bytes b,
    struct error *e)
{
	if (!fd_write_all(fd, a, e) || !fd_write_all(fd, b, e))
		return error_context(e, "%s", path);
	return into_place(fd, path, e);
}

static void
replace_fd(int *fd, int with)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = with;
}

/* Private bodies first: a line never stands without the body it hashes. */
static bool
write_private(struct reg *r, uint64_t segment, struct bytes prefix,
    struct error *e)
{
	auto_mem char *dir = path_join(r->dir, "private");
	auto_mem char *path = segment_path(r->dir, "private", segment, "jsonl");
	auto_fd int fd = -1;

	replace_fd(&r->priv_fd, -1);
	r->priv_len = prefix.n;
	if (prefix.n == 0 && r->priv.n == 0) {
		if (unlink(path) != 0 && errno != ENOENT)
			return error_errno(e, FAIL_IO, "%s", path);
		return true;
	}
	fd = create_temporary(path, e);
	if (fd < 0 || !write_two(fd, path, prefix, buf_bytes(&r->priv), e) ||
	    !dir_sync(dir, e))
		return false;
	replace_fd(&r->priv_fd, take_fd(&fd));
	return true;
}

/* `fd` is the temporary file of the segment, empty. */
static bool
write_segment(struct reg *r, int fd, uint64_t segment, struct bytes prefix,
    struct error *e)
{
	auto_mem char *dir = path_join(r->dir, "log");
	auto_mem char *path = segment_path(r->dir, "log", segment, "jsonl");

	if (!write_two(fd, path, prefix, buf_bytes(&r->batch), e) ||
	    !dir_sync(dir, e))
		return false;
	r->segment = segment;
	r->seg_len = prefix.n;
	return true;
}

static void
set_roll_at(struct reg *r)
{
	r->roll_at = r->cfg.segment_bytes > 0 ? r->cfg.segment_bytes
					      : LIMIT_SEGMENT_BYTES;
}

bool
roll_write(struct reg *r, uint64_t segment, struct bytes prefix,
    struct bytes priv_prefix, struct error *e)
{
	auto_mem char *path = segment_path(r->dir, "log", segment, "jsonl");
	auto_fd int fd = create_temporary(path, e);

	if (fd < 0 || !write_private(r, segment, priv_prefix, e) ||
	    !write_segment(r, fd, segment, prefix, e))
		return false;
	replace_fd(&r->fd, take_fd(&fd));
	r->reserved_to = 0;
	set_roll_at(r);
	return log_settled(r, e);
}

/* Space in the new file for what is open, before anything changes. */
static bool
prepare(struct reg *r, int fd)
{
	uint64_t need = LIMIT_RECORD_BYTES + 1 + space_for_outcomes(r);

	if (r->no_fallocate)
		return true;
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)need) == 0;
}

static bool
put_snapshot(struct reg *r, const struct sha256 *hash, struct error *e)
{
	struct record rec;

	record_init(&rec, REC_SNAPSHOT);
	record_int(&rec, "segment", (int64_t)r->segment);
	record_hash(&rec, "sha256", hash);
	/* Not the clock: that may have failed meanwhile, and the end of a
	 * segment is not a statement about time. */
	rec.t_ms = r->play.state->floor_ms;
	return log_put(r, &rec, (struct bytes){ 0 }, NULL, e);
}

static bool
too_full(struct reg *r, int fd, const char *path)
{
	auto_mem char *tmp = mem_printf("%s.tmp", path);

	if (fd >= 0)
		(void)unlink(tmp);
	r->roll_at = r->seg_len + ROLL_RETRY_BYTES;
	return true;
}

bool
roll_segment(struct reg *r, struct error *e)
{
	uint64_t next = r->segment + 1;
	auto_mem char *path = segment_path(r->dir, "log", next, "jsonl");
	struct bytes none = { 0 };
	struct sha256 hash;
	auto_fd int fd = -1;

	if (!snapshot_make(r->play.state, &r->play.at, r->dir, r->segment,
		&hash, e))
		return e->why == FAIL_DISK_FULL && too_full(r, -1, path);
	fd = create_temporary(path, e);
	if (fd < 0)
		return e->why == FAIL_DISK_FULL && too_full(r, -1, path);
	if (!prepare(r, fd))
		return too_full(r, fd, path);
	/* Gives the unused reservation back; its length does not change. */
	(void)!ftruncate(r->fd, (off_t)r->seg_len);
	if (!put_snapshot(r, &hash, e) || !write_private(r, next, none, e) ||
	    !write_segment(r, fd, next, none, e))
		return false;
	replace_fd(&r->fd, take_fd(&fd));
	r->reserved_to = 0;
	set_roll_at(r);
	if (!log_settled(r, e))
		return false;
	snapshot_prune(r->play.state, r->dir, next - 1);
	return true;
}
