/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer that publishes: once a second it looks what ought to be where, and asks the
 * publisher for it, one object of a target at a time. What failed is tried again later and
 * later; what is there is looked at again from time to time. Nothing is remembered over a
 * restart: the first round finds out what readers have.
 */
#include <stdlib.h>

#include <chancery/base/log.h>
#include <chancery/server/outlane.h>

#include "process.h"
#include "publish.h"

/* After failures: 1, 2, 4 … seconds, and up to a quarter more, so that many objects of a
 * target that comes back do not come at once. */
#define BACKOFF_MAX_S 300
/* The publisher has the target's time; the way to it and back. */
#define OUTLANE_MS 15000
/* Before any time of steady_s, by more than any `check`. */
#define NEVER_S (INT64_MIN / 2)

static struct event *timer;
static bool asking; /* an answer that comes from within begins nothing */

const char *const publish_state_names[PUBLISH__COUNT] = { "current", "behind",
	"failing", "alarm" };

/* ---- answers --------------------------------------------------------------------------- */

static void
set_back_off(struct publish_object *o)
{
	unsigned shift = o->failures < 9 ? o->failures : 9;
	int64_t s = INT64_C(1) << (shift > 0 ? shift - 1 : 0);
	uint8_t r;

	random_bytes(&r, sizeof(r));
	s = s < BACKOFF_MAX_S ? s : BACKOFF_MAX_S;
	o->not_before_s = steady_s() + s + s * r / 1024;
}

static void
tell_state(struct publish_object *o)
{
	enum publish_state s = publish_state_of(o, now_s());
	const char *target = publish_table.target[o->target].cfg->name;

	if (s == PUBLISH_ALARM && o->told != PUBLISH_ALARM)
		log_line(LOG_LEVEL_ERROR, "publish: %s: %s: ALARM: %s", target,
		    o->name, o->why);
	else if (s == PUBLISH_CURRENT && o->told == PUBLISH_ALARM)
		log_line(LOG_LEVEL_INFO, "publish: %s: %s: current again",
		    target, o->name);
	o->told = s;
}

static void
succeeded(struct publish_object *o, const struct job_answer *a)
{
	struct publish_target *t = &publish_table.target[o->target];
	bool list = o->form == JOB_FORM_LIST || o->form == JOB_FORM_LIST_PEM;

	o->held = list ? a->number : 1;
	o->held_this_s = a->this_s;
	o->held_next_s = a->next_s;
	o->confirmed_s = steady_s();
	t->last_success_s = now_s();
	o->failures = 0;
	o->ahead = false;
	o->why[0] = '\0';
	t->published += a->changed ? 1 : 0;
	if (publish_is_current(o))
		o->behind_s = 0;
}

static void
failed(struct publish_object *o, const struct job_answer *a)
{
	publish_table.target[o->target].failures++;
	o->failures++;
	o->ahead = a->why == FAIL_EXISTS;
	if (o->behind_s == 0)
		o->behind_s = now_s();
	(void)snprintf(o->why, sizeof(o->why), "%s",
	    a->msg != NULL ? a->msg : "it failed");
	set_back_off(o);
}

static void pump(size_t target);

static void
answered(void *arg, const struct job_answer *a)
{
	struct publish_object *o = arg;
	size_t target = o->target;

	(void)pthread_mutex_lock(&publish_table.mutex);
	o->flying = publish_table.target[target].flying = false;
	if (a->why == FAIL_NONE)
		succeeded(o, a);
	else
		failed(o, a);
	tell_state(o);
	if (!asking)
		pump(target);
	(void)pthread_mutex_unlock(&publish_table.mutex);
}

/* ---- asking ------------------------------------------------------------------------------ */

static struct sha256
question_of(const struct publish_object *o)
{
	const uint64_t what[] = { o->target, o->form, o->number };

	return sha256_cat(bytes_of(what, sizeof(what)), bytes_str(o->name),
	    bytes_of(o->key.b, SHA256_LEN));
}

static bool
open_list(struct publish_object *o, struct crl_file *f)
{
	if (o->form != JOB_FORM_LIST && o->form != JOB_FORM_LIST_PEM)
		return true;
	if (!publish_open(&o->key, o->scope, f))
		return false;
	o->number = f->number;
	return true;
}

/* False: it is not there any more. The answer may come from within. */
static bool
ask(struct publish_object *o)
{
	const struct service_target *t = publish_table.target[o->target].cfg;
	auto_doc const struct doc *doc =
	    docs_get(pki_process.docs, "pki-issuer", o->mount, o->issuer);
	struct crl_file f = { .fd = -1 };
	struct outlane_ask q = { .job = JOB_PUBLISH,
		.timeout_ms = t->timeout_s * 1000 + OUTLANE_MS };

	if (doc == NULL || doc->parsed == NULL || !open_list(o, &f))
		return false;
	q.request = (struct job_request){ .service = (uint32_t)o->target,
		.form = o->form,
		.name = o->name,
		.number = f.fd >= 0 ? o->number : 0,
		.issuer = buf_bytes(&issuer_of(doc)->cert.der) };
	q.file = f.fd >= 0 ? &f.fd : NULL;
	q.key = question_of(o);
	o->flying = publish_table.target[o->target].flying = true;
	(void)pthread_mutex_unlock(&publish_table.mutex);
	asking = true;
	outlane_ask(pki_process.outlane, &q, answered, o);
	asking = false;
	if (f.fd >= 0)
		(void)close(f.fd);
	(void)pthread_mutex_lock(&publish_table.mutex);
	return true;
}

static bool
is_due(const struct publish_object *o, int64_t now)
{
	const struct service_target *t = publish_table.target[o->target].cfg;

	if (o->round != publish_table.round || now < o->not_before_s)
		return false;
	return !publish_is_current(o) || now >= o->confirmed_s + t->check_s;
}

/* The one that has been waiting longest of those that are not what they ought to be, else
 * one that has to be looked at. */
static struct publish_object *
next_due(size_t target)
{
	struct publish_object *o, *best = NULL;
	int64_t now = steady_s();

	TAILQ_FOREACH(o, &publish_table.target[target].objects, link)
	{
		if (!is_due(o, now))
			continue;
		if (best == NULL || (o->behind_s > 0 && best->behind_s == 0) ||
		    (o->failures < best->failures &&
			(o->behind_s > 0) == (best->behind_s > 0)))
			best = o;
	}
	return best;
}

/* With the mutex held. One at a time: its answer comes here again. */
static void
pump(size_t target)
{
	struct publish_target *t = &publish_table.target[target];
	struct publish_object *o;

	while (!t->flying && (o = next_due(target)) != NULL && !ask(o))
		o->not_before_s = steady_s() + 1;
}

/* ---- the timer ------------------------------------------------------------------------------ */

static void
tick(unused_arg evutil_socket_t fd, unused_arg short what, unused_arg void *arg)
{
	struct publish_object *o;

	(void)pthread_mutex_lock(&publish_table.mutex);
	(void)publish_table_refresh(pki_process.docs, now_s());
	for (size_t i = 0; i < publish_table.n; i++) {
		TAILQ_FOREACH(o, &publish_table.target[i].objects, link)
		tell_state(o);
		pump(i);
	}
	(void)pthread_mutex_unlock(&publish_table.mutex);
}

void
publish_now(void)
{
	struct publish_object *o;

	(void)pthread_mutex_lock(&publish_table.mutex);
	for (size_t i = 0; i < publish_table.n; i++)
		TAILQ_FOREACH(o, &publish_table.target[i].objects, link)
		{
			o->not_before_s = 0;
			o->confirmed_s = NEVER_S;
		}
	publish_table.rest = 0;
	(void)pthread_mutex_unlock(&publish_table.mutex);
}

void
publisher_start(struct event_base *base)
{
	const struct yaml_list *targets = pki_process.targets;
	const struct service_target *t;

	if (targets == NULL || targets->n == 0 || pki_process.outlane == NULL)
		return;
	t = targets->v;
	for (size_t i = 0; i < targets->n; i++) {
		publish_table.target[i] =
		    (struct publish_target){ .cfg = &t[i] };
		TAILQ_INIT(&publish_table.target[i].objects);
	}
	publish_table.n = targets->n;
	timer = process_timer(base, 1000, tick);
}

/* Answers that are on their way are dropped with the outlane, after this: their objects have
 * to be there until then. */
void
publisher_stop(void)
{
	if (timer != NULL)
		event_free(take(timer));
	publish_table_clear();
}
