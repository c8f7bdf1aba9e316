/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the signer for a list: what config/crl says of it, and calls that share one. */
#include "partition.h"

int64_t
crl_expiry(struct docs *d, const char *mount)
{
	json_t *cfg = config_get(d, mount, "crl");
	int64_t s = config_seconds(cfg, "expiry");

	if (s < 1)
		s = INT64_C(72) * 3600;
	json_decref(cfg);
	return s;
}

bool
crl_is_on(struct docs *d, const char *mount, const char *member)
{
	auto_doc const struct doc *doc =
	    docs_get(d, "pki-config", mount, "crl");

	return doc != NULL && json_is_true(json_object_get(doc->json, member));
}

bool
crl_disabled(struct docs *d, const char *mount)
{
	return crl_is_on(d, mount, "disable");
}

bool
crl_has_delta(struct docs *d, const char *mount)
{
	return crl_is_on(d, mount, "enable_delta");
}

void
crl_warn_large(struct call *c, const struct crl_file *f)
{
	if (f->bytes > CRL_LARGE_BYTES)
		call_warn(c,
		    "the list has %llu octets, and Java reads no more than 20 "
		    "MiB: set partitions in config/crl",
		    (unsigned long long)f->bytes);
}

bool
crl_may_list(const struct issuer *i)
{
	return (i->usage & USAGE_CRL) != 0 && i->key_id[0] != '\0' &&
	    (i->cert.tbs.key_usage == 0 ||
		(i->cert.tbs.key_usage & KU_CRL_SIGN) != 0);
}

struct url_search {
	const struct sha256 *key;
	unsigned part;
	struct buf *out;
};

/* What certificates name, of every mount that has the key. */
static bool
add_urls(void *arg, const struct doc *doc)
{
	struct url_search *s = arg;
	const struct range *r = range_of(doc);

	if (r == NULL || !range_has(r, s->part) ||
	    memcmp(r->key.b, s->key->b, SHA256_LEN) != 0)
		return true;
	for (size_t i = 0; i < r->urls.n; i++) {
		if (s->out->n > 0)
			buf_add_byte(s->out, ' ');
		partition_fill(r->urls.v[i], s->part, s->out);
	}
	return true;
}

void
crl_ask_make(struct docs *d, const char *mount, const struct issuer *i,
    unsigned part, struct crl_ask *out)
{
	struct url_search s = { &i->key, part, &out->urls };

	*out = (struct crl_ask){ .lane = { .key = i->key,
				     .issuer = i->cert.tbs.subject,
				     .alg = crl_alg_of(i),
				     .scope = out->scope,
				     .period_s = crl_expiry(d, mount) } };
	memcpy(out->lane.issuer_key_id, i->ski,
	    sizeof(out->lane.issuer_key_id));
	crl_scope(part, out->scope);
	if (part == CRL_FULL || part == CRL_DELTA)
		return;
	docs_each(d, PARTITION_KIND, NULL, add_urls, &s);
	if (out->urls.n > 0)
		out->lane.idp_url = buf_cstr(&out->urls);
}

void
crl_ask_free(struct crl_ask *a)
{
	buf_free(&a->urls);
}

/*
 * Calls of a worker that want a list of the same key and scope share it: those that come while one is
 * on its way wait for the next, which is asked for when that one is there and so has all that
 * was recorded meanwhile. What the call goes on with is kept beside its own state.
 */
struct crl_step {
	struct call *c;
	void *state;
	void (*state_free)(void *state);
	const struct doc *issuer;
	struct crl_ask ask;
	call_fn *next;
	struct joint *joint;
	struct crl_step *link;
	bool leads, strict;
};
struct joint {
	struct joint *next;
	struct sha256 key;
	unsigned part;
	bool flying;
	struct crl_step *waiting, *riding;
};
static __thread struct joint *joints;

static struct joint *
joint_of(const struct sha256 *key, unsigned part)
{
	struct joint **at, *j;

	for (at = &joints; (j = *at) != NULL;) {
		if (j->part == part &&
		    memcmp(j->key.b, key->b, SHA256_LEN) == 0)
			return j;
		/* Partitions come and go. */
		if (!j->flying && j->waiting == NULL) {
			*at = j->next;
			mem_free(j);
		} else {
			at = &j->next;
		}
	}
	j = mem_calloc(1, sizeof(*j));
	*j = (struct joint){ .next = joints, .key = *key, .part = part };
	return joints = j;
}

void
crl_worker_end(void)
{
	struct joint *j;

	while ((j = joints) != NULL) {
		joints = j->next;
		mem_free(j);
	}
}

static void
step_free(void *p)
{
	struct crl_step *s = p;

	docs_put(s->issuer);
	crl_ask_free(&s->ask);
	if (s->state != NULL && s->state_free != NULL)
		s->state_free(s->state);
	mem_free(s);
}

/* Back to the call's own state. */
static void
go_on(struct call *c)
{
	struct crl_step *s = c->state;
	call_fn *next = s->next;

	if (!c->reply->ok && !s->strict)
		call_warn(c,
		    "the list of revoked certificates was not made: %s",
		    c->reply->err.msg);
	c->state = take(s->state);
	c->state_free = s->state_free;
	step_free(s);
	next(c);
}

static void listed(struct call *c);

static void
lead(struct crl_step *s)
{
	struct joint *j = s->joint;

	j->flying = true;
	j->riding = take(j->waiting);
	call_sign_crl(s->c, &s->ask.lane, listed);
}

static void
waited(struct call *c)
{
	struct crl_step *s = c->state;

	if (s->leads)
		lead(s);
	else
		go_on(c);
}

/* The next list first: it is on its way while these answer. */
static void
listed(struct call *c)
{
	struct joint *j = ((struct crl_step *)c->state)->joint;
	struct crl_step *riding = take(j->riding), *first = j->waiting, *s;

	j->flying = false;
	if (first != NULL) {
		j->waiting = first->link;
		first->leads = true;
		call_wake(first->c, c->reply);
	}
	while ((s = riding) != NULL) {
		riding = s->link;
		call_wake(s->c, c->reply);
	}
	go_on(c);
}

static void
ask(struct call *c, const struct doc *issuer, unsigned part, bool strict,
    call_fn *next)
{
	const struct issuer *i = issuer_of(issuer);
	struct crl_step *s = mem_calloc(1, sizeof(*s));

	*s = (struct crl_step){ .c = c,
		.state = c->state,
		.state_free = c->state_free,
		.issuer = docs_ref(issuer),
		.next = next,
		.joint = joint_of(&i->key, part),
		.strict = strict };
	crl_ask_make(c->docs, c->mount->path, i, part, &s->ask);
	c->state = s;
	c->state_free = step_free;
	if (!s->joint->flying) {
		lead(s);
		return;
	}
	s->link = s->joint->waiting;
	s->joint->waiting = s;
	call_wait(c, waited);
}

void
crl_then(struct call *c, const struct doc *issuer, unsigned part, call_fn *next)
{
	if (!crl_may_list(issuer_of(issuer)) ||
	    crl_disabled(c->docs, c->mount->path))
		next(c);
	else
		ask(c, issuer, part, false, next);
}

void
crl_first(struct call *c, const struct doc *issuer, unsigned part,
    call_fn *next)
{
	ask(c, issuer, part, true, next);
}
