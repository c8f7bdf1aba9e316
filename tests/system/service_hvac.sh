#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hvac against the running service, method by method (service_hvac.py). -I: tests/system has a
# requests.py of its own.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
"$top/build/venv/bin/python" -I "$top/tests/system/service_hvac.py" "$data/csr/openssl-p256.pem" \
	"$work" || die "hvac"
