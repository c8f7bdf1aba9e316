/* SPDX-License-Identifier: Apache-2.0 */

/* Subjects as Go's pkix.Name writes them. */
#include <stdlib.h>
#include <string.h>

#include <chancery/base/alloc.h>
#include <chancery/base/text.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>
#include <chancery/server/pki_cert.h>

/* X.680 41.4; Go leaves '*' and '&' out too. */
static bool
printable(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') ||
			(c != 0 && strchr(" '()+,-./:=?", c) != NULL)))
			return false;
	}
	return true;
}

static int
descending(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;

	return bytes_cmp(buf_bytes(y), buf_bytes(x));
}

static bool
add_value(struct buf *v, const char *oid, struct bytes text, struct error *e)
{
	auto_der_writer struct der_writer w = { 0 };

	if (!utf8_valid(text))
		return error_set(e, FAIL_BAD_INPUT,
		    "subject: a value is not UTF-8");
	der_w_init(&w, 64 + text.n);
	der_w_tlv(&w, printable(text) ? DER_PRINTABLE_STRING : DER_UTF8_STRING,
	    text);
	der_w_oid(&w, oid);
	der_w_wrap(&w, DER_SEQUENCE, 0);
	buf_add_bytes(v, der_w_bytes(&w));
	return true;
}

/* One RDN of all values, each once, in DER order (X.690 11.6). */
static bool
add_rdn(struct der_writer *w, const char *oid, const struct bytes *text,
    size_t n, struct error *e)
{
	struct buf *v = mem_calloc(n + 1, sizeof(v[0]));
	size_t mark = der_w_mark(w), used = 0;
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++)
		if (text[i].n > 0)
			ok = add_value(&v[used++], oid, text[i], e);
	if (ok && used > 0) {
		qsort(v, used, sizeof(v[0]), descending);
		for (size_t i = 0; i < used; i++)
			if (i == 0 ||
			    !bytes_eq(buf_bytes(&v[i]), buf_bytes(&v[i - 1])))
				der_w_raw(w, buf_bytes(&v[i]));
		der_w_wrap(w, DER_SET, mark);
	}
	for (size_t i = 0; i < used; i++)
		buf_free(&v[i]);
	mem_free(v);
	return ok;
}

static bool
add_texts(struct der_writer *w, const char *oid, const struct pki_texts *t,
    struct error *e)
{
	struct bytes *v;
	bool ok;

	if (t == NULL || t->n == 0)
		return true;
	v = mem_calloc(t->n, sizeof(v[0]));
	for (size_t i = 0; i < t->n; i++)
		v[i] = bytes_str(t->v[i]);
	ok = add_rdn(w, oid, v, t->n, e);
	mem_free(v);
	return ok;
}

static bool
add_text(struct der_writer *w, const char *oid, const char *text,
    struct error *e)
{
	struct bytes v = text != NULL ? bytes_str(text) : bytes_of(NULL, 0);

	return add_rdn(w, oid, &v, 1, e);
}

/* Go adds them one by one behind the others: an RDN each. */
static bool
add_user_ids(struct der_writer *w, const struct pki_subject *s, struct error *e)
{
	for (size_t i = s->user_ids_n; i-- > 0;)
		if (!add_rdn(w, "0.9.2342.19200300.100.1.1", &s->user_ids[i], 1,
			e))
			return false;
	return true;
}

bool
pki_subject_encode(const struct pki_subject *s, struct buf *der,
    struct error *e)
{
	auto_der_writer struct der_writer w = { 0 };

	/* Backwards: the last RDN first. */
	der_w_init(&w, 256);
	if (!add_user_ids(&w, s, e) ||
	    !add_text(&w, "2.5.4.5", s->serial_number, e) ||
	    !add_text(&w, "2.5.4.3", s->common_name, e) ||
	    !add_texts(&w, "2.5.4.11", s->ou, e) ||
	    !add_texts(&w, "2.5.4.10", s->organization, e) ||
	    !add_texts(&w, "2.5.4.17", s->postal_code, e) ||
	    !add_texts(&w, "2.5.4.9", s->street_address, e) ||
	    !add_texts(&w, "2.5.4.7", s->locality, e) ||
	    !add_texts(&w, "2.5.4.8", s->province, e) ||
	    !add_texts(&w, "2.5.4.6", s->country, e))
		return false;
	der_w_wrap(&w, DER_SEQUENCE, 0);
	if (!name_check(der_w_bytes(&w), e))
		return error_context(e, "subject");
	buf_add_bytes(der, der_w_bytes(&w));
	return true;
}

void
pki_subject_of_role(const struct pki_role *r, const struct pki_names *n,
    struct pki_subject *out)
{
	*out = (struct pki_subject){
		.country = &r->country,
		.organization = &r->organization,
		.ou = &r->ou,
		.locality = &r->locality,
		.province = &r->province,
		.street_address = &r->street_address,
		.postal_code = &r->postal_code,
		.common_name = n->common_name,
		.serial_number = n->serial_number,
		.user_ids = n->user_ids,
		.user_ids_n = n->user_ids_n,
	};
}
