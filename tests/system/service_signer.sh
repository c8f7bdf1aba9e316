#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The signer room alone: certificates over two lanes while it is killed; the register
# verifies from nothing.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
signer=$(realpath "$5") drive=$(realpath "$6")

make_tokens
mkdir home
cat >home/chancery.yaml <<YAML
origin: drive.example/log
anchor_dir: $work/anchor
module: $module
soft_token_dir: $work/tokens
tokens:
  ca:
    uri: "pkcs11:token=acme-ca"
    pin: file:$work/pin-ca
    role: ca
    charter: open
  log:
    uri: "pkcs11:token=acme-log"
    pin: file:$work/pin-log
    role: log
YAML
check "$chancery" register init --new-log-key --home home
# The last is the default, and stays for what follows.
for workers in 0 2 auto; do
	sed -i "/^workers:/d" home/chancery.yaml
	echo "workers: $workers" >>home/chancery.yaml
	check "$drive" "$signer" home 400 3
	cat check.out
	check "$chancery" register verify --home home --json
	same "$(field open_intents <check.out)" 0 "open intents"
	mv home/register "register-$workers"
	rm -rf anchor
	check "$chancery" register init --home home
done

# --- a module that misbehaves: the signer ends by itself, the next one goes on -----------------
export FAULT_PKCS11_MODULE=$module
sed -i "s#^module:.*#module: $fault#" home/chancery.yaml
# A C_Sign that does not return (the deadline is ten seconds).
FAULT_PKCS11_RULES='C_Sign:hang:nth=30' check "$drive" "$signer" home 100 0 1
# Logged out, and the PIN is another one since: asked once.
FAULT_PKCS11_RULES='C_Sign:rv=0x101:from=30;C_Login:rv=0xa0:from=5' \
	check "$drive" "$signer" home 100 0 77
check "$chancery" register verify --home home --json
same "$(field open_intents <check.out)" 0 "open intents"
