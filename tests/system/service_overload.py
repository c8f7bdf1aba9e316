#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""service_overload.py CHANCERYD-PID CSR: more requests than the service holds at once, while
its signer does nothing. What is beyond is refused in Vault's shape and told when to come
again, but for what watchers and verifiers read; memory does not grow with it; afterwards
all is well."""
import collections
import sys
import time

from service_api import Api
from service_crowd import Crowd, Stopped, die, memory_mib, room

SUPERVISOR = int(sys.argv[1])
CSR = open(sys.argv[2], encoding="ascii").read()
# base/limits.h: LIMIT_CALLS_IN_FLIGHT of the one worker, LIMIT_CHANGES_WAITING.
HELD, CHANGES_HELD = 2048, 1025
BEYOND, AGAIN, ROUNDS = 100, 20, 3
# A signer that is silent for 14 s is killed: a slow machine tries fewer times.
AGAIN_S = 4
# Allocators keep some 20 MiB of what a round took; calls that stay take 40 a round.
GROWTH_MIB = 64


# What a worker that is full answers all the same.
SPARED = ["sys/health", "sys/seal-status", "sys/metrics?format=prometheus", "m/ca", "m/ca/pem",
          "m/ca_chain", "m/crl", "m/crl/pem", "m/issuer/default/crl/der"]


def spared(crowd, refused, held):
    """Over connections that were refused. Others' reads, and writes there, are as all else."""
    sockets = [s for s, _ in refused]
    for path in SPARED:
        for s in sockets:
            crowd.send(s, "GET", path)
        for _, answer in crowd.answers(len(sockets)):
            # A signer that was killed for its silence meanwhile is what health has to tell.
            if answer.status != 200 and not (
                    path == "sys/health" and b'"initialized"' in answer.body):
                die("%s: %d %s" % (path, answer.status, answer.body[:300]))
            if "metrics" in path and (
                    b"\nchancery_requests_in_flight %d\n" % (held + 1) not in answer.body):
                die("%d were to be in flight: %s" % (held + 1, answer.body))


def overload(crowd, held, request, text, server):
    """Requests on all connections; `held` of them wait, the others are refused, as often as
    they try. The memory meanwhile, and how many were refused."""
    crowd.stay()
    count = 0
    with Stopped(room(SUPERVISOR, "chancery-signer")):
        for i, s in enumerate(crowd.sockets):
            crowd.send(s, *request(i))
        refused = crowd.answers(len(crowd.sockets) - held)
        began = time.monotonic()
        for k in range(AGAIN):
            if k > 0 and time.monotonic() - began > AGAIN_S:
                break
            for i, (s, answer) in enumerate(refused):
                if text not in answer.check_refused():
                    die("refused for another reason: %s" % answer.body)
                crowd.send(s, *request(i))
            count += len(refused)
            refused = crowd.answers(len(refused))
        if held == HELD:
            spared(crowd, refused, held)
            for method, path in [("GET", "m/roles/r"), ("LIST", "m/roles"), ("POST", "sys/health"),
                                 ("GET", "sys/mounts"), ("GET", "m/nothing")]:
                crowd.send(refused[0][0], method, path)
                if text not in crowd.answers(1)[0][1].check_refused():
                    die("%s %s was not refused" % (method, path))
        memory = memory_mib(server)
    seen = collections.Counter()
    for answer in crowd.all(held):
        seen[answer.status] += 1
        # On a machine that is too slow for them all: that is said, as above.
        if answer.status not in (200, 204):
            answer.check_refused()
    if seen[200] + seen[204] == 0:
        die("none was served: %s" % seen)
    print("  %d held %s, %d refusals, %.0f MiB" % (held, dict(seen), count, memory), flush=True)
    return memory, count


def well():
    # The connection of before was idle for long.
    api = Api.ours()
    for i in range(50):
        api.ok("POST", "m/sign/r", {"csr": CSR, "common_name": "after%d.example.com" % i})
    api.ok("POST", "m/roles/after", {"allow_any_name": True})
    if api.ok("GET", "sys/health")["sealed"]:
        die("sealed")
    _, _, octets = api.raw("GET", "sys/metrics?format=prometheus")
    lines = dict(x.rsplit(" ", 1) for x in octets.decode().splitlines() if x[0] != "#")
    # This request itself.
    if lines["chancery_requests_in_flight"] != "1":
        die("%s are still in flight" % lines["chancery_requests_in_flight"])
    return int(lines["chancery_overloaded_total"])


def main():
    api = Api.ours()
    api.ok("POST", "sys/mounts/m", {"type": "pki"})
    api.ok("POST", "m/root/generate/internal", {"common_name": "Root", "key_type": "ec"})
    api.ok("POST", "m/roles/r", {"allow_any_name": True, "key_type": "any", "ttl": "1h"})
    server = room(SUPERVISOR, "chancery-server")
    crowd = Crowd(HELD + BEYOND)
    rounds = [overload(crowd, HELD, lambda i: (
        "POST", "m/sign/r", {"csr": CSR, "common_name": "n%d.example.com" % i}),
        "too many requests are in flight", server) for _ in range(ROUNDS)]
    if rounds[-1][0] > rounds[0][0] + GROWTH_MIB:
        die("memory grows with what is refused: %s" % rounds)
    if well() < sum(count for _, count in rounds):
        die("the metric of overload")
    crowd.sockets = crowd.sockets[:CHANGES_HELD + BEYOND]
    overload(crowd, CHANGES_HELD, lambda i: ("POST", "m/roles/r%d" % i, {"ttl": "1h"}),
             "too many changes wait", server)
    well()
    if room(SUPERVISOR, "chancery-server") != server:
        die("the server was restarted")


main()
