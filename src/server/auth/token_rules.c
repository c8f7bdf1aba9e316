/* SPDX-License-Identifier: Apache-2.0 */
/* vault-pki-api.md 7.1: what auth/token/create lets whom make. */
#include <stdio.h>

#include <chancery/base/limits.h>

#include "token.h"

static bool
no(struct error *e, const char *text)
{
	return error_set(e, FAIL_BAD_INPUT, "%s", text);
}

static bool
check_fields(const struct token_ask *a, struct error *e)
{
	if (a->uses < 0)
		return no(e, "number of uses cannot be negative");
	if (a->ttl_s < 0 || a->explicit_max_s < 0 || a->period_s < 0)
		return no(e,
		    "ttl, explicit_max_ttl and period must be positive");
	if (a->ttl_s > LIMIT_TTL_S || a->explicit_max_s > LIMIT_TTL_S ||
	    a->period_s > LIMIT_TTL_S)
		return no(e, "ttl, explicit_max_ttl or period is too long");
	if (a->parent->uses_left > 0)
		return no(e,
		    "restricted use token cannot generate child tokens");
	if (a->custom_id && !a->sudo)
		return no(e,
		    "root or sudo privileges required to specify token "
		    "id");
	if (a->period_s > 0 && !a->sudo)
		return no(e,
		    "root or sudo privileges required to create periodic "
		    "token");
	if (a->role == NULL && a->no_parent && !a->sudo)
		return no(e,
		    "root or sudo privileges required to create orphan "
		    "token");
	return true;
}

/* "service", or what says so in a role; batch tokens are not there. */
static bool
check_type(const struct token_ask *a, struct error *e)
{
	const char *role = doc_str(a->role, "token_type");
	const char *type = a->type;

	if (strcmp(role, "batch") == 0 || strcmp(type, "batch") == 0 ||
	    (strcmp(role, "default-batch") == 0 && type[0] == '\0'))
		return no(e,
		    "batch tokens are not supported by this server: use "
		    "type=service");
	if (type[0] != '\0' && strcmp(type, "service") != 0)
		return no(e, "invalid 'token_type' value");
	return true;
}

static bool
policies_allowed(const json_t *names, const json_t *role, bool add_default,
    struct error *e)
{
	auto_json json_t *plain =
	    names_clean(json_object_get(role, "allowed_policies"), add_default);
	auto_json json_t *globs =
	    names_clean(json_object_get(role, "allowed_policies_glob"), false);
	size_t i;

	for (i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (!names_have(plain, name) && !names_match(globs, name))
			return error_set(e, FAIL_BAD_INPUT,
			    "token policies must be subset of the role's "
			    "allowed "
			    "policies: \"%.80s\" is not",
			    name);
	}
	return true;
}

static bool
policies_not_disallowed(const json_t *names, const json_t *role,
    struct error *e)
{
	auto_json json_t *plain =
	    names_clean(json_object_get(role, "disallowed_policies"), false);
	auto_json json_t *globs =
	    names_clean(json_object_get(role, "disallowed_policies_glob"),
		false);
	size_t i;

	for (i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (names_have(plain, name) || names_match(globs, name))
			return error_set(e, FAIL_BAD_INPUT,
			    "token policy \"%.80s\" is disallowed by this role",
			    name);
	}
	return true;
}

static bool
role_has(const json_t *role, const char *list)
{
	return json_array_size(json_object_get(role, list)) > 0;
}

static bool
role_limits_policies(const json_t *role)
{
	return role_has(role, "allowed_policies") ||
	    role_has(role, "allowed_policies_glob") ||
	    role_has(role, "disallowed_policies") ||
	    role_has(role, "disallowed_policies_glob");
}

/* Who says no_default_policy does not get "default" by asking for it either. */
static json_t *
asked_policies(const struct token_ask *a, bool add_default)
{
	auto_json json_t *names = names_clean(a->policies, add_default);
	json_t *out = json_array();
	size_t i;
	json_t *v;

	json_array_foreach(names, i, v) if (!a->no_default_policy ||
	    strcmp(json_string_value(v), "default") != 0)(void)
	    json_array_append(out, v);
	return out;
}

/* A role with lists has its own rules: they replace those of the parent. */
static json_t *
policies_by_role(const struct token_ask *a, const json_t *parent,
    struct error *e)
{
	bool allow = role_has(a->role, "allowed_policies") ||
	    role_has(a->role, "allowed_policies_glob");
	bool add_default = !a->no_default_policy &&
	    !member_bool(a->role, "token_no_default_policy", false) &&
	    !names_have(json_object_get(a->role, "disallowed_policies"),
		"default") &&
	    !names_match(json_object_get(a->role, "disallowed_policies_glob"),
		"default");
	auto_json json_t *names = NULL;

	if (json_array_size(a->policies) > 0)
		names = asked_policies(a, add_default);
	else if (allow)
		names =
		    names_clean(json_object_get(a->role, "allowed_policies"),
			add_default);
	else
		names = names_clean(parent, add_default);
	if ((allow && !policies_allowed(names, a->role, add_default, e)) ||
	    !policies_not_disallowed(names, a->role, e))
		return NULL;
	return take(names);
}

static json_t *
policies_by_parent(const struct token_ask *a, const json_t *parent,
    struct error *e)
{
	auto_json json_t *asked = names_clean(a->policies, false);
	bool add_default = !a->no_default_policy;
	size_t i;

	/* The parent's own; "default" among them or not. A list of empty names is no list of
	 * none: it must not become all that the parent may. */
	if (json_array_size(a->policies) == 0)
		return names_clean(parent, false);
	if (!a->sudo) {
		add_default = add_default && names_have(parent, "default");
		for (i = 0; i < json_array_size(asked); i++) {
			if (names_have(parent,
				json_string_value(json_array_get(asked, i))))
				continue;
			(void)no(e, "child policies must be subset of parent");
			return NULL;
		}
	}
	return asked_policies(a, add_default);
}

bool
token_set_policies(struct token *t, const json_t *names, struct error *e)
{
	size_t n = json_array_size(names), i;

	if (n == 0)
		return no(e, "token must have at least one policy");
	if (n > TOKEN_POLICIES_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "token has more than %d policies", TOKEN_POLICIES_MAX);
	t->policies = mem_calloc(n, sizeof(t->policies[0]));
	for (i = 0; i < n; i++)
		t->policies[i] =
		    mem_strdup(json_string_value(json_array_get(names, i)));
	t->policies_n = n;
	t->root = names_have(names, "root");
	return true;
}

static bool
make_policies(const struct token_ask *a, struct token *out, struct error *e)
{
	auto_json json_t *parent =
	    names_of(a->parent->policies, a->parent->policies_n);
	auto_json json_t *names = role_limits_policies(a->role)
	    ? policies_by_role(a, parent, e)
	    : policies_by_parent(a, parent, e);

	if (names == NULL)
		return false;
	/* Against tokens with sudo that are not root. */
	if (names_have(names, "root") && !a->parent->root)
		return no(e,
		    "root tokens may not be created without parent token "
		    "being root");
	return token_set_policies(out, names, e);
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-';
}

/* "token" or "token-<name>", other characters as '-'. */
static void
make_display_name(const struct token_ask *a, struct token *out)
{
	char *p;
	size_t n;

	(void)snprintf(out->display_name, sizeof(out->display_name),
	    "token%s%s", a->display_name[0] == '\0' ? "" : "-",
	    a->display_name);
	for (p = out->display_name; *p != '\0'; p++)
		if (!is_plain(*p))
			*p = '-';
	n = strlen(out->display_name);
	if (n > 0 && out->display_name[n - 1] == '-')
		out->display_name[n - 1] = '\0';
}

static int64_t
lesser(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static bool
make_lifetime(const struct token_ask *a, struct token *out, json_t *warnings,
    struct error *e)
{
	struct ttl_ask t = { .now_s = a->now_s,
		.issued_s = a->now_s,
		.wanted_s = a->ttl_s,
		.system_default_s = a->system_default_s,
		.system_max_s = a->system_max_s };

	out->period_s =
	    lesser(a->period_s, member_int(a->role, "token_period"));
	out->explicit_max_s = lesser(a->explicit_max_s,
	    member_int(a->role, "token_explicit_max_ttl"));
	t.period_s = out->period_s;
	t.explicit_s = out->explicit_max_s;
	if ((!out->root || a->ttl_s > 0 || out->period_s > 0) &&
	    !ttl_compute(&t, &out->ttl_s, warnings, e))
		return false;
	/* A root token is still bound by its explicit maximum. */
	if (out->ttl_s == 0)
		out->ttl_s = out->explicit_max_s;
	if (out->ttl_s == 0 && a->parent->expires_s != 0)
		return no(e,
		    "expiring root tokens cannot create non-expiring "
		    "root tokens");
	out->expires_s = out->ttl_s == 0 ? 0 : a->now_s + out->ttl_s;
	out->renewable = a->renewable && out->ttl_s > 0 &&
	    member_bool(a->role, "renewable", true);
	return true;
}

static void
copy_texts(const json_t *list, char ***out, size_t *n)
{
	size_t i;

	*n = json_array_size(list);
	*out = *n == 0 ? NULL : mem_calloc(*n, sizeof(**out));
	for (i = 0; i < *n; i++)
		(*out)[i] =
		    mem_strdup(json_string_value(json_array_get(list, i)));
}

static void
make_rest(const struct token_ask *a, struct token *out)
{
	const char *suffix = doc_str(a->role, "path_suffix");

	out->orphan = a->orphan || member_bool(a->role, "orphan", false) ||
	    (a->role == NULL && a->no_parent);
	if (!out->orphan)
		out->parent = a->parent->key;
	out->created_s = a->now_s;
	out->uses_left = lesser(a->uses, member_int(a->role, "token_num_uses"));
	(void)snprintf(out->path, sizeof(out->path), "%s%s%s", a->path,
	    suffix[0] == '\0' ? "" : "/", suffix);
	(void)snprintf(out->role, sizeof(out->role), "%s", a->role_name);
	if (json_object_size(a->meta) > 0)
		out->meta = json_deep_copy(a->meta);
	/* Never-expiring root tokens work from everywhere. */
	if (out->ttl_s > 0)
		copy_texts(json_object_get(a->role, "token_bound_cidrs"),
		    &out->bound_cidrs, &out->bound_cidrs_n);
	make_display_name(a, out);
}

bool
token_make(const struct token_ask *a, struct token *out, json_t *warnings,
    struct error *e)
{
	struct token t = { 0 };

	if (!check_fields(a, e) || !check_type(a, e))
		return false;
	if (!make_policies(a, &t, e) || !make_lifetime(a, &t, warnings, e)) {
		token_clear(&t);
		return false;
	}
	make_rest(a, &t);
	*out = t;
	return true;
}

bool
token_login(const struct login_ask *a, struct token *out, json_t *warnings,
    struct error *e)
{
	struct token t = { .orphan = true, .created_s = a->now_s };
	struct ttl_ask ttl = { .now_s = a->now_s,
		.issued_s = a->now_s,
		.default_s = member_int(a->role, "token_ttl"),
		.period_s = member_int(a->role, "token_period"),
		.max_s = member_int(a->role, "token_max_ttl"),
		.explicit_s = member_int(a->role, "token_explicit_max_ttl"),
		.system_default_s = a->mount_default_s,
		.system_max_s = a->mount_max_s };
	auto_json json_t *names =
	    names_clean(json_object_get(a->role, "token_policies"),
		!member_bool(a->role, "token_no_default_policy", false));

	/* Roles cannot hand out what only a root token can. */
	if (names_have(names, "root"))
		return no(e, "auth methods cannot create root tokens");
	if (!ttl_compute(&ttl, &t.ttl_s, warnings, e) ||
	    !token_set_policies(&t, names, e))
		return false;
	t.expires_s = a->now_s + t.ttl_s;
	t.renewable = true;
	t.period_s = ttl.period_s;
	t.max_ttl_s = ttl.max_s;
	t.explicit_max_s = ttl.explicit_s;
	t.uses_left = member_int(a->role, "token_num_uses");
	(void)snprintf(t.path, sizeof(t.path), "%s", a->path);
	(void)snprintf(t.display_name, sizeof(t.display_name), "%s",
	    a->display_name);
	if (json_object_size(a->meta) > 0)
		t.meta = json_deep_copy(a->meta);
	copy_texts(a->bound_cidrs != NULL
		? a->bound_cidrs
		: json_object_get(a->role, "token_bound_cidrs"),
	    &t.bound_cidrs, &t.bound_cidrs_n);
	*out = t;
	return true;
}
