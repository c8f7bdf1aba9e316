/* SPDX-License-Identifier: Apache-2.0 */
/* Steps 11 and 12 of vault-pki-api.md 5.3: IP addresses and URIs. */
#include <ctype.h>
#include <string.h>

#include "names_work.h"

/* 11 */
static bool
add_ip(struct names_work *w, struct bytes ip, const char *via, struct error *e)
{
	const struct pki_role *r = w->in->role;

	if (!r->allow_ip_sans)
		return error_set(e, FAIL_REFUSED,
		    "IP Subject Alternative Names are not allowed in this "
		    "role, but was provided via %s",
		    via);
	for (size_t i = 0; i < r->allowed_ip_sans_cidr.n; i++)
		if (name_ip_in(ip.p, ip.n, r->allowed_ip_sans_cidr.v[i]))
			break;
		else if (i + 1 == r->allowed_ip_sans_cidr.n)
			return error_set(e, FAIL_REFUSED,
			    "IP Subject Alternative Name is not in the "
			    "networks of this role (allowed_ip_sans_cidr)");
	name_list_add_once(&w->ip, arena_add(w->out->arena, ip), false);
	return true;
}

bool
names_take_ips(struct names_work *w, struct error *e)
{
	uint8_t ip[16];
	size_t i, n;
	json_t *v;

	for (i = 0; names_from_csr(w) && i < w->csr_san_n; i++)
		if (w->csr_san[i].kind == GN_IP &&
		    !add_ip(w, w->csr_san[i].value, "CSR", e))
			return false;
	if (names_from_csr(w))
		return true;
	json_array_foreach(w->in->ip_sans, i, v)
	{
		if (!name_ip(json_string_value(v), ip, &n))
			return error_set(e, FAIL_BAD_INPUT,
			    "the value \"%.100s\" is not a valid IP address",
			    json_string_value(v));
		if (!add_ip(w, bytes_of(ip, n), "the API", e))
			return false;
	}
	return true;
}

/* RFC 5280 4.2.1.6: absolute, ASCII; RFC 3986 2.1: '%' begins two hex digits. */
static bool
uri_form(struct bytes v)
{
	const uint8_t *colon = v.n > 0 ? memchr(v.p, ':', v.n) : NULL;

	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f ||
		    (v.p[i] == '%' &&
			(v.n - i < 3 || !isxdigit(v.p[i + 1]) ||
			    !isxdigit(v.p[i + 2]))))
			return false;
	return colon != NULL && colon > v.p && colon + 1 < v.p + v.n;
}

/* 12 */
static bool
add_uri(struct names_work *w, struct bytes v, const char *via, struct error *e)
{
	const struct pki_role *r = w->in->role;

	if (r->allowed_uri_sans.n == 0)
		return error_set(e, FAIL_REFUSED,
		    "URI Subject Alternative Names are not allowed in this "
		    "role, but were provided via %s",
		    via);
	v = arena_add(w->out->arena, v);
	if (!uri_form(v))
		return error_set(e, FAIL_BAD_INPUT,
		    "the provided URI Subject Alternative Name \"%.150s\" is "
		    "not a valid URI",
		    (const char *)v.p);
	if (!names_any_glob(&r->allowed_uri_sans, (const char *)v.p, false))
		return error_set(e, FAIL_REFUSED,
		    "URI Subject Alternative Names were provided via %s which "
		    "are not valid for this role",
		    via);
	name_list_add_once(&w->uri, v, false);
	return true;
}

bool
names_take_uris(struct names_work *w, struct error *e)
{
	size_t i;
	json_t *v;

	for (i = 0; names_from_csr(w) && i < w->csr_san_n; i++)
		if (w->csr_san[i].kind == GN_URI &&
		    !add_uri(w, w->csr_san[i].value, "CSR", e))
			return false;
	if (names_from_csr(w))
		return true;
	json_array_foreach(w->in->uri_sans, i,
	    v) if (!add_uri(w, bytes_str(json_string_value(v)), "the API",
		       e)) return false;
	return true;
}
