/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Several files that belong together, all written or none. Everything is on the disk under
 * temporary names before the first gets its own; what fails then is undone. (A process killed
 * between two renames leaves the first ones: where that matters, as in renewals, a directory is
 * switched instead, set_dir.h.) What a killed process left under temporary names, the next set
 * in the same directory removes: each set holds a shared flock(2) on the directories of its files
 * for as long as it lives, and who gets the exclusive one knows that nobody else is at work.
 * Where a file system has no such locks nothing is removed.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

struct file_set;
struct file_set *file_set_new(void) must_check;
/* Removes what was not committed. */
void file_set_free(struct file_set *s);
DEFINE_AUTO(file_set, struct file_set *, file_set_free)
#define auto_file_set auto_cleanup(file_set_cleanup)

/* Write under a temporary name beside `path`, and sync. FAIL_EXISTS: there is something at
 * path, and `replace` is false; or the set has the path already. */
bool file_set_add(struct file_set *s, const char *path, struct bytes data,
    unsigned mode, bool replace, struct error *e) must_check;
bool file_set_commit(struct file_set *s, struct error *e) must_check;
