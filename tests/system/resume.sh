#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One ceremony, aborted at every confirmation and resumed: nothing is made twice.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cp "$data/plan/acme-root.yaml" plan.yaml
make_tokens
rehearse
words plan.yaml >typed
fails 66 "no ceremony was begun" "$chancery" ceremony resume plan.yaml --home home </dev/null

# Wrong words at each step, then the right ones and the end of the input.
total=$(wc -l <typed)
verb=run
for ((i = 1; i <= total; i++)); do
	rc=0
	echo "something else" | "$chancery" ceremony "$verb" plan.yaml --home home >log 2>err || rc=$?
	same "$rc" 89 "exit after wrong words (step $i: $(cat err))"
	grep -q "not confirmed" err || { cat err; die "step $i"; }
	verb=resume
	rc=0
	sed -n "${i}p" typed | "$chancery" ceremony resume plan.yaml --home home >log 2>err || rc=$?
	if [ "$i" -lt "$total" ]; then
		same "$rc" 89 "exit at the end of the input (step $i: $(cat err))"
	else
		same "$rc" 0 "exit of the last step ($(cat err))"
	fi
done
export CHANCERY_HOME=$work/home
same "$("$chancery" key list --json | rows keys)" 2 "keys"
same "$("$chancery" cert list --json | rows certificates)" 2 "certificates"
same "$("$chancery" register show --type KEYGEN-INTENT --json | wc -l)" 2 "key generations"
same "$("$chancery" register show --type SIGNED --json | wc -l)" 3 "signatures"
same "$("$chancery" register verify --json | field ok)" True "register verify"
check openssl verify -check_ss_sig -CAfile home/out/acme-root.pem home/out/acme-kafka-ca.pem
same "$(grep -c "NOT CONFIRMED" home/out/report.txt)" "$total" "refusals in the report"
if grep -q "something else" home/out/transcript.jsonl; then die "typed text was written down"; fi

# Lost files come back from the register, the same.
before=$(snapshot home/out)
for f in acme-root.pem acme-kafka-ca.pem acme-root.crl report.html report.txt transcript.jsonl; do
	rm "home/out/$f"
done
check "$chancery" ceremony resume plan.yaml --home home </dev/null
same "$(snapshot home/out)" "$before" "files after they were lost"

# Another plan does not go on with this ceremony.
sed 's/Acme Root CA, key/Acme Root CA, another key/' plan.yaml >other.yaml
fails 77 "begun with another plan" "$chancery" ceremony resume other.yaml --home home

# A deviation is written down with its witness, and the question stands again.
mkdir second
cp plan.yaml second/
cd second
make_tokens
rehearse
{
	echo "deviation: the safe opened late"
	echo "Nobody Known"
	echo "deviation: <b>the lamp</b> failed"
	echo "Dana Fuchs"
	cat ../typed
} | check "$chancery" ceremony run plan.yaml --home home
grep -q '"what":"deviation"' home/out/transcript.jsonl || die "no deviation in the transcript"
same "$(grep -c '"what":"deviation"' home/out/transcript.jsonl)" 1 "deviations"
grep -q "DEVIATION: <b>the lamp</b> failed (witness Dana Fuchs)" home/out/report.txt ||
	die "no deviation in the report"
grep -q "&lt;b&gt;the lamp" home/out/report.html || die "the HTML report does not escape"
echo "resume: good"
