/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a backup has, and where a configuration puts it: one table for both ways, in the order
 * of the archive. */
#include <chancery/backup/backup.h>

enum place_kind {
	PLACE_CONFIG,   /* chancery.yaml                                      */
	PLACE_SETTING,  /* a file that it names                               */
	PLACE_DATA,     /* a tree: the lists                                  */
	PLACE_STORE,    /* the database                                       */
	PLACE_REGISTER, /* a tree                                             */
	PLACE_SECRET    /* file or tree, only when it was asked for           */
};
struct place {
	char *member; /* name in the archive; of a tree without the slash */
	char *path;   /* absolute */
	enum place_kind kind;
	unsigned secret; /* BACKUP_…, of PLACE_SECRET */
	bool tree;
};
struct places {
	struct place *v;
	size_t n;
};
/* FAIL_UNSUPPORTED: a token's name that cannot be a file's. */
bool places_of(const struct service_config *cfg, const char *home,
    struct places *out, struct error *e) must_check;
void places_free(struct places *p);
#define auto_places auto_cleanup(places_free)
/* Whose member that is; *rest is its path below a tree, "" for a file. NULL: none's. */
struct place *places_find(const struct places *p, const char *member,
    const char **rest);
