#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rooms as units of their own: each is started by something like systemd, with its sockets passed in,
# and chanceryd only connects them. Certificates come, each room is killed and comes back, a refused
# PIN seals, nobody else becomes a room.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
port=$(free_port)
plain=$(free_port)
unit() {
	local name=$1
	shift
	python3 "$top/tests/system/service_units.py" "$work/$name.pid" "$@" -- \
	    "$bin/chanceryd" --room "$name" --socket "$work/home/run/rooms.sock" --peer "$(id -un)" \
	    2>>"$work/$name.log" &
	beside+=($!)
}
connect() {
	"$bin/chanceryd" --home "$work/home" --units 2>>"$log" &
	daemon=$!
}
ready() { "$chancery" status --ready --home "$work/home"; }
of() { cat "$work/$1.pid"; }
other() { [ "$(of "$1")" != "$2" ]; }
# again NAME PID: another process is that room, and all is ready.
is_new() { other "$@" && ready; }
again() { until_ok "$1 again" is_new "$@"; }
issue() {
	bao write -field=certificate m/sign/r csr=@"$data/csr/openssl-p256.pem" \
	    common_name="$1.example.com" >"$1.pem" 2>warnings || die "$1: not issued"
	check openssl x509 -in "$1.pem" -noout -subject
}

check "$chancery" init --soft home --charter open --listen "127.0.0.1:$port" --origin acme.example/units
mkdir -p home/run
# --- started in the worst order: the rooms wait for a supervisor -----------------------------------
connect
until_ok "rooms.sock" test -S home/run/rooms.sock
unit signer
unit keygen
unit publisher
unit server tls="127.0.0.1:$port" unix="$work/home/run/chancery.sock" plain="127.0.0.1:$plain"
until_ok "ready" ready
export VAULT_ADDR=https://127.0.0.1:$port VAULT_CACERT=$work/home/tls/certificate.pem
VAULT_TOKEN=$(socket POST sys/internal/chancery/root-token | python3 -c '
import json, sys
print(json.load(sys.stdin)["data"]["token"])')
export VAULT_TOKEN
export BAO_ADDR=$VAULT_ADDR BAO_CACERT=$VAULT_CACERT BAO_TOKEN=$VAULT_TOKEN

# --- keys by the one-shot, a certificate, the plain listener ---------------------------------------
check bao secrets enable -path m pki
check bao write m/root/generate/internal common_name=Units ttl=8760h key_type=ec
check bao write m/roles/r allow_any_name=true ttl=1h key_type=ec key_bits=256
issue first
curl -sSf "http://127.0.0.1:$plain/v1/m/crl" | openssl crl -inform DER -noout || die "the plain listener"
# chanceryd is nobody's parent.
same "$(pgrep -P "$daemon" | wc -l)" 0 "children of chanceryd"
# A room is what it is when chanceryd starts it.
tr '\0' ' ' <"/proc/$(of signer)/cmdline" | grep -q '^chancery-signer $' || die "the signer's command line"
"$chancery" status --home home --json >status.json
for room in signer server; do
	python3 -c '
import json, sys
room = [r for r in json.load(open("status.json"))["rooms"] if r["name"] == sys.argv[1]][0]
sys.exit(not (room["pid"] == int(sys.argv[2]) and room["sandbox"]))' $room "$(of $room)" || die "status of $room"
done

# --- each one killed --------------------------------------------------------------------------------
for room in signer server; do
	was=$(of $room)
	kill -KILL "$was"
	again $room "$was"
	issue "after-$room"
done
was=$(of keygen)
kill -KILL "$was"
until_ok "keygen again" other keygen "$was"
check bao write m/keys/generate/internal key_type=ec
# One that hangs is ended by chanceryd, although it is not its child.
was=$(of signer)
kill -STOP "$was"
again signer "$was"
wait_for 1 "hangs; killed" "$log"
issue after-hang

# --- SIGTERM ends a room as its supervisor's end does -----------------------------------------------
for room in signer server; do
	was=$(of $room)
	kill -TERM "$was"
	again $room "$was"
	grep -q "^$room: 0\$" "$work/$room.log" || die "$room did not end with 0: $(tail -n 3 "$work/$room.log")"
	issue "after-term-$room"
done

# --- chanceryd killed: its rooms end, wait, and are connected again ---------------------------------
was=$(of signer)
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
connect
again signer "$was"
issue after-chanceryd
kill -HUP "$daemon"
wait_for 1 "configuration read again" "$log"
issue after-reload

# --- a PIN that is refused seals; another one unseals ------------------------------------------------
pin=$(sed -n 's/.*pin: "*file:\([^",}]*\).*/\1/p' home/chancery.yaml | head -n 1)
pin=home/$pin
[ -f "$pin" ] || die "no PIN file: $pin"
cp -p "$pin" kept-pin
printf '00000000\n' >wrong
chmod 600 wrong
mv wrong "$pin"
kill -KILL "$(of signer)"
sealed() {
	"$chancery" status --home "$work/home" --json | python3 -c '
import json, sys
sys.exit(not any(r["state"] == "sealed" for r in json.load(sys.stdin)["rooms"]))'
}
until_ok "sealed" sealed
same "$(raw sys/health -o /dev/null -w '%{http_code}')" 503 "health while sealed"
mv kept-pin "$pin"
until_ok "unsealed by the file" ready
issue after-sealed

# --- nobody else becomes a room ----------------------------------------------------------------------
python3 - "$work/home/run/rooms.sock" <<'EOF' || die "a visitor was not turned away"
import socket, struct, sys
for packet in (struct.pack("<II", 1, 9), struct.pack("<II", 7, 0), b"x", b"y" * 100):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(sys.argv[1])
    s.send(packet)
    assert s.recv(100) == b"", packet
EOF
issue after-visitors
fails 76 "has to be" "$bin/chanceryd" --room signer --socket home/run/rooms.sock --peer nobody
fails 66 "no listening socket" "$bin/chanceryd" --room server --socket home/run/rooms.sock --peer "$(id -un)"
fails 64 usage "$bin/chanceryd" --room kitchen --socket home/run/rooms.sock

# --- stopped in order, by chanceryd ------------------------------------------------------------------
kill -TERM "$daemon"
wait "$daemon" || die "chanceryd ended with $?"
daemon=
grep -q '"stopped"\|stopped' "$log" || die "not stopped"
# A user that the configuration names is the only one who may be that room.
sed -i '/^user_/d' home/chancery.yaml
printf 'user_signer: nobody\nuser_server: daemon\n' >>home/chancery.yaml
other_user="wants to be a room, and is none's\|not a room of this release and its user"
before=$(count "$other_user" "$log")
connect
wait_for $((before + 1)) "$other_user" "$log"
! ready || die "rooms of another user than the configuration's"
kill -KILL "$daemon"
wait "$daemon" || true
daemon=
