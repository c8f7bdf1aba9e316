/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer on its way. Its octets are `front` (the head; of a stream the present
 * piece) and then the body; x->at says how many are out. The same octets are gathered
 * again when a write has to be repeated, as SSL_write demands.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "internal.h"

/* Of a sized stream: the length is out already. */
static bool
keeps_its_length(struct http_exchange *x)
{
	if (x->kind_of_body != BODY_STREAM_SIZED)
		return true;
	if (x->copy.n > x->left)
		return false;
	x->left -= x->copy.n;
	return x->more || x->left == 0;
}

/* The next piece of a stream, in front. */
static bool
next_piece(struct http_exchange *x)
{
	struct error e = { 0 };
	bool chunked = !x->in.http10 && x->kind_of_body == BODY_STREAM;

	buf_reset(&x->front);
	buf_reset(&x->copy);
	x->at = 0;
	x->more = x->next(x->arg, &x->copy, &e);
	if ((!x->more && e.why != FAIL_NONE) || !keeps_its_length(x))
		return false;
	if (x->copy.n > 0 && chunked)
		buf_addf(&x->front, "%zx\r\n", x->copy.n);
	buf_add_bytes(&x->front, buf_bytes(&x->copy));
	if (x->copy.n > 0 && chunked)
		buf_add_str(&x->front, "\r\n");
	if (!x->more && chunked)
		buf_add_str(&x->front, "0\r\n\r\n");
	return true;
}

static bool
body_copy(struct http_exchange *x, uint64_t at, uint8_t *out, size_t n)
{
	size_t got = 0;

	if (x->kind_of_body != BODY_FILE) {
		memcpy(out, x->body.p + at, n);
		return true;
	}
	while (got < n) {
		ssize_t r = pread(x->file, out + got, n - got,
		    (off_t)(x->file_at + at + got));

		if (r < 0 && errno == EINTR)
			continue;
		/* Shorter than was promised: the length is out already. */
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	return true;
}

/* Up to `cap` octets from x->at on; none: all are out. */
static bool
gather(struct http_exchange *x, uint8_t *out, size_t cap, size_t *n)
{
	uint64_t left, m;

	*n = 0;
	while (x->at == x->front.n && x->more)
		if (!next_piece(x))
			return false;
	if (x->at < x->front.n) {
		*n = x->front.n - (size_t)x->at;
		*n = *n < cap ? *n : cap;
		memcpy(out, x->front.p + x->at, *n);
	}
	left = x->front.n + x->body_n - x->at - *n;
	m = left < cap - *n ? left : cap - *n;
	if (m == 0)
		return true;
	if (!body_copy(x, x->at + *n - x->front.n, out + *n, (size_t)m))
		return false;
	*n += (size_t)m;
	return true;
}

/* The answer is out: the next request, or the end. */
static void
output_done(struct http_conn *c)
{
	struct http_exchange *x = c->x;
	bool close = x->close, unread = x->refused || c->pending.n > 0;

	c->x = NULL;
	x->c = NULL;
	http_conn_want_write(c, false);
	http_exchange_end(x);
	if (close && unread) {
		http_conn_linger(c);
		return;
	}
	if (close || (c->w->stopping && c->pending.n == 0)) {
		http_conn_close(c);
		return;
	}
	http_conn_enter(c, CONN_IDLE, LIMIT_HTTP_IDLE_MS);
	if (!c->eof) {
		http_conn_want_read(c, true);
		if (http_io_has_more(c))
			http_conn_again(c);
	}
	http_input_step(c);
}

/* Go on when the socket has room: the deadline moves with what has left, at the slowest
 * rate that we wait for. */
static void
output_wait(struct http_conn *c)
{
	const struct http_exchange *x = c->x;

	http_conn_want_write(c, true);
	http_wheel_set(c,
	    x->reply_ms + LIMIT_HTTP_REPLY_MS +
		(int64_t)(x->sent * 1000 / LIMIT_HTTP_SLOWEST_PER_S));
}

enum progress {
	GOES_ON,
	WAITS,
	DONE,
	BROKEN
};

static enum progress
write_once(struct http_conn *c)
{
	struct http_exchange *x = c->x;
	uint8_t *out = c->w->out;
	size_t cap =
	    c->ssl != NULL ? LIMIT_HTTP_RECORD_BYTES : HTTP_SCRATCH_BYTES;
	size_t n, written;
	enum http_io io;

	if (!gather(x, out, cap, &n))
		return BROKEN;
	if (n == 0)
		return DONE;
	io = http_io_write(c, out, n, &written);
	/* Tokens and keys stand in answers. */
	explicit_bzero(out, n);
	if (io == HTTP_IO_AGAIN)
		return WAITS;
	if (io != HTTP_IO_OK)
		return BROKEN;
	x->at += written;
	x->sent += written;
	return GOES_ON;
}

void
http_output_go_on(struct http_conn *c)
{
	uint64_t turn = c->x->sent + LIMIT_HTTP_TURN_BYTES;
	enum progress p = GOES_ON;

	http_conn_hold(c);
	while (p == GOES_ON && c->x->sent < turn)
		p = write_once(c);
	if (p == BROKEN) {
		http_io_abort(c);
		http_conn_close(c);
	} else if (p == DONE) {
		output_done(c);
	} else {
		output_wait(c);
	}
	http_conn_release(c);
}

/* What was lent for the call is needed longer. */
static void
keep_body(struct http_exchange *x)
{
	if (x->kind_of_body != BODY_MEMORY || x->copy.n > 0 || x->body_n == 0)
		return;
	buf_add_bytes(&x->copy, x->body);
	x->body = buf_bytes(&x->copy);
}

void
http_output_start(struct http_exchange *x)
{
	struct http_conn *c = x->c;

	if (c == NULL) {
		http_exchange_end(x);
		return;
	}
	http_conn_hold(c);
	x->reply_ms = http_now_ms();
	http_conn_enter(c, CONN_REPLY, LIMIT_HTTP_REPLY_MS);
	http_output_go_on(c);
	/* Not out yet: its own event goes on. (What stands here now may be a later
	 * exchange, which has kept its body.) */
	if (!c->closed && c->state == CONN_REPLY)
		keep_body(c->x);
	http_conn_release(c);
}
