#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chancery kafka bundle, trust and principal: what they make is read by openssl, keytool and a Java
# program, which also shakes hands with it; what they refuse; nothing half-written.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(realpath "$(dirname "$0")")
# shellcheck source=tests/system/kafka_pki.sh
. "$here/kafka_pki.sh"
mkdir classes
check javac -d classes "$here/KafkaStores.java"
java() { command java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp classes KafkaStores "$@"; }
kafka() { "$chancery" kafka "$@"; }

authority
leaf broker /O=Acme/OU=Kafka/CN=broker-1 "$both\n$local_names"
genkey client.key RSA -pkeyopt rsa_keygen_bits:2048
leaf client /O=Acme/OU=Kafka/CN=orders-app "$client_ext"
echo changeit >password
pw=(--password file:password)
broker=(--cert broker.crt --key broker.key --chain int.crt --ca root.crt --for broker)
client=(--cert client.crt --key client.key --chain int.crt --ca root.crt --for client)

# ---- what is made -------------------------------------------------------------------
mkdir out
kafka bundle broker "${broker[@]}" "${pw[@]}" --out out --host localhost --host 127.0.0.1 \
	--trust trust --json >broker.json
same "$(field principal <broker.json)" 'User:CN=broker-1,OU=Kafka,O=Acme' "principal"
same "$(rows findings <broker.json)" 0 "findings"
kafka bundle client "${client[@]}" "${pw[@]}" --out out --alias Orders --json >client.json
same "$(stat -c %a out/broker.pem out/broker.p12 | sort -u)" 600 "mode of key stores"
same "$(java open out/broker.p12 changeit)" 'broker EC 2' "Java on broker.p12"
same "$(java open out/client.p12 changeit)" 'orders RSA 2' "Java on client.p12"
same "$(java open out/trust.p12 changeit)" 'trust trusted' "Java on trust.p12"
keytool -list -keystore out/trust.p12 -storepass changeit 2>/dev/null |
	grep -q 'trust, .*trustedCertEntry' || die "keytool on trust.p12"
same "$(java handshake out/broker.p12 out/client.p12 out/trust.p12 changeit)" \
	'CN=orders-app,OU=Kafka,O=Acme, TLSv1.3' "handshake"
# PEM: key, leaf, intermediate, in this order; the key is unencrypted PKCS#8.
same "$(grep BEGIN out/broker.pem | tr -d '\n-')" \
	'BEGIN PRIVATE KEYBEGIN CERTIFICATEBEGIN CERTIFICATE' "blocks of broker.pem"
same "$(openssl pkey -in out/broker.pem -pubout)" \
	"$(openssl x509 -in out/broker.pem -noout -pubkey)" "key and leaf of broker.pem"
cmp -s <(openssl x509 -in root.crt) out/trust.pem || die "trust.pem"
openssl pkcs12 -in out/client.p12 -passin file:password -nodes -info >p12.txt 2>p12.err
grep -q 'PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256' p12.err ||
	die "encryption of client.p12"
grep -q 'MAC: sha256, Iteration 10000' p12.err || die "MAC of client.p12"
same "$(grep -c 'localKeyID' p12.txt)" 2 "localKeyIDs"

# The forms of old Java, and a trust store that opens without a password.
kafka bundle old "${client[@]}" "${pw[@]}" --out out --legacy >old.txt
same "$(java open out/old.p12 changeit)" 'old RSA 2' "Java on the legacy form"
openssl pkcs12 -in out/old.p12 -passin file:password -nodes -info 2>&1 >/dev/null |
	grep -q 'pbeWithSHA1And3-KeyTripleDES-CBC' || die "legacy form"
cat root.crt int.crt >two.pem
kafka trust open --ca two.pem --no-password --out out >open.txt
same "$(java open out/open.p12 - | sort | tr '\n' ,)" 'open trusted,open-2 trusted,' "open store"

# Everything in one file, in another order, with a root; an encrypted key; an answer in JSON.
openssl ec -in broker.key -out broker.sec1 2>/dev/null
cat int.crt root.crt broker.sec1 broker.crt >all.pem
kafka bundle all --cert all.pem --for broker --out out --trust all-trust >all.txt
cmp -s out/all.pem out/broker.pem || die "one file with everything makes another store"
cmp -s out/all-trust.pem out/trust.pem || die "root of the input"
openssl pkcs8 -topk8 -in broker.key -passout file:password -out broker.enc
kafka bundle enc --cert broker.crt --key broker.enc --key-password file:password \
	--chain int.crt --ca root.crt --for broker --out out >enc.txt
cmp -s out/enc.pem out/broker.pem || die "encrypted key makes another store"
python3 - <<'END' >answer.json
import json
def read(f): return open(f).read()
print(json.dumps({"request_id": "x", "data": {"certificate": read("broker.crt"),
    "issuing_ca": read("int.crt"), "ca_chain": [read("int.crt"), read("root.crt")],
    "private_key": read("broker.sec1"), "private_key_type": "ec"}}))
END
kafka bundle answer --answer - --for broker --out out <answer.json >answer.txt
cmp -s out/answer.pem out/broker.pem || die "an answer makes another store"

# Two authorities that certified each other: each is in the chain once.
cp root.key again.key
signed int again '/O=Acme/CN=Acme Root CA' "$ca_ext"
kafka bundle each-other "${client[@]:0:6}" --chain again.crt --for client --out out --json >each.json
same "$(field chain <each.json)" 3 "certificates of a chain that closes"
same "$(grep -c 'BEGIN CERT' out/each-other.pem)" 3 "certificates in its store"

# ---- what is refused ------------------------------------------------------------------
before=$(snapshot out)
leaf expired /O=Acme/OU=Kafka/CN=e "$client_ext" 20240101000000Z 20240201000000Z
leaf future /O=Acme/OU=Kafka/CN=f "$client_ext" 20490101000000Z 20490201000000Z
leaf serveronly /O=Acme/OU=Kafka/CN=s "$key_usage\nextendedKeyUsage=serverAuth\n$local_names"
leaf noname /O=Acme/OU=Kafka/CN=localhost "$both"
leaf encipher /O=Acme/CN=k "keyUsage=critical,keyEncipherment\nextendedKeyUsage=clientAuth"
leaf underscore /O=Acme/CN=u "$both\nsubjectAltName=DNS:kafka_0.acme.example,DNS:localhost"
ec_key other.key
check openssl req -x509 -new -key other.key -subj '/O=Acme/CN=Acme Kafka CA' -days 9 -out fake.crt
check openssl req -x509 -new -key other.key -subj '/CN=Stranger' -days 9 -out stranger.crt
# refuses CODE TEXT ARGUMENT…
refuses() { fails "$1" "$2" "$chancery" kafka bundle bad --out out "${@:3}"; }
one() { echo "--cert $1.crt --key $1.key --chain int.crt --for $2"; }
# shellcheck disable=SC2046 # words
{
	refuses 77 "(expired)" $(one expired client)
	refuses 77 "(not-yet-valid)" $(one future client)
	refuses 77 "(eku-client)" $(one serveronly client)
	refuses 77 "(eku-client)" $(one serveronly broker)
	refuses 77 "(eku-server)" $(one client broker)
	refuses 77 "(no-san)" $(one noname broker)
	refuses 77 "(key-usage)" $(one encipher client)
	refuses 77 "kafka.acme.example is not among its names (DNS:localhost, IP:127.0.0.1) (name)" \
	    $(one broker broker) --host kafka.acme.example
	kafka bundle warned $(one underscore broker) --out . --json | grep -q '"code":"bad-name"' ||
	    die "no word about an underscore"
	kafka bundle taken $(one expired client) --out . --accept expired >taken.txt
	refuses 64 "no such finding" $(one expired client) --accept expried
}
refuses 65 "is of this private key" --cert client.crt --key broker.key --chain int.crt --for client
refuses 77 "(leaf-only)" --cert client.crt --key client.key --for client
refuses 65 "CN=broker-1,OU=Kafka,O=Acme is in the input and belongs neither" \
	--cert client.crt --key client.key --chain int.crt --chain broker.crt --for client
refuses 77 "is not among the trusted authorities" --cert client.crt --key client.key \
	--chain int.crt --ca stranger.crt --for client
refuses 87 "is not signed by the certificate that has its issuer's name" \
	--cert client.crt --key client.key --chain fake.crt --for client
refuses 77 "but another key" --cert client.crt --key client.key --ca fake.crt --for client
refuses 64 "--key FILE is missing" --cert client.crt --chain int.crt --for client
refuses 64 "give --answer FILE, or --cert FILE" --for client
refuses 66 "nowhere.pem" --cert nowhere.pem --for client
refuses 65 "not JSON" --answer client.crt --for client
echo '{"data":{"certificate":"MIIB"}}' >der.json
refuses 65 "ask with format=pem" --answer der.json --for client
refuses 79 "the private key is encrypted, and no password is given" \
	--cert broker.crt --key broker.enc --chain int.crt --for broker
echo wrong-one >wrong
refuses 79 "does not open the private key" --cert broker.crt --key broker.enc \
	--key-password file:wrong --chain int.crt --for broker
sed 's/^M/A/' client.key >broken.key
refuses 65 "does not decode" --cert client.crt --key broken.key --chain int.crt --for client
genkey ed.key ED25519
leaf ed /O=Acme/OU=Kafka/CN=ed "$client_ext"
# shellcheck disable=SC2046
refuses 77 "load no Ed25519 key" $(one ed client)
# shellcheck disable=SC2046
kafka bundle ed $(one ed client) --format p12 "${pw[@]}" --out . >ed.txt
same "$(java open ed.p12 changeit)" 'ed EdDSA 2' "Java on an Ed25519 key in PKCS#12"

# Intermediates that may not sign: an end entity, a CA without keyCertSign, more below one than its
# path length allows. openssl refuses the same.
under() { # SIGNER CHAIN-FILE…: a leaf and its flags
	cat "${@:2}" >"$1.pem"
	signed "$1" "under-$1" /O=Acme/CN=u "$client_ext"
	chained=(--cert "under-$1.crt" --key "under-$1.key" --chain "$1.pem" --for client)
	theirs=yes
	openssl verify -CAfile root.crt -untrusted "$1.pem" "under-$1.crt" >verify.out 2>&1 || theirs=no
}
ca_len() { printf 'basicConstraints=critical,CA:TRUE,pathlen:%s\nkeyUsage=critical,keyCertSign,cRLSign\n%s' "$1" "$crl_url"; }
signed int entity /O=Acme/CN=Entity "$client_ext"
under entity entity.crt int.crt
refuses 77 "certificate 2 of the chain signed the one below it and is no CA's" "${chained[@]}"
same "$theirs" no "openssl on a leaf below an end entity"
signed int nosign /O=Acme/CN=Lists 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,cRLSign'
under nosign nosign.crt int.crt
refuses 77 "certificate 2 of the chain is a CA's whose key usage lacks keyCertSign" "${chained[@]}"
same "$theirs" no "openssl on a CA without keyCertSign"
for len in 0 1; do
	signed root "top$len" "/O=Acme/CN=Top $len" "$(ca_len $len)"
	signed "top$len" "mid$len" "/O=Acme/CN=Mid $len" "$ca_ext\n$crl_url"
	under "mid$len" "mid$len.crt" "top$len.crt"
	same "$theirs" "$([ $len = 1 ] && echo yes || echo no)" "openssl on a CA below pathlen:$len"
	[ $len = 1 ] || refuses 77 "certificate 3 of the chain allows 0 CAs below it, and there are 1" "${chained[@]}"
done
check "$chancery" kafka bundle under --out . "${chained[@]}"

# Passwords: a file that others read, too short, beyond ASCII, empty.
printf 'short\n' >short
printf 'pässword\n' >umlaut
: >empty
cp password open
chmod 644 open
for row in 'short:shorter than 6' 'umlaut:beyond printable ASCII' 'empty:empty' \
	'open:others may read it' 'nowhere:No such file'; do
	rc=0
	kafka bundle bad "${client[@]}" --out out --password "file:${row%%:*}" 2>err >/dev/null || rc=$?
	[ "$rc" != 0 ] || die "password ${row%%:*} was taken"
	grep -q -- "${row#*:}" err || die "password ${row%%:*}: $(cat err)"
done
refuses 64 "must be pem or p12" "${client[@]:0:6}" --for client --format jks
fails 64 "--password SOURCE is missing" "$chancery" kafka bundle bad "${client[@]}" --format p12 --out out
fails 64 "alias" "$chancery" kafka bundle "a b" "${client[@]}" --out out
fails 77 "is not the certificate of an authority" "$chancery" kafka trust bad --ca client.crt --out out
fails 64 "one of them" "$chancery" kafka trust bad --ca root.crt --no-password "${pw[@]}" --out out
fails 66 "--out nowhere: no such directory" "$chancery" kafka bundle bad "${client[@]}" --out nowhere

# ---- all files or none ------------------------------------------------------------------
same "$(snapshot out)" "$before" "what is there after refusals"
fails 73 "exists (--replace replaces it)" "$chancery" kafka bundle broker "${broker[@]}" "${pw[@]}" --out out
# The second of two files is in the way: the first is not there either.
mkdir half half/bad.p12
fails 73 "bad.p12" "$chancery" kafka bundle bad "${client[@]}" "${pw[@]}" --out half
fails 73 "is not a regular file" "$chancery" kafka bundle bad "${client[@]}" "${pw[@]}" --out half --replace
same "$(find half -type f | wc -l)" 0 "files beside one that could not be made"
same "$(snapshot out)" "$before" "what is there after an attempt"
kafka bundle broker "${client[@]}" "${pw[@]}" --out out --replace >replaced.txt
same "$(java open out/broker.p12 changeit)" 'broker RSA 2' "the replaced store"
same "$(find out half -name '.*' | wc -l)" 0 "temporary files"

# ---- principals ---------------------------------------------------------------------------
# Java's own view of each, and ours: order, escapes, UTF-8, types that print as hex.
: >list
n=0
subject() {
	n=$((n + 1))
	check openssl req -x509 -new -key other.key -days 9 -utf8 -multivalue-rdn -subj "$1" \
	    -out "s$n.crt" "${@:2}"
	echo "s$n.crt" >>list
}
subject /C=DE/O=Acme/OU=Kafka/CN=client-1
subject /CN=client-1/OU=Kafka/O=Acme/C=DE
subject '/O=Acme, Inc./CN=a+b=c'
subject '/O=Q"u\\o<t>e;d/CN=x'
subject '/CN=#lead#er'
subject '/CN= lead and trail '
subject '/CN=   '
subject '/O=Ä ö ü 日本/CN=ключ'
subject '/O=Acme/CN=Case  Kept'
subject '/CN=a/CN=b'
subject '/O=Acme/OU=x+CN=y'
subject '/DC=example/DC=acme/UID=u1/CN=n'
subject '/emailAddress=a@acme.example/CN=mail'
subject '/serialNumber=0012/CN=serial'
subject '/title=Dr/GN=G/SN=S/CN=others'
subject '/ST=Hessen/L=Ort/street=Weg 1/CN=places'
subject "/CN=a,CN=admin"
subject "/CN=new"$'\n'"line"
subject '/businessCategory=x/postalCode=1/CN=z'
subject /O=Acme/CN=ascii
for mask in MASK:0x800 MASK:0x4 MASK:0x2 MASK:0x2000; do
	printf '[req]\nstring_mask=%s\ndistinguished_name=d\n[d]\n' "$mask" >mask.cnf
	subject /O=Acme/OU=Kafka/CN=types -config mask.cnf
done
mapfile -t files <list
java principal "${files[@]}" >java.txt
for f in "${files[@]}"; do
	kafka principal "$f" --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["principals"][0]["name"])'
done >ours.txt
cmp java.txt ours.txt || { diff java.txt ours.txt >&2; die "principals"; }
# shellcheck disable=SC2016 # of regular expressions
same "$(kafka principal s17.crt --cn-rule --json | field rules)" \
	'RULE:^CN=([a-zA-Z0-9._-]+)(?:,.*)?$/$1/,DEFAULT' "rule"
mapped() {
	kafka principal "$1" "${@:2}" --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["principals"][0]["principal"])'
}
same "$(mapped s17.crt --cn-rule)" 'User:CN=a\,CN\=admin' "a CN that wants to be admin"
same "$(mapped broker.crt --cn-rule)" User:broker-1 "mapped by CN"
same "$(mapped broker.crt --cn-rule-for OU=Kafka,O=Acme)" User:broker-1 "mapped by CN and rest"
same "$(mapped broker.crt --cn-rule-for OU=Guests,O=Acme)" \
	'User:CN=broker-1,OU=Kafka,O=Acme' "another rest"
same "$(mapped s2.crt --cn-rule)" 'User:C=DE,O=Acme,OU=Kafka,CN=client-1' "CN in the last place"
printf '[req]\nstring_mask=MASK:0x4\ndistinguished_name=d\n[d]\n' >mask.cnf
check openssl req -x509 -new -key other.key -days 9 -utf8 -subj '/CN=Ämt' -config mask.cnf -out t61.crt
fails 88 "Java misreads" "$chancery" kafka principal t61.crt
fails 66 "no PEM block" "$chancery" kafka principal client.key

# ---- a full disk, and a kill at every step --------------------------------------------------
if ldd "$chancery" | grep -q asan; then
	echo "no preloading under a sanitizer"
	exit 0
fi
mkdir disk
# with RULE: two files, one of them replaced; its status in rc.
with() {
	rc=0
	{
		FAULT_FS_PREFIX=$work/disk FAULT_FS_RULES="$1" LD_PRELOAD=$preload "$chancery" kafka bundle app \
			"${client[@]}" "${pw[@]}" --out disk --replace >with.out 2>&1 || rc=$?
	} 2>/dev/null
}
whole() {
	openssl pkey -in disk/app.pem -noout 2>/dev/null && openssl x509 -in disk/app.pem -noout &&
		openssl pkcs12 -in disk/app.p12 -passin file:password -noout
}
for rule in write:errno=ENOSPC fsync:errno=EIO link:errno=EIO rename:errno=EIO; do
	for ((nth = 1; ; nth++)); do
		rm -f disk/app.p12
		cp out/broker.pem disk/app.pem
		with "$rule:from=$nth"
		[ "$rc" != 0 ] || break
		cmp -s out/broker.pem disk/app.pem || die "$rule from $nth: the first file was replaced"
		[ ! -e disk/app.p12 ] || die "$rule from $nth: the second file is there"
		same "$(find disk -name '.*' -type f | wc -l)" 0 "files left after $rule from $nth"
	done
	whole || die "the run without a fault: $(cat with.out)"
done
# A killed call leaves keys under temporary names, new ones and replaced ones: the next removes them.
left=0
for ((nth = 1; ; nth++)); do
	with "*:kill=after:nth=$nth"
	[ "$rc" = 137 ] || break
	[ ! -e disk/app.p12 ] || whole || die "killed after call $nth: half a file"
	left=$((left + $(find disk -name '.*' -type f | wc -l)))
	check "$chancery" kafka bundle app "${client[@]}" "${pw[@]}" --out disk --replace
	same "$(find disk -name '.*' -type f | wc -l)" 0 "keys left by a call killed after call $nth"
done
[ "$left" -gt 6 ] || die "killed calls left $left files: nothing to remove"
[ "$nth" -gt 6 ] || die "only $nth calls seen"
