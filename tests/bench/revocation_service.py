#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One more revocation where many are, through the running service
(scripts/bench revocation --part service).

A service makes an authority and stops; its register gets N certificates, all revoked
(revocation_fill), its store is made anew from that. Then it starts, and in each round one
certificate is revoked over the API with `config/crl` as it is by default: until the list with
its serial has its name on disk, and until the plain listener gives it. Beside that one
connection has certificates signed all the time: the longest that one of them waited. Anonymous
memory is each room's. Nothing is asserted: machines differ.
"""
import argparse
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import threading
import time

import api as side
import revocation_bao as beside
from api import say

MOUNT = beside.MOUNT
PERIOD = 0.01


def room(pid):
    return side.command_of(pid).replace("chancery-", "")


class Memory:
    """The most anonymous memory of each room while the block runs, MB."""

    def __init__(self, pids):
        self.peak, self.stop = {pid: 0 for pid in pids}, threading.Event()
        self.names = {pid: room(pid) for pid in pids}

    def look(self):
        while not self.stop.is_set():
            for pid in self.peak:
                self.peak[pid] = max(self.peak[pid], beside.anon_kib([pid]))
            time.sleep(0.005)

    def __enter__(self):
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def text(self):
        return ", ".join("%s %.1f MB" % (self.names[pid], kib / 1024)
                         for pid, kib in sorted(self.peak.items()))


class Signing:
    """One connection that has certificates signed while the block runs: how long each took."""

    def __init__(self, service, body):
        self.client, self.body = beside.Client(service), body
        self.times, self.stop, self.failure = [], threading.Event(), None

    def work(self):
        try:
            while not self.stop.is_set():
                began = time.monotonic()
                self.client.post(MOUNT + "/sign/kafka", self.body)
                self.times.append(time.monotonic() - began)
        except (OSError, RuntimeError, http.client.HTTPException) as e:
            self.failure = e

    def __enter__(self):
        self.thread = threading.Thread(target=self.work)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        if self.failure is not None:
            raise self.failure


class Plain:
    """The plain listener."""

    def __init__(self, port):
        self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method, headers=None):
        self.c.request(method, "/v1/%s/crl" % MOUNT, headers=headers or {})
        r = self.c.getresponse()
        return r, r.read()

    def tag(self):
        return self.ask("HEAD")[0].headers["ETag"]

    def until_other(self, tag):
        """Seconds from now to another list than that, which is fetched."""
        while True:
            r, body = self.ask("GET", {"If-None-Match": tag})
            if r.status == 200:
                return time.monotonic(), body
            time.sleep(PERIOD)


class Disk:
    """Names of lists in the folder of the authority's full list."""

    def __init__(self, home):
        folders = list(pathlib.Path(home, "crl").glob("*/full"))
        if len(folders) != 1:
            raise RuntimeError("%d folders of full lists" % len(folders))
        self.folder = folders[0]
        self.before = self.names()

    def names(self):
        return set(n for n in os.listdir(self.folder) if n.endswith(".crl"))

    def until_new(self, found):
        while not self.names() - self.before:
            time.sleep(0.002)
        found.append(time.monotonic())


def round_of(home, port, service, body):
    """Seconds: answer, on disk, fetched; what the list has; memory; signing meanwhile."""
    client, plain, disk, found = beside.Client(service), Plain(port), Disk(home), []
    data = client.post(MOUNT + "/sign/kafka", body)["data"]
    tag = plain.tag()
    watcher = threading.Thread(target=disk.until_new, args=(found,))
    with Memory(service.pids) as memory, Signing(service, body) as signing:
        watcher.start()
        time.sleep(0.5)
        began = time.monotonic()
        client.post(MOUNT + "/revoke", {"serial_number": data["serial_number"]})
        answered = time.monotonic()
        fetched, text = plain.until_other(tag)
        watcher.join()
        time.sleep(0.5)
    serial = bytes.fromhex(data["serial_number"].replace(":", ""))
    if text.find(serial) < 0:
        raise RuntimeError("the list is without the serial")
    return {"answer": answered - began, "disk": found[0] - began,
            "fetched": fetched - began, "octets": len(text), "memory": memory.text(),
            "sign": signing.times}


def fill(opt, home, service):
    """Into the register of the service, which is stopped."""
    pem = service.call("GET", MOUNT + "/cert/ca")["data"]["certificate"]
    service.daemon.terminate()
    service.daemon.wait()
    with open(home + "/ca.pem", "w", encoding="ascii") as f:
        f.write(pem + "\n")
    steps = (("register of %d revoked made" % opt.revoked,
              [opt.fill, home + "/register", "bench.example/log", home + "/ca.pem",
               MOUNT + "/sign/kafka", str(opt.revoked)]),
             ("store made from it",
              [opt.bin + "/chancery", "store", "rebuild", "--replace", "--home", home]))
    for name, command in steps:
        began = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        say("%s in %.0f s" % (name, time.monotonic() - began))


def start(home, service, body):
    began = time.monotonic()
    service.start()
    service.wait(lambda: service.call("GET", "sys/health",
                                      sock=home + "/run/chancery.sock"))
    healthy = time.monotonic() - began
    service.token = service.call("POST", "sys/internal/chancery/root-token",
                                 sock=home + "/run/chancery.sock")["data"]["token"]
    service.wait(lambda: service.call("POST", MOUNT + "/sign/kafka", body))
    say("start with all of it: answers after %.2f s, first certificate after %.2f s"
        % (healthy, time.monotonic() - began))
    service.find_rooms()
    say("anonymous memory then: " + ", ".join(
        "%s %.1f MB" % (room(pid), beside.anon_kib([pid]) / 1024) for pid in service.pids))


def rounds(opt, home, port, service, body):
    got = []
    for n in range(opt.rounds):
        r = round_of(home, port, service, body)
        got.append(r)
        say("revoke answers after %.3f s, the list (%.1f MB) is on disk after %.2f s, and "
            "fetched after %.2f s (wanted: 1.5 s)"
            % (r["answer"], r["octets"] / 1e6, r["disk"], r["fetched"]))
        say("    meanwhile %d certificates signed, median %.1f ms, the longest wait %.2f s;"
            " at most: %s" % (len(r["sign"]), 1000 * statistics.median(r["sign"]),
                              max(r["sign"]), r["memory"]))
        if n + 1 < opt.rounds:
            time.sleep(opt.pause)
    say("median: on disk after %.2f s, fetched after %.2f s"
        % (statistics.median(r["disk"] for r in got),
           statistics.median(r["fetched"] for r in got)))


def run(opt, tmp, started):
    port = side.free_port()
    opt.server_yaml = "  plain_listen: [\"127.0.0.1:%d\"]\n" % port
    service, home = side.start_chancery(opt, tmp, started), tmp + "/home"
    with open(side.Bench(opt, tmp).bodies["ec-p256"], encoding="utf-8") as f:
        body = json.loads(f.readline())
    service.make_authority("ec-p256")
    fill(opt, home, service)
    start(home, service, body)
    rounds(opt, home, port, service, body)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    for name in ("bin", "prepare", "fill"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--revoked", type=int, default=1000000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--pause", type=float, default=None,
                   help="seconds between rounds: a list of a million rests that long")
    opt = p.parse_args()
    opt.types = ["ec-p256"]
    if opt.pause is None:
        opt.pause = 2 + opt.revoked / 100000
    side.in_a_directory(opt, run)


if __name__ == "__main__":
    main()
