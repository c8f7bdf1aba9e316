# SPDX-License-Identifier: Apache-2.0
"""Every path with every verb, with a token and without one: what is there and what is not."""
from authorities import MERGE

PKI = (
    "root/generate/internal", "root/rotate/internal", "root/replace", "root/sign-intermediate",
    "root/sign-self-issued", "intermediate/generate/internal", "intermediate/cross-sign",
    "intermediate/set-signed", "issuers/generate/root/internal",
    "issuers/generate/intermediate/internal", "issuers/import/cert", "issuers/import/bundle",
    "config/ca", "issue/r", "sign/r", "sign-verbatim", "sign-verbatim/r", "issuers",
    "issuer/none", "issuer/none/json", "issuer/none/pem", "issuer/none/der", "issuer/none/crl",
    "issuer/none/crl/pem", "issuer/none/crl/der", "issuer/none/crl/delta", "issuer/none/revoke",
    "issuer/none/issue/r", "issuer/none/sign/r", "issuer/none/sign-verbatim",
    "issuer/none/sign-verbatim/r", "issuer/none/sign-intermediate",
    "issuer/none/sign-self-issued", "issuer/none/resign-crls",
    "issuer/none/sign-revocation-list", "keys", "key/none", "keys/generate/internal",
    "keys/import", "config/issuers", "config/keys", "config/urls", "config/crl",
    "config/cluster", "config/acme", "config/auto-tidy", "roles", "roles/r", "roles/other",
    "certs", "certs/revoked", "certs/detailed", "cert/11:22", "cert/11:22/raw",
    "cert/11:22/raw/pem", "cert/ca", "cert/ca_chain", "cert/crl", "cert/delta-crl", "ca",
    "ca/pem", "ca_chain", "crl", "crl/pem", "crl/delta", "crl/delta/pem", "crl/rotate",
    "crl/rotate-delta", "revoke", "revoke-with-key", "tidy", "tidy-cancel", "tidy-status", "ocsp",
    "ocsp/abc", "acme/directory", "acme/new-nonce", "acme/new-eab", "eab", "eab/x",
    "roles/r/acme/directory", "unified-crl", "unified-ocsp", "certs/revocation-queue",
    "certs/unified-revoked", "nothing", "roles/r/x", "issue", "sign", "issuer", "key", "cert",
    "config", "root", "",
)
SYSTEM = (
    "sys/health", "sys/seal-status", "sys/leader", "sys/init", "sys/mounts", "sys/mounts/none",
    "sys/mounts/none/tune", "sys/auth", "sys/auth/none", "sys/auth/none/tune", "sys/remount",
    "sys/remount/status/x", "sys/policy", "sys/policy/none", "sys/policies/acl",
    "sys/policies/acl/none", "sys/capabilities", "sys/capabilities-self",
    "sys/capabilities-accessor", "sys/leases", "sys/leases/lookup", "sys/leases/renew",
    "sys/leases/revoke", "sys/leases/lookup/x/", "sys/leases/revoke-prefix/none",
    "sys/leases/revoke-force/none", "sys/renew", "sys/revoke", "sys/wrapping/wrap",
    "sys/wrapping/unwrap", "sys/wrapping/lookup", "sys/wrapping/rewrap",
    "sys/internal/ui/mounts", "sys/internal/ui/mounts/verbs", "sys/internal/ui/resultant-acl",
    "sys/internal/specs/openapi", "sys/metrics", "sys/host-info", "sys/ha-status",
    "sys/key-status", "sys/tools/hash", "sys/tools/random", "sys/audit", "sys/config/cors",
    "sys/nothing", "sys", "auth/token/create", "auth/token/create-orphan",
    "auth/token/create/none", "auth/token/lookup", "auth/token/lookup-self",
    "auth/token/lookup-accessor", "auth/token/renew", "auth/token/renew-self",
    "auth/token/renew-accessor", "auth/token/revoke", "auth/token/revoke-accessor",
    "auth/token/revoke-orphan", "auth/token/accessors", "auth/token/roles",
    "auth/token/roles/none", "auth/token/tidy", "auth/token/nothing", "auth/approle/login",
    "auth/approle/role", "auth/approle/role/none", "auth/approle/role/none/role-id",
    "auth/approle/role/none/secret-id", "auth/approle/role/none/secret-id/lookup",
    "auth/approle/role/none/secret-id/destroy", "auth/approle/role/none/custom-secret-id",
    "auth/approle/role/none/policies", "auth/approle/tidy/secret-id", "auth/none/login",
    "cubbyhole/x", "identity/entity", "none/x",
)
# Everyone's own contents.
OWN = ("sys/internal/specs/openapi", "sys/metrics", "sys/host-info", "sys/mounts", "sys/auth",
       "sys/internal/ui/mounts", "sys/internal/ui/resultant-acl", "sys/audit",
       "verbs/tidy-status")
VERBS = ("GET", "LIST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "BREW")


def ask_all(p, what, path, token=None):
    for verb in VERBS:
        # What would end this test, or leave both sides with another set of keys.
        if (path, verb) == ("verbs/root", "DELETE"):
            continue
        body = {} if verb in ("POST", "PUT", "PATCH") else None
        if body is not None and ("generate/root" in path or path.startswith("verbs/root")):
            body = {"common_name": "V", "key_type": "ec"}
        p("%s%s %s" % (what, verb, path), verb, path, body, token=token,
          headers=MERGE if verb == "PATCH" else None, status_only=path in OWN)


def run(p, _data):
    p("mount", "POST", "sys/mounts/verbs", {"type": "pki"})
    p("approle", "POST", "sys/auth/approle", {"type": "approle"})
    p("root", "POST", "verbs/root/generate/internal", {"common_name": "Verbs", "key_type": "ec",
                                                       "ttl": "700h"})
    p("role", "POST", "verbs/roles/r", {"key_type": "ec", "allow_any_name": True})
    for path in PKI:
        ask_all(p, "", "verbs/" + path)
    for path in SYSTEM:
        ask_all(p, "", path)
    p("token", "POST", "auth/token/create", {"policies": ["default"]}, keep="weak")
    for path in PKI[::3] + ("ca", "crl/pem", "cert/ca", "issuers", "cert/11:22"):
        p("no token GET verbs/" + path, "GET", "verbs/" + path, token="")
        p("no token POST verbs/" + path, "POST", "verbs/" + path, {}, token="")
        p("default GET verbs/" + path, "GET", "verbs/" + path, token="<<weak.client_token>>")
        p("default POST verbs/" + path, "POST", "verbs/" + path, {},
          token="<<weak.client_token>>")
    for path in SYSTEM:
        p("no token GET " + path, "GET", path, token="", status_only=path in OWN)
        p("default GET " + path, "GET", path, token="<<weak.client_token>>",
          status_only=path in OWN)
        p("default POST " + path, "POST", path, {}, token="<<weak.client_token>>")
    p("approle gone", "DELETE", "sys/auth/approle")
    p("unmounted", "DELETE", "sys/mounts/verbs")
