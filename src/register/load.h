/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "internal.h"

/* The end of the last segment, as it was found. */
struct tail {
	uint64_t segment;
	struct mapped map, private;
	struct bytes prefix;         /* whole, chained lines              */
	struct bytes cut;            /* what a crash left behind them     */
	struct bytes private_prefix; /* bodies of records that are there */
};
void tail_clear(struct tail *t);
#define auto_tail auto_cleanup(tail_clear)

/* Newest confirmed snapshot, then every line. `checkpoint` is the size of the
 * newest checkpoint: what it covers is never a torn tail. FAIL_CORRUPT. */
bool load(struct replay *p, const char *dir, uint64_t checkpoint,
    struct tail *t, struct error *e) must_check;
/* Private bodies of the last segment, of records before `size`. */
bool load_private(const char *dir, uint64_t segment, uint64_t size,
    struct tail *t, struct error *e) must_check;

struct private_body {
	uint64_t n;
	struct bytes body;
	uint8_t salt[SHA256_LEN];
};
bool private_parse(struct bytes line, struct private_body *out);
struct sha256 private_hash(const struct private_body *b);
