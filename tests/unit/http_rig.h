/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP server in this process: workers on free ports of 127.0.0.1 (TLS and plain) and
 * on a unix socket, in threads of their own, with a handler whose paths the tests know;
 * and small clients for raw octets.
 */
#include <openssl/ssl.h>

#include <chancery/base/cleanup.h>
#include <chancery/server/http.h>

#define RIG_WORKERS_MAX 4

struct rig_options {
	unsigned workers; /* 0: 1 */
	bool client_ca;   /* ask for client certificates */
	bool wants_cert;  /* the same at each connection: rig_wants_cert */
	struct http_limits limits;
};
struct rig;
struct rig *rig_start(const struct rig_options *o);
/* Stop all workers, wait for their ends, free. */
void rig_end(struct rig *r);
/* Only ask the workers to stop; and wait until they have. */
void rig_stop(struct rig *r);
void rig_join(struct rig *r);
void rig_counts(struct rig *r, struct http_counts *out);
/* Another certificate from now on; its common name. */
void rig_reload(struct rig *r, const char *name);
/* Whether new connections are asked for a certificate from now on. */
void rig_wants_cert(struct rig *r, bool wants);
int rig_port(const struct rig *r, enum http_listener kind);
/* A file of the temporary directory: "ca.pem" (signs server and client), "client.pem"
 * and "client.key", "other.pem" and "other.key" (signed by nobody we trust), "sock". */
const char *rig_path(struct rig *r, const char *name);
/* Wait until n requests of /hold are in the handler; let them all be answered. */
void rig_wait_held(struct rig *r, unsigned n);
void rig_let_go(struct rig *r);
/* Keep all workers from their sockets until rig_unblock; returns when they stand still. */
void rig_block(struct rig *r);
void rig_unblock(struct rig *r);
/* The queries of requests for /mark in the order in which they were handled. */
void rig_marks(struct rig *r, struct buf *out);
/* How often http_on_sent was called; wait until it is n. */
unsigned rig_sent(struct rig *r);
void rig_wait_sent(struct rig *r, unsigned n);
/* How often a request was refused by the engine. */
unsigned rig_refused(struct rig *r);

/* ---- a client's connection ---- */
struct client {
	int fd;
	SSL *ssl;
	SSL_CTX *ctx;
};
struct client client_open(struct rig *r, enum http_listener kind);
/* With a client certificate: "client" or "other". */
struct client client_open_cert(struct rig *r, const char *name);
/* Only TCP; what is said is not TLS. */
struct client client_open_raw(struct rig *r, enum http_listener kind);
/* TLS without a handshake, to be set up by the test; then client_handshake. */
struct client client_prepare(struct rig *r);
bool client_handshake(struct client *c);
void client_close(struct client *c);
void client_send(struct client *c, const char *text);
void client_send_n(struct client *c, const void *p, size_t n);
/* May fail: the server may have closed. */
bool client_try_send(struct client *c, const void *p, size_t n);
/* One answer, head and body (by its length or chunks), NUL-terminated. An answer to
 * HEAD has no body. Returns the status; 0: the connection ended before one. */
int client_answer(struct client *c, bool head, struct buf *out);
/* One answer of that status, whose text contains `says`; else the test fails. */
void client_says(struct client *c, int status, const char *says);
/* Everything until the server closes. */
void client_rest(struct client *c, struct buf *out);
/* Nothing more comes, and the end is there. */
bool client_is_closed(struct client *c);

/* Run a program; its standard output. Returns the exit code. */
int rig_run(char *const argv[], struct buf *out);
