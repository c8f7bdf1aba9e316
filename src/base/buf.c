/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/alloc.h>
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

int
bytes_cmp(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap;

	if (__builtin_add_overflow(b->n, n, &need))
		fatal("buffer too large");
	if (need > b->cap || b->p == NULL) {
		cap = b->cap < 64 ? 64 : b->cap;
		while (cap < need)
			cap = cap > SIZE_MAX / 2 ? need : cap * 2;
		b->p = mem_realloc(b->p, cap);
		b->cap = cap;
	}
	return b->p + b->n;
}

void
buf_commit(struct buf *b, size_t n)
{
	b->n += n;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->n += n;
}

void
buf_add_bytes(struct buf *b, struct bytes v)
{
	buf_add(b, v.p, v.n);
}

void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_add_byte(struct buf *b, uint8_t c)
{
	*buf_reserve(b, 1) = c;
	b->n++;
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	size_t room;
	int n;

	/* Mostly there is room; formatting twice to know costs twice. */
	(void)buf_reserve(b, 32);
	room = b->cap - b->n;
	va_copy(again, ap);
	n = vsnprintf((char *)b->p + b->n, room, fmt, again);
	va_end(again);
	if (n < 0)
		fatal("buf_vaddf: bad format");
	if ((size_t)n >= room)
		(void)vsnprintf((char *)buf_reserve(b, (size_t)n + 1),
		    (size_t)n + 1, fmt, ap);
	b->n += (size_t)n;
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_free(struct buf *b)
{
	mem_free(b->p);
	*b = (struct buf){ 0 };
}

const char *
buf_cstr(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return (const char *)b->p;
}

char *
buf_take_str(struct buf *b)
{
	char *s;

	(void)buf_cstr(b);
	s = (char *)b->p;
	*b = (struct buf){ 0 };
	return s;
}
