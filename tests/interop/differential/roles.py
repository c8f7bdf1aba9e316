# SPDX-License-Identifier: Apache-2.0
"""Every field of a role: written, read, patched, and what it does to a certificate."""
from authorities import MERGE, text

# field: values, good and bad
FIELDS = {
    "ttl": (60, "2h", "100h", "9999h"), "max_ttl": ("1h", "2000h"),
    "allow_localhost": (False,), "allowed_domains": ("example.com", ["example.com", "b.c"], []),
    "allowed_domains_template": (True,), "allow_globs_in_identity_templates": (True,),
    "allow_bare_domains": (True,), "allow_subdomains": (True,), "allow_glob_domains": (True,),
    "allow_wildcard_certificates": (False,), "allow_any_name": (False,),
    "enforce_hostnames": (False,), "allow_ip_sans": (False,),
    "allowed_ip_sans_cidr": ("10.0.0.0/8", "10.0.0.0/99", "::/0", "10.0.0.1", "x"),
    "allowed_uri_sans": ("spiffe://*", [], "*"), "allowed_uri_sans_template": (True,),
    "allowed_other_sans": ("*", "1.2.3;UTF8:*", "x", "1.2.3;IA5:*", "1.2.3;UTF8:a,4.5.6;UTF8:b"),
    "allowed_serial_numbers": ("*", "S-*"), "allowed_user_ids": ("*", "bob"),
    "serial_number_source": ("json", "json-csr", "x"), "server_flag": (False,),
    "client_flag": (False,), "code_signing_flag": (True,), "email_protection_flag": (True,),
    "key_type": ("rsa", "ec", "ed25519", "any", "dsa", ""),
    "key_bits": (256, 384, 521, 1, 2048, "256", -1), "signature_bits": (256, 384, 512, 1, -1),
    "use_pss": (True,),
    "key_usage": ("DigitalSignature", ["CertSign"], "digitalsignature,KEYAGREEMENT", [], "",
                  "x", "DigitalSignature,x", "EncipherOnly,DecipherOnly", "ContentCommitment"),
    "ext_key_usage": ("ServerAuth", "Any", "x", "OCSPSigning", "TimeStamping,IPSECTunnel",
                      "emailprotection", [], "MicrosoftServerGatedCrypto"),
    "ext_key_usage_oids": ("1.2.3.4", "x.y", "1.3.6.1.5.5.7.3.1", "1"),
    "use_csr_common_name": (False,), "use_csr_sans": (False,), "ou": ("b,a", ["x"], ""),
    "organization": ("Acme", "Acme,Corp", "Äpfel"), "country": ("DE", "Germany", "DE,FR"),
    "locality": ("Bonn",), "province": ("NRW",), "street_address": ("Weg 1",),
    "postal_code": ("53111",), "require_cn": (False,),
    "cn_validations": (["email"], ["hostname"], "disabled", "phone", ["disabled", "email"], []),
    "policy_identifiers": ("1.2.3.4", "1.2.3.4,1.2.3.5", "x",
                           '[{"oid":"1.2.3","cps":"http://h/cps","notice":"Read this"}]'),
    "basic_constraints_valid_for_non_ca": (True,),
    "not_before_duration": ("1h", 0, "30s", "-1h"), "not_after": ("2026-12-31T00:00:00Z", "x"),
    "not_before": ("2026-01-01T00:00:00Z", "x"),
    "not_before_bound": ("permit", "duration", "forbid", "x"),
    "not_after_bound": ("permit", "forbid", "ttl-limited", "2027-06-01T00:00:00Z", "x"),
    "no_store": (True,), "no_store_metadata": (True,), "generate_lease": (True,),
    "issuer_ref": ("default", "none", ""), "allow_token_displayname": (True,),
    "max_path_length": (1,), "name": ("other",), "nonsense": (1,),
}
NAMED = {"common_name": "a.example.com", "alt_names": "b.example.com", "ttl": "600"}
PROBES = (
    ("plain", NAMED), ("ip", dict(NAMED, ip_sans="10.0.0.1,192.168.0.1")),
    ("uri", dict(NAMED, uri_sans="spiffe://a/b")),
    ("other", dict(NAMED, other_sans="1.2.3;UTF8:a")),
    ("serial", dict(NAMED, serial_number="S-1")), ("user", dict(NAMED, user_ids="bob")),
    ("odd", {"common_name": "a_b c", "ttl": "600"}), ("mail", {"common_name": "a@example.com"}),
    ("localhost", {"common_name": "localhost"}), ("wildcard", {"common_name": "*.example.com"}),
    ("none", {"alt_names": "a.example.com"}),
)
# Which probes beside the plain one say something about a field.
TELLING = {
    "allow_ip_sans": ("ip",), "allowed_ip_sans_cidr": ("ip",), "allowed_uri_sans": ("uri",),
    "allowed_other_sans": ("other",), "allowed_serial_numbers": ("serial",),
    "allowed_user_ids": ("user",), "enforce_hostnames": ("odd",), "require_cn": ("none",),
    "cn_validations": ("odd", "mail"), "allow_localhost": ("localhost",),
    "allow_any_name": ("localhost",), "allow_wildcard_certificates": ("wildcard",),
}


def one(p, field, value):
    base = {"key_type": "ec", "allow_any_name": True}
    said = text({field: value})
    body = dict(base, **{field: value})
    good = p("write/" + said, "POST", "roles/roles/f", body)
    if not good:
        p("unwritten/" + said, "GET", "roles/roles/f")
    p("patch/" + said, "PATCH", "roles/roles/p", {field: value}, headers=MERGE)
    if good:
        p("read/" + said, "GET", "roles/roles/f")
        for probe, fields in PROBES:
            if probe == "plain" or probe in TELLING.get(field, ()):
                p("issue %s/%s" % (probe, said), "POST", "roles/issue/f", fields)
        p("sign/" + said, "POST", "roles/sign/f", {"csr": "<<kcsr.csr>>", "ttl": "600"})
    p("restored", "POST", "roles/roles/p", base)
    p("gone", "DELETE", "roles/roles/f")


COMBINED = (
    {"ttl": "2h", "max_ttl": "1h"}, {"ttl": "1h", "max_ttl": "1h"}, {"ttl": "2h", "max_ttl": 0},
    {"no_store": True, "generate_lease": True}, {"key_type": "rsa", "key_bits": 384},
    {"key_type": "ec", "key_bits": 2048}, {"key_type": "ed25519", "key_bits": 256},
    {"key_type": "ec", "signature_bits": 384}, {"key_type": "rsa", "signature_bits": 512},
    {"not_after": "2026-12-31T00:00:00Z", "ttl": "1h"}, {"key_usage": "", "ext_key_usage": ""},
    {"server_flag": False, "client_flag": False, "ext_key_usage": "ServerAuth"},
    {"ext_key_usage": "ServerAuth,ServerAuth", "ext_key_usage_oids": "1.3.6.1.5.5.7.3.1"},
)


def run(p, _data):
    p("mount", "POST", "sys/mounts/roles", {"type": "pki"})
    p("root", "POST", "roles/root/generate/internal", {"common_name": "Roles", "key_type": "ec",
                                                       "ttl": "700h"})
    p("csr", "POST", "roles/intermediate/generate/internal",
      {"common_name": "c.example.com", "key_type": "ec"}, keep="kcsr")
    p("defaults", "POST", "roles/roles/d", {})
    p("defaults read", "GET", "roles/roles/d")
    p("p", "POST", "roles/roles/p", {"key_type": "ec", "allow_any_name": True})
    for field, values in FIELDS.items():
        for value in values:
            one(p, field, value)
    for fields in COMBINED:
        if p("combined/" + text(fields), "POST", "roles/roles/c",
             dict({"allow_any_name": True, "key_type": "ec"}, **fields)):
            p("combined read/" + text(fields), "GET", "roles/roles/c")
            p("combined issue/" + text(fields), "POST", "roles/issue/c", NAMED)
    p("replaced", "POST", "roles/roles/c", {"max_ttl": "1h"})
    p("replaced, not merged", "GET", "roles/roles/c")
    p("patch of none", "PATCH", "roles/roles/none", {"ttl": "1h"}, headers=MERGE)
    p("list", "LIST", "roles/roles")
    for name in ("A", "a.b", "a-b", "-a", "a-", "a b", "a%2fb", "ü", "x" * 300, "a/b", "default"):
        p("name/" + name[:20], "POST", "roles/roles/" + name, {})
        p("name read/" + name[:20], "GET", "roles/roles/" + name)
    p("list of names", "LIST", "roles/roles")
    p("deleted", "DELETE", "roles/roles/c")
    p("deleted again", "DELETE", "roles/roles/c")
    p("read deleted", "GET", "roles/roles/c")
