/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside of the API's core: what surrounds a call. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <chancery/base/clock.h>
#include <chancery/base/limits.h>
#include <chancery/server/api.h>
#include <chancery/server/request.h>

struct flight;

/* ---- one line of the access log, and what metrics count ---- */
struct access {
	struct api *api;
	char id[37];
	char method[16], peer[64], trace[33];
	char *path; /* as policies see it, else as sent, escaped */
	char who[300], accessor[40], mount[32];
	enum operation op;
	int64_t started_ns;
};

/* ---- positions: how far the store has what the register has ---- */
/* One request to the signer on its way: everything that replies told when it was sent. */
struct position {
	TAILQ_ENTRY(position) link;
	uint64_t next; /* records below it that are ours had been seen */
};
TAILQ_HEAD(position_list, position);
struct positions {
	pthread_mutex_t mutex;
	struct position_list flying; /* in order of sending, so of `next` too */
	uint64_t next;               /* highest record seen, plus one */
	uint64_t
	    lost; /* below it all is there; something above may have got lost */
	bool has_lost;
	int64_t lost_ns; /* the last time */
};
void positions_init(struct positions *p);
struct position *position_begin(struct positions *p) must_check;
/* `next`: one beyond the record that the reply named and whose rows are put; 0: none.
 * Frees. */
void position_end(struct positions *p, struct position *at, uint64_t next);
/* The outcome is unknown: stay behind it until somebody has looked. Frees. */
void position_lost(struct positions *p, struct position *at);

/* ---- metrics ---- */
#define METRIC_BUCKETS 14
struct metrics {
	_Atomic uint64_t requests[OP__COUNT][6]; /* by status class */
	_Atomic uint64_t bucket[METRIC_BUCKETS + 1], sum_us;
	_Atomic uint64_t sent_bytes, overloaded, denied, changes, unlogged;
	_Atomic int64_t in_flight;
};
struct access *access_new(struct flight *f) must_check;
/* A path that was refused stands as it was sent. */
void access_raw_path(struct access *a, struct bytes path);
/* http_on_sent: counts, logs, frees. */
void access_sent(void *arg, int status, uint64_t bytes);
void metrics_count(struct metrics *m, enum operation op, int status, int64_t us,
    uint64_t bytes);

/* ---- helper threads ---- */
struct offload_job {
	STAILQ_ENTRY(offload_job) link;
	void (*work)(void *arg);
	void (*done)(void *arg); /* in the worker's loop */
	void *arg;
	struct http_worker *worker;
};
struct offload {
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	STAILQ_HEAD(, offload_job) queue;
	pthread_t threads[LIMIT_OFFLOAD_THREADS];
	bool stop;
};
void offload_start(struct offload *o);
void offload_stop(struct offload *o);
/* job is the caller's and must live until done has been called. */
void offload_run(struct offload *o, struct offload_job *job);

/* ---- a worker and the process ---- */
struct worker {
	struct api *api;
	unsigned index;
	struct http_worker *http;
	struct lane *lane;
	struct outlane *outlane; /* NULL: there is no publisher */
	size_t in_flight;        /* calls, its own thread only */
	_Atomic int lane_state;  /* as of the last api_look */
};

struct change;
struct change_queue {
	pthread_mutex_t mutex;
	STAILQ_HEAD(, change) queue;
	size_t waiting;
	bool busy;
	/* Nobody knows whether the last one is in the register: the next one's turn is
	 * after a catch-up that began at settled_ns or later; 0: the signer has it yet. */
	bool held;
	int64_t settled_ns;
};
/* Those that have waited too long are answered. */
void changes_expire(struct change_queue *q);
/* A catch-up that began then is done. */
void changes_caught_up(struct api *a, int64_t began_ns);

struct api {
	struct api_config cfg;
	struct worker *workers;
	struct change_queue changes;
	struct offload offload;
	struct positions positions;
	struct metrics metrics;
	struct http_shared *http;
	struct route_table **tables; /* as cfg.backends */
	_Atomic int access_fd;
	int64_t started_s;
};

/* ---- a call ---- */
struct flight {
	struct call c; /* first */
	struct worker *w;
	uint8_t id[16];
	struct access *access; /* the exchange's once it is sent */
	/* An internal call has no exchange: its answer goes here. */
	api_done_fn *done;
	void *done_arg;
	struct mount mount;
	struct buf path; /* canonical, whole */
	json_t *captures;
	json_t *notes; /* warnings about parameters: only where there is data */
	const char *cache_control;
	unsigned depth; /* of handler frames on the stack */
	bool answered, stepping, trailing_slash, help;
	bool spare; /* beyond LIMIT_CALLS_IN_FLIGHT */
	/* the step */
	call_fn *next;
	struct lane_reply reply;
	struct position *position; /* of a step through the lane */
	struct offload_job job;
	void (*work)(void *state);
	uint8_t *serial;
};

static inline struct flight *
flight_of(struct call *c)
{
	return (struct flight *)(void *)c;
}
/* x NULL: an internal call. */
struct flight *flight_new(struct worker *w, struct http_exchange *x) must_check;
/* Run a part of the handler; the call is released when it has answered and no frame of
 * it is left. One that neither answers nor steps is a bug: fatal. */
void flight_run(struct flight *f, call_fn *fn);
/* Begin a step, end it; one through the lane has a position. */
void step_begin(struct flight *f, call_fn *next);
void step_end(struct flight *f, const struct lane_reply *r);
struct flight *lane_step_begin(struct call *c, call_fn *next);
void lane_step_end(struct flight *f, const struct lane_reply *r);
/* Refusals leave no record that the store needs; what failed otherwise may have. */
bool outcome_is_known(const struct lane_reply *r) must_check;
struct lane_claim claim_of(const struct call *c);
/* For core itself, an answer of which the shape is done. type NULL: no body. */
void flight_send(struct flight *f, int status, const char *type,
    struct bytes body);
/* "1 error occurred:\n\t* text\n\n" as hashicorp/go-multierror prints. */
void flight_refuse(struct flight *f, int status, const char *text);

void uuid_text(const uint8_t id[16], char out[37]);
/* Text into a fixed array, cut between characters. */
void text_cut(char *out, size_t n, const char *s);

/* ---- mounts ---- */
bool mount_of_path(struct docs *d, const struct service_config *cfg,
    const char *path, struct mount *out) must_check;
bool mount_is_built_in(const char *path) must_check;
const struct backend *backend_of(const struct api *a,
    const char *type) must_check;

/* The rows of what a mount has; NULL: this program has no such backend. */
const struct route_table *routes_of(const struct api *a,
    const char *type) must_check;

/* ---- whose token ---- */
/* X-Vault-Token, or Authorization: Bearer; empty: none. */
struct bytes token_of(const struct http_exchange *x);
/* Whether another service is asked about a token that ours does not know; the step ends in
 * `next` with c->token, or with none and why in the reply. A worker that is full refuses the
 * call instead: true too. */
bool foreign_ask(struct flight *f, struct bytes text, call_fn *next);

/* The way of a request: call_fn that runs first. */
void serve(struct call *c);
void serve_overloaded(struct call *c);
/* Mount and row of f->path. */
void serve_find_row(struct flight *f);
