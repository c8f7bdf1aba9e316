#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What others say of our OCSP answers: GnuTLS's ocsptool, Java's CertPath and pkilint, for each kind
# of an authority's key.
# shellcheck source=tests/system/service.sh
. "$(dirname "$0")/service.sh"
service_start open
plain_listener
command -v ocsptool >/dev/null || die "no ocsptool: run scripts/deps test"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key \
	-subj /CN=a.example.com -out leaf.csr 2>/dev/null

# mount NAME TYPE BITS: an authority with a good and a revoked certificate in NAME/.
mount() {
	local url=$crls/$1/ocsp name
	mkdir "$1"
	check bao secrets enable -path "$1" pki
	# As long as a CN may be: the responder's is cut.
	bao write -field=certificate "$1/root/generate/internal" key_type="$2" key_bits="$3" \
		common_name="$(printf 'Authority %-54s' "$1" | tr ' ' x)" organization=Acme exclude_cn_from_sans=true \
		ttl=700h >"$1/ca.pem" 2>/dev/null || die "no authority $1"
	check bao write "$1/config/urls" ocsp_servers="$url"
	check bao write "$1/roles/leaf" allow_any_name=true key_type=any max_ttl=72h
	for name in good revoked; do
		bao write -field=certificate "$1/sign/leaf" csr=@leaf.csr >"$1/$name.pem" 2>/dev/null
	done
	check bao write "$1/revoke" certificate=@"$1/revoked.pem" reason=cessationOfOperation
	until_ok "responder of $1" openssl ocsp -CAfile "$1/ca.pem" -issuer "$1/ca.pem" \
		-cert "$1/good.pem" -url "$url" -no_nonce -respout "$1/good.der"
	for name in revoked nonce two; do
		local more=(-no_nonce)
		[ "$name" != nonce ] || more=(-nonce)
		[ "$name" != two ] || more=(-cert "$1/good.pem")
		check openssl ocsp -CAfile "$1/ca.pem" -issuer "$1/ca.pem" -sha256 \
			-cert "$1/revoked.pem" "${more[@]}" -url "$url" -respout "$1/$name.der"
	done
}

for kind in ec-256 ec-384 rsa-2048 ed25519-0; do
	m=${kind%-*}${kind#*-}
	mount "$m" "${kind%-*}" "${kind#*-}"

	# GnuTLS: asks by itself, verifies the answer and its nonce.
	for name in good revoked; do
		ocsptool --ask --load-cert "$m/$name.pem" --load-issuer "$m/ca.pem" \
			--load-trust "$m/ca.pem" >ocsptool.out 2>&1 || true
		grep -qi "Verifying OCSP Response: Success" ocsptool.out ||
			{ cat ocsptool.out >&2; die "ocsptool, $m/$name: not verified"; }
		grep -qi "Certificate Status: $name" ocsptool.out ||
			{ cat ocsptool.out >&2; die "ocsptool, $m: not $name"; }
	done
	java "$top/tests/interop/pki/OcspPath.java" "$m/ca.pem" "$m/good.pem" good \
		"$m/revoked.pem" REVOKED || die "Java, $m"
	for name in good revoked nonce two; do
		# A start of it takes a second.
		[ "$m" = ec256 ] || [ $name = two ] || continue
		lint_ocsp_response lint -s NOTICE --document-format DER "$m/$name.der" >lint.out ||
			{ cat lint.out >&2; die "pkilint, $m/$name"; }
	done
	# The responder's certificate, as the BRs have it.
	openssl ocsp -respin "$m/good.der" -noverify -resp_text |
		sed -n '/-----BEGIN/,/-----END/p' >"$m/responder.pem"
	check lint_pkix_cert lint -s WARNING "$m/responder.pem"
	openssl x509 -in "$m/responder.pem" -noout -text >responder.txt
	for text in "OCSP Signing" "OCSP No Check" "Digital Signature" "Authority Key Identifier"; do
		grep -q "$text" responder.txt || die "the responder of $m: no $text"
	done
	same "$(grep -c 'TLS Web\|CA:TRUE' responder.txt || true)" 0 "too much in the responder's"
done
