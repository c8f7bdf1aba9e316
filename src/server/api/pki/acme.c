/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config/acme, as tools that look at a mount read it (bao pki health-check, Terraform): ACME is
 * off and stays off. What it would be like is kept.
 */
#include "engine.h"

json_t *
acme_config_default(void)
{
	return json_pack("{s:b,s:b,s:[s],s:[s],s:s,s:s,s:s}", "enabled", 0,
	    "allow_role_ext_key_usage", 0, "allowed_issuers", "*",
	    "allowed_roles", "*", "default_directory_policy", "sign-verbatim",
	    "dns_resolver", "", "eab_policy", "not-required");
}

static bool
is_any(const char *name)
{
	return strcmp(name, "*") == 0;
}

static bool
role_there(struct call *c, const char *name, const char *what, struct error *e)
{
	auto_doc const struct doc *doc =
	    docs_get(c->docs, "pki-role", c->mount->path, name);

	return doc != NULL ||
	    error_set(e, FAIL_BAD_INPUT,
		"%s %.100s is not a valid acme role: role does not exist", what,
		name);
}

static bool
issuer_there(struct call *c, const char *name, const char *what,
    struct error *e)
{
	auto_doc const struct doc *doc =
	    issuer_find(c->docs, c->mount->path, name, e);

	(void)what;
	return doc != NULL;
}

static bool
list_check(struct call *c, const json_t *doc, const char *field,
    bool (*there)(struct call *, const char *, const char *, struct error *),
    struct error *e)
{
	const json_t *list = json_object_get(doc, field);

	if (json_array_size(list) == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s must take a non-zero length value; specify '*' as the "
		    "value to allow anything",
		    field);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!is_any(name) && !there(c, name, field, e))
			return false;
	}
	return true;
}

static bool
policy_check(struct call *c, const char *policy, struct error *e)
{
	static const char role[] = "role:";

	if (strcmp(policy, "sign-verbatim") == 0 ||
	    strcmp(policy, "forbid") == 0)
		return true;
	if (strncmp(policy, role, sizeof(role) - 1) == 0)
		return role_there(c, policy + sizeof(role) - 1,
		    "default directory policy role", e);
	return error_set(e, FAIL_BAD_INPUT,
	    "invalid default_directory_policy: string %.100s not a valid "
	    "Default Directory Policy",
	    policy);
}

static bool
eab_check(const char *policy, struct error *e)
{
	static const char *const known[] = { "not-required",
		"new-account-required", "always-required" };

	for (size_t i = 0; i < countof(known); i++)
		if (strcmp(policy, known[i]) == 0)
			return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "invalid eab policy name provided, valid values are "
	    "'not-required', 'new-account-required', 'always-required'");
}

static bool
resolver_check(const char *address, struct error *e)
{
	return address[0] == '\0' || strrchr(address, ':') != NULL ||
	    error_set(e, FAIL_BAD_INPUT,
		"failed to parse DNS resolver address: address %.100s: missing "
		"port in address",
		address);
}

static const char *
member(const json_t *doc, const char *name)
{
	return json_string_value(json_object_get(doc, name));
}

static bool
acme_check(struct call *c, json_t *doc, struct error *e)
{
	if (json_is_true(json_object_get(doc, "enabled")))
		return error_set(e, FAIL_UNSUPPORTED,
		    "ACME cannot be enabled: this service does not speak it");
	return list_check(c, doc, "allowed_roles", role_there, e) &&
	    list_check(c, doc, "allowed_issuers", issuer_there, e) &&
	    policy_check(c, member(doc, "default_directory_policy"), e) &&
	    eab_check(member(doc, "eab_policy"), e) &&
	    resolver_check(member(doc, "dns_resolver"), e);
}

static const struct config acme = { "acme", "pki config acme", acme_check,
	NULL };

void
config_acme_read(struct call *c)
{
	config_read(c, &acme);
}

void
config_acme_write(struct call *c)
{
	config_write(c, &acme);
}
