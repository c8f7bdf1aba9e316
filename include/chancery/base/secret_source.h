/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where a secret is read from. Arguments and configurations name a source, never
 * the secret: "fd:3", "file:/path", "credential:NAME", "prompt", "prompt:TEXT".
 * `what` is the secret's name in texts of errors: "PIN", "password", "token".
 */
#include <chancery/base/secret.h>

enum secret_source_kind {
	SECRET_FD,         /* arg: decimal descriptor                    */
	SECRET_FILE,       /* arg: path; group/world-readable is refused */
	SECRET_CREDENTIAL, /* arg: name below $CREDENTIALS_DIRECTORY     */
	SECRET_PROMPT      /* arg: prompt text or NULL; needs a terminal */
};
struct secret_source {
	enum secret_source_kind kind;
	const char *arg; /* inside the text that was parsed            */
};

/* FAIL_BAD_INPUT, and *out as it was; the error does not repeat a text of no
 * known form: it might be the secret itself. */
bool secret_source_parse(const char *text, const char *what,
    struct secret_source *out, struct error *e) must_check;
/* A line of at most `max` bytes, without its end. Owned by the caller; NULL: FAIL_NOT_FOUND
 * without file, credential or terminal, FAIL_PERMISSION where others may read the file,
 * FAIL_ABORTED for an empty line at the prompt, FAIL_BAD_INPUT for an empty or longer one
 * elsewhere, FAIL_IO. */
struct secret *secret_source_read(const struct secret_source *src,
    const char *what, size_t max, struct error *e) must_check;
/* Both. */
struct secret *secret_from(const char *text, const char *what, size_t max,
    struct error *e) must_check;
