/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of lists that are late, overdue or too large: metrics, a word in sys/health, a
 * line of the log when it begins and when it ends. Readers fail hard on a list that has ended
 * (docs/pki.md), so "late" comes when half of the time between a renewal's turn and the list's
 * end has gone by.
 */
#include <pthread.h>
#include <stdlib.h>

#include <chancery/base/log.h>
#include <chancery/server/api.h>

#include "keeper.h"
#include "publish.h"

/* Rows of metrics: more issuers are in the sums alone. */
#define TOLD_MAX 256

enum group {
	GROUP_FULL,
	GROUP_PARTITIONS,
	GROUP_DELTA,
	GROUP__COUNT
};
static const char *const group_names[GROUP__COUNT] = { "full", "partitions",
	"delta" };

enum alarm {
	ALARM_LATE,
	ALARM_OVERDUE,
	ALARM_LARGE,
	ALARM__COUNT
};
static const struct {
	const char *name, *about;
} alarms[ALARM__COUNT] = {
	[ALARM_LATE] = { "crl-late", "should have been renewed by now" },
	[ALARM_OVERDUE] = { "crl-overdue",
	    "has ended, or was never made: readers refuse certificates" },
	[ALARM_LARGE] = { "crl-large",
	    "is larger than 16 MiB, and Java keeps an old one instead of "
	    "reading more than 20: set partitions in config/crl" },
};

/* The lists of an issuer of one group. */
struct told {
	char *mount, *issuer;
	enum group group;
	unsigned lists, alarms; /* bits: those that were told */
	int64_t late_s, next_s; /* when the first is late, and ends */
	bool missing;           /* one that was asked for in vain */
	uint64_t bytes;         /* the largest */
};
struct table {
	struct told *v;
	size_t n, cap;
};
static struct table now_, coming;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void
table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		mem_free(t->v[i].mount);
		mem_free(t->v[i].issuer);
	}
	mem_free(t->v);
	*t = (struct table){ 0 };
}

static struct told *
find(struct table *t, const char *mount, const char *issuer, enum group group)
{
	/* Those of one issuer come together. */
	for (size_t i = t->n; i-- > 0;)
		if (t->v[i].group == group &&
		    strcmp(t->v[i].issuer, issuer) == 0 &&
		    strcmp(t->v[i].mount, mount) == 0)
			return &t->v[i];
	return NULL;
}

static unsigned
alarms_of(const struct told *t, int64_t now_s)
{
	unsigned bits = 0;

	if (t->missing || now_s >= t->next_s)
		bits |= 1U << ALARM_OVERDUE;
	if (now_s > t->late_s)
		bits |= 1U << ALARM_LATE;
	if (t->group == GROUP_FULL && t->bytes > CRL_LARGE_BYTES)
		bits |= 1U << ALARM_LARGE;
	return bits;
}

void
alarms_begin(void)
{
	table_free(&coming);
}

void
alarms_add(const char *mount, const struct doc *issuer, const struct kept *k)
{
	enum group group = k->part == CRL_FULL ? GROUP_FULL
	    : k->part == CRL_DELTA             ? GROUP_DELTA
					       : GROUP_PARTITIONS;
	const char *name = issuer_of(issuer)->name[0] != '\0'
	    ? issuer_of(issuer)->name
	    : issuer->name;
	struct told *t = find(&coming, mount, name, group);

	if (t == NULL) {
		coming.v = mem_grow(coming.v, coming.n, &coming.cap,
		    sizeof(coming.v[0]));
		t = &coming.v[coming.n++];
		*t = (struct told){ .mount = mem_strdup(mount),
			.issuer = mem_strdup(name),
			.group = group,
			.late_s = INT64_MAX,
			.next_s = INT64_MAX };
	}
	t->lists++;
	if (!k->there) {
		/* Before the first failure it is only not there yet. */
		t->missing |= k->failures > 0;
		return;
	}
	t->late_s = least(t->late_s, k->due_s + (k->next_s - k->due_s) / 2);
	t->next_s = least(t->next_s, k->next_s);
	if (k->bytes > t->bytes)
		t->bytes = k->bytes;
}

static void
tell(struct told *t, int64_t now_s)
{
	unsigned now = alarms_of(t, now_s);

	for (unsigned a = 0; a < ALARM__COUNT; a++) {
		bool was = (t->alarms >> a & 1) != 0, is = (now >> a & 1) != 0;

		if (is && !was)
			log_line(LOG_LEVEL_ERROR,
			    "alarm %s: list of revoked certificates of %s, "
			    "issuer %s (%s) %s",
			    alarms[a].name, t->mount, t->issuer,
			    group_names[t->group], alarms[a].about);
		else if (was && !is)
			log_line(LOG_LEVEL_INFO,
			    "alarm %s is over: %s, issuer %s (%s)",
			    alarms[a].name, t->mount, t->issuer,
			    group_names[t->group]);
	}
	t->alarms = now;
}

void
alarms_tell(int64_t now_s)
{
	(void)pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < now_.n; i++)
		tell(&now_.v[i], now_s);
	(void)pthread_mutex_unlock(&mutex);
}

void
alarms_end(void)
{
	struct table old;

	for (size_t i = 0; i < coming.n; i++) {
		struct told *t = &coming.v[i];
		const struct told *was =
		    find(&now_, t->mount, t->issuer, t->group);

		t->alarms = was != NULL ? was->alarms : 0;
	}
	(void)pthread_mutex_lock(&mutex);
	old = now_;
	now_ = coming;
	(void)pthread_mutex_unlock(&mutex);
	coming = (struct table){ 0 };
	table_free(&old);
}

void
alarms_stop(void)
{
	table_free(&now_);
	table_free(&coming);
}

/* ---- for others ---------------------------------------------------------------------- */

json_t *
pki_alarms(void)
{
	json_t *out = json_array();
	unsigned bits = 0;

	(void)pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < now_.n; i++)
		bits |= now_.v[i].alarms;
	(void)pthread_mutex_unlock(&mutex);
	for (unsigned a = 0; a < ALARM__COUNT; a++)
		if ((bits >> a & 1) != 0)
			(void)json_array_append_new(out,
			    json_string(alarms[a].name));
	signer_alarms_add(out);
	if (publish_has_alarm())
		(void)json_array_append_new(out, json_string("publish"));
	return out;
}

static void
row(struct buf *out, const char *name, const struct told *t, int64_t value)
{
	buf_addf(out, "%s{mount=\"%s\",issuer=\"%s\",scope=\"%s\"} %lld\n",
	    name, t->mount, t->issuer, group_names[t->group], (long long)value);
}

static void
gauge(struct buf *out, const char *name, const char *help)
{
	metrics_head(out, name, "gauge", help);
}

void
pki_metrics(struct buf *out, int64_t now_s)
{
	uint64_t sums[ALARM__COUNT] = { 0 };

	(void)pthread_mutex_lock(&mutex);
	gauge(out, "chancery_crl_next_update_seconds",
	    "Until the first list of that kind ends; none there: 0.");
	for (size_t i = 0; i < now_.n && i < TOLD_MAX; i++)
		row(out, "chancery_crl_next_update_seconds", &now_.v[i],
		    now_.v[i].missing || now_.v[i].next_s == INT64_MAX
			? 0
			: now_.v[i].next_s - now_s);
	gauge(out, "chancery_crl_bytes", "The largest list of that kind.");
	for (size_t i = 0; i < now_.n && i < TOLD_MAX; i++)
		row(out, "chancery_crl_bytes", &now_.v[i],
		    (int64_t)now_.v[i].bytes);
	gauge(out, "chancery_crl_lists", "Lists of that kind that are kept.");
	for (size_t i = 0; i < now_.n && i < TOLD_MAX; i++)
		row(out, "chancery_crl_lists", &now_.v[i], now_.v[i].lists);
	for (size_t i = 0; i < now_.n; i++)
		for (unsigned a = 0; a < ALARM__COUNT; a++)
			sums[a] += now_.v[i].alarms >> a & 1;
	(void)pthread_mutex_unlock(&mutex);
	gauge(out, "chancery_crl_alarms",
	    "Issuers with lists that are late, overdue or too large.");
	for (unsigned a = 0; a < ALARM__COUNT; a++)
		buf_addf(out, "chancery_crl_alarms{alarm=\"%s\"} %ju\n",
		    alarms[a].name, (uintmax_t)sums[a]);
	signer_alarms_metrics(out);
}
