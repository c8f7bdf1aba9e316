/* SPDX-License-Identifier: Apache-2.0 */
#include "serial_set.h"

void
serial_set_init(struct serial_set *s)
{
	memset(s, 0, sizeof(*s));
	random_bytes(&s->k0, sizeof(s->k0));
	random_bytes(&s->k1, sizeof(s->k1));
	s->cap = 1024;
	s->slot = mem_calloc(s->cap, sizeof(*s->slot));
}

void
serial_set_clear(struct serial_set *s)
{
	mem_free(s->slot);
	memset(s, 0, sizeof(*s));
}

static uint64_t
rotl(uint64_t x, unsigned b)
{
	return x << b | x >> (64 - b);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-2-4 (Aumasson, Bernstein 2012) of 64 octets: key, serial, zeros, n. */
static uint64_t
fingerprint(const struct serial_set *s, const struct sha256 *key,
    const uint8_t serial[20], uint64_t n)
{
	uint64_t m[9] = { 0 };
	uint64_t v[4] = { s->k0 ^ 0x736f6d6570736575,
		s->k1 ^ 0x646f72616e646f6d, s->k0 ^ 0x6c7967656e657261,
		s->k1 ^ 0x7465646279746573 };

	memcpy(m, key->b, SHA256_LEN);
	memcpy(m + 4, serial, 20);
	m[7] = n;
	m[8] = (uint64_t)64 << 56;
	for (size_t i = 0; i < countof(m); i++) {
		v[3] ^= m[i];
		sip_round(v);
		sip_round(v);
		v[0] ^= m[i];
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	v[0] ^= v[1] ^ v[2] ^ v[3];
	return v[0] == 0 ? 1 : v[0]; /* 0 is an empty slot */
}

static bool
insert(uint64_t *slot, uint64_t cap, uint64_t f)
{
	uint64_t i = f & (cap - 1);

	for (; slot[i] != 0; i = (i + 1) & (cap - 1))
		if (slot[i] == f)
			return false;
	slot[i] = f;
	return true;
}

static void
grow(struct serial_set *s)
{
	uint64_t cap = s->cap * 2;
	uint64_t *slot = mem_calloc(cap, sizeof(*slot));

	for (uint64_t i = 0; i < s->cap; i++)
		if (s->slot[i] != 0)
			(void)insert(slot, cap, s->slot[i]);
	mem_free(s->slot);
	s->slot = slot;
	s->cap = cap;
}

bool
serial_set_has(const struct serial_set *s, const struct sha256 *key,
    const uint8_t serial[20], uint64_t n)
{
	uint64_t f = fingerprint(s, key, serial, n), i = f & (s->cap - 1);

	for (; s->slot[i] != 0; i = (i + 1) & (s->cap - 1))
		if (s->slot[i] == f)
			return true;
	return false;
}

bool
serial_set_add(struct serial_set *s, const struct sha256 *key,
    const uint8_t serial[20], uint64_t n)
{
	if ((s->n + 1) * 8 > s->cap * 5)
		grow(s);
	if (!insert(s->slot, s->cap, fingerprint(s, key, serial, n)))
		return false;
	s->n++;
	return true;
}
