/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * chancery renew: one certificate of this host, asked for again in time, and the files made of it
 * changed together. The configuration is YAML (renew_schema); the files lie in a directory that
 * is switched (kafka/set_dir.h).
 */
#include <sys/types.h>

#include <chancery/config/yaml.h>
#include <chancery/kafka/judge.h>
#include <chancery/kafka/set_dir.h>

#include "kafka_input.h"
#include "vault_client.h"

/* ---- configuration (renew_config.c) --------------------------------------------- */

enum renew_kind {
	RENEW_PEM,         /* key, certificate, intermediates */
	RENEW_KEY,         /* key alone                       */
	RENEW_CERTIFICATE, /* certificate, intermediates      */
	RENEW_TRUST,       /* authorities                     */
	RENEW_P12,
	RENEW_TRUST_P12,
};
struct renew_file {
	char *name;
	int kind; /* enum renew_kind */
	char *owner, *group, *mode;
};
struct renew_crl {
	char *name;
	struct yaml_texts paths; /* "kafka-int-ca/crl/pem" */
	char *owner, *group, *mode;
};
enum renew_method {
	RENEW_TOKEN,
	RENEW_APPROLE,
	RENEW_CERT,
	RENEW_SOCKET
};
struct renew_auth {
	int method; /* enum renew_method */
	char *token, *role_id, *secret_id, *mount, *role, *certificate, *key;
};
struct renew_config {
	char *url, *socket, *ca_file, *name_space;
	struct renew_auth auth;
	char *mount, *role;
	bool issue; /* the key is made there, not here */
	char *key_type, *common_name;
	struct yaml_texts alt_names, ip_sans;
	int64_t ttl_s;
	int use; /* enum kafka_use */
	char *directory;
	struct yaml_list files, crls; /* struct renew_file, renew_crl */
	char *password, *alias;
	bool legacy;
	struct yaml_texts trust;
	uint64_t renew_left; /* per cent of its life */
	struct yaml_texts reload, check;
	int64_t check_within_s, timeout_s, interval_s, jitter_s;
};
extern const struct yaml_field renew_schema[];
/* Read and check; mistakes go to standard error, a line each. */
struct yaml_doc *renew_config_read(const char *path, struct renew_config *out,
    struct error *e) must_check;

/* ---- owners (renew_config.c) ------------------------------------------------------ */

struct renew_owner {
	uid_t uid;
	gid_t gid;
	unsigned mode;
};
/* Names or numbers; -1 where nothing is said. */
bool renew_owner_of(const char *owner, const char *group, const char *mode,
    unsigned usual, struct renew_owner *out, struct error *e) must_check;

/* ---- the service (renew_login.c) ---------------------------------------------------- */

struct vault_client *renew_connect(const struct renew_config *cfg,
    struct error *e) must_check;
bool renew_login(const struct renew_config *cfg, struct vault_client *v,
    struct error *e) must_check;
/* A token that a login made is not needed any more. */
void renew_logout(const struct renew_config *cfg, struct vault_client *v);

/* ---- one look (renew_reason.c, renew_settings.c) ------------------------------------- */

struct renew_pass {
	const struct renew_config *cfg;
	struct doc *doc;
	bool force;
	struct set_dir *set;
	struct kafka_bundle *known; /* the current certificates, without key */
	const struct cert *old;     /* their leaf; NULL: none that is read   */
	struct buf reason;          /* why it is renewed; empty: it is not   */
	int64_t now_s;
};
/* Fills `known`, `old` and `reason`. */
bool renew_find_reason(struct renew_pass *p, struct error *e) must_check;
/* Of it: whether the files would be made otherwise now… */
void renew_look_at_settings(struct renew_pass *p);
/* …and whether the stores have another password. */
bool renew_look_at_password(struct renew_pass *p, struct error *e) must_check;
/* What the first of them compares with, into the set that was begun. */
bool renew_settings_add(const struct renew_config *cfg, struct set_dir *set,
    struct error *e) must_check;

/* ---- the new set (renew_make.c) -------------------------------------------------------- */

/* A certificate, checked, with its key; joined. `old`: what it takes over from, or NULL. */
struct kafka_bundle *renew_ask(const struct renew_config *cfg,
    struct vault_client *v, const struct cert *old, bool force,
    struct kafka_findings *f, struct error *e) must_check;
/* Of the PKCS#12 files; NULL where there is none. Free with secret_free. */
bool renew_password(const struct renew_config *cfg, struct secret **out,
    struct error *e) must_check;
/* The authorities of `trust`, as anchors. */
bool renew_trust(const struct renew_config *cfg, struct kafka_bundle *b,
    struct error *e) must_check;
/* FAIL_BAD_INPUT: a file needs authorities, `trust` names none, and the mount has no root either. */
bool renew_check_root(const struct renew_config *cfg, struct vault_client *v,
    struct error *e) must_check;
/* Its files into the set that was begun. */
bool renew_write(const struct renew_config *cfg, const struct kafka_bundle *b,
    const struct secret *password, struct set_dir *set,
    struct error *e) must_check;
/* Lists for those who do not fetch them by themselves; *changed: how many files. An older list
 * never takes the place of a newer one of the same key and scope. Each is of an authority of
 * `known`, or of a CA that its mount names and that is below one of them. A file whose lists are
 * not to be had does not keep the others from theirs. */
bool renew_lists(const struct renew_config *cfg, struct vault_client *v,
    const struct kafka_bundle *known, size_t *changed,
    struct error *e) must_check;
/* The file inside each set by which the next run knows what there is. */
#define RENEW_OWN ".certificate.pem"
#define RENEW_OWN_TRUST ".trust.pem"

/* ---- commands (renew_exec.c) -------------------------------------------------------------- */

/* argv without a shell, in an environment of PATH and LC_ALL alone; ended after timeout_s. What it
 * says goes to standard error. FAIL_ABORTED: another status than 0. */
bool renew_exec(const struct yaml_texts *argv, const char *what,
    int64_t timeout_s, struct error *e) must_check;
/* cfg->check, again and again until it succeeds or cfg->check_within_s are over; a run that began
 * in time is waited for. The error is that of the last one. */
bool renew_check(const struct renew_config *cfg, struct error *e) must_check;

/* Two things went wrong: `second` goes behind the first. Returns false. */
bool renew_both(struct error *e, const struct error *second);
bool renew_run(struct cli *c, struct error *e) must_check;
