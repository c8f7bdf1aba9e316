/* SPDX-License-Identifier: Apache-2.0 */
/* struct limits, however it was filled → a charter: checks across fields, one form
 * for every text, and what the rules compare with. */
#include <stdlib.h>

#include <chancery/base/alg.h>
#include <chancery/pki/name.h>

#include "build.h"

/* A combination that can sign nothing of a kind that it allows: a mistake, told
 * at the field that would mend it. */
struct cross_check {
	bool (*wrong)(const struct limits *l);
	size_t offset;
	const char *sentence;
};

static bool
has_kind(const struct limits *l, enum charter_kind k)
{
	return texts_have(&l->kinds, charter_kind_name(k));
}

static bool
has_certs(const struct limits *l)
{
	return has_kind(l, KIND_LEAF) || has_kind(l, KIND_CA);
}

static bool
wrong_kinds(const struct limits *l)
{
	return l->kinds.n == 0;
}

static bool
wrong_leaf_life(const struct limits *l)
{
	return has_kind(l, KIND_LEAF) && l->max_life[LIFE_LEAF] == 0;
}

static bool
wrong_ca_life(const struct limits *l)
{
	return has_kind(l, KIND_CA) && l->max_life[LIFE_CA] == 0 &&
	    l->self_signed == SELF_DENY;
}

static bool
wrong_crl_life(const struct limits *l)
{
	return has_kind(l, KIND_CRL) && l->max_life[LIFE_CRL] == 0;
}

static bool
wrong_caller_life(const struct limits *l)
{
	return has_kind(l, KIND_CALLER_CRL) && l->max_life[LIFE_CRL] == 0;
}

static bool
wrong_ocsp_life(const struct limits *l)
{
	return has_kind(l, KIND_OCSP) && l->max_life[LIFE_OCSP] == 0;
}

static bool
wrong_self_life(const struct limits *l)
{
	return l->self_signed != SELF_DENY && l->max_life[LIFE_SELF] == 0;
}

static bool
wrong_self_kind(const struct limits *l)
{
	return l->self_signed != SELF_DENY && !has_kind(l, KIND_CA);
}

static bool
wrong_algs(const struct limits *l)
{
	return has_certs(l) && l->algs.n == 0;
}

static bool
wrong_keys(const struct limits *l)
{
	return has_certs(l) && l->subject_keys.n == 0;
}

static bool
wrong_ekus(const struct limits *l)
{
	/* A CA that only certifies itself needs none. */
	return l->ekus.n == 0 &&
	    (has_kind(l, KIND_LEAF) || l->max_life[LIFE_CA] != 0);
}

static bool
wrong_dn(const struct limits *l)
{
	return (has_certs(l) || has_kind(l, KIND_CSR)) && l->names.dn.n == 0;
}

#define AT(member) offsetof(struct limits, member)
static const struct cross_check cross_checks[] = {
	{ wrong_kinds, AT(kinds), "missing key \"kinds\": nothing is allowed" },
	{ wrong_leaf_life, AT(max_life[LIFE_LEAF]),
	    "kind leaf needs max_life.leaf" },
	{ wrong_ca_life, AT(max_life[LIFE_CA]),
	    "kind ca needs max_life.ca (or self_signed)" },
	{ wrong_crl_life, AT(max_life[LIFE_CRL]),
	    "kind crl needs max_life.crl" },
	{ wrong_caller_life, AT(max_life[LIFE_CRL]),
	    "kind caller-crl needs max_life.crl" },
	{ wrong_ocsp_life, AT(max_life[LIFE_OCSP]),
	    "kind ocsp needs max_life.ocsp" },
	{ wrong_self_life, AT(self_signed),
	    "self_signed needs max_life.self_signed" },
	{ wrong_self_kind, AT(self_signed), "self_signed needs kind ca" },
	{ wrong_algs, AT(algs), "kinds leaf and ca need algs" },
	{ wrong_keys, AT(subject_keys), "kinds leaf and ca need subject_keys" },
	{ wrong_ekus, AT(ekus), "kinds leaf and ca need ekus" },
	{ wrong_dn, AT(names.dn), "kinds leaf, ca and csr need names.dn" },
};

static const struct {
	const char *name;
	size_t offset;
} lists[] = {
	{ "algs", AT(algs) },
	{ "ekus", AT(ekus) },
	{ "extensions", AT(extensions) },
	{ "key_usage", AT(key_usage) },
	{ "kinds", AT(kinds) },
	{ "must_constrain", AT(must_constrain) },
	{ "names.dn", AT(names.dn) },
	{ "names.dns", AT(names.dns) },
	{ "names.email", AT(names.email) },
	{ "names.ip", AT(names.ip) },
	{ "names.uri", AT(names.uri) },
	{ "subject_keys", AT(subject_keys) },
};

static struct yaml_texts *
list_at(struct limits *l, size_t i)
{
	return (struct yaml_texts *)(void *)((char *)l + lists[i].offset);
}

/* Any stands for every other entry, now and later. */
static void
check_any(const struct limits *l, const struct blame *b)
{
	for (size_t i = 0; i < countof(lists); i++) {
		const struct yaml_texts *t =
		    (const void *)((const char *)l + lists[i].offset);

		if (t->n > 1 && texts_have(t, "any"))
			b->tell(b, t, "%s: \"any\" stands alone",
			    lists[i].name);
	}
}

void
limits_check(const struct limits *l, const struct blame *b)
{
	if (l->open)
		return;
	check_any(l, b);
	for (size_t i = 0; i < countof(cross_checks); i++)
		if (cross_checks[i].wrong(l))
			b->tell(b, (const char *)l + cross_checks[i].offset,
			    "%s", cross_checks[i].sentence);
}

/* ---- one form ------------------------------------------------------------- */

static char *
keep(struct charter *c, char *text)
{
	c->kept = mem_grow(c->kept, c->kept_n, &c->kept_cap, sizeof(*c->kept));
	c->kept[c->kept_n++] = text;
	return text;
}

static char *
lower(const char *text, size_t from)
{
	char *copy = mem_strdup(text);

	for (char *p = copy + from; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

static char *
form_dns(const char *text)
{
	return lower(text, 0);
}

static char *
form_email(const char *text)
{
	return lower(text, strcspn(text, "@"));
}

static char *
form_ip(const char *text)
{
	struct buf out = { 0 };
	struct cidr c;

	if (!charter_cidr_parse(text, &c))
		return mem_strdup(text);
	cidr_format(&c, &out);
	return buf_take_str(&out);
}

/* RFC 4514 text has many spellings of one name. */
static char *
form_dn(const char *text)
{
	auto_buf struct buf der = { 0 };
	auto_buf struct buf out = { 0 };
	struct error e;

	if (strcmp(text, "any") == 0 || !name_parse(text, &der, &e) ||
	    !name_format(buf_bytes(&der), &out, &e))
		return mem_strdup(text);
	return buf_take_str(&out);
}

static char *
form_eku(const char *text)
{
	const char *name = eku_name_by_oid(text);

	return mem_strdup(name != NULL ? name : text);
}

static const struct {
	size_t offset;
	char *(*form)(const char *text);
} forms[] = {
	{ AT(ekus), form_eku },
	{ AT(names.dn), form_dn },
	{ AT(names.dns), form_dns },
	{ AT(names.email), form_email },
	{ AT(names.ip), form_ip },
};

static int
text_cmp(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Copied in its one form, sorted, each once. */
static void
keep_list(struct charter *c, struct yaml_texts *list, size_t offset)
{
	struct yaml_texts out = { mem_calloc(list->n + 1, sizeof(char *)), 0 };
	char *(*form)(const char *text) = mem_strdup;
	size_t n = 0;

	for (size_t i = 0; i < countof(forms); i++)
		if (forms[i].offset == offset)
			form = forms[i].form;
	for (size_t i = 0; i < list->n; i++)
		out.v[i] = keep(c, form(list->v[i]));
	qsort(out.v, list->n, sizeof(*out.v), text_cmp);
	for (size_t i = 0; i < list->n; i++)
		if (n == 0 || strcmp(out.v[n - 1], out.v[i]) != 0)
			out.v[n++] = out.v[i];
	out.n = n;
	*list = out;
}

/* ---- what the rules compare with ------------------------------------------ */

static unsigned
alg_bits(const struct yaml_texts *t)
{
	unsigned bits = 0;
	enum sig_alg alg;

	for (size_t i = 0; i < t->n; i++)
		if (sig_alg_by_name(t->v[i], &alg))
			bits |= 1U << alg;
	return is_any(t) ? ~0U : bits;
}

static void
prepare_sets(struct charter *c)
{
	enum charter_kind kind;
	enum name_kind name;

	for (size_t i = 0; i < c->l.kinds.n; i++)
		if (charter_kind_by_name(c->l.kinds.v[i], &kind))
			c->kinds |= 1U << kind;
	for (size_t i = 0; i < c->l.must_constrain.n; i++)
		if (name_kind_by_name(c->l.must_constrain.v[i], &name))
			c->constrain |= 1U << name;
	for (size_t i = 0; i < c->l.key_usage.n; i++)
		c->key_usage |= key_usage_bit(c->l.key_usage.v[i]);
	c->algs = alg_bits(&c->l.algs);
}

static void
prepare_names(struct charter *c)
{
	const struct names *n = &c->l.names;
	struct error e;

	c->ips = mem_calloc(n->ip.n + 1, sizeof(*c->ips));
	for (size_t i = 0; i < n->ip.n && !is_any(&n->ip); i++)
		if (!charter_cidr_parse(n->ip.v[i], &c->ips[i]))
			fatal("charter: names.ip changed");
	c->dn_der = mem_calloc(n->dn.n + 1, sizeof(*c->dn_der));
	for (size_t i = 0; i < n->dn.n && !is_any(&n->dn); i++)
		if (!name_parse(n->dn.v[i], &c->dn_der[i], &e))
			fatal("charter: names.dn: %s", e.msg);
}

struct charter *
charter_build(const struct limits *l)
{
	struct charter *c = mem_calloc(1, sizeof(*c));

	/* An open charter has no limits, the defaults included. */
	c->l = l->open ? (struct limits){ .open = true } : *l;
	for (size_t i = 0; i < countof(lists); i++)
		keep_list(c, list_at(&c->l, i), lists[i].offset);
	for (size_t i = 0; i < KIND__COUNT; i++)
		if (c->l.quorum[i].m != 0)
			c->l.quorum[i].custodians =
			    keep(c, mem_strdup(l->quorum[i].custodians));
	prepare_sets(c);
	prepare_names(c);
	return c;
}

void
charter_free(struct charter *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->l.names.dn.n; i++)
		buf_free(&c->dn_der[i]);
	mem_free(c->dn_der);
	mem_free(c->ips);
	for (size_t i = 0; i < countof(lists); i++)
		mem_free(list_at(&c->l, i)->v);
	for (size_t i = 0; i < c->kept_n; i++)
		mem_free(c->kept[i]);
	mem_free(c->kept);
	mem_free(c);
}

bool
charter_is_open(const struct charter *c)
{
	return c->l.open;
}

bool
charter_allows_import(const struct charter *c)
{
	return c->l.open || c->l.imported_keys == IMPORTED_ALLOW;
}
