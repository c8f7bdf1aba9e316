# SPDX-License-Identifier: Apache-2.0
"""Publication: every kind of target, and every way in which one fails. Judged by what a
reader of the target gets all the while: whole lists only, of numbers that never go back."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from publish_targets import Target, basic, bearer, sigv4
from service_api import Api

started = int(time.time())
work = pathlib.Path(os.environ["WORK"])
site = work / "site"
api = Api.ours()
web = Target(int(os.environ["HTTP_PORT"]), bearer("token-of-the-web-server"))
dav = Target(int(os.environ["DAV_PORT"]), basic("crl:password-of-the-dav-server"), dav=True)
s3 = Target(int(os.environ["S3_PORT"]), sigv4("AKIDEXAMPLE", "key-of-the-object-store", "eu-test-1"))
targets = {"web": web, "dav": dav, "store": s3}


def fail(*what):
    raise SystemExit("FAILED: " + " ".join(str(w) for w in what))


def same(got, want, what):
    if got != want:
        fail(what, got, "not", want)


def until(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return fail("never:", what, "status:", status())


def status():
    return api.ok("GET", "sys/internal/chancery/publish")["data"]["targets"]


def states():
    return {name: t["state"] for name, t in status().items()}


def current(*names):
    now = states()
    return all(now[n] == "current" for n in names or now)


def why(name):
    return " ".join(o["why"] for o in status()[name]["not_current"])


def read_list(mount="m"):
    code, _, body = api.raw("GET", mount + "/crl")
    same(code, 200, "crl")
    return body


def number(der):
    text = subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-crlnumber"],
                          input=der, capture_output=True, check=True).stdout
    return int(re.search(rb"0x([0-9A-F]+)", text).group(1), 16)


def revoke(mount="m"):
    """A new list, which every target has to get."""
    leaf = api.ok("POST", mount + "/issue/r", {"common_name": "a.example.com"})["data"]
    api.ok("POST", mount + "/revoke", {"serial_number": leaf["serial_number"]})
    return read_list(mount)


def make(mount, key_type):
    api.ok("POST", "sys/mounts/" + mount, {"type": "pki"})
    made = api.ok("POST", "/".join([mount, "root", "generate", "internal"]),
                  {"common_name": mount + " CA", "key_type": key_type, "ttl": "720h"})["data"]
    api.ok("POST", mount + "/roles/r", {"allow_any_name": True, "ttl": "1h"})
    return made["issuer_id"]


def held(name, issuer, mount="m", scope="full"):
    """What a reader of that target gets; None: nothing."""
    path = "%s/%s/%s.crl" % (mount, issuer, scope)
    if name == "dir":
        file = site / path
        return file.read_bytes() if file.exists() else None
    if name == "dav":
        return dav.objects.get("/dav/%s/%s.crl" % (mount, scope))
    if name == "store":
        return s3.objects.get("/acme-pki/lists/" + path)
    return web.objects.get("/pki/" + path)


def room(name):
    out = subprocess.run(["pgrep", "-P", os.environ["CHANCERYD"], "-f", "chancery-" + name],
                         capture_output=True, text=True, check=False).stdout.split()
    return int(out[0]) if out else None


def kill(name):
    pid = room(name)
    os.kill(pid, signal.SIGKILL)
    until("another " + name, lambda: room(name) not in (None, pid))


def hold(issuer, name, where, victim):
    """A new list whose publication is held there, while that room is killed."""
    target = targets[name]
    target.held.clear()
    target.go.clear()
    target.fault = where
    der = revoke()
    if not target.held.wait(30):
        fail("never came to", where)
    kill(victim)
    target.fault = None
    target.go.set()
    until("%s, %s killed at %s" % (name, victim, where), lambda: held(name, issuer) == der)


class Reader(threading.Thread):
    """Reads all the while, as those who verify certificates do."""

    def __init__(self, issuer):
        super().__init__(daemon=True)
        self.issuer, self.ended, self.seen = issuer, threading.Event(), {}

    def run(self):
        while not self.ended.wait(0.01):
            for name in ("dir", "web", "dav", "store"):
                der = held(name, self.issuer)
                last = self.seen.setdefault(name, [])
                if der is not None and (not last or last[-1] != der):
                    last.append(der)

    def judge(self):
        self.ended.set()
        self.join()
        for name, lists in self.seen.items():
            numbers = [number(der) for der in lists]
            if len(numbers) < 2 or numbers != sorted(set(numbers)):
                fail("readers of", name, "saw lists", numbers)


def first_publication(issuer, other):
    until("eight objects", lambda: status()["dir"]["objects"] == 8)
    until("all are current", current)
    for name in ("dir", "web", "dav", "store"):
        same(held(name, issuer), read_list(), "the list at " + name)
    for name in ("dir", "web", "store"):
        same(held(name, other, "e"), read_list("e"), "the other list at " + name)
    _, _, ca = api.raw("GET", "m/ca")
    same((site / "m" / (issuer + ".crt")).read_bytes(), ca, "certificate")
    same(web.objects["/pki/m/%s.crt" % issuer], ca, "certificate")
    _, _, pem = api.raw("GET", "m/crl/pem")
    same((site / "m" / issuer / "full.crl.pem").read_bytes(), pem, "PEM list")
    same((site / "m" / issuer / "full.crl").stat().st_mode & 0o777, 0o644, "mode")
    same({h["Content-Type"] for m, p, h in web.headers if p.endswith(".crl") and m == "PUT"},
         {"application/pkix-crl"}, "type")
    same({h.get("If-None-Match") for m, p, h in s3.headers if m == "PUT"}, {"*"}, "condition")
    if not any(m == "MKCOL" for m, _, _ in dav.headers):
        fail("no collection was made")


def everywhere(issuer, der):
    until("the new list everywhere", lambda: all(
        held(n, issuer) == der for n in ("dir", "web", "dav", "store")))
    until("all are current", current)


def new_lists(issuer):
    everywhere(issuer, revoke())
    if not any(h.get("If-Match") for m, _, h in s3.headers if m == "PUT"):
        fail("replaced without a condition")
    # DAV: no reader ever sees what is being written.
    for method, path, _ in dav.headers:
        if method == "PUT" and not path.rsplit("/", 1)[1].startswith("."):
            fail("DAV put at", path)


def faults(issuer):
    rows = [("web", "full", "507"), ("web", "large", "413"), ("web", "drop", "PUT"),
            ("web", "busy", "503"), ("web", "forbid", "403"), ("web", "wrong", "other octets"),
            ("web", "old", "older than ours"), ("store", "full", "507"),
            ("store", "drop", "PUT"), ("dav", "full", "507")]
    for name, fault, text in rows:
        target, before = targets[name], held(name, issuer)
        target.fault = fault
        der = revoke()
        until("%s %s: %s" % (name, fault, text), lambda: text in why(name))  # noqa: B023
        until("the others", lambda: current(*({"dir", "web", "dav", "store"} - {name})))
        if held(name, issuer) not in (before, der):
            fail(name, fault, "something else is there")
        target.fault = None
        api.ok("POST", "sys/internal/chancery/publish")
        until("%s after %s" % (name, fault), lambda: current(name))  # noqa: B023
        same(held(name, issuer), der, name + " after " + fault)


def slow(issuer):
    """One that hangs keeps nobody else waiting; its time has an end."""
    web.fault = "slow"
    der = revoke()
    until("the others", lambda: held("store", issuer) == der and held("dir", issuer) == der)
    until("a time-out", lambda: "it does not go on" in why("web"))
    web.fault = None
    api.ok("POST", "sys/internal/chancery/publish")
    until("web after it was slow", lambda: current("web"))


def down(issuer):
    web.down()
    der = revoke()
    until("refused", lambda: "cannot be reached" in why("web"))
    until("an alarm is told", lambda: status()["web"]["failures"] > 0)
    web.up()
    api.ok("POST", "sys/internal/chancery/publish")
    until("web after it was down", lambda: current("web"))
    same(held("web", issuer), der, "web after it was down")


def spoiled(issuer):
    """Somebody else wrote there: it is put right without anything new."""
    der = read_list()
    path = "/pki/m/%s/full.crl" % issuer
    for octets in (b"", b"garbage", der[:-1], der + b"\0", der[:100]):
        web.objects[path] = octets
        until("web after it was spoiled", lambda: web.objects[path] == der)
    (site / "m" / issuer / "full.crl").write_bytes(b"garbage")
    until("dir after it was spoiled", lambda: held("dir", issuer) == der)
    s3.objects.clear()
    until("store after it was emptied", lambda: held("store", issuer) == der)
    until("all are current", current)


def newer_there(issuer):
    """The register's newest list is taken away: what is there is newer and stays."""
    folder = max((work / "home/crl").glob("*/full"), key=lambda f: max(
        number(x.read_bytes()) for x in f.glob("*.crl")))
    before = revoke()
    everywhere(issuer, before)
    newest = max(folder.glob("*.crl"), key=lambda f: int(f.stem))
    same(newest.read_bytes(), before, "newest list")
    away = work / "away.crl"
    newest.rename(away)
    until("an alarm", lambda: set(states().values()) == {"alarm"})
    if "newer than ours" not in why("web"):
        fail(why("web"))
    for name in ("dir", "web", "dav", "store"):
        same(held(name, issuer), before, "newer list at " + name)
    if "publish" not in api.ask("GET", "sys/health")[1].get("alarms", []):
        fail("sys/health tells no alarm")
    watch = subprocess.run([os.environ["CHANCERY"], "publish", "status", "--check", "--home",
                            str(work / "home")], capture_output=True, text=True, check=False)
    if watch.returncode == 0 or "in alarm" not in watch.stderr:
        fail("publish status --check", watch)
    away.rename(newest)
    subprocess.run([os.environ["CHANCERY"], "publish", "now", "--home", str(work / "home")],
                   check=True, stdout=subprocess.DEVNULL)
    until("all are current", current)


def killed(issuer):
    """The publisher is killed before it looks, while it puts, after it has put."""
    for name, where in (("web", "hold-get"), ("web", "hold-put"), ("web", "hold-after"),
                        ("dav", "hold-after"), ("store", "hold-put")):
        hold(issuer, name, where, "publisher")
    until("all are current", current)


def server_killed(issuer):
    """It remembers nothing: the next one finds out what is there."""
    global api
    hold(issuer, "web", "hold-put", "server")
    api = Api.ours()
    until("the server again", lambda: api.ask("GET", "sys/health")[0] == 200)
    until("eight objects", lambda: status()["dir"]["objects"] >= 8)
    until("all are current", current)


def plain_list(der):
    return subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-text"], input=der,
                          capture_output=True, check=True).stdout.decode()


def partitions():
    """Every list of a mount that has them, under a name of its own."""
    issuer = make("p", "ec")
    api.ok("POST", "p/config/urls", {"crl_distribution_points": "http://crl.example.com/v1/p/crl"})
    api.ok("POST", "p/config/crl", {"partitions": 2})
    leaves = [api.ok("POST", "p/issue/r", {"common_name": "a.example.com"})["data"]["serial_number"]
              for _ in range(8)]
    for scope in ("full", "partition-1", "partition-2"):
        until(scope, lambda: held("dir", issuer, "p", scope))  # noqa: B023
        text = plain_list(held("dir", issuer, "p", scope))
        same(scope in text, scope != "full", "the distribution point of " + scope)
    until("all are current", current)
    # Another authority becomes the default: old certificates still point to the old one's partitions.
    new = api.ok("POST", "p/root/generate/internal", {"common_name": "p 2", "key_type": "ec"})
    api.ok("POST", "p/config/issuers", {"default": new["data"]["issuer_id"]})
    for serial in leaves:
        api.ok("POST", "p/revoke", {"serial_number": serial})
    for scope in ("partition-1", "partition-2"):
        until("the revoked in " + scope, lambda: "No Revoked" not in plain_list(  # noqa: B023
            held("dav", issuer, "p", scope)))  # noqa: B023
    until("all are current", current)


def metrics():
    _, _, body = api.raw("GET", "sys/metrics?format=prometheus")
    lines = dict(line.rsplit(" ", 1) for line in body.decode().splitlines()
                 if line.startswith("chancery_publish_"))
    same(lines['chancery_publish_objects{target="web",state="alarm"}'], "0", "metric")
    if int(lines['chancery_publish_failures_total{target="web"}']) < 5:
        fail("failures are not counted")
    if int(lines['chancery_publish_last_success_seconds{target="dir"}']) < started:
        fail("last success")
    same(lines['chancery_publish_behind_seconds{target="store"}'], "0", "metric")


def told():
    """What operators are told; here, while the places can be reached."""
    until("all are current", current)
    home = ["--home", str(work / "home")]
    chancery = os.environ["CHANCERY"]
    subprocess.run([chancery, "publish", "status", "--check", *home], check=True,
                   stdout=subprocess.DEVNULL)
    out = subprocess.run([chancery, "status", "--json", *home], check=True, capture_output=True).stdout
    same(json.loads(out)["publication"], "current", "status")


def main():
    issuer, other = make("m", "ec"), make("e", "ed25519")
    reader = Reader(issuer)
    reader.start()
    first_publication(issuer, other)
    new_lists(issuer)
    faults(issuer)
    slow(issuer)
    down(issuer)
    killed(issuer)
    reader.judge()
    metrics()
    server_killed(issuer)
    partitions()
    spoiled(issuer)
    newer_there(issuer)
    told()


main()
