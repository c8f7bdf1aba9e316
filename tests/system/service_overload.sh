#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Queues that are full: 503 with Retry-After, memory that stays, and all well afterwards.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
# What was freed stays long with AddressSanitizer otherwise, and looks like growth.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=8
service_start open
stop_all
sed -i 's/^server:$/server:\n  workers: 1\n  max_connections_per_peer: 0\n  max_handshakes_per_s: 0/' \
	home/chancery.yaml
service_run
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_overload.py" "$daemon" \
	"$data/csr/openssl-p256.pem" || die "overload"
stop_all
check "$chancery" register verify --home home
"$chancery" store rebuild --home home --json >rebuilt || die "store rebuild"
same "$(field equal <rebuilt)" True "the store equals what the register says"
