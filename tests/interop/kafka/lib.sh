# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# An estate (estate.sh) and a real broker on it, with Probe.java as its clients. Checks are told a line each
# and counted; everything started here ends with the script.
#
#   probe_start                     compiled and running; `probe WORD…` asks it
#   settings NAME STORE [LINE…]     → NAME.properties of a client; STORE "-": no certificate
#   java_start NAME FLAG… -- CLASS ARGUMENT…       its log is NAME.log
#   broker_start                    KRaft, the estate's broker
#   expect WHAT OUTCOME WORD…       what the probe has to answer
#   refused WHAT REASON WORD…       refused in the handshake, for that reason by the broker's log
# shellcheck source=tests/interop/kafka/estate.sh
. "$(dirname "${BASH_SOURCE[0]}")/estate.sh"
here=$top/tests/interop/kafka
jars=${KAFKA_LIB:-$top/build/kafka-lib}
[ -n "$(find "$jars" -name 'kafka_2.13-*.jar' 2>/dev/null)" ] || die "no Kafka: run scripts/deps kafka"
passed=0 failed=0 started=()
ok() {
	passed=$((passed + 1))
	echo "ok    $*"
}
wrong() {
	failed=$((failed + 1))
	echo "WRONG $*"
}
# tell WHAT COMMAND…: a check that is a command.
tell() {
	local what=$1
	shift
	if "$@" >tell.out 2>&1; then ok "$what"; else wrong "$what: $(tail -n 1 tell.out)"; fi
}
not() { ! "$@"; }
# The last thing of a script.
count() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

# --- processes -------------------------------------------------------------------------------
eval "service_$(declare -f stop_all)"
end_process() {
	local i
	kill "$1" 2>/dev/null || return 0
	for ((i = 0; i < 100; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null || true
}
stop_all() {
	local i
	for ((i = ${#started[@]} - 1; i >= 0; i--)); do
		end_process "${started[i]}"
	done
	started=()
	service_stop_all
}
# Revocation in Java: the first two switch it on, the next two bound what a slow server of lists
# costs. A resumed session is not checked again, hence the others.
java_checks=(-Dcom.sun.net.ssl.checkRevocation=true -Dcom.sun.security.enableCRLDP=true
	-Dcom.sun.security.crl.timeout=2 -Dcom.sun.security.crl.readtimeout=2)
java_no_resumption=(-Djdk.tls.server.disableExtensions=pre_shared_key
	-Djdk.tls.server.enableSessionTicketExtension=false
	-Djdk.tls.server.sessionTicketTimeout=1 -Djdk.tls.server.newSessionTicketCount=0)
cat >log4j.properties <<'END'
log4j.rootLogger=INFO,err
log4j.appender.err=org.apache.log4j.ConsoleAppender
log4j.appender.err.Target=System.err
log4j.appender.err.layout=org.apache.log4j.PatternLayout
log4j.appender.err.layout.ConversionPattern=%d %p %c{1}: %m%n
log4j.logger.org.apache.kafka.common.network.SslTransportLayer=DEBUG
END
java_run() {
	java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
		-Dlog4j.configuration="file:$work/log4j.properties" -cp "$jars/*:$work/classes" "$@"
}
java_start() {
	local name=$1 flags=()
	shift
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	java_run "${flags[@]}" "$@" >"$name.log" 2>&1 </dev/null &
	started+=($!)
}
# says TEXT LOG: until it stands there; the last process may not end before.
says() {
	local i
	for ((i = 0; i < 900; i++)); do
		! grep -qsE -- "$1" "$2" || return 0
		kill -0 "${started[-1]}" 2>/dev/null || break
		sleep 0.1
	done
	tail -n 30 "$2" >&2
	die "$2 does not say \"$1\""
}

# --- clients ---------------------------------------------------------------------------------
probe_start() {
	mkdir classes
	check javac -cp "$jars/*" -d classes "$here/Probe.java"
	coproc PROBE { java_run -Xmx192m Probe 2>probe.log; }
	started+=("$PROBE_PID")
}
probe() {
	local IFS=$'\t'
	printf '%s\n' "$*" >&"${PROBE[1]}"
	read -r -t 120 outcome detail <&"${PROBE[0]}" || die "the probe does not answer: $*"
}
extension() { if [ "$store" = PEM ]; then echo pem; else echo p12; fi; }
store_lines() { # PREFIX keystore|truststore FILE
	echo "$1ssl.$2.type=$store"
	echo "$1ssl.$2.location=$work/stores/$3.$(extension)"
	[ "$store" = PEM ] || echo "$1ssl.$2.password=$store_password"
	[ "$store" = PEM ] || [ "$2" = truststore ] || echo "$1ssl.key.password=$store_password"
}
settings() {
	local name=$1 key=$2
	shift 2
	{
		echo "bootstrap.servers=localhost:$port"
		echo security.protocol=SSL
		store_lines "" truststore trust
		[ "$key" = - ] || store_lines "" keystore "$key"
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$name.properties"
}

# --- checks ----------------------------------------------------------------------------------
expect() {
	local what=$1 want=$2
	shift 2
	probe "$@"
	if [ "$outcome" = "$want" ]; then ok "$what"; else wrong "$what: $outcome, not $want: $detail"; fi
}
# new_in LOG FROM REGEX: it stands behind that byte; the log may be a moment behind.
new_in() {
	local i
	for ((i = 0; i < 50; i++)); do
		! tail -c "+$2" "$1" | grep -qE -- "$3" || return 0
		sleep 0.1
	done
	return 1
}
end_of() { echo $(($(stat -c %s "$1") + 1)); }
refused() {
	local what=$1 reason=$2 from
	shift 2
	from=$(end_of broker.log)
	probe "$@"
	if [ "$outcome" != tls ] && [ "$outcome" != gone ]; then
		wrong "$what: $outcome $detail"
	elif [[ $detail =~ $reason ]] || new_in broker.log "$from" "$reason"; then
		ok "$what"
	else
		wrong "$what, but not because: $reason"
	fi
}
# in_the_end WHAT OUTCOME SECONDS WORD…: asked again until it is so.
in_the_end() {
	local what=$1 want=$2 end=$((SECONDS + $3))
	shift 3
	until probe "$@" && [[ $outcome =~ ^($want)$ ]]; do
		[ $SECONDS -lt "$end" ] || { wrong "$what: still $outcome: $detail"; return; }
		sleep 0.5
	done
	ok "$what"
}

# --- the broker ------------------------------------------------------------------------------
# CN of whoever has OU=Kafka; of all others the whole name.
super_users='User:broker-1;User:kafka-admin'
principal_rules='RULE:^CN=([a-zA-Z0-9._-]+),OU=Kafka(?:,.*)?$/$1/,DEFAULT'
common_settings() {
	cat <<-END
	ssl.client.auth=required
	ssl.endpoint.identification.algorithm=https
	ssl.principal.mapping.rules=$principal_rules
	super.users=$super_users
	log.dirs=$work/data
	num.network.threads=1
	num.io.threads=2
	auto.create.topics.enable=false
	offsets.topic.num.partitions=1
	offsets.topic.replication.factor=1
	transaction.state.log.replication.factor=1
	transaction.state.log.min.isr=1
	group.initial.rebalance.delay.ms=0
	log.cleaner.dedupe.buffer.size=16777216
	END
}
# listener NAME PORT STORE: a further one, with a certificate of its own.
listeners= advertised= protocols=
listener() {
	listeners+=",$1://127.0.0.1:$2" advertised+=",$1://localhost:$2" protocols+=",$1:SSL"
	store_lines "listener.name.${1,,}." keystore "$3" >>more.properties
}
kraft_settings() {
	local control
	control=$(free_port)
	cat <<-END
	process.roles=broker,controller
	node.id=1
	controller.quorum.voters=1@localhost:$control
	listeners=SSL://127.0.0.1:$port,CONTROLLER://127.0.0.1:$control$listeners
	advertised.listeners=SSL://localhost:$port$advertised
	listener.security.protocol.map=SSL:SSL,CONTROLLER:SSL$protocols
	inter.broker.listener.name=SSL
	controller.listener.names=CONTROLLER
	authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
	END
}
# kraft_run: formatted and started, with server.properties.
kraft_run() {
	check java_run kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c server.properties
	java_start broker -Xmx384m "${java_checks[@]}" "${java_no_resumption[@]}" -- \
		kafka.Kafka server.properties
	says 'Kafka Server started' broker.log
}
broker_start() {
	touch more.properties
	# What is changed while it runs has the listener's name in front.
	cp "stores/broker.$(extension)" "stores/live.$(extension)"
	store_lines listener.name.ssl. keystore live >>more.properties
	{
		kraft_settings
		common_settings
		store_lines "" truststore trust
		store_lines "" keystore broker
		cat more.properties
	} >server.properties
	kraft_run
}
# --- its certificate, changed while it runs ---------------------------------------------------
served() {
	openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null |
		openssl x509 -noout -serial
}
serial_is() { [ "$(served)" = "$(openssl x509 -in "$1" -noout -serial)" ]; }
take() { # STORE: the live file becomes that one, by rename; the broker is told
	cp "stores/$1.$(extension)" stores/new
	mv stores/new "stores/live.$(extension)"
	probe set admin.properties 1 listener.name.ssl.ssl.keystore.location \
		"$work/stores/live.$(extension)"
}
