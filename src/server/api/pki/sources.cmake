# SPDX-License-Identifier: Apache-2.0
list(APPEND API_SOURCES
    pki/acme.c pki/answer.c pki/cached.c pki/ca_revoke.c pki/ca_fields.c pki/ca_import.c pki/ca_key.c pki/ca_register.c pki/ca_root.c pki/ca_sub.c
    pki/cert_info.c pki/certs.c pki/config.c pki/crl.c pki/crl_times.c pki/find.c pki/issue.c pki/issuers.c pki/keeper.c
    pki/keys.c pki/kinds.c pki/lease.c pki/leaser.c pki/pool.c pki/process.c pki/raw.c pki/revoke.c pki/revoke_find.c pki/roles.c pki/rotate.c
    pki/routes.c pki/routes_ca.c pki/routes_cert.c pki/routes_config.c
    pki/routes_leaf.c pki/self_issued.c pki/sign.c pki/tidier.c pki/tidy.c pki/tidy_args.c pki/tidy_page.c pki/way.c)
list(APPEND API_USES server_pki server_catchup)
