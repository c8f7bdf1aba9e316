/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/secret_source.h>
#include <chancery/base/text.h>

static const struct {
	const char *prefix;
	enum secret_source_kind kind;
	bool arg; /* something must follow                                    */
} kinds[] = {
	{ "fd:", SECRET_FD, true },
	{ "file:", SECRET_FILE, true },
	{ "credential:", SECRET_CREDENTIAL, true },
	{ "prompt:", SECRET_PROMPT, true },
	{ "prompt", SECRET_PROMPT, false },
};

static bool
check_arg(const struct secret_source *s, const char *what, struct error *e)
{
	uint64_t fd;

	switch (s->kind) {
	case SECRET_FD:
		if (!parse_u64(s->arg, 0, 65535, &fd))
			return error_set(e, FAIL_BAD_INPUT,
			    "%s source fd:%s: not a descriptor", what, s->arg);
		return true;
	case SECRET_CREDENTIAL:
		/* systemd.exec(5): a file name, never a path. */
		if (strchr(s->arg, '/') != NULL || s->arg[0] == '.')
			return error_set(e, FAIL_BAD_INPUT,
			    "%s source credential:%s: not a credential name",
			    what, s->arg);
		return true;
	case SECRET_FILE:
	case SECRET_PROMPT:
		return true;
	}
	fatal("corrupt secret_source_kind %d", (int)s->kind);
}

bool
secret_source_parse(const char *text, const char *what,
    struct secret_source *out, struct error *e)
{
	for (size_t i = 0; i < countof(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);
		struct secret_source s = { kinds[i].kind, NULL };

		if (strncmp(text, kinds[i].prefix, n) != 0 ||
		    kinds[i].arg == (text[n] == '\0'))
			continue;
		if (kinds[i].arg)
			s.arg = text + n;
		if (!check_arg(&s, what, e))
			return false;
		*out = s;
		return true;
	}
	/* Not repeated in the text: it might be the secret itself. */
	return error_set(e, FAIL_BAD_INPUT,
	    "%s source: want fd:N, file:/path, credential:NAME or prompt",
	    what);
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
		    "file %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return error_set(e, FAIL_BAD_INPUT,
		    "file %s: not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return error_set(e, FAIL_PERMISSION,
		    "file %s: mode %04o, others may read it", path,
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
		    "credential %s: $CREDENTIALS_DIRECTORY is not set", name);
	path = path_join(dir, name);
	return read_file(s, path, e);
}

/* Canonical mode: one read gives one line. */
static bool
read_line(struct secret *s, int tty, struct error *e)
{
	char line[LIMIT_PROMPT_BYTES];
	ssize_t n;
	bool ok;

	do
		n = read(tty, line, sizeof(line));
	while (n < 0 && errno == EINTR);
	if (n > 0 && line[n - 1] == '\n')
		n--;
	ok = n > 0 && secret_set(s, line, (size_t)n);
	explicit_bzero(line, sizeof(line));
	return ok ? true : error_set(e, FAIL_ABORTED, "none was entered");
}

static bool
read_prompt(struct secret *s, const char *what, const char *text,
    struct error *e)
{
	auto_mem char *prompt =
	    text != NULL ? mem_strdup(text) : mem_printf("%s: ", what);
	auto_fd int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios old, quiet;
	bool ok;

	if (tty < 0 || tcgetattr(tty, &old) != 0)
		return error_set(e, FAIL_NOT_FOUND,
		    "prompt: there is no terminal");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
		return error_errno(e, FAIL_IO, "prompt");
	ok = fd_write_all(tty, bytes_str(prompt), e) && read_line(s, tty, e);
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	return fd_write_all(tty, bytes_str("\n"), e) && ok;
}

static bool
read_source(struct secret *s, const struct secret_source *src, const char *what,
    struct error *e)
{
	switch (src->kind) {
	case SECRET_FD:
		return read_descriptor(s, src->arg, e);
	case SECRET_FILE:
		return read_file(s, src->arg, e);
	case SECRET_CREDENTIAL:
		return read_credential(s, src->arg, e);
	case SECRET_PROMPT:
		return read_prompt(s, what, src->arg, e);
	}
	fatal("corrupt secret_source_kind %d", (int)src->kind);
}

struct secret *
secret_source_read(const struct secret_source *src, const char *what,
    size_t max, struct error *e)
{
	auto_secret struct secret *s = secret_new(max);

	if (!read_source(s, src, what, e)) {
		(void)error_context(e, "%s", what);
		return NULL;
	}
	return take(s);
}

struct secret *
secret_from(const char *text, const char *what, size_t max, struct error *e)
{
	struct secret_source src;

	return secret_source_parse(text, what, &src, e)
	    ? secret_source_read(&src, what, max, e)
	    : NULL;
}
