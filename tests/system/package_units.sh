#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package_units.sh HOME LAUNCHER: the rooms as units, each as its own user with no capability but
# what its unit leaves, PINs as credentials of the signer's. The home's chancery.yaml is as before at
# the end.
set -euo pipefail
home=$1 launcher=$2
run=/run/chancery
dir=$(mktemp -d)
pids=
die() { echo "FAILED: $*" >&2; tail -n 20 "$dir"/*.log >&2; exit 1; }
finish() {
	for pid in $pids; do
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	cp "$dir/chancery.yaml" /etc/chancery/chancery.yaml
	rm -rf "$dir" $run
	mkdir $run
}
trap finish EXIT
chmod 711 "$dir"
cp /etc/chancery/chancery.yaml "$dir"
sed -i 's|file:pins/|credential:|g' /etc/chancery/chancery.yaml
rm -rf $run
install -d -o chancery $run
install -d -m 500 -o chancery-signer "$dir/credentials"
for token in ca log; do
	install -m 400 -o chancery-signer "$home/pins/$token" "$dir/credentials/$token"
done
# as USER CAPABILITIES COMMAND…
as() {
	local user=$1 caps=$2
	shift 2
	exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs \
		"--inh-caps=$caps" "--ambient-caps=$caps" "--bounding-set=-all$([ "$caps" = -all ] || echo ",$caps")" "$@"
}
(as chancery +kill /usr/bin/chanceryd --home "$home" --units) 2>"$dir/connect.log" &
daemon=$!
pids=$daemon
# room NAME USER SOCKET…
room() {
	local name=$1 user=$2
	shift 2
	touch "$dir/$name.pid"
	(umask 027 && CREDENTIALS_DIRECTORY=$dir/credentials exec python3 "$launcher" "$dir/$name.pid" "$@" -- \
		setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --inh-caps=-all \
		--bounding-set=-all /usr/bin/chanceryd --room "$name" --socket $run/rooms.sock --peer chancery) \
		2>"$dir/$name.log" &
	pids="$! $pids"
}
room signer chancery-signer
room keygen chancery-signer
room server chancery-server tls=127.0.0.1:0 unix=$run/chancery.sock
chmod 666 $run/chancery.sock 2>/dev/null || true
ready() { chancery status --ready --home "$home" >/dev/null 2>&1; }
wait_ready() {
	for ((i = 0; i < 600; i++)); do
		! ready || return 0
		sleep 0.1
	done
	die "not ready $1"
}
wait_ready first
token=$(chancery token root --home "$home" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])')
call() { curl -sSf --unix-socket $run/chancery.sock -H "X-Vault-Token: $token" "${@:2}" "http://localhost/v1/$1"; }
call sys/mounts/units -d '{"type":"pki"}' || die "mount"
call units/root/generate/internal -d '{"common_name":"Units Root","key_type":"ec","key_bits":256}' >/dev/null || die "root"
call units/roles/r -d '{"allow_any_name":true,"key_type":"ec","key_bits":256}' >/dev/null || die "role"
issue() { call units/issue/r -d '{"common_name":"a.example.com","ttl":"1h"}' | grep -q 'BEGIN CERTIFICATE' || die "$1"; }
issue first
for name in signer:chancery-signer server:chancery-server; do
	pid=$(cat "$dir/${name%:*}.pid")
	[ "$(stat -c %U "/proc/$pid")" = "${name#*:}" ] || die "user of ${name%:*}"
	grep -q '^CapBnd:[[:space:]]*0*$' "/proc/$pid/status" || die "capabilities of ${name%:*}"
done
[ "$(stat -c %U "/proc/$daemon")" = chancery ] || die "user of chanceryd"
# A room that hangs is another user's, and is killed all the same.
was=$(cat "$dir/signer.pid")
kill -STOP "$was"
for ((i = 0; i < 400; i++)); do
	[ "$(cat "$dir/signer.pid")" = "$was" ] || break
	sleep 0.1
done
[ "$(cat "$dir/signer.pid")" != "$was" ] || die "a signer that hangs was not killed"
wait_ready again
issue again
kill -TERM "$daemon"
wait "$daemon" || die "end"
