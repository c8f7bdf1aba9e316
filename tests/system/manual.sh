#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manual page is made from the command table; mandoc finds nothing in it.
set -euo pipefail
chancery=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/chancery-system-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
"$chancery" help --man >chancery.1
"$chancery" help >help.txt
# Every command of the list has its entry.
sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' help.txt >commands
[ "$(wc -l <commands)" -gt 30 ] || { echo "FAILED: only $(wc -l <commands) commands"; exit 1; }
while read -r words; do
	grep -qxE "\.It Nm Cm $words( Ar .*)?" chancery.1 || { echo "FAILED: no entry for $words"; exit 1; }
	# shellcheck disable=SC2086
	"$chancery" help $words >/dev/null || { echo "FAILED: help $words"; exit 1; }
	# shellcheck disable=SC2086
	"$chancery" $words --help | cmp -s - <("$chancery" help $words) ||
		{ echo "FAILED: $words --help"; exit 1; }
done <commands
command -v mandoc >/dev/null || { echo "FAILED: no mandoc (scripts/deps test)"; exit 1; }
mandoc -Tlint -W warning chancery.1 >lint || true
[ ! -s lint ] || { cat lint; exit 1; }
echo "manual: good"
