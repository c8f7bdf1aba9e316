# SPDX-License-Identifier: Apache-2.0
"""Roots, intermediates, imports, issuers, keys, configuration, public reads."""
MERGE = {"Content-Type": "application/merge-patch+json"}
PUBLIC = ("ca", "ca/pem", "ca_chain", "crl", "crl/pem", "cert/ca", "cert/ca/raw",
          "cert/ca/raw/pem", "cert/ca_chain", "cert/crl", "cert/crl/raw", "cert/crl/raw/pem",
          "issuer/default/pem", "issuer/default/der", "issuer/default/json", "issuer/default/crl",
          "issuer/default/crl/pem", "issuer/default/crl/der", "crl/delta", "crl/delta/pem",
          "issuer/default/crl/delta", "issuer/default/crl/delta/pem", "cert/delta-crl")
CONFIGS = ("urls", "crl", "issuers", "keys", "cluster", "acme", "auto-tidy")


def empty(p):
    p("mount", "POST", "sys/mounts/root", {"type": "pki"})
    for path in PUBLIC:
        p("empty/" + path, "GET", "root/" + path)
        p("empty head/" + path, "HEAD", "root/" + path)
    for path in ("issuers", "keys", "roles", "certs", "certs/revoked", "certs/detailed"):
        p("empty/" + path, "LIST", "root/" + path)
    for name in CONFIGS:
        p("empty/config/" + name, "GET", "root/config/" + name)
    p("empty/tidy-status", "GET", "root/tidy-status")
    p("empty/rotate", "GET", "root/crl/rotate")
    p("empty/rotate-delta", "GET", "root/crl/rotate-delta")
    p("empty/sign-verbatim", "POST", "root/sign-verbatim", {"csr": "x"})
    p("empty/role", "POST", "root/roles/any", {"allow_any_name": True, "key_type": "ec"})
    p("empty/issue", "POST", "root/issue/any", {"common_name": "a.example"})
    p("empty/sign-intermediate", "POST", "root/root/sign-intermediate", {"csr": "x"})
    p("empty/default issuer", "POST", "root/config/issuers", {"default": "none"})
    p("empty/revoke", "POST", "root/revoke", {"serial_number": "11:22"})
    p("empty/delete root", "DELETE", "root/root")


# What a root may be asked with, one field after another, each in a mount that is there already.
ROOT_FIELDS = (
    {}, {"common_name": ""}, {"common_name": "host.example.com"}, {"common_name": "A Root CA"},
    {"common_name": "a@example.com"}, {"common_name": "bücher.example"},
    {"common_name": "Größte CA"}, {"common_name": "x" * 64}, {"common_name": "x" * 65},
    {"common_name": "*.example.com"}, {"common_name": "R", "alt_names": "a.example.com,b@c.de"},
    {"common_name": "R", "alt_names": "not a name"}, {"common_name": "R", "ip_sans": "10.0.0.1"},
    {"common_name": "R", "ip_sans": "10.0.0.256"}, {"common_name": "R", "uri_sans": "spiffe://a/b"},
    {"common_name": "R", "uri_sans": ":x"},
    {"common_name": "R", "other_sans": "1.3.6.1.4.1.311.20.2.3;UTF8:x"},
    {"common_name": "R", "other_sans": "x"},
    {"common_name": "h.example.com", "exclude_cn_from_sans": True},
    {"common_name": "R", "ou": "a,b", "organization": "Acme,Corp", "country": "DE,FR"},
    {"common_name": "R", "ou": ["b", "a", "b"]}, {"common_name": "R", "country": "Germany"},
    {"common_name": "R", "locality": "Bonn", "province": "NRW", "street_address": "Weg 1",
     "postal_code": "53111"},
    {"common_name": "R", "serial_number": "0815"}, {"common_name": "R", "organization": "Äpfel"},
    {"common_name": "R", "ttl": "100h"}, {"common_name": "R", "ttl": "200000h"},
    {"common_name": "R", "ttl": "-1h"}, {"common_name": "R", "ttl": "0"},
    {"common_name": "R", "not_after": "2030-01-01T00:00:00Z"},
    {"common_name": "R", "not_after": "2060-01-01T00:00:00Z"},
    {"common_name": "R", "not_after": "9999-12-31T23:59:59Z"},
    {"common_name": "R", "not_after": "tomorrow"},
    {"common_name": "R", "not_after": "2020-01-01T00:00:00Z"},
    {"common_name": "R", "ttl": "1h", "not_after": "2030-01-01T00:00:00Z"},
    {"common_name": "R", "not_before_duration": "1h"}, {"common_name": "R", "format": "der"},
    {"common_name": "R", "format": "pem_bundle"}, {"common_name": "R", "format": "jks"},
    {"common_name": "R", "key_bits": 384}, {"common_name": "R", "key_bits": 521},
    {"common_name": "R", "key_bits": 224}, {"common_name": "R", "key_bits": 100},
    {"common_name": "R", "key_type": "ed25519"}, {"common_name": "R", "key_type": "rsa"},
    {"common_name": "R", "key_type": "rsa", "key_bits": 1024},
    {"common_name": "R", "key_type": "rsa", "signature_bits": 384},
    {"common_name": "R", "key_type": "rsa", "use_pss": True},
    {"common_name": "R", "key_type": "dsa"}, {"common_name": "R", "key_type": ""},
    {"common_name": "R", "signature_bits": 384}, {"common_name": "R", "signature_bits": 100},
    {"common_name": "R", "max_path_length": 0}, {"common_name": "R", "max_path_length": 3},
    {"common_name": "R", "max_path_length": -1}, {"common_name": "R", "max_path_length": -2},
    {"common_name": "R", "permitted_dns_domains": "example.com,.example.org"},
    {"common_name": "R", "excluded_dns_domains": "example.com"},
    {"common_name": "R", "key_usage": "DigitalSignature"},
    {"common_name": "R", "key_usage": "DigitalSignature,KeyEncipherment"},
    {"common_name": "R", "key_usage": []}, {"common_name": "R", "ext_key_usage": "ServerAuth"},
    {"common_name": "R", "issuer_name": "one"}, {"common_name": "R", "issuer_name": "one"},
    {"common_name": "R", "issuer_name": "default"}, {"common_name": "R", "issuer_name": "a b"},
    {"common_name": "R", "key_name": "one"}, {"common_name": "R", "key_name": "one"},
    {"common_name": "R", "key_name": "default"}, {"common_name": "R", "key_ref": "none"},
    {"common_name": "R", "nonsense": 1},
)


def roots(p):
    p("tune", "POST", "sys/mounts/root/tune", {"max_lease_ttl": "87600h"})
    p("root", "POST", "root/root/generate/internal", {
        "common_name": "Root CA", "key_type": "ec", "ttl": "87600h", "organization": "Acme,Corp",
        "country": "DE", "ou": ["b", "a"], "issuer_name": "r", "key_name": "k"}, keep="root")
    p("mount", "POST", "sys/mounts/roots", {"type": "pki"})
    p("tune", "POST", "sys/mounts/roots/tune", {"max_lease_ttl": "876000h"})
    p("roots/first", "POST", "roots/root/generate/internal",
      {"common_name": "First", "key_type": "ec"})
    for fields in ROOT_FIELDS:
        body = dict({"key_type": "ec", "ttl": "1000h"}, **fields)
        if "not_after" in fields:
            body.pop("ttl")
            body.update(fields)
        p("root/%s" % text(fields), "POST", "roots/root/generate/internal", body)
    for kind in ("internal", "exported", "existing", "kms", "nonsense", ""):
        p("root type/" + kind, "POST", "roots/root/generate/" + kind, {"common_name": "T"})
    p("issuers/generate/root", "POST", "roots/issuers/generate/root/internal",
      {"common_name": "I", "key_type": "ec"}, keep="another")
    p("root existing", "POST", "roots/root/generate/existing",
      {"common_name": "E", "key_ref": "<<another.key_id>>"})
    p("root existing with type", "POST", "roots/root/generate/existing",
      {"common_name": "E", "key_ref": "<<another.key_id>>", "key_type": "ec"})
    p("delete root", "DELETE", "roots/root")
    p("delete root again", "DELETE", "roots/root")
    p("unmount", "DELETE", "sys/mounts/roots")


def text(fields):
    return " ".join("%s=%s" % (k, str(v)[:24]) for k, v in fields.items()) or "nothing"


# (what, body); {csr} is the intermediate's request.
SIGN_FIELDS = (
    {}, {"format": "der"}, {"format": "pem_bundle"}, {"format": "x"}, {"ttl": "43800h"},
    {"ttl": "100000h"}, {"not_after": "2031-02-03T04:05:06Z"}, {"max_path_length": 0},
    {"max_path_length": "2"}, {"max_path_length": -1}, {"use_csr_values": True},
    {"use_csr_values": True, "common_name": "other"},
    {"use_csr_values": True, "other_sans": "1.2.3;UTF8:x"},
    {"common_name": "Other CA"}, {"common_name": "host.example.com"},
    {"common_name": "host.example.com", "exclude_cn_from_sans": True},
    {"alt_names": "a.example.com,b@example.com", "ip_sans": "10.0.0.1,::1",
     "uri_sans": "spiffe://a/b"},
    {"organization": "O", "ou": "b,a", "country": "DE", "locality": "L", "province": "P",
     "street_address": "S", "postal_code": "1", "serial_number": "2"},
    {"permitted_dns_domains": "example.com"}, {"skid": "00112233445566778899aabbccddeeff00112233"},
    {"skid": "00:11:22"}, {"skid": "xyz"}, {"signature_bits": 512}, {"use_pss": True},
    {"key_usage": "DigitalSignature"}, {"key_usage": "CRLSign"},
    {"ext_key_usage": "ServerAuth,ClientAuth"}, {"ext_key_usage_oids": "1.2.3.4"},
    {"not_before_duration": "1h"}, {"issuer_ref": "r"}, {"issuer_ref": "none"},
    {"remove_roots_from_chain": True}, {"nonsense": 1}, {"ttl": "soon"}, {"csr": ""},
    {"csr": "x"}, {"csr": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"},
    {"csr": None},
)


def intermediates(p):
    p("mount", "POST", "sys/mounts/int", {"type": "pki",
                                          "config": {"max_lease_ttl": "43800h"}})
    p("mount", "POST", "sys/mounts/csrs", {"type": "pki"})
    for fields in ({}, {"format": "der"}, {"key_type": "rsa"}, {"key_type": "ed25519"},
                   {"key_bits": 384}, {"add_basic_constraints": True}, {"key_name": "named"},
                   {"alt_names": "a.example.com,b@example.com", "ip_sans": "10.0.0.1",
                    "uri_sans": "spiffe://a/b"}, {"other_sans": "1.2.3;UTF8:x"},
                   {"organization": "O", "ou": "b,a", "country": "DE", "postal_code": "1"},
                   {"serial_number": "7"}, {"common_name": "host.example.com"},
                   {"common_name": ""}, {"key_usage": "DigitalSignature"}, {"ttl": "1h"},
                   {"signature_bits": 384}, {"format": "x"}, {"key_type": "x"}):
        p("csr/" + text(fields), "POST", "csrs/intermediate/generate/internal",
          dict({"common_name": "Int CA", "key_type": "ec"}, **fields))
    p("csr type/exported", "POST", "csrs/intermediate/generate/exported", {"common_name": "x"})
    p("csr type/none", "POST", "csrs/intermediate/generate/none", {"common_name": "x"})
    p("csr", "POST", "int/issuers/generate/intermediate/internal",
      {"common_name": "Int CA", "key_type": "ec", "organization": "Acme"}, keep="csr")
    p("csr existing", "POST", "int/intermediate/generate/existing",
      {"common_name": "Int CA", "key_ref": "<<csr.key_id>>"})
    p("cross-sign", "POST", "int/intermediate/cross-sign",
      {"common_name": "Int CA", "key_ref": "<<csr.key_id>>"})
    for aia in (False, True):
        if aia:
            p("urls", "POST", "root/config/urls", {
                "issuing_certificates": "http://h/ca", "ocsp_servers": "http://h/ocsp",
                "crl_distribution_points": ["http://h/crl", "http://i/crl"]})
        for fields in SIGN_FIELDS if aia else SIGN_FIELDS[:3]:
            body = dict({"csr": "<<csr.csr>>"}, **fields)
            p("sign-intermediate/%s%s" % ("" if aia else "no urls ", text(fields)), "POST",
              "root/root/sign-intermediate", {k: v for k, v in body.items() if v is not None})
    p("sign-intermediate by issuer", "POST", "root/issuer/r/sign-intermediate",
      {"csr": "<<csr.csr>>", "ttl": "43000h", "format": "pem_bundle"}, keep="signed")
    for what, body in (("nothing", {}), ("short", {"certificate": "x.pem"}),
                       ("garbage", {"certificate": "y" * 100}),
                       ("bundle", {"certificate": "<<signed.certificate>>"}),
                       ("again", {"certificate": "<<signed.certificate>>"})):
        p("set-signed/" + what, "POST", "int/intermediate/set-signed", body)


def reads(p):
    for path in PUBLIC:
        p("read/" + path, "GET", "int/" + path)
        p("head/" + path, "HEAD", "int/" + path)
    for ref in ("default", "none", "a/b", "%20"):
        p("issuer/" + ref, "GET", "int/issuer/" + ref)
        p("key/" + ref, "GET", "int/key/" + ref)
        for form in ("json", "pem", "der", "crl"):
            p("issuer/%s/%s" % (ref, form), "GET", "int/issuer/%s/%s" % (ref, form))
    for path in ("issuers", "keys", "certs", "certs/revoked"):
        p("list/" + path, "LIST", "int/" + path)
        p("list by query/" + path, "GET", "int/%s?list=true" % path)
        p("list with slash/" + path, "LIST", "int/%s/" % path)
    p("issuers without a token", "LIST", "int/issuers", token="")
    p("certs without a token", "LIST", "int/certs", token="")
    p("cert without a token", "GET", "int/cert/11:22", token="")
    for serial in ("11:22", "11-22", "zz", "1122", "AA:BB", "11:22/raw", "11:22/raw/pem"):
        p("cert/" + serial, "GET", "int/cert/" + serial)
    for name in CONFIGS:
        p("config/" + name, "GET", "int/config/" + name)


CONFIG_WRITES = (
    ("urls", ({"issuing_certificates": "http://h/ca"}, {"issuing_certificates": ["http://a", "http://b"]},
              {"issuing_certificates": "no url"}, {"issuing_certificates": ""},
              {"crl_distribution_points": "ldap://h/x"}, {"ocsp_servers": "http://h/ocsp"},
              {"delta_crl_distribution_points": "http://h/delta"}, {"enable_templating": True},
              {"issuing_certificates": "http://h/{{issuer_id}}", "enable_templating": True},
              {"issuing_certificates": "{{bad}}", "enable_templating": True},
              {"enable_templating": False}, {"issuing_certificates": "", "ocsp_servers": "",
               "crl_distribution_points": "", "delta_crl_distribution_points": ""}, {})),
    ("crl", ({"expiry": "48h"}, {"expiry": "tomorrow"}, {"expiry": "0"}, {"expiry": "-1h"},
             {"expiry": 3600}, {"expiry": "3d"}, {"ocsp_expiry": "1h"}, {"ocsp_expiry": "-1s"},
             {"ocsp_expiry": "0"}, {"auto_rebuild": True}, {"auto_rebuild_grace_period": "100h"},
             {"auto_rebuild_grace_period": "1h"}, {"enable_delta": True},
             {"delta_rebuild_interval": "100h"}, {"delta_rebuild_interval": "10m"},
             {"auto_rebuild": False}, {"enable_delta": False}, {"auto_rebuild": False},
             {"disable": True}, {"disable": False}, {"ocsp_disable": True}, {"ocsp_disable": False},
             {"allow_expired_cert_revocation": True}, {"max_crl_entries": 10},
             {"unified_crl": True}, {"cross_cluster_revocation": True}, {"nonsense": 1}, {},
             {"expiry": "72h"})),
    ("acme", ({}, {"enabled": False}, {"eab_policy": "x"}, {"eab_policy": "always-required"},
              {"allowed_roles": ["none"]}, {"allowed_roles": []}, {"allowed_roles": "*"},
              {"allowed_issuers": "default"}, {"allowed_issuers": "none"}, {"allowed_issuers": []},
              {"default_directory_policy": "role:none"}, {"default_directory_policy": "x"},
              {"default_directory_policy": "forbid"}, {"dns_resolver": "x"},
              {"dns_resolver": "127.0.0.1:53"}, {"allow_role_ext_key_usage": True}, {"nonsense": 1},
              {"enabled": True})),
    ("cluster", ({"path": "http://h/v1/pki"}, {"path": "no url"}, {"aia_path": "http://h/aia"},
                 {"aia_path": "no url"}, {}, {"path": "", "aia_path": ""})),
    ("issuers", ({"default": "none"}, {"default": ""}, {"default_follows_latest_issuer": True},
                 {"default_follows_latest_issuer": False}, {"default": "default"}, {})),
    ("keys", ({"default": "none"}, {"default": ""}, {"default": "default"}, {})),
    ("auto-tidy", ({"enabled": True}, {"interval_duration": "1h"}, {"interval_duration": 0},
                   {"tidy_cert_store": True}, {"safety_buffer": "24h"}, {"safety_buffer": "0"},
                   {"issuer_safety_buffer": "1h"}, {"pause_duration": "1s"},
                   {"pause_duration": "x"}, {"enabled": True, "tidy_cert_store": True},
                   {"enabled": False}, {})),
)


def configs(p):
    for name, bodies in CONFIG_WRITES:
        for body in bodies:
            p("config write/%s/%s" % (name, text(body)), "POST", "int/config/" + name, body)
        p("config after/" + name, "GET", "int/config/" + name)
        p("config patch/" + name, "PATCH", "int/config/" + name, {}, headers=MERGE)


ISSUER_FIELDS = (
    {"issuer_name": "int-1"}, {"issuer_name": "default"}, {"issuer_name": "a b"},
    {"issuer_name": ""}, {"leaf_not_after_behavior": "truncate"},
    {"leaf_not_after_behavior": "permit"}, {"leaf_not_after_behavior": "x"},
    {"leaf_not_after_behavior": "err"}, {"usage": "issuing-certificates,crl-signing"},
    {"usage": ["read-only"]}, {"usage": "everything"}, {"usage": ""},
    {"usage": "read-only,issuing-certificates,crl-signing,ocsp-signing"},
    {"manual_chain": ["self"]}, {"manual_chain": "self,none"}, {"manual_chain": []},
    {"revocation_signature_algorithm": "ECDSAWithSHA256"},
    {"revocation_signature_algorithm": "SHA256WithRSA"}, {"revocation_signature_algorithm": "x"},
    {"revocation_signature_algorithm": ""}, {"issuing_certificates": "http://h/own"},
    {"issuing_certificates": "x"}, {"crl_distribution_points": "http://h/own.crl"},
    {"delta_crl_distribution_points": "http://h/delta"}, {"ocsp_servers": "http://h/o"},
    {"enable_aia_url_templating": True}, {"enable_aia_url_templating": False}, {"nonsense": 1},
    {"issuing_certificates": "", "crl_distribution_points": "", "ocsp_servers": "",
     "delta_crl_distribution_points": ""}, {},
)


def issuers(p):
    for fields in ISSUER_FIELDS:
        p("issuer patch/" + text(fields), "PATCH", "int/issuer/default", fields, headers=MERGE)
    for fields in ISSUER_FIELDS:
        p("issuer write/" + text(fields), "POST", "int/issuer/default", fields)
    p("issuer read", "GET", "int/issuer/default")
    p("issuer restored", "POST", "int/issuer/default", {"issuer_name": "int-1"})
    p("issuer by name", "GET", "int/issuer/int-1")
    for body in ({"key_name": "leafkey"}, {"key_name": "default"}, {"key_name": "a b"},
                 {"key_name": ""}, {}):
        p("key write/" + text(body), "POST", "int/key/default", body)
    p("key name taken away", "POST", "int/key/default", {"key_name": "leafkey"})
    p("key read", "GET", "int/key/default")
    p("key in use", "DELETE", "int/key/default")
    for kind in ("internal", "exported", "existing", "none"):
        for body in ({"key_type": "ec"}, {"key_type": "rsa", "key_bits": 1024},
                     {"key_type": "ec", "key_bits": 1}, {"key_name": "gen", "key_type": "ec"}):
            p("key generate/%s/%s" % (kind, text(body)), "POST", "csrs/keys/generate/" + kind, body)
    p("key delete", "DELETE", "csrs/key/gen")
    p("key delete again", "DELETE", "csrs/key/gen")
    p("issuer delete unknown", "DELETE", "int/issuer/none")


def run(p, _data):
    empty(p)
    roots(p)
    intermediates(p)
    reads(p)
    configs(p)
    issuers(p)
