# SPDX-License-Identifier: Apache-2.0
"""Requests that no library would write, into the working directory: DER by hand,
signed with openssl and the key h.key, so that all but what is wrong is right."""
import subprocess


def tlv(tag, *parts):
    value = b"".join(parts)
    n = len(value)
    if n < 128:
        length = bytes([n])
    else:
        octets = n.to_bytes((n.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + length + value


def seq(*parts):
    return tlv(0x30, *parts)


def oid(text):
    arcs = [int(x) for x in text.split(".")]
    out = bytes([arcs[0] * 40 + arcs[1]])
    for arc in arcs[2:]:
        octets = [arc & 127]
        while arc > 127:
            arc >>= 7
            octets.append(arc & 127 | 128)
        out += bytes(reversed(octets))
    return tlv(6, out)


def rdn(kind, value, tag=12):
    return tlv(0x31, seq(oid(kind), tlv(tag, value)))


def run(*args, **more):
    return subprocess.run(args, check=True, capture_output=True, **more).stdout


C, CN, O = "2.5.4.6", "2.5.4.3", "2.5.4.10"
USUAL = seq(rdn(C, b"DE", 19), rdn(O, b"Acme"), rdn(CN, b"b1.acme.example"))
ECDSA = seq(oid("1.2.840.10045.4.3.2"))
run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "h.key")
SPKI = run("openssl", "pkey", "-in", "h.key", "-pubout", "-outform", "DER")


def dns(value):
    return tlv(0x82, value)


def san(*names):
    return seq(oid("2.5.29.17"), tlv(4, seq(*names)))


def request(*exts):
    return seq(oid("1.2.840.113549.1.9.14"), tlv(0x31, seq(*exts)))


GOOD = dns(b"b1.acme.example")
USUAL_ATTRS = request(san(GOOD))


def csr(path, subject=USUAL, attrs=USUAL_ATTRS, spki=SPKI, alg=ECDSA, version=b"\0",
        signature=None, tail=b""):
    info = seq(tlv(2, version), subject, spki, tlv(0xa0, attrs))
    if signature is None:
        signature = run("openssl", "dgst", "-sha256", "-sign", "h.key", input=info)
    with open(path, "wb") as f:
        f.write(seq(info, alg, tlv(3, b"\0" + signature)) + tail)


def names(path, *v):
    csr(path, attrs=request(san(*v)))


def cn(path, value, tag=12):
    csr(path, subject=seq(rdn(CN, value, tag)))


csr("good")
names("dns-nul", dns(b"b1.acme.example\0.evil.example"))
names("dns-control", dns(b"b1\x1b[31m.acme.example"))
names("dns-line", dns(b"b1.acme.example\nx"))
names("dns-utf8", dns("b\u00fc.acme.example".encode()))
names("dns-empty", dns(b""))
names("dns-dot", dns(b".acme.example"))
names("dns-end-dot", dns(b"b1.acme.example."))
names("dns-space", dns(b"b1.acme.example evil.example"))
names("dns-label-64", dns(b"a" * 64 + b".example"))
names("dns-254", dns(b".".join([b"a" * 60] * 4 + [b"a" * 11])))
names("dns-wildcard", dns(b"*.acme.example"))
names("dns-wildcard-2", dns(b"*.*.acme.example"))
names("dns-wildcard-all", dns(b"*"))
names("dns-address", dns(b"192.0.2.1"))
names("dns-outside", dns(b"b1.evil.example"))
names("ip-5", tlv(0x87, b"\1\2\3\4\5"))
names("other-name", GOOD, tlv(0xa0, oid("1.3.6.1.4.1.311.20.2.3"),
                              tlv(0xa0, tlv(12, b"root@corp"))))
names("directory-name", GOOD, tlv(0xa4, USUAL))
names("email-nul", GOOD, tlv(0x81, b"a@b.example\0"))
names("uri-line", GOOD, tlv(0x86, b"http://a.example/\n"))
names("san-none")
names("san-800-outside", *[dns(b"b%d.acme.exampl" % i) for i in range(800)])
names("san-801", *[dns(b"b%d.acme.example" % i) for i in range(801)])
csr("san-twice", attrs=request(san(GOOD), san(dns(b"x.acme.example"))))
csr("no-san", attrs=b"")
csr("version-2", version=b"\1")
csr("no-subject", subject=seq())
cn("cn-nul", b"b1.acme.example\0.evil")
cn("cn-control", b"b1\x1b]0;x\x07")
cn("cn-line", b"b1\nUser:admin")
cn("cn-c1", "b1\x9b31m".encode())
cn("cn-not-utf8", b"b1\xff\xfe")
cn("cn-bmp-control", "b1\n".encode("utf-16-be"), 30)
cn("cn-bmp-odd", b"\0b1", 30)
cn("cn-empty", b"")
csr("cn-two", subject=seq(rdn(CN, b"b1"), rdn(CN, b"b2")))
csr("rdn-500", subject=seq(*[rdn(O, b"o%d" % i) for i in range(500)]))
csr("bad-signature", signature=b"\x30\x06\2\1\1\2\1\1")
csr("zero-signature", signature=b"\x30\x06\2\1\0\2\1\0")
csr("no-signature", signature=b"")
csr("other-algorithm", alg=seq(oid("1.2.840.113549.1.1.11"), tlv(5)))
csr("unknown-algorithm", alg=seq(oid("1.2.3.4")))
csr("tail", tail=b"\0\0")
csr("off-curve", spki=SPKI[:-1] + bytes([SPKI[-1] ^ 1]))
csr("infinity", spki=seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")),
                         tlv(3, b"\0\0")))
deep = b""
for _ in range(5000):
    deep = seq(deep)
csr("deep", attrs=seq(oid("1.2.3"), tlv(0x31, deep)))
