/* SPDX-License-Identifier: Apache-2.0 */
/* root/generate and DELETE root (vault-pki-api.md 4.4). */
#include "partition.h"

static bool
build_issuer(struct call *c, struct changes *ch)
{
	struct work *w = work_of(c);
	const char *name = in_str(c, "issuer_name");
	struct error e;

	if (!ca_name_check(c, "pki-issuer", "issuer_name", &e)) {
		call_warn(c, "%s; the issuer has no name", e.msg);
		name = "";
	}
	uuid_new(w->issuer_id);
	change_put(ch, "pki-issuer", c->mount->path, w->issuer_id,
	    issuer_document(buf_bytes(&w->cert), name, w->key_id));
	put_default(c, ch, "issuers", w->issuer_id, false);
	return true;
}

static json_t *
root_data(struct call *c, struct work *w)
{
	auto_doc const struct doc *key =
	    docs_get(c->docs, "pki-key", c->mount->path, w->key_id);
	auto_doc const struct doc *issuer =
	    docs_get(c->docs, "pki-issuer", c->mount->path, w->issuer_id);
	json_t *cert = w->form == FORM_DER ? base64_json(buf_bytes(&w->cert))
					   : pem_json(buf_bytes(&w->cert));
	json_t *data = json_pack("{s:O,s:o,s:s,s:s,s:s,s:s}", "certificate",
	    cert, "issuing_ca", cert, "issuer_id", w->issuer_id, "issuer_name",
	    issuer != NULL ? issuer_of(issuer)->name : "", "key_id", w->key_id,
	    "key_name", key != NULL ? key_of(key)->name : "");

	(void)json_object_set_new(data, "serial_number",
	    serial_json(bytes_of(w->serial, sizeof(w->serial))));
	(void)json_object_set_new(data, "expiration",
	    json_integer(w->life.to_s));
	return data;
}

static void
answer_root(struct call *c)
{
	call_ok(c, root_data(c, work_of(c)));
}

static void
recorded(struct call *c)
{
	auto_doc const struct doc *issuer = NULL;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	issuer = docs_get(c->docs, "pki-issuer", c->mount->path,
	    work_of(c)->issuer_id);
	if (issuer != NULL && issuer->parsed != NULL)
		crl_then(c, issuer, CRL_FULL, answer_root);
	else
		answer_root(c);
}

static void
signed_root(struct call *c)
{
	call_change(c, "pki issuer", build_issuer, recorded);
}

/* Pointers of the mount go into a root too, as upstream has it. */
static bool
root_template(struct call *c, struct work *w, struct error *e)
{
	struct issuer none = { .id = w->issuer_id };
	struct pki_texts ocsp = { 0 }, ca = { 0 }, crl = { 0 };
	struct ca_extensions x;
	struct pki_issuer_part part = { .name = buf_bytes(&w->subject),
		.spki = buf_bytes(&w->spki_der),
		.alg = w->alg };

	spki_key_id(&w->key, part.key_id);
	if (ca_extensions_read(c, &x, e) &&
	    urls_of(c, &none, &ocsp, &ca, &crl, e)) {
		partition_none(&crl);
		x.x.path_len = (int)in_int(c, "max_path_length");
		x.x.ocsp = &ocsp;
		x.x.ca_urls = &ca;
		x.x.crl_urls = &crl;
		warn_no_urls(c, &ocsp, &ca, &crl);
		w->own = pki_template_new(&part, &x.x, e);
	}
	ca_extensions_free(&x);
	pki_texts_free(&ocsp);
	pki_texts_free(&ca);
	pki_texts_free(&crl);
	return w->own != NULL;
}

static void
with_key(struct call *c)
{
	struct work *w = work_of(c);
	struct error e;

	w->alg = pki_sig_alg(w->key.type, in_int(c, "signature_bits"),
	    in_bool(c, "use_pss"));
	if (root_template(c, w, &e))
		work_sign(c);
	else
		call_fail(c, &e);
}

static bool
path_length_ok(struct call *c, struct error *e)
{
	int64_t len = in_int(c, "max_path_length");

	if (len < -1 || len > 255)
		return error_set(e, FAIL_BAD_INPUT,
		    "max_path_length: not in -1 to 255");
	if (len == 0)
		call_warn(c,
		    "Max path length of the generated certificate is zero. "
		    "This certificate cannot be used to issue intermediate CA "
		    "certificates.");
	return true;
}

static bool
root_names(struct call *c, struct work *w, struct error *e)
{
	struct pki_names_in in;

	names_in_of(c, pki_role_open(), NULL, &in);
	if (!pki_names_make(&in, &w->names, e))
		return false;
	warn_all(c, &w->names.warnings);
	return ca_subject(c, &w->names, &w->subject, e) &&
	    (w->subject.n > 2 ||
		error_set(e, FAIL_BAD_INPUT,
		    "the subject would be empty; a CA certificate needs one "
		    "(RFC 5280 4.1.2.6): give common_name"));
}

void
root_generate(struct call *c)
{
	struct work *w = work_new(c);
	struct ca_extensions x = { 0 };
	struct error e;
	bool ok;

	w->answer = signed_root;
	w->profile = "root";
	w->ca = true;
	/* All that can be refused, before a key is made. */
	ok = ca_key_check(c, &e) &&
	    ca_name_check(c, "pki-issuer", "issuer_name", &e) &&
	    form_parse(in_str(c, "format"), &w->form, &e) &&
	    path_length_ok(c, &e) && root_names(c, w, &e) &&
	    ca_life(c, w, &e) && ca_extensions_read(c, &x, &e);
	ca_extensions_free(&x);
	if (ok)
		ca_key(c, with_key);
	else
		call_fail(c, &e);
}

/* ---- DELETE root ------------------------------------------------------------------ */

struct removal {
	struct changes *ch;
	const char *kind, *mount;
	size_t n;
};

static bool
remove_doc(void *arg, const struct doc *doc)
{
	struct removal *r = arg;

	change_delete(r->ch, r->kind, r->mount, doc->name);
	r->n++;
	return true;
}

static bool
build_removal(struct call *c, struct changes *ch)
{
	struct removal r = { ch, "pki-issuer", c->mount->path, 0 };

	docs_each(c->docs, r.kind, r.mount, remove_doc, &r);
	r.kind = "pki-key";
	docs_each(c->docs, r.kind, r.mount, remove_doc, &r);
	call_warn(c,
	    "DELETE root detaches all keys and issuers from this mount; "
	    "DELETE key/:key_ref and DELETE issuer/:issuer_ref do it one by "
	    "one. Keys stay in the HSM, where only a ceremony destroys them.");
	if (r.n == 0) {
		call_no_content(c);
		return false;
	}
	change_put(ch, "pki-config", c->mount->path, "issuers",
	    json_pack("{s:s,s:b}", "default", "",
		"default_follows_latest_issuer", 0));
	change_put(ch, "pki-config", c->mount->path, "keys",
	    json_pack("{s:s}", "default", ""));
	return true;
}

void
root_delete(struct call *c)
{
	call_change(c, "pki root removed", build_removal, call_end_reply);
}
