# SPDX-License-Identifier: Apache-2.0
"""Both servers, asked the same at the same time, and how their answers are compared.

Values that are another on either side by nature (ids, tokens, serial numbers, keys, times) are
matched by their kind and by renaming: an id that stood for another one before has to do so
again."""
import base64
import binascii
import concurrent.futures
import datetime
import http.client
import json
import os
import re
import sys
import time

import der
import known
import words
from service_api import Api

UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
KINDS = (("uuid", UUID), ("token", re.compile(r"^(hv[sb]|[sb])\.[A-Za-z0-9_.-]+$")),
         ("accessor", re.compile(r"^[A-Za-z0-9]{24}$|^[a-z_-]+_[0-9a-f]{8}$")),
         ("serial", re.compile(r"^([0-9a-f]{2}:){7,}[0-9a-f]{2}$")))
LEASE = re.compile(r"^([^ ]+)/([A-Za-z0-9]{24})$")
KEY_IDS = {"subject_key_id", "authority_key_id"}
TIMES = {"expiration", "not_before", "not_after", "revocation_time", "creation_time",
         "issue_time", "expire_time", "last_renewal", "last_renewal_time", "expiration_time",
         "last_updated_time", "time_started", "time_finished", "server_time_utc",
         "revocation_time_rfc3339", "last_auto_tidy_finished"}
COUNTING = {"ttl", "lease_duration"}
HEADERS = ("Content-Type", "Cache-Control", "Retry-After", "WWW-Authenticate", "Location")
GONE = object()


class Missing(Exception):
    """An earlier answer did not have what a request names."""


def seconds(value):
    """Since 1970; None for what is no time. 0 and "" are None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value or None
    if isinstance(value, str) and re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", value):
        text = re.sub(r"(\.\d{1,6})\d*", r"\1", value).replace("Z", "+00:00")
        try:
            return datetime.datetime.fromisoformat(text).timestamp()
        except ValueError:
            return None
    return None


def without_copies(answer):
    """Some answers of sys/ have the members of data at their top too."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict) or not data:
        return answer
    if any(answer.get(k, GONE) != v for k, v in data.items()):
        return answer
    return dict({k: v for k, v in answer.items() if k not in data}, copies=True)


def kind_of(key, value):
    if key in KEY_IDS and value:
        return "key id", value.replace(":", "")
    for kind, pattern in KINDS:
        if pattern.match(value):
            return kind, value
    lease = LEASE.match(value) if key in ("lease_id", "id") else None
    return ("lease of " + lease[1], lease[2]) if lease else (None, value)


def short(value):
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    return text if len(text) < 400 else text[:400] + "…"


class Comparison:
    """Of the answers to one request."""

    def __init__(self, pair, began):
        self.pair, self.began = pair, began
        self.found = []

    def differ(self, where, ours, theirs):
        self.found.append((where or "answer", short("absent" if ours is GONE else ours),
                           short("absent" if theirs is GONE else theirs)))

    def any(self, where, a, b, key=""):
        if isinstance(a, der.Opaque) and isinstance(b, der.Opaque):
            # How many lists were made before is everyone's own.
            if a.kind != b.kind or (a.kind != "number of a list" and
                                    not self.pair.same_name(a.kind, a.value, b.value)):
                self.differ(where, a, b)
        elif isinstance(a, der.Time) and isinstance(b, der.Time):
            if a.kind != b.kind or not self.near(a.value, b.value):
                self.differ(where, a, b)
        elif isinstance(a, dict) and isinstance(b, dict):
            self.members(where, a, b)
        elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
            self.lists(where, a, b, key)
        elif isinstance(a, str) and isinstance(b, str):
            self.texts(where, a, b, key)
        elif key in TIMES and seconds(a) and seconds(b) and type(a) is type(b):
            if not self.near(seconds(a), seconds(b)):
                self.differ(where, a, b)
        elif type(a) is not type(b) or a != b:
            self.differ(where, a, b)

    def near(self, a, b):
        return abs((a - self.began[0]) - (b - self.began[1])) <= \
            self.pair.slack + self.pair.apart

    def members(self, where, a, b):
        theirs = self.renamed(a, b)
        counting = "creation_time" in a or "issue_time" in a or "client_token" in a or \
            a.get("lease_id")
        for k in sorted(set(a) | set(theirs)):
            at = "%s.%s" % (where, k if kind_of("", k)[0] is None else "ID") if where else k
            x, y = a.get(k, GONE), theirs.get(k, GONE)
            if x is GONE or y is GONE:
                self.differ(at, x, y)
            elif k in COUNTING and counting and isinstance(x, int) and isinstance(y, int) and \
                    min(x, y) > 0 and abs(x - y) <= self.pair.slack:
                continue
            else:
                self.any(at, x, y, k)

    def renamed(self, a, b):
        """The other side's members under our names, where names are ids."""
        if not any(kind_of("", k)[0] for k in b):
            return b
        out, rest = {}, []
        for k, v in b.items():
            mine = self.pair.name_of(kind_of("", k)[0], k)
            if mine is not None and mine in a:
                out[mine] = v
            else:
                rest.append(k)
        free = [k for k in a if k not in out]
        for mine, k in zip(sorted(free), sorted(rest)):
            same = kind_of("", mine)[0] == kind_of("", k)[0]
            if same and len(free) == 1 and len(rest) == 1:
                self.pair.same_name(kind_of("", k)[0], mine, k)
            out[mine if same else k] = b[k]
        for k in rest[len(free):]:
            out[k] = b[k]
        return out

    def lists(self, where, a, b, key):
        ids = [kind_of("", x)[0] if isinstance(x, str) else None for x in list(a) + list(b)]
        if key.endswith("warnings") or key == "errors":
            return self.words(where, a, b, key)
        if len(a) != len(b):
            return self.differ(where, a, b)
        if ids and None not in ids and key in ("keys", "keys_info"):
            return self.members(where, {x: "" for x in a}, {x: "" for x in b})
        for i, (x, y) in enumerate(zip(a, b)):
            self.any("%s.%d" % (where, i), x, y, key)
        return None

    def words(self, where, a, b, key):
        table = words.ERRORS if key == "errors" else words.WARNINGS
        x, y = words.kinds(a, table), words.kinds(b, table)
        if x != y:
            self.differ(where, "%s: %s" % (x, short(a)), "%s: %s" % (y, short(b)))

    def texts(self, where, a, b, key):
        if a == b:
            return
        if "-----BEGIN" in a and "-----BEGIN" in b:
            self.pems(where, a, b)
            return
        if key in TIMES and seconds(a) and seconds(b):
            if not self.near(seconds(a), seconds(b)):
                self.differ(where, a, b)
            return
        kinds = kind_of(key, a), kind_of(key, b)
        if kinds[0][0] and kinds[0][0] == kinds[1][0]:
            if not self.pair.same_name(kinds[0][0], kinds[0][1], kinds[1][1]):
                self.differ(where, "another %s: %s" % kinds[0], "%s" % kinds[1][1])
            return
        try:
            views = [der.of_type(base64.b64decode(t, validate=True)) for t in (a, b)]
        except (binascii.Error, ValueError):
            views = [None, None]
        if None in views:
            self.differ(where, a, b)
        else:
            self.any(where, *views)

    def pems(self, where, a, b):
        (x, rest_a), (y, rest_b) = der.pem(a), der.pem(b)
        if rest_a != rest_b or [v[0] for v in x] != [v[0] for v in y]:
            self.differ(where, "%s %r" % ([v[0] for v in x], rest_a),
                        "%s %r" % ([v[0] for v in y], rest_b))
            return
        for i, (p, q) in enumerate(zip(x, y)):
            self.any(where + ("#%d" % i if len(x) > 1 else ""), p[1], q[1])

    def bodies(self, a, b):
        if not a or not b:
            if a != b:
                self.differ("body", a.decode("latin-1"), b.decode("latin-1"))
            return
        try:
            return self.any("", *(without_copies(json.loads(x)) for x in (a, b)))
        except ValueError:
            pass
        if a[:5] == b[:5] == b"-----":
            return self.pems("body", a.decode(), b.decode())
        views = der.of_type(a), der.of_type(b)
        if None not in views:
            return self.any("body", *views)
        if a != b:
            self.differ("body", a.decode("latin-1"), b.decode("latin-1"))
        return None

    def answers(self, ours, theirs):
        if ours[0] != theirs[0]:
            said = [t[2][:200].decode("latin-1") for t in (ours, theirs)]
            self.differ("status", "%d %s" % (ours[0], said[0]), "%d %s" % (theirs[0], said[1]))
            return
        for name in HEADERS:
            if ours[1].get(name) != theirs[1].get(name):
                self.differ("header " + name, ours[1].get(name, "absent"),
                            theirs[1].get(name, "absent"))
        self.bodies(ours[2], theirs[2])


class Pair:
    def __init__(self, log=None):
        self.apis = [Api.ours(), Api.openbao()]
        self.pool = concurrent.futures.ThreadPoolExecutor(2)
        self.names = {}
        self.kept = [{}, {}]
        self.known = known.load()
        self.section = ""
        self.counts = {"same": 0, "documented": 0, "not yet": 0, "different": 0}
        self.sections = {}
        self.slack = 2.0
        self.apart = int(os.environ.get("DIFFERENTIAL_APART", "0"))
        self.log = open(log, "w", encoding="utf-8") if log else None

    # --- renaming ---
    def same_name(self, kind, ours, theirs):
        forth, back = self.names.setdefault(kind, ({}, {}))
        if ours not in forth and theirs not in back:
            forth[ours], back[theirs] = theirs, ours
        return forth.get(ours) == theirs and back.get(theirs) == ours

    def name_of(self, kind, theirs):
        return self.names.get(kind, ({}, {}))[1].get(theirs)

    # --- what requests name of earlier answers: <<name.member.…>> ---
    def value(self, side, text):
        have = self.kept[side]
        for step in text.split("."):
            try:
                have = have[int(step)] if isinstance(have, list) else have[step]
            except (KeyError, IndexError, TypeError):
                raise Missing(text) from None
        return have

    def fill(self, side, value):
        if isinstance(value, dict):
            return {k: self.fill(side, v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(side, v) for v in value]
        if not isinstance(value, str) or "<<" not in value:
            return value
        whole = re.fullmatch(r"<<([^<>]+)>>", value)
        if whole:
            return self.value(side, whole[1])
        return re.sub(r"<<([^<>]+)>>", lambda m: str(self.value(side, m[1])), value)

    def one(self, side, method, path, body, headers):
        began = time.time()
        octets = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            answer = self.apis[side].octets(method, path, octets, headers)
        except (http.client.HTTPException, ConnectionError) as e:
            self.apis[side].connection.close()
            answer = 0, {}, ("no answer: %r" % e).encode()
        return answer, began, time.time()

    def __call__(self, name, method, path, body=None, keep=None, token=None, headers=None,
                 status_only=False):
        """Ask both, compare, count; returns whether both answered well (2xx)."""
        name = "%s/%s" % (self.section, name)
        try:
            sent = []
            for side in (0, 1):
                h = dict(headers or {})
                if token is not None:
                    h["X-Vault-Token"] = self.fill(side, token)
                sent.append((side, method, self.fill(side, path), self.fill(side, body), h))
        except Missing as e:
            self.count(name, (method, path, body), [("request", "needs %s" % e, "")], None)
            return False
        got = list(self.pool.map(lambda a: self.one(*a), sent))
        self.slack = max(self.slack, *(2 + (end - began) for _, began, end in got))
        answers = [g[0] for g in got]
        comparison = Comparison(self, [g[1] for g in got])
        comparison.answers(*([a[:1] + ({}, b"") for a in answers] if status_only else answers))
        self.count(name, sent[0][1:4], comparison.found, answers)
        good = all(a[0] in (200, 202, 204) for a in answers)
        if keep and good:
            for side in (0, 1):
                answer = json.loads(answers[side][2])
                self.keep(side, keep, answer)
        return good

    def compare(self, name, request, ours, theirs):
        """What came of another kind of request."""
        now = time.time()
        comparison = Comparison(self, [now, now])
        comparison.any("", ours, theirs)
        self.count("%s/%s" % (self.section, name), request, comparison.found, None)

    def keep(self, side, names, answer):
        """Under one name what the answer is about, or names with places in the answer."""
        if isinstance(names, str):
            self.kept[side][names] = answer.get("data") or answer.get("auth") or \
                answer.get("wrap_info")
            return
        for name, where in names.items():
            self.kept[side]["answer"] = answer
            self.kept[side][name] = self.value(side, "answer." + where)

    def times(self, offsets):
        """Moments from now on, for requests to name; the same on both sides."""
        for name, offset in offsets.items():
            text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))
            for kept in self.kept:
                kept[name] = text

    def text(self, name, path, keep):
        """A raw answer of either side, to be handed in later."""
        for side in (0, 1):
            self.kept[side][keep] = {"text": self.apis[side].raw("GET", path)[2].decode("latin-1")}

    def wrong(self, name, text):
        """A row's own check failed."""
        self.count("%s/%s" % (self.section, name), ("", "", ""), [("check", text, "")], None)

    def count(self, name, request, found, answers):
        verdict, unknown = "same", []
        for where, ours, theirs in found:
            row = next((r for r in self.known if r.covers(name, where, ours, theirs)), None)
            if row is None:
                unknown.append((where, ours, theirs))
            elif verdict != "not yet":
                verdict = "not yet" if row.kind == "not yet" else "documented"
        if unknown:
            verdict = "different"
            print("%s: %s %s %s" % (name, request[0], request[1], short(request[2])))
            for where, ours, theirs in unknown:
                print("    %s\n        ours    %s\n        OpenBao %s" % (where, ours, theirs))
            sys.stdout.flush()
        self.counts[verdict] += 1
        here = self.sections.setdefault(self.section, dict.fromkeys(self.counts, 0))
        here[verdict] += 1
        if self.log:
            self.log.write(json.dumps({
                "name": name, "request": request, "verdict": verdict, "found": found,
                "unknown": unknown,
                "status": [a[0] for a in answers] if answers else None,
                "said": [a[2].decode("latin-1")[:3000] for a in answers] if answers else None},
                default=repr) + "\n")

    def end(self, least):
        """The summary; whether the test failed, as it does with fewer requests than `least`."""
        for section, n in self.sections.items():
            print("  %-14s %5d requests, %5d same, %4d better and documented, %3d not yet, "
                  "%3d different" % (section, sum(n.values()), n["same"], n["documented"],
                                     n["not yet"], n["different"]))
        stale = 0
        for row in self.known:
            for text in sorted(row.unused):
                print("known difference %s is not there any more: %s" % (row.id, text))
                stale += 1
        n = self.counts
        print("differential: %d requests, %d same, %d better and documented, %d not yet, "
              "%d different" % (sum(n.values()), n["same"], n["documented"], n["not yet"],
                                n["different"]))
        return n["different"] > 0 or stale > 0 or sum(n.values()) < least


def environment_log():
    return os.environ.get("DIFFERENTIAL_LOG")
