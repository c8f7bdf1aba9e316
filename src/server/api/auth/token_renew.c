/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cert.h"
#include "userpass.h"

struct renewal {
	enum whose whose;
	const struct token *token;
	int64_t ttl_s;
	unsigned tries;
};

static void renew_try(struct call *c);

static void
renewal_free(void *state)
{
	struct renewal *r = state;

	auth_token_put(r->token);
	mem_free(r);
}

static void
renew_done(struct call *c)
{
	struct renewal *r = c->state;
	struct token t = *r->token;
	bool shorter = c->now_s + r->ttl_s < t.expires_s;

	if (!c->reply->ok && c->reply->err.why == FAIL_BUSY &&
	    r->tries++ < LIMIT_SWAP_TRIES) {
		auth_forget(c->tokens, &t.key);
		renew_try(c);
		return;
	}
	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	/* What is below it ends with it. */
	if (shorter)
		auth_forget_tree(c->tokens, &t.key);
	else
		auth_forget(c->tokens, &t.key);
	answer_auth(c, &t, named_text(c, r->whose), r->ttl_s);
}

/* Where logins find what a token may: a document named by the token's metadata. */
static const struct {
	const char *type, *kind, *name;
	bool same_policies; /* or no renewal */
	bool (*check)(const struct call *c, const struct token *t,
	    const char *mount, struct error *e);
} logins[] = {
	{ "approle", "approle-role", "role_name", false, NULL },
	{ "cert", CERT_ROLE_KIND, "cert_name", true, cert_renewable },
	{ "userpass", USERPASS_KIND, "username", true, NULL },
};

/* The mount whose login made the token: "<mount>/login" or "<mount>/login/<name>". */
static bool
login_mount(const struct call *c, const struct token *t, struct mount *m)
{
	static const char tail[] = "/login";
	const char *at = t->path;
	char path[256];

	while ((at = strstr(at, tail)) != NULL) {
		memcpy(path, t->path, (size_t)(at - t->path));
		path[at - t->path] = '\0';
		at += sizeof(tail) - 1;
		if ((*at == '\0' || *at == '/') &&
		    mount_find(c->docs, c->settings, path, m))
			return true;
	}
	return false;
}

static bool
role_limits(struct call *c, const struct token *t, const struct mount *m,
    struct ttl_ask *ask, struct error *e)
{
	auto_doc const struct doc *role = NULL;
	size_t i = 0;

	while (i < countof(logins) && strcmp(logins[i].type, m->type) != 0)
		i++;
	if (i < countof(logins))
		role = docs_get(c->docs, logins[i].kind, m->path,
		    doc_str(t->meta, logins[i].name));
	if (role == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "the role of this token is not there any more");
	if (logins[i].same_policies && !login_policies_same(t, role->json))
		return error_set(e, FAIL_BAD_INPUT,
		    "policies have changed, not renewing");
	ask->default_s = member_int(role->json, "token_ttl");
	ask->max_s = member_int(role->json, "token_max_ttl");
	ask->period_s = member_int(role->json, "token_period");
	return logins[i].check == NULL || logins[i].check(c, t, m->path, e);
}

/* Tokens of a login follow their role as it is now, and its mount. */
static bool
login_limits(struct call *c, const struct token *t, struct ttl_ask *ask,
    struct error *e)
{
	struct mount m;
	bool ok;

	/* A token role's path_suffix may read the same. */
	if (strncmp(t->path, "auth/token/", 11) == 0 ||
	    strstr(t->path, "/login") == NULL)
		return true;
	if (!login_mount(c, t, &m))
		return error_set(e, FAIL_BAD_INPUT,
		    "the mount of this token is not there any more");
	ask->system_default_s = m.default_ttl_s;
	ask->system_max_s = m.max_ttl_s;
	ok = role_limits(c, t, &m, ask, e);
	mount_release(&m);
	return ok;
}

static bool
renew_ttl(struct call *c, struct renewal *r, struct error *e)
{
	const struct token *t = r->token;
	struct ttl_ask ask = { .now_s = c->now_s,
		.issued_s = t->created_s,
		.wanted_s = call_int(c, "increment"),
		.default_s = t->ttl_s,
		.period_s = t->period_s,
		.max_s = t->max_ttl_s,
		.explicit_s = t->explicit_max_s,
		.system_default_s = c->mount->default_ttl_s,
		.system_max_s = c->mount->max_ttl_s };

	if (!t->renewable)
		return error_set(e, FAIL_BAD_INPUT, "lease is not renewable");
	if (!login_limits(c, t, &ask, e))
		return false;
	if (c->warnings == NULL)
		c->warnings = json_array();
	(void)json_array_clear(c->warnings);
	return ttl_compute(&ask, &r->ttl_s, c->warnings, e);
}

static void
renew_try(struct call *c)
{
	struct renewal *r = c->state;
	auto_buf struct buf mem = { 0 };
	struct store_secret_change ch = { .op = STORE_SECRET_SWAP };
	struct error e = { 0 };
	struct token t;

	auth_token_put(take(r->token));
	r->token = find_token(c, r->whose, &e);
	if (r->token == NULL) {
		if (r->whose == WHOSE_TOKEN && e.why == FAIL_NOT_FOUND)
			call_error(c, 400, "token not found");
		else
			answer_no_token(c, r->whose, &e);
		return;
	}
	if (is_foreign(c, r->token))
		return;
	if (!renew_ttl(c, r, &e)) {
		call_error(c, 400, "%s", e.msg);
		return;
	}
	t = *r->token;
	t.expires_s = c->now_s + r->ttl_s;
	t.renewed_s = c->now_s;
	ch.row = token_row(&t, &mem);
	call_secrets(c, &ch, 1, renew_done);
}

static void
renew(struct call *c, enum whose whose)
{
	struct renewal *r = mem_calloc(1, sizeof(*r));

	r->whose = whose;
	c->state = r;
	c->state_free = renewal_free;
	renew_try(c);
}

void
token_renew(struct call *c)
{
	renew(c, WHOSE_TOKEN);
}

void
token_renew_self(struct call *c)
{
	/* By its text: c->token may be older than what is there now. */
	renew(c, WHOSE_SELF);
}

void
token_renew_accessor(struct call *c)
{
	renew(c, WHOSE_ACCESSOR);
}
