#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tidy beside a real OpenBao; what it forgot is gone from the store that the register makes too,
# also when the service was killed in the middle; auto-tidy is not repeated by a restart.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
openbao_start
export PYTHONPATH=$top/tests/system
tidy() { python3 "$top/tests/system/service_pki_tidy.py" "$@" || die "$1"; }
rebuilt() {
	"$chancery" store rebuild --json >rebuilt || die "store rebuild: $1"
	same "$(field equal <rebuilt)" True "the store made anew, $1: $(cat rebuilt)"
	check "$chancery" store check
}
export CHANCERY_HOME=$work/home
tidy compare

# Killed between two pages: whoever starts next goes on, and a rebuild knows what was done.
tidy many
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
daemon=
sleep 0.3
rebuilt "after a kill"
service_run
tidy finished
tidy auto
stop_all
rebuilt "after all"
check "$chancery" register verify
service_run
tidy not_again
echo "service_pki_tidy: as they should be"
