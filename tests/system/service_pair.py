# SPDX-License-Identifier: Apache-2.0
"""The same request to ours and to a real OpenBao, for the tests beside it: statuses and shapes of
the answers are compared."""
import json

from service_api import Api


def shape(v):
    """Keys and types; lists by their first element."""
    if isinstance(v, dict):
        return {k: shape(x) for k, x in v.items()}
    if isinstance(v, list):
        return [shape(v[0])] if v else []
    if v is None or isinstance(v, bool):
        return v if v is None else "bool"
    return type(v).__name__


def differences(ours, theirs, where=""):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for k in sorted(set(ours) | set(theirs)):
            at = "%s.%s" % (where, k) if where else k
            if k not in ours or k not in theirs:
                yield at, "only %s" % ("OpenBao" if k in theirs else "ours")
            else:
                yield from differences(ours[k], theirs[k], at)
    elif ours != theirs:
        yield where, "%s, OpenBao %s" % (ours, theirs)


class Pair:
    """Both servers, and what earlier answers said (by name, of each). `known`: differences that
    are meant: a request, or (request or *, path in the answer), and why."""

    def __init__(self, known):
        self.meant = known
        self.apis = [Api.ours(), Api.openbao()]
        self.known = [{}, {}]
        self.failed = self.asked = 0
        self.used = set()

    def ask(self, name, method, path, body=None, keep=None, token=None, headers=None,
            cert=None):
        """The two answers; compared. `cert`: PEM file with a client certificate and its key."""
        got = []
        for server, known in zip(self.apis, self.known):
            api = server if cert is None else server.with_cert(cert)
            text = json.dumps(body).replace("%%", "%") if body is not None else None
            target = path
            for k, v in known.items():
                target = target.replace("{%s}" % k, v)
                text = text.replace("{%s}" % k, v) if text else text
            h = dict(headers or {})
            if token is not None:
                h["X-Vault-Token"] = known[token]
            status, answer = api.ask(method, target, json.loads(text) if text else None, h)
            got.append((status, answer))
            for k, where in (keep or {}).items():
                v = answer
                for step in where.split("."):
                    v = v[step]
                known[k] = v
        self.compare(name, got)
        return got

    def compare(self, name, got):
        self.asked += 1
        (a, x), (b, y) = got
        found = [("status", "%d, OpenBao %d %s" % (a, b, json.dumps(y)))] if a != b else []
        found += differences(shape(x), shape(y))
        for where, what in found:
            row = next((r for r in ((name, where), ("*", where), name) if r in self.meant), None)
            if row is not None:
                self.used.add(row)
                continue
            print("%s: %s: %s" % (name, where, what))
            self.failed += 1

    def end(self):
        """Prints; whether something was wrong."""
        for row in set(self.meant) - self.used:
            print("KNOWN is not: %s" % (row,))
            self.failed += 1
        print("%d requests, %d differences" % (self.asked, self.failed))
        return self.failed > 0
