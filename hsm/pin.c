/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "internal.h"

static const struct {
	const char *prefix;
	enum hsm_pin_kind kind;
	bool arg; /* something must follow                                    */
} kinds[] = {
	{ "fd:", HSM_PIN_FD, true },
	{ "file:", HSM_PIN_FILE, true },
	{ "credential:", HSM_PIN_CREDENTIAL, true },
	{ "prompt:", HSM_PIN_PROMPT, true },
	{ "prompt", HSM_PIN_PROMPT, false },
};

static bool
check_arg(const struct hsm_pin_source *s, struct error *e)
{
	uint64_t fd;

	switch (s->kind) {
	case HSM_PIN_FD:
		if (!parse_u64(s->arg, 0, 65535, &fd))
			return error_set(e, FAIL_BAD_INPUT,
			    "PIN source fd:%s: not a descriptor", s->arg);
		return true;
	case HSM_PIN_CREDENTIAL:
		/* systemd.exec(5): a file name, never a path. */
		if (strchr(s->arg, '/') != NULL || s->arg[0] == '.')
			return error_set(e, FAIL_BAD_INPUT,
			    "PIN source credential:%s: not a credential name",
			    s->arg);
		return true;
	case HSM_PIN_FILE:
	case HSM_PIN_PROMPT:
		return true;
	}
	fatal("corrupt hsm_pin_kind %d", (int)s->kind);
}

bool
hsm_pin_source_parse(const char *text, struct hsm_pin_source *out,
    struct error *e)
{
	for (size_t i = 0; i < countof(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);
		struct hsm_pin_source s = { kinds[i].kind, "PIN: " };

		if (strncmp(text, kinds[i].prefix, n) != 0 ||
		    kinds[i].arg == (text[n] == '\0'))
			continue;
		if (kinds[i].arg)
			s.arg = text + n;
		if (!check_arg(&s, e))
			return false;
		*out = s;
		return true;
	}
	/* Not repeated in the text: it might be the PIN itself. */
	return error_set(e, FAIL_BAD_INPUT,
	    "PIN source: want fd:N, file:/path, credential:NAME or prompt");
}

static bool
read_descriptor(struct secret *s, const char *arg, struct error *e)
{
	uint64_t fd;

	if (!parse_u64(arg, 0, 65535, &fd))
		return error_set(e, FAIL_BAD_INPUT, "fd:%s: not a descriptor",
		    arg);
	return secret_read_fd(s, (int)fd, e);
}

static bool
read_file(struct secret *s, const char *path, struct error *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return error_errno(e,
		    errno == EACCES ? FAIL_PERMISSION : FAIL_NOT_FOUND,
		    "PIN file %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return error_set(e, FAIL_BAD_INPUT,
		    "PIN file %s: not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return error_set(e, FAIL_PERMISSION,
		    "PIN file %s: mode %04o, others may read it", path,
		    (unsigned)st.st_mode & 07777U);
	return secret_read_fd(s, fd, e);
}

static bool
read_credential(struct secret *s, const char *name, struct error *e)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	auto_mem char *path = NULL;

	if (dir == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "PIN credential %s: $CREDENTIALS_DIRECTORY is not set",
		    name);
	path = path_join(dir, name);
	return read_file(s, path, e);
}

/* Canonical mode: one read gives one line. */
static bool
read_line(struct secret *s, int tty, struct error *e)
{
	char line[LIMIT_PIN_BYTES + 2];
	ssize_t n;
	bool ok;

	do
		n = read(tty, line, sizeof(line));
	while (n < 0 && errno == EINTR);
	if (n > 0 && line[n - 1] == '\n')
		n--;
	ok = n > 0 && secret_set(s, line, (size_t)n);
	explicit_bzero(line, sizeof(line));
	return ok ? true : error_set(e, FAIL_ABORTED, "no PIN was entered");
}

static bool
read_prompt(struct secret *s, const char *prompt, struct error *e)
{
	auto_fd int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios old, quiet;
	bool ok;

	if (tty < 0 || tcgetattr(tty, &old) != 0)
		return error_set(e, FAIL_NOT_FOUND,
		    "PIN prompt: there is no terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
		return error_errno(e, FAIL_IO, "PIN prompt");
	ok = fd_write_all(tty, bytes_str(prompt), e) && read_line(s, tty, e);
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	return fd_write_all(tty, bytes_str("\n"), e) && ok;
}

static bool
read_source(struct secret *s, const struct hsm_pin_source *src, struct error *e)
{
	switch (src->kind) {
	case HSM_PIN_FD:
		return read_descriptor(s, src->arg, e);
	case HSM_PIN_FILE:
		return read_file(s, src->arg, e);
	case HSM_PIN_CREDENTIAL:
		return read_credential(s, src->arg, e);
	case HSM_PIN_PROMPT:
		return read_prompt(s, src->arg, e);
	}
	fatal("corrupt hsm_pin_kind %d", (int)src->kind);
}

DEFINE_AUTO(pin, struct secret *, secret_free)

struct secret *
hsm_pin_read(const struct hsm_pin_source *src, struct error *e)
{
	auto_cleanup(pin_cleanup) struct secret *s =
	    secret_new(LIMIT_PIN_BYTES);

	if (!read_source(s, src, e)) {
		(void)error_context(e, "PIN");
		return NULL;
	}
	return take(s);
}
