/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/text.h>

#include "crl_text.h"

bool
crl_scope_check(const char *scope, int64_t *partition, struct error *e)
{
	uint64_t k;

	*partition = -1;
	if (scope != NULL && strcmp(scope, "full") == 0)
		return true;
	if (scope == NULL || strncmp(scope, "partition:", 10) != 0 ||
	    !parse_u64(scope + 10, 1, CRL_PARTITION_MAX, &k))
		return error_set(e, FAIL_BAD_INPUT,
		    "scope: expected \"full\" or \"partition:N\"");
	*partition = (int64_t)k;
	return true;
}

struct entries {
	const struct crl_text *t;
	struct revoked_cursor cursor;
	int64_t partition;
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

static bool
entries_next(void *arg, struct crl_entry *out)
{
	struct entries *x = arg;
	struct revoked_entry v;

	while (revoked_cursor_next(&x->cursor, &v)) {
		if ((x->partition >= 0 && v.partition != x->partition) ||
		    may_go(x->t, &v))
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

	if (!crl_scope_check(t->scope, &x.partition, e))
		return false;
	entries_rewind(&x);
	return crl_write_tbs(&t->p, &src, sink, arg, digest, digest_len,
	    tbs_bytes, entries, e);
}
