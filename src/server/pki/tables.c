/* SPDX-License-Identifier: Apache-2.0 */

/* Words of the API for bits, purposes and keys. */
#include <string.h>
#include <strings.h>

#include <chancery/base/alg.h>
#include <chancery/base/alloc.h>
#include <chancery/base/limits.h>
#include <chancery/pki/der.h>
#include <chancery/pki/ext.h>
#include <chancery/server/pki_role.h>

/* Constants of Go's crypto/x509 without their prefix. */
static const struct {
	const char *name;
	unsigned bit;
} usages[] = {
	{ "DigitalSignature", KU_DIGITAL_SIGNATURE },
	{ "ContentCommitment", KU_NON_REPUDIATION },
	{ "KeyEncipherment", KU_KEY_ENCIPHERMENT },
	{ "DataEncipherment", KU_DATA_ENCIPHERMENT },
	{ "KeyAgreement", KU_KEY_AGREEMENT },
	{ "CertSign", KU_CERT_SIGN },
	{ "CRLSign", KU_CRL_SIGN },
	{ "EncipherOnly", KU_ENCIPHER_ONLY },
	{ "DecipherOnly", KU_DECIPHER_ONLY },
};

unsigned
pki_key_usage_bits(const struct pki_texts *names)
{
	unsigned bits = 0;

	for (size_t i = 0; i < names->n; i++)
		for (size_t j = 0; j < countof(usages); j++)
			if (strcasecmp(names->v[i], usages[j].name) == 0)
				bits |= usages[j].bit;
	return bits;
}

/* In the order of certificates; `flag` is the index of a role's flag. */
static const struct {
	const char *name, *oid;
	int flag;
} purposes[] = {
	{ "Any", "2.5.29.37.0", -1 },
	{ "ServerAuth", "1.3.6.1.5.5.7.3.1", 0 },
	{ "ClientAuth", "1.3.6.1.5.5.7.3.2", 1 },
	{ "CodeSigning", "1.3.6.1.5.5.7.3.3", 2 },
	{ "EmailProtection", "1.3.6.1.5.5.7.3.4", 3 },
	{ "IPSECEndSystem", "1.3.6.1.5.5.7.3.5", -1 },
	{ "IPSECTunnel", "1.3.6.1.5.5.7.3.6", -1 },
	{ "IPSECUser", "1.3.6.1.5.5.7.3.7", -1 },
	{ "TimeStamping", "1.3.6.1.5.5.7.3.8", -1 },
	{ "OCSPSigning", "1.3.6.1.5.5.7.3.9", -1 },
	{ "MicrosoftServerGatedCrypto", "1.3.6.1.4.1.311.10.3.3", -1 },
	{ "NetscapeServerGatedCrypto", "2.16.840.1.113730.4.1", -1 },
	{ "MicrosoftCommercialCodeSigning", "1.3.6.1.4.1.311.2.1.22", -1 },
	{ "MicrosoftKernelCodeSigning", "1.3.6.1.4.1.311.61.1.1", -1 },
};

const char *
pki_eku_oid(const char *name)
{
	for (size_t i = 0; i < countof(purposes); i++)
		if (strcasecmp(name, purposes[i].name) == 0)
			return purposes[i].oid;
	return NULL;
}

static bool
named(const struct pki_texts *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcasecmp(names->v[i], name) == 0)
			return true;
	return false;
}

static void
add_once(const char **v, size_t *n, const char *oid)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(v[i], oid) == 0)
			return;
	v[(*n)++] = oid;
}

const char **
pki_eku_list(const bool flags[4], const struct pki_texts *names,
    const struct pki_texts *oids, size_t *n)
{
	const char **v =
	    mem_calloc(countof(purposes) + oids->n + 1, sizeof(v[0]));

	*n = 0;
	for (size_t i = 0; i < countof(purposes); i++)
		if ((purposes[i].flag >= 0 && flags[purposes[i].flag]) ||
		    named(names, purposes[i].name))
			add_once(v, n, purposes[i].oid);
	for (size_t i = 0; i < oids->n; i++)
		add_once(v, n, oids->v[i]);
	return v;
}

/* P-224 is offered upstream; nobody else accepts such certificates. */
static const struct {
	const char *type;
	int64_t bits;
	struct key_type key;
} keys[] = {
	{ "rsa", 2048, { KEY_RSA, 2048 } },
	{ "rsa", 3072, { KEY_RSA, 3072 } },
	{ "rsa", 4096, { KEY_RSA, 4096 } },
	{ "rsa", 8192, { KEY_RSA, 8192 } },
	{ "ec", 256, { KEY_EC_P256, 0 } },
	{ "ec", 384, { KEY_EC_P384, 0 } },
	{ "ec", 521, { KEY_EC_P521, 0 } },
	{ "ed25519", 0, { KEY_ED25519, 0 } },
};

bool
pki_key_type(const char *type, int64_t bits, struct key_type *out,
    struct error *e)
{
	const char *shown = NULL;

	for (size_t i = 0; i < countof(keys); i++) {
		if (strcmp(type, keys[i].type) != 0)
			continue;
		shown = keys[i].key.alg == KEY_RSA ? "RSA" : "EC";
		/* The first of a type is its default; bits mean nothing to
		 * Ed25519. */
		if (bits == 0 || bits == keys[i].bits ||
		    keys[i].key.alg == KEY_ED25519) {
			*out = keys[i].key;
			return true;
		}
	}
	if (shown == NULL)
		return error_set(e, FAIL_BAD_INPUT, "unknown key type %.40s",
		    type);
	return error_set(e, FAIL_BAD_INPUT,
	    "unsupported bit length for %s key: %lld", shown, (long long)bits);
}

bool
pki_oid_valid(const char *dotted)
{
	return der_oid_valid(dotted);
}
