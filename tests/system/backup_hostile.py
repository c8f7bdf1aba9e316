#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""backup_hostile.py CHANCERY ARCHIVE: variations of a good archive. Each has to be refused for
its reason, and nothing may be left, inside of the home or outside."""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

chancery, archive = sys.argv[1:]
ROOT = "chancery-backup/"
with tarfile.open(archive) as t:
    good = [(m.name, m.mode, m.mtime, t.extractfile(m).read()) for m in t.getmembers()]
MTIME = good[0][2]


def pack(members, end=b""):
    """(name, mode, mtime, data or a TarInfo) in the form of the original."""
    out = io.BytesIO()
    for name, mode, mtime, data in members:
        info = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
        info.mode, info.mtime = mode, mtime
        body = b"" if isinstance(data, tarfile.TarInfo) else data
        info.size = len(body)
        # Python writes zeros where a device has no number, others "0000000".
        header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
        header[329:345] = b"0000000\0" * 2
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        out.write(header + body + b"\0" * (-len(body) % 512))
    return out.getvalue() + b"\0" * 1024 + end


def sealed(members):
    """With SHA256SUMS and a manifest that are right for these members."""
    kept = [m for m in members if m[0] not in (ROOT + "SHA256SUMS", ROOT + "manifest.json")]
    sums = "".join("%s  %s\n" % (hashlib.sha256(d).hexdigest(), n[len(ROOT):])
                   for n, _, _, d in kept if isinstance(d, bytes)).encode()
    manifest = json.loads(good[-1][3])
    manifest["files"] = len(kept)
    manifest["bytes"] = sum(len(d) for _, _, _, d in kept if isinstance(d, bytes))
    manifest["sums"] = hashlib.sha256(sums).hexdigest()
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return kept + [(ROOT + "SHA256SUMS", 0o644, MTIME, sums),
                   (ROOT + "manifest.json", 0o644, MTIME, text.encode() + b"\n")]


def with_file(name, data=b"x", mode=0o600):
    return sealed(good[:-2] + [(name, mode, MTIME, data)])


def changed(name, change):
    return [(n, mode, t, change(d) if n == ROOT + name else d) for n, mode, t, d in good]


def special(kind, target="/etc/passwd"):
    info = tarfile.TarInfo(ROOT + "crl/x")
    info.type, info.linkname = kind, target
    return good[:-2] + [(info.name, 0o600, MTIME, info)] + good[-2:]


log = next(n for n, *_ in good if n.endswith("000001.jsonl") and "/log/" in n)[len(ROOT):]
whole = pack(good)
assert whole == open(archive, "rb").read(), "the archive is not packed as this program packs"
assert pack(sealed(good)) == whole, "the manifest is not made as this program makes it"


def flip(text, at):
    return text[:at] + bytes([text[at] ^ 1]) + text[at + 1:]


def drop_line(text):
    lines = text.splitlines(True)
    return b"".join(lines[:3] + lines[4:])


CASES = [
    ("empty", b"", "cut off"),
    ("one block", whole[:512], "cut off"),
    ("cut in the middle", whole[:len(whole) // 2], "cut off"),
    ("cut before the manifest", pack(good[:-1]), "no manifest.json behind SHA256SUMS"),
    ("cut before the hashes", pack(good[:-2]), "it ends before its SHA256SUMS"),
    ("without end", whole[:-1024], "cut off"),
    ("half an end", whole[:-512], "cut off"),
    ("something behind the end", whole + b"\0", "behind its end"),
    ("no tar", b"PK" * 4096, "no header of a tar"),
    ("a later format", pack([(n, m, t, d.replace(b"format 1", b"format 2"))
                             for n, m, t, d in good]), "this release reads 1"),
    ("no format", pack(good[1:]), "not a backup"),
    ("wrong octet", pack(changed(log, lambda d: flip(d, 100))), "SHA256SUMS"),
    ("wrong hash", pack(changed("SHA256SUMS", lambda d: flip(d, 3))), "SHA256SUMS"),
    ("wrong hash of the hashes", pack(changed("manifest.json", lambda d: d.replace(
        b'"sums":"', b'"sums":"0')[:-2] + b"}\n")), ""),
    ("manifest of another one", pack(changed("manifest.json", lambda d: d.replace(
        b'"files":', b'"files":1'))), "of another backup"),
    ("manifest with another key", pack(changed("manifest.json", lambda d: d.replace(
        b'"files"', b'"filet"'))), "not the keys"),
    ("path that leads up", pack(with_file(ROOT + "crl/../../out")), "name"),
    ("path in the middle that leads up", pack(with_file(ROOT + "register/log/../../../out")), "name"),
    ("absolute path", pack(with_file("/tmp/out")), "name"),
    ("another root", pack(with_file("elsewhere/crl/x")), "name"),
    ("empty part", pack(with_file(ROOT + "crl//x")), "name"),
    ("hidden name", pack(with_file(ROOT + "crl/.x")), "name"),
    ("control character", pack(with_file(ROOT + "crl/a\nb")), "name"),
    ("nobody's file", pack(with_file(ROOT + "etc/passwd")), "no place for such a file"),
    ("lock of a register", pack(with_file(ROOT + "register.lock")), "no place for such a file"),
    ("a PIN for no token", pack(with_file(ROOT + "pins/other")), "no place for such a file"),
    ("file below a file", pack(with_file(ROOT + "store.sqlite/x")), "no place for such a file"),
    ("a file twice", pack(with_file(ROOT + log)), "twice"),
    ("the configuration twice", pack(with_file(ROOT + "chancery.yaml")), "no place"),
    ("a directory where a file is", pack(with_file(ROOT + log + "/x")), ""),
    ("configuration not first", pack(sealed([good[0], good[2], good[1]] + good[3:])), "does not begin with"),
    ("symbolic link", pack(special(tarfile.SYMTYPE)), "plain file"),
    ("hard link", pack(special(tarfile.LNKTYPE, ROOT + "chancery.yaml")), "plain file"),
    ("device", pack(special(tarfile.CHRTYPE)), "plain file"),
    ("fifo", pack(special(tarfile.FIFOTYPE)), "plain file"),
    ("directory", pack(special(tarfile.DIRTYPE)), "name is none"),
    ("set-user-ID", pack(with_file(ROOT + "crl/x", mode=0o4755)), "out of range"),
    ("another time", pack([(n, m, t + (i == 4), d) for i, (n, m, t, d) in enumerate(good)]), "another time"),
    ("a record less", pack(sealed(changed(log, drop_line))), "record 3"),
    ("a record less at the end", pack(sealed(changed(log, lambda d: b"".join(
        d.splitlines(True)[:-1])))), ""),
    ("a record changed", pack(sealed(changed(log, lambda d: d.replace(b'"START"', b'"STARS"', 1)))), "record 1"),
    ("a checkpoint of others", pack(sealed(changed("register/checkpoint", lambda d: flip(d, 40)))), ""),
    ("no register", pack(sealed([m for m in good if "/register/" not in m[0]])), "no register"),
    ("no store", pack(sealed([m for m in good if not m[0].endswith("store.sqlite")])), "of its store"),
    ("a store that is none", pack(sealed(changed("store.sqlite", lambda d: os.urandom(8192)))), "store"),
]

before = sorted(os.listdir("."))
bad = 0
for title, data, text in CASES:
    for home in ("fresh", "empty"):
        if home == "empty":
            os.mkdir(home)
        p = subprocess.run([chancery, "restore", "-", "--home", home], input=data,
                           capture_output=True)
        said = p.stderr.decode(errors="replace")
        left = os.listdir(home) if os.path.isdir(home) else []
        if (p.returncode in (0, 70) or p.returncode < 0 or text not in said or left
                or (home == "fresh") != (not os.path.exists(home))):
            print("FAILED: %s into %s: status %d, left %s: %s"
                  % (title, home, p.returncode, left, said))
            bad += 1
            subprocess.run(["rm", "-rf", home], check=True)
        elif home == "empty":
            os.rmdir(home)
if sorted(os.listdir(".")) != before:
    print("FAILED: something was written elsewhere")
    bad += 1
print("hostile: %d archives, %d wrongly taken" % (len(CASES), bad))
sys.exit(1 if bad else 0)
