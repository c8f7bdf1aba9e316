/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a way has partitions, and what the URLs of its certificates are then. */
#include "partition.h"

/* How often a worker looks whether "auto" is to begin. */
#define LOOK_S 16

static bool
may_begin(struct call *c, const struct way *w)
{
	uint64_t certs, revoked;
	struct crl_file f;
	struct error ignored;

	if (!store_cert_count(c->store, c->mount->path, &certs, &revoked,
		&ignored) ||
	    certs < (uint64_t)w->most)
		return false;
	/* One whose lists are refused, or not made yet, keeps what it has. */
	return crl_look(&w->issuer->key, CRL_FULL, &f);
}

/* Where URLs say "{{partition}}" there is no list that all could stand in from the first on. */
static bool
names_partitions(const struct pki_texts *urls)
{
	for (size_t i = 0; i < urls->n; i++)
		if (strstr(urls->v[i], "{{partition}}") != NULL)
			return true;
	return false;
}

static bool
wanted(struct call *c, struct way *w, const struct partition_mode *mode)
{
	if (w->crl_urls.n == 0 || !crl_may_list(w->issuer))
		return false;
	if (!mode->automatic)
		return mode->n > 0;
	w->look_s = c->now_s + LOOK_S;
	return names_partitions(&w->crl_urls) || may_begin(c, w);
}

bool
partition_of_way(struct call *c, struct way *w, struct error *e)
{
	struct pki_texts patterns = { 0 };
	struct partition_mode mode;
	struct error why;
	bool ok;

	partition_mode_get(c->docs, c->mount->path, &mode);
	w->automatic = mode.automatic;
	w->width = mode.n;
	w->most = mode.most;
	if (!wanted(c, w, &mode)) {
		partition_none(&w->crl_urls);
		return true;
	}
	ok = partition_patterns(&w->crl_urls, &patterns, &why);
	if (ok) {
		pki_texts_free(&w->crl_urls);
		w->crl_urls = patterns;
		w->partitioned = true;
		return true;
	}
	pki_texts_free(&patterns);
	if (!mode.automatic) {
		*e = why;
		return false;
	}
	/* What stood before partitions were there goes on as it was. */
	w->look_s = 0;
	partition_none(&w->crl_urls);
	return true;
}

bool
partition_is_due(struct call *c, struct way *w)
{
	if (w->partitioned || !w->automatic || w->look_s == 0 ||
	    c->now_s < w->look_s)
		return false;
	w->look_s = c->now_s + LOOK_S;
	return may_begin(c, w);
}
