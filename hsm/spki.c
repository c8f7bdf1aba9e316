/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "internal.h"

/* ---- curves ------------------------------------------------------------ */

#define BYTES(a)                                                               \
	{                                                                      \
		a, sizeof(a)                                                   \
	}

static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t oid_p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const uint8_t oid_ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
/* PKCS#11 3.0 2.3.10: PrintableString "edwards25519" names it too. */
static const uint8_t name_ed25519[] = { 0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
	'd', 's', '2', '5', '5', '1', '9' };

/* RFC 5480 2, RFC 8410 4: everything before the point. */
static const uint8_t spki_p256[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t spki_p384[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
	0x22, 0x03, 0x62, 0x00 };
static const uint8_t spki_p521[] = { 0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07,
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
	0x00, 0x23, 0x03, 0x81, 0x86, 0x00 };
static const uint8_t spki_ed25519[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
	0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

static const struct {
	enum key_alg alg;
	struct bytes params, prefix;
	size_t point;
} curves[] = {
	{ KEY_EC_P256, BYTES(oid_p256), BYTES(spki_p256), 65 },
	{ KEY_EC_P384, BYTES(oid_p384), BYTES(spki_p384), 97 },
	{ KEY_EC_P521, BYTES(oid_p521), BYTES(spki_p521), 133 },
	{ KEY_ED25519, BYTES(oid_ed25519), BYTES(spki_ed25519), 32 },
	{ KEY_ED25519, BYTES(name_ed25519), BYTES(spki_ed25519), 32 },
};

struct bytes
curve_params(enum key_alg alg)
{
	for (size_t i = 0; i < countof(curves); i++)
		if (curves[i].alg == alg)
			return curves[i].params;
	return (struct bytes){ 0 };
}

bool
curve_by_params(struct bytes params, enum key_alg *out)
{
	for (size_t i = 0; i < countof(curves); i++) {
		if (!bytes_eq(curves[i].params, params))
			continue;
		*out = curves[i].alg;
		return true;
	}
	return false;
}

/* CKA_EC_POINT is an OCTET STRING (2.40 2.3.3); some modules give it bare. */
static struct bytes
bare_point(struct bytes v, size_t want)
{
	size_t head = want < 0x80 ? 2 : 3;

	if (v.n == want + head && v.p[0] == 0x04 && v.p[head - 1] == want &&
	    (head == 2 || v.p[1] == 0x81))
		return bytes_of(v.p + head, want);
	return v;
}

bool
spki_point(enum key_alg alg, struct bytes point, struct buf *out)
{
	for (size_t i = 0; i < countof(curves); i++) {
		if (curves[i].alg != alg)
			continue;
		point = bare_point(point, curves[i].point);
		if (point.n != curves[i].point)
			return false;
		buf_add_bytes(out, curves[i].prefix);
		buf_add_bytes(out, point);
		return true;
	}
	return false;
}

/* ---- RSA --------------------------------------------------------------- */

static void
der_add(struct buf *out, uint8_t tag, struct bytes v)
{
	buf_add_byte(out, tag);
	if (v.n >= 0x100) {
		buf_add_byte(out, 0x82);
		buf_add_byte(out, (uint8_t)(v.n >> 8));
	} else if (v.n >= 0x80) {
		buf_add_byte(out, 0x81);
	}
	buf_add_byte(out, (uint8_t)v.n);
	buf_add_bytes(out, v);
}

static void
der_add_uint(struct buf *out, struct bytes v)
{
	auto_buf struct buf body = { 0 };

	while (v.n > 1 && v.p[0] == 0) {
		v.p++;
		v.n--;
	}
	if ((v.p[0] & 0x80) != 0)
		buf_add_byte(&body, 0);
	buf_add_bytes(&body, v);
	der_add(out, 0x02, buf_bytes(&body));
}

bool
spki_rsa(struct bytes modulus, struct bytes exponent, struct buf *out)
{
	/* RFC 3279 2.3.1: rsaEncryption, NULL. */
	static const uint8_t alg[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
		0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	auto_buf struct buf ints = { 0 }, bits = { 0 }, body = { 0 };

	if (modulus.n == 0 || exponent.n == 0 ||
	    modulus.n > LIMIT_RSA_BITS_MAX / 8 + 1 || exponent.n > 8)
		return false;
	der_add_uint(&ints, modulus);
	der_add_uint(&ints, exponent);
	buf_add_byte(&bits, 0);
	der_add(&bits, 0x30, buf_bytes(&ints));
	buf_add(&body, alg, sizeof(alg));
	der_add(&body, 0x03, buf_bytes(&bits));
	der_add(out, 0x30, buf_bytes(&body));
	return true;
}

/* ---- decoding ---------------------------------------------------------- */

DEFINE_AUTO(pkey, EVP_PKEY *, EVP_PKEY_free)

static bool
key_type_of(const EVP_PKEY *k, struct bytes spki, struct key_type *out,
    struct error *e)
{
	int bits = EVP_PKEY_get_bits(k);

	*out = (struct key_type){ KEY_RSA, 0 };
	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA) {
		if (bits < LIMIT_RSA_BITS_MIN || bits > LIMIT_RSA_BITS_MAX)
			return error_set(e, FAIL_UNSUPPORTED,
			    "RSA key of %d bits", bits);
		out->bits = (unsigned)bits;
		return true;
	}
	for (size_t i = 0; i < countof(curves); i++) {
		struct bytes p = curves[i].prefix;

		if (spki.n != p.n + curves[i].point ||
		    !bytes_eq(bytes_of(spki.p, p.n), p))
			continue;
		out->alg = curves[i].alg;
		return true;
	}
	return error_set(e, FAIL_UNSUPPORTED, "public key of another kind");
}

EVP_PKEY *
spki_decode(struct bytes spki, struct key_type *type, struct error *e)
{
	const unsigned char *p = spki.p;
	auto_cleanup(pkey_cleanup) EVP_PKEY *k = NULL;

	if (spki.n <= LIMIT_HSM_ATTR_BYTES)
		k = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (k == NULL) {
		(void)error_ossl(e, "d2i_PUBKEY");
		return NULL;
	}
	if (p != spki.p + spki.n) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "bytes after the SubjectPublicKeyInfo");
		return NULL;
	}
	if (!key_type_of(k, spki, type, e))
		return NULL;
	return take(k);
}
