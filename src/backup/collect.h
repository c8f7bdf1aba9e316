/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files into an archive. */
#include <chancery/backup/archive.h>

/* A file that has to be there, whole; FAIL_BUSY when it changed meanwhile. */
bool collect_file(struct archive_writer *w, const char *member,
    const char *path, struct error *e) must_check;
/* All plain files below a directory, which need not be there, in order of their names. What
 * goes away meanwhile is left out, as are names that begin with a dot, and files called `without`
 * (may be NULL). */
bool collect_tree(struct archive_writer *w, const char *member, const char *dir,
    const char *without, struct error *e) must_check;
/* The register up to its last whole line; m->size and m->checkpoint. */
bool collect_register(struct archive_writer *w, const char *member,
    const char *dir, struct manifest *m, struct error *e) must_check;
