/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one JSON line an answer, written when it has left. */
#include <chancery/base/json.h>
#include <chancery/base/log.h>
#include <chancery/base/text.h>

#include "core.h"

/* What a line takes, mostly. */
#define LINE_ROOM 512

/* The trace id of a W3C traceparent header: 00-<32 hex>-<16 hex>-<2 hex>. */
static void
read_trace(const struct http_exchange *x, char out[33])
{
	struct bytes v;

	out[0] = '\0';
	if (!http_header(x, "traceparent", &v) || v.n < 55 || v.p[2] != '-' ||
	    v.p[35] != '-')
		return;
	for (size_t i = 3; i < 35; i++)
		if (strchr("0123456789abcdef", v.p[i]) == NULL)
			return;
	memcpy(out, v.p + 3, 32);
	out[32] = '\0';
}

struct access *
access_new(struct flight *f)
{
	const struct http_exchange *x = f->c.x;
	struct access *a = mem_calloc(1, sizeof(*a));
	struct bytes method = http_method(x);

	a->api = f->c.api;
	memcpy(a->id, f->c.id, sizeof(a->id));
	for (size_t i = 0; i < method.n && i < sizeof(a->method) - 1; i++)
		a->method[i] = (char)method.p[i];
	text_cut(a->peer, sizeof(a->peer), http_peer(x));
	read_trace(x, a->trace);
	a->started_ns = http_started_ns(x);
	return a;
}

/* A path that was refused stands as it was sent. */
void
access_raw_path(struct access *a, struct bytes path)
{
	struct buf text = { 0 };

	buf_add_escaped(&text, path);
	a->path = buf_take_str(&text);
}

static void
access_line(const struct access *a, int status, uint64_t bytes, int64_t us,
    struct buf *out)
{
	char t[TIME_TEXT_SIZE];
	struct json_writer w;

	time_format_ms(clock_wall_ms(a->api->cfg.clock), t);
	json_begin(&w, out);
	json_object_begin(&w);
	if (a->accessor[0] != '\0')
		json_kv_str(&w, "accessor", a->accessor);
	json_kv_int(&w, "bytes", (int64_t)bytes);
	json_kv_str(&w, "id", a->id);
	json_kv_str(&w, "method", a->method);
	if (a->mount[0] != '\0')
		json_kv_str(&w, "mount", a->mount);
	json_kv_str(&w, "path", a->path != NULL ? a->path : "");
	json_kv_str(&w, "peer", a->peer);
	json_kv_int(&w, "status", status);
	json_kv_str(&w, "time", t);
	if (a->trace[0] != '\0')
		json_kv_str(&w, "trace", a->trace);
	json_kv_int(&w, "us", us);
	json_kv_str(&w, "who", a->who);
	json_object_end(&w);
	buf_add_byte(out, '\n');
}

static void
write_line(struct api *a, const struct buf *line)
{
	int fd = atomic_load_explicit(&a->access_fd, memory_order_relaxed);

	/* Whole lines: O_APPEND, one write. A full disk loses lines, not requests. */
	if (fd >= 0 && write(fd, line->p, line->n) < 0)
		atomic_fetch_add_explicit(&a->metrics.unlogged, 1,
		    memory_order_relaxed);
}

void
api_refused(void *arg, const char *peer, int status, const char *why)
{
	struct api *a = arg;
	auto_buf struct buf line = { 0 };
	char t[TIME_TEXT_SIZE];
	struct json_writer w;

	time_format_ms(clock_wall_ms(a->cfg.clock), t);
	json_begin(&w, &line);
	json_object_begin(&w);
	json_kv_str(&w, "peer", peer);
	json_kv_int(&w, "status", status);
	json_kv_str(&w, "time", t);
	json_kv_str(&w, "why", why);
	json_object_end(&w);
	buf_add_byte(&line, '\n');
	write_line(a, &line);
}

void
access_sent(void *arg, int status, uint64_t bytes)
{
	struct access *a = arg;
	int64_t us = (clock_mono_ns() - a->started_ns) / 1000;
	auto_buf struct buf line = { 0 };

	metrics_count(&a->api->metrics, a->op, status, us, bytes);
	if (atomic_load_explicit(&a->api->access_fd, memory_order_relaxed) >=
	    0) {
		(void)buf_reserve(&line, LINE_ROOM);
		access_line(a, status, bytes, us, &line);
		write_line(a->api, &line);
	}
	mem_free(a->path);
	mem_free(a);
}
