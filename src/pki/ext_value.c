/* SPDX-License-Identifier: Apache-2.0 */

/* Values of the extensions that we read. */
#include <chancery/pki/ext.h>

#include <chancery/pki/der.h>

#include "internal.h"

bool
ext_basic_constraints(const struct ext *x, bool *ca, int *path_len,
    struct error *e)
{
	struct der_reader r;
	bool is_ca = false;
	uint64_t len = 0;
	bool has_len;

	if (!der_unwrap(x->value, DER_SEQUENCE, &r))
		return ext_malformed(x, "not a SEQUENCE", e);
	if (der_r_peek(&r) == DER_BOOLEAN) {
		is_ca = der_r_bool(&r);
		/* X.690 11.5: a DEFAULT value is not encoded. */
		if (!r.failed && !is_ca)
			return ext_malformed(x, "cA FALSE is written out", e);
	}
	has_len = der_r_peek(&r) == DER_INTEGER;
	if (has_len)
		len = der_r_uint(&r);
	if (!der_r_done(&r) || len > 255)
		return ext_malformed(x, "malformed", e);
	*ca = is_ca;
	*path_len = has_len ? (int)len : -1;
	return true;
}

/* X.690 11.2.2: no trailing zero bits in a named bit list. */
bool
ext_key_usage(const struct ext *x, unsigned *bits, struct error *e)
{
	struct der_reader r;
	struct bytes v;
	unsigned out = 0, unused;

	der_r_init(&r, x->value);
	v = der_r_get(&r, DER_BIT_STRING);
	if (!der_r_done(&r) || v.n < 2 || v.n > 3 || v.p[0] > 7)
		return ext_malformed(x, "not a BIT STRING of one to nine bits",
		    e);
	unused = v.p[0];
	if ((v.p[v.n - 1] & ((1u << unused) - 1)) != 0 ||
	    (v.p[v.n - 1] >> unused & 1) == 0)
		return ext_malformed(x, "bits are not minimal", e);
	if (v.n == 3 && unused != 7)
		return ext_malformed(x, "a bit past decipherOnly", e);
	for (unsigned i = 0; i < 8 * (v.n - 1); i++)
		if ((v.p[1 + i / 8] & (0x80 >> i % 8)) != 0)
			out |= 1u << i;
	*bits = out;
	return true;
}

bool
ext_eku_count(const struct ext *x, size_t *n, struct error *e)
{
	struct der_reader r;
	size_t count = 0;

	if (!der_unwrap(x->value, DER_SEQUENCE, &r) || der_r_done(&r))
		return ext_malformed(x, "not a SEQUENCE of purposes", e);
	for (; der_r_peek(&r) >= 0; count++)
		if (der_r_get(&r, DER_OID).n == 0)
			return ext_malformed(x, "a purpose is not an OID", e);
	if (!der_r_done(&r))
		return ext_malformed(x, "malformed", e);
	*n = count;
	return true;
}

bool
ext_eku_at(const struct ext *x, size_t i, char *oid, size_t size)
{
	struct der_reader r;

	if (!der_unwrap(x->value, DER_SEQUENCE, &r))
		return false;
	while (i-- > 0)
		(void)der_r_get(&r, DER_OID);
	return der_oid_text(der_r_get(&r, DER_OID), oid, size);
}

bool
general_name_parse(struct bytes element, struct general_name *out)
{
	static const struct {
		uint8_t tag;
		enum general_name_kind kind;
	} tags[] = {
		{ DER_CONTEXT(1), GN_EMAIL },
		{ DER_CONTEXT(2), GN_DNS },
		{ DER_CONTEXT_CONSTRUCTED(4), GN_DIRNAME },
		{ DER_CONTEXT(6), GN_URI },
		{ DER_CONTEXT(7), GN_IP },
	};
	struct der_reader r;
	uint8_t tag = 0;

	der_r_init(&r, element);
	(void)der_r_any(&r, &tag);
	if (!der_r_done(&r) || (tag & 0xc0) != 0x80)
		return false;
	for (size_t i = 0; i < countof(tags); i++) {
		if (tags[i].tag != tag)
			continue;
		der_r_init(&r, element);
		out->kind = tags[i].kind;
		out->value = der_r_get(&r, tag);
		return true;
	}
	*out = (struct general_name){ GN_OTHER, element };
	return true;
}

/* Octet counts that RFC 5280 4.2.1.6 allows. */
static bool
san_value_fits(const struct general_name *g)
{
	if (g->kind == GN_IP)
		return g->value.n == 4 || g->value.n == 16;
	return g->value.n > 0;
}

static bool
names_parse(struct bytes list, struct general_name *out, size_t max, size_t *n)
{
	struct general_name one;
	struct der_reader r;
	struct bytes el;
	size_t count = 0;
	uint8_t tag;

	der_r_init(&r, list);
	for (; der_r_peek(&r) >= 0; count++) {
		el = der_r_any(&r, &tag);
		if (r.failed || !general_name_parse(el, &one) ||
		    !san_value_fits(&one))
			return false;
		if (count < max)
			out[count] = one;
	}
	*n = count;
	return true;
}

bool
ext_san(const struct ext *x, struct general_name *out, size_t max, size_t *n,
    struct error *e)
{
	struct der_reader r;
	size_t count = 0;

	if (!der_unwrap(x->value, DER_SEQUENCE, &r) || der_r_done(&r))
		return ext_malformed(x, "not a SEQUENCE of names", e);
	if (!names_parse(r.rest, out, max, &count))
		return ext_malformed(x, "malformed GeneralName", e);
	*n = count;
	return true;
}

bool
ext_ski(const struct ext *x, struct bytes *id, struct error *e)
{
	struct der_reader r;
	struct bytes v;

	der_r_init(&r, x->value);
	v = der_r_get(&r, DER_OCTET_STRING);
	if (!der_r_done(&r) || v.n == 0)
		return ext_malformed(x, "not an OCTET STRING", e);
	*id = v;
	return true;
}

bool
ext_aki(const struct ext *x, struct bytes *id, bool *has_other, struct error *e)
{
	struct bytes v = { NULL, 0 };
	struct der_reader r;
	bool other;

	if (!der_unwrap(x->value, DER_SEQUENCE, &r))
		return ext_malformed(x, "not a SEQUENCE", e);
	if (der_r_peek(&r) == DER_CONTEXT(0))
		v = der_r_get(&r, DER_CONTEXT(0));
	other = der_r_peek(&r) >= 0;
	if (der_r_peek(&r) == DER_CONTEXT_CONSTRUCTED(1))
		(void)der_r_get(&r, DER_CONTEXT_CONSTRUCTED(1));
	if (der_r_peek(&r) == DER_CONTEXT(2))
		(void)der_r_get(&r, DER_CONTEXT(2));
	if (!der_r_done(&r))
		return ext_malformed(x, "malformed", e);
	*id = v;
	*has_other = other;
	return true;
}

/* Distribution point by distribution point; URIs of fullNames go to `uri`. */
struct dp_walk {
	struct crl_dp_shape shape;
	struct bytes *uri;
	size_t max, n;
};

static bool
full_name(struct dp_walk *w, struct bytes names)
{
	struct general_name one;
	struct der_reader r;
	uint8_t tag;

	der_r_init(&r, names);
	if (der_r_done(&r))
		return false;
	while (der_r_peek(&r) >= 0) {
		struct bytes el = der_r_any(&r, &tag);

		if (r.failed || !general_name_parse(el, &one))
			return false;
		if (one.kind != GN_URI)
			continue;
		if (w->n < w->max)
			w->uri[w->n] = one.value;
		w->n++;
	}
	w->shape.full_names++;
	return true;
}

/* DistributionPointName: [0] fullName or [1] nameRelativeToCRLIssuer. */
static bool
dp_name(struct dp_walk *w, struct bytes choice)
{
	struct der_reader r;

	if (der_unwrap(choice, DER_CONTEXT_CONSTRUCTED(0), &r))
		return full_name(w, r.rest);
	w->shape.relative_name = true;
	return der_unwrap(choice, DER_CONTEXT_CONSTRUCTED(1), &r);
}

static bool
one_dp(struct dp_walk *w, struct bytes dp)
{
	struct der_reader r;
	bool named;

	der_r_init(&r, dp);
	named = der_r_peek(&r) == DER_CONTEXT_CONSTRUCTED(0);
	if (named && !dp_name(w, der_r_get(&r, DER_CONTEXT_CONSTRUCTED(0))))
		return false;
	if (der_r_peek(&r) == DER_CONTEXT(1)) {
		w->shape.reasons = true;
		(void)der_r_get(&r, DER_CONTEXT(1));
	}
	if (der_r_peek(&r) == DER_CONTEXT_CONSTRUCTED(2)) {
		w->shape.crl_issuer = named = true;
		(void)der_r_get(&r, DER_CONTEXT_CONSTRUCTED(2));
	}
	w->shape.points++;
	/* RFC 5280 4.2.1.13: never of reasons alone. */
	return named && der_r_done(&r);
}

static bool
walk_dps(const struct ext *x, struct dp_walk *w, struct error *e)
{
	struct der_reader r;

	if (!der_unwrap(x->value, DER_SEQUENCE, &r) || der_r_done(&r))
		return ext_malformed(x, "not a SEQUENCE of points", e);
	while (der_r_peek(&r) >= 0) {
		struct bytes dp = der_r_get(&r, DER_SEQUENCE);

		if (r.failed || !one_dp(w, dp))
			return ext_malformed(x, "malformed DistributionPoint",
			    e);
	}
	return true;
}

bool
ext_crl_dp(const struct ext *x, struct bytes *uri, size_t max, size_t *n,
    struct error *e)
{
	struct dp_walk w = { .uri = uri, .max = max };

	if (!walk_dps(x, &w, e))
		return false;
	*n = w.n;
	return true;
}

bool
ext_crl_dp_shape(const struct ext *x, struct crl_dp_shape *out, struct error *e)
{
	struct dp_walk w = { .max = 0 };

	if (!walk_dps(x, &w, e))
		return false;
	*out = w.shape;
	return true;
}

bool
ext_aia(const struct ext *x, const char *method, struct bytes *uri, size_t max,
    size_t *n, struct error *e)
{
	struct general_name name;
	struct der_reader list, r;
	size_t count = 0;
	char oid[64];
	uint8_t tag;

	if (!der_unwrap(x->value, DER_SEQUENCE, &list) || der_r_done(&list))
		return ext_malformed(x, "not a SEQUENCE of descriptions", e);
	while (der_r_peek(&list) >= 0) {
		bool ok;

		der_r_init(&r, der_r_get(&list, DER_SEQUENCE));
		ok = der_oid_text(der_r_get(&r, DER_OID), oid, sizeof(oid)) &&
		    general_name_parse(der_r_any(&r, &tag), &name);
		if (list.failed || !ok || !der_r_done(&r))
			return ext_malformed(x, "malformed AccessDescription",
			    e);
		if (name.kind != GN_URI || strcmp(oid, method) != 0)
			continue;
		if (count < max)
			uri[count] = name.value;
		count++;
	}
	*n = count;
	return true;
}

bool
ext_policy_at(const struct ext *x, size_t i, char *oid, size_t size)
{
	struct der_reader list, r;

	if (!der_unwrap(x->value, DER_SEQUENCE, &list))
		return false;
	while (i-- > 0)
		(void)der_r_get(&list, DER_SEQUENCE);
	der_r_init(&r, der_r_get(&list, DER_SEQUENCE));
	return der_oid_text(der_r_get(&r, DER_OID), oid, size);
}

static bool
subtree_fits(const struct general_name *g)
{
	/* RFC 5280 4.2.1.10: address and mask. */
	return g->kind != GN_IP || g->value.n == 8 || g->value.n == 32;
}

static bool
subtrees(struct bytes list, struct general_name *out, size_t max, size_t *n)
{
	struct general_name name;
	struct der_reader r, tree;
	size_t count = 0;
	uint8_t tag;

	der_r_init(&r, list);
	for (; der_r_peek(&r) >= 0; count++) {
		der_r_init(&tree, der_r_get(&r, DER_SEQUENCE));
		if (!general_name_parse(der_r_any(&tree, &tag), &name) ||
		    !subtree_fits(&name) || !der_r_done(&tree))
			return false;
		if (count < max)
			out[count] = name;
	}
	*n = count;
	/* GeneralSubtrees is SIZE (1..MAX). */
	return der_r_done(&r) && count > 0;
}

bool
ext_name_constraints(const struct ext *x, bool excluded,
    struct general_name *out, size_t max, size_t *n, struct error *e)
{
	struct der_reader r;
	size_t counts[2] = { 0, 0 };

	if (!der_unwrap(x->value, DER_SEQUENCE, &r) || der_r_done(&r))
		return ext_malformed(x, "neither permitted nor excluded", e);
	for (unsigned side = 0; side < countof(counts); side++) {
		uint8_t tag = (uint8_t)DER_CONTEXT_CONSTRUCTED(side);
		bool wanted = (side == 1) == excluded;

		if (der_r_peek(&r) != tag)
			continue;
		if (!subtrees(der_r_get(&r, tag), out, wanted ? max : 0,
			&counts[side]))
			return ext_malformed(x, "malformed GeneralSubtrees", e);
	}
	if (!der_r_done(&r))
		return ext_malformed(x, "malformed", e);
	*n = counts[excluded ? 1 : 0];
	return true;
}
