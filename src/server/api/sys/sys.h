/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Handlers of the system mount, by file; routes.c has the table. */
#include "../core/core.h"

/* status.c: unauthenticated */
call_fn sys_health, sys_seal_status, sys_leader, sys_init, sys_init_again;
/* mount.c: sys/mounts and sys/auth; tune.c */
call_fn sys_mounts_list, sys_mount_read, sys_mount_make, sys_mount_remove,
    sys_remount, sys_remount_status;
call_fn sys_auth_list, sys_auth_read, sys_auth_make, sys_auth_remove;
call_fn sys_tune_read, sys_tune_write, sys_auth_tune_read, sys_auth_tune_write;
/* ui.c */
call_fn sys_ui_mounts, sys_ui_mount, sys_openapi;
/* leases.c */
call_fn sys_lease_lookup, sys_lease_renew, sys_lease_revoke,
    sys_lease_revoke_prefix, sys_lease_tidy;
/* lease_list.c */
call_fn sys_lease_list, sys_lease_list_all, sys_lease_irrevocable,
    sys_lease_count;
/* observe.c */
call_fn sys_metrics, sys_host_info;
/* ../pki/publish_status.c */
call_fn sys_publish_status, sys_publish_now;

/* ---- mount_doc.c: a mount as a document and as the API shows it ---- */

/* What may be tuned: a row of one table. */
extern const struct field_spec mount_config_fields[];
/* "auth/approle" of "approle": where the document of an auth mount is. */
char *mount_doc_name(bool auth, const char *path) must_check;
/* Whether the name can be one; e tells what is wrong. */
bool mount_name_ok(const char *path, struct error *e) must_check;
/* A new document. */
json_t *mount_doc_new(const char *type, bool auth, const char *description,
    json_t *config, json_t *options) must_check;
/* TTLs and flags of `given` (raw JSON) put over `config`; NULL and e: refused. */
json_t *mount_config_merge(const json_t *config, const json_t *given,
    const struct service_config *cfg, struct error *e) must_check;
/* What its configuration says, beside lease times that are the system's. */
json_t *mount_config_shown(const struct mount *m) must_check;
/* The object that sys/mounts tells of it. */
json_t *mount_object(const struct mount *m) must_check;
/* {"pki/": object…}; auth: of auth mounts, without their prefix. `keep` may leave some
 * out. */
typedef bool mount_keep_fn(const struct call *c, const struct mount *m);
json_t *mount_objects(const struct call *c, bool auth,
    mount_keep_fn *keep) must_check;
