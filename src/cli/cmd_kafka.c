/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "kafka_bundle.h"
#include "kafka_check.h"
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
#define CONFIG_FLAGS                                                           \
	{ "dir", "DIR", "where the stores lie for Kafka", true, false },       \
	    { "name", "NAME", "of the key store, without .pem or .p12", true,  \
		    false },                                                   \
	    { "trust", "NAME", "of the trust store; trust by default", false,  \
		    false },                                                   \
	    { "format", "FORMAT", "pem or p12; pem by default", false,         \
		    false },                                                   \
	{                                                                      \
		"password-property", "FILE:KEY",                               \
		    "of PKCS#12: a properties file, and its key, from which "  \
		    "Kafka reads the password by itself",                      \
		    false, false                                               \
	}
static const struct flag server_flags[] = {
	CONFIG_FLAGS,
	{ "listeners", "LIST", "NAME://HOST:PORT,… as for `listeners`", true,
	    false },
	{ "advertised", "LIST", "the same for `advertised.listeners`", false,
	    false },
	{ "inter-broker", "NAME",
	    "the listener for the other brokers; SSL by default", false,
	    false },
	{ "controller", "NAME",
	    "the controllers' listener (KRaft); without, ZooKeeper", false,
	    false },
	{ "super", "CERT", "certificate of a super user", false, true },
	{ "cert", "CERT",
	    "the broker's certificate: has to be good for the advertised "
	    "listeners",
	    false, false },
	ACCEPT_FLAG,
	KAFKA_RULE_FLAGS,
	{ 0 },
};
static const struct flag client_flags[] = {
	CONFIG_FLAGS,
	{ "listeners", "LIST", "of a Connect worker's REST server", false,
	    false },
	{ 0 },
};
static const struct flag check_flags[] = {
	{ "ca", "FILE", "PEM file with authorities that are trusted", false,
	    true },
	{ "cert", "FILE",
	    "client certificate to show, with its chain and, without --key, "
	    "its key",
	    false, false },
	{ "key", "FILE", "PEM file with its private key", false, false },
	{ "key-password", "SOURCE", "what opens an encrypted key", false,
	    false },
	{ "store", "FILE", "PKCS#12 file with client certificate and key",
	    false, false },
	{ "password", "SOURCE",
	    "what opens it: fd:N, file:PATH, credential:NAME or prompt", false,
	    false },
	{ "name", "NAME",
	    "what the certificate has to be good for; HOST by default", false,
	    false },
	{ "no-crl", NULL, "fetch no lists of revoked certificates", false,
	    false },
	ACCEPT_FLAG,
	{ 0 },
};
static const struct flag names_flags[] = {
	{ "statefulset", "NAME", "of the brokers' StatefulSet", false, false },
	{ "service", "NAME", "its headless service", false, false },
	{ "namespace", "NAME", "of both; default by default", false, false },
	{ "cluster-domain", "DOMAIN", "cluster.local by default", false,
	    false },
	{ "replicas", "N", "how many brokers; 1 by default", false, false },
	{ "bootstrap", "SERVICE", "another service in front of them", false,
	    true },
	{ "listeners", "LIST",
	    "value of advertised.listeners; {{ordinal}} is the broker's "
	    "number, from 0",
	    false, true },
	{ "host", "NAME", "one more name or address", false, true },
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
	{ "kafka config server", "",
	    "print what server.properties needs, and the flags of the JVM", 0,
	    0, server_flags, false, kafka_config_server_run,
	    "Client certificates on every listener, mapping rules, "
	    "super.users; with the flags for revocation and against resumed "
	    "sessions, as a comment at the end." },
	{ "kafka config", "KIND", "print the configuration of a client", 1, 1,
	    client_flags, false, kafka_config_client_run,
	    "KIND is java, librdkafka (kcat, most other languages) or connect, "
	    "a Connect worker." },
	{ "kafka names", "",
	    "tell the names that brokers' certificates need, as arguments for "
	    "bao write",
	    0, 0, names_flags, false, kafka_names_run,
	    "One line for each broker." },
	{ "kafka check", "HOST:PORT",
	    "connect as a client does, and tell what is wrong in plain words",
	    1, 1, check_flags, false, kafka_check_run,
	    "Chain, names, purpose, times, algorithms, lists of revoked "
	    "certificates as Java takes them, whether the server asks for a "
	    "client certificate and takes the one given, whether it resumes "
	    "sessions. Exit status: 0 nothing is wrong (warnings do not "
	    "count), 1 something is, 2 it could not be found out. Lists are "
	    "fetched from the addresses in the certificates, over HTTP." },
	{ "kafka principal", "CERT...",
	    "tell what a broker calls the owner of a certificate", 1,
	    CLI_ARGS_MAX, principal_flags, false, kafka_principal_run,
	    "As Java writes a subject: the attribute encoded last comes "
	    "first. ACLs and super.users name exactly this." },
};
const size_t kafka_commands_n = countof(kafka_commands);
