#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Many certificates and revocations; public reads while the HSM is away; pools of keys.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_lists.py" 1200 300 \
	"$data/csr/openssl-p256.pem" || die "lists"

# Old lists are not kept for ever.
kept=$(find home/crl -name '*.crl' | wc -l)
[ "$kept" -le 4 ] || die "$kept lists kept"

# Held against the register while the service runs.
check "$chancery" crl audit --home home --rebuild all

# --- PEM and JSON, and who reads slowly --------------------------------------------------------------
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_lists_pem.py" home/crl \
	"$(pgrep -P "$daemon" -x chancery-server)" || die "lists in PEM"

# --- the HSM is away: what is public stays readable ------------------------------------------------
signer=$(pgrep -P "$daemon" -f chancery-signer)
kill -STOP "$signer"
for path in ca ca/pem ca_chain crl crl/pem issuer/default/crl/der cert/ca; do
	same "$(raw "m/$path" -m 5 -o /dev/null -w '%{http_code}')" 200 "$path without a signer"
done
kill -CONT "$signer"
# Killed: what comes meanwhile waits for the next one, stale serial numbers and all.
kill -KILL "$signer"
check bao write m/sign/r csr=@"$data/csr/openssl-p256.pem" common_name=after.example.com

# --- prepared RSA keys -----------------------------------------------------------------------------
stop_all
sed -i 's/^server:$/server:\n  rsa_pool: 2/' home/chancery.yaml
service_run
check bao write m/roles/rsa allow_any_name=true ttl=1h
for i in 1 2 3 4; do
	bao write -field=certificate m/issue/rsa common_name=$i.example.com \
		format=pem_bundle >leaf-$i.pem
	same "$(openssl rsa -in leaf-$i.pem -noout -modulus 2>/dev/null)" \
		"$(openssl x509 -in leaf-$i.pem -noout -modulus)" "key and certificate $i"
done
same "$(for i in 1 2 3 4; do openssl rsa -in leaf-$i.pem -noout -modulus 2>/dev/null; done |
	sort -u | wc -l)" 4 "keys, each given once"
stop_all
export CHANCERY_HOME=$work/home
check "$chancery" register verify
