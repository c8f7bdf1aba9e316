/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile request through the PKI engine: by a role that allows everything, by one that
 * allows little, and as it is. What comes out is a certificate that our own strict reader
 * takes, and never an authority's. */
#include <assert.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>
#include <chancery/server/pki_cert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct pki_role *narrow;
static struct pki_template *leaf;
static struct buf issuer;

static void
setup(void)
{
	static const uint8_t spki[] = { DER_SEQUENCE, 0 };
	struct pki_issuer_part part = { .spki = bytes_of(spki, 2),
		.alg = SIG_ECDSA_SHA256,
		.from_s = 1,
		.to_s = INT64_C(4000000000) };
	struct pki_extensions x = { .path_len = -1,
		.key_usage = KU_DIGITAL_SIGNATURE };
	json_t *in = json_pack("{s:[s],s:b,s:[s]}", "allowed_domains",
	    "example.com", "allow_subdomains", 1, "allowed_uri_sans", "urn:*");
	json_t *doc = pki_role_document(in);
	struct error e;
	bool lease;

	assert(pki_role_normalise(doc, &lease, &e));
	narrow = pki_role_parse(doc, &e);
	json_decref(in);
	json_decref(doc);
	assert(narrow != NULL && name_parse("CN=Issuer", &issuer, &e));
	part.name = buf_bytes(&issuer);
	leaf = pki_template_new(&part, &x, &e);
	assert(leaf != NULL);
}

static void
write_one(const struct csr *c, const struct pki_names *names,
    struct bytes subject, const struct exts *copy)
{
	static const uint8_t serial[20] = { 0x11 };
	struct pki_cert_request r = { .serial = bytes_of(serial, 20),
		.from_s = 1000,
		.to_s = 2000,
		.subject = subject,
		.key = &c->key,
		.san = names->san,
		.san_n = names->san_n,
		.copy = copy,
		.now_s = 1500 };
	auto_buf struct buf tbs = { 0 };
	struct tbs_view v;
	struct error e;

	if (!pki_template_write(leaf, &r, &tbs, &e)) {
		assert(tbs.n == 0);
		return;
	}
	assert(tbs_parse(buf_bytes(&tbs), &v, &e));
	assert(!v.is_ca && (v.key_usage & KU_CERT_SIGN) == 0);
}

static void
by_role(const struct csr *c, const struct pki_role *role)
{
	struct pki_names_in in = { .role = role,
		.csr = c,
		.common_name = "",
		.serial_number = "" };
	auto_buf struct buf subject = { 0 };
	struct pki_subject s;
	struct pki_names names;
	struct error e;

	if (pki_names_make(&in, &names, &e)) {
		pki_subject_of_role(role, &names, &s);
		if (pki_subject_encode(&s, &subject, &e))
			write_one(c, &names, buf_bytes(&subject), NULL);
		names.san_n = 0;
		write_one(c, &names, c->subject, &c->exts);
	}
	pki_names_free(&names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_csr struct csr c = { 0 };
	struct error e;

	if (leaf == NULL)
		setup();
	if (!csr_parse(bytes_of(p, n), "fuzz", &c, &e))
		return 0;
	by_role(&c, narrow);
	by_role(&c, pki_role_open());
	return 0;
}
