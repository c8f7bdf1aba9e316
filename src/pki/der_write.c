/* SPDX-License-Identifier: Apache-2.0 */

#include <chancery/pki/der.h>

#include <assert.h>
#include <stdlib.h>

#include <chancery/base/alloc.h>
#include <chancery/base/clock.h>

/* Longest encoding of one OID arc of 64 bits in base 128. */
#define ARC_MAX 10

void
der_w_init(struct der_writer *w, size_t expect)
{
	w->cap = expect < 64 ? 64 : expect;
	w->p = mem_alloc(w->cap);
	w->at = w->cap;
}

void
der_w_free(struct der_writer *w)
{
	mem_free(w->p);
	*w = (struct der_writer){ 0 };
}

void
der_w_reset(struct der_writer *w)
{
	w->at = w->cap;
}

/* Marks count from the end, so that they survive growth. */
size_t
der_w_mark(const struct der_writer *w)
{
	return w->cap - w->at;
}

static uint8_t *
grow_down(struct der_writer *w, size_t n)
{
	size_t used = w->cap - w->at, cap = w->cap < 64 ? 64 : w->cap;
	uint8_t *p;

	if (n > w->at) {
		while (cap - used < n)
			cap *= 2;
		p = mem_alloc(cap);
		if (used > 0)
			memcpy(p + cap - used, w->p + w->at, used);
		mem_free(w->p);
		*w =
		    (struct der_writer){ .p = p, .at = cap - used, .cap = cap };
	}
	w->at -= n;
	return w->p + w->at;
}

void
der_w_raw(struct der_writer *w, struct bytes v)
{
	if (v.n > 0)
		memcpy(grow_down(w, v.n), v.p, v.n);
}

size_t
der_header(uint8_t tag, uint64_t n, uint8_t out[DER_HEADER_MAX])
{
	size_t octets = 0;

	out[0] = tag;
	if (n < 0x80) {
		out[1] = (uint8_t)n;
		return 2;
	}
	for (uint64_t v = n; v > 0; v >>= 8)
		octets++;
	out[1] = (uint8_t)(0x80 | octets);
	for (size_t i = 0; i < octets; i++)
		out[2 + i] = (uint8_t)(n >> (8 * (octets - 1 - i)));
	return 2 + octets;
}

void
der_add_header(struct buf *out, uint8_t tag, uint64_t n)
{
	uint8_t h[DER_HEADER_MAX];

	buf_add(out, h, der_header(tag, n, h));
}

void
der_w_wrap(struct der_writer *w, uint8_t tag, size_t mark)
{
	uint8_t h[DER_HEADER_MAX];

	assert(der_w_mark(w) >= mark);
	der_w_raw(w, bytes_of(h, der_header(tag, der_w_mark(w) - mark, h)));
}

void
der_w_tlv(struct der_writer *w, uint8_t tag, struct bytes v)
{
	size_t mark = der_w_mark(w);

	der_w_raw(w, v);
	der_w_wrap(w, tag, mark);
}

void
der_w_bool(struct der_writer *w, bool v)
{
	uint8_t tlv[] = { DER_BOOLEAN, 1, v ? 0xff : 0x00 };

	der_w_raw(w, bytes_of(tlv, sizeof(tlv)));
}

void
der_w_uint(struct der_writer *w, uint64_t v)
{
	uint8_t be[8];

	for (size_t i = 0; i < sizeof(be); i++)
		be[i] = (uint8_t)(v >> (56 - 8 * i));
	der_w_integer(w, bytes_of(be, sizeof(be)));
}

void
der_w_integer(struct der_writer *w, struct bytes m)
{
	static const uint8_t zero;
	size_t mark = der_w_mark(w);

	while (m.n > 0 && m.p[0] == 0)
		m = bytes_of(m.p + 1, m.n - 1);
	der_w_raw(w, m);
	/* A leading one bit would make it negative. */
	if (m.n == 0 || (m.p[0] & 0x80) != 0)
		der_w_raw(w, bytes_of(&zero, 1));
	der_w_wrap(w, DER_INTEGER, mark);
}

void
der_w_bit_string(struct der_writer *w, struct bytes v)
{
	static const uint8_t unused_bits;
	size_t mark = der_w_mark(w);

	der_w_raw(w, v);
	der_w_raw(w, bytes_of(&unused_bits, 1));
	der_w_wrap(w, DER_BIT_STRING, mark);
}

static void
write_arc(struct der_writer *w, uint64_t arc)
{
	uint8_t b[ARC_MAX];
	size_t i = sizeof(b);

	b[--i] = (uint8_t)(arc & 0x7f);
	for (arc >>= 7; arc > 0; arc >>= 7)
		b[--i] = (uint8_t)(0x80 | (arc & 0x7f));
	der_w_raw(w, bytes_of(b + i, sizeof(b) - i));
}

void
der_w_oid(struct der_writer *w, const char *dotted)
{
	uint64_t arcs[32];
	size_t n = 0, mark = der_w_mark(w);
	char *end;

	for (const char *s = dotted;; s = end + 1) {
		assert(n < countof(arcs) && *s >= '0' && *s <= '9');
		arcs[n++] = strtoull(s, &end, 10);
		if (*end == '\0')
			break;
		assert(*end == '.');
	}
	assert(n >= 2 && arcs[0] <= 2 && (arcs[0] == 2 || arcs[1] < 40));
	while (n > 2)
		write_arc(w, arcs[--n]);
	write_arc(w, arcs[0] * 40 + arcs[1]);
	der_w_wrap(w, DER_OID, mark);
}

static void
two_digits(uint8_t *out, int v)
{
	out[0] = (uint8_t)('0' + v / 10);
	out[1] = (uint8_t)('0' + v % 10);
}

/* YYYYMMDDHHMMSSZ; the caller skips the century for UTCTime. */
static int
time_digits(int64_t t_s, uint8_t out[15])
{
	int y, mon, d, h, min, s;

	time_to_civil(t_s, &y, &mon, &d, &h, &min, &s);
	assert(y >= 0 && y <= 9999);
	two_digits(out, y / 100);
	two_digits(out + 2, y % 100);
	two_digits(out + 4, mon);
	two_digits(out + 6, d);
	two_digits(out + 8, h);
	two_digits(out + 10, min);
	two_digits(out + 12, s);
	out[14] = 'Z';
	return y;
}

void
der_w_generalized_time(struct der_writer *w, int64_t t_s)
{
	uint8_t text[15];

	(void)time_digits(t_s, text);
	der_w_tlv(w, DER_GENERALIZED_TIME, bytes_of(text, sizeof(text)));
}

void
der_w_time(struct der_writer *w, int64_t t_s)
{
	uint8_t text[15];
	int year = time_digits(t_s, text);

	/* RFC 5280 4.1.2.5: through 2049 UTCTime MUST be used. */
	if (year >= 1950 && year < 2050)
		der_w_tlv(w, DER_UTC_TIME, bytes_of(text + 2, 13));
	else
		der_w_tlv(w, DER_GENERALIZED_TIME, bytes_of(text, 15));
}

struct bytes
der_w_bytes(const struct der_writer *w)
{
	return bytes_of(w->p + w->at, w->cap - w->at);
}
