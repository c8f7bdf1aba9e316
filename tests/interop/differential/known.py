#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of known differences, known.toml.

known.py --markdown    docs/differences.md, which is made of it
"""
import fnmatch
import functools
import os
import re
import sys
import tomllib

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known.toml")
# Ours is the answer that OpenBao should give; decided otherwise, and why; a thing of one side
# only that harms nobody; ours is behind.
KINDS = ("better", "chosen", "extra", "not yet")


@functools.lru_cache(maxsize=None)
def pattern(text):
    """* stands for anything; all else for itself."""
    return re.compile("^" + ".*".join(map(re.escape, text.split("*"))) + "$", re.S)


def fits(text, patterns):
    return next((p for p in patterns if pattern(p).match(text)), None)


class Row:
    def __init__(self, table):
        self.id, self.kind, self.reason = table["id"], table["kind"], table["reason"]
        self.on, self.what = table["on"], table["what"]
        self.pairs = [tuple(x) for x in
                      table.get("pairs", [(table.get("ours", "*"), table.get("theirs", "*"))])]
        self.unused = set() if table.get("sometimes") else \
            set(self.on) | {"what " + w for w in self.what} | {"pair %s, %s" % x for x in self.pairs}
        self.count = 0
        if self.kind not in KINDS or not self.on or not self.what:
            raise SystemExit("known.toml: %s: kind, on, what" % self.id)

    def covers(self, name, where, ours, theirs):
        on, what = fits(name, self.on), fits(where, self.what)
        pair = next((x for x in self.pairs if pattern(x[0]).match(ours) and
                     pattern(x[1]).match(theirs)), None)
        if None in (on, what, pair):
            return False
        self.unused -= {on, "what " + what, "pair %s, %s" % pair}
        self.count += 1
        return True


def load():
    with open(FILE, "rb") as f:
        rows = [Row(t) for t in tomllib.load(f)["known"]]
    if len({r.id for r in rows}) != len(rows):
        raise SystemExit("known.toml: an id stands twice")
    return rows


HEADS = (("better", "Where OpenBao's answer is plainly wrong"),
         ("chosen", "Decided otherwise"),
         ("extra", "On one side only"),
         ("not yet", "Not yet as it should be"))
TOP = """# Differences from OpenBao

Made from `tests/interop/differential/known.toml` (`known.py --markdown`); a test compares. The
differential test sends the same requests to Chancery and to a real OpenBao 2.7.2 and fails for a
difference that is not here, and for one that is here and not found. The reasons at more length
stand in [pki.md](pki.md) and [access.md](access.md).
"""


def markdown():
    out, rows = [TOP], load()
    for kind, head in HEADS:
        lines = ["| `%s` | %s |" % (r.id, r.reason.replace("|", "\\|"))
                 for r in rows if r.kind == kind]
        if lines:
            out += ["## %s\n" % head, "| | |\n|---|---|", *lines, ""]
    return "\n".join(out).rstrip("\n") + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["--markdown"]:
        sys.exit(__doc__)
    sys.stdout.write(markdown())
