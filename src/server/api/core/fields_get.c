/* SPDX-License-Identifier: Apache-2.0 */
/* Typed reads of a call's input. A name that the row lacks is a bug. */
#include "core.h"

json_t *
call_get(const struct call *c, const char *field)
{
	json_t *v = json_object_get(c->typed, field);

	return v != NULL ? v : json_object_get(c->defaults, field);
}

json_t *
call_all(const struct call *c)
{
	json_t *all = json_copy(c->typed);

	(void)json_object_update_missing(all, json_unconst(c->defaults));
	return all;
}

static json_t *
get(const struct call *c, const char *field)
{
	json_t *v = call_get(c, field);

	if (v == NULL)
		fatal("%s: the row has no field %s", c->why, field);
	return v;
}

const char *
call_str(const struct call *c, const char *field)
{
	return json_string_value(get(c, field));
}

int64_t
call_int(const struct call *c, const char *field)
{
	return json_integer_value(get(c, field));
}

bool
call_bool(const struct call *c, const char *field)
{
	return json_is_true(get(c, field));
}

json_t *
call_list(const struct call *c, const char *field)
{
	return get(c, field);
}

json_t *
call_json(const struct call *c, const char *field)
{
	return get(c, field);
}

bool
call_given(const struct call *c, const char *field)
{
	return json_object_get(c->given, field) != NULL;
}
