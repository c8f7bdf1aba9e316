/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "db.h"

/* The newest version that this release knows. */
int schema_newest(void);
/* SQL that leads from version - 1 to `version`; versions begin with 1. */
const char *schema_step(int version);

/* A new file with everything in it, under a temporary name, then its own: a crash
 * leaves the whole store or none. FAIL_EXISTS. */
bool schema_create(const char *path, struct error *e) must_check;
/* Whose file it is and of which version: FAIL_BAD_INPUT (another program's),
 * FAIL_UNSUPPORTED (newer than ours), FAIL_CORRUPT (no database). */
bool schema_check(struct db *d, int *version, struct error *e) must_check;
/* One transaction a step. */
bool schema_migrate(struct db *d, int from, struct error *e) must_check;
