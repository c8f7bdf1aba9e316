#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rooms killed with signal 9 while clients sign: each client is served again, and what
# it received is in the register and in the store; then everything killed at once.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
load=$top/tests/system/service_load.py

check bao secrets enable -path ca pki
check bao write ca/root/generate/internal common_name="Kill CA" key_type=ec key_bits=256 ttl=700h
check bao write ca/roles/leaf allow_any_name=true key_type=any max_ttl=72h
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key \
	-subj /CN=a.example.com -out leaf.csr 2>/dev/null

# known SERIALS…: each is a SIGNED of the register and a row of the store.
known() {
	check "$chancery" register show --home home --json
	python3 - "$@" check.out <<-'PY' || die "a certificate that nobody knows"
		import json, sys
		given = {s.replace(":", "") for s in open(sys.argv[1]).read().split()}
		serial, signed = {}, set()
		for line in open(sys.argv[2]):
		    for r in (lambda v: v if isinstance(v, list) else v.get("records", [v]))(json.loads(line)):
		        body = r["body"]
		        if r["type"] == "INTENT" and "serial" in body:
		            serial[r["n"]] = body["serial"]
		        if r["type"] == "SIGNED" and body["intent"] in serial:
		            signed.add(serial[body["intent"]])
		open("signed", "w").write("\n".join(sorted(signed)) + "\n")
		lost = given - signed
		print("given out %d, signed %d, lost %d" % (len(given), len(signed), len(lost)))
		sys.exit(1 if lost else 0)
	PY
}
in_store() {
	curl -sS --cacert "$VAULT_CACERT" -H "X-Vault-Token: $VAULT_TOKEN" -X LIST \
		"$VAULT_ADDR/v1/ca/certs" | python3 -c '
import json, sys
rows = {s.replace(":", "").replace("-", "") for s in json.load(sys.stdin)["data"]["keys"]}
signed = set(open("signed").read().split())
print("in the store %d, signed and not in the store %d" % (len(rows), len(signed - rows)))
sys.exit(1 if signed - rows else 0)'
}

python3 "$load" "$daemon" leaf.csr 4 3 >serials 2>load.err || { tail -n 20 load.err chanceryd.log >&2; die "load"; }
tail -n 1 load.err
known serials
until_ok "store that has what was signed" in_store
in_store

# Everything at once, under load.
python3 "$load" "$daemon" leaf.csr 0 100 >others 2>others.err &
loader=$!
sleep 3
pkill -KILL -P "$daemon" || true
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
kill "$loader" 2>/dev/null || true
wait "$loader" 2>/dev/null || true
service_run
until_ok "a certificate after that" bao write ca/sign/leaf csr=@leaf.csr common_name=b.example.com
known serials
until_ok "store that has what was signed" in_store
in_store

kill -TERM "$daemon"
wait "$daemon" || die "the service ends with $?"
daemon=
check "$chancery" register verify --home home --json
same "$(field open_intents <check.out)" 0 "open intents"
"$chancery" store rebuild --home home --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store equals what the register says"
# Who changed the configuration is told, privately.
grep -q '"changes":.*"who":"token:' home/register/private/*.jsonl || die "nobody changed anything"
