/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP/1.1, strict (RFC 9112), over TLS (OpenSSL), plain TCP and unix sockets. An event
 * loop a worker thread (libevent); a handler is called in it with a complete request and
 * answers now or later, in the same thread. Any method token is taken (LIST).
 *
 * Refused, and the connection closed: bare LF, obs-fold, space before a colon, no or two
 * Hosts, Content-Length with Transfer-Encoding or two of them, transfer codings, more
 * than LIMIT_HTTP_HEAD_BYTES or LIMIT_HTTP_FIELDS. Deadlines are absolute per phase.
 *
 * A handler may keep an exchange as long as it likes and must answer it in the end, also
 * when its client has gone (the answer is then dropped). All calls about an exchange are
 * made in its worker's thread. SIGPIPE is ignored from http_shared_new on.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>
#include <chancery/base/secret.h>

struct event_base;
struct http_worker;
struct http_exchange;
struct http_tls; /* shared SSL_CTX; http_tls_reload swaps certificate and key */

/* What OpenSSL and libevent give back is wiped from now on: session keys, requests in the
 * clear. Before the first use of either in the process, from main. */
void http_memory_init(void);

enum http_listener {
	HTTP_TLS,
	HTTP_UNIX,
	HTTP_PLAIN /* public reads */
};

struct http_tls_config {
	struct bytes certificate_pem,
	    key_pem; /* chain, leaf first; wiped by the caller */
	/* PEM path or NULL. Its names are told to clients, some of which choose by them; what
	 * they show is asked for on every connection then, and not verified against it. */
	const char *client_ca;
};
struct http_tls *http_tls_new(const struct http_tls_config *cfg,
    struct error *e) must_check;
bool http_tls_reload(struct http_tls *t, const struct http_tls_config *cfg,
    struct error *e) must_check; /* any thread; new handshakes get it */
void http_tls_free(struct http_tls *t);

/* Called once the head and the whole body are there. */
typedef void http_handler_fn(void *arg, struct http_exchange *x);
struct http_limits {
	size_t body_bytes;    /* beyond it 413; 0: 32 MiB */
	unsigned connections; /* 0: LIMIT_HTTP_CONNECTIONS */
	unsigned connections_per_peer, handshakes_per_s; /* 0: no limit */
};
/* A request that never became an exchange (malformed, too large, too slow): for the
 * access log. In the worker's thread. */
typedef void http_refused_fn(void *arg, const char *peer, int status,
    const char *why);
struct http_config {
	struct http_tls *tls; /* NULL: no HTTP_TLS listener */
	struct http_limits limits;
	http_handler_fn *handler;
	http_refused_fn *refused; /* may be NULL */
	/* Whether a TLS connection that begins is asked for a client certificate (never
	 * required); those with one are always a full handshake. NULL: with client_ca only. */
	bool (*wants_cert)(void *arg);
	void *arg;
};
/* Shared by all workers of the process: connection counts per peer. */
struct http_shared;
struct http_shared *http_shared_new(const struct http_config *cfg);
void http_shared_free(struct http_shared *s);
/* Since the start, but `open`: now. Any thread; for metrics. */
struct http_counts {
	uint64_t open, accepted, handshakes, handshakes_failed, turned_away,
	    refused;
};
void http_shared_counts(struct http_shared *s, struct http_counts *out);

struct http_worker *http_worker_new(struct http_shared *s, unsigned index);
struct event_base *http_worker_base(struct http_worker *w);
/* Borrowed listening descriptor; may be added to several workers. New connections go to
 * the worker that has the fewest. */
void http_worker_listen(struct http_worker *w, enum http_listener kind, int fd);
/* Runs until http_worker_stop, in the calling thread. */
void http_worker_run(struct http_worker *w);
/* Any thread: no new connections; keep-alive ones close after their answer; returns
 * from run when none is left or after LIMIT_STOP_MS. */
void http_worker_stop(struct http_worker *w);
/* Not while it runs. What was posted and has not run yet runs here. */
void http_worker_free(struct http_worker *w);
/* Any thread: run fn in the worker's loop soon. */
void http_worker_post(struct http_worker *w, void (*fn)(void *arg), void *arg);
unsigned http_worker_index(const struct http_worker *w);

/* ---- the request ---- */
struct http_worker *http_get_worker(const struct http_exchange *x);
struct bytes http_method(const struct http_exchange *x);
/* Origin-form target split at '?', as sent (not decoded). */
struct bytes http_path(const struct http_exchange *x);
struct bytes http_query(const struct http_exchange *x);
/* First value of that field (case-insensitive), trimmed; empty and false: absent. */
bool http_header(const struct http_exchange *x, const char *name,
    struct bytes *value);
/* The body may be given to a wiping parser; wiped on release when it came over TLS or
 * the unix socket. */
struct bytes http_body(const struct http_exchange *x);
enum http_listener http_listener_of(const struct http_exchange *x);
/* "127.0.0.1:51234" or "unix:pid". */
const char *http_peer(const struct http_exchange *x);
/* Of a unix peer (SO_PEERCRED); false otherwise. */
bool http_peer_cred(const struct http_exchange *x, unsigned *uid, unsigned *gid,
    int *pid);
/* The TLS client certificate (DER) and its chain as sent; false: none. The handshake has
 * proved that the client has its key, and nothing else has been looked at: neither who
 * signed it nor whether it is still good. */
bool http_peer_cert(const struct http_exchange *x, struct buf *der);
/* 16 random octets, the request's id in every log line and record. */
const uint8_t *http_request_id(const struct http_exchange *x);
int64_t http_started_ns(const struct http_exchange *x);

/* ---- the answer: exactly one call of http_send* an exchange ---- */
/* Extra header lines, before sending; not those of framing (Content-Length, Connection,
 * Content-Type, Date). A value with an octet that no field value has (CR, LF, NUL) is
 * left out with its name. */
void http_set_header(struct http_exchange *x, const char *name,
    const char *value);
/* content_type NULL: none, as with 204. The body is borrowed for the call. */
void http_send(struct http_exchange *x, int status, const char *content_type,
    struct bytes body);
/* The same for a body that holds a private key: taken over, wiped after sending. */
void http_send_secret(struct http_exchange *x, int status,
    const char *content_type, struct secret *body);
/* A file (CRL), by descriptor, streamed with Content-Length; fd is taken over. */
void http_send_file(struct http_exchange *x, int status,
    const char *content_type, int fd, uint64_t offset, uint64_t length);
/* A body of unknown length: chunked; next() appends up to ~64 KiB at a time and returns
 * false at the end (an error closes the connection). For long lists. */
typedef bool http_next_fn(void *arg, struct buf *out, struct error *e);
void http_send_stream(struct http_exchange *x, int status,
    const char *content_type, http_next_fn *next, void (*release)(void *arg),
    void *arg);
/* The same of a length that is known: Content-Length, and next() appends as many octets in all;
 * anything else breaks the connection. */
void http_send_stream_sized(struct http_exchange *x, int status,
    const char *content_type, uint64_t length, http_next_fn *next,
    void (*release)(void *arg), void *arg);
/* Called when the answer has left or the connection broke (access log, metrics):
 * status, bytes sent. May be NULL; set before sending. */
void http_on_sent(struct http_exchange *x,
    void (*fn)(void *arg, int status, uint64_t bytes), void *arg);
