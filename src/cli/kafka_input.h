/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the kafka commands share: files with keys, passwords, answers of a Vault, findings. */
#include <chancery/base/secret.h>
#include <chancery/kafka/bundle.h>
#include <chancery/kafka/findings.h>

#include "cli.h"
#include "json.h"

/* Whole file into locked memory; "-" is standard input. NULL on failure. */
struct secret *secret_file(const char *path, struct error *e) must_check;
static inline struct bytes
secret_bytes(const struct secret *s)
{
	return bytes_of(secret_data(s), secret_len(s));
}

/* The password that this flag's source gives; *out NULL where the flag is not given. Free with
 * secret_free. */
bool password_flag(const struct cli *c, const char *flag, struct secret **out,
    struct error *e) must_check;

/* From --cert, --key, --key-password, --chain, --ca or --answer into b, not joined. */
#define KAFKA_INPUT_FLAGS                                                      \
	{ "answer", "FILE",                                                    \
		"JSON that `bao write -format=json pki/issue/ROLE` printed, "  \
		"in the place of --cert, --key and --chain; - is standard "    \
		"input",                                                       \
		false, false },                                                \
	    { "cert", "FILE",                                                  \
		    "PEM file with the certificate, and with whatever else "   \
		    "it has: chain, key",                                      \
		    false, false },                                            \
	    { "key", "FILE", "PEM file with the private key", false, false },  \
	    { "key-password", "SOURCE",                                        \
		    "what opens an encrypted key: fd:N, file:PATH, "           \
		    "credential:NAME or prompt",                               \
		    false, false },                                            \
	    { "chain", "FILE", "PEM file with intermediates", false, true },   \
	{                                                                      \
		"ca", "FILE",                                                  \
		    "PEM file with authorities that are trusted; without, "    \
		    "the "                                                     \
		    "root in the input",                                       \
		    false, true                                                \
	}
bool kafka_input(const struct cli *c, struct kafka_bundle *b,
    struct error *e) must_check;
/* The same for an answer in memory: `data` of it, or the whole. */
bool kafka_input_answer(struct bytes json, const char *file,
    struct kafka_bundle *b, struct error *e) must_check;

/* What --cert FILE has; the key out of --key FILE, else out of the same. */
bool kafka_input_identity(const struct cli *c, struct kafka_bundle *b,
    struct error *e) must_check;
/* Every file of a flag that may be repeated. */
bool kafka_input_files(const struct cli *c, const char *flag,
    bool (*add)(struct kafka_bundle *, struct bytes, const char *,
	struct error *),
    struct kafka_bundle *b, struct error *e) must_check;
/* Certificates and, where there is one, the key of an answer's `data`. */
bool kafka_input_data(const json_t *data, const char *from,
    struct kafka_bundle *b, struct error *e) must_check;

/* --accept CODE: those become warnings; FAIL_USAGE for a code that is none. */
bool findings_accept(const struct cli *c, struct kafka_findings *f,
    struct error *e) must_check;
/* As a list "findings" of the answer. */
void findings_show(struct doc *d, const struct kafka_findings *f);
/* FAIL_REFUSED with everything that is wrong. */
bool findings_pass(const struct kafka_findings *f, struct error *e) must_check;
