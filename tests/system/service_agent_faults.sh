#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `bao agent` by its three ways of logging in (AppRole with a wrapped secret-id, client certificate,
# token file), each with a certificate to keep fresh, behind a proxy that answers 503 and 403, drops
# connections and cuts answers (service_proxy.py); then the service itself goes away.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
export HOME=$work
check bao secrets enable pki
check bao write pki/root/generate/internal common_name="Agent faults" key_type=ec ttl=48h
check bao write pki/roles/broker allow_any_name=true key_type=ec max_ttl=24h
echo 'path "pki/issue/broker" { capabilities = ["update"] }' >broker.hcl
check bao policy write broker broker.hcl
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=agent -days 2 \
	-addext extendedKeyUsage=clientAuth -keyout client.key -out client.crt 2>/dev/null
cat client.crt client.key >client.pem
check bao auth enable cert
check bao write auth/cert/certs/agent certificate=@client.crt token_policies=broker token_ttl=6s
check bao auth enable approle
check bao write auth/approle/role/agent token_policies=broker token_ttl=6s
bao read -field=role_id auth/approle/role/agent/role-id >role-id
bao write -force -wrap-ttl=5m -field=wrapping_token auth/approle/role/agent/secret-id >secret-id
bao token create -orphan -policy broker -period 30s -field token >agent.token

# --- a proxy, and the agents behind it -------------------------------------------------------
port=$(free_port)
rule() { printf '%s\n' "$@" >rules.new && mv rules.new rules; }
pass() { : >rules.new && mv rules.new rules; }
rule "* 503"
python3 "$top/tests/system/service_proxy.py" "$port" rules client.pem >faults 2>proxy.log &
beside+=($!)
# agent NAME METHOD-BLOCK
agent() {
	cat >"$1.hcl" <<END
vault { address = "http://127.0.0.1:$port" retry { num_retries = 1 } }
auto_auth {
  $2
  sink "file" { config = { path = "$work/$1.sink" } }
}
template_config { exit_on_retry_failure = false }
template {
  contents = "{{ with pkiCert \"pki/issue/broker\" \"common_name=$1.example\" \"ttl=6s\" \"private_key_format=pkcs8\" }}{{ .Key }}{{ .Cert }}{{ .CA }}{{ end }}"
  destination = "$work/$1.pem"
  perms = "0600"
}
END
	env -u BAO_TOKEN -u VAULT_TOKEN -u BAO_ADDR -u VAULT_ADDR -u BAO_CACERT -u VAULT_CACERT \
	    bao agent -config "$1.hcl" >"$1.log" 2>&1 &
	beside+=($!)
}
backoff='min_backoff = "500ms" max_backoff = "1s"'
agent approle "method \"approle\" { $backoff config = { role_id_file_path = \"$work/role-id\"
  secret_id_file_path = \"$work/secret-id\"
  secret_id_response_wrapping_path = \"auth/approle/role/agent/secret-id\" } }"
agent cert "method \"cert\" { $backoff config = { name = \"agent\" } }"
agent file "method \"token_file\" { $backoff config = { token_file_path = \"$work/agent.token\" } }"
all="approle cert file" logins="approle cert"
serial() { openssl x509 -in "$1.pem" -noout -serial 2>/dev/null; }
declare -A before=()
# The next one may come in between, hence a copy; where all else is slow, one may have ended when it is seen.
rendered() {
	[ -s "$1.pem" ] && [ -n "$(serial "$1")" ] && [ "$(serial "$1")" != "${before[$1]:-}" ] &&
		cp "$1.pem" seen.pem && openssl x509 -in seen.pem -noout -checkend 1
}
# good WHAT: each agent has a certificate that was not there before, with its key, of this authority.
good() {
	local a
	raw pki/ca/pem -o ca.pem
	for a in $all; do
		until_ok "$1: $a" rendered "$a"
		before[$a]=$(openssl x509 -in seen.pem -noout -serial)
		cmp -s <(openssl pkey -in seen.pem -pubout) \
		    <(openssl x509 -in seen.pem -noout -pubkey) || die "$1: $a: key and certificate"
		openssl verify -CAfile ca.pem seen.pem >/dev/null || die "$1: $a: chain"
	done
}
# says TEXT AGENT…: each agent's log has it once more than before.
declare -A said=()
mark() { local a; for a in $all; do said[$a]=$(count "$1" "$a.log"); done; }
more() { [ "$(count "$1" "$2.log")" -gt "${said[$2]}" ]; }
says() {
	local text=$1 a
	shift
	for a; do until_ok "\"$text\" of $a" more "$text" "$a"; done
}

# --- from the beginning: nothing is answered, not even the unwrapping -----------------------------
faults_of() { grep -q "^503 .*$1" faults; }
until_ok "an unwrapping that failed" faults_of sys/wrapping
until_ok "a login that failed" faults_of auth/cert/login
until_ok "a look-up that failed" faults_of auth/token/lookup-self
for a in $all; do [ ! -e "$a.pem" ] || die "a file out of nothing: $a"; done
pass
good "after 503 at the beginning"

# --- certificates: refused, unavailable, no answer, half an answer --------------------------------
for fault in 503 403; do
	mark "Code: $fault"
	rule "pki/issue/* $fault"
	# shellcheck disable=SC2086
	says "Code: $fault" $all
	# From here on nothing is on its way any more.
	for a in $all; do before[$a]=$(serial "$a"); done
	mark "Code: $fault"
	# shellcheck disable=SC2086
	says "Code: $fault" $all
	for a in $all; do
		same "$(serial "$a")" "${before[$a]}" "$fault: the file of $a stays"
	done
	pass
	good "after $fault for certificates"
done
for fault in drop cut; do
	rule "pki/issue/* $fault"
	n=$(count "^$fault" faults)
	wait_for $((n + 3)) "^$fault" faults
	pass
	good "after $fault of answers"
done

# --- tokens: their renewal refused, and the login with it ---------------------------------------
declare -A tokens=()
declare -A failed=()
for a in $logins; do
	tokens[$a]=$(cat "$a.sink")
	failed[$a]=$(count "^503 .*$a/login" faults)
done
rule "auth/token/renew-self 403" "auth/*/login 503"
for a in $logins; do wait_for $((failed[$a] + 1)) "^503 .*$a/login" faults; done
pass
anew() { [ "$(cat "$1.sink")" != "${tokens[$1]}" ]; }
for a in $logins; do until_ok "another token of $a" anew "$a"; done
good "after 403 for tokens"

# --- the service: its signer, itself, its tokens ------------------------------------------------
pkill -KILL -P "$daemon" -x chancery-signer || die "no signer to kill"
good "after the signer's end"
chanceryd_stop
sleep 2
service_run
good "after a restart"
for a in $logins; do
	tokens[$a]=$(cat "$a.sink")
	check bao token revoke "${tokens[$a]}"
done
for a in $logins; do until_ok "token of $a after a revocation" anew "$a"; done
good "after a revocation"
# The secret-id was unwrapped once and is in memory: the file is gone, the wrapping token is used.
[ ! -e secret-id ] || die "the agent left the wrapping token"
for pid in "${beside[@]}"; do kill -0 "$pid" || die "an agent or the proxy gave up"; done
stop_all
check "$chancery" register verify --home home
