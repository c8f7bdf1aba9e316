#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `bao agent` with a token out of a file (token_file): it keeps its periodic token alive and a
# broker's certificate fresh, over a restart of the service, a signer that is killed (503) and
# a policy that is gone for a while (403).
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
export HOME=$work
check bao secrets enable pki
check bao write pki/root/generate/internal common_name="Agent test" key_type=ec ttl=48h
check bao write pki/roles/broker allowed_domains=kafka.acme.example allow_subdomains=true \
	key_type=ec max_ttl=24h
cat >broker.hcl <<'END'
path "pki/issue/broker" { capabilities = ["update"] }
END
check bao policy write broker broker.hcl
# It ends when the service is away for a third of that (the agent renews it behind two): more than a
# restart takes on a slow machine.
bao token create -orphan -policy broker -period 40s -field token >agent.token
cat >agent.hcl <<END
vault { address = "$VAULT_ADDR" ca_cert = "$VAULT_CACERT" }
auto_auth {
  method "token_file" { config = { token_file_path = "$work/agent.token" } }
  sink "file" { config = { path = "$work/sink" } }
}
template_config { exit_on_retry_failure = false }
template {
  contents = "{{ with pkiCert \"pki/issue/broker\" \"common_name=one.kafka.acme.example\" \"ttl=6s\" \"private_key_format=pkcs8\" }}{{ .Key }}{{ .Cert }}{{ .CA }}{{ end }}"
  destination = "$work/broker.pem"
  perms = "0600"
}
END
env -u BAO_TOKEN -u VAULT_TOKEN bao agent -config agent.hcl >agent.log 2>&1 &
agent=$!
beside+=("$agent")
serial() { openssl x509 -in broker.pem -noout -serial 2>/dev/null; }
before=
# One that was not there before; where all else is slow, it may have ended when it is seen: then the next.
rendered() {
	[ -s broker.pem ] && [ -n "$(serial)" ] && [ "$(serial)" != "$before" ] &&
		openssl x509 -in broker.pem -noout -checkend 1
}
# With its key, from this authority.
good() {
	until_ok "$1" rendered
	before=$(serial)
	cmp -s <(openssl pkey -in broker.pem -pubout) \
	    <(openssl x509 -in broker.pem -noout -pubkey) || die "$1: key and certificate"
	raw pki/ca/pem -o ca.pem
	openssl verify -CAfile ca.pem broker.pem >/dev/null || die "$1: chain"
}
good "first certificate"
good "its renewal"
same "$(cat sink)" "$(cat agent.token)" "the agent's token is the file's"

# The signer is killed: the agent waits or asks again, and has the next certificate.
pkill -KILL -P "$daemon" -x chancery-signer || die "no signer to kill"
good "certificate after the signer's end"

# A stop for longer than one certificate lives, shorter than the token's period.
chanceryd_stop
sleep 2
service_run
good "certificate after a restart"

# Its policy is away: 403, the file stays as it is; then back.
check bao policy delete broker
denied() { grep -q 'Code: 403' agent.log; }
until_ok "word about a missing right" denied
[ -s broker.pem ] || die "a failure emptied the file"
before=$(serial)
check bao policy write broker broker.hcl
good "certificate with the policy back"

renewed() {
	BAO_TOKEN=$(cat agent.token) bao token lookup -format json | python3 -c '
import json, sys
d = json.load(sys.stdin)["data"]
sys.exit(0 if d["period"] == 40 and d.get("last_renewal_time", 0) > d["creation_time"] else 1)'
}
until_ok "renewal of the agent's token" renewed
kill "$agent"
wait "$agent" || true
stop_all
check "$chancery" register verify --home home
