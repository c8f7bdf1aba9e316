#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Login with TLS client certificates, beside a real OpenBao (service_cert.py): every kind of
# certificate under every kind of constraint, by Python's ssl and the real bao CLI.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
openbao_tls_start
mkdir certs
cd certs
# authority NAME SUBJECT [OPENSSL-ARGUMENT…]
authority() {
	local name=$1 subject=$2
	shift 2
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
	    -subj "$subject" -keyout "$name.key" -out "$name.crt" \
	    -addext keyUsage=critical,keyCertSign,cRLSign "$@" 2>/dev/null
}
# issue NAME ISSUER SUBJECT EXTENSIONS [OPENSSL-ARGUMENT…]: <name>.pem has certificate and key.
issue() {
	local name=$1 issuer=$2 subject=$3 extensions=$4
	shift 4
	[ -e "$name.key" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$name.key"
	openssl req -new -key "$name.key" -subj "$subject" -utf8 -out "$name.csr"
	printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n%b' "$extensions" >"$name.ext"
	[ $# -gt 0 ] || set -- -days 5
	openssl x509 -req -in "$name.csr" -CA "$issuer.crt" -CAkey "$issuer.key" -CAcreateserial \
	    -extfile "$name.ext" -out "$name.crt" "$@" 2>/dev/null
	cat "$name.crt" "$name.key" >"$name.pem"
}
client='basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n'
ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
authority one /CN=One
authority two /CN=Two
authority twin /CN=One # another one of the same name
issue full one "/O=Acme/OU=ops/OU=web/CN=full.example.com" "${client}subjectAltName=DNS:full.example.com,DNS:alt.example.com,email:full@example.com,URI:spiffe://acme/full\n1.2.3.4=ASN1:UTF8String:hello\n1.2.3.5=ASN1:INTEGER:5\n1.2.3.6=ASN1:PRINTABLESTRING:print\n"
issue plain one "/CN=plain" "$client"
issue umlaut one "/CN=mäx/OU=käse" "$client"
issue twocn one "/CN=first/CN=second" "$client"
issue nocn one "/O=Acme" "${client}subjectAltName=DNS:*.example.com\n"
issue server one "/CN=server" 'extendedKeyUsage=serverAuth\n'
issue any one "/CN=any" 'extendedKeyUsage=anyExtendedKeyUsage\n'
issue none one "/CN=none" ''
issue ended one "/CN=ended" "$client" -days -1
issue foreign two "/CN=foreign" "$client"
issue forged twin "/CN=full.example.com" "$client"
issue int one "/CN=Int" "${ca}"
issue deep int "/CN=deep" "$client"
cat deep.crt deep.key int.crt >deepchain.pem
issue shortint one "/CN=ShortInt" 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n'
issue below shortint "/CN=Below" "$ca"
issue toodeep below "/CN=toodeep" "$client"
cat toodeep.crt toodeep.key below.crt shortint.crt >toodeepchain.pem
issue nameint one "/CN=NameInt" "${ca}nameConstraints=critical,permitted;DNS:example.com\n"
issue inside nameint "/CN=inside" "${client}subjectAltName=DNS:in.example.com\n"
issue outside nameint "/CN=outside" "${client}subjectAltName=DNS:in.example.org\n"
cat inside.crt inside.key nameint.crt >insidechain.pem
cat outside.crt outside.key nameint.crt >outsidechain.pem
issue notca one "/CN=notca" "$client"
issue belowleaf notca "/CN=belowleaf" "$client"
cat belowleaf.crt belowleaf.key notca.crt >belowleafchain.pem
issue sha1 one "/CN=sha1" "$client" -sha1 -days 5
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 5 -subj /CN=alone \
	-addext basicConstraints=CA:FALSE -addext extendedKeyUsage=clientAuth -keyout alone.key \
	-out alone.crt 2>/dev/null
cat alone.crt alone.key >alone.pem
# The last octet of the signature is another: nobody signed this.
python3 - <<'END'
import base64
text = open("plain.crt").read().split("-----")[2]
der = bytearray(base64.b64decode(text))
der[-1] ^= 1
with open("bent.pem", "w") as f:
    f.write("-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n%s" % (
        base64.encodebytes(bytes(der)).decode(), open("plain.key").read()))
END
# Lists of revoked certificates: of authority one, and of its twin with the same numbers.
list() {
	local name=$1 key=$2 leaf=$3
	mkdir "$name.d"
	: >"$name.d/index.txt"
	echo 01 >"$name.d/crlnumber"
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s.d/index.txt\ncrlnumber=%s.d/crlnumber\ndefault_md=sha256\ndefault_crl_days=5\nprivate_key=%s.key\ncertificate=%s.crt\n' \
	    "$name" "$name" "$key" "$key" >"$name.cnf"
	openssl ca -config "$name.cnf" -revoke "$leaf.crt" 2>/dev/null
	openssl ca -config "$name.cnf" -gencrl -out "$name.crl" 2>/dev/null
}
list gone one plain
list intgone one int
list other two plain
cd ..
python3 "$top/tests/system/service_cert.py" certs || { tail -n 30 chanceryd.log; die "service_cert.py"; }

# --- the real CLI ------------------------------------------------------------------------------
export HOME=$work
check bao auth enable -path=tls cert
check bao write auth/tls/certs/web certificate=@certs/one.crt token_policies=default \
	allowed_common_names=plain
check bao login -no-store -method=cert -path=tls -client-cert certs/plain.crt \
	-client-key certs/plain.key name=web
grep -q 'cert_name *web' check.out || { cat check.out; die "the login does not say its role"; }
fails 2 "no chain matching all constraints" bao login -no-store -method=cert -path=tls \
	-client-cert certs/full.crt -client-key certs/full.key name=web
fails 2 "no client certificate found" bao login -no-store -method=cert -path=tls
# The files of the CLI are the fields of the role.
bao read -field=certificate auth/tls/certs/web | cmp - certs/one.crt || die "certificate read back"

# --- the agent: logs in with its certificate, renews with it, stays so over restarts ----------------
check bao write auth/tls/certs/agent certificate=@certs/one.crt token_policies=default \
	token_ttl=3s token_max_ttl=12s
cat >agent.hcl <<END
vault {
  address = "$VAULT_ADDR"
  ca_cert = "$VAULT_CACERT"
  client_cert = "$work/certs/plain.crt"
  client_key = "$work/certs/plain.key"
}
auto_auth {
  method "cert" {
    mount_path = "auth/tls"
    config = { name = "agent" }
  }
  sink "file" { config = { path = "$work/sink" } }
}
END
env -u BAO_TOKEN -u VAULT_TOKEN bao agent -config agent.hcl >agent.log 2>&1 &
agent=$!
beside+=("$agent")
# lives: a token that was renewed at least once; logged_in_anew: another one than before.
lives() {
	[ -s sink ] && BAO_TOKEN=$(cat sink) bao token lookup -format json 2>/dev/null |
		python3 -c 'import json, sys
d = json.load(sys.stdin)["data"]
sys.exit(0 if "last_renewal_time" in d and d["meta"]["cert_name"] == "agent" else 1)'
}
until_ok "renewed token of the agent" lives
before=$(cat sink)
logged_in_anew() { [ "$(cat sink)" != "$before" ] && lives; }
until_ok "new login beyond token_max_ttl" logged_in_anew
# The service goes away, beyond the token's life, and comes back.
before=$(cat sink)
chanceryd_stop
sleep 4
service_run
until_ok "login after a restart" logged_in_anew
# Locked out by a list, let in again.
check bao write auth/tls/crls/gone crl=@certs/gone.crl
refused() { grep -q 'no chain matching all constraints' agent.log; }
until_ok "word about the revoked certificate" refused
before=$(cat sink)
check bao delete auth/tls/crls/gone
until_ok "login with the certificate back" logged_in_anew
kill "$agent"
wait "$agent" || true
check bao auth disable tls
fails 2 "permission denied" bao login -no-store -method=cert -path=tls \
	-client-cert certs/plain.crt -client-key certs/plain.key
stop_all
check "$chancery" register show --home home
grep -q 'cert role' check.out || die "a role is not in the register"
