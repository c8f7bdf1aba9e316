/* SPDX-License-Identifier: Apache-2.0 */

/* A profile and an issuer, encoded once; then a certificate is six fields. */
#include <chancery/pki/tbs.h>

#include <assert.h>

#include <chancery/base/limits.h>

#include "internal.h"
#include "tbs_rules.h"
#include <chancery/pki/ext_write.h>

enum {
	KEY_CLASS_RSA,
	KEY_CLASS_OTHER,
	KEY_CLASS__COUNT
};

struct tbs_template {
	struct profile profile; /* its strings are borrowed */
	struct tbs_issuer issuer;
	struct buf issuer_name;
	struct buf alg_issuer;              /* signature ‖ issuer          */
	struct buf first[KEY_CLASS__COUNT]; /* BC, KU, EKU                 */
	struct buf last;                    /* CDP … tlsFeature            */
	struct buf aki;
	bool partitioned; /* the CDP is written each time */
	struct der_writer w;
	struct buf subject; /* after the subject policy    */
};

void
tbs_template_free(struct tbs_template *t)
{
	if (t == NULL)
		return;
	buf_free(&t->issuer_name);
	buf_free(&t->alg_issuer);
	for (size_t i = 0; i < countof(t->first); i++)
		buf_free(&t->first[i]);
	buf_free(&t->last);
	buf_free(&t->aki);
	der_w_free(&t->w);
	buf_free(&t->subject);
	mem_free(t);
}

/* What the writer holds, moved to *out. */
static void
keep(struct der_writer *w, struct buf *out)
{
	buf_add_bytes(out, der_w_bytes(w));
	der_w_reset(w);
}

static void
prepare_first(struct tbs_template *t, unsigned key_usage, struct buf *out)
{
	const struct profile *p = &t->profile;

	if (p->eku[0] != NULL)
		ext_w_eku(&t->w, p->eku, PROFILE_EKUS_MAX);
	if (key_usage != 0)
		ext_w_key_usage(&t->w, key_usage);
	if (p->ca)
		ext_w_basic_constraints(&t->w, p->path_len);
	keep(&t->w, out);
}

static void
prepare_policies(struct tbs_template *t)
{
	struct policy_info v[PROFILE_POLICIES_MAX] = { 0 };
	size_t n = 0;

	for (; n < countof(v) && t->profile.policy_oid[n] != NULL; n++)
		v[n].oid = t->profile.policy_oid[n];
	if (n > 0)
		ext_w_policies(&t->w, v, n);
}

static bool
prepare_last(struct tbs_template *t, struct error *e)
{
	const struct profile *p = &t->profile;

	if (p->must_staple)
		ext_w_must_staple(&t->w);
	if (p->ocsp_nocheck)
		ext_w_nocheck(&t->w);
	if (!ext_w_name_constraints(&t->w, p, e))
		return error_context(e, "profile %s", p->name);
	prepare_policies(t);
	if (p->ca_url[0] != NULL || p->ocsp_url[0] != NULL)
		ext_w_aia(&t->w, p->ocsp_url, PROFILE_URLS_MAX, p->ca_url,
		    PROFILE_URLS_MAX);
	if (p->crl_url[0] != NULL && !t->partitioned)
		ext_w_crl_dp(&t->w, p->crl_url, PROFILE_URLS_MAX, 0);
	keep(&t->w, &t->last);
	return true;
}

static bool
prepare(struct tbs_template *t, struct error *e)
{
	const struct profile *p = &t->profile;

	buf_add_bytes(&t->alg_issuer, sig_alg_info(t->issuer.alg)->der);
	buf_add_bytes(&t->alg_issuer, t->issuer.name);
	for (size_t i = 0; i < PROFILE_URLS_MAX && p->crl_url[i] != NULL; i++)
		t->partitioned |= url_has_partition(p->crl_url[i]);
	prepare_first(t, p->key_usage_rsa, &t->first[KEY_CLASS_RSA]);
	prepare_first(t, p->key_usage_ec, &t->first[KEY_CLASS_OTHER]);
	if (p->aki)
		ext_w_aki(&t->w, t->issuer.key_id);
	keep(&t->w, &t->aki);
	return prepare_last(t, e);
}

struct tbs_template *
tbs_template_new(const struct profile *p, const struct tbs_issuer *issuer,
    struct error *e)
{
	auto_tbs_template struct tbs_template *t = NULL;

	if (!profile_check(p, e) || !name_check(issuer->name, e))
		return NULL;
	t = mem_calloc(1, sizeof(*t));
	t->profile = *p;
	t->issuer = *issuer;
	buf_add_bytes(&t->issuer_name, issuer->name);
	t->issuer.name = buf_bytes(&t->issuer_name);
	der_w_init(&t->w, 2048);
	if (!prepare(t, e))
		return NULL;
	return take(t);
}

static void
write_extensions(struct tbs_template *t, const struct tbs_request *r,
    bool empty_subject, const uint8_t key_id[20])
{
	bool rsa = r->key->type.alg == KEY_RSA;
	struct der_writer *w = &t->w;
	size_t mark = der_w_mark(w);

	der_w_raw(w, buf_bytes(&t->last));
	if (t->partitioned)
		ext_w_crl_dp(w, t->profile.crl_url, PROFILE_URLS_MAX,
		    r->crl_partition);
	/* RFC 5280 4.2.1.6: critical if and only if the subject is empty. */
	if (r->san_count > 0)
		ext_w_san(w, r->san, r->san_count, empty_subject);
	der_w_raw(w, buf_bytes(&t->aki));
	ext_w_ski(w, key_id);
	der_w_raw(w,
	    buf_bytes(&t->first[rsa ? KEY_CLASS_RSA : KEY_CLASS_OTHER]));
	der_w_wrap(w, DER_SEQUENCE, mark);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(3), mark);
}

/* Extensions stand in w already. */
static void
write_fields(struct der_writer *w, const struct tbs_fields *f)
{
	static const uint8_t v3[] = { DER_CONTEXT_CONSTRUCTED(0), 3,
		DER_INTEGER, 1, 2 };
	size_t mark;

	der_w_raw(w, f->spki);
	der_w_raw(w, f->subject);
	mark = der_w_mark(w);
	der_w_time(w, f->not_after_s);
	der_w_time(w, f->not_before_s);
	der_w_wrap(w, DER_SEQUENCE, mark);
	der_w_raw(w, f->alg_issuer);
	der_w_integer(w, f->serial);
	der_w_raw(w, bytes_of(v3, sizeof(v3)));
	der_w_wrap(w, DER_SEQUENCE, 0);
}

static bool
append_tbs(const struct der_writer *w, struct buf *out, struct error *e)
{
	struct bytes der = der_w_bytes(w);

	if (der.n > LIMIT_TBS_BYTES)
		return error_set(e, FAIL_REFUSED,
		    "TBSCertificate of %zu bytes, limit %d", der.n,
		    LIMIT_TBS_BYTES);
	buf_add_bytes(out, der);
	return true;
}

bool
tbs_assemble(struct der_writer *w, const struct tbs_fields *f, struct buf *out,
    struct error *e)
{
	if (!tbs_check_serial(f->serial, e) ||
	    !tbs_check_times(f->not_before_s, f->not_after_s, e) ||
	    !name_check(f->subject, e) || !tbs_check_characters(f->subject, e))
		return false;
	der_w_reset(w);
	for (size_t i = f->exts_n; i-- > 0;)
		der_w_raw(w, f->exts[i]);
	if (der_w_mark(w) > 0) {
		der_w_wrap(w, DER_SEQUENCE, 0);
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(3), 0);
	}
	write_fields(w, f);
	return append_tbs(w, out, e);
}

/* The profile's rows choose and order the subject; without rows it stays. */
static bool
apply_subject(struct tbs_template *t, const struct tbs_request *r,
    struct bytes *out, struct error *e)
{
	const struct profile *p = &t->profile;
	size_t rows = 0;

	while (rows < PROFILE_ROWS_MAX && p->subject[rows].type != NULL)
		rows++;
	if (rows == 0) {
		*out = r->subject;
		return name_check(*out, e) || error_context(e, "subject");
	}
	buf_reset(&t->subject);
	if (!name_policy_apply(p->subject, rows, p->subject_strict,
		t->issuer.name, r->subject, &t->subject, e))
		return error_context(e, "profile %s", p->name);
	*out = buf_bytes(&t->subject);
	return true;
}

bool
tbs_write(struct tbs_template *t, const struct tbs_request *r, struct buf *out,
    struct error *e)
{
	struct tbs_fields f = { .serial = r->serial,
		.not_before_s = r->not_before_s,
		.not_after_s = r->not_after_s,
		.alg_issuer = buf_bytes(&t->alg_issuer),
		.spki = r->key->der };
	uint8_t key_id[20];

	if (!apply_subject(t, r, &f.subject, e))
		return false;
	spki_key_id(r->key, key_id);
	if (!tbs_rules(&t->profile, &t->issuer, r, f.subject, key_id, e))
		return error_context(e, "profile %s", t->profile.name);
	der_w_reset(&t->w);
	write_extensions(t, r, f.subject.n <= 2, key_id);
	write_fields(&t->w, &f);
	return append_tbs(&t->w, out, e) ||
	    error_context(e, "profile %s", t->profile.name);
}
