/* SPDX-License-Identifier: Apache-2.0 */
/* Which token a request is about. */
#include "handlers.h"

struct bytes
caller_text(const struct call *c)
{
	static const char bearer[] = "Bearer ";
	const size_t n = sizeof(bearer) - 1;
	struct bytes v;

	if (http_header(c->x, "X-Vault-Token", &v) && v.n > 0)
		return v;
	if (http_header(c->x, "Authorization", &v) && v.n > n &&
	    strncasecmp((const char *)v.p, bearer, n) == 0)
		return bytes_of(v.p + n, v.n - n);
	return bytes_of(NULL, 0);
}

/* The one of the body, else the caller's own. */
static struct bytes
named(const struct call *c, enum whose whose)
{
	const char *text = whose == WHOSE_TOKEN ? call_str(c, "token") : "";

	return text[0] != '\0' ? bytes_str(text) : caller_text(c);
}

const struct token *
find_token(struct call *c, enum whose whose, struct error *e)
{
	const struct token *t;
	struct bytes text;

	if (whose == WHOSE_ACCESSOR)
		return auth_token_by_accessor(c->tokens,
		    call_str(c, "accessor"), c->now_s, e);
	text = named(c, whose);
	/* The unix socket's peer. */
	if (whose == WHOSE_SELF &&
	    (text.n == 0 || c->token->service[0] != '\0'))
		return auth_token_ref(c->token);
	t = auth_token_get(c->tokens, text, c->now_s, e);
	/* This request has paid; the last use may be another's since. */
	if (t == NULL && whose == WHOSE_SELF && c->token->uses_left > 0)
		return auth_token_ref(c->token);
	if (t == NULL && e->why == FAIL_PERMISSION)
		(void)error_set(e, FAIL_NOT_FOUND, "no such token");
	return t;
}

json_t *
named_text(struct call *c, enum whose whose)
{
	struct bytes text = named(c, whose);
	json_t *s = NULL;

	if (whose != WHOSE_ACCESSOR && text.n > 0)
		s = json_stringn((const char *)text.p, text.n);
	return s != NULL ? s : json_string("");
}

bool
is_foreign(struct call *c, const struct token *t)
{
	if (t->service[0] == '\0')
		return false;
	call_error(c, 400,
	    "this token is of Vault \"%s\": it is renewed and revoked there",
	    t->service);
	return true;
}

void
answer_no_token(struct call *c, enum whose whose, const struct error *e)
{
	if (e->why != FAIL_NOT_FOUND)
		call_fail(c, e);
	else if (whose == WHOSE_ACCESSOR)
		call_error(c, 400, "invalid accessor");
	else
		call_error(c, 403, "bad token");
}
