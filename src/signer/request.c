/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/text.h>

#include "internal.h"

bool
signer_claim_check(const struct signer_claim *c, struct error *e)
{
	if (c->who == NULL || strlen(c->who) > LIMIT_WHO_BYTES ||
	    !utf8_valid(bytes_str(c->who)))
		return error_set(e, FAIL_BAD_INPUT,
		    "who: missing, not UTF-8 or longer than %d bytes",
		    LIMIT_WHO_BYTES);
	if (c->why == NULL || strlen(c->why) > LIMIT_WHY_BYTES ||
	    !utf8_valid(bytes_str(c->why)))
		return error_set(e, FAIL_BAD_INPUT,
		    "why: missing, not UTF-8 or longer than %d bytes",
		    LIMIT_WHY_BYTES);
	if (c->request_id.n > 32)
		return error_set(e, FAIL_BAD_INPUT,
		    "request id: longer than 32 octets");
	return true;
}

struct request *
request_new(struct signer *s, const struct request_type *type,
    const struct sha256 *key, const struct signer_claim *claim,
    signer_done_fn *done, void *arg, struct error *e)
{
	struct signer_key *k = signer_key_find(s, key);
	struct request *r;

	if (!signer_alive(s, e) || !signer_claim_check(claim, e))
		return NULL;
	if (k == NULL) {
		(void)error_set(e, FAIL_NOT_FOUND,
		    "key: not one of this register's keys");
		return NULL;
	}
	if (s->in_flight >= LIMIT_IN_FLIGHT) {
		(void)error_set(e, FAIL_BUSY,
		    "%d requests are in flight already", LIMIT_IN_FLIGHT);
		return NULL;
	}
	r = mem_calloc(1, sizeof(*r));
	r->type = type;
	r->key = k;
	r->done = done;
	r->arg = arg;
	r->who = mem_strdup(claim->who);
	r->why = mem_strdup(claim->why);
	r->id_len = claim->request_id.n;
	if (r->id_len > 0)
		memcpy(r->id, claim->request_id.p, r->id_len);
	request_parts(r, 1);
	r->retry_of = r->cert = UINT64_MAX;
	r->intent = r->signed_ = r->record = UINT64_MAX;
	return r;
}

void
request_free(struct request *r)
{
	size_t i;

	if (r == NULL)
		return;
	crl_work_free(r->crl);
	for (i = 0; i < r->parts; i++)
		buf_free(&r->part[i].sig);
	if (r->part != &r->one)
		mem_free(r->part);
	buf_free(&r->data);
	buf_free(&r->sig);
	mem_free(r->who);
	mem_free(r->why);
	mem_free(r->profile);
	mem_free(r);
}

void
request_queue(struct signer *s, struct request *r)
{
	TAILQ_INSERT_TAIL(&s->queued, r, link);
	s->in_flight += r->parts;
}

bool
request_refuse(struct request *r, const char *rule, const char *field,
    struct error *e)
{
	r->verdict.rule = rule;
	(void)snprintf(r->verdict.field, sizeof(r->verdict.field), "%s", field);
	return error_set(e, FAIL_REFUSED, "%s: %s", rule, field);
}

void
request_claim(const struct request *r, struct record *rec)
{
	record_text(rec, "who", r->who);
	record_text(rec, "why", r->why);
}

void
part_prepare(struct part *p, enum sig_alg alg, struct bytes message)
{
	const struct sig_alg_info *info = sig_alg_info(alg);
	size_t n;

	if (!info->prehash) {
		p->to_sign = message;
		return;
	}
	n = digest_of(info->digest, message, p->digest);
	p->to_sign = bytes_of(p->digest, n);
}

void
request_prepare(struct request *r, struct bytes message)
{
	part_prepare(&r->one, r->alg, message);
}

struct sha256
request_sha256(const struct request *r, struct bytes message)
{
	const struct sig_alg_info *info = sig_alg_info(r->alg);
	struct sha256 h;

	if (!info->prehash || info->digest != DIGEST_SHA256)
		return sha256(message);
	memcpy(h.b, r->one.digest, sizeof(h.b));
	return h;
}

void
request_parts(struct request *r, size_t n)
{
	size_t i;

	r->part = n == 1 ? &r->one : mem_calloc(n, sizeof(*r->part));
	r->parts = n;
	for (i = 0; i < n; i++)
		r->part[i].request = r;
}
