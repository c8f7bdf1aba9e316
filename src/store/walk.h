/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "internal.h"

/* Everything of a store in canonical order (mount, serial, issuer key; kind, scope,
 * name), as one moment had it: what digest.c, compare.c and check.c read. */
struct walk_mount {
	int64_t id;
	char *name;
	uint64_t certs, revoked; /* as counted in its row */
};
struct walk {
	struct db *d;
	struct walk_mount *mount;
	size_t mounts, cap;
	size_t at;
	sqlite3_stmt *certs, *docs; /* borrowed of d */
	bool reading;
};
bool walk_open(struct walk *w, struct store *s, struct error *e) must_check;
void walk_close(struct walk *w);
#define auto_walk auto_cleanup(walk_close)
/* *row false: the end. What c points to is good until the next call. */
bool walk_cert(struct walk *w, bool *row, struct store_cert *c,
    struct error *e) must_check;
struct walk_doc {
	const char *kind, *scope, *name;
	struct bytes value;
	uint64_t version;
};
bool walk_doc(struct walk *w, bool *row, struct walk_doc *out,
    struct error *e) must_check;
