/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the handlers of auth/token, auth/approle and our rows of sys share. */
#include <chancery/base/limits.h>
#include <chancery/config/service.h>
#include <chancery/server/auth.h>
#include <chancery/server/call.h>
#include <chancery/server/request.h>

#include "../../auth/token.h"

/* ---- rows ---- */
#define FIELD(n, t, d, a)                                                      \
	{                                                                      \
		.name = (n), .type = (t), .dflt = (d), .about = (a)            \
	}
#define CAPTURE(n, a)                                                          \
	{                                                                      \
		.name = (n), .type = FT_STRING, .about = (a), .in_path = true  \
	}

/* ---- finding a token ---- */
/* X-Vault-Token, or Authorization: Bearer; empty: none. */
struct bytes caller_text(const struct call *c);
/* Which token a row is about. */
enum whose {
	WHOSE_SELF,
	WHOSE_TOKEN, /* field "token"; empty: the caller's */
	WHOSE_ACCESSOR
};
/* Counted. NULL: FAIL_NOT_FOUND, or what the store says. */
const struct token *find_token(struct call *c, enum whose whose,
    struct error *e) must_check;
/* The text by which it was named ("" by accessor): data.id, auth.client_token. */
json_t *named_text(struct call *c, enum whose whose);
/* Then 400 has been answered: there is no row of it. */
bool is_foreign(struct call *c, const struct token *t) must_check;
/* 400 "invalid accessor", 403 "bad token", or the store's failure. */
void answer_no_token(struct call *c, enum whose whose, const struct error *e);

/* ---- answers ---- */
/* c->auth of a new or renewed token; steals client_token. */
void answer_auth(struct call *c, const struct token *t, json_t *client_token,
    int64_t ttl_s);
json_t *time_or_null(int64_t t_s); /* RFC 3339, or null for 0 */
/* "Policy … does not exist". */
void warn_missing_policies(struct call *c, const struct token *t);

/* ---- a token on its way into the store ---- */
struct issue {
	struct token token;
	struct secret *text;
	unsigned tries;
};
void token_issue_free(void *state);
/* Fresh text (or the one given), key and accessor. */
void issue_name(struct issue *i, struct bytes text);
/* After call_secrets: the auth answer. */
void issue_answer(struct call *c);
bool has_sudo(const struct call *c);

/* ---- documents ---- */
/* A document from what the caller sent over the one that is there: fields that were not
 * given keep their value, or get their default. `names` (NULL ends): which. */
json_t *doc_merged(const struct call *c, const json_t *old,
    const char *const *names) must_check;
/* Names of all documents of that kind. */
json_t *doc_names(const struct call *c, const char *kind,
    const char *scope) must_check;
void lower_text(const char *in, char *out, size_t size);
/* After a change: 204, or why not. */
void changed(struct call *c);
void bad_name(struct call *c, const char *what);

call_fn token_create, token_create_orphan, token_create_role;
call_fn token_lookup, token_lookup_self, token_lookup_accessor;
call_fn token_renew, token_renew_self, token_renew_accessor;
call_fn token_revoke, token_revoke_self, token_revoke_accessor,
    token_revoke_orphan, token_accessors;
call_fn token_role_read, token_role_write, token_role_delete, token_role_list;
bool token_role_exists(struct call *c);
call_fn policy_list, policy_read, policy_write, policy_delete;
call_fn old_policy_list, old_policy_read, old_policy_write;
call_fn capabilities_self, capabilities_token, capabilities_accessor;
call_fn root_token;
call_fn resultant_acl, audit_list, audit_enable, audit_disable, audit_hash;
call_fn token_tidy;
call_fn peer_list, peer_read, peer_write, peer_delete;
