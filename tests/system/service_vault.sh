#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/vault.md as it stands there, against a real OpenBao; then what it does not show: fifty
# roles adopted, what cannot be kept, an aborted sign-intermediate that goes on, offline.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
export PATH=$bin:$PATH
openbao_start
service_start open
ours=$VAULT_ADDR
ob() {
	VAULT_ADDR=$OPENBAO_ADDR BAO_ADDR=$OPENBAO_ADDR VAULT_TOKEN=root BAO_TOKEN=root HOME=$work bao "$@"
}
obc() { curl -sSf -H "X-Vault-Token: root" "$OPENBAO_ADDR/v1/$1" "${@:2}"; }
us() { socket "${2:-GET}" "$1" "${@:3}"; }
# value JSON-PATH…: of what comes in
value() {
	python3 -c 'import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1:]:
    v = v[int(k) if k.isdigit() else k]
print(v if isinstance(v, str) else json.dumps(v, sort_keys=True))' "$@"
}

# --- what is there: the article's PKI, in OpenBao ----------------------------------------------------
check ob secrets enable -path kafka-int-ca pki
check ob secrets tune -max-lease-ttl=43800h kafka-int-ca
obc kafka-int-ca/root/generate/internal -d '{"common_name":"Old Kafka CA","ttl":"8760h"}' >old.json
check ob write kafka-int-ca/config/urls issuing_certificates="$OPENBAO_ADDR/v1/kafka-int-ca/ca" \
	crl_distribution_points="$OPENBAO_ADDR/v1/kafka-int-ca/crl"
check ob write kafka-int-ca/roles/kafka-server allowed_domains=servers.kafka.acme.com \
	allow_subdomains=true max_ttl=72h
check ob write kafka-int-ca/roles/kafka-client allowed_domains=clients.kafka.acme.com \
	allow_subdomains=true max_ttl=72h
cat >kafka-server.hcl <<'END'
path "kafka-int-ca/issue/kafka-server" {
  capabilities = ["update"]
}
END
check ob policy write kafka-server kafka-server.hcl
ob token create -policy=kafka-server -field=token >broker-token
echo root >vault-token
chmod 600 vault-token
cp home/tls/certificate.pem vault-ca.pem

# --- the page: every indented block, in its order -----------------------------------------------------
ln -s home pki
# The two addresses and systemd are the machine's of the page.
sed -n 's/^    //p' "$top/docs/vault.md" |
	sed -e "s|https://vault.acme.com:8200|$OPENBAO_ADDR|g" -e "s|https://pki.acme.com:8200|$ours|g" \
		-e "s|^systemctl reload chanceryd\$|reload|" >page.sh
[ "$(grep -c 'chancery vault' page.sh)" = 6 ] || die "the page has other commands"
ready() { grep -c 'server: ready after' "$work/chanceryd.log"; }
reload() {
	local before
	before=$(ready)
	kill -HUP "$daemon"
	until_ok "server with its settings" eval "[ \$(ready) -gt $before ]"
	until_ok "publisher" eval "'$chancery' status --home home | grep -Eq '^publisher +ready'"
}
unset BAO_ADDR BAO_TOKEN BAO_CACERT VAULT_TOKEN
export -f ready reload until_ok die
export work daemon chancery log
{
	echo 'set -euo pipefail'
	cat page.sh
	# shellcheck disable=SC2016
	echo 'echo "$VAULT_TOKEN" >root-token'
} >page-all.sh
bash page-all.sh >page.out 2>page.err || { cat page.out page.err; die "docs/vault.md"; }
VAULT_TOKEN=$(cat root-token)
root_token=$VAULT_TOKEN
export VAULT_TOKEN

# What came of it: OpenBao issues below the HSM's root…
says() { grep -Eq -- "$1" page.out || { cat page.out; die "the page does not say $1"; }; }
says '^request +would be done'
says '^request +done'
says '^default +not asked for'
says '^request +was there'
says '^certificate +was there'
says '^default +done'
same "$(grep -c '^check  *done' page.out)" 2 "read back"
obc kafka-int-ca/issue/kafka-server -d '{"common_name":"node-9.servers.kafka.acme.com"}' >issued.json
value data certificate <issued.json >leaf.pem
value data issuing_ca <issued.json >intermediate.pem
check openssl verify -CAfile root.pem -untrusted intermediate.pem leaf.pem
# …and then the HSM's intermediate here, for a broker with a token of Vault's.
openssl x509 -in node-1.pem -noout -issuer | grep -q 'Acme Kafka Intermediate CA 2' || die "another issuer"
check openssl verify -CAfile root.pem -untrusted kafka.pem node-1.pem
openssl x509 -in node-1.pem -noout -text | grep -qF "URI:$ours/v1/kafka-int-ca/crl" || die "address of the list"
grep -q '"who":"vault:main:token"' home/logs/access.jsonl || die "who it was"
for role in kafka-server kafka-client; do
	obc "kafka-int-ca/roles/$role" | value data >there
	us "kafka-int-ca/roles/$role" | python3 -c 'import json, sys
d = json.load(sys.stdin)["data"]
d.pop("serial_number_source", None)
print(json.dumps(d, sort_keys=True))' >here
	diff there here || die "role $role"
done
# The old authority's key stays where it is; the default issuer came later.
same "$(grep 'cannot keep' page.out | grep -vc 'it has no name\|default: there is none here yet')" 0 "not kept"
adopt() {
	"$chancery" vault adopt --home home --address "$OPENBAO_ADDR" --token file:vault-token "$@"
}
adopt --mount kafka-int-ca --policy kafka-server --url-base "$ours" >again
grep -q '^nothing to do$' again || { cat again; die "a second run has something to do"; }

# --- fifty roles -----------------------------------------------------------------------------------------
check ob secrets enable -path many pki
python3 - >roles.txt <<'END'
import json
for i in range(50):
    role = {"allowed_domains": ["d%d.example" % i], "max_ttl": 3600 * (i + 1),
            "allow_subdomains": i % 2 == 0, "allow_bare_domains": i % 3 == 0,
            "key_type": ["rsa", "ec", "ed25519", "any"][i % 4],
            "key_bits": [2048, 256, 0, 0][i % 4], "server_flag": i % 5 != 0,
            "ext_key_usage": ["ServerAuth"] if i % 7 == 0 else [], "no_store": i % 6 == 0,
            "organization": ["Acme %d" % i], "key_usage": ["DigitalSignature"],
            "require_cn": i % 2 == 1, "allowed_uri_sans": ["spiffe://a/%d/*" % i]}
    print("role-%d\t%s" % (i, json.dumps(role)))
END
while IFS=$'\t' read -r name role; do
	obc "many/roles/$name" -d "$role" >/dev/null || die "$name there"
done <roles.txt
obc many/roles/far -d '{"issuer_ref":"somewhere","allow_any_name":true}' >/dev/null
obc many/config/crl -d '{"expiry":"48h","auto_rebuild":true}' >/dev/null
obc many/config/urls -d "{\"crl_distribution_points\":[\"$OPENBAO_ADDR/v1/many/crl\"],\"ocsp_servers\":[\"http://ocsp.acme.com\"]}" >/dev/null
adopt --mount many --to moved >plan
grep -q '^mount  *to create  *moved$' plan || die "no mount in the plan"
same "$(grep -c '^role  *to create' plan)" 51 "roles in the plan"
grep -q 'this was the plan' plan || die "not told that it was a plan"
us sys/mounts | grep -q '"moved/"' && die "a plan made a mount"
adopt --mount many --to moved --apply --json >applied.json
same "$(field lost <applied.json)" 2 "what cannot be kept"
grep -q 'its issuer \\"somewhere\\" is not here' applied.json || die "no word about the issuer"
grep -q 'crl_distribution_points: an address of the Vault itself' applied.json || die "no word about the address"
while IFS=$'\t' read -r name role; do
	same "$(us "moved/roles/$name" | value data | python3 -c 'import json, sys
d = json.load(sys.stdin)
d.pop("serial_number_source", None)
print(json.dumps(d, sort_keys=True))')" "$(obc "many/roles/$name" | value data)" "$name"
done <roles.txt
same "$(us moved/config/crl | value data expiry)" 48h "life of lists"
same "$(us moved/config/urls | value data ocsp_servers 0)" http://ocsp.acme.com "OCSP address"
adopt --mount many --to moved --apply >second
grep -q '^nothing to do$' second || { cat second; die "a second run has something to do"; }
obc many/roles/role-3 -d '{"allowed_domains":["other.example"]}' >/dev/null
adopt --mount many --to moved >third
grep -q '^role  *to change  *role-3: .*allowed_domains' third || { cat third; die "no change seen"; }
same "$(grep -c 'to change\|to create' third)" 1 "changes"
# An issuer's settings wait for the issuer.
obc many/root/generate/internal -d '{"common_name":"Many","issuer_name":"first"}' >/dev/null
obc many/issuer/first -X PATCH -H 'Content-Type: application/merge-patch+json' \
	-d '{"leaf_not_after_behavior":"truncate"}' >/dev/null
adopt --mount many --to moved --apply >fourth
grep -q '^issuer  *cannot keep  *first: there is none here yet' fourth || { cat fourth; die "issuer that is not there"; }
us moved/root/generate/internal POST -d '{"common_name":"Moved","issuer_name":"first","key_type":"ec"}' >/dev/null
adopt --mount many --to moved --apply >fifth
same "$(us moved/issuer/first | value data leaf_not_after_behavior)" truncate "setting of an issuer"
# Mistakes.
fails 66 "there is no mount nowhere" adopt --mount nowhere
fails 66 "404" adopt --mount many --to moved --policy nowhere
fails 64 "want the path of a mount" adopt --mount many --to /x
check bao auth enable -path moved approle
echo no-such-token >bad-token
chmod 600 bad-token
fails 76 "403" "$chancery" vault adopt --home home --address "$OPENBAO_ADDR" --token file:bad-token --mount many

# --- sign-intermediate: an abort, and on from there ----------------------------------------------------------
sign() {
	"$chancery" vault sign-intermediate --home home --address "$OPENBAO_ADDR" --mount second \
		--issuer root-ca --common-name "Second CA" "$@"
}
check ob secrets enable -path second pki
cat >half.hcl <<'END'
path "second/*" { capabilities = ["read", "list"] }
path "second/intermediate/generate/internal" { capabilities = ["update"] }
END
check ob policy write half half.hcl
ob token create -policy=half -field=token >half-token
chmod 600 half-token
signed() { "$chancery" register show --home home --json | grep -o '"SIGNED"' | wc -l; }
before=$(signed)
sign --token file:vault-token --dry-run >dry
same "$(grep -c 'would be done' dry)" 6 "steps of a dry run"
[ ! -e home/vault/second ] || die "a dry run left something"
same "$(signed)" "$before" "signatures of a dry run"
fails 76 "403" sign --token file:half-token
[ -s home/vault/second/certificate.pem ] || die "no certificate is kept"
after=$(signed)
[ "$after" -gt "$before" ] || die "nothing was signed"
# By descriptor, then by the variable.
sign --token fd:9 9<vault-token >on
for text in '^request +was there' '^certificate +was there' '^set-signed +done' '^check +done'; do
	grep -Eq "$text" on || { cat on; die "not gone on with: $text"; }
done
same "$(signed)" "$after" "signed twice"
VAULT_TOKEN=root sign >once-more
same "$(grep -c ' done ' once-more)" 1 "steps of a run with nothing to do" # it reads back
VAULT_TOKEN=root sign --json --crl-url http://crl.acme.com/x >urls.json
same "$(obc second/config/urls | value data crl_distribution_points 0)" http://crl.acme.com/x "address"
# A certificate of another key, a request without its key.
cp home/vault/kafka-int-ca/certificate.pem home/vault/second/certificate.pem
VAULT_TOKEN=root fails 65 "is of another key" sign
rm home/vault/second/certificate.pem
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out own.csr \
	-subj "/CN=Third CA" 2>/dev/null
check ob secrets enable -path third pki
third() {
	VAULT_TOKEN=root "$chancery" vault sign-intermediate --home home --address "$OPENBAO_ADDR" \
		--mount third --issuer root-ca "$@"
}
fails 65 "has no key: the request was of another mount" third --csr own.csr
fails 64 "--common-name NAME is missing" env VAULT_TOKEN=root "$chancery" vault sign-intermediate \
	--home home --address "$OPENBAO_ADDR" --mount fourth --issuer root-ca --dir "$work/none"
(unset VAULT_TOKEN; fails 64 "VAULT_TOKEN" sign)
fails 64 "in the clear" env VAULT_TOKEN=root "$chancery" vault sign-intermediate --home home \
	--address http://10.0.0.1 --mount third --issuer root-ca --common-name x
# The mount's own key, certified: what it issued is good below the root here.
key=$(obc "kafka-int-ca/issuer/$(value data issuer_id <old.json)" | value data key_id)
VAULT_TOKEN=root check "$chancery" vault sign-intermediate --home home --address "$OPENBAO_ADDR" \
	--mount kafka-int-ca --issuer root-ca --existing-key "$key" --common-name "Old Kafka CA" \
	--dir "$work/existing" --keep-default
same "$(openssl x509 -in existing/certificate.pem -noout -pubkey)" \
	"$(value data certificate <old.json | openssl x509 -noout -pubkey)" "the certified key"

# --- the same offline -----------------------------------------------------------------------------------------------
kill -TERM "$daemon"
wait "$daemon" || die "status at the end"
daemon=
key=$("$chancery" issuer list --home home --json | python3 -c 'import json, sys
print(next(i["key"] for i in json.load(sys.stdin)["issuers"] if i["subject"] == "CN=Acme Root CA"))')
check ob secrets enable -path offline pki
VAULT_TOKEN=root "$chancery" vault sign-intermediate --home home --address "$OPENBAO_ADDR" --mount offline \
	--issuer "$key" --common-name "Offline CA" --life 700d >offline.out || die "offline"
grep -Eq '^certificate +done +signed by .* offline' offline.out || { cat offline.out; die "not offline"; }
grep -Eq '^check +done' offline.out || die "not checked"
fails 66 "does not run" adopt --mount many --to moved
check "$chancery" register verify --home home
# No token in what was written.
for token in "$(cat broker-token)" "$(cat half-token)" "$root_token"; do
	! grep -rqF -- "$token" home/logs home/register home/vault chanceryd.log || die "a token was written down"
done
