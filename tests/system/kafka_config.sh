#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chancery kafka config and names: read by java.util.Properties, rules applied as Kafka applies
# them, names matched by openssl; what is refused.
# shellcheck disable=SC2016,SC2054 # dollars of regular expressions and properties
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(realpath "$(dirname "$0")")
# shellcheck source=tests/system/kafka_pki.sh
. "$here/kafka_pki.sh"
mkdir classes
check javac -d classes "$here/KafkaStores.java"
java() { command java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp classes KafkaStores "$@"; }
kafka() { "$chancery" kafka "$@"; }
authority
leaf broker /O=Acme/OU=Kafka/CN=broker-1 "$both\n$local_names"
leaf admin /O=Acme/OU=Kafka/CN=kafka-admin "$client_ext"
leaf guest /O=Acme/OU=Guests/CN=kafka-admin "$client_ext"
leaf odd '/O=Ä, "x"\\ Sons/CN=ключ' "$client_ext"
leaf semicolon '/O=A;B/CN=s' "$client_ext"

# ---- server.properties ------------------------------------------------------------------
stores=(--dir /etc/kafka/tls --name broker)
listeners=(--listeners SSL://localhost:9093,CONTROLLER://localhost:9193 --controller CONTROLLER)
kafka config server "${stores[@]}" "${listeners[@]}" --super broker.crt --super admin.crt \
	--super guest.crt --super odd.crt --cn-rule-for OU=Kafka,O=Acme --cert broker.crt >server.properties
value() { java property server.properties "$1"; }
same "$(value listener.security.protocol.map)" SSL:SSL,CONTROLLER:SSL "map"
same "$(value ssl.client.auth)" required "client certificates"
same "$(value ssl.keystore.location)" /etc/kafka/tls/broker.pem "key store"
same "$(value authorizer.class.name)" \
	org.apache.kafka.metadata.authorizer.StandardAuthorizer "authorizer"
same "$(value ssl.principal.mapping.rules)" \
	'RULE:^CN=([a-zA-Z0-9._-]+),OU=Kafka,O=Acme$/$1/,DEFAULT' "rule"
same "$(value super.users)" \
	"User:broker-1;User:kafka-admin;User:CN=kafka-admin,OU=Guests,O=Acme;User:$(java principal odd.crt)" \
	"super.users, escapes and all"
for flag in checkRevocation=true enableCRLDP=true disableExtensions=pre_shared_key \
	enableSessionTicketExtension=false newSessionTicketCount=0; do
	grep -q "^# KAFKA_OPTS=.*$flag" server.properties || die "no flag $flag"
done
! LC_ALL=C grep -q '[^ -~]' server.properties || die "beyond ASCII"
kafka config server "${stores[@]}" --listeners SSL://:9093 --format p12 \
	--password-property /etc/kafka/secret.properties:password >server.properties
same "$(value ssl.keystore.password)" '${file:/etc/kafka/secret.properties:password}' "password"
same "$(value authorizer.class.name)" kafka.security.authorizer.AclAuthorizer "with ZooKeeper"
# The certificate has to be good for what clients are told.
fails 77 "kafka.acme.example is not among its names" "$chancery" kafka config server "${stores[@]}" \
	--listeners SSL://:9093 --advertised SSL://kafka.acme.example:9093 --cert broker.crt
# Warnings stand beside the properties, not among them.
leaf soon /O=Acme/OU=Kafka/CN=soon "$key_usage\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:localhost,DNS:a_b" \
	20240101000000Z "$(date -u -d '+3 days' +%Y%m%d%H%M%SZ)"
kafka config server "${stores[@]}" "${listeners[@]}" --cert soon.crt >warned.properties 2>warned.err
for code in expires-soon bad-name no-crl-url; do
	grep -q "^chancery: soon.crt: warning: .*($code)\$" warned.err || die "no word of $code: $(cat warned.err)"
done
kafka config server "${stores[@]}" "${listeners[@]}" >unwarned.properties
cmp -s warned.properties unwarned.properties || die "warnings among the properties"
kafka config server "${stores[@]}" "${listeners[@]}" --cert soon.crt --json 2>warned.err | grep -q '"code":"expires-soon"' ||
	die "no finding in JSON"
[ ! -s warned.err ] || die "findings of --json beside it: $(cat warned.err)"
fails 65 "no host that a client can reach" "$chancery" kafka config server "${stores[@]}" \
	--listeners SSL://:9093 --cert broker.crt
fails 64 'no listener is called "SSL"' "$chancery" kafka config server "${stores[@]}" \
	--listeners TLS://localhost:9093
fails 65 "want NAME://HOST:PORT" "$chancery" kafka config server "${stores[@]}" --listeners localhost:9093
fails 77 "has a ';'" "$chancery" kafka config server "${stores[@]}" "${listeners[@]}" --super semicolon.crt
fails 64 "--password-property FILE:KEY is missing" "$chancery" kafka config server "${stores[@]}" \
	"${listeners[@]}" --format p12

# ---- rules, as Kafka applies them ------------------------------------------------------------
# rule REST-FLAGS… -- NAME WANT: Java's and ours agree.
rule() {
	local flags=() rules name
	while [ "$1" != -- ]; do flags+=("$1"); shift; done
	name=$(java principal "$2")
	rules=$(kafka principal "$2" "${flags[@]}" --json | field rules)
	same "$(java matches "$rules" "$name")" "$3" "Java's rule on $2"
	same "$(kafka principal "$2" "${flags[@]}" --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["principals"][0]["principal"])')" "User:$3" "ours on $2"
}
leaf evil '/O=Acme/OU=Kafka/CN=a,CN=admin' "$client_ext"
leaf regex '/O=A.c(m)e\+[x]|$/OU=Kafka/CN=r' "$client_ext"
leaf almost '/O=Abc(m)e\+[x]|$/OU=Kafka/CN=r' "$client_ext"
rule --cn-rule -- broker.crt broker-1
rule --cn-rule -- guest.crt kafka-admin
rule --cn-rule-for OU=Kafka,O=Acme -- guest.crt CN=kafka-admin,OU=Guests,O=Acme
rule --cn-rule -- evil.crt 'CN=a\,CN\=admin,OU=Kafka,O=Acme'
rule --cn-rule-for 'OU=Kafka,O=A.c(m)e\+[x]|$' -- regex.crt r
rule --cn-rule-for 'OU=Kafka,O=A.c(m)e\+[x]|$' -- almost.crt 'CN=r,OU=Kafka,O=Abc(m)e\+[x]|$'

# ---- clients --------------------------------------------------------------------------------------
kafka config java --dir /t --name c >server.properties
same "$(value security.protocol)" SSL "client"
same "$(value ssl.endpoint.identification.algorithm)" https "host names"
! grep -q newSessionTicketCount server.properties || die "a client needs no such flag"
kafka config connect --dir /t --name c --listeners https://localhost:8443 >server.properties
same "$(value producer.ssl.keystore.location)" /t/c.pem "a worker's producer"
same "$(value listeners.https.ssl.client.auth)" required "a worker's REST server"
kafka config librdkafka --dir /t --name c >rd.conf
grep -qx 'ssl.certificate.location=/t/c.pem' rd.conf || die "librdkafka"
fails 64 "must be java, librdkafka or connect" "$chancery" kafka config python --dir /t --name c
fails 64 "alias" "$chancery" kafka config java --dir /t --name 'a
b=c'

# ---- names --------------------------------------------------------------------------------------------
kafka names --statefulset kafka --service kafka-headless --namespace prod --replicas 3 \
	--bootstrap kafka-bootstrap --host localhost --host 10.0.0.7 \
	--listeners 'EXTERNAL://b-{{ordinal}}.Kafka.acme.com:9094,SIX://[2001:DB8:0::1]:9095' >names.txt
same "$(wc -l <names.txt)" 3 "certificates"
same "$(sed -n 2p names.txt)" "common_name=kafka-1.kafka-headless.prod.svc.cluster.local \
alt_names=kafka-1.kafka-headless.prod.svc.cluster.local,kafka-1.kafka-headless.prod.svc,\
kafka-1.kafka-headless.prod,kafka-1.kafka-headless,b-1.kafka.acme.com,localhost,\
kafka-bootstrap.prod.svc.cluster.local,kafka-bootstrap.prod.svc,kafka-bootstrap.prod,kafka-bootstrap \
ip_sans=2001:db8::1,10.0.0.7" "the second broker"
# A certificate with these names is good for all of them.
names=$(kafka names --statefulset kafka --service kafka-headless --host 10.0.0.7 --json | python3 -c '
import json, sys
c = json.load(sys.stdin)["certificates"][0]
print(",".join(["DNS:" + n for n in c["alt_names"].split(",")] + ["IP:" + c["ip_sans"]]))')
leaf pod /O=Acme/CN=pod "$both\nsubjectAltName=$names"
for host in kafka-0.kafka-headless kafka-0.kafka-headless.default.svc.cluster.local; do
	openssl x509 -in pod.crt -noout -checkhost "$host" | grep -q 'does match' || die "$host"
done
check kafka bundle pod --cert pod.crt --key pod.key --chain int.crt --for broker --out . --host 10.0.0.7 \
	--host kafka-0.kafka-headless.default.svc
# refuses TEXT ARGUMENT…
refuses() { fails 65 "$1" "$chancery" kafka names "${@:2}"; }
refuses 'has an underscore' --host kafka_0
refuses 'ends in a dot' --host kafka.
refuses 'bare wildcard' --host '*'
refuses 'not its first label' --host 'a.*.b'
refuses 'neither an address nor' --host 1.2.3.400
refuses 'an empty label' --host a..b
refuses 'more than 63 characters' --host "$(printf 'a%.0s' {1..64}).b"
refuses 'with a hyphen' --host -a.b
refuses 'is not a host name' --host 'a b'
refuses 'is no host that a client can reach' --listeners SSL://0.0.0.0:9093
refuses 'want NAME://HOST:PORT' --listeners SSL://a:99999
refuses 'want NAME://HOST:PORT' --listeners SSL://2001:db8::1:9093
refuses 'want NAME://HOST:PORT' --listeners SSL://a:1,
refuses 'listener SSL' --listeners 'SSL://$(HOSTNAME):1'
fails 64 "both or none" "$chancery" kafka names --statefulset kafka
fails 64 "want 1 to 1000" "$chancery" kafka names --host a --replicas 0
fails 64 "give --statefulset" "$chancery" kafka names
