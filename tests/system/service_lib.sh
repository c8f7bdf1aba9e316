# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Read by the service_* scripts, after lib.sh: a chanceryd in $work/home that ends with the
# script. $log is what it says.
log=$work/log daemon=
service_finish() {
	if [ -n "$daemon" ]; then
		kill -KILL "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
		# Its rooms end on their own when it is gone.
		sleep 0.2
	fi
	rm -rf "$work"
}
trap service_finish EXIT

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# count TEXT FILE
count() { if [ -e "$2" ]; then grep -c -- "$1" "$2" || true; else echo 0; fi; }
# wait_for N TEXT FILE: until the text stands there N times.
wait_for() {
	local i
	for ((i = 0; i < 600; i++)); do
		[ "$(count "$2" "$3")" -lt "$1" ] || return 0
		sleep 0.05
	done
	tail -n 30 "$3" "$log" >&2
	die "no $1 times \"$2\" in $3"
}
# service_start PREFIX… -- ARGUMENT…: chanceryd with these arguments, behind env or the like.
service_start() {
	local prefix=()
	while [ "$1" != -- ]; do
		prefix+=("$1")
		shift
	done
	shift
	rm -f "$log"
	(exec "${prefix[@]}" "$chanceryd" --home home "$@") 2>"$log" &
	daemon=$!
}
service_stop() {
	local rc=0
	kill -TERM "$daemon"
	wait "$daemon" || rc=$?
	daemon=
	same "$rc" 0 "status at the end"
}
