/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/text.h>

static const char hex_digits[] = "0123456789abcdef";

void
hex_encode(struct bytes in, char *out)
{
	size_t i;

	for (i = 0; i < in.n; i++) {
		out[2 * i] = hex_digits[in.p[i] >> 4];
		out[2 * i + 1] = hex_digits[in.p[i] & 15];
	}
	out[2 * in.n] = '\0';
}

void
buf_add_hex(struct buf *b, struct bytes in)
{
	hex_encode(in, (char *)buf_reserve(b, 2 * in.n + 1));
	buf_commit(b, 2 * in.n);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
hex_to(const char *text, size_t n, uint8_t *out)
{
	size_t i;
	int hi, lo;

	for (i = 0; i < n; i += 2) {
		hi = hex_value(text[i]);
		lo = hex_value(text[i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

bool
hex_decode(const char *text, size_t n, struct buf *out)
{
	if (n % 2 != 0 || !hex_to(text, n, buf_reserve(out, n / 2)))
		return false;
	buf_commit(out, n / 2);
	return true;
}

bool
hex_decode_fixed(const char *text, uint8_t *out, size_t len)
{
	return strlen(text) == 2 * len && hex_to(text, 2 * len, out);
}

static const char b64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
buf_add_base64(struct buf *b, struct bytes in)
{
	size_t n = (in.n + 2) / 3 * 4, i;
	uint8_t *out = buf_reserve(b, n);

	for (i = 0; i + 2 < in.n; i += 3, out += 4) {
		out[0] = (uint8_t)b64_digits[in.p[i] >> 2];
		out[1] =
		    (uint8_t)b64_digits[(in.p[i] & 3) << 4 | in.p[i + 1] >> 4];
		out[2] = (uint8_t)
		    b64_digits[(in.p[i + 1] & 15) << 2 | in.p[i + 2] >> 6];
		out[3] = (uint8_t)b64_digits[in.p[i + 2] & 63];
	}
	if (i < in.n) {
		uint8_t c1 = i + 1 < in.n ? in.p[i + 1] : 0;

		out[0] = (uint8_t)b64_digits[in.p[i] >> 2];
		out[1] = (uint8_t)b64_digits[(in.p[i] & 3) << 4 | c1 >> 4];
		out[2] =
		    i + 1 < in.n ? (uint8_t)b64_digits[(c1 & 15) << 2] : '=';
		out[3] = '=';
	}
	buf_commit(b, n);
}

/* 0xff: not a digit. Built once by hand so that decoding is one load. */
static uint8_t
b64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	if (c == '+')
		return 62;
	return c == '/' ? 63 : 0xff;
}

static bool
b64_tail(const char *t, struct buf *out)
{
	uint8_t a = b64_value(t[0]), b = b64_value(t[1]);
	uint8_t c = t[2] == '=' ? 0 : b64_value(t[2]);

	if (t[3] != '=' || a == 0xff || b == 0xff || c == 0xff)
		return false;
	/* RFC 4648 3.5: the bits that fall off must be zero. */
	if ((t[2] == '=' && (b & 15) != 0) || (t[2] != '=' && (c & 3) != 0))
		return false;
	buf_add_byte(out, (uint8_t)(a << 2 | b >> 4));
	if (t[2] != '=')
		buf_add_byte(out, (uint8_t)((b & 15) << 4 | c >> 2));
	return true;
}

bool
base64_decode(const char *t, size_t n, struct buf *out)
{
	size_t whole = n, i, before = out->n;
	uint8_t a, b, c, d, *p;

	if (n % 4 != 0)
		return false;
	if (n > 0 && t[n - 1] == '=')
		whole = n - 4;
	p = buf_reserve(out, n / 4 * 3);
	for (i = 0; i < whole; i += 4, p += 3) {
		a = b64_value(t[i]);
		b = b64_value(t[i + 1]);
		c = b64_value(t[i + 2]);
		d = b64_value(t[i + 3]);
		if ((a | b | c | d) & 0xc0)
			return false;
		p[0] = (uint8_t)(a << 2 | b >> 4);
		p[1] = (uint8_t)((b & 15) << 4 | c >> 2);
		p[2] = (uint8_t)((c & 3) << 6 | d);
	}
	buf_commit(out, whole / 4 * 3);
	if (whole < n && !b64_tail(t + whole, out)) {
		out->n = before;
		return false;
	}
	return true;
}

void
buf_add_hex_groups(struct buf *b, struct bytes in)
{
	size_t i;

	for (i = 0; i < in.n; i += 2) {
		if (i > 0)
			buf_add_byte(b, ' ');
		buf_add_hex(b, bytes_of(in.p + i, in.n - i < 2 ? 1 : 2));
	}
}

/* Length of the well-formed UTF-8 sequence at p (Unicode table 3-7), or 0. */
static size_t
utf8_len(const uint8_t *p, size_t n)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t want, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n < want)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	if (p[0] == 0xed)
		hi = 0x9f;
	if (p[0] == 0xf0)
		lo = 0x90;
	if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

bool
utf8_valid(struct bytes in)
{
	size_t i, k;

	for (i = 0; i < in.n; i += k) {
		k = utf8_len(in.p + i, in.n - i);
		if (k == 0 || in.p[i] == 0)
			return false;
	}
	return true;
}

void
buf_add_escaped(struct buf *b, struct bytes in)
{
	size_t i, k;

	for (i = 0; i < in.n; i += k) {
		k = utf8_len(in.p + i, in.n - i);
		/* C1 controls drive terminals too. */
		if (k == 0 || in.p[i] < 0x20 || in.p[i] == 0x7f ||
		    in.p[i] == '\\' ||
		    (in.p[i] == 0xc2 && in.p[i + 1] < 0xa0)) {
			buf_addf(b, "\\x%02x", in.p[i]);
			k = 1;
			continue;
		}
		buf_add(b, in.p + i, k);
	}
}

bool
parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	const char *p;

	if (*s == '\0' || (s[0] == '0' && s[1] != '\0'))
		return false;
	for (p = s; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' ||
		    __builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	}
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

static int64_t
unit_seconds(char c)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'y', 365L * 86400 } };
	size_t i;

	for (i = 0; i < countof(units); i++)
		if (units[i].unit == c)
			return units[i].s;
	return 0;
}

bool
parse_duration(const char *s, int64_t *seconds)
{
	int64_t total = 0, v, unit, last = INT64_MAX;
	size_t digits;

	if (*s == '\0')
		return false;
	while (*s != '\0') {
		for (v = 0, digits = 0; *s >= '0' && *s <= '9'; s++, digits++)
			if (digits > 11)
				return false;
			else
				v = v * 10 + (*s - '0');
		if (digits == 0)
			return false;
		if (*s == '\0' && last == INT64_MAX) {
			*seconds = v;
			return true;
		}
		unit = unit_seconds(*s);
		/* Units fall from large to small: "1h30m", not "30m1h". */
		if (unit == 0 || unit >= last ||
		    __builtin_mul_overflow(v, unit, &v) ||
		    __builtin_add_overflow(total, v, &total))
			return false;
		last = unit;
		s++;
	}
	*seconds = total;
	return true;
}
