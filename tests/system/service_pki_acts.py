#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Acts of authorities, with the running service and a real OpenBao (pki_both.py).

service_pki_acts.py SECRETS    lines of the private keys that it hands in go to that file
"""
import os
import re
import subprocess
import sys
import tempfile

from pki_both import DIFFERENT, MERGE, OURS, THEIRS, both, end, note, openssl, profile, scalars

CALLER = "400 instead of 500: the caller's mistake"
DIFFERENT.update({
    "revoked issuer: unknown": CALLER,
    "revoked issuer: sign": CALLER,
    "with key: another one": CALLER,
    "with key: no certificate": CALLER,
    "self-issued: algorithms": CALLER,
    "key name: taken": "refused: a name is one key's",
    "key name: default": "refused: it is the default key's reference",
    "key name: invalid": "refused: no path could name it",
    "key name: unknown": CALLER,
    "keys: exported": "keys of authorities stay in the HSM",
    "keys: of no type": CALLER,
    "keys: existing": "400 instead of 404: the path is there",
    "chain: unknown": CALLER,
    "chain: self twice": "self is understood everywhere in the chain",
    "patch: unknown issuer": CALLER,
    "patch: algorithm of another key": CALLER,
    "public: none/json": CALLER,
    "public: none/pem": CALLER,
    "public: none/der": CALLER,
})


def each(pair, **fields):
    """A body for either side; {name} is that side's member."""
    return tuple({k: v.format(**d) if isinstance(v, str) else v for k, v in fields.items()}
                 for d in pair)


def paths(text, pair):
    return tuple(text.format(**d) for d in pair)


def expect(what, have, want):
    if have != want:
        note("%s: %r instead of %r" % (what, have, want))


def crl_of(api, path):
    """Serial numbers on the list, in upper-case hex."""
    der = api.raw("GET", path)[2]
    text = subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"], input=der,
                          check=True, capture_output=True).stdout.decode()
    return set(re.findall(r"Serial Number: ([0-9A-F]+)", text))


def make_mounts():
    for name in ("root", "other", "rsa"):
        both("mount", "POST", "sys/mounts/" + name,
             {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
    fields = {"common_name": "Root", "issuer_name": "r", "key_name": "k", "key_type": "ec",
              "ttl": "80000h"}
    both("root", "POST", "root/root/generate/internal", fields)
    other = both("other", "POST", "other/root/generate/internal", dict(
        fields, common_name="Other", ttl="8000h", organization="Acme", max_path_length=3))
    rsa = both("rsa", "POST", "rsa/root/generate/internal", dict(
        fields, common_name="RSA", ttl="9000h", key_type="rsa"))
    both("urls", "POST", "root/config/urls", {"issuing_certificates": "http://h/ca",
                                              "crl_distribution_points": "http://h/crl"})
    for name in ("root", "other"):
        both("role", "POST", name + "/roles/any", {"allow_any_name": True, "key_type": "ec",
                                                   "max_ttl": "24h"})
    return other, rsa


def revoked_issuer():
    csr = both("csr", "POST", "root/intermediate/generate/internal",
               {"common_name": "Int", "key_type": "ec", "key_name": "int"})
    signed = both("signed", "POST", "root/root/sign-intermediate",
                  each(csr, csr="{csr}", format="pem_bundle", ttl="1000h"))
    taken = both("taken", "POST", "root/intermediate/set-signed",
                 each(signed, certificate="{certificate}"))
    ids = [{"id": d["imported_issuers"][0], "csr": c["csr"]} for d, c in zip(taken, csr)]
    both("revoked issuer: unknown", "POST", "root/issuer/none/revoke", {})
    first = both("revoked issuer", "POST", paths("root/issuer/{id}/revoke", ids), {})
    again = both("revoked issuer: again", "POST", paths("root/issuer/{id}/revoke", ids), {})
    expect("time of revocation", first[0]["revocation_time"], again[0]["revocation_time"])
    scalars("revoked issuer", both("revoked issuer: read", "GET", paths("root/issuer/{id}", ids)))
    both("revoked issuer: sign", "POST", paths("root/issuer/{id}/sign-verbatim", ids),
         each(ids, csr="{csr}"))
    both("revoked issuer: usage", "PATCH", paths("root/issuer/{id}", ids),
         {"usage": "issuing-certificates"}, MERGE)
    both("revoked issuer: name", "PATCH", paths("root/issuer/{id}", ids),
         {"issuer_name": "old"}, MERGE)
    both("revoked issuer: by serial", "POST", "root/revoke",
         each(signed, serial_number="{serial_number}"))
    serials = [d["serial_number"].replace(":", "").upper() for d in signed]
    for api, serial in zip((OURS, THEIRS), serials):
        expect(api.name + ": on its issuer's list", serial in crl_of(api, "root/crl"), True)
    # Ours names the issuer of a revoked certificate always.
    shown = OURS.ok("GET", "root/cert/" + signed[0]["serial_number"])["data"]
    expect("time at the certificate", shown["revocation_time"], first[0]["revocation_time"])
    both("revoked issuer: listed", "LIST", "root/certs/revoked")
    # A self-signed one stands on no list.
    both("mount", "POST", "sys/mounts/gone", {"type": "pki"})
    both("root", "POST", "gone/root/generate/internal", {"common_name": "G", "key_type": "ec"})
    both("revoked root", "POST", "gone/issuer/default/revoke", {})
    both("role", "POST", "gone/roles/any", {"allow_any_name": True, "key_type": "ec"})
    expect("issue by a revoked root", OURS.ask(
        "POST", "gone/issue/any", {"common_name": "x.example", "ttl": "1h"})[0], 400)


def with_key():
    leaf, second = (both("issue", "POST", "root/issue/any", {"common_name": "a.example"})
                    for _ in range(2))
    path = "root/revoke-with-key"
    both("with key: nothing", "POST", path, {})
    both("with key: none", "POST", path, each(leaf, serial_number="{serial_number}"))
    both("with key: short", "POST", path,
         each(leaf, serial_number="{serial_number}", private_key="key.pem"))
    both("with key: another one", "POST", path,
         each([dict(a, k=b["private_key"]) for a, b in zip(leaf, second)],
              serial_number="{serial_number}", private_key="{k}"))
    both("with key: both", "POST", path,
         each(leaf, serial_number="{serial_number}", certificate="{certificate}",
              private_key="{private_key}"))
    both("with key: unknown", "POST", path,
         each(leaf, serial_number="11:22", private_key="{private_key}"))
    both("with key: no certificate", "POST", path,
         each(leaf, certificate="x", private_key="{private_key}"))
    expect("not revoked by all that", OURS.ok(
        "GET", "root/cert/" + leaf[0]["serial_number"])["data"]["revocation_time"], 0)
    # The public half alone is no proof, and neither is a passphrase that we do not have.
    locked = subprocess.run(["openssl", "pkcs8", "-topk8", "-passout", "pass:x"],
                            input=leaf[0]["private_key"], text=True, check=True,
                            capture_output=True).stdout
    expect("with an encrypted key", OURS.ask("POST", path, {
        "serial_number": leaf[0]["serial_number"], "private_key": locked})[0], 400)
    both("with key: certificate", "POST", path,
         each(leaf, certificate="{certificate}", private_key="{private_key}"))
    both("with key: again", "POST", path,
         each(leaf, certificate="{certificate}", private_key="{private_key}"))
    both("with key: serial", "POST", path,
         each(second, serial_number="{serial_number}", private_key="{private_key}"))
    for kind, bits in (("rsa", 2048), ("ec", 384), ("ed25519", 0)):
        both("role", "POST", "root/roles/k", {"allow_any_name": True, "key_type": kind,
                                              "key_bits": bits, "max_ttl": "1h"})
        for form in ("der", "pkcs8"):
            one = both("issue " + kind, "POST", "root/issue/k",
                       {"common_name": "a.example", "private_key_format": form})
            if kind == "rsa":
                remember(one[0]["private_key"])
            both("with key: %s %s" % (kind, form), "POST", path,
                 each(one, serial_number="{serial_number}", private_key="{private_key}"))


def remember(pem):
    """Lines of base64 with private numbers of an RSA key; the modulus before them is public."""
    lines = pem.split("\n")[1:-1]
    with open(sys.argv[1], "a", encoding="ascii") as f:
        f.writelines(line + "\n" for line in lines[len(lines) // 3:] if len(line) == 64)


def mangled_key():
    """The public half of the certificate with the private number of another key."""
    leaf, other = (OURS.ok("POST", "root/issue/any", {"common_name": "a.example"})["data"]
                   for _ in range(2))
    der = [subprocess.run(["openssl", "ec", "-outform", "der"], input=d["private_key"].encode(),
                          check=True, capture_output=True).stdout for d in (leaf, other)]
    # SEC 1: 30 77 02 01 01 04 20 <32 octets> …
    mixed = der[0][:7] + der[1][7:39] + der[0][39:]
    pem = subprocess.run(["openssl", "base64"], input=mixed, check=True,
                         capture_output=True).stdout.decode()
    status, answer = OURS.ask("POST", "root/revoke-with-key", {
        "serial_number": leaf["serial_number"],
        "private_key": "-----BEGIN EC PRIVATE KEY-----\n%s-----END EC PRIVATE KEY-----\n" % pem})
    expect("a private number of another key: %s" % answer, status, 400)


def self_issued(other, rsa):
    path = "root/root/sign-self-issued"
    signed = both("self-issued", "POST", path, each(other, certificate="{certificate}"))
    lines = [sorted(line.strip() for line in profile(d["certificate"]).split("\n"))
             for d in signed]
    expect("self-issued: extensions", lines[0], lines[1])
    both("self-issued: by path", "POST", "root/issuer/r/sign-self-issued",
         each(other, certificate="{certificate}"))
    both("self-issued: nothing", "POST", path, {})
    both("self-issued: none", "POST", path, {"certificate": "x"})
    both("self-issued: rsa", "POST", path, each(rsa, certificate="{certificate}"))
    both("self-issued: algorithms", "POST", path,
         each(rsa, certificate="{certificate}", require_matching_certificate_algorithms=True))
    csr = both("csr", "POST", "other/intermediate/generate/internal",
               {"common_name": "Below", "key_type": "ec"})
    below = both("signed", "POST", "other/root/sign-intermediate",
                 each(csr, csr="{csr}", ttl="100h"))
    both("self-issued: not", "POST", path, each(below, certificate="{certificate}"))
    leaf = both("issue", "POST", "other/issue/any", {"common_name": "a.example"})
    both("self-issued: leaf", "POST", path, each(leaf, certificate="{certificate}"))
    # Trusting our root is trusting what the other one issued.
    with tempfile.TemporaryDirectory() as d:
        root = OURS.raw("GET", "root/ca/pem")[2]
        for name, text in (("anchor", root.decode()), ("cross", signed[0]["certificate"] + "\n"),
                           ("leaf", leaf[0]["certificate"] + "\n")):
            with open(os.path.join(d, name), "w", encoding="ascii") as f:
                f.write(text)
        verified = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", d + "/anchor",
                                   "-untrusted", d + "/cross", d + "/leaf"],
                                  capture_output=True, text=True)
        expect("verified over the cross-signed root: " + verified.stderr,
               verified.returncode, 0)
    return signed, below, leaf


def cross_sign():
    both("cross-sign", "POST", "other/intermediate/cross-sign", {"common_name": "Other"})
    both("cross-sign: key type", "POST", "other/intermediate/cross-sign",
         {"common_name": "Other", "key_type": "rsa"})
    csr = both("cross-sign: key", "POST", "other/intermediate/cross-sign",
               {"common_name": "Other", "key_ref": "k", "add_basic_constraints": True})
    signed = both("cross-signed", "POST", "root/root/sign-intermediate",
                  each(csr, csr="{csr}", ttl="100h"))
    both("cross-signed: taken", "POST", "other/issuers/import/cert",
         each(signed, pem_bundle="{certificate}"))


def imports(cross, below, leaf, other, rsa):
    for path in ("issuers/import/cert", "issuers/import/bundle", "config/ca"):
        both(path + ": nothing", "POST", "root/" + path, {})
        both(path + ": short", "POST", "root/" + path, {"pem_bundle": "x.pem"})
    pair = [{"a": b["certificate"], "b": o["certificate"], "l": e["certificate"],
             "k": e["private_key"], "x": x["certificate"], "r": r["certificate"]}
            for b, o, e, x, r in zip(below, other, leaf, cross, rsa)]
    taken = both("import", "POST", "root/issuers/import/cert", each(pair, pem_bundle="{a}\n{b}"))
    for d, mine in zip(taken, ("ours", "OpenBao's")):
        expect(mine + " mapping", sorted(d["mapping"].values()), ["", ""])
    again = both("import: again", "POST", "root/issuers/import/bundle",
                 each(pair, pem_bundle="{a}\n{b}"))
    for d, old in zip(again, taken):
        expect("existing", sorted(d["existing_issuers"]), sorted(old["imported_issuers"]))
        expect("imported", d["imported_issuers"], None)
    both("import: config/ca", "POST", "root/config/ca", each(pair, pem_bundle="{a}"))
    both("import: leaf", "POST", "root/issuers/import/bundle", each(pair, pem_bundle="{l}"))
    both("import: leaf behind", "POST", "root/issuers/import/bundle",
         each(pair, pem_bundle="{r}\n{l}"))
    both("import: key", "POST", "root/issuers/import/cert", each(pair, pem_bundle="{k}\n{r}"))
    both("import: key in a bundle", "POST", "rsa/issuers/import/bundle",
         each(pair, pem_bundle="{k}\n{b}"))
    both("import: text behind", "POST", "root/issuers/import/bundle",
         each(pair, pem_bundle="{r}\njunk"))
    both("import: text before", "POST", "root/issuers/import/bundle",
         each(pair, pem_bundle="junk\n{r}"))
    lists = [api.raw("GET", "other/crl/pem")[2].decode() for api in (OURS, THEIRS)]
    both("import: with a list", "POST", "root/issuers/import/bundle",
         tuple({"pem_bundle": d["r"] + "\n" + text} for d, text in zip(pair, lists)))
    both("import: cross-signed", "POST", "root/issuers/import/bundle",
         each(pair, pem_bundle="{x}"))
    # Its key is this mount's: found by the public key.
    mine = both("import: own", "POST", "other/issuers/import/cert", each(pair, pem_bundle="{x}"))
    for d, name in zip(mine, ("ours", "OpenBao's")):
        expect(name + ": key found", "" in d["mapping"].values(), False)
    both("chains", "GET", paths("root/issuer/{id}",
                                [{"id": d["imported_issuers"][0]} for d in taken]))
    for i, name in enumerate(("ours", "OpenBao's")):
        api = (OURS, THEIRS)[i]
        chain = api.ok("GET", "root/issuer/" + taken[i]["imported_issuers"][0])
        # Below, then Other: its own certificate or the one that Root signed, and Root.
        expect(name + " chain", len(chain["data"]["ca_chain"]) >= 2, True)
    return taken


def keys(leaf):
    both("keys: made", "POST", "root/keys/generate/internal",
         {"key_type": "ec", "key_name": "new"})
    both("keys: name taken", "POST", "root/keys/generate/internal",
         {"key_type": "ec", "key_name": "new"})
    both("keys: existing", "POST", "root/keys/generate/existing", {"key_type": "ec"})
    both("keys: exported", "POST", "root/keys/generate/exported", {"key_type": "ec"})
    both("keys: bad bits", "POST", "root/keys/generate/internal",
         {"key_type": "ec", "key_bits": 1})
    both("keys: import", "POST", "root/keys/import", each(leaf, pem_bundle="{private_key}"))
    both("keys: import nothing", "POST", "root/keys/import", {})
    both("key name", "POST", "root/key/new", {"key_name": "newer"})
    both("key name: same", "POST", "root/key/newer", {"key_name": "newer"})
    both("key name: unknown", "POST", "root/key/none", {"key_name": "z"})
    both("key name: none", "POST", "root/key/newer", {})
    both("keys: made", "POST", "root/keys/generate/internal",
         {"key_type": "ec", "key_name": "odd"})
    both("key name: default", "POST", "root/key/odd", {"key_name": "default"})
    both("key name: invalid", "POST", "root/key/odd", {"key_name": "a/b"})
    both("key: read", "GET", "root/key/k")
    both("key: in use", "DELETE", "root/key/k")
    both("key: unknown", "DELETE", "root/key/none")
    OURS.ok("POST", "root/keys/generate/internal", {"key_type": "ec", "key_name": "third"})
    expect("a name of another key", OURS.ask("POST", "root/key/third", {"key_name": "k"})[0], 400)


def issuer_patch(taken):
    ids = [{"id": d["imported_issuers"][0]} for d in taken]

    def patch(what, fields):
        scalars("patch: " + what,
                both("patch: " + what, "PATCH", "root/issuer/r", fields, MERGE))

    patch("nothing", {})
    both("chain: self", "PATCH", "root/issuer/r", {"manual_chain": ["self"]}, MERGE)
    both("chain: another first", "PATCH", "root/issuer/r",
         tuple({"manual_chain": [d["id"]]} for d in ids), MERGE)
    longer = both("chain: longer", "PATCH", "root/issuer/r",
                  tuple({"manual_chain": ["self", d["id"]]} for d in ids), MERGE)
    expect("chain as told", [len(d["ca_chain"]) for d in longer], [2, 2])
    both("chain: unknown", "PATCH", "root/issuer/r", {"manual_chain": ["self", "zz"]}, MERGE)
    both("chain: self twice", "PATCH", "root/issuer/r", {"manual_chain": ["self", "self"]}, MERGE)
    patch("chain none", {"manual_chain": []})
    both("patch: name", "PATCH", "root/issuer/r", {"issuer_name": "a b"}, MERGE)
    both("patch: default", "PATCH", "root/issuer/r", {"issuer_name": "default"}, MERGE)
    both("patch: behaviour", "PATCH", "root/issuer/r", {"leaf_not_after_behavior": "x"}, MERGE)
    both("patch: algorithm", "PATCH", "root/issuer/r",
         {"revocation_signature_algorithm": "x"}, MERGE)
    both("patch: algorithm of another key", "PATCH", "root/issuer/r",
         {"revocation_signature_algorithm": "SHA256WithRSA"}, MERGE)
    patch("algorithm in small letters", {"revocation_signature_algorithm": "ecdsawithsha256"})
    both("patch: url", "PATCH", "root/issuer/r", {"issuing_certificates": "x"}, MERGE)
    patch("cleared", {"issuing_certificates": []})
    patch("no usage", {"usage": ""})
    patch("usages", {"usage": ["crl-signing", "issuing-certificates"]})
    both("patch: unknown issuer", "PATCH", "root/issuer/none", {"usage": "read-only"}, MERGE)
    scalars("write", both("write", "POST", "root/issuer/r", {}))
    both("delete: unknown", "DELETE", "root/issuer/none")
    for form in ("json", "pem", "der"):
        both("public: none/" + form, "GET", "root/issuer/none/" + form)


def rotation():
    first = both("rotate", "POST", "rsa/root/rotate/internal",
                 {"common_name": "New", "key_type": "ec"})
    expect("name of the next", [d["issuer_name"] for d in first], ["next"] * 2)
    second = both("rotate: again", "POST", "rsa/root/rotate/internal",
                  {"common_name": "New", "key_type": "ec"})
    expect("name of one more", [d["issuer_name"] for d in second], [""] * 2)
    both("rotate: existing", "POST", "rsa/root/rotate/existing",
         {"common_name": "New", "issuer_name": "third"})
    new = both("replace", "POST", "rsa/root/replace", {})
    expect("replaced", [d["default"] for d in new], [d["issuer_id"] for d in first])
    both("replace: by name", "POST", "rsa/root/replace", {"default": "third"})
    both("replace: unknown", "POST", "rsa/root/replace", {"default": "none"})
    both("replace: empty", "POST", "rsa/root/replace", {"default": ""})
    both("replace: default", "POST", "rsa/root/replace", {"default": "default"})
    both("root gone", "DELETE", "rsa/root")
    both("root gone: again", "DELETE", "rsa/root")
    both("root gone: issuers", "LIST", "rsa/issuers")
    both("root gone: keys", "LIST", "rsa/keys")
    scalars("root gone", both("root gone: config", "GET", "rsa/config/issuers"))


def detailed():
    """certs/detailed tells the same of certificates that are alike."""
    both("detailed: none", "LIST", "empty/certs/detailed")
    serials = []
    for kind, bits, fields in (
            ("ec", 256, {"common_name": "a.example", "alt_names": ",".join(
                "n%d.example" % i for i in range(20)), "ip_sans": "10.0.0.1"}),
            ("rsa", 3072, {"common_name": "b.example"}), ("ed25519", 0, {"ip_sans": "10.0.0.2"}),
            ("ec", 384, {"common_name": "c@example.com"})):
        both("role", "POST", "other/roles/d", {
            "allow_any_name": True, "key_type": kind, "key_bits": bits, "max_ttl": "1h",
            "require_cn": False, "organization": "Acme, Inc.+x", "ou": "b,a"})
        serials.append([d["serial_number"] for d in both("issue", "POST", "other/issue/d",
                                                         fields)])
    told = both("detailed", "LIST", "other/certs/detailed")
    for pair in serials:
        infos = [d["key_info"][s] for d, s in zip(told, pair)]
        for info in infos:
            info.pop("not_before")
            info.pop("not_after")
        expect("detailed", infos[0], infos[1])
    for d in told:
        expect("keys and key_info", sorted(d["keys"]), sorted(d["key_info"]))
    both("detailed: limit", "GET", "other/certs/detailed?list=true&limit=2")
    both("detailed: no limit", "GET", "other/certs/detailed?list=true&limit=-1")


def one_place():
    """What Vault has for clusters is here what it has for one server."""
    for path, same in (("unified-crl", "crl"), ("unified-crl/pem", "crl/pem"),
                       ("issuer/k/unified-crl/der", "issuer/k/crl/der"),
                       ("issuer/k/unified-crl/pem", "issuer/k/crl/pem")):
        answers = [OURS.raw("GET", "other/" + p.replace("/k/", "/r/")) for p in (path, same)]
        expect(path, answers[0][2], answers[1][2])
        expect(path, answers[0][0], 200)
    expect("unified-revoked", OURS.ask("LIST", "root/certs/unified-revoked")[1]["data"],
           OURS.ask("LIST", "root/certs/revoked")[1]["data"])
    expect("revocation-queue", OURS.ask("LIST", "root/certs/revocation-queue")[0], 404)
    lists = [{"crls": [api.raw("GET", "other/crl/pem")[2].decode()], "crl_number": 9,
              "next_update": "1h"} for api in (OURS, THEIRS)]
    both("list: resigned", "POST", "other/issuer/r/resign-crls", tuple(lists))
    both("list: by the caller", "POST", "other/issuer/r/sign-revocation-list",
         {"crl_number": 10, "revoked_certs": []})


def main():
    other, rsa = make_mounts()
    revoked_issuer()
    with_key()
    mangled_key()
    cross, below, leaf = self_issued(other, rsa)
    cross_sign()
    taken = imports(cross, below, leaf, other, rsa)
    keys(leaf)
    issuer_patch(taken)
    rotation()
    both("mount", "POST", "sys/mounts/empty", {"type": "pki"})
    detailed()
    one_place()
    return end()


sys.exit(main())
