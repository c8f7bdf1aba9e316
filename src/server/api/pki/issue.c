/* SPDX-License-Identifier: Apache-2.0 */
/* issue, sign, sign-verbatim (vault-pki-api.md 4.2, 4.3). */
#include <openssl/evp.h>

#include "engine.h"

/* The path's issuer; NULL: what the role says. */
static const char *
path_issuer(const struct call *c)
{
	const char *ref = json_string_value(call_get(c, "ref"));

	return ref != NULL && ref[0] != '\0' ? ref : NULL;
}

static bool
take_life(struct call *c, struct work *w, bool may_begin, struct error *e)
{
	const struct tbs_view *issuer = &w->way->issuer->cert.tbs;
	struct pki_validity_in in = { .role = w->way->role,
		.now_s = c->now_s,
		.ttl_s = call_int(c, "ttl"),
		.not_after = call_str(c, "not_after"),
		.not_before = may_begin ? call_str(c, "not_before") : "",
		.mount_default_s = c->mount->default_ttl_s,
		.mount_max_s = c->mount->max_ttl_s,
		.issuer_from_s = issuer->not_before_s,
		.issuer_to_s = issuer->not_after_s,
		.beyond = w->way->issuer->beyond };

	if (!pki_validity(&in, &w->life, e))
		return false;
	warn_all(c, &w->life.warnings);
	return true;
}

/* Names and subject by the role's rules. */
static bool
take_names(struct call *c, struct work *w, struct error *e)
{
	const struct pki_role *r = w->way->role;
	struct pki_names_in in;
	struct pki_subject s;

	names_in_of(c, r, w->has_csr ? &w->csr : NULL, &in);
	if (!pki_names_make(&in, &w->names, e))
		return false;
	warn_all(c, &w->names.warnings);
	pki_subject_of_role(r, &w->names, &s);
	if (!pki_subject_encode(&s, &w->subject, e))
		return false;
	return w->subject.n > 2 || w->names.san_n > 0 ||
	    error_set(e, FAIL_BAD_INPUT,
		"the certificate would have neither a subject nor a subject "
		"alternative name");
}

static bool
take_way(struct call *c, struct work *w, const char *role, struct error *e)
{
	w->way = way_get(c, role, path_issuer(c), e);
	if (w->way == NULL)
		return false;
	w->hsm_key = w->way->issuer->key;
	w->alg = w->way->alg;
	w->profile = w->way->profile;
	return true;
}

/* ---- sign -------------------------------------------------------------------- */

static void
answer_sign(struct call *c)
{
	call_ok(c, cert_answer(c, work_of(c), false, NULL));
}

static bool
take_csr(struct call *c, struct work *w, struct error *e)
{
	w->has_csr = pki_csr_read(call_str(c, "csr"), &w->csr, e);
	w->key = w->csr.key;
	return w->has_csr;
}

/* After the names (5.2): who may not have the name need not prove anything. */
static bool
check_possession(const struct work *w, struct error *e)
{
	struct error why;

	return csr_verify(&w->csr, &why) ||
	    error_set(e, FAIL_BAD_INPUT, "request signature invalid");
}

static void
warn_about_csr(struct call *c, const struct work *w)
{
	if (exts_find(&w->csr.exts, EXT_BASIC_CONSTRAINTS) != NULL &&
	    !w->way->role->basic_constraints_valid_for_non_ca)
		call_warn(c,
		    "specified CSR contained a Basic Constraints extension "
		    "that was ignored during issuance");
}

static bool
prepare_sign(struct call *c, struct work *w, struct error *e)
{

	if (!take_way(c, w, call_str(c, "role"), e) ||
	    !form_parse(call_str(c, "format"), &w->form, e) ||
	    !take_csr(c, w, e) || !pki_csr_fits(&w->csr, w->way->role, e) ||
	    !take_names(c, w, e) || !take_life(c, w, false, e) ||
	    !check_possession(w, e))
		return false;
	warn_about_csr(c, w);
	return true;
}

void
sign_leaf(struct call *c)
{
	struct work *w = work_new(c);
	struct error e;

	w->answer = answer_sign;
	if (prepare_sign(c, w, &e))
		work_sign(c);
	else
		call_fail(c, &e);
}

/* ---- sign-verbatim -------------------------------------------------------------- */

struct verbatim {
	struct pki_texts ku, names, oids;
	const char **eku;
};

static void
verbatim_free(struct verbatim *v)
{
	mem_free(v->eku);
	pki_texts_free(&v->ku);
	pki_texts_free(&v->names);
	pki_texts_free(&v->oids);
}

/* Extensions by fields; those of the CSR replace them when the TBS is written. */
static bool
verbatim_template(struct call *c, struct work *w, struct error *e)
{
	static const bool no_flags[4];
	auto_cleanup(verbatim_free) struct verbatim v = { 0 };
	struct pki_extensions x = { .path_len = -1,
		.ocsp = &w->way->ocsp,
		.ca_urls = &w->way->ca_urls,
		.crl_urls = &w->way->crl_urls };
	struct pki_issuer_part part;

	pki_texts_set(&v.ku, call_list(c, "key_usage"));
	pki_texts_set(&v.names, call_list(c, "ext_key_usage"));
	pki_texts_set(&v.oids, call_list(c, "ext_key_usage_oids"));
	if (!oids_check(&v.oids, e))
		return false;
	x.key_usage = pki_key_usage_bits(&v.ku) & ~(unsigned)KU_CERT_SIGN;
	x.basic_constraints =
	    call_bool(c, "basic_constraints_valid_for_non_ca") ||
	    w->way->role->basic_constraints_valid_for_non_ca;
	x.eku = v.eku = pki_eku_list(no_flags, &v.names, &v.oids, &x.eku_n);
	way_issuer_part(w->way, &part);
	part.alg = w->alg = pki_sig_alg(w->way->issuer->cert.tbs.key.type,
	    call_int(c, "signature_bits"), call_bool(c, "use_pss"));
	w->own = pki_template_new(&part, &x, e);
	return w->own != NULL;
}

static void
warn_verbatim(struct call *c)
{
	static const char *const names[] = { "common_name", "alt_names",
		"ip_sans", "uri_sans" };

	for (size_t i = 0; i < countof(names); i++)
		if (call_given(c, names[i]))
			call_warn(c,
			    "%s was ignored: sign-verbatim takes the CSR's",
			    names[i]);
}

/* The subject as it is; a SAN is copied with the other extensions. */
static bool
verbatim_names(struct call *c, struct work *w, struct error *e)
{
	struct pki_names_in in;

	buf_add_bytes(&w->subject, w->csr.subject);
	/* What the pipeline refuses of a common name stays refused (4.3). */
	names_in_of(c, pki_role_open(), &w->csr, &in);
	if (!pki_names_make(&in, &w->names, e))
		return false;
	warn_verbatim(c);
	/* Only those of the request that are not in the CSR anyway. */
	if (json_array_size(in.other_sans) == 0)
		w->names.san_n = 0;
	return w->subject.n > 2 || exts_find(&w->csr.exts, EXT_SAN) != NULL ||
	    error_set(e, FAIL_BAD_INPUT,
		"the certificate would have neither a subject nor a subject "
		"alternative name");
}

static bool
refuse_ca(const struct work *w, struct error *e)
{
	const struct ext *bc = exts_find(&w->csr.exts, EXT_BASIC_CONSTRAINTS);
	struct error ignored;
	bool ca = false;
	int len;

	return bc == NULL ||
	    (ext_basic_constraints(bc, &ca, &len, &ignored) && !ca) ||
	    error_set(e, FAIL_BAD_INPUT,
		"the request asks for a CA certificate; sign-verbatim makes "
		"none");
}

static bool
prepare_verbatim(struct call *c, struct work *w, struct error *e)
{
	const char *role = json_string_value(call_get(c, "role"));

	if (role != NULL && role[0] == '\0')
		role = NULL;
	if (!take_way(c, w, role, e) ||
	    !form_parse(call_str(c, "format"), &w->form, e) ||
	    !take_csr(c, w, e) || !refuse_ca(w, e) ||
	    !verbatim_names(c, w, e) || !take_life(c, w, false, e) ||
	    !check_possession(w, e) || !verbatim_template(c, w, e))
		return false;
	w->copy = true;
	if (role == NULL)
		w->profile = "verbatim";
	return true;
}

void
sign_verbatim(struct call *c)
{
	struct work *w = work_new(c);
	struct error e = { 0 };

	w->answer = answer_sign;
	if (prepare_verbatim(c, w, &e))
		work_sign(c);
	else
		call_fail(c, &e);
}

/* ---- issue ----------------------------------------------------------------------- */

/* "", der, pem and anything unknown are the traditional form. */
static enum pki_key_form
key_form(struct call *c)
{
	return strcmp(call_str(c, "private_key_format"), "pkcs8") == 0
	    ? PKI_KEY_PKCS8
	    : PKI_KEY_TRADITIONAL;
}

static void
answer_issue(struct call *c)
{
	struct work *w = work_of(c);
	enum form form = w->form;
	json_t *key, *data, *traditional = NULL;
	struct error e;

	key = pki_leafkey_json(w->pkey, key_form(c), form == FORM_DER, &e);
	/* Inside a bundle it stays traditional; only private_key changes. */
	if (form == FORM_BUNDLE && key != NULL)
		traditional =
		    pki_leafkey_json(w->pkey, PKI_KEY_TRADITIONAL, false, &e);
	if (key == NULL || (form == FORM_BUNDLE && traditional == NULL)) {
		json_decref(key);
		call_fail(c, &e);
		return;
	}
	data = cert_answer(c, w, false, traditional);
	json_decref(traditional);
	(void)json_object_set_new(data, "private_key", key);
	(void)json_object_set_new(data, "private_key_type",
	    json_string(pki_key_type_word(w->pkey_type)));
	call_ok_secret(c, data);
}

static bool
choose_key(struct call *c, struct work *w, struct error *e)
{
	const struct pki_role *r = w->way->role;
	bool any = strcmp(r->key_type, "any") == 0;
	const char *type = any ? call_str(c, "key_type") : r->key_type;
	int64_t bits = any ? call_int(c, "key_bits") : r->key_bits;

	if (!any && (call_given(c, "key_type") || call_given(c, "key_bits")))
		call_warn(c,
		    "key_type and key_bits were ignored: the role sets them");
	if (any && type[0] == '\0')
		return error_set(e, FAIL_BAD_INPUT,
		    "role key type \"any\" not allowed for issuing "
		    "certificates without key_type in the request");
	return pki_key_type(type, bits, &w->pkey_type, e);
}

static bool
prepare_issue(struct call *c, struct work *w, struct error *e)
{
	return take_way(c, w, call_str(c, "role"), e) &&
	    form_parse(call_str(c, "format"), &w->form, e) &&
	    choose_key(c, w, e) && take_names(c, w, e) &&
	    take_life(c, w, true, e);
}

static void
key_made(struct call *c)
{
	struct work *w = work_of(c);
	struct error *e = &w->pkey_why;

	if (w->pkey == NULL || !pki_leafkey_spki(w->pkey, &w->spki_der, e) ||
	    !spki_parse(buf_bytes(&w->spki_der), &w->key, e)) {
		call_fail(c, e);
		return;
	}
	work_sign(c);
}

static void
make_key(void *state)
{
	struct work *w = state;

	w->pkey = pki_leafkey_make(w->pkey_type, &w->pkey_why);
}

void
issue_leaf(struct call *c)
{
	struct work *w = work_new(c);
	struct error e;

	w->answer = answer_issue;
	if (!prepare_issue(c, w, &e)) {
		call_fail(c, &e);
		return;
	}
	/* 20 us inline; RSA takes a helper's time, or lies ready. */
	if (w->pkey_type.alg != KEY_RSA)
		make_key(w);
	else
		w->pkey = pool_take(w->pkey_type);
	if (w->pkey != NULL)
		key_made(c);
	else
		call_offload(c, make_key, key_made);
}
