#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Acts of authorities beside a real OpenBao: revoked issuers, revocation by key, cross-signing,
# rotation, imports, keys; then what openssl, the register and the store say.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
openbao_start
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_pki_acts.py" \
	secrets || die "answers"
stop_all
# Of the keys that were handed in nothing is left anywhere.
[ -s secrets ] || die "no secrets to look for"
if grep -rlF -f secrets home chanceryd.log; then
	die "a private key was recorded or logged"
fi
export CHANCERY_HOME=$work/home
check "$chancery" register verify
"$chancery" store rebuild --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store made anew: $(cat rebuilt)"
echo "service_pki_acts: as they should be"
