/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "crl_text.h"

/* "", or ":12+345": ascending. */
static bool
kit_scope_parse(const char *text, struct crl_scope *out)
{
	struct crl_scope k = { .kind = CRL_KIT };
	char digits[24];

	for (const char *p = text; *p != '\0';) {
		size_t n = strspn(p + 1, "0123456789");

		if (*p != (p == text ? ':' : '+') || n >= sizeof(digits) ||
		    k.certs == CRL_KIT_CERTS_MAX)
			return false;
		memcpy(digits, p + 1, n);
		digits[n] = '\0';
		if (!parse_u64(digits, 0, INT64_MAX, &k.cert[k.certs]) ||
		    (k.certs > 0 && k.cert[k.certs] <= k.cert[k.certs - 1]))
			return false;
		k.certs++;
		p += n + 1;
	}
	*out = k;
	return true;
}

bool
crl_scope_parse(const char *text, struct crl_scope *out, struct error *e)
{
	static const struct {
		const char *name;
		enum crl_scope_kind kind;
	} names[] = { { "full", CRL_FULL }, { "delta", CRL_DELTA },
		{ "caller", CRL_CALLER } };
	uint64_t k;

	*out = (struct crl_scope){ .kind = CRL_FULL };
	if (text != NULL && strncmp(text, "kit", 3) == 0 &&
	    kit_scope_parse(text + 3, out))
		return true;
	for (size_t i = 0; text != NULL && i < countof(names); i++) {
		out->kind = names[i].kind;
		if (strcmp(text, names[i].name) == 0)
			return true;
	}
	if (text == NULL || strncmp(text, "partition:", 10) != 0 ||
	    !parse_u64(text + 10, 1, CRL_PARTITION_MAX, &k))
		return error_set(e, FAIL_BAD_INPUT,
		    "scope: expected \"full\", \"partition:N\", \"delta\", "
		    "\"caller\" or \"kit\"");
	*out = (struct crl_scope){ .kind = CRL_PARTITION,
		.partition = (uint32_t)k };
	return true;
}

static char *
key_dir(const char *root, const struct sha256 *key)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(key), hex);
	return path_join(root, hex);
}

char *
crl_list_dir(const char *root, const struct sha256 *key, const char *scope)
{
	auto_mem char *of_key = key_dir(root, key);
	auto_mem char *folder = mem_strdup(scope);

	for (char *c = folder; (c = strchr(c, ':')) != NULL;)
		*c = '-';
	return path_join(of_key, folder);
}

char *
crl_list_dir_make(const char *root, const struct sha256 *key, const char *scope,
    struct error *e)
{
	auto_mem char *of_key = key_dir(root, key);
	auto_mem char *dir = crl_list_dir(root, key, scope);

	if (!dir_create(root, 0755, e) ||
	    !dir_create_durable(of_key, 0755, e) ||
	    !dir_create_durable(dir, 0755, e))
		return NULL;
	return take(dir);
}

struct entries {
	const struct crl_text *t;
	uint64_t left; /* records that are looked at before it pauses */
	bool paused;
	struct revoked_cursor cursor;
	/* Of a kit: the next of the records, and of the others. */
	struct crl_entry ahead;
	bool has_ahead;
	size_t extra;
};

static void
entries_rewind(void *arg)
{
	struct entries *x = arg;

	x->extra = 0;
	x->has_ahead = false;
	revoked_cursor_start(&x->cursor, x->t->state, &x->t->key,
	    x->t->position);
}

/* RFC 5280 3.3: an entry may go only after it stood on a list issued past the
 * certificate's expiry. */
static bool
may_go(const struct crl_text *t, const struct revoked_entry *v)
{
	return t->last != NULL && t->last->this_s > v->not_after_s &&
	    v->index < t->listed;
}

/* What a base has and the next full list drops needs no removeFromCRL in between: it
 * has expired (RFC 5280 5.2.4). */
static bool
belongs(const struct crl_text *t, const struct revoked_entry *v)
{
	switch (t->scope.kind) {
	case CRL_FULL:
	case CRL_KIT:
		return !may_go(t, v);
	case CRL_PARTITION:
		return v->partition == t->scope.partition && !may_go(t, v);
	case CRL_DELTA:
		return v->index >= t->since;
	case CRL_CALLER:
		break;
	}
	return false;
}

static bool
record_next(struct entries *x, struct crl_entry *out)
{
	struct revoked_entry v;

	for (;;) {
		x->paused = x->left == 0;
		if (x->paused || !revoked_cursor_next(&x->cursor, &v))
			return false;
		x->left--;
		if (!belongs(x->t, &v))
			continue;
		memcpy(out->serial, v.serial, sizeof(out->serial));
		out->revoked_s = v.date_s;
		out->invalidity_s = v.invalidity_s;
		out->reason = (enum crl_reason)v.reason;
		return true;
	}
	return false;
}

/* The extra ones between; what is revoked already stands as its record says. */
static bool
entries_next(void *arg, struct crl_entry *out)
{
	struct entries *x = arg;
	int order = 1;

	if (!x->has_ahead)
		x->has_ahead = record_next(x, &x->ahead);
	if (!x->has_ahead && x->paused)
		return false;
	if (x->extra < x->t->extra_n)
		order = x->has_ahead
		    ? memcmp(x->t->extra[x->extra].serial, x->ahead.serial,
			  sizeof(x->ahead.serial))
		    : -1;
	if (order < 0) {
		*out = x->t->extra[x->extra++];
		return true;
	}
	if (!x->has_ahead)
		return false;
	x->extra += order == 0 ? 1 : 0;
	*out = x->ahead;
	x->has_ahead = false;
	return true;
}

struct crl_text_writer {
	struct entries x;
	struct crl_source source;
	struct crl_writer *w;
};

struct crl_text_writer *
crl_text_writer_new(const struct crl_text *t, crl_sink *sink, void *arg,
    struct error *e)
{
	struct crl_text_writer *w = mem_calloc(1, sizeof(*w));

	w->x.t = t;
	w->source = (struct crl_source){ entries_next, entries_rewind, &w->x };
	w->w = crl_writer_new(&t->p, &w->source, &w->x.paused, sink, arg, e);
	if (w->w != NULL)
		return w;
	mem_free(w);
	return NULL;
}

void
crl_text_writer_free(struct crl_text_writer *w)
{
	if (w == NULL)
		return;
	crl_writer_free(w->w);
	mem_free(w);
}

bool
crl_text_go_on(struct crl_text_writer *w, uint64_t *left, bool *done,
    struct error *e)
{
	bool ok;

	w->x.left = *left;
	ok = crl_writer_go_on(w->w, done, e);
	*left = w->x.left;
	return ok;
}

const struct crl_written *
crl_text_written(const struct crl_text_writer *w)
{
	return crl_writer_written(w->w);
}

bool
crl_text_write(const struct crl_text *t, crl_sink *sink, void *arg,
    uint8_t *digest, size_t *digest_len, uint64_t *tbs_bytes, uint64_t *entries,
    struct error *e)
{
	struct entries x = { .t = t, .left = UINT64_MAX };
	const struct crl_source src = { entries_next, entries_rewind, &x };

	return crl_write_tbs(&t->p, &src, sink, arg, digest, digest_len,
	    tbs_bytes, entries, e);
}

bool
crl_text_after(struct crl_text *t, const struct state_crl *last, struct reg *r,
    struct error *e)
{
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct record rec;

	t->last = last;
	t->listed = 0;
	/* Number and times are of one that was signed, if any was. */
	if (last == NULL || last->intent == 0)
		return true;
	if (!reg_read(r, last->intent, &line, &rec, &store, e))
		return false;
	t->listed = (uint64_t)record_get_int(&rec, "position");
	return true;
}
