#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists of revoked certificates in partitions, with the running service.

service_crl.py LISTS-URL numbered | refused | mirrors | rollover | automatic | crowd | after_restart
"""
import collections
import concurrent.futures
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request

from service_api import Api, until

PLAIN = sys.argv[1]
API = Api.ours()


def expect(what, have, want):
    if have != want:
        raise SystemExit("%s: %r instead of %r" % (what, have, want))


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True,
                          capture_output=True).stdout


def key_request():
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "leaf.key")
    openssl("req", "-new", "-key", "leaf.key", "-subj", "/CN=a.example", "-out", "leaf.csr")
    with open("leaf.csr") as f:
        return f.read()


CSR = None


def sign(mount, **fields):
    """Its PEM, serial number and the URLs of its distribution points."""
    global CSR
    CSR = CSR or key_request()
    data = API.ok("POST", mount + "/sign/any", dict(
        {"csr": CSR, "common_name": "a.example", "ttl": "24h"}, **fields))["data"]
    text = openssl("x509", "-noout", "-ext", "crlDistributionPoints",
                   data=data["certificate"].encode()).decode()
    return data["certificate"], data["serial_number"], re.findall(r"URI:(\S+)", text)


def read(url):
    """Status and octets."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def crl_text(der):
    return openssl("crl", "-inform", "der", "-noout", "-text", data=der).decode()


def serials_on(url):
    status, der = read(url)
    expect("status of " + url, status, 200)
    return {s.lower() for s in re.findall(r"Serial Number: ([0-9A-F]+)", crl_text(der))}


def plain_serial(serial):
    return serial.replace(":", "").lower().lstrip("0")


def has(url, serial):
    return plain_serial(serial) in {s.lstrip("0") for s in serials_on(url)}


def verify(pem, ca, *urls):
    """What `openssl verify -crl_check` with these lists says."""
    with open("leaf.pem", "w") as f:
        f.write(pem)
    with open("ca.pem", "w") as f:
        f.write(ca)
    with open("lists.pem", "wb") as f:
        for url in urls:
            f.write(openssl("crl", "-inform", "der", data=read(url)[1]))
    done = subprocess.run(["openssl", "verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile",
                           "lists.pem", "leaf.pem"], capture_output=True, text=True)
    return "OK" if done.returncode == 0 else done.stderr


def mount(name, ttl="87600h", **urls):
    API.ok("POST", "sys/mounts/" + name, {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
    API.ok("POST", name + "/config/urls", dict({"crl_distribution_points": PLAIN + name + "/crl"},
                                               **urls))
    ca = API.ok("POST", name + "/issuers/generate/root/internal", {
        "common_name": "Root " + name, "key_type": "ec", "ttl": ttl})["data"]
    API.ok("POST", name + "/roles/any", {"allow_any_name": True, "key_type": "ec"})
    return ca["certificate"]


def number_in(url):
    return int(re.search(r"/partition-(\d+)$", url).group(1))


def metric(name, **labels):
    """The values of that row."""
    wanted = ['%s="%s"' % pair for pair in labels.items()]
    return [float(line.rsplit(" ", 1)[1])
            for line in API.raw("GET", "sys/metrics?format=prometheus")[2].decode().splitlines()
            if line.startswith(name + "{") and all(w in line for w in wanted)]


# ---- a number ------------------------------------------------------------------------------------

def numbered():
    ca = mount("parts")
    expect("default", API.ok("GET", "parts/config/crl")["data"]["partitions"], "auto")
    expect("in the full list", sign("parts")[2], [PLAIN + "parts/crl"])
    data = API.ok("POST", "parts/config/crl", {"partitions": 4})["data"]
    expect("answer", data["partitions"], "4")
    made = [sign("parts") for _ in range(40)]
    used = set()
    for pem, serial, urls in made:
        expect("URLs", len(urls), 1)
        used.add(number_in(urls[0]))
        status, der = read(urls[0])  # there before the certificate was
        expect("list of " + urls[0], status, 200)
        text = crl_text(der)
        expect("IDP", re.findall(r"Issuing Distribution Point: (critical)", text) +
               re.findall(r"URI:(\S+)", text), ["critical", urls[0]])
    expect("partitions", used, {1, 2, 3, 4})
    # Which one, the serial says: the same for all of one remainder.
    for pem, serial, urls in made:
        expect("by serial", number_in(urls[0]),
               1 + int(serial.replace(":", "")[-16:], 16) % 4)
    pem, serial, urls = made[0]
    others = [PLAIN + "parts/crl/partition-%d" % k for k in range(1, 5)
              if k != number_in(urls[0])]
    expect("verify", verify(pem, ca, urls[0]), "OK")
    wrong = verify(pem, ca, others[0])
    if "different crl scope" not in wrong.lower():
        raise SystemExit("a wrong partition: " + wrong)
    expect("all of them", verify(pem, ca, *others, urls[0]), "OK")
    answer = API.ok("POST", "parts/revoke", {"serial_number": serial, "reason": "keyCompromise"})
    expect("revoked", answer["data"]["state"], "revoked")
    expect("warnings", answer.get("warnings"), None)
    if not has(urls[0], serial) or not has(PLAIN + "parts/crl", serial):
        raise SystemExit("the revocation is not on its lists")
    for url in others:
        expect("another partition", has(url, serial), False)
    if "certificate revoked" not in verify(pem, ca, urls[0]):
        raise SystemExit("a revoked certificate was taken")
    forms(urls[0], others[0])
    more()


def forms(url, other):
    """Every path of a list."""
    k = number_in(url)
    der = read(url)[1]
    for path in ("parts/crl/partition-%d/der", "parts/issuer/default/crl/partition-%d",
                 "parts/issuer/default/crl/partition-%d/der"):
        expect(path, read(PLAIN + path % k), (200, der))
        expect(path, API.raw("GET", path % k)[2], der)
    for path in ("parts/crl/partition-%d/pem", "parts/issuer/default/crl/partition-%d/pem"):
        expect(path, openssl("crl", "-outform", "der", data=read(PLAIN + path % k)[1]), der)
    expect("full", read(PLAIN + "parts/crl/full")[1], read(PLAIN + "parts/crl")[1])
    status, headers, _ = API.raw("GET", "parts/crl/partition-%d" % k)
    tag = headers["ETag"]
    expect("type", headers["Content-Type"], "application/pkix-crl")
    expect("not modified", API.raw("GET", "parts/crl/partition-%d" % k, headers={
        "If-None-Match": tag})[0], 304)
    # A shared cache may give what it keeps to others, who asked without that condition.
    for name, value, code in (("If-Match", '"x"', 412), ("Range", "bytes=99999999-", 416)):
        got = API.raw("GET", "parts/crl/partition-%d" % k, headers={name: value})
        expect(name, (got[0], got[1]["Cache-Control"]), (code, "no-store"))
    if API.raw("GET", "parts/crl/partition-%d" % number_in(other))[1]["ETag"] == tag:
        raise SystemExit("one ETag for two lists")
    for path in ("parts/crl/partition-0", "parts/crl/partition-99", "parts/crl/partition-",
                 "parts/crl/partition-01", "parts/crl/partition-1x", "parts/crl/else",
                 "parts/issuer/default/crl/partition-99", "parts/crl/partition-99/pem"):
        expect(path, API.ask("GET", path)[0], 404)
        expect(path, read(PLAIN + path)[0], 404)


def more():
    """A number that grows: what was issued keeps its partition."""
    _, serial, (old,) = sign("parts")
    API.ok("POST", "parts/config/crl", {"partitions": 6})
    numbers = {number_in(sign("parts")[2][0]) for _ in range(60)}
    expect("new partitions", numbers, set(range(5, 11)))
    API.ok("POST", "parts/revoke", {"serial_number": serial})
    expect("in its old list", has(old, serial), True)
    until("rows of all lists", lambda: metric("chancery_crl_lists", mount="parts",
                                              scope="partitions") == [10.0])
    left = metric("chancery_crl_next_update_seconds", mount="parts", scope="partitions")
    if not 71 * 3600 < left[0] <= 72 * 3600:
        raise SystemExit("until nextUpdate: %s" % left)
    before = {k: read(PLAIN + "parts/crl/partition-%d" % k)[1] for k in range(1, 11)}
    API.ok("GET", "parts/crl/rotate")
    until("rotated partitions", lambda: all(
        read(PLAIN + "parts/crl/partition-%d" % k)[1] != before[k] for k in before))
    API.ok("POST", "parts/config/crl", {"partitions": 0})
    expect("off", sign("parts")[2], [PLAIN + "parts/crl"])


# ---- refusals ------------------------------------------------------------------------------------

def refused():
    mount("words")
    for value in ("x", "-1", "1025", "1.5", "auto:", "auto:7", "auto:1000001", "Auto", ""):
        status, answer = API.ask("POST", "words/config/crl", {"partitions": value})
        expect("partitions=%r" % value, status, 400)
        if "partitions" not in answer["errors"][0]:
            raise SystemExit("no field: %s" % answer)
    for value in (0, 96, -3):
        status, answer = API.ask("POST", "words/config/crl", {"renew_share": value})
        expect("renew_share=%r" % value, status, 400)
        if "renew_share" not in answer["errors"][0]:
            raise SystemExit("no field: %s" % answer)
    expect("nothing kept", API.ok("GET", "words/config/crl")["data"]["partitions"], "auto")
    for url in ("http://h/list", "http://h/crl/pem", "http://partition-1.h/crl",
                "http://h/{{partition}}/{{partition}}"):
        API.ok("POST", "words/config/urls", {"crl_distribution_points": url})
        status, answer = API.ask("POST", "words/config/crl", {"partitions": 2})
        expect("partitions with " + url, status, 400)
        if "no place for a partition" not in answer["errors"][0]:
            raise SystemExit("no rule: %s" % answer)
        expect("auto goes on", sign("words")[2], [url] if "{{" not in url else
               [url.replace("{{partition}}", "full")])
    API.ok("POST", "words/config/urls", {"crl_distribution_points": PLAIN + "words/crl"})
    API.ok("POST", "words/config/crl", {"partitions": 2})
    status, answer = API.ask("POST", "words/config/urls", {"crl_distribution_points": "http://h/l"})
    expect("urls with partitions", status, 400)
    ref = API.ok("GET", "words/config/issuers")["data"]["default"]
    status, answer = API.ask("POST", "words/issuer/" + ref, {"crl_distribution_points": "http://h/l"})
    expect("the issuer's urls with partitions", status, 400)


def mirrors():
    """One list names both."""
    mount("mirrors")
    API.ok("POST", "mirrors/config/crl", {"partitions": 2})
    mirrors = ["http://one.example/{{partition}}.crl", "http://two.example/x/crl/der"]
    API.ok("POST", "mirrors/config/urls", {"crl_distribution_points": mirrors})
    _, _, urls = sign("mirrors")
    k = int(re.search(r"partition-(\d+)", urls[0]).group(1))
    expect("mirrors", urls, ["http://one.example/partition-%d.crl" % k,
                             "http://two.example/x/crl/partition-%d/der" % k])
    expect("names of the list", re.findall(
        r"URI:(\S+)", crl_text(API.raw("GET", "mirrors/crl/partition-%d" % k)[2])), urls)


# ---- rollover ------------------------------------------------------------------------------------

def rollover():
    old_ca = mount("roll")
    API.ok("POST", "roll/config/crl", {"partitions": 2})
    pem, serial, (old,) = sign("roll")
    # A second key under the same name takes over.
    new = API.ok("POST", "roll/root/rotate/internal", {
        "common_name": "Root roll", "key_type": "ec", "ttl": "80000h"})["data"]
    API.ok("POST", "roll/root/replace", {"default": "next"})
    pem2, serial2, (url2,) = sign("roll")
    expect("one number, one key", number_in(url2) in (3, 4) and number_in(old) in (1, 2), True)
    API.ok("POST", "roll/revoke", {"serial_number": serial})
    API.ok("POST", "roll/revoke", {"serial_number": serial2})
    for revoked, url in ((serial, old), (serial2, url2)):
        expect("on its list", has(url, revoked), True)
    if "certificate revoked" not in verify(pem, old_ca, old) or \
            "certificate revoked" not in verify(pem2, new["certificate"], url2):
        raise SystemExit("a revoked certificate was taken")
    if "certificate revoked" in verify(pem, old_ca, url2):
        raise SystemExit("the other key's list was taken")
    # The old key's lists are renewed although nobody issues with it any more.
    API.ok("POST", "roll/config/crl", {"expiry": "20s", "auto_rebuild": True,
                                       "auto_rebuild_grace_period": "1s"})
    before = read(old)[1]
    until("renewed list of the old key", lambda: read(old)[1] != before)
    before = read(old)[1]
    until("second renewal", lambda: read(old)[1] != before)
    API.ok("POST", "roll/config/crl", {"expiry": "72h"})


# ---- automatic -----------------------------------------------------------------------------------

def automatic():
    mount("auto")
    API.ok("POST", "auto/config/crl", {"partitions": "auto:16"})
    urls = [sign("auto")[2][0] for _ in range(15)]
    expect("few", set(urls), {PLAIN + "auto/crl"})  # with the root that is 16
    API.ok("POST", "auto/roles/other", {"allow_any_name": True, "key_type": "ec"})
    until("partitions", lambda: sign("auto")[2][0] != PLAIN + "auto/crl")
    rows = [(serial, number_in(url)) for _, serial, (url,) in (sign("auto") for _ in range(80))]
    counts = {k: sum(1 for _, n in rows if n == k) for k in {n for _, n in rows}}
    # Each range is full at 16 a list; in a hurry the next one is twice as wide.
    expect("first", counts[1], 15)
    expect("second", counts[2] + counts[3], 32)
    expect("third", sum(counts[k] for k in counts if k > 3), 33)
    serial, k = rows[0]
    API.ok("POST", "auto/revoke", {"serial_number": serial})
    expect("revoked", has(PLAIN + "auto/crl/partition-%d" % k, serial), True)
    # Where the URL has its place for a number there is no list for all.
    mount("mark", crl_distribution_points=PLAIN + "mark/crl/{{partition}}")
    expect("from the first on", sign("mark")[2], [PLAIN + "mark/crl/partition-1"])
    API.ok("POST", "mark/config/crl", {"partitions": 0})
    _, serial, urls = sign("mark")
    expect("off", urls, [PLAIN + "mark/crl/full"])
    API.ok("POST", "mark/revoke", {"serial_number": serial})
    expect("on the full list", has(urls[0], serial), True)
    last = sign("auto")
    with open("last.json", "w") as f:
        json.dump([last[1], last[2][0]], f)


def crowd():
    """Many at once, over the ends of grants and ranges: none is refused, no list is too long, and
    each is there."""
    mount("crowd", crl_distribution_points=PLAIN + "crowd/crl/{{partition}}")
    API.ok("POST", "crowd/config/crl", {"partitions": "auto:40"})
    sign("crowd")  # the request is made once

    def work(_):
        api = Api.ours()
        urls = []
        for _ in range(20):
            data = api.ok("POST", "crowd/sign/any", {"csr": CSR, "common_name": "a.example",
                                                     "ttl": "24h"})["data"]
            text = openssl("x509", "-noout", "-ext", "crlDistributionPoints",
                           data=data["certificate"].encode()).decode()
            urls += re.findall(r"URI:(\S+)", text)
        return urls

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        urls = [url for part in pool.map(work, range(24)) for url in part]
    expect("certificates", len(urls), 480)
    counts = collections.Counter(urls)
    # 40 a list on average of a range: the serials are dealt at random.
    if max(counts.values()) > 80 or len(counts) < 8:
        raise SystemExit("certificates a list: %s" % counts)
    for url in counts:
        expect("list of " + url, read(url)[0], 200)


def after_restart():
    with open("last.json") as f:
        serial, url = json.load(f)
    later = sign("auto")[2][0]
    expect("goes on", number_in(later) >= number_in(url) - 3, True)
    API.ok("POST", "auto/revoke", {"serial_number": serial})
    expect("revoked", has(url, serial), True)
    API.ok("POST", "parts/config/crl", {"partitions": 6})
    expect("the same partitions", number_in(sign("parts")[2][0]) in range(5, 11), True)


{"numbered": numbered, "refused": refused, "mirrors": mirrors, "rollover": rollover, "automatic": automatic, "crowd": crowd,
 "after_restart": after_restart}[sys.argv[2]]()
