# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Chapters of scripts/demo that run the service: chanceryd with the API of Vault's PKI
# engine, the article's commands, bao agent. Sourced by scripts/demo, which has the helpers.
# shellcheck disable=SC2154 # its variables: bold, plain, state, recorded, started, top

# Everything of the service lies below one directory; $service is set by the caller, and
# $lists, the address where lists are read without TLS.
lists=
service_start() {
	local listen=$1 i
	run chancery init --soft "$service" --charter open --module "$(softhsm_module)" \
	    --listen "$listen" --origin acme.example/chancery/service
	[ -z "$lists" ] || run sed -i "s|# plain_listen:.*|plain_listen: [\"$lists\"]|" \
	    "$service/chancery.yaml"
	say "   ${bold}\$ chanceryd --home $service &$plain"
	# A session of its own: the end of this terminal is no SIGHUP for it.
	setsid chanceryd --home "$service" >"$service.log" 2>&1 </dev/null &
	service_pid=$!
	for ((i = 0; i < 200; i++)); do
		kill -0 "$service_pid" 2>/dev/null || break
		! chancery status --home "$service" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	cat "$service.log" >&2
	die "chanceryd does not start"
}

# The root token goes where the CLI looks for one, never onto a command line.
service_environment() {
	export VAULT_ADDR=https://$1 VAULT_CACERT=$service/tls/certificate.pem
	export BAO_ADDR=$VAULT_ADDR BAO_CACERT=$VAULT_CACERT BAO_CLI_NO_COLOR=1
	unset BAO_TOKEN VAULT_TOKEN BAO_NAMESPACE VAULT_NAMESPACE
	export HOME=$service/home
	mkdir -p "$HOME"
	say "   ${bold}\$ chancery token root --home $service > ~/.vault-token$plain"
	chancery token root --home "$service" >"$HOME/.vault-token"
}

service_chapter() {
	chapter "The service: the same HSM behind Vault's API"
	why "One command makes a home with two software tokens, a register, a store and a" \
	    "TLS certificate. The charter template \"open\" is named on purpose: keys made" \
	    "through the API may then sign anything, and every report says so."
	service=$state/service
	local listen
	listen=127.0.0.1:$(free_port) lists=127.0.0.1:$(free_port)
	service_start "$listen"
	on_exit "stop $service_pid"
	service_environment "$listen"
	run chancery status --home "$service"
	file service/chancery.yaml "the configuration, with comments"
	why "Four processes: the supervisor, the server that clients talk to, the signer that" \
	    "alone has the PKCS#11 module and the register. From here on the client is the" \
	    "real bao program; only its address says that this is not OpenBao."
	run bao status
}

# The commands of "Securing Kafka using Vault PKI", as they stand there.
article_authorities() {
	chapter "The article \"Securing Kafka using Vault PKI\": authorities"
	why "Both authorities are mounts; both keys are made in the HSM by generate/internal."
	run bao secrets enable -path root-ca pki
	run bao secrets tune -max-lease-ttl=8760h root-ca
	run_to root-ca.pem bao write -field certificate root-ca/root/generate/internal \
	    common_name="Acme Root CA" ttl=8760h
	run bao write root-ca/config/urls issuing_certificates="$VAULT_ADDR/v1/root-ca/ca" \
	    crl_distribution_points="http://$lists/v1/root-ca/crl"
	run bao secrets enable -path kafka-int-ca pki
	run bao secrets tune -max-lease-ttl=8760h kafka-int-ca
	run_to service-int.csr bao write -field=csr \
	    kafka-int-ca/intermediate/generate/internal \
	    common_name="Acme Kafka Intermediate CA" ttl=43800h
	run_to service-int.pem bao write -field=certificate root-ca/root/sign-intermediate \
	    csr=@service-int.csr format=pem_bundle ttl=43800h
	run_briefly 4 bao write kafka-int-ca/intermediate/set-signed \
	    certificate=@service-int.pem
	run_briefly 4 bao write kafka-int-ca/config/urls \
	    issuing_certificates="$VAULT_ADDR/v1/kafka-int-ca/ca" \
	    crl_distribution_points="http://$lists/v1/kafka-int-ca/crl"
	run openssl x509 -in service-int.pem -noout -subject -issuer -enddate
}

article_roles() {
	local kind
	chapter "The article: roles, policies, tokens, certificates"
	for kind in client server; do
		run_briefly 2 bao write "kafka-int-ca/roles/kafka-$kind" \
		    "allowed_domains=${kind}s.kafka.acme.com" allow_subdomains=true \
		    max_ttl=72h
		printf 'path "kafka-int-ca/issue/kafka-%s" {\n  capabilities = ["update"]\n}\n' \
		    "$kind" >"kafka-$kind.hcl"
		run bao policy write "kafka-$kind" "kafka-$kind.hcl"
		run bao write "auth/token/roles/kafka-$kind" "allowed_policies=kafka-$kind" \
		    period=24h
	done
	why "Servers and clients get tokens of their roles, and with them only what the role's" \
	    "policy allows:"
	run_to server.token bao token create -field=token -role kafka-server
	run_to client.token bao token create -field=token -role kafka-client
	BAO_TOKEN=$(cat server.token) run_to service-node-1.pem bao write -field certificate \
	    kafka-int-ca/issue/kafka-server common_name=node-1.servers.kafka.acme.com \
	    alt_names=localhost format=pem_bundle
	BAO_TOKEN=$(cat client.token) run_to service-client.pem bao write -field certificate \
	    kafka-int-ca/issue/kafka-client common_name=my-client.clients.kafka.acme.com \
	    format=pem_bundle
	BAO_TOKEN=$(cat client.token) refused bao write -field certificate \
	    kafka-int-ca/issue/kafka-server common_name=node-1.servers.kafka.acme.com
	run openssl verify -CAfile root-ca.pem -untrusted service-int.pem \
	    -purpose sslserver -verify_hostname node-1.servers.kafka.acme.com \
	    service-node-1.pem
	run openssl pkcs12 -inkey service-node-1.pem -in service-node-1.pem -name node-1 \
	    -export -passout pass:changeme -out node-1.p12
	if [ "$recorded" = 0 ]; then
		run_briefly 1 keytool -importkeystore -srcstorepass changeme \
		    -deststorepass changeme -destkeystore node-1-keystore.jks \
		    -srckeystore node-1.p12 -srcstoretype PKCS12
	fi
	file service-node-1.pem "key, certificate and chain of Kafka node 1"
}

# One file a certificate, as Kafka's PEM stores want it; a note at each change.
agent_configuration() {
	cat >agent.hcl <<-END
	vault { address = "$VAULT_ADDR" }
	auto_auth {
	  method "approle" {
	    config = {
	      role_id_file_path = "agent.role-id"
	      secret_id_file_path = "agent.secret-id"
	      remove_secret_id_file_after_reading = false
	    }
	  }
	}
	template_config { static_secret_render_interval = "2s" }
	template {
	  contents = "{{ with pkiCert \"kafka-int-ca/issue/kafka-server\" \"common_name=node-2.servers.kafka.acme.com\" \"ttl=12s\" \"private_key_format=pkcs8\" }}{{ .Key }}{{ .Cert }}{{ .CA }}{{ end }}"
	  destination = "agent/broker.pem"
	  perms = "0600"
	  exec { command = ["sh", "-c", "openssl x509 -in agent/broker.pem -noout -serial >> agent/changes"] }
	}
	template {
	  contents = "{{ with pkiCert \"kafka-int-ca/issue/kafka-client\" \"common_name=app.clients.kafka.acme.com\" \"ttl=1h\" }}{{ .Key }}{{ .Cert }}{{ .CA }}{{ end }}"
	  destination = "agent/client.pem"
	  perms = "0600"
	}
	END
}

# wait_lines N FILE SECONDS
wait_lines() {
	local i
	for ((i = 0; i < $3 * 5; i++)); do
		[ ! -f "$2" ] || [ "$(wc -l <"$2")" -lt "$1" ] || return 0
		sleep 0.2
	done
	return 1
}

agent_chapter() {
	chapter "bao agent keeps a broker's files fresh"
	why "The agent logs in by AppRole, renders broker and client files from templates, and" \
	    "renews them: the broker's certificate lives 12 seconds here so that one can watch."
	run bao auth enable approle
	printf 'path "kafka-int-ca/issue/*" {\n  capabilities = ["update"]\n}\n' >agent-policy.hcl
	run bao policy write kafka-agent agent-policy.hcl
	run bao write auth/approle/role/kafka-agent token_policies=kafka-agent token_ttl=1m
	run_to agent.role-id bao read -field=role_id auth/approle/role/kafka-agent/role-id
	run_to agent.secret-id bao write -f -field=secret_id \
	    auth/approle/role/kafka-agent/secret-id
	mkdir -p agent
	agent_configuration
	file agent.hcl "its configuration"
	say "   ${bold}\$ bao agent -config agent.hcl &$plain"
	# It must live by AppRole alone.
	start agent.log env -u BAO_TOKEN HOME="$state/agent" "$(bao_binary)" agent \
	    -config agent.hcl
	wait_lines 2 agent/changes 60 || { cat agent.log; die "bao agent renders nothing"; }
	why "Rendered, and renewed before the first one ended; the command ran at each change:"
	sed 's/^/     /' agent/changes
	run openssl verify -CAfile root-ca.pem -untrusted service-int.pem agent/client.pem
	stop "$started"
	file agent/ "broker.pem, client.pem and the list of changes"
}

service_revocation() {
	chapter "A client's key is lost"
	why "A revocation through the API, and the list fetched back."
	local serial
	serial=$(openssl x509 -in service-client.pem -noout -serial | sed 's/^serial=//')
	run bao write kafka-int-ca/revoke reason=keyCompromise \
	    "serial_number=$(sed 's/../&:/g;s/:$//' <<<"${serial,,}")"
	run_to service.crl bao read -field=certificate kafka-int-ca/cert/crl
	run openssl crl -in service.crl -noout -text -nameopt oneline
	refused openssl verify -crl_check -CRLfile service.crl -CAfile root-ca.pem \
	    -untrusted service-int.pem service-client.pem
}

service_closing() {
	chapter "What the service leaves behind"
	why "The register of the service, verified like that of the ceremony, beside it while" \
	    "it runs."
	run chancery register verify --home "$service"
	file service/register/log/ "one line a record: every signature of the service"
}

# --- scripts/demo --serve -------------------------------------------------------------

serve() {
	service=$state/service
	chapter "A service to play with"
	service_start "$1"
	service_environment "$1"
	say "$service_pid" >"$state/pid"
	cat >"$state/env" <<-END
	export VAULT_ADDR=$VAULT_ADDR BAO_ADDR=$VAULT_ADDR
	export VAULT_CACERT=$VAULT_CACERT BAO_CACERT=$VAULT_CACERT
	export VAULT_TOKEN=$(cat "$HOME/.vault-token")
	export BAO_TOKEN=\$VAULT_TOKEN
	END
	rm -r "$HOME"
	file env "source it, then: vault secrets enable pki"
	why "It listens on $1 until scripts/demo --stop. Its tokens are files: for playing only."
}

serve_stop() {
	local pid
	[ -f "$top/demo/pid" ] || die "no service of scripts/demo --serve is running"
	pid=$(cat "$top/demo/pid")
	# The pid may be another program's by now.
	if grep -qs chanceryd "/proc/$pid/comm"; then
		kill "$pid"
		while [ -d "/proc/$pid" ]; do sleep 0.1; done
		say "stopped"
	else
		say "it had stopped already"
	fi
	rm "$top/demo/pid"
}
