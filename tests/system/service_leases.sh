#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Leases of certificates by the real bao CLI; tokens that end by themselves or in the
# middle of many requests; orders that outlive the signer and a restart (service_leases.py).
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
export HOME=$work
check bao secrets enable pki
check bao write pki/root/generate/internal common_name=Leases key_type=ec ttl=48h
check bao write pki/roles/web allow_any_name=true key_type=ec max_ttl=24h generate_lease=true
# lease NAME: a certificate; its lease in $id, its number in $serial
lease() {
	bao write -format=json pki/issue/web common_name="$1" ttl=1h >issued
	id=$(field lease_id <issued)
	serial=$(sed -n 's/.*"serial_number": "\(.*\)".*/\1/p' issued)
}
since() { bao read -field=revocation_time "pki/cert/$1"; }
revoked() { local t; t=$(since "$1") && [ "$t" -gt 0 ]; }
stands_good() { [ "$(since "$1")" = 0 ]; }

lease one.example
check bao lease lookup "$id"
grep -q 'pki/issue/web/' check.out || die "no id: $(cat check.out)"
fails 2 "lease is not renewable" bao lease renew "$id"
fails 2 "lease not found" bao lease renew pki/issue/web/none
check bao list sys/leases/lookup/pki/issue/web
grep -q "${id##*/}" check.out || die "not listed"
stands_good "$serial" || die "revoked too early"
check bao lease revoke "$id"
revoked "$serial" || die "lease revoke left the certificate"
fails 2 "invalid lease" bao lease lookup "$id"
lease two.example
check bao lease revoke -prefix -sync pki/issue
revoked "$serial" || die "a prefix left the certificate"
lease three.example
check bao lease revoke -force -prefix pki
until_ok "revocation by force" revoked "$serial"
python3 "$top/tests/system/service_leases.py" home/store/store.sqlite || die "service_leases.py"

# The signer is away when the token ends: the order stays, over a restart too.
token=$(bao token create -policy root -ttl 1h -field token)
BAO_TOKEN=$token VAULT_TOKEN=$token lease four.example
four=$serial
BAO_TOKEN=$token VAULT_TOKEN=$token lease five.example
signer=$(pgrep -P "$daemon" -x chancery-signer)
kill -STOP "$signer"
check bao token revoke "$token"
fails 2 "invalid lease" bao lease lookup "$id"
kill -KILL "$daemon"
wait "$daemon" || true
kill -KILL "$signer" || true
sleep 1
service_run
until_ok "revocation after a restart" revoked "$four"
until_ok "revocation after a restart" revoked "$serial"

# A token that nobody revokes ends, and what it leased with it.
token=$(bao token create -policy root -ttl 3s -field token)
BAO_TOKEN=$token VAULT_TOKEN=$token lease six.example
until_ok "revocation with the token's end" revoked "$serial"
lease seven.example
openssl_list() {
	raw pki/crl/pem | openssl crl -noout -text | grep -qi "${1//:/}"
}
check bao lease revoke "$id"
openssl_list "$serial" || die "lease revoke did not wait for the list"
stop_all
check "$chancery" register verify --home home
"$chancery" store rebuild --home home --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store made anew: $(cat rebuilt)"
