/* SPDX-License-Identifier: Apache-2.0 */
/* New connections, as many and as fast as the limits let them in; the others wait in
 * the kernel's backlog. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "internal.h"

/* Do not look at the listener for a while: it would be ready all the time. */
static void
rest(struct http_acceptor *a, int64_t ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	(void)event_del(&a->readable);
	(void)event_add(&a->rest, &tv);
}

static void
on_rested(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct http_acceptor *a = arg;

	(void)event_add(&a->readable, NULL);
}

static bool
is_passing(int err)
{
	/* accept(2): the connection broke before it was taken, or a network error that
	 * belongs to it; the next one may be fine. */
	static const int passing[] = { EINTR, ECONNABORTED, ENETDOWN, EPROTO,
		ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
		ENETUNREACH, EPERM };

	for (size_t i = 0; i < countof(passing); i++)
		if (err == passing[i])
			return true;
	return false;
}

/* One connection; false: no more now. */
static bool
accept_one(struct http_acceptor *a)
{
	struct http_shared *s = a->w->shared;
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(sa);
	struct http_peer peer;
	int fd = accept4(a->fd, (struct sockaddr *)&sa, &n,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && errno == EAGAIN)
		return false;
	if (fd < 0 && is_passing(errno))
		return true;
	if (fd < 0) {
		/* Out of descriptors or memory: the connection stays where it is, and so
		 * does the event. */
		rest(a, LIMIT_HTTP_ACCEPT_REST_MS);
		return false;
	}
	if (a->kind == HTTP_UNIX)
		sa.ss_family = AF_UNIX;
	http_peer_of(fd, &sa, &peer);
	if (http_shared_enter(s, a->kind, &peer))
		http_shared_deal(s, a->w, fd, a->kind, &peer);
	else
		(void)close(fd);
	return true;
}

static void
on_connection(unused_arg evutil_socket_t fd, unused_arg short what, void *arg)
{
	struct http_acceptor *a = arg;

	for (unsigned i = 0; i < LIMIT_HTTP_ACCEPT_TURN; i++) {
		int64_t ms = http_shared_rest_ms(a->w->shared, a->kind);

		if (ms > 0) {
			rest(a, ms);
			return;
		}
		if (!accept_one(a))
			return;
	}
}

void
http_worker_listen(struct http_worker *w, enum http_listener kind, int fd)
{
	struct http_acceptor *a = mem_calloc(1, sizeof(*a));
	const int on = 1;

	if (kind == HTTP_TLS && w->shared->cfg.tls == NULL)
		fatal("a TLS listener without a certificate");
	a->w = w;
	a->kind = kind;
	a->fd = fd;
	(void)evutil_make_socket_nonblocking(fd);
	/* Linux hands it to what is accepted. Without it an answer that follows another
	 * waits 40 ms for the client's delayed ACK. */
	if (kind != HTTP_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)event_assign(&a->readable, w->base, fd, EV_READ | EV_PERSIST,
	    on_connection, a);
	(void)evtimer_assign(&a->rest, w->base, on_rested, a);
	(void)event_add(&a->readable, NULL);
	LIST_INSERT_HEAD(&w->acceptors, a, next);
}

void
http_accept_stop(struct http_worker *w)
{
	struct http_acceptor *a;

	while ((a = LIST_FIRST(&w->acceptors)) != NULL) {
		LIST_REMOVE(a, next);
		(void)event_del(&a->readable);
		(void)event_del(&a->rest);
		mem_free(a);
	}
}
