/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files beside their places, until everything is verified. */
#include "places.h"

#define STAGE_SUFFIX ".restoring"
#define REPLACED_SUFFIX ".replaced"

struct stage {
	struct place *place;
	char *path; /* place->path and STAGE_SUFFIX                    */
	bool made;  /* something lies there                            */
	bool
	    keep; /* the home's own stays: what the archive has is passed over */
};
struct staging {
	struct stage *v; /* a row a place */
	size_t n;
	/* Directories that were made, in their order: removed after a failure. */
	char **dir;
	size_t dirs, dirs_cap;
	int lock[2]; /* what --replace holds, or -1 */
	bool done;
};
void staging_init(struct staging *s, const struct places *p);
/* Without staging_commit everything that was made is removed again. */
void staging_free(struct staging *s);
#define auto_staging auto_cleanup(staging_free)

struct stage *staging_of(struct staging *s, const struct place *p);
/* A directory and those above it. */
bool staging_mkdir(struct staging *s, const char *path,
    struct error *e) must_check;
/* A new file of the place, open for writing, or -1; `rest` below a tree. FAIL_BAD_INPUT: the
 * archive has it twice. FAIL_EXISTS: left by a restore that was killed. */
int staging_create(struct staging *s, struct stage *st, const char *rest,
    struct error *e) must_check;
/* Whether a place is free: nothing there, or an empty directory. */
bool staging_is_free(const char *path);
/* FAIL_EXISTS unless it is free, or `replace` and its .replaced name is. */
bool staging_check_place(const struct place *p, bool replace,
    struct error *e) must_check;
/* The locks of register and store, where they are. FAIL_BUSY. */
bool staging_lock(struct staging *s, struct error *e) must_check;
/* To the disk, then to their names; chancery.yaml last. */
bool staging_commit(struct staging *s, bool replace,
    struct error *e) must_check;
