#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hostile clients of the running service: what no HTTP server may take, TLS that is none,
# crowds of idle, slow and large ones. Memory stays bounded, others are served meanwhile.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
"$top/tests/system/service_http.py" "$work/home/run/chancery.sock" "$daemon"
[ "$(socket GET sys/health | grep -c '"sealed":false')" = 1 ] || die "not well afterwards"
kill -0 "$daemon" || die "chanceryd has gone"
! grep -q '"server: .*\(signal\|crash\|restart\)' chanceryd.log || die "the server crashed"
