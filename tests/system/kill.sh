#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rehearsal killed with SIGKILL again and again, at other moments each time, and resumed
# until it is done: the end is that of an undisturbed one.
killed=$(realpath "$(dirname "$0")/killed.py")
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cp "$data/plan/acme-root.yaml" plan.yaml
kills=0
verb=run
for ((i = 1; i <= 400; i++)); do
	# From a few milliseconds on, in steps that do not divide each other; the late ones
	# are long enough for a sanitizer's build on a busy machine.
	ms=$((5 + i * 17 % 120 + i * 2 + i * i / 50))
	after=$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))
	rc=0
	"$chancery" ceremony "$verb" plan.yaml --rehearse --yes --home home >log 2>err &
	pid=$!
	sleep "$after"
	kill -KILL "$pid" 2>/dev/null || true
	{ wait "$pid" || rc=$?; } 2>/dev/null
	case $rc in
	0) break ;;
	137) kills=$((kills + 1)) ;;
	*) cat err; die "exit $rc after $kills kills" ;;
	esac
	# Killed before the first line was written: there is nothing to resume.
	if [ -s home/rehearsal-1/ceremony/journal ]; then
		verb=resume
	else
		rm -rf home
	fi
done
[ "$rc" = 0 ] || die "not finished after $kills kills"
[ "$kills" -gt 3 ] || die "only $kills kills"
export CHANCERY_HOME=$work/home/rehearsal-1
same "$("$chancery" register verify --json | field ok)" True "register verify"
same "$("$chancery" register verify --json | field open_intents)" 0 "open intents"
good=$("$chancery" cert list --json | python3 -c '
import json, sys
print(sum(c["status"] == "good" for c in json.load(sys.stdin)["certificates"]))')
[ "$good" -ge 2 ] || die "$good good certificates"
same "$("$chancery" key list --json | rows keys)" 2 "keys"
serials=$("$chancery" cert list --json | python3 -c '
import json, sys
v = [c["serial"] for c in json.load(sys.stdin)["certificates"]]
print(len(v) - len(set(v)))')
same "$serials" 0 "serials used twice"
check openssl verify -check_ss_sig -CAfile "$CHANCERY_HOME/out/acme-root.pem" \
	"$CHANCERY_HOME/out/acme-kafka-ca.pem"

# The real one, from the first login to a token on, which is when SoftHSM once lost it.
mkdir real
cd real
unset CHANCERY_HOME
cp "$data/plan/acme-root.yaml" plan.yaml
make_tokens
rehearse
real=$(python3 "$killed" "$chancery" "$RANDOM") || die "the real ceremony"
[ "$real" -gt 3 ] || die "only $real kills of the real ceremony"
export CHANCERY_HOME=$PWD/home
same "$("$chancery" register verify --json | field ok)" True "register verify"
same "$("$chancery" register verify --json | field open_intents)" 0 "open intents"
same "$("$chancery" key list --json | rows keys)" 2 "keys"
check openssl verify -check_ss_sig -CAfile home/out/acme-root.pem home/out/acme-kafka-ca.pem
echo "kill: good after $kills and $real kills"
