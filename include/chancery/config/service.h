/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * chancery.yaml, whole: the keys that the ceremony and the commands read (home.h has
 * always read them) and the sections of the service. One schema table for all;
 * `chancery config show --defaults` prints it, `chancery config check` applies it and
 * the checks across fields.
 */
#include <sys/socket.h>

#include <chancery/config/yaml.h>

#define SERVICE_TOKENS_MAX 8
#define SERVICE_LISTENERS_MAX 8
#define SERVICE_WORKERS_MAX 64
/* LIMIT_KEY_WORKERS; one more stands for "auto". */
#define SERVICE_KEY_WORKERS_MAX 256
#define SERVICE_KEY_WORKERS_AUTO (SERVICE_KEY_WORKERS_MAX + 1)
#define SERVICE_VAULTS_MAX 8
#define SERVICE_VAULT_POLICIES_MAX 512
#define SERVICE_TARGETS_MAX 8

enum service_token_role {
	SERVICE_ROLE_CA,
	SERVICE_ROLE_LOG
};
extern const char *const service_role_names[];

/* Where the keys of OCSP responders lie. */
enum service_ocsp_key {
	SERVICE_OCSP_HSM,
	SERVICE_OCSP_MEMORY /* of the server */
};
extern const char *const service_ocsp_keys[];

struct service_token {
	char *name; /* how commands and the API call it: "ca" */
	char *uri;  /* RFC 7512 */
	char *pin; /* fd:N, file:PATH, credential:NAME, prompt; NULL with … */
	/* … the PIN itself, for those who insist by this very name. */
	char *pin_in_this_file_i_accept_the_risk;
	int role;           /* enum service_token_role */
	char *charter;      /* template for keys made through the API */
	char *charter_file; /* instead */
};

struct service_tls {
	/* PEM files; or both empty and `authority` set: issued and renewed by one of
	 * our own mounts. Neither: a self-signed one is made at start. */
	char *certificate, *key;
	char *authority;         /* mount, e.g. "kafka-int-ca" */
	struct yaml_texts names; /* SANs of the issued or self-signed one */
	char *client_ca;         /* PEM file: its names are told to clients */
};

struct service_server {
	struct yaml_texts listen; /* "127.0.0.1:8200", "[::1]:8200": TLS */
	char *socket;             /* unix socket, "run/chancery.sock" */
	struct yaml_texts plain_listen; /* HTTP for CRL, CA, OCSP reads only */
	bool plain_metrics;             /* and sys/metrics, without a token */
	struct service_tls tls;
	uint64_t workers; /* event loops; 0: one per processor */
	char *store;      /* "store/store.sqlite", in a directory of its own */
	char *cluster_name;
	int64_t default_lease_ttl_s, max_lease_ttl_s; /* 768 h */
	uint64_t max_connections, max_connections_per_peer;
	uint64_t max_handshakes_per_s;
	/* OCSP answers a second that no cache can hold. */
	uint64_t ocsp_uncached_per_s;
	int64_t ocsp_responder_life_s; /* of its certificate */
	uint64_t rsa_pool; /* prepared RSA keys for issue; 0..64, 0 off */
	struct yaml_texts
	    socket_root_uids; /* unix peers that may do what root may */
	char *access_log;     /* "stderr", a path, or "off" */
};

/* A Vault or OpenBao whose tokens are accepted here. */
struct service_vault_policy {
	char *name;             /* of a policy there */
	struct yaml_texts here; /* the policies here that it stands for */
};
struct service_vault {
	char *name;
	char *address;        /* "https://vault.acme.com:8200" */
	char *ca_certificate; /* PEM file */
	/* PEM files, both or neither. */
	char *client_certificate, *client_key;
	char *name_space;   /* X-Vault-Namespace; NULL: the root */
	char *token_prefix; /* only such tokens are asked about; NULL: those
	                       that look like a Vault's */
	int64_t timeout_s, cache_s;
	struct yaml_list policies; /* struct service_vault_policy */
	/* A policy there that no row of `policies` names stands for the one of that
	 * name here. Never for "root". */
	bool same_name;
};

/* Where lists of revoked certificates and certificates of authorities are published. */
enum service_target_kind {
	SERVICE_TARGET_FILES, /* a directory */
	SERVICE_TARGET_HTTP,  /* PUT */
	SERVICE_TARGET_S3
};
extern const char *const service_target_kinds[];

struct service_target {
	char *name;
	int kind;        /* enum service_target_kind */
	char *directory; /* files */
	/* http: the URL that objects are put below; s3: the endpoint */
	char *address;
	char *region, *bucket,
	    *prefix; /* s3; prefix without slashes at its ends */
	bool webdav; /* http: MOVE is known there */
	bool
	    conditions; /* http, s3: If-Match and If-None-Match are kept there */
	/* Files: a bearer token; "user:password"; "id:secret" of S3 */
	char *token_file, *password_file, *keys_file;
	char *ca_certificate, *client_certificate, *client_key; /* PEM files */
	char *
	    public_url; /* where readers find the objects; NULL: not looked at */
	struct yaml_texts mounts; /* none: all */
	/* Patterns of names (publish.h); empty: not published. */
	char *lists, *lists_pem, *certificates, *certificates_pem;
	int64_t max_age_s; /* Cache-Control of what is put there */
	int64_t timeout_s; /* for one object */
	int64_t check_s;   /* what is there is looked at so often */
};

struct service_config {
	/* as in docs/configuration.md since the first release */
	char *register_dir, *origin, *anchor_dir, *module, *module_args,
	    *soft_token_dir, *crl_dir, *log_key, *openssl, *weak_keys;
	bool anchor_object;
	uint64_t workers; /* key workers, or SERVICE_KEY_WORKERS_AUTO */
	int ocsp_key; /* enum service_ocsp_key; signer and server both read it */
	struct yaml_list tokens; /* struct service_token */
	/* the service */
	struct service_server server;
	struct yaml_list
	    vault; /* struct service_vault; any: with a publisher */
	struct yaml_list publish; /* struct service_target; likewise */
	char *user_server, *user_signer,
	    *user_publisher; /* when started as root */
	char *run_dir;       /* "run": sockets, pid */
	char *log_level;     /* error, warning, info, debug */
};

extern const struct yaml_field service_schema[];

/* Read and check <dir>/chancery.yaml: paths made absolute (relative ones start at dir), files
 * that must exist do, listeners parse, tokens have one log role at most. `report`
 * (may be NULL) gets every mistake, one a line, as file:line:column. The returned
 * document owns the texts of *out. What needs other libraries is not checked here:
 * charter templates, URIs, the contents of files. */
struct yaml_doc *service_config_open(const char *dir,
    struct service_config *out, struct buf *report, struct error *e) must_check;
/* The same of a text that comes from elsewhere: relative paths start at `dir` (absolute), and no
 * file has to be there. */
struct yaml_doc *service_config_parse(struct bytes text, const char *name,
    const char *dir, struct service_config *out, struct buf *report,
    struct error *e) must_check;

/* "192.0.2.1:8200", "[2001:db8::1]:8200": numeric, because a resolver has no place in
 * a supervisor and a name may mean another address tomorrow. Port 0: any. */
bool service_listen_parse(const char *text, struct sockaddr_storage *out,
    socklen_t *len, struct error *e) must_check;
/* Which of cfg->vault may be asked about a token with that text; false: none. A token goes
 * to one Vault only: to the one with the longest token_prefix that fits, else to the one
 * without. */
bool service_vault_for(const struct service_config *cfg, struct bytes token,
    size_t *vault) must_check;
/* "https://HOST[:PORT]", without a path; http for this machine alone: tokens go there. */
bool service_address_check(const char *address, struct error *e) must_check;
/* Whether what is configured needs a publisher. */
static inline bool
service_has_publisher(const struct service_config *cfg)
{
	return cfg->vault.n > 0 || cfg->publish.n > 0;
}

/*
 * The name of an object: a pattern with {mount}, {issuer} (its UUID), {name} (the issuer's name,
 * or its UUID), {key} (hex of the signer's key id) and {scope} (full, delta, partition-1 …)
 * filled in. FAIL_BAD_INPUT for a name that is none: parts between slashes that are empty, begin
 * with a dot, or have other characters than letters, digits, - _ . ~
 */
struct service_object {
	const char *mount, *issuer, *name, *key, *scope;
};
bool service_object_name(const char *pattern, const struct service_object *o,
    struct buf *out, struct error *e) must_check;
bool service_object_name_check(const char *name, struct error *e) must_check;
/* Whether a pattern has "{word}". */
bool service_pattern_has(const char *pattern, const char *word) must_check;

/* The log level of base/log.h; the text was checked. */
int service_log_level(const char *text);
/* Whether a PIN source is a "file:", and where. */
const char *service_pin_file(const char *source);
