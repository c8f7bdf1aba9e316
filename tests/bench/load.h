/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A closed-loop HTTPS client: n connections in one thread, each with one request
 * outstanding, epoll, TLS 1.3 with X25519, no resumption. Measures what it sees and what
 * the processes of the server use meanwhile.
 */
#include <sys/types.h>

#include <chancery/base/bytes.h>

#define LOAD_PIDS_MAX 16

struct load_config {
	const char *host; /* an IPv4 address */
	int port;
	const struct buf *requests; /* whole, in turn; head and body */
	size_t n_requests;
	unsigned connections;
	double warm_up_s, seconds;
	bool reconnect;            /* a new connection for each request */
	pid_t pids[LOAD_PIDS_MAX]; /* of the server; 0 ends the list */
};
struct load_result {
	uint64_t requests, errors; /* errors: not 2xx, or broken off */
	double seconds, p50_ms, p99_ms;
	double own_cpu_s, server_cpu_s;
	char first_error[2048]; /* the first answer that was none */
};
void load_run(const struct load_config *cfg, struct load_result *out);

/* n connections that have each asked the first request once and are idle now, until
 * load_idle_close. */
struct load_idle;
struct load_idle *load_idle_open(const struct load_config *cfg, unsigned n);
void load_idle_close(struct load_idle *idle);

/* One request in the form that load_run sends. */
void load_request(struct buf *out, const char *method, const char *path,
    const char *token, struct bytes body);

/* Of processes: CPU seconds used so far, and memory (Pss) in KiB. */
double load_cpu(const pid_t *pids);
uint64_t load_pss_kib(const pid_t *pids);
