/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers.h"

/* What is there for some only. */
static void
lookup_extras(json_t *o, const struct token *t)
{
	if (t->created_s > 0)
		(void)json_object_set_new(o, "issue_time",
		    time_or_null(t->created_s));
	if (t->renewed_s > 0) {
		(void)json_object_set_new(o, "last_renewal",
		    time_or_null(t->renewed_s));
		(void)json_object_set_new(o, "last_renewal_time",
		    json_integer(t->renewed_s));
	}
	if (t->period_s > 0)
		(void)json_object_set_new(o, "period",
		    json_integer(t->period_s));
	if (t->role[0] != '\0')
		(void)json_object_set_new(o, "role", json_string(t->role));
	if (t->bound_cidrs_n > 0)
		(void)json_object_set_new(o, "bound_cidrs",
		    names_of(t->bound_cidrs, t->bound_cidrs_n));
}

static json_t *
lookup_data(const struct token *t, json_t *id, int64_t now_s)
{
	int64_t left = t->expires_s == 0 ? 0 : t->expires_s - now_s;
	json_t *meta = t->meta == NULL ? json_null() : json_deep_copy(t->meta);
	json_t *o = json_pack("{s:o, s:s, s:o, s:s, s:o, s:s, s:I, s:b, s:I, "
			      "s:I, s:o, s:I, s:I, s:s, s:s, s:b}",
	    "id", id, "accessor", t->accessor, "policies",
	    names_of(t->policies, t->policies_n), "path", t->path, "meta", meta,
	    "display_name", t->display_name, "num_uses",
	    (json_int_t)t->uses_left, "orphan", t->orphan, "creation_time",
	    (json_int_t)t->created_s, "creation_ttl", (json_int_t)t->ttl_s,
	    "expire_time", time_or_null(t->expires_s), "ttl",
	    (json_int_t)(left > 0 ? left : 0), "explicit_max_ttl",
	    (json_int_t)t->explicit_max_s, "entity_id", "", "type", "service",
	    "renewable", t->renewable);

	if (o == NULL)
		fatal("lookup_data");
	lookup_extras(o, t);
	return o;
}

static void
lookup(struct call *c, enum whose whose)
{
	struct error e = { 0 };
	auto_token const struct token *t = find_token(c, whose, &e);

	if (t == NULL)
		answer_no_token(c, whose, &e);
	else
		call_ok_secret(c,
		    lookup_data(t, named_text(c, whose), c->now_s));
}

void
token_lookup(struct call *c)
{
	lookup(c, WHOSE_TOKEN);
}

void
token_lookup_self(struct call *c)
{
	lookup(c, WHOSE_SELF);
}

void
token_lookup_accessor(struct call *c)
{
	lookup(c, WHOSE_ACCESSOR);
}
