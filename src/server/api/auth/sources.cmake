# SPDX-License-Identifier: Apache-2.0
list(APPEND API_SOURCES auth/answer.c auth/approle_login.c
    auth/approle_role.c auth/approle_secret.c auth/capabilities.c auth/cert_lists.c auth/cert_login.c auth/cert_roles.c auth/charge.c
    auth/policies.c auth/root_token.c auth/routes_approle.c auth/routes_cert.c
    auth/routes_sys.c auth/routes_token.c auth/socket_peer.c auth/sys_self.c
    auth/token_create.c auth/token_find.c auth/token_lookup.c auth/token_params.c
    auth/token_renew.c
    auth/token_revoke.c auth/token_role.c auth/routes_userpass.c auth/userpass_login.c
    auth/userpass_users.c auth/wrapping.c)
