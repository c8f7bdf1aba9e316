# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Read by scripts that need a Kafka estate, with tests/system/service.sh: makes its certificates
# with the product alone. An offline root made by a ceremony, a service with an intermediate below
# it, one that the root has revoked, and a foreign authority; leaves/NAME/{key,cert,chain}.pem.
#
#   estate_start rsa|ec     root, service, authorities, roles; $plain is where lists are served
#   estate_leaves           every leaf of the estate; broker-revoked is revoked
#   issue NAME MOUNT ROLE [FIELD=VALUE…]      a leaf, its key made by the service
#   sign NAME MOUNT ROLE SUBJECT              a leaf from a request made here
#   revoke NAME MOUNT [FIELD=VALUE…]          by its serial number
#   stores DIRECTORY PEM|PKCS12               key stores of all, trust and trust-foreign
# shellcheck source=tests/system/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../system/service.sh"
export HOME=$work
root_home=$work/offline store_password=changeit

# --- the offline root ------------------------------------------------------------------------
offline() { "$chancery" "$@" --home "$root_home"; }
root_plan() {
	cat >plan.yaml <<-END
	version: 1
	id: acme-kafka-root
	title: Root of the Kafka estate
	people:
	  - { name: Ada Adams, role: administrator }
	  - { name: Wilma West, role: witness }
	module: { path: $module, soft_token_dir: tokens }
	tokens:
	  ca: { uri: "pkcs11:token=acme-ca", pin: "file:pin-ca", role: ca }
	  log: { uri: "pkcs11:token=acme-log", pin: "file:pin-log", role: log }
	log: { origin: acme.example/chancery/kafka-root, token: log }
	root:
	  label: acme-root
	  token: ca
	  type: ec-p384
	  charter: root
	  subject: "CN=Acme Root CA,O=Acme"
	  life: 7300d
	  file: root.pem
	crl: { life: 30d, file: root.crl }
	END
}
root_ceremony() {
	root_plan
	make_tokens
	check "$chancery" ceremony run plan.yaml --rehearse --yes --home "$root_home"
	words plan.yaml >typed
	check "$chancery" ceremony run plan.yaml --home "$root_home" <typed
	cp "$root_home/out/root.pem" root.pem
}
# root_sign REQUEST CERTIFICATE
root_sign() {
	rm -f "$2"
	check offline sign intermediate --issuer acme-root --csr "$1" --out "$2" --life 1825d \
		--crl-url "$crls/root/crl"
}
# A new list of the root, and its register taken in by the service: root/crl serves the list.
root_publish() {
	local first=()
	rm -f root.crl root.bundle
	check offline crl issue --issuer acme-root --out root.crl --life 30d
	check offline register bundle root.bundle
	[ -e imported ] || first=(--vkey "$root_home/out/log.vkey")
	check "$chancery" import root.bundle --home "$work/home" --mount root "${first[@]}"
	touch imported
}

# --- the service -----------------------------------------------------------------------------
key_fields() { # rsa|ec
	if [ "$1" = rsa ]; then
		echo key_type=rsa key_bits=2048
	else
		echo key_type=ec key_bits=256
	fi
}
mount_new() { # MOUNT
	check bao secrets enable -path "$1" pki
	check bao secrets tune -max-lease-ttl=26280h "$1"
}
mount_urls() { # MOUNT
	check bao write "$1/config/urls" crl_distribution_points="$crls/$1/crl" \
		issuing_certificates="$crls/$1/ca"
}
# intermediate MOUNT NAME: its key in the service, certified by the offline root.
intermediate() {
	# shellcheck disable=SC2046
	bao write -field=csr "$1/intermediate/generate/internal" common_name="$2" organization=Acme \
		$(key_fields "$algo") >"$1.csr" 2>warnings
	root_sign "$1.csr" "$1.pem"
	check bao write "$1/intermediate/set-signed" certificate=@"$1.pem"
}
# role MOUNT NAME DOMAINS [FIELD=VALUE…]
role() {
	local mount=$1 name=$2 domains=$3 usage=DigitalSignature
	shift 3
	[ "$algo" = ec ] || usage+=,KeyEncipherment
	# shellcheck disable=SC2046
	check bao write "$mount/roles/$name" allowed_domains="$domains" allow_bare_domains=true \
		$(key_fields "$algo") key_usage="$usage" organization=Acme max_ttl=72h "$@"
}
apps=orders-app,billing-app,kafka-admin
roles() { # MOUNT
	local both="server_flag=true client_flag=true" client="server_flag=false client_flag=true"
	# shellcheck disable=SC2086
	{
		role "$1" broker broker-1,localhost ou=Kafka $both
		role "$1" app "$apps" ou=Kafka $client
		role "$1" guest "$apps" ou=Guests $client
		role "$1" server-only "$apps" ou=Kafka server_flag=true client_flag=false
		role "$1" client-only broker-1,localhost ou=Kafka $client
		role "$1" other-name localhost,other.example.com ou=Kafka $both
	}
}
estate_start() {
	algo=$1
	service_start open
	plain_listener
	root_ceremony
	for mount in root kafka kafka-old foreign; do
		mount_new $mount
	done
	intermediate kafka "Acme Kafka CA"
	intermediate kafka-old "Acme Kafka CA old"
	check offline revoke --cert kafka-old.pem --reason cessationOfOperation
	root_publish
	# shellcheck disable=SC2046
	bao write -field=certificate foreign/root/generate/internal common_name="Foreign CA" \
		organization=Other ttl=8760h $(key_fields ec) >foreign.pem 2>warnings
	for mount in kafka kafka-old foreign; do
		roles $mount
	done
}

# --- leaves ----------------------------------------------------------------------------------
# Key, leaf and what is above it, but the root, out of an answer.
leaf_files() { # NAME
	mkdir -p "leaves/$1"
	python3 - "leaves/$1" <<-'END' || die "answer for $1"
	import json, sys
	d = json.load(open("answer.json"))["data"]
	to = sys.argv[1]
	if "private_key" in d:
	    open(to + "/key.pem", "w").write(d["private_key"].strip() + "\n")
	open(to + "/cert.pem", "w").write(d["certificate"].strip() + "\n")
	chain = d.get("ca_chain") or [d["issuing_ca"]]
	open(to + "/chain.pem", "w").write("".join(c.strip() + "\n" for c in chain))
	END
}
issue() {
	local name=$1 mount=$2 role=$3
	shift 3
	bao write -format=json "$mount/issue/$role" private_key_format=pkcs8 "$@" >answer.json \
		2>warnings || { cat warnings >&2; die "$name is not issued"; }
	leaf_files "$name"
}
request() { # FILE-PREFIX SUBJECT [EXTENSION]
	local kind=(-newkey rsa:2048)
	[ "$algo" = rsa ] || kind=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
	openssl req -new "${kind[@]}" -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" \
		${3:+-addext "$3"} 2>/dev/null
}
sign() {
	local name=$1 mount=$2 role=$3 subject=$4
	shift 4
	request "$name" "$subject" "$@"
	bao write -format=json "$mount/sign/$role" csr=@"$name.csr" >answer.json 2>warnings ||
		{ cat warnings >&2; die "$name is not signed"; }
	leaf_files "$name"
	mv "$name.key" "leaves/$name/key.pem"
}
# renewed NAME…: the broker's by the renewal helper, made and renewed once for each further NAME.
renew_settings() { # DIRECTORY
	cat <<-END
	url: $VAULT_ADDR
	ca_file: $VAULT_CACERT
	auth: { token: "file:$work/renewer.token" }
	mount: kafka
	role: broker
	key_type: $([ "$algo" = rsa ] && echo rsa-2048 || echo ec-p256)
	common_name: broker-1
	alt_names: [localhost]
	ip_sans: ["127.0.0.1"]
	ttl: 24h
	for: broker
	directory: $1
	trust: ["$work/root.pem"]
	END
}
renewed() {
	local name
	echo 'path "kafka/sign/broker" { capabilities = ["update"] }' >renewer.hcl
	check bao policy write renewer renewer.hcl
	bao token create -policy renewer -field token >renewer.token
	mkdir renewed
	{
		renew_settings "$work/renewed"
		echo 'files: [{ name: key.pem, kind: key }, { name: chain.pem, kind: certificate }]'
	} >renew.yaml
	for name; do
		check "$chancery" renew renew.yaml --once --force
		mkdir "leaves/$name"
		cp renewed/key.pem "leaves/$name/"
		openssl x509 -in renewed/chain.pem -out "leaves/$name/cert.pem"
		awk '/BEGIN/ { n++ } n > 1' renewed/chain.pem >"leaves/$name/chain.pem"
	done
}
# by_agent NAME MOUNT ROLE "FIELD=VALUE"…: rendered by bao agent from a template.
by_agent() {
	local name=$1 path=$2/issue/$3 to=$work/leaves/$1 fields field
	shift 3
	fields="\"private_key_format=pkcs8\""
	for field; do
		fields+=" \"$field\""
	done
	bao token create -field token >agent.token
	mkdir "$to"
	cat >agent.hcl <<-END
	exit_after_auth = true
	vault { address = "$VAULT_ADDR" ca_cert = "$VAULT_CACERT" }
	auto_auth { method "token_file" { config = { token_file_path = "$work/agent.token" } } }
	template {
	  contents = <<EOT
	{{ with pkiCert "$path" ${fields//\\/} }}{{ .Cert }}
	{{ .CA }}{{ .Key | writeToFile "$to/key.pem" "" "" "0600" }}{{ .CA | writeToFile "$to/chain.pem" "" "" "0600" }}{{ end }}
	EOT
	  destination = "$to/cert.pem"
	}
	END
	check env -u BAO_TOKEN -u VAULT_TOKEN bao agent -config agent.hcl
}
# by_keytool NAME MOUNT ROLE DN: key and request by keytool, the answer imported there.
by_keytool() {
	local name=$1 mount=$2 role=$3 kind=(-keyalg RSA -keysize 2048)
	[ "$algo" = rsa ] || kind=(-keyalg EC -groupname secp256r1)
	check keytool -genkeypair -keystore tool.p12 -alias "$name" "${kind[@]}" -dname "$4" \
		-storetype PKCS12 -storepass "$store_password"
	check keytool -certreq -keystore tool.p12 -alias "$name" -storepass "$store_password" \
		-file "$name.csr"
	bao write -format=json "$mount/sign/$role" csr=@"$name.csr" >answer.json 2>warnings ||
		{ cat warnings >&2; die "$name is not signed"; }
	leaf_files "$name"
	cat "leaves/$name/cert.pem" "leaves/$name/chain.pem" root.pem >"$name.answer"
	check keytool -importcert -noprompt -keystore tool.p12 -alias "$name" \
		-storepass "$store_password" -file "$name.answer"
	check openssl pkcs12 -in tool.p12 -passin "pass:$store_password" -nocerts -nodes \
		-out "leaves/$name/key.pem"
}
serial_of() { # NAME: as the API writes it
	openssl x509 -in "leaves/$1/cert.pem" -noout -serial | sed 's/.*=//; s/../&:/g; s/:$//'
}
revoke() {
	local name=$1 mount=$2
	shift 2
	check bao write "$mount/revoke" serial_number="$(serial_of "$name")" "$@"
}

partition_of() { # NAME
	openssl x509 -in "leaves/$1/cert.pem" -noout -ext crlDistributionPoints |
		grep -o 'partition-[0-9]*'
}
# The mount's numbers only grow: the other one of an odd number is the next.
other_partition() {
	local n
	n=$(partition_of "$1")
	n=${n#partition-}
	echo "partition-$((n % 2 ? n + 1 : n - 1))"
}
# issue_in NAME PARTITION FIELD…: until one is in that partition.
issue_in() {
	local name=$1 partition=$2
	shift 2
	until issue "$name" kafka app "$@" && [ "$(partition_of "$name")" = "$partition" ]; do
		:
	done
}
# One on the full list, one in a partition: a mount of two lists, by the certificates' serial numbers.
estate_victims() {
	check bao write kafka/config/crl partitions=0
	issue victim-full kafka app common_name=orders-app exclude_cn_from_sans=true
	check bao write kafka/config/crl partitions=2
	issue victim-part kafka app common_name=orders-app exclude_cn_from_sans=true
}
# The leaves of the estate, by their places in it.
estate_leaves() {
	local names=(common_name=broker-1 alt_names=localhost ip_sans=127.0.0.1)
	local app=(common_name=orders-app exclude_cn_from_sans=true)
	# Before the mount has an address of lists: none in the certificate.
	issue client-nocdp kafka app "${app[@]}"
	for mount in kafka kafka-old; do
		mount_urls $mount
	done
	issue client-expired kafka app "${app[@]}" ttl=1s
	renewed broker broker-renewed
	issue broker-revoked kafka broker "${names[@]}"
	issue broker-clientonly kafka client-only "${names[@]}"
	issue broker-wrongname kafka other-name common_name=localhost exclude_cn_from_sans=true \
		alt_names=other.example.com
	by_agent admin kafka app common_name=kafka-admin
	sign client kafka app "/CN=orders-app"
	by_keytool client-othercn kafka app "CN=billing-app"
	issue client-otherou kafka guest "${app[@]}"
	issue client-serveronly kafka server-only "${app[@]}"
	issue client-oldint kafka-old app "${app[@]}"
	issue client-foreign foreign app "${app[@]}"
	revoke broker-revoked kafka reason=superseded
	estate_victims
	issue_in client-neighbour "$(partition_of victim-part)" "${app[@]}"
	issue_in client-part "$(other_partition victim-part)" "${app[@]}"
}

# --- stores ----------------------------------------------------------------------------------
# What is wrong with a leaf on purpose, in the words of `chancery kafka bundle`.
declare -A faults=([client-expired]=expired [client-serveronly]=eku-client
	[broker-clientonly]=eku-server [client-foreign]=leaf-only)
store_formats() { # PEM|PKCS12
	if [ "$1" = PEM ]; then
		echo --format pem
	else
		echo --format p12 --password file:store-password
	fi
}
key_store() { # NAME DIRECTORY PEM|PKCS12 [--replace]
	local name=$1 from=leaves/$1 use=client more=()
	[[ $name != broker* ]] || use=broker
	[ -z "${faults[$name]:-}" ] || more=(--accept "${faults[$name]}")
	# shellcheck disable=SC2046
	check "$chancery" kafka bundle "$name" --cert "$from/cert.pem" --key "$from/key.pem" \
		--chain "$from/chain.pem" --for "$use" --out "$2" $(store_formats "$3") \
		"${more[@]}" "${@:4}"
}
# stores DIRECTORY PEM|PKCS12: of every leaf, and the anchors.
stores() {
	local name
	echo "$store_password" >store-password
	mkdir "$1"
	for name in leaves/*; do
		key_store "$(basename "$name")" "$1" "$2"
	done
	# shellcheck disable=SC2046
	{
		check "$chancery" kafka trust trust --ca root.pem --out "$1" $(store_formats "$2")
		check "$chancery" kafka trust trust-foreign --ca foreign.pem --out "$1" \
			$(store_formats "$2")
	}
}
