#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lists and certificates published in a directory, by HTTP PUT, WebDAV and S3; the places are
# servers of the test's own, which fail in every way (service_publish.py, publish_targets.py).
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
stop_all
daemon=

mkdir site secrets
http=$(free_port) dav=$(free_port) s3=$(free_port)
echo token-of-the-web-server >secrets/token
echo crl:password-of-the-dav-server >secrets/password
echo AKIDEXAMPLE:key-of-the-object-store >secrets/keys
cat >>home/chancery.yaml <<END
publish:
  dir:
    kind: files
    directory: $work/site
    lists_pem: "{mount}/{issuer}/{scope}.crl.pem"
    certificates_pem: "{mount}/{issuer}.pem"
    check: 1s
  web:
    kind: http
    address: http://127.0.0.1:$http/pki/
    token_file: $work/secrets/token
    public_url: http://127.0.0.1:$http/pki
    timeout: 20s
    check: 1s
  dav:
    kind: http
    webdav: true
    address: http://localhost:$dav/dav
    password_file: $work/secrets/password
    certificates: ""
    lists: "{mount}/{scope}.crl"
    mounts: [m, p]
    check: 1s
  store:
    kind: s3
    address: http://127.0.0.1:$s3
    region: eu-test-1
    bucket: acme-pki
    prefix: lists
    keys_file: $work/secrets/keys
    timeout: 20s
    check: 1s
END
check "$chancery" config check --home home
service_run

export CHANCERYD=$daemon WORK=$work HTTP_PORT=$http DAV_PORT=$dav S3_PORT=$s3 CHANCERY=$chancery
PYTHONPATH=$top/tests/system python3 "$top/tests/system/service_publish.py" || {
	tail -n 60 chanceryd.log
	die "service_publish.py"
}
openssl crl -in "$(find site -name 'full.crl.pem' | head -n 1)" -noout -text >text
grep -q 'X509v3 CRL Number' text || die "PEM list"
tidy() { [ -z "$(find site -name '.*')" ]; }
until_ok "end of what was put beside: $(find site -name '.*')" tidy

# No credential in logs, the register, or arguments.
for secret in token-of-the-web-server password-of-the-dav-server key-of-the-object-store; do
	! grep -rqF "$secret" chanceryd.log home/logs home/register home/store || die "$secret was written down"
	! grep -qaF "$secret" /proc/[0-9]*/cmdline 2>/dev/null || die "$secret is an argument"
done
"$chancery" status --home home --json | python3 -c '
import json, sys
status = json.load(sys.stdin)
rooms = {room["name"]: room for room in status["rooms"]}
assert rooms["publisher"]["state"] == "ready", rooms
assert "seccomp" in rooms["publisher"]["sandbox"], rooms'
