# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Chapters of scripts/demo with a real Kafka broker. Sourced by scripts/demo, which has the helpers.
# shellcheck disable=SC2154 # its variables: bold, plain, state, started, top, lists

# Kafka has no setting for revocation: these are Java's. The second line bounds what a slow server
# of lists costs; the rest ends the resumption of sessions, which are not checked again.
kafka_opts="-Dcom.sun.net.ssl.checkRevocation=true -Dcom.sun.security.enableCRLDP=true
    -Dcom.sun.security.crl.timeout=2 -Dcom.sun.security.crl.readtimeout=2
    -Djdk.tls.server.disableExtensions=pre_shared_key
    -Djdk.tls.server.enableSessionTicketExtension=false
    -Djdk.tls.server.sessionTicketTimeout=1 -Djdk.tls.server.newSessionTicketCount=0"

kafka_settings() {
	local port=$1 control
	control=$(free_port)
	cat >server.properties <<-END
	process.roles=broker,controller
	node.id=1
	controller.quorum.voters=1@localhost:$control
	controller.listener.names=CONTROLLER
	listeners=SSL://127.0.0.1:$port,CONTROLLER://127.0.0.1:$control
	advertised.listeners=SSL://localhost:$port
	listener.security.protocol.map=SSL:SSL,CONTROLLER:SSL
	inter.broker.listener.name=SSL
	ssl.client.auth=required
	ssl.keystore.type=PEM
	ssl.keystore.location=$state/kafka/node-1.pem
	ssl.truststore.type=PEM
	ssl.truststore.location=$state/kafka/trust.pem
	log.dirs=$state/kafka/data
	offsets.topic.replication.factor=1
	log.cleaner.dedupe.buffer.size=16777216
	END
	cat >client.properties <<-END
	security.protocol=ssl
	ssl.ca.location=$state/kafka/trust.pem
	ssl.certificate.location=$state/kafka/client-chain.pem
	ssl.key.location=$state/kafka/client.pem
	broker.address.family=v4
	END
	cat >kafka-log4j.properties <<-'END'
	log4j.rootLogger=INFO,out
	log4j.appender.out=org.apache.log4j.ConsoleAppender
	log4j.appender.out.layout=org.apache.log4j.PatternLayout
	log4j.appender.out.layout.ConversionPattern=%d %p %m%n
	log4j.logger.org.apache.kafka.common.network.SslTransportLayer=DEBUG
	END
}

kafka_java() {
	java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
	    -Dlog4j.configuration="file:$state/kafka-log4j.properties" \
	    -cp "$top/build/kafka-lib/*" "$@"
}

kafka_wait() {
	local i
	for ((i = 0; i < 600; i++)); do
		kill -0 "$started" 2>/dev/null || break
		! grep -qs 'Kafka Server started' kafka.log || return 0
		sleep 0.1
	done
	grep -m 5 -i exception kafka.log >&2 || tail -n 20 kafka.log >&2
	die "the broker does not start"
}

kafka_broker() {
	chapter "A real Kafka broker on these certificates"
	why "Apache Kafka, with TLS on every listener and client certificates required. Stores" \
	    "are made from what the service issued; the trust store has the root alone, so" \
	    "that the intermediate's own revocation is checked, too."
	kafka_port=$(free_port)
	mkdir kafka
	run chancery kafka bundle node-1 --cert service-node-1.pem --for broker \
	    --host localhost --trust trust --out kafka
	run chancery kafka bundle client --cert service-client.pem --for client --out kafka
	sed -n '/BEGIN CERT/,/END CERT/p' kafka/client.pem >kafka/client-chain.pem
	kafka_settings "$kafka_port"
	file server.properties "the broker's settings"
	kafka_java kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ \
	    -c server.properties >format.log 2>&1 || { cat format.log; die "no storage"; }
	say "   ${bold}\$ KAFKA_OPTS='-Dcom.sun.net.ssl.checkRevocation=true …' kafka-server-start server.properties &$plain"
	# shellcheck disable=SC2086 # the flags, word by word
	start kafka.log kafka_java $kafka_opts kafka.Kafka server.properties
	kafka_wait
	why "The client, by its certificate, writes a record and reads it again:"
	echo "first order" >orders.txt
	run kcat -F client.properties -b "localhost:$kafka_port" -P -t orders -l orders.txt
	run kcat -F client.properties -b "localhost:$kafka_port" -C -t orders -o beginning -e -q
}

kafka_lets_in() { kcat -F client.properties -b "localhost:$kafka_port" -L -m 5 >kafka-client.log 2>&1; }

kafka_refusal() {
	local from=$SECONDS
	chapter "The broker refuses the revoked client"
	why "The service signed the new list when it was told; the broker fetches it from" \
	    "http://$lists. Java looks at a list again after 30 seconds."
	while kafka_lets_in; do
		[ $((SECONDS - from)) -lt 90 ] || die "the broker still lets the revoked client in"
		sleep 1
	done
	why "After $((SECONDS - from)) more seconds:"
	refused kcat -F client.properties -b "localhost:$kafka_port" -L -m 5
	why "And the broker's log says why:"
	grep -m 1 -o 'CertificateRevokedException: .*' kafka.log | fold -s -w 80 | sed 's/^/     /' ||
		die "the broker refuses the client, but not because it is revoked"
	file kafka.log "the broker's log"
}

kafka_missing() {
	why "No real broker here: Apache Kafka could not be fetched, or the demo runs with" \
	    "recorded requests. With it, the last chapter is a broker that refuses this client."
}
