#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is done outside of ceremonies: sign, revoke, issue lists, look at things.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

ceremony
root=home/out/acme-root.pem
ca=home/out/acme-kafka-ca.pem
verify=(openssl verify -check_ss_sig -x509_strict -CAfile "$root")
json() { "$chancery" "$@" --json >answer.json || die "$*"; python3 -m json.tool answer.json >/dev/null || die "no JSON: $*"; }

# --- a broker, in each format -----------------------------------------------------------
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout b.key -out b.csr \
	-subj "/C=DE/O=Acme/CN=b1.kafka.acme.example" \
	-addext "subjectAltName=DNS:b1.kafka.acme.example,DNS:kafka.acme.example" 2>/dev/null
json sign csr --issuer acme-kafka-ca --profile kafka-broker --csr b.csr --out b.pem --life 30d
serial=$(field serial <answer.json)
check "${verify[@]}" -untrusted "$ca" -purpose sslserver -verify_hostname kafka.acme.example b.pem
same "$(openssl x509 -in b.pem -noout -serial | tr A-F a-f)" "serial=$serial" "serial"
check "$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --csr b.csr \
	--out chain.pem --format pem_bundle
same "$(grep -c BEGIN chain.pem)" 3 "certificates in the bundle"
check "${verify[@]}" -untrusted chain.pem chain.pem
check "$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --csr b.csr \
	--out b.der --format der
check openssl x509 -inform DER -in b.der -noout
# Names from flags replace those of the request.
check "$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --csr b.csr --out f.pem \
	--dns b1.kafka.acme.example --ip 192.0.2.7 --ip 2001:db8::7
openssl x509 -in f.pem -noout -ext subjectAltName >san
grep -q "IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7" san || die "addresses: $(cat san)"
if grep -q "DNS:kafka.acme.example" san; then die "a name of the request came in"; fi
# A client.
openssl req -new -newkey rsa:2048 -nodes -keyout c.key -out c.csr -subj "/CN=orders" 2>/dev/null
check "$chancery" sign csr --issuer acme-kafka-ca --profile kafka-client --csr c.csr --out c.pem
check "${verify[@]}" -untrusted "$ca" -purpose sslclient c.pem

# --- intermediates: of a request, and of our own -------------------------------------------
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout v.key -out v.csr \
	-subj "/CN=Vault" -addext "basicConstraints=critical,CA:TRUE,pathlen:7" \
	-addext "subjectAltName=DNS:evil.example" 2>/dev/null
check "$chancery" sign intermediate --issuer acme-root --csr v.csr --out v.pem --life 700d \
	--subject "CN=Vault Kafka CA,O=Acme,C=DE" --permit-dns kafka.acme.example \
	--crl-url http://pki.acme.example/root.crl
check "${verify[@]}" v.pem
openssl x509 -in v.pem -noout -text >v.txt
grep -q "pathlen:0" v.txt || die "path length"
grep -q "Permitted" v.txt || die "name constraints"
if grep -q "evil" v.txt; then die "an extension of the request came in"; fi
# Subject policy, as in the policy sections of openssl ca: what no row names is left out.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout p.key -out p.csr \
	-subj "/C=KR/O=Acme/OU=Streams/L=Seoul/CN=Kafka Two" 2>/dev/null
policy=(--policy C=match --policy O=match --policy CN=supplied)
fails 77 "profile intermediate" "$chancery" sign intermediate --issuer acme-root --csr p.csr --out p.pem \
	"${policy[@]}"
json sign intermediate --issuer acme-root --csr p.csr --out p.pem --policy C=optional \
	--policy O=match --policy CN=supplied
same "$(openssl x509 -in p.pem -noout -subject -nameopt RFC2253)" "subject=CN=Kafka Two,O=Acme,C=KR" "subject by policy"
same "$(field subject <answer.json)" "CN=Kafka Two,O=Acme,C=KR" "the subject that is told"
fails 64 "TYPE=RULE" "$chancery" sign intermediate --issuer acme-root --csr p.csr --out q.pem --policy O
fails 64 "match, supplied" "$chancery" sign intermediate --issuer acme-root --csr p.csr --out q.pem --policy O=maybe
# The same key under another name is refused, under the same name it is a renewal.
fails 77 "certified before" "$chancery" sign intermediate --issuer acme-root --csr v.csr --out w.pem \
	--subject "CN=Somebody Else,O=Acme,C=DE"
fails 77 "certified before" "$chancery" sign csr --issuer acme-kafka-ca --profile generic --csr v.csr \
	--out w.pem --subject "CN=leaf.acme.example,O=Acme,C=DE" --dns leaf.acme.example
check "$chancery" sign intermediate --issuer acme-root --csr v.csr --out renewed.pem --life 700d \
	--subject "CN=Vault Kafka CA,O=Acme,C=DE" --permit-dns kafka.acme.example
json issuer create --parent acme-root --token ca --label acme-two --type ec-p384 --charter intermediate \
	--subject "CN=Acme Two,O=Acme,C=DE" --out two.pem --path-len 0
check "${verify[@]}" two.pem
json key generate --token ca --label acme-three --type ec-p256
json issuer create --parent acme-root --key acme-three --subject "CN=Acme Three,O=Acme,C=DE" --out three.pem
same "$(openssl x509 -in three.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)" \
	"$(field key <answer.json)" "key of the new authority"
fails 73 "acme-three" "$chancery" key generate --token ca --label acme-three --type ec-p256

# --- revocation, CRLs ------------------------------------------------------------------------
json revoke "$serial" --reason keyCompromise --why "lost laptop"
fails 73 "already revoked" "$chancery" revoke "$serial" --reason superseded
json revoke --cert v.pem --reason superseded
fails 66 "no certificate with serial" "$chancery" revoke 0123456789 --reason superseded
fails 64 "--reason" "$chancery" revoke "$serial" --reason boredom
fails 64 "SERIAL or --cert" "$chancery" revoke --reason superseded
fails 64 "366 days" "$chancery" crl issue --issuer acme-kafka-ca --out kafka.crl --life 367d
json crl issue --issuer acme-kafka-ca --out kafka.crl
same "$(field number <answer.json)" 1 "number of the first list"
json crl issue --issuer acme-root --out root.crl --format der --life 30d
same "$(field number <answer.json)" 2 "number of the root's second list"
check openssl crl -inform DER -in root.crl -noout -CAfile "$root"
openssl crl -in kafka.crl -noout -text >crl.txt
grep -qi "$serial" crl.txt || die "the serial is not on the list"
grep -q "Key Compromise" crl.txt || die "no reason on the list"
if "${verify[@]}" -untrusted "$ca" -crl_check -CRLfile kafka.crl b.pem >/dev/null 2>&1; then
	die "openssl accepts a revoked certificate"
fi
check "${verify[@]}" -untrusted "$ca" -crl_check -CRLfile kafka.crl c.pem
json crl show kafka.crl
same "$(field entries <answer.json)" 1 "entries"
same "$("$chancery" cert show "$serial" --json | field status)" keyCompromise "status"

# --- lists, held against the register --------------------------------------------------------
json crl audit --rebuild all
same "$(field ok <answer.json)" True "audit"
same "$(rows findings <answer.json)" 0 "findings"
same "$(field signed <answer.json)" "$(field rebuilt <answer.json)" "lists made again"
newest=$(find home/crl -path '*/full/2.crl')
cp "$newest" kept.crl
printf '\377' | dd of="$newest" bs=1 seek=60 conv=notrunc status=none
fails 84 "findings: the lists are not what the register says" "$chancery" crl audit --rebuild 2
grep -q "list-form" fails.out || die "the changed list is not named"
fails 84 findings "$chancery" crl audit --json
python3 -c 'import json; assert json.load(open("fails.out"))["findings"]' || die "JSON of findings"
cp kept.crl "$newest"
check "$chancery" crl audit --issuer acme-root
check "$chancery" crl audit home/register --lists home/crl
fails 64 "go together" "$chancery" crl audit home/register
fails 64 "neither the number" "$chancery" crl audit --rebuild last
fails 66 "no list of number 99" "$chancery" crl audit --rebuild 99

# --- looking ---------------------------------------------------------------------------------
json cert list
json cert show "$serial" --out again.pem
cmp -s again.pem b.pem || die "the certificate from the register differs"
json issuer list
same "$(rows issuers <answer.json)" 7 "authorities"
json key list
same "$(rows keys <answer.json)" 4 "keys"
json key custody acme-root
# Attributes alone are no proof: no word on attacks, and what the ceremony found is listed.
"$chancery" key custody acme-root --json >custody.json
! grep -q attacks_ok custody.json || die "attacks that were not mounted are told of"
[ "$(rows evidence <custody.json)" -ge 3 ] || die "the register's evidence is missing"
same "$(field attributes_ok <answer.json)" True "attributes"
json key custody acme-two --attack
same "$(field attacks_ok <answer.json)" True "attacks"
json charter show acme-root
json charter templates
json sign profiles
json token list
json register prove 3
python3 - <<'PY' || die "the inclusion proof"
import hashlib, json
a = json.load(open("answer.json"))
h = lambda *v: hashlib.sha256(b"".join(v)).digest()
node = h(b"\0", a["line"].encode())
assert node.hex() == a["leaf"]
fn, sn = a["index"], a["size"] - 1
for p in (bytes.fromhex(r["hash"]) for r in a["proof"]):
    assert sn > 0
    if fn & 1 or fn == sn:
        node = h(b"\1", p, node)
        while not fn & 1 and fn:
            fn >>= 1; sn >>= 1
    else:
        node = h(b"\1", node, p)
    fn >>= 1; sn >>= 1
assert sn == 0 and node.hex() == a["root"]
PY
json register export tree
[ -f tree/checkpoint ] || die "no checkpoint in the exported tree"
check "$chancery" register receipt 3 --out receipt
grep -q "tlog-proof" receipt || die "receipt"
"$chancery" register follow --once --json >lines
cmp -s lines <("$chancery" register show --json) || die "follow and show differ"
python3 -c 'import json,sys; [json.loads(l) for l in open("lines")]' || die "lines"
fails 66 "no record" "$chancery" register show 999999

# A charter may be narrowed, not widened.
"$chancery" charter show acme-two --json >answer.json
cat >narrow.yaml <<'YAML'
kinds: [crl]
max_life: { crl: 30d }
backdate: 1h
YAML
if "$chancery" charter lint narrow.yaml >/dev/null 2>&1; then
	check "$chancery" charter set acme-two narrow.yaml
	fails 77 "charter" "$chancery" sign csr --issuer acme-two --profile kafka-broker --csr b.csr --out n.pem
	[ ! -e n.pem ] || die "signed outside the charter"
	same "$("$chancery" register show --type REFUSED --json | wc -l)" 1 "refusals in the register"
else
	die "charter lint: $("$chancery" charter lint narrow.yaml 2>&1)"
fi
json register verify
same "$(field ok <answer.json)" True "register verify"
# A list that was changed where it is kept.
kept=$(find home/crl -name '1.crl' | head -n 1)
cp "$kept" kept.crl
python3 - "$kept" <<'PY'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[-1] ^= 1
open(sys.argv[1], "wb").write(b)
PY
if "$chancery" register verify >/dev/null 2>err; then die "a changed CRL was not found"; fi
grep -q "1.crl" err || die "does not name the list: $(cat err)"
cp kept.crl "$kept"
# Errors are JSON too when it is asked for.
"$chancery" cert show 00 --json >answer.json 2>/dev/null && die "a serial that is not there"
same "$(field error <answer.json)" not-found "reason in JSON"
echo "commands: good"
