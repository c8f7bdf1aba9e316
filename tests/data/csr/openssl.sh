#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Requests of openssl req, beside this script. Keys are thrown away.
set -eu
dir=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
cat > "$tmp/cnf" <<'CNF'
[req]
prompt = no
distinguished_name = dn
utf8 = yes
[dn]
C = KR
ST = Seoul
O = 주식회사 예제
CN = broker-1.example.test
[challenge]
challengePassword = not a secret
CNF
sed 's/^distinguished_name.*/&\nattributes = challenge/' "$tmp/cnf" > "$tmp/cnf-challenge"
req() { openssl req -new -nodes -config "$tmp/cnf" -keyout "$tmp/key" "$@"; }
req -newkey rsa:2048 -out "$dir/openssl-rsa2048.pem"
req -newkey rsa:2048 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest \
    -out "$dir/openssl-rsa2048-pss.pem"
req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -out "$dir/openssl-p256.pem"
req -newkey ec -pkeyopt ec_paramgen_curve:P-384 -sha384 -out "$dir/openssl-p384.pem"
req -newkey ec -pkeyopt ec_paramgen_curve:P-384 -out "$dir/openssl-p384-sha256.pem"
req -newkey ec -pkeyopt ec_paramgen_curve:P-521 -sha512 -out "$dir/openssl-p521.pem"
req -newkey ed25519 -out "$dir/openssl-ed25519.pem"
req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -config "$tmp/cnf-challenge" \
    -addext 'subjectAltName=DNS:broker-1.example.test,IP:192.0.2.1' -text \
    -out "$dir/openssl-challenge-san-text.pem"
req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -multivalue-rdn \
    -subj '/O=Acme/CN=app+UID=7' -out "$dir/openssl-multivalued.pem"
req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -outform DER -out "$dir/openssl-p256.der"
req -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -out "$dir/openssl-secp256k1.pem"
req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit \
    -out "$dir/openssl-p256-explicit.pem"
req -newkey rsa:1024 -out "$dir/openssl-rsa1024.pem"
req -newkey rsa:2048 -sha1 -out "$dir/openssl-rsa2048-sha1.pem"
