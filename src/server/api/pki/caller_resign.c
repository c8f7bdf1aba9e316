/* SPDX-License-Identifier: Apache-2.0 */
/* issuer/:ref/resign-crls: lists of the issuer joined into one with the caller's number. */
#include "caller_list.h"

static bool
one_block(const char *pem)
{
	const char *at = strstr(pem, "-----BEGIN X509 CRL-----");

	return at != NULL && strstr(at + 1, "-----BEGIN") == NULL;
}

static bool
collect(struct listing *l, const struct crl_view *v, struct error *e)
{
	size_t at = 0;
	struct crl_entry entry;

	while (crl_next_entry(v, &at, &entry, e))
		*listing_add(l) = entry;
	return e->why == FAIL_NONE;
}

static bool
take_list(struct listing *l, const char *pem, size_t i, struct error *e)
{
	const struct issuer *issuer = issuer_of(l->issuer);
	auto_buf struct buf der = { 0 };
	struct crl_view v;
	struct error why;

	if (!one_block(pem))
		return error_set(e, FAIL_BAD_INPUT,
		    "failed decoding crl %zu: invalid crl; should be one PEM "
		    "block only",
		    i);
	if (!crl_parse(bytes_str(pem), "crls", &der, &v, e)) {
		e->why = FAIL_BAD_INPUT;
		return error_context(e, "failed decoding crl %zu", i);
	}
	if (!bytes_eq(v.issuer, issuer->cert.tbs.subject) ||
	    !crl_verify(&v, &issuer->cert.tbs.key, &why))
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL index: %zu was not signed by requested issuer", i);
	return collect(l, &v, e) ||
	    error_context(e, "failed decoding crl %zu", i);
}

static bool
take_lists(struct call *c, struct listing *l, struct error *e)
{
	const json_t *list = call_list(c, "crls"), *v;
	size_t i;

	if (json_array_size(list) > LIMIT_RESIGN_LISTS)
		return error_set(e, FAIL_BAD_INPUT, "crls: %zu, at most %d",
		    json_array_size(list), LIMIT_RESIGN_LISTS);
	json_array_foreach(list, i,
	    v) if (!take_list(l, json_string_value(v), i, e)) return false;
	return true;
}

void
resign_crls(struct call *c)
{
	struct listing *l = listing_new(c);
	struct error e;

	l->issuer = issuer_of_call(c);
	if (l->issuer == NULL)
		return;
	if (listing_common(c, l, &e) && take_lists(c, l, &e) &&
	    listing_order(l, true, &e))
		listing_sign(c, l);
	else
		call_fail(c, &e);
}
