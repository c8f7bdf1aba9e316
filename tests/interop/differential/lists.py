# SPDX-License-Identifier: Apache-2.0
"""Lists of revoked certificates: those that a caller writes, delta lists, config/crl."""
import base64
import itertools

REASON = {"id": "2.5.29.21", "critical": False, "value": base64.b64encode(b"\x0a\x01\x01").decode()}
ENTRY = {"serial_number": "11:22:33", "revocation_time": "2026-01-01T00:00:00Z"}
OTHER = {"serial_number": "44:55", "revocation_time": "2026-02-01T00:00:00Z",
         "extensions": [REASON]}


def octets(hexadecimal):
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def entries():
    """What is said of the entries, one list each."""
    yield "none", []
    yield "one", [ENTRY]
    yield "two", [ENTRY, OTHER]
    yield "an object", ENTRY
    yield "seconds", [dict(ENTRY, revocation_time=1767225600)]
    yield "seconds as text", [dict(ENTRY, revocation_time="1767225600")]
    yield "no time", [{"serial_number": "11:22"}]
    yield "odd time", [dict(ENTRY, revocation_time="yesterday")]
    yield "no serial", [{"revocation_time": 1767225600}]
    yield "odd serial", [dict(ENTRY, serial_number="xx")]
    yield "serial without colons", [dict(ENTRY, serial_number="112233")]
    yield "empty serial", [dict(ENTRY, serial_number="")]
    yield "twice", [ENTRY, ENTRY]
    yield "text", ["x"]
    yield "more members", [dict(ENTRY, bad=1)]
    yield "odd id", [dict(ENTRY, extensions=[dict(REASON, id="x")])]
    yield "odd value", [dict(ENTRY, extensions=[dict(REASON, value="%%")])]
    yield "no value", [dict(ENTRY, extensions=[{"id": "2.5.29.21"}])]
    yield "no id", [dict(ENTRY, extensions=[{"value": REASON["value"]}])]
    yield "invalidity", [dict(ENTRY, extensions=[{
        "id": "2.5.29.24", "value": octets("180f32303236303130313030303030305a")}])]


def fields():
    """What is said of the list."""
    yield "soon", {"next_update": "5m"}
    yield "seconds", {"next_update": "60"}
    yield "no life", {"next_update": "0"}
    yield "before", {"next_update": "-1h"}
    yield "odd life", {"next_update": "x"}
    yield "der", {"format": "der"}
    yield "bundle", {"format": "pem_bundle"}
    yield "delta", {"delta_crl_base_number": 1}
    yield "odd base", {"delta_crl_base_number": -2}
    yield "base above", {"delta_crl_base_number": 5000}
    yield "extension", {"extensions": [{"id": "1.2.3", "critical": False, "value": octets("0500")}]}
    yield "scope", {"extensions": [{"id": "2.5.29.28", "critical": True,
                                    "value": octets("30038101ff")}]}
    yield "number as extension", {"extensions": [{"id": "2.5.29.20", "value": octets("020109")}]}
    yield "key as extension", {"extensions": [{"id": "2.5.29.35", "value": octets("3000")}]}
    yield "delta as extension", {"extensions": [{"id": "2.5.29.27", "value": octets("020101")}]}


def by_the_caller(p, number):
    path = "lists/issuer/default/sign-revocation-list"
    for what, list_ in entries():
        p("signed/" + what, "POST", path, {"crl_number": next(number), "revoked_certs": list_})
    for what, more in fields():
        p("signed with/" + what, "POST", path, dict(more, crl_number=next(number)))
    p("signed/negative", "POST", path, {"crl_number": -1})
    p("signed/number as text", "POST", path, {"crl_number": str(next(number))})
    p("signed/unknown issuer", "POST", "lists/issuer/none/sign-revocation-list", {"crl_number": 1})
    p("signed/older number", "POST", path, {"crl_number": 2})


def resigned(p, number):
    path = "lists/issuer/default/resign-crls"
    sign = "lists/issuer/default/sign-revocation-list"
    p("first", "POST", sign, {"crl_number": next(number), "revoked_certs": [ENTRY]}, keep="one")
    p("second", "POST", sign, {"crl_number": next(number), "revoked_certs": [ENTRY, OTHER]},
      keep="two")
    p("next root", "POST", "lists/root/rotate/internal", {"common_name": "Next", "key_type": "ec"})
    p("foreign", "POST", "lists/issuer/next/sign-revocation-list",
      {"crl_number": next(number), "revoked_certs": [ENTRY]}, keep="foreign")
    for what, crls in (("none", []), ("one", ["<<one.crl>>"]),
                       ("joined", ["<<one.crl>>", "<<two.crl>>"]), ("text", "<<one.crl>>"),
                       ("no list", ["x"]), ("foreign", ["<<foreign.crl>>"]),
                       ("foreign too", ["<<one.crl>>", "<<foreign.crl>>"])):
        p("resigned/" + what, "POST", path, {"crl_number": next(number), "crls": crls})
    p("resigned/delta", "POST", path, {"crl_number": next(number), "crls": ["<<one.crl>>"],
                                       "delta_crl_base_number": 5})


def revoked(p, number):
    """One of the key's own."""
    p("role", "POST", "lists/roles/any", {"allow_any_name": True, "key_type": "ec"})
    p("leaf", "POST", "lists/issue/any", {"common_name": "a.example"}, keep="leaf")
    p("revoke", "POST", "lists/revoke", {"serial_number": "<<leaf.serial_number>>"})
    p("own list", "GET", "lists/issuer/default/crl", keep="own")
    p("left out", "POST", "lists/issuer/default/sign-revocation-list",
      {"crl_number": next(number)})
    p("with it", "POST", "lists/issuer/default/resign-crls",
      {"crl_number": next(number), "crls": ["<<own.crl>>"]})


def deltas(p):
    p("delta without rebuild", "POST", "lists/config/crl", {"enable_delta": True})
    p("rotate-delta off", "GET", "lists/crl/rotate-delta")
    p("delta on", "POST", "lists/config/crl", {"enable_delta": True, "auto_rebuild": True})
    p("rotate", "GET", "lists/crl/rotate")
    p("rotate-delta", "GET", "lists/crl/rotate-delta")
    for path in ("crl/delta", "crl/delta/pem", "issuer/default/crl/delta",
                 "issuer/default/crl/delta/pem", "issuer/default/crl/delta/der", "cert/delta-crl"):
        p("delta/" + path, "GET", "lists/" + path)


def disabled(p):
    p("disable", "POST", "lists/config/crl", {"disable": True, "enable_delta": False,
                                              "auto_rebuild": False})
    p("another leaf", "POST", "lists/issue/any", {"common_name": "b.example"}, keep="leaf2")
    p("revoke disabled", "POST", "lists/revoke", {"serial_number": "<<leaf2.serial_number>>"})
    p("rotate disabled", "GET", "lists/crl/rotate")
    for path in ("crl", "crl/pem", "issuer/default/crl", "cert/crl"):
        p("disabled/" + path, "GET", "lists/" + path)
    p("enable", "POST", "lists/config/crl", {"disable": False})
    p("rotate enabled", "GET", "lists/crl/rotate")
    p("enabled", "GET", "lists/crl/pem")


def run(p, _data):
    # Above those of the lists that both make themselves, which ours asks for.
    number = itertools.count(1000)
    p("mount", "POST", "sys/mounts/lists", {"type": "pki", "config": {"max_lease_ttl": "8760h"}})
    p("root", "POST", "lists/root/generate/internal", {"common_name": "Lists", "key_type": "ec",
                                                       "ttl": "8000h"})
    by_the_caller(p, number)
    resigned(p, number)
    revoked(p, number)
    deltas(p)
    disabled(p)
