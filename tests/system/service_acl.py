#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random policies, here and in a real OpenBao: sys/capabilities has to say the same, of every
path; requests with random parameters have to be allowed alike (texts only: a number, or a list
with a denied text in it, is refused here where OpenBao lets it pass). A difference prints the
policies and the seed."""
import json
import os
import random
import sys

from service_api import Api

ROUNDS = int(os.environ.get("CHANCERY_ACL_ROUNDS", "150"))
SEGMENTS = ["a", "b", "ab", "abc", "x"]
CAPABILITIES = ["create", "read", "update", "delete", "list", "sudo", "patch", "deny"]


def random_path(r):
    """As policies have them: exact, prefix, with '+'; now and then odd."""
    parts = []
    for _ in range(r.randint(1, 4)):
        parts.append("+" if r.random() < 0.3 else r.choice(SEGMENTS))
    path = "/".join(parts)
    kind = r.random()
    if kind < 0.25:
        path += "/*"
    elif kind < 0.4 and not path.endswith("+"):
        path += "*"
    elif kind < 0.5:
        path += "/"
    odd = r.random()
    if odd < 0.03:
        path = "/" + path
    elif odd < 0.05:
        path = path.replace("/", "/*/", 1)
    elif odd < 0.07:
        path = path.replace("a", "+a", 1)
    elif odd < 0.08:
        path = "*"
    return path


def random_policy(r):
    stanzas = []
    for _ in range(r.randint(1, 8)):
        if r.random() < 0.15:
            body = 'policy = "%s"' % r.choice(["read", "write", "sudo", "deny"])
        else:
            body = "capabilities = %s" % json.dumps(
                r.sample(CAPABILITIES[:-1], r.randint(0, 4)) +
                (["deny"] if r.random() < 0.1 else []))
        stanzas.append('path "%s" { %s }' % (random_path(r), body))
    return "\n".join(stanzas)


def asked_paths(r):
    paths = set()
    for _ in range(40):
        path = "/".join(r.choice(SEGMENTS) for _ in range(r.randint(1, 5)))
        paths.add(path + ("/" if r.random() < 0.3 else ""))
    return sorted(paths)


def capabilities(api, seed, policies, paths):
    names = []
    for i, text in enumerate(policies):
        names.append("acl-%d" % i)
        api.ok("PUT", "sys/policies/acl/" + names[-1], {"policy": text})
    token = api.ok("POST", "auth/token/create", {
        "policies": names, "no_default_policy": True, "ttl": "1h"})["auth"]["client_token"]
    answer = api.ok("POST", "sys/capabilities", {"token": token, "paths": paths})["data"]
    api.ok("POST", "auth/token/revoke", {"token": token})
    return {p: answer[p] for p in paths}


NAMES = ["k1", "k2", "K3", "*"]
VALUES = ["v", "vv", "*v", "v*", "*v*", "*", "**", "w", "", "v*w"]


def random_values(r):
    return r.sample(VALUES, r.randint(0, 3))


def random_narrow(r):
    keys = ['capabilities = ["update"]']
    for key in ("allowed_parameters", "denied_parameters"):
        if r.random() < 0.6:
            names = r.sample(NAMES[:-1], r.randint(0, 3))
            if r.random() < 0.2:
                names.append("*")
            keys.append("%s = { %s }" % (key, ", ".join(
                '"%s" = %s' % (n, json.dumps(random_values(r))) for n in names)))
    if r.random() < 0.3:
        keys.append("required_parameters = %s" % json.dumps(
            r.sample(NAMES[:-1], r.randint(0, 2))))
    return 'path "sys/capabilities-self" {\n%s\n}' % "\n".join(keys)


def random_body(r):
    names = r.sample(["k1", "k2", "k3", "K1", "K3", "other"], r.randint(0, 3))
    body = {n: r.choice(["v", "vv", "xv", "vx", "xvx", "w", "", "*", "v*", "vw"]) for n in names}
    if r.random() < 0.2:
        body["k1"] = None
    return body


def statuses(api, policies, bodies):
    names = []
    for i, text in enumerate(policies):
        names.append("par-%d" % i)
        api.ok("PUT", "sys/policies/acl/" + names[-1], {"policy": text})
    token = api.ok("POST", "auth/token/create", {
        "policies": names, "no_default_policy": True, "ttl": "1h"})["auth"]["client_token"]
    got = [api.ask("POST", "sys/capabilities-self", b, {"X-Vault-Token": token})[0]
           for b in bodies]
    api.ok("POST", "auth/token/revoke", {"token": token})
    return got


def parameters(ours, theirs, seeds):
    asked = denied = 0
    for seed in seeds:
        r = random.Random("parameters %d" % seed)
        policies = [random_narrow(r) for _ in range(r.randint(1, 3))]
        bodies = [random_body(r) for _ in range(12)]
        # Something else has to be there, or the handler answers 400: that is allowed.
        a, b = statuses(ours, policies, bodies), statuses(theirs, policies, bodies)
        for body, x, y in zip(bodies, a, b):
            asked += 1
            denied += y == 403
            if (x == 403) != (y == 403):
                print("\n---\n".join(policies))
                raise SystemExit("seed %d: %s: ours %d, OpenBao %d" % (seed, body, x, y))
    print("%d requests with parameters, %d of them denied: as OpenBao" % (asked, denied))


def main():
    ours, theirs = Api.ours(), Api.openbao()
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    parameters(ours, theirs, range(first, first + ROUNDS))
    asked = denied = 0
    for seed in range(first, first + ROUNDS):
        r = random.Random(seed)
        policies = [random_policy(r) for _ in range(r.randint(1, 3))]
        paths = asked_paths(r)
        a = capabilities(ours, seed, policies, paths)
        b = capabilities(theirs, seed, policies, paths)
        asked += len(paths)
        denied += sum(v == ["deny"] for v in b.values())
        for path in paths:
            if a[path] != b[path]:
                print("\n---\n".join(policies))
                raise SystemExit("seed %d: %s: ours %s, OpenBao %s"
                                 % (seed, path, a[path], b[path]))
    print("%d paths under %d sets of policies, %d of them denied: as OpenBao" %
          (asked, ROUNDS, denied))


main()
