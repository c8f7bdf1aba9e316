/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include <chancery/base/error.h>

/* Reasons are named once; every rendering is a column. Exit codes follow
 * sysexits.h where it has a fitting one. */
static const struct {
	const char *name;
	int exit;
} fails[] = {
	[FAIL_NONE] = { "none", 0 },
	[FAIL_USAGE] = { "usage", 64 },
	[FAIL_BAD_INPUT] = { "bad-input", 65 },
	[FAIL_REFUSED] = { "refused", 77 },
	[FAIL_QUORUM] = { "quorum", 78 },
	[FAIL_NOT_FOUND] = { "not-found", 66 },
	[FAIL_EXISTS] = { "exists", 73 },
	[FAIL_PERMISSION] = { "permission", 76 },
	[FAIL_BUSY] = { "busy", 75 },
	[FAIL_PIN] = { "pin-refused", 79 },
	[FAIL_HSM_GONE] = { "hsm-gone", 69 },
	[FAIL_HSM_KEY] = { "hsm-key", 80 },
	[FAIL_HSM] = { "hsm", 81 },
	[FAIL_TIMEOUT] = { "timeout", 82 },
	[FAIL_IO] = { "io", 74 },
	[FAIL_DISK_FULL] = { "disk-full", 83 },
	[FAIL_CORRUPT] = { "corrupt", 84 },
	[FAIL_ROLLBACK] = { "rollback", 85 },
	[FAIL_CLOCK] = { "clock", 86 },
	[FAIL_CRYPTO] = { "crypto", 87 },
	[FAIL_UNSUPPORTED] = { "unsupported", 88 },
	[FAIL_ABORTED] = { "aborted", 89 },
	[FAIL_INTERNAL] = { "internal", 70 },
};
_Static_assert(countof(fails) == FAIL__COUNT, "one row per enum fail");

const char *
fail_name(enum fail why)
{
	return why < FAIL__COUNT ? fails[why].name : "unknown";
}

int
fail_exit(enum fail why)
{
	return why < FAIL__COUNT ? fails[why].exit : 70;
}

static void set_text(struct error *e, const char *fmt, va_list ap)
    printf_like(2, 0);

static void
set_text(struct error *e, const char *fmt, va_list ap)
{
	char *c;

	if (vsnprintf(e->msg, sizeof(e->msg), fmt, ap) < 0)
		e->msg[0] = '\0';
	/* One line, whatever came in through %s. */
	for (c = e->msg; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
}

bool
error_set(struct error *e, enum fail why, const char *fmt, ...)
{
	va_list ap;

	e->why = why;
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	return false;
}

bool
error_errno(struct error *e, enum fail why, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	e->why = why;
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s",
	    strerrordesc_np(saved) != NULL ? strerrordesc_np(saved)
					   : "unknown error");
	return false;
}

bool
error_context(struct error *e, const char *fmt, ...)
{
	char old[ERROR_MSG_SIZE];
	va_list ap;
	size_t n;

	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %.400s", old);
	return false;
}

bool
error_ossl(struct error *e, const char *call)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return error_set(e, FAIL_CRYPTO, "%s: %s", call,
	    reason != NULL ? reason : "failed");
}

bool
error_ossl_cause(struct error *e, const char *call)
{
	const char *data = "";
	int flags = 0;
	unsigned long code = ERR_peek_error_data(&data, &flags);
	const char *reason = ERR_reason_error_string(code);
	bool text = (flags & ERR_TXT_STRING) != 0 && *data != '\0';

	(void)error_set(e, FAIL_CRYPTO, "%s: %s%s%s", call,
	    reason != NULL ? reason : "failed", text ? ", " : "",
	    text ? data : "");
	ERR_clear_error();
	return false;
}

int
error_ossl_reason(void)
{
	return ERR_GET_REASON(ERR_peek_error());
}

void
error_clear(struct error *e)
{
	e->why = FAIL_NONE;
	e->msg[0] = '\0';
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("chancery: fatal: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	abort();
}
