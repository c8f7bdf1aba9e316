/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about names in what is signed. */
#include <stdio.h>

#include "internal.h"

const struct yaml_texts *
charter_names_of(const struct charter *c, enum name_kind kind)
{
	const struct names *n = &c->l.names;
	const struct yaml_texts *const lists[] = {
		[NAME_DNS] = &n->dns,
		[NAME_IP] = &n->ip,
		[NAME_DN] = &n->dn,
		[NAME_URI] = &n->uri,
		[NAME_EMAIL] = &n->email,
	};

	return lists[kind];
}

static const struct {
	const char *field;
	int kind; /* enum name_kind, or -1 */
} general_names[] = {
	[GN_EMAIL] = { "rfc822Name", NAME_EMAIL },
	[GN_DNS] = { "dNSName", NAME_DNS },
	[GN_DIRNAME] = { "directoryName", NAME_DN },
	[GN_URI] = { "uniformResourceIdentifier", NAME_URI },
	[GN_IP] = { "iPAddress", NAME_IP },
	[GN_OTHER] = { "otherName", -1 },
};

bool
name_kind_of(enum general_name_kind gn, enum name_kind *out)
{
	if (general_names[gn].kind < 0)
		return false;
	*out = (enum name_kind)general_names[gn].kind;
	return true;
}

const char *
general_name_field(enum general_name_kind gn)
{
	return general_names[gn].field;
}

static bool
dn_allowed(const struct charter *c, struct bytes name)
{
	struct dn dn, rule;

	if (!dn_parse(name, &dn))
		return false;
	if (is_any(&c->l.names.dn))
		return true;
	for (size_t i = 0; i < c->l.names.dn.n; i++)
		if (dn_parse(buf_bytes(&c->dn_der[i]), &rule) &&
		    dn_covers(&rule, &dn))
			return true;
	return false;
}

bool
ip_allowed(const struct charter *c, const struct cidr *net)
{
	if (is_any(&c->l.names.ip))
		return true;
	for (size_t i = 0; i < c->l.names.ip.n; i++)
		if (cidr_covers(&c->ips[i], net))
			return true;
	return false;
}

static bool
address_allowed(const struct charter *c, struct bytes address)
{
	struct cidr host = { .len = (unsigned)address.n,
		.prefix = (unsigned)address.n * 8 };

	if (address.n != 4 && address.n != 16)
		return false;
	memcpy(host.addr, address.p, address.n);
	return ip_allowed(c, &host);
}

static bool
text_allowed(const struct yaml_texts *list,
    bool (*covers)(const char *entry, struct bytes name), struct bytes name)
{
	for (size_t i = 0; i < list->n; i++)
		if (covers(list->v[i], name))
			return true;
	return false;
}

/* Printable ASCII: what all readers read alike. */
static bool
is_plain(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= 0x20 || name.p[i] >= 0x7f)
			return false;
	return name.n > 0;
}

bool
name_allowed(const struct charter *c, enum name_kind kind, struct bytes value)
{
	const struct yaml_texts *list = charter_names_of(c, kind);

	switch (kind) {
	case NAME_DNS:
		return is_host(value) &&
		    (is_any(list) || text_allowed(list, dns_covers, value));
	case NAME_IP:
		return address_allowed(c, value);
	case NAME_DN:
		return dn_allowed(c, value);
	case NAME_URI:
		return is_plain(value) &&
		    (is_any(list) || text_allowed(list, uri_covers, value));
	case NAME_EMAIL:
		return is_plain(value) &&
		    (is_any(list) || text_allowed(list, email_covers, value));
	case NAME_KIND__COUNT:
		break;
	}
	fatal("charter: name kind %d", (int)kind);
}

bool
rule_names_dn(const struct charter_act *a, struct error *e)
{
	if (name_allowed(a->c, NAME_DN, a->subject))
		return true;
	return refuse(a, e, "subject", "= %s fits no entry of names.dn",
	    quote_dn(a->subject).text);
}

/* "*.kafka.example" stands for names one label below "kafka.example": within a
 * suffix entry that covers all of them, never within an exact one. */
static bool
wildcard_allowed(const struct charter *c, struct bytes name)
{
	/* Any label in place of the asterisk is as good as another. */
	auto_buf struct buf sample = { 0 };

	buf_add_byte(&sample, 'a');
	buf_add(&sample, name.p + 1, name.n - 1);
	if (is_any(&c->l.names.dns))
		return is_host(buf_bytes(&sample));
	for (size_t i = 0; i < c->l.names.dns.n; i++)
		if (c->l.names.dns.v[i][0] == '.' &&
		    dns_covers(c->l.names.dns.v[i], buf_bytes(&sample)))
			return true;
	return false;
}

static bool
is_wildcard(struct bytes name)
{
	return name.n > 2 && name.p[0] == '*' && name.p[1] == '.';
}

/* Addresses are octets in a certificate. */
static struct quote
quote_name(const struct general_name *gn)
{
	auto_buf struct buf b = { 0 };
	struct cidr c = { .len = (unsigned)gn->value.n };

	if (gn->kind == GN_DIRNAME)
		return quote_dn(gn->value);
	if (gn->kind != GN_IP || (gn->value.n != 4 && gn->value.n != 16))
		return quote(gn->value);
	memcpy(c.addr, gn->value.p, gn->value.n);
	c.prefix = c.len * 8;
	cidr_format(&c, &b);
	return quote(buf_bytes(&b));
}

static bool
check_san_name(const struct charter_act *a, size_t i, struct error *e)
{
	static const char *const list_names[] = {
		[NAME_DNS] = "names.dns",
		[NAME_IP] = "names.ip",
		[NAME_DN] = "names.dn",
		[NAME_URI] = "names.uri",
		[NAME_EMAIL] = "names.email",
	};
	const struct general_name *gn = &a->san[i];
	enum name_kind kind;
	char field[64];

	(void)snprintf(field, sizeof(field),
	    "extensions.subjectAltName.%s[%zu]", general_name_field(gn->kind),
	    i);
	if (!name_kind_of(gn->kind, &kind))
		return refuse(a, e, field, "is of a kind we do not read");
	if (kind == NAME_DNS && is_wildcard(gn->value)) {
		if (!a->c->l.names.wildcards)
			return refuse(a, e, field,
			    "= %s; names.wildcards is false",
			    quote_name(gn).text);
		if (wildcard_allowed(a->c, gn->value))
			return true;
	} else if (name_allowed(a->c, kind, gn->value)) {
		return true;
	}
	return refuse(a, e, field, "= %s is not within %s", quote_name(gn).text,
	    list_names[kind]);
}

bool
rule_names_san(const struct charter_act *a, struct error *e)
{
	for (size_t i = 0; i < a->san_n; i++)
		if (!check_san_name(a, i, e))
			return false;
	return true;
}

/* Contents of the OBJECT IDENTIFIERs 2.5.4.3 and 1.2.840.113549.1.9.1. */
static const uint8_t oid_cn[] = { 0x55, 0x04, 0x03 };
static const uint8_t oid_email[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
	0x09, 0x01 };

/* Hold each attribute of one type. */
static bool
each_attr(const struct charter_act *a, struct bytes oid,
    bool (*check)(const struct charter_act *a, struct bytes value,
	struct error *e),
    struct error *e)
{
	struct dn dn;

	if (!dn_parse(a->subject, &dn))
		return refuse(a, e, "subject", "cannot be read");
	for (size_t i = 0; i < dn.n; i++)
		if (bytes_eq(dn.v[i].oid, oid) && !check(a, dn.v[i].value, e))
			return false;
	return true;
}

static bool
check_email_attr(const struct charter_act *a, struct bytes value,
    struct error *e)
{
	return name_allowed(a->c, NAME_EMAIL, value) ||
	    refuse(a, e, "subject.emailAddress",
		"= %s is not within names.email", quote(value).text);
}

bool
rule_names_email(const struct charter_act *a, struct error *e)
{
	return each_attr(a, bytes_of(oid_email, sizeof(oid_email)),
	    check_email_attr, e);
}

/* A dot or a colon, and neither a space nor an at sign: "broker.example", "10.1.2.3",
 * "fd00::1", but not "Acme Issuing CA v1.2". */
static bool
looks_like_host(struct bytes cn)
{
	return cn.n > 0 &&
	    (memchr(cn.p, '.', cn.n) != NULL ||
		memchr(cn.p, ':', cn.n) != NULL) &&
	    memchr(cn.p, ' ', cn.n) == NULL && memchr(cn.p, '@', cn.n) == NULL;
}

static bool
cn_is_allowed_address(const struct charter_act *a, struct bytes cn)
{
	auto_buf struct buf text = { 0 };
	struct cidr c;

	buf_add_bytes(&text, cn);
	buf_add_str(&text, memchr(cn.p, ':', cn.n) != NULL ? "/128" : "/32");
	return memchr(cn.p, 0, cn.n) == NULL &&
	    charter_cidr_parse(buf_cstr(&text), &c) && ip_allowed(a->c, &c);
}

static bool
is_address(struct bytes cn)
{
	/* RFC 1123 2.1: a host's last label is not all digits. */
	size_t digits = 0;

	while (digits < cn.n && cn.p[cn.n - 1 - digits] >= '0' &&
	    cn.p[cn.n - 1 - digits] <= '9')
		digits++;
	return memchr(cn.p, ':', cn.n) != NULL ||
	    (digits > 0 && digits < cn.n && cn.p[cn.n - 1 - digits] == '.');
}

static bool
check_cn(const struct charter_act *a, struct bytes cn, struct error *e)
{
	bool ok;

	if (!looks_like_host(cn))
		return true;
	if (is_address(cn))
		ok = cn_is_allowed_address(a, cn);
	else if (is_wildcard(cn))
		ok = a->c->l.names.wildcards && wildcard_allowed(a->c, cn);
	else
		ok = name_allowed(a->c, NAME_DNS, cn);
	return ok ||
	    refuse(a, e, "subject.commonName",
		"= %s looks like a host and is not within names.dns or "
		"names.ip",
		quote(cn).text);
}

/* RFC 6125 6.4.4: clients that find no subjectAltName fall back to the common name. */
bool
rule_names_cn(const struct charter_act *a, struct error *e)
{
	if (a->tbs != NULL && !act_server_auth(a))
		return true;
	return each_attr(a, bytes_of(oid_cn, sizeof(oid_cn)), check_cn, e);
}
