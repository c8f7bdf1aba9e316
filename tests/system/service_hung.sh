#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One worker of the server hangs while its main thread and the other workers are well: the
# supervisor notices, and starts the room again at once.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
plain=$(free_port)
# Whose reader does not read: a worker that writes there stops.
mkfifo -m 600 "$work/fifo"
exec 9<>"$work/fifo"
sed -i -e '/^  workers:/d' -e '/^  access_log:/d' "$work/home/chancery.yaml"
sed -i "s|^  socket:.*|&\n  plain_listen: [\"127.0.0.1:$plain\"]\n  access_log: $work/fifo\n  workers: 2|" \
    "$work/home/chancery.yaml"
service_restart

# One connection, so one worker: more lines than a pipe takes.
curl -sS -o /dev/null "http://127.0.0.1:$plain/v1/pki/ca?[1-2000]" >/dev/null 2>&1 &
load=$!
wait_for 1 'server: it said nothing for 14 s: killed; again in 0 s' "$work/chanceryd.log"
kill "$load" 2>/dev/null || true
wait "$load" || true
cat <&9 >/dev/null &
reader=$!
wait_for 2 'server: ready after' "$work/chanceryd.log"
until_ok "answer of the server after its restart" \
    curl -sS -m 5 -o /dev/null "http://127.0.0.1:$plain/v1/pki/ca"
kill "$reader"
