/* SPDX-License-Identifier: Apache-2.0 */
/* Names held against the entries of names.*. Whatever is not well-formed is
 * within nothing. */
#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

#include <chancery/base/text.h>
#include <chancery/pki/der.h>

#include "internal.h"

static bool
is_label_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool
is_host(struct bytes name)
{
	size_t label = 0;

	if (name.n == 0 || name.n > 253)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] != '.') {
			if (!is_label_char(name.p[i]) || ++label > 63)
				return false;
			continue;
		}
		if (label == 0)
			return false;
		label = 0;
	}
	return label > 0;
}

static bool
same_text(const char *a, struct bytes b)
{
	return strlen(a) == b.n && strncasecmp(a, (const char *)b.p, b.n) == 0;
}

/* `name` ends with `tail` and has something before it. */
static bool
ends_with(struct bytes name, const char *tail)
{
	size_t n = strlen(tail);

	return name.n > n &&
	    strncasecmp((const char *)name.p + name.n - n, tail, n) == 0;
}

/* RFC 4343: ASCII letters compare without case. */
bool
dns_covers(const char *entry, struct bytes name)
{
	struct bytes host = name;

	/* A narrower entry ".b.example" under ".example". */
	if (host.n > 0 && host.p[0] == '.')
		host = bytes_of(host.p + 1, host.n - 1);
	if (!is_host(host))
		return false;
	return same_text(entry, name) ||
	    (*entry == '.' && ends_with(name, entry));
}

/* A path that climbs would leave the prefix in a reader that resolves it. */
static bool
uri_climbs(struct bytes name)
{
	for (size_t i = 0; i + 1 < name.n; i++)
		if (name.p[i] == '/' && name.p[i + 1] == '.')
			return true;
	return memchr(name.p, '%', name.n) != NULL ||
	    memchr(name.p, '\\', name.n) != NULL;
}

bool
uri_covers(const char *entry, struct bytes name)
{
	size_t n = strlen(entry);

	if (bytes_eq(bytes_str(entry), name))
		return true;
	return n > 0 && entry[n - 1] == '/' && name.n > n &&
	    memcmp(entry, name.p, n) == 0 && !uri_climbs(name);
}

bool
email_covers(const char *entry, struct bytes name)
{
	const uint8_t *at = name.n > 0 ? memchr(name.p, '@', name.n) : NULL;
	struct bytes host;

	if (at == NULL)
		return false;
	host = bytes_of(at + 1, name.n - (size_t)(at + 1 - name.p));
	if (!is_host(host))
		return false;
	if (*entry == '@')
		return same_text(entry + 1, host);
	/* RFC 5321 2.4: the local part keeps its case. */
	return strlen(entry) == name.n &&
	    memcmp(entry, name.p, (size_t)(at - name.p)) == 0 &&
	    same_text(entry, name);
}

bool
charter_cidr_parse(const char *text, struct cidr *out)
{
	const char *slash = strchr(text, '/');
	struct cidr c = { 0 };
	char addr[64] = "";
	uint64_t prefix;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(addr))
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	if (inet_pton(AF_INET, addr, c.addr) == 1)
		c.len = 4;
	else if (inet_pton(AF_INET6, addr, c.addr) == 1)
		c.len = 16;
	else
		return false;
	if (!parse_u64(slash + 1, 0, c.len * 8ULL, &prefix))
		return false;
	c.prefix = (unsigned)prefix;
	/* Bits past the prefix would be ignored: somebody meant something
	 * else. */
	for (unsigned i = c.prefix; i < c.len * 8; i++)
		if ((c.addr[i / 8] & (0x80 >> (i % 8))) != 0)
			return false;
	*out = c;
	return true;
}

void
cidr_format(const struct cidr *c, struct buf *out)
{
	char addr[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(c->len == 4 ? AF_INET : AF_INET6, c->addr, addr,
	    sizeof(addr));
	buf_addf(out, "%s/%u", addr, c->prefix);
}

bool
cidr_covers(const struct cidr *outer, const struct cidr *inner)
{
	if (outer->len != inner->len || outer->prefix > inner->prefix)
		return false;
	for (unsigned i = 0; i < outer->prefix; i++)
		if (((outer->addr[i / 8] ^ inner->addr[i / 8]) &
			(0x80 >> (i % 8))) != 0)
			return false;
	return true;
}

static bool
dn_attr(struct der_reader *set, struct dn_attr *out)
{
	struct der_reader pair, value;
	uint8_t tag = 0;

	der_r_init(&pair, der_r_get(set, DER_SEQUENCE));
	out->oid = der_r_get(&pair, DER_OID);
	der_r_init(&value, der_r_any(&pair, &tag));
	out->tag = tag;
	out->value = der_r_get(&value, tag);
	return !set->failed && der_r_done(&pair) && der_r_done(&value);
}

bool
dn_parse(struct bytes name, struct dn *out)
{
	struct der_reader all, rdns, set;

	out->n = 0;
	der_r_init(&all, name);
	der_r_init(&rdns, der_r_get(&all, DER_SEQUENCE));
	while (der_r_peek(&rdns) >= 0) {
		der_r_init(&set, der_r_get(&rdns, DER_SET));
		while (der_r_peek(&set) >= 0)
			if (out->n == DN_ATTRS_MAX ||
			    !dn_attr(&set, &out->v[out->n++]))
				return false;
		if (!der_r_done(&set) || rdns.failed)
			return false;
	}
	return der_r_done(&rdns) && der_r_done(&all);
}

static bool
is_text_tag(int tag)
{
	return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING ||
	    tag == DER_IA5_STRING;
}

/* Octets count, not the string type: narrower than RFC 5280 7.1, which also
 * ignores case and runs of spaces. */
static bool
same_value(const struct dn_attr *a, const struct dn_attr *b)
{
	return is_text_tag(a->tag) && is_text_tag(b->tag) &&
	    bytes_eq(a->value, b->value);
}

static const struct dn_attr *
dn_next_of(const struct dn *name, struct bytes oid, size_t *at)
{
	while (*at < name->n) {
		const struct dn_attr *a = &name->v[(*at)++];

		if (bytes_eq(a->oid, oid))
			return a;
	}
	return NULL;
}

/* The values of one type, in order, are the same on both sides. */
static bool
same_values(const struct dn *rule, const struct dn *name, struct bytes oid)
{
	size_t i = 0, j = 0;

	for (;;) {
		const struct dn_attr *want = dn_next_of(rule, oid, &i);
		const struct dn_attr *have = dn_next_of(name, oid, &j);

		if (want == NULL || have == NULL)
			return want == have;
		if (!same_value(want, have))
			return false;
	}
}

bool
dn_covers(const struct dn *rule, const struct dn *name)
{
	for (size_t i = 0; i < rule->n; i++)
		if (!same_values(rule, name, rule->v[i].oid))
			return false;
	return rule->n > 0;
}
