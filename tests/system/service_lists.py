#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many certificates: lists by pages, revocations by the hundred, lists of revoked ones that
many revocations share, and a list that is renewed before it ends.

service_lists.py CERTIFICATES REVOKED CSR    VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN are set
"""
import subprocess
import sys
import threading

from service_api import Api, until

API = Api.ours()
THREADS = 8


def same(got, want, what):
    if got != want:
        raise SystemExit("%s: %s, not %s" % (what, got, want))


def by_threads(items, call):
    """call(api, item) for all of them; the answers in order."""
    out, errors = [None] * len(items), []

    def run(k):
        api = Api.ours()
        try:
            for i in range(k, len(items), THREADS):
                out[i] = call(api, items[i])
        except (SystemExit, OSError) as e:
            errors.append(str(e))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise SystemExit(errors[0])
    return out


def crl():
    status, headers, der = API.raw("GET", "m/crl")
    same(status, 200, "crl")
    text = subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"], input=der,
                          check=True, capture_output=True).stdout.decode()
    number = text.split("X509v3 CRL Number:")[1].split()[0]
    number = int(number, 16) if number.startswith("0x") else int(number)
    return number, text.count("Serial Number:"), headers["ETag"]


def detailed(keys):
    """The same serials, each with what it is about; also by pages."""
    whole = API.ok("LIST", "m/certs/detailed")["data"]
    same(whole["keys"], keys, "keys of certs/detailed")
    same(sorted(whole["key_info"]), sorted(keys), "key_info of certs/detailed")
    seen, after = [], ""
    while len(seen) < len(keys):
        page = API.ok("GET", "m/certs/detailed?list=true&limit=777&after=" + after)["data"]
        same(list(page["key_info"]), page["keys"], "key_info of a page")
        seen += page["keys"]
        after = seen[-1]
    same(seen, keys, "keys of all pages")
    same(API.ask("GET", "m/certs/detailed?list=true&after=" + after)[0], 404, "behind the last")


def pages(limit):
    got, after = [], ""
    while True:
        status, answer = API.ask("GET", "m/certs?list=true&limit=%d&after=%s" % (limit, after))
        if status == 404:
            return got
        page = answer["data"]["keys"]
        same(len(page) <= limit, True, "page of %d" % len(page))
        got += page
        after = page[-1]


def main():
    count, revoked = int(sys.argv[1]), int(sys.argv[2])
    csr = open(sys.argv[3], encoding="ascii").read()
    API.ok("POST", "sys/mounts/m", {"type": "pki"})
    API.ok("POST", "m/root/generate/internal", {"common_name": "Root", "key_type": "ec"})
    API.ok("POST", "m/roles/r", {"allow_any_name": True, "key_type": "ec", "ttl": "1h",
                                 "use_csr_common_name": False})
    serials = by_threads(range(count), lambda api, i: api.ok(
        "POST", "m/sign/r", {"csr": csr, "common_name": "n%d.example.com" % i})["data"][
            "serial_number"])
    same(len(set(serials)), count, "serial numbers")

    # The root is one too.
    listed = API.ok("LIST", "m/certs")["data"]["keys"]
    same(listed, sorted(listed), "order")
    same(set(serials) <= set(listed) and len(listed) == count + 1, True, "LIST certs")
    for limit in (1, 7, 500, 501, count, count * 2):
        if limit > 1 or count < 200:
            same(pages(limit), listed, "pages of %d" % limit)
    detailed(listed)

    # One by one each revocation is on the list that is there when it has answered.
    before = crl()[0]
    for n, serial in enumerate(serials[:5], 1):
        API.ok("POST", "m/revoke", {"serial_number": serial})
        same(crl()[1], n, "entries after revocation %d" % n)
    # With auto_rebuild they do not wait, and share lists.
    API.ok("POST", "m/config/crl", {"auto_rebuild": True})
    first = crl()[0]
    by_threads(serials[5:revoked],
               lambda api, s: api.ok("POST", "m/revoke", {"serial_number": s}))
    until("all revoked ones on the list", lambda: crl()[1] == revoked)
    lists = crl()[0] - first
    same(lists < (revoked - 5) / 4, True, "lists made for %d revocations: %d" % (
        revoked - 5, lists))
    same(len(API.ok("LIST", "m/certs/revoked")["data"]["keys"]), revoked, "certs/revoked")

    # A short-lived list is there anew before it ends, though nobody asks.
    API.ok("POST", "m/config/crl", {"auto_rebuild": False, "expiry": "6s"})
    number = crl()[0]
    until("two more lists", lambda: crl()[0] >= number + 2)
    print("%d certificates listed, %d revoked on %d lists, numbers %d to %d" % (
        count, revoked, lists + 5, before, crl()[0]))


main()
