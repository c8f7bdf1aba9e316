#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HSM is away for longer than a list lives, in every way in which tokens go.

service_hsm_away.py DIRECTORY PLAIN-ADDRESS away | hangs
DIRECTORY holds "rules" (FAULT_PKCS11_SHARED of tests/fault).
"""
import concurrent.futures
import re
import struct
import subprocess
import sys

from service_api import Api, until

WORK, PLAIN = sys.argv[1], sys.argv[2]
API = Api.ours()
POOL = concurrent.futures.ThreadPoolExecutor()
LIFE = 30  # of a list, in seconds: its turn comes after 20, it is late after 25


def expect(what, have, want):
    if have != want:
        raise SystemExit("%s: %r instead of %r" % (what, have, want))


class Token:
    """What befalls every call of the module."""

    def __init__(self):
        self.version = 0

    def suffers(self, rules):
        self.version += 1
        with open(WORK + "/rules", "r+b", buffering=0) as f:
            f.seek(8)
            f.write(rules.encode() + b"\0")
            f.seek(0)
            f.write(struct.pack("Q", self.version))


TOKEN = Token()
REMOVED, NOT_PRESENT = "*:rv=0x32", "*:rv=0xe0"  # CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT


def text(path):
    return subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"],
                          input=API.raw("GET", path)[2], check=True,
                          capture_output=True).stdout.decode()


def entries(path):
    return {s.lower() for s in re.findall(r"Serial Number: ([0-9A-F]+)\n", text(path))}


def plain(serial):
    return serial.replace(":", "").lower()


def alarms():
    return set(API.ok("GET", "sys/health").get("alarms", ()))


def metric(name, **labels):
    wanted = ['%s="%s"' % pair for pair in labels.items()]
    return [float(line.rsplit(" ", 1)[1])
            for line in API.raw("GET", "sys/metrics?format=prometheus")[2].decode().splitlines()
            if line.startswith(name + "{") and all(w in line for w in wanted)]


def left(mount):
    return min(metric("chancery_crl_next_update_seconds", mount=mount), default=0)


def ocsp(name):
    """The word in the answer, or that none came."""
    done = subprocess.run(
        ["openssl", "ocsp", "-issuer", WORK + "/ca.pem", "-cert", "%s/%s.pem" % (WORK, name),
         "-url", "http://%s/v1/away/ocsp" % PLAIN, "-no_nonce", "-CAfile", WORK + "/ca.pem"],
        capture_output=True, text=True, check=False)
    word = re.search(r"\.pem: (good|revoked|unknown)", done.stdout)
    if word:
        return word.group(1)
    return "later" if "code=503" in done.stderr else done.stdout + done.stderr


def issued(name):
    data = API.ok("POST", "away/issue/any", {"common_name": "a.example", "ttl": "24h"})["data"]
    with open("%s/%s.pem" % (WORK, name), "w") as f:
        f.write(data["certificate"] + "\n")
    return data["serial_number"]


def made():
    API.ok("POST", "sys/mounts/away", {"type": "pki"})
    API.ok("POST", "away/config/urls", {"ocsp_servers": "http://%s/v1/away/ocsp" % PLAIN})
    ca = API.ok("POST", "away/issuers/generate/root/internal", {
        "common_name": "Root", "key_type": "ec", "ttl": "240h"})["data"]["certificate"]
    with open(WORK + "/ca.pem", "w") as f:
        f.write(ca + "\n")
    API.ok("POST", "away/roles/any", {"allow_any_name": True, "key_type": "ec"})
    API.ok("POST", "away/config/crl", {"expiry": "%ds" % LIFE, "ocsp_expiry": "1h"})
    until("a list of that life", lambda: 0 < left("away") <= LIFE)


def revoke(serial):
    """True: it is recorded. False: refused, and said so."""
    status, answer = Api.ours().ask("POST", "away/revoke", {"serial_number": serial})
    if status == 503:
        expect("refusal: %s" % answer, len(answer["errors"]), 1)
        return False
    expect("revoke: %s" % answer, status, 200)
    # Without HSM there is no list that has it, and the answer does not hide that.
    if "was not made" not in answer["warnings"][0]:
        raise SystemExit("no word about the list: %s" % answer)
    return True


def no_certificate():
    status, answer = Api.ours().ask("POST", "away/issue/any", {"common_name": "b.example",
                                                               "ttl": "1h"})
    expect("issue: %s" % answer, status, 503)


def recorded(serial):
    return API.ok("GET", "away/cert/" + serial)["data"]["revocation_time"] > 0


def away():
    """Removed, then without its token, until the list has ended."""
    serials = {name: issued(name) for name in ("kept", "early", "late")}
    for name in serials:
        until("OCSP good", lambda: ocsp(name) == "good")  # noqa: B023
    TOKEN.suffers(REMOVED)
    old = API.raw("GET", "away/crl")
    expect("no alarm yet", alarms(), set())
    # A revocation needs no HSM as long as the signer serves. These wait.
    early, issue = POOL.submit(revoke, serials["early"]), POOL.submit(no_certificate)
    until("crl-late", lambda: "crl-late" in alarms())
    expect("well before its end", left("away") > 0, True)
    TOKEN.suffers(NOT_PRESENT)
    late = POOL.submit(revoke, serials["late"])
    until("crl-overdue", lambda: "crl-overdue" in alarms())
    expect("seconds", left("away") <= 0, True)
    expect("in the metrics", metric("chancery_crl_alarms", alarm="crl-overdue"), [1.0])
    issue.result()
    revoked = {"early": early.result(), "late": late.result()}
    print("  removed: recorded %s, not present: recorded %s" % tuple(revoked.values()))
    # What was made before is served on: the list, and answers that have not ended, but none that
    # denies what was recorded.
    expect("the list", API.raw("GET", "away/crl")[2], old[2])
    expect("OCSP of another", ocsp("kept"), "good")
    for name, done in revoked.items():
        expect("OCSP of one that was to be revoked", ocsp(name), "later" if done else "good")
        expect("recorded", recorded(serials[name]), done)
    return serials, revoked


def back(serials, revoked):
    """Nobody does anything but ask again for what was refused."""
    TOKEN.suffers("C_Sign:count")
    until("a new list", lambda: left("away") > 0)
    until("the end of the alarms", lambda: not alarms())
    for name, done in revoked.items():
        if not done:
            API.ok("POST", "away/revoke", {"serial_number": serials[name]})
    until("the revocations", lambda: {plain(serials[n]) for n in revoked} <= entries("away/crl"))
    expect("nothing else", plain(serials["kept"]) in entries("away/crl"), False)
    for name in revoked:
        until("OCSP revoked", lambda: ocsp(name) == "revoked")  # noqa: B023
    expect("OCSP of another", ocsp("kept"), "good")


def hangs(serials):
    """Every signature hangs: the signer goes and comes, revocations are recorded in between or
    refused; the end as before."""
    API.ok("POST", "away/config/crl", {"expiry": "20s"})
    for name in ("kept", "hung"):
        serials[name] = issued(name)
        until("OCSP good", lambda: ocsp(name) == "good")  # noqa: B023
    TOKEN.suffers("C_Sign:hang")
    hung, issue = POOL.submit(revoke, serials["hung"]), POOL.submit(no_certificate)
    until("crl-late", lambda: "crl-late" in alarms())
    issue.result()
    done = hung.result()
    print("  hangs: recorded %s" % done)
    expect("OCSP of another", ocsp("kept"), "good")
    back(serials, {"hung": done})


made()
if sys.argv[3] == "hangs":
    hangs({})
else:
    back(*away())
