/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/pki/cert.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/ocsp.h>
#include <chancery/pki/spki.h>
#include <chancery/signer/rebuild.h>

#include "crl_text.h"

struct loaded {
	struct buf line, store;
	struct record rec;
};

static void
loaded_free(struct loaded *l)
{
	buf_free(&l->line);
	buf_free(&l->store);
}

/* ---- the list before it ------------------------------------------------ */

struct before {
	struct sha256 key;
	char scope[64];
	uint64_t until; /* the INTENT of the list itself        */
	struct state_crl open[8], last; /* INTENTs without SIGNED yet        */
	size_t opens;
	bool found;
};

static bool
is_scope(const struct before *b, const struct record *rec)
{
	struct sha256 key;

	return record_has(rec, "crl") && record_get_hash(rec, "key", &key) &&
	    memcmp(key.b, b->key.b, SHA256_LEN) == 0 &&
	    bytes_eq(record_get(rec, "scope"), bytes_str(b->scope));
}

static void
note_signed(struct before *b, uint64_t intent)
{
	size_t i;

	for (i = 0; i < b->opens; i++)
		if (b->open[i].intent == intent) {
			b->last = b->open[i];
			b->found = true;
			b->open[i] = b->open[--b->opens];
			return;
		}
}

/* One builder a scope: more than one open INTENT only after crashes. */
static bool
before_each(void *arg, unused_arg struct bytes line, const struct record *rec,
    struct error *e)
{
	struct before *b = arg;

	if (rec->n >= b->until) {
		error_clear(e);
		return false;
	}
	if (rec->type == REC_INTENT && is_scope(b, rec)) {
		if (b->opens == countof(b->open))
			b->opens--;
		b->open[b->opens++] = (struct state_crl){ .intent = rec->n,
			.this_s = record_get_int(rec, "this") };
	} else if (rec->type == REC_SIGNED) {
		note_signed(b, (uint64_t)record_get_int(rec, "intent"));
	}
	return true;
}

static bool
find_before(const char *dir, struct before *b, struct error *e)
{
	error_clear(e);
	return reg_walk(dir, 0, before_each, b, e) || e->why == FAIL_NONE;
}

/* ---- the list ---------------------------------------------------------- */

static bool
load(struct reg *r, uint64_t n, enum record_type type, struct loaded *l,
    struct error *e)
{
	if (!reg_read(r, n, &l->line, &l->rec, &l->store, e))
		return false;
	if (l->rec.type != type)
		return error_set(e, FAIL_BAD_INPUT, "record %llu is not a %s",
		    (unsigned long long)n, record_spec(type)->name);
	return true;
}

struct text {
	struct before before;
	struct crl_text t;
	char url[LIMIT_CRL_URLS_BYTES + 1], scope[64], alg[64];
};

static bool
copy_text(const struct record *rec, const char *field, char *out, size_t size,
    struct error *e)
{
	struct bytes v = record_get(rec, field);

	if (v.n >= size)
		return error_set(e, FAIL_UNSUPPORTED, "%s: too long", field);
	if (v.n > 0)
		memcpy(out, v.p, v.n);
	out[v.n] = '\0';
	return true;
}

static bool
find_last(struct reg *r, struct text *x, struct error *e)
{
	memcpy(x->before.scope, x->scope, sizeof(x->scope));
	if (!find_before(reg_dir(r), &x->before, e))
		return false;
	x->t.last = x->before.found ? &x->before.last : NULL;
	return true;
}

/* What a delta is told against. */
static bool
base_of(struct reg *r, const struct record *in, struct crl_text *t,
    struct error *e)
{
	auto_cleanup(loaded_free) struct loaded base = { 0 };

	t->p.delta_base = -1;
	if (t->scope.kind != CRL_DELTA)
		return true;
	if (!load(r, (uint64_t)record_get_int(in, "base"), REC_INTENT, &base,
		e))
		return false;
	t->since = (uint64_t)record_get_int(&base.rec, "position");
	t->p.delta_base = record_get_int(&base.rec, "crl");
	return true;
}

static bool
params_of(const struct record *in, const struct spki *k, struct text *x,
    struct error *e)
{
	if (!copy_text(in, "url", x->url, sizeof(x->url), e) ||
	    !copy_text(in, "alg", x->alg, sizeof(x->alg), e))
		return false;
	if (!sig_alg_by_name(x->alg, &x->t.p.alg))
		return error_set(e, FAIL_CORRUPT, "record %llu: algorithm",
		    (unsigned long long)in->n);
	x->t.p.issuer = record_get(in, "issuer");
	spki_key_id(k, x->t.p.aki);
	x->t.p.this_update_s = record_get_int(in, "this");
	x->t.p.next_update_s = record_get_int(in, "next");
	x->t.p.number = (uint64_t)record_get_int(in, "crl");
	x->t.p.idp_url = x->url[0] != '\0' ? x->url : NULL;
	return true;
}

static bool
text_of(struct reg *r, const struct record *in, struct text *x, struct error *e)
{
	const struct reg_state *state = reg_get_state(r);
	const struct state_key *k;
	struct spki spki;

	if (!record_has(in, "crl"))
		return error_set(e, FAIL_BAD_INPUT,
		    "record %llu is not a CRL's INTENT",
		    (unsigned long long)in->n);
	if (!record_get_hash(in, "key", &x->t.key) ||
	    (k = reg_state_key(state, &x->t.key)) == NULL)
		return error_set(e, FAIL_CORRUPT, "record %llu: key",
		    (unsigned long long)in->n);
	x->t.state = state;
	x->t.position = (uint64_t)record_get_int(in, "position");
	x->before.key = x->t.key;
	x->before.until = in->n;
	return spki_parse(k->spki, &spki, e) && params_of(in, &spki, x, e) &&
	    copy_text(in, "scope", x->scope, sizeof(x->scope), e) &&
	    crl_scope_parse(x->scope, &x->t.scope, e) &&
	    base_of(r, in, &x->t, e) &&
	    (x->t.scope.kind == CRL_DELTA || find_last(r, x, e));
}

static bool
hash_sink(void *arg, struct bytes piece, unused_arg struct error *e)
{
	digest_add(arg, piece);
	return true;
}

/* Length and signature digest of the TBSCertList, held against the INTENT. */
static bool
measure(const struct crl_text *t, const struct record *in, uint64_t *bytes,
    uint8_t digest[DIGEST_MAX], size_t *digest_n, struct error *e)
{
	struct digest *d = digest_new(DIGEST_SHA256);
	struct sha256 got, want;
	uint64_t entries;

	if (!crl_text_write(t, hash_sink, d, digest, digest_n, bytes, &entries,
		e)) {
		digest_free(d);
		return false;
	}
	(void)digest_finish(d, got.b);
	if (!record_get_hash(in, "sha256", &want) ||
	    memcmp(got.b, want.b, SHA256_LEN) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: the list that follows from the register is "
		    "not the one that was signed",
		    (unsigned long long)in->n);
	return true;
}

static bool
alg_of(const struct record *in, enum sig_alg *alg, struct error *e)
{
	char name[64];

	return (copy_text(in, "alg", name, sizeof(name), e) &&
		   sig_alg_by_name(name, alg)) ||
	    error_set(e, FAIL_CORRUPT, "unknown algorithm");
}

static bool
own_again(struct reg *r, const struct record *in, struct bytes sig,
    crl_sink *sink, void *arg, struct error *e)
{
	auto_buf struct buf head = { 0 };
	auto_buf struct buf tail = { 0 };
	struct text x = { 0 };
	uint8_t digest[DIGEST_MAX];
	uint64_t bytes, entries;
	size_t n;

	if (!text_of(r, in, &x, e) || !measure(&x.t, in, &bytes, digest, &n, e))
		return false;
	crl_outer(bytes, x.t.p.alg, sig, &head, &tail);
	return sink(arg, buf_bytes(&head), e) &&
	    crl_text_write(&x.t, sink, arg, digest, &n, &bytes, &entries, e) &&
	    sink(arg, buf_bytes(&tail), e);
}

static bool
caller_again(const struct record *in, struct bytes sig, crl_sink *sink,
    void *arg, struct error *e)
{
	struct bytes tbs = record_get(in, "tbs");
	auto_buf struct buf head = { 0 };
	auto_buf struct buf tail = { 0 };
	enum sig_alg alg = SIG_ALG__COUNT;

	if (!alg_of(in, &alg, e))
		return false;
	crl_outer(tbs.n, alg, sig, &head, &tail);
	return sink(arg, buf_bytes(&head), e) && sink(arg, tbs, e) &&
	    sink(arg, buf_bytes(&tail), e);
}

bool
rebuild_crl(struct reg *r, uint64_t signed_, crl_sink *sink, void *arg,
    struct error *e)
{
	auto_cleanup(loaded_free) struct loaded s = { 0 };
	auto_cleanup(loaded_free) struct loaded in = { 0 };
	struct bytes sig;

	if (!load(r, signed_, REC_SIGNED, &s, e) ||
	    !load(r, (uint64_t)record_get_int(&s.rec, "intent"), REC_INTENT,
		&in, e))
		return false;
	sig = record_get(&s.rec, "sig");
	return record_has(&in.rec, "tbs") && record_has(&in.rec, "crl")
	    ? caller_again(&in.rec, sig, sink, arg, e)
	    : own_again(r, &in.rec, sig, sink, arg, e);
}

/* ---- any signature ----------------------------------------------------- */

static bool
is_kind(const struct record *in, const char *kind)
{
	return bytes_eq(record_get(in, "kind"), bytes_str(kind));
}

/* What the INTENT says of a certificate, against the certificate. */
static bool
check_cert(const struct record *in, enum sig_alg alg, struct error *e)
{
	struct tbs_view t;
	bool ca;

	if (!tbs_parse(record_get(in, "tbs"), &t, e))
		return false;
	if (!bytes_eq(t.serial, record_get(in, "serial")))
		return error_set(e, FAIL_CORRUPT,
		    "\"serial\" is not that of the certificate");
	if (!t.alg_known || t.alg != alg)
		return error_set(e, FAIL_CORRUPT,
		    "\"alg\" is not that of the certificate");
	ca = t.is_ca || (t.key_usage & KU_CERT_SIGN) != 0;
	if (ca != is_kind(in, "ca"))
		return error_set(e, FAIL_CORRUPT,
		    "\"kind\" is not that of the certificate");
	return true;
}

/* A certificate, or an answer, cannot hide under another name. */
static bool
check_csr(const struct record *in, enum sig_alg alg, struct error *e)
{
	auto_csr struct csr c = { 0 };

	return csr_parse_info(record_get(in, "tbs"), alg, &c, e);
}

/* What the INTENT says of a caller's list, against the list. */
static bool
check_caller_crl(const struct record *in, enum sig_alg alg, struct error *e)
{
	struct crl_view v;
	struct crl_entry one;
	size_t at = 0;
	int64_t n = 0;

	if (!crl_tbs_parse(record_get(in, "tbs"), &v, e))
		return false;
	while (crl_next_entry(&v, &at, &one, e))
		n++;
	if (e->why != FAIL_NONE)
		return false;
	return (v.alg == alg && v.has_number &&
		   (int64_t)v.number == record_get_int(in, "crl") &&
		   v.this_update_s == record_get_int(in, "this") &&
		   v.next_update_s == record_get_int(in, "next") &&
		   n == record_get_int(in, "entries") &&
		   bytes_eq(v.issuer, record_get(in, "issuer"))) ||
	    error_set(e, FAIL_CORRUPT,
		"number, times, entries, issuer or algorithm are not those of "
		"the list");
}

static bool
check_form(const struct record *in, enum sig_alg alg, struct error *e)
{
	if (is_kind(in, "csr"))
		return check_csr(in, alg, e);
	if (is_kind(in, "caller-crl"))
		return check_caller_crl(in, alg, e);
	if (is_kind(in, "leaf") || is_kind(in, "ca"))
		return check_cert(in, alg, e);
	return error_set(e, FAIL_CORRUPT, "\"kind\" is not one that is signed");
}

static bool
check_ocsp(const struct spki_verifier *v, enum sig_alg alg,
    const struct record *in, struct bytes sigs, struct error *e)
{
	struct bytes data = record_get(in, "tbs");
	struct der_reader d, s, dt, st;
	struct ocsp_data parsed;
	struct bytes one;
	int64_t n;
	uint8_t tag;

	der_r_init(&dt, data);
	der_r_init(&st, sigs);
	der_r_init(&d, der_r_get(&dt, DER_SEQUENCE));
	der_r_init(&s, der_r_get(&st, DER_SEQUENCE));
	for (n = 0; der_r_peek(&d) >= 0; n++) {
		one = der_r_any(&d, &tag);
		if (!ocsp_data_parse(one, &parsed, e) ||
		    !spki_verifier_check(v, alg, one,
			der_r_get(&s, DER_OCTET_STRING), e))
			return false;
	}
	return (der_r_done(&d) && der_r_done(&s) && der_r_done(&st) &&
		   n == record_get_int(in, "entries")) ||
	    error_set(e, FAIL_CORRUPT, "signatures and answers do not pair");
}

static bool
buf_sink(void *arg, struct bytes piece, unused_arg struct error *e)
{
	buf_add_bytes(arg, piece);
	return true;
}

static bool
check_crl(struct reg *r, const struct spki *k, enum sig_alg alg,
    const struct record *in, struct bytes sig, struct error *e)
{
	const struct sig_alg_info *info = sig_alg_info(alg);
	auto_buf struct buf whole = { 0 };
	struct text x = { 0 };
	uint8_t digest[DIGEST_MAX];
	uint64_t bytes, entries;
	size_t n;

	if (r == NULL && info->prehash && info->digest == DIGEST_SHA256)
		return spki_verify_digest(k, alg, record_get(in, "sha256"), sig,
		    e);
	if (r == NULL)
		return error_set(e, FAIL_UNSUPPORTED,
		    "the signature of a list by %s is checked on the list",
		    info->name);
	if (!text_of(r, in, &x, e) || !measure(&x.t, in, &bytes, digest, &n, e))
		return false;
	if (info->prehash)
		return spki_verify_digest(k, alg, bytes_of(digest, n), sig, e);
	return crl_text_write(&x.t, buf_sink, &whole, digest, &n, &bytes,
		   &entries, e) &&
	    spki_verify(k, alg, buf_bytes(&whole), sig, e);
}

bool
rebuild_check_with(const struct spki_verifier *v, const struct record *in,
    const struct record *signed_, struct error *e)
{
	struct bytes sig = record_get(signed_, "sig");
	enum sig_alg alg = SIG_ALG__COUNT;

	if (!alg_of(in, &alg, e))
		return false;
	if (is_kind(in, "ocsp"))
		return check_ocsp(v, alg, in, sig, e);
	return check_form(in, alg, e) &&
	    spki_verifier_check(v, alg, record_get(in, "tbs"), sig, e);
}

bool
rebuild_check_sig(void *arg, const struct record *in,
    const struct record *signed_, struct bytes spki, struct error *e)
{
	struct spki_verifier *v;
	enum sig_alg alg = SIG_ALG__COUNT;
	struct spki k;
	bool ok;

	if (!alg_of(in, &alg, e) || !spki_parse(spki, &k, e))
		return false;
	if (record_has(in, "crl") && !record_has(in, "tbs"))
		return check_crl(arg, &k, alg, in, record_get(signed_, "sig"),
		    e);
	v = spki_verifier_new(&k, e);
	ok = v != NULL && rebuild_check_with(v, in, signed_, e);
	spki_verifier_free(v);
	return ok;
}
