#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/data/pki-names, decided by the running service and by a real OpenBao.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
openbao_start
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_pki_names.py" \
	"$data/pki-names/rows" || die "names"
