#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The clock of a machine is set while the service runs, by hours, forward and back: what is
# signed, served, told, recorded; and how an operator gets on (service_clock.py). Not the
# machine's: tests/fault/clock.c moves that of chanceryd and its rooms.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
clock=$(realpath "$3")
real=$bin bin=$work/bin
mkdir "$bin"
head -c 8 /dev/zero >moved
cat >"$bin/chanceryd" <<END
#!/bin/sh
LD_PRELOAD=$clock FAULT_CLOCK=$work/moved exec $real/chanceryd "\$@"
END
chmod +x "$bin/chanceryd"
service_start open
plain_listener
export PYTHONPATH=$top/tests/system
# part WHAT: one of service_clock.py.
part() {
	python3 "$top/tests/system/service_clock.py" "$work" "$plain" "$1" || {
		tail -n 40 "$log" >&2
		die "$1"
	}
	check "$chancery" register verify --home home
}
restart_count() {
	"$chancery" status --home home --json | python3 -c '
import json, sys
print(sum(room["restarts"] for room in json.load(sys.stdin)["rooms"]))'
}
# accept: what an operator says when the clock was wrong earlier.
accept() {
	chanceryd_stop
	check env LD_PRELOAD="$clock" FAULT_CLOCK="$work/moved" "$chancery" register accept --clock \
		--why "the time server was wrong" --home home
	service_run
}

part made
part forward
same "$(restart_count)" 0 "restarts of rooms"
stands 1 "alarm clock: nothing is signed: the clock moved by 14400 s" "$log" || die "no line of the alarm"
service_restart
part forward_taken
stands 1 "alarm crl-overdue is over: clock" "$log" || die "no end of the alarm"
part back
same "$(restart_count)" 0 "restarts of rooms"
stands 1 "alarm clock: nothing is signed: the clock is" "$log" || die "no line of the alarm"
stands 2 "alarm clock is over" "$log" || die "no end of the alarm"

# A day ahead for good, as far as anybody knows; then back. A signer that starts while the clock is behind its register stays where it is.
part day_on
service_restart
part day_back
service_restart
part halted
stands 1 "alarm signer-halted" "$log" || die "no line of the alarm"
accept
part day_back_taken
stop_all
check "$chancery" register verify --home home
echo "service_clock: as it should be"
