#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The register in hands that want to hide something, and in those that only want to go on:
# each change by hand is found and named, a rollback is refused, and an operator's word is
# recorded before anything starts again.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cp "$data/plan/acme-root.yaml" plan.yaml
mkdir disk
echo "anchor_dir: disk/anchors" >>plan.yaml
make_tokens
rehearse
words plan.yaml >typed
check "$chancery" ceremony run plan.yaml --home home <typed
export CHANCERY_HOME=$work/home
reissue() { "$chancery" crl issue --issuer acme-root --out "$1"; }
records() { "$chancery" register verify --json | field records; }
[ "$(find disk -name '*.anchor' | wc -l)" = 1 ] || die "no anchor"
check reissue 2.crl

# --- lines changed by hand: the first wrong one is named ------------------------------------
cat >edit.py <<'PY'
import sys
what, n, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
lines = open(path, "rb").read().split(b"\n")[:-1]
if what == "flip":
    line = bytearray(lines[n])
    line[len(line) // 2] ^= 1
    lines[n] = bytes(line)
elif what == "delete":
    del lines[n]
elif what == "swap":
    lines[n], lines[n + 1] = lines[n + 1], lines[n]
elif what == "twice":
    lines.insert(n, lines[n])
elif what == "insert":
    lines.insert(n, b"{}")
elif what == "space":
    lines[n] = lines[n].replace(b":", b": ", 1)
elif what == "cr":
    lines[n] += b"\r"
elif what == "cut":
    lines = lines[:n]
open(path, "wb").write(b"\n".join(lines) + b"\n")
PY
log=home/register/log/000001.jsonl
cp -a home good
while read -r code what n text; do
	python3 edit.py "$what" "$n" "$log"
	fails "$code" "$text" "$chancery" register verify
	cp "good/register/log/000001.jsonl" "$log"
done <<-'END'
	84 flip 0 record 0
	84 flip 12 record 12
	84 flip 20 record 20
	84 delete 0 record 0:
	84 delete 9 record 9: the line says n = 10
	84 swap 11 record 11: the line says n = 12
	84 twice 5 record 6: the line says n = 5
	84 insert 20 record 20:
	84 space 4 record 4
	84 cr 3 record 3
	85 cut 25 remembers
END
# Other files: one octet is another letter of base64.
while read -r code at file text; do
	python3 - "home/$file" "$at" <<-'PY'
	import sys
	b = bytearray(open(sys.argv[1], "rb").read())
	at = int(sys.argv[2])
	b[at] = ord("A") if b[at] != ord("A") else ord("B")
	open(sys.argv[1], "wb").write(b)
	PY
	fails "$code" "$text" "$chancery" register verify
	cp "good/$file" "home/$file"
done <<-'END'
	84 100 register/tree/0 record 3: hash tile
	87 -5 register/checkpoint checkpoint: wrong signature
	87 60 register/checkpoint checkpoint: wrong signature
	87 -5 register/checkpoints/00000000000000000002 checkpoints/00000000000000000002
END
check "$chancery" register verify
fails 66 "no register" env CHANCERY_HOME="$work/home" "$chancery" register verify nowhere
# A writer that finds a changed line does not start either.
python3 edit.py flip 12 "$log"
fails 84 "hash of the line before" reissue 3.crl
cp "good/register/log/000001.jsonl" "$log"
[ ! -e 3.crl ] || die "a CRL from a damaged register"

# --- the home rolled back, the anchor not ------------------------------------------------------
rm -rf good
cp -a home good
check reissue 3.crl
newest=$(records)
mv home newer
cp -a good home
fails 85 "remembers $newest records" reissue 4.crl
grep -q "register accept --anchor" fails.err || die "does not say what to do"
fails 85 "remembers $newest records" "$chancery" register verify
[ ! -e 4.crl ] || die "a CRL after a rollback"
rm -rf home
mv newer home
check "$chancery" register verify
# The newest is lost for good: an operator says so, once.
rm -rf home
cp -a good home
fails 64 "--why" "$chancery" register accept --anchor
fails 64 "--clock or --anchor" "$chancery" register accept --why "no flag"
check "$chancery" register accept --anchor --why "the disk burnt"
same "$("$chancery" register show --type ANCHOR --json | grep -c "the disk burnt")" 1 "ANCHOR records"
check reissue 4.crl
check "$chancery" register verify

# --- the other disk is not there ----------------------------------------------------------------
mv disk/anchors away
fails 66 "mounted" reissue 5.crl
[ ! -e disk/anchors ] || die "the anchor's directory was made"
mv away disk/anchors
check reissue 5.crl

# --- two writers ------------------------------------------------------------------------------------
python3 - home/register/lock ready <<'PY' &
import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", 1, 0, 0, 0, 0))  # F_OFD_SETLK, F_WRLCK
open(sys.argv[2], "w").close()
while os.path.exists(sys.argv[2]):
    time.sleep(0.05)
PY
holder=$!
for _ in {1..200}; do
	[ ! -e ready ] || break
	sleep 0.05
done
fails 75 "locked by another process" reissue 6.crl
check "$chancery" cert list
check "$chancery" register verify
rm ready
wait "$holder"
check reissue 6.crl

# --- the clock ------------------------------------------------------------------------------------------
# Not under a sanitizer: its runtime refuses to start behind a preloaded library.
if ! ldd "$chancery" | grep -qE "lib[at]san"; then
	export FAKETIME_DONT_FAKE_MONOTONIC=1
	fails 86 "behind the last record" faketime -f -2d "$chancery" crl issue --issuer acme-root --out 7.crl
	grep -q "register accept --clock" fails.err || die "does not say what to do"
	check faketime -f +700d "$chancery" key custody acme-root
	fails 86 "behind the last record" reissue 8.crl
	check "$chancery" register accept --clock --why "the battery was empty"
	check reissue 8.crl
	same "$("$chancery" register show --type CLOCK --json | grep -c "battery")" 1 "CLOCK records"
	check "$chancery" register verify
	fails 77 "expired" faketime -f +8000d "$chancery" crl issue --issuer acme-root --out 9.crl
	check "$chancery" register accept --clock --why "a test"
fi
# --- somebody with the PIN signed past the register ---------------------------------------------------
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout f.key -out f.csr \
	-subj "/CN=foreign" 2>/dev/null
# More distribution points than anybody expects.
uris=$(printf ',URI:http://crl%d.example/partition-%d.crl' {1..40})
echo "crlDistributionPoints=${uris#,}" >f.ext
SOFTHSM2_CONF=$work/tokens/softhsm2.conf PKCS11_MODULE_PATH=$module openssl x509 -req -in f.csr \
	-CA home/out/acme-root.pem -engine pkcs11 -CAkeyform engine \
	-CAkey "pkcs11:token=acme-ca;object=acme-root;type=private;pin-value=48210937" \
	-set_serial 0x1234567890abcdef -extfile f.ext -out foreign.pem 2>engine.err ||
	{ cat engine.err; die "the engine"; }
check "$chancery" revoke --cert foreign.pem --reason keyCompromise --why "not in the register"
fails 73 "already revoked" "$chancery" revoke --cert foreign.pem --reason superseded
check reissue 9.crl
fails 2 "certificate revoked" openssl verify -crl_check -CRLfile 9.crl -CAfile home/out/acme-root.pem foreign.pem
check "$chancery" register verify
echo "auditor: good"
