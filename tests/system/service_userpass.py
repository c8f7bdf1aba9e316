#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""auth/userpass beside a real OpenBao: rows, logins, renewals, lockout."""
import concurrent.futures
import sys

from service_api import Api
from service_pair import Pair

KNOWN = {
    "password hash": "hashes made elsewhere are not taken",
    "password of none": "a caller's mistake is no 500",
    "policies of none": "a caller's mistake is no 500",
    "no password": "a caller's mistake is no 500",
    "no password of none": "a caller's mistake is no 500",
    "renew policies changed": "a caller's mistake is no 500",
    "renew of none": "its tokens end with the user",
    "user batch": "no batch tokens",
    "nobody 6": "who is not there is locked out like anybody",
    ("policies read", "data.policies"): "old names are taken, not told",
    ("old names read", "data.policies"): "old names are taken, not told",
    ("old names read", "data.ttl"): "old names are taken, not told",
    ("old names read", "data.max_ttl"): "old names are taken, not told",
    ("old names read", "data.bound_cidrs"): "old names are taken, not told",
}
U = "auth/userpass/users/"


def want(condition, what):
    if not condition:
        raise SystemExit(what)


def users(p):
    p.ask("enable", "POST", "sys/auth/userpass", {"type": "userpass"})
    p.ask("users none", "LIST", "auth/userpass/users")
    p.ask("user none", "GET", U + "none")
    p.ask("user without password", "POST", U + "Bob", {})
    p.ask("user", "POST", U + "Bob", {"password": "pw", "token_policies": "default"})
    p.ask("user read", "GET", U + "bob")
    p.ask("user read upper", "GET", U + "BOB")
    p.ask("users", "LIST", "auth/userpass/users")
    p.ask("user again", "POST", U + "bob", {"token_ttl": "1h"})
    a, b = p.ask("user read again", "GET", U + "bob")
    want(a[1]["data"] == b[1]["data"], "user: %s, OpenBao %s" % (a, b))
    p.ask("user batch", "POST", U + "x", {"password": "pw", "token_type": "batch"})
    p.ask("user bad type", "POST", U + "x", {"password": "pw", "token_type": "x"})
    p.ask("user ttl order", "POST", U + "x", {"password": "pw", "token_ttl": 9, "token_max_ttl": 8})
    p.ask("user bad cidr", "POST", U + "x", {"password": "pw", "token_bound_cidrs": "x"})
    p.ask("password hash", "POST", U + "hash", {
        "password_hash": "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"})
    p.ask("old names", "POST", U + "old", {"password": "pw", "policies": "z", "ttl": 5,
                                           "max_ttl": 7, "bound_cidrs": "10.1.0.0/16"})
    a, b = p.ask("old names read", "GET", U + "old")
    for k in ("token_policies", "token_ttl", "token_max_ttl", "token_bound_cidrs"):
        want(a[1]["data"][k] == b[1]["data"][k], "old names: " + k)
    p.ask("from elsewhere", "POST", "auth/userpass/login/old", {"password": "pw"})
    # An object that is not there needs `create`.
    for caps, status in (("create", 204), ("update", 403)):
        p.ask("policy", "PUT", "sys/policies/acl/c",
              {"policy": 'path "auth/userpass/users/*" { capabilities = ["%s"] }' % caps})
        p.ask("token", "POST", "auth/token/create", {"policies": ["c"]},
              keep={"c": "auth.client_token"})
        a, b = p.ask("user by " + caps, "POST", U + "by" + caps, {"password": "pw"}, token="c")
        want(a[0] == b[0] == status, "user by %s: %s %s" % (caps, a, b))


def login(p, name, user, password, keep=None):
    return p.ask(name, "POST", "auth/userpass/login/" + user, {"password": password}, keep=keep)


def logins(p):
    a, b = login(p, "login", "BOB", "pw", keep={"t": "auth.client_token"})
    for k in ("metadata", "policies", "lease_duration", "orphan", "renewable"):
        want(a[1]["auth"][k] == b[1]["auth"][k], "login: " + k)
    a, b = p.ask("lookup", "GET", "auth/token/lookup-self", token="t")
    for k in ("display_name", "meta", "policies", "creation_ttl"):
        want(a[1]["data"][k] == b[1]["data"][k], "lookup: " + k)
    login(p, "wrong", "bob", "x")
    login(p, "nobody", "no.body", "x")
    p.ask("no password", "POST", "auth/userpass/login/bob", {})
    p.ask("no password of none", "POST", "auth/userpass/login/none", {})
    p.ask("renew", "PUT", "auth/token/renew-self", {}, token="t")
    p.ask("password", "POST", U + "bob/password", {"password": "other"})
    p.ask("password empty", "POST", U + "bob/password", {})
    p.ask("password of none", "POST", U + "none/password", {"password": "x"})
    login(p, "old password", "bob", "pw")
    login(p, "new password", "bob", "other")
    p.ask("renew after a new password", "PUT", "auth/token/renew-self", {}, token="t")
    p.ask("policies", "POST", U + "bob/policies", {"token_policies": "a,b"})
    p.ask("policies old", "POST", U + "bob/policies", {"policies": "b,c"})
    p.ask("policies of none", "POST", U + "none/policies", {"policies": "a"})
    a, b = p.ask("policies read", "GET", U + "bob")
    want(a[1]["data"]["token_policies"] == b[1]["data"]["token_policies"] == ["b", "c"], "policies")
    p.ask("renew policies changed", "PUT", "auth/token/renew-self", {}, token="t")
    p.ask("policies back", "POST", U + "bob/policies", {"policies": "default"})
    p.ask("user delete", "DELETE", U + "bob")
    p.ask("user delete again", "DELETE", U + "bob")
    login(p, "deleted", "bob", "other")
    p.ask("renew of none", "PUT", "auth/token/renew-self", {}, token="t")


def lockout(p):
    p.ask("eve", "POST", U + "eve", {"password": "pw"})
    for i in range(1, 5):
        login(p, "wrong %d" % i, "eve", "x")
    login(p, "right before the fifth", "eve", "pw")
    for i in range(1, 6):
        login(p, "wrong again %d" % i, "Eve", "x")
    login(p, "locked", "eve", "pw")
    login(p, "locked upper", "EVE", "pw")
    for i in range(1, 7):
        login(p, "nobody %d" % i, "mallory", "x")
    # Nobody else is.
    p.ask("dan", "POST", U + "dan", {"password": "pw"})
    login(p, "not locked", "dan", "pw")
    for api in p.apis:
        accessor = api.ok("GET", "sys/auth")["data"]["userpass/"]["accessor"]
        api.ok("POST", "sys/locked-users/%s/unlock/eve" % accessor, {})
    login(p, "unlocked", "eve", "pw")
    p.ask("disable", "DELETE", "sys/auth/userpass")


def many_at_once():
    """Guesses at once are not more than one after the other; right ones all get in, in time."""
    api = Api.ours()
    api.ok("POST", "sys/auth/userpass", {"type": "userpass"})
    for user in ("one", "two"):
        api.ok("POST", U + user, {"password": "pw"})

    def attempt(user, password):
        return Api.ours().ask("POST", "auth/userpass/login/" + user, {"password": password})[0]

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        got = list(pool.map(lambda i: attempt("one", "guess %d" % i), range(24)))
    want(got.count(400) <= 5 and set(got) <= {400, 403, 503}, "guesses at once: %s" % got)
    while attempt("one", "x") != 403:
        pass
    want(attempt("one", "pw") == 403, "locked")

    def persistent(_):
        while True:
            status = attempt("two", "pw")
            if status != 503:
                return status

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        got = list(pool.map(persistent, range(24)))
    want(got == [200] * 24, "logins at once: %s" % got)
    # The mount takes passwords and tokens with it.
    token = api.ask("POST", "auth/userpass/login/two", {"password": "pw"})[1]["auth"]["client_token"]
    api.ok("DELETE", "sys/auth/userpass")
    while api.ask("GET", "auth/token/lookup-self", None, {"X-Vault-Token": token})[0] != 403:
        pass
    api.ok("POST", "sys/auth/userpass", {"type": "userpass"})
    want(api.ask("POST", U + "two", {})[0] == 400, "a user without a password")
    want(attempt("two", "pw") == 400, "the old mount's user")


def main():
    p = Pair(KNOWN)
    for part in (users, logins, lockout):
        part(p)
    failed = p.end()
    many_at_once()
    return failed


sys.exit(main())
