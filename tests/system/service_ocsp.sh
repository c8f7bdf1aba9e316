#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OCSP of the running service: `openssl ocsp` by POST and GET against both listeners, requests
# of every bad kind, caching, the signer away, a restart, a responder's renewal, the switch.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
plain=$(free_port)
service_start open
stop_all
sed -i "s/^server:\$/server:\n  plain_listen: [\"127.0.0.1:$plain\"]/" home/chancery.yaml
service_run
url=http://127.0.0.1:$plain/v1/ca

check bao secrets enable -path ca pki
bao write -field=certificate ca/root/generate/internal common_name="OCSP CA" key_type=ec \
	key_bits=256 ttl=700h >ca.pem
check bao write ca/config/urls ocsp_servers="$url/ocsp"
check bao write ca/roles/leaf allow_any_name=true key_type=any max_ttl=72h
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key \
	-subj /CN=a.example.com -out leaf.csr 2>/dev/null
for name in good revoked late; do
	bao write -field=certificate ca/sign/leaf csr=@leaf.csr \
		common_name=$name.example.com >$name.pem
	openssl x509 -in $name.pem -noout -serial | cut -d= -f2 >$name.serial
done
check bao write ca/revoke certificate=@revoked.pem reason=keyCompromise

# ask OPTION…: `openssl ocsp` verifies the answer up to the authority; into ask.out.
ask() {
	openssl ocsp -CAfile ca.pem -issuer ca.pem "$@" >ask.out 2>&1 || {
		cat ask.out >&2
		return 1
	}
	grep -q 'Response verify OK' ask.out
}
says() { ask "${@:2}" && grep -q "$1" ask.out; }

# --- who answers -----------------------------------------------------------------------------------
until_ok "responder" ask -cert good.pem -url "$url/ocsp" -no_nonce
grep -q ': good$' ask.out || die "not good: $(cat ask.out)"
until_ok "revoked" says ': revoked$' -cert revoked.pem -url "$url/ocsp" -no_nonce
grep -q 'Reason: keyCompromise' ask.out || die "no reason"
check says ': unknown$' -serial 0x112233 -url "$url/ocsp" -no_nonce
# Two certificates in one request, and a nonce that comes back.
check ask -cert good.pem -cert revoked.pem -url "$url/ocsp"
same "$(grep -c ': \(good\|revoked\)$' ask.out)" 2 "answers of two"
! grep -qi 'nonce' ask.out || die "the nonce did not come back: $(cat ask.out)"
check says ': good$' -sha256 -cert good.pem -url "$url/ocsp"
check says ': revoked$' -sha256 -cert revoked.pem -url "$url/unified-ocsp" -no_nonce
for hash in sha384 sha512; do
	check says ': good$' -$hash -cert good.pem -url "$url/ocsp" -no_nonce
done
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_ocsp.py" \
	"http://127.0.0.1:$plain" || die "service_ocsp.py"
