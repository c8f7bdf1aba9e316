/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/json.h>
#include <chancery/base/text.h>

#include "internal.h"

/* The field of such a document that names the key as the register does. */
#define KEY_FIELD "key"

bool
mounts_depend_on(const char *kind)
{
	return strcmp(kind, STORE_KIND_MOUNT) == 0 ||
	    strcmp(kind, STORE_KIND_KEY) == 0;
}

static void
eras_clear(struct eras *x)
{
	for (size_t i = 0; i < x->n; i++)
		mem_free(x->v[i].mount);
	mem_free(x->v);
	*x = (struct eras){ 0 };
}

void
mounts_clear(struct mounts *m)
{
	eras_clear(&m->mounts);
	eras_clear(&m->keys);
}

static struct era *
add_era(struct eras *x, const char *mount, uint64_t since, uint64_t until)
{
	x->v = mem_grow(x->v, x->n, &x->cap, sizeof(*x->v));
	x->v[x->n] = (struct era){ .mount = mem_strdup(mount),
		.since = since,
		.until = until };
	return &x->v[x->n++];
}

static bool
at_record(const struct era *x, uint64_t n)
{
	return x->since < n && n < x->until;
}

static bool
add_mount(void *arg, const char *scope, const char *name,
    unused_arg struct bytes value, uint64_t since, uint64_t until)
{
	struct mounts *m = arg;

	if (*scope == '\0')
		(void)add_era(&m->mounts, name, since, until);
	return true;
}

static bool
key_field(struct bytes value, struct sha256 *out)
{
	struct json_reader r;
	struct bytes key, text = { 0 };
	char hex[2 * SHA256_LEN + 1];

	json_read(&r, value);
	json_enter_object(&r);
	while (json_next_key(&r, &key))
		if (bytes_eq(key, bytes_str(KEY_FIELD)) &&
		    json_peek(&r) == JSON_KIND_STRING)
			text = json_get_raw_str(&r);
		else
			(void)json_get_value(&r);
	if (text.n != sizeof(hex) - 1)
		return false;
	memcpy(hex, text.p, text.n);
	hex[text.n] = '\0';
	return hex_decode_fixed(hex, out->b, SHA256_LEN);
}

static bool
add_key(void *arg, const char *scope, unused_arg const char *name,
    struct bytes value, uint64_t since, uint64_t until)
{
	struct mounts *m = arg;
	struct sha256 key;

	if (key_field(value, &key))
		add_era(&m->keys, scope, since, until)->key = key;
	return true;
}

bool
mounts_load(struct mounts *m, struct store *s, struct error *e)
{
	mounts_clear(m);
	return store_doc_eras(s, STORE_KIND_MOUNT, add_mount, m, e) &&
	    store_doc_eras(s, STORE_KIND_KEY, add_key, m, e);
}

/* A key that only other mounts have cannot be this one's. One that no mount has yet may
 * be: the root's own certificate is signed before its key's document is written. */
static bool
key_fits(const struct mounts *m, const char *mount, const struct sha256 *key,
    uint64_t n)
{
	const struct era *x = m->keys.v;
	bool elsewhere = false;

	for (size_t i = 0; i < m->keys.n; i++, x++) {
		if (memcmp(&x->key, key, sizeof(*key)) != 0 || !at_record(x, n))
			continue;
		if (strcmp(x->mount, mount) == 0)
			return true;
		elsewhere = true;
	}
	return !elsewhere;
}

/* A mount that was removed counts: a request was under way when it was, and the service
 * put its certificate there. No other request gets that far. */
void
mounts_of_claim(const struct mounts *m, struct bytes why,
    const struct sha256 *key, uint64_t n, char *out)
{
	const struct era *x = m->mounts.v;
	const char *best = "";
	size_t best_n = 0, len;

	for (size_t i = 0; i < m->mounts.n; i++, x++) {
		len = strlen(x->mount);
		if (len > best_n && len < why.n && why.p[len] == '/' &&
		    memcmp(why.p, x->mount, len) == 0 && x->since < n) {
			best = x->mount;
			best_n = len;
		}
	}
	if (!key_fits(m, best, key, n))
		best_n = 0;
	memcpy(out, best, best_n);
	out[best_n] = '\0';
}

bool
mounts_stands_since(const struct mounts *m, const char *mount, uint64_t n)
{
	const struct era *x = m->mounts.v;

	for (size_t i = 0; i < m->mounts.n; i++, x++)
		if (strcmp(x->mount, mount) == 0 && x->since < n &&
		    x->until == UINT64_MAX)
			return true;
	return false;
}
