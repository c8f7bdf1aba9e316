#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same requests to ours and to a real OpenBao: statuses and the shape of the answers (keys
and types of values) have to be the same. What differs on purpose is a row of KNOWN."""
import sys

from service_pair import Pair

# Request, or (request or *, path in the answer): why it is another here.
KNOWN = {
    ("token create id", "warnings"): "theirs says that such ids are hashed weakly; ours are not",
    ("role read", "data.allowed_entity_aliases"): "an empty list, not null",
    ("role old read", "data.allowed_entity_aliases"): "an empty list, not null",
    ("role read", "data.token_bound_cidrs"): "also when there is none",
    ("role old read", "data.token_bound_cidrs"): "also when there is none",
    ("role read", "data.token_num_uses"): "also when it is 0",
    ("role old read", "data.token_num_uses"): "also when it is 0",
    ("lookup-self role", "data.period"): "also when it comes from a role",
    ("*", "data.allow_slashes_in_identity_templates"): "no identities",
    ("*", "data.allow_wildcards_in_identity_templates"): "no identities",
    ("*", "data.cas_required"): "OpenBao's versions of policies",
    ("*", "data.modified"): "OpenBao's versions of policies",
    ("*", "data.version"): "OpenBao's versions of policies",
    ("*", "allow_slashes_in_identity_templates"): "no identities",
    ("*", "allow_wildcards_in_identity_templates"): "no identities",
    ("*", "cas_required"): "OpenBao's versions of policies",
    ("*", "modified"): "OpenBao's versions of policies",
    ("*", "version"): "OpenBao's versions of policies",
    "capabilities no token": "a caller's mistake is no 500",
    ("approle read", "data.secret_id_bound_cidrs"): "an empty list, not null",
    ("approle read", "data.token_strictly_bind_ip"): "OpenBao's own field",
    "role no constraint": "a caller's mistake is no 500",
    "role bad cidr": "a caller's mistake is no 500",
    "role-id taken": "a caller's mistake is no 500",
    "custom again": "a caller's mistake is no 500",
    "login no role": "a caller's mistake is no 500",
    ("audit list", "data.register/"): "the register shows itself",
    ("audit list", "register/"): "the register shows itself",
    "accessor destroy none": "a caller's mistake is no 500",
    "accessor lookup none": "404 with the error where errors are",
    "attribute write bind-secret-id": "Vault has it",
    "attribute read bind-secret-id": "Vault has it",
    "attribute delete bind-secret-id": "Vault has it",
    "attribute empty bind-secret-id": "Vault has it",
    "attribute empty secret-id-bound-cidrs": "a write without a value is a mistake",
    "attribute empty token-bound-cidrs": "a write without a value is a mistake",
}


def tokens(p):
    p.ask("token create", "POST", "auth/token/create",
          {"policies": ["default"], "ttl": "1h", "meta": {"a": "b"}},
          keep={"t": "auth.client_token", "acc": "auth.accessor"})
    p.ask("token create bad ttl", "POST", "auth/token/create", {"ttl": "x"})
    p.ask("token create negative uses", "POST", "auth/token/create", {"num_uses": -1})
    p.ask("token create bad type", "POST", "auth/token/create", {"type": "x"})
    p.ask("token create unknown policy", "POST", "auth/token/create", {"policies": ["nope"]})
    p.ask("token create unknown field", "POST", "auth/token/create",
          {"policies": ["default"], "surprise": 1})
    p.ask("token create by root role", "POST", "auth/token/create/none", {})
    p.ask("token create orphan", "POST", "auth/token/create-orphan", {"policies": ["default"]})
    p.ask("token create period", "POST", "auth/token/create",
          {"policies": ["default"], "period": "1h"}, keep={"per": "auth.client_token"})
    p.ask("token create uses", "POST", "auth/token/create",
          {"policies": ["default"], "num_uses": 5}, keep={"five": "auth.client_token"})
    p.ask("token create id", "POST", "auth/token/create",
          {"policies": ["default"], "id": "custom"}, keep={"own": "auth.client_token"})
    p.ask("token create id again", "POST", "auth/token/create",
          {"policies": ["default"], "id": "custom"})
    p.ask("token create root", "POST", "auth/token/create", {}, keep={"r": "auth.client_token"})
    for t in ("t", "per", "five", "r"):
        p.ask("lookup-self " + t, "GET", "auth/token/lookup-self", token=t)
    p.ask("lookup-self post", "POST", "auth/token/lookup-self", {}, token="t")
    p.ask("lookup", "POST", "auth/token/lookup", {"token": "{t}"})
    p.ask("lookup none", "POST", "auth/token/lookup", {"token": "hvs.none"})
    p.ask("lookup empty", "POST", "auth/token/lookup", {})
    p.ask("lookup accessor", "POST", "auth/token/lookup-accessor", {"accessor": "{acc}"})
    p.ask("lookup accessor none", "POST", "auth/token/lookup-accessor", {"accessor": "x"})
    p.ask("lookup accessor empty", "POST", "auth/token/lookup-accessor", {})
    p.ask("lookup get", "GET", "auth/token/lookup")
    for verb in ("PUT", "POST"):
        p.ask("renew-self " + verb, verb, "auth/token/renew-self", {"increment": 60}, token="t")
    p.ask("renew-self over", "PUT", "auth/token/renew-self", {"increment": "9999h"}, token="t")
    p.ask("renew-self root", "PUT", "auth/token/renew-self", {}, token="r")
    p.ask("renew-self period", "PUT", "auth/token/renew-self", {"increment": 60}, token="per")
    p.ask("lookup-self renewed", "GET", "auth/token/lookup-self", token="t")
    p.ask("renew", "POST", "auth/token/renew", {"token": "{t}", "increment": "1h"})
    p.ask("renew none", "POST", "auth/token/renew", {"token": "hvs.none"})
    p.ask("renew empty", "POST", "auth/token/renew", {})
    p.ask("renew accessor", "POST", "auth/token/renew-accessor", {"accessor": "{acc}"})
    p.ask("renew accessor none", "POST", "auth/token/renew-accessor", {"accessor": "x"})
    p.ask("accessors", "LIST", "auth/token/accessors")
    p.ask("accessors get", "GET", "auth/token/accessors")
    p.ask("roles none", "LIST", "auth/token/roles")
    p.ask("role none", "GET", "auth/token/roles/none")
    p.ask("role write", "POST", "auth/token/roles/r", {"allowed_policies": "default,web",
                                                       "token_period": "1h"})
    p.ask("role read", "GET", "auth/token/roles/r")
    p.ask("role old names", "POST", "auth/token/roles/o", {"period": "1h",
                                                           "explicit_max_ttl": "2h"})
    p.ask("role old read", "GET", "auth/token/roles/o")
    p.ask("role suffix", "POST", "auth/token/roles/s", {"path_suffix": "a b"})
    p.ask("roles", "LIST", "auth/token/roles")
    p.ask("create with role", "POST", "auth/token/create/r", {"policies": ["web"]},
          keep={"rt": "auth.client_token"})
    p.ask("create with role refused", "POST", "auth/token/create/r", {"policies": ["x"]})
    p.ask("lookup-self role", "GET", "auth/token/lookup-self", token="rt")
    p.ask("role delete", "DELETE", "auth/token/roles/r")
    p.ask("role delete again", "DELETE", "auth/token/roles/r")
    p.ask("revoke accessor", "POST", "auth/token/revoke-accessor", {"accessor": "{acc}"})
    p.ask("revoke accessor none", "POST", "auth/token/revoke-accessor", {"accessor": "x"})
    p.ask("revoked", "GET", "auth/token/lookup-self", token="t")
    p.ask("revoke", "POST", "auth/token/revoke", {"token": "{per}"})
    p.ask("revoke again", "POST", "auth/token/revoke", {"token": "{per}"})
    p.ask("revoke empty", "POST", "auth/token/revoke", {})
    p.ask("revoke-orphan none", "POST", "auth/token/revoke-orphan", {"token": "hvs.none"})
    p.ask("revoke-orphan", "POST", "auth/token/revoke-orphan", {"token": "{own}"})
    p.ask("revoke-self", "POST", "auth/token/revoke-self", {}, token="five")
    p.ask("delete verb", "DELETE", "auth/token/create")
    p.ask("unknown row", "GET", "auth/token/nothing")
    p.ask("no token", "GET", "auth/token/lookup-self", headers={"X-Vault-Token": ""})


def policies(p):
    text = 'path "a" { capabilities = ["read"] }'
    for base in ("sys/policies/acl", "sys/policy"):
        p.ask(base + " write", "PUT", base + "/Web", {"policy": text})
        p.ask(base + " read", "GET", base + "/web")
        p.ask(base + " read default", "GET", base + "/default")
        p.ask(base + " read root", "GET", "%s/%s" % (base, "root"))
        p.ask(base + " read none", "GET", base + "/none")
        p.ask(base + " list", "LIST", base)
        p.ask(base + " list query", "GET", base + "?list=true")
        p.ask(base + " get", "GET", base)
        p.ask(base + " bad", "PUT", base + "/bad", {"policy": "path"})
        p.ask(base + " unknown key", "PUT", base + "/bad", {"policy": 'x "a" {}'})
        p.ask(base + " empty", "PUT", base + "/bad", {"policy": ""})
        p.ask(base + " none", "PUT", base + "/bad", {})
        p.ask(base + " root", "PUT", "%s/%s" % (base, "root"), {"policy": text})
        p.ask(base + " delete root", "DELETE", "%s/%s" % (base, "root"))
        p.ask(base + " delete default", "DELETE", base + "/default")
        p.ask(base + " delete", "DELETE", base + "/web")
        p.ask(base + " delete again", "DELETE", base + "/web")
    p.ask("capabilities", "POST", "sys/capabilities", {"token": "{r}", "path": "a"})
    p.ask("capabilities paths", "POST", "sys/capabilities", {"token": "{r}", "paths": ["a", "b"]})
    p.ask("capabilities none", "POST", "sys/capabilities", {"token": "hvs.none", "path": "a"})
    p.ask("capabilities no token", "POST", "sys/capabilities", {"path": "a"})
    p.ask("capabilities no path", "POST", "sys/capabilities", {"token": "{r}"})
    p.ask("capabilities-self", "POST", "sys/capabilities-self", {"path": "a"})
    p.ask("capabilities-self no path", "POST", "sys/capabilities-self", {})
    p.ask("capabilities-accessor none", "POST", "sys/capabilities-accessor",
          {"accessor": "x", "path": "a"})


def approle(p):
    r = "auth/approle/role/"
    p.ask("enable", "POST", "sys/auth/approle", {"type": "approle"})
    p.ask("enable again", "POST", "sys/auth/approle", {"type": "approle"})
    p.ask("roles none", "LIST", "auth/approle/role")
    p.ask("role none", "GET", r + "none")
    p.ask("role", "POST", r + "one", {"token_policies": "a,b", "token_ttl": "1h"})
    p.ask("approle read", "GET", r + "one")
    p.ask("role list", "LIST", "auth/approle/role")
    p.ask("role no constraint", "POST", r + "two", {"bind_secret_id": False})
    p.ask("role ttl order", "POST", r + "two", {"token_ttl": "2h", "token_max_ttl": "1h"})
    p.ask("role bad cidr", "POST", r + "two", {"secret_id_bound_cidrs": "x"})
    p.ask("role long max", "POST", r + "long", {"token_max_ttl": "9999h"})
    p.ask("role-id", "GET", r + "one/role-id", keep={"rid": "data.role_id"})
    p.ask("role-id none", "GET", r + "none/role-id")
    p.ask("role-id write", "POST", r + "long/role-id", {"role_id": "static"})
    p.ask("role-id taken", "POST", r + "one/role-id", {"role_id": "static"})
    p.ask("secret-id", "POST", r + "one/secret-id", {"metadata": '{"k":"v"}'},
          keep={"sid": "data.secret_id", "sacc": "data.secret_id_accessor"})
    p.ask("secret-id bad metadata", "POST", r + "one/secret-id", {"metadata": "x"})
    p.ask("secret-id of none", "POST", r + "none/secret-id", {})
    p.ask("secret-id list", "LIST", r + "one/secret-id")
    p.ask("secret-id list none", "LIST", r + "long/secret-id")
    p.ask("secret-id list of none", "LIST", r + "none/secret-id")
    p.ask("secret-id lookup", "POST", r + "one/secret-id/lookup", {"secret_id": "{sid}"})
    p.ask("secret-id lookup none", "POST", r + "one/secret-id/lookup", {"secret_id": "x"})
    p.ask("secret-id lookup empty", "POST", r + "one/secret-id/lookup", {})
    p.ask("accessor lookup", "POST", r + "one/secret-id-accessor/lookup",
          {"secret_id_accessor": "{sacc}"})
    p.ask("accessor lookup none", "POST", r + "one/secret-id-accessor/lookup",
          {"secret_id_accessor": "x"})
    p.ask("custom", "POST", r + "one/custom-secret-id", {"secret_id": "mine"})
    p.ask("custom again", "POST", r + "one/custom-secret-id", {"secret_id": "mine"})
    p.ask("custom empty", "POST", r + "one/custom-secret-id", {})
    p.ask("login", "POST", "auth/approle/login", {"role_id": "{rid}", "secret_id": "{sid}"},
          keep={"lt": "auth.client_token"})
    p.ask("login no role", "POST", "auth/approle/login", {"secret_id": "{sid}"})
    p.ask("login no secret", "POST", "auth/approle/login", {"role_id": "{rid}"})
    p.ask("login wrong secret", "POST", "auth/approle/login", {"role_id": "{rid}", "secret_id": "x"})
    p.ask("login wrong role", "POST", "auth/approle/login", {"role_id": "x", "secret_id": "{sid}"})
    p.ask("login lookup", "GET", "auth/token/lookup-self", token="lt")
    p.ask("login renew", "PUT", "auth/token/renew-self", {}, token="lt")
    for attr, field, value in (("policies", "token_policies", "x"), ("token-ttl", "token_ttl", 60),
                               ("bind-secret-id", "bind_secret_id", True),
                               ("secret-id-num-uses", "secret_id_num_uses", 3),
                               ("secret-id-ttl", "secret_id_ttl", 60),
                               ("token-max-ttl", "token_max_ttl", 600),
                               ("token-num-uses", "token_num_uses", 6),
                               ("secret-id-bound-cidrs", "secret_id_bound_cidrs", "10.0.0.0/8"),
                               ("token-bound-cidrs", "token_bound_cidrs", "10.0.0.0/8"),
                               ("period", "token_period", 60)):
        p.ask("attribute write " + attr, "POST", r + "long/" + attr, {field: value})
        p.ask("attribute read " + attr, "GET", r + "long/" + attr)
        p.ask("attribute delete " + attr, "DELETE", r + "long/" + attr)
        p.ask("attribute empty " + attr, "POST", r + "long/" + attr, {})
    p.ask("attribute of none", "GET", r + "none/token-ttl")
    p.ask("destroy", "POST", r + "one/secret-id/destroy", {"secret_id": "{sid}"})
    p.ask("destroy again", "POST", r + "one/secret-id/destroy", {"secret_id": "{sid}"})
    p.ask("accessor destroy none", "POST", r + "one/secret-id-accessor/destroy",
          {"secret_id_accessor": "x"})
    p.ask("role delete", "DELETE", r + "one")
    p.ask("role delete again", "DELETE", r + "one")
    p.ask("disable", "DELETE", "sys/auth/approle")
    p.ask("disable again", "DELETE", "sys/auth/approle")


def wrapping(p):
    w = {"X-Vault-Wrap-TTL": "60"}
    p.ask("wrap", "POST", "sys/wrapping/wrap", {"k": "v"}, headers=w,
          keep={"w": "wrap_info.token"})
    p.ask("wrap without", "POST", "sys/wrapping/wrap", {"k": "v"})
    p.ask("wrap bad", "POST", "sys/wrapping/wrap", {"k": "v"}, headers={"X-Vault-Wrap-TTL": "x"})
    p.ask("wrap negative", "POST", "sys/wrapping/wrap", {}, headers={"X-Vault-Wrap-TTL": "-1s"})
    p.ask("lookup", "POST", "sys/wrapping/lookup", {"token": "{w}"})
    p.ask("lookup none", "POST", "sys/wrapping/lookup", {"token": "hvs.none"})
    p.ask("lookup self", "GET", "sys/wrapping/lookup", token="w")
    p.ask("rewrap", "POST", "sys/wrapping/rewrap", {"token": "{w}"},
          keep={"w2": "wrap_info.token"})
    p.ask("rewrapped", "POST", "sys/wrapping/unwrap", {"token": "{w}"})
    p.ask("unwrap", "POST", "sys/wrapping/unwrap", {"token": "{w2}"})
    p.ask("unwrap again", "POST", "sys/wrapping/unwrap", {"token": "{w2}"})
    p.ask("unwrap none", "POST", "sys/wrapping/unwrap", {"token": "hvs.none"})
    p.ask("wrapped token", "POST", "auth/token/create", {"policies": ["default"]}, headers=w,
          keep={"wt": "wrap_info.token"})
    p.ask("unwrapped token", "PUT", "sys/wrapping/unwrap", token="wt")
    p.ask("wrapped read", "GET", "sys/policies/acl/default", headers=w)
    p.ask("wrapped list", "LIST", "sys/policies/acl", headers=w)
    p.ask("wrapped nothing", "PUT", "sys/policies/acl/x", {"policy": 'path "a" {}'}, headers=w)
    p.ask("wrapped delete", "DELETE", "sys/policies/acl/x", headers=w)
    p.ask("wrapped not found", "GET", "sys/policies/acl/none", headers=w)


def rules_of(answer):
    """Paths and sets of capabilities."""
    return {kind: {path: dict(rule, capabilities=set(rule["capabilities"]))
                   for path, rule in answer[1]["data"][kind].items()
                   if "identity/" not in path and "sys/tools" not in path}
            for kind in ("exact_paths", "glob_paths")}


def selves(p):
    """What a token may, in one answer; audit devices; tidying."""
    text = """path "a/+/c" { capabilities = ["read"] }
path "x*" { capabilities = ["deny"] }
path "y" { capabilities = ["deny"] }
path "z/*" { capabilities = ["update", "patch"]
  allowed_parameters = { "k" = ["v"] }
  denied_parameters = { "q" = [] }
  required_parameters = ["r"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "90s" }
path "*" { capabilities = ["read"] }
path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }"""
    p.ask("acl policy", "PUT", "sys/policies/acl/seg", {"policy": text})
    p.ask("acl token", "POST", "auth/token/create", {"policies": ["seg"],
          "no_default_policy": True}, keep={"seg": "auth.client_token"})
    a, b = p.ask("resultant-acl", "GET", "sys/internal/ui/resultant-acl", token="seg")
    if rules_of(a) != rules_of(b):
        raise SystemExit("resultant-acl: %s, OpenBao %s" % (rules_of(a), rules_of(b)))
    p.ask("resultant-acl root", "GET", "sys/internal/ui/resultant-acl")
    p.ask("audit list", "GET", "sys/audit")
    p.ask("audit enable", "PUT", "sys/audit/file", {"type": "file", "options": {"file_path": "x"}})
    p.ask("audit disable none", "DELETE", "sys/audit/none")
    p.ask("audit list seg", "GET", "sys/audit", token="seg")
    p.ask("tidy", "POST", "auth/token/tidy", {})
    p.ask("remount status none", "GET", "sys/remount/status/none")
    a, b = p.ask("lookup by query", "GET", "auth/token/lookup?token={seg}")
    if a[1]["data"]["policies"] != b[1]["data"]["policies"]:
        raise SystemExit("lookup by query: %s" % a)


def main():
    p = Pair(KNOWN)
    for part in (tokens, policies, approle, wrapping, selves):
        part(p)
    return p.end()


sys.exit(main())
