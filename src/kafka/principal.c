/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/kafka/principal.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

/* What sun.security.x509.AVAKeyword marks as RFC 2253's. */
static const struct {
	const char *oid, *keyword;
} keywords[] = {
	{ "2.5.4.3", "CN" },
	{ "2.5.4.6", "C" },
	{ "2.5.4.7", "L" },
	{ "2.5.4.8", "ST" },
	{ "2.5.4.9", "STREET" },
	{ "2.5.4.10", "O" },
	{ "2.5.4.11", "OU" },
	{ "0.9.2342.19200300.100.1.1", "UID" },
	{ "0.9.2342.19200300.100.1.25", "DC" },
};

static const char *
keyword_of(const char *oid)
{
	for (size_t i = 0; i < countof(keywords); i++)
		if (strcmp(keywords[i].oid, oid) == 0)
			return keywords[i].keyword;
	return NULL;
}

static void
add_value(struct bytes v, struct buf *out)
{
	size_t lead = 0, trail = v.n;

	while (lead < v.n && (v.p[lead] == ' ' || v.p[lead] == '\r'))
		lead++;
	while (
	    trail > lead && (v.p[trail - 1] == ' ' || v.p[trail - 1] == '\r'))
		trail--;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\0') {
			buf_add_str(out, "\\00");
			continue;
		}
		if (i < lead || i >= trail ||
		    memchr(",=+<>#;\"\\", v.p[i], 9) != NULL)
			buf_add_byte(out, '\\');
		buf_add_byte(out, v.p[i]);
	}
}

/* Java decodes the octets of these as UTF-8, whatever the type says: a BMPString comes out with
 * a \00 before each letter. */
static bool
is_java_string(uint8_t tag)
{
	static const uint8_t tags[] = {
		DER_UTF8_STRING, DER_PRINTABLE_STRING, DER_IA5_STRING,
		DER_BMP_STRING, 0x14 /* TeletexString */,
		0x1b /* GeneralString */, 0x1c /* UniversalString */
	};

	return memchr(tags, tag, sizeof(tags)) != NULL;
}

static bool
is_utf8_with_nul(struct bytes v)
{
	auto_buf struct buf solid = { 0 };

	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != '\0')
			buf_add_byte(&solid, v.p[i]);
	return utf8_valid(buf_bytes(&solid));
}

/* AttributeTypeAndValue, whole. */
static bool
add_ava(struct bytes ava, struct buf *out, struct error *e)
{
	struct der_reader r, in, inside;
	struct bytes oid, value;
	const char *keyword;
	char text[128];
	uint8_t tag;

	der_r_init(&r, ava);
	der_r_init(&in, der_r_get(&r, DER_SEQUENCE));
	oid = der_r_get(&in, DER_OID);
	value = der_r_any(&in, &tag);
	if (!der_r_done(&in) || !der_oid_text(oid, text, sizeof(text)))
		return error_set(e, FAIL_BAD_INPUT, "malformed name");
	keyword = keyword_of(text);
	buf_addf(out, "%s=", keyword != NULL ? keyword : text);
	if (keyword == NULL || !is_java_string(tag)) {
		buf_add_byte(out, '#');
		buf_add_hex(out, value);
		return true;
	}
	der_r_init(&inside, value);
	value = der_r_get(&inside, tag);
	if (!is_utf8_with_nul(value))
		return error_set(e, FAIL_UNSUPPORTED,
		    "%s is in a string type whose octets Java misreads; have "
		    "it issued as UTF8String",
		    keyword);
	add_value(value, out);
	return true;
}

struct avas {
	struct {
		struct bytes der;
		unsigned rdn;
	} v[LIMIT_NAME_ATTRIBUTES];
	size_t n;
};

static bool
collect(struct bytes name, struct avas *a)
{
	struct der_reader r, rdns, set;
	uint8_t tag;

	der_r_init(&r, name);
	der_r_init(&rdns, der_r_get(&r, DER_SEQUENCE));
	for (unsigned rdn = 0; der_r_peek(&rdns) >= 0; rdn++) {
		der_r_init(&set, der_r_get(&rdns, DER_SET));
		while (der_r_peek(&set) >= 0) {
			struct bytes ava = der_r_any(&set, &tag);

			if (a->n == LIMIT_NAME_ATTRIBUTES || set.failed)
				return false;
			a->v[a->n].der = ava;
			a->v[a->n++].rdn = rdn;
		}
	}
	return !rdns.failed;
}

bool
kafka_principal(struct bytes name, struct buf *out, struct error *e)
{
	auto_buf struct buf text = { 0 };
	auto_mem struct avas *a = mem_calloc(1, sizeof(*a));

	if (!name_check(name, e))
		return false;
	if (!collect(name, a))
		return error_set(e, FAIL_BAD_INPUT, "malformed name");
	for (size_t end = a->n; end > 0;) {
		size_t first = end - 1;

		while (first > 0 && a->v[first - 1].rdn == a->v[first].rdn)
			first--;
		for (size_t i = first; i < end; i++) {
			if (text.n > 0)
				buf_add_byte(&text, i == first ? ',' : '+');
			if (!add_ava(a->v[i].der, &text, e))
				return false;
		}
		end = first;
	}
	buf_add_bytes(out, buf_bytes(&text));
	return true;
}

/* ---- mapping ----------------------------------------------------------------- */

/* `text` as a Java regular expression that matches it alone. The rule ends at '/', and rules
 * are split at ',': Kafka's parser takes both when they are escaped, as here. */
static void
add_quoted(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		if (strchr("\\^$.|?*+()[]{}/", *text) != NULL)
			buf_add_byte(out, '\\');
		buf_add_byte(out, (uint8_t)*text);
	}
}

void
kafka_cn_rule(const char *rest, struct buf *out)
{
	buf_add_str(out, "RULE:^CN=([a-zA-Z0-9._-]+)");
	if (rest == NULL) {
		buf_add_str(out, "(?:,.*)?$/$1/");
		return;
	}
	buf_add_byte(out, ',');
	add_quoted(rest, out);
	buf_add_str(out, "$/$1/");
}

bool
kafka_cn_rule_apply(const char *rest, const char *principal, struct buf *out)
{
	const char *cn = principal + 3, *end = cn;

	if (strncmp(principal, "CN=", 3) != 0)
		return false;
	while (isalnum((unsigned char)*end) ||
	    (*end != '\0' && strchr("._-", *end) != NULL))
		end++;
	if (end == cn || (*end != ',' && *end != '\0'))
		return false;
	if (rest != NULL && (*end != ',' || strcmp(end + 1, rest) != 0))
		return false;
	/* "." matches no line terminator. */
	if (strpbrk(end, "\n\r") != NULL)
		return false;
	buf_add(out, cn, (size_t)(end - cn));
	return true;
}
