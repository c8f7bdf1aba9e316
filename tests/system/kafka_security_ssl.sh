#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# "Kafka Security using SSL": brokers, users and a REST service of a cluster from one authority. The article's scripts
# for key stores as they stand there, but for the signing and for what its page lost; a user's store is a true JKS;
# Connect's REST interface is in the place of Confluent's REST Proxy, called by curl with a PEM file that comes out
# of a Java key store. ZooKeeper's passwords have nothing to do with certificates and are left out.
# shellcheck source=tests/system/kafka_article.sh
. "$(dirname "$0")/kafka_article.sh"
service_start open
plain_listener
authority ca "Company CA" organization=Company ou=Org
cp ca.pem ca-cert
check bao write ca/roles/kafka allow_any_name=true enforce_hostnames=false cn_validations=disabled \
	organization=Company ou=BDP locality="San Jose" province=CA country=US
export PASSWORD=test1234 VALIDITY=365
sign_here() { # what `openssl x509 -req` does in the article
	bao write -field=certificate ca/sign/kafka csr=@cert-file format=pem_bundle
}
export -f sign_here

# --- the article's scripts ---------------------------------------------------------------------------
cat >generate_keystore.sh <<'END'
CNAME=$1
ALIAS=`echo $CNAME|cut -f1 -d"."`
keytool -noprompt -keystore kafka.server.keystore.jks -alias $ALIAS -keyalg RSA -validity $VALIDITY -genkey -dname "CN=$CNAME,OU=BDP,O=Company,L=San Jose,S=CA,C=US" -storepass $PASSWORD -keypass $PASSWORD
keytool -keystore kafka.server.keystore.jks -alias $ALIAS -certreq -file cert-file -storepass $PASSWORD
sign_here >cert-signed
keytool -keystore kafka.server.keystore.jks -alias CARoot -import -file ca-cert -storepass $PASSWORD
keytool -keystore kafka.server.keystore.jks -alias $ALIAS -import -file cert-signed -storepass $PASSWORD
END
# For users the same with another store.
sed 's/kafka\.server\.keystore/kafka.client.keystore/' generate_keystore.sh >client.sh
cat >convert.sh <<'END'
ALIAS=$1
rm -f kafka.client.keystore.p12
keytool -importkeystore -srckeystore kafka.client.keystore.jks \
   -destkeystore kafka.client.keystore.p12 \
   -srcalias $ALIAS \
   -destalias $ALIAS \
   -srcstoretype jks \
   -deststoretype pkcs12 \
   -srcstorepass $PASSWORD \
   -deststorepass $PASSWORD
openssl pkcs12 -in kafka.client.keystore.p12 -chain -name $ALIAS -out ${ALIAS}.pem -passin pass:$PASSWORD -nodes
END

article yes <<'END'
keytool -keystore kafka.server.truststore.jks -alias CARoot -import -file ca-cert -storepass $PASSWORD -keypass $PASSWORD
END
article yes <<'END'
. ./generate_keystore.sh localhost
END
ok "the broker's store, by the article's script"
# Since Java 9 keytool writes PKCS#12 whatever the name; of the article's time it wrote this.
echo keystore.type=jks >jks.security
export JAVA_TOOL_OPTIONS=-Djava.security.properties=$work/jks.security
article yes <<'END'
. ./client.sh secure_user
END
unset JAVA_TOOL_OPTIONS
tell "a user's store, a true JKS" [ "$(head -c 4 kafka.client.keystore.jks | xxd -p)" = feedfeed ]
for user in secure insecure; do
	export ALIAS=${user}_user
	[ $user = secure ] || {
		mv kafka.client.keystore.jks secure.jks
		article yes <<'END'
. ./client.sh insecure_user
END
	}
	article <<'END'
. ./convert.sh $ALIAS
END
	tell "${user}_user as PEM, out of it" openssl verify -CAfile ca-cert "${user}_user.pem"
done
mv kafka.client.keystore.jks insecure.jks

# --- broker, topic, ACLs ----------------------------------------------------------------------------------
port=$(free_port)
# In the place of the article's own class that makes principals.
# shellcheck disable=SC2016
principal_rules='RULE:^CN=([a-zA-Z0-9._-]+)(?:,.*)?$/$1/'
super_users=User:localhost
{
	kraft_settings
	common_settings
	jks_lines kafka.server.keystore.jks kafka.server.truststore.jks $PASSWORD
} >server.properties
kraft_run
ok "the broker starts"
jks_lines kafka.server.keystore.jks kafka.server.truststore.jks $PASSWORD >admin.properties
echo security.protocol=SSL >>admin.properties
for user in secure insecure; do
	client_lines $user.jks kafka.server.truststore.jks $PASSWORD >$user.properties
done
tell "a topic" kafka-topics --bootstrap-server "localhost:$port" --command-config admin.properties \
	--create --topic test_secure_topic
acl() {
	kafka-acls --bootstrap-server "localhost:$port" --command-config admin.properties --add "$@"
}
tell "secure_user may read and write" acl --allow-principal User:secure_user --operation Read \
	--operation Write --operation Describe --topic test_secure_topic
tell "in any group" acl --allow-principal 'User:*' --operation Read --group '*'
tell "everybody may ask for it" acl --allow-principal 'User:*' --operation Describe \
	--topic test_secure_topic
send() {
	kafka-console-producer --broker-list "localhost:$port" --topic test_secure_topic \
		--producer.config "$1.properties" <<<'{"name": "console", "salary": 2000}'
}
take_one() {
	kafka-console-consumer --bootstrap-server "localhost:$port" --topic test_secure_topic \
		--consumer.config "$1.properties" --from-beginning --max-messages 1
}
tell "secure_user writes" send secure
tell "and reads" reads '{"name": "console", "salary": 2000}' take_one secure
not_authorized() {
	take_one insecure >consumer.log 2>&1 || true
	grep 'Not authorized to access topics: \[test_secure_topic\]' consumer.log ||
		{ tail -n 3 consumer.log; return 1; }
}
tell "insecure_user is not authorized" not_authorized

# --- REST, by curl -------------------------------------------------------------------------------------------
rest=$(free_port)
{
	cat <<-END
	bootstrap.servers=localhost:$port
	key.converter=org.apache.kafka.connect.storage.StringConverter
	value.converter=org.apache.kafka.connect.storage.StringConverter
	offset.storage.file.filename=$work/connect.offsets
	listeners=https://127.0.0.1:$rest
	listeners.https.ssl.client.auth=required
	END
	jks_lines kafka.server.keystore.jks kafka.server.truststore.jks $PASSWORD |
		sed 's/^/listeners.https./'
	cat admin.properties
	sed 's/^/consumer./' secure.properties
} >connect.properties
cat >sink.properties <<END
name=sink
connector.class=FileStreamSink
tasks.max=1
file=$work/sunk
topics=test_secure_topic
consumer.override.group.id=rest
END
java_start connect -Xmx256m "${java_checks[@]}" -- \
	org.apache.kafka.connect.cli.ConnectStandalone connect.properties sink.properties
says 'Created connector sink' connect.log
rest() { # the article's, with a service and an address of here
	curl --tlsv1.0 --cacert ca-cert "$@" -sSf -m 10 -X GET -H "Accept: application/json" \
		--resolve "localhost:$rest:127.0.0.1" "https://localhost:$rest/connectors/sink/status"
}
running() { rest -E secure_user.pem | grep -q '"state":"RUNNING"'; }
tell "curl with secure_user.pem" until_ok "Connect's REST interface" running
tell "curl without it is refused" not rest
sunk() { grep -q '"name": "console"' sunk; }
tell "the record has come through Connect" until_ok "the record" sunk
count
