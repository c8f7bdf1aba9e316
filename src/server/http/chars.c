/* SPDX-License-Identifier: Apache-2.0 */
#include "chars.h"

#define T HTTP_TCHAR
#define V HTTP_VALUE
#define P HTTP_TARGET
#define H HTTP_HOST
#define X HTTP_HEX
#define ALNUM (T | V | P | H)
#define HEX (ALNUM | X)
#define OBS4 V, V, V, V
#define OBS16 OBS4, OBS4, OBS4, OBS4

/* clang-format off */
const uint8_t http_chars[256] = {
	['\t'] = V, [' '] = V,
	['!'] = T | V | P | H, ['"'] = V, ['#'] = T | V, ['$'] = T | V | P | H,
	['%'] = T | V | H, ['&'] = T | V | P | H, ['\''] = T | V | P | H,
	['('] = V | P | H, [')'] = V | P | H, ['*'] = T | V | P | H,
	['+'] = T | V | P | H, [','] = V | P, ['-'] = T | V | P | H,
	['.'] = T | V | P | H, ['/'] = V | P,
	['0'] = HEX, ['1'] = HEX, ['2'] = HEX, ['3'] = HEX, ['4'] = HEX,
	['5'] = HEX, ['6'] = HEX, ['7'] = HEX, ['8'] = HEX, ['9'] = HEX,
	[':'] = V | P | H, [';'] = V | P | H, ['<'] = V, ['='] = V | P | H,
	['>'] = V, ['?'] = V | P, ['@'] = V | P,
	['A'] = HEX, ['B'] = HEX, ['C'] = HEX, ['D'] = HEX, ['E'] = HEX,
	['F'] = HEX, ['G'] = ALNUM, ['H'] = ALNUM, ['I'] = ALNUM,
	['J'] = ALNUM, ['K'] = ALNUM, ['L'] = ALNUM, ['M'] = ALNUM,
	['N'] = ALNUM, ['O'] = ALNUM, ['P'] = ALNUM, ['Q'] = ALNUM,
	['R'] = ALNUM, ['S'] = ALNUM, ['T'] = ALNUM, ['U'] = ALNUM,
	['V'] = ALNUM, ['W'] = ALNUM, ['X'] = ALNUM, ['Y'] = ALNUM,
	['Z'] = ALNUM,
	['['] = V | H, ['\\'] = V, [']'] = V | H, ['^'] = T | V,
	['_'] = ALNUM, ['`'] = T | V,
	['a'] = HEX, ['b'] = HEX, ['c'] = HEX, ['d'] = HEX, ['e'] = HEX,
	['f'] = HEX, ['g'] = ALNUM, ['h'] = ALNUM, ['i'] = ALNUM,
	['j'] = ALNUM, ['k'] = ALNUM, ['l'] = ALNUM, ['m'] = ALNUM,
	['n'] = ALNUM, ['o'] = ALNUM, ['p'] = ALNUM, ['q'] = ALNUM,
	['r'] = ALNUM, ['s'] = ALNUM, ['t'] = ALNUM, ['u'] = ALNUM,
	['v'] = ALNUM, ['w'] = ALNUM, ['x'] = ALNUM, ['y'] = ALNUM,
	['z'] = ALNUM,
	['{'] = V, ['|'] = T | V, ['}'] = V, ['~'] = T | V | P | H,
	[0x80] = OBS16, OBS16, OBS16, OBS16, OBS16, OBS16, OBS16, OBS16
};
/* clang-format on */

bool
http_all(struct bytes s, enum http_char kind)
{
	for (size_t i = 0; i < s.n; i++)
		if (!http_is(s.p[i], kind))
			return false;
	return true;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool
http_same_name(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct bytes
http_trim(struct bytes s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = bytes_of(s.p + 1, s.n - 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
http_next_element(struct bytes *rest, struct bytes *element)
{
	while (rest->n > 0) {
		const uint8_t *comma = memchr(rest->p, ',', rest->n);
		size_t n = comma != NULL ? (size_t)(comma - rest->p) : rest->n;
		size_t skip = comma != NULL ? n + 1 : n;

		*element = http_trim(bytes_of(rest->p, n));
		*rest = bytes_of(rest->p + skip, rest->n - skip);
		if (element->n > 0)
			return true;
	}
	return false;
}
