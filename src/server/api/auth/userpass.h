/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * auth/userpass. A user is a document of the mount ("userpass-user", by the name in lower
 * case) with the token_* fields; the password's hash is a row of the store alone.
 */
#include "../../auth/password.h"
#include "token_params.h"

#define USERPASS_KIND "userpass-user"

/* Field username in lower case; false: it has answered. */
bool userpass_name(struct call *c, char out[256]) must_check;
/* Counted; NULL. */
const struct doc *userpass_user(const struct call *c,
    const char *name) must_check;
/* "auth/userpass/login/name": the path of the user's tokens, and their scope. */
char *userpass_path(const char *mount, const char *name) must_check;
/* Field password into locked memory; NULL: there is none, or it has answered. */
struct secret *userpass_password(struct call *c) must_check;

bool userpass_exists(struct call *c);
call_fn userpass_read, userpass_write, userpass_delete, userpass_list;
call_fn userpass_password_write, userpass_policies_write;
call_fn userpass_login, userpass_unlock;
bool userpass_removed(struct call *c, struct changes *ch, const char *path);
