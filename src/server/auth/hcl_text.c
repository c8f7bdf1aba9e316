/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of HCL: quoted ones with their escapes, and heredocs. */
#include "hcl.h"

/* Exactly n digits. */
static bool
scan_digits(struct hcl_scan *s, unsigned n, unsigned base, uint32_t *out)
{
	uint32_t v = 0;
	int d;

	for (; n > 0; n--, s->at++) {
		d = hcl_digit(hcl_peek(s), base);
		if (d < 0)
			return hcl_fail(s, "bad digit in an escape");
		v = v * base + (uint32_t)d;
	}
	*out = v;
	return true;
}

static bool
add_rune(struct hcl_scan *s, uint32_t c, struct buf *out)
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return hcl_fail(s, "escape is not a character");
	if (c < 0x80) {
		buf_add_byte(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_add_byte(out, (uint8_t)(0xc0 | c >> 6));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_add_byte(out, (uint8_t)(0xe0 | c >> 12));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 63)));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 63)));
	} else {
		buf_add_byte(out, (uint8_t)(0xf0 | c >> 18));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 12 & 63)));
		buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 63)));
		buf_add_byte(out, (uint8_t)(0x80 | (c & 63)));
	}
	return true;
}

/* JSON writes what is beyond 16 bits as two escapes (RFC 8259 section 7). */
static bool
scan_surrogate(struct hcl_scan *s, uint32_t *c)
{
	uint32_t low = 0;

	if (!s->json || *c < 0xd800 || *c > 0xdbff || !hcl_at(s, "\\u"))
		return true;
	s->at += 2;
	if (!scan_digits(s, 4, 16, &low))
		return false;
	if (low < 0xdc00 || low > 0xdfff)
		return hcl_fail(s, "escape is not a character");
	*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

static const struct {
	char name, octet;
	bool json;
} plain_escapes[] = { { 'n', '\n', true }, { 't', '\t', true },
	{ 'r', '\r', true }, { 'b', '\b', true }, { 'f', '\f', true },
	{ '"', '"', true }, { '\\', '\\', true }, { '/', '/', true },
	{ 'a', '\a', false }, { 'v', '\v', false } };

static const struct {
	char name;
	unsigned digits, base, skip;
	bool json;
} code_escapes[] = { { 'u', 4, 16, 1, true }, { 'U', 8, 16, 1, false },
	{ 'x', 2, 16, 1, false }, { '0', 3, 8, 0, false },
	{ '1', 3, 8, 0, false }, { '2', 3, 8, 0, false },
	{ '3', 3, 8, 0, false } };

/* Behind the backslash. */
static bool
scan_escape(struct hcl_scan *s, struct buf *out)
{
	char c = hcl_peek(s);
	uint32_t code = 0;
	size_t i;

	for (i = 0; i < countof(plain_escapes); i++) {
		if (plain_escapes[i].name != c ||
		    (s->json && !plain_escapes[i].json))
			continue;
		buf_add_byte(out, (uint8_t)plain_escapes[i].octet);
		s->at++;
		return true;
	}
	for (i = 0; i < countof(code_escapes); i++) {
		if (code_escapes[i].name != c ||
		    (s->json && !code_escapes[i].json))
			continue;
		s->at += code_escapes[i].skip;
		return scan_digits(s, code_escapes[i].digits,
			   code_escapes[i].base, &code) &&
		    scan_surrogate(s, &code) && add_rune(s, code, out);
	}
	return hcl_fail(s, "unknown escape");
}

char *
hcl_string(struct hcl_scan *s)
{
	auto_buf struct buf b = { 0 };
	struct hcl_scan begin = *s;
	char c;

	s->at++;
	while ((c = hcl_peek(s)) != '"') {
		if (s->at >= s->in.n || c == '\n') {
			(void)hcl_fail(&begin, "string does not end");
			return NULL;
		}
		if (s->json && (unsigned char)c < 0x20) {
			(void)hcl_fail(s, "control character in a string");
			return NULL;
		}
		s->at++;
		if (c != '\\')
			buf_add_byte(&b, (uint8_t)c);
		else if (!scan_escape(s, &b))
			return NULL;
	}
	s->at++;
	return buf_take_str(&b);
}

static size_t
line_length(const struct hcl_scan *s)
{
	const uint8_t *nl = memchr(s->in.p + s->at, '\n', s->in.n - s->at);

	return nl == NULL ? s->in.n - s->at : (size_t)(nl - s->in.p) - s->at;
}

static size_t
indent_of(struct bytes line)
{
	size_t n = 0;

	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
		n++;
	return n;
}

/* Of "<<-": the smallest indentation of the lines with something on them goes away. */
static void
heredoc_unindent(const struct buf *in, struct buf *out)
{
	size_t least = SIZE_MAX, at, n, indent;
	const uint8_t *nl;
	unsigned pass;

	for (pass = 0; pass < 2; pass++) {
		for (at = 0; at < in->n; at += n + 1) {
			nl = memchr(in->p + at, '\n', in->n - at);
			n = nl == NULL ? in->n - at : (size_t)(nl - in->p) - at;
			indent = indent_of(bytes_of(in->p + at, n));
			if (pass == 0 && indent < n && indent < least)
				least = indent;
			if (pass == 0)
				continue;
			if (indent > least)
				indent = least;
			buf_add(out, in->p + at + indent, n - indent);
			if (nl != NULL)
				buf_add_byte(out, '\n');
		}
	}
}

/* The lines up to that mark, which may be indented. */
static bool
heredoc_lines(struct hcl_scan *s, const char *mark, struct buf *out)
{
	while (s->at < s->in.n) {
		struct bytes line = bytes_of(s->in.p + s->at, line_length(s));
		size_t indent = indent_of(line), n = line.n;

		if (n > 0 && line.p[n - 1] == '\r')
			n--;
		if (n >= indent &&
		    bytes_eq(bytes_of(line.p + indent, n - indent),
			bytes_str(mark))) {
			s->at += n;
			return true;
		}
		buf_add_bytes(out, line);
		buf_add_byte(out, '\n');
		s->at += line.n;
		if (s->at < s->in.n)
			hcl_step(s);
	}
	return hcl_fail(s, "heredoc: no line %s", mark);
}

char *
hcl_heredoc(struct hcl_scan *s)
{
	auto_buf struct buf text = { 0 }, flat = { 0 };
	auto_mem char *mark = NULL;
	bool unindent;

	if (!hcl_at(s, "<<")) {
		(void)hcl_fail(s, "unexpected '<'");
		return NULL;
	}
	s->at += 2;
	unindent = hcl_peek(s) == '-';
	s->at += unindent;
	mark = hcl_word(s);
	if (hcl_peek(s) == '\r')
		s->at++;
	if (mark[0] == '\0' || hcl_peek(s) != '\n') {
		(void)hcl_fail(s, "heredoc: a word and the end of the line");
		return NULL;
	}
	hcl_step(s);
	if (!heredoc_lines(s, mark, &text))
		return NULL;
	if (!unindent)
		return buf_take_str(&text);
	heredoc_unindent(&text, &flat);
	return buf_take_str(&flat);
}
