# SPDX-License-Identifier: Apache-2.0
"""Mounts and their tuning, health, headers, paths, wrapping, leases."""
from authorities import text

MOUNTS = (
    {}, {"type": "nonsense"}, {"type": "approle"}, {"type": ""}, {"type": "pki"}, {"type": "pki"},
    {"type": "pki", "description": "x"}, {"type": "pki", "config": {"max_lease_ttl": "1h"}},
    {"type": "pki", "config": {"default_lease_ttl": "2h", "max_lease_ttl": "1h"}},
    {"type": "pki", "config": {"max_lease_ttl": "soon"}},
    {"type": "pki", "config": {"default_lease_ttl": 60, "max_lease_ttl": 3600}},
    {"type": "pki", "config": {"listing_visibility": "unauth"}},
    {"type": "pki", "config": {"listing_visibility": "x"}}, {"type": "pki", "config": "x"},
    {"type": "pki", "config": {"force_no_cache": True}}, {"type": "pki", "local": True},
    {"type": "pki", "seal_wrap": True}, {"type": "pki", "options": {"version": "1"}},
    {"type": "pki", "options": None}, {"type": "pki", "plugin_version": "v1.2.3"},
    {"type": "pki", "plugin_name": "pki"}, {"plugin_name": "pki"},
    {"type": "pki", "config": {"passthrough_request_headers": "If-Modified-Since",
                               "allowed_response_headers": ["Last-Modified"]}},
    {"type": "pki", "config": {"audit_non_hmac_request_keys": ["csr"]}},
    {"type": "pki", "nonsense": 1},
)
TUNES = (
    {}, {"max_lease_ttl": "87600h"}, {"max_lease_ttl": "system"}, {"max_lease_ttl": -1},
    {"max_lease_ttl": 0}, {"max_lease_ttl": "0"}, {"max_lease_ttl": ""}, {"max_lease_ttl": "x"},
    {"max_lease_ttl": 3600}, {"default_lease_ttl": "2h"}, {"default_lease_ttl": "30m"},
    {"default_lease_ttl": "system"}, {"max_lease_ttl": "10m"}, {"max_lease_ttl": "30d"},
    {"description": "new"}, {"description": ""}, {"listing_visibility": "unauth"},
    {"listing_visibility": "hidden"}, {"listing_visibility": ""}, {"listing_visibility": "x"},
    {"options": {"a": "b"}}, {"options": None}, {"token_type": "batch"},
    {"audit_non_hmac_request_keys": "a,b"}, {"audit_non_hmac_response_keys": ["c"]},
    {"passthrough_request_headers": "X-A"}, {"allowed_response_headers": "X-B"},
    {"allowed_response_headers": []}, {"plugin_version": "v1"}, {"force_no_cache": True},
    {"nonsense": 1},
)


def mounts(p):
    for fields in MOUNTS:
        p("mount/" + text(fields), "POST", "sys/mounts/m", fields)
        p("mounted/" + text(fields), "GET", "sys/mounts/m")
        p("tune/" + text(fields), "GET", "sys/mounts/m/tune")
        if fields != {"type": "pki"}:
            p("unmount/" + text(fields), "DELETE", "sys/mounts/m")
    p("unmount twice", "DELETE", "sys/mounts/m")
    for path in ("sys", "sys/x", "auth/x", "cubbyhole", "identity", "a b", "a//b", "ü", "a/b/c",
                 "UPPER", "-", "x" * 300, "token", "m+", "m*", ".", "a.b"):
        p("path/" + path[:20], "POST", "sys/mounts/" + path, {"type": "pki"})
        p("path read/" + path[:20], "GET", "sys/mounts/" + path)
        p("path tune/" + path[:20], "GET", "sys/mounts/%s/tune" % path)
        p("path role/" + path[:20], "POST", path + "/roles/x", {})
    p("below another", "POST", "sys/mounts/a/b", {"type": "pki"})
    p("above another", "POST", "sys/mounts/a", {"type": "pki"})
    for path in ("a/b/c", "UPPER", "a.b", "token", "-", "a b"):
        p("path gone/" + path, "DELETE", "sys/mounts/" + path)
    for path in ("sys", "cubbyhole", "identity", "none"):
        p("unmount/" + path, "DELETE", "sys/mounts/" + path)


def tunes(p):
    p("tuned", "POST", "sys/mounts/t", {"type": "pki"})
    for fields in TUNES:
        p("tune write/" + text(fields), "POST", "sys/mounts/t/tune", fields)
        p("tune read/" + text(fields), "GET", "sys/mounts/t/tune")
    p("tuned mount", "GET", "sys/mounts/t")
    p("tuned gone", "DELETE", "sys/mounts/t")
    p("tune of none", "POST", "sys/mounts/t/tune", {"description": "x"})
    p("tune of none read", "GET", "sys/mounts/t/tune")
    p("auth", "POST", "sys/auth/u", {"type": "approle", "description": "x"})
    p("auth again", "POST", "sys/auth/u", {"type": "approle"})
    p("auth read", "GET", "sys/auth/u")
    for fields in TUNES:
        p("auth tune write/" + text(fields), "POST", "sys/auth/u/tune", fields)
        p("auth tune read/" + text(fields), "GET", "sys/auth/u/tune")
    p("auth list", "GET", "sys/auth")
    p("auth gone", "DELETE", "sys/auth/u")
    p("auth gone again", "DELETE", "sys/auth/u")
    for fields in ({}, {"type": "pki"}, {"type": "nonsense"}, {"type": "approle", "config":
                   {"default_lease_ttl": "1h", "token_type": "default-service"}}):
        p("auth/" + text(fields), "POST", "sys/auth/v", fields)
        p("auth gone/" + text(fields), "DELETE", "sys/auth/v")
    p("auth token", "POST", "sys/auth/token", {"type": "approle"})
    p("auth token gone", "DELETE", "sys/auth/token")
    p("token tune", "GET", "sys/auth/token/tune")
    p("token mount", "GET", "sys/auth/token")


def health(p):
    for query in ("", "?standbyok=true", "?activecode=299", "?activecode=x", "?activecode=99",
                  "?activecode=600", "?sealedcode=200", "?uninitcode=200", "?nonsense=1",
                  "?perfstandbyok", "?standbycode=x"):
        p("health" + query, "GET", "sys/health" + query, token="")
        p("health head" + query, "HEAD", "sys/health" + query, token="")
    for path in ("sys/seal-status", "sys/leader", "sys/init", "sys/internal/ui/mounts"):
        p(path, "GET", path, token="")
    p("host-info", "GET", "sys/host-info")
    p("mounts", "GET", "sys/mounts")
    p("auths", "GET", "sys/auth")


def headers(p):
    p("mount", "POST", "sys/mounts/h", {"type": "pki"})
    p("root", "POST", "h/root/generate/internal", {"common_name": "H", "key_type": "ec"})
    p("role", "POST", "h/roles/r", {"key_type": "ec", "allow_any_name": True})
    for name, more in (
            ("bearer", {"X-Vault-Token": "", "Authorization": "Bearer none"}),
            ("basic", {"X-Vault-Token": "", "Authorization": "Basic Zm9v"}),
            ("empty token", {"X-Vault-Token": ""}), ("odd token", {"X-Vault-Token": "a b"}),
            ("long token", {"X-Vault-Token": "x" * 5000}),
            ("request", {"X-Vault-Request": "true"}), ("namespace empty", {"X-Vault-Namespace": ""}),
            ("namespace root", {"X-Vault-Namespace": "root"}),
            ("namespace slash", {"X-Vault-Namespace": "/"}),
            ("namespace other", {"X-Vault-Namespace": "other"}),
            ("mfa", {"X-Vault-MFA": "x"}), ("index", {"X-Vault-Index": "x"}),
            ("accept", {"Accept": "text/plain"}), ("gzip", {"Accept-Encoding": "gzip"}),
            ("origin", {"Origin": "http://x"}), ("forward", {"X-Forwarded-For": "1.2.3.4"}),
            ("wrap 60", {"X-Vault-Wrap-TTL": "60"}), ("wrap jwt", {
                "X-Vault-Wrap-TTL": "60", "X-Vault-Wrap-Format": "jwt"}),
            ("wrap long", {"X-Vault-Wrap-TTL": "99999h"})):
        p("header/" + name, "GET", "h/roles/r", headers=more)
        p("header on a write/" + name, "POST", "h/issue/r", {"common_name": "a", "ttl": "60"},
          headers=more)
        p("header on a public read/" + name, "GET", "h/ca/pem", headers=more)
        p("header on an error/" + name, "GET", "h/nothing", headers=more)


def paths(p):
    for path in ("h/roles/r/", "h//roles/r", "h/roles//r", "h/roles/%72", "h/roles/r%20",
                 "H/roles/r", "h/Roles/r", "h/roles/R", "h/roles/r?x=1", "h", "h/", "/h/roles/r",
                 "h/roles/r%2f", "h/%2e/roles/r", "h/roles/../roles/r", "h/roles/r%00",
                 "h/roles/r#x", "h/roles/r;x", "h/roles/+", "h/roles/*"):
        p("path GET " + path, "GET", path)
        p("path POST " + path, "POST", path, {"ttl": "1h"})
        p("path back " + path, "PUT", "h/roles/r", {"key_type": "ec", "allow_any_name": True})
    p("help", "GET", "h/issue/r?help=1")
    p("gone", "DELETE", "sys/mounts/h")


def rest(p):
    for lease in ("h/issue/r/abc", "", "x"):
        for verb in ("lookup", "renew", "revoke"):
            p("lease %s/%s" % (verb, lease), "PUT", "sys/leases/" + verb, {"lease_id": lease})
    p("lease prefix", "PUT", "sys/leases/revoke-prefix/none")
    p("leases", "LIST", "sys/leases/lookup/none")
    p("from", "POST", "sys/mounts/from", {"type": "pki"})
    p("remount nothing", "POST", "sys/remount", {})
    p("remount none", "POST", "sys/remount", {"from": "none", "to": "other"})
    p("remount to system", "POST", "sys/remount", {"from": "from", "to": "sys/x"})
    p("from gone", "DELETE", "sys/mounts/from")
    for path in ("a/b", "pki/issue/x", "none", "sys/mounts"):
        p("preflight/" + path, "GET", "sys/internal/ui/mounts/" + path)
    for length in (0, 1, 31 << 10):
        p("large/%d" % length, "POST", "sys/capabilities-self", {"paths": ["x" * length]})


def run(p, _data):
    # The development server has this one beside.
    p.apis[1].ok("DELETE", "sys/mounts/secret")
    mounts(p)
    tunes(p)
    health(p)
    headers(p)
    paths(p)
    rest(p)
