/* SPDX-License-Identifier: Apache-2.0 */

/*
 * PEM (RFC 7468): what we write is the strict form; what we read may break its
 * lines anywhere and with LF, CRLF, CR or a mixture (keytool: CRLF inside the
 * base64, LF around it), and may have text before, between and after the blocks.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/pki/cert.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define COLUMNS 64
#define LINE_BYTES (COLUMNS / 4 * 3)

static void
add_boundary(const char *prefix, const char *label, struct buf *out)
{
	buf_add_str(out, prefix);
	buf_add_str(out, label);
	buf_add_str(out, DASHES "\n");
}

static void
add_lines(struct bytes der, struct buf *out)
{
	for (size_t at = 0; at < der.n; at += LINE_BYTES) {
		size_t n = der.n - at < LINE_BYTES ? der.n - at : LINE_BYTES;

		buf_add_base64(out, bytes_of(der.p + at, n));
		buf_add_byte(out, '\n');
	}
}

void
pem_encode(const char *label, struct bytes der, struct buf *out)
{
	(void)buf_reserve(out, pem_length(label, der.n));
	add_boundary(BEGIN, label, out);
	add_lines(der, out);
	add_boundary(END, label, out);
}

/* ---- in pieces ---- */

_Static_assert(PEM_PIECE_BYTES % LINE_BYTES == 0, "a piece is whole lines");

/* With its newline. */
static size_t
boundary_length(const char *prefix, const char *label)
{
	return strlen(prefix) + strlen(label) + sizeof(DASHES "\n") - 1;
}

uint64_t
pem_length(const char *label, uint64_t der_bytes)
{
	return boundary_length(BEGIN, label) + boundary_length(END, label) +
	    (der_bytes + 2) / 3 * 4 + (der_bytes + LINE_BYTES - 1) / LINE_BYTES;
}

/* The END line goes with the last one of base64, BEGIN with the first. */
struct pem_piece
pem_piece_at(const char *label, uint64_t der_bytes, uint64_t from)
{
	uint64_t head = boundary_length(BEGIN, label);
	uint64_t line = from < head ? 0 : (from - head) / (COLUMNS + 1);
	uint64_t last = der_bytes == 0 ? 0 : (der_bytes - 1) / LINE_BYTES;
	struct pem_piece p = { 0 };

	line = line < last ? line : last;
	p.at = line * LINE_BYTES;
	p.n = der_bytes - p.at < PEM_PIECE_BYTES ? (size_t)(der_bytes - p.at)
						 : PEM_PIECE_BYTES;
	p.skip =
	    (size_t)(line == 0 ? from : from - head - line * (COLUMNS + 1));
	return p;
}

void
pem_piece_encode(const char *label, uint64_t der_bytes,
    const struct pem_piece *p, struct bytes der, struct buf *out)
{
	auto_buf struct buf text = { 0 };

	if (p->at == 0)
		add_boundary(BEGIN, label, &text);
	add_lines(der, &text);
	if (p->at + der.n == der_bytes)
		add_boundary(END, label, &text);
	buf_add(out, text.p + p->skip, text.n - p->skip);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' ||
	    c == '\f';
}

/* The line at *at without its end and without space behind it; *at moves on. */
static struct bytes
next_line(struct bytes in, size_t *at)
{
	size_t start = *at, end = start;

	while (end < in.n && in.p[end] != '\n' && in.p[end] != '\r')
		end++;
	*at = end < in.n ? end + 1 : end;
	while (end > start && is_space(in.p[end - 1]))
		end--;
	return bytes_of(in.p + start, end - start);
}

/* "-----BEGIN label-----" → label. */
static bool
boundary(struct bytes line, const char *prefix, struct bytes *label)
{
	size_t n = strlen(prefix), tail = strlen(DASHES);

	if (line.n < n + tail || memcmp(line.p, prefix, n) != 0 ||
	    memcmp(line.p + line.n - tail, DASHES, tail) != 0)
		return false;
	*label = bytes_of(line.p + n, line.n - n - tail);
	return true;
}

static const char *
wanted(struct bytes label, const char *const *labels)
{
	for (; *labels != NULL; labels++)
		if (bytes_eq(label, bytes_str(*labels)))
			return *labels;
	return NULL;
}

/* Where a person has to look. */
static size_t
line_number(struct bytes in, size_t at)
{
	size_t n = 1;

	for (size_t i = 0; i < at; i++)
		n += in.p[i] == '\n';
	return n;
}

/* What is not space. */
static void
add_solid(struct bytes line, struct buf *text)
{
	uint8_t *to = buf_reserve(text, line.n);
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++)
		if (!is_space(line.p[i]))
			to[n++] = line.p[i];
	buf_commit(text, n);
}

/* From behind the BEGIN line to behind the END line of the same label. */
static bool
read_body(struct bytes in, size_t *at, const char *label, struct buf *der,
    struct error *e)
{
	auto_buf struct buf text = { 0 };
	size_t line = line_number(in, *at);
	struct bytes end;

	while (*at < in.n) {
		struct bytes l = next_line(in, at);

		if (boundary(l, END, &end)) {
			if (!bytes_eq(end, bytes_str(label)))
				break;
			if (text.n != 0 &&
			    base64_decode((const char *)text.p, text.n, der))
				return true;
			return error_set(e, FAIL_BAD_INPUT,
			    "PEM block \"%s\" from line %zu on: not base64",
			    label, line);
		}
		if (l.n != 0 && memchr(l.p, ':', l.n) != NULL)
			return error_set(e, FAIL_BAD_INPUT,
			    "PEM block \"%s\" from line %zu on: has headers "
			    "(encrypted?)",
			    label, line);
		add_solid(l, &text);
	}
	return error_set(e, FAIL_BAD_INPUT,
	    "PEM block \"%s\" from line %zu on: no END line", label, line);
}

bool
pem_next(struct bytes in, size_t *at, const char *const *labels,
    struct buf *der, const char **label, struct error *e)
{
	size_t pos = *at;

	while (pos < in.n) {
		struct bytes found;
		const char *name;
		auto_buf struct buf body = { 0 };

		if (!boundary(next_line(in, &pos), BEGIN, &found))
			continue;
		name = wanted(found, labels);
		if (name == NULL)
			continue;
		if (!read_body(in, &pos, name, &body, e))
			return false;
		buf_add_bytes(der, buf_bytes(&body));
		*label = name;
		*at = pos;
		return true;
	}
	return error_set(e, FAIL_NOT_FOUND, "no PEM block \"%s\"", *labels);
}
