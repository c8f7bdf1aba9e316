#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What clients do not wait for is done all the same; a stop finishes what is in flight; the
# listener without TLS has what is public and nothing else.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
plain_listener

check bao secrets enable pki
check bao write -field=certificate pki/root/generate/internal common_name="Stop Root" \
	key_type=ec ttl=700h
check bao write pki/roles/leaf allowed_domains=example.com allow_subdomains=true key_type=ec \
	ttl=1h

# --- the listener without TLS ----------------------------------------------------------------------
status() { curl -sS -m 10 -o /dev/null -w '%{http_code}' "$@"; }
for path in pki/ca pki/ca/pem pki/ca_chain pki/crl pki/crl/pem; do
	same "$(status "$crls/$path")" 200 "plain $path"
done
for path in sys/health sys/mounts sys/seal-status auth/token/lookup-self pki/roles/leaf pki/certs \
    sys/internal/chancery/root-token; do
	same "$(status -H "X-Vault-Token: $VAULT_TOKEN" "$crls/$path")" 404 \
	    "plain $path"
done
same "$(status "$crls/sys/metrics")" 404 "plain metrics that nobody asked for"
same "$(status -X POST -H "X-Vault-Token: $VAULT_TOKEN" -d '{"common_name":"a.example.com"}' \
    "$crls/pki/issue/leaf")" 404 "plain issue"

# --- clients that go, and the stop under load --------------------------------------------------------
DAEMON=$daemon python3 "$top/tests/system/service_stop.py" load >received || die "stop under load"
wait "$daemon" || die "status at the end: $?"
same "$(grep -c 'ended with status 0' "$work/chanceryd.log")" 4 "rooms that ended with 0"
service_run
python3 "$top/tests/system/service_stop.py" check <received || die "after the stop"
check "$chancery" register show --home "$work/home" --json
# A clean end leaves nothing to settle.
! grep -q '"type":"ASSUMED"' check.out || die "something was in flight at the end"
