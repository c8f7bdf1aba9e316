/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_load OPTION=VALUE…: load on one HTTPS API, one line of JSON as the result.
 *   host, port        where (127.0.0.1)
 *   method, path      what (POST)
 *   token             X-Vault-Token
 *   bodies=FILE       a request's body a line, in turn; none: empty bodies
 *   connections, seconds, warm-up
 *   reconnect=1       a new connection for each request
 *   idle=N            instead: memory with N idle connections
 *   pids=A,B,…        the server's processes: their CPU and memory
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <chancery/base/alloc.h>
#include <chancery/base/file.h>
#include <chancery/base/json.h>

#include "load.h"

struct options {
	const char *host, *port, *method, *path, *token, *bodies, *connections,
	    *seconds, *warm_up, *reconnect, *idle, *pids;
};

static const struct {
	const char *name;
	size_t at;
} known[] = {
	{ "host", offsetof(struct options, host) },
	{ "port", offsetof(struct options, port) },
	{ "method", offsetof(struct options, method) },
	{ "path", offsetof(struct options, path) },
	{ "token", offsetof(struct options, token) },
	{ "bodies", offsetof(struct options, bodies) },
	{ "connections", offsetof(struct options, connections) },
	{ "seconds", offsetof(struct options, seconds) },
	{ "warm-up", offsetof(struct options, warm_up) },
	{ "reconnect", offsetof(struct options, reconnect) },
	{ "idle", offsetof(struct options, idle) },
	{ "pids", offsetof(struct options, pids) },
};

static void
option_read(struct options *o, const char *arg)
{
	for (size_t i = 0; i < countof(known); i++) {
		size_t n = strlen(known[i].name);
		const char *value = arg + n + 1;

		if (strncmp(arg, known[i].name, n) == 0 && arg[n] == '=') {
			memcpy((char *)o + known[i].at, &value, sizeof(value));
			return;
		}
	}
	errx(64, "unknown option %s", arg);
}

static void
pids_read(const char *text, pid_t *pids)
{
	size_t n = 0;
	char *end;

	while (text != NULL && *text != '\0' && n < LOAD_PIDS_MAX - 1) {
		pids[n++] = (pid_t)strtol(text, &end, 10);
		text = *end == ',' ? end + 1 : end;
		if (end == text)
			break;
	}
}

static void
requests_read(const struct options *o, struct load_config *cfg,
    struct buf **requests)
{
	struct buf text = { 0 };
	struct error e;
	size_t cap = 0;

	if (o->bodies != NULL && !file_read(o->bodies, 64 << 20, &text, &e))
		errx(1, "%s", e.msg);
	for (size_t at = 0; at < text.n || cfg->n_requests == 0;) {
		const uint8_t *p = text.p + at;
		const uint8_t *nl =
		    text.n > at ? memchr(p, '\n', text.n - at) : NULL;
		size_t n = nl != NULL ? (size_t)(nl - p) : text.n - at;

		*requests = mem_grow(*requests, cfg->n_requests, &cap,
		    sizeof(**requests));
		(*requests)[cfg->n_requests] = (struct buf){ 0 };
		load_request(&(*requests)[cfg->n_requests++], o->method,
		    o->path, o->token, bytes_of(p, n));
		at += n + 1;
	}
	cfg->requests = *requests;
	buf_free(&text);
}

static void
add_number(struct json_writer *w, const char *key, double v)
{
	char text[320];

	(void)snprintf(text, sizeof(text), "%.4f", v);
	json_key(w, key);
	json_raw(w, bytes_str(text));
}

static void
print(struct buf *out)
{
	buf_add_byte(out, '\n');
	(void)fwrite(out->p, 1, out->n, stdout);
	buf_free(out);
}

static void
run(const struct load_config *cfg)
{
	struct load_result r;
	struct buf out = { 0 };
	struct json_writer w;
	double n;

	load_run(cfg, &r);
	n = r.requests > 0 ? (double)r.requests : 1;
	json_begin(&w, &out);
	json_object_begin(&w);
	json_kv_int(&w, "errors", (int64_t)r.errors);
	json_kv_str(&w, "first_error", r.first_error);
	add_number(&w, "load_cpu_us", r.own_cpu_s / n * 1e6);
	add_number(&w, "p50_ms", r.p50_ms);
	add_number(&w, "p99_ms", r.p99_ms);
	add_number(&w, "rate", (double)r.requests / r.seconds);
	json_kv_int(&w, "requests", (int64_t)r.requests);
	add_number(&w, "seconds", r.seconds);
	add_number(&w, "server_cpu_us", r.server_cpu_s / n * 1e6);
	json_object_end(&w);
	print(&out);
}

static void
run_idle(const struct load_config *cfg, unsigned n)
{
	struct rlimit l = { 0 };
	struct buf out = { 0 };
	struct json_writer w;
	struct load_idle *idle;
	uint64_t before = load_pss_kib(cfg->pids), with;

	(void)getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
	idle = load_idle_open(cfg, n);
	with = load_pss_kib(cfg->pids);
	load_idle_close(idle);
	json_begin(&w, &out);
	json_object_begin(&w);
	json_kv_int(&w, "connections", n);
	json_kv_int(&w, "pss_before_kib", (int64_t)before);
	json_kv_int(&w, "pss_idle_kib", (int64_t)with);
	json_object_end(&w);
	print(&out);
}

int
main(int argc, char **argv)
{
	struct options o = { .host = "127.0.0.1",
		.port = "8200",
		.method = "POST",
		.path = "/",
		.connections = "1",
		.seconds = "5",
		.warm_up = "1",
		.reconnect = "0" };
	struct load_config cfg = { 0 };
	struct buf *requests = NULL;

	for (int i = 1; i < argc; i++)
		option_read(&o, argv[i]);
	cfg.host = o.host;
	cfg.port = (int)strtol(o.port, NULL, 10);
	cfg.connections = (unsigned)strtoul(o.connections, NULL, 10);
	cfg.seconds = strtod(o.seconds, NULL);
	cfg.warm_up_s = strtod(o.warm_up, NULL);
	cfg.reconnect = o.reconnect[0] == '1';
	pids_read(o.pids, cfg.pids);
	requests_read(&o, &cfg, &requests);
	if (o.idle != NULL)
		run_idle(&cfg, (unsigned)strtoul(o.idle, NULL, 10));
	else
		run(&cfg);
	for (size_t i = 0; i < cfg.n_requests; i++)
		buf_free(&requests[i]);
	mem_free(requests);
	return 0;
}
