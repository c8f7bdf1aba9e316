/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The engine, inside. One thread a worker owns its connections and exchanges; what
 * workers share is in struct http_shared, under its lock or atomic.
 *
 * A connection has at most one exchange: from the first octet of a request until its
 * answer has left. Octets of later requests wait in `pending`, so answers keep the
 * order. No timer per connection: deadlines lie in a wheel that a tick looks through.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/server/http.h>

#include "parse.h"

#define HTTP_NO_DEADLINE INT64_MAX
/* Idle and answer deadlines fit in one turn of the wheel; longer ones go round. */
#define HTTP_WHEEL_SLOTS 256
/* What is read or written in one call; an answer over TLS goes by records. */
#define HTTP_SCRATCH_BYTES 65536

struct http_peer {
	int family; /* AF_INET, AF_INET6, AF_UNIX */
	uint8_t addr[16];
	uint16_t port;
	struct ucred cred; /* of AF_UNIX */
};

enum http_conn_state {
	CONN_HANDSHAKE,
	CONN_IDLE,  /* before the first octet of a request       */
	CONN_HEAD,  /* within its head                           */
	CONN_BODY,  /* within its body                           */
	CONN_READY, /* whole, the handler is next                */
	CONN_BUSY,  /* the handler has it                        */
	CONN_REPLY, /* its answer is leaving                     */
	CONN_LINGER /* answered for the last time; input is dropped */
};

struct http_conn {
	struct http_worker *w;
	struct http_exchange *x; /* from HEAD to REPLY */
	SSL *ssl;                /* of HTTP_TLS */
	int fd;
	enum http_conn_state state;
	enum http_listener kind;
	struct event readable, writable;
	LIST_ENTRY(http_conn) all, slot;
	int64_t deadline_ms, due_tick;
	struct buf pending; /* of later requests, at most the pipeline limit */
	struct http_peer peer;
	unsigned holds; /* functions on the stack that still use it */
	bool first;     /* no octet of a request yet */
	bool closed, broken, eof, stepping, reading, writing;
};

enum http_body_kind {
	BODY_MEMORY, /* borrowed while http_send runs, then copied */
	BODY_SECRET,
	BODY_FILE,
	BODY_STREAM,
	BODY_STREAM_SIZED
};

struct http_exchange {
	struct http_worker *w;
	struct http_conn *c; /* NULL: the connection is gone */
	struct http_parse in;
	enum http_listener kind;
	struct http_peer peer;
	char peer_text[80];
	uint8_t id[16];
	int64_t started_ns;
	size_t budget; /* its part of the bodies in the process */

	/* the answer: `front` (head, or a piece of a stream), then the body */
	bool handed, answered, refused, close;
	int status;
	struct buf headers, front;
	enum http_body_kind kind_of_body;
	struct bytes body;
	struct buf copy;
	struct secret *secret;
	int file;
	uint64_t file_at, body_n;
	http_next_fn *next;
	void (*release)(void *arg);
	void *arg;
	bool more;     /* of a stream */
	uint64_t left; /* of a sized one, what next() has yet to give */
	uint64_t at, sent;
	int64_t reply_ms; /* when it began */
	void (*on_sent)(void *arg, int status, uint64_t bytes);
	void *on_sent_arg;
};

struct http_post {
	STAILQ_ENTRY(http_post) next;
	void (*fn)(void *arg);
	void *arg;
};
STAILQ_HEAD(http_posts, http_post);
LIST_HEAD(http_conns, http_conn);

struct http_acceptor {
	struct http_worker *w;
	enum http_listener kind;
	int fd;
	struct event readable, rest;
	LIST_ENTRY(http_acceptor) next;
};

struct http_worker {
	struct http_shared *shared;
	unsigned index;
	struct event_base *base;
	struct event tick, wake;
	LIST_HEAD(http_acceptors, http_acceptor) acceptors;
	struct http_conns conns, wheel[HTTP_WHEEL_SLOTS];
	int64_t wheel_tick, stop_ms;
	unsigned n_conns, n_exchanges;
	atomic_uint load; /* connections, also those on their way here */
	atomic_bool stop;
	bool stopping;
	uint8_t *in, *out; /* scratch, locked */
	char date[96];     /* "Date: …\r\n" */
	int64_t date_s;
	pthread_mutex_t lock; /* of posts */
	struct http_posts posts;
	int wake_fd;
	LIST_ENTRY(http_worker) next;
};

/* ---- shared.c ---- */
struct http_shared {
	struct http_config cfg; /* with the defaults filled in */
	pthread_mutex_t lock;   /* of workers, peers, handshake_ns */
	LIST_HEAD(http_workers, http_worker) workers;
	struct http_peer_row *peers;
	size_t peers_n;
	uint64_t peers_seed;
	int64_t handshake_ns; /* when the last one granted is paid for */
	_Atomic int64_t bodies;
	_Atomic uint64_t open, accepted, handshakes, handshakes_failed,
	    turned_away, refused;
};
/* Room for one more connection? 0, or how many ms to rest before asking again. */
int64_t http_shared_rest_ms(struct http_shared *s, enum http_listener kind);
/* Count it; false: its peer has too many. */
bool http_shared_enter(struct http_shared *s, enum http_listener kind,
    const struct http_peer *peer);
void http_shared_leave(struct http_shared *s, const struct http_peer *peer);
/* The worker that has the fewest connections: handed the socket. */
void http_shared_deal(struct http_shared *s, struct http_worker *from, int fd,
    enum http_listener kind, const struct http_peer *peer);
void http_shared_join(struct http_shared *s, struct http_worker *w);
void http_shared_part(struct http_shared *s, struct http_worker *w);

/* ---- peer.c ---- */
void http_peer_of(int fd, const struct sockaddr_storage *sa,
    struct http_peer *out);
void http_peer_text(const struct http_peer *p, char *out, size_t n);

/* ---- tls.c ---- */
/* `ask`: for a client certificate. */
SSL *http_tls_start(struct http_tls *t, int fd, bool ask);
/* What the client's certificate said, DER, leaf first. */
bool http_tls_peer(SSL *ssl, struct buf *der);

/* ---- wheel.c ---- */
int64_t http_now_ms(void);
void http_wheel_init(struct http_worker *w);
void http_wheel_set(struct http_conn *c, int64_t deadline_ms);
void http_wheel_drop(struct http_conn *c);
void http_wheel_turn(struct http_worker *w);

/* ---- io.c ---- */
enum http_io {
	HTTP_IO_OK,
	HTTP_IO_AGAIN,
	HTTP_IO_EOF,
	HTTP_IO_ERROR
};
enum http_io http_io_read(struct http_conn *c, void *p, size_t cap, size_t *n);
enum http_io http_io_write(struct http_conn *c, const void *p, size_t len,
    size_t *n);
/* Octets that TLS has and poll does not know of. */
bool http_io_has_more(const struct http_conn *c);
enum http_io http_io_handshake(struct http_conn *c);
/* No more from us, in order. */
void http_io_end(struct http_conn *c);
/* What was said so far must not look whole: the peer sees a reset. */
void http_io_abort(struct http_conn *c);

/* ---- conn.c ---- */
void http_conn_new(struct http_worker *w, int fd, enum http_listener kind,
    const struct http_peer *peer);
void http_conn_close(struct http_conn *c);
void http_conn_hold(struct http_conn *c);
void http_conn_release(struct http_conn *c);
void http_conn_want_read(struct http_conn *c, bool on);
void http_conn_want_write(struct http_conn *c, bool on);
/* There is more to do that no socket will announce: go on in the next turn. */
void http_conn_again(struct http_conn *c);
void http_conn_enter(struct http_conn *c, enum http_conn_state state,
    int64_t ms);
void http_conn_linger(struct http_conn *c);
void http_conn_expire(struct http_conn *c);

/* ---- input.c ---- */
void http_input_read(struct http_conn *c);
/* What needs no further octet from the socket: whole requests, pipelined ones. */
void http_input_step(struct http_conn *c);

/* ---- exchange.c ---- */
struct http_exchange *http_exchange_new(struct http_conn *c);
/* After its answer, or when there will be none. */
void http_exchange_end(struct http_exchange *x);
/* Its connection is gone. Ended at once unless a handler has it. */
void http_exchange_cut(struct http_exchange *x);

/* ---- output.c ---- */
/* Begin to send what is set up in x. */
void http_output_start(struct http_exchange *x);
void http_output_go_on(struct http_conn *c);

/* ---- answer.c ---- */
/* An answer of the engine itself, after which the connection ends. */
void http_refuse(struct http_exchange *x, int status, const char *why);

/* ---- worker.c ---- */
void http_worker_left(struct http_worker *w);
/* ---- accept.c ---- */
void http_accept_stop(struct http_worker *w);
