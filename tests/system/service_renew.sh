#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chancery renew against the running service: first set, renewal in time, every way to log in, a
# reader who never sees a mixture, a kill at every file operation, a full disk, programs that
# fail, a service that is away or says no, mistakes in the file.
# shellcheck disable=SC2016,SC2094,SC2119,SC2120 # texts of messages, options called -field token, serial
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
export HOME=$work

# ---- an authority --------------------------------------------------------------------
check bao secrets enable -path root-ca pki
check bao write root-ca/root/generate/internal common_name="Acme Root CA" ttl=48h key_type=ec
check bao write root-ca/config/urls crl_distribution_points="http://127.0.0.1:1/root.crl"
check bao secrets enable -path int pki
bao write -field=csr int/intermediate/generate/internal common_name="Acme Kafka CA" key_type=ec >int.csr
bao write -field=certificate root-ca/root/sign-intermediate csr=@int.csr format=pem_bundle \
	ttl=40h >int.pem 2>/dev/null
check bao write int/intermediate/set-signed certificate=@int.pem
check bao write int/config/urls crl_distribution_points="http://127.0.0.1:1/int.crl"
server_role=(int/roles/server allow_any_name=true enforce_hostnames=false key_type=any
	max_ttl=24h organization=Acme server_flag=true client_flag=true)
check bao write "${server_role[@]}" ou=Kafka
raw root-ca/ca/pem -o root.pem
cat >renewer.hcl <<'END'
path "int/sign/server" { capabilities = ["update"] }
path "int/issue/server" { capabilities = ["update"] }
END
check bao policy write renewer renewer.hcl
bao token create -policy renewer -field token >token
echo changeit >password
mkdir tls

# config [LINE…] on top of what is usual; "-KEY" leaves a key out.
base() {
	cat <<END
url: $VAULT_ADDR
ca_file: $VAULT_CACERT
auth: { token: "file:$work/token" }
mount: int
role: server
common_name: broker-1
alt_names: [localhost]
ip_sans: ["127.0.0.1"]
ttl: 8h
for: broker
directory: $work/tls
trust: ["$work/root.pem"]
password: file:$work/password
alias: broker
files:
  - { name: broker.pem, kind: pem, mode: "0640" }
  - { name: broker.key, kind: key }
  - { name: broker.crt, kind: certificate }
  - { name: broker.p12, kind: p12 }
  - { name: trust.pem, kind: trust }
  - { name: trust.p12, kind: trust_p12 }
END
}
# config NAME SED-SCRIPT LINE…
config() {
	base | sed "$2" >"$1"
	[ $# -lt 3 ] || printf '%s\n' "${@:3}" >>"$1"
}
renew() { "$chancery" renew "$@"; }
serial() { openssl x509 -in "${1:-tls}/broker.crt" -noout -serial; }
# consistent DIR: key, certificate, stores of one set.
consistent() {
	local d=${1:-tls} key
	key=$(openssl pkey -in "$d/broker.key" -pubout) || return 1
	[ "$key" = "$(openssl x509 -in "$d/broker.crt" -noout -pubkey)" ] &&
		[ "$key" = "$(openssl x509 -in "$d/broker.pem" -noout -pubkey)" ] &&
		[ "$key" = "$(openssl pkey -in "$d/broker.pem" -pubout)" ] &&
		[ "$key" = "$(openssl pkcs12 -in "$d/broker.p12" -passin file:password -nokeys -clcerts |
			openssl x509 -noout -pubkey)" ]
}
good() {
	consistent tls || die "$1: the files do not belong together"
	check openssl verify -CAfile root.pem -untrusted tls/broker.crt tls/broker.crt
}

# ---- a first set ------------------------------------------------------------------------
config renew.yaml ''
same "$(renew renew.yaml --dry-run --json | field would_renew)" True "first: would renew"
same "$(find tls -name 'broker*')" "" "files of --dry-run"
renew renew.yaml --once --json >first.json
same "$(field renewed <first.json)" True "first"
same "$(rows findings <first.json)" 0 "findings"
good "first"
same "$(stat -L -c %a tls/broker.pem tls/broker.key tls/broker.crt tls/trust.p12 | xargs)" \
	"640 600 644 644" "modes"
same "$(readlink tls/broker.pem)" .current/broker.pem "link"
grep -q 'BEGIN PRIVATE KEY' tls/broker.key || die "PKCS#8"
mkdir classes
check javac -d classes "$top/tests/system/KafkaStores.java"
same "$(java -cp classes KafkaStores handshake tls/broker.p12 tls/broker.p12 tls/trust.p12 changeit)" \
	'CN=broker-1,OU=Kafka,O=Acme, TLSv1.3' "handshake in Java"
before=$(snapshot tls)
same "$(renew renew.yaml --once --json | field renewed)" False "nothing to do"
same "$(snapshot tls)" "$before" "files when there is nothing to do"
# The key is another one each time, and no copy of it is anywhere else.
first=$(openssl pkey -in tls/broker.key -pubout)
check renew renew.yaml --once --force
good "forced"
[ "$first" != "$(openssl pkey -in tls/broker.key -pubout)" ] || die "the key was kept"
same "$(find tls/.sets -mindepth 1 -maxdepth 1 | wc -l)" 2 "sets"
check renew renew.yaml --once --force
same "$(find tls/.sets -mindepth 1 -maxdepth 1 | wc -l)" 2 "sets after three"

# ---- reasons --------------------------------------------------------------------------------
# reason TEXT SED-SCRIPT LINE…: that is why, and it is done.
reason() {
	config changed.yaml "$2" "${@:3}"
	renew changed.yaml --dry-run --json | field reason >why
	grep -qF -- "$1" why || die "reason: $(cat why), not $1"
	check renew changed.yaml --once
	good "$1"
	same "$(renew changed.yaml --dry-run --json | field would_renew)" False "again: $1"
}
reason "other.example is not among its names" 's/\[localhost\]/[localhost, other.example]/'
reason "192.0.2.9 is not among its names" 's/"127.0.0.1"/"127.0.0.1", "192.0.2.9"/'
reason "its key is ec-p256" '' 'key_type: rsa-2048'
openssl x509 -in tls/broker.crt -noout -text | grep -q 'Public-Key: (2048 bit)' || die "RSA key"
reason "its key is rsa-2048" ''
reason "extra.crt is not there yet" 's/name: broker.crt, kind: certificate }/&\n  - { name: extra.crt, kind: certificate }/'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null \
	-subj '/CN=Another Root' -days 9 -out another.pem 2>/dev/null
reason 'the authorities in `trust` changed' "s|root.pem\"|root.pem\", \"$work/another.pem\"|"
same "$(grep -c BEGIN tls/trust.pem)" 2 "authorities"
# Settings that only show in the files; what is no longer there is one too.
reason 'the authorities in `trust` changed' ''
reason 'other.example is not among its names' 's/\[localhost\]/[localhost, other.example]/'
reason '`alt_names` changed' ''
! openssl x509 -in tls/broker.crt -noout -ext subjectAltName | grep -q other.example || die "a name that was removed"
reason '`ip_sans` changed' '/^ip_sans/d'
reason 'is not among its names' ''
reason '`trust` changed' '/^trust:/d'
reason '`trust` changed' ''
reason 'extra.crt is not there yet' 's/name: broker.crt, kind: certificate }/&\n  - { name: extra.crt, kind: certificate }/'
reason 'extra.crt is not wanted any more' ''
[ ! -L tls/extra.crt ] || die "a link to a file that is not wanted any more"
reason 'the settings of broker.crt changed' 's/kind: certificate/&, mode: "0600"/'
same "$(stat -L -c %a tls/broker.crt)" 600 "mode that changed"
reason 'the settings of broker.key changed' "s/kind: key/&, group: $(id -g)/"
reason 'the settings of broker.key changed' "s/kind: key/&, owner: $(id -u)/"
reason 'the settings of broker.key changed' ''
reason 'the settings of trust.p12 changed' 's/kind: trust_p12/kind: certificate/'
grep -q 'BEGIN CERTIFICATE' tls/trust.p12 || die "kind that changed"
reason 'the settings of trust.p12 changed' ''
reason 'the settings of broker.p12 changed' 's/^alias: .*/alias: other/'
openssl pkcs12 -in tls/broker.p12 -passin file:password -nokeys -clcerts | grep -q 'friendlyName: other' ||
	die "alias that changed"
reason 'the settings of broker.p12 changed' '' 'legacy: true'
openssl pkcs12 -in tls/broker.p12 -passin file:password -noout -info 2>&1 | grep -q 'MAC: sha1' || die "legacy"
reason 'the settings of broker.p12 changed' ''
echo another-one >password
reason '`password` does not open broker.p12' ''
# Sets of releases that kept no settings.
rm tls/.current/.settings.json
reason 'is not known' ''
# A descriptor gives the password once: it is read when the stores are made, not in each look.
config fd.yaml 's|^password: .*|password: "fd:5"|'
same "$(renew fd.yaml --once --json 5<password | field renewed)" False "password of a descriptor, nothing to do"
check renew fd.yaml --once --force 5<password
good "password of a descriptor"
config short.yaml '' 'renew_left: 95'
sed -i 's/ttl: 8h/ttl: 30s/' short.yaml
check renew short.yaml --once --force
renew short.yaml --dry-run --json | field reason >why
grep -q "per cent of the current certificate's life are left" why || die "reason: $(cat why)"

# ---- ways to log in -----------------------------------------------------------------------------
check bao auth enable approle
check bao write auth/approle/role/renewer token_policies=renewer
bao read -field role_id auth/approle/role/renewer/role-id >role-id
bao write -f -field secret_id auth/approle/role/renewer/secret-id >secret-id
config approle.yaml "s|^auth:.*|auth: { method: approle, role_id: $(cat role-id), secret_id: \"file:$work/secret-id\" }|"
check renew approle.yaml --once --force
good "AppRole"
check bao auth enable cert
check bao write auth/cert/certs/kafka certificate=@root.pem allowed_organizational_units=Kafka \
	token_policies=renewer
config cert.yaml 's|^auth:.*|auth: { method: cert, role: kafka }|'
check renew cert.yaml --once --force
good "its own certificate"
config cert2.yaml "s|^auth:.*|auth: { method: cert, certificate: $work/tls/broker.crt, key: $work/tls/broker.key }|"
check renew cert2.yaml --once --force
good "another certificate"
config socket.yaml "s|^auth:.*|auth: { method: socket }|; s|^url:.*|socket: $work/home/run/chancery.sock|; /^ca_file/d"
check socket PUT "sys/internal/chancery/socket-peers/$(id -u)" -d "{\"policies\":[\"renewer\"]}"
renew socket.yaml --once --force >socket.out 2>&1 || die "socket: $(cat socket.out)"
good "unix socket"
config issue.yaml '' 'issue: true'
check bao write "${server_role[@]/key_type=any/key_type=ec}" ou=Kafka
check renew issue.yaml --once --force
good "key from the service"
# Tokens that were made for one renewal are gone.
accessors() { bao list -format json auth/token/accessors | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
n=$(accessors)
check renew approle.yaml --once --force
same "$(accessors)" "$n" "tokens after a renewal"

# ---- what is refused leaves everything as it is -----------------------------------------------------
check renew renew.yaml --once --force
before=$(snapshot tls)
# stays CODE TEXT CONFIG-SED LINE…
stays() {
	config bad.yaml "$3" "${@:4}"
	fails "$1" "$2" "$chancery" renew bad.yaml --once --force
	same "$(snapshot tls)" "$before" "files after: $2"
}
echo hvs.nobody >no-token
stays 76 "permission denied" 's/token"/no-token"/'
stays 66 "auth.token" 's/token"/nowhere"/'
cp token open-token
chmod 644 open-token
stays 76 "others may read it" 's/token"/open-token"/'
stays 66 "password" 's|password: .*|password: "file:/nowhere"|'
echo short >short
stays 65 "shorter than 6" "s|password: .*|password: \"file:$work/short\"|"
stays 76 "int/sign/nobody" "s/^role: .*/role: nobody/"
stays 77 "is not among the trusted authorities" "s|$work/root.pem|$work/another.pem|"
stays 66 'there is no user "nobody-here"' 's/kind: pem/&, owner: nobody-here/'
# What can be known before is told before: no certificate is issued for nothing.
issued() { bao list -format json int/certs | rows_of; }
rows_of() { python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
n=$(issued)
stays 66 'more.crl: there is no user "nobody-here"' '' 'crls:' \
	'  - { name: more.crl, paths: [int/crl/pem], owner: nobody-here }'
mine=(env)
[ "$(id -u)" != 0 ] || mine=(setpriv --bounding-set -chown)
config bad.yaml 's/name: broker.p12/&, owner: "1"/'
fails 76 "broker.p12: its owner and group" "${mine[@]}" "$chancery" renew bad.yaml --once --force
config bad.yaml '' 'crls:' '  - { name: more.crl, paths: [int/crl/pem], group: "54321" }'
fails 76 "more.crl: its owner and group" "${mine[@]}" "$chancery" renew bad.yaml --once --force
same "$(snapshot tls)" "$before" "files after an owner that cannot be set"
same "$(find tls -name .trial)" "" "files of a trial"
config bad.yaml "s/kind: key/&, owner: \"$(id -u)\"/"
check "${mine[@]}" "$chancery" renew bad.yaml --once --force
same "$(issued)" $((n + 1)) "certificates after what cannot be"
check renew renew.yaml --once
before=$(snapshot tls)
# Without `trust` the mount has to have the root; one that does not is found out before, too.
check bao secrets enable -path bare pki
bao write -field=csr bare/intermediate/generate/internal common_name="Bare CA" key_type=ec >bare.csr
bao write -field=certificate root-ca/root/sign-intermediate csr=@bare.csr ttl=40h >bare.pem 2>/dev/null
check bao write bare/intermediate/set-signed certificate=@bare.pem
check bao write bare/roles/server "${server_role[@]:1}" ou=Kafka
mkdir bare
config bare.yaml "s|^mount: .*|mount: bare|; s|^directory: .*|directory: $work/bare|; /^trust:/d
	s|^auth:.*|auth: { method: token, token: \"file:$work/root-token\" }|"
echo "$VAULT_TOKEN" >root-token
fails 65 'trust.pem: the service answers with no root' "$chancery" renew bare.yaml --once
same "$(bao list -format json bare/certs | rows_of)" 0 "certificates of a mount without root"
config bare2.yaml "s|^directory: .*|directory: $work/bare|; /^trust:/d"
check renew bare2.yaml --once
consistent bare || die "without trust"
same "$(openssl x509 -in bare/trust.pem -noout -subject)" "$(openssl x509 -in root.pem -noout -subject)" "root of the service"
stays 74 "" "s|^url: .*|url: https://127.0.0.1:1|"
stays 74 "certificate" '/^ca_file/d'
# Another subject: ACLs and brokers would take it for somebody else.
check bao write "${server_role[@]}" ou=Guests
config bad.yaml ''
sed -i 's/ttl: 8h/ttl: 7h/' bad.yaml
sed -i 's/^renew_left.*//' bad.yaml
printf 'renew_left: 95\n' >>bad.yaml
sed -i 's/\[localhost\]/[localhost, more.example]/' bad.yaml
fails 77 "brokers and ACLs take them for two" "$chancery" renew bad.yaml --once
same "$(snapshot tls)" "$before" "files after another subject"
check renew bad.yaml --once --force
check bao write "${server_role[@]}" ou=Kafka
check renew renew.yaml --once --force
# A file of somebody else where one of ours is to be.
before=$(snapshot tls)
echo mine >tls/mine.pem
config bad.yaml 's/name: broker.crt/name: mine.pem/'
fails 73 "no link of ours" "$chancery" renew bad.yaml --once --force
same "$(cat tls/mine.pem)" mine "somebody's file"
rm tls/mine.pem
same "$(snapshot tls)" "$before" "files after one was in the way"
chmod 777 tls
fails 76 "nobody else may write there" "$chancery" renew renew.yaml --once
chmod 700 tls
fails 66 "nowhere" "$chancery" renew nowhere.yaml --once

# Every mistake of the file at once.
cat >mistakes.yaml <<'END'
url: http://pki.example
mount: /int
role: server
common_name: x
for: brokers
directory: relative
files:
  - { name: a/b, kind: pem }
  - { name: b.p12, kind: p12 }
  - { name: c.pem, kind: pem, mode: "777" }
  - { name: c.pem, kind: key }
crls:
  - { name: d.crl, paths: [int/crl/pem] }
  - { name: d.crl, paths: [root-ca/crl/pem] }
  - { name: c.pem, paths: [int/crl/pem] }
reload: [systemctl, reload, kafka]
check: [/bin/sh, -c, "exit 1"]
check_within: 2h
renew_left: 99
unknown: 1
END
rc=0
renew mistakes.yaml --once 2>mistakes.err || rc=$?
same "$rc" 65 "mistakes"
[ "$(grep -c '^mistakes.yaml:' mistakes.err)" -gt 9 ] || die "not a line each: $(cat mistakes.err)"
for text in mistakes.yaml:1 mistakes.yaml:2 mistakes.yaml:5 mistakes.yaml:6 mistakes.yaml:8 \
	'needs `password`' 'four octal digits' 'mistakes.yaml:11:13: "c.pem" is there twice' \
	'mistakes.yaml:14:13: "d.crl" is there twice' 'mistakes.yaml:15:13: "c.pem" is there twice' \
	'not an absolute path: no shell' check_within mistakes.yaml:19 '"unknown"' 'method token needs'; do
	grep -qF -- "$text" mistakes.err || { cat mistakes.err >&2; die "no word of $text"; }
done

# ---- programs afterwards -----------------------------------------------------------------------------
cat >reload <<END
#!/bin/sh
echo "\$# \$*" >>$work/reloads
openssl x509 -in $work/tls/broker.crt -noout -serial >>$work/reloads
END
printf '#!/bin/sh\nexit 3\n' >refuse
printf '#!/bin/sh\nsleep 60\n' >slow
printf '#!/bin/sh\ntest ! -e %s/killed || exit 0\ntouch %s/killed\nkill -9 $PPID\n' "$work" "$work" >murder
chmod 700 reload refuse slow murder
config reload.yaml '' "reload: [$work/reload, 'a b', '\$HOME;x']"
: >reloads
check renew reload.yaml --once --force
same "$(head -n 1 reloads)" '2 a b $HOME;x' "arguments of reload"
same "$(tail -n 1 reloads)" "$(serial)" "reload comes after the switch"
check renew reload.yaml --once
same "$(wc -l <reloads)" 2 "reload when nothing was renewed"
# A check that fails brings the files before back, and tells of them.
before=$(serial)
config refused.yaml '' "reload: [$work/reload]" "check: [$work/refuse]" 'check_within: 2s'
: >reloads
fails 89 "the files before are back" "$chancery" renew refused.yaml --once --force
same "$(serial)" "$before" "certificate after a check that failed"
same "$(wc -l <reloads)" 4 "reloads: of the new and of the old"
same "$(tail -n 1 reloads)" "$before" "the second reload"
good "after a check that failed"
# Kafka takes the order before it serves the new store: a check is repeated, the reload is not.
cat >third <<END
#!/bin/sh
echo look >>$work/looks
test "\$(wc -l <$work/looks)" -ge 3
END
chmod 700 third
config third.yaml '' "reload: [$work/reload]" "check: [$work/third]" 'check_within: 10m'
: >reloads
check renew third.yaml --once --force
same "$(wc -l <looks)" 3 "looks of a check that fails twice"
same "$(wc -l <reloads)" 2 "reload beside a check that fails twice"
[ "$(serial)" != "$before" ] || die "a check that fails twice brought the files before back"
good "after a check that failed twice"
before=$(serial)
: >looks
config once.yaml '' "check: [$work/third]" 'check_within: 0s'
fails 89 "the files before are back" "$chancery" renew once.yaml --once --force
same "$(wc -l <looks)" 1 "looks with check_within: 0s"
same "$(serial)" "$before" "certificate after one look"
config gone.yaml '' "reload: [/nowhere/program]"
fails 89 "is it there, and executable?" "$chancery" renew gone.yaml --once --force
config slow.yaml '' "reload: [$work/slow]" 'timeout: 1s'
fails 82 "did not end within 1 s" "$chancery" renew slow.yaml --once --force
same "$(serial)" "$before" "certificate after reloads that failed"
# Killed before the reload was done: the next run does it.
check renew renew.yaml --once --force
config murder.yaml '' "reload: [$work/murder]"
rc=0
renew murder.yaml --once --force >/dev/null 2>&1 || rc=$?
same "$rc" 137 "a run that its own reload kills"
good "after that"
after=$(serial)
: >reloads
renew reload.yaml --once >again
grep -q 'An earlier run ended before' again || die "no word of the earlier run"
same "$(tail -n 1 reloads)" "$after" "reload by the next run"

# Two at once: the second one says so and ends.
config wait.yaml '' "reload: [$work/slow]" 'timeout: 20s'
"$chancery" renew wait.yaml --once --force >/dev/null 2>&1 &
first=$!
until_ok "first run in its reload" test -e tls/.current/.pending
fails 75 "locked by another process" "$chancery" renew renew.yaml --once
kill -9 $first
wait $first 2>/dev/null || true
check renew renew.yaml --once

# ---- a reader beside it ------------------------------------------------------------------------------------
# Whoever resolves .current once has one set; each file alone is whole.
cat >reader.py <<'END'
import os, re, subprocess, sys
d, n = sys.argv[1], 0
def pub(args, data):
    return subprocess.run(["openssl"] + args, input=data, capture_output=True, check=True).stdout
while not os.path.exists("stop"):
    fd = os.open(d + "/.current", os.O_RDONLY | os.O_DIRECTORY)
    def read(name):
        f = os.open(name, os.O_RDONLY, dir_fd=fd)
        data = os.read(f, 1 << 20)
        os.close(f)
        return data
    key, crt = read("broker.key"), read("broker.crt")
    os.close(fd)
    whole = open(d + "/broker.pem", "rb").read()
    if pub(["pkey", "-pubout"], key) != pub(["x509", "-noout", "-pubkey"], crt):
        sys.exit("key and certificate of two sets")
    if pub(["pkey", "-pubout"], whole) != pub(["x509", "-noout", "-pubkey"], whole):
        sys.exit("a store of two sets")
    n += 1
print(n)
END
python3 reader.py tls >reader.out 2>&1 &
reader=$!
for ((i = 0; i < 25; i++)); do check renew renew.yaml --once --force; done
touch stop
wait $reader || die "reader: $(cat reader.out)"
[ "$(cat reader.out)" -ge 5 ] || die "the reader read $(cat reader.out) times"

# ---- lists ----------------------------------------------------------------------------------------------------
config lists.yaml '' 'crls:' '  - { name: crls.pem, paths: [int/crl/pem, root-ca/crl/pem] }'
same "$(renew lists.yaml --once --json | field lists)" 1 "lists at first"
same "$(grep -c 'BEGIN X509 CRL' tls/crls.pem)" 2 "lists in the file"
same "$(renew lists.yaml --once --json | field lists)" 0 "lists again"
config mode.yaml '' 'crls:' '  - { name: crls.pem, paths: [int/crl/pem, root-ca/crl/pem], mode: "0600" }'
same "$(renew mode.yaml --once --json | field lists)" 1 "lists whose mode changed"
same "$(stat -c %a tls/crls.pem)" 600 "mode of lists"
same "$(renew mode.yaml --once --json | field lists)" 0 "lists whose mode changed, again"
same "$(renew lists.yaml --once --json | field lists)" 1 "lists with the usual mode"
number() { openssl crl -in tls/crls.pem -noout -crlnumber; }
was=$(number)
check bao read int/crl/rotate
same "$(renew lists.yaml --once --json | field lists)" 1 "lists after a rotation"
[ "$(number)" != "$was" ] || die "the list was not replaced"
# A certificate that cannot be renewed does not keep the lists from coming; both errors are told.
newer() {
	was=$(number)
	check bao read int/crl/rotate
	"$@"
	[ "$(number)" != "$was" ] || die "no newer list: $*"
}
crls=('crls:' '  - { name: crls.pem, paths: [int/crl/pem, root-ca/crl/pem] }')
config broken.yaml 's/^role: .*/role: nobody/' "${crls[@]}"
newer fails 76 "int/sign/nobody" "$chancery" renew broken.yaml --once --force
config broken.yaml "s|$work/root.pem|$work/no-root.pem|" "${crls[@]}"
newer fails 66 "no-root.pem" "$chancery" renew broken.yaml --once
config broken.yaml 's/^role: .*/role: nobody/' 'crls:' '  - { name: no.pem, paths: [int/crl/none/pem] }' \
	"${crls[@]:1}"
newer fails 76 "int/sign/nobody" "$chancery" renew broken.yaml --once --force
grep -qF 'no.pem: ' fails.err || die "no word of the list: $(cat fails.err)"
newer fails 66 "no.pem: " "$chancery" renew broken.yaml --once
renew lists.yaml --dry-run --json | field reason >why
same "$(cat why)" "nothing is to be done" "lists beside --dry-run"
# A foreign list, and one that is older than ours.
config foreign.yaml '' 'crls:' '  - { name: crls.pem, paths: [other/crl/pem] }'
check bao secrets enable -path other pki
check bao write other/root/generate/internal common_name="Other" key_type=ec
before=$(snapshot tls)
fails 87 "no authority of the certificate's chain" "$chancery" renew foreign.yaml --once
same "$(snapshot tls)" "$before" "files after a foreign list"
# A service that answers with an older list of the same key: the newer one stays.
mkdir -p past/v1/int/crl past/v1/root-ca/crl
raw int/crl/pem -o past/v1/int/crl/pem
raw root-ca/crl/pem -o past/v1/root-ca/crl/pem
newer check renew lists.yaml --once
port=$(free_port)
python3 -m http.server --bind 127.0.0.1 --directory past "$port" >past.log 2>&1 &
past=$!
until_ok "service of the past" curl -sSf "http://127.0.0.1:$port/v1/int/crl/pem" -o /dev/null
config past.yaml "s|^url: .*|url: http://127.0.0.1:$port|; /^ca_file/d" "${crls[@]}"
before=$(snapshot tls)
fails 85 "is older than the one that is there" "$chancery" renew past.yaml --once
same "$(snapshot tls)" "$before" "files after an older list"
kill $past
wait $past 2>/dev/null || true

# A CA with another key and the same name: numbers are counted for each key.
check bao secrets enable -path roll pki
# roll_key: one more issuer, the default one; its id in the variable `issuer`.
roll_key() {
	bao write -field=csr roll/intermediate/generate/internal common_name="Rolling CA" key_type=ec >roll.csr
	bao write -field=certificate root-ca/root/sign-intermediate csr=@roll.csr format=pem_bundle \
		ttl=40h >roll.pem 2>/dev/null
	bao write -format=json roll/intermediate/set-signed certificate=@roll.pem >roll.json
	issuer=$(python3 -c 'import json; d = json.load(open("roll.json"))["data"]
print(*[i for i in d["imported_issuers"] if d["mapping"][i]])')
	check bao write roll/config/issuers default="$issuer"
}
roll_key
old=$issuer
check bao write roll/roles/server "${server_role[@]:1}" ou=Kafka
echo 'path "roll/sign/server" { capabilities = ["update"] }' | cat - renewer.hcl >more.hcl
check bao policy write renewer more.hcl
for i in 1 2 3 4; do check bao read roll/crl/rotate; done
mkdir roll
# roll NAME PATHS
roll() {
	config "$1" "s|^mount: .*|mount: roll|; s|^directory: .*|directory: $work/roll|" \
		'crls:' "  - { name: crls.pem, paths: [$2] }"
}
roll roll.yaml roll/crl/pem
same "$(renew roll.yaml --once --json | field lists)" 1 "list before the other key"
roll_key
new=$issuer
[ "$old" != "$new" ] || die "one issuer"
# in_file FILE: its list is in the file, to the octet.
in_file() { python3 -c 'import sys; sys.exit(open(sys.argv[1]).read().strip() not in open("roll/crls.pem").read())' "$1"; }
both_in_file() { in_file new.crl && in_file old.crl; }
lists_of() {
	raw "roll/issuer/$old/crl/pem" -o old.crl
	raw "roll/issuer/$new/crl/pem" -o new.crl
}
number_of() { echo $(($(openssl crl -in "$1" -noout -crlnumber | sed 's/.*=//'))); }
lists_of
[ "$(number_of new.crl)" -lt "$(number_of old.crl)" ] || die "numbers of the two keys"
# The certificate is still of the old key: the new list comes, the old one stays.
same "$(renew roll.yaml --once --json | field lists)" 1 "list of another key"
both_in_file || die "lists of both keys"
same "$(renew roll.yaml --once --json | field lists)" 0 "lists of two keys again"
same "$(grep -c BEGIN roll/crls.pem)" 2 "lists of two keys"
check renew roll.yaml --once --force
same "$(renew roll.yaml --once --json | field lists)" 0 "after the renewal"
in_file new.crl || die "list of the new key"
# Both are asked for, in any order, and before and after the renewal.
for paths in "roll/issuer/$old/crl/pem, roll/issuer/$new/crl/pem" "roll/issuer/$new/crl/pem, roll/issuer/$old/crl/pem"; do
	roll both.yaml "$paths"
	check bao read roll/crl/rotate
	same "$(renew both.yaml --once --json | field lists)" 1 "both lists: $paths"
	lists_of
	both_in_file || die "both lists: $paths"
	same "$(renew both.yaml --once --json | field lists)" 0 "both lists again: $paths"
	same "$(grep -c BEGIN roll/crls.pem)" 2 "both lists: $paths"
done

# ---- it stays -----------------------------------------------------------------------------------------------------
config stay.yaml '' 'interval: 1s' 'jitter: 0s'
"$chancery" renew stay.yaml >stay.out 2>&1 &
stay=$!
until_ok "two looks" stands 2 '"renewed":false' stay.out
kill $stay
wait $stay 2>/dev/null || true
# --force is for the first look.
before=$(serial)
"$chancery" renew stay.yaml --force >stay.out 2>&1 &
stay=$!
until_ok "two looks after --force" stands 2 '"renewed":false' stay.out
kill $stay
wait $stay 2>/dev/null || true
same "$(grep -c '"renewed":true' stay.out)" 1 "renewals with --force"
[ "$(serial)" != "$before" ] || die "--force without --once renewed nothing"

# ---- killed at every step, a full disk -------------------------------------------------------------------------------
if ldd "$chancery" | grep -q asan; then
	echo "no preloading under a sanitizer"
	stop_all
	exit 0
fi
# with RULE: one forced run under it; its status in rc.
with() {
	rc=0
	# The shell's word about who was killed goes nowhere.
	{
		FAULT_FS_PREFIX=$work/tls FAULT_FS_RULES="$1" LD_PRELOAD=$preload \
			"$chancery" renew reload.yaml --once --force >with.out 2>&1 || rc=$?
	} 2>/dev/null
}
kinds=after
[ -z "${CHANCERY_FULL:-}" ] || kinds="before after torn"
for kill in $kinds; do
	for ((nth = 1; ; nth++)); do
		was=$(serial)
		: >reloads
		with "*:kill=$kill:nth=$nth"
		good "killed $kill call $nth"
		[ "$rc" = 137 ] || break
		now=$(serial)
		# Either the old set, or the new one, of which the reload is told at the latest now.
		: >reloads
		check renew reload.yaml --once
		same "$(serial)" "$now" "the next run after a kill $kill call $nth"
		[ "$now" = "$was" ] || [ ! -e tls/.current/.pending ] || die "not told of the new set"
		[ "$(find tls/.sets -mindepth 1 -maxdepth 1 | wc -l)" -le 2 ] || die "sets left after a kill"
		same "$(find tls/.sets -name '*.part' | wc -l)" 0 "unfinished sets"
	done
	[ "$kill" = torn ] || [ "$nth" -gt 12 ] || die "only $nth calls seen"
	same "$rc" 0 "the run that nobody kills: $(cat with.out)"
done
for rule in write:errno=ENOSPC fsync:errno=EIO rename:errno=ENOSPC; do
	for ((nth = 1; ; nth++)); do
		with "$rule:from=$nth"
		good "$rule from $nth"
		[ "$rc" != 0 ] || break
		[ "$rc" = 83 ] || [ "$rc" = 74 ] || [ "$rc" = 89 ] || die "$rule from $nth: exit $rc: $(cat with.out)"
		check renew renew.yaml --once
		good "after $rule from $nth"
	done
	[ "$nth" -gt 1 ] || die "$rule was never met"
done
stop_all
check "$chancery" register verify --home home
