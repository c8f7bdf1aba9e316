/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <chancery/base/alloc.h>

#include "load.h"

/* The server closes what is idle for a minute. */
#define REFRESH_S 20

enum step {
	CONNECT,
	SEND,
	RECEIVE
};

struct conn {
	int fd;
	SSL *ssl;
	enum step step;
	const struct buf *request;
	double began;
	struct buf answer;
	bool done_once;
};

struct load {
	const struct load_config *cfg;
	SSL_CTX *ctx;
	int epoll;
	struct conn *conns;
	unsigned n_conns;
	size_t turn;
	/* of the measured time */
	bool measuring, idle_only;
	unsigned idle, oldest;
	struct load_result *out;
	float *ms;
	size_t n_ms, cap_ms;
};

static double
now(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
load_request(struct buf *out, const char *method, const char *path,
    const char *token, struct bytes body)
{
	buf_addf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, path);
	if (token != NULL)
		buf_addf(out, "X-Vault-Token: %s\r\n", token);
	if (body.n > 0)
		buf_addf(out, "Content-Length: %zu\r\n", body.n);
	buf_add_str(out, "\r\n");
	buf_add_bytes(out, body);
}

static void
conn_open(struct load *l, struct conn *c)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)l->cfg->port) };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = c };
	const int on = 1;

	if (inet_pton(AF_INET, l->cfg->host, &sin.sin_addr) != 1)
		errx(1, "%s: no IPv4 address", l->cfg->host);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		err(1, "socket");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 &&
	    errno != EINPROGRESS)
		err(1, "connect to %s:%d", l->cfg->host, l->cfg->port);
	c->ssl = SSL_new(l->ctx);
	(void)SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
	c->step = CONNECT;
	c->began = now(CLOCK_MONOTONIC);
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		err(1, "epoll_ctl");
}

/* Without waiting for the other side's close_notify. */
static void
conn_close(struct conn *c)
{
	if (c->ssl != NULL)
		(void)SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	buf_reset(&c->answer);
}

static void
conn_next(struct load *l, struct conn *c)
{
	c->request = &l->cfg->requests[l->turn++ % l->cfg->n_requests];
	c->step = SEND;
	buf_reset(&c->answer);
	if (!l->cfg->reconnect)
		c->began = now(CLOCK_MONOTONIC);
}

/* By Content-Length, by the last chunk, or by having no body. */
static bool
is_whole(struct conn *c)
{
	static const char last[] = "\r\n0\r\n\r\n";
	struct buf *a = &c->answer;
	const char *text = buf_cstr(a), *body = strstr(text, "\r\n\r\n");
	const char *length;
	size_t n;

	if (body == NULL)
		return false;
	body += 4;
	n = a->n - (size_t)(body - text);
	length = strcasestr(text, "\r\nContent-Length:");
	if (length != NULL && length < body)
		return n >= strtoul(length + 17, NULL, 10);
	if (strncmp(text + 8, " 204", 4) == 0)
		return true;
	return n >= sizeof(last) - 1 &&
	    memcmp(a->p + a->n - (sizeof(last) - 1), last, sizeof(last) - 1) ==
	    0;
}

static void
note(struct load *l, struct conn *c, bool ok)
{
	struct load_result *r = l->out;

	if (!ok && r->first_error[0] == '\0')
		(void)snprintf(r->first_error, sizeof(r->first_error), "%s",
		    c->answer.n > 0 ? buf_cstr(&c->answer) : "broken off");
	if (!l->measuring)
		return;
	r->requests += ok;
	r->errors += !ok;
	l->ms = mem_grow(l->ms, l->n_ms, &l->cap_ms, sizeof(*l->ms));
	l->ms[l->n_ms++] = (float)((now(CLOCK_MONOTONIC) - c->began) * 1000);
}

static void
answered(struct load *l, struct conn *c)
{
	bool ok = c->answer.n > 9 && c->answer.p[9] == '2';

	note(l, c, ok);
	if (l->idle_only) {
		l->idle += !c->done_once;
		c->done_once = true;
		c->step = RECEIVE;
		buf_free(&c->answer);
	} else if (l->cfg->reconnect) {
		conn_close(c);
		conn_open(l, c);
	} else {
		conn_next(l, c);
	}
}

static void
broken(struct load *l, struct conn *c)
{
	note(l, c, false);
	conn_close(c);
	conn_open(l, c);
}

static bool
wants_more(const struct conn *c, int r)
{
	int why = SSL_get_error(c->ssl, r);

	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

/* One step; false: wait for the socket. */
static bool
advance(struct load *l, struct conn *c)
{
	int r = 0;

	switch (c->step) {
	case CONNECT:
		if ((r = SSL_do_handshake(c->ssl)) == 1)
			conn_next(l, c);
		break;
	case SEND:
		r = SSL_write(c->ssl, c->request->p, (int)c->request->n);
		if (r > 0)
			c->step = RECEIVE;
		break;
	case RECEIVE:
		r = SSL_read(c->ssl, buf_reserve(&c->answer, 16384), 16384);
		if (r > 0) {
			buf_commit(&c->answer, (size_t)r);
			if (is_whole(c))
				answered(l, c);
		}
		break;
	}
	if (r > 0)
		return true;
	if (wants_more(c, r))
		return false;
	broken(l, c);
	return false;
}

static void
turn(struct load *l, int timeout_ms)
{
	struct epoll_event ev[256];
	int n = epoll_wait(l->epoll, ev, 256, timeout_ms);

	for (int i = 0; i < n; i++)
		while (advance(l, ev[i].data.ptr))
			continue;
}

static void
run_until(struct load *l, double end)
{
	while (now(CLOCK_MONOTONIC) < end)
		turn(l, 10);
}

static void
load_open(struct load *l, const struct load_config *cfg, unsigned n,
    struct load_result *out)
{
	char group[] = "X25519";

	*l = (struct load){ .cfg = cfg, .out = out, .n_conns = n };
	*out = (struct load_result){ 0 };
	l->ctx = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set1_groups_list(l->ctx, group);
	(void)SSL_CTX_set_mode(l->ctx, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(l->ctx, SSL_SESS_CACHE_OFF);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->conns = mem_calloc(n, sizeof(*l->conns));
	for (unsigned i = 0; i < n; i++)
		l->conns[i].fd = -1;
}

static void
load_close(struct load *l)
{
	for (unsigned i = 0; i < l->n_conns; i++) {
		conn_close(&l->conns[i]);
		buf_free(&l->conns[i].answer);
	}
	mem_free(l->conns);
	mem_free(l->ms);
	(void)close(l->epoll);
	SSL_CTX_free(l->ctx);
}

static int
by_value(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
percentile(const struct load *l, double p)
{
	if (l->n_ms == 0)
		return 0;
	return (double)l->ms[(size_t)((double)(l->n_ms - 1) * p)];
}

void
load_run(const struct load_config *cfg, struct load_result *out)
{
	struct load l;
	double began;

	load_open(&l, cfg, cfg->connections, out);
	for (unsigned i = 0; i < l.n_conns; i++)
		conn_open(&l, &l.conns[i]);
	run_until(&l, now(CLOCK_MONOTONIC) + cfg->warm_up_s);
	l.measuring = true;
	out->server_cpu_s = -load_cpu(cfg->pids);
	out->own_cpu_s = -now(CLOCK_PROCESS_CPUTIME_ID);
	began = now(CLOCK_MONOTONIC);
	run_until(&l, began + cfg->seconds);
	out->seconds = now(CLOCK_MONOTONIC) - began;
	out->own_cpu_s += now(CLOCK_PROCESS_CPUTIME_ID);
	out->server_cpu_s += load_cpu(cfg->pids);
	qsort(l.ms, l.n_ms, sizeof(*l.ms), by_value);
	out->p50_ms = percentile(&l, 0.50);
	out->p99_ms = percentile(&l, 0.99);
	load_close(&l);
}

struct load_idle {
	struct load l;
	struct load_config cfg;
	struct load_result result;
};

/* On a busy machine it takes longer to open them all than the server lets one be idle. */
static void
refresh(struct load *l)
{
	struct conn *c = &l->conns[l->oldest];

	if (!c->done_once || now(CLOCK_MONOTONIC) - c->began < REFRESH_S)
		return;
	conn_next(l, c);
	while (advance(l, c))
		continue;
	l->oldest = (l->oldest + 1) % l->n_conns;
}

struct load_idle *
load_idle_open(const struct load_config *cfg, unsigned n)
{
	struct load_idle *idle = mem_calloc(1, sizeof(*idle));
	struct load *l = &idle->l;

	idle->cfg = *cfg;
	idle->cfg.reconnect = false;
	load_open(l, &idle->cfg, n, &idle->result);
	l->idle_only = true;
	/* In steps: the server's backlog is not endless. */
	for (unsigned i = 0; i < n; i++) {
		conn_open(l, &l->conns[i]);
		while (l->idle + 64 <= i)
			turn(l, 100);
		refresh(l);
	}
	while (l->idle < n)
		turn(l, 100);
	if (idle->result.first_error[0] != '\0')
		errx(1, "idle connections: %s", idle->result.first_error);
	return idle;
}

void
load_idle_close(struct load_idle *idle)
{
	load_close(&idle->l);
	mem_free(idle);
}
