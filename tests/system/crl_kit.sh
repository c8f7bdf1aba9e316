#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Emergency kits: made beside an ordinary list, judged by openssl, checked and published without
# the root; numbers go on behind them, and every list of them is made again from the register.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

ceremony
root=home/out/acme-root.pem
check "$chancery" issuer create --token ca --type ec-p256 --parent acme-root --label second \
	--charter kafka-issuer --subject "CN=Second,O=Acme,C=DE" --out second.pem
# That of the plan, and the second one.
cas=2

fails 64 "366d" "$chancery" crl kit make kit --issuer acme-root --long 367d

check "$chancery" crl kit make kit --issuer acme-root --life 30d --long 90d --json
python3 - check.out <<'END' >numbers
import json, sys
made = json.load(open(sys.argv[1]))
numbers = [row["number"] for row in made["lists"]]
assert numbers == list(range(made["ordinary"] + 1, made["ordinary"] + 1 + len(numbers))), made
print(made["ordinary"], numbers[-1], len(numbers))
END
read -r ordinary last count <numbers
same "$count" $((cas + 2)) "lists of a kit"
same "$(stat -c %a kit)" 700 "mode of the kit"
(cd kit && sha256sum --quiet -c SHA256SUMS) || die "sums"
for list in kit/*.crl; do
	openssl crl -inform der -in "$list" -CAfile "$root" -noout >/dev/null 2>verdict
	grep -q "verify OK" verdict || die "$list: $(cat verdict)"
done
# Nothing, not 0, of a list that openssl does not read.
entries() { openssl crl -inform der -in "$1" -noout -text >list.txt && grep -c 'Serial Number:' list.txt; }
same "$(entries kit/*-revoked-all.crl)" "$cas" "entries of the list that revokes all"
same "$(entries kit/*-root-gone.crl)" 0 "entries of the list with the late end"
for list in kit/*-revoked-[0-9]*.crl; do
	same "$(entries "$list")" 1 "entries of $list"
done
# A verifier refuses the authority under the list that revokes it, and takes it under the other.
crls() { openssl crl -inform der -in "$1" >crl.pem; }
second=$(openssl x509 -in second.pem -noout -serial | sed 's/.*=//')
for list in kit/*-revoked-[0-9]*.crl; do
	crls "$list"
	if openssl crl -in crl.pem -noout -text | grep -qi "Serial Number: $second"; then
		! openssl verify -crl_check -CAfile "$root" -CRLfile crl.pem second.pem >verdict 2>&1 || die "not revoked"
		grep -q "certificate revoked" verdict || die "$(cat verdict)"
	else
		check openssl verify -crl_check -CAfile "$root" -CRLfile crl.pem second.pem
	fi
done
grep -q "Second" kit/kit.txt || die "kit.txt"

# --- checked and published without the root ------------------------------------------------------
served=$(find home/crl -path "*/full/$ordinary.crl")
check "$chancery" crl kit check kit --published "$served"
mv tokens tokens-away
check "$chancery" crl kit check kit
# The server has a user of its own, and reads it whatever the umask here is.
(umask 077 && check "$chancery" crl kit publish kit --number $((ordinary + 1)))
same "$(stat -c %a "$(dirname "$served")/$((ordinary + 1)).crl")" 644 "mode of a list that is served"
cmp -s "$(dirname "$served")/$((ordinary + 1)).crl" "$(find kit -name "$((ordinary + 1))-*")" || die "what is served"
fails 77 "not newer" "$chancery" crl kit publish kit --number $((ordinary + 1))
fails 66 "has no list" "$chancery" crl kit publish kit --number "$ordinary"
mv tokens-away tokens

# --- afterwards: the next list is newer than all of the kit -----------------------------------------
check "$chancery" crl issue --issuer acme-root --out next.pem
same "$(($(openssl crl -in next.pem -noout -crlnumber | sed 's/.*=0x/0x/')))" $((last + 1)) "next number"
fails 77 "not newer" "$chancery" crl kit publish kit --number "$last"
fails 77 "not newer" "$chancery" crl kit check kit --published next.pem
check "$chancery" register verify
check "$chancery" crl audit --rebuild all

# --- what is not a kit -----------------------------------------------------------------------------
cp -r kit bad
printf x >>"$(find bad -name '*-root-gone.crl')"
fails 84 "is not what SHA256SUMS names" "$chancery" crl kit check bad
rm -r bad
cp -r kit bad
sed -i 1d bad/SHA256SUMS
sed -i 2d bad/SHA256SUMS
fails 84 "one is missing" "$chancery" crl kit check bad
rm -r bad
cp -r kit bad
cp second.pem bad/issuer.pem
fails 65 "CRL" "$chancery" crl kit check bad
echo "../x" >bad/SHA256SUMS
fails 65 "SHA256SUMS" "$chancery" crl kit check bad
check "$chancery" crl kit make short --issuer acme-root --life 1s --long 1s
until ! "$chancery" crl kit check short >/dev/null 2>&1; do sleep 0.2; done
fails 77 "make a new kit" "$chancery" crl kit check short

# --- what the charter does not allow is not signed, and nothing is left --------------------------------
cat >tight.yaml <<'YAML'
kinds: [ca, crl]
max_life: { ca: 5y, crl: 40d }
path_len: 0
backdate: 1h
algs: [ecdsa-sha256, ecdsa-sha384]
subject_keys: [ec-p256]
ekus: [serverAuth, clientAuth]
key_usage: []
names: { dn: [any], dns: [any] }
YAML
check "$chancery" charter set acme-root tight.yaml
fails 77 "charter" "$chancery" crl kit make other --issuer acme-root --life 30d --long 90d
{ [ ! -e other ] && [ ! -e other.new ]; } || die "a kit was left behind"
check "$chancery" register verify
echo "crl_kit: good"
