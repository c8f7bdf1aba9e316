#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""service_wait.py CHANCERYD-PID CSR HOME: requests of every kind while the signer is killed,
while it is slow, and while it stays away for longer than anybody waits."""
import glob
import os
import re
import signal
import sys
import time

from service_api import Api
from service_crowd import Crowd, Stopped, die, room

SUPERVISOR, CSR, HOME = int(sys.argv[1]), open(sys.argv[2], encoding="ascii").read(), sys.argv[3]
API = Api.ours()
PUBLIC = ("m/ca/pem", "m/crl/pem", "m/cert/ca")


def signer():
    return room(SUPERVISOR, "chancery-signer")


def issued(n):
    """Serials of certificates that may be revoked."""
    return [API.ok("POST", "m/sign/r", {"csr": CSR, "common_name": "old%d.example.com" % i})[
        "data"]["serial_number"] for i in range(n)]


def kinds(when, serials):
    """A request of each kind that needs the signer, for each serial: certificate, key with
    certificate, change of configuration, revocation."""
    return [request for i, serial in enumerate(serials) for request in (
        ("POST", "m/sign/r", {"csr": CSR, "common_name": "%s%d.example.com" % (when, i)}),
        ("POST", "m/issue/r", {"common_name": "%si%d.example.com" % (when, i), "key_type": "ec"}),
        ("POST", "m/roles/%s-%d" % (when, i), {"ttl": "1h"}),
        ("POST", "m/revoke", {"serial_number": serial}))]


def send(crowd, requests):
    for s, request in zip(crowd.sockets, requests):
        crowd.send(s, *request)


def all_served(crowd, what):
    for answer in crowd.all(len(crowd.sockets)):
        if answer.status not in (200, 204):
            die("%s: %d %s" % (what, answer.status, answer.body[:300]))
    print("  %s: %d requests waited and were served" % (what, len(crowd.sockets)), flush=True)


def killed(crowd):
    requests = kinds("killed", issued(10))
    old = signer()
    # Some are on their way when it goes, others come when it is gone.
    send(crowd, requests[:20])
    os.kill(old, signal.SIGKILL)
    for s, request in zip(crowd.sockets[20:], requests[20:]):
        crowd.send(s, *request)
    all_served(crowd, "signer killed")
    if signer() == old:
        die("it was not killed")


def slow(crowd):
    requests = kinds("slow", issued(10))
    old = signer()
    with Stopped(old):
        send(crowd, requests)
        time.sleep(2)
        if not crowd.got or len(crowd.got) < len(requests):
            die("answered without a signer")
    all_served(crowd, "signer slow")


def away(crowd):
    """Nobody starts another one, and this one does nothing: 503 in the end. What was sent to
    it may come to be all the same."""
    requests = kinds("away", issued(10))
    with Stopped(SUPERVISOR):
        with Stopped(signer()):
            send(crowd, requests)
            for path in PUBLIC:
                if API.raw("GET", path)[0] != 200:
                    die("%s needs the signer" % path)
            texts = {answer.check_refused() for answer in crowd.all(len(requests))}
        print("  signer away: %d requests got 503: %s" % (len(requests), sorted(texts)), flush=True)
        send(crowd, kinds("back", issued(10)))
        all_served(crowd, "signer back")
        roles_follow()


def recorded_roles():
    found = set()
    for name in glob.glob(HOME + "/register/private/*.jsonl"):
        with open(name, encoding="utf-8") as f:
            found |= set(re.findall(r'"(?:m/)?(away-\d+)"', f.read()))
    return found


def roles_follow():
    """A change whose answer was 503 holds when it is in the register, and only then."""
    for _ in range(300):
        listed = set(API.ok("LIST", "m/roles")["data"]["keys"])
        got, want = {r for r in listed if r.startswith("away-")}, recorded_roles()
        if got == want:
            print("  %d changes were made though their answers were 503" % len(got))
            return
        time.sleep(0.1)
    die("roles %s, in the register %s" % (sorted(got), sorted(want)))


def main():
    API.ok("POST", "sys/mounts/m", {"type": "pki"})
    API.ok("POST", "m/root/generate/internal", {"common_name": "Root", "key_type": "ec"})
    API.ok("POST", "m/roles/r", {"allow_any_name": True, "key_type": "any", "ttl": "1h"})
    crowd = Crowd(40)
    killed(crowd)
    slow(crowd)
    away(crowd)


main()
