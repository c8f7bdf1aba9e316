/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to outside services: libcurl's multi interface, a queue for each service. */
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/base/secret.h>

#include "connect.h"
#include "publisher.h"

#define FIRST_ANSWER_BYTES 4096
#define TOKEN_HEADER "X-Vault-Token: "
#define HEADER_MAX (LIMIT_FOREIGN_TOKEN_BYTES + 64)

struct call {
	TAILQ_ENTRY(call) link;
	struct outside *to;
	CURL *curl; /* NULL: it waits for a connection */
	struct curl_slist *headers;
	struct secret *header; /* "X-Vault-Token: …", NUL-terminated */
	struct secret *body;
	char *path, *name_space;
	int64_t deadline_ns;
	outside_done_fn *done;
	void *arg;
	char words[CURL_ERROR_SIZE];
};
TAILQ_HEAD(calls, call);

struct outside {
	struct outsides *all;
	const struct service_vault *cfg;
	struct credentials cred;
	struct calls waiting, active;
	size_t n, active_n;
};

struct outsides {
	CURLM *multi;
	struct outside *v;
	size_t n;
};

/* ---- credentials --------------------------------------------------------- */

static bool
read_files(const struct service_vault *v, struct credentials *out,
    struct error *e)
{
	const struct credential_files files = { v->ca_certificate,
		v->client_certificate, v->client_key };

	return credentials_read(&files, out, e) ||
	    error_context(e, "vault %s", v->name);
}

/* ---- all of them ----------------------------------------------------------- */

static bool
open_one(struct outsides *all, struct outside *o, const struct service_vault *v,
    struct error *e)
{
	o->all = all;
	o->cfg = v;
	TAILQ_INIT(&o->waiting);
	TAILQ_INIT(&o->active);
	return read_files(v, &o->cred, e);
}

struct outsides *
outsides_new(const struct service_config *cfg, struct error *e)
{
	const struct service_vault *v = cfg->vault.v;
	struct outsides *o = mem_calloc(1, sizeof(*o));

	o->multi = curl_multi_init();
	o->v = mem_calloc(cfg->vault.n, sizeof(*o->v));
	o->n = cfg->vault.n;
	if (o->multi == NULL ||
	    curl_multi_setopt(o->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
		(long)LIMIT_OUTSIDE_CONNECTIONS_ALL) != CURLM_OK ||
	    curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS,
		(long)LIMIT_OUTSIDE_CONNECTIONS_ALL) != CURLM_OK)
		fatal("curl_multi");
	for (size_t i = 0; i < o->n; i++)
		if (!open_one(o, &o->v[i], &v[i], e)) {
			o->n = i + 1;
			outsides_free(o);
			return NULL;
		}
	return o;
}

bool
outsides_reload(struct outsides *o, const struct service_config *cfg,
    struct error *e)
{
	const struct service_vault *v = cfg->vault.v;
	struct credentials fresh[SERVICE_VAULTS_MAX] = { 0 };
	size_t n = 0;
	bool ok = true;

	while (ok && n < o->n)
		ok = read_files(&v[n], &fresh[n], e) && ++n > 0;
	/* A call on its way has its own copies. */
	for (size_t i = 0; i < n; i++) {
		credentials_clear(ok ? &o->v[i].cred : &fresh[i]);
		if (ok)
			o->v[i].cred = fresh[i];
	}
	return ok;
}

struct outside *
outside_get(struct outsides *o, size_t service)
{
	return service < o->n ? &o->v[service] : NULL;
}

/* ---- one call -------------------------------------------------------------- */

static void
call_free(struct call *c)
{
	if (c->curl != NULL) {
		(void)curl_multi_remove_handle(c->to->all->multi, c->curl);
		curl_easy_cleanup(c->curl);
	}
	curl_slist_free_all(c->headers);
	secret_free(c->header);
	secret_free(c->body);
	mem_free(c->path);
	mem_free(c->name_space);
	mem_free(c);
}

/* Out of its list and freed, after its caller was told. */
static void
call_end(struct call *c, const struct outside_reply *r)
{
	struct outside *o = c->to;

	if (c->curl != NULL) {
		TAILQ_REMOVE(&o->active, c, link);
		o->active_n--;
	} else {
		TAILQ_REMOVE(&o->waiting, c, link);
	}
	o->n--;
	c->done(c->arg, r);
	call_free(c);
}

static bool
grow(struct call *c, size_t need)
{
	struct secret *old = c->body, *larger;
	size_t cap = FIRST_ANSWER_BYTES;

	while (cap < need && cap < LIMIT_OUTSIDE_ANSWER_BYTES)
		cap *= 2;
	if (cap < need)
		return false;
	larger = secret_new(cap);
	if (old != NULL &&
	    !secret_set(larger, secret_data(old), secret_len(old)))
		fatal("an answer shrank");
	secret_free(old);
	c->body = larger;
	return true;
}

static size_t
collect(char *p, size_t size, size_t n, void *arg)
{
	struct call *c = arg;
	size_t had = c->body != NULL ? secret_len(c->body) : 0;

	n *= size;
	if (c->body != NULL && secret_add(c->body, p, n))
		return n;
	return grow(c, had + n) && secret_add(c->body, p, n) ? n : 0;
}

static bool
add_header(struct call *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->headers, line);

	if (more != NULL)
		c->headers = more;
	return more != NULL;
}

static bool
set_up(struct call *c, const char *url)
{
	const struct credentials *k = &c->to->cred;
	int64_t left_ms = (c->deadline_ns - clock_mono_ns()) / 1000000;
	CURL *u = c->curl;

	/* Of its own: new ones may be read meanwhile. */
	return connect_set(u, url, k, CURL_BLOB_COPY) &&
	    connect_show(u, k, CURL_BLOB_COPY) &&
	    curl_easy_setopt(u, CURLOPT_TIMEOUT_MS,
		left_ms > 0 ? (long)left_ms : 1L) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_ERRORBUFFER, c->words) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_WRITEFUNCTION, collect) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_WRITEDATA, c) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_PRIVATE, c) == CURLE_OK;
}

static bool
add_headers(struct call *c)
{
	auto_mem char *space = c->name_space != NULL
	    ? mem_printf("X-Vault-Namespace: %s", c->name_space)
	    : NULL;

	return add_header(c, (const char *)secret_data(c->header)) &&
	    add_header(c, "X-Vault-Request: true") &&
	    (space == NULL || add_header(c, space));
}

static void
begin(struct call *c)
{
	const char *address = c->to->cfg->address;
	size_t n = strlen(address);
	auto_mem char *url = mem_printf("%.*s%s",
	    (int)(n - (address[n - 1] == '/')), address, c->path);

	c->curl = curl_easy_init();
	if (c->curl == NULL || !add_headers(c) || !set_up(c, url) ||
	    curl_multi_add_handle(c->to->all->multi, c->curl) != CURLM_OK)
		fatal("libcurl takes no call");
	TAILQ_REMOVE(&c->to->waiting, c, link);
	TAILQ_INSERT_TAIL(&c->to->active, c, link);
	c->to->active_n++;
}

static bool
begin_waiting(struct outside *o)
{
	struct call *c;
	bool any = false;

	while (o->active_n < LIMIT_OUTSIDE_CONNECTIONS &&
	    (c = TAILQ_FIRST(&o->waiting)) != NULL) {
		begin(c);
		any = true;
	}
	return any;
}

/* A header's value: what is no visible character would end it, or begin another one. */
static bool
is_header_value(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
			return false;
	return v.n > 0;
}

bool
outside_get_path(struct outside *to, const struct outside_request *q,
    struct error *e)
{
	struct call *c;

	if (!is_header_value(q->token))
		return error_set(e, FAIL_PERMISSION, "not a token");
	if (to->n >= LIMIT_OUTSIDE_CALLS)
		return error_set(e, FAIL_BUSY, "too many calls wait for it");
	c = mem_calloc(1, sizeof(*c));
	c->to = to;
	c->path = mem_strdup(q->path);
	c->name_space =
	    q->name_space != NULL ? mem_strdup(q->name_space) : NULL;
	c->deadline_ns = clock_mono_ns() + q->timeout_ms * 1000000;
	c->done = q->done;
	c->arg = q->arg;
	c->header = secret_new(HEADER_MAX);
	if (!secret_set(c->header, TOKEN_HEADER, sizeof(TOKEN_HEADER) - 1) ||
	    !secret_add(c->header, q->token.p, q->token.n) ||
	    !secret_add(c->header, "", 1))
		fatal("a header of %zu octets", q->token.n);
	TAILQ_INSERT_TAIL(&to->waiting, c, link);
	to->n++;
	return true;
}

/* ---- the end of a call ------------------------------------------------------- */

static const struct {
	CURLcode rc;
	enum fail why;
	const char *msg; /* NULL: libcurl's words */
} ends[] = {
	{ CURLE_OPERATION_TIMEDOUT, FAIL_TIMEOUT,
	    "it does not answer in time" },
	{ CURLE_WRITE_ERROR, FAIL_BAD_INPUT, "its answer is too long" },
	{ CURLE_COULDNT_CONNECT, FAIL_IO, "it cannot be reached" },
};

static void
finished(struct call *c, CURLcode rc)
{
	struct outside_reply r = { .why = FAIL_IO };

	if (rc == CURLE_OK &&
	    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &r.status) ==
		CURLE_OK)
		r.why = FAIL_NONE;
	else
		r.msg = c->words[0] != '\0' ? c->words : curl_easy_strerror(rc);
	for (size_t i = 0; i < countof(ends); i++)
		if (ends[i].rc == rc) {
			r.why = ends[i].why;
			r.msg = ends[i].msg;
		}
	r.token = bytes_of(secret_data(c->header) + sizeof(TOKEN_HEADER) - 1,
	    secret_len(c->header) - sizeof(TOKEN_HEADER));
	if (c->body != NULL)
		r.body = bytes_of(secret_data(c->body), secret_len(c->body));
	call_end(c, &r);
}

static void
collect_finished(struct outsides *o)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(o->multi, &left)) != NULL) {
		CURLcode rc = m->data.result;
		char *c = NULL;

		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c) ==
			CURLE_OK)
			finished((struct call *)(void *)c, rc);
	}
}

/* Those that wait for a connection: libcurl sees to the others. */
static void
expire(struct outside *o)
{
	int64_t now = clock_mono_ns();
	struct call *c, *next;

	for (c = TAILQ_FIRST(&o->waiting); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (now >= c->deadline_ns)
			call_end(c,
			    &(struct outside_reply){ .why = FAIL_TIMEOUT,
				.msg = "it does not answer in time" });
	}
}

void
outsides_poll(struct outsides *o, struct curl_waitfd *fds, unsigned n, int ms)
{
	int running;

	if (curl_multi_poll(o->multi, fds, n, ms, NULL) != CURLM_OK)
		fatal("curl_multi_poll");
	for (size_t i = 0; i < o->n; i++)
		expire(&o->v[i]);
	if (curl_multi_perform(o->multi, &running) != CURLM_OK)
		fatal("curl_multi_perform");
	collect_finished(o);
	for (size_t i = 0; i < o->n; i++)
		if (begin_waiting(&o->v[i]))
			(void)!curl_multi_perform(o->multi, &running);
}

void
outsides_free(struct outsides *o)
{
	static const struct outside_reply ended = { .why = FAIL_ABORTED,
		.msg = "the publisher ends" };

	for (size_t i = 0; i < o->n; i++) {
		struct calls *lists[] = { &o->v[i].waiting, &o->v[i].active };
		struct call *c;

		for (size_t k = 0; k < countof(lists); k++)
			while ((c = TAILQ_FIRST(lists[k])) != NULL)
				call_end(c, &ended);
		credentials_clear(&o->v[i].cred);
	}
	(void)curl_multi_cleanup(o->multi);
	mem_free(o->v);
	mem_free(o);
}
