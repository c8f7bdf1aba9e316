#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGHUP with the real rooms: what they take as they run, what starts the server anew, what
# both, and what is refused (docs/service.md has the list). service_tls.sh has certificates
# and the access log, service_rooms.sh PINs and mistakes by the dozen.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
yaml=$work/home/chancery.yaml
check bao secrets enable pki
check bao write pki/root/generate/internal common_name="Reload Root" key_type=ec ttl=700h
check bao write pki/roles/leaf allow_any_name=true key_type=ec ttl=1h

pids() { echo "$(pgrep -P "$daemon" -x chancery-server) $(pgrep -P "$daemon" -x chancery-signer)"; }
read_again() { [ "$(grep -c 'configuration read again' chanceryd.log)" -gt "$reads" ]; }
# The rooms of now, while connections keep being served.
remember() {
	read -r server signer <<<"$(pids)"
	reads=$(grep -c 'configuration read again' chanceryd.log || true)
}
reload() {
	remember
	kill -HUP "$daemon"
	until_ok "word about the configuration" read_again
}
signs() {
	check bao write pki/issue/leaf common_name=a.example.com
}
# new SERVER SIGNER WHAT: whether each room is another process now.
is_new() {
	local a b
	read -r a b <<<"$(pids)"
	[ -n "$b" ] && { [ "$a" != "$server" ] && echo -n "new " || echo -n "old "; } &&
		{ [ "$b" != "$signer" ] && echo new || echo old; }
}
new() {
	rooms_are() { [ "$(is_new)" = "$1" ]; }
	until_ok "$3: server $1, signer $2, but $(is_new)" rooms_are "$1 $2"
	signs
}
tuned() {
	bao read -field=max_lease_ttl sys/mounts/pki/tune
}

# --- the same settings: files are read again -----------------------------------------------------
reload
new old old "nothing changed"
# --- the log's level: the signer takes it as it runs, the server begins anew -----------------------
echo 'log_level: debug' >>"$yaml"
reload
new new old log_level
# --- a limit, a listener: the server -----------------------------------------------------------------
sed -i 's/^server:$/server:\n  max_lease_ttl: 900h/' "$yaml"
reload
new new old server.max_lease_ttl
same "$(tuned)" 3240000 "max_lease_ttl"
plain=$(free_port)
sed -i "s/^server:\$/server:\n  plain_listen: [\"127.0.0.1:$plain\"]/" "$yaml"
reload
new new old server.plain_listen
plain() { curl -sS -m 10 -o plain.out -w '%{http_code}' "http://127.0.0.1:$plain/v1/$1"; }
until_ok "plain listener" plain pki/ca/pem
same "$(plain pki/ca/pem)" 200 "plain listener"

# --- metrics without a token: only where they are asked for ------------------------------------------
same "$(plain sys/metrics)" 404 "metrics that nobody asked for"
sed -i 's/^server:$/server:\n  plain_metrics: true/' "$yaml"
reload
new new old server.plain_metrics
same "$(plain sys/metrics)" 200 "metrics"
grep -q '^chancery_requests_total' plain.out || die "no metrics: $(head -n 3 plain.out)"
same "$(plain 'sys/metrics?format=prometheus')" 200 "metrics, format"
# Nothing else is opened by it, and over TLS it wants a token as before.
for path in sys/host-info sys/mounts sys/health pki/roles/leaf; do
	same "$(plain $path)" 404 "plain $path"
done
same "$(raw sys/metrics -o /dev/null -w '%{http_code}')" 403 "metrics over TLS without a token"

# --- loops, keys' threads: both rooms, for they share the lanes ---------------------------------------
sed -i 's/^server:$/server:\n  workers: 3/' "$yaml"
reload
new new new server.workers
sed -i '/^workers:/d' "$yaml"
echo 'workers: 3' >>"$yaml"
reload
new new new workers
# --- refused: the old ones stay -----------------------------------------------------------------------
cp "$yaml" good
for line in 'run_dir: elsewhere' 'no_such_key: 1'; do
	cp good "$yaml"
	echo "$line" >>"$yaml"
	remember
	before=$(grep -c 'the old one stays' chanceryd.log || true)
	kill -HUP "$daemon"
	refused() { [ "$(grep -c 'the old one stays' chanceryd.log)" -gt "$before" ]; }
	until_ok "refusal of $line" refused
	new old old "$line"
done
cp good "$yaml"
stop_all
check "$chancery" register verify --home home
