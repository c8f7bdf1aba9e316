/* SPDX-License-Identifier: Apache-2.0 */
/* All rules of a token as sys/internal/ui/resultant-acl tells them. Rules with '+' are left
 * out there, as in OpenBao: who reads it matches by prefix alone. */
#include "acl.h"

static const struct {
	const char *name;
	unsigned cap;
} names[] = { { "deny", CAP_DENY }, { "create", CAP_CREATE },
	{ "read", CAP_READ }, { "update", CAP_UPDATE },
	{ "delete", CAP_DELETE }, { "list", CAP_LIST }, { "sudo", CAP_SUDO },
	{ "patch", CAP_PATCH } };

static json_t *
capabilities(unsigned caps)
{
	json_t *list = json_array();

	for (size_t i = 0; i < countof(names); i++)
		if ((caps & names[i].cap) != 0)
			(void)json_array_append_new(list,
			    json_string(names[i].name));
	return list;
}

static void
add_copy(json_t *o, const char *name, const json_t *v)
{
	if (v != NULL)
		(void)json_object_set_new(o, name, json_deep_copy(v));
}

static void
add_seconds(json_t *o, const char *name, int64_t s)
{
	if (s > 0)
		(void)json_object_set_new(o, name, json_integer(s));
}

static json_t *
rule_json(const struct rule *r)
{
	json_t *o = json_pack("{s:o}", "capabilities", capabilities(r->caps));

	add_copy(o, "allowed_parameters", r->allowed);
	add_copy(o, "denied_parameters", r->denied);
	add_copy(o, "required_parameters", r->required);
	add_seconds(o, "min_wrapping_ttl", r->wrap_min_s);
	add_seconds(o, "max_wrapping_ttl", r->wrap_max_s);
	return o;
}

json_t *
acl_json(const struct acl *a)
{
	json_t *exact = json_object(), *glob = json_object();

	for (size_t i = 0; i < a->n; i++) {
		const struct rule *r = &a->rules[i].rule;

		if (r->kind == RULE_SEGMENTS || r->templated)
			continue;
		(void)json_object_set_new(r->kind == RULE_EXACT ? exact : glob,
		    r->path, rule_json(r));
	}
	return json_pack("{s:o, s:o, s:b}", "exact_paths", exact, "glob_paths",
	    glob, "root", 0);
}
