#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists in PEM and JSON, which are made as they go: whole, in ranges, by HEAD, under conditions,
wrapped; and a long one for readers who do not read, who must not cost its size each.

service_lists_pem.py LISTS SERVER-PID    VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN are set
"""
import base64
import glob
import os
import socket
import ssl
import sys
import urllib.parse

from service_api import Api

API = Api.ours()
READERS = 12
ENTRIES = 600000
GROWTH_KB = 64 << 10


def same(got, want, what):
    if got != want:
        raise SystemExit("%s: %.300r, not %.300r" % (what, got, want))


def pem(der):
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN X509 CRL-----", *lines, "-----END X509 CRL-----", ""]).encode()


def forms():
    """All of them say what the DER does."""
    want = pem(API.raw("GET", "p/crl")[2])
    for path in ("p/crl/pem", "p/issuer/default/crl/pem"):
        status, headers, got = API.raw("GET", path)
        same((status, headers["Content-Length"]), (200, str(len(want))), path)
        same(got, want, path)
        status, headers, got = API.raw("HEAD", path)
        same((status, headers["Content-Length"], got), (200, str(len(want)), b""), "HEAD")
        tag = {"If-None-Match": headers["ETag"]}
        same(API.raw("GET", path, None, tag)[0], 304, "the one that is known")
        tag = {"If-Match": '"another"'}
        same(API.raw("GET", path, None, tag)[0], 412, "another one")
    text = want.decode()
    for path, key, form in (("p/issuer/default/crl", "crl", text),
                            ("p/cert/crl", "certificate", text.rstrip("\n"))):
        data = API.ok("GET", path)["data"]
        same(data[key], form, path)
        same(sorted(data), sorted([key] if key == "crl" else
                                  [key, "revocation_time", "revocation_time_rfc3339"]), path)
    return want


def ranges(want):
    n = len(want)
    cases = [(0, 0), (0, n - 1), (0, 24), (24, 25), (25, 89), (90, 90), (n - 23, n - 1),
             (n - 24, n - 1), (n - 1, n - 1), (n // 2, n - 2), (33300, 70000)]
    for first, last in cases:
        if first >= n:
            continue
        last = min(last, n - 1)
        status, headers, got = API.raw("GET", "p/crl/pem", None,
                                       {"Range": "bytes=%d-%d" % (first, last)})
        same((status, headers["Content-Range"], headers["Content-Length"]),
             (206, "bytes %d-%d/%d" % (first, last, n), str(last - first + 1)), "a range")
        same(got, want[first:last + 1], "octets %d to %d" % (first, last))
    status, headers, _ = API.raw("GET", "p/crl/pem", None, {"Range": "bytes=%d-" % n})
    same((status, headers["Content-Range"]), (416, "bytes */%d" % n), "a range behind it")


def tlv(tag, body):
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    octets = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def parts(der):
    """[(tag, body)…] of what stands in one after the other."""
    out, at = [], 0
    while at < len(der):
        tag, n, at = der[at], der[at + 1], at + 2
        if n & 0x80:
            n, at = int.from_bytes(der[at:at + (n & 0x7f)], "big"), at + (n & 0x7f)
        out.append((tag, der[at:at + n]))
        at += n
    return out


def long_list(der):
    """The same list with many entries; nobody who serves it verifies the signature."""
    (_, body), = parts(der)
    (_, tbs), alg, sig = parts(body)
    fields = parts(tbs)
    k = next(i for i, (tag, _) in enumerate(fields) if tag == 0xa0) - 1
    same(fields[k][0], 0x30, "revokedCertificates")
    entry = tlv(0x30, tlv(2, b"\x11" * 20) + tlv(0x17, b"260101000000Z"))
    fields[k] = (0x30, entry * ENTRIES)
    tbs = tlv(0x30, b"".join(tlv(*f) for f in fields))
    return tlv(0x30, tbs + tlv(*alg) + tlv(*sig))


def server_kb():
    with open("/proc/%s/status" % sys.argv[2], encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def reader(path):
    """Asks, takes the first octets of the answer and no more."""
    url = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])
    context = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
    plain = socket.create_connection((url.hostname, url.port))
    s = context.wrap_socket(plain, server_hostname=url.hostname)
    s.sendall(("GET /v1/%s HTTP/1.1\r\nHost: h\r\n\r\n" % path).encode())
    same(s.recv(12), b"HTTP/1.1 200", path)
    return s


def slow_readers():
    for path in ("p/crl/pem", "p/issuer/default/crl", "p/cert/crl"):
        before = server_kb()
        readers = [reader(path) for _ in range(READERS)]
        grown = server_kb() - before
        for s in readers:
            s.close()
        if grown > GROWTH_KB:
            raise SystemExit("%d readers of %s: %d kB" % (READERS, path, grown))
        print("%d readers of %s: %d kB" % (READERS, path, grown))


def main():
    API.ok("POST", "sys/mounts/p", {"type": "pki"})
    API.ok("POST", "p/root/generate/internal", {"common_name": "Pem", "key_type": "ec"})
    API.ok("POST", "p/roles/r", {"allow_any_name": True, "key_type": "ec", "ttl": "1h"})
    serial = API.ok("POST", "p/issue/r", {"common_name": "a.example"})["data"]["serial_number"]
    API.ok("POST", "p/revoke", {"serial_number": serial})
    ranges(forms())
    wrap = {"X-Vault-Wrap-TTL": "60"}
    answer = API.ask("GET", "p/cert/crl", None, wrap)[1]
    unwrapped = API.ok("POST", "sys/wrapping/unwrap", {"token": answer["wrap_info"]["token"]})
    same(unwrapped["data"]["certificate"].split("\n")[0], "-----BEGIN X509 CRL-----", "wrapped")

    der = API.raw("GET", "p/crl")[2]
    for path in glob.glob(os.path.join(sys.argv[1], "*", "full", "*.crl")):
        with open(path, "rb") as f:
            if f.read() == der:
                break
    else:
        raise SystemExit("the list is not on disk")
    number = int(os.path.basename(path)[:-4]) + 1
    planted = os.path.join(os.path.dirname(path), "%d.crl" % number)
    with open(planted + ".new", "wb") as f:
        f.write(long_list(der))
    os.rename(planted + ".new", planted)
    try:
        want = forms()
        same(len(want) > 25 << 20, True, "a long list")
        ranges(want)
        slow_readers()
        status, answer = API.ask("GET", "p/cert/crl", None, wrap)
        same(status, 400, "a long list wrapped")
        same("cannot be wrapped" in answer["errors"][0], True, answer)
    finally:
        os.unlink(planted)


main()
