#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# services.sh CHANCERY DATA rsa|ec PEM|PKCS12
#
# What else an estate has on our certificates: ZooKeeper over TLS with client certificates, a broker that
# keeps its data and ACLs there, and Kafka Connect, its REST interface over HTTPS with client certificates.
# shellcheck source=tests/interop/kafka/lib.sh
. "$(dirname "$0")/lib.sh"
store=$4

estate_start "$3"
estate_leaves
stores stores "$store"
probe_start
port=$(free_port) keeper=$(free_port) rest=$(free_port)
for name in admin client client-othercn; do
	settings $name $name
done

# --- ZooKeeper -------------------------------------------------------------------------------
# An unencrypted key goes with an empty password.
password=
[ "$store" = PEM ] || password=$store_password
keeper_stores() { # PREFIX STORE
	echo "$1keyStore.type=$store"
	echo "$1keyStore.location=$work/stores/$2.$(extension)"
	echo "$1keyStore.password=$password"
	echo "$1trustStore.type=$store"
	echo "$1trustStore.location=$work/stores/trust.$(extension)"
	echo "$1trustStore.password=$password"
}
{
	cat <<-END
	dataDir=$work/zookeeper
	secureClientPort=$keeper
	secureClientPortAddress=127.0.0.1
	serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory
	authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider
	ssl.clientAuth=need
	ssl.hostnameVerification=false
	ssl.crl=true
	admin.enableServer=false
	END
	keeper_stores ssl. broker
} >zoo.cfg
java_start zookeeper -Xmx128m "${java_checks[@]}" -- \
	org.apache.zookeeper.server.quorum.QuorumPeerMain zoo.cfg
says "binding to port" zookeeper.log
greet() { # PORT NAME|-
	local show=()
	[ "$2" = - ] || show=(-cert "leaves/$2/cert.pem" -key "leaves/$2/key.pem"
		-cert_chain "leaves/$2/chain.pem")
	openssl s_client -brief -connect "127.0.0.1:$1" -tls1_2 -CAfile root.pem \
		-verify_hostname localhost -verify_return_error "${show[@]}" </dev/null
}
turned_away() { # NAME|- REASON
	local from
	from=$(end_of zookeeper.log)
	not greet "$keeper" "$1" && new_in zookeeper.log "$from" "$2"
}
tell "ZooKeeper lets a client with a certificate in" until_ok "ZooKeeper" greet "$keeper" client
tell "it refuses one without" turned_away - 'Empty client certificate chain'
tell "one of a foreign authority" turned_away client-foreign 'unable to find valid certification path'
tell "one of a revoked intermediate" turned_away client-oldint 'Certificate has been revoked'

# --- a broker on it --------------------------------------------------------------------------
{
	cat <<-END
	broker.id=1
	zookeeper.connect=localhost:$keeper
	zookeeper.ssl.client.enable=true
	zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty
	zookeeper.set.acl=true
	listeners=SSL://127.0.0.1:$port
	advertised.listeners=SSL://localhost:$port
	security.inter.broker.protocol=SSL
	authorizer.class.name=kafka.security.authorizer.AclAuthorizer
	END
	common_settings
	store_lines "" truststore trust
	store_lines "" keystore broker
	store_lines zookeeper. truststore trust
	store_lines zookeeper. keystore broker | grep -v key.password
} >server.properties
java_start broker -Xmx384m "${java_checks[@]}" "${java_no_resumption[@]}" -- \
	kafka.Kafka server.properties
says 'KafkaServer id=1. started' broker.log
ok "a broker keeps its data there, over TLS with its certificate"
expect "topics are made" ok topic admin.properties orders
expect "ACLs as well" ok allow admin.properties User:orders-app orders
expect "the application writes" ok send client.properties orders one
expect "another is denied" denied send client-othercn.properties orders x
mapfile -t flags < <(keeper_stores -Dzookeeper.ssl. broker)
owner() {
	java_run "${flags[@]}" -Dzookeeper.client.secure=true \
		-Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty \
		org.apache.zookeeper.ZooKeeperMain -server "localhost:$keeper" \
		<<<"getAcl /brokers/topics/orders" 2>zookeeper-shell.log >owner
	# Commas are written as in URLs.
	grep -q 'x509.*CN=broker-1%2COU=Kafka%2CO=Acme' owner
}
tell "what it keeps belongs to the name in its certificate" owner

# --- Connect ---------------------------------------------------------------------------------
# Jetty reads no PEM: the same key and anchors as PKCS#12.
mkdir jetty
key_store broker jetty PKCS12
check "$chancery" kafka trust trust --ca root.pem --out jetty --format p12 \
	--password file:store-password
{
	cat <<-END
	bootstrap.servers=localhost:$port
	key.converter=org.apache.kafka.connect.storage.StringConverter
	value.converter=org.apache.kafka.connect.storage.StringConverter
	offset.storage.file.filename=$work/connect.offsets
	listeners=https://127.0.0.1:$rest
	listeners.https.ssl.client.auth=required
	listeners.https.ssl.keystore.type=PKCS12
	listeners.https.ssl.keystore.location=$work/jetty/broker.p12
	listeners.https.ssl.keystore.password=$store_password
	listeners.https.ssl.key.password=$store_password
	listeners.https.ssl.truststore.type=PKCS12
	listeners.https.ssl.truststore.location=$work/jetty/trust.p12
	listeners.https.ssl.truststore.password=$store_password
	END
	cat client.properties
	sed 's/^/producer./' client.properties
} >connect.properties
printf 'line %s\n' 1 2 3 >lines
cat >source.properties <<END
name=lines
connector.class=FileStreamSource
tasks.max=1
file=$work/lines
topic=from-file
END
expect "a topic for a connector" ok topic admin.properties from-file
expect "which the connector's name may use" ok allow admin.properties User:orders-app from-file
java_start connect -Xmx256m "${java_checks[@]}" "${java_no_resumption[@]}" -- \
	org.apache.kafka.connect.cli.ConnectStandalone connect.properties source.properties
says 'Created connector lines' connect.log
call() { # NAME|-
	local show=()
	[ "$1" = - ] || show=(--cert "leaves/$1/cert.pem" --key "leaves/$1/key.pem")
	[ "$1" = - ] || cat "leaves/$1/cert.pem" "leaves/$1/chain.pem" >shown.pem
	[ "$1" = - ] || show[1]=shown.pem
	curl -sSf -m 10 --cacert root.pem --resolve "localhost:$rest:127.0.0.1" "${show[@]}" \
		"https://localhost:$rest/connectors/lines/status"
}
runs() { [[ $(call client) == *'"tasks":[{'*RUNNING* ]]; }
tell "Connect answers a client with a certificate over HTTPS" until_ok "connector" runs
rest_refuses() { not call "$1" && grep -qiE 'alert|reset|SSL_ERROR' tell.out; }
tell "it refuses one without" rest_refuses -
tell "one of a foreign authority" rest_refuses client-foreign
tell "one of a revoked intermediate" rest_refuses client-oldint
expect "its records are there" ok read client.properties from-file 3
tell "and are the file's" [ "$detail" = "line 3" ]
count
