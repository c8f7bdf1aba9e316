/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>

#include <chancery/base/crypto.h>
#include <chancery/pki/ocsp.h>

/* Contents of the OBJECT IDENTIFIERs. */
static const uint8_t oid_sha1[] = { 0x2b, 0x0e, 0x03, 0x02, 0x1a },
		     oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
			     0x02, 0x01 },
		     oid_sha384[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
			     0x02, 0x02 },
		     oid_sha512[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
			     0x02, 0x03 };

static const struct {
	struct bytes oid;
	enum digest_alg alg; /* not of SHA-1 */
} hashes[OCSP_HASH__COUNT] = {
	[OCSP_SHA1] = { { oid_sha1, sizeof(oid_sha1) }, 0 },
	[OCSP_SHA256] = { { oid_sha256, sizeof(oid_sha256) }, DIGEST_SHA256 },
	[OCSP_SHA384] = { { oid_sha384, sizeof(oid_sha384) }, DIGEST_SHA384 },
	[OCSP_SHA512] = { { oid_sha512, sizeof(oid_sha512) }, DIGEST_SHA512 },
};

size_t
ocsp_hash_of(enum ocsp_hash h, struct bytes in, uint8_t *out)
{
	unsigned n = 0;

	if (h != OCSP_SHA1)
		return digest_of(hashes[h].alg, in, out);
	if (EVP_Digest(in.p, in.n, out, &n, EVP_sha1(), NULL) != 1)
		fatal("SHA-1");
	return n;
}

bool
ocsp_hash_by_oid(struct bytes oid, enum ocsp_hash *out)
{
	for (size_t i = 0; i < countof(hashes); i++)
		if (bytes_eq(oid, hashes[i].oid)) {
			*out = (enum ocsp_hash)i;
			return true;
		}
	return false;
}
