#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A user per room, as chanceryd does it for root: who runs, who owns what, and that a
# command of root's leaves nothing behind that the signer could not write. Started by
# another user, the configured users are left alone and status says so.
here=$(realpath "$(dirname "$0")") chanceryd=$(realpath "$5")
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/service_lib.sh
. "$here/service_lib.sh"

chmod 711 "$work"
mkdir -m 755 bin
for program in chanceryd chancery-server chancery-signer; do
	install -m 755 "$(dirname "$chanceryd")/$program" bin/
done
chanceryd=$work/bin/chanceryd
port=$(free_port)
check "$chancery" init --soft home --charter open --listen "127.0.0.1:$port"
export CHANCERY_HOME=$work/home
printf 'user_server: nobody\nuser_signer: daemon\n' >>home/chancery.yaml
check "$chancery" init
chanceryd_start --
wait_for 1 '"msg":"ready: server ready, signer ready' log
users() { "$chancery" status | sed -n 's/^users: *//p'; }
call() {
	curl -sf --cacert home/tls/certificate.pem -H "X-Vault-Token: $token" "${@:2}" \
		"https://127.0.0.1:$port/v1/$1"
}
token=$("$chancery" token root --json | field token)
make_authority() {
	call sys/mounts/ca -d '{"type":"pki"}' || die "mount"
	call ca/root/generate/internal -d '{"common_name":"Root","key_type":"ec","key_bits":256}' >root ||
		die "root"
	call ca/roles/r -d '{"allow_any_name":true,"key_type":"ec","key_bits":256}' >/dev/null || die "role"
}
issue() { call ca/issue/r -d '{"common_name":"a.example.com","ttl":"1h"}' >issued; }
make_authority
issue || die "issue"
if [ "$(id -u)" != 0 ]; then
	same "$(users)" single-user "users"
	chanceryd_stop
	exit
fi
same "$(users)" "one a room" "users"
same "$(pgrep -P "$daemon" | xargs -n 1 ps -o user= -p | sort | xargs)" "daemon nobody" "users of the rooms"
# Nobody else's directories are open to them, and only root has the PINs.
for path in register tokens; do
	same "$(stat -c %U "home/$path")" daemon "owner of $path"
done
same "$(stat -c %U home/store)" nobody "owner of the store"
same "$(stat -c '%U %a' home/pins/ca home/chancery.yaml | sort -u)" "root 600" "PIN files and configuration"
setpriv --reuid nobody --regid nogroup --clear-groups cat home/tokens/softhsm2.conf 2>/dev/null &&
	die "the server's user sees the tokens"
setpriv --reuid daemon --regid daemon --clear-groups ls home/store 2>/dev/null &&
	die "the signer's user sees the database"
setpriv --reuid nobody --regid nogroup --clear-groups sh -c 'echo x >>home/register/log/000001.jsonl' 2>/dev/null &&
	die "the server's user writes the register"
# Only root and chanceryd's own user are heard by it; others have the API.
chmod 755 home/run
chmod 666 home/run/chanceryd.sock
fails 1 "not heard" python3 -c '
import os, pwd, socket, struct, sys
os.setgroups([])
os.setuid(pwd.getpwnam("nobody").pw_uid)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect("home/run/chanceryd.sock")
try:
    s.send(struct.pack("II128s", 1, 1, b""))
    sys.exit(0 if s.recv(4096) else "not heard")
except (BrokenPipeError, ConnectionResetError):
    sys.exit("not heard")'
chanceryd_stop

# A command of root's in between: what it made is the signer's.
key=$("$chancery" key list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["keys"][0]["label"])')
check "$chancery" crl issue --issuer "$key" --out list.pem
same "$(find home/register home/crl home/tokens -user root)" "" "files of root"
chanceryd_start --
wait_for 1 '"msg":"ready: server ready, signer ready' log
issue || die "issue after a command of root's"
chanceryd_stop
check "$chancery" register verify

# A third user for the publisher, when there is one.
cat >>home/chancery.yaml <<-END
	user_publisher: bin
	vault: { main: { address: "http://127.0.0.1:1", same_name: true } }
END
install -m 755 "$(dirname "$5")/chancery-publisher" bin/
chanceryd_start --
wait_for 1 '"msg":"ready: server ready, signer ready' log
wait_for 1 'publisher: ready' log
same "$(users)" "one a room" "users"
same "$(pgrep -P "$daemon" | xargs -n 1 ps -o user= -p | sort | xargs)" "bin daemon nobody" "users of the rooms"
setpriv --reuid bin --regid bin --clear-groups ls home/store 2>/dev/null &&
	die "the publisher's user sees the database"
setpriv --reuid bin --regid bin --clear-groups ls home/register 2>/dev/null &&
	die "the publisher's user sees the register"
curl -s --cacert home/tls/certificate.pem -H "X-Vault-Token: s.any" \
	"https://127.0.0.1:$port/v1/sys/mounts" | grep -q 'cannot be asked' || die "no word of the publisher"
chanceryd_stop
