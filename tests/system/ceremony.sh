#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rehearsal and a real ceremony; every result is judged by openssl.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cp "$data/plan/acme-root.yaml" plan.yaml
make_tokens
words plan.yaml >typed

# A real run needs a rehearsal of the same plan.
fails 77 "run it with --rehearse first" "$chancery" ceremony run plan.yaml --home home <typed
fails 64 "--yes is for rehearsals" "$chancery" ceremony run plan.yaml --home home --yes
[ ! -e home/register ] || die "a refused run left a register"
rehearse
sed 's/life: 7300d/life: 7299d/' plan.yaml >other.yaml
fails 77 "its core differs" "$chancery" ceremony run other.yaml --home home <typed

# The rehearsal's certificates cannot be taken for real ones.
openssl x509 -in home/rehearsal-1/out/acme-root.pem -noout -subject |
	grep -q "REHEARSAL - NOT TRUSTED" || die "no mark in the rehearsed root"
openssl x509 -in home/rehearsal-1/out/acme-kafka-ca.pem -noout -subject |
	grep -q "REHEARSAL - NOT TRUSTED" || die "no mark in the rehearsed intermediate"
grep -q "REHEARSAL" home/rehearsal-1/out/report.txt || die "no mark in the report"

# Token, pins and dates may differ between the two; the plan names its rehearsal.
hash=$(sha256sum <home/rehearsal-1/out/transcript.jsonl | cut -d' ' -f1)
echo "rehearsal: $(printf '0%.0s' {1..64})" | cat plan.yaml - >named.yaml
fails 77 "names another transcript" "$chancery" ceremony run named.yaml --home home <typed
echo "rehearsal: $hash" | cat plan.yaml - >named.yaml
check "$chancery" ceremony run named.yaml --home home <typed
export CHANCERY_HOME=$work/home
cd home/out

# openssl on what came out.
check openssl verify -check_ss_sig -x509_strict -CAfile acme-root.pem acme-root.pem
check openssl verify -check_ss_sig -x509_strict -CAfile acme-root.pem acme-kafka-ca.pem
check openssl verify -crl_check -CRLfile acme-root.crl -CAfile acme-root.pem acme-kafka-ca.pem
openssl x509 -in acme-root.pem -noout -text >root.txt
grep -q "CN = Acme Root CA" root.txt || die "subject of the root"
grep -q "CA:TRUE" root.txt || die "basic constraints of the root"
grep -q "secp384r1" root.txt || die "curve of the root"
if grep -q REHEARSAL root.txt; then die "the real root is marked"; fi
openssl x509 -in acme-kafka-ca.pem -noout -text >ca.txt
grep -q "pathlen:0" ca.txt || die "path length of the intermediate"
grep -q "URI:http://pki.acme.example/root.crl" ca.txt || die "distribution point"
openssl crl -in acme-root.crl -noout -text >crl.txt
grep -A1 "CRL Number" crl.txt | grep -q " 1$" || die "CRL number"
grep -q "No Revoked Certificates" crl.txt || die "the first CRL is not empty"

# The transcript's chain, by hand; no PIN in anything that was written.
python3 - <<'PY' || die "the transcript's chain"
import hashlib, json
prev = "0" * 64
for n, line in enumerate(open("transcript.jsonl", "rb").read().splitlines()):
    entry = json.loads(line)
    assert entry["n"] == n and entry["prev"] == prev, n
    prev = hashlib.sha256(line).hexdigest()
assert entry["what"] == "finish"
PY
cd "$work"
if grep -rlE "7312009481|48210937|90517264" home/out home/register home/ceremony home/chancery.yaml; then
	die "a PIN was written down"
fi

# The report: text, and HTML that fetches nothing.
grep -q "plan hash" home/out/report.txt || die "no plan hash in the report"
grep -q "NOT CONFIRMED" home/out/report.txt && die "a refusal that was not"
if grep -qiE "<script|src=|href=|url\(|@import" home/out/report.html; then
	die "the HTML report is not self-contained"
fi
check "$chancery" ceremony report home/out/transcript.jsonl --html again.html --text again.txt
cmp -s again.html home/out/report.html || die "the report differs when made again"
cmp -s again.txt home/out/report.txt || die "the text report differs when made again"

# The steps stand in the register, and it verifies.
same "$("$chancery" register verify --json | field ok)" True "register verify"
same "$("$chancery" register show --type EVENT --json | wc -l)" 13 "steps in the register"
same "$("$chancery" key list --json | rows keys)" 2 "keys"
same "$("$chancery" cert list --json | rows certificates)" 2 "certificates"
same "$("$chancery" crl show home/out/acme-root.crl --json | field number)" 1 "CRL number"

# A finished ceremony is not begun again; resuming it changes nothing.
fails 73 "a ceremony was begun" "$chancery" ceremony run plan.yaml --home home <typed
before=$(snapshot home/out home/register home/ceremony)
check "$chancery" ceremony resume named.yaml --home home </dev/null
same "$(snapshot home/out home/register home/ceremony)" "$before" "files after a resume"
echo "ceremony: good"
