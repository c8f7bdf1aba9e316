#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An offline root and an online service: the root's register is carried over as a bundle, its
# certificate and lists are served under a mount, and a revocation done offline bites online.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
off=$work/offline/home
offline() { "$chancery" "$@" --home "$off"; }
online() { "$chancery" "$@" --home "$work/home"; }
# data FIELD-EXPRESSION <JSON of the API
data() { python3 -c "import json, sys; print(json.load(sys.stdin)['data']$1)"; }
imports() { find "$work/home/register/imports" "$work/home/crl" -type f -print0 | sort -z | xargs -0 -r sha256sum; }

# --- a ceremony in a home of its own, and a service -----------------------------------------------
mkdir offline
(cd offline && ceremony) || die "ceremony"
root=offline/home/out/acme-root.pem
service_start open
plain_listener
crl_url=$crls/root-ca/crl

# --- an intermediate of the service under the offline root -----------------------------------------
check bao secrets enable -path kafka-int-ca pki
bao write -field=csr kafka-int-ca/intermediate/generate/internal \
	common_name="Acme Kafka Online CA" >int.csr
check offline sign intermediate --issuer acme-root --csr int.csr --out int.pem --life 700d \
	--subject "CN=Acme Kafka Online CA,O=Acme,C=DE" --crl-url "$crl_url"
check bao write kafka-int-ca/intermediate/set-signed certificate=@int.pem
check bao write kafka-int-ca/config/urls \
	crl_distribution_points="$crls/kafka-int-ca/crl"
check bao write kafka-int-ca/roles/r allow_any_name=true ttl=1h key_type=ec key_bits=256
bao write -field=certificate kafka-int-ca/issue/r common_name=b1.kafka.acme.example >leaf.pem

# --- the bundle ------------------------------------------------------------------------------------
check offline register bundle one.bundle
head -c 27 one.bundle | grep -q '^chancery register bundle 1$' || die "magic"
fails 73 "one.bundle" offline register bundle one.bundle
before=$(online register show --json | wc -l)
fails 77 "import-key" online import one.bundle --mount root-ca
printf 'nonsense\n' >wrong.vkey
fails 77 "import-key" online import one.bundle --mount root-ca --vkey wrong.vkey
online import one.bundle --mount root-ca --vkey offline/home/out/log.vkey --json >answer.json ||
	die "import"
same "$(field origin <answer.json)" "$(offline register show 0 --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["body"]["origin"])')" "origin"
same "$(rows lists <answer.json)" 1 "lists: that of the root"
same "$(online register show --type IMPORT --json | wc -l)" 1 "IMPORT records"
[ "$(online register show --json | wc -l)" -gt "$before" ] || die "no record"

# --- what is served --------------------------------------------------------------------------------
raw root-ca/ca/pem >served.pem
openssl x509 -in served.pem -noout -fingerprint -sha256 >served.print
openssl x509 -in "$root" -noout -fingerprint -sha256 | cmp -s - served.print || die "another root"
curl -sSf "$crl_url" >root.crl
check openssl crl -inform DER -in root.crl -noout -CAfile "$root"
curl -sSf "$crls/root-ca/issuer/default/crl/der" | cmp - root.crl || die "issuer/default/crl"
curl -sSf "$crls/root-ca/ca" | openssl x509 -inform DER -noout -fingerprint -sha256 |
	cmp - served.print || die "ca on the plain listener"
# The intermediate is one of the mount's certificates.
serial=$(openssl x509 -in int.pem -noout -serial | cut -d= -f2)
bao read -format=json root-ca/cert/"$serial" >cert.json
data "['certificate']" <cert.json | openssl x509 -noout -fingerprint -sha256 >int.print
openssl x509 -in int.pem -noout -fingerprint -sha256 | cmp -s - int.print || die "the intermediate"
verify() {
	curl -sSf "$crl_url" | openssl crl -inform DER >lists.pem
	curl -sSf "$crls/kafka-int-ca/crl" | openssl crl -inform DER >>lists.pem
	openssl verify -x509_strict -crl_check_all -CRLfile lists.pem -CAfile "$root" -untrusted int.pem leaf.pem
}
check verify

# --- again, and nothing new ------------------------------------------------------------------------
check online import one.bundle --mount root-ca
same "$(online register show --type IMPORT --json | wc -l)" 2 "IMPORT records"
same "$(bao list -format=json root-ca/issuers | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" \
	"$(offline register show --json | python3 -c '
import json, sys
print(sum(1 for line in sys.stdin if (r := json.loads(line))["type"] == "INTENT" and r["body"]["kind"] == "ca") - 1)')" \
	"issuers: root and intermediate of the ceremony, not ours"

# --- revoked offline -------------------------------------------------------------------------------
check offline revoke --cert int.pem --reason cACompromise --why "a drill"
check offline crl issue --issuer acme-root --out second.crl --life 90d
check offline register bundle two.bundle
check online import two.bundle --mount root-ca
curl -sSf "$crl_url" >root2.crl
openssl crl -inform DER -in root2.crl -out second.pem
cmp -s <(openssl crl -in second.pem -outform DER) <(openssl crl -in second.crl -outform DER) ||
	die "not the list that the root signed, byte for byte"
if verify >verify.out 2>&1; then die "a leaf under a revoked intermediate is good"; fi
grep -q "certificate revoked" verify.out || die "$(cat verify.out)"
bao read -format=json root-ca/cert/"$serial" >cert.json
[ "$(data "['revocation_time']" <cert.json)" -gt 0 ] || die "not revoked in the store"

# --- refused, by name, and nothing changed ---------------------------------------------------------
imports >was
records=$(online register show --type IMPORT --json | wc -l)
refused() {
	local text=$1
	shift
	fails 77 "$text" online import "$@"
	imports | cmp -s - was || die "something changed: $text"
}
broken() {
	fails 65 "$1" online import "$2" --mount root-ca
	imports | cmp -s - was || die "something changed: $1"
}
refused import-older one.bundle --mount root-ca
refused import-mount two.bundle --mount elsewhere
head -c 4000 two.bundle >cut.bundle
broken "bundle: octet" cut.bundle
# One record less under the same checkpoint.
python3 - two.bundle less.bundle altered.bundle number.bundle <<'EOF'
import json, re, sys
data = open(sys.argv[1], "rb").read()
lines = data.split(b"\n")
def rebuilt(parts):
    out = b"chancery register bundle 1\n"
    for name, body in parts:
        out += b"%s %d\n" % (name, len(body)) + body + b"\n"
    return out + b"end %d\n" % len(parts)
parts, at = [], len(b"chancery register bundle 1\n")
while not data[at:].startswith(b"end "):
    head, _, rest = data[at:].partition(b"\n")
    name, size = head.rsplit(b" ", 1)
    at += len(head) + 1
    parts.append((name, data[at:at + int(size)]))
    at += int(size) + 1
assert rebuilt(parts) == data
log = [i for i, (name, _) in enumerate(parts) if name.startswith(b"log/")][-1]
name, body = parts[log]
def with_log(new):
    return rebuilt(parts[:log] + [(name, new)] + parts[log + 1:])
records = body.splitlines(keepends=True)
open(sys.argv[2], "wb").write(with_log(b"".join(records[:-1])))
# A revocation that says another reason.
open(sys.argv[3], "wb").write(with_log(body.replace(b"cACompromise", b"superseded")))
# A list that says another number.
open(sys.argv[4], "wb").write(with_log(re.sub(rb'"crl":2', b'"crl":7', body)))
EOF
broken "bundle of" less.bundle
broken "bundle of" altered.bundle
broken "bundle of" number.bundle
# Another root's ceremony under this mount; its own register.
mkdir other
"$chancery" init --soft other/home --charter open --origin acme.example/other >/dev/null
"$chancery" register bundle other.bundle --home other/home >/dev/null
"$chancery" register show 0 --json --home other/home | python3 -c '
import json, sys
print(json.load(sys.stdin)["body"]["vkey"])' >other.vkey
refused import-foreign other.bundle --mount root-ca --vkey other.vkey
refused import-key two.bundle --mount root-ca --vkey other.vkey
check bao read sys/health
# From here on somebody else goes on with a copy of the root.
cp -a offline fork
# A list with a higher number than the bundle's is served already.
key=$(find home/crl -path '*/full/2.crl' -printf '%h\n' | head -n 1)
[ -n "$key" ] || die "no second list"
cp "$key/2.crl" "$key/99.crl"
imports >was
refused import-crl-number two.bundle --mount root-ca
rm "$key/99.crl"
imports >was
same "$(online register show --type IMPORT --json | wc -l)" "$records" "IMPORT records after refusals"
# The root's key is no key of ours: what it certified is revoked where it was.
check offline sign intermediate --issuer acme-root --csr int.csr --out again.pem --life 700d \
	--subject "CN=Acme Kafka Online CA,O=Acme,C=DE" --crl-url "$crl_url"
check offline register bundle two.bundle.next
check online import two.bundle.next --mount root-ca
mv two.bundle.next two.bundle
for list in fork-1 fork-2; do
	check "$chancery" crl issue --issuer acme-root --out $list.crl --life 90d --home fork/home
done
check "$chancery" register bundle fork.bundle --home fork/home
imports >was
refused import-fork fork.bundle --mount root-ca
again=$(openssl x509 -in again.pem -noout -serial | cut -d= -f2)
check bao read root-ca/cert/"$again"
for what in "serial_number=$again" certificate=@again.pem; do
	fails 2 "revoke it there" bao write root-ca/revoke "$what"
done
check bao write root-ca/tidy tidy_cert_store=true safety_buffer=1s

# --- a list that ends is told of, although nobody here can renew it --------------------------------
metrics() { raw "sys/metrics?format=prometheus" -H "X-Vault-Token: $VAULT_TOKEN"; }
has_metric() { metrics | grep -q 'mount="root-ca"'; }
until_ok "metrics of the root's list" has_metric
check offline crl issue --issuer acme-root --out short.crl --life 2s
check offline register bundle short.bundle
check online import short.bundle --mount root-ca
mv short.bundle two.bundle
until_ok "alarm" grep -q 'alarm crl-overdue: list of revoked certificates of root-ca' "$log"

# --- the store, made anew ---------------------------------------------------------------------------
stop_all
check online store rebuild
same "$(online store rebuild --json | field equal)" True "the rebuilt store"
check online register verify
# While nobody runs, the same command takes it in; the lists are there with the next start.
check offline crl issue --issuer acme-root --out third.crl --life 90d
check offline register bundle three.bundle
check online import three.bundle --mount root-ca
fails 77 import-older online import two.bundle --mount root-ca
service_run
until_ok "signer" online status --ready
curl -sSf "$crl_url" | openssl crl -inform DER -noout -crlnumber | grep -qi '=0x0*4$\|=04$' || die "the list taken in offline"

# --- a crash between the record and the folder is finished by the next start ----------------------
stop_all
dir=$(find "$work/home/register/imports" -mindepth 1 -maxdepth 1 -type d)
mv "$dir" "$dir.new"
find home/crl -name 4.crl -delete
mkdir "$dir.0011223344556677.tmp"
service_run
until_ok "signer" online status --ready
[ -d "$dir" ] || die "the folder did not come back"
for left in "$dir.new" "$dir.0011223344556677.tmp"; do
	[ ! -e "$left" ] || die "$left is left"
done
curl -sSf "$crl_url" | openssl crl -inform DER -noout -crlnumber | grep -qi '=0x0*4$\|=04$' || die "list after the crash"
# One that cannot be read is left out; the rest is served.
stop_all
check offline crl issue --issuer acme-root --out fourth.crl --life 90d
check offline register bundle four.bundle
check online import four.bundle --mount root-ca
mv "$dir/log/000001.jsonl" away.jsonl
service_run
until_ok "signer" online status --ready
grep -q 'import: left out' "$log" || die "nobody says that an import is left out"
check bao read sys/health
stop_all
mv away.jsonl "$dir/log/000001.jsonl"
service_run
until_ok "signer" online status --ready
stop_all
same "$(online store rebuild --json | field equal)" True "the store, once the import can be read"
service_run
until_ok "signer" online status --ready
# A backup has it, too.
check online backup kept.tar
tar tf kept.tar >kept.list
grep -q 'register/imports/.*/log/000001.jsonl' kept.list || die "not in the backup"
stop_all
