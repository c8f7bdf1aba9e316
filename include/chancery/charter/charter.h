/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A charter: what one key may ever sign (design.md). Written as YAML by people,
 * kept as canonical JSON in the register, held by the signer against the parsed
 * bytes. Rules are one table: each has a name, the charter field it reads, and a
 * check; help, documentation and refusals come from it.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/config/yaml.h>
#include <chancery/pki/cert.h>

enum charter_kind {
	KIND_LEAF,
	KIND_CA, /* certificates with cA true, self-signed ones included */
	KIND_CRL,
	KIND_OCSP,
	KIND_CSR,
	/* A list with entries of the caller's: judged as a CRL otherwise, by
	 * max_life.crl and quorum.crl. */
	KIND_CALLER_CRL,
	KIND__COUNT
};
const char *charter_kind_name(enum charter_kind k); /* "leaf" … */
bool charter_kind_by_name(const char *name, enum charter_kind *out) must_check;

struct charter;

/* YAML: file:line:column for every mistake, all of them in one go (e holds the
 * first, `report` all, one a line). */
struct charter *charter_parse_yaml(struct bytes text, const char *file,
    struct buf *report, struct error *e) must_check;
/* Canonical JSON, as records carry it. Strict. */
struct charter *charter_parse_json(struct bytes json,
    struct error *e) must_check;
/* Built-in templates: "root", "intermediate", "kafka-issuer", "ocsp-responder",
 * "open". NULL when there is none of that name. */
struct charter *charter_template(const char *name) must_check;
const char *const *charter_template_names(void); /* NULL-ended */
void charter_free(struct charter *c);
DEFINE_AUTO(charter, struct charter *, charter_free)
#define auto_charter auto_cleanup(charter_cleanup)

void charter_to_json(const struct charter *c, struct buf *out);
/* For reports and terminals: one line a limit; "open" is said loudly. */
void charter_describe(const struct charter *c, struct buf *out);
bool charter_is_open(const struct charter *c);
/* Whether the key may be one that was imported (has lived outside an HSM). */
bool charter_allows_import(const struct charter *c) must_check;
/* A template as the YAML that it is made from, for people to copy; NULL when there is
 * none of that name. */
const char *charter_template_yaml(const char *name);
/* The fields as commented YAML, and the fields and rules as Markdown tables. */
void charter_document_yaml(struct buf *out);
/* The fields themselves, for the manual. */
const struct yaml_field *charter_schema(void);
void charter_document_markdown(struct buf *out);
/* Whether `next` allows nothing that `old` does not: tightening. When not, the
 * first field that widens is named in *field. */
bool charter_is_tighter(const struct charter *old, const struct charter *next,
    const char **field) must_check;

struct charter_usage {
	int64_t now_s;
	uint64_t signatures;  /* so far, by this key                       */
	uint64_t in_hour;     /* in the present clock hour                 */
	uint64_t self_signed; /* self-signed certificates released so far  */
	bool self;            /* the TBS's subject key is the signing key  */
	bool have_approvals;  /* quorum met (a later issue)                */
};
struct charter_verdict {
	const char *rule; /* "charter-names-dns", static; NULL: allowed  */
	char field[64];   /* "extensions.subjectAltName.dNSName[2]": the
	                     number is the position in the whole list      */
};
/* True: allowed. False: refused, FAIL_REFUSED, or FAIL_QUORUM when approvals are all
 * that is missing; verdict names rule and offending field, e has the sentence.
 * Whatever the charter does not understand in the bytes is refused. Thread-safe: a
 * charter does not change. */
bool charter_allows_cert(const struct charter *c, const struct tbs_view *tbs,
    const struct charter_usage *u, struct charter_verdict *v,
    struct error *e) must_check;
/* CRL, OCSP: kinds, counts, period of validity, backdate of thisUpdate. */
bool charter_allows_list(const struct charter *c, enum charter_kind kind,
    int64_t this_s, int64_t next_s, const struct charter_usage *u,
    struct charter_verdict *v, struct error *e) must_check;
/* The subject is held against names as that of a server certificate would be. */
bool charter_allows_csr(const struct charter *c, struct bytes subject,
    const struct charter_usage *u, struct charter_verdict *v,
    struct error *e) must_check;

/* The rules, in the order in which they are held; the first that refuses is told. */
struct charter_act; /* what is being judged; inside src/charter */
struct charter_rule {
	const char *name, *field, *about;
	unsigned kinds; /* 1 << enum charter_kind it applies to */
	bool (*check)(const struct charter_act *a, struct error *e);
};
extern const struct charter_rule charter_rules[];
extern const size_t charter_rules_count;
