/* SPDX-License-Identifier: Apache-2.0 */

/* PKCS#10 (RFC 2986): csr_template.c decodes the frame and proves that it is DER;
 * the cursor here tells where each part lies. */
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/name.h>

#include "csr_template.h"
#include "internal.h"
#include "name_attr.h"

static const char *const csr_labels[] = { "CERTIFICATE REQUEST",
	"NEW CERTIFICATE REQUEST", NULL };

void
csr_free(struct csr *c)
{
	buf_free(&c->der);
	*c = (struct csr){ 0 };
}

/* The one block, or the DER. */
static bool
load(struct bytes in, struct buf *der, struct error *e)
{
	auto_buf struct buf second = { 0 };
	const char *label;
	struct error none;
	size_t at = 0;

	if (in.n > LIMIT_CSR_BYTES)
		return error_set(e, FAIL_BAD_INPUT, "%zu bytes, limit %d", in.n,
		    LIMIT_CSR_BYTES);
	if (is_der(in)) {
		buf_add_bytes(der, in);
		return true;
	}
	if (!pem_next(in, &at, csr_labels, der, &label, e))
		return e->why == FAIL_NOT_FOUND
		    ? error_set(e, FAIL_BAD_INPUT,
			  "neither DER nor a PEM block \"%s\"", csr_labels[0])
		    : false;
	/* A request is one: which of two was meant is not ours to guess. */
	if (pem_next(in, &at, csr_labels, &second, &label, &none) ||
	    none.why != FAIL_NOT_FOUND)
		return error_set(e, FAIL_BAD_INPUT,
		    "more than one PEM block \"%s\"", csr_labels[0]);
	return true;
}

/* RFC 2985 5.4.2: single-valued, the value is Extensions. */
static bool
extension_request(struct csr *c, struct bytes values, struct error *e)
{
	struct der_reader r;
	struct bytes one;
	uint8_t tag = 0;

	der_r_init(&r, values);
	one = der_r_any(&r, &tag);
	if (!der_r_done(&r))
		return error_set(e, FAIL_BAD_INPUT,
		    "extensionRequest: not exactly one value");
	if (!exts_parse(one, &c->exts, e))
		return error_context(e, "extensionRequest");
	return true;
}

/* RFC 2985 5.4.1. Its use is between a person and a CA; noted, never read. */
static bool
challenge_password(struct csr *c, struct bytes values, struct error *e)
{
	auto_buf struct buf utf8 = { 0 };
	struct der_reader r;
	uint8_t tag;

	der_r_init(&r, values);
	tag = (uint8_t)der_r_peek(&r);
	if (!name_value_utf8(tag, der_r_get(&r, tag), &utf8) || !der_r_done(&r))
		return error_set(e, FAIL_BAD_INPUT,
		    "challengePassword: not exactly one string");
	c->has_challenge = true;
	return true;
}

/* What we read; any other attribute is passed over. */
static const struct known {
	struct bytes oid;
	const char *name;
	bool (*read)(struct csr *c, struct bytes values, struct error *e);
} known[] = {
	{ { (const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e", 9 },
	    "extensionRequest", extension_request },
	{ { (const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07", 9 },
	    "challengePassword", challenge_password },
};

static bool
read_attribute(struct csr *c, struct bytes der, unsigned *seen, struct error *e)
{
	struct der_reader r;
	struct bytes oid, values;

	if (!der_unwrap(der, DER_SEQUENCE, &r))
		return error_set(e, FAIL_BAD_INPUT, "not an Attribute");
	oid = der_r_get(&r, DER_OID);
	values = der_r_get(&r, DER_SET);
	/* RFC 2986 4.1: values SET SIZE(1..MAX). */
	if (!der_r_done(&r) || values.n == 0)
		return error_set(e, FAIL_BAD_INPUT, "not an Attribute");
	for (size_t i = 0; i < countof(known); i++) {
		if (!bytes_eq(oid, known[i].oid))
			continue;
		if ((*seen & 1u << i) != 0)
			return error_set(e, FAIL_BAD_INPUT, "%s stands twice",
			    known[i].name);
		*seen |= 1u << i;
		return known[i].read(c, values, e);
	}
	return true;
}

static bool
read_attributes(struct csr *c, struct bytes attrs, struct error *e)
{
	struct der_reader r;
	unsigned seen = 0;
	uint8_t tag;

	der_r_init(&r, attrs);
	while (der_r_peek(&r) >= 0)
		if (!read_attribute(c, der_r_any(&r, &tag), &seen, e))
			return error_context(e, "attributes");
	return true;
}

static bool
read_info(struct csr *c, struct error *e)
{
	struct der_reader r;
	struct bytes key, attrs = { NULL, 0 };
	uint8_t subject_tag = 0, key_tag = 0;
	uint64_t version;

	if (!der_unwrap(c->info, DER_SEQUENCE, &r))
		return error_set(e, FAIL_BAD_INPUT,
		    "not a CertificationRequestInfo");
	version = der_r_uint(&r);
	if (r.failed || version != 0)
		return error_set(e, FAIL_BAD_INPUT, "version: not 0 (v1)");
	c->subject = der_r_any(&r, &subject_tag);
	key = der_r_any(&r, &key_tag);
	/* RFC 2986 4.1 wants the field; encoders that have nothing to put into
	 * it have left it out for decades. */
	if (der_r_peek(&r) >= 0)
		attrs = der_r_get(&r, DER_CONTEXT_CONSTRUCTED(0));
	if (!der_r_done(&r))
		return error_set(e, FAIL_BAD_INPUT,
		    "not a CertificationRequestInfo");
	if (!name_check(c->subject, e))
		return error_context(e, "subject");
	if (!spki_parse(key, &c->key, e))
		return error_context(e, "subjectPublicKeyInfo");
	return read_attributes(c, attrs, e);
}

static bool
read_request(struct csr *c, struct error *e)
{
	struct der_reader r;
	struct bytes alg;
	uint8_t info_tag = 0, alg_tag = 0;

	if (!csr_template_check(buf_bytes(&c->der), e) ||
	    !der_check(buf_bytes(&c->der), e))
		return false;
	if (!der_unwrap(buf_bytes(&c->der), DER_SEQUENCE, &r))
		return error_set(e, FAIL_BAD_INPUT,
		    "not a CertificationRequest");
	c->info = der_r_any(&r, &info_tag);
	alg = der_r_any(&r, &alg_tag);
	c->sig = der_r_bit_string(&r);
	if (!der_r_done(&r))
		return error_set(e, FAIL_BAD_INPUT,
		    "signature: not whole octets");
	/* The key comes first: of a DSA request one wants to hear that. */
	if (!read_info(c, e))
		return false;
	if (!sig_alg_by_der(alg, &c->alg))
		return error_set(e, FAIL_UNSUPPORTED,
		    "signatureAlgorithm: not one that is accepted");
	return true;
}

bool
csr_parse(struct bytes in, const char *file, struct csr *out, struct error *e)
{
	auto_csr struct csr c = { 0 };

	if (!load(in, &c.der, e) || !read_request(&c, e))
		return error_context(e, "%s", file);
	*out = c;
	c = (struct csr){ 0 };
	return true;
}

bool
csr_parse_info(struct bytes info, enum sig_alg alg, struct csr *out,
    struct error *e)
{
	/* Around a signature that does not matter; so long that the whole is told from
	 * text, however short the subject and key are. */
	static const uint8_t none[128];
	auto_buf struct buf whole = { 0 };

	cert_assemble(info, alg, bytes_of(none, sizeof(none)), &whole);
	return csr_parse(buf_bytes(&whole), "request", out, e);
}

bool
csr_verify(const struct csr *c, struct error *e)
{
	if (!spki_verify(&c->key, c->alg, c->info, c->sig, e))
		return error_context(e, "proof of possession");
	return true;
}
