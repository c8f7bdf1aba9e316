# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Read after lib.sh by the scripts that start chanceryd in $work/home, and by service.sh: one
# daemon that ends with the script. $log is what it says.
log=$work/log daemon=
# Processes beside it that end with the script. No script has a trap of its own: the status of what
# stands before service_end there would be the script's.
beside=()
# service.sh has a gentler one.
stop_all() {
	if [ -n "$daemon" ]; then
		kill -KILL "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
		# Its rooms end on their own when it is gone.
		sleep 0.2
	fi
	daemon=
}
# What a sanitizer said of a room fails the test.
service_end() {
	local rc=$?
	if [ ${#beside[@]} != 0 ]; then
		kill "${beside[@]}" 2>/dev/null || true
		wait "${beside[@]}" 2>/dev/null || true
	fi
	stop_all
	if grep -s -A 40 -E 'Sanitizer|runtime error' "$log" "$work"/*.log >&2; then
		rc=1
	fi
	# What was ended just now may write once more.
	rm -rf "$work" 2>/dev/null || { sleep 2; rm -rf "$work"; }
	exit "$rc"
}
trap service_end EXIT

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# count TEXT FILE
count() { if [ -e "$2" ]; then grep -c -- "$1" "$2" || true; else echo 0; fi; }
# until_ok WHAT COMMAND…: tried for a minute and a half.
until_ok() {
	local what=$1 end=$((SECONDS + 90))
	shift
	while [ $SECONDS -lt "$end" ]; do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	tail -n 20 "$log" "$work"/*.log >&2 || true
	die "no $what"
}
stands() { [ "$(count "$2" "$3")" -ge "$1" ]; }
# wait_for N TEXT FILE: until the text stands there N times.
wait_for() { until_ok "$1 times \"$2\" in $3" stands "$@"; }
# chanceryd_start PREFIX… -- ARGUMENT…: with these arguments, behind env or the like.
chanceryd_start() {
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
chanceryd_stop() {
	local rc=0
	kill -TERM "$daemon"
	wait "$daemon" || rc=$?
	daemon=
	same "$rc" 0 "status at the end"
}
