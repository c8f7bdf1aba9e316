/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The extensions of a role under an issuer, each encoded once, in the order of Go's
 * encoder; SKI and SAN are written per certificate. What is written is read back and held
 * against the structure rules before anybody is asked to sign it.
 */
#include <chancery/base/alloc.h>
#include <chancery/base/limits.h>
#include <chancery/pki/ext_write.h>
#include <chancery/pki/lint.h>
#include <chancery/pki/tbs.h>
#include <chancery/server/pki_cert.h>

/* The order of a certificate. */
enum part {
	PART_KU,
	PART_EKU,
	PART_BC,
	PART_SKI,
	PART_AKI,
	PART_AIA,
	PART_SAN,
	PART_POLICIES,
	PART_CONSTRAINTS,
	PART_CRL_DP,
	PART__COUNT
};
static const enum ext_kind part_kinds[PART__COUNT] = {
	[PART_KU] = EXT_KEY_USAGE,
	[PART_EKU] = EXT_EKU,
	[PART_BC] = EXT_BASIC_CONSTRAINTS,
	[PART_SKI] = EXT_SKI,
	[PART_AKI] = EXT_AKI,
	[PART_AIA] = EXT_AIA,
	[PART_SAN] = EXT_SAN,
	[PART_POLICIES] = EXT_POLICIES,
	[PART_CONSTRAINTS] = EXT_NAME_CONSTRAINTS,
	[PART_CRL_DP] = EXT_CRL_DP,
};

struct pki_template {
	bool ca, self_signed;
	struct pki_texts partitioned; /* URLs whose list is another each time */
	struct buf name, spki, alg_issuer;
	struct buf part[PART__COUNT];
	struct tbs_issuer issuer; /* for lint; borrows name */
	struct der_writer w;
	struct buf scratch; /* SKI and SAN, or copies */
};

void
pki_template_free(struct pki_template *t)
{
	if (t == NULL)
		return;
	pki_texts_free(&t->partitioned);
	buf_free(&t->name);
	buf_free(&t->spki);
	buf_free(&t->alg_issuer);
	for (size_t i = 0; i < countof(t->part); i++)
		buf_free(&t->part[i]);
	der_w_free(&t->w);
	buf_free(&t->scratch);
	mem_free(t);
}

static void
keep(struct pki_template *t, enum part part)
{
	buf_add_bytes(&t->part[part], der_w_bytes(&t->w));
	der_w_reset(&t->w);
}

/* An object as text, or an OID. Texts point into *o. */
static struct policy_info
policy_of(const char *text, json_t *o)
{
	return text[0] != '{'
	    ? (struct policy_info){ .oid = text }
	    : (struct policy_info){
		      .oid = json_string_value(json_object_get(o, "oid")),
		      .cps = json_string_value(json_object_get(o, "cps")),
		      .notice = json_string_value(json_object_get(o, "notice"))
	      };
}

static void
write_policies(struct pki_template *t, const struct pki_texts *list)
{
	struct policy_info *v;
	json_t *objects;

	if (list == NULL || list->n == 0)
		return;
	v = mem_calloc(list->n, sizeof(v[0]));
	objects = json_array();
	for (size_t i = 0; i < list->n; i++) {
		json_t *o = list->v[i][0] == '{'
		    ? json_loads(list->v[i], 0, NULL)
		    : json_null();

		(void)json_array_append_new(objects, o);
		v[i] = policy_of(list->v[i], json_array_get(objects, i));
	}
	ext_w_policies(&t->w, v, list->n);
	json_decref(objects);
	mem_free(v);
}

static const char *const *
urls(const struct pki_texts *t, size_t *n)
{
	*n = t != NULL ? t->n : 0;
	return t != NULL ? (const char *const *)t->v : NULL;
}

/* False: there is nothing to fill in. */
static bool
keep_partitioned(struct pki_template *t, const char *const *urls, size_t n)
{
	if (!url_has_partition(urls[0]))
		return false;
	t->partitioned.v = mem_calloc(n, sizeof(t->partitioned.v[0]));
	for (; t->partitioned.n < n; t->partitioned.n++)
		t->partitioned.v[t->partitioned.n] =
		    mem_strdup(urls[t->partitioned.n]);
	return true;
}

static void
write_pointers(struct pki_template *t, const struct pki_extensions *x)
{
	size_t ocsp_n, ca_n, crl_n;
	const char *const *ocsp = urls(x->ocsp, &ocsp_n);
	const char *const *ca = urls(x->ca_urls, &ca_n);
	const char *const *crl = urls(x->crl_urls, &crl_n);

	if (ocsp_n + ca_n > 0)
		ext_w_aia(&t->w, ocsp, ocsp_n, ca, ca_n);
	keep(t, PART_AIA);
	if (crl_n > 0 && !keep_partitioned(t, crl, crl_n))
		ext_w_crl_dp_each(&t->w, crl, crl_n, 0);
	keep(t, PART_CRL_DP);
}

static void
write_parts(struct pki_template *t, const struct pki_issuer_part *issuer,
    const struct pki_extensions *x)
{
	if (x->key_usage != 0)
		ext_w_key_usage(&t->w, x->key_usage);
	keep(t, PART_KU);
	if (x->eku_n > 0)
		ext_w_eku(&t->w, x->eku, x->eku_n);
	keep(t, PART_EKU);
	if (x->ca)
		ext_w_basic_constraints(&t->w, x->path_len);
	else if (x->basic_constraints)
		ext_w_basic_constraints_leaf(&t->w);
	keep(t, PART_BC);
	ext_w_aki(&t->w, issuer->key_id);
	keep(t, PART_AKI);
	write_pointers(t, x);
	write_policies(t, x->policies);
	keep(t, PART_POLICIES);
	ext_w_constraints(&t->w, x->permitted, x->permitted_n, x->excluded,
	    x->excluded_n);
	keep(t, PART_CONSTRAINTS);
}

struct pki_template *
pki_template_new(const struct pki_issuer_part *issuer,
    const struct pki_extensions *x, struct error *e)
{
	struct pki_template *t;

	if (!name_check(issuer->name, e)) {
		(void)error_context(e, "issuer");
		return NULL;
	}
	t = mem_calloc(1, sizeof(*t));
	t->ca = x->ca;
	t->self_signed = issuer->from_s == 0 && issuer->to_s == 0;
	buf_add_bytes(&t->name, issuer->name);
	buf_add_bytes(&t->spki, issuer->spki);
	buf_add_bytes(&t->alg_issuer, sig_alg_info(issuer->alg)->der);
	buf_add_bytes(&t->alg_issuer, issuer->name);
	t->issuer = (struct tbs_issuer){ .name = buf_bytes(&t->name),
		.alg = issuer->alg,
		.not_before_s = issuer->from_s,
		.not_after_s = issuer->to_s };
	memcpy(t->issuer.key_id, issuer->key_id, 20);
	der_w_init(&t->w, 2048);
	write_parts(t, issuer, x);
	return t;
}

/* ---- one certificate --------------------------------------------------------- */

/* What a CSR may not bring: whether it is a CA is ours to say, and whose key signs. */
static bool
may_copy(const struct ext *x)
{
	return x->kind != EXT_BASIC_CONSTRAINTS && x->kind != EXT_AKI;
}

static const struct ext *
copied(const struct pki_cert_request *r, enum ext_kind kind)
{
	const struct ext *x = r->copy != NULL ? exts_find(r->copy, kind) : NULL;

	return x != NULL && may_copy(x) ? x : NULL;
}

/* A CA that may not sign certificates is none, whatever its request says. */
static bool
copy_key_usage(struct pki_template *t, const struct ext *x, struct error *e)
{
	unsigned bits;

	if (!ext_key_usage(x, &bits, e))
		return false;
	if (t->ca)
		bits |= KU_CERT_SIGN | KU_CRL_SIGN;
	else
		bits &= ~(unsigned)KU_CERT_SIGN;
	if (bits != 0)
		ext_w_key_usage(&t->w, bits);
	return true;
}

/* With names of its own the request's SAN is written anew. */
static bool
is_copied(const struct pki_cert_request *r, const struct ext *x)
{
	return may_copy(x) && !(x->kind == EXT_SAN && r->san_n > 0);
}

/* Those of the CSR, last and in its order, as Go's encoder has them. */
static bool
write_copies(struct pki_template *t, const struct pki_cert_request *r,
    struct error *e)
{
	for (size_t i = r->copy != NULL ? r->copy->n : 0; i-- > 0;) {
		const struct ext *x = &r->copy->v[i];

		if (x->kind == EXT_KEY_USAGE) {
			if (!copy_key_usage(t, x, e))
				return false;
		} else if (is_copied(r, x)) {
			ext_w_raw(&t->w, x->oid, x->critical, x->value);
		}
	}
	return true;
}

static void
write_ski(struct pki_template *t, const struct pki_cert_request *r)
{
	uint8_t id[20];

	spki_key_id(r->key, id);
	ext_w_ski_bytes(&t->w,
	    r->skid.n > 0 ? r->skid : bytes_of(id, sizeof(id)));
}

/* otherNames are beyond Go's encoder: upstream adds a SAN with them at the end. */
static bool
san_is_extra(const struct pki_cert_request *r)
{
	return r->san_n > 0 && r->san[0].kind == GN_OTHER;
}

static void
write_san(struct pki_template *t, const struct pki_cert_request *r)
{
	/* RFC 5280 4.2.1.6: critical if and only if the subject is empty. */
	ext_w_san(&t->w, r->san, r->san_n, r->subject.n <= 2);
}

/* What is not prepared; the last piece is what is extra. */
static bool
write_piece(struct pki_template *t, const struct pki_cert_request *r,
    size_t part, struct error *e)
{
	der_w_reset(&t->w);
	if (part == PART__COUNT && !write_copies(t, r, e))
		return false;
	if (part == (san_is_extra(r) ? PART__COUNT : PART_SAN) && r->san_n > 0)
		write_san(t, r);
	else if (part == PART_SKI)
		write_ski(t, r);
	else if (part == PART_CRL_DP)
		ext_w_crl_dp_each(&t->w, (const char *const *)t->partitioned.v,
		    t->partitioned.n, r->partition);
	return true;
}

/* Pieces per certificate gather in scratch; only then do they stop moving. */
struct pieces {
	struct bytes v[PART__COUNT + 1];
	size_t at[PART__COUNT + 2];
	bool prepared[PART__COUNT + 1], left_out[PART__COUNT + 1];
};

static bool
gather(struct pki_template *t, const struct pki_cert_request *r,
    struct pieces *p, struct error *e)
{
	buf_reset(&t->scratch);
	for (size_t i = 0; i <= PART__COUNT; i++) {
		const struct ext *x =
		    i < PART__COUNT ? copied(r, part_kinds[i]) : NULL;

		p->at[i] = t->scratch.n;
		p->left_out[i] = x != NULL && is_copied(r, x);
		p->prepared[i] = i != PART__COUNT && i != PART_SKI &&
		    i != PART_SAN &&
		    (i != PART_CRL_DP || t->partitioned.n == 0);
		if (p->left_out[i] || p->prepared[i])
			continue;
		if (!write_piece(t, r, i, e))
			return false;
		buf_add_bytes(&t->scratch, der_w_bytes(&t->w));
	}
	p->at[PART__COUNT + 1] = t->scratch.n;
	for (size_t i = 0; i <= PART__COUNT; i++)
		p->v[i] = p->prepared[i] && !p->left_out[i]
		    ? buf_bytes(&t->part[i])
		    : bytes_of(t->scratch.p + p->at[i],
			  p->at[i + 1] - p->at[i]);
	return true;
}

static bool
lint(struct pki_template *t, const struct pki_cert_request *r, struct bytes tbs,
    struct error *e)
{
	struct tbs_issuer issuer = t->issuer;
	struct tbs_view view;
	struct lint_context c = { .tbs = &view,
		.issuer = t->self_signed ? NULL : &issuer,
		.issuer_spki =
		    t->self_signed ? bytes_of(NULL, 0) : buf_bytes(&t->spki),
		.now_s = r->now_s };

	if (r->beyond)
		issuer.not_after_s = INT64_MAX;
	return tbs_parse(tbs, &view, e) && lint_structure(&c, e);
}

bool
pki_template_write(struct pki_template *t, const struct pki_cert_request *r,
    struct buf *tbs, struct error *e)
{
	struct pieces p;
	struct tbs_fields f = { .serial = r->serial,
		.not_before_s = r->from_s,
		.not_after_s = r->to_s,
		.alg_issuer = buf_bytes(&t->alg_issuer),
		.subject = r->subject,
		.spki = r->key->der,
		.exts = p.v,
		.exts_n = countof(p.v) };
	size_t before = tbs->n;

	if (r->subject.n <= 2 && t->ca)
		return error_set(e, FAIL_BAD_INPUT,
		    "subject: empty in a CA certificate (RFC 5280 4.1.2.6)");
	if (!gather(t, r, &p, e) || !tbs_assemble(&t->w, &f, tbs, e))
		return false;
	if (lint(t, r, bytes_of(tbs->p + before, tbs->n - before), e))
		return true;
	tbs->n = before;
	return false;
}
