#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The article's authorities with the real bao CLI: root and intermediate in the HSM, roles,
# issue, sign, revoke, lists; openssl and keytool judge what came out.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open

# --- the commands of the article, as they stand there -------------------------------------------
check bao secrets enable -path root-ca pki
check bao secrets tune -max-lease-ttl=8760h root-ca
bao write -field certificate root-ca/root/generate/internal \
	common_name="Acme Root CA" \
	ttl=8760h >root-ca.pem 2>warnings
check bao write root-ca/config/urls \
	issuing_certificates="$VAULT_ADDR/v1/root-ca/ca" \
	crl_distribution_points="$VAULT_ADDR/v1/root-ca/crl"
check bao secrets enable -path kafka-int-ca pki
check bao secrets tune -max-lease-ttl=8760h kafka-int-ca
bao write -field=csr kafka-int-ca/intermediate/generate/internal \
	common_name="Acme Kafka Intermediate CA" ttl=43800h >kafka-int-ca.csr 2>warnings
bao write -field=certificate root-ca/root/sign-intermediate csr=@kafka-int-ca.csr \
	format=pem_bundle ttl=43800h >kafka-int-ca.pem 2>warnings
grep -q 'longer than permitted maxTTL' warnings || die "no word about the ttl"
check bao write kafka-int-ca/intermediate/set-signed certificate=@kafka-int-ca.pem
check bao write kafka-int-ca/config/urls \
	issuing_certificates="$VAULT_ADDR/v1/kafka-int-ca/ca" \
	crl_distribution_points="$VAULT_ADDR/v1/kafka-int-ca/crl"
check bao write kafka-int-ca/roles/kafka-client \
	allowed_domains=clients.kafka.acme.com allow_subdomains=true max_ttl=72h
check bao write kafka-int-ca/roles/kafka-server \
	allowed_domains=servers.kafka.acme.com allow_subdomains=true max_ttl=72h
for kind in client server; do
	cat >kafka-$kind.hcl <<-EOF
		path "kafka-int-ca/issue/kafka-$kind" {
		  capabilities = ["update"]
		}
	EOF
	check bao policy write kafka-$kind kafka-$kind.hcl
	check bao write auth/token/roles/kafka-$kind \
		allowed_policies=kafka-$kind period=24h
done
root_token=$VAULT_TOKEN
VAULT_TOKEN=$(bao token create -field=token -role kafka-server)
BAO_TOKEN=$VAULT_TOKEN
bao write -field certificate kafka-int-ca/issue/kafka-server \
	common_name=node-1.servers.kafka.acme.com alt_names=localhost \
	format=pem_bundle >node-1.pem
fails 2 "permission denied" bao write kafka-int-ca/issue/kafka-client \
	common_name=my-client.clients.kafka.acme.com
VAULT_TOKEN=$root_token
BAO_TOKEN=$root_token
VAULT_TOKEN=$(bao token create -field=token -role kafka-client)
BAO_TOKEN=$VAULT_TOKEN
bao write -field certificate kafka-int-ca/issue/kafka-client \
	common_name=my-client.clients.kafka.acme.com format=pem_bundle >client.pem
VAULT_TOKEN=$root_token
BAO_TOKEN=$root_token
export VAULT_TOKEN BAO_TOKEN

# --- what openssl says ------------------------------------------------------------------------
# The bundle holds the chain up to the root, as an untrusted file.
check openssl verify -CAfile root-ca.pem kafka-int-ca.pem
for leaf in node-1 client; do
	check openssl verify -x509_strict -CAfile root-ca.pem -untrusted kafka-int-ca.pem \
		$leaf.pem
	same "$(grep -c BEGIN $leaf.pem)" 4 "blocks in $leaf.pem: key, leaf, issuer, root"
	head -n 1 $leaf.pem | grep -q 'BEGIN RSA PRIVATE KEY' || die "$leaf.pem: key is not first"
done
check openssl verify -purpose sslserver -verify_hostname node-1.servers.kafka.acme.com \
	-CAfile root-ca.pem -untrusted kafka-int-ca.pem node-1.pem
check openssl verify -verify_hostname localhost -CAfile root-ca.pem \
	-untrusted kafka-int-ca.pem node-1.pem
same "$(openssl x509 -in node-1.pem -noout -ext crlDistributionPoints | grep -o 'URI:.*')" \
	"URI:$VAULT_ADDR/v1/kafka-int-ca/crl" "distribution point"
same "$(openssl x509 -in kafka-int-ca.pem -noout -ext crlDistributionPoints | grep -o 'URI:.*')" \
	"URI:$VAULT_ADDR/v1/root-ca/crl" "distribution point of the intermediate"
same "$(openssl rsa -in node-1.pem -noout -modulus 2>/dev/null)" \
	"$(openssl x509 -in node-1.pem -noout -modulus)" "key and certificate"

# --- what keytool says -----------------------------------------------------------------------
for ca in root-ca kafka-int-ca; do
	check keytool -import -noprompt -alias $ca -trustcacerts -file $ca.pem \
		-keystore kafka-truststore.jks -storepass changeme
done
for name in node-1 client; do
	check openssl pkcs12 -inkey $name.pem -in $name.pem -name $name -export \
		-out $name.p12 -passout pass:changeme
	check keytool -importkeystore -noprompt -deststorepass changeme \
		-destkeystore $name-keystore.jks -srckeystore $name.p12 \
		-srcstoretype PKCS12 -srcstorepass changeme
	keytool -list -v -keystore $name-keystore.jks -storepass changeme >list
	grep -q 'Certificate chain length: 3' list || die "keytool: chain of $name"
done
# A request that keytool makes, and its reply imported where it was made.
check keytool -genkeypair -keystore broker.p12 -alias broker -keyalg RSA -keysize 2048 \
	-dname "CN=node-2.servers.kafka.acme.com" -storepass changeme
check keytool -certreq -keystore broker.p12 -alias broker -storepass changeme \
	-ext SAN=dns:node-2.servers.kafka.acme.com -file broker.csr
bao write -field certificate kafka-int-ca/sign/kafka-server csr=@broker.csr \
	format=pem_bundle >broker.pem
check keytool -importcert -noprompt -keystore broker.p12 -alias broker -storepass changeme \
	-trustcacerts -file broker.pem
keytool -list -v -keystore broker.p12 -storepass changeme >list
grep -q 'Certificate chain length: 3' list || die "keytool: chain of its own request"

# --- public reads ---------------------------------------------------------------------------
raw root-ca/ca/pem >ca.pem
same "$(cat ca.pem)" "$(cat root-ca.pem)" "ca/pem"
same "$(tail -c 1 ca.pem | xxd -p)" 0a "ca/pem ends with a newline"
raw kafka-int-ca/crl/pem >crl.pem
same "$(tail -c 1 crl.pem | xxd -p)" 0a "crl/pem ends with a newline"
cat ca.pem crl.pem >both.pem
check openssl crl -in both.pem -noout
raw root-ca/ca >ca.der
same "$(openssl x509 -inform der -in ca.der)" "$(openssl x509 -in root-ca.pem)" "ca"
raw kafka-int-ca/ca_chain >chain.pem
same "$(grep -c BEGIN chain.pem)" 2 "certificates in ca_chain"
etag=$(raw kafka-int-ca/crl -o /dev/null -D - | sed -n 's/^ETag: \(.*\)\r$/\1/p')
[ -n "$etag" ] || die "crl has no ETag"
same "$(raw kafka-int-ca/crl -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag")" 304 \
	"unchanged list"
same "$(raw kafka-int-ca/crl -o /dev/null -w '%{http_code}' -H 'If-None-Match: "x"')" 200 \
	"changed list"
raw kafka-int-ca/crl -I >headers
grep -q '^HTTP/1.1 200' headers || die "HEAD crl"
grep -q '^Cache-Control: public, max-age=60' headers || die "no Cache-Control on crl"
raw kafka-int-ca/crl >whole.crl
same "$(sed -n 's/^Content-Length: \([0-9]*\)\r$/\1/p' headers)" "$(wc -c <whole.crl)" "HEAD's length"
# Parts put together are the list; a part of another version is not given.
raw kafka-int-ca/crl -r 0-99 >part.crl
raw kafka-int-ca/crl -r 100- -H "If-Range: $etag" >>part.crl
cmp -s part.crl whole.crl || die "ranges of the list"
same "$(raw kafka-int-ca/crl -o /dev/null -w '%{http_code}' -r 0-9)" 206 "a range"
same "$(raw kafka-int-ca/crl -o /dev/null -w '%{http_code}' -r 0-9 -H 'If-Range: "x"')" 200 \
	"a range of another version"
same "$(raw kafka-int-ca/crl -o /dev/null -w '%{http_code}' -r 99999999-)" 416 "a range behind the end"
modified=$(sed -n 's/^Last-Modified: \(.*\)\r$/\1/p' headers)
[ -n "$modified" ] || die "no Last-Modified on crl"
same "$(raw kafka-int-ca/crl -o /dev/null -w '%{http_code}' -H "If-Modified-Since: $modified")" 304 \
	"not modified since"
# Java knows versions by Last-Modified alone: lists of one second differ in it.
for _ in 1 2 3 4 5 6; do
	check bao read kafka-int-ca/crl/rotate
	raw kafka-int-ca/crl -I | sed -n 's/^Last-Modified: \(.*\)\r$/\1/p' >>dates
done
same "$(sort dates | uniq -d)" "" "a Last-Modified of two lists"

# --- revocation ------------------------------------------------------------------------------
crl_check() {
	{ raw kafka-int-ca/crl/pem && raw root-ca/crl/pem; } >crls.pem
	openssl verify -crl_check -CAfile root-ca.pem -untrusted kafka-int-ca.pem \
		-CRLfile crls.pem "$1"
}
check crl_check node-1.pem
serial=$(openssl x509 -in node-1.pem -noout -serial | sed 's/.*=//; s/../&:/g; s/:$//')
check bao write kafka-int-ca/revoke serial_number="$serial" reason=keyCompromise
if crl_check node-1.pem >out 2>&1; then
	die "node-1 is revoked and verifies"
fi
grep -q 'certificate revoked' out || die "openssl does not say revoked: $(cat out)"
check crl_check client.pem
raw kafka-int-ca/crl | openssl crl -inform der -noout -text >text
grep -q 'Key Compromise' text || die "no reason on the list"
first=$(bao write -field revocation_time kafka-int-ca/revoke serial_number="$serial")
same "$first" "$(bao read -field revocation_time "kafka-int-ca/cert/$serial")" "time of revocation"
check bao write kafka-int-ca/revoke certificate=@client.pem
fails 2 "not found" bao write kafka-int-ca/revoke serial_number=11:22
fails 2 "not both" bao write kafka-int-ca/revoke serial_number=11:22 certificate=@client.pem
same "$(bao list -format=json kafka-int-ca/certs/revoked | python3 -c '
import json, sys
print(len(json.load(sys.stdin)))')" 2 "revoked"
number() { raw "$1/crl" | openssl crl -inform der -noout -crlnumber; }
before=$(number kafka-int-ca)
check bao read kafka-int-ca/crl/rotate
[ "$(number kafka-int-ca)" != "$before" ] || die "crl/rotate made no list"

# --- refused ---------------------------------------------------------------------------------
fails 2 "type exported is refused" bao write root-ca/root/generate/exported common_name=x
fails 2 "not allowed by this role" bao write kafka-int-ca/issue/kafka-server \
	common_name=node.evil.example
fails 2 "unknown role" bao write kafka-int-ca/issue/none common_name=x
fails 2 "role requires keys of type rsa" bao write kafka-int-ca/sign/kafka-server \
	common_name=a.servers.kafka.acme.com csr=@"$data/csr/openssl-p256.pem"
fails 2 "private keys are not imported" bao write kafka-int-ca/intermediate/set-signed \
	certificate=@client.pem
fails 2 "unsupported bit length" bao write root-ca/root/generate/internal common_name=x \
	key_type=rsa key_bits=1024

# --- keys of other types, existing ones, by label ----------------------------------------------
check bao secrets enable -path other pki
for type in "ec key_bits=256" "ec key_bits=384" ed25519; do
	# shellcheck disable=SC2086
	bao write -field certificate other/root/generate/internal common_name="Other $type" \
		key_type=$type >other.pem 2>warnings
	check openssl verify -check_ss_sig -CAfile other.pem other.pem
done
check bao write other/root/generate/kms common_name="By label" managed_key_name=label-1 \
	key_type=ec key_name=one
check bao write other/root/generate/existing common_name="Again" key_ref=one
id=$(bao read -field key_id other/key/one)
same "$(bao write -field key_id other/root/generate/kms common_name="Once more" \
	managed_key_name=label-1 key_type=ec 2>warnings)" "$id" "key of that label"
fails 2 "an issuer of this mount uses it" bao delete other/key/one

# --- the register has it all, and verifies -----------------------------------------------------
stop_all
export CHANCERY_HOME=$work/home
check "$chancery" register verify
# And the store is what the register makes of it.
"$chancery" store rebuild --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store made anew: $(cat rebuilt)"
echo "service_pki: article, openssl, keytool, revocation, refusals: as they should be"
