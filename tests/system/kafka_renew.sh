#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chancery renew on the host of a live broker, while a client writes and reads: the broker runs on the files that it
# keeps, its reload command tells the broker, its check looks what is served. A renewal, one whose reload
# command fails, and a broker that has to go on either way.
# shellcheck source=tests/interop/kafka/lib.sh
. "$(dirname "$0")/../interop/kafka/lib.sh"
store=PKCS12

estate_start ec
mount_urls kafka
issue admin kafka app common_name=kafka-admin
issue client kafka app common_name=orders-app exclude_cn_from_sans=true
issue client-foreign foreign app common_name=orders-app
stores stores "$store"
for name in admin client; do
	port=${port:-$(free_port)}
	settings $name $name
done
echo 'path "kafka/sign/broker" { capabilities = ["update"] }' >renewer.hcl
check bao policy write renewer renewer.hcl
bao token create -policy renewer -field token >renewer.token

# --- the first set, and a broker on it ---------------------------------------------------------------
# As an operator has it: Kafka's own program tells the broker.
cat >reload <<END
#!/bin/sh -e
[ ! -e "$work/reload-fails" ] || exit 1
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -cp "$jars/*" \\
	-Dlog4j.configuration="file:$work/log4j.properties" kafka.admin.ConfigCommand \\
	--bootstrap-server "localhost:$port" --command-config "$work/admin.properties" \\
	--entity-type brokers --entity-name 1 --alter \\
	--add-config "listener.name.ssl.ssl.keystore.location=$work/tls/broker.p12"
END
cat >served <<END
#!/bin/sh -e
openssl x509 -in "$work/tls/broker.pem" >"$work/wanted.pem"
# One look: a broker answers before it has the new store, and the helper looks again.
openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 >"$work/served.pem"
cmp "$work/wanted.pem" "$work/served.pem"
END
chmod 700 reload served
mkdir tls
{
	renew_settings "$work/tls"
	cat <<-END
	password: file:$work/store-password
	files: [{ name: broker.p12, kind: p12 }, { name: broker.pem, kind: certificate }]
	END
} >renew.yaml
check "$chancery" renew renew.yaml --once
ok "the helper makes the first set"
cat >>renew.yaml <<END
reload: ["$work/reload"]
check: ["$work/served"]
check_within: 2m
END
ln -s ../tls/broker.p12 stores/broker.p12
touch more.properties
{
	kraft_settings
	common_settings
	store_lines "" truststore trust
	store_lines "" keystore broker
	store_lines listener.name.ssl. keystore broker
} | sed "s|$work/stores/broker|$work/tls/broker|" >server.properties
kraft_run
ok "the broker starts with it"
probe_start
expect "a topic" ok topic admin.properties orders
expect "its ACL" ok allow admin.properties User:orders-app orders
expect "a client writes and reads from now on" ok flow client.properties orders

# --- renewals ------------------------------------------------------------------------------------------
number() { openssl x509 -in tls/broker.pem -noout -serial; }
before=$(number)
tell "nothing is due" "$chancery" renew renew.yaml --once
tell "so nothing was done" [ "$(number)" = "$before" ]
tell "a renewal: made, taken by the broker, seen to be served" "$chancery" renew renew.yaml --once --force
second=$(number)
tell "it is another one" [ "$second" != "$before" ]
tell "which the broker serves" serial_is tls/broker.pem
expect "a new program gets in" ok meet client.properties "localhost:$port"
touch reload-fails
tell "a reload command that fails is told" not "$chancery" renew renew.yaml --once --force
tell "the files are those of before" [ "$(number)" = "$second" ]
rm reload-fails
tell "and the broker serves them" serial_is tls/broker.pem
tell "the next one goes through" "$chancery" renew renew.yaml --once --force
tell "and is served" serial_is tls/broker.pem
expect "the client's end" ok stop
nothing_lost() { [[ $1 == *", failed 0, "*", missing 0 "* ]]; }
tell "it has lost nothing" nothing_lost "$detail"
count
