#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an issuer's certificate forbids is not signed below it: nobody would accept it. And
# what a profile gives by default fits the charters that people write.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

ceremony
create=("$chancery" issuer create --token ca --type ec-p256)
check "${create[@]}" --parent acme-root --label fenced --charter kafka-issuer \
	--subject "CN=Fenced,O=Acme,C=DE" --permit-dns kafka.acme.example \
	--exclude-dns bad.kafka.acme.example --out fenced.pem
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out named.csr \
	-subj "/CN=host.evil.example" 2>/dev/null
openssl req -new -key k -out plain.csr -subj "/CN=plain"
sign=("$chancery" sign csr --issuer fenced --profile generic --out x.pem)
for name in evil.example xkafka.acme.example acme.example; do
	fails 77 "permitted subtree" "${sign[@]}" --csr plain.csr --dns "$name"
done
fails 77 "excluded subtree" "${sign[@]}" --csr plain.csr --dns a.bad.kafka.acme.example
fails 77 "permitted subtree" "${sign[@]}" --csr plain.csr --dns kafka.acme.example --dns evil.example
fails 77 "permitted subtree" "${sign[@]}" --csr named.csr
[ ! -e x.pem ] || die "a file was written"
for name in kafka.acme.example a.b.kafka.acme.example; do
	check "${sign[@]}" --csr plain.csr --dns "$name"
	check openssl verify -x509_strict -CAfile home/out/acme-root.pem -untrusted fenced.pem x.pem
	rm x.pem
done

# Path length 0 is the end of CAs, whatever the charter says.
check "${create[@]}" --parent acme-root --label last --charter root --path-len 0 \
	--subject "CN=Last,O=Acme,C=DE" --life 1000d --out last.pem
before=$("$chancery" cert list --json | rows certificates)
fails 77 "path length 0" "$chancery" sign intermediate --issuer last --csr plain.csr --out y.pem --life 900d \
	--subject "CN=One too many,O=Acme,C=DE"
[ ! -e y.pem ] || die "a CA below path length 0"
same "$("$chancery" cert list --json | rows certificates)" "$before" "certificates"

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k5 -out five.csr \
	-subj "/CN=Five" 2>/dev/null
# Where the charter refuses too, it is the charter that does, because that is recorded.
fails 77 "charter-kind" "$chancery" sign intermediate --issuer fenced --csr five.csr --out y.pem \
	--subject "CN=One too many,O=Acme,C=DE"
same "$("$chancery" register show --type REFUSED --json | wc -l)" 1 "refusals in the register"

# "5y" in a charter is 1825 days; the default of the profile is no longer than that.
cat >five.yaml <<'YAML'
kinds: [ca, crl]
max_life: { ca: 5y, crl: 400d }
path_len: 0
backdate: 1h
algs: [ecdsa-sha256, ecdsa-sha384]
subject_keys: [ec-p256]
ekus: [serverAuth, clientAuth]
key_usage: []
names: { dn: [any], dns: [any] }
YAML
check "$chancery" charter set acme-root five.yaml
check "$chancery" sign intermediate --issuer acme-root --csr five.csr --out five.pem \
	--subject "CN=Five years,O=Acme,C=DE"
check "$chancery" register verify
echo "nesting: good"
