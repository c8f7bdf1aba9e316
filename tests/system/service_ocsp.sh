#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OCSP of the running service: `openssl ocsp` by POST and GET against both listeners, requests
# of every bad kind, caching, the signer away, a restart, a responder's renewal, keys in the
# server's memory, the switch.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
plain_listener
url=$crls/ca

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
	"http://$plain" || die "service_ocsp.py"

# --- the signer is away: what was asked before is answered on -------------------------------------
status() { curl -sS -o body -w '%{http_code}' -m 10 --data-binary "@$1" "$url/ocsp"; }
openssl ocsp -issuer ca.pem -cert good.pem -no_nonce -reqout known.der >ask.out 2>&1
openssl ocsp -issuer ca.pem -cert good.pem -nonce -reqout fresh.der >ask.out 2>&1
same "$(status known.der)" 200 "before"
signer=$(pgrep -P "$daemon" -f chancery-signer)
kill -STOP "$signer"
same "$(status known.der)" 200 "an answer that is kept, without a signer"
same "$(status fresh.der)" 503 "a nonce without a signer"
same "$(xxd -p body)" 30030a0103 "try later"
same "$(status known.der)" 200 "an answer that is kept, still"
# It ends while the signer owes it an answer that nobody waits for any more: nothing is left lying.
server=$(pgrep -P "$daemon" -f chancery-server)
sed -i 's/^server:$/server:\n  max_connections: 4000/' home/chancery.yaml
kill -HUP "$daemon"
gone() { ! kill -0 "$server"; }
until_ok "end of a server whose signer is away" gone
# The supervisor may have ended one that was silent for so long.
kill -CONT "$signer" || true
until_ok "fresh answers" says ': good$' -cert good.pem -url "$url/ocsp"
kill -KILL "$(pgrep -P "$daemon" -f chancery-signer)"
check says ': revoked$' -cert revoked.pem -url "$url/ocsp" -no_nonce
until_ok "fresh answers after a new signer" says ': good$' -cert good.pem -url "$url/ocsp"

# --- a restart: the same key and certificate --------------------------------------------------------
# responder CA: the certificate in the last answer about it.
responder() {
	openssl ocsp -issuer "$1.pem" -cert "$2.pem" -url "$crls/$1/ocsp" \
		-noverify -resp_text 2>/dev/null | sed -n '/-----BEGIN/,/-----END/p'
}
keys() { "$chancery" register show --home home --type KEYGEN-INTENT --json | wc -l; }
responder ca good >before.pem
n=$(keys)
stop_all
sed -i 's/^server:$/server:\n  ocsp_uncached_per_s: 20/' home/chancery.yaml
service_run
until_ok "answers after a restart" says ': good$' -cert good.pem -url "$url/ocsp"
responder ca good | cmp - before.pem || die "another certificate after a restart"
same "$(keys)" "$n" "keys after a restart"
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_ocsp.py" \
	"http://$plain" flood || die "service_ocsp.py flood"

# --- renewal: another certificate for the same key, and no request waits for it ----------------------
stop_all
sed -i '/ocsp_uncached_per_s/d; s/^server:$/server:\n  ocsp_responder_life: 20s/' home/chancery.yaml
service_run
check bao secrets enable -path short pki
bao write -field=certificate short/root/generate/internal common_name="Short CA" key_type=ec \
	key_bits=256 ttl=700h >short.pem 2>/dev/null
check bao write short/roles/leaf allow_any_name=true key_type=any max_ttl=72h
bao write -field=certificate short/sign/leaf csr=@leaf.csr >shortly.pem 2>/dev/null
first() { responder short shortly >first.pem && [ -s first.pem ]; }
until_ok "responder of a short life" first
n=$(keys)
another() { responder short shortly >second.pem && [ -s second.pem ] && ! cmp -s first.pem second.pem; }
until_ok "renewed certificate" another
same "$(openssl x509 -in second.pem -noout -pubkey)" "$(openssl x509 -in first.pem -noout -pubkey)" \
	"the key of the renewed certificate"
same "$(keys)" "$n" "keys after a renewal"
openssl verify -CAfile short.pem second.pem >/dev/null || die "the renewed certificate does not verify"

# --- ocsp_key: memory: no answer is the register's, each start has another key ------------------------
# The signer's own word: what the server asks for is the same in both.
check bao write ca/roles/responder allow_any_name=true key_type=any max_ttl=72h server_flag=false \
	client_flag=false ext_key_usage=OCSPSigning
foreign() { bao write -field=certificate ca/sign/responder csr=@leaf.csr common_name=r.example.com; }
foreign >refused 2>&1 && die "a foreign responder's key, with ocsp_key: hsm"
grep -q structure-ocsp-key refused || die "another reason: $(cat refused)"
stop_all
sed -i 's/^server:$/ocsp_key: memory\nserver:/; /ocsp_responder_life/d' home/chancery.yaml
service_run
answers() { "$chancery" register show --home home --type INTENT --json | grep -c '"kind":"ocsp"' || true; }
n=$(keys) signed=$(answers)
[ "$signed" -gt 0 ] || die "no answers in the register so far"
here() { says ': good$' -cert good.pem -url "$url/ocsp" && responder ca good >memory1.pem; }
until_ok "responder in memory" here
openssl verify -CAfile ca.pem -purpose ocsphelper memory1.pem >/dev/null || die "memory1.pem"
same "$(openssl x509 -in memory1.pem -noout -checkend 1300000)" "Certificate will expire" "its life"
cmp -s memory1.pem before.pem && die "the HSM's responder answers"
check says ': revoked$' -cert revoked.pem -url "$url/ocsp" -no_nonce
bao write -field=certificate ca/sign/leaf csr=@leaf.csr common_name=m.example.com >m.pem
check says ': good$' -cert m.pem -url "$url/ocsp" -no_nonce
check bao write ca/revoke certificate=@m.pem
check says ': revoked$' -cert m.pem -url "$url/ocsp" -no_nonce
# Nobody asks the signer, so nobody notices that it is away.
signer=$(pgrep -P "$daemon" -f chancery-signer)
kill -STOP "$signer"
check says ': good$' -cert good.pem -url "$url/ocsp"
# The supervisor may have ended one that was silent for so long.
kill -CONT "$signer" || true
same "$(answers)" "$signed" "answers in the register"
check foreign
same "$(keys)" "$n" "keys of the HSM"
stop_all
sed -i 's/^server:$/server:\n  ocsp_responder_life: 20s/' home/chancery.yaml
service_run
again() { says ': good$' -cert good.pem -url "$url/ocsp" && responder ca good >memory2.pem; }
until_ok "responder in memory after a restart" again
[ "$(openssl x509 -in memory1.pem -noout -pubkey)" != "$(openssl x509 -in memory2.pem -noout -pubkey)" ] ||
	die "the key outlived its process"
next() { says ': good$' -cert good.pem -url "$url/ocsp" && responder ca good >memory3.pem &&
	! cmp -s memory2.pem memory3.pem; }
until_ok "renewed certificate of a key in memory" next
openssl verify -CAfile ca.pem -purpose ocsphelper memory3.pem >/dev/null || die "memory3.pem"
# Back: the key that the HSM still has.
stop_all
sed -i '/^ocsp_key:/d; /ocsp_responder_life/d' home/chancery.yaml
service_run
back() { says ': good$' -cert good.pem -url "$url/ocsp" && responder ca good >back.pem; }
until_ok "the HSM's responder" back
same "$(openssl x509 -in back.pem -noout -pubkey)" "$(openssl x509 -in before.pem -noout -pubkey)" "its key"
foreign >refused 2>&1 && die "a foreign responder's key, with ocsp_key: hsm again"
grep -q structure-ocsp-key refused || die "another reason: $(cat refused)"

# --- the register and the store agree about it all ----------------------------------------------------
stop_all
check "$chancery" register verify --home home
"$chancery" store rebuild --home home --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store made anew: $(cat rebuilt)"

# --- an authority whose charter lets it certify no responder ------------------------------------------
mv home other
service_start root
plain_listener
url=$crls/ca
check bao secrets enable -path ca pki
bao write -field=certificate ca/root/generate/internal common_name="A root" key_type=ec \
	key_bits=256 ttl=700h >ca.pem 2>/dev/null
openssl ocsp -issuer ca.pem -serial 7 -no_nonce -reqout known.der >ask.out 2>&1
refused() { [ "$(status known.der)" = 401 ]; }
until_ok "unauthorized" refused
same "$(xxd -p body)" 30030a0106 "unauthorized"
grep -q 'OCSP: the issuer .* of ca has no responder.*charter-kind' "$log" || die "nothing said"
raw sys/metrics?format=prometheus -H "X-Vault-Token: $VAULT_TOKEN" >metrics
grep -qx 'chancery_ocsp_responders_failing 1' metrics || die "no metric of it"
grep -q '^chancery_ocsp_refused_total [1-9]' metrics || die "no count of refusals"

# --- an issuer whose key the signer does not know: it answers 404, and the issuer is still there ------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout stray.key -out stray.pem \
	-subj /CN=Stray -days 20 2>/dev/null
bao write -format=json ca/issuers/import/cert pem_bundle=@stray.pem >stray.json
stop_all
# A document that names another key, as from a store that is not this register's.
stray=$(python3 - home/store/store.sqlite stray.json <<'PY'
import json, sqlite3, sys
with open(sys.argv[2], encoding="ascii") as f:
    stray = json.load(f)["data"]["imported_issuers"][0]
with sqlite3.connect(sys.argv[1]) as db:
    docs = {n: json.loads(v) for n, v in
            db.execute("SELECT name, value FROM doc WHERE kind = 'pki-issuer'")}
    docs[stray]["key_id"] = next(d["key_id"] for n, d in docs.items() if n != stray)
    db.execute("UPDATE doc SET value = ? WHERE kind = 'pki-issuer' AND name = ?",
               (json.dumps(docs[stray], sort_keys=True, separators=(",", ":")).encode(), stray))
print(stray)
PY
)
service_run
openssl ocsp -issuer stray.pem -serial 7 -no_nonce -reqout known.der >ask.out 2>&1
until_ok "unauthorized for a key that the signer does not know" refused
until_ok "word of it" grep -q "OCSP: the issuer $stray of ca has no responder.*status 404" "$log"
# And the root's own, as before the restart.
two_fail() {
	raw sys/metrics?format=prometheus -H "X-Vault-Token: $VAULT_TOKEN" |
		grep -qx 'chancery_ocsp_responders_failing 2'
}
until_ok "metric of a key that is not there" two_fail
