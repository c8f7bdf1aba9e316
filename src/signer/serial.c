/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* Twice the limit, so that a probe ends soon. */
#define SLOTS (2 * LIMIT_SERIALS_OUTSTANDING)
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a power of two");

static const uint8_t none[LIMIT_SERIAL_BYTES];

void
outstanding_init(struct outstanding *s)
{
	s->slot = mem_calloc(SLOTS, sizeof(*s->slot));
	s->n = 0;
}

void
outstanding_free(struct outstanding *s)
{
	mem_free(s->slot);
	s->slot = NULL;
}

bool
outstanding_full(const struct outstanding *s, size_t more)
{
	return more > LIMIT_SERIALS_OUTSTANDING ||
	    s->n > LIMIT_SERIALS_OUTSTANDING - more;
}

/* Serials are random: their last octets are a hash already. */
static size_t
home(const uint8_t *serial)
{
	uint32_t v;

	memcpy(&v, serial + LIMIT_SERIAL_BYTES - sizeof(v), sizeof(v));
	return v & (SLOTS - 1);
}

static bool
is(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, LIMIT_SERIAL_BYTES) == 0;
}

void
outstanding_add(struct outstanding *s, const uint8_t *serial)
{
	size_t i = home(serial);

	while (!is(s->slot[i], none))
		i = (i + 1) & (SLOTS - 1);
	memcpy(s->slot[i], serial, LIMIT_SERIAL_BYTES);
	s->n++;
}

/* Close the hole: move later entries of the run that may not stay behind it. */
static void
remove_at(struct outstanding *s, size_t hole)
{
	size_t i = hole, h;

	for (;;) {
		i = (i + 1) & (SLOTS - 1);
		if (is(s->slot[i], none))
			break;
		h = home(s->slot[i]);
		if (((i - h) & (SLOTS - 1)) >= ((i - hole) & (SLOTS - 1))) {
			memcpy(s->slot[hole], s->slot[i], LIMIT_SERIAL_BYTES);
			hole = i;
		}
	}
	memset(s->slot[hole], 0, LIMIT_SERIAL_BYTES);
	s->n--;
}

bool
outstanding_take(struct outstanding *s, const uint8_t *serial)
{
	size_t i;

	for (i = home(serial); !is(s->slot[i], none); i = (i + 1) & (SLOTS - 1))
		if (is(s->slot[i], serial)) {
			remove_at(s, i);
			return true;
		}
	return false;
}

/* What the token's generator gave for this batch; zeros where it has none. */
static struct sha256
token_seed(struct signer *s)
{
	struct sha256 seed = { 0 };
	struct error ignored;

	if (s->cfg.tokens > 0 &&
	    !hsm_token_random(s->cfg.token[0].token, seed.b, sizeof(seed.b),
		&ignored))
		seed = (struct sha256){ 0 };
	return seed;
}

/* 159 random bits: the top bit clear keeps the INTEGER positive in 20 octets
 * (RFC 5280 4.1.2.2), a first octet of zero is drawn again so that every serial
 * has the same length. Hashing our draw with the token's seed keeps the bits of
 * either source: one of them suffices. */
static void
draw(const struct sha256 *seed, uint8_t *out)
{
	uint8_t own[SHA256_LEN];
	struct sha256 h;

	do {
		random_bytes(own, sizeof(own));
		h = sha256_cat(sha256_bytes(seed), bytes_of(own, sizeof(own)),
		    (struct bytes){ 0 });
		memcpy(out, h.b, LIMIT_SERIAL_BYTES);
		out[0] &= 0x7f;
	} while (out[0] == 0);
}

bool
signer_serials(struct signer *s, size_t n, uint8_t (*out)[LIMIT_SERIAL_BYTES],
    struct error *e)
{
	struct sha256 seed;
	size_t i;

	if (!signer_alive(s, e))
		return false;
	if (outstanding_full(&s->serials, n))
		return error_set(e, FAIL_BUSY,
		    "%zu serials are outstanding, the limit is %d",
		    s->serials.n, LIMIT_SERIALS_OUTSTANDING);
	seed = token_seed(s);
	for (i = 0; i < n; i++) {
		draw(&seed, out[i]);
		outstanding_add(&s->serials, out[i]);
	}
	return true;
}

void
signer_serial_forget(struct signer *s, const uint8_t serial[LIMIT_SERIAL_BYTES])
{
	(void)outstanding_take(&s->serials, serial);
}
