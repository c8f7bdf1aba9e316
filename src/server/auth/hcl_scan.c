/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/text.h>

#include "hcl.h"

unsigned
hcl_col(const struct hcl_scan *s)
{
	unsigned col = 1;
	size_t i;

	/* Characters, not octets: continuation octets do not count. */
	for (i = s->line_at; i < s->at && i < s->in.n; i++)
		col += (s->in.p[i] & 0xc0) != 0x80;
	return col;
}

bool
hcl_fail(struct hcl_scan *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(s->e, FAIL_BAD_INPUT, "%u:%u: %s", s->line, hcl_col(s),
	    text);
}

char
hcl_peek(const struct hcl_scan *s)
{
	return s->at < s->in.n ? (char)s->in.p[s->at] : '\0';
}

bool
hcl_at(const struct hcl_scan *s, const char *text)
{
	size_t n = strlen(text);

	return s->in.n - s->at >= n && memcmp(s->in.p + s->at, text, n) == 0;
}

void
hcl_step(struct hcl_scan *s)
{
	if (s->in.p[s->at++] != '\n')
		return;
	s->line++;
	s->line_at = s->at;
}

static void
scan_to_eol(struct hcl_scan *s)
{
	while (s->at < s->in.n && hcl_peek(s) != '\n')
		s->at++;
}

static bool
scan_block_comment(struct hcl_scan *s)
{
	struct hcl_scan begin = *s;

	s->at += 2;
	while (s->at < s->in.n && !hcl_at(s, "*/"))
		hcl_step(s);
	if (s->at >= s->in.n)
		return hcl_fail(&begin, "comment does not end");
	s->at += 2;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* False: there is none, or it does not end. */
static bool
scan_comment(struct hcl_scan *s, bool *ok)
{
	if (s->json)
		return false;
	if (hcl_peek(s) == '#' || hcl_at(s, "//")) {
		scan_to_eol(s);
		return true;
	}
	if (!hcl_at(s, "/*"))
		return false;
	*ok = scan_block_comment(s);
	return *ok;
}

bool
hcl_space(struct hcl_scan *s)
{
	bool ok = true;

	for (;;) {
		while (is_blank(hcl_peek(s)))
			hcl_step(s);
		if (!scan_comment(s, &ok))
			return ok;
	}
}

static bool
is_letter(char c)
{
	/* Letters outside ASCII count, as in HCL: any UTF-8 octet. */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    ((unsigned char)c & 0x80) != 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
hcl_is_word(const struct hcl_scan *s)
{
	return is_letter(hcl_peek(s));
}

char *
hcl_word(struct hcl_scan *s)
{
	auto_buf struct buf b = { 0 };
	char c;

	while (
	    is_letter(c = hcl_peek(s)) || is_digit(c) || c == '-' || c == '.') {
		buf_add_byte(&b, (uint8_t)c);
		s->at++;
	}
	return buf_take_str(&b);
}

int
hcl_digit(char c, unsigned base)
{
	int v = -1;

	if (is_digit(c))
		v = c - '0';
	else if (c >= 'a' && c <= 'f')
		v = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		v = c - 'A' + 10;
	return v >= 0 && (unsigned)v < base ? v : -1;
}

static size_t
scan_run(struct hcl_scan *s, struct buf *b, unsigned base)
{
	size_t n = 0;

	for (; hcl_digit(hcl_peek(s), base) >= 0; s->at++, n++)
		buf_add_byte(b, (uint8_t)hcl_peek(s));
	return n;
}

static bool
scan_fraction(struct hcl_scan *s, struct buf *b)
{
	if (hcl_peek(s) == '.') {
		buf_add_byte(b, '.');
		s->at++;
		if (scan_run(s, b, 10) == 0)
			return hcl_fail(s, "bad number");
	}
	if (hcl_peek(s) == 'e' || hcl_peek(s) == 'E') {
		buf_add_byte(b, 'e');
		s->at++;
		if (hcl_peek(s) == '+' || hcl_peek(s) == '-') {
			buf_add_byte(b, (uint8_t)hcl_peek(s));
			s->at++;
		}
		if (scan_run(s, b, 10) == 0)
			return hcl_fail(s, "bad number");
	}
	return true;
}

char *
hcl_number(struct hcl_scan *s)
{
	auto_buf struct buf b = { 0 };
	bool ok;

	if (hcl_peek(s) == '-') {
		buf_add_byte(&b, '-');
		s->at++;
	}
	if (!s->json && (hcl_at(s, "0x") || hcl_at(s, "0X"))) {
		buf_add_str(&b, "0x");
		s->at += 2;
		ok = scan_run(s, &b, 16) > 0 || hcl_fail(s, "bad number");
	} else {
		ok = (scan_run(s, &b, 10) > 0 || hcl_fail(s, "bad number")) &&
		    scan_fraction(s, &b);
	}
	if (ok && (is_letter(hcl_peek(s)) || hcl_peek(s) == '.'))
		ok = hcl_fail(s, "bad number");
	return ok ? buf_take_str(&b) : NULL;
}
