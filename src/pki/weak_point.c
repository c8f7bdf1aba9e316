/* SPDX-License-Identifier: Apache-2.0 */

/* Points that are no keys. */
#include "weak.h"

/*
 * P-256, P-384 and P-521 have prime order: a point on the curve that is not
 * infinity has the full order, so partial validation (SP 800-56A 5.6.2.3.4) is
 * full validation and costs no scalar multiplication. Building the key checks
 * form, coordinate range and curve equation.
 */
bool
weak_ec_point(const struct spki *k)
{
	struct error e;

	if (k->type.alg == KEY_RSA || k->type.alg == KEY_ED25519)
		return false;

	auto_pkey EVP_PKEY *pkey = spki_pkey_once(k, &e);

	return pkey == NULL;
}

/* The y of the points whose order divides the cofactor 8, little-endian, the
 * sign of x dropped: 0 (order 4), 1, -1 and the two of order 8. Anyone can make
 * signatures that verify with such a key. */
static const uint8_t small_order[][32] = {
	{ 0 },
	{ 1 },
	{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
	    0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
	    0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
	{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
	    0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
	    0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
};

/* y at or above 2^255 - 19, which RFC 8032 5.1.3 does not decode; libraries
 * that reduce it read another point, 0 and 1 among them. */
static bool
not_canonical(const uint8_t y[32])
{
	for (size_t i = 1; i < 31; i++)
		if (y[i] != 0xff)
			return false;
	return y[31] == 0x7f && y[0] >= 0xed;
}

bool
weak_ed25519_point(const struct spki *k)
{
	uint8_t y[32];

	if (k->type.alg != KEY_ED25519)
		return false;
	if (k->point.n != sizeof(y))
		return true;
	memcpy(y, k->point.p, sizeof(y));
	y[31] &= 0x7f;
	for (size_t i = 0; i < countof(small_order); i++)
		if (memcmp(y, small_order[i], sizeof(y)) == 0)
			return true;
	return not_canonical(y);
}
