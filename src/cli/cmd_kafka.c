/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "kafka_bundle.h"
#include "kafka_config.h"

#define ACCEPT_FLAG                                                            \
	{                                                                      \
		"accept", "CODE",                                              \
		    "a finding that is to count as a warning: expired, "       \
		    "eku-client…; for tests",                                  \
		    false, true                                                \
	}
#define STORE_FLAGS                                                            \
	{ "out", "DIR", "where the files go", true, false },                   \
	    { "format", "FORMAT",                                              \
		    "pem or p12; by default pem, and p12 too where a "         \
		    "password is given",                                       \
		    false, true },                                             \
	    { "password", "SOURCE",                                            \
		    "of the PKCS#12 files: fd:N, file:PATH, credential:NAME "  \
		    "or prompt",                                               \
		    false, false },                                            \
	    { "legacy", NULL,                                                  \
		    "PKCS#12 with 3DES and SHA-1, for Java before 8u301 and "  \
		    "11.0.12",                                                 \
		    false, false },                                            \
	{                                                                      \
		"replace", NULL, "replace files that are there", false, false  \
	}

static const struct flag bundle_flags[] = {
	KAFKA_INPUT_FLAGS,
	{ "for", "USE", "broker or client: what the certificate has to allow",
	    true, false },
	{ "host", "NAME", "a name or address that it has to be good for", false,
	    true },
	{ "alias", "ALIAS", "of the entry in the PKCS#12 file; else NAME",
	    false, false },
	{ "trust", "NAME", "also write the trust stores NAME.pem and NAME.p12",
	    false, false },
	STORE_FLAGS,
	ACCEPT_FLAG,
	{ 0 },
};
static const struct flag trust_flags[] = {
	{ "ca", "FILE", "PEM file with authorities that are trusted", true,
	    true },
	{ "alias", "ALIAS", "what the entries are called; else NAME", false,
	    false },
	{ "no-password", NULL,
	    "a PKCS#12 file that opens without password: not encrypted, no MAC",
	    false, false },
	STORE_FLAGS,
	{ 0 },
};
static const struct flag principal_flags[] = {
	KAFKA_RULE_FLAGS,
	{ 0 },
};

const struct command kafka_commands[] = {
	{ "kafka bundle", "NAME",
	    "make the key stores of a broker or client from key and "
	    "certificates",
	    1, 1, bundle_flags, false, kafka_bundle_run,
	    "Writes NAME.pem (unencrypted PKCS#8 key, certificate, "
	    "intermediates: what ssl.keystore.type=PEM and librdkafka read) "
	    "and NAME.p12. All files or none; mode 0600. Key, chain, purpose, "
	    "names and times are checked first." },
	{ "kafka trust", "NAME", "make trust stores from authorities", 1, 1,
	    trust_flags, false, kafka_trust_run,
	    "Writes NAME.pem and NAME.p12; the entries of the latter carry "
	    "the attribute without which Java sees none." },
	{ "kafka principal", "CERT...",
	    "tell what a broker calls the owner of a certificate", 1,
	    CLI_ARGS_MAX, principal_flags, false, kafka_principal_run,
	    "As Java writes a subject: the attribute encoded last comes "
	    "first. ACLs and super.users name exactly this." },
};
const size_t kafka_commands_n = countof(kafka_commands);
