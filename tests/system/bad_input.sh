#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a stranger may bring, row by row: the exit code, the words that name field, file or
# rule, no file written, nothing in the register but a refusal, no PIN in any of it.
requests=$(realpath "$(dirname "$0")/requests.py")
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

ceremony
export CHANCERY_HOME=$PWD/home
ca=acme-kafka-ca
cat >narrow.yaml <<'YAML'
kinds: [leaf, crl]
max_life: { leaf: 90d, crl: 8d }
backdate: 10m
algs: [ecdsa-sha256]
subject_keys: [ec-p256, rsa-2048]
ekus: [serverAuth, clientAuth]
key_usage: [digitalSignature]
names: { dn: ["any"], dns: [.acme.example] }
YAML
check "$chancery" charter set "$ca" narrow.yaml
# The signer looks at a request for its charter only after all else.
python3 "$requests"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3 \
	-out e3.key 2>/dev/null
openssl req -new -key e3.key -subj "/CN=e3" -out rsa-e3
openssl req -new -newkey rsa:2048 -nodes -keyout leaf.key -subj "/CN=b1.acme.example" \
	-addext "subjectAltName=DNS:b1.acme.example" -out usual 2>/dev/null
mkdir directory
mkfifo fifo
: >empty
head -c 100000000 /dev/zero >huge
head -c 3000 /dev/urandom >garbage
head -c 200 good >truncated
cat usual usual >two-blocks
sed '3s/./!/' usual >not-base64
head -n 4 usual >no-end
iconv -t UTF-16 usual >utf16

# try CODE TEXT FLAGS…: one request to sign, which must not be.
out=$PWD/x.pem
try() {
	local code=$1 text=$2
	shift 2
	fails "$code" "$text" timeout 60 "$chancery" sign csr --issuer "$ca" --profile kafka-broker \
		--out "$out" "$@" </dev/null
	[ ! -e "$out" ] || die "a refused request left $out"
	cat fails.out fails.err >>everything
	same "$(grep -c . fails.out)" 0 "lines on standard output: $*"
}
while read -r code request text; do
	try "$code" "$text" --csr "$request"
done <<-'END'
	65 directory directory: Is a directory
	65 fifo fifo: neither DER nor a PEM block
	65 empty empty: neither DER nor a PEM block
	65 huge huge: larger than 65536 bytes
	65 /dev/zero larger than 65536 bytes
	65 garbage garbage:
	65 truncated truncated: not a CertificationRequest
	66 missing missing: No such file
	66 empty/x empty/x: Not a directory
	65 leaf.key leaf.key: neither DER nor a PEM block
	65 home/out/acme-root.pem acme-root.pem: neither DER nor a PEM block
	65 two-blocks more than one PEM block
	65 not-base64 from line 2 on: not base64
	65 no-end from line 2 on: no END line
	65 utf16 utf16:
	65 tail tail: 2 bytes after
	65 deep nested too deep
	65 version-2 version: not 0
	65 dns-nul subjectAltName[0]: "b1.acme.example\x00.evil.example" is not a valid dNSName
	65 dns-control subjectAltName[0]: "b1\x1b[31m.acme.example" is not a valid dNSName
	65 dns-line subjectAltName[0]: "b1.acme.example\x0ax" is not a valid dNSName
	65 dns-utf8 not a valid dNSName
	65 dns-empty subjectAltName
	65 dns-dot not a valid dNSName
	65 dns-end-dot not a valid dNSName
	65 dns-space not a valid dNSName
	65 dns-label-64 not a valid dNSName
	65 dns-254 not a valid dNSName
	65 dns-wildcard-2 not a valid dNSName
	65 dns-wildcard-all not a valid dNSName
	65 dns-address not a valid dNSName
	77 dns-wildcard house-kafka-broker-san
	77 dns-outside charter-names-san: extensions.subjectAltName.dNSName[0] = "b1.evil.example"
	65 ip-5 subjectAltName: malformed GeneralName
	77 other-name subjectAltName[1] of the request is of a kind that is not certified
	77 directory-name subjectAltName[1] of the request is of a kind that is not certified
	65 email-nul subjectAltName[1]: "a@b.example\x00" is not a valid rfc822Name
	65 uri-line is not a valid uniformResourceIdentifier
	65 san-none subjectAltName
	77 san-800-outside charter-names-san: extensions.subjectAltName.dNSName[0]
	77 san-801 801 names, limit 800
	65 san-twice subjectAltName stands there twice
	77 no-san subjectAltName: required
	77 no-subject CN is missing
	65 cn-nul subject: name: CN
	77 cn-control subject: CN holds a control character
	77 cn-line subject: CN holds a control character
	77 cn-c1 subject: CN holds a control character
	77 cn-bmp-control subject: CN holds a control character
	65 cn-bmp-odd subject: name: CN
	65 cn-not-utf8 subject: name: CN
	65 cn-empty subject: name: CN
	77 cn-two CN
	65 rdn-500 over 128 attributes
	87 bad-signature proof of possession
	87 zero-signature proof of possession
	65 no-signature proof of possession
	88 other-algorithm proof of possession
	88 unknown-algorithm signatureAlgorithm
	77 off-curve not on curve
	65 infinity subjectPublicKeyInfo
	77 rsa-e3 RSA exponent: below 65537
END
for row in "77 rsa1024 1024 bits" "88 p256-explicit not one of the named curves" \
	"88 secp256k1 not one of the named curves" "88 rsa2048-sha1 signatureAlgorithm"; do
	read -r code name text <<<"$row"
	try "$code" "$text" --csr "$data/csr/openssl-$name.pem"
done

# --- flags -----------------------------------------------------------------------------------
while read -r code flags; do
	text=${flags#*:} flags=${flags%%:*}
	# shellcheck disable=SC2086
	try "$code" "${text# }" --csr good $flags
done <<-'END'
	64 --life -5d: --life "-5d" is not a duration
	64 --life 0d: --life "0d" is not a duration
	64 --life 99999999999999d: is not a duration
	64 --life 90: is not a duration
	64 --life 2031-01-01: is not a duration
	77 --life 91d: validity
	64 --life 1d --life 2d: --life given twice
	64 --dns: --dns needs NAME
	65 --dns a..example: "a..example" is not a valid dNSName
	64 --ip 10.0.0.0/8: --ip "10.0.0.0/8" is not an IP address
	65 --subject CN: '='
	65 --subject CN=a,XX=b: unknown attribute type
	64 --format pkcs12: format "pkcs12"
	64 --sig-alg rsa-sha256: does not fit
	65 --issuer-cert good: good
	65 --crl-url notaurl: notaurl
	64 --frobnicate: no flag --frobnicate
	64 extra: too many arguments
END
profile() { fails "$1" "$2" "$chancery" sign csr --issuer "$ca" --csr good --out "$out" --profile "$3"; }
profile 64 'no profile "nope"' nope
profile 64 'no profile "x\x1b[31m"' $'x\e[31m'
profile 64 'profile root is for a CA' root
profile 64 'profile intermediate is for a CA' intermediate
profile 64 '--profile NAME is empty' ''
issuer() { fails "$1" "$2" "$chancery" sign csr --profile generic --csr good --out "$out" --issuer "$3"; }
issuer 66 'no key "nobody"' nobody
issuer 66 'no key "' "$(printf 'a%.0s' {1..300})"

# --- outputs: refused before anything is signed -----------------------------------------------
output() { fails "$1" "$2" "$chancery" sign csr --issuer "$ca" --profile kafka-broker --csr good --out "$3"; }
output 74 "nowhere/x" nowhere/x
output 74 "nowhere/" nowhere/
output 73 "directory" directory
output 73 "fifo: exists" fifo
output 73 "/dev/null" /dev/null
output 74 "/proc/x" /proc/x
output 74 "too long" "$(printf 'a%.0s' {1..300})"
output 64 "not standard output" -
output 64 "--out FILE is empty" ''
if [ "$(id -u)" != 0 ]; then
	mkdir -m 555 closed
	output 74 "closed/x" closed/x
fi
[ ! -e - ] || die "a file named -"
longest=$(printf 'a%.0s' {1..255})
check "$chancery" sign csr --issuer "$ca" --profile kafka-broker --csr good --out "$longest"
check openssl x509 -in "$longest" -noout

# --- nothing happened, nothing was told -----------------------------------------------------------
same "$("$chancery" cert list --json | rows certificates)" 3 "certificates"
same "$("$chancery" register show --type REFUSED --json | wc -l)" 2 "refusals by the charter"
same "$("$chancery" register verify --json | field ok)" True "register verify"
same "$(find . -maxdepth 1 -name '*.tmp' | wc -l)" 0 "temporary files"
if grep -qE "48210937|90517264" everything; then die "a PIN was told"; fi
if grep -q "PRIVATE KEY" everything; then die "a key was shown"; fi
echo "bad input: good"
