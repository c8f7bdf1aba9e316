#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package_inside.sh FIRST SECOND: in the chroot of package_view.sh, as root.
set -euo pipefail
first=$1 second=$2
home=/var/lib/chancery
die() { echo "FAILED: $*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || die "$3: $1, not $2"; }
quiet() { "$@" >/tmp/out 2>&1 || { cat /tmp/out >&2; die "$*"; }; }
export DEBIAN_FRONTEND=noninteractive
unset CHANCERY_HOME SOFTHSM2_CONF

quiet dpkg -i "$first"
same "$(dpkg-query -W -f='${db:Status-Status}' chancery)" installed "status"
quiet dpkg -i "$first" # again: nothing to do
quiet id chancery-server
quiet id chancery-signer
same "$(stat -c '%U %a' $home/pins)" "root 700" "pins"
same "$(stat -c '%U %G %a' /var/log/chancery)" "chancery-server adm 750" "log directory"
man -w 8 chanceryd >/dev/null || die "man chanceryd"
! chancery config check --home $home >/tmp/out 2>&1 || die "the package's configuration is complete"
grep -q 'origin' /tmp/out || die "does not say what is missing: $(cat /tmp/out)"

# --- units ------------------------------------------------------------------------------------
units=/usr/lib/systemd/system
mkdir -p /tmp/units
for unit in "$units"/chancery-renew@*; do
	sed 's/%i/broker/g' "$unit" >"/tmp/units/$(basename "${unit/@/@broker}")"
done
readarray -t whole < <(find "$units" -name "chancery*" ! -name "*@*" | sort)
for unit in "${whole[@]}" /tmp/units/*; do
	systemd-analyze verify "$unit" >/tmp/out 2>&1 || { cat /tmp/out >&2; die "verify $unit"; }
	! grep -q "chancery" /tmp/out || { cat /tmp/out >&2; die "verify $unit"; }
done
for unit in chanceryd.service:27 chancery-backup.service:20 chancery-renew@.service:45 \
	chancery-connect.service:12 chancery-{signer,keygen,server}.service:10 chancery-publisher.service:17; do
	systemd-analyze security --offline=true --threshold="${unit#*:}" "$units/${unit%:*}" >/tmp/out 2>&1 ||
		{ cat /tmp/out >&2; die "exposure of ${unit%:*} above ${unit#*:} tenths"; }
	tail -n 1 /tmp/out
done

# --- as README.Debian says -----------------------------------------------------------------------
cat >>/etc/chancery/chancery.yaml <<END
origin: acme.example/package
module: /usr/lib/softhsm/libsofthsm2.so
soft_token_dir: tokens
tokens:
  ca: { uri: "pkcs11:token=acme-ca", pin: "file:pins/ca", role: ca, charter: open }
  log: { uri: "pkcs11:token=acme-log", pin: "file:pins/log", role: log }
END
sed -i 's/127.0.0.1:8200/127.0.0.1:0/' /etc/chancery/chancery.yaml
for token in ca log; do
	echo 7312009481 | install -m 600 /dev/stdin $home/pins/$token
done
quiet chancery config check --home $home
quiet chancery init --home $home
same "$(stat -c %U $home/register $home/store | xargs)" "chancery-signer chancery-server" "owners"

# With what the unit leaves: capabilities, no new privileges; and every system call is in its list.
bounding=$(sed -n 's/^CapabilityBoundingSet=//p' $units/chanceryd.service | sed 's/CAP_//g; s/ /,+/g' | tr '[:upper:]' '[:lower:]')
confined=(setpriv --no-new-privs "--bounding-set=-all,+$bounding" "--inh-caps=-all")
mkdir -p /run/chancery
quiet /bin/bash /mnt/package_run.sh $home /usr/bin/chanceryd "${confined[@]}"
grep -q 'one a room' /tmp/out || { cat /tmp/out; die "the rooms share a user"; }
same "$(stat -c %U /var/log/chancery/access.jsonl)" chancery-server "owner of the access log"
quiet /bin/bash /mnt/package_run.sh $home /usr/bin/chanceryd strace -f -qq -o /tmp/trace -e signal=none
allowed=$(systemd-analyze syscall-filter | awk '
	/^@/ { group = $1 } /^    [a-z@]/ { print group, $1 }')
expand() {
	awk -v g="$1" '$1 == g { print $2 }' <<<"$allowed" | while read -r call; do
		case $call in
		@*) expand "$call" ;;
		*) echo "$call" ;;
		esac
	done
}
read -ra filter < <(sed -n 's/^SystemCallFilter=//p' $units/chanceryd.service)
for call in "${filter[@]}"; do
	case $call in
	@*) expand "$call" ;;
	*) echo "$call" ;;
	esac
done | sort -u >/tmp/allowed
sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' /tmp/trace | sort -u >/tmp/used
[ "$(wc -l </tmp/used)" -gt 40 ] || die "the trace has only $(wc -l </tmp/used) calls"
missing=$(comm -23 /tmp/used /tmp/allowed | xargs)
same "$missing" "" "system calls that the unit forbids"

# --- rooms as units of their own, each with its unit's user and nothing else ------------------------
quiet /bin/bash /mnt/package_units.sh $home /mnt/service_units.py
same "$(find $home/register $home/store ! -user chancery-signer ! -user chancery-server)" "" "files of others after the units"

# --- a backup, as the timer makes it -----------------------------------------------------------------
quiet /usr/libexec/chancery/chancery-backup-daily
same "$(find /var/backups/chancery -type f | wc -l)" 1 "backups"
same "$(find $home/register $home/store ! -user chancery-signer ! -user chancery-server)" "" "files of root"

# --- upgrade: configuration and data stay -----------------------------------------------------------------
config=$(sha256sum </etc/chancery/chancery.yaml)
records=$(cat $home/register/log/*.jsonl | wc -l)
quiet dpkg -i "$second"
same "$(dpkg-query -W -f='${Version}' chancery)" "$(dpkg-deb -f "$second" Version)" "version"
same "$(sha256sum </etc/chancery/chancery.yaml)" "$config" "configuration after the upgrade"
quiet /bin/bash /mnt/package_run.sh $home /usr/bin/chanceryd "${confined[@]}"
[ "$(cat $home/register/log/*.jsonl | wc -l)" -gt "$records" ] || die "nothing was signed after the upgrade"
same "$(find $home/register $home/store ! -user chancery-signer ! -user chancery-server)" "" "files of root"

# --- the home on another machine: a fresh package, the backup ---------------------------------------------
newest=$(echo /var/backups/chancery/*.tar)
mv $home /var/lib/chancery.lost
systemd-tmpfiles --create chancery.conf
cp -a /var/lib/chancery.lost/pins /var/lib/chancery.lost/tokens $home/
quiet chancery restore "$newest" --home $home --keep-config
same "$(stat -c %U $home/register $home/store | xargs)" "chancery-signer chancery-server" "owners of what was restored"
quiet /bin/bash /mnt/package_run.sh $home /usr/bin/chanceryd "${confined[@]}"

# --- remove and purge ----------------------------------------------------------------------------------------
quiet dpkg -r chancery
same "$(ls -d /usr/bin/chanceryd /usr/libexec/chancery 2>/dev/null)" "" "programs after the removal"
same "$(sha256sum </etc/chancery/chancery.yaml)" "$config" "configuration after the removal"
[ -s $home/register/checkpoint ] || die "register after the removal"
quiet dpkg -P chancery
same "$(ls -d /etc/chancery /var/log/chancery /etc/logrotate.d/chancery 2>/dev/null)" "" "left after the purge"
[ -s $home/register/checkpoint ] || die "the register went with the purge"
grep -q 'stay in /var/lib/chancery' /tmp/out || die "the purge does not say what stays"
same "$(dpkg-query -W -f='${db:Status-Status}' chancery 2>/dev/null || echo none)" none "status after the purge"
