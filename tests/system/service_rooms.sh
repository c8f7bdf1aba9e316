#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chanceryd and its rooms' processes: descriptors, restarts, PINs, reload, end. The rooms
# are fake_room.c, which writes down what it got.
here=$(realpath "$(dirname "$0")") chanceryd=$(realpath "$5") fake_room=$(realpath "$6")
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/service_lib.sh
. "$here/service_lib.sh"

export FAKE_ROOM_DIR=$work/fake
mkdir -p rooms home/register home/store fake
touch home/store/store.sqlite
cp "$fake_room" rooms/chancery-server
cp "$fake_room" rooms/chancery-signer
export CHANCERY_HOME=$work/home

port=$(free_port)
echo 1111 >home/pin-ca
echo 2222 >home/pin-log
# settings [LINE…]: the configuration, with further lines under `server`.
settings() {
	cat >home/chancery.yaml <<-END
		origin: acme.example/test
		module: $module
		tokens:
		  ca: { uri: "pkcs11:token=ca", pin: "${pin_ca:-file:pin-ca}", role: ca }
		  log: { uri: "pkcs11:token=log", pin: "file:pin-log", role: log }
		server:
		  listen: ["127.0.0.1:$port"]
		  workers: 3
	END
	local line
	for line; do
		echo "  $line" >>home/chancery.yaml
	done
}
server=fake/chancery-server.log signer=fake/chancery-signer.log
start() {
	rm -f fake/*.log
	chanceryd_start "$@" -- --rooms rooms
}
up() {
	start "$@"
	wait_for 1 '"msg":"ready: ' log
}
stop() { chanceryd_stop; }
# pid_of LOG: of the room started last.
pid_of() { sed -n 's/^start \([0-9]*\) .*/\1/p' "$1" | tail -n 1; }

# --- start: what the rooms get ------------------------------------------------------------------
settings
up env
for text in 'fd pin 0' 'fd pin 1' 'pin 0 1111' 'pin 1 2222' 'fd lane 0' 'fd lane 2'; do
	[ "$(count "$text" $signer)" = 1 ] || die "signer: no $text"
done
for text in 'fd tls 0' 'fd unix 0' 'fd lane 0' 'fd lane 2' 'workers=3 level=info inline=0'; do
	[ "$(count "$text" $server)" = 1 ] || die "server: no $text"
done
same "$(count 'pin' $server)" 0 "PINs of the server"
same "$(count 'stray' $server)$(count 'stray' $signer)" 00 "descriptors left open"
wait_for 1 "lane 2 heard from $(pid_of $server)" $signer
# A second one on the same home does not start, and harms nothing.
rc=0
"$chanceryd" --home home --rooms rooms 2>second || rc=$?
[ "$rc" != 0 ] || die "two of them"
[ -S home/run/chancery.sock ] || die "the second one took the socket away"
stop
wait_for 1 '^stop$' $server
wait_for 1 '^stop$' $signer
[ "$(grep -n '"signer: ended' log | cut -d: -f1)" -gt "$(grep -n '"server: ended' log | cut -d: -f1)" ] ||
	die "the signer did not end last"

# --- kill -9 of each room -----------------------------------------------------------------------
up env
kill -KILL "$(pid_of $signer)"
wait_for 2 '^start ' $signer
wait_for 1 'signer gone 0' $server
wait_for 1 'new lane 2' $server
wait_for 1 "lane 2 heard from $(pid_of $server)" $signer
same "$(count '^start ' $server)" 1 "starts of the server"
kill -KILL "$(pid_of $server)"
wait_for 2 '^start ' $server
wait_for 1 'new lane 2' $signer
wait_for 1 "lane 0 heard from $(pid_of $server)" $signer
same "$(count '^start ' $signer)" 2 "starts of the signer"
# The first time at once, then again and again: 1 s, 2 s.
kill -KILL "$(pid_of $server)"
wait_for 3 '^start ' $server
kill -KILL "$(pid_of $server)"
for seconds in 0 1 2; do
	wait_for 1 "server: ended by signal 9; again in $seconds s" log
done
wait_for 4 '^start ' $server
# kill -9 of the supervisor: its rooms do not stay behind.
rooms="$(pid_of $server) $(pid_of $signer)"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
for pid in $rooms; do
	for ((i = 0; i < 200; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	! kill -0 "$pid" 2>/dev/null || die "a room stays behind"
done

# --- reserved statuses -----------------------------------------------------------------------------
echo exit 78 >fake/chancery-server.do
echo exit 76 >fake/chancery-signer.do
start env
wait_for 1 'server: it cannot work with this configuration' log
wait_for 1 'signer: the register refuses' log
sleep 1.5
same "$(count '^start ' $server)$(count '^start ' $signer)" 11 "starts of halted rooms"
rm fake/*.do
kill -HUP "$daemon"
wait_for 1 '"msg":"ready: server ready, signer ready' log
stop

# --- an HSM that is away at boot: public reads are served, so the service is ready ---------------------
echo exit 1 >fake/chancery-signer.do
start env
wait_for 1 '"msg":"ready: server ready, signer restarting' log
wait_for 1 'signer: ended with status 1; again in 2 s' log
rm fake/*.do
wait_for 1 'signer: ready' log
stop

# --- a hung room ------------------------------------------------------------------------------------
echo silent >fake/chancery-server.do
start env
wait_for 1 'server: hangs; killed' log
rm fake/*.do
wait_for 1 'server: it said nothing for 14 s: killed; again in' log
wait_for 2 '^start ' $server
stop
echo open >fake/chancery-signer.do
start env
wait_for 1 '^start ' $signer
rm fake/*.do
stop

# --- a supervisor that did not run for longer than a room may be silent --------------------------------
# One room speaks meanwhile, the other one is stopped with it, and goes on only later.
up env
kill -STOP "$daemon" "$(pid_of $server)"
sleep 16
kill -CONT "$daemon"
sleep 2
kill -CONT "$(pid_of $server)"
kill -HUP "$daemon"
wait_for 1 '^reload' $server
wait_for 1 '^reload' $signer
same "$(count 'hangs; killed' log)$(count '^start ' $server)$(count '^start ' $signer)" 011 \
	"rooms killed after a pause of their supervisor"
stop

# --- no program but the rooms ------------------------------------------------------------------------
echo exec >fake/chancery-server.do
up env
wait_for 1 'exec: Permission denied' $server
rm fake/*.do
stop

# --- the writer of soft tokens ------------------------------------------------------------------------
echo tell >fake/chancery-signer.do
up env
wait_for 1 'key 0 {"made":true}' $signer
wait_for 1 'key 70 it ended with status 70' $signer
wait_for 1 'keygen good on 1' $signer
rm fake/*.do
stop

# --- PINs: one try each ---------------------------------------------------------------------------------
echo wrong >home/pin-log
start env
wait_for 1 'signer: the PIN was refused' log
wait_for 1 'signer gone 1' $server
wait_for 1 '"msg":"ready: server ready, signer sealed' log
sleep 1.5
# The other token's file changes: no reason to try the wrong one again.
echo 1112 >home/pin-ca
sleep 1.5
kill -HUP "$daemon"
sleep 1
same "$(count '^start ' $signer)" 1 "tries of a refused PIN"
echo 2223 >home/pin-log
wait_for 1 'pin 1 2223' $signer
wait_for 1 'new lane 2' $server
stop
# A signer that does not say which one: whichever changes is a reason to try.
echo vague >home/pin-log
start env
wait_for 1 'signer: the PIN was refused' log
sleep 1.5
same "$(count '^start ' $signer)" 1 "tries of a refused PIN"
echo 2224 >home/pin-log
wait_for 1 'pin 1 2224' $signer
stop
# A PIN file that others may read is none.
chmod 644 home/pin-log
start env
wait_for 1 'pin-log: others may read it' log
same "$(count '^start ' $signer)" 0 "starts with a bad file"
chmod 600 home/pin-log
wait_for 1 'pin 1 2224' $signer
stop
# A pipe gives its PIN once; a restarted signer needs it again.
pin_ca=fd:9 settings
(exec "$chanceryd" --home home --rooms rooms) 9< <(echo 9999) 2>log &
daemon=$!
rm -f fake/*.log
wait_for 1 'pin 0 9999' $signer
kill -KILL "$(pid_of $signer)"
wait_for 2 'pin 0 9999' $signer
stop
# In the file itself, by that name: the rooms' settings do not have it.
settings
sed -i 's/pin: "file:pin-ca"/pin_in_this_file_i_accept_the_risk: "7777"/' home/chancery.yaml
up env
wait_for 1 'pin 0 7777' $signer
same "$(count 'inline=1' $server)$(count 'inline=1' $signer)" 00 "PINs in settings"
stop

# --- SIGHUP -------------------------------------------------------------------------------------------------
settings
up env
{ cat home/chancery.yaml; echo 'log_level: loud'; } >bad
sed -i 's/workers: 3/workers: many/' bad
cp home/chancery.yaml good
cp bad home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'configuration not changed, the old one stays' log
wait_for 1 'chancery.yaml:8:12: server.workers: .*many' log
wait_for 1 'chancery.yaml:9:12: log_level' log
same "$(count reload $server)" 0 "reloads of the mistaken configuration"
# The same settings: files are read again. Others: the server is new, the signer takes them.
cp good home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'reload workers=3 level=info' $server
wait_for 1 'reload workers=3 level=info' $signer
same "$(count '^start ' $server)" 1 "starts of the server"
echo 'log_level: debug' >>home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'settings workers=3 level=debug' $server
wait_for 1 'reload workers=3 level=debug' $signer
same "$(count '^start ' $signer)" 1 "starts of the signer"
# Another listener: the server is new, the signer stays.
other=$(free_port)
sed -i "s/127.0.0.1:$port/127.0.0.1:$port\", \"127.0.0.1:$other/" home/chancery.yaml
kill -HUP "$daemon"
wait_for 3 '^start ' $server
wait_for 1 'fd tls 1' $server
wait_for 2 'new lane 2' $signer
same "$(count '^start ' $signer)" 1 "starts of the signer"
# More workers: both are new.
sed -i "s/workers: 3/workers: 4/" home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'settings workers=4' $server
wait_for 1 'settings workers=4' $signer
wait_for 1 "lane 3 heard from $(pid_of $server)" $signer
stop

# --- the publisher: there when the configuration names whom to speak to -----------------------------------------
cp "$fake_room" rooms/chancery-publisher
publisher=fake/chancery-publisher.log
settings
up env
[ ! -e $publisher ] || die "a publisher that nobody asked for"
# The server that answers nobody here held "status" up for two minutes once.
timeout 100 "$chancery" status >status.out || die "status waits for a server that does not answer"
! grep -q publisher status.out || die "status has a publisher"
echo 'vault: { main: { address: "http://127.0.0.1:1", same_name: true } }' >>home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'publisher: ready' log
wait_for 2 '^start ' $server
same "$(count '^start ' $signer)" 1 "starts of the signer"
"$chancery" status | grep -Eq '^publisher +ready' || die "status has no publisher"
stop
up env
wait_for 1 'publisher: ready' log
same "$(count 'fd tls' $publisher)$(count 'fd unix' $publisher)$(count 'fd lane' $publisher)$(count 'pin' $publisher)" \
	0000 "what the publisher has no business with"
same "$(count 'stray' $publisher)" 0 "descriptors left open"
same "$(($(count 'fd outlane' $publisher) + $(count 'new outlane' $publisher)))" 3 "outlanes"
wait_for 1 'new outlane 2' $server
# Each of the two dies: the other one gets new lanes.
kill -KILL "$(pid_of $publisher)"
wait_for 2 '^start ' $publisher
wait_for 1 'publisher: ended by signal 9; again in 0 s' log
wait_for 2 'new outlane 2' $server
same "$(count '^start ' $server)$(count '^start ' $signer)" 11 "starts of the others"
kill -KILL "$(pid_of $server)"
wait_for 2 '^start ' $server
wait_for 1 'new outlane 2' $publisher
wait_for 1 'fd outlane 2' $server
same "$(count '^start ' $publisher)" 2 "starts of the publisher"
# A reload without news for it; then it is not wanted any more.
kill -HUP "$daemon"
wait_for 1 'reload workers=3' $publisher
sed -i '/^vault:/d' home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'publisher: stopped for its new settings' log
wait_for 1 '^stop$' $publisher
stop
# It shall be there, and is not installed.
rm rooms/chancery-publisher
echo 'vault: { main: { address: "http://127.0.0.1:1", same_name: true } }' >>home/chancery.yaml
rc=0
"$chanceryd" --home home --rooms rooms 2>second || rc=$?
{ [ "$rc" != 0 ] && grep -q rooms/chancery-publisher second; } || die "started without a publisher"
settings
up env
echo 'vault: { main: { address: "http://127.0.0.1:1", same_name: true } }' >>home/chancery.yaml
kill -HUP "$daemon"
wait_for 1 'chancery-publisher was not installed' log
stop

# --- systemd ---------------------------------------------------------------------------------------------------
settings
cat >notify.py <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    text = s.recv(4096).decode().replace("\n", " ")
    print(text, flush=True)
    if "STOPPING=1" in text:
        break
END
python3 notify.py "$work/notify" >notified &
wait_for 1 bound notified
start env NOTIFY_SOCKET="$work/notify" WATCHDOG_USEC=400000
wait_for 1 'READY=1 STATUS=server ready, signer ready' notified
wait_for 5 'WATCHDOG=1' notified
same "$(count 'notify=1' $server)" 0 "rooms that could speak to systemd"
kill -HUP "$daemon"
wait_for 1 'RELOADING=1 MONOTONIC_USEC=[0-9]' notified
wait_for 2 'READY=1' notified
stop
wait_for 1 'STOPPING=1' notified
# Sockets that systemd holds.
rm -f fake/*.log log
python3 - "$chanceryd" 2>log <<'END' &
import os, socket, sys
t = socket.socket(); t.bind(("127.0.0.1", 0)); t.listen()
u = socket.socket(); u.bind(("127.0.0.1", 0)); u.listen()
t2, u2 = os.dup(t.fileno()), os.dup(u.fileno())
os.dup2(t2, 3); os.dup2(u2, 4)
os.set_inheritable(3, True); os.set_inheritable(4, True)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="api:plain")
os.execv(sys.argv[1], ["chanceryd", "--home", "home", "--rooms", "rooms"])
END
daemon=$!
wait_for 1 '"msg":"ready: ' log
wait_for 1 'fd plain 0' $server
wait_for 1 'fd tls 0' $server
wait_for 1 'fd unix 0' $server
stop
