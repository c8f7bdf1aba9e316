#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists of revoked certificates when things go wrong, with the running service.

service_crl_alarms.py CHANCERYD-PID HOME reasons | deltas | disabled | away | large
"""
import glob
import os
import re
import subprocess
import sys
import time

from service_api import Api, until
from service_crowd import Stopped, room

SUPERVISOR, HOME = int(sys.argv[1]), sys.argv[2]
API = Api.ours()


def expect(what, have, want):
    if have != want:
        raise SystemExit("%s: %r instead of %r" % (what, have, want))


def text(der):
    return subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"], input=der,
                          check=True, capture_output=True).stdout.decode()


def entries(path):
    """Serial number in lower-case hex → what its entry says."""
    parts = re.split(r"Serial Number: ([0-9A-F]+)\n", text(API.raw("GET", path)[2]))
    return dict(zip((p.lower() for p in parts[1::2]), parts[2::2]))


def number(path, what="CRL Number"):
    return int(re.search(what + r":[^\n]*\n\s+(\w+)", text(API.raw("GET", path)[2])).group(1), 0)


def mount(name, **crl):
    API.ok("POST", "sys/mounts/" + name, {"type": "pki"})
    API.ok("POST", name + "/issuers/generate/root/internal",
           {"common_name": "Root", "key_type": "ec"})
    API.ok("POST", name + "/roles/any", {"allow_any_name": True, "key_type": "ec", "ttl": "1h"})
    if crl:
        API.ok("POST", name + "/config/crl", crl)


def issued(name):
    return API.ok("POST", name + "/issue/any", {"common_name": "a.example"})["data"][
        "serial_number"]


def plain(serial):
    return serial.replace(":", "").lower()


def alarms():
    return set(API.ok("GET", "sys/health").get("alarms", ()))


def metric(name, **labels):
    wanted = ['%s="%s"' % pair for pair in labels.items()]
    return [float(line.rsplit(" ", 1)[1])
            for line in API.raw("GET", "sys/metrics?format=prometheus")[2].decode().splitlines()
            if line.startswith(name + "{") and all(w in line for w in wanted)]


def reasons():
    mount("why")
    serial = issued("why")
    for value in ("2999-01-01T00:00:00Z", "yesterday", "-5"):
        status, answer = API.ask("POST", "why/revoke", {"serial_number": serial,
                                                        "invalidity_date": value})
        expect("invalidity_date=" + value, status, 400)
        if "invalidity_date" not in answer["errors"][0]:
            raise SystemExit("no field: %s" % answer)
    for value in ("sometimes", "7", "removeFromCRL", "11"):
        status, answer = API.ask("POST", "why/revoke", {"serial_number": serial, "reason": value})
        expect("reason=" + value, status, 400)
        if "reason" not in answer["errors"][0]:
            raise SystemExit("no field: %s" % answer)
    expect("nothing recorded", plain(serial) in entries("why/crl"), False)
    API.ok("POST", "why/revoke", {"serial_number": serial, "reason": "keyCompromise",
                                  "invalidity_date": "2026-01-02T03:04:05Z"})
    entry = entries("why/crl")[plain(serial)]
    if "Key Compromise" not in entry or "Jan  2 03:04:05 2026 GMT" not in entry:
        raise SystemExit("entry: " + entry)
    expect("by number", API.ok("POST", "why/revoke", {
        "serial_number": issued("why"), "reason": "4"})["data"]["state"], "revoked")


def deltas():
    mount("delta", auto_rebuild=True, enable_delta=True, delta_rebuild_interval="1s")
    until("first delta", lambda: API.raw("GET", "delta/crl/delta")[0] == 200)
    # What was configured asks for another full list; then the delta begins anew, once.
    until("a delta of the full list", lambda: number("delta/crl/delta", "Delta CRL Indicator") ==
          number("delta/crl"))
    expect("one series", number("delta/crl/delta") > number("delta/crl/delta",
                                                            "Delta CRL Indicator"), True)
    serial = issued("delta")
    API.ok("POST", "delta/revoke", {"serial_number": serial})
    # A revocation asks for the full list as well, within seconds; then the delta begins anew.
    until("the revocation", lambda: plain(serial) in entries("delta/crl"))
    until("a delta of that list", lambda: number("delta/crl/delta", "Delta CRL Indicator") ==
          number("delta/crl"))
    expect("nothing since", entries("delta/crl/delta"), {})
    for path in ("delta/crl/delta/pem", "delta/issuer/default/crl/delta/der",
                 "delta/issuer/default/crl/delta/pem", "delta/unified-crl/delta"):
        expect(path, API.raw("GET", path)[0], 200)
    API.ok("POST", "delta/config/crl", {"enable_delta": False})


def folder_of(name):
    """Where the signer writes the lists of that mount's key."""
    until("a list", lambda: API.raw("GET", name + "/crl")[0] == 200)
    served = API.raw("GET", name + "/crl")[2]
    found = [os.path.dirname(f) for f in glob.glob(HOME + "/crl/*/full/*.crl")
             if open(f, "rb").read() == served]
    expect("folders of " + name, len(found), 1)
    return found[0]


def disabled():
    mount("off", expiry="15s")
    folder = folder_of("off")
    API.ok("POST", "off/config/crl", {"disable": True})
    for path in ("off/crl", "off/crl/pem", "off/issuer/default/crl/der", "off/issuer/default/crl",
                 "off/cert/crl"):
        status, _, octets = API.raw("GET", path)
        expect(path, (status, octets), (204, b""))
    serial = issued("off")
    # One that was under way is made.
    time.sleep(2)
    before = sorted(os.listdir(folder))
    API.ok("POST", "off/revoke", {"serial_number": serial})
    expect("recorded", API.ok("GET", "off/cert/" + serial)["data"]["revocation_time"] > 0, True)
    if "disable" not in API.ok("GET", "off/crl/rotate")["warnings"][0]:
        raise SystemExit("no warning")
    # Its last list ended meanwhile, and nobody is alarmed.
    time.sleep(17)
    expect("lists", sorted(os.listdir(folder)), before)
    expect("alarms", alarms(), set())
    API.ok("POST", "off/config/crl", {"disable": False, "expiry": "72h"})
    until("a list with it", lambda: API.raw("GET", "off/crl")[0] == 200 and
          plain(serial) in entries("off/crl"))


def away():
    """Longer than a list's life."""
    mount("away", expiry="20s")
    until("a list of 20 s", lambda: [s for s in metric("chancery_crl_next_update_seconds",
                                                       mount="away") if s <= 20])
    with Stopped(SUPERVISOR):
        with Stopped(room(SUPERVISOR, "chancery-signer")):
            until("alarm that it is late", lambda: "crl-late" in alarms())
            expect("not overdue yet", metric("chancery_crl_next_update_seconds",
                                             mount="away")[0] > 0, True)
            until("alarm that it is overdue", lambda: "crl-overdue" in alarms())
            expect("seconds", metric("chancery_crl_next_update_seconds", mount="away")[0] <= 0,
                   True)
            expect("in the metrics", metric("chancery_crl_alarms", alarm="crl-overdue"), [1.0])
            old = API.raw("GET", "away/crl")
            expect("the old one is served", old[0], 200)
        started = time.monotonic()
        until("a new list", lambda: API.raw("GET", "away/crl")[2] != old[2])
        print("  a new list %.1f s after the signer was back" % (time.monotonic() - started))
        until("the end of the alarm", lambda: not alarms())
    API.ok("POST", "away/config/crl", {"expiry": "72h"})


def der(tag, contents):
    n = len(contents)
    if n < 128:
        return bytes([tag, n]) + contents
    length = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(length)]) + length + contents


def elements(octets):
    """(tag, whole, contents) of each element."""
    at = 0
    while at < len(octets):
        head, n = 2, octets[at + 1]
        if n >= 128:
            head = 2 + n - 128
            n = int.from_bytes(octets[at + 2:at + head], "big")
        yield octets[at], octets[at:at + head + n], octets[at + head:at + head + n]
        at += head + n


def large():
    """A list of more than 16 MiB in the place of the newest: the server looks at it, and signs
    nothing itself."""
    mount("large", auto_rebuild=True)
    folder = folder_of("large")
    serial = issued("large")
    small = API.raw("GET", "large/crl")[2]
    tbs, alg, sig = [whole for _, whole, _ in elements(next(elements(small))[2])]
    parts = [whole for _, whole, _ in elements(next(elements(tbs))[2])]
    when = der(0x17, b"260101000000Z")
    revoked = der(0x30, b"".join(
        der(0x30, der(0x02, (2**150 + i).to_bytes(19, "big")) + when) for i in range(450000)))
    big = der(0x30, der(0x30, b"".join(parts[:5]) + revoked + parts[-1]) + alg + sig)
    expect("above 16 MiB", len(big) > 16 << 20, True)
    with open(folder + "/new", "wb") as f:
        f.write(big)
    os.chmod(folder + "/new", 0o644)
    os.rename(folder + "/new", folder + "/1000000.crl")
    expect("served", len(API.raw("GET", "large/crl")[2]), len(big))
    warnings = API.ok("POST", "large/revoke", {"serial_number": serial})["warnings"]
    if "partitions" not in warnings[0] or "octets" not in warnings[0]:
        raise SystemExit("warnings: %s" % warnings)
    # Another look than by time: what was renewed is looked at.
    API.ok("POST", "large/config/crl", {"renew_share": 60})
    until("alarm", lambda: "crl-large" in alarms())
    expect("octets", metric("chancery_crl_bytes", mount="large"), [float(len(big))])
    if not any("partitions" in w for w in API.ok("GET", "large/crl/rotate")["warnings"]):
        raise SystemExit("rotate does not warn")
    os.unlink(folder + "/1000000.crl")
    API.ok("POST", "large/config/crl", {"renew_share": 67})
    until("the end of the alarm", lambda: not alarms())


{"reasons": reasons, "deltas": deltas, "disabled": disabled, "away": away, "large": large}[
    sys.argv[3]]()
