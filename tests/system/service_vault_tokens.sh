#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tokens of another Vault: a real OpenBao (accepted, mapped, revoked there, hung, killed and
# back) and a server of the test's own for what no real one answers (service_vault_tokens.py).
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
openbao_start
service_start open

# --- authorities of the fake: the right one, another one, and a client's certificate --------------
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
		-subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
mkdir vault-tls && cd vault-tls
authority ca
authority other
for name in server client; do
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
		-keyout $name.key -out $name.csr 2>/dev/null
	openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -days 9 -out $name.pem \
		-extfile <(echo "subjectAltName=IP:127.0.0.1") 2>/dev/null
done
cd ..
# The fake asks for a client's certificate.
mv vault-tls home/vault-tls

export CHANCERYD=$daemon OPENBAO=$openbao CHANCERY=$chancery WORK=$work
python3 "$top/tests/system/service_vault_tokens.py" || {
	tail -n 40 chanceryd.log
	die "service_vault_tokens.py"
}
# What was started anew there ends with the script there.
openbao=
chanceryd_stop
check "$chancery" register verify --home home
# No token of anybody in what was written.
while read -r token; do
	! grep -rqF -- "$token" chanceryd.log home/logs home/register || die "a token was written down"
done <tokens-used
