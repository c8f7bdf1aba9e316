/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/catalog.h>

#include <string.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

/* An INTENT whose outcome has not come yet: at most what a signer has in flight. */
struct pending {
	uint64_t n;
	struct sha256 key;
	struct buf tbs;
	char alg[32], kind[8];
	char *profile, *who, *why;
};

struct walk {
	struct pending *v;
	size_t n, cap;
	catalog_fn *each;
	void *arg;
};

static void
pending_free(struct pending *p)
{
	buf_free(&p->tbs);
	mem_free(p->profile);
	mem_free(p->who);
	mem_free(p->why);
}

static void
walk_free(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		pending_free(&w->v[i]);
	mem_free(w->v);
}

static char *
text_dup(struct bytes v)
{
	char *s = mem_alloc(v.n + 1);

	if (v.n > 0)
		memcpy(s, v.p, v.n);
	s[v.n] = '\0';
	return s;
}

static void
text_copy(char *to, size_t size, struct bytes v)
{
	size_t n = v.n < size - 1 ? v.n : size - 1;

	if (n > 0)
		memcpy(to, v.p, n);
	to[n] = '\0';
}

static void
take_intent(struct walk *w, const struct record *r)
{
	struct bytes kind = record_get(r, "kind");
	struct pending *p;

	if (!record_has(r, "tbs") ||
	    (!bytes_eq(kind, bytes_str("ca")) &&
		!bytes_eq(kind, bytes_str("leaf"))))
		return;
	w->v = mem_grow(w->v, w->n, &w->cap, sizeof(*w->v));
	p = &w->v[w->n++];
	*p = (struct pending){ .n = r->n };
	(void)record_get_hash(r, "key", &p->key);
	buf_add_bytes(&p->tbs, record_get(r, "tbs"));
	text_copy(p->alg, sizeof(p->alg), record_get(r, "alg"));
	text_copy(p->kind, sizeof(p->kind), kind);
	p->profile = text_dup(record_get(r, "profile"));
	p->who = text_dup(record_get(r, "who"));
	p->why = text_dup(record_get(r, "why"));
}

static bool
give(struct walk *w, const struct pending *p, const struct record *r,
    struct error *e)
{
	struct catalog_entry c = {
		.intent = p->n,
		.outcome = r->n,
		.key = p->key,
		.tbs = buf_bytes(&p->tbs),
		.ca = strcmp(p->kind, "ca") == 0,
		.assumed = r->type == REC_ASSUMED,
		.profile = p->profile,
		.who = p->who,
		.why = p->why,
		.t_ms = r->t_ms,
	};

	if (r->type == REC_SIGNED)
		c.sig = record_get(r, "sig");
	if (!sig_alg_by_name(p->alg, &c.alg))
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: unknown algorithm", (unsigned long long)p->n);
	return w->each(w->arg, &c, e);
}

static bool
take_outcome(struct walk *w, const struct record *r, struct error *e)
{
	uint64_t intent = (uint64_t)record_get_int(r, "intent");
	bool ok = true;

	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].n != intent)
			continue;
		if (r->type != REC_FAILED)
			ok = give(w, &w->v[i], r, e);
		pending_free(&w->v[i]);
		w->v[i] = w->v[--w->n];
		break;
	}
	return ok;
}

static bool
each_record(void *arg, unused_arg struct bytes line, const struct record *r,
    struct error *e)
{
	if (r->type == REC_INTENT) {
		take_intent(arg, r);
		return true;
	}
	if (r->type == REC_SIGNED || r->type == REC_FAILED ||
	    r->type == REC_ASSUMED)
		return take_outcome(arg, r, e);
	return true;
}

bool
catalog_walk(const char *dir, catalog_fn *each, void *arg, struct error *e)
{
	struct walk w = { .each = each, .arg = arg };
	bool ok = reg_walk(dir, 0, each_record, &w, e);

	walk_free(&w);
	return ok;
}

void
catalog_certificate(const struct catalog_entry *c, struct buf *der)
{
	cert_assemble(c->tbs, c->alg, c->sig, der);
}

struct issuer_search {
	const struct sha256 *key;
	struct buf der;
	struct sha256 signer;
	bool found;
};

static bool
issuer_entry(void *arg, const struct catalog_entry *c, struct error *e)
{
	struct issuer_search *s = arg;
	struct tbs_view v;
	struct sha256 h;

	if (!c->ca || c->assumed)
		return true;
	if (!tbs_parse(c->tbs, &v, e))
		return error_context(e, "record %llu",
		    (unsigned long long)c->intent);
	h = sha256(v.spki_der);
	if (!bytes_eq(sha256_bytes(&h), sha256_bytes(s->key)))
		return true;
	buf_reset(&s->der);
	catalog_certificate(c, &s->der);
	s->signer = c->key;
	s->found = true;
	return true;
}

bool
catalog_issuer(const char *dir, const struct sha256 *key, struct cert *out,
    struct sha256 *signer, struct error *e)
{
	struct issuer_search s = { .key = key };
	bool ok = catalog_walk(dir, issuer_entry, &s, e);

	if (ok && !s.found)
		ok = error_set(e, FAIL_NOT_FOUND,
		    "the register has no CA certificate over this key");
	if (ok)
		ok = cert_parse(buf_bytes(&s.der),
		    "certificate in the register", out, e);
	if (ok && signer != NULL)
		*signer = s.signer;
	buf_free(&s.der);
	return ok;
}

bool
issuer_file(const char *path, const struct sha256 *key, struct cert *out,
    struct error *e)
{
	auto_buf struct buf text = { 0 };
	auto_cert struct cert c = { 0 };
	struct sha256 h;

	if (!file_read(path, LIMIT_CERT_BYTES, &text, e) ||
	    !cert_parse(buf_bytes(&text), path, &c, e))
		return false;
	h = sha256(c.tbs.spki_der);
	if (!bytes_eq(sha256_bytes(&h), sha256_bytes(key)))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s is not a certificate over the key of the issuer", path);
	*out = c;
	c = (struct cert){ 0 };
	return true;
}

bool
catalog_chain(const char *dir, const struct sha256 *key,
    struct catalog_chain *out, struct error *e)
{
	struct sha256 at = *key, signer;

	while (out->n < CHAIN_MAX) {
		struct error why = { 0 };

		if (!catalog_issuer(dir, &at, &out->v[out->n], &signer, &why)) {
			/* The issuer of the last one lives elsewhere. */
			if (out->n > 0 && why.why == FAIL_NOT_FOUND)
				return true;
			*e = why;
			return false;
		}
		out->n++;
		if (bytes_eq(sha256_bytes(&at), sha256_bytes(&signer)))
			return true;
		at = signer;
	}
	return error_set(e, FAIL_BAD_INPUT,
	    "more than %d certificates in the "
	    "chain",
	    CHAIN_MAX);
}

void
catalog_chain_free(struct catalog_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		cert_free(&c->v[i]);
	c->n = 0;
}

bool
serial_align(struct bytes integer, uint8_t out[20])
{
	while (integer.n > 0 && integer.p[0] == 0)
		integer = bytes_of(integer.p + 1, integer.n - 1);
	if (integer.n > LIMIT_SERIAL_BYTES)
		return false;
	memset(out, 0, LIMIT_SERIAL_BYTES);
	if (integer.n > 0)
		memcpy(out + LIMIT_SERIAL_BYTES - integer.n, integer.p,
		    integer.n);
	return true;
}

bool
serial_parse(const char *text, uint8_t out[20], struct error *e)
{
	auto_buf struct buf hex = { 0 }, raw = { 0 };

	for (const char *p = text; *p != '\0'; p++)
		if (*p != ':')
			buf_add_byte(&hex, (uint8_t)*p);
	if (hex.n % 2 != 0) {
		auto_buf struct buf even = { 0 };

		buf_add_byte(&even, '0');
		buf_add_bytes(&even, buf_bytes(&hex));
		buf_reset(&hex);
		buf_add_bytes(&hex, buf_bytes(&even));
	}
	if (hex.n == 0 || !hex_decode((const char *)hex.p, hex.n, &raw) ||
	    !serial_align(buf_bytes(&raw), out))
		return error_set(e, FAIL_BAD_INPUT,
		    "\"%s\" is not a serial number (hex, up to 20 octets)",
		    text);
	return true;
}

struct serial_search {
	uint8_t serial[20];
	struct catalog_match *m;
	bool found;
};

static bool
serial_entry(void *arg, const struct catalog_entry *c, struct error *e)
{
	struct serial_search *s = arg;
	struct tbs_view v;
	uint8_t have[20];

	if (!tbs_parse(c->tbs, &v, e))
		return error_context(e, "record %llu",
		    (unsigned long long)c->intent);
	if (!serial_align(v.serial, have) || memcmp(have, s->serial, 20) != 0)
		return true;
	s->m->key = c->key;
	s->m->intent = c->intent;
	s->m->outcome = c->outcome;
	s->m->assumed = c->assumed;
	if (c->assumed)
		buf_add_bytes(&s->m->der, c->tbs);
	else
		catalog_certificate(c, &s->m->der);
	s->found = true;
	return true;
}

bool
catalog_find_serial(const char *dir, const char *serial,
    struct catalog_match *out, struct error *e)
{
	struct serial_search s = { .m = out };

	if (!serial_parse(serial, s.serial, e) ||
	    !catalog_walk(dir, serial_entry, &s, e))
		return false;
	if (!s.found)
		return error_set(e, FAIL_NOT_FOUND,
		    "the register has no certificate with serial %s", serial);
	return true;
}

void
catalog_match_free(struct catalog_match *m)
{
	buf_free(&m->der);
}
