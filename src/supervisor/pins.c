/* SPDX-License-Identifier: Apache-2.0 */
/* Where PINs come from. They pass through here as descriptors: no function below reads
 * one, except for the one that stands in the configuration, which was read with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/wire/peer.h>

#include "supervisor.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char *
after(const char *source, const char *prefix)
{
	size_t n = strlen(prefix);

	if (source == NULL || strncmp(source, prefix, n) != 0)
		return NULL;
	return source + n;
}

static bool
is_prompt(const struct pin *p)
{
	return after(p->source, "prompt") != NULL;
}

/* The path of a file or credential; NULL for the other sources. */
static char *
pin_path(const struct pin *p)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	const char *name = after(p->source, "credential:");
	const char *path = service_pin_file(p->source);

	if (path != NULL)
		return mem_strdup(path);
	if (name == NULL || dir == NULL || strchr(name, '/') != NULL)
		return NULL;
	return path_join(dir, name);
}

static void
pin_drop_memfd(struct pin *p)
{
	if (p->memfd >= 0)
		(void)close(p->memfd);
	p->memfd = -1;
}

static void
pin_free(struct pin *p)
{
	pin_drop_memfd(p);
	mem_free(p->token);
	mem_free(p->source);
}

void
pins_close(struct pins *p)
{
	for (size_t i = 0; i < p->n; i++)
		pin_free(&p->v[i]);
	p->n = 0;
}

/* ---- fd:N ------------------------------------------------------------------- */

/* From a pipe or a file into a memfd inside the kernel. */
static bool
move_bytes(int from, int to)
{
	for (;;) {
		ssize_t n =
		    splice(from, NULL, to, NULL, LIMIT_PIN_BYTES + 2, 0);

		if (n < 0 && errno == EINVAL)
			n = sendfile(to, from, NULL, LIMIT_PIN_BYTES + 2);
		if (n <= 0)
			return n == 0;
	}
}

/* Once: a pipe gives its bytes to one reader, a restarted signer needs them again. */
static bool
keep_descriptor(struct pin *p, const char *number, struct error *e)
{
	auto_fd int to = -1;
	uint64_t fd;

	if (!parse_u64(number, 3, 65535, &fd))
		return error_set(e, FAIL_BAD_INPUT,
		    "token %s: pin fd:%s: not a descriptor from 3 on", p->token,
		    number);
	to = memfd_create("pin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0 || !move_bytes((int)fd, to) ||
	    fcntl(to, F_ADD_SEALS, SEALS) != 0)
		return error_errno(e, FAIL_IO, "token %s: pin fd:%s", p->token,
		    number);
	(void)close((int)fd);
	p->memfd = take_fd(&to);
	return true;
}

/* ---- in the configuration itself --------------------------------------------- */

static bool
keep_inline(struct pin *p, char *pin, struct error *e)
{
	p->memfd = peer_memfd(bytes_str(pin), e);
	explicit_bzero(pin, strlen(pin));
	return p->memfd >= 0;
}

static bool
same_memfd(int a, int b)
{
	uint8_t x[LIMIT_PIN_BYTES + 2], y[LIMIT_PIN_BYTES + 2];
	ssize_t n = pread(a, x, sizeof(x), 0), m = pread(b, y, sizeof(y), 0);
	bool same = n > 0 && n == m && crypto_equal(x, y, (size_t)n);

	explicit_bzero(x, sizeof(x));
	explicit_bzero(y, sizeof(y));
	return same;
}

/* ---- load --------------------------------------------------------------------- */

static struct pin *
pin_of_token(struct pins *p, const char *token)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].token, token) == 0)
			return &p->v[i];
	return NULL;
}

/* What is known of a token whose source did not change. */
static void
carry_over(struct pins *old, struct pin *p)
{
	struct pin *was = pin_of_token(old, p->token);

	if (was == NULL || (was->source == NULL) != (p->source == NULL))
		return;
	if (p->source == NULL) {
		p->refused = was->refused && same_memfd(was->memfd, p->memfd);
		return;
	}
	if (strcmp(was->source, p->source) != 0)
		return;
	p->refused = was->refused;
	p->mark = was->mark;
	/* Shared: when the new configuration fails, the old one still has it. */
	if (was->memfd >= 0)
		p->memfd = fcntl(was->memfd, F_DUPFD_CLOEXEC, 0);
}

static bool
pin_load(struct pin *p, struct pins *old, struct service_token *t,
    struct error *e)
{
	const char *number;

	*p = (struct pin){ .token = mem_strdup(t->name), .memfd = -1 };
	if (t->pin != NULL)
		p->source = mem_strdup(t->pin);
	else if (!keep_inline(p, t->pin_in_this_file_i_accept_the_risk, e))
		return false;
	t->pin_in_this_file_i_accept_the_risk = NULL;
	carry_over(old, p);
	number = after(p->source, "fd:");
	return number == NULL || p->memfd >= 0 || keep_descriptor(p, number, e);
}

bool
pins_load(struct pins *p, struct service_config *cfg, struct error *e)
{
	struct service_token *t = cfg->tokens.v;
	struct pins now = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < cfg->tokens.n; i++)
		ok = pin_load(&now.v[now.n++], p, &t[i], e);
	if (!ok) {
		pins_close(&now);
		return false;
	}
	now.by_signer = p->by_signer;
	pins_close(p);
	*p = now;
	return true;
}

void
pins_prompt(struct pins *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *text = after(p->v[i].source, "prompt:");
		auto_mem char *own = NULL;
		struct error e = { 0 };

		if (!is_prompt(&p->v[i]) || p->v[i].memfd >= 0)
			continue;
		own = text != NULL
		    ? mem_strdup(text)
		    : mem_printf("PIN of token %s: ", p->v[i].token);
		p->v[i].memfd = prompt_pin(own, &e);
		if (p->v[i].memfd < 0)
			log_line(LOG_LEVEL_WARNING,
			    "token %s: %s; \"chancery unseal\" gives its PIN",
			    p->v[i].token, e.msg);
	}
}

/* ---- use ---------------------------------------------------------------------- */

static struct pin_mark
mark_of(const struct stat *st)
{
	return (struct pin_mark){ st->st_dev, st->st_ino, (uint64_t)st->st_size,
		st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec,
		st->st_ctim.tv_sec * 1000000000LL + st->st_ctim.tv_nsec };
}

/* A new description of the same bytes: readers do not share a position. */
static int
reopen(int memfd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int
open_file(struct pin *p, struct error *e)
{
	auto_mem char *path = pin_path(p);
	auto_fd int fd = -1;
	struct stat st;

	if (path == NULL) {
		error_set(e, FAIL_PIN, "token %s: its PIN is missing",
		    p->token);
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0) {
		error_errno(e, FAIL_PIN, "token %s: %s", p->token, path);
		return -1;
	}
	p->mark = mark_of(&st);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
		error_set(e, FAIL_PIN, "token %s: %s: %s", p->token, path,
		    S_ISREG(st.st_mode) ? "others may read it"
					: "not a regular file");
		return -1;
	}
	return take_fd(&fd);
}

static int
pin_open(struct pin *p, struct error *e)
{
	int fd;

	if (p->refused) {
		error_set(e, FAIL_PIN, "token %s: its PIN was refused",
		    p->token);
		return -1;
	}
	if (p->memfd < 0)
		return open_file(p, e);
	fd = reopen(p->memfd);
	if (fd < 0)
		error_errno(e, FAIL_PIN, "token %s", p->token);
	return fd;
}

/* A file or credential that its own unit has; what it is now, should it be refused. */
static bool
left_to_signer(const struct pins *p, struct pin *v)
{
	auto_mem char *path = NULL;
	struct stat st;

	if (!p->by_signer || v->memfd >= 0 || v->refused || is_prompt(v))
		return false;
	path = pin_path(v);
	if (path != NULL && stat(path, &st) == 0)
		v->mark = mark_of(&st);
	return true;
}

bool
pins_open(struct pins *p, int fd[SERVICE_TOKENS_MAX], struct error *e)
{
	for (size_t i = 0; i < p->n; i++) {
		if (left_to_signer(p, &p->v[i])) {
			fd[i] = -1;
			continue;
		}
		fd[i] = pin_open(&p->v[i], e);
		p->v[i].failed = fd[i] < 0 && !p->v[i].refused;
		if (fd[i] >= 0)
			continue;
		while (i-- > 0)
			if (fd[i] >= 0)
				(void)close(fd[i]);
		return false;
	}
	return true;
}

void
pins_refused(struct pins *p, uint32_t i)
{
	p->unsure = i == UINT32_MAX;
	for (size_t k = 0; k < p->n; k++)
		if (i == UINT32_MAX || i == k)
			p->v[k].refused = true;
}

/* One was replaced: where the signer did not say which it was, it may have been this. */
static void
replaced(struct pins *p, struct pin *v)
{
	v->refused = false;
	for (size_t k = 0; p->unsure && k < p->n; k++)
		p->v[k].refused = false;
	p->unsure = false;
}

/* Another file in the place of one that was refused, or of none: a new PIN. */
static bool
is_new_file(struct pin *p)
{
	auto_mem char *path = p->memfd < 0 ? pin_path(p) : NULL;
	struct pin_mark now;
	struct stat st;

	if (path == NULL || stat(path, &st) != 0)
		return false;
	now = mark_of(&st);
	return memcmp(&now, &p->mark, sizeof(now)) != 0;
}

bool
pins_ready(struct pins *p)
{
	bool ready = true;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].refused && is_new_file(&p->v[i]))
			replaced(p, &p->v[i]);
	for (size_t i = 0; i < p->n; i++) {
		struct pin *v = &p->v[i];

		ready = ready && !v->refused &&
		    (v->memfd >= 0 || !v->failed || is_new_file(v));
	}
	return ready;
}

const char *
pin_trouble(const struct pin *p)
{
	if (p->refused)
		return "refused";
	return p->failed && p->memfd < 0 ? "missing" : NULL;
}

bool
pins_give(struct pins *p, const char *token, int memfd, struct error *e)
{
	struct pin *v = pin_of_token(p, token);
	int seals = fcntl(memfd, F_GET_SEALS);
	struct stat st;

	if (v == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "there is no token \"%s\" in the configuration", token);
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(memfd, &st) != 0 ||
	    st.st_size == 0 || st.st_size > LIMIT_PIN_BYTES + 2)
		return error_set(e, FAIL_BAD_INPUT,
		    "a PIN comes in a sealed memfd");
	pin_drop_memfd(v);
	v->memfd = memfd;
	replaced(p, v);
	return true;
}
