#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No output is ever overwritten, and none is written after a refusal.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cp "$data/plan/acme-root.yaml" plan.yaml
make_tokens
rehearse
words plan.yaml >typed
for f in out/acme-root.pem out/acme-root.crl out/report.html chancery.yaml; do
	mkdir -p home/out
	echo precious >"home/$f"
	fails 73 "$f" "$chancery" ceremony run plan.yaml --home home <typed
	same "$(cat "home/$f")" precious "$f"
	rm "home/$f"
done
[ ! -e home/register ] || die "a register was made"
check "$chancery" ceremony run plan.yaml --home home <typed
export CHANCERY_HOME=$work/home

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c.csr \
	-subj "/C=DE/O=Acme/CN=b1.acme.example" -addext "subjectAltName=DNS:b1.acme.example" 2>/dev/null
echo precious >taken
before=$("$chancery" register verify --json | field records)
fails 73 "taken" "$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --csr c.csr --out taken
fails 73 "taken" "$chancery" sign intermediate --issuer acme-root --csr c.csr --out taken
fails 73 "taken" "$chancery" issuer create --parent acme-root --token ca --label x --type ec-p256 \
	--charter intermediate --subject "CN=X,O=Acme,C=DE" --out taken
fails 73 "taken" "$chancery" crl issue --issuer acme-root --out taken
fails 73 "taken" "$chancery" register export taken
fails 74 "nowhere" "$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --csr c.csr \
	--out nowhere/c.pem
same "$(cat taken)" precious "the file"
# Refused before any signature: the register knows nothing of it.
same "$("$chancery" register verify --json | field records)" "$before" "records"
same "$("$chancery" key list --json | rows keys)" 2 "keys"
fails 73 "taken" "$chancery" register receipt 1 --out taken
echo "outputs: good"
