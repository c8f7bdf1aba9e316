/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Disk space. Outcomes of open INTENTs must always fit: whatever else is written
 * first reserves its own length and theirs ahead of the write position.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#include <chancery/base/limits.h>

#include "internal.h"

static uint64_t
disk_free(const struct reg *r)
{
	struct statvfs v;

	if (fstatvfs(r->fd, &v) != 0)
		return 0;
	return (uint64_t)v.f_bavail * v.f_frsize;
}

static bool
reserve_to(struct reg *r, uint64_t to)
{
	if (fallocate(r->fd, FALLOC_FL_KEEP_SIZE, (off_t)r->reserved_to,
		(off_t)(to - r->reserved_to)) != 0)
		return false;
	r->reserved_to = to;
	return true;
}

/* Of what is open, and of one more, whatever it is. */
uint64_t
space_for_outcomes(const struct reg *r)
{
	const struct reg_state *s = r->play.state;

	return (uint64_t)s->open_n * LIMIT_OUTCOME_BYTES +
	    ((uint64_t)s->open_wide + 1) * (LIMIT_RECORD_BYTES + 1);
}

bool
space_for_intent(struct reg *r, size_t more, struct error *e)
{
	uint64_t open = reg_state_open_count(r->play.state);
	uint64_t need = r->seg_len + r->batch.n + more + space_for_outcomes(r);

	if (need <= r->reserved_to)
		return true;
	if (r->reserved_to < r->seg_len)
		r->reserved_to = r->seg_len;
	if (!r->no_fallocate) {
		if (reserve_to(r, need + LIMIT_RESERVE_STEP) ||
		    reserve_to(r, need))
			return true;
		r->no_fallocate = errno == EOPNOTSUPP || errno == ENOSYS;
	}
	if (r->no_fallocate && disk_free(r) > need - r->seg_len)
		return true;
	return error_set(e, FAIL_DISK_FULL,
	    "register: no space for a record and the outcomes of %llu open "
	    "intents",
	    (unsigned long long)open);
}

bool
space_for_event(struct reg *r, struct error *e)
{
	if (!r->floor_checked) {
		r->floor_checked = true;
		r->floor_ok = disk_free(r) >= LIMIT_RECORD_FREE_BYTES;
	}
	if (r->floor_ok)
		return true;
	return error_set(e, FAIL_DISK_FULL,
	    "register: less than %ld MiB left, kept for signing",
	    LIMIT_RECORD_FREE_BYTES >> 20);
}
