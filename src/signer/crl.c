/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "crl_work.h"

/*
 * SIGN_CRL: the list is written here, from the revoked index, so that it is
 * complete by construction; a caller's own is held against that index.
 */

#define YEAR_S INT64_C(31557600)
/* Beyond any list's use; keeps nextUpdate far from where times end. */
#define CRL_PERIOD_MAX_S (100 * YEAR_S)
/* In base64 it must fit into a record; real names have some hundred octets. */
#define CRL_ISSUER_MAX 16384

void
crl_work_free(struct crl_work *w)
{
	if (w == NULL)
		return;
	if (w->map != NULL)
		(void)munmap(w->map, w->map_n);
	if (w->fd >= 0)
		(void)close(w->fd);
	if (w->sha256 != NULL)
		digest_free(w->sha256);
	crl_text_writer_free(w->writer);
	buf_free(&w->issuer);
	mem_free(w->scope_text);
	mem_free(w->idp_url);
	mem_free(w->path);
	mem_free(w->dir);
	mem_free(w);
}

void
crl_work_answer(const struct crl_work *w, struct signer_reply *a)
{
	if (w == NULL)
		return;
	a->path = w->path;
	a->crl_number = w->number;
	a->entries = w->entries;
	a->bytes = w->bytes;
}

/* A partition's list is complete for the certificates that point to its URLs, and for
 * no others: under another partition's URL it would hide theirs (RFC 5280 6.3.3 b). */
static bool
url_check(const struct signer_crl *req, const struct crl_scope *scope,
    struct error *e)
{
	const char *at = req->idp_url, *end;

	if (at == NULL)
		return scope->kind != CRL_PARTITION ||
		    error_set(e, FAIL_BAD_INPUT,
			"a partition needs the URL of its distribution point "
			"(RFC 5280 5.2.5)");
	if (strlen(at) > LIMIT_CRL_URLS_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "URLs: longer than %d octets", LIMIT_CRL_URLS_BYTES);
	if (scope->kind != CRL_PARTITION)
		return true;
	for (; at != NULL; at = end == NULL ? NULL : end + 1) {
		end = strchr(at, ' ');
		if (partition_of_url(bytes_of(at,
			end == NULL ? strlen(at) : (size_t)(end - at))) !=
		    scope->partition)
			return error_set(e, FAIL_BAD_INPUT,
			    "URL: does not name partition-%u",
			    scope->partition);
	}
	return true;
}

/* What we are to write. */
static bool
own_check(const struct signer_crl *req, const struct crl_scope *scope,
    struct error *e)
{
	if (!url_check(req, scope, e))
		return false;
	if (req->period_s < 1 || req->period_s > CRL_PERIOD_MAX_S)
		return error_set(e, FAIL_BAD_INPUT,
		    "period: not between 1 s and %d years",
		    (int)(CRL_PERIOD_MAX_S / YEAR_S));
	if (req->issuer.n == 0 || req->issuer.n > CRL_ISSUER_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "issuer: %zu bytes, allowed 1 to %d", req->issuer.n,
		    CRL_ISSUER_MAX);
	if ((unsigned)req->alg >= SIG_ALG__COUNT)
		return error_set(e, FAIL_BAD_INPUT, "algorithm: unknown");
	return req->tbs.n == 0 ||
	    error_set(e, FAIL_BAD_INPUT,
		"TBSCertList: only scope \"caller\" brings one");
}

/* Its INTENT holds it whole, or it could not be made again. */
static bool
caller_check(const struct signer_crl *req, struct error *e)
{
	if (req->tbs.n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "TBSCertList: scope \"caller\" needs one");
	return req->tbs.n <= LIMIT_TBS_BYTES ||
	    error_set(e, FAIL_BAD_INPUT,
		"TBSCertList: %zu bytes; a list that its caller writes is kept "
		"in "
		"one record, which holds %d (about 1,000 entries)",
		req->tbs.n, LIMIT_TBS_BYTES);
}

static bool
crl_check(const struct signer *s, const struct signer_crl *req,
    struct crl_scope *scope, struct error *e)
{
	if (!crl_scope_parse(req->scope, scope, e) ||
	    !(scope->kind == CRL_CALLER ? caller_check(req, e)
					: own_check(req, scope, e)))
		return false;
	if (req->path == NULL && s->cfg.crl_dir == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "no path and no CRL directory configured");
	/* It would be served like any other. */
	if (scope->kind == CRL_KIT && req->path == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "kit: only an offline signer writes one, where it is "
		    "told");
	/* A daemon's callers do not say where files go. */
	if (req->path != NULL && !s->cfg.reg.offline)
		return error_set(e, FAIL_BAD_INPUT,
		    "path: only an offline signer takes one");
	return req->path == NULL || file_check_absent(req->path, e);
}

bool
signer_sign_crl(struct signer *s, const struct signer_crl *req,
    signer_done_fn *done, void *arg, struct error *e)
{
	struct crl_scope scope;
	struct request *r;
	struct crl_work *w;

	if (!crl_check(s, req, &scope, e))
		return false;
	r = request_new(s, &request_crl, &req->key, &req->claim, done, arg, e);
	if (r == NULL)
		return false;
	r->alg = req->alg;
	r->crl = w = mem_calloc(1, sizeof(*w));
	w->fd = -1;
	w->scope = scope;
	w->scope_text = mem_strdup(req->scope);
	if (req->idp_url != NULL && scope.kind != CRL_CALLER)
		w->idp_url = mem_strdup(req->idp_url);
	w->named = req->path != NULL;
	if (w->named)
		w->path = mem_strdup(req->path);
	buf_add_bytes(&w->issuer, req->issuer);
	buf_add_bytes(&r->data, req->tbs);
	memcpy(w->aki, req->issuer_key_id, sizeof(w->aki));
	w->period_s = req->period_s;
	request_queue(s, r);
	return true;
}

/* Numbers of one series. */
static bool
same_series(const struct crl_work *a, const struct crl_work *b)
{
	if (crl_scope_is_full_series(a->scope.kind))
		return crl_scope_is_full_series(b->scope.kind);
	return a->scope.kind == b->scope.kind &&
	    a->scope.partition == b->scope.partition;
}

/* One builder per key and series: another one that is on its way is waited for, so
 * that revocations which arrived meanwhile share the next list. */
static bool
another_runs(const struct signer *s, const struct request *r)
{
	const struct request_list *lists[] = { &s->admitted, &s->flying,
		&s->finished };
	const struct request *o;
	size_t i;

	for (i = 0; i < countof(lists); i++)
		TAILQ_FOREACH(o, lists[i], link)
	if (o->crl != NULL && o->key == r->key && same_series(o->crl, r->crl))
		return true;
	TAILQ_FOREACH(o, &s->queued, link)
	if (o->crl != NULL && o->crl->writer != NULL && o->key == r->key &&
	    same_series(o->crl, r->crl))
		return true;
	return false;
}

/* ---- deciding ---------------------------------------------------------- */

/* RFC 5280 5.2.4: the scope of a delta is its base's, so its URLs are as well. */
static bool
find_base(struct signer *s, struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;
	const struct state_crl *full =
	    reg_state_crl(reg_get_state(s->reg), &r->key->id, "full");
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct record rec;
	struct bytes url;

	if (full == NULL || full->intent == 0)
		return error_set(e, FAIL_NOT_FOUND,
		    "no full list yet that a delta could be told against");
	if (!reg_read(s->reg, full->intent, &line, &rec, &store, e))
		return false;
	url = record_get(&rec, "url");
	if (!bytes_eq(url, bytes_str(w->idp_url != NULL ? w->idp_url : "")))
		return error_set(e, FAIL_BAD_INPUT,
		    "URLs: not those of the full list before it "
		    "(RFC 5280 5.2.4)");
	w->base = full->intent;
	w->since = (uint64_t)record_get_int(&rec, "position");
	w->base_number = (uint64_t)record_get_int(&rec, "crl");
	return true;
}

/* Number, times and position of a list that is written here. */
static bool
own_fields(struct signer *s, struct request *r, int64_t now_s, struct error *e)
{
	struct crl_work *w = r->crl;

	w->this_s = now_s;
	w->next_s = w->this_s + w->period_s;
	(void)reg_state_crl_number(reg_get_state(s->reg), &r->key->id,
	    w->scope_text, &w->number);
	w->number++;
	return w->scope.kind != CRL_DELTA || find_base(s, r, e);
}

static bool
structure_ok(struct signer *s, struct request *r, struct error *e)
{
	const struct crl_work *w = r->crl;

	if (!sig_alg_fits(r->alg, r->key->spki.type))
		return request_refuse(r, "structure-algorithm", "signature", e);
	if (memcmp(w->aki, r->key->key_id, 20) != 0)
		return request_refuse(r, "structure-aki",
		    "extensions.authorityKeyIdentifier", e);
	return signer_issuer_ok(s, r->key, buf_bytes(&w->issuer)) ||
	    request_refuse(r, "structure-issuer", "issuer", e);
}

static bool
intent(struct signer *s, struct request *r, struct error *e)
{
	const struct crl_work *w = r->crl;
	struct sha256 h;
	struct record rec;

	crl_file_hash(r, &h);
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", sig_alg_info(r->alg)->name);
	if (w->scope.kind == CRL_DELTA)
		record_int(&rec, "base", (int64_t)w->base);
	record_int(&rec, "crl", (int64_t)w->number);
	record_int(&rec, "entries", (int64_t)w->entries);
	record_bytes(&rec, "issuer", buf_bytes(&w->issuer));
	record_hash(&rec, "key", &r->key->id);
	record_text(&rec, "kind", r->kind);
	record_time(&rec, "next", w->next_s);
	record_int(&rec, "position", (int64_t)w->position);
	record_bytes(&rec, "req", bytes_of(r->id, r->id_len));
	record_text(&rec, "scope", w->scope_text);
	record_hash(&rec, "sha256", &h);
	record_bytes(&rec, "tbs", buf_bytes(&r->data));
	record_time(&rec, "this", w->this_s);
	record_text(&rec, "url", w->idp_url);
	request_claim(r, &rec);
	return reg_append(s->reg, &rec, (struct bytes){ 0 }, &r->intent, e);
}

static bool
allowed(struct signer *s, struct request *r, struct error *e)
{
	const struct crl_work *w = r->crl;
	struct charter_usage u = { 0 };
	int64_t now_ms;

	if (!reg_now(s->reg, &now_ms, e))
		return false;
	signer_usage(s, r->key, &u, now_ms / 1000);
	return structure_ok(s, r, e) &&
	    charter_allows_list(r->key->charter,
		w->scope.kind == CRL_CALLER ? KIND_CALLER_CRL : KIND_CRL,
		w->this_s, w->next_s, &u, &r->verdict, e);
}

static bool
admit_caller(struct signer *s, struct request *r, struct error *e)
{
	struct crl_view v;

	if (!crl_caller_read(r, &v, e))
		return false;
	r->crl->position = reg_size(s->reg);
	return allowed(s, r, e) && crl_caller_check(s, r, &v, e) &&
	    crl_file_caller(s, r, e) && intent(s, r, e);
}

static bool
begin_own(struct signer *s, struct request *r, struct error *e)
{
	int64_t now_ms;

	if (!reg_now(s->reg, &now_ms, e) || !own_fields(s, r, now_ms / 1000, e))
		return false;
	r->crl->position = reg_size(s->reg);
	return allowed(s, r, e) && crl_file_begin(s, r, e);
}

/* A part in each turn, so that others are signed meanwhile. Records from the position on belong
 * to the next list. Whether it is allowed is asked again before the INTENT: the charter may be
 * another one by then. */
static bool
admit_own(struct signer *s, struct request *r, struct error *e)
{
	bool done = false;

	if (r->crl->writer == NULL && !begin_own(s, r, e))
		return false;
	if (s->list_left > 0 && !crl_file_go_on(r, &s->list_left, &done, e))
		return false;
	if (done)
		return allowed(s, r, e) && intent(s, r, e);
	r->waits = r->builds = s->builds = true;
	return false;
}

static bool
admit(struct signer *s, struct request *r, struct error *e)
{
	const struct crl_work *w = r->crl;
	bool caller = w->scope.kind == CRL_CALLER;

	r->kind = caller ? "caller-crl" : "crl";
	r->waits = w->writer == NULL && another_runs(s, r);
	if (r->waits)
		return false;
	return caller ? admit_caller(s, r, e) : admit_own(s, r, e);
}

const struct request_type request_crl = {
	.name = "crl",
	.admit = admit,
	.complete = crl_file_complete,
	.release = crl_file_release,
};
