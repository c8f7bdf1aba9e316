#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Certificates asked for from many connections by one token, which is
revoked in the middle: whatever was signed is revoked in the end, whoever got it. Leases whose
mount is gone, as a crash between the mount's removal and theirs leaves them.

service_leases.py STORE
"""
import hashlib
import json
import sqlite3
import sys
import threading
import time

from service_api import Api, until

CONNECTIONS = 8


class Asker(threading.Thread):
    def __init__(self, token):
        super().__init__()
        self.token, self.got, self.other = token, [], []

    def run(self):
        api = Api.ours()
        while True:
            status, answer = api.ask("POST", "pki/issue/web",
                                     {"common_name": "crowd.example", "ttl": "1h"},
                                     {"X-Vault-Token": self.token})
            if status != 200:
                if status != 403:
                    self.other.append((status, answer))
                return
            self.got.append(answer["data"]["serial_number"])


def crowd():
    api = Api.ours()
    before = set(api.ok("GET", "pki/certs?list=true")["data"]["keys"])
    token = api.ok("POST", "auth/token/create", {"ttl": "1h"})["auth"]["client_token"]
    askers = [Asker(token) for _ in range(CONNECTIONS)]
    for a in askers:
        a.start()
    while sum(len(a.got) for a in askers) < 100:
        time.sleep(0.01)
    api.ok("POST", "auth/token/revoke", {"token": token})
    for a in askers:
        a.join()
    if any(a.other for a in askers):
        sys.exit("other refusals than 403: %s" % [a.other for a in askers if a.other])
    made = set(api.ok("GET", "pki/certs?list=true")["data"]["keys"]) - before
    given = {s for a in askers for s in a.got}
    if not given <= made or len(given) < 100:
        sys.exit("%d given, %d made" % (len(given), len(made)))
    left = made
    for _ in range(300):
        left = {s for s in left if api.ok("GET", "pki/cert/" + s)["data"]["revocation_time"] == 0}
        if not left:
            break
        time.sleep(0.1)
    if left:
        sys.exit("%d of %d are not revoked" % (len(left), len(made)))
    status, answer = api.ask("LIST", "sys/leases/lookup/pki")
    if status != 404:
        sys.exit("leases are left: %s" % answer)


def leave(kind, name):
    """A row as a mount "gone" had it."""
    lease = "gone/issue/web/" + name
    with sqlite3.connect(sys.argv[1], timeout=30) as db:
        db.execute("INSERT INTO secret(kind, key, alias, scope, expires, version, value) "
                   "VALUES(?, ?, ?, 'gone', ?, 1, ?)",
                   (kind, hashlib.sha256(lease.encode()).digest(), lease,
                    int(time.time()) + 3600,
                    json.dumps({"issued_s": 1, "serial": "11:22"}).encode()))
    db.close()
    return lease


def left():
    with sqlite3.connect(sys.argv[1], timeout=30) as db:
        rows = db.execute("SELECT kind, alias FROM secret WHERE scope = 'gone'").fetchall()
    db.close()
    return rows


def orphans():
    api = Api.ours()
    # At once, as the sweep of each second must not be what takes them away.
    for n in range(10):
        for k in range(3):
            leave("lease-due", "due-%d-%d" % (n, k))
        leave("lease", "stands-%d" % n)
        api.ok("POST", "sys/leases/revoke-prefix/gone", {"sync": True})
        if left():
            sys.exit("a prefix of a mount that is gone left %s" % left())
    for n in range(10):
        lease = leave("lease", "one-%d" % n)
        api.ok("POST", "sys/leases/revoke", {"lease_id": lease})
        if left():
            sys.exit("leases/revoke left %s of a mount that is gone" % left())
    # Nobody asks.
    leave("lease", "swept")
    leave("lease-due", "swept-due")
    until("leases of a mount that is gone to go", lambda: not left())


crowd()
orphans()
