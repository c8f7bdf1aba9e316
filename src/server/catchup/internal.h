/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/base/alg.h>
#include <chancery/register/register.h>
#include <chancery/server/catchup.h>

/* ---- mounts and their keys, as the documents ever had them (mounts.c) ---- */

struct era {
	char *mount;
	struct sha256 key;     /* of keys only */
	uint64_t since, until; /* records */
};
struct eras {
	struct era *v;
	size_t n, cap;
};
struct mounts {
	struct eras mounts, keys;
};
void mounts_clear(struct mounts *m);
bool mounts_load(struct mounts *m, struct store *s, struct error *e) must_check;
/* What claim `why` meant at record n. Into `out` (STORE_NAME_MAX + 1). */
void mounts_of_claim(const struct mounts *m, struct bytes why,
    const struct sha256 *key, uint64_t n, char *out);
/* Whether a change of such a document makes another mounts_load necessary. */
bool mounts_depend_on(const char *kind);

/* ---- INTENTs without outcome so far ---- */

struct open_intent {
	uint64_t n;
	struct sha256 key;
	enum sig_alg alg;
	struct bytes tbs; /* behind it */
	bool no_store;
	char mount[STORE_NAME_MAX + 1];
	struct open_intent *chain;
};
#define OPEN_BUCKETS 1024

struct catchup {
	struct store *store;
	const struct catchup_options *opt;
	struct catchup_report r;
	uint64_t until;
	bool seen; /* the record before the position is there */
	struct mounts mounts;
	const char *import; /* the mount of another log; NULL: our own */
	struct open_intent *open[OPEN_BUCKETS];
	size_t open_n;
	struct buf der;
};
/* One record (apply.c). */
bool catchup_record(struct catchup *c, const struct record *r,
    struct bytes body, struct error *e) must_check;
void catchup_clear(struct catchup *c);
/* imports.c: those that our records before `until` took in. */
bool imports_apply(struct store *s, const char *register_dir,
    const struct mounts *m, uint64_t until, struct error *e) must_check;
/* Whether the mount that there is now was there at that record. */
bool mounts_stands_since(const struct mounts *m, const char *mount, uint64_t n);
