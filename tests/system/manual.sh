#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Manual pages and completion are made from the tables: every command, key and record is in
# them, mandoc finds nothing wrong, every page that one refers to exists; bash completes what
# the table has, and so does zsh.
set -euo pipefail
chancery=$(realpath "$1")
top=$(realpath "$2/../..")
work=$(mktemp -d "${TMPDIR:-/tmp}/chancery-system-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
die() { echo "FAILED: $*"; exit 1; }
"$chancery" help --man >chancery.1
"$chancery" help >help.txt
mkdir man
"$chancery" help --pages man --json >pages.json
cmp chancery.1 man/chancery.1
cp "$top"/docs/man/*.[0-9] man
# Every command of the list has its entry, and one page has it in full.
sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' help.txt >commands
[ "$(wc -l <commands)" -gt 30 ] || die "only $(wc -l <commands) commands"
while read -r words; do
	grep -qxE "\.It Nm Cm $words( Ar .*)?" chancery.1 || die "no entry for $words"
	[ "$(grep -lxE "\.It Nm Cm $words( Ar .*)?" man/chancery-*.1 | wc -l)" = 1 ] ||
		die "not on one page: $words"
	# shellcheck disable=SC2086
	"$chancery" help $words >/dev/null || die "help $words"
	# shellcheck disable=SC2086
	"$chancery" $words --help | cmp -s - <("$chancery" help $words) || die "$words --help"
done <commands
# Documents know no others: "chancery WORDS" in a block of code, or in a line where that begins.
{
	sed -n 's/^    \(\$ \)\{0,1\}chancery //p' "$top"/README.md "$top"/docs/*.md
	# shellcheck disable=SC2016 # backquotes of Markdown
	grep -ohE '`chancery [^`]+`' "$top"/README.md "$top"/docs/*.md | sed 's/^`chancery //; s/`$//'
} >told
[ "$(wc -l <told)" -gt 80 ] || die "documents have only $(wc -l <told) commands"
while read -r line; do
	words=$(grep -oE '^[a-z]+([ -][a-z]+)*' <<<"$line") || die "documents: chancery $line"
	# A command with arguments, or a group of commands.
	awk -v w="$words " 'index(w, $0 " ") == 1 || index($0 " ", w) == 1 { ok = 1 } END { exit !ok }' commands ||
		die "documents: chancery $line"
done <told
# Every key, and every type of record.
while read -r key; do
	grep -qE "^\.It Ic (.*\.)?$key\$" man/chancery.yaml.5 || die "no $key in chancery.yaml(5)"
done < <("$chancery" config show --defaults | sed -n 's/^ *\(# \)\{0,1\}\([a-z_]*\):\( .*\)\{0,1\}$/\2/p' | sort -u | grep -vx name)
for type in LOG-OPEN INTENT SIGNED ASSUMED REVOKE ANCHOR; do
	grep -qx "\.It ${type/-/\\\\-}" man/chancery-register.5 || die "no $type in chancery-register(5)"
done
grep -qx '\.It Ic max_life.leaf' man/chancery-charter.5 || die "no max_life.leaf in chancery-charter(5)"
grep -qx '\.It Ic intermediates\[\].subject' man/chancery-plan.5 || die "no subject in chancery-plan(5)"
command -v mandoc >/dev/null || die "no mandoc (scripts/deps test)"
for page in man/*; do
	mandoc -Tlint -W warning "$page" >lint || true
	[ ! -s lint ] || { cat lint; exit 1; }
	while read -r name section; do
		case $name in
		tar | sha256sum) ;;
		*) [ -e "man/$name.$section" ] || die "$page refers to $name($section)" ;;
		esac
	done < <(sed -n 's/^\.Xr \([^ ]*\) \([0-9]\).*/\1 \2/p' "$page")
done
[ "$(find man -type f | wc -l)" -ge 20 ] || die "too few pages"
# Into a directory that has them already: none is overwritten.
! "$chancery" help --pages man 2>/dev/null || die "pages were overwritten"

# --- completion -------------------------------------------------------------------------------
! "$chancery" help --completion fish 2>err || die "fish"
grep -q "bash or zsh" err
"$chancery" help --completion bash >complete.bash
cat >drive.bash <<'END'
source ./complete.bash
# completes WORD…: what the last one becomes, sorted.
completes() {
	COMP_WORDS=(chancery "$@") COMP_CWORD=$#
	_chancery
	printf '%s\n' "${COMPREPLY[@]}" | sort -u | xargs
}
END
# offers WANTED WORD…
offers() {
	local wanted=$1 got
	shift
	# shellcheck disable=SC2016
	got=$(bash -uc 'source ./drive.bash; completes "$@"' - "$@")
	[ "$got" = "$wanted" ] || die "completes $*: $got, not $wanted"
}
offers "backup" back
offers "accept bundle export follow init prove receipt show verify" register ""
offers "verify" register ver
offers "intermediate" sign inter
offers "--keep-config" restore --k
offers "--anchor" register accept --a
offers "--help --home" register accept --h
touch archive.tar
offers "archive.tar" restore arch
offers "archive.tar" register show --home arch
offers "archive.tar" restore --replace arch
offers "" nothing-like-it x
# Each command: its first word is offered, and all of its flags.
while read -r words; do
	# shellcheck disable=SC2086
	"$chancery" help $words | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort -u | xargs >flags
	# shellcheck disable=SC2086
	offers "$(cat flags)" $words --
done <commands
command -v zsh >/dev/null || die "no zsh (scripts/deps test)"
mkdir functions
"$chancery" help --completion zsh >functions/_chancery
# What zsh's own machinery makes of it: the words that it hands to compadd.
cat >drive.zsh <<'END'
fpath=($PWD/functions $fpath)
autoload -U compinit && compinit -u -d ./dump
compadd() { print -r -- "${@[@]:#-*}" >>added }
autoload -U +X bashcompinit && bashcompinit
source functions/_chancery 2>/dev/null
words=(chancery register ver) CURRENT=3
_bash_complete -F _chancery
END
zsh -f drive.zsh >zsh.out 2>&1 || true
grep -qw verify added || { cat zsh.out functions/_chancery | head -n 20; die "zsh does not complete"; }
echo "manual: good"
