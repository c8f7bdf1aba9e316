#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Revocation beside a real OpenBao (scripts/bench revocation --part bao).

Both sign and revoke the same number of certificates; then, in turns, one more is revoked
with auto_rebuild off, as both have it by default, until its serial stands on the list that
the service gives (Chancery answers before that where the list is long), and a new list is
asked for (crl/rotate). Wall time, and the most anonymous memory of all processes of the service
meanwhile. OpenBao's raft storage takes entries of 1 MiB unless told
otherwise: a list of more than some 27,000 is an error 500 there, so it is told. On disk it
takes more than a quarter of an hour for the 50,000: its files lie in memory (--raft-in), which
spares it every fsync while Chancery has all of its own. Nothing is asserted: machines differ.
"""
import argparse
import http.client
import json
import os
import ssl
import statistics
import tempfile
import threading
import time

import api as side
from api import say

WORKERS = 8
TIMES = 3


def anon_kib(pids):
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/status" % pid, encoding="ascii") as f:
                for line in f:
                    if line.startswith("RssAnon:"):
                        total += int(line.split()[1])
        except OSError:
            pass
    return total


class Watch:
    """The most anonymous memory while the block runs."""

    def __init__(self, pids):
        self.pids, self.peak, self.stop = pids, 0, threading.Event()

    def look(self):
        while not self.stop.is_set():
            self.peak = max(self.peak, anon_kib(self.pids))
            time.sleep(0.002)

    def __enter__(self):
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


class Client:
    """One connection that stays."""

    def __init__(self, service):
        self.service = service
        self.c = http.client.HTTPSConnection(
            "127.0.0.1", service.port, timeout=300,
            context=ssl._create_unverified_context())

    def post(self, path, body):
        self.c.request("POST", "/v1/" + path, json.dumps(body),
                       {"X-Vault-Token": self.service.token})
        r = self.c.getresponse()
        text = r.read()
        if r.status >= 300:
            raise RuntimeError("%s: %s: %d %s"
                               % (self.service.name, path, r.status, text[:300]))
        return json.loads(text) if text else {}

    def get(self, path):
        self.c.request("GET", "/v1/" + path)
        return self.c.getresponse().read()


MOUNT = "bench-ec-p256"


def one(client, body):
    serial = client.post(MOUNT + "/sign/kafka", body)["data"]["serial_number"]
    client.post(MOUNT + "/revoke", {"serial_number": serial})


def fill(service, n, body):
    """n more certificates, all revoked, without a list for each."""
    service.call("POST", MOUNT + "/config/crl", {"auto_rebuild": True})
    failures = []

    def work(count):
        try:
            client = Client(service)
            for _ in range(count):
                one(client, body)
        except (OSError, RuntimeError, http.client.HTTPException) as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(n // WORKERS + (i < n % WORKERS),))
               for i in range(WORKERS)]
    began = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]
    service.call("GET", MOUNT + "/crl/rotate")
    service.call("POST", MOUNT + "/config/crl", {"auto_rebuild": False})
    return time.monotonic() - began


def revoke(service, body, total):
    client = Client(service)
    serial = client.post(MOUNT + "/sign/kafka", body)["data"]["serial_number"]
    octets = bytes.fromhex(serial.replace(":", ""))
    # A list of Chancery's rests so long (docs/pki.md).
    time.sleep(1.5 + total / 10000)
    began = time.monotonic()
    client.post(MOUNT + "/revoke", {"serial_number": serial})
    while octets not in client.get(MOUNT + "/crl"):
        time.sleep(0.005)
    return time.monotonic() - began


def rotate(service, *_):
    began = time.monotonic()
    service.call("GET", MOUNT + "/crl/rotate")
    return time.monotonic() - began


def measure(services, body, total):
    for name, act in (("revoke", revoke), ("crl/rotate", rotate)):
        got = {}
        for service in services:
            with Watch(service.pids) as w:
                times = [act(service, body, total) for _ in range(TIMES)]
            got[service.name] = (statistics.median(times), w.peak)
            say("%8d %-10s %-9s %9.1f ms %9.1f MB"
                % (total, name, service.name, 1000 * got[service.name][0],
                   w.peak / 1024))
        theirs, ours = got["OpenBao"], got["Chancery"]
        say("%8s %-10s OpenBao / Chancery: time x %.1f, memory x %.1f"
            % ("", "", theirs[0] / ours[0], theirs[1] / ours[1]))


def run(opt, tmp, started):
    chancery = side.start_chancery(opt, tmp, started)
    bao = side.start_openbao(opt, tmp, started)
    services = (bao, chancery)
    bodies = side.Bench(opt, tmp).bodies["ec-p256"]
    with open(bodies, encoding="utf-8") as f:
        body = json.loads(f.readline())
    for service in services:
        service.make_authority("ec-p256")
    done = 0
    for total in opt.sizes:
        for service in services:
            say("%8d signed and revoked by %s in %.0f s"
                % (total - done, service.name, fill(service, total - done, body)))
        done = total
        measure(services, body, total)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--bin", required=True)
    p.add_argument("--bao", required=True)
    p.add_argument("--prepare", required=True)
    p.add_argument("--raft-in", default="/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
                   help="where OpenBao's storage lies")
    p.add_argument("--sizes", type=lambda t: [int(n) for n in t.split(",")],
                   default=[1000, 10000, 50000])
    opt = p.parse_args()
    opt.types = ["ec-p256"]
    opt.raft = 'max_entry_size = "67108864"'
    with tempfile.TemporaryDirectory(prefix="chancery-raft-", dir=opt.raft_in) as opt.raft_in:
        say("OpenBao's raft storage: " + opt.raft_in)
        side.in_a_directory(opt, run)


if __name__ == "__main__":
    main()
