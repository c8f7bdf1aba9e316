/* SPDX-License-Identifier: Apache-2.0 */
/* Our rows of the system mount. */
#include "userpass.h"
#include "wrapping.h"

static const struct field_spec policy_fields[] = {
	CAPTURE("name", "The policy; lower case."),
	FIELD("policy", FT_STRING, NULL,
	    "Its text: HCL or JSON, or base64 of it."),
	{ .name = NULL }
};
static const struct field_spec old_policy_fields[] = {
	CAPTURE("name", "The policy; lower case."),
	FIELD("policy", FT_STRING, NULL,
	    "Its text: HCL or JSON, or base64 of it."),
	FIELD("rules", FT_STRING, NULL, "Old name of policy."), { .name = NULL }
};
static const struct field_spec self_fields[] = { FIELD("paths", FT_LIST, NULL,
						     "The paths."),
	FIELD("path", FT_LIST, NULL, "Old name of paths."), { .name = NULL } };
static const struct field_spec token_fields[] = {
	FIELD("token", FT_STRING, NULL, "Whose capabilities."),
	FIELD("paths", FT_LIST, NULL, "The paths."),
	FIELD("path", FT_LIST, NULL, "Old name of paths."), { .name = NULL }
};
static const struct field_spec accessor_fields[] = {
	FIELD("accessor", FT_STRING, NULL, "Of whose token."),
	FIELD("paths", FT_LIST, NULL, "The paths."),
	FIELD("path", FT_LIST, NULL, "Old name of paths."), { .name = NULL }
};

static const struct field_spec peer_fields[] = {
	CAPTURE("uid", "User of the operating system, a number."),
	FIELD("policies", FT_LIST, NULL, "What they may over the unix socket."),
	{ .name = NULL }
};
static const struct field_spec wrapping_fields[] = {
	FIELD("token", FT_STRING, NULL,
	    "The wrapping token; the caller's own when empty."),
	{ .name = NULL }
};

static const struct field_spec unlock_fields[] = {
	CAPTURE("mount_accessor", "Accessor of the mount."),
	CAPTURE("alias_identifier", "The user."), { .name = NULL }
};

static const struct field_spec audit_fields[] = {
	CAPTURE("path", "Path of the audit device."), { .name = NULL }
};

const struct route auth_sys_routes[] = {
	{ .pattern = "policies/acl",
	    .about = "The names of the policies.",
	    .flags = 0,
	    .fields = NULL,
	    .op = { [OP_LIST] = policy_list } },
	{ .pattern = "policies/acl/*name",
	    .about = "A policy: what may be done on which path.",
	    .flags = 0,
	    .fields = policy_fields,
	    .op = { [OP_READ] = policy_read,
		[OP_WRITE] = policy_write,
		[OP_DELETE] = policy_delete } },
	{ .pattern = "policy",
	    .about = "The names of the policies, in the older form.",
	    .flags = 0,
	    .fields = NULL,
	    .op = { [OP_LIST] = old_policy_list,
		[OP_READ] = old_policy_list } },
	{ .pattern = "policy/*name",
	    .about = "A policy, in the older form.",
	    .flags = 0,
	    .fields = old_policy_fields,
	    .op = { [OP_READ] = old_policy_read,
		[OP_WRITE] = old_policy_write,
		[OP_DELETE] = policy_delete } },
	{ .pattern = "capabilities",
	    .about = "What a token may do on paths.",
	    .flags = 0,
	    .fields = token_fields,
	    .op = { [OP_WRITE] = capabilities_token } },
	{ .pattern = "capabilities-self",
	    .about = "What the caller may do on paths.",
	    .flags = 0,
	    .fields = self_fields,
	    .op = { [OP_WRITE] = capabilities_self } },
	{ .pattern = "capabilities-accessor",
	    .about = "What the token of an accessor may do on paths.",
	    .flags = 0,
	    .fields = accessor_fields,
	    .op = { [OP_WRITE] = capabilities_accessor } },
	{ .pattern = "internal/chancery/root-token",
	    .about = "A root token, for the owner of the unix socket.",
	    .flags = ROUTE_UNAUTH,
	    .fields = NULL,
	    .op = { [OP_WRITE] = root_token } },
	/* Who writes here hands out whatever he names. */
	{ .pattern = "internal/chancery/socket-peers",
	    .about = "Users who may do something over the unix socket.",
	    .flags = ROUTE_SUDO,
	    .op = { [OP_LIST] = peer_list } },
	{ .pattern = "internal/chancery/socket-peers/:uid",
	    .about = "The policies of a user of the unix socket.",
	    .flags = ROUTE_SUDO,
	    .fields = peer_fields,
	    .op = { [OP_READ] = peer_read,
		[OP_WRITE] = peer_write,
		[OP_DELETE] = peer_delete } },
	{ .pattern = "internal/ui/resultant-acl",
	    .about = "All that the caller's token may.",
	    .op = { [OP_READ] = resultant_acl } },
	{ .pattern = "audit",
	    .about = "Audit devices: the register.",
	    .flags = ROUTE_SUDO,
	    .op = { [OP_READ] = audit_list } },
	{ .pattern = "audit/*path",
	    .about = "Refused: the register is always on.",
	    .flags = ROUTE_SUDO,
	    .fields = audit_fields,
	    .op = { [OP_WRITE] = audit_enable, [OP_DELETE] = audit_disable } },
	{ .pattern = "audit-hash/*path",
	    .about = "Refused: no secret is written, not as an HMAC either.",
	    .fields = audit_fields,
	    .op = { [OP_WRITE] = audit_hash } },
	{ .pattern = "locked-users/:mount_accessor/unlock/:alias_identifier",
	    .about = "Let a user log in again who was wrong too often.",
	    .flags = ROUTE_SUDO,
	    .fields = unlock_fields,
	    .op = { [OP_WRITE] = userpass_unlock } },
	{ .pattern = "wrapping/wrap",
	    .about = "The body of the request, wrapped.",
	    .flags = ROUTE_RAW,
	    .op = { [OP_WRITE] = wrapping_wrap } },
	/* Who has the wrapping token may: it stands for itself. */
	{ .pattern = "wrapping/lookup",
	    .about = "When and where an answer was wrapped.",
	    .flags = ROUTE_UNAUTH,
	    .fields = wrapping_fields,
	    .op = { [OP_READ] = wrapping_lookup,
		[OP_WRITE] = wrapping_lookup } },
	{ .pattern = "wrapping/unwrap",
	    .about = "The wrapped answer, once.",
	    .flags = ROUTE_UNAUTH,
	    .fields = wrapping_fields,
	    .op = { [OP_WRITE] = wrapping_unwrap } },
	{ .pattern = "wrapping/rewrap",
	    .about = "The wrapped answer under a new token.",
	    .flags = ROUTE_UNAUTH,
	    .fields = wrapping_fields,
	    .op = { [OP_WRITE] = wrapping_rewrap } },
	{ .pattern = NULL }
};
