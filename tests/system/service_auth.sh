#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may: policies, tokens and AppRole over the whole service, by plain HTTP
# (service_auth.py), by the real bao CLI and its agent; and our answers about policies are
# those of a real OpenBao (service_acl.py).
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
openbao_start
for part in service_acl service_auth; do
	python3 "$top/tests/system/$part.py" || { tail -n 30 chanceryd.log; die "$part.py"; }
done

# --- the real CLI ------------------------------------------------------------------------------
export HOME=$work
says() {
	local text=$1
	shift
	check "$@"
	grep -qF -- "$text" check.out || { cat check.out; die "does not say \"$text\": $*"; }
}
cat >kafka.hcl <<'END'
# what a broker may
path "sys/mounts" { capabilities = ["read"] }
path "auth/token/create" { capabilities = ["update"] }
END
says "Uploaded policy: kafka" bao policy write kafka kafka.hcl
bao policy read kafka | cmp - kafka.hcl || die "policy read"
says kafka bao policy list
echo 'path "a" { capabilities = ["fly"] }' >bad.hcl
fails 2 'failed to parse policy: 1:28: invalid capability "fly"' bao policy write bad bad.hcl

bao token create -policy kafka -ttl 1h -format json >token.json
token=$(python3 -c 'import json; print(json.load(open("token.json"))["auth"]["client_token"])')
accessor=$(python3 -c 'import json; print(json.load(open("token.json"))["auth"]["accessor"])')
says "default kafka" bao token lookup "$token"
says "$accessor" bao token lookup -accessor "$accessor"
same "$(bao token capabilities "$token" sys/mounts)" read "token capabilities"
same "$(bao token capabilities sys/mounts)" root "token capabilities"
says 3600 env BAO_TOKEN="$token" bao token lookup -field=creation_ttl
says "token_renewable" bao token renew -increment 30m "$token"
says "token_renewable" env BAO_TOKEN="$token" bao token renew
check env BAO_TOKEN="$token" bao secrets list
fails 2 "permission denied" env BAO_TOKEN="$token" bao policy list
fails 2 "permission denied" env BAO_TOKEN="$token" bao secrets enable -path=pki pki
child=$(BAO_TOKEN=$token bao token create -field token)
check env BAO_TOKEN="$child" bao token lookup
says "Success" bao token revoke -accessor "$accessor"
fails 2 "permission denied" env BAO_TOKEN="$child" bao token lookup
fails 2 "bad token" bao token lookup "$token"
says "Success" bao write auth/token/roles/kafka allowed_policies=kafka period=1h
says "token_policies" bao token create -role kafka
says kafka bao list auth/token/roles
says "Success" bao policy delete kafka
says "Success" bao auth enable -path=machines approle
says "machines/" bao auth list
says "Success" bao write auth/machines/role/broker token_policies=default token_ttl=20m \
	secret_id_num_uses=2
role_id=$(bao read -field=role_id auth/machines/role/broker/role-id)
wrapped=$(bao write -force -wrap-ttl=60s -field=wrapping_token \
	auth/machines/role/broker/secret-id)
secret_id=$(bao unwrap -field=secret_id "$wrapped")
fails 2 "wrapping token is not valid or does not exist" bao unwrap "$wrapped"
for _ in 1 2; do
	says "default" bao write auth/machines/login role_id="$role_id" secret_id="$secret_id"
done
fails 2 "invalid role or secret ID" bao write auth/machines/login role_id="$role_id" \
	secret_id="$secret_id"
fails 2 "permission denied" bao login -no-print "$child"
check bao login -no-print "$VAULT_TOKEN"
says "Success" bao auth disable machines

# --- the agent: AppRole with a wrapped secret-id, then renewing its token ------------------------
check bao write auth/approle/role/agent token_policies=default token_ttl=3s token_max_ttl=1h
bao read -field=role_id auth/approle/role/agent/role-id >role-id
bao write -force -wrap-ttl=60s -field=wrapping_token auth/approle/role/agent/secret-id >secret-id
cat >agent.hcl <<END
vault { address = "$VAULT_ADDR" ca_cert = "$VAULT_CACERT" }
auto_auth {
  method "approle" {
    config = {
      role_id_file_path = "$work/role-id"
      secret_id_file_path = "$work/secret-id"
      secret_id_response_wrapping_path = "auth/approle/role/agent/secret-id"
    }
  }
  sink "file" { config = { path = "$work/sink" } }
}
END
env -u BAO_TOKEN -u VAULT_TOKEN bao agent -config agent.hcl >agent.log 2>&1 &
agent=$!
beside+=("$agent")
renewed() {
	[ -s sink ] && BAO_TOKEN=$(cat sink) bao token lookup -format json 2>/dev/null |
		python3 -c 'import json, sys
d = json.load(sys.stdin)["data"]
sys.exit(0 if d.get("last_renewal_time", 0) > d["creation_time"] + 3 else 1)'
}
until_ok "renewed token of the agent" renewed
kill "$agent"
wait "$agent" || true

# --- the act that had no token is in the register -------------------------------------------------
stop_all
check "$chancery" register show --home home
grep -q 'root-token' check.out || die "the first root token is not in the register"
