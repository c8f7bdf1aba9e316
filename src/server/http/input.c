/* SPDX-License-Identifier: Apache-2.0 */
/* From the socket to whole requests. */
#include "internal.h"

/* Reads in one turn of a connection; more comes with the next turn of the loop. */
#define READS_MAX 8

static void
pending_add(struct http_conn *c, struct bytes in)
{
	struct buf grown = { 0 };

	if (in.n == 0)
		return;
	/* Into fresh memory: what was there may hold a token, and is wiped. */
	(void)buf_reserve(&grown, c->pending.n + in.n);
	buf_add_bytes(&grown, buf_bytes(&c->pending));
	buf_add_bytes(&grown, in);
	if (c->pending.p != NULL)
		explicit_bzero(c->pending.p, c->pending.cap);
	buf_free(&c->pending);
	c->pending = grown;
}

/* The slowest that we wait for: a fixed part and the size at a low rate. */
static int64_t
body_ms(const struct http_exchange *x)
{
	return LIMIT_HTTP_BODY_MS +
	    (int64_t)(x->in.body_n * 1000 / LIMIT_HTTP_SLOWEST_PER_S);
}

/* Large bodies share a budget in the process. */
static bool
budget_take(struct http_exchange *x)
{
	struct http_shared *s = x->w->shared;
	int64_t n = (int64_t)x->in.body_n;

	if (x->in.body_n <= LIMIT_HTTP_BODY_FREE)
		return true;
	if (atomic_fetch_add(&s->bodies, n) + n > LIMIT_HTTP_BODIES_BYTES) {
		atomic_fetch_sub(&s->bodies, n);
		return false;
	}
	x->budget = x->in.body_n;
	return true;
}

static void
tell_continue(struct http_conn *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	size_t n;

	/* 25 octets find room in an empty socket buffer, or the peer is not sane. */
	if (http_io_write(c, text, sizeof(text) - 1, &n) != HTTP_IO_OK ||
	    n != sizeof(text) - 1)
		http_conn_close(c);
}

/* The head is whole, its body is not. */
static void
body_begin(struct http_conn *c)
{
	struct http_exchange *x = c->x;
	bool none_yet = x->in.raw.n == x->in.head_n;

	if (!budget_take(x)) {
		http_set_header(x, "Retry-After", "1");
		http_refuse(x, 503, "too many large requests at once");
		return;
	}
	http_conn_enter(c, CONN_BODY, body_ms(x));
	if (x->in.expects_continue && none_yet)
		tell_continue(c);
}

static void
parsed(struct http_conn *c)
{
	struct http_exchange *x = c->x;

	switch (x->in.state) {
	case HTTP_PARSE_HEAD:
		return;
	case HTTP_PARSE_BODY:
		if (c->state == CONN_HEAD)
			body_begin(c);
		return;
	case HTTP_PARSE_DONE:
		http_conn_enter(c, CONN_READY, HTTP_NO_DEADLINE);
		return;
	case HTTP_PARSE_BAD:
		http_refuse(x, x->in.status, x->in.why);
		return;
	}
}

static void
request_begin(struct http_conn *c)
{
	c->x = http_exchange_new(c);
	/* The first head shares its deadline with the handshake. */
	if (c->first)
		c->state = CONN_HEAD;
	else
		http_conn_enter(c, CONN_HEAD, LIMIT_HTTP_HEAD_MS);
	c->first = false;
}

static bool
takes_input(const struct http_conn *c)
{
	return !c->closed &&
	    (c->state == CONN_IDLE || c->state == CONN_HEAD ||
		c->state == CONN_BODY);
}

/* Octets of requests: to the one that is being read, the rest for later. */
static void
input_add(struct http_conn *c, struct bytes in)
{
	size_t n = 0;

	if (takes_input(c) && in.n > 0) {
		if (c->state == CONN_IDLE)
			request_begin(c);
		n = http_parse_feed(&c->x->in,
		    c->w->shared->cfg.limits.body_bytes, in);
		parsed(c);
	}
	if (!c->closed && c->state != CONN_LINGER)
		pending_add(c, bytes_of(in.p + n, in.n - n));
}

static void
dispatch(struct http_conn *c)
{
	const struct http_config *cfg = &c->w->shared->cfg;

	c->state = CONN_BUSY;
	c->x->handed = true;
	cfg->handler(cfg->arg, c->x);
}

/* Requests that have come and wait for their turn. */
static bool
has_backlog(const struct http_conn *c)
{
	return c->state == CONN_READY || (takes_input(c) && c->pending.n > 0);
}

void
http_input_step(struct http_conn *c)
{
	unsigned requests = 0;

	/* An answer that is made at once comes back here: no recursion. */
	if (c->stepping)
		return;
	c->stepping = true;
	http_conn_hold(c);
	while (!c->closed && has_backlog(c) &&
	    requests < LIMIT_HTTP_TURN_REQUESTS) {
		if (c->state == CONN_READY) {
			dispatch(c);
			requests++;
		} else {
			auto_buf struct buf in = c->pending;

			c->pending = (struct buf){ 0 };
			input_add(c, buf_bytes(&in));
			explicit_bzero(in.p, in.cap);
		}
	}
	if (!c->closed && has_backlog(c))
		http_conn_again(c);
	c->stepping = false;
	if (c->eof && takes_input(c) && c->pending.n == 0)
		http_conn_close(c);
	http_conn_release(c);
}

/* No more will come. What is whole is still answered. */
static void
input_end(struct http_conn *c)
{
	c->eof = true;
	http_conn_want_read(c, false);
	if (c->state != CONN_READY && c->state != CONN_BUSY &&
	    c->state != CONN_REPLY)
		http_conn_close(c);
}

static bool
handshake(struct http_conn *c)
{
	switch (http_io_handshake(c)) {
	case HTTP_IO_OK:
		atomic_fetch_add(&c->w->shared->handshakes, 1);
		http_conn_want_write(c, false);
		c->state = CONN_IDLE;
		return true;
	case HTTP_IO_AGAIN:
		return false;
	case HTTP_IO_EOF:
	case HTTP_IO_ERROR:
		atomic_fetch_add(&c->w->shared->handshakes_failed, 1);
		http_conn_close(c);
		return false;
	}
	return false;
}

/* How much may be read now; of a client that is still owed an answer little. */
static size_t
room(const struct http_conn *c)
{
	if (takes_input(c) || c->state == CONN_LINGER)
		return HTTP_SCRATCH_BYTES;
	return c->pending.n < LIMIT_HTTP_PIPELINE_BYTES
	    ? LIMIT_HTTP_PIPELINE_BYTES - c->pending.n
	    : 0;
}

/* One read; true: there may be more to read at once. */
static bool
read_once(struct http_conn *c)
{
	uint8_t *in = c->w->in;
	size_t cap = room(c), n;
	bool full;

	if (cap == 0) {
		http_conn_want_read(c, false);
		return false;
	}
	switch (http_io_read(c, in, cap, &n)) {
	case HTTP_IO_AGAIN:
		return false;
	case HTTP_IO_EOF:
		input_end(c);
		return false;
	case HTTP_IO_ERROR:
		http_conn_close(c);
		return false;
	case HTTP_IO_OK:
		break;
	}
	full = n == cap;
	if (c->state != CONN_LINGER)
		input_add(c, bytes_of(in, n));
	explicit_bzero(in, n);
	http_input_step(c);
	return !c->closed && !has_backlog(c) && (full || http_io_has_more(c));
}

void
http_input_read(struct http_conn *c)
{
	unsigned reads = 0;
	bool more;

	http_conn_hold(c);
	more = c->state != CONN_HANDSHAKE || handshake(c);
	if (more && has_backlog(c)) {
		http_input_step(c);
		more = !c->closed && !has_backlog(c);
	}
	more = more && !c->eof;
	while (more && reads++ < READS_MAX)
		more = read_once(c);
	/* What TLS has taken from the socket already, the socket will not announce. */
	if (more)
		http_conn_again(c);
	http_conn_release(c);
}
