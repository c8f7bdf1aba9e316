/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "acl.h"

/* Fields are typed weakly: 5 and "5", true and "true" are one value to them, and so they
 * are here; else a number would pass by a denied text. False: not a scalar. */
static bool
scalar_text(const json_t *v, char buf[64], const char **text)
{
	if (json_is_string(v)) {
		*text = json_string_value(v);
		return true;
	}
	if (json_is_integer(v))
		(void)snprintf(buf, 64, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(v));
	else if (json_is_real(v))
		(void)snprintf(buf, 64, "%.17g", json_real_value(v));
	else if (json_is_boolean(v))
		(void)snprintf(buf, 64, "%s",
		    json_is_true(v) ? "true" : "false");
	else
		return false;
	*text = buf;
	return true;
}

static bool
value_matches(const json_t *rule, const json_t *v)
{
	char rule_buf[64], buf[64];
	const char *pattern, *text;

	if (scalar_text(rule, rule_buf, &pattern) && scalar_text(v, buf, &text))
		return text_glob(pattern, text);
	return json_equal(rule, v);
}

/* An empty list has every value. */
static bool
list_has(const json_t *list, const json_t *v)
{
	size_t i;

	if (json_array_size(list) == 0)
		return true;
	for (i = 0; i < json_array_size(list); i++)
		if (value_matches(json_array_get(list, i), v))
			return true;
	return false;
}

/* A list is denied with any of its elements. */
static bool
denied_has(const json_t *list, const json_t *v)
{
	size_t i;

	if (list_has(list, v))
		return true;
	for (i = 0; i < json_array_size(v); i++)
		if (list_has(list, json_array_get(v, i)))
			return true;
	return false;
}

static void
lower(const char *name, char *out, size_t size)
{
	size_t i;

	for (i = 0; name[i] != '\0' && i + 1 < size; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z'
			? name[i] - 'A' + 'a'
			: name[i]);
	out[i] = '\0';
}

/* By the very name: handlers know no other case, so "CN" would be no "cn" to them. */
static bool
required_given(const struct rule *r, const json_t *params)
{
	size_t i;

	for (i = 0; i < json_array_size(r->required); i++)
		if (json_object_get(params,
			json_string_value(json_array_get(r->required, i))) ==
		    NULL)
			return false;
	return true;
}

static bool
one_allowed(const struct rule *r, const char *name, const json_t *v)
{
	const json_t *denied = json_object_get(r->denied, name);
	const json_t *allowed = json_object_get(r->allowed, name);

	if (denied != NULL && denied_has(denied, v))
		return false;
	if (json_object_size(r->allowed) == 0)
		return true;
	if (allowed == NULL)
		return json_object_get(r->allowed, "*") != NULL;
	return list_has(allowed, v);
}

bool
acl_parameters(const struct rule *r, const json_t *params)
{
	const char *name;
	char low[256];
	json_t *v;

	if (!required_given(r, params))
		return false;
	if (json_object_size(params) == 0)
		return true;
	if (json_object_get(r->denied, "*") != NULL)
		return false;
	json_object_foreach(json_walkable(params), name, v)
	{
		lower(name, low, sizeof(low));
		if (!one_allowed(r, low, v))
			return false;
	}
	return true;
}
