#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Users with passwords, beside a real OpenBao (service_userpass.py) and by the real bao CLI.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
openbao_start
python3 "$top/tests/system/service_userpass.py" || { tail -n 30 chanceryd.log; die "service_userpass.py"; }
export HOME=$work
check bao auth enable -path=people userpass
check bao write auth/people/users/ann password=long-and-secret token_policies=default
check bao login -no-store -method=userpass -path=people username=ann password=long-and-secret
grep -q 'username *ann' check.out || { cat check.out; die "the login does not say who"; }
fails 2 "invalid username or password" bao login -no-store -method=userpass -path=people \
	username=ann password=wrong
# What a restart finds; no password and no hash is in the register or in a log.
service_restart
check bao login -no-store -method=userpass -path=people username=ann password=long-and-secret
stop_all
! grep -rq 'long-and-secret' home/register home/logs chanceryd.log || die "a password was written"
check "$chancery" register show --home home
grep -q 'userpass user' check.out || die "a user is not in the register"
hash=$(python3 - home/store/store.sqlite <<'END'
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT * FROM secret WHERE kind = 'password'").fetchall()
text = next(v for v in rows[0] if isinstance(v, bytes) and b'"hash"' in v or isinstance(v, str) and '"hash"' in v)
import json
print(json.loads(text)["hash"])
END
)
[ ${#hash} = 64 ] || die "no hash of 32 octets in the store: $hash"
! grep -rq "$hash" home/register home/logs || die "a hash left the store"
