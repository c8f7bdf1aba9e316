#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A token that fails (its module stands behind tests/fault's) for longer than it takes a list to
# end: removed, not there, hanging. What is served, told, refused meanwhile, and that all is made
# good without anybody's doing when it is back (service_hsm_away.py). The last argument: away or hangs.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
head -c 4096 /dev/zero >rules
export FAULT_PKCS11_MODULE=$module FAULT_PKCS11_SHARED=$work/rules
service_start open
sed -i "s#^module:.*#module: $fault#" home/chancery.yaml
plain_listener
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_hsm_away.py" "$work" "$plain" "$4" || {
	tail -n 60 "$log" >&2
	die "service_hsm_away.py"
}
alarm=crl-overdue
[ "$4" = away ] || alarm=crl-late
stands 1 "alarm $alarm: list of revoked certificates of away" "$log" || die "no line of the log"
stands 1 "alarm $alarm is over: away" "$log" || die "no line of its end"
stop_all
check "$chancery" register verify --home home
echo "service_hsm_away $4: as it should be"
