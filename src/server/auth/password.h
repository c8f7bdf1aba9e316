/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Passwords of auth/userpass: hashes as rows of the store, kind "password", scope the
 * mount's path, key the hash of mount and user. And how often one may be wrong.
 */
#include "token.h"

#define PASSWORD_KIND "password"
#define PASSWORD_LEN 32

/*
 * scrypt (RFC 7914) of a password, with what made it: N = 2^15, r = 8, p = 1 for new ones, 32
 * MiB and some 80 ms; kept with each hash, so that they can change.
 */
struct password {
	uint8_t salt[16], hash[PASSWORD_LEN];
	uint32_t n, r, p;
};
struct sha256 password_key(const char *mount, const char *user);
/* Salt and parameters of a new one; no hash yet. */
void password_fresh(struct password *p);
/* Slow: for helper threads. */
void password_hash(const struct password *p, const struct secret *text,
    uint8_t out[PASSWORD_LEN]);
/* `mem` holds the value; mount and key are the caller's. */
struct store_secret password_row(const struct password *p, const char *mount,
    const char *user, struct buf *mem);
/* FAIL_CORRUPT. */
bool password_decode(const struct store_secret *row, struct password *out,
    struct error *e) must_check;

/*
 * Who was wrong LIMIT_LOCKOUT_FAILURES times in a row within LIMIT_LOCKOUT_S is not looked at
 * for that long; users that are not there count alike, so that nothing tells them apart. In
 * memory: a restart forgets. Any thread.
 */
struct lockout;
struct lockout *lockout_new(void) must_check;
void lockout_free(struct lockout *l);
enum lockout_verdict {
	LOCKOUT_GO, /* lockout_end has to follow */
	LOCKOUT_LOCKED,
	LOCKOUT_BUSY /* too many at once: of this user, or of all */
};
enum lockout_verdict lockout_begin(struct lockout *l, const struct sha256 *user,
    int64_t now_s) must_check;
void lockout_end(struct lockout *l, const struct sha256 *user, bool good,
    int64_t now_s);
/* An operator's word. False: was not locked. */
bool lockout_clear(struct lockout *l, const struct sha256 *user);
