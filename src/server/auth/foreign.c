/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of another service: what it said of them becomes a token here, and what it said no
 * to is remembered for a moment. */
#include <pthread.h>
#include <stdio.h>

#include <chancery/base/limits.h>

#include "box.h"
#include "internal.h"

/* The texts are another service's: as a name in a log line they have no control characters. */
static void
copy_visible(char *out, size_t size, const char *in)
{
	size_t n = strlen(in);

	if (n >= size)
		for (n = size - 1; n > 0 && ((uint8_t)in[n] & 0xc0) == 0x80;)
			n--;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)((uint8_t)in[i] < 0x20 || in[i] == 0x7f ? '-'
								       : in[i]);
	out[n] = '\0';
}

static void
copy_cidrs(struct token *t, const json_t *list)
{
	size_t n = json_array_size(list);

	t->bound_cidrs = n == 0 ? NULL : mem_calloc(n, sizeof(char *));
	for (; t->bound_cidrs_n < n; t->bound_cidrs_n++)
		t->bound_cidrs[t->bound_cidrs_n] = mem_strdup(
		    json_string_value(json_array_get(list, t->bound_cidrs_n)));
}

static void
fill(struct token *t, const struct token_foreign *f, int64_t now_s)
{
	t->key = token_hash(f->text);
	copy_visible(t->service, sizeof(t->service), f->service);
	copy_visible(t->accessor, sizeof(t->accessor), f->accessor);
	copy_visible(t->display_name, sizeof(t->display_name), f->display_name);
	(void)snprintf(t->path, sizeof(t->path), "vault/%s", t->service);
	t->orphan = true;
	t->created_s = now_s;
	t->ttl_s = f->expires ? f->ttl_s : 0;
	t->expires_s = f->expires ? now_s + f->ttl_s : 0;
	copy_cidrs(t, f->bound_cidrs);
}

struct token_box *
foreign_box(const struct token_foreign *f, int64_t now_s, struct error *e)
{
	auto_json json_t *names = names_clean(f->policies, false);
	int64_t good_s = f->cache_s;
	struct token_box *box;

	if (json_array_size(names) == 0) {
		(void)error_set(e, FAIL_PERMISSION,
		    "no policy of the token at Vault \"%s\" stands for one "
		    "here",
		    f->service);
		return NULL;
	}
	if (f->expires && f->ttl_s < good_s)
		good_s = f->ttl_s;
	box = mem_calloc(1, sizeof(*box));
	atomic_init(&box->refs, 1);
	if (!token_set_policies(&box->token, names, e)) {
		e->why = FAIL_PERMISSION;
		auth_token_put(&box->token);
		return NULL;
	}
	fill(&box->token, f, now_s);
	box->check_s = now_s + good_s;
	return box;
}

/* ---- answers of no ------------------------------------------------------- */

struct refusal {
	struct sha256 key;
	int64_t until_s;
	struct error why;
};
struct refusals {
	pthread_mutex_t lock;
	struct refusal v[LIMIT_FOREIGN_REFUSED];
};

struct refusals *
refusals_new(void)
{
	struct refusals *r = mem_calloc(1, sizeof(*r));

	(void)pthread_mutex_init(&r->lock, NULL);
	return r;
}

void
refusals_free(struct refusals *r)
{
	(void)pthread_mutex_destroy(&r->lock);
	mem_free(r);
}

/* One place for each: a newer answer takes it, and the older token is asked about again. */
static struct refusal *
place_of(struct refusals *r, const struct sha256 *key)
{
	return &r->v[((unsigned)key->b[0] | (unsigned)key->b[1] << 8) %
	    LIMIT_FOREIGN_REFUSED];
}

void
auth_foreign_refuse(struct auth *a, struct bytes text, int64_t until_s,
    const struct error *why)
{
	struct refusals *r = auth_refusals(a);
	struct sha256 key = token_hash(text);

	(void)pthread_mutex_lock(&r->lock);
	*place_of(r, &key) = (struct refusal){ key, until_s, *why };
	(void)pthread_mutex_unlock(&r->lock);
}

bool
auth_foreign_refused(struct auth *a, struct bytes text, int64_t now_s,
    struct error *e)
{
	struct refusals *r = auth_refusals(a);
	struct sha256 key = token_hash(text);
	const struct refusal *at;
	bool found;

	(void)pthread_mutex_lock(&r->lock);
	at = place_of(r, &key);
	found =
	    now_s < at->until_s && crypto_equal(at->key.b, key.b, SHA256_LEN);
	if (found)
		*e = at->why;
	(void)pthread_mutex_unlock(&r->lock);
	return found;
}
