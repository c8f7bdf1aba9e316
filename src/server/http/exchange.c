/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange's life, and what a handler may ask it. */
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/crypto.h>

#include "internal.h"

struct http_exchange *
http_exchange_new(struct http_conn *c)
{
	struct http_exchange *x = mem_calloc(1, sizeof(*x));

	x->w = c->w;
	x->c = c;
	x->kind = c->kind;
	x->peer = c->peer;
	http_peer_text(&x->peer, x->peer_text, sizeof(x->peer_text));
	x->file = -1;
	x->started_ns = clock_mono_ns();
	random_bytes(x->id, sizeof(x->id));
	c->w->n_exchanges++;
	return x;
}

static void
free_wiped(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_free(b);
}

static void
exchange_free(struct http_exchange *x)
{
	if (x->budget > 0)
		atomic_fetch_sub(&x->w->shared->bodies, (int64_t)x->budget);
	if (x->release != NULL)
		x->release(x->arg);
	if (x->file >= 0)
		(void)close(x->file);
	secret_free(x->secret);
	http_parse_free(&x->in);
	free_wiped(&x->copy);
	buf_free(&x->front);
	buf_free(&x->headers);
	mem_free(x);
}

void
http_exchange_end(struct http_exchange *x)
{
	struct http_worker *w = x->w;

	if (x->on_sent != NULL)
		x->on_sent(x->on_sent_arg, x->status, x->sent);
	w->n_exchanges--;
	exchange_free(x);
	http_worker_left(w);
}

void
http_exchange_cut(struct http_exchange *x)
{
	x->c = NULL;
	if (!x->handed || x->answered)
		http_exchange_end(x);
}

struct http_worker *
http_get_worker(const struct http_exchange *x)
{
	return x->w;
}

struct bytes
http_method(const struct http_exchange *x)
{
	return http_parse_get(&x->in, x->in.method);
}

struct bytes
http_path(const struct http_exchange *x)
{
	return http_parse_get(&x->in, x->in.path);
}

struct bytes
http_query(const struct http_exchange *x)
{
	return http_parse_get(&x->in, x->in.query);
}

bool
http_header(const struct http_exchange *x, const char *name,
    struct bytes *value)
{
	return http_parse_field(&x->in, name, value);
}

struct bytes
http_body(const struct http_exchange *x)
{
	return http_parse_body(&x->in);
}

enum http_listener
http_listener_of(const struct http_exchange *x)
{
	return x->kind;
}

const char *
http_peer(const struct http_exchange *x)
{
	return x->peer_text;
}

bool
http_peer_cred(const struct http_exchange *x, unsigned *uid, unsigned *gid,
    int *pid)
{
	if (x->kind != HTTP_UNIX)
		return false;
	*uid = x->peer.cred.uid;
	*gid = x->peer.cred.gid;
	*pid = x->peer.cred.pid;
	return true;
}

bool
http_peer_cert(const struct http_exchange *x, struct buf *der)
{
	return x->c != NULL && x->c->ssl != NULL &&
	    http_tls_peer(x->c->ssl, der);
}

const uint8_t *
http_request_id(const struct http_exchange *x)
{
	return x->id;
}

int64_t
http_started_ns(const struct http_exchange *x)
{
	return x->started_ns;
}
