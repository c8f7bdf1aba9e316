/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of one publication: ours has been verified (object_open) → look at what is there
 * → never older over newer → put → fetch back what readers get → compare. Whoever is
 * killed between two of them leaves either the old object or the new one, and whoever begins
 * again finds out which.
 */
#include <poll.h>

#include <chancery/base/clock.h>

#include "target.h"

/* Caches on the way may take a moment. */
#define CONFIRM_TRIES 3
#define CONFIRM_REST_MS 1000

static const struct {
	target_look_fn *look;
	target_put_fn *put;
} kinds[] = {
	[SERVICE_TARGET_FILES] = { files_look, files_put },
	[SERVICE_TARGET_HTTP] = { web_look, web_put },
	[SERVICE_TARGET_S3] = { web_look, web_put },
};

bool
passage_rest(const struct passage *p, int64_t ms)
{
	for (; ms > 0 && !atomic_load(p->stop); ms -= 100)
		(void)poll(NULL, 0, ms < 100 ? (int)ms : 100);
	return !atomic_load(p->stop) && clock_mono_ns() < p->deadline_ns;
}

/* FAIL_CORRUPT, with what readers get instead. */
static bool
say_difference(const struct passage *p, const char *where, enum there there,
    const struct facts *f, struct error *e)
{
	char when[TIME_TEXT_SIZE];

	switch (there) {
	case THERE_NOTHING:
		return error_set(e, FAIL_CORRUPT, "%s: there is no %s", where,
		    p->object->name);
	case THERE_OLDER:
	case THERE_NEWER:
		time_format_s(f->next_s, when);
		return error_set(e,
		    there == THERE_NEWER ? FAIL_EXISTS : FAIL_CORRUPT,
		    "%s: %s is list %llu, %s ours, which is %llu; it is "
		    "valid until %s",
		    where, p->object->name, (unsigned long long)f->number,
		    there == THERE_NEWER ? "newer than" : "older than",
		    (unsigned long long)p->object->facts.number, when);
	case THERE_SAME:
	case THERE_OTHER:
		break;
	}
	return error_set(e, FAIL_CORRUPT, "%s: %s has other octets than ours",
	    where, p->object->name);
}

/* Where readers look; without a public_url where it was put. */
static bool
confirm(struct passage *p, struct error *e)
{
	bool public = p->target->public_url != NULL;
	const char *where = public ? p->target->public_url : p->target->name;
	enum there there = THERE_NOTHING;
	struct facts facts = { 0 };

	for (int i = 0; i < CONFIRM_TRIES; i++) {
		if (i > 0 && !passage_rest(p, CONFIRM_REST_MS << i))
			break;
		if (public ? !public_look(p, &there, &facts, e)
			   : !kinds[p->target->kind].look(p, &there, &facts, e))
			return false;
		if (there == THERE_SAME)
			return true;
	}
	return say_difference(p, where, there, &facts, e);
}

bool
publish(struct passage *p, struct job_answer *out, struct error *e)
{
	const struct facts *ours = &p->object->facts;
	struct facts facts = { 0 };
	enum there there;
	bool changed;

	if (!kinds[p->target->kind].look(p, &there, &facts, e))
		return false;
	if (there == THERE_NEWER)
		return say_difference(p, p->target->name, there, &facts, e);
	changed = there != THERE_SAME;
	if (changed && !kinds[p->target->kind].put(p, there, e))
		return false;
	if ((changed || p->target->public_url != NULL) && !confirm(p, e))
		return false;
	*out = (struct job_answer){ .number = ours->number,
		.this_s = ours->this_s,
		.next_s = ours->next_s,
		.changed = changed };
	return true;
}
