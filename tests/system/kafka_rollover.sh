#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The intermediate of a Kafka estate gets a new key under the same name, certified by the offline root,
# while a client writes and reads: broker and clients change one after the other, nobody waits. Then the
# old intermediate is revoked.
# shellcheck source=tests/interop/kafka/lib.sh
. "$(dirname "$0")/../interop/kafka/lib.sh"
store=PKCS12
broker_names=(common_name=broker-1 alt_names=localhost ip_sans=127.0.0.1)
app_name=(common_name=orders-app exclude_cn_from_sans=true)

estate_start ec
# A list of its own for each key: at the mount's address there is only the newest one's.
check bao write kafka/config/urls enable_templating=true \
	crl_distribution_points="$crls/kafka/issuer/{{issuer_id}}/crl/der"
issue broker kafka broker "${broker_names[@]}"
issue admin kafka app common_name=kafka-admin
issue client kafka app "${app_name[@]}"
issue client-revoked kafka app "${app_name[@]}"
issue client-foreign foreign app "${app_name[@]}"
stores stores "$store"
probe_start
port=$(free_port)
for name in admin client client-revoked; do
	settings $name $name
done
broker_start
expect "a topic" ok topic admin.properties orders
expect "its ACL" ok allow admin.properties User:orders-app orders
expect "the old client writes and reads from now on" ok flow client.properties orders

nothing_lost() { [[ $1 == *", failed 0, "*", missing 0 "* ]]; }

# --- the new key -------------------------------------------------------------------------------
check bao write -field=csr kafka/intermediate/generate/internal common_name="Acme Kafka CA" \
	organization=Acme key_type=ec key_bits=256
cp check.out new.csr
root_sign new.csr kafka-new.pem
bao write -format=json kafka/intermediate/set-signed certificate=@kafka-new.pem >answer.json
check bao write kafka/config/issuers default="$(python3 -c 'import json
print(json.load(open("answer.json"))["data"]["imported_issuers"][0])')"
same "$(openssl x509 -in kafka.pem -noout -subject)" "$(openssl x509 -in kafka-new.pem -noout -subject)" \
	"name of the new authority"
issue broker-new kafka broker "${broker_names[@]}"
issue client-new kafka app "${app_name[@]}"
for name in broker-new client-new; do
	key_store $name stores "$store"
done
settings client-new client-new
for name in broker client; do
	[ "$(openssl x509 -in leaves/$name/cert.pem -noout -ext crlDistributionPoints)" != \
		"$(openssl x509 -in leaves/$name-new/cert.pem -noout -ext crlDistributionPoints)" ] ||
		die "old and new key have one list"
done

# --- one after the other -----------------------------------------------------------------------
expect "a new client at the old broker" ok send client-new.properties orders x
take broker-new
tell "the broker takes the new certificate" until_ok "the new certificate" \
	serial_is leaves/broker-new/cert.pem
expect "a new client at the new broker" ok send client-new.properties orders x
expect "an old client at the new broker" ok send client.properties orders x
expect "a new program with the old certificate" ok meet client-revoked.properties "localhost:$port"
# The old key goes on signing its list.
revoke client-revoked kafka reason=superseded
in_the_end "what is revoked of the old authority is refused" 'tls|gone' 120 \
	meet client-revoked.properties "localhost:$port"
expect "which ends" ok stop
tell "and has lost nothing" nothing_lost "$detail"
expect "the new client writes and reads" ok flow client-new.properties orders

# --- the old one's end ---------------------------------------------------------------------------
check offline revoke --cert kafka.pem --reason superseded
root_publish
in_the_end "all of the old authority is refused" 'tls|gone' 120 meet client.properties "localhost:$port"
refused "because the root says so" 'Certificate has been revoked, reason: SUPERSEDED' \
	meet client.properties "localhost:$port"
expect "a new program with a new certificate" ok meet client-new.properties "localhost:$port"
expect "the new client's end" ok stop
tell "and it has lost nothing" nothing_lost "$detail"
count
