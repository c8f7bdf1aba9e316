/* SPDX-License-Identifier: Apache-2.0 */
#include "uri.h"

#include <stdlib.h>

#include <chancery/base/limits.h>

/* The name of the attribute at p, up to "=". */
static struct bytes
attr_name(const char *p)
{
	return bytes_of(p, strcspn(p, "=;?&"));
}

/* RFC 7512 2.3: each attribute at most once. p11-kit takes the last one, another
 * reader may take the first. */
static bool
check_unique(const char *text, struct error *e)
{
	const char *first = text + strlen("pkcs11:");

	for (const char *p = first; *p != '\0'; p += strcspn(p, ";?&")) {
		p += strspn(p, ";?&");
		for (const char *q = first; q < p; q += strcspn(q, ";?&")) {
			q += strspn(q, ";?&");
			if (q < p && attr_name(p).n > 0 &&
			    bytes_eq(attr_name(q), attr_name(p)))
				return error_set(e, FAIL_BAD_INPUT,
				    "PKCS#11 URI: an attribute comes twice");
		}
	}
	return true;
}

static bool
check_query(const P11KitUri *u, struct error *e)
{
	const struct {
		const char *name;
		bool present;
	} forbidden[] = {
		{ "pin-value", p11_kit_uri_get_pin_value(u) != NULL },
		{ "pin-source", p11_kit_uri_get_pin_source(u) != NULL },
		{ "module-path", p11_kit_uri_get_module_path(u) != NULL },
		{ "module-name", p11_kit_uri_get_module_name(u) != NULL },
	};

	for (size_t i = 0; i < countof(forbidden); i++)
		if (forbidden[i].present)
			return error_set(e, FAIL_BAD_INPUT,
			    "PKCS#11 URI: %s is not taken from a URI",
			    forbidden[i].name);
	return true;
}

/* p11-kit leaves fields that the URI does not name all zero. */
static bool
names_token(P11KitUri *u)
{
	const CK_TOKEN_INFO *t = p11_kit_uri_get_token_info(u);

	return t->label[0] != 0 || t->serialNumber[0] != 0 ||
	    t->manufacturerID[0] != 0 || t->model[0] != 0;
}

static bool
check_key(P11KitUri *u, struct error *e)
{
	struct bytes class = uri_attr(u, CKA_CLASS);
	CK_OBJECT_CLASS c = CKO_PRIVATE_KEY;

	if (class.n == sizeof(c))
		memcpy(&c, class.p, sizeof(c));
	if (c != CKO_PRIVATE_KEY)
		return error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 URI: type must be private");
	if (uri_attr(u, CKA_ID).n == 0 && uri_attr(u, CKA_LABEL).n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 URI: a key needs object= or id=");
	return true;
}

static bool
check_token(P11KitUri *u, struct error *e)
{
	CK_ULONG n = 0;

	(void)p11_kit_uri_get_attributes(u, &n);
	if (n != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 URI: names an object where a token is meant");
	if (!names_token(u))
		return error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 URI: names no token (token=, serial=, …)");
	return true;
}

P11KitUri *
uri_parse(const char *text, enum uri_kind kind, struct error *e)
{
	auto_p11_uri P11KitUri *u = p11_kit_uri_new();
	int rc;

	if (u == NULL)
		fatal("p11_kit_uri_new: out of memory");
	/* p11-kit would drop blanks, so that names match which do not. */
	if (strpbrk(text, " \t\r\n\v\f") != NULL) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 URI: blank in it; write %%20");
		return NULL;
	}
	if (strlen(text) > LIMIT_URI_BYTES) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 URI: longer than %d bytes", LIMIT_URI_BYTES);
		return NULL;
	}
	rc = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, u);
	if (rc != P11_KIT_URI_OK) {
		const char *why = p11_kit_uri_message(rc);

		(void)error_set(e, FAIL_BAD_INPUT, "PKCS#11 URI: %s",
		    why != NULL ? why : "does not parse");
		return NULL;
	}
	if (p11_kit_uri_any_unrecognized(u)) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 URI: unknown attribute");
		return NULL;
	}
	if (!check_unique(text, e) || !check_query(u, e) ||
	    !(kind == URI_KEY ? check_key(u, e) : check_token(u, e)))
		return NULL;
	return take(u);
}

struct bytes
uri_attr(P11KitUri *uri, CK_ATTRIBUTE_TYPE type)
{
	const CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(uri, type);

	if (a == NULL || a->pValue == NULL)
		return (struct bytes){ 0 };
	return bytes_of(a->pValue, a->ulValueLen);
}

/* PKCS#11 strings are blank-padded, not terminated. */
static void
put_padded(unsigned char *out, size_t size, const char *s)
{
	size_t n = strlen(s);

	memset(out, ' ', size);
	memcpy(out, s, n < size ? n : size);
}

static void
set_attr(P11KitUri *u, CK_ATTRIBUTE_TYPE type, struct bytes v)
{
	CK_ATTRIBUTE a = { .type = type, .ulValueLen = v.n };

	if (v.n == 0)
		return;
	memcpy(&a.pValue, &v.p, sizeof(v.p));
	if (p11_kit_uri_set_attribute(u, &a) != P11_KIT_URI_OK)
		fatal("p11_kit_uri_set_attribute: out of memory");
}

char *
uri_key(const char *token, const char *serial, struct bytes label,
    struct bytes id)
{
	static const CK_OBJECT_CLASS private = CKO_PRIVATE_KEY;
	auto_p11_uri P11KitUri *u = p11_kit_uri_new();
	char *text = NULL, *copy;
	CK_TOKEN_INFO *t;

	if (u == NULL)
		fatal("p11_kit_uri_new: out of memory");
	t = p11_kit_uri_get_token_info(u);
	put_padded(t->label, sizeof(t->label), token);
	if (serial[0] != '\0')
		put_padded(t->serialNumber, sizeof(t->serialNumber), serial);
	set_attr(u, CKA_LABEL, label);
	set_attr(u, CKA_ID, id);
	set_attr(u, CKA_CLASS, bytes_of(&private, sizeof(private)));
	if (p11_kit_uri_format(u, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) !=
	    P11_KIT_URI_OK)
		fatal("p11_kit_uri_format: out of memory");
	copy = mem_strdup(text);
	/* Memory of p11-kit, not ours. */
	free(text);
	return copy;
}
