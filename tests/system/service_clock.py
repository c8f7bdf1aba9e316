#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The clock of the running service is set: what comes of it.

service_clock.py DIRECTORY PLAIN-ADDRESS PART
DIRECTORY holds "moved" (tests/fault/clock.c) and "home".
"""
import calendar
import glob
import json
import os
import re
import struct
import subprocess
import sys
import threading
import time

from service_api import Api, until

WORK, PLAIN = sys.argv[1], sys.argv[2]
HOME = WORK + "/home"
API = Api.ours()
HOUR = 3600
LIFE = 3 * HOUR  # of a list
MOUNT = "clock"


def expect(what, have, want):
    if have != want:
        raise SystemExit("%s: %r instead of %r" % (what, have, want))


class Crowd(threading.Thread):
    """Certificates, one after the other: none is asked for in vain but for a word about the
    clock, also those that were being signed when it jumped."""

    def __init__(self):
        super().__init__(daemon=True)
        self.api, self.stop, self.got, self.refused, self.other = Api.ours(), False, 0, 0, []

    def run(self):
        while not self.stop:
            status, answer = self.api.ask("POST", MOUNT + "/issue/any",
                                          {"common_name": "a.example", "ttl": "48h"})
            if status == 200:
                self.got += 1
            elif status == 503 and "the clock moved by" in answer["errors"][0]:
                self.refused += 1
                time.sleep(0.05)
            else:
                self.other.append((status, answer))
                return


def crowded(act):
    crowd = [Crowd() for _ in range(8)]
    for c in crowd:
        c.start()
    until("certificates", lambda: sum(c.got for c in crowd) > 100)
    act()
    until("refusals", lambda: all(c.refused + len(c.other) > 0 for c in crowd))
    for c in crowd:
        c.stop = True
    for c in crowd:
        c.join()
    expect("other answers", [c.other for c in crowd if c.other], [])


def moved():
    with open(WORK + "/moved", "rb") as f:
        return struct.unpack("q", f.read(8))[0] // 1000


def move(seconds):
    """The clock is set to that far from the true time; at once for all of the service."""
    with open(WORK + "/moved", "r+b") as f:
        f.write(struct.pack("q", seconds * 1000))


def now():
    return int(time.time()) + moved()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True,
                          capture_output=True).stdout


def seconds(text):
    return calendar.timegm(time.strptime(text.strip(), "%b %d %H:%M:%S %Y GMT"))


LISTS = ["/crl", "/crl/delta", "/crl/partition-1", "/crl/partition-2"]


def one_list(path):
    """(number, thisUpdate, nextUpdate) of what is served there."""
    text = openssl("crl", "-inform", "der", "-noout", "-crlnumber", "-lastupdate", "-nextupdate",
                   data=API.raw("GET", MOUNT + path)[2]).decode()
    return (int(re.search(r"crlNumber=(?:0x)?([0-9A-Fa-f]+)", text).group(1), 16),
            seconds(re.search(r"lastUpdate=(.*)", text).group(1)),
            seconds(re.search(r"nextUpdate=(.*)", text).group(1)))


def lists():
    return {path: one_list(path) for path in LISTS}


def files():
    return sorted(glob.glob(HOME + "/crl/*/*/*.crl"))


def records():
    return sum(len(open(f, "rb").read().splitlines())
               for f in glob.glob(HOME + "/register/log/*.jsonl"))


def alarms():
    return set(API.ok("GET", "sys/health").get("alarms", ()))


def metric(name, **labels):
    wanted = ['%s="%s"' % pair for pair in labels.items()]
    return [float(line.rsplit(" ", 1)[1])
            for line in API.raw("GET", "sys/metrics?format=prometheus")[2].decode().splitlines()
            if line.startswith(name + "{") and all(w in line for w in wanted)]


def issue(ttl="48h"):
    return API.ask("POST", MOUNT + "/issue/any", {"common_name": "a.example", "ttl": ttl})


def issued(ttl="48h"):
    status, answer = issue(ttl)
    expect("issue: %s" % answer, status, 200)
    return answer["data"]


def refused(what, status, answer, text):
    expect(what + ": %s" % answer, status, 503)
    if text not in answer["errors"][0]:
        raise SystemExit("%s: %s" % (what, answer))


def ocsp():
    """The status in the answer and its times; the text when there is no answer."""
    done = subprocess.run(
        ["openssl", "ocsp", "-issuer", WORK + "/ca.pem", "-cert", WORK + "/leaf.pem", "-url",
         "http://%s/v1/%s/ocsp" % (PLAIN, MOUNT), "-no_nonce", "-noverify", "-resp_text"],
        capture_output=True, text=True, check=False)
    status = re.search(r"Cert Status: (\w+)", done.stdout)
    if status is None:
        return None, done.stdout + done.stderr
    return status.group(1), [seconds(re.search(what + r": (.*)", done.stdout).group(1))
                             for what in ("This Update", "Next Update")]


def good():
    status, times = ocsp()
    if status != "good":
        return None
    expect("OCSP: %s at %d" % (times, now()), times[0] <= now() < times[1], True)
    return times


def saved(name, value=None):
    path = WORK + "/" + name + ".json"
    if value is not None:
        with open(path, "w") as f:
            json.dump(value, f)
    with open(path) as f:
        return json.load(f)


def token(ttl):
    return API.ok("POST", "auth/token/create", {"ttl": ttl, "policies": ["leased"]})["auth"][
        "client_token"]


def holds(secret):
    """Whether that token is still good."""
    return Api("ours", API.addr, secret, API.ca).ask("GET", "auth/token/lookup-self")[0] == 200


def leased(ttl):
    """The serial number of a certificate whose lease ends with its token."""
    return Api("ours", API.addr, token(ttl), API.ca).ok(
        "POST", MOUNT + "/issue/leased", {"common_name": "b.example", "ttl": "48h"})["data"][
            "serial_number"]


def lease_ends():
    """What could not be revoked while the clock ran ahead is tried again in seconds, not when it
    is that late again."""
    serial = leased("2s")
    until("revoked with its lease", lambda: API.ok("GET", MOUNT + "/cert/" + serial)["data"][
        "revocation_time"] > 0)


def made():
    API.ok("POST", "sys/mounts/" + MOUNT, {"type": "pki",
                                            "config": {"max_lease_ttl": "9000h"}})
    url = "http://%s/v1/%s" % (PLAIN, MOUNT)
    API.ok("POST", MOUNT + "/config/urls", {"ocsp_servers": url + "/ocsp",
                                            "crl_distribution_points": url + "/crl"})
    ca = API.ok("POST", MOUNT + "/issuers/generate/root/internal", {
        "common_name": "Root", "key_type": "ec", "ttl": "9000h"})["data"]["certificate"]
    API.ok("POST", MOUNT + "/roles/any", {"allow_any_name": True, "key_type": "ec"})
    API.ok("POST", MOUNT + "/roles/leased", {"allow_any_name": True, "key_type": "ec",
                                             "generate_lease": True})
    API.ok("POST", "sys/policies/acl/leased", {
        "policy": 'path "%s/issue/leased" { capabilities = ["update"] }' % MOUNT})
    API.ok("POST", MOUNT + "/config/crl", {
        "expiry": "%ds" % LIFE, "auto_rebuild": True, "auto_rebuild_grace_period": "1m",
        "enable_delta": True, "delta_rebuild_interval": "1s", "partitions": 2,
        "ocsp_expiry": "1h"})
    leaf = issued()["certificate"]
    for name, pem in (("ca", ca), ("leaf", leaf)):
        with open(WORK + "/" + name + ".pem", "w") as f:
            f.write(pem + "\n")
    until("lists", lambda: all(API.raw("GET", MOUNT + p)[0] == 200 for p in LISTS))
    until("lists of that life", lambda: all(x[2] - x[1] == LIFE for x in lists().values()))
    until("a good one", good)
    expect("kept: the same answer", good(), good())
    saved("tokens", [token("1h"), token("12h")])
    saved("short", issued("1h")["serial_number"])
    leased("1h")
    expect("alarms", alarms(), set())


def forward():
    """By four hours, beyond the end of all lists. Whether that is right nobody knows: nothing is
    signed, everybody is told, nothing is written."""
    before = lists()
    short, long = saved("tokens")
    crowded(lambda: move(4 * HOUR))
    there, size = files(), records()
    until("alarm clock", lambda: "clock" in alarms())
    until("alarm crl-overdue", lambda: "crl-overdue" in alarms())
    expect("metric", metric("chancery_signer_alarms", alarm="clock"), [1.0])
    expect("seconds left", max(metric("chancery_crl_next_update_seconds", mount=MOUNT)) <= 0, True)
    refused("issue", *issue(), "the clock moved by")
    refused("revoke", *API.ask("POST", MOUNT + "/revoke", {
        "certificate": open(WORK + "/leaf.pem").read()}), "the clock moved by")
    # An answer that has ended is not served: none at all comes.
    status, text = ocsp()
    expect("OCSP: " + text, (status, "code=503" in text), (None, True))
    # Reads go on; the keeper tries again and again, and leaves no trace.
    expect("lists", lists(), before)
    expect("tokens", (holds(short), holds(long)), (False, True))
    until("a lease that was tried in vain", lambda: re.search(
        r"lease \S+: status 503", open(WORK + "/chanceryd.log").read()))
    time.sleep(5)
    expect("files", files(), there)
    expect("records", records(), size)
    # It was wrong, and is set right: all goes on by itself.
    move(0)
    until("the end of the alarms", lambda: not alarms())
    lease_ends()
    issued()
    until("a good one", good)
    before = none_older(before)
    # And again, for good.
    move(4 * HOUR)
    until("alarm clock", lambda: "clock" in alarms())
    until("alarm crl-overdue", lambda: "crl-overdue" in alarms())
    saved("before", before)


def forward_taken():
    """After a restart, which START records: the time is right."""
    taken(saved("before"))
    expired()


def expired():
    """What has ended is not revoked any more: the answer says so, and nothing is recorded."""
    serial = saved("short")
    answer = API.ok("POST", MOUNT + "/revoke", {"serial_number": serial})
    if "already expired" not in answer["warnings"][0]:
        raise SystemExit("no word: %s" % answer)
    cert = API.ok("GET", MOUNT + "/cert/" + serial)["data"]
    expect("recorded", cert["revocation_time"], 0)
    answer = API.ok("POST", MOUNT + "/revoke", {"certificate": cert["certificate"]})
    if "already expired" not in answer["warnings"][0]:
        raise SystemExit("no word: %s" % answer)
    expect("recorded", API.ok("GET", MOUNT + "/cert/" + serial)["data"]["revocation_time"], 0)


def none_older(before):
    after = lists()
    for path, (number, this, _) in after.items():
        expect("%s: %s after %s" % (path, after[path], before[path]),
               number >= before[path][0] and this >= before[path][1], True)
    return after


def taken(before):
    until("renewed", lambda: all(x[1] >= now() - 120 for x in lists().values()))
    for path, (number, this, end) in lists().items():
        old = before[path]
        expect("%s: %s after %s" % (path, (number, this, end), old),
               number > old[0] and this > old[1] and end == this + LIFE, True)
    until("the end of the alarms", lambda: not alarms())
    until("a good one", good)
    cert = issued()["certificate"]
    start = seconds(openssl("x509", "-noout", "-startdate", data=cert.encode()).decode().split(
        "=", 1)[1])
    expect("notBefore %d at %d" % (start, now()), now() - 120 <= start <= now(), True)


def back():
    """By an hour: behind the register."""
    before, there, size = lists(), files(), records()
    cert = issued()["certificate"]
    until("its record", lambda: records() > size)
    time.sleep(2)
    size = records()
    move(3 * HOUR)
    until("alarm clock", lambda: "clock" in alarms())
    refused("issue", *issue(), "behind the last record")
    refused("revoke", *API.ask("POST", MOUNT + "/revoke", {"certificate": cert}),
            "behind the last record")
    refused("rotate", *API.ask("GET", MOUNT + "/crl/rotate"), "behind the last record")
    # Lists from the future are wanted anew, which the signer refuses: no smaller number, no
    # earlier time, no record, and no line a second.
    time.sleep(8)
    expect("lists", lists(), before)
    expect("files", files(), there)
    expect("records", records(), size)
    with open(WORK + "/chanceryd.log") as f:
        lines = [x for x in f if "list of revoked certificates of key" in x and "behind" in x]
    expect("lines of the log: %d" % len(lines), len(lines) < 40, True)
    move(4 * HOUR)
    until("the end of the alarms", lambda: not alarms())
    issued()
    API.ok("POST", MOUNT + "/revoke", {"certificate": cert})
    until("another list", lambda: lists()["/crl"][0] > before["/crl"][0])
    none_older(before)
    until("a good one", good)


def day_on():
    saved("before", lists())
    move(28 * HOUR)


def day_back():
    taken(saved("before"))
    saved("day", lists())
    move(4 * HOUR)
    until("alarm clock", lambda: "clock" in alarms())


def halted():
    """Started like that, the signer does not come; reads do."""
    before, there = saved("day"), files()
    until("alarm", lambda: "signer-halted" in alarms())
    expect("metric", metric("chancery_signer_alarms", alarm="signer-halted"), [1.0])
    status, answer = issue()
    expect("issue: %s" % answer, status, 503)
    expect("lists", {p: list(x) for p, x in lists().items()}, before)
    expect("files", files(), there)


def day_back_taken():
    """An operator has recorded that the clock had been wrong."""
    before = saved("day")
    until("renewed", lambda: all(now() - 120 <= x[1] <= now() for x in lists().values()))
    for path, (number, _, _) in lists().items():
        expect("%s: %d" % (path, number), number > before[path][0], True)
    until("the end of the alarms", lambda: not alarms())
    until("a good one", good)
    issued()


{"made": made, "forward": forward, "forward_taken": forward_taken, "back": back,
 "day_on": day_on, "day_back": day_back, "halted": halted, "day_back_taken": day_back_taken}[sys.argv[3]]()
