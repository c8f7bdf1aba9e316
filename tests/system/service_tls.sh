#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The server's own certificate: self-signed at start and the same after a restart, issued and
# renewed by one of its own mounts, taken anew from files at SIGHUP.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
home=$work/home
service_start open
port=${VAULT_ADDR##*:}
# presented: the leaf that a client gets, PEM
presented() {
	openssl s_client -connect "127.0.0.1:$port" -servername localhost </dev/null 2>/dev/null |
		openssl x509
}
issuer() { presented | openssl x509 -noout -issuer; }

# --- files: replaced, taken at SIGHUP ---------------------------------------------------------------
before=$(presented)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=second \
	-addext subjectAltName=IP:127.0.0.1 -keyout second.key -out second.crt 2>/dev/null
cp second.key "$home/tls/key.pem"
cp second.crt "$home/tls/certificate.pem"
kill -HUP "$daemon"
is_second() { [ "$(presented)" = "$(cat second.crt)" ]; }
until_ok "second certificate" is_second
[ "$before" != "$(presented)" ] || die "the same certificate"
# What does not fit stays out: the old pair serves on.
cp "$home/tls/certificate.pem" good.pem
openssl genpkey -algorithm ed25519 -out "$home/tls/key.pem"
kill -HUP "$daemon"
until_ok "word about the key" grep -q 'reload: TLS' "$work/chanceryd.log"
is_second || die "a key that does not fit was taken"

# --- the access log after a rotation --------------------------------------------------------------------
mv "$home/logs/access.jsonl" "$home/logs/access.1"
kill -HUP "$daemon"
logged() {
	curl -sS -m 5 --cacert second.crt "$VAULT_ADDR/v1/sys/health" >/dev/null &&
		grep -q sys/health "$home/logs/access.jsonl"
}
until_ok "line in a new access log" logged

# --- neither files nor authority: self-signed, kept ----------------------------------------------------
sed -i '/certificate: tls/d; /key: tls/d; s/^  tls:.*/  tls: { names: ["kafka.acme.example", "192.0.2.7"] }/' \
	"$home/chancery.yaml"
service_restart
presented >self.pem
openssl x509 -in self.pem -noout -ext subjectAltName >san
for name in DNS:localhost 'IP Address:127.0.0.1' DNS:kafka.acme.example 'IP Address:192.0.2.7'; do
	grep -q "$name" san || die "no $name: $(cat san)"
done
curl -sSf --cacert self.pem "$VAULT_ADDR/v1/sys/health" >/dev/null || die "not its own anchor"
service_restart
same "$(presented)" "$(cat self.pem)" "certificate after a restart"
sed -i 's/192.0.2.7/192.0.2.8/' "$home/chancery.yaml"
service_restart
[ "$(presented)" != "$(cat self.pem)" ] || die "the names changed, the certificate did not"
presented >self.pem

# --- an own mount issues it -----------------------------------------------------------------------------
sed -i 's/^  tls:.*/  tls: { names: ["kafka.acme.example"], authority: tls-ca }/' "$home/chancery.yaml"
service_restart
issuer | grep -q self-signed || die "not self-signed before there is an authority"
presented >self.pem
export VAULT_CACERT=$work/self.pem BAO_CACERT=$work/self.pem
check bao secrets enable -path tls-ca pki
check bao secrets tune -max-lease-ttl=8760h tls-ca
check bao write -field=certificate tls-ca/root/generate/internal common_name="TLS Root" \
	ttl=8760h key_type=ec
issued() { issuer | grep -q 'TLS Root'; }
until_ok "issued certificate" issued
curl -sS -m 10 --cacert "$work/self.pem" --unix-socket "$home/run/chancery.sock" \
	http://localhost/v1/tls-ca/ca/pem >root.pem
curl -sSf --cacert root.pem "https://127.0.0.1:$port/v1/sys/health" >/dev/null ||
	die "does not verify under the root"
presented | openssl x509 -noout -ext extendedKeyUsage | grep -q 'Web Server' || die "not a server's"
presented >issued.pem
service_restart
same "$(presented)" "$(cat issued.pem)" "issued certificate after a restart"
# It is on record like any other.
check "$chancery" register show --home "$home" --json
grep -q 'tls-ca/sign-verbatim' check.out || die "not in the register"
grep -q '"who":"server"' check.out || die "the server did not give its name"
