/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Configuration for Kafka and its clients: what certificates of this service need set, and the
 * flags without which Java checks no revocation. As text for files; no secret is in it.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

struct kafka_config {
	bool p12;        /* else PEM */
	const char *dir; /* where the stores lie for Kafka             */
	const char *name, *trust; /* of the stores, without extension      */
	/* PKCS#12: "FILE:KEY", a properties file that Kafka's FileConfigProvider reads. */
	const char *password;
	const char *listeners, *advertised; /* server; advertised may be NULL */
	const char *inter_broker;           /* name of a listener             */
	const char *
	    controller; /* name of the controllers' listener, or NULL: ZooKeeper */
	const char *rules;       /* ssl.principal.mapping.rules, or NULL     */
	const char *super_users; /* "User:a;User:b", or NULL                */
};
/* What KAFKA_OPTS needs of a server (true) or a client. One line, without a line end. */
void kafka_config_jvm(bool server, struct buf *out);
/* FAIL_BAD_INPUT: a listener that is none; FAIL_USAGE: a name that no listener has. */
bool kafka_config_server(const struct kafka_config *c, struct buf *out,
    struct error *e) must_check;
void kafka_config_client(const struct kafka_config *c, struct buf *out);
void kafka_config_librdkafka(const struct kafka_config *c, struct buf *out);
/* A Connect worker: to the brokers, and its REST server over HTTPS with client certificates. */
void kafka_config_connect(const struct kafka_config *c, struct buf *out);

/* KEY=VALUE as java.util.Properties reads it: Latin-1, backslash escapes. */
void kafka_property(const char *key, const char *value, struct buf *out);
