/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The reason of a failure, as a value.
 *
 * Operations that can fail return bool or a pointer, are must_check, and take
 * `struct error *e` last. On failure they fill *e and leave every output
 * untouched. Library code never logs; the command or the process loop does,
 * once. `e` is never NULL.
 */
#include <chancery/base/attr.h>

enum fail {
	FAIL_NONE,        /* no failure                                    */
	FAIL_USAGE,       /* wrong arguments of a command                  */
	FAIL_BAD_INPUT,   /* file or message that does not parse or check  */
	FAIL_REFUSED,     /* well-formed, but a charter or policy says no  */
	FAIL_QUORUM,      /* approvals are missing                         */
	FAIL_NOT_FOUND,   /* key, token, file, record that is not there    */
	FAIL_EXISTS,      /* would overwrite; ambiguous                    */
	FAIL_PERMISSION,  /* the operating system or the token forbids     */
	FAIL_BUSY,        /* locked by another process, queue full         */
	FAIL_PIN,         /* the PIN was refused; never retried            */
	FAIL_HSM_GONE,    /* token, session or module lost; may come back  */
	FAIL_HSM_KEY,     /* this one key does not work                    */
	FAIL_HSM,         /* any other PKCS#11 failure                     */
	FAIL_TIMEOUT,     /* a deadline passed                             */
	FAIL_IO,          /* read, write, fsync                            */
	FAIL_DISK_FULL,   /* no space reserved or left                     */
	FAIL_CORRUPT,     /* the register (or a state file) is damaged     */
	FAIL_ROLLBACK,    /* an anchor is ahead of the register, or forked */
	FAIL_CLOCK,       /* clock behind, or drifted                      */
	FAIL_CRYPTO,      /* libcrypto, or a signature that does not verify*/
	FAIL_UNSUPPORTED, /* valid, but not something we do                */
	FAIL_ABORTED,     /* a person said no                              */
	FAIL_INTERNAL,    /* our own bug                                   */
	FAIL__COUNT
};

#define ERROR_MSG_SIZE 512

struct error {
	enum fail why;
	char msg[ERROR_MSG_SIZE]; /* one line, no newline, never a secret */
};

/* Set the reason and text; over-long text is cut. Returns false, so that
 * `return error_set(…)` reads well. */
bool error_set(struct error *e, enum fail why, const char *fmt, ...)
    printf_like(3, 4);

/* As error_set, and add ": " and the text of errno. */
bool error_errno(struct error *e, enum fail why, const char *fmt, ...)
    printf_like(3, 4);

/* Put "context: " before the text that is there. Returns false. */
bool error_context(struct error *e, const char *fmt, ...) printf_like(2, 3);

/* Take the newest entry of OpenSSL's queue, clear the queue. FAIL_CRYPTO.
 * These three are the one place that reads that queue. */
bool error_ossl(struct error *e, const char *call);
/* The same of the oldest entry, which is the cause, with its details: an algorithm's name. */
bool error_ossl_cause(struct error *e, const char *call);
/* ERR_GET_REASON of the oldest entry; 0: the queue is empty. It stays as it is. */
int error_ossl_reason(void);

void error_clear(struct error *e);

/* "bad-input", "hsm-gone": for JSON, audit lines. */
const char *fail_name(enum fail why);
/* sysexits-like code of the CLI, documented in chancery(1). */
int fail_exit(enum fail why);

/* A start-up state or programming error after which nothing can go on:
 * prints to stderr, then abort(). Out of memory ends here too. */
_Noreturn void fatal(const char *fmt, ...) printf_like(1, 2);
