#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random requests by the service's own description of its API (service_grammar.py), then what the
# logs, the register and the store say. CHANCERY_GRAMMAR_SEED and CHANCERY_GRAMMAR_STEPS choose;
# CHANCERY_FULL=1 makes it long.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
steps=1500
[ -z "${CHANCERY_FULL:-}" ] || steps=30000
service_start open
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_grammar.py" secrets \
	"${CHANCERY_GRAMMAR_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}" \
	"${CHANCERY_GRAMMAR_STEPS:-$steps}" "$data/csr/openssl-p256.pem" || die "invariants"
stop_all
[ -s secrets ] || die "no secrets to look for"
if grep -rlF -f secrets home chanceryd.log; then
	die "a secret was recorded or logged"
fi
export CHANCERY_HOME=$work/home
check "$chancery" register verify
check "$chancery" store check
"$chancery" store rebuild --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store made anew: $(cat rebuilt)"
