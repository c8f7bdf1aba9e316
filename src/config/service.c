/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of chancery.yaml. A key is never given another meaning: files of older
 * releases stay valid. */
#include <stddef.h>

#include <chancery/base/limits.h>
#include <chancery/config/service.h>

#include "service_checks.h"
#include "service_publish.h"

const char *const service_role_names[] = { "ca", "log", NULL };
const char *const service_ocsp_keys[] = { "hsm", "memory", NULL };

#define C(f) offsetof(struct service_config, f)
#define T(f) offsetof(struct service_token, f)
#define L(f) offsetof(struct service_tls, f)
#define S(f) offsetof(struct service_server, f)
#define V(f) offsetof(struct service_vault, f)
#define P(f) offsetof(struct service_vault_policy, f)

/* clang-format off */
static const struct yaml_field token_fields[] = {
	{ .key = "", .type = YAML_TEXT, .offset = T(name),
	  .about = "how commands call the token" },
	{ .key = "uri", .type = YAML_TEXT, .offset = T(uri), .required = true,
	  .dflt = "pkcs11:token=acme-ca",
	  .about = "RFC 7512, names exactly one token" },
	{ .key = "pin", .type = YAML_TEXT, .offset = T(pin),
	  .check = check_pin_source,
	  .about = "fd:N, file:PATH, credential:NAME or prompt" },
	{ .key = "pin_in_this_file_i_accept_the_risk", .type = YAML_TEXT,
	  .offset = T(pin_in_this_file_i_accept_the_risk),
	  .about = "instead of `pin`: the PIN itself. Whoever reads this file, "
	      "or a copy of it, can use the keys" },
	{ .key = "role", .type = YAML_ENUM, .offset = T(role), .required = true,
	  .names = service_role_names, .about = "CA keys, or the log key" },
	{ .key = "charter", .type = YAML_TEXT, .offset = T(charter),
	  .about = "template for keys made outside ceremonies" },
	{ .key = "charter_file", .type = YAML_TEXT, .offset = T(charter_file),
	  .about = "charter file instead of a template" },
	{ 0 },
};

static const struct yaml_field tls_fields[] = {
	{ .key = "certificate", .type = YAML_TEXT, .offset = L(certificate),
	  .about = "PEM file of the server's certificate and its chain, leaf "
	      "first; without it and without `authority` a self-signed one is "
	      "made at start" },
	{ .key = "key", .type = YAML_TEXT, .offset = L(key),
	  .about = "PEM file of its private key" },
	{ .key = "authority", .type = YAML_TEXT, .offset = L(authority),
	  .about = "instead of files: the mount that issues and renews it" },
	{ .key = "names", .type = YAML_TEXT_LIST, .offset = L(names), .max = 64,
	  .about = "DNS names and addresses in the certificate that is issued "
	      "or self-signed" },
	{ .key = "client_ca", .type = YAML_TEXT, .offset = L(client_ca),
	  .about = "PEM file: its names are told to clients, whose "
	      "certificates are asked for, not required" },
	{ 0 },
};

static const struct yaml_field server_fields[] = {
	{ .key = "listen", .type = YAML_TEXT_LIST, .offset = S(listen),
	  .dflt = "127.0.0.1:8200", .max = SERVICE_LISTENERS_MAX,
	  .check = check_listen,
	  .about = "addresses of the API over TLS; numeric, IPv6 in brackets" },
	{ .key = "socket", .type = YAML_TEXT, .offset = S(socket),
	  .dflt = "run/chancery.sock",
	  .about = "unix socket of the API; commands use it" },
	{ .key = "plain_listen", .type = YAML_TEXT_LIST,
	  .offset = S(plain_listen), .max = SERVICE_LISTENERS_MAX,
	  .check = check_listen,
	  .about = "addresses without TLS, for CRLs, CA certificates and OCSP "
	      "alone" },
	{ .key = "plain_metrics", .type = YAML_BOOL,
	  .offset = S(plain_metrics), .dflt = "false",
	  .about = "sys/metrics on plain_listen too, for whoever reaches it" },
	{ .key = "tls", .type = YAML_SECTION, .offset = S(tls),
	  .fields = tls_fields, .about = "the server's own certificate" },
	{ .key = "workers", .type = YAML_UINT, .offset = S(workers),
	  .max = SERVICE_WORKERS_MAX, .dflt = "0",
	  .about = "event loops; 0: one a processor" },
	{ .key = "store", .type = YAML_TEXT, .offset = S(store),
	  .dflt = "store/store.sqlite",
	  .about = "database of certificates, configuration and tokens; in a "
	      "directory of its own" },
	{ .key = "cluster_name", .type = YAML_TEXT, .offset = S(cluster_name),
	  .dflt = "chancery", .min = 1, .max = 128,
	  .about = "what sys/health and sys/seal-status call this service" },
	{ .key = "default_lease_ttl", .type = YAML_DURATION,
	  .offset = S(default_lease_ttl_s), .dflt = "768h", .min = 1,
	  .max = 10UL * 365 * 86400,
	  .about = "life of certificates and tokens where neither mount nor "
	      "role says" },
	{ .key = "max_lease_ttl", .type = YAML_DURATION,
	  .offset = S(max_lease_ttl_s), .dflt = "768h", .min = 1,
	  .max = 100UL * 365 * 86400,
	  .about = "longest life where the mount does not say" },
	{ .key = "max_connections", .type = YAML_UINT,
	  .offset = S(max_connections), .min = 16, .max = 1000000,
	  .dflt = "16384", .about = "open connections, all together" },
	{ .key = "max_connections_per_peer", .type = YAML_UINT,
	  .offset = S(max_connections_per_peer), .max = 1000000,
	  .dflt = "1024",
	  .about = "open connections of one address; 0: no limit of its own" },
	{ .key = "max_handshakes_per_s", .type = YAML_UINT,
	  .offset = S(max_handshakes_per_s), .max = 1000000, .dflt = "2000",
	  .about = "TLS handshakes begun a second; 0: no limit" },
	{ .key = "ocsp_responder_life", .type = YAML_DURATION,
	  .offset = S(ocsp_responder_life_s), .min = 20,
	  .max = LIMIT_OCSP_RESPONDER_S, .dflt = "14d",
	  .about = "life of an OCSP responder's certificate, which is renewed "
	      "when half of it is over" },
	{ .key = "ocsp_uncached_per_s", .type = YAML_UINT,
	  .offset = S(ocsp_uncached_per_s), .min = 1, .max = 1000000,
	  .dflt = "200",
	  .about = "OCSP answers a second that no cache can hold: with a "
	      "nonce, about serials never issued" },
	{ .key = "rsa_pool", .type = YAML_UINT, .offset = S(rsa_pool),
	  .max = 64, .dflt = "0",
	  .about = "RSA keys that are made ahead for `issue`, when idle; 0: "
	      "none" },
	{ .key = "socket_root_uids", .type = YAML_TEXT_LIST,
	  .offset = S(socket_root_uids), .max = 64, .check = check_uid,
	  .about = "numeric uids that may do over the unix socket what root "
	      "and the service's own user may" },
	{ .key = "access_log", .type = YAML_TEXT, .offset = S(access_log),
	  .dflt = "stderr", .min = 1, .max = 4096,
	  .about = "stderr, a file, or off" },
	{ 0 },
};

static const struct yaml_field vault_policy_fields[] = {
	{ .key = "", .type = YAML_TEXT, .offset = P(name), .min = 1,
	  .max = 255, .about = "a policy's name there" },
	{ .key = "here", .type = YAML_TEXT_LIST, .offset = P(here),
	  .required = true, .min = 1, .max = 16, .check = check_policy_name,
	  .dflt = "kafka-server",
	  .about = "the policies here that it stands for" },
	{ 0 },
};

static const struct yaml_field vault_fields[] = {
	{ .key = "", .type = YAML_TEXT, .offset = V(name), .min = 1, .max = 63,
	  .check = check_service_name,
	  .about = "how the log, the register and the access log call it" },
	{ .key = "address", .type = YAML_TEXT, .offset = V(address),
	  .required = true, .check = service_address_check,
	  .dflt = "https://vault.acme.example:8200",
	  .about = "https://HOST[:PORT]; http:// for 127.0.0.1, [::1] and "
	      "localhost alone" },
	{ .key = "ca_certificate", .type = YAML_TEXT,
	  .offset = V(ca_certificate),
	  .about = "PEM file: the authorities of its certificate; the system's "
	      "are not asked" },
	{ .key = "client_certificate", .type = YAML_TEXT,
	  .offset = V(client_certificate),
	  .about = "PEM file that the publisher shows there" },
	{ .key = "client_key", .type = YAML_TEXT, .offset = V(client_key),
	  .about = "PEM file of its private key" },
	{ .key = "namespace", .type = YAML_TEXT, .offset = V(name_space),
	  .min = 1, .max = 255, .check = check_namespace,
	  .about = "namespace of accepted tokens; without it the "
	      "root" },
	{ .key = "token_prefix", .type = YAML_TEXT, .offset = V(token_prefix),
	  .min = 1, .max = 64, .check = check_token_prefix,
	  .about = "only tokens that begin so are asked about; without it "
	      "those that look like a Vault's (hvs. hvb. s. b.)" },
	{ .key = "timeout", .type = YAML_DURATION, .offset = V(timeout_s),
	  .min = 1, .max = 15, .dflt = "5s",
	  .about = "how long a caller waits for its answer" },
	{ .key = "cache", .type = YAML_DURATION, .offset = V(cache_s),
	  .min = 1, .max = 60, .dflt = "10s",
	  .about = "how long an answer is believed: a token that was revoked "
	      "there is good here for so long" },
	{ .key = "policies", .type = YAML_SECTION_MAP, .offset = V(policies),
	  .max = SERVICE_VAULT_POLICIES_MAX, .fields = vault_policy_fields,
	  .size = sizeof(struct service_vault_policy),
	  .about = "policies there, by name" },
	{ .key = "same_name", .type = YAML_BOOL, .offset = V(same_name),
	  .dflt = "false",
	  .about = "a policy there that is not listed stands for the one of its "
	      "name here; never root" },
	{ 0 },
};

const struct yaml_field service_schema[] = {
	{ .key = "register", .type = YAML_TEXT, .offset = C(register_dir),
	  .dflt = "register", .about = "directory of the register" },
	{ .key = "origin", .type = YAML_TEXT, .offset = C(origin),
	  .required = true, .dflt = "acme.example/chancery",
	  .about = "name of the log, for checkpoints" },
	{ .key = "anchor_dir", .type = YAML_TEXT, .offset = C(anchor_dir),
	  .about = "where the newest checkpoint is also kept: another disk" },
	{ .key = "anchor_object", .type = YAML_BOOL,
	  .offset = C(anchor_object), .dflt = "false",
	  .about = "keep the newest checkpoint on the log token too" },
	{ .key = "module", .type = YAML_TEXT, .offset = C(module),
	  .required = true, .check = check_absolute,
	  .dflt = "/usr/lib/softhsm/libsofthsm2.so",
	  .about = "PKCS#11 module, absolute" },
	{ .key = "module_args", .type = YAML_TEXT, .offset = C(module_args),
	  .about = "string for C_Initialize (NSS)" },
	{ .key = "soft_token_dir", .type = YAML_TEXT,
	  .offset = C(soft_token_dir),
	  .about = "directory of SoftHSM tokens (sets SOFTHSM2_CONF)" },
	{ .key = "crl_dir", .type = YAML_TEXT, .offset = C(crl_dir),
	  .dflt = "crl", .about = "where every CRL is kept" },
	{ .key = "log_key", .type = YAML_TEXT, .offset = C(log_key),
	  .dflt = "log-key", .about = "label of the Ed25519 log key" },
	{ .key = "openssl", .type = YAML_TEXT, .offset = C(openssl),
	  .dflt = "/usr/bin/openssl", .check = check_absolute,
	  .about = "program for independent checks" },
	{ .key = "weak_keys", .type = YAML_TEXT, .offset = C(weak_keys),
	  .about = "block list of RSA keys, openssl-blacklist's format" },
	{ .key = "workers", .type = YAML_UINT, .offset = C(workers),
	  .min = 0, .max = SERVICE_KEY_WORKERS_MAX, .word = "auto",
	  .dflt = "auto",
	  .about = "threads that sign; 0: none of their own; auto: as many as "
	      "the module has use for, commands sign themselves" },
	{ .key = "ocsp_key", .type = YAML_ENUM, .offset = C(ocsp_key),
	  .names = service_ocsp_keys, .dflt = "hsm",
	  .about = "where keys of OCSP responders lie; memory: of the server, "
	      "fast, and no answer stands in the register" },
	{ .key = "tokens", .type = YAML_SECTION_MAP, .offset = C(tokens),
	  .required = true, .min = 1, .max = SERVICE_TOKENS_MAX,
	  .fields = token_fields, .size = sizeof(struct service_token),
	  .about = "tokens by name" },
	{ .key = "server", .type = YAML_SECTION, .offset = C(server),
	  .fields = server_fields, .about = "the HTTP API" },
	{ .key = "user_server", .type = YAML_TEXT, .offset = C(user_server),
	  .check = check_user,
	  .about = "user of the server when chanceryd is started as root" },
	{ .key = "user_signer", .type = YAML_TEXT, .offset = C(user_signer),
	  .check = check_user,
	  .about = "user of the signer when chanceryd is started as root" },
	{ .key = "user_publisher", .type = YAML_TEXT,
	  .offset = C(user_publisher), .check = check_user,
	  .about = "user of the publisher when chanceryd is started as root" },
	{ .key = "vault", .type = YAML_SECTION_MAP, .offset = C(vault),
	  .max = SERVICE_VAULTS_MAX, .fields = vault_fields,
	  .size = sizeof(struct service_vault),
	  .about = "Vaults and OpenBaos whose tokens are accepted here, by "
	      "name" },
	{ .key = "publish", .type = YAML_SECTION_MAP, .offset = C(publish),
	  .max = SERVICE_TARGETS_MAX, .fields = service_target_fields,
	  .size = sizeof(struct service_target),
	  .about = "where lists and certificates of authorities are published, "
	      "by name" },
	{ .key = "run_dir", .type = YAML_TEXT, .offset = C(run_dir),
	  .dflt = "run", .about = "directory of sockets while it runs" },
	{ .key = "log_level", .type = YAML_TEXT, .offset = C(log_level),
	  .dflt = "info", .check = check_log_level,
	  .about = "error, warning, info or debug" },
	{ 0 },
};
/* clang-format on */
