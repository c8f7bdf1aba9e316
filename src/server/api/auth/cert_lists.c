/* SPDX-License-Identifier: Apache-2.0 */
/* auth/cert/crls and config. */
#include <chancery/base/text.h>

#include "../core/core.h"
#include "cert.h"

/* ---- lists of revoked certificates ---- */

static const struct doc *
list_doc(const struct call *c)
{
	return docs_get(c->docs, CERT_CRL_KIND, c->mount->path,
	    call_str(c, "name"));
}

static bool
list_build(struct call *c, struct changes *ch)
{
	auto_buf struct buf der = { 0 }, text = { 0 };
	struct error e = { 0 };

	if (!cert_crl_read(bytes_str(call_str(c, "crl")), &der, &e)) {
		call_error(c, 400, "%s", e.msg);
		return false;
	}
	buf_add_base64(&text, buf_bytes(&der));
	change_put(ch, CERT_CRL_KIND, c->mount->path, call_str(c, "name"),
	    json_pack("{s:s}", "crl", buf_cstr(&text)));
	return true;
}

void
cert_crl_write_row(struct call *c)
{
	if (strlen(call_str(c, "name")) > 255)
		bad_name(c, "name");
	else if (call_str(c, "url")[0] != '\0')
		call_error(c, 400,
		    "url: this server makes no calls of its own and cannot "
		    "fetch a list; hand it in as crl, anew whenever it "
		    "changes");
	else if (call_str(c, "crl")[0] == '\0')
		call_error(c, 400, "one of 'crl' or 'url' must be provided");
	else
		call_change(c, "cert crl", list_build, changed);
}

static void
no_such_list(struct call *c)
{
	call_error(c, 400, "no such CRL %s", call_str(c, "name"));
}

void
cert_crl_read_row(struct call *c)
{
	auto_doc const struct doc *d = list_doc(c);

	if (d == NULL || d->parsed == NULL)
		no_such_list(c);
	else
		call_ok(c,
		    json_pack("{s:o}", "serials", cert_crl_serials(d->parsed)));
}

void
cert_crl_list_row(struct call *c)
{
	call_keys(c, doc_names(c, CERT_CRL_KIND, c->mount->path), NULL);
}

static bool
delete_build(struct call *c, struct changes *ch)
{
	auto_doc const struct doc *d = list_doc(c);

	if (d == NULL) {
		no_such_list(c);
		return false;
	}
	change_delete(ch, CERT_CRL_KIND, c->mount->path, d->name);
	return true;
}

void
cert_crl_delete_row(struct call *c)
{
	call_change(c, "cert crl removed", delete_build, changed);
}

/* ---- config ---- */

static const char *const config_fields[] = { "disable_binding",
	"enable_identity_alias_metadata", "ocsp_cache_size", "role_cache_size",
	"enable_metadata_on_failures", NULL };

static json_t *
config_merged(const struct call *c)
{
	auto_doc const struct doc *d =
	    docs_get(c->docs, CERT_CONFIG_KIND, c->mount->path, "config");

	return doc_merged(c, d == NULL ? NULL : d->json, config_fields);
}

void
cert_config_read(struct call *c)
{
	call_ok(c, config_merged(c));
}

static bool
config_build(struct call *c, struct changes *ch)
{
	auto_json json_t *doc = config_merged(c);

	if (member_int(doc, "ocsp_cache_size") < 0 ||
	    member_int(doc, "role_cache_size") < -1) {
		call_error(c, 400,
		    "ocsp_cache_size, role_cache_size: not negative");
		return false;
	}
	change_put(ch, CERT_CONFIG_KIND, c->mount->path, "config", take(doc));
	return true;
}

void
cert_config_write(struct call *c)
{
	call_change(c, "cert config", config_build, changed);
}

/* ---- whether clients are asked for certificates ---- */

static bool
is_there(void *arg, const struct doc *d)
{
	bool *there = arg;

	(void)d;
	*there = true;
	return false;
}

bool
api_wants_cert(void *arg)
{
	struct api *a = arg;
	bool there = false;

	docs_each(a->cfg.docs, CERT_CONFIG_KIND, NULL, is_there, &there);
	return there;
}
