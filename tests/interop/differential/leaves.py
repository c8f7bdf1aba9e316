# SPDX-License-Identifier: Apache-2.0
"""issue, sign and sign-verbatim: what is asked for, what comes out, what is kept of it."""
import glob
import os

from authorities import text

ISSUE = (
    {}, {"format": "der"}, {"format": "pem_bundle"}, {"format": ""}, {"format": "p12"},
    {"format": "PEM"}, {"private_key_format": "pkcs8"}, {"private_key_format": "pem"},
    {"private_key_format": "x"}, {"private_key_format": ""},
    {"format": "der", "private_key_format": "pkcs8"},
    {"format": "pem_bundle", "private_key_format": "pkcs8"}, {"remove_roots_from_chain": True},
    {"remove_roots_from_chain": True, "format": "pem_bundle"}, {"exclude_cn_from_sans": True},
    {"ttl": "90m"}, {"ttl": "720h"}, {"ttl": "0"}, {"ttl": ""}, {"ttl": "-1h"}, {"ttl": "soon"},
    {"ttl": "1s"}, {"ttl": 3600}, {"ttl": "1h", "not_after": "2027-01-01T00:00:00Z"},
    {"not_after": "<<soon>>"}, {"not_after": "<<later>>"}, {"not_after": "<<past>>"},
    {"not_after": "<<beyond>>"}, {"not_after": "x"}, {"not_after": ""},
    {"not_before": "<<soon>>"}, {"not_before": "x"}, {"key_type": "rsa"}, {"key_bits": 384},
    {"issuer_ref": "none"}, {"csr": "x"}, {"serial_number": "17"}, {"user_ids": "bob"},
    {"common_name": ""}, {"common_name": "evil.org"}, {"common_name": "*.example.com"},
    {"nonsense": 1, "more": 2}, {"common_name": 7}, {"common_name": ["a.example.com"]},
    {"common_name": True}, {"alt_names": "b.example.com", "ip_sans": "::1"},
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
    ("permit", {"allow_any_name": True, "key_type": "ec", "max_ttl": "24h",
                "not_after_bound": "permit"}),
)


def issue(p):
    for role, fields in ROLES:
        p("role/" + role, "POST", "leaf/roles/" + role, fields)
        for body in ISSUE:
            p("issue/%s/%s" % (role, text(body)), "POST", "leaf/issue/" + role,
              dict({"common_name": "a.example.com"}, **body))
    p("issue by PUT", "PUT", "leaf/issue/full", {"common_name": "a.example.com"})
    p("issue by issuer", "POST", "leaf/issuer/default/issue/full",
      {"common_name": "a.example.com"})
    p("issue by unknown issuer", "POST", "leaf/issuer/none/issue/full",
      {"common_name": "a.example.com"})
    p("issue by no role", "POST", "leaf/issue/none", {"common_name": "a.example.com"})
    p("issue by no name", "POST", "leaf/issue/", {"common_name": "a.example.com"})
    for kind, bits in (("rsa", 0), ("rsa", 3072), ("ec", 384), ("ec", 521), ("ec", 224),
                       ("ed25519", 0), ("any", 0)):
        p("role gone/%s %d" % (kind, bits), "DELETE", "leaf/roles/kind")
        p("role/%s %d" % (kind, bits), "POST", "leaf/roles/kind",
          {"key_type": kind, "key_bits": bits, "allow_any_name": True})
        for form in ("der", "pkcs8"):
            p("issue/%s %d %s" % (kind, bits, form), "POST", "leaf/issue/kind",
              {"common_name": "a.example", "private_key_format": form, "ttl": "60"})
    p("issue/any with a type", "POST", "leaf/issue/kind",
      {"common_name": "a.example", "key_type": "ec", "key_bits": 384})


SIGN_ROLES = (
    ("any", {"key_type": "any", "allow_any_name": True, "enforce_hostnames": False,
             "require_cn": False, "ttl": "1h", "allowed_uri_sans": "*",
             "allowed_other_sans": "*", "allowed_serial_numbers": "*", "allowed_user_ids": "*"}),
    ("fields", {"key_type": "any", "allow_any_name": True, "ttl": "1h",
                "use_csr_common_name": False, "use_csr_sans": False}),
    ("rsa", {"key_type": "rsa", "key_bits": 3072, "allow_any_name": True}),
    ("ec", {"key_type": "ec", "key_bits": 256, "allow_any_name": True}),
)
SIGN = ({}, {"common_name": "b.example.com"}, {"alt_names": "c.example.com"},
        {"ip_sans": "10.0.0.1"}, {"uri_sans": "spiffe://a/b"}, {"other_sans": "1.2.3;UTF8:x"},
        {"exclude_cn_from_sans": True}, {"format": "der"}, {"format": "pem_bundle"},
        {"format": "x"}, {"ttl": "90m"}, {"ttl": "9000h"}, {"serial_number": "1"},
        {"user_ids": "bob"}, {"remove_roots_from_chain": True}, {"csr": ""}, {"csr": "hello"},
        {"csr": "-----BEGIN CERTIFICATE REQUEST-----\nTUlJ\n-----END CERTIFICATE REQUEST-----\n"},
        {"csr": "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n"},
        {"not_after": "<<soon>>"}, {"nonsense": 1}, {"common_name": "b.example.com",
                                                     "alt_names": "c.example.com,d@example.com"})
VERBATIM = ({}, {"key_usage": "DigitalSignature"}, {"key_usage": []}, {"key_usage": "x"},
            {"ext_key_usage": "ServerAuth,ClientAuth"}, {"ext_key_usage_oids": "1.2.3.4"},
            {"ext_key_usage": "x"}, {"ttl": "1h"}, {"ttl": "99999h"}, {"format": "pem_bundle"},
            {"basic_constraints_valid_for_non_ca": True}, {"signature_bits": 384},
            {"use_pss": True}, {"common_name": "x.example"}, {"alt_names": "x.example"},
            {"csr": ""}, {"csr": "x"}, {"not_after": "<<soon>>"}, {"exclude_cn_from_sans": True})


def corpus(data):
    out = {}
    for path in sorted(glob.glob(os.path.join(data, "csr", "*.pem"))):
        with open(path, encoding="ascii", newline="") as f:
            out[os.path.basename(path)[:-4]] = f.read()
    return out


def sign(p, data):
    csrs = corpus(data)
    for role, fields in SIGN_ROLES:
        p("sign role/" + role, "POST", "leaf/roles/s-" + role, fields)
        for name, pem in csrs.items():
            p("sign/%s/%s" % (role, name), "POST", "leaf/sign/s-" + role, {"csr": pem})
    for name, pem in csrs.items():
        p("verbatim/" + name, "POST", "leaf/sign-verbatim", {"csr": pem})
        p("verbatim by role/" + name, "POST", "leaf/sign-verbatim/s-ec", {"csr": pem})
        p("intermediate/" + name, "POST", "leaf/root/sign-intermediate", {"csr": pem})
        p("intermediate csr values/" + name, "POST", "leaf/root/sign-intermediate",
          {"csr": pem, "use_csr_values": True})
    for name in ("openssl-p256", "keytool-broker-rsa2048"):
        for body in SIGN:
            for role in ("any", "fields"):
                p("sign with/%s %s/%s" % (role, name, text(body)), "POST", "leaf/sign/s-" + role,
                  dict({"csr": csrs[name]}, **body))
        for body in VERBATIM:
            p("verbatim with/%s/%s" % (name, text(body)), "POST", "leaf/sign-verbatim",
              dict({"csr": csrs[name]}, **body))
    pem = csrs["openssl-p256"]
    for shape, given in (("crlf", pem.replace("\n", "\r\n")), ("text before", "junk\n" + pem),
                         ("text behind", pem + "junk\n"), ("twice", pem + pem),
                         ("new", pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")),
                         ("no newline", pem.strip()), ("spaces", "  " + pem + "  ")):
        p("csr shape/" + shape, "POST", "leaf/sign/s-any", {"csr": given})
    p("sign by issuer", "POST", "leaf/issuer/default/sign/s-any", {"csr": pem})
    p("sign by unknown issuer", "POST", "leaf/issuer/none/sign/s-any", {"csr": pem})
    p("verbatim by issuer", "POST", "leaf/issuer/default/sign-verbatim", {"csr": pem})
    p("verbatim by issuer and role", "POST", "leaf/issuer/default/sign-verbatim/s-any",
      {"csr": pem})
    p("verbatim by no role", "POST", "leaf/sign-verbatim/none", {"csr": pem})
    p("sign by no role", "POST", "leaf/sign/none", {"csr": pem})


def kept(p):
    p("issued", "POST", "leaf/issue/full", {"common_name": "k.example.com"}, keep="cert")
    for form in ("", "/raw", "/raw/pem"):
        p("cert" + form, "GET", "leaf/cert/<<cert.serial_number>>" + form)
    p("no_store role", "POST", "leaf/roles/ns", {"allow_any_name": True, "key_type": "ec",
                                                  "no_store": True})
    p("no_store issue", "POST", "leaf/issue/ns", {"common_name": "n.example"}, keep="ns")
    p("no_store cert", "GET", "leaf/cert/<<ns.serial_number>>")
    p("no_store revoke", "POST", "leaf/revoke", {"serial_number": "<<ns.serial_number>>"})
    p("no_store revoke by PEM", "POST", "leaf/revoke", {"certificate": "<<ns.certificate>>"})
    p("no_store cert after", "GET", "leaf/cert/<<ns.serial_number>>")
    for what, body in (
            ("nothing", {}), ("unknown", {"serial_number": "11:22"}),
            ("no serial", {"serial_number": "zz"}), ("no certificate", {"certificate": "x" * 100}),
            ("both", {"serial_number": "<<cert.serial_number>>",
                      "certificate": "<<cert.certificate>>"}),
            ("issuer", {"certificate": "<<cert.issuing_ca>>"}),
            ("good", {"serial_number": "<<cert.serial_number>>"}),
            ("again", {"serial_number": "<<cert.serial_number>>"}),
            ("again by PEM", {"certificate": "<<cert.certificate>>"})):
        p("revoke/" + what, "POST", "leaf/revoke", body)
    p("cert revoked", "GET", "leaf/cert/<<cert.serial_number>>")
    p("certs revoked", "LIST", "leaf/certs/revoked")
    p("crl rotated", "GET", "leaf/crl/rotate")
    p("crl", "GET", "leaf/crl")
    p("crl in JSON", "GET", "leaf/issuer/default/crl")


def run(p, data):
    p.times({"soon": 1800, "later": 40 * 3600, "past": -3600, "beyond": 90000 * 3600})
    p("mount", "POST", "sys/mounts/leaf", {"type": "pki", "config": {"max_lease_ttl": "8760h"}})
    p("mount above", "POST", "sys/mounts/above", {"type": "pki",
                                                  "config": {"max_lease_ttl": "87600h"}})
    p("root", "POST", "above/root/generate/internal", {"common_name": "Above", "key_type": "ec",
                                                       "ttl": "80000h"})
    p("csr", "POST", "leaf/intermediate/generate/internal",
      {"common_name": "Leaf CA", "key_type": "ec", "organization": "Acme"}, keep="csr")
    p("signed", "POST", "above/root/sign-intermediate",
      {"csr": "<<csr.csr>>", "format": "pem_bundle", "ttl": "8000h"}, keep="signed")
    p("set", "POST", "leaf/intermediate/set-signed", {"certificate": "<<signed.certificate>>"})
    p("urls", "POST", "leaf/config/urls", {
        "issuing_certificates": "http://h/ca", "crl_distribution_points": "http://h/crl",
        "ocsp_servers": "http://h/ocsp"})
    issue(p)
    sign(p, data)
    kept(p)
