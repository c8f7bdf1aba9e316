#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kafka commands on what the running service issues, with its own lists: names, bundle, trust, a
# Java server that checks its clients, a revocation, chancery kafka check before and after.
# shellcheck disable=SC2046 # words
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
export HOME=$work
plain_listener
check bao secrets enable -path root-ca pki
check bao write root-ca/root/generate/internal common_name="Acme Root CA" ttl=48h key_type=ec
check bao write root-ca/config/urls crl_distribution_points="$crls/root-ca/crl"
check bao secrets enable -path int pki
check bao write int/config/urls crl_distribution_points="$crls/int/crl"
bao write -field=csr int/intermediate/generate/internal common_name="Acme Kafka CA" key_type=ec >int.csr
bao write -field=certificate root-ca/root/sign-intermediate csr=@int.csr format=pem_bundle ttl=40h >int.pem
check bao write int/intermediate/set-signed certificate=@int.pem
check bao write int/roles/server allow_any_name=true enforce_hostnames=false key_type=ec max_ttl=24h \
	organization=Acme ou=Kafka
check bao write int/roles/client allow_any_name=true enforce_hostnames=false key_type=ec max_ttl=24h \
	organization=Acme ou=Kafka server_flag=false
raw root-ca/ca/pem -o root.pem
echo changeit >password
mkdir stores classes
check javac -d classes "$top/tests/system/KafkaStores.java"

# What `names` prints goes into a write as it stands; what comes back, into `bundle`.
bundle() { # NAME USE [ARGUMENT…]: of the answer on standard input
	"$chancery" kafka bundle "$1" --answer - --for "$2" --out stores --password file:password "${@:3}" --json
}
bao write -format=json int/issue/server $("$chancery" kafka names --host localhost --host 127.0.0.1) |
	bundle broker broker --host localhost --ca root.pem --trust trust >broker.json
same "$(field principal <broker.json)" "User:CN=localhost,OU=Kafka,O=Acme" "principal"
same "$(rows findings <broker.json)" 0 "findings: $(cat broker.json)"
for key in rsa ec; do
	check bao write int/roles/client key_type=$key allow_any_name=true enforce_hostnames=false max_ttl=24h \
	    organization=Acme ou=Kafka server_flag=false
	bao write -format=json int/issue/client common_name=app-$key | bundle app-$key client --ca root.pem >app-$key.json
	bao write -format=json int/issue/client common_name=pem-$key format=pem_bundle private_key_format=pkcs8 |
		bundle pem-$key client --ca root.pem >/dev/null
done
# A client's certificate is none for a broker.
bao write -format=json int/issue/client common_name=localhost >client-answer.json
rc=0
bundle bad broker --ca root.pem <client-answer.json >/dev/null 2>bad.err || rc=$?
same "$rc" 77 "a client's certificate for a broker: $(cat bad.err)"

java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dcom.sun.net.ssl.checkRevocation=true \
	-Dcom.sun.security.enableCRLDP=true -Djdk.tls.server.disableExtensions=pre_shared_key \
	-Djdk.tls.server.enableSessionTicketExtension=false -cp classes KafkaStores serve stores/broker.p12 \
	stores/trust.p12 changeit need >server.port 2>server.err &
beside+=($!)
until_ok "Java server" test -s server.port
target=localhost:$(cat server.port)
look() { # STATUS NAME
	local rc=0
	"$chancery" kafka check "$target" --ca root.pem --store "stores/$2.p12" --password file:password --json \
		>look.json 2>look.err || rc=$?
	same "$rc" "$1" "check with $2: $(cat look.json look.err)"
}
for name in app-rsa app-ec pem-rsa pem-ec; do
	look 0 "$name"
	same "$(field client_certificate <look.json)" accepted "$name"
	same "$(rows findings <look.json)" 0 "findings with $name: $(cat look.json)"
done
# Revoked: the list says so at once, the server within its 30 s.
serial=$(field serial <app-ec.json)
check bao write int/revoke serial_number="$(sed 's/../&:/g; s/:$//' <<<"$serial")"
check bao read int/crl/rotate
look 1 app-ec
grep -q '"code":"revoked"' look.json || die "not told: $(cat look.json)"
refused() {
	"$chancery" kafka check "$target" --ca root.pem --cert stores/app-ec.pem --json >look.json 2>/dev/null || true
	[ "$(field client_certificate <look.json)" = refused ]
}
for ((i = 0; i < 90; i++)); do
	! refused || break
	sleep 1
done
refused || die "the server takes a revoked client"
look 0 app-rsa
stop_all
check "$chancery" register verify --home home
