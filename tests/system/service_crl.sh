#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lists of revoked certificates in partitions, as a relying party sees them (openssl verify
# -crl_check), over the plain listener; rollover of keys; a restart; what is refused.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
plain_listener
crl() { python3 "$top/tests/system/service_crl.py" "$crls/" "$@" || die "$1"; }
crl numbered
crl refused
crl mirrors
crl rollover
crl automatic
crl crowd
stop_all
service_run
crl after_restart
stop_all
export CHANCERY_HOME=$work/home
"$chancery" store rebuild --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store made anew: $(cat rebuilt)"
check "$chancery" register verify
echo "service_crl: as they should be"
