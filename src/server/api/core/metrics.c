/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text exposition 0.0.4 of static counters. */
#include <chancery/base/clock.h>
#include <chancery/server/pki.h>

#include "core.h"

struct mount_metrics {
	struct api *api;
	struct buf *out;
};

static const struct {
	int64_t us;
	const char *text;
} bounds[METRIC_BUCKETS] = { { 250, "0.00025" }, { 500, "0.0005" },
	{ 1000, "0.001" }, { 2500, "0.0025" }, { 5000, "0.005" },
	{ 10000, "0.01" }, { 25000, "0.025" }, { 50000, "0.05" },
	{ 100000, "0.1" }, { 250000, "0.25" }, { 1000000, "1" },
	{ 5000000, "5" }, { 10000000, "10" }, { 20000000, "20" } };

static void
add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t
get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void
metrics_count(struct metrics *m, enum operation op, int status, int64_t us,
    uint64_t bytes)
{
	size_t i = 0,
	       class = status >= 100 && status < 600 ? (size_t)status / 100 : 0;

	while (i < METRIC_BUCKETS && us > bounds[i].us)
		i++;
	add(&m->bucket[i], 1);
	add(&m->sum_us, (uint64_t)us);
	add(&m->sent_bytes, bytes);
	add(&m->requests[op][class], 1);
}

void
metrics_head(struct buf *out, const char *name, const char *type,
    const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
write_requests(struct metrics *m, struct buf *out)
{
	static const char *const names[OP__COUNT] = { [OP_READ] = "read",
		[OP_LIST] = "list",
		[OP_WRITE] = "write",
		[OP_PATCH] = "patch",
		[OP_DELETE] = "delete" };

	metrics_head(out, "chancery_requests_total", "counter",
	    "Answers by operation and class of status; 0xx: the connection "
	    "broke first.");
	for (size_t op = 0; op < OP__COUNT; op++)
		for (size_t class = 0; class < 6; class ++) {
			uint64_t n = get(&m->requests[op][class]);

			if (n > 0)
				buf_addf(out,
				    "chancery_requests_total{operation=\"%s\","
				    "status=\"%zuxx\"} %ju\n",
				    names[op], class, (uintmax_t)n);
		}
}

static void
write_durations(struct metrics *m, struct buf *out)
{
	uint64_t sum = 0;

	metrics_head(out, "chancery_request_seconds", "histogram",
	    "From the first octet of a request to the last of its answer.");
	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		sum += get(&m->bucket[i]);
		buf_addf(out,
		    "chancery_request_seconds_bucket{le=\"%s\"} %ju\n",
		    bounds[i].text, (uintmax_t)sum);
	}
	sum += get(&m->bucket[METRIC_BUCKETS]);
	buf_addf(out,
	    "chancery_request_seconds_bucket{le=\"+Inf\"} %ju\n"
	    "chancery_request_seconds_sum %.6f\n"
	    "chancery_request_seconds_count %ju\n",
	    (uintmax_t)sum, (double)get(&m->sum_us) / 1e6, (uintmax_t)sum);
}

void
metrics_number(struct buf *out, const char *name, const char *type,
    const char *help, uint64_t value)
{
	metrics_head(out, name, type, help);
	buf_addf(out, "%s %ju\n", name, (uintmax_t)value);
}

static bool
write_mount(void *arg, const struct doc *doc)
{
	struct mount_metrics *m = arg;
	uint64_t certs, revoked;
	struct error e = { 0 };

	if (!store_cert_count(m->api->cfg.store, doc->name, &certs, &revoked,
		&e))
		return true;
	buf_addf(m->out,
	    "chancery_certificates{mount=\"%s\",state=\"stored\"} %ju\n"
	    "chancery_certificates{mount=\"%s\",state=\"revoked\"} %ju\n",
	    doc->name, (uintmax_t)certs, doc->name, (uintmax_t)revoked);
	return true;
}

static void
write_http(struct api *a, struct buf *out)
{
	struct http_counts n;

	if (a->http == NULL)
		return;
	http_shared_counts(a->http, &n);
	metrics_number(out, "chancery_connections_open", "gauge",
	    "Connections now.", n.open);
	metrics_number(out, "chancery_connections_total", "counter",
	    "Connections accepted.", n.accepted);
	metrics_number(out, "chancery_handshakes_total", "counter",
	    "TLS handshakes done.", n.handshakes);
	metrics_number(out, "chancery_handshakes_failed_total", "counter",
	    "TLS handshakes that failed.", n.handshakes_failed);
	metrics_number(out, "chancery_connections_turned_away_total", "counter",
	    "Connections beyond a limit.", n.turned_away);
	metrics_number(out, "chancery_requests_refused_total", "counter",
	    "Requests that were malformed, too large or too slow.", n.refused);
}

void
api_metrics(struct api *a, struct buf *out)
{
	struct metrics *m = &a->metrics;
	struct mount_metrics arg = { a, out };
	int64_t flying =
	    atomic_load_explicit(&m->in_flight, memory_order_relaxed);

	write_requests(m, out);
	write_durations(m, out);
	metrics_number(out, "chancery_requests_in_flight", "gauge",
	    "Requests begun and not answered.",
	    flying > 0 ? (uint64_t)flying : 0);
	metrics_number(out, "chancery_sent_bytes_total", "counter",
	    "Octets of answers.", get(&m->sent_bytes));
	metrics_number(out, "chancery_overloaded_total", "counter",
	    "Requests refused with 503 because too many were in flight.",
	    get(&m->overloaded));
	metrics_number(out, "chancery_denied_total", "counter",
	    "Requests that a policy denied.", get(&m->denied));
	metrics_number(out, "chancery_changes_total", "counter",
	    "Changes of configuration.", get(&m->changes));
	metrics_number(out, "chancery_access_log_lost_total", "counter",
	    "Lines of the access log that could not be written.",
	    get(&m->unlogged));
	metrics_number(out, "chancery_start_time_seconds", "gauge",
	    "When this process began to serve.", (uint64_t)a->started_s);
	metrics_number(out, "chancery_register_position", "gauge",
	    "First record of the register that the store may lack.",
	    api_position(a));
	write_http(a, out);
	metrics_number(out, "chancery_lanes_up", "gauge",
	    "Workers whose way to the signer is open.", api_lanes_up(a));
	metrics_head(out, "chancery_certificates", "gauge",
	    "Rows of the store.");
	docs_each(a->cfg.docs, "mount", "", write_mount, &arg);
	pki_metrics(out, clock_wall_ms(&clock_system) / 1000);
	pki_ocsp_metrics(out);
	publish_metrics(out);
}
