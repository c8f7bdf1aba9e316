#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# "Secure Kafka with Vault": an agent on the broker's host logs in by AppRole, renders key, certificate and chain from
# a template with a short life, and runs a script that makes Java's stores of them and starts the broker anew. The
# agent is bao's, the service is ours.
# shellcheck source=tests/system/kafka_article.sh
. "$(dirname "$0")/kafka_article.sh"
service_start open
plain_listener
authority pki "Kafka Root" key_type=ec
check bao write pki/roles/kafka-servers allowed_domains=localhost,kafka-1 allow_bare_domains=true max_ttl=1h
check bao write pki/roles/kafka-clients allowed_domains=producer allow_bare_domains=true max_ttl=1h
for kind in servers clients; do
	echo "path \"pki/issue/kafka-$kind\" { capabilities = [\"update\"] }" >$kind.hcl
	check bao policy write kafka-$kind $kind.hcl
done
check bao auth enable approle
for kind in servers clients; do
	check bao write auth/approle/role/kafka-$kind token_policies=kafka-$kind token_ttl=10m
	bao read -field=role_id auth/approle/role/kafka-$kind/role-id >$kind.role-id
	bao write -f -field=secret_id auth/approle/role/kafka-$kind/secret-id >$kind.secret-id
done

# --- what lies on the broker's host ------------------------------------------------------------------
mkdir agent
port=$(free_port)
principal_rules='DEFAULT' super_users='User:CN=kafka-1'
{
	kraft_settings
	common_settings
	jks_lines "$work/agent/kafka.p12" "$work/agent/trust.jks" changeit
	echo allow.everyone.if.no.acl.found=true
} >server.properties
check java_run kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c server.properties
cat >kafka-service.sh <<END
#!/usr/bin/env bash
set -eu
cd "$work/agent"
rm -f new.p12 new.jks
openssl pkcs12 -export -in kafka.pem -inkey kafka.pem -name kafka -passout pass:changeit -out new.p12
awk '/BEGIN CERT/ { n++ } n > 1' kafka.pem >chain.pem
keytool -importcert -noprompt -alias ca -file chain.pem -keystore new.jks -storetype JKS -storepass changeit
if [ -e pid ]; then
	kill "\$(cat pid)" 2>/dev/null || true
	while kill -0 "\$(cat pid)" 2>/dev/null; do sleep 0.1; done
fi
mv new.p12 kafka.p12
mv new.jks trust.jks
java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xmx384m ${java_checks[*]} \\
	-Dlog4j.configuration=file:$work/log4j.properties -cp "$jars/*" \\
	kafka.Kafka "$work/server.properties" >>"$work/broker.log" 2>&1 </dev/null &
echo \$! >pid
echo started >>starts
END
chmod 700 kafka-service.sh
agent_hcl() { # KIND TEMPLATE-FIELDS FILE COMMAND
	cat <<-END
	vault { address = "$VAULT_ADDR" ca_cert = "$VAULT_CACERT" }
	auto_auth { method "approle" { config = {
	  role_id_file_path = "$work/$1.role-id"
	  secret_id_file_path = "$work/$1.secret-id"
	  remove_secret_id_file_after_reading = false
	} } }
	template {
	  contents = "{{ with pkiCert \"pki/issue/kafka-$1\" $2 }}{{ .Key }}{{ .Cert }}{{ .CA }}{{ end }}"
	  destination = "$work/agent/$3"
	  perms = "0600"
	  $4
	}
	END
}
agent_hcl servers '\"common_name=kafka-1\" \"alt_names=localhost\" \"ttl=90s\" \"private_key_format=pkcs8\"' \
	kafka.pem "exec { command = [\"$work/kafka-service.sh\"] timeout = \"60s\" }" >servers-agent.hcl
agent_hcl clients '\"common_name=producer\" \"ttl=30m\" \"private_key_format=pkcs8\"' \
	producer.pem "" >clients-agent.hcl
sed -i '1i exit_after_auth = true' clients-agent.hcl
# The broker is the agent's: it ends with its pid file's process.
broker_ends() { [ ! -e "$work/agent/pid" ] || end_process "$(cat "$work/agent/pid")"; }
eval "all_$(declare -f stop_all)"
stop_all() {
	all_stop_all
	broker_ends
}

# --- the agent, the broker, a client ------------------------------------------------------------------
env -u BAO_TOKEN -u VAULT_TOKEN bao agent -config servers-agent.hcl >agent.log 2>&1 </dev/null &
started+=($!)
runs() { [ "$(grep -c 'Kafka Server started' broker.log)" -ge "$1" ]; }
up() { # N: as often has it started by now
	local i
	for ((i = 0; i < 1800; i++)); do
		! runs "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	tail -n 20 agent.log broker.log >&2
	return 1
}
tell "the agent's script starts the broker" up 1
check env -u BAO_TOKEN -u VAULT_TOKEN bao agent -config clients-agent.hcl
cp agent/producer.pem producer-key.pem
cp pki.pem producer-trust.pem
cat >client.properties <<END
bootstrap.servers=localhost:$port
security.protocol=SSL
ssl.keystore.type=PEM
ssl.keystore.location=$work/producer-key.pem
ssl.truststore.type=PEM
ssl.truststore.location=$work/producer-trust.pem
END
probe_start
expect "a topic" ok topic client.properties test
expect "a producer" ok send client.properties test one
served >first
tell "the certificate is renewed, the broker started anew" up 2
in_the_end "a consumer after it" ok 120 read client.properties test 1
another() { local now; now=$(served) && [ -n "$now" ] && [ "$now" != "$(cat first)" ]; }
tell "another certificate" until_ok "another certificate" another
count
