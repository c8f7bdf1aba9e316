/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A directory whose files change together. The files of a set lie in a directory of their own;
 * one symbolic link says which set is current, and what readers open are links through it:
 *
 *     DIR/broker.pem   -> .current/broker.pem
 *     DIR/.current     -> .sets/20261127T095000Z-1f2e3d4c
 *     DIR/.sets/…/broker.pem, trust.pem, …
 *
 * A switch is one rename. A process that is killed leaves the old set or the new one, never a
 * mixture; what it had not finished is cleared away by the next one. The set before the current
 * one is kept, for the way back.
 *
 * A new set is *pending* until set_dir_settle: whoever was to be told of it may not have been.
 */
#include <sys/types.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

struct set_dir;
/* The directory is there, belongs to this user, and nobody else may write to it
 * (FAIL_PERMISSION). One writer at a time: FAIL_BUSY. Clears what was left. */
struct set_dir *set_dir_open(const char *path, struct error *e) must_check;
void set_dir_close(struct set_dir *d);
DEFINE_AUTO(set_dir, struct set_dir *, set_dir_close)
#define auto_set_dir auto_cleanup(set_dir_cleanup)

/* "DIR/.current", to read a file of the current set through; whether there is one. */
bool set_dir_has_current(const struct set_dir *d);
/* DIR/.current/NAME in fresh memory. */
char *set_dir_file(const struct set_dir *d, const char *name) must_check;
bool set_dir_is_pending(const struct set_dir *d);

/* A plain name: no '/', not beginning with '.'. FAIL_BAD_INPUT. */
bool set_dir_name_check(const char *name, struct error *e) must_check;
/* FAIL_EXISTS when something else than such a link stands there. */
bool set_dir_name_free(const struct set_dir *d, const char *name,
    struct error *e) must_check;

/* Whether this process may give files to them, by one that is gone again at once.
 * FAIL_PERMISSION. */
bool set_dir_try_owner(const struct set_dir *d, uid_t uid, gid_t gid,
    struct error *e) must_check;

/* Begin a new set, of which nobody sees anything. */
bool set_dir_begin(struct set_dir *d, int64_t now_s,
    struct error *e) must_check;
/* uid and gid (uid_t)-1, (gid_t)-1: this process's. Synced. */
bool set_dir_add(struct set_dir *d, const char *name, struct bytes data,
    unsigned mode, uid_t uid, gid_t gid, struct error *e) must_check;
/* Make it current. It is pending. */
bool set_dir_switch(struct set_dir *d, struct error *e) must_check;
/* All who had to know do; the set before the one before goes, and links to what is in no set any
 * more. */
bool set_dir_settle(struct set_dir *d, struct error *e) must_check;
/* Back to the set before, which is pending then; the other one is removed. FAIL_NOT_FOUND:
 * there is none. */
bool set_dir_back(struct set_dir *d, struct error *e) must_check;
