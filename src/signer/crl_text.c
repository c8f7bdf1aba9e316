/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/text.h>

#include "crl_text.h"

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
	for (size_t i = 0; text != NULL && i < countof(names); i++) {
		out->kind = names[i].kind;
		if (strcmp(text, names[i].name) == 0)
			return true;
	}
	if (text == NULL || strncmp(text, "partition:", 10) != 0 ||
	    !parse_u64(text + 10, 1, CRL_PARTITION_MAX, &k))
		return error_set(e, FAIL_BAD_INPUT,
		    "scope: expected \"full\", \"partition:N\", \"delta\" or "
		    "\"caller\"");
	*out = (struct crl_scope){ CRL_PARTITION, (uint32_t)k };
	return true;
}

void
crl_scope_folder(struct bytes scope, struct buf *out)
{
	for (size_t i = 0; i < scope.n; i++)
		buf_add_byte(out, scope.p[i] == ':' ? '-' : scope.p[i]);
}

struct entries {
	const struct crl_text *t;
	struct revoked_cursor cursor;
};

static void
entries_rewind(void *arg)
{
	struct entries *x = arg;

	revoked_cursor_start(&x->cursor, x->t->state, &x->t->key,
	    x->t->position);
}

/* RFC 5280 3.3: an entry may go only after it stood on a list issued past the
 * certificate's expiry. */
static bool
may_go(const struct crl_text *t, const struct revoked_entry *v)
{
	return t->last != NULL && t->last->this_s > v->not_after_s &&
	    v->index < t->last->intent;
}

/* What a base has and the next full list drops needs no removeFromCRL in between: it
 * has expired (RFC 5280 5.2.4). */
static bool
belongs(const struct crl_text *t, const struct revoked_entry *v)
{
	switch (t->scope.kind) {
	case CRL_FULL:
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
entries_next(void *arg, struct crl_entry *out)
{
	struct entries *x = arg;
	struct revoked_entry v;

	while (revoked_cursor_next(&x->cursor, &v)) {
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

bool
crl_text_write(const struct crl_text *t, crl_sink *sink, void *arg,
    uint8_t *digest, size_t *digest_len, uint64_t *tbs_bytes, uint64_t *entries,
    struct error *e)
{
	struct entries x = { .t = t };
	const struct crl_source src = { entries_next, entries_rewind, &x };

	entries_rewind(&x);
	return crl_write_tbs(&t->p, &src, sink, arg, digest, digest_len,
	    tbs_bytes, entries, e);
}
