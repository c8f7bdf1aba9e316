#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2119 # commands without prompts
# "Securing Kafka using Vault PKI": its commands, against this service in Vault's place: authorities, roles,
# tokens, JKS stores, two brokers on ZooKeeper with ACLs by name, a producer and a consumer. Other than there: the
# addresses of lists are those that Java can read, and the brokers check them; so a revoked client is refused.
# shellcheck source=tests/system/kafka_article.sh
. "$(dirname "$0")/kafka_article.sh"
service_start open
plain_listener
export CRLS=$crls

article <<'END'
vault secrets enable -path root-ca pki
vault secrets tune -max-lease-ttl=8760h root-ca
vault write -field certificate root-ca/root/generate/internal \
	common_name="Acme Root CA" \
	ttl=8760h > root-ca.pem
vault write root-ca/config/urls \
	issuing_certificates="$CRLS/root-ca/ca" \
	crl_distribution_points="$CRLS/root-ca/crl"
vault secrets enable -path kafka-int-ca pki
vault secrets tune -max-lease-ttl=8760h kafka-int-ca
vault write -field=csr kafka-int-ca/intermediate/generate/internal \
	common_name="Acme Kafka Intermediate CA" ttl=43800h > kafka-int-ca.csr
vault write -field=certificate root-ca/root/sign-intermediate csr=@kafka-int-ca.csr \
	format=pem_bundle ttl=43800h > kafka-int-ca.pem
vault write kafka-int-ca/intermediate/set-signed certificate=@kafka-int-ca.pem
vault write kafka-int-ca/config/urls issuing_certificates="$CRLS/kafka-int-ca/ca" \
	crl_distribution_points="$CRLS/kafka-int-ca/crl"
vault write kafka-int-ca/roles/kafka-client \
  allowed_domains=clients.kafka.acme.com \
  allow_subdomains=true max_ttl=72h
vault write kafka-int-ca/roles/kafka-server \
  allowed_domains=servers.kafka.acme.com \
  allow_subdomains=true max_ttl=72h
cat > kafka-client.hcl <<EOF
path "kafka-int-ca/issue/kafka-client" {
  capabilities = ["update"]
}
EOF
vault policy write kafka-client kafka-client.hcl
vault write auth/token/roles/kafka-client \
    allowed_policies=kafka-client period=24h
cat > kafka-server.hcl <<EOF
path "kafka-int-ca/issue/kafka-server" {
  capabilities = ["update"]
}
EOF
vault policy write kafka-server kafka-server.hcl
vault write auth/token/roles/kafka-server \
	allowed_policies=kafka-server period=24h
END
ok "authorities, roles, policies"
article changeme changeme yes <<'END'
keytool -import -alias root-ca -trustcacerts -file root-ca.pem -keystore kafka-truststore.jks
END
article changeme <<'END'
keytool -import -alias kafka-int-ca -trustcacerts -file kafka-int-ca.pem -keystore kafka-truststore.jks
END
ok "the trust store"
root_token=$VAULT_TOKEN
as() { # KIND: with a token of that role
	VAULT_TOKEN=$(BAO_TOKEN=$root_token bao token create -field=token -role "kafka-$1")
	BAO_TOKEN=$VAULT_TOKEN
}
as server
for NAME in node-1 node-2; do
	export NAME
	article <<'END'
vault write -field certificate kafka-int-ca/issue/kafka-server \
    common_name=$NAME.servers.kafka.acme.com alt_names=localhost \
    format=pem_bundle > $NAME.pem
END
done
as client
article <<'END'
vault write -field certificate kafka-int-ca/issue/kafka-client \
    common_name=my-client.clients.kafka.acme.com format=pem_bundle > client.pem
END
VAULT_TOKEN=$root_token BAO_TOKEN=$root_token
for NAME in node-1 node-2 client; do
	article changeme changeme <<'END'
openssl pkcs12 -inkey $NAME.pem -in $NAME.pem -name $NAME -export -out $NAME.p12
END
	article changeme <<'END'
keytool -importkeystore -deststorepass changeme \
    -destkeystore $NAME-keystore.jks -srckeystore $NAME.p12 -srcstoretype PKCS12
END
	ok "$NAME's store"
done

# --- ZooKeeper, ACLs, brokers ------------------------------------------------------------------------------
keeper=$(free_port)
cat >zoo.cfg <<END
dataDir=$work/zookeeper
clientPort=$keeper
clientPortAddress=127.0.0.1
admin.enableServer=false
END
java_start zookeeper -Xmx128m -- org.apache.zookeeper.server.quorum.QuorumPeerMain zoo.cfg
says "binding to port" zookeeper.log
# kafka-acls --authorizer-properties speaks to ZooKeeper itself.
acl() {
	kafka-acls --authorizer-properties "zookeeper.connect=localhost:$keeper" --add \
		--allow-principal "User:CN=$1" --operation ALL --topic '*' "${@:2}"
}
for n in 1 2; do
	tell "node-$n may do everything in the cluster" acl "node-$n.servers.kafka.acme.com" --cluster
done
tell "the client all topics and groups" acl my-client.clients.kafka.acme.com --group '*'
ports=(0 "$(free_port)" "$(free_port)")
for n in 1 2; do
	{
		cat <<-END
		broker.id=$n
		zookeeper.connect=localhost:$keeper
		listeners=SSL://127.0.0.1:${ports[n]}
		advertised.listeners=SSL://localhost:${ports[n]}
		security.inter.broker.protocol=SSL
		authorizer.class.name=kafka.security.authorizer.AclAuthorizer
		END
		common_settings | sed -e '/^ssl.principal/d; /^super.users/d' \
			-e "s|$work/data|&-$n|; s|auto.create.topics.enable=false|num.partitions=4|"
		jks_lines node-$n-keystore.jks kafka-truststore.jks changeme
	} >server-$n.properties
	java_start broker-$n -Xmx384m "${java_checks[@]}" "${java_no_resumption[@]}" -- \
		kafka.Kafka server-$n.properties
	says "KafkaServer id=$n. started" broker-$n.log
	ok "[KafkaServer id=$n] started"
done
client_lines client-keystore.jks kafka-truststore.jks changeme >client.properties
send() {
	kafka-console-producer --topic test --broker-list "localhost:${ports[1]}" \
		--producer.config client.properties <<<"$1"
}
tell "what is written on the producer's terminal" send "whatever you write"
tell "appears on the consumer's, from the other broker" reads "whatever you write" \
	kafka-console-consumer --topic test --bootstrap-server "localhost:${ports[2]}" \
	--consumer.config client.properties --from-beginning --max-messages 1

# --- what the article leaves open: revocation ------------------------------------------------------------------
check bao write kafka-int-ca/revoke reason=keyCompromise \
	serial_number="$(openssl x509 -in client.pem -noout -serial | sed 's/.*=//; s/../&:/g; s/:$//')"
port=${ports[1]}
probe_start
echo "bootstrap.servers=localhost:$port" >>client.properties
in_the_end "the revoked client is refused" 'tls|gone' 120 meet client.properties "localhost:$port"
tell "for that reason" grep -q 'Certificate has been revoked, reason: KEY_COMPROMISE' broker-1.log
count
