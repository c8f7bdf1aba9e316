#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens of another Vault, over a running service: see service_vault_tokens.sh."""
import concurrent.futures
import http.client
import http.server
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import traceback
import urllib.parse

from service_api import until

WORK = os.environ["WORK"]
HOME = WORK + "/home"
DAEMON = int(os.environ["CHANCERYD"])
ADDR = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])
BAO = urllib.parse.urlsplit(os.environ["OPENBAO_ADDR"])
ROOT = os.environ["VAULT_TOKEN"]
TLS = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
bao_process = int(os.environ["OPENBAO"])
BASE = open(HOME + "/chancery.yaml").read()
used = open(WORK + "/tokens-used", "a")


class Answer:
    def __init__(self, status, raw):
        self.status, self.raw = status, raw
        self.json = json.loads(raw) if raw.strip().startswith(b"{") else {}

    @property
    def data(self):
        return self.json["data"]

    @property
    def errors(self):
        return " ".join(self.json.get("errors") or [])

    def __repr__(self):
        return "%d %s" % (self.status, self.raw[:300])


def ask(connection, method, path, body, headers):
    connection.request(method, "/v1/" + path,
                       None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return Answer(answer.status, answer.read())


def call(method, path, body=None, token=ROOT):
    """Ours."""
    c = http.client.HTTPSConnection(ADDR.hostname, ADDR.port, context=TLS, timeout=60)
    try:
        return ask(c, method, path, body, {"X-Vault-Token": token} if token else {})
    finally:
        c.close()


def bao(method, path, body=None, token="root", namespace=None):
    c = http.client.HTTPConnection(BAO.hostname, BAO.port, timeout=60)
    headers = {"X-Vault-Token": token}
    if namespace:
        headers["X-Vault-Namespace"] = namespace
    try:
        a = ask(c, method, path, body, headers)
    finally:
        c.close()
    assert a.status < 300, a
    return a


def bao_token(namespace=None, **fields):
    a = bao("POST", "auth/token/create", fields, namespace=namespace)
    token = a.json["auth"]["client_token"]
    print(token, file=used, flush=True)
    return token


def want(answer, status, text=""):
    assert answer.status == status and text in answer.raw.decode(), \
        "%r, not %d with \"%s\"" % (answer, status, text)
    return answer


# Root may read and write it, a token with the policy "here" read it.
def read(token):
    for _ in range(5):
        try:
            return call("GET", "sys/policies/acl/here", token=token)
        except http.client.RemoteDisconnected:
            # The head of a request has 5 s, and of a hundred clients on a loaded machine some
            # need longer.
            pass
    raise SystemExit("closed without an answer, again and again")


# ---- a Vault of the test's own ----------------------------------------------------------------------

GOOD = {"accessor": "fakeaccessor", "display_name": "fake", "policies": ["ops"], "num_uses": 0,
        "ttl": 3600, "expire_time": "2099-01-01T00:00:00Z", "type": "service", "path": "x"}


def without(key):
    return {k: v for k, v in GOOD.items() if k != key}


class Fake(http.server.BaseHTTPRequestHandler):
    """A token's text says what is answered: "s.fake.<what>.<anything>"."""
    protocol_version = "HTTP/1.1"
    asked, lock = [], threading.Lock()
    release = threading.Event()

    def log_message(self, *args):
        pass

    def send(self, status, raw, headers=()):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        token = self.headers.get("X-Vault-Token")
        with Fake.lock:
            Fake.asked.append((token, self.headers.get("X-Vault-Namespace")))
        what = token.split(".")[2] if token.count(".") >= 2 else "refuse"
        kind, value = BODIES.get(what, ("status", 403))
        if kind == "hang":
            Fake.release.wait(60)
            self.close_connection = True
        elif kind == "close":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            self.close_connection = True
        elif kind == "raw":
            self.wfile.write(value)
            self.close_connection = True
        elif kind == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not Fake.release.wait(0.1):
                try:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                except OSError:
                    break
            self.close_connection = True
        elif kind == "status":
            self.send(value, b"" if value == 204 else b'{"errors":["permission denied"]}')
        elif kind == "body":
            self.send(200, value)
        elif kind == "bare":
            self.send(value, b"<html>no</html>")
        elif kind == "redirect":
            self.send(307, b"", [("Location", "http://127.0.0.1:%d/elsewhere" % value)])
        else:
            self.send(200, json.dumps({"data": dict({"id": token}, **value)}).encode())


# What is answered with 200 and is no answer: 503, whatever it is.
GARBAGE = {
    "empty": ("body", b""),
    "text": ("body", b"hello"),
    "array": ("body", b"[]"),
    "half": ("body", b'{"data":{"accessor":'),
    "null": ("body", b'{"data":null}'),
    "twice": ("body", b'{"data":{},"data":{}}'),
    "utf8": ("body", b'{"data":{"accessor":"\xff\xfe"}}'),
    "deep": ("body", b"[" * 60000),
    "long": ("body", b'{"data":"' + b"x" * 200000 + b'"}'),
    "closed": ("close", None),
    "nohttp": ("raw", b"SSH-2.0-OpenSSH_9.2\r\n"),
    "hugehead": ("raw", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500000),
    "noid": ("data", dict(GOOD, id=None)),
    "otherid": ("data", dict(GOOD, id="s.fake.otherid.x")),
    "nopolicies": ("data", without("policies")),
    "numberpolicies": ("data", dict(GOOD, policies=[1])),
    "textpolicies": ("data", dict(GOOD, policies="ops")),
    "manypolicies": ("data", dict(GOOD, policies=["p%d" % i for i in range(129)])),
    "longpolicy": ("data", dict(GOOD, policies=["ops", "p" * 256])),
    "nullpolicy": ("data", dict(GOOD, policies=["ops\0x"])),
    "nottl": ("data", without("ttl")),
    "textttl": ("data", dict(GOOD, ttl="1h")),
    "lessttl": ("data", dict(GOOD, ttl=-1)),
    "hugettl": ("body", json.dumps({"data": dict(GOOD, ttl=2 ** 70)}).encode()),
    "nouses": ("data", without("num_uses")),
    "textuses": ("data", dict(GOOD, num_uses="0")),
    "noname": ("data", without("display_name")),
    "longname": ("data", dict(GOOD, display_name="n" * 300)),
    "longaccessor": ("data", dict(GOOD, accessor="a" * 40)),
    "numberend": ("data", dict(GOOD, expire_time=5)),
    "badidentity": ("data", dict(GOOD, identity_policies={"ops": 1})),
    "badcidrs": ("data", dict(GOOD, bound_cidrs="10.0.0.0/8")),
}
BODIES = dict(GARBAGE, **{
    "ok": ("data", GOOD),
    "identity": ("data", dict(GOOD, policies=["default"], identity_policies=["ops"])),
    "brief": ("data", dict(GOOD, ttl=1)),
    "over": ("data", dict(GOOD, ttl=0)),
    "bound": ("data", dict(GOOD, bound_cidrs=["192.0.2.0/24"])),
    "bound-here": ("data", dict(GOOD, bound_cidrs=["127.0.0.1/32"])),
    "odd": ("data", dict(GOOD, display_name="a\nb\x7f", policies=["ops"])),
    "batch": ("data", dict(GOOD, accessor="")),
    "hang": ("hang", None),
    "drip": ("drip", None),
    "proxy": ("bare", 403),
    "e400": ("status", 400), "e404": ("status", 404), "e429": ("status", 429),
    "e500": ("status", 500), "e503": ("status", 503), "e204": ("status", 204),
    "e473": ("status", 473),
})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Callers go away."""
    request_queue_size = 2048


def fake(tls=None):
    s = Server(("127.0.0.1", 0), Fake)
    if tls is not None:
        s.socket = tls.wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_address[1]


def asked(token):
    with Fake.lock:
        return sum(1 for t, _ in Fake.asked if t == token)


count = iter(range(10 ** 9))


def fake_token(what):
    token = "s.fake.%s.%d" % (what, next(count))
    print(token, file=used, flush=True)
    return token


def logged(who):
    """The first line of the access log about that caller; it comes after the answer."""
    def line():
        text = open(HOME + "/logs/access.jsonl").read()
        lines = [json.loads(one) for one in text.split("\n")[:-1]]
        return next((one for one in lines if one.get("who") == who), None)
    return until("access of " + who, line)


# ---- settings -----------------------------------------------------------------------------------------

def log_count(text):
    return open(WORK + "/chanceryd.log").read().count(text)


def publisher():
    """Its pid, once it is ready."""
    def ready():
        out = subprocess.run([os.environ["CHANCERY"], "status", "--json", "--home", HOME],
                             capture_output=True, check=True).stdout
        rooms = {r["name"]: r for r in json.loads(out)["rooms"]}
        return rooms.get("publisher", {}).get("state") == "ready" and \
            rooms["server"]["state"] == "ready" and rooms["publisher"]["pid"]
    return until("publisher ready", ready)


def settings(vaults):
    """Take these over: server and publisher are new."""
    before = log_count("server: ready after")
    open(HOME + "/chancery.yaml", "w").write(BASE + "vault:\n" + vaults)
    os.kill(DAEMON, signal.SIGHUP)
    until("server with its settings", lambda: log_count("server: ready after") > before)
    return publisher()


def vault(name, address, *lines):
    return "  %s:\n    address: %s\n%s" % (
        name, address, "".join("    %s\n" % line for line in lines))


MAPPED = "policies: { ops: { here: [here] } }"


def prepare():
    want(call("PUT", "sys/policies/acl/here", {
        "policy": 'path "sys/policies/acl/here" { capabilities = ["read"] }'}), 204)
    want(call("PUT", "sys/policies/acl/other", {
        "policy": 'path "sys/policies/acl/other" { capabilities = ["read", "update"] }\n'
                  'path "auth/token/*" { capabilities = ["read", "update", "sudo"] }'}), 204)
    for name in ("ops", "here"):
        bao("PUT", "sys/policies/acl/" + name, {"policy": 'path "x" { capabilities = ["read"] }'})


# ---- what is tested --------------------------------------------------------------------------------------

def test_mapped(main):
    settings(main + vault("fake", "http://127.0.0.1:%d" % PORT, "token_prefix: s.fake.", MAPPED))
    token = bao_token(policies=["ops"], ttl="1h", display_name="alice")
    accessor = bao("GET", "auth/token/lookup-self", token=token).data["accessor"]
    want(read(token), 200, "capabilities")
    # Its rights are those of the policy here: nothing else, and nothing of the other Vault's.
    want(call("GET", "sys/policies/acl/other", token=token), 403)
    want(call("GET", "x", token=token), 403)
    assert logged("vault:main:token-alice")["accessor"] == accessor
    # The other header, and the other name for it.
    c = http.client.HTTPSConnection(ADDR.hostname, ADDR.port, context=TLS)
    want(ask(c, "GET", "sys/policies/acl/here", None, {"Authorization": "Bearer " + token}), 200)
    c.close()
    # Batch tokens have no accessor.
    want(read(bao_token(policies=["ops"], type="batch")), 200)


def test_unmapped():
    want(read(bao_token(policies=["here"])), 403, "stands for one here")
    want(read(bao_token(policies=["root"])), 403, "stands for one here")
    want(read("s." + "A" * 24), 403, "invalid token")
    want(read("root"), 403, "invalid token")
    # Where no token is needed none is asked about.
    before = len(Fake.asked)
    want(call("GET", "sys/health", token=fake_token("ok")), 200)
    assert len(Fake.asked) == before


def test_who_is_recorded():
    token = bao_token(policies=["writers"], display_name="bob")
    want(call("PUT", "sys/policies/acl/other", {
        "policy": 'path "sys/policies/acl/other" { capabilities = ["read", "update"] }\n'
                  'path "auth/token/*" { capabilities = ["read", "update", "sudo"] }'},
              token=token), 204)
    text = "".join(open(HOME + "/register/private/" + f).read()
                   for f in sorted(os.listdir(HOME + "/register/private")))
    assert '"who":"vault:main:token-bob"' in text


def test_handlers():
    """There is no row of it: what would write one is refused."""
    token = bao_token(policies=["writers"], ttl="1h")
    data = want(call("GET", "auth/token/lookup-self", token=token), 200).data
    assert data["id"] == token and data["policies"] == ["other"], data
    assert 0 < data["ttl"] <= 3600 and data["path"] == "vault/main", data
    for path in ("renew-self", "revoke-self"):
        want(call("POST", "auth/token/" + path, {}, token=token), 400, "renewed and revoked there")
    for path in ("renew", "revoke", "revoke-orphan"):
        def refused():
            # What is named in a body is not asked about: it is known for a second from here.
            want(call("GET", "auth/token/lookup-self", token=token), 200)
            a = call("POST", "auth/token/" + path, {"token": token})
            return a.status == 400 and "there" in a.errors
        until(path + " is refused for the reason", refused)
    want(call("POST", "auth/token/create", {"policies": ["other"]}, token=token), 400,
         "create-orphan")
    a = want(call("POST", "auth/token/create-orphan", {"policies": ["other"]}, token=token), 200)
    want(call("GET", "auth/token/lookup-self", token=a.json["auth"]["client_token"]), 200)
    want(read(token), 403)
    want(call("GET", "sys/policies/acl/other", token=token), 200)


def test_policy_change_counts():
    token = bao_token(policies=["ops"])
    want(read(token), 200)
    want(call("PUT", "sys/policies/acl/here", {"policy": 'path "x" {}'}), 204)
    want(read(token), 403)
    prepare()
    want(read(token), 200)


def test_ends():
    token = bao_token(policies=["ops"])
    want(read(token), 200)
    bao("POST", "auth/token/revoke", {"token": token})
    until("revoked there, refused here", lambda: read(token).status == 403)
    token = bao_token(policies=["ops"], ttl="4s")
    want(read(token), 200)
    until("expired there, refused here", lambda: read(token).status == 403)
    # Believed for a minute, but for no longer than it lives.
    token = fake_token("brief")
    want(read(token), 200)
    until("asked again", lambda: read(token).status == 200 and asked(token) > 1)
    want(read(fake_token("over")), 403, "invalid token")


def test_uses():
    token = bao_token(policies=["ops"], num_uses=50)
    for _ in range(20):
        want(read(token), 403, "a number of uses")
    # Not asked once a request.
    assert bao("GET", "auth/token/lookup-self", token=token).data["num_uses"] > 40


def test_answers():
    want(read(fake_token("ok")), 200)
    want(read(fake_token("identity")), 200)
    want(read(fake_token("batch")), 200)
    want(read(fake_token("bound-here")), 200)
    want(read(fake_token("bound")), 403, "invalid token")
    want(read(fake_token("odd")), 200)
    logged("vault:fake:a-b-")
    pid = publisher()
    for what in sorted(GARBAGE):
        want(read(fake_token(what)), 503, "cannot be asked about the token")
    for what, text in (("e400", "namespace"), ("e404", "namespace"), ("e429", "429"),
                       ("e500", "500"), ("e503", "503"), ("e204", "204"), ("e473", "standby"),
                       ("proxy", "403")):
        want(read(fake_token(what)), 503, text)
    want(read(fake_token("no")), 403, "invalid token")
    BODIES["redirect"] = ("redirect", PORT)
    before = len(Fake.asked)
    want(read(fake_token("redirect")), 503, "standby")
    assert len(Fake.asked) == before + 1, "a redirect was followed"
    # Octets that no header may have.
    c = http.client.HTTPSConnection(ADDR.hostname, ADDR.port, context=TLS)
    want(ask(c, "GET", "sys/policies/acl/here", None, {"X-Vault-Token": "s.fake.ok.\xe9"}), 403)
    want(ask(c, "GET", "sys/policies/acl/here", None, {"X-Vault-Token": "s.fake.ok. x"}), 403)
    c.close()
    assert publisher() == pid, "the publisher is another one"


def test_ours_stay():
    """Whatever becomes of a token of ours: nobody else hears of it."""
    settings(vault("all", "http://127.0.0.1:%d" % PORT, MAPPED, "same_name: true"))
    before = len(Fake.asked)
    made = []

    def create(**fields):
        a = want(call("POST", "auth/token/create", fields), 200)
        made.append(a.json["auth"]["client_token"])
        return made[-1]
    token = create(policies=["here"], ttl="1s")
    until("expired", lambda: read(token).status == 403)
    token = create(policies=["here"])
    want(call("POST", "auth/token/revoke", {"token": token}), 204)
    want(read(token), 403)
    token = create(policies=["here"], id="my-own-id")
    want(call("POST", "auth/token/revoke", {"token": token}), 204)
    want(read(token), 403)
    token = create(policies=["here"], num_uses=1)
    want(read(token), 200)
    want(read(token), 403)
    a = call("GET", "sys/policies/acl/here")
    c = http.client.HTTPSConnection(ADDR.hostname, ADDR.port, context=TLS)
    a = ask(c, "GET", "sys/policies/acl/here", None,
            {"X-Vault-Token": ROOT, "X-Vault-Wrap-TTL": "60"})
    wrapping = a.json["wrap_info"]["token"]
    want(call("POST", "sys/wrapping/unwrap", {}, token=wrapping), 200)
    for path in ("sys/wrapping/unwrap", "auth/token/lookup-self", "sys/policies/acl/here"):
        assert call("POST", path, {}, token=wrapping).status in (400, 403, 405)
    # As earlier releases made them, and what is no token of any Vault.
    for text in ("hvs." + "B" * 24, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "x" * 3000, "abc"):
        want(read(text), 403)
    with Fake.lock:
        assert len(Fake.asked) == before, Fake.asked[before:]
    # One digit off it is not ours, and of that length nobody's else either way: it is asked.
    want(read(made[0][:-1] + ("0" if made[0][-1] != "0" else "1")), 403)
    assert len(Fake.asked) == before + 1
    for token in made:
        print(token, file=used, flush=True)


def test_root_by_name_alone(main_address):
    settings(vault("main", main_address, "same_name: true"))
    token = bao_token(policies=["here"])
    want(read(token), 200)
    root = bao_token(policies=["root"])
    want(read(root), 403, "stands for one here")
    want(call("GET", "auth/token/lookup-self", token=token), 200)  # default, by its name
    settings(vault("main", main_address, "policies: { root: { here: [root] } }"))
    want(call("LIST", "auth/token/accessors", token=root), 200)


def test_namespaces(main_address):
    bao("POST", "sys/namespaces/team1", {})
    bao("PUT", "sys/policies/acl/ops", {"policy": 'path "x" {}'}, namespace="team1")
    inside = bao_token("team1", policies=["ops"])
    outside = bao_token(policies=["ops"])
    # Without one only the root's.
    settings(vault("main", main_address, MAPPED))
    want(read(outside), 200)
    want(read(inside), 403, "another namespace")
    settings(vault("main", main_address, MAPPED, "namespace: team1"))
    want(read(inside), 200)
    want(read(outside), 403, "another namespace")
    settings(vault("main", main_address, MAPPED, "namespace: nobody"))
    want(read(inside), 503, "are address and namespace the right ones")


def test_tls(port):
    files = "ca_certificate: vault-tls/%s.pem"
    mine = ("client_certificate: vault-tls/client.pem", "client_key: vault-tls/client.key")
    address = "https://127.0.0.1:%d" % port
    settings(vault("tls", address, MAPPED, files % "ca", *mine))
    want(read(fake_token("ok")), 200)
    # Its name has to be the certificate's: this one has an address alone.
    settings(vault("tls", "https://localhost:%d" % port, MAPPED, files % "ca", *mine))
    want(read(fake_token("ok")), 503, "cannot be asked")
    settings(vault("tls", address, MAPPED, files % "other", *mine))
    before = len(Fake.asked)
    want(read(fake_token("ok")), 503, "cannot be asked")
    settings(vault("tls", address, MAPPED, files % "ca"))
    want(read(fake_token("ok")), 503, "cannot be asked")
    assert len(Fake.asked) == before
    # The right one takes the wrong one's place: read again at SIGHUP.
    os.rename(HOME + "/vault-tls/other.pem", HOME + "/vault-tls/third.pem")
    os.link(HOME + "/vault-tls/third.pem", HOME + "/vault-tls/other.pem")
    pid = settings(vault("tls", address, MAPPED, files % "other", *mine))
    want(read(fake_token("ok")), 503)
    os.unlink(HOME + "/vault-tls/other.pem")
    os.link(HOME + "/vault-tls/ca.pem", HOME + "/vault-tls/other.pem")
    before = log_count("publisher: certificates reloaded")
    os.kill(DAEMON, signal.SIGHUP)
    until("reload", lambda: log_count("publisher: certificates reloaded") > before)
    want(read(fake_token("ok")), 200)
    assert publisher() == pid


def test_slow(main):
    settings(main + vault("fake", "http://127.0.0.1:%d" % PORT, "token_prefix: s.fake.", MAPPED,
                          "timeout: 2s"))
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        slow = [pool.submit(read, fake_token(what)) for what in ("hang", "drip") * 40]
        # Ours and another Vault's go on meanwhile.
        for _ in range(200):
            want(read(ROOT), 200)
        want(read(bao_token(policies=["ops"])), 200)
        for f in slow:
            want(f.result(), 503, "in time")
    Fake.release.set()
    want(read(fake_token("ok")), 200)


def patient(token):
    """As a client does that is told to come again: a loaded machine is no failure."""
    for _ in range(20):
        a = read(token)
        if a.status != 503:
            return a
    return a


def test_many(main):
    settings(main.replace("timeout: 2s", "timeout: 15s") +
             vault("fake", "http://127.0.0.1:%d" % PORT, "token_prefix: s.fake.", MAPPED,
                   "timeout: 15s", "cache: 60s"))
    tokens = [fake_token("ok") for _ in range(1000)]
    with concurrent.futures.ThreadPoolExecutor(1000) as pool:
        for a in pool.map(patient, tokens):
            want(a, 200)
    # Of the same token one question a worker, however many want to know.
    token = fake_token("ok")
    with concurrent.futures.ThreadPoolExecutor(300) as pool:
        for a in pool.map(read, [token] * 300):
            want(a, 200)
    assert asked(token) <= os.cpu_count(), asked(token)


def test_many_at_a_real_one():
    tokens = [bao_token(policies=["ops"]) for _ in range(1000)]
    with concurrent.futures.ThreadPoolExecutor(1000) as pool:
        for a in pool.map(patient, tokens):
            want(a, 200)


def test_away(main):
    global bao_process
    settings(main)
    token = bao_token(policies=["ops"])
    want(read(token), 200)
    os.kill(bao_process, signal.SIGSTOP)
    until("not in time", lambda: read(token).status == 503)
    want(read(ROOT), 200)
    os.kill(bao_process, signal.SIGCONT)
    until("goes on", lambda: read(token).status == 200)
    os.kill(bao_process, signal.SIGKILL)
    until("gone", lambda: read(token).status == 503)
    want(read(token), 503, "cannot be reached")
    want(read(ROOT), 200)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("VAULT_", "BAO_"))}
    env["HOME"] = WORK
    log = open(WORK + "/openbao2.log", "w")
    p = subprocess.Popen(["bao", "server", "-dev", "-dev-root-token-id=root",
                          "-dev-listen-address=" + BAO.netloc], env=env, stdout=log, stderr=log)
    bao_process = p.pid
    until("OpenBao again", lambda: try_prepare())
    want(read(bao_token(policies=["ops"])), 200)
    until("it does not know the old ones", lambda: read(token).status == 403)
    return p


def try_prepare():
    try:
        prepare()
        return True
    except (OSError, AssertionError):
        return False


def test_publisher_killed():
    pid = publisher()
    os.kill(pid, signal.SIGKILL)
    # Whoever asks waits for the next one.
    want(read(fake_token("ok")), 200)
    want(read(ROOT), 200)
    assert publisher() != pid
    # The server as well: it gets lanes to the publisher that is there.
    out = subprocess.run([os.environ["CHANCERY"], "status", "--json", "--home", HOME],
                         capture_output=True, check=True).stdout
    server = [r for r in json.loads(out)["rooms"] if r["name"] == "server"][0]["pid"]
    before = log_count("server: ready after")
    os.kill(server, signal.SIGKILL)
    until("another server", lambda: log_count("server: ready after") > before)
    want(read(fake_token("ok")), 200)


def test_room():
    """Nothing is open in it but what it needs, and it is confined."""
    pid = publisher()
    status = open("/proc/%d/status" % pid).read()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    for fd in os.listdir("/proc/%d/fd" % pid):
        to = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        assert to.startswith(("socket:", "/dev/null", "/memfd:", "anon_inode:", "pipe:")) or \
            to.endswith("chanceryd.log"), to
    listening = [line.split()[9] for table in ("tcp", "tcp6")
                 for line in open("/proc/%d/net/%s" % (pid, table)).readlines()[1:]
                 if line.split()[3] == "0A"]
    mine = {os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)}
    assert not any("socket:[%s]" % inode in mine for inode in listening)


def test_unwanted():
    open(HOME + "/chancery.yaml", "w").write(BASE)
    before = log_count("server: ready after")
    os.kill(DAEMON, signal.SIGHUP)
    until("server", lambda: log_count("server: ready after") > before)
    def rooms():
        out = subprocess.run([os.environ["CHANCERY"], "status", "--json", "--home", HOME],
                             capture_output=True, check=True).stdout
        return [r["name"] for r in json.loads(out)["rooms"]]
    until("no publisher", lambda: rooms() == ["signer", "server"])
    want(read(fake_token("ok")), 403, "invalid token")
    want(read(ROOT), 200)


def run(test, *args):
    print(test.__name__, flush=True)
    return test(*args)


PORT = fake()


def main():
    address = os.environ["OPENBAO_ADDR"]
    main_vault = vault("main", address, "cache: 1s", "timeout: 2s",
                       "policies: { ops: { here: [here] }, writers: { here: [other] } }")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(HOME + "/vault-tls/server.pem", HOME + "/vault-tls/server.key")
    tls.load_verify_locations(HOME + "/vault-tls/ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    again = None
    prepare()
    try:
        run(test_mapped, main_vault)
        for test in (test_unmapped, test_who_is_recorded, test_handlers,
                     test_policy_change_counts, test_ends, test_uses, test_answers,
                     test_publisher_killed, test_room):
            run(test)
        run(test_slow, main_vault)
        run(test_many, main_vault)
        run(test_many_at_a_real_one)
        again = run(test_away, main_vault)
        run(test_ours_stay)
        run(test_root_by_name_alone, address)
        run(test_namespaces, address)
        run(test_tls, fake(tls))
        run(test_unwanted)
    except Exception:  # whatever it is, it has failed
        traceback.print_exc()
        return 1
    finally:
        if again is not None:
            again.terminate()
            again.wait()
        else:
            os.kill(bao_process, signal.SIGCONT)
            os.kill(bao_process, signal.SIGTERM)
    return 0


sys.exit(main())
