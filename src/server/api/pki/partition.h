/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Partitions of the lists of revoked certificates (docs/pki.md). A document of the mount is a
 * range: certificates of one key, with the same distribution points, stand in the lists
 * first … first+n-1, each in the one that its serial says. Numbers are the mount's: no two
 * ranges share one, so that <mount>/crl/partition-K is always the same key's list.
 *
 * With a number in config/crl the range stays; an automatic one is followed by the next when
 * it is full. What a range may still take is granted by its document, version by version:
 * a process that starts anew knows no more of the last grant than that it may be used up.
 */
#include <endian.h>
#include <stdatomic.h>

#include "engine.h"

#define PARTITION_KIND "pki-partition"
/* One list stays below 1 MiB although all its certificates are revoked: 53 octets an entry
 * with a reason. The rest of 19,784 is for certificates that do not go evenly. */
#define PARTITION_CERTS 18000
#define PARTITION_CERTS_MIN 8
#define PARTITION_CERTS_MAX 1000000
/* A grant is for that part of a range. */
#define PARTITION_GRANTS 8
/* A list costs a signature a renewal. */
#define PARTITIONS_MAX 1024
/* An automatic range is that wide at most; one that was full within this time is followed
 * by one twice as wide. */
#define PARTITION_WIDTH_MAX 64
#define PARTITION_HURRY_S 3600

struct range {
	unsigned first, n;
	struct sha256 key;
	struct pki_texts urls; /* "{partition}" stands for the number */
	bool automatic, closed;
	int64_t opened_s;
	int64_t until_s; /* no certificate of it ends later */
	int64_t most;    /* automatic: certificates a list; else 0 */
	int64_t granted; /* automatic: certificates, ever */
	char run[17];    /* the process that may use the grant */
	/* Of this version of the document; also where the document is const. */
	_Atomic int64_t *taken;
};
static inline const struct range *
range_of(const struct doc *d)
{
	return d->parsed;
}
static inline bool
range_has(const struct range *r, unsigned k)
{
	return k >= r->first && k < r->first + r->n;
}
/* As struct doc_kind has them. */
void *range_parse(const char *scope, const char *name, const json_t *json,
    struct error *e) must_check;
void range_free(void *parsed);

/* config/crl: "auto" or "auto:CERTS", at most so many certificates a list; or how many lists
 * new certificates are spread over; 0: none. */
struct partition_mode {
	bool automatic;
	unsigned n;
	int64_t most;
};
bool partition_mode_parse(const char *text, struct partition_mode *out,
    struct error *e) must_check;
void partition_mode_get(struct docs *d, const char *mount,
    struct partition_mode *out);

/* URLs of configuration → of a range. FAIL_BAD_INPUT names the one that has no place for a
 * number, and the rule. */
bool partition_patterns(const struct pki_texts *urls, struct pki_texts *out,
    struct error *e) must_check;
/* Those of certificates that stand in the full list: "{{partition}}" is "full". */
void partition_none(struct pki_texts *urls);
/* One of a range with its number: appended. */
void partition_fill(const char *pattern, unsigned k, struct buf *out);

/* A way that is being made: w->crl_urls become those of partitions where the mount has them
 * (w->partitioned). */
bool partition_of_way(struct call *c, struct way *w,
    struct error *e) must_check;
/* Whether the way was made before the mount had so many certificates that "auto" begins. */
bool partition_is_due(struct call *c, struct way *w) must_check;
/* The certificate that is being made gets its partition, opened if need be, whose list is
 * there when next runs. Errors are answered. */
void partition_place(struct call *c, call_fn *next);
/* Before any worker runs. */
void partition_start(void);
/* Per worker, when its thread ends. */
void partition_worker_end(void);

static inline unsigned
partition_at(const struct range *r, const uint8_t serial[LIMIT_SERIAL_BYTES])
{
	uint64_t v;

	memcpy(&v, serial + LIMIT_SERIAL_BYTES - sizeof(v), sizeof(v));
	return r->first + (unsigned)(be64toh(v) % r->n);
}
/* The partition that a certificate names; 0: none. */
unsigned partition_in_cert(struct bytes der);

/* Held; NULL: none has it. */
const struct doc *range_with(struct docs *d, const char *mount,
    unsigned k) must_check;
/* Whether its lists are still renewed: certificates may be there that did not end, or stand
 * on a list past their end (RFC 5280 3.3). */
bool range_lives(const struct range *r, int64_t now_s, int64_t expiry_s);
