/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether Java's TLS, which Kafka speaks, and OpenSSL will take a chain for what it is to be
 * used for. What is judged and how strictly was measured with JDK 17 and 25, OpenSSL 3.0 and
 * librdkafka 2.0; docs/kafka.md has the table.
 */
#include <chancery/kafka/findings.h>
#include <chancery/pki/cert.h>

enum kafka_use {
	KAFKA_BROKER, /* server, and client of the other brokers: both EKUs, names */
	KAFKA_CLIENT
};
struct kafka_judge {
	enum kafka_use use;
	int64_t now_s;
	/* Names and addresses that clients connect to. */
	const char *const *hosts;
	size_t hosts_n;
	bool
	    server_only; /* BROKER: seen from a client, which asks no clientAuth */
};
/* chain[0] is the leaf; the others in order, without root. Appends. */
void kafka_judge_chain(const struct cert *const *chain, size_t n,
    const struct kafka_judge *j, struct kafka_findings *f);
/* Key types that Kafka's PEM stores do not load. */
void kafka_judge_pem_key(struct spki key, struct kafka_findings *f);

/* IPv4 or IPv6, and no name. */
bool kafka_is_address(const char *host);
/* As JSSE and OpenSSL match: SANs, the CN only where there is no DNS name. */
bool kafka_name_matches(const struct cert *leaf, const char *host);
/* Whether exactly this DNS name (letter case apart) or address is among its names. */
bool kafka_has_name(const struct cert *leaf, const char *name);
/* DNS names and addresses of the leaf, "DNS:a, IP:1.2.3.4"; "" without. */
void kafka_names_text(const struct cert *leaf, struct buf *out);
