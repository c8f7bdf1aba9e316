/* SPDX-License-Identifier: Apache-2.0 */
/* issuers, issuer/:ref (vault-pki-api.md 4.9). */
#include "engine.h"

struct listing {
	json_t *keys, *info;
	char dflt[64];
};

static bool
add_issuer(void *arg, const struct doc *doc)
{
	struct listing *l = arg;
	const struct issuer *i = doc->parsed;

	if (i == NULL)
		return true;
	(void)json_array_append_new(l->keys, json_string(doc->name));
	(void)json_object_set_new(l->info, doc->name,
	    json_pack("{s:s,s:b,s:o,s:s}", "issuer_name", i->name, "is_default",
		strcmp(doc->name, l->dflt) == 0, "serial_number",
		serial_json(i->cert.tbs.serial), "key_id", i->key_id));
	return true;
}

void
issuer_list(struct call *c)
{
	struct listing l = { .keys = json_array(), .info = json_object() };

	default_id(c->docs, c->mount->path, "issuers", l.dflt);
	docs_each(c->docs, "pki-issuer", c->mount->path, add_issuer, &l);
	call_keys(c, l.keys, l.info);
}

json_t *
chain_json(struct docs *d, const char *mount, const struct issuer *i)
{
	const struct issuer *chain[CHAIN_MAX];
	struct issuer_set all;
	json_t *list = json_array();
	size_t n;

	issuer_set_load(d, mount, &all);
	n = issuer_chain(&all, i, chain);
	for (size_t j = 0; j < n; j++)
		(void)json_array_append_new(list,
		    json_stringn((const char *)chain[j]->pem.p,
			chain[j]->pem.n));
	issuer_set_free(&all);
	return list;
}

static void
add_revocation(json_t *data, const struct issuer *i)
{
	char text[TIME_TEXT_SIZE];

	(void)json_object_set_new(data, "revoked",
	    json_boolean(i->revoked_s != 0));
	if (i->revoked_s == 0)
		return;
	time_format_s(i->revoked_s, text);
	(void)json_object_set_new(data, "revocation_time",
	    json_integer(i->revoked_s));
	(void)json_object_set_new(data, "revocation_time_rfc3339",
	    json_string(text));
}

json_t *
issuer_json(struct docs *d, const char *mount, const struct doc *doc)
{
	const struct issuer *i = issuer_of(doc);
	auto_buf struct buf usage = { 0 };
	json_t *data;

	usage_text(i->usage, &usage);
	data = json_pack("{s:s,s:s,s:s,s:s%,s:o,s:s,s:s,s:s,s:o,s:o,s:o,s:o,"
			 "s:b}",
	    "issuer_id", i->id, "issuer_name", i->name, "key_id", i->key_id,
	    "certificate", (const char *)i->pem.p, i->pem.n, "ca_chain",
	    chain_json(d, mount, i), "leaf_not_after_behavior",
	    pki_beyond_name(i->beyond), "usage", buf_cstr(&usage),
	    "revocation_signature_algorithm", i->crl_alg,
	    "issuing_certificates", texts_json(&i->ca_urls),
	    "crl_distribution_points", texts_json(&i->crl_urls),
	    "delta_crl_distribution_points", texts_json(&i->delta_urls),
	    "ocsp_servers", texts_json(&i->ocsp), "enable_aia_url_templating",
	    i->templating);
	(void)json_object_set_new(data, "manual_chain",
	    i->manual_chain.n > 0 ? texts_json(&i->manual_chain) : json_null());
	add_revocation(data, i);
	return data;
}

void
issuer_read(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc != NULL)
		call_ok(c, issuer_json(c->docs, c->mount->path, doc));
}

/* ---- writing --------------------------------------------------------------------- */

/* Fields of the request that go into the document under their own name. */
static const char *const plain[] = { "leaf_not_after_behavior",
	"revocation_signature_algorithm", "issuing_certificates",
	"crl_distribution_points", "delta_crl_distribution_points",
	"ocsp_servers", "enable_aia_url_templating" };

static void
take_plain(struct call *c, json_t *doc, bool all)
{
	for (size_t i = 0; i < countof(plain); i++)
		if (all || call_given(c, plain[i]))
			(void)json_object_set_new(doc, plain[i],
			    json_deep_copy(call_get(c, plain[i])));
}

static bool
take_name(struct call *c, json_t *doc, const char *id, bool all,
    struct error *e)
{
	const char *name = in_str(c, "issuer_name");

	if (!all && !call_given(c, "issuer_name"))
		return true;
	if (strcasecmp(name, "default") == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "reserved keyword 'default' can not be used as issuer "
		    "name");
	if (name[0] != '\0' && !pki_name_valid(name))
		return error_set(e, FAIL_BAD_INPUT,
		    "issuer name contained invalid characters");
	if (name_taken(c->docs, "pki-issuer", c->mount->path, name, id))
		return error_set(e, FAIL_BAD_INPUT,
		    "issuer name already in use");
	return json_object_set_new(doc, "name", json_string(name)) == 0;
}

/* A list or one comma string; kept as the string that is shown. */
static bool
take_usage(struct call *c, const struct issuer *i, json_t *doc, bool all,
    struct error *e)
{
	auto_buf struct buf text = { 0 }, shown = { 0 };
	unsigned bits;
	size_t n;
	json_t *v;

	if (!all && !call_given(c, "usage"))
		return true;
	json_array_foreach(call_get(c, "usage"), n, v)
	    buf_addf(&text, "%s%s", n > 0 ? "," : "", json_string_value(v));
	if (!usage_parse(buf_cstr(&text), &bits, e))
		return false;
	if (i->revoked_s != 0 && (bits & USAGE_ISSUE) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "This issuer was revoked; unable to modify its usage to "
		    "include certificate signing again. Reissue this "
		    "certificate (preferably with a new key) and modify that "
		    "entry instead.");
	if ((bits & USAGE_CRL) != 0 && i->cert.tbs.key_usage != 0 &&
	    (i->cert.tbs.key_usage & KU_CRL_SIGN) == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "This issuer's underlying certificate lacks the CRLSign "
		    "KeyUsage value; unable to set CRLSigningUsage on this "
		    "issuer as a result.");
	usage_text(bits, &shown);
	return json_object_set_new(doc, "usage",
		   json_string(buf_cstr(&shown))) == 0;
}

static bool
take_chain(struct call *c, const char *id, json_t *doc, bool all,
    struct error *e)
{
	json_t *ids, *v;
	size_t n;

	if (!all && !call_given(c, "manual_chain"))
		return true;
	ids = json_array();
	json_array_foreach(call_get(c, "manual_chain"), n, v)
	{
		const char *ref = json_string_value(v);
		auto_doc const struct doc *found = strcmp(ref, "self") == 0
		    ? docs_get(c->docs, "pki-issuer", c->mount->path, id)
		    : issuer_find(c->docs, c->mount->path, ref, e);

		if (found == NULL || (n == 0 && strcmp(found->name, id) != 0)) {
			json_decref(ids);
			return found != NULL
			    ? error_set(e, FAIL_BAD_INPUT,
				  "expected first cert in chain to be a "
				  "self-reference, but was: %.100s",
				  ref)
			    : false;
		}
		(void)json_array_append_new(ids, json_string(found->name));
	}
	return json_object_set_new(doc, "manual_chain", ids) == 0;
}

static bool
check_words(const struct issuer *i, const json_t *doc, struct error *e)
{
	const char *beyond =
	    json_string_value(json_object_get(doc, "leaf_not_after_behavior"));
	const char *alg = json_string_value(
	    json_object_get(doc, "revocation_signature_algorithm"));
	enum pki_beyond ignored;

	if (!pki_beyond_parse(beyond, &ignored))
		return error_set(e, FAIL_BAD_INPUT,
		    "Unknown value for field `leaf_not_after_behavior`. "
		    "Possible values are `err`, `truncate`, and `permit`.");
	return crl_alg_check(alg, i->cert.tbs.key.type, e);
}

static bool
put_issuer(struct call *c, struct changes *ch, bool all)
{
	auto_doc const struct doc *now = issuer_of_call(c);
	json_t *doc;
	struct error e;

	if (now == NULL)
		return false;
	doc = json_deep_copy(now->json);
	take_plain(c, doc, all);
	if (!take_name(c, doc, now->name, all, &e) ||
	    !take_usage(c, issuer_of(now), doc, all, &e) ||
	    !take_chain(c, now->name, doc, all, &e) ||
	    !check_words(issuer_of(now), doc, &e) || !urls_check(c, doc, &e)) {
		json_decref(doc);
		call_fail(c, &e);
		return false;
	}
	/* A rename must not lose the answer. */
	(void)snprintf(work_of(c)->issuer_id, 37, "%s", now->name);
	change_put(ch, "pki-issuer", c->mount->path, now->name, doc);
	return true;
}

static bool
build_write(struct call *c, struct changes *ch)
{
	return put_issuer(c, ch, true);
}

static bool
build_patch(struct call *c, struct changes *ch)
{
	return put_issuer(c, ch, false);
}

static void
written(struct call *c)
{
	auto_doc const struct doc *doc = NULL;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	doc = docs_get(c->docs, "pki-issuer", c->mount->path,
	    work_of(c)->issuer_id);
	if (doc == NULL || doc->parsed == NULL)
		call_not_found(c);
	else
		call_ok(c, issuer_json(c->docs, c->mount->path, doc));
}

void
issuer_write(struct call *c)
{
	(void)work_new(c);
	call_change(c, "pki issuer", build_write, written);
}

void
issuer_patch(struct call *c)
{
	(void)work_new(c);
	call_change(c, "pki issuer", build_patch, written);
}

/* ---- deleting --------------------------------------------------------------------- */

struct role_search {
	const char *id, *name;
	size_t n;
};

static bool
refers(void *arg, const struct doc *doc)
{
	struct role_search *s = arg;
	const char *ref =
	    json_string_value(json_object_get(doc->json, "issuer_ref"));

	if (ref != NULL &&
	    (strcmp(ref, s->id) == 0 ||
		(s->name[0] != '\0' && strcmp(ref, s->name) == 0)))
		s->n++;
	return true;
}

static bool
build_delete(struct call *c, struct changes *ch)
{
	struct error e;
	auto_doc const struct doc *doc =
	    issuer_find(c->docs, c->mount->path, call_str(c, "ref"), &e);
	struct role_search s = { 0 };
	char dflt[64];

	if (doc == NULL)
		return true;
	s.id = doc->name;
	s.name = issuer_of(doc)->name;
	docs_each(c->docs, "pki-role", c->mount->path, refers, &s);
	if (s.n > 0)
		call_warn(c,
		    "%zu roles refer to this issuer by name or id and cannot "
		    "issue until they name another",
		    s.n);
	default_id(c->docs, c->mount->path, "issuers", dflt);
	if (strcmp(dflt, doc->name) == 0) {
		json_t *cfg = config_get(c->docs, c->mount->path, "issuers");

		(void)json_object_set_new(cfg, "default", json_string(""));
		change_put(ch, "pki-config", c->mount->path, "issuers", cfg);
		call_warn(c,
		    "Deleted issuer %s (via issuer_ref %s); this was "
		    "configured as the default issuer. Operations without an "
		    "explicit issuer will not work until a new default is "
		    "configured.",
		    doc->name, call_str(c, "ref"));
	}
	change_delete(ch, "pki-issuer", c->mount->path, doc->name);
	return true;
}

/* 200 whatever was there, as upstream. */
static void
deleted(struct call *c)
{
	if (c->reply->ok)
		call_ok(c, NULL);
	else
		call_fail_reply(c);
}

void
issuer_delete(struct call *c)
{
	call_change(c, "pki issuer deleted", build_delete, deleted);
}

/* ---- public reads ------------------------------------------------------------------- */

void
issuer_json_read(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc == NULL)
		return;
	call_ok(c,
	    json_pack("{s:s%,s:o,s:s,s:s}", "certificate",
		(const char *)issuer_of(doc)->pem.p, issuer_of(doc)->pem.n,
		"ca_chain", chain_json(c->docs, c->mount->path, issuer_of(doc)),
		"issuer_id", doc->name, "issuer_name", issuer_of(doc)->name));
}
