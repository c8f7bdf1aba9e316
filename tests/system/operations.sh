#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The commands of docs/operations.md that no other test runs, in its order.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
export CHANCERY_HOME=$work/home
ready() { "$chancery" status --ready; }
# sign MOUNT: a certificate of its role.
sign() { bao write -field=serial_number "$1/issue/leaf" common_name=a.example.com ttl=1h; }
authority() {
	check bao secrets enable -path "$1" pki
	check bao write "$1/root/generate/internal" common_name="$1" key_type=ec key_bits=256 ttl=700h
	check bao write "$1/roles/leaf" allow_any_name=true key_type=ec key_bits=256 max_ttl=72h
}
authority ca
first=$(sign ca) || die "issue"
check "$chancery" backup all.tar --with soft-tokens --with pins

# --- PIN ----------------------------------------------------------------------------------------
# The token gets another one with its own tool; then the file, by rename.
old=$(cat home/pins/ca)
SOFTHSM2_CONF=$work/home/tokens/softhsm2.conf check pkcs11-tool --module "$module" --token-label ca \
	--login --pin "$old" --change-pin --new-pin 5550001112
echo 5550001112 >home/pins/new
mv home/pins/new home/pins/ca
stop_all
service_run
until_ok "signer with the new PIN" ready
sign ca >/dev/null || die "does not sign after a change of the PIN"

# --- an authority's key -----------------------------------------------------------------------------
check bao write ca/root/rotate/internal common_name="ca 2" key_type=ec key_bits=256 ttl=700h issuer_name=second
check bao write ca/config/issuers default=second
issuer=$(bao write -format=json ca/issue/leaf common_name=b.example.com ttl=1h |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["certificate"])' | openssl x509 -noout -issuer)
grep -q "ca 2" <<<"$issuer" || die "the new key does not issue: $issuer"
# The old one still answers for what it issued.
check bao write ca/revoke serial_number="$first"

# --- what was signed, and is every answer accounted for -----------------------------------------------
check "$chancery" register verify
"$chancery" cert list --json | grep -q "$(tr -d : <<<"$first")" || die "cert list"

# --- the server is compromised --------------------------------------------------------------------------
stop_all
check "$chancery" store rebuild
check "$chancery" store rebuild --replace
service_run
! bao token lookup >/dev/null 2>&1 || die "an old token is still good"
VAULT_TOKEN=$("$chancery" token root --json | field token)
export VAULT_TOKEN BAO_TOKEN=$VAULT_TOKEN
bao token lookup >/dev/null || die "the new root token"
sign ca >/dev/null || die "issue after new tokens"

# --- the store is lost -------------------------------------------------------------------------------------
stop_all
rm -rf home/store
mkdir -m 700 home/store
check "$chancery" store rebuild --replace
check "$chancery" store check
service_run
VAULT_TOKEN=$("$chancery" token root --json | field token)
export VAULT_TOKEN BAO_TOKEN=$VAULT_TOKEN
sign ca >/dev/null || die "issue after a rebuild"

# --- the HSM is lost --------------------------------------------------------------------------------------------
stop_all
check "$chancery" backup last.tar
mv home/tokens tokens.lost
: >chanceryd.log
service_run
until_ok "word about the token" grep -q '"signer: ' chanceryd.log
fails 75 "signer" "$chancery" status --ready
# What is public is still there.
curl -sSf --unix-socket home/run/chancery.sock http://localhost/v1/ca/ca/pem | openssl x509 -noout ||
	die "no CA certificate without the HSM"
curl -sSf --unix-socket home/run/chancery.sock http://localhost/v1/ca/crl/pem | openssl crl -noout ||
	die "no list without the HSM"
stop_all
# Its vendor's backup comes back; of soft tokens it is ours, with the PIN of that day.
tar xf all.tar chancery-backup/soft-tokens
mv chancery-backup/soft-tokens home/tokens
echo "$old" >home/pins/ca
service_run
until_ok "signer with the tokens of the backup" ready
# The key that was made after that backup is gone for good; the first one signs.
check bao write ca/config/issuers default="$(bao list -format=json ca/issuers | python3 -c '
import json, sys
print(json.load(sys.stdin)[0])')"

# --- the register is lost --------------------------------------------------------------------------------------
stop_all
mv home/register register.lost
! "$bin/chanceryd" --home home 2>lost.log || die "starts without a register"
grep -q register lost.log || die "does not say what is missing"
mv home lost.home
mkdir -m 700 home
cp -r lost.home/tokens lost.home/pins home/
mkdir -m 700 home/tls
cp lost.home/tls/key.pem home/tls/
check "$chancery" restore last.tar
service_run
check "$chancery" register verify
[ -d home/logs ] || die "no directory for the access log"
echo "operations: good"
