# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Read after lib.sh: a small authority of openssl's, for tests of what is made from certificates.
#   root -> int -> leaves, all P-256; leaf NAME SUBJECT EXTENSIONS [START END] makes NAME.{key,crt}.
ca_ext='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash'
key_usage='keyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid'
crl_url='crlDistributionPoints=URI:http://127.0.0.1:1/int.crl'
both="$key_usage\nextendedKeyUsage=serverAuth,clientAuth\n$crl_url"
client_ext="$key_usage\nextendedKeyUsage=clientAuth\n$crl_url"
local_names='subjectAltName=DNS:localhost,IP:127.0.0.1'
genkey() { openssl genpkey -algorithm "${2:-EC}" "${@:3}" -out "$1" 2>/dev/null; }
ec_key() { genkey "$1" EC -pkeyopt ec_paramgen_curve:P-256; }
# signed CA NAME SUBJECT EXTENSIONS [START END]; the key is there or is made.
signed() {
	local dates=()
	[ $# -lt 6 ] || dates=(-startdate "$5" -enddate "$6")
	[ -e "$2.key" ] || ec_key "$2.key"
	check openssl req -new -key "$2.key" -subj "$3" -utf8 -out "$2.csr"
	printf '[e]\n%b\n' "$4" >"$2.ext"
	if [ ! -e "$1.cnf" ]; then
		mkdir "$1.d"
		: >"$1.d/index"
		printf '%s\n' '[ca]' 'default_ca=c' '[c]' "database=$1.d/index" "new_certs_dir=$1.d" \
		    "certificate=$1.crt" "private_key=$1.key" 'rand_serial=yes' 'default_md=sha256' \
		    'default_days=30' 'policy=p' 'unique_subject=no' '[p]' 'CN=optional' 'O=optional' \
		    'OU=optional' 'C=optional' >"$1.cnf"
	fi
	check openssl ca -batch -notext -config "$1.cnf" -in "$2.csr" -extfile "$2.ext" \
	    -extensions e -preserveDN -out "$2.crt" "${dates[@]}"
}
leaf() { signed int "$@"; }
# authority: root and int, with their certificates.
authority() {
	ec_key root.key
	check openssl req -x509 -new -key root.key -subj '/O=Acme/CN=Acme Root CA' -days 60 \
	    -out root.crt -addext 'basicConstraints=critical,CA:TRUE' \
	    -addext 'keyUsage=critical,keyCertSign,cRLSign'
	signed root int '/O=Acme/CN=Acme Kafka CA' "$ca_ext\n$crl_url"
}
