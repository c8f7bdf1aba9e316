/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer of worker 0: every issuer whose certificates name a responder, or that somebody
 * has asked about, has one, with a certificate that is renewed when half of its life is over.
 * One is made at a time; a failure is tried again after 1, 2, 4 … 256 s.
 */
#include <pthread.h>

#include <chancery/base/log.h>
#include <chancery/server/api.h>

#include "ocsp.h"
#include "process.h"

/* Seconds between two looks at all issuers. */
#define TICKS_A_SECOND 4
#define ALL_EVERY_S 16

/* Of an issuer of a mount that needs, or wanted, one. */
struct need {
	struct need *next;
	char *mount, *issuer; /* id */
	bool wanted, refused;
	unsigned failures;
	int64_t not_before_s; /* steady_s */
};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct need *needs; /* under it; removed by worker 0 alone */

static struct {
	struct event *timer;
	struct lane *lane;
	struct api *api;
	unsigned ticks;
	bool flying;
} keeper;

/* Under the mutex. */
static struct need *
need_of(const char *mount, const char *issuer, bool make)
{
	struct need *n;

	for (n = needs; n != NULL; n = n->next)
		if (strcmp(n->issuer, issuer) == 0 &&
		    strcmp(n->mount, mount) == 0)
			return n;
	if (!make)
		return NULL;
	n = mem_calloc(1, sizeof(*n));
	n->mount = mem_strdup(mount);
	n->issuer = mem_strdup(issuer);
	n->next = needs;
	return needs = n;
}

void
ocsp_responder_wanted(const char *mount, const char *issuer_id)
{
	(void)pthread_mutex_lock(&mutex);
	need_of(mount, issuer_id, true)->wanted = true;
	(void)pthread_mutex_unlock(&mutex);
}

bool
ocsp_responder_refused(const char *mount, const char *issuer_id)
{
	const struct need *n;
	bool refused;

	(void)pthread_mutex_lock(&mutex);
	n = need_of(mount, issuer_id, false);
	refused = n != NULL && n->refused;
	(void)pthread_mutex_unlock(&mutex);
	return refused;
}

/* Those without a responder, or whose certificate was not renewed when it was tried. */
static size_t
failing(void)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&mutex);
	for (const struct need *d = needs; d != NULL; d = d->next)
		n += d->wanted && d->failures > 0;
	(void)pthread_mutex_unlock(&mutex);
	return n;
}

void
pki_ocsp_metrics(struct buf *out)
{
	metrics_number(out, "chancery_ocsp_cached_total", "counter",
	    "OCSP answers that were kept.", atomic_load(&ocsp_counts.cached));
	metrics_number(out, "chancery_ocsp_signed_total", "counter",
	    "OCSP answers that were signed.",
	    atomic_load(&ocsp_counts.signed_));
	metrics_number(out, "chancery_ocsp_later_total", "counter",
	    "OCSP requests that were told to try later.",
	    atomic_load(&ocsp_counts.later));
	metrics_number(out, "chancery_ocsp_refused_total", "counter",
	    "OCSP requests that were refused.",
	    atomic_load(&ocsp_counts.refused));
	metrics_number(out, "chancery_ocsp_kept", "gauge",
	    "OCSP answers in memory.", atomic_load(&ocsp_counts.entries));
	metrics_number(out, "chancery_ocsp_kept_bytes", "gauge",
	    "Their octets.", atomic_load(&ocsp_counts.bytes));
	metrics_number(out, "chancery_ocsp_responders_failing", "gauge",
	    "Issuers that get no responder, or no new certificate for it.",
	    failing());
}

/* ---- what is due ---- */

static bool
has_responder_urls(const char *mount, const struct issuer *i)
{
	auto_doc const struct doc *urls = NULL;

	if (i->ocsp.n > 0)
		return true;
	urls = docs_get(pki_process.docs, "pki-config", mount, "urls");
	return urls != NULL &&
	    json_array_size(json_object_get(urls->json, "ocsp_servers")) > 0;
}

static bool
is_disabled(const char *mount)
{
	return crl_is_on(pki_process.docs, mount, "ocsp_disable");
}

/* NULL: there is none. */
struct held {
	const struct doc *doc;
	const struct ocsp_responder *in_memory, *r;
};

static struct held
held_get(const char *mount, const struct issuer *i)
{
	struct held h = { 0 };
	char name[OCSP_NAME_SIZE];

	ocsp_responder_name(i, name);
	if (pki_process.ocsp_in_memory) {
		h.r = h.in_memory = ocsp_memory_get(mount, name);
		return h;
	}
	h.doc = docs_get(pki_process.docs, OCSP_KIND, mount, name);
	h.r = h.doc != NULL ? h.doc->parsed : NULL;
	return h;
}

static void
held_put(struct held *h)
{
	docs_put(h->doc);
	ocsp_memory_release(h->in_memory);
}
#define auto_held auto_cleanup(held_put)

/* One that was made is kept up; one that is not there is made when it is asked for. */
static bool
is_due(const char *mount, const struct issuer *i)
{
	auto_held struct held h = { 0 };

	if (!ocsp_may(i) || now_s() >= i->cert.tbs.not_after_s ||
	    is_disabled(mount))
		return false;
	h = held_get(mount, i);
	return h.r == NULL ? has_responder_urls(mount, i)
			   : ocsp_responder_due(h.r, i, now_s());
}

static bool
look_at(void *arg, const struct doc *doc)
{
	char name[OCSP_NAME_SIZE];

	(void)arg;
	if (doc->parsed == NULL)
		return true;
	ocsp_responder_name(issuer_of(doc), name);
	ocsp_memory_keep(doc->scope, name);
	if (is_due(doc->scope, issuer_of(doc)))
		ocsp_responder_wanted(doc->scope, doc->name);
	return true;
}

/* ---- asking for it ---- */

static void
alarm_of(const struct need *n, int status, struct bytes body)
{
	log_line(LOG_LEVEL_ERROR,
	    "OCSP: the issuer %s of %s has no responder, or its certificate is "
	    "not renewed: status %d: %.*s",
	    n->issuer, n->mount, status, (int)(body.n < 300 ? body.n : 300),
	    (const char *)body.p);
}

/* Its documents say so: 404 may be the signer's word about a key, too. */
static bool
is_gone(const struct need *n)
{
	auto_doc const struct doc *mount =
	    docs_get(pki_process.docs, STORE_KIND_MOUNT, "", n->mount);
	auto_doc const struct doc *issuer =
	    docs_get(pki_process.docs, "pki-issuer", n->mount, n->issuer);

	return mount == NULL || issuer == NULL;
}

static void
made(void *arg, int status, struct bytes body)
{
	struct need *n = arg;
	/* A mount or an issuer that is gone needs none. */
	bool again = status >= 400 && !is_gone(n);

	keeper.flying = false;
	(void)pthread_mutex_lock(&mutex);
	n->wanted = again;
	n->refused = again && status < 500;
	if (again) {
		n->not_before_s =
		    steady_s() + (1 << (n->failures < 8 ? n->failures++ : 8));
	} else {
		n->failures = 0;
		n->not_before_s = 0;
	}
	(void)pthread_mutex_unlock(&mutex);
	if (again)
		alarm_of(n, status, body);
}

static void
ask(struct need *n)
{
	auto_mem char *path = mem_printf("%s/ocsp-responder", n->mount);
	struct api_own_call own = { .op = OP_WRITE, .path = path };

	own.given = json_pack("{s:s}", "issuer", n->issuer);
	keeper.flying = true;
	api_call(keeper.api, 0, &own, made, n);
}

static struct need *
next_wanted(void)
{
	struct need *n;

	(void)pthread_mutex_lock(&mutex);
	for (n = needs; n != NULL; n = n->next)
		if (n->wanted && steady_s() >= n->not_before_s)
			break;
	(void)pthread_mutex_unlock(&mutex);
	return n;
}

/* Somebody else may have had it made meanwhile: an issuer with the same key and name. */
static bool
still_needed(const struct need *n)
{
	auto_doc const struct doc *i =
	    docs_get(pki_process.docs, "pki-issuer", n->mount, n->issuer);
	auto_held struct held h = { 0 };

	if (i == NULL || i->parsed == NULL || is_disabled(n->mount) ||
	    !ocsp_may(issuer_of(i)))
		return false;
	h = held_get(n->mount, issuer_of(i));
	return h.r == NULL || ocsp_responder_due(h.r, issuer_of(i), now_s());
}

static void
forget(struct need *n)
{
	(void)pthread_mutex_lock(&mutex);
	n->wanted = false;
	(void)pthread_mutex_unlock(&mutex);
}

static void
need_free(struct need *n)
{
	mem_free(n->mount);
	mem_free(n->issuer);
	mem_free(n);
}

static void
need_remove(struct need *n)
{
	struct need **at = &needs;

	(void)pthread_mutex_lock(&mutex);
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	(void)pthread_mutex_unlock(&mutex);
	need_free(n);
}

/* Others only add in front. */
static void
drop_gone(void)
{
	struct need *n, *next;

	(void)pthread_mutex_lock(&mutex);
	n = needs;
	(void)pthread_mutex_unlock(&mutex);
	for (; n != NULL; n = next) {
		next = n->next;
		if (is_gone(n))
			need_remove(n);
	}
}

/* Issuers come and go: also private keys of the latter. */
static void
look_at_all(void)
{
	docs_each(pki_process.docs, "pki-issuer", NULL, look_at, NULL);
	ocsp_memory_sweep();
	if (!keeper.flying)
		drop_gone();
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	struct need *n;

	(void)fd;
	(void)what;
	(void)arg;
	if (lane_get_state(keeper.lane) != LANE_UP)
		return;
	if (keeper.ticks++ % (ALL_EVERY_S * TICKS_A_SECOND) == 0)
		look_at_all();
	while (!keeper.flying && (n = next_wanted()) != NULL) {
		if (still_needed(n))
			ask(n);
		else
			forget(n);
	}
}

void
ocsp_keeper_start(struct event_base *base, struct lane *lane, struct api *api)
{
	keeper.lane = lane;
	keeper.api = api;
	keeper.timer = process_timer(base, 1000 / TICKS_A_SECOND, tick);
}

void
ocsp_keeper_stop(void)
{
	struct need *n;

	if (keeper.timer != NULL)
		event_free(keeper.timer);
	memset(&keeper, 0, sizeof(keeper));
	while ((n = needs) != NULL) {
		needs = n->next;
		need_free(n);
	}
	ocsp_cache_free();
	ocsp_memory_free();
}
