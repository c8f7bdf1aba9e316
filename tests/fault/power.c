/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/base/file.h>

#include "journal.h"
#include "power.h"

#define JOURNAL_MAX (4UL << 30)
#define SECTOR 512

struct call {
	struct journal_entry h;
	char *path; /* below the directory */
	const uint8_t *data;
	size_t synced_at; /* index of the sync that made it durable */
};
struct power {
	struct buf text;
	char *below;
	struct call *v;
	size_t n, cap;
};

static char *
relative(const struct power *p, const uint8_t *path, size_t n)
{
	size_t skip = strlen(p->below);

	if (n < skip || memcmp(path, p->below, skip) != 0)
		fatal("journal: %.*s is not below %s", (int)n, path, p->below);
	return mem_printf("%.*s", (int)(n - skip), path + skip);
}

static void
read_calls(struct power *p)
{
	const uint8_t *at = p->text.p, *end = at + p->text.n;
	struct call c;

	while (at < end) {
		memcpy(&c.h, at, sizeof(c.h));
		at += sizeof(c.h);
		c.path = relative(p, at, c.h.path);
		at += c.h.path;
		c.data = at;
		at += c.h.size;
		c.synced_at = SIZE_MAX;
		p->v = mem_grow(p->v, p->n, &p->cap, sizeof(*p->v));
		p->v[p->n++] = c;
	}
}

/* A sync covers every earlier call on its file. */
static void
find_syncs(struct power *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].h.kind != JOURNAL_SYNC)
			continue;
		for (size_t k = i; k-- > 0;) {
			struct call *c = &p->v[k];

			if (strcmp(c->path, p->v[i].path) != 0)
				continue;
			if (c->h.kind == JOURNAL_SYNC)
				break;
			if (c->synced_at == SIZE_MAX)
				c->synced_at = i;
		}
	}
}

struct power *
power_open(const char *journal, const char *below)
{
	struct power *p = mem_calloc(1, sizeof(*p));
	struct error e;

	p->below = mem_strdup(below);
	if (!file_read(journal, JOURNAL_MAX, &p->text, &e))
		fatal("%s", e.msg);
	read_calls(p);
	find_syncs(p);
	return p;
}

void
power_free(struct power *p)
{
	for (size_t i = 0; i < p->n; i++)
		mem_free(p->v[i].path);
	mem_free(p->v);
	mem_free(p->below);
	buf_free(&p->text);
	mem_free(p);
}

size_t
power_count(const struct power *p)
{
	return p->n;
}

/* xorshift64*: the same disk for the same seed. */
static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(2685821657736338717);
}

static int
open_file(const char *dir, const char *name)
{
	auto_mem char *path = mem_printf("%s%s", dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		fatal("%s: %s", path, strerror(errno));
	return fd;
}

static void
put(int fd, const struct call *c, size_t from, size_t n)
{
	if (pwrite(fd, c->data + from, n, (off_t)(c->h.offset + from)) !=
	    (ssize_t)n)
		fatal("pwrite: %s", strerror(errno));
}

/* All of it, nothing, or some of its sectors. */
static void
apply_write(const char *dir, const struct call *c, bool durable, uint64_t *seed)
{
	auto_fd int fd = open_file(dir, c->path);
	uint64_t dice = next_random(seed) % 4;

	if (durable || dice == 0) {
		put(fd, c, 0, c->h.size);
		return;
	}
	if (dice != 1)
		return;
	for (size_t at = 0; at < c->h.size; at += SECTOR)
		if ((next_random(seed) & 1) != 0)
			put(fd, c, at,
			    c->h.size - at < SECTOR ? c->h.size - at : SECTOR);
}

static void
apply_name(const char *dir, const struct power *p, const struct call *c)
{
	auto_mem char *from = mem_printf("%s%s", dir, c->path);
	auto_mem char *to = NULL;

	if (c->h.kind == JOURNAL_UNLINK) {
		(void)unlink(from);
		return;
	}
	to = mem_printf("%s%.*s", dir, (int)(c->h.size - strlen(p->below)),
	    (const char *)c->data + strlen(p->below));
	if ((c->h.kind == JOURNAL_RENAME ? rename(from, to) : link(from, to)) !=
	    0)
		fatal("%s: %s", from, strerror(errno));
}

void
power_cut(const struct power *p, size_t n, uint64_t seed, const char *dir)
{
	uint64_t s = seed * 2 + 1;

	for (size_t i = 0; i < n; i++) {
		const struct call *c = &p->v[i];
		bool durable = c->synced_at < n;

		if (c->h.kind == JOURNAL_WRITE) {
			apply_write(dir, c, durable, &s);
		} else if (c->h.kind == JOURNAL_TRUNCATE) {
			auto_fd int fd = open_file(dir, c->path);

			if ((durable || next_random(&s) % 2 == 0) &&
			    ftruncate(fd, (off_t)c->h.offset) != 0)
				fatal("ftruncate: %s", strerror(errno));
		} else if (c->h.kind != JOURNAL_SYNC) {
			apply_name(dir, p, c);
		}
	}
}
