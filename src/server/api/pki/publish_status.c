/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of publication: metrics, and a row of the API. */
#include <chancery/server/api.h>

#include "process.h"
#include "publish.h"

/* Objects that are told one by one: those that are not as they ought to be. */
#define TOLD_MAX 100

struct sums {
	size_t state[PUBLISH__COUNT];
	int64_t behind_s, next_s; /* the longest, the earliest; 0: none */
};

static void
sum_up(const struct publish_target *t, int64_t now, struct sums *out)
{
	const struct publish_object *o;

	*out = (struct sums){ 0 };
	TAILQ_FOREACH(o, &t->objects, link)
	{
		out->state[publish_state_of(o, now)]++;
		if (o->behind_s > 0 && now - o->behind_s > out->behind_s)
			out->behind_s = now - o->behind_s;
		if (o->held_next_s > 0 &&
		    (out->next_s == 0 || o->held_next_s < out->next_s))
			out->next_s = o->held_next_s;
	}
}

bool
publish_has_alarm(void)
{
	bool any = false;
	struct sums s;

	(void)pthread_mutex_lock(&publish_table.mutex);
	for (size_t i = 0; i < publish_table.n && !any; i++) {
		sum_up(&publish_table.target[i], now_s(), &s);
		any = s.state[PUBLISH_ALARM] > 0;
	}
	(void)pthread_mutex_unlock(&publish_table.mutex);
	return any;
}

/* ---- metrics ---------------------------------------------------------------------- */

static const struct {
	const char *name, *type, *about;
} metrics[] = {
	{ "chancery_publish_objects", "gauge",
	    "Published objects by what readers have of them." },
	{ "chancery_publish_last_success_seconds", "gauge",
	    "When a publication, or a look at one, last succeeded; 0: never." },
	{ "chancery_publish_published_total", "counter",
	    "Objects that were put in the place of others." },
	{ "chancery_publish_failures_total", "counter",
	    "Publications that failed." },
	{ "chancery_publish_behind_seconds", "gauge",
	    "For how long readers have not had the newest object." },
	{ "chancery_publish_next_update_seconds", "gauge",
	    "The earliest nextUpdate of a list that readers have; 0: none." },
};

static void
write_row(struct buf *out, size_t metric, const struct publish_target *t,
    const struct sums *s)
{
	const int64_t values[] = { 0, t->last_success_s, (int64_t)t->published,
		(int64_t)t->failures, s->behind_s, s->next_s };

	if (metric > 0) {
		buf_addf(out, "%s{target=\"%s\"} %lld\n", metrics[metric].name,
		    t->cfg->name, (long long)values[metric]);
		return;
	}
	for (size_t i = 0; i < PUBLISH__COUNT; i++)
		buf_addf(out, "%s{target=\"%s\",state=\"%s\"} %zu\n",
		    metrics[metric].name, t->cfg->name, publish_state_names[i],
		    s->state[i]);
}

void
publish_metrics(struct buf *out)
{
	struct sums s;
	int64_t now;

	(void)pthread_mutex_lock(&publish_table.mutex);
	for (size_t m = 0; publish_table.n > 0 && m < countof(metrics); m++) {
		now = now_s();
		metrics_head(out, metrics[m].name, metrics[m].type,
		    metrics[m].about);
		for (size_t i = 0; i < publish_table.n; i++) {
			sum_up(&publish_table.target[i], now, &s);
			write_row(out, m, &publish_table.target[i], &s);
		}
	}
	(void)pthread_mutex_unlock(&publish_table.mutex);
}

/* ---- the row -------------------------------------------------------------------------- */

static json_t *
object_json(const struct publish_object *o, int64_t now)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:s}",
	    "name", o->name, "mount", o->mount, "issuer", o->issuer, "scope",
	    o->scope, "state", publish_state_names[publish_state_of(o, now)],
	    "number", (json_int_t)o->number, "published_number",
	    (json_int_t)o->held, "next_update", (json_int_t)o->held_next_s,
	    "behind_seconds",
	    (json_int_t)(o->behind_s > 0 ? now - o->behind_s : 0), "failures",
	    (json_int_t)o->failures, "why", o->why);
}

static json_t *
objects_json(const struct publish_target *t, int64_t now)
{
	const struct publish_object *o;
	json_t *list = json_array();

	TAILQ_FOREACH(o, &t->objects, link)
	if (publish_state_of(o, now) != PUBLISH_CURRENT &&
	    json_array_size(list) < TOLD_MAX)
		(void)json_array_append_new(list, object_json(o, now));
	return list;
}

/* The worst of its objects. */
static const char *
worst(const struct sums *s)
{
	size_t i = PUBLISH__COUNT - 1;

	while (i > 0 && s->state[i] == 0)
		i--;
	return publish_state_names[i];
}

static json_t *
target_json(const struct publish_target *t, int64_t now)
{
	struct sums s;
	json_t *v;

	sum_up(t, now, &s);
	v = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "kind",
	    service_target_kinds[t->cfg->kind], "state", worst(&s), "objects",
	    (json_int_t)t->n, "last_success", (json_int_t)t->last_success_s,
	    "published", (json_int_t)t->published, "failures",
	    (json_int_t)t->failures, "behind_seconds", (json_int_t)s.behind_s,
	    "next_update", (json_int_t)s.next_s, "not_current",
	    objects_json(t, now));
	for (size_t i = 0; i < PUBLISH__COUNT; i++)
		(void)json_object_set_new(v, publish_state_names[i],
		    json_integer((json_int_t)s.state[i]));
	return v;
}

void
sys_publish_status(struct call *c)
{
	json_t *all = json_object();
	int64_t now = now_s();

	(void)pthread_mutex_lock(&publish_table.mutex);
	for (size_t i = 0; i < publish_table.n; i++)
		(void)json_object_set_new(all,
		    publish_table.target[i].cfg->name,
		    target_json(&publish_table.target[i], now));
	(void)pthread_mutex_unlock(&publish_table.mutex);
	call_ok(c, json_pack("{s:o}", "targets", all));
}

void
sys_publish_now(struct call *c)
{
	publish_now();
	call_no_content(c);
}
