/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a room may still do once it has started: seccomp (system calls) and landlock
 * (files, TCP, signals). One row a room in src/sandbox/rows.c; nothing is given back.
 *
 * A call that is not in the row's list ends the process at once (SIGSYS), because only a
 * taken-over room makes one. Opening a file outside of the row is EACCES. Landlock is
 * best effort: what the kernel does not know is left out, and the status says so.
 */
#include <chancery/base/error.h>

enum sandbox_room {
	SANDBOX_SERVER,
	SANDBOX_SIGNER,    /* the resident one: soft tokens are read-only     */
	SANDBOX_KEYGEN,    /* chancery-signer --keygen: writes soft tokens    */
	SANDBOX_PUBLISHER, /* connects outwards, listens to nobody            */
	SANDBOX_SUPERVISOR,
	SANDBOX__COUNT
};

/* What a path is; the row says what may be done with that kind. Paths that do not exist
 * are left out; one of a kind that the row does not have is FAIL_INTERNAL. */
enum sandbox_kind {
	SANDBOX_STORE, /* directory of the database                         */
	SANDBOX_REGISTER,
	SANDBOX_CRL,
	SANDBOX_ANCHOR,
	SANDBOX_TOKENS,  /* soft_token_dir                                    */
	SANDBOX_MODULE,  /* the module's file: its directory, for libraries
	                   that it loads                                     */
	SANDBOX_DATA,    /* a file that is read: weak_keys                    */
	SANDBOX_TLS,     /* certificate, key, client CA: the file and what is
	                   renamed to its place later, so its directory      */
	SANDBOX_LOG,     /* access log: likewise, written                     */
	SANDBOX_PUBLISH, /* directory that objects are published in         */
	SANDBOX_PROGRAM, /* what the supervisor executes                      */
	/* Not a grant: soft tokens and PIN files, for the server. The directory of a
	 * certificate or log in which one of these lies, or anything of the kinds
	 * above, is not granted: only the very file is. */
	SANDBOX_NEVER,
	SANDBOX_KIND__COUNT
};
struct sandbox_path {
	enum sandbox_kind kind;
	const char *path; /* absolute; NULL is left out */
};

struct sandbox_status {
	int landlock_abi; /* 0: the kernel has none                          */
	bool seccomp;
};

/* Confine this process for good. Call before threads are started (landlock binds the
 * calling thread and those that it starts) and after what only start-up needs: with
 * `network` the row of the signer keeps sockets for a module that needs them. Fails
 * closed: when it returns false, end the process. */
struct sandbox_options {
	const struct sandbox_path *path;
	size_t paths;
	bool network;
};
bool sandbox_enter(enum sandbox_room room, const struct sandbox_options *opt,
    struct sandbox_status *out, struct error *e) must_check;
/* "seccomp, landlock 7", for logs and status. */
#define SANDBOX_TEXT_SIZE 64
void sandbox_status_text(const struct sandbox_status *s,
    char out[SANDBOX_TEXT_SIZE]);
/* The same of this process; "" before sandbox_enter. What a room says with ROOM_READY. */
const char *sandbox_text(void);
