/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/pki/spki.h>
#include <chancery/signer/rebuild.h>

#include "crl_text.h"
#include "rebuild.h"

/* Lists, again. */

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
	bool known; /* t.last is, without a look */
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
	(void)snprintf(x->before.scope, sizeof(x->before.scope), "%s",
	    x->t.scope.kind == CRL_KIT ? "full" : x->scope);
	if (!find_before(reg_dir(r), &x->before, e))
		return false;
	return crl_text_after(&x->t, x->before.found ? &x->before.last : NULL,
	    r, e);
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
	    base_of(r, in, &x->t, e) && crl_kit_entries(r, &x->t, e) &&
	    (x->known ? crl_text_after(&x->t, x->t.last, r, e)
		      : x->t.scope.kind == CRL_DELTA || find_last(r, x, e));
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

bool
rebuild_alg(const struct record *in, enum sig_alg *alg, struct error *e)
{
	char name[64];

	return (copy_text(in, "alg", name, sizeof(name), e) &&
		   sig_alg_by_name(name, alg)) ||
	    error_set(e, FAIL_CORRUPT, "unknown algorithm");
}

static bool
buf_sink(void *arg, struct bytes piece, unused_arg struct error *e)
{
	buf_add_bytes(arg, piece);
	return true;
}

/* The text is the INTENT's, and signed by the key. Ed25519 signs the whole of it. */
static bool
text_check(struct reg *r, const struct text *x, const struct record *in,
    struct bytes sig, uint64_t *bytes, struct error *e)
{
	const struct state_key *k = reg_state_key(reg_get_state(r), &x->t.key);
	auto_buf struct buf whole = { 0 };
	uint8_t digest[DIGEST_MAX];
	uint64_t entries;
	struct spki spki;
	size_t n;

	if (!measure(&x->t, in, bytes, digest, &n, e) ||
	    !spki_parse(k->spki, &spki, e))
		return false;
	if (sig_alg_info(x->t.p.alg)->prehash)
		return spki_verify_digest(&spki, x->t.p.alg,
		    bytes_of(digest, n), sig, e);
	return crl_text_write(&x->t, buf_sink, &whole, digest, &n, bytes,
		   &entries, e) &&
	    spki_verify(&spki, x->t.p.alg, buf_bytes(&whole), sig, e);
}

static bool
own_again(struct reg *r, const struct record *in, struct text *x,
    struct bytes sig, crl_sink *sink, void *arg, struct error *e)
{
	auto_buf struct buf head = { 0 };
	auto_buf struct buf tail = { 0 };
	uint8_t digest[DIGEST_MAX];
	uint64_t bytes, entries;
	size_t n;

	if (!text_of(r, in, x, e) || !text_check(r, x, in, sig, &bytes, e))
		return false;
	crl_outer(bytes, x->t.p.alg, sig, &head, &tail);
	return sink(arg, buf_bytes(&head), e) &&
	    crl_text_write(&x->t, sink, arg, digest, &n, &bytes, &entries, e) &&
	    sink(arg, buf_bytes(&tail), e);
}

static bool
caller_again(struct reg *r, const struct record *in, const struct record *s,
    crl_sink *sink, void *arg, struct error *e)
{
	struct bytes tbs = record_get(in, "tbs"), sig = record_get(s, "sig");
	auto_buf struct buf head = { 0 };
	auto_buf struct buf tail = { 0 };
	enum sig_alg alg = SIG_ALG__COUNT;
	const struct state_key *k;
	struct sha256 key;

	if (!record_get_hash(in, "key", &key) ||
	    (k = reg_state_key(reg_get_state(r), &key)) == NULL)
		return error_set(e, FAIL_CORRUPT, "record %llu: key",
		    (unsigned long long)in->n);
	if (!rebuild_alg(in, &alg, e) ||
	    !rebuild_check_sig(NULL, in, s, k->spki, e))
		return false;
	crl_outer(tbs.n, alg, sig, &head, &tail);
	return sink(arg, buf_bytes(&head), e) && sink(arg, tbs, e) &&
	    sink(arg, buf_bytes(&tail), e);
}

static bool
again(struct reg *r, uint64_t signed_, struct text *x, crl_sink *sink,
    void *arg, struct error *e)
{
	auto_cleanup(loaded_free) struct loaded s = { 0 };
	auto_cleanup(loaded_free) struct loaded in = { 0 };

	if (!load(r, signed_, REC_SIGNED, &s, e) ||
	    !load(r, (uint64_t)record_get_int(&s.rec, "intent"), REC_INTENT,
		&in, e))
		return false;
	return record_has(&in.rec, "tbs") && record_has(&in.rec, "crl")
	    ? caller_again(r, &in.rec, &s.rec, sink, arg, e)
	    : own_again(r, &in.rec, x, record_get(&s.rec, "sig"), sink, arg, e);
}

bool
rebuild_crl(struct reg *r, uint64_t signed_, crl_sink *sink, void *arg,
    struct error *e)
{
	struct text x = { 0 };

	return again(r, signed_, &x, sink, arg, e);
}

bool
rebuild_crl_after(struct reg *r, uint64_t signed_, const struct state_crl *last,
    crl_sink *sink, void *arg, struct error *e)
{
	struct text x = { .known = true, .t.last = last };

	return again(r, signed_, &x, sink, arg, e);
}

bool
rebuild_list_check(struct reg *r, const struct record *in, struct bytes sig,
    struct error *e)
{
	struct text x = { 0 };
	uint64_t bytes;

	return text_of(r, in, &x, e) && text_check(r, &x, in, sig, &bytes, e);
}
