/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* chancery kafka principal, config, names. */
#include "kafka_input.h"

#include <chancery/kafka/principal.h>

bool kafka_principal_run(struct cli *c, struct error *e) must_check;
bool kafka_config_server_run(struct cli *c, struct error *e) must_check;
bool kafka_config_client_run(struct cli *c, struct error *e) must_check;
bool kafka_names_run(struct cli *c, struct error *e) must_check;

/* ---- pieces -------------------------------------------------------------------- */

/* What a broker calls the certificate in the file, without "User:". */
bool kafka_principal_of_file(const char *path, struct buf *out,
    struct error *e) must_check;
/* What --cn-rule or --cn-rule-for make of it; false: nothing. */
bool kafka_mapped(const struct cli *c, const char *principal,
    struct buf *out) must_check;

#define KAFKA_RULE_FLAGS                                                       \
	{ "cn-rule", NULL,                                                     \
		"map to the CN, where that stands in the first place and has " \
		"only letters, digits, '.', '_' and '-'",                      \
		false, false },                                                \
	{                                                                      \
		"cn-rule-for", "REST",                                         \
		    "the same, only where exactly this follows, such as "      \
		    "OU=Kafka,O=Acme",                                         \
		    false, false                                               \
	}
