#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same calls to the running service and to a real OpenBao: status, members of `data` and
their types, and the extensions of what was signed must be the same, but for the differences
that are listed here with their reason.

service_pki_compare.py CSR-DIRECTORY    environment as service_pki_names.py
"""
import re
import sys

from pki_both import DIFFERENT, OURS, THEIRS, both, end, note, same_profile, scalars

DIFFERENT.update({
    "issue: alt name that is none": "refused instead of dropped without a word",
    "issuer read: unknown": "400 instead of 500: the caller's mistake",
    "issue: no issuer": "400 instead of 500: the caller's mistake",
    "key read: unknown": "400 instead of 500: the caller's mistake",
    "revoke: not a certificate": "400 instead of 500: the caller's mistake",
    "default issuer: unknown": "400 instead of 500: the caller's mistake",
    "root: exported": "refused: keys of authorities stay in the HSM",
    "issue: key type any": "the request's key_type counts",
    "role: bad name rule": "400 instead of 500: the caller's mistake",
    "int/sign-verbatim openbao-int-basic-constraints.pem": "as Vault since 1.21",
    "int/sign-verbatim/sign openbao-int-basic-constraints.pem": "as Vault since 1.21",
    "set-signed: key": "private keys are not imported",
})


def authorities():
    both("mount", "POST", "sys/mounts/root", {"type": "pki"})
    both("tune", "POST", "sys/mounts/root/tune", {"max_lease_ttl": "87600h"})
    for path in ("root/crl", "root/ca/pem", "root/ca"):
        statuses = [api.raw("GET", path)[0] for api in (OURS, THEIRS)]
        if statuses[0] != statuses[1]:
            note("%s before a root: %s" % (path, statuses))
    both("issue: no issuer", "POST", "root/sign-verbatim", {"csr": CSR["openssl-p256.pem"]})
    both("issuers: none", "LIST", "root/issuers")
    both("keys: none", "LIST", "root/keys")
    both("roles: none", "LIST", "root/roles")
    both("certs: none", "LIST", "root/certs")
    root = both("root", "POST", "root/root/generate/internal", {
        "common_name": "Root CA", "key_type": "ec", "ttl": "87600h", "organization": "Acme,Corp",
        "country": "DE", "ou": ["b", "a"], "issuer_name": "r", "key_name": "k"})
    same_profile("root", root)
    both("root: bad bits", "POST", "root/root/generate/internal",
         {"common_name": "x", "key_bits": 1024})
    both("root: exported", "POST", "root/root/generate/exported", {"common_name": "x"})
    both("root: name taken", "POST", "root/root/generate/internal",
         {"common_name": "x", "key_type": "ec", "issuer_name": "r"})
    scalars("urls", both("urls", "POST", "root/config/urls", {
        "issuing_certificates": "http://h/ca", "crl_distribution_points": ["http://h/crl",
                                                                           "http://i/crl"],
        "ocsp_servers": "http://h/ocsp"}))
    both("urls: bad", "POST", "root/config/urls", {"issuing_certificates": "no url"})
    both("mount", "POST", "sys/mounts/int", {"type": "pki"})
    csr = both("csr", "POST", "int/intermediate/generate/internal",
               {"common_name": "Int CA", "key_type": "ec", "organization": "Acme"})
    signed = both("sign-intermediate", "POST", "root/root/sign-intermediate", tuple(
        {"csr": d["csr"], "format": "pem_bundle", "ttl": "43800h", "max_path_length": "0",
         "permitted_dns_domains": "example.com"} for d in csr))
    same_profile("sign-intermediate", signed)
    same_profile("sign-intermediate with the CSR's values", both(
        "sign-intermediate: csr values", "POST", "root/issuer/r/sign-intermediate", tuple(
            {"csr": d["csr"], "use_csr_values": True, "ttl": "1h"} for d in csr)))
    both("sign-intermediate: no csr", "POST", "root/root/sign-intermediate", {})
    both("set-signed: short", "POST", "int/intermediate/set-signed", {"certificate": "x.pem"})
    both("set-signed: nothing", "POST", "int/intermediate/set-signed", {})
    both("set-signed", "POST", "int/intermediate/set-signed",
         tuple({"certificate": d["certificate"]} for d in signed))
    both("set-signed again", "POST", "int/intermediate/set-signed",
         tuple({"certificate": d["certificate"]} for d in signed))
    return signed


def reads():
    scalars("issuer", both("issuer read", "GET", "int/issuer/default"))
    both("issuer json", "GET", "int/issuer/default/json")
    both("issuer read: unknown", "GET", "int/issuer/none")
    both("key read", "GET", "int/key/default")
    both("key read: unknown", "GET", "int/key/none")
    both("issuers", "LIST", "int/issuers")
    both("issuers, by GET", "GET", "int/issuers?list=true")
    both("keys", "LIST", "int/keys")
    for name in ("urls", "crl", "issuers", "keys", "cluster"):
        scalars(name, both("config/" + name, "GET", "int/config/" + name))
    both("default issuer: unknown", "POST", "int/config/issuers", {"default": "none"})
    scalars("crl", both("config/crl", "POST", "int/config/crl", {"expiry": "48h"}))
    both("config/crl: bad", "POST", "int/config/crl", {"expiry": "tomorrow"})
    both("config/crl: delta", "POST", "int/config/crl", {"enable_delta": True})
    both("issuer name", "PATCH", "int/issuer/default", {"issuer_name": "int-1"},
         {"Content-Type": "application/merge-patch+json"})
    both("issuer by name", "GET", "int/issuer/int-1")
    both("issuer write", "POST", "int/issuer/int-1", {
        "issuer_name": "int-1", "leaf_not_after_behavior": "truncate",
        "usage": "issuing-certificates,crl-signing"})
    both("issuer usage: bad", "POST", "int/issuer/int-1", {"usage": "everything"})
    for path in ("int/cert/ca", "int/cert/ca_chain", "int/cert/crl", "int/issuer/int-1/crl",
                 "int/cert/11:22", "int/roles/none"):
        both(path, "GET", path)
    for path in ("int/ca", "int/ca/pem", "int/ca_chain", "int/crl", "int/crl/pem",
                 "int/issuer/int-1/pem", "int/issuer/int-1/der", "int/issuer/int-1/crl/pem",
                 "int/issuer/int-1/crl/der", "int/cert/ca/raw", "int/cert/ca/raw/pem"):
        got = [(s, h["Content-Type"]) for s, h, _ in
               (api.raw("GET", path) for api in (OURS, THEIRS))]
        if got[0] != got[1]:
            note("%s: %s" % (path, got))


LEAVES = (
    ("plain", "common_name=a.example.com"),
    ("names", "common_name=a.example.com alt_names=b.example.com,c@example.com "
     "ip_sans=10.0.0.1,::1 uri_sans=spiffe://td/x "
     "other_sans=1.3.6.1.4.1.311.20.2.3;UTF8:bob@corp"),
    ("excluded", "common_name=a.example.com exclude_cn_from_sans=true alt_names=b.example.com"),
    ("no cn, by CN", "alt_names=b.example.com"),
    ("wildcard", "common_name=*.example.com"),
    ("e-mail", "common_name=bob@example.com"),
    ("serial", "common_name=a.example.com serial_number=1234"),
    ("user ids", "common_name=a.example.com user_ids=bob,alice"),
    ("der", "common_name=a.example.com format=der"),
    ("bundle", "common_name=a.example.com format=pem_bundle"),
    ("pkcs8", "common_name=a.example.com private_key_format=pkcs8"),
    ("no roots", "common_name=a.example.com remove_roots_from_chain=true"),
    ("bad format", "common_name=a.example.com format=p12"),
    ("bad address", "common_name=a.example.com ip_sans=10.0.0.300"),
    ("ttl too long", "common_name=a.example.com ttl=720h"),
    ("ttl", "common_name=a.example.com ttl=90m"),
    ("bad ttl", "common_name=a.example.com ttl=soon"),
    ("ttl and not_after", "common_name=a.example.com ttl=1h not_after=2027-01-01T00:00:00Z"),
    ("other name", "common_name=a.evil.org"),
    ("alt name that is none", "common_name=a.example.com alt_names=b_c.example.com"),
    ("Unicode", "common_name=b\u00fccher.example.com"),
)
ROLES = (
    ("full", {"allowed_domains": "example.com", "allow_subdomains": True,
              "allow_bare_domains": True, "key_type": "ec", "max_ttl": "24h",
              "allowed_uri_sans": "spiffe://*", "allowed_other_sans": "*",
              "allowed_serial_numbers": "*", "allowed_user_ids": "*",
              "organization": "Acme", "ou": "x,y", "country": "DE", "locality": "Bonn",
              "province": "NRW", "street_address": "Weg 1", "postal_code": "53111",
              "policy_identifiers": "1.2.3.4", "ext_key_usage": "IPSECUser,TimeStamping",
              "ext_key_usage_oids": "1.2.3.5", "code_signing_flag": True,
              "email_protection_flag": True, "basic_constraints_valid_for_non_ca": True}),
    ("bare", {"allow_any_name": True, "key_type": "ec", "server_flag": False,
              "client_flag": False, "key_usage": [], "require_cn": False, "ttl": "1h"}),
)


def leaves():
    for name, fields in ROLES:
        scalars("role " + name, both("role " + name, "POST", "int/roles/" + name, fields))
        scalars("role " + name, both("role read", "GET", "int/roles/" + name))
        for what, text in LEAVES:
            body = dict(w.split("=", 1) for w in text.split(" "))
            pair = both("issue: " + what, "POST", "int/issue/" + name, body)
            if None not in pair and body.get("format", "pem") != "der" and \
                    "issue: " + what not in DIFFERENT:
                same_profile("issue %s %s" % (name, what), pair)
                for key in ("private_key", "certificate"):
                    shape = [re.sub(r"(?m)^[A-Za-z0-9+/=]+$", "", d[key]).split()
                             for d in pair]
                    if shape[0] != shape[1]:
                        note("issue %s: blocks of %s: %s" % (what, key, shape))
    both("roles", "LIST", "int/roles")
    both("role patch", "PATCH", "int/roles/bare", {"ttl": "2h"},
         {"Content-Type": "application/merge-patch+json"})
    both("role: bad ttl", "POST", "int/roles/bad", {"ttl": "2h", "max_ttl": "1h"})
    both("role: bad key", "POST", "int/roles/bad", {"key_type": "dsa"})
    both("role: bad bits", "POST", "int/roles/bad", {"key_bits": 1024})
    both("role: bad name rule", "POST", "int/roles/bad", {"cn_validations": "phone"})
    both("role: bad oid", "POST", "int/roles/bad", {"ext_key_usage_oids": "x.y"})
    both("role: bad network", "POST", "int/roles/bad", {"allowed_ip_sans_cidr": "10.0.0.0/99"})
    both("role: any", "POST", "int/roles/any", {"key_type": "any", "allow_any_name": True})
    both("issue: key type any", "POST", "int/issue/any",
         {"common_name": "x.example", "key_type": "ec"})
    both("issue: unknown role", "POST", "int/issue/none", {"common_name": "x"})
    both("role delete", "DELETE", "int/roles/bare")
    both("role delete again", "DELETE", "int/roles/bare")


def requests():
    both("role sign", "POST", "int/roles/sign", {
        "key_type": "any", "allow_any_name": True, "enforce_hostnames": False, "ttl": "1h",
        "require_cn": False})
    for name, pem in sorted(CSR.items()):
        for path in ("int/sign/sign", "int/sign-verbatim", "int/sign-verbatim/sign"):
            if name in STRICTER:
                continue
            pair = both("%s %s" % (path, name), "POST", path, {"csr": pem})
            if None not in pair:
                same_profile("%s %s" % (path, name), pair)
    both("sign: nothing", "POST", "int/sign/sign", {})
    both("sign: garbage", "POST", "int/sign/sign", {"csr": "hello"})


def revocation():
    for what, fields in (("none", {}), ("unknown", {"serial_number": "11:22"}),
                         ("not a certificate", {"certificate": "x"})):
        both("revoke: " + what, "POST", "int/revoke", fields)
    pair = both("issue", "POST", "int/issue/full", {"common_name": "a.example.com"})
    serials = tuple({"serial_number": d["serial_number"]} for d in pair)
    both("revoke", "POST", "int/revoke", serials)
    both("revoke again", "POST", "int/revoke", serials)
    both("cert", "GET", tuple("int/cert/" + s["serial_number"] for s in serials))
    both("cert by hyphens", "GET", tuple("int/cert/" + s["serial_number"].replace(":", "-")
                                         for s in serials))
    both("revoked", "LIST", "int/certs/revoked")
    both("certs", "LIST", "int/certs")
    both("rotate", "GET", "int/crl/rotate")
    both("key in use", "DELETE", "int/key/default")
    both("issuer gone", "DELETE", "int/issuer/default")
    both("root gone", "DELETE", "int/root")


# Requests that we refuse and OpenBao signs, or the other way round, each for a reason that
# tests/unit holds: weak or odd keys, unknown curves, SHA-1.
STRICTER = {"keytool-broker-dsa.pem", "openssl-p256-explicit.pem", "openssl-rsa1024.pem",
            "openssl-secp256k1.pem", "openssl-rsa2048-sha1.pem"}
CSR = {}


def main():
    import glob
    import os
    for path in glob.glob(os.path.join(sys.argv[1], "*.pem")):
        CSR[os.path.basename(path)] = open(path, encoding="ascii", newline="").read()
    authorities()
    reads()
    leaves()
    requests()
    revocation()
    return end()


sys.exit(main())
