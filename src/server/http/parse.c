/* SPDX-License-Identifier: Apache-2.0 */
/* The stream: octets, lines, body. What stands in a line is head.c's. */
#include <chancery/base/cleanup.h>

#include "chars.h"
#include "head.h"

/* Most requests without a large body are below it. */
#define RAW_FIRST 1024

bool
http_parse_bad(struct http_parse *p, int status, const char *why)
{
	p->state = HTTP_PARSE_BAD;
	p->status = status;
	p->why = why;
	return false;
}

/* Bodies hold passwords and heads hold tokens: what grows leaves nothing behind. */
static void
raw_reserve(struct buf *raw, size_t n)
{
	struct buf bigger = { 0 };

	if (raw->n + n <= raw->cap)
		return;
	(void)buf_reserve(&bigger, raw->n + n);
	buf_add_bytes(&bigger, buf_bytes(raw));
	if (raw->p != NULL)
		explicit_bzero(raw->p, raw->cap);
	buf_free(raw);
	*raw = bigger;
}

static void
raw_add(struct buf *raw, struct bytes in)
{
	/* Twice as much each time, so that many small pieces stay cheap. */
	if (raw->n + in.n > raw->cap)
		raw_reserve(raw, in.n > raw->n ? in.n : raw->n);
	buf_add_bytes(raw, in);
}

void
http_parse_free(struct http_parse *p)
{
	if (p->raw.p != NULL)
		explicit_bzero(p->raw.p, p->raw.cap);
	buf_free(&p->raw);
}

/* One octet of the head, at its place in the stream. */
static bool
octet_check(struct http_parse *p, size_t at, uint8_t c)
{
	if (at >= LIMIT_HTTP_HEAD_BYTES)
		return http_parse_bad(p, 431, "request head too large");
	if (!p->any_line &&
	    at - p->line > LIMIT_HTTP_METHOD_BYTES + LIMIT_HTTP_TARGET_BYTES +
		    sizeof(" ") + sizeof(" HTTP/1.1\r\n"))
		return http_parse_bad(p, 414, "request target too long");
	if (p->cr && c != '\n')
		return http_parse_bad(p, 400, "CR without LF");
	/* RFC 9112 2.2 lets a recipient take a bare LF; what takes it and what does not
	 * see different requests. */
	if (c == '\n')
		return p->cr ||
		    http_parse_bad(p, 400, "LF without CR in the head");
	p->cr = c == '\r';
	return p->cr || http_is(c, HTTP_VALUE) ||
	    http_parse_bad(p, 400, "control character in the head");
}

/* The line that has just ended, without its CRLF. */
static bool
line_take(struct http_parse *p, size_t body_max)
{
	struct http_span line = { (uint16_t)p->line,
		(uint16_t)(p->raw.n - 2 - p->line) };

	p->line = p->raw.n;
	p->cr = false;
	if (!p->any_line) {
		/* RFC 9112 2.2: at least one empty line before it is ignored. */
		if (line.n == 0 && !p->skipped_blank) {
			p->skipped_blank = true;
			return true;
		}
		p->any_line = true;
		return http_head_request_line(p, line);
	}
	if (line.n > 0)
		return http_head_field(p, line);
	if (!http_head_finish(p, body_max))
		return false;
	p->head_n = p->raw.n;
	p->state = p->body_n == 0 ? HTTP_PARSE_DONE : HTTP_PARSE_BODY;
	return true;
}

/* Up to the end of a line or of `in`; returns how much. */
static size_t
feed_line(struct http_parse *p, size_t body_max, struct bytes in)
{
	size_t n = 0;

	while (n < in.n) {
		if (!octet_check(p, p->raw.n + n, in.p[n]))
			return n;
		n++;
		if (in.p[n - 1] == '\n')
			break;
	}
	raw_add(&p->raw, bytes_of(in.p, n));
	if (in.p[n - 1] == '\n')
		(void)line_take(p, body_max);
	return n;
}

static size_t
feed_body(struct http_parse *p, struct bytes in)
{
	size_t want = p->head_n + p->body_n - p->raw.n;
	size_t n = in.n < want ? in.n : want;

	/* All at once where that is little or half of it is there; else as it comes, so
	 * that a claim costs nothing. */
	if (p->body_n <= LIMIT_HTTP_BODY_FREE || want <= p->raw.n)
		raw_reserve(&p->raw, want);
	raw_add(&p->raw, bytes_of(in.p, n));
	if (n == want)
		p->state = HTTP_PARSE_DONE;
	return n;
}

size_t
http_parse_feed(struct http_parse *p, size_t body_max, struct bytes in)
{
	size_t n = 0;

	if (p->raw.p == NULL)
		raw_reserve(&p->raw, RAW_FIRST);
	while (n < in.n && p->state == HTTP_PARSE_HEAD)
		n += feed_line(p, body_max, bytes_of(in.p + n, in.n - n));
	if (n < in.n && p->state == HTTP_PARSE_BODY)
		n += feed_body(p, bytes_of(in.p + n, in.n - n));
	return n;
}

bool
http_parse_field(const struct http_parse *p, const char *name,
    struct bytes *value)
{
	for (unsigned i = 0; i < p->n_fields; i++) {
		const struct http_field *f = &p->fields[i];

		if (http_same_name(http_parse_get(p, f->name),
			bytes_str(name))) {
			*value = http_parse_get(p, f->value);
			return true;
		}
	}
	*value = bytes_of(NULL, 0);
	return false;
}

struct bytes
http_parse_body(const struct http_parse *p)
{
	return bytes_of(p->raw.p + p->head_n, p->raw.n - p->head_n);
}
