# SPDX-License-Identifier: Apache-2.0
"""Weak typing: durations, truth values, numbers, texts, lists and maps in every spelling, by the
fields of a role and of others that show what they took."""
DURATIONS = (
    0, 1, 60, 3600, 3600.0, 3600.5, 1e3, 2147483648, 9223372036854775807, 9223372036, -1, -3600,
    "0", "", "0s", "60", "3600", "3600.5", "1h", "1h30m", "1h30m10s", "90m", "2160h0m0s", "1.5h",
    "1d", "30d", "1d12h", "12h1d", "1w", "1y", "1H", "1D", "1h 30m", " 1h", "1h ", "+1h", "-1h",
    "1ms", "1500ms", "999ms", "1us", "1µs", "1ns", "1h1h", "h", "1", "01h", "0x10", "1e3", "1_000",
    "soon", "never", "9999999h", "99999999999h", "1.d", ".5h", "0.5", "1h-30m", "infinity", "1m1h",
    True, False, None, [], {}, ["1h"], {"a": 1},
)
BOOLS = (True, False, 0, 1, 2, -1, 1.5, "1", "t", "T", "TRUE", "true", "True", "0", "f", "F",
         "FALSE", "false", "False", "", "yes", "no", "on", "tRUE", " true", "2", None, [], {})
INTS = (0, 256, 384, 256.0, 256.5, "256", "0x100", "0400", "1e2", "", "many", " 256", "+256",
        True, False, None, [], {}, "256.0", "99999999999999999999", 9223372036854775807)
TEXTS = ("default", "", 5, 5.5, 1e20, True, False, None, [], ["a"], {}, {"a": 1})
LISTS = ("a.example,b.example", "a.example", " a.example , b.example ", "a.example,,b.example",
         ",", "", [], ["a.example"], ["a.example", "b.example"], ["a.example,b.example"], [""],
         [1, True], [None], [["a"]], [{"a": 1}], 5, True, None, {}, {"a": 1}, '["a","b"]', "a b")


def spell(p, what, path, field, values, base=None):
    for value in values:
        said = "%s %s" % (type(value).__name__, value)
        if p("%s/%s" % (what, said), "POST", path, dict(base or {}, **{field: value})):
            p("%s read/%s" % (what, said), "GET", path)


def requests(p):
    """Fields of requests that leave no configuration."""
    for value in DURATIONS:
        said = "%s %s" % (type(value).__name__, value)
        p("issue ttl/" + said, "POST", "spell/issue/i", {"common_name": "a", "ttl": value})
    for value in ("60", "60s", "1m", "0", "0s", "", "x", "-1", "-1s", "1.5h", "1d", "60 ", "1h1m"):
        p("wrap/" + value, "GET", "spell/roles/i", headers={"X-Vault-Wrap-TTL": value})
    for value in DURATIONS:
        said = "%s %s" % (type(value).__name__, value)
        p("token ttl/" + said, "POST", "auth/token/create", {"policies": "default", "ttl": value})
    for value in ("1", "0", "true", "false", "t", "", "x", "TRUE", "2"):
        p("list=/" + value, "GET", "spell/roles?list=" + value)


BODIES = (
    ("empty", b""), ("null", b"null"), ("object", b"{}"), ("spaces", b"  {} \n"), ("open", b"{"),
    ("array", b"[]"), ("text", b'"x"'), ("number", b"5"), ("two", b"{}{}"), ("behind", b"{} x"),
    ("single quotes", b"{'ttl':1}"), ("comma", b'{"ttl":"1h",}'), ("comment", b'{/**/"ttl":"1h"}'),
    ("twice", b'{"ttl":"1h","ttl":"2h"}'), ("case", b'{"TTL":"1h"}'), ("bom", b"\xef\xbb\xbf{}"),
    ("not UTF-8", b'{"ou":"\xff"}'), ("escape", b'{"ou":"\\u00e4"}'),
    ("surrogate", b'{"ou":"\\ud800"}'), ("nul", b'{"ou":"\\u0000"}'),
    ("NaN", b'{"key_bits":NaN}'), ("deep", b'{"x":' + b"[" * 30 + b"]" * 30 + b"}"),
    ("large number", b'{"key_bits":1e400}'), ("leading zero", b'{"key_bits":01}'),
    ("form", b"max_ttl=1h&ttl=1m"), ("garbage", b"\x00\x01"), ("tab", b'{"ou":"\t"}'),
)
TYPES = (None, "application/json", "application/x-www-form-urlencoded", "text/plain",
         "application/json; charset=utf-8", "application/octet-stream", "")


def bodies(p):
    for name, octets in BODIES:
        p("body before/" + name, "DELETE", "spell/roles/b")
        p("body/" + name, "POST", "spell/roles/b", octets)
        p("body read/" + name, "GET", "spell/roles/b")
    for kind in TYPES:
        for name, octets in (("object", b'{"max_ttl":"1h"}'), ("form", b"max_ttl=1h"),
                             ("empty", b"")):
            headers = {} if kind is None else {"Content-Type": kind}
            p("type/%s %s" % (kind, name), "POST", "spell/roles/b", octets, headers=headers)
            p("patch type/%s %s" % (kind, name), "PATCH", "spell/roles/b", octets,
              headers=headers)


def run(p, _data):
    p("mount", "POST", "sys/mounts/spell", {"type": "pki"})
    p("root", "POST", "spell/root/generate/internal", {"common_name": "Spell", "key_type": "ec",
                                                       "ttl": "700h"})
    p("role", "POST", "spell/roles/i", {"key_type": "ec", "allow_any_name": True,
                                        "no_store": True})
    role, ec = "spell/roles/r", {"key_type": "ec"}
    spell(p, "duration", role, "max_ttl", DURATIONS)
    spell(p, "bool", role, "allow_localhost", BOOLS)
    spell(p, "int", role, "key_bits", INTS, ec)
    spell(p, "text", role, "issuer_ref", TEXTS)
    spell(p, "list", role, "allowed_domains", LISTS)
    spell(p, "expiry", "spell/config/crl", "expiry", DURATIONS)
    # Lists of a second are overdue again and again, and sys/health tells.
    p("expiry as it was", "POST", "spell/config/crl", {"expiry": "72h"})
    requests(p)
    bodies(p)
