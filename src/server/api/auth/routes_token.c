/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of auth/token. */
#include "handlers.h"

#define F_CREATE                                                               \
	FIELD("policies", FT_LIST, NULL,                                       \
	    "Policies of the token; the parent's when there are none."),       \
	    FIELD("meta", FT_MAP, NULL, "Metadata: names and texts."),         \
	    FIELD("ttl", FT_DURATION, NULL, "Lifetime."),                      \
	    FIELD("lease", FT_DURATION, NULL, "Old name of ttl."),             \
	    FIELD("explicit_max_ttl", FT_DURATION, NULL,                       \
		"Lifetime that no renewal goes beyond."),                      \
	    FIELD("period", FT_DURATION, NULL,                                 \
		"Renewed within this time it lives for ever (sudo)."),         \
	    FIELD("no_parent", FT_BOOL, NULL,                                  \
		"Not revoked with the token that made it (sudo)."),            \
	    FIELD("no_default_policy", FT_BOOL, NULL,                          \
		"Without the policy default."),                                \
	    FIELD("display_name", FT_STRING, NULL,                             \
		"Name in logs, behind token-."),                               \
	    FIELD("num_uses", FT_INT, NULL,                                    \
		"How many requests it is good for; 0: any number."),           \
	    FIELD("renewable", FT_BOOL, "true", "May be renewed."),            \
	    FIELD("type", FT_STRING, NULL, "service; batch is refused."),      \
	    FIELD("id", FT_STRING, NULL, "The token's text itself (sudo)."),   \
	    FIELD("entity_alias", FT_STRING, NULL,                             \
		"Refused: there are no entities.")

static const struct field_spec create_fields[] = { F_CREATE, { .name = NULL } };
static const struct field_spec create_role_fields[] = {
	CAPTURE("role_name", "The role."), F_CREATE, { .name = NULL }
};
static const struct field_spec token_fields[] = {
	FIELD("token", FT_STRING, NULL, "The token."), { .name = NULL }
};
static const struct field_spec accessor_fields[] = {
	FIELD("accessor", FT_STRING, NULL, "The token's accessor."),
	{ .name = NULL }
};
#define F_INCREMENT                                                            \
	FIELD("increment", FT_DURATION, NULL,                                  \
	    "Lifetime from now on; 0: as at first.")
static const struct field_spec renew_fields[] = {
	FIELD("token", FT_STRING, NULL, "The token; the caller's when empty."),
	F_INCREMENT, { .name = NULL }
};
static const struct field_spec renew_self_fields[] = {
	FIELD("token", FT_STRING, NULL, "Ignored: it is the caller's."),
	F_INCREMENT, { .name = NULL }
};
static const struct field_spec renew_accessor_fields[] = {
	FIELD("accessor", FT_STRING, NULL, "The token's accessor."),
	F_INCREMENT, { .name = NULL }
};
static const struct field_spec role_fields[] = { CAPTURE("role_name",
						     "The role."),
	FIELD("allowed_policies", FT_LIST, NULL,
	    "What may be asked for; all of it when nothing is."),
	FIELD("disallowed_policies", FT_LIST, NULL, "What may not."),
	FIELD("allowed_policies_glob", FT_LIST, NULL, "The same with '*'."),
	FIELD("disallowed_policies_glob", FT_LIST, NULL, "The same with '*'."),
	FIELD("orphan", FT_BOOL, NULL, "Tokens have no parent."),
	FIELD("renewable", FT_BOOL, "true", "Tokens may be renewed."),
	FIELD("path_suffix", FT_STRING, NULL,
	    "Behind the path that tokens remember."),
	FIELD("allowed_entity_aliases", FT_LIST, NULL,
	    "Kept: there are no entities."),
	FIELD("token_bound_cidrs", FT_LIST, NULL,
	    "From where the tokens work: addresses and blocks."),
	FIELD("token_explicit_max_ttl", FT_DURATION, NULL,
	    "Lifetime that no renewal goes beyond."),
	FIELD("token_period", FT_DURATION, NULL, "Period of the tokens."),
	FIELD("token_no_default_policy", FT_BOOL, NULL,
	    "Without the policy default."),
	FIELD("token_num_uses", FT_INT, NULL,
	    "How many requests a token is for."),
	FIELD("token_type", FT_STRING, "default-service", "service."),
	FIELD("explicit_max_ttl", FT_DURATION, NULL,
	    "Old name of token_explicit_max_ttl."),
	FIELD("period", FT_DURATION, NULL, "Old name of token_period."),
	FIELD("bound_cidrs", FT_LIST, NULL, "Old name of token_bound_cidrs."),
	{ .name = NULL } };

static const struct route routes[] = {
	{ .pattern = "create",
	    .about = "Make a token below the caller's.",
	    .flags = 0,
	    .fields = create_fields,
	    .op = { [OP_WRITE] = token_create } },
	{ .pattern = "create-orphan",
	    .about = "Make a token without a parent.",
	    .flags = 0,
	    .fields = create_fields,
	    .op = { [OP_WRITE] = token_create_orphan } },
	{ .pattern = "create/:role_name",
	    .about = "Make a token as a role says.",
	    .flags = 0,
	    .fields = create_role_fields,
	    .op = { [OP_WRITE] = token_create_role } },
	{ .pattern = "lookup",
	    .about = "What a token is.",
	    .flags = 0,
	    .fields = token_fields,
	    .op = { [OP_READ] = token_lookup, [OP_WRITE] = token_lookup } },
	{ .pattern = "lookup-self",
	    .about = "What the caller's token is.",
	    .flags = 0,
	    .fields = token_fields,
	    .op = { [OP_READ] = token_lookup_self,
		[OP_WRITE] = token_lookup_self } },
	{ .pattern = "lookup-accessor",
	    .about = "What the token of an accessor is.",
	    .flags = 0,
	    .fields = accessor_fields,
	    .op = { [OP_WRITE] = token_lookup_accessor } },
	{ .pattern = "renew",
	    .about = "Let a token live longer.",
	    .flags = 0,
	    .fields = renew_fields,
	    .op = { [OP_WRITE] = token_renew } },
	{ .pattern = "renew-self",
	    .about = "Let the caller's token live longer.",
	    .flags = 0,
	    .fields = renew_self_fields,
	    .op = { [OP_WRITE] = token_renew_self } },
	{ .pattern = "renew-accessor",
	    .about = "Let the token of an accessor live longer.",
	    .flags = 0,
	    .fields = renew_accessor_fields,
	    .op = { [OP_WRITE] = token_renew_accessor } },
	{ .pattern = "revoke",
	    .about = "Revoke a token and all below it.",
	    .flags = 0,
	    .fields = token_fields,
	    .op = { [OP_WRITE] = token_revoke } },
	{ .pattern = "revoke-self",
	    .about = "Revoke the caller's token and all below it.",
	    .flags = 0,
	    .fields = NULL,
	    .op = { [OP_WRITE] = token_revoke_self } },
	{ .pattern = "revoke-accessor",
	    .about = "Revoke the token of an accessor and all below it.",
	    .flags = 0,
	    .fields = accessor_fields,
	    .op = { [OP_WRITE] = token_revoke_accessor } },
	{ .pattern = "revoke-orphan",
	    .about = "Revoke a token; those below it stay.",
	    .flags = ROUTE_SUDO,
	    .fields = token_fields,
	    .op = { [OP_WRITE] = token_revoke_orphan } },
	{ .pattern = "accessors",
	    .about = "The accessors of all tokens.",
	    .flags = ROUTE_SUDO,
	    .fields = NULL,
	    .op = { [OP_LIST] = token_accessors } },
	{ .pattern = "tidy",
	    .about = "Remove what has expired: 202.",
	    .flags = ROUTE_SUDO,
	    .fields = NULL,
	    .op = { [OP_WRITE] = token_tidy } },
	{ .pattern = "roles",
	    .about = "The names of the roles.",
	    .flags = 0,
	    .fields = NULL,
	    .op = { [OP_LIST] = token_role_list } },
	{ .pattern = "roles/:role_name",
	    .about = "A role for making tokens.",
	    .flags = 0,
	    .fields = role_fields,
	    .op = { [OP_READ] = token_role_read,
		[OP_WRITE] = token_role_write,
		[OP_DELETE] = token_role_delete },
	    .exists = token_role_exists },
	{ .pattern = NULL }
};

const struct backend auth_token_backend = {
	.type = "token",
	.about = "Tokens: made, looked up, renewed, revoked.",
	.routes = routes,
};
