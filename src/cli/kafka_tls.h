/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One TLS connection as a Kafka client makes it, to see what the server shows and says. Nothing
 * is verified here: what was seen is judged elsewhere.
 */
#include <openssl/ssl.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

/* Of each step: connect, handshake, answer. */
#define KAFKA_TLS_TIMEOUT_S 10

struct kafka_tls {
	const char *host, *port;
	X509 *cert; /* to show when asked; NULL: none. Borrowed */
	EVP_PKEY *key;
	STACK_OF(X509) *chain; /* of intermediates */
};

enum kafka_answer {
	KAFKA_ANSWER_CLOSED, /* the connection, without a word         */
	KAFKA_ANSWER_SILENT, /* nothing until the time was over        */
	KAFKA_ANSWER_ALERT,  /* or whatever else ends TLS              */
	KAFKA_ANSWER_OTHER,  /* bytes that are no answer of Kafka's    */
	KAFKA_ANSWER_KAFKA   /* to ApiVersions, which nobody needs rights for */
};
struct kafka_seen {
	bool tls;          /* a handshake was done                    */
	char protocol[16]; /* "TLSv1.3"                               */
	char cipher[64];
	struct buf chain;         /* PEM, as sent                            */
	struct buf names;         /* subjects of the authorities that it wants
	                        client certificates of: DER, one after another */
	bool asked;               /* for a client certificate                */
	enum kafka_answer answer; /* or how the handshake ended   */
	char alert[80]; /* "certificate unknown", or what libssl says of
	                        a handshake that failed                 */
	bool resumed;
	SSL_SESSION *session; /* for another connection, or NULL         */
};
void kafka_seen_free(struct kafka_seen *s);
#define auto_kafka_seen auto_cleanup(kafka_seen_free)

/* resume: NULL, or a session of before. max_version: 0, or TLS1_2_VERSION. False: no TCP
 * connection (FAIL_NOT_FOUND: the name; FAIL_IO, FAIL_TIMEOUT). */
bool kafka_tls_look(const struct kafka_tls *t, SSL_SESSION *resume,
    int max_version, struct kafka_seen *out, struct error *e) must_check;
