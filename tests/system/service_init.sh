#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# First start and configuration: chancery init, config check, config show.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# --- a whole home with one command -----------------------------------------------------------
fails 64 "There is no default" "$chancery" init --soft home
fails 64 'no charter template "loose"' "$chancery" init --soft home --charter loose
fails 65 "numeric address" "$chancery" init --soft home --charter open --listen localhost:1
[ ! -e home ] || die "something was made"
"$chancery" init --soft home --charter intermediate --origin acme.example/test --json >first
same "$(field origin <first)" acme.example/test "origin"
same "$(python3 -c '
import json, sys
print([p["made"] for p in json.load(sys.stdin)["parts"]])' <first)" "[True, True, True]" "made"
export CHANCERY_HOME=$work/home
check "$chancery" register verify
same "$("$chancery" config check --json | field ok)" True "config check"
same "$("$chancery" token list --json | python3 -c '
import json, sys
print(sorted(t["label"] for t in json.load(sys.stdin)["tokens"] if t["initialised"]))')" \
	"['ca', 'log']" "tokens"
cmp -s home/pins/ca home/pins/log && die "two tokens with one PIN"
for file in home/pins/* home/tls/key.pem home/chancery.yaml; do
	same "$(stat -c %a "$file")" 600 "mode of $file"
done
check openssl x509 -in home/tls/certificate.pem -noout -checkhost localhost
check openssl verify -CAfile home/tls/certificate.pem -verify_ip 127.0.0.1 home/tls/certificate.pem
# Again: nothing changes.
before=$(snapshot home)
"$chancery" init --json >second
same "$(python3 -c '
import json, sys
print([p["made"] for p in json.load(sys.stdin)["parts"]])' <second)" "[False, False, False]" "made"
check "$chancery" init --soft home --charter open
same "$(snapshot home)" "$before" "the home after a second init"

# --- cut short: what is missing is made, what is there stays -----------------------------------
rm -rf home/store
"$chancery" init >third
grep -q 'chancery store rebuild' third || die "does not tell of the rebuild"
[ -s home/store/store.sqlite ] || die "no store"
same "$(snapshot home/register home/tokens)" \
	"$(grep -E ' home/(register|tokens)' <<<"$before")" "register and tokens"
# Killed between the log key and the register: the key is found by its label.
rm -rf home/register home/store
check "$chancery" init
check "$chancery" register verify

# --- someone else's home ------------------------------------------------------------------------
mkdir other
echo 48210937 >other/pin
cat >other/chancery.yaml <<END
origin: acme.example/other
module: $module
soft_token_dir: soft
tokens:
  one: { uri: "pkcs11:token=acme%20one", pin: "file:pin", role: ca }
  two: { uri: "pkcs11:object=x", pin: "file:pin", role: log }
END
fails 65 "uri needs token=" "$chancery" init --home other
sed -i 's/object=x/token=acme-two/' other/chancery.yaml
check "$chancery" init --home other
"$chancery" token list --home other | grep -q 'acme one' || die "no token by that label"

# --- config ----------------------------------------------------------------------------------------
"$chancery" config show >shown
mkdir copy
cp shown copy/chancery.yaml
"$chancery" config show --home copy | cmp -s - shown || die "config show does not read back"
"$chancery" config show --json | python3 -c 'import json, sys; json.load(sys.stdin)'
sed 's|pin: "file:.*pins/ca"|pin_in_this_file_i_accept_the_risk: "1234"|' shown >copy/chancery.yaml
"$chancery" config show --home copy | grep -q '1234' && die "shows a PIN"
"$chancery" config show --home copy --json | grep -q '1234' && die "shows a PIN"
"$chancery" config show --defaults >defaults
for key in listen plain_listen max_handshakes_per_s user_signer pin_in_this_file; do
	grep -q "$key" defaults || die "no $key in the defaults"
done
cat >copy/chancery.yaml <<'END'
origin: 1
modules: /x
tokens: {}
server: { workers: many, listen: [here] }
END
fails 65 "chancery.yaml:2:1: unknown key \"modules\"" "$chancery" config check --home copy
for place in 1:1 2:1 3:9 4:20 4:35; do
	grep -q "copy/chancery.yaml:$place: " fails.err || { cat fails.err; die "no mistake at $place"; }
done

# What the schema cannot know is told with its place, too, and all at once.
cat >copy/chancery.yaml <<'END'
origin: x
module: /bin/true
tokens:
  one: { uri: "pkcs11:token=a", pin: "fd:x", role: ca, charter: loose }
  two: { uri: "pkcs11:token=b", pin: prompt, role: log, charter_file: chancery.yaml }
END
fails 65 'chancery.yaml:4:38: tokens.one.pin: PIN source fd:x' "$chancery" config check --home copy
sed -i 's/"fd:x"/"fd:3"/' copy/chancery.yaml
fails 65 'chancery.yaml:4:65: no charter template' "$chancery" config check --home copy
grep -q 'chancery.yaml:4:65: no charter template "loose"' fails.err || { cat fails.err; die "no place"; }
grep -q 'chancery.yaml:5:' fails.err || { cat fails.err; die "no mistake in the charter file"; }

# --- no daemon ----------------------------------------------------------------------------------------
fails 66 "chanceryd does not run" "$chancery" status
fails 66 "chanceryd does not run" "$chancery" unseal ca --pin file:home/pins/ca
fails 66 "chanceryd does not run" "$chancery" token root
