/* SPDX-License-Identifier: Apache-2.0 */
/* What a client certificate says. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <chancery/base/text.h>

#include "cert_client.h"

/* As many as a chain can have that is verified (CERT_DEPTH), and some that are not of it. */
#define CHAIN_MAX 16

/* ---- made and freed ---- */

void
client_cert_free(struct client_cert *c)
{
	if (c == NULL)
		return;
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	mem_free(c);
}

struct client_cert *
client_cert_new(struct bytes der, struct error *e)
{
	auto_client_cert struct client_cert *c = mem_calloc(1, sizeof(*c));
	const uint8_t *p = der.p, *end = der.p + der.n;

	c->chain = sk_X509_new_null();
	while (p != end) {
		X509 *x = d2i_X509(NULL, &p, end - p);

		if (x == NULL) {
			(void)error_ossl(e, "client certificate");
			e->why = FAIL_BAD_INPUT;
			return NULL;
		}
		if (c->leaf == NULL)
			c->leaf = x;
		else if (sk_X509_push(c->chain, x) <= 0)
			fatal("no memory for a certificate");
		if (sk_X509_num(c->chain) > CHAIN_MAX) {
			(void)error_set(e, FAIL_BAD_INPUT,
			    "client certificate: a chain of more than %d",
			    CHAIN_MAX);
			return NULL;
		}
	}
	if (c->leaf != NULL)
		return take(c);
	(void)error_set(e, FAIL_BAD_INPUT, "client certificate: there is none");
	return NULL;
}

/* ---- texts ---- */

bool
client_text(const ASN1_STRING *s, struct buf *out)
{
	unsigned char *utf8 = NULL;
	int n = ASN1_STRING_to_UTF8(&utf8, s);
	bool ok = n >= 0 && memchr(utf8, '\0', (size_t)n) == NULL &&
	    utf8_valid(bytes_of(utf8, (size_t)n));

	if (ok)
		buf_add(out, utf8, (size_t)n);
	OPENSSL_free(utf8);
	ERR_clear_error();
	return ok;
}

void
client_common_name(const struct client_cert *c, struct buf *out)
{
	const X509_NAME *name = X509_get_subject_name(c->leaf);
	int at = -1, last = -1;

	while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
		last = at;
	if (last >= 0 &&
	    !client_text(X509_NAME_ENTRY_get_data(
			     X509_NAME_get_entry(name, last)),
		out))
		buf_reset(out);
}

/* ---- extensions ---- */

static const ASN1_OCTET_STRING *
extension(const struct client_cert *c, const char *oid)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	int at = obj == NULL ? -1 : X509_get_ext_by_OBJ(c->leaf, obj, -1);

	ASN1_OBJECT_free(obj);
	ERR_clear_error();
	return at < 0 ? NULL
		      : X509_EXTENSION_get_data(X509_get_ext(c->leaf, at));
}

static bool
is_text_type(int type)
{
	return type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING ||
	    type == V_ASN1_IA5STRING || type == V_ASN1_NUMERICSTRING ||
	    type == V_ASN1_T61STRING || type == V_ASN1_BMPSTRING;
}

bool
client_ext_text(const struct client_cert *c, const char *oid, struct buf *text)
{
	const ASN1_OCTET_STRING *v = extension(c, oid);
	const uint8_t *p, *end;
	ASN1_TYPE *t;

	if (v == NULL)
		return false;
	p = ASN1_STRING_get0_data(v);
	end = p + ASN1_STRING_length(v);
	t = d2i_ASN1_TYPE(NULL, &p, end - p);
	if (t != NULL && p == end && is_text_type(ASN1_TYPE_get(t)) &&
	    !client_text(t->value.asn1_string, text))
		buf_reset(text);
	ASN1_TYPE_free(t);
	ERR_clear_error();
	return true;
}

bool
client_ext_hex(const struct client_cert *c, const char *oid, struct buf *hex)
{
	const ASN1_OCTET_STRING *v = extension(c, oid);

	if (v == NULL)
		return false;
	buf_add_hex(hex,
	    bytes_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v)));
	return true;
}

/* ---- metadata ---- */

static json_t *
hex_colons(const ASN1_OCTET_STRING *s)
{
	auto_buf struct buf out = { 0 };
	const uint8_t *p = s == NULL ? NULL : ASN1_STRING_get0_data(s);
	int n = s == NULL ? 0 : ASN1_STRING_length(s);

	for (int i = 0; i < n; i++)
		buf_addf(&out, i == 0 ? "%02x" : ":%02x", p[i]);
	return json_string(buf_cstr(&out));
}

static json_t *
decimal(const ASN1_INTEGER *i)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(i, NULL);
	char *text = n == NULL ? NULL : BN_bn2dec(n);
	json_t *out = json_string(text == NULL ? "" : text);

	OPENSSL_free(text);
	BN_free(n);
	return out;
}

static void
add_extension(const struct client_cert *c, const char *oid, json_t *out)
{
	auto_buf struct buf text = { 0 };
	auto_mem char *key = mem_strdup(oid);

	if (!client_ext_text(c, oid, &text))
		return;
	for (char *p = key; *p != '\0'; p++)
		if (*p == '.')
			*p = '-';
	(void)json_object_set_new(out, key, json_string(buf_cstr(&text)));
}

json_t *
client_cert_metadata(const struct client_cert *c, const json_t *extensions)
{
	auto_buf struct buf cn = { 0 };
	json_t *o;

	client_common_name(c, &cn);
	o = json_pack("{s:s, s:o, s:o, s:o}", "common_name", buf_cstr(&cn),
	    "serial_number", decimal(X509_get0_serialNumber(c->leaf)),
	    "subject_key_id", hex_colons(X509_get0_subject_key_id(c->leaf)),
	    "authority_key_id",
	    hex_colons(X509_get0_authority_key_id(c->leaf)));
	if (o == NULL)
		fatal("client_cert_metadata");
	for (size_t i = 0; i < json_array_size(extensions); i++)
		add_extension(c,
		    json_string_value(json_array_get(extensions, i)), o);
	return o;
}

static bool
same(const json_t *a, const json_t *b, const char *member)
{
	return strcmp(doc_str(a, member), doc_str(b, member)) == 0;
}

bool
client_cert_continues(const struct client_cert *c, const json_t *metadata)
{
	auto_json json_t *now = client_cert_metadata(c, NULL);
	bool authority = same(now, metadata, "authority_key_id"),
	     known = doc_str(now, "authority_key_id")[0] != '\0',
	     keyed = doc_str(now, "subject_key_id")[0] != '\0';

	return (authority && same(now, metadata, "serial_number")) ||
	    (keyed && same(now, metadata, "subject_key_id")) ||
	    (authority && known && same(now, metadata, "common_name"));
}
