/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The token_* fields that roles and users of login methods have alike, with the names that
 * they had before Vault 1.2. */
#include "handlers.h"

#define TOKEN_PARAM_FIELDS                                                     \
	FIELD("token_policies", FT_LIST, NULL, "Policies of the tokens."),     \
	    FIELD("token_ttl", FT_DURATION, NULL, "Lifetime of the tokens."),  \
	    FIELD("token_max_ttl", FT_DURATION, NULL,                          \
		"Lifetime that renewals do not go beyond."),                   \
	    FIELD("token_explicit_max_ttl", FT_DURATION, NULL,                 \
		"The same, fixed in the token."),                              \
	    FIELD("token_period", FT_DURATION, NULL,                           \
		"Renewed within this time a token lives for ever."),           \
	    FIELD("token_num_uses", FT_INT, NULL,                              \
		"How many requests a token is for; 0: any number."),           \
	    FIELD("token_bound_cidrs", FT_LIST, NULL,                          \
		"From where one may log in, and the tokens work."),            \
	    FIELD("token_no_default_policy", FT_BOOL, NULL,                    \
		"Without the policy default."),                                \
	    FIELD("token_strictly_bind_ip", FT_BOOL, NULL,                     \
		"A token works from the address of its login only."),          \
	    FIELD("token_type", FT_STRING, "default",                          \
		"default, service or default-service."),                       \
	    FIELD("policies", FT_LIST, NULL, "Old name of token_policies."),   \
	    FIELD("ttl", FT_DURATION, NULL, "Old name of token_ttl."),         \
	    FIELD("lease", FT_DURATION, NULL, "Older name of token_ttl."),     \
	    FIELD("max_ttl", FT_DURATION, NULL, "Old name of token_max_ttl."), \
	    FIELD("period", FT_DURATION, NULL, "Old name of token_period."),   \
	    FIELD("bound_cidrs", FT_LIST, NULL,                                \
		"Old name of token_bound_cidrs.")

/* What was given of them over what `doc` has. */
void token_params_merge(const struct call *c, json_t *doc);
/* FAIL_BAD_INPUT. */
bool token_params_check(const json_t *doc, struct error *e) must_check;

/* ---- a login that has been let through ---- */
struct login {
	const json_t *role; /* the token_* fields */
	const char *name;   /* behind the mount in display names; "" none */
	const char *path;   /* of the token: "auth/cert/login" */
	json_t *meta;       /* borrowed */
};
/* Token made, written and answered; 403 from addresses that the role does not want. Sets
 * c->state. */
void login_finish(struct call *c, const struct login *l);
/* "cert-web" of the call's mount auth/cert and "web"; name "": the mount alone. */
char *login_display_name(const struct call *c, const char *name) must_check;
/* A token's policies are those of the role as it is now. */
bool login_policies_same(const struct token *t, const json_t *role) must_check;
