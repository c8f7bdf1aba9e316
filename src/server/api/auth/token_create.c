/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "handlers.h"

static void
create_done(struct call *c)
{
	struct issue *i = c->state;

	if (c->reply->ok)
		warn_missing_policies(c, &i->token);
	issue_answer(c);
}

/* An id of the caller's own: not one that is there. */
static bool
id_free(struct call *c, const char *id)
{
	auto_buf struct buf mem = { 0 };
	struct sha256 key = token_hash(bytes_str(id));
	struct store_secret row;
	struct error e = { 0 };

	if (strlen(id) > TOKEN_TEXT_MAX || strchr(id, '.') != NULL) {
		call_error(c, 400, "custom token ID: at most %d octets, no '.'",
		    TOKEN_TEXT_MAX);
		return false;
	}
	if (store_secret_get(c->store, TOKEN_KIND, &key, c->now_s, &row, &mem,
		&e)) {
		call_error(c, 400, "cannot create a token with a duplicate ID");
		return false;
	}
	if (e.why == FAIL_NOT_FOUND)
		return true;
	call_fail(c, &e);
	return false;
}

static void
create_write(struct call *c, const char *id)
{
	struct issue *i = c->state;
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch = { .op = STORE_SECRET_PUT };

	issue_name(i, bytes_str(id));
	ch.row = token_row(&i->token, &mem);
	call_secrets(c, &ch, 1, create_done);
}

static struct token_ask
ask_of(struct call *c, bool orphan)
{
	const char *ttl = call_int(c, "ttl") != 0 ? "ttl" : "lease";

	return (struct token_ask){ .parent = c->token,
		.sudo = has_sudo(c),
		.orphan = orphan,
		.role_name = "",
		.path = c->why,
		.now_s = c->now_s,
		.system_default_s = c->mount->default_ttl_s,
		.system_max_s = c->mount->max_ttl_s,
		.policies = call_list(c, "policies"),
		.meta = call_json(c, "meta"),
		.display_name = call_str(c, "display_name"),
		.type = call_str(c, "type"),
		.custom_id = call_str(c, "id")[0] != '\0',
		.no_parent = call_bool(c, "no_parent"),
		.no_default_policy = call_bool(c, "no_default_policy"),
		.renewable = call_bool(c, "renewable"),
		.uses = call_int(c, "num_uses"),
		.ttl_s = call_int(c, ttl),
		.explicit_max_s = call_int(c, "explicit_max_ttl"),
		.period_s = call_int(c, "period") };
}

static void
create(struct call *c, const struct token_ask *ask)
{
	struct issue *i = mem_calloc(1, sizeof(*i));
	struct error e = { 0 };

	c->state = i;
	c->state_free = token_issue_free;
	if (c->warnings == NULL)
		c->warnings = json_array();
	if (call_str(c, "entity_alias")[0] != '\0')
		call_error(c, 400, "entity_alias: there are no entities here");
	else if (!token_make(ask, &i->token, c->warnings, &e))
		call_error(c, 400, "%s", e.msg);
	else if (c->token->service[0] != '\0' && !i->token.orphan)
		call_error(c, 400,
		    "this token is of Vault \"%s\": nothing here can end with "
		    "it; create-orphan makes one that does not",
		    c->token->service);
	else if (!ask->custom_id || id_free(c, call_str(c, "id")))
		create_write(c, call_str(c, "id"));
}

void
token_create(struct call *c)
{
	struct token_ask ask = ask_of(c, false);

	create(c, &ask);
}

void
token_create_orphan(struct call *c)
{
	struct token_ask ask = ask_of(c, true);

	create(c, &ask);
}

void
token_create_role(struct call *c)
{
	const char *name = call_str(c, "role_name");
	auto_doc const struct doc *role =
	    docs_get(c->docs, "token-role", "auth/token", name);
	struct token_ask ask = ask_of(c, false);

	if (role == NULL) {
		call_error(c, 400, "unknown role %s", name);
		return;
	}
	ask.role = role->json;
	ask.role_name = name;
	create(c, &ask);
}
