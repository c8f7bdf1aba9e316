/* SPDX-License-Identifier: Apache-2.0 */
/* Typed reads of a call's input. A name that the row lacks is a bug. */
#include "core.h"

static json_t *
field(const struct call *c, const char *name)
{
	json_t *v = json_object_get(c->in, name);

	if (v == NULL)
		fatal("%s: the row has no field %s", c->why, name);
	return v;
}

const char *
call_str(const struct call *c, const char *name)
{
	return json_string_value(field(c, name));
}

int64_t
call_int(const struct call *c, const char *name)
{
	return json_integer_value(field(c, name));
}

bool
call_bool(const struct call *c, const char *name)
{
	return json_is_true(field(c, name));
}

json_t *
call_list(const struct call *c, const char *name)
{
	return field(c, name);
}

json_t *
call_json(const struct call *c, const char *name)
{
	return field(c, name);
}

bool
call_given(const struct call *c, const char *name)
{
	return json_object_get(c->given, name) != NULL;
}
