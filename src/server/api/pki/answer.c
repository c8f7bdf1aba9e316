/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as JSON. */
#include <openssl/crypto.h>

#include <chancery/base/text.h>

#include "engine.h"

json_t *
pem_json(struct bytes der)
{
	auto_buf struct buf pem = { 0 };

	pem_encode("CERTIFICATE", der, &pem);
	while (pem.n > 0 && pem.p[pem.n - 1] == '\n')
		pem.n--;
	return json_stringn_nocheck((const char *)pem.p, pem.n);
}

json_t *
base64_json(struct bytes v)
{
	auto_buf struct buf text = { 0 };

	buf_add_base64(&text, v);
	return json_stringn_nocheck((const char *)text.p, text.n);
}

/* Big-endian magnitude without leading zeros, "aa:bb". */
void
serial_text_int(struct bytes v, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";

	while (v.n > 1 && v.p[0] == 0)
		v = bytes_of(v.p + 1, v.n - 1);
	for (size_t i = 0; i < v.n; i++) {
		if (i > 0)
			buf_add_byte(out, ':');
		buf_add_byte(out, (uint8_t)hex[v.p[i] >> 4]);
		buf_add_byte(out, (uint8_t)hex[v.p[i] & 0xf]);
	}
}

void
serial_text(const uint8_t serial[LIMIT_SERIAL_BYTES], struct buf *out)
{
	serial_text_int(bytes_of(serial, LIMIT_SERIAL_BYTES), out);
}

json_t *
serial_json(struct bytes magnitude)
{
	auto_buf struct buf text = { 0 };

	serial_text_int(magnitude, &text);
	return json_stringn_nocheck((const char *)text.p, text.n);
}

bool
pki_serial_parse(const char *text, uint8_t out[LIMIT_SERIAL_BYTES])
{
	char hex[2 * LIMIT_SERIAL_BYTES + 3];
	size_t n = 0, zeros;

	for (; *text != '\0'; text++) {
		if (*text == ':' || *text == '-' || *text == ' ')
			continue;
		if (n == 2 * LIMIT_SERIAL_BYTES + 2)
			return false;
		hex[n++] = *text;
	}
	hex[n] = '\0';
	/* 20 octets with the sign octet of DER before them. */
	for (zeros = 0; n - zeros > 2 * LIMIT_SERIAL_BYTES; zeros++)
		if (hex[zeros] != '0')
			return false;
	memset(out, 0, LIMIT_SERIAL_BYTES);
	n -= zeros;
	if (n == 0 || n % 2 != 0)
		return false;
	return hex_decode_fixed(hex + zeros, out + LIMIT_SERIAL_BYTES - n / 2,
	    n / 2);
}

bool
form_parse(const char *text, enum form *out, struct error *e)
{
	static const char *const names[] = {
		[FORM_PEM] = "pem",
		[FORM_DER] = "der",
		[FORM_BUNDLE] = "pem_bundle",
	};

	for (size_t i = 0; i < countof(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum form)i;
			return true;
		}
	return error_set(e, FAIL_BAD_INPUT,
	    "the \"format\" path parameter must be \"pem\", \"der\", or "
	    "\"pem_bundle\"");
}

json_t *
texts_json(const struct pki_texts *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->n; i++)
		(void)json_array_append_new(list, json_string(t->v[i]));
	return list;
}

static json_t *
cert_json(struct bytes der, enum form form)
{
	return form == FORM_DER ? base64_json(der) : pem_json(der);
}

/* The way is this worker's own, and so are the counts of what it keeps. */
static json_t *
kept_pem(struct way *w, size_t i)
{
	if (w->pem[i] == NULL)
		w->pem[i] = pem_json(buf_bytes(&w->chain[i]->cert.der));
	return json_incref(w->pem[i]);
}

static json_t *
issuer_cert(struct way *w, size_t i, enum form form)
{
	return form == FORM_DER ? base64_json(buf_bytes(&w->chain[i]->cert.der))
				: kept_pem(w, i);
}

static void
add_chain(struct way *w, enum form form, bool strip, json_t *list)
{
	for (size_t i = 0; i < w->chain_n; i++)
		if (!strip || !w->chain[i]->self_signed)
			(void)json_array_append_new(list,
			    issuer_cert(w, i, form));
}

static json_t *
chain_of(struct call *c, const struct work *w, enum form form, bool first)
{
	bool strip = in_bool(c, "remove_roots_from_chain");
	json_t **kept = strip ? &w->way->bare_chain_json : &w->way->chain_json;
	json_t *list;

	if (form != FORM_DER && !first && *kept != NULL)
		return json_incref(*kept);
	list = json_array();
	if (first)
		(void)json_array_append_new(list,
		    cert_json(buf_bytes(&w->cert), form));
	add_chain(w->way, form, strip, list);
	if (form != FORM_DER && !first)
		*kept = json_incref(list);
	return list;
}

static void
add_line(struct buf *out, const char *pem, size_t n)
{
	if (out->n > 0)
		buf_add_byte(out, '\n');
	buf_add(out, pem, n);
}

/* Key, leaf, chain: joined by newlines. With a key the text lies in memory that is
 * wiped. */
static json_t *
bundle(struct work *w, const json_t *key)
{
	auto_buf struct buf certs = { 0 };
	size_t key_n = key != NULL ? json_string_length(key) + 1 : 0;
	json_t *v, *leaf = pem_json(buf_bytes(&w->cert));
	char *text;

	add_line(&certs, json_string_value(leaf), json_string_length(leaf));
	json_decref(leaf);
	for (size_t i = 0; i < w->way->chain_n; i++)
		add_line(&certs, (const char *)w->way->chain[i]->pem.p,
		    w->way->chain[i]->pem.n - 1);
	if (key == NULL)
		return json_stringn((const char *)certs.p, certs.n);
	text = OPENSSL_malloc(key_n + certs.n);
	if (text == NULL)
		fatal("out of memory");
	memcpy(text, json_string_value(key), key_n - 1);
	text[key_n - 1] = '\n';
	memcpy(text + key_n, certs.p, certs.n);
	v = json_stringn(text, key_n + certs.n);
	OPENSSL_clear_free(text, key_n + certs.n);
	return v;
}

json_t *
cert_answer(struct call *c, struct work *w, bool first, json_t *key)
{
	enum form form = w->form;
	json_t *data = json_object(), *chain = chain_of(c, w, form, first);

	(void)json_object_set_new(data, "certificate",
	    form == FORM_BUNDLE ? bundle(w, key)
				: cert_json(buf_bytes(&w->cert), form));
	(void)json_object_set_new(data, "issuing_ca",
	    issuer_cert(w->way, 0, form));
	if (json_array_size(chain) > 0)
		(void)json_object_set_new(data, "ca_chain", chain);
	else
		json_decref(chain);
	(void)json_object_set_new(data, "serial_number",
	    serial_json(bytes_of(w->serial, sizeof(w->serial))));
	(void)json_object_set_new(data, "expiration",
	    json_integer(w->life.to_s));
	/* Of leaves, as OpenBao and newer Vaults have it. */
	if (!first)
		(void)json_object_set_new(data, "not_before",
		    json_integer(w->life.from_s));
	return data;
}
