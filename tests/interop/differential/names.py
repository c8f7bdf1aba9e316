# SPDX-License-Identifier: Apache-2.0
"""Names that a role allows: the rows of tests/data/pki-names, which say what both must decide,
and allowed domains, flags and names in all combinations (a sample but for CHANCERY_FULL)."""
import itertools
import os

DOMAINS = ("example.com", "*.example.com", "a*.example.com,example.org", "localhost", "")
FLAGS = ("allow_bare_domains", "allow_subdomains", "allow_glob_domains", "allow_any_name",
         "allow_localhost", "enforce_hostnames", "allow_wildcard_certificates")
NAMES = ("example.com", "a.example.com", "A.Example.Com", "b.a.example.com", "*.example.com",
         "*.a.example.com", "a*.example.com", "localhost", "x.localhost", "*.localhost",
         "localdomain", "example.org", "badexample.com", "a_b.example.com", "a.example.com.",
         "user@example.com", "user@a.example.com", "xn--bcher-kva.example.com",
         "bücher.example.com", "10.0.0.1", "*", "x", "a b", "-a.example.com")


def fields_of(line):
    fields = {"key_type": "ec", "ttl": "60", "no_store": True}
    for word in line[1:-1].split():
        name, eq, value = word.partition("=")
        fields[name.lstrip("!")] = value if eq else not word.startswith("!")
    return fields


def rows(p, data):
    """What the file says of ours is what ours does: the comparison says it of OpenBao's."""
    role = ""
    with open(data + "/pki-names/rows", encoding="utf-8") as f:
        lines = f.read().split("\n")
    for line in lines:
        if line.startswith("["):
            role = line
            p("role " + role, "POST", "names/roles/r", fields_of(line))
        elif line:
            marked = "folded " if line[0] == "~" else ""
            good = p("row/%s%s %s" % (marked, role, line[2:]), "POST", "names/issue/r",
                     {"common_name": line[2:], "exclude_cn_from_sans": True})
            if good != (line[0] == "+"):
                p.wrong("row/%s %s" % (role, line), "decided otherwise than the file says")


def combinations():
    every = list(itertools.product((False, True), repeat=len(FLAGS)))
    if os.environ.get("CHANCERY_FULL"):
        return [(d, c) for d in DOMAINS for c in every]
    # Each flag with each other one in all four ways, once per domain or so.
    return [(DOMAINS[i % len(DOMAINS)], c) for i, c in enumerate(every) if i % 9 in (0, 4)]


def grid(p):
    for domains, flags in combinations():
        fields = dict(zip(FLAGS, flags), allowed_domains=domains, key_type="ec", no_store=True)
        said = "[%s %s]" % (domains, " ".join(n for n, f in zip(FLAGS, flags) if f))
        p("grid role " + said, "POST", "names/roles/g", fields)
        for name in NAMES:
            p("grid/%s %s" % (said, name), "POST", "names/issue/g",
              {"common_name": name, "ttl": "60"})


# Names that are not the common name, and how they are put together.
LISTS = (
    {"alt_names": "a.example.com"}, {"alt_names": "b.example.com,a.example.com,b.example.com"},
    {"alt_names": " a.example.com , b.example.com "}, {"alt_names": "a.example.com,,"},
    {"alt_names": "u@example.com,a.example.com"}, {"alt_names": "a.example.com,evil.org"},
    {"alt_names": ["a.example.com", "b.example.com"]}, {"alt_names": "10.0.0.1"},
    {"alt_names": "a b"}, {"alt_names": "*.example.com"}, {"alt_names": ""},
    {"alt_names": "bücher.example.com"}, {"alt_names": "A.EXAMPLE.COM"},
    {"ip_sans": "10.0.0.1,::1,10.0.0.1"}, {"ip_sans": "::ffff:10.0.0.1"}, {"ip_sans": "10.0.0"},
    {"ip_sans": "010.0.0.1"}, {"ip_sans": ["10.0.0.1"]}, {"ip_sans": "fe80::1%eth0"},
    {"ip_sans": "10.0.0.1/8"}, {"ip_sans": ""},
    {"uri_sans": "spiffe://td/x"}, {"uri_sans": "spiffe://other/x"}, {"uri_sans": "x"},
    {"uri_sans": "spiffe://td/a,spiffe://td/b"}, {"uri_sans": ""}, {"uri_sans": "spiffe://td/%zz"},
    {"other_sans": "1.3.6.1.4.1.311.20.2.3;UTF8:bob@corp"},
    {"other_sans": "1.3.6.1.4.1.311.20.2.3;utf8:bob"}, {"other_sans": "1.2.3;UTF8:x"},
    {"other_sans": "1.3.6.1.4.1.311.20.2.3;IA5:x"}, {"other_sans": "x"},
    {"other_sans": "1.3.6.1.4.1.311.20.2.3;UTF-8:b,1.3.6.1.4.1.311.20.2.3;UTF8:a"},
    {"serial_number": "S-1"}, {"serial_number": "T-1"}, {"serial_number": ""},
    {"user_ids": "bob"}, {"user_ids": "BOB,alice"}, {"user_ids": "eve"},
    {"user_ids": "alice,bob"},
    {"common_name": ""}, {"common_name": "a.example.com", "alt_names": "a.example.com"},
    {"common_name": "u@example.com"}, {"common_name": "x" * 65 + ".example.com"},
    {"common_name": "y" * 63 + ".example.com"}, {"common_name": "z" * 60 + ".example.com"},
    {"common_name": ".".join(["abcdefgh"] * 30)}, {"common_name": "a.example.com\n"},
    {"common_name": "a.example.com\u0000b"}, {"common_name": " a.example.com"},
    {"alt_names": "b.example.com", "ip_sans": "10.0.0.1", "uri_sans": "spiffe://td/x",
     "other_sans": "1.3.6.1.4.1.311.20.2.3;UTF8:x"},
)
LIST_ROLES = (
    ("free", {"allowed_uri_sans": "spiffe://td/*", "allowed_serial_numbers": "S-*",
              "allowed_other_sans": "1.3.6.1.4.1.311.20.2.3;UTF8:*",
              "allowed_user_ids": "bob,alice"}),
    ("bare", {"require_cn": False, "allow_ip_sans": False}),
    ("networks", {"allowed_ip_sans_cidr": "10.0.0.0/8", "allowed_uri_sans": "*",
                  "allowed_other_sans": "*", "allowed_serial_numbers": "*",
                  "allowed_user_ids": "*", "require_cn": False}),
)


def lists(p):
    for name, more in LIST_ROLES:
        p("list role " + name, "POST", "names/roles/l", dict({
            "allowed_domains": "example.com", "allow_subdomains": True, "key_type": "ec",
            "allow_bare_domains": True, "no_store": True}, **more))
        for fields in LISTS:
            for excluded in (False, True):
                body = dict({"common_name": "c.example.com", "ttl": "60"}, **fields)
                if excluded:
                    body["exclude_cn_from_sans"] = True
                said = " ".join("%s=%s" % (k, str(v)[:40]) for k, v in fields.items())
                p("list/%s %s%s" % (name, said, " excluded" if excluded else ""), "POST",
                  "names/issue/l", body)


def run(p, data):
    p("mount", "POST", "sys/mounts/names", {"type": "pki"})
    p("root", "POST", "names/root/generate/internal", {"common_name": "Names", "key_type": "ec",
                                                       "ttl": "700h"})
    rows(p, data)
    grid(p)
    lists(p)
