#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chancery kafka check against Java servers that answer as a broker does: what it says of each, and
# that Java itself takes the lists that it takes (the servers check their clients by the same).
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(realpath "$(dirname "$0")")
# shellcheck source=tests/system/kafka_pki.sh
. "$here/kafka_pki.sh"
# shellcheck source=tests/system/service_lib.sh
. "$here/service_lib.sh"
mkdir classes lists stores
check javac -d classes "$here/KafkaStores.java"
echo changeit >password

# ---- lists, over HTTP; names beginning with "slow" take three seconds ----------------------------
cat >listserver.py <<'END'
import http.server, sys, time
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(3)
        super().do_GET()
    def log_message(self, *a):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
    lambda *a: Handler(*a, directory="lists"))
print(s.server_port, flush=True)
s.serve_forever()
END
python3 listserver.py >lists.port &
beside+=($!)
until_ok "server of lists" test -s lists.port
base=http://127.0.0.1:$(cat lists.port)

# ---- certificates ------------------------------------------------------------------------------------
crl_url="crlDistributionPoints=URI:$base/root.crl"
authority
urls() { printf 'crlDistributionPoints='; local s=; for u in "$@"; do printf '%sURI:%s/%s' "$s" "$base" "$u"; s=,; done; }
server_ext="$key_usage\nextendedKeyUsage=serverAuth,clientAuth\n$local_names"
client_ext="$key_usage\nextendedKeyUsage=clientAuth"
# broker NAME EXTENSION…, client NAME EXTENSION…: a store for Java, a PEM for us.
made() {
	check "$chancery" kafka bundle "$1" --cert "$1.crt" --key "$1.key" --chain int.crt --for "$2" \
		--out stores --password file:password --accept eku-client --accept no-san --accept expired \
		--accept eku-server
}
broker() { leaf "$1" "/O=Acme/OU=Kafka/CN=$1" "$server_ext\n$2"; made "$1" broker; }
client() { leaf "$1" "/O=Acme/OU=Kafka/CN=$1" "$client_ext\n$2" "${@:3}"; made "$1" client; }
broker good "$(urls int.crl)"
broker revoked "$(urls int.crl)"
broker delta "$(urls delta.crl)"
broker foreign "$(urls foreign.crl)"
broker stale "$(urls stale.crl)"
broker ending "$(urls ending.crl)"
broker missing "$(urls none.crl)"
broker mirror "$(urls none.crl int.crl)"
broker names "crlDistributionPoints=p\n[p]\nfullname=URI:$base/none.crl,URI:$base/int.crl"
broker slow "$(urls slow.crl)"
broker text "$(urls text.crl)"
broker other "$(urls other.crl)"
broker part "$(urls part.crl)"
broker bare ''
client app "$(urls int.crl)"
client gone "$(urls int.crl)"
client old "$(urls int.crl)" 20240101000000Z 20240201000000Z
check "$chancery" kafka trust trust --ca root.crt --out stores --password file:password

# list NAME DAYS-OR-DATES EXTENSIONS [CA]
list() {
	local ca=${4:-int}
	sed '/^\[c\]/a crlnumber=number' "$ca.cnf" >crl.cnf
	printf '[x]\nauthorityKeyIdentifier=keyid\n%b\n' "$3" >>crl.cnf
	[ -e number ] || echo 1000 >number
	# shellcheck disable=SC2086 # words
	check openssl ca -gencrl -config crl.cnf -crlexts x $2 -out list.pem
	openssl crl -in list.pem -outform DER -out "lists/$1"
}
idp() { printf 'issuingDistributionPoint=critical,@i\n[i]\nfullname=URI:%s/%s' "$base" "$1"; }
for name in revoked gone; do
	check openssl ca -config int.cnf -revoke "$name.crt" -crl_reason keyCompromise
done
list root.crl "-crldays 7" '' root
list int.crl "-crldays 7" ''
list part.crl "-crldays 7" "$(idp part.crl)"
list other.crl "-crldays 7" "$(idp elsewhere.crl)"
list delta.crl "-crldays 7" 'deltaCRL=critical,DER:02:01:01'
list stale.crl "-crl_lastupdate 20250101000000Z -crl_nextupdate 20250102000000Z" ''
list ending.crl "-crl_lastupdate 20250101000000Z -crl_nextupdate $(date -u -d '+2 hours' +%Y%m%d%H%M%SZ)" ''
cp lists/int.crl lists/slow.crl
echo 'no list' >lists/text.crl
ec_key later.key
check openssl req -x509 -new -key later.key -subj '/O=Acme/CN=Acme Kafka CA' -days 9 -out later.crt
sed 's/^certificate=.*/certificate=later.crt/; s/^private_key=.*/private_key=later.key/' int.cnf >later.cnf
: >later.index
sed -i 's/^database=.*/database=later.index/' later.cnf
list foreign.crl "-crldays 7" '' later

# ---- servers --------------------------------------------------------------------------------------------
crl_flags=(-Dcom.sun.net.ssl.checkRevocation=true -Dcom.sun.security.enableCRLDP=true)
ticket_flags=(-Djdk.tls.server.disableExtensions=pre_shared_key -Djdk.tls.server.enableSessionTicketExtension=false
	-Djdk.tls.server.sessionTicketTimeout=1 -Djdk.tls.server.newSessionTicketCount=0)
# serve NAME STORE need|want|none|http JVM-FLAG…: $port
serve() {
	java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx64m "${@:4}" -cp classes KafkaStores serve \
		"stores/$2.p12" stores/trust.p12 changeit "$3" >"$1.port" 2>"$1.err" &
	beside+=($!)
	until_ok "server $1" test -s "$1.port"
	port=$(cat "$1.port")
}
# look STATUS ARGUMENT…: the answer in look.json.
look() {
	local want=$1 rc=0
	shift
	"$chancery" kafka check "$@" --json >look.json 2>look.err || rc=$?
	[ "$rc" = "$want" ] || { cat look.json look.err >&2; die "exit $rc, not $want: kafka check $*"; }
}
codes() { python3 -c '
import json
print(*sorted({f["code"] for f in json.load(open("look.json"))["findings"]}))'; }
says() { grep -qF -- "$1" look.json || { cat look.json >&2; die "does not say: $1"; }; }
standing() { python3 -c '
import json
print(json.load(open("look.json"))["revocation"][0]["standing"])'; }

serve main good need "${crl_flags[@]}" "${ticket_flags[@]}"
main=localhost:$port
look 0 "$main" --ca root.crt
same "$(codes)" "" "findings of a good server"
same "$(field client_certificate <look.json)" required "client certificate"
same "$(standing)" good "standing"
look 0 "$main" --ca root.crt --cert stores/app.pem
same "$(field client_certificate <look.json)" accepted "client certificate"
same "$(field kafka <look.json)" True "an answer of Kafka's"
same "$(field resumption <look.json)" False "resumption with the flags"
look 0 "127.0.0.1:$port" --ca root.crt --store stores/app.p12 --password file:password
same "$(field client_certificate <look.json)" accepted "client certificate of a PKCS#12 file"
look 1 "$main" --ca root.crt --name kafka.acme.example
same "$(codes)" name "another name"
look 0 "$main" --ca root.crt --name kafka.acme.example --accept name
look 1 "$main" --ca later.crt
same "$(codes)" untrusted "another authority"
look 0 "$main"
same "$(codes)" untrusted "no authority: a warning"
look 0 "$main" --ca root.crt --no-crl
! grep -q '"revocation"' look.json || die "lists with --no-crl"

# Clients that the server refuses, and why, as far as it can be known.
look 1 "$main" --ca root.crt --cert stores/gone.pem
same "$(codes)" "client revoked" "a revoked client"
says 'your certificate: it is revoked since'
says 'keyCompromise'
look 1 "$main" --ca root.crt --cert stores/old.pem
# The intermediate is above both certificates: its list is fetched once.
same "$(python3 -c '
import json
print(*[r["subject"] for r in json.load(open("look.json"))["revocation"]], sep="; ")')" \
	"CN=good,OU=Kafka,O=Acme; CN=Acme Kafka CA,O=Acme; CN=old,OU=Kafka,O=Acme" "lists looked at"
same "$(codes)" "client expired" "an expired client"
ec_key other.key
check openssl req -x509 -new -key other.key -subj '/CN=x' -days 9 -out x.crt \
	-addext extendedKeyUsage=clientAuth -addext keyUsage=digitalSignature
look 1 "$main" --ca root.crt --cert x.crt --key other.key
grep -q issuer-not-asked look.json || die "an authority that nobody asked for"

# Servers with another policy.
serve want good want
look 0 "localhost:$port" --ca root.crt
same "$(codes)" "client resumption" "a server that only wants a certificate"
same "$(field client_certificate <look.json)" "asked for, not required" "client certificate"
look 0 "localhost:$port" --ca root.crt --cert stores/app.pem
same "$(codes)" resumption "a server that resumes sessions"
says newSessionTicketCount=0
serve none good none "${ticket_flags[@]}"
look 0 "localhost:$port" --ca root.crt
says User:ANONYMOUS
serve http good http "${ticket_flags[@]}"
look 0 "localhost:$port" --ca root.crt
says 'is no Kafka broker'
serve tls12 good need -Djdk.tls.server.protocols=TLSv1.2 "${ticket_flags[@]}"
look 0 "localhost:$port" --ca root.crt --cert stores/app.pem
same "$(field protocol <look.json)" TLSv1.2 "protocol"
look 1 "localhost:$port" --ca root.crt --cert stores/old.pem
same "$(field client_certificate <look.json)" refused "an expired client with TLS 1.2"
look 0 "localhost:$port" --ca root.crt
same "$(field client_certificate <look.json)" required "client certificate with TLS 1.2"

# Lists. Java's own view of the same certificate: a client with the flags, which looks at the server's.
java_takes() {
	java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${crl_flags[@]}" -cp classes KafkaStores handshake \
		stores/good.p12 "stores/$1.p12" stores/trust.p12 changeit >java.out 2>&1
}
# Why it did not.
java_says() { sed -nE '/.*(has been revoked|determine revocation status|CRLException).*/{s//\1/p;q}' java.out; }
# listed NAME STATUS CODES STANDING JAVA: yes, or why Java does not take it.
listed() {
	local java=yes
	serve "$1" "$1" none "${ticket_flags[@]}"
	look "$2" "localhost:$port" --ca root.crt
	same "$(codes)" "$3" "findings of $1"
	same "$(standing)" "$4" "standing of $1"
	java_takes "$1" || java=$(java_says)
	same "$java" "$5" "Java on $1: $(grep -h "Caused by\|Exception" java.out "$1.err" | tail -n 5)"
}
listed revoked 1 "client revoked" revoked "has been revoked"
listed part 0 client good yes
listed other 1 "client crl" unknown "determine revocation status"
listed delta 1 "client crl" unknown "determine revocation status"
listed foreign 1 "client crl" unknown "determine revocation status"
listed stale 1 "client crl crl-expired" unknown "determine revocation status"
listed ending 0 "client crl-soon" good yes
listed missing 1 "client crl" unknown "determine revocation status"
# Java 17.0.15 gives up at a distribution point without a list; several names in one are mirrors.
listed mirror 1 "client crl" good "determine revocation status"
listed names 0 "client crl" good yes
listed text 1 "client crl" unknown "CRLException"
listed slow 0 "client crl-slow" good yes
listed bare 0 "client no-crl-url" unknown "determine revocation status"

# Servers that shake hands and bring no answer, and one that breaks the handshake off.
# mute HOW STATUS CODES CLIENT TEXT ARGUMENT…
mute() {
	if [ ! -e "mute-$1" ]; then
		python3 "$here/kafka_mute.py" "$1" stores/good.pem root.crt >"mute-$1" 2>"mute-$1.err" &
		beside+=($!)
	fi
	until_ok "server that is $1" test -s "mute-$1"
	look "$2" "localhost:$(head -n 1 "mute-$1")" --ca root.crt --no-crl "${@:6}"
	same "$(codes)" "$3" "findings of a server that is $1"
	same "$(field client_certificate <look.json)" "$4" "client certificate of a server that is $1"
	says "$5"
}
mute silent 1 "client protocol" "not asked for" "the server gives no answer within 10 s"
# Nothing more is asked of it: one connection.
same "$(grep -c connection mute-silent)" 1 "connections to a silent server"
mute ask-silent 1 protocol "asked for, no answer" "gives no answer" --cert stores/app.pem
! grep -q 'refuses your certificate' look.json || die "silence is no refusal"
mute close 1 "client protocol" "not asked for" "breaks off without an answer (it closes the connection)"
mute ask-close 1 client refused "refuses your certificate (it closes the connection)" --cert stores/app.pem
mute ask-close 0 "" required required
mute break 1 protocol "not reached" "the handshake fails, and not for want of a client certificate"

# Nobody there, or nobody who speaks TLS.
look 2 "localhost:$(cat lists.port)"
grep -q 'speaks no TLS' look.err || die "no word of TLS"
# The status that --json tells is the one that the process ends with.
same "$(field exit <look.json)" 2 "exit in JSON, no TLS"
look 2 "localhost:1"
same "$(field exit <look.json)" 2 "exit in JSON, no TCP"
look 2 "no-such-host.invalid:9093"
fails 64 "want HOST:PORT" "$chancery" kafka check localhost
fails 64 "want HOST:PORT" "$chancery" kafka check 2001:db8::1:9093
fails 64 "one of them" "$chancery" kafka check "$main" --cert stores/app.pem --store stores/app.p12
fails 64 "--password SOURCE is missing" "$chancery" kafka check "$main" --store stores/app.p12
echo changeit2 >wrong
fails 79 "does not open it" "$chancery" kafka check "$main" --store stores/app.p12 --password file:wrong
fails 64 "has no private key" "$chancery" kafka check "$main" --cert app.crt

# PKCS#12 that OpenSSL 3 reads with its legacy provider alone: the password is not to blame.
opens() { fails "$1" "$2" "$chancery" kafka check "$main" --store "$3.p12" --password "file:${4:-password}"; }
check openssl pkcs12 -export -legacy -in app.crt -inkey app.key -certfile int.crt -name app \
	-certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -passout file:password -out rc2.p12
opens 88 "rc2.p12: does not read with OpenSSL 3 (libcrypto: unsupported, " rc2
opens 88 "RC2-40" rc2
opens 88 "keytool -importkeystore" rc2
opens 79 "does not open it" rc2 wrong
# What is told helps: keytool writes it anew.
check keytool -importkeystore -srckeystore rc2.p12 -srcstorepass changeit -destkeystore anew.p12 \
	-deststoretype pkcs12 -deststorepass changeit
look 0 "$main" --ca root.crt --store anew.p12 --password file:password
check openssl pkcs12 -export -nomac -in app.crt -inkey app.key -passout file:password -out nomac.p12
opens 88 "has no MAC" nomac
cp app.crt text.p12
opens 65 "is no PKCS#12 file" text
# Files that end like a line: their last bytes are the MAC's iterations, 0x0a0a and 0x0d0a.
for iterations in 2570 3338; do
	check openssl pkcs12 -export -in app.crt -inkey app.key -certfile int.crt -iter $iterations \
		-passout file:password -out line.p12
	same "$(tail -c 1 line.p12 | od -An -tx1)" " 0a" "last byte"
	look 0 "$main" --ca root.crt --store line.p12 --password file:password
	same "$(field client_certificate <look.json)" accepted "a store that ends like a line"
done
