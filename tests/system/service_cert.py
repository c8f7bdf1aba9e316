#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""auth/cert beside a real OpenBao: rows and logins, metadata, lists of revoked certificates,
renewals; every certificate of the folder under random constraints. Then what only ours has:
certificates of its own mounts that were revoked.

service_cert.py FOLDER    VAULT_ADDR…, OPENBAO_ADDR, OPENBAO_CACERT are set"""
import os
import random
import ssl
import sys

from service_api import Api
from service_pair import Pair

FOLDER = sys.argv[1]
ROUNDS = int(os.environ.get("CHANCERY_CERT_ROUNDS", "60"))
KNOWN = {
    ("*", "data.ocsp_max_retries"): "Vault has it",
    ("*", "data.ocsp_this_update_max_age"): "Vault has it",
    ("*", "data.enable_metadata_on_failures"): "Vault has it",
    ("*", "data.role_cache_size"): "Vault has it",
    ("*", "data.allowed_common_names"): "an empty list, not null",
    ("*", "data.allowed_dns_sans"): "an empty list, not null",
    ("*", "data.allowed_email_sans"): "an empty list, not null",
    ("*", "data.allowed_metadata_extensions"): "an empty list, not null",
    ("*", "data.allowed_names"): "an empty list, not null",
    ("*", "data.allowed_organizational_units"): "an empty list, not null",
    ("*", "data.allowed_uri_sans"): "an empty list, not null",
    ("*", "data.ocsp_servers_override"): "an empty list, not null",
    ("*", "data.required_extensions"): "an empty list, not null",
    ("old names read", "data.policies"): "old names are taken, not told",
    ("old names read", "data.ttl"): "old names are taken, not told",
    ("old names read", "data.max_ttl"): "old names are taken, not told",
    ("old names read", "data.period"): "old names are taken, not told",
    ("old names read", "data.bound_cidrs"): "old names are taken, not told",
    "role batch": "no batch tokens",
    "role ocsp": "OCSP is not asked",
    "role required nonsense": "could never be met",
    "role metadata nonsense": "is no OID",
    "crl url": "nothing is fetched; a caller's mistake is no 500",
    "crl issuer's namesake": "a list speaks for its issuer, not for every number",
    "login nocn": "there are no identities that need a name",
    "login server": "a caller's mistake is no 500",
    "login any": "anyExtendedKeyUsage is not clientAuth (RFC 5280 4.2.1.12 lets refuse)",
    "login ended": "a caller's mistake is no 500",
    "login outsidechain": "a caller's mistake is no 500",
    "login toodeepchain": "a caller's mistake is no 500",
    "renew policies changed": "a caller's mistake is no 500",
    "renew role gone": "a caller's mistake is no 500",
    "renew other certificate": "a caller's mistake is no 500",
}


def read(name):
    with open(os.path.join(FOLDER, name), encoding="ascii") as f:
        return f.read()


def pem(name):
    return os.path.join(FOLDER, name + ".pem")


def login(p, name, cert, body=None, keep=None, what="login "):
    return p.ask(what + name, "POST", "auth/cert/login", body or {}, keep=keep, cert=pem(cert))


def want(condition, what):
    if not condition:
        raise SystemExit(what)


def rows(p):
    c = "auth/cert/certs/"
    p.ask("enable", "POST", "sys/auth/cert", {"type": "cert"})
    p.ask("roles none", "LIST", "auth/cert/certs")
    p.ask("role none", "GET", c + "none")
    p.ask("role", "POST", c + "Web", {"certificate": read("one.crt"), "token_policies": "default"})
    for name in ("web", "WEB"):
        p.ask("role read", "GET", c + name)
    p.ask("role list", "LIST", "auth/cert/certs")
    p.ask("role bad pem", "POST", c + "bad", {"certificate": "x"})
    p.ask("role no pem", "POST", c + "bad", {})
    p.ask("role server leaf", "POST", c + "bad", {"certificate": read("server.crt")})
    p.ask("role two", "POST", c + "two", {"certificate": read("one.crt") + read("two.crt")})
    p.ask("role half", "POST", c + "bad", {"certificate": read("one.crt")[:-60]})
    p.ask("role batch", "POST", c + "bad", {"certificate": read("one.crt"), "token_type": "batch"})
    p.ask("role bad type", "POST", c + "bad", {"certificate": read("one.crt"), "token_type": "x"})
    p.ask("role ocsp", "POST", c + "bad", {"certificate": read("one.crt"), "ocsp_enabled": True})
    p.ask("role required nonsense", "POST", c + "bad",
          {"certificate": read("one.crt"), "required_extensions": "x"})
    p.ask("role metadata nonsense", "POST", c + "bad",
          {"certificate": read("one.crt"), "allowed_metadata_extensions": "x"})
    p.ask("role ttl order", "POST", c + "web", {"token_ttl": "2h", "token_max_ttl": "1h"})
    p.ask("role bad cidr", "POST", c + "web", {"token_bound_cidrs": "x"})
    p.ask("role all", "POST", c + "all", {
        "certificate": read("one.crt"), "allowed_names": "a,b", "allowed_common_names": ["c"],
        "allowed_dns_sans": "d", "allowed_email_sans": "e", "allowed_uri_sans": "f",
        "allowed_organizational_units": "g", "required_extensions": "1.2.3:h*,hex:1.2.4:00*",
        "allowed_metadata_extensions": "1.2.3", "display_name": "shown", "ocsp_fail_open": True,
        "ocsp_query_all_servers": True, "ocsp_servers_override": "http://h",
        "ocsp_ca_certificates": read("two.crt"), "token_ttl": 60, "token_max_ttl": 120,
        "token_policies": "x,y", "token_period": 0, "token_num_uses": 3,
        "token_explicit_max_ttl": 300, "token_bound_cidrs": "127.0.0.1",
        "token_no_default_policy": True, "token_type": "service"})
    p.ask("role bound twice", "POST", c + "all", {"token_strictly_bind_ip": True})
    a, b = p.ask("role all read", "GET", c + "all")
    for k, v in b[1]["data"].items():
        want(a[1]["data"][k] == v, "role all: %s: %r, OpenBao %r" % (k, a[1]["data"][k], v))
    p.ask("role partly", "POST", c + "all", {"allowed_names": ""})
    a, b = p.ask("role partly read", "GET", c + "all")
    want(a[1]["data"]["allowed_dns_sans"] == b[1]["data"]["allowed_dns_sans"] == ["d"] and
         a[1]["data"]["allowed_names"] == [], "what was not given stays")
    p.ask("old names", "POST", c + "old", {
        "certificate": read("one.crt"), "policies": "z", "ttl": 5, "max_ttl": 7, "period": 8,
        "bound_cidrs": "10.1.0.0/16"})
    a, b = p.ask("old names read", "GET", c + "old")
    for k in ("token_policies", "token_ttl", "token_max_ttl", "token_period"):
        want(a[1]["data"][k] == b[1]["data"][k], "old names: " + k)
    for name in ("two", "all", "old", "old"):
        p.ask("role delete", "DELETE", c + name)
    p.ask("config", "GET", "auth/cert/config")
    p.ask("config write", "POST", "auth/cert/config", {"ocsp_cache_size": 7})
    p.ask("config read", "GET", "auth/cert/config")
    p.ask("delete verb", "DELETE", "auth/cert/config")


CERTS = ("full", "plain", "umlaut", "twocn", "nocn", "server", "any", "none", "ended", "foreign",
         "forged", "deep", "deepchain", "toodeepchain", "insidechain", "outsidechain",
         "belowleafchain", "sha1", "alone", "bent")


def logins(p):
    for name in CERTS:
        a, b = login(p, name, name)
        if a[0] == b[0] == 200:
            x, y = a[1]["auth"], b[1]["auth"]
            for k in ("metadata", "policies", "token_policies", "renewable", "orphan"):
                want(x[k] == y[k], "login %s: %s: %r, OpenBao %r" % (name, k, x[k], y[k]))
    p.ask("login none shown", "POST", "auth/cert/login", {})
    login(p, "by name", "plain", {"name": "WEB"})
    login(p, "by another name", "plain", {"name": "nope"})
    login(p, "put", "plain", keep={"t": "auth.client_token"})
    a, b = p.ask("lookup", "GET", "auth/token/lookup-self", token="t")
    for k in ("display_name", "path", "meta", "policies", "orphan", "type"):
        want(a[1]["data"][k] == b[1]["data"][k], "lookup: " + k)
    # Both versions of TLS; several logins over one connection.
    for tls in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for server in p.apis:
            api = server.with_cert(pem("plain"), tls)
            for _ in range(3):
                api.ok("PUT", "auth/cert/login", {})
    # Exact certificates, and where it is looked for first.
    p.ask("leaf role", "POST", "auth/cert/certs/zleaf", {"certificate": read("plain.crt")})
    a, b = login(p, "leaf", "plain")
    want(a[1]["auth"]["metadata"]["cert_name"] == b[1]["auth"]["metadata"]["cert_name"] == "zleaf",
         "the exact certificate's role comes first")
    # Two authorities of one name, as after a change of keys: the key id tells them apart.
    p.ask("both ones", "POST", "auth/cert/certs/both",
          {"certificate": read("twin.crt") + read("one.crt")})
    for name in ("full", "forged"):
        login(p, "both ones " + name, name, {"name": "both"})
    p.ask("both ones away", "DELETE", "auth/cert/certs/both")
    p.ask("alone role", "POST", "auth/cert/certs/alone", {"certificate": read("alone.crt")})
    login(p, "alone by itself", "alone")
    p.ask("web away", "DELETE", "auth/cert/certs/web")
    login(p, "leaf only", "plain")
    login(p, "not the leaf", "full")
    login(p, "leaf bent", "bent")
    # Below an intermediate that is trusted by itself.
    p.ask("int role", "POST", "auth/cert/certs/int", {"certificate": read("int.crt")})
    for name in ("deep", "deepchain", "full"):
        login(p, "int " + name, name)
    for name in ("zleaf", "alone", "int"):
        p.ask("role away", "DELETE", "auth/cert/certs/" + name)


NAMES = ["full.example.com", "*.example.com", "full*", "*", "alt*", "full@example.com", "*@*",
         "spiffe://*", "spiffe://acme/full", "ops", "web", "w*b", "plain", "mäx", "m*x", "käse",
         "first", "second", "", "F*", "*a*m*", "one", "*.example.com*", "server", "deep", "i*e"]
EXTENSIONS = ["1.2.3.4:hello", "1.2.3.4:h*", "1.2.3.4:x", "1.2.3.5:*", "1.2.3.5:5", "1.2.3.5:",
              "1.2.3.6:pr*", "9.9.9:*", "2.5.29.37:*", "1.2.3.4:*l*o"]
FIELDS = ["allowed_names", "allowed_common_names", "allowed_dns_sans", "allowed_email_sans",
          "allowed_uri_sans", "allowed_organizational_units"]


def constraints(p):
    """Random ones; every certificate is let in, or not, alike."""
    asked = let_in = 0
    certs = [n for n in CERTS if n not in ("any", "nocn", "server")]
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for seed in range(first, first + ROUNDS):
        r = random.Random(seed)
        role = {"certificate": read("one.crt")}
        for field in FIELDS:
            role[field] = r.sample(NAMES, r.randint(1, 4)) if r.random() < 0.25 else []
        role["required_extensions"] = r.sample(EXTENSIONS, r.randint(0, 2)) \
            if r.random() < 0.4 else []
        for api in p.apis:
            api.ok("POST", "auth/cert/certs/random", role)
        for name in r.sample(certs, 4) + ["full"]:
            a, b = [api.with_cert(pem(name)).ask("POST", "auth/cert/login", {"name": "random"})
                    for api in p.apis]
            asked += 1
            let_in += a[0] == 200
            if (a[0] == 200) != (b[0] == 200):
                del role["certificate"]
                raise SystemExit("seed %d: %s under %s: %s, OpenBao %s" % (seed, name, role, a, b))
    want(0 < let_in < asked, "all or none were let in")
    for api in p.apis:
        api.ok("DELETE", "auth/cert/certs/random")
    print("%d logins under random constraints, %d let in: as OpenBao" % (asked, let_in))


def metadata(p):
    p.ask("metadata role", "POST", "auth/cert/certs/web", {
        "certificate": read("one.crt"), "token_policies": "default", "display_name": "Dis play",
        "allowed_metadata_extensions": "1.2.3.4,1.2.3.5,1.2.3.6,2.5.29.17,9.9.9"})
    for name in ("full", "plain"):
        a, b = login(p, name + " metadata", name, keep={"t": "auth.client_token"})
        want(a[1]["auth"]["metadata"] == b[1]["auth"]["metadata"], "metadata: %r, OpenBao %r" %
             (a[1]["auth"]["metadata"], b[1]["auth"]["metadata"]))
    a, b = p.ask("metadata lookup", "GET", "auth/token/lookup-self", token="t")
    want(a[1]["data"]["display_name"] == b[1]["data"]["display_name"], "display name")


def renewals(p):
    def renew(what, cert):
        p.ask("renew " + what, "PUT", "auth/token/renew-self", {}, token="t",
              cert=cert and pem(cert))
    login(p, "to renew", "plain", keep={"t": "auth.client_token"})
    renew("same", "plain")
    renew("none shown", None)
    renew("other certificate", "umlaut")
    renew("foreign", "foreign")
    p.ask("narrower", "POST", "auth/cert/certs/web", {"allowed_common_names": "nobody"})
    renew("does not fit", "plain")
    p.ask("wider", "POST", "auth/cert/certs/web", {"allowed_common_names": ""})
    p.ask("policies", "POST", "auth/cert/certs/web", {"token_policies": "other"})
    renew("policies changed", "plain")
    p.ask("policies back", "POST", "auth/cert/certs/web", {"token_policies": "default"})
    renew("again", "plain")
    p.ask("unbound", "POST", "auth/cert/config", {"disable_binding": True})
    renew("unbound", None)
    p.ask("bound", "POST", "auth/cert/config", {"disable_binding": False})
    renew("bound again", None)
    p.ask("role gone", "DELETE", "auth/cert/certs/web")
    renew("role gone", "plain")


def lists(p):
    c = "auth/cert/crls/"
    p.ask("crl none", "GET", c + "x")
    p.ask("crls none", "LIST", "auth/cert/crls")
    p.ask("crl bad", "POST", c + "x", {"crl": "zz"})
    p.ask("crl empty", "POST", c + "x", {})
    p.ask("crl url", "POST", c + "x", {"url": "http://127.0.0.1:1/x"})
    p.ask("role for lists", "POST", "auth/cert/certs/web", {
        "certificate": read("one.crt"), "token_policies": "default"})
    login(p, "before it is listed", "plain", keep={"t": "auth.client_token"})
    p.ask("crl", "POST", c + "gone", {"crl": read("gone.crl")})
    a, b = p.ask("crl read", "GET", c + "gone")
    want(a[1]["data"] == b[1]["data"], "serials of the list")
    p.ask("crl list", "LIST", "auth/cert/crls")
    login(p, "listed", "plain")
    login(p, "not listed", "full")
    p.ask("renew listed", "PUT", "auth/token/renew-self", {}, token="t", cert=pem("plain"))
    p.ask("crl away", "DELETE", c + "gone")
    p.ask("crl away again", "DELETE", c + "gone")
    login(p, "not listed any more", "plain")
    p.ask("crl of int", "POST", c + "int", {"crl": read("intgone.crl")})
    login(p, "below a listed one", "deepchain")
    p.ask("crl of int away", "DELETE", c + "int")
    p.ask("crl other", "POST", c + "other", {"crl": read("other.crl")})
    login(p, "crl issuer's namesake", "plain", what="")
    p.ask("crl other away", "DELETE", c + "other")


def bound(p):
    p.ask("from elsewhere role", "POST", "auth/cert/certs/web", {"token_bound_cidrs": "10.0.0.0/8"})
    login(p, "from elsewhere", "plain")
    p.ask("from here role", "POST", "auth/cert/certs/web", {
        "token_bound_cidrs": "", "token_strictly_bind_ip": True})
    login(p, "bound to the address", "plain", keep={"t": "auth.client_token"})
    a, b = p.ask("bound lookup", "GET", "auth/token/lookup-self", token="t")
    want(a[1]["data"]["bound_cidrs"] == b[1]["data"]["bound_cidrs"] == ["127.0.0.1"],
         "strictly bound")
    p.ask("disable", "DELETE", "sys/auth/cert")
    p.ask("token of a mount that is gone", "GET", "auth/token/lookup-self", token="t")


# ---- ours alone ----

def hex_extensions():
    """As Vault has them since 1.15; OpenBao does not know the prefix."""
    api = Api.ours()
    api.ok("POST", "sys/auth/hex", {"type": "cert"})
    for wanted, status in (("hex:1.2.3.5:020105", 200), ("hex:1.2.3.5:0201*", 200),
                           ("hex:1.2.3.4:0C0568*", 200), ("hex:1.2.3.4:0c05*", 200),
                           ("hex:1.2.3.5:*", 200), ("hex:1.2.3.5:020106", 400),
                           ("hex:1.2.3.5:", 400), ("hex:9.9.9:*", 400)):
        api.ok("POST", "auth/hex/certs/x", {"certificate": read("one.crt"),
                                            "required_extensions": wanted})
        got = api.with_cert(pem("full")).ask("POST", "auth/hex/login", {})
        want(got[0] == status, "%s: %s" % (wanted, got))
    api.ok("DELETE", "sys/auth/hex")


def write_pem(name, answer):
    with open(pem(name), "w", encoding="ascii") as f:
        f.write("\n".join([answer["certificate"], answer["private_key"]] +
                          answer.get("ca_chain", [])) + "\n")


def own_mounts():
    api = Api.ours()

    def ask(cert, method="POST", path="auth/own/login", body=None, token=None):
        headers = {"X-Vault-Token": token} if token else {}
        return api.with_cert(pem(cert)).ask(method, path, body or {}, headers)

    api.ok("POST", "sys/mounts/root", {"type": "pki"})
    api.ok("POST", "sys/mounts/int", {"type": "pki"})
    root = api.ok("POST", "root/root/generate/internal",
                  {"common_name": "Own Root", "key_type": "ec", "ttl": "700h"})["data"]
    csr = api.ok("POST", "int/intermediate/generate/internal",
                 {"common_name": "Own Int", "key_type": "ec"})["data"]["csr"]
    signed = api.ok("POST", "root/root/sign-intermediate",
                    {"csr": csr, "common_name": "Own Int", "ttl": "600h"})["data"]
    api.ok("POST", "int/intermediate/set-signed", {"certificate": signed["certificate"]})
    for mount in ("root", "int"):
        for role, no_store in (("kept", False), ("unkept", True)):
            api.ok("POST", "%s/roles/%s" % (mount, role), {
                "allow_any_name": True, "key_type": "ec", "ttl": "1h",
                "no_store": no_store})
    api.ok("POST", "sys/auth/own", {"type": "cert"})
    api.ok("POST", "auth/own/certs/root", {"certificate": root["certificate"],
                                           "token_policies": "default"})
    for mount in ("root", "int"):
        for role in ("kept", "unkept"):
            leaf = api.ok("POST", "%s/issue/%s" % (mount, role), {"common_name": "a"})["data"]
            write_pem("own", leaf)
            status, answer = ask("own")
            want(status == 200, "own certificate: %s" % answer)
            token = answer["auth"]["client_token"]
            want(ask("own", "PUT", "auth/token/renew-self", token=token)[0] == 200, "renewal")
            # The very certificate as a role: its issuer is not shown then.
            api.ok("POST", "auth/own/certs/leaf", {"certificate": leaf["certificate"]})
            want(ask("own", body={"name": "leaf"})[0] == 200, "exact certificate")
            api.ok("POST", mount + "/revoke", {"certificate": leaf["certificate"]})
            for body in ({}, {"name": "leaf"}):
                status, answer = ask("own", body=body)
                want(status == 400 and "no chain matching" in str(answer),
                     "revoked %s/%s: %d %s" % (mount, role, status, answer))
            want(ask("own", "PUT", "auth/token/renew-self", token=token)[0] == 400,
                 "renewed with a revoked certificate")
            api.ok("DELETE", "auth/own/certs/leaf")
    # The authority in between is revoked; below it nobody gets in, wherever trust begins.
    api.ok("POST", "auth/own/certs/int", {"certificate": signed["certificate"]})
    write_pem("own", api.ok("POST", "int/issue/kept", {"common_name": "b"})["data"])
    want(ask("own")[0] == 200 and ask("own", body={"name": "int"})[0] == 200, "before")
    api.ok("POST", "root/revoke", {"serial_number": signed["serial_number"]})
    for name in ("root", "int"):
        status, answer = ask("own", body={"name": name})
        want(status == 400, "below a revoked authority: %d %s" % (status, answer))
    # The same numbers under other authorities are other certificates.
    want(ask("plain")[0] == 400, "another authority's")
    api.ok("POST", "auth/own/certs/one", {"certificate": read("one.crt")})
    want(ask("plain")[0] == 200, "another authority's number")
    # DER cannot stand in JSON: as base64.
    import base64
    der = ssl.PEM_cert_to_DER_cert(read("gone.crl").replace("X509 CRL", "CERTIFICATE"))
    api.ok("POST", "auth/own/crls/der", {"crl": base64.b64encode(der).decode()})
    want(ask("plain")[0] == 400, "listed in DER")
    # Certificates are asked for while there is such a mount, and not otherwise.
    api.ok("DELETE", "sys/auth/own")
    print("own certificates that were revoked do not log in")


def main():
    p = Pair(KNOWN)
    for part in (rows, logins, constraints, metadata, renewals, lists, bound):
        part(p)
    failed = p.end()
    hex_extensions()
    own_mounts()
    return failed


sys.exit(main())
