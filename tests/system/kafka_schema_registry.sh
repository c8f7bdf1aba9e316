#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A schema registry, Apicurio's, over HTTPS with a certificate of an intermediate: the key store is the one that
# `chancery kafka bundle` makes of the answer of the API. Called by curl and by Java with the trust stores that
# come with it, by the interface that Confluent's registry has. It takes long to fetch (140 MB), so
# tests/interop/kafka/run has it in the whole run.
# shellcheck source=tests/interop/kafka/lib.sh
. "$(dirname "$0")/../interop/kafka/lib.sh"
runner=$(find "$top/build/apicurio" -name '*-runner.jar' 2>/dev/null) || true
[ -n "$runner" ] || die "no registry: run CHANCERY_FULL=1 scripts/deps kafka"

# --- its certificate -------------------------------------------------------------------------
estate_start ec
mount_urls kafka
role kafka registry registry,localhost ou=Kafka server_flag=true client_flag=true
issue registry kafka registry common_name=registry alt_names=localhost
echo "$store_password" >store-password
mkdir stores
check "$chancery" kafka bundle registry --answer answer.json --for broker --host localhost --ca root.pem \
	--out stores --password file:store-password --trust trust
ok "a key store out of the answer of the API"

# --- it runs ---------------------------------------------------------------------------------
port=$(free_port)
cat >registry.properties <<END
quarkus.http.host=127.0.0.1
quarkus.http.ssl-port=$port
quarkus.http.insecure-requests=disabled
quarkus.http.ssl.certificate.key-store-file=$work/stores/registry.p12
quarkus.http.ssl.certificate.key-store-file-type=PKCS12
quarkus.http.ssl.certificate.key-store-password=$store_password
END
java_start registry -Xmx384m -Dquarkus.config.locations="file:$work/registry.properties" -- \
	-jar "$runner"
says 'Listening on: https' registry.log
subject=https://localhost:$port/apis/ccompat/v7/subjects/orders-value/versions
call() { # ANCHORS ARGUMENT…
	local anchors=$1
	shift
	curl -sSf -m 20 --cacert "$anchors" --resolve "localhost:$port:127.0.0.1" "$@"
}
registers() {
	jq -n --rawfile s schema '{schema: $s}' | call stores/trust.pem --data-binary @- \
		-H 'Content-Type: application/vnd.schemaregistry.v1+json' "$subject"
}
printf '%s' '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}' >schema
reads_back() { [ "$(call stores/trust.pem "$subject/1" | jq -r .schema)" = "$(cat schema)" ]; }
tell "there is no schema yet" not reads_back
tell "curl registers one" registers
tell "and reads it back" reads_back

# --- who does not trust it ---------------------------------------------------------------------
curl_refuses() { # STATUS ARGUMENT…
	local rc=0 want=$1
	shift
	call "$@" >/dev/null || rc=$?
	[ "$rc" = "$want" ]
}
tell "one who trusts a foreign authority refuses it" curl_refuses 60 foreign.pem "$subject"
tell "by a name that it does not have as well" curl_refuses 60 stores/trust.pem \
	--resolve "elsewhere.example:$port:127.0.0.1" "${subject/localhost/elsewhere.example}"
cat >Ask.java <<'END'
import java.net.URI;
import java.net.http.*;

class Ask {
	public static void main(String[] a) throws Exception {
		System.out.println(HttpClient.newHttpClient().send(
		    HttpRequest.newBuilder(URI.create(a[0])).build(),
		    HttpResponse.BodyHandlers.ofString()).body());
	}
}
END
mkdir classes
check javac -d classes Ask.java
java_says() { # TEXT
	java_run "${java_checks[@]}" -Djavax.net.ssl.trustStore=stores/trust.p12 \
		-Djavax.net.ssl.trustStorePassword="$store_password" Ask "$subject/1" >asked 2>&1 || true
	grep -F -- "$1" asked
}
tell "Java that checks revocation reads it" java_says '\"Order\"'
revoke registry kafka
tell "once its certificate is revoked, Java refuses it" until_ok "the list" \
	java_says 'Certificate has been revoked'
count
