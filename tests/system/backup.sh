#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Backup of a running service, checked with tar and sha256sum alone; restored elsewhere it
# signs; an older one is refused until the act that stands in the register; archives that
# were tampered with are refused, and leave nothing.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
stop_all
mkdir anchor
echo "anchor_dir: $work/anchor" >>home/chancery.yaml
service_run

check bao secrets enable -path ca pki
check bao write ca/root/generate/internal common_name="Backup CA" key_type=ec key_bits=256 ttl=700h
check bao write ca/roles/leaf allow_any_name=true key_type=ec key_bits=256 max_ttl=72h
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key \
	-subj /CN=a.example.com -out leaf.csr 2>/dev/null
sign() { bao write -field=serial_number ca/sign/leaf csr=@leaf.csr; }
sign >/dev/null || die "sign"
bao write ca/revoke serial_number="$(sign)" >/dev/null || die "revoke"

# --- while it signs ---------------------------------------------------------------------------
python3 "$top/tests/system/service_load.py" "$daemon" leaf.csr 0 100 >load.serials 2>load.err &
loader=$!
fails 64 "--with keys" "$chancery" backup one.tar --home home --with keys
for n in 1 2 3; do
	"$chancery" backup "$n.tar" --home home --json >"$n.json" || die "backup $n"
	# The load kills rooms, too.
	until_ok "signature" sign
	sleep 1
done
kill "$loader" 2>/dev/null || true
wait "$loader" 2>/dev/null || true
[ "$(field size <3.json)" -gt "$(field size <1.json)" ] || die "nothing was signed meanwhile"
fails 73 "exists and is never overwritten" "$chancery" backup 1.tar --home home
[ "$(stat -c %a 1.tar)" = 600 ] || die "others may read it"
same "$(ls ./*.partial ./*.store 2>/dev/null)" "" "left over"

# With standard tools alone.
mkdir by-hand
tar xf 3.tar -C by-hand
(cd by-hand/chancery-backup && sha256sum --quiet --strict --check SHA256SUMS) || die "sha256sum"
same "$(sha256sum <by-hand/chancery-backup/SHA256SUMS | cut -d' ' -f1)" \
	"$(field sums <by-hand/chancery-backup/manifest.json)" "hash of the hashes"
same "$(cat by-hand/chancery-backup/register/log/*.jsonl | wc -l)" "$(field size <3.json)" "records"
same "$(field size <by-hand/chancery-backup/manifest.json)" "$(field size <3.json)" "manifest's size"
same "$(sha256sum <3.tar | cut -d' ' -f1)" "$(field sha256 <3.json)" "hash of the archive"
same "$(cut -c67- by-hand/chancery-backup/SHA256SUMS | sort)" \
	"$(cd by-hand/chancery-backup && find . -type f ! -name SHA256SUMS ! -name manifest.json -printf '%P\n' | sort)" \
	"files that are listed"
# No secret came along.
for file in home/pins/* home/tls/key.pem home/tokens/so-pin; do
	! grep -qaF -- "$(sed -n '/^[^-]/{p;q}' "$file")" 3.tar || die "$file is in the backup"
done
! grep -qa -- "$VAULT_TOKEN" 3.tar || die "a token is in the backup"
tar tf 3.tar | grep -q soft-tokens && die "soft tokens without being asked"

# --- elsewhere --------------------------------------------------------------------------------------
"$chancery" restore 3.tar --home "$work/other" --check --json >checked || die "check"
same "$(field ok <checked) $(field restored <checked)" "True False" "checked"
[ ! -e other ] || die "a check left something"
fails 73 "is there; a restore goes into an empty home" "$chancery" restore 3.tar --home home
# The same while it is stopped, now with the secrets. Nothing of the home changes.
stop_all
# Readers of the database leave their marks, and an empty log where there was none.
state() { snapshot home | grep -vE 'sqlite-(shm|wal)$'; }
before=$(state)
"$chancery" backup all.tar --home home --with soft-tokens --with pins --with tls-key --json >all.json ||
	die "backup with secrets"
check "$chancery" backup soft.tar --home home --with soft-tokens
! grep -qaF -- "$(cat home/tokens/so-pin)" soft.tar || die "the SO-PIN is in a backup without PINs"
"$chancery" restore - --home "$work/other" <all.tar >restored || die "restore"
# What lies there, but for locks, derived tiles and SoftHSM's path, which is another one.
contents() {
	(cd "$1" && find . -type f ! -name lock ! -name so-pin ! -name softhsm2.conf ! -path './tree/*' -print0 |
		sort -z | xargs -0 -r sha256sum)
}
for part in register crl tokens; do
	same "$(contents "other/$part")" "$(contents "home/$part")" "$part"
done
cmp home/pins/ca other/pins/ca
cmp home/tls/key.pem other/tls/key.pem
check "$chancery" register verify --home other
check "$chancery" store check --home other
same "$(stat -c %a other other/pins/ca other/chancery.yaml | sort -u | xargs)" "600 700" "modes"
diff <(echo "$before") <(state) || die "the home that was backed up changed"

# The first home is gone: what was kept takes its place, and all that was known is known.
mv home lost
check "$chancery" restore all.tar --home home
"$chancery" store rebuild --home home --json >rebuilt || { cat rebuilt; die "store"; }
same "$(field equal <rebuilt)" True "restored store and restored register"
rm -f home/store/*.rebuilt*
service_run
sign >/dev/null || { tail -n 20 chanceryd.log >&2; die "the restored service does not sign"; }
stop_all

# --- an older one ----------------------------------------------------------------------------------------
fails 73 "is there" "$chancery" restore 1.tar --home home
check "$chancery" restore 1.tar --home home --replace
[ -d home/register.replaced ] || die "what was there is gone"
fails 85 "remembers" "$chancery" crl issue --home home --issuer x --out x.crl
grep -q "register accept --anchor" fails.err || die "does not say what to do"
: >chanceryd.log
"$bin/chanceryd" --home home 2>>chanceryd.log &
daemon=$!
until_ok "refusal" grep -q '"signer: the register refuses' chanceryd.log
grep -q remembers chanceryd.log || die "the service does not name the rule"
fails 75 "signer: halted: the register refuses" "$chancery" status --ready --home home
"$chancery" status --home home | grep -q "halted" || die "status does not say it"
! sign >/dev/null 2>&1 || die "it signs with an older register"
stop_all
fails 64 "--why" "$chancery" register accept --anchor --home home
check "$chancery" register accept --anchor --home home --who "a person" --why "the newest backup burnt"
"$chancery" register show --home home --type ANCHOR --json | grep -q '"why":"the newest backup burnt"' ||
	die "the act is not in the register"
"$chancery" register show --home home --type ANCHOR --json | grep -q '"who":"a person"' || die "nor who did it"
service_run
sign >/dev/null || die "does not sign after the act"
stop_all
check "$chancery" register verify --home home
# Nor is it a backup when the store knows more than the register.
mv home/store home/store.older
cp -r lost/store home/store
fails 84 "an older register was put back" "$chancery" backup x.tar --home home
same "$(ls x.tar* 2>/dev/null)" "" "left of a backup that failed"
rm -rf home/store
mv home/store.older home/store

# --- a home with another layout -------------------------------------------------------------------------------
mkdir -p layout data
sed "s|^register:.*|register: $work/data/register|; s|^crl_dir:.*|crl_dir: $work/data/crl|" home/chancery.yaml >layout/chancery.yaml
grep -q "^register:" layout/chancery.yaml || printf 'register: %s\n' "$work/data/register" >>layout/chancery.yaml
grep -q "^crl_dir:" layout/chancery.yaml || printf 'crl_dir: %s\n' "$work/data/crl" >>layout/chancery.yaml
cp -r home/pins home/tls layout/
fails 73 "chancery.yaml: is there" "$chancery" restore 3.tar --home layout
check "$chancery" restore all.tar --home layout --keep-config --replace
[ -s data/register/checkpoint ] || die "the register is not where chancery.yaml says"
cmp layout/pins/ca home/pins/ca
check "$chancery" register verify "$work/data/register"
"$chancery" backup outside.tar --home layout --json >outside.json || die "backup of another layout"
fails 77 "outside of the home" "$chancery" restore outside.tar --home "$work/nowhere"
check "$chancery" restore outside.tar --home "$work/nowhere" --check
[ ! -e nowhere ] || die "something was made"

# --- archives that are not what they say ------------------------------------------------------------------------
python3 "$top/tests/system/backup_hostile.py" "$chancery" 3.tar || die "hostile archives"

# A PIN in the configuration itself.
cp -r home inline
sed -i '0,/pin: /s|pin: [^,}]*|pin_in_this_file_i_accept_the_risk: "4821093700"|' inline/chancery.yaml
grep -q i_accept inline/chancery.yaml || die "no inline PIN"
fails 77 "holds a PIN itself" "$chancery" backup inline.tar --home inline
check "$chancery" backup inline.tar --home inline --with pins
sed -i -E 's/pin(_in_this_file_i_accept_the_risk)?: "[^"]*"/pin: prompt/' inline/chancery.yaml
fails 66 "no token's PIN is in a file" "$chancery" backup none.tar --home inline --with pins
# The service is running: not over it.
service_run
fails 75 "stopped first" "$chancery" restore 3.tar --home home --replace
echo "backup: good"
