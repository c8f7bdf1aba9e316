#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""service_http.py SOCKET PID: hostile clients against the service at $VAULT_ADDR."""
import http.client
import json
import os
import random
import re
import resource
import socket
import ssl
import sys
import time
import urllib.parse

SOCKET, PID = sys.argv[1], int(sys.argv[2])
URL = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])
TOKEN = os.environ["VAULT_TOKEN"]
HOST = "Host: localhost\r\n"
# Idle ones 15 KiB each, 16 KiB ahead of any answer, 256 MiB of large bodies.
MEMORY_MAX_KIB = 700 * 1024
# All rooms, when nobody asks for anything.
IDLE_MAX_KIB = 40 * 1024
# What one address may have open by default.
PEER_MAX = 1024


def die(text):
    sys.exit("FAILED: " + text)


def tcp():
    return socket.create_connection((URL.hostname, URL.port))


def tls(s):
    context = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
    return context.wrap_socket(s, server_hostname=URL.hostname)


def unix():
    s = socket.socket(socket.AF_UNIX)
    s.connect(SOCKET)
    return s


def until_closed(s):
    got = b""
    try:
        while piece := s.recv(65536):
            got += piece
    except (ConnectionError, ssl.SSLError):
        pass
    return got


def health(s):
    """The service answers on that connection."""
    s.sendall(("GET /v1/sys/health HTTP/1.1\r\n" + HOST + "\r\n").encode())
    r = http.client.HTTPResponse(s)
    r.begin()
    body = json.loads(r.read())
    if r.status != 200 or body["sealed"]:
        die("sys/health: %d %s" % (r.status, body))


def server_pids():
    with open("/proc/%d/task/%d/children" % (PID, PID), encoding="ascii") as f:
        return [int(p) for p in f.read().split()]


def memory_kib():
    total = 0
    for pid in [PID] + server_pids():
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
            total += sum(int(x.split()[1]) for x in f if x.startswith("Pss:"))
    return total


peak = 0


def note_memory(when):
    global peak
    now = memory_kib()
    peak = max(peak, now)
    print("  %-44s %6.1f MB" % (when, now / 1024), flush=True)
    if now > MEMORY_MAX_KIB:
        die("%s: %d KiB of memory" % (when, now))


BODY = "Content-Length: 5\r\n\r\nhello"
SHAPES = [
    # (name, octets, statuses)
    ("no Host", "GET /v1/sys/health HTTP/1.1\r\n\r\n", [400]),
    ("two Hosts", "GET / HTTP/1.1\r\n" + HOST + HOST + "\r\n", [400]),
    ("bare LF", "GET / HTTP/1.1\nHost: a\n\n", [400]),
    ("folded", "GET / HTTP/1.1\r\n" + HOST + "X: a\r\n b\r\n\r\n", [400]),
    ("blank before colon", "POST / HTTP/1.1\r\nHost : a\r\n" + BODY, [400]),
    ("CL.TE", "POST /v1/sys/mounts/x HTTP/1.1\r\n" + HOST +
     "Transfer-Encoding: chunked\r\n" + BODY, [400]),
    ("chunked", "POST / HTTP/1.1\r\n" + HOST +
     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [501]),
    ("two lengths", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 4\r\n" + BODY, [400]),
    ("signed length", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: +5\r\n\r\n", [400]),
    ("large", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 33554433\r\n\r\n", [413]),
    ("long head", "GET / HTTP/1.1\r\n" + HOST + "X: " + "a" * 20000, [431]),
    ("many fields", "GET / HTTP/1.1\r\n" + HOST + "a: b\r\n" * 101 + "\r\n", [431]),
    ("long target", "GET /" + "a" * 9000 + " HTTP/1.1\r\n", [414]),
    ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]),
    ("NUL", "GET /v1/\0 HTTP/1.1\r\n" + HOST + "\r\n", [400]),
    ("escape", "GET /v1/\x1b[2J HTTP/1.1\r\n" + HOST + "\r\n", [400]),
    ("CONNECT", "CONNECT a:1 HTTP/1.1\r\n" + HOST + "\r\n", [501]),
]
# Behind each of these stands a request that must never be run.
SMUGGLED = ("POST /v1/sys/mounts/smuggled HTTP/1.1\r\n" + HOST + "X-Vault-Token: " + TOKEN +
            "\r\nContent-Length: 14\r\n\r\n{\"type\":\"pki\"}")


def shapes():
    for connect in (lambda: tls(tcp()), unix):
        for name, octets, statuses in SHAPES:
            s = connect()
            try:
                s.sendall((octets + SMUGGLED).encode("latin-1"))
            except (ConnectionError, ssl.SSLError):
                pass
            got = until_closed(s)
            head, _, body = got.partition(b"\r\n\r\n")
            if not got.startswith(b"HTTP/1.1 ") or int(got[9:12]) not in statuses:
                die("%s: %r" % (name, got[:200]))
            if got.count(b"HTTP/1.1 ") != 1 or b"Connection: close" not in head:
                die("%s: goes on after it: %r" % (name, got))
            if not json.loads(body)["errors"]:
                die("%s: no error in it" % name)
            s.close()
    s = unix()
    s.sendall(("GET /v1/sys/mounts HTTP/1.1\r\n" + HOST + "X-Vault-Token: " + TOKEN +
               "\r\n\r\n").encode())
    r = http.client.HTTPResponse(s)
    r.begin()
    if b"smuggled" in r.read():
        die("a request was smuggled in")


def bodies():
    """JSON of all kinds, of up to 32 MiB, from whom has a token and from whom has none."""
    deep = b"[" * 1000000
    cases = [b"{", b"{}}", b"\xff\xfe", b"{\"a\":1,\"a\":2}", b"{\"a\":1e999}", b"\0",
             b"{\"a\":\"\\u0000\"}", deep, b"{\"a\":" + deep, b"{\"x\":\"" + b"a" * (32 << 20),
             b"\"" + b"\\u00e4" * 1000000 + b"\"", b"1" * 1000000,
             # Each value takes fifty times its room once it is parsed.
             b"{\"type\":\"pki\",\"x\":[" + b"[]," * 11000000 + b"0]}"]
    for token in (TOKEN, "hvs.wrong", ""):
        for body in cases:
            body = body[:32 << 20]
            s = tls(tcp())
            s.sendall(("POST /v1/sys/mounts/bad HTTP/1.1\r\n%sX-Vault-Token: %s\r\n"
                       "Content-Length: %d\r\n\r\n" % (HOST, token, len(body))).encode())
            s.sendall(body)
            r = http.client.HTTPResponse(s)
            r.begin()
            answer = r.read()
            if r.status not in (400, 403, 413) or not json.loads(answer)["errors"]:
                die("body %r: %d %s" % (body[:20], r.status, answer[:200]))
            s.close()
    note_memory("after bodies that do not parse")


def crowd():
    """As many as one address may have, of all bad kinds; the unix socket and then TLS are
    served nevertheless."""
    rng = random.Random(4)
    held = []
    large = ("POST /v1/sys/mounts/x HTTP/1.1\r\n%sX-Vault-Token: %s\r\nContent-Length: %d\r\n\r\n"
             % (HOST, TOKEN, 32 << 20)).encode()
    for i in range(8):
        s = tls(tcp())
        s.sendall(large)
        s.settimeout(0.2)
        try:
            for _ in range(480):
                s.sendall(b"a" * 65536)
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass
        held.append(s)
    note_memory("8 large bodies, almost whole")
    s = tls(tcp())
    s.sendall(large)
    got = until_closed(s)
    if not got.startswith(b"HTTP/1.1 503 ") or b"Retry-After: " not in got:
        die("a ninth large body: %r" % got[:100])
    for i in range(300):
        s = tls(tcp())
        s.sendall(b"GET /v1/sys/health HTTP/1.1\r\nX: ")
        held.append(s)
    for i in range(300):
        s = tcp()
        try:
            s.sendall(rng.randbytes(1 + i * 7))
        except ConnectionError:
            pass
        held.append(s)
    while len(held) < PEER_MAX - 4:
        held.append(tcp())
    note_memory("%d hostile connections" % len(held))
    began = time.monotonic()
    for _ in range(20):
        health(unix())
    health(tls(tcp()))
    print("  21 answers beside them in %.2f s" % (time.monotonic() - began))
    more = [tcp() for _ in range(40)]
    turned_away = 0
    for s in more:
        s.settimeout(10)
        turned_away += until_closed(s) == b""
    if turned_away == 0:
        die("no limit of one address")
    for s in held + more:
        s.close()


def after():
    # Their places are free again once the server has seen that they left.
    for _ in range(100):
        try:
            health(tls(tcp()))
            break
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    else:
        die("no place after the crowd")
    note_memory("after all of it")


def settle():
    """What the crowd took goes back to the system; no sanitizer gives back."""
    for pid in server_pids():
        with open("/proc/%d/maps" % pid, encoding="ascii") as f:
            if re.search("lib[at]san", f.read()):
                return
    for _ in range(60):
        if memory_kib() <= IDLE_MAX_KIB:
            break
        time.sleep(1)
    else:
        die("after a minute still %d KiB of memory" % memory_kib())
    note_memory("idle again")


resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
note_memory("at first")
shapes()
health(tls(tcp()))
bodies()
crowd()
after()
settle()
print("  peak %.1f MB" % (peak / 1024))
