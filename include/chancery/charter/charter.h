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
#include <chancery/pki/cert.h>

enum charter_kind {
	KIND_LEAF,
	KIND_CA, /* certificates with cA true, self-signed ones included */
	KIND_CRL,
	KIND_OCSP,
	KIND_CSR,
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
/* Whether `next` allows nothing that `old` does not: tightening. When not, the
 * first field that widens is named in *field. */
bool charter_is_tighter(const struct charter *old, const struct charter *next,
    const char **field) must_check;

struct charter_usage {
	int64_t now_s;
	uint64_t signatures; /* so far, by this key                       */
	uint64_t in_hour;    /* in the present clock hour                 */
	bool self;           /* the TBS's subject key is the signing key  */
	bool have_approvals; /* quorum met (a later issue)                */
};
struct charter_verdict {
	const char *rule; /* "charter-names-dns", static               */
	char field[64];   /* "subjectAltName.dNSName[2]"               */
};
/* True: allowed. False: refused, FAIL_REFUSED or FAIL_QUORUM; verdict names rule
 * and offending field, e has the sentence. `tbs` is for LEAF and CA; NULL for CRL,
 * OCSP. For CSR the names come from `subject`. */
bool charter_allows_cert(const struct charter *c, const struct tbs_view *tbs,
    const struct charter_usage *u, struct charter_verdict *v,
    struct error *e) must_check;
/* CRL, OCSP: kinds, counts, period of validity, backdate of thisUpdate. */
bool charter_allows_list(const struct charter *c, enum charter_kind kind,
    int64_t this_s, int64_t next_s, const struct charter_usage *u,
    struct charter_verdict *v, struct error *e) must_check;
bool charter_allows_csr(const struct charter *c, struct bytes subject,
    const struct charter_usage *u, struct charter_verdict *v,
    struct error *e) must_check;

struct charter_rule {
	const char *name, *field, *about;
};
extern const struct charter_rule charter_rules[];
extern const size_t charter_rules_count;
