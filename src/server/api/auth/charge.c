/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that can be used so many times: each request pays before it is handled. */
#include "handlers.h"

struct charge {
	call_fn *next;
	unsigned tries;
};

static void charge_try(struct call *c);

/* Of two requests at once one is late: it looks again, until there is nothing left. */
static void
charge_again(struct call *c)
{
	struct charge *ch = c->state;
	struct error e = { 0 };
	const struct token *t;

	if (ch->tries++ == LIMIT_SWAP_TRIES) {
		call_error(c, 503, "the token is used by too many at once");
		return;
	}
	t = auth_token_get(c->tokens, caller_text(c), c->now_s, &e);
	if (t == NULL) {
		call_fail(c, &e);
		return;
	}
	auth_token_put(c->token);
	c->token = t;
	charge_try(c);
}

static void
charge_done(struct call *c)
{
	struct charge *ch = c->state;
	call_fn *next = ch->next;

	auth_forget(c->tokens, &c->token->key);
	if (!c->reply->ok && c->reply->err.why == FAIL_BUSY) {
		charge_again(c);
		return;
	}
	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	c->state = NULL;
	c->state_free = NULL;
	mem_free(ch);
	next(c);
}

static void
charge_try(struct call *c)
{
	auto_buf struct buf mem = { 0 };
	struct token less = *c->token;
	struct store_secret_change ch[2] = { { .op = STORE_SECRET_SWAP },
		{ .op = STORE_SECRET_DELETE } };

	/* With its last use it is gone; it has no children (7.1). */
	less.uses_left--;
	ch[0].row = token_row(&less, &mem);
	ch[1].row = ch[0].row;
	call_secrets(c, ch, less.uses_left == 0 ? 2 : 1, charge_done);
}

void
auth_call_charge(struct call *c, call_fn *next)
{
	struct charge *ch;

	if (c->token == NULL || c->token->uses_left == 0) {
		next(c);
		return;
	}
	ch = mem_calloc(1, sizeof(*ch));
	ch->next = next;
	c->state = ch;
	c->state_free = mem_free;
	charge_try(c);
}
