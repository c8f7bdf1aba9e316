# SPDX-License-Identifier: Apache-2.0
"""Places to publish at: HTTP PUT, WebDAV and S3, which can be told to fail. One store of
octets each; what readers got is kept, to be judged."""
import base64
import collections
import hashlib
import hmac
import http.server
import threading
import time

MAX_GOT = 20000


class Target:
    """A server on 127.0.0.1. `fault` is one of None, "slow", "full", "large", "drop", "busy",
    "forbid", "wrong" (readers get other octets), "old" (readers get what was there first),
    "hold-get", "hold-put", "hold-after" (until `go` is set: before a GET is answered, in the
    middle of a PUT, after a PUT was taken)."""

    def __init__(self, port, check, dav=False, conditions=True):
        self.check, self.dav, self.conditions = check, dav, conditions
        self.objects, self.first, self.collections = {}, {}, {"/", "/dav/"}
        self.fault, self.go, self.held = None, threading.Event(), threading.Event()
        self.got = collections.deque(maxlen=MAX_GOT)
        self.seen = []  # method, path, status
        self.headers = []  # of every request with a body
        self.lock = threading.Lock()
        self.port, self.server = port, None
        self.up()

    def up(self):
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return lambda: target.serve(self, name[3:])
                raise AttributeError(name)

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address, daemon_threads = True, True

            def handle_error(self, *_):
                pass  # a client that was killed

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        self.server.shutdown()
        self.server.server_close()

    def hold(self, where):
        if self.fault == where:
            self.held.set()
            self.go.wait(60)

    def answer(self, x, method, status, body=b"", headers=()):
        self.seen.append((method, x.path, status))
        x.send_response(status)
        for name, value in headers:
            x.send_header(name, value)
        x.send_header("Content-Length", str(len(body)))
        x.end_headers()
        if body:
            x.wfile.write(body)

    def read_body(self, x):
        length = int(x.headers.get("Content-Length", 0))
        if self.fault == "drop":
            x.rfile.read(length // 2)
            x.close_connection = True
            x.connection.close()
            return None
        half = x.rfile.read(length // 2)
        self.hold("hold-put")
        if self.fault == "slow":
            time.sleep(60)
        rest = x.rfile.read(length - len(half))
        body = half + rest
        return body if len(body) == length else None

    def serve(self, x, method):
        body = b""
        if method in ("PUT", "MOVE", "MKCOL"):
            self.headers.append((method, x.path, dict(x.headers.items())))
        if method == "PUT":
            body = self.read_body(x)
            if body is None:
                return
        refusal = self.check(x, method, body)
        if refusal is not None:
            self.answer(x, method, 403, refusal.encode())
            return
        getattr(self, "on_" + method.lower(), self.unknown)(x, body)

    def unknown(self, x, _):
        self.answer(x, x.command, 405)

    @staticmethod
    def etag(data):
        return '"%s"' % hashlib.md5(data).hexdigest()

    def on_get(self, x, _):
        self.hold("hold-get")
        data = self.objects.get(x.path)
        if self.fault == "busy":
            self.answer(x, "GET", 503)
        elif data is None:
            self.answer(x, "GET", 404)
        elif self.fault == "wrong":
            self.answer(x, "GET", 200, b"\x30\x03\x02\x01\x00", [("ETag", self.etag(data))])
        elif self.fault == "old":
            self.answer(x, "GET", 200, self.first[x.path], [("ETag", self.etag(data))])
        else:
            self.got.append((x.path, data))
            self.answer(x, "GET", 200, data, [("ETag", self.etag(data))])

    def condition(self, x, there):
        match, none = x.headers.get("If-Match"), x.headers.get("If-None-Match")
        if not self.conditions:
            return 501 if match or none else None
        if none == "*" and there is not None:
            return 412
        if match is not None and (there is None or match != self.etag(there)):
            return 412
        return None

    def parent_is_there(self, path):
        return not self.dav or path.rsplit("/", 1)[0] + "/" in self.collections

    def on_put(self, x, body):
        faults = {"full": 507, "large": 413, "busy": 503, "forbid": 403}
        if self.fault in faults:
            self.answer(x, "PUT", faults[self.fault])
            return
        if not self.parent_is_there(x.path):
            self.answer(x, "PUT", 409)
            return
        with self.lock:
            there = self.objects.get(x.path)
            status = self.condition(x, there)
            if status is None:
                self.objects[x.path] = body
                self.first.setdefault(x.path, body)
        self.hold("hold-after")
        self.answer(x, "PUT", status or (201 if there is None else 204))

    def on_mkcol(self, x, _):
        there = x.path in self.collections
        self.collections.add(x.path)
        self.answer(x, "MKCOL", 405 if there else 201)

    def on_move(self, x, _):
        to = "/" + x.headers["Destination"].split("/", 3)[3]
        with self.lock:
            data = self.objects.pop(x.path, None)
            if data is not None:
                self.objects[to] = data
                self.first.setdefault(to, data)
        self.hold("hold-after")
        self.answer(x, "MOVE", 404 if data is None else 201)


def bearer(token):
    return lambda x, method, _: None if method == "GET" or x.headers.get(
        "Authorization") == "Bearer " + token else "no token"


def basic(pair):
    want = "Basic " + base64.b64encode(pair.encode()).decode()
    return lambda x, method, _: None if method == "GET" or x.headers.get(
        "Authorization") == want else "no password"


def sigv4(key_id, secret, region):
    """Signature Version 4 as Amazon describes it, computed again."""
    def mac(key, text):
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    def check(x, method, body):
        given = x.headers.get("Authorization", "")
        if not given.startswith("AWS4-HMAC-SHA256 "):
            return "not signed"
        parts = dict(p.strip().split("=", 1) for p in given[17:].split(","))
        date = x.headers["X-Amz-Date"]
        scope = "%s/%s/s3/aws4_request" % (date[:8], region)
        if parts["Credential"] != key_id + "/" + scope:
            return "credential " + parts["Credential"]
        content = x.headers.get("X-Amz-Content-Sha256", "")
        if content != hashlib.sha256(body).hexdigest():
            return "hash of the body"
        names = parts["SignedHeaders"].split(";")
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
            return "signed " + parts["SignedHeaders"]
        for name in ("If-Match", "If-None-Match"):
            if x.headers.get(name) and name.lower() not in names:
                return "unsigned " + name
        canonical = "\n".join(
            [method, x.path.split("?")[0], ""] +
            ["%s:%s" % (n, " ".join(x.headers[n].split())) for n in names] +
            ["", parts["SignedHeaders"], content])
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + secret).encode()
        for part in (date[:8], region, "s3", "aws4_request"):
            key = mac(key, part)
        want = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return None if hmac.compare_digest(want, parts["Signature"]) else "signature"
    return check
