/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/alloc.h>
#include <chancery/base/error.h>

static void *
checked(void *p)
{
	if (p == NULL)
		fatal("out of memory");
	return p;
}

void *
mem_alloc(size_t n)
{
	return checked(malloc(n == 0 ? 1 : n));
}

void *
mem_calloc(size_t n, size_t size)
{
	return checked(calloc(n == 0 ? 1 : n, size == 0 ? 1 : size));
}

void *
mem_realloc(void *p, size_t n)
{
	return checked(realloc(p, n == 0 ? 1 : n));
}

char *
mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

void *
mem_dup(const void *p, size_t n)
{
	void *q = mem_alloc(n);

	if (n > 0)
		memcpy(q, p, n);
	return q;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}

void
mem_free(void *p)
{
	free(p);
}

void
mem_free_wiped(void *p)
{
	if (p == NULL)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void *
mem_realloc_wiped(void *p, size_t n)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *q;

	if (p != NULL && n <= had && n >= had / 2)
		return p;
	q = mem_alloc(n);
	if (p != NULL)
		memcpy(q, p, had < n ? had : n);
	mem_free_wiped(p);
	return q;
}

/* jemalloc's, where a program is linked with it. */
extern int mallctl(const char *name, void *old, size_t *old_n, void *new,
    size_t new_n) __attribute__((weak));

/* 4096: all arenas (MALLCTL_ARENAS_ALL). */
void
mem_decay(void)
{
	if (mallctl != NULL)
		(void)mallctl("arena.4096.decay", NULL, NULL, NULL, 0);
}

void *
mem_grow(void *p, size_t n, size_t *cap, size_t size)
{
	size_t want, total;

	if (n < *cap)
		return p;
	want = *cap == 0 ? 8 : *cap * 2;
	if (__builtin_mul_overflow(want, size, &total) || want <= *cap)
		fatal("array too large");
	p = mem_realloc(p, total);
	*cap = want;
	return p;
}
