/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is to be said of certificates that a Kafka is to run with: a list of findings, each with
 * a code that programs and `--accept` know, and a sentence for people.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/cleanup.h>

enum kafka_level {
	KAFKA_NOTE,    /* worth knowing                                   */
	KAFKA_WARNING, /* works today, and will not always                */
	KAFKA_WRONG    /* some peer refuses it                            */
};
const char *kafka_level_name(enum kafka_level l); /* "note", … */

struct kafka_finding {
	enum kafka_level level;
	const char *code; /* "expired": static                            */
	char *text;       /* owned; may hold what others wrote: escape it */
};
struct kafka_findings {
	struct kafka_finding *v;
	size_t n, cap;
};
void kafka_find(struct kafka_findings *f, enum kafka_level level,
    const char *code, const char *fmt, ...) printf_like(4, 5);
/* Those of this code become warnings. False: there is none. */
bool kafka_findings_accept(struct kafka_findings *f, const char *code);
/* The first that is wrong, or NULL. */
const struct kafka_finding *kafka_findings_wrong(
    const struct kafka_findings *f);
void kafka_findings_free(struct kafka_findings *f);
#define auto_kafka_findings auto_cleanup(kafka_findings_free)

/* Every code that there is, NULL-ended, for `--accept`'s check. */
extern const char *const kafka_finding_codes[];
