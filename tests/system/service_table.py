# SPDX-License-Identifier: Apache-2.0
"""Requests as rows: what the service answers, and a real OpenBao where it has the same."""
import http.client
import json
import os
import ssl
import sys
import threading
import urllib.parse

FORM = "application/x-www-form-urlencoded"
PATCH = "application/merge-patch+json"


class Server:
    def __init__(self, name, addr, token, ca=None):
        self.name, self.token = name, token
        self.url = urllib.parse.urlsplit(addr)
        self.ca = ca

    def connect(self):
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(
                self.url.hostname, self.url.port, timeout=60,
                context=ssl.create_default_context(cafile=self.ca))
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)

    def ask(self, method, path, body=None, headers=None, token=True):
        sent = dict(headers or {})
        if token is True:
            token = self.token
        if token:
            sent.setdefault("X-Vault-Token", token)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        connection = self.connect()
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        octets = answer.read()
        connection.close()
        return answer.status, answer.headers, octets


ours = Server("ours", os.environ["VAULT_ADDR"], os.environ["VAULT_TOKEN"],
              os.environ["VAULT_CACERT"])
theirs = Server("OpenBao", os.environ["OPENBAO_ADDR"], "root")
failures = []


def fail(name, text):
    failures.append("%s: %s" % (name, text))


def errors(octets):
    return "\n".join(json.loads(octets)["errors"])


# --- what is there to ask ------------------------------------------------------------------------
for server in ours, theirs:
    for path, body in (("sys/mounts/pki", {"type": "pki"}),
                       ("sys/mounts/deep/er", {"type": "pki"}),
                       ("sys/auth/approle", {"type": "approle"}),
                       ("sys/policies/acl/leaf", {"policy":
                        'path "pki/issue/leaf" { capabilities = ["update"] }'}),
                       ("sys/policies/acl/bounded", {"policy":
                        'path "pki/roles/*" { capabilities = ["update"]\n'
                        'allowed_parameters = { "ttl" = ["1h"] } }'}),
                       ("pki/root/generate/internal", {"common_name": "Table Root",
                                                       "key_type": "ec", "ttl": "8760h"}),
                       ("pki/roles/leaf", {"allowed_domains": "example.com", "key_type": "ec",
                                           "allow_subdomains": True, "ttl": "1h"})):
        status, _, octets = server.ask("POST", "/v1/" + path, body)
        if status not in (200, 204):
            sys.exit("%s: %s: %d %s" % (server.name, path, status, octets))

    def token_of(policies, **more):
        _, _, octets = server.ask("POST", "/v1/auth/token/create",
                                  dict(policies=policies, **more))
        return json.loads(octets)["auth"]["client_token"]
    server.tokens = {"leaf": token_of(["leaf"]), "bounded": token_of(["bounded"]),
                     "revoked": token_of(["leaf"])}
    server.ask("POST", "/v1/auth/token/revoke", {"token": server.tokens["revoked"]})

BOTH, OURS = True, False
# (method, path, body, headers, token, status, text in it, whether OpenBao does the same)
ROWS = [
    # verbs
    ("GET", "/v1/pki/roles/leaf", None, {}, True, 200, '"data":{', BOTH),
    ("LIST", "/v1/pki/roles", None, {}, True, 200, '"keys":["leaf"]', BOTH),
    ("LIST", "/v1/pki/roles/", None, {}, True, 200, '"keys":["leaf"]', BOTH),
    ("GET", "/v1/pki/roles?list=true", None, {}, True, 200, '"keys":["leaf"]', BOTH),
    ("GET", "/v1/pki/roles?list=1", None, {}, True, 200, '"keys":["leaf"]', BOTH),
    ("GET", "/v1/pki/roles?list=maybe", None, {}, True, 400, "", BOTH),
    ("GET", "/v1/pki/roles?list=false", None, {}, True, 405, "unsupported operation", BOTH),
    ("LIST", "/v1/deep/er/roles", None, {}, True, 404, '{"errors":[]}', BOTH),
    ("POST", "/v1/pki/roles/a", {"max_ttl": "1h"}, {}, True, 200, '"data"', BOTH),
    ("PUT", "/v1/pki/roles/b", {"max_ttl": "1h"}, {}, True, 200, '"data"', BOTH),
    ("PATCH", "/v1/pki/roles/a", {"max_ttl": "2h"}, {"Content-Type": PATCH}, True, 200, "",
     BOTH),
    ("PATCH", "/v1/pki/roles/a", {"max_ttl": "2h"},
     {"Content-Type": PATCH + "; charset=utf-8"}, True, 200, "", BOTH),
    ("PATCH", "/v1/pki/roles/a", {"max_ttl": "2h"}, {"Content-Type": "application/json"}, True,
     415, "", BOTH),
    ("DELETE", "/v1/pki/roles/b", None, {}, True, 204, "", BOTH),
    ("DELETE", "/v1/pki/roles/b", None, {}, True, 204, "", BOTH),
    ("GET", "/v1/pki/roles/b", None, {}, True, 404, '{"errors":[]}', BOTH),
    ("OPTIONS", "/v1/pki/roles/a", None, {}, True, 405, "", OURS),
    ("BREW", "/v1/pki/roles/a", None, {}, True, 405, "", BOTH),
    ("DELETE", "/v1/pki/issue/leaf", None, {}, True, 405, "unsupported operation", BOTH),
    ("GET", "/v1/pki/issue/leaf", None, {}, True, 405, "unsupported operation", BOTH),
    # statuses of what is not there
    ("GET", "/v1/nowhere/x", None, {}, True, 404, "no handler for route", BOTH),
    ("GET", "/v1/pki/nowhere", None, {}, True, 404, "unsupported path", BOTH),
    ("GET", "/v1/sys/mounts/nowhere", None, {}, True, 400,
     "No secret engine mount at nowhere/", BOTH),
    ("DELETE", "/v1/sys/mounts/nowhere", None, {}, True, 204, "", BOTH),
    ("GET", "/v2/x", None, {}, True, 404, "", OURS),
    ("GET", "/", None, {}, True, 404, "", OURS),
    # tokens
    ("GET", "/v1/pki/roles/leaf", None, {}, None, 403, "permission denied", BOTH),
    ("GET", "/v1/pki/roles/leaf", None, {}, "nonsense", 403, "permission denied", BOTH),
    ("GET", "/v1/pki/roles/leaf", None, {}, "revoked", 403, "permission denied", BOTH),
    ("GET", "/v1/pki/roles/leaf", None, {}, "leaf", 403, "permission denied", BOTH),
    ("GET", "/v1/nowhere/x", None, {}, "leaf", 403, "permission denied", BOTH),
    ("GET", "/v1/nowhere/x", None, {}, None, 403, "permission denied", BOTH),
    ("POST", "/v1/pki/issue/leaf", {"common_name": "a.example.com"}, {}, "leaf", 200,
     '"private_key"', BOTH),
    ("GET", "/v1/sys/mounts", None, {"Authorization": "Bearer ours"}, None, 403, "", BOTH),
    # a policy sees the one form of a path: no way round it
    ("POST", "/v1/pki//issue/leaf", {"common_name": "a.example.com"}, {}, "leaf", 200, "",
     OURS),
    ("POST", "/v1/pki/roles/../issue/leaf", {}, {}, "leaf", 400, "segments are refused", OURS),
    ("POST", "/v1/pki/issue/leaf/../../roles/x", {}, {}, "leaf", 400, "segments are refused",
     OURS),
    ("POST", "/v1/pki/issue/leaf%2f..%2f..%2froles%2fx", {}, {}, "leaf", 400,
     "segments are refused", OURS),
    ("POST", "/v1/pki/issue/%2e%2e/roles/x", {}, {}, "leaf", 400, "segments are refused", OURS),
    ("POST", "/v1/pki/ISSUE/leaf", {}, {}, "leaf", 403, "permission denied", BOTH),
    ("POST", "/v1/pki/issue/leaf/", {"common_name": "a.example.com"}, {}, "leaf", 400,
     "cannot write to a path ending in '/'", BOTH),
    ("POST", "/v1/pki/issue/le%61f", {"common_name": "a.example.com"}, {}, "leaf", 200, "",
     BOTH),
    ("POST", "/v1/pki/issue%00/leaf", {}, {}, "leaf", 400, "", OURS),
    ("POST", "/v1/pki/issue/leaf%0d%0a", {}, {}, "leaf", 400, "", OURS),
    ("POST", "/v1/pki/issue/%ff", {}, {}, "leaf", 400, "", OURS),
    ("POST", "/v1/pki/issue/leaf%", {}, {}, "leaf", 400, "", OURS),
    # the policy judges parameters before the handler sees them
    ("POST", "/v1/pki/roles/c", {"ttl": "1h"}, {}, "bounded", 200, "", BOTH),
    ("POST", "/v1/pki/roles/c", {"ttl": "2h"}, {}, "bounded", 403, "permission denied", BOTH),
    ("POST", "/v1/pki/roles/c", {"ttl": "1h", "allow_any_name": True}, {}, "bounded", 403,
     "permission denied", BOTH),
    ("POST", "/v1/pki/roles/c", {"ttl": ["1h"]}, {}, "bounded", 403, "permission denied",
     OURS),
    # bodies
    ("POST", "/v1/pki/roles/d", '{"max_ttl":"1h"}', {"Content-Type": FORM}, True, 200, "",
     BOTH),
    ("POST", "/v1/pki/roles/d", '{"max_ttl":"1h"}', {"Content-Type": "text/plain"}, True, 200,
     "", BOTH),
    ("POST", "/v1/pki/roles/d", "max_ttl=1h&allow_localhost=false", {"Content-Type": FORM},
     True, 200, "", BOTH),
    ("POST", "/v1/pki/roles/d", "", {}, True, 200, "", BOTH),
    ("POST", "/v1/pki/roles/d", "null", {}, True, 200, "", OURS),
    ("POST", "/v1/pki/roles/d", "{", {}, True, 400, "failed to parse JSON input", OURS),
    ("POST", "/v1/pki/roles/d", "{", {}, True, 400, "", BOTH),
    ("POST", "/v1/pki/roles/d", "[1]", {}, True, 400, "", BOTH),
    ("POST", "/v1/pki/roles/d", '"x"', {}, True, 400, "", BOTH),
    ("POST", "/v1/pki/roles/d", '{"a":' + "[" * 40 + "]" * 40 + "}", {}, True, 400, "nested too deep",
     OURS),
    ("POST", "/v1/pki/roles/d", '{"ttl":"1h","ttl":"2h"}', {}, True, 400, "", OURS),
    ("POST", "/v1/pki/roles/d", b'{"ttl":"\xff"}', {}, True, 400, "", OURS),
    # typing, as the table of fields has it; the whole of it is in tests/unit/request_test.c
    ("POST", "/v1/pki/roles/e", {"allow_localhost": "t", "key_bits": "0", "max_ttl": "1h30m",
                                 "allowed_domains": "a.example,b.example"}, {}, True, 200, "",
     BOTH),
    ("POST", "/v1/pki/roles/e", {"allow_localhost": "maybe"}, {}, True, 400,
     'error converting input', OURS),
    ("POST", "/v1/pki/roles/e", {"allow_localhost": "maybe"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/pki/roles/e", {"key_bits": "many"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/pki/roles/e", {"max_ttl": "soon"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/pki/roles/e", {"max_ttl": "-1h"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/pki/roles/e", {"max_ttl": {}}, {}, True, 400, "", BOTH),
    ("POST", "/v1/pki/roles/e", {"name": "other", "max_ttl": 3600}, {}, True, 200,
     "Endpoint replaced the value of these parameters with the values captured from the "
     "endpoint's path: [name]", BOTH),
    ("POST", "/v1/pki/issue/leaf", {"common_name": "a.example.com", "zz": 1, "aa": 2}, {},
     True, 200, "Endpoint ignored these unrecognized parameters: [aa zz]", BOTH),
    ("GET", "/v1/pki/roles/e?zz=1", None, {}, True, 200, "", BOTH),
    # namespaces
    ("GET", "/v1/sys/mounts", None, {"X-Vault-Namespace": ""}, True, 200, "", BOTH),
    ("GET", "/v1/sys/mounts", None, {"X-Vault-Namespace": "root"}, True, 200, "", BOTH),
    ("GET", "/v1/sys/mounts", None, {"X-Vault-Namespace": "/"}, True, 200, "", BOTH),
    ("GET", "/v1/sys/mounts", None, {"X-Vault-Namespace": "other"}, True, 404, "", OURS),
    ("GET", "/v1/sys/health", None, {"X-Vault-Namespace": "other"}, None, 400, "", OURS),
    # wrapping
    ("GET", "/v1/sys/mounts", None, {"X-Vault-Wrap-TTL": "soon"}, True, 400, "", BOTH),
    ("GET", "/v1/sys/mounts", None, {"X-Vault-Wrap-TTL": "-5"}, True, 400, "", BOTH),
    ("GET", "/v1/pki/roles/e", None, {"X-Vault-Wrap-TTL": "60s"}, True, 200,
     '"wrap_info":{', BOTH),
    ("GET", "/v1/pki/roles/e", None, {"X-Vault-Wrap-TTL": "60"}, True, 200,
     '"wrap_info":{', BOTH),
    # system
    ("GET", "/v1/sys/health", None, {}, None, 200, '"initialized":true,"sealed":false', OURS),
    ("GET", "/v1/sys/health?activecode=299", None, {}, None, 299, "", BOTH),
    ("GET", "/v1/sys/health?activecode=x", None, {}, None, 400, "", BOTH),
    ("HEAD", "/v1/sys/health", None, {}, None, 200, "", BOTH),
    ("GET", "/v1/sys/init", None, {}, None, 200, '"initialized":true', BOTH),
    ("PUT", "/v1/sys/init", {}, {}, None, 400, "already initialized", BOTH),
    ("GET", "/v1/sys/seal-status", None, {}, None, 200, '"sealed":false', BOTH),
    ("GET", "/v1/sys/leader", None, {}, None, 200, '"ha_enabled":false', BOTH),
    ("POST", "/v1/sys/mounts/pki", {"type": "pki"}, {}, True, 400,
     "path is already in use at pki/", BOTH),
    ("POST", "/v1/sys/mounts/pki/below", {"type": "pki"}, {}, True, 400,
     "path is already in use at pki/", OURS),
    ("POST", "/v1/sys/mounts/deep", {"type": "pki"}, {}, True, 400, "already in use", OURS),
    ("POST", "/v1/sys/mounts/sys/x", {"type": "pki"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/sys/mounts/auth/x", {"type": "pki"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/sys/mounts/x", {}, {}, True, 400, "", BOTH),
    ("POST", "/v1/sys/mounts/x", {"type": "nonsense"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/sys/mounts/x", {"type": "approle"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/sys/auth/x", {"type": "pki"}, {}, True, 400, "", BOTH),
    ("POST", "/v1/sys/mounts/x", {"type": "pki", "config": {"max_lease_ttl": "soon"}}, {},
     True, 400, "", BOTH),
    ("POST", "/v1/sys/mounts/x", {"type": "pki", "config": {"default_lease_ttl": "2h",
                                                           "max_lease_ttl": "1h"}}, {}, True,
     400, "", BOTH),
    ("DELETE", "/v1/sys/mounts/sys", None, {}, True, 400, "cannot unmount", BOTH),
    ("DELETE", "/v1/sys/auth/token", None, {}, True, 400, "", BOTH),
    ("GET", "/v1/sys/mounts/pki/tune", None, {}, True, 200, '"max_lease_ttl":2764800', BOTH),
    ("POST", "/v1/sys/mounts/pki/tune", {"max_lease_ttl": "87600h"}, {}, True, 204, "", BOTH),
    ("GET", "/v1/sys/mounts/pki/tune", None, {}, True, 200, '"max_lease_ttl":315360000', BOTH),
    ("GET", "/v1/sys/mounts/pki/", None, {}, True, 200, '"type":"pki"', OURS),
    ("POST", "/v1/sys/mounts/pki/tune", {"max_lease_ttl": "system"}, {}, True, 204, "", BOTH),
    ("GET", "/v1/sys/mounts/pki/tune", None, {}, True, 200, '"max_lease_ttl":2764800', BOTH),
    ("POST", "/v1/sys/mounts/pki/tune", {"listing_visibility": "loud"}, {}, True, 400, "",
     BOTH),
    ("POST", "/v1/sys/mounts/nowhere/tune", {"max_lease_ttl": "1h"}, {}, True, 400, "", OURS),
    ("GET", "/v1/sys/auth/approle/tune", None, {}, True, 200, '"default_lease_ttl":2764800',
     BOTH),
    ("GET", "/v1/sys/internal/ui/mounts/pki/issue/leaf", None, {}, "leaf", 200,
     '"path":"pki/"', BOTH),
    ("GET", "/v1/sys/internal/ui/mounts/deep/er/roles", None, {}, "leaf", 403,
     "preflight capability check returned 403", BOTH),
    ("GET", "/v1/sys/internal/ui/mounts/nowhere/x", None, {}, "leaf", 403,
     "preflight capability check returned 403", BOTH),
    ("GET", "/v1/sys/internal/ui/mounts/pki/issue/leaf", None, {}, None, 403, "", BOTH),
    ("PUT", "/v1/sys/leases/lookup", {"lease_id": "pki/issue/leaf/abc"}, {}, True, 400, "",
     BOTH),
    ("PUT", "/v1/sys/leases/renew", {"lease_id": "pki/issue/leaf/abc"}, {}, True, 400, "",
     BOTH),
    ("PUT", "/v1/sys/leases/revoke", {"lease_id": "pki/issue/leaf/abc"}, {}, True, 204, "",
     BOTH),
    ("POST", "/v1/sys/remount", {"from": "pki", "to": "pki2"}, {}, True, 400, "cannot be moved",
     OURS),
    ("GET", "/v1/pki/issue/leaf?help=1", None, {}, True, 200, "common_name", BOTH),
    ("GET", "/v1/pki/issue/leaf?help=1", None, {}, None, 403, "", BOTH),
]


def check(row):
    method, path, body, headers, token, status, text, both = row
    name = "%s %s %s" % (method, path, "" if body is None else body)
    for server in (ours, theirs) if both else (ours,):
        got, answer, octets = server.ask(
            method, path, body, headers, server.tokens.get(token, token)
            if isinstance(token, str) else token)
        # Go's encoder sorts and may add; the text is for ours, the status for both.
        if got != status:
            fail(name, "%s: %d, not %d: %s" % (server.name, got, status, octets[:300]))
        if server is not ours:
            continue
        if text not in octets.decode().replace('\\"', '"') and text not in octets.decode():
            fail(name, "no %r in %s" % (text, octets[:400]))
        if answer["Cache-Control"] != "no-store":
            fail(name, "Cache-Control: %s" % answer["Cache-Control"])
        if got >= 400 and method != "HEAD":
            if answer["Content-Type"] != "application/json" or \
                    not isinstance(json.loads(octets)["errors"], list):
                fail(name, "not an error body: %s" % octets)
        if got == 204 and octets:
            fail(name, "204 with a body")


for row in ROWS:
    check(row)

# --- envelope: the same names as OpenBao's ---------------------------------------------------------
shapes = []
for server in ours, theirs:
    _, _, octets = server.ask("GET", "/v1/pki/roles/leaf")
    shapes.append(set(json.loads(octets)))
    _, _, octets = server.ask("GET", "/v1/sys/mounts/pki/tune")
    flat = json.loads(octets)
    if any(key not in flat for key in flat["data"]):
        fail("tune", "%s: data is not at the top" % server.name)
if shapes[0] != shapes[1]:
    fail("envelope", "%s, not %s" % shapes)

# --- a mount that goes takes its roles along, its certificates too ------------------------------------
ours.ask("DELETE", "/v1/sys/mounts/pki")
ours.ask("POST", "/v1/sys/mounts/pki", {"type": "pki"})
for path in "roles", "certs", "issuers", "keys":
    status, _, octets = ours.ask("LIST", "/v1/pki/" + path)
    if status != 404:
        fail("new mount", "%s: %d %s" % (path, status, octets))

# --- 32 MiB is the end --------------------------------------------------------------------------------
large = '{"a":"' + "x" * ((32 << 20) + 1) + '"}'
try:
    status = ours.ask("POST", "/v1/pki/roles/z", large)[0]
except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
    status = 413  # told, and closed before we had sent it all
if status != 413:
    fail("33 MiB", "%d" % status)

# --- changes from many connections at once: each is made, none is lost, none twice ----------------------
def many(worker):
    for i in range(12):
        for method, path, body in (
                ("POST", "pki/roles/p-%d-%d" % (worker, i), {"ttl": "1h"}),
                ("POST", "sys/policies/acl/p-%d-%d" % (worker, i), {"policy": 'path "a" { }'}),
                ("POST", "sys/mounts/m-%d" % worker, {"type": "pki"}),
                ("DELETE", "sys/mounts/m-%d" % worker, None),
                ("POST", "sys/mounts/shared", {"type": "pki"})):
            status, _, octets = ours.ask(method, "/v1/" + path, body)
            if status not in (200, 204) and not path.endswith("shared"):
                fail("parallel", "%s: %d %s" % (path, status, octets))
            if path.endswith("shared"):
                made.append(status)


made = []
threads = [threading.Thread(target=many, args=(n,)) for n in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if made.count(204) != 1 or made.count(400) != len(made) - 1:
    fail("parallel", "a mount made %d times in %d" % (made.count(204), len(made)))
for path, wanted in (("pki/roles", 72), ("sys/policies/acl", 72)):
    keys = json.loads(ours.ask("LIST", "/v1/" + path)[2])["data"]["keys"]
    if len([key for key in keys if key.startswith("p-")]) != wanted:
        fail("parallel", "%s: %d" % (path, len(keys)))
mounts = json.loads(ours.ask("GET", "/v1/sys/mounts")[2])["data"]
if [name for name in mounts if name.startswith("m-")]:
    fail("parallel", "mounts: %s" % list(mounts))

# --- OpenAPI names what is mounted ---------------------------------------------------------------------
status, _, octets = ours.ask("GET", "/v1/sys/internal/specs/openapi")
paths = json.loads(octets)["paths"]
for path in "/pki/issue/{role}", "/sys/mounts/{path}", "/auth/approle/login":
    if path not in paths:
        fail("openapi", "no %s in %d paths" % (path, len(paths)))

print("%d rows, %d of them as OpenBao" % (len(ROWS), sum(row[-1] for row in ROWS)))
print("\n".join(failures))
sys.exit(1 if failures else 0)
