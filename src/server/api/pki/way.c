/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role under an issuer, prepared: documents, chain, pointers, template. Each worker keeps
 * its own, and holds the documents that it was made of; it is made anew when one of them is
 * another now. Single-threaded, hence plain counts.
 */
#include <stdio.h>

#include "ocsp.h"
#include "partition.h"

static __thread struct way *cache;
static __thread size_t cached;

static const char *const configs[] = { "urls", "issuers", "cluster", "crl" };

void
way_put(struct way *w)
{
	if (w == NULL || --w->refs > 0)
		return;
	docs_put(w->role_doc);
	docs_put(w->issuer_doc);
	docs_put(w->key_doc);
	docs_put(w->range_doc);
	mem_free(w->listed);
	for (size_t i = 0; i < countof(w->configs); i++)
		docs_put(w->configs[i]);
	issuer_set_free(&w->all);
	pki_template_free(w->t);
	pki_texts_free(&w->ocsp);
	pki_texts_free(&w->ca_urls);
	pki_texts_free(&w->crl_urls);
	for (size_t i = 0; i < countof(w->pem); i++)
		json_decref(w->pem[i]);
	json_decref(w->chain_json);
	json_decref(w->bare_chain_json);
	mem_free(w->id);
	mem_free(w);
}

void
pki_worker_end(void)
{
	struct way *w;

	while ((w = cache) != NULL) {
		cache = w->next;
		way_put(w);
	}
	cached = 0;
	crl_worker_end();
	ocsp_sign_worker_end();
	ocsp_index_worker_end();
	partition_worker_end();
}

/* ---- pointers -------------------------------------------------------------- */

static const char *
member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

static const struct {
	const char *mark, *field; /* field NULL: the issuer's id */
} marks[] = {
	{ "{{issuer_id}}", NULL },
	{ "{{cluster_path}}", "path" },
	{ "{{cluster_aia_path}}", "aia_path" },
};
/* Filled in when the partition is known. */
static const char left_alone[] = "{{partition}}";

static bool
add_mark(const char **at, const json_t *cluster, const char *id,
    struct buf *out, struct error *e)
{
	for (size_t i = 0; i < countof(marks); i++) {
		size_t n = strlen(marks[i].mark);
		const char *v = marks[i].field == NULL
		    ? id
		    : member(cluster, marks[i].field);

		if (strncmp(*at, marks[i].mark, n) != 0)
			continue;
		if (v[0] == '\0')
			return error_set(e, FAIL_BAD_INPUT,
			    "a URL names %s, which is not set "
			    "(config/cluster)",
			    marks[i].mark);
		buf_add_str(out, v);
		*at += n;
		return true;
	}
	return error_set(e, FAIL_BAD_INPUT,
	    "a URL has an unknown template: %.60s", *at);
}

static bool
fill_in(const char *url, const json_t *cluster, const char *id,
    struct pki_texts *out, struct error *e)
{
	auto_buf struct buf text = { 0 };

	while (*url != '\0') {
		if (strncmp(url, left_alone, sizeof(left_alone) - 1) == 0) {
			buf_add_str(&text, left_alone);
			url += sizeof(left_alone) - 1;
		} else if (url[0] != '{' || url[1] != '{')
			buf_add_byte(&text, (uint8_t)*url++);
		else if (!add_mark(&url, cluster, id, &text, e))
			return false;
	}
	out->v = mem_realloc(out->v, (out->n + 1) * sizeof(out->v[0]));
	out->v[out->n++] = buf_take_str(&text);
	return true;
}

static bool
fill_all(const struct pki_texts *from, bool templating, const json_t *cluster,
    const char *id, struct pki_texts *out, struct error *e)
{
	for (size_t i = 0; i < from->n; i++) {
		if (templating) {
			if (!fill_in(from->v[i], cluster, id, out, e))
				return false;
			continue;
		}
		out->v = mem_realloc(out->v, (out->n + 1) * sizeof(out->v[0]));
		out->v[out->n++] = mem_strdup(from->v[i]);
	}
	return true;
}

struct pointers {
	struct pki_texts ocsp, ca_urls, crl_urls;
};

static void
pointers_free(struct pointers *p)
{
	pki_texts_free(&p->ocsp);
	pki_texts_free(&p->ca_urls);
	pki_texts_free(&p->crl_urls);
}

/* The issuer's own as a whole as soon as it has one (4.11). */
bool
urls_of(struct call *c, const struct issuer *i, struct pki_texts *ocsp,
    struct pki_texts *ca_urls, struct pki_texts *crl_urls, struct error *e)
{
	auto_doc const struct doc *urls =
	    docs_get(c->docs, "pki-config", c->mount->path, "urls");
	auto_doc const struct doc *cl =
	    docs_get(c->docs, "pki-config", c->mount->path, "cluster");
	const json_t *cluster = cl != NULL ? cl->json : NULL;
	auto_cleanup(pointers_free) struct pointers of_mount = { 0 };
	const struct pki_texts *from[3] = { &i->ocsp, &i->ca_urls,
		&i->crl_urls };
	bool templating = i->templating;

	if (from[0]->n + from[1]->n + from[2]->n == 0 && urls != NULL) {
		pki_texts_set(&of_mount.ocsp,
		    json_object_get(urls->json, "ocsp_servers"));
		pki_texts_set(&of_mount.ca_urls,
		    json_object_get(urls->json, "issuing_certificates"));
		pki_texts_set(&of_mount.crl_urls,
		    json_object_get(urls->json, "crl_distribution_points"));
		from[0] = &of_mount.ocsp;
		from[1] = &of_mount.ca_urls;
		from[2] = &of_mount.crl_urls;
		templating = json_is_true(
		    json_object_get(urls->json, "enable_templating"));
	}
	return fill_all(from[0], templating, cluster, i->id, ocsp, e) &&
	    fill_all(from[1], templating, cluster, i->id, ca_urls, e) &&
	    fill_all(from[2], templating, cluster, i->id, crl_urls, e);
}

/* ---- building ---------------------------------------------------------------- */

static bool
take_issuer(struct call *c, struct way *w, const char *ref, struct error *e)
{
	auto_buf struct buf has = { 0 };

	w->issuer_doc = issuer_find(c->docs, c->mount->path, ref, e);
	if (w->issuer_doc == NULL)
		return error_context(e,
		    "could not fetch the CA certificate (was one set?)");
	w->issuer = issuer_of(w->issuer_doc);
	w->key_doc = w->issuer->key_id[0] != '\0'
	    ? docs_get(c->docs, "pki-key", c->mount->path, w->issuer->key_id)
	    : NULL;
	if (w->key_doc == NULL || w->key_doc->parsed == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "unable to use issuer [id:%s/name:%s]: it has no key here",
		    w->issuer->id, w->issuer->name);
	if ((w->issuer->usage & USAGE_ISSUE) != 0)
		return true;
	usage_text(w->issuer->usage, &has);
	return error_set(e, FAIL_BAD_INPUT,
	    "requested usage issuing-certificates for issuer "
	    "[id:%s/name:%s] but only had usage %s",
	    w->issuer->id, w->issuer->name, buf_cstr(&has));
}

static bool
take_rest(struct call *c, struct way *w, struct error *e)
{
	issuer_set_load(c->docs, c->mount->path, &w->all);
	w->chain_n = issuer_chain(&w->all, w->issuer, w->chain);
	for (size_t i = 0; i < countof(configs); i++)
		w->configs[i] =
		    docs_get(c->docs, "pki-config", c->mount->path, configs[i]);
	return urls_of(c, w->issuer, &w->ocsp, &w->ca_urls, &w->crl_urls, e) &&
	    partition_of_way(c, w, e);
}

void
way_issuer_part(const struct way *w, struct pki_issuer_part *out)
{
	const struct tbs_view *t = &w->issuer->cert.tbs;

	*out = (struct pki_issuer_part){ .name = t->subject,
		.spki = t->spki_der,
		.alg = w->alg,
		.from_s = t->not_before_s,
		.to_s = t->not_after_s };
	memcpy(out->key_id, w->issuer->ski, sizeof(out->key_id));
}

static bool
make_template(struct way *w, struct error *e)
{
	const struct pki_role *r = w->role;
	struct pki_extensions x = {
		.path_len = -1,
		.basic_constraints = r->basic_constraints_valid_for_non_ca,
		/* Only a CA has it, whatever the role says. */
		.key_usage = r->key_usage_bits & ~(unsigned)KU_CERT_SIGN,
		.eku = r->eku,
		.eku_n = r->eku_n,
		.policies = &r->policy_identifiers,
		.ocsp = &w->ocsp,
		.ca_urls = &w->ca_urls,
		.crl_urls = &w->crl_urls,
	};
	struct pki_issuer_part part;

	w->alg = pki_sig_alg(w->issuer->cert.tbs.key.type, r->signature_bits,
	    r->use_pss);
	way_issuer_part(w, &part);
	w->t = pki_template_new(&part, &x, e);
	return w->t != NULL;
}

static bool
take_role(struct call *c, struct way *w, const char *role, struct error *e)
{
	w->role = pki_role_open();
	if (role == NULL)
		return true;
	w->role_doc = docs_get(c->docs, "pki-role", c->mount->path, role);
	if (w->role_doc == NULL || w->role_doc->parsed == NULL)
		return error_set(e, FAIL_BAD_INPUT, "unknown role: %.200s",
		    role);
	w->role = w->role_doc->parsed;
	(void)snprintf(w->profile, sizeof(w->profile), "role:%.255s%s", role,
	    w->role->no_store ? " no_store" : "");
	return true;
}

DEFINE_AUTO(way, struct way *, way_put)

static struct way *
build(struct call *c, const char *role, const char *ref, char *id,
    struct error *e)
{
	auto_cleanup(way_cleanup) struct way *w = mem_calloc(1, sizeof(*w));

	w->refs = 1;
	w->id = id;
	if (!take_role(c, w, role, e) ||
	    !take_issuer(c, w, ref != NULL ? ref : w->role->issuer_ref, e) ||
	    !take_rest(c, w, e) || !make_template(w, e))
		return NULL;
	return take(w);
}

/* ---- the cache ----------------------------------------------------------------- */

static bool
is_same(struct call *c, const char *kind, const char *name,
    const struct doc *have)
{
	const struct doc *now = docs_get(c->docs, kind, c->mount->path, name);
	bool same = now == have;

	docs_put(now);
	return same;
}

struct compare {
	const struct issuer_set *with;
	size_t at;
	bool same;
};

static bool
compare_issuer(void *arg, const struct doc *doc)
{
	struct compare *k = arg;

	if (doc->parsed == NULL)
		return true;
	k->same = k->at < k->with->n && k->with->v[k->at++] == doc;
	return k->same;
}

/* Held documents cannot be another at the same address. */
static bool
is_current(struct call *c, struct way *w)
{
	struct compare k = { .with = &w->all, .same = true };

	if (w->role_doc != NULL &&
	    !is_same(c, "pki-role", w->role_doc->name, w->role_doc))
		return false;
	for (size_t i = 0; i < countof(configs); i++)
		if (!is_same(c, "pki-config", configs[i], w->configs[i]))
			return false;
	if (!is_same(c, "pki-key", w->issuer->key_id, w->key_doc))
		return false;
	docs_each(c->docs, "pki-issuer", c->mount->path, compare_issuer, &k);
	return k.same && k.at == w->all.n && !partition_is_due(c, w);
}

static void
drop_last(void)
{
	struct way **at = &cache;

	while ((*at)->next != NULL)
		at = &(*at)->next;
	way_put(*at);
	*at = NULL;
	cached--;
}

static void
keep(struct way *w)
{
	w->refs++;
	w->next = cache;
	cache = w;
	if (++cached > LIMIT_PKI_WAYS)
		drop_last();
}

/* To the front when it is current, out when it is not. */
static struct way *
look_up(struct call *c, const char *id)
{
	for (struct way **at = &cache; *at != NULL; at = &(*at)->next) {
		struct way *w = *at;

		if (strcmp(w->id, id) != 0)
			continue;
		*at = w->next;
		w->next = NULL;
		if (is_current(c, w)) {
			w->next = cache;
			cache = w;
			w->refs++;
			return w;
		}
		cached--;
		way_put(w);
		return NULL;
	}
	return NULL;
}

struct way *
way_get(struct call *c, const char *role, const char *issuer_ref,
    struct error *e)
{
	char *id = mem_printf("%s\n%s\n%s", c->mount->path,
	    role != NULL ? role : "", issuer_ref != NULL ? issuer_ref : "");
	struct way *w = look_up(c, id);

	if (w != NULL) {
		mem_free(id);
		return w;
	}
	w = build(c, role, issuer_ref, id, e);
	if (w != NULL)
		keep(w);
	return w;
}

struct way *
way_new_ca(struct call *c, const char *issuer_ref, int64_t bits, bool pss,
    struct error *e)
{
	auto_cleanup(way_cleanup) struct way *w = mem_calloc(1, sizeof(*w));

	w->refs = 1;
	w->role = pki_role_open();
	if (!take_issuer(c, w, issuer_ref, e) || !take_rest(c, w, e))
		return NULL;
	w->alg = pki_sig_alg(w->issuer->cert.tbs.key.type, bits, pss);
	return take(w);
}
