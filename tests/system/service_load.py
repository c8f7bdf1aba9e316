#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""service_load.py CHANCERYD-PID CSR SIGNER-KILLS SERVER-KILLS >serials

Signs one request again and again over keep-alive TLS while the rooms are killed with
signal 9, one after another. Every certificate that a client received is printed by its
serial; on standard error counts of what clients saw. It stops when all kills are done and
the service has answered every client again.
"""
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

CLIENTS = 12
PATH = "/v1/ca/sign/leaf"


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.serials = []
        self.counts = {}
        self.longest = 0.0
        self.stop = False

    def note(self, what, waited):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            self.longest = max(self.longest, waited)


def connect(url, context):
    return http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=40)


def client(tally, url, context, token, body):
    """Until told to stop, and then until one more certificate came."""
    c = connect(url, context)
    headers = {"X-Vault-Token": token, "Content-Type": "application/json"}
    while True:
        stopping = tally.stop
        began = time.monotonic()
        try:
            c.request("POST", PATH, body, headers)
            r = c.getresponse()
            text = r.read()
        except (OSError, http.client.HTTPException):
            tally.note("no answer", time.monotonic() - began)
            c.close()
            c = connect(url, context)
            time.sleep(0.05)
            continue
        tally.note(r.status, time.monotonic() - began)
        if r.status == 200:
            serial = json.loads(text)["data"]["serial_number"]
            with tally.lock:
                tally.serials.append(serial)
            if stopping:
                return
        else:
            sys.stderr.write("%d %s\n" % (r.status, text[:300].decode()))
            time.sleep(0.1)


def room(parent, name):
    out = subprocess.run(["pgrep", "-P", str(parent), "-x", name], stdout=subprocess.PIPE,
                         check=False).stdout.split()
    return int(out[0]) if out else 0


def wait_certificates(tally, n):
    """So many more certificates, or a minute."""
    goal = len(tally.serials) + n
    until = time.monotonic() + 60
    while len(tally.serials) < goal:
        if time.monotonic() > until:
            sys.exit("FAILED: no certificate for a minute: %s" % tally.counts)
        time.sleep(0.01)


def kill(tally, parent, name, times):
    killed = 0
    while killed < times:
        wait_certificates(tally, 150)
        pid = room(parent, name)
        if pid:
            os.kill(pid, signal.SIGKILL)
            killed += 1
    wait_certificates(tally, 150)


def main():
    parent, csr = int(sys.argv[1]), open(sys.argv[2], encoding="ascii").read()
    url = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])
    context = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
    body = json.dumps({"csr": csr, "common_name": "a.example.com"})
    tally = Tally()
    threads = [threading.Thread(target=client, args=(
        tally, url, context, os.environ["VAULT_TOKEN"], body))
        for _ in range(CLIENTS)]
    for t in threads:
        t.start()
    try:
        kill(tally, parent, "chancery-signer", int(sys.argv[3]))
        kill(tally, parent, "chancery-server", int(sys.argv[4]))
    finally:
        tally.stop = True
    for t in threads:
        t.join()
    print("\n".join(tally.serials))
    sys.stderr.write("certificates %d, clients saw %s, longest wait %.1f s\n" % (
        len(tally.serials), tally.counts, tally.longest))


main()
