/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "token.h"

static void
warn_cut(json_t *warnings, const char *what, int64_t from, int64_t to)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "%s of %" PRId64
	    "s exceeded the effective max_ttl; it is capped to "
	    "%" PRId64 "s",
	    what, from, to);
	if (warnings != NULL)
		(void)json_array_append_new(warnings, json_string(text));
}

static int64_t
least(int64_t a, int64_t b)
{
	return b > 0 && b < a ? b : a;
}

/* How long it may live from now on; 0: as long as it is renewed. */
static int64_t
limit_of(const struct ttl_ask *t)
{
	int64_t from_issue;

	if (t->period_s > 0)
		from_issue = t->explicit_s;
	else
		from_issue =
		    least(least(t->system_max_s, t->max_s), t->explicit_s);
	if (from_issue == 0)
		return 0;
	return t->issued_s + from_issue - t->now_s;
}

bool
ttl_compute(const struct ttl_ask *t, int64_t *ttl_s, json_t *warnings,
    struct error *e)
{
	int64_t ttl, limit = limit_of(t);
	bool limited = t->period_s == 0 || t->explicit_s > 0;

	if (t->period_s > 0)
		ttl = least(t->period_s, t->system_max_s);
	else if (t->wanted_s > 0)
		ttl = t->wanted_s;
	else
		ttl = t->default_s > 0 ? t->default_s : t->system_default_s;
	if (t->period_s > ttl)
		warn_cut(warnings, "period", t->period_s, ttl);
	if (limited && limit <= 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "past the max TTL, cannot renew");
	if (limited && ttl > limit) {
		warn_cut(warnings, "TTL", ttl, limit);
		ttl = limit;
	}
	*ttl_s = ttl;
	return true;
}
