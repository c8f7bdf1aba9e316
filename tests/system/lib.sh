# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Read by the scripts beside it. A temporary directory is the working directory; it goes
# when the script ends.
set -euo pipefail
umask 077
chancery=$(realpath "$1")
data=$(realpath "$2")
# shellcheck disable=SC2034
fault=$(realpath "${3:-.}") preload=$(realpath "${4:-.}")
module=/usr/lib/softhsm/libsofthsm2.so
[ -e "$module" ] || { echo "no SoftHSM: run scripts/deps test" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/chancery-system-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
unset SOFTHSM2_CONF CHANCERY_HOME

die() { echo "FAILED: $*" >&2; exit 1; }
# check COMMAND…: must succeed; its output only when it does not.
check() {
	"$@" >"$work/check.out" 2>&1 || { cat "$work/check.out" >&2; die "$*"; }
}
# fails CODE TEXT COMMAND…: must end with that code and say that on standard error.
fails() {
	local want=$1 text=$2 rc=0
	shift 2
	"$@" >fails.out 2>fails.err || rc=$?
	[ "$rc" = "$want" ] || { cat fails.err >&2; die "exit $rc, not $want: $*"; }
	grep -qF -- "$text" fails.err || { cat fails.err >&2; die "does not say \"$text\": $*"; }
}
# same A B WHAT
same() { [ "$1" = "$2" ] || die "$3: $1, not $2"; }
# field JSON KEY: one field of an answer.
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
# rows KEY: number of elements of a list in an answer.
rows() { python3 -c 'import json,sys; print(len(json.load(sys.stdin)[sys.argv[1]]))' "$1"; }
# snapshot DIR…: names, sizes and contents, to see that nothing changed.
snapshot() { find "$@" -type f ! -name '*lock' -print0 | sort -z | xargs -0 -r sha256sum; }

# make_tokens: two tokens and their PIN files, as the example plan wants them.
make_tokens() {
	echo 7312009481 >so-pin
	echo 48210937 >pin-ca
	echo 90517264 >pin-log
	local name
	for name in ca log; do
		check "$chancery" token create --dir tokens --label "acme-$name" \
			--so-pin file:so-pin --pin "file:pin-$name"
	done
}
# words PLAN >FILE: what has to be typed, a line each.
words() {
	"$chancery" ceremony plan show "$1" --json | python3 -c '
import json, sys
for step in json.load(sys.stdin)["steps"]:
    if step["type"] != "-":
        print(step["type"])'
}
rehearse() { check "$chancery" ceremony run plan.yaml --rehearse --yes --home home; }
# a finished real ceremony in home/
ceremony() {
	cp "$data/plan/acme-root.yaml" plan.yaml
	make_tokens
	rehearse
	words plan.yaml >typed
	check "$chancery" ceremony run plan.yaml --home home <typed
	export CHANCERY_HOME=$work/home
}
