/* SPDX-License-Identifier: Apache-2.0 */
/* Names and extensions of a client certificate against what a role allows. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "cert_client.h"

static bool
string_fits(const json_t *globs, const ASN1_STRING *s)
{
	auto_buf struct buf text = { 0 };

	return client_text(s, &text) && names_match(globs, buf_cstr(&text));
}

/* ---- names ---- */

static bool
common_name_fits(const struct client_cert *c, const json_t *globs)
{
	auto_buf struct buf cn = { 0 };

	client_common_name(c, &cn);
	return names_match(globs, buf_cstr(&cn));
}

static bool
san_fits(const struct client_cert *c, const json_t *globs, int type)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	ERR_clear_error();
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		int kind;
		const ASN1_STRING *s =
		    GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i),
			&kind);

		found = kind == type && string_fits(globs, s);
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool
dns_fits(const struct client_cert *c, const json_t *globs)
{
	return san_fits(c, globs, GEN_DNS);
}

static bool
email_fits(const struct client_cert *c, const json_t *globs)
{
	return san_fits(c, globs, GEN_EMAIL);
}

static bool
uri_fits(const struct client_cert *c, const json_t *globs)
{
	return san_fits(c, globs, GEN_URI);
}

static bool
any_name_fits(const struct client_cert *c, const json_t *globs)
{
	return common_name_fits(c, globs) || dns_fits(c, globs) ||
	    email_fits(c, globs);
}

static bool
unit_fits(const struct client_cert *c, const json_t *globs)
{
	const X509_NAME *name = X509_get_subject_name(c->leaf);
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(name,
		    NID_organizationalUnitName, at)) >= 0)
		if (string_fits(globs,
			X509_NAME_ENTRY_get_data(
			    X509_NAME_get_entry(name, at))))
			return true;
	return false;
}

/* ---- required_extensions: "1.2.3:glob" of a text, "hex:1.2.3:glob" ---- */

static bool
extension_fits(const struct client_cert *c, const char *wanted)
{
	static const char hex[] = "hex:";
	bool is_hex = strncmp(wanted, hex, sizeof(hex) - 1) == 0;
	const char *oid = is_hex ? wanted + sizeof(hex) - 1 : wanted;
	const char *colon = strchr(oid, ':');
	auto_buf struct buf name = { 0 }, value = { 0 }, glob = { 0 };

	if (colon == NULL)
		return false;
	buf_add(&name, oid, (size_t)(colon - oid));
	buf_add_str(&glob, colon + 1);
	if (!(is_hex ? client_ext_hex(c, buf_cstr(&name), &value)
		     : client_ext_text(c, buf_cstr(&name), &value)))
		return false;
	for (size_t i = 0; is_hex && i < glob.n; i++)
		if (glob.p[i] >= 'A' && glob.p[i] <= 'F')
			glob.p[i] = (uint8_t)(glob.p[i] - 'A' + 'a');
	return name_glob(buf_cstr(&glob), buf_cstr(&value));
}

static bool
extensions_fit(const struct client_cert *c, const json_t *wanted)
{
	for (size_t i = 0; i < json_array_size(wanted); i++)
		if (!extension_fits(c,
			json_string_value(json_array_get(wanted, i))))
			return false;
	return true;
}

/* Of each list that is not empty. */
static const struct {
	const char *field;
	bool (*fits)(const struct client_cert *c, const json_t *list);
} constraints[] = {
	{ "allowed_names", any_name_fits },
	{ "allowed_common_names", common_name_fits },
	{ "allowed_dns_sans", dns_fits },
	{ "allowed_email_sans", email_fits },
	{ "allowed_uri_sans", uri_fits },
	{ "allowed_organizational_units", unit_fits },
	{ "required_extensions", extensions_fit },
};

bool
cert_role_fits(const json_t *doc, const struct client_cert *c)
{
	for (size_t i = 0; i < countof(constraints); i++) {
		const json_t *list = json_object_get(doc, constraints[i].field);

		if (json_array_size(list) > 0 && !constraints[i].fits(c, list))
			return false;
	}
	return true;
}
