/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>

#include <chancery/base/text.h>

#include "token.h"

/* An address as 128 bits (IPv4 mapped, RFC 4291 2.5.5.2), and how many of them count. */
struct block {
	uint8_t addr[16];
	unsigned bits;
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
address_parse(const char *text, uint8_t addr[16], bool *v4)
{
	*v4 = inet_pton(AF_INET, text, addr + 12) == 1;
	if (*v4) {
		memcpy(addr, mapped, sizeof(mapped));
		return true;
	}
	return inet_pton(AF_INET6, text, addr) == 1;
}

static bool
block_parse(const char *text, struct block *b)
{
	char addr[64];
	const char *slash = strchr(text, '/');
	size_t n = slash == NULL ? strlen(text) : (size_t)(slash - text);
	uint64_t bits;
	bool v4;

	if (n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (!address_parse(addr, b->addr, &v4))
		return false;
	bits = v4 ? 32 : 128;
	if (slash != NULL && !parse_u64(slash + 1, 0, bits, &bits))
		return false;
	b->bits = (unsigned)bits + (v4 ? 96 : 0);
	return true;
}

static bool
block_has(const struct block *b, const uint8_t addr[16])
{
	unsigned whole = b->bits / 8, rest = b->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(b->addr, addr, whole) == 0 &&
	    (rest == 0 || ((b->addr[whole] ^ addr[whole]) & mask) == 0);
}

/* "192.0.2.1:443", "[2001:db8::1]:443". */
static bool
peer_parse(const char *peer, uint8_t addr[16])
{
	const char *colon = strrchr(peer, ':');
	char text[64];
	bool v4;
	size_t n;

	if (colon == NULL)
		return false;
	n = (size_t)(colon - peer);
	if (peer[0] == '[') {
		if (n < 2 || peer[n - 1] != ']')
			return false;
		peer++;
		n -= 2;
	}
	if (n >= sizeof(text))
		return false;
	memcpy(text, peer, n);
	text[n] = '\0';
	return address_parse(text, addr, &v4);
}

bool
cidr_match(const char *cidr, const char *peer)
{
	uint8_t addr[16];
	struct block b;

	return peer_parse(peer, addr) && block_parse(cidr, &b) &&
	    block_has(&b, addr);
}

bool
cidrs_match(const json_t *cidrs, const char *peer)
{
	size_t i;

	for (i = 0; i < json_array_size(cidrs); i++)
		if (cidr_match(json_string_value(json_array_get(cidrs, i)),
			peer))
			return true;
	return false;
}

bool
cidrs_check(const json_t *cidrs, struct error *e)
{
	struct block b;
	size_t i;

	for (i = 0; i < json_array_size(cidrs); i++) {
		const char *text = json_string_value(json_array_get(cidrs, i));

		if (!block_parse(text, &b))
			return error_set(e, FAIL_BAD_INPUT,
			    "invalid CIDR \"%.60s\"", text);
	}
	return true;
}

static bool
block_within(const char *inner, const json_t *outer)
{
	struct block b, o;
	size_t i;

	if (!block_parse(inner, &b))
		return false;
	for (i = 0; i < json_array_size(outer); i++)
		if (block_parse(json_string_value(json_array_get(outer, i)),
			&o) &&
		    o.bits <= b.bits && block_has(&o, b.addr))
			return true;
	return false;
}

bool
cidrs_within(const json_t *inner, const json_t *outer)
{
	size_t i;

	for (i = 0; i < json_array_size(inner); i++)
		if (!block_within(json_string_value(json_array_get(inner, i)),
			outer))
			return false;
	return true;
}
