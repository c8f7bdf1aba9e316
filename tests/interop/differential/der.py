# SPDX-License-Identifier: Apache-2.0
"""Certificates, requests and lists as trees of everything that is in them, types of strings and
order included. What names keys, numbers or times is wrapped, so that a comparison can match it by
its shape."""
import base64
import datetime
import re

NAMES = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L",
    "2.5.4.8": "ST", "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU",
    "2.5.4.17": "postalCode", "0.9.2342.19200300.100.1.1": "UID",
    "2.5.29.14": "SKI", "2.5.29.15": "KU", "2.5.29.17": "SAN", "2.5.29.19": "BC",
    "2.5.29.20": "CRLNumber", "2.5.29.21": "reason", "2.5.29.27": "deltaCRL",
    "2.5.29.28": "IDP", "2.5.29.30": "nameConstraints", "2.5.29.31": "CDP",
    "2.5.29.32": "policies", "2.5.29.35": "AKI", "2.5.29.37": "EKU", "2.5.29.46": "freshestCRL",
    "1.3.6.1.5.5.7.1.1": "AIA", "1.2.840.113549.1.9.14": "extensionRequest",
}
STRINGS = {12: "UTF8String", 18: "NumericString", 19: "PrintableString", 20: "TeletexString",
           22: "IA5String", 30: "BMPString"}


class Opaque:
    """A value that may be another on either side, of this kind."""

    def __init__(self, kind, value):
        self.kind, self.value = kind, value

    def __repr__(self):
        return "%s %s" % (self.kind, self.value)


class Time:
    """Seconds since 1970, of this type."""

    def __init__(self, kind, value):
        self.kind, self.value = kind, value

    def __repr__(self):
        return "%s %s" % (self.kind, datetime.datetime.fromtimestamp(
            self.value, datetime.timezone.utc).isoformat())


class Node:
    def __init__(self, tag, constructed, content, raw):
        self.tag, self.constructed, self.content, self.raw = tag, constructed, content, raw
        self.children = read_all(content) if constructed else None

    def __getitem__(self, i):
        return self.children[i]

    def __len__(self):
        return len(self.children)


def read(octets, at=0):
    first = octets[at]
    if first & 31 == 31:
        raise ValueError("long tag")
    length, head = octets[at + 1], 2
    if length & 128:
        n = length & 127
        length, head = int.from_bytes(octets[at + 2:at + 2 + n], "big"), 2 + n
    end = at + head + length
    if end > len(octets):
        raise ValueError("short")
    return Node(first & ~32, bool(first & 32), octets[at + head:end], octets[at:end]), end


def read_all(octets):
    at, out = 0, []
    while at < len(octets):
        node, at = read(octets, at)
        out.append(node)
    return out


def oid(node):
    parts, value = [], 0
    for octet in node.content:
        value = value << 7 | octet & 127
        if not octet & 128:
            parts.append(value)
            value = 0
    first = min(parts[0] // 40, 2)
    return ".".join(map(str, [first, parts[0] - 40 * first] + parts[1:]))


def named(node):
    return NAMES.get(oid(node), oid(node))


def when(node):
    text = node.content.decode()
    if node.tag == 23:
        text = ("20" if text[0] < "5" else "19") + text
    t = datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ")
    return Time("UTCTime" if node.tag == 23 else "GeneralizedTime",
                int(t.replace(tzinfo=datetime.timezone.utc).timestamp()))


def tree(node):
    """Anything."""
    if node.constructed:
        return {"tag": "%02x" % node.tag, "of": [tree(c) for c in node.children]}
    if node.tag == 6:
        return "OID " + named(node)
    if node.tag in STRINGS:
        return "%s %s" % (STRINGS[node.tag], node.content.decode("latin-1"))
    if node.tag in (23, 24):
        return when(node)
    if node.tag == 4:
        try:
            inner = read_all(node.content)
        except (ValueError, IndexError):
            inner = []
        if len(inner) == 1 and inner[0].constructed:
            return {"octets": tree(inner[0])}
    return "%02x %s" % (node.tag, node.content.hex())


def name(node):
    """RDN by RDN, with the types of its strings."""
    return [[(named(pair[0]), tree(pair[1])) for pair in rdn.children] for rdn in node.children]


def algorithm(node):
    return [tree(child) for child in node.children]


def key(node):
    bits = node[1].content[1:]
    size = len(bits) * 8
    if named(node[0][0]) == "1.2.840.113549.1.1.1":
        size = len(read(bits)[0][0].content.lstrip(b"\0")) * 8
    return {"algorithm": algorithm(node[0]), "bits": size, "key": Opaque("public key", bits.hex())}


def extension_value(kind, octets):
    inner = read(octets)[0]
    if kind == "SKI":
        return Opaque("key id", inner.content.hex())
    if kind in ("CRLNumber", "deltaCRL"):
        return Opaque("number of a list", inner.content.hex())
    if kind == "AKI":
        return {"%02x" % c.tag: Opaque("key id", c.content.hex()) for c in inner.children}
    return tree(inner)


def extensions(node):
    out = []
    for ext in node.children:
        kind = named(ext[0])
        out.append((kind, "critical" if ext[1].tag == 1 else "",
                    extension_value(kind, ext.children[-1].content)))
    return out


def with_extensions(view, exts):
    view["extensions in order"] = [(kind + " " + critical).strip() for kind, critical, _ in exts]
    view.update({kind: value for kind, _, value in exts})
    return view


def number(node):
    return Opaque("serial", ":".join("%02x" % b for b in node.content.lstrip(b"\0")))


def certificate(octets):
    cert = read(octets)[0]
    tbs = cert[0].children
    version = "absent"
    if tbs[0].tag == 0x80:
        version, tbs = tree(tbs[0]), tbs[1:]
    view = {"version": version, "serial": number(tbs[0]), "algorithm": algorithm(tbs[1]),
            "issuer": name(tbs[2]), "notBefore": when(tbs[3][0]), "notAfter": when(tbs[3][1]),
            "subject": name(tbs[4]), "key": key(tbs[5]), "outer algorithm": algorithm(cert[1])}
    return with_extensions(view, extensions(tbs[6][0]) if len(tbs) > 6 else [])


def request(octets):
    csr = read(octets)[0]
    info = csr[0].children
    return {"version": tree(info[0]), "subject": name(info[1]), "key": key(info[2]),
            "attributes": [request_attribute(a) for a in info[3].children],
            "algorithm": algorithm(csr[1])}


def request_attribute(node):
    kind = named(node[0])
    if kind == "extensionRequest":
        return with_extensions({}, extensions(node[1][0]))
    return [kind, tree(node[1])]


def entry(node):
    view = {"serial": number(node[0]), "date": when(node[1])}
    return with_extensions(view, extensions(node[2]) if len(node) > 2 else [])


def revocation_list(octets):
    crl = read(octets)[0]
    tbs = crl[0].children
    version = "absent"
    if tbs[0].tag == 2:
        version, tbs = tree(tbs[0]), tbs[1:]
    view = {"version": version, "algorithm": algorithm(tbs[0]), "issuer": name(tbs[1]),
            "thisUpdate": when(tbs[2]).kind}
    rest = tbs[3:]
    # When it was made is everyone's own, how long it is good is not.
    if rest and rest[0].tag in (23, 24):
        view["nextUpdate"] = when(rest[0]).kind
        view["life"], rest = when(rest[0]).value - when(tbs[2]).value, rest[1:]
    entries = []
    if rest and rest[0].tag == 0x10:
        entries, rest = [entry(e) for e in rest[0].children], rest[1:]
    view["entries"] = {e["serial"].value: e for e in entries}
    return with_extensions(view, extensions(rest[0][0]) if rest else [])


def private_key(octets):
    top = read(octets)[0]
    return {"type": [c.tag for c in top.children],
            "algorithm": algorithm(top[1]) if top[1].constructed else ""}


BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\n([A-Za-z0-9+/=\n]+)-----END \1-----")
VIEWS = {"CERTIFICATE": certificate, "CERTIFICATE REQUEST": request,
         "X509 CRL": revocation_list, "PRIVATE KEY": private_key, "RSA PRIVATE KEY": private_key,
         "EC PRIVATE KEY": private_key}


def pem(text):
    """[(label, view)…] and the text with the blocks taken out."""
    blocks = []
    for label, body in BLOCK.findall(text):
        blocks.append((label, VIEWS[label](base64.b64decode(body))))
    return blocks, BLOCK.sub("<BLOCK>", text)


def of_type(octets):
    """DER that is one of the three, or None."""
    for label in ("CERTIFICATE", "CERTIFICATE REQUEST", "X509 CRL", "PRIVATE KEY"):
        try:
            return label, VIEWS[label](octets)
        except (ValueError, IndexError, TypeError, UnicodeDecodeError):
            pass
    return None
