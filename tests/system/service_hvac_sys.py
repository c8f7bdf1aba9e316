# SPDX-License-Identifier: Apache-2.0
"""hvac's policy, mount and auth-method classes, for service_hvac.py."""
from service_hvac_base import (CLIENT, FORBIDDEN, INVALID, NOT_FOUND, done, has, holds, keys, other,
                               refused, same)

SYS = CLIENT.sys
RULES = {"path": {"r/roles/*": {"capabilities": ["read", "list"]}}}
HCL = 'path "r/roles/*" { capabilities = ["read"] }\n'


def policies():
    done(SYS.create_or_update_policy("Old", RULES), "create_or_update_policy")
    read = SYS.read_policy("old")["data"]
    same(read["name"], "old", "read_policy")
    holds('"r/roles/*"' in read["rules"], "its rules")
    done(SYS.create_or_update_policy("old", HCL), "create_or_update_policy")
    same(SYS.read_policy("old")["data"]["rules"], HCL, "the new rules")
    listed = SYS.list_policies()
    same(sorted(listed["data"]["policies"]), ["default", "old", "root"], "list_policies")
    same(listed["policies"], listed["data"]["keys"], "list_policies, both ways")
    done(SYS.delete_policy("old"), "delete_policy")
    refused(NOT_FOUND, "", SYS.read_policy, "old")


def acl_policies():
    done(SYS.create_or_update_acl_policy("new", RULES, pretty_print=False), "acl policy")
    read = SYS.read_acl_policy("new")["data"]
    same((read["name"], read["policy"]),
         ("new", '{"path": {"r/roles/*": {"capabilities": ["read", "list"]}}}'), "read_acl_policy")
    same(keys(SYS.list_acl_policies()), ["default", "new", "root"], "list_acl_policies")
    refused(INVALID, "failed to parse policy", SYS.create_or_update_acl_policy, "bad", "path {")
    refused(INVALID, "default", SYS.delete_acl_policy, "default")
    refused(INVALID, "root", SYS.create_or_update_acl_policy, "root", HCL)
    limited = other(CLIENT.auth.token.create(policies=["new"])["auth"]["client_token"])
    refused(FORBIDDEN, "permission denied", limited.secrets.pki.list_roles, mount_point="q")
    refused(NOT_FOUND, "", limited.secrets.pki.read_role, "none", mount_point="r")
    refused(FORBIDDEN, "permission denied", limited.secrets.pki.delete_role, "none",
            mount_point="r")
    done(SYS.delete_acl_policy("new"), "delete_acl_policy")
    refused(NOT_FOUND, "", SYS.read_acl_policy, "new")
    refused(FORBIDDEN, "permission denied", limited.secrets.pki.read_role, "none",
            mount_point="r")


def mounts():
    done(SYS.enable_secrets_engine("pki", path="r", description="first",
                                   config={"default_lease_ttl": "1h", "max_lease_ttl": 7200}),
         "enable_secrets_engine")
    row = SYS.list_mounted_secrets_engines()["data"]["r/"]
    has(row, {"type": "pki", "description": "first", "local": False, "options": {}},
        "list_mounted_secrets_engines")
    has(row["config"], {"default_lease_ttl": 3600, "max_lease_ttl": 7200}, "its config")
    refused(INVALID, "path is already in use at r/", SYS.enable_secrets_engine, "pki", path="r")
    refused(INVALID, "", SYS.enable_secrets_engine, "no-such-engine")
    same(SYS.retrieve_mount_option("r", "version", "none"), "none", "retrieve_mount_option")
    done(SYS.tune_mount_configuration("r", default_lease_ttl="2h", max_lease_ttl="87600h",
                                      description="second", listing_visibility="unauth",
                                      audit_non_hmac_request_keys=["common_name"],
                                      audit_non_hmac_response_keys=["serial_number"],
                                      passthrough_request_headers=["If-Modified-Since"]),
         "tune_mount_configuration")
    has(SYS.read_mount_configuration("r")["data"], {
        "default_lease_ttl": 7200, "max_lease_ttl": 315360000, "description": "second",
        "listing_visibility": "unauth", "force_no_cache": False,
        "audit_non_hmac_request_keys": ["common_name"],
        "audit_non_hmac_response_keys": ["serial_number"],
        "passthrough_request_headers": ["If-Modified-Since"]}, "read_mount_configuration")
    refused(INVALID, "No secret engine mount at q/", CLIENT.read, "sys/mounts/q")


def ended():
    """Mounts are not moved (docs/api.md, sys/remount); what is refused changes nothing."""
    CLIENT.secrets.pki.create_or_update_role("kept", {"max_ttl": "5h"}, mount_point="r")
    refused(INVALID, "mounts cannot be moved", SYS.move_backend, "r", "s")
    same(CLIENT.secrets.pki.read_role("kept", mount_point="r")["data"]["max_ttl"], 18000, "stays")
    same("s/" in SYS.list_mounted_secrets_engines()["data"], False, "and nowhere else")
    done(SYS.disable_secrets_engine("r"), "disable_secrets_engine")
    same("r/" in SYS.list_mounted_secrets_engines()["data"], False, "disabled")
    refused(NOT_FOUND, "", CLIENT.secrets.pki.read_role, "kept", mount_point="r")
    done(SYS.disable_secrets_engine("r"), "disabled twice")


def methods():
    done(SYS.enable_auth_method("approle", path="robots", description="first"),
         "enable_auth_method")
    row = SYS.list_auth_methods()["data"]["robots/"]
    has(row, {"type": "approle", "description": "first", "local": False}, "list_auth_methods")
    same(row["config"]["token_type"], "default-service", "what its tokens are")
    refused(INVALID, "path is already in use at auth/robots/", SYS.enable_auth_method, "approle",
            path="robots")
    refused(INVALID, "", SYS.enable_auth_method, "no-such-method")
    done(SYS.tune_auth_method("robots", default_lease_ttl="30m", max_lease_ttl="2h",
                              description="second", listing_visibility="unauth",
                              audit_non_hmac_request_keys=["role_id"],
                              audit_non_hmac_response_keys=["accessor"],
                              passthrough_request_headers=["X-One", "X-Two"]), "tune_auth_method")
    has(SYS.read_auth_method_tuning("robots")["data"], {
        "default_lease_ttl": 1800, "max_lease_ttl": 7200, "description": "second",
        "listing_visibility": "unauth", "token_type": "default-service",
        "audit_non_hmac_request_keys": ["role_id"], "audit_non_hmac_response_keys": ["accessor"],
        "passthrough_request_headers": ["X-One", "X-Two"]}, "read_auth_method_tuning")
    # A login there has the mount's life.
    roles = CLIENT.auth.approle
    roles.create_or_update_approle("r", bind_secret_id=False, secret_id_bound_cidrs=["127.0.0.0/8"],
                                   mount_point="robots")
    name = roles.read_role_id("r", mount_point="robots")["data"]["role_id"]
    login = roles.login(name, use_token=False, mount_point="robots")["auth"]
    same(login["lease_duration"], 1800, "the mount's default life")
    done(SYS.disable_auth_method("robots"), "disable_auth_method")
    same("robots/" in SYS.list_auth_methods()["data"], False, "disabled")
    refused(FORBIDDEN, "permission denied", other(login["client_token"]).auth.token.lookup_self)


def leases():
    done(SYS.enable_secrets_engine("pki", path="leased"), "a mount for leases")
    pki = CLIENT.secrets.pki
    pki.generate_root("internal", "Leased", {"key_type": "ec"}, mount_point="leased")
    pki.create_or_update_role("web", {"allow_any_name": True, "key_type": "ec", "max_ttl": "24h",
                                      "generate_lease": True}, mount_point="leased")
    ids = [pki.generate_certificate("web", "a.example", mount_point="leased")["lease_id"]
           for _ in range(4)]
    row = SYS.read_lease(ids[0])["data"]
    has(row, {"id": ids[0], "renewable": False, "last_renewal": None}, "read_lease")
    same(0 < row["ttl"] <= 86400, True, "its ttl")
    same(sorted(SYS.list_leases("leased/issue/web")["data"]["keys"]),
         sorted(x.rsplit("/", 1)[1] for x in ids), "list_leases")
    refused(INVALID, "lease is not renewable", SYS.renew_lease, ids[0])
    done(SYS.revoke_lease(ids[0]), "revoke_lease")
    done(SYS.revoke_prefix(ids[1]), "revoke_prefix")
    done(SYS.revoke_force("leased/issue"), "revoke_force")
    refused(NOT_FOUND, "", SYS.list_leases, "leased/issue/web")
    done(SYS.disable_secrets_engine("leased"), "a mount for leases is gone")


def system():
    policies()
    mounts()
    acl_policies()
    ended()
    methods()
    leases()
