/* SPDX-License-Identifier: Apache-2.0 */
/* Is one charter within another? Field by field; a field that could trade against
 * another is judged alone, so the answer may be a cautious no. */
#include <chancery/pki/name.h>

#include "internal.h"

struct limit;
typedef bool narrower(const struct limit *l, const struct charter *old,
    const struct charter *next);

/* A field, how it narrows, and for lists what an entry of the old one covers. */
struct limit {
	const char *field;
	size_t offset;
	narrower *narrows;
	bool (*covers)(const char *old, const char *next);
};

static const void *
at(const struct charter *c, const struct limit *l)
{
	return (const char *)&c->l + l->offset;
}

static bool
same_entry(const char *old, const char *next)
{
	return strcmp(old, next) == 0;
}

static bool
dns_entry(const char *old, const char *next)
{
	return dns_covers(old, bytes_str(next));
}

static bool
uri_entry(const char *old, const char *next)
{
	return uri_covers(old, bytes_str(next));
}

static bool
email_entry(const char *old, const char *next)
{
	return strcmp(old, next) == 0 || email_covers(old, bytes_str(next));
}

static bool
ip_entry(const char *old, const char *next)
{
	struct cidr outer, inner;

	return charter_cidr_parse(old, &outer) &&
	    charter_cidr_parse(next, &inner) && cidr_covers(&outer, &inner);
}

static bool
dn_entry(const char *old, const char *next)
{
	auto_buf struct buf a = { 0 };
	auto_buf struct buf b = { 0 };
	struct dn rule, name;
	struct error e;

	return name_parse(old, &a, &e) && name_parse(next, &b, &e) &&
	    dn_parse(buf_bytes(&a), &rule) && dn_parse(buf_bytes(&b), &name) &&
	    dn_covers(&rule, &name);
}

/* Every entry of `next` is covered by one of `old`. */
static bool
within(const struct yaml_texts *old, const struct yaml_texts *next,
    bool (*covers)(const char *old, const char *next))
{
	if (is_any(old))
		return true;
	for (size_t i = 0; i < next->n; i++) {
		bool found = false;

		if (strcmp(next->v[i], "any") == 0)
			return false;
		for (size_t j = 0; j < old->n && !found; j++)
			found = covers(old->v[j], next->v[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool
fewer(const struct limit *l, const struct charter *old,
    const struct charter *next)
{
	return within(at(old, l), at(next, l), l->covers);
}

/* What is demanded: the other way round. */
static bool
more(const struct limit *l, const struct charter *old,
    const struct charter *next)
{
	return within(at(next, l), at(old, l), l->covers);
}

static bool
less(const struct limit *l, const struct charter *old,
    const struct charter *next)
{
	return *(const uint64_t *)at(next, l) <= *(const uint64_t *)at(old, l);
}

static bool
shorter(const struct limit *l, const struct charter *old,
    const struct charter *next)
{
	return *(const int64_t *)at(next, l) <= *(const int64_t *)at(old, l);
}

/* 0 is no limit. */
static bool
scarcer(const struct limit *l, const struct charter *old,
    const struct charter *next)
{
	uint64_t o = *(const uint64_t *)at(old, l);
	uint64_t n = *(const uint64_t *)at(next, l);

	return o == 0 || (n != 0 && n <= o);
}

/* Enums are in the order from narrow to wide. */
static bool
stricter(const struct limit *l, const struct charter *old,
    const struct charter *next)
{
	return *(const int *)at(next, l) <= *(const int *)at(old, l);
}

static bool
not_on(const struct limit *l, const struct charter *old,
    const struct charter *next)
{
	return *(const bool *)at(old, l) || !*(const bool *)at(next, l);
}

/* Other custodians are other people: no order between them. */
static bool
harder(const struct limit *l, const struct charter *old,
    const struct charter *next)
{
	const struct quorum *o = at(old, l);
	const struct quorum *n = at(next, l);

	return o->m == 0 ||
	    (n->m >= o->m && strcmp(n->custodians, o->custodians) == 0);
}

#define F(name, member, how, entry)                                            \
	{                                                                      \
		(name), offsetof(struct limits, member), (how), (entry)        \
	}
static const struct limit limits[] = {
	F("open", open, not_on, NULL),
	F("kinds", kinds, fewer, same_entry),
	F("algs", algs, fewer, same_entry),
	F("backdate", backdate, shorter, NULL),
	F("ekus", ekus, fewer, same_entry),
	F("extensions", extensions, fewer, same_entry),
	F("imported_keys", imported_keys, stricter, NULL),
	F("key_usage", key_usage, fewer, same_entry),
	F("max_life.ca", max_life[LIFE_CA], shorter, NULL),
	F("max_life.crl", max_life[LIFE_CRL], shorter, NULL),
	F("max_life.leaf", max_life[LIFE_LEAF], shorter, NULL),
	F("max_life.ocsp", max_life[LIFE_OCSP], shorter, NULL),
	F("max_life.self_signed", max_life[LIFE_SELF], shorter, NULL),
	F("must_constrain", must_constrain, more, same_entry),
	F("names.dn", names.dn, fewer, dn_entry),
	F("names.dns", names.dns, fewer, dns_entry),
	F("names.email", names.email, fewer, email_entry),
	F("names.ip", names.ip, fewer, ip_entry),
	F("names.uri", names.uri, fewer, uri_entry),
	F("names.wildcards", names.wildcards, not_on, NULL),
	F("path_len", path_len, less, NULL),
	F("per_hour", per_hour, scarcer, NULL),
	F("quorum.ca", quorum[KIND_CA], harder, NULL),
	F("quorum.crl", quorum[KIND_CRL], harder, NULL),
	F("quorum.csr", quorum[KIND_CSR], harder, NULL),
	F("quorum.leaf", quorum[KIND_LEAF], harder, NULL),
	F("quorum.ocsp", quorum[KIND_OCSP], harder, NULL),
	F("self_signed", self_signed, stricter, NULL),
	F("subject_keys", subject_keys, fewer, same_entry),
	F("total", total, scarcer, NULL),
};

bool
charter_is_tighter(const struct charter *old, const struct charter *next,
    const char **field)
{
	if (old->l.open)
		return true;
	for (size_t i = 0; i < countof(limits); i++) {
		if (limits[i].narrows(&limits[i], old, next))
			continue;
		*field = limits[i].field;
		return false;
	}
	return true;
}
