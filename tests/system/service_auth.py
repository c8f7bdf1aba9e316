#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may, over a running service (VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN of a root token).

Every kind of access that is not allowed is asked for on every kind of row: none of them
ever answers 2xx.
"""
import base64
import concurrent.futures
import http.client
import json
import os
import socket
import ssl
import sys
import threading
import time
import traceback
import urllib.parse

ADDR = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])
ROOT = os.environ["VAULT_TOKEN"]
TLS = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
local = threading.local()


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        self.json = json.loads(raw) if raw.strip().startswith(b"{") else None

    @property
    def data(self):
        return self.json["data"]

    @property
    def auth(self):
        return self.json["auth"]

    @property
    def errors(self):
        return " ".join(self.json["errors"])

    def __repr__(self):
        return "%d %s" % (self.status, self.raw[:300])


def call(method, path, body=None, token=ROOT, headers=None):
    """One request; the target goes out as it is written here."""
    h = dict(headers or {})
    if method == "PATCH":
        h["Content-Type"] = "application/merge-patch+json"
    if token is not None:
        h["X-Vault-Token"] = token
    data = None if body is None else (
        body if isinstance(body, bytes) else json.dumps(body).encode())
    for _ in range(2):
        c = getattr(local, "connection", None)
        if c is None:
            c = local.connection = http.client.HTTPSConnection(
                ADDR.hostname, ADDR.port, context=TLS, timeout=30)
        try:
            c.putrequest(method, "/v1/" + path, skip_accept_encoding=True)
            for k, v in h.items():
                c.putheader(k, v)
            if data is not None:
                c.putheader("Content-Length", str(len(data)))
            c.endheaders(data)
            r = c.getresponse()
            return Answer(r.status, r.headers, r.read())
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            c.close()
            local.connection = None
    raise ConnectionError("%s %s" % (method, path))


def want(answer, status, text=None):
    statuses = status if isinstance(status, tuple) else (status,)
    if answer.status not in statuses or (text and text not in answer.raw.decode()):
        raise AssertionError("%r, not %s %s" % (answer, status, text or ""))
    return answer


def ok(answer):
    return want(answer, (200, 204))


def create(token=ROOT, how="", **fields):
    return ok(call("POST", "auth/token/create" + how, fields, token)).auth


def policy(name, text):
    ok(call("PUT", "sys/policies/acl/" + name, {"policy": text}))


def self_of(token):
    return call("GET", "auth/token/lookup-self", token=token)


def test_unauthenticated():
    for method, path in (("GET", "sys/mounts"), ("GET", "sys/policies/acl/default"),
                         ("LIST", "sys/policies/acl"), ("POST", "auth/token/create"),
                         ("GET", "auth/token/lookup-self"), ("POST", "sys/mounts/pki"),
                         ("DELETE", "sys/mounts/pki"), ("LIST", "auth/token/accessors"),
                         ("POST", "sys/capabilities-self"), ("PATCH", "sys/mounts"),
                         ("GET", "nothing/here"), ("GET", "auth/token/none"),
                         ("POST", "auth/token/revoke-self"), ("GET", "sys/auth")):
        for token in (None, "", "hvs.wrong", "x" * 5000, "hvs." + "A" * 24, "root"):
            want(call(method, path, {} if method in ("POST", "PATCH") else None, token),
                 (403, 431) if token and len(token) > 4000 else 403)
    want(call("GET", "sys/health", token=None), 200)
    # Not over TLS, whoever asks.
    for token in (None, ROOT):
        want(call("POST", "sys/internal/chancery/root-token", {}, token), 403)
    # Bearer is the same; X-Vault-Token wins.
    ok(call("GET", "auth/token/lookup-self", token=None,
            headers={"Authorization": "Bearer " + ROOT}))
    want(call("GET", "auth/token/lookup-self", token="hvs.wrong",
              headers={"Authorization": "Bearer " + ROOT}), 403)
    want(call("GET", "auth/token/lookup-self", token=None,
              headers={"Authorization": "Basic " + ROOT}), 403)


def dead_tokens():
    """One of every kind that is not good any more."""
    revoked = create(policies=["default"])["client_token"]
    ok(call("POST", "auth/token/revoke", {"token": revoked}))
    expired = create(policies=["root"], ttl="1s")["client_token"]
    used = create(policies=["root"], ttl="1h", num_uses=1)["client_token"]
    ok(self_of(used))
    parent = create(policies=["root"], ttl="1h")["client_token"]
    child = create(parent, policies=["root"], ttl="1h")["client_token"]
    ok(self_of(child))
    ok(call("POST", "auth/token/revoke", {"token": parent}))
    short = create(policies=["root"], ttl="1s")["client_token"]
    below = create(short, policies=["root"], ttl="1h")["client_token"]
    self_revoked = create(policies=["root"], ttl="1h")["client_token"]
    ok(call("POST", "auth/token/revoke-self", {}, self_revoked))
    while self_of(expired).status == 200 or self_of(short).status == 200:
        time.sleep(0.1)
    return {"revoked": revoked, "expired": expired, "used up": used, "parent revoked": child,
            "parent expired": below, "revoked itself": self_revoked}


def test_dead():
    for what, token in dead_tokens().items():
        for method, path, body in (
                ("GET", "auth/token/lookup-self", None), ("GET", "sys/mounts", None),
                ("POST", "auth/token/create", {}), ("POST", "auth/token/renew-self", {}),
                ("PUT", "sys/policies/acl/x", {"policy": 'path "a" {}'}),
                ("LIST", "auth/token/accessors", None), ("GET", "sys/none", None),
                ("POST", "auth/token/revoke-self", {})):
            a = call(method, path, body, token)
            assert a.status == 403, (what, method, path, a)
        want(call("POST", "auth/token/lookup", {"token": token}), 403, "bad token")
        want(call("POST", "auth/token/renew", {"token": token}), 400, "token not found")
        want(call("POST", "sys/capabilities", {"token": token, "path": "a"}), 400)
        want(call("POST", "auth/token/revoke", {"token": token}), 204)
    want(call("GET", "sys/policies/acl/x"), 404)


def test_wrong_policy():
    policy("limited", """
        path "sys/policies/acl/limited" { capabilities = ["read"] }
        path "auth/token/create" { capabilities = ["update"] }
        path "auth/token/roles/*" { capabilities = ["create", "read"] }
        path "auth/token/accessors" { capabilities = ["list"] }
        path "auth/token/revoke-orphan" { capabilities = ["update"] }
        path "sys/policies/acl/deep/*" { capabilities = ["read", "update", "delete", "list"] }
        path "sys/policies/acl/deep/closed" { capabilities = ["deny"] }
    """)
    t = create(policies=["limited"])["client_token"]
    ok(call("GET", "sys/policies/acl/limited", token=t))
    for method, path, body in (
            ("PUT", "sys/policies/acl/limited", {"policy": 'path "*" {policy="sudo"}'}),
            ("DELETE", "sys/policies/acl/limited", None),
            ("LIST", "sys/policies/acl", None), ("GET", "sys/policies/acl?list=true", None),
            ("GET", "sys/policies/acl/default", None), ("GET", "sys/policy/limited", None),
            ("GET", "sys/mounts", None), ("POST", "sys/mounts/x", {"type": "approle"}),
            ("GET", "sys/none", None), ("GET", "none/none", None),
            ("PATCH", "sys/policies/acl/limited", {}),
            ("POST", "auth/token/create-orphan", {}), ("POST", "auth/token/create/x", {}),
            ("POST", "auth/token/lookup", {"token": ROOT}),
            ("POST", "auth/token/revoke", {"token": ROOT}),
            # sudo is missing
            ("LIST", "auth/token/accessors", None),
            ("POST", "auth/token/revoke-orphan", {"token": t}),
            ("POST", "sys/capabilities", {"token": ROOT, "path": "a"}),
            ("PUT", "sys/policies/acl/deep/closed", {"policy": 'path "a" {}'})):
        a = call(method, path, body, t)
        assert a.status == 403, (method, path, a)
    ok(call("PUT", "sys/policies/acl/deep/open", {"policy": 'path "a" {}'}, t))
    # create, where there is nothing yet; update is another matter
    ok(call("POST", "auth/token/roles/new", {"allowed_policies": "default"}, t))
    want(call("POST", "auth/token/roles/new", {"allowed_policies": "root"}, t), 403)
    want(call("DELETE", "auth/token/roles/new", token=t), 403)
    # a child gets no more than its parent
    want(call("POST", "auth/token/create", {"policies": ["root"]}, t), 400)
    want(call("POST", "auth/token/create", {"policies": ["other"]}, t), 400,
         "child policies must be subset of parent")
    for field in ({"no_parent": True}, {"period": "1h"}, {"id": "mine"}):
        want(call("POST", "auth/token/create", field, t), 400, "sudo")
    # the policy changes under the token
    policy("limited", 'path "sys/mounts" { capabilities = ["read"] }')
    ok(call("GET", "sys/mounts", token=t))
    want(call("GET", "sys/policies/acl/limited", token=t), 403)
    ok(call("DELETE", "sys/policies/acl/limited"))
    want(call("GET", "sys/mounts", token=t), 403)


def test_path_tricks():
    """Other spellings of a forbidden path get in nowhere; of an allowed one they are it, or
    are refused."""
    policy("web", 'path "sys/policies/acl/web" { capabilities = ["read"] }\n'
                  'path "sys/policies/acl/web*" { capabilities = ["read"] }')
    t = create(policies=["web"])["client_token"]
    ok(call("GET", "sys/policies/acl/web", token=t))
    for path in ("sys/policies/acl/default", "sys//policies/acl/default",
                 "sys/policies/acl//default", "/sys/policies/acl/default",
                 "sys/policies/acl/./default", "sys/policies/acl/web/../default",
                 "sys/policies/acl/web/%2e%2e/default", "sys/policies/acl/web%2f..%2fdefault",
                 "sys/policies/acl/%2e%2e/acl/default", "sys/policies/acl/web%2F%2E%2E%2Fdefault",
                 "sys/policies/acl/web/..%2fdefault", "sys/policies/acl/%64efault",
                 "sys/policies/acl/DEFAULT", "SYS/policies/acl/default",
                 "sys/policies/ACL/default", "sys/policies/acl/default/",
                 "sys/policies/acl/web%00", "sys/policies/acl/web%252e%252e/default",
                 "sys/policies/acl/web/..;/default", "sys/policies/acl/web%5c..%5cdefault",
                 "../v1/sys/policies/acl/default", "sys/mounts", "sys/mounts/", "sys/mounts//",
                 "sys/%6dounts", "sys/mounts%2f", "./sys/mounts", "sys/./mounts",
                 "sys/policies/acl/web/../../../mounts", "sys/mounts?list=true",
                 "sys/policies/acl/web?x=../default", "auth/token/accessors?list=true",
                 "sys/policies/acl?list=true", "sys/policies/acl/?list=1",
                 "sys/policies/acl/\xff", "sys/policies/acl/%ff", "sys/policies/acl/%",
                 "sys/policies/acl/%2", "sys/policies/acl/%zz"):
        a = call("GET", urllib.parse.quote(path, safe="/%?=.;&", encoding="latin-1"), token=t)
        if path.startswith("sys/policies/acl/web?"):
            want(a, 200)
            continue
        # What is read is "web…" itself or nothing.
        assert a.status in (400, 403, 404), (path, a)
    for good in ("sys//policies/acl/web", "sys/policies/acl/%77eb"):
        a = call("GET", good, token=t)
        assert a.status in (200, 301, 307, 400, 403, 404), a
        if a.status == 200:
            assert a.data["name"] == "web", a
    for path in ("sys/policies/acl/web/", "auth/token/create/"):
        a = call("POST", path, {"policy": 'path "*" { policy = "sudo" }'}, t)
        assert a.status in (400, 403, 404, 405), a


def test_token_shapes():
    auth = create(policies=["b", "a"], meta={"who": "ci"}, ttl="1h", display_name="x y")
    assert auth["client_token"].startswith("hvs.") and len(auth["client_token"]) >= 28
    assert auth["policies"] == auth["token_policies"] == ["a", "b", "default"], auth
    assert auth["metadata"] == {"who": "ci"} and auth["lease_duration"] == 3600
    assert auth["renewable"] is True and auth["token_type"] == "service"
    assert auth["orphan"] is False and auth["num_uses"] == 0 and auth["entity_id"] == ""
    d = ok(self_of(auth["client_token"])).data
    assert d["id"] == auth["client_token"] and d["accessor"] == auth["accessor"]
    assert d["display_name"] == "token-x-y" and d["path"] == "auth/token/create"
    assert d["creation_ttl"] == 3600 and 3590 <= d["ttl"] <= 3600
    assert d["expire_time"].endswith("Z") and d["issue_time"].endswith("Z")
    assert d["type"] == "service" and d["explicit_max_ttl"] == 0 and d["orphan"] is False
    for how, body in (("lookup", {"token": auth["client_token"]}),
                      ("lookup-accessor", {"accessor": auth["accessor"]})):
        e = ok(call("POST", "auth/token/" + how, body)).data
        assert e["accessor"] == auth["accessor"]
        assert e["id"] == ("" if "accessor" in how else auth["client_token"])
    want(call("POST", "auth/token/lookup-accessor", {"accessor": "none"}), 400)
    root = ok(self_of(ROOT)).data
    assert root["ttl"] == 0 and root["expire_time"] is None and root["policies"] == ["root"]
    assert root["renewable"] is False
    # warnings: what does not exist, what was cut
    a = ok(call("POST", "auth/token/create", {"policies": ["nope"], "ttl": "10000h"}))
    assert any("does not exist" in w for w in a.json["warnings"]), a
    assert a.auth["lease_duration"] == 768 * 3600
    want(call("POST", "auth/token/create", {"type": "batch"}), 400, "batch")
    want(call("POST", "auth/token/create", {"num_uses": -1}), 400)
    want(call("POST", "auth/token/create", {"ttl": "soon"}), 400)
    for field in ("ttl", "explicit_max_ttl", "period"):
        want(call("POST", "auth/token/create", {field: 2 ** 63 - 1}), 400)
    want(call("POST", "auth/token/roles/long", {"token_period": 2 ** 62}), 400)
    mine = create(id="my-own-id", policies=["default"], ttl="1h")
    assert mine["client_token"] == "my-own-id"
    want(call("POST", "auth/token/create", {"id": "my-own-id"}), 400, "duplicate")
    keys = ok(call("LIST", "auth/token/accessors")).data["keys"]
    assert auth["accessor"] in keys and mine["accessor"] in keys


def test_renew():
    t = create(policies=["default"], ttl="1h", explicit_max_ttl="2h")["client_token"]
    a = ok(call("PUT", "auth/token/renew-self", {"increment": 0}, t))
    assert a.auth["client_token"] == t and a.auth["lease_duration"] == 3600, a
    a = ok(call("PUT", "auth/token/renew-self", {"increment": "90m"}, t))
    assert a.auth["lease_duration"] == 5400
    a = ok(call("POST", "auth/token/renew", {"token": t, "increment": "10h"}))
    assert 7190 <= a.auth["lease_duration"] <= 7200 and a.json["warnings"], a
    acc = ok(self_of(t)).data
    assert acc["last_renewal_time"] > 0
    a = ok(call("POST", "auth/token/renew-accessor",
                {"accessor": acc["accessor"], "increment": 60}))
    assert a.auth["client_token"] == "" and a.auth["lease_duration"] == 60
    assert ok(self_of(t)).data["ttl"] <= 60
    p = create(policies=["default"], period="1h")["client_token"]
    a = ok(call("PUT", "auth/token/renew-self", {"increment": "5h"}, p))
    assert a.auth["lease_duration"] == 3600
    n = create(policies=["default"], renewable=False, ttl="1h")["client_token"]
    want(call("PUT", "auth/token/renew-self", {}, n), 400, "not renewable")
    want(call("PUT", "auth/token/renew-self", {}, ROOT), 400, "not renewable")
    want(call("POST", "auth/token/renew", {"token": "hvs.none"}), 400, "token not found")
    want(call("PUT", "auth/token/renew-self", {"increment": "x"}, t), 400)


def test_tree():
    top = create(policies=["root"], ttl="1h")["client_token"]
    mid = create(top, policies=["root"], ttl="1h")
    leaf = create(mid["client_token"], policies=["default"], ttl="1h")["client_token"]
    side = create(top, policies=["default"], ttl="1h")["client_token"]
    orphan = create(top, "-orphan", policies=["default"], ttl="1h")
    assert orphan["orphan"] is True
    ok(call("POST", "auth/token/revoke-accessor", {"accessor": mid["accessor"]}))
    for t, good in ((top, 1), (mid["client_token"], 0), (leaf, 0), (side, 1),
                    (orphan["client_token"], 1)):
        assert (self_of(t).status == 200) == bool(good), t
    ok(call("POST", "auth/token/revoke", {"token": top}))
    assert self_of(side).status == 403 and self_of(orphan["client_token"]).status == 200
    # revoke-orphan leaves the children
    top = create(policies=["root"], ttl="1h")["client_token"]
    kid = create(top, policies=["root"], ttl="1h")["client_token"]
    grandkid = create(kid, policies=["default"], ttl="1h")["client_token"]
    ok(call("POST", "auth/token/revoke-orphan", {"token": top}))
    assert self_of(top).status == 403
    assert ok(self_of(kid)).data["orphan"] is True
    ok(self_of(grandkid))
    ok(call("POST", "auth/token/revoke", {"token": kid}))
    assert self_of(grandkid).status == 403
    want(call("POST", "auth/token/revoke-orphan", {"token": "hvs.none"}), 400)
    want(call("POST", "auth/token/revoke", {}), 400)


def test_uses():
    t = create(policies=["default"], num_uses=3, ttl="1h")["client_token"]
    for left in (2, 1):
        assert ok(self_of(t)).data["num_uses"] == left
    # A request that is refused has been made too.
    want(call("GET", "sys/mounts", token=t), 403)
    want(self_of(t), 403)
    want(call("POST", "auth/token/create", {}, create(
        policies=["root"], num_uses=5, ttl="1h")["client_token"]), 400)
    # At once from many sides: never more than there are.
    t = create(policies=["default"], num_uses=20, ttl="1h")["client_token"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: self_of(t).status, range(40)))
    assert got.count(200) == 20 and got.count(403) == 20, got


def test_paid_use_is_answered():
    """Who took a use gets his answer, although another took the last one meanwhile."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(15):
            t = create(policies=["default"], num_uses=4, ttl="1h")["client_token"]
            got = list(pool.map(lambda _: self_of(t).status, range(8)))
            assert got.count(200) == 4 and got.count(403) == 4, got


def test_roles():
    ok(call("POST", "auth/token/roles/kafka", {
        "allowed_policies": "default,web", "allowed_policies_glob": ["k-*"],
        "period": "2h", "orphan": "true", "token_type": "service", "path_suffix": "kafka"}))
    d = ok(call("GET", "auth/token/roles/kafka")).data
    assert d["name"] == "kafka" and d["token_period"] == d["period"] == 7200
    assert d["allowed_policies"] == ["default", "web"] and d["orphan"] is True
    assert d["renewable"] is True and d["disallowed_policies"] == []
    a = create(how="/kafka", policies=["k-1"])
    assert a["policies"] == ["default", "k-1"] and a["orphan"] is True
    d = ok(self_of(a["client_token"])).data
    assert d["path"] == "auth/token/create/kafka/kafka" and d["role"] == "kafka", d
    assert d["period"] == 7200 and d["ttl"] <= 7200
    want(call("POST", "auth/token/create/kafka", {"policies": ["root"]}), 400)
    want(call("POST", "auth/token/create/none", {}), 400, "unknown role")
    # what is not given stays
    ok(call("POST", "auth/token/roles/kafka", {"token_num_uses": 2}))
    d = ok(call("GET", "auth/token/roles/kafka")).data
    assert d["token_num_uses"] == 2 and d["token_period"] == 7200
    assert create(how="/kafka")["num_uses"] == 2
    for bad in ({"token_type": "batch"}, {"path_suffix": "a/b"}, {"token_num_uses": -1},
                {"token_bound_cidrs": "10.0.0.0/99"}):
        want(call("POST", "auth/token/roles/kafka", bad), 400)
    assert "kafka" in ok(call("LIST", "auth/token/roles")).data["keys"]
    # bound to other peers
    ok(call("POST", "auth/token/roles/away", {"token_bound_cidrs": "192.0.2.0/24",
                                              "allowed_policies": "root"}))
    t = create(how="/away", policies=["root"], ttl="1h")["client_token"]
    want(self_of(t), 403)
    want(call("GET", "sys/mounts", token=t), 403)
    ok(call("POST", "auth/token/roles/away", {"token_bound_cidrs": "127.0.0.0/8,::1"}))
    ok(self_of(create(how="/away", policies=["root"], ttl="1h")["client_token"]))
    for name in ("away", "kafka"):
        ok(call("DELETE", "auth/token/roles/" + name))
    want(call("GET", "auth/token/roles/kafka"), 404)


def test_policies():
    hcl = '# x\npath "a/*" {\n  capabilities = ["read"]\n}\n'
    for name, text, stored in (
            ("plain", hcl, hcl), ("Mixed-Case", hcl, hcl),
            ("json", '{"path":{"a":{"policy":"write"}}}', '{"path":{"a":{"policy":"write"}}}'),
            ("encoded", base64.b64encode(hcl.encode()).decode(), hcl)):
        want(call("POST", "sys/policies/acl/" + name, {"policy": text}), 204)
        a = want(call("GET", "sys/policies/acl/" + name.lower()), 200)
        assert a.data == {"name": name.lower(), "policy": stored}, a
    for text in ('path "a" { capabilities = ["fly"] }', "path", "{", "nonsense", 'path "+*" {}'):
        want(call("PUT", "sys/policies/acl/bad", {"policy": text}), 400,
             "failed to parse policy: ")
    want(call("PUT", "sys/policies/acl/bad", {}), 400)
    want(call("GET", "sys/policies/acl/bad"), 404)
    keys = ok(call("LIST", "sys/policies/acl")).data["keys"]
    assert keys[-1] == "root" and "default" in keys and "encoded" in keys
    assert ok(call("GET", "sys/policies/acl?list=true")).data["keys"] == keys
    old = ok(call("GET", "sys/policy")).json
    assert old["policies"] == old["data"]["policies"] == keys == old["keys"]
    old = ok(call("GET", "sys/policy/plain")).json
    assert old["rules"] == hcl == old["data"]["rules"] and old["name"] == "plain"
    ok(call("PUT", "sys/policy/older", {"rules": hcl}))
    want(call("PUT", "sys/policies/acl/root", {"policy": hcl}), 400)
    want(call("DELETE", "sys/policies/acl/root"), 400)
    want(call("DELETE", "sys/policies/acl/DEFAULT"), 400)
    default = ok(call("GET", "sys/policies/acl/default")).data["policy"]
    assert "lookup-self" in default
    t = create(policies=["default"])["client_token"]
    policy("default", hcl)
    want(self_of(t), 403)
    policy("default", default)
    ok(self_of(t))
    for name in ("plain", "mixed-case", "json", "encoded", "older", "older"):
        want(call("DELETE", "sys/policies/acl/" + name), 204)


def test_capabilities():
    policy("caps", 'path "a" { capabilities = ["update", "read", "sudo"] }\n'
                   'path "b" { capabilities = ["deny"] }')
    auth = create(policies=["caps"])
    t = auth["client_token"]
    a = ok(call("POST", "sys/capabilities-self", {"paths": ["a", "b", "c"]}, t)).json
    expected = {"a": ["read", "sudo", "update"], "b": ["deny"], "c": ["deny"]}
    assert a["data"] == expected and a["a"] == expected["a"], a
    for path, body in (("capabilities", {"token": t, "path": "a"}),
                       ("capabilities-accessor", {"accessor": auth["accessor"], "paths": "a"})):
        assert ok(call("POST", "sys/" + path, body)).data["capabilities"] == expected["a"]
    assert ok(call("POST", "sys/capabilities-self", {"path": "x"})).data["x"] == ["root"]
    want(call("POST", "sys/capabilities-self", {}, t), 400)


def test_parameters():
    policy("narrow", """
        path "auth/token/create" {
            capabilities = ["update", "sudo"]
            allowed_parameters = { "policies" = ["narrow"], "ttl" = ["1h", "2*"], "meta" = [] }
            denied_parameters = { "meta" = ["x=y"] }
            required_parameters = ["ttl"]
        }
        path "sys/capabilities-self" {
            capabilities = ["update"]
            min_wrapping_ttl = "10s"
            max_wrapping_ttl = "1m"
        }""")
    t = create(policies=["narrow"], no_default_policy=True)["client_token"]
    for body, good in (({"ttl": "1h"}, 1), ({}, 0), ({"ttl": "3h"}, 0), ({"ttl": "20m"}, 1),
                       ({"ttl": "1h", "policies": "narrow"}, 1),
                       ({"ttl": "1h", "policies": "root"}, 0),
                       ({"ttl": "1h", "policies": ["narrow"]}, 0),
                       ({"ttl": "1h", "id": "x"}, 0), ({"TTL": "1h"}, 0),
                       ({"ttl": "1h", "TTL": "1h"}, 1),
                       ({"ttl": "1h", "meta": "x=y"}, 0), ({"ttl": "1h", "meta": ["x=y"]}, 0),
                       ({"ttl": "1h", "meta": {"a": "b"}}, 1)):
        a = call("POST", "auth/token/create", body, t)
        assert (a.status == 200) if good else (a.status == 403), (body, a)
    for ttl, good in ((None, 0), ("9", 0), ("10s", 1), ("1m", 1), ("61", 0)):
        a = call("POST", "sys/capabilities-self", {"path": "a"}, t,
                 {"X-Vault-Wrap-TTL": ttl} if ttl else {})
        assert (a.status == 200) if good else (a.status == 403), (ttl, a)


def test_socket_peers():
    base = "sys/internal/chancery/socket-peers"
    want(call("LIST", base), 404)
    ok(call("POST", base + "/4711", {"policies": "Kafka,default"}))
    assert ok(call("GET", base + "/4711")).data == {"policies": ["default", "kafka"]}
    assert ok(call("LIST", base)).data["keys"] == ["4711"]
    for uid, policies in (("x", "a"), ("-1", "a"), ("4294967295", "a"), ("1", "root"), ("1", "")):
        want(call("POST", "%s/%s" % (base, uid), {"policies": policies}), 400)
    policy("peers", 'path "%s/*" { capabilities = ["create", "read", "update", "delete"] }' % base)
    t = create(policies=["peers"])["client_token"]
    want(call("POST", base + "/1", {"policies": "a"}, t), 403)
    ok(call("DELETE", base + "/4711"))
    want(call("GET", base + "/4711"), 404)


def login(role_id, secret_id=None, mount="approle", headers=None):
    body = {"role_id": role_id}
    if secret_id is not None:
        body["secret_id"] = secret_id
    return call("POST", "auth/%s/login" % mount, body, None, headers)


def test_approle():
    ok(call("POST", "sys/auth/approle", {"type": "approle"}))
    r = "auth/approle/role/"
    want(call("GET", r + "broker"), 404)
    want(call("LIST", "auth/approle/role"), 404)
    ok(call("POST", r + "Broker", {"token_policies": "kafka-issue", "token_ttl": "1h",
                                   "token_max_ttl": "2h", "secret_id_num_uses": 0}))
    d = ok(call("GET", r + "broker")).data
    assert d["token_ttl"] == 3600 and d["token_policies"] == ["kafka-issue"]
    assert d["bind_secret_id"] is True and d["token_type"] == "default"
    assert "role_id" not in d and "uuid" not in d
    ok(call("POST", r + "broker", {"token_num_uses": 0}))
    assert ok(call("GET", r + "broker")).data["token_max_ttl"] == 7200
    role_id = ok(call("GET", r + "broker/role-id")).data["role_id"]
    s = ok(call("POST", r + "broker/secret-id", {"metadata": '{"host":"b1"}'})).data
    assert s["secret_id_ttl"] == 0 and s["secret_id_num_uses"] == 0
    a = ok(login(role_id, s["secret_id"])).auth
    assert a["policies"] == ["default", "kafka-issue"] and a["lease_duration"] == 3600
    assert a["metadata"] == {"role_name": "broker", "host": "b1"} and a["orphan"] is True
    d = ok(self_of(a["client_token"])).data
    assert d["path"] == "auth/approle/login" and d["display_name"] == "approle"
    assert ok(call("PUT", "auth/token/renew-self", {}, a["client_token"])
              ).auth["lease_duration"] == 3600
    # One text for whatever does not fit.
    want(call("POST", "auth/approle/login", {}, None), 400, "missing role_id")
    want(login(role_id), 400, "missing secret_id")
    for x, y in ((role_id, "wrong"), ("wrong", s["secret_id"]), ("wrong", "wrong"),
                 (role_id.upper(), s["secret_id"]), (role_id, s["secret_id"] + " "),
                 (role_id, s["secret_id_accessor"]), ("broker", s["secret_id"])):
        want(login(x, y), 400, '"errors":["invalid role or secret ID"]')
    # accessors, lookup, destroy
    assert ok(call("LIST", r + "broker/secret-id")).data["keys"] == [s["secret_id_accessor"]]
    d = ok(call("POST", r + "broker/secret-id/lookup", {"secret_id": s["secret_id"]})).data
    assert d["secret_id_accessor"] == s["secret_id_accessor"]
    assert d["metadata"] == {"host": "b1"} and d["expiration_time"] == "0001-01-01T00:00:00Z"
    ok(call("POST", r + "broker/secret-id-accessor/lookup",
            {"secret_id_accessor": s["secret_id_accessor"]}))
    want(call("POST", r + "broker/secret-id/lookup", {"secret_id": "none"}), 204)
    want(call("POST", r + "broker/secret-id-accessor/lookup", {"secret_id_accessor": "x"}), 404)
    want(call("POST", r + "broker/secret-id/destroy", {"secret_id": s["secret_id"]}), 204)
    want(login(role_id, s["secret_id"]), 400)
    # custom ones
    ok(call("POST", r + "broker/custom-secret-id", {"secret_id": "chosen"}))
    want(call("POST", r + "broker/custom-secret-id", {"secret_id": "chosen"}), 400)
    ok(login(role_id, "chosen"))
    # of one role only
    ok(call("POST", r + "other", {"token_policies": "x"}))
    other = ok(call("GET", r + "other/role-id")).data["role_id"]
    want(login(other, "chosen"), 400)
    want(call("POST", r + "other/secret-id-accessor/destroy", {"secret_id_accessor": ok(
        call("LIST", r + "broker/secret-id")).data["keys"][0]}), 404)
    # a role-id of one's own, once in a mount
    ok(call("POST", r + "other/role-id", {"role_id": "static"}))
    want(login(other, "chosen"), 400)
    want(call("POST", r + "broker/role-id", {"role_id": "static"}), 400)
    ok(call("POST", r + "other/custom-secret-id", {"secret_id": "chosen"}))
    ok(login("static", "chosen"))
    # single attributes
    ok(call("POST", r + "other/token-ttl", {"token_ttl": 77}))
    assert ok(call("GET", r + "other/token-ttl")).data == {"token_ttl": 77}
    ok(call("DELETE", r + "other/token-ttl"))
    assert ok(call("GET", r + "other/token-ttl")).data == {"token_ttl": 0}
    # a role that goes takes everything along, a new one is another
    t = ok(login("static", "chosen")).auth["client_token"]
    ok(call("DELETE", r + "other"))
    want(login("static", "chosen"), 400)
    want(call("PUT", "auth/token/renew-self", {}, t), 400)
    ok(call("POST", r + "other", {"role_id": "static"}))
    want(login("static", "chosen"), 400)
    for bad in ({"token_type": "batch"}, {"token_policies": "root"}, {"bind_secret_id": False},
                {"token_ttl": "3h", "token_max_ttl": "1h"}, {"secret_id_num_uses": -1},
                {"secret_id_bound_cidrs": "nowhere"}):
        want(call("POST", r + "other", bad), 400)


def test_approle_limits():
    r = "auth/approle/role/limits"
    ok(call("POST", r, {"secret_id_num_uses": 3, "secret_id_ttl": "1h", "token_policies": "x"}))
    role_id = ok(call("GET", r + "/role-id")).data["role_id"]
    sid = ok(call("POST", r + "/secret-id", {})).data["secret_id"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: login(role_id, sid).status, range(16)))
    assert got.count(200) == 3 and got.count(400) == 13, got
    want(call("POST", r + "/secret-id/lookup", {"secret_id": sid}), 204)
    want(call("POST", r + "/secret-id", {"num_uses": 4}), 400)
    want(call("POST", r + "/secret-id", {"ttl": "2h"}), 400)
    short = ok(call("POST", r + "/secret-id", {"ttl": "1s", "num_uses": 3})).data["secret_id"]
    while login(role_id, short).status == 200:
        time.sleep(0.2)
    want(login(role_id, short), 400, "invalid role or secret ID")
    # from elsewhere
    away = ok(call("POST", r + "/secret-id", {"cidr_list": "192.0.2.0/24"})).data["secret_id"]
    want(login(role_id, away), 400, "invalid role or secret ID")
    near = ok(call("POST", r + "/secret-id", {"cidr_list": "127.0.0.0/8",
                                              "token_bound_cidrs": "192.0.2.1"})).data
    t = ok(login(role_id, near["secret_id"])).auth["client_token"]
    want(self_of(t), 403)
    ok(call("POST", r, {"secret_id_bound_cidrs": "192.0.2.0/24"}))
    good = ok(call("POST", r + "/secret-id", {})).data["secret_id"]
    want(login(role_id, good), 400, "invalid role or secret ID")
    # no secret-id, but from here
    ok(call("POST", r, {"secret_id_bound_cidrs": "127.0.0.0/8", "bind_secret_id": False}))
    ok(login(role_id))
    want(call("POST", r + "/secret-id", {}), 400, "bind_secret_id is not set")


def test_mount_gone():
    """What an auth mount has given ends with it, and does not come back."""
    def prepare():
        ok(call("POST", "sys/auth/apps/deep", {"type": "approle"}))
        ok(call("POST", "auth/apps/deep/role/r", {"role_id": "rid", "token_policies": "root2"}))
        ok(call("POST", "auth/apps/deep/role/r/custom-secret-id", {"secret_id": "sid%d" % n}))
    for n in (1, 2):
        prepare()
        if n == 2:
            want(login("rid", "sid1", "apps/deep"), 400)
        t = ok(login("rid", "sid%d" % n, "apps/deep")).auth["client_token"]
        ok(self_of(t))
        ok(call("DELETE", "sys/auth/apps/deep"))
        want(self_of(t), 403)
        want(login("rid", "sid%d" % n, "apps/deep"), (403, 404))


def test_wrapping():
    wrap = {"X-Vault-Wrap-TTL": "60s"}
    ok(call("POST", "auth/approle/role/wrapped", {"token_policies": "x"}))
    a = ok(call("POST", "auth/approle/role/wrapped/secret-id", {}, headers=wrap)).json
    info = a["wrap_info"]
    assert a["data"] is None and info["ttl"] == 60, a
    assert info["creation_path"] == "auth/approle/role/wrapped/secret-id"
    for method, body, token in (("GET", None, info["token"]),
                                ("POST", {"token": info["token"]}, ROOT),
                                ("POST", {"token": info["token"]}, None)):
        d = ok(call(method, "sys/wrapping/lookup", body, token)).data
        assert d["creation_path"] == info["creation_path"] and d["creation_ttl"] == 60
    # It is no token of any other use.
    want(self_of(info["token"]), 403)
    want(call("GET", "sys/mounts", token=info["token"]), 403)
    a = ok(call("PUT", "sys/wrapping/unwrap", {}, info["token"]))
    role_id = ok(call("GET", "auth/approle/role/wrapped/role-id")).data["role_id"]
    ok(login(role_id, a.data["secret_id"]))
    for _ in range(2):
        want(call("PUT", "sys/wrapping/unwrap", {}, info["token"]), 400,
             "wrapping token is not valid or does not exist")
    want(call("PUT", "sys/wrapping/unwrap", {"token": "hvs.none"}), 400)
    want(call("PUT", "sys/wrapping/unwrap", {}, None), 400)
    # Many at once: one gets it.
    t = ok(call("POST", "sys/wrapping/wrap", {"k": "v"}, headers=wrap)).json["wrap_info"]["token"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: call("PUT", "sys/wrapping/unwrap", {"token": t}).status,
                            range(8)))
    assert got.count(200) == 1 and got.count(400) == 7, got
    # Over: the wrapper, a login, rewrapping, time.
    t = ok(call("POST", "sys/wrapping/wrap", {"k": ["v"]}, headers=wrap)).json["wrap_info"]["token"]
    u = ok(call("POST", "sys/wrapping/rewrap", {"token": t})).json["wrap_info"]
    assert u["creation_path"] == "sys/wrapping/wrap"
    want(call("PUT", "sys/wrapping/unwrap", {"token": t}), 400)
    assert ok(call("PUT", "sys/wrapping/unwrap", {"token": u["token"]})).data == {"k": ["v"]}
    want(call("POST", "sys/wrapping/wrap", {"k": 1}), 400)
    a = ok(call("POST", "auth/token/create", {"policies": ["default"]}, headers=wrap)).json
    inner = a["wrap_info"]["wrapped_accessor"]
    auth = ok(call("PUT", "sys/wrapping/unwrap", {}, a["wrap_info"]["token"])).auth
    assert auth["accessor"] == inner
    ok(self_of(auth["client_token"]))
    t = ok(call("POST", "sys/wrapping/wrap", {}, headers={"X-Vault-Wrap-TTL": "1"}))
    t = t.json["wrap_info"]["token"]
    while call("POST", "sys/wrapping/lookup", {"token": t}).status == 200:
        time.sleep(0.1)
    want(call("PUT", "sys/wrapping/unwrap", {"token": t}), 400)
    for bad in ("x", "-1", "1y"):
        want(call("POST", "sys/wrapping/wrap", {}, headers={"X-Vault-Wrap-TTL": bad}), 400)


def main():
    failed = 0
    for name in sys.argv[1:] or [n for n in globals() if n.startswith("test_")]:
        try:
            globals()[name]()
            print("%s: ok" % name, flush=True)
        except Exception:
            traceback.print_exc()
            failed += 1
    return failed


socket.setdefaulttimeout(60)
sys.exit(main())
