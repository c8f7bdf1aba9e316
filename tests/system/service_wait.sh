#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The signer killed, slow, away: requests wait for it and are answered, 20 s at the most;
# then 503 with Retry-After, and what is in the register holds.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_wait.py" "$daemon" \
	"$data/csr/openssl-p256.pem" "$work/home" || die "wait"
# What was signed for callers who had gone may be in the register alone: a start reads it.
stop_all
service_run
stop_all
check "$chancery" register verify --home home --json
same "$(field open_intents <check.out)" 0 "open intents"
"$chancery" store rebuild --home home --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store equals what the register says"
