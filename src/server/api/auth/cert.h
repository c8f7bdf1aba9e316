/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* auth/cert: rows of certs, crls, config and login; what they stand on is auth/cert.h. */
#include "../../auth/cert.h"
#include "token_params.h"

call_fn cert_role_read, cert_role_write, cert_role_delete, cert_role_list;
call_fn cert_crl_read_row, cert_crl_write_row, cert_crl_delete_row,
    cert_crl_list_row;
call_fn cert_config_read, cert_config_write;
call_fn cert_login;
bool cert_made(struct call *c, struct changes *ch, const char *path);
bool cert_removed(struct call *c, struct changes *ch, const char *path);

/* ---- whether the connection's certificate will do ---- */
struct cert_asked {
	const char *mount; /* path */
	const char *role;  /* lower case; "": any */
};
/* The connection's; NULL: none, or e says what is wrong with it. */
struct client_cert *cert_shown(const struct call *c,
    struct error *e) must_check;
/* The first role whose it is, counted. NULL: e is the answer (FAIL_BAD_INPUT: 400). */
const struct doc *cert_match(const struct call *c, const struct cert_asked *a,
    const struct client_cert *shown, struct error *e) must_check;
/* A token of a login is renewed over a connection with its certificate (unless the mount's
 * disable_binding). FAIL_BAD_INPUT. */
bool cert_renewable(const struct call *c, const struct token *t,
    const char *mount, struct error *e) must_check;
