/* SPDX-License-Identifier: Apache-2.0 */
/* auth/cert/certs: whom one trusts, and what a login gives. */
#include <stdio.h>

#include "cert.h"

static const char *const stored[] = { "certificate", "display_name",
	"allowed_names", "allowed_common_names", "allowed_dns_sans",
	"allowed_email_sans", "allowed_uri_sans",
	"allowed_organizational_units", "required_extensions",
	"allowed_metadata_extensions", "ocsp_enabled", "ocsp_ca_certificates",
	"ocsp_servers_override", "ocsp_fail_open", "ocsp_query_all_servers",
	"ocsp_this_update_max_age", "ocsp_max_retries", NULL };

static void
role_name(const struct call *c, char out[256])
{
	lower_text(call_str(c, "name"), out, 256);
}

static const struct doc *
role_doc(const struct call *c)
{
	char name[256];

	role_name(c, name);
	return docs_get(c->docs, CERT_ROLE_KIND, c->mount->path, name);
}

/* ---- write ---- */

/* "oid:glob" or "hex:oid:glob": one that is not could never be met. */
static bool
check_extensions(const json_t *list, struct error *e)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));
		const char *oid = strncmp(s, "hex:", 4) == 0 ? s + 4 : s;
		size_t n = strspn(oid, "0123456789.");

		if (n == 0 || oid[n] != ':')
			return error_set(e, FAIL_BAD_INPUT,
			    "required_extensions: \"%.80s\" is not oid:glob or "
			    "hex:oid:glob",
			    s);
	}
	return true;
}

static bool
check_metadata(const json_t *list, struct error *e)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s[0] == '\0' || s[strspn(s, "0123456789.")] != '\0')
			return error_set(e, FAIL_BAD_INPUT,
			    "allowed_metadata_extensions: \"%.80s\" is no "
			    "dotted OID",
			    s);
	}
	return true;
}

static bool
check_role(const json_t *doc, struct error *e)
{
	struct cert_role *r;

	if (member_bool(doc, "ocsp_enabled", false))
		return error_set(e, FAIL_BAD_INPUT,
		    "ocsp_enabled: this server makes no calls of its own and "
		    "cannot ask an OCSP responder; hand lists of revoked "
		    "certificates to crls/");
	if (!token_params_check(doc, e) ||
	    !check_extensions(json_object_get(doc, "required_extensions"), e) ||
	    !check_metadata(json_object_get(doc, "allowed_metadata_extensions"),
		e))
		return false;
	r = cert_role_new(doc, e);
	cert_role_free(r);
	return r != NULL;
}

static bool
role_build(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *old = role_doc(c);
	auto_json json_t *doc =
	    doc_merged(c, old == NULL ? NULL : old->json, stored);
	struct error e = { 0 };
	char name[256];

	role_name(c, name);
	token_params_merge(c, doc);
	if (doc_str(doc, "display_name")[0] == '\0')
		(void)json_object_set_new(doc, "display_name",
		    json_string(name));
	if (!check_role(doc, &e)) {
		call_error(c, 400, "%s", e.msg);
		return false;
	}
	if (member_int(doc, "token_max_ttl") > c->mount->max_ttl_s)
		call_warn(c,
		    "token_max_ttl is greater than the mount's maximum TTL; "
		    "tokens are cut to that");
	change_put(ch, CERT_ROLE_KIND, c->mount->path, name, take(doc));
	return true;
}

void
cert_role_write(struct call *c)
{
	if (strlen(call_str(c, "name")) > 255)
		bad_name(c, "name");
	else
		call_change(c, "cert role", role_build, changed);
}

/* ---- read, list, delete ---- */

void
cert_role_read(struct call *c)
{
	auto_doc const struct doc *d = role_doc(c);

	if (d == NULL)
		call_not_found(c);
	else
		call_ok(c, json_deep_copy(d->json));
}

void
cert_role_list(struct call *c)
{
	call_keys(c, doc_names(c, CERT_ROLE_KIND, c->mount->path), NULL);
}

static bool
delete_build(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *d = role_doc(c);

	if (d != NULL)
		change_delete(ch, CERT_ROLE_KIND, c->mount->path, d->name);
	return true;
}

void
cert_role_delete(struct call *c)
{
	call_change(c, "cert role removed", delete_build, changed);
}

/* ---- the mount ---- */

bool
cert_made(struct call *c, struct changes *ch, const char *path)
{
	(void)c;
	change_put(ch, CERT_CONFIG_KIND, path, "config", json_object());
	return true;
}

/* On the store's thread. What is below the tokens has no parent any more. */
static void
removal_done(void *arg, bool ok, const struct error *e)
{
	(void)ok;
	(void)e;
	auth_forget(arg, NULL);
}

/* Its tokens go before the mount does. Should they not: they cannot be renewed. */
bool
cert_removed(struct call *c, struct changes *ch, const char *path)
{
	auto_mem char *scope = mem_printf("%s/login", path);
	struct store_secret_change tokens = { .op = STORE_SECRET_DELETE_SCOPE,
		.row = { .kind = TOKEN_KIND, .scope = scope } };

	(void)ch;
	store_secrets_write(c->store, &tokens, 1, removal_done, c->tokens);
	return true;
}
