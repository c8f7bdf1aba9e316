/* SPDX-License-Identifier: Apache-2.0 */

#include <chancery/pki/der.h>

#include <chancery/base/clock.h>

void
der_r_init(struct der_reader *r, struct bytes in)
{
	*r = (struct der_reader){ .rest = in };
}

int
der_r_peek(const struct der_reader *r)
{
	return r->failed || r->rest.n == 0 ? -1 : r->rest.p[0];
}

static struct bytes
fail(struct der_reader *r)
{
	r->failed = true;
	return bytes_of(NULL, 0);
}

/* Tag and length: header octets, 0 when malformed. X.690 10.1: the shortest
 * definite form; high tag numbers do not occur in what we read. */
static size_t
header(struct bytes in, size_t *content)
{
	size_t octets, len = 0;

	if (in.n < 2 || (in.p[0] & 0x1f) == 0x1f)
		return 0;
	if (in.p[1] < 0x80) {
		*content = in.p[1];
		return *content <= in.n - 2 ? 2 : 0;
	}
	octets = in.p[1] & 0x7f;
	if (octets == 0 || octets > sizeof(len) || octets > in.n - 2)
		return 0;
	for (size_t i = 0; i < octets; i++)
		len = len << 8 | in.p[2 + i];
	if (len < 0x80 || in.p[2] == 0 || len > in.n - 2 - octets)
		return 0;
	*content = len;
	return 2 + octets;
}

static struct bytes
next(struct der_reader *r, uint8_t *tag, size_t *head)
{
	size_t len = 0, h = r->failed ? 0 : header(r->rest, &len);
	struct bytes whole;

	if (h == 0)
		return fail(r);
	whole = bytes_of(r->rest.p, h + len);
	*tag = whole.p[0];
	*head = h;
	r->rest = bytes_of(r->rest.p + whole.n, r->rest.n - whole.n);
	return whole;
}

struct bytes
der_r_any(struct der_reader *r, uint8_t *tag)
{
	size_t head;
	uint8_t t;
	struct bytes whole = next(r, &t, &head);

	if (!r->failed)
		*tag = t;
	return whole;
}

struct bytes
der_r_get(struct der_reader *r, uint8_t tag)
{
	size_t head;
	uint8_t t;
	struct bytes whole;

	if (der_r_peek(r) != tag)
		return fail(r);
	whole = next(r, &t, &head);
	return r->failed ? whole : bytes_of(whole.p + head, whole.n - head);
}

bool
der_r_bool(struct der_reader *r)
{
	struct bytes v = der_r_get(r, DER_BOOLEAN);

	/* X.690 11.1: TRUE is all ones. */
	if (r->failed || v.n != 1 || (v.p[0] != 0 && v.p[0] != 0xff)) {
		r->failed = true;
		return false;
	}
	return v.p[0] == 0xff;
}

/* X.690 8.3.2: the first nine bits are neither all zeros nor all ones. */
static bool
integer_minimal(struct bytes v)
{
	if (v.n == 0)
		return false;
	if (v.n == 1)
		return true;
	return !(v.p[0] == 0x00 && v.p[1] < 0x80) &&
	    !(v.p[0] == 0xff && v.p[1] >= 0x80);
}

struct bytes
der_r_integer(struct der_reader *r)
{
	struct bytes v = der_r_get(r, DER_INTEGER);

	return r->failed || !integer_minimal(v) ? fail(r) : v;
}

uint64_t
der_r_uint(struct der_reader *r)
{
	struct bytes v = der_r_integer(r);
	uint64_t out = 0;

	if (r->failed || (v.p[0] & 0x80) != 0 || v.n > 9 ||
	    (v.n == 9 && v.p[0] != 0)) {
		(void)fail(r);
		return 0;
	}
	for (size_t i = 0; i < v.n; i++)
		out = out << 8 | v.p[i];
	return out;
}

struct bytes
der_r_bit_string(struct der_reader *r)
{
	struct bytes v = der_r_get(r, DER_BIT_STRING);

	if (r->failed || v.n == 0 || v.p[0] != 0)
		return fail(r);
	return bytes_of(v.p + 1, v.n - 1);
}

static int
digits(const uint8_t *p, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

/* RFC 5280 4.1.2.5.1 and .2: seconds, Z, no fraction. */
static bool
time_value(struct bytes v, bool generalized, int64_t *t_s)
{
	size_t year = generalized ? 4 : 2;
	int f[6];

	if (v.n != year + 11 || v.p[v.n - 1] != 'Z')
		return false;
	f[0] = digits(v.p, year);
	for (size_t i = 1; i < countof(f); i++)
		f[i] = digits(v.p + year + 2 * (i - 1), 2);
	for (size_t i = 0; i < countof(f); i++)
		if (f[i] < 0)
			return false;
	if (!generalized)
		f[0] += f[0] < 50 ? 2000 : 1900;
	return f[0] >= 1970 &&
	    time_from_civil(f[0], f[1], f[2], f[3], f[4], f[5], t_s);
}

int64_t
der_r_time(struct der_reader *r)
{
	bool generalized = der_r_peek(r) == DER_GENERALIZED_TIME;
	struct bytes v =
	    der_r_get(r, generalized ? DER_GENERALIZED_TIME : DER_UTC_TIME);
	int64_t t_s = 0;

	if (r->failed || !time_value(v, generalized, &t_s)) {
		(void)fail(r);
		return 0;
	}
	return t_s;
}

/* One base-128 arc from in[*at]; false when cut, padded or above 64 bits. */
static bool
oid_arc(struct bytes in, size_t *at, uint64_t *arc)
{
	uint64_t v = 0;

	if (*at >= in.n || in.p[*at] == 0x80)
		return false;
	for (;;) {
		if (*at >= in.n || v >> 57 != 0)
			return false;
		v = v << 7 | (in.p[*at] & 0x7f);
		if ((in.p[(*at)++] & 0x80) == 0)
			break;
	}
	*arc = v;
	return true;
}

static size_t
decimal(uint64_t v, char out[20])
{
	char tmp[20];
	size_t n = 0;

	do {
		tmp[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	for (size_t i = 0; i < n; i++)
		out[i] = tmp[n - 1 - i];
	return n;
}

static bool
put_arc(char *out, size_t size, size_t *n, uint64_t arc)
{
	char text[20];
	size_t len = decimal(arc, text), dot = *n > 0 ? 1 : 0;

	if (dot + len >= size - *n)
		return false;
	if (dot > 0)
		out[(*n)++] = '.';
	memcpy(out + *n, text, len);
	*n += len;
	return true;
}

bool
der_oid_text(struct bytes content, char *out, size_t size)
{
	size_t at = 0, n = 0;
	uint64_t arc, top;

	if (size == 0 || !oid_arc(content, &at, &arc))
		return false;
	top = arc < 40 ? 0 : arc < 80 ? 1 : 2;
	if (!put_arc(out, size, &n, top) ||
	    !put_arc(out, size, &n, arc - top * 40))
		return false;
	while (at < content.n)
		if (!oid_arc(content, &at, &arc) ||
		    !put_arc(out, size, &n, arc))
			return false;
	out[n] = '\0';
	return true;
}

bool
der_r_done(const struct der_reader *r)
{
	return !r->failed && r->rest.n == 0;
}

static const char *
check_bit_string(struct bytes v)
{
	if (v.n == 0 || v.p[0] > 7 || (v.n == 1 && v.p[0] != 0))
		return "BIT STRING with a wrong count of unused bits";
	if (v.n > 1 && (v.p[v.n - 1] & ((1u << v.p[0]) - 1)) != 0)
		return "BIT STRING with unused bits set";
	return NULL;
}

static const char *
check_oid(struct bytes v)
{
	uint64_t arc;

	if (v.n == 0)
		return "empty OBJECT IDENTIFIER";
	for (size_t at = 0; at < v.n;)
		if (!oid_arc(v, &at, &arc))
			return "OBJECT IDENTIFIER with a malformed arc";
	return NULL;
}

/* What X.690 11.1 to 11.2 and 8.3 say of the types that occur. */
static const char *
check_primitive(uint8_t tag, struct bytes v)
{
	if (tag == DER_BOOLEAN && (v.n != 1 || (v.p[0] != 0 && v.p[0] != 0xff)))
		return "BOOLEAN that is not 0x00 or 0xff";
	if ((tag == DER_INTEGER || tag == DER_ENUMERATED) &&
	    !integer_minimal(v))
		return "INTEGER that is not minimal";
	if (tag == DER_NULL && v.n != 0)
		return "NULL with contents";
	if (tag == DER_BIT_STRING)
		return check_bit_string(v);
	return tag == DER_OID ? check_oid(v) : NULL;
}

/* X.690 11.6: the encodings of a SET OF ascend, shorter ones padded with zero
 * octets for the comparison (which plain order by octets agrees with, as no
 * encoding is a prefix of another). */
static const char *
check_set(struct bytes v)
{
	struct der_reader r;
	struct bytes last = { NULL, 0 }, el;
	uint8_t tag;

	der_r_init(&r, v);
	while (der_r_peek(&r) >= 0) {
		el = der_r_any(&r, &tag);
		if (r.failed)
			return "malformed length";
		if (last.n > 0 && bytes_cmp(last, el) > 0)
			return "SET OF that is not sorted";
		last = el;
	}
	return NULL;
}

static const char *
check_element(uint8_t tag, struct bytes v)
{
	bool constructed = (tag & 0x20) != 0, universal = (tag & 0xc0) == 0;

	if (tag == 0)
		return "end-of-contents octets";
	if (universal && constructed != ((tag & 0x1e) == 0x10))
		return "string or number in constructed form, or the reverse";
	if (!constructed)
		return check_primitive(tag, v);
	return tag == DER_SET ? check_set(v) : NULL;
}

/* Without a stack: what is constructed is entered by skipping its header, and
 * ends[] says where each open element must close. */
bool
der_check(struct bytes in, struct error *e)
{
	enum {
		DEPTH_MAX = 32
	};
	size_t ends[DEPTH_MAX], depth = 0, at = 0, head, len = 0;
	const char *wrong;

	ends[0] = in.n;
	while (at < in.n) {
		head = header(bytes_of(in.p + at, ends[depth] - at), &len);
		wrong = head == 0
		    ? "malformed tag or length"
		    : check_element(in.p[at], bytes_of(in.p + at + head, len));
		if (wrong != NULL)
			return error_set(e, FAIL_BAD_INPUT,
			    "not DER at offset %zu: %s", at, wrong);
		at += head;
		if ((in.p[at - head] & 0x20) == 0)
			at += len;
		else if (++depth < DEPTH_MAX)
			ends[depth] = at + len;
		else
			return error_set(e, FAIL_BAD_INPUT,
			    "not DER at offset %zu: nested too deep", at);
		while (depth > 0 && at == ends[depth])
			depth--;
	}
	return true;
}
