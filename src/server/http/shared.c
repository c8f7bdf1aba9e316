/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers have in common: who is connected, how often, how fast. */
#include <limits.h>
#include <signal.h>

#include <chancery/base/clock.h>
#include <chancery/base/crypto.h>

#include "internal.h"

/* Open addressing, never full: twice as many rows as connections. */
struct http_peer_row {
	uint64_t net[2]; /* family and address; IPv6 by its /64 */
	unsigned n;
};

struct http_shared *
http_shared_new(const struct http_config *cfg)
{
	struct http_shared *s = mem_calloc(1, sizeof(*s));
	struct http_limits *l = &s->cfg.limits;
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	s->cfg = *cfg;
	if (l->body_bytes == 0)
		l->body_bytes = LIMIT_HTTP_BODY_BYTES;
	if (l->connections == 0)
		l->connections = LIMIT_HTTP_CONNECTIONS;
	if (l->connections_per_peer == 0)
		l->connections_per_peer = UINT_MAX;
	/* TLS writes with write(2), which has no MSG_NOSIGNAL. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)pthread_mutex_init(&s->lock, NULL);
	LIST_INIT(&s->workers);
	s->peers_n = 16;
	while (s->peers_n < (size_t)l->connections * 2)
		s->peers_n *= 2;
	s->peers = mem_calloc(s->peers_n, sizeof(*s->peers));
	random_bytes(&s->peers_seed, sizeof(s->peers_seed));
	return s;
}

void
http_shared_free(struct http_shared *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s->peers);
	mem_free(s);
}

void
http_shared_counts(struct http_shared *s, struct http_counts *out)
{
	*out = (struct http_counts){ atomic_load(&s->open),
		atomic_load(&s->accepted), atomic_load(&s->handshakes),
		atomic_load(&s->handshakes_failed),
		atomic_load(&s->turned_away), atomic_load(&s->refused) };
}

/* ---- connections of a peer ---- */

static bool
is_counted(const struct http_peer *p)
{
	return p->family == AF_INET || p->family == AF_INET6;
}

static size_t
home_of(const struct http_shared *s, const uint64_t net[2])
{
	/* Keyed, so that nobody can choose addresses that share a row. */
	uint64_t h = (net[0] ^ s->peers_seed) * 0x9e3779b97f4a7c15U;

	h = ((h ^ (h >> 29)) + net[1]) * 0xbf58476d1ce4e5b9U;
	return (size_t)(h ^ (h >> 32)) & (s->peers_n - 1);
}

/* Its row, or the free one where it goes. */
static struct http_peer_row *
row_of(struct http_shared *s, const struct http_peer *p)
{
	uint64_t net[2] = { 0, (uint64_t)p->family };
	size_t i;

	memcpy(&net[0], p->addr, sizeof(net[0]));
	i = home_of(s, net);
	while (s->peers[i].n > 0 &&
	    (s->peers[i].net[0] != net[0] || s->peers[i].net[1] != net[1]))
		i = (i + 1) & (s->peers_n - 1);
	if (s->peers[i].n == 0)
		memcpy(s->peers[i].net, net, sizeof(net));
	return &s->peers[i];
}

/* A row became free: those behind it that it kept from their home move up. */
static void
close_gap(struct http_shared *s, size_t gap)
{
	size_t mask = s->peers_n - 1;

	for (size_t i = (gap + 1) & mask; s->peers[i].n > 0;
	     i = (i + 1) & mask) {
		size_t home = home_of(s, s->peers[i].net);

		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		s->peers[gap] = s->peers[i];
		s->peers[i].n = 0;
		gap = i;
	}
}

static bool
peer_enter(struct http_shared *s, const struct http_peer *p)
{
	struct http_peer_row *row = row_of(s, p);

	if (row->n >= s->cfg.limits.connections_per_peer)
		return false;
	row->n++;
	return true;
}

static void
peer_leave(struct http_shared *s, const struct http_peer *p)
{
	struct http_peer_row *row = row_of(s, p);

	if (row->n > 0 && --row->n == 0)
		close_gap(s, (size_t)(row - s->peers));
}

/* ---- how many, how fast ---- */

/* Each handshake pays 1 s / rate of time; what is paid ahead by more than the burst has
 * to wait in the listener's backlog. */
static int64_t
handshake_wait_ns(const struct http_shared *s, int64_t now_ns)
{
	int64_t ahead = s->handshake_ns - now_ns;
	int64_t burst = (int64_t)LIMIT_HTTP_HANDSHAKE_BURST_MS * 1000000;

	return ahead > burst ? ahead - burst : 0;
}

int64_t
http_shared_rest_ms(struct http_shared *s, enum http_listener kind)
{
	unsigned places = s->cfg.limits.connections +
	    (kind == HTTP_UNIX ? LIMIT_HTTP_CONNECTIONS_UNIX : 0);
	int64_t wait;

	if (atomic_load(&s->open) >= places)
		return LIMIT_HTTP_ACCEPT_REST_MS;
	if (kind != HTTP_TLS)
		return 0;
	(void)pthread_mutex_lock(&s->lock);
	wait = handshake_wait_ns(s, clock_mono_ns());
	(void)pthread_mutex_unlock(&s->lock);
	return wait == 0 ? 0 : wait / 1000000 + 1;
}

bool
http_shared_enter(struct http_shared *s, enum http_listener kind,
    const struct http_peer *peer)
{
	int64_t now_ns = clock_mono_ns();
	bool ok;

	(void)pthread_mutex_lock(&s->lock);
	ok = !is_counted(peer) || peer_enter(s, peer);
	if (ok && kind == HTTP_TLS && s->cfg.limits.handshakes_per_s > 0) {
		if (s->handshake_ns < now_ns)
			s->handshake_ns = now_ns;
		s->handshake_ns += 1000000000 / s->cfg.limits.handshakes_per_s;
	}
	(void)pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(ok ? &s->accepted : &s->turned_away, 1);
	if (ok)
		atomic_fetch_add(&s->open, 1);
	return ok;
}

void
http_shared_leave(struct http_shared *s, const struct http_peer *peer)
{
	if (is_counted(peer)) {
		(void)pthread_mutex_lock(&s->lock);
		peer_leave(s, peer);
		(void)pthread_mutex_unlock(&s->lock);
	}
	atomic_fetch_sub(&s->open, 1);
}

/* ---- which worker ---- */

struct deal {
	struct http_worker *w;
	int fd;
	enum http_listener kind;
	struct http_peer peer;
};

static void
deal_take(void *arg)
{
	struct deal *d = arg;

	atomic_fetch_sub(&d->w->load, 1);
	http_conn_new(d->w, d->fd, d->kind, &d->peer);
	mem_free(d);
}

static struct http_worker *
least_loaded(struct http_shared *s, struct http_worker *from)
{
	struct http_worker *w, *best = from;

	LIST_FOREACH(w, &s->workers, next)
	if (!atomic_load(&w->stop) &&
	    atomic_load(&w->load) < atomic_load(&best->load))
		best = w;
	return best;
}

void
http_shared_deal(struct http_shared *s, struct http_worker *from, int fd,
    enum http_listener kind, const struct http_peer *peer)
{
	struct http_worker *to;

	/* Under the lock a worker that is in the list stays. */
	(void)pthread_mutex_lock(&s->lock);
	to = least_loaded(s, from);
	if (to != from) {
		struct deal *d = mem_calloc(1, sizeof(*d));

		*d = (struct deal){ to, fd, kind, *peer };
		atomic_fetch_add(&to->load, 1);
		http_worker_post(to, deal_take, d);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (to == from)
		http_conn_new(from, fd, kind, peer);
}

void
http_shared_join(struct http_shared *s, struct http_worker *w)
{
	(void)pthread_mutex_lock(&s->lock);
	LIST_INSERT_HEAD(&s->workers, w, next);
	(void)pthread_mutex_unlock(&s->lock);
}

void
http_shared_part(struct http_shared *s, struct http_worker *w)
{
	(void)pthread_mutex_lock(&s->lock);
	LIST_REMOVE(w, next);
	(void)pthread_mutex_unlock(&s->lock);
}
