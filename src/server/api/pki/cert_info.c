/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate of certs/detailed in a few words. */
#include <chancery/pki/name.h>
#include <chancery/server/request.h>

#include "certs.h"

/* As upstream; host names stand before other names, but for otherNames. */
#define DNS_SHOWN 5
#define SAN_SEEN 64

static json_t *
text_json(struct buf *text)
{
	return json_stringn(buf_cstr(text), text->n);
}

static json_t *
dns_names(const struct tbs_view *t)
{
	const struct ext *x = exts_find(&t->exts, EXT_SAN);
	struct general_name names[SAN_SEEN];
	json_t *list = json_array();
	struct error ignored;
	size_t n = 0;

	if (x == NULL || !ext_san(x, names, SAN_SEEN, &n, &ignored))
		n = 0;
	for (size_t i = 0;
	     i < n && i < SAN_SEEN && json_array_size(list) < DNS_SHOWN; i++)
		if (names[i].kind == GN_DNS)
			(void)json_array_append_new(list,
			    json_stringn((const char *)names[i].value.p,
				names[i].value.n));
	if (json_array_size(list) > 0)
		return list;
	json_decref(list);
	return json_null();
}

static json_t *
time_json(int64_t s)
{
	char text[TIME_TEXT_SIZE];

	time_format_s(s, text);
	return json_string(text);
}

static json_t *
key_bits(struct key_type t)
{
	/* Of the curve, as Go tells it. */
	return json_integer(t.alg == KEY_ED25519 ? 256 : pki_key_bits(t));
}

static json_t *
info_of(const struct tbs_view *t)
{
	auto_buf struct buf cn = { 0 }, issuer = { 0 };
	struct error ignored;
	json_t *o = json_object();

	(void)name_get(t->subject, "CN", 0, &cn);
	if (!name_format(t->issuer, &issuer, &ignored))
		buf_reset(&issuer);
	(void)json_object_set_new(o, "common_name", text_json(&cn));
	(void)json_object_set_new(o, "dns_names", dns_names(t));
	(void)json_object_set_new(o, "issuer", text_json(&issuer));
	if (t->key_ok) {
		(void)json_object_set_new(o, "key_bits", key_bits(t->key.type));
		(void)json_object_set_new(o, "key_type",
		    json_string(pki_key_type_word(t->key.type)));
	}
	(void)json_object_set_new(o, "not_after", time_json(t->not_after_s));
	(void)json_object_set_new(o, "not_before", time_json(t->not_before_s));
	return o;
}

void
cert_row_info(const struct store_cert *c, struct buf *out)
{
	auto_cert struct cert parsed = { 0 };
	auto_json json_t *o = NULL;
	struct error ignored;

	buf_add_byte(out, '"');
	serial_text(c->serial, out);
	buf_add_str(out, "\":");
	o = cert_parse(c->der, "certificate", &parsed, &ignored)
	    ? info_of(&parsed.tbs)
	    : json_object();
	request_dump(o, out);
}
