#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A terminal's Ctrl-C and systemd's SIGTERM reach the whole group: the rooms are stopped by
# the supervisor all the same, in order, each with status 0.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
for signal in TERM INT; do
	mapfile -t rooms < <(pgrep -P "$daemon")
	[ ${#rooms[@]} = 2 ] || die "${#rooms[@]} rooms"
	kill -"$signal" "${rooms[@]}" "$daemon"
	rc=0
	wait "$daemon" || rc=$?
	[ "$rc" = 0 ] || die "chanceryd ended with $rc"
	for room in server signer; do
		grep -q "\"$room: ended with status 0" "$work/chanceryd.log" ||
			die "the $room was not stopped in order: $(tail -n 4 "$work/chanceryd.log")"
	done
	service_run
done
check "$chancery" status --home "$work/home"
