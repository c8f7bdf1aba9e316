/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: its states, its two events, its end. */
#include <unistd.h>

#include "internal.h"

static void
on_readable(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	http_input_read(arg);
}

static void
on_writable(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct http_conn *c = arg;

	if (c->state == CONN_REPLY) {
		http_output_go_on(c);
		return;
	}
	/* A handshake that waits for room keeps the event; else it is http_conn_again. */
	if (c->state != CONN_HANDSHAKE)
		http_conn_want_write(c, false);
	http_input_read(c);
}

void
http_conn_want_read(struct http_conn *c, bool on)
{
	if (c->reading == on)
		return;
	c->reading = on;
	if (on)
		(void)event_add(&c->readable, NULL);
	else
		(void)event_del(&c->readable);
}

void
http_conn_want_write(struct http_conn *c, bool on)
{
	if (c->writing == on)
		return;
	c->writing = on;
	if (on)
		(void)event_add(&c->writable, NULL);
	else
		(void)event_del(&c->writable);
}

void
http_conn_again(struct http_conn *c)
{
	/* By the poll, not as an active event: those run before the next poll. */
	http_conn_want_write(c, true);
}

void
http_conn_enter(struct http_conn *c, enum http_conn_state state, int64_t ms)
{
	c->state = state;
	http_wheel_set(c, ms == HTTP_NO_DEADLINE ? ms : http_now_ms() + ms);
}

static bool
wants_cert(const struct http_worker *w)
{
	const struct http_config *cfg = &w->shared->cfg;

	return cfg->wants_cert != NULL && cfg->wants_cert(cfg->arg);
}

void
http_conn_new(struct http_worker *w, int fd, enum http_listener kind,
    const struct http_peer *peer)
{
	struct http_conn *c = mem_calloc(1, sizeof(*c));

	c->w = w;
	c->fd = fd;
	c->kind = kind;
	c->first = true;
	c->peer = *peer;
	if (kind == HTTP_TLS)
		c->ssl = http_tls_start(w->shared->cfg.tls, fd, wants_cert(w));
	(void)event_assign(&c->readable, w->base, fd, EV_READ | EV_PERSIST,
	    on_readable, c);
	(void)event_assign(&c->writable, w->base, fd, EV_WRITE | EV_PERSIST,
	    on_writable, c);
	LIST_INSERT_HEAD(&w->conns, c, all);
	w->n_conns++;
	atomic_fetch_add(&w->load, 1);
	/* One deadline for handshake and first head, from here. */
	http_conn_enter(c, kind == HTTP_TLS ? CONN_HANDSHAKE : CONN_IDLE,
	    LIMIT_HTTP_HEAD_MS);
	http_conn_want_read(c, true);
	if (w->stopping)
		http_conn_close(c);
}

static void
conn_free(struct http_conn *c)
{
	if (c->pending.p != NULL)
		explicit_bzero(c->pending.p, c->pending.cap);
	buf_free(&c->pending);
	mem_free(c);
}

void
http_conn_hold(struct http_conn *c)
{
	c->holds++;
}

void
http_conn_release(struct http_conn *c)
{
	if (--c->holds == 0 && c->closed)
		conn_free(c);
}

void
http_conn_close(struct http_conn *c)
{
	struct http_worker *w = c->w;

	if (c->closed)
		return;
	c->closed = true;
	http_conn_hold(c);
	if (c->state != CONN_LINGER)
		http_io_end(c);
	http_conn_want_read(c, false);
	http_conn_want_write(c, false);
	http_wheel_drop(c);
	LIST_REMOVE(c, all);
	SSL_free(c->ssl);
	c->ssl = NULL;
	(void)close(c->fd);
	http_shared_leave(w->shared, &c->peer);
	atomic_fetch_sub(&w->load, 1);
	w->n_conns--;
	if (c->x != NULL)
		http_exchange_cut(c->x);
	c->x = NULL;
	http_conn_release(c);
	http_worker_left(w);
}

/* RFC 9112 9.6: closing while the client still sends makes the kernel reset the
 * connection, and the client may lose the answer with it. */
void
http_conn_linger(struct http_conn *c)
{
	http_io_end(c);
	(void)shutdown(c->fd, SHUT_WR);
	http_conn_enter(c, CONN_LINGER, LIMIT_HTTP_LINGER_MS);
	if (c->eof)
		http_conn_close(c);
	else
		http_conn_want_read(c, true);
}

void
http_conn_expire(struct http_conn *c)
{
	if (c->state == CONN_HEAD || c->state == CONN_BODY)
		http_refuse(c->x, 408, "the request took too long");
	else
		http_conn_close(c);
}
