/* SPDX-License-Identifier: Apache-2.0 */
/* What a token may, the register as an audit device, tidying of tokens. */
#include "handlers.h"

void
resultant_acl(struct call *c)
{
	if (c->token->root)
		call_ok(c, json_pack("{s:b}", "root", 1));
	else
		call_ok(c, acl_json(c->token->acl));
}

/* ---- sys/audit ---- */

#define REGISTER "register"

/* Every signature and every change of configuration is in it before it is answered. */
void
audit_list(struct call *c)
{
	call_ok_flat(c,
	    json_pack("{s:{s:s, s:s, s:s, s:{}, s:b}}", REGISTER "/", "type",
		REGISTER, "path", REGISTER "/", "description",
		"The register: signatures and changes, recorded before they "
		"are answered; always on.",
		"options", "local", 0));
}

void
audit_enable(struct call *c)
{
	call_error(c, 400,
	    "audit devices cannot be enabled: the register and the access log "
	    "are always on (docs/service.md)");
}

void
audit_disable(struct call *c)
{
	if (strcmp(call_str(c, "path"), REGISTER) == 0)
		call_error(c, 400, "the register cannot be switched off");
	else
		call_no_content(c);
}

void
audit_hash(struct call *c)
{
	call_error(c, 400,
	    "nothing is written as an HMAC: tokens and secrets are not in the "
	    "register or the access log at all");
}

/* ---- auth/token/tidy ---- */

struct tidying {
	struct auth *tokens;
	int64_t now_s;
	bool ok;
	struct error e;
};

static void
tidy_work(void *state)
{
	struct tidying *t = state;

	t->ok = auth_tidy(t->tokens, t->now_s, &t->e);
}

static void
tidied(struct call *c)
{
	const struct tidying *t = c->state;

	if (!t->ok) {
		call_fail(c, &t->e);
		return;
	}
	call_warn(c,
	    "Expired tokens were removed, as happens every minute by itself.");
	call_accepted(c);
}

void
token_tidy(struct call *c)
{
	struct tidying *t = mem_calloc(1, sizeof(*t));

	t->tokens = c->tokens;
	t->now_s = c->now_s;
	c->state = t;
	c->state_free = mem_free;
	call_offload(c, tidy_work, tidied);
}
