#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random valid and invalid requests by sys/internal/specs/openapi, one after another, and what has
to hold whatever they were: a caller's mistake is no 5xx and changes nothing that can be read, and
no answer has a secret that an earlier one gave away.

service_grammar.py SECRETS SEED STEPS CSR    secrets that were given go to that file, a line each
"""
import hashlib
import json
import random
import re
import sys
import urllib.parse

from service_api import Api

MERGE = {"Content-Type": "application/merge-patch+json"}
# What ends the caller's own token, or is the operating system's root's alone.
LEFT_OUT = {"/auth/token/revoke-self", "/sys/internal/chancery/root-token"}
READ = ("roles", "issuers", "keys", "certs", "certs/revoked", "config/issuers", "config/keys",
        "config/urls", "config/crl", "config/cluster", "config/auto-tidy")
STATE = tuple("g/" + path for path in READ) + (
    "sys/mounts", "sys/auth", "sys/policies/acl", "auth/token/roles", "auth/a/role",
    "sys/internal/chancery/socket-peers")
TEXTS = ("", "x", "a.example.com", "*.example.com", "default", "none", "1h", "60", "-1", "true",
         "ü", "a b", "../x", "%", "{{x}}", "x" * 300, "1.2.3;UTF8:x", "10.0.0.1", "http://h/x",
         "2027-01-01T00:00:00Z", "rsa", "ec", "ed25519", "pem", "der", "pem_bundle", "internal",
         "root", "11:22", "ServerAuth", "10.0.0.0/8", "spiffe://a/b", "\u0000", "a,b", "[]", "{}")
ODD = (None, True, False, 0, -1, 1.5, 2 ** 70, [], {}, [None], [[]], {"a": {"b": 1}}, ["a", 1])
SECRET = {"client_token", "secret_id", "private_key", "token"}


class Grammar:
    def __init__(self, seed, csr):
        self.api = Api.ours()
        self.random = random.Random(seed)
        self.secrets, self.pool = set(), {"csr": [csr], "pem": []}
        self.wrong, self.statuses = [], {}
        self.paths, self.own = [], set()

    # --- the world ---
    def begin(self):
        for path, body in (
                ("sys/mounts/g", {"type": "pki"}), ("sys/auth/a", {"type": "approle"}),
                ("g/root/generate/internal", {"common_name": "G", "key_type": "ec",
                                              "issuer_name": "first", "ttl": "700h"}),
                ("g/roles/r", {"key_type": "ec", "allow_any_name": True, "ttl": "1h"}),
                ("g/roles/s", {"key_type": "any", "allow_any_name": True, "require_cn": False}),
                ("auth/a/role/r", {"token_policies": "default"}),
                ("auth/token/roles/r", {"allowed_policies": "default,p"}),
                ("sys/policies/acl/p", {"policy": 'path "g/*" { capabilities = ["read"] }'})):
            self.api.ok("POST", path, body)
        own = self.api.ok("GET", "auth/token/lookup-self")["data"]
        self.own = {own["id"], own["accessor"]}
        spec = self.api.ok("GET", "sys/internal/specs/openapi")
        for path, about in sorted(spec["paths"].items()):
            for method in ("get", "post", "put", "patch", "delete"):
                if method in about and path not in LEFT_OUT:
                    self.paths += [(path, method.upper(), about[method], about)] * (
                        6 if re.search("issue/|sign/|/create$|secret-id$|approle/login", path)
                        else 1)

    # --- values ---
    # A request with all fields at random is refused for the first one: some make sense.
    GOOD = {"common_name": ("a.example.com", "b.example.com"), "alt_names": ("c.example.com",),
            "ttl": ("60", "1h", ""), "key_type": ("ec",), "key_bits": (0, 256), "format": ("pem",),
            "type": ("pki", "approle", ""), "ip_sans": ("10.0.0.1",), "policies": ("default",),
            "uri_sans": ("",), "other_sans": ("",), "not_after": ("",), "not_before": ("",),
            "id": ("",), "private_key_format": ("pkcs8", "der"), "period": ("",),
            "entity_alias": ("",), "explicit_max_ttl": ("",), "user_ids": ("",),
            "serial_number": ("",), "num_uses": (0,), "cidr_list": ([],), "metadata": ("{}",),
            "token_bound_cidrs": ([],)}
    sense = 0

    def pick(self, values):
        return self.random.choice(values)

    def text(self, name=""):
        known = self.pool.get(name, [])
        if known and self.random.random() < 0.6:
            return self.pick(known)
        return self.pick(TEXTS)

    def value(self, name, schema):
        roll = self.random.random()
        if name in self.GOOD and roll < self.sense:
            return self.pick(self.GOOD[name])
        if roll > 0.95:
            return self.pick(ODD)
        kind = schema.get("type")
        if "default" in schema and roll < 0.2:
            return schema["default"]
        if name in ("csr", "certificate", "pem_bundle") and roll < 0.8:
            return self.text("csr" if name == "csr" else "pem")
        if kind == "boolean":
            return self.pick((True, False, "true", "0", "maybe"))
        if kind == "integer":
            return self.pick((0, 1, 256, 2048, "60", "many", -5))
        if kind == "array":
            return [self.text(name) for _ in range(self.random.randrange(3))] \
                if roll < 0.6 else self.text(name)
        if kind == "object":
            return self.pick(({}, {"a": "b"}, {"max_lease_ttl": "1h"}, "x"))
        return self.text(name)

    def segment(self, name):
        known = {"role": ["r", "s"], "name": ["r", "s", "t", "p"], "role_name": ["r", "t"],
                 "ref": ["default", "first"], "type": ["internal", "existing", "kms", "exported"],
                 "path": ["g", "other/x", "a", "b"], "serial": self.pool.get("serial_number", [])}
        if known.get(name) and self.random.random() < 0.8:
            return self.pick(known[name])
        return self.text(name).replace("/", "") or "x"

    def request(self):
        path, method, about, whole = self.pick(self.paths)
        for name in re.findall(r"\{(\w+)\}", path):
            path = path.replace("{%s}" % name, urllib.parse.quote(self.segment(name), safe=""))
        # The mount that everything is about stays.
        if method == "DELETE" and path.rstrip("/") in ("/sys/mounts/g", "/sys/auth/a"):
            path += "x"
        if method == "GET":
            listed = any(p["name"] == "list" for p in about.get("parameters", []))
            asked = ["list=true"] if listed and self.random.random() < 0.9 else []
            for p in whole.get("parameters", []):
                if p["in"] == "query" and self.random.random() < 0.3:
                    asked.append("%s=%s" % (p["name"], urllib.parse.quote(self.text(p["name"]))))
            return method, path.lstrip("/") + ("?" + "&".join(asked) if asked else ""), None
        schema = about.get("requestBody", {}).get("content", {}).get(
            "application/json", {}).get("schema", {}).get("properties", {})
        share = self.pick((0.1, 0.3, 0.7))
        self.sense = self.pick((0, 0.5, 1))
        body = {name: self.value(name, s) for name, s in schema.items()
                if self.random.random() < share or name in ("csr", "common_name", "type")}
        if self.random.random() < 0.05:
            body["nonsense"] = self.pick(ODD)
        return method, path.lstrip("/"), None if method == "DELETE" else body

    # --- what has to hold ---
    def digest(self):
        whole = hashlib.sha256()
        for path in STATE:
            for method in ("GET", "LIST"):
                status, answer = self.api.ask(method, path)
                if status == 200:
                    keys = (answer["data"] or {}).get("keys", [])
                    whole.update(json.dumps(answer["data"], sort_keys=True).encode())
                    for key in keys if path in ("g/roles", "g/issuers", "auth/a/role",
                                                "auth/token/roles", "sys/policies/acl") else ():
                        one = {"g/issuers": "g/issuer"}.get(path, path)
                        answer = self.api.ask("GET", "%s/%s" % (
                            one, urllib.parse.quote(key, safe="")))[1]
                        whole.update(json.dumps((answer or {}).get("data"),
                                                sort_keys=True).encode())
        return whole.hexdigest()

    def note(self, text, asked, status, octets):
        self.wrong.append("%s: %s: %d %s" % (text, json.dumps(asked)[:600], status, octets[:300]))

    def learn(self, answer, sent):
        """What later requests may name, and what no later answer may tell."""
        for part in ("data", "auth", "wrap_info"):
            for name, v in ((answer or {}).get(part) or {}).items():
                # Naming the token that asks would end the test.
                if not isinstance(v, str) or v == "" or v in self.own:
                    continue
                # Names of the caller's own are no secrets of ours.
                if name in SECRET and len(v) >= 20 and json.dumps(v) not in sent:
                    self.secrets.add(v.strip())
                self.pool.setdefault(name, []).append(v)
                if "BEGIN CERTIFICATE-" in v:
                    self.pool["pem"].append(v)
                if "CERTIFICATE REQUEST" in v:
                    self.pool["csr"].append(v)
        for values in self.pool.values():
            del values[:-50]
        for name in "client_token", "accessor":
            self.pool.setdefault({"client_token": "token"}.get(name, name), []).extend(
                self.pool.get(name, [])[-1:])

    def step(self):
        asked = self.request()
        sample = self.random.random() < 0.02
        before = self.digest() if sample else None
        headers = dict(MERGE) if asked[0] == "PATCH" else {}
        if self.random.random() < 0.03:
            headers["X-Vault-Wrap-TTL"] = self.pick(("60", "1h", "x"))
        octets = None if asked[2] is None else json.dumps(asked[2]).encode()
        status, _, said = self.api.octets(asked[0], asked[1], octets, headers)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status == 403 and self.api.ask("GET", "auth/token/lookup-self")[0] != 200:
            self.note("the token is gone", asked, status, said)
            raise SystemExit("\n".join(self.wrong))
        if status >= 500 and not asked[1].startswith("sys/health"):
            self.note("5xx", asked, status, said)
        sent = json.dumps(asked)
        text = said.decode("utf-8", "replace")
        plain = json.loads(text) if text.startswith("{") else None
        for secret in self.secrets:
            shown = json.dumps(secret)[1:-1]
            if shown in text and shown not in sent:
                self.note("a secret told again", asked, status, said)
        if sample and 400 <= status < 500:
            self.samples += 1
            if self.digest() != before:
                self.note("an error changed something", asked, status, said)
        if 200 <= status < 300 and plain is not None:
            self.learn(plain, sent)

    samples = 0

    def run(self, steps):
        self.begin()
        for _ in range(steps):
            self.step()
            if len(self.wrong) >= 20:
                break
        print("statuses: %s; %d errors looked at for what they changed; %d secrets" % (
            dict(sorted(self.statuses.items())), self.samples, len(self.secrets)))
        print("\n".join(self.wrong))
        return self.wrong


def lines_of(secrets):
    """Private keys by a line from their middle; the public half stands at an end."""
    for secret in secrets:
        lines = secret.split("\n")
        if "PRIVATE KEY" in lines[0]:
            yield lines[1]
        elif len(secret) >= 20:
            yield secret


def main():
    seed, steps = int(sys.argv[2]), int(sys.argv[3])
    print("seed %d, %d steps" % (seed, steps), flush=True)
    with open(sys.argv[4], encoding="ascii") as f:
        grammar = Grammar(seed, f.read())
    wrong = grammar.run(steps)
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines_of(grammar.secrets))
    sys.exit(1 if wrong or grammar.samples == 0 else 0)


main()
