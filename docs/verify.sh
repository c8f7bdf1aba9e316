#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verify.sh VKEY CHECKPOINT [PROOF RECORD]: the signature of a checkpoint by the log key
# VKEY, and that RECORD (a line of the log) is in that log, by PROOF as "chancery register
# prove" prints it. Needs openssl 3 and standard tools, nothing of ours. C2SP signed-note
# and tlog-checkpoint, RFC 9162 2.1.3.2. Exit status 0: good; else 1 and the reason.
# shellcheck disable=SC2013,SC2015 # base64 has no blanks; bad() does not return
set -euf; export LC_ALL=C; d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
bad() { echo "verify: $1" >&2; exit 1; }; b64() { printf %s "$1" | openssl base64 -d -A; }
sha() { openssl dgst -sha256 -binary | openssl base64 -A; }
name=${1%%+*} id=${1#*+} key=${1#*+*+} good=0
{ printf '0*0\005\006\003+ep\003!\000'; b64 "$key" | tail -c 32; } >"$d/key" # RFC 8410 SubjectPublicKeyInfo
awk '{ l[NR] = $0 } $0 == "" { e = NR } END { for (i = 1; i < e; i++) print l[i] }' "$2" >"$d/text"
{ read -r log && read -r size && read -r root; } <"$d/text" && [ "$log" = "$name" ] || bad "not a checkpoint of $name"
for s in $(N=$name awk '$1 == "—" && $2 == ENVIRON["N"] { print $3 }' "$2"); do
	[ "$(b64 "$s" | od -An -tx1 -N4 | tr -d ' ')" = "${id%%+*}" ] || continue # another key
	b64 "$s" | tail -c +5 >"$d/sig"; good=1
	openssl pkeyutl -verify -pubin -keyform DER -inkey "$d/key" -rawin -in "$d/text" -sigfile "$d/sig" >"$d/out" || bad 'wrong signature'
done; [ $good = 1 ] || bad 'no signature by this key'; [ $# -gt 2 ] || exit 0
exec <"$3"; read -r a fn; read -r b of; read -r c to; case $fn:$size in *[!0-9:]* | :* | 0?*:* | *:0*) bad 'number' ;; esac
[ "$a $b $c $of $to" = "index size root $size $root" ] && [ "$fn" -lt "$size" ] || bad 'proof for another checkpoint'
sn=$((size - 1)) h=$({ printf '\000'; tr -d '\n' <"$4"; } | sha)
while read -r p; do [ $sn != 0 ] || bad 'proof too long'
	while [ $((fn & 1 | fn ^ sn)) = 0 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done # no sibling at this height
	if [ $((fn & 1)) = 1 ]; then l=$p r=$h; else l=$h r=$p; fi
	h=$({ printf '\001'; b64 "$l"; b64 "$r"; } | sha) fn=$((fn >> 1)) sn=$((sn >> 1))
done; [ $sn = 0 ] && [ "$h" = "$root" ] || bad 'the record is not in the log'
