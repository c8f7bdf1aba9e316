#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Verbs, statuses, typing, headers and paths of the API, by curl-shaped requests to the
# running service and, where it has the same, to a real OpenBao; docs/api.md is what the
# program prints.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
openbao_start
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_table.py" || die "table"

# --- the access log has a line for each, whole ---------------------------------------------------
python3 - "$work/home/logs/access.jsonl" <<'END' || die "access log"
import json, sys
n = 0
for line in open(sys.argv[1]):
    row = json.loads(line)
    if "us" in row:
        n += 1
        assert len(row["id"]) == 36 and row["status"] >= 200, row
sys.exit(0 if n > 100 else "only %d lines" % n)
END
# --- metrics ---------------------------------------------------------------------------------------
curl -sS --cacert "$VAULT_CACERT" -H "X-Vault-Token: $VAULT_TOKEN" \
    "$VAULT_ADDR/v1/sys/metrics?format=prometheus" >metrics
for name in chancery_requests_total chancery_request_seconds_bucket chancery_lanes_up \
    chancery_handshakes_total chancery_denied_total; do
	grep -q "^$name" metrics || die "no metric $name"
done
"$bin/chancery-server" --api-markdown >api.md
cmp api.md "$top/docs/api.md" || die "docs/api.md: chancery-server --api-markdown >docs/api.md"
