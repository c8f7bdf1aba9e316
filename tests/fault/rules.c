/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "rules.h"

_Noreturn static void
bad(const char *what, const char *text)
{
	(void)fprintf(stderr, "fault rules: %s: %s\n", what, text);
	abort();
}

_Noreturn void
fault_kill(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

void
fault_sleep(unsigned ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		;
}

/* ---- parsing ----------------------------------------------------------- */

static unsigned long
number(const char *text)
{
	static const struct {
		const char *name;
		unsigned long value;
	} names[] = { { "ENOSPC", ENOSPC }, { "EIO", EIO },
		{ "EDQUOT", EDQUOT }, { "EROFS", EROFS },
		{ "EACCES", EACCES } };
	char *end;
	unsigned long v;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i].name) == 0)
			return names[i].value;
	errno = 0;
	v = strtoul(text, &end, 0);
	if (*text == '\0' || *end != '\0' || errno != 0)
		bad("not a number", text);
	return v;
}

static void
set_kill(struct rule *r, const char *v)
{
	static const char *const names[] = { "", "before", "after", "torn" };

	for (unsigned i = KILL_BEFORE; i <= KILL_TORN; i++)
		if (strcmp(v, names[i]) == 0) {
			r->kill = (enum rule_kill)i;
			return;
		}
	bad("kill", v);
}

static void
copy_name(char out[RULE_NAME_MAX], const char *v)
{
	size_t n = strlen(v);

	if (n == 0 || n >= RULE_NAME_MAX)
		bad("name", v);
	memcpy(out, v, n + 1);
}

static void
set_option(struct rule *r, const char *key, const char *v)
{
	if (strcmp(key, "sleep_ms") == 0) {
		r->sleep_ms = (unsigned)number(v);
	} else if (strcmp(key, "rv") == 0 || strcmp(key, "errno") == 0) {
		r->has_value = true;
		r->value = number(v);
	} else if (strcmp(key, "kill") == 0) {
		set_kill(r, v);
	} else if (strcmp(key, "nth") == 0) {
		r->nth = number(v);
	} else if (strcmp(key, "from") == 0) {
		r->from = number(v);
	} else if (strcmp(key, "to") == 0) {
		r->to = number(v);
	} else if (strcmp(key, "call") == 0) {
		copy_name(r->call, v);
	} else if (strcmp(key, "real") == 0) {
		r->real = true;
	} else if (strcmp(key, "corrupt") == 0) {
		r->corrupt = true;
	} else if (strcmp(key, "add") == 0) {
		r->add = number(v);
	} else if (strcmp(key, "hang") == 0) {
		r->hang = true;
	} else if (strcmp(key, "count") != 0) {
		bad("unknown option", key);
	}
}

static void
parse_rule(char *text, struct rule *r)
{
	char *save = NULL, *part = strtok_r(text, ":", &save);

	*r = (struct rule){ .nth = 0 };
	if (part == NULL)
		bad("empty rule", "");
	copy_name(r->name, part);
	while ((part = strtok_r(NULL, ":", &save)) != NULL) {
		char *eq = strchr(part, '=');

		if (eq != NULL)
			*eq++ = '\0';
		set_option(r, part, eq != NULL ? eq : "");
	}
}

void
rules_parse(const char *text, struct rules *out)
{
	char copy[4096], *save = NULL;

	out->n = 0;
	if (text == NULL)
		return;
	if (strlen(text) >= sizeof(copy))
		bad("too long", text);
	memcpy(copy, text, strlen(text) + 1);
	for (char *r = strtok_r(copy, ";", &save); r != NULL;
	     r = strtok_r(NULL, ";", &save)) {
		if (out->n == RULES_MAX)
			bad("too many", text);
		parse_rule(r, &out->v[out->n++]);
	}
}

bool
rule_hits(struct rule *r, const char *name)
{
	if (strcmp(r->name, "*") != 0 && strcmp(r->name, name) != 0)
		return false;
	r->seen++;
	if (r->nth != 0 && r->seen != r->nth)
		return false;
	if (r->from != 0 && r->seen < r->from)
		return false;
	return r->to == 0 || r->seen <= r->to;
}

/* ---- counts ------------------------------------------------------------ */

#define LINE_SIZE 40

void
counts_open(struct counts *c, const char *path, const char *const *names,
    size_t n)
{
	int fd;

	c->map = NULL;
	if (path == NULL)
		return;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* Not ftruncate: in the preload library that would be our own. */
	if (fd < 0 || posix_fallocate(fd, 0, (off_t)(n * LINE_SIZE)) != 0)
		bad("counts file", path);
	c->map = mmap(NULL, n * LINE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	(void)close(fd);
	if (c->map == MAP_FAILED)
		bad("counts file", path);
	c->lines = n;
	for (size_t i = 0; i < n; i++) {
		char line[LINE_SIZE + 1];

		(void)snprintf(line, sizeof(line), "%-28.28s %010u\n", names[i],
		    0U);
		memcpy(c->map + i * LINE_SIZE, line, LINE_SIZE);
	}
}

void
counts_set(const struct counts *c, size_t line, unsigned long n)
{
	char digits[11];

	if (c->map == NULL)
		return;
	(void)snprintf(digits, sizeof(digits), "%010lu", n % 10000000000UL);
	memcpy(c->map + line * LINE_SIZE + 29, digits, 10);
}
