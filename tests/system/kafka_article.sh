# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Read by the scripts that follow an article about Kafka's security: the running service, a real Kafka, and
# commands as they are typed. Kafka's programs have their names of the articles.
# shellcheck source=tests/interop/kafka/lib.sh
. "$(dirname "$0")/../interop/kafka/lib.sh"
unset JAVA_TOOL_OPTIONS

vault() { bao "$@"; }
export -f vault
# article ANSWER… <<'END': the commands that come in, as they stand, with the answers at their prompts. A session
# of its own has no terminal, so that openssl asks standard input, too.
# shellcheck disable=SC2120
article() {
	cat >commands.sh
	printf '%s\n' "$@" >answers
	setsid -w bash -eu -o pipefail commands.sh <answers >article.out 2>&1 ||
		{ cat commands.sh article.out >&2; die "a command of the article"; }
}
# authority MOUNT NAME FIELD…: a root in the HSM, with a list where Java can read it; MOUNT.pem
authority() {
	local mount=$1 name=$2
	shift 2
	mount_new "$mount"
	bao write -field certificate "$mount/root/generate/internal" common_name="$name" ttl=8760h "$@" \
		>"$mount.pem" 2>warnings
	mount_urls "$mount"
}
kafka-topics() { java_run org.apache.kafka.tools.TopicCommand "$@"; }
kafka-acls() { java_run kafka.admin.AclCommand "$@"; }
kafka-console-producer() { java_run kafka.tools.ConsoleProducer "$@"; }
kafka-console-consumer() { java_run org.apache.kafka.tools.consumer.ConsoleConsumer "$@" --timeout-ms 20000; }
# jks_lines KEYSTORE TRUSTSTORE PASSWORD: settings as the articles have them
jks_lines() {
	cat <<-END
	ssl.keystore.location=$1
	ssl.keystore.password=$3
	ssl.key.password=$3
	ssl.truststore.location=$2
	ssl.truststore.password=$3
	END
}
client_lines() {
	echo security.protocol=SSL
	jks_lines "$@"
}
# reads TEXT COMMAND…: a consumer's output has that line.
reads() {
	local text=$1
	shift
	"$@" 2>consumer.log | grep -Fx -- "$text" || { tail -n 5 consumer.log; return 1; }
}
