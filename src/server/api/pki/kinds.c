/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of the engine, parsed once per version. */
#include <strings.h>

#include <chancery/base/text.h>

#include "ocsp.h"
#include "partition.h"

static const char *
text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

/* ---- usages ---- */

static const struct {
	const char *name;
	unsigned bit;
} usages[] = {
	{ "crl-signing", USAGE_CRL },
	{ "issuing-certificates", USAGE_ISSUE },
	{ "ocsp-signing", USAGE_OCSP },
	{ "read-only", USAGE_READ },
};

static bool
usage_word(const char *p, size_t n, unsigned *bits)
{
	for (size_t i = 0; i < countof(usages); i++)
		if (strlen(usages[i].name) == n &&
		    memcmp(usages[i].name, p, n) == 0) {
			*bits |= usages[i].bit;
			return true;
		}
	return false;
}

bool
usage_parse(const char *s, unsigned *out, struct error *e)
{
	/* Reading cannot be taken away, so it always stands there. */
	unsigned bits = USAGE_READ;

	while (*s != '\0') {
		size_t n = strcspn(s, ",");

		while (n > 0 && *s == ' ') {
			s++;
			n--;
		}
		if (n > 0 && !usage_word(s, n, &bits))
			return error_set(e, FAIL_BAD_INPUT,
			    "unknown name for usage at index: %.*s", (int)n, s);
		s += n + (s[n] == ',');
	}
	*out = bits;
	return true;
}

void
usage_text(unsigned bits, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < countof(usages); i++)
		if ((bits & usages[i].bit) != 0) {
			buf_addf(out, "%s%s", comma, usages[i].name);
			comma = ",";
		}
}

/* ---- algorithms of lists, in Go's words ---- */

static const struct {
	const char *name;
	enum sig_alg alg;
} algs[] = {
	{ "SHA256WithRSA", SIG_RSA_SHA256 },
	{ "SHA384WithRSA", SIG_RSA_SHA384 },
	{ "SHA512WithRSA", SIG_RSA_SHA512 },
	{ "SHA256WithRSAPSS", SIG_PSS_SHA256 },
	{ "SHA384WithRSAPSS", SIG_PSS_SHA384 },
	{ "SHA512WithRSAPSS", SIG_PSS_SHA512 },
	{ "ECDSAWithSHA256", SIG_ECDSA_SHA256 },
	{ "ECDSAWithSHA384", SIG_ECDSA_SHA384 },
	{ "ECDSAWithSHA512", SIG_ECDSA_SHA512 },
	{ "PureEd25519", SIG_ED25519 },
	{ "Ed25519", SIG_ED25519 },
};

static bool
same_family(enum sig_alg alg, struct key_type key)
{
	const struct sig_alg_info *a = sig_alg_info(alg),
				  *k = sig_alg_info(sig_alg_default(key));

	return a->rsa == k->rsa && a->ec == k->ec && a->ed25519 == k->ed25519;
}

bool
crl_alg_check(const char *name, struct key_type key, struct error *e)
{
	if (name[0] == '\0')
		return true;
	for (size_t i = 0; i < countof(algs); i++)
		if (strcasecmp(name, algs[i].name) == 0)
			return same_family(algs[i].alg, key) ||
			    error_set(e, FAIL_BAD_INPUT,
				"unable to use issuer of type %s to sign with "
				"%s",
				key_type_name(key), algs[i].name);
	return error_set(e, FAIL_BAD_INPUT,
	    "Unknown signature algorithm value: %.60s", name);
}

enum sig_alg
crl_alg_of(const struct issuer *i)
{
	for (size_t n = 0; n < countof(algs); n++)
		if (strcasecmp(i->crl_alg, algs[n].name) == 0 &&
		    sig_alg_fits(algs[n].alg, i->cert.tbs.key.type))
			return algs[n].alg;
	return sig_alg_default(i->cert.tbs.key.type);
}

/* ---- issuers ---- */

static void
issuer_free(void *parsed)
{
	struct issuer *i = parsed;

	mem_free(i->id);
	cert_free(&i->cert);
	buf_free(&i->pem);
	pki_texts_free(&i->manual_chain);
	pki_texts_free(&i->ca_urls);
	pki_texts_free(&i->crl_urls);
	pki_texts_free(&i->delta_urls);
	pki_texts_free(&i->ocsp);
	mem_free(i);
}

static bool
issuer_fill(struct issuer *i, const json_t *json, struct error *e)
{
	if (!cert_parse(bytes_str(text(json, "certificate")), "certificate",
		&i->cert, e))
		return false;
	if (!i->cert.tbs.key_ok)
		return error_set(e, FAIL_UNSUPPORTED,
		    "certificate: its key is of a kind that is not supported");
	i->key = sha256(i->cert.tbs.spki_der);
	spki_key_id(&i->cert.tbs.key, i->ski);
	i->self_signed = bytes_eq(i->cert.tbs.issuer, i->cert.tbs.subject);
	pem_encode("CERTIFICATE", buf_bytes(&i->cert.der), &i->pem);
	pki_texts_set(&i->manual_chain, json_object_get(json, "manual_chain"));
	pki_texts_set(&i->ca_urls,
	    json_object_get(json, "issuing_certificates"));
	pki_texts_set(&i->crl_urls,
	    json_object_get(json, "crl_distribution_points"));
	pki_texts_set(&i->delta_urls,
	    json_object_get(json, "delta_crl_distribution_points"));
	pki_texts_set(&i->ocsp, json_object_get(json, "ocsp_servers"));
	return usage_parse(text(json, "usage"), &i->usage, e) &&
	    (pki_beyond_parse(text(json, "leaf_not_after_behavior"),
		 &i->beyond) ||
		error_set(e, FAIL_BAD_INPUT,
		    "leaf_not_after_behavior: unknown"));
}

static void *
issuer_parse(const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	struct issuer *i = mem_calloc(1, sizeof(*i));

	(void)scope;
	i->id = mem_strdup(name);
	i->name = text(json, "name");
	i->key_id = text(json, "key_id");
	i->crl_alg = text(json, "revocation_signature_algorithm");
	i->templating =
	    json_is_true(json_object_get(json, "enable_aia_url_templating"));
	i->revoked_s = json_integer_value(json_object_get(json, "revoked"));
	if (issuer_fill(i, json, e))
		return i;
	issuer_free(i);
	return NULL;
}

/* ---- keys ---- */

static void
key_free(void *parsed)
{
	struct key *k = parsed;

	mem_free(k->id);
	buf_free(&k->spki_der);
	mem_free(k);
}

static void *
key_parse(const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	struct key *k = mem_calloc(1, sizeof(*k));
	const char *spki = text(json, "spki");

	(void)scope;
	k->id = mem_strdup(name);
	k->name = text(json, "name");
	k->imported = json_is_true(json_object_get(json, "imported"));
	if (base64_decode(spki, strlen(spki), &k->spki_der) &&
	    spki_parse(buf_bytes(&k->spki_der), &k->spki, e)) {
		k->key = sha256(buf_bytes(&k->spki_der));
		k->type = k->spki.type;
		spki_key_id(&k->spki, k->ski);
		return k;
	}
	(void)error_set(e, FAIL_BAD_INPUT, "pki-key: no public key");
	key_free(k);
	return NULL;
}

/* ---- roles ---- */

static void *
role_parse(const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	(void)scope;
	(void)name;
	return pki_role_parse(json, e);
}

static void
role_free(void *parsed)
{
	pki_role_free(parsed);
}

const struct doc_kind pki_doc_kinds[] = {
	{ "pki-issuer", issuer_parse, issuer_free },
	{ "pki-key", key_parse, key_free },
	{ "pki-role", role_parse, role_free },
	{ OCSP_KIND, ocsp_responder_parse, ocsp_responder_free },
	{ PARTITION_KIND, range_parse, range_free },
	{ NULL, NULL, NULL },
};
