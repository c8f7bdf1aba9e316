/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The plan: the only input of a ceremony (docs/ceremony.md). One strict YAML file;
 * every mistake is found before the module is loaded. Its hash is read aloud; the
 * hash of its core (all but module, tokens and rehearsal) is what a rehearsal and
 * the real run must share.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>
#include <chancery/config/yaml.h>
#include <chancery/pki/profile.h>

enum plan_role { /* one person, one role */
	ROLE_ADMINISTRATOR,
	ROLE_OPERATOR,
	ROLE_CUSTODIAN,
	ROLE_SAFE_CONTROLLER,
	ROLE_WITNESS,
	ROLE_AUDITOR,
	ROLE_RECOVERY,
	PLAN_ROLE__COUNT
};
const char *plan_role_name(enum plan_role r);

struct plan_person {
	char *name;
	int role;
};

struct plan_token {
	char *name, *uri, *pin;
	int role;               /* enum home_role */
	char *charter;          /* template for later keys, or NULL */
	struct yaml_texts keys; /* labels that are expected on it before */
};

struct plan_authority {
	char *label, *token, *type, *charter, *charter_file, *subject, *file;
	int64_t life_s;
	uint64_t path_len;
	struct yaml_texts crl_urls, ca_urls, permit_dns, exclude_dns;
	struct buf charter_json; /* canonical, by plan_read */
};

enum plan_confirmations {
	CONFIRM_EVERY, /* after every step                       */
	CONFIRM_KEY    /* only where a key or signature is made  */
};

struct plan {
	uint64_t version;
	char *id, *title;
	struct {
		char *path, *init_args, *sha256, *soft_token_dir;
	} module;
	struct yaml_list people; /* struct plan_person */
	struct yaml_list tokens; /* struct plan_token  */
	struct {
		char *origin, *token, *label;
	} log;
	struct plan_authority root;
	struct {
		int64_t life_s;
		char *file;
	} crl;
	struct yaml_list intermediates; /* struct plan_authority */
	char *outputs, *anchor_dir, *openssl;
	int confirmations; /* enum plan_confirmations */
	char *rehearsal;   /* SHA-256 of the rehearsal's transcript, or NULL */
	/* Not from the file. */
	char *dir; /* of the plan, absolute: relative paths start here */
	struct sha256 hash, core_hash;
	struct yaml_doc *doc;
};

/* Read and check everything that can be checked without a module. `report` (may be
 * NULL) gets every mistake, one a line, as file:line:column. */
struct plan *plan_read(const char *path, struct buf *report,
    struct error *e) must_check;
struct plan *plan_parse(struct bytes text, const char *file, const char *dir,
    struct buf *report, struct error *e) must_check;
void plan_free(struct plan *p);
DEFINE_AUTO(plan, struct plan *, plan_free)
#define auto_plan auto_cleanup(plan_cleanup)

const struct plan_token *plan_find_token(const struct plan *p,
    const char *name);
static inline const struct plan_authority *
plan_intermediate(const struct plan *p, size_t i)
{
	return &((const struct plan_authority *)p->intermediates.v)[i];
}

/* Canonical JSON of what rehearsal and run must share. */
void plan_core_json(const struct plan *p, struct buf *out);

#define REHEARSAL_MARK "REHEARSAL - NOT TRUSTED "
/* The subject as it will be certified: RFC 4514 text, in a rehearsal with the mark
 * in front of the CN. FAIL_BAD_INPUT when there is no plain CN. */
bool plan_subject(const char *subject, bool rehearsal, char **out,
    struct error *e) must_check;

/* The built-in profile with the plan's wishes; borrows from the plan. */
void plan_profile(const struct plan_authority *a, bool root,
    struct profile *out);

extern const struct yaml_field plan_schema[];

/* [{"name":…,"role":…}…], as journal and plan core carry the people. */
struct json_writer;
void plan_people_json(struct json_writer *w, const struct plan *p);
