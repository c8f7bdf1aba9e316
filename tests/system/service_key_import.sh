#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Authorities whose private keys were made elsewhere, taken into the HSM with the real bao CLI:
# refused by the template, then allowed; they sign, every report says where they come from, and
# no octet of them stands anywhere.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"

# at KEY…: of an answer in JSON.
at() {
	python3 -c 'import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1:]:
    v = v[int(k) if k.isdigit() else k]
print(v)' "$@"
}

imported() { # in keys.json
	python3 -c 'import json
print(sum(k["imported"] for k in json.load(open("keys.json"))["keys"]))'
}

# --- made by openssl --------------------------------------------------------------------------
authority() { # NAME GENPKEY-ARGUMENT…
	local name=$1
	shift
	check openssl genpkey -quiet -out "$name.key" "$@"
	check openssl req -x509 -new -key "$name.key" -subj "/CN=$name" -days 30 \
	    -addext basicConstraints=critical,CA:TRUE \
	    -addext keyUsage=critical,keyCertSign,cRLSign -out "$name.crt"
	cat "$name.key" "$name.crt" >"$name.pem"
}
authority rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
authority p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
authority p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
authority ed25519 -algorithm ED25519
authority other -algorithm EC -pkeyopt ec_paramgen_curve:P-256
check openssl genpkey -quiet -out p521.key -algorithm EC -pkeyopt ec_paramgen_curve:P-521
# PKCS#1 and SEC1; the latter behind its curve, as openssl writes it.
check openssl rsa -in rsa.key -traditional -out rsa.trad
{ openssl ecparam -name prime256v1; openssl ec -in p256.key; } >p256.trad 2>warnings
cat rsa.trad rsa.crt >rsa.pem
cat p256.trad p256.crt >p256.pem
check openssl pkey -in p384.key -aes256 -passout pass:x -out locked.key

# --- off by default ---------------------------------------------------------------------------
service_start intermediate
check bao secrets enable -path one pki
fails 2 "private keys are not imported" bao write one/issuers/import/bundle pem_bundle=@p256.pem
fails 2 "private keys are not imported" bao write one/config/ca pem_bundle=@p256.pem
fails 2 "private keys are not imported" bao write one/keys/import pem_bundle=@p256.key
same "$(bao list -format=json one/keys 2>/dev/null | tr -d ' \n')" "{}" "keys after a refusal"
export CHANCERY_HOME=$work/home
stop_all
"$chancery" key list --json >keys.json || die "keys"
same "$(imported)" 0 "no key"

# --- allowed ----------------------------------------------------------------------------------
sed -i 's/\(charter: *"\{0,1\}\)intermediate/\1open/' home/chancery.yaml
grep -q 'charter:.*open' home/chancery.yaml || die "charter of the token"
service_run
for name in rsa p256 p384 ed25519; do
	check bao secrets enable -path "$name" pki
	bao write -format=json "$name/issuers/import/bundle" pem_bundle=@"$name.pem" >answer
	grep -q "has lived outside the HSM" answer || die "$name: no warning"
	key=$(at data imported_keys 0 <answer)
	[ -n "$key" ] || die "$name: no key"
	bao read -format=json "$name/key/$key" >answer
	same "$(at data imported <answer)" True "$name: its entry"
	check bao write "$name/roles/host" allow_any_name=true max_ttl=1h
	bao write -field=certificate "$name/issue/host" common_name=a.example >leaf.pem
	check openssl verify -CAfile "$name.crt" leaf.pem
	curl -sSf --cacert "$VAULT_CACERT" "$VAULT_ADDR/v1/$name/crl/pem" >list.pem
	openssl crl -in list.pem -CAfile "$name.crt" -noout 2>&1 | grep -q "verify OK" ||
	    die "$name: its list"
done
# Again: nothing new. A key alone; then the certificate finds it.
bao write -format=json p256/config/ca pem_bundle=@p256.pem >answer
same "$(at data imported_keys <answer)" None "again"
[ -n "$(at data existing_keys 0 <answer)" ] || die "again: the key"
check bao write one/keys/import pem_bundle=@other.key key_name=other
check bao write one/issuers/import/bundle pem_bundle=@other.crt
check bao write one/roles/host allow_any_name=true max_ttl=1h
bao write -field=certificate one/issue/host common_name=b.example >leaf.pem
check openssl verify -CAfile other.crt leaf.pem
# The same key in another mount: the one that is there.
check bao secrets enable -path two pki
check bao write two/keys/import pem_bundle=@other.key

# --- what is none -----------------------------------------------------------------------------
fails 2 "is not taken" bao write two/keys/import pem_bundle=@p521.key
fails 2 "without a passphrase" bao write two/keys/import pem_bundle=@locked.key
fails 2 "more than one private key" bao write two/keys/import \
	pem_bundle="$(cat p384.key ed25519.key)"
fails 2 "private keys are not imported here" bao write two/issuers/import/cert \
	pem_bundle=@p256.pem
# Another one's certificate: both are taken in, and it has no key.
check openssl genpkey -quiet -out stray.key -algorithm EC -pkeyopt ec_paramgen_curve:P-256
cat stray.key p384.crt >stray.pem
bao write -format=json two/issuers/import/bundle pem_bundle=@stray.pem >answer
same "$(python3 -c 'import json
d = json.load(open("answer"))["data"]
print(len(d["imported_keys"]), list(d["mapping"].values()))')" "1 ['']" "a stray key"

# --- reports, and what is left ----------------------------------------------------------------
stop_all
check "$chancery" register verify --json
same "$(field imported_keys <check.out)" 6 "keys from outside in the verification"
"$chancery" key list --json >keys.json || die "keys"
same "$(imported)" 6 "keys that are said to be imported"
"$chancery" key list >keys.text
grep -q "has lived outside an HSM" keys.text || die "keys: $(cat keys.text)"
label=$(python3 -c 'import json
print(next(k["label"] for k in json.load(open("keys.json"))["keys"] if k["imported"]))')
"$chancery" key custody "$label" >custody.text
grep -q "nothing is shown of the time before" custody.text || die "custody: $(cat custody.text)"
grep -q "This key has lived outside an HSM" custody.text || die "custody: $(cat custody.text)"
! grep -q "NOT GOOD" custody.text || die "custody of an imported key: $(cat custody.text)"
"$chancery" charter show "$label" >charter.text
grep -q "This key has lived outside an HSM" charter.text || die "charter: $(cat charter.text)"
python3 - <<'P'
import base64, glob, subprocess
# The secret numbers themselves, as octets, hex and base64 at each of the three places.
found = []
files = [p for p in glob.glob("home/**", recursive=True) if "tokens" not in p] + ["chanceryd.log"]
for name in ("rsa", "p256", "p384", "ed25519", "other", "stray"):
    der = subprocess.run(["openssl", "pkey", "-in", name + ".key", "-outform", "DER"],
                         check=True, stdout=subprocess.PIPE).stdout
    text = subprocess.run(["openssl", "pkey", "-in", name + ".key", "-noout", "-text"],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    part = text.split("privateExponent:" if name == "rsa" else "priv:")[1]
    part = part.split("pub:")[0].split("prime1:")[0]
    digits = "".join(c for c in part if c in "0123456789abcdef")
    secret = bytes.fromhex(digits[:len(digits) // 2 * 2])[1:25]
    assert len(secret) == 24 and (secret in der), name
    needles = [secret, secret.hex().encode()]
    for shift in range(3):
        needles.append(base64.b64encode(b"\0" * shift + secret)[4:28])
    for path in files:
        try:
            data = open(path, "rb").read()
        except OSError:
            continue
        found += [(name, path) for n in needles if n in data]
assert len(files) > 20, files
assert not found, found
P
echo "service_key_import: as they should be"
