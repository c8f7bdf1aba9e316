/* SPDX-License-Identifier: Apache-2.0 */
/* The paths below config (vault-pki-api.md 4.11, 6.1): partial updates over defaults. */
#include "engine.h"

static json_t *
config_default(const char *name)
{
	if (strcmp(name, "urls") == 0)
		return json_pack("{s:[],s:[],s:[],s:[],s:b}",
		    "issuing_certificates", "crl_distribution_points",
		    "delta_crl_distribution_points", "ocsp_servers",
		    "enable_templating", 0);
	if (strcmp(name, "crl") == 0)
		return json_pack("{s:s,s:b,s:b,s:s,s:s,s:b,s:s,s:b,s:s,s:b,s:i,"
				 "s:s,"
				 "s:i}",
		    "expiry", "72h", "disable", 0, "ocsp_disable", 0,
		    "ocsp_expiry", "12h", "ocsp_unknown", "unknown",
		    "auto_rebuild", 0, "auto_rebuild_grace_period", "12h",
		    "enable_delta", 0, "delta_rebuild_interval", "15m",
		    "allow_expired_cert_revocation", 0, "max_crl_entries", -1,
		    "partitions", "auto", "renew_share", 67);
	if (strcmp(name, "issuers") == 0)
		return json_pack("{s:s,s:b}", "default", "",
		    "default_follows_latest_issuer", 0);
	if (strcmp(name, "keys") == 0)
		return json_pack("{s:s}", "default", "");
	if (strcmp(name, "auto-tidy") == 0)
		return tidy_config_default();
	if (strcmp(name, "acme") == 0)
		return acme_config_default();
	return json_pack("{s:s,s:s}", "path", "", "aia_path", "");
}

json_t *
config_get(struct docs *d, const char *mount, const char *name)
{
	auto_doc const struct doc *doc = docs_get(d, "pki-config", mount, name);
	json_t *out = config_default(name);
	json_t *stored =
	    doc != NULL ? json_deep_copy(doc->json) : json_object();

	(void)json_object_update_existing(out, stored);
	json_decref(stored);
	return out;
}

/* Only what the caller gave. */
static void
overlay(struct call *c, json_t *doc)
{
	const char *name;
	json_t *v;
	void *tmp;

	json_object_foreach_safe(doc, tmp, name, v) if (call_given(c, name))(
	    void)
	    json_object_set_new(doc, name, json_deep_copy(call_get(c, name)));
}

/* ---- one shape for all ------------------------------------------------------ */

void
config_read(struct call *c, const struct config *k)
{
	call_ok(c, config_get(c->docs, c->mount->path, k->name));
}

static bool
build(struct call *c, struct changes *ch)
{
	const struct config *k = c->state;
	json_t *doc = config_get(c->docs, c->mount->path, k->name);
	struct error e;

	overlay(c, doc);
	if (!k->check(c, doc, &e)) {
		json_decref(doc);
		call_fail(c, &e);
		return false;
	}
	change_put(ch, "pki-config", c->mount->path, k->name, doc);
	return true;
}

static void
written(struct call *c)
{
	const struct config *k = c->state;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	if (k->changed != NULL)
		k->changed(c);
	config_read(c, k);
}

void
config_write(struct call *c, const struct config *k)
{
	c->state = (void *)(uintptr_t)k;
	call_change(c, k->what, build, written);
}

/* ---- urls -------------------------------------------------------------------- */

static bool
url_ok(const char *s)
{
	static const char *const schemes[] = { "http://", "https://", "ldap://",
		"ldaps://" };

	for (size_t i = 0; i < countof(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (strncasecmp(s, schemes[i], n) == 0 && s[n] != '\0' &&
		    s[n] != '/') {
			for (; *s != '\0'; s++)
				if (*s <= ' ' || *s >= 0x7f)
					return false;
			return true;
		}
	}
	return false;
}

bool
urls_check(struct call *c, json_t *doc, struct error *e)
{
	static const char *const lists[] = { "issuing_certificates",
		"crl_distribution_points", "delta_crl_distribution_points",
		"ocsp_servers" };
	size_t j;
	json_t *v;

	if (json_is_true(json_object_get(doc, "enable_templating")) ||
	    json_is_true(json_object_get(doc, "enable_aia_url_templating")))
		return config_crl_fits(c, doc, e);
	for (size_t i = 0; i < countof(lists); i++)
		json_array_foreach(json_object_get(doc, lists[i]), j, v)
		{
			if (url_ok(json_string_value(v)))
				continue;
			return error_set(e, FAIL_BAD_INPUT,
			    "invalid URL found in Authority Information "
			    "Access (AIA) parameter %s: %.150s",
			    lists[i], json_string_value(v));
		}
	return config_crl_fits(c, doc, e);
}

static void
warn_templates(struct call *c)
{
	static char id[] = "issuer";
	static const struct issuer none = { .id = id };
	struct pki_texts ocsp = { 0 }, ca = { 0 }, crl = { 0 };
	struct error e;

	if (!urls_of(c, &none, &ocsp, &ca, &crl, &e))
		call_warn(c, "issuance may fail: %s", e.msg);
	pki_texts_free(&ocsp);
	pki_texts_free(&ca);
	pki_texts_free(&crl);
}

/* A template is tried when it is used; here is who can mend it. */
static void
urls_changed(struct call *c)
{
	json_t *doc = config_get(c->docs, c->mount->path, "urls");

	if (json_is_true(json_object_get(doc, "enable_templating")))
		warn_templates(c);
	json_decref(doc);
}

static const struct config urls = { "urls", "pki config urls", urls_check,
	urls_changed };

void
config_urls_read(struct call *c)
{
	config_read(c, &urls);
}

void
config_urls_write(struct call *c)
{
	config_write(c, &urls);
}

/* ---- issuers, keys --------------------------------------------------------------- */

static bool
issuers_check(struct call *c, json_t *doc, struct error *e)
{
	auto_doc const struct doc *found = NULL;

	if (!call_given(c, "default"))
		return true;
	if (in_str(c, "default")[0] == '\0' ||
	    strcasecmp(in_str(c, "default"), "default") == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "invalid issuer specification; must be non-empty and "
		    "can't be 'default'.");
	found = issuer_find(c->docs, c->mount->path, in_str(c, "default"), e);
	if (found == NULL)
		return false;
	if (issuer_of(found)->key_id[0] == '\0')
		call_warn(c,
		    "This selected default issuer has no key associated with "
		    "it. Some operations like issuing certificates and "
		    "signing CRLs will be unavailable with the requested "
		    "default issuer until a key is imported or the default "
		    "issuer is changed.");
	return json_object_set_new(doc, "default", json_string(found->name)) ==
	    0;
}

static const struct config issuers = { "issuers", "pki config issuers",
	issuers_check, NULL };

void
config_issuers_read(struct call *c)
{
	config_read(c, &issuers);
}

void
config_issuers_write(struct call *c)
{
	config_write(c, &issuers);
}

static bool
keys_check(struct call *c, json_t *doc, struct error *e)
{
	auto_doc const struct doc *found = NULL;

	if (!call_given(c, "default"))
		return true;
	found = key_find(c->docs, c->mount->path, in_str(c, "default"), e);
	return found != NULL &&
	    json_object_set_new(doc, "default", json_string(found->name)) == 0;
}

static const struct config keys = { "keys", "pki config keys", keys_check,
	NULL };

void
config_keys_read(struct call *c)
{
	config_read(c, &keys);
}

void
config_keys_write(struct call *c)
{
	config_write(c, &keys);
}

/* ---- cluster ------------------------------------------------------------------------ */

static bool
cluster_check(struct call *c, json_t *doc, struct error *e)
{
	static const char *const fields[] = { "path", "aia_path" };

	(void)c;
	for (size_t i = 0; i < countof(fields); i++) {
		const char *v =
		    json_string_value(json_object_get(doc, fields[i]));

		if (v != NULL && v[0] != '\0' && !url_ok(v))
			return error_set(e, FAIL_BAD_INPUT,
			    "invalid, non-URL %s given to cluster: %.150s",
			    fields[i], v);
	}
	return true;
}

static const struct config cluster = { "cluster", "pki config cluster",
	cluster_check, NULL };

void
config_cluster_read(struct call *c)
{
	config_read(c, &cluster);
}

void
config_cluster_write(struct call *c)
{
	config_write(c, &cluster);
}
