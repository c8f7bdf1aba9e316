/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an answer, and the five ways to give one. */
#include <stdio.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>
#include <chancery/server/conditional.h>

#include "chars.h"
#include "internal.h"

/* Status line and the fields that every answer has. */
#define HEAD_ROOM 256

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *
phrase_of(int status)
{
	for (size_t i = 0; i < countof(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	/* It may be empty (RFC 9112 4). */
	return "";
}

/* RFC 9110 6.6.1; made once a second. */
static const char *
date_line(struct http_worker *w)
{
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	char date[HTTP_DATE_SIZE];

	if (now_s == w->date_s)
		return w->date;
	http_date_format(now_s, date);
	(void)snprintf(w->date, sizeof(w->date), "Date: %s\r\n", date);
	w->date_s = now_s;
	return w->date;
}

/* RFC 9110 6.4.1: neither body nor length. */
static bool
is_bodiless(int status)
{
	return status == 204 || status == 304;
}

static void
add_field(struct buf *out, const char *name, const char *value)
{
	buf_add_str(out, name);
	buf_add(out, ": ", 2);
	buf_add_str(out, value);
	buf_add(out, "\r\n", 2);
}

static void
add_length(struct buf *out, uint64_t n)
{
	buf_add_str(out, "Content-Length: ");
	buf_add_int(out, (int64_t)n);
	buf_add(out, "\r\n", 2);
}

static void
add_framing(struct http_exchange *x, struct buf *out)
{
	if (is_bodiless(x->status))
		return;
	if (x->kind_of_body == BODY_STREAM_SIZED)
		add_length(out, x->left);
	else if (x->kind_of_body != BODY_STREAM)
		add_length(out, x->body_n);
	else if (!x->in.http10)
		buf_add_str(out, "Transfer-Encoding: chunked\r\n");
}

static void
head_build(struct http_exchange *x, const char *content_type)
{
	struct buf *out = &x->front;

	(void)buf_reserve(out, HEAD_ROOM + x->headers.n);
	buf_add_str(out, "HTTP/1.1 ");
	buf_add_int(out, x->status);
	buf_add_byte(out, ' ');
	buf_add_str(out, phrase_of(x->status));
	buf_add(out, "\r\n", 2);
	buf_add_str(out, date_line(x->w));
	if (content_type != NULL)
		add_field(out, "Content-Type", content_type);
	add_framing(x, out);
	buf_add_bytes(out, buf_bytes(&x->headers));
	if (x->close)
		buf_add_str(out, "Connection: close\r\n");
	buf_add_str(out, "\r\n");
}

/* The body is set; say it. */
static void
answer(struct http_exchange *x, int status, const char *content_type)
{
	if (x->answered)
		fatal("an exchange was answered twice");
	x->answered = true;
	x->status = status;
	x->close = x->refused || x->in.close || x->w->stopping;
	head_build(x, content_type);
	if (is_bodiless(status) ||
	    bytes_eq(http_method(x), bytes_str("HEAD"))) {
		x->body_n = 0;
		x->more = false;
	}
	http_output_start(x);
}

void
http_set_header(struct http_exchange *x, const char *name, const char *value)
{
	if (!http_all(bytes_str(name), HTTP_TCHAR) ||
	    !http_all(bytes_str(value), HTTP_VALUE))
		return;
	add_field(&x->headers, name, value);
}

void
http_send(struct http_exchange *x, int status, const char *content_type,
    struct bytes body)
{
	x->kind_of_body = BODY_MEMORY;
	x->body = body;
	x->body_n = body.n;
	answer(x, status, content_type);
}

void
http_send_secret(struct http_exchange *x, int status, const char *content_type,
    struct secret *body)
{
	x->kind_of_body = BODY_SECRET;
	x->secret = body;
	x->body = bytes_of(secret_data(body), secret_len(body));
	x->body_n = x->body.n;
	answer(x, status, content_type);
}

void
http_send_file(struct http_exchange *x, int status, const char *content_type,
    int fd, uint64_t offset, uint64_t length)
{
	x->kind_of_body = BODY_FILE;
	x->file = fd;
	x->file_at = offset;
	x->body_n = length;
	answer(x, status, content_type);
}

void
http_send_stream(struct http_exchange *x, int status, const char *content_type,
    http_next_fn *next, void (*release)(void *arg), void *arg)
{
	x->kind_of_body = BODY_STREAM;
	x->next = next;
	x->release = release;
	x->arg = arg;
	x->more = true;
	answer(x, status, content_type);
}

void
http_send_stream_sized(struct http_exchange *x, int status,
    const char *content_type, uint64_t length, http_next_fn *next,
    void (*release)(void *arg), void *arg)
{
	x->kind_of_body = BODY_STREAM_SIZED;
	x->next = next;
	x->release = release;
	x->arg = arg;
	x->left = length;
	x->more = length > 0;
	answer(x, status, content_type);
}

void
http_on_sent(struct http_exchange *x,
    void (*fn)(void *arg, int status, uint64_t bytes), void *arg)
{
	x->on_sent = fn;
	x->on_sent_arg = arg;
}

void
http_refuse(struct http_exchange *x, int status, const char *why)
{
	const struct http_config *cfg = &x->w->shared->cfg;
	auto_buf struct buf body = { 0 };
	struct json_writer w;

	json_begin(&w, &body);
	json_object_begin(&w);
	json_key(&w, "errors");
	json_array_begin(&w);
	json_str(&w, why);
	json_array_end(&w);
	json_object_end(&w);
	buf_add_byte(&body, '\n');
	atomic_fetch_add(&x->w->shared->refused, 1);
	x->refused = true;
	if (cfg->refused != NULL)
		cfg->refused(cfg->arg, http_peer(x), status, why);
	http_set_header(x, "Cache-Control", "no-store");
	http_send(x, status, "application/json", buf_bytes(&body));
}
