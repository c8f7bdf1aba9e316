#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh BUILD-DIRECTORY: the Debian package is made, looked at, installed, upgraded, removed
# and purged. As root in a copy-on-write view of this machine, with dpkg's own database; and with
# dpkg --root into an empty directory. Nothing outside of the temporary directory changes.
set -euo pipefail
build=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d "${TMPDIR:-/tmp}/chancery-package-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
die() { echo "FAILED: $*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || die "$3: $1, not $2"; }
for tool in cpack dpkg-shlibdeps dpkg-deb systemd-analyze strace readelf curl; do
	command -v "$tool" >/dev/null || die "no $tool (scripts/deps test)"
done
host_before=$(ls -la /etc/passwd /etc/chancery /usr/bin/chanceryd 2>&1 || true)

for release in 1 2; do
	(cd "$build" && cpack -G DEB -B "$work/$release" -D CPACK_DEBIAN_PACKAGE_RELEASE=$release) >cpack.log 2>&1 ||
		{ cat cpack.log >&2; die "cpack"; }
done
first=$(echo "$work"/1/chancery_*-1_*.deb) second=$(echo "$work"/2/chancery_*-2_*.deb)

# --- what lintian would ask ---------------------------------------------------------------------
dpkg-deb -R "$first" tree
same "$(cd tree && find . -mindepth 1 -maxdepth 1 -printf '%P\n' | sort | xargs)" "DEBIAN etc usr" "top of the package"
same "$(cd tree && find etc -type f -printf '/%p\n' | sort)" "$(sort tree/DEBIAN/conffiles)" "conffiles"
(cd tree && md5sum --quiet --strict -c DEBIAN/md5sums) || die "md5sums"
same "$(dpkg-deb -c "$first" | awk '{print $2}' | sort -u)" "root/root" "owners"
same "$(dpkg-deb -c "$first" | awk '{print $1}' | sort -u | xargs)" "-rw-r--r-- -rwxr-xr-x drwxr-xr-x" "modes"
for script in postinst prerm postrm; do
	sh -n "tree/DEBIAN/$script" || die "$script"
	grep -qx 'set -e' "tree/DEBIAN/$script" || die "$script goes on after a failure"
done
for program in tree/usr/bin/* tree/usr/libexec/chancery/chancery-[ps]*; do
	readelf -h "$program" | grep -q 'DYN (Position' || die "$program: not position-independent"
	readelf -d "$program" | grep -q 'BIND_NOW\|Flags: NOW' || die "$program: no immediate binding"
	readelf -l "$program" | grep -q GNU_RELRO || die "$program: no relro"
	! readelf -l "$program" | grep GNU_STACK -A 1 | grep -q RWE || die "$program: executable stack"
	! readelf -d "$program" | grep -q 'RPATH\|RUNPATH' || die "$program: a path of the build"
	! readelf -S "$program" | grep -q '\.symtab\|\.debug_info' || die "$program: not stripped"
	name=$(basename "$program")
	[ -s "$(echo tree/usr/share/man/man[18]/"$name".[18].gz)" ] || die "$name: no manual page"
done
for file in tree/usr/share/man/*/* tree/usr/share/doc/chancery/changelog.gz; do
	gzip -t "$file" || die "$file"
	[ "$(od -An -tu4 -j4 -N4 "$file" | xargs)" = 0 ] || die "$file: a time in it"
done
[ "$(find tree/usr/share/man -name '*.gz' | wc -l)" -ge 20 ] || die "manual pages"
head -n 1 tree/usr/share/doc/chancery/copyright | grep -q '^Format: ' || die "copyright"
zcat tree/usr/share/doc/chancery/changelog.gz | grep -q '^chancery (.*-1) ' || die "changelog"
description=$(dpkg-deb -f "$first" Description | head -n 1)
[ ${#description} -le 80 ] || die "synopsis"
dpkg-deb -f "$first" Depends | grep -q 'libssl3.*libyaml\|libyaml.*libssl3' || die "dependencies"
dpkg --compare-versions "$(dpkg-deb -f "$second" Version)" gt "$(dpkg-deb -f "$first" Version)" || die "versions"

# --- dpkg --root: what the scripts make of an empty directory ---------------------------------------
if [ "$(id -u)" = 0 ]; then
	mkdir -p root/var/lib/dpkg root/etc
	options=(--root="$work/root" --force-depends --force-script-chrootless)
	touch root/var/lib/dpkg/status root/var/lib/dpkg/available
	printf 'root:x:0:0::/:/bin/sh\n' >root/etc/passwd
	printf 'root:x:0:\nadm:x:4:\n' >root/etc/group
	dpkg "${options[@]}" -i "$first" >dpkg.log 2>&1 || { cat dpkg.log >&2; die "dpkg --root"; }
	grep -q '^chancery-signer:' root/etc/passwd || die "no user in the scratch root"
	[ -L root/var/lib/chancery/chancery.yaml ] || die "no home in the scratch root"
	same "$(stat -c %a root/var/lib/chancery/pins)" 700 "mode of pins"
	dpkg "${options[@]}" -P chancery >dpkg.log 2>&1 || { cat dpkg.log >&2; die "dpkg --root -P"; }
	same "$(find root -path '*chancery*' ! -path '*/dpkg/*' ! -path '*/systemd/*')" "" "left after a purge"
	# --- in a view of this machine ------------------------------------------------------------
	unshare --mount "$here/package_view.sh" "$work" "$first" "$second" || die "in a view of this machine"
else
	# Without root: the programs at least run from where the package has them.
	PATH=$work/tree/usr/bin:$PATH "$here/package_run.sh" "$work/home" "$work/tree/usr/bin/chanceryd" ||
		die "run from the package's tree"
fi
same "$(ls -la /etc/passwd /etc/chancery /usr/bin/chanceryd 2>&1 || true)" "$host_before" "this machine"
echo "package: good"
