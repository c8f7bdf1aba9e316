/* SPDX-License-Identifier: Apache-2.0 */
/* Intermediates: their CSR (4.7), and signing one (4.5). */
#include <chancery/base/text.h>
#include <chancery/pki/name.h>

#include "engine.h"

/* ---- a CSR by a key of ours ---------------------------------------------------- */

static void
answer_csr(struct call *c)
{
	struct work *w = work_of(c);
	auto_buf struct buf pem = { 0 };
	json_t *csr;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	cert_assemble(buf_bytes(&w->tbs), sig_alg_default(w->key.type),
	    c->reply->sig, &w->cert);
	pem_encode("CERTIFICATE REQUEST", buf_bytes(&w->cert), &pem);
	csr = w->form == FORM_DER
	    ? base64_json(buf_bytes(&w->cert))
	    : json_stringn((const char *)pem.p, pem.n - 1);
	call_ok(c, json_pack("{s:o,s:s}", "csr", csr, "key_id", w->key_id));
}

static void
csr_with_key(struct call *c)
{
	struct work *w = work_of(c);
	struct pki_texts ku = { 0 };
	struct pki_csr_info info = { .subject = buf_bytes(&w->subject),
		.spki = buf_bytes(&w->spki_der),
		.san = w->names.san,
		.san_n = w->names.san_n,
		.basic_constraints = in_bool(c, "add_basic_constraints") };

	pki_texts_set(&ku, call_get(c, "key_usage"));
	info.key_usage = pki_key_usage_bits(&ku);
	pki_texts_free(&ku);
	pki_csr_info_write(&info, &w->tbs);
	call_sign_csr(c, &w->hsm_key, buf_bytes(&w->tbs), answer_csr);
}

void
intermediate_generate(struct call *c)
{
	struct work *w = work_new(c);
	struct pki_names_in in;
	struct error e;

	names_in_of(c, pki_role_open(), NULL, &in);
	if (!ca_key_check(c, &e) ||
	    !form_parse(in_str(c, "format"), &w->form, &e) ||
	    !pki_names_make(&in, &w->names, &e) ||
	    !ca_subject(c, &w->names, &w->subject, &e)) {
		call_fail(c, &e);
		return;
	}
	warn_all(c, &w->names.warnings);
	warn_mount_urls(c);
	ca_key(c, csr_with_key);
}

void
intermediate_cross_sign(struct call *c)
{
	(void)json_object_set_new(c->typed, "type", json_string("existing"));
	intermediate_generate(c);
}

/* ---- signing one ---------------------------------------------------------------- */

static void
answer_sub(struct call *c)
{
	call_ok(c, cert_answer(c, work_of(c), true, NULL));
}

/* use_csr_values: the subject as it is, its SAN with the other extensions. Else only the
 * common name comes from the CSR, when the request has none. */
static bool
sub_names(struct call *c, struct work *w, struct error *e)
{
	bool csr_values = in_bool(c, "use_csr_values");
	auto_buf struct buf cn = { 0 };
	struct pki_names_in in;

	names_in_of(c, pki_role_open(), csr_values ? &w->csr : NULL, &in);
	if (in.common_name[0] == '\0' && name_get(w->csr.subject, "CN", 0, &cn))
		in.common_name = buf_cstr(&cn);
	if (!pki_names_make(&in, &w->names, e))
		return false;
	if (csr_values) {
		buf_add_bytes(&w->subject, w->csr.subject);
		if (json_array_size(in.other_sans) == 0)
			w->names.san_n = 0;
		w->copy = true;
		return true;
	}
	warn_all(c, &w->names.warnings);
	/* The name in the set lives in cn: encode now. */
	return ca_subject(c, &w->names, &w->subject, e);
}

static bool
sub_path_length(struct call *c, struct work *w, int *out, struct error *e)
{
	int parent = w->way->issuer->cert.tbs.path_len;
	int64_t asked = in_int(c, "max_path_length");

	if (parent == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "signing certificate has a max path length of zero, and "
		    "cannot issue further CA certificates");
	*out = parent > 0 ? parent - 1 : -1;
	if (!call_given(c, "max_path_length"))
		return true;
	if (asked < -1 || asked > 255)
		return error_set(e, FAIL_BAD_INPUT,
		    "max_path_length: not in -1 to 255");
	*out = (int)asked;
	if (*out == 0)
		call_warn(c,
		    "Max path length of the signed certificate is zero. This "
		    "certificate cannot be used to issue intermediate CA "
		    "certificates.");
	return true;
}

static bool
sub_template(struct call *c, struct work *w, struct error *e)
{
	struct ca_extensions x;
	struct pki_issuer_part part;

	way_issuer_part(w->way, &part);
	if (ca_extensions_read(c, &x, e) &&
	    sub_path_length(c, w, &x.x.path_len, e)) {
		x.x.ocsp = &w->way->ocsp;
		x.x.ca_urls = &w->way->ca_urls;
		x.x.crl_urls = &w->way->crl_urls;
		w->own = pki_template_new(&part, &x.x, e);
	}
	ca_extensions_free(&x);
	return w->own != NULL;
}

static bool
sub_skid(struct call *c, struct work *w, struct error *e)
{
	const char *text = in_str(c, "skid");
	auto_buf struct buf hex = { 0 };

	for (; *text != '\0'; text++)
		if (strchr(":- ", *text) == NULL)
			buf_add_byte(&hex, (uint8_t)*text);
	if (hex.n == 0)
		return true;
	if (hex.n > 128 ||
	    !hex_decode((const char *)hex.p, hex.n, &w->skid_mem))
		return error_set(e, FAIL_BAD_INPUT, "skid: not octets in hex");
	w->skid = buf_bytes(&w->skid_mem);
	return true;
}

static bool
sub_csr(struct call *c, struct work *w, struct error *e)
{
	struct error why;

	w->has_csr = pki_csr_read(in_str(c, "csr"), &w->csr, e);
	if (!w->has_csr)
		return false;
	w->key = w->csr.key;
	return csr_verify(&w->csr, &why) ||
	    error_set(e, FAIL_BAD_INPUT, "request signature invalid");
}

bool
ca_way(struct call *c, struct work *w, struct error *e)
{
	const char *ref = in_str(c, "ref");

	if (ref[0] == '\0')
		ref = in_str(c, "issuer_ref");
	w->way = way_new_ca(c, ref[0] != '\0' ? ref : "default",
	    in_int(c, "signature_bits"), in_bool(c, "use_pss"), e);
	if (w->way == NULL)
		return false;
	w->hsm_key = w->way->issuer->key;
	w->alg = w->way->alg;
	return true;
}

void
sign_intermediate(struct call *c)
{
	struct work *w = work_new(c);
	struct error e;

	w->answer = answer_sub;
	w->profile = "intermediate";
	w->ca = true;
	if (!ca_way(c, w, &e) ||
	    !form_parse(in_str(c, "format"), &w->form, &e) ||
	    !sub_csr(c, w, &e) || !sub_names(c, w, &e) || !ca_life(c, w, &e) ||
	    !sub_skid(c, w, &e) || !sub_template(c, w, &e)) {
		call_fail(c, &e);
		return;
	}
	warn_no_urls(c, &w->way->ocsp, &w->way->ca_urls, &w->way->crl_urls);
	work_sign(c);
}
