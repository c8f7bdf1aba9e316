/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP/1.1 request out of a stream of octets (RFC 9112), strict. Pure: no sockets, no
 * clock. However the stream is cut, the result is the same: each octet is judged in its
 * order.
 *
 * Only CRLF ends a line; a field name is a token with its colon behind it; no folding;
 * one Host (RFC 9112 3.2); at most one Content-Length of 1 to 10 digits; no transfer
 * coding at all. Of an HTTP/1.0 request one answer is given and no more.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/limits.h>

enum http_parse_state {
	HTTP_PARSE_HEAD, /* more is needed                             */
	HTTP_PARSE_BODY, /* the head is whole, body octets are missing  */
	HTTP_PARSE_DONE,
	HTTP_PARSE_BAD /* see status and why; nothing more is taken */
};

/* A range of `raw`: the head is shorter than 64 KiB. */
struct http_span {
	uint16_t at, n;
};
struct http_field {
	struct http_span name, value;
};

struct http_parse {
	struct buf raw; /* head and body as sent */
	enum http_parse_state state;
	int status;      /* of BAD: 400, 413, 414, 417, 431, 501, 505 */
	const char *why; /* of BAD: one sentence */

	/* known once the head is whole */
	size_t head_n, body_n; /* octets of the head; declared length */
	struct http_span method, path, query;
	struct http_field fields[LIMIT_HTTP_FIELDS];
	unsigned n_fields;
	bool http10;
	bool close;            /* no further request may follow */
	bool expects_continue; /* RFC 9110 10.1.1 */

	/* within the head */
	size_t line; /* where the present line starts */
	bool any_line, skipped_blank, cr;
	bool has_host, has_length, has_coding;
};

/* All zero is the start. `body_max`: a longer Content-Length is 413 at the head. */
/* Takes of `in` what belongs to this request; returns how much that is. */
size_t http_parse_feed(struct http_parse *p, size_t body_max, struct bytes in);
/* Wipes and frees what was read. */
void http_parse_free(struct http_parse *p);

static inline struct bytes
http_parse_get(const struct http_parse *p, struct http_span s)
{
	return bytes_of(p->raw.p + s.at, s.n);
}
/* First field of that name, whatever its case; value without blanks around it. */
bool http_parse_field(const struct http_parse *p, const char *name,
    struct bytes *value);
/* The body; whole when DONE. */
struct bytes http_parse_body(const struct http_parse *p);
