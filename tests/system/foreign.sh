#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No ceremony: a register made by hand, and an authority that somebody else's root signs.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

make_tokens
mkdir home
cat >home/chancery.yaml <<YAML
origin: acme.example/foreign
module: $module
soft_token_dir: ../tokens
tokens:
  ca: { uri: "pkcs11:token=acme-ca", pin: "file:../pin-ca", role: ca, charter: intermediate }
  log: { uri: "pkcs11:token=acme-log", pin: "file:../pin-log", role: log }
YAML
export CHANCERY_HOME=$work/home
fails 66 "log-key" "$chancery" register init
check "$chancery" register init --new-log-key
fails 73 "register" "$chancery" register init --new-log-key
check "$chancery" key generate --token ca --label sub --type ec-p256
fails 66 "no CA certificate" "$chancery" crl issue --issuer sub --out x.crl
check "$chancery" key csr sub --subject "CN=Our Sub,O=Acme,C=DE" --out sub.csr
check openssl req -in sub.csr -verify -noout
fails 73 "sub.csr" "$chancery" key csr sub --subject "CN=Our Sub,O=Acme,C=DE" --out sub.csr

# Their root, by openssl.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout their.key -out their.pem \
	-subj "/CN=Their Root" -days 3000 -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
cat >ext <<'EXT'
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
EXT
openssl x509 -req -in sub.csr -CA their.pem -CAkey their.key -days 900 -extfile ext -out sub.pem 2>/dev/null

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout b.key -out b.csr \
	-subj "/C=DE/O=Acme/CN=b1.acme.example" -addext "subjectAltName=DNS:b1.acme.example" 2>/dev/null
sign=("$chancery" sign csr --issuer sub --profile kafka-broker --csr b.csr)
fails 66 "no CA certificate" "${sign[@]}" --out b.pem
fails 65 "not a certificate over the key" "${sign[@]}" --out b.pem --issuer-cert their.pem
check "${sign[@]}" --out b.pem --issuer-cert sub.pem --format pem_bundle
check openssl verify -x509_strict -CAfile their.pem -untrusted sub.pem b.pem
same "$(grep -c BEGIN b.pem)" 2 "certificates in the bundle"
serial=$(openssl x509 -in b.pem -noout -serial | cut -d= -f2)
check "$chancery" revoke "$serial" --reason superseded
check "$chancery" crl issue --issuer sub --issuer-cert sub.pem --out sub.crl
openssl crl -in sub.crl -noout -text >crl.txt
grep -q "$serial" crl.txt || die "the serial is not on the list"
cat their.pem sub.pem >both.pem
check openssl crl -in sub.crl -noout -CAfile both.pem
same "$("$chancery" register verify --json | field ok)" True "register verify"

# A certificate of theirs that our key did not sign cannot be revoked by it.
fails 66 "no authority" "$chancery" revoke --cert their.pem --reason superseded
echo "foreign: good"
