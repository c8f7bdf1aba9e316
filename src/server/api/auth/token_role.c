/* SPDX-License-Identifier: Apache-2.0 */
/* auth/token/roles: what create/:role makes. */
#include "handlers.h"

#define KIND "token-role"
#define SCOPE "auth/token"

static const char *const stored[] = { "allowed_policies", "disallowed_policies",
	"allowed_policies_glob", "disallowed_policies_glob", "orphan",
	"renewable", "path_suffix", "allowed_entity_aliases",
	"token_bound_cidrs", "token_explicit_max_ttl", "token_period",
	"token_no_default_policy", "token_num_uses", "token_type", NULL };

/* The names before Vault 1.2. */
static const struct {
	const char *old, *now;
} aliases[] = { { "explicit_max_ttl", "token_explicit_max_ttl" },
	{ "period", "token_period" }, { "bound_cidrs", "token_bound_cidrs" } };

bool
token_role_exists(struct call *c)
{
	auto_doc const struct doc *d =
	    docs_get(c->docs, KIND, SCOPE, call_str(c, "role_name"));

	return d != NULL;
}

static void
apply_aliases(const struct call *c, json_t *doc)
{
	size_t i;

	for (i = 0; i < countof(aliases); i++)
		if (call_given(c, aliases[i].old) &&
		    !call_given(c, aliases[i].now))
			(void)json_object_set_new(doc, aliases[i].now,
			    json_deep_copy(call_get(c, aliases[i].old)));
}

static bool
role_check(const json_t *doc, struct error *e)
{
	static const char *const durations[] = { "token_explicit_max_ttl",
		"token_period", NULL };
	static const char *const types[] = { "", "service", "default",
		"default-service" };
	const char *type = doc_str(doc, "token_type");
	const char *suffix = doc_str(doc, "path_suffix");
	size_t i;

	if (!member_durations_ok(doc, durations, e))
		return false;
	if (member_int(doc, "token_num_uses") < 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "token_num_uses cannot be negative");
	if (suffix[strspn(suffix,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"-_.")] != '\0')
		return error_set(e, FAIL_BAD_INPUT,
		    "given role path suffix contains invalid characters");
	for (i = 0; i < countof(types); i++)
		if (strcmp(type, types[i]) == 0)
			return cidrs_check(json_object_get(doc,
					       "token_bound_cidrs"),
			    e);
	return error_set(e, FAIL_BAD_INPUT,
	    "token_type \"%.40s\": this server makes service tokens only",
	    type);
}

static bool
role_build(struct call *c, struct changes *ch)
{
	const char *name = call_str(c, "role_name");
	auto_doc const struct doc *old = docs_get(c->docs, KIND, SCOPE, name);
	auto_json json_t *doc =
	    doc_merged(c, old == NULL ? NULL : old->json, stored);
	struct error e = { 0 };

	apply_aliases(c, doc);
	if (!role_check(doc, &e)) {
		call_error(c, 400, "%s", e.msg);
		return false;
	}
	change_put(ch, KIND, SCOPE, name, take(doc));
	return true;
}

void
token_role_write(struct call *c)
{
	if (strlen(call_str(c, "role_name")) > 255)
		bad_name(c, "role_name");
	else
		call_change(c, "token role", role_build, changed);
}

void
token_role_read(struct call *c)
{
	const char *name = call_str(c, "role_name");
	auto_doc const struct doc *d = docs_get(c->docs, KIND, SCOPE, name);
	json_t *data;

	if (d == NULL) {
		call_not_found(c);
		return;
	}
	data = json_deep_copy(d->json);
	(void)json_object_set_new(data, "name", json_string(name));
	(void)json_object_set_new(data, "explicit_max_ttl",
	    json_integer(member_int(d->json, "token_explicit_max_ttl")));
	(void)json_object_set_new(data, "period",
	    json_integer(member_int(d->json, "token_period")));
	call_ok(c, data);
}

static bool
delete_build(struct call *c, struct changes *ch)
{
	if (token_role_exists(c))
		change_delete(ch, KIND, SCOPE, call_str(c, "role_name"));
	return true;
}

void
token_role_delete(struct call *c)
{
	call_change(c, "token role removed", delete_build, changed);
}

void
token_role_list(struct call *c)
{
	call_keys(c, doc_names(c, KIND, SCOPE), NULL);
}
