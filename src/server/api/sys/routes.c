/* SPDX-License-Identifier: Apache-2.0 */
#include "sys.h"

static const struct field_spec path_field[] = {
	{ "path", FT_STRING, NULL, "Path of the mount.", true, false },
	{ 0 },
};

#define QUERY_CODE(name, about)                                                \
	{                                                                      \
		name, FT_INT, NULL, about, false, true                         \
	}
static const struct field_spec health_fields[] = {
	{ "standbyok", FT_STRING, NULL, "Taken; there are no standbys.", false,
	    true },
	{ "perfstandbyok", FT_STRING, NULL, "Taken; there are no standbys.",
	    false, true },
	QUERY_CODE("activecode", "Status when active; 200."),
	QUERY_CODE("standbycode", "Taken; there are no standbys."),
	QUERY_CODE("sealedcode", "Status while the HSM is not logged in; 503."),
	QUERY_CODE("uninitcode", "Status when not initialised; 501."),
	QUERY_CODE("drsecondarycode", "Taken; there is no replication."),
	QUERY_CODE("performancestandbycode", "Taken; there are no standbys."),
	{ 0 },
};

static const struct field_spec make_fields[] = {
	{ "path", FT_STRING, NULL, "Path of the mount.", true, false },
	{ "type", FT_STRING, NULL, "What to mount, such as pki.", false,
	    false },
	{ "plugin_name", FT_STRING, NULL, "Older name of type.", false, false },
	{ "plugin_version", FT_STRING, NULL, "Must be empty.", false, false },
	{ "description", FT_STRING, NULL, "For people.", false, false },
	{ "config", FT_JSON, NULL, "What tune takes, as an object.", false,
	    false },
	{ "options", FT_MAP, NULL, "Kept and shown.", false, false },
	{ "local", FT_BOOL, NULL, "Kept and shown; there is no replication.",
	    false, false },
	{ "seal_wrap", FT_BOOL, NULL, "Taken; nothing is sealed here.", false,
	    false },
	{ "external_entropy_access", FT_BOOL, NULL,
	    "Taken; randomness comes from the system and the token.", false,
	    false },
	{ 0 },
};

static const struct field_spec remount_fields[] = {
	{ "from", FT_STRING, NULL, "Path of the mount.", false, false },
	{ "to", FT_STRING, NULL, "Its new path.", false, false },
	{ 0 },
};

static const struct field_spec remount_status_fields[] = {
	{ "migration_id", FT_STRING, NULL, "Of a move.", true, false },
	{ 0 },
};

#define LEASE_FIELDS                                                           \
	{ "lease_id", FT_STRING, NULL, "The lease.", false, false },           \
	    { "increment", FT_DURATION, NULL, "How much longer.", false,       \
		    false },                                                   \
	{                                                                      \
		"sync", FT_BOOL, NULL, "Wait for it.", false, false            \
	}
static const struct field_spec lease_fields[] = { LEASE_FIELDS, { 0 } };
static const struct field_spec lease_url_fields[] = { LEASE_FIELDS,
	{ "url_lease_id", FT_STRING, NULL, "The same.", true, false }, { 0 } };
static const struct field_spec prefix_field[] = {
	{ "prefix", FT_STRING, NULL, "First part of lease ids.", true, false },
	{ "sync", FT_BOOL, NULL, "Wait for it.", false, false },
	{ 0 },
};
static const struct field_spec lease_type_fields[] = {
	{ "type", FT_STRING, NULL, "irrevocable.", false, true },
	{ "limit", FT_STRING, NULL, "Taken.", false, true },
	{ "include_child_namespaces", FT_BOOL, NULL, "Taken.", false, true },
	{ 0 },
};

static const struct field_spec metrics_fields[] = {
	{ "format", FT_STRING, NULL, "prometheus, or empty: the same.", false,
	    true },
	{ 0 },
};

static const struct route sys_routes[] = {
	{ "health", "Whether this server can serve: the status tells.",
	    ROUTE_UNAUTH | ROUTE_SPARE, health_fields,
	    { [OP_READ] = sys_health }, NULL },
	{ "seal-status", "Sealed means: the HSM is not logged in.",
	    ROUTE_UNAUTH | ROUTE_SPARE, NULL, { [OP_READ] = sys_seal_status },
	    NULL },
	{ "leader", "This server, which is the only one.", ROUTE_UNAUTH, NULL,
	    { [OP_READ] = sys_leader }, NULL },
	{ "init", "Whether it is initialised: `chancery init` did it.",
	    ROUTE_UNAUTH, NULL,
	    { [OP_READ] = sys_init, [OP_WRITE] = sys_init_again }, NULL },
	{ "mounts", "All mounts but those for logging in.", 0, NULL,
	    { [OP_READ] = sys_mounts_list }, NULL },
	{ "mounts/*path",
	    "Read, make or remove a mount. Its keys stay in the "
	    "HSM.",
	    0, make_fields,
	    { [OP_READ] = sys_mount_read,
		[OP_WRITE] = sys_mount_make,
		[OP_DELETE] = sys_mount_remove },
	    NULL },
	{ "mounts/*path/tune", "Lease times and description of a mount.", 0,
	    mount_config_fields,
	    { [OP_READ] = sys_tune_read, [OP_WRITE] = sys_tune_write }, NULL },
	{ "auth", "All mounts for logging in.", 0, NULL,
	    { [OP_READ] = sys_auth_list }, NULL },
	{ "auth/*path", "Read, make or remove a mount for logging in.",
	    ROUTE_SUDO, make_fields,
	    { [OP_READ] = sys_auth_read,
		[OP_WRITE] = sys_auth_make,
		[OP_DELETE] = sys_auth_remove },
	    NULL },
	{ "auth/*path/tune", "Lease times and description of such a mount.",
	    ROUTE_SUDO, mount_config_fields,
	    { [OP_READ] = sys_auth_tune_read,
		[OP_WRITE] = sys_auth_tune_write },
	    NULL },
	{ "remount",
	    "Refused: records name certificates by their mount's "
	    "path.",
	    ROUTE_SUDO, remount_fields, { [OP_WRITE] = sys_remount }, NULL },
	{ "remount/status/:migration_id", "No mount is ever on its way: 404.",
	    0, remount_status_fields, { [OP_READ] = sys_remount_status },
	    NULL },
	{ "internal/ui/mounts",
	    "Mounts below which the token may do anything; "
	    "without a token those that show themselves.",
	    ROUTE_UNAUTH, NULL, { [OP_READ] = sys_ui_mounts }, NULL },
	{ "internal/ui/mounts/*path", "The mount of a path.", ROUTE_ANY_TOKEN,
	    path_field, { [OP_READ] = sys_ui_mount }, NULL },
	{ "internal/specs/openapi", "This API as OpenAPI 3, by mount.",
	    ROUTE_ANY_TOKEN, NULL, { [OP_READ] = sys_openapi }, NULL },
	{ "leases", "Leases that cannot be ended: none.", 0, lease_type_fields,
	    { [OP_READ] = sys_lease_irrevocable }, NULL },
	{ "leases/count", "How many those are.", 0, lease_type_fields,
	    { [OP_READ] = sys_lease_count }, NULL },
	{ "leases/lookup",
	    "A lease. LIST: the first parts of all ids; needs `sudo` too.", 0,
	    lease_fields,
	    { [OP_WRITE] = sys_lease_lookup, [OP_LIST] = sys_lease_list_all },
	    NULL },
	{ "leases/lookup/*prefix", "The next parts of ids below a path.",
	    ROUTE_SUDO, prefix_field, { [OP_LIST] = sys_lease_list }, NULL },
	{ "leases/renew", "400: leases of certificates are not renewable.", 0,
	    lease_fields, { [OP_WRITE] = sys_lease_renew }, NULL },
	{ "leases/renew/*url_lease_id", "The same.", 0, lease_url_fields,
	    { [OP_WRITE] = sys_lease_renew }, NULL },
	{ "renew", "Older path of leases/renew.", 0, lease_fields,
	    { [OP_WRITE] = sys_lease_renew }, NULL },
	{ "renew/*url_lease_id", "The same.", 0, lease_url_fields,
	    { [OP_WRITE] = sys_lease_renew }, NULL },
	{ "leases/revoke", "End a lease: its certificate is revoked.", 0,
	    lease_fields, { [OP_WRITE] = sys_lease_revoke }, NULL },
	{ "leases/revoke/*url_lease_id", "The same.", 0, lease_url_fields,
	    { [OP_WRITE] = sys_lease_revoke }, NULL },
	{ "revoke", "Older path of leases/revoke.", 0, lease_fields,
	    { [OP_WRITE] = sys_lease_revoke }, NULL },
	{ "revoke/*url_lease_id", "The same.", 0, lease_url_fields,
	    { [OP_WRITE] = sys_lease_revoke }, NULL },
	{ "leases/revoke-prefix/*prefix",
	    "End all leases below a path; of auth/… also the tokens that were "
	    "made there and end.",
	    ROUTE_SUDO, prefix_field, { [OP_WRITE] = sys_lease_revoke_prefix },
	    NULL },
	{ "leases/revoke-force/*prefix",
	    "leases/revoke-prefix: what could not be revoked stays due.",
	    ROUTE_SUDO, prefix_field, { [OP_WRITE] = sys_lease_revoke_prefix },
	    NULL },
	{ "leases/tidy", "Leases are kept tidy all the time.", 0, NULL,
	    { [OP_WRITE] = sys_lease_tidy }, NULL },
	{ "metrics",
	    "Counters as Prometheus text. With `plain_metrics` also on the "
	    "listener "
	    "without TLS, without a token.",
	    ROUTE_METRICS | ROUTE_SPARE, metrics_fields,
	    { [OP_READ] = sys_metrics }, NULL },
	{ "internal/chancery/publish",
	    "What is published where, and whether readers have it; a write has "
	    "all of it looked at again.",
	    ROUTE_SUDO, NULL,
	    { [OP_READ] = sys_publish_status, [OP_WRITE] = sys_publish_now },
	    NULL },
	{ "host-info", "Name, system, processors and memory of this machine.",
	    0, NULL, { [OP_READ] = sys_host_info }, NULL },
	{ 0 },
};

static const struct route *const more[] = { auth_sys_routes, NULL };

const struct backend sys_backend = {
	.type = "system",
	.about = "The service itself: health, mounts, policies.",
	.routes = sys_routes,
	.more_routes = more,
};
