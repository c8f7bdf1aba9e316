# SPDX-License-Identifier: Apache-2.0
"""Tokens, their roles, policies, capabilities, AppRole, wrapped answers."""
from authorities import text


def tokens(p):
    p("token create", "POST", "auth/token/create",
          {"policies": ["default"], "ttl": "1h", "meta": {"a": "b"}},
          keep={"t": "auth.client_token", "acc": "auth.accessor"})
    p("token create bad ttl", "POST", "auth/token/create", {"ttl": "x"})
    p("token create negative uses", "POST", "auth/token/create", {"num_uses": -1})
    p("token create bad type", "POST", "auth/token/create", {"type": "x"})
    p("token create unknown policy", "POST", "auth/token/create", {"policies": ["nope"]})
    p("token create unknown field", "POST", "auth/token/create",
          {"policies": ["default"], "surprise": 1})
    p("token create by root role", "POST", "auth/token/create/none", {})
    p("token create orphan", "POST", "auth/token/create-orphan", {"policies": ["default"]})
    p("token create period", "POST", "auth/token/create",
          {"policies": ["default"], "period": "1h"}, keep={"per": "auth.client_token"})
    p("token create uses", "POST", "auth/token/create",
          {"policies": ["default"], "num_uses": 5}, keep={"five": "auth.client_token"})
    p("token create id", "POST", "auth/token/create",
          {"policies": ["default"], "id": "custom"}, keep={"own": "auth.client_token"})
    p("token create id again", "POST", "auth/token/create",
          {"policies": ["default"], "id": "custom"})
    p("token create root", "POST", "auth/token/create", {}, keep={"r": "auth.client_token"})
    for t in ("t", "per", "five", "r"):
        p("lookup-self " + t, "GET", "auth/token/lookup-self", token="<<%s>>" % t)
    p("lookup-self post", "POST", "auth/token/lookup-self", {}, token="<<t>>")
    p("lookup", "POST", "auth/token/lookup", {"token": "<<t>>"})
    p("lookup none", "POST", "auth/token/lookup", {"token": "hvs.none"})
    p("lookup empty", "POST", "auth/token/lookup", {})
    p("lookup accessor", "POST", "auth/token/lookup-accessor", {"accessor": "<<acc>>"})
    p("lookup accessor none", "POST", "auth/token/lookup-accessor", {"accessor": "x"})
    p("lookup accessor empty", "POST", "auth/token/lookup-accessor", {})
    p("lookup get", "GET", "auth/token/lookup")
    for verb in ("PUT", "POST"):
        p("renew-self " + verb, verb, "auth/token/renew-self", {"increment": 60}, token="<<t>>")
    p("renew-self over", "PUT", "auth/token/renew-self", {"increment": "9999h"}, token="<<t>>")
    p("renew-self root", "PUT", "auth/token/renew-self", {}, token="<<r>>")
    p("renew-self period", "PUT", "auth/token/renew-self", {"increment": 60}, token="<<per>>")
    p("lookup-self renewed", "GET", "auth/token/lookup-self", token="<<t>>")
    p("renew", "POST", "auth/token/renew", {"token": "<<t>>", "increment": "1h"})
    p("renew none", "POST", "auth/token/renew", {"token": "hvs.none"})
    p("renew empty", "POST", "auth/token/renew", {})
    p("renew accessor", "POST", "auth/token/renew-accessor", {"accessor": "<<acc>>"})
    p("renew accessor none", "POST", "auth/token/renew-accessor", {"accessor": "x"})
    p("accessors", "LIST", "auth/token/accessors")
    p("accessors get", "GET", "auth/token/accessors")
    p("roles none", "LIST", "auth/token/roles")
    p("role none", "GET", "auth/token/roles/none")
    p("role write", "POST", "auth/token/roles/r", {"allowed_policies": "default,web",
                                                       "token_period": "1h"})
    p("role read", "GET", "auth/token/roles/r")
    p("role old names", "POST", "auth/token/roles/o", {"period": "1h",
                                                           "explicit_max_ttl": "2h"})
    p("role old read", "GET", "auth/token/roles/o")
    p("role suffix", "POST", "auth/token/roles/s", {"path_suffix": "a b"})
    p("roles", "LIST", "auth/token/roles")
    p("create with role", "POST", "auth/token/create/r", {"policies": ["web"]},
          keep={"rt": "auth.client_token"})
    p("create with role refused", "POST", "auth/token/create/r", {"policies": ["x"]})
    p("lookup-self role", "GET", "auth/token/lookup-self", token="<<rt>>")
    p("role delete", "DELETE", "auth/token/roles/r")
    p("role delete again", "DELETE", "auth/token/roles/r")
    p("revoke accessor", "POST", "auth/token/revoke-accessor", {"accessor": "<<acc>>"})
    p("revoke accessor none", "POST", "auth/token/revoke-accessor", {"accessor": "x"})
    p("revoked", "GET", "auth/token/lookup-self", token="<<t>>")
    p("revoke", "POST", "auth/token/revoke", {"token": "<<per>>"})
    p("revoke again", "POST", "auth/token/revoke", {"token": "<<per>>"})
    p("revoke empty", "POST", "auth/token/revoke", {})
    p("revoke-orphan none", "POST", "auth/token/revoke-orphan", {"token": "hvs.none"})
    p("revoke-orphan", "POST", "auth/token/revoke-orphan", {"token": "<<own>>"})
    p("revoke-self", "POST", "auth/token/revoke-self", {}, token="<<five>>")
    p("delete verb", "DELETE", "auth/token/create")
    p("unknown row", "GET", "auth/token/nothing")
    p("no token", "GET", "auth/token/lookup-self", headers={"X-Vault-Token": ""})


def policies(p):
    text = 'path "a" { capabilities = ["read"] }'
    for base in ("sys/policies/acl", "sys/policy"):
        p(base + " write", "PUT", base + "/Web", {"policy": text})
        p(base + " read", "GET", base + "/web")
        p(base + " read default", "GET", base + "/default")
        p(base + " read root", "GET", "%s/%s" % (base, "root"))
        p(base + " read none", "GET", base + "/none")
        p(base + " list", "LIST", base)
        p(base + " list query", "GET", base + "?list=true")
        p(base + " get", "GET", base)
        p(base + " bad", "PUT", base + "/bad", {"policy": "path"})
        p(base + " unknown key", "PUT", base + "/bad", {"policy": 'x "a" {}'})
        p(base + " empty", "PUT", base + "/bad", {"policy": ""})
        p(base + " none", "PUT", base + "/bad", {})
        p(base + " root", "PUT", "%s/%s" % (base, "root"), {"policy": text})
        p(base + " delete root", "DELETE", "%s/%s" % (base, "root"))
        p(base + " delete default", "DELETE", base + "/default")
        p(base + " delete", "DELETE", base + "/web")
        p(base + " delete again", "DELETE", base + "/web")
    p("capabilities", "POST", "sys/capabilities", {"token": "<<r>>", "path": "a"})
    p("capabilities paths", "POST", "sys/capabilities", {"token": "<<r>>", "paths": ["a", "b"]})
    p("capabilities none", "POST", "sys/capabilities", {"token": "hvs.none", "path": "a"})
    p("capabilities no token", "POST", "sys/capabilities", {"path": "a"})
    p("capabilities no path", "POST", "sys/capabilities", {"token": "<<r>>"})
    p("capabilities-self", "POST", "sys/capabilities-self", {"path": "a"})
    p("capabilities-self no path", "POST", "sys/capabilities-self", {})
    p("capabilities-accessor none", "POST", "sys/capabilities-accessor",
          {"accessor": "x", "path": "a"})


def approle(p):
    r = "auth/approle/role/"
    p("enable", "POST", "sys/auth/approle", {"type": "approle"})
    p("enable again", "POST", "sys/auth/approle", {"type": "approle"})
    p("roles none", "LIST", "auth/approle/role")
    p("role none", "GET", r + "none")
    p("role", "POST", r + "one", {"token_policies": "a,b", "token_ttl": "1h"})
    p("approle read", "GET", r + "one")
    p("role list", "LIST", "auth/approle/role")
    p("role no constraint", "POST", r + "two", {"bind_secret_id": False})
    p("role ttl order", "POST", r + "two", {"token_ttl": "2h", "token_max_ttl": "1h"})
    p("role bad cidr", "POST", r + "two", {"secret_id_bound_cidrs": "x"})
    p("role long max", "POST", r + "long", {"token_max_ttl": "9999h"})
    p("role-id", "GET", r + "one/role-id", keep={"rid": "data.role_id"})
    p("role-id none", "GET", r + "none/role-id")
    p("role-id write", "POST", r + "long/role-id", {"role_id": "static"})
    p("role-id taken", "POST", r + "one/role-id", {"role_id": "static"})
    p("secret-id", "POST", r + "one/secret-id", {"metadata": '{"k":"v"}'},
          keep={"sid": "data.secret_id", "sacc": "data.secret_id_accessor"})
    p("secret-id bad metadata", "POST", r + "one/secret-id", {"metadata": "x"})
    p("secret-id of none", "POST", r + "none/secret-id", {})
    p("secret-id list", "LIST", r + "one/secret-id")
    p("secret-id list none", "LIST", r + "long/secret-id")
    p("secret-id list of none", "LIST", r + "none/secret-id")
    p("secret-id lookup", "POST", r + "one/secret-id/lookup", {"secret_id": "<<sid>>"})
    p("secret-id lookup none", "POST", r + "one/secret-id/lookup", {"secret_id": "x"})
    p("secret-id lookup empty", "POST", r + "one/secret-id/lookup", {})
    p("accessor lookup", "POST", r + "one/secret-id-accessor/lookup",
          {"secret_id_accessor": "<<sacc>>"})
    p("accessor lookup none", "POST", r + "one/secret-id-accessor/lookup",
          {"secret_id_accessor": "x"})
    p("custom", "POST", r + "one/custom-secret-id", {"secret_id": "mine"})
    p("custom again", "POST", r + "one/custom-secret-id", {"secret_id": "mine"})
    p("custom empty", "POST", r + "one/custom-secret-id", {})
    p("login", "POST", "auth/approle/login", {"role_id": "<<rid>>", "secret_id": "<<sid>>"},
          keep={"lt": "auth.client_token"})
    p("login no role", "POST", "auth/approle/login", {"secret_id": "<<sid>>"})
    p("login no secret", "POST", "auth/approle/login", {"role_id": "<<rid>>"})
    p("login wrong secret", "POST", "auth/approle/login", {"role_id": "<<rid>>", "secret_id": "x"})
    p("login wrong role", "POST", "auth/approle/login", {"role_id": "x", "secret_id": "<<sid>>"})
    p("login lookup", "GET", "auth/token/lookup-self", token="<<lt>>")
    p("login renew", "PUT", "auth/token/renew-self", {}, token="<<lt>>")
    for attr, field, value in (("policies", "token_policies", "x"), ("token-ttl", "token_ttl", 60),
                               ("bind-secret-id", "bind_secret_id", True),
                               ("secret-id-num-uses", "secret_id_num_uses", 3),
                               ("secret-id-ttl", "secret_id_ttl", 60),
                               ("token-max-ttl", "token_max_ttl", 600),
                               ("token-num-uses", "token_num_uses", 6),
                               ("secret-id-bound-cidrs", "secret_id_bound_cidrs", "10.0.0.0/8"),
                               ("token-bound-cidrs", "token_bound_cidrs", "10.0.0.0/8"),
                               ("period", "token_period", 60)):
        p("attribute write " + attr, "POST", r + "long/" + attr, {field: value})
        p("attribute read " + attr, "GET", r + "long/" + attr)
        p("attribute delete " + attr, "DELETE", r + "long/" + attr)
        p("attribute empty " + attr, "POST", r + "long/" + attr, {})
    p("attribute of none", "GET", r + "none/token-ttl")
    p("destroy", "POST", r + "one/secret-id/destroy", {"secret_id": "<<sid>>"})
    p("destroy again", "POST", r + "one/secret-id/destroy", {"secret_id": "<<sid>>"})
    p("accessor destroy none", "POST", r + "one/secret-id-accessor/destroy",
          {"secret_id_accessor": "x"})
    p("role delete", "DELETE", r + "one")
    p("role delete again", "DELETE", r + "one")
    p("disable", "DELETE", "sys/auth/approle")
    p("disable again", "DELETE", "sys/auth/approle")


def wrapping(p):
    w = {"X-Vault-Wrap-TTL": "60"}
    p("wrap", "POST", "sys/wrapping/wrap", {"k": "v"}, headers=w,
          keep={"w": "wrap_info.token"})
    p("wrap without", "POST", "sys/wrapping/wrap", {"k": "v"})
    p("wrap bad", "POST", "sys/wrapping/wrap", {"k": "v"}, headers={"X-Vault-Wrap-TTL": "x"})
    p("wrap negative", "POST", "sys/wrapping/wrap", {}, headers={"X-Vault-Wrap-TTL": "-1s"})
    p("lookup", "POST", "sys/wrapping/lookup", {"token": "<<w>>"})
    p("lookup none", "POST", "sys/wrapping/lookup", {"token": "hvs.none"})
    p("lookup self", "GET", "sys/wrapping/lookup", token="<<w>>")
    p("rewrap", "POST", "sys/wrapping/rewrap", {"token": "<<w>>"},
          keep={"w2": "wrap_info.token"})
    p("rewrapped", "POST", "sys/wrapping/unwrap", {"token": "<<w>>"})
    p("unwrap", "POST", "sys/wrapping/unwrap", {"token": "<<w2>>"})
    p("unwrap again", "POST", "sys/wrapping/unwrap", {"token": "<<w2>>"})
    p("unwrap none", "POST", "sys/wrapping/unwrap", {"token": "hvs.none"})
    p("wrapped token", "POST", "auth/token/create", {"policies": ["default"]}, headers=w,
          keep={"wt": "wrap_info.token"})
    p("unwrapped token", "PUT", "sys/wrapping/unwrap", token="<<wt>>")
    p("wrapped read", "GET", "sys/policies/acl/default", headers=w)
    p("wrapped list", "LIST", "sys/policies/acl", headers=w)
    p("wrapped nothing", "PUT", "sys/policies/acl/x", {"policy": 'path "a" {}'}, headers=w)
    p("wrapped delete", "DELETE", "sys/policies/acl/x", headers=w)
    p("wrapped not found", "GET", "sys/policies/acl/none", headers=w)


TOKEN_ROLE = (
    {}, {"allowed_policies": "a,b"}, {"allowed_policies": ["a"], "disallowed_policies": "b"},
    {"allowed_policies_glob": "a*"}, {"disallowed_policies_glob": "b*"}, {"orphan": True},
    {"renewable": False}, {"path_suffix": "x"}, {"path_suffix": "a b"}, {"token_period": "1h"},
    {"period": "1h"}, {"token_explicit_max_ttl": "2h"}, {"explicit_max_ttl": 60},
    {"token_num_uses": 3}, {"token_num_uses": -1}, {"token_bound_cidrs": "10.0.0.0/8"},
    {"token_bound_cidrs": "x"}, {"token_type": "service"}, {"token_type": "batch"},
    {"token_type": "default-service"}, {"token_type": "x"}, {"token_no_default_policy": True},
    {"allowed_entity_aliases": "a"}, {"token_max_ttl": "1h"}, {"token_ttl": "1h"},
    {"token_policies": "x"}, {"nonsense": 1}, {"token_period": "x"},
    {"token_explicit_max_ttl": "9999h"}, {"token_strictly_bind_ip": True},
)
APPROLE = (
    {}, {"bind_secret_id": True}, {"bind_secret_id": False},
    {"bind_secret_id": False, "token_bound_cidrs": "127.0.0.0/8"},
    {"secret_id_bound_cidrs": "127.0.0.0/8"}, {"secret_id_bound_cidrs": "x"},
    {"secret_id_num_uses": 3}, {"secret_id_num_uses": -1}, {"secret_id_ttl": "1h"},
    {"secret_id_ttl": "x"}, {"local_secret_ids": True}, {"role_id": "own"}, {"role_id": ""},
    {"token_ttl": "1h"}, {"token_ttl": "-1h"}, {"token_max_ttl": "2h"},
    {"token_ttl": "2h", "token_max_ttl": "1h"}, {"token_policies": "a,b"}, {"policies": "c"},
    {"token_policies": ["root"]}, {"token_policies": "A, b ,a"}, {"token_period": "1h"},
    {"period": 60}, {"token_explicit_max_ttl": "3h"}, {"token_no_default_policy": True},
    {"token_num_uses": 5}, {"token_num_uses": -2}, {"token_type": "service"},
    {"token_type": "batch"}, {"token_type": "default"}, {"token_type": "x"},
    {"token_bound_cidrs": ["127.0.0.1"]}, {"bound_cidr_list": "127.0.0.0/8"}, {"nonsense": 1},
)
CREATE = (
    {}, {"ttl": "1h"}, {"ttl": "9999h"}, {"ttl": 60}, {"lease": "1h"}, {"explicit_max_ttl": "2h"},
    {"explicit_max_ttl": "2h", "ttl": "3h"}, {"period": "1h"}, {"period": "x"}, {"num_uses": 3},
    {"num_uses": -1}, {"num_uses": "2"}, {"renewable": False}, {"renewable": "maybe"},
    {"no_parent": True}, {"no_default_policy": True}, {"display_name": "A b!"},
    {"display_name": ""}, {"meta": {"a": "b"}}, {"meta": "x"}, {"meta": {"a": 1}},
    {"meta": None}, {"type": "service"}, {"type": "batch"}, {"type": "x"}, {"type": ""},
    {"policies": "a,b"}, {"policies": ["b", "a", "b"]}, {"policies": ["A"]}, {"policies": []},
    {"policies": ["root"]}, {"policies": ["default"]}, {"policies": [""]}, {"policies": "root,a"},
    {"entity_alias": "x"}, {"id": "a.b"}, {"id": "with space"}, {"id": ""}, {"nonsense": 1},
)


def made(p):
    """Every field of a token, of its roles and of AppRole's; then what comes of them."""
    for body in CREATE:
        sent = dict({"policies": ["default"]}, **body)
        for path in ("create", "create-orphan"):
            if "id" in body:
                sent["id"] = body["id"] and body["id"] + path
            if p("%s/%s" % (path, text(body)), "POST", "auth/token/" + path, sent, keep="m"):
                p("%s lookup/%s" % (path, text(body)), "POST", "auth/token/lookup",
                  {"token": "<<m.client_token>>"})
                p("%s renew/%s" % (path, text(body)), "POST", "auth/token/renew",
                  {"token": "<<m.client_token>>", "increment": "30m"})
    for fields in TOKEN_ROLE:
        p("token role/" + text(fields), "POST", "auth/token/roles/f", fields)
        p("token role read/" + text(fields), "GET", "auth/token/roles/f")
        p("token by role/" + text(fields), "POST", "auth/token/create/f", {"ttl": "30m"})
        p("token by role with a policy/" + text(fields), "POST", "auth/token/create/f",
          {"policies": "a"})
        p("token role gone/" + text(fields), "DELETE", "auth/token/roles/f")
    p("approle enabled", "POST", "sys/auth/made", {"type": "approle"})
    for fields in APPROLE:
        role = "auth/made/role/f"
        if p("approle/" + text(fields), "POST", role, fields):
            p("approle read/" + text(fields), "GET", role)
            p("approle id/" + text(fields), "GET", role + "/role-id", keep="rid")
            p("approle secret/" + text(fields), "POST", role + "/secret-id", {}, keep="sec")
            p("approle secret lookup/" + text(fields), "POST", role + "/secret-id/lookup",
              {"secret_id": "<<sec.secret_id>>"})
            p("approle login/" + text(fields), "POST", "auth/made/login",
              {"role_id": "<<rid.role_id>>", "secret_id": "<<sec.secret_id>>"}, token="")
        p("approle gone/" + text(fields), "DELETE", role)
    p("approle disabled", "DELETE", "sys/auth/made")


POLICIES = (
    ("exact", 'path "a/b" { capabilities = ["read"] }'),
    ("prefix", 'path "a/*" { capabilities = ["list", "update"] }'),
    ("segment", 'path "a/+/c" { capabilities = ["delete"] }'),
    ("deny", 'path "a/b" { capabilities = ["deny", "read"] }'),
    ("old", 'path "a/b" { policy = "write" }'),
    ("json", '{"path":{"a/b":{"capabilities":["create","patch","sudo"]}}}'),
    ("comments", '# x\n// y\n/* z */ path "a/b" { capabilities = ["read"] }'),
    ("heredoc", 'path "a/b" {\n capabilities = ["read"]\n comment = <<-EOT\n x\n EOT\n}'),
    ("slash", 'path "/a/b" { capabilities = ["read"] }'),
    ("star within", 'path "a*b" { capabilities = ["read"] }'),
    ("plus star", 'path "a/+*" { capabilities = ["read"] }'),
    ("everything", 'path "*" { capabilities = ["read", "sudo"] }'),
    ("parameters", 'path "a/b" { capabilities = ["update"]\nallowed_parameters = '
     '{ "x" = ["1"] }\nrequired_parameters = ["x"] }'),
    ("unknown capability", 'path "a/b" { capabilities = ["fly"] }'),
    ("unknown key", 'path "a/b" { colour = "red" }'), ("unknown block", 'x "a" { }'),
    ("no capability", 'path "a/b" { }'), ("not closed", 'path "a/b" {'), ("words", "hello"),
    ("empty", ""), ("twice", 'path "a/b" { capabilities = ["read"] }\n'
                    'path "a/b" { capabilities = ["list"] }'),
    ("wrapping", 'path "a/b" { capabilities = ["read"]\nmin_wrapping_ttl = "2m"\n'
     'max_wrapping_ttl = "1m" }'),
    ("expired", 'path "a/b" { capabilities = ["read"]\nexpiration = "2020-01-01T00:00:00Z" }'),
)
ASKED = ("a/b", "a/", "a", "a/x", "a/x/c", "a/x/y", "axb", "b", "/a/b", "a/b/", "sys/mounts",
         "auth/token/lookup-self", "a*b", "a/+/c")


def capabilities(p):
    for name, document in POLICIES:
        p("document/" + name, "PUT", "sys/policies/acl/doc", {"policy": document})
        p("document read/" + name, "GET", "sys/policies/acl/doc")
        p("document old read/" + name, "GET", "sys/policy/doc")
        p("document token/" + name, "POST", "auth/token/create", {"policies": ["doc"]},
          keep="doc")
        p("document capabilities/" + name, "POST", "sys/capabilities",
          {"token": "<<doc.client_token>>", "paths": list(ASKED)})
        p("document capabilities by accessor/" + name, "POST", "sys/capabilities-accessor",
          {"accessor": "<<doc.accessor>>", "paths": list(ASKED)})
        p("document capabilities of self/" + name, "POST", "sys/capabilities-self",
          {"path": "a/b"}, token="<<doc.client_token>>")
        p("document gone/" + name, "DELETE", "sys/policies/acl/doc")
    for name in ("A", "a b", "a/b", "ü", "a.b", "-", "x" * 300, "default", "root", ""):
        p("policy name/" + name[:20], "PUT", "sys/policies/acl/" + name,
          {"policy": 'path "x" { capabilities = ["read"] }'})
        p("policy name read/" + name[:20], "GET", "sys/policies/acl/" + name)
        if name not in ("default", "root"):
            p("policy name gone/" + name[:20], "DELETE", "sys/policies/acl/" + name)


def run(p, _data):
    tokens(p)
    policies(p)
    approle(p)
    wrapping(p)
    made(p)
    capabilities(p)
