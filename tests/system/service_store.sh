#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The store offline: made from the register of a ceremony, checked, damaged, made again.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

ceremony
store=home/store/store.sqlite
fails 66 "store.sqlite" "$chancery" store check
for n in 1 2 3 4 5; do
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout b.key \
		-out b.csr -subj "/C=DE/O=Acme/CN=b$n.kafka.acme.example" \
		-addext "subjectAltName=DNS:b$n.kafka.acme.example" 2>/dev/null
	"$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --csr b.csr \
		--out "b$n.pem" --json >answer.json || die "sign csr"
	serial=$(field serial <answer.json)
done
check "$chancery" revoke "$serial" --issuer acme-kafka-ca --reason superseded
certificates=$("$chancery" cert list --json | rows certificates)

# --- from nothing -------------------------------------------------------------------------
check "$chancery" init
"$chancery" store check --json >checked
same "$(field certificates <checked)" 0 "certificates of a new store"
"$chancery" store rebuild --json >rebuilt
same "$(field certificates <rebuilt)" "$certificates" "certificates rebuilt"
# The empty one was brought to the same record first.
same "$(field equal <rebuilt)" True "equal"
[ -s "$store.rebuilt" ] || die "no store beside the store"
"$chancery" store check --json >checked
same "$(field certificates <checked)" "$certificates" "certificates"
same "$(field revoked <checked)" 1 "revoked"
same "$(field digest <checked)" "$(field digest <rebuilt)" "digest"

# --- something is missing ---------------------------------------------------------------------
python3 - "$store" <<'PY'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("delete from der where id = (select der from cert where revoked is not null)")
    db.execute("delete from cert where revoked is not null")
PY
fails 84 "is said to have" "$chancery" store check
fails 84 "certificates missing 0, new 1, different 0" "$chancery" store rebuild
"$chancery" store rebuild --replace --json >rebuilt
same "$(field equal <rebuilt)" False "equal"
same "$(field certificates_added <rebuilt)" 1 "certificates added"
same "$(field certificates_missing <rebuilt)" 0 "certificates missing"
field first_difference <rebuilt | grep -qi "$serial" || die "does not name the certificate"
check "$chancery" store check
[ -s "$store.replaced" ] || die "the store before is gone"
[ ! -e "$store.rebuilt" ] || die "still there: $store.rebuilt"

# --- it cannot be read at all -------------------------------------------------------------------
head -c 100000 /dev/urandom >"$store"
fails 84 "store rebuild" "$chancery" store check
"$chancery" store rebuild --replace --json >rebuilt
field not_compared <rebuilt | grep -q "not a database" || die "does not say why"
"$chancery" store check --json >checked
same "$(field certificates <checked)" "$certificates" "certificates"
rm "$store"
check "$chancery" store rebuild --replace
same "$("$chancery" store check --json | field certificates)" "$certificates" "certificates"

# --- the service has it -----------------------------------------------------------------------------
python3 - "$store.lock" ready <<'PY' &
import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", 1, 0, 0, 0, 0))  # F_OFD_SETLK, F_WRLCK
open(sys.argv[2], "w").close()
while os.path.exists(sys.argv[2]):
    time.sleep(0.05)
PY
holder=$!
for _ in {1..200}; do
	[ ! -e ready ] || break
	sleep 0.05
done
fails 75 "has to be stopped first" "$chancery" store rebuild --replace
check "$chancery" store check
rm ready
wait "$holder"

# --- a register that lost records ---------------------------------------------------------------------
cp -r home/register older
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout b.key -out b.csr \
	-subj "/C=DE/O=Acme/CN=b9.kafka.acme.example" \
	-addext "subjectAltName=DNS:b9.kafka.acme.example" 2>/dev/null
check "$chancery" sign csr --issuer acme-kafka-ca --profile kafka-broker --csr b.csr --out b9.pem
check "$chancery" store rebuild --replace
rm -rf home/register
mv older home/register
fails 85 "older than the store" "$chancery" store rebuild
echo "store: good"
