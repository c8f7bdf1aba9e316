# SPDX-License-Identifier: Apache-2.0
"""Acts one after another, and what the state is then."""
from authorities import MERGE

SMALL = {"key_type": "ec", "ttl": "80000h"}


def state(p, what, mount):
    """Everything that can be read of a mount."""
    for path in ("issuers", "keys", "certs", "certs/revoked", "roles"):
        p("%s: %s" % (what, path), "LIST", "%s/%s" % (mount, path))
    for path in ("config/issuers", "config/keys", "ca_chain", "cert/ca", "crl",
                 "issuer/default", "key/default", "issuer/default/json", "cert/ca_chain"):
        p("%s: %s" % (what, path), "GET", "%s/%s" % (mount, path))


def made(p, mount, name):
    p("mount " + mount, "POST", "sys/mounts/" + mount,
      {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
    p("root of " + mount, "POST", "%s/root/generate/internal" % mount,
      dict(SMALL, common_name=name, issuer_name="first", key_name="first"), keep=mount)
    p("role of " + mount, "POST", mount + "/roles/any",
      {"allow_any_name": True, "key_type": "ec", "max_ttl": "24h"})


def rolled(p):
    """A root is followed by the next one."""
    made(p, "roll", "Roll 1")
    p("leaf of the first", "POST", "roll/issue/any", {"common_name": "a.example"}, keep="leaf1")
    p("rotate", "POST", "roll/root/rotate/internal", dict(SMALL, common_name="Roll 2"),
      keep="next")
    state(p, "rotated", "roll")
    p("still by the first", "POST", "roll/issue/any", {"common_name": "b.example"})
    p("cross-sign csr", "POST", "roll/intermediate/cross-sign",
      {"common_name": "Roll 2", "key_ref": "<<next.key_id>>"}, keep="cross")
    p("cross-signed", "POST", "roll/issuer/first/sign-intermediate",
      {"csr": "<<cross.csr>>", "ttl": "70000h"}, keep="crossed")
    p("cross-signed taken", "POST", "roll/issuers/import/cert",
      {"pem_bundle": "<<crossed.certificate>>"}, keep="imported")
    p("replace", "POST", "roll/root/replace", {"default": "next"})
    state(p, "replaced", "roll")
    p("by the second", "POST", "roll/issue/any", {"common_name": "c.example"}, keep="leaf2")
    p("by the first, named", "POST", "roll/issuer/first/issue/any", {"common_name": "d.example"})
    p("revoke of the first", "POST", "roll/revoke",
      {"serial_number": "<<leaf1.serial_number>>"})
    p("revoke of the second", "POST", "roll/revoke",
      {"serial_number": "<<leaf2.serial_number>>"})
    for ref in ("first", "next"):
        p("list of " + ref, "GET", "roll/issuer/%s/crl" % ref)
    p("manual chain", "PATCH", "roll/issuer/next",
      {"manual_chain": ["self", "<<imported.imported_issuers.0>>", "first"]}, headers=MERGE)
    p("chain", "GET", "roll/issuer/next")
    p("leaf with the chain", "POST", "roll/issue/any", {"common_name": "e.example",
                                                        "format": "pem_bundle"})
    p("name taken", "PATCH", "roll/issuer/first", {"issuer_name": "next"}, headers=MERGE)
    p("key in use", "DELETE", "roll/key/first")
    p("first deleted", "DELETE", "roll/issuer/first")
    state(p, "without the first", "roll")
    p("default deleted", "DELETE", "roll/issuer/default")
    p("without a default", "GET", "roll/config/issuers")
    p("issue without a default", "POST", "roll/issue/any", {"common_name": "f.example"})
    p("ca without a default", "GET", "roll/ca/pem")
    p("default again", "POST", "roll/config/issuers",
      {"default": "<<imported.imported_issuers.0>>"})
    p("by the cross-signed", "POST", "roll/issue/any", {"common_name": "g.example"})
    p("old one cannot be revoked anew", "POST", "roll/revoke",
      {"serial_number": "<<leaf1.serial_number>>"})
    state(p, "at last", "roll")


def chain(p):
    """Three mounts, one above the other; imports; revocation of an authority."""
    made(p, "top", "Top")
    for name, above in (("mid", "top"), ("low", "mid")):
        p("mount " + name, "POST", "sys/mounts/" + name,
          {"type": "pki", "config": {"max_lease_ttl": "60000h"}})
        p(name + " csr", "POST", name + "/intermediate/generate/internal",
          {"common_name": name + " CA", "key_type": "ec"}, keep=name + "csr")
        p(name + " signed", "POST", "%s/root/sign-intermediate" % above,
          {"csr": "<<%scsr.csr>>" % name, "format": "pem_bundle",
           "ttl": "50000h" if name == "mid" else "40000h"}, keep=name)
        p(name + " set", "POST", name + "/intermediate/set-signed",
          {"certificate": "<<%s.certificate>>" % name}, keep=name + "set")
        state(p, name, name)
        p(name + " role", "POST", name + "/roles/any",
          {"allow_any_name": True, "key_type": "ec", "max_ttl": "24h"})
    p("leaf", "POST", "low/issue/any", {"common_name": "a.example"}, keep="leaf")
    p("leaf without roots", "POST", "low/issue/any",
      {"common_name": "a.example", "remove_roots_from_chain": True})
    p("mount for keys", "POST", "sys/mounts/aside", {"type": "pki"})
    p("foreign certificate", "POST", "top/revoke", {"certificate": "<<leaf.certificate>>"})
    p("foreign serial", "POST", "top/revoke", {"serial_number": "<<leaf.serial_number>>"})
    p("own certificate", "POST", "low/revoke", {"certificate": "<<leaf.certificate>>"})
    p("leaf shown", "GET", "low/cert/<<leaf.serial_number>>")
    p("leaf elsewhere", "GET", "top/cert/<<leaf.serial_number>>")
    for path in ("issuers/import/cert", "issuers/import/bundle", "config/ca"):
        for what, body in (("nothing", {}), ("short", {"pem_bundle": "x.pem"}),
                           ("leaf", {"pem_bundle": "<<leaf.certificate>>"}),
                           ("key", {"pem_bundle": "<<leaf.private_key>>"}),
                           ("garbage", {"pem_bundle": "y" * 200}),
                           ("text behind", {"pem_bundle": "<<mid.certificate>>\njunk"}),
                           ("text before", {"pem_bundle": "junk\n<<mid.certificate>>"}),
                           ("chain", {"pem_bundle": "<<mid.certificate>>"}),
                           ("chain again", {"pem_bundle": "<<mid.certificate>>"})):
            p("import %s/%s" % (path, what), "POST",
              ("aside/" if what == "key" else "low/") + path, body)
    state(p, "imported", "low")
    p("mid revoked", "POST", "top/revoke", {"certificate": "<<mid.issuing_ca>>"})
    p("mid's certificate revoked", "POST", "top/revoke",
      {"serial_number": "<<mid.serial_number>>"})
    p("top's list", "GET", "top/issuer/default/crl")
    p("issuer of mid's mount revoked", "POST", "mid/issuer/default/revoke", {})
    p("issue below", "POST", "mid/issue/any", {"common_name": "b.example"})
    p("usage of the revoked", "PATCH", "mid/issuer/default", {"usage": "issuing-certificates"},
      headers=MERGE)
    state(p, "revoked", "mid")
    p("low signs on", "POST", "low/issue/any", {"common_name": "c.example"})


def follows(p):
    """The default issuer follows the latest one."""
    made(p, "follow", "Follow 1")
    p("read", "GET", "follow/config/issuers")
    p("set", "POST", "follow/config/issuers", {"default": "first",
                                               "default_follows_latest_issuer": True})
    p("another root", "POST", "follow/root/generate/internal", dict(SMALL, common_name="Follow 2"))
    p("followed", "GET", "follow/config/issuers")
    state(p, "followed", "follow")
    p("unset", "POST", "follow/config/issuers", {"default": "first",
                                                 "default_follows_latest_issuer": False})
    p("a third root", "POST", "follow/root/generate/internal", dict(SMALL, common_name="Follow 3"))
    state(p, "not followed", "follow")
    p("self-issued", "POST", "follow/root/sign-self-issued",
      {"certificate": "<<roll.certificate>>"})
    p("self-issued nothing", "POST", "follow/root/sign-self-issued", {})
    p("self-issued not", "POST", "follow/root/sign-self-issued", {"certificate": "x"})
    p("everything gone", "DELETE", "follow/root")
    for path in ("issuers", "keys", "certs"):
        p("after all: " + path, "LIST", "follow/" + path)
    p("after all: ca", "GET", "follow/ca/pem")
    p("after all: issue", "POST", "follow/issue/any", {"common_name": "a.example"})
    p("after all: role", "GET", "follow/roles/any")
    p("unmounted", "DELETE", "sys/mounts/follow")
    p("mounted anew", "POST", "sys/mounts/follow", {"type": "pki"})
    for path in ("issuers", "keys", "certs", "roles"):
        p("anew: " + path, "LIST", "follow/" + path)
    p("anew: role", "GET", "follow/roles/any")


BEHAVIOURS = ("err", "truncate", "permit", "always_enforce_err", "x")


def ends(p):
    """What becomes of a life that ends after the issuer's."""
    p("mount ends", "POST", "sys/mounts/ends", {"type": "pki",
                                                "config": {"max_lease_ttl": "1000h"}})
    p("root", "POST", "ends/root/generate/internal",
      {"common_name": "Ends", "key_type": "ec", "ttl": "10h"})
    p("role", "POST", "ends/roles/any", {"allow_any_name": True, "key_type": "ec"})
    p("csr", "POST", "ends/intermediate/generate/internal",
      {"common_name": "Below", "key_type": "ec"}, keep="endcsr")
    for how in BEHAVIOURS:
        p("behaviour/" + how, "PATCH", "ends/issuer/default", {"leaf_not_after_behavior": how},
          headers=MERGE)
        for ttl in ("1h", "20h", ""):
            p("issue/%s %s" % (how, ttl), "POST", "ends/issue/any",
              {"common_name": "a.example", "ttl": ttl})
            p("sign-verbatim/%s %s" % (how, ttl), "POST", "ends/sign-verbatim",
              {"csr": "<<endcsr.csr>>", "ttl": ttl})
            p("sign-intermediate/%s %s" % (how, ttl), "POST", "ends/root/sign-intermediate",
              {"csr": "<<endcsr.csr>>", "ttl": ttl})
        p("behaviour back/" + how, "PATCH", "ends/issuer/default",
          {"leaf_not_after_behavior": "permit"}, headers=MERGE)


def run(p, _data):
    rolled(p)
    chain(p)
    follows(p)
    ends(p)
