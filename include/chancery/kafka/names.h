/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The names that a broker's certificate has to have: those under which clients and other brokers
 * reach it, from Kafka's listeners and from what Kubernetes calls a pod.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

struct kafka_names;
struct kafka_names *kafka_names_new(void) must_check;
void kafka_names_free(struct kafka_names *n);
DEFINE_AUTO(kafka_names, struct kafka_names *, kafka_names_free)
#define auto_kafka_names auto_cleanup(kafka_names_cleanup)

/* A DNS name (letters in lower case, no '_', no final dot, "*" as the whole first label only) or
 * an address; what is there already is not added. FAIL_BAD_INPUT names it and the rule. */
bool kafka_names_add(struct kafka_names *n, const char *host,
    struct error *e) must_check;
/* The hosts of a value of `advertised.listeners` ("SSL://a:9093,EXTERNAL://[2001:db8::1]:9094").
 * "{{ordinal}}" stands for the number. FAIL_BAD_INPUT: no host, one that is every address, or
 * not such a list. */
bool kafka_names_add_listeners(struct kafka_names *n, const char *listeners,
    unsigned ordinal, struct error *e) must_check;

struct kafka_statefulset {
	const char *name,
	    *service; /* the headless service, as serviceName says */
	const char *name_space, *domain; /* "cluster.local" */
};
/* NAME-ORDINAL.SERVICE…, in every length that resolves within the cluster; the longest first. */
bool kafka_names_add_pod(struct kafka_names *n,
    const struct kafka_statefulset *s, unsigned ordinal,
    struct error *e) must_check;
/* A service of its own, such as the one for bootstrapping. */
bool kafka_names_add_service(struct kafka_names *n, const char *service,
    const struct kafka_statefulset *s, struct error *e) must_check;

/* NULL past the end. */
const char *kafka_names_dns(const struct kafka_names *n, size_t i);
const char *kafka_names_ip(const struct kafka_names *n, size_t i);
/* "a,b": for alt_names and ip_sans. */
void kafka_names_join(const struct kafka_names *n, bool ip, struct buf *out);
/* What fits into a CN (64 characters), or NULL. */
const char *kafka_names_common(const struct kafka_names *n);

/* One listener of such a list. */
struct kafka_listener {
	char name[128]; /* "SSL", "EXTERNAL" */
	char host[256]; /* without brackets; may be empty */
	unsigned port;
};
/* From *text on; moves *text behind it and its comma. False: the end (*bad false), or malformed. */
bool kafka_listener_next(const char **text, struct kafka_listener *out,
    bool *bad) must_check;
