#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package_run.sh HOME CHANCERYD [PREFIX…]: a home with software tokens is started, signs, is
# reloaded (its access log is opened anew) and stopped. With a chancery.yaml in HOME, that one.
set -euo pipefail
home=$1 chanceryd=$2
shift 2
die() { echo "FAILED: $*" >&2; [ ! -e "$log" ] || tail -n 20 "$log" >&2; exit 1; }
log=$(mktemp)
daemon=
finish() {
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || true
	rm -f "$log"
}
trap finish EXIT
[ -e "$home/register" ] || chancery init --soft "$home" --charter open --listen 127.0.0.1:0 >/dev/null
"$@" "$chanceryd" --home "$home" 2>"$log" &
daemon=$!
for ((i = 0; i < 600; i++)); do
	! grep -q '"msg":"ready: ' "$log" || break
	sleep 0.1
done
grep -q 'ready: server ready, signer ready' "$log" || die "not ready"
chancery status --ready --home "$home"
socket=$(chancery config show --home "$home" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["server"]["socket"])')
access=$(chancery config show --home "$home" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["server"]["access_log"])')
call() { curl -sSf --unix-socket "$socket" -H "X-Vault-Token: $token" "${@:2}" "http://localhost/v1/$1"; }
token=$(chancery token root --home "$home" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])')
if ! call sys/mounts | grep -q '"ca/"'; then
	call sys/mounts/ca -d '{"type":"pki"}' || die "mount"
	call ca/root/generate/internal -d '{"common_name":"Package Root","key_type":"ec","key_bits":256}' >/dev/null || die "root"
	call ca/roles/r -d '{"allow_any_name":true,"key_type":"ec","key_bits":256}' >/dev/null || die "role"
fi
call ca/issue/r -d '{"common_name":"a.example.com","ttl":"1h"}' | grep -q 'BEGIN CERTIFICATE' || die "issue"
# As logrotate does it.
mv "$access" "$access.1"
# Behind strace it is another process than the one that was started.
pid=$(pgrep -P "$daemon" -x chanceryd || echo "$daemon")
kill -HUP "$pid"
for ((i = 0; i < 100; i++)); do
	call sys/health >/dev/null || true
	[ ! -s "$access" ] || break
	sleep 0.1
done
[ -s "$access" ] || die "the access log was not opened anew"
kill -TERM "$pid"
wait "$daemon" || die "end"
daemon=
chancery register verify --home "$home" >/dev/null || die "register"
