#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bad input and missing things: a clear sentence, the documented code, nothing written.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

ceremony
sign=("$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --out x.pem --csr)

# --- requests -----------------------------------------------------------------------
head -c 3000 /dev/urandom >garbage
: >empty
head -c 200000 /dev/zero >huge
printf -- '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n' >short
fails 65 garbage "${sign[@]}" garbage
fails 65 empty "${sign[@]}" empty
fails 65 huge "${sign[@]}" huge
fails 65 short "${sign[@]}" short
fails 66 absent "${sign[@]}" absent
fails 65 acme-root.pem "${sign[@]}" home/out/acme-root.pem
openssl req -new -newkey rsa:1024 -nodes -keyout weak.key -out weak.csr -subj /CN=weak 2>/dev/null
fails 77 "1024" "${sign[@]}" weak.csr
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -outform DER -out good.der \
	-subj "/C=DE/O=Acme/CN=b1.acme.example" -addext "subjectAltName=DNS:b1.acme.example" 2>/dev/null
# A flipped bit in the signature: no proof of possession.
python3 - <<'PY'
b = bytearray(open("good.der", "rb").read())
b[-1] ^= 1
open("forged.der", "wb").write(b)
open("cut.der", "wb").write(b[:-9])
open("more.der", "wb").write(bytes(b) + b"\0")
PY
fails 65 cut.der "${sign[@]}" cut.der
fails 65 more.der "${sign[@]}" more.der
fails 87 forged.der "${sign[@]}" forged.der
fails 64 'no profile "nope"' "$chancery" sign csr --issuer acme-kafka-ca --profile nope --csr good.der --out x.pem
fails 66 'no key "nobody"' "$chancery" sign csr --issuer nobody --profile generic --csr good.der --out x.pem
grep -q "acme-kafka-ca" fails.err || die "does not say which keys are there"
fails 64 "--life" "$chancery" sign csr --issuer acme-kafka-ca --profile generic --csr good.der --out x.pem --life 12parsecs
[ ! -e x.pem ] || die "a refused request left a file"

# --- plans and charters ---------------------------------------------------------------
for f in garbage empty huge; do
	fails 65 "$f" "$chancery" ceremony plan lint "$f"
	fails 65 "$f" "$chancery" charter lint "$f"
done
sed 's/^title/name/; s/life: 7300d/life: soon/' plan.yaml >bad.yaml
fails 65 "bad.yaml:4:1" "$chancery" ceremony plan lint bad.yaml
grep -q "bad.yaml:41:9" fails.err || die "only the first mistake is told"
# A bad plan is refused before the module is loaded.
if command -v strace >/dev/null; then
	strace -f -e trace=openat -o trace "$chancery" ceremony run bad.yaml --rehearse --yes \
		--home h2 >/dev/null 2>&1 || true
	if grep -q softhsm trace; then die "the module was loaded for a bad plan"; fi
fi
[ ! -e h2 ] || die "a bad plan made a home"

# --- configuration, module, token, key ---------------------------------------------------
fails 64 "no home directory" env -u CHANCERY_HOME "$chancery" cert list
fails 66 "nowhere" "$chancery" cert list --home nowhere
variant() { # variant SED: a home with a changed configuration
	rm -rf h3
	cp -r home h3
	sed -i "$1" h3/chancery.yaml
}
reissue=(crl issue --issuer acme-root --out x.crl --home h3)
variant 's#^module: .*#module: "/nonexistent/module.so"#'
fails 66 "/nonexistent/module.so" "$chancery" "${reissue[@]}"
variant 's#token=acme-ca#token=no-such-token#'
fails 66 "no-such-token" "$chancery" "${reissue[@]}"
grep -q "acme-log" fails.err || die "does not say which tokens are there"
variant 's#^log_key: .*#log_key: "other-key"#'
fails 66 "other-key" "$chancery" "${reissue[@]}"
# shellcheck disable=SC2016
variant 's#^workers.*##; $a unknown_key: 1'
fails 65 "unknown_key" "$chancery" "${reissue[@]}"

# --- a wrong PIN is tried once -----------------------------------------------------------
echo 00000000 >wrong-pin
variant "s#file:.*pin-ca#file:$work/wrong-pin#"
fails 79 "PIN" "$chancery" "${reissue[@]}"
[ ! -e x.crl ] || die "a CRL was written"
# The right one still works: the token is not locked.
check "$chancery" key custody acme-root
echo "1234" >loose-pin
chmod 644 loose-pin
variant "s#file:.*pin-ca#file:$work/loose-pin#"
fails 76 "loose-pin" "$chancery" "${reissue[@]}"

# --- what a charter or the issuer's life does not allow --------------------------------------
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k2 -out ca.csr \
	-subj "/C=DE/O=Acme/CN=Sub" 2>/dev/null
fails 77 "charter-kind" "$chancery" sign intermediate --issuer acme-kafka-ca --csr ca.csr --out x.pem
fails 77 "life" "$chancery" sign intermediate --issuer acme-root --csr ca.csr --out x.pem --life 9000d
[ ! -e x.pem ] || die "a refused certificate was written"
same "$("$chancery" register verify --json | field ok)" True "register verify"

echo "refusals: good"
