/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner of tidies: a timer of worker 0. It asks for one page after the other
 * (tidy_page.c), with the pause that was asked for between them; begins those that
 * config/auto-tidy wants; goes on with what a restart interrupted.
 */
#include <pthread.h>

#include <event2/event.h>

#include <chancery/base/log.h>
#include <chancery/server/api.h>
#include <chancery/server/request.h>

#include "process.h"
#include "tidy.h"

/* After a page that failed: the signer may be away. */
#define RETRY_S 10
/* Seconds between two looks at config/auto-tidy, so the shortest interval. */
#define AUTO_EVERY_S 16

struct run {
	struct run *next;
	char *mount;
	char after[2 * LIMIT_SERIAL_BYTES + 1];
	bool flying;
	struct event *rest;   /* the pause */
	int64_t not_before_s; /* steady_s */
};

static struct {
	struct event_base *base;
	struct event *timer;
	struct api *api;
	struct lane *lane;
	struct run *runs;
	unsigned ticks;
	bool resumed, starting;
} tidier;

/* What other threads say. */
struct saying {
	struct saying *next;
	char *mount;
	bool cancel;
};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct saying *sayings;

static void
say(const char *mount, bool cancel)
{
	struct saying *s = mem_calloc(1, sizeof(*s));

	s->mount = mem_strdup(mount);
	s->cancel = cancel;
	(void)pthread_mutex_lock(&mutex);
	s->next = sayings;
	sayings = s;
	(void)pthread_mutex_unlock(&mutex);
}

void
tidier_wanted(const char *mount)
{
	say(mount, false);
}

void
tidier_cancel(const char *mount)
{
	if (!tidier_is_cancelled(mount))
		say(mount, true);
}

bool
tidier_is_cancelled(const char *mount)
{
	bool found = false;

	(void)pthread_mutex_lock(&mutex);
	for (const struct saying *s = sayings; s != NULL && !found; s = s->next)
		found = s->cancel && strcmp(s->mount, mount) == 0;
	(void)pthread_mutex_unlock(&mutex);
	return found;
}

static void
saying_free(struct saying *s)
{
	mem_free(s->mount);
	mem_free(s);
}

/* The first that is no cancellation; or, of a run that ended, all of its mount. */
static struct saying *
take_saying(const char *ended)
{
	struct saying **at, *s;

	(void)pthread_mutex_lock(&mutex);
	for (at = &sayings; (s = *at) != NULL; at = &s->next)
		if (ended != NULL ? strcmp(s->mount, ended) == 0 : !s->cancel)
			break;
	if (s != NULL)
		*at = s->next;
	(void)pthread_mutex_unlock(&mutex);
	return s;
}

/* ---- runs ------------------------------------------------------------------------- */

static void step(struct run *r);

static void
rested(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	step(arg);
}

static void
run_add(const char *mount)
{
	struct run *r;

	for (r = tidier.runs; r != NULL; r = r->next)
		if (strcmp(r->mount, mount) == 0)
			return;
	r = mem_calloc(1, sizeof(*r));
	r->mount = mem_strdup(mount);
	r->rest = event_new(tidier.base, -1, 0, rested, r);
	if (r->rest == NULL)
		fatal("no timer");
	r->next = tidier.runs;
	tidier.runs = r;
}

static void
run_free(struct run *r)
{
	event_free(r->rest);
	mem_free(r->mount);
	mem_free(r);
}

static void
run_end(struct run *r)
{
	struct run **at = &tidier.runs;
	struct saying *s;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	while ((s = take_saying(r->mount)) != NULL)
		saying_free(s);
	run_free(r);
}

static int64_t
pause_ms(const char *mount)
{
	auto_doc const struct doc *doc =
	    docs_get(pki_process.docs, TIDY_KIND, mount, TIDY_STATE);

	return doc != NULL
	    ? tidy_int(json_object_get(doc->json, "options"), "pause_ms")
	    : 0;
}

static void
go_on(struct run *r, const json_t *data)
{
	const char *after = json_string_value(json_object_get(data, "after"));
	int64_t ms = pause_ms(r->mount);
	const struct timeval rest = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	(void)snprintf(r->after, sizeof(r->after), "%s",
	    after != NULL ? after : "");
	if (ms == 0)
		step(r);
	else if (event_add(r->rest, &rest) != 0)
		fatal("no timer");
}

static void
stepped(void *arg, int status, struct bytes body)
{
	struct run *r = arg;
	struct error e = { 0 };
	auto_json json_t *answer = request_body(body, bytes_str(""), &e);
	const json_t *data = json_object_get(answer, "data");

	r->flying = false;
	/* 404: the mount is gone. */
	if (status == 404 || (status == 200 && !tidy_bool(data, "more"))) {
		run_end(r);
	} else if (status == 200) {
		go_on(r, data);
	} else {
		log_line(LOG_LEVEL_WARNING, "tidy of %s: status %d: %.*s",
		    r->mount, status, (int)(body.n < 200 ? body.n : 200),
		    (const char *)body.p);
		r->not_before_s = steady_s() + RETRY_S;
	}
}

static void
step(struct run *r)
{
	auto_mem char *path = mem_printf("%s/tidy/page", r->mount);
	struct api_own_call own = { .op = OP_WRITE, .path = path };

	own.given = json_pack("{s:s,s:b}", "after", r->after, "cancel",
	    tidier_is_cancelled(r->mount));
	r->flying = true;
	api_call(tidier.api, 0, &own, stepped, r);
}

/* ---- config/auto-tidy ---------------------------------------------------------------- */

static void
auto_started(void *arg, int status, struct bytes body)
{
	auto_mem char *mount = arg;

	tidier.starting = false;
	if (status != 200 && status != 202)
		log_line(LOG_LEVEL_WARNING, "auto-tidy of %s: status %d: %.*s",
		    mount, status, (int)(body.n < 200 ? body.n : 200),
		    (const char *)body.p);
}

static bool
is_due(const char *mount, const json_t *cfg)
{
	auto_doc const struct doc *doc =
	    docs_get(pki_process.docs, TIDY_KIND, mount, TIDY_STATE);
	int64_t finished;

	if (doc == NULL)
		return true;
	finished = tidy_int(doc->json, "finished");
	return finished != 0 &&
	    now_s() >= finished + tidy_int(cfg, "interval_duration");
}

struct due {
	char *mount;
};

static bool
find_due(void *arg, const struct doc *doc)
{
	struct due *d = arg;

	if (strcmp(doc->name, "auto-tidy") != 0 ||
	    !tidy_bool(doc->json, "enabled") || !is_due(doc->scope, doc->json))
		return true;
	d->mount = mem_strdup(doc->scope);
	return false;
}

/* One mount a time: the others are due the next time too. */
static void
start_due(void)
{
	struct due d = { 0 };
	auto_mem char *path = NULL;
	struct api_own_call own = { .op = OP_WRITE };

	if (tidier.starting)
		return;
	docs_each(pki_process.docs, "pki-config", NULL, find_due, &d);
	if (d.mount == NULL)
		return;
	path = mem_printf("%s/tidy", d.mount);
	own.path = path;
	own.given = config_get(pki_process.docs, d.mount, "auto-tidy");
	tidier.starting = true;
	api_call(tidier.api, 0, &own, auto_started, d.mount);
}

/* ---- the timer ----------------------------------------------------------------------- */

static bool
resume(void *arg, const struct doc *doc)
{
	const char *state =
	    json_string_value(json_object_get(doc->json, "state"));

	(void)arg;
	if (state != NULL && strcmp(state, "Running") == 0)
		run_add(doc->scope);
	return true;
}

static void
take_sayings(void)
{
	struct saying *s;

	while ((s = take_saying(NULL)) != NULL) {
		run_add(s->mount);
		saying_free(s);
	}
}

/* A step may end its run. */
static void
step_all(void)
{
	struct run *r, *next;

	for (r = tidier.runs; r != NULL; r = next) {
		next = r->next;
		if (!r->flying && steady_s() >= r->not_before_s &&
		    !event_pending(r->rest, EV_TIMEOUT, NULL))
			step(r);
	}
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (lane_get_state(tidier.lane) != LANE_UP)
		return;
	if (!tidier.resumed)
		docs_each(pki_process.docs, TIDY_KIND, NULL, resume, NULL);
	tidier.resumed = true;
	take_sayings();
	step_all();
	if (tidier.ticks++ % AUTO_EVERY_S == 0)
		start_due();
}

void
tidier_start(struct event_base *base, struct lane *lane, struct api *api)
{
	tidier.base = base;
	tidier.lane = lane;
	tidier.api = api;
	tidier.timer = process_timer(base, 1000, tick);
}

void
tidier_stop(void)
{
	struct saying *s;
	struct run *r;

	if (tidier.timer != NULL)
		event_free(tidier.timer);
	while ((r = tidier.runs) != NULL) {
		tidier.runs = r->next;
		run_free(r);
	}
	while ((s = sayings) != NULL) {
		sayings = s->next;
		saying_free(s);
	}
	memset(&tidier, 0, sizeof(tidier));
}
