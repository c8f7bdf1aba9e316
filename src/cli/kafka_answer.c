/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_answer.h"

#include <string.h>

/* ---- the answer ------------------------------------------------------------------- */

const char *
kafka_answer_end(const struct kafka_seen *seen)
{
	if (seen->alert[0] != '\0')
		return seen->alert;
	return seen->answer == KAFKA_ANSWER_SILENT ? "it says nothing"
						   : "it closes the connection";
}

static bool
broke_off(const struct kafka_seen *seen)
{
	return seen->answer == KAFKA_ANSWER_ALERT ||
	    seen->answer == KAFKA_ANSWER_CLOSED;
}

/* Where a client certificate was asked for, breaking off is the answer to ours. */
static void
look_at_end(const struct kafka_seen *seen, struct kafka_findings *f)
{
	if (seen->answer == KAFKA_ANSWER_SILENT)
		kafka_find(f, KAFKA_WRONG, "protocol",
		    "the server gives no answer within %d s%s",
		    KAFKA_TLS_TIMEOUT_S, seen->tls ? "" : ", in the handshake");
	else if (broke_off(seen) && !seen->asked)
		kafka_find(f, KAFKA_WRONG, "protocol", "%s (%s)",
		    seen->tls
			? "the server breaks off without an answer"
			: "the handshake fails, and not for want of a client "
			  "certificate",
		    kafka_answer_end(seen));
}

void
kafka_answer_show(const struct kafka_seen *seen, struct doc *d,
    struct kafka_findings *f)
{
	doc_text(d, "protocol", "protocol", seen->protocol);
	doc_text(d, "cipher", "cipher", seen->cipher);
	if (seen->answer == KAFKA_ANSWER_KAFKA ||
	    seen->answer == KAFKA_ANSWER_OTHER)
		doc_bool(d, "kafka", "answers as Kafka",
		    seen->answer == KAFKA_ANSWER_KAFKA);
	look_at_end(seen, f);
	if (seen->answer == KAFKA_ANSWER_OTHER)
		kafka_find(f, KAFKA_WARNING, "protocol",
		    "what answers there is no Kafka broker");
	if (strcmp(seen->protocol, "TLSv1.2") == 0)
		kafka_find(f, KAFKA_NOTE, "protocol",
		    "the server speaks TLS 1.2 and not 1.3");
}

/* ---- the client's certificate ------------------------------------------------------- */

enum client {
	CLIENT_NOT_ASKED,
	CLIENT_NOT_REACHED,
	CLIENT_UNKNOWN,
	CLIENT_REQUIRED,
	CLIENT_WANTED,
	CLIENT_REFUSED,
	CLIENT_ACCEPTED
};

static enum client
client_of(const struct kafka_seen *seen, bool own)
{
	if (!seen->asked)
		return seen->tls ? CLIENT_NOT_ASKED : CLIENT_NOT_REACHED;
	if (seen->answer == KAFKA_ANSWER_SILENT)
		return CLIENT_UNKNOWN;
	if (!own)
		return broke_off(seen) ? CLIENT_REQUIRED : CLIENT_WANTED;
	return broke_off(seen) ? CLIENT_REFUSED : CLIENT_ACCEPTED;
}

void
kafka_answer_client(const struct kafka_seen *seen, bool own, struct doc *d,
    struct kafka_findings *f)
{
	static const char *const words[] = {
		[CLIENT_NOT_ASKED] = "not asked for",
		[CLIENT_NOT_REACHED] = "not reached",
		[CLIENT_UNKNOWN] = "asked for, no answer",
		[CLIENT_REQUIRED] = "required",
		[CLIENT_WANTED] = "asked for, not required",
		[CLIENT_REFUSED] = "refused",
		[CLIENT_ACCEPTED] = "accepted",
	};
	enum client what = client_of(seen, own);

	doc_text(d, "client_certificate", "client certificate", words[what]);
	if (what == CLIENT_NOT_ASKED)
		kafka_find(f, KAFKA_WARNING, "client",
		    "the server asks for no client certificate "
		    "(ssl.client.auth=required): whoever connects is "
		    "User:ANONYMOUS");
	if (what == CLIENT_WANTED)
		kafka_find(f, KAFKA_WARNING, "client",
		    "the server takes clients without certificate "
		    "(ssl.client.auth=requested)");
	if (what == CLIENT_REFUSED)
		kafka_find(f, KAFKA_WRONG, "client",
		    "the server refuses your certificate (%s): expired, "
		    "revoked, of another authority, without clientAuth, or it "
		    "cannot fetch a list; its log says which, with "
		    "org.apache.kafka.common.network.SslTransportLayer=DEBUG",
		    kafka_answer_end(seen));
}
