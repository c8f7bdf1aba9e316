#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Certificates asked for from many connections by one token, which is
revoked in the middle: whatever was signed is revoked in the end, whoever got it."""
import sys
import threading
import time

from service_api import Api

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


crowd()
