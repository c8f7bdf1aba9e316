/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints of a CA certificate (RFC 5280 4.2.1.10) against names.*. */
#include <stdio.h>

#include <chancery/pki/der.h>

#include "internal.h"

#define FIELD "extensions.nameConstraints"

/* What a pass over the subtrees has found. */
struct found {
	unsigned permitted; /* 1 << enum name_kind with a permitted subtree */
	unsigned excluded;  /* kinds of which every name is excluded        */
	unsigned no_ip;     /* 1: all of IPv4 excluded, 2: all of IPv6      */
};

/* Contents of a GeneralName in a subtree; tags as RFC 5280 A.2. */
static bool
subtree_name(struct bytes element, struct general_name *out)
{
	static const struct {
		uint8_t tag;
		enum general_name_kind kind;
	} tags[] = {
		{ DER_CONTEXT(1), GN_EMAIL },
		{ DER_CONTEXT(2), GN_DNS },
		{ DER_CONTEXT_CONSTRUCTED(4), GN_DIRNAME },
		{ DER_CONTEXT(6), GN_URI },
		{ DER_CONTEXT(7), GN_IP },
	};
	struct der_reader r;

	der_r_init(&r, element);
	for (size_t i = 0; i < countof(tags); i++) {
		if (der_r_peek(&r) != tags[i].tag)
			continue;
		out->kind = tags[i].kind;
		out->value = der_r_get(&r, tags[i].tag);
		return der_r_done(&r);
	}
	return false;
}

/* GeneralSubtree ::= { base, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }: the last
 * two must not stand there. */
static bool
next_subtree(struct der_reader *list, struct general_name *out)
{
	struct der_reader tree;
	uint8_t tag = 0;
	struct bytes base;

	der_r_init(&tree, der_r_get(list, DER_SEQUENCE));
	base = der_r_any(&tree, &tag);
	return !list->failed && der_r_done(&tree) && subtree_name(base, out);
}

static bool
net_of(struct bytes base, struct cidr *out)
{
	struct cidr c = { .len = (unsigned)base.n / 2 };
	bool ended = false;

	if (base.n != 8 && base.n != 32)
		return false;
	memcpy(c.addr, base.p, c.len);
	for (unsigned i = 0; i < c.len * 8; i++) {
		bool bit = (base.p[c.len + i / 8] & (0x80 >> (i % 8))) != 0;

		if (bit && ended)
			return false; /* not a prefix */
		ended = ended || !bit;
		c.prefix += bit;
	}
	for (unsigned i = c.prefix; i < c.len * 8; i++)
		c.addr[i / 8] &= (uint8_t) ~(0x80 >> (i % 8));
	*out = c;
	return true;
}

/* "kafka.example" covers that name and all below; ".kafka.example", which RFC 5280
 * gives no meaning for dNSName, is read as all below. */
static bool
dns_subtree_allowed(const struct charter *c, struct bytes base)
{
	auto_buf struct buf below = { 0 };
	bool dotted = base.n > 0 && base.p[0] == '.';
	const struct yaml_texts *list = charter_names_of(c, NAME_DNS);

	if (is_any(list))
		return true;
	if (!dotted && !name_allowed(c, NAME_DNS, base))
		return false;
	if (!dotted)
		buf_add_byte(&below, '.');
	buf_add_bytes(&below, base);
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i][0] == '.' &&
		    dns_covers(list->v[i], buf_bytes(&below)))
			return true;
	return false;
}

/* A mailbox, a host with all its mailboxes; a domain (".b.example") is more than any
 * entry covers. */
static bool
email_subtree_allowed(const struct charter *c, struct bytes base)
{
	auto_buf struct buf any_box = { 0 };
	const struct yaml_texts *list = charter_names_of(c, NAME_EMAIL);

	if (is_any(list))
		return true;
	if (base.n > 0 && memchr(base.p, '@', base.n) != NULL)
		return name_allowed(c, NAME_EMAIL, base);
	buf_add_byte(&any_box, '@');
	buf_add_bytes(&any_box, base);
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i][0] == '@' &&
		    email_covers(list->v[i], buf_bytes(&any_box)))
			return true;
	return false;
}

bool
subtree_allowed(const struct charter *c, enum name_kind kind, struct bytes base)
{
	struct cidr net;

	switch (kind) {
	case NAME_DNS:
		return dns_subtree_allowed(c, base);
	case NAME_IP:
		return net_of(base, &net) && ip_allowed(c, &net);
	case NAME_DN:
		/* Everything below has the attributes of the base, and may have
		 * more of the same type: a second O would fit the subtree and no
		 * entry. The charter of that CA's key is where this is held. */
		return name_allowed(c, NAME_DN, base);
	case NAME_URI:
		/* A URI subtree is a host with all paths and schemes: more than
		 * any entry covers. */
		return is_any(charter_names_of(c, NAME_URI));
	case NAME_EMAIL:
		return email_subtree_allowed(c, base);
	case NAME_KIND__COUNT:
		break;
	}
	fatal("charter: name kind %d", (int)kind);
}

static bool
check_permitted(const struct charter_act *a, struct bytes list,
    struct found *found, struct error *e)
{
	struct der_reader r;

	der_r_init(&r, list);
	for (size_t i = 0; der_r_peek(&r) >= 0; i++) {
		struct general_name gn;
		enum name_kind kind;
		char field[80];

		if (!next_subtree(&r, &gn) || !name_kind_of(gn.kind, &kind))
			return refuse(a, e, FIELD ".permittedSubtrees",
			    "cannot be read");
		(void)snprintf(field, sizeof(field),
		    FIELD ".permittedSubtrees[%zu]", i);
		found->permitted |= 1U << kind;
		if (!subtree_allowed(a->c, kind, gn.value))
			return refuse(a, e, field,
			    "(%s) permits names outside the charter's",
			    general_name_field(gn.kind));
	}
	return !r.failed ||
	    refuse(a, e, FIELD ".permittedSubtrees", "cannot be read");
}

/* An empty base is every name of the kind; for addresses a zero prefix. */
static void
note_excluded(const struct general_name *gn, struct found *found)
{
	enum name_kind kind;
	struct cidr net;

	if (!name_kind_of(gn->kind, &kind))
		return;
	if (kind == NAME_IP && net_of(gn->value, &net) && net.prefix == 0)
		found->no_ip |= net.len == 4 ? 1U : 2U;
	if (found->no_ip == 3)
		found->excluded |= 1U << NAME_IP;
	if (gn->value.n == 0 && (kind == NAME_DNS || kind == NAME_EMAIL))
		found->excluded |= 1U << kind;
}

static bool
check_excluded(const struct charter_act *a, struct bytes list,
    struct found *found, struct error *e)
{
	struct general_name gn;
	struct der_reader r;

	der_r_init(&r, list);
	while (der_r_peek(&r) >= 0) {
		if (!next_subtree(&r, &gn))
			return refuse(a, e, FIELD ".excludedSubtrees",
			    "cannot be read");
		note_excluded(&gn, found);
	}
	return !r.failed ||
	    refuse(a, e, FIELD ".excludedSubtrees", "cannot be read");
}

static bool
check_subtrees(const struct charter_act *a, const struct ext *x,
    struct found *found, struct error *e)
{
	struct der_reader r, lists;
	struct bytes permitted = { 0 }, excluded = { 0 };

	der_r_init(&r, x->value);
	der_r_init(&lists, der_r_get(&r, DER_SEQUENCE));
	if (der_r_peek(&lists) == DER_CONTEXT_CONSTRUCTED(0))
		permitted = der_r_get(&lists, DER_CONTEXT_CONSTRUCTED(0));
	if (der_r_peek(&lists) == DER_CONTEXT_CONSTRUCTED(1))
		excluded = der_r_get(&lists, DER_CONTEXT_CONSTRUCTED(1));
	if (!der_r_done(&lists) || !der_r_done(&r) ||
	    permitted.n + excluded.n == 0)
		return refuse(a, e, FIELD, "cannot be read");
	return check_permitted(a, permitted, found, e) &&
	    check_excluded(a, excluded, found, e);
}

bool
rule_name_constraints(const struct charter_act *a, struct error *e)
{
	const struct ext *x = exts_find(&a->tbs->exts, EXT_NAME_CONSTRAINTS);
	struct found found = { 0 };
	unsigned open;

	/* RFC 5280 6.1: a trust anchor's own constraints bind nobody. */
	if (a->u->self && x == NULL)
		return true;
	if (x != NULL && !x->critical)
		return refuse(a, e, FIELD, "are not critical");
	if (x != NULL && !check_subtrees(a, x, &found, e))
		return false;
	open = a->c->constrain & ~(found.permitted | found.excluded);
	for (size_t i = 0; i < a->c->l.must_constrain.n; i++) {
		const char *name = a->c->l.must_constrain.v[i];
		enum name_kind kind;

		if (name_kind_by_name(name, &kind) &&
		    (open & (1U << kind)) != 0)
			return refuse(a, e, FIELD,
			    "leave names of kind %s open; must_constrain "
			    "demands them",
			    name);
	}
	return true;
}
