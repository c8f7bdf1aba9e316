#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ceremonies and signatures on a module and a disk that fail (tests/fault/README.md).
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
export FAULT_PKCS11_MODULE=$module

# Through the wrapper, as another module would be.
sed "s#path: /usr/lib.*#path: $fault#" "$data/plan/acme-root.yaml" >plan.yaml
run=("$chancery" ceremony run plan.yaml --rehearse --yes --soft-module "$fault" --home home)
resume=("$chancery" ceremony resume "${run[@]:3}")
finished() { # what must hold for the rehearsal in home/
	local rehearsal=home/rehearsal-1
	same "$("$chancery" key list --home $rehearsal --json | rows keys)" 2 "keys ($1)"
	same "$("$chancery" register verify --home $rehearsal --json | field open_intents)" 0 "open ($1)"
	check openssl verify -check_ss_sig -CAfile $rehearsal/out/acme-root.pem \
		$rehearsal/out/acme-kafka-ca.pem
	same "$("$chancery" token list --home $rehearsal --json | rows tokens)" 3 "tokens ($1)"
}
killed() { # killed RULES COMMAND…: must die of SIGKILL
	local rc=0 rules=$1
	shift
	{ FAULT_PKCS11_RULES=$rules "$@" >log 2>&1 || rc=$?; } 2>/dev/null
	same "$rc" 137 "exit under $rules ($(tail -n 1 log))"
}

# --- a kill around each key generation: log key, sacrificial keys, root, intermediate -------
# Every second one unless CHANCERY_FULL is set.
every=2
[ -z "${CHANCERY_FULL:-}" ] || every=1
for when in before after; do
	for ((n = 1; n <= 9; n += every)); do
		rm -rf home
		rc=0
		{ FAULT_PKCS11_RULES="C_GenerateKeyPair:kill=$when:nth=$n" "${run[@]}" >log 2>&1 || rc=$?; } \
			2>/dev/null
		[ "$rc" != 0 ] || break
		same "$rc" 137 "exit when killed $when generation $n"
		check "${resume[@]}"
		finished "$when generation $n"
	done
	[ "$n" -gt 5 ] || die "only $n generations"
done

# --- a kill around the signature of the root certificate -------------------------------------
rm -rf home
rc=0
"${run[@]}" --stop-after root-custody >log 2>&1 || rc=$?
same "$rc" 89 "exit of a stop"
killed "C_Sign:kill=after:nth=1" "${resume[@]}"
killed "C_Sign:kill=before:nth=1" "${resume[@]}"
check "${resume[@]}"
finished "signature"
assumed=$("$chancery" register verify --home home/rehearsal-1 --json | field assumed)
[ "$assumed" -ge 1 ] || die "no signature was assumed"
grep -q "counts as signed" home/rehearsal-1/out/report.txt || die "the report does not tell"
same "$("$chancery" register show --home home/rehearsal-1 --type INTENT --json |
	grep -c '"retry":')" 2 "INTENTs that say what they repeat"

# --- a wrong signature is not released, an attack that succeeds stops everything --------------
rm -rf home
"${run[@]}" --stop-after root-custody >log 2>&1 || true
rc=0
FAULT_PKCS11_RULES="C_Sign:corrupt" "${resume[@]}" >log 2>&1 || rc=$?
[ "$rc" != 0 ] || die "a wrong signature was taken"
[ ! -e home/rehearsal-1/out/acme-root.pem ] || die "a wrong certificate was written"
check "${resume[@]}"
finished "corrupt signature"
rm -rf home
rc=0
FAULT_PKCS11_RULES="C_WrapKey:rv=0" "${run[@]}" >log 2>&1 || rc=$?
[ "$rc" != 0 ] || die "a key that can be wrapped was taken"
grep -q "SUCCEEDED" log || die "the attack is not shown"
same "$("$chancery" key list --home home/rehearsal-1 --json | rows keys)" 0 "keys after an attack"

# --- in a real ceremony people choose what becomes of an orphan --------------------------------
rm -rf home
make_tokens
rehearsal=("$chancery" ceremony run plan.yaml --rehearse --yes --home home)
words plan.yaml >typed
check "${rehearsal[@]}"
killed "C_GenerateKeyPair:kill=after:nth=5" "$chancery" ceremony run plan.yaml --home home <typed
same "$("$chancery" register show --home home --type KEYGEN-INTENT --json | grep -c acme-root)" 1 \
	"generations of the root key"
rc=0
echo "neither" | "$chancery" ceremony resume plan.yaml --home home >log 2>&1 || rc=$?
same "$rc" 89 "exit without a choice"
{ echo destroy; sed 1,5d typed; } >answers
check "$chancery" ceremony resume plan.yaml --home home <answers
same "$("$chancery" key list --home home --json | rows keys)" 2 "keys after destroying the orphan"
same "$("$chancery" register show --home home --type KEYGEN-FAILED --json |
	grep -c "made and destroyed")" 1 "destroyed orphans"
grep -q "the key was destroyed" home/out/report.txt || die "the report does not tell"

# --- a disk that is full while a certificate is signed ------------------------------------------
export CHANCERY_HOME=$work/home
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout b.key -out b.csr \
	-subj "/C=DE/O=Acme/CN=b1.acme.example" -addext "subjectAltName=DNS:b1.acme.example" 2>/dev/null
sign=("$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --csr b.csr --out b.pem)
if ldd "$chancery" | grep -q asan; then
	echo "faults: good (no preloading under a sanitizer)"
	exit 0
fi
for rule in write:errno=ENOSPC fdatasync:errno=EIO; do
	for nth in 1 2 3 4; do
		rc=0
		FAULT_FS_PREFIX=$work/home FAULT_FS_RULES="$rule:from=$nth" LD_PRELOAD=$preload \
			"${sign[@]}" >log 2>&1 || rc=$?
		[ "$rc" = 0 ] && break
		[ ! -e b.pem ] || die "a certificate was released under $rule from $nth"
		same "$("$chancery" register verify --json | field ok)" True "register after $rule from $nth"
	done
	rm -f b.pem
done
check "${sign[@]}"
check openssl verify -CAfile home/out/acme-root.pem -untrusted home/out/acme-kafka-ca.pem b.pem
same "$("$chancery" cert list --json | python3 -c '
import json, sys
v = [c["serial"] for c in json.load(sys.stdin)["certificates"]]
print(len(v) - len(set(v)))')" 0 "serials used twice"
echo "faults: good"
