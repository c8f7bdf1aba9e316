/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include <chancery/base/crypto.h>
#include <chancery/kafka/store.h>
#include <chancery/pki/name.h>

#include "key.h"

/* Oracle's trustedKeyUsage, as keytool writes it: with anyExtendedKeyUsage. Without it Java
 * sees no entry in a trust store. */
#define TRUSTED_KEY_USAGE "2.16.840.1.113894.746875.1.1"
/* keytool's number. More only costs those who open it: passwords of stores lie in files beside
 * them. Java takes 5,000,000 at most. */
#define ITERATIONS 10000
#define SALT_BYTES 16

struct scheme {
	int nid; /* of PBES2: the cipher                        */
	const EVP_MD *mac;
};

static struct scheme
scheme_of(const struct kafka_p12 *opt)
{
	if (opt->legacy)
		return (struct scheme){ NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
			EVP_sha1() };
	return (struct scheme){ NID_aes_256_cbc, EVP_sha256() };
}

static void
bags_free(STACK_OF(PKCS12_SAFEBAG) *bags)
{
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}
DEFINE_AUTO(bags, STACK_OF(PKCS12_SAFEBAG) *, bags_free)
static void
safes_free(STACK_OF(PKCS7) *safes)
{
	sk_PKCS7_pop_free(safes, PKCS7_free);
}
DEFINE_AUTO(safes, STACK_OF(PKCS7) *, safes_free)
#define auto_bags auto_cleanup(bags_cleanup)
#define auto_safes auto_cleanup(safes_cleanup)

static const char *
text_of(const struct secret *s)
{
	return s != NULL ? (const char *)secret_data(s) : NULL;
}

static PKCS12_SAFEBAG *
add_cert(STACK_OF(PKCS12_SAFEBAG) **bags, const struct cert *c)
{
	auto_x509 X509 *x = kafka_x509(c);

	return x != NULL ? PKCS12_add_cert(bags, x) : NULL;
}

/* What joins key and leaf: the SHA-1 of the certificate, as OpenSSL's CLI has it. */
static void
key_id(const struct cert *leaf, uint8_t id[20])
{
	auto_x509 X509 *x = kafka_x509(leaf);
	unsigned n = 20;

	if (x == NULL || X509_digest(x, EVP_sha1(), id, &n) != 1)
		fatal("no digest of a certificate");
}

static bool
add_leaf(STACK_OF(PKCS12_SAFEBAG) **bags, const struct cert *c,
    const char *alias, struct error *e)
{
	PKCS12_SAFEBAG *bag = add_cert(bags, c);
	uint8_t id[20];

	if (bag == NULL)
		return error_ossl(e, "PKCS#12 certificate");
	key_id(c, id);
	return (PKCS12_add_localkeyid(bag, id, sizeof(id)) == 1 &&
		   PKCS12_add_friendlyname_utf8(bag, alias, -1) == 1) ||
	    error_ossl(e, "PKCS#12 attributes");
}

/* Leaf and intermediates, encrypted, as one part of `safes`. */
static bool
pack_chain(STACK_OF(PKCS7) **safes, const struct kafka_bundle *b,
    const struct kafka_p12 *opt, const char *password, struct error *e)
{
	auto_bags STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	const struct cert *c;

	if (!add_leaf(&bags, kafka_bundle_chain(b, 0), opt->alias, e))
		return false;
	for (size_t i = 1; (c = kafka_bundle_chain(b, i)) != NULL; i++)
		if (add_cert(&bags, c) == NULL)
			return error_ossl(e, "PKCS#12 certificate");
	return PKCS12_add_safe(safes, bags, scheme_of(opt).nid, ITERATIONS,
		   password) == 1 ||
	    error_ossl(e, "PKCS#12");
}

/* The key is encrypted for itself, in a part that is not. */
static bool
pack_key(STACK_OF(PKCS7) **safes, const struct kafka_bundle *b,
    const struct kafka_p12 *opt, const char *password, struct error *e)
{
	auto_bags STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	PKCS12_SAFEBAG *bag = PKCS12_add_key(&bags, kafka_bundle_key(b), 0,
	    ITERATIONS, scheme_of(opt).nid, password);
	uint8_t id[20];

	if (bag == NULL)
		return error_ossl(e, "PKCS#12 key");
	key_id(kafka_bundle_chain(b, 0), id);
	return (PKCS12_add_localkeyid(bag, id, sizeof(id)) == 1 &&
		   PKCS12_add_friendlyname_utf8(bag, opt->alias, -1) == 1 &&
		   PKCS12_add_safe(safes, bags, -1, 0, NULL) == 1) ||
	    error_ossl(e, "PKCS#12");
}

static bool
finish(STACK_OF(PKCS7) *safes, const struct kafka_p12 *opt,
    const char *password, struct buf *out, struct error *e)
{
	auto_pkcs12 PKCS12 *p12 = PKCS12_add_safes(safes, 0);
	uint8_t salt[SALT_BYTES];
	unsigned char *der = NULL;
	int n;

	random_bytes(salt, sizeof(salt));
	if (p12 == NULL ||
	    (password != NULL &&
		PKCS12_set_mac(p12, password, -1, salt, sizeof(salt),
		    ITERATIONS, scheme_of(opt).mac) != 1) ||
	    (n = i2d_PKCS12(p12, &der)) <= 0)
		return error_ossl(e, "PKCS#12");
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	return true;
}

static bool
make_key_store(const struct kafka_bundle *b, const struct kafka_p12 *opt,
    const char *password, struct buf *out, struct error *e)
{
	auto_safes STACK_OF(PKCS7) *safes = NULL;

	return pack_chain(&safes, b, opt, password, e) &&
	    pack_key(&safes, b, opt, password, e) &&
	    finish(safes, opt, password, out, e);
}

bool
kafka_key_p12(const struct kafka_bundle *b, const struct kafka_p12 *opt,
    struct buf *out, struct error *e)
{
	struct secret *password;
	bool ok;

	if (opt->password == NULL)
		return error_set(e, FAIL_USAGE,
		    "a PKCS#12 key store needs a password: Kafka opens none "
		    "without");
	if (!kafka_alias_check(opt->alias, e) ||
	    !kafka_password_check(opt->password, e))
		return false;
	password = password_terminated(opt->password);
	ok = make_key_store(b, opt, text_of(password), out, e);
	secret_free(password);
	return ok;
}

bool
kafka_p12_is_password(struct bytes der, const struct secret *password)
{
	const unsigned char *p = der.p;
	auto_pkcs12 PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)der.n);
	struct secret *text = password_terminated(password);
	bool is = p12 != NULL && PKCS12_mac_present(p12) == 1 &&
	    PKCS12_verify_mac(p12, text_of(text), -1) == 1;
	struct error ignored;

	if (!is)
		(void)error_ossl(&ignored, "PKCS#12");
	secret_free(text);
	return is;
}

/* ---- trust ------------------------------------------------------------------- */

static bool
add_trusted(STACK_OF(PKCS12_SAFEBAG) **bags, const struct cert *c,
    const char *alias, struct error *e)
{
	PKCS12_SAFEBAG *bag = add_cert(bags, c);
	ASN1_OBJECT *any = OBJ_nid2obj(NID_anyExtendedKeyUsage);

	return (bag != NULL &&
		   PKCS12_add_friendlyname_utf8(bag, alias, -1) == 1 &&
		   PKCS12_add1_attr_by_txt(bag, TRUSTED_KEY_USAGE,
		       V_ASN1_OBJECT, (const unsigned char *)any, -1) == 1) ||
	    error_ossl(e, "PKCS#12 trusted certificate");
}

static bool
make_trust_store(const struct kafka_bundle *b, const struct kafka_p12 *opt,
    const char *password, struct buf *out, struct error *e)
{
	auto_bags STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	auto_safes STACK_OF(PKCS7) *safes = NULL;
	const struct cert *c;

	for (size_t i = 0; (c = kafka_bundle_anchor(b, i)) != NULL; i++) {
		auto_mem char *alias = i == 0
		    ? mem_strdup(opt->alias)
		    : mem_printf("%s-%zu", opt->alias, i + 1);

		if (!add_trusted(&bags, c, alias, e))
			return false;
	}
	if (PKCS12_add_safe(&safes, bags,
		password != NULL ? scheme_of(opt).nid : -1, ITERATIONS,
		password) != 1)
		return error_ossl(e, "PKCS#12");
	return finish(safes, opt, password, out, e);
}

bool
kafka_trust_p12(const struct kafka_bundle *b, const struct kafka_p12 *opt,
    struct buf *out, struct error *e)
{
	struct secret *password;
	bool ok;

	if (kafka_bundle_anchor(b, 0) == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "there is no trusted authority");
	if (!kafka_alias_check(opt->alias, e) ||
	    (opt->password != NULL && !kafka_password_check(opt->password, e)))
		return false;
	password =
	    opt->password != NULL ? password_terminated(opt->password) : NULL;
	ok = make_trust_store(b, opt, text_of(password), out, e);
	secret_free(password);
	return ok;
}
