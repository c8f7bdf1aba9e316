/* SPDX-License-Identifier: Apache-2.0 */
#include "token_params.h"

static const char *const fields[] = { "token_policies", "token_ttl",
	"token_max_ttl", "token_explicit_max_ttl", "token_period",
	"token_num_uses", "token_bound_cidrs", "token_no_default_policy",
	"token_strictly_bind_ip", "token_type", NULL };

static const struct {
	const char *old, *now;
} aliases[] = { { "policies", "token_policies" }, { "lease", "token_ttl" },
	{ "ttl", "token_ttl" }, { "max_ttl", "token_max_ttl" },
	{ "period", "token_period" }, { "bound_cidrs", "token_bound_cidrs" } };

void
token_params_merge(const struct call *c, json_t *doc)
{
	auto_json json_t *merged = doc_merged(c, doc, fields);

	for (size_t i = 0; i < countof(aliases); i++)
		if (call_given(c, aliases[i].old) &&
		    !call_given(c, aliases[i].now))
			(void)json_object_set(merged, aliases[i].now,
			    call_get(c, aliases[i].old));
	(void)json_object_set_new(merged, "token_policies",
	    names_clean(json_object_get(merged, "token_policies"), false));
	(void)json_object_update(doc, merged);
}

static bool
no(struct error *e, const char *text)
{
	return error_set(e, FAIL_BAD_INPUT, "%s", text);
}

static bool
check_type(const char *type, struct error *e)
{
	static const char *const types[] = { "", "default", "service",
		"default-service" };

	for (size_t i = 0; i < countof(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	if (strcmp(type, "batch") == 0 || strcmp(type, "default-batch") == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "token_type \"%s\": this server makes service tokens only",
		    type);
	return error_set(e, FAIL_BAD_INPUT,
	    "invalid 'token_type' value \"%.40s\"", type);
}

bool
token_params_check(const json_t *doc, struct error *e)
{
	static const char *const durations[] = { "token_ttl", "token_max_ttl",
		"token_period", "token_explicit_max_ttl", NULL };
	const json_t *policies = json_object_get(doc, "token_policies");
	int64_t max = member_int(doc, "token_max_ttl");

	if (!member_durations_ok(doc, durations, e) ||
	    !check_type(doc_str(doc, "token_type"), e))
		return false;
	if (member_int(doc, "token_num_uses") < 0)
		return no(e, "token_num_uses cannot be negative");
	if (max > 0 && member_int(doc, "token_ttl") > max)
		return no(e,
		    "'token_ttl' cannot be greater than 'token_max_ttl'");
	if (names_have(policies, "root"))
		return no(e, "token_policies: a login cannot give root");
	if (json_array_size(policies) >= TOKEN_POLICIES_MAX)
		return no(e, "token_policies: too many");
	if (member_bool(doc, "token_strictly_bind_ip", false) &&
	    json_array_size(json_object_get(doc, "token_bound_cidrs")) > 0)
		return no(e,
		    "'token_strictly_bind_ip' conflicts with "
		    "'token_bound_cidrs'; set only one");
	return cidrs_check(json_object_get(doc, "token_bound_cidrs"), e);
}

/* ---- the login ---- */

char *
login_display_name(const struct call *c, const char *name)
{
	static const char prefix[] = "auth/";
	const char *mount = c->mount->path;
	char *text;

	if (strncmp(mount, prefix, sizeof(prefix) - 1) == 0)
		mount += sizeof(prefix) - 1;
	text = mem_printf("%s%s%s", mount, name[0] == '\0' ? "" : "-", name);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '/')
			*p = '-';
	return text;
}

/* The address of the peer as a block of its own; NULL: it has none. */
static json_t *
peer_block(const struct call *c)
{
	auto_mem char *peer = mem_strdup(http_peer(c->x));
	char *colon = strrchr(peer, ':'), *from = peer;

	if (colon == NULL || strncmp(peer, "unix:", 5) == 0)
		return NULL;
	*colon = '\0';
	if (*from == '[') {
		from++;
		from[strcspn(from, "]")] = '\0';
	}
	return json_pack("[s]", from);
}

static bool
login_token(struct call *c, const struct login *l, struct token *out,
    struct error *e)
{
	auto_mem char *shown = login_display_name(c, l->name);
	auto_json json_t *block = NULL;
	struct login_ask ask = { .role = l->role,
		.path = l->path,
		.display_name = shown,
		.meta = l->meta,
		.now_s = c->now_s,
		.mount_default_s = c->mount->default_ttl_s,
		.mount_max_s = c->mount->max_ttl_s };

	if (member_bool(l->role, "token_strictly_bind_ip", false)) {
		block = peer_block(c);
		if (block == NULL)
			return no(e,
			    "token_strictly_bind_ip: log in over the network");
		ask.bound_cidrs = block;
	}
	if (c->warnings == NULL)
		c->warnings = json_array();
	return token_login(&ask, out, c->warnings, e);
}

static void
write_token(struct call *c, struct issue *i)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch = { .op = STORE_SECRET_PUT };

	issue_name(i, bytes_of(NULL, 0));
	ch.row = token_row(&i->token, &mem);
	call_secrets(c, &ch, 1, issue_answer);
}

void
login_finish(struct call *c, const struct login *l)
{
	const json_t *cidrs = json_object_get(l->role, "token_bound_cidrs");
	struct error e = { 0 };
	struct issue *i;

	if (json_array_size(cidrs) > 0 &&
	    !cidrs_match(cidrs, http_peer(c->x))) {
		call_error(c, 403, "permission denied");
		return;
	}
	i = mem_calloc(1, sizeof(*i));
	c->state = i;
	c->state_free = token_issue_free;
	if (login_token(c, l, &i->token, &e))
		write_token(c, i);
	else
		call_error(c, 400, "%s", e.msg);
}

bool
login_policies_same(const struct token *t, const json_t *role)
{
	auto_json json_t *now =
	    names_clean(json_object_get(role, "token_policies"),
		!member_bool(role, "token_no_default_policy", false));
	auto_json json_t *then = names_of(t->policies, t->policies_n);

	return json_equal(now, then);
}
