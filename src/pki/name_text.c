/* SPDX-License-Identifier: Apache-2.0 */

/* Distinguished names as text (RFC 4514), both ways. */
#include <stdio.h>
#include <stdlib.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "name_attr.h"

/* ---- DER to text ---- */

/* What a person cannot see, or what would reorder the text around it (bidi
 * controls): shown as octets, so that a name reads as what it is. */
static bool
invisible(struct bytes v, size_t *octets)
{
	static const char *const ranges[][2] = {
		{ "\xc2\x80", "\xc2\xa0" },         /* C1, no-break space  */
		{ "\xc2\xad", "\xc2\xad" },         /* soft hyphen         */
		{ "\xd8\x9c", "\xd8\x9c" },         /* Arabic letter mark  */
		{ "\xe2\x80\x80", "\xe2\x80\x8f" }, /* spaces, joiners     */
		{ "\xe2\x80\xa8", "\xe2\x80\xaf" }, /* separators, bidi    */
		{ "\xe2\x81\x9f", "\xe2\x81\xaf" }, /* isolates            */
		{ "\xe3\x80\x80", "\xe3\x80\x80" }, /* ideographic space   */
		{ "\xef\xbb\xbf", "\xef\xbb\xbf" }, /* byte order mark     */
	};

	*octets = 1;
	if (v.p[0] < 0x80)
		return v.p[0] < 0x20 || v.p[0] == 0x7f;
	for (size_t i = 0; i < countof(ranges); i++) {
		size_t n = strlen(ranges[i][0]);

		if (v.n >= n && memcmp(v.p, ranges[i][0], n) >= 0 &&
		    memcmp(v.p, ranges[i][1], n) <= 0) {
			*octets = n;
			return true;
		}
	}
	return false;
}

/* RFC 4514 2.4. */
static bool
needs_backslash(struct bytes v, size_t at)
{
	uint8_t c = v.p[at];

	if (strchr("\"+,;<>\\", c) != NULL)
		return true;
	return (at == 0 && (c == '#' || c == ' ')) ||
	    (at == v.n - 1 && c == ' ');
}

static void
add_value(struct bytes v, struct buf *text)
{
	for (size_t i = 0; i < v.n;) {
		size_t octets;

		if (invisible(bytes_of(v.p + i, v.n - i), &octets)) {
			for (; octets > 0; octets--)
				buf_addf(text, "\\%02X", v.p[i++]);
			continue;
		}
		if (needs_backslash(v, i))
			buf_add_byte(text, '\\');
		buf_add_byte(text, v.p[i++]);
	}
}

static void
add_ava(const struct ava *a, struct buf *text)
{
	auto_buf struct buf utf8 = { 0 };

	name_type_text(a->oid, text);
	buf_add_byte(text, '=');
	if (name_attr_by_oid(a->oid) != NULL &&
	    name_value_utf8(a->tag, a->value, &utf8)) {
		add_value(buf_bytes(&utf8), text);
		return;
	}
	/* RFC 4514 2.4: a type without a name takes its value in BER. */
	buf_add_byte(text, '#');
	buf_add_hex(text, a->whole);
}

bool
name_format(struct bytes der, struct buf *text, struct error *e)
{
	struct ava avas[LIMIT_NAME_ATTRIBUTES];
	struct name_walk w;
	size_t n = 0, first;

	if (!name_check(der, e))
		return false;
	name_walk_init(&w, der);
	while (name_walk_next(&w, &avas[n]))
		if (++n == countof(avas))
			break;
	/* Text has the last RDN first; inside one the order stays. */
	for (size_t end = n; end > 0; end = first) {
		for (first = end - 1; first > 0; first--)
			if (avas[first - 1].rdn != avas[end - 1].rdn)
				break;
		for (size_t i = first; i < end; i++) {
			if (i > first || end < n)
				buf_add_byte(text, i > first ? '+' : ',');
			add_ava(&avas[i], text);
		}
	}
	return true;
}

/* ---- text to DER ---- */

struct parser {
	const char *at;
	unsigned position; /* of the attribute, from 1, as written   */
	char type[64];     /* for errors                             */
	struct error *e;
};

static bool
bad(struct parser *p, const char *what)
{
	return error_set(p->e, FAIL_BAD_INPUT, "name: attribute %u%s%s%s: %s",
	    p->position, p->type[0] != '\0' ? " (" : "", p->type,
	    p->type[0] != '\0' ? ")" : "", what);
}

static void
skip_space(struct parser *p)
{
	while (*p->at == ' ')
		p->at++;
}

static bool
is_type_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* Known by name or number, or any other number (RFC 4512 1.4 numericoid). */
static bool
parse_type(struct parser *p)
{
	size_t n = 0;

	p->position++;
	p->type[0] = '\0';
	skip_space(p);
	while (is_type_char(p->at[n]))
		n++;
	if (n == 0 || n >= sizeof(p->type))
		return bad(p, "no attribute type before '='");
	memcpy(p->type, p->at, n);
	p->type[n] = '\0';
	p->at += n;
	skip_space(p);
	if (*p->at != '=')
		return bad(p, "no '=' after the attribute type");
	p->at++;
	skip_space(p);
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After a backslash: RFC 4514 3, pair = ESC ( ESC / special / hexpair ). */
static bool
parse_pair(struct parser *p, struct buf *out)
{
	int high = hex_digit(p->at[0]);
	int low = high < 0 ? -1 : hex_digit(p->at[1]);

	if (low >= 0) {
		buf_add_byte(out, (uint8_t)(high << 4 | low));
		p->at += 2;
		return true;
	}
	if (*p->at == '\0' || strchr("\"+,;<>\\ #=", *p->at) == NULL)
		return bad(p,
		    "'\\' stands before neither a special character "
		    "nor two hex digits");
	buf_add_byte(out, (uint8_t)*p->at++);
	return true;
}

/* "…" as in RFC 2253 section 4, which people still write. */
static bool
parse_quoted(struct parser *p, struct buf *out)
{
	for (p->at++; *p->at != '"';) {
		if (*p->at == '\0')
			return bad(p, "quote without end");
		if (*p->at == '\\') {
			p->at++;
			if (!parse_pair(p, out))
				return false;
		} else {
			buf_add_byte(out, (uint8_t)*p->at++);
		}
	}
	p->at++;
	return true;
}

static bool
parse_plain(struct parser *p, struct buf *out)
{
	size_t keep = out->n; /* up to the last that is no bare space */

	for (; *p->at != '\0' && *p->at != ',' && *p->at != '+';) {
		if (*p->at == '\\') {
			p->at++;
			if (!parse_pair(p, out))
				return false;
			keep = out->n;
			continue;
		}
		if (strchr("\";<>", *p->at) != NULL)
			return bad(p,
			    "a character out of \" ; < > that has no "
			    "'\\' before it");
		buf_add_byte(out, (uint8_t)*p->at);
		if (*p->at++ != ' ')
			keep = out->n;
	}
	out->n = keep;
	return true;
}

/* #hex: the value in DER, one string. */
static bool
parse_hex(struct parser *p, struct buf *out)
{
	struct der_reader r;
	struct bytes v;
	uint8_t tag = 0;
	auto_buf struct buf utf8 = { 0 };
	size_t n = strspn(++p->at, "0123456789abcdefABCDEF");

	if (n == 0 || !hex_decode(p->at, n, out))
		return bad(p, "no octets in hex after '#'");
	p->at += n;
	der_r_init(&r, buf_bytes(out));
	v = der_r_any(&r, &tag);
	if (!der_r_done(&r))
		return bad(p, "the octets after '#' are not one DER element");
	der_r_init(&r, v);
	if (!name_value_utf8(tag, der_r_get(&r, tag), &utf8))
		return bad(p, "the DER after '#' is not a string");
	return true;
}

static size_t
characters(struct bytes utf8)
{
	size_t n = 0;

	for (size_t i = 0; i < utf8.n; i++)
		n += (utf8.p[i] & 0xc0) != 0x80;
	return n;
}

static bool
check_value(struct parser *p, const struct name_attr *attr, struct bytes v)
{
	auto_buf struct buf utf8 = { 0 };
	char what[96];

	if (v.n == 0)
		return bad(p, "empty value");
	if (!utf8_valid(v))
		return bad(p, "not UTF-8, or holds a NUL");
	if (!name_value_utf8(attr->tag, v, &utf8))
		return bad(p,
		    attr->tag == DER_IA5_STRING
			? "may only hold ASCII (IA5String)"
			: "may only hold letters, digits and ' ( ) + , - . / : "
			  "= ? "
			  "(PrintableString)");
	if (characters(v) >= attr->min && characters(v) <= attr->max)
		return true;
	if (attr->min == attr->max)
		(void)snprintf(what, sizeof(what), "%zu characters, must be %u",
		    characters(v), attr->max);
	else
		(void)snprintf(what, sizeof(what),
		    "%zu characters, at most %u (RFC 5280 upper bounds)",
		    characters(v), attr->max);
	return bad(p, what);
}

/* Dotted text that der_w_oid may be given. */
static bool
is_dotted(const char *text)
{
	char arc[16];
	uint64_t v, first = 0;
	unsigned arcs = 0;

	for (;; text++) {
		size_t n = strcspn(text, ".");

		if (n == 0 || n >= sizeof(arc))
			return false;
		memcpy(arc, text, n);
		arc[n] = '\0';
		if (!parse_u64(arc, 0, UINT32_MAX, &v) ||
		    (arcs == 0 && v > 2) || (arcs == 1 && first < 2 && v > 39))
			return false;
		first = arcs++ == 0 ? v : first;
		text += n;
		if (*text == '\0')
			return arcs >= 2;
	}
}

static bool
parse_value(struct parser *p, const struct name_attr *attr,
    struct der_writer *w)
{
	auto_buf struct buf value = { 0 };
	bool hex = *p->at == '#', quoted = *p->at == '"';

	if (!(hex            ? parse_hex(p, &value)
		    : quoted ? parse_quoted(p, &value)
			     : parse_plain(p, &value)))
		return false;
	skip_space(p);
	if (*p->at != '\0' && *p->at != ',' && *p->at != '+')
		return bad(p, "',' or '+' is missing after the value");
	if (hex) {
		der_w_raw(w, buf_bytes(&value));
		return true;
	}
	if (attr == NULL)
		return bad(p, "a type given by number needs its value as #hex");
	if (!check_value(p, attr, buf_bytes(&value)))
		return false;
	der_w_tlv(w, attr->tag, buf_bytes(&value));
	return true;
}

static bool
parse_ava(struct parser *p, struct buf *der)
{
	auto_der_writer struct der_writer w = { 0 };
	const struct name_attr *attr;

	der_w_init(&w, 128);
	if (!parse_type(p))
		return false;
	attr = name_attr_by_name(bytes_str(p->type));
	if (attr == NULL && !is_dotted(p->type))
		return bad(p, "unknown attribute type");
	if (!parse_value(p, attr, &w))
		return false;
	if (attr != NULL)
		der_w_tlv(&w, DER_OID, attr->oid);
	else
		der_w_oid(&w, p->type);
	der_w_wrap(&w, DER_SEQUENCE, 0);
	buf_add_bytes(der, der_w_bytes(&w));
	return true;
}

static int
descending(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;

	return bytes_cmp(buf_bytes(y), buf_bytes(x));
}

/* One RDN, '+' between its attributes, written before what is there. */
static bool
parse_rdn(struct parser *p, struct der_writer *w)
{
	struct buf avas[RDN_TYPES_MAX] = { 0 };
	size_t n = 0, mark = der_w_mark(w);
	bool ok;

	do {
		ok = n < countof(avas) ? parse_ava(p, &avas[n])
				       : bad(p, "too many in one RDN");
		n += ok;
	} while (ok && *p->at == '+' && p->at++ != NULL);
	if (ok) {
		qsort(avas, n, sizeof(avas[0]), descending);
		for (size_t i = 0; i < n; i++)
			der_w_raw(w, buf_bytes(&avas[i]));
		der_w_wrap(w, DER_SET, mark);
	}
	for (size_t i = 0; i < countof(avas); i++)
		buf_free(&avas[i]);
	return ok;
}

/* X.501 9.3; what others encode may break it (name_check), what we write does not. */
static bool
types_distinct(struct bytes der, struct error *e)
{
	struct name_walk w, again;
	struct ava a, b;

	name_walk_init(&w, der);
	while (name_walk_next(&w, &a)) {
		again = w;
		while (name_walk_next(&again, &b) && b.rdn == a.rdn)
			if (bytes_eq(a.oid, b.oid))
				return error_set(e, FAIL_BAD_INPUT,
				    "name: RDN %u: an attribute type stands "
				    "twice",
				    a.rdn);
	}
	return true;
}

bool
name_parse(const char *text, struct buf *der, struct error *e)
{
	struct parser p = { .at = text, .e = e };
	auto_der_writer struct der_writer w = { 0 };

	der_w_init(&w, 256);
	skip_space(&p);
	while (*p.at != '\0') {
		if (!parse_rdn(&p, &w))
			return false;
		if (*p.at == ',' && *++p.at == '\0')
			return bad(&p, "nothing after ','");
	}
	der_w_wrap(&w, DER_SEQUENCE, 0);
	/* What is left: too many attributes, one type twice in an RDN. */
	if (!name_check(der_w_bytes(&w), e) ||
	    !types_distinct(der_w_bytes(&w), e))
		return false;
	buf_add_bytes(der, der_w_bytes(&w));
	return true;
}
