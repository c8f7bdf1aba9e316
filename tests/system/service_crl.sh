#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lists of revoked certificates in partitions, as a relying party sees them (openssl verify
# -crl_check), over the plain listener; rollover of keys; a restart; what is refused.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
plain=$(free_port)
crl() { python3 "$top/tests/system/service_crl.py" "$plain" "$@" || die "$1"; }
port=$(free_port)
check "$chancery" init --soft "$work/home" --charter open --listen "127.0.0.1:$port" \
    --origin "acme.example/test"
sed -i "s/^\( *\)plain_listen:.*/\1plain_listen: [\"127.0.0.1:$plain\"]/" "$work/home/chancery.yaml"
grep -q "plain_listen: \[\"127.0.0.1:$plain\"\]" "$work/home/chancery.yaml" ||
	sed -i "s/^server:\$/server:\n  plain_listen: [\"127.0.0.1:$plain\"]/" "$work/home/chancery.yaml"
service_run
export VAULT_ADDR=https://127.0.0.1:$port VAULT_CACERT=$work/home/tls/certificate.pem
VAULT_TOKEN=$(socket POST sys/internal/chancery/root-token | python3 -c '
import json, sys
print(json.load(sys.stdin)["data"]["token"])')
export VAULT_TOKEN
cd "$work"
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
