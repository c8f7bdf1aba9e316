#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lists of revoked certificates when things go wrong: the HSM away for longer than a list's
# life, lists switched off, one that is too large; and delta lists, reasons, dates.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
export PYTHONPATH=$top/tests/system
cd "$work"
for what in reasons deltas disabled away large; do
	python3 "$top/tests/system/service_crl_alarms.py" "$daemon" "$work/home" "$what" || die "$what"
done
stands 1 "alarm crl-overdue: list of revoked certificates of away" "$log" || die "no line of the log"
stands 1 "alarm crl-overdue is over: away" "$log" || die "no line of its end"
stop_all
check "$chancery" register verify --home home
echo "service_crl_alarms: as they should be"
