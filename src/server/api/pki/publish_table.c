/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects there ought to be: those of every issuer, by the patterns of every target. */
#include <dirent.h>
#include <stdlib.h>

#include <chancery/base/log.h>
#include <chancery/base/text.h>

#include <chancery/server/lane.h>

#include "publish.h"

/* Somebody else may have put a list there, or taken it away. */
#define REST_TICKS 16

struct publish_table publish_table = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* ---- lists on disk ------------------------------------------------------------------ */

/* A caller's lists have numbers of the caller's: they are not published. */
bool
publish_open(const struct sha256 *key, const char *scope, struct crl_file *f)
{
	unsigned part;

	*f = (struct crl_file){ .fd = -1 };
	return crl_part(scope, &part) && crl_open(key, part, f);
}

/* ---- rows ----------------------------------------------------------------------------- */

static struct publish_object **
bucket_of(size_t target, const char *name)
{
	uint32_t h = 2166136261U + (uint32_t)target;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619U;
	return &publish_table.bucket[h % PUBLISH_BUCKETS];
}

static struct publish_object *
find(size_t target, const char *name)
{
	struct publish_object *o;

	for (o = *bucket_of(target, name); o != NULL; o = o->next)
		if (o->target == target && strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static void
object_free(struct publish_object *o)
{
	mem_free(o->name);
	mem_free(o->mount);
	mem_free(o->issuer);
	mem_free(o);
}

static void
remove_object(struct publish_object *o)
{
	struct publish_object **at = bucket_of(o->target, o->name);

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	TAILQ_REMOVE(&publish_table.target[o->target].objects, o, link);
	publish_table.target[o->target].n--;
	object_free(o);
}

void
publish_table_clear(void)
{
	for (size_t i = 0; i < publish_table.n; i++) {
		struct publish_objects *list = &publish_table.target[i].objects;

		while (!TAILQ_EMPTY(list))
			remove_object(TAILQ_FIRST(list));
	}
	publish_table.n = 0;
	publish_table.rest = 0;
}

/* ---- filling ---------------------------------------------------------------------------- */

/* What stands for one issuer while its rows are made. */
struct filling {
	struct docs *docs;
	const struct doc *doc;
	const struct issuer *issuer;
	int64_t now_s;
	bool is_default;
	char key[2 * SHA256_LEN + 1];
	size_t target;
};

static struct publish_object *
add(const struct filling *f, const char *name, enum job_form form,
    const char *scope)
{
	struct publish_object **at = bucket_of(f->target, name);
	struct publish_object *o = mem_calloc(1, sizeof(*o));
	struct publish_target *t = &publish_table.target[f->target];

	*o = (struct publish_object){ .next = *at,
		.target = f->target,
		.name = mem_strdup(name),
		.mount = mem_strdup(f->doc->scope),
		.issuer = mem_strdup(f->issuer->id),
		.form = form,
		.key = f->issuer->key };
	(void)snprintf(o->scope, sizeof(o->scope), "%s", scope);
	*at = o;
	TAILQ_INSERT_TAIL(&t->objects, o, link);
	t->n++;
	return o;
}

static bool
is_of(const struct publish_object *o, const struct filling *f,
    enum job_form form, const char *scope)
{
	return o->form == form && strcmp(o->scope, scope) == 0 &&
	    strcmp(o->mount, f->doc->scope) == 0 &&
	    strcmp(o->issuer, f->issuer->id) == 0;
}

/* NULL: another object of this round has the name, or one of another issuer is on its way
 * under it. */
static struct publish_object *
row_of(const struct filling *f, const char *name, enum job_form form,
    const char *scope)
{
	struct publish_object *o = find(f->target, name);

	if (o == NULL)
		return add(f, name, form, scope);
	if (is_of(o, f, form, scope))
		return o;
	if (o->round == publish_table.round || o->flying) {
		publish_table.put_off = publish_table.put_off || o->flying;
		return NULL;
	}
	remove_object(o);
	return add(f, name, form, scope);
}

static void
want(const struct filling *f, const char *pattern, enum job_form form,
    const char *scope, const struct crl_file *list)
{
	const struct service_object as = { .mount = f->doc->scope,
		.issuer = f->issuer->id,
		.name = f->issuer->name[0] != '\0' ? f->issuer->name
						   : f->issuer->id,
		.key = f->key,
		.scope = scope };
	auto_buf struct buf name = { 0 };
	struct publish_object *o;
	struct error e;

	/* A mount or an issuer whose name is none for an object: {issuer} is always one. */
	if (!service_object_name(pattern, &as, &name, &e) ||
	    (o = row_of(f, buf_cstr(&name), form, scope)) == NULL)
		return;
	o->round = publish_table.round;
	o->number = list != NULL ? list->number : 1;
	o->this_s = list != NULL ? list->this_s : 0;
	o->next_s = list != NULL ? list->next_s : 0;
	if (publish_is_current(o))
		o->behind_s = 0;
	else if (o->behind_s == 0)
		o->behind_s = list != NULL ? list->this_s : f->now_s;
}

/* Partitions have numbers of the mount: their lists have a name each, whoever the default is. */
static bool
fits(const struct filling *f, const char *pattern, const char *scope)
{
	return pattern != NULL && *pattern != '\0' &&
	    (f->is_default || strncmp(scope, "partition", 9) == 0 ||
		service_pattern_has(pattern, "issuer") ||
		service_pattern_has(pattern, "name") ||
		service_pattern_has(pattern, "key"));
}

static bool
has_mount(const struct service_target *t, const char *mount)
{
	for (size_t i = 0; i < t->mounts.n; i++)
		if (strcmp(t->mounts.v[i], mount) == 0)
			return true;
	return t->mounts.n == 0;
}

static void
each_list(struct filling *f, const char *scope, const struct crl_file *list)
{
	static const enum job_form forms[] = { JOB_FORM_LIST,
		JOB_FORM_LIST_PEM };

	for (f->target = 0; f->target < publish_table.n; f->target++) {
		const struct service_target *t =
		    publish_table.target[f->target].cfg;
		const char *const patterns[] = { t->lists, t->lists_pem };

		for (size_t i = 0; i < 2; i++)
			if (has_mount(t, f->doc->scope) &&
			    fits(f, patterns[i], scope) &&
			    (strcmp(scope, "full") == 0 ||
				service_pattern_has(patterns[i], "scope")))
				want(f, patterns[i], forms[i], scope, list);
	}
}

static void
each_certificate(struct filling *f)
{
	static const enum job_form forms[] = { JOB_FORM_CERTIFICATE,
		JOB_FORM_CERTIFICATE_PEM };

	for (f->target = 0; f->target < publish_table.n; f->target++) {
		const struct service_target *t =
		    publish_table.target[f->target].cfg;
		const char *const patterns[] = { t->certificates,
			t->certificates_pem };

		for (size_t i = 0; i < 2; i++)
			if (has_mount(t, f->doc->scope) &&
			    fits(f, patterns[i], ""))
				want(f, patterns[i], forms[i], "", NULL);
	}
}

/* All of the issuer that are on disk. */
static void
each_on_disk(struct filling *f)
{
	auto_mem char *path = mem_printf("%s/%s", pki_process.crl_dir, f->key);
	auto_dir DIR *dir = opendir(path);
	const struct dirent *entry;
	struct crl_file list;
	unsigned part;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (crl_part(entry->d_name, &part) &&
		    crl_look(&f->issuer->key, part, &list))
			each_list(f, entry->d_name, &list);
}

static bool
fill_one(void *arg, const struct doc *doc)
{
	struct filling *f = arg;
	char id[64];

	if (doc->parsed == NULL)
		return true;
	f->doc = doc;
	f->issuer = issuer_of(doc);
	hex_encode(sha256_bytes(&f->issuer->key), f->key);
	default_id(f->docs, doc->scope, "issuers", id);
	f->is_default = strcmp(id, f->issuer->id) == 0;
	each_certificate(f);
	if (!crl_disabled(f->docs, doc->scope))
		each_on_disk(f);
	return true;
}

static void
forget_unwanted(void)
{
	for (size_t i = 0; i < publish_table.n; i++) {
		struct publish_object *o, *next;

		for (o = TAILQ_FIRST(&publish_table.target[i].objects);
		     o != NULL; o = next) {
			next = TAILQ_NEXT(o, link);
			if (o->round == publish_table.round)
				continue;
			if (o->flying)
				publish_table.put_off = true;
			else
				remove_object(o);
		}
	}
}

void
publish_table_fill(struct docs *d, int64_t now_s)
{
	struct filling f = { .docs = d, .now_s = now_s };

	publish_table.round++;
	publish_table.put_off = false;
	docs_each(d, "pki-issuer", NULL, fill_one, &f);
	forget_unwanted();
}

bool
publish_table_refresh(struct docs *d, int64_t now_s)
{
	struct publish_table *t = &publish_table;
	const uint64_t docs = docs_changes(d), lists = lane_lists();

	if (t->rest > 0 && !t->put_off && docs == t->docs_seen &&
	    lists == t->lists_seen) {
		t->rest--;
		return false;
	}
	t->docs_seen = docs;
	t->lists_seen = lists;
	t->rest = REST_TICKS - 1;
	publish_table_fill(d, now_s);
	return true;
}

/* ---- what they are like -------------------------------------------------------------------- */

bool
publish_is_current(const struct publish_object *o)
{
	return o->held == o->number && o->failures == 0;
}

/* The alarm comes while readers still have a list that is good: a signer renews when a third of
 * its life is left. */
#define ALARM_PART 4
/* What readers have is not known at all: half a minute of trying. */
#define ALARM_FAILURES 5

enum publish_state
publish_state_of(const struct publish_object *o, int64_t now_s)
{
	int64_t life = o->held_next_s - o->held_this_s;

	if (publish_is_current(o))
		return PUBLISH_CURRENT;
	if (o->ahead ||
	    (o->held_next_s == 0 ? o->failures >= ALARM_FAILURES
				 : now_s >= o->held_next_s - life / ALARM_PART))
		return PUBLISH_ALARM;
	return o->failures > 0 ? PUBLISH_FAILING : PUBLISH_BEHIND;
}
