#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the requests of this directory anew with the real programs (README.md says which).
# Only needed to see what a newer release of them writes; tests read the committed files.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../../../scripts/lib.sh"
out=${1:-$top/tests/data/csr}
scripts/deps bao
make_tmp
tmp=$REPLY

bao_start "$tmp"
# bao_csr FILE ARGUMENTS…: a mount of its own for each request, named as in the article.
bao_csr() {
	local file=$1
	shift
	bao secrets enable -path kafka-int-ca pki >/dev/null
	bao secrets tune -max-lease-ttl=8760h kafka-int-ca >/dev/null
	bao write -field=csr kafka-int-ca/intermediate/generate/internal \
	    common_name="Acme Kafka Intermediate CA" ttl=43800h "$@" >"$out/$file" 2>"$tmp/warnings"
	bao secrets disable kafka-int-ca >/dev/null
}
bao_csr openbao-int-rsa2048.pem
bao_csr openbao-int-p256.pem key_type=ec key_bits=256
bao_csr openbao-int-p384.pem key_type=ec key_bits=384
bao_csr openbao-int-ed25519.pem key_type=ed25519
bao_csr openbao-int-full-name.pem organization="Acme Corp" ou=Kafka country=US \
    province=CA locality="San Jose" exclude_cn_from_sans=true
bao_csr openbao-int-basic-constraints.pem add_basic_constraints=true

# keytool_csr FILE DNAME GENKEY-ARGUMENTS… [-- CERTREQ-ARGUMENTS…]
keytool_csr() {
	local file=$1 dname=$2 genkey=() store=$tmp/$1.jks
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		genkey+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	keytool -noprompt -keystore "$store" -alias broker -validity 365 -genkeypair \
	    -dname "$dname" -storepass test1234 "${genkey[@]}" 2>/dev/null
	keytool -keystore "$store" -alias broker -certreq -file "$out/$file" \
	    -storepass test1234 "$@" 2>/dev/null
}
keytool_csr keytool-broker-rsa2048.pem \
    "CN=kafka1.example.com,OU=BDP,O=Company,L=San Jose,S=CA,C=US" -keyalg RSA
keytool_csr keytool-broker-p256.pem \
    "CN=kafka1.example.com,OU=BDP,O=Company,L=San Jose,S=CA,C=US" \
    -keyalg EC -groupname secp256r1
keytool_csr keytool-localhost-default.pem \
    "CN=localhost,OU=Unknown,O=Unknown,L=Unknown,S=Unknown,C=Unknown" -keyalg RSA
# The article's list, its repeated name included, asked for at -genkeypair as it does
# (keytool then leaves it out of the request) and at -certreq.
dname="CN=mtls-kafka-0.mtls-kafka-headless, OU=OrganizationUnit, O=Organization, L=Confluent, S=Seoul, C=KR"
san=SAN=dns:mtls-kafka-0.mtls-kafka-headless.axplatform.svc.cluster.local
san+=,dns:mtls-kafka.mtls-kafka-headless.axplatform.svc.cluster.local
san+=,dns:mtls-kafka-0.mtls-kafka-headless
san+=,dns:mtls-kafka-0.mtls-kafka-headless.axplatform
san+=,dns:mtls-kafka-0.mtls-kafka-headless,dns:mtls-kafka
keytool_csr keytool-statefulset-lost-san.pem "$dname" -keyalg RSA -ext "$san"
keytool_csr keytool-statefulset-san.pem "$dname" -keyalg RSA -- -ext "$san"
keytool_csr keytool-broker-dsa.pem "CN=localhost" -keyalg DSA -keysize 2048

for f in "$out"/*.pem; do
	openssl req -in "$f" -noout -verify >/dev/null 2>&1 || die "$f does not verify"
done
