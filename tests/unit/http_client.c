/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "http_rig.h"

static int
connect_unix(struct rig *r)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    rig_path(r, "sock"));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		err(1, "connecting to %s", sun.sun_path);
	return fd;
}

static int
connect_tcp(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		err(1, "connecting to port %d", port);
	return fd;
}

static void
start_tls(struct client *c, struct rig *r, const char *name)
{
	char file[128];

	c->ctx = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_options(c->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	assert(SSL_CTX_load_verify_file(c->ctx, rig_path(r, "ca.pem")) == 1);
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	if (name != NULL) {
		(void)snprintf(file, sizeof(file), "%s.pem", name);
		assert(SSL_CTX_use_certificate_file(c->ctx, rig_path(r, file),
			   SSL_FILETYPE_PEM) == 1);
		(void)snprintf(file, sizeof(file), "%s.key", name);
		assert(SSL_CTX_use_PrivateKey_file(c->ctx, rig_path(r, file),
			   SSL_FILETYPE_PEM) == 1);
	}
	c->ssl = SSL_new(c->ctx);
	assert(SSL_set_fd(c->ssl, c->fd) == 1);
	if (SSL_connect(c->ssl) != 1)
		errx(1, "TLS handshake failed");
}

struct client
client_open(struct rig *r, enum http_listener kind)
{
	struct client c = { .fd = kind == HTTP_UNIX
		    ? connect_unix(r)
		    : connect_tcp(rig_port(r, kind)) };

	if (kind == HTTP_TLS)
		start_tls(&c, r, NULL);
	return c;
}

struct client
client_open_cert(struct rig *r, const char *name)
{
	struct client c = { .fd = connect_tcp(rig_port(r, HTTP_TLS)) };

	start_tls(&c, r, name);
	return c;
}

void
client_close(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	(void)close(c->fd);
}

bool
client_try_send(struct client *c, const void *p, size_t n)
{
	struct error e;

	if (c->ssl != NULL)
		return SSL_write(c->ssl, p, (int)n) == (int)n;
	for (size_t at = 0; at < n;) {
		ssize_t w =
		    send(c->fd, (const char *)p + at, n - at, MSG_NOSIGNAL);

		if (w <= 0)
			return error_set(&e, FAIL_IO, "send");
		at += (size_t)w;
	}
	return true;
}

void
client_send_n(struct client *c, const void *p, size_t n)
{
	if (!client_try_send(c, p, n))
		errx(1, "sending failed");
}

void
client_send(struct client *c, const char *text)
{
	client_send_n(c, text, strlen(text));
}

/* 0: the end, however it came. */
static size_t
receive(struct client *c, void *p, size_t n)
{
	ssize_t r;

	if (c->ssl != NULL) {
		int k = SSL_read(c->ssl, p, (int)n);

		return k > 0 ? (size_t)k : 0;
	}
	r = recv(c->fd, p, n, 0);
	return r > 0 ? (size_t)r : 0;
}

/* Exactly n more into out. */
static bool
receive_n(struct client *c, size_t n, struct buf *out)
{
	while (n > 0) {
		size_t got = receive(c, buf_reserve(out, n), n);

		if (got == 0)
			return false;
		buf_commit(out, got);
		n -= got;
	}
	return true;
}

/* Up to and with CRLF. */
static bool
receive_line(struct client *c, struct buf *out)
{
	do {
		if (!receive_n(c, 1, out))
			return false;
	} while (out->n < 2 || out->p[out->n - 2] != '\r' ||
	    out->p[out->n - 1] != '\n');
	return true;
}

static bool
receive_chunks(struct client *c, struct buf *out)
{
	for (;;) {
		auto_buf struct buf line = { 0 };
		size_t n;

		if (!receive_line(c, &line))
			return false;
		n = strtoul(buf_cstr(&line), NULL, 16);
		if (!receive_n(c, n, out) || !receive_n(c, 2, out))
			return false;
		out->n -= 2;
		if (n == 0)
			return true;
	}
}

int
client_answer(struct client *c, bool head, struct buf *out)
{
	const char *length;
	size_t before;
	int status;
	bool ok = true;

	do {
		before = out->n;
		if (!receive_line(c, out))
			return 0;
	} while (out->n - before > 2);
	assert(strncmp(buf_cstr(out), "HTTP/1.1 ", 9) == 0);
	status = (int)strtol((const char *)out->p + 9, NULL, 10);
	length = strstr((const char *)out->p, "Content-Length: ");
	if (head)
		return status;
	if (length != NULL)
		ok = receive_n(c, strtoul(length + 16, NULL, 10), out);
	else if (strstr((const char *)out->p, "chunked") != NULL)
		ok = receive_chunks(c, out);
	(void)buf_cstr(out);
	return ok ? status : 0;
}

void
client_says(struct client *c, int status, const char *says)
{
	auto_buf struct buf out = { 0 };

	assert_int_equal(client_answer(c, false, &out), status);
	if (strstr((const char *)out.p, says) == NULL)
		fail_msg("no \"%s\" in: %s", says, (const char *)out.p);
}

void
client_rest(struct client *c, struct buf *out)
{
	size_t n;

	while ((n = receive(c, buf_reserve(out, 16384), 16384)) > 0)
		buf_commit(out, n);
	(void)buf_cstr(out);
}

bool
client_handshake(struct client *c)
{
	return SSL_connect(c->ssl) == 1;
}

struct client
client_prepare(struct rig *r)
{
	struct client c = { .fd = connect_tcp(rig_port(r, HTTP_TLS)) };

	c.ctx = SSL_CTX_new(TLS_client_method());
	c.ssl = SSL_new(c.ctx);
	assert(SSL_set_fd(c.ssl, c.fd) == 1);
	return c;
}

struct client
client_open_raw(struct rig *r, enum http_listener kind)
{
	return (struct client){ .fd = connect_tcp(rig_port(r, kind)) };
}

bool
client_is_closed(struct client *c)
{
	char byte;

	return receive(c, &byte, 1) == 0;
}

int
rig_run(char *const argv[], struct buf *out)
{
	posix_spawn_file_actions_t fa;
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	assert(pipe(ends) == 0);
	assert(posix_spawn_file_actions_init(&fa) == 0);
	assert(posix_spawn_file_actions_adddup2(&fa, ends[1], 1) == 0);
	assert(posix_spawn_file_actions_addclose(&fa, ends[0]) == 0);
	assert(posix_spawn_file_actions_addclose(&fa, ends[1]) == 0);
	if (posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ) != 0)
		err(1, "%s", argv[0]);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(ends[1]);
	while ((n = read(ends[0], buf_reserve(out, 4096), 4096)) > 0)
		buf_commit(out, (size_t)n);
	(void)close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	(void)buf_cstr(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}
