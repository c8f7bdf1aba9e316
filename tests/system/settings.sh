#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Settings of the home that hold something back: the anchor on the log token, the block
# list of weak keys.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
ceremony
ca=acme-kafka-ca
openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -subj /CN=broker-1.kafka.acme.example \
	-addext subjectAltName=DNS:broker-1.kafka.acme.example -out broker.csr 2>/dev/null
sign() {
	"$chancery" sign csr --issuer "$ca" --profile kafka-broker --csr broker.csr --out "$1"
}

# --- a register that is rolled back together with its anchor directory ------------------------
check sign before.pem
sed -i '1i anchor_object: true' home/chancery.yaml
check sign first.pem
cp -a home/register register.old
check sign second.pem
rm -rf home/register home/anchor anchor
cp -a register.old home/register
before=$(snapshot home/register)
fails 85 "chancery checkpoint" sign third.pem
[ ! -e third.pem ] || die "something was signed"
same "$(snapshot home/register)" "$before" "the register after the refusal"

# Without that anchor nothing remembers: what the setting is for.
sed -i '/^anchor_object/d' home/chancery.yaml
check sign third.pem

# --- a key on the block list ------------------------------------------------------------------
openssl req -in broker.csr -noout -modulus | sha1sum | cut -c 21-40 >list
sed -i "1i weak_keys: $work/list" home/chancery.yaml
fails 77 "block list" sign fourth.pem
[ ! -e fourth.pem ] || die "something was signed"
echo 00000000000000000000 >list
check sign fourth.pem
echo zz >list
fails 65 "list" sign fifth.pem
