/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/alg.h>

/* AlgorithmIdentifier encodings, whole. RSA PKCS#1 v1.5 has NULL parameters (RFC
 * 8017 A.2.4), ECDSA and Ed25519 none (RFC 5758 3.2, RFC 8410 3). RSASSA-PSS as RFC
 * 4055 3.1 and 3.3: hash with NULL parameters, MGF1 with the same hash, salt as
 * long as the hash, trailer field by default. */
#define DER(...)                                                               \
	{                                                                      \
		(const uint8_t[]){ __VA_ARGS__ },                              \
		    sizeof((const uint8_t[]){ __VA_ARGS__ })                   \
	}
#define RSA_DER(x)                                                             \
	DER(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,  \
	    0x01, x, 0x05, 0x00)
#define ECDSA_DER(x)                                                           \
	DER(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, x)
#define HASH_DER(x)                                                            \
	0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,      \
	    0x02, x, 0x05, 0x00
#define PSS_DER(x, salt)                                                       \
	DER(0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,  \
	    0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, HASH_DER(x), 0xa1, 0x1c, 0x30, \
	    0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,  \
	    0x08, HASH_DER(x), 0xa2, 0x03, 0x02, 0x01, salt)

static const struct sig_alg_info algs[] = {
	[SIG_RSA_SHA256] = { .name = "rsa-sha256",
	    .rsa = true,
	    .prehash = true,
	    .digest = DIGEST_SHA256,
	    .der = RSA_DER(0x0b) },
	[SIG_RSA_SHA384] = { .name = "rsa-sha384",
	    .rsa = true,
	    .prehash = true,
	    .digest = DIGEST_SHA384,
	    .der = RSA_DER(0x0c) },
	[SIG_RSA_SHA512] = { .name = "rsa-sha512",
	    .rsa = true,
	    .prehash = true,
	    .digest = DIGEST_SHA512,
	    .der = RSA_DER(0x0d) },
	[SIG_PSS_SHA256] = { .name = "rsa-pss-sha256",
	    .rsa = true,
	    .pss = true,
	    .prehash = true,
	    .digest = DIGEST_SHA256,
	    .der = PSS_DER(0x01, 0x20) },
	[SIG_PSS_SHA384] = { .name = "rsa-pss-sha384",
	    .rsa = true,
	    .pss = true,
	    .prehash = true,
	    .digest = DIGEST_SHA384,
	    .der = PSS_DER(0x02, 0x30) },
	[SIG_PSS_SHA512] = { .name = "rsa-pss-sha512",
	    .rsa = true,
	    .pss = true,
	    .prehash = true,
	    .digest = DIGEST_SHA512,
	    .der = PSS_DER(0x03, 0x40) },
	[SIG_ECDSA_SHA256] = { .name = "ecdsa-sha256",
	    .ec = true,
	    .prehash = true,
	    .digest = DIGEST_SHA256,
	    .der = ECDSA_DER(0x02) },
	[SIG_ECDSA_SHA384] = { .name = "ecdsa-sha384",
	    .ec = true,
	    .prehash = true,
	    .digest = DIGEST_SHA384,
	    .der = ECDSA_DER(0x03) },
	[SIG_ECDSA_SHA512] = { .name = "ecdsa-sha512",
	    .ec = true,
	    .prehash = true,
	    .digest = DIGEST_SHA512,
	    .der = ECDSA_DER(0x04) },
	[SIG_ED25519] = { .name = "ed25519",
	    .ed25519 = true,
	    .der = DER(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70) },
};
_Static_assert(countof(algs) == SIG_ALG__COUNT, "one row per sig_alg");

const struct sig_alg_info *
sig_alg_info(enum sig_alg alg)
{
	return &algs[alg];
}

bool
sig_alg_by_name(const char *name, enum sig_alg *out)
{
	unsigned i;

	for (i = 0; i < countof(algs); i++)
		if (strcmp(algs[i].name, name) == 0) {
			*out = (enum sig_alg)i;
			return true;
		}
	return false;
}

bool
sig_alg_by_der(struct bytes der, enum sig_alg *out)
{
	unsigned i;

	for (i = 0; i < countof(algs); i++)
		if (bytes_eq(algs[i].der, der)) {
			*out = (enum sig_alg)i;
			return true;
		}
	return false;
}

bool
sig_alg_fits(enum sig_alg alg, struct key_type type)
{
	switch (type.alg) {
	case KEY_RSA:
		return algs[alg].rsa;
	case KEY_EC_P256:
		return alg == SIG_ECDSA_SHA256;
	case KEY_EC_P384:
		return alg == SIG_ECDSA_SHA384;
	case KEY_EC_P521:
		return alg == SIG_ECDSA_SHA512;
	case KEY_ED25519:
		return alg == SIG_ED25519;
	case KEY_ALG__COUNT:
		break;
	}
	return false;
}

size_t
key_signature_max(struct key_type type)
{
	static const size_t fixed[KEY_ALG__COUNT] = { [KEY_EC_P256] = 72,
		[KEY_EC_P384] = 104,
		[KEY_EC_P521] = 139,
		[KEY_ED25519] = 64 };

	return type.alg == KEY_RSA ? type.bits / 8 : fixed[type.alg];
}

enum sig_alg
sig_alg_default(struct key_type type)
{
	switch (type.alg) {
	case KEY_EC_P256:
		return SIG_ECDSA_SHA256;
	case KEY_EC_P384:
		return SIG_ECDSA_SHA384;
	case KEY_EC_P521:
		return SIG_ECDSA_SHA512;
	case KEY_ED25519:
		return SIG_ED25519;
	case KEY_RSA:
	case KEY_ALG__COUNT:
		break;
	}
	return SIG_RSA_SHA256;
}

static const struct {
	const char *name;
	struct key_type type;
} types[] = {
	{ "rsa-2048", { KEY_RSA, 2048 } },
	{ "rsa-3072", { KEY_RSA, 3072 } },
	{ "rsa-4096", { KEY_RSA, 4096 } },
	{ "ec-p256", { KEY_EC_P256, 0 } },
	{ "ec-p384", { KEY_EC_P384, 0 } },
	{ "ed25519", { KEY_ED25519, 0 } },
	/* Below: requests only. */
	{ "ec-p521", { KEY_EC_P521, 0 } },
};
#define GENERATED 6

const char *
key_type_name(struct key_type type)
{
	static _Thread_local char text[24];
	unsigned i;

	for (i = 0; i < countof(types); i++)
		if (types[i].type.alg == type.alg &&
		    types[i].type.bits == type.bits)
			return types[i].name;
	(void)snprintf(text, sizeof(text), "rsa-%u", type.bits);
	return text;
}

bool
key_type_by_name(const char *name, struct key_type *out)
{
	unsigned i;

	for (i = 0; i < countof(types); i++)
		if (strcmp(types[i].name, name) == 0) {
			*out = types[i].type;
			return true;
		}
	return false;
}

bool
key_type_can_generate(struct key_type type)
{
	unsigned i;

	for (i = 0; i < GENERATED; i++)
		if (types[i].type.alg == type.alg &&
		    types[i].type.bits == type.bits)
			return true;
	return false;
}
