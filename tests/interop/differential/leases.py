# SPDX-License-Identifier: Apache-2.0
"""Leases of certificates: given, shown, ended by their ids, by prefixes, by their token's end."""
import time

ROLE = {"allow_any_name": True, "key_type": "ec", "max_ttl": "24h", "generate_lease": True}
# Orders are carried out behind the answer.
SOON = 2.5


def issued(p, name, path, keep, token=None, **fields):
    p(name, "POST", path, dict({"common_name": "a.example", "ttl": "1h"}, **fields), token=token,
      keep={keep: "lease_id", keep + "cert": "data"})


def looked(p, name, lease):
    p("lookup " + name, "PUT", "sys/leases/lookup", {"lease_id": "<<%s>>" % lease})


def certificate(p, name, lease, mount="lease"):
    p("certificate " + name, "GET", "%s/cert/<<%scert.serial_number>>" % (mount, lease))


def given(p):
    for mount in ("lease", "lease2"):
        p("mount " + mount, "POST", "sys/mounts/" + mount, {"type": "pki"})
        p("root of " + mount, "POST", "%s/root/generate/internal" % mount,
          {"common_name": "L", "key_type": "ec"})
        p("role of " + mount, "POST", mount + "/roles/l", ROLE)
    p("role without", "POST", "lease/roles/n", dict(ROLE, generate_lease=False))
    p("role not stored", "POST", "lease/roles/s", dict(ROLE, no_store=True))
    p("csr", "POST", "lease2/intermediate/generate/internal",
      {"common_name": "csr.example", "key_type": "ec"}, keep="csr")
    csr = {"csr": "<<csr.csr>>", "ttl": "1h"}
    for path in ("lease/issue/l", "lease/issue/n", "lease/issue/s",
                 "lease/issuer/default/issue/l"):
        p("at " + path, "POST", path, {"common_name": "a.example", "ttl": "1h"})
    for path in ("lease/sign/l", "lease/sign-verbatim/l", "lease/sign-verbatim",
                 "lease/issuer/default/sign/l", "lease/issuer/default/sign-verbatim/l"):
        p("at " + path, "POST", path, csr)
    p("of an authority", "POST", "lease/root/sign-intermediate",
      {"csr": "<<csr.csr>>", "common_name": "I", "ttl": "1h"})
    p("refused", "POST", "lease/issue/l", {"common_name": "a.example", "ttl": "x"})
    p("wrapped", "POST", "lease/issue/l", {"common_name": "w.example", "ttl": "1h"},
      headers={"X-Vault-Wrap-TTL": "60s"}, keep="wrapped")
    p("unwrapped", "POST", "sys/wrapping/unwrap", {"token": "<<wrapped.token>>"})
    for path in ("", "/lease", "/lease/", "/lease/issue", "/lease/issuer", "/lease/iss",
                 "/lease/issuer/default", "/lease/nothing", "/lease2"):
        p("list" + path, "LIST", "sys/leases/lookup" + path)
        p("list by GET" + path, "GET", "sys/leases/lookup%s?list=true" % path)


def shown(p):
    issued(p, "one", "lease2/issue/l", "one")
    looked(p, "one", "one")
    p("list one", "LIST", "sys/leases/lookup/lease2/issue/l")
    for what, body in (("nothing", {}), ("unknown", {"lease_id": "lease2/issue/l/x"}),
                       ("odd", {"lease_id": 5}), ("list", {"lease_id": ["<<one>>"]}),
                       ("longer", {"lease_id": "<<one>>/x"}),
                       ("shorter", {"lease_id": "lease2/issue/l"})):
        p("lookup " + what, "POST", "sys/leases/lookup", body)
        p("renew " + what, "POST", "sys/leases/renew", body)
    for body in ({"lease_id": "<<one>>"}, {"lease_id": "<<one>>", "increment": 60},
                 {"lease_id": "<<one>>", "increment": "x"}):
        p("renew/%s" % body.get("increment"), "PUT", "sys/leases/renew", body)
    p("renew in the path", "PUT", "sys/leases/renew/<<one>>", {})
    p("lookup in the path", "PUT", "sys/leases/lookup/<<one>>", {})
    for path in ("count", "count?type=irrevocable", "count?type=x", "?type=irrevocable",
                 "?type=irrevocable&limit=none", "?type=x", "?limit=5", ""):
        p("leases " + path, "GET", "sys/leases%s%s" % ("/" if path[:1] == "c" else "", path))
    for verb in ("POST", "PUT", "GET"):
        p("tidy " + verb, verb, "sys/leases/tidy", {} if verb == "PUT" else None)


def ended(p):
    p("revoke", "PUT", "sys/leases/revoke", {"lease_id": "<<one>>"})
    p("revoke again", "PUT", "sys/leases/revoke", {"lease_id": "<<one>>"})
    looked(p, "revoked", "one")
    certificate(p, "revoked", "one", "lease2")
    p("list has it", "GET", "lease2/crl")
    p("revoked ones", "LIST", "lease2/certs/revoked")
    for what, body in (("nothing", {}), ("unknown", {"lease_id": "nope"}),
                       ("of a token", {"lease_id": "auth/token/create/x"})):
        p("revoke " + what, "PUT", "sys/leases/revoke", body)
    issued(p, "two", "lease2/issue/l", "two")
    p("revoke in the path", "PUT", "sys/leases/revoke/<<two>>", {"sync": True})
    certificate(p, "two", "two", "lease2")
    issued(p, "three", "lease2/issue/l", "three")
    p("certificate first", "POST", "lease2/revoke",
      {"serial_number": "<<threecert.serial_number>>"})
    looked(p, "three", "three")
    p("revoke three", "PUT", "sys/leases/revoke", {"lease_id": "<<three>>", "sync": True})
    looked(p, "three", "three")
    p("revoked ones at last", "LIST", "lease2/certs/revoked")


def prefixes(p):
    issued(p, "four", "lease/issue/l", "four")
    issued(p, "five", "lease/issuer/default/issue/l", "five")
    for path in ("none", "lease/none", "lease/iss"):
        p("prefix " + path, "PUT", "sys/leases/revoke-prefix/" + path, {"sync": True})
    looked(p, "four", "four")
    p("prefix of nothing", "PUT", "sys/leases/revoke-prefix", {})
    p("prefix by GET", "GET", "sys/leases/revoke-prefix/lease")
    p("prefix", "PUT", "sys/leases/revoke-prefix/lease/issue", {"sync": True})
    looked(p, "four", "four")
    certificate(p, "four", "four")
    p("list behind the prefix", "LIST", "sys/leases/lookup/lease")
    p("prefix that is an id", "PUT", "sys/leases/revoke-prefix/<<five>>", {"sync": True})
    looked(p, "five", "five")
    certificate(p, "five", "five")
    issued(p, "six", "lease/issue/l", "six")
    p("force", "PUT", "sys/leases/revoke-force/lease", {})
    p("force of nothing", "PUT", "sys/leases/revoke-force/none", {})
    looked(p, "six", "six")
    time.sleep(SOON)
    certificate(p, "six", "six")
    p("none is left", "LIST", "sys/leases/lookup/lease")


def tokens(p):
    p("token", "POST", "auth/token/create", {"policies": ["root"], "ttl": "1h"}, keep="upper")
    p("token below", "POST", "auth/token/create", {"policies": ["root"], "ttl": "1h"},
      token="<<upper.client_token>>", keep="lower")
    issued(p, "of the upper", "lease2/issue/l", "up", "<<upper.client_token>>")
    issued(p, "of the lower", "lease2/issue/l", "low", "<<lower.client_token>>")
    issued(p, "of the root", "lease2/issue/l", "own")
    p("upper ends", "POST", "auth/token/revoke", {"token": "<<upper.client_token>>"})
    time.sleep(SOON)
    for name in ("up", "low", "own"):
        looked(p, name, name)
        certificate(p, name, name, "lease2")
    p("orphaning", "POST", "auth/token/create", {"policies": ["root"], "ttl": "1h"}, keep="upper2")
    p("orphan", "POST", "auth/token/create", {"policies": ["root"], "ttl": "1h"},
      token="<<upper2.client_token>>", keep="lower2")
    issued(p, "of the orphaning", "lease2/issue/l", "up2", "<<upper2.client_token>>")
    issued(p, "of the orphan", "lease2/issue/l", "low2", "<<lower2.client_token>>")
    p("revoke-orphan", "POST", "auth/token/revoke-orphan", {"token": "<<upper2.client_token>>"})
    time.sleep(SOON)
    for name in ("up2", "low2"):
        looked(p, name, name)
        certificate(p, name, name, "lease2")
    p("counted", "POST", "auth/token/create", {"policies": ["root"], "num_uses": 2},
      keep="counted")
    for use in ("last but one", "last"):
        p(use + " use", "POST", "lease/issue/l", {"common_name": "a.example", "ttl": "1h"},
          token="<<counted.client_token>>")
    p("login", "POST", "sys/auth/leased", {"type": "approle"})
    p("login role", "POST", "auth/leased/role/r", {"token_policies": ["default"]})
    p("role id", "GET", "auth/leased/role/r/role-id", keep="leasedrole")
    p("secret id", "POST", "auth/leased/role/r/secret-id", {}, keep="leasedsecret")
    p("logged in", "POST", "auth/leased/login", {"role_id": "<<leasedrole.role_id>>",
                                                 "secret_id": "<<leasedsecret.secret_id>>"},
      keep={"leasedtoken": "auth"})
    p("itself", "GET", "auth/token/lookup-self", token="<<leasedtoken.client_token>>",
      status_only=True)
    p("all logins end", "PUT", "sys/leases/revoke-prefix/auth/leased", {"sync": True})
    p("ended", "GET", "auth/token/lookup-self", token="<<leasedtoken.client_token>>")
    p("login gone", "DELETE", "sys/auth/leased")


def run(p, _data):
    given(p)
    shown(p)
    ended(p)
    prefixes(p)
    tokens(p)
    for mount in ("lease", "lease2"):
        p("unmounted " + mount, "DELETE", "sys/mounts/" + mount)
        p("gone " + mount, "LIST", "sys/leases/lookup/" + mount)
