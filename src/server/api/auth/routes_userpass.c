/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of auth/userpass. */
#include "userpass.h"

#define USERNAME CAPTURE("username", "The user; lower case.")
#define HASH_FIELD                                                             \
	FIELD("password_hash", FT_STRING, NULL,                                \
	    "Refused: hashes made elsewhere are not taken.")

static const struct field_spec user_fields[] = { USERNAME,
	FIELD("password", FT_STRING, NULL,
	    "The password; a new user needs one."),
	HASH_FIELD, TOKEN_PARAM_FIELDS, { .name = NULL } };
static const struct field_spec password_fields[] = { USERNAME,
	FIELD("password", FT_STRING, NULL, "The new password."), HASH_FIELD,
	{ .name = NULL } };
static const struct field_spec policies_fields[] = { USERNAME,
	FIELD("token_policies", FT_LIST, NULL, "Policies of the tokens."),
	FIELD("policies", FT_LIST, NULL, "Old name of token_policies."),
	{ .name = NULL } };
static const struct field_spec login_fields[] = { USERNAME,
	FIELD("password", FT_STRING, NULL, "The password."), { .name = NULL } };

static const struct route routes[] = { { .pattern = "users",
					   .about = "The names of the users.",
					   .op = { [OP_LIST] =
						       userpass_list } },
	{ .pattern = "users/:username",
	    .about = "A user, and what a login gives.",
	    .fields = user_fields,
	    .op = { [OP_READ] = userpass_read,
		[OP_WRITE] = userpass_write,
		[OP_DELETE] = userpass_delete },
	    .exists = userpass_exists },
	{ .pattern = "users/:username/password",
	    .about = "Set the password.",
	    .fields = password_fields,
	    .op = { [OP_WRITE] = userpass_password_write } },
	{ .pattern = "users/:username/policies",
	    .about = "Set the policies.",
	    .fields = policies_fields,
	    .op = { [OP_WRITE] = userpass_policies_write } },
	{ .pattern = "login/:username",
	    .about = "Log in with a password.",
	    .flags = ROUTE_UNAUTH,
	    .fields = login_fields,
	    .op = { [OP_WRITE] = userpass_login } },
	{ .pattern = NULL } };

static const char *const doc_kinds[] = { USERPASS_KIND, NULL };

const struct backend auth_userpass_backend = {
	.type = "userpass",
	.about = "Users and passwords: people log in.",
	.routes = routes,
	.mount_auth = true,
	.doc_kinds = doc_kinds,
	.removed = userpass_removed,
};
