#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# "Encryption and Authentication using SSL", as Kafka's documentation has it: keytool makes keys and requests, one
# authority signs them, keytool imports the answers. Only the signing is another's: ours.
# shellcheck source=tests/system/kafka_article.sh
. "$(dirname "$0")/kafka_article.sh"
service_start open
plain_listener
authority ca "Kafka CA" organization=Acme
cp ca.pem ca-cert
check bao write ca/roles/kafka allowed_domains=localhost,orders-app allow_bare_domains=true \
	organization=Acme ou=Kafka

# Without -keyalg, as it stands there, keytools of its time made a DSA key; today's asks for the option.
dn=(localhost Kafka Acme Town State DE yes)
article changeme changeme "${dn[@]}" <<'END'
keytool -keystore dsa.keystore.jks -alias localhost -validity 365 -genkey -keyalg DSA
END
article changeme <<'END'
keytool -keystore dsa.keystore.jks -alias localhost -certreq -file dsa-file
END
fails 2 "DSA" bao write ca/sign/kafka csr=@dsa-file
ok "a DSA key, as old keytools make it unasked, is refused by name"

for who in server:localhost client:orders-app; do
	export KIND=${who%:*} ALIAS=${who#*:}
	article changeme changeme "$ALIAS" "${dn[@]:1}" <<'END'
keytool -keystore kafka.$KIND.keystore.jks -alias $ALIAS -validity 365 -genkey -keyalg RSA
END
	article changeme changeme yes <<'END'
keytool -keystore kafka.$KIND.truststore.jks -alias CARoot -import -file ca-cert
END
	article changeme <<'END'
keytool -keystore kafka.$KIND.keystore.jks -alias $ALIAS -certreq -file cert-file
END
	bao write -field=certificate ca/sign/kafka csr=@cert-file format=pem_bundle >cert-signed 2>warnings
	article changeme yes <<'END'
keytool -keystore kafka.$KIND.keystore.jks -alias CARoot -import -file ca-cert
END
	article changeme <<'END'
keytool -keystore kafka.$KIND.keystore.jks -alias $ALIAS -import -file cert-signed
END
	ok "keytool has taken the $KIND's certificate"
done

port=$(free_port)
super_users=User:localhost
{
	kraft_settings
	common_settings
	jks_lines kafka.server.keystore.jks kafka.server.truststore.jks changeme
} >server.properties
kraft_run
ok "the broker starts with them"
# -tls1 of the article is off everywhere by now.
openssl s_client -debug -connect "localhost:$port" -tls1_2 </dev/null >s_client.out 2>&1 || true
tell "the server's certificate shows up" grep -q 'subject=.*CN = localhost' s_client.out
client_lines kafka.client.keystore.jks kafka.client.truststore.jks changeme >client-ssl.properties
client_lines kafka.server.keystore.jks kafka.server.truststore.jks changeme >admin.properties
tell "a topic" kafka-topics --bootstrap-server "localhost:$port" --command-config admin.properties \
	--create --topic test
tell "the client's rights" kafka-acls --bootstrap-server "localhost:$port" --command-config admin.properties \
	--add --allow-principal User:orders-app --producer --consumer --topic test --group '*'
send() {
	kafka-console-producer --broker-list "localhost:$port" --topic test \
		--producer.config client-ssl.properties <<<"$1"
}
tell "the console producer" send "hello over TLS"
tell "the console consumer" reads "hello over TLS" kafka-console-consumer \
	--bootstrap-server "localhost:$port" --topic test --consumer.config client-ssl.properties \
	--from-beginning --max-messages 1
count
