#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The PKI engine's answers and certificates beside those of a real OpenBao.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
openbao_start
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_pki_compare.py" \
	"$data/csr" || die "answers"
