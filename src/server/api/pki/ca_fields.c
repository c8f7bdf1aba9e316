/* SPDX-License-Identifier: Apache-2.0 */
/* What requests for CA certificates say: life, extensions, name constraints. */
#include <strings.h>

#include "../../pki/names_part.h"
#include "engine.h"

bool
ca_life(struct call *c, struct work *w, struct error *e)
{
	struct pki_validity_in in = { .role = &w->role,
		.now_s = c->now_s,
		.ttl_s = in_int(c, "ttl"),
		.not_after = in_str(c, "not_after"),
		.not_before = in_str(c, "not_before"),
		.mount_default_s = c->mount->default_ttl_s,
		.mount_max_s = c->mount->max_ttl_s,
		.ca = true };

	w->role = *pki_role_open();
	if (in_int(c, "not_before_duration") > 0)
		w->role.not_before_duration = in_int(c, "not_before_duration");
	if (w->way != NULL) {
		const struct tbs_view *t = &w->way->issuer->cert.tbs;

		in.issuer_from_s = t->not_before_s;
		in.issuer_to_s = t->not_after_s;
		in.beyond = w->way->issuer->beyond;
	}
	if (!pki_validity(&in, &w->life, e))
		return false;
	warn_all(c, &w->life.warnings);
	return true;
}

/* In pairs: permitted, excluded. */
static const struct {
	const char *field;
	enum general_name_kind kind;
	bool excluded;
} constraints[] = {
	{ "permitted_dns_domains", GN_DNS, false },
	{ "excluded_dns_domains", GN_DNS, true },
	{ "permitted_ip_ranges", GN_IP, false },
	{ "excluded_ip_ranges", GN_IP, true },
	{ "permitted_email_addresses", GN_EMAIL, false },
	{ "excluded_email_addresses", GN_EMAIL, true },
	{ "permitted_uri_domains", GN_URI, false },
	{ "excluded_uri_domains", GN_URI, true },
};

static bool
constraint_value(enum general_name_kind kind, const char *text, uint8_t ip[32],
    struct bytes *out, struct error *e)
{
	size_t n;

	*out = bytes_str(text);
	if (kind != GN_IP)
		return out->n > 0 ||
		    error_set(e, FAIL_BAD_INPUT, "a name constraint is empty");
	if (!name_cidr(text, ip, &n))
		return error_set(e, FAIL_BAD_INPUT,
		    "\"%.60s\" is not a network (CIDR)", text);
	*out = bytes_of(ip, n);
	return true;
}

static size_t
count_constraints(struct call *c)
{
	size_t n = 0;

	for (size_t i = 0; i < countof(constraints); i++)
		n += json_array_size(call_get(c, constraints[i].field));
	return n;
}

static bool
read_constraints(struct call *c, struct ca_extensions *x, struct error *e)
{
	size_t n = count_constraints(c), ip = 0;

	_Static_assert(countof(constraints) == countof(x->names),
	    "a list each");
	x->permitted = mem_calloc(n + 1, sizeof(x->permitted[0]));
	x->excluded = mem_calloc(n + 1, sizeof(x->excluded[0]));
	x->ips = mem_calloc(n + 1, sizeof(x->ips[0]));
	x->x.permitted = x->permitted;
	x->x.excluded = x->excluded;
	for (size_t i = 0; i < countof(constraints); i++) {
		struct pki_texts *t = &x->names[i];

		pki_texts_set(t, call_get(c, constraints[i].field));
		for (size_t j = 0; j < t->n; j++) {
			struct general_name g = { constraints[i].kind,
				{ NULL, 0 } };

			if (!constraint_value(g.kind, t->v[j], x->ips[ip++],
				&g.value, e))
				return error_context(e, "%s",
				    constraints[i].field);
			if (constraints[i].excluded)
				x->excluded[x->x.excluded_n++] = g;
			else
				x->permitted[x->x.permitted_n++] = g;
		}
	}
	return true;
}

bool
ca_extensions_read(struct call *c, struct ca_extensions *out, struct error *e)
{
	static const bool no_flags[4];

	*out = (struct ca_extensions){ .x = { .ca = true, .path_len = -1 } };
	pki_texts_set(&out->ku, call_get(c, "key_usage"));
	pki_texts_set(&out->eku_names, call_get(c, "ext_key_usage"));
	pki_texts_set(&out->eku_oids, call_get(c, "ext_key_usage_oids"));
	/* 5.7: these two always, digitalSignature if asked. */
	out->x.key_usage = KU_CERT_SIGN | KU_CRL_SIGN |
	    (pki_key_usage_bits(&out->ku) & KU_DIGITAL_SIGNATURE);
	out->x.eku = out->eku = pki_eku_list(no_flags, &out->eku_names,
	    &out->eku_oids, &out->x.eku_n);
	return oids_check(&out->eku_oids, e) && read_constraints(c, out, e);
}

void
ca_extensions_free(struct ca_extensions *x)
{
	pki_texts_free(&x->ku);
	pki_texts_free(&x->eku_names);
	pki_texts_free(&x->eku_oids);
	for (size_t i = 0; i < countof(x->names); i++)
		pki_texts_free(&x->names[i]);
	mem_free(x->eku);
	mem_free(x->permitted);
	mem_free(x->excluded);
	mem_free(x->ips);
}

void
warn_no_urls(struct call *c, const struct pki_texts *ocsp,
    const struct pki_texts *ca, const struct pki_texts *crl)
{
	if (ocsp->n + ca->n + crl->n == 0)
		call_warn(c,
		    "This mount hasn't configured any authority information "
		    "access (AIA) fields; this may make it harder for systems "
		    "to find missing certificates in the chain or to validate "
		    "revocation status of certificates: see config/urls.");
}

void
warn_mount_urls(struct call *c)
{
	static char id[] = "issuer";
	static const struct issuer none = { .id = id };
	struct pki_texts ocsp = { 0 }, ca = { 0 }, crl = { 0 };
	struct error e;

	if (urls_of(c, &none, &ocsp, &ca, &crl, &e))
		warn_no_urls(c, &ocsp, &ca, &crl);
	else
		call_warn(c, "issuance may fail: %s", e.msg);
	pki_texts_free(&ocsp);
	pki_texts_free(&ca);
	pki_texts_free(&crl);
}

/* ---- documents ------------------------------------------------------------------ */

json_t *
issuer_document(struct bytes der, const char *name, const char *key_id)
{
	auto_buf struct buf pem = { 0 };

	pem_encode("CERTIFICATE", der, &pem);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:i,s:[],s:[],s:[],"
			 "s:[],s:[]}",
	    "certificate", buf_cstr(&pem), "name", name, "key_id", key_id,
	    "usage", "crl-signing,issuing-certificates,ocsp-signing,read-only",
	    "leaf_not_after_behavior", "err", "revocation_signature_algorithm",
	    "", "enable_aia_url_templating", 0, "revoked", 0, "manual_chain",
	    "issuing_certificates", "crl_distribution_points",
	    "delta_crl_distribution_points", "ocsp_servers");
}

void
put_default(struct call *c, struct changes *ch, const char *config,
    const char *id, bool force)
{
	json_t *doc = config_get(c->docs, c->mount->path, config);
	const char *now = json_string_value(json_object_get(doc, "default"));

	if (now != NULL && now[0] != '\0' && !force &&
	    !json_is_true(
		json_object_get(doc, "default_follows_latest_issuer"))) {
		json_decref(doc);
		return;
	}
	(void)json_object_set_new(doc, "default", json_string(id));
	change_put(ch, "pki-config", c->mount->path, config, doc);
}
