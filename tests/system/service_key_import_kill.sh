#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Processes killed in the middle of taking a private key in: what makes the key, the signer, the
# server, everything. Afterwards the whole key is there or none of it, every KEYGEN-INTENT has its end,
# and the same request works. Half of the points unless CHANCERY_FULL is set.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
export CHANCERY_HOME=$work/home
stop_all
sed -i "s|^module: .*|module: $fault|" home/chancery.yaml
export FAULT_PKCS11_MODULE=$module BAO_MAX_RETRIES=0 VAULT_MAX_RETRIES=0

# objects MOUNT: halves of keys of that mount on the token.
objects() {
	# Its login needs no PIN for public halves; the private ones are behind it.
	SOFTHSM2_CONF=$work/home/tokens/softhsm2.conf pkcs11-tool --module "$module" \
	    --token-label ca --login --pin "$(cat home/pins/ca)" --list-objects 2>pkcs11.err |
		grep -c "label: *$1-" || true
}
# room NAME: the process of that room, which is not the one that makes a key.
room() {
	"$chancery" status --json | python3 -c '
import json, sys
print(next(r["pid"] for r in json.load(sys.stdin)["rooms"] if r["name"] == sys.argv[1]))' "$1"
}
# making: one that makes a key is there.
making() { pgrep -P "$daemon" -f -- '--keygen$' >maker; }
settled() {
	"$chancery" register show --json >records.json && python3 - <<-'P'
		import json, sys
		rows = []
		for line in open("records.json"):
		    v = json.loads(line)
		    rows += v if isinstance(v, list) else v.get("records", [v])
		ends = {r["body"]["intent"] for r in rows if r["type"] in ("KEYGEN-DONE", "KEYGEN-FAILED")}
		sys.exit(not {r["n"] for r in rows if r["type"] == "KEYGEN-INTENT"} <= ends)
	P
}

kill_signer() { kill -KILL "$(room signer)"; }
kill_server() { kill -KILL "$(room server)"; }
kill_maker() { making && kill -KILL "$(cat maker)"; }
# The maker of a supervisor that is gone goes on.
kill_above() {
	local pids
	pids="$(room signer) $(room server)"
	# shellcheck disable=SC2086
	kill -KILL "$daemon" $pids
	wait "$daemon" 2>/dev/null || true
	daemon=
}
kill_all() {
	making
	kill_above
	kill -KILL "$(cat maker)"
}

# row NAME RULES WHO HALVES: with these faults a key is taken in, WHO is killed meanwhile ("": nobody
# by us); then as many halves of it are on the token.
row() {
	local name=$1 rules=$2 who=$3 halves=$4 bao_pid
	[ -n "$daemon" ] || FAULT_PKCS11_RULES="$rules" service_run
	check openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key"
	check openssl req -x509 -new -key "$name.key" -subj "/CN=$name" -days 30 \
	    -addext basicConstraints=critical,CA:TRUE \
	    -addext keyUsage=critical,keyCertSign,cRLSign -out "$name.crt"
	check bao secrets enable -path "$name" pki
	cat "$name.key" "$name.crt" >"$name.pem"
	bao write -format=json "$name/issuers/import/bundle" pem_bundle=@"$name.pem" >answer 2>&1 &
	bao_pid=$!
	if [ -n "$who" ]; then
		until_ok "process that takes the key in" making
		sleep 0.7
		"$who"
	fi
	# Without faults from here on: nothing of what is left needs the old processes.
	[ "$who" = kill_above ] || [ "$who" = kill_all ] || wait $bao_pid || true
	stop_all
	unset FAULT_PKCS11_RULES
	service_run
	wait $bao_pid 2>/dev/null || true
	until_ok "$name: ends of all that was begun" settled
	same "$(objects "$name")" "$halves" "$name: halves on the token"
	check bao write -format=json "$name/issuers/import/bundle" pem_bundle=@"$name.pem"
	same "$(objects "$name")" 2 "$name: halves after another request"
	check bao write "$name/roles/host" allow_any_name=true max_ttl=1h
	bao write -field=certificate "$name/issue/host" common_name=a.example >leaf.pem
	check openssl verify -CAfile "$name.crt" leaf.pem
	stop_all
	check "$chancery" register verify --json
	same "$(field open_intents <check.out)" 0 "$name: open intents"
	"$chancery" key list --json | python3 -c '
import json, sys
keys = [k for k in json.load(sys.stdin)["keys"] if k["label"].startswith(sys.argv[1] + "-")]
sys.exit([k["imported"] for k in keys] != [True])' "$name" || die "$name: not one imported key"
	echo "service_key_import_kill: $name"
}

# By itself, at each of its two steps.
whole() { [ -z "${CHANCERY_FULL:-}" ] || "$@"; }
whole row before-private 'C_CreateObject:kill=before:nth=1' "" 0
row after-private 'C_CreateObject:kill=after:nth=1' "" 0
row before-public 'C_CreateObject:kill=before:nth=2' "" 0
row after-public 'C_CreateObject:kill=after:nth=2' "" 2
# By somebody else, while it is at work.
slow='C_CreateObject:sleep_ms=2500'
row maker "$slow:nth=2" kill_maker 0
whole row signer "$slow:nth=1" kill_signer 2
row signer-later "$slow:nth=2" kill_signer 2
whole row server "$slow:nth=2" kill_server 2
whole row all "$slow:nth=2" kill_all 0
row above "$slow:nth=2" kill_above 2
echo "service_key_import_kill: as they should be"
