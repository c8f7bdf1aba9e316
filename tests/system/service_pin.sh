#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The real rooms on a soft token: PINs are tried once, unseal, kill -9 of each room under
# a client, commands beside a running service.
here=$(realpath "$(dirname "$0")") chanceryd=$(realpath "$5")
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/service_lib.sh
. "$here/service_lib.sh"

port=$(free_port)
check "$chancery" init --soft home --charter open --listen "127.0.0.1:$port"
export CHANCERY_HOME=$work/home
# Calls into the module are counted from now on.
sed -i "s|^module: .*|module: $fault|" home/chancery.yaml
export FAULT_PKCS11_MODULE=$module
# calls FUNCTION: how often this signer, or the last one, called it.
calls() {
	local n
	n=$(sed -n "s/^$1  *//p" counts 2>/dev/null) || true
	echo $((10#${n:-0}))
}
up() {
	rm -f counts
	chanceryd_start env FAULT_PKCS11_COUNTS="$work/counts" --
}
# state ROOM
state() {
	"$chancery" status --json | python3 -c '
import json, sys
for room in json.load(sys.stdin)["rooms"]:
    if room["name"] == sys.argv[1]:
        print(room["state"], room["pid"])' "$1"
}
sealed() {
	curl -s --cacert home/tls/certificate.pem "https://127.0.0.1:$port/v1/sys/seal-status" | field sealed
}
logins() { calls C_Login; }

# --- nothing there yet ------------------------------------------------------------------------------
mv home/store home/away
chanceryd_start --
wait_for 1 'there is no .*store.sqlite' log
rc=0
wait "$daemon" || rc=$?
same "$rc" 66 "status without a database"
mv home/away home/store

# --- the right PINs ------------------------------------------------------------------------------
up
wait_for 1 '"msg":"ready: server ready, signer ready' log
same "$("$chancery" status --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print({r["sandbox"].split(",")[0] for r in d["rooms"] + [d]})')" "{'seccomp'}" "sandboxes"
same "$(sealed)" False "sealed"
same "$(logins)" 2 "logins of a good start"
token=$("$chancery" token root --json | field token)
[[ $token == hvs.* ]] || die "no token: $token"
fails 75 "its API does this: POST v1/MOUNT/keys" "$chancery" key generate --token ca --label x --type ec-p256
fails 75 "stop it for this command" "$chancery" register accept --clock --why x
check "$chancery" register verify
check "$chancery" config check
fails 66 "no token lacks a PIN" "$chancery" unseal --pin file:home/pins/ca
fails 66 'no token "other"' "$chancery" unseal other --pin file:home/pins/ca

# --- kill -9 of each room --------------------------------------------------------------------------
read -r _ pid <<<"$(state signer)"
kill -KILL "$pid"
wait_for 2 'signer: ready' log
same "$(sealed)" False "sealed after the signer's end"
"$chancery" token root --json >/dev/null || die "no token after the signer's end"
read -r _ pid <<<"$(state server)"
kill -KILL "$pid"
wait_for 2 'server: ready' log
# The first token is of a database that survived.
same "$(curl -s --cacert home/tls/certificate.pem -H "X-Vault-Token: $token" \
	"https://127.0.0.1:$port/v1/auth/token/lookup-self" |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["policies"])')" \
	"['root']" "policies of the token"
"$chancery" token root --json >/dev/null || die "no token after the server's end"
chanceryd_stop
check "$chancery" register verify

# --- kill -9 of chanceryd alone: a new one waits for the addresses ----------------------------------------
chanceryd_start --
wait_for 1 '"msg":"ready: server ready, signer ready' log
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
chanceryd_start --
wait_for 1 '"msg":"ready: server ready, signer ready' log
"$chancery" token root --json >/dev/null || die "no token after chanceryd's end"
chanceryd_stop
check "$chancery" register verify

# --- a wrong PIN: one try -----------------------------------------------------------------------------
cp home/pins/ca good
echo 000000000000 >home/pins/ca
up
wait_for 1 'signer: the PIN was refused' log
wait_for 1 '"msg":"ready: server ready, signer sealed' log
same "$(sealed)" True "sealed"
# What cert-manager asks before it calls its issuer ready.
same "$(curl -s -o /dev/null -w '%{http_code}' --cacert home/tls/certificate.pem \
	"https://127.0.0.1:$port/v1/sys/health")" 503 "health of a sealed service"
same "$("$chancery" status --json | python3 -c '
import json, sys
print([t["name"] + " " + t["pin"] for t in json.load(sys.stdin)["tokens"]])')" \
	"['ca refused', 'log known']" "PINs"
same "$(logins)" 1 "logins with a wrong PIN"
for _ in 1 2 3; do
	kill -HUP "$daemon"
	sleep 0.5
done
touch home/pins/log
sleep 1.5
# Neither this signer nor another one tried again.
same "$(logins)" 1 "logins after the refusal"
same "$(count '"signer: started' log)" 1 "signers with a wrong PIN"
# Another wrong one is another try, and only one.
echo 111111111111 >wrong
chmod 600 wrong
check "$chancery" unseal --pin file:wrong
wait_for 2 'signer: the PIN was refused' log
same "$(logins)" 1 "logins with another wrong PIN"
same "$(count '"signer: started' log)" 2 "signers with wrong PINs"
# The file is as it was: what was given counts.
check "$chancery" unseal ca --pin file:good
wait_for 1 'signer: ready' log
same "$(sealed)" False "sealed after unseal"
# A configuration that fails takes nothing away from the old one…
cp home/chancery.yaml whole
sed -i 's|pin: "file:pins/log"|pin: "fd:99"|' home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'the old one stays: token log: pin fd:99' log
cp whole home/chancery.yaml
# … and a restarted signer gets what was given.
read -r _ pid <<<"$(state signer)"
kill -KILL "$pid"
wait_for 2 'signer: ready' log
chanceryd_stop
# A new file instead of unseal.
up
wait_for 1 'signer: the PIN was refused' log
cp good home/pins/ca
wait_for 1 'signer: ready' log
chanceryd_stop

# --- prompt without a terminal: sealed until unseal -------------------------------------------------------
sed -i 's|pin: "file:pins/ca"|pin: prompt|' home/chancery.yaml
rm -f counts
chanceryd_start setsid env FAULT_PKCS11_COUNTS="$work/counts" --
wait_for 1 'token ca: there is no terminal' log
wait_for 1 '"msg":"ready: server ready, signer sealed' log
same "$(calls C_Login)" 0 "logins without a PIN"
check "$chancery" unseal --pin file:good
wait_for 1 'signer: ready' log
chanceryd_stop
# Typed: by a terminal of the script's own.
cat >typed.py <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "--home", "home"])
seen = b""
while b"PIN of token ca: " not in seen:
    seen += os.read(fd, 4096)
os.write(fd, open("good", "rb").read().strip() + b"\n")
while b"signer: ready" not in seen:
    seen += os.read(fd, 4096)
pin = open("good", "rb").read().strip()
assert pin not in seen, "the PIN was shown"
for name in os.listdir("/proc/%d/task" % pid):
    pass
os.kill(pid, 15)
try:
    while True:
        seen += os.read(fd, 4096)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
timeout 60 python3 typed.py "$chanceryd" || die "the prompt"

# --- a configuration that the signer cannot work with --------------------------------------------------------
sed -i 's|pin: prompt|pin: "file:pins/ca"|; s|^module: .*|module: /bin/true|' home/chancery.yaml
chanceryd_start env --
wait_for 1 'signer: it cannot work with this configuration' log
sed -i "s|^module: .*|module: $module|" home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'signer: ready' log
chanceryd_stop
check "$chancery" register verify
