/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of an AppRole mount. */
#include "approle.h"

#define F_ROLE CAPTURE("role_name", "The role; lower case.")
#define F_END                                                                  \
	{                                                                      \
		.name = NULL                                                   \
	}
#define F_TEXT FIELD("secret_id", FT_STRING, NULL, "The secret-id.")
#define F_ACCESSOR                                                             \
	FIELD("secret_id_accessor", FT_STRING, NULL,                           \
	    "The secret-id's accessor.")
#define F_MAKE                                                                 \
	FIELD("metadata", FT_STRING, NULL,                                     \
	    "JSON object of texts; goes to the tokens."),                      \
	    FIELD("cidr_list", FT_LIST, NULL,                                  \
		"From where it may log in: addresses and blocks."),            \
	    FIELD("token_bound_cidrs", FT_LIST, NULL,                          \
		"From where its tokens work."),                                \
	    FIELD("num_uses", FT_INT, NULL, "How many logins; the role's."),   \
	    FIELD("ttl", FT_DURATION, NULL, "Lifetime; the role's.")

static const struct field_spec role_fields[] = { F_ROLE,
	FIELD("role_id", FT_STRING, NULL, "The role-id; made by the server."),
	FIELD("bind_secret_id", FT_BOOL, "true", "A login needs a secret-id."),
	FIELD("secret_id_bound_cidrs", FT_LIST, NULL,
	    "From where logins may come: addresses and blocks."),
	FIELD("secret_id_num_uses", FT_INT, NULL,
	    "Logins with one secret-id; 0: any number."),
	FIELD("secret_id_ttl", FT_DURATION, NULL,
	    "Lifetime of secret-ids; 0: for ever."),
	FIELD("local_secret_ids", FT_BOOL, NULL,
	    "Kept: there are no other clusters."),
	FIELD("token_ttl", FT_DURATION, NULL, "Lifetime of the tokens."),
	FIELD("token_max_ttl", FT_DURATION, NULL,
	    "Lifetime that renewals do not go beyond."),
	FIELD("token_policies", FT_LIST, NULL, "Policies of the tokens."),
	FIELD("token_period", FT_DURATION, NULL, "Period of the tokens."),
	FIELD("token_explicit_max_ttl", FT_DURATION, NULL,
	    "Lifetime that nothing goes beyond."),
	FIELD("token_bound_cidrs", FT_LIST, NULL,
	    "From where the tokens work: addresses and blocks."),
	FIELD("token_no_default_policy", FT_BOOL, NULL,
	    "Without the policy default."),
	FIELD("token_num_uses", FT_INT, NULL,
	    "How many requests a token is for; 0: any number."),
	FIELD("token_type", FT_STRING, "default", "service."),
	FIELD("policies", FT_LIST, NULL, "Old name of token_policies."),
	FIELD("period", FT_DURATION, NULL, "Old name of token_period."),
	FIELD("bound_cidr_list", FT_LIST, NULL,
	    "Old name of secret_id_bound_cidrs."),
	F_END };
static const struct field_spec role_id_fields[] = { F_ROLE,
	FIELD("role_id", FT_STRING, NULL, "The role-id."), F_END };
static const struct field_spec make_fields[] = { F_ROLE, F_MAKE, F_END };
static const struct field_spec custom_fields[] = { F_ROLE, F_TEXT, F_MAKE,
	F_END };
static const struct field_spec text_fields[] = { F_ROLE, F_TEXT, F_END };
static const struct field_spec accessor_fields[] = { F_ROLE, F_ACCESSOR,
	F_END };
static const struct field_spec login_fields[] = {
	FIELD("role_id", FT_STRING, NULL, "The role-id."), F_TEXT, F_END
};

/* A row for one attribute of a role, with the field that the whole role has. */
#define ATTRIBUTE(name, field, type, dflt)                                     \
	static const struct field_spec name[] = { F_ROLE,                      \
		FIELD(field, type, dflt, "The value."), F_END }
ATTRIBUTE(attr_policies, "token_policies", FT_LIST, NULL);
ATTRIBUTE(attr_bind, "bind_secret_id", FT_BOOL, "true");
ATTRIBUTE(attr_sid_cidrs, "secret_id_bound_cidrs", FT_LIST, NULL);
ATTRIBUTE(attr_sid_uses, "secret_id_num_uses", FT_INT, NULL);
ATTRIBUTE(attr_sid_ttl, "secret_id_ttl", FT_DURATION, NULL);
ATTRIBUTE(attr_ttl, "token_ttl", FT_DURATION, NULL);
ATTRIBUTE(attr_max_ttl, "token_max_ttl", FT_DURATION, NULL);
ATTRIBUTE(attr_uses, "token_num_uses", FT_INT, NULL);
ATTRIBUTE(attr_cidrs, "token_bound_cidrs", FT_LIST, NULL);
ATTRIBUTE(attr_period, "token_period", FT_DURATION, NULL);

#define ATTRIBUTE_ROW(tail, specs)                                             \
	{                                                                      \
		.pattern = "role/:role_name/" tail,                            \
		.about = "One attribute of a role.", .fields = (specs),        \
		.op = { [OP_READ] = approle_attr_read,                         \
			[OP_WRITE] = approle_attr_write,                       \
			[OP_DELETE] = approle_attr_delete }                    \
	}

static const struct route routes[] = { { .pattern = "role",
					   .about = "The names of the roles.",
					   .op = { [OP_LIST] = approle_list } },
	{ .pattern = "role/:role_name",
	    .about = "A role: who logs in with it gets these tokens.",
	    .fields = role_fields,
	    .op = { [OP_READ] = approle_read,
		[OP_WRITE] = approle_write,
		[OP_DELETE] = approle_delete },
	    .exists = approle_exists },
	{ .pattern = "role/:role_name/role-id",
	    .about = "The role-id.",
	    .fields = role_id_fields,
	    .op = { [OP_READ] = approle_id_read,
		[OP_WRITE] = approle_id_write } },
	{ .pattern = "role/:role_name/secret-id",
	    .about = "Make a secret-id; list their accessors.",
	    .fields = make_fields,
	    .op = { [OP_WRITE] = secret_id_generate,
		[OP_LIST] = secret_id_list } },
	{ .pattern = "role/:role_name/custom-secret-id",
	    .about = "Set a secret-id of one's own.",
	    .fields = custom_fields,
	    .op = { [OP_WRITE] = secret_id_custom } },
	{ .pattern = "role/:role_name/secret-id/lookup",
	    .about = "What a secret-id is.",
	    .fields = text_fields,
	    .op = { [OP_WRITE] = secret_id_lookup } },
	{ .pattern = "role/:role_name/secret-id/destroy",
	    .about = "Destroy a secret-id.",
	    .fields = text_fields,
	    .op = { [OP_WRITE] = secret_id_destroy,
		[OP_DELETE] = secret_id_destroy } },
	{ .pattern = "role/:role_name/secret-id-accessor/lookup",
	    .about = "What the secret-id of an accessor is.",
	    .fields = accessor_fields,
	    .op = { [OP_WRITE] = secret_id_accessor_lookup } },
	{ .pattern = "role/:role_name/secret-id-accessor/destroy",
	    .about = "Destroy the secret-id of an accessor.",
	    .fields = accessor_fields,
	    .op = { [OP_WRITE] = secret_id_accessor_destroy,
		[OP_DELETE] = secret_id_accessor_destroy } },
	ATTRIBUTE_ROW("policies", attr_policies),
	ATTRIBUTE_ROW("bind-secret-id", attr_bind),
	ATTRIBUTE_ROW("secret-id-bound-cidrs", attr_sid_cidrs),
	ATTRIBUTE_ROW("bound-cidr-list", attr_sid_cidrs),
	ATTRIBUTE_ROW("secret-id-num-uses", attr_sid_uses),
	ATTRIBUTE_ROW("secret-id-ttl", attr_sid_ttl),
	ATTRIBUTE_ROW("token-ttl", attr_ttl),
	ATTRIBUTE_ROW("token-max-ttl", attr_max_ttl),
	ATTRIBUTE_ROW("token-num-uses", attr_uses),
	ATTRIBUTE_ROW("token-bound-cidrs", attr_cidrs),
	ATTRIBUTE_ROW("period", attr_period),
	{ .pattern = "tidy/secret-id",
	    .about = "Remove what has expired.",
	    .op = { [OP_WRITE] = approle_tidy } },
	{ .pattern = "login",
	    .about = "Log in with a role-id and a secret-id.",
	    .flags = ROUTE_UNAUTH,
	    .fields = login_fields,
	    .op = { [OP_WRITE] = approle_login } },
	{ .pattern = NULL } };

static const char *const doc_kinds[] = { ROLE_KIND, ROLE_ID_KIND, NULL };

const struct backend auth_approle_backend = {
	.type = "approle",
	.about = "AppRole: machines log in with a role-id and a secret-id.",
	.routes = routes,
	.mount_auth = true,
	.doc_kinds = doc_kinds,
	.removed = approle_removed,
};
