#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mtls.sh CHANCERY DATA rsa|ec PEM|PKCS12
#
# A real Kafka broker (KRaft) that lives on our certificates and lists: TLS on every listener,
# client certificates required, ACLs by their names, revocation checked. What must work, works;
# what must be refused, is refused for the right reason.
# shellcheck source=tests/interop/kafka/lib.sh
. "$(dirname "$0")/lib.sh"
store=$4

estate_start "$3"
estate_leaves
stores stores "$store"
probe_start
port=$(free_port) wrong_port=$(free_port) revoked_port=$(free_port)
listener WRONGNAME "$wrong_port" broker-wrongname
listener REVOKED "$revoked_port" broker-revoked
for name in admin client client-part client-neighbour client-othercn client-otherou client-nocdp \
	client-expired client-serveronly client-oldint victim-full victim-part; do
	settings $name $name
done
settings nobody -
settings v12 client ssl.enabled.protocols=TLSv1.2
settings v13 client ssl.enabled.protocols=TLSv1.3
settings victim-12 victim-full ssl.enabled.protocols=TLSv1.2

# --- what works ------------------------------------------------------------------------------
broker_start
ok "the broker starts with our certificate, also as its own client"
for v in 2 3; do
	tell "OpenSSL verifies its chain and name, TLS 1.$v" openssl s_client -brief \
		-connect "127.0.0.1:$port" -tls1_$v -CAfile root.pem -verify_hostname localhost \
		-verify_return_error -cert leaves/client/cert.pem -key leaves/client/key.pem \
		-cert_chain leaves/client/chain.pem </dev/null
done
expect "the administrator makes a topic" ok topic admin.properties orders
expect "and lets an application use it" ok allow admin.properties User:orders-app orders
expect "the application writes" ok send client.properties orders one
expect "and reads" ok read client.properties orders 1
expect "with TLS 1.2 alone" ok send v12.properties orders two
expect "with TLS 1.3 alone" ok send v13.properties orders three
expect "with a list of a partition" ok send client-part.properties orders four
expect "by the address instead of the name" ok meet client.properties "127.0.0.1:$port"
# Leaf and intermediate in one file, as librdkafka takes them; anchors and lists are PEM files.
cat leaves/client/cert.pem leaves/client/chain.pem >client-chain.pem
other() { # PORT ARGUMENT…
	kcat -b "localhost:$1" -X security.protocol=ssl -X ssl.ca.location=root.pem -m 10 \
		-X ssl.certificate.location=client-chain.pem -X ssl.key.location=leaves/client/key.pem \
		-X ssl.endpoint.identification.algorithm=https -X broker.address.family=v4 "${@:2}"
}
echo from-c >record
tell "librdkafka writes" other "$port" -P -t orders record
newest_is() { [ "$(other "$port" -C -t orders -o -1 -c 1 -e)" = "$1" ]; }
tell "and reads" newest_is from-c

# --- what ACLs deny --------------------------------------------------------------------------
expect "another application is denied" denied send client-othercn.properties orders x
expect "the same name in another department is denied" denied send client-otherou.properties orders x

# --- what is refused -------------------------------------------------------------------------
refused "no certificate" 'Empty client certificate chain' send nobody.properties orders x
refused "expired" 'CertificateExpiredException|NotAfter' meet client-expired.properties "localhost:$port"
refused "serverAuth alone" 'Extended key usage does not permit use for TLS client' \
	meet client-serveronly.properties "localhost:$port"
refused "no address of a list: Java fails closed" 'Could not determine revocation status' \
	meet client-nocdp.properties "localhost:$port"
refused "an intermediate that its root has revoked" 'Certificate has been revoked' \
	meet client-oldint.properties "localhost:$port"
# A Java client would not even show it.
from=$(end_of broker.log)
foreign_refused() {
	not openssl s_client -connect "127.0.0.1:$port" -tls1_2 </dev/null \
		-cert leaves/client-foreign/cert.pem -key leaves/client-foreign/key.pem &&
		new_in broker.log "$from" "unable to find valid certification path"
}
tell "a foreign authority" foreign_refused
refused "by a client: a broker of another name" 'No subject alternative DNS name' \
	meet client.properties "localhost:$wrong_port"
settings distrust client
sed -i 's/trust\.\(pem\|p12\)/trust-foreign.\1/' distrust.properties
refused "by a client: a broker of an authority it does not know" \
	'unable to find valid certification path' meet distrust.properties "localhost:$port"
# librdkafka does not say "revoked": without the list the same broker is good.
curl -sSf "$crls/kafka/crl/pem" -o kafka-crl.pem
tell "librdkafka without a list takes the revoked broker" other "$revoked_port" -L
tell "and refuses it with the list" not other "$revoked_port" -X ssl.crl.location=kafka-crl.pem -L
tell "with which the good one is good" other "$port" -X ssl.crl.location=kafka-crl.pem -L

# --- a renewed certificate, without a restart ------------------------------------------------
from=$(end_of broker.log)
take broker-wrongname
old_stays() {
	new_in broker.log "$from" "DistinguishedName does not match" &&
		serial_is leaves/broker/cert.pem
}
tell "a renewal that changes the name is not taken" old_stays
take broker-renewed
tell "a renewed certificate is served" until_ok "the renewed certificate" \
	serial_is leaves/broker-renewed/cert.pem
expect "and clients go on" ok send client.properties orders five

# --- revocation ------------------------------------------------------------------------------
expect "a client before its revocation" ok keep full victim-full.properties "localhost:$port"
expect "another, TLS 1.2" ok keep full-12 victim-12.properties "localhost:$port"
expect "another, of a partition" ok keep part victim-part.properties "localhost:$port"
for name in victim-full victim-part; do
	revoke $name kafka reason=keyCompromise
done
check bao read kafka/crl/rotate
# Java asks for a list again after 30 s; whoever was refused stays so.
no='tls|gone'
in_the_end "revoked: refused as a new program" "$no" 120 meet victim-full.properties "localhost:$port"
in_the_end "revoked: refused with its old sessions" "$no" 60 again full
in_the_end "revoked: the same with TLS 1.2" "$no" 60 again full-12
in_the_end "revoked in a partition's list: refused" "$no" 120 meet victim-part.properties "localhost:$port"
in_the_end "revoked in a partition's list: refused with its old sessions" "$no" 60 again part
refused "and that is the reason" 'Certificate has been revoked, reason: KEY_COMPROMISE' \
	meet victim-full.properties "localhost:$port"
refused "in the partition, too" 'Certificate has been revoked, reason: KEY_COMPROMISE' \
	meet victim-part.properties "localhost:$port"
expect "its neighbour in the partition goes on" ok send client-neighbour.properties orders six
expect "everybody else, too" ok send client.properties orders seven
count
