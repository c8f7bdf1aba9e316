# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Read by scripts that need the running service: chanceryd with software tokens in $work/home,
# VAULT_ADDR, VAULT_CACERT and a root token's VAULT_TOKEN set, `bao` on PATH. The build's bin
# is beside the chancery that the test got.
top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=tests/system/lib.sh
. "$top/tests/system/lib.sh"
export PATH=$top/build/venv/bin:$PATH
command -v bao >/dev/null || die "no bao: run scripts/deps test"
bin=$(dirname "$chancery")
# shellcheck source=tests/system/service_lib.sh
. "$top/tests/system/service_lib.sh"
log=$work/chanceryd.log openbao=
stop_all() {
	for pid in $daemon $openbao; do
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	daemon= openbao=
}
# socket METHOD PATH [CURL-ARGUMENT…]: as the operating system's root, over the unix socket.
socket() {
	local method=$1 path=$2
	shift 2
	curl -sS --unix-socket "$work/home/run/chancery.sock" -X "$method" "$@" \
	    "http://localhost/v1/$path"
}
service_run() {
	"$bin/chanceryd" --home "$work/home" 2>>"$log" &
	daemon=$!
	until_ok "service" curl -sSf -m 2 --unix-socket "$work/home/run/chancery.sock" \
	    http://localhost/v1/sys/health
}
# service_start CHARTER: made, started, unlocked.
service_start() {
	local port
	port=$(free_port)
	check "$chancery" init --soft "$work/home" --charter "$1" \
	    --listen "127.0.0.1:$port" --origin "acme.example/test"
	service_run
	export VAULT_ADDR=https://127.0.0.1:$port VAULT_CACERT=$work/home/tls/certificate.pem
	VAULT_TOKEN=$(socket POST sys/internal/chancery/root-token | python3 -c '
import json, sys
print(json.load(sys.stdin)["data"]["token"])')
	export VAULT_TOKEN
	export BAO_ADDR=$VAULT_ADDR BAO_CACERT=$VAULT_CACERT BAO_TOKEN=$VAULT_TOKEN
}
# service_restart: it ends in order, with status 0, and starts again.
service_restart() {
	chanceryd_stop
	service_run
}
# plain_listener: what needs no token without TLS, too, at $plain; URLs of lists begin with $crls.
plain_listener() {
	plain=127.0.0.1:$(free_port)
	crls=http://$plain/v1
	sed -i "s/^server:\$/&\n  plain_listen: [\"$plain\"]/" "$work/home/chancery.yaml"
	service_restart
}
# openbao_start: a real OpenBao in memory; OPENBAO_ADDR, token "root".
openbao_start() {
	local port
	port=$(free_port)
	export OPENBAO_ADDR=http://127.0.0.1:$port
	(
		unset VAULT_ADDR VAULT_CACERT VAULT_TOKEN BAO_ADDR BAO_CACERT BAO_TOKEN
		HOME=$work exec bao server -dev -dev-root-token-id=root \
		    -dev-listen-address="127.0.0.1:$port" >"$work/openbao.log" 2>&1
	) &
	openbao=$!
	until_ok "OpenBao" curl -sSf -m 2 "$OPENBAO_ADDR/v1/sys/health"
}
# The same over TLS, as client certificates need it; OPENBAO_CACERT.
openbao_tls_start() {
	local port
	port=$(free_port)
	export OPENBAO_ADDR=https://127.0.0.1:$port OPENBAO_CACERT=$work/openbao-tls/vault-ca.pem
	mkdir "$work/openbao-tls"
	(
		unset VAULT_ADDR VAULT_CACERT VAULT_TOKEN BAO_ADDR BAO_CACERT BAO_TOKEN
		HOME=$work exec bao server -dev -dev-root-token-id=root \
		    -dev-listen-address="127.0.0.1:$port" -dev-tls \
		    -dev-tls-cert-dir="$work/openbao-tls" >"$work/openbao.log" 2>&1
	) &
	openbao=$!
	until_ok "OpenBao" curl -sSf -m 2 --cacert "$OPENBAO_CACERT" "$OPENBAO_ADDR/v1/sys/health"
}
# raw PATH [CURL-ARGUMENT…]: without a token.
raw() {
	local path=$1
	shift
	curl -sS --cacert "$VAULT_CACERT" "$@" "$VAULT_ADDR/v1/$path"
}
