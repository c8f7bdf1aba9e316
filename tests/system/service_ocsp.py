#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OCSP over HTTP: both listeners, POST and GET in every spelling, what is malformed, headers of
caching, revocations that are seen at once, floods, the switches of config/crl.

service_ocsp.py PLAIN-ADDRESS          ca.pem, good.pem, late.pem lie here; a mount "ca"
                                       VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN are set
service_ocsp.py PLAIN-ADDRESS flood    the floods alone; ocsp_uncached_per_s is so low that it is
                                       passed on a slow machine too
"""
import base64
import hashlib
import http.client
import os
import ssl
import subprocess
import sys
import time
import urllib.parse

from service_api import Api, until

API = Api.ours()
MALFORMED, LATER, UNAUTHORIZED = (bytes.fromhex("30030a01" + s) for s in ("01", "03", "06"))
GOOD, REVOKED, UNKNOWN = 0x80, 0xA1, 0x82


def same(got, want, what):
    if got != want:
        raise SystemExit("%s: %r, not %r" % (what, got, want))


# --- DER ------------------------------------------------------------------------------------------

def tlv(tag, content):
    n = len(content)
    if n < 0x80:
        return bytes([tag, n]) + content
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + content


def parts(content):
    """[(tag, contents)] of what lies one behind the other."""
    out = []
    while content:
        n, at = content[1], 2
        if n & 0x80:
            at += n & 0x7F
            n = int.from_bytes(content[2:at], "big")
        out.append((content[0], content[at:at + n]))
        content = content[at + n:]
    return out


def certificate(name):
    der = subprocess.run(["openssl", "x509", "-in", name, "-outform", "der"], check=True,
                         capture_output=True).stdout
    fields = [f for f in parts(parts(parts(der)[0][1])[0][1]) if f[0] != 0xA0]
    return {"serial": tlv(*fields[0]), "subject": tlv(*fields[4]),
            "key": parts(fields[5][1])[1][1][1:]}


CA = certificate("ca.pem")


def cert_id(serial, issuer=CA):
    sha1 = [hashlib.sha1(issuer[k]).digest() for k in ("subject", "key")]
    return tlv(0x30, bytes.fromhex("300906052b0e03021a0500") + tlv(4, sha1[0]) +
               tlv(4, sha1[1]) + serial)


def request(*ids, extensions=b""):
    return tlv(0x30, tlv(0x30, tlv(0x30, b"".join(tlv(0x30, i) for i in ids)) + extensions))


def nonce(octets):
    return tlv(0xA2, tlv(0x30, tlv(0x30, bytes.fromhex("06092b0601050507300102") +
                                   tlv(4, tlv(4, octets)))))


def number(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


class Answer:
    """What a good one says; the octets around it are `openssl ocsp`'s to judge."""

    def __init__(self, der):
        status, body = parts(parts(der)[0][1])
        same(status[1], b"\0", "status of the answer")
        basic = parts(parts(body[1])[0][1])[1][1]
        data = parts(parts(parts(basic)[0][1])[0][1])
        same(data[0][0], 0xA2, "the responder, by key")
        self.produced = data[1][1]
        self.single = [parts(s) for _, s in parts(data[2][1])]
        self.extensions = data[3][1] if len(data) > 3 else b""
        for s in self.single:
            same([p[0] for p in s[2:]], [0x18, 0xA0], "times, and no extensions")
            if s[2][1] > self.produced:
                raise SystemExit("produced before thisUpdate")

    def status(self, i=0):
        return self.single[i][1][0]

    def life(self):
        this, after = self.single[0][2][1], parts(self.single[0][3][1])[0][1]
        stamps = [time.mktime(time.strptime(t.decode(), "%Y%m%d%H%M%SZ")) for t in (this, after)]
        return stamps[1] - stamps[0]


# --- HTTP -----------------------------------------------------------------------------------------

class Door:
    """One connection to one listener."""

    def __init__(self, address):
        url = urllib.parse.urlsplit(address)
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
            self.http = http.client.HTTPSConnection(url.hostname, url.port, context=context)
        else:
            self.http = http.client.HTTPConnection(url.hostname, url.port)

    def ask(self, method, path, body=None, headers=None):
        self.http.request(method, "/v1/ca/" + path, body, headers or {})
        r = self.http.getresponse()
        return r.status, r.headers, r.read()

    def post(self, der, path="ocsp"):
        return self.ask("POST", path, der, {"Content-Type": "application/ocsp-request"})

    def get(self, der, quote=False, padding=True, path="ocsp", headers=None, method="GET"):
        text = base64.b64encode(der).decode()
        text = text if padding else text.rstrip("=")
        text = urllib.parse.quote(text, safe="") if quote else text
        return self.ask(method, path + "/" + text, None, headers)


PLAIN, DOORS = Door(sys.argv[1]), [Door(sys.argv[1]), Door(os.environ["VAULT_ADDR"])]


def good(answer, what):
    status, headers, body = answer
    same(status, 200, what)
    same(headers["Content-Type"], "application/ocsp-response", what + ": type")
    return Answer(body)


def refused(answer, status, body, what):
    same((answer[0], answer[2]), (status, body), what)
    same(answer[1]["Content-Type"], "application/ocsp-response", what + ": type")


KNOWN = cert_id(certificate("good.pem")["serial"])


def ways():
    """Every spelling of the same question, at both doors."""
    ask = request(KNOWN)
    for door in DOORS:
        for path in ("ocsp", "unified-ocsp"):
            answers = [door.post(ask, path)] + [
                door.get(ask, q, p, path) for q in (False, True) for p in (False, True)]
            for a in answers:
                same(good(a, path).status(), GOOD, path)
    # Plain doors open for nothing else.
    same(PLAIN.ask("GET", "roles/leaf")[0], 404, "a role at the plain door")
    same(PLAIN.ask("DELETE", "ocsp")[0], 405, "DELETE")
    same(PLAIN.ask("GET", "ocsp")[0], 405, "GET of nothing")


def slashes():
    """Two slashes one behind the other, and one at the end, are base64's."""
    found = {"//": 0, "///": 0, "/+": 0, "/": 0}
    for n in range(1, 200000):
        ask = request(cert_id(number(0xFFFFFF << 24 | n << 4 | 0xF)))
        text = base64.b64encode(ask).decode()
        for s in found:
            fits = text.endswith("/") if s == "/" else s in text
            if fits and found[s] < 1:
                found[s] += 1
                for door in DOORS:
                    same(good(door.get(ask), text).status(), UNKNOWN, text)
                    same(good(door.get(ask, True), text).status(), UNKNOWN, text)
        if all(v > 0 for s, v in found.items() if s in ("//", "/+")):
            break
    same(found["//"], 1, "a request with // in it")


def malformed():
    ask = request(KNOWN)
    rows = {
        "nothing": b"",
        "text": b"hello",
        "cut": ask[:-1],
        "more": ask + b"\0",
        "no certificate": tlv(0x30, tlv(0x30, tlv(0x30, b""))),
        "version 2": tlv(0x30, tlv(0x30, bytes.fromhex("a003020101") + parts(parts(ask)[0][1])[0][1])),
        "indefinite length": b"\x30\x80" + parts(ask)[0][1] + b"\0\0",
        "17 certificates": request(*[KNOWN] * 17),
        "an empty nonce": request(KNOWN, extensions=nonce(b"")),
        "a nonce of 129 octets": request(KNOWN, extensions=nonce(b"n" * 129)),
        "a critical extension": request(KNOWN, extensions=tlv(0xA2, tlv(0x30, bytes.fromhex(
            "300a06032a03040101ff0400")))),
        "8193 octets": ask + bytes(8193 - len(ask)),
    }
    for door in DOORS:
        for what, der in rows.items():
            refused(door.post(der), 400, MALFORMED, what)
            if len(der) < 3000 and der:
                refused(door.get(der), 400, MALFORMED, what + ", in the path")
        for path in ("ocsp/A", "ocsp/****", "ocsp/MEEw", "ocsp/%4d%45%3d"):
            refused(door.ask("GET", path), 400, MALFORMED, path)
        same(door.ask("GET", "ocsp/%zz")[0], 400, "a broken escape")
    other = dict(CA, key=b"another key")
    refused(PLAIN.post(request(cert_id(number(7), other))), 401, UNAUTHORIZED, "another issuer")
    other = dict(CA, subject=b"another name")
    refused(PLAIN.post(request(cert_id(number(7), other))), 401, UNAUTHORIZED, "another name")
    # One of ours among foreign ones is answered; of the others nobody knows here.
    mixed = good(PLAIN.post(request(cert_id(number(7), other), KNOWN)), "mixed")
    same([mixed.status(0), mixed.status(1)], [UNKNOWN, GOOD], "mixed")
    # A hash that the signer cannot hold against its revocations: it would refuse the whole answer.
    for parameters in (b"", tlv(5, b""), tlv(0x15, b"x")):
        md5 = tlv(0x30, tlv(0x30, bytes.fromhex("06082a864886f70d0205") + parameters) +
                  2 * tlv(4, bytes(16)) + number(7))
        for ids in ((md5,), (md5, KNOWN), (KNOWN, md5)):
            refused(PLAIN.post(request(*ids)), 401, UNAUTHORIZED, "an unknown hash")
    for odd in (0, -1, 1 << 160, (1 << 640) - 1):
        size = odd.bit_length() // 8 + 1
        serial = tlv(2, odd.to_bytes(size, "big", signed=True))
        same(good(PLAIN.post(request(cert_id(serial))), str(odd)).status(), UNKNOWN, str(odd))


def caching():
    ask = request(KNOWN)
    first = PLAIN.get(ask)
    same(good(first, "cached").life(), 12 * 3600, "ocsp_expiry")
    headers = first[1]
    if "public, max-age=300, no-transform, must-revalidate" not in headers["Cache-Control"]:
        raise SystemExit("Cache-Control: " + headers["Cache-Control"])
    stamp = time.strptime(headers["Expires"], "%a, %d %b %Y %H:%M:%S GMT")
    since = time.strptime(headers["Last-Modified"], "%a, %d %b %Y %H:%M:%S GMT")
    same(time.mktime(stamp) - time.mktime(since), 12 * 3600, "Expires")
    again = PLAIN.get(ask)
    same((again[2], again[1]["ETag"]), (first[2], headers["ETag"]), "the same answer again")
    same(PLAIN.get(ask, headers={"If-None-Match": headers["ETag"]})[0], 304, "If-None-Match")
    same(PLAIN.get(ask, headers={"If-None-Match": '"other"'})[0], 200, "another tag")
    failed = PLAIN.get(ask, headers={"If-Match": '"other"'})
    same((failed[0], failed[1]["Cache-Control"], "Expires" in failed[1]), (412, "no-store", False), "If-Match")
    head = PLAIN.get(ask, method="HEAD")
    same((head[0], head[1]["ETag"], head[2]), (200, headers["ETag"], b""), "HEAD")
    same(PLAIN.post(ask)[1]["Cache-Control"], "no-store", "POST")
    # A nonce comes back, in an answer made for it alone.
    for octets in (b"1", b"n" * 32, b"m" * 128):
        a = PLAIN.post(request(KNOWN, extensions=nonce(octets)))
        if octets not in good(a, "nonce").extensions:
            raise SystemExit("the nonce does not come back")
        if a[2] == first[2]:
            raise SystemExit("a cached answer to a nonce")
    same(PLAIN.get(request(KNOWN, extensions=nonce(b"q")))[1]["Cache-Control"], "no-store",
         "a nonce in the path")


def revocation():
    """The next answer after the revocation's is another one."""
    ask = request(cert_id(certificate("late.pem")["serial"]))
    for door in DOORS:
        same(good(door.get(ask), "before").status(), GOOD, "before")
    API.ok("POST", "ca/revoke", {"certificate": open("late.pem").read(), "reason": "superseded"})
    for door in DOORS:
        a = good(door.get(ask), "after")
        same((a.status(), a.single[0][1][1][-5:]), (REVOKED, bytes.fromhex("a0030a0104")), "after")
    same(good(PLAIN.get(request(KNOWN)), "others").status(), GOOD, "others")


def flood(what, ids):
    """So many a second are answered, others are not kept waiting."""
    later = 0
    for n in range(20000):
        status, headers, body = PLAIN.post(request(*ids(n)))
        if status == 503:
            same((body, headers["Retry-After"]), (LATER, "1"), "try later")
            later += 1
            same(PLAIN.post(request(KNOWN))[0], 200, "a certificate there is, meanwhile")
        if later > 20:
            break
    if later == 0:
        raise SystemExit("20000 requests for %s were answered at once" % what)
    until("an answer after the flood for " + what,
          lambda: PLAIN.post(request(*ids(1)))[0] == 200)


def usage(words):
    status, answer = API.ask("PATCH", "ca/issuer/default", {"usage": words},
                             {"Content-Type": "application/merge-patch+json"})
    same(status, 200, answer)


def switches():
    ask, never = request(KNOWN), request(cert_id(number(1 << 90)))
    API.ok("POST", "ca/config/crl", {"ocsp_disable": True})
    for door in DOORS:
        refused(door.post(ask), 401, UNAUTHORIZED, "disabled")
    API.ok("POST", "ca/config/crl", {"ocsp_disable": False, "ocsp_expiry": "1h"})
    same(good(PLAIN.post(ask), "an hour").life(), 3600, "ocsp_expiry")
    API.ok("POST", "ca/config/crl", {"ocsp_expiry": "0s"})
    same(good(PLAIN.post(ask), "no nextUpdate").life(), 60, "ocsp_expiry 0")
    API.ok("POST", "ca/config/crl", {"ocsp_expiry": "8760h"})
    same(good(PLAIN.post(ask), "a year").life(), 10 * 86400, "ocsp_expiry of a year")
    same(API.ask("POST", "ca/config/crl", {"ocsp_unknown": "good"})[0], 400, "ocsp_unknown")
    API.ok("POST", "ca/config/crl", {"ocsp_expiry": "12h", "ocsp_unknown": "revoked"})
    until("an answer", lambda: PLAIN.post(never)[0] == 200)
    a = good(PLAIN.post(never), "never issued")
    same(a.single[0][1], (REVOKED, tlv(0x18, b"19700101000000Z") + bytes.fromhex("a0030a0106")),
         "revoked since 1970, on hold (RFC 6960 2.2)")
    if bytes.fromhex("2b0601050507300109") + bytes.fromhex("04020500") not in a.extensions:
        raise SystemExit("no extended-revoke extension")
    API.ok("POST", "ca/config/crl", {"ocsp_unknown": "unknown"})
    same(good(PLAIN.post(never), "never issued").status(), UNKNOWN, "unknown again")
    usage("read-only,issuing-certificates,crl-signing")
    refused(PLAIN.post(ask), 401, UNAUTHORIZED, "an issuer without the usage")
    usage("read-only,issuing-certificates,crl-signing,ocsp-signing")
    same(PLAIN.post(ask)[0], 200, "the usage again")


if sys.argv[2:] == ["flood"]:
    flood("numbers that were never issued", lambda n: [cert_id(number(1 << 80 | n))])
    flood("two certificates at once", lambda n: [KNOWN, KNOWN])
else:
    ways()
    slashes()
    malformed()
    caching()
    revocation()
    switches()
