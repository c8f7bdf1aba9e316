#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# acceptance.sh CHANCERY DATA HARNESS rsa|ec PEM|PKCS12 [--services] [--negative]
#
# The acceptance run of a Kafka harness that only knows a folder of stores and lists: the folder is
# made through the product alone, the lists come from the service's own port, and the harness's
# victims are revoked through the API. HARNESS has kafka-mtls.sh and kafka-services.sh; KAFKA_LIB
# names the jars. The layout is in the harness's README.
#   --services   then kafka-services.sh, too
#   --negative   instead: two runs that must fail, one with a victim that is never revoked, one
#                with the lists of two partitions in each other's place
harness=$(realpath "$3") KAFKA_LIB=$(realpath "${KAFKA_LIB:-$3/lib}")
export KAFKA_LIB
# shellcheck source=tests/interop/kafka/estate.sh
. "$(dirname "$0")/estate.sh"
store=$5 what=${6:-}
input=$work/input
export TMPDIR=$work

# The victims, revoked through the API by their serial numbers, by a program of its own. The list
# as librdkafka wants it is fetched from the service, to where the harness looks for it.
settings() { # VICTIM…: those that are really revoked
	{
		echo '#!/bin/sh -e'
		for name; do
			echo "bao write kafka/revoke serial_number=$(serial_of "$name") reason=keyCompromise"
		done
		echo 'bao read kafka/crl/rotate'
	} >hook
	chmod 700 hook
	cat >"$input/harness.env" <<-END
	STORE=$store
	STORE_PASSWORD=$([ "$store" = PEM ] || echo "$store_password")
	CRL_PORT=
	revoke_hook() {
		"$work/hook" >"\$work/hook.log" 2>&1 &&
			curl -sSf "$crls/kafka/crl" -o "\$work/web/full.crl"
	}
	REVOKE_HOOK=revoke_hook
	END
}
# What no service would do: the lists of two partitions, each under the other's name. The service
# mends that within seconds, so it is done again and again.
swap_at_the_end() {
	local key
	key=$(openssl x509 -in kafka.pem -noout -pubkey | openssl pkey -pubin -outform DER |
		sha256sum | cut -d ' ' -f 1)
	cat >>hook <<-END
	cd "$work/home/crl/$key"
	newest() { ls \$1/*.crl | sort -t / -k 2n | tail -n 1; }
	cp \$(newest partition-1) one
	cp \$(newest partition-2) two
	put() { cmp -s \$1 \$2 || { cp \$1 new && mv new \$2; }; }
	for i in \$(seq 500); do
		put two \$(newest partition-1)
		put one \$(newest partition-2)
		sleep 0.2
	done >/dev/null 2>&1 &
	END
}
new_victims() {
	local name
	estate_victims
	for name in victim-full victim-part; do
		key_store $name "$input" "$store" --replace
	done
}
must_fail() { # WHAT
	if "$harness/kafka-mtls.sh" --strict "$input"; then
		die "the harness is content with $1"
	fi
	echo "negative run: it sees $1"
}

estate_start "$4"
estate_leaves
stores "$input" "$store"
settings victim-full victim-part
until_ok "list of the root" curl -sSf "$crls/root/crl" -o root.served
if [ "$what" = --negative ]; then
	settings victim-full
	must_fail "a victim that is on no list"
	new_victims
	settings victim-full victim-part
	swap_at_the_end
	must_fail "two lists in each other's place"
else
	"$harness/kafka-mtls.sh" --strict "$input"
	[ "$what" != --services ] || "$harness/kafka-services.sh" "$input"
fi
