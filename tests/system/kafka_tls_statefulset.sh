#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2119 # commands without prompts
# "Kafka Encryption with SSL/TLS": the brokers of a StatefulSet, whose pods' names stand in the certificates. The
# article's keytool commands as they stand there; what it has `openssl x509 -req -extfile` do, with names that a
# request of keytool does not carry, the service does, told the names. Then its openssl way to a PKCS#12 store.
# shellcheck source=tests/system/kafka_article.sh
. "$(dirname "$0")/kafka_article.sh"
service_start open
plain_listener
authority ca Kafka-Security-CA country=KR province=SEOUL locality=Confluent organization=Organization
cp ca.pem ca.crt
domains=svc.cluster.local,mtls-kafka,mtls-kafka-headless,mtls-kafka-headless.axplatform
domains+=,mtls-kafka-client,kafka-1,kafka-1-external
# Names come from whoever asks, or out of the request.
for from in names:false request:true; do
	check bao write "ca/roles/${from%:*}" allowed_domains="$domains" allow_subdomains=true \
		allow_bare_domains=true use_csr_sans="${from#*:}" country=KR province=Seoul \
		locality=Confluent organization=Organization ou=OrganizationUnit
done
export PASSWORD=password VALIDITY=730

# sign_here REQUEST NAME…: the names of the article's extension files
export i
sign_here() { # REQUEST NAME…
	local request=$1 IFS=,
	shift
	bao write -field=certificate ca/sign/names csr=@"$request" alt_names="$*" format=pem_bundle
}
export -f sign_here
for i in 0 1 2; do
	article <<'END'
keytool -keystore mtls-kafka-$i.keystore.jks -alias mtls-kafka-$i -validity $VALIDITY -genkey -keyalg RSA -ext SAN=dns:mtls-kafka-$i.mtls-kafka-headless.axplatform.svc.cluster.local,dns:mtls-kafka.mtls-kafka-headless.axplatform.svc.cluster.local,dns:mtls-kafka-$i.mtls-kafka-headless,dns:mtls-kafka-$i.mtls-kafka-headless.axplatform,dns:mtls-kafka-$i.mtls-kafka-headless,dns:mtls-kafka -storepass ${PASSWORD} -noprompt -dname "CN=mtls-kafka-$i.mtls-kafka-headless, OU=OrganizationUnit, O=Organization, L=Confluent, S=Seoul, C=KR"
keytool -keystore mtls-kafka-$i.keystore.jks -alias mtls-kafka-$i -certreq -file ca-request-mtls-kafka-$i -storepass ${PASSWORD} -noprompt
sign_here ca-request-mtls-kafka-$i mtls-kafka-$i.mtls-kafka-headless.axplatform.svc.cluster.local \
	mtls-kafka-$i.mtls-kafka-headless mtls-kafka-$i.mtls-kafka-headless.axplatform \
	mtls-kafka.mtls-kafka-headless mtls-kafka >ca-signed-mtls-kafka-$i
keytool -keystore mtls-kafka-$i.keystore.jks -alias ca.crt -import -file ca.crt -storepass ${PASSWORD} -noprompt
keytool -keystore mtls-kafka-$i.keystore.jks -alias mtls-kafka-$i -import -file ca-signed-mtls-kafka-$i -storepass ${PASSWORD} -noprompt
END
	for name in mtls-kafka-$i.mtls-kafka-headless.axplatform.svc.cluster.local \
		mtls-kafka-$i.mtls-kafka-headless mtls-kafka-$i.mtls-kafka-headless.axplatform mtls-kafka; do
		check openssl verify -CAfile ca.crt -purpose sslserver -verify_hostname "$name" \
			ca-signed-mtls-kafka-$i
	done
	ok "the store of pod $i, good for its names"
done
article <<'END'
keytool -keystore kafka.server.truststore.jks -alias CARoot -import -file ca.crt -storepass $PASSWORD -keypass $PASSWORD -noprompt
keytool -keystore mtls-kafka-client.keystore.jks -alias mtls-kafka-client -validity $VALIDITY -genkey -keyalg RSA -ext SAN=dns:mtls-kafka-client -storepass ${PASSWORD} -noprompt -dname "CN=mtls-kafka-client, OU=OrganizationUnit, O=Organization, L=Confluent, S=Seoul, C=KR"
keytool -keystore mtls-kafka-client.keystore.jks -alias mtls-kafka-client -certreq -file ca-request-mtls-kafka-client -storepass ${PASSWORD} -noprompt
sign_here ca-request-mtls-kafka-client mtls-kafka-client >ca-signed-mtls-kafka-client
keytool -keystore mtls-kafka-client.keystore.jks -alias ca.crt -import -file ca.crt -storepass ${PASSWORD} -noprompt
keytool -keystore mtls-kafka-client.keystore.jks -alias mtls-kafka-client -import -file ca-signed-mtls-kafka-client -storepass ${PASSWORD} -noprompt
keytool -keystore kafka.client.truststore.jks -alias CARoot -import -file ca.crt -storepass $PASSWORD -keypass $PASSWORD -noprompt
END
ok "the client's stores"

# --- a pod, under its name ------------------------------------------------------------------------------------
pod=mtls-kafka-0.mtls-kafka-headless.axplatform.svc.cluster.local
echo "127.0.0.1 $pod localhost" >hosts
java_checks+=("-Djdk.net.hosts.file=$work/hosts")
port=$(free_port)
principal=CN=mtls-kafka-0.mtls-kafka-headless,OU=OrganizationUnit,O=Organization,L=Confluent,ST=Seoul,C=KR
same "$("$chancery" kafka principal ca-signed-mtls-kafka-0 --json | grep -o "User:$principal" | head -n 1)" \
	"User:$principal" "principal of the pod"
principal_rules=DEFAULT super_users="User:$principal"
{
	kraft_settings | sed "s|SSL://localhost:$port|SSL://$pod:$port|; s|@localhost|@$pod|"
	common_settings
	jks_lines mtls-kafka-0.keystore.jks kafka.server.truststore.jks $PASSWORD
	echo allow.everyone.if.no.acl.found=true
} >server.properties
kraft_run
ok "a broker that is its own client under the pod's name"
tell "openssl s_client -tls1_3 -showcerts" openssl s_client -brief -connect "127.0.0.1:$port" -tls1_3 \
	-showcerts -CAfile ca.crt -verify_hostname "$pod" -verify_return_error </dev/null
client_lines mtls-kafka-client.keystore.jks kafka.client.truststore.jks $PASSWORD >client.properties
tool() { java_run "-Djdk.net.hosts.file=$work/hosts" "$@"; }
tell "a topic" tool org.apache.kafka.tools.TopicCommand --bootstrap-server "$pod:$port" \
	--command-config client.properties --create --topic test
send() {
	tool kafka.tools.ConsoleProducer --bootstrap-server "$pod:$port" --topic test \
		--producer.config client.properties <<<"$1"
}
tell "a client writes" send "from a pod"

# --- the second half: openssl makes key, request and store -----------------------------------------------------
cp ca.crt ca.pem
cat >kafka-1.cnf <<'END'
[req]
prompt = no
distinguished_name = dn
default_md = sha256
default_bits = 4096
req_extensions = v3_req
[ dn ]
countryName = US
organizationName = CONFLUENT
localityName = MountainView
commonName=kafka-1
[ v3_req ]
subjectKeyIdentifier = hash
basicConstraints = CA:FALSE
nsComment = "OpenSSL Generated Certificate"
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = @alt_names
[ alt_names ]
DNS.1=kafka-1
DNS.2=kafka-1-external
END
article <<'END'
openssl req -new \
    -newkey rsa:2048 \
    -keyout kafka-1.key \
    -out kafka-1.csr \
    -config kafka-1.cnf \
    -nodes
vault write -field=certificate ca/sign/request csr=@kafka-1.csr > kafka-1.crt
openssl pkcs12 -export \
    -in kafka-1.crt \
    -inkey kafka-1.key \
    -chain \
    -CAfile ca.pem \
    -name kafka-1 \
    -out kafka-1.p12 \
    -password pass:confluent
keytool -importkeystore \
    -deststorepass confluent \
    -destkeystore kafka.kafka-1.keystore.pkcs12 \
    -srckeystore kafka-1.p12 \
    -deststoretype PKCS12  \
    -srcstoretype PKCS12 \
    -noprompt \
    -srcstorepass confluent
keytool -list -v \
    -keystore kafka.kafka-1.keystore.pkcs12 \
    -storepass confluent
END
tell "one entry" grep -q 'Your keystore contains 1 entry' article.out
tell "with its chain" grep -q 'Certificate chain length: 2' article.out
tell "and both names" [ "$(grep -c 'DNSName: kafka-1\(-external\)\?$' article.out)" = 2 ]
count
