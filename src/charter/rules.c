/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a charter: one table, held in order. */
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/pki/name.h>

#include "internal.h"

bool
refuse(const struct charter_act *a, struct error *e, const char *field,
    const char *fmt, ...)
{
	char sentence[ERROR_MSG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	a->v->rule = a->rule;
	(void)snprintf(a->v->field, sizeof(a->v->field), "%s", field);
	return error_set(e, FAIL_REFUSED, "%s: %s %s", a->rule, field,
	    sentence);
}

struct quote
quote(struct bytes value)
{
	auto_buf struct buf b = { 0 };
	struct quote q;
	size_t n = value.n < 64 ? value.n : 64;

	buf_add_escaped(&b, bytes_of(value.p, n));
	(void)snprintf(q.text, sizeof(q.text), "\"%.80s%s\"", buf_cstr(&b),
	    n < value.n ? "…" : "");
	return q;
}

struct quote
quote_dn(struct bytes name)
{
	auto_buf struct buf b = { 0 };
	struct error e;

	if (!name_format(name, &b, &e))
		buf_add_str(&b, "(not a Name)");
	return quote(buf_bytes(&b));
}

static bool
rule_kind(const struct charter_act *a, struct error *e)
{
	if ((a->c->kinds & (1U << a->kind)) != 0)
		return true;
	return refuse(a, e, "kind", "= %s is not among kinds",
	    charter_kind_name(a->kind));
}

static bool
rule_form(const struct charter_act *a, struct error *e)
{
	if (a->tbs->version != 3)
		return refuse(a, e, "version", "= %u, not 3", a->tbs->version);
	/* RFC 5280 4.1.2.8: must not be used. */
	if (a->tbs->has_unique_id)
		return refuse(a, e, "uniqueID", "is not understood");
	return true;
}

/* RFC 5280 6.1.4 (l): a certificate whose issuer and subject names are the same does
 * not count against pathLenConstraint, so it may only be the key's own. */
static bool
rule_self_signed(const struct charter_act *a, struct error *e)
{
	bool self_issued = bytes_eq(a->tbs->issuer, a->tbs->subject);

	if (!a->u->self)
		return !self_issued ||
		    refuse(a, e, "subject",
			"is the issuer's name, over another key");
	if (!self_issued)
		return refuse(a, e, "subject",
		    "is another name for the signing key");
	if (a->kind != KIND_CA)
		return refuse(a, e, "subjectPublicKeyInfo",
		    "is the signing key, in a certificate that is no CA");
	if (a->c->l.self_signed == SELF_DENY)
		return refuse(a, e, "subjectPublicKeyInfo",
		    "is the signing key; self_signed is deny");
	if (a->c->l.self_signed == SELF_ONCE && a->u->self_signed > 0)
		return refuse(a, e, "subjectPublicKeyInfo",
		    "is the signing key, which has certified itself already");
	return true;
}

static bool
rule_algs(const struct charter_act *a, struct error *e)
{
	if (!a->tbs->alg_known)
		return refuse(a, e, "signature", "is not an algorithm we know");
	if ((a->c->algs & (1U << a->tbs->alg)) == 0)
		return refuse(a, e, "signature", "= %s is not among algs",
		    sig_alg_info(a->tbs->alg)->name);
	return true;
}

static bool
rule_subject_keys(const struct charter_act *a, struct error *e)
{
	const struct yaml_texts *keys = &a->c->l.subject_keys;
	const char *name;

	if (!a->tbs->key_ok)
		return refuse(a, e, "subjectPublicKeyInfo",
		    "is not a key we know");
	name = key_type_name(a->tbs->key.type);
	return is_any(keys) || texts_have(keys, name) ||
	    refuse(a, e, "subjectPublicKeyInfo",
		"= %s is not among subject_keys", name);
}

static const char *
from_field(const struct charter_act *a)
{
	return a->tbs != NULL ? "validity.notBefore" : "thisUpdate";
}

static const char *
to_field(const struct charter_act *a)
{
	return a->tbs != NULL ? "validity.notAfter" : "nextUpdate";
}

static bool
rule_future(const struct charter_act *a, struct error *e)
{
	if (a->from_s - LIMIT_FUTURE_S <= a->u->now_s)
		return true;
	return refuse(a, e, from_field(a),
	    "lies %lld s ahead of the clock, %d s allowed",
	    (long long)(a->from_s - a->u->now_s), LIMIT_FUTURE_S);
}

static bool
rule_backdate(const struct charter_act *a, struct error *e)
{
	if (a->from_s >= a->u->now_s - a->c->l.backdate)
		return true;
	return refuse(a, e, from_field(a),
	    "lies %lld s in the past, backdate allows %lld s",
	    (long long)(a->u->now_s - a->from_s), (long long)a->c->l.backdate);
}

static bool
rule_life(const struct charter_act *a, struct error *e)
{
	static const struct {
		enum life life;
		const char *name;
	} lives[] = {
		[KIND_LEAF] = { LIFE_LEAF, "leaf" },
		[KIND_CA] = { LIFE_CA, "ca" },
		[KIND_CRL] = { LIFE_CRL, "crl" },
		[KIND_OCSP] = { LIFE_OCSP, "ocsp" },
		[KIND_CALLER_CRL] = { LIFE_CRL, "crl" },
	};
	bool self = a->kind == KIND_CA && a->u->self;
	enum life life = self ? LIFE_SELF : lives[a->kind].life;
	int64_t max = a->c->l.max_life[life];

	if (a->to_s < a->from_s)
		return refuse(a, e, to_field(a), "lies before %s",
		    from_field(a));
	if (a->to_s - a->from_s <= max)
		return true;
	return refuse(a, e, to_field(a),
	    "gives %lld s of validity, max_life.%s allows %lld s",
	    (long long)(a->to_s - a->from_s),
	    self ? "self_signed" : lives[a->kind].name, (long long)max);
}

static bool
rule_per_hour(const struct charter_act *a, struct error *e)
{
	uint64_t max = a->c->l.per_hour;

	if (max == 0 || a->u->in_hour < max)
		return true;
	return refuse(a, e, "kind",
	    "would be signature %llu of this hour, "
	    "per_hour allows %llu",
	    (unsigned long long)a->u->in_hour + 1, (unsigned long long)max);
}

static bool
rule_total(const struct charter_act *a, struct error *e)
{
	uint64_t max = a->c->l.total;

	if (max == 0 || a->u->signatures < max)
		return true;
	return refuse(a, e, "kind",
	    "would be signature %llu of this key, total allows %llu",
	    (unsigned long long)a->u->signatures + 1, (unsigned long long)max);
}

/* Last, so that it refuses only what approvals can mend. */
static bool
rule_quorum(const struct charter_act *a, struct error *e)
{
	enum charter_kind kind =
	    a->kind == KIND_CALLER_CRL ? KIND_CRL : a->kind;
	uint64_t m = a->c->l.quorum[kind].m;

	if (m == 0 || a->u->have_approvals)
		return true;
	(void)refuse(a, e, "kind", "= %s needs the approval of %llu custodians",
	    charter_kind_name(a->kind), (unsigned long long)m);
	e->why = FAIL_QUORUM;
	return false;
}

#define BIT(kind) (1U << (kind))
#define CERTS (BIT(KIND_LEAF) | BIT(KIND_CA))
#define LISTS (BIT(KIND_CRL) | BIT(KIND_CALLER_CRL) | BIT(KIND_OCSP))
#define ALL (CERTS | LISTS | BIT(KIND_CSR))

const struct charter_rule charter_rules[] = {
	{ "charter-kind", "kinds",
	    "The kind is allowed. A certificate with cA true or with "
	    "keyCertSign is a CA certificate.",
	    ALL, rule_kind },
	{ "charter-form", NULL, "Version 3, no unique identifiers.", CERTS,
	    rule_form },
	{ "charter-self-signed", "self_signed",
	    "A certificate for the signing key is a CA certificate under its "
	    "own name, and as often as allowed; no other certificate bears "
	    "the issuer's name.",
	    CERTS, rule_self_signed },
	{ "charter-algs", "algs", "The signature algorithm is allowed.", CERTS,
	    rule_algs },
	{ "charter-subject-keys", "subject_keys",
	    "The certified key is of an allowed type.", CERTS,
	    rule_subject_keys },
	{ "charter-future", NULL,
	    "notBefore or thisUpdate lies at most 60 s ahead of the clock. "
	    "The one rule of an open charter.",
	    CERTS | LISTS, rule_future },
	{ "charter-backdate", "backdate",
	    "notBefore or thisUpdate lies no further back than allowed.",
	    CERTS | LISTS, rule_backdate },
	{ "charter-life", "max_life",
	    "The validity is no longer than allowed for the kind.",
	    CERTS | LISTS, rule_life },
	{ "charter-extensions", "extensions",
	    "Every extension is one that these rules understand, or is listed "
	    "and not critical; name constraints only in a CA, ocsp-nocheck "
	    "only with OCSPSigning.",
	    CERTS, rule_extensions },
	{ "charter-key-usage", "key_usage",
	    "Every key usage is allowed, beside keyCertSign and cRLSign of a "
	    "CA.",
	    CERTS, rule_key_usage },
	{ "charter-ekus", "ekus",
	    "Every extended key usage is allowed, and there is one; the key's "
	    "own certificate may have none.",
	    CERTS, rule_ekus },
	{ "charter-path-len", "path_len",
	    "A CA certificate of another key has a pathLenConstraint, no "
	    "larger than allowed.",
	    BIT(KIND_CA), rule_path_len },
	{ "charter-name-constraints", "must_constrain",
	    "Name constraints are critical, cover the demanded kinds of "
	    "names, and permit nothing outside names.",
	    BIT(KIND_CA), rule_name_constraints },
	{ "charter-names-dn", "names.dn",
	    "The subject and every directoryName fit an entry.",
	    CERTS | BIT(KIND_CSR), rule_names_dn },
	{ "charter-names-san", "names",
	    "Every subjectAltName is of a kind that these rules understand, "
	    "and within the list of its kind; a wildcard only where allowed.",
	    CERTS, rule_names_san },
	{ "charter-names-email", "names.email",
	    "Every emailAddress of the subject is within the list.",
	    CERTS | BIT(KIND_CSR), rule_names_email },
	{ "charter-names-cn", "names.dns",
	    "A common name that looks like a host or an address, where a TLS "
	    "client could take it for the server's, is within names.dns or "
	    "names.ip.",
	    BIT(KIND_LEAF) | BIT(KIND_CSR), rule_names_cn },
	{ "charter-per-hour", "per_hour",
	    "Fewer signatures in this clock hour than allowed.", ALL,
	    rule_per_hour },
	{ "charter-total", "total",
	    "Fewer signatures by this key than allowed.", ALL, rule_total },
	{ "charter-quorum", "quorum",
	    "The custodians have approved, where the kind needs it.", ALL,
	    rule_quorum },
};
const size_t charter_rules_count = countof(charter_rules);

static bool
judge(struct charter_act *a, struct error *e)
{
	struct charter_verdict v = { 0 };

	a->v = a->v != NULL ? a->v : &v;
	*a->v = (struct charter_verdict){ 0 };
	for (size_t i = 0; i < countof(charter_rules); i++) {
		const struct charter_rule *r = &charter_rules[i];

		if ((r->kinds & BIT(a->kind)) == 0 ||
		    (a->c->l.open && r->check != rule_future))
			continue;
		a->rule = r->name;
		if (!r->check(a, e))
			return false;
	}
	return true;
}

/* Names of the subjectAltName, at most one for every two octets. */
static bool
read_san(struct charter_act *a, struct error *e)
{
	const struct ext *x = exts_find(&a->tbs->exts, EXT_SAN);
	size_t max;

	if (x == NULL)
		return true;
	max = x->value.n / 2 + 1;
	a->san = mem_calloc(max, sizeof(*a->san));
	if (ext_san(x, a->san, max, &a->san_n, e))
		return true;
	a->rule = "charter-names-san";
	return refuse(a, e, "extensions.subjectAltName", "cannot be read");
}

/* RFC 5280 6.1.4 (k), (n): both must hold for a verifier; either alone is close enough
 * to a CA for some verifier to be treated as one. */
static enum charter_kind
kind_of(const struct tbs_view *tbs)
{
	return tbs->is_ca || (tbs->key_usage & KU_CERT_SIGN) != 0 ? KIND_CA
								  : KIND_LEAF;
}

bool
charter_allows_cert(const struct charter *c, const struct tbs_view *tbs,
    const struct charter_usage *u, struct charter_verdict *v, struct error *e)
{
	struct charter_act a = {
		.c = c,
		.tbs = tbs,
		.subject = tbs->subject,
		.kind = kind_of(tbs),
		.from_s = tbs->not_before_s,
		.to_s = tbs->not_after_s,
		.u = u,
		.v = v,
	};
	bool ok = (c->l.open || read_san(&a, e)) && judge(&a, e);

	mem_free(a.san);
	return ok;
}

bool
charter_allows_list(const struct charter *c, enum charter_kind kind,
    int64_t this_s, int64_t next_s, const struct charter_usage *u,
    struct charter_verdict *v, struct error *e)
{
	struct charter_act a = {
		.c = c,
		.kind = kind,
		.from_s = this_s,
		.to_s = next_s,
		.u = u,
		.v = v,
	};

	if ((LISTS & BIT(kind)) == 0)
		fatal("charter_allows_list: kind %d", (int)kind);
	return judge(&a, e);
}

bool
charter_allows_csr(const struct charter *c, struct bytes subject,
    const struct charter_usage *u, struct charter_verdict *v, struct error *e)
{
	struct charter_act a = {
		.c = c,
		.kind = KIND_CSR,
		.subject = subject,
		.u = u,
		.v = v,
	};

	return judge(&a, e);
}
