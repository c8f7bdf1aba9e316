/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * struct bytes: a borrowed range. struct buf: owned, growable.
 * Neither is for secrets (secret.h).
 */
#include <stdarg.h>
#include <string.h>

#include <chancery/base/attr.h>

struct bytes {
	const uint8_t *p;
	size_t n;
};

struct buf {
	uint8_t *p;
	size_t n, cap;
};

static inline struct bytes
bytes_of(const void *p, size_t n)
{
	return (struct bytes){ p, n };
}

static inline struct bytes
bytes_str(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

static inline struct bytes
buf_bytes(const struct buf *b)
{
	return (struct bytes){ b->p, b->n };
}

/* Not constant time: for public data only. */
static inline bool
bytes_eq(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Order by octets, shorter first when one is a prefix. */
int bytes_cmp(struct bytes a, struct bytes b);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_bytes(struct buf *b, struct bytes v);
void buf_add_str(struct buf *b, const char *s);
void buf_add_byte(struct buf *b, uint8_t c);
void buf_addf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) printf_like(2, 0);
/* Make room for n more and return where they go; then buf_commit(n). */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* Keep the memory, drop the contents. */
static inline void
buf_reset(struct buf *b)
{
	b->n = 0;
}
void buf_free(struct buf *b);
/* A NUL after the contents (not counted); returns the text. */
const char *buf_cstr(struct buf *b);
/* Hand over the memory as a NUL-terminated string; the buffer is empty. */
char *buf_take_str(struct buf *b) must_check;
