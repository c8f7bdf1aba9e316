/* SPDX-License-Identifier: Apache-2.0 */

/* otherNames (RFC 5280 4.2.1.6): an OID and a UTF-8 string, as user principal names
 * are. */
#include <string.h>
#include <strings.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/pki/der.h>

#include "names_work.h"

bool
other_parse(const char *text, struct other_rule *out)
{
	const char *semi = strchr(text, ';'), *colon;
	size_t n;

	if (semi == NULL || (size_t)(semi - text) >= sizeof(out->oid))
		return false;
	memcpy(out->oid, text, (size_t)(semi - text));
	out->oid[semi - text] = '\0';
	colon = strchr(semi, ':');
	if (colon == NULL || !pki_oid_valid(out->oid))
		return false;
	n = (size_t)(colon - semi - 1);
	if (!(n == 4 && strncasecmp(semi + 1, "UTF8", n) == 0) &&
	    !(n == 5 && strncasecmp(semi + 1, "UTF-8", n) == 0))
		return false;
	out->value = colon + 1;
	return true;
}

static bool
allowed(const struct pki_role *r, const char *oid, const char *value,
    struct error *e)
{
	bool known = false;

	for (size_t i = 0; i < r->allowed_other_sans.n; i++) {
		const char *text = r->allowed_other_sans.v[i];
		struct other_rule rule;

		if (strcmp(text, "*") == 0)
			return true;
		if (!other_parse(text, &rule) || strcmp(rule.oid, oid) != 0)
			continue;
		known = true;
		if (pki_glob(rule.value, bytes_str(value), false))
			return true;
	}
	return known
	    ? error_set(e, FAIL_REFUSED,
		  "other SAN %.100s not allowed for OID %s by this role", value,
		  oid)
	    : error_set(e, FAIL_REFUSED,
		  "other SAN OID %s not allowed by this role", oid);
}

static bool
add(struct names_work *w, const char *oid, const char *value, struct error *e)
{
	auto_der_writer struct der_writer d = { 0 };

	if (!allowed(w->in->role, oid, value, e))
		return false;
	if (!utf8_valid(bytes_str(value)) || value[0] == '\0')
		return error_set(e, FAIL_BAD_INPUT,
		    "other_sans: the value for %s is empty or not UTF-8", oid);
	der_w_init(&d, 64 + strlen(value));
	der_w_tlv(&d, DER_UTF8_STRING, bytes_str(value));
	der_w_wrap(&d, DER_CONTEXT_CONSTRUCTED(0), 0);
	der_w_oid(&d, oid);
	der_w_wrap(&d, DER_CONTEXT_CONSTRUCTED(0), 0);
	name_list_add_once(&w->other, arena_add(w->out->arena, der_w_bytes(&d)),
	    false);
	return true;
}

/* [0] { OID, [0] { UTF8String } }; another kind of string is not ours. */
static bool
add_csr(struct names_work *w, struct bytes element, struct error *e)
{
	struct der_reader r, in, value;
	struct bytes oid, text;
	char dotted[128];

	der_r_init(&r, element);
	der_r_init(&in, der_r_get(&r, DER_CONTEXT_CONSTRUCTED(0)));
	oid = der_r_get(&in, DER_OID);
	der_r_init(&value, der_r_get(&in, DER_CONTEXT_CONSTRUCTED(0)));
	text = der_r_get(&value, DER_UTF8_STRING);
	if (!der_r_done(&value) || !der_r_done(&in) || !der_r_done(&r) ||
	    !der_oid_text(oid, dotted, sizeof(dotted)) || !utf8_valid(text))
		return error_set(e, FAIL_BAD_INPUT,
		    "unable to parse requested other SAN: only UTF-8 "
		    "otherNames are supported");
	return add(w, dotted, (const char *)arena_add(w->out->arena, text).p,
	    e);
}

bool
names_take_other(struct names_work *w, struct error *e)
{
	struct other_rule o;
	size_t i;
	json_t *v;

	json_array_foreach(w->in->other_sans, i, v)
	{
		if (!other_parse(json_string_value(v), &o))
			return error_set(e, FAIL_BAD_INPUT,
			    "could not parse requested other SAN \"%.100s\": "
			    "<oid>;UTF8:<value>",
			    json_string_value(v));
		if (!add(w, o.oid, o.value, e))
			return false;
	}
	/* Other kinds (addresses of X.400, registered ids) are not taken. */
	for (i = 0; i < w->csr_san_n; i++)
		if (w->csr_san[i].kind == GN_OTHER &&
		    w->csr_san[i].value.p[0] == DER_CONTEXT_CONSTRUCTED(0) &&
		    !add_csr(w, w->csr_san[i].value, e))
			return false;
	return true;
}
