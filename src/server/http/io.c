/* SPDX-License-Identifier: Apache-2.0 */
/* Octets of a connection, through TLS or not. Never blocks. */
#include <errno.h>
#include <unistd.h>

#include <openssl/err.h>

#include "internal.h"

/* What OpenSSL said; its error queue is for nobody: peers fail as they like. */
static enum http_io
tls_result(struct http_conn *c, int r)
{
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return HTTP_IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return HTTP_IO_EOF;
	default:
		c->broken = true;
		return HTTP_IO_ERROR;
	}
}

static enum http_io
plain_result(ssize_t r)
{
	if (r == 0)
		return HTTP_IO_EOF;
	return errno == EAGAIN || errno == EINTR ? HTTP_IO_AGAIN
						 : HTTP_IO_ERROR;
}

enum http_io
http_io_read(struct http_conn *c, void *p, size_t cap, size_t *n)
{
	ssize_t r;

	if (c->ssl != NULL) {
		ERR_clear_error();
		return SSL_read_ex(c->ssl, p, cap, n) == 1 ? HTTP_IO_OK
							   : tls_result(c, 0);
	}
	r = recv(c->fd, p, cap, 0);
	*n = r > 0 ? (size_t)r : 0;
	return r > 0 ? HTTP_IO_OK : plain_result(r);
}

enum http_io
http_io_write(struct http_conn *c, const void *p, size_t len, size_t *n)
{
	ssize_t r;

	*n = 0;
	if (c->ssl != NULL) {
		ERR_clear_error();
		return SSL_write_ex(c->ssl, p, len, n) == 1 ? HTTP_IO_OK
							    : tls_result(c, 0);
	}
	r = send(c->fd, p, len, MSG_NOSIGNAL);
	*n = r > 0 ? (size_t)r : 0;
	return r > 0 ? HTTP_IO_OK : plain_result(r);
}

bool
http_io_has_more(const struct http_conn *c)
{
	return c->ssl != NULL && SSL_has_pending(c->ssl) == 1;
}

/* Somebody took http:// for https://: say so, as Go's server does. */
static void
tell_plain_client(struct http_conn *c)
{
	static const char answer[] =
	    "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n"
	    "Client sent an HTTP request to an HTTPS server.\n";

	(void)!send(c->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
}

enum http_io
http_io_handshake(struct http_conn *c)
{
	enum http_io io;
	struct error e;
	int r;

	ERR_clear_error();
	r = SSL_do_handshake(c->ssl);
	if (r == 1)
		return HTTP_IO_OK;
	io = tls_result(c, r);
	if (io == HTTP_IO_AGAIN)
		http_conn_want_write(c, SSL_want_write(c->ssl) != 0);
	else if (!error_ossl(&e, "handshake") &&
	    strstr(e.msg, "http request") != NULL)
		tell_plain_client(c);
	return io;
}

void
http_io_end(struct http_conn *c)
{
	if (c->ssl == NULL || c->broken || !SSL_is_init_finished(c->ssl))
		return;
	ERR_clear_error();
	(void)SSL_shutdown(c->ssl);
}

void
http_io_abort(struct http_conn *c)
{
	const struct linger none = { .l_onoff = 1 };

	c->broken = true;
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}
