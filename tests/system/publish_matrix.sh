#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Publication into a directory, killed before, after and in the middle of every operation, and
# with every operation failing: readers see the old list or the new one, whole, and the next one
# finishes. A newer list is never replaced.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
worker=$(realpath "$5")

ceremony
openssl x509 -in home/out/acme-root.pem -outform der -out issuer.der
numbers=()
for name in old new; do
	check "$chancery" crl issue --issuer acme-root --format der --out "$name.crl"
	numbers+=("$(printf '%d' "$(openssl crl -inform der -in "$name.crl" -noout -crlnumber | sed 's/.*=//')")")
done
[ "${numbers[0]}" -lt "${numbers[1]}" ] || die "numbers: ${numbers[*]}"

site=$work/site at=$work/site/m/full.crl
# put NAME NUMBER [ENV…]
put() {
	local name=$1 number=$2
	shift 2
	env "$@" "$worker" "$site" "$name.crl" "$number" issuer.der
}
put_old() { put old "${numbers[0]}"; }
put_new() { put new "${numbers[1]}" "$@"; }
# The site as it is before: empty, or with the old list.
prepare() {
	rm -rf "$site"
	mkdir "$site"
	[ "$1" = empty ] || check put_old
}
# reader WAS WHAT: sees nothing (where nothing was), the old list or the new one.
reader() {
	if [ ! -e "$at" ]; then
		[ "$1" = empty ] || die "$2: no list is there any more"
	elif ! cmp -s "$at" new.crl; then
		[ "$1" = old ] || die "$2: a list that is not the new one"
		cmp -s "$at" old.crl || die "$2: neither the old list nor the new one"
	fi
	[ -z "$(find "$site" -type f ! -name full.crl ! -name '.*')" ] || die "$2: $(find "$site" -type f)"
}
# again WAS WHAT: the next publisher finishes, and cleans up.
again() {
	check put_new
	cmp -s "$at" new.crl || die "$2: not finished"
	same "$(find "$site" -type f)" "$at" "$2: files"
	! put_old 2>said || die "$2: older over newer"
	grep -q "newer than ours" said || die "$2: $(cat said)"
	cmp -s "$at" new.crl || die "$2: the newer list was replaced"
}

# matrix WAS RULE: with that rule for the first operation, the second, … until there are no more.
matrix() {
	local was=$1 rule=$2 n rc
	for ((n = 1; n < 100; n++)); do
		prepare "$was"
		rc=0
		put_new LD_PRELOAD="$preload" FAULT_FS_PREFIX="$site" FAULT_FS_RULES="*:$rule:nth=$n" 2>said || rc=$?
		reader "$was" "$was, $rule, operation $n"
		[ "$rc" != 0 ] || break
		[ -s said ] || [ "$rc" = 137 ] || die "$was, $rule, operation $n: failed without a word"
		again "$was" "$was, $rule, operation $n"
		total=$((total + 1))
	done
	{ [ "$n" -gt 3 ] && [ "$n" -lt 100 ]; } || die "$was, $rule: $n operations"
	again "$was" "$was, $rule, all went well"
}
total=0
for was in empty old; do
	for rule in kill=before kill=after kill=torn errno=ENOSPC errno=EIO errno=EDQUOT; do
		matrix "$was" "$rule"
	done
done
echo "publish_matrix: $total publications cut short"
