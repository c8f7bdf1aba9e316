/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AppRole. Documents of a mount (scope: its path): "approle-role" by the role's name in
 * lower case, and "approle-role-id" by the hash of the role-id, which names the role.
 */
#include "../../auth/secret_id.h"
#include "handlers.h"

#define ROLE_KIND "approle-role"
#define ROLE_ID_KIND "approle-role-id"

/* Field role_name in lower case. */
void approle_name(const struct call *c, char out[256]);
/* The role's document, counted; NULL. */
const struct doc *approle_role(const struct call *c) must_check;
/* The same; without one it has answered 404. */
const struct doc *approle_need(struct call *c) must_check;
/* Name of the document of a role-id. */
void approle_id_name(const char *role_id, char out[2 * SHA256_LEN + 1]);

bool approle_exists(struct call *c);
call_fn approle_read, approle_write, approle_delete, approle_list;
call_fn approle_id_read, approle_id_write;
call_fn approle_attr_read, approle_attr_write, approle_attr_delete;
call_fn secret_id_generate, secret_id_custom, secret_id_list;
call_fn secret_id_lookup, secret_id_destroy;
call_fn secret_id_accessor_lookup, secret_id_accessor_destroy;
call_fn approle_login, approle_tidy;
bool approle_removed(struct call *c, struct changes *ch, const char *path);
