/* SPDX-License-Identifier: Apache-2.0 */

/* SubjectPublicKeyInfo (RFC 5280 4.1.2.7) without libcrypto's decoder. */
#include <chancery/base/limits.h>
#include <chancery/pki/der.h>
#include <chancery/pki/spki.h>
#include <chancery/pki/weak.h>

#include "ossl.h"

#define DER(s)                                                                 \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

/*
 * The whole AlgorithmIdentifier, compared as bytes: explicit curve parameters,
 * a missing NULL or a different curve cannot slip through. RFC 3279 2.3.1 and
 * RFC 5480 2.1.1, RFC 8410 3.
 */
static const struct {
	enum key_alg alg;
	struct bytes der;
	size_t point; /* octets of subjectPublicKey; 0: any */
} algs[] = {
	{ KEY_RSA,
	    DER("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
		"\x05\x00"),
	    0 },
	{ KEY_EC_P256,
	    DER("\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06"
		"\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
	    65 },
	{ KEY_EC_P384,
	    DER("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06"
		"\x05\x2b\x81\x04\x00\x22"),
	    97 },
	{ KEY_EC_P521,
	    DER("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06"
		"\x05\x2b\x81\x04\x00\x23"),
	    EC_POINT_MAX },
	{ KEY_ED25519, DER("\x30\x05\x06\x03\x2b\x65\x70"), 32 },
};

/* What people do send, so that the answer tells them what is wrong with it:
 * keytool of Java 8 and 11 makes DSA keys unless told otherwise. */
static const struct {
	const char *oid, *what;
} known_algs[] = {
	{ "1.2.840.10040.4.1", "DSA keys are not accepted" },
	{ "1.2.840.113549.1.1.1", "RSA parameters are not NULL" },
	{ "1.2.840.113549.1.1.10", "keys tied to RSASSA-PSS are not accepted" },
	{ "1.2.840.10045.2.1",
	    "EC parameters are not one of the named curves P-256, P-384, "
	    "P-521" },
	{ "1.3.101.112", "Ed25519 takes no parameters" },
	{ "1.3.101.110", "X25519 keys cannot sign" },
	{ "1.3.101.113", "Ed448 keys are not accepted" },
};

static bool
refuse_alg(struct bytes id, struct error *e)
{
	struct der_reader r, in;
	char oid[128];

	der_r_init(&r, id);
	der_r_init(&in, der_r_get(&r, DER_SEQUENCE));
	if (!der_oid_text(der_r_get(&in, DER_OID), oid, sizeof(oid)) ||
	    in.failed)
		return error_set(e, FAIL_BAD_INPUT, "algorithm: malformed");
	for (size_t i = 0; i < countof(known_algs); i++)
		if (strcmp(oid, known_algs[i].oid) == 0)
			return error_set(e, FAIL_UNSUPPORTED, "algorithm: %s",
			    known_algs[i].what);
	return error_set(e, FAIL_UNSUPPORTED, "algorithm: %s is unknown", oid);
}

/* INTEGER contents that must be positive; the sign octet is dropped. */
static bool
positive(struct bytes content, struct bytes *magnitude)
{
	if (content.n == 0 || (content.p[0] & 0x80) != 0)
		return false;
	if (content.p[0] == 0)
		content = bytes_of(content.p + 1, content.n - 1);
	*magnitude = content;
	return content.n != 0;
}

static unsigned
bit_length(struct bytes m)
{
	return (unsigned)(8 * m.n) - (unsigned)__builtin_clz(m.p[0]) + 24;
}

/* RSAPublicKey (RFC 8017 A.1.1). The limits come before any arithmetic: a huge
 * modulus or exponent is a denial of service. */
static bool
parse_rsa(struct spki *k, struct error *e)
{
	struct der_reader r, in;
	struct bytes n, ex;

	der_r_init(&r, k->point);
	der_r_init(&in, der_r_get(&r, DER_SEQUENCE));
	n = der_r_integer(&in);
	ex = der_r_integer(&in);
	if (!der_r_done(&in) || !der_r_done(&r))
		return error_set(e, FAIL_BAD_INPUT,
		    "RSA public key: not an RSAPublicKey in DER");
	if (!positive(n, &k->modulus))
		return error_set(e, FAIL_BAD_INPUT,
		    "RSA modulus: not positive");
	if (!positive(ex, &k->exponent))
		return error_set(e, FAIL_BAD_INPUT,
		    "RSA exponent: not positive");
	k->type.bits = bit_length(k->modulus);
	if (k->type.bits < LIMIT_RSA_BITS_MIN ||
	    k->type.bits > LIMIT_RSA_BITS_MAX)
		return error_set(e, FAIL_REFUSED,
		    "RSA modulus: %u bits, %d to %d are accepted", k->type.bits,
		    LIMIT_RSA_BITS_MIN, LIMIT_RSA_BITS_MAX);
	if ((k->modulus.p[k->modulus.n - 1] & 1) == 0)
		return error_set(e, FAIL_REFUSED, "RSA modulus: even");
	if ((k->exponent.p[k->exponent.n - 1] & 1) == 0)
		return error_set(e, FAIL_REFUSED, "RSA exponent: even");
	if (bit_length(k->exponent) < 17)
		return error_set(e, FAIL_REFUSED, "RSA exponent: below 65537");
	if (bit_length(k->exponent) > LIMIT_RSA_EXPONENT_BITS)
		return error_set(e, FAIL_REFUSED, "RSA exponent: over %d bits",
		    LIMIT_RSA_EXPONENT_BITS);
	return true;
}

/* RFC 5480 2.2: uncompressed only; the length already excludes infinity,
 * which libcrypto would take. That the point lies on the curve is checked
 * where libcrypto builds the key. */
static bool
parse_point(struct spki *k, size_t want, struct error *e)
{
	if (k->point.n != want)
		return error_set(e, FAIL_BAD_INPUT,
		    "public key: %zu octets, a %s key has %zu", k->point.n,
		    key_type_name(k->type), want);
	if (k->type.alg == KEY_ED25519)
		return true;
	if (k->point.p[0] != 0x04)
		return error_set(e, FAIL_BAD_INPUT,
		    "EC point: not in uncompressed form");

	auto_pkey EVP_PKEY *pkey = spki_pkey_once(k, e);

	return pkey != NULL;
}

static bool
parse_key(struct spki *k, struct bytes alg_id, struct error *e)
{
	for (size_t i = 0; i < countof(algs); i++) {
		if (!bytes_eq(alg_id, algs[i].der))
			continue;
		k->type.alg = algs[i].alg;
		return algs[i].point == 0 ? parse_rsa(k, e)
					  : parse_point(k, algs[i].point, e);
	}
	return refuse_alg(alg_id, e);
}

bool
spki_parse(struct bytes der, struct spki *out, struct error *e)
{
	struct spki k = { .der = der };
	struct der_reader r, in;
	struct bytes alg_id, bits;
	uint8_t tag = 0;

	der_r_init(&r, der);
	der_r_init(&in, der_r_get(&r, DER_SEQUENCE));
	alg_id = der_r_any(&in, &tag);
	bits = der_r_get(&in, DER_BIT_STRING);
	if (!der_r_done(&in) || !der_r_done(&r) || tag != DER_SEQUENCE)
		return error_set(e, FAIL_BAD_INPUT,
		    "not a SubjectPublicKeyInfo in DER");
	if (bits.n < 2 || bits.p[0] != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "public key: empty, or not whole octets");
	k.point = bytes_of(bits.p + 1, bits.n - 1);
	if (!parse_key(&k, alg_id, e))
		return false;
	*out = k;
	return true;
}

bool
spki_check_strong(const struct spki *k, struct error *e)
{
	const struct weak_rule *w = weak_find(k);

	if (w != NULL)
		return error_set(e, FAIL_REFUSED, "weak key: %s (%s)", w->name,
		    w->source);
	return true;
}

void
spki_key_id(const struct spki *k, uint8_t out[20])
{
	if (EVP_Digest(k->point.p, k->point.n, out, NULL, EVP_sha1(), NULL) !=
	    1)
		fatal("libcrypto has no SHA-1");
}
